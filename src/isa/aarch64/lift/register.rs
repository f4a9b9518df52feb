//! Data processing on registers.

use super::immediate::shift;
use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, Effects, UnOp, Val, Width};
use crate::isa::aarch64::helpers;

/// The second operand of shifted-register instructions. At 32 bits its high half is anything.
fn shifted(l: &mut Lift, i: Insn) -> Val {
    let b = l.x(i.rm());
    let op = [BinOp::Shl, BinOp::ShrU, BinOp::ShrS, BinOp::RotR][i.bits(23, 22) as usize];
    shift(l, op, i.width(), b, i.bits(15, 10))
}

/// `value` extended as a 3-bit option says, then shifted left.
pub fn extended(l: &mut Lift, value: Val, option: u32, by: u32) -> Val {
    let wide = match option {
        0 => l.b.un64(UnOp::Zext8, value),
        1 => l.b.un64(UnOp::Zext16, value),
        2 => l.b.un64(UnOp::Zext32, value),
        4 => l.b.un64(UnOp::Sext8, value),
        5 => l.b.un64(UnOp::Sext16, value),
        6 => l.b.sext32(value),
        _ => value,
    };
    shift(l, BinOp::Shl, Width::W64, wide, by)
}

fn extended_operand(l: &mut Lift, i: Insn) -> Val {
    let b = l.x(i.rm());
    extended(l, b, i.bits(15, 13), i.bits(12, 10))
}

/// AND, ORR, EOR and, with the second operand inverted, BIC, ORN, EON.
pub fn logical(l: &mut Lift, i: Insn, op: BinOp, invert: bool) {
    let value = logical_value(l, i, op, invert);
    l.set_x(i.rd(), value);
}

/// ANDS, BICS.
pub fn ands(l: &mut Lift, i: Insn, invert: bool) {
    let value = logical_value(l, i, BinOp::And, invert);
    l.set_flags_of_logic(i.width(), value);
    l.set_x(i.rd(), value);
}

fn logical_value(l: &mut Lift, i: Insn, op: BinOp, invert: bool) -> Val {
    let w = i.width();
    let b = shifted(l, i);
    // MOV and MVN are ORR and ORN with the zero register.
    match (op, invert) {
        (BinOp::Or, false) if i.rn() == 31 => return l.cut(w, b),
        (BinOp::Or, true) if i.rn() == 31 => return l.b.un(UnOp::Not, w, b),
        _ => {}
    }
    let a = l.x(i.rn());
    match (op, invert) {
        (BinOp::And, true) => l.b.bin(BinOp::AndNot, w, a, b),
        (_, true) => {
            let b = l.b.un(UnOp::Not, w, b);
            l.b.bin(op, w, a, b)
        }
        (BinOp::And, false) if a == b => l.cut(w, a),
        _ => l.b.bin(op, w, a, b),
    }
}

/// ADD, SUB with a shifted register.
pub fn add(l: &mut Lift, i: Insn, op: BinOp) {
    let w = i.width();
    let (a, b) = (l.x(i.rn()), shifted(l, i));
    let value = if op == BinOp::Sub && i.rn() == 31 { l.b.un(UnOp::Neg, w, b) } else { l.b.bin(op, w, a, b) };
    l.set_x(i.rd(), value);
}

/// ADDS with a shifted register.
pub fn adds(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x(i.rn()), shifted(l, i));
    set_sum(l, i, a, b);
}

/// SUBS with a shifted register.
pub fn subs(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x(i.rn()), shifted(l, i));
    set_difference(l, i, a, b);
}

fn set_sum(l: &mut Lift, i: Insn, a: Val, b: Val) {
    let value = l.b.bin(BinOp::Add, i.width(), a, b);
    l.set_flags_of_add(i.width(), value, b);
    l.set_x(i.rd(), value);
}

fn set_difference(l: &mut Lift, i: Insn, a: Val, b: Val) {
    let value = l.b.bin(BinOp::Sub, i.width(), a, b);
    l.set_flags_of_sub(i.width(), a, b);
    l.set_x(i.rd(), value);
}

