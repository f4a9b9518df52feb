use super::*;
use crate::fabric::PowerRequest;
use crate::isa::riscv64::fields::{envcfg, irq};
use crate::isa::riscv64::regs::x;
use crate::isa::riscv64::sbi::start;
use crate::isa::riscv64::status::mip;

const TIME: u64 = 0x5449_4d45;
const IPI: u64 = 0x73_5049;
const RFENCE: u64 = 0x5246_4e43;
const HSM: u64 = 0x48_534d;
const SRST: u64 = 0x5352_5354;
const DBCN: u64 = 0x4442_434e;
const PMU: u64 = 0x50_4d55;
const FWFT: u64 = 0x4657_4654;
const DBTR: u64 = 0x4442_5452;

/// Harts as the firmware starts them, the first at an entry.
pub(super) fn started(count: u32) -> Vec<Box<Cpu>> {
    started_with("", count)
}

fn started_with(props: &str, count: u32) -> Vec<Box<Cpu>> {
    let mut all = harts("max", props, count, true);
    all.iter_mut().for_each(|cpu| start(cpu, Some((RAM + 0x2000, 0xd7b))));
    all
}

/// Calls the firmware: the error and the value.
pub(super) fn sbi(cpu: &mut Cpu, extension: u64, function: u64, args: &[u64]) -> (i64, u64) {
    for n in 0..6 {
        cpu.set(x(10 + n), args.get(n as usize).copied().unwrap_or(0));
    }
    cpu.set(x(16), function);
    cpu.set(x(17), extension);
    call(cpu, "ecall", [0; 3]).unwrap();
    (cpu.get(x(10)) as i64, cpu.get(x(11)))
}

fn wakes(cpu: &mut Cpu) -> bool {
    cpu.isa.clone().wakes(cpu)
}

#[test]
fn the_first_hart_starts_in_s_mode_and_the_others_wait() {
    let mut all = started(2);
    let cpu = &mut all[0];
    assert_eq!((cpu.pc, cpu.halted, cpu.get(regs::PRIVILEGE)), (RAM + 0x2000, false, 1));
    assert_eq!((cpu.get(x(10)), cpu.get(x(11)), cpu.get(regs::SATP)), (0, 0xd7b, 0));
    assert_eq!((read(cpu, "time").is_ok(), read(cpu, "stimecmp").is_ok()), (true, true));
    assert_eq!(load(cpu, RAM), Ok(0), "PMP is open");
    cpu.enter(trap(cause::LOAD_ACCESS, 5));
    assert_eq!((cpu.get(regs::PRIVILEGE), read(cpu, "scause")), (1, Ok(5)), "all traps are S-mode's");
    assert!(all[1].halted && !wakes(&mut all[1]));
    assert_eq!(sbi(&mut all[0], HSM, 2, &[1]), (0, 1));
}

#[test]
fn base_says_what_there_is() {
    let cpu = &mut started(1)[0];
    assert_eq!(sbi(cpu, 0x10, 0, &[]), (0, 2 << 24));
    assert_eq!(sbi(cpu, 0x10, 1, &[]), (0, 0x4d49));
    for extension in [0, 1, 8, 0x10, TIME, IPI, RFENCE, HSM, SRST, DBCN, PMU, FWFT, DBTR, 0x53_5345] {
        assert_eq!(sbi(cpu, 0x10, 3, &[extension]), (0, 1), "{extension:#x}");
    }
    for extension in [9, 0x5355_5350, u64::MAX] {
        assert_eq!(sbi(cpu, 0x10, 3, &[extension]), (0, 0), "{extension:#x}");
        assert_eq!(sbi(cpu, extension, 0, &[]).0, -2);
    }
    assert_eq!(sbi(cpu, 0x10, 7, &[]).0, -2);
    assert_eq!(sbi(cpu, TIME, 1, &[]).0, -2);
}

#[test]
fn calls_from_other_levels_trap() {
    let cpu = &mut started(1)[0];
    at(cpu, Privilege::User);
    assert_eq!(call(cpu, "ecall", [0; 3]), Err(trap(8, 0)));
    at(cpu, Privilege::Machine);
    assert_eq!(call(cpu, "ecall", [0; 3]), Err(trap(11, 0)));
}

