use super::*;
use crate::isa::riscv64::mode::Privilege::{Machine, Supervisor, User};

const R: u64 = 1;
const W: u64 = 2;
const X: u64 = 4;
const TOR: u64 = 1 << 3;
const NA4: u64 = 2 << 3;
const NAPOT: u64 = 3 << 3;
const L: u64 = 0x80;

/// A hart in M-mode with these regions: address register and configuration each.
fn with(regions: &[(u64, u64)]) -> Box<Cpu> {
    let mut cpu = hart();
    let mut config = [0; 2];
    for (n, (address, bits)) in regions.iter().enumerate() {
        write(&mut cpu, &format!("pmpaddr{n}"), *address).unwrap();
        config[n / 8] |= bits << (8 * (n % 8));
    }
    write(&mut cpu, "pmpcfg0", config[0]).unwrap();
    write(&mut cpu, "pmpcfg2", config[1]).unwrap();
    cpu
}

/// The NAPOT encoding of `size` bytes at `base`.
fn napot(base: u64, size: u64) -> u64 {
    (base | (size / 2 - 1)) >> 2
}

/// Which of fetch, load, store S-mode may do at an address.
fn allowed(cpu: &mut Cpu, address: u64) -> [bool; 3] {
    at(cpu, Supervisor);
    let result = [
        fetch(cpu, address).is_ok(),
        cpu.load(Mem::plain(MemSize::B1), address).is_ok(),
        cpu.store(Mem::plain(MemSize::B1), address, 0).is_ok(),
    ];
    at(cpu, Machine);
    result
}

const NOTHING: [bool; 3] = [false; 3];
const EVERYTHING: [bool; 3] = [true; 3];

#[test]
fn without_regions_only_m_mode_gets_at_memory() {
    let mut cpu = with(&[]);
    assert_eq!(load(&mut cpu, RAM), Ok(0));
    assert_eq!(allowed(&mut cpu, RAM), NOTHING);
    at(&mut cpu, User);
    assert_eq!(load(&mut cpu, RAM), Err(trap(cause::LOAD_ACCESS, RAM)));
    assert_eq!(store(&mut cpu, RAM, 0), Err(trap(cause::STORE_ACCESS, RAM)));
    assert_eq!(fetch(&mut cpu, RAM), Err(trap(cause::FETCH_ACCESS, RAM)));
    let mut cpu = harts("max", "pmp=off", 1, false).remove(0);
    assert_eq!(call(&mut cpu, "csr_read", [0x3a0, 0x1234, 0]), refused());
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM), Ok(0), "a model without PMP protects nothing");
}

#[test]
fn regions_match_where_they_say() {
    let mut cpu = with(&[
        (RAM >> 2, 0),
        ((RAM + 0x20) >> 2, TOR | R),
        (0x8000_1000 >> 2, NA4 | X),
        (napot(RAM + 0x2000, 16), NAPOT | R | W),
    ]);
    for (address, expected) in [
        (RAM, [false, true, false]),
        (RAM + 0x1f, [false, true, false]),
        (RAM + 0x20, NOTHING),
        (RAM + 0xffc, NOTHING),
        (RAM + 0x1000, [true, false, false]),
        (RAM + 0x1004, NOTHING),
        (RAM + 0x1fff, NOTHING),
        (RAM + 0x2000, [false, true, true]),
        (RAM + 0x200f, [false, true, true]),
        (RAM + 0x2010, NOTHING),
    ] {
        assert_eq!(allowed(&mut cpu, address), expected, "{address:#x}");
    }
}

#[test]
fn an_access_must_be_inside_as_a_whole() {
    let mut cpu = with(&[(napot(RAM + 0x10, 8), NAPOT | R | W)]);
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM + 0x10), Ok(0));
    assert_eq!(load(&mut cpu, RAM + 0x14), Err(trap(cause::LOAD_ACCESS, RAM + 0x14)));
    assert_eq!(store(&mut cpu, RAM + 0xc, 1), Err(trap(cause::STORE_ACCESS, RAM + 0xc)));
    assert!(cpu.fetch(RAM + 0x10).is_err(), "it is no code");
}

#[test]
fn an_access_across_two_regions_fails_though_both_would_let_it() {
    let both = |bits| with(&[(napot(RAM + 0x10, 8), NAPOT | bits), (napot(RAM + 0x18, 8), NAPOT | bits)]);
    let mut cpu = both(R | W);
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM + 0x18), Ok(0));
    assert_eq!(load(&mut cpu, RAM + 0x14), Err(trap(cause::LOAD_ACCESS, RAM + 0x14)));
    assert_eq!(store(&mut cpu, RAM + 0x14, 1), Err(trap(cause::STORE_ACCESS, RAM + 0x14)));
    let mut cpu = both(L | R | W);
    assert_eq!(load(&mut cpu, RAM + 0x14), Err(trap(cause::LOAD_ACCESS, RAM + 0x14)), "M-mode, when they are locked");
    // Aligned, and four bytes belong to each.
    let mut cpu = with(&[(RAM >> 2, NA4 | R), ((RAM + 4) >> 2, NA4 | R), (u64::MAX, NAPOT | R | W | X)]);
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM), Err(trap(cause::LOAD_ACCESS, RAM)));
    assert_eq!(load(&mut cpu, RAM + 8), Ok(0));
    // A region that begins and ends inside the access.
    let mut cpu = with(&[((RAM + 4) >> 2, NA4 | R), (u64::MAX, NAPOT | R | W | X)]);
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM + 2), Err(trap(cause::LOAD_ACCESS, RAM + 2)));
}

