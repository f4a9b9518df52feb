//! Digests of what Berkeley SoftFloat says on a fixed list of cases.
//!
//! `BLESS=1` with `--cfg softfloat_oracle` rewrites them, from SoftFloat and
//! not from ours. A digest that differs names the operation and direction; the
//! case is found by running the `softfloat` or `sse` test.

use super::*;

/// Mixes a case's outcome into a digest.
fn mix(digest: u64, (bits, flags): (u64, Flags)) -> u64 {
    let mixed = digest.rotate_left(5) ^ bits ^ u64::from(flags.0) << 56;
    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

type Run = fn(Op, Format, Tininess, Round, [u64; 3]) -> (u64, Flags);

fn ours(op: Op, f: Format, tiny: Tininess, rm: Round, operands: [u64; 3]) -> (u64, Flags) {
    op.run(f, &Rules { tiny, ..Rules::RISCV }, rm, operands)
}

/// A line an operation and format: the digests for each direction, tininess
/// after rounding and before.
fn table(run: Run) -> String {
    let mut table = String::new();
    for f in [Format::F16, Format::F32, Format::F64] {
        for op in Op::in_softfloat(f) {
            let all = cases(op, f, 8_000);
            table += &format!("{f:?} {op:?}:");
            for rm in ROUNDS {
                for tiny in [Tininess::AfterRounding, Tininess::BeforeRounding] {
                    let outcomes = all.iter().map(|&operands| run(op, f, tiny, rm, operands));
                    table += &format!(" {:08x}", outcomes.fold(0, mix) >> 32);
                }
            }
            table += "\n";
        }
    }
    table
}

#[test]
fn digests_are_softfloats() {
    #[cfg(softfloat_oracle)]
    if std::env::var_os("BLESS").is_some() {
        let path = std::path::Path::new(file!()).with_file_name("golden.txt");
        std::fs::write(path, table(softfloat::run)).unwrap();
        return;
    }
    let ours = table(ours);
    for (ours, golden) in ours.lines().zip(include_str!("golden.txt").lines()) {
        assert_eq!(ours, golden);
    }
    assert_eq!(ours.lines().count(), include_str!("golden.txt").lines().count());
}
