//! Flags and conditions.
//!
//! The slots of the flags hold them so that setting costs little (see [`regs`]): a result serves as N and Z as it is.
//! A condition behind a subtraction in the same block becomes one comparison of the operands.

use super::{FLAGS_OF_SUB, Insn, Lift};
use crate::ir::{BinOp, Cond, Op, Type, UnOp, Val, Width};
use crate::isa::aarch64::regs;

/// What N, Z, C, V hold, as their slots do.
pub type Flags = [Val; 4];

impl Lift<'_> {
    /// The flags take values.
    pub fn set_flags(&mut self, [n, z, c, v]: Flags) {
        self.b.set(regs::FLAG_N, n);
        self.b.set(regs::FLAG_Z, z);
        self.b.set(regs::FLAG_C, c);
        self.b.set(regs::FLAG_V, v);
        self.b.notes &= !FLAGS_OF_SUB;
    }

    /// The flags.
    pub fn flags(&mut self) -> Flags {
        [regs::FLAG_N, regs::FLAG_Z, regs::FLAG_C, regs::FLAG_V].map(|slot| self.b.get(slot, Type::Int))
    }

    /// The flags that `nzcv`, a number of four bits, stands for.
    pub fn constant_flags(&mut self, nzcv: u32) -> Flags {
        regs::unpack_nzcv(u64::from(nzcv) << 28).map(|flag| self.b.const_(flag))
    }

    /// The flags of a logical result.
    pub fn flags_of_logic(&mut self, w: Width, result: Val) -> Flags {
        let n = self.signed(w, result);
        let zero = self.b.const_(0);
        [n, n, zero, zero]
    }

    /// A sum and its flags.
    pub fn add_with_flags(&mut self, w: Width, a: Val, b: Val) -> (Val, Flags) {
        let result = self.b.bin(BinOp::Add, w, a, b);
        let n = self.signed(w, result);
        let carry = self.b.cmp(Cond::LtU, w, result, a);
        let overflow = self.overflow(w, a, b, result, false);
        (result, [n, n, carry, overflow])
    }

    /// A difference and its flags.
    pub fn sub_with_flags(&mut self, w: Width, a: Val, b: Val) -> (Val, Flags) {
        let result = self.b.bin(BinOp::Sub, w, a, b);
        let n = self.signed(w, result);
        let carry = self.b.cmp(Cond::GeU, w, a, b);
        let overflow = self.overflow(w, a, b, result, true);
        (result, [n, n, carry, overflow])
    }

    /// `a + b + carry` and its flags.
    pub fn adc_with_flags(&mut self, w: Width, a: Val, b: Val, carry: Val) -> (Val, Flags) {
        let sum = self.b.bin(BinOp::Add, w, a, b);
        let result = self.b.bin(BinOp::Add, w, sum, carry);
        let n = self.signed(w, result);
        // Only one of the two additions can carry.
        let first = self.b.cmp(Cond::LtU, w, sum, a);
        let second = self.b.cmp(Cond::LtU, w, result, sum);
        let carry = self.b.bin(BinOp::Or, Width::W64, first, second);
        let overflow = self.overflow(w, a, b, result, false);
        (result, [n, n, carry, overflow])
    }

    /// Signed overflow of a sum or difference, in bit 63.
    fn overflow(&mut self, w: Width, a: Val, b: Val, result: Val, subtract: bool) -> Val {
        let from_a = self.b.bin(BinOp::Xor, Width::W64, a, result);
        let from_b = self.b.bin(BinOp::Xor, Width::W64, if subtract { a } else { result }, b);
        let overflow = self.b.bin(BinOp::And, Width::W64, from_a, from_b);
        match w {
            Width::W32 => self.b.bin_imm(BinOp::Shl, Width::W64, overflow, 32),
            Width::W64 => overflow,
        }
    }

    /// The flags take those of a difference; conditions in this block need not look at them.
    pub fn set_flags_of_sub(&mut self, flags: Flags) {
        self.set_flags(flags);
        self.b.notes |= FLAGS_OF_SUB;
    }

    /// 1 when condition `cond` of four bits holds, else 0.
    pub fn condition(&mut self, cond: u32) -> Val {
        if cond >> 1 == 7 {
            return self.b.const_(1);
        }
        if let Some(value) = self.condition_of_sub(cond) {
            return value;
        }
        let [n, z, c, v] = self.flags();
        let is = |negated, when, unless| if cond & 1 == negated { when } else { unless };
        let and = BinOp::And;
        match cond >> 1 {
            0 => self.b.cmp_imm(is(0, Cond::Eq, Cond::Ne), Width::W64, z, 0),
            1 => self.b.bin_imm(BinOp::Xor, Width::W64, c, u64::from(cond & 1)),
            2 => self.b.cmp_imm(is(0, Cond::LtS, Cond::GeS), Width::W64, n, 0),
            3 => self.b.cmp_imm(is(0, Cond::LtS, Cond::GeS), Width::W64, v, 0),
            4 => {
                let nonzero = self.b.cmp_imm(Cond::Ne, Width::W64, z, 0);
                let higher = self.b.bin(and, Width::W64, c, nonzero);
                self.b.bin_imm(BinOp::Xor, Width::W64, higher, u64::from(cond & 1))
            }
            5 => {
                let less = self.b.bin(BinOp::Xor, Width::W64, n, v);
                self.b.cmp_imm(is(0, Cond::GeS, Cond::LtS), Width::W64, less, 0)
            }
            _ => {
                let less = self.b.bin(BinOp::Xor, Width::W64, n, v);
                let not_less = self.b.cmp_imm(Cond::GeS, Width::W64, less, 0);
                let nonzero = self.b.cmp_imm(Cond::Ne, Width::W64, z, 0);
                let greater = self.b.bin(and, Width::W64, not_less, nonzero);
                self.b.bin_imm(BinOp::Xor, Width::W64, greater, u64::from(cond & 1))
            }
        }
    }

    /// The condition as a comparison of what was subtracted, when the block knows that.
    fn condition_of_sub(&mut self, cond: u32) -> Option<Val> {
        if self.b.notes & FLAGS_OF_SUB == 0 {
            return None;
        }
        let carry = self.b.get(regs::FLAG_C, Type::Int);
        let Op::Cmp { cond: Cond::GeU, w, a, b } = self.b.op(carry) else { return None };
        let compare = match cond {
            0 => Cond::Eq,
            1 => Cond::Ne,
            2 => Cond::GeU,
            3 => Cond::LtU,
            8 => Cond::GtU,
            9 => Cond::LeU,
            10 => Cond::GeS,
            11 => Cond::LtS,
            12 => Cond::GtS,
            13 => Cond::LeS,
            _ => return None,
        };
        Some(self.b.cmp(compare, w, a, b))
    }

    /// `value` with bit `from` in bit 63.
    fn at_sign(&mut self, value: Val, from: u32) -> Val {
        self.b.bin_imm(BinOp::Shl, Width::W64, value, u64::from(63 - from))
    }

    /// PSTATE.NZCV as the register has it.
    pub fn nzcv(&mut self) -> Val {
        let [n, z, c, v] = self.flags();
        let n = self.b.bin_imm(BinOp::ShrU, Width::W64, n, 63);
        let n = self.b.bin_imm(BinOp::Shl, Width::W64, n, 31);
        let z = self.b.cmp_imm(Cond::Eq, Width::W64, z, 0);
        let z = self.b.bin_imm(BinOp::Shl, Width::W64, z, 30);
        let c = self.b.bin_imm(BinOp::Shl, Width::W64, c, 29);
        let v = self.b.bin_imm(BinOp::ShrU, Width::W64, v, 63);
        let v = self.b.bin_imm(BinOp::Shl, Width::W64, v, 28);
        let nz = self.b.bin(BinOp::Or, Width::W64, n, z);
        let cv = self.b.bin(BinOp::Or, Width::W64, c, v);
        self.b.bin(BinOp::Or, Width::W64, nz, cv)
    }

    /// PSTATE.NZCV takes the register's form.
    pub fn set_nzcv(&mut self, value: Val) {
        let n = self.at_sign(value, 31);
        let z = self.b.and_imm(value, 1 << 30);
        let z = self.b.cmp_imm(Cond::Eq, Width::W64, z, 0);
        let c = self.b.bin_imm(BinOp::ShrU, Width::W64, value, 29);
        let c = self.b.and_imm(c, 1);
        let v = self.at_sign(value, 28);
        self.set_flags([n, z, c, v]);
    }
}

