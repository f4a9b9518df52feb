use super::*;
use crate::cpu::{Access, Mapping};
use crate::isa::riscv64::fields::envcfg;
use crate::isa::riscv64::mode::Privilege::{Machine, Supervisor, User};

const V: u64 = 1;
const R: u64 = 2;
const W: u64 = 4;
const X: u64 = 8;
const U: u64 = 0x10;
const G: u64 = 0x20;
const A: u64 = 0x40;
const D: u64 = 0x80;
const N: u64 = 1 << 63;
/// A supervisor page for everything, its bookkeeping done.
const ALL: u64 = V | R | W | X | A | D;

/// The data page that tests map, and where.
const PAGE: u64 = RAM + 0x8_0000;
const AT: u64 = 0x1234_5000;

/// The levels of each scheme.
const SCHEMES: [(u64, u32); 3] = [(8, 3), (9, 4), (10, 5)];

fn entry(physical: u64, flags: u64) -> u64 {
    physical >> 12 << 10 | flags
}

/// Where the entry of `address` is at `level`, in tables that follow each other from the root down.
fn place(levels: u32, address: u64, level: u32) -> u64 {
    TABLES + 0x1000 * u64::from(levels - 1 - level) + 8 * (address >> (12 + 9 * level) & 0x1ff)
}

/// Maps `address` by `leaf` at `level`, with tables down to there; translation is on in S-mode.
fn map(cpu: &mut Cpu, (mode, levels): (u64, u32), address: u64, level: u32, leaf: u64) {
    for above in (level + 1..levels).rev() {
        let table = TABLES + 0x1000 * u64::from(levels - above);
        put(cpu, place(levels, address, above), entry(table, V));
    }
    put(cpu, place(levels, address, level), leaf);
    let level_before = cpu.get(regs::PRIVILEGE);
    at(cpu, Machine);
    write(cpu, "satp", mode << 60 | TABLES >> 12).unwrap();
    cpu.set(regs::PRIVILEGE, level_before);
    cpu.flush_all();
}

/// A hart in S-mode with one page, by Sv39, and hardware that does not set A and D.
fn mapped(leaf: u64) -> Box<Cpu> {
    mapped_by(SCHEMES[0], AT, 0, leaf)
}

fn mapped_by(scheme: (u64, u32), address: u64, level: u32, leaf: u64) -> Box<Cpu> {
    let mut cpu = hart();
    open_pmp(&mut cpu);
    write(&mut cpu, "menvcfg", envcfg::PBMTE).unwrap();
    at(&mut cpu, Supervisor);
    map(&mut cpu, scheme, address, level, leaf);
    cpu
}

/// What each kind of access comes to: none, or the cause.
fn causes(cpu: &mut Cpu, address: u64) -> [Option<u64>; 3] {
    let isa = cpu.isa.clone();
    [Access::Fetch, Access::Load, Access::Store].map(|access| match isa.translate(cpu, address, access) {
        Ok(_) => None,
        Err(trap) => {
            assert_eq!(trap.value, address, "the address that was accessed");
            Some(trap.cause)
        }
    })
}

const FAULTS: [Option<u64>; 3] = [Some(12), Some(13), Some(15)];

#[test]
fn every_scheme_and_page_size_translates() {
    for scheme in SCHEMES {
        for level in 0..scheme.1 {
            let size = 1u64 << (12 + 9 * level);
            // The largest pages cannot be aligned inside RAM: physical addresses are free of RAM here.
            let base = if level == 0 { PAGE } else { 0x80_0000_0000_0000 & !(size - 1) };
            let mut cpu = mapped_by(scheme, AT, level, entry(base, ALL));
            let isa = cpu.isa.clone();
            let mapping = isa.translate(&mut cpu, AT + 0x123, Access::Load).unwrap();
            let physical = base | (AT + 0x123) & (size - 1);
            let (secure, checked, global) = (false, false, false);
            assert_eq!(mapping, Mapping { physical, size, read: true, write: true, secure, checked, global, code: 0 });
            assert_eq!(isa.translate_debug(&cpu, AT + 0x123), Some(physical));
        }
    }
}

