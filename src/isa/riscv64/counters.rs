//! Counters: `time`, `stimecmp`, and `cycle` and `instret`, which follow guest time at one a nanosecond.

use super::csr::Csr;
use super::extensions::Extensions;
use super::fields::envcfg;
use super::mode::Privilege;
use super::trap::privilege;
use super::{config, regs};
use crate::base::bits::bit;
use crate::cpu::Cpu;

/// Whether the unprivileged counter with this number may be read: `mcounteren` and `scounteren`.
pub fn enabled(cpu: &Cpu, number: u16) -> bool {
    let n = u32::from(number & 31);
    let machine = bit(cpu.get(regs::MCOUNTEREN), n);
    let supervisor = bit(cpu.get(regs::SCOUNTEREN), n) || !config(cpu).ext.has(Extensions::S);
    match privilege(cpu) {
        Privilege::Machine => true,
        Privilege::Supervisor => machine,
        Privilege::User => machine && supervisor,
    }
}

fn inhibited(cpu: &Cpu, csr: &Csr) -> bool {
    bit(cpu.get(regs::MCOUNTINHIBIT), u32::from(csr.number & 31))
}

/// `mcycle`, `minstret` and their views.
pub fn read(cpu: &mut Cpu, csr: &Csr) -> u64 {
    let value = cpu.get(csr.slot);
    if inhibited(cpu, csr) { value } else { value.wrapping_add(cpu.clock().now()) }
}

pub fn write(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let value = if inhibited(cpu, csr) { value } else { value.wrapping_sub(cpu.clock().now()) };
    cpu.set(csr.slot, value);
}

/// `mcountinhibit`: a counter that stops or goes on keeps its value.
pub fn write_inhibit(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let counters = ["mcycle", "minstret"].map(super::csr::named);
    let values = counters.map(|counter| counter.map(|counter| (counter, counter.read(cpu))));
    cpu.set(csr.slot, value & 0b101);
    for (counter, value) in values.into_iter().flatten() {
        counter.write(cpu, value);
    }
}

pub fn read_time(cpu: &mut Cpu, _: &Csr) -> u64 {
    config(cpu).harts.timebase().now()
}

/// Whether `stimecmp` may be accessed now.
pub fn stimecmp_enabled(cpu: &Cpu, _: u16) -> bool {
    let (stce, tm) = (cpu.get(regs::MENVCFG) & envcfg::STCE != 0, bit(cpu.get(regs::MCOUNTEREN), 1));
    privilege(cpu) == Privilege::Machine || (stce && tm)
}

pub fn write_stimecmp(cpu: &mut Cpu, csr: &Csr, value: u64) {
    cpu.set(csr.slot, value);
    stce_changed(cpu);
    super::status::look_at_interrupts(cpu);
}

/// Sets the supervisor timer after `stimecmp` or `menvcfg.STCE` was written.
pub fn stce_changed(cpu: &mut Cpu) {
    let on = cpu.get(regs::MENVCFG) & envcfg::STCE != 0;
    let compare = if on { cpu.get(regs::STIMECMP) } else { u64::MAX };
    config(cpu).harts.clone().set_timer(cpu, compare);
}
