//! Counters: `time`, `stimecmp`, `cycle` and `instret`, and the programmable ones with Sscofpmf.
//!
//! Cycles and instructions both follow guest time at one a nanosecond, as QEMU's do without `-icount`. A counter that
//! follows it holds what is to be added to guest time; any other holds its value. The events are QEMU's, by QEMU's
//! numbers: misses of the translation caches, which are walks of the page tables here, are counted one by one.

use super::csr::Csr;
use super::extensions::Extensions;
use super::fields::{envcfg, irq, mhpmevent};
use super::mode::Privilege;
use super::sbi::sse;
use super::trap::privilege;
use super::{config, regs};
use crate::base::bits::bit;
use crate::cpu::{Access, Cpu};
use crate::ir::Slot;

/// Numbers of events, in the low bits of `mhpmevent` and in the SBI's calls alike.
pub mod event {
    /// Clock cycles.
    pub const CYCLES: u64 = 0x1;
    /// Instructions retired.
    pub const INSTRUCTIONS: u64 = 0x2;
    /// Loads that missed the translation cache.
    pub const DTLB_READ_MISS: u64 = 0x1_0019;
    /// Stores that missed the translation cache.
    pub const DTLB_WRITE_MISS: u64 = 0x1_001b;
    /// Fetches that missed the translation cache.
    pub const ITLB_READ_MISS: u64 = 0x1_0021;
    /// Those that any programmable counter can count.
    pub const ALL: [u64; 5] = [CYCLES, INSTRUCTIONS, DTLB_READ_MISS, DTLB_WRITE_MISS, ITLB_READ_MISS];
    /// The bits of `mhpmevent` that hold the number.
    pub const MASK: u64 = 0xf_ffff;
}

/// `cycle`, `time` and `instret`, which every model has.
pub const FIXED: u64 = 0b111;
/// The number of `time`, which is no counter of a hart's own.
const TIME: u32 = 1;
/// The number of the first programmable counter.
pub const FIRST: u32 = 3;

/// What holds a counter.
fn slot(n: u32) -> Slot {
    match n {
        0 => regs::MCYCLE,
        2 => regs::MINSTRET,
        n => regs::mhpmcounter(n),
    }
}

/// The counters that a hart has, a bit each, but for `time`.
fn all(cpu: &Cpu) -> impl Iterator<Item = u32> + use<> {
    let there = u64::from(config(cpu).counters) | FIXED;
    (0..32).filter(move |n| *n != TIME && bit(there, *n))
}

fn number(csr: &Csr) -> u32 {
    u32::from(csr.number & 31)
}

/// Whether there is a counter of this number.
pub fn is_there(cpu: &Cpu, number: u16) -> bool {
    bit(u64::from(config(cpu).counters) | FIXED, u32::from(number & 31))
}

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

/// `mcounteren`, `scounteren`.
pub fn write_enable(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let there = u64::from(config(cpu).counters) | FIXED;
    cpu.set(csr.slot, value & there);
}

/// The event that a counter is for.
fn event_of(cpu: &Cpu, n: u32) -> u64 {
    match n {
        0 => event::CYCLES,
        2 => event::INSTRUCTIONS,
        n => cpu.get(regs::mhpmevent(n)),
    }
}

/// Whether a counter counts now, if there is anything to count.
fn runs(cpu: &Cpu, n: u32) -> bool {
    let filter = match privilege(cpu) {
        Privilege::User => mhpmevent::UINH,
        Privilege::Supervisor => mhpmevent::SINH,
        Privilege::Machine => mhpmevent::MINH,
    };
    !bit(cpu.get(regs::MCOUNTINHIBIT), n) && (n < FIRST || event_of(cpu, n) & filter == 0)
}

fn follows_time(cpu: &Cpu, n: u32) -> bool {
    matches!(event_of(cpu, n) & event::MASK, event::CYCLES | event::INSTRUCTIONS) && runs(cpu, n)
}

/// The value of a counter.
pub fn value(cpu: &Cpu, n: u32) -> u64 {
    let held = cpu.get(slot(n));
    if follows_time(cpu, n) { held.wrapping_add(cpu.clock().now()) } else { held }
}

fn hold(cpu: &mut Cpu, n: u32, value: u64) {
    let held = if follows_time(cpu, n) { value.wrapping_sub(cpu.clock().now()) } else { value };
    cpu.set(slot(n), held);
}

/// Makes a change after which other counters may run than before: all keep their values.
pub fn meanwhile(cpu: &mut Cpu, change: impl FnOnce(&mut Cpu)) {
    let mut values = [0; 32];
    all(cpu).for_each(|n| values[n as usize] = value(cpu, n));
    change(cpu);
    all(cpu).for_each(|n| hold(cpu, n, values[n as usize]));
    look_ahead(cpu);
}

/// `mcycle`, `minstret`, `mhpmcounter` and their views. One that is not there is zero.
pub fn read(cpu: &mut Cpu, csr: &Csr) -> u64 {
    value(cpu, number(csr))
}

