//! Who may access which register, and where it traps to.

use super::*;

/// The class of a trapped MSR, MRS or system instruction.
const SYSTEM: u64 = 0x18;

#[test]
fn el0_reads_the_frequency_where_it_reads_a_counter() {
    let mut cpu = cpu();
    for (kernel, allowed) in [(0, false), (1, true), (2, true), (1 << 8, false)] {
        put_register(&mut cpu, "CNTKCTL_EL1", kernel);
        at(&mut cpu, 0);
        let result = read(&mut cpu, "CNTFRQ_EL0");
        assert_eq!(result.is_ok(), allowed, "{kernel:#x}");
        if !allowed {
            assert_eq!(trapped(&mut cpu, result), (1, SYSTEM));
        }
    }
}

#[test]
fn el1_keeps_the_debug_channel_from_el0() {
    let mut cpu = cpu();
    at(&mut cpu, 0);
    assert_eq!(read(&mut cpu, "MDCCSR_EL0"), Ok(0));
    put_register(&mut cpu, "MDSCR_EL1", 1 << 12);
    for register in ["MDCCSR_EL0", "DBGDTR_EL0", "DBGDTRRX_EL0"] {
        at(&mut cpu, 0);
        let result = read(&mut cpu, register);
        assert_eq!(trapped(&mut cpu, result), (1, SYSTEM), "{register}");
    }
    put_register(&mut cpu, "MDSCR_EL1", 0);
    put_register(&mut cpu, "MDCR_EL2", 1 << 9);
    at(&mut cpu, 1);
    let result = read(&mut cpu, "MDCCSR_EL0");
    assert_eq!(trapped(&mut cpu, result), (2, SYSTEM));
}

#[test]
fn the_monitor_hears_of_debug_rom_reads() {
    let mut cpu = cpu();
    put_register(&mut cpu, "MDCR_EL3", 1 << 9);
    at(&mut cpu, 2);
    let result = read(&mut cpu, "MDRAR_EL1");
    assert_eq!(trapped(&mut cpu, result), (3, SYSTEM));
}

#[test]
fn user_enable_of_counters_traps_as_they_do() {
    let mut cpu = cpu();
    for (control, level) in [("MDCR_EL2", 2), ("MDCR_EL3", 3)] {
        put_register(&mut cpu, control, 1 << 6);
        for from in [0, 1] {
            at(&mut cpu, from);
            let result = read(&mut cpu, "PMUSERENR_EL0");
            assert_eq!(trapped(&mut cpu, result), (level, SYSTEM));
        }
        put_register(&mut cpu, control, 0);
    }
    at(&mut cpu, 0);
    assert_eq!(read(&mut cpu, "PMUSERENR_EL0"), Ok(0));
}

#[test]
fn el0_may_only_read_event_counters_with_er() {
    let mut cpu = cpu();
    put_register(&mut cpu, "PMUSERENR_EL0", 1 << 3);
    at(&mut cpu, 0);
    assert_eq!(read(&mut cpu, "PMXEVCNTR_EL0"), Ok(0));
    assert_eq!(write(&mut cpu, "PMSELR_EL0", 0), Ok(()));
    let result = write(&mut cpu, "PMXEVCNTR_EL0", 0);
    assert_eq!(trapped(&mut cpu, result), (1, SYSTEM));
}

#[test]
fn ordering_regions_are_for_non_secure_state_and_trap() {
    let mut cpu = cpu();
    at(&mut cpu, 1);
    assert_eq!(write(&mut cpu, "LORC_EL1", 0), Ok(()));
    for (control, bit, level) in [("HCR_EL2", 1 << 35 | hcr::RW, 2), ("SCR_EL3", 1 << 14 | 1, 3)] {
        let old = table::named(control).unwrap().peek(&mut cpu);
        put_register(&mut cpu, control, old | bit);
        at(&mut cpu, 1);
        let result = read(&mut cpu, "LORID_EL1");
        assert_eq!(trapped(&mut cpu, result), (level, SYSTEM));
        put_register(&mut cpu, control, old);
    }
    put_register(&mut cpu, "SCR_EL3", 0);
    at(&mut cpu, 1);
    assert_eq!(read(&mut cpu, "LORID_EL1"), Ok(0));
    let result = read(&mut cpu, "LORSA_EL1");
    assert_eq!(taken(&mut cpu, result.unwrap_err()), (1, UNDEFINED));
}

#[test]
fn only_the_highest_level_has_a_reset_vector() {
    let mut cpu = cpu();
    assert_eq!(read(&mut cpu, "RVBAR_EL3"), Ok(0));
    for register in ["RVBAR_EL1", "RVBAR_EL2"] {
        at(&mut cpu, 3);
        assert!(read(&mut cpu, register).is_err(), "{register}");
    }
    let mut cpu = cpu_of("max", "");
    assert_eq!(read(&mut cpu, "RVBAR_EL1"), Ok(0));
}

#[test]
fn warm_resets_are_to_aarch64() {
    assert_eq!(read(&mut cpu(), "RMR_EL3"), Ok(1));
}

#[test]
fn own_operations_trap_with_tidcp() {
    let mut cpu = cpu();
    set_hcr(&mut cpu, hcr::TIDCP);
    for (crn, from, level, class) in [(15, 1, 2, SYSTEM), (11, 1, 2, SYSTEM), (15, 2, 2, 0), (12, 1, 1, 0)] {
        at(&mut cpu, from);
        let result = sys(&mut cpu, [3, crn, 0, 0], 0);
        assert_eq!(trapped(&mut cpu, result), (level, class), "c{crn} at EL{from}");
    }
}

#[test]
fn a_trapped_mask_change_names_the_instruction() {
    let mut cpu = cpu();
    // DAIFSet #2: op1 3, CRm 2, op2 6.
    at(&mut cpu, 0);
    let result = call(&mut cpu, "msr_imm", [3 << 3 | 6, 2, 0xd503_42df]);
    assert_eq!(taken(&mut cpu, result.unwrap_err()), (1, 0x620c_d3e4));
}

#[test]
fn ranges_of_stage_2_need_their_feature() {
    let operations = [[4, 8, 4, 2], [4, 8, 4, 6], [4, 8, 0, 2], [4, 8, 0, 6]];
    let (mut old, mut new) = (cpu_of("neoverse-n1", "has_el2=on"), cpu());
    for operation in operations {
        at(&mut old, 2);
        assert!(sys(&mut old, operation, 0).is_err(), "{operation:?}");
        assert_eq!(sys(&mut new, operation, 0), Ok(()), "{operation:?}");
    }
    assert_eq!(sys(&mut old, [4, 8, 4, 1], 0), Ok(()));
}
