//! Shifts of elements.

use super::int::saturate;
use super::lanes::{mask, number};
use super::status::Status;

/// `x / 2^by`, rounded to nearest if `round`, else down. `by` is at least 1.
fn right(x: i128, by: u32, round: bool) -> i128 {
    // What is shifted has at most 65 bits: beyond that nothing changes.
    let by = by.min(66);
    (x + if round { 1 << (by - 1) } else { 0 }) >> by
}

/// SSHL, USHL and their rounding and saturating kin: by the signed low byte of `b`.
pub fn shl<const S: bool, const ROUND: bool, const SAT: bool>(s: &mut Status, bits: u32, a: u64, b: u64) -> u64 {
    let by = b as i8;
    let x = number(S, bits, a);
    if by < 0 {
        // A right shift never leaves the range.
        return right(x, u32::from(by.unsigned_abs()), ROUND) as u64;
    }
    left::<S, S, SAT>(s, bits, x, by as u32)
}

/// `x * 2^by`, cut to the width or saturated.
fn left<const S: bool, const TO: bool, const SAT: bool>(s: &mut Status, bits: u32, x: i128, by: u32) -> u64 {
    // Shifted out of the register altogether: as far as it takes to saturate.
    let shifted = x << by.min(bits);
    match SAT {
        // 64 bits shifted by 64 may run over the sign.
        true if by >= bits && x != 0 => saturate(s, TO, bits, if x < 0 { i128::MIN } else { i128::MAX }),
        true => saturate(s, TO, bits, shifted),
        false => shifted as u64 & mask(bits),
    }
}

/// SHL.
pub fn shl_imm(_: &mut Status, _: u32, a: u64, by: u32) -> u64 {
    a << by
}
/// SQSHL (S, S), UQSHL (U, U), SQSHLU (S, U) by an immediate.
pub fn qshl_imm<const FROM: bool, const TO: bool>(s: &mut Status, bits: u32, a: u64, by: u32) -> u64 {
    left::<FROM, TO, true>(s, bits, number(FROM, bits, a), by)
}
/// SSHR, USHR; rounded: SRSHR, URSHR.
pub fn shr<const S: bool, const ROUND: bool>(_: &mut Status, bits: u32, a: u64, by: u32) -> u64 {
    right(number(S, bits, a), by, ROUND) as u64
}
/// SSRA, USRA; rounded: SRSRA, URSRA.
pub fn sra<const S: bool, const ROUND: bool>(s: &mut Status, bits: u32, d: u64, a: u64, by: u32) -> u64 {
    d.wrapping_add(shr::<S, ROUND>(s, bits, a, by))
}
/// SRI.
pub fn sri(_: &mut Status, bits: u32, d: u64, a: u64, by: u32) -> u64 {
    let kept = if by == bits { mask(bits) } else { !(mask(bits) >> by) };
    d & kept | if by == bits { 0 } else { a >> by }
}
/// SLI.
pub fn sli(_: &mut Status, _: u32, d: u64, a: u64, by: u32) -> u64 {
    d & !(u64::MAX << by) | a << by
}
/// SHRN; rounded: RSHRN.
pub fn shrn<const ROUND: bool>(_: &mut Status, bits: u32, a: u64, by: u32) -> u64 {
    right(number(false, 2 * bits, a), by, ROUND) as u64
}
/// SQSHRN (S, S), UQSHRN (U, U), SQSHRUN (S, U); rounded: SQRSHRN, UQRSHRN, SQRSHRUN.
pub fn qshrn<const FROM: bool, const TO: bool, const ROUND: bool>(s: &mut Status, bits: u32, a: u64, by: u32) -> u64 {
    saturate(s, TO, bits, right(number(FROM, 2 * bits, a), by, ROUND))
}
/// SSHLL, USHLL; SHLL.
pub fn shll<const S: bool>(_: &mut Status, bits: u32, a: u64, by: u32) -> u64 {
    (number(S, bits, a) << by) as u64
}
