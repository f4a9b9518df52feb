//! The shapes of instructions: how element operations are laid over registers.
//!
//! Each builds its result from zero, lane by lane, so that what is above the lanes in use comes out zero. The second
//! source may be an element everywhere.

use super::Simd;
use super::fp::{self, Direction};
use super::insn::{Insn, Lane};
use super::lanes::{V, broadcast, build, get, mask};
use super::status::Status;

impl Simd<'_> {
    /// The second source; an element stands in every lane.
    fn second(&self, i: Insn, bits: u32) -> V {
        if i.is_by_element() {
            let (register, index) = i.element(bits);
            broadcast(bits, get(self.v(register), bits, index))
        } else {
            self.v(i.rm())
        }
    }

    /// Writes the half that a narrow form writes: the low one clears the high one.
    pub(super) fn set_part(&mut self, i: Insn, half: u64) {
        let v = if i.part() == 1 { [self.v(i.rd())[0], half] } else { [half, 0] };
        self.set_v(i.rd(), v);
    }
}

/// `d = op(n)`.
pub fn map1(s: &mut Simd, i: Insn, lane: Lane, op: impl Fn(&mut Status, u32, u64) -> u64) {
    let (bits, n) = (lane.bits(i), s.v(i.rn()));
    let d = build(bits, i.elements(bits), |k| op(&mut s.status, bits, get(n, bits, k)));
    s.set_v(i.rd(), d);
}

/// `d = op(d, n)`.
pub fn accumulate1(s: &mut Simd, i: Insn, lane: Lane, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let (bits, n, d) = (lane.bits(i), s.v(i.rn()), s.v(i.rd()));
    let d = build(bits, i.elements(bits), |k| op(&mut s.status, bits, get(d, bits, k), get(n, bits, k)));
    s.set_v(i.rd(), d);
}

/// `d = op(n, m)`.
pub fn map2(s: &mut Simd, i: Insn, lane: Lane, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let bits = lane.bits(i);
    let (n, m) = (s.v(i.rn()), s.second(i, bits));
    let d = build(bits, i.elements(bits), |k| op(&mut s.status, bits, get(n, bits, k), get(m, bits, k)));
    s.set_v(i.rd(), d);
}

/// `d = op(d, n, m)`.
pub fn map3(s: &mut Simd, i: Insn, lane: Lane, op: impl Fn(&mut Status, u32, u64, u64, u64) -> u64) {
    let bits = lane.bits(i);
    let (d, n, m) = (s.v(i.rd()), s.v(i.rn()), s.second(i, bits));
    let lanes = |k| (get(d, bits, k), get(n, bits, k), get(m, bits, k));
    let d = build(bits, i.elements(bits), |k| {
        let (d, n, m) = lanes(k);
        op(&mut s.status, bits, d, n, m)
    });
    s.set_v(i.rd(), d);
}

/// [`map2`] of whole halves, whatever the elements are.
pub fn bitwise2(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let (n, m) = (s.v(i.rn()), s.v(i.rm()));
    let d = build(64, i.elements(64), |k| op(&mut s.status, 64, n[k as usize], m[k as usize]));
    s.set_v(i.rd(), d);
}

/// [`map3`] of whole halves.
pub fn bitwise3(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64, u64) -> u64) {
    let (d, n, m) = (s.v(i.rd()), s.v(i.rn()), s.v(i.rm()));
    let d = build(64, i.elements(64), |k| op(&mut s.status, 64, d[k as usize], n[k as usize], m[k as usize]));
    s.set_v(i.rd(), d);
}

/// `op(word, bits)` on whole halves.
pub fn halves1(s: &mut Simd, i: Insn, op: impl Fn(u64, u32) -> u64) {
    let n = s.v(i.rn());
    let d = build(64, i.elements(64), |k| op(n[k as usize], 8 << i.size()));
    s.set_v(i.rd(), d);
}

/// `op` on neighbours in `m:n`.
pub fn pairwise2(s: &mut Simd, i: Insn, lane: Lane, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let bits = lane.bits(i);
    let (n, m) = (s.v(i.rn()), s.v(i.rm()));
    let count = i.elements(bits);
    let d = build(bits, count, |k| {
        let (from, at) = if 2 * k < count { (n, 2 * k) } else { (m, 2 * k - count) };
        op(&mut s.status, bits, get(from, bits, at), get(from, bits, at + 1))
    });
    s.set_v(i.rd(), d);
}

/// `op` on the two elements of `n`: the scalar pairwise forms.
pub fn pair1(s: &mut Simd, i: Insn, lane: Lane, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let (bits, n) = (lane.bits(i), s.v(i.rn()));
    let d = op(&mut s.status, bits, get(n, bits, 0), get(n, bits, 1));
    s.set_v(i.rd(), [d & mask(bits), 0]);
}