#[test]
fn the_timer_works_with_and_without_sstc() {
    for props in ["", "sstc=off"] {
        let cpu = &mut harts("max", props, 1, true)[0];
        start(cpu, Some((RAM, 0)));
        assert_eq!(cpu.get(regs::MENVCFG) & envcfg::STCE != 0, props.is_empty());
        write(cpu, "sie", 1 << irq::STI).unwrap();
        assert_eq!(sbi(cpu, TIME, 0, &[10]), (0, 0));
        assert!(!wakes(cpu));
        cpu.clock().set(1000);
        cpu.board.timers.fire_due();
        assert!(wakes(cpu), "{props}");
        sbi(cpu, 0, 0, &[u64::MAX]);
        assert!(!wakes(cpu));
    }
}

#[test]
fn ipis_reach_the_harts_that_are_named() {
    let mut all = started(3);
    all.iter_mut().for_each(|cpu| at(cpu, Privilege::Supervisor));
    let pending = |all: &mut Vec<Box<Cpu>>| all.iter_mut().map(|cpu| mip(cpu) >> irq::SSI & 1).collect::<Vec<_>>();
    assert_eq!(sbi(&mut all[0], IPI, 0, &[0b101, 0]), (0, 0));
    assert_eq!(pending(&mut all), [1, 0, 1]);
    assert_eq!(sbi(&mut all[0], IPI, 0, &[0b1, 1]), (0, 0));
    assert_eq!(pending(&mut all), [1, 1, 1]);
    for cpu in &mut all {
        sbi(cpu, 3, 0, &[]);
    }
    assert_eq!(pending(&mut all), [0, 0, 0], "the legacy call clears");
    for args in [[0b1000, 0], [1, 3], [1 << 63, u64::MAX - 1]] {
        assert_eq!(sbi(&mut all[0], IPI, 0, &args).0, -3, "{args:x?}");
    }
    assert_eq!(pending(&mut all), [0, 0, 0]);
    assert_eq!(sbi(&mut all[0], IPI, 0, &[0, u64::MAX]), (0, 0));
    assert_eq!(pending(&mut all), [1, 1, 1]);
}

#[test]
fn remote_fences_flush_before_the_other_hart_goes_on() {
    let mut all = started(2);
    let context = all[1].data_context;
    assert_eq!(sbi(&mut all[0], RFENCE, 1, &[2, 0, 0, u64::MAX]), (0, 0));
    all[0].serve_requests();
    all[1].serve_requests();
    assert_ne!(all[1].data_context, context, "all that was remembered is under another number");
    let (own, other) = (all[0].data_context, all[1].data_context);
    assert_eq!(sbi(&mut all[0], RFENCE, 1, &[3, 0, 0, 0]), (0, 0), "an empty range means all");
    all[1].serve_requests();
    assert!(all[0].data_context != own && all[1].data_context != other);
    assert_eq!(sbi(&mut all[0], RFENCE, 0, &[0, u64::MAX]), (0, 0));
    assert_eq!(sbi(&mut all[0], RFENCE, 2, &[3, 0, 0x1000, 0x3000, 7]), (0, 0));
    assert_eq!(sbi(&mut all[0], RFENCE, 1, &[4, 0]).0, -3);
    assert_eq!(sbi(&mut all[0], RFENCE, 1, &[3, 0, u64::MAX - 0xfff, 0x2000]).0, -5);
    assert_eq!(sbi(&mut all[0], RFENCE, 3, &[3, 0]).0, -2, "no hypervisor");
}

