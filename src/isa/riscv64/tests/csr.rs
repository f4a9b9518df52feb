use super::*;
use crate::isa::riscv64::fields::{envcfg, irq};
use crate::isa::riscv64::regs::x;
use crate::isa::riscv64::{csr, status as status_csrs};

#[test]
fn every_number_finds_its_own_row_and_names_are_unique() {
    for row in csr::CSRS {
        assert_eq!(csr::find(row.number).unwrap().name, row.name);
        assert_eq!(csr::named(row.name).unwrap().number, row.number, "{}", row.name);
    }
    assert_eq!(csr::find(0xb1f).unwrap().name, "mhpmcounter");
    assert_eq!(csr::find(0xc03).unwrap().name, "hpmcounter");
    assert!(csr::find(0xb01).is_none(), "time has no machine-level twin");
    assert!(csr::find(0x340 + 0x400).is_none());
}

#[test]
fn privilege_and_read_only_are_in_the_number() {
    let mut cpu = hart();
    assert_eq!(read(&mut cpu, "mhartid"), Ok(0));
    assert_eq!(call(&mut cpu, "csr_read", [0xf14 | 1 << 16, 0x1234, 0]), refused(), "an instruction that also writes");
    at(&mut cpu, Privilege::Supervisor);
    assert_eq!(read(&mut cpu, "mstatus"), refused());
    assert_eq!(read(&mut cpu, "sscratch"), Ok(0));
    at(&mut cpu, Privilege::User);
    assert_eq!(read(&mut cpu, "sscratch"), refused());
    assert_eq!(call(&mut cpu, "csr_read", [0x5c0, 0x1234, 0]), refused(), "no such CSR");
}

#[test]
fn csrs_of_absent_extensions_are_absent() {
    let mut cpu = harts("rv64", "sstc=off,f=off,d=off,zfa=off,zihpm=off", 1, false).remove(0);
    for (number, there) in [(0x14d, false), (0x001, false), (0xc03, false), (0xc00, true), (0xb03, true)] {
        assert_eq!(call(&mut cpu, "csr_read", [number, 0, 0]).is_ok(), there, "{number:#x}");
    }
    assert_eq!(after(&mut cpu, "mstatus", mstatus::FS) & mstatus::FS, 0, "no float unit, no state");
    assert_eq!(after(&mut cpu, "menvcfg", u64::MAX) & envcfg::STCE, 0);
}

#[test]
fn misa_says_the_model_and_is_not_written() {
    let mut cpu = hart();
    let letters = |text: &str| text.bytes().fold(0, |misa, letter| misa | 1 << (letter - b'a'));
    assert_eq!(after(&mut cpu, "misa", 0), 2 << 62 | letters("abcdfgimsu"));
    let mut cpu = harts("rv64", "c=off", 1, false).remove(0);
    assert_eq!(read(&mut cpu, "misa"), Ok(2 << 62 | letters("adfimsu")));
    assert_eq!(after(&mut cpu, "mepc", 0x1236), 0x1234, "instructions are aligned to 4 bytes");
}

#[test]
fn mstatus_keeps_what_is_not_writable() {
    let mut cpu = hart();
    let all = after(&mut cpu, "mstatus", u64::MAX);
    assert_eq!(all, 0x8000_000a_007e_79aa, "MPP 3, both XLENs 64, SD, no VS, XS, MBE, SBE, UBE");
    assert_eq!(after(&mut cpu, "mstatus", 0), 0xa_0000_0000);
    assert_eq!(after(&mut cpu, "mstatus", 2 << 11) & mstatus::MPP, 0, "the reserved level is not written");
    write(&mut cpu, "mstatus", 1 << 11).unwrap();
    assert_eq!(after(&mut cpu, "mstatus", 2 << 11) & mstatus::MPP, 1 << 11);
    assert_eq!(after(&mut cpu, "sstatus", u64::MAX), 0x8000_0002_000c_6122);
    assert_eq!(read(&mut cpu, "mstatus").unwrap() & mstatus::MPP, 1 << 11, "sstatus does not reach it");
}

#[test]
fn sd_follows_fs() {
    let mut cpu = hart();
    for fs in 0..4 {
        set_status(&mut cpu, mstatus::FS, fs);
        assert_eq!(read(&mut cpu, "sstatus").unwrap() & mstatus::SD != 0, fs == 3);
    }
}

