use super::sbi::{sbi, started};
use super::*;
use crate::isa::riscv64::fields::irq;
use crate::isa::riscv64::regs::x;

const SSE: u64 = 0x53_5345;
const OVERFLOW: u64 = 0x1_0000;
const SOFTWARE: u64 = 0xffff_0000;
/// Words that calls read and write.
const WORDS: u64 = RAM + 0x1000;

const READ: u64 = 0;
const WRITE: u64 = 1;
const REGISTER: u64 = 2;
const UNREGISTER: u64 = 3;
const ENABLE: u64 = 4;
const DISABLE: u64 = 5;
const COMPLETE: u64 = 6;
const INJECT: u64 = 7;

fn attribute(cpu: &mut Cpu, event: u64, number: u64) -> u64 {
    assert_eq!(sbi(cpu, SSE, READ, &[event, number, 1, WORDS, 0]), (0, 0));
    get(cpu, WORDS)
}

fn set_attribute(cpu: &mut Cpu, event: u64, number: u64, value: u64) -> i64 {
    put(cpu, WORDS, value);
    sbi(cpu, SSE, WRITE, &[event, number, 1, WORDS, 0]).0
}

/// Registers and enables an event.
fn enable(cpu: &mut Cpu, event: u64, entry: u64) {
    assert_eq!(sbi(cpu, SSE, REGISTER, &[event, entry, 0x77]), (0, 0));
    assert_eq!(sbi(cpu, SSE, ENABLE, &[event]), (0, 0));
}

#[test]
fn an_event_goes_through_its_states() {
    let cpu = &mut started(1)[0];
    for (function, error) in [(UNREGISTER, -10), (ENABLE, -10), (DISABLE, -10), (COMPLETE, -10)] {
        assert_eq!(sbi(cpu, SSE, function, &[SOFTWARE]).0, error);
    }
    assert_eq!(sbi(cpu, SSE, REGISTER, &[SOFTWARE, RAM + 1, 0]).0, -3);
    assert_eq!(sbi(cpu, SSE, REGISTER, &[SOFTWARE, RAM + 0x100, 5]), (0, 0));
    assert_eq!(sbi(cpu, SSE, REGISTER, &[SOFTWARE, RAM + 0x100, 5]).0, -10);
    assert_eq!(set_attribute(cpu, SOFTWARE, 1, 9), 0);
    assert_eq!(set_attribute(cpu, SOFTWARE, 1, 1 << 32), -3);
    assert_eq!((set_attribute(cpu, SOFTWARE, 2, 2), set_attribute(cpu, SOFTWARE, 2, 1)), (-3, 0));
    for number in [0, 3, 4, 5] {
        assert_eq!(set_attribute(cpu, SOFTWARE, number, 0), -4);
    }
    assert_eq!(set_attribute(cpu, SOFTWARE, 6, 0), -10, "it interrupts nothing");
    assert_eq!(sbi(cpu, SSE, ENABLE, &[SOFTWARE]), (0, 0));
    assert_eq!(set_attribute(cpu, SOFTWARE, 1, 9), -10);
    let all = [0, 1, 2, 3, 4, 5].map(|number| attribute(cpu, SOFTWARE, number));
    assert_eq!(all, [2 | 1 << 3, 9, 1, 0, RAM + 0x100, 5]);
    for (args, error) in [([0, 0], -3), ([0, 11], -11), ([u64::MAX, 2], -11)] {
        assert_eq!(sbi(cpu, SSE, READ, &[SOFTWARE, args[0], args[1], WORDS, 0]).0, error);
    }
    assert_eq!(sbi(cpu, SSE, READ, &[SOFTWARE, 0, 1, WORDS + 4, 0]).0, -3);
    assert_eq!(sbi(cpu, SSE, READ, &[SOFTWARE, 0, 1, 0x1000, 0]).0, -5);
    assert_eq!((sbi(cpu, SSE, DISABLE, &[SOFTWARE]), sbi(cpu, SSE, UNREGISTER, &[SOFTWARE])), ((0, 0), (0, 0)));
    assert_eq!((sbi(cpu, SSE, ENABLE, &[0x8000]).0, sbi(cpu, SSE, ENABLE, &[5]).0), (-2, -3));
    assert_eq!((sbi(cpu, SSE, INJECT, &[OVERFLOW, 0]).0, sbi(cpu, SSE, INJECT, &[SOFTWARE, 1]).0), (-4, -3));
}

