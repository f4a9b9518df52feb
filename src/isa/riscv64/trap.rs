//! Traps: which are due, how their handlers are entered, and the way back.

use super::extensions::Extensions;
use super::fields::{cause, irq, mstatus};
use super::mode::Privilege;
use super::sbi::sse;
use super::status::{look_at_interrupts, mip};
use super::{config, counters, regs};
use crate::base::bits::{bit, field, with_field};
use crate::cpu::{Access, Cpu, Trap};
use crate::dlog;

/// The privilege level that the hart is at.
pub fn privilege(cpu: &Cpu) -> Privilege {
    Privilege::decode(cpu.get(regs::PRIVILEGE))
}

/// The trap of an illegal instruction, whose bits are given.
pub fn illegal(instruction: u64) -> Trap {
    Trap { cause: cause::ILLEGAL, value: instruction }
}

/// The page fault of an access.
pub fn page_fault(address: u64, access: Access) -> Trap {
    let cause = match access {
        Access::Fetch => cause::FETCH_PAGE,
        Access::Load => cause::LOAD_PAGE,
        Access::Store => cause::STORE_PAGE,
    };
    Trap { cause, value: address }
}

/// The access fault of an access.
pub fn access_fault(address: u64, access: Access) -> Trap {
    let cause = match access {
        Access::Fetch => cause::FETCH_ACCESS,
        Access::Load => cause::LOAD_ACCESS,
        Access::Store => cause::STORE_ACCESS,
    };
    Trap { cause, value: address }
}

/// The trap of a misaligned access.
pub fn misaligned(address: u64, access: Access) -> Trap {
    let cause = match access {
        Access::Fetch => cause::FETCH_MISALIGNED,
        Access::Load => cause::LOAD_MISALIGNED,
        Access::Store => cause::STORE_MISALIGNED,
    };
    Trap { cause, value: address }
}

/// The interrupt to be taken now, if any.
pub fn pending(cpu: &mut Cpu) -> Option<Trap> {
    let waiting = mip(cpu) & cpu.get(regs::MIE);
    if cpu.get(regs::EVENTS) & sse::LOOK != 0 && privilege(cpu) < Privilege::Machine {
        return Some(Trap { cause: cause::EVENT, value: 0 });
    }
    if waiting == 0 {
        return None;
    }
    let (status, delegated, at) = (cpu.get(regs::MSTATUS), cpu.get(regs::MIDELEG), privilege(cpu));
    let machine_on = at < Privilege::Machine || status & mstatus::MIE != 0;
    let supervisor_on = at < Privilege::Supervisor || (at == Privilege::Supervisor && status & mstatus::SIE != 0);
    // Those for M-mode come first, whatever their numbers.
    let to_machine = if machine_on { waiting & !delegated } else { 0 };
    let to_supervisor = if supervisor_on { waiting & delegated } else { 0 };
    let due = if to_machine != 0 { to_machine } else { to_supervisor };
    let number = irq::BY_PRIORITY.into_iter().find(|number| bit(due, *number))?;
    Some(Trap { cause: cause::INTERRUPT | u64::from(number), value: 0 })
}

/// Changes the privilege level. A reservation does not outlive it, so that SC cannot succeed on another's LR.
pub fn set_privilege(cpu: &mut Cpu, to: Privilege) {
    if cpu.get(regs::HPM_FILTERED) == 0 {
        cpu.set(regs::PRIVILEGE, to as u64);
    } else {
        counters::meanwhile(cpu, |cpu| cpu.set(regs::PRIVILEGE, to as u64));
    }
    cpu.set(regs::RESERVED_ADDRESS, u64::MAX);
}

/// Where a trap enters, given what `mtvec` or `stvec` holds.
fn handler(tvec: u64, trap: u64) -> u64 {
    let base = tvec & !3;
    let vectored = tvec & 1 != 0 && trap & cause::INTERRUPT != 0;
    if vectored { base.wrapping_add(4 * (trap & !cause::INTERRUPT)) } else { base }
}

