//! A64 semantics against QEMU's user-mode emulation: the same program on both, instruction by instruction and in random
//! sequences, from the same registers, over special and random operands.
//!
//! ```text
//!   rows ──► segments: for each record of inputs { load all registers; BODY; store all registers }
//!              ├──► an ELF file ──► qemu-aarch64 ──► what it writes ─┐
//!              └──► lift ──► ir::eval on a flat memory ──────────────┴──► equal
//! ```
//! Without `qemu-aarch64` the tests say so and pass.

mod common;

use common::{Random, rounds, words};
use mimus::cpu::Trap;
use mimus::float::{Flags, Rules};
use mimus::ir::eval::{self, Env, Outcome, Trapped};
use mimus::ir::{Block, Builder, HelperId, Mem, MemSize, RmwOp, Slot, verify};
use mimus::isa::aarch64::decode::{Insn, Row, decode};
use mimus::isa::aarch64::features::Features;
use mimus::isa::aarch64::lift::lift;
use mimus::isa::aarch64::mode::{CodeMode, float_of_fpcr};
use mimus::isa::aarch64::{calls, flags, helpers, mops, regs, simd, table};
use std::collections::HashMap;

const QEMU: &str = "qemu-aarch64";
/// The same where data is big-endian.
const QEMU_BIG: &str = "qemu-aarch64_be";

/// All but what QEMU does not have.
const KNOWN: Features =
    Features::EVERY.without(Features::CSSC).without(Features::HBC).without(Features::LRCPC3).without(Features::RAS);

/// Where the program is, and what it works on behind it.
const BASE: u64 = 0x10_0000;
const SCRATCH_SIZE: u64 = 0x1_8000;
const MIDDLE: u64 = 0x4000;

/// A record, in doublewords: X0 to X27, X30, NZCV, FPCR, FPSR, V0 to V31.
const RECORD: usize = 96;
const NZCV: usize = 29;
const FPCR: usize = 30;
const FPSR: usize = 31;
const V: usize = 32;

/// Registers that hold the address of the middle of the scratch memory, and a small index.
const POINTERS: [u32; 4] = [2, 15, 27, 31];
const INDICES: [u32; 2] = [6, 20];

/// Encodings of the few instructions that the frame around a body needs.
mod asm {
    /// MOVZ and MOVK: an address below 4 GiB.
    pub fn li(rd: u32, value: u64) -> [u32; 2] {
        [0xd280_0000, 0xf2a0_0000].map(|op| op | rd).map({
            let mut value = value;
            move |op| {
                let low = value as u32 & 0xffff;
                value >>= 16;
                op | low << 5
            }
        })
    }
    pub fn ldr(rt: u32, rn: u32, word: usize) -> u32 {
        0xf940_0000 | (word as u32) << 10 | rn << 5 | rt
    }
    pub fn str(rt: u32, rn: u32, word: usize) -> u32 {
        0xf900_0000 | (word as u32) << 10 | rn << 5 | rt
    }
    pub fn ldr_q(rt: u32, rn: u32, word: usize) -> u32 {
        0x3dc0_0000 | (word as u32 / 2) << 10 | rn << 5 | rt
    }
    pub fn str_q(rt: u32, rn: u32, word: usize) -> u32 {
        0x3d80_0000 | (word as u32 / 2) << 10 | rn << 5 | rt
    }
    pub fn add(rd: u32, rn: u32, imm: u32) -> u32 {
        0x9100_0000 | imm << 10 | rn << 5 | rd
    }
    pub const MSR: u32 = 0xd51b_0000;
    pub const MRS: u32 = 0xd53b_0000;
    pub const SVC: u32 = 0xd400_0001;
}

/// The frame's system registers, with their place in a record and in the encoding.
const SYSTEM: [(usize, u32); 3] = [(NZCV, 0x4200), (FPCR, 0x4400), (FPSR, 0x4420)];

/// The general registers of a record.
fn general() -> impl Iterator<Item = (usize, u32)> {
    (0..28).chain([30]).enumerate()
}

/// A program under construction.
struct Program {
    big_endian: bool,
    bodies: Vec<Vec<u32>>,
    inputs: Vec<[u64; RECORD]>,
    image: Vec<u8>,
    scratch: u64,
    out: u64,
    out_size: u64,
}

