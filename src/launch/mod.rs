//! Room `launch`: from a [`Config`](crate::cli::Config) to a run and its exit code.
//!
//! ```text
//!   argv ─► cli ─► Config ─┬─► help: an answer that another room knows
//!                          └─► choose the board ─► open streams and images ─► machine::build ─► Control ─► code
//! ```
//! Everything above `machine` meets here and nowhere else.
#![forbid(unsafe_code)]

mod board;
mod help;
mod leave;
mod outside;
mod say;
mod setup;
mod silence;

use crate::base::{Result, dlog, os_text};
use crate::cli::config::{MemoryLock, MonitorMode, PanicAction as Panic, WatchdogAction as Watchdog};
use crate::cli::{Command, Config, ConsolePlan};
use crate::debug::Desk;
use crate::error;
use crate::host::{Allowed, Chardevs, MuxKeys, confine, lock_memory, watch_signals};
use crate::machine::{self, Actions, Control, PanicAction, WatchdogAction};
use leave::Leave;
use outside::Outside;
use say::say;
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Reads the command line, does what it says and returns the exit code. Errors are printed here, once.
pub fn main(argv: &[String]) -> i32 {
    let program = crate::cli::program(argv.first().map(String::as_str));
    match start(argv) {
        Ok(code) => code,
        Err(e) => {
            crate::host::restore_terminal();
            e.to_string().lines().for_each(|line| say(format_args!("{program}: {line}")));
            1
        }
    }
}

fn start(argv: &[String]) -> Result<i32> {
    let (text, code) = match crate::cli::parse(argv)? {
        Command::Run(config) => return run(&config),
        Command::Help(topic, config) => (help::answer(&topic, &config)?, 0),
        Command::Print(text, code) => (text, code),
    };
    // Somebody who closed stdout early (`-help | head`) is content.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(code)
}

/// Runs a machine until it ends.
///
/// # Errors
/// What is wrong with the command line, a file, the board, or the host.
pub fn run(config: &Config) -> Result<i32> {
    config.supported()?;
    say::set_style(config);
    harden(config)?;
    start_log(config)?;
    let page = board::choose(config)?;
    let plan = ConsolePlan::new(config)?;
    let leave = Leave::new();
    // Before the terminal is changed, so that every way out gives it back.
    let (program, by_signal) = (config.program.clone(), leave.clone());
    watch_signals(move |termination| {
        say(format_args!("{program}: {termination}"));
        by_signal.now(0);
    })?;
    let by_escape = leave.clone();
    let keys = MuxKeys { escape: plan.escape, on_exit: Arc::new(move || by_escape.now(0)) };
    let mut chardevs = Chardevs::open(&plan.chardevs, keys)?;
    let spoken = Arc::default();
    let setup = setup::setup(config, &plan, &mut chardevs, &spoken)?;
    let machine = machine::build(page, setup)?;
    if let Some(path) = &config.machine.dumpdtb {
        std::fs::write(path, &machine.dtb)
            .map_err(|e| error!("could not write '{}': {}", path.display(), os_text(&e)))?;
        say(format_args!("{}: info: dtb dumped to {}. Exiting.", config.program, path.display()));
        return Ok(0);
    }
    for warning in machine.plan.layout.warnings() {
        say(format_args!("{}: {warning}", config.program));
    }
    for number in &machine.unheard {
        say(format_args!(
            "{}: warning: the board has no serial line {number}: nobody is at its other end",
            config.program
        ));
    }
    for note in config.notes.iter().chain(&plan.notes) {
        say(format_args!("{}: {note}", config.program));
    }
    warn_of_globals(config, &machine);
    if machine.plan.start == crate::boot::Start::Nothing && !config.run.stopped {
        say(format_args!(
            "{}: nothing to boot: -kernel, -bios or -drive if=pflash would give something",
            config.program
        ));
    }
    let control = Control::start(machine, actions(config))?;
    leave.through(&control);
    let chardevs = Arc::new(Mutex::new(chardevs));
    let desk = Desk::new(control.clone(), Box::new(Outside::new(config, Arc::downgrade(&chardevs))));
    serve(&desk, &plan, &mut outside::lock(&chardevs))?;
    write_pidfile(config)?;
    if !config.run.stopped {
        control.resume();
    }
    silence::watch(config, &plan, spoken, Arc::downgrade(&control))?;
    let code = control.supervise()?;
    if let Some(path) = &config.run.pidfile {
        // It may be gone already, which is as well.
        let _ = std::fs::remove_file(path);
    }
    desk.farewell();
    drop(chardevs);
    Ok(code.into())
}

