//! The system registers: a row each, in [`table`]. Who may access one is in its row: the lowest level for reads and
//! for writes, the feature that brings it, and a [`rule`] for whatever else may trap.
//!
//! ```text
//!   MRS, MSR ──► find (with E2H: redirected) ──► level ──► rule ──► read, write of the row
//! ```

pub mod rule;
pub mod slots;
pub(super) mod state;
pub mod table;

use super::features::Features;
use super::fields::{hcr, sctlr};
use super::{config, counters, state as state_of, trap};
use crate::base::bits::bits;
use crate::cpu::{Cpu, Trap};
use crate::gap;
use crate::ir::Slot;
use rule::Rule;
use table::{FAMILIES, REDIRECTED, REGISTERS};

/// Reads a register; the number tells those of a family apart.
pub type Read = fn(&mut Cpu, &SysReg, u16) -> u64;
/// Writes one.
pub type Write = fn(&mut Cpu, &SysReg, u16, u64);

/// A system register.
pub struct SysReg {
    /// `op0:op1:CRn:CRm:op2`.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// What holds it, or what it is a view of.
    pub slot: Slot,
    /// The lowest exception level that reads it; 4: none does.
    read_level: u8,
    /// Likewise for writes.
    write_level: u8,
    /// The feature without which it does not exist.
    needs: Features,
    /// What else may trap an access.
    rule: Rule,
    read: Read,
    write: Write,
}

/// Finds the register of a number, as the current state means it.
fn find(cpu: &Cpu, given: u16) -> Option<(&'static SysReg, u16)> {
    let mut named = given;
    if cpu.get(slots::HCR_EL2) & hcr::E2H != 0 {
        let level = trap::level(cpu);
        let (op1, below) = (given >> 11 & 7, given & 0x7ff);
        if op1 == 5 && level >= 2 {
            // The names with _EL12 and _EL02.
            let timer = below >> 7 == 14 && below >> 3 & 0xf != 1;
            named = 3 << 14 | if timer { 3 << 11 } else { 0 } | below;
            if !REDIRECTED.iter().any(|(from, _)| *from == named) {
                return None;
            }
        } else if level == 2
            && let Some((_, to)) = REDIRECTED.iter().find(|(from, _)| *from == given)
        {
            named = *to;
        }
    }
    let row = INDEX[usize::from(named & 0x3fff)];
    let exact = (named >> 14 >= 2 && row != NO_ROW)
        .then(|| &REGISTERS[usize::from(row)])
        .filter(|register| register.number == named)
        .or_else(|| REGISTERS.iter().find(|register| register.number == named));
    let register = exact.or_else(|| FAMILIES.iter().find(|(is, _)| is(named)).map(|(_, register)| register))?;
    let there = config(cpu).features.has(register.needs) && counters::exists(cpu, named);
    there.then_some((register, named))
}

const NO_ROW: u16 = u16::MAX;
const _: () = assert!(REGISTERS.len() < NO_ROW as usize);

/// The row of each number less its op0, of which few are shared by two; those are searched for.
static INDEX: [u16; 1 << 14] = index();

const fn index() -> [u16; 1 << 14] {
    let mut index = [NO_ROW; 1 << 14];
    let mut n = 0;
    while n < REGISTERS.len() {
        index[(REGISTERS[n].number & 0x3fff) as usize] = n as u16;
        n += 1;
    }
    index
}

/// The register of an access that is allowed now.
fn access(cpu: &Cpu, given: u64, insn: u64, write: bool) -> Result<(&'static SysReg, u16), Trap> {
    let given = given as u16;
    let access = trap::Access::new(given, insn, !write);
    let Some((register, number)) = find(cpu, given) else {
        let [op0, op1, crn, crm, op2] = parts(given);
        gap!("system register s{op0}_{op1}_c{crn}_c{crm}_{op2} at {:#x}", cpu.pc);
        return Err(refused(cpu, given, write, access));
    };
    let lowest = if write { register.write_level } else { register.read_level };
    if trap::level(cpu) < lowest {
        return Err(refused(cpu, given, write, access));
    }
    rule::check(cpu, register.rule, write, access)?;
    Ok((register, number))
}