/// A vector register's half: a float of a width with zeros or something else above it.
fn register_for(random: &mut Random, width: u32) -> u64 {
    let float = match width {
        _ if random.below(40) == 0 => random.next(),
        16 => random.float(5, 10),
        32 => random.float(8, 23),
        _ => random.float(11, 52),
    };
    if random.below(4) == 0 { float | random.next().checked_shl(width).unwrap_or(0) } else { float }
}

impl Program {
    fn new(big_endian: bool, bodies: Vec<Vec<u32>>, records: usize, random: &mut Random) -> Program {
        let mut program =
            Program { big_endian, bodies, inputs: vec![], image: vec![], scratch: 0, out: 0, out_size: 0 };
        // The code's size does not depend on the addresses in it.
        let size = 4 * program.code(0, 0).len() as u64;
        program.scratch = (BASE + size + 0xfff) & !0xfff;
        let inputs_at = program.scratch + SCRATCH_SIZE;
        for n in 0..records {
            let width = [16, 32, 64][n % 3];
            let mut record = [0; RECORD];
            record[..29].fill_with(|| random.integer());
            record[V..].fill_with(|| register_for(random, width));
            record[NZCV] = (random.below(16) as u64) << 28;
            // RMode, and sometimes FZ16, FZ, DN, AHP.
            record[FPCR] = (random.below(4) as u64) << 22;
            if random.below(3) == 0 {
                record[FPCR] |= random.next() & (1 << 19 | 1 << 24 | 1 << 25 | 1 << 26);
            }
            if random.below(3) == 0 {
                // AH, FIZ, NEP.
                record[FPCR] |= random.next() & 7;
            }
            record[FPSR] = if n % 7 == 0 { random.next() & 0x9f } else { 0 };
            for pointer in POINTERS.into_iter().filter(|n| *n != 31) {
                record[pointer as usize] = program.scratch + MIDDLE;
            }
            for index in INDICES {
                record[index as usize] = random.below(64) as u64 * 16;
            }
            program.inputs.push(record);
        }
        let inputs_size = (records * RECORD * 8) as u64;
        program.out = inputs_at + inputs_size;
        program.out_size = program.bodies.len() as u64 * inputs_size;
        let code = program.code(inputs_at, inputs_at + inputs_size);
        let mut image: Vec<u8> = code.into_iter().flat_map(u32::to_le_bytes).collect();
        image.resize((program.scratch - BASE) as usize, 0);
        image.extend((0..SCRATCH_SIZE / 8).flat_map(|_| random.integer().to_le_bytes()));
        for input in program.inputs.iter().flatten() {
            image.extend(if big_endian { input.to_be_bytes() } else { input.to_le_bytes() });
        }
        program.image = image;
        program
    }

    fn code(&self, inputs: u64, inputs_end: u64) -> Vec<u32> {
        let mut code = vec![];
        code.extend(asm::li(28, self.scratch + MIDDLE));
        code.push(asm::add(31, 28, 0));
        code.extend(asm::li(28, self.out));
        for body in &self.bodies {
            code.extend(asm::li(29, inputs));
            let start = code.len();
            for (word, register) in SYSTEM {
                code.extend([asm::ldr(0, 29, word), asm::MSR | register]);
            }
            code.extend((0..32).map(|n| asm::ldr_q(n, 29, V + 2 * n as usize)));
            code.extend(general().map(|(word, n)| asm::ldr(n, 29, word)));
            code.extend(body);
            code.extend(general().map(|(word, n)| asm::str(n, 28, word)));
            code.extend((0..32).map(|n| asm::str_q(n, 28, V + 2 * n as usize)));
            for (word, register) in SYSTEM {
                code.extend([asm::MRS | register, asm::str(0, 28, word)]);
            }
            code.extend([asm::add(28, 28, RECORD as u32 * 8), asm::add(29, 29, RECORD as u32 * 8)]);
            code.extend(asm::li(0, inputs_end));
            code.push(0xeb00_03bf); // cmp x29, x0
            let back = start as i64 - code.len() as i64;
            code.push(0x5400_0001 | (back as u32 & 0x7_ffff) << 5); // b.ne
        }
        // write(1, out, size); write(1, scratch, size); exit(0)
        for (at, size) in [(self.out, self.out_size), (self.scratch, SCRATCH_SIZE)] {
            code.extend(asm::li(0, 1));
            code.extend(asm::li(1, at));
            code.extend(asm::li(2, size));
            code.extend(asm::li(8, 64));
            code.push(asm::SVC);
        }
        code.extend(asm::li(0, 0));
        code.extend(asm::li(8, 93));
        code.push(asm::SVC);
        code
    }