#[test]
fn addresses_must_be_canonical() {
    for scheme in SCHEMES {
        let bits = 12 + 9 * scheme.1;
        let top = u64::MAX << (bits - 1);
        let mut cpu = mapped_by(scheme, top, 0, entry(PAGE, ALL));
        assert_eq!(causes(&mut cpu, top), [None; 3], "the lowest address of the upper half");
        let mut cpu = mapped_by(scheme, top & ((1 << bits) - 1), 0, entry(PAGE, ALL));
        assert_eq!(causes(&mut cpu, top & ((1 << bits) - 1)), FAULTS, "the same bits, not extended");
    }
}

#[test]
fn an_invalid_entry_faults_at_every_level() {
    for scheme in SCHEMES {
        for level in 0..scheme.1 {
            // Not valid, write-only, and reserved bits, in a leaf and in a pointer.
            for wrong in
                [entry(PAGE, ALL) & !V, entry(PAGE, ALL) & !R, entry(PAGE, ALL) | 1 << 54, entry(PAGE, ALL) | 1 << 60]
            {
                let mut cpu = mapped_by(scheme, AT, level, wrong);
                assert_eq!(causes(&mut cpu, AT), FAULTS, "{wrong:#x} at level {level}");
            }
        }
        for level in 1..scheme.1 {
            let table = TABLES + 0x1000 * u64::from(scheme.1 - level);
            for wrong in [U, A, D, N, 1 << 61, 1 << 54, W] {
                let mut cpu = mapped_by(scheme, AT, 0, entry(PAGE, ALL));
                put(&cpu, place(scheme.1, AT, level), entry(table, V | wrong));
                assert_eq!(causes(&mut cpu, AT), FAULTS, "a pointer with {wrong:#x} at level {level}");
                put(&cpu, place(scheme.1, AT, level), entry(table, V | G));
                assert_eq!(causes(&mut cpu, AT), [None; 3], "global is allowed, and what faulted is not remembered");
            }
        }
    }
}

#[test]
fn a_pointer_at_the_last_level_faults() {
    let mut cpu = mapped(entry(PAGE, V));
    assert_eq!(causes(&mut cpu, AT), FAULTS);
}

#[test]
fn a_misaligned_superpage_faults() {
    for scheme in SCHEMES {
        for level in 1..scheme.1 {
            let mut cpu = mapped_by(scheme, AT, level, entry(RAM + (1 << (12 + 9 * (level - 1))), ALL));
            assert_eq!(causes(&mut cpu, AT), FAULTS, "level {level}");
        }
    }
}

#[test]
fn permissions_are_by_kind_of_access() {
    for (flags, allowed) in [
        (X, [true, false, false]),
        (R, [false, true, false]),
        (R | X, [true, true, false]),
        (R | W, [false, true, true]),
        (R | W | X, [true, true, true]),
    ] {
        let mut cpu = mapped(entry(PAGE, V | A | D | flags));
        assert_eq!(causes(&mut cpu, AT).map(|cause| cause.is_none()), allowed, "{flags:#x}");
        set_status(&mut cpu, mstatus::MXR, 1);
        let readable = allowed[1] || flags & X != 0;
        assert_eq!(causes(&mut cpu, AT)[1].is_none(), readable, "with MXR");
    }
}

#[test]
fn user_pages_and_supervisor_pages_are_kept_apart() {
    // Level, U, SUM; whether fetches and whether loads are allowed.
    for (level, user, sum, fetch_allowed, load_allowed) in [
        (User, U, 0, true, true),
        (User, 0, 1, false, false),
        (Supervisor, 0, 0, true, true),
        (Supervisor, U, 0, false, false),
        (Supervisor, U, 1, false, true),
    ] {
        let mut cpu = mapped(entry(PAGE, ALL | user));
        set_status(&mut cpu, mstatus::SUM, sum);
        at(&mut cpu, level);
        let allowed = causes(&mut cpu, AT).map(|cause| cause.is_none());
        assert_eq!(allowed, [fetch_allowed, load_allowed, load_allowed], "{level:?} U={user:#x} SUM={sum}");
    }
}

