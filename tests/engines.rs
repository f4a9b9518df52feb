//! The JIT against the interpreter, on random programs of the real ISAs: user code that computes, loads and stores,
//! branches and loops, and traps now and then, on a vCPU with translation on.
//!
//! ```text
//!   rows of the ISA's tables ──► units, laid out ──┬──► interpreter ─┐
//!   random registers and memory ───────────────────┴──► JIT ─────────┴──► equal at each trap: registers, memory
//! ```
//! Each trap enters a handler of one instruction, the return, with a breakpoint on it. There the test compares, and
//! moves the return address past the instruction that trapped.

mod engines {
    pub mod aarch64;
    pub mod riscv64;
}
#[path = "common/random.rs"]
mod random;

use mimus::cpu::{Board, Cpu, Isa, Remote};
use mimus::engine::interp::Interp;
use mimus::engine::jit::{self, HostFeatures};
use mimus::engine::{CODE_LIMIT, Engine, Exit};
use mimus::fabric::{BusBuilder, Clock, Mailbox, Power, Ram, Timers, Watchers};
use random::{Random, rounds};
use std::sync::Arc;

/// The layout of the guest's memory: offsets from where its RAM starts. Addresses are translated to themselves.
pub mod layout {
    /// Three levels of page tables, a page each.
    pub const TABLES: u64 = 0;
    /// Where traps go.
    pub const HANDLER: u64 = 0x3000;
    /// The program.
    pub const CODE: u64 = 0x8000;
    /// The end of what it may execute.
    pub const CODE_END: u64 = 0xc000;
    /// What it may write.
    pub const DATA: u64 = 0x10000;
    /// What it may read, behind that.
    pub const READ_ONLY: u64 = 0x16000;
    /// What it may not touch.
    pub const NOTHING: u64 = 0x17000;
    /// How much RAM there is.
    pub const SIZE: u64 = 0x20000;
}

/// What a page may be used for by the program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Nothing.
    Nothing,
    /// The trap handler, which is not the program's.
    Handler,
    /// Reading and executing.
    Execute,
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

/// The pages with their use.
pub fn pages() -> impl Iterator<Item = (u64, Use)> {
    (0..layout::SIZE).step_by(0x1000).map(|page| {
        let permitted = match page {
            layout::HANDLER => Use::Handler,
            layout::CODE..layout::CODE_END => Use::Execute,
            layout::DATA..layout::READ_ONLY => Use::Write,
            layout::READ_ONLY..layout::NOTHING => Use::Read,
            _ => Use::Nothing,
        };
        (page, permitted)
    })
}

/// A piece of a program: instructions that are entered at the first one only.
pub enum Unit {
    /// Instructions.
    Plain(Vec<u8>),
    /// A jump over so many of the units that follow.
    Jump(usize, Jump),
    /// A jump back by so many units.
    Back(usize, Jump),
}

/// Instructions that jump, from the distance in bytes between their start and their target.
pub type Jump = Box<dyn Fn(i64) -> Vec<u8>>;

impl Unit {
    fn size(&self) -> usize {
        match self {
            Unit::Plain(code) => code.len(),
            Unit::Jump(_, code) | Unit::Back(_, code) => code(0).len(),
        }
    }
}

/// What the test needs to know of an ISA.
pub trait Guest {
    /// The ISA, configured.
    fn isa(&self) -> Arc<dyn Isa>;
    /// Where RAM is.
    fn base(&self) -> u64;
    /// Page tables and handler.
    fn image(&self) -> Vec<(u64, Vec<u8>)>;
    /// Where traps go, as addresses.
    fn handlers(&self) -> Vec<u64>;
    /// Puts the vCPU into user mode with random registers.
    fn start(&self, cpu: &mut Cpu, random: &mut Random);
    /// A unit of a program; `left` units follow it.
    fn unit(&self, random: &mut Random) -> Unit;
    /// The unit that sets the loop counter to `n`, and the one that counts down and jumps `by` units back.
    fn loop_of(&self, n: u32, by: usize) -> [Unit; 2];
    /// What ends a program: an instruction that traps.
    fn stop(&self) -> Vec<u8>;
    /// Address of the instruction that trapped, and of the next one.
    fn trapped(&self, cpu: &Cpu, ram: &Ram) -> (u64, u64);
    /// Makes the handler return there.
    fn return_to(&self, cpu: &mut Cpu, pc: u64);
    /// What the trap was.
    fn describe(&self, cpu: &Cpu) -> String;
}