    /// What QEMU makes of it: the output records and the scratch memory.
    fn run_on_qemu(&self, name: &str) -> Vec<u8> {
        let memory = self.out + self.out_size - BASE;
        let elf = common::elf((183, 0, self.big_endian), BASE, &self.image, memory);
        common::run_on_qemu(if self.big_endian { QEMU_BIG } else { QEMU }, name, &elf)
    }

    /// Runs it on both and returns where they disagree, in words.
    fn differences(&self, name: &str) -> Vec<String> {
        let mut machine = Machine::new(self);
        machine.run();
        let (theirs, ours) = (self.run_on_qemu(name), machine.output);
        assert_eq!(theirs.len() as u64, self.out_size + SCRATCH_SIZE);
        assert_eq!(theirs.len(), ours.len());
        let values = |bytes: &[u8]| -> Vec<u64> {
            words(bytes).into_iter().map(|value| if self.big_endian { value.swap_bytes() } else { value }).collect()
        };
        let (theirs, ours) = (values(&theirs), values(&ours));
        let mut found = vec![];
        let mut seen = vec![0; self.bodies.len() + 1];
        for (index, (their, our)) in theirs.iter().zip(&ours).enumerate().filter(|(_, (their, our))| their != our) {
            let (record, field) = (index / RECORD, index % RECORD);
            let (segment, input) = (record / self.inputs.len(), record % self.inputs.len());
            let Some(body) = self.bodies.get(segment) else {
                found.push(format!("scratch memory at {:#x}: {their:#x} and here {our:#x}", index * 8));
                break;
            };
            seen[segment] += 1;
            if seen[segment] > 3 {
                continue;
            }
            let name = |word: &u32| format!("{} {word:08x}", decode(*word, KNOWN).map_or("simd", |row| row.name));
            let what = match field {
                NZCV => "nzcv".into(),
                FPCR => "fpcr".into(),
                FPSR => "fpsr".into(),
                // Registers of 128 bits stand there in the order of data.
                V.. => format!("v{}.d[{}]", (field - V) / 2, (field % 2) ^ usize::from(self.big_endian)),
                28 => "x30".into(),
                _ => format!("x{field}"),
            };
            let inputs = &self.inputs[input];
            let used = body.iter().filter(|_| body.len() < 4).flat_map(|word| {
                let i = Insn(*word);
                [i.rn(), i.rm(), i.ra(), i.rd()].map(|n| {
                    let x = if n > 27 { 0 } else { inputs[n as usize] };
                    format!("x{n}={x:#x} v{n}={:#x}", inputs[V + 2 * n as usize])
                })
            });
            found.push(format!(
                "{}: {what} is {their:#x} and here {our:#x}; from nzcv={:#x} fpcr={:#x} fpsr={:#x} {}",
                body.iter().map(name).collect::<Vec<_>>().join("; "),
                inputs[NZCV],
                inputs[FPCR],
                inputs[FPSR],
                used.collect::<Vec<_>>().join(" ")
            ));
        }
        found
    }
}

/// A flat memory and the registers: what lifted code runs on here.
struct Machine {
    big_endian: bool,
    slots: Vec<u64>,
    memory: Vec<u8>,
    flags: Flags,
    output: Vec<u8>,
    exited: bool,
    called: bool,
}

/// The flags where FPSR has them.
fn fpsr(flags: Flags) -> u64 {
    let places = [
        (Flags::INVALID, 0),
        (Flags::DIV_BY_ZERO, 1),
        (Flags::OVERFLOW, 2),
        (Flags::UNDERFLOW, 3),
        (Flags::INEXACT, 4),
        (Flags::INPUT_DENORMAL, 7),
    ];
    places.into_iter().filter(|(flag, _)| flags.contains(*flag)).fold(0, |value, (_, bit)| value | 1 << bit)
}

impl Machine {
    fn new(program: &Program) -> Machine {
        let mut memory = program.image.clone();
        memory.resize((program.out + program.out_size - BASE) as usize, 0);
        let mut slots = vec![0; regs::FIRST_SYSREG as usize];
        slots[regs::EXCLUSIVE_ADDRESS.0 as usize] = u64::MAX;
        Machine {
            big_endian: program.big_endian,
            slots,
            memory,
            flags: Flags::NONE,
            output: vec![],
            exited: false,
            called: false,
        }
    }

