use super::*;
use crate::isa::riscv64::mode::CodeMode;

const MATCH: u64 = 6 << 60;
const LOAD: u64 = 1;
const STORE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 2;
const U: u64 = 1 << 3;
const S: u64 = 1 << 4;
const M: u64 = 1 << 6;

/// Sets trigger `n`.
fn set(cpu: &mut Cpu, n: u64, control: u64, address: u64) {
    write(cpu, "tselect", n).unwrap();
    write(cpu, "tdata2", address).unwrap();
    write(cpu, "tdata1", control).unwrap();
}

fn breakpoint<T>(address: u64) -> Result<T, Trap> {
    Err(trap(cause::BREAKPOINT, address))
}

#[test]
fn registers_keep_what_there_is() {
    let mut cpu = hart();
    assert_eq!(after(&mut cpu, "tselect", 2), 0, "there are two");
    assert_eq!(read(&mut cpu, "tinfo"), Ok(1 << 2 | 1 << 3 | 1 << 6 | 1 << 15));
    assert_eq!(read(&mut cpu, "tdata1"), Ok(2 << 60));
    for (written, kept) in [
        (2 << 60 | 0xffff_ffff, 2 << 60 | 0x5f),
        (2 << 60 | 1 << 16 | 1 << 21, 2 << 60 | 1 << 16 | 1 << 21),
        (6 << 60 | 0x7ff_ffff, 6 << 60 | 0x5f),
        (6 << 60 | 5 << 16 | 1 << 59, 6 << 60 | 5 << 16),
        (4 << 60, 6 << 60 | 5 << 16),
        (3 << 60 | 0xffff_ffff, 3 << 60 | 0x3fff << 10 | 7 << 6 & !(1 << 8) | 1 << 9),
        (0, 15 << 60),
        (15 << 60 | 0xff, 15 << 60),
    ] {
        assert_eq!(after(&mut cpu, "tdata1", written), kept, "{written:#x}");
    }
    assert_eq!(after(&mut cpu, "tdata3", u64::MAX), 0x1fff << 51);
    assert_eq!(after(&mut cpu, "tdata3", 5 << 51 | 4 << 48), 5 << 51 | 4 << 48);
    write(&mut cpu, "tselect", 1).unwrap();
    assert_eq!((read(&mut cpu, "tdata1"), read(&mut cpu, "tdata3")), (Ok(2 << 60), Ok(0)), "each has its own");
    let mut cpu = harts("rv64", "debug=off", 1, false).remove(0);
    assert_eq!(read(&mut cpu, "tselect"), refused());
}

#[test]
fn instructions_are_matched_by_address_and_level() {
    let mut cpu = hart();
    open_pmp(&mut cpu);
    set(&mut cpu, 1, MATCH | EXECUTE | S, RAM + 0x102);
    for (level, stops) in [(Privilege::Machine, false), (Privilege::Supervisor, true), (Privilege::User, false)] {
        at(&mut cpu, level);
        cpu.pc = RAM + 0x102;
        assert_eq!(fetch(&mut cpu, RAM + 0x102), if stops { breakpoint(RAM + 0x102) } else { Ok(RAM + 0x102) });
        assert!(!cpu.fetch(RAM + 0x100).unwrap().whole, "nothing of the page is kept");
        assert!(cpu.fetch(RAM + 0x1000).unwrap().whole);
        cpu.pc = RAM + 0x100;
        assert!(fetch(&mut cpu, RAM + 0x102).is_ok(), "the rest of an instruction before");
    }
    at(&mut cpu, Privilege::Machine);
    set(&mut cpu, 1, 2 << 60, 0);
    assert!(cpu.fetch(RAM + 0x100).unwrap().whole);
}

#[test]
fn loads_and_stores_are_matched_by_address_size_and_level() {
    let mut cpu = hart();
    load(&mut cpu, RAM + 0x10).unwrap();
    set(&mut cpu, 0, MATCH | LOAD | M, RAM + 0x13);
    assert_eq!(load(&mut cpu, RAM + 0x10), breakpoint(RAM + 0x13), "a page that was known");
    assert_eq!(load(&mut cpu, RAM + 0x14), Ok(0));
    assert_eq!(store(&mut cpu, RAM + 0x10, 1), Ok(()));
    let byte = Mem { size: MemSize::B1, ..WORD };
    assert!(cpu.load(byte, RAM + 0x13).is_err());
    set(&mut cpu, 0, MATCH | LOAD | M | 5 << 16, RAM + 0x13);
    assert!(cpu.load(byte, RAM + 0x13).is_ok(), "of 8 bytes alone");
    assert_eq!(load(&mut cpu, RAM + 0x10), breakpoint(RAM + 0x13));
    set(&mut cpu, 0, 2 << 60 | STORE | M | 1 << 16, RAM + 0x13);
    assert!(cpu.store(byte, RAM + 0x13, 0).is_err() && store(&mut cpu, RAM + 0x10, 0).is_ok());
    set(&mut cpu, 0, MATCH | STORE | U, RAM + 0x10);
    assert_eq!(store(&mut cpu, RAM + 0x10, 0), Ok(()));
    set_status(&mut cpu, mstatus::MPRV, 1);
    set_status(&mut cpu, mstatus::MPP, 0);
    open_pmp(&mut cpu);
    assert_eq!(store(&mut cpu, RAM + 0x10, 0), Ok(()), "M-mode's, whatever privilege it borrows");
    set(&mut cpu, 0, MATCH | STORE | M, RAM + 0x1000);
    assert_eq!(store(&mut cpu, RAM + 0xffc, 0), breakpoint(RAM + 0x1000), "in the second of two pages");
}

#[test]
fn a_context_of_m_mode_can_be_asked_for() {
    let mut cpu = hart();
    set(&mut cpu, 0, MATCH | LOAD | M, RAM);
    write(&mut cpu, "tdata3", 5 << 51 | 4 << 48).unwrap();
    assert!(load(&mut cpu, RAM).is_ok());
    write(&mut cpu, "mcontext", 5).unwrap();
    assert_eq!(load(&mut cpu, RAM), breakpoint(RAM));
}

#[test]
fn a_count_of_instructions_ends_before_the_next() {
    let mut cpu = hart();
    open_pmp(&mut cpu);
    set(&mut cpu, 0, 3 << 60 | 2 << 10 | 1 << 6, 0);
    assert!(!CodeMode::decode(cpu.mode).counted, "M-mode is not counted");
    at(&mut cpu, Privilege::User);
    cpu.pc = RAM;
    for left in [1, 0] {
        assert!(CodeMode::decode(cpu.mode).counted);
        assert!(fetch(&mut cpu, RAM).is_ok() && fetch(&mut cpu, RAM).is_ok(), "however often it is asked for");
        call(&mut cpu, "count", [0; 3]).unwrap();
        assert_eq!(cpu.get(regs::TDATA1) >> 10 & 0x3fff, left);
    }
    assert!(!CodeMode::decode(cpu.mode).counted);
    at(&mut cpu, Privilege::Machine);
    assert!(fetch(&mut cpu, RAM).is_ok(), "it waits for U-mode");
    at(&mut cpu, Privilege::User);
    assert_eq!(fetch(&mut cpu, RAM), breakpoint(RAM));
    assert!(fetch(&mut cpu, RAM).is_ok(), "once");
}
