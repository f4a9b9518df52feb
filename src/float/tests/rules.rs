//! What the architecture manuals say and no oracle here can: tables of bits.

use super::*;
use Format::{F16, F32, F64};

const RNE: Round = Round::NearestEven;
const QUIET: u64 = 0x7fc0_0000;
const NEG_QUIET: u64 = 0xffc0_0000;
const INF: u64 = 0x7f80_0000;
const ONE: u64 = 0x3f80_0000;
const MINUS_ONE: u64 = 0xbf80_0000;
const MINUS_ZERO: u64 = 0x8000_0000;
/// Two signaling NaNs, quieted, and two quiet ones, all told apart.
const S1: u64 = 0x7f80_0001;
const S2: u64 = 0xff80_0002;
const S1_QUIETED: u64 = 0x7fc0_0001;
const S2_QUIETED: u64 = 0xffc0_0002;
const Q1: u64 = 0x7fc0_0011;
const Q2: u64 = 0xffc0_0012;

/// Subnormal in single precision.
const TINY: u64 = 0x0000_0123;

fn flushing(rules: Rules) -> Rules {
    Rules { flush_inputs: true, flush_outputs: true, ..rules }
}

#[test]
fn nan_of_two_operands_follows_the_architecture() {
    // Operands; Arm FPProcessNaNs; Power and SSE, who take the first.
    for (a, b, arm, first) in [
        (Q1, ONE, Q1, Q1),
        (ONE, Q1, Q1, Q1),
        (Q1, Q2, Q1, Q1),
        (Q2, Q1, Q2, Q2),
        (S1, ONE, S1_QUIETED, S1_QUIETED),
        (ONE, S1, S1_QUIETED, S1_QUIETED),
        (S1, S2, S1_QUIETED, S1_QUIETED),
        (S2, S1, S2_QUIETED, S2_QUIETED),
        (S1, Q1, S1_QUIETED, S1_QUIETED),
        (Q1, S1, S1_QUIETED, Q1),
        (INF, Q1, Q1, Q1),
    ] {
        let signaling = is_snan(F32, a) || is_snan(F32, b);
        let flags = if signaling { Flags::INVALID } else { Flags::NONE };
        for op in [add, sub, mul, div] {
            assert_eq!(op(F32, &Rules::ARM, RNE, a, b), (arm, flags), "{a:x} {b:x}");
            assert_eq!(op(F32, &Rules::POWER, RNE, a, b), (first, flags), "{a:x} {b:x}");
            assert_eq!(op(F32, &Rules::X86, RNE, a, b), (first, flags), "{a:x} {b:x}");
            assert_eq!(op(F32, &Rules::RISCV, RNE, a, b), (QUIET, flags), "{a:x} {b:x}");
        }
    }
}

#[test]
fn nan_of_three_operands_follows_the_architecture() {
    // a * b + c; Arm (signaling first, c a b), Power (frA frB frC: a c b), x86
    // (a b c); the last one tells whether INVALID is raised.
    for (a, b, c, arm, power, x86, invalid) in [
        (Q1, Q2, ONE, Q1, Q1, Q1, false),
        (ONE, Q1, Q2, Q2, Q2, Q1, false),
        (Q1, ONE, Q2, Q2, Q1, Q1, false),
        (ONE, Q1, S2, S2_QUIETED, S2_QUIETED, Q1, true),
        (Q1, S2, ONE, S2_QUIETED, Q1, Q1, true),
        (S1, ONE, S2, S2_QUIETED, S1_QUIETED, S1_QUIETED, true),
        (S1, S2, Q1, S1_QUIETED, S1_QUIETED, S1_QUIETED, true),
        (INF, 0, S1, S1_QUIETED, S1_QUIETED, S1_QUIETED, true),
    ] {
        let flags = if invalid { Flags::INVALID } else { Flags::NONE };
        for (rules, bits) in [(Rules::ARM, arm), (Rules::POWER, power), (Rules::X86, x86), (Rules::RISCV, QUIET)] {
            let got = fma(F32, &rules, RNE, a, b, c);
            assert_eq!(got, (bits, flags), "{a:x} {b:x} {c:x} {:?}", rules.nan);
        }
    }
}

#[test]
fn infinity_times_zero_plus_quiet_nan() {
    for (rules, bits, flags) in [
        (Rules::RISCV, QUIET, Flags::INVALID),
        (Rules::ARM, QUIET, Flags::INVALID),
        (Rules::POWER, Q1, Flags::INVALID),
        (Rules::X86, Q1, Flags::NONE),
    ] {
        assert_eq!(fma(F32, &rules, RNE, INF, 0, Q1), (bits, flags));
        assert_eq!(fma(F32, &rules, RNE, 0, INF, Q1), (bits, flags));
    }
}

