//! The rounds of AES on vectors. The tables are computed from their definition (FIPS 197).

use super::vector::Vector;

/// The product in GF(2^8) modulo `modulus`.
pub const fn multiply(mut a: u32, mut b: u32, modulus: u32) -> u32 {
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
pub const fn inverse(a: u32, modulus: u32) -> u32 {
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

fn bytes([low, high]: Vector) -> [u8; 16] {
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

fn vector(bytes: [u8; 16]) -> Vector {
    let all = u128::from_le_bytes(bytes);
    [all as u64, (all >> 64) as u64]
}

/// Rows shifted by `step` bytes a column, bytes substituted.
fn round(state: Vector, step: usize, sbox: &[u8; 256]) -> Vector {
    let state = bytes(state);
    vector(std::array::from_fn(|at| sbox[usize::from(state[(at + step * (at % 4)) % 16])]))
}

/// ShiftRows and SubBytes.
pub fn encrypt(state: Vector) -> Vector {
    round(state, 4, &SBOX)
}

/// InvShiftRows and InvSubBytes.
pub fn decrypt(state: Vector) -> Vector {
    round(state, 12, &INVERSE_SBOX)
}

/// Each column times the polynomial that `table` was made of.
fn columns_times(state: Vector, table: &[u32; 256]) -> Vector {
    let column = |word: u32| {
        let parts = word.to_le_bytes().into_iter().enumerate();
        parts.fold(0, |sum, (at, byte)| sum ^ table[usize::from(byte)].rotate_left(8 * at as u32))
    };
    state.map(|half| u64::from(column(half as u32)) | u64::from(column((half >> 32) as u32)) << 32)
}

/// MixColumns.
pub fn mix(state: Vector) -> Vector {
    columns_times(state, &MIX)
}

/// InvMixColumns.
pub fn mix_inverse(state: Vector) -> Vector {
    columns_times(state, &INVERSE_MIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses_undo() {
        let state = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];
        assert_eq!(mix_inverse(mix(state)), state);
        assert_eq!(decrypt(encrypt(state)), state);
        assert_eq!(encrypt([0; 2]), [0x6363_6363_6363_6363; 2]);
    }
}
