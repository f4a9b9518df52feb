//! What moves elements about: copies, permutations, table lookups, immediates.

use super::Simd;
use super::insn::Insn;
use super::lanes::{V, broadcast, build, get, halves, insert, mask, number, wide};

/// The element that `imm5` names: its width and index.
const fn imm5(i: Insn) -> (u32, u32) {
    let imm5 = i.rm();
    let log = imm5.trailing_zeros();
    (8 << log, imm5 >> (log + 1))
}

/// `value` in the lanes in use.
fn replicate(s: &mut Simd, i: Insn, bits: u32, value: u64) {
    let d = build(bits, i.elements(bits), |_| value);
    s.set_v(i.rd(), d);
}

/// DUP (element), of both forms.
pub fn dup_element(s: &mut Simd, i: Insn) {
    let (bits, index) = imm5(i);
    let value = get(s.v(i.rn()), bits, index);
    replicate(s, i, bits, value);
}

/// DUP (general).
pub fn dup_general(s: &mut Simd, i: Insn) {
    let (bits, _) = imm5(i);
    let value = s.x(i.rn());
    replicate(s, i, bits, value);
}

/// INS (general).
pub fn ins_general(s: &mut Simd, i: Insn) {
    let (bits, index) = imm5(i);
    let (mut d, value) = (s.v(i.rd()), s.x(i.rn()));
    insert(&mut d, bits, index, value);
    s.set_v(i.rd(), d);
}

/// INS (element).
pub fn ins_element(s: &mut Simd, i: Insn) {
    let (bits, index) = imm5(i);
    let (mut d, n) = (s.v(i.rd()), s.v(i.rn()));
    let from = i.bits(14, 11) / (bits / 8);
    insert(&mut d, bits, index, get(n, bits, from));
    s.set_v(i.rd(), d);
}

/// SMOV.
pub fn smov(s: &mut Simd, i: Insn) {
    let (bits, index) = imm5(i);
    let value = number(true, bits, get(s.v(i.rn()), bits, index)) as u64;
    s.set_x(i.rd(), if i.q() { value } else { value & mask(32) });
}

/// UMOV.
pub fn umov(s: &mut Simd, i: Insn) {
    let (bits, index) = imm5(i);
    let value = get(s.v(i.rn()), bits, index);
    s.set_x(i.rd(), value);
}

/// EXT.
pub fn ext(s: &mut Simd, i: Insn) {
    let (n, m, by) = (s.v(i.rn()), s.v(i.rm()), 8 * i.bits(14, 11));
    let d = if !i.q() {
        let both = wide([n[0], m[0]]);
        [(both >> by) as u64, 0]
    } else if by == 0 {
        n
    } else {
        halves(wide(n) >> by | wide(m) << (128 - by))
    };
    s.set_v(i.rd(), d);
}

/// A permutation: element `k` of the result is element `pick(k, count)` of `m:n`.
fn permute(s: &mut Simd, i: Insn, pick: impl Fn(u32, u32) -> u32) {
    let bits = 8 << i.size();
    let (n, m, count) = (s.v(i.rn()), s.v(i.rm()), i.elements(bits));
    let d = build(bits, count, |k| {
        let at = pick(k, count);
        if at < count { get(n, bits, at) } else { get(m, bits, at - count) }
    });
    s.set_v(i.rd(), d);
}

/// UZP1, UZP2.
pub fn uzp(s: &mut Simd, i: Insn, part: u32) {
    permute(s, i, |k, _| 2 * k + part);
}

/// TRN1, TRN2.
pub fn trn(s: &mut Simd, i: Insn, part: u32) {
    permute(s, i, |k, count| (k & !1) + part + (k & 1) * count);
}

/// ZIP1, ZIP2.
pub fn zip(s: &mut Simd, i: Insn, part: u32) {
    permute(s, i, |k, count| k / 2 + part * count / 2 + (k & 1) * count);
}

/// TBL; `keep` is TBX, which leaves bytes whose index is beyond the table.
pub fn table(s: &mut Simd, i: Insn, keep: bool) {
    let registers = i.bits(14, 13) + 1;
    let mut bytes: [V; 4] = [[0; 2]; 4];
    (0..registers).for_each(|k| bytes[k as usize] = s.v((i.rn() + k) & 31));
    let (m, old) = (s.v(i.rm()), s.v(i.rd()));
    let d = build(8, i.elements(8), |k| {
        let index = get(m, 8, k) as u32;
        match index {
            _ if index < 16 * registers => get(bytes[(index / 16) as usize], 8, index % 16),
            _ if keep => get(old, 8, k),
            _ => 0,
        }
    });
    s.set_v(i.rd(), d);
}

/// AdvSIMDExpandImm: the doubleword that a modified immediate stands for.
pub fn expand_immediate(i: Insn) -> u64 {
    let (op, cmode, imm8) = (i.bit(29), i.bits(15, 12), u64::from(i.imm8()));
    let every = |bits, value| broadcast(bits, value)[0];
    let (sign, exponent, fraction) = (imm8 >> 7, imm8 >> 6 & 1, imm8 & 0x3f);
    match cmode {
        0..8 => every(32, imm8 << (8 * (cmode >> 1))),
        8..12 => every(16, imm8 << (8 * (cmode >> 1 & 1))),
        12 => every(32, imm8 << 8 | 0xff),
        13 => every(32, imm8 << 16 | 0xffff),
        14 if !op => every(8, imm8),
        14 => (0..8).map(|bit| ((imm8 >> bit & 1) * 0xff) << (8 * bit)).sum(),
        // The exponent's top bit, and its opposite over and over.
        _ if i.bit(11) => every(16, sign << 15 | (exponent ^ 1) << 14 | (exponent * 3) << 12 | fraction << 6),
        _ if !op => every(32, sign << 31 | (exponent ^ 1) << 30 | (exponent * 0x1f) << 25 | fraction << 19),
        _ => sign << 63 | (exponent ^ 1) << 62 | (exponent * 0xff) << 54 | fraction << 48,
    }
}

/// MOVI, MVNI, FMOV, ORR, BIC with an immediate.
pub fn immediate(s: &mut Simd, i: Insn, op: impl Fn(u64, u64) -> u64) {
    let (old, value) = (s.v(i.rd()), expand_immediate(i));
    let d = build(64, i.elements(64), |k| op(old[k as usize], value));
    s.set_v(i.rd(), d);
}
