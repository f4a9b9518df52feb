//! What the arithmetic is held against.
//!
//! * `golden`: digests of what Berkeley SoftFloat says, so that any host checks
//!   against it without building it;
//! * `softfloat`: SoftFloat itself, case by case, with `--cfg softfloat_oracle`;
//! * `sse`: the host's SSE, FMA and F16C units with all MXCSR bits (x86 hosts);
//! * `native`: Rust's own `f32` and `f64`, rounding to nearest;
//! * `wider`: the same operation in a wider format, rounded to odd and then
//!   converted: covers bfloat16, which nothing else does;
//! * `rules`: what the architecture manuals say of NaNs, flushing and integers.
//!
//! All but `rules` run the same `cases`.

mod cases;
mod golden;
mod native;
mod rules;
#[cfg(softfloat_oracle)]
mod softfloat;
#[cfg(target_arch = "x86_64")]
mod sse;
mod wider;

use super::*;
use cases::cases;

/// An operation as the tests see it: three operands in, bits and flags out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Sqrt,
    Fma,
    Convert(Format),
    ToInt { bits: u32, signed: bool },
    FromInt { bits: u32, signed: bool },
    RoundToInt { exact: bool },
    Compare { signaling: bool },
    Min(MinMax),
    Max(MinMax),
}

impl Op {
    /// Every operation SoftFloat has, on format `f`.
    fn in_softfloat(f: Format) -> Vec<Op> {
        use Op::*;
        let mut ops = vec![Add, Sub, Mul, Div, Sqrt, Fma];
        ops.extend([false, true].map(|exact| RoundToInt { exact }));
        ops.extend([false, true].map(|signaling| Compare { signaling }));
        for (bits, signed) in [(32, true), (32, false), (64, true), (64, false)] {
            ops.extend([ToInt { bits, signed }, FromInt { bits, signed }]);
        }
        let others = [Format::F16, Format::F32, Format::F64];
        ops.extend(others.into_iter().filter(|&to| to != f).map(Convert));
        if f == Format::F32 {
            ops.push(Convert(Format::BF16));
        }
        ops.extend([Min(MinMax::Number2019), Max(MinMax::Number2019)]);
        ops
    }

    /// How many operands count.
    fn arity(self) -> usize {
        match self {
            Op::Fma => 3,
            Op::Add | Op::Sub | Op::Mul | Op::Div => 2,
            Op::Compare { .. } | Op::Min(_) | Op::Max(_) => 2,
            _ => 1,
        }
    }

    /// Runs ours.
    fn run(self, f: Format, r: &Rules, rm: Round, [a, b, c]: [u64; 3]) -> (u64, Flags) {
        match self {
            Op::Add => add(f, r, rm, a, b),
            Op::Sub => sub(f, r, rm, a, b),
            Op::Mul => mul(f, r, rm, a, b),
            Op::Div => div(f, r, rm, a, b),
            Op::Sqrt => sqrt(f, r, rm, a),
            Op::Fma => fma(f, r, rm, a, b, c),
            Op::Convert(to) => convert(f, to, r, rm, a),
            Op::ToInt { bits, signed } => to_int(f, r, rm, a, bits, signed),
            Op::FromInt { bits, signed } => from_int(f, rm, a, bits, signed),
            Op::RoundToInt { exact } => round_to_int(f, r, rm, a, exact),
            Op::Compare { signaling } => {
                let (order, flags) = compare_with(f, r, a, b, signaling);
                (order as u64, flags)
            }
            Op::Min(kind) => min(f, r, a, b, kind),
            Op::Max(kind) => max(f, r, a, b, kind),
        }
    }
}

const ROUNDS: [Round; 6] =
    [Round::NearestEven, Round::TowardZero, Round::Down, Round::Up, Round::NearestAway, Round::ToOdd];

/// Random cases an operation, format and direction: many when it is quick.
fn random_cases(debug: usize, release: usize) -> usize {
    if cfg!(debug_assertions) { debug } else { release }
}
