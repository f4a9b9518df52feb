//! Performance monitors: PMCCNTR and the event counters, of which PMCR.N says how many there are, and the interrupt of
//! their overflow.
//!
//! Events are those that QEMU counts: what software increments (SW_INCR), and cycles, which are nanoseconds of guest
//! time. Stalls (STALL, STALL_FRONTEND, STALL_BACKEND) never happen here. A counter that counts time holds what is to be
//! added to it, so that nothing has to be done while it runs; any other holds its value.

use super::config;
use super::cores::{Setting, Which};
use super::features::Features;
use super::state;
use super::sysreg::table::number;
use super::sysreg::{SysReg, parts, slots};
use crate::base::bits::{bit, bits, mask};
use crate::cpu::Cpu;
use crate::ir::Slot;

/// The cycle counter's number, and the bit of PMCNTENSET and its kin.
const CYCLES: u32 = 31;
const CYCLE: u64 = 1 << CYCLES;

const PMCR_E: u64 = 1;
const PMCR_P: u64 = 1 << 1;
const PMCR_C: u64 = 1 << 2;
const PMCR_D: u64 = 1 << 3;
const PMCR_DP: u64 = 1 << 5;
const PMCR_LC: u64 = 1 << 6;
const PMCR_LP: u64 = 1 << 7;

/// MDCR_EL2.
const HPMN: u64 = 0x1f;
const HPME: u64 = 1 << 7;
const HPMD: u64 = 1 << 17;
const HCCD: u64 = 1 << 23;
const HLP: u64 = 1 << 26;
/// MDCR_EL3.
const SPME: u64 = 1 << 17;
const SCCD: u64 = 1 << 23;

/// Events, in PMEVTYPER and as bits of PMCEID.
const SW_INCR: u64 = 0;
const CPU_CYCLES: u64 = 0x11;
const STALL_FRONTEND: u64 = 0x23;
const STALL_BACKEND: u64 = 0x24;
const STALL: u64 = 0x3c;

/// How many event counters the CPU has.
fn implemented(cpu: &Cpu) -> u32 {
    bits(config(cpu).pmcr, 15, 11) as u32
}

/// How many of them are the operating system's, and not the hypervisor's own.
fn unreserved(cpu: &Cpu) -> u32 {
    let all = implemented(cpu);
    if state::el2_enabled(cpu) { all.min((cpu.get(slots::MDCR_EL2) & HPMN) as u32) } else { all }
}

/// The counters that code at the current level sees, a bit each.
fn visible(cpu: &Cpu) -> u64 {
    CYCLE | mask(if state::level(cpu) < 2 { unreserved(cpu) } else { implemented(cpu) })
}

fn value_slot(n: u32) -> Slot {
    Slot(slots::PMEVCNTR0.0 + n as u16)
}

fn type_slot(n: u32) -> Slot {
    Slot(slots::PMEVTYPER0.0 + n as u16)
}

/// Bits of a PMEVTYPER that choose the event.
fn event(cpu: &Cpu, n: u32) -> u64 {
    let width = if config(cpu).features.has(Features::PMUV3P1) { 16 } else { 10 };
    cpu.get(type_slot(n)) & mask(width)
}

