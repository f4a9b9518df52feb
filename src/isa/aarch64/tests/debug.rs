//! Software step, breakpoints, watchpoints.

use super::*;

const SS: u64 = 1;
const KDE: u64 = 1 << 13;
const MDE: u64 = 1 << 15;
/// A breakpoint's or watchpoint's control: on, for EL0 and EL1.
const ON: u64 = 1 | 3 << 1;
/// All bytes, loads and stores.
const ALL_BYTES: u64 = 0xff << 5 | 3 << 3;
const CODE: u64 = RAM + 0x4000;

/// A CPU with the OS lock open and MDSCR_EL1 set.
fn debugged(mdscr: u64) -> Box<Cpu> {
    let mut cpu = cpu();
    put_register(&mut cpu, "OSLAR_EL1", 0);
    put_register(&mut cpu, "MDSCR_EL1", mdscr);
    cpu
}

/// Returns from EL1 to `level` with PSTATE.SS.
fn return_stepping(cpu: &mut Cpu, level: u64) {
    at(cpu, 1);
    cpu.set(slots::SPSR_EL1, pstate::SS | level << 2);
    cpu.set(slots::ELR_EL1, CODE);
    cpu.pc = call(cpu, "eret", [0xd69f_03e0, 0, 0]).unwrap();
}

#[test]
fn an_instruction_is_stepped() {
    let mut cpu = debugged(SS);
    return_stepping(&mut cpu, 0);
    assert_ne!(cpu.get(slots::PSTATE) & pstate::SS, 0);
    assert!(crate::isa::aarch64::mode::CodeMode::decode(cpu.mode).stepped);
    // Its page is not kept, and as often as it is fetched, it is to be run.
    assert!(fetch(&mut cpu, CODE).unwrap().size < 4096);
    assert!(fetch(&mut cpu, CODE).is_ok());
    call(&mut cpu, "step", [0; 3]).unwrap();
    cpu.pc = CODE + 4;
    let trap = fetch(&mut cpu, CODE + 4).unwrap_err();
    // ISV, and the debug fault status.
    assert_eq!(taken(&mut cpu, trap), (1, 0xca00_0000 | 1 << 24 | 0x22));
    assert_eq!((cpu.get(slots::ELR_EL1), cpu.get(slots::SPSR_EL1) & pstate::SS), (CODE + 4, 0));
}

#[test]
fn a_stepped_load_exclusive_is_told() {
    let mut cpu = debugged(SS);
    return_stepping(&mut cpu, 0);
    call(&mut cpu, "step", [1, 0, 0]).unwrap();
    let trap = fetch(&mut cpu, CODE + 4).unwrap_err();
    assert_eq!(taken(&mut cpu, trap), (1, 0xca00_0000 | 1 << 24 | 1 << 6 | 0x22));
}

#[test]
fn what_did_not_complete_is_stepped_again() {
    for (helper, args, stays) in [("svc", [1, 0, 0], 0), ("undefined", [0; 3], pstate::SS)] {
        let mut cpu = debugged(SS);
        return_stepping(&mut cpu, 0);
        call(&mut cpu, "step", [0; 3]).unwrap();
        let trap = call(&mut cpu, helper, args).unwrap_err();
        taken(&mut cpu, trap);
        assert_eq!(cpu.get(slots::SPSR_EL1) & pstate::SS, stays, "{helper}");
    }
}

#[test]
fn stepping_starts_with_a_return_to_where_it_is_enabled() {
    // A return within EL1 is one between levels that both have it, or both not.
    for (mdscr, level, starts) in [(SS, 0, true), (SS, 1, false), (SS | KDE, 1, false), (0, 0, false)] {
        let mut cpu = debugged(mdscr);
        return_stepping(&mut cpu, level);
        assert_eq!(cpu.get(slots::PSTATE) & pstate::SS != 0, starts, "{mdscr:#x} to EL{level}");
    }
    let mut cpu = debugged(SS);
    put_register(&mut cpu, "OSLAR_EL1", 1);
    return_stepping(&mut cpu, 0);
    assert_eq!(cpu.get(slots::PSTATE) & pstate::SS, 0);
    assert!(fetch(&mut cpu, CODE).is_ok());
}

