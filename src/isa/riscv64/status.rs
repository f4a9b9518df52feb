//! CSRs that are more than a mask: status, interrupts, environment, floats.

use super::config;
use super::csr::Csr;
use super::extensions::Extensions;
use super::fields::{envcfg, irq, mstatus};
use super::mode::Privilege;
use super::sbi::sse;
use super::{counters, regs};
use crate::base::bits::{field, with_field};
use crate::cpu::Cpu;

/// Whether float instructions and CSRs are legal.
pub fn float_on(cpu: &Cpu) -> bool {
    cpu.get(regs::MSTATUS) & mstatus::FS != 0
}

/// Marks the float unit's state as Dirty.
pub fn float_dirty(cpu: &mut Cpu) {
    let status = cpu.get(regs::MSTATUS);
    if status & mstatus::FS != mstatus::FS {
        cpu.set(regs::MSTATUS, status | mstatus::FS);
        cpu.mode_changed();
    }
}

/// Moves the flags that engines have gathered to where the guest sees them.
fn gather_flags(cpu: &mut Cpu) -> u64 {
    let value = cpu.get(regs::FCSR) | u64::from(cpu.float_flags & 0x1f);
    cpu.float_flags = 0;
    cpu.set(regs::FCSR, value);
    value
}

fn set_fcsr(cpu: &mut Cpu, value: u64) {
    let old = cpu.get(regs::FCSR);
    cpu.float_flags = 0;
    cpu.set(regs::FCSR, value & 0xff);
    float_dirty(cpu);
    if (old ^ value) >> 5 != 0 {
        cpu.mode_changed();
    }
}

pub fn read_fflags(cpu: &mut Cpu, _: &Csr) -> u64 {
    gather_flags(cpu) & 0x1f
}

pub fn write_fflags(cpu: &mut Cpu, _: &Csr, value: u64) {
    let rest = cpu.get(regs::FCSR) & !0x1f;
    set_fcsr(cpu, rest | value & 0x1f);
}

pub fn read_frm(cpu: &mut Cpu, _: &Csr) -> u64 {
    cpu.get(regs::FCSR) >> 5
}

pub fn write_frm(cpu: &mut Cpu, _: &Csr, value: u64) {
    let flags = gather_flags(cpu) & 0x1f;
    set_fcsr(cpu, flags | (value & 7) << 5);
}

pub fn read_fcsr(cpu: &mut Cpu, _: &Csr) -> u64 {
    gather_flags(cpu)
}

pub fn write_fcsr(cpu: &mut Cpu, _: &Csr, value: u64) {
    set_fcsr(cpu, value & 0xff);
}

fn with_sd(status: u64) -> u64 {
    if status & mstatus::FS == mstatus::FS { status | mstatus::SD } else { status }
}

pub fn read_mstatus(cpu: &mut Cpu, _: &Csr) -> u64 {
    with_sd(cpu.get(regs::MSTATUS))
}

pub fn write_mstatus(cpu: &mut Cpu, _: &Csr, value: u64) {
    use mstatus::*;
    let ext = config(cpu).ext;
    let mut writable = MIE | MPIE;
    if ext.has(Extensions::U) {
        writable |= MPRV | TW | MPP;
    }
    if ext.has(Extensions::S) {
        writable |= SIE | SPIE | SPP | SUM | MXR | TVM | TSR;
    }
    if ext.has(Extensions::F) {
        writable |= FS;
    }
    let legal = match field(value, MPP) {
        1 => ext.has(Extensions::S),
        2 => false,
        _ => true,
    };
    set_status(cpu, if legal { writable } else { writable & !MPP }, value);
}

pub fn read_sstatus(cpu: &mut Cpu, csr: &Csr) -> u64 {
    read_mstatus(cpu, csr) & mstatus::SSTATUS
}

pub fn write_sstatus(cpu: &mut Cpu, _: &Csr, value: u64) {
    use mstatus::*;
    let float = if config(cpu).ext.has(Extensions::F) { FS } else { 0 };
    set_status(cpu, SIE | SPIE | SPP | SUM | MXR | float, value);
}

/// Replaces the bits of `mstatus` that are in `mask`, with what that entails.
pub fn set_status(cpu: &mut Cpu, mask: u64, value: u64) {
    let old = cpu.get(regs::MSTATUS);
    let new = (old & !mask) | (value & mask);
    cpu.set(regs::MSTATUS, new);
    let changed = old ^ new;
    if changed & (mstatus::FS | mstatus::MPRV | mstatus::MPP | mstatus::SUM | mstatus::MXR) != 0 {
        cpu.mode_changed();
    }
    look_at_interrupts(cpu);
}

/// Makes the run loop take the interrupt that has become due, if one has.
pub fn look_at_interrupts(cpu: &mut Cpu) {
    if super::trap::pending(cpu).is_some() {
        cpu.interrupts_changed();
    }
}

/// The interrupts of S-mode that a model has.
fn supervisor(ext: Extensions) -> u64 {
    if ext.has(Extensions::SSCOFPMF) { irq::SUPERVISOR | 1 << irq::LCOFI } else { irq::SUPERVISOR }
}

/// All interrupts that a model has.
fn interrupts(ext: Extensions) -> u64 {
    if ext.has(Extensions::S) { irq::MACHINE | supervisor(ext) } else { irq::MACHINE }
}

