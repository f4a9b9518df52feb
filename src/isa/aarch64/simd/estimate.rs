//! Reciprocal and reciprocal square root estimates, by the architecture's own algorithm.

use super::status::{Status, format};
use crate::float::{self, Flags, Round};

/// How many bits of the fraction an estimate looks at, and how many it has.
#[derive(Clone, Copy)]
struct Precision {
    from: u32,
    to: u32,
}

const USUAL: Precision = Precision { from: 8, to: 8 };
/// FEAT_RPRES, of single precision where FPCR.AH is set.
const INCREASED: Precision = Precision { from: 11, to: 12 };

/// RecipEstimate: of 256 to 511 (2048 to 4095) standing for 0.5 to 1.
fn recip(Precision { from, to }: Precision, a: u64) -> u64 {
    let a = a * 2 + 1;
    ((1 << (from + to + 3)) / a).div_ceil(2)
}

/// RecipSqrtEstimate: of 128 to 511 (1024 to 4095) standing for 0.25 to 1.
fn recip_sqrt(Precision { from, to }: Precision, a: u64) -> u64 {
    let a = if a < 1 << from { a * 2 + 1 } else { ((a >> 1 << 1) + 1) * 2 };
    // The largest b with a * b * b below the limit, found from the real root rounded down.
    let limit = 1u64 << (from + 2 * to + 4);
    let mut b = (limit / a).isqrt();
    while a * (b + 1) * (b + 1) < limit {
        b += 1;
    }
    while a * b * b >= limit {
        b -= 1;
    }
    b.div_ceil(2)
}

/// How precise an estimate is.
fn precision(s: &Status, bits: u32) -> Precision {
    if s.alternate && bits == 32 { INCREASED } else { USUAL }
}

/// URECPE.
pub fn urecpe(_: &mut Status, _: u32, a: u64) -> u64 {
    if a >> 31 == 0 { 0xffff_ffff } else { recip(USUAL, a >> 23) << 23 }
}

/// URSQRTE.
pub fn ursqrte(_: &mut Status, _: u32, a: u64) -> u64 {
    if a >> 30 == 0 { 0xffff_ffff } else { recip_sqrt(USUAL, a >> 23) << 23 }
}

/// A float operand taken apart, flushed where FPCR says so.
struct Operand {
    negative: bool,
    exp: i32,
    /// The fraction in bits 51:0, whatever the format.
    fraction: u64,
}

/// The operand, or the NaN that comes of a NaN.
fn operand(s: &mut Status, bits: u32, a: u64) -> Result<Operand, u64> {
    let (f, r) = (format(bits), s.rules(bits));
    if float::is_nan(f, a) {
        // Any operation of one operand says which NaN it is to be.
        return Err(s.take(float::round_to_int(f, &r, Round::TowardZero, a, false)));
    }
    let mut fraction = (a & f.frac_mask()) << (52 - f.frac_bits());
    let exp = ((a & f.magnitude_mask()) >> f.frac_bits()) as i32;
    if exp == 0 && fraction != 0 && r.flush_inputs {
        fraction = 0;
        if bits != 16 {
            s.flags |= Flags::INPUT_DENORMAL;
        }
    }
    Ok(Operand { negative: a & f.sign_bit() != 0, exp, fraction })
}

const TOP: u64 = 1 << 51;
const FRACTION: u64 = (1 << 52) - 1;