pub fn write(cpu: &mut Cpu, csr: &Csr, value: u64) {
    if is_there(cpu, csr.number) {
        set(cpu, number(csr), value);
    }
}

/// Sets a counter.
pub fn set(cpu: &mut Cpu, n: u32, value: u64) {
    hold(cpu, n, value);
    if n >= FIRST {
        cpu.set(regs::mhpmseen(n), value);
        look_ahead(cpu);
    }
}

/// `mhpmevent`, which is zero where there is no counter.
pub fn write_event(cpu: &mut Cpu, csr: &Csr, value: u64) {
    if is_there(cpu, csr.number) {
        set_event(cpu, number(csr), value);
    }
}

/// Has a programmable counter count something else.
pub fn set_event(cpu: &mut Cpu, n: u32, value: u64) {
    use mhpmevent::{MINH, OF, SELECTOR, SINH, UINH};
    let filters = if config(cpu).ext.has(Extensions::SSCOFPMF) { OF | MINH | SINH | UINH } else { 0 };
    meanwhile(cpu, |cpu| {
        cpu.set(regs::mhpmevent(n), value & (SELECTOR | filters));
        let any = |cpu: &Cpu, what: fn(u64) -> bool| u64::from(all(cpu).any(|n| n >= FIRST && what(event_of(cpu, n))));
        let filtered = any(cpu, |event| event & (UINH | SINH | MINH) != 0);
        cpu.set(regs::HPM_FILTERED, filtered);
        let counted = any(cpu, |event| event & event::MASK > event::INSTRUCTIONS);
        cpu.set(regs::HPM_COUNTED, counted);
    });
}

/// `mcountinhibit`: a counter that stops or goes on keeps its value.
pub fn write_inhibit(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let there = (u64::from(config(cpu).counters) | FIXED) & !(1 << TIME);
    let slot = csr.slot;
    meanwhile(cpu, |cpu| cpu.set(slot, value & there));
}

/// Counts a walk of the page tables for an access.
pub fn count_walk(cpu: &mut Cpu, access: Access) {
    let number = match access {
        Access::Fetch => event::ITLB_READ_MISS,
        Access::Load => event::DTLB_READ_MISS,
        Access::Store => event::DTLB_WRITE_MISS,
    };
    for n in all(cpu).filter(|n| *n >= FIRST) {
        if event_of(cpu, n) & event::MASK == number && runs(cpu, n) {
            let value = cpu.get(slot(n)).wrapping_add(1);
            cpu.set(slot(n), value);
            if value == 0 {
                overflow(cpu, n);
            }
        }
    }
}

/// Notes that a counter has overflowed, and raises the interrupt if none has been since the supervisor last looked.
fn overflow(cpu: &mut Cpu, n: u32) {
    let event = cpu.get(regs::mhpmevent(n));
    if !config(cpu).ext.has(Extensions::SSCOFPMF) || event & mhpmevent::OF != 0 {
        return;
    }
    cpu.set(regs::mhpmevent(n), event | mhpmevent::OF);
    let events = cpu.get(regs::EVENTS);
    if events & sse::TAKES_OVERFLOWS != 0 {
        cpu.set(regs::EVENTS, events | sse::OVERFLOWED | sse::LOOK);
    } else {
        cpu.set(regs::MIP, cpu.get(regs::MIP) | 1 << irq::LCOFI);
    }
    cpu.interrupts_changed();
}

/// Looks which counters have overflowed, after the timer has said that one may have.
pub fn look_back(cpu: &mut Cpu) {
    for n in all(cpu).filter(|n| *n >= FIRST) {
        let (seen, value) = (cpu.get(regs::mhpmseen(n)), value(cpu, n));
        cpu.set(regs::mhpmseen(n), value);
        if value < seen && follows_time(cpu, n) {
            overflow(cpu, n);
        }
    }
    look_ahead(cpu);
}

/// Sets the timer for when the next counter overflows that has an interrupt to raise.
fn look_ahead(cpu: &Cpu) {
    if !config(cpu).ext.has(Extensions::SSCOFPMF) {
        return;
    }
    let quiet = |n: &u32| *n >= FIRST && event_of(cpu, *n) & mhpmevent::OF == 0 && follows_time(cpu, *n);
    // A counter at 0 has all of its range before it.
    let left = all(cpu).filter(quiet).map(|n| value(cpu, n).wrapping_neg()).filter(|left| *left != 0).min();
    let at = left.map_or(u64::MAX, |left| cpu.clock().now().saturating_add(left));
    config(cpu).harts.arm_overflow(cpu, at);
}

/// `scountovf`: which counters have overflowed, of those that may be read here.
pub fn read_overflows(cpu: &mut Cpu, _: &Csr) -> u64 {
    let readable = if privilege(cpu) == Privilege::Machine { u64::MAX } else { cpu.get(regs::MCOUNTEREN) };
    let over = |n: &u32| *n >= FIRST && event_of(cpu, *n) & mhpmevent::OF != 0 && bit(readable, *n);
    all(cpu).filter(over).fold(0, |all, n| all | 1 << n)
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