/// `op` on neighbours in `n`, giving elements twice as wide (SADDLP).
pub fn pair_long1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let (bits, n) = (8 << i.size(), s.v(i.rn()));
    let d = build(2 * bits, i.elements(2 * bits), |k| {
        op(&mut s.status, bits, get(n, bits, 2 * k), get(n, bits, 2 * k + 1))
    });
    s.set_v(i.rd(), d);
}

/// [`pair_long1`], added to the destination (SADALP).
pub fn pair_long_accumulate1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let (bits, n, old) = (8 << i.size(), s.v(i.rn()), s.v(i.rd()));
    let d = build(2 * bits, i.elements(2 * bits), |k| {
        let sum = op(&mut s.status, bits, get(n, bits, 2 * k), get(n, bits, 2 * k + 1));
        sum.wrapping_add(get(old, 2 * bits, k))
    });
    s.set_v(i.rd(), d);
}

/// `d = op(n, m)`, the sources being a half each and the result twice as wide.
pub fn long2(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let bits = Lane::Z.bits(i);
    let (n, m) = (s.v(i.rn()), s.second(i, bits));
    let (count, from) = (i.half_elements(bits), i.part() * (64 / bits));
    let d = build(2 * bits, count, |k| op(&mut s.status, bits, get(n, bits, from + k), get(m, bits, from + k)));
    s.set_v(i.rd(), d);
}

/// [`long2`] with the destination as accumulator.
pub fn long3(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64, u64) -> u64) {
    let bits = Lane::Z.bits(i);
    let (old, n, m) = (s.v(i.rd()), s.v(i.rn()), s.second(i, bits));
    let (count, from) = (i.half_elements(bits), i.part() * (64 / bits));
    let d = build(2 * bits, count, |k| {
        op(&mut s.status, bits, get(old, 2 * bits, k), get(n, bits, from + k), get(m, bits, from + k))
    });
    s.set_v(i.rd(), d);
}

/// `d = op(n, m)`, `m` being a half and the others twice as wide.
pub fn wide2(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let bits = Lane::Z.bits(i);
    let (n, m, from) = (s.v(i.rn()), s.v(i.rm()), i.part() * (64 / bits));
    let d = build(2 * bits, 64 / bits, |k| op(&mut s.status, bits, get(n, 2 * bits, k), get(m, bits, from + k)));
    s.set_v(i.rd(), d);
}

/// `d = op(n, m)`, a half, the sources being twice as wide.
pub fn narrow2(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let bits = Lane::Z.bits(i);
    let (n, m) = (s.v(i.rn()), s.v(i.rm()));
    let d = build(bits, 64 / bits, |k| op(&mut s.status, bits, get(n, 2 * bits, k), get(m, 2 * bits, k)));
    s.set_part(i, d[0]);
}

/// `d = op(n)`, a half of elements of `bits` bits, the source being twice as wide.
fn narrow(s: &mut Simd, i: Insn, bits: u32, op: impl Fn(&mut Status, u32, u64) -> u64) {
    let n = s.v(i.rn());
    let d = build(bits, i.half_elements(bits), |k| op(&mut s.status, bits, get(n, 2 * bits, k)));
    s.set_part(i, d[0]);
}

/// [`narrow`] as the size field says.
pub fn narrow1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64) -> u64) {
    narrow(s, i, 8 << i.size(), op);
}

/// [`narrow`] to half or single precision, as the size field's low bit says.
pub fn narrow_float1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64) -> u64) {
    narrow(s, i, 16 << i.bit(22) as u32, op);
}

/// A half of half or single precision, widened.
pub fn long_float1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64) -> u64) {
    let (bits, n) = (16 << i.bit(22) as u32, s.v(i.rn()));
    let from = i.part() * (64 / bits);
    let d = build(2 * bits, 64 / bits, |k| op(&mut s.status, bits, get(n, bits, from + k)));
    s.set_v(i.rd(), d);
}

/// `d = op(n, immediate)`, a right shift's immediate.
pub fn right1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u32) -> u64) {
    let (bits, n) = (i.shift_bits(), s.v(i.rn()));
    let by = 2 * bits - i.immhb();
    let d = build(bits, i.elements(bits), |k| op(&mut s.status, bits, get(n, bits, k), by));
    s.set_v(i.rd(), d);
}

/// `d = op(d, n, immediate)`, a right shift's immediate.
pub fn right2(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64, u32) -> u64) {
    let (bits, old, n) = (i.shift_bits(), s.v(i.rd()), s.v(i.rn()));
    let by = 2 * bits - i.immhb();
    let d = build(bits, i.elements(bits), |k| op(&mut s.status, bits, get(old, bits, k), get(n, bits, k), by));
    s.set_v(i.rd(), d);
}