/// Does what the command line says about the process itself, before anything is opened.
fn harden(config: &Config) -> Result<()> {
    if let Some(name) = &config.run.process {
        std::fs::write("/proc/self/comm", name).map_err(|e| error!("-name process={name}: {}", os_text(&e)))?;
    }
    if let Some(sandbox) = config.run.sandbox {
        confine(Allowed {
            obsolete: sandbox.obsolete,
            elevate_privileges: sandbox.elevate_privileges,
            spawn: sandbox.spawn,
            resource_control: sandbox.resource_control,
        })
        .map_err(|e| e.within("-sandbox on"))?;
    }
    match config.run.memory_lock {
        MemoryLock::Off => Ok(()),
        lock => lock_memory(lock == MemoryLock::OnFault).map_err(|e| e.within("-overcommit mem-lock")),
    }
}

/// Says which `-global` nothing on the board has taken.
fn warn_of_globals(config: &Config, machine: &machine::Machine) {
    for global in &config.globals {
        let on_board = machine.parts.iter().any(|part| part.kind == global.driver);
        let plugged = config.devices.iter().any(|device| machine::devices::is_called(&device.driver, &global.driver));
        let disk = machine::devices::is_called("virtio-blk", &global.driver) && !config.drives.is_empty();
        if !on_board && !plugged && !disk {
            say(format_args!("{}: warning: {}: the machine has no such device", config.program, global.given));
        }
    }
}

/// Gives monitors and debuggers their streams.
fn serve(desk: &Arc<Desk>, plan: &ConsolePlan, chardevs: &mut Chardevs) -> Result<()> {
    for monitor in &plan.monitors {
        let end = chardevs.monitor_end(&monitor.chardev)?;
        match monitor.mode {
            MonitorMode::Readline => desk.serve_monitor(end)?,
            MonitorMode::Control { pretty } => desk.serve_qmp(end, pretty)?,
        }
    }
    if let Some(gdb) = &plan.gdb {
        desk.serve_gdb(gdb, chardevs.end(gdb)?)?;
    }
    Ok(())
}

fn start_log(config: &Config) -> Result<()> {
    let log = &config.run.log;
    if let Some(path) = &log.file {
        dlog::set_file(&path.display().to_string())?;
    }
    if let Some(path) = &config.run.symbols {
        crate::base::symbols::add(crate::boot::symbols::read(path)?);
    }
    dlog::set_filter(log.filter.clone());
    dlog::set_mask(log.mask);
    if config.run.perfmap || config.run.jitdump {
        crate::engine::jit::tell_perf(config.run.perfmap, config.run.jitdump)?;
    }
    Ok(())
}

fn actions(config: &Config) -> Actions {
    let actions = &config.run.actions;
    Actions {
        reboot_exits: actions.reboot_exits,
        shutdown_pauses: actions.shutdown_pauses,
        panic: match actions.panic {
            Panic::Pause => PanicAction::Pause,
            Panic::Shutdown => PanicAction::Shutdown,
            Panic::ExitFailure => PanicAction::ExitFailure,
            Panic::None => PanicAction::None,
        },
        watchdog: match actions.watchdog {
            Watchdog::Reset => WatchdogAction::Reset,
            Watchdog::Shutdown => WatchdogAction::Shutdown,
            Watchdog::Poweroff => WatchdogAction::Poweroff,
            Watchdog::Pause => WatchdogAction::Pause,
            Watchdog::Debug => WatchdogAction::Debug,
            Watchdog::None => WatchdogAction::None,
        },
    }
}

fn write_pidfile(config: &Config) -> Result<()> {
    let Some(path) = &config.run.pidfile else { return Ok(()) };
    let text = format!("{}\n", std::process::id());
    std::fs::write(path, text)
        .map_err(|e| error!("cannot create PID file: cannot write '{}': {}", path.display(), os_text(&e)))
}
