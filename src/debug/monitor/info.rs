//! `info`: what the machine is made of, and how it stands.

use super::args::Args;
use super::{Fault, Monitor, refuse};
use crate::base::{self, QEMU_VERSION};
use crate::cpu::{Group, Mapped, PageTables};
use crate::debug::uuid_text;
use crate::fabric::PAGE_SIZE;
use crate::machine::Status;
use std::fmt::Write;
use std::time::Duration;

type Answer = Result<String, Fault>;

/// How long a device that somebody holds is waited for.
const GLANCE: Duration = Duration::from_millis(100);

pub fn version(_: &mut Monitor, _: &mut Args<'_>) -> Answer {
    Ok(format!("{QEMU_VERSION} ({})\n", base::version()))
}

pub fn status(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let status = match monitor.control().status() {
        Status::Running => "running",
        Status::Prelaunch => "paused (prelaunch)",
        Status::Paused => "paused",
        Status::Debug => "paused (debug)",
        Status::Shutdown => "paused (shutdown)",
        Status::Panicked => "paused (guest-panicked)",
        Status::Watchdog => "paused (watchdog)",
    };
    Ok(format!("VM status: {status}\n"))
}

pub fn name(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let (name, _) = monitor.desk.outside().identity();
    Ok(name.map(|name| name + "\n").unwrap_or_default())
}

pub fn uuid(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let (_, uuid) = monitor.desk.outside().identity();
    Ok(uuid_text(uuid) + "\n")
}

pub fn kvm(_: &mut Monitor, _: &mut Args<'_>) -> Answer {
    Ok("kvm support: not compiled\n".into())
}

pub fn cpus(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let mut text = String::new();
    for cpu in 0..monitor.control().machine().cpus() {
        let mark = if cpu == monitor.cpu { '*' } else { ' ' };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{mark} CPU #{cpu}: thread_id={}", monitor.control().thread_id(cpu));
    }
    Ok(text)
}

pub fn registers(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let machine = monitor.control().machine();
    let which = if args.option('a') {
        0..machine.cpus()
    } else if args.is_empty() {
        monitor.cpu..monitor.cpu + 1
    } else {
        let index = args.expression(monitor)?;
        match u32::try_from(index) {
            Ok(cpu) if cpu < machine.cpus() => cpu..cpu + 1,
            _ => return refuse(format!("CPU#{index} not available")),
        }
    };
    let mut text = String::new();
    for cpu in which {
        let registers = monitor.control().with_cpu(cpu, |cpu| cpu.describe(&Group::SHOWN));
        let registers = registers.unwrap_or_else(|e| e.to_string());
        let _ = writeln!(text, "\nCPU#{cpu}\n{}", registers.trim_end());
    }
    Ok(text)
}

pub fn mtree(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let machine = monitor.control().machine();
    let flat = args.option('f');
    let mut text = String::new();
    if flat {
        text += "FlatView #0\n AS \"memory\", root: system\n";
        for cpu in 0..machine.cpus() {
            let _ = writeln!(text, " AS \"cpu-memory-{cpu}\", root: system");
        }
        text += " Root memory region: system\n";
    } else {
        text += "address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n";
    }
    let indent = if flat { "  " } else { "    " };
    for region in machine.bus.map() {
        let _ = writeln!(
            text,
            "{indent}{:016x}-{:016x} (prio 0, {}): {}",
            region.base, region.last, region.kind, region.name
        );
    }
    text.push('\n');
    Ok(text)
}

pub fn qtree(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let brief = args.option('b');
    let mut text = "bus: main-system-bus\n  type System\n".to_string();
    for standing in &monitor.control().machine().parts {
        let _ = writeln!(text, "  dev: {}, id \"{}\"", standing.kind, standing.part.name());
        if !brief {
            let busy = || vec![("busy".into(), "true".into())];
            let lines = standing.part.try_with(GLANCE, |device| device.describe()).unwrap_or_else(busy);
            for (name, value) in lines {
                let _ = writeln!(text, "    {name} = {value}");
            }
        }
        for (at, size) in &standing.banks {
            let _ = writeln!(text, "    mmio {at:016x}/{size:016x}");
        }
    }
    Ok(text)
}

