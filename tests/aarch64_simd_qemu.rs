//! Advanced SIMD semantics against QEMU's user-mode emulation: every row of the table in random encodings, from random
//! registers in all rounding modes, with FZ, FZ16, DN, AHP, EBF, and AH, FIZ and NEP, as it is lifted and, where a helper does all of it too, by
//! the helper.
//!
//! ```text
//!   rows ──► segments: for each record of inputs { load all registers; INSTRUCTION; store all registers }
//!              ├──► an ELF file ──► qemu-aarch64 ──► what it writes ─┐
//!              └──► lift, ir::eval, and simd::run on a flat memory ──┴──► equal
//! ```
//! Without `qemu-aarch64` the tests say so and pass.

mod common;

use common::{Random, elf, is_missing, rounds, run_on_qemu, words};
use mimus::cpu::Trap;
use mimus::float::{Flags, Rules};
use mimus::ir::eval::{self, Env, Outcome, Trapped};
use mimus::ir::{Builder, HelperId, Mem, MemSize, RmwOp, Slot, verify};
use mimus::isa::aarch64::features::Features;
use mimus::isa::aarch64::lift::lift;
use mimus::isa::aarch64::mode::{CodeMode, float_of_fpcr};
use mimus::isa::aarch64::simd::table::{Row, Run, all, decode, row};
use mimus::isa::aarch64::simd::{Machine, is_simd, run};
use mimus::isa::aarch64::{helpers, regs};

const QEMU: &str = "qemu-aarch64";
/// The same where data is big-endian.
const QEMU_BIG: &str = "qemu-aarch64_be";

/// Where the program is, and what it works on behind it.
const BASE: u64 = 0x40_0000;
const SCRATCH_SIZE: u64 = 0x2000;

/// A record, in doublewords: V0 to V31, X0 to X28, SP, FPCR, FPSR.
const SP: usize = 64 + 29;
const FPCR: usize = SP + 1;
const FPSR: usize = FPCR + 1;
const RECORD: usize = FPSR + 1;

/// The registers that hold the address of the middle of the scratch memory; 31 is SP.
const POINTERS: [u32; 2] = [28, 31];

/// The registers of the frame around an instruction.
const IN: u32 = 29;
const OUT: u32 = 30;

/// FPCR: AHP, DN, FZ, RMode, FZ16, EBF.
const FPCR_BITS: u64 = 0x07c8_2000;
/// FPSR: QC, IDC, IXC, UFC, OFC, DZC, IOC.
const FPSR_BITS: u64 = 0x0800_009f;

/// Encodings of the few instructions that the frame needs. Offsets are in bytes.
mod asm {
    /// LDR and STR of X registers.
    pub fn ldr(rt: u32, rn: u32, offset: usize) -> u32 {
        0xf940_0000 | (offset as u32 / 8) << 10 | rn << 5 | rt
    }
    pub fn str(rt: u32, rn: u32, offset: usize) -> u32 {
        0xf900_0000 | (offset as u32 / 8) << 10 | rn << 5 | rt
    }
    /// LDR and STR of Q registers.
    pub fn ldr_q(rt: u32, rn: u32, offset: usize) -> u32 {
        0x3dc0_0000 | (offset as u32 / 16) << 10 | rn << 5 | rt
    }
    pub fn str_q(rt: u32, rn: u32, offset: usize) -> u32 {
        0x3d80_0000 | (offset as u32 / 16) << 10 | rn << 5 | rt
    }
    /// ADD with an immediate, of registers or SP.
    pub fn add(rd: u32, rn: u32, imm: usize) -> u32 {
        0x9100_0000 | (imm as u32) << 10 | rn << 5 | rd
    }
    /// MOVZ and MOVK: 32 bits.
    pub fn li(rd: u32, value: u64) -> [u32; 2] {
        let half = |shift: u32| (value >> shift) as u32 & 0xffff;
        [0xd280_0000 | half(0) << 5 | rd, 0xf2a0_0000 | half(16) << 5 | rd]
    }
    pub const MSR_FPCR_X0: u32 = 0xd51b_4400;
    pub const MSR_FPSR_X0: u32 = 0xd51b_4420;
    pub const MRS_X0_FPCR: u32 = 0xd53b_4400;
    pub const MRS_X0_FPSR: u32 = 0xd53b_4420;
    pub const SVC: u32 = 0xd400_0001;
}

