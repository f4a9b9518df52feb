//! Exceptions: what they are called, where they go, how their handlers are entered, and the way back.
//!
//! A [`Trap`]'s cause is the syndrome (bits 31:0) and, above it, what the syndrome does not say: the kind, the lowest
//! level that takes it, whether the value is an address for FAR, and whether execution goes on behind the instruction.

use super::fields::{ec, fsc, hcr, pin, pstate, scr, sctlr};
use super::regs::{self, BRANCHED, EXCLUSIVE_ADDRESS};
use super::sysreg::slots;
use super::{config, counters, debug, mmu, state, syndrome};
use crate::base::bits::{bit, bits, field, with_field};
use crate::cpu::{self, Cpu, Trap};
use crate::dlog;
use crate::ir::Slot;

pub use super::state::{el2_enabled, level};

/// Kinds of exception, which are also the steps between their vectors.
const SYNCHRONOUS: u64 = 0;
const IRQ: u64 = 1;
const FIQ: u64 = 2;
const SERROR: u64 = 3;

const KIND: u64 = 3 << 32;
const HAS_FAR: u64 = 1 << 34;
const NEXT: u64 = 1 << 35;
const TARGET: u64 = 3 << 36;
/// HPFAR_EL2 is set from what the walk has left in [`slots::FAULT_IPA`].
const HAS_IPA: u64 = 1 << 38;
/// The instruction has 32 bits, as all have here.
const IL: u64 = 1 << 25;

/// A synchronous exception of a class with a syndrome, taken at the usual level.
pub const fn synchronous(class: u64, iss: u64) -> Trap {
    Trap { cause: class << 26 | IL | iss, value: 0 }
}

/// The same taken at `level` at least.
pub const fn at_level(trap: Trap, level: u8) -> Trap {
    Trap { cause: with_field(trap.cause, TARGET, level as u64), ..trap }
}

/// The same with execution going on behind the instruction.
pub const fn behind(trap: Trap) -> Trap {
    Trap { cause: trap.cause | NEXT, ..trap }
}

/// The same with an address for FAR.
pub const fn with_address(trap: Trap, address: u64) -> Trap {
    Trap { cause: trap.cause | HAS_FAR, value: address }
}

/// The same with the address in FAULT_IPA for HPFAR_EL2.
pub const fn with_ipa(trap: Trap) -> Trap {
    Trap { cause: trap.cause | HAS_IPA, ..trap }
}

/// UNDEFINED.
pub const fn undefined() -> Trap {
    synchronous(ec::UNKNOWN, 0)
}

/// An abort: `status` is the fault status code, `more` other bits of the syndrome.
pub const fn abort(address: u64, access: cpu::Access, status: u64, more: u64) -> Trap {
    let trap = match access {
        cpu::Access::Fetch => synchronous(ec::INSTRUCTION_ABORT, status | more),
        cpu::Access::Load => synchronous(ec::DATA_ABORT, status | more),
        cpu::Access::Store => synchronous(ec::DATA_ABORT, status | more | WRITE),
    };
    with_address(trap, address)
}

/// The trap of a misaligned access.
pub const fn misaligned(address: u64, access: cpu::Access) -> Trap {
    match access {
        cpu::Access::Fetch => with_address(synchronous(ec::PC_ALIGNMENT, 0), address),
        _ => abort(address, access, fsc::ALIGNMENT, 0),
    }
}

/// An access to a system register or a system operation, for the syndrome of its trap.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    iss: u64,
}

impl Access {
    /// `number` names it, and `insn` the register Rt; `read`: the value goes to Rt.
    pub fn new(number: u16, insn: u64, read: bool) -> Access {
        let [op0, op1, crn, crm, op2] = super::sysreg::parts(number);
        let rt = bits(insn, 4, 0);
        Access { iss: op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | u64::from(read) }
    }

    /// Its trap to `level`.
    pub const fn trap_to(self, level: u8) -> Trap {
        at_level(synchronous(ec::SYSTEM, self.iss), level)
    }
}

/// WnR of a data abort's syndrome.
const WRITE: u64 = 1 << 6;

/// The registers of an exception level.
struct Bank {
    elr: Slot,
    spsr: Slot,
    esr: Slot,
    far: Slot,
    vbar: Slot,
}

const fn bank(level: u8) -> Bank {
    use slots::*;
    match level {
        3 => Bank { elr: ELR_EL3, spsr: SPSR_EL3, esr: ESR_EL3, far: FAR_EL3, vbar: VBAR_EL3 },
        2 => Bank { elr: ELR_EL2, spsr: SPSR_EL2, esr: ESR_EL2, far: FAR_EL2, vbar: VBAR_EL2 },
        _ => Bank { elr: ELR_EL1, spsr: SPSR_EL1, esr: ESR_EL1, far: FAR_EL1, vbar: VBAR_EL1 },
    }
}

