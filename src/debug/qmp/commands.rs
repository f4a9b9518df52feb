//! The commands of QMP.

use super::json::text;
use crate::base::{QEMU_VERSION, version};
use crate::debug::monitor::{Monitor, save_core, save_tree};
use crate::debug::{Desk, uuid_text};
use crate::machine::{Control, PanicAction, Status, WatchdogAction};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Why a command failed.
pub struct Fault {
    /// QMP's class of error.
    pub class: &'static str,
    /// The message.
    pub desc: String,
}

/// An error of the usual class.
pub fn fault<T>(desc: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { class: "GenericError", desc: desc.into() })
}

/// The arguments of a command.
pub struct Args(Map<String, Value>);

/// What a command does; its answer is JSON text.
type Run = fn(&Arc<Desk>, &mut Args) -> Result<String, Fault>;

/// The commands beside `qmp_capabilities`, which the session sees to.
const COMMANDS: &[(&str, Run)] = &[
    ("cont", |desk, _| steer(desk, |control| control.resume())),
    ("dump-guest-memory", dump_guest_memory),
    ("dumpdtb", dumpdtb),
    ("human-monitor-command", human_monitor_command),
    ("inject-nmi", |_, _| fault("machine does not provide NMIs")),
    ("memsave", |desk, args| save(desk, args, "memsave")),
    ("pmemsave", |desk, args| save(desk, args, "pmemsave")),
    ("query-chardev", query_chardev),
    ("query-commands", query_commands),
    ("query-cpus-fast", query_cpus_fast),
    ("query-kvm", |_, _| Ok(text(&Kvm { enabled: false, present: false }))),
    ("query-name", |desk, _| Ok(text(&Called { name: desk.outside().identity().0 }))),
    ("query-status", query_status),
    ("query-target", |desk, _| Ok(text(&Target { arch: desk.control().machine().isa.name() }))),
    ("query-uuid", |desk, _| Ok(text(&Uuid { uuid: uuid_text(desk.outside().identity().1) }))),
    ("query-version", |_, _| Ok(text(&Version::own()))),
    ("quit", |desk, _| steer(desk, |control| control.quit(0))),
    ("set-action", set_action),
    ("stop", |desk, _| steer(desk, |control| control.pause())),
    ("system_powerdown", |desk, _| steer(desk, |control| control.power_down())),
    ("system_reset", system_reset),
    ("watchdog-set-action", watchdog_set_action),
];

/// The answer that says nothing.
pub const NOTHING: &str = "{}";

fn steer(desk: &Arc<Desk>, how: impl FnOnce(&Control)) -> Result<String, Fault> {
    how(desk.control());
    Ok(NOTHING.into())
}

/// Runs a command by name.
///
/// # Errors
/// When there is none, its arguments are wrong, or it fails.
pub fn run(desk: &Arc<Desk>, name: &str, arguments: Map<String, Value>) -> Result<String, Fault> {
    let Some((_, run)) = COMMANDS.iter().find(|(own, _)| *own == name) else {
        return Err(Fault { class: "CommandNotFound", desc: format!("The command {name} has not been found") });
    };
    let takes_any = matches!(
        name,
        "dump-guest-memory"
            | "dumpdtb"
            | "human-monitor-command"
            | "memsave"
            | "pmemsave"
            | "set-action"
            | "watchdog-set-action"
    );
    match arguments.keys().next() {
        Some(key) if !takes_any => fault(format!("Parameter '{key}' is unexpected")),
        _ => run(desk, &mut Args(arguments)),
    }
}

