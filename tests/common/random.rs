//! Random operands, for the comparisons of one implementation with another.

/// Random numbers, the same ones for the same seed, which is not 0.
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 32) as usize % n
    }

    /// An item of a list.
    pub fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// An integer, likely to be special.
    pub fn integer(&mut self) -> u64 {
        match self.below(8) {
            0 => self.one_of(&[0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, !0 << 31, 0xffff_ffff]),
            1 => self.next() >> 32,
            2 => (self.next() as i64 >> 56) as u64,
            3 => 1 << self.below(64),
            4 => self.next() >> self.below(64),
            _ => self.next(),
        }
    }

    /// A float of `exp` exponent and `frac` fraction bits, likely to be special.
    pub fn float(&mut self, exp: u32, frac: u32) -> u64 {
        let bias = (1 << (exp - 1)) - 1;
        let exponent = match self.below(10) {
            0 => 0,
            1 => (1 << exp) - 1,
            2 => 1 << self.below(exp as usize),
            3 | 4 => bias - 2 + self.below(5) as u64,
            // Around the ends of the integers.
            5 => bias + self.one_of(&[15, 16, 30, 31, 32, 62, 63, 64, frac as u64]),
            6 => (1 << exp) - 2,
            7 => 1 + self.below(3) as u64,
            _ => self.next(),
        };
        let fraction = match self.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(frac as usize),
            3 => u64::MAX << self.below(frac as usize),
            _ => self.next(),
        };
        let sign = self.next() & 1;
        sign << (exp + frac) | (exponent & ((1 << exp) - 1)) << frac | fraction & ((1 << frac) - 1)
    }
}

/// `ROUNDS=n` in the environment makes the random tests go on for longer.
pub fn rounds() -> u64 {
    std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}