/// Where a physical interrupt goes, and whether PSTATE's mask counts there.
fn route(cpu: &Cpu, to_el3: u64, to_el2: u64, mask: u64) -> Option<u8> {
    let at = level(cpu);
    let hcr = cpu.get(slots::HCR_EL2);
    let target = if config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & to_el3 != 0 {
        3
    } else if el2_enabled(cpu) && hcr & (to_el2 | hcr::TGE) != 0 {
        2
    } else {
        1
    };
    let masked = cpu.get(slots::PSTATE) & mask != 0;
    // What goes to a higher level cannot be masked here; a host's EL0 is at the host's level for that.
    let higher = target > at && !(at == 0 && (target == 1 || state::is_host(cpu) && target == 2));
    let taken = at <= target && (!masked || higher);
    taken.then_some(target)
}

/// Whether a physical IRQ and FIQ are there. Interrupts of group 1 that are not for the state that the CPU is in are
/// FIQs, as all are at EL3.
fn physical_lines(cpu: &Cpu) -> (bool, bool) {
    let levels = cpu.pins.levels();
    let (secure, other) = (bit(levels, pin::SIRQ), bit(levels, pin::NIRQ));
    let (irq, fiq) = match (level(cpu), state::is_secure(cpu)) {
        (3, _) => (false, secure || other),
        (_, true) => (secure, other),
        (_, false) => (other, secure),
    };
    (irq || bit(levels, pin::IRQ), fiq || bit(levels, pin::FIQ))
}

/// Whether a virtual IRQ and FIQ are there.
fn virtual_lines(cpu: &Cpu) -> (bool, bool) {
    let (levels, hcr) = (cpu.pins.levels(), cpu.get(slots::HCR_EL2));
    let on = el2_enabled(cpu) && hcr & hcr::TGE == 0;
    let irq = on && hcr & hcr::IMO != 0 && (bit(levels, pin::VIRQ) || hcr & hcr::VI != 0);
    let fiq = on && hcr & hcr::FMO != 0 && (bit(levels, pin::VFIQ) || hcr & hcr::VF != 0);
    (irq, fiq)
}

/// The interrupt to be taken now, if any.
pub fn pending(cpu: &mut Cpu) -> Option<Trap> {
    let waits = is_any_interrupt(cpu) || serror_waits(cpu);
    cpu.set(slots::INTERRUPT_WAITS, u64::from(waits));
    if !waits {
        return None;
    }
    let (irq, fiq) = physical_lines(cpu);
    let interrupt = |kind: u64, target: u8| Some(at_level(Trap { cause: kind << 32, value: 0 }, target));
    if fiq && let Some(target) = route(cpu, scr::FIQ, hcr::FMO, pstate::F) {
        return interrupt(FIQ, target);
    }
    if irq && let Some(target) = route(cpu, scr::IRQ, hcr::IMO, pstate::I) {
        return interrupt(IRQ, target);
    }
    if level(cpu) > 1 || !config(cpu).has_el2() {
        return None;
    }
    let (irq, fiq) = virtual_lines(cpu);
    let masks = cpu.get(slots::PSTATE);
    match (fiq && masks & pstate::F == 0, irq && masks & pstate::I == 0) {
        (true, _) => interrupt(FIQ, 1),
        (_, true) => interrupt(IRQ, 1),
        _ if serror_waits(cpu) && masks & pstate::A == 0 => interrupt(SERROR, 1),
        _ => None,
    }
}

fn serror_waits(cpu: &Cpu) -> bool {
    let hcr = cpu.get(slots::HCR_EL2);
    el2_enabled(cpu) && hcr & (hcr::AMO | hcr::VSE | hcr::TGE) == hcr::AMO | hcr::VSE
}

/// Whether an interrupt is there that ends WFI, masked or not.
pub fn is_any_interrupt(cpu: &Cpu) -> bool {
    let (irq, fiq) = virtual_lines(cpu);
    physical_lines(cpu) != (false, false) || irq || fiq
}

/// ISR_EL1: what is pending, by the level that would take it.
pub fn interrupt_status(cpu: &Cpu) -> u64 {
    let (mut irq, mut fiq) = physical_lines(cpu);
    let (virtual_irq, virtual_fiq) = virtual_lines(cpu);
    if level(cpu) == 1 && el2_enabled(cpu) {
        let hcr = cpu.get(slots::HCR_EL2);
        irq = if hcr & hcr::IMO != 0 { virtual_irq } else { irq };
        fiq = if hcr & hcr::FMO != 0 { virtual_fiq } else { fiq };
    }
    (if irq { pstate::I } else { 0 }) | (if fiq { pstate::F } else { 0 })
}

