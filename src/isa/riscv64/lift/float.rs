//! F, D, Zfh, Zfhmin, Zfa: floats. Registers are 64 bits wide and hold narrower floats NaN-boxed.
//!
//! That `mstatus.FS` is not Off and that the rounding mode is valid has been checked before these are called.

use super::{Insn, Lift};
use crate::float::{self, Format, Round, Rules};
use crate::ir::{BinOp, Effects, FloatCond, FloatOp, FloatToInt, IntToFloat, MemSize, Type, UnOp, Val, Width};
use crate::isa::riscv64::{helpers, regs};

/// Note on a block: `mstatus.FS` has been set to Dirty in it.
const MARKED_DIRTY: u32 = 1;

impl Lift<'_> {
    /// The float in a register.
    fn f(&mut self, fmt: Format, n: u32) -> Val {
        let register = self.f_bits(n, Type::Float);
        self.b.unbox(fmt, register)
    }

    /// All bits of a float register.
    fn f_bits(&mut self, n: u32, ty: Type) -> Val {
        self.b.get(regs::f(n), ty)
    }

    /// A float register takes a float.
    fn set_f(&mut self, fmt: Format, n: u32, value: Val) {
        self.mark_dirty();
        let boxed = self.b.box_(fmt, value);
        self.b.set(regs::f(n), boxed);
    }

    /// Sets `mstatus.FS` to Dirty: float registers or flags change. Once a block is enough.
    fn mark_dirty(&mut self) {
        if !self.mode.float_dirty && self.b.notes & MARKED_DIRTY == 0 {
            self.b.notes |= MARKED_DIRTY;
            self.b.call(helpers::FLOAT_DIRTY, Effects { reads: true, writes: true, traps: false }, &[]);
        }
    }
}

fn size(fmt: Format) -> MemSize {
    match fmt {
        Format::F16 | Format::AltF16 | Format::BF16 => MemSize::B2,
        Format::F32 => MemSize::B4,
        Format::F64 => MemSize::B8,
    }
}

/// FLH, FLW, FLD.
pub fn load(l: &mut Lift, i: Insn, fmt: Format) {
    let base = l.x(i.rs1);
    let value = l.b.load_float(size(fmt), base, i.imm as i32);
    l.set_f(fmt, i.rd, value);
}

/// FSH, FSW, FSD: the low bits, NaN-boxed or not.
pub fn store(l: &mut Lift, i: Insn, fmt: Format) {
    let (base, value) = (l.x(i.rs1), l.f_bits(i.rs2, Type::Float));
    l.b.store(size(fmt), base, i.imm as i32, value);
}

/// Two-operand arithmetic.
pub fn arith(l: &mut Lift, i: Insn, fmt: Format, op: FloatOp) {
    let (a, b) = (l.f(fmt, i.rs1), l.f(fmt, i.rs2));
    let value = l.b.float(op, fmt, l.rounding, a, b, Val::NONE);
    l.set_f(fmt, i.rd, value);
}

/// FSQRT, FROUND, FROUNDNX.
pub fn unary(l: &mut Lift, i: Insn, fmt: Format, op: FloatOp) {
    let a = l.f(fmt, i.rs1);
    let value = l.b.float(op, fmt, l.rounding, a, Val::NONE, Val::NONE);
    l.set_f(fmt, i.rd, value);
}

/// FMADD, FMSUB, FNMSUB, FNMADD. Negating an operand negates the product exactly, and what NaNs come of it are
/// canonical anyway.
pub fn fused(l: &mut Lift, i: Insn, fmt: Format, negate_product: bool, negate_addend: bool) {
    let (mut a, b, mut c) = (l.f(fmt, i.rs1), l.f(fmt, i.rs2), l.f(fmt, i.rs3()));
    if negate_product {
        a = without_rounding(l, FloatOp::Neg, fmt, a, Val::NONE);
    }
    if negate_addend {
        c = without_rounding(l, FloatOp::Neg, fmt, c, Val::NONE);
    }
    let value = l.b.float(FloatOp::Fma, fmt, l.rounding, a, b, c);
    l.set_f(fmt, i.rd, value);
}

/// An op that rounds nothing.
fn without_rounding(l: &mut Lift, op: FloatOp, fmt: Format, a: Val, b: Val) -> Val {
    l.b.float(op, fmt, Round::NearestEven, a, b, Val::NONE)
}

/// FSGNJ; with equal operands, FMV.
pub fn sign_inject(l: &mut Lift, i: Insn, fmt: Format) {
    let a = l.f(fmt, i.rs1);
    let value = if i.rs1 == i.rs2 {
        a
    } else {
        let b = l.f(fmt, i.rs2);
        without_rounding(l, FloatOp::CopySign, fmt, a, b)
    };
    l.set_f(fmt, i.rd, value);
}

/// FSGNJN; with equal operands, FNEG.
pub fn sign_inject_not(l: &mut Lift, i: Insn, fmt: Format) {
    let a = l.f(fmt, i.rs1);
    let value = if i.rs1 == i.rs2 {
        without_rounding(l, FloatOp::Neg, fmt, a, Val::NONE)
    } else {
        let b = l.f(fmt, i.rs2);
        let b = without_rounding(l, FloatOp::Neg, fmt, b, Val::NONE);
        without_rounding(l, FloatOp::CopySign, fmt, a, b)
    };
    l.set_f(fmt, i.rd, value);
}