#[test]
fn harts_start_and_stop() {
    let mut all = started(2);
    assert_eq!(sbi(&mut all[0], HSM, 0, &[2, RAM, 0]).0, -3);
    assert_eq!(sbi(&mut all[0], HSM, 0, &[1, 0x100, 0]).0, -5, "nothing to execute there");
    assert_eq!(sbi(&mut all[0], HSM, 0, &[0, RAM, 0]).0, -6);
    all[1].pins.take_attention();
    assert_eq!(sbi(&mut all[0], HSM, 0, &[1, RAM + 0x3000, 0xabc]), (0, 0));
    assert!(all[1].pins.wants_attention());
    assert_eq!(sbi(&mut all[0], HSM, 2, &[1]), (0, 2));
    assert_eq!(sbi(&mut all[0], HSM, 0, &[1, RAM, 0]).0, -6, "once");
    assert!(wakes(&mut all[1]));
    let cpu = &mut all[1];
    assert_eq!((cpu.pc, cpu.get(x(10)), cpu.get(x(11)), cpu.get(regs::PRIVILEGE)), (RAM + 0x3000, 1, 0xabc, 1));
    cpu.halted = false;
    assert_eq!(sbi(&mut all[0], HSM, 2, &[1]), (0, 0));
    sbi(&mut all[1], HSM, 1, &[]);
    all[1].pins.pulse(irq::SSI);
    write(&mut all[1], "sie", 0x222).unwrap();
    assert!(all[1].halted && all[1].pins.wants_attention() && !wakes(&mut all[1]), "no interrupt starts it");
    assert_eq!(sbi(&mut all[0], HSM, 2, &[1]), (0, 1));
    assert_eq!(sbi(&mut all[0], HSM, 2, &[2]).0, -3);
}

#[test]
fn a_suspended_hart_goes_on_or_begins_anew() {
    let cpu = &mut started(1)[0];
    write(cpu, "sie", 1 << irq::SSI).unwrap();
    cpu.pc = RAM + 0x2004;
    assert_eq!(sbi(cpu, HSM, 3, &[0]), (0, 0));
    assert!(cpu.halted && !wakes(cpu));
    cpu.pins.pulse(irq::SSI);
    assert!(wakes(cpu));
    assert_eq!(cpu.pc, RAM + 0x2008, "behind the call");
    cpu.halted = false;
    sbi(cpu, HSM, 3, &[0x8000_0000, RAM + 0x4000, 9]);
    assert!(wakes(cpu));
    assert_eq!((cpu.pc, cpu.get(x(10)), cpu.get(x(11))), (RAM + 0x4000, 0, 9));
    assert_eq!(sbi(cpu, HSM, 3, &[0x8000_0000, 0, 0]).0, -5);
    assert_eq!(sbi(cpu, HSM, 3, &[1]).0, -3);
    assert_eq!(cpu.pc, RAM + 0x4008, "a call that fails is behind it too");
}

#[test]
fn resets_ask_the_board() {
    for (args, request) in
        [([0, 0], PowerRequest::Off(0)), ([1, 0], PowerRequest::Reset), ([2, 1], PowerRequest::Reset)]
    {
        let cpu = &mut started(1)[0];
        sbi(cpu, SRST, 0, &args);
        assert_eq!(cpu.board.power.take(), Some(request));
        assert!(cpu.halted && !wakes(cpu), "nothing more happens on this hart");
        cpu.reset();
        start(cpu, Some((RAM, 0)));
        assert!(!cpu.halted);
    }
    let cpu = &mut started(1)[0];
    for args in [[3, 0], [0, 2], [0xf000_0000, 0]] {
        assert_eq!(sbi(cpu, SRST, 0, &args).0, -3);
    }
    assert_eq!(cpu.board.power.take(), None);
    sbi(cpu, 8, 0, &[]);
    assert_eq!(cpu.board.power.take(), Some(PowerRequest::Off(0)));
}

#[test]
fn the_debug_console_moves_bytes() {
    let cpu = &mut started(1)[0];
    put(cpu, RAM + 0x100, u64::from_le_bytes(*b"abcdefgh"));
    assert_eq!(sbi(cpu, DBCN, 0, &[3, RAM + 0x100, 0]), (0, 3));
    assert_eq!(get(cpu, RAM), u64::from(b'c'), "the bench's console keeps the last byte");
    assert!(cpu.board.bus.poke(RAM + 0x102, b"!"));
    assert_eq!(sbi(cpu, DBCN, 0, &[3, RAM + 0x100, 0]), (0, 2), "what a slow outside has taken");
    assert_eq!(sbi(cpu, DBCN, 2, &[u64::from(b'!')]).0, -1);
    assert_eq!(sbi(cpu, 1, 0, &[u64::from(b'!')]).0, -1);
    assert_eq!(sbi(cpu, DBCN, 2, &[u64::from(b'z')]), (0, 0));
    assert_eq!(get(cpu, RAM), u64::from(b'z'));
    assert_eq!(sbi(cpu, DBCN, 1, &[4, RAM + 0x200, 0]), (0, 4));
    assert_eq!(get(cpu, RAM + 0x200), u64::from_le_bytes(*b"xxxx\0\0\0\0"));
    for args in [[8, 0x100, 0], [8, RAM, 1], [8, u64::MAX, 0]] {
        assert_eq!(sbi(cpu, DBCN, 0, &args).0, -3, "{args:x?}");
    }
    assert_eq!(sbi(cpu, 1, 0, &[u64::from(b'q')]).0, 0);
    assert_eq!(get(cpu, RAM), u64::from(b'q'));
    assert_eq!(sbi(cpu, 2, 0, &[]).0, i64::from(b'x'));
}