/// The level that takes a trap.
fn target_of(cpu: &Cpu, trap: Trap) -> u8 {
    let at = level(cpu);
    let asked = field(trap.cause, TARGET) as u8;
    let class = bits(trap.cause, 31, 26);
    let external = matches!(class, ec::INSTRUCTION_ABORT | ec::DATA_ABORT)
        && matches!(bits(trap.cause, 5, 0), fsc::EXTERNAL..0x18);
    if external && config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & scr::EA != 0 {
        return 3;
    }
    let target = asked.max(at).max(1);
    let hosted = at == 0 && target == 1 && el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & hcr::TGE != 0;
    if hosted { 2 } else { target }
}

/// Enters the handler of `trap`.
pub fn enter(cpu: &mut Cpu, trap: Trap) {
    let (from, target) = (level(cpu), target_of(cpu, trap));
    let kind = field(trap.cause, KIND);
    let mut syndrome = trap.cause & 0xffff_ffff;
    let class = bits(syndrome, 31, 26);
    let has_twin = matches!(class, ec::INSTRUCTION_ABORT | ec::DATA_ABORT | ec::BREAKPOINT | ec::STEP | ec::WATCHPOINT);
    if has_twin && from == target {
        // From the same level the class is one more.
        syndrome += 1 << 26;
    }
    if class == ec::DATA_ABORT {
        syndrome = describe_access(cpu, trap, syndrome);
    }
    let registers = bank(target);
    let completed = kind != SYNCHRONOUS || trap.cause & NEXT != 0 || class == ec::STEP;
    if trap.cause & NEXT != 0 {
        // The instruction has been executed, so that no branch was the last.
        cpu.set(BRANCHED, 0);
    }
    let old = state::saved(cpu) | debug::step_on_exception(cpu, completed);
    let back = if trap.cause & NEXT != 0 { cpu.pc.wrapping_add(4) } else { cpu.pc };
    cpu.set(registers.elr, back);
    cpu.set(registers.spsr, old);
    if kind == SYNCHRONOUS || kind == SERROR {
        if kind == SERROR {
            // A virtual one, of which the hypervisor says what it is.
            syndrome = ec::SERROR << 26 | IL | cpu.get(slots::VSESR_EL2);
            cpu.set(slots::HCR_EL2, cpu.get(slots::HCR_EL2) & !hcr::VSE);
        }
        cpu.set(registers.esr, syndrome);
    }
    if trap.cause & HAS_FAR != 0 {
        cpu.set(registers.far, trap.value);
    }
    if trap.cause & HAS_IPA != 0 {
        cpu.set(slots::HPFAR_EL2, cpu.get(slots::FAULT_IPA));
    }
    let control = state::sctlr(cpu, target);
    let mut new = old & (pstate::PAN | pstate::DIT) | pstate::DAIF | pstate::SP | u64::from(target) << 2;
    let regime_of_users = target == 1 || target == 2 && state::is_host(cpu);
    if config(cpu).has_pan() && regime_of_users && control & sctlr::SPAN == 0 {
        new |= pstate::PAN;
    }
    if config(cpu).has_ssbs() && control & sctlr::DSSBS != 0 {
        new |= pstate::SSBS;
    }
    state::set(cpu, new);
    counters::level_changed(cpu);
    cpu.set(BRANCHED, 0);
    let offset = match (target == from, old & pstate::SP != 0) {
        (true, false) => 0,
        (true, true) => 0x200,
        (false, _) => 0x400,
    };
    let vector = cpu.get(registers.vbar).wrapping_add(offset + 0x80 * kind);
    dlog!(
        Int,
        "Taking exception {} on CPU {}\n...from EL{from} to EL{target}\n...with ESR {:#x}/{syndrome:#x}\n\
         ...with FAR {:#x}\n...with ELR {back:#x}\n...to EL{target} PC {vector:#x} PSTATE {new:#x}",
        name(trap),
        cpu.index,
        bits(syndrome, 31, 26),
        trap.value,
    );
    cpu.pc = vector;
}

