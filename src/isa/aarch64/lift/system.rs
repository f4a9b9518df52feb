//! System registers and operations, barriers, hints.

use super::{Insn, Lift};
use crate::ir::Why;
use crate::isa::aarch64::features::Features;
use crate::isa::aarch64::helpers::{self, sysreg};

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

/// The register or operation that an instruction names.
fn named(i: Insn) -> u64 {
    u64::from(i.bits(20, 5))
}

/// MRS.
pub fn mrs(l: &mut Lift, i: Insn) {
    if named(i) == NZCV {
        return super::flags::mrs_nzcv(l, i);
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
    let (which, value, bits) = (l.b.const_(named(i)), l.x(i.rd()), l.bits());
    l.call(helpers::MSR, &[which, value, bits]);
    if !HARMLESS.contains(&named(i)) {
        l.b.next_afresh();
    }
}

/// MSR (immediate).
pub fn msr_imm(l: &mut Lift, i: Insn) {
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

/// DMB, DSB: of all orders, hosts fail to keep only that of a store before a load by themselves.
pub fn barrier(l: &mut Lift, i: Insn) {
    if i.bits(9, 8) == 3 || i.bits(9, 8) == 0 {
        l.b.fence();
    }
}

/// DSB nXS.
pub fn barrier_all(l: &mut Lift, _: Insn) {
    l.b.fence();
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