#[test]
fn invalid_operation_gives_the_default_nan() {
    for (rules, bits) in [(Rules::RISCV, QUIET), (Rules::ARM, QUIET), (Rules::POWER, QUIET), (Rules::X86, NEG_QUIET)] {
        let expected = (bits, Flags::INVALID);
        assert_eq!(default_nan(F32, &rules), bits);
        assert_eq!(sub(F32, &rules, RNE, INF, INF), expected);
        assert_eq!(mul(F32, &rules, RNE, 0, INF), expected);
        assert_eq!(div(F32, &rules, RNE, 0, MINUS_ZERO), expected);
        assert_eq!(sqrt(F32, &rules, RNE, MINUS_ONE), expected);
    }
}

#[test]
fn converted_nan_keeps_the_top_of_its_payload() {
    let wide = 0xfff4_5678_9abc_def0;
    for rules in [Rules::ARM, Rules::POWER, Rules::X86] {
        let quieted = (0xffe2_b3c4, Flags::INVALID);
        assert_eq!(convert(F64, F32, &rules, RNE, wide), quieted);
        let widened = (0xfffc_5678_8000_0000, Flags::NONE);
        assert_eq!(convert(F32, F64, &rules, RNE, 0xffe2_b3c4), widened);
    }
    let canonical = (QUIET, Flags::INVALID);
    assert_eq!(convert(F64, F32, &Rules::RISCV, RNE, wide), canonical);
}

#[test]
fn arm_flush_to_zero_raises_input_denormal_or_underflow_alone() {
    let r = flushing(Rules::ARM);
    let idc = Flags::INPUT_DENORMAL;
    assert_eq!(add(F32, &r, RNE, TINY, MINUS_ONE), (MINUS_ONE, idc));
    assert_eq!(mul(F32, &r, RNE, TINY, INF), (QUIET, idc | Flags::INVALID));
    assert_eq!(div(F32, &r, RNE, ONE, TINY), (INF, idc | Flags::DIV_BY_ZERO));
    assert_eq!(sqrt(F32, &r, RNE, TINY | MINUS_ZERO), (MINUS_ZERO, idc));
    assert_eq!(add(F32, &r, RNE, TINY, Q1), (Q1, idc));
    assert_eq!(to_int(F32, &r, Round::Up, TINY, 32, true), (0, idc));
    assert_eq!(round_to_int(F32, &r, Round::Up, TINY, true), (0, idc));
    assert_eq!(compare_with(F32, &r, TINY, 0, false), (Ordering4::Equal, idc));
    assert_eq!(max(F32, &r, TINY, MINUS_ONE, MinMax::Propagate), (0, idc));
    assert_eq!(convert(F32, F64, &r, RNE, TINY), (0, idc));
    // The smallest normal number halved is exact, and flushed all the same.
    let half = 0x3f00_0000;
    assert_eq!(mul(F32, &r, RNE, 0x8080_0000, half), (MINUS_ZERO, Flags::UNDERFLOW));
    // Would round up to the smallest normal: tiny before rounding, so flushed.
    assert_eq!(mul(F32, &r, RNE, 0x0080_0000, 0x3f7f_ffff), (0, Flags::UNDERFLOW));
}

#[test]
fn arm_half_precision_flushes_silently_but_not_in_conversions() {
    let r = flushing(Rules::ARM);
    assert_eq!(add(F16, &r, RNE, 0x0001, 0x3c00), (0x3c00, Flags::NONE));
    assert_eq!(convert(F16, F32, &r, RNE, 0x0001), (0x3380_0000, Flags::NONE));
    assert_eq!(convert(F32, F16, &r, RNE, 0x3380_0000), (0x0001, Flags::NONE));
}

#[test]
fn tininess_is_before_rounding_on_arm_and_power() {
    let both = Flags::UNDERFLOW | Flags::INEXACT;
    for (rules, flags) in [
        (Rules::ARM, both),
        (Rules::POWER, both),
        (Rules::RISCV, Flags::INEXACT),
        (Rules::X86, Flags::INEXACT | Flags::INPUT_DENORMAL),
    ] {
        // The largest subnormal and 1 + 1 ulp: rounds up to the smallest normal.
        let got = mul(F32, &rules, RNE, 0x007f_ffff, 0x3f80_0001);
        assert_eq!(got, (0x0080_0000, flags), "{rules:?}");
    }
}

