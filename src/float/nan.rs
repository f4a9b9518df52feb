//! NaNs: telling them apart, the default one, and whose payload survives.

use super::{Flags, Format, NanRule, Rules};

/// Whether `a` is a NaN of either kind.
#[inline]
pub const fn is_nan(f: Format, a: u64) -> bool {
    a & f.magnitude_mask() > f.infinity()
}

/// Whether `a` is a signaling NaN.
#[inline]
pub const fn is_snan(f: Format, a: u64) -> bool {
    is_nan(f, a) && a & f.quiet_bit() == 0
}

/// The NaN an invalid operation makes.
#[inline]
pub const fn default_nan(f: Format, r: &Rules) -> u64 {
    let negative = matches!(r.nan, NanRule::X86 | NanRule::DefaultNegative);
    f.sign(negative) | f.infinity() | f.quiet_bit()
}

/// The default NaN, with INVALID raised.
#[cold]
pub(super) fn invalid(f: Format, r: &Rules) -> (u64, Flags) {
    (default_nan(f, r), Flags::INVALID)
}

/// The NaN that comes of operands of which at least one is a NaN, listed by
/// priority. A signaling one raises INVALID wherever it stands.
#[cold]
pub(super) fn propagate(f: Format, r: &Rules, operands: &[u64]) -> (u64, Flags) {
    let signaling = operands.iter().find(|&&x| is_snan(f, x));
    let first = operands.iter().find(|&&x| is_nan(f, x));
    let chosen = match r.nan {
        NanRule::Default | NanRule::DefaultNegative => None,
        NanRule::Arm => signaling.or(first),
        NanRule::Power | NanRule::X86 => first,
    };
    let bits = chosen.map_or(default_nan(f, r), |x| x & (f.sign_bit() | f.magnitude_mask()) | f.quiet_bit());
    let flags = if signaling.is_some() { Flags::INVALID } else { Flags::NONE };
    (bits, flags)
}

/// The NaN `a * b + c` makes when one of them is a NaN; `inf_times_zero` says
/// that `a * b` is invalid in itself.
#[cold]
pub(super) fn propagate_fma(f: Format, r: &Rules, a: u64, b: u64, c: u64, inf_times_zero: bool) -> (u64, Flags) {
    let (bits, flags) = match r.nan {
        NanRule::Default | NanRule::DefaultNegative | NanRule::X86 => propagate(f, r, &[a, b, c]),
        NanRule::Arm => propagate(f, r, &[c, a, b]),
        NanRule::Power => propagate(f, r, &[a, c, b]),
    };
    if !inf_times_zero || is_snan(f, c) {
        return (bits, flags);
    }
    match r.nan {
        NanRule::Default | NanRule::Arm => invalid(f, r),
        NanRule::Power => (bits, Flags::INVALID),
        NanRule::DefaultNegative | NanRule::X86 => (bits, flags),
    }
}

/// Carries a NaN to another format: the payload keeps its top bits.
#[cold]
pub(super) fn convert(from: Format, to: Format, r: &Rules, a: u64) -> (u64, Flags) {
    let flags = if is_snan(from, a) { Flags::INVALID } else { Flags::NONE };
    if matches!(r.nan, NanRule::Default | NanRule::DefaultNegative) {
        return (default_nan(to, r), flags);
    }
    let payload = (a & from.frac_mask()) << (63 - from.frac_bits()) >> (63 - to.frac_bits());
    let sign = to.sign(a & from.sign_bit() != 0);
    (sign | to.infinity() | to.quiet_bit() | payload, flags)
}
