//! Rust's own `f32` and `f64`, on whatever host: nearest-even results.

use super::*;

#[test]
fn host_arithmetic_agrees() {
    for op in [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Sqrt, Op::Fma] {
        let count = random_cases(20_000, 500_000);
        for operands in cases(op, Format::F32, count) {
            let [a, b, c] = operands.map(|x| f32::from_bits(x as u32));
            let host = match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Sqrt => a.sqrt(),
                _ => a.mul_add(b, c),
            };
            check(op, Format::F32, operands, host.to_bits().into());
        }
        for operands in cases(op, Format::F64, count) {
            let [a, b, c] = operands.map(f64::from_bits);
            let host = match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Sqrt => a.sqrt(),
                _ => a.mul_add(b, c),
            };
            check(op, Format::F64, operands, host.to_bits());
        }
    }
}

/// Which NaN it is differs from host to host.
fn check(op: Op, f: Format, operands: [u64; 3], host: u64) {
    let (ours, _) = op.run(f, &Rules::RISCV, Round::NearestEven, operands);
    let agrees = ours == host || is_nan(f, ours) && is_nan(f, host);
    assert!(agrees, "{op:?} {f:?} {operands:x?}: {ours:x}, host {host:x}");
}
