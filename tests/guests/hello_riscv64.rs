//! Writes a small bare-metal guest for riscv64 `virt`, as an ELF file.
//!
//! It is what `scripts/boot-debian` starts where no kernel can be fetched, so
//! it asks for nothing: no cross toolchain, no crate, not even Cargo
//! (`rustc tests/guests/hello_riscv64.rs` is enough). The program is therefore
//! written here as Rust calls, one an instruction, and reads from the top of
//! [`program`] like the assembly it stands for.
//!
//! The guest runs in M-mode from the start of RAM (`-bios none -kernel FILE`),
//! is silent on every hart but the first, and touches a little of everything
//! that a kernel needs first: the UART, CSRs, a trap handler, a timer interrupt,
//! a system call from U-mode, and the power switch. It prints
//!
//! ```text
//! Hello from Mimus: a bare-metal riscv64 guest.
//! hart 0, misa 0x...
//! tick tick tick
//! a system call from U-mode returned here
//! Power off.
//! ```
//!
//! and leaves with exit code 0, or with exit code 1 after a trap that it did
//! not ask for, whose cause it prints.

use std::collections::HashMap;
use std::{env, fs, process};

const RAM: u64 = 0x8000_0000;
const UART: u64 = 0x1000_0000;
const TEST_FINISHER: u64 = 0x0010_0000;
const MTIMECMP: u64 = 0x0200_4000;
const MTIME: u64 = 0x0200_bff8;

/// Timer ticks a tick: 10 ms of the board's 10 MHz.
const TICK: i32 = 100_000;

#[derive(Clone, Copy)]
struct Reg(u32);

const ZERO: Reg = Reg(0);
const RA: Reg = Reg(1);
const T0: Reg = Reg(5);
const T1: Reg = Reg(6);
const T2: Reg = Reg(7);
const S0: Reg = Reg(8);
const S1: Reg = Reg(9);
const S2: Reg = Reg(18);
const A0: Reg = Reg(10);
const A1: Reg = Reg(11);

const MSTATUS: u32 = 0x300;
const MISA: u32 = 0x301;
const MIE: u32 = 0x304;
const MTVEC: u32 = 0x305;
const MEPC: u32 = 0x341;
const MCAUSE: u32 = 0x342;
const PMPCFG0: u32 = 0x3a0;
const PMPADDR0: u32 = 0x3b0;
const MHARTID: u32 = 0xf14;

/// Where an instruction names a label, its address is filled in at the end.
enum Fixup {
    Branch,
    Jump,
    Address,
}

/// An assembler for the instructions that [`program`] uses.
#[derive(Default)]
struct Asm {
    code: Vec<u8>,
    labels: HashMap<&'static str, usize>,
    fixups: Vec<(usize, &'static str, Fixup)>,
}

impl Asm {
    fn word(&mut self, word: u32) {
        self.code.extend(word.to_le_bytes());
    }

    fn label(&mut self, name: &'static str) {
        let taken = self.labels.insert(name, self.code.len());
        assert!(taken.is_none(), "label {name} is there twice");
    }

    fn string(&mut self, name: &'static str, text: &str) {
        self.label(name);
        self.code.extend(text.as_bytes());
        self.code.push(0);
        self.code.resize(self.code.len().next_multiple_of(4), 0);
    }

    fn i(&mut self, opcode: u32, funct3: u32, rd: Reg, rs1: Reg, imm: i32) {
        assert!((-2048..2048).contains(&imm), "{imm} does not fit 12 bits");
        self.word((imm as u32) << 20 | rs1.0 << 15 | funct3 << 12 | rd.0 << 7 | opcode);
    }

    fn s(&mut self, funct3: u32, rs2: Reg, rs1: Reg, imm: i32) {
        assert!((-2048..2048).contains(&imm), "{imm} does not fit 12 bits");
        let imm = imm as u32;
        let (high, low) = (imm >> 5 & 0x7f, imm & 0x1f);
        self.word(high << 25 | rs2.0 << 20 | rs1.0 << 15 | funct3 << 12 | low << 7 | 0x23);
    }

