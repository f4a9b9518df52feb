//! Which stream each serial line, monitor, gdb and QMP gets: QEMU's defaults and its conflicts.

use super::config::{CharArg, CharTarget, Config, Given, MonitorMode};
use crate::base::Result;
use crate::error;
use crate::fail;
use crate::host::{Backend, CharSpec};
use serde::Serialize;

/// Ctrl-A.
const DEFAULT_ESCAPE: u8 = 1;

/// Every stream and who is on it. Streams are named by the id of their [`CharSpec`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConsolePlan {
    /// All streams, to be opened in this order; ids are unique.
    pub chardevs: Vec<CharSpec>,
    /// Serial line N; `None`: `-serial none`, no such line. Shorter than the board's count: the rest go nowhere.
    pub serials: Vec<Option<String>>,
    /// Monitors.
    pub monitors: Vec<MonitorPlan>,
    /// The debugger's stream.
    pub gdb: Option<String>,
    /// The byte that starts a command on a shared stream.
    pub escape: u8,
    /// What the user should know, a line each, for stderr.
    pub notes: Vec<String>,
}

/// A monitor and its stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MonitorPlan {
    /// The stream's id.
    pub chardev: String,
    /// What is spoken.
    pub mode: MonitorMode,
}

impl ConsolePlan {
    /// Resolves what the command line says about streams.
    ///
    /// # Errors
    /// Two streams on the terminal, two ends on a stream that is not shared, an id that nobody defines.
    pub fn new(config: &Config) -> Result<ConsolePlan> {
        let mut planner = Planner::default();
        planner.plan.escape = config.console.escape.unwrap_or(DEFAULT_ESCAPE);
        for (spec, given) in &config.console.chardevs {
            planner.add(spec.clone(), given)?;
        }

        let words = &config.console;
        let defaults = config.has_defaults();
        let nographic = config.display.nographic;
        let takes_monitor_along =
            |arg: &&CharArg| arg.with_monitor && !matches!(arg.target, CharTarget::None | CharTarget::Id(_));
        let monitor_on_serial = words.serials.iter().any(|arg| takes_monitor_along(&arg));
        let default_serial = defaults && words.serials.is_empty();
        let default_monitor = defaults && !words.monitor_given && !monitor_on_serial;
        let shared = nographic && default_serial && default_monitor;

        // Monitors first: where terminal is asked for twice, it is the serial line that is refused.
        for (mode, arg) in &words.monitors {
            let label = format!("compat_monitor{}", planner.own_monitors);
            if let Some(chardev) = planner.take(arg, &label)? {
                planner.own_monitors += usize::from(chardev == label);
                planner.plan.monitors.push(MonitorPlan { chardev, mode: *mode });
            }
        }
        if nographic && default_monitor && !shared {
            let arg = implied("stdio", "-nographic (its monitor)")?;
            planner.monitor(&arg, "compat_monitor0")?;
        }

        let implied_serial = match (default_serial, nographic) {
            (false, _) => None,
            (true, true) if shared => Some(implied("mon:stdio", "-nographic")?),
            (true, true) => Some(implied("stdio", "-nographic (its serial line)")?),
            (true, false) => {
                if config.display.kind.is_none() {
                    let note = "there is no window yet, so the serial line is not shown: -nographic shows it";
                    planner.plan.notes.push(note.into());
                }
                Some(implied("vc", "the default serial line")?)
            }
        };
        for (n, arg) in words.serials.iter().chain(&implied_serial).enumerate() {
            let label = format!("serial{n}");
            let chardev = planner.take(arg, &label)?;
            if takes_monitor_along(&arg) {
                planner.monitor(&CharArg { target: CharTarget::Id(label), ..arg.clone() }, "")?;
            }
            planner.plan.serials.push(chardev);
        }
        for device in &config.devices {
            if let Some((_, id)) = device.props.iter().rev().find(|(key, _)| key == "chardev") {
                if planner.find(id).is_none() {
                    fail!("{}: Property '{}.chardev' can't find value '{id}'", device.given, device.driver);
                }
                planner.use_it(id, &device.given)?;
            }
        }
        if let Some(args) = &config.run.semihosting
            && let Some(id) = &args.chardev
        {
            planner.find(id).ok_or_else(|| error!("{}: chardev \"{id}\" not found", args.given))?;
            planner.use_it(id, &args.given)?;
        }
        if let Some(arg) = &words.gdb {
            planner.plan.gdb = planner.take(arg, "gdb")?;
        }
        Ok(planner.plan)
    }

    /// The spec of a stream.
    pub fn chardev(&self, id: &str) -> Option<&CharSpec> {
        self.chardevs.iter().find(|spec| spec.id == id)
    }
}

/// A stream that no option names.
fn implied(value: &str, given: &str) -> Result<CharArg> {
    let (target, with_monitor) = super::chars::short(value)?;
    Ok(CharArg { target, with_monitor, given: Given(given.into()) })
}

#[derive(Default)]
struct Planner {
    plan: ConsolePlan,
    /// Who is on a stream that only one end can have.
    users: Vec<(String, Given)>,
    /// Monitors with a stream of their own.
    own_monitors: usize,
}

impl Planner {
    fn find(&self, id: &str) -> Option<&CharSpec> {
        self.plan.chardev(id)
    }

    fn add(&mut self, spec: CharSpec, given: &Given) -> Result<()> {
        let is_stdio = |spec: &CharSpec| matches!(spec.backend, Backend::Stdio { .. });
        if is_stdio(&spec) && self.plan.chardevs.iter().any(is_stdio) {
            fail!("{given}: cannot use stdio by multiple character devices");
        }
        if self.find(&spec.id).is_some() {
            fail!("{given}: Duplicate ID '{}' for chardev", spec.id);
        }
        self.plan.chardevs.push(spec);
        Ok(())
    }

    /// The stream that `arg` names, made under `label` when it is its own.
    fn take(&mut self, arg: &CharArg, label: &str) -> Result<Option<String>> {
        let id = match &arg.target {
            CharTarget::None => return Ok(None),
            CharTarget::Id(id) => id.clone(),
            CharTarget::Own(spec) => {
                self.add(CharSpec { id: label.into(), ..spec.clone() }, &arg.given)?;
                label.into()
            }
        };
        self.find(&id).ok_or_else(|| error!("{}: chardev \"{id}\" not found", arg.given))?;
        self.use_it(&id, &arg.given)?;
        Ok(Some(id))
    }

    fn use_it(&mut self, id: &str, given: &Given) -> Result<()> {
        if self.find(id).is_some_and(|spec| spec.mux) {
            return Ok(());
        }
        if let Some((_, first)) = self.users.iter().find(|(used, _)| used == id) {
            fail!("{given}: chardev \"{id}\" is in use by {first}; mux=on on the -chardev would share it");
        }
        self.users.push((id.into(), given.clone()));
        Ok(())
    }

    fn monitor(&mut self, arg: &CharArg, label: &str) -> Result<()> {
        if let Some(chardev) = self.take(arg, label)? {
            self.plan.monitors.push(MonitorPlan { chardev, mode: MonitorMode::Readline });
        }
        Ok(())
    }
}