/// A program under construction.
struct Program {
    big_endian: bool,
    words: Vec<u32>,
    inputs: Vec<[u64; RECORD]>,
    image: Vec<u8>,
    scratch: u64,
    out: u64,
    out_size: u64,
}

impl Program {
    fn new(big_endian: bool, words: Vec<u32>, records: usize, random: &mut Random) -> Program {
        let mut program = Program { big_endian, words, inputs: vec![], image: vec![], scratch: 0, out: 0, out_size: 0 };
        // The code's size does not depend on the addresses in it.
        let size = 4 * program.code(0, 0).len() as u64;
        program.scratch = (BASE + size + 0xfff) & !0xfff;
        let middle = program.scratch + SCRATCH_SIZE / 2;
        let inputs_at = program.scratch + SCRATCH_SIZE;
        for n in 0..records {
            let mut record = [0; RECORD];
            let width = [8, 16, 32, 64][n % 4];
            record[..64].fill_with(|| vector_half(random, width));
            record[64..SP].fill_with(|| random.integer());
            for pointer in POINTERS {
                record[if pointer == 31 { SP } else { 64 + pointer as usize }] = middle;
            }
            record[FPCR] = if n % 5 == 0 { 0 } else { random.next() & FPCR_BITS & !(1 << 26) };
            record[FPCR] |= if n % 4 == 1 { random.next() & 1 << 26 } else { 0 };
            record[FPCR] |= if n % 2 == 1 { random.next() & 7 } else { 0 };
            record[FPSR] = if n % 7 == 0 { random.next() & FPSR_BITS } else { 0 };
            program.inputs.push(record);
        }
        let inputs_size = (records * RECORD * 8) as u64;
        program.out = inputs_at + inputs_size;
        program.out_size = program.words.len() as u64 * inputs_size;
        let code = program.code(inputs_at, inputs_at + inputs_size);
        let mut image: Vec<u8> = code.into_iter().flat_map(u32::to_le_bytes).collect();
        image.resize((program.scratch - BASE) as usize, 0);
        image.extend((0..SCRATCH_SIZE / 8).flat_map(|_| random.integer().to_le_bytes()));
        for value in program.inputs.iter().flat_map(|record| program.in_order(record.to_vec())) {
            image.extend(value.to_le_bytes());
        }
        program.image = image;
        program
    }

