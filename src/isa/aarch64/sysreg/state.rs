//! Reads and writes of registers that are more than a mask: PSTATE, floats, controls, identification.

use super::super::features::Features;
use super::super::fields::{hcr, hcrx, pstate, scr};
use super::super::regs::{self, FPCR, FPSR};
use super::super::{config, counters, debug, state, timers, trap};
use super::{SysReg, parts, slots};
use crate::base::bits::{bit, bits, with_field};
use crate::cpu::Cpu;
use crate::fabric::PowerRequest;
use crate::float::Flags;
use crate::ir::Slot;
use crate::{gap, guest_error};

pub fn read_midr(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let virt = state::level(cpu) == 1 && state::el2_enabled(cpu);
    cpu.get(if virt { slots::VPIDR_EL2 } else { register.slot })
}

pub fn read_mpidr(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let virt = state::level(cpu) == 1 && state::el2_enabled(cpu);
    cpu.get(if virt { slots::VMPIDR_EL2 } else { register.slot })
}

/// CCSIDR: the geometry of the cache that CSSELR selects, as the model has it.
pub fn read_ccsidr(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let caches = config(cpu).caches;
    caches.get(cpu.get(slots::CSSELR_EL1) as usize).copied().unwrap_or(0)
}

/// DCZID: blocks of 64 bytes, and whether DC ZVA is allowed here.
pub fn read_dczid(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    let prohibited = !super::super::caches::may_zero(cpu);
    cpu.get(register.slot) | u64::from(prohibited) << 4
}

fn pstate_field(cpu: &Cpu, mask: u64) -> u64 {
    cpu.get(slots::PSTATE) & mask
}

/// Replaces fields of PSTATE, with what that entails.
pub fn set_pstate(cpu: &mut Cpu, mask: u64, value: u64) {
    let new = cpu.get(slots::PSTATE) & !mask | value & mask;
    state::set(cpu, new);
    if mask & !(pstate::DAIF | pstate::DIT | pstate::SSBS) != 0 || mask & pstate::D != 0 && debug::is_on(cpu) {
        cpu.mode_changed();
    }
    if mask & pstate::DAIF != 0 {
        trap::look_at_interrupts(cpu);
    }
}

pub fn read_spsel(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    pstate_field(cpu, pstate::SP)
}

pub fn write_spsel(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    set_pstate(cpu, pstate::SP, value);
}

pub fn read_current_el(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    pstate_field(cpu, pstate::EL)
}

pub fn read_pan(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    pstate_field(cpu, pstate::PAN)
}

pub fn write_pan(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    set_pstate(cpu, pstate::PAN, value);
}

pub fn read_uao(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    pstate_field(cpu, pstate::UAO)
}

pub fn write_uao(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    set_pstate(cpu, pstate::UAO, value);
}

pub fn read_dit(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    pstate_field(cpu, pstate::DIT)
}

pub fn write_dit(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    set_pstate(cpu, pstate::DIT, value);
}

pub fn read_ssbs(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    pstate_field(cpu, pstate::SSBS)
}

pub fn write_ssbs(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    set_pstate(cpu, pstate::SSBS, value);
}

pub fn read_daif(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    pstate_field(cpu, pstate::DAIF)
}

pub fn write_daif(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    set_pstate(cpu, pstate::DAIF, value);
}

pub fn read_nzcv(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    regs::nzcv(cpu)
}

pub fn write_nzcv(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    regs::set_nzcv(cpu, value);
}

pub fn write_fpcr(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    // AHP, DN, FZ, RMode.
    let mut writable = 0x1f << 22;
    if config(cpu).features.has(Features::FP16) {
        writable |= 1 << 19;
    }
    if config(cpu).features.has(Features::AFP) {
        writable |= 7;
    }
    if config(cpu).features.has(Features::EBF16) {
        writable |= 1 << 13;
    }
    cpu.set(FPCR, value & writable);
    cpu.mode_changed();
}

/// The flags that engines gather, with their bits in FPSR.
const FLOAT_FLAGS: [(Flags, u32); 6] = [
    (Flags::INVALID, 0),
    (Flags::DIV_BY_ZERO, 1),
    (Flags::OVERFLOW, 2),
    (Flags::UNDERFLOW, 3),
    (Flags::INEXACT, 4),
    (Flags::INPUT_DENORMAL, 7),
];

pub fn read_fpsr(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let gathered = Flags(std::mem::take(&mut cpu.float_flags));
    let new = FLOAT_FLAGS.iter().filter(|(flag, _)| gathered.contains(*flag));
    let value = new.fold(cpu.get(FPSR), |value, (_, n)| value | 1 << n);
    cpu.set(FPSR, value);
    value
}

