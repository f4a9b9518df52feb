//! Conversions: between formats, to and from integers and fixed point, and
//! rounding to an integral value.

use super::nan;
use super::parts::{
    Kind, Parts, normalize_round_pack, overflow, round_off, round_pack, shift_right_jam, subnormal_flags, unpack,
};
use super::{Flags, Format, IntRule, Round, Rules, Subnormals};

/// `a` in another format.
///
/// Half precision is never flushed here, on either side: Arm takes FZ16 as
/// clear, x86 ignores DAZ and FTZ.
pub fn convert(from: Format, to: Format, r: &Rules, rm: Round, a: u64) -> (u64, Flags) {
    let x = unpack(from, r.flush_inputs && !from.is_half(), a);
    let flags = if x.subnormal && !from.is_half() { subnormal_flags(from, r) } else { Flags::NONE };
    match x.kind {
        Kind::Zero => (to.sign(x.sign), flags),
        Kind::Inf if !to.has_specials() => overflow(to, rm, x.sign),
        Kind::Nan if !to.has_specials() => (to.sign(x.sign), Flags::INVALID),
        Kind::Inf => (to.sign(x.sign) | to.infinity(), Flags::NONE),
        Kind::Nan => nan::convert(from, to, r, a),
        Kind::Finite => {
            let flush_outputs = r.flush_outputs && !to.is_half();
            let r = &Rules { flush_outputs, ..*r };
            let (bits, more) = round_pack(to, r, rm, x.sign, x.exp, x.sig);
            (bits, flags | more)
        }
    }
}

/// What a subnormal operand raises where x86 does not care for them.
fn flushed_flags(f: Format, r: &Rules, x: &Parts) -> Flags {
    if x.subnormal && r.subnormals == Subnormals::Arm { subnormal_flags(f, r) } else { Flags::NONE }
}

/// The magnitude of `x * 2^scale` rounded to an integer, and whether it is
/// inexact. `x` is finite with `x.exp + scale` at most 63.
fn round_integer(rm: Round, x: &Parts, scale: i32) -> (u64, bool) {
    match 63 - (x.exp + scale) {
        0 => (x.sig, false),
        shift @ 1..64 => round_off(rm, x.sign, x.sig, shift as u32),
        // All of it is fraction: move it below the 62nd bit, jammed.
        shift => {
            let sig = shift_right_jam(x.sig, shift as u32 - 62);
            round_off(rm, x.sign, sig, 62)
        }
    }
}

/// All ones in the low `bits`.
fn low_mask(bits: u32) -> u64 {
    debug_assert!((1..=64).contains(&bits));
    u64::MAX >> (64 - bits)
}

/// `a` rounded to an integer of `bits` bits (8 to 64), zero-extended. NaN and
/// values out of range raise INVALID alone and give what `r.to_int` says.
pub fn to_int(f: Format, r: &Rules, rm: Round, a: u64, bits: u32, signed: bool) -> (u64, Flags) {
    to_fixed(f, r, rm, a, bits, signed, 0)
}

/// `a` rounded to a fixed-point number of `bits` bits of which `fraction_bits`
/// are behind the point: [`to_int`] of `a * 2^fraction_bits`.
pub fn to_fixed(f: Format, r: &Rules, rm: Round, a: u64, bits: u32, signed: bool, fraction_bits: u32) -> (u64, Flags) {
    let x = unpack(f, r.flush_inputs, a);
    let mask = low_mask(bits);
    // The largest magnitude of each sign.
    let (most, least) = if signed { (mask >> 1, (mask >> 1) + 1) } else { (mask, 0) };
    let limit = if x.sign { least } else { most };
    let scale = fraction_bits as i32;
    match x.kind {
        Kind::Zero => return (0, flushed_flags(f, r, &x)),
        Kind::Finite if x.exp + scale < 64 => {
            let (magnitude, inexact) = round_integer(rm, &x, scale);
            if magnitude <= limit {
                let value = if x.sign { magnitude.wrapping_neg() } else { magnitude };
                return (value & mask, Flags(inexact as u8));
            }
        }
        _ => {}
    }
    let smallest = least.wrapping_neg() & mask;
    let saturated = if x.sign { smallest } else { most };
    let nan = x.kind == Kind::Nan;
    let value = match r.to_int {
        IntRule::Indefinite if signed => smallest,
        IntRule::Indefinite => most,
        IntRule::NanIsMax if nan => most,
        IntRule::NanIsMin if nan => smallest,
        IntRule::NanIsZero if nan => 0,
        _ => saturated,
    };
    (value, Flags::INVALID)
}

/// `a` truncated to an integer modulo 2^32, zero-extended (RISC-V
/// `fcvtmod.w.d`, Arm `FJCVTZS`). Flags are those of a signed 32-bit
/// [`to_int`]; infinity and NaN give zero.
pub fn to_int_mod32(f: Format, r: &Rules, a: u64) -> (u64, Flags) {
    let (_, flags) = to_int(f, r, Round::TowardZero, a, 32, true);
    let x = unpack(f, r.flush_inputs, a);
    if x.kind != Kind::Finite {
        return (0, flags);
    }
    let magnitude = match x.exp {
        ..64 => round_integer(Round::TowardZero, &x, 0).0,
        64..127 => x.sig << (x.exp - 63),
        _ => 0,
    };
    let value = if x.sign { magnitude.wrapping_neg() } else { magnitude };
    (value & low_mask(32), flags)
}

/// The low `bits` of the integer `a` (8 to 64) as a floating-point number.
pub fn from_int(f: Format, rm: Round, a: u64, bits: u32, signed: bool) -> (u64, Flags) {
    // No integer is tiny, so that no rule comes into play.
    from_fixed(f, &Rules::RISCV, rm, a, bits, signed, 0)
}

/// The fixed-point number in the low `bits` of `a`, of which `fraction_bits`
/// are behind the point: [`from_int`] divided by `2^fraction_bits`.
pub fn from_fixed(
    f: Format,
    r: &Rules,
    rm: Round,
    a: u64,
    bits: u32,
    signed: bool,
    fraction_bits: u32,
) -> (u64, Flags) {
    let mask = low_mask(bits);
    let sign = signed && a >> (bits - 1) & 1 != 0;
    let magnitude = if sign { a.wrapping_neg() } else { a } & mask;
    if magnitude == 0 {
        return (0, Flags::NONE);
    }
    normalize_round_pack(f, r, rm, sign, 63 - fraction_bits as i32, magnitude)
}

/// `a` rounded to an integral value in its own format, a zero keeping the sign
/// of `a`. INEXACT is raised only if `exact`.
pub fn round_to_int(f: Format, r: &Rules, rm: Round, a: u64, exact: bool) -> (u64, Flags) {
    let x = unpack(f, r.flush_inputs, a);
    match x.kind {
        Kind::Nan => nan::propagate(f, r, &[a]),
        Kind::Inf => (f.sign(x.sign) | f.infinity(), Flags::NONE),
        Kind::Zero => (f.sign(x.sign), flushed_flags(f, r, &x)),
        Kind::Finite if x.exp >= f.frac_bits() as i32 => (a & (f.sign_bit() | f.magnitude_mask()), Flags::NONE),
        Kind::Finite => {
            let (magnitude, inexact) = round_integer(rm, &x, 0);
            let flags = Flags((inexact && exact) as u8);
            if magnitude == 0 {
                return (f.sign(x.sign), flags);
            }
            // At least one and at most a fraction's width: packs exactly.
            let (bits, _) = normalize_round_pack(f, r, rm, x.sign, 63, magnitude);
            (bits, flags)
        }
    }
}
