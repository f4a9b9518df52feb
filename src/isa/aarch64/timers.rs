//! The generic timer's registers.

use super::config;
use super::cores::{Setting, Which};
use super::features::Features;
use super::fields::{cnthctl, scr};
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
    match which {
        Which::Virtual if config(cpu).has_el2() => cpu.get(slots::CNTVOFF_EL2),
        Which::Physical if has_physical_offset(cpu) => cpu.get(slots::CNTPOFF_EL2),
        _ => 0,
    }
}

/// FEAT_ECV_POFF: whether a hypervisor offsets the physical counter of its guests.
fn has_physical_offset(cpu: &Cpu) -> bool {
    let allowed = !config(cpu).has_el3() || cpu.get(slots::SCR_EL3) & scr::ECV_EN != 0;
    let asked = cpu.get(slots::CNTHCTL_EL2) & cnthctl::ECV != 0;
    allowed && asked && state::el2_enabled(cpu) && !state::is_host(cpu)
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

/// CNTPCT, CNTPCTSS: a hypervisor sees no offset of its own.
pub fn read_physical_count(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    if state::level(cpu) >= 2 { config(cpu).cores.counter.now() } else { count(cpu, Which::Physical) }
}

/// CNTVCT: a host sees no offset.
pub fn read_virtual_count(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let hosted = cpu.get(slots::HCR_EL2) & super::fields::hcr::E2H != 0 && state::level(cpu) == 2;
    let none = hosted || state::level(cpu) == 0 && state::is_host(cpu);
    if none { config(cpu).cores.counter.now() } else { count(cpu, Which::Virtual) }
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

/// CNTVOFF, CNTPOFF.
pub fn write_offset(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value);
    renew(cpu);
}

/// CNTKCTL: with FEAT_ECV also EVNTIS.
pub fn write_kernel_control(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let more = if config(cpu).features.has(Features::ECV) { EVNTIS } else { 0 };
    cpu.set(register.slot, value & (0x3ff | more));
}

/// CNTHCTL: with FEAT_ECV also what traps more, EVNTIS, and whether CNTPOFF counts.
pub fn write_hypervisor_control(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    const TRAPS: u64 = cnthctl::EL1TVT | cnthctl::EL1TVCT | 3 << 15;
    let features = config(cpu).features;
    let more = if features.has(Features::ECV) { TRAPS | EVNTIS } else { 0 };
    let more = more | if features.has(Features::ECV_POFF) { cnthctl::ECV } else { 0 };
    cpu.set(register.slot, value & (0xfff | more));
    renew(cpu);
}

/// The event stream is scaled. It is that of WFE, which does not wait for it here.
const EVNTIS: u64 = 1 << 17;
