//! Self-hosted debug: software step, hardware breakpoints and watchpoints, and where debug exceptions go.
//!
//! Where something is to be noticed nothing is kept: a page with a breakpoint, and every page while software step is
//! active, is fetched from an instruction at a time; accesses to a page with a watchpoint are looked at one by one. So
//! code that is not debugged pays for none of it.
//!
//! Of breakpoints there are the types of addresses and of context identifiers, linked or not; those of VMIDs and vector
//! catch never match.
//!
//! Document: DDI 0487, chapter D2.

use super::fields::{ec, hcr, pstate, scr};
use super::sysreg::{SysReg, slots};
use super::trap::{at_level, synchronous, with_address};
use super::{config, state};
use crate::base::bits::{bit, bits, mask};
use crate::cpu::{Access, Cpu, Trap};
use crate::fabric::PAGE_SIZE;
use crate::ir::Slot;

/// How many there are, as ID_AA64DFR0_EL1 has it.
const BREAKPOINTS: u16 = 6;
const WATCHPOINTS: u16 = 4;
/// The breakpoints from this one on also match contexts.
const FIRST_CONTEXT: u16 = 4;

/// MDSCR_EL1.
mod mdscr {
    /// Software step.
    pub const SS: u64 = 1;
    /// Debug exceptions of the level that takes them.
    pub const KDE: u64 = 1 << 13;
    /// Breakpoints and watchpoints.
    pub const MDE: u64 = 1 << 15;
}

/// The fault status code of all debug exceptions.
const DEBUG: u64 = 0x22;

/// The level that takes debug exceptions, BRK's among them, from the levels up to it.
pub fn target(cpu: &Cpu) -> u8 {
    const TDE: u32 = 8;
    let routed = cpu.get(slots::HCR_EL2) & hcr::TGE != 0 || bit(cpu.get(slots::MDCR_EL2), TDE);
    if state::el2_enabled(cpu) && routed { 2 } else { 1 }
}

/// Whether a level with PSTATE.D as in `masks` has debug exceptions.
fn has_exceptions(cpu: &Cpu, level: u8, masks: u64) -> bool {
    const OSLK: u32 = 1;
    const SDD: u32 = 16;
    if bit(cpu.get(slots::OSLSR_EL1), OSLK) {
        return false;
    }
    let secure = config(cpu).has_el3() && (level == 3 || cpu.get(slots::SCR_EL3) & scr::NS == 0);
    if secure && bit(cpu.get(slots::MDCR_EL3), SDD) {
        return false;
    }
    let to = target(cpu);
    if level == to { cpu.get(slots::MDSCR_EL1) & mdscr::KDE != 0 && masks & pstate::D == 0 } else { level < to }
}

/// Whether anything of this module is in use.
pub fn is_on(cpu: &Cpu) -> bool {
    cpu.get(slots::MDSCR_EL1) & (mdscr::SS | mdscr::MDE) != 0
}

fn here(cpu: &Cpu, what: u64) -> bool {
    cpu.get(slots::MDSCR_EL1) & what != 0 && has_exceptions(cpu, state::level(cpu), cpu.get(slots::PSTATE))
}

/// Whether software step is active.
pub fn steps(cpu: &Cpu) -> bool {
    here(cpu, mdscr::SS)
}

fn nth(first: Slot, n: u16) -> Slot {
    Slot(first.0 + n)
}

fn any_enabled(cpu: &Cpu, first: Slot, count: u16) -> bool {
    (0..count).any(|n| bit(cpu.get(nth(first, n)), 0))
}

/// Whether breakpoints can be hit now.
pub fn has_breakpoints(cpu: &Cpu) -> bool {
    here(cpu, mdscr::MDE) && any_enabled(cpu, slots::DBGBCR0, BREAKPOINTS)
}

/// Whether watchpoints can be hit now.
pub fn has_watchpoints(cpu: &Cpu) -> bool {
    here(cpu, mdscr::MDE) && any_enabled(cpu, slots::DBGWCR0, WATCHPOINTS)
}