#[test]
fn interrupt_masks_hold_what_there_is() {
    let mut cpu = hart();
    assert_eq!(after(&mut cpu, "medeleg", u64::MAX), 0xb3ff);
    assert_eq!(after(&mut cpu, "mideleg", u64::MAX), 0x2222);
    assert_eq!(after(&mut cpu, "mie", u64::MAX), 0x2aaa);
    assert_eq!(after(&mut cpu, "mip", u64::MAX), 0x2222, "the machine's bits are pins");
    assert_eq!(read(&mut cpu, "sie"), Ok(0x2222));
    write(&mut cpu, "mideleg", 1 << irq::SSI).unwrap();
    assert_eq!((read(&mut cpu, "sie"), read(&mut cpu, "sip")), (Ok(2), Ok(2)), "what is not delegated is not seen");
    write(&mut cpu, "sie", 0).unwrap();
    assert_eq!(read(&mut cpu, "mie"), Ok(0x2aa8));
    write(&mut cpu, "sip", 0).unwrap();
    assert_eq!(read(&mut cpu, "mip"), Ok(0x2220), "of sip, only SSIP is written");
}

#[test]
fn trap_vectors_and_return_addresses_are_legal() {
    let mut cpu = hart();
    assert_eq!(after(&mut cpu, "mtvec", 0x8000_0001), 0x8000_0001);
    assert_eq!(after(&mut cpu, "mtvec", 0x9000_0002), 0x8000_0001, "a reserved mode");
    assert_eq!(after(&mut cpu, "sepc", 0x1237), 0x1236);
    assert_eq!(after(&mut cpu, "mcounteren", u64::MAX), 0x7_ffff);
    assert_eq!(after(&mut cpu, "mcountinhibit", u64::MAX), 0x7_fffd);
}

#[test]
fn satp_ignores_modes_that_the_model_lacks() {
    let mut cpu = harts("max", "sv57=off", 1, false).remove(0);
    let sv48 = 9 << 60 | 0x1234 << 44 | 0x8_0000;
    assert_eq!(after(&mut cpu, "satp", sv48), sv48);
    for mode in [1, 7, 10, 11, 15] {
        assert_eq!(after(&mut cpu, "satp", mode << 60 | 5), sv48, "mode {mode}");
    }
    assert_eq!(after(&mut cpu, "satp", u64::MAX >> 4 | 8 << 60), u64::MAX >> 4 | 8 << 60, "16 bits of ASID");
    let mut cpu = harts("max", "mmu=off", 1, false).remove(0);
    assert_eq!(after(&mut cpu, "satp", 8 << 60), 0);
}

#[test]
fn tvm_keeps_s_mode_from_satp_and_fences() {
    let mut cpu = hart();
    set_status(&mut cpu, mstatus::TVM, 1);
    assert_eq!(read(&mut cpu, "satp"), Ok(0), "M-mode is not bound");
    at(&mut cpu, Privilege::Supervisor);
    assert_eq!(read(&mut cpu, "satp"), refused());
    assert_eq!(call(&mut cpu, "sfence_vma", [0, 0, 0x1234 << 32]), refused());
    assert_eq!(call(&mut cpu, "sfence_check", [0x1234, 0, 0]), Ok(0));
    set_status(&mut cpu, mstatus::TVM, 0);
    assert_eq!(call(&mut cpu, "sfence_vma", [0, 0, 0x1234 << 32]), Ok(0));
    at(&mut cpu, Privilege::User);
    assert_eq!(call(&mut cpu, "sfence_vma", [0, 0, 0x1234 << 32]), refused());
    assert_eq!(call(&mut cpu, "sfence_check", [0x1234, 0, 0]), refused());
}

#[test]
fn envcfg_has_the_models_fields_and_no_reserved_cbie() {
    let mut cpu = hart();
    assert_eq!(after(&mut cpu, "menvcfg", u64::MAX), 0xe000_0000_0000_00f1);
    assert_eq!(after(&mut cpu, "menvcfg", 2 << 4), 3 << 4, "CBIE 2 is reserved and keeps the old one");
    assert_eq!(after(&mut cpu, "senvcfg", u64::MAX), 0xf1);
    let mut cpu = harts("rv64", "zicbom=off,zicboz=off,svadu=off,sstc=off", 1, false).remove(0);
    assert_eq!(after(&mut cpu, "menvcfg", u64::MAX), 1);
}