#[test]
fn integer_conversion_saturates_as_the_architecture_has_it() {
    let truncate = Round::TowardZero;
    let (big, minus_big) = (0x7000_0000, 0xf000_0000);
    // Value, bits, signed; RISC-V, Arm, Power, x86.
    for (a, bits, signed, expected) in [
        (QUIET, 32, true, [0x7fff_ffff, 0, 0x8000_0000, 0x8000_0000]),
        (QUIET, 32, false, [0xffff_ffff, 0, 0, 0xffff_ffff]),
        (QUIET, 64, true, [i64::MAX as u64, 0, 1 << 63, 1 << 63]),
        (QUIET, 64, false, [u64::MAX, 0, 0, u64::MAX]),
        (NEG_QUIET, 32, true, [0x7fff_ffff, 0, 0x8000_0000, 0x8000_0000]),
        (big, 32, true, [0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff, 0x8000_0000]),
        (big, 16, true, [0x7fff, 0x7fff, 0x7fff, 0x8000]),
        (big, 8, false, [0xff; 4]),
        (minus_big, 32, true, [0x8000_0000; 4]),
        (minus_big, 16, true, [0x8000; 4]),
        (minus_big, 64, false, [0, 0, 0, u64::MAX]),
        (MINUS_ONE, 32, false, [0, 0, 0, 0xffff_ffff]),
    ] {
        let rules = [Rules::RISCV, Rules::ARM, Rules::POWER, Rules::X86];
        for (rules, expected) in rules.iter().zip(expected) {
            let got = to_int(F32, rules, truncate, a, bits, signed);
            let expected = (expected, Flags::INVALID);
            assert_eq!(got, expected, "{a:x} {bits} {signed} {:?}", rules.to_int);
        }
    }
    // -0.5 truncates to zero, which an unsigned integer can hold.
    let inexact = (0, Flags::INEXACT);
    assert_eq!(to_int(F32, &Rules::RISCV, truncate, 0xbf00_0000, 32, false), inexact);
}

#[test]
fn modular_conversion_wraps_and_flags_as_a_saturating_one() {
    let two_to = |e: u64| (e + 1023) << 52;
    let minus = 1 << 63;
    for (a, value, flags) in [
        (two_to(31), 0x8000_0000, Flags::INVALID),
        (two_to(31) | minus, 0x8000_0000, Flags::NONE),
        (two_to(32), 0, Flags::INVALID),
        (two_to(32) | 1 << 20, 1, Flags::INVALID),
        (two_to(32) | 1 << 20 | minus, 0xffff_ffff, Flags::INVALID),
        (two_to(33) | 1, 0, Flags::INVALID),
        (two_to(63) | 1, 0x800, Flags::INVALID),
        (two_to(83) | 1, 0x8000_0000, Flags::INVALID),
        (two_to(84) | 1, 0, Flags::INVALID),
        (two_to(1000), 0, Flags::INVALID),
        (1.5f64.to_bits(), 1, Flags::INEXACT),
        ((-1.5f64).to_bits(), 0xffff_ffff, Flags::INEXACT),
        (minus, 0, Flags::NONE),
        (f64::INFINITY.to_bits(), 0, Flags::INVALID),
        (f64::NAN.to_bits(), 0, Flags::INVALID),
    ] {
        assert_eq!(to_int_mod32(F64, &Rules::RISCV, a), (value, flags), "{a:x}");
    }
}

#[test]
fn fixed_point_is_the_scaled_integer() {
    let r = &Rules::ARM;
    let truncate = Round::TowardZero;
    assert_eq!(to_fixed(F32, r, truncate, 0x3fc0_0000, 32, true, 16), (0x1_8000, Flags::NONE));
    assert_eq!(to_fixed(F32, r, truncate, ONE, 16, true, 15), (0x7fff, Flags::INVALID));
    let minus_half = 0xbf00_0000;
    assert_eq!(from_fixed(F32, r, RNE, 0xffff_8000, 32, true, 16), (minus_half, Flags::NONE));
    // Half precision reaches down to 2^-24 only.
    let both = Flags::UNDERFLOW | Flags::INEXACT;
    assert_eq!(from_fixed(F16, r, Round::Up, 1, 64, false, 64), (1, both));
}

