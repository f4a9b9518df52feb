//! Commands that steer the machine.

use super::args::Args;
use super::{Fault, Monitor, refuse, usage};
use crate::base::dlog;
use crate::machine::WatchdogAction;

type Answer = Result<String, Fault>;

const NOTHING: String = String::new();

pub fn cont(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    monitor.control().resume();
    Ok(NOTHING)
}

pub fn stop(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    monitor.control().pause();
    Ok(NOTHING)
}

pub fn quit(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    monitor.control().quit(0);
    Ok(NOTHING)
}

pub fn system_reset(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    match monitor.control().reset() {
        Ok(()) => Ok(NOTHING),
        Err(e) => refuse(format!("Error: {e}")),
    }
}

pub fn system_powerdown(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    monitor.control().power_down();
    Ok(NOTHING)
}

pub fn watchdog_action(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let name = args.word();
    match WatchdogAction::named(name) {
        Some(action) => monitor.control().change_actions(|actions| actions.watchdog = action),
        None => return usage(format!("watchdog_action: there is no action '{name}'")),
    }
    Ok(NOTHING)
}

pub fn nmi(_: &mut Monitor, _: &mut Args<'_>) -> Answer {
    refuse("Error: machine does not provide NMIs")
}

pub fn cpu(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let index = args.expression(monitor)?;
    if u32::try_from(index).is_ok_and(|index| monitor.choose(index)) {
        Ok(NOTHING)
    } else {
        refuse("invalid CPU index")
    }
}

pub fn log(_: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let items = args.word();
    if items.is_empty() {
        return usage("log: items expected");
    }
    match dlog::mask_of(items) {
        Ok(mask) => dlog::set_mask(mask),
        Err(_) => return Ok(dlog::help()),
    }
    Ok(NOTHING)
}

pub fn logfile(_: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let path = args.file()?;
    match dlog::set_file(&path) {
        Ok(()) => Ok(NOTHING),
        Err(e) => refuse(format!("Error: {e}")),
    }
}

pub fn gdbserver(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let device = match args.word() {
        "" => "tcp::1234",
        "none" => {
            monitor.desk.stop_gdb();
            return Ok("Disabled gdbserver\n".into());
        }
        word => word,
    };
    // There is one, as in QEMU: a new one takes the place of the old.
    monitor.desk.stop_gdb();
    let opened = monitor.desk.outside().open_gdb(device);
    let served = opened.and_then(|(name, end)| monitor.desk.serve_gdb(&name, end));
    match served {
        Ok(()) => Ok(format!("Waiting for gdb connection on device '{device}'\n")),
        Err(e) => refuse(format!("Could not open gdbserver on device '{device}': {e}")),
    }
}