#[test]
fn float_csrs_need_fs() {
    let mut cpu = hart();
    for name in ["fflags", "frm", "fcsr"] {
        assert_eq!(read(&mut cpu, name), refused());
        assert!(write(&mut cpu, name, 0).is_err());
    }
    set_status(&mut cpu, mstatus::FS, 1);
    assert_eq!(read(&mut cpu, "fcsr"), Ok(0));
    assert_eq!(status(&cpu, mstatus::FS), 1, "reading dirties nothing");
    write(&mut cpu, "frm", 2).unwrap();
    assert_eq!(status(&cpu, mstatus::FS), 3);
}

#[test]
fn flags_that_engines_gather_are_in_fflags() {
    let mut cpu = hart();
    set_status(&mut cpu, mstatus::FS, 1);
    write(&mut cpu, "fcsr", 0x61).unwrap();
    cpu.float_flags = 0x30;
    assert_eq!(read(&mut cpu, "fflags"), Ok(0x11), "an input denormal is no RISC-V flag");
    assert_eq!(cpu.float_flags, 0);
    assert_eq!(read(&mut cpu, "fcsr"), Ok(0x71));
    cpu.float_flags = 8;
    write(&mut cpu, "fflags", 2).unwrap();
    assert_eq!(read(&mut cpu, "fcsr"), Ok(0x62), "a write replaces them too");
    cpu.float_flags = 8;
    write(&mut cpu, "frm", 0xff).unwrap();
    assert_eq!(read(&mut cpu, "fcsr"), Ok(0xea), "one of the other field does not");
    assert_eq!(crate::isa::riscv64::mode::CodeMode::decode(cpu.mode).frm, 7);
}

#[test]
fn float_dirty_dirties_once() {
    let mut cpu = hart();
    set_status(&mut cpu, mstatus::FS, 2);
    let before = cpu.mode;
    call(&mut cpu, "float_dirty", [0; 3]).unwrap();
    assert_eq!(status(&cpu, mstatus::FS), 3);
    assert_ne!(cpu.mode, before);
}

#[test]
fn counters_are_gated_level_by_level() {
    let mut cpu = hart();
    cpu.clock().set(1000);
    for (machine, supervisor) in [(0, 0), (2, 0), (0, 2), (2, 2)] {
        at(&mut cpu, Privilege::Machine);
        write(&mut cpu, "mcounteren", machine).unwrap();
        write(&mut cpu, "scounteren", supervisor).unwrap();
        assert_eq!(read(&mut cpu, "time"), Ok(10));
        at(&mut cpu, Privilege::Supervisor);
        assert_eq!(read(&mut cpu, "time").is_ok(), machine != 0);
        at(&mut cpu, Privilege::User);
        assert_eq!(read(&mut cpu, "time").is_ok(), machine & supervisor != 0);
        assert_eq!(read(&mut cpu, "cycle"), refused());
    }
}

#[test]
fn counters_go_on_from_what_is_written() {
    let mut cpu = hart();
    write(&mut cpu, "mcycle", u64::MAX).unwrap();
    assert_eq!(read(&mut cpu, "cycle"), Ok(u64::MAX));
    cpu.clock().set(3);
    assert_eq!(read(&mut cpu, "mcycle"), Ok(2), "it runs over");
    write(&mut cpu, "mcountinhibit", 1).unwrap();
    cpu.clock().set(100);
    assert_eq!((read(&mut cpu, "mcycle"), read(&mut cpu, "minstret")), (Ok(2), Ok(100)));
    write(&mut cpu, "mcycle", 7).unwrap();
    cpu.clock().set(200);
    assert_eq!(read(&mut cpu, "mcycle"), Ok(7));
    write(&mut cpu, "mcountinhibit", 0).unwrap();
    cpu.clock().set(201);
    assert_eq!(read(&mut cpu, "mcycle"), Ok(8));
}

#[test]
fn idle_counters_are_zero() {
    let mut cpu = hart();
    for number in [0xb13, 0xb1f, 0x333, 0x33f, 0xc13, 0xc1f] {
        assert_eq!(call(&mut cpu, "csr_read", [number, 0, 0]), Ok(0));
    }
    assert_eq!(call(&mut cpu, "csr_write", [0xb13, 5, 0]), Ok(0));
    assert_eq!(call(&mut cpu, "csr_read", [0xb13, 0, 0]), Ok(0));
}

