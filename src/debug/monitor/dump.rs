//! Commands that save the whole machine for other tools: an ELF core of guest memory, the device tree.

use super::args::Args;
use super::{Fault, Monitor, refuse, usage};
use crate::base::{Result, os_text};
use crate::cpu::Cpu;
use crate::machine::Control;
use crate::{error, fail};
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// How much is saved at once, in bytes.
const CHUNK: u64 = 1 << 20;

const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;
const ET_CORE: u16 = 4;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const NT_PRSTATUS: u32 = 1;

/// What Linux's `struct elf_prstatus` looks like: where the thread's number is, the registers, the whole.
struct Layout {
    isa: &'static str,
    machine: u16,
    size: usize,
    /// In the order of `struct user_regs_struct`.
    registers: &'static [&'static str],
}

const PID_AT: usize = 32;
const REGISTERS_AT: usize = 112;

const LAYOUTS: &[Layout] = &[
    Layout {
        isa: "riscv64",
        machine: goblin::elf::header::EM_RISCV,
        size: 376,
        registers: &[
            "pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
            "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
        ],
    },
    Layout {
        isa: "aarch64",
        machine: goblin::elf::header::EM_AARCH64,
        size: 392,
        registers: &[
            "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
            "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
            "sp", "pc", "cpsr",
        ],
    },
];

/// Writes the registers of all vCPUs and guest memory, or `only` (first address, bytes) of it, as an ELF core of
/// physical addresses. The machine is paused meanwhile.
///
/// # Errors
/// When there is no such memory, or the file cannot be written.
pub fn save_core(control: &Control, path: &str, only: Option<(u64, u64)>) -> Result<()> {
    let machine = control.machine();
    let isa = machine.isa.name();
    let layout = LAYOUTS.iter().find(|layout| layout.isa == isa);
    let layout = layout.ok_or_else(|| error!("there is no core file of {isa} yet"))?;
    let mut ranges = Vec::new();
    for region in machine.bus.map().iter().filter(|region| region.kind == "ram") {
        let (first, last) = match only {
            None => (region.base, region.last),
            Some((begin, length)) => (begin.max(region.base), begin.saturating_add(length - 1).min(region.last)),
        };
        if first <= last {
            ranges.push((first, last - first + 1));
        }
    }
    if ranges.is_empty() {
        fail!("the guest has no memory there");
    }
    let ran = control.is_running();
    control.pause();
    let refused = |e: io::Error| error!("could not write '{path}': {}", os_text(&e));
    let write = |notes: &[u8]| -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&headers(layout.machine, notes.len() as u64, &ranges))?;
        file.write_all(notes)?;
        for &(start, size) in &ranges {
            for at in (0..size).step_by(CHUNK as usize) {
                let mut bytes = vec![0; (size - at).min(CHUNK) as usize];
                // All of it is memory.
                let _ = machine.bus.peek(start + at, &mut bytes);
                file.write_all(&bytes)?;
            }
        }
        file.flush()
    };
    let notes = (0..machine.cpus()).map(|cpu| note(control, cpu, layout)).collect::<Result<Vec<_>>>();
    let done = notes.and_then(|notes| write(&notes.concat()).map_err(refused));
    if ran {
        control.resume();
    }
    done
}

/// The ELF header and the program headers: the notes, then each range.
fn headers(machine: u16, notes: u64, ranges: &[(u64, u64)]) -> Vec<u8> {
    let count = 1 + ranges.len() as u16;
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend([ET_CORE, machine].map(u16::to_le_bytes).concat());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend([0, HEADER, 0].map(u64::to_le_bytes).concat());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend([HEADER as u16, PROGRAM_HEADER as u16, count, 0, 0, 0].map(u16::to_le_bytes).concat());
    let mut program = |kind: u32, offset: u64, at: u64, size: u64| {
        bytes.extend([kind, 0].map(u32::to_le_bytes).concat());
        bytes.extend([offset, 0, at, size, size, 0].map(u64::to_le_bytes).concat());
    };
    let mut offset = HEADER + PROGRAM_HEADER * u64::from(count);
    program(PT_NOTE, offset, 0, notes);
    offset += notes;
    for &(at, size) in ranges {
        program(PT_LOAD, offset, at, size);
        offset += size;
    }
    bytes
}

/// The note of a vCPU, as if it were a thread.
fn note(control: &Control, cpu: u32, layout: &Layout) -> Result<Vec<u8>> {
    let read = |cpu: &mut Cpu| {
        let isa = cpu.isa.clone();
        let value = |cpu: &mut Cpu, name: &&str| match *name {
            "pc" => cpu.pc,
            name => {
                let register = isa.registers().iter().find(|register| register.name == name);
                register.map_or(0, |register| isa.read_register(cpu, register))
            }
        };
        layout.registers.iter().flat_map(|name| value(cpu, name).to_le_bytes()).collect::<Vec<u8>>()
    };
    let registers = control.with_cpu(cpu, read)?;
    let mut status = vec![0; layout.size];
    status[PID_AT..PID_AT + 4].copy_from_slice(&(cpu + 1).to_le_bytes());
    status[REGISTERS_AT..REGISTERS_AT + registers.len()].copy_from_slice(&registers);
    let mut bytes: Vec<u8> = [5, layout.size as u32, NT_PRSTATUS].map(u32::to_le_bytes).concat();
    bytes.extend(b"CORE\0\0\0\0");
    bytes.extend(status);
    Ok(bytes)
}

/// Writes the device tree.
///
/// # Errors
/// When the file cannot be written.
pub fn save_tree(control: &Control, path: &str) -> Result<()> {
    std::fs::write(path, &control.machine().dtb).map_err(|e| error!("could not write '{path}': {}", os_text(&e)))
}

type Answer = std::result::Result<String, Fault>;

pub fn dump_guest_memory(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    for letter in ['p', 'd', 'z', 'l', 's', 'w', 'R'] {
        if args.option(letter) {
            return refuse(format!("Error: -{letter} is not supported yet: cores are ELF files of physical addresses"));
        }
    }
    let path = args.file()?;
    let only = match args.is_empty() {
        true => None,
        false => Some((args.expression(monitor)?, args.expression(monitor)?)),
    };
    if only.is_some_and(|(_, length)| length == 0) {
        return usage("dump-guest-memory: the length is zero");
    }
    match save_core(monitor.control(), path.strip_prefix("file:").unwrap_or(&path), only) {
        Ok(()) => Ok(String::new()),
        Err(e) => refuse(format!("Error: {e}")),
    }
}

pub fn dumpdtb(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let path = args.file()?;
    match save_tree(monitor.control(), &path) {
        Ok(()) => Ok(format!("DTB dumped to '{path}'\n")),
        Err(e) => refuse(format!("Error: {e}")),
    }
}
