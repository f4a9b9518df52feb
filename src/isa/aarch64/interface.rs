//! The GIC's CPU interface by system registers: which numbers those are, and the way to the controller that has them.

use super::config;
use super::fields::{hcr, scr};
use super::state;
use super::sysreg::table::number;
use super::sysreg::{SysReg, parts, slots};
use crate::cpu::Cpu;
use crate::fabric::RegisterAccess;
use crate::guest_error;

/// Whether a number is in `ICC_`'s space: op1 0, CRn 12, or the priority mask.
fn is_icc(given: u16) -> bool {
    let [op0, op1, crn, ..] = parts(given);
    op0 == 3 && op1 == 0 && (crn == 12 || given == PMR)
}

const PMR: u16 = number(3, 0, 4, 6, 0);

/// Registers of group 0.
pub fn is_group0(given: u16) -> bool {
    let [.., crm, op2] = parts(given);
    is_icc(given) && given != PMR && matches!((crm, op2), (8, 0..=7) | (12, 6))
}

/// Registers of group 1.
pub fn is_group1(given: u16) -> bool {
    let [.., crm, op2] = parts(given);
    is_icc(given) && given != PMR && matches!((crm, op2), (9, 0..=3) | (12, 0..=3 | 7))
}

/// Registers that send interrupts.
pub fn is_sgi(given: u16) -> bool {
    let [.., crm, op2] = parts(given);
    is_icc(given) && given != PMR && crm == 11 && matches!(op2, 5..=7)
}

/// Registers of both groups: PMR, RPR, DIR, CTLR.
pub fn is_common(given: u16) -> bool {
    let [.., crm, op2] = parts(given);
    is_icc(given) && (given == PMR || matches!((crm, op2), (11, 1 | 3) | (12, 4)))
}

/// The hypervisor's control of the virtual interface.
pub fn is_hypervisor(given: u16) -> bool {
    let [op0, op1, crn, crm, op2] = parts(given);
    op0 == 3 && op1 == 4 && crn == 12 && (matches!(crm, 8 | 12..=15) || crm == 9 && op2 < 4 || crm == 11)
}

/// ICC_CTLR_EL3, ICC_IGRPEN1_EL3.
pub fn is_monitor(given: u16) -> bool {
    [number(3, 6, 12, 12, 4), number(3, 6, 12, 12, 7)].contains(&given)
}

/// What an access depends on beside the register.
fn access(cpu: &Cpu, register: u16) -> RegisterAccess {
    let level = state::level(cpu);
    let (scr, hcr) = (cpu.get(slots::SCR_EL3), cpu.get(slots::HCR_EL2));
    let virt = level == 1 && state::el2_enabled(cpu);
    RegisterAccess {
        cpu: cpu.index,
        register: register.into(),
        level,
        secure: state::is_secure_below_el3(cpu),
        fiq_to_monitor: config(cpu).has_el3() && scr & scr::FIQ != 0,
        virtual_groups: [virt && hcr & hcr::FMO != 0, virt && hcr & hcr::IMO != 0],
    }
}

/// Reads from the controller.
pub fn read(cpu: &mut Cpu, register: &SysReg, given: u16) -> u64 {
    let answer = cpu.board.interface.as_ref().and_then(|interface| interface.read(access(cpu, given)));
    answer.unwrap_or_else(|| {
        guest_error!("{} {:?} cannot be read", register.name, parts(given));
        0
    })
}

/// Writes to the controller.
pub fn write(cpu: &mut Cpu, register: &SysReg, given: u16, value: u64) {
    let interface = cpu.board.interface.clone();
    if !interface.is_some_and(|interface| interface.write(access(cpu, given), value)) {
        guest_error!("{} {:?} cannot be written", register.name, parts(given));
    }
}

/// ICC_SRE: the interface is system registers at every level, for good.
pub fn read_sre(_: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    const SRE_DFB_DIB: u64 = 7;
    const ENABLE: u64 = 8;
    if parts(register.number)[1] == 0 { SRE_DFB_DIB } else { SRE_DFB_DIB | ENABLE }
}
