//! Addition, multiplication, division, square root, fused multiply-add.
//!
//! Each computes a significand that is exact or jammed (see
//! [`shift_right_jam`]) and leaves the rest to [`round_pack`].

use super::nan::{invalid, propagate, propagate_fma};
use super::parts::{
    Kind, Parts, jam128, normalize_round_pack, round_pack, shift_right_jam, shift_right_jam128, subnormal_flags, unpack,
};
use super::{Flags, Format, Round, Rules, Subnormals};

/// What is left of the flags subnormal operands raise when an exception comes
/// first: a NaN, an invalid operation or division by zero stop x86 from looking
/// any further.
fn visible(r: &Rules, flags: Flags) -> Flags {
    match r.subnormals {
        Subnormals::Arm => flags,
        Subnormals::X86 => Flags::NONE,
    }
}

/// The flags subnormal operands raise.
#[inline(always)]
fn operand_flags(f: Format, r: &Rules, operands: &[&Parts]) -> Flags {
    if operands.iter().any(|x| x.subnormal) { subnormal_flags(f, r) } else { Flags::NONE }
}

/// The sign of an exact zero sum of operands with different signs.
#[inline(always)]
fn cancelled_sign(rm: Round) -> bool {
    rm == Round::Down
}

#[inline(always)]
fn with(flags: Flags, (bits, more): (u64, Flags)) -> (u64, Flags) {
    (bits, flags | more)
}

/// `a + b`.
#[inline]
pub fn add(f: Format, r: &Rules, rm: Round, a: u64, b: u64) -> (u64, Flags) {
    add_signed(f, r, rm, a, b, false)
}

/// `a - b`.
#[inline]
pub fn sub(f: Format, r: &Rules, rm: Round, a: u64, b: u64) -> (u64, Flags) {
    add_signed(f, r, rm, a, b, true)
}

/// `a + b`, or `a - b` if `negate`: a NaN `b` keeps its sign either way.
#[inline]
fn add_signed(f: Format, r: &Rules, rm: Round, a: u64, b: u64, negate: bool) -> (u64, Flags) {
    let x = unpack(f, r.flush_inputs, a);
    let mut y = unpack(f, r.flush_inputs, b);
    y.sign ^= negate;
    let flags = operand_flags(f, r, &[&x, &y]);
    let result = match (x.kind, y.kind) {
        (Kind::Finite, Kind::Finite) => add_finite(f, r, rm, x, y),
        (Kind::Nan, _) | (_, Kind::Nan) => return nan_result(f, r, flags, &[a, b]),
        (Kind::Inf, Kind::Inf) if x.sign != y.sign => return invalid(f, r),
        (Kind::Inf, _) => (f.sign(x.sign) | f.infinity(), Flags::NONE),
        (_, Kind::Inf) => (f.sign(y.sign) | f.infinity(), Flags::NONE),
        (Kind::Zero, Kind::Zero) if x.sign == y.sign => (f.sign(x.sign), Flags::NONE),
        (Kind::Zero, Kind::Zero) => (f.sign(cancelled_sign(rm)), Flags::NONE),
        (Kind::Zero, _) => round_pack(f, r, rm, y.sign, y.exp, y.sig),
        (_, Kind::Zero) => round_pack(f, r, rm, x.sign, x.exp, x.sig),
    };
    with(flags, result)
}

#[cold]
fn nan_result(f: Format, r: &Rules, flags: Flags, operands: &[u64]) -> (u64, Flags) {
    with(visible(r, flags), propagate(f, r, operands))
}

/// The sum of two finite nonzero numbers.
#[inline(always)]
fn add_finite(f: Format, r: &Rules, rm: Round, x: Parts, y: Parts) -> (u64, Flags) {
    let (big, small) = if (x.exp, x.sig) >= (y.exp, y.sig) { (x, y) } else { (y, x) };
    // One bit of room at the top for a carry.
    let top = big.sig >> 1;
    let low = shift_right_jam(small.sig >> 1, (big.exp - small.exp) as u32);
    if x.sign == y.sign {
        return normalize_round_pack(f, r, rm, big.sign, big.exp + 1, top + low);
    }
    let difference = top - low;
    if difference == 0 {
        return (f.sign(cancelled_sign(rm)), Flags::NONE);
    }
    normalize_round_pack(f, r, rm, big.sign, big.exp + 1, difference)
}

