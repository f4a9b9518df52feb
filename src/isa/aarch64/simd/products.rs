//! Products of more than one pair: dot products, matrices, complex numbers, FMLAL, bfloat16.

use super::Simd;
use super::fp;
use super::insn::{Insn, Lane};
use super::lanes::{V, broadcast, build, get, number};
use super::status::Status;
use crate::float::{self, Flags, Format, NanRule, Round, Rules};

/// The second source of an instruction whose elements are groups of 32 bits.
fn group_source(s: &Simd, i: Insn) -> V {
    if i.is_by_element() {
        let (register, index) = i.element(32);
        broadcast(32, get(s.v(register), 32, index))
    } else {
        s.v(i.rm())
    }
}

/// SDOT, UDOT, USDOT, SUDOT: four products of bytes are added to each word.
pub fn dot(s: &mut Simd, i: Insn, n_signed: bool, m_signed: bool) {
    let (old, n, m) = (s.v(i.rd()), s.v(i.rn()), group_source(s, i));
    let d = build(32, i.elements(32), |k| {
        let sum = (4 * k..4 * k + 4)
            .map(|at| number(n_signed, 8, get(n, 8, at)) * number(m_signed, 8, get(m, 8, at)))
            .sum::<i128>();
        get(old, 32, k).wrapping_add(sum as u64)
    });
    s.set_v(i.rd(), d);
}

/// SMMLA, UMMLA, USMMLA: a 2x8 matrix times an 8x2 one, added to a 2x2 one.
pub fn mmla(s: &mut Simd, i: Insn, n_signed: bool, m_signed: bool) {
    let (old, n, m) = (s.v(i.rd()), s.v(i.rn()), s.v(i.rm()));
    let d = build(32, 4, |k| {
        let (row, column) = (8 * (k / 2), 8 * (k % 2));
        let sum = (0..8)
            .map(|at| number(n_signed, 8, get(n, 8, row + at)) * number(m_signed, 8, get(m, 8, column + at)))
            .sum::<i128>();
        get(old, 32, k).wrapping_add(sum as u64)
    });
    s.set_v(i.rd(), d);
}

/// FCADD: adds the second source turned by a quarter or three.
pub fn fcadd(s: &mut Simd, i: Insn) {
    let bits = Lane::Z.bits(i);
    let (n, m) = (s.v(i.rn()), s.v(i.rm()));
    // The part of the turned number that changes its sign: the real one for a quarter.
    let negative = i.bit(12) as u32;
    let d = build(bits, i.elements(bits), |k| {
        let other = get(m, bits, k ^ 1);
        let other = if k & 1 == negative { s.status.negated(bits, other) } else { other };
        fp::add(&mut s.status, bits, get(n, bits, k), other)
    });
    s.set_v(i.rd(), d);
}

/// FCMLA: adds a half of a complex product, turned.
fn complex_mla(s: &mut Simd, i: Insn, bits: u32, rotation: u32, m: V) {
    let (old, n) = (s.v(i.rd()), s.v(i.rn()));
    let d = build(bits, i.elements(bits), |k| {
        let (pair, imaginary) = (k & !1, k & 1);
        // By a quarter and three the imaginary part of n is the factor.
        let odd = rotation & 1;
        let factor = get(n, bits, pair + odd);
        let other = get(m, bits, pair + (odd ^ imaginary));
        let negate = match rotation {
            0 => false,
            1 => imaginary == 0,
            2 => true,
            _ => imaginary == 1,
        };
        let other = if negate { s.status.negated(bits, other) } else { other };
        fp::mla(&mut s.status, bits, get(old, bits, k), factor, other)
    });
    s.set_v(i.rd(), d);
}

/// FCMLA (vector).
pub fn fcmla(s: &mut Simd, i: Insn) {
    let m = s.v(i.rm());
    complex_mla(s, i, Lane::Z.bits(i), i.bits(12, 11), m);
}

/// FCMLA (by element): the element is a complex number.
pub fn fcmla_element(s: &mut Simd, i: Insn) {
    let m = s.v(i.rm());
    let bits = Lane::Z.bits(i);
    let index = if bits == 16 { (i.bit(11) as u32) << 1 | i.bit(21) as u32 } else { i.bit(11) as u32 };
    let m = broadcast(2 * bits, get(m, 2 * bits, index));
    complex_mla(s, i, bits, i.bits(14, 13), m);
}

/// A half-precision number as single precision, exactly: a signaling NaN stays one.
fn half_to_single(half: u64, flush: bool) -> u64 {
    let (f, sign) = (Format::F16, (half >> 15 & 1) << 31);
    let magnitude = half & f.magnitude_mask();
    if magnitude > f.infinity() {
        return sign | 0xff << 23 | (half & 0x3ff) << 13;
    }
    if flush && magnitude <= f.frac_mask() {
        return sign;
    }
    float::convert(f, Format::F32, &Rules::ARM, Round::NearestEven, half).0
}

/// FMLAL, FMLSL and their "2" forms: half-precision factors, single-precision sums.
pub fn fmlal(s: &mut Simd, i: Insn, subtract: bool, upper: bool) {
    let (old, n) = (s.v(i.rd()), s.v(i.rn()));
    let (register, index) = i.element(16);
    let m = if i.is_by_element() { broadcast(16, get(s.v(register), 16, index)) } else { s.v(i.rm()) };
    let flush = s.status.rules(16).flush_inputs;
    let count = i.elements(32);
    let from = if upper { count } else { 0 };
    let d = build(32, count, |k| {
        let a = get(n, 16, from + k);
        let a = half_to_single(if subtract { s.status.negated(16, a) } else { a }, flush);
        let b = half_to_single(get(m, 16, from + k), flush);
        fp::mla(&mut s.status, 32, get(old, 32, k), a, b)
    });
    s.set_v(i.rd(), d);
}

