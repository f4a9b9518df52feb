use super::*;
use crate::isa::riscv64::counters;
use crate::isa::riscv64::fields::{irq, mhpmevent};
use crate::isa::riscv64::status::mip;

const EVENT3: u64 = 0x323;
const COUNTER3: u64 = 0xb03;

fn get_csr(cpu: &mut Cpu, csr: u64) -> Result<u64, Trap> {
    call(cpu, "csr_read", [csr, 0x1234, 0])
}

fn put_csr(cpu: &mut Cpu, csr: u64, value: u64) {
    call(cpu, "csr_write", [csr, value, 0x1073]).unwrap();
}

#[test]
fn the_mask_says_which_counters_there_are() {
    let mut cpu = hart();
    for (n, kept) in [(15, 5), (16, 0)] {
        put_csr(&mut cpu, EVENT3 + n, 5);
        put_csr(&mut cpu, COUNTER3 + n, 5);
        assert_eq!((get_csr(&mut cpu, EVENT3 + n), get_csr(&mut cpu, COUNTER3 + n)), (Ok(kept), Ok(kept)));
    }
    let mut cpu = harts("rv64", "pmu-mask=0x80000008", 1, false).remove(0);
    assert_eq!(after(&mut cpu, "mcounteren", u64::MAX), 0x8000_000f);
    let mut cpu = harts("rv64", "pmu-num=2", 1, false).remove(0);
    assert_eq!(after(&mut cpu, "mcountinhibit", u64::MAX), 0b11101);
}

#[test]
fn a_counter_follows_its_event_and_keeps_its_value() {
    let mut cpu = hart();
    put_csr(&mut cpu, COUNTER3, 100);
    cpu.clock().set(10);
    assert_eq!(get_csr(&mut cpu, COUNTER3), Ok(100), "no event");
    put_csr(&mut cpu, EVENT3, counters::event::CYCLES);
    cpu.clock().set(15);
    assert_eq!(get_csr(&mut cpu, COUNTER3), Ok(105));
    write(&mut cpu, "mcountinhibit", 8).unwrap();
    cpu.clock().set(20);
    assert_eq!(get_csr(&mut cpu, COUNTER3), Ok(105));
    write(&mut cpu, "mcountinhibit", 0).unwrap();
    put_csr(&mut cpu, EVENT3, 0);
    cpu.clock().set(30);
    assert_eq!(get_csr(&mut cpu, COUNTER3), Ok(105));
}

#[test]
fn filters_leave_privilege_levels_out() {
    let mut cpu = hart();
    open_pmp(&mut cpu);
    write(&mut cpu, "mtvec", RAM).unwrap();
    put_csr(&mut cpu, EVENT3, counters::event::CYCLES | mhpmevent::MINH);
    cpu.clock().set(10);
    assert_eq!(get_csr(&mut cpu, COUNTER3), Ok(0));
    set_status(&mut cpu, mstatus::MPP, 0);
    call(&mut cpu, "mret", [0; 3]).unwrap();
    cpu.clock().set(17);
    cpu.enter(trap(cause::ILLEGAL, 0));
    cpu.clock().set(30);
    assert_eq!(get_csr(&mut cpu, COUNTER3), Ok(7), "U-mode's time alone");
}

#[test]
fn an_overflow_interrupts_once_until_it_is_rearmed() {
    let mut cpu = hart();
    put_csr(&mut cpu, EVENT3, counters::event::INSTRUCTIONS);
    put_csr(&mut cpu, COUNTER3, (-5i64) as u64);
    cpu.clock().set(4);
    cpu.pins.pulse(irq::LCOFI);
    assert_eq!((mip(&mut cpu), read(&mut cpu, "scountovf")), (0, Ok(0)), "too early");
    cpu.clock().set(6);
    cpu.pins.pulse(irq::LCOFI);
    assert_eq!((mip(&mut cpu), read(&mut cpu, "scountovf")), (1 << irq::LCOFI, Ok(8)));
    assert_eq!(get_csr(&mut cpu, EVENT3), Ok(counters::event::INSTRUCTIONS | mhpmevent::OF));
    write(&mut cpu, "mip", 0).unwrap();
    put_csr(&mut cpu, COUNTER3, u64::MAX);
    cpu.clock().set(9);
    cpu.pins.pulse(irq::LCOFI);
    assert_eq!(mip(&mut cpu), 0, "OF is set still");
    at(&mut cpu, Privilege::Supervisor);
    assert_eq!(read(&mut cpu, "scountovf"), Ok(0), "mcounteren hides it");
}

#[test]
fn walks_are_counted_by_kind_and_overflow() {
    let mut cpu = hart();
    put_csr(&mut cpu, EVENT3, counters::event::DTLB_WRITE_MISS);
    put_csr(&mut cpu, COUNTER3, u64::MAX);
    load(&mut cpu, RAM).unwrap();
    assert_eq!(get_csr(&mut cpu, COUNTER3), Ok(u64::MAX));
    cpu.flush_all();
    store(&mut cpu, RAM, 1).unwrap();
    assert_eq!((get_csr(&mut cpu, COUNTER3), mip(&mut cpu)), (Ok(0), 1 << irq::LCOFI));
}

#[test]
fn without_sscofpmf_there_are_neither_filters_nor_overflows() {
    let mut cpu = harts("rv64", "", 1, false).remove(0);
    put_csr(&mut cpu, EVENT3, u64::MAX);
    assert_eq!(get_csr(&mut cpu, EVENT3), Ok(mhpmevent::SELECTOR));
    assert_eq!(call(&mut cpu, "csr_read", [0xda0, 0x1234, 0]), refused());
    assert_eq!(after(&mut cpu, "mie", u64::MAX) >> irq::LCOFI, 0);
}