/// Whether a counter counts its event in the current state.
fn is_enabled(cpu: &Cpu, n: u32) -> bool {
    let features = config(cpu).features;
    let (level, secure) = (state::level(cpu), state::is_secure(cpu));
    let control = cpu.get(slots::PMCR);
    let hypervisor = if state::el2_enabled(cpu) { cpu.get(slots::MDCR_EL2) } else { 0 };
    let monitor = cpu.get(slots::MDCR_EL3);
    let common = n == CYCLES || n < unreserved(cpu);
    let on = if common { control & PMCR_E != 0 } else { hypervisor & HPME != 0 };
    let mut prohibited = level == 2 && common && hypervisor & HPMD != 0 || secure && monitor & SPME == 0;
    if !config(cpu).has_el3() {
        prohibited &= !secure;
    }
    if n == CYCLES {
        prohibited &= control & PMCR_DP != 0;
        if features.has(Features::PMUV3P5) {
            prohibited |= secure && monitor & SCCD != 0 || level == 2 && hypervisor & HCCD != 0;
        }
    }
    let filter = cpu.get(type_slot(n));
    let (p, u) = (bit(filter, 31), bit(filter, 30));
    let with_monitor = |n: u32| config(cpu).has_el3() && bit(filter, n);
    let filtered = match level {
        0 => u != (!secure && with_monitor(28)),
        1 => p != (!secure && with_monitor(29)),
        2 => !bit(filter, 27),
        _ => p != with_monitor(26),
    };
    on && bit(cpu.get(slots::PMCNTEN), n) && !prohibited && !filtered
}

/// The counters that count time in the current state.
fn counting(cpu: &Cpu) -> u64 {
    let candidates = cpu.get(slots::PMCNTEN) & (CYCLE | mask(implemented(cpu)));
    each(candidates)
        .filter(|n| (*n == CYCLES || event(cpu, *n) == CPU_CYCLES) && is_enabled(cpu, *n))
        .fold(0, |all, n| all | 1 << n)
}

/// The numbers of the bits that are set.
fn each(mut set: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let n = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (n < 64).then_some(n)
    })
}

/// How much time a counter counts as one: with PMCR.D every 64th cycle, unless the counter has 64 bits.
fn divisor(cpu: &Cpu, n: u32) -> u64 {
    let control = cpu.get(slots::PMCR);
    if n == CYCLES && control & (PMCR_D | PMCR_LC) == PMCR_D { 64 } else { 1 }
}

/// After how many bits a counter overflows.
fn width(cpu: &Cpu, n: u32) -> u32 {
    let control = cpu.get(slots::PMCR);
    let long = match n {
        CYCLES => control & PMCR_LC != 0,
        _ if !config(cpu).features.has(Features::PMUV3P5) => false,
        _ if n < unreserved(cpu) => control & PMCR_LP != 0,
        _ => cpu.get(slots::MDCR_EL2) & HLP != 0,
    };
    if long { 64 } else { 32 }
}

/// A counter's value at a time.
fn value(cpu: &Cpu, n: u32, now: u64) -> u64 {
    let held = cpu.get(value_slot(n));
    if bit(cpu.get(slots::COUNTING), n) { held.wrapping_add(now / divisor(cpu, n)) } else { held }
}

/// Changes what decides which counters run, what they hold, or what becomes of their overflow.
fn keeping(cpu: &mut Cpu, change: impl FnOnce(&mut Cpu)) {
    let now = config(cpu).cores.now();
    notice_overflow(cpu, now);
    for n in each(cpu.get(slots::COUNTING)) {
        cpu.set(value_slot(n), value(cpu, n, now));
    }
    cpu.set(slots::COUNTING, 0);
    change(cpu);
    let counting = counting(cpu);
    for n in each(counting) {
        cpu.set(value_slot(n), cpu.get(value_slot(n)).wrapping_sub(now / divisor(cpu, n)));
    }
    cpu.set(slots::COUNTING, counting);
    renew(cpu, now);
}

/// The exception level has changed, and with it which counters run.
#[inline]
pub fn level_changed(cpu: &mut Cpu) {
    if cpu.get(slots::PMCNTEN) != 0 && counting(cpu) != cpu.get(slots::COUNTING) {
        keeping(cpu, |_| {});
    }
}

/// Sets the bits of overflows whose time has come.
fn notice_overflow(cpu: &mut Cpu, now: u64) {
    let at = cpu.get(slots::OVERFLOW_AT);
    if at == 0 || now < at {
        return;
    }
    for n in each(cpu.get(slots::COUNTING)) {
        // When the overflow was noticed last, the counter was below it.
        let width = width(cpu, n);
        let since = now.saturating_sub(cpu.get(slots::COUNTED_FROM)) / divisor(cpu, n);
        if value(cpu, n, now) & mask(width) < since {
            cpu.set(slots::PMOVS, cpu.get(slots::PMOVS) | 1 << n);
        }
    }
    cpu.set(slots::COUNTED_FROM, now);
    let next = next_overflow(cpu, now);
    cpu.set(slots::OVERFLOW_AT, next);
}