    fn mode(&self) -> CodeMode {
        let float = float_of_fpcr(self.slots[regs::FPCR.0 as usize]);
        CodeMode { float, big_endian: self.big_endian, ..CodeMode::default() }
    }

    fn run(&mut self) {
        let mut blocks: HashMap<(u64, u32), Block> = HashMap::new();
        let mut b = Builder::new(self.slots.len());
        let mut values = vec![];
        let mut pc = BASE;
        while !self.exited {
            let mode = self.mode();
            let block = blocks.entry((pc, mode.encode())).or_insert_with(|| lift_block(&mut b, &self.memory, pc, mode));
            pc = match eval::run(block, pc & !0xfff, self, &mut values) {
                Outcome::To(pc) | Outcome::Leave(pc, _) => pc,
                Outcome::Trapped(pc) if self.called => pc + 4,
                Outcome::Trapped(pc) => panic!("trap at {pc:#x}: {:02x?}", &self.memory[(pc - BASE) as usize..][..4]),
            };
            self.called = false;
        }
    }

    fn at(&self, address: u64, len: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(address.checked_sub(BASE)?).ok()?;
        (start + len <= self.memory.len()).then_some(start..start + len)
    }

    fn system_call(&mut self) -> Option<()> {
        match self.slots[8] {
            64 => {
                let at = self.at(self.slots[1], self.slots[2] as usize)?;
                self.output.extend(&self.memory[at]);
            }
            93 => self.exited = true,
            _ => return None,
        }
        self.called = true;
        Some(())
    }

    /// A pair of registers; 31 is the zero register.
    fn pair(&self, numbers: [u64; 2]) -> [u64; 2] {
        numbers.map(|n| if n == 31 { 0 } else { self.slots[n as usize] })
    }

    fn cas_pair(&mut self, address: u64, expected: [u64; 2], new: [u64; 2]) -> Result<[u64; 2], Trapped> {
        let at = self.at(address, 16).ok_or(Trapped)?;
        let half = self.mode().mem(MemSize::B8);
        let old: Vec<u64> = words(&self.memory[at.clone()]).into_iter().map(|value| half.in_order(value)).collect();
        if old == expected {
            self.memory[at].copy_from_slice(&new.map(|value| half.in_order(value).to_le_bytes()).concat());
        }
        Ok([old[0], old[1]])
    }
}

/// Lifts a block as an engine would.
fn lift_block(b: &mut Builder, memory: &[u8], pc: u64, mode: CodeMode) -> Block {
    b.begin((pc & 0xfff) as u16);
    while !b.has_ended() && b.here() < 0x1000 && b.insns() < 64 {
        let at = (pc & !0xfff) - BASE + u64::from(b.here());
        lift(b, &memory[at as usize..], mode, KNOWN);
    }
    let block = b.finish();
    verify(&block).unwrap_or_else(|e| panic!("{e} in\n{block}"));
    block
}

impl Env for Machine {
    fn insn(&mut self, _: u64) {}

    fn get(&mut self, slot: Slot) -> u64 {
        self.slots[slot.0 as usize]
    }

    fn set(&mut self, slot: Slot, value: u64) {
        self.slots[slot.0 as usize] = value;
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        let at = self.at(address, usize::from(mem.size.bytes())).ok_or(Trapped)?;
        let value = self.memory[at].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        Ok(mem.in_order(value))
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        let len = usize::from(mem.size.bytes());
        let at = self.at(address, len).ok_or(Trapped)?;
        self.memory[at].copy_from_slice(&mem.in_order(value).to_le_bytes()[..len]);
        Ok(())
    }

    fn rmw(&mut self, op: RmwOp, mem: Mem, address: u64, value: u64) -> Result<u64, Trapped> {
        let old = self.load(mem, address)?;
        self.store(mem, address, eval::rmw(op, u32::from(mem.size.bytes()) * 8, old, value))?;
        Ok(old)
    }

    fn cas(&mut self, mem: Mem, address: u64, expected: u64, new: u64) -> Result<u64, Trapped> {
        let old = self.load(mem, address)?;
        let mask = mimus::base::bits::mask(u32::from(mem.size.bytes()) * 8);
        if old == expected & mask {
            self.store(mem, address, new)?;
        }
        Ok(old)
    }