pub fn write_fpsr(cpu: &mut Cpu, _: &SysReg, _: u16, value: u64) {
    // QC and the cumulative flags.
    cpu.float_flags = 0;
    cpu.set(FPSR, value & (1 << 27 | 0x9f));
}

pub fn read_isr(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    trap::interrupt_status(cpu)
}

/// RMR: AA64 is one.
pub fn read_rmr(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    cpu.get(register.slot) | 1
}

/// A warm reset is taken for one of the board.
pub fn write_rmr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value & 1);
    if value & 2 != 0 {
        cpu.board.power.request(PowerRequest::Reset);
    }
}

pub fn write_cpacr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value & (3 << 20 | 1 << 28));
    cpu.mode_changed();
}

pub fn write_cptr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    // TCPAC, TTA, FPEN or TFP.
    cpu.set(register.slot, value & (1 << 31 | 1 << 28 | 1 << 20 | 3 << 20 | 1 << 10));
    cpu.mode_changed();
}

pub fn write_hcr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let features = config(cpu).features;
    let mut writable = 0xffff_ffff | hcr::CD_ID;
    if features.has(Features::LOR) {
        writable |= hcr::TLOR;
    }
    if features.has(Features::VHE) {
        writable |= hcr::E2H;
    }
    for (feature, fields) in [
        (Features::PAUTH, hcr::APK | hcr::API),
        (Features::RAS, hcr::TERR),
        (Features::CSV2_2, hcr::EN_SCXT),
        (Features::EVT, hcr::TID4 | hcr::TICAB | hcr::TOCU | hcr::TTLBIS | hcr::TTLBOS),
    ] {
        if features.has(feature) {
            writable |= fields;
        }
    }
    let old = cpu.get(register.slot);
    let new = value & writable | hcr::RW;
    cpu.set(register.slot, new);
    if (old ^ new) & (hcr::VM | hcr::DC | hcr::TGE | hcr::E2H) != 0 {
        cpu.flush_all();
    }
    timers::renew(cpu);
    trap::look_at_interrupts(cpu);
}

/// HCRX_EL2.
pub fn write_hcrx(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let copies = if config(cpu).features.has(Features::MOPS) { hcrx::MCE2 | hcrx::MSCEN } else { 0 };
    cpu.set(register.slot, value & copies);
}

/// MDCR_EL2, MDCR_EL3.
pub fn write_mdcr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    // What EL2's has, with HPMD, HCCD and HLP by version of the performance monitors.
    let features = config(cpu).features;
    let mut writable = if register.slot == slots::MDCR_EL3 { u64::MAX } else { 0xfff };
    for (feature, fields) in [(Features::PMUV3P1, 1 << 17), (Features::PMUV3P5, 1 << 23 | 1 << 26)] {
        if features.has(feature) {
            writable |= fields;
        }
    }
    counters::write_control(cpu, register, value & writable);
    debug::controlled(cpu);
}

/// DISR_EL1: a guest's, where its hypervisor takes physical errors; nothing where the monitor does.
pub fn read_disr(cpu: &mut Cpu, register: &SysReg, _: u16) -> u64 {
    deferred(cpu, register.slot).map_or(0, |slot| cpu.get(slot))
}

pub fn write_disr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    if let Some(slot) = deferred(cpu, register.slot) {
        cpu.set(slot, value & 0x81ff_ffff);
    }
}

fn deferred(cpu: &Cpu, physical: Slot) -> Option<Slot> {
    let (level, hcr) = (state::level(cpu), cpu.get(slots::HCR_EL2));
    if level < 2 && state::el2_enabled(cpu) && hcr & (hcr::AMO | hcr::TGE) == hcr::AMO {
        return Some(slots::VDISR_EL2);
    }
    let monitored = config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & scr::EA != 0;
    (level == 3 || !monitored).then_some(physical)
}

/// ESB: a virtual error that is masked is taken down instead. There are no physical ones.
pub fn defer_error(cpu: &mut Cpu) {
    const DEFERRED: u64 = 1 << 31;
    let hcr = cpu.get(slots::HCR_EL2);
    let pending = hcr & (hcr::AMO | hcr::VSE | hcr::TGE) == hcr::AMO | hcr::VSE;
    if state::level(cpu) < 2 && state::el2_enabled(cpu) && pending && cpu.get(slots::PSTATE) & pstate::A != 0 {
        cpu.set(slots::VDISR_EL2, DEFERRED | cpu.get(slots::VSESR_EL2));
        cpu.set(slots::HCR_EL2, hcr & !hcr::VSE);
    }
}