/// When the next counter overflows after `now`; 0 when none does.
fn next_overflow(cpu: &Cpu, now: u64) -> u64 {
    let times = each(cpu.get(slots::COUNTING)).filter_map(|n| {
        let (width, by) = (width(cpu, n), divisor(cpu, n));
        let left = (mask(width) - (value(cpu, n, now) & mask(width))).checked_add(1)?;
        left.checked_mul(by)?.checked_sub(now % by)?.checked_add(now)
    });
    times.min().unwrap_or(0)
}

/// Puts the overflow's interrupt in step with the registers, as they are at a time.
fn renew(cpu: &mut Cpu, now: u64) {
    let at = next_overflow(cpu, now);
    cpu.set(slots::OVERFLOW_AT, at);
    cpu.set(slots::COUNTED_FROM, if cpu.get(slots::COUNTING) == 0 { 0 } else { now });
    let wanted = cpu.get(slots::PMINTEN);
    let enabled = cpu.get(slots::PMCR) & PMCR_E != 0 && wanted != 0;
    let compare = match (cpu.get(slots::PMOVS) & wanted != 0, at) {
        (true, _) => 0,
        (false, 0) => u64::MAX,
        // That of a counter whose interrupt nobody wants only comes to look.
        (false, at) if each(cpu.get(slots::COUNTING)).any(|n| bit(wanted, n)) => at,
        (false, _) => u64::MAX,
    };
    let setting = Setting { control: enabled.into(), compare, offset: 0 };
    config(cpu).cores.set_timer(cpu, Which::Overflow, setting);
}

/// As after a reset: all event counters are the operating system's.
pub fn reset(cpu: &mut Cpu) {
    let all = implemented(cpu);
    cpu.set(slots::MDCR_EL2, u64::from(all));
    let now = config(cpu).cores.now();
    renew(cpu, now);
}

/// MDCR_EL2 and MDCR_EL3, as far as counters depend on them.
pub fn write_control(cpu: &mut Cpu, register: &SysReg, value: u64) {
    keeping(cpu, |cpu| cpu.set(register.slot, value));
}

/// PMOVSSET and PMOVSCLR.
pub fn read_overflow(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let now = config(cpu).cores.now();
    notice_overflow(cpu, now);
    cpu.get(register.slot)
}

fn read(cpu: &Cpu, n: u32) -> u64 {
    if !bit(visible(cpu), n) {
        return 0;
    }
    let whole = n == CYCLES || config(cpu).features.has(Features::PMUV3P5);
    value(cpu, n, config(cpu).cores.now()) & mask(if whole { 64 } else { 32 })
}

fn write(cpu: &mut Cpu, n: u32, value: u64) {
    if bit(visible(cpu), n) {
        keeping(cpu, |cpu| cpu.set(value_slot(n), value));
    }
}

fn read_type(cpu: &Cpu, n: u32) -> u64 {
    if bit(visible(cpu), n) { cpu.get(type_slot(n)) } else { 0 }
}

fn write_type(cpu: &mut Cpu, n: u32, value: u64) {
    // Filters by level, MT, the event.
    let writable = if n == CYCLES { 0xfc00_0000 } else { 0xfe00_ffff };
    if bit(visible(cpu), n) {
        keeping(cpu, |cpu| cpu.set(type_slot(n), value & writable));
    }
}

/// The number of a counter in that of PMEVCNTR or PMEVTYPER.
fn numbered(given: u16) -> u32 {
    u32::from(given & 0x1f)
}

/// PMEVCNTR0_EL0 to PMEVCNTR30_EL0.
pub fn is_counter(given: u16) -> bool {
    (number(3, 3, 14, 8, 0)..number(3, 3, 14, 11, 7)).contains(&given)
}