/// FSGNJX; with equal operands, FABS.
pub fn sign_inject_xor(l: &mut Lift, i: Insn, fmt: Format) {
    let a = l.f(fmt, i.rs1);
    let value = if i.rs1 == i.rs2 {
        without_rounding(l, FloatOp::Abs, fmt, a, Val::NONE)
    } else {
        let b = l.f(fmt, i.rs2);
        let (a, b) = (l.b.cast(Type::Int, a), l.b.cast(Type::Int, b));
        let sign = l.b.and_imm(b, fmt.sign_bit());
        let bits = l.b.bin(BinOp::Xor, Width::W64, a, sign);
        l.b.cast(Type::Float, bits)
    };
    l.set_f(fmt, i.rd, value);
}

/// FEQ, FLT, FLE, FLTQ, FLEQ.
pub fn compare(l: &mut Lift, i: Insn, fmt: Format, cond: FloatCond) {
    let (a, b) = (l.f(fmt, i.rs1), l.f(fmt, i.rs2));
    let value = l.b.float_cmp(cond, fmt, a, b);
    l.mark_dirty();
    l.set_x(i.rd, value);
}

/// FCLASS.
pub fn class(l: &mut Lift, i: Insn, fmt: Format) {
    let a = l.f(fmt, i.rs1);
    let value = l.b.float_class(fmt, a);
    l.set_x(i.rd, value);
}

/// FCVT to an integer, FCVTMOD.W.D. Words are sign-extended, the unsigned ones too.
pub fn to_int(l: &mut Lift, i: Insn, fmt: Format, to: FloatToInt) {
    let a = l.f(fmt, i.rs1);
    let value = l.b.float_to_int(fmt, to, l.rounding, a);
    l.mark_dirty();
    let value = match to {
        FloatToInt::I32 | FloatToInt::U32 | FloatToInt::Mod32 => l.b.sext32(value),
        FloatToInt::I64 | FloatToInt::U64 => value,
    };
    l.set_x(i.rd, value);
}

/// FCVT from an integer.
pub fn from_int(l: &mut Lift, i: Insn, fmt: Format, from: IntToFloat) {
    let a = l.x(i.rs1);
    let value = l.b.int_to_float(from, fmt, l.rounding, a);
    l.set_f(fmt, i.rd, value);
}

/// FCVT between formats.
pub fn convert(l: &mut Lift, i: Insn, from: Format, to: Format) {
    let a = l.f(from, i.rs1);
    let value = l.b.float_convert(from, to, l.rounding, a);
    l.set_f(to, i.rd, value);
}

/// FMV.X.H, FMV.X.W, FMV.X.D: the low bits, NaN-boxed or not, sign-extended.
pub fn move_to_x(l: &mut Lift, i: Insn, fmt: Format) {
    let bits = l.f_bits(i.rs1, Type::Int);
    let value = match fmt {
        Format::F16 | Format::AltF16 | Format::BF16 => l.b.un64(UnOp::Sext16, bits),
        Format::F32 => l.b.sext32(bits),
        Format::F64 => bits,
    };
    l.set_x(i.rd, value);
}

/// FMV.H.X, FMV.W.X, FMV.D.X.
pub fn move_from_x(l: &mut Lift, i: Insn, fmt: Format) {
    let bits = l.x(i.rs1);
    let low = match fmt {
        Format::F16 | Format::AltF16 | Format::BF16 => l.b.un64(UnOp::Zext16, bits),
        Format::F32 => l.b.un64(UnOp::Zext32, bits),
        Format::F64 => bits,
    };
    let value = l.b.cast(Type::Float, low);
    l.set_f(fmt, i.rd, value);
}

/// What FLI loads, as doubles; number 1 is the smallest normal number of the format.
pub const IMMEDIATES: [f64; 32] = [
    -1.0,
    f64::MIN_POSITIVE,
    1.0 / 65536.0,
    1.0 / 32768.0,
    1.0 / 256.0,
    1.0 / 128.0,
    0.0625,
    0.125,
    0.25,
    0.3125,
    0.375,
    0.4375,
    0.5,
    0.625,
    0.75,
    0.875,
    1.0,
    1.25,
    1.5,
    1.75,
    2.0,
    2.5,
    3.0,
    4.0,
    8.0,
    16.0,
    128.0,
    256.0,
    32768.0,
    65536.0,
    f64::INFINITY,
    f64::NAN,
];

/// FLI. In half precision 65536 is infinity.
pub fn load_immediate(l: &mut Lift, i: Insn, fmt: Format) {
    let bits = match i.rs1 {
        1 => 1 << fmt.frac_bits(),
        n => {
            let double = IMMEDIATES[n as usize].to_bits();
            float::convert(Format::F64, fmt, &Rules::RISCV, Round::NearestEven, double).0
        }
    };
    let bits = l.b.const_(bits);
    let value = l.b.cast(Type::Float, bits);
    l.set_f(fmt, i.rd, value);
}
