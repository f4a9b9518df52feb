//! Float element operations: pure functions of elements but for the flags they raise.

use super::lanes::mask;
use super::status::{Status, format};
use crate::float::{self, Flags, Format, MinMax, Ordering4, Round};

const fn sign(bits: u32) -> u64 {
    1 << (bits - 1)
}

fn truth(bits: u32, holds: bool) -> u64 {
    if holds { mask(bits) } else { 0 }
}

/// Functions of two elements that the float room has as they are.
macro_rules! arith {
    ($($(#[$meta:meta])* $name:ident)*) => {
        $($(#[$meta])* pub fn $name(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
            let result = float::$name(format(bits), &s.rules(bits), s.rounding, a, b);
            s.take(result)
        })*
    };
}

arith! {
    /// FADD, FADDP.
    add
    /// FSUB.
    sub
    /// FMUL.
    mul
    /// FDIV.
    div
}

/// The kind of FMAX and FMIN.
fn extreme(s: &Status) -> MinMax {
    if s.alternate { MinMax::X86 } else { MinMax::Propagate }
}

/// FMAX, FMAXP, FMAXV.
pub fn max(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let result = float::max(format(bits), &s.rules(bits), a, b, extreme(s));
    s.take(result)
}
/// FMIN, FMINP, FMINV.
pub fn min(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let result = float::min(format(bits), &s.rules(bits), a, b, extreme(s));
    s.take(result)
}
/// FMAXNM, FMAXNMP, FMAXNMV.
pub fn maxnm(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let result = float::max(format(bits), &s.rules(bits), a, b, MinMax::Number2008);
    s.take(result)
}
/// FMINNM, FMINNMP, FMINNMV.
pub fn minnm(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let result = float::min(format(bits), &s.rules(bits), a, b, MinMax::Number2008);
    s.take(result)
}
/// FABD: a NaN loses its sign too, except under AH.
pub fn abd(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let difference = sub(s, bits, a, b);
    s.absolute(bits, difference)
}
/// FABS.
pub fn abs(s: &mut Status, bits: u32, a: u64) -> u64 {
    s.absolute(bits, a)
}
/// FNEG.
pub fn neg(s: &mut Status, bits: u32, a: u64) -> u64 {
    s.negated(bits, a)
}
/// FSQRT.
pub fn sqrt(s: &mut Status, bits: u32, a: u64) -> u64 {
    let result = float::sqrt(format(bits), &s.rules(bits), s.rounding, a);
    s.take(result)
}
/// FMLA: `d + a * b`, rounded once.
pub fn mla(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    let result = float::fma(format(bits), &s.rules(bits), s.rounding, a, b, d);
    s.take(result)
}
/// FMLS: a NaN among the factors changes its sign, except under AH.
pub fn mls(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    let a = s.negated(bits, a);
    mla(s, bits, d, a, b)
}

/// Whether an operand counts as zero.
fn is_zero(s: &Status, bits: u32, a: u64) -> bool {
    let f = format(bits);
    let magnitude = a & f.magnitude_mask();
    magnitude == 0 || s.rules(bits).flush_inputs && magnitude <= f.frac_mask()
}

fn is_inf(bits: u32, a: u64) -> bool {
    a & format(bits).magnitude_mask() == format(bits).infinity()
}

/// Whether one is an infinity and the other a zero; the flag of a flushed operand is raised if so.
fn inf_times_zero(s: &mut Status, bits: u32, a: u64, b: u64) -> bool {
    let found = is_inf(bits, a) && is_zero(s, bits, b) || is_zero(s, bits, a) && is_inf(bits, b);
    if found
        && bits != 16
        && !s.alternate
        && [a, b].iter().any(|x| !is_inf(bits, *x) && x & format(bits).magnitude_mask() != 0)
    {
        s.flags |= Flags::INPUT_DENORMAL;
    }
    found
}

/// `2^exp`, and half as much again if `half`, in the format.
fn constant(bits: u32, exp: i32, half: bool) -> u64 {
    let f = format(bits);
    ((f.bias() + exp) as u64) << f.frac_bits() | if half { f.quiet_bit() } else { 0 }
}

/// FMULX: infinity times zero is two.
pub fn mulx(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    if inf_times_zero(s, bits, a, b) {
        return (a ^ b) & sign(bits) | constant(bits, 1, false);
    }
    mul(s, bits, a, b)
}
/// FRECPS: `2 - a * b`.
pub fn recps(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    s.unmoded(|s| recip_step(s, bits, a, b))
}
fn recip_step(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let two = constant(bits, 1, false);
    if inf_times_zero(s, bits, a, b) {
        return two;
    }
    mls(s, bits, two, a, b)
}
/// FRSQRTS: `(3 - a * b) / 2`, rounded once.
pub fn rsqrts(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    s.unmoded(|s| recip_sqrt_step(s, bits, a, b))
}
fn recip_sqrt_step(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let one_and_half = constant(bits, 0, true);
    if inf_times_zero(s, bits, a, b) {
        return one_and_half;
    }
    // Halving a factor is exact where its exponent can go down by one. If neither can, the product only matters as
    // something tiny; if one is special, halving it would change nothing.
    let exponent = |x: u64| (x & format(bits).magnitude_mask()) >> format(bits).frac_bits();
    let special = exponent(!0);
    let halves = |x: u64| exponent(x) > 1 && exponent(x) != special;
    let less = 1 << format(bits).frac_bits();
    let (a, b) = match (halves(a), halves(b)) {
        _ if exponent(a) == special || exponent(b) == special => (a, b),
        (true, _) => (a - less, b),
        (_, true) => (a, b - less),
        _ => (a, b),
    };
    mls(s, bits, one_and_half, a, b)
}

/// How two elements compare; a quiet NaN is invalid too if `signaling`.
pub fn compare(s: &mut Status, bits: u32, a: u64, b: u64, signaling: bool) -> Ordering4 {
    let (order, flags) = float::compare_with(format(bits), &s.rules(bits), a, b, signaling);
    s.flags |= flags;
    order
}
/// FCMEQ.
pub fn cmeq(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    truth(bits, compare(s, bits, a, b, false) == Ordering4::Equal)
}
/// FCMGE.
pub fn cmge(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    truth(bits, matches!(compare(s, bits, a, b, true), Ordering4::Equal | Ordering4::Greater))
}
/// FCMGT.
pub fn cmgt(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    truth(bits, compare(s, bits, a, b, true) == Ordering4::Greater)
}
/// FACGE.
pub fn acge(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    cmge(s, bits, a & !sign(bits), b & !sign(bits))
}
/// FACGT.
pub fn acgt(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    cmgt(s, bits, a & !sign(bits), b & !sign(bits))
}
/// FCMEQ (zero).
pub fn cmeq0(s: &mut Status, bits: u32, a: u64) -> u64 {
    cmeq(s, bits, a, 0)
}
/// FCMGE (zero).
pub fn cmge0(s: &mut Status, bits: u32, a: u64) -> u64 {
    cmge(s, bits, a, 0)
}
/// FCMGT (zero).
pub fn cmgt0(s: &mut Status, bits: u32, a: u64) -> u64 {
    cmgt(s, bits, a, 0)
}
/// FCMLE (zero).
pub fn cmle0(s: &mut Status, bits: u32, a: u64) -> u64 {
    cmge(s, bits, 0, a)
}
/// FCMLT (zero).
pub fn cmlt0(s: &mut Status, bits: u32, a: u64) -> u64 {
    cmgt(s, bits, 0, a)
}

/// A rounding direction that an instruction names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// N: to nearest, ties to even.
    N,
    /// M: toward minus infinity.
    M,
    /// P: toward plus infinity.
    P,
    /// Z: toward zero.
    Z,
    /// A: to nearest, ties away.
    A,
    /// I, X: as FPCR says.
    Fpcr,
}

impl Direction {
    /// The direction.
    pub fn round(self, s: &Status) -> Round {
        match self {
            Direction::N => Round::NearestEven,
            Direction::M => Round::Down,
            Direction::P => Round::Up,
            Direction::Z => Round::TowardZero,
            Direction::A => Round::NearestAway,
            Direction::Fpcr => s.rounding,
        }
    }
}

/// FRINTN and its kin; `exact` is FRINTX.
pub fn rint(s: &mut Status, bits: u32, a: u64, direction: Direction, exact: bool) -> u64 {
    let result = float::round_to_int(format(bits), &s.rules(bits), direction.round(s), a, exact);
    s.take(result)
}
/// FRINT32Z and its kin: what is no integer of `width` bits becomes the least one.
pub fn rint_to(s: &mut Status, bits: u32, a: u64, direction: Direction, width: u32) -> u64 {
    let (f, r, rm) = (format(bits), s.rules(bits), direction.round(s));
    let (_, flags) = float::to_int(f, &r, rm, a, width, true);
    if flags.contains(Flags::INVALID) {
        s.flags |= Flags::INVALID;
        return sign(bits) | ((f.bias() as u64 + u64::from(width) - 1) << f.frac_bits());
    }
    s.take(float::round_to_int(f, &r, rm, a, true))
}
/// FCVTNS and its kin.
pub fn to_int(s: &mut Status, bits: u32, a: u64, direction: Direction, signed: bool) -> u64 {
    let result = float::to_int(format(bits), &s.rules(bits), direction.round(s), a, bits, signed);
    s.take(result)
}
/// FCVTZS, FCVTZU to fixed point.
pub fn to_fixed<const S: bool>(s: &mut Status, bits: u32, a: u64, fraction_bits: u32) -> u64 {
    let result = float::to_fixed(format(bits), &s.rules(bits), Round::TowardZero, a, bits, S, fraction_bits);
    s.take(result)
}
/// SCVTF, UCVTF from fixed point.
pub fn from_fixed<const S: bool>(s: &mut Status, bits: u32, a: u64, fraction_bits: u32) -> u64 {
    let result = float::from_fixed(format(bits), &s.rules(bits), s.rounding, a, bits, S, fraction_bits);
    s.take(result)
}
/// SCVTF, UCVTF.
pub fn from_int<const S: bool>(s: &mut Status, bits: u32, a: u64) -> u64 {
    from_fixed::<S>(s, bits, a, 0)
}

/// FCVTL: from `bits` to twice as many.
pub fn cvtl(s: &mut Status, bits: u32, a: u64) -> u64 {
    let result = float::convert(s.converted(bits), format(2 * bits), &s.rules(32), s.rounding, a);
    s.take(result)
}
/// FCVTN: to `bits` from twice as many.
pub fn cvtn(s: &mut Status, bits: u32, a: u64) -> u64 {
    let result = float::convert(format(2 * bits), s.converted(bits), &s.rules(32), s.rounding, a);
    s.take(result)
}

/// FCVTXN: rounds to odd.
pub fn cvtxn(s: &mut Status, _: u32, a: u64) -> u64 {
    let result = float::convert(Format::F64, Format::F32, &s.rules(64), Round::ToOdd, a);
    s.take(result)
}
/// BFCVTN: single precision to bfloat16.
pub fn bfcvt(s: &mut Status, _: u32, a: u64) -> u64 {
    s.unmoded(|s| {
        let result = float::convert(Format::F32, Format::BF16, &s.rules(32), s.rounding, a);
        s.take(result)
    })
}