#[test]
fn without_hardware_updates_a_and_d_fault() {
    let mut cpu = mapped(entry(PAGE, ALL & !A));
    assert_eq!(causes(&mut cpu, AT), FAULTS);
    let mut cpu = mapped(entry(PAGE, ALL & !D));
    assert_eq!(causes(&mut cpu, AT), [None, None, Some(15)]);
    load(&mut cpu, AT).unwrap();
    assert_eq!(store(&mut cpu, AT, 1), Err(trap(15, AT)), "a load must not let stores past");
}

#[test]
fn hardware_updates_set_what_the_access_needs() {
    let leaf = entry(PAGE, ALL & !A & !D);
    let mut cpu = mapped(leaf);
    at(&mut cpu, Machine);
    write(&mut cpu, "menvcfg", envcfg::ADUE).unwrap();
    at(&mut cpu, Supervisor);
    let place = place(3, AT, 0);
    load(&mut cpu, AT).unwrap();
    assert_eq!(get(&cpu, place), leaf | A);
    store(&mut cpu, AT, 7).unwrap();
    assert_eq!((get(&cpu, place), get(&cpu, PAGE)), (leaf | A | D, 7));
    // No update for an access that is not permitted.
    put(&cpu, place, entry(PAGE, V | R));
    cpu.flush_all();
    assert_eq!(store(&mut cpu, AT, 8), Err(trap(15, AT)));
    assert_eq!(get(&cpu, place), entry(PAGE, V | R));
}

#[test]
fn a_model_with_neither_scheme_by_name_updates() {
    let mut cpu = harts("rv64", "svadu=off", 1, false).remove(0);
    open_pmp(&mut cpu);
    at(&mut cpu, Supervisor);
    map(&mut cpu, SCHEMES[0], AT, 0, entry(PAGE, ALL & !A & !D));
    assert_eq!(causes(&mut cpu, AT), [None; 3]);
}

#[test]
fn contiguous_pages_are_of_64_kib_at_the_last_level() {
    // The page number's low bits say the size; those of the address take their place.
    let leaf = entry(RAM + 0x4_0000 + 0x8000, ALL | N);
    let mut cpu = mapped_by(SCHEMES[0], AT & !0xffff, 0, leaf);
    for page in 0..16 {
        put(&cpu, place(3, (AT & !0xffff) + 0x1000 * page, 0), leaf);
        let address = (AT & !0xffff) + 0x1000 * page + 0x10;
        let isa = cpu.isa.clone();
        let mapping = isa.translate(&mut cpu, address, Access::Load).unwrap();
        assert_eq!((mapping.physical, mapping.size), (RAM + 0x4_0000 + 0x1000 * page + 0x10, 0x1_0000));
    }
    for wrong in [entry(RAM + 0x4_0000, ALL | N), entry(RAM + 0x4_0000 + 0x4000, ALL | N)] {
        let mut cpu = mapped_by(SCHEMES[0], AT, 0, wrong);
        assert_eq!(causes(&mut cpu, AT), FAULTS, "another size");
    }
    let mut cpu = mapped_by(SCHEMES[0], AT, 1, entry(0x8000, ALL | N));
    assert_eq!(causes(&mut cpu, AT), FAULTS, "another level");
    let mut cpu = harts("max", "svnapot=off", 1, false).remove(0);
    open_pmp(&mut cpu);
    at(&mut cpu, Supervisor);
    map(&mut cpu, SCHEMES[0], AT, 0, leaf);
    assert_eq!(causes(&mut cpu, AT), FAULTS, "reserved without Svnapot");
}

#[test]
fn memory_types_need_pbmte_and_are_not_all_there() {
    for (kind, there) in [(0, true), (1, true), (2, true), (3, false)] {
        let mut cpu = mapped(entry(PAGE, ALL) | kind << 61);
        assert_eq!(causes(&mut cpu, AT), if there { [None; 3] } else { FAULTS }, "PBMT {kind}");
        at(&mut cpu, Machine);
        write(&mut cpu, "menvcfg", 0).unwrap();
        at(&mut cpu, Supervisor);
        assert_eq!(causes(&mut cpu, AT), if kind == 0 { [None; 3] } else { FAULTS }, "PBMT {kind} without PBMTE");
    }
}

