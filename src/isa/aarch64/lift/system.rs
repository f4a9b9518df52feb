//! System registers and operations, barriers, hints.

use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, Slot, Type, Val, Why, Width};
use crate::isa::aarch64::features::Features;
use crate::isa::aarch64::fields::pstate;
use crate::isa::aarch64::helpers::{self, sysreg};
use crate::isa::aarch64::sysreg::slots;

/// NZCV.
const NZCV: u64 = sysreg(3, 3, 4, 2, 0);

/// Registers that decide neither what code means nor what interrupts are due: a block goes on after a write.
const HARMLESS: [u64; 12] = [
    sysreg(3, 3, 13, 0, 2), // TPIDR_EL0
    sysreg(3, 3, 13, 0, 3), // TPIDRRO_EL0
    sysreg(3, 0, 13, 0, 4), // TPIDR_EL1
    sysreg(3, 4, 13, 0, 2), // TPIDR_EL2
    sysreg(3, 0, 4, 1, 0),  // SP_EL0
    sysreg(3, 4, 4, 1, 0),  // SP_EL1
    sysreg(3, 0, 4, 0, 0),  // SPSR_EL1
    sysreg(3, 0, 4, 0, 1),  // ELR_EL1
    sysreg(3, 0, 5, 2, 0),  // ESR_EL1
    sysreg(3, 0, 6, 0, 0),  // FAR_EL1
    sysreg(3, 0, 7, 4, 0),  // PAR_EL1
    sysreg(3, 3, 4, 4, 1),  // FPSR
];

/// DAIF.
const DAIF: u64 = sysreg(3, 3, 4, 2, 1);

/// Registers that are but a slot where nothing traps an access to them: number, slot, the lowest levels to read and to
/// write. With E2H some names mean others at EL2.
const PLAIN: [(u64, Slot, u8, u8); 6] = [
    (sysreg(3, 3, 13, 0, 2), slots::TPIDR_EL0, 0, 0),
    (sysreg(3, 3, 13, 0, 3), slots::TPIDRRO_EL0, 0, 1),
    (sysreg(3, 0, 13, 0, 4), slots::TPIDR_EL1, 1, 1),
    (sysreg(3, 4, 13, 0, 2), slots::TPIDR_EL2, 2, 2),
    (sysreg(3, 0, 4, 1, 0), slots::SP_EL0, 1, 1),
    (sysreg(3, 0, 4, 0, 1), slots::ELR_EL1, 1, 1),
];

/// The slot that an access to a register comes to, when it is nothing more.
fn plain(l: &Lift, i: Insn, write: bool) -> Option<Slot> {
    let (number, slot, read_level, write_level) = *PLAIN.iter().find(|(number, ..)| *number == named(i))?;
    let lowest = if write { write_level } else { read_level };
    let allowed = match slot {
        slots::SP_EL0 => l.mode.own_sp,
        slots::ELR_EL1 => l.mode.el == 1,
        slots::TPIDR_EL2 => l.features.has(Features::EL2),
        _ => number != 0,
    };
    (allowed && l.mode.el >= lowest).then_some(slot)
}

/// The register or operation that an instruction names.
fn named(i: Insn) -> u64 {
    u64::from(i.bits(20, 5))
}

/// MRS.
pub fn mrs(l: &mut Lift, i: Insn) {
    if named(i) == NZCV {
        return super::flags::mrs_nzcv(l, i);
    }
    if let Some(slot) = plain(l, i, false) {
        let value = l.b.get(slot, Type::Int);
        return l.set_x(i.rd(), value);
    }
    if named(i) == DAIF && l.mode.el > 0 {
        let state = l.b.get(slots::PSTATE, Type::Int);
        let value = l.b.and_imm(state, pstate::DAIF);
        return l.set_x(i.rd(), value);
    }
    let (which, bits) = (l.b.const_(named(i)), l.bits());
    let value = l.call(helpers::MRS, &[which, bits]);
    l.set_x(i.rd(), value);
}

/// MSR (register).
pub fn msr(l: &mut Lift, i: Insn) {
    if named(i) == NZCV {
        return super::flags::msr_nzcv(l, i);
    }
    if let Some(slot) = plain(l, i, true) {
        let value = l.x(i.rd());
        return l.b.set(slot, value);
    }
    if named(i) == DAIF && l.mode.el > 0 && !l.mode.debugged {
        let value = l.x(i.rd());
        let value = l.b.and_imm(value, pstate::DAIF);
        set_masks(l, pstate::DAIF, value);
    }
    let (which, value, bits) = (l.b.const_(named(i)), l.x(i.rd()), l.bits());
    l.call(helpers::MSR, &[which, value, bits]);
    if !HARMLESS.contains(&named(i)) {
        l.b.next_afresh();
    }
}

/// The interrupt masks take a value, and the block goes on behind the instruction, unless an interrupt waits: what the
/// caller lifts next lets a helper look at that.
fn set_masks(l: &mut Lift, which: u64, value: Val) {
    let state = l.b.get(slots::PSTATE, Type::Int);
    let kept = l.b.and_imm(state, !which);
    let state = l.b.bin(BinOp::Or, Width::W64, kept, value);
    l.b.set(slots::PSTATE, state);
    let waits = l.b.get(slots::INTERRUPT_WAITS, Type::Int);
    let none = l.b.cmp_imm(Cond::Eq, Width::W64, waits, 0);
    l.b.exit_if(none, l.off + 4);
}

