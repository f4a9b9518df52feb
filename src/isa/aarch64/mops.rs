//! FEAT_MOPS: memory copies and sets, by the manual's option A. The prologue only brings the registers into that
//! option's form, the main part moves everything, and the epilogue finds nothing left. So a fault always comes where
//! the registers say how far it got.

use super::decode::Insn;
use super::flags::Kind;
use super::regs;
use crate::cpu::{Cpu, Trap};
use crate::ir::eval::Trapped;
use crate::ir::{Mem, MemSize, Slot};

/// Registers and memory, as these instructions need them.
pub trait Machine {
    /// The value of a slot.
    fn get(&self, slot: Slot) -> u64;
    /// A slot takes a value.
    fn set(&mut self, slot: Slot, value: u64);
    /// A load.
    ///
    /// # Errors
    /// When it traps.
    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped>;
    /// A store.
    ///
    /// # Errors
    /// When it traps.
    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped>;
}

impl Machine for Cpu {
    fn get(&self, slot: Slot) -> u64 {
        Cpu::get(self, slot)
    }

    fn set(&mut self, slot: Slot, value: u64) {
        Cpu::set(self, slot, value);
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        Cpu::load(self, mem, address)
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        Cpu::store(self, mem, address, value)
    }
}

/// MOPS.
///
/// # Errors
/// When an access traps; the registers say how far it got.
pub fn call(cpu: &mut Cpu, [insn, ..]: [u64; 3]) -> Result<u64, Trap> {
    run(cpu, Insn(insn as u32)).map(|()| 0).map_err(|Trapped| cpu.trap)
}

/// Executes CPY* or SET*.
///
/// # Errors
/// When an access traps.
pub fn run(m: &mut impl Machine, i: Insn) -> Result<(), Trapped> {
    let set = i.bits(23, 22) == 3;
    match if set { i.bits(15, 14) } else { i.bits(23, 22) } {
        0 => {
            prologue(m, i, set);
            Ok(())
        }
        _ if set => set_memory(m, i),
        _ => copy_memory(m, i),
    }
}

fn prologue(m: &mut impl Machine, i: Insn, set: bool) {
    let (d, s, n) = (regs::x(i.rd()), regs::x(i.rm()), regs::x(i.rn()));
    let most = if set { i64::MAX as u64 } else { (1 << 55) - 1 };
    let count = m.get(n).min(most);
    let address = |slot| m.get(slot) & ((1 << 56) - 1);
    let backward = !set && i.bit(26) && address(s) < address(d) && address(s) + count > address(d);
    if backward {
        m.set(n, count);
    } else {
        // The addresses are those of the ends, and the count is negative.
        m.set(d, m.get(d).wrapping_add(count));
        if !set {
            m.set(s, m.get(s).wrapping_add(count));
        }
        m.set(n, count.wrapping_neg());
    }
    // No flag is set.
    m.set(regs::FLAGS, Kind::Known as u64);
    m.set(regs::FLAG_A, 0);
}

/// The largest access that `left` bytes allow: a doubleword or a byte.
fn access(left: u64) -> Mem {
    Mem::plain(if left >= 8 { MemSize::B8 } else { MemSize::B1 })
}

fn set_memory(m: &mut impl Machine, i: Insn) -> Result<(), Trapped> {
    let (end, n) = (m.get(regs::x(i.rd())), regs::x(i.rn()));
    let byte = if i.rm() == 31 { 0 } else { m.get(regs::x(i.rm())) & 0xff };
    let value = byte * 0x0101_0101_0101_0101;
    while (m.get(n) as i64) < 0 {
        let left = m.get(n);
        let mem = access(left.wrapping_neg());
        m.store(mem, end.wrapping_add(left), value)?;
        m.set(n, left.wrapping_add(u64::from(mem.size.bytes())));
    }
    Ok(())
}

fn copy_memory(m: &mut impl Machine, i: Insn) -> Result<(), Trapped> {
    let (to, from, n) = (m.get(regs::x(i.rd())), m.get(regs::x(i.rm())), regs::x(i.rn()));
    while m.get(n) != 0 {
        let left = m.get(n);
        let forward = (left as i64) < 0;
        let mem = access(if forward { left.wrapping_neg() } else { left });
        let size = u64::from(mem.size.bytes());
        // Backward the count is positive, and what lies below it is left.
        let offset = if forward { left } else { left - size };
        let value = m.load(mem, from.wrapping_add(offset))?;
        m.store(mem, to.wrapping_add(offset), value)?;
        m.set(n, if forward { left.wrapping_add(size) } else { offset });
    }
    Ok(())
}