#[test]
fn a_table_that_is_not_there_is_an_access_fault() {
    let faults = [Some(1), Some(5), Some(7)];
    let mut cpu = mapped(entry(PAGE, ALL));
    put(&cpu, place(3, AT, 1), entry(0x4000_0000, V));
    assert_eq!(causes(&mut cpu, AT), faults);
    let mut cpu = mapped(entry(PAGE, ALL));
    at(&mut cpu, Machine);
    // Only what is above the tables is open.
    write(&mut cpu, "pmpaddr0", (TABLES + 0x3000) >> 2).unwrap();
    write(&mut cpu, "pmpaddr1", u64::MAX).unwrap();
    write(&mut cpu, "pmpcfg0", 0x1f << 8 | 0x08).unwrap();
    at(&mut cpu, Supervisor);
    assert_eq!(causes(&mut cpu, AT), faults, "PMP holds for page walks");
}

#[test]
fn an_update_of_a_table_needs_pmp_to_let_it() {
    let mut cpu = mapped(entry(PAGE, ALL & !A & !D));
    at(&mut cpu, Machine);
    write(&mut cpu, "menvcfg", envcfg::ADUE).unwrap();
    write(&mut cpu, "pmpaddr0", (TABLES + 0x3000) >> 2).unwrap();
    write(&mut cpu, "pmpaddr1", u64::MAX).unwrap();
    // Tables may be read, the rest is open.
    write(&mut cpu, "pmpcfg0", 0x1f << 8 | 0x09).unwrap();
    at(&mut cpu, Supervisor);
    assert_eq!(causes(&mut cpu, AT), [Some(1), Some(5), Some(7)]);
}

#[test]
fn m_mode_is_not_translated_but_by_mprv() {
    let mut cpu = mapped(entry(PAGE, ALL | U));
    put(&cpu, PAGE, 0x55);
    at(&mut cpu, Machine);
    assert_eq!(load(&mut cpu, PAGE), Ok(0x55));
    set_status(&mut cpu, mstatus::MPP, 0);
    set_status(&mut cpu, mstatus::MPRV, 1);
    assert_eq!(load(&mut cpu, AT), Ok(0x55), "as U-mode");
    assert_eq!(fetch(&mut cpu, PAGE), Ok(PAGE), "fetches are not touched");
    set_status(&mut cpu, mstatus::MPP, 1);
    assert_eq!(load(&mut cpu, AT), Err(trap(13, AT)), "as S-mode, whose SUM is off");
    set_status(&mut cpu, mstatus::SUM, 1);
    assert_eq!(load(&mut cpu, AT), Ok(0x55));
}

#[test]
fn what_is_remembered_goes_by_address_space_and_fence() {
    let mut cpu = mapped(entry(PAGE, ALL));
    put(&cpu, PAGE, 1);
    put(&cpu, PAGE + 0x1000, 2);
    assert_eq!(load(&mut cpu, AT), Ok(1));
    put(&cpu, place(3, AT, 0), entry(PAGE + 0x1000, ALL));
    let other = satp::SV39 << 60 | 5 << 44 | TABLES >> 12;
    write(&mut cpu, "satp", other).unwrap();
    assert_eq!(load(&mut cpu, AT), Ok(2), "another address space has nothing remembered");
    // sfence.vma of its ASID, of the page in another, of the page in its own.
    for (address, asid, what, seen) in [(0, 5, 2, 1), (AT, 6, 3, 2), (AT, 5, 3, 1), (AT, 0, 1, 2), (0, 0, 0, 1)] {
        let now = if seen == 1 { PAGE } else { PAGE + 0x1000 };
        put(&cpu, place(3, AT, 0), entry(now, ALL));
        call(&mut cpu, "sfence_vma", [address, asid, what]).unwrap();
        if !(what == 3 && asid == 6) {
            assert_eq!(load(&mut cpu, AT), Ok(seen), "{address:#x} {asid} {what}");
        }
    }
}