    fn fence(&mut self) {}

    fn call(&mut self, helper: HelperId, args: [u64; 3]) -> Result<u64, Trapped> {
        const FPCR: u64 = helpers::sysreg(3, 3, 4, 4, 0);
        const FPSR: u64 = helpers::sysreg(3, 3, 4, 4, 1);
        match (helper, args[0]) {
            (helpers::SVC, _) => {
                self.system_call().ok_or(Trapped)?;
                Err(Trapped)
            }
            (helpers::MRS, FPCR) => Ok(self.slots[regs::FPCR.0 as usize]),
            (helpers::MRS, FPSR) => Ok(self.slots[regs::FPSR.0 as usize] | fpsr(self.flags)),
            (helpers::MSR, FPCR) => {
                self.slots[regs::FPCR.0 as usize] = args[1];
                Ok(0)
            }
            (helpers::MSR, FPSR) => {
                self.flags = Flags::NONE;
                self.slots[regs::FPSR.0 as usize] = args[1];
                Ok(0)
            }
            (helpers::ALIGNED, address) => {
                if address % args[1] == 0 {
                    Ok(0)
                } else {
                    Err(Trapped)
                }
            }
            (helpers::NZCV, _) => {
                let slot = |slot: Slot| self.slots[slot.0 as usize];
                let [kind, a, b, c] = [regs::FLAGS, regs::FLAG_A, regs::FLAG_B, regs::FLAG_C].map(slot);
                Ok(flags::nzcv(kind, a, b, c))
            }
            (helpers::CRC32, _) => Ok(calls::crc32(args[0], args[1], args[2])),
            (helpers::FLOAT_HALF, op) => {
                let (value, flags) = calls::half(self.mode(), op, args[1]);
                self.raise(flags);
                Ok(value)
            }
            (helpers::FIXED, what) => {
                let (value, flags) = calls::fixed(self.mode(), what, args[1]);
                self.raise(flags);
                Ok(value)
            }
            (helpers::FLOAT_ALTERNATE, insn) => Ok(simd::alternate::run(self, insn as u32, args[1])),
            (helpers::CAS_PAIR, address) => {
                let (s, t) = (args[1] & 0xff, args[1] >> 8);
                let (expected, new) = (self.pair([s, s + 1]), self.pair([t, t + 1]));
                let old = self.cas_pair(address, expected, new)?;
                for (n, old) in [s, s + 1].into_iter().zip(old).filter(|(n, _)| *n != 31) {
                    self.slots[n as usize] = old;
                }
                Ok(0)
            }
            (helpers::STORE_PAIR_EXCLUSIVE, address) => {
                if Env::get(self, regs::EXCLUSIVE_ADDRESS) != address {
                    return Ok(1);
                }
                let new = self.pair([args[1] & 0xff, args[1] >> 8]);
                let expected = [Env::get(self, regs::EXCLUSIVE_VALUE), Env::get(self, regs::EXCLUSIVE_HIGH)];
                Ok(u64::from(self.cas_pair(address, expected, new)? != expected))
            }
            (helpers::MOPS, insn) => mops::run(self, Insn(insn as u32)).map(u64::from),
            _ => Err(Trapped),
        }
    }

    fn raise(&mut self, flags: Flags) {
        self.flags |= flags;
    }

    fn rules(&self) -> &Rules {
        self.mode().rules()
    }
}

impl simd::Machine for Machine {
    fn slots(&mut self) -> &mut [u64] {
        &mut self.slots
    }

    fn slot(&self, slot: Slot) -> u64 {
        self.slots[slot.0 as usize]
    }

    fn load(&mut self, _: Mem, _: u64) -> Result<u64, Trap> {
        unreachable!("only structures are loaded by a helper")
    }

    fn store(&mut self, _: Mem, _: u64, _: u64) -> Result<(), Trap> {
        unreachable!("only structures are stored by a helper")
    }

    fn access(&self, size: MemSize) -> Mem {
        self.mode().mem(size)
    }

    fn raise(&mut self, flags: Flags) {
        self.flags |= flags;
    }
}

impl mops::Machine for Machine {
    fn get(&self, slot: Slot) -> u64 {
        self.slots[slot.0 as usize]
    }