/// PSTATE.SS after an exception return to a level: the SPSR's when the return makes software step active.
pub fn step_after_return(cpu: &Cpu, spsr: u64, to: u8) -> u64 {
    let on = cpu.get(slots::MDSCR_EL1) & mdscr::SS != 0;
    let starts = on && !steps(cpu) && has_exceptions(cpu, to, spsr);
    if starts { spsr & pstate::SS } else { 0 }
}

/// How the instruction before was stepped, in [`slots::STEPPED`].
const ANY_INSTRUCTION: u64 = 1;
const LOAD_EXCLUSIVE: u64 = 2;

/// STEP: the instruction that follows is the one that is stepped.
///
/// # Errors
/// Never.
pub fn begin_step(cpu: &mut Cpu, [exclusive, ..]: [u64; 3]) -> Result<u64, Trap> {
    cpu.set(slots::PSTATE, cpu.get(slots::PSTATE) & !pstate::SS);
    cpu.set(slots::STEPPED, if exclusive != 0 { LOAD_EXCLUSIVE } else { ANY_INSTRUCTION });
    Ok(0)
}

/// What precedes a fetch while software step is active.
///
/// # Errors
/// The step exception, when the instruction before was stepped.
pub fn check_step(cpu: &mut Cpu) -> Result<(), Trap> {
    const ISV: u64 = 1 << 24;
    const EX: u64 = 1 << 6;
    if cpu.get(slots::PSTATE) & pstate::SS != 0 {
        cpu.set(slots::STEPPED, 0);
        return Ok(());
    }
    let more = match cpu.get(slots::STEPPED) {
        0 => 0,
        LOAD_EXCLUSIVE => ISV | EX,
        _ => ISV,
    };
    Err(at_level(synchronous(ec::STEP, DEBUG | more), target(cpu)))
}

/// PSTATE.SS as an exception saves it: an instruction that did not complete is still to be stepped.
pub fn step_on_exception(cpu: &mut Cpu, completed: bool) -> u64 {
    let stepped = cpu.get(slots::STEPPED) != 0;
    cpu.set(slots::STEPPED, 0);
    if stepped && !completed { pstate::SS } else { 0 }
}

/// Whether a breakpoint's or watchpoint's control register selects a level in the current Security state.
fn selects(cpu: &Cpu, control: u64, level: u8) -> bool {
    let (higher, privilege, security) = (bit(control, 13), bits(control, 2, 1), bits(control, 15, 14));
    let at_level = match level {
        0 => privilege & 2 != 0,
        1 => privilege & 1 != 0,
        2 => higher && (security, privilege) != (2, 0) || security == 3,
        _ => higher && security & 1 == 0,
    };
    let secure = state::is_secure(cpu);
    at_level
        && match security {
            0 => true,
            1 => !secure,
            2 => secure,
            _ => higher || secure,
        }
}

/// Whether a context breakpoint's value is the current context's.
fn is_context(cpu: &Cpu, n: u16) -> bool {
    let hosted = state::controller(cpu) == 2 && cpu.get(slots::HCR_EL2) & hcr::E2H != 0;
    let current = cpu.get(if hosted { slots::CONTEXTIDR_EL2 } else { slots::CONTEXTIDR_EL1 });
    (FIRST_CONTEXT..BREAKPOINTS).contains(&n) && cpu.get(nth(slots::DBGBVR0, n)) & mask(32) == current
}

/// Whether a control register's linked breakpoint matches.
fn link_matches(cpu: &Cpu, control: u64) -> bool {
    let n = bits(control, 19, 16) as u16;
    const LINKED_CONTEXT: u64 = 3;
    (FIRST_CONTEXT..BREAKPOINTS).contains(&n) && {
        let linked = cpu.get(nth(slots::DBGBCR0, n));
        bit(linked, 0) && bits(linked, 23, 20) == LINKED_CONTEXT && is_context(cpu, n)
    }
}

fn breaks_at(cpu: &Cpu, n: u16, address: u64) -> bool {
    let control = cpu.get(nth(slots::DBGBCR0, n));
    if !bit(control, 0) || !selects(cpu, control, state::level(cpu)) {
        return false;
    }
    let same = bits(cpu.get(nth(slots::DBGBVR0, n)), 55, 2) == bits(address, 55, 2);
    match bits(control, 23, 20) {
        0 => same,
        1 => same && link_matches(cpu, control),
        2 => is_context(cpu, n),
        _ => false,
    }
}

