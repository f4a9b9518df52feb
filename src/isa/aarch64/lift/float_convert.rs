//! Scalar floats: conversions, and moves to and from general registers.

use super::float::{RAISES, format};
use super::{Insn, Lift};
use crate::float::{Format, Round};
use crate::ir::{FloatToInt, IntToFloat, Type, UnOp, Val};
use crate::isa::aarch64::{calls, helpers, regs};

/// FCVT between formats.
pub fn convert(l: &mut Lift, i: Insn, from: Format, to: Format) {
    let a = l.f(from, i.rn());
    let (from, to) = (l.mode.converted(from), l.mode.converted(to));
    let value = l.b.float_convert(from, to, l.mode.rounding(), a);
    l.set_f(i.rd(), value);
}

fn to_int_kind(i: Insn, signed: bool) -> FloatToInt {
    match (i.bit(31), signed) {
        (false, true) => FloatToInt::I32,
        (false, false) => FloatToInt::U32,
        (true, true) => FloatToInt::I64,
        (true, false) => FloatToInt::U64,
    }
}

/// A float as an integer with `fraction` bits behind the point into a register.
fn convert_to_int(l: &mut Lift, i: Insn, rm: Round, signed: bool, fraction: u8) {
    let (fmt, to) = (format(i), to_int_kind(i, signed));
    let a = l.f(fmt, i.rn());
    let value = if l.half_differs(fmt) {
        l.half_op(calls::HalfOp::ToInt { to, fraction, rm }, [a, Val::NONE, Val::NONE])
    } else {
        l.b.float_to_fixed(fmt, to, fraction, rm, a)
    };
    l.set_x(i.rd(), value);
}

/// FCVTNS and kin.
pub fn to_int(l: &mut Lift, i: Insn, rm: Round, signed: bool) {
    convert_to_int(l, i, rm, signed, 0);
}

/// FCVTZS, FCVTZU with fixed point.
pub fn to_fixed(l: &mut Lift, i: Insn, signed: bool) {
    convert_to_int(l, i, Round::TowardZero, signed, fraction(i));
}

/// How many bits are behind the point.
fn fraction(i: Insn) -> u8 {
    64 - i.bits(15, 10) as u8
}

fn convert_from_int(l: &mut Lift, i: Insn, signed: bool, fraction: u8) {
    let from = match (i.bit(31), signed) {
        (false, true) => IntToFloat::I32,
        (false, false) => IntToFloat::U32,
        (true, true) => IntToFloat::I64,
        (true, false) => IntToFloat::U64,
    };
    let a = l.x(i.rn());
    let value = l.b.fixed_to_float(from, fraction, format(i), l.mode.rounding(), a);
    l.set_f(i.rd(), value);
}

/// SCVTF, UCVTF.
pub fn from_int(l: &mut Lift, i: Insn, signed: bool) {
    convert_from_int(l, i, signed, 0);
}

/// SCVTF, UCVTF with fixed point. In half precision the result may be tiny.
pub fn from_fixed(l: &mut Lift, i: Insn, signed: bool) {
    let (fmt, fraction) = (format(i), fraction(i));
    if !l.half_differs(fmt) {
        return convert_from_int(l, i, signed, fraction);
    }
    let bits = if i.bit(31) { 64 } else { 32 };
    let op = calls::FixedOp::FromFixed;
    let what = calls::Fixed { op, fmt, bits, signed, fraction_bits: fraction.into() };
    let (what, a) = (l.b.const_(what.encode()), l.x(i.rn()));
    let value = l.b.call(helpers::FIXED, RAISES, &[what, a]);
    l.set_f(i.rd(), value);
}

/// FRINT32Z, FRINT32X, FRINT64Z, FRINT64X: to an integral value that fits `bits` bits.
pub fn round_to_size(l: &mut Lift, i: Insn, bits: u32, to_zero: bool) {
    let fmt = format(i);
    let a = l.f_bits(fmt, i.rn());
    let op = if to_zero { calls::FixedOp::RoundToZero } else { calls::FixedOp::Round };
    let what = l.b.const_(calls::Fixed { op, fmt, bits, signed: true, fraction_bits: 0 }.encode());
    let value = l.b.call(helpers::FIXED, RAISES, &[what, a]);
    l.set_f(i.rd(), value);
}

/// FJCVTZS: as JavaScript converts; Z tells that nothing was lost.
pub fn javascript(l: &mut Lift, i: Insn) {
    let bits = l.f_bits(Format::F64, i.rn());
    let a = l.f(Format::F64, i.rn());
    let value = l.b.float_to_int(Format::F64, FloatToInt::Mod32, Round::TowardZero, a);
    // Minus zero is not what it becomes, so bits are compared, as they come back.
    let back = l.b.int_to_float(IntToFloat::I32, Format::F64, Round::TowardZero, value);
    let back = l.b.cast(Type::Int, back);
    let lost = l.b.bin(crate::ir::BinOp::Xor, crate::ir::Width::W64, bits, back);
    let lost = l.b.cmp_imm(crate::ir::Cond::Ne, crate::ir::Width::W64, lost, 0);
    l.set_flags_of_logic(crate::ir::Width::W64, lost);
    l.set_x(i.rd(), value);
}

/// FMOV to a general register.
pub fn move_to_x(l: &mut Lift, i: Insn, fmt: Format) {
    let value = l.f_bits(fmt, i.rn());
    l.set_x(i.rd(), value);
}

/// FMOV from a general register.
pub fn move_from_x(l: &mut Lift, i: Insn, fmt: Format) {
    let value = l.x(i.rn());
    let value = match fmt {
        Format::F64 => value,
        Format::F32 => l.b.un64(UnOp::Zext32, value),
        Format::F16 | Format::AltF16 | Format::BF16 => l.b.un64(UnOp::Zext16, value),
    };
    l.set_f(i.rd(), value);
}

/// FMOV from the upper half of a vector register.
pub fn move_from_high(l: &mut Lift, i: Insn) {
    let value = l.b.get(regs::v_high(i.rn()), Type::Int);
    l.set_x(i.rd(), value);
}

/// FMOV to the upper half of a vector register, whose lower one stays.
pub fn move_to_high(l: &mut Lift, i: Insn) {
    let value = l.x(i.rn());
    l.b.set(regs::v_high(i.rd()), value);
}