#[test]
fn stimecmp_drives_stip() {
    let mut cpu = hart();
    at(&mut cpu, Privilege::Supervisor);
    assert_eq!(read(&mut cpu, "stimecmp"), refused(), "menvcfg.STCE");
    at(&mut cpu, Privilege::Machine);
    write(&mut cpu, "mcounteren", 2).unwrap();
    write(&mut cpu, "menvcfg", envcfg::STCE).unwrap();
    at(&mut cpu, Privilege::Supervisor);
    write(&mut cpu, "stimecmp", 5).unwrap();
    assert_eq!(status_csrs::mip(&mut cpu), 0);
    cpu.clock().set(500);
    cpu.board.timers.fire_due();
    assert_eq!(status_csrs::mip(&mut cpu), 1 << irq::STI);
    write(&mut cpu, "stimecmp", 6).unwrap();
    assert_eq!(status_csrs::mip(&mut cpu), 0, "it is pending as long as time has reached it");
    at(&mut cpu, Privilege::Machine);
    write(&mut cpu, "stimecmp", 0).unwrap();
    assert_eq!(after(&mut cpu, "mip", 0) & 1 << irq::STI, 1 << irq::STI, "with Sstc software does not write STIP");
    write(&mut cpu, "menvcfg", 0).unwrap();
    assert_eq!(read(&mut cpu, "mip"), Ok(0));
}

#[test]
fn setting_mtime_moves_the_supervisor_timer() {
    let mut cpu = hart();
    write(&mut cpu, "menvcfg", envcfg::STCE).unwrap();
    write(&mut cpu, "stimecmp", 1 << 40).unwrap();
    let timebase = crate::isa::riscv64::config(&cpu).harts.clone();
    timebase.timebase().set(1 << 40);
    assert_eq!(status_csrs::mip(&mut cpu), 1 << irq::STI);
    timebase.timebase().set(0);
    assert_eq!(status_csrs::mip(&mut cpu), 0);
}

#[test]
fn modifying_mip_leaves_what_a_pin_drives() {
    let mut cpu = hart();
    cpu.pins.set(irq::SEI, true);
    assert_eq!(read(&mut cpu, "mip"), Ok(1 << irq::SEI));
    // csrrs x0, mip, x5 with SSIP in x5; what CSR_READ gave has SEIP in it.
    cpu.set(x(5), 1 << irq::SSI);
    let csrrs = 0x344 << 20 | 5 << 15 | 2 << 12 | 0x73;
    call(&mut cpu, "csr_write", [0x344, 1 << irq::SEI | 1 << irq::SSI, csrrs]).unwrap();
    cpu.pins.set(irq::SEI, false);
    assert_eq!(read(&mut cpu, "mip"), Ok(1 << irq::SSI), "SEIP was the pin's, not software's");
    // csrrci x0, mip, 2
    let csrrci = 0x344 << 20 | 2 << 15 | 7 << 12 | 0x73;
    call(&mut cpu, "csr_write", [0x344, 0, csrrci]).unwrap();
    assert_eq!(read(&mut cpu, "mip"), Ok(0));
    write(&mut cpu, "mip", 1 << irq::SEI).unwrap();
    assert_eq!(read(&mut cpu, "mip"), Ok(1 << irq::SEI), "software may set it for a lower level");
}

#[test]
fn an_edge_on_ssi_stays_until_it_is_cleared() {
    let mut cpu = hart();
    cpu.pins.pulse(irq::SSI);
    assert_eq!(read(&mut cpu, "mip"), Ok(1 << irq::SSI));
    write(&mut cpu, "mip", 0).unwrap();
    assert_eq!(read(&mut cpu, "mip"), Ok(0));
}

#[test]
fn a_debugger_sees_and_writes_whole_csrs() {
    let mut cpu = hart();
    let isa = cpu.isa.clone();
    let register = |name: &str| *isa.registers().iter().find(|reg| reg.name == name).unwrap();
    isa.write_register(&mut cpu, &register("zero"), 5);
    assert_eq!(cpu.get(x(0)), 0);
    isa.write_register(&mut cpu, &register("frm"), 3);
    assert_eq!(isa.read_register(&mut cpu, &register("fcsr")), 0x60);
    isa.write_register(&mut cpu, &register("priv"), 1);
    assert_eq!(isa.privilege(&cpu), 1);
    assert_eq!(isa.read_register(&mut cpu, &register("mhartid")), 0, "below the level that may");
    let names: std::collections::BTreeSet<&str> = isa.registers().iter().map(|reg| reg.name).collect();
    assert_eq!(names.len(), isa.registers().len());
    assert!(isa.registers().iter().all(|reg| usize::from(reg.slot.0) < isa.slots()));
}
