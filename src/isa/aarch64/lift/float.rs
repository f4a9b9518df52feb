//! Scalar floats: moves, arithmetic, comparisons. A result clears the rest of its vector register.

use super::flags::Flags;
use super::{Insn, Lift};
use crate::float::{Format, Round};
use crate::ir::{BinOp, Effects, FloatCond, FloatOp, Op, Type, UnOp, Val, Width};
use crate::isa::aarch64::flags::Kind;
use crate::isa::aarch64::simd::alternate::{Gives, gives, is_javascript};
use crate::isa::aarch64::{calls, helpers, regs};

/// What the helpers that compute floats do beside that: they raise flags, which are in no slot.
pub const RAISES: Effects = Effects { reads: true, writes: false, traps: false };

/// The type in bits 23:22.
pub fn format(i: Insn) -> Format {
    match i.bits(23, 22) {
        0 => Format::F32,
        1 => Format::F64,
        _ => Format::F16,
    }
}

impl Lift<'_> {
    /// The bits of a float register in `fmt`, as an integer without anything above them.
    pub fn f_bits(&mut self, fmt: Format, n: u32) -> Val {
        let low = self.b.get(regs::v_low(n), Type::Int);
        match fmt {
            Format::F64 => low,
            Format::F32 => self.b.un64(UnOp::Zext32, low),
            Format::F16 | Format::AltF16 | Format::BF16 => self.b.un64(UnOp::Zext16, low),
        }
    }

    /// The float in a register. What stands above it is cut off, unless the block just made it.
    pub fn f(&mut self, fmt: Format, n: u32) -> Val {
        let value = self.b.get(regs::v_low(n), Type::Float);
        if fmt == Format::F64 || self.is_of(fmt, value) {
            return value;
        }
        let bits = self.f_bits(fmt, n);
        self.b.cast(Type::Float, bits)
    }

    /// Whether a value is a float of `fmt` by the op that made it.
    fn is_of(&self, fmt: Format, value: Val) -> bool {
        match self.b.op(value) {
            Op::Float { fmt: made, .. } | Op::FloatConvert { to: made, .. } | Op::IntToFloat { to: made, .. } => {
                made == fmt
            }
            Op::Load { mem, ty: Type::Float, .. } => u32::from(mem.size.bytes()) * 8 <= bits_of(fmt),
            _ => false,
        }
    }

    /// A float register takes a float (or its bits), zeros above it.
    pub fn set_f(&mut self, n: u32, value: Val) {
        self.b.set(regs::v_low(n), value);
        let zero = self.b.const_(0);
        self.b.set(regs::v_high(n), zero);
    }

    /// Whether half precision flushes otherwise than the rest, so that a helper computes it.
    pub fn half_differs(&self, fmt: Format) -> bool {
        fmt == Format::F16 && self.mode.rules().flush_inputs != self.mode.half_rules().flush_inputs
    }

    /// A float op.
    fn float_op(&mut self, op: FloatOp, fmt: Format, a: Val, b: Val, c: Val) -> Val {
        let rm = self.mode.rounding();
        self.float_op_rounded(op, fmt, rm, a, b, c)
    }

    fn float_op_rounded(&mut self, op: FloatOp, fmt: Format, rm: Round, a: Val, b: Val, c: Val) -> Val {
        if self.half_differs(fmt) {
            let value = self.half_op(calls::HalfOp::Compute { op, rm }, [a, b, c]);
            return self.b.cast(Type::Float, value);
        }
        self.b.float(op, fmt, rm, a, b, c)
    }

    /// Has a helper compute a half-precision op.
    pub fn half_op(&mut self, op: calls::HalfOp, operands: [Val; 3]) -> Val {
        let mut all = self.b.const_(0);
        for (n, value) in operands.into_iter().enumerate().filter(|(_, value)| *value != Val::NONE) {
            let bits = self.b.cast(Type::Int, value);
            let bits = self.b.un64(UnOp::Zext16, bits);
            let bits = self.b.bin_imm(BinOp::Shl, Width::W64, bits, 16 * n as u64);
            all = self.b.bin(BinOp::Or, Width::W64, all, bits);
        }
        let op = self.b.const_(op.encode());
        self.b.call(helpers::FLOAT_HALF, RAISES, &[op, all])
    }

    fn negated(&mut self, fmt: Format, a: Val) -> Val {
        self.b.float(FloatOp::Neg, fmt, Round::NearestEven, a, Val::NONE, Val::NONE)
    }
}

