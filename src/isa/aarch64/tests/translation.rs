//! Page tables, AT, and what faults tell a hypervisor.

use super::*;
use crate::cpu::Access;

const ROOT: u64 = TABLES;
const TABLE2: u64 = TABLES + 0x1000;
const STAGE2: u64 = TABLES + 0x2000;
const STAGE2_TABLE: u64 = TABLES + 0x3000;
/// A leaf's access flag, and user access.
const AF: u64 = 1 << 10;
const TABLE: u64 = 3;
const BLOCK: u64 = 1;
const READ_WRITE: u64 = 3 << 6;

/// A CPU with stage 1 on: 4 KiB granule, addresses of 39 bits; the gigabyte of RAM by blocks of 2 MiB with `bits`.
fn mapped(bits: u64) -> Box<Cpu> {
    let mut cpu = cpu();
    put(&cpu, ROOT + 8, TABLE2 | TABLE);
    put(&cpu, TABLE2, RAM | AF | BLOCK | bits);
    put_register(&mut cpu, "MAIR_EL1", 0x00_44_ff);
    put_register(&mut cpu, "TCR_EL1", 25 | 1 << 23 | 5 << 32);
    put_register(&mut cpu, "TTBR0_EL1", ROOT);
    put_register(&mut cpu, "SCTLR_EL1", 1);
    cpu
}

/// Whether a load of EL1's is Secure.
fn is_secure(cpu: &mut Cpu, address: u64) -> bool {
    let isa = cpu.isa.clone();
    isa.translate(cpu, address, Access::Load).unwrap().secure
}

#[test]
fn descriptors_take_accesses_out_of_the_secure_world() {
    const NS: u64 = 1 << 5;
    const NS_TABLE: u64 = 1 << 63;
    for (scr, table, leaf, secure) in
        [(0, 0, 0, true), (0, 0, NS, false), (0, NS_TABLE, 0, false), (1, 0, 0, false), (1, 0, NS, false)]
    {
        let mut cpu = mapped(leaf);
        put(&cpu, ROOT + 8, TABLE2 | TABLE | table);
        put_register(&mut cpu, "SCR_EL3", scr);
        at(&mut cpu, 1);
        assert_eq!(is_secure(&mut cpu, RAM), secure, "{scr} {table:#x} {leaf:#x}");
    }
    // Without translation it is the world's own, and EL3 is always Secure.
    let mut cpu = cpu();
    for (level, secure) in [(1, false), (2, false), (3, true)] {
        at(&mut cpu, level);
        assert_eq!(is_secure(&mut cpu, RAM), secure, "EL{level}");
    }
    let mut cpu = cpu_of("max", "");
    assert!(!is_secure(&mut cpu, RAM));
}

/// Stage 2 on for the same gigabyte, the first 2 MiB by `leaf`.
fn add_stage2(cpu: &mut Cpu, leaf: u64) {
    put(cpu, STAGE2 + 8, STAGE2_TABLE | TABLE);
    put(cpu, STAGE2_TABLE, leaf);
    put_register(cpu, "VTTBR_EL2", STAGE2);
    put_register(cpu, "VTCR_EL2", 25 | 1 << 6 | 5 << 16);
    set_hcr(cpu, hcr::VM);
}

/// AT S1E1R; PAR.
fn par(cpu: &mut Cpu, address: u64) -> u64 {
    sys(cpu, [0, 7, 8, 0], address).unwrap();
    cpu.get(slots::PAR_EL1)
}

#[test]
fn what_is_not_cached_is_shared_with_all() {
    for (index, attribute, shareability) in [(0, 0xff, 3), (1, 0x44, 2), (2, 0, 2)] {
        let mut cpu = mapped(index << 2 | 3 << 8);
        let par = par(&mut cpu, RAM);
        assert_eq!((par >> 56, par >> 7 & 3), (attribute, shareability), "attribute {index}");
    }
}

