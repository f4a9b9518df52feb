//! AESE, AESD, AESMC, AESIMC. The tables are computed from their definition (FIPS 197).

use super::Simd;
use super::insn::Insn;
use super::lanes::V;

/// The product in GF(2^8) modulo `modulus`.
pub(super) const fn multiply(mut a: u32, mut b: u32, modulus: u32) -> u32 {
    let mut product = 0;
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a <<= 1;
        if a & 0x100 != 0 {
            a ^= modulus;
        }
        b >>= 1;
    }
    product
}

/// The inverse in GF(2^8), which is the power of 254; zero for zero.
pub(super) const fn inverse(a: u32, modulus: u32) -> u32 {
    let (mut power, mut square, mut n) = (1, a, 254);
    while n != 0 {
        if n & 1 != 0 {
            power = multiply(power, square, modulus);
        }
        square = multiply(square, square, modulus);
        n >>= 1;
    }
    power
}

const MODULUS: u32 = 0x11b;

const fn sbox() -> [u8; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let b = inverse(n as u32, MODULUS) as u8;
        table[n] = b ^ b.rotate_left(1) ^ b.rotate_left(2) ^ b.rotate_left(3) ^ b.rotate_left(4) ^ 0x63;
        n += 1;
    }
    table
}

const fn inverse_sbox() -> [u8; 256] {
    let (sbox, mut table, mut n) = (sbox(), [0; 256], 0);
    while n < 256 {
        table[sbox[n] as usize] = n as u8;
        n += 1;
    }
    table
}

/// A column's part that comes of one byte: the byte times each of `factors`.
const fn columns(factors: [u32; 4]) -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let b = n as u32;
        table[n] = multiply(b, factors[0], MODULUS)
            | multiply(b, factors[1], MODULUS) << 8
            | multiply(b, factors[2], MODULUS) << 16
            | multiply(b, factors[3], MODULUS) << 24;
        n += 1;
    }
    table
}

static SBOX: [u8; 256] = sbox();
static INVERSE_SBOX: [u8; 256] = inverse_sbox();
static MIX: [u32; 256] = columns([2, 1, 1, 3]);
static INVERSE_MIX: [u32; 256] = columns([14, 9, 13, 11]);

pub(super) fn bytes(v: V) -> [u8; 16] {
    super::lanes::wide(v).to_le_bytes()
}

pub(super) fn vector(bytes: [u8; 16]) -> V {
    super::lanes::halves(u128::from_le_bytes(bytes))
}

/// The round key added, rows shifted by `step` bytes a column, bytes substituted.
fn round(s: &mut Simd, i: Insn, step: usize, sbox: &[u8; 256]) {
    let (d, n) = (s.v(i.rd()), s.v(i.rn()));
    let state = bytes([d[0] ^ n[0], d[1] ^ n[1]]);
    let shifted = std::array::from_fn(|at| sbox[usize::from(state[(at + step * (at % 4)) % 16])]);
    s.set_v(i.rd(), vector(shifted));
}

/// AESE.
pub fn aese(s: &mut Simd, i: Insn) {
    round(s, i, 4, &SBOX);
}

/// AESD.
pub fn aesd(s: &mut Simd, i: Insn) {
    round(s, i, 12, &INVERSE_SBOX);
}

/// Each column times the polynomial that `table` was made of.
fn mix(s: &mut Simd, i: Insn, table: &[u32; 256]) {
    let column = |word: u32| {
        word.to_le_bytes()
            .iter()
            .enumerate()
            .fold(0, |sum, (at, byte)| sum ^ table[usize::from(*byte)].rotate_left(8 * at as u32))
    };
    let d = s.v(i.rn()).map(|half| u64::from(column(half as u32)) | u64::from(column((half >> 32) as u32)) << 32);
    s.set_v(i.rd(), d);
}

/// AESMC.
pub fn aesmc(s: &mut Simd, i: Insn) {
    mix(s, i, &MIX);
}

/// AESIMC.
pub fn aesimc(s: &mut Simd, i: Insn) {
    mix(s, i, &INVERSE_MIX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_those_of_the_standard() {
        assert_eq!(SBOX[..8], [0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5]);
        assert_eq!((SBOX[0x53], INVERSE_SBOX[0xed]), (0xed, 0x53));
        assert_eq!(MIX[1], 0x0301_0102);
    }
}
