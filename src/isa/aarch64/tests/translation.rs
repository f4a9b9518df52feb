//! Page tables, AT, and what faults tell a hypervisor.

use super::*;
use crate::cpu::Access;

const ROOT: u64 = TABLES;
const TABLE2: u64 = TABLES + 0x1000;
/// A leaf's access flag, and user access.
const AF: u64 = 1 << 10;
const TABLE: u64 = 3;
const BLOCK: u64 = 1;

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