    fn code(&self, inputs: u64, inputs_end: u64) -> Vec<u32> {
        let mut code = vec![];
        code.extend(asm::li(OUT, self.out));
        for word in &self.words {
            code.extend(asm::li(IN, inputs));
            let start = code.len();
            code.extend([asm::ldr(0, IN, 8 * FPCR), asm::MSR_FPCR_X0]);
            code.extend([asm::ldr(0, IN, 8 * FPSR), asm::MSR_FPSR_X0]);
            code.extend([asm::ldr(0, IN, 8 * SP), asm::add(31, 0, 0)]);
            code.extend((0..32).map(|n| asm::ldr_q(n, IN, 16 * n as usize)));
            code.extend((0..29).map(|n| asm::ldr(n, IN, 8 * (64 + n as usize))));
            code.push(*word);
            code.extend((0..32).map(|n| asm::str_q(n, OUT, 16 * n as usize)));
            code.extend((0..29).map(|n| asm::str(n, OUT, 8 * (64 + n as usize))));
            code.extend([asm::add(0, 31, 0), asm::str(0, OUT, 8 * SP)]);
            code.extend([asm::MRS_X0_FPCR, asm::str(0, OUT, 8 * FPCR)]);
            code.extend([asm::MRS_X0_FPSR, asm::str(0, OUT, 8 * FPSR)]);
            code.extend([asm::add(IN, IN, 8 * RECORD), asm::add(OUT, OUT, 8 * RECORD)]);
            code.extend(asm::li(1, inputs_end));
            code.push(0xcb01_03a1); // sub x1, x29, x1
            let back = start as i32 - code.len() as i32;
            code.push(0xb500_0001 | (back as u32 & 0x7_ffff) << 5); // cbnz x1
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

    /// A record as memory holds it, in little-endian doublewords, and back. Registers of 128 bits are numbers.
    fn in_order(&self, mut record: Vec<u64>) -> Vec<u64> {
        if self.big_endian {
            record.iter_mut().for_each(|value| *value = value.swap_bytes());
            record[..64].chunks_mut(2).for_each(|vector| vector.swap(0, 1));
        }
        record
    }

    fn run_on_qemu(&self, name: &str) -> Vec<u8> {
        let elf = elf((183, 0, self.big_endian), BASE, &self.image, self.out + self.out_size - BASE);
        run_on_qemu(if self.big_endian { QEMU_BIG } else { QEMU }, name, &elf)
    }

    /// The same here: only the instructions themselves have to run, as they are lifted, or by their helpers.
    fn run_on_mimus(&self, lifted: bool) -> Vec<u64> {
        let scratch = (self.scratch - BASE) as usize;
        let memory = self.image[scratch..scratch + SCRATCH_SIZE as usize].to_vec();
        let (big_endian, base) = (self.big_endian, self.scratch);
        let mut machine = Flat { big_endian, slots: vec![0; 160], memory, base, flags: Flags::NONE };
        let mut output = vec![];
        for word in &self.words {
            for input in &self.inputs {
                machine.slots[64..128].copy_from_slice(&input[..64]);
                machine.slots[..29].copy_from_slice(&input[64..SP]);
                machine.slots[31] = input[SP];
                machine.slots[usize::from(regs::FPCR.0)] = input[FPCR];
                machine.slots[usize::from(regs::FPSR.0)] = input[FPSR];
                machine.flags = Flags::NONE;
                machine.execute(*word, lifted);
                assert!(machine.slots[usize::from(regs::ZERO_VECTOR.0)..][..2] == [0, 0]);
                output.extend(&machine.slots[64..128]);
                output.extend(&machine.slots[..29]);
                output.push(machine.slots[31]);
                output.push(machine.slots[usize::from(regs::FPCR.0)]);
                output.push(machine.slots[usize::from(regs::FPSR.0)] | fpsr(machine.flags));
            }
        }
        output.extend(words(&machine.memory));
        output
    }

    /// Runs it on both and returns where they disagree, in words.
    fn differences(&self, name: &str) -> Vec<String> {
        let theirs = self.run_on_qemu(name);
        assert_eq!(theirs.len() as u64, self.out_size + SCRATCH_SIZE);
        let (records, scratch) = theirs.split_at(self.out_size as usize);
        let mut theirs: Vec<u64> =
            words(records).chunks(RECORD).flat_map(|record| self.in_order(record.to_vec())).collect();
        theirs.extend(words(scratch));
        let mut found = self.compare("lifted", &theirs, &self.run_on_mimus(true));
        found.extend(self.compare("helper", &theirs, &self.run_on_mimus(false)));
        found
    }

    fn compare(&self, way: &str, theirs: &[u64], ours: &[u64]) -> Vec<String> {
        assert_eq!(theirs.len(), ours.len());
        let mut found = vec![];
        let mut last = None;
        for (index, (their, our)) in theirs.iter().zip(ours).enumerate().filter(|(_, (their, our))| their != our) {
            let (record, field) = (index / RECORD, index % RECORD);
            let (segment, input) = (record / self.inputs.len(), record % self.inputs.len());
            let Some(word) = self.words.get(segment) else {
                found.push(format!("{way}: scratch memory at {:#x}: {their:#x} and here {our:#x}", index * 8));
                break;
            };
            if keeps_signs_of_nans(self.words[segment], self.inputs[input][FPCR]) {
                continue;
            }
            // One difference of an instruction is enough to begin with.
            if last == Some(segment) {
                continue;
            }
            last = Some(segment);
            let what = match field {
                FPSR => "FPSR".into(),
                FPCR => "FPCR".into(),
                SP => "SP".into(),
                64.. => format!("X{}", field - 64),
                _ => format!("V{}[{}]", field / 2, field % 2),
            };
            let record = &self.inputs[input];
            let registers: Vec<String> = [word & 31, word >> 5 & 31, word >> 16 & 31]
                .iter()
                .map(|n| format!("V{n}={:016x}_{:016x}", record[2 * *n as usize + 1], record[2 * *n as usize]))
                .collect();
            found.push(format!(
                "{way}: {} {word:08x} (Q {}, size {}): {what} is {their:#018x} and here {our:#018x}; FPCR={:08x} {}",
                decode(*word).unwrap().name,
                word >> 30 & 1,
                word >> 22 & 3,
                record[FPCR],
                registers.join(" ")
            ));
        }
        found
    }
}

/// Whether it is FABS or FNEG of a vector under FPCR.AH, which leave a NaN as it is (FPAbs, FPNeg): QEMU 10.0 minds
/// that in the scalar forms alone. Our own tests try them.
fn keeps_signs_of_nans(word: u32, fpcr: u64) -> bool {
    ["fabs", "fneg"].contains(&decode(word).unwrap().name) && fpcr & 2 != 0
}

/// Half a vector: lanes of `width` bits that are likely to be special.
fn vector_half(random: &mut Random, width: u32) -> u64 {
    match (width, random.below(8)) {
        (_, 0) => random.next(),
        (_, 1) => random.integer(),
        (8, _) => (0..8).fold(0, |v, _| v << 8 | random.integer() & 0xff),
        (16, _) => (0..4).fold(0, |v, _| v << 16 | random.float(5, 10)),
        (32, _) => (0..2).fold(0, |v, _| v << 32 | random.float(8, 23)),
        _ => random.float(11, 52),
    }
}

/// The flags as FPSR has them.
fn fpsr(flags: Flags) -> u64 {
    [Flags::INVALID, Flags::DIV_BY_ZERO, Flags::OVERFLOW, Flags::UNDERFLOW, Flags::INEXACT]
        .iter()
        .enumerate()
        .map(|(at, flag)| u64::from(flags.contains(*flag)) << at)
        .sum::<u64>()
        | u64::from(flags.contains(Flags::INPUT_DENORMAL)) << 7
}

/// Slots and the scratch memory.
struct Flat {
    big_endian: bool,
    slots: Vec<u64>,
    memory: Vec<u8>,
    base: u64,
    flags: Flags,
}

impl Flat {
    /// Executes an instruction, as it is lifted or by its helper.
    fn execute(&mut self, word: u32, lifted: bool) {
        let row = decode(word).unwrap();
        if !lifted {
            return run(self, row, word).unwrap_or_else(|trap| panic!("{}: {trap:?}", row.name));
        }
        let float = float_of_fpcr(self.slots[usize::from(regs::FPCR.0)]);
        let mode = CodeMode { float, big_endian: self.big_endian, ..CodeMode::default() };
        let mut b = Builder::new(self.slots.len());
        b.begin(0);
        lift(&mut b, &word.to_le_bytes(), mode, Features(!0));
        let block = b.finish();
        verify(&block).unwrap_or_else(|e| panic!("{e} in\n{block}"));
        let outcome = eval::run(&block, 0, &mut Lifted { flat: self, mode }, &mut vec![]);
        assert_eq!(outcome, Outcome::To(4), "{} {word:08x}\n{block}", row.name);
    }

    fn at(&self, mem: Mem, address: u64) -> Result<std::ops::Range<usize>, Trap> {
        let len = usize::from(mem.size.bytes());
        let start = address.wrapping_sub(self.base) as usize;
        if start.checked_add(len).is_some_and(|end| end <= self.memory.len()) {
            Ok(start..start + len)
        } else {
            Err(Trap { cause: 0, value: address })
        }
    }
}

impl Machine for Flat {
    fn slots(&mut self) -> &mut [u64] {
        &mut self.slots
    }

    fn slot(&self, slot: Slot) -> u64 {
        self.slots[usize::from(slot.0)]
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trap> {
        let at = self.at(mem, address)?;
        Ok(mem.in_order(self.memory[at].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))))
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trap> {
        let at = self.at(mem, address)?;
        let len = at.len();
        self.memory[at].copy_from_slice(&mem.in_order(value).to_le_bytes()[..len]);
        Ok(())
    }

    fn access(&self, size: MemSize) -> Mem {
        Mem { big_endian: self.big_endian, ..Mem::plain(size) }
    }

    fn raise(&mut self, flags: Flags) {
        self.flags |= flags;
    }
}

/// The same, as lifted code sees it.
struct Lifted<'a> {
    flat: &'a mut Flat,
    mode: CodeMode,
}

impl Env for Lifted<'_> {
    fn insn(&mut self, _: u64) {}
    fn get(&mut self, slot: Slot) -> u64 {
        self.flat.slot(slot)
    }
    fn set(&mut self, slot: Slot, value: u64) {
        self.flat.slots[usize::from(slot.0)] = value;
    }
    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        Machine::load(self.flat, mem, address).map_err(|_| Trapped)
    }
    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        Machine::store(self.flat, mem, address, value).map_err(|_| Trapped)
    }
    fn rmw(&mut self, _: RmwOp, _: Mem, _: u64, _: u64) -> Result<u64, Trapped> {
        Err(Trapped)
    }
    fn cas(&mut self, _: Mem, _: u64, _: u64, _: u64) -> Result<u64, Trapped> {
        Err(Trapped)
    }
    fn fence(&mut self) {}
    fn call(&mut self, helper: HelperId, [word, number, _]: [u64; 3]) -> Result<u64, Trapped> {
        assert_eq!(helper, helpers::SIMD);
        run(self.flat, row(number as u16), word as u32).map(|()| 0).map_err(|_| Trapped)
    }
    fn raise(&mut self, flags: Flags) {
        self.flat.flags |= flags;
    }
    fn rules(&self) -> &Rules {
        self.mode.rules()
    }
}