impl Args {
    fn take<T>(&mut self, key: &str, kind: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Fault> {
        match self.0.remove(key).map(|value| read(&value)) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => fault(format!("Invalid parameter type for '{key}', expected: {kind}")),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, Fault> {
        let value = self.take(key, "string", |value| value.as_str().map(str::to_string))?;
        value.ok_or_else(|| Fault { class: "GenericError", desc: format!("Parameter '{key}' is missing") })
    }

    /// One of these names, and what it stands for.
    fn one_of<T: Copy>(&mut self, key: &str, all: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let Some(name) = self.take(key, "string", |value| value.as_str().map(str::to_string))? else { return Ok(None) };
        match all.iter().find(|(own, _)| *own == name) {
            Some((_, value)) => Ok(Some(*value)),
            None => fault(format!("Parameter '{key}' does not accept value '{name}'")),
        }
    }

    fn number(&mut self, key: &str) -> Result<Option<u64>, Fault> {
        // Addresses are often written as signed numbers.
        self.take(key, "integer", |value| value.as_u64().or(value.as_i64().map(i64::cast_unsigned)))
    }

    fn finish(&self) -> Result<(), Fault> {
        match self.0.keys().next() {
            Some(key) => fault(format!("Parameter '{key}' is unexpected")),
            None => Ok(()),
        }
    }
}

/// The version of QEMU that this speaks like.
#[derive(Serialize)]
pub struct Version {
    qemu: Qemu,
    package: String,
}

#[derive(Serialize)]
struct Qemu {
    micro: u32,
    minor: u32,
    major: u32,
}

impl Version {
    /// This program's.
    pub fn own() -> Version {
        let mut numbers = QEMU_VERSION.split('.').map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        let (major, minor, micro) = (next(), next(), next());
        Version { qemu: Qemu { micro, minor, major }, package: version() }
    }
}

#[derive(Serialize)]
struct Kvm {
    enabled: bool,
    present: bool,
}

#[derive(Serialize)]
struct Target {
    arch: &'static str,
}

#[derive(Serialize)]
struct Called {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Serialize)]
struct Uuid {
    #[serde(rename = "UUID")]
    uuid: String,
}

#[derive(Serialize)]
struct StatusInfo {
    status: &'static str,
    running: bool,
}

fn query_status(desk: &Arc<Desk>, _: &mut Args) -> Result<String, Fault> {
    let status = match desk.control().status() {
        Status::Prelaunch => "prelaunch",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Debug => "debug",
        Status::Shutdown => "shutdown",
        Status::Panicked => "guest-panicked",
        Status::Watchdog => "watchdog",
    };
    Ok(text(&StatusInfo { status, running: desk.control().is_running() }))
}

#[derive(Serialize)]
struct CpuInfo {
    #[serde(rename = "thread-id")]
    thread_id: u64,
    props: CpuProps,
    #[serde(rename = "qom-path")]
    qom_path: String,
    #[serde(rename = "cpu-index")]
    cpu_index: u32,
    target: &'static str,
}

#[derive(Serialize)]
struct CpuProps {
    #[serde(rename = "core-id")]
    core_id: u32,
}

fn query_cpus_fast(desk: &Arc<Desk>, _: &mut Args) -> Result<String, Fault> {
    let machine = desk.control().machine();
    let cpu = |index: u32| CpuInfo {
        thread_id: desk.control().thread_id(index),
        props: CpuProps { core_id: index },
        qom_path: format!("/machine/soc0/harts[{index}]"),
        cpu_index: index,
        target: machine.isa.name(),
    };
    Ok(text(&(0..machine.cpus()).map(cpu).collect::<Vec<_>>()))
}

#[derive(Serialize)]
struct Chardev {
    #[serde(rename = "frontend-open")]
    frontend_open: bool,
    filename: String,
    label: String,
}

fn query_chardev(desk: &Arc<Desk>, _: &mut Args) -> Result<String, Fault> {
    let streams = desk.outside().streams().into_iter();
    let list: Vec<Chardev> =
        streams.map(|(label, filename)| Chardev { frontend_open: true, filename, label }).collect();
    Ok(text(&list))
}

#[derive(Serialize)]
struct Name {
    name: &'static str,
}

fn query_commands(_: &Arc<Desk>, _: &mut Args) -> Result<String, Fault> {
    let names = std::iter::once("qmp_capabilities").chain(COMMANDS.iter().map(|(name, _)| *name));
    Ok(text(&names.map(|name| Name { name }).collect::<Vec<_>>()))
}

fn system_reset(desk: &Arc<Desk>, _: &mut Args) -> Result<String, Fault> {
    match desk.control().reset() {
        Ok(()) => Ok(NOTHING.into()),
        Err(e) => fault(e.to_string()),
    }
}

fn dump_guest_memory(desk: &Arc<Desk>, args: &mut Args) -> Result<String, Fault> {
    let missing = |key: &str| Fault { class: "GenericError", desc: format!("Parameter '{key}' is missing") };
    let switch = |value: &Value| value.as_bool();
    let paging = args.take("paging", "boolean", switch)?.ok_or_else(|| missing("paging"))?;
    let protocol = args.text("protocol")?;
    let detach = args.take("detach", "boolean", switch)?.unwrap_or(false);
    let (begin, length) = (args.number("begin")?, args.number("length")?);
    let format = args.take("format", "string", |value| value.as_str().map(str::to_string))?;
    args.finish()?;
    if paging || detach || format.is_some_and(|format| format != "elf") {
        return fault("only ELF cores of physical addresses are supported yet, and not detached");
    }
    let Some(path) = protocol.strip_prefix("file:") else {
        return fault("parameter 'protocol' must start with 'file:': others are not supported yet");
    };
    let only = match (begin, length) {
        (None, None) => None,
        (Some(begin), Some(length)) if length > 0 => Some((begin, length)),
        _ => return fault("'begin' and 'length' go together, and the length is not zero"),
    };
    save_core(desk.control(), path, only).map(|()| NOTHING.into()).or_else(|e| fault(e.to_string()))
}

fn dumpdtb(desk: &Arc<Desk>, args: &mut Args) -> Result<String, Fault> {
    let path = args.text("filename")?;
    args.finish()?;
    save_tree(desk.control(), &path).map(|()| NOTHING.into()).or_else(|e| fault(e.to_string()))
}

fn set_action(desk: &Arc<Desk>, args: &mut Args) -> Result<String, Fault> {
    let reboot = args.one_of("reboot", &[("reset", false), ("shutdown", true)])?;
    let shutdown = args.one_of("shutdown", &[("poweroff", false), ("pause", true)])?;
    let panic = args.one_of("panic", PanicAction::ALL)?;
    let watchdog = args.one_of("watchdog", WatchdogAction::ALL)?;
    args.finish()?;
    desk.control().change_actions(|actions| {
        actions.reboot_exits = reboot.unwrap_or(actions.reboot_exits);
        actions.shutdown_pauses = shutdown.unwrap_or(actions.shutdown_pauses);
        actions.panic = panic.unwrap_or(actions.panic);
        actions.watchdog = watchdog.unwrap_or(actions.watchdog);
    });
    Ok(NOTHING.into())
}

fn watchdog_set_action(desk: &Arc<Desk>, args: &mut Args) -> Result<String, Fault> {
    let action = args.one_of("action", WatchdogAction::ALL)?;
    let action = action.ok_or_else(|| Fault { class: "GenericError", desc: "Parameter 'action' is missing".into() })?;
    args.finish()?;
    desk.control().change_actions(|actions| actions.watchdog = action);
    Ok(NOTHING.into())
}

fn human_monitor_command(desk: &Arc<Desk>, args: &mut Args) -> Result<String, Fault> {
    let line = args.text("command-line")?;
    let cpu = args.number("cpu-index")?;
    args.finish()?;
    let mut monitor = Monitor::new(desk.clone());
    if let Some(cpu) = cpu
        && !u32::try_from(cpu).is_ok_and(|cpu| monitor.choose(cpu))
    {
        return fault("Parameter 'cpu-index' expects a CPU number");
    }
    Ok(text(&monitor.execute(&line).replace('\n', "\r\n")))
}

fn save(desk: &Arc<Desk>, args: &mut Args, command: &str) -> Result<String, Fault> {
    let missing = |key: &str| Fault { class: "GenericError", desc: format!("Parameter '{key}' is missing") };
    let start = args.number("val")?.ok_or_else(|| missing("val"))?;
    let size = args.number("size")?.ok_or_else(|| missing("size"))?;
    let file = args.text("filename")?;
    let cpu = args.number("cpu-index")?.unwrap_or(0);
    args.finish()?;
    let mut monitor = Monitor::new(desk.clone());
    if !u32::try_from(cpu).is_ok_and(|cpu| monitor.choose(cpu)) {
        return fault("Parameter 'cpu-index' expects a CPU number");
    }
    let answer = monitor.save_memory(start, size, &file, command == "pmemsave");
    answer.map(|()| NOTHING.into()).or_else(fault)
}
