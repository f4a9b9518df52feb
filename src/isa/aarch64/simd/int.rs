//! Integer element operations: pure functions of elements, zero-extended to 64 bits. Results are cut to the width by
//! whoever stores them.

use super::lanes::{mask, number};
use super::status::Status;

/// Signed elements.
pub const S: bool = true;
/// Unsigned elements.
pub const U: bool = false;

/// `value` clamped to `bits` bits; QC if that changes it.
#[inline]
pub fn saturate(s: &mut Status, signed: bool, bits: u32, value: i128) -> u64 {
    let (least, most) =
        if signed { (-1i128 << (bits - 1), (1i128 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) };
    let clamped = value.clamp(least, most);
    s.qc |= clamped != value;
    clamped as u64
}

fn truth(bits: u32, holds: bool) -> u64 {
    if holds { mask(bits) } else { 0 }
}

/// ADD.
pub fn add(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}
/// SUB.
pub fn sub(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a.wrapping_sub(b)
}
/// MUL.
pub fn mul(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a.wrapping_mul(b)
}
/// MLA.
pub fn mla(_: &mut Status, _: u32, d: u64, a: u64, b: u64) -> u64 {
    d.wrapping_add(a.wrapping_mul(b))
}
/// MLS.
pub fn mls(_: &mut Status, _: u32, d: u64, a: u64, b: u64) -> u64 {
    d.wrapping_sub(a.wrapping_mul(b))
}
/// AND.
pub fn and(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a & b
}
/// BIC.
pub fn bic(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a & !b
}
/// ORR.
pub fn orr(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a | b
}
/// ORN.
pub fn orn(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a | !b
}
/// EOR.
pub fn eor(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    a ^ b
}
/// BSL.
pub fn bsl(_: &mut Status, _: u32, d: u64, a: u64, b: u64) -> u64 {
    b ^ (b ^ a) & d
}
/// BIT.
pub fn bit(_: &mut Status, _: u32, d: u64, a: u64, b: u64) -> u64 {
    d ^ (d ^ a) & b
}
/// BIF.
pub fn bif(_: &mut Status, _: u32, d: u64, a: u64, b: u64) -> u64 {
    d ^ (d ^ a) & !b
}
/// SHADD, UHADD; rounded: SRHADD, URHADD.
pub fn hadd<const S: bool, const ROUND: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    ((number(S, bits, a) + number(S, bits, b) + ROUND as i128) >> 1) as u64
}
/// SHSUB, UHSUB.
pub fn hsub<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    ((number(S, bits, a) - number(S, bits, b)) >> 1) as u64
}
/// SQADD, UQADD.
pub fn qadd<const S: bool>(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    saturate(s, S, bits, number(S, bits, a) + number(S, bits, b))
}
/// SQSUB, UQSUB.
pub fn qsub<const S: bool>(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    saturate(s, S, bits, number(S, bits, a) - number(S, bits, b))
}
/// SUQADD (S), USQADD (U): the accumulator has the one signedness and the operand the other.
pub fn qadd_mixed<const S: bool>(s: &mut Status, bits: u32, d: u64, a: u64) -> u64 {
    saturate(s, S, bits, number(S, bits, d) + number(!S, bits, a))
}
/// CMGT, CMHI.
pub fn cmgt<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    truth(bits, number(S, bits, a) > number(S, bits, b))
}
/// CMGE, CMHS.
pub fn cmge<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    truth(bits, number(S, bits, a) >= number(S, bits, b))
}
/// CMEQ.
pub fn cmeq(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    truth(bits, a == b)
}
/// CMTST.
pub fn cmtst(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    truth(bits, a & b != 0)
}
/// CMGT (zero).
pub fn cmgt0(_: &mut Status, bits: u32, a: u64) -> u64 {
    truth(bits, number(S, bits, a) > 0)
}
/// CMGE (zero).
pub fn cmge0(_: &mut Status, bits: u32, a: u64) -> u64 {
    truth(bits, number(S, bits, a) >= 0)
}
/// CMEQ (zero).
pub fn cmeq0(_: &mut Status, bits: u32, a: u64) -> u64 {
    truth(bits, a == 0)
}
/// CMLE (zero).
pub fn cmle0(_: &mut Status, bits: u32, a: u64) -> u64 {
    truth(bits, number(S, bits, a) <= 0)
}
/// CMLT (zero).
pub fn cmlt0(_: &mut Status, bits: u32, a: u64) -> u64 {
    truth(bits, number(S, bits, a) < 0)
}
/// SMAX, UMAX.
pub fn max<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    number(S, bits, a).max(number(S, bits, b)) as u64
}
/// SMIN, UMIN.
pub fn min<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    number(S, bits, a).min(number(S, bits, b)) as u64
}
/// SABD, UABD; long: SABDL, UABDL.
pub fn abd<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    (number(S, bits, a) - number(S, bits, b)).unsigned_abs() as u64
}
/// SABA, UABA; long: SABAL, UABAL.
pub fn aba<const S: bool>(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    d.wrapping_add(abd::<S>(s, bits, a, b))
}
/// ABS.
pub fn abs(_: &mut Status, bits: u32, a: u64) -> u64 {
    number(S, bits, a).unsigned_abs() as u64
}
/// NEG.
pub fn neg(_: &mut Status, _: u32, a: u64) -> u64 {
    a.wrapping_neg()
}
/// NOT.
pub fn not(_: &mut Status, _: u32, a: u64) -> u64 {
    !a
}
/// SQABS.
pub fn qabs(s: &mut Status, bits: u32, a: u64) -> u64 {
    saturate(s, S, bits, number(S, bits, a).abs())
}
/// SQNEG.
pub fn qneg(s: &mut Status, bits: u32, a: u64) -> u64 {
    saturate(s, S, bits, -number(S, bits, a))
}
/// CLZ.
pub fn clz(_: &mut Status, bits: u32, a: u64) -> u64 {
    u64::from(a.leading_zeros() - (64 - bits))
}
/// CLS.
pub fn cls(_: &mut Status, bits: u32, a: u64) -> u64 {
    let a = number(S, bits, a) as u64;
    u64::from((a ^ (a << 1 | a & 1)).leading_zeros().min(63) - (64 - bits))
}
/// CNT.
pub fn cnt(_: &mut Status, _: u32, a: u64) -> u64 {
    u64::from(a.count_ones())
}
/// RBIT, on bytes.
pub fn rbit(_: &mut Status, _: u32, a: u64) -> u64 {
    u64::from((a as u8).reverse_bits())
}
/// REV16, REV32, REV64: the elements of a container of `CONTAINER` bits reversed, seen as an operation on 64 bits.
pub fn rev<const CONTAINER: u32>(word: u64, bits: u32) -> u64 {
    let mut out = 0;
    let count = CONTAINER / bits;
    for index in 0..64 / bits {
        let from = index / count * count + (count - 1 - index % count);
        out |= (word >> (from * bits) & mask(bits)) << (index * bits);
    }
    out
}