#[test]
fn at_of_stage_1_translates_the_tables_addresses() {
    let mut cpu = mapped(0);
    // The tables' own memory is elsewhere for the guest: nothing there, so its walk fails in stage 2.
    add_stage2(&mut cpu, 0);
    at(&mut cpu, 2);
    let par = par(&mut cpu, RAM);
    // F, translation fault of level 2, PTW, S.
    assert_eq!(par & 0x3ff, 1 | 6 << 1 | 1 << 8 | 1 << 9);
    // The guest that asks does not hear of it; its hypervisor does, as of a cache operation.
    at(&mut cpu, 1);
    let result = sys(&mut cpu, [0, 7, 8, 0], RAM);
    assert_eq!(taken(&mut cpu, result.unwrap_err()), (2, 0x9200_01c6));
    // What the tables say is not translated again.
    add_stage2(&mut cpu, RAM | AF | BLOCK | READ_WRITE | 0xf << 2);
    put(&cpu, TABLE2, (RAM + 0x20_0000) | AF | BLOCK);
    at(&mut cpu, 2);
    assert_eq!(self::par(&mut cpu, RAM) & 0xf_ffff_f001, RAM + 0x20_0000);
}

#[test]
fn addresses_beyond_stage_2_fault_at_level_0() {
    let mut cpu = mapped(0);
    add_stage2(&mut cpu, RAM | AF | BLOCK | READ_WRITE | 0xf << 2);
    put(&cpu, TABLE2, 1 << 40 | AF | BLOCK);
    at(&mut cpu, 1);
    let trap = load(&mut cpu, RAM).unwrap_err();
    assert_eq!(taken(&mut cpu, trap), (2, 0x9200_0004));
    assert_eq!(cpu.get(slots::HPFAR_EL2), 1 << 40 >> 8);
}

#[test]
fn a_hypervisor_learns_which_register_was_to_be_loaded() {
    let mut cpu = mapped(0);
    // The first 2 MiB hold tables and code, the next are not there.
    add_stage2(&mut cpu, RAM | AF | BLOCK | READ_WRITE | 0xf << 2);
    put(&cpu, TABLE2 + 8, (RAM + 0x20_0000) | AF | BLOCK);
    at(&mut cpu, 1);
    // ldrsh w7, [x1]
    put_insn(&cpu, RAM + 0x100, 0x79c0_0027);
    cpu.pc = RAM + 0x100;
    let trap = load(&mut cpu, RAM + 0x20_0010).unwrap_err();
    assert_eq!(taken(&mut cpu, trap), (2, 0x9200_0006 | 1 << 24 | 1 << 22 | 1 << 21 | 7 << 16));
    assert_eq!((cpu.get(slots::FAR_EL2), cpu.get(slots::HPFAR_EL2)), (RAM + 0x20_0010, (RAM + 0x20_0000) >> 8));
}

#[test]
fn device_memory_is_accessed_aligned() {
    for (index, allowed) in [(0, true), (1, true), (2, false)] {
        let mut cpu = mapped(index << 2);
        at(&mut cpu, 1);
        assert!(load(&mut cpu, RAM + 8).is_ok());
        let result = load(&mut cpu, RAM + 9);
        assert_eq!(result.is_ok(), allowed, "attribute {index}");
        if let Err(trap) = result {
            assert_eq!(taken(&mut cpu, trap), (1, 0x9600_0021));
        }
    }
}

#[test]
fn tagged_addresses_are_loaded_from_and_not_kept() {
    let mut cpu = mapped(0);
    put_register(&mut cpu, "TCR_EL1", 25 | 1 << 23 | 5 << 32 | 1 << 37);
    put(&cpu, RAM + 0x100, 0x1122_3344_5566_7788);
    at(&mut cpu, 1);
    assert_eq!(load(&mut cpu, 0x7f << 56 | (RAM + 0x100)), Ok(0x1122_3344_5566_7788));
    // Maintenance by address names it without the tag.
    put(&cpu, TABLE2, 0);
    sys(&mut cpu, [0, 8, 7, 3], RAM >> 12).unwrap();
    assert!(load(&mut cpu, 0x7f << 56 | (RAM + 0x100)).is_err());
}

/// A page in the upper half, mapped by pages of 4 KiB, and where its leaf is.
const HIGH: u64 = 0xffff_ff80_0012_3000;
const HIGH_LEAF: u64 = TABLES + 0x6000 + 8 * 0x123;
const NOT_GLOBAL: u64 = 1 << 11;
const PAGE: u64 = RAM + 0x8_0000;

