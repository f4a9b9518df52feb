//! Berkeley SoftFloat (its RISC-V specialisation), case by case.

use super::*;
use softfloat_sys::*;

/// Defines a function that runs an operation in one format. The names are
/// spelled out as macros cannot glue them.
macro_rules! runner {
    (
        $name:ident, $t:ident, $bits:ty;
        $add:ident $sub:ident $mul:ident $div:ident $sqrt:ident $fma:ident $round:ident;
        $to_i32:ident $to_u32:ident $to_i64:ident $to_u64:ident;
        $of_i32:ident $of_u32:ident $of_i64:ident $of_u64:ident;
        $eq:ident $lt:ident $lt_quiet:ident;
        $($to:ident $convert:ident)*
    ) => {
        fn $name(op: Op, mode: u8, operands: [u64; 3]) -> u64 {
            let [a, b, c] = operands.map(|x| $t { v: x as $bits });
            let int = operands[0];
            // SAFETY: plain functions of their operands and of thread-local
            // state, with no pointer among their arguments.
            unsafe {
                match op {
                    Op::Add => $add(a, b).v.into(),
                    Op::Sub => $sub(a, b).v.into(),
                    Op::Mul => $mul(a, b).v.into(),
                    Op::Div => $div(a, b).v.into(),
                    Op::Sqrt => $sqrt(a).v.into(),
                    Op::Fma => $fma(a, b, c).v.into(),
                    Op::RoundToInt { exact } => $round(a, mode, exact).v.into(),
                    Op::ToInt { bits: 32, signed: true } => $to_i32(a, mode, true) as u32 as u64,
                    Op::ToInt { bits: 32, signed: false } => $to_u32(a, mode, true) as u32 as u64,
                    Op::ToInt { signed: true, .. } => $to_i64(a, mode, true) as u64,
                    Op::ToInt { signed: false, .. } => $to_u64(a, mode, true) as u64,
                    Op::FromInt { bits: 32, signed: true } => $of_i32(int as i32).v.into(),
                    Op::FromInt { bits: 32, signed: false } => $of_u32(int as u32).v.into(),
                    Op::FromInt { signed: true, .. } => $of_i64(int as i64).v.into(),
                    Op::FromInt { signed: false, .. } => $of_u64(int).v.into(),
                    $(Op::Convert(Format::$to) => $convert(a).v.into(),)*
                    Op::Convert(_) => unreachable!(),
                    Op::Compare { signaling } => {
                        let less = if signaling { $lt } else { $lt_quiet };
                        let order = if less(a, b) {
                            Ordering4::Less
                        } else if less(b, a) {
                            Ordering4::Greater
                        } else if $eq(a, b) {
                            Ordering4::Equal
                        } else {
                            Ordering4::Unordered
                        };
                        order as u64
                    }
                    // As the RISC-V manual has it, on top of a comparison.
                    Op::Min(_) | Op::Max(_) => {
                        let is_nan = |x: $t| !$eq(x, x);
                        let negative = |x: $t| x.v >> (<$bits>::BITS - 1) != 0;
                        let less = $lt_quiet(a, b) || $eq(a, b) && negative(a);
                        let first = if matches!(op, Op::Min(_)) {
                            less
                        } else {
                            !less || $eq(a, b) && !negative(a)
                        };
                        match (is_nan(a), is_nan(b)) {
                            // The canonical NaN is what zero by zero gives.
                            (true, true) => $div($t { v: 0 }, $t { v: 0 }).v.into(),
                            (true, false) => b.v.into(),
                            (false, true) => a.v.into(),
                            _ => if first { a } else { b }.v.into(),
                        }
                    }
                }
            }
        }
    };
}

runner!(
    run_f16, float16_t, u16;
    f16_add f16_sub f16_mul f16_div f16_sqrt f16_mulAdd f16_roundToInt;
    f16_to_i32 f16_to_ui32 f16_to_i64 f16_to_ui64;
    i32_to_f16 ui32_to_f16 i64_to_f16 ui64_to_f16;
    f16_eq f16_lt f16_lt_quiet;
    F32 f16_to_f32 F64 f16_to_f64
);
runner!(
    run_f32, float32_t, u32;
    f32_add f32_sub f32_mul f32_div f32_sqrt f32_mulAdd f32_roundToInt;
    f32_to_i32 f32_to_ui32 f32_to_i64 f32_to_ui64;
    i32_to_f32 ui32_to_f32 i64_to_f32 ui64_to_f32;
    f32_eq f32_lt f32_lt_quiet;
    F16 f32_to_f16 F64 f32_to_f64 BF16 f32_to_bf16
);
runner!(
    run_f64, float64_t, u64;
    f64_add f64_sub f64_mul f64_div f64_sqrt f64_mulAdd f64_roundToInt;
    f64_to_i32 f64_to_ui32 f64_to_i64 f64_to_ui64;
    i32_to_f64 ui32_to_f64 i64_to_f64 ui64_to_f64;
    f64_eq f64_lt f64_lt_quiet;
    F16 f64_to_f16 F32 f64_to_f32
);

/// What SoftFloat makes of a case.
pub fn run(op: Op, f: Format, tiny: Tininess, rm: Round, operands: [u64; 3]) -> (u64, Flags) {
    let mode = match rm {
        Round::NearestEven => softfloat_round_near_even,
        Round::TowardZero => softfloat_round_minMag,
        Round::Down => softfloat_round_min,
        Round::Up => softfloat_round_max,
        Round::NearestAway => softfloat_round_near_maxMag,
        Round::ToOdd => softfloat_round_odd,
    };
    let tiny = match tiny {
        Tininess::BeforeRounding => softfloat_tininess_beforeRounding,
        Tininess::AfterRounding => softfloat_tininess_afterRounding,
    };
    // SAFETY: these store a byte in thread-local state.
    unsafe {
        softfloat_detectTininess_write_helper(tiny);
        softfloat_roundingMode_write_helper(mode);
        softfloat_exceptionFlags_write_helper(0);
    }
    let bits = match f {
        Format::F16 => run_f16(op, mode, operands),
        Format::F32 => run_f32(op, mode, operands),
        Format::F64 => run_f64(op, mode, operands),
        Format::BF16 | Format::AltF16 => unreachable!(),
    };
    // The minimum and maximum leave flags of their own devices behind.
    let flags = match op {
        Op::Min(_) | Op::Max(_) => {
            let signaling = is_snan(f, operands[0]) || is_snan(f, operands[1]);
            if signaling { Flags::INVALID } else { Flags::NONE }
        }
        // SAFETY: reads a byte of thread-local state.
        _ => Flags(unsafe { softfloat_exceptionFlags_read_helper() }),
    };
    (bits, flags)
}

#[test]
fn softfloat_agrees() {
    let mut wrong = 0;
    for f in [Format::F16, Format::F32, Format::F64] {
        for op in Op::in_softfloat(f) {
            let all = cases(op, f, random_cases(5_000, 250_000));
            for tiny in [Tininess::AfterRounding, Tininess::BeforeRounding] {
                let rules = Rules { tiny, ..Rules::RISCV };
                for rm in ROUNDS {
                    for &operands in &all {
                        let ours = op.run(f, &rules, rm, operands);
                        let theirs = run(op, f, tiny, rm, operands);
                        if ours != theirs {
                            eprintln!(
                                "{op:?} {f:?} {tiny:?} {rm:?} {operands:x?}: \
                                 {ours:x?}, SoftFloat {theirs:x?}"
                            );
                            wrong += 1;
                            assert!(wrong < 20, "and so on");
                        }
                    }
                }
            }
        }
    }
    assert_eq!(wrong, 0);
}
