//! Branches, exception generation.

use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, End, HelperId, Hint, Val, Width};
use crate::isa::aarch64::features::Features;
use crate::isa::aarch64::pauth::COMBINED;
use crate::isa::aarch64::{helpers, regs};

/// X30 takes the address of the next instruction.
fn link(l: &mut Lift) {
    let value = l.b.pc(l.off + 4);
    l.set_x(30, value);
}

/// B.
pub fn b(l: &mut Lift, i: Insn) {
    l.b.jump(l.off + i.imm26(), false);
}

/// BL.
pub fn bl(l: &mut Lift, i: Insn) {
    link(l);
    l.b.jump(l.off + i.imm26(), true);
}

/// B.cond, BC.cond.
pub fn b_cond(l: &mut Lift, i: Insn) {
    let holds = l.condition(i.bits(3, 0));
    l.b.exit_if(holds, l.off + i.imm19());
}

/// CBZ, CBNZ.
pub fn compare(l: &mut Lift, i: Insn, cond: Cond) {
    let a = l.x(i.rd());
    let taken = l.b.cmp_imm(cond, i.width(), a, 0);
    l.b.exit_if(taken, l.off + i.imm19());
}

/// TBZ, TBNZ.
pub fn test(l: &mut Lift, i: Insn, cond: Cond) {
    let n = i.bits(31, 31) << 5 | i.bits(23, 19);
    let a = l.x(i.rd());
    let bit = l.b.and_imm(a, 1 << n);
    let taken = l.b.cmp_imm(cond, Width::W64, bit, 0);
    l.b.exit_if(taken, l.off + i.imm14());
}

/// The types of branch (a bit each) that may not go to an instruction in a guarded page; `strict` is SCTLR.BT. The
/// manual's BTypeCompatible.
pub fn forbidden_types(word: u32, strict: bool) -> u32 {
    const ALL: u32 = 0b1110;
    match word {
        // PACIASP, PACIBSP.
        0xd503_233f | 0xd503_237f => u32::from(strict) << 3,
        // BTI c, BTI j, BTI jc.
        0xd503_245f => 1 << 3,
        0xd503_249f => 1 << 2,
        0xd503_24df => 0,
        // BRK, HLT.
        _ if matches!(word & 0xffe0_001f, 0xd420_0000 | 0xd440_0000) => 0,
        _ => ALL,
    }
}

/// Leaves for an address by BR or kin, where the CPU has FEAT_BTI with the type: 1 by X16 and X17 and out of pages that
/// are not guarded, else 3.
fn jump(l: &mut Lift, i: Insn, target: Val) {
    let by_any = !matches!(i.rn(), 16 | 17);
    branch(l, target, if by_any && l.mode.guarded { 3 } else { 1 });
    l.b.indirect(target, Hint::Jump);
}

/// Leaves for an address by BLR or kin: type 2.
fn call(l: &mut Lift, target: Val) {
    link(l);
    branch(l, target, 2);
    l.b.indirect(target, Hint::Call);
}

fn branch(l: &mut Lift, target: Val, branch_type: u64) {
    if l.features.has(Features::BTI) {
        let branched = l.b.bin_imm(BinOp::Or, Width::W64, target, branch_type);
        l.b.set(regs::BRANCHED, branched);
    }
}

/// BR.
pub fn br(l: &mut Lift, i: Insn) {
    let target = l.x(i.rn());
    jump(l, i, target);
}

/// BLR.
pub fn blr(l: &mut Lift, i: Insn) {
    let target = l.x(i.rn());
    call(l, target);
}

/// RET.
pub fn ret(l: &mut Lift, i: Insn) {
    let target = l.x(i.rn());
    l.b.indirect(target, Hint::Return);
}

/// The target of BRAA and kin: bit 10 selects the key, bit 24 a modifier beside zero.
fn authenticated_target(l: &mut Lift, i: Insn) -> Val {
    let target = l.x(i.rn());
    let modifier = if i.bit(24) { l.x_or_sp(i.rd()) } else { l.b.const_(0) };
    l.authenticated(target, modifier, u8::from(i.bit(10)), COMBINED)
}

/// BRAA, BRAB, BRAAZ, BRABZ.
pub fn br_auth(l: &mut Lift, i: Insn) {
    let target = authenticated_target(l, i);
    jump(l, i, target);
}

/// BLRAA, BLRAB, BLRAAZ, BLRABZ.
pub fn blr_auth(l: &mut Lift, i: Insn) {
    let target = authenticated_target(l, i);
    call(l, target);
}

/// RETAA, RETAB.
pub fn ret_auth(l: &mut Lift, i: Insn) {
    let (target, modifier) = (l.x(30), l.x_or_sp(31));
    let target = l.authenticated(target, modifier, u8::from(i.bit(10)), COMBINED);
    l.b.indirect(target, Hint::Return);
}

/// ERET, ERETAA, ERETAB. At EL0 there is nothing to return from.
pub fn eret(l: &mut Lift, _: Insn) {
    if l.mode.el == 0 {
        return l.trap(helpers::UNDEFINED);
    }
    let bits = l.bits();
    let target = l.call(helpers::ERET, &[bits]);
    l.b.indirect(target, Hint::Jump);
}

/// HLT.
pub fn hlt(l: &mut Lift, i: Insn) {
    let imm = l.b.const_(u64::from(i.bits(20, 5)));
    let target = l.call(helpers::HLT, &[imm]);
    l.b.indirect(target, Hint::Jump);
}

/// SVC, HVC, SMC, BRK.
pub fn exception(l: &mut Lift, i: Insn, helper: HelperId) {
    let imm = l.b.const_(u64::from(i.bits(20, 5)));
    l.call(helper, &[imm]);
    if helper == helpers::SVC || helper == helpers::BRK {
        l.b.end(End::Never);
    } else {
        l.b.next_afresh();
    }
}

/// HVC, SMC, which EL0 does not have.
pub fn call_above(l: &mut Lift, i: Insn, helper: HelperId) {
    if l.mode.el == 0 { l.trap(helpers::UNDEFINED) } else { exception(l, i, helper) }
}
