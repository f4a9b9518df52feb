//! The host's SSE unit, and its FMA, F16C and AVX-512 ones where it has them,
//! in every mode MXCSR has: rounding, DAZ and FTZ.

use super::*;
use std::arch::asm;

const DAZ: u32 = 1 << 6;
const ALL_MASKED: u32 = 0x1f80;
const FTZ: u32 = 1 << 15;

/// Runs instructions on operands with MXCSR set to `$csr`, which then holds the
/// flags they raised; Rust's own MXCSR is put back before anything else runs.
macro_rules! with_mxcsr {
    ($csr:ident, $($line:expr),+; $($operand:tt)+) => {{
        let mut csr: u32 = $csr;
        let rust: u32 = ALL_MASKED;
        // SAFETY: the memory touched is the two words pointed to, MXCSR leaves
        // as it came in, and the CPU has the instructions (see `supported`).
        unsafe {
            asm!(
                "ldmxcsr dword ptr [{csr}]", $($line),+,
                "stmxcsr dword ptr [{csr}]", "ldmxcsr dword ptr [{rust}]",
                csr = in(reg) &raw mut csr, rust = in(reg) &raw const rust,
                $($operand)+, options(nostack),
            );
        }
        $csr = csr;
    }};
}

/// Defines a function that runs an operation in one format, given the
/// instructions' suffix and the types that hold the bits.
macro_rules! runner {
    ($name:ident, $float:ty, $bits:ty, $s:literal) => {
        fn $name(op: Op, mut csr: u32, operands: [u64; 3]) -> (u64, u32) {
            let [mut a, mut b, c] = operands.map(|x| <$float>::from_bits(x as $bits));
            let int = operands[0];
            macro_rules! unary {
                ($line:expr) => {
                    with_mxcsr!(csr, $line; x = inout(xmm_reg) a)
                };
            }
            macro_rules! binary {
                ($line:expr) => {
                    with_mxcsr!(csr, $line; x = inout(xmm_reg) a, y = in(xmm_reg) b)
                };
            }
            macro_rules! to_int {
                ($line:expr) => {{
                    let out: u64;
                    with_mxcsr!(csr, $line; x = in(xmm_reg) a, i = out(reg) out);
                    return (out, csr);
                }};
            }
            macro_rules! from_int {
                ($line:expr) => {
                    with_mxcsr!(csr, $line; x = inout(xmm_reg) a, i = in(reg) int)
                };
            }
            macro_rules! compare {
                ($line:expr) => {{
                    let (below, equal, parity): (u8, u8, u8);
                    with_mxcsr!(
                        csr, $line, "setc {below}", "setz {equal}", "setp {parity}";
                        x = in(xmm_reg) a, y = in(xmm_reg) b, below = out(reg_byte) below,
                        equal = out(reg_byte) equal, parity = out(reg_byte) parity
                    );
                    let order = match (parity, equal, below) {
                        (1, ..) => Ordering4::Unordered,
                        (_, 1, _) => Ordering4::Equal,
                        (_, _, 1) => Ordering4::Less,
                        _ => Ordering4::Greater,
                    };
                    return (order as u64, csr);
                }};
            }
            match op {
                Op::Add => binary!(concat!("adds", $s, " {x}, {y}")),
                Op::Sub => binary!(concat!("subs", $s, " {x}, {y}")),
                Op::Mul => binary!(concat!("muls", $s, " {x}, {y}")),
                Op::Div => binary!(concat!("divs", $s, " {x}, {y}")),
                Op::Min(_) => binary!(concat!("mins", $s, " {x}, {y}")),
                Op::Max(_) => binary!(concat!("maxs", $s, " {x}, {y}")),
                Op::Sqrt => unary!(concat!("sqrts", $s, " {x}, {x}")),
                Op::Fma => {
                    // The digits order the operands: this is y * x + z.
                    with_mxcsr!(
                        csr, concat!("vfmadd213s", $s, " {x}, {y}, {z}");
                        x = inout(xmm_reg) b, y = in(xmm_reg) a, z = in(xmm_reg) c
                    );
                    a = b;
                }
                Op::RoundToInt { exact: true } => unary!(concat!("rounds", $s, " {x}, {x}, 4")),
                Op::RoundToInt { exact: false } => unary!(concat!("rounds", $s, " {x}, {x}, 12")),
                Op::ToInt { bits: 32, signed: true } => {
                    to_int!(concat!("cvts", $s, "2si {i:e}, {x}"))
                }
                Op::ToInt { bits: 32, signed: false } => {
                    to_int!(concat!("vcvts", $s, "2usi {i:e}, {x}"))
                }
                Op::ToInt { signed: true, .. } => to_int!(concat!("cvts", $s, "2si {i}, {x}")),
                Op::ToInt { signed: false, .. } => to_int!(concat!("vcvts", $s, "2usi {i}, {x}")),
                Op::FromInt { bits: 32, signed: true } => {
                    from_int!(concat!("cvtsi2s", $s, " {x}, {i:e}"))
                }
                Op::FromInt { bits: 32, signed: false } => {
                    from_int!(concat!("vcvtusi2s", $s, " {x}, {x}, {i:e}"))
                }
                Op::FromInt { signed: true, .. } => from_int!(concat!("cvtsi2s", $s, " {x}, {i}")),
                Op::FromInt { signed: false, .. } => {
                    from_int!(concat!("vcvtusi2s", $s, " {x}, {x}, {i}"))
                }
                Op::Compare { signaling: false } => compare!(concat!("ucomis", $s, " {x}, {y}")),
                Op::Compare { signaling: true } => compare!(concat!("comis", $s, " {x}, {y}")),
                Op::Convert(_) => unreachable!(),
            }
            (a.to_bits().into(), csr)
        }
    };
}

