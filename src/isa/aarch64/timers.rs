//! The generic timer's registers.

use super::config;
use super::cores::{Setting, Which};
use super::state;
use super::sysreg::{SysReg, parts, slots};
use crate::base::bits::sext;
use crate::cpu::Cpu;
use crate::ir::Slot;

/// The timers with the slots of control and comparison value.
const TIMERS: [(Which, Slot, Slot); 5] = [
    (Which::Physical, slots::CNTP_CTL, slots::CNTP_CVAL),
    (Which::Virtual, slots::CNTV_CTL, slots::CNTV_CVAL),
    (Which::Hypervisor, slots::CNTHP_CTL, slots::CNTHP_CVAL),
    (Which::HypervisorVirtual, slots::CNTHV_CTL, slots::CNTHV_CVAL),
    (Which::Secure, slots::CNTPS_CTL, slots::CNTPS_CVAL),
];

/// The timer that a register is of.
fn timer_of(register: &SysReg) -> (Which, Slot, Slot) {
    let found = TIMERS.into_iter().find(|(_, control, compare)| [*control, *compare].contains(&register.slot));
    found.unwrap_or(TIMERS[0])
}

/// What a timer's counter is behind the system counter by.
fn offset(cpu: &Cpu, which: Which) -> u64 {
    if which == Which::Virtual && config(cpu).has_el2() { cpu.get(slots::CNTVOFF_EL2) } else { 0 }
}

fn setting(cpu: &Cpu, (which, control, compare): (Which, Slot, Slot)) -> Setting {
    Setting { control: cpu.get(control), compare: cpu.get(compare), offset: offset(cpu, which) }
}

fn changed(cpu: &Cpu, timer: (Which, Slot, Slot)) {
    config(cpu).cores.set_timer(cpu, timer.0, setting(cpu, timer));
}

/// Puts every timer in step with its registers.
pub fn renew(cpu: &Cpu) {
    TIMERS.into_iter().for_each(|timer| changed(cpu, timer));
}

fn count(cpu: &Cpu, which: Which) -> u64 {
    config(cpu).cores.counter.now().wrapping_sub(offset(cpu, which))
}

/// CNTPCT.
pub fn read_physical_count(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    count(cpu, Which::Physical)
}

/// CNTVCT: a host sees no offset.
pub fn read_virtual_count(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let hosted = cpu.get(slots::HCR_EL2) & super::fields::hcr::E2H != 0 && state::level(cpu) == 2;
    let none = hosted || state::level(cpu) == 0 && state::is_host(cpu);
    count(cpu, if none { Which::Physical } else { Which::Virtual })
}

/// TVAL: the 32 low bits of what is left.
pub fn read_value(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let (which, _, compare) = timer_of(register);
    cpu.get(compare).wrapping_sub(count(cpu, which)) & 0xffff_ffff
}

pub fn write_value(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let timer = timer_of(register);
    let at = count(cpu, timer.0).wrapping_add(sext(value, 32));
    cpu.set(timer.2, at);
    changed(cpu, timer);
}

/// CTL, with ISTATUS.
pub fn read_control(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let timer = timer_of(register);
    let setting = setting(cpu, timer);
    let met = setting.is_met(config(cpu).cores.counter.now());
    if met {
        // Whoever sees the condition met finds the interrupt pending too.
        changed(cpu, timer);
    }
    setting.control | u64::from(met) << 2
}

pub fn write_control(cpu: &mut Cpu, register: &SysReg, number: u16, value: u64) {
    debug_assert_eq!(parts(number)[4], 1);
    let timer = timer_of(register);
    cpu.set(timer.1, value & 3);
    changed(cpu, timer);
}

pub fn write_compare(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value);
    changed(cpu, timer_of(register));
}

/// CNTVOFF.
pub fn write_offset(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value);
    changed(cpu, TIMERS[1]);
}