/// The high half of the doubled product plus what `d` stands for, saturated: SQDMULH and its kin.
fn doubling_high(s: &mut Status, bits: u32, d: i128, product: i128, round: bool) -> u64 {
    let sum = (d << bits) + 2 * product + if round { 1 << (bits - 1) } else { 0 };
    saturate(s, S, bits, sum >> bits)
}
/// SQDMULH; rounded: SQRDMULH.
pub fn qdmulh<const ROUND: bool>(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    doubling_high(s, bits, 0, number(S, bits, a) * number(S, bits, b), ROUND)
}
/// SQRDMLAH.
pub fn qrdmlah(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    doubling_high(s, bits, number(S, bits, d), number(S, bits, a) * number(S, bits, b), true)
}
/// SQRDMLSH.
pub fn qrdmlsh(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    doubling_high(s, bits, number(S, bits, d), -number(S, bits, a) * number(S, bits, b), true)
}

/// SADDL, UADDL.
pub fn addl<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    (number(S, bits, a) + number(S, bits, b)) as u64
}
/// SSUBL, USUBL.
pub fn subl<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    (number(S, bits, a) - number(S, bits, b)) as u64
}
/// SADDW, UADDW: `a` is wide.
pub fn addw<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    a.wrapping_add(number(S, bits, b) as u64)
}
/// SSUBW, USUBW.
pub fn subw<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    a.wrapping_sub(number(S, bits, b) as u64)
}
/// SMULL, UMULL.
pub fn mull<const S: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    (number(S, bits, a) * number(S, bits, b)) as u64
}
/// SMLAL, UMLAL.
pub fn mlal<const S: bool>(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    d.wrapping_add(mull::<S>(s, bits, a, b))
}
/// SMLSL, UMLSL.
pub fn mlsl<const S: bool>(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    d.wrapping_sub(mull::<S>(s, bits, a, b))
}
/// SQDMULL.
pub fn qdmull(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    saturate(s, S, 2 * bits, 2 * number(S, bits, a) * number(S, bits, b))
}
/// SQDMLAL: both the product and the sum saturate.
pub fn qdmlal(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    let product = qdmull(s, bits, a, b);
    qadd::<S>(s, 2 * bits, d, product)
}
/// SQDMLSL.
pub fn qdmlsl(s: &mut Status, bits: u32, d: u64, a: u64, b: u64) -> u64 {
    let product = qdmull(s, bits, a, b);
    qsub::<S>(s, 2 * bits, d, product)
}
/// PMUL; long: PMULL of bytes.
pub fn pmul(_: &mut Status, _: u32, a: u64, b: u64) -> u64 {
    (0..8).fold(0, |sum, at| sum ^ if b >> at & 1 != 0 { a << at } else { 0 })
}
/// ADDHN; rounded: RADDHN.
pub fn addhn<const ROUND: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    a.wrapping_add(b).wrapping_add(if ROUND { 1 << (bits - 1) } else { 0 }) >> bits
}
/// SUBHN; rounded: RSUBHN.
pub fn subhn<const ROUND: bool>(_: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    a.wrapping_sub(b).wrapping_add(if ROUND { 1 << (bits - 1) } else { 0 }) >> bits
}
/// XTN.
pub fn xtn(_: &mut Status, _: u32, a: u64) -> u64 {
    a
}
/// SQXTN (S, S), UQXTN (U, U), SQXTUN (S, U).
pub fn qxtn<const FROM: bool, const TO: bool>(s: &mut Status, bits: u32, a: u64) -> u64 {
    saturate(s, TO, bits, number(FROM, 2 * bits, a))
}