#[test]
fn a_breakpoint_stops_at_its_instruction() {
    let mut cpu = debugged(MDE);
    put_register(&mut cpu, "DBGBVR0_EL1", CODE + 8);
    put_register(&mut cpu, "DBGBCR0_EL1", ON | 0xf << 5);
    at(&mut cpu, 0);
    assert!(fetch(&mut cpu, CODE).unwrap().size < 4096);
    assert!(fetch(&mut cpu, CODE + 0x1000).unwrap().size >= 4096);
    let trap = fetch(&mut cpu, CODE + 8).unwrap_err();
    assert_eq!(taken(&mut cpu, trap), (1, 0xc200_0022));
    // EL1 itself only with KDE, and unmasked.
    assert!(fetch(&mut cpu, CODE + 8).is_ok());
    put_register(&mut cpu, "MDSCR_EL1", MDE | KDE);
    assert!(fetch(&mut cpu, CODE + 8).is_ok());
    write(&mut cpu, "DAIF", 0).unwrap();
    let trap = fetch(&mut cpu, CODE + 8).unwrap_err();
    assert_eq!(taken(&mut cpu, trap), (1, 0xc600_0022));
}

#[test]
fn a_linked_breakpoint_is_for_its_context() {
    let mut cpu = debugged(MDE);
    put_register(&mut cpu, "DBGBVR0_EL1", CODE);
    put_register(&mut cpu, "DBGBCR0_EL1", ON | 0xf << 5 | 4 << 16 | 1 << 20);
    put_register(&mut cpu, "DBGBVR4_EL1", 77);
    put_register(&mut cpu, "DBGBCR4_EL1", 1 | 3 << 20);
    for (context, hit) in [(77, true), (78, false)] {
        put_register(&mut cpu, "CONTEXTIDR_EL1", context);
        at(&mut cpu, 0);
        assert_eq!(fetch(&mut cpu, CODE).is_err(), hit, "{context}");
    }
}

#[test]
fn a_watchpoint_stops_before_its_access() {
    let mut cpu = debugged(MDE);
    put_register(&mut cpu, "DBGWVR0_EL1", RAM + 0x100);
    // The last byte of the doubleword.
    put_register(&mut cpu, "DBGWCR0_EL1", ON | 3 << 3 | 0x80 << 5);
    at(&mut cpu, 0);
    assert!(load(&mut cpu, RAM + 0x108).is_ok() && load(&mut cpu, RAM + 0xf8).is_ok());
    let trap = store(&mut cpu, RAM + 0x100, 1).unwrap_err();
    assert_eq!(taken(&mut cpu, trap), (1, 0xd200_0022 | 1 << 6));
    assert_eq!(cpu.get(slots::FAR_EL1), RAM + 0x107);
    // EL1 without KDE goes on, and EL0 as well once the watchpoint is for stores alone.
    assert_eq!(load(&mut cpu, RAM + 0x100), Ok(0));
    put_register(&mut cpu, "DBGWCR0_EL1", ON | 2 << 3 | 0xff << 5);
    at(&mut cpu, 0);
    assert_eq!(load(&mut cpu, RAM + 0x100), Ok(0));
    assert!(store(&mut cpu, RAM + 0x100, 1).is_err());
}

#[test]
fn a_watchpoint_covers_its_mask() {
    let mut cpu = debugged(MDE);
    put_register(&mut cpu, "DBGWVR0_EL1", RAM + 0x2000);
    put_register(&mut cpu, "DBGWCR0_EL1", ON | ALL_BYTES | 13 << 24);
    at(&mut cpu, 0);
    for (address, hit) in [(0x1ff0, false), (0x1ff9, true), (0x2000, true), (0x3ff8, true), (0x4000, false)] {
        assert_eq!(load(&mut cpu, RAM + address).is_err(), hit, "{address:#x}");
    }
}

#[test]
fn a_debugging_hypervisor_takes_the_exceptions() {
    let mut cpu = debugged(MDE);
    put_register(&mut cpu, "MDCR_EL2", 1 << 8);
    put_register(&mut cpu, "DBGBVR0_EL1", CODE);
    put_register(&mut cpu, "DBGBCR0_EL1", ON | 0xf << 5);
    at(&mut cpu, 1);
    let trap = fetch(&mut cpu, CODE).unwrap_err();
    assert_eq!(taken(&mut cpu, trap), (2, 0xc200_0022));
}