#[test]
fn the_alternative_half_has_numbers_where_others_have_infinities() {
    use Format::AltF16;
    let r = &Rules::ARM;
    let nv = Flags::INVALID;
    assert_eq!(convert(F32, AltF16, r, RNE, INF), (0x7fff, nv));
    assert_eq!(convert(F32, AltF16, r, RNE, Q1 | 1 << 31), (0x8000, nv));
    assert_eq!(convert(F64, AltF16, r, RNE, 131_008f64.to_bits()), (0x7fff, Flags::NONE));
    assert_eq!(convert(F64, AltF16, r, Round::TowardZero, 131_071f64.to_bits()), (0x7fff, Flags::INEXACT));
    assert_eq!(convert(F64, AltF16, r, RNE, (-131_072f64).to_bits()), (0xffff, nv));
    assert_eq!(convert(F32, AltF16, r, RNE, 0x3380_0000), (0x0001, Flags::NONE));
    assert_eq!(convert(AltF16, F32, r, RNE, 0x7c01), (0x4780_2000, Flags::NONE));
    assert_eq!(convert(AltF16, F64, r, RNE, 0xffff), ((-131_008f64).to_bits(), Flags::NONE));
}

#[test]
fn rounding_to_odd_leaves_a_mark_for_the_next_rounding() {
    // Arm FCVTXN: just above halfway between two half-precision numbers.
    let a = (1.0 + 2f64.powi(-11) + 2f64.powi(-40)).to_bits();
    let r = &Rules::ARM;
    let (once, _) = convert(F64, F16, r, RNE, a);
    let (nearest, _) = convert(F64, F32, r, RNE, a);
    let (odd, flags) = convert(F64, F32, r, Round::ToOdd, a);
    assert_eq!((once, flags), (0x3c01, Flags::INEXACT));
    assert_eq!(convert(F32, F16, r, RNE, nearest).0, 0x3c00);
    assert_eq!(convert(F32, F16, r, RNE, odd).0, once);
}

#[test]
fn minimum_and_maximum_of_nans() {
    use MinMax::*;
    let none = Flags::NONE;
    let nv = Flags::INVALID;
    for (kind, rules, a, b, expected) in [
        (Number2019, Rules::RISCV, Q1, ONE, (ONE, none)),
        (Number2019, Rules::RISCV, ONE, S1, (ONE, nv)),
        (Number2019, Rules::RISCV, Q1, Q2, (QUIET, none)),
        (Number2019, Rules::RISCV, S1, Q2, (QUIET, nv)),
        (Propagate, Rules::RISCV, Q1, ONE, (QUIET, none)),
        (Propagate, Rules::RISCV, ONE, S1, (QUIET, nv)),
        (Propagate, Rules::ARM, ONE, Q2, (Q2, none)),
        (Propagate, Rules::ARM, Q1, S2, (S2_QUIETED, nv)),
        (Number2008, Rules::ARM, Q1, ONE, (ONE, none)),
        (Number2008, Rules::ARM, ONE, Q1, (ONE, none)),
        (Number2008, Rules::ARM, ONE, S1, (S1_QUIETED, nv)),
        (Number2008, Rules::ARM, Q1, Q2, (Q1, none)),
        (Number2008, Rules::POWER, S2, ONE, (S2_QUIETED, nv)),
        (X86, Rules::X86, Q1, ONE, (ONE, nv)),
        (X86, Rules::X86, ONE, S1, (S1, nv)),
        (X86, Rules::X86, 0, MINUS_ZERO, (MINUS_ZERO, none)),
        (X86, Rules::X86, MINUS_ZERO, 0, (0, none)),
    ] {
        assert_eq!(min(F32, &rules, a, b, kind), expected, "{kind:?} {a:x} {b:x}");
        assert_eq!(max(F32, &rules, a, b, kind), expected, "{kind:?} {a:x} {b:x}");
    }
    for kind in [Number2019, Propagate, Number2008] {
        for (a, b) in [(0, MINUS_ZERO), (MINUS_ZERO, 0)] {
            assert_eq!(min(F32, &Rules::ARM, a, b, kind), (MINUS_ZERO, none));
            assert_eq!(max(F32, &Rules::ARM, a, b, kind), (0, none));
        }
    }
}

#[test]
fn classes_are_fclass_bits() {
    for (a, class) in [
        (0xff80_0000, Class::NegInf),
        (0xff7f_ffff, Class::NegNormal),
        (0x807f_ffff, Class::NegSubnormal),
        (MINUS_ZERO, Class::NegZero),
        (0, Class::PosZero),
        (1, Class::PosSubnormal),
        (0x0080_0000, Class::PosNormal),
        (INF, Class::PosInf),
        (S2, Class::SignalingNan),
        (Q2, Class::QuietNan),
    ] {
        // What is above the format does not count.
        assert_eq!(classify(F32, a | 0xdead << 32), class);
    }
    assert_eq!(Class::NegInf as u32, 0);
    assert_eq!(Class::QuietNan as u32, 9);
}