/// A random program's units.
fn units(guest: &dyn Guest, random: &mut Random, length: usize) -> Vec<Unit> {
    let mut units: Vec<Unit> = vec![];
    let mut open: Option<(usize, usize)> = None;
    while units.len() < length {
        match open {
            Some((start, 0)) => {
                let [_, back] = guest.loop_of(0, units.len() - start);
                units.push(back);
                open = None;
            }
            Some((start, left)) => {
                units.push(guest.unit(random));
                open = Some((start, left - 1));
            }
            None if random.below(12) == 0 => {
                let [set, _] = guest.loop_of(1 + random.below(4) as u32, 0);
                units.push(set);
                open = Some((units.len(), 1 + random.below(12)));
            }
            None => units.push(guest.unit(random)),
        }
    }
    units
}

/// The code of a program.
fn lay_out(guest: &dyn Guest, units: &[&Unit]) -> Vec<u8> {
    let mut at = vec![0];
    for unit in units {
        at.push(at[at.len() - 1] + unit.size());
    }
    let mut code = vec![];
    for (n, unit) in units.iter().enumerate() {
        let bytes = match unit {
            Unit::Plain(code) => code.clone(),
            Unit::Jump(over, code) => code(at[(n + 1 + over).min(units.len())] as i64 - at[n] as i64),
            Unit::Back(by, code) => code(at[n - by] as i64 - at[n] as i64),
        };
        assert_eq!(bytes.len(), unit.size());
        code.extend(bytes);
    }
    code.extend(guest.stop());
    code
}

/// A machine of one vCPU.
struct Bench {
    cpu: Box<Cpu>,
    ram: Arc<Ram>,
    engine: Box<dyn Engine>,
}

impl Bench {
    fn new(guest: &dyn Guest, make: impl FnOnce(Arc<Mailbox>) -> Box<dyn Engine>) -> Bench {
        let watchers = Arc::new(Watchers::default());
        let mailbox = Arc::<Mailbox>::default();
        watchers.watch(vec![mailbox.clone()]);
        let ram = Ram::new(layout::SIZE, &watchers).unwrap();
        let mut bus = BusBuilder::default();
        bus.ram("ram", guest.base(), layout::SIZE, ram.clone(), 0, true).unwrap();
        let board = Board {
            bus: Arc::new(bus.build()),
            timers: Timers::idle(Clock::new()),
            power: Power::new(|| {}),
            debug: Arc::default(),
            interface: None,
            semihosting: None,
        };
        board.debug.change(|points| points.breakpoints = guest.handlers());
        let cpu = Cpu::new(0, guest.isa(), board, vec![Remote::new()].into(), None);
        Bench { cpu, ram, engine: make(mailbox) }
    }

    fn load(&mut self, guest: &dyn Guest, start: u64, program: &[u8], seed: u64) {
        let mut random = Random(seed);
        let data: Vec<u8> =
            (layout::DATA..layout::SIZE).step_by(8).flat_map(|_| random.integer().to_le_bytes()).collect();
        self.ram.write(layout::DATA, &data);
        self.ram.write(start, program);
        for (at, bytes) in guest.image() {
            self.ram.write(at, &bytes);
        }
        self.cpu.reset();
        guest.start(&mut self.cpu, &mut random);
        self.cpu.pc = guest.base() + start;
        self.cpu.mode_changed();
    }

    /// Runs to the next trap; returns what a comparison is to see.
    fn run(&mut self) -> (u64, Vec<u64>, u8) {
        assert_eq!(self.engine.run(&mut self.cpu), Exit::Breakpoint);
        (self.cpu.pc, self.cpu.slots.to_vec(), self.cpu.float_flags)
    }

    fn memory(&self) -> Vec<u8> {
        let mut memory = vec![0; layout::SIZE as usize];
        self.ram.read(0, &mut memory);
        memory
    }
}

/// So many traps are enough of a program.
const MOST_TRAPS: usize = 400;

