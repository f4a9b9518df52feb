//! PSTATE, and what hangs on it: the exception level and the banked stack pointers.

use super::config;
use super::fields::{hcr, hcrx, pstate, scr};
use super::regs::{self, SP};
use super::sysreg::slots;
use crate::base::bits::{field, with_field};
use crate::cpu::Cpu;
use crate::ir::Slot;

/// The exception level.
pub fn level(cpu: &Cpu) -> u8 {
    field(cpu.get(slots::PSTATE), pstate::EL) as u8
}

/// The stack pointer of a level.
const fn banked(level: u8) -> Slot {
    match level {
        0 => slots::SP_EL0,
        1 => slots::SP_EL1,
        2 => slots::SP_EL2,
        _ => slots::SP_EL3,
    }
}

/// Where the stack pointer that a PSTATE selects is kept while it is not in use.
fn kept(state: u64) -> Slot {
    if state & pstate::SP != 0 { banked(field(state, pstate::EL) as u8) } else { slots::SP_EL0 }
}

/// Sets PSTATE, less NZCV and BTYPE, the stack pointer following it.
pub fn set(cpu: &mut Cpu, new: u64) {
    let old = cpu.get(slots::PSTATE);
    let (from, to) = (kept(old), kept(new));
    if from != to {
        cpu.set(from, cpu.get(SP));
        cpu.set(SP, cpu.get(to));
    }
    cpu.set(slots::PSTATE, new);
}

/// All of PSTATE as an SPSR takes it.
pub fn saved(cpu: &Cpu) -> u64 {
    let state = cpu.get(slots::PSTATE) | regs::nzcv(cpu);
    with_field(state, pstate::BTYPE, regs::branch_type(cpu))
}

/// Whether EL2 is there in the current Security state.
pub fn el2_enabled(cpu: &Cpu) -> bool {
    let config = config(cpu);
    config.has_el2() && !is_secure_below_el3(cpu)
}

/// Whether the levels below EL3 are Secure.
pub fn is_secure_below_el3(cpu: &Cpu) -> bool {
    config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & scr::NS == 0
}

/// Whether the CPU is in Secure state.
pub fn is_secure(cpu: &Cpu) -> bool {
    level(cpu) == 3 || is_secure_below_el3(cpu)
}

/// What HCRX_EL2 means now: where there is no hypervisor, memory copies and sets work.
pub fn hypervisor_extended(cpu: &Cpu) -> u64 {
    match el2_enabled(cpu) {
        false => hcrx::MSCEN,
        true if config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & scr::HX_EN == 0 => 0,
        true => cpu.get(slots::HCRX_EL2),
    }
}

/// Whether EL0 is a host's: exceptions of EL0 go to EL2, whose translation it uses.
pub fn is_host(cpu: &Cpu) -> bool {
    let both = hcr::E2H | hcr::TGE;
    el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & both == both
}

/// The level whose registers control the current one: EL1 for EL0, or EL2 where that is the host's.
pub fn controller(cpu: &Cpu) -> u8 {
    match level(cpu) {
        0 if is_host(cpu) => 2,
        0 => 1,
        level => level,
    }
}

/// SCTLR of a level.
pub fn sctlr(cpu: &Cpu, level: u8) -> u64 {
    cpu.get(match level {
        3 => slots::SCTLR_EL3,
        2 => slots::SCTLR_EL2,
        _ => slots::SCTLR_EL1,
    })
}