    fn addi(&mut self, rd: Reg, rs1: Reg, imm: i32) {
        self.i(0x13, 0, rd, rs1, imm);
    }
    fn andi(&mut self, rd: Reg, rs1: Reg, imm: i32) {
        self.i(0x13, 7, rd, rs1, imm);
    }
    fn slli(&mut self, rd: Reg, rs1: Reg, shift: i32) {
        self.i(0x13, 1, rd, rs1, shift);
    }
    fn srli(&mut self, rd: Reg, rs1: Reg, shift: i32) {
        self.i(0x13, 5, rd, rs1, shift);
    }
    fn add(&mut self, rd: Reg, rs1: Reg, rs2: Reg) {
        self.word(rs2.0 << 20 | rs1.0 << 15 | rd.0 << 7 | 0x33);
    }
    fn lbu(&mut self, rd: Reg, imm: i32, rs1: Reg) {
        self.i(0x03, 4, rd, rs1, imm);
    }
    fn ld(&mut self, rd: Reg, imm: i32, rs1: Reg) {
        self.i(0x03, 3, rd, rs1, imm);
    }
    fn sb(&mut self, rs2: Reg, imm: i32, rs1: Reg) {
        self.s(0, rs2, rs1, imm);
    }
    fn sw(&mut self, rs2: Reg, imm: i32, rs1: Reg) {
        self.s(2, rs2, rs1, imm);
    }
    fn sd(&mut self, rs2: Reg, imm: i32, rs1: Reg) {
        self.s(3, rs2, rs1, imm);
    }
    fn csrr(&mut self, rd: Reg, csr: u32) {
        self.word(csr << 20 | 2 << 12 | rd.0 << 7 | 0x73);
    }
    fn csrw(&mut self, csr: u32, rs1: Reg) {
        self.word(csr << 20 | rs1.0 << 15 | 1 << 12 | 0x73);
    }
    fn csrs(&mut self, csr: u32, rs1: Reg) {
        self.word(csr << 20 | rs1.0 << 15 | 2 << 12 | 0x73);
    }
    fn csrc(&mut self, csr: u32, rs1: Reg) {
        self.word(csr << 20 | rs1.0 << 15 | 3 << 12 | 0x73);
    }
    fn ecall(&mut self) {
        self.word(0x0000_0073);
    }
    fn mret(&mut self) {
        self.word(0x3020_0073);
    }
    fn wfi(&mut self) {
        self.word(0x1050_0073);
    }
    fn ret(&mut self) {
        self.i(0x67, 0, ZERO, RA, 0);
    }

    fn to(&mut self, label: &'static str, fixup: Fixup) {
        self.fixups.push((self.code.len(), label, fixup));
    }
    fn branch(&mut self, funct3: u32, rs1: Reg, rs2: Reg, label: &'static str) {
        self.to(label, Fixup::Branch);
        self.word(rs2.0 << 20 | rs1.0 << 15 | funct3 << 12 | 0x63);
    }
    fn beq(&mut self, rs1: Reg, rs2: Reg, label: &'static str) {
        self.branch(0, rs1, rs2, label);
    }
    fn bne(&mut self, rs1: Reg, rs2: Reg, label: &'static str) {
        self.branch(1, rs1, rs2, label);
    }
    fn blt(&mut self, rs1: Reg, rs2: Reg, label: &'static str) {
        self.branch(4, rs1, rs2, label);
    }
    fn call(&mut self, label: &'static str) {
        self.to(label, Fixup::Jump);
        self.word(RA.0 << 7 | 0x6f);
    }
    fn j(&mut self, label: &'static str) {
        self.to(label, Fixup::Jump);
        self.word(0x6f);
    }
    /// The address of a label: `auipc` and `addi`.
    fn la(&mut self, rd: Reg, label: &'static str) {
        self.to(label, Fixup::Address);
        self.word(rd.0 << 7 | 0x17);
        self.addi(rd, rd, 0);
    }
    /// A constant of 31 bits: `lui` and `addi`.
    fn li(&mut self, rd: Reg, value: i32) {
        let upper = value.wrapping_add(0x800) as u32 & 0xffff_f000;
        if upper == 0 {
            self.addi(rd, ZERO, value);
        } else {
            self.word(upper | rd.0 << 7 | 0x37);
            self.addi(rd, rd, value.wrapping_sub(upper as i32));
        }
    }
    fn print(&mut self, text: &'static str) {
        self.la(A0, text);
        self.call("puts");
    }