/// Whether a word can run in the frame: addresses are in the scratch memory, and the frame's registers are left alone.
fn fits(row: &Row, word: u32) -> bool {
    let fields = [word & 31, word >> 5 & 31, word >> 16 & 31];
    match row.run {
        Run::Memory(_) => POINTERS.contains(&fields[1]) && ![IN, OUT].contains(&fields[2]),
        // What moves between the register files.
        Run::Data(_) if ["dup", "ins", "smov", "umov"].contains(&row.name) => {
            !fields[..2].iter().any(|n| [IN, OUT].contains(n))
        }
        Run::Data(_) => true,
    }
}

/// A random encoding of `row`.
fn encoding(row: &'static Row, random: &mut Random) -> u32 {
    for _ in 0..100_000 {
        let mut word = row.value | random.next() as u32 & !row.mask;
        if random.below(8) == 0 {
            // The same register twice, or three times.
            word = (word & !31 | word >> 5 & 31) & !row.mask | row.value;
        }
        if decode(word).is_some_and(|found| std::ptr::eq(found, row)) && fits(row, word) {
            return word;
        }
    }
    panic!("{} has no encoding that fits", row.name);
}

#[test]
fn every_instruction_does_what_qemu_does() {
    if is_missing(QEMU) {
        return;
    }
    let only = std::env::var("ONLY").ok();
    check(false, |row| only.as_ref().is_none_or(|only| row.name.contains(only)));
}

