//! Comparison, minimum and maximum, classification.

use super::nan::propagate;
use super::parts::subnormal_flags;
use super::{Flags, Format, Rules, Subnormals, is_nan, is_snan};
use std::cmp::Ordering;

/// How two values relate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Ordering4 {
    /// The first is less.
    Less,
    /// They are equal, as zeros of different signs are.
    Equal,
    /// The first is greater.
    Greater,
    /// At least one is a NaN.
    Unordered,
}

/// What a minimum or maximum makes of NaNs and of zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum MinMax {
    /// IEEE 754-2019 minimumNumber and maximumNumber: a NaN loses to a number
    /// (RISC-V `fmin`, `fmax`). Here and below -0 < +0.
    Number2019,
    /// IEEE 754-2019 minimum and maximum: a NaN wins (RISC-V `fminm`, `fmaxm`;
    /// Arm `FMIN`, `FMAX`).
    Propagate,
    /// IEEE 754-2008 minNum and maxNum: a quiet NaN loses, a signaling one wins
    /// (Arm `FMINNM`, `FMAXNM`; Power `xsmindp`, `xsmaxdp`).
    Number2008,
    /// x86 `MINSS`, `MAXSS`: the second operand if either is a NaN, which always
    /// raises INVALID, or both are zeros.
    X86,
}

/// What a value is; the discriminant is the bit RISC-V `fclass` sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[allow(missing_docs)] // The names say it.
pub enum Class {
    NegInf = 0,
    NegNormal = 1,
    NegSubnormal = 2,
    NegZero = 3,
    PosZero = 4,
    PosSubnormal = 5,
    PosNormal = 6,
    PosInf = 7,
    SignalingNan = 8,
    QuietNan = 9,
}

/// Classifies `a`.
pub fn classify(f: Format, a: u64) -> Class {
    let magnitude = a & f.magnitude_mask();
    if is_snan(f, a) {
        return Class::SignalingNan;
    }
    let (negative, positive) = match magnitude {
        0 => (Class::NegZero, Class::PosZero),
        m if m <= f.frac_mask() => (Class::NegSubnormal, Class::PosSubnormal),
        m if m < f.infinity() => (Class::NegNormal, Class::PosNormal),
        m if m == f.infinity() => (Class::NegInf, Class::PosInf),
        _ => return Class::QuietNan,
    };
    if a & f.sign_bit() != 0 { negative } else { positive }
}

fn is_subnormal(f: Format, a: u64) -> bool {
    (1..=f.frac_mask()).contains(&(a & f.magnitude_mask()))
}

/// The bits of `a`, a flushed subnormal being a zero.
fn operand(f: Format, r: &Rules, a: u64) -> u64 {
    if r.flush_inputs && is_subnormal(f, a) { a & f.sign_bit() } else { a & (f.sign_bit() | f.magnitude_mask()) }
}

/// What subnormal operands raise in a comparison.
fn operand_flags(f: Format, r: &Rules, a: u64, b: u64) -> Flags {
    let hidden = r.subnormals == Subnormals::X86 && (is_nan(f, a) || is_nan(f, b));
    if !hidden && (is_subnormal(f, a) || is_subnormal(f, b)) { subnormal_flags(f, r) } else { Flags::NONE }
}

/// An integer that orders as the number does, with -0 just below +0.
fn total_order(f: Format, a: u64) -> i64 {
    let magnitude = (a & f.magnitude_mask()) as i64;
    if a & f.sign_bit() != 0 { !magnitude } else { magnitude }
}

/// Compares without flushing, whatever the architecture: a NaN raises INVALID
/// if it signals or if `signaling`.
#[inline]
pub fn compare(f: Format, a: u64, b: u64, signaling: bool) -> (Ordering4, Flags) {
    compare_with(f, &Rules::RISCV, a, b, signaling)
}

/// [`compare`], subnormal operands being what `r` says.
#[inline]
pub fn compare_with(f: Format, r: &Rules, a: u64, b: u64, signaling: bool) -> (Ordering4, Flags) {
    let mut flags = operand_flags(f, r, a, b);
    if is_nan(f, a) || is_nan(f, b) {
        if signaling || is_snan(f, a) || is_snan(f, b) {
            flags |= Flags::INVALID;
        }
        return (Ordering4::Unordered, flags);
    }
    let (a, b) = (operand(f, r, a), operand(f, r, b));
    let both_zero = (a | b) & f.magnitude_mask() == 0;
    let order = match total_order(f, a).cmp(&total_order(f, b)) {
        _ if both_zero => Ordering4::Equal,
        Ordering::Less => Ordering4::Less,
        Ordering::Equal => Ordering4::Equal,
        Ordering::Greater => Ordering4::Greater,
    };
    (order, flags)
}

/// The lesser of `a` and `b`.
pub fn min(f: Format, r: &Rules, a: u64, b: u64, kind: MinMax) -> (u64, Flags) {
    select(f, r, a, b, kind, Ordering::Less)
}

/// The greater of `a` and `b`.
pub fn max(f: Format, r: &Rules, a: u64, b: u64, kind: MinMax) -> (u64, Flags) {
    select(f, r, a, b, kind, Ordering::Greater)
}

/// `a` if it relates to `b` as `wanted`, else `b`.
fn select(f: Format, r: &Rules, a: u64, b: u64, kind: MinMax, wanted: Ordering) -> (u64, Flags) {
    if kind == MinMax::X86 {
        let (order, flags) = compare_with(f, r, a, b, true);
        let first = match wanted {
            Ordering::Less => order == Ordering4::Less,
            _ => order == Ordering4::Greater,
        };
        return (operand(f, r, if first { a } else { b }), flags);
    }
    let (x, y) = (operand(f, r, a), operand(f, r, b));
    let (nan_a, nan_b) = (is_nan(f, a), is_nan(f, b));
    if !nan_a && !nan_b {
        let first = total_order(f, x).cmp(&total_order(f, y)) == wanted;
        let (value, more) = flushed(f, r, if first { x } else { y });
        return (value, operand_flags(f, r, a, b) | more);
    }
    let signaling = is_snan(f, a) || is_snan(f, b);
    let nan_wins = match kind {
        MinMax::Propagate => true,
        MinMax::Number2008 => signaling,
        _ => false,
    };
    if nan_wins || nan_a && nan_b {
        let (bits, more) = propagate(f, r, &[a, b]);
        return (bits, operand_flags(f, r, a, b) | more);
    }
    let number = if nan_a { y } else { x };
    let (value, mut flags) = flushed(f, r, number);
    flags |= operand_flags(f, r, if nan_a { b } else { a }, number);
    if signaling {
        flags |= Flags::INVALID;
    }
    (value, flags)
}

/// A result that is one of the operands: a subnormal one may be used and not given.
fn flushed(f: Format, r: &Rules, value: u64) -> (u64, Flags) {
    match r.subnormals {
        _ if !r.flush_outputs || !is_subnormal(f, value) => (value, Flags::NONE),
        Subnormals::Arm => (value & f.sign_bit(), Flags::UNDERFLOW),
        Subnormals::X86 => (value & f.sign_bit(), Flags::UNDERFLOW | Flags::INEXACT),
    }
}