/// `a * b`.
#[inline]
pub fn mul(f: Format, r: &Rules, rm: Round, a: u64, b: u64) -> (u64, Flags) {
    let x = unpack(f, r.flush_inputs, a);
    let y = unpack(f, r.flush_inputs, b);
    let sign = x.sign ^ y.sign;
    let flags = operand_flags(f, r, &[&x, &y]);
    let result = match (x.kind, y.kind) {
        (Kind::Finite, Kind::Finite) => {
            let product = jam128(u128::from(x.sig) * u128::from(y.sig));
            normalize_round_pack(f, r, rm, sign, x.exp + y.exp + 1, product)
        }
        (Kind::Nan, _) | (_, Kind::Nan) => return nan_result(f, r, flags, &[a, b]),
        (Kind::Inf, Kind::Zero) | (Kind::Zero, Kind::Inf) => invalid(f, r),
        (Kind::Inf, _) | (_, Kind::Inf) => (f.sign(sign) | f.infinity(), Flags::NONE),
        (Kind::Zero, _) | (_, Kind::Zero) => (f.sign(sign), Flags::NONE),
    };
    with(flags, result)
}

/// `a / b`.
pub fn div(f: Format, r: &Rules, rm: Round, a: u64, b: u64) -> (u64, Flags) {
    let x = unpack(f, r.flush_inputs, a);
    let y = unpack(f, r.flush_inputs, b);
    let sign = x.sign ^ y.sign;
    let flags = operand_flags(f, r, &[&x, &y]);
    let result = match (x.kind, y.kind) {
        (Kind::Finite, Kind::Finite) => {
            let quotient = divide_sigs(f, x.sig, y.sig);
            normalize_round_pack(f, r, rm, sign, x.exp - y.exp, quotient)
        }
        (Kind::Nan, _) | (_, Kind::Nan) => return nan_result(f, r, flags, &[a, b]),
        (Kind::Inf, Kind::Inf) | (Kind::Zero, Kind::Zero) => invalid(f, r),
        (Kind::Inf, _) => (f.sign(sign) | f.infinity(), Flags::NONE),
        (Kind::Finite, Kind::Zero) => {
            let infinity = f.sign(sign) | f.infinity();
            return (infinity, visible(r, flags) | Flags::DIV_BY_ZERO);
        }
        (_, Kind::Inf) | (Kind::Zero, _) => (f.sign(sign), Flags::NONE),
    };
    with(flags, result)
}

/// `x / y * 2^63`, jammed. The operands are within a factor of two.
#[inline(always)]
fn divide_sigs(f: Format, x: u64, y: u64) -> u64 {
    if f == Format::F64 {
        let (n, d) = (u128::from(x) << 63, u128::from(y));
        return (n / d) as u64 | (n % d != 0) as u64;
    }
    // At most 24 bits are used, so that a 64-bit division has bits to spare.
    let (n, d) = (x >> 40 << 39, y >> 40);
    ((n / d) | (n % d != 0) as u64) << 24
}

/// The square root of `a`.
pub fn sqrt(f: Format, r: &Rules, rm: Round, a: u64) -> (u64, Flags) {
    let x = unpack(f, r.flush_inputs, a);
    let flags = operand_flags(f, r, &[&x]);
    match x.kind {
        Kind::Nan => nan_result(f, r, flags, &[a]),
        Kind::Zero => (f.sign(x.sign), flags),
        _ if x.sign => invalid(f, r),
        Kind::Inf => (f.infinity(), Flags::NONE),
        Kind::Finite => {
            // An odd power of two moves one factor of two under the root.
            let sig = root_sig(f, x.sig, x.exp & 1 != 0);
            with(flags, round_pack(f, r, rm, false, x.exp >> 1, sig))
        }
    }
}