#[test]
fn big_endian_structures_are_accessed_as_in_qemu() {
    if is_missing(QEMU_BIG) {
        return;
    }
    check(true, |row| matches!(row.run, Run::Memory(_)));
}

/// Tries the rows that are `chosen`.
fn check(big_endian: bool, chosen: impl Fn(&Row) -> bool) {
    for round in 0..rounds() {
        let mut random = Random(0x1234_5678_9abc_def1 + round);
        let chosen = all().filter(|row| chosen(row));
        let words: Vec<u32> = chosen.flat_map(|row| [row; 4]).map(|row| encoding(row, &mut random)).collect();
        let mut differences = vec![];
        for (n, part) in words.chunks(256).enumerate() {
            let program = Program::new(big_endian, part.to_vec(), 40, &mut random);
            differences.extend(program.differences(&format!("simd-{n}-{big_endian}")));
        }
        for difference in differences.iter().take(80) {
            println!("{difference}");
        }
        assert!(differences.is_empty(), "{} differences, the first of them above", differences.len());
    }
}

#[test]
fn a_difference_is_found() {
    if is_missing(QEMU) {
        return;
    }
    let mut random = Random(77);
    let add = all().find(|row| row.name == "add").unwrap();
    let mut program = Program::new(false, vec![encoding(add, &mut random)], 1, &mut random);
    assert!(program.differences("same").is_empty());
    // QEMU still reads the image.
    program.inputs[0][FPSR] ^= 1;
    assert_eq!(program.differences("other").len(), 2, "both ways");
}

