//! Exceptions: their levels, their syndromes, what they save.

use super::*;
use crate::isa::aarch64::fields::sctlr;

#[test]
fn a_host_less_hypervisor_takes_its_users_float_traps_as_undefined() {
    let mut cpu = cpu();
    set_hcr(&mut cpu, hcr::TGE);
    at(&mut cpu, 0);
    let result = call(&mut cpu, "float_trap", [0; 3]);
    assert_eq!(taken(&mut cpu, result.unwrap_err()), (2, UNDEFINED));
    set_hcr(&mut cpu, 0);
    at(&mut cpu, 0);
    let result = call(&mut cpu, "float_trap", [0; 3]);
    assert_eq!(taken(&mut cpu, result.unwrap_err()), (1, 0x1fe0_0000));
}

#[test]
fn a_debugging_hypervisor_takes_breakpoint_instructions() {
    let mut cpu = cpu();
    for (tde, from, level) in [(0, 0, 1), (0, 1, 1), (1 << 8, 0, 2), (1 << 8, 1, 2), (1 << 8, 2, 2), (1 << 8, 3, 3)] {
        put_register(&mut cpu, "MDCR_EL2", tde);
        at(&mut cpu, from);
        let result = call(&mut cpu, "brk", [4, 0, 0]);
        assert_eq!(taken(&mut cpu, result.unwrap_err()), (level, 0xf200_0004));
    }
}

#[test]
fn one_halt_is_a_semihosting_call_where_those_are_served() {
    struct Echo {
        users: bool,
    }
    impl crate::cpu::Semihosting for Echo {
        fn serves_users(&self) -> bool {
            self.users
        }
        fn call(&self, _: &mut Cpu, operation: u32, parameter: u64) -> Option<u64> {
            (operation != 7).then_some(parameter)
        }
    }
    let mut cpu = cpu();
    at(&mut cpu, 1);
    assert!(call(&mut cpu, "hlt", [0xf000, 0, 0]).is_err());
    for (level, users, served) in [(0, false, false), (0, true, true), (1, false, true), (2, false, true)] {
        at(&mut cpu, level);
        cpu.board.semihosting = Some(std::sync::Arc::new(Echo { users }));
        cpu.pc = 0x1000;
        cpu.set(crate::isa::aarch64::regs::x(0), 7);
        cpu.set(crate::isa::aarch64::regs::x(1), 99);
        assert_eq!(call(&mut cpu, "hlt", [0xf000, 0, 0]).ok(), served.then_some(0x1000), "it waits");
        cpu.set(crate::isa::aarch64::regs::x(0), 1);
        assert_eq!(call(&mut cpu, "hlt", [0xf000, 0, 0]).ok(), served.then_some(0x1004));
        assert_eq!(cpu.get(crate::isa::aarch64::regs::x(0)), if served { 99 } else { 1 });
        assert!(call(&mut cpu, "hlt", [0xf001, 0, 0]).is_err());
    }
}

#[test]
fn ssbs_is_only_set_where_it_is() {
    for (model, ssbs) in [("cortex-a53", 0), ("neoverse-n1", pstate::SSBS)] {
        let mut cpu = cpu_of(model, "");
        put_register(&mut cpu, "SCTLR_EL1", sctlr::DSSBS);
        at(&mut cpu, 0);
        let result = call(&mut cpu, "svc", [0; 3]);
        taken(&mut cpu, result.unwrap_err());
        assert_eq!(cpu.get(slots::PSTATE) & pstate::SSBS, ssbs, "{model}");
    }
}

#[test]
fn an_atomic_wrote_only_where_reading_alone_would_have_worked() {
    const LDADD: u32 = 0xf820_0022;
    const WRITE: u64 = 1 << 6;
    let mut cpu = cpu();
    at(&mut cpu, 1);
    cpu.pc = RAM;
    for (word, wrote) in [(LDADD, 0), (0xf900_0020, WRITE)] {
        put_insn(&cpu, RAM, word);
        at(&mut cpu, 1);
        cpu.pc = RAM;
        let mem = Mem::aligned(MemSize::B8);
        assert!(cpu.cas(mem, RAM + 0x104, 0, 0).is_err());
        let trap = cpu.trap;
        assert_eq!(taken(&mut cpu, trap), (1, 0x9600_0021 | wrote), "{word:#x}");
    }
}

#[test]
fn memory_without_translation_is_a_device() {
    let mut cpu = cpu();
    at(&mut cpu, 1);
    assert!(crate::isa::aarch64::mode::CodeMode::decode(cpu.mode).aligned);
    // With a default cacheability there is stage 2, and memory is what it says.
    set_hcr(&mut cpu, hcr::DC);
    at(&mut cpu, 1);
    assert!(!crate::isa::aarch64::mode::CodeMode::decode(cpu.mode).aligned);
}

#[test]
fn pairs_are_aligned_as_a_whole() {
    let mut cpu = cpu();
    at(&mut cpu, 1);
    assert_eq!(call(&mut cpu, "aligned", [RAM + 16, 16, 0]), Ok(0));
    let result = call(&mut cpu, "aligned", [RAM + 8, 16, 1]);
    assert_eq!(taken(&mut cpu, result.unwrap_err()), (1, 0x9600_0061));
    assert_eq!(cpu.get(slots::FAR_EL1), RAM + 8);
}

#[test]
fn debuggers_are_shown_instructions_as_text() {
    let cpu = cpu();
    assert_eq!(cpu.isa.disassemble(&0xd503_201fu32.to_le_bytes(), RAM), ("nop".to_string(), 4));
    assert_eq!(cpu.isa.disassemble(&0x1000_0181u32.to_le_bytes(), RAM).0.split(' ').next(), Some("adr"));
}
