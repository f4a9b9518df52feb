//! FEAT_MOPS: memory copies and sets, by the manual's option A. The prologue only brings the registers into that
//! option's form, the main part moves everything, and the epilogue finds nothing left. So a fault always comes where
//! the registers say how far it got.

use super::decode::Insn;
use super::fields::{ec, hcrx, sctlr};
use super::flags::Kind;
use super::mode::CodeMode;
use super::system::as_user;
use super::trap::{at_level, synchronous, undefined};
use super::{regs, state};
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

/// A vCPU, some of whose accesses may be EL0's: those of CPYPT, SETPT and kin.
struct Running<'a> {
    cpu: &'a mut Cpu,
    user_loads: bool,
    user_stores: bool,
}

impl Machine for Running<'_> {
    fn get(&self, slot: Slot) -> u64 {
        self.cpu.get(slot)
    }

    fn set(&mut self, slot: Slot, value: u64) {
        self.cpu.set(slot, value);
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        if self.user_loads {
            return as_user(self.cpu, |cpu| cpu.load(mem, address));
        }
        self.cpu.load(mem, address)
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        if self.user_stores {
            return as_user(self.cpu, |cpu| cpu.store(mem, address, value));
        }
        self.cpu.store(mem, address, value)
    }
}

/// MOPS: 1 when the instruction is to be executed again, for it has more to do than may be done at once.
///
/// # Errors
/// UNDEFINED, the exception of a wrong option or size, or that of an access; the registers say how far it got.
pub fn call(cpu: &mut Cpu, [insn, ..]: [u64; 3]) -> Result<u64, Trap> {
    let i = Insn(insn as u32);
    check(cpu, i)?;
    let unprivileged = CodeMode::decode(cpu.mode).unprivileged;
    let mut machine =
        Running { cpu, user_loads: unprivileged && !is_set(i) && i.bit(13), user_stores: unprivileged && i.bit(12) };
    run(&mut machine, i).map(u64::from).map_err(|Trapped| machine.cpu.trap)
}

fn is_set(i: Insn) -> bool {
    i.bits(23, 22) == 3
}

/// 0 of the prologue, 1 of the main part, 2 of the epilogue.
fn stage(i: Insn) -> u32 {
    if is_set(i) { i.bits(15, 14) } else { i.bits(23, 22) }
}

/// Whether the instruction may be executed here, in the state that the registers are in.
fn check(cpu: &Cpu, i: Insn) -> Result<(), Trap> {
    let level = state::level(cpu);
    let hypervisor = state::hypervisor_extended(cpu);
    let by_kernel = level > 0 || state::sctlr(cpu, state::controller(cpu)) & sctlr::MSCEN != 0;
    let by_hypervisor = level > 1 || state::is_host(cpu) || hypervisor & hcrx::MSCEN != 0;
    if !by_kernel || !by_hypervisor {
        return Err(undefined());
    }
    let (epilogue, set) = (stage(i) == 2, is_set(i));
    // The flag C would say that the prologue has been executed by option B.
    let wrong_option = regs::nzcv(cpu) & CARRY != 0;
    let left = cpu.get(regs::x(i.rn()));
    let forward = set || !i.bit(26) || (left as i64) < 0;
    let left = if forward { left.wrapping_neg() } else { left };
    if stage(i) == 0 || !(wrong_option || epilogue && left >= LEAST_MAIN) {
        return Ok(());
    }
    const OPTION_A: u64 = 1 << 16;
    let options = if set { i.bits(13, 12) } else { i.bits(15, 12) };
    let iss = u64::from(set) << 24
        | u64::from(options) << 19
        | u64::from(epilogue) << 18
        | u64::from(wrong_option) << 17
        | OPTION_A
        | u64::from(i.rd()) << 10
        | u64::from(i.rm()) << 5
        | u64::from(i.rn());
    let to_hypervisor = level == 1 && hypervisor & hcrx::MCE2 != 0;
    Err(at_level(synchronous(ec::MOPS, iss), if to_hypervisor { 2 } else { 1 }))
}

const CARRY: u64 = 1 << 29;

/// No epilogue is left as much as this, in bytes.
const LEAST_MAIN: u64 = 0x1000;

/// Bytes that an instruction moves at once: interrupts are looked at in between.
const MOST: u64 = 0x1_0000;

/// Executes CPY* or SET*; whether there is more to do.
///
/// # Errors
/// When an access traps.
pub fn run(m: &mut impl Machine, i: Insn) -> Result<bool, Trapped> {
    match stage(i) {
        0 => {
            prologue(m, i, is_set(i));
            Ok(false)
        }
        _ if is_set(i) => set_memory(m, i),
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

fn set_memory(m: &mut impl Machine, i: Insn) -> Result<bool, Trapped> {
    let (end, n) = (m.get(regs::x(i.rd())), regs::x(i.rn()));
    let byte = if i.rm() == 31 { 0 } else { m.get(regs::x(i.rm())) & 0xff };
    let value = byte * 0x0101_0101_0101_0101;
    let first = m.get(n);
    while (m.get(n) as i64) < 0 {
        let left = m.get(n);
        if left.wrapping_sub(first) >= MOST {
            return Ok(true);
        }
        let mem = access(left.wrapping_neg());
        m.store(mem, end.wrapping_add(left), value)?;
        m.set(n, left.wrapping_add(u64::from(mem.size.bytes())));
    }
    Ok(false)
}

fn copy_memory(m: &mut impl Machine, i: Insn) -> Result<bool, Trapped> {
    let (to, from, n) = (m.get(regs::x(i.rd())), m.get(regs::x(i.rm())), regs::x(i.rn()));
    let first = m.get(n);
    while m.get(n) != 0 {
        let left = m.get(n);
        if left.abs_diff(first) >= MOST {
            return Ok(true);
        }
        let forward = (left as i64) < 0;
        let mem = access(if forward { left.wrapping_neg() } else { left });
        let size = u64::from(mem.size.bytes());
        // Backward the count is positive, and what lies below it is left.
        let offset = if forward { left } else { left - size };
        let value = m.load(mem, from.wrapping_add(offset))?;
        m.store(mem, to.wrapping_add(offset), value)?;
        m.set(n, if forward { left.wrapping_add(size) } else { offset });
    }
    Ok(false)
}