/// PMEVTYPER0_EL0 to PMEVTYPER30_EL0.
pub fn is_type(given: u16) -> bool {
    (number(3, 3, 14, 12, 0)..number(3, 3, 14, 15, 7)).contains(&given)
}

/// Whether a register of those exists; of numbers of others it does.
pub fn exists(cpu: &Cpu, given: u16) -> bool {
    !(is_counter(given) || is_type(given)) || numbered(given) < implemented(cpu)
}

pub fn read_numbered(cpu: &mut Cpu, _: &SysReg, given: u16) -> u64 {
    read(cpu, numbered(given))
}

pub fn write_numbered(cpu: &mut Cpu, _: &SysReg, given: u16, value: u64) {
    write(cpu, numbered(given), value);
}

pub fn read_numbered_type(cpu: &mut Cpu, _: &SysReg, given: u16) -> u64 {
    read_type(cpu, numbered(given))
}

pub fn write_numbered_type(cpu: &mut Cpu, _: &SysReg, given: u16, value: u64) {
    write_type(cpu, numbered(given), value);
}

/// PMCCNTR.
pub fn read_counter(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    read(cpu, CYCLES)
}

pub fn write_counter(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    write(cpu, CYCLES, value);
}

pub fn write_cycle_filter(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    write_type(cpu, CYCLES, value);
}

/// The counter that PMSELR selects.
fn selected(cpu: &Cpu) -> u32 {
    cpu.get(slots::PMSELR) as u32
}

/// PMXEVCNTR, which is no name of the cycle counter.
pub fn read_selected(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    if selected(cpu) == CYCLES { 0 } else { read(cpu, selected(cpu)) }
}

pub fn write_selected(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    if selected(cpu) != CYCLES {
        write(cpu, selected(cpu), value);
    }
}

/// PMXEVTYPER: with PMSELR at 31 it is PMCCFILTR.
pub fn read_selected_type(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    read_type(cpu, selected(cpu))
}

pub fn write_selected_type(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    write_type(cpu, selected(cpu), value);
}

/// PMCR: the implementer's codes are the model's; N is what the level sees.
pub fn read_pmcr(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let seen = u64::from((visible(cpu) & !CYCLE).count_ones());
    config(cpu).pmcr & 0xffff_0000 | seen << 11 | cpu.get(slots::PMCR)
}

pub fn write_pmcr(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    let reset = if value & PMCR_C != 0 { CYCLE } else { 0 };
    let reset = reset | if value & PMCR_P != 0 { visible(cpu) & !CYCLE } else { 0 };
    keeping(cpu, |cpu| {
        cpu.set(slots::PMCR, value & 0xf9);
        each(reset).for_each(|n| cpu.set(value_slot(n), 0));
    });
}

/// PMCNTENSET, PMINTENSET, PMOVSSET.
pub fn set_bits(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let value = value & visible(cpu);
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) | value));
}

/// PMCNTENCLR, PMINTENCLR, PMOVSCLR.
pub fn clear_bits(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let value = value & visible(cpu);
    keeping(cpu, |cpu| cpu.set(register.slot, cpu.get(register.slot) & !value));
}

/// PMSWINC: counters of what software increments are incremented.
pub fn increment(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    keeping(cpu, |cpu| {
        for n in each(value & visible(cpu) & !CYCLE) {
            if event(cpu, n) == SW_INCR && is_enabled(cpu, n) {
                let more = cpu.get(value_slot(n)).wrapping_add(1);
                cpu.set(value_slot(n), more);
                if more & mask(width(cpu, n)) == 0 {
                    cpu.set(slots::PMOVS, cpu.get(slots::PMOVS) | 1 << n);
                }
            }
        }
    });
}