/// `mip` as it is: pins and what software has set.
pub fn mip(cpu: &mut Cpu) -> u64 {
    let risen = cpu.pins.take_rises(1 << irq::SSI | 1 << irq::LCOFI | 1 << irq::EVENT);
    if risen & 1 << irq::LCOFI != 0 {
        // The timer of overflows: counters say which of them it was.
        counters::look_back(cpu);
    }
    if risen & 1 << irq::EVENT != 0 {
        cpu.set(regs::EVENTS, cpu.get(regs::EVENTS) | sse::LOOK);
    }
    // A rise of SSI sets SSIP, which software clears; all other pins are levels.
    let mut soft = cpu.get(regs::MIP);
    if risen & 1 << irq::SSI != 0 {
        soft |= 1 << irq::SSI;
        cpu.set(regs::MIP, soft);
    }
    let levels = cpu.pins.levels() & (irq::MACHINE | 1 << irq::STI | 1 << irq::SEI);
    let soft = if sstc_on(cpu) { soft & !(1 << irq::STI) } else { soft };
    (soft | levels) & interrupts(config(cpu).ext)
}

fn sstc_on(cpu: &Cpu) -> bool {
    cpu.get(regs::MENVCFG) & envcfg::STCE != 0
}

pub fn read_mip(cpu: &mut Cpu, _: &Csr) -> u64 {
    mip(cpu)
}

pub fn write_mip(cpu: &mut Cpu, _: &Csr, value: u64) {
    let all = supervisor(config(cpu).ext);
    let writable = if sstc_on(cpu) { all & !(1 << irq::STI) } else { all };
    set_mip(cpu, writable, value);
}

/// What CSRRS and CSRRC write to `mip`: they modify what software has set, not what a pin drives, although their
/// result shows both.
pub fn modify_mip(cpu: &mut Cpu, csr: &Csr, set: bool, operand: u64) {
    mip(cpu);
    let soft = cpu.get(regs::MIP);
    write_mip(cpu, csr, if set { soft | operand } else { soft & !operand });
}

pub fn read_sip(cpu: &mut Cpu, _: &Csr) -> u64 {
    mip(cpu) & cpu.get(regs::MIDELEG)
}

pub fn write_sip(cpu: &mut Cpu, _: &Csr, value: u64) {
    let writable = cpu.get(regs::MIDELEG) & (1 << irq::SSI | 1 << irq::LCOFI);
    set_mip(cpu, writable, value);
}

fn set_mip(cpu: &mut Cpu, writable: u64, value: u64) {
    let value = (cpu.get(regs::MIP) & !writable) | (value & writable);
    cpu.set(regs::MIP, value);
    look_at_interrupts(cpu);
}

pub fn write_mie(cpu: &mut Cpu, _: &Csr, value: u64) {
    cpu.set(regs::MIE, value & interrupts(config(cpu).ext));
    look_at_interrupts(cpu);
}

pub fn read_sie(cpu: &mut Cpu, _: &Csr) -> u64 {
    cpu.get(regs::MIE) & cpu.get(regs::MIDELEG)
}

pub fn write_sie(cpu: &mut Cpu, _: &Csr, value: u64) {
    let delegated = cpu.get(regs::MIDELEG);
    let value = (cpu.get(regs::MIE) & !delegated) | (value & delegated);
    cpu.set(regs::MIE, value);
    look_at_interrupts(cpu);
}

pub fn write_mideleg(cpu: &mut Cpu, _: &Csr, value: u64) {
    cpu.set(regs::MIDELEG, value & supervisor(config(cpu).ext));
    look_at_interrupts(cpu);
}

/// The fields of `menvcfg` and `senvcfg` that both have, in a model.
fn common_envcfg(ext: Extensions) -> u64 {
    let mut mask = envcfg::FIOM;
    if ext.has(Extensions::ZICBOM) {
        mask |= envcfg::CBIE | envcfg::CBCFE;
    }
    if ext.has(Extensions::ZICBOZ) {
        mask |= envcfg::CBZE;
    }
    mask
}

/// The new value of an `envcfg`, its CBIE keeping the old value where the new one is reserved.
fn legal_envcfg(old: u64, value: u64, mask: u64) -> u64 {
    let value = value & mask;
    if field(value, envcfg::CBIE) == 2 { with_field(value, envcfg::CBIE, field(old, envcfg::CBIE)) } else { value }
}

pub fn write_senvcfg(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let value = legal_envcfg(cpu.get(csr.slot), value, common_envcfg(config(cpu).ext));
    cpu.set(csr.slot, value);
}

pub fn write_menvcfg(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let ext = config(cpu).ext;
    let mut mask = common_envcfg(ext);
    for (extension, bit) in
        [(Extensions::SVPBMT, envcfg::PBMTE), (Extensions::SVADU, envcfg::ADUE), (Extensions::SSTC, envcfg::STCE)]
    {
        if ext.has(extension) {
            mask |= bit;
        }
    }
    let old = cpu.get(csr.slot);
    let value = legal_envcfg(old, value, mask);
    cpu.set(csr.slot, value);
    if (old ^ value) & (envcfg::PBMTE | envcfg::ADUE) != 0 {
        cpu.flush_all();
    }
    if (old ^ value) & envcfg::STCE != 0 {
        counters::stce_changed(cpu);
    }
    look_at_interrupts(cpu);
}

/// Whether what `bit` of the envcfgs allows is allowed here.
pub fn environment_allows(cpu: &Cpu, at: Privilege, bit: u64) -> bool {
    let machine = cpu.get(regs::MENVCFG) & bit != 0;
    let supervisor = cpu.get(regs::SENVCFG) & bit != 0 || !config(cpu).ext.has(Extensions::S);
    match at {
        Privilege::Machine => true,
        Privilege::Supervisor => machine,
        Privilege::User => machine && supervisor,
    }
}
