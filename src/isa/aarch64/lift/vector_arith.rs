//! Vector instructions that take several ops: differences, halving, rounding, saturation.
//!
//! Each may use all [`TEMPS`]; where one is an operand, it is the first.

use super::Lift;
use super::vector::every;
use crate::ir::{BinOp, Cond, Lane, Slot, Type, VecInsn, VecOp, Width};
use crate::isa::aarch64::regs::{self, TEMPS};
use crate::isa::aarch64::simd::QC;
use crate::isa::aarch64::simd::insn::Insn as Fields;

/// Instructions of three registers of the same type, or with a second one of a single element; false when it is none
/// of these.
pub fn three(l: &mut Lift, name: &str, lane: Lane, half: bool, [d, n, m]: [Slot; 3]) -> bool {
    let signed = name.starts_with('s');
    match name {
        "sabd" | "uabd" => difference(l, lane, signed, half, [d, n, m]),
        "saba" | "uaba" => {
            difference(l, lane, signed, half, [TEMPS[0], n, m]);
            l.vec(VecOp::Add(lane), half, d, d, TEMPS[0]);
        }
        "urhadd" if lane != Lane::B32 => l.vec(VecOp::AverageU(lane), half, d, n, m),
        "shadd" | "uhadd" | "srhadd" | "urhadd" | "shsub" | "uhsub" => {
            let down = if signed { VecOp::ShrS(lane, 1) } else { VecOp::ShrU(lane, 1) };
            // Half of what only one has, and all of what both have, of what either has, or of what the second alone has.
            l.vec(VecOp::Xor, half, TEMPS[1], n, m);
            l.vec(down, half, TEMPS[1], TEMPS[1], TEMPS[1]);
            match &name[1..] {
                "hadd" => {
                    l.vec(VecOp::And, half, TEMPS[2], n, m);
                    l.vec(VecOp::Add(lane), half, d, TEMPS[2], TEMPS[1]);
                }
                "rhadd" => {
                    l.vec(VecOp::Or, half, TEMPS[2], n, m);
                    l.vec(VecOp::Sub(lane), half, d, TEMPS[2], TEMPS[1]);
                }
                _ => {
                    l.vec(VecOp::AndNot, half, TEMPS[2], m, n);
                    l.vec(VecOp::Sub(lane), half, d, TEMPS[1], TEMPS[2]);
                }
            }
        }
        "sqadd" | "uqadd" | "sqsub" | "uqsub" => {
            let (saturating, wrapping) = match name {
                "sqadd" => (VecOp::SatAddS(lane), VecOp::Add(lane)),
                "uqadd" => (VecOp::SatAddU(lane), VecOp::Add(lane)),
                "sqsub" => (VecOp::SatSubS(lane), VecOp::Sub(lane)),
                _ => (VecOp::SatSubU(lane), VecOp::Sub(lane)),
            };
            l.vec(wrapping, half, TEMPS[1], n, m);
            l.vec(saturating, half, d, n, m);
            note_difference(l, half, TEMPS[1], d);
        }
        "sqdmulh" | "sqrdmulh" => {
            // The one product that does not fit comes out as the least integer, as no other does.
            l.vec(VecOp::MulHighDouble { lane, round: name == "sqrdmulh" }, half, TEMPS[1], n, m);
            l.vec_const(TEMPS[2], half, every(lane, 1 << (lane.bits() - 1)));
            l.vec(VecOp::Eq(lane), half, TEMPS[2], TEMPS[1], TEMPS[2]);
            l.vec(VecOp::Xor, half, d, TEMPS[1], TEMPS[2]);
            note_saturation(l, TEMPS[2]);
        }
        _ => return false,
    }
    true
}

/// Absolute differences of lanes of up to 32 bits. The destination may be an operand, and a temporary.
pub fn difference(l: &mut Lift, lane: Lane, signed: bool, half: bool, [d, n, m]: [Slot; 3]) {
    let (min, max) =
        if signed { (VecOp::MinS(lane), VecOp::MaxS(lane)) } else { (VecOp::MinU(lane), VecOp::MaxU(lane)) };
    l.vec(max, half, TEMPS[1], n, m);
    l.vec(min, half, TEMPS[2], n, m);
    l.vec(VecOp::Sub(lane), half, d, TEMPS[1], TEMPS[2]);
}