/// A program that tries words one by one and writes a byte for each: whether it was undefined.
fn legality_program(words: &[u32]) -> Vec<u8> {
    let code_size = 4 * (64 + 8 * words.len() as u64);
    let scratch = (BASE + code_size + 0xfff) & !0xfff;
    let out = scratch + SCRATCH_SIZE;
    let out_size = words.len() as u64;
    // The handler, which skips the instruction and sets X27 where the signal's frame has it.
    let (pc, x27) = (176 + 8 + 32 * 8, 176 + 8 + 27 * 8);
    let handler = [
        asm::ldr(3, 2, pc),
        asm::add(3, 3, 4),
        asm::str(3, 2, pc),
        asm::li(3, 1)[0],
        asm::str(3, 2, x27),
        0xd65f_03c0, // ret
    ];
    // rt_sigaction(SIGILL, {handler, SA_SIGINFO, 0, 0}, 0, 8)
    let mut code = vec![0x1400_0000 | (1 + handler.len() as u32)]; // b
    code.extend(handler);
    code.extend(asm::li(1, scratch));
    code.extend(asm::li(3, BASE + 4));
    code.push(asm::str(3, 1, 0));
    code.extend(asm::li(3, 4));
    code.push(asm::str(3, 1, 8));
    code.extend([asm::str(31, 1, 16), asm::str(31, 1, 24)]);
    code.extend([asm::li(0, 4)[0], asm::li(2, 0)[0], asm::li(3, 8)[0], asm::li(8, 134)[0], asm::SVC]);
    code.extend(asm::li(OUT, out));
    for word in words {
        code.extend(asm::li(28, scratch + SCRATCH_SIZE / 2));
        code.extend([asm::li(27, 0)[0], *word]);
        code.push(0x3800_1400 | OUT << 5 | 27); // strb w27, [x30], #1
    }
    code.extend(asm::li(0, 1));
    code.extend(asm::li(1, out));
    code.extend(asm::li(2, out_size));
    code.extend(asm::li(8, 64));
    code.extend([asm::SVC, asm::li(0, 0)[0], asm::li(8, 93)[0], asm::SVC]);
    let image: Vec<u8> = code.into_iter().flat_map(u32::to_le_bytes).collect();
    assert!(image.len() as u64 <= scratch - BASE);
    elf((183, 0, false), BASE, &image, out + out_size - BASE)
}

/// A word of the Advanced SIMD encoding space that does no harm: X27 to X30 and SP stay as they are.
fn any_word(random: &mut Random, rows: &[&'static Row]) -> u32 {
    let random_word = random.next() as u32;
    if random.below(4) == 0 {
        // Loads and stores of structures.
        let base = if random.below(2) == 0 {
            random_word
        } else {
            let row = random.one_of(rows);
            (row.value | random_word & !row.mask) ^ 1 << random.below(32)
        };
        // Bit 31 and bits 29:25; the base is X28, and no offset is a register of the frame.
        let word = base & !0xbe00_03e0 | 0x0c00_0380;
        return if word >> 16 & 31 >= 27 && word & 1 << 23 != 0 { word | 31 << 16 } else { word };
    }
    let mut word = if random.below(2) == 0 {
        random_word
    } else {
        // Near something that there is.
        let row = random.one_of(rows);
        (row.value | random_word & !row.mask) ^ 1 << random.below(32) ^ 1 << random.below(32)
    };
    // Bits 28:25 are x111: 0xx0 and 01x1 in bits 31:28, and 1100 for some of the cryptographic ones.
    word |= 0x0e00_0000;
    match random.below(8) {
        0 => word = word & 0x00ff_ffff | 0xce00_0000,
        1..3 => word = word & 0x2fff_ffff | 0x5000_0000,
        _ => word &= 0x6fff_ffff,
    }
    // No general register that is in use is written.
    if word & 0x1f >= 27 { word & !0x10 } else { word }
}

#[test]
fn what_qemu_finds_undefined_is_undefined() {
    if is_missing(QEMU) {
        return;
    }
    let everything = Features::EVERY;
    let rows: Vec<&Row> = all().collect();
    for round in 0..rounds() {
        let mut random = Random(0xdead_cafe_0123_4567 + round);
        let words: Vec<u32> = (0..100_000).map(|_| any_word(&mut random, &rows)).collect();
        let undefined = run_on_qemu(QEMU, "legality", &legality_program(&words));
        assert_eq!(undefined.len(), words.len());
        let wrong: Vec<String> = words
            .iter()
            .zip(undefined)
            .filter(|(word, undefined)| is_simd(**word, everything) == (*undefined == 1))
            .map(|(word, _)| format!("{word:08x} {:?}", decode(*word).map(|row| row.name)))
            .collect();
        assert!(wrong.is_empty(), "{} words, such as\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
        let legal = words.iter().filter(|word| decode(**word).is_some()).count();
        assert!((20_000..80_000).contains(&legal), "{legal} of the words are instructions");
    }
}
