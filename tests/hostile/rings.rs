//! virtqueues: descriptors, rings and indirect tables of garbage, under device registers that change meanwhile.

use crate::ATTACK;
use crate::board::Board;
use crate::random::Random;
use mimus::engine::Kind;
use mimus::fabric::Bus;
use std::time::Instant;

/// Entries of a ring, and the areas of one behind each other.
const ENTRIES: u64 = 16;
const SPAN: u64 = 0x1000;

/// The trial.
pub fn trial(board: &Board, engine: Kind, random: &mut Random) {
    let control = board.build(engine, random, None);
    let machine = control.machine();
    let bus = &machine.bus;
    machine.timers.clock().go();
    machine.timers.clock_changed();
    let banks = machine.parts.iter().filter(|part| part.kind == "virtio-mmio").map(|part| part.banks[0].0);
    let there: Vec<u64> = banks.filter(|at| bus.read(at + 8, 4, 0).is_ok_and(|id| id != 0)).collect();
    assert!(there.len() >= 3, "{} virtio devices", there.len());
    let start = Instant::now();
    while start.elapsed() < ATTACK {
        for &at in &there {
            bring_up(board, bus, at, random);
            for _ in 0..30 {
                offer(board, bus, at, random);
            }
        }
    }
}

fn write(bus: &Bus, at: u64, value: u64) {
    let _ = bus.write(at, 4, value & 0xffff_ffff, 0);
}

/// Where a queue's ring is laid out.
fn ring(board: &Board, queue: u64) -> u64 {
    board.arena() + queue * SPAN
}

/// Resets a device and sets its queues up, more or less as a driver does.
fn bring_up(board: &Board, bus: &Bus, at: u64, random: &mut Random) {
    let legacy = bus.read(at + 4, 4, 0) == Ok(1);
    write(bus, at + 0x70, 0);
    write(bus, at + 0x70, 3);
    for word in 0..2 {
        write(bus, at + 0x14, word);
        let offered = bus.read(at + 0x10, 4, 0).unwrap_or(0);
        write(bus, at + 0x24, word);
        write(bus, at + 0x20, offered & if random.below(3) == 0 { random.next() } else { u64::MAX });
    }
    write(bus, at + 0x70, 11);
    write(bus, at + 0x28, 4096);
    for queue in 0..8 {
        let place = ring(board, queue);
        let _ = bus.poke(place, &[0; SPAN as usize]);
        write(bus, at + 0x30, queue);
        write(bus, at + 0x38, if random.below(8) == 0 { random.integer() } else { ENTRIES });
        if legacy {
            write(bus, at + 0x3c, random.one_of(&[16, 16, 4096, 1, 0, 1 << 31]));
            write(bus, at + 0x40, place / 4096);
        } else {
            for (register, area) in [(0x80, 0), (0x90, 0x100), (0xa0, 0x200)] {
                let area = if random.below(32) == 0 { random.integer() } else { place + area };
                write(bus, at + register, area);
                write(bus, at + register + 4, area >> 32);
            }
            write(bus, at + 0x44, 1);
        }
    }
    write(bus, at + 0x70, 15);
}

/// A descriptor: nearly right, or not.
fn descriptor(board: &Board, random: &mut Random) -> [u64; 2] {
    let lengths = [0, 1, 8, 16, 16, 512, 4096, 0x1_0000, 0x40_0000, u64::from(u32::MAX)];
    let flags = random.one_of(&[0, 0, 1, 1, 1, 2, 2, 3, 3, 4, random.0 & 7]);
    let address = if random.below(16) == 0 { board.value(random) } else { board.place(random) };
    [address, random.one_of(&lengths) | flags << 32 | (random.next() % (ENTRIES + 1)) << 48]
}

/// Fills some of a queue's descriptors and a table, makes some available, and notifies.
fn offer(board: &Board, bus: &Bus, at: u64, random: &mut Random) {
    let queue = random.below(7) as u64;
    let place = ring(board, queue);
    for _ in 0..random.below(12) {
        let index = random.next() % ENTRIES;
        board.poke(bus, place + 16 * index, &descriptor(board, random));
    }
    // A block request or a control message, where the first buffer of many is.
    board.poke(bus, board.arena() + 0x1_0000, &[random.below(16) as u64, random.below(3000) as u64]);
    let table = board.arena() + 0x1_1000;
    for index in 0..random.below(8) as u64 {
        board.poke(bus, table + 16 * index, &descriptor(board, random));
    }
    if random.below(2) == 0 {
        board.poke(bus, place, &[board.arena() + 0x1_0000, 16 | 1 << 32 | 1 << 48]);
        board.poke(bus, place + 16, &[board.place(random), random.one_of(&[512, 4096, 1 << 20]) | 3 << 32 | 2 << 48]);
        board.poke(bus, place + 32, &[board.place(random), 1 | 2 << 32]);
    }
    let mut index = [0; 2];
    let available = if bus.read(at + 4, 4, 0) == Ok(1) { place + 16 * ENTRIES } else { place + 0x100 };
    let _ = bus.peek(available + 2, &mut index);
    let ahead = if random.below(32) == 0 { random.next() as u16 } else { random.below(ENTRIES as usize) as u16 };
    for entry in 0..ENTRIES {
        let head = if random.below(2) == 0 { 0 } else { random.next() as u16 % (ENTRIES as u16 + 1) };
        let _ = bus.poke(available + 4 + 2 * entry, &head.to_le_bytes());
    }
    let _ = bus.poke(available, &(random.below(2) as u16).to_le_bytes());
    let _ = bus.poke(available + 2, &u16::from_le_bytes(index).wrapping_add(ahead).to_le_bytes());
    write(bus, at + 0x50, queue);
    match random.below(8) {
        0 => {
            let _ = bus.write(at + 0x100 + random.next() % 0x40, random.one_of(&[1, 2, 4]), random.integer() & 0xff, 0);
        }
        1 => write(bus, at + 0x64, 3),
        2 => {
            let _ = bus.read(at + random.next() % 0x200, 4, 0);
        }
        3 => write(bus, at + 4 * (random.next() % 0x40), random.integer()),
        _ => {}
    }
    if bus.read(at + 0x70, 4, 0).is_ok_and(|status| status & 64 != 0) || random.below(64) == 0 {
        bring_up(board, bus, at, random);
    }
}
