//! M: multiplication and division. MUL, MULH, REM and their like are one op each: see [`super::base::alu`].

use super::base::set_word;
use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, Val, Width};

/// DIV, DIVU.
pub fn div(l: &mut Lift, i: Insn, op: BinOp) {
    let value = quotient(l, i, op, Width::W64);
    l.set_x(i.rd, value);
}

/// DIVW, DIVUW.
pub fn div_w(l: &mut Lift, i: Insn, op: BinOp) {
    let value = quotient(l, i, op, Width::W32);
    set_word(l, i.rd, value);
}

/// A quotient by zero is all ones.
fn quotient(l: &mut Lift, i: Insn, op: BinOp, w: Width) -> Val {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let quotient = l.b.bin(op, w, a, b);
    let by_zero = l.b.cmp_imm(Cond::Eq, w, b, 0);
    let ones = l.b.const_(u64::MAX);
    l.b.select(by_zero, ones, quotient)
}
