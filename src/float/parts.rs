//! Taking a value apart, and rounding an exact one back into a format.

use super::{Flags, Format, Round, Rules, Subnormals, Tininess};

/// What a value is, NaNs aside where they were dealt with first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Zero,
    Finite,
    Inf,
    Nan,
}

/// A value taken apart: `sig / 2^63 * 2^exp`, with bit 63 of `sig` set, when
/// finite and not zero. `exp` and `sig` mean nothing for the other kinds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub sign: bool,
    pub kind: Kind,
    pub exp: i32,
    pub sig: u64,
    /// The operand was subnormal, flushed since or not.
    pub subnormal: bool,
}

/// Takes `bits` apart, flushing a subnormal if `flush`.
#[inline(always)]
pub(super) fn unpack(f: Format, flush: bool, bits: u64) -> Parts {
    let sign = bits & f.sign_bit() != 0;
    let magnitude = bits & f.magnitude_mask();
    let biased = (magnitude >> f.frac_bits()) as i32;
    // The fraction just below bit 63, where the implied bit goes.
    let frac = (bits & f.frac_mask()) << (63 - f.frac_bits());
    let max = (1 << f.exp_bits()) - 1;
    let mut parts = Parts { sign, kind: Kind::Finite, exp: biased - f.bias(), sig: frac | 1 << 63, subnormal: false };
    if biased == 0 {
        parts.subnormal = frac != 0;
        if frac == 0 || flush {
            parts.kind = Kind::Zero;
        } else {
            let zeros = frac.leading_zeros();
            parts.sig = frac << zeros;
            parts.exp = 1 - f.bias() - zeros as i32;
        }
    } else if biased == max && f.has_specials() {
        parts.kind = if frac == 0 { Kind::Inf } else { Kind::Nan };
    }
    parts
}

/// What a subnormal operand of an arithmetic operation raises.
#[inline(always)]
pub(super) fn subnormal_flags(f: Format, r: &Rules) -> Flags {
    let raise = match r.subnormals {
        Subnormals::Arm => r.flush_inputs,
        Subnormals::X86 => !r.flush_inputs,
    };
    if raise && !f.is_half() { Flags::INPUT_DENORMAL } else { Flags::NONE }
}

/// Shifts right, keeping in bit 0 whether anything was lost ("jamming"). A
/// jammed value rounds as the exact one does as long as bit 0 is below the
/// guard bit.
#[inline(always)]
pub(super) fn shift_right_jam(x: u64, by: u32) -> u64 {
    match by {
        0 => x,
        1..64 => x >> by | (x << (64 - by) != 0) as u64,
        _ => (x != 0) as u64,
    }
}

/// [`shift_right_jam`] at 128 bits.
#[inline(always)]
pub(super) fn shift_right_jam128(x: u128, by: u32) -> u128 {
    match by {
        0 => x,
        1..128 => x >> by | (x << (128 - by) != 0) as u128,
        _ => (x != 0) as u128,
    }
}

/// The top half of `x`, jammed.
#[inline(always)]
pub(super) fn jam128(x: u128) -> u64 {
    (x >> 64) as u64 | (x as u64 != 0) as u64
}

/// Drops the low `shift` bits (1 to 63) of `sig` in direction `rm`: the rounded
/// rest, and whether it is inexact.
#[inline(always)]
pub(super) fn round_off(rm: Round, sign: bool, sig: u64, shift: u32) -> (u64, bool) {
    let kept = sig >> shift;
    let lost = sig << (64 - shift);
    const HALF: u64 = 1 << 63;
    let up = match rm {
        Round::NearestEven => lost > HALF || lost == HALF && kept & 1 != 0,
        Round::NearestAway => lost >= HALF,
        Round::TowardZero => false,
        Round::Down => sign && lost != 0,
        Round::Up => !sign && lost != 0,
        Round::ToOdd => lost != 0 && kept & 1 == 0,
    };
    (kept + up as u64, lost != 0)
}

/// Rounds `sig / 2^63 * 2^exp` into the format. `sig` has bit 63 set, and its
/// bit 0 may be jammed.
pub(super) fn round_pack(f: Format, r: &Rules, rm: Round, sign: bool, exp: i32, sig: u64) -> (u64, Flags) {
    debug_assert!(sig >> 63 == 1);
    let shift = 63 - f.frac_bits();
    let biased = exp + f.bias();
    if biased <= 0 {
        return round_pack_tiny(f, r, rm, sign, biased, sig);
    }
    let (kept, inexact) = round_off(rm, sign, sig, shift);
    // Too large an exponent is dealt with before it can run into the sign.
    if biased >= 1 << f.exp_bits() {
        return overflow(f, rm, sign);
    }
    // The implied bit, or the carry out of it, adds to the exponent field.
    let magnitude = ((biased as u64 - 1) << f.frac_bits()) + kept;
    let limit = if f.has_specials() { f.infinity() } else { f.sign_bit() };
    if magnitude >= limit {
        return overflow(f, rm, sign);
    }
    (f.sign(sign) | magnitude, Flags(inexact as u8))
}

/// [`round_pack`] for an exact value below the smallest normal one.
#[cold]
fn round_pack_tiny(f: Format, r: &Rules, rm: Round, sign: bool, biased: i32, sig: u64) -> (u64, Flags) {
    let shift = 63 - f.frac_bits();
    if r.flush_outputs && r.subnormals == Subnormals::Arm {
        return (f.sign(sign), Flags::UNDERFLOW);
    }
    // Just below the smallest normal number, rounding may carry up to it.
    let tiny_after = biased < 0 || round_off(rm, sign, sig, shift).0 >> (f.frac_bits() + 1) == 0;
    if r.flush_outputs && tiny_after {
        return (f.sign(sign), Flags::UNDERFLOW | Flags::INEXACT);
    }
    let sig = shift_right_jam(sig, (1 - biased) as u32);
    let (magnitude, inexact) = round_off(rm, sign, sig, shift);
    let tiny = r.tiny == Tininess::BeforeRounding || tiny_after;
    let flags = match (inexact, tiny) {
        (false, _) => Flags::NONE,
        (true, false) => Flags::INEXACT,
        (true, true) => Flags::UNDERFLOW | Flags::INEXACT,
    };
    (f.sign(sign) | magnitude, flags)
}

/// The largest number or infinity, whichever the direction leads to. A format without infinities has nothing that
/// stands for the result.
#[cold]
pub(super) fn overflow(f: Format, rm: Round, sign: bool) -> (u64, Flags) {
    if !f.has_specials() {
        return (f.sign(sign) | f.magnitude_mask(), Flags::INVALID);
    }
    let to_infinity = match rm {
        Round::NearestEven | Round::NearestAway => true,
        Round::TowardZero | Round::ToOdd => false,
        Round::Down => sign,
        Round::Up => !sign,
    };
    let magnitude = f.infinity() - !to_infinity as u64;
    (f.sign(sign) | magnitude, Flags::OVERFLOW | Flags::INEXACT)
}

/// [`round_pack`] for any `sig` but zero.
#[inline(always)]
pub(super) fn normalize_round_pack(f: Format, r: &Rules, rm: Round, sign: bool, exp: i32, sig: u64) -> (u64, Flags) {
    let zeros = sig.leading_zeros();
    round_pack(f, r, rm, sign, exp - zeros as i32, sig << zeros)
}