/// MSR (immediate).
pub fn msr_imm(l: &mut Lift, i: Insn) {
    let masks = u64::from(i.bits(11, 8)) << 6;
    match (i.bits(18, 16) << 3 | i.bits(7, 5), l.mode.el) {
        (_, 0) => {}
        // The masks decide about debug exceptions too.
        _ if l.mode.debugged => {}
        // DAIFSet: what was not due before is not now.
        (0b011_110, _) => {
            let state = l.b.get(slots::PSTATE, Type::Int);
            let state = l.b.bin_imm(BinOp::Or, Width::W64, state, masks);
            return l.b.set(slots::PSTATE, state);
        }
        (0b011_111, _) => {
            let nothing = l.b.const_(0);
            set_masks(l, masks, nothing);
        }
        _ => {}
    }
    let field = l.b.const_(u64::from(i.bits(18, 16) << 3 | i.bits(7, 5)));
    let (imm, bits) = (l.b.const_(u64::from(i.bits(11, 8))), l.bits());
    l.call(helpers::MSR_IMM, &[field, imm, bits]);
    l.b.next_afresh();
}

/// SYS: TLBI, DC, IC, AT and so on.
pub fn sys(l: &mut Lift, i: Insn) {
    let (which, value, bits) = (l.b.const_(named(i)), l.x(i.rd()), l.bits());
    l.call(helpers::SYS, &[which, value, bits]);
    // DC and IC have CRn 7, and so has AT, whose CRm is 8 or 9. An IC waits for the ISB behind it.
    let (crn, crm) = (i.bits(15, 12), i.bits(11, 8));
    if crn != 7 || matches!(crm, 8 | 9) {
        l.b.next_afresh();
    }
}

/// SYSL.
pub fn sysl(l: &mut Lift, i: Insn) {
    let (which, bits) = (l.b.const_(named(i)), l.bits());
    let value = l.call(helpers::SYSL, &[which, bits]);
    l.set_x(i.rd(), value);
}

/// DMB, DSB: of all orders, hosts fail to keep only that of a store before a load by themselves. Behind a DSB of loads and
/// stores TLB maintenance is complete, on other CPUs too.
pub fn barrier(l: &mut Lift, i: Insn) {
    if i.bits(9, 8) == 3 || i.bits(9, 8) == 0 {
        l.b.fence();
        const DSB: u32 = 4;
        if i.bits(7, 5) == DSB {
            l.b.leave(Why::Sync);
        }
    }
}

/// DSB nXS.
pub fn barrier_all(l: &mut Lift, _: Insn) {
    l.b.fence();
    l.b.leave(Why::Sync);
}

/// ISB.
pub fn isb(l: &mut Lift, _: Insn) {
    l.b.leave(Why::Sync);
}

/// CLREX.
pub fn clrex(l: &mut Lift, _: Insn) {
    l.open_monitor();
}

/// Hints without effect here.
pub fn nop(_: &mut Lift, _: Insn) {}

/// ESB, which is a hint where there is nothing to take down: with no hypervisor.
pub fn error_barrier(l: &mut Lift, _: Insn) {
    if l.features.has(Features::RAS.with(Features::EL2)) && l.mode.el < 2 {
        l.call(helpers::ERROR_BARRIER, &[]);
    }
}

/// YIELD.
pub fn pause(l: &mut Lift, _: Insn) {
    l.b.leave(Why::Yield);
}

/// WFE, WFI, and WFET, WFIT with the time in Rt: see [`helpers::WAIT`]. That one is to wait shows at the run loop,
/// where waiting for nothing ends at once.
pub fn wait(l: &mut Lift, i: Insn, kind: u64) {
    let timeout = if kind >= 2 { l.x(i.rd()) } else { l.b.const_(0) };
    let (kind, bits) = (l.b.const_(kind), l.bits());
    let waits = l.call(helpers::WAIT, &[kind, timeout, bits]);
    let over = l.b.cmp_imm(crate::ir::Cond::Eq, crate::ir::Width::W64, waits, 0);
    l.b.exit_if(over, l.off + 4);
    l.b.leave(Why::Wait);
}

/// SEV, SEVL.
pub fn event(l: &mut Lift, _: Insn, local: u64) {
    let local = l.b.const_(local);
    l.call(helpers::EVENT, &[local]);
}

/// PACIASP and kin in the hint space: X30 with SP or zero, or X17 with X16; hints where the CPU has no FEAT_PAuth.
pub fn pac_hint(l: &mut Lift, i: Insn) {
    if !l.features.has(Features::PAUTH) {
        return;
    }
    let (crm, op2) = (i.bits(11, 8), i.bits(7, 5));
    let (register, modifier) = match (crm, op2 & 1) {
        (1, _) => (17, l.x(16)),
        (_, 0) => (30, l.b.const_(0)),
        _ => (30, l.x_or_sp(31)),
    };
    l.sign_or_authenticate(register, modifier, op2 >= 4, u8::from(op2 & 2 != 0));
}

/// XPACLRI.
pub fn xpaclri(l: &mut Lift, _: Insn) {
    if l.features.has(Features::PAUTH) {
        l.strip_pointer(30, false);
    }
}