/// PMCEID0 and PMCEID1, which tell of 32 events each; stalls from FEAT_PMUv3p1 on, and STALL itself from FEAT_PMUv3p4.
pub fn read_events(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let features = config(cpu).features;
    let events = [
        (SW_INCR, Features::PMUV3),
        (CPU_CYCLES, Features::PMUV3),
        (STALL_FRONTEND, Features::PMUV3P1),
        (STALL_BACKEND, Features::PMUV3P1),
        (STALL, Features::PMUV3P4),
    ];
    let first = 32 * (parts(register.number)[4] & 1);
    let known = events.into_iter().filter(|(event, needs)| features.has(*needs) && event & !31 == first);
    known.fold(0, |all, (event, _)| all | 1 << (event & 31))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::aarch64::tests::{at, cpu, put_register, register};

    #[test]
    fn an_overflow_shows_and_is_cleared() {
        let mut cpu = cpu();
        at(&mut cpu, 1);
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

    /// Selects a counter's event.
    fn choose(cpu: &mut Cpu, n: u32, value: u64) {
        put_register(cpu, "PMSELR_EL0", n.into());
        put_register(cpu, "PMXEVTYPER_EL0", value);
    }

    fn counted(cpu: &mut Cpu, n: u32) -> u64 {
        put_register(cpu, "PMSELR_EL0", n.into());
        register(cpu, "PMXEVCNTR_EL0")
    }

    #[test]
    fn event_counters_count_cycles_where_nothing_filters_them() {
        let mut cpu = cpu();
        at(&mut cpu, 1);
        // At every level below EL2; not at EL1; another event.
        for (n, filter) in [(0, CPU_CYCLES), (1, 1 << 31 | CPU_CYCLES), (2, STALL)] {
            choose(&mut cpu, n, filter);
        }
        put_register(&mut cpu, "PMCNTENSET_EL0", 7);
        put_register(&mut cpu, "PMCR_EL0", PMCR_E | PMCR_P);
        let start = config(&cpu).cores.now();
        cpu.clock().set(start + 100);
        assert_eq!([0, 1, 2].map(|n| counted(&mut cpu, n)), [100, 0, 0]);
        at(&mut cpu, 0);
        level_changed(&mut cpu);
        cpu.clock().set(start + 130);
        at(&mut cpu, 1);
        level_changed(&mut cpu);
        cpu.clock().set(start + 200);
        assert_eq!([0, 1, 2].map(|n| counted(&mut cpu, n)), [200, 30, 0]);
    }

    #[test]
    fn software_increments_until_it_overflows() {
        let mut cpu = cpu();
        at(&mut cpu, 1);
        choose(&mut cpu, 3, SW_INCR);
        put_register(&mut cpu, "PMCNTENSET_EL0", 1 << 3);
        put_register(&mut cpu, "PMCR_EL0", PMCR_E);
        put_register(&mut cpu, "PMXEVCNTR_EL0", 0xffff_fffe);
        put_register(&mut cpu, "PMSWINC_EL0", 1 << 3);
        assert_eq!(register(&mut cpu, "PMOVSSET_EL0"), 0);
        put_register(&mut cpu, "PMSWINC_EL0", 1 << 3 | 1 << 4);
        assert_eq!(register(&mut cpu, "PMOVSSET_EL0"), 1 << 3);
        // 64 bits are kept, whatever overflows.
        assert_eq!(counted(&mut cpu, 3), 1 << 32);
    }

    #[test]
    fn a_hypervisor_keeps_counters_to_itself() {
        let mut cpu = cpu();
        put_register(&mut cpu, "MDCR_EL2", 2);
        at(&mut cpu, 1);
        assert_eq!(register(&mut cpu, "PMCR_EL0") >> 11 & 0x1f, 2);
        put_register(&mut cpu, "PMCNTENSET_EL0", u64::MAX);
        assert_eq!(register(&mut cpu, "PMCNTENSET_EL0"), CYCLE | 3);
        at(&mut cpu, 2);
        assert_eq!(register(&mut cpu, "PMCR_EL0") >> 11 & 0x1f, 6);
    }
}