#[test]
fn a_handler_interrupts_whatever_is_masked_and_goes_back() {
    let mut all = started(2);
    at(&mut all[1], Privilege::Supervisor);
    enable(&mut all[0], SOFTWARE, RAM + 0x100);
    assert_eq!(sbi(&mut all[1], SSE, INJECT, &[SOFTWARE, 0]), (0, 0));
    let cpu = &mut all[0];
    at(cpu, Privilege::User);
    cpu.pc = RAM + 0x2468;
    write(cpu, "sepc", 0).unwrap_err();
    cpu.set(regs::SEPC, 0x1234);
    cpu.set(x(16), 16);
    cpu.set(x(17), 17);
    set_status(cpu, mstatus::SPIE, 1);
    assert!(cpu.isa.clone().wakes(cpu), "a waiting hart goes on");
    assert!(cpu.take_interrupt());
    assert_eq!((cpu.pc, cpu.get(regs::PRIVILEGE), cpu.get(regs::SEPC)), (RAM + 0x100, 1, RAM + 0x2468));
    assert_eq!((cpu.get(x(16)), cpu.get(x(17))), (0, 0x77));
    assert_eq!((status(cpu, mstatus::SPP), status(cpu, mstatus::SPIE), status(cpu, mstatus::SIE)), (0, 0, 0));
    let interrupted = [6, 7, 8, 9].map(|number| attribute(cpu, SOFTWARE, number));
    assert_eq!(interrupted, [0x1234, 2, 16, 17]);
    assert_eq!(sbi(cpu, SSE, INJECT, &[SOFTWARE, 0]), (0, 0));
    cpu.pc = RAM + 0x104;
    assert!(cpu.take_interrupt(), "it is looked at");
    assert_eq!(cpu.pc, RAM + 0x104, "and does not interrupt itself");
    cpu.set(x(10), 10);
    cpu.set(x(16), COMPLETE);
    cpu.set(x(17), SSE);
    assert_eq!(call(cpu, "ecall", [0; 3]), Ok(RAM + 0x2468));
    assert_eq!((cpu.get(regs::PRIVILEGE), cpu.get(regs::SEPC)), (0, 0x1234));
    assert_eq!((cpu.get(x(10)), cpu.get(x(16)), cpu.get(x(17))), (10, 16, 17));
    assert_eq!((status(cpu, mstatus::SPIE), status(cpu, mstatus::SIE)), (1, 0));
    assert!(cpu.take_interrupt());
    assert_eq!(cpu.pc, RAM + 0x100, "the second one follows");
}

#[test]
fn events_of_higher_priority_interrupt_those_of_lower() {
    let cpu = &mut started(1)[0];
    enable(cpu, SOFTWARE, RAM + 0x100);
    assert_eq!(sbi(cpu, SSE, REGISTER, &[OVERFLOW, RAM + 0x200, 0]), (0, 0));
    assert_eq!(sbi(cpu, SSE, ENABLE, &[OVERFLOW]), (0, 0));
    // Both have priority 0.
    sbi(cpu, SSE, INJECT, &[SOFTWARE, 0]);
    assert!(cpu.take_interrupt());
    assert_eq!(cpu.pc, RAM + 0x100);
    at(cpu, Privilege::Machine);
    call(cpu, "csr_write", [0x323, 1, 0x1073]).unwrap();
    call(cpu, "csr_write", [0xb03, u64::MAX - 4, 0x1073]).unwrap();
    write(cpu, "mcountinhibit", 0).unwrap();
    cpu.clock().set(10);
    cpu.pins.pulse(irq::LCOFI);
    assert_eq!(read(cpu, "mip"), Ok(0), "it is no interrupt");
    at(cpu, Privilege::Supervisor);
    cpu.take_interrupt();
    assert_eq!(cpu.pc, RAM + 0x100, "it waits");
    cpu.set(x(16), COMPLETE);
    cpu.set(x(17), SSE);
    call(cpu, "ecall", [0; 3]).unwrap();
    assert!(cpu.take_interrupt());
    assert_eq!(cpu.pc, RAM + 0x200);
}