#[test]
fn a_fence_of_a_page_in_a_superpage_drops_all_of_it() {
    let mut cpu = mapped_by(SCHEMES[0], AT, 1, entry(RAM & !0x1f_ffff, ALL));
    let inside = AT & !0x1f_ffff;
    let physical = RAM & !0x1f_ffff;
    put(&cpu, physical + 0x5000, 5);
    assert_eq!(load(&mut cpu, inside + 0x5000), Ok(5));
    put(&cpu, place(3, AT, 1), 0);
    call(&mut cpu, "sfence_vma", [inside + 0x9000, 0, 1]).unwrap();
    assert_eq!(load(&mut cpu, inside + 0x5000), Err(trap(13, inside + 0x5000)));
}

#[test]
fn an_access_over_two_pages_blames_the_part_that_faults() {
    let mut cpu = mapped(entry(PAGE, ALL));
    assert_eq!(load(&mut cpu, AT + 0xffc), Err(trap(13, AT + 0x1000)));
    assert_eq!(store(&mut cpu, AT + 0xffc, u64::MAX), Err(trap(15, AT + 0x1000)));
    assert_eq!(get(&cpu, PAGE + 0xff8), 0, "and nothing was stored");
    assert_eq!(load(&mut cpu, AT - 4), Err(trap(13, AT - 4)));
}

/// Writes `satp` for the address space `asid`, whose tables are the only ones.
fn switch_to(cpu: &mut Cpu, asid: u64) {
    write(cpu, "satp", satp::SV39 << 60 | asid << 44 | TABLES >> 12).unwrap();
}

#[test]
fn global_pages_are_remembered_over_a_switch_until_all_spaces_are_fenced() {
    // sfence.vma with an ASID leaves them alone, of a page or of all; a fence that names none does not.
    for (fence, kept) in [([0, 1, 2], true), ([AT, 1, 3], true), ([AT, 0, 1], false), ([0, 0, 0], false)] {
        for global_table in [false, true] {
            let mut cpu = mapped(entry(PAGE, if global_table { ALL } else { ALL | G }));
            let table = place(3, AT, 1);
            put(&cpu, table, get(&cpu, table) | if global_table { G } else { 0 });
            put(&cpu, PAGE, 1);
            put(&cpu, PAGE + 0x1000, 2);
            switch_to(&mut cpu, 1);
            assert_eq!((load(&mut cpu, AT), fetch(&mut cpu, AT)), (Ok(1), Ok(PAGE)));
            // Nobody walks the tables again for it, which shows.
            put(&cpu, place(3, AT, 0), entry(PAGE + 0x1000, ALL | G));
            for asid in [2, 3] {
                switch_to(&mut cpu, asid);
                assert_eq!((load(&mut cpu, AT), fetch(&mut cpu, AT)), (Ok(1), Ok(PAGE)), "in space {asid}");
            }
            call(&mut cpu, "sfence_vma", fence).unwrap();
            let seen = if kept { (Ok(1), Ok(PAGE)) } else { (Ok(2), Ok(PAGE + 0x1000)) };
            for asid in [3, 2, 4] {
                switch_to(&mut cpu, asid);
                assert_eq!((load(&mut cpu, AT), fetch(&mut cpu, AT)), seen, "after {fence:?} in space {asid}");
            }
        }
    }
}

#[test]
fn global_pages_keep_what_each_privilege_may_do() {
    let mut cpu = mapped(entry(PAGE, ALL | U | G));
    set_status(&mut cpu, mstatus::SUM, 1);
    for asid in 1..4 {
        switch_to(&mut cpu, asid);
        assert!(load(&mut cpu, AT).is_ok() && store(&mut cpu, AT, 0).is_ok());
        assert!(fetch(&mut cpu, AT).is_err(), "no S-mode fetches from pages of U-mode");
        set_status(&mut cpu, mstatus::SUM, 0);
        assert_eq!(load(&mut cpu, AT), Err(trap(13, AT)));
        at(&mut cpu, User);
        assert!(load(&mut cpu, AT).is_ok() && fetch(&mut cpu, AT).is_ok());
        at(&mut cpu, Supervisor);
        set_status(&mut cpu, mstatus::SUM, 1);
    }
    // What M-mode sees at the same address is not this page.
    at(&mut cpu, Machine);
    assert_eq!(load(&mut cpu, AT), Err(trap(5, AT)));
    assert_eq!(fetch(&mut cpu, AT), Err(trap(1, AT)));
}