#[test]
fn legacy_masks_are_read_as_s_mode_reads() {
    let mut all = started(2);
    put(&all[0], RAM + 0x100, 0b10);
    assert_eq!(sbi(&mut all[0], 4, 0, &[RAM + 0x100]).0, 0);
    assert_eq!((mip(&mut all[0]), mip(&mut all[1])), (0, 1 << irq::SSI));
    assert_eq!(sbi(&mut all[0], 4, 0, &[0]).0, 0, "no mask: all harts");
    assert_eq!(mip(&mut all[0]), 1 << irq::SSI);
    let cpu = &mut all[0];
    cpu.set(x(10), 0x10);
    cpu.set(x(17), 5);
    assert_eq!(call(cpu, "ecall", [0; 3]), Err(trap(cause::LOAD_ACCESS, 0x10)));
    cpu.set(x(10), RAM + 0x100);
    cpu.set(x(11), 0x5555);
    cpu.set(x(17), 6);
    let behind = cpu.pc + 4;
    assert_eq!(call(cpu, "ecall", [0; 3]), Ok(behind));
    assert_eq!(cpu.get(x(11)), 0x5555, "a1 is kept");
}

#[test]
fn features_are_switched_and_locked() {
    let cpu = &mut started_with("svade=off", 1)[0];
    assert_eq!(sbi(cpu, FWFT, 1, &[0]), (0, 1), "misaligned accesses are S-mode's");
    assert_eq!(sbi(cpu, FWFT, 1, &[4]), (0, 1));
    assert_eq!(sbi(cpu, FWFT, 0, &[4, 0, 1]), (0, 0));
    assert_eq!(cpu.get(regs::MENVCFG) & envcfg::ADUE, 0);
    assert_eq!(sbi(cpu, FWFT, 1, &[4]), (0, 0));
    assert_eq!(sbi(cpu, FWFT, 0, &[4, 1, 0]).0, -4, "locked");
    assert_eq!(sbi(cpu, FWFT, 0, &[0, 0, 0]), (0, 0));
    assert_eq!(sbi(cpu, FWFT, 0, &[0, 1, 0]), (0, 0), "not locked");
    for (args, error) in [([0, 2, 0], -3), ([0, 1, 2], -3), ([1, 0, 0], -2), ([5, 0, 0], -4), ([1 << 31, 0, 0], -4)] {
        assert_eq!(sbi(cpu, FWFT, 0, &args).0, error, "{args:x?}");
    }
    assert_eq!(sbi(cpu, FWFT, 2, &[]).0, -2);
    start(cpu, Some((RAM, 0)));
    assert_eq!(sbi(cpu, FWFT, 0, &[4, 1, 0]), (0, 0), "a hart that begins anew has no locks");
    let cpu = &mut started_with("svadu=off", 1)[0];
    assert_eq!(sbi(cpu, FWFT, 1, &[4]).0, -2);
}