/// Enters the handler of `trap`.
pub fn enter(cpu: &mut Cpu, trap: Trap) {
    if trap.cause == cause::EVENT {
        return sse::take(cpu);
    }
    let from = privilege(cpu);
    let (interrupt, code) = (trap.cause & cause::INTERRUPT != 0, trap.cause & 63);
    let value = trap.value;
    dlog!(
        Int,
        "riscv_cpu_do_interrupt: hart:{}, async:{}, cause:{code:016x}, epc:0x{:016x}, tval:0x{value:016x}, desc={}",
        cpu.index,
        u8::from(interrupt),
        cpu.pc,
        name(trap.cause)
    );
    let delegated = cpu.get(if interrupt { regs::MIDELEG } else { regs::MEDELEG });
    let (pc, status) = (cpu.pc, cpu.get(regs::MSTATUS));
    let status = if from < Privilege::Machine && bit(delegated, code as u32) {
        cpu.set(regs::SEPC, pc);
        cpu.set(regs::SCAUSE, trap.cause);
        cpu.set(regs::STVAL, value);
        cpu.pc = handler(cpu.get(regs::STVEC), trap.cause);
        set_privilege(cpu, Privilege::Supervisor);
        let status = with_field(status, mstatus::SPIE, field(status, mstatus::SIE));
        with_field(status & !mstatus::SIE, mstatus::SPP, from as u64)
    } else {
        cpu.set(regs::MEPC, pc);
        cpu.set(regs::MCAUSE, trap.cause);
        cpu.set(regs::MTVAL, value);
        cpu.pc = handler(cpu.get(regs::MTVEC), trap.cause);
        set_privilege(cpu, Privilege::Machine);
        let status = with_field(status, mstatus::MPIE, field(status, mstatus::MIE));
        with_field(status & !mstatus::MIE, mstatus::MPP, from as u64)
    };
    cpu.set(regs::MSTATUS, status);
}

/// MRET: the address to go on at.
///
/// # Errors
/// Illegal instruction below M-mode.
pub fn mret(cpu: &mut Cpu, instruction: u64) -> Result<u64, Trap> {
    if privilege(cpu) != Privilege::Machine {
        return Err(illegal(instruction));
    }
    let status = cpu.get(regs::MSTATUS);
    let to = Privilege::decode(field(status, mstatus::MPP));
    let lowest = if config(cpu).ext.has(Extensions::U) { Privilege::User } else { Privilege::Machine };
    let mut new = with_field(status, mstatus::MIE, field(status, mstatus::MPIE)) | mstatus::MPIE;
    new = with_field(new, mstatus::MPP, lowest as u64);
    if to != Privilege::Machine {
        new &= !mstatus::MPRV;
    }
    Ok(back(cpu, to, new, cpu.get(regs::MEPC)))
}

/// SRET: the address to go on at.
///
/// # Errors
/// Illegal instruction below S-mode, or as `mstatus.TSR` says.
pub fn sret(cpu: &mut Cpu, instruction: u64) -> Result<u64, Trap> {
    let status = cpu.get(regs::MSTATUS);
    let trapped = privilege(cpu) == Privilege::Supervisor && status & mstatus::TSR != 0;
    if privilege(cpu) < Privilege::Supervisor || trapped || !config(cpu).ext.has(Extensions::S) {
        return Err(illegal(instruction));
    }
    let to = Privilege::decode(field(status, mstatus::SPP));
    let new = with_field(status, mstatus::SIE, field(status, mstatus::SPIE)) | mstatus::SPIE;
    Ok(back(cpu, to, new & !(mstatus::SPP | mstatus::MPRV), cpu.get(regs::SEPC)))
}

fn back(cpu: &mut Cpu, to: Privilege, status: u64, pc: u64) -> u64 {
    cpu.set(regs::MSTATUS, status);
    set_privilege(cpu, to);
    cpu.mode_changed();
    look_at_interrupts(cpu);
    pc
}

/// What a cause is called.
pub fn name(trap: u64) -> &'static str {
    let code = trap & !cause::INTERRUPT;
    if trap & cause::INTERRUPT != 0 {
        return match code as u32 {
            irq::SSI => "s_software",
            irq::MSI => "m_software",
            irq::STI => "s_timer",
            irq::MTI => "m_timer",
            irq::SEI => "s_external",
            irq::MEI => "m_external",
            irq::LCOFI => "counter_overflow",
            irq::EVENT => "firmware_event",
            _ => "(unknown)",
        };
    }
    match code {
        cause::FETCH_MISALIGNED => "misaligned_fetch",
        cause::FETCH_ACCESS => "fault_fetch",
        cause::ILLEGAL => "illegal_instruction",
        cause::BREAKPOINT => "breakpoint",
        cause::LOAD_MISALIGNED => "misaligned_load",
        cause::LOAD_ACCESS => "fault_load",
        cause::STORE_MISALIGNED => "misaligned_store",
        cause::STORE_ACCESS => "fault_store",
        cause::ECALL_U => "user_ecall",
        cause::ECALL_S => "supervisor_ecall",
        11 => "machine_ecall",
        cause::FETCH_PAGE => "exec_page_fault",
        cause::LOAD_PAGE => "load_page_fault",
        cause::STORE_PAGE => "store_page_fault",
        _ => "(unknown)",
    }
}