/// ADD, SUB with an extended register.
pub fn add_extended(l: &mut Lift, i: Insn, op: BinOp) {
    let (a, b) = (l.x_or_sp(i.rn()), extended_operand(l, i));
    let value = l.b.bin(op, i.width(), a, b);
    l.set_x_or_sp(i.rd(), value);
}

/// ADDS with an extended register.
pub fn adds_extended(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x_or_sp(i.rn()), extended_operand(l, i));
    set_sum(l, i, a, b);
}

/// SUBS with an extended register.
pub fn subs_extended(l: &mut Lift, i: Insn) {
    let (a, b) = (l.x_or_sp(i.rn()), extended_operand(l, i));
    set_difference(l, i, a, b);
}

/// ADC, SBC and, when `flags`, ADCS, SBCS.
pub fn adc(l: &mut Lift, i: Insn, subtract: bool, flags: bool) {
    let w = i.width();
    let (a, mut b) = (l.x(i.rn()), l.x(i.rm()));
    if subtract {
        b = l.b.un(UnOp::Not, w, b);
    }
    let carry = l.carry();
    let value = if flags {
        l.add_with_carry(w, a, b, carry)
    } else {
        let sum = l.b.bin(BinOp::Add, w, a, b);
        l.b.bin(BinOp::Add, w, sum, carry)
    };
    l.set_x(i.rd(), value);
}

/// Instructions of two operands that are one op: UDIV, SDIV, LSLV and kin, SMAX and kin.
pub fn binary(l: &mut Lift, i: Insn, op: BinOp) {
    let (a, b) = (l.x(i.rn()), l.x(i.rm()));
    let value = l.b.bin(op, i.width(), a, b);
    l.set_x(i.rd(), value);
}

/// Instructions of one operand that are one op: RBIT, REV, CLZ, CTZ, CNT.
pub fn unary(l: &mut Lift, i: Insn, op: UnOp) {
    let a = l.x(i.rn());
    let value = l.b.un(op, i.width(), a);
    l.set_x(i.rd(), value);
}

/// REV16: the bytes of each halfword change places.
pub fn rev16(l: &mut Lift, i: Insn) {
    let w = i.width();
    let a = l.x(i.rn());
    const LOW: u64 = 0x00ff_00ff_00ff_00ff;
    let high = l.b.bin_imm(BinOp::ShrU, w, a, 8);
    let high = l.b.bin_imm(BinOp::And, w, high, LOW);
    let low = l.b.bin_imm(BinOp::And, w, a, LOW);
    let low = l.b.bin_imm(BinOp::Shl, w, low, 8);
    let value = l.b.bin(BinOp::Or, w, high, low);
    l.set_x(i.rd(), value);
}

/// REV32 of 64 bits: the bytes of each word in reverse order.
pub fn rev32(l: &mut Lift, i: Insn) {
    let a = l.x(i.rn());
    let swapped = l.b.un64(UnOp::Bswap, a);
    let value = l.b.bin_imm(BinOp::RotR, Width::W64, swapped, 32);
    l.set_x(i.rd(), value);
}

/// CLS: how many bits below the sign are equal to it.
pub fn cls(l: &mut Lift, i: Insn) {
    let w = i.width();
    let a = l.x(i.rn());
    let halved = l.b.bin_imm(BinOp::ShrS, w, a, 1);
    let differ = l.b.bin(BinOp::Xor, w, a, halved);
    let zeros = l.b.un(UnOp::Clz, w, differ);
    let value = l.b.bin_imm(BinOp::Sub, w, zeros, 1);
    l.set_x(i.rd(), value);
}

/// ABS (FEAT_CSSC).
pub fn abs(l: &mut Lift, i: Insn) {
    let w = i.width();
    let a = l.x(i.rn());
    let negated = l.b.un(UnOp::Neg, w, a);
    let negative = l.b.cmp_imm(Cond::LtS, w, a, 0);
    let a = l.cut(w, a);
    let value = l.b.select(negative, negated, a);
    l.set_x(i.rd(), value);
}

/// MADD, MSUB.
pub fn multiply_add(l: &mut Lift, i: Insn, op: BinOp) {
    let w = i.width();
    let (a, b) = (l.x(i.rn()), l.x(i.rm()));
    let product = l.b.bin(BinOp::Mul, w, a, b);
    let value = accumulate(l, i, op, w, product);
    l.set_x(i.rd(), value);
}