/// The root of `sig / 2^63`, doubled first if `twice`, times 2^63, jammed.
#[inline(always)]
fn root_sig(f: Format, sig: u64, twice: bool) -> u64 {
    if f == Format::F64 {
        let n = u128::from(sig) << (63 + twice as u32);
        let root = n.isqrt();
        return root as u64 | (root * root != n) as u64;
    }
    // At most 24 bits are used: 32 bits of root are plenty.
    let n = sig >> !twice as u32;
    let root = n.isqrt();
    (root << 1 | (root * root != n) as u64) << 31
}

/// `a * b + c`, rounded once.
#[inline]
pub fn fma(f: Format, r: &Rules, rm: Round, a: u64, b: u64, c: u64) -> (u64, Flags) {
    let x = unpack(f, r.flush_inputs, a);
    let y = unpack(f, r.flush_inputs, b);
    let z = unpack(f, r.flush_inputs, c);
    let sign = x.sign ^ y.sign;
    let flags = operand_flags(f, r, &[&x, &y, &z]);
    let inf_times_zero = matches!((x.kind, y.kind), (Kind::Inf, Kind::Zero) | (Kind::Zero, Kind::Inf));
    if [x.kind, y.kind, z.kind].contains(&Kind::Nan) {
        return with(visible(r, flags), propagate_fma(f, r, a, b, c, inf_times_zero));
    }
    if inf_times_zero {
        return with(visible(r, flags), invalid(f, r));
    }
    let infinity = |sign| (f.sign(sign) | f.infinity(), Flags::NONE);
    let product_is_inf = x.kind == Kind::Inf || y.kind == Kind::Inf;
    let product_is_zero = x.kind == Kind::Zero || y.kind == Kind::Zero;
    let result = match z.kind {
        Kind::Inf if product_is_inf && sign != z.sign => {
            return with(visible(r, flags), invalid(f, r));
        }
        Kind::Inf => infinity(z.sign),
        _ if product_is_inf => infinity(sign),
        Kind::Zero if product_is_zero && sign == z.sign => (f.sign(sign), Flags::NONE),
        Kind::Zero if product_is_zero => (f.sign(cancelled_sign(rm)), Flags::NONE),
        _ if product_is_zero => round_pack(f, r, rm, z.sign, z.exp, z.sig),
        _ => {
            let product = u128::from(x.sig) * u128::from(y.sig);
            add_product(f, r, rm, (sign, x.exp + y.exp + 1, product), z)
        }
    };
    with(flags, result)
}

/// Adds `z`, zero or finite, to the nonzero product `sig / 2^127 * 2^exp`.
#[inline(always)]
fn add_product(f: Format, r: &Rules, rm: Round, (sign, exp, sig): (bool, i32, u128), z: Parts) -> (u64, Flags) {
    // One bit of room at the top for a carry. The product has 106 bits at most
    // and the addend 53, so that nothing is lost here.
    let product = sig >> 1;
    let (sign, exp, sum) = if z.kind == Kind::Zero {
        (sign, exp, product)
    } else {
        let addend = u128::from(z.sig) << 63;
        let apart = exp - z.exp;
        let top = exp.max(z.exp);
        let product = shift_right_jam128(product, (-apart).max(0) as u32);
        let addend = shift_right_jam128(addend, apart.max(0) as u32);
        if sign == z.sign {
            (sign, top, product + addend)
        } else if product == addend {
            return (f.sign(cancelled_sign(rm)), Flags::NONE);
        } else if product > addend {
            (sign, top, product - addend)
        } else {
            (z.sign, top, addend - product)
        }
    };
    let zeros = sum.leading_zeros();
    let sig = jam128(sum << zeros);
    round_pack(f, r, rm, sign, exp + 1 - zeros as i32, sig)
}
