//! SHA-1, SHA-256, SHA-512 (FIPS 180-4) and what SHA-3 (FIPS 202) is built of.

use super::Simd;
use super::insn::Insn;
use super::lanes::{V, build, get};

pub(super) type Words = [u32; 4];

pub(super) fn words(v: V) -> Words {
    [v[0] as u32, (v[0] >> 32) as u32, v[1] as u32, (v[1] >> 32) as u32]
}

pub(super) fn set_words(s: &mut Simd, i: Insn, w: Words) {
    s.set_v(i.rd(), build(32, 4, |k| u64::from(w[k as usize])));
}

pub(super) fn choose(x: u32, y: u32, z: u32) -> u32 {
    z ^ (y ^ z) & x
}

pub(super) fn majority(x: u32, y: u32, z: u32) -> u32 {
    x & y | (x | y) & z
}

/// Four rounds of SHA-1 with the function that is `op`.
fn sha1(s: &mut Simd, i: Insn, op: impl Fn(u32, u32, u32) -> u32) {
    let (mut x, mut y, w) = (words(s.v(i.rd())), s.v(i.rn())[0] as u32, words(s.v(i.rm())));
    for w in w {
        let sum = y.wrapping_add(x[0].rotate_left(5)).wrapping_add(op(x[1], x[2], x[3])).wrapping_add(w);
        // The five words move up by one.
        (y, x) = (x[3], [sum, x[0], x[1].rotate_left(30), x[2]]);
    }
    set_words(s, i, x);
}

/// SHA1C.
pub fn sha1c(s: &mut Simd, i: Insn) {
    sha1(s, i, choose);
}
/// SHA1P.
pub fn sha1p(s: &mut Simd, i: Insn) {
    sha1(s, i, |x, y, z| x ^ y ^ z);
}
/// SHA1M.
pub fn sha1m(s: &mut Simd, i: Insn) {
    sha1(s, i, majority);
}
/// SHA1H.
pub fn sha1h(s: &mut Simd, i: Insn) {
    let word = (s.v(i.rn())[0] as u32).rotate_left(30);
    s.set_v(i.rd(), [u64::from(word), 0]);
}
/// SHA1SU0.
pub fn sha1su0(s: &mut Simd, i: Insn) {
    let (d, n, m) = (s.v(i.rd()), s.v(i.rn()), s.v(i.rm()));
    s.set_v(i.rd(), [d[1] ^ d[0] ^ m[0], n[0] ^ d[1] ^ m[1]]);
}
/// SHA1SU1.
pub fn sha1su1(s: &mut Simd, i: Insn) {
    let (d, n) = (words(s.v(i.rd())), words(s.v(i.rn())));
    let mut t = [d[0] ^ n[1], d[1] ^ n[2], d[2] ^ n[3], d[3]].map(|w| w.rotate_left(1));
    t[3] ^= t[0].rotate_left(1);
    set_words(s, i, t);
}

/// Four rounds of SHA-256: the words a to d and e to h.
fn sha256(mut x: Words, mut y: Words, w: Words) -> (Words, Words) {
    for w in w {
        let sigma1 = y[0].rotate_right(6) ^ y[0].rotate_right(11) ^ y[0].rotate_right(25);
        let sigma0 = x[0].rotate_right(2) ^ x[0].rotate_right(13) ^ x[0].rotate_right(22);
        let t = y[3].wrapping_add(sigma1).wrapping_add(choose(y[0], y[1], y[2])).wrapping_add(w);
        let first = t.wrapping_add(sigma0).wrapping_add(majority(x[0], x[1], x[2]));
        (x, y) = ([first, x[0], x[1], x[2]], [x[3].wrapping_add(t), y[0], y[1], y[2]]);
    }
    (x, y)
}