runner!(run_f32, f32, u32, "s");
runner!(run_f64, f64, u64, "d");

/// The conversions, whose two ends differ.
fn run_convert(from: Format, to: Format, mut csr: u32, a: u64) -> (u64, u32) {
    // The packed conversions look at the elements above, too.
    let mut x = f64::from_bits(a & (from.sign_bit() | from.magnitude_mask()));
    match (from, to) {
        (Format::F32, Format::F64) => with_mxcsr!(
            csr, "cvtss2sd {x}, {x}"; x = inout(xmm_reg) x
        ),
        (Format::F64, Format::F32) => with_mxcsr!(
            csr, "cvtsd2ss {x}, {x}"; x = inout(xmm_reg) x
        ),
        (Format::F16, Format::F32) => with_mxcsr!(
            csr, "vcvtph2ps {x}, {x}"; x = inout(xmm_reg) x
        ),
        (Format::F32, Format::F16) => with_mxcsr!(
            csr, "vcvtps2ph {x}, {x}, 4"; x = inout(xmm_reg) x
        ),
        _ => unreachable!(),
    }
    let mask = to.sign_bit() | to.magnitude_mask();
    (x.to_bits() & mask, csr)
}

fn supported(op: Op, f: Format) -> bool {
    match op {
        Op::Fma => is_x86_feature_detected!("fma"),
        Op::Convert(to) if to == Format::F16 || f == Format::F16 => {
            is_x86_feature_detected!("f16c")
        }
        Op::ToInt { signed: false, .. } | Op::FromInt { signed: false, .. } => {
            is_x86_feature_detected!("avx512f")
        }
        Op::RoundToInt { .. } => is_x86_feature_detected!("sse4.1"),
        _ => true,
    }
}

/// MXCSR's exception bits in our layout.
fn flags_of(csr: u32) -> Flags {
    let mut flags = Flags::NONE;
    for (bit, flag) in
        [Flags::INVALID, Flags::INPUT_DENORMAL, Flags::DIV_BY_ZERO, Flags::OVERFLOW, Flags::UNDERFLOW, Flags::INEXACT]
            .into_iter()
            .enumerate()
    {
        if csr >> bit & 1 != 0 {
            flags |= flag;
        }
    }
    flags
}

fn ops(f: Format) -> Vec<Op> {
    use Op::*;
    let mut ops = vec![];
    if f != Format::F16 {
        ops = vec![Add, Sub, Mul, Div, Sqrt, Fma, Min(MinMax::X86), Max(MinMax::X86)];
        ops.extend([false, true].map(|exact| RoundToInt { exact }));
        ops.extend([false, true].map(|signaling| Compare { signaling }));
        for (bits, signed) in [(32, true), (32, false), (64, true), (64, false)] {
            ops.extend([ToInt { bits, signed }, FromInt { bits, signed }]);
        }
    }
    match f {
        Format::F16 => ops.push(Convert(Format::F32)),
        Format::F32 => ops.extend([Convert(Format::F16), Convert(Format::F64)]),
        Format::F64 => ops.push(Convert(Format::F32)),
        Format::BF16 | Format::AltF16 => {}
    }
    ops
}

#[test]
fn host_sse_agrees() {
    let mut wrong = 0;
    let rounds = [Round::NearestEven, Round::Down, Round::Up, Round::TowardZero];
    for f in [Format::F16, Format::F32, Format::F64] {
        for op in ops(f).into_iter().filter(|&op| supported(op, f)) {
            let mut wrong_here = 0;
            let all = cases(op, f, random_cases(8_000, 50_000));
            for mode in 0..16 {
                let (rm, flush_inputs, flush_outputs) = (rounds[mode % 4], mode & 4 != 0, mode & 8 != 0);
                let rules = Rules { flush_inputs, flush_outputs, ..Rules::X86 };
                let mut csr = ALL_MASKED | (mode as u32 % 4) << 13;
                csr |= if flush_inputs { DAZ } else { 0 };
                csr |= if flush_outputs { FTZ } else { 0 };
                for &operands in &all {
                    let (bits, csr) = match (op, f) {
                        (Op::Convert(to), _) => run_convert(f, to, csr, operands[0]),
                        (_, Format::F32) => run_f32(op, csr, operands),
                        _ => run_f64(op, csr, operands),
                    };
                    let host = (bits, flags_of(csr));
                    let ours = op.run(f, &rules, rm, operands);
                    if ours != host {
                        wrong_here += 1;
                        if wrong_here < 6 {
                            let flush = (flush_inputs, flush_outputs);
                            eprintln!(
                                "{op:?} {f:?} {rm:?} flush {flush:?} {operands:x?}: \
                                 {ours:x?}, host {host:x?}"
                            );
                        }
                    }
                }
            }
            wrong += wrong_here;
        }
    }
    assert_eq!(wrong, 0);
}
