//! Every register of every part, by offset, width and value; and what takes more than single registers to reach: DMA of
//! the firmware configuration, commands of the ITS.

use crate::ATTACK;
use crate::board::{Board, CPUS};
use crate::random::Random;
use mimus::engine::Kind;
use mimus::fabric::Bus;
use mimus::machine::Standing;
use std::time::Instant;

/// The sweep goes over so many bytes at the start of each bank, and of each 64 KiB in it.
const FRONT: u64 = 0x400;

/// The trial.
pub fn trial(board: &Board, engine: Kind, random: &mut Random) {
    let control = board.build(engine, random, None);
    let machine = control.machine();
    let bus = &machine.bus;
    machine.timers.clock().go();
    machine.timers.clock_changed();
    let parts: Vec<&Standing> = machine.parts.iter().filter(|part| !part.banks.is_empty()).collect();
    board.strew(bus, random);
    for part in &parts {
        sweep(board, bus, part, random);
    }
    let start = Instant::now();
    while start.elapsed() < ATTACK {
        for _ in 0..1000 {
            let part = random.one_of(&parts);
            access(board, bus, part, random);
        }
        for part in &parts {
            match part.kind.as_str() {
                "fw-cfg-mmio" => fw_cfg(board, bus, part, random),
                "gicv3" => its(board, bus, part, random),
                _ => {}
            }
        }
        if random.below(8) == 0 {
            board.strew(bus, random);
        }
        if random.below(64) == 0 {
            control.reset().unwrap();
        }
    }
}

/// Reads and writes each offset of a part in each width.
fn sweep(board: &Board, bus: &Bus, part: &Standing, random: &mut Random) {
    for &(at, size) in &part.banks {
        for block in (0..size).step_by(0x1_0000) {
            for offset in block..size.min(block + FRONT) {
                for width in [1, 2, 4, 8] {
                    let cpu = board.asker(random);
                    let _ = bus.read(at + offset, width, cpu);
                    let value = random.one_of(&[u64::MAX, 0, random.0]);
                    let _ = bus.write(at + offset, width, value & u64::MAX >> (64 - 8 * u32::from(width)), cpu);
                }
            }
            // A large array has nothing new in its middle.
            if size > 4 << 20 && block > 0x2_0000 {
                break;
            }
        }
    }
}

/// One random access.
fn access(board: &Board, bus: &Bus, part: &Standing, random: &mut Random) {
    let (at, size) = part.banks[random.below(part.banks.len())];
    let width = random.one_of(&[1, 2, 4, 4, 4, 8]);
    let span = random.one_of(&[0x40, 0x200, 0x1000, 0x1_0000, size]).min(size);
    let offset = random.next() % span & !random.one_of(&[0, 3, 7, u64::from(width) - 1]);
    let cpu = board.asker(random);
    if random.below(3) == 0 {
        let _ = bus.read(at + offset, width, cpu);
    } else {
        let value = board.value(random) & u64::MAX >> (64 - 8 * u32::from(width));
        let _ = bus.write(at + offset, width, value, cpu);
    }
}

/// A transfer: any control word, length and address.
fn fw_cfg(board: &Board, bus: &Bus, part: &Standing, random: &mut Random) {
    let (at, _) = part.banks[0];
    let descriptor = board.place(random);
    let key = random.one_of(&[0, 1, 0x19, 0x20, 0x21, 0x8000, random.0 as u32 & 0xffff]);
    let control = key << 16 | random.below(32) as u32;
    let length = random.one_of(&[0, 1, 16, 4096, 1 << 20, 1 << 26, 0x7fff_ffff, u32::MAX]);
    let bytes = [&control.to_be_bytes()[..], &length.to_be_bytes(), &board.value(random).to_be_bytes()].concat();
    let _ = bus.poke(descriptor, &bytes);
    let address = if random.below(16) == 0 { random.integer() } else { descriptor };
    let _ = bus.write(at + 16, 8, address.swap_bytes(), 0);
    let _ = bus.read(at, random.one_of(&[1, 2, 4, 8]), 0);
}

/// Tables and a queue of commands in the arena, LPIs on, and the queue worked off.
fn its(board: &Board, bus: &Bus, part: &Standing, random: &mut Random) {
    const VALID: u64 = 1 << 63;
    let [(_, _), (redistributors, _), (its, _)] = part.banks[..] else { return };
    let write = |at: u64, value: u64| {
        let _ = bus.write(at, 8, value, 0);
    };
    let page = |random: &mut Random| board.place(random) & !0xffff;
    if random.below(4) == 0 {
        let _ = bus.write(its, 4, 0, 0);
        for table in 0..2 {
            let shape = random.next() & (1 << 62 | 0x3ff);
            write(its + 0x100 + 8 * table, VALID | page(random) | shape);
        }
        write(its + 0x80, VALID | page(random) | random.next() & 0xff);
        for cpu in 0..u64::from(CPUS) {
            let redistributor = redistributors + 0x2_0000 * cpu;
            let _ = bus.write(redistributor, 4, 0, 0);
            write(redistributor + 0x70, page(random) | random.next() & 0x1f);
            write(redistributor + 0x78, page(random) | random.next() & 1 << 62);
            let _ = bus.write(redistributor, 4, 1, 0);
        }
        let _ = bus.write(its, 4, 1, 0);
    }
    let mut base = bus.read(its + 0x80, 8, 0).unwrap_or(0) & 0xf_ffff_ffff_f000;
    let numbers = [0, 1, 2, 5, 31, 8192, 8193, 0xffff, 0x1_0000, u64::from(random.0 as u32)];
    for _ in 0..32 {
        let command = random.one_of(&[1, 3, 4, 5, 8, 8, 9, 9, 10, 10, 11, 12, 13, 14, 15, random.0 & 0xff]);
        let [device, event, intid, collection] = [(); 4].map(|()| random.one_of(&numbers));
        let target = random.below(CPUS as usize + 1) as u64;
        let words = [
            command | device << 32,
            event & 0x1f | if random.below(2) == 0 { intid << 32 } else { random.next() },
            collection & 0xffff | target << 16 | page(random) | random.next() & VALID,
            random.below(CPUS as usize + 1) as u64 * 0x1_0000,
        ];
        board.poke(bus, base, &words);
        base += 32;
    }
    let end = if random.below(8) == 0 { random.next() & 0xf_ffe0 } else { 32 * random.below(128) as u64 };
    write(its + 0x88, end);
}
