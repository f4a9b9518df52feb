//! Options about the run: actions, clock, log, windows; and those that are not served yet.

use super::Reader;
use super::config::{MemoryLock, PanicAction, RtcBase, RtcClock, Sandbox, SemihostingArgs, WatchdogAction};
use super::help::{list, usage, version_text};
use super::keylist::{Grammar, KeyList, is_help, number, switch};
use super::words::Arg;
use crate::base::{Result, dlog};
use crate::{error, fail};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Says what is so anyway.
pub fn nothing(_: &mut Reader, _: &Arg<'_>) -> Result<()> {
    Ok(())
}

/// Understood, and refused when a machine is to run.
pub fn refused(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.refuse(&arg.given().0);
    Ok(())
}

pub fn help(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.answer = Some((usage(&reader.config.program), 0));
    Ok(())
}

pub fn version(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.answer = Some((version_text(), 0));
    Ok(())
}

pub fn stopped(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.run.stopped = true;
    Ok(())
}

pub fn log(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    match dlog::mask_of(&arg.value) {
        Ok(mask) => reader.config.run.log.mask = mask,
        Err("help") => reader.answer = Some((dlog::help(), 1)),
        // Scripts expect the list on stdout; the error says which word it was.
        Err(word) => reader.answer = Some((format!("'{word}' is no log item.\n{}", dlog::help()), 1)),
    }
    Ok(())
}

pub fn trace(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    if is_help(&arg.value) {
        reader.answer = Some(("Trace events: none. -d help lists what can be logged.\n".into(), 0));
        return Ok(());
    }
    fail!("there are no trace events; -d help lists what can be logged")
}

pub fn log_file(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.run.log.file = Some(PathBuf::from(&arg.value));
    Ok(())
}

pub fn log_filter(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.run.log.filter = arg.value.split(',').map(range).collect::<Result<_>>()?;
    Ok(())
}

/// `START+SIZE`, `START-SIZE` (what comes before) or `START..END`.
fn range(text: &str) -> Result<RangeInclusive<u64>> {
    let read = || -> Option<RangeInclusive<u64>> {
        if let Some((start, end)) = text.split_once("..") {
            return Some(number(start)?..=number(end)?);
        }
        if let Some((start, size)) = text.split_once('+') {
            let start = number(start)?;
            return Some(start..=start.checked_add(number(size)?.checked_sub(1)?)?);
        }
        let (end, size) = text.split_once('-')?;
        let end = number(end)?;
        Some(end.checked_sub(number(size)?.checked_sub(1)?)?..=end)
    };
    match read() {
        Some(range) if range.start() <= range.end() => Ok(range),
        Some(_) => Err(error!("'{text}' ends before it starts")),
        None => Err(error!("'{text}' is no range: START+SIZE, START-SIZE or START..END")),
    }
}

pub fn symbols(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.run.symbols = Some(PathBuf::from(&arg.value));
    Ok(())
}

pub fn perfmap(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.run.perfmap = true;
    Ok(())
}

pub fn jitdump(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.run.jitdump = true;
    Ok(())
}

pub fn semihosting(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let args = SemihostingArgs { given: arg.given(), ..SemihostingArgs::default() };
    reader.config.run.semihosting.get_or_insert(args);
    Ok(())
}

/// Later ones add to earlier ones.
pub fn semihosting_config(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("enable"))?;
    let enabled = list.take_switch("enable")?.unwrap_or(true);
    match list.take("target").as_deref() {
        // No debugger is asked to serve calls, so that `auto` is what it is without one.
        None | Some("native" | "auto") => {}
        Some("gdb") => fail!("semihosting by gdb is not supported yet: target=native serves the calls here"),
        Some(target) => fail!("unsupported semihosting-config {target}: native, gdb or auto"),
    }
    let userspace = list.take_switch("userspace")?;
    let (chardev, folder) = (list.take("chardev"), list.take("folder"));
    let arguments = list.take_all("arg");
    list.finish()?;
    if !enabled {
        reader.config.run.semihosting = None;
        return Ok(());
    }
    let args = reader.config.run.semihosting.get_or_insert_default();
    args.given = arg.given();
    args.arguments.extend(arguments);
    args.userspace = userspace.unwrap_or(args.userspace);
    args.chardev = chardev.or_else(|| args.chardev.take());
    args.folder = folder.map(PathBuf::from).or_else(|| args.folder.take());
    Ok(())
}

pub fn nographic(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.display.nographic = true;
    Ok(())
}