const fn bits_of(fmt: Format) -> u32 {
    1 + fmt.exp_bits() + fmt.frac_bits()
}

/// Any instruction that FPCR has a part in, where FPCR.AH, FIZ or NEP is set: a helper executes it.
pub fn alternate(l: &mut Lift, i: Insn) {
    let bits = l.bits();
    let none = l.b.const_(0);
    match gives(i.0) {
        Gives::Vector { from_x } => {
            let operand = if from_x { l.x(i.rn()) } else { none };
            l.b.call(helpers::FLOAT_ALTERNATE, Effects { traps: false, ..Effects::ANY }, &[bits, operand]);
        }
        Gives::General => {
            let value = l.b.call(helpers::FLOAT_ALTERNATE, RAISES, &[bits, none]);
            if is_javascript(i.0) {
                let lost = l.b.bin_imm(BinOp::ShrU, Width::W64, value, 32);
                l.set_flags_of_logic(Width::W64, lost);
            }
            let value = l.cut(i.width(), value);
            l.set_x(i.rd(), value);
        }
        Gives::Flags { conditional } => {
            let holds = if conditional { l.condition(i.bits(15, 12)) } else { none };
            let nzcv = l.b.call(helpers::FLOAT_ALTERNATE, RAISES, &[bits, holds]);
            let flags = Flags { kind: Kind::Known, a: nzcv, b: nzcv };
            if conditional {
                l.set_flags_if(holds, flags, i.bits(3, 0));
            } else {
                l.set_flags(flags);
            }
        }
    }
}

/// FADD, FSUB, FMUL, FDIV, FMAX, FMIN, FMAXNM, FMINNM.
pub fn arith(l: &mut Lift, i: Insn, op: FloatOp) {
    let fmt = format(i);
    let (a, b) = (l.f(fmt, i.rn()), l.f(fmt, i.rm()));
    let value = l.float_op(op, fmt, a, b, Val::NONE);
    l.set_f(i.rd(), value);
}

/// FNMUL: the product, NaN or not, with its sign inverted.
pub fn nmul(l: &mut Lift, i: Insn) {
    let fmt = format(i);
    let (a, b) = (l.f(fmt, i.rn()), l.f(fmt, i.rm()));
    let product = l.float_op(FloatOp::Mul, fmt, a, b, Val::NONE);
    let value = l.negated(fmt, product);
    l.set_f(i.rd(), value);
}

/// FSQRT.
pub fn sqrt(l: &mut Lift, i: Insn) {
    let fmt = format(i);
    let a = l.f(fmt, i.rn());
    let value = l.float_op(FloatOp::Sqrt, fmt, a, Val::NONE, Val::NONE);
    l.set_f(i.rd(), value);
}

/// FRINTN and kin: with the given direction, or FPCR's.
pub fn round(l: &mut Lift, i: Insn, rm: Option<Round>, exact: bool) {
    let fmt = format(i);
    let a = l.f(fmt, i.rn());
    let rm = rm.unwrap_or(l.mode.rounding());
    let value = l.float_op_rounded(FloatOp::RoundInt { exact }, fmt, rm, a, Val::NONE, Val::NONE);
    l.set_f(i.rd(), value);
}

/// FMADD, FMSUB, FNMADD, FNMSUB: operands are negated first, NaN or not.
pub fn fused(l: &mut Lift, i: Insn, negate_product: bool, negate_addend: bool) {
    let fmt = format(i);
    let (mut a, b, mut c) = (l.f(fmt, i.rn()), l.f(fmt, i.rm()), l.f(fmt, i.ra()));
    if negate_product {
        a = l.negated(fmt, a);
    }
    if negate_addend {
        c = l.negated(fmt, c);
    }
    let value = l.float_op(FloatOp::Fma, fmt, a, b, c);
    l.set_f(i.rd(), value);
}

/// FMOV between float registers.
pub fn move_float(l: &mut Lift, i: Insn) {
    let value = l.f(format(i), i.rn());
    l.set_f(i.rd(), value);
}

/// FABS, FNEG.
pub fn sign(l: &mut Lift, i: Insn, op: FloatOp) {
    let fmt = format(i);
    let a = l.f(fmt, i.rn());
    let value = l.b.float(op, fmt, Round::NearestEven, a, Val::NONE, Val::NONE);
    l.set_f(i.rd(), value);
}

