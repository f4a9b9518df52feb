//! Zba, Zbb, Zbc, Zbs, Zbkb, Zbkc, Zbkx, Zicond. Those that are one op are lifted by [`super::base`].

use super::base::set_word;
use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, UnOp, Val, Width};

/// SH1ADD, SH2ADD, SH3ADD.
pub fn shift_add(l: &mut Lift, i: Insn, shift: u64) {
    let a = l.x(i.rs1);
    shifted_sum(l, i, a, shift);
}

/// ADD.UW, SH1ADD.UW, SH2ADD.UW, SH3ADD.UW.
pub fn shift_add_uw(l: &mut Lift, i: Insn, shift: u64) {
    let a = l.x(i.rs1);
    let a = l.b.un64(UnOp::Zext32, a);
    shifted_sum(l, i, a, shift);
}

fn shifted_sum(l: &mut Lift, i: Insn, a: Val, shift: u64) {
    let b = l.x(i.rs2);
    let a = l.b.bin_imm(BinOp::Shl, Width::W64, a, shift);
    let sum = l.b.add(a, b);
    l.set_x(i.rd, sum);
}

/// SLLI.UW.
pub fn slli_uw(l: &mut Lift, i: Insn) {
    let a = l.x(i.rs1);
    let a = l.b.un64(UnOp::Zext32, a);
    let value = l.b.bin_imm(BinOp::Shl, Width::W64, a, i.imm as u64);
    l.set_x(i.rd, value);
}

/// ORN.
pub fn orn(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let not = l.b.un64(UnOp::Not, b);
    let value = l.b.bin(BinOp::Or, Width::W64, a, not);
    l.set_x(i.rd, value);
}

/// XNOR.
pub fn xnor(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let xor = l.b.bin(BinOp::Xor, Width::W64, a, b);
    let value = l.b.un64(UnOp::Not, xor);
    l.set_x(i.rd, value);
}

/// CLZW, CTZW, CPOPW.
pub fn count_w(l: &mut Lift, i: Insn, op: UnOp) {
    let a = l.x(i.rs1);
    let value = l.b.un(op, Width::W32, a);
    l.set_x(i.rd, value);
}

/// ROL.
pub fn rol(l: &mut Lift, i: Insn) {
    let value = rotated_left(l, i, Width::W64);
    l.set_x(i.rd, value);
}

/// ROLW.
pub fn rolw(l: &mut Lift, i: Insn) {
    let value = rotated_left(l, i, Width::W32);
    set_word(l, i.rd, value);
}

fn rotated_left(l: &mut Lift, i: Insn, w: Width) -> Val {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let right = l.b.un64(UnOp::Neg, b);
    l.b.bin(BinOp::RotR, w, a, right)
}

/// BREV8: the bits of each byte in reverse order.
pub fn brev8(l: &mut Lift, i: Insn) {
    let a = l.x(i.rs1);
    let reversed = l.b.un64(UnOp::BitRev, a);
    let value = l.b.un64(UnOp::Bswap, reversed);
    l.set_x(i.rd, value);
}

/// PACK.
pub fn pack(l: &mut Lift, i: Insn) {
    let value = packed(l, i, UnOp::Zext32, 32);
    l.set_x(i.rd, value);
}

/// PACKH.
pub fn packh(l: &mut Lift, i: Insn) {
    let packed = packed(l, i, UnOp::Zext8, 8);
    let value = l.b.un64(UnOp::Zext16, packed);
    l.set_x(i.rd, value);
}

/// PACKW.
pub fn packw(l: &mut Lift, i: Insn) {
    let value = packed(l, i, UnOp::Zext16, 16);
    set_word(l, i.rd, value);
}

/// The low part of rs1 below rs2.
fn packed(l: &mut Lift, i: Insn, low_part: UnOp, width: u64) -> Val {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let low = l.b.un64(low_part, a);
    let high = l.b.bin_imm(BinOp::Shl, Width::W64, b, width);
    l.b.bin(BinOp::Or, Width::W64, low, high)
}

/// CLMULR: bits 126:63 of the carry-less product.
pub fn clmulr(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let high = l.b.bin(BinOp::ClMulH, Width::W64, a, b);
    let low = l.b.bin(BinOp::ClMul, Width::W64, a, b);
    let high = l.b.bin_imm(BinOp::Shl, Width::W64, high, 1);
    let low = l.b.bin_imm(BinOp::ShrU, Width::W64, low, 63);
    let value = l.b.bin(BinOp::Or, Width::W64, high, low);
    l.set_x(i.rd, value);
}

/// BCLR, BINV, BSET: the op with a mask of one bit.
pub fn bit(l: &mut Lift, i: Insn, op: BinOp) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let one = l.b.const_(1);
    let mask = l.b.bin(BinOp::Shl, Width::W64, one, b);
    let value = l.b.bin(op, Width::W64, a, mask);
    l.set_x(i.rd, value);
}

/// BCLRI, BINVI, BSETI.
pub fn bit_imm(l: &mut Lift, i: Insn, op: BinOp) {
    let a = l.x(i.rs1);
    let value = l.b.bin_imm(op, Width::W64, a, 1 << i.imm);
    l.set_x(i.rd, value);
}

/// BEXT.
pub fn bext(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let shifted = l.b.bin(BinOp::ShrU, Width::W64, a, b);
    let value = l.b.and_imm(shifted, 1);
    l.set_x(i.rd, value);
}

/// BEXTI.
pub fn bexti(l: &mut Lift, i: Insn) {
    let a = l.x(i.rs1);
    let shifted = l.b.bin_imm(BinOp::ShrU, Width::W64, a, i.imm as u64);
    let value = l.b.and_imm(shifted, 1);
    l.set_x(i.rd, value);
}

/// XPERM4, XPERM8: each element of rs2 selects one of rs1; there is nothing beyond the last.
pub fn xperm(l: &mut Lift, i: Insn, width: u64) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let ones = (1 << width) - 1;
    let zero = l.b.const_(0);
    let mut value = zero;
    for at in (0..64).step_by(width as usize) {
        let moved = l.b.bin_imm(BinOp::ShrU, Width::W64, b, at);
        let index = l.b.and_imm(moved, ones);
        let shift = l.b.bin_imm(BinOp::Mul, Width::W64, index, width);
        let moved = l.b.bin(BinOp::ShrU, Width::W64, a, shift);
        let mut element = l.b.and_imm(moved, ones);
        if ones > 64 / width {
            let beyond = l.b.cmp_imm(Cond::GeU, Width::W64, index, 64 / width);
            element = l.b.select(beyond, zero, element);
        }
        let placed = l.b.bin_imm(BinOp::Shl, Width::W64, element, at);
        value = l.b.bin(BinOp::Or, Width::W64, value, placed);
    }
    l.set_x(i.rd, value);
}

/// CZERO.EQZ.
pub fn czero_eqz(l: &mut Lift, i: Insn) {
    let (a, c, zero) = (l.x(i.rs1), l.x(i.rs2), l.b.const_(0));
    let value = l.b.select(c, a, zero);
    l.set_x(i.rd, value);
}

/// CZERO.NEZ.
pub fn czero_nez(l: &mut Lift, i: Insn) {
    let (a, c, zero) = (l.x(i.rs1), l.x(i.rs2), l.b.const_(0));
    let value = l.b.select(c, zero, a);
    l.set_x(i.rd, value);
}