/// CFINV.
pub fn cfinv(l: &mut Lift, _: Insn) {
    let [n, z, c, v] = l.flags();
    let c = l.b.bin_imm(BinOp::Xor, Width::W64, c, 1);
    l.set_flags([n, z, c, v]);
}

/// XAFLAG: from the form of another ISA's float comparisons to Arm's.
pub fn xaflag(l: &mut Lift, _: Insn) {
    let [_, z, c, _] = l.flags();
    let zero = l.b.cmp_imm(Cond::Eq, Width::W64, z, 0);
    let not_c = l.b.bin_imm(BinOp::Xor, Width::W64, c, 1);
    let not_z = l.b.bin_imm(BinOp::Xor, Width::W64, zero, 1);
    let n = l.b.bin(BinOp::And, Width::W64, not_c, not_z);
    let n = l.at_sign(n, 0);
    let z_and_c = l.b.bin(BinOp::And, Width::W64, zero, c);
    let new_z = l.b.bin_imm(BinOp::Xor, Width::W64, z_and_c, 1);
    let new_c = l.b.bin(BinOp::Or, Width::W64, c, zero);
    let v = l.b.bin(BinOp::And, Width::W64, not_c, zero);
    let v = l.at_sign(v, 0);
    l.set_flags([n, new_z, new_c, v]);
}