#[test]
fn triggers_are_installed_by_a_message() {
    const MATCH: u64 = 6 << 60;
    let (shared, load, store) = (RAM + 0x1000, 1, 2);
    let cpu = &mut started(1)[0];
    assert_eq!(sbi(cpu, DBTR, 0, &[0]), (0, 2));
    assert_eq!((sbi(cpu, DBTR, 0, &[2 << 60]), sbi(cpu, DBTR, 0, &[4 << 60])), ((0, 2), (0, 0)));
    assert_eq!(sbi(cpu, DBTR, 3, &[1]).0, -9, "no memory is shared");
    for (args, error) in [([4, 0, 0], -3), ([RAM, 1, 0], -5), ([0x1000, 0, 0], -5), ([RAM, 0, 1], -3)] {
        assert_eq!(sbi(cpu, DBTR, 1, &args).0, error, "{args:x?}");
    }
    assert_eq!(sbi(cpu, DBTR, 1, &[shared, 0, 0]), (0, 0));
    let message = |cpu: &Cpu, n: u64, words: [u64; 4]| {
        (0..).zip(words).for_each(|(at, word)| put(cpu, shared + 32 * n + 8 * at, word));
    };
    // S-mode may not watch M-mode, nor count instructions.
    for control in [MATCH | 1 << 6 | load, 3 << 60, MATCH | 1 << 59 | load, 0] {
        message(cpu, 0, [0, control, RAM, 0]);
        assert_eq!(sbi(cpu, DBTR, 3, &[1]).0, -1, "{control:#x}");
    }
    message(cpu, 0, [9, MATCH | 1 << 4 | load, RAM + 0x4000, 0]);
    message(cpu, 1, [9, MATCH | 1 << 4 | store, RAM + 0x4008, 0]);
    assert_eq!(sbi(cpu, DBTR, 3, &[2]), (0, 0));
    assert_eq!((get(cpu, shared), get(cpu, shared + 32)), (0, 1), "the places");
    assert_eq!(load_of(cpu, 0x4000), Err(trap(3, RAM + 0x4000)));
    assert_eq!(super::store(cpu, RAM + 0x4000, 1), Ok(()));
    assert_eq!(super::store(cpu, RAM + 0x4008, 1), Err(trap(3, RAM + 0x4008)));
    assert_eq!(sbi(cpu, DBTR, 3, &[1]), (-1, 0), "all places are taken");
    assert_eq!(sbi(cpu, DBTR, 2, &[0, 2]), (0, 0));
    assert_eq!((get(cpu, shared), get(cpu, shared + 32)), (1 | 1 << 2 | 1 << 5, 1 | 1 << 2 | 1 << 5 | 1 << 8));
    assert_eq!(get(cpu, shared + 16), RAM + 0x4000);
    assert_eq!(sbi(cpu, DBTR, 7, &[0, 1]), (0, 0), "disabled");
    assert!(load_of(cpu, 0x4000).is_ok());
    assert_eq!(sbi(cpu, DBTR, 6, &[0, 1]), (0, 0), "enabled");
    assert!(load_of(cpu, 0x4000).is_err());
    message(cpu, 0, [0, MATCH | 1 << 4 | load, RAM + 0x5000, 0]);
    assert_eq!(sbi(cpu, DBTR, 4, &[1]), (0, 0), "updated");
    assert!(load_of(cpu, 0x4000).is_ok() && load_of(cpu, 0x5000).is_err());
    assert_eq!(sbi(cpu, DBTR, 5, &[0, 3]), (0, 0), "uninstalled");
    assert!(load_of(cpu, 0x5000).is_ok() && super::store(cpu, RAM + 0x4008, 1).is_ok());
    assert_eq!(sbi(cpu, DBTR, 5, &[0, 1]).0, -3);
    assert_eq!(sbi(cpu, DBTR, 6, &[u64::MAX, u64::MAX]).0, -3);
    assert_eq!(sbi(cpu, DBTR, 2, &[1, u64::MAX]).0, -3);
    let cpu = &mut started_with("debug=off", 1)[0];
    assert_eq!((sbi(cpu, 0x10, 3, &[DBTR]), sbi(cpu, DBTR, 0, &[0]).0), ((0, 0), -2));
}

fn load_of(cpu: &mut Cpu, offset: u64) -> Result<u64, Trap> {
    super::load(cpu, RAM + offset)
}