pub fn display(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    const KINDS: &[&str] =
        &["none", "gtk", "sdl", "egl-headless", "curses", "cocoa", "spice-app", "dbus", "vnc", "default"];
    let mut words = KeyList::parse(&arg.value, Grammar::loose("type"))?;
    if words.wants_help() {
        reader.answer = Some((list("Available display backend types:", &["none"]), 0));
        return Ok(());
    }
    let kind = words.take("type").or_else(|| words.take("vnc").map(|_| "vnc".into()));
    let kind = kind.ok_or_else(|| error!("Parameter 'type' is missing"))?;
    if !KINDS.contains(&kind.as_str()) {
        fail!("Parameter 'type' does not accept value '{kind}': {}", KINDS.join(", "));
    }
    if !["none", "default"].contains(&kind.as_str()) || !words.rest().is_empty() {
        reader.refuse(&arg.given().0);
    }
    reader.config.display.kind = Some(kind);
    Ok(())
}

pub fn vga(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    if is_help(&arg.value) {
        reader.answer = Some((list("Graphics cards:", &["none"]), 0));
    } else if arg.value != "none" {
        // As QEMU on boards without one: scripts name a card for every board.
        reader.note(format!("warning: {}: no board has a graphics card yet", arg.given()));
    }
    Ok(())
}

pub fn vnc(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    if arg.value != "none" {
        reader.refuse(&arg.given().0);
    }
    reader.config.display.kind = Some("vnc".into());
    Ok(())
}

pub fn audio(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut words = KeyList::parse(&arg.value, Grammar::strict("driver"))?;
    if words.wants_help() {
        reader.answer = Some((list("Available audio drivers:", &["none"]), 0));
    } else if words.take("driver").as_deref() != Some("none") {
        reader.refuse(&arg.given().0);
    }
    Ok(())
}

pub fn name(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("guest"))?;
    reader.config.run.name = list.take("guest").or(reader.config.run.name.take());
    reader.config.run.process = list.take("process").or(reader.config.run.process.take());
    // Threads have names whatever it says.
    list.take_switch("debug-threads")?;
    list.finish()
}

pub fn uuid(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let bad = || error!("failed to parse UUID string: wrong format (8-4-4-4-12 hexadecimal digits)");
    let lengths: Vec<usize> = arg.value.split('-').map(str::len).collect();
    let digits = arg.value.replace('-', "");
    if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(bad());
    }
    let number = u128::from_str_radix(&digits, 16).map_err(|_| bad())?;
    reader.config.run.uuid = Some(number.to_be_bytes());
    Ok(())
}

pub fn no_reboot(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.run.actions.reboot_exits = true;
    Ok(())
}

pub fn no_shutdown(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.run.actions.shutdown_pauses = true;
    Ok(())
}

pub fn action(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    for (key, value) in KeyList::parse(&arg.value, Grammar::PLAIN)?.rest() {
        let actions = &mut reader.config.run.actions;
        let refuse = |known: &str| Err(error!("Parameter '{key}' does not accept value '{value}': {known}"));
        match (key.as_str(), value.as_str()) {
            ("reboot", "reset") => actions.reboot_exits = false,
            ("reboot", "shutdown") => actions.reboot_exits = true,
            ("reboot", _) => return refuse("reset or shutdown"),
            ("shutdown", "poweroff") => actions.shutdown_pauses = false,
            ("shutdown", "pause") => actions.shutdown_pauses = true,
            ("shutdown", _) => return refuse("poweroff or pause"),
            ("panic", "pause") => actions.panic = PanicAction::Pause,
            ("panic", "shutdown") => actions.panic = PanicAction::Shutdown,
            ("panic", "exit-failure") => actions.panic = PanicAction::ExitFailure,
            ("panic", "none") => actions.panic = PanicAction::None,
            ("panic", _) => return refuse("pause, shutdown, exit-failure or none"),
            ("watchdog", _) => actions.watchdog = watchdog(&value)?,
            _ => fail!("Invalid parameter '{key}': there are reboot, shutdown, panic and watchdog"),
        }
    }
    Ok(())
}

pub fn watchdog_action(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    if is_help(&arg.value) {
        let names = ["reset", "shutdown", "poweroff", "pause", "debug", "none"];
        reader.answer = Some((list("Watchdog actions:", &names), 0));
        return Ok(());
    }
    reader.config.run.actions.watchdog = watchdog(&arg.value)?;
    Ok(())
}

fn watchdog(name: &str) -> Result<WatchdogAction> {
    Ok(match name {
        "reset" => WatchdogAction::Reset,
        "shutdown" => WatchdogAction::Shutdown,
        "poweroff" => WatchdogAction::Poweroff,
        "inject-nmi" => fail!("'inject-nmi' is not possible: no board has NMIs"),
        "pause" => WatchdogAction::Pause,
        "debug" => WatchdogAction::Debug,
        "none" => WatchdogAction::None,
        _ => fail!("'{name}' is none of reset, shutdown, poweroff, pause, debug and none"),
    })
}

