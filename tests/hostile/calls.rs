//! Calls of the built-in firmware, SBI and PSCI, with every kind of argument, by every vCPU.

use crate::ATTACK;
use crate::board::{Board, CPUS};
use crate::random::Random;
use mimus::engine::Kind;
use std::time::{Duration, Instant};

/// Where the arguments of the calls are, behind the kernel, how many calls there are, and the bytes of one.
const TABLE: u64 = 0x1_0000;
const CALLS: u64 = 1024;
const CALL: u64 = 64;

/// Loads the eight registers of each call, makes it, and begins anew at the end. Traps go to its start.
#[rustfmt::skip]
const RISCV64: &[u32] = &[
    0x0001_0417, // auipc s0, 0x10: the table
    0x0001_0497, // auipc s1, 0x10
    0x0000_0297, // auipc t0, 0
    0xff82_8293, // addi t0, t0, -8
    0x1052_9073, // csrw stvec, t0
    0x0001_0337, // lui t1, 0x10: 1024 calls
    0x0064_84b3, // add s1, s1, t1
    0x0004_3503, 0x0084_3583, 0x0104_3603, 0x0184_3683, // ld a0, a1, a2, a3
    0x0204_3703, 0x0284_3783, 0x0304_3803, 0x0384_3883, // ld a4, a5, a6, a7
    0x0000_0073, // ecall
    0x0404_0413, // addi s0, s0, 64
    0xfc94_6ce3, // bltu s0, s1, the loads
    0xfb9f_f06f, // j the start
];

#[rustfmt::skip]
const AARCH64: &[u32] = &[
    0x1000_0015, // adr x21, .
    0x9140_42b3, // add x19, x21, 0x10 << 12: the table
    0x9140_4274, // add x20, x19, 0x10 << 12: 1024 calls
    0xa940_0660, 0xa941_0e62, 0xa942_1664, 0xa943_1e66, // ldp x0 to x7
    0xd400_0002, // hvc #0
    0x9101_0273, // add x19, x19, 64
    0xeb14_027f, // cmp x19, x20
    0x54ff_ff23, // b.lo the loads
    0x17ff_fff5, // b the start
];

/// The trial.
pub fn trial(board: &Board, engine: Kind, random: &mut Random) {
    let code = if board.isa == "riscv64" { RISCV64 } else { AARCH64 };
    let code: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    let control = board.build(engine, random, Some(&code));
    let start = Instant::now();
    while start.elapsed() < ATTACK {
        control.reset().unwrap();
        let table: Vec<u64> = (0..CALLS).flat_map(|_| call(board, random)).collect();
        board.poke(&control.machine().bus, board.kernel + TABLE, &table);
        control.resume();
        std::thread::sleep(Duration::from_millis(30));
        control.pause();
        // A request to end or restart the machine is nobody's here.
        control.machine().power.take();
    }
}

/// The registers of a call.
fn call(board: &Board, random: &mut Random) -> [u64; (CALL / 8) as usize] {
    let mut registers = [(); (CALL / 8) as usize].map(|()| argument(board, random));
    if board.isa == "riscv64" {
        let extensions = [
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            0x10,
            0x5449_4d45,
            0x73_5049,
            0x5246_4e43,
            0x48_534d,
            0x4442_434e,
            0x50_4d55,
            0x5355_5350,
            0x4350_5043,
            0x4e41_434c,
            0x5354_41,
            0x4657_4654,
            0x5353_45,
            0x4442_5452,
        ];
        registers[7] = random.one_of(&extensions);
        // Whoever switches the machine off says nothing more.
        if random.below(500) == 0 {
            registers[7] = random.one_of(&[8, 0x5352_5354, random.0]);
        }
        registers[6] = random.below(8) as u64;
    } else {
        let functions = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20];
        registers[0] = 0x8400_0000 | random.next() & 1 << 30 | random.one_of(&functions);
        if random.below(500) == 0 {
            registers[0] = random.one_of(&[0x8400_0008, 0x8400_0009, 0xc400_0012, random.0]);
        }
        // Whoever turns itself off or waits for an interrupt says nothing more, either.
        if [1, 2, 12, 14].contains(&(registers[0] & 0xffff)) && random.below(50) != 0 {
            registers[0] = 0xc400_0003;
        }
    }
    registers
}

fn argument(board: &Board, random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.below(CPUS as usize + 2) as u64,
        1 => board.kernel,
        _ => board.value(random),
    }
}
