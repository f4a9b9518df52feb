//! Data processing with an immediate.

use super::{Insn, Lift};
use crate::base::bits::mask;
use crate::ir::{BinOp, UnOp, Val, Width};

/// ADR.
pub fn adr(l: &mut Lift, i: Insn) {
    let value = l.b.pc(l.off + (i.signed(23, 5) << 2 | i64::from(i.bits(30, 29))));
    l.set_x(i.rd(), value);
}

/// ADRP. A block starts in a page of 4 KiB, and so an offset from the page is one from the instruction's.
pub fn adrp(l: &mut Lift, i: Insn) {
    let page = l.off & !0xfff;
    let value = l.b.pc(page + ((i.signed(23, 5) << 2 | i64::from(i.bits(30, 29))) << 12));
    l.set_x(i.rd(), value);
}

/// The immediate of ADD and kin.
fn imm12(i: Insn) -> u64 {
    u64::from(i.bits(21, 10)) << if i.bit(22) { 12 } else { 0 }
}

/// ADD, SUB.
pub fn add(l: &mut Lift, i: Insn, op: BinOp) {
    let w = i.width();
    let a = l.x_or_sp(i.rn());
    let value = l.b.bin_imm(op, w, a, imm12(i));
    l.set_x_or_sp(i.rd(), value);
}

/// ADDS.
pub fn adds(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x_or_sp(i.rn()), l.b.const_(imm12(i)));
    let value = l.b.bin(BinOp::Add, i.width(), a, b);
    l.set_flags_of_add(i.width(), value, b);
    l.set_x(i.rd(), value);
}

/// SUBS.
pub fn subs(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x_or_sp(i.rn()), l.b.const_(imm12(i)));
    let value = l.b.bin(BinOp::Sub, i.width(), a, b);
    l.set_flags_of_sub(i.width(), a, b);
    l.set_x(i.rd(), value);
}

/// AND, ORR, EOR.
pub fn logical(l: &mut Lift, i: Insn, op: BinOp) {
    let value = logical_value(l, i, op);
    l.set_x_or_sp(i.rd(), value);
}

/// ANDS.
pub fn ands(l: &mut Lift, i: Insn) {
    let value = logical_value(l, i, BinOp::And);
    l.set_flags_of_logic(i.width(), value);
    l.set_x(i.rd(), value);
}

fn logical_value(l: &mut Lift, i: Insn, op: BinOp) -> Val {
    let a = l.x(i.rn());
    let imm = i.logical_imm().unwrap_or(0);
    l.b.bin_imm(op, i.width(), a, imm)
}

/// MOVN, MOVZ.
pub fn move_wide(l: &mut Lift, i: Insn, invert: bool) {
    let value = u64::from(i.bits(20, 5)) << (16 * i.bits(22, 21));
    let value = if invert { !value } else { value };
    let value = l.b.const_(if i.bit(31) { value } else { value & mask(32) });
    l.set_x(i.rd(), value);
}

/// MOVK.
pub fn move_keep(l: &mut Lift, i: Insn) {
    let shift = 16 * i.bits(22, 21);
    let old = l.x(i.rd());
    let kept = l.b.bin_imm(BinOp::And, i.width(), old, !(0xffff << shift));
    let value = l.b.bin_imm(BinOp::Or, i.width(), kept, u64::from(i.bits(20, 5)) << shift);
    l.set_x(i.rd(), value);
}

/// Where a bitfield instruction takes bits from and puts them.
struct Field {
    /// The register's width.
    w: Width,
    /// Lowest bit that is taken.
    from: u32,
    /// How many.
    count: u32,
    /// Where they go.
    to: u32,
}

fn field(i: Insn) -> Field {
    let w = i.width();
    let size = if i.bit(31) { 64 } else { 32 };
    let (immr, imms) = (i.bits(21, 16), i.bits(15, 10));
    if imms >= immr {
        Field { w, from: immr, count: imms - immr + 1, to: 0 }
    } else {
        Field { w, from: 0, count: imms + 1, to: size - immr }
    }
}