/// SHA256H.
pub fn sha256h(s: &mut Simd, i: Insn) {
    let (x, _) = sha256(words(s.v(i.rd())), words(s.v(i.rn())), words(s.v(i.rm())));
    set_words(s, i, x);
}
/// SHA256H2: the destination holds the second half.
pub fn sha256h2(s: &mut Simd, i: Insn) {
    let (_, y) = sha256(words(s.v(i.rn())), words(s.v(i.rd())), words(s.v(i.rm())));
    set_words(s, i, y);
}
/// SHA256SU0.
pub fn sha256su0(s: &mut Simd, i: Insn) {
    let (d, n) = (words(s.v(i.rd())), words(s.v(i.rn())));
    let next = [d[1], d[2], d[3], n[0]];
    let sigma = |w: u32| w.rotate_right(7) ^ w.rotate_right(18) ^ w >> 3;
    set_words(s, i, std::array::from_fn(|k| d[k].wrapping_add(sigma(next[k]))));
}
/// SHA256SU1.
pub fn sha256su1(s: &mut Simd, i: Insn) {
    let (d, n, m) = (words(s.v(i.rd())), words(s.v(i.rn())), words(s.v(i.rm())));
    let sigma = |w: u32| w.rotate_right(17) ^ w.rotate_right(19) ^ w >> 10;
    let middle = [n[1], n[2], n[3], m[0]];
    let mut out = [0u32; 4];
    for k in 0..4 {
        // The last two are made of the first two.
        let from = if k < 2 { m[k + 2] } else { out[k - 2] };
        out[k] = d[k].wrapping_add(middle[k]).wrapping_add(sigma(from));
    }
    set_words(s, i, out);
}

/// SHA512H.
pub fn sha512h(s: &mut Simd, i: Insn) {
    let (x, y, w) = (s.v(i.rn()), s.v(i.rm()), s.v(i.rd()));
    let sigma = |v: u64| v.rotate_right(14) ^ v.rotate_right(18) ^ v.rotate_right(41);
    let choose = |a: u64, b: u64, c: u64| c ^ (b ^ c) & a;
    let high = choose(y[1], x[0], x[1]).wrapping_add(sigma(y[1])).wrapping_add(w[1]);
    let t = high.wrapping_add(y[0]);
    let low = choose(t, y[1], x[0]).wrapping_add(sigma(t)).wrapping_add(w[0]);
    s.set_v(i.rd(), [low, high]);
}
/// SHA512H2.
pub fn sha512h2(s: &mut Simd, i: Insn) {
    let (x, y, w) = (s.v(i.rn()), s.v(i.rm()), s.v(i.rd()));
    let sigma = |v: u64| v.rotate_right(28) ^ v.rotate_right(34) ^ v.rotate_right(39);
    let majority = |a: u64, b: u64, c: u64| a & b | (a | b) & c;
    let high = majority(x[0], y[1], y[0]).wrapping_add(sigma(y[0])).wrapping_add(w[1]);
    let low = majority(high, y[0], y[1]).wrapping_add(sigma(high)).wrapping_add(w[0]);
    s.set_v(i.rd(), [low, high]);
}
/// SHA512SU0.
pub fn sha512su0(s: &mut Simd, i: Insn) {
    let (w, x) = (s.v(i.rd()), s.v(i.rn()));
    let sigma = |v: u64| v.rotate_right(1) ^ v.rotate_right(8) ^ v >> 7;
    s.set_v(i.rd(), [w[0].wrapping_add(sigma(w[1])), w[1].wrapping_add(sigma(x[0]))]);
}
/// SHA512SU1.
pub fn sha512su1(s: &mut Simd, i: Insn) {
    let (w, x, y) = (s.v(i.rd()), s.v(i.rn()), s.v(i.rm()));
    let sigma = |v: u64| v.rotate_right(19) ^ v.rotate_right(61) ^ v >> 6;
    s.set_v(i.rd(), std::array::from_fn(|k| w[k].wrapping_add(sigma(x[k])).wrapping_add(y[k])));
}

/// EOR3.
pub fn eor3(s: &mut Simd, i: Insn) {
    let (n, m, a) = (s.v(i.rn()), s.v(i.rm()), s.v(i.ra()));
    s.set_v(i.rd(), std::array::from_fn(|k| n[k] ^ m[k] ^ a[k]));
}
/// BCAX.
pub fn bcax(s: &mut Simd, i: Insn) {
    let (n, m, a) = (s.v(i.rn()), s.v(i.rm()), s.v(i.ra()));
    s.set_v(i.rd(), std::array::from_fn(|k| n[k] ^ m[k] & !a[k]));
}
/// RAX1.
pub fn rax1(s: &mut Simd, i: Insn) {
    let (n, m) = (s.v(i.rn()), s.v(i.rm()));
    s.set_v(i.rd(), std::array::from_fn(|k| n[k] ^ m[k].rotate_left(1)));
}
/// XAR.
pub fn xar(s: &mut Simd, i: Insn) {
    let (n, m) = (s.v(i.rn()), s.v(i.rm()));
    s.set_v(i.rd(), std::array::from_fn(|k| (n[k] ^ m[k]).rotate_right(i.bits(15, 10))));
}

/// A word of a vector.
pub(super) fn word(v: V, k: u32) -> u32 {
    get(v, 32, k) as u32
}