#[test]
fn what_is_remembered_of_loads_does_not_let_stores_past() {
    let mut cpu = mapped(entry(PAGE, ALL & !D));
    load(&mut cpu, AT).unwrap();
    assert_eq!(store(&mut cpu, AT, 1), Err(trap(15, AT)));
    put(&cpu, place(3, AT, 0), entry(PAGE, ALL));
    assert_eq!(store(&mut cpu, AT, 1), Ok(()), "a permission that was added needs no fence");
}

/// Random maps, remaps, fences and switches: with every change fenced as it must be, what is loaded is what a walk of
/// the tables says, in every address space and privilege, on both sides of any number of contexts.
#[test]
fn what_is_remembered_is_what_the_tables_say() {
    const PAGES: u64 = 24;
    let mut cpu = mapped(0);
    let mut state = 7u64;
    let mut below = |n: u64| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) % n
    };
    for page in 0..PAGES {
        put(&cpu, PAGE + 0x1000 * page, 0x100 + page);
    }
    let flags = [ALL, ALL | U, ALL | G, ALL & !(W | D), ALL & !R, V | X | A, ALL & !D | U, 0, ALL | U | G];
    for round in 0..60_000 {
        let address = AT + 0x1000 * below(PAGES);
        match below(12) {
            0 => {
                let flags = flags[below(flags.len() as u64) as usize];
                let leaf = place(3, address, 0);
                let was_global = get(&cpu, leaf) & G != 0;
                let target = PAGE + 0x1000 * below(PAGES);
                put(&cpu, leaf, entry(target, flags));
                // The tables are those of all spaces, so no fence of one space is enough.
                match below(3) {
                    0 => call(&mut cpu, "sfence_vma", [0, 0, 0]).unwrap(),
                    1 if !was_global => {
                        for asid in 0..4 {
                            call(&mut cpu, "sfence_vma", [address, asid, 3]).unwrap();
                        }
                        0
                    }
                    _ => call(&mut cpu, "sfence_vma", [address, 0, 1]).unwrap(),
                };
            }
            1 | 2 => switch_to(&mut cpu, below(4)),
            3 => set_status(&mut cpu, mstatus::SUM, below(2)),
            4 => set_status(&mut cpu, mstatus::MXR, below(2)),
            5 => at(&mut cpu, Supervisor),
            6 if below(4) == 0 => {
                call(&mut cpu, "sfence_vma", [address, below(4), 2]).unwrap();
            }
            7 => {
                at(&mut cpu, User);
                assert_eq!(cpu.load(WORD, address).ok(), expected(&mut cpu, address), "round {round}, {address:#x}");
                at(&mut cpu, Supervisor);
            }
            8 => {
                let isa = cpu.isa.clone();
                let walked = isa.translate(&mut cpu, address, Access::Fetch).map(|mapping| mapping.physical);
                assert_eq!(fetch(&mut cpu, address), walked, "round {round}");
            }
            9 => {
                let isa = cpu.isa.clone();
                let walked = isa.translate(&mut cpu, address, Access::Store).map(|mapping| mapping.physical);
                let value = walked.map_or(0, |physical| get(&cpu, physical));
                assert_eq!(store(&mut cpu, address, value).is_ok(), walked.is_ok(), "round {round}, {address:#x}");
            }
            _ => assert_eq!(cpu.load(WORD, address).ok(), expected(&mut cpu, address), "round {round}, {address:#x}"),
        }
    }
}

/// What a load at `address` must see, by a walk.
fn expected(cpu: &mut Cpu, address: u64) -> Option<u64> {
    let isa = cpu.isa.clone();
    isa.translate(cpu, address, Access::Load).ok().map(|mapping| get(cpu, mapping.physical))
}