/// Runs `program` on both. An error says how they differ.
fn compare(
    guest: &dyn Guest,
    [oracle, tested]: [&mut Bench; 2],
    start: u64,
    program: &[u8],
    seed: u64,
) -> Result<(), String> {
    for bench in [&mut *oracle, &mut *tested] {
        bench.load(guest, start, program, seed);
    }
    let end = guest.base() + start + (program.len() - guest.stop().len()) as u64;
    let code = guest.base() + start..end;
    for traps in 0..MOST_TRAPS {
        let (want, got) = (oracle.run(), tested.run());
        let (at, next) = guest.trapped(&oracle.cpu, &oracle.ram);
        if want != got {
            let slots = (0..want.1.len()).filter(|n| want.1[*n] != got.1[*n]);
            let slots: Vec<String> =
                slots.map(|n| format!("slot {n}: {:#x}, not {:#x}", got.1[n], want.1[n])).collect();
            return Err(format!(
                "after {traps} traps, at {:#x} not {:#x} ({}), flags {:#x} not {:#x}: {slots:#?}",
                guest.trapped(&tested.cpu, &tested.ram).0,
                at,
                guest.describe(&oracle.cpu),
                got.2,
                want.2,
            ));
        }
        if !code.contains(&at) {
            break;
        }
        for bench in [&mut *oracle, &mut *tested] {
            guest.return_to(&mut bench.cpu, next);
        }
    }
    let (want, got) = (oracle.memory(), tested.memory());
    match want.iter().zip(&got).position(|(want, got)| want != got) {
        Some(at) => Err(format!("memory at {at:#x}: {:#x}, not {:#x}", got[at], want[at])),
        None => Ok(()),
    }
}

fn agree(guest: &dyn Guest, host: HostFeatures, programs: u64, length: usize) {
    let mut oracle = Bench::new(guest, |mailbox| Box::new(Interp::new(mailbox, CODE_LIMIT)));
    let mut tested =
        Bench::new(guest, |mailbox| Box::new(jit::engines(1, host, mailbox, CODE_LIMIT).unwrap().remove(0)));
    for round in 0..programs * rounds() {
        let seed = 0x5eed_0000_0000 + round;
        let mut random = Random(seed);
        let start = layout::CODE + random.below(0x400) as u64 * 4;
        let units = units(guest, &mut random, length);
        let mut units: Vec<&Unit> = units.iter().collect();
        let mut differs = |units: &[&Unit]| {
            let program = lay_out(guest, units);
            assert!(start + program.len() as u64 <= layout::CODE_END);
            compare(guest, [&mut oracle, &mut tested], start, &program, seed).err()
        };
        let Some(mut difference) = differs(&units) else { continue };
        // What can be left out is not at fault. Its place stays, for loops count units.
        let nothing = Unit::Plain(vec![]);
        for n in 0..units.len() {
            let unit = std::mem::replace(&mut units[n], &nothing);
            match differs(&units) {
                Some(shorter) => difference = shorter,
                None => units[n] = unit,
            }
        }
        panic!("program {round}: {difference}\n{}", listing(guest, start, &lay_out(guest, &units)));
    }
}

fn listing(guest: &dyn Guest, start: u64, program: &[u8]) -> String {
    let isa = guest.isa();
    let (mut at, mut text) = (0, String::new());
    while at < program.len() {
        let address = guest.base() + start + at as u64;
        let (instruction, size) = isa.disassemble(&program[at..], address);
        text += &format!("{address:#x}: {instruction}\n");
        at += size;
    }
    text
}

#[test]
fn jit_runs_aarch64_programs_as_the_interpreter_does() {
    agree(&engines::aarch64::Guest::new(), HostFeatures::detect(), 400, 150);
}

#[test]
fn jit_runs_aarch64_programs_on_a_baseline_host() {
    agree(&engines::aarch64::Guest::new(), HostFeatures::BASELINE, 150, 150);
}

#[test]
fn jit_runs_riscv64_programs_as_the_interpreter_does() {
    agree(&engines::riscv64::Guest::new(), HostFeatures::detect(), 400, 150);
}

#[test]
fn jit_runs_riscv64_programs_on_a_baseline_host() {
    agree(&engines::riscv64::Guest::new(), HostFeatures::BASELINE, 150, 150);
}
