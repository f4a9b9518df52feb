//! Performance monitors: PMCCNTR, which counts guest time at one a nanosecond at every level, and the interrupt of its
//! overflow. There are no event counters.

use super::config;
use super::cores::{Setting, Which};
use super::sysreg::{SysReg, slots};
use crate::base::bits::mask;
use crate::cpu::Cpu;

/// PMCNTENSET and its kin: the cycle counter's bit, the only one.
const CYCLE: u64 = 1 << 31;
const PMCR_E: u64 = 1;
const PMCR_C: u64 = 1 << 2;
const PMCR_LC: u64 = 1 << 6;

fn counts(cpu: &Cpu) -> bool {
    cpu.get(slots::PMCR) & PMCR_E != 0 && cpu.get(slots::PMCNTEN) & CYCLE != 0
}

/// The counter's value at a time.
fn cycles(cpu: &Cpu, now: u64) -> u64 {
    let value = cpu.get(slots::PMCCNTR);
    if counts(cpu) { value.wrapping_add(now) } else { value }
}

fn set_cycles(cpu: &mut Cpu, value: u64, now: u64) {
    let value = if counts(cpu) { value.wrapping_sub(now) } else { value };
    cpu.set(slots::PMCCNTR, value);
}

/// Changes what decides whether the counter runs, or what becomes of its overflow; it keeps its value.
fn keeping(cpu: &mut Cpu, change: impl FnOnce(&mut Cpu)) {
    let now = config(cpu).cores.now();
    notice_overflow(cpu, now);
    let value = cycles(cpu, now);
    change(cpu);
    set_cycles(cpu, value, now);
    renew(cpu, now);
}

/// Gives the counter a value.
fn replace_cycles(cpu: &mut Cpu, value: u64) {
    let now = config(cpu).cores.now();
    notice_overflow(cpu, now);
    set_cycles(cpu, value, now);
    renew(cpu, now);
}

/// Sets the overflow's bit when its time has come.
fn notice_overflow(cpu: &mut Cpu, now: u64) {
    let at = cpu.get(slots::OVERFLOW_AT);
    if at != 0 && now >= at {
        cpu.set(slots::PMOVS, cpu.get(slots::PMOVS) | CYCLE);
        cpu.set(slots::OVERFLOW_AT, next_overflow(cpu, now));
    }
}

/// When the counter overflows after `now`: from 64 bits, or with PMCR.LC clear from 32.
fn next_overflow(cpu: &Cpu, now: u64) -> u64 {
    let width = if cpu.get(slots::PMCR) & PMCR_LC != 0 { 64 } else { 32 };
    let left = (mask(width) - (cycles(cpu, now) & mask(width))).checked_add(1);
    let at = left.and_then(|left| left.checked_add(now));
    if counts(cpu) { at.unwrap_or(0) } else { 0 }
}

/// Puts the overflow's interrupt in step with the registers, as they are at a time.
fn renew(cpu: &mut Cpu, now: u64) {
    let at = next_overflow(cpu, now);
    cpu.set(slots::OVERFLOW_AT, at);
    let enabled = cpu.get(slots::PMCR) & PMCR_E != 0 && cpu.get(slots::PMINTEN) & CYCLE != 0;
    let compare = match (cpu.get(slots::PMOVS) & CYCLE != 0, at) {
        (true, _) => 0,
        (false, 0) => u64::MAX,
        (false, at) => at,
    };
    let setting = Setting { control: enabled.into(), compare, offset: 0 };
    config(cpu).cores.set_timer(cpu, Which::Overflow, setting);
}

/// Puts the interrupt's line in step after a reset.
pub fn reset(cpu: &mut Cpu) {
    let now = config(cpu).cores.now();
    renew(cpu, now);
}

/// PMOVSSET and PMOVSCLR.
pub fn read_overflow(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let now = config(cpu).cores.now();
    notice_overflow(cpu, now);
    cpu.get(register.slot)
}

pub fn read_cycles(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    cycles(cpu, config(cpu).cores.now())
}

pub fn write_cycles(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    replace_cycles(cpu, value);
}

/// PMCR: the implementer's codes are the model's; no event counters.
pub fn read_pmcr(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let midr = cpu.get(slots::MIDR_EL1);
    (midr >> 24 & 0xff) << 24 | (midr >> 4 & 0xff) << 16 | cpu.get(slots::PMCR)
}

pub fn write_pmcr(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(slots::PMCR, value & 0xe9));
    if value & PMCR_C != 0 {
        replace_cycles(cpu, 0);
    }
}

pub fn set_enable(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) | value & CYCLE));
}

pub fn clear_enable(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) & !value));
}

pub fn set_cycle_bit(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) | value & CYCLE));
}

pub fn clear_cycle_bit(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) & !value));
}

/// PMCEID0: the event CPU_CYCLES, which the cycle counter counts.
pub fn read_events(_: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    1 << 0x11
}

/// PMXEVTYPER: with PMSELR at 31 it is PMCCFILTR.
pub fn read_selected_type(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    if cpu.get(slots::PMSELR) == 31 { cpu.get(register.slot) } else { 0 }
}

pub fn write_selected_type(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    if cpu.get(slots::PMSELR) == 31 {
        cpu.set(register.slot, value & 0xfc00_0000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::aarch64::tests::{cpu, put_register, register};

    #[test]
    fn an_overflow_shows_and_is_cleared() {
        let mut cpu = cpu();
        for (control, last) in [(PMCR_E | PMCR_LC, u64::MAX - 9), (PMCR_E, 0xffff_fff6)] {
            put_register(&mut cpu, "PMCR_EL0", control);
            put_register(&mut cpu, "PMCNTENSET_EL0", CYCLE);
            put_register(&mut cpu, "PMCCNTR_EL0", last);
            let start = config(&cpu).cores.now();
            cpu.clock().set(start + 9);
            assert_eq!(register(&mut cpu, "PMOVSCLR_EL0"), 0);
            cpu.clock().set(start + 10);
            assert_eq!(register(&mut cpu, "PMOVSCLR_EL0"), CYCLE);
            put_register(&mut cpu, "PMOVSCLR_EL0", CYCLE);
            assert_eq!(register(&mut cpu, "PMOVSCLR_EL0"), 0);
        }
    }
}