/// The fields of SCR_EL3 that this CPU has.
pub fn scr_fields(cpu: &Cpu) -> u64 {
    let mut writable = 0x3f8f;
    if config(cpu).features.has(Features::LOR) {
        writable |= scr::TLOR;
    }
    for (feature, fields) in [
        (Features::PAUTH, scr::APK | scr::API),
        (Features::RAS, scr::TERR),
        (Features::CSV2_2, scr::EN_SCXT),
        (Features::ECV, scr::ECV_EN),
        (Features::HCX, scr::HX_EN),
    ] {
        if config(cpu).features.has(feature) {
            writable |= fields;
        }
    }
    writable
}

pub fn write_scr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    // The lower levels have AArch64 alone.
    let old = cpu.get(register.slot);
    let new = value & scr_fields(cpu) | scr::RW | 0x30;
    cpu.set(register.slot, new);
    if (old ^ new) & scr::NS != 0 {
        cpu.flush_all();
    }
    timers::renew(cpu);
    trap::look_at_interrupts(cpu);
}

/// RNDR: random bits, and the flags say whether there were any.
pub fn read_random(cpu: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    let mut bytes = [0; 8];
    let there = getrandom::fill(&mut bytes).is_ok();
    regs::set_nzcv(cpu, if there { 0 } else { 1 << 30 });
    u64::from_le_bytes(bytes)
}

/// OSLAR: the lock shows in OSLSR.
pub fn write_oslar(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let status = with_field(cpu.get(register.slot), 2, value & 1);
    cpu.set(register.slot, status);
    if debug::is_on(cpu) {
        cpu.flush_all();
    }
}

pub fn read_claims(_: &mut Cpu, _: &SysReg, _: u16) -> u64 {
    0xff
}

pub fn set_claims(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let claims = cpu.get(register.slot) | value & 0xff;
    cpu.set(register.slot, claims);
}

pub fn clear_claims(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let claims = cpu.get(register.slot) & !value;
    cpu.set(register.slot, claims);
}

/// The identification space: what is not allocated reads as zero, and so do AArch32's registers without AArch32.
pub fn is_reserved_id(number: u16) -> bool {
    let [op0, op1, crn, crm, _] = parts(number);
    op0 == 3 && op1 == 0 && crn == 0 && (1..=7).contains(&crm)
}

pub fn is_implementation_defined(number: u16) -> bool {
    let [op0, _, crn, ..] = parts(number);
    op0 == 3 && (crn == 11 || crn == 15)
}

pub fn read_own(_: &mut Cpu, _: &SysReg, number: u16) -> u64 {
    gap!("IMPLEMENTATION DEFINED register {:?} read", parts(number));
    0
}

pub fn write_own(_: &mut Cpu, _: &SysReg, number: u16, value: u64) {
    gap!("IMPLEMENTATION DEFINED register {:?} written with {value:#x}", parts(number));
}

/// MSR (immediate): the field by `op1 << 3 | op2`.
///
/// # Errors
/// UNDEFINED, or a trap.
pub fn write_immediate(cpu: &mut Cpu, which: u64, imm: u64, insn: u64) -> Result<(), crate::cpu::Trap> {
    let features = config(cpu).features;
    let level = state::level(cpu);
    let flag = |mask: u64| if bit(imm, 0) { mask } else { 0 };
    let (there, lowest, mask, value) = match which {
        0b000_011 => (features.has(Features::UAO), 1, pstate::UAO, flag(pstate::UAO)),
        0b000_100 => (features.has(Features::PAN), 1, pstate::PAN, flag(pstate::PAN)),
        0b000_101 => (true, 1, pstate::SP, flag(pstate::SP)),
        0b011_001 => (features.has(Features::SSBS), 0, pstate::SSBS, flag(pstate::SSBS)),
        0b011_010 => (features.has(Features::DIT), 0, pstate::DIT, flag(pstate::DIT)),
        // DAIFSet, DAIFClr.
        0b011_110 => (true, 0, bits(imm, 3, 0) << 6, pstate::DAIF),
        0b011_111 => (true, 0, bits(imm, 3, 0) << 6, 0),
        _ => {
            guest_error!("MSR (immediate) to no field at {:#x}", cpu.pc);
            (false, 0, 0, 0)
        }
    };
    if !there || level < lowest {
        return Err(trap::undefined());
    }
    if matches!(which, 0b011_110 | 0b011_111) {
        // The syndrome has the instruction's own fields, not those of DAIF.
        let named = super::table::number(0, 3, 4, imm as u16 & 0xf, which as u16 & 7);
        super::rule::check(cpu, super::rule::Rule::Masks, true, trap::Access::new(named, insn, false))?;
    }
    set_pstate(cpu, mask, value);
    Ok(())
}
