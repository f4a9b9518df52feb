//! SM3 (GB/T 32905) and SM4 (GB/T 32907).

use super::Simd;
use super::insn::Insn;
use super::sha::{choose, majority, set_words, word, words};
use crate::ir::aes::inverse;

/// SM3SS1.
pub fn sm3ss1(s: &mut Simd, i: Insn) {
    let [n, m, a] = [i.rn(), i.rm(), i.ra()].map(|r| word(s.v(r), 3));
    let sum = n.rotate_left(12).wrapping_add(m).wrapping_add(a).rotate_left(7);
    s.set_v(i.rd(), [0, u64::from(sum) << 32]);
}

/// SM3TT1A, SM3TT1B, SM3TT2A, SM3TT2B: which of them bits 11:10 say.
pub fn sm3tt(s: &mut Simd, i: Insn) {
    let (d, n) = (words(s.v(i.rd())), word(s.v(i.rn()), 3));
    let (first, second) = (!i.bit(11), i.bit(10));
    let w = word(s.v(i.rm()), i.bits(13, 12));
    let mixed = match (first, second) {
        (_, false) => d[1] ^ d[2] ^ d[3],
        (true, true) => majority(d[1], d[2], d[3]),
        (false, true) => choose(d[3], d[2], d[1]),
    };
    let t = if first {
        mixed.wrapping_add(n ^ d[3].rotate_left(12)).wrapping_add(d[0]).wrapping_add(w)
    } else {
        let t = mixed.wrapping_add(d[0]).wrapping_add(n).wrapping_add(w);
        t ^ t.rotate_left(9) ^ t.rotate_left(17)
    };
    let rotated = d[2].rotate_left(if first { 9 } else { 19 });
    set_words(s, i, [d[1], rotated, d[3], t]);
}

/// SM3PARTW1.
pub fn sm3partw1(s: &mut Simd, i: Insn) {
    let (d, n, m) = (words(s.v(i.rd())), words(s.v(i.rn())), words(s.v(i.rm())));
    let mix = |x: u32| x ^ x.rotate_left(15) ^ x.rotate_left(23);
    let mut out = [0; 4];
    for k in 0..4 {
        // The fourth is made of the first.
        let rotated = if k < 3 { m[k + 1] } else { out[0] };
        out[k] = mix(d[k] ^ n[k] ^ rotated.rotate_left(15));
    }
    set_words(s, i, out);
}

/// SM3PARTW2.
pub fn sm3partw2(s: &mut Simd, i: Insn) {
    let (d, n, m) = (words(s.v(i.rd())), words(s.v(i.rn())), words(s.v(i.rm())));
    let t: [u32; 4] = std::array::from_fn(|k| n[k] ^ m[k].rotate_left(7));
    let mut out: [u32; 4] = std::array::from_fn(|k| d[k] ^ t[k]);
    let last = t[0].rotate_left(15);
    out[3] ^= last ^ last.rotate_left(15) ^ last.rotate_left(23);
    set_words(s, i, out);
}

const MODULUS: u32 = 0x1f5;

/// The S-box: an inverse between two affine maps.
const fn sbox() -> [u8; 256] {
    const fn affine(x: u8) -> u8 {
        // Each row of the matrix is the one before, rotated.
        let (mut out, mut row) = (0u8, 0);
        while row < 8 {
            let coefficients = 0xa7u8.rotate_left(row);
            out |= ((coefficients & x).count_ones() as u8 & 1) << row;
            row += 1;
        }
        out ^ 0xd3
    }
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = affine(inverse(affine(n as u8) as u32, MODULUS) as u8);
        n += 1;
    }
    table
}

static SBOX: [u8; 256] = sbox();

fn substitute(word: u32) -> u32 {
    u32::from_le_bytes(word.to_le_bytes().map(|byte| SBOX[usize::from(byte)]))
}

/// Four rounds, each making a word of the four before and a key.
fn rounds(mut x: [u32; 4], keys: [u32; 4], linear: impl Fn(u32) -> u32) -> [u32; 4] {
    for key in keys {
        let next = x[0] ^ linear(substitute(x[1] ^ x[2] ^ x[3] ^ key));
        x = [x[1], x[2], x[3], next];
    }
    x
}

/// SM4E.
pub fn sm4e(s: &mut Simd, i: Insn) {
    let (d, n) = (words(s.v(i.rd())), words(s.v(i.rn())));
    let linear = |b: u32| b ^ b.rotate_left(2) ^ b.rotate_left(10) ^ b.rotate_left(18) ^ b.rotate_left(24);
    set_words(s, i, rounds(d, n, linear));
}

/// SM4EKEY.
pub fn sm4ekey(s: &mut Simd, i: Insn) {
    let (n, m) = (words(s.v(i.rn())), words(s.v(i.rm())));
    set_words(s, i, rounds(n, m, |b| b ^ b.rotate_left(13) ^ b.rotate_left(23)));
}

#[cfg(test)]
mod tests {
    use super::SBOX;

    #[test]
    fn box_is_that_of_the_standard() {
        assert_eq!(SBOX[..8], [0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7]);
        assert_eq!(SBOX[0xff], 0x48);
    }
}
