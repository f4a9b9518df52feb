//! Performance monitors: PMCCNTR, which counts guest time at one a nanosecond. There are no event counters, and an
//! overflow shows in PMOVS without an interrupt, for at that rate a 64-bit counter does not overflow.

use super::config;
use super::sysreg::{SysReg, slots};
use crate::cpu::Cpu;

/// PMCNTENSET and its kin: the cycle counter's bit, the only one.
const CYCLE: u64 = 1 << 31;
const PMCR_E: u64 = 1;
const PMCR_C: u64 = 1 << 2;

fn counts(cpu: &Cpu) -> bool {
    cpu.get(slots::PMCR) & PMCR_E != 0 && cpu.get(slots::PMCNTEN) & CYCLE != 0
}

fn cycles(cpu: &Cpu) -> u64 {
    let value = cpu.get(slots::PMCCNTR);
    if counts(cpu) { value.wrapping_add(config(cpu).cores.now()) } else { value }
}

fn set_cycles(cpu: &mut Cpu, value: u64) {
    let value = if counts(cpu) { value.wrapping_sub(config(cpu).cores.now()) } else { value };
    cpu.set(slots::PMCCNTR, value);
}

/// Changes what decides whether the counter runs; it keeps its value.
fn keeping(cpu: &mut Cpu, change: impl FnOnce(&mut Cpu)) {
    let value = cycles(cpu);
    change(cpu);
    set_cycles(cpu, value);
}

pub fn read_cycles(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    cycles(cpu)
}

pub fn write_cycles(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    set_cycles(cpu, value);
}

/// PMCR: the implementer's codes are the model's; no event counters.
pub fn read_pmcr(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let midr = cpu.get(slots::MIDR_EL1);
    (midr >> 24 & 0xff) << 24 | (midr >> 4 & 0xff) << 16 | cpu.get(slots::PMCR)
}

pub fn write_pmcr(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(slots::PMCR, value & 0xe9));
    if value & PMCR_C != 0 {
        set_cycles(cpu, 0);
    }
}

pub fn set_enable(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) | value & CYCLE));
}

pub fn clear_enable(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) & !value));
}

pub fn set_cycle_bit(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, cpu.get(register.slot) | value & CYCLE);
}

pub fn clear_cycle_bit(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, cpu.get(register.slot) & !value);
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
