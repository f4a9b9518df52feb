//! LD1 to LD4 and ST1 to ST4: structures in memory, elements in registers.
//!
//! All of a load is made before any register changes, so that a fault leaves them as they were. A store that faults
//! may have stored a part; it is made again as a whole.

use super::Machine;
use super::insn::Insn;
use super::lanes::{V, broadcast, get, insert};
use crate::cpu::Trap;
use crate::ir::{Mem, MemSize};

/// The width of an access.
const fn size(bytes: u32) -> MemSize {
    match bytes {
        1 => MemSize::B1,
        2 => MemSize::B2,
        4 => MemSize::B4,
        _ => MemSize::B8,
    }
}

/// Elements of `bytes` bytes at consecutive addresses.
struct Elements {
    address: u64,
    bytes: u32,
    mem: Mem,
}

impl Elements {
    fn new(m: &dyn Machine, i: Insn, bytes: u32) -> Elements {
        Elements { address: m.base(i.rn()), bytes, mem: m.access(size(bytes)) }
    }

    fn address(&self, index: u32) -> u64 {
        self.address.wrapping_add(u64::from(index * self.bytes))
    }

    fn load(&self, m: &mut dyn Machine, index: u32) -> Result<u64, Trap> {
        m.load(self.mem, self.address(index))
    }

    fn store(&self, m: &mut dyn Machine, index: u32, value: u64) -> Result<(), Trap> {
        m.store(self.mem, self.address(index), value)
    }

    /// Adds the offset of the post-indexed forms to the base: the bytes of `count` elements, or a register.
    fn write_back(&self, m: &mut dyn Machine, i: Insn, count: u32) {
        if i.bit(23) {
            let offset = if i.rm() == 31 { u64::from(count * self.bytes) } else { m.x(i.rm()) };
            m.set_base(i.rn(), self.address.wrapping_add(offset));
        }
    }
}

/// A structure's registers: `n` of them from the first one.
fn register(i: Insn, n: u32) -> u32 {
    (i.rd() + n) & 31
}

/// Where the element `at` of memory goes, structure by structure: the register and the lane. With one element to a
/// structure (LD1) the registers follow each other.
fn place(at: u32, structure: u32, lanes: u32) -> (u32, u32) {
    if structure == 1 { (at / lanes, at % lanes) } else { (at % structure, at / structure) }
}

/// Whether it makes no difference to access doublewords instead of elements.
fn by_doublewords(m: &dyn Machine, structure: u32) -> bool {
    structure == 1 && m.access(MemSize::B8) == Mem::plain(MemSize::B8)
}

/// LD1 to LD4 (multiple structures): `structure` elements to each, `registers` in all.
pub fn load_multiple(m: &mut dyn Machine, i: Insn, structure: u32, registers: u32) -> Result<(), Trap> {
    let bytes = if by_doublewords(m, structure) { 8 } else { 1 << i.bits(11, 10) };
    let elements = Elements::new(m, i, bytes);
    let lanes = (8 << i.q() as u32) / bytes;
    let mut values: [V; 4] = [[0; 2]; 4];
    for at in 0..lanes * registers {
        let value = elements.load(m, at)?;
        let (register, lane) = place(at, structure, lanes);
        insert(&mut values[register as usize], 8 * bytes, lane, value);
    }
    (0..registers).for_each(|n| m.set_v(register(i, n), values[n as usize]));
    elements.write_back(m, i, lanes * registers);
    Ok(())
}

/// ST1 to ST4 (multiple structures).
pub fn store_multiple(m: &mut dyn Machine, i: Insn, structure: u32, registers: u32) -> Result<(), Trap> {
    let bytes = if by_doublewords(m, structure) { 8 } else { 1 << i.bits(11, 10) };
    let elements = Elements::new(m, i, bytes);
    let lanes = (8 << i.q() as u32) / bytes;
    let mut values: [V; 4] = [[0; 2]; 4];
    (0..registers).for_each(|n| values[n as usize] = m.v(register(i, n)));
    for at in 0..lanes * registers {
        let (register, lane) = place(at, structure, lanes);
        elements.store(m, at, get(values[register as usize], 8 * bytes, lane))?;
    }
    elements.write_back(m, i, lanes * registers);
    Ok(())
}

/// How many elements a single structure has.
const fn selem(i: Insn) -> u32 {
    ((i.bit(13) as u32) << 1 | i.bit(21) as u32) + 1
}

/// The lane of a single structure, of elements of `bytes` bytes.
const fn lane(i: Insn, bytes: u32) -> u32 {
    ((i.q() as u32) << 3 | i.bits(12, 10)) / bytes
}

/// LD1 to LD4 (single structure).
pub fn load_single(m: &mut dyn Machine, i: Insn, bytes: u32) -> Result<(), Trap> {
    let elements = Elements::new(m, i, bytes);
    let mut values = [0; 4];
    for n in 0..selem(i) {
        values[n as usize] = elements.load(m, n)?;
    }
    for n in 0..selem(i) {
        let mut v = m.v(register(i, n));
        insert(&mut v, 8 * bytes, lane(i, bytes), values[n as usize]);
        m.set_v(register(i, n), v);
    }
    elements.write_back(m, i, selem(i));
    Ok(())
}

/// ST1 to ST4 (single structure).
pub fn store_single(m: &mut dyn Machine, i: Insn, bytes: u32) -> Result<(), Trap> {
    let elements = Elements::new(m, i, bytes);
    for n in 0..selem(i) {
        let value = get(m.v(register(i, n)), 8 * bytes, lane(i, bytes));
        elements.store(m, n, value)?;
    }
    elements.write_back(m, i, selem(i));
    Ok(())
}

/// LD1R to LD4R.
pub fn load_replicate(m: &mut dyn Machine, i: Insn) -> Result<(), Trap> {
    let bytes = 1 << i.bits(11, 10);
    let elements = Elements::new(m, i, bytes);
    let mut values = [0; 4];
    for n in 0..selem(i) {
        values[n as usize] = elements.load(m, n)?;
    }
    for n in 0..selem(i) {
        let [low, high] = broadcast(8 * bytes, values[n as usize]);
        m.set_v(register(i, n), [low, if i.q() { high } else { 0 }]);
    }
    elements.write_back(m, i, selem(i));
    Ok(())
}
