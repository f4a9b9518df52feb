//! Branches, exception generation.

use super::{Insn, Lift};
use crate::ir::{Cond, End, HelperId, Hint, Val, Width};
use crate::isa::aarch64::helpers;

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

/// BR.
pub fn br(l: &mut Lift, i: Insn) {
    let target = l.x(i.rn());
    l.b.indirect(target, Hint::Jump);
}

/// BLR.
pub fn blr(l: &mut Lift, i: Insn) {
    let target = l.x(i.rn());
    link(l);
    l.b.indirect(target, Hint::Call);
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
    l.authenticated(target, modifier, u8::from(i.bit(10)))
}

/// BRAA, BRAB, BRAAZ, BRABZ.
pub fn br_auth(l: &mut Lift, i: Insn) {
    let target = authenticated_target(l, i);
    l.b.indirect(target, Hint::Jump);
}

/// BLRAA, BLRAB, BLRAAZ, BLRABZ.
pub fn blr_auth(l: &mut Lift, i: Insn) {
    let target = authenticated_target(l, i);
    link(l);
    l.b.indirect(target, Hint::Call);
}

/// RETAA, RETAB.
pub fn ret_auth(l: &mut Lift, i: Insn) {
    let (target, modifier) = (l.x(30), l.x_or_sp(31));
    let target = l.authenticated(target, modifier, u8::from(i.bit(10)));
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