/// The number that `imm8` stands for in `fmt`.
pub const fn immediate(fmt: Format, imm8: u32) -> u64 {
    let imm8 = imm8 as u64;
    // The sign, then the exponent: bit 6 inverted, bit 6 many times, bits 5:4; then four bits of fraction.
    let repeated = if imm8 & 0x40 != 0 { (1u64 << (fmt.exp_bits() - 3)) - 1 } else { 0 };
    let exponent = (imm8 >> 6 & 1 ^ 1) << (fmt.exp_bits() - 1) | repeated << 2 | imm8 >> 4 & 3;
    (imm8 >> 7) << (fmt.exp_bits() + fmt.frac_bits())
        | exponent << fmt.frac_bits()
        | (imm8 & 15) << (fmt.frac_bits() - 4)
}

/// FMOV (immediate).
pub fn move_immediate(l: &mut Lift, i: Insn) {
    let value = l.b.const_(immediate(format(i), i.bits(20, 13)));
    l.set_f(i.rd(), value);
}

/// FCSEL.
pub fn select(l: &mut Lift, i: Insn) {
    let fmt = format(i);
    let holds = l.condition(i.bits(15, 12));
    let (a, b) = (l.f_bits(fmt, i.rn()), l.f_bits(fmt, i.rm()));
    let value = l.b.select(holds, a, b);
    l.set_f(i.rd(), value);
}

/// The flags of a comparison. `signaling`: quiet NaNs are invalid too.
fn compare_flags(l: &mut Lift, fmt: Format, a: Val, b: Val, signaling: bool) -> Flags {
    let first = if signaling { FloatCond::Lt } else { FloatCond::LtQuiet };
    let flushes = if fmt == Format::F16 { l.mode.half_rules() } else { l.mode.rules() }.flush_inputs;
    if !flushes && !l.half_differs(fmt) {
        // The comparison itself, for what it raises; conditions look at the operands.
        l.b.float_cmp(first, fmt, a, b);
        return Flags { kind: Kind::of_floats(fmt), a, b };
    }
    let [less, equal, greater] = if l.half_differs(fmt) {
        [(first, a, b), (FloatCond::Eq, a, b), (FloatCond::LtQuiet, b, a)]
            .map(|(cond, a, b)| l.half_op(calls::HalfOp::Compare(cond), [a, b, Val::NONE]))
    } else {
        let less = l.b.float_cmp(first, fmt, a, b);
        let equal = l.b.float_cmp(FloatCond::Eq, fmt, a, b);
        [less, equal, l.b.float_cmp(FloatCond::LtQuiet, fmt, b, a)]
    };
    // Less: N. Equal: Z, C. Greater: C. Unordered: C, V, from which the others differ so:
    let parts = [(less, 0b1011), (equal, 0b0101), (greater, 0b0001)].map(|(value, change)| {
        let none = l.b.const_(0);
        let change = l.b.const_(change << 28);
        l.b.select(value, change, none)
    });
    let unordered = l.b.const_(0b0011 << 28);
    let nzcv = parts.into_iter().fold(unordered, |all, part| l.b.bin(BinOp::Xor, Width::W64, all, part));
    Flags { kind: Kind::Known, a: nzcv, b: nzcv }
}

/// FCMP, FCMPE; with `zero` to zero.
pub fn compare(l: &mut Lift, i: Insn, signaling: bool, zero: bool) {
    let fmt = format(i);
    let a = l.f(fmt, i.rn());
    let b = if zero {
        let bits = l.b.const_(0);
        l.b.cast(Type::Float, bits)
    } else {
        l.f(fmt, i.rm())
    };
    let flags = compare_flags(l, fmt, a, b, signaling);
    l.set_flags(flags);
}

/// FCCMP, FCCMPE. Where the condition fails, nothing is compared and nothing raised.
pub fn conditional_compare(l: &mut Lift, i: Insn, signaling: bool) {
    let fmt = format(i);
    let holds = l.condition(i.bits(15, 12));
    // Numbers that are equal raise nothing, so they stand in for the operands where these are not compared.
    let [a, b] = [i.rn(), i.rm()].map(|n| {
        let bits = l.f_bits(fmt, n);
        let zero = l.b.const_(0);
        let bits = l.b.select(holds, bits, zero);
        l.b.cast(Type::Float, bits)
    });
    let flags = compare_flags(l, fmt, a, b, signaling);
    let [a, b] = [flags.a, flags.b].map(|value| l.b.cast(Type::Int, value));
    l.set_flags_if(holds, Flags { a, b, ..flags }, i.bits(3, 0));
}
