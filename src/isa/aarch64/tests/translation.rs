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
