//! Operands worth trying: a table of edges, crossed with itself, and random
//! ones whose exponents are near where something happens.

use super::{Format, Op};

/// SplitMix64: the same cases on every host and in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    fn range(&mut self, low: i32, high: i32) -> i32 {
        low + (self.next() % (high - low + 1) as u64) as i32
    }
}

/// Edges of the format, both signs.
pub fn edges(f: Format) -> Vec<u64> {
    let power = |e: i32| ((e + f.bias()) as u64) << f.frac_bits();
    let (inf, quiet, frac) = (f.infinity(), f.quiet_bit(), f.frac_mask());
    let mut magnitudes = vec![0, 1, 2, 3, quiet - 1, quiet, frac - 1, frac];
    magnitudes.extend([frac + 1, frac + 2, 2 * (frac + 1) - 1, 2 * (frac + 1)]);
    magnitudes.extend([power(0) | quiet, power(1) | quiet, power(1) | quiet >> 1]);
    magnitudes.extend([inf - 2, inf - 1, inf, inf | quiet, inf | quiet | 5]);
    magnitudes.extend([inf | 1, inf | quiet >> 1, inf | frac]);
    let digits = f.frac_bits() as i32;
    for e in [-2, -1, 0, 1, 7, 8, 15, 16, 31, 32, 63, 64, digits, digits + 1] {
        if e <= f.bias() {
            magnitudes.extend([power(e) - 1, power(e), power(e) + 1]);
        }
    }
    magnitudes.sort_unstable();
    magnitudes.dedup();
    magnitudes.iter().flat_map(|&m| [m, m | f.sign_bit()]).collect()
}

/// A number with exponent `e`, clamped to the subnormals and the specials, and
/// a fraction that is random, nearly empty or nearly full.
fn number(f: Format, random: &mut Random, e: i32) -> u64 {
    let biased = (e + f.bias()).clamp(0, (1 << f.exp_bits()) - 1) as u64;
    let width = f.frac_bits() as i32;
    let few = (1 << random.range(0, width - 1)) | (1 << random.range(0, width - 1));
    let frac = match random.range(0, 4) {
        0 => few,
        1 => !few,
        2 => random.next() << random.range(0, width),
        _ => random.next(),
    };
    f.sign(random.next() & 1 != 0) | biased << f.frac_bits() | frac & f.frac_mask()
}

/// Three operands whose sum, product or quotient tends to cancel, to be tiny or
/// to overflow, or that are near the limits of the integers.
fn near(f: Format, random: &mut Random) -> [u64; 3] {
    let (bias, width) = (f.bias(), f.frac_bits() as i32);
    let ea = match random.range(0, 2) {
        0 => random.range(-3, 66),
        _ => random.range(-bias, bias),
    };
    let edge = match random.range(0, 2) {
        0 => -bias - random.range(-2, width + 2),
        1 => bias + random.range(-2, 2),
        _ => random.range(-2, 2),
    };
    let eb = match random.range(0, 4) {
        0 => ea + random.range(-1, 1),
        1 => ea + random.range(-width - 3, width + 3),
        2 => edge - ea,
        3 => ea - edge,
        _ => random.range(-bias, bias),
    };
    let ec = match random.range(0, 3) {
        0 => ea + eb + random.range(-1, 2),
        1 => ea + eb + random.range(-2 * width - 4, 2 * width + 4),
        2 => edge,
        _ => random.range(-bias, bias),
    };
    [ea, eb, ec].map(|e| number(f, random, e))
}

/// The operands for `op`: all edges crossed (of three operands every fifth,
/// unless `count` says that time does not matter), then `count` random triples.
/// Integers come as they are, with a random number of bits.
pub fn cases(op: Op, f: Format, count: usize) -> Vec<[u64; 3]> {
    let mut random = Random::new(f.sign_bit() ^ op.arity() as u64);
    let mut all = Vec::new();
    if matches!(op, Op::FromInt { .. }) {
        for shift in 0..64 {
            let one = 1u64 << shift;
            let values = [one - 1, one, one + 1, one | one >> 1, !one];
            all.extend(values.into_iter().flat_map(|x| [[x; 3], [x.wrapping_neg(); 3]]));
        }
        for _ in 0..count {
            let (x, y) = (random.next(), random.next());
            let x = if y & 1 == 0 { x } else { x & random.next() & random.next() };
            let shift = y >> 58;
            all.push([x >> shift << (y >> 1 & 15), 0, 0]);
        }
        return all;
    }
    let edges = edges(f);
    match op.arity() {
        1 => all.extend(edges.iter().map(|&a| [a, 0, 0])),
        2 => all.extend(edges.iter().flat_map(|&a| edges.iter().map(move |&b| [a, b, 0]))),
        _ => {
            // Odd, so as to meet both signs.
            let stride = if count < 10_000 { 5 } else { 1 };
            let some: Vec<u64> = edges.into_iter().step_by(stride).collect();
            for &a in &some {
                for &b in &some {
                    all.extend(some.iter().map(|&c| [a, b, c]));
                }
            }
        }
    }
    all.extend((0..count).map(|i| match i % 16 {
        0 => [random.next(), random.next(), random.next()],
        _ => near(f, &mut random),
    }));
    all
}