/// SBFM: SBFX, SBFIZ, ASR, SXTB and kin.
pub fn sbfm(l: &mut Lift, i: Insn) {
    let Field { w, from, count, to } = field(i);
    let a = l.x(i.rn());
    let value = match (from, count, to) {
        (0, 8, 0) => l.b.un(UnOp::Sext8, w, a),
        (0, 16, 0) => l.b.un(UnOp::Sext16, w, a),
        (0, 32, 0) if w == Width::W64 => l.b.sext32(a),
        _ => {
            let size = if w == Width::W64 { 64 } else { 32 };
            // Its top bit goes to the top, then all comes down to where it belongs.
            let up = shift(l, BinOp::Shl, w, a, size - count - from);
            shift(l, BinOp::ShrS, w, up, size - count - to)
        }
    };
    let value = l.cut(w, value);
    l.set_x(i.rd(), value);
}

/// UBFM: UBFX, UBFIZ, LSL, LSR, UXTB and kin.
pub fn ubfm(l: &mut Lift, i: Insn) {
    let Field { w, from, count, to } = field(i);
    let size = if w == Width::W64 { 64 } else { 32 };
    let a = l.x(i.rn());
    let value = if from + count == size {
        let low = shift(l, BinOp::ShrU, w, a, from);
        shift(l, BinOp::Shl, w, low, to)
    } else if to + count == size {
        shift(l, BinOp::Shl, w, a, to)
    } else {
        let low = shift(l, BinOp::ShrU, w, a, from);
        let low = l.b.bin_imm(BinOp::And, w, low, mask(count));
        shift(l, BinOp::Shl, w, low, to)
    };
    let value = l.cut(w, value);
    l.set_x(i.rd(), value);
}

/// BFM: BFI, BFXIL, BFC.
pub fn bfm(l: &mut Lift, i: Insn) {
    let Field { w, from, count, to } = field(i);
    let (a, old) = (l.x(i.rn()), l.x(i.rd()));
    let field = mask(count) << to;
    let moved = if to == 0 { shift(l, BinOp::ShrU, w, a, from) } else { shift(l, BinOp::Shl, w, a, to) };
    let moved = l.b.bin_imm(BinOp::And, w, moved, field);
    let kept = l.b.bin_imm(BinOp::And, w, old, !field);
    let value = l.b.bin(BinOp::Or, w, kept, moved);
    l.set_x(i.rd(), value);
}

/// A shift by a constant, which may be 0.
pub fn shift(l: &mut Lift, op: BinOp, w: Width, a: Val, by: u32) -> Val {
    if by == 0 { a } else { l.b.bin_imm(op, w, a, u64::from(by)) }
}

/// EXTR, ROR.
pub fn extract(l: &mut Lift, i: Insn) {
    let w = i.width();
    let by = i.bits(15, 10);
    let (high, low) = (l.x(i.rn()), l.x(i.rm()));
    let value = if by == 0 {
        l.cut(w, low)
    } else if i.rn() == i.rm() {
        l.b.bin_imm(BinOp::RotR, w, low, u64::from(by))
    } else {
        let size = if w == Width::W64 { 64 } else { 32 };
        let low = l.b.bin_imm(BinOp::ShrU, w, low, u64::from(by));
        let high = l.b.bin_imm(BinOp::Shl, w, high, u64::from(size - by));
        l.b.bin(BinOp::Or, w, high, low)
    };
    l.set_x(i.rd(), value);
}

/// SMAX, UMAX, SMIN, UMIN with an immediate (FEAT_CSSC).
pub fn min_max(l: &mut Lift, i: Insn, op: BinOp) {
    let signed = matches!(op, BinOp::MinS | BinOp::MaxS);
    let imm = if signed { i.signed(17, 10) as u64 } else { u64::from(i.bits(17, 10)) };
    let a = l.x(i.rn());
    let value = l.b.bin_imm(op, i.width(), a, imm);
    l.set_x(i.rd(), value);
}
