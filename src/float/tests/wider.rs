//! An operation in a format at least twice as precise and rounded to odd, then
//! converted, is the operation in the narrow format.

use super::*;

#[test]
fn wider_format_rounded_to_odd_agrees() {
    // Wide enough for all of them, and no exponent overflows.
    let wide = Format::F64;
    for f in [Format::BF16, Format::F16, Format::F32] {
        for op in [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Sqrt, Op::Fma] {
            for operands in cases(op, f, random_cases(8_000, 100_000)) {
                for rules in [Rules::RISCV, Rules::ARM] {
                    for rm in ROUNDS {
                        let ours = op.run(f, &rules, rm, operands);
                        let twice = in_wider(op, f, wide, &rules, rm, operands);
                        assert_eq!(ours.1, twice.1, "{op:?} {f:?} {rm:?} {operands:x?}");
                        // The sign of an exact zero is the first rounding's, and
                        // which NaN wins can depend on which one signals.
                        if ours.0 & f.magnitude_mask() != 0 && !is_nan(f, ours.0) {
                            assert_eq!(ours.0, twice.0, "{op:?} {f:?} {rm:?} {operands:x?}");
                        }
                    }
                }
            }
        }
    }
}

fn in_wider(op: Op, f: Format, wide: Format, r: &Rules, rm: Round, operands: [u64; 3]) -> (u64, Flags) {
    let nearest = Round::NearestEven;
    let widened = operands.map(|x| convert(f, wide, r, nearest, x));
    let (bits, op_flags) = op.run(wide, r, Round::ToOdd, widened.map(|(x, _)| x));
    let (bits, flags) = convert(wide, f, r, rm, bits);
    // What the first rounding loses the second one reports, as it was to odd.
    // Signaling NaNs were quieted before the operation could see them.
    let kept = op_flags.0 & (Flags::INVALID | Flags::DIV_BY_ZERO).0;
    let signaled = widened[..op.arity()].iter().fold(0, |all, (_, flags)| all | flags.0);
    (bits, flags | Flags(kept | signaled & Flags::INVALID.0))
}