/// The trap of an access to what does not exist at the current level: UNDEFINED, but with FEAT_IDST that of reads in the
/// space of identification registers, and with FEAT_TIDCP1 that of EL0's to IMPLEMENTATION DEFINED ones, say which.
fn refused(cpu: &Cpu, given: u16, write: bool, access: trap::Access) -> Trap {
    let [op0, op1, crn, crm, _] = parts(given);
    let identifies = op0 == 3 && matches!(op1, 0 | 1 | 3) && crn == 0 && crm < 8;
    if identifies && !write && config(cpu).features.has(Features::IDST) || own_traps(cpu, given) {
        return access.trap_to(1);
    }
    trap::undefined()
}

/// Whether EL0's access to an IMPLEMENTATION DEFINED register or operation traps as one.
pub fn own_traps(cpu: &Cpu, given: u16) -> bool {
    let [op0, _, crn, ..] = parts(given);
    config(cpu).features.has(Features::TIDCP1)
        && trap::level(cpu) == 0
        && matches!((op0, crn), (1 | 3, 11 | 15))
        && state_of::sctlr(cpu, state_of::controller(cpu)) & sctlr::TIDCP != 0
}

/// MRS.
///
/// # Errors
/// UNDEFINED, or a trap to a higher level.
pub fn read(cpu: &mut Cpu, given: u64, insn: u64) -> Result<u64, Trap> {
    let (register, number) = access(cpu, given, insn, false)?;
    Ok((register.read)(cpu, register, number))
}

/// MSR (register).
///
/// # Errors
/// As [`read`].
pub fn write(cpu: &mut Cpu, given: u64, value: u64, insn: u64) -> Result<(), Trap> {
    let (register, number) = access(cpu, given, insn, true)?;
    (register.write)(cpu, register, number, value);
    Ok(())
}

impl SysReg {
    /// Its value, as a debugger sees it.
    pub fn peek(&self, cpu: &mut Cpu) -> u64 {
        (self.read)(cpu, self, self.number)
    }

    /// Writes it as a debugger does.
    pub fn poke(&self, cpu: &mut Cpu, value: u64) {
        (self.write)(cpu, self, self.number, value);
    }

    /// Whether a debugger is shown it: reading has no effect.
    pub const fn is_shown(&self) -> bool {
        self.read_level < 4
    }
}

/// `op0`, `op1`, `CRn`, `CRm`, `op2` of a number.
pub fn parts(number: u16) -> [u64; 5] {
    let n = u64::from(number);
    [bits(n, 15, 14), bits(n, 13, 11), bits(n, 10, 7), bits(n, 6, 3), bits(n, 2, 0)]
}

fn plain(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    cpu.get(register.slot)
}

fn zero(_: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    0
}

fn any(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value);
}

fn ignore(_: &mut Cpu, _: &SysReg, _: u16, _: u64) {}

fn masked<const MASK: u64>(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value & MASK);
}

#[cfg(test)]
mod tests {
    use super::table::number;
    use super::*;

    #[test]
    fn every_register_has_one_row() {
        for (n, register) in REGISTERS.iter().enumerate() {
            assert!(REGISTERS.len() < usize::from(NO_ROW));
            let twin = REGISTERS[..n].iter().find(|other| other.number == register.number);
            assert!(twin.is_none(), "{} and {}", register.name, twin.unwrap().name);
            let twin = REGISTERS[..n].iter().find(|other| other.name == register.name);
            assert!(twin.is_none(), "{}", register.name);
        }
        for (from, to) in REDIRECTED {
            for number in [from, to] {
                assert!(REGISTERS.iter().any(|register| register.number == *number), "{:?}", parts(*number));
            }
        }
        assert_eq!(number(3, 0, 4, 2, 2), 0xc212);
    }
}