/// Whether the instructions of a page have to be looked at one by one.
pub fn breaks_in_page(cpu: &Cpu, address: u64) -> bool {
    const BY_CONTEXT: u64 = 2;
    has_breakpoints(cpu)
        && (0..BREAKPOINTS).any(|n| {
            let control = cpu.get(nth(slots::DBGBCR0, n));
            let there = bits(cpu.get(nth(slots::DBGBVR0, n)) ^ address, 55, 0) < PAGE_SIZE;
            bit(control, 0) && (there || bits(control, 23, 20) == BY_CONTEXT)
        })
}

/// Looks for a breakpoint at an instruction.
///
/// # Errors
/// Its exception.
pub fn check_breakpoints(cpu: &Cpu, address: u64) -> Result<(), Trap> {
    if (0..BREAKPOINTS).any(|n| breaks_at(cpu, n, address)) {
        return Err(at_level(synchronous(ec::BREAKPOINT, DEBUG), target(cpu)));
    }
    Ok(())
}

/// The first address and the length of what a watchpoint watches, less what is above bit 55; bytes that are not
/// selected in the middle are watched too, which the architecture has no use for.
fn watched(cpu: &Cpu, n: u16) -> (u64, u64) {
    let (control, value) = (cpu.get(nth(slots::DBGWCR0, n)), bits(cpu.get(nth(slots::DBGWVR0, n)), 55, 0));
    let scale = bits(control, 28, 24) as u32;
    if scale >= 3 {
        return (value & !mask(scale), 1 << scale);
    }
    let select = bits(control, 12, 5) & if bit(value, 2) { 0xf } else { 0xff };
    if select == 0 {
        return (value, 0);
    }
    let first = u64::from(select.trailing_zeros());
    ((value & !3) + first, 64 - u64::from(select.leading_zeros()) - first)
}

/// Whether accesses to a page have to be looked at one by one.
pub fn watches_page(cpu: &Cpu, address: u64) -> bool {
    let page = bits(address, 55, 0) & !(PAGE_SIZE - 1);
    has_watchpoints(cpu)
        && (0..WATCHPOINTS).any(|n| {
            let (start, length) = watched(cpu, n);
            bit(cpu.get(nth(slots::DBGWCR0, n)), 0) && start < page + PAGE_SIZE && page < start + length
        })
}

/// Looks for a watchpoint that an access of a level runs into.
///
/// # Errors
/// Its exception; the access has not been made.
pub fn check_watchpoints(cpu: &Cpu, address: u64, size: u64, access: Access, level: u8) -> Result<(), Trap> {
    const WRITE: u64 = 1 << 6;
    if !has_watchpoints(cpu) {
        return Ok(());
    }
    let from = bits(address, 55, 0);
    let (wanted, more) = if access == Access::Store { (2, WRITE) } else { (1, 0) };
    for n in 0..WATCHPOINTS {
        let control = cpu.get(nth(slots::DBGWCR0, n));
        let (start, length) = watched(cpu, n);
        let touches = start < from + size && from < start + length;
        let linked = !bit(control, 20) || link_matches(cpu, control);
        if bit(control, 0) && bits(control, 4, 3) & wanted != 0 && touches && selects(cpu, control, level) && linked {
            let at = address + start.saturating_sub(from);
            let trap = synchronous(ec::WATCHPOINT, DEBUG | more);
            return Err(with_address(at_level(trap, target(cpu)), at));
        }
    }
    Ok(())
}

/// DBGBVR, DBGBCR, DBGWVR, DBGWCR.
pub fn write_point<const MASK: u64>(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value & MASK);
    if is_on(cpu) {
        cpu.flush_all();
    }
}

/// MDSCR_EL1.
pub fn write_mdscr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let was_on = is_on(cpu);
    cpu.set(register.slot, value & mask(32));
    if was_on || is_on(cpu) {
        cpu.flush_all();
    }
}

/// MDCR_EL2 or MDCR_EL3 was written.
pub fn controlled(cpu: &mut Cpu) {
    if is_on(cpu) {
        cpu.flush_all();
    }
}