pub fn roms(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let machine = monitor.control().machine();
    let map = machine.bus.map();
    let mut text = String::new();
    for blob in machine.plan.layout.blobs() {
        let kind = map.iter().find(|region| (region.base..=region.last).contains(&blob.at)).map_or("-", |r| r.kind);
        let _ = writeln!(text, "addr={:016x} size={:#08x} mem={kind} name=\"{}\"", blob.at, blob.size, blob.name);
    }
    Ok(text)
}

pub fn chardev(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let streams = monitor.desk.outside().streams();
    Ok(streams.iter().map(|(id, what)| format!("{id}: filename={what}\n")).collect())
}

pub fn block(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let drives = monitor.desk.outside().drives();
    Ok(drives.iter().map(|(id, what)| format!("{id}: {what}\n")).collect())
}

pub fn tlb(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let pages = monitor.control().with_cpu(monitor.cpu, |cpu| {
        let context = cpu.data_context;
        let page_of = |tag: u64| (tag & (PAGE_SIZE - 1) == context).then_some(tag & !(PAGE_SIZE - 1));
        let mut pages: Vec<(u64, bool, bool)> = Vec::new();
        for entry in &cpu.tlb.data {
            if let Some(page) = page_of(entry.read).or(page_of(entry.write)) {
                pages.push((page, page_of(entry.read).is_some(), page_of(entry.write).is_some()));
            }
        }
        pages.sort_unstable();
        let physical = |(page, r, w): (u64, bool, bool)| (page, cpu.isa.translate_debug(cpu, page), r, w);
        pages.into_iter().map(physical).collect::<Vec<_>>()
    });
    let mut text = String::new();
    for (page, physical, read, write) in pages.unwrap_or_default() {
        let Some(physical) = physical else { continue };
        let sign = |allowed: bool, sign: char| if allowed { sign } else { '-' };
        let _ = writeln!(text, "{page:016x}: {physical:016x} {}{}", sign(read, 'r'), sign(write, 'w'));
    }
    Ok(text)
}

/// Lines beyond which the rest of a map is left out.
const MOST_LINES: usize = 1 << 20;

pub fn mem(monitor: &mut Monitor, _: &mut Args<'_>) -> Answer {
    let map = monitor.control().with_cpu(monitor.cpu, |cpu| {
        let mut ranges: Vec<Mapped> = Vec::new();
        let mut add = |next: Mapped| {
            match ranges.last_mut() {
                Some(last)
                    if last.address.checked_add(last.size) == Some(next.address)
                        && last.physical.checked_add(last.size) == Some(next.physical)
                        && last.attributes == next.attributes =>
                {
                    last.size += next.size;
                }
                _ => ranges.push(next),
            }
            ranges.len() < MOST_LINES
        };
        let told = cpu.isa.page_tables(cpu, &mut add);
        (told, ranges)
    });
    let (letters, ranges) = match map {
        Ok((PageTables::Told(letters), ranges)) => (letters, ranges),
        Ok((PageTables::Off, _)) => return Ok("No translation or protection\n".into()),
        _ => return refuse("this architecture does not show its page tables"),
    };
    let head = ["vaddr", "paddr", "size"].map(|name| format!("{name:<16} ")).concat();
    let rule = "-".repeat(16);
    let mut text = format!("{head}attr\n{rule} {rule} {rule} {}\n", "-".repeat(letters.len()));
    for Mapped { address, physical, size, attributes } in ranges {
        let sign = |(n, letter)| if attributes >> n & 1 != 0 { letter } else { '-' };
        let attributes: String = letters.chars().enumerate().map(sign).collect();
        let _ = writeln!(text, "{address:016x} {physical:016x} {size:016x} {attributes}");
    }
    Ok(text)
}