/// A CPU at EL1 whose lower half is `mapped`, with `HIGH` by `leaf`. The identifier is TTBR0's.
fn mapped_high(leaf: u64) -> Box<Cpu> {
    let mut cpu = mapped(0);
    put(&cpu, TABLES + 0x4000, (TABLES + 0x5000) | TABLE);
    put(&cpu, TABLES + 0x5000, (TABLES + 0x6000) | TABLE);
    put(&cpu, HIGH_LEAF, leaf);
    put(&cpu, PAGE, 1);
    put(&cpu, PAGE + 0x1000, 2);
    put_register(&mut cpu, "TCR_EL1", 25 | 25 << 16 | 2 << 30 | 5 << 32 | 1 << 36);
    put_register(&mut cpu, "TTBR1_EL1", TABLES + 0x4000);
    at(&mut cpu, 1);
    cpu
}

fn switch_to(cpu: &mut Cpu, asid: u64) {
    write(cpu, "TTBR0_EL1", asid << 48 | ROOT).unwrap();
}

#[test]
fn global_pages_are_remembered_over_a_switch_until_they_are_named() {
    let leaf = |page: u64, more: u64| page | AF | TABLE | more;
    // TLBI ASIDE1, VAE1, VAAE1, VMALLE1.
    let page = HIGH >> 12 & 0xfff_ffff_ffff;
    let operations = [(2, 2 << 48, true), (1, 2 << 48 | page, false), (3, page, false), (0, 0, false)];
    for (operation, value, kept) in operations {
        let mut cpu = mapped_high(leaf(PAGE, 0));
        switch_to(&mut cpu, 1);
        let physical = |cpu: &mut Cpu| cpu.fetch(HIGH).map(|fetched| fetched.physical);
        assert_eq!((load(&mut cpu, HIGH), physical(&mut cpu)), (Ok(1), Ok(PAGE)));
        // Nobody walks the tables again for it, which shows.
        put(&cpu, HIGH_LEAF, leaf(PAGE + 0x1000, 0));
        for asid in [3, 2] {
            switch_to(&mut cpu, asid);
            assert_eq!((load(&mut cpu, HIGH), physical(&mut cpu)), (Ok(1), Ok(PAGE)), "in space {asid}");
        }
        sys(&mut cpu, [0, 8, 7, operation], value).unwrap();
        let seen = if kept { (Ok(1), Ok(PAGE)) } else { (Ok(2), Ok(PAGE + 0x1000)) };
        for asid in [2, 3, 4] {
            switch_to(&mut cpu, asid);
            assert_eq!((load(&mut cpu, HIGH), physical(&mut cpu)), seen, "after {operation} in space {asid}");
        }
    }
}

#[test]
fn pages_that_are_not_global_are_walked_in_each_space() {
    let leaf = |page: u64| page | AF | TABLE | NOT_GLOBAL;
    let mut cpu = mapped_high(leaf(PAGE));
    for (asid, page, seen) in [(1, PAGE, 1), (2, PAGE + 0x1000, 2), (1, PAGE, 1), (3, PAGE, 1)] {
        put(&cpu, HIGH_LEAF, leaf(page));
        switch_to(&mut cpu, asid);
        assert_eq!(load(&mut cpu, HIGH), Ok(seen), "in space {asid}");
    }
    // Other tables have other global pages.
    let mut cpu = mapped_high(leaf(PAGE) & !NOT_GLOBAL);
    assert_eq!(load(&mut cpu, HIGH), Ok(1));
    write(&mut cpu, "TTBR1_EL1", ROOT).unwrap();
    assert!(load(&mut cpu, HIGH).is_err());
}

#[test]
fn global_pages_keep_what_each_level_may_do() {
    const USER: u64 = 1 << 6;
    for user in [0, USER] {
        let mut cpu = mapped_high(PAGE | AF | TABLE | user);
        for asid in 1..4 {
            switch_to(&mut cpu, asid);
            let pan = |cpu: &mut Cpu, on: bool| {
                let state = cpu.get(slots::PSTATE) & !pstate::PAN | if on { pstate::PAN } else { 0 };
                cpu.set(slots::PSTATE, state);
                cpu.mode_changed();
            };
            assert!(load(&mut cpu, HIGH).is_ok());
            pan(&mut cpu, true);
            assert_eq!(load(&mut cpu, HIGH).is_ok(), user == 0, "PAN in space {asid}");
            pan(&mut cpu, false);
            at(&mut cpu, 0);
            assert_eq!(load(&mut cpu, HIGH).is_ok(), user != 0, "EL0 in space {asid}");
            at(&mut cpu, 1);
        }
        // EL2's own regime has no upper half.
        at(&mut cpu, 2);
        assert!(load(&mut cpu, HIGH).is_err());
    }
}