/// AXFLAG: the reverse.
pub fn axflag(l: &mut Lift, _: Insn) {
    let [_, z, c, v] = l.flags();
    let zero = l.b.cmp_imm(Cond::Eq, Width::W64, z, 0);
    let v = l.b.bin_imm(BinOp::ShrU, Width::W64, v, 63);
    let z_or_v = l.b.bin(BinOp::Or, Width::W64, zero, v);
    let new_z = l.b.bin_imm(BinOp::Xor, Width::W64, z_or_v, 1);
    let new_c = l.b.bin(BinOp::AndNot, Width::W64, c, v);
    let none = l.b.const_(0);
    l.set_flags([none, new_z, new_c, none]);
}

/// RMIF: rotates a register and inserts bits 3:0 into the flags that the mask names.
pub fn rmif(l: &mut Lift, i: Insn) {
    let a = l.x(i.rn());
    let rotated = l.b.bin_imm(BinOp::RotR, Width::W64, a, u64::from(i.bits(20, 15)));
    let mut flags = l.flags();
    let mask = i.bits(3, 0);
    if mask & 8 != 0 {
        flags[0] = l.at_sign(rotated, 3);
    }
    if mask & 4 != 0 {
        let z = l.b.and_imm(rotated, 4);
        flags[1] = l.b.cmp_imm(Cond::Eq, Width::W64, z, 0);
    }
    if mask & 2 != 0 {
        let c = l.b.bin_imm(BinOp::ShrU, Width::W64, rotated, 1);
        flags[2] = l.b.and_imm(c, 1);
    }
    if mask & 1 != 0 {
        flags[3] = l.at_sign(rotated, 0);
    }
    l.set_flags(flags);
}

/// SETF8, SETF16.
pub fn setf(l: &mut Lift, i: Insn, bits: u32) {
    let a = l.x(i.rn());
    let c = l.b.get(regs::FLAG_C, Type::Int);
    let n = l.at_sign(a, bits - 1);
    let z = l.b.and_imm(a, (1 << bits) - 1);
    let carry_out = l.at_sign(a, bits);
    let v = l.b.bin(BinOp::Xor, Width::W64, n, carry_out);
    l.set_flags([n, z, c, v]);
}

/// CCMP, CCMN, with a register or an immediate.
pub fn conditional_compare(l: &mut Lift, i: Insn, subtract: bool, immediate: bool) {
    let w = i.width();
    let holds = l.condition(i.bits(15, 12));
    let a = l.x(i.rn());
    let b = if immediate { l.b.const_(u64::from(i.rm())) } else { l.x(i.rm()) };
    let (_, when) = if subtract { l.sub_with_flags(w, a, b) } else { l.add_with_flags(w, a, b) };
    let unless = l.constant_flags(i.bits(3, 0));
    let mut flags = when;
    for (flag, unless) in flags.iter_mut().zip(unless) {
        *flag = l.b.select(holds, *flag, unless);
    }
    l.set_flags(flags);
}

/// CSEL, CSINC, CSINV, CSNEG: what is done to the second operand when the condition fails.
pub fn select(l: &mut Lift, i: Insn, change: Change) {
    let w = i.width();
    let holds = l.condition(i.bits(15, 12));
    let (a, b) = (l.x(i.rn()), l.x(i.rm()));
    let changed = match change {
        Change::None => l.cut(w, b),
        Change::Increment => l.b.bin_imm(BinOp::Add, w, b, 1),
        Change::Invert => l.b.un(UnOp::Not, w, b),
        Change::Negate => l.b.un(UnOp::Neg, w, b),
    };
    // CSET and CSETM are the common uses.
    let value = if i.rn() == 31 && i.rm() == 31 && change == Change::Increment {
        l.b.bin_imm(BinOp::Xor, Width::W64, holds, 1)
    } else {
        let a = l.cut(w, a);
        l.b.select(holds, a, changed)
    };
    l.set_x(i.rd(), value);
}

/// See [`select`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// One is added.
    Increment,
    /// It is complemented.
    Invert,
    /// It is negated.
    Negate,
}

/// MRS of NZCV.
pub fn mrs_nzcv(l: &mut Lift, i: Insn) {
    let value = l.nzcv();
    l.set_x(i.rd(), value);
}

/// MSR to NZCV.
pub fn msr_nzcv(l: &mut Lift, i: Insn) {
    let value = l.x(i.rd());
    l.set_nzcv(value);
}