    fn set(&mut self, slot: Slot, value: u64) {
        self.slots[slot.0 as usize] = value;
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        Env::load(self, mem, address)
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        Env::store(self, mem, address, value)
    }
}

/// Rows that cannot run here: they trap, wait, need privilege, or read what differs.
fn is_left_out(row: &Row) -> bool {
    const NAMES: [&str; 19] = [
        "svc", "hvc", "smc", "brk", "hlt", "eret", "wfe", "wfi", "wfet", "wfit", "sev", "sevl", "hint", "msr", "mrs",
        "sys", "sysl", "mops", "bti",
    ];
    NAMES.contains(&row.name) || row.needs.has(Features::PAUTH) || !KNOWN.has(row.needs)
}

/// A random encoding of `row` that runs in a frame; `keep` are registers that it must not write.
fn encoding(row: &'static Row, random: &mut Random, keep: &[u32]) -> u32 {
    for _ in 0..1_000_000 {
        let mut word = row.value | random.next() as u32 & !row.mask;
        let operands = row.operands;
        for (label, field) in [("label19", 0x7_ffff << 5), ("label14", 0x3fff << 5), ("label26", 0x3ff_ffff)] {
            if operands.contains(label) {
                word = word & !field | 2 << field.trailing_zeros();
            }
        }
        let i = Insn(word);
        if !decode(word, KNOWN).is_some_and(|found| std::ptr::eq(found, row)) {
            continue;
        }
        let memory = operands.contains("[n");
        let back = operands.contains('!') || operands.contains("], ");
        let exclusive = row.name.starts_with("stx") || row.name.starts_with("stlx");
        let pair = operands.contains('a') && memory;
        let mut written = vec![i.rd()];
        if pair {
            written.push(i.ra());
        }
        if operands.contains("m, ") {
            written.push(i.rm());
        }
        if operands.contains("+1") {
            written.extend([i.rd() + 1, i.rm() + 1]);
        }
        let unfit = written.iter().any(|n| keep.contains(n))
            || operands.contains("rd|") && i.rd() == 31
            || memory && !POINTERS.contains(&i.rn())
            || operands.contains("[n, m]") && !INDICES.contains(&i.rm())
            // What crosses 16 bytes.
            || row.needs.has(Features::LRCPC2) && i.bits(15, 12) != 0
            // What is constrained unpredictable.
            || back && (i.rn() == 31 || i.rn() == i.rd() || i.rn() == i.ra())
            || exclusive && (i.rm() == i.rd() || i.rm() == i.rn() || i.rm() == i.ra())
            || pair && i.rd() == i.ra();
        if !unfit {
            return word;
        }
    }
    panic!("{} has no encoding that fits", row.name);
}

/// The body that tries `row`: mostly the instruction alone, but a jump jumps over something.
fn body(row: &'static Row, random: &mut Random) -> Option<Vec<u32>> {
    if is_left_out(row) {
        return None;
    }
    let word = encoding(row, random, &[28, 29]);
    let skipped = asm::add(9, 9, 1);
    Some(match row.name {
        "br" | "blr" | "ret" => vec![0x1000_0069, row.value | 9 << 5, skipped], // adr x9, 12
        _ if row.operands.contains("label") => vec![word, skipped],
        _ => vec![word],
    })
}

fn check(name: &str, bodies: Vec<Vec<u32>>, records: usize, random: &mut Random) {
    check_in_order(false, name, bodies, records, random);
}

fn check_in_order(big_endian: bool, name: &str, bodies: Vec<Vec<u32>>, records: usize, random: &mut Random) {
    let mut all = vec![];
    for (n, bodies) in bodies.chunks(256).enumerate() {
        let program = Program::new(big_endian, bodies.to_vec(), records, random);
        all.extend(program.differences(&format!("{name}-{n}")));
    }
    for difference in all.iter().take(60) {
        println!("{difference}");
    }
    assert!(all.is_empty(), "{} differences, the first of them above", all.len());
}

#[test]
fn every_instruction_does_what_qemu_does() {
    if common::is_missing(QEMU) {
        return;
    }
    for round in 0..rounds() {
        let mut random = Random(0x1234_5678_9abc_def1 + round);
        let tries = table::rows().flat_map(|row| [row; 4]);
        let bodies = tries.filter_map(|row| body(row, &mut random)).collect();
        check("a64-each", bodies, 42, &mut random);
    }
}