/// SMADDL, SMSUBL, UMADDL, UMSUBL.
pub fn multiply_add_long(l: &mut Lift, i: Insn, op: BinOp, extend: UnOp) {
    let (a, b) = (l.x(i.rn()), l.x(i.rm()));
    let (a, b) = (l.b.un64(extend, a), l.b.un64(extend, b));
    let product = l.b.bin(BinOp::Mul, Width::W64, a, b);
    let value = accumulate(l, i, op, Width::W64, product);
    l.set_x(i.rd(), value);
}

fn accumulate(l: &mut Lift, i: Insn, op: BinOp, w: Width, product: Val) -> Val {
    match (i.ra(), op) {
        (31, BinOp::Add) => product,
        (31, _) => l.b.un(UnOp::Neg, w, product),
        (n, _) => {
            let addend = l.x(n);
            l.b.bin(op, w, addend, product)
        }
    }
}

/// SMULH, UMULH.
pub fn multiply_high(l: &mut Lift, i: Insn, op: BinOp) {
    let (a, b) = (l.x(i.rn()), l.x(i.rm()));
    let value = l.b.bin(op, Width::W64, a, b);
    l.set_x(i.rd(), value);
}

/// CRC32B to CRC32X and, when `castagnoli`, CRC32CB to CRC32CX.
pub fn crc32(l: &mut Lift, i: Insn, castagnoli: bool) {
    let (accumulator, value) = (l.x(i.rn()), l.x(i.rm()));
    let bytes = 1 << i.bits(11, 10);
    let what = l.b.const_(bytes | u64::from(castagnoli) << 8);
    let value = l.b.call(helpers::CRC32, Effects::PURE, &[accumulator, value, what]);
    l.set_x(i.rd(), value);
}

/// PACIA and kin and, when `authenticate`, AUTIA and kin; `zero` tells those whose modifier is zero.
pub fn pointer_auth(l: &mut Lift, i: Insn, authenticate: bool, key: u8, zero: bool) {
    let modifier = if zero { l.b.const_(0) } else { l.x_or_sp(i.rn()) };
    l.sign_or_authenticate(i.rd(), modifier, authenticate, key);
}

/// XPACI, XPACD.
pub fn strip(l: &mut Lift, i: Insn, data: bool) {
    l.strip_pointer(i.rd(), data);
}

/// PACGA.
pub fn pacga(l: &mut Lift, i: Insn) {
    let (a, modifier) = (l.x(i.rn()), l.x_or_sp(i.rm()));
    let value = l.call(helpers::PACGA, &[a, modifier]);
    l.set_x(i.rd(), value);
}

impl Lift<'_> {
    /// Replaces the pointer in a register by the signed or authenticated one, if the key is enabled.
    pub fn sign_or_authenticate(&mut self, n: u32, modifier: Val, authenticate: bool, key: u8) {
        let pointer = self.x(n);
        let value = if authenticate {
            self.authenticated(pointer, modifier, key, 0)
        } else if self.mode.pauth >> key & 1 != 0 {
            let key = self.b.const_(u64::from(key));
            self.call(helpers::PAC, &[pointer, modifier, key])
        } else {
            return;
        };
        self.set_x(n, value);
    }

    /// The pointer authenticated, if the key is enabled; `more` is 0 or [`COMBINED`](super::pauth::COMBINED).
    pub fn authenticated(&mut self, pointer: Val, modifier: Val, key: u8, more: u64) -> Val {
        if self.mode.pauth >> key & 1 == 0 {
            return pointer;
        }
        let key = self.b.const_(u64::from(key) | more);
        self.call(helpers::AUT, &[pointer, modifier, key])
    }

    /// Strips the authentication code from the pointer in a register.
    pub fn strip_pointer(&mut self, n: u32, data: bool) {
        let pointer = self.x(n);
        let data = self.b.const_(u64::from(data));
        let value = self.call(helpers::XPAC, &[pointer, data]);
        self.set_x(n, value);
    }
}