/// FRECPE.
pub fn frecpe(s: &mut Status, bits: u32, a: u64) -> u64 {
    s.unmoded(|s| recip_estimate(s, bits, a))
}
fn recip_estimate(s: &mut Status, bits: u32, a: u64) -> u64 {
    let (f, r) = (format(bits), s.rules(bits));
    let Operand { negative, mut exp, mut fraction } = match operand(s, bits, a) {
        Ok(operand) => operand,
        Err(nan) => return nan,
    };
    let sign = f.sign(negative);
    let special = 2 * f.bias() + 1;
    if exp == special {
        return sign;
    }
    if exp == 0 && fraction == 0 {
        s.flags |= Flags::DIV_BY_ZERO;
        return sign | f.infinity();
    }
    if exp == 0 && fraction >> 50 == 0 {
        // Below a quarter of the least normal number the reciprocal does not fit.
        s.flags |= Flags::OVERFLOW | Flags::INEXACT;
        let to_infinity = match s.rounding {
            Round::Up => !negative,
            Round::Down => negative,
            Round::TowardZero | Round::ToOdd => false,
            Round::NearestEven | Round::NearestAway => true,
        };
        return sign | (f.infinity() - u64::from(!to_infinity));
    }
    if r.flush_outputs && exp >= special - 2 {
        s.flags |= Flags::UNDERFLOW;
        return sign;
    }
    if exp == 0 {
        if fraction & TOP == 0 {
            exp = -1;
            fraction <<= 1;
        }
        fraction = fraction << 1 & FRACTION;
    }
    let precision = precision(s, bits);
    let estimate = recip(precision, 1 << precision.from | fraction >> (52 - precision.from));
    let mut result_exp = special - 2 - exp;
    let mut result = (estimate << (52 - precision.to)) & FRACTION;
    if result_exp == 0 {
        result = TOP | result >> 1;
    } else if result_exp == -1 {
        result = TOP >> 1 | result >> 2;
        result_exp = 0;
    }
    sign | (result_exp as u64) << f.frac_bits() | result >> (52 - f.frac_bits())
}

/// FRSQRTE.
pub fn frsqrte(s: &mut Status, bits: u32, a: u64) -> u64 {
    s.unmoded(|s| recip_sqrt_estimate(s, bits, a))
}
fn recip_sqrt_estimate(s: &mut Status, bits: u32, a: u64) -> u64 {
    let (f, r) = (format(bits), s.rules(bits));
    let Operand { negative, mut exp, mut fraction } = match operand(s, bits, a) {
        Ok(operand) => operand,
        Err(nan) => return nan,
    };
    if exp == 0 && fraction == 0 {
        s.flags |= Flags::DIV_BY_ZERO;
        return f.sign(negative) | f.infinity();
    }
    if negative {
        s.flags |= Flags::INVALID;
        return float::default_nan(f, &r);
    }
    if exp == 2 * f.bias() + 1 {
        return 0;
    }
    if exp == 0 {
        while fraction & TOP == 0 {
            fraction <<= 1;
            exp -= 1;
        }
        fraction = fraction << 1 & FRACTION;
    }
    let precision = precision(s, bits);
    let scaled = (1 << precision.from | fraction >> (52 - precision.from)) >> (exp & 1);
    let result_exp = (3 * f.bias() - 1 - exp) / 2;
    let estimate = recip_sqrt(precision, scaled) << (52 - precision.to) & FRACTION;
    (result_exp as u64) << f.frac_bits() | estimate >> (52 - f.frac_bits())
}

/// FRECPX: the exponent turned around.
pub fn frecpx(s: &mut Status, bits: u32, a: u64) -> u64 {
    s.unmoded(|s| exponent_turned(s, bits, a))
}
fn exponent_turned(s: &mut Status, bits: u32, a: u64) -> u64 {
    let f = format(bits);
    let Operand { negative, exp, .. } = match operand(s, bits, a) {
        Ok(operand) => operand,
        Err(nan) => return nan,
    };
    let special = 2 * f.bias() + 1;
    let exp = if exp == 0 { special - 1 } else { !exp & special };
    f.sign(negative) | (exp as u64) << f.frac_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_those_of_the_manual() {
        // The ends of the tables, and the algorithm as it is written there.
        assert_eq!((recip(USUAL, 256), recip(USUAL, 511)), (511, 256));
        for a in 128..512u64 {
            let scaled = if a < 256 { a * 2 + 1 } else { ((a >> 1 << 1) + 1) * 2 };
            let b = (512..).find(|b| scaled * (b + 1) * (b + 1) >= 1 << 28).unwrap();
            assert_eq!(recip_sqrt(USUAL, a), b.div_ceil(2));
        }
    }
}
