//! Atomic accesses where there is no RAM to lock: ROM, and a device that never reads the same twice.

use super::*;
use crate::fabric::{Device, Io, Part, State};
use crate::ir::Mem;
use std::sync::Mutex;

const ROM: u64 = 0x1000;
const DEVICE: u64 = 0x2000;

/// How often a device was read, and what was written to it.
type Seen = Arc<Mutex<(u64, Vec<u64>)>>;

/// A device that reads as the number of the reads of it.
struct Counter(Seen);

impl Device for Counter {
    fn read(&mut self, _: Io) -> u64 {
        let mut seen = self.0.lock().unwrap();
        seen.0 += 1;
        seen.0
    }
    fn write(&mut self, _: Io, value: u64) {
        self.0.lock().unwrap().1.push(value);
    }
    fn reset(&mut self) {}
    fn state(&mut self, _: &mut State) -> crate::base::Result<()> {
        Ok(())
    }
}

/// A bench with ROM and a device instead of RAM.
fn without_ram() -> (Bench, Arc<Ram>, Seen) {
    let mut bench = bench(interpreter);
    let (rom, seen, part) = (Ram::new(0x1000, &Arc::default()).unwrap(), Arc::default(), Part::new("counter"));
    part.install(Box::new(Counter(Arc::clone(&seen))));
    let mut bus = BusBuilder::default();
    bus.ram("rom", ROM, 0x1000, rom.clone(), 0, false).unwrap();
    bus.device(DEVICE, 0x1000, part, 0).unwrap();
    bench.cpu.board.bus = Arc::new(bus.build());
    bench.cpu.flush_all();
    (bench, rom, seen)
}

fn word(size: MemSize) -> Mem {
    Mem { size, aligned: true, big_endian: false }
}

#[test]
fn rom_keeps_its_value_whatever_the_store() {
    let (mut bench, rom, _) = without_ram();
    let cpu = &mut bench.cpu;
    rom.write(0, &[0x55; 16]);
    for size in [MemSize::B1, MemSize::B2, MemSize::B4, MemSize::B8] {
        let old = 0x5555_5555_5555_5555 & crate::base::bits::mask(8 * u32::from(size.bytes()));
        for op in RmwOp::ALL.iter().copied() {
            assert_eq!(cpu.rmw(op, word(size), ROM, 3), Ok(old), "{op:?}");
        }
        assert_eq!(cpu.cas(word(size), ROM, old, 3), Ok(old));
        assert_eq!(cpu.store(word(size), ROM, 3), Ok(()));
    }
    let pair = [0x5555_5555_5555_5555; 2];
    assert_eq!(cpu.cas_pair(word(MemSize::B8), ROM, pair, [1, 2]), Ok(pair));
    assert!(!cpu.update_physical(ROM, pair[0], 7));
    let mut bytes = [0; 16];
    rom.read(0, &mut bytes);
    assert_eq!(bytes, [0x55; 16]);
}

#[test]
fn a_device_is_read_once_and_written_once() {
    let (mut bench, _, seen) = without_ram();
    let cpu = &mut bench.cpu;
    assert_eq!(cpu.rmw(RmwOp::Add, word(MemSize::B8), DEVICE, 10), Ok(1));
    assert_eq!(cpu.cas(word(MemSize::B8), DEVICE, 2, 20), Ok(2));
    assert_eq!(cpu.cas(word(MemSize::B8), DEVICE, 2, 20), Ok(3), "another value: nothing is written");
    assert_eq!(*seen.lock().unwrap(), (3, vec![11, 20]));
}