#[test]
fn counters_of_hardware_are_matched_started_and_stopped() {
    const CYCLES: u64 = 1;
    let cpu = &mut started_with("sscofpmf=off", 1)[0];
    assert_eq!(sbi(cpu, PMU, 0, &[]), (0, 19 + 16));
    assert_eq!(sbi(cpu, PMU, 1, &[0]), (0, 0xc00 | 63 << 12));
    assert_eq!((sbi(cpu, PMU, 1, &[1]).0, sbi(cpu, PMU, 1, &[35]).0), (-3, -3));
    assert_eq!(sbi(cpu, PMU, 1, &[19]), (0, 1 << 63 | 63 << 12));
    assert_eq!(sbi(cpu, PMU, 2, &[0, 0x7_ffff, 2, CYCLES, 0]), (0, 0), "the fixed one");
    assert_eq!(sbi(cpu, PMU, 3, &[0, 1, 0, 0]).0, -7, "it runs already");
    assert_eq!(sbi(cpu, PMU, 2, &[0, 0x7_ffff, 0, CYCLES, 0]).0, -2, "there is one of it");
    assert_eq!(sbi(cpu, PMU, 4, &[0, 1, 0]), (0, 0));
    assert_eq!(sbi(cpu, PMU, 4, &[0, 1, 0]).0, -8);
    assert_eq!(sbi(cpu, PMU, 3, &[0, 1, 1, 500]), (0, 0));
    cpu.clock().set(7);
    assert_eq!(read(cpu, "cycle"), Ok(507));
    let misses = 0x1_0019;
    let (error, n) = sbi(cpu, PMU, 2, &[3, 0xffff, 6, misses, 0]);
    assert_eq!((error, n), (0, 3));
    load(cpu, RAM).unwrap();
    assert_eq!(call(cpu, "csr_read", [0xc03, 0, 0]), Ok(1), "a load walked");
    assert_eq!(sbi(cpu, PMU, 4, &[3, 1, 1]), (0, 0));
    cpu.flush_all();
    load(cpu, RAM).unwrap();
    assert_eq!(call(cpu, "csr_read", [0xc03, 0, 0]), Ok(1), "stopped");
    assert_eq!(sbi(cpu, PMU, 3, &[3, 1, 0, 0]).0, -3, "and for no event");
    for (args, error) in [
        ([0, 0, 0, CYCLES, 0], -3),
        ([35, 1, 0, CYCLES, 0], -3),
        ([u64::MAX, u64::MAX, 0, CYCLES, 0], -3),
        ([0, 0x7_ffff, 0, 0, 0], -3),
        ([0, 0x7_ffff, 0, 0x2_0000, 5], -2),
        ([0, 0x7_ffff, 0, 3, 0], -2),
        ([0, 0x7_ffff, 0, 1 << 20, 0], -3),
    ] {
        assert_eq!(sbi(cpu, PMU, 2, &args).0, error, "{args:x?}");
    }
    assert_eq!(sbi(cpu, PMU, 7, &[]).0, -2);
}

#[test]
fn counters_of_the_firmware_count_its_calls() {
    let mut all = started(2);
    let configure = |cpu: &mut Cpu, event: u64| sbi(cpu, PMU, 2, &[19, 0xffff, 6, 0xf_0000 | event, 0]);
    at(&mut all[1], Privilege::Supervisor);
    assert_eq!(configure(&mut all[0], 5), (0, 19));
    assert_eq!(configure(&mut all[0], 6), (0, 20));
    assert_eq!(configure(&mut all[1], 7), (0, 19));
    sbi(&mut all[0], TIME, 0, &[u64::MAX]);
    sbi(&mut all[0], TIME, 0, &[u64::MAX]);
    sbi(&mut all[0], IPI, 0, &[2, 0]);
    let read = |cpu: &mut Cpu, n: u64| sbi(cpu, PMU, 5, &[n]);
    assert_eq!((read(&mut all[0], 19), read(&mut all[0], 20), read(&mut all[1], 19)), ((0, 2), (0, 1), (0, 1)));
    assert_eq!((read(&mut all[0], 21).0, read(&mut all[0], 0).0, read(&mut all[0], u64::MAX).0), (-3, -3, -3));
    assert_eq!(sbi(&mut all[0], PMU, 4, &[19, 1, 0]), (0, 0));
    sbi(&mut all[0], TIME, 0, &[u64::MAX]);
    assert_eq!(read(&mut all[0], 19), (0, 2));
    assert_eq!(sbi(&mut all[0], PMU, 3, &[19, 1, 1, 40]), (0, 0));
    sbi(&mut all[0], TIME, 0, &[u64::MAX]);
    assert_eq!(read(&mut all[0], 19), (0, 41));
    assert_eq!(configure(&mut all[0], 22).0, -3);
}