/// What the syndrome of a data abort says of the instruction: of an atomic, that it wrote only when reading alone would
/// have worked; and for stage 2, which register was to be loaded or stored.
fn describe_access(cpu: &mut Cpu, trap: Trap, syndrome: u64) -> u64 {
    const S1PTW: u64 = 1 << 7;
    const CACHE: u64 = 1 << 8;
    let direct = trap.cause & HAS_IPA != 0 && syndrome & S1PTW == 0;
    let mut word = [0; 4];
    let tells = direct || syndrome & WRITE != 0;
    if !tells || syndrome & CACHE != 0 || cpu.peek(cpu.pc, &mut word) < word.len() {
        return syndrome;
    }
    let word = u32::from_le_bytes(word);
    reads_first(cpu, trap, syndrome, word) | if direct { syndrome::of_access(word) } else { 0 }
}

fn reads_first(cpu: &Cpu, trap: Trap, syndrome: u64, word: u32) -> u64 {
    if syndrome & WRITE == 0 || !syndrome::is_atomic(word) {
        return syndrome;
    }
    let who = mmu::current(cpu, cpu::Access::Load);
    let permission = bits(syndrome, 5, 2) << 2 == fsc::PERMISSION;
    if permission && mmu::find(cpu, trap.value, cpu::Access::Load, who).is_ok() { syndrome } else { syndrome & !WRITE }
}

/// ERET: the address to go on at.
pub fn exception_return(cpu: &mut Cpu, to: u64) -> u64 {
    let at = level(cpu);
    let spsr = cpu.get(bank(at).spsr);
    let mut kept = pstate::DAIF | pstate::SP | pstate::EL | pstate::IL;
    for (there, fields) in [
        (config(cpu).has_pan(), pstate::PAN),
        (config(cpu).has_uao(), pstate::UAO),
        (config(cpu).has_dit(), pstate::DIT),
        (config(cpu).has_ssbs(), pstate::SSBS),
    ] {
        if there {
            kept |= fields;
        }
    }
    let legal = is_legal_return(cpu, spsr);
    let new = if legal {
        spsr & kept
    } else {
        // The level and the stack pointer stay; the next instruction faults.
        let stays = pstate::SP | pstate::EL;
        spsr & kept & !stays | cpu.get(slots::PSTATE) & stays | pstate::IL
    };
    let step = debug::step_after_return(cpu, spsr, field(new, pstate::EL) as u8);
    state::set(cpu, new | step);
    counters::level_changed(cpu);
    cpu.set(slots::STEPPED, 0);
    regs::set_nzcv(cpu, spsr & pstate::NZCV);
    cpu.set(EXCLUSIVE_ADDRESS, u64::MAX);
    cpu.set(slots::EVENT, 1);
    cpu.mode_changed();
    look_at_interrupts(cpu);
    dlog!(Int, "Exception return from AArch64 EL{at} to AArch64 EL{} PC {to:#x}", level(cpu));
    let to = super::translation::plain_target(cpu, to);
    let branch_type = if legal && config(cpu).has_bti() { field(spsr, pstate::BTYPE) } else { 0 };
    regs::set_branch_type(cpu, to, branch_type);
    to
}

/// ELR of the current level.
pub fn return_address(cpu: &Cpu) -> u64 {
    cpu.get(bank(level(cpu)).elr)
}

fn is_legal_return(cpu: &Cpu, spsr: u64) -> bool {
    let target = field(spsr, pstate::EL) as u8;
    let there = match target {
        3 => config(cpu).has_el3(),
        2 => el2_enabled(cpu),
        _ => true,
    };
    let hosted = target == 1 && el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & hcr::TGE != 0;
    let malformed = spsr & (pstate::NRW | 2) != 0 || (target == 0 && spsr & pstate::SP != 0);
    there && target <= level(cpu) && !hosted && !malformed
}

/// Makes the run loop take the interrupt that has become due, if one has.
pub fn look_at_interrupts(cpu: &mut Cpu) {
    if pending(cpu).is_some() {
        cpu.interrupts_changed();
    }
}

/// What an exception is called.
pub fn name(trap: Trap) -> &'static str {
    match (field(trap.cause, KIND), bits(trap.cause, 31, 26)) {
        (IRQ, _) => "5 [IRQ]",
        (FIQ, _) => "6 [FIQ]",
        (SERROR, _) => "24 [Virtual SERR]",
        (_, ec::INSTRUCTION_ABORT) => "3 [Prefetch Abort]",
        (_, ec::DATA_ABORT) => "4 [Data Abort]",
        (_, ec::SVC) => "2 [SVC]",
        (_, ec::HVC) => "11 [Hypervisor Call]",
        (_, ec::SMC) => "13 [Secure Monitor Call]",
        (_, ec::BRK) => "7 [Breakpoint]",
        (_, ec::SYSTEM | ec::WAIT | ec::FLOAT | ec::PAUTH) => "12 [Hypervisor Trap]",
        _ => "1 [Undefined Instruction]",
    }
}