    /// Fills in the labels.
    fn finish(mut self) -> Vec<u8> {
        for (at, label, fixup) in self.fixups {
            let target = *self.labels.get(label).unwrap_or_else(|| panic!("no label {label}"));
            let offset = target as i32 - at as i32;
            let bits = offset as u32;
            let mut add = |at: usize, fields: u32| {
                let word = u32::from_le_bytes(self.code[at..at + 4].try_into().unwrap());
                self.code[at..at + 4].copy_from_slice(&(word | fields).to_le_bytes());
            };
            match fixup {
                Fixup::Branch => {
                    assert!((-4096..4096).contains(&offset), "{label} is too far");
                    let (b12, b11) = (bits >> 12 & 1, bits >> 11 & 1);
                    let (b10_5, b4_1) = (bits >> 5 & 0x3f, bits >> 1 & 0xf);
                    add(at, b12 << 31 | b10_5 << 25 | b4_1 << 8 | b11 << 7);
                }
                Fixup::Jump => {
                    let (b20, b19_12) = (bits >> 20 & 1, bits >> 12 & 0xff);
                    let (b11, b10_1) = (bits >> 11 & 1, bits >> 1 & 0x3ff);
                    add(at, b20 << 31 | b10_1 << 21 | b11 << 20 | b19_12 << 12);
                }
                Fixup::Address => {
                    let upper = bits.wrapping_add(0x800) & 0xffff_f000;
                    add(at, upper);
                    add(at + 4, bits.wrapping_sub(upper) << 20);
                }
            }
        }
        self.code
    }
}

fn program() -> Vec<u8> {
    let mut a = Asm::default();

    a.csrr(S0, MHARTID);
    a.bne(S0, ZERO, "park");
    a.la(T0, "trap");
    a.csrw(MTVEC, T0);

    a.print("hello");
    a.print("hart");
    a.addi(A0, S0, '0' as i32);
    a.call("putc");
    a.print("misa");
    a.csrr(A0, MISA);
    a.call("puthex");

    // Three timer interrupts; the handler counts them in s1, and takes the
    // other registers as it likes: nothing else is live while they are on.
    a.addi(S1, ZERO, 0);
    a.addi(S2, ZERO, 3);
    a.call("next_tick");
    a.li(T0, 1 << 7); // mie.MTIE
    a.csrw(MIE, T0);
    a.li(T0, 1 << 3); // mstatus.MIE
    a.csrs(MSTATUS, T0);
    a.label("wait");
    a.wfi();
    a.blt(S1, S2, "wait");
    a.print("newline");

    // To U-mode, which may use all memory (one PMP entry), and back.
    a.addi(T0, ZERO, -1);
    a.csrw(PMPADDR0, T0);
    a.addi(T0, ZERO, 0x1f); // NAPOT, read, write, execute
    a.csrw(PMPCFG0, T0);
    a.li(T0, 3 << 11); // mstatus.MPP = U
    a.csrc(MSTATUS, T0);
    a.la(T0, "user");
    a.csrw(MEPC, T0);
    a.mret();
    a.label("user");
    a.ecall();
    a.j("user");

    a.label("trap");
    a.csrr(T0, MCAUSE);
    a.blt(T0, ZERO, "interrupt");
    a.addi(T1, ZERO, 8); // environment call from U-mode
    a.beq(T0, T1, "system_call");
    a.print("unexpected");
    a.csrr(A0, MCAUSE);
    a.call("puthex");
    a.li(T1, 0x1_3333); // exit code 1
    a.j("finish");

    a.label("interrupt");
    a.print("tick");
    a.addi(S1, S1, 1);
    a.beq(S1, S2, "last_tick");
    a.call("next_tick");
    a.mret();
    a.label("last_tick");
    a.csrw(MIE, ZERO);
    a.mret();

    a.label("system_call");
    a.print("system_call_text");
    a.print("bye");
    a.li(T1, 0x5555); // exit code 0
    a.label("finish");
    a.li(T0, TEST_FINISHER as i32);
    a.sw(T1, 0, T0);
    a.label("park");
    a.wfi();
    a.j("park");

    // mtimecmp = mtime + TICK
    a.label("next_tick");
    a.li(T0, MTIME as i32);
    a.ld(T1, 0, T0);
    a.li(T0, TICK);
    a.add(T1, T1, T0);
    a.li(T0, MTIMECMP as i32);
    a.sd(T1, 0, T0);
    a.ret();

    // putc(a0); keeps a0 and a1
    a.label("putc");
    a.li(T0, UART as i32);
    a.label("full");
    a.lbu(T1, 5, T0); // LSR
    a.andi(T1, T1, 0x20); // THRE
    a.beq(T1, ZERO, "full");
    a.sb(A0, 0, T0); // THR
    a.ret();

    // puts(a0); the return address waits in t2, which putc leaves alone
    a.label("puts");
    a.addi(T2, RA, 0);
    a.addi(A1, A0, 0);
    a.label("puts_next");
    a.lbu(A0, 0, A1);
    a.beq(A0, ZERO, "puts_done");
    a.call("putc");
    a.addi(A1, A1, 1);
    a.j("puts_next");
    a.label("puts_done");
    a.addi(RA, T2, 0);
    a.ret();

    // puthex(a0) and a newline: 16 digits, from the top
    a.label("puthex");
    a.addi(T2, RA, 0);
    a.addi(A1, A0, 0);
    a.addi(S0, ZERO, 16);
    a.label("puthex_next");
    a.srli(A0, A1, 60);
    a.slli(A1, A1, 4);
    a.addi(T0, ZERO, 10);
    a.blt(A0, T0, "puthex_digit");
    a.addi(A0, A0, 'a' as i32 - 10 - '0' as i32);
    a.label("puthex_digit");
    a.addi(A0, A0, '0' as i32);
    a.call("putc");
    a.addi(S0, S0, -1);
    a.bne(S0, ZERO, "puthex_next");
    a.addi(A0, ZERO, '\n' as i32);
    a.call("putc");
    a.addi(RA, T2, 0);
    a.ret();

    a.string("hello", "Hello from Mimus: a bare-metal riscv64 guest.\n");
    a.string("hart", "hart ");
    a.string("misa", ", misa 0x");
    a.string("tick", "tick ");
    a.string("newline", "\n");
    a.string("system_call_text", "a system call from U-mode returned here\n");
    a.string("bye", "Power off.\n");
    a.string("unexpected", "unexpected trap, mcause 0x");
    a.finish()
}

/// An ELF executable of one segment, loaded and started at [`RAM`].
fn elf(code: &[u8]) -> Vec<u8> {
    const HEADERS: u64 = 64 + 56;
    let size = code.len() as u64;
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"); // 64-bit, little-endian
    file.extend([2, 0, 243, 0]); // ET_EXEC, EM_RISCV
    file.extend(1u32.to_le_bytes());
    for word in [RAM, 64, 0] {
        file.extend(word.to_le_bytes()); // entry, program headers, section headers
    }
    file.extend(0u32.to_le_bytes()); // flags: no compressed instructions, soft float
    for half in [64u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file.extend([1, 0, 0, 0, 7, 0, 0, 0]); // PT_LOAD, readable, writable, executable
    for word in [HEADERS, RAM, RAM, size, size, 4] {
        file.extend(word.to_le_bytes());
    }
    file.extend(code);
    file
}

fn main() {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: hello_riscv64 OUT.elf");
        process::exit(1);
    };
    if let Err(error) = fs::write(&path, elf(&program())) {
        eprintln!("hello_riscv64: {path}: {error}");
        process::exit(1);
    }
}
