//! Random code at every privilege level, under random page tables, with random system registers.

use crate::ATTACK;
use crate::board::{Board, CPUS, with_cpu};
use crate::random::Random;
use mimus::cpu::{Cpu, Group, RegDef};
use mimus::engine::Kind;
use mimus::fabric::Bus;
use mimus::isa::aarch64::{simd::table as simd, table as aarch64};
use mimus::isa::riscv64::table::ROWS;
use std::time::{Duration, Instant};

/// How long a program runs before the next one is laid out.
const RUN: Duration = Duration::from_millis(25);

/// The trial.
pub fn trial(board: &Board, engine: Kind, random: &mut Random) {
    // With a kernel, whatever it is, there is the built-in firmware to be called.
    let kernel = (random.below(2) == 0).then_some(&[0; 64][..]);
    let control = board.build(engine, random, kernel);
    let forms = forms(board);
    let start = Instant::now();
    while start.elapsed() < ATTACK {
        if random.below(8) == 0 {
            control.reset().unwrap();
        }
        lay_out(board, &control.machine().bus, &forms, random);
        for index in 0..CPUS {
            with_cpu(&control, index, |cpu| begin(board, cpu, random));
        }
        control.resume();
        std::thread::sleep(RUN);
        control.pause();
        for index in 0..CPUS {
            let said = with_cpu(&control, index, |cpu| cpu.describe(&[Group::General, Group::System]));
            assert!(!said.is_empty());
        }
        control.machine().power.take();
    }
}

/// The instructions: fixed bits, their values, and bytes.
fn forms(board: &Board) -> Vec<(u32, u32, u8)> {
    if board.isa == "riscv64" {
        return ROWS.iter().map(|row| (row.mask, row.value, row.len)).collect();
    }
    let simd = simd::all().map(|row| (row.mask, row.value, 4));
    aarch64::rows().map(|row| (row.mask, row.value, 4)).chain(simd).collect()
}

/// Fills the arena: a half of code, a quarter of page tables, a quarter of values.
fn lay_out(board: &Board, bus: &Bus, forms: &[(u32, u32, u8)], random: &mut Random) {
    board.strew(bus, random);
    let half = (crate::board::ARENA / 2) as usize;
    let mut code: Vec<u8> = Vec::with_capacity(half + 4);
    // System registers are what makes the difference: every fourth instruction is one of theirs.
    let system = if board.isa == "riscv64" { (0x7f, 0x73) } else { (0xffc0_0000, 0xd500_0000) };
    while code.len() < half {
        let (word, length) = match random.below(16) {
            0 => (random.next() as u32, 4),
            1..4 => (random.next() as u32 & !system.0 | system.1, 4),
            _ => {
                let (mask, value, length) = random.one_of(forms);
                (value | random.next() as u32 & !mask, length)
            }
        };
        code.extend(&word.to_le_bytes()[..length.into()]);
    }
    let _ = bus.poke(board.arena(), &code[..half]);
    // Tables point at tables, at themselves, at code, at chips, with any permissions.
    let entry = |random: &mut Random| {
        let to = if random.below(4) == 0 { board.value(random) } else { board.place(random) };
        let kind = random.next() & 0x3ff;
        if board.isa == "riscv64" { to >> 12 << 10 | kind | 1 } else { to & !0xfff | kind << 2 & 0xffc | random.0 & 3 }
    };
    let tables: Vec<u64> = (0..crate::board::ARENA / 4 / 8).map(|_| entry(random)).collect();
    board.poke(bus, tables_at(board), &tables);
}

fn tables_at(board: &Board) -> u64 {
    board.arena() + crate::board::ARENA / 2
}

/// Gives a vCPU random registers, and a place to begin.
fn begin(board: &Board, cpu: &mut Cpu, random: &mut Random) {
    let isa = cpu.isa.clone();
    let code = |random: &mut Random| board.arena() + (random.next() % (crate::board::ARENA / 2) & !3);
    let table = |random: &mut Random| tables_at(board) + (random.next() % 16 << 12);
    for register in isa.registers() {
        let name = register.name.to_ascii_lowercase();
        let value = match name.as_str() {
            "mtvec" | "stvec" | "mepc" | "sepc" | "elr_el1" | "elr_el2" | "elr_el3" => code(random),
            "vbar_el1" | "vbar_el2" | "vbar_el3" => code(random) & !0x7ff,
            "satp" => random.one_of(&[0, 8, 8, 9, 10]) << 60 | table(random) >> 12,
            "ttbr0_el1" | "ttbr1_el1" | "ttbr0_el2" | "ttbr0_el3" | "vttbr_el2" => table(random),
            "sctlr_el1" | "sctlr_el2" | "sctlr_el3" => 0x30d0_0800 | random.next() & 0x1005 | flip(random),
            "tcr_el1" => 25 | 25 << 16 | 2 << 30 | flip(random),
            _ if register.group == Group::General => board.value(random),
            _ if random.below(3) == 0 => flip(random),
            _ => continue,
        };
        write(cpu, register, value);
    }
    cpu.pc = code(random);
    cpu.halted = false;
    cpu.flush_all();
    cpu.mode_changed();
}

/// A word with a bit or two.
fn flip(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.integer(),
        1 => 0,
        _ => 1 << random.below(64) | 1 << random.below(64),
    }
}

fn write(cpu: &mut Cpu, register: &RegDef, value: u64) {
    let kept = if register.bits >= 64 { u64::MAX } else { (1 << register.bits) - 1 };
    let isa = cpu.isa.clone();
    isa.write_register(cpu, register, value & kept);
}