/// Right shifts by a constant from 1 to the width, rounded to nearest with ties up, or cut.
#[expect(clippy::too_many_arguments, reason = "an instruction, taken apart")]
pub fn shift_right(l: &mut Lift, lane: Lane, signed: bool, by: u8, round: bool, half: bool, d: Slot, n: Slot) {
    let down = if signed { VecOp::ShrS(lane, by) } else { VecOp::ShrU(lane, by) };
    if !round {
        return l.vec(down, half, d, n, n);
    }
    // The last bit that is lost is added.
    let bits = lane.bits() as u8;
    l.vec(VecOp::Shl(lane, bits - by), half, TEMPS[1], n, n);
    l.vec(VecOp::ShrU(lane, bits - 1), half, TEMPS[1], TEMPS[1], TEMPS[1]);
    l.vec(down, half, d, n, n);
    l.vec(VecOp::Add(lane), half, d, d, TEMPS[1]);
}

/// The half of the destination that `f` says takes the lanes of `n`, twice as wide as `lane`, saturated; `signed` is
/// about the source, `to_signed` about the result.
pub fn narrow(l: &mut Lift, f: Fields, lane: Lane, signed: bool, to_signed: bool, n: Slot) {
    let Some(wide) = lane.wider() else { return };
    let bits = lane.bits();
    let (least, most) = if to_signed { (u64::MAX << (bits - 1), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) };
    let cut = |value: u64| value & (u64::MAX >> (64 - wide.bits()));
    limit(l, wide, signed, cut(most), false, n);
    if signed {
        limit(l, wide, true, cut(least), true, TEMPS[1]);
    }
    note_difference(l, false, n, TEMPS[1]);
    let d = regs::v_low(f.rd());
    l.vec(VecOp::Narrow { lane, part: f.part() as u8 }, false, d, TEMPS[1], TEMPS[1]);
}

/// The second temporary is `n` with no lane above the limit, or below it if that is the least.
fn limit(l: &mut Lift, lane: Lane, signed: bool, limit: u64, least: bool, n: Slot) {
    let (t, limits, beyond) = (TEMPS[1], TEMPS[2], TEMPS[3]);
    l.vec_const(limits, false, every(lane, limit));
    if lane == Lane::B64 {
        let above = if signed { VecOp::GtS(lane) } else { VecOp::GtU(lane) };
        let (a, b) = if least { (limits, n) } else { (n, limits) };
        l.vec(above, false, beyond, a, b);
        return l.b.vec(VecInsn { op: VecOp::Choose, half: false, d: t, a: limits, b: n, c: beyond });
    }
    let op = match (signed, least) {
        (true, true) => VecOp::MaxS(lane),
        (true, false) => VecOp::MinS(lane),
        _ => VecOp::MinU(lane),
    };
    l.vec(op, false, t, n, limits);
}

/// FPSR.QC is set where `a` and `b` differ.
fn note_difference(l: &mut Lift, half: bool, a: Slot, b: Slot) {
    l.vec(VecOp::Xor, half, TEMPS[3], a, b);
    note_saturation(l, TEMPS[3]);
}

/// FPSR.QC is set where a vector is not zero.
fn note_saturation(l: &mut Lift, n: Slot) {
    let [low, high] = [n, Slot(n.0 + 1)].map(|half| l.b.get(half, Type::Int));
    let any = l.b.bin(BinOp::Or, Width::W64, low, high);
    let any = l.b.cmp_imm(Cond::Ne, Width::W64, any, 0);
    let bit = l.b.bin_imm(BinOp::Shl, Width::W64, any, u64::from(QC.trailing_zeros()));
    let old = l.b.get(regs::FPSR, Type::Int);
    let new = l.b.bin(BinOp::Or, Width::W64, old, bit);
    l.b.set(regs::FPSR, new);
}