/// BFMLALB, BFMLALT: bfloat16 factors, the even or the odd ones.
pub fn bfmlal(s: &mut Simd, i: Insn) {
    let (old, n) = (s.v(i.rd()), s.v(i.rn()));
    let (register, index) = i.element(16);
    let m = if i.is_by_element() { broadcast(16, get(s.v(register), 16, index)) } else { s.v(i.rm()) };
    let odd = i.q() as u32;
    let d = build(32, 4, |k| {
        let (a, b) = (get(n, 16, 2 * k + odd) << 16, get(m, 16, 2 * k + odd) << 16);
        s.status.unmoded(|status| fp::mla(status, 32, get(old, 32, k), a, b))
    });
    s.set_v(i.rd(), d);
}

/// How the sums of bfloat16 products are made: no NaN survives, and no flag is raised.
fn bf_rules(s: &Status) -> Rules {
    let nan = if s.alternate { NanRule::DefaultNegative } else { NanRule::Default };
    Rules { nan, ..s.rules(32) }
}

/// A result rounded to odd; what does not fit is infinity all the same.
fn bf_round((value, flags): (u64, Flags)) -> u64 {
    let f = Format::F32;
    if flags.contains(Flags::OVERFLOW) { value & f.sign_bit() | f.infinity() } else { value }
}

/// BFDotAdd: two products added to each other, then to the sum. With FPCR.EBF (FEAT_EBF16) the first sum is rounded
/// once and everything is as FPCR says, but that no flag is raised.
fn bf_dot(s: &Status, sum: u64, a: [u64; 2], b: [u64; 2]) -> u64 {
    if s.extended_bfloat {
        let rules = bf_rules(s);
        let wide = |bfloat: u64| float::convert(Format::F32, Format::F64, &rules, Round::NearestEven, bfloat << 16).0;
        // A product of two significands of 8 bits is exact in 53, and one rounded to odd may be rounded again.
        let (first, _) = float::mul(Format::F64, &rules, Round::ToOdd, wide(a[0]), wide(b[0]));
        let sum_of_both = |round| float::fma(Format::F64, &rules, round, wide(a[1]), wide(b[1]), first).0;
        let both = match sum_of_both(Round::ToOdd) {
            // The sign of an exact zero goes by the direction.
            zero if zero & Format::F64.magnitude_mask() == 0 => sum_of_both(s.rounding),
            both => both,
        };
        let (both, _) = float::convert(Format::F64, Format::F32, &rules, s.rounding, both);
        return float::add(Format::F32, &rules, s.rounding, sum, both).0;
    }
    // Nothing subnormal survives either.
    let rules = Rules { flush_inputs: true, flush_outputs: true, ..bf_rules(s) };
    let mul = |a: u64, b: u64| bf_round(float::mul(Format::F32, &rules, Round::ToOdd, a << 16, b << 16));
    let add = |a, b| bf_round(float::add(Format::F32, &rules, Round::ToOdd, a, b));
    add(sum, add(mul(a[0], b[0]), mul(a[1], b[1])))
}

/// BFDOT.
pub fn bfdot(s: &mut Simd, i: Insn) {
    let (old, n, m) = (s.v(i.rd()), s.v(i.rn()), group_source(s, i));
    let d = build(32, i.elements(32), |k| {
        let pair = |v| [get(v, 16, 2 * k), get(v, 16, 2 * k + 1)];
        bf_dot(&s.status, get(old, 32, k), pair(n), pair(m))
    });
    s.set_v(i.rd(), d);
}

/// BFMMLA: a 2x4 matrix times a 4x2 one, added to a 2x2 one.
pub fn bfmmla(s: &mut Simd, i: Insn) {
    let (old, n, m) = (s.v(i.rd()), s.v(i.rn()), s.v(i.rm()));
    let d = build(32, 4, |k| {
        let pair = |v, at| [get(v, 16, at), get(v, 16, at + 1)];
        let (row, column) = (4 * (k / 2), 4 * (k % 2));
        let sum = bf_dot(&s.status, get(old, 32, k), pair(n, row), pair(m, column));
        bf_dot(&s.status, sum, pair(n, row + 2), pair(m, column + 2))
    });
    s.set_v(i.rd(), d);
}

/// PMULL of 64-bit elements.
pub fn pmull64(s: &mut Simd, i: Insn) {
    let part = i.part() as usize;
    let (a, b) = (s.v(i.rn())[part], s.v(i.rm())[part]);
    s.set_v(i.rd(), super::lanes::halves(carryless(a, b)));
}

/// The product of two polynomials over GF(2).
fn carryless(a: u64, b: u64) -> u128 {
    // All products with four bits first.
    let mut multiples = [0u128; 16];
    for nibble in 1..16usize {
        let rest = nibble & (nibble - 1);
        multiples[nibble] = multiples[rest] ^ u128::from(a) << nibble.trailing_zeros();
    }
    (0..16).rev().fold(0, |sum, at| sum << 4 ^ multiples[(b >> (4 * at) & 15) as usize])
}

/// SADDLP's sum of a pair.
pub fn pair_sum<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    (number(S, bits, a) + number(S, bits, b)) as u64
}