#[test]
fn random_sequences_do_what_qemu_does() {
    if common::is_missing(QEMU) {
        return;
    }
    // Jumps and what moves its base are for the test above, exclusives for the one below.
    let suits = |row: &&Row| {
        let name = row.name;
        let exclusive = name.contains("xr") || name.contains("xp") && name != "xpac";
        let moves = row.operands.contains('!') || row.operands.contains("], ") || row.operands.contains("label");
        !is_left_out(row) && !exclusive && !moves && !matches!(name, "br" | "blr" | "ret")
    };
    let rows: Vec<&Row> = table::rows().filter(suits).collect();
    let keep = [&POINTERS[..3], &INDICES, &[28, 29]].concat();
    for round in 0..rounds() {
        let mut random = Random(0xfeed_beef_0bad_cafe + round);
        let bodies = (0..400).map(|_| {
            let rows: Vec<&'static Row> = (0..24).map(|_| random.one_of(&rows)).collect();
            rows.into_iter().map(|row| encoding(row, &mut random, &keep)).collect()
        });
        let bodies: Vec<Vec<u32>> = bodies.collect();
        check("a64-sequences", bodies, 24, &mut random);
    }
}

/// Loads and stores of every kind, exclusives and atomics, structures of vectors.
#[test]
fn big_endian_data_is_accessed_as_in_qemu() {
    if common::is_missing(QEMU_BIG) {
        return;
    }
    for round in 0..rounds() {
        let mut random = Random(0x0b16_e4d1_a400_0001 + round);
        let rows = table::rows().filter(|row| row.operands.contains("[n"));
        let bodies = rows.flat_map(|row| [row; 3]).filter_map(|row| body(row, &mut random)).collect();
        check_in_order(true, "a64-big-endian", bodies, 12, &mut random);
        check_in_order(true, "a64-big-endian-exclusives", exclusives(), 6, &mut random);
    }
}

#[test]
fn exclusives_hold_and_break_as_in_qemu() {
    if common::is_missing(QEMU) {
        return;
    }
    check("a64-exclusives", exclusives(), 6, &mut Random(5));
}

/// Exclusives that hold, and that break.
fn exclusives() -> Vec<Vec<u32>> {
    // On x2: ldxr, ldxp, stxr, stxp of x4 (and x5), the status in w7; ldxr and stxr of w4.
    let (ldxr, ldxp, stxr, stxp) = (0xc85f_7c44, 0xc87f_1444, 0xc807_7c48, 0xc827_2448);
    let (ldxr_w, stxr_w, clrex) = (0x885f_7c44, 0x8807_7c48, 0xd503_3f5f);
    let (ldxp_w, stxp_w) = (0x887f_1444, 0x8827_2448);
    let further = asm::add(2, 2, 16);
    let store = asm::str(9, 2, 0);
    vec![
        vec![ldxr, stxr],
        vec![ldxr_w, stxr_w],
        vec![ldxr, stxr, stxr],
        vec![ldxp, stxp],
        vec![ldxp_w, stxp_w],
        vec![ldxr, clrex, stxr],
        vec![ldxr, further, stxr],
        vec![ldxr, store, stxr],
        vec![ldxp, store, stxp],
        vec![ldxr, further, store, 0xd100_4042, stxr],
    ]
}

#[test]
fn memory_is_copied_and_set_as_in_qemu() {
    if common::is_missing(QEMU) {
        return;
    }
    // Prologue, main part, epilogue on x2 (to), x15 (from, or what is set), x6 (count).
    let copy = |op: u32| [0, 1, 2].map(|part| op | part << 22 | 15 << 16 | 6 << 5 | 2).to_vec();
    let set = [0, 1, 2].map(|part| 0x19c0_0400 | part << 14 | 9 << 16 | 6 << 5 | 2).to_vec();
    let up = |n| asm::add(2, 2, n);
    let down = 0xd100_2c42; // sub x2, x2, 11
    let with = |first: u32, rest: Vec<u32>| [vec![first], rest].concat();
    let (forward, either) = (0x1900_0400, 0x1d00_0400);
    let bodies = vec![
        set,
        with(up(0x800), copy(forward)),
        with(up(0x800), copy(either)),
        with(up(11), copy(either)),
        with(down, copy(either)),
    ];
    check("a64-mops", bodies, 30, &mut Random(9));
}