/// `d = op(n, immediate)`, a left shift's immediate.
pub fn left1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u32) -> u64) {
    let (bits, n) = (i.shift_bits(), s.v(i.rn()));
    let by = i.immhb() - bits;
    let d = build(bits, i.elements(bits), |k| op(&mut s.status, bits, get(n, bits, k), by));
    s.set_v(i.rd(), d);
}

/// `d = op(d, n, immediate)`, a left shift's immediate.
pub fn left2(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64, u32) -> u64) {
    let (bits, old, n) = (i.shift_bits(), s.v(i.rd()), s.v(i.rn()));
    let by = i.immhb() - bits;
    let d = build(bits, i.elements(bits), |k| op(&mut s.status, bits, get(old, bits, k), get(n, bits, k), by));
    s.set_v(i.rd(), d);
}

/// A narrowing right shift.
pub fn right_narrow1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u32) -> u64) {
    let bits = i.shift_bits();
    let by = 2 * bits - i.immhb();
    narrow(s, i, bits, |status, bits, a| op(status, bits, a, by));
}

/// A widening left shift of a half.
fn left_long(s: &mut Simd, i: Insn, bits: u32, by: u32, op: impl Fn(&mut Status, u32, u64, u32) -> u64) {
    let n = s.v(i.rn());
    let from = i.part() * (64 / bits);
    let d = build(2 * bits, 64 / bits, |k| op(&mut s.status, bits, get(n, bits, from + k), by));
    s.set_v(i.rd(), d);
}

/// A widening left shift by the immediate.
pub fn left_long1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u32) -> u64) {
    let bits = i.shift_bits();
    left_long(s, i, bits, i.immhb() - bits, op);
}

/// SHLL: a widening left shift by the element's width.
pub fn shll(s: &mut Simd, i: Insn) {
    let bits = 8 << i.size();
    left_long(s, i, bits, bits, super::shift::shll::<false>);
}

/// `op` over all elements.
pub fn across(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let (bits, n) = (8 << i.size(), s.v(i.rn()));
    let first = get(n, bits, 0);
    let d = (1..i.elements(bits)).fold(first, |d, k| op(&mut s.status, bits, d, get(n, bits, k)) & mask(bits));
    s.set_v(i.rd(), [d, 0]);
}

/// The sum of all elements, twice as wide: SADDLV, UADDLV.
pub fn across_long(s: &mut Simd, i: Insn, signed: bool) {
    let (bits, n) = (8 << i.size(), s.v(i.rn()));
    let sum: i128 = (0..i.elements(bits)).map(|k| super::lanes::number(signed, bits, get(n, bits, k))).sum();
    s.set_v(i.rd(), [sum as u64 & mask(2 * bits), 0]);
}

/// `op` over all elements as a tree of halves, which decides between NaNs.
pub fn across_float(s: &mut Simd, i: Insn, bits: u32, op: impl Fn(&mut Status, u32, u64, u64) -> u64) {
    let n = s.v(i.rn());
    let mut count = i.elements(bits);
    let mut lanes = [0; 8];
    (0..count).for_each(|k| lanes[k as usize] = get(n, bits, k));
    // Neighbours first: the halves of the smallest pieces.
    while count > 1 {
        count /= 2;
        for k in 0..count as usize {
            lanes[k] = op(&mut s.status, bits, lanes[2 * k], lanes[2 * k + 1]);
        }
    }
    s.set_v(i.rd(), [lanes[0], 0]);
}

/// `d = op(n)` on bytes, whatever the size field says.
pub fn bytes1(s: &mut Simd, i: Insn, op: impl Fn(&mut Status, u32, u64) -> u64) {
    let n = s.v(i.rn());
    let d = build(8, i.elements(8), |k| op(&mut s.status, 8, get(n, 8, k)));
    s.set_v(i.rd(), d);
}

/// BFCVTN.
pub fn bfcvtn(s: &mut Simd, i: Insn) {
    narrow(s, i, 16, fp::bfcvt);
}

/// FRINTN and its kin.
pub fn rint(s: &mut Simd, i: Insn, lane: Lane, direction: Direction, exact: bool) {
    map1(s, i, lane, |status, bits, a| fp::rint(status, bits, a, direction, exact));
}

/// FRINT32Z and its kin.
pub fn rint_to(s: &mut Simd, i: Insn, direction: Direction, width: u32) {
    map1(s, i, Lane::Sd, |status, bits, a| fp::rint_to(status, bits, a, direction, width));
}

/// FCVTNS and its kin.
pub fn to_int(s: &mut Simd, i: Insn, lane: Lane, direction: Direction, signed: bool) {
    map1(s, i, lane, |status, bits, a| fp::to_int(status, bits, a, direction, signed));
}