#[test]
fn an_access_across_pages_is_checked_a_page_at_a_time() {
    let mut cpu = with(&[(napot(RAM, 0x1000), NAPOT | R), (napot(RAM + 0x1000, 0x1000), NAPOT | R)]);
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM + 0xffc), Ok(0));
    let mut cpu = with(&[((RAM + 0x1000) >> 2, NA4 | R), (u64::MAX, NAPOT | R)]);
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM + 0xffc), Ok(0), "each part has one region");
    assert_eq!(load(&mut cpu, RAM + 0xffa), Ok(0));
    assert_eq!(load(&mut cpu, RAM + 0xffe), Err(trap(cause::LOAD_ACCESS, RAM + 0x1000)), "the second part has two");
}

#[test]
fn a_page_table_entry_is_inside_one_region() {
    let mut cpu = with(&[((RAM + 0x1004) >> 2, NA4 | R), (u64::MAX, NAPOT | R | W | X)]);
    write(&mut cpu, "satp", 8 << 60 | (RAM + 0x1000) >> 12).unwrap();
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, 0), Err(trap(cause::LOAD_ACCESS, 0)));
    assert_eq!(load(&mut cpu, 1 << 30), Err(trap(cause::LOAD_PAGE, 1 << 30)), "the next entry is not touched by it");
}

#[test]
fn the_lowest_match_decides() {
    let mut cpu = with(&[(napot(RAM, 0x1000), NAPOT | R), (napot(RAM, 0x10_0000), NAPOT | R | W | X)]);
    assert_eq!(allowed(&mut cpu, RAM), [false, true, false]);
    assert_eq!(allowed(&mut cpu, RAM + 0x1000), EVERYTHING);
    let mut cpu = with(&[((RAM + 0x1000) >> 2, TOR), (u64::MAX, NAPOT | R | W | X)]);
    assert_eq!(allowed(&mut cpu, RAM + 0xfff), NOTHING, "a range from zero");
    assert_eq!(allowed(&mut cpu, RAM + 0x1000), EVERYTHING);
}

#[test]
fn an_empty_range_matches_nothing() {
    let mut cpu = with(&[((RAM + 0x1000) >> 2, 0), (RAM >> 2, TOR | R), (u64::MAX, NAPOT | X)]);
    assert_eq!(allowed(&mut cpu, RAM + 0x800), [true, false, false]);
}

#[test]
fn the_last_region_works_like_the_first() {
    let mut regions = [(0, 0); 16];
    regions[15] = (u64::MAX, NAPOT | R | W | X);
    let mut cpu = with(&regions);
    assert_eq!(allowed(&mut cpu, RAM), EVERYTHING);
}

#[test]
fn a_locked_region_binds_m_mode_and_cannot_be_changed() {
    let mut cpu = with(&[(RAM >> 2, 0), ((RAM + 0x1000) >> 2, TOR | L | R), (u64::MAX, NAPOT | R | W | X)]);
    assert_eq!(load(&mut cpu, RAM), Ok(0));
    assert_eq!(store(&mut cpu, RAM, 1), Err(trap(cause::STORE_ACCESS, RAM)));
    assert_eq!(store(&mut cpu, RAM + 0x1000, 1), Ok(()));
    assert_eq!(after(&mut cpu, "pmpaddr1", 0), (RAM + 0x1000) >> 2);
    assert_eq!(after(&mut cpu, "pmpaddr0", 0), RAM >> 2, "where a locked range begins is locked too");
    assert_eq!(after(&mut cpu, "pmpaddr2", 0x1234), 0x1234);
    assert_eq!(after(&mut cpu, "pmpcfg0", 0x0f_0f_0f), 0x0f_00_0f | (TOR | L | R) << 8);
    cpu.reset();
    assert_eq!(read(&mut cpu, "pmpcfg0"), Ok(0), "until reset");
}

#[test]
fn write_without_read_is_reserved_and_not_written() {
    let mut cpu = hart();
    assert_eq!(after(&mut cpu, "pmpcfg0", NAPOT | W | X), NAPOT);
    assert_eq!(after(&mut cpu, "pmpcfg0", 0x60), 0, "nor are the bits that are zero for ever");
    assert_eq!(after(&mut cpu, "pmpaddr3", u64::MAX), (1 << 54) - 1);
}

#[test]
fn a_change_is_in_effect_at_once() {
    let mut cpu = with(&[(u64::MAX, NAPOT | R | W | X)]);
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM), Ok(0));
    at(&mut cpu, Machine);
    write(&mut cpu, "pmpcfg0", NAPOT | X).unwrap();
    at(&mut cpu, Supervisor);
    assert_eq!(load(&mut cpu, RAM), Err(trap(cause::LOAD_ACCESS, RAM)));
}

#[test]
fn a_page_that_is_not_all_alike_is_not_remembered() {
    let mut cpu = with(&[(napot(RAM + 0x800, 0x800), NAPOT), (u64::MAX, NAPOT | R | W | X)]);
    at(&mut cpu, Supervisor);
    let isa = cpu.isa.clone();
    assert!(isa.translate(&mut cpu, RAM, crate::cpu::Access::Load).unwrap().size < 4096);
    assert!(!cpu.fetch(RAM).unwrap().whole);
    assert!(cpu.fetch(RAM + 0x1000).unwrap().whole);
    assert_eq!(load(&mut cpu, RAM), Ok(0));
    assert_eq!(load(&mut cpu, RAM + 0x800), Err(trap(cause::LOAD_ACCESS, RAM + 0x800)));
    at(&mut cpu, Machine);
    assert!(isa.translate(&mut cpu, RAM, crate::cpu::Access::Load).unwrap().size >= 4096, "M-mode is not bound");
}