pub fn rtc(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("base"))?;
    let rtc = &mut reader.config.run.rtc;
    match list.take("base").as_deref() {
        None => {}
        Some("utc") => rtc.base = RtcBase::Utc,
        Some("localtime") => rtc.base = RtcBase::Localtime,
        Some(text) => {
            rtc.base = RtcBase::Date(date(text).ok_or_else(|| {
                error!("invalid datetime format: utc, localtime, '2006-06-17T16:01:21' or '2006-06-17', not '{text}'")
            })?);
        }
    }
    match list.take("clock").as_deref() {
        None => {}
        Some("host") => rtc.clock = RtcClock::Host,
        Some("rt") => rtc.clock = RtcClock::Rt,
        Some("vm") => rtc.clock = RtcClock::Vm,
        Some(other) => fail!("invalid option value '{other}' for clock: host, rt or vm"),
    }
    match list.take("driftfix").as_deref() {
        // No board has a clock whose ticks could be lost.
        None | Some("none" | "slew") => list.finish(),
        Some(other) => Err(error!("invalid option value '{other}' for driftfix: none or slew")),
    }
}

/// Seconds since 1970 of `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`, both in UTC.
fn date(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T').unwrap_or((text, "0:0:0"));
    let fields = |text: &str, separator| -> Option<[i64; 3]> {
        let numbers: Vec<i64> = text.split(separator).map(|n| n.parse().ok()).collect::<Option<_>>()?;
        numbers.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (fields(day, '-')?, fields(time, ':')?);
    let in_range = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..61).contains(&second);
    if !in_range {
        return None;
    }
    // Days from the civil calendar, the year starting in March so that the leap day comes last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

pub fn seed(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.run.seed = Some(number(&arg.value).ok_or_else(|| error!("Invalid seed number: {}", arg.value))?);
    Ok(())
}

pub fn pidfile(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.run.pidfile = Some(PathBuf::from(&arg.value));
    Ok(())
}

pub fn sandbox(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("enable"))?;
    let enabled = list.take_switch("enable")?.unwrap_or(true);
    let mut allows = |key: &str, usual: bool| match list.take(key).as_deref() {
        None => Ok(usual),
        Some("allow") => Ok(true),
        Some("deny") => Ok(false),
        // Nothing but this process is ever confined, for it starts no other.
        Some("children") if key == "elevateprivileges" => Ok(false),
        Some(other) => Err(error!("Parameter '{key}' does not accept value '{other}': allow or deny")),
    };
    let sandbox = Sandbox {
        obsolete: allows("obsolete", false)?,
        elevate_privileges: allows("elevateprivileges", true)?,
        spawn: allows("spawn", true)?,
        resource_control: allows("resourcecontrol", true)?,
    };
    list.finish()?;
    reader.config.run.sandbox = enabled.then_some(sandbox);
    Ok(())
}

pub fn overcommit(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::PLAIN)?;
    reader.config.run.memory_lock = match list.take("mem-lock").as_deref() {
        Some("on-fault") => MemoryLock::OnFault,
        Some(other) if switch("mem-lock", other)? => MemoryLock::On,
        _ => MemoryLock::Off,
    };
    if list.take_switch("cpu-pm")? == Some(true) {
        fail!("cpu-pm=on needs KVM, which is not supported yet");
    }
    list.finish()
}

pub fn messages(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::strict("timestamp"))?;
    let messages = &mut reader.config.run.messages;
    messages.timestamp = list.take_switch("timestamp")?.unwrap_or(messages.timestamp);
    messages.guest_name = list.take_switch("guest-name")?.unwrap_or(messages.guest_name);
    list.finish()
}

/// QMP offers nothing that is deprecated or unstable, so that any policy about it is kept.
pub fn compat(_: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::PLAIN)?;
    for (key, policies) in [("input", &["accept", "reject", "crash"][..]), ("output", &["accept", "hide"])] {
        for key in ["deprecated", "unstable"].map(|what| format!("{what}-{key}")) {
            if let Some(policy) = list.take(&key).filter(|policy| !policies.contains(&policy.as_str())) {
                fail!("Parameter '{key}' does not accept value '{policy}': {}", policies.join(", "));
            }
        }
    }
    list.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        assert_eq!(date("1970-01-01"), Some(0));
        assert_eq!(date("2006-06-17T16:01:21"), Some(1_150_560_081));
        assert_eq!(date("2000-02-29T00:00:00"), Some(951_782_400));
        for bad in ["foo", "2006-13-01", "2006-06", "2006-06-17T25:00:00"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn filters_are_ranges() {
        assert_eq!(range("0x8000+0x200").unwrap(), 0x8000..=0x81ff);
        assert_eq!(range("0x8000..0x8fff").unwrap(), 0x8000..=0x8fff);
        assert_eq!(range("0x8fff-0x1000").unwrap(), 0x8000..=0x8fff);
        for bad in ["", "1", "0x10+0", "5..4", "0-5", "0xffffffffffffffff+2"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }
}
