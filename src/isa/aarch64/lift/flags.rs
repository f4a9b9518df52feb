//! Flags and conditions. What sets flags notes its operands ([`crate::isa::aarch64::flags`]); a condition behind it in
//! the same block becomes one comparison of them.

use super::{Insn, Lift};
use crate::float::Format;
use crate::ir::{BinOp, Cond, Effects, FloatCond, Op, Type, UnOp, Val, Width};
use crate::isa::aarch64::flags::{self, Kind};
use crate::isa::aarch64::{helpers, regs};

/// Reads the flags' slots and nothing else.
const READS: Effects = Effects { reads: true, writes: false, traps: false };

/// The flags as a block knows them.
#[derive(Clone, Copy)]
pub struct Flags {
    /// How they follow from the operands.
    pub kind: Kind,
    /// The first operand.
    pub a: Val,
    /// The second.
    pub b: Val,
}

const fn sub_kind(w: Width) -> Kind {
    match w {
        Width::W64 => Kind::Sub64,
        Width::W32 => Kind::Sub32,
    }
}

const fn add_kind(w: Width) -> Kind {
    match w {
        Width::W64 => Kind::Add64,
        Width::W32 => Kind::Add32,
    }
}

impl Lift<'_> {
    /// The flags take values.
    pub fn set_flags(&mut self, Flags { kind, a, b }: Flags) {
        let kind = self.b.const_(kind as u64);
        self.set_flag_slots(kind, a, b);
    }

    fn set_flag_slots(&mut self, kind: Val, a: Val, b: Val) {
        (self.b.notes, self.b.wants_more) = (0, false);
        self.b.set(regs::FLAGS, kind);
        self.b.set(regs::FLAG_A, a);
        self.b.set(regs::FLAG_B, b);
    }

    /// The flags take bits 31:28 of a value, which has no others.
    pub fn set_nzcv(&mut self, value: Val) {
        let kind = self.b.const_(Kind::Known as u64);
        (self.b.notes, self.b.wants_more) = (0, false);
        self.b.set(regs::FLAGS, kind);
        self.b.set(regs::FLAG_A, value);
    }

    /// The flags are those of `a - b`.
    pub fn set_flags_of_sub(&mut self, w: Width, a: Val, b: Val) {
        self.set_flags(Flags { kind: sub_kind(w), a, b });
    }

    /// The flags are those of a sum: its result, and one of what was added.
    pub fn set_flags_of_add(&mut self, w: Width, result: Val, b: Val) {
        self.set_flags(Flags { kind: add_kind(w), a: result, b });
    }

    /// The flags are those of a logical result.
    pub fn set_flags_of_logic(&mut self, w: Width, result: Val) {
        let kind = match w {
            Width::W64 => Kind::Logic64,
            Width::W32 => Kind::Logic32,
        };
        let kind = self.b.const_(kind as u64);
        (self.b.notes, self.b.wants_more) = (0, false);
        self.b.set(regs::FLAGS, kind);
        self.b.set(regs::FLAG_A, result);
    }

    /// `a + b + carry`, which sets the flags.
    pub fn add_with_carry(&mut self, w: Width, a: Val, b: Val, carry: Val) -> Val {
        let sum = self.b.bin(BinOp::Add, w, a, b);
        let result = self.b.bin(BinOp::Add, w, sum, carry);
        // Only one of the two additions can carry.
        let first = self.b.cmp(Cond::LtU, w, sum, a);
        let second = self.b.cmp(Cond::LtU, w, result, sum);
        let carry = self.b.bin(BinOp::Or, Width::W64, first, second);
        let kind = match w {
            Width::W64 => Kind::Carry64,
            Width::W32 => Kind::Carry32,
        };
        self.set_flags(Flags { kind, a: result, b: a });
        self.b.set(regs::FLAG_C, b);
        // What comes next is mostly another of these.
        self.b.notes = carry.0 + 1;
        self.b.wants_more = true;
        result
    }

    /// Signed overflow of a sum or difference: 0 or 1.
    fn overflow(&mut self, w: Width, a: Val, b: Val, result: Val, subtract: bool) -> Val {
        let from_a = self.b.bin(BinOp::Xor, w, a, result);
        let from_b = self.b.bin(BinOp::Xor, w, if subtract { a } else { result }, b);
        let overflow = self.b.bin(BinOp::And, w, from_a, from_b);
        self.b.bin_imm(BinOp::ShrU, w, overflow, if w == Width::W64 { 63 } else { 31 })
    }

    /// The carry out of `a + b` with or without a carry in, by its result: 0 or 1.
    fn carry_of_sum(&mut self, w: Width, a: Val, b: Val, result: Val) -> Val {
        if let Some(carry) = self.b.notes.checked_sub(1) {
            return Val(carry);
        }
        let both = self.b.bin(BinOp::And, w, a, b);
        let either = self.b.bin(BinOp::Or, w, a, b);
        let lost = self.b.bin(BinOp::AndNot, w, either, result);
        let carry = self.b.bin(BinOp::Or, w, both, lost);
        self.b.bin_imm(BinOp::ShrU, w, carry, if w == Width::W64 { 63 } else { 31 })
    }

    /// What the block knows of the flags.
    fn known_flags(&mut self) -> Option<Flags> {
        let kind = self.b.get(regs::FLAGS, Type::Int);
        let kind = Kind::of(self.b.as_const(kind)?);
        let ty = match kind {
            Kind::Float16 | Kind::Float32 | Kind::Float64 => Type::Float,
            _ => Type::Int,
        };
        let a = self.b.get(regs::FLAG_A, ty);
        // Where the second operand does not count, no read of it is made.
        let b = match kind {
            Kind::Known | Kind::Logic64 | Kind::Logic32 => a,
            _ => self.b.get(regs::FLAG_B, ty),
        };
        Some(Flags { kind, a, b })
    }

    /// The flags in bits 31:28. From then on the block knows them so.
    pub fn nzcv(&mut self) -> Val {
        if let Some(Flags { kind: Kind::Known, a, .. }) = self.known_flags() {
            return a;
        }
        let value = self.b.call(helpers::NZCV, READS, &[]);
        self.set_nzcv(value);
        value
    }

    /// 1 when condition `cond` of four bits holds, else 0.
    pub fn condition(&mut self, cond: u32) -> Val {
        if cond >> 1 == 7 {
            return self.b.const_(1);
        }
        if let Some(flags) = self.known_flags() {
            return self.condition_of(cond, flags);
        }
        if let Some(value) = self.condition_of_either(cond) {
            return value;
        }
        let nzcv = self.nzcv();
        self.condition_of_nzcv(cond, nzcv)
    }

    /// Behind a conditional comparison: the condition of what was compared, or of the flags that it gave instead.
    fn condition_of_either(&mut self, cond: u32) -> Option<Val> {
        let (kind, a) = (self.b.get(regs::FLAGS, Type::Int), self.b.get(regs::FLAG_A, Type::Int));
        let (Op::Select { c, a: compared, .. }, Op::Select { c: same, a, b: nzcv }) = (self.b.op(kind), self.b.op(a))
        else {
            return None;
        };
        let (kind, nzcv) = (self.b.as_const(compared)?, self.b.as_const(nzcv)?);
        if c != same {
            return None;
        }
        let b = self.b.get(regs::FLAG_B, Type::Int);
        let when = self.condition_of(cond, Flags { kind: Kind::of(kind), a, b });
        Some(if flags::holds(cond, nzcv) {
            let not = self.b.bin_imm(BinOp::Xor, Width::W64, c, 1);
            self.b.bin(BinOp::Or, Width::W64, when, not)
        } else {
            self.b.bin(BinOp::And, Width::W64, when, c)
        })
    }

    fn condition_of(&mut self, cond: u32, Flags { kind, a, b }: Flags) -> Val {
        match kind {
            Kind::Known => self.condition_of_nzcv(cond, a),
            Kind::Sub64 => self.condition_of_sub(cond, Width::W64, a, b),
            Kind::Sub32 => self.condition_of_sub(cond, Width::W32, a, b),
            Kind::Logic64 => self.condition_of_logic(cond, Width::W64, a),
            Kind::Logic32 => self.condition_of_logic(cond, Width::W32, a),
            Kind::Add64 | Kind::Add32 => {
                let w = if kind == Kind::Add64 { Width::W64 } else { Width::W32 };
                match cond >> 1 {
                    0 | 2 => self.condition_of_logic(cond, w, a),
                    1 => self.b.cmp(if cond & 1 == 0 { Cond::LtU } else { Cond::GeU }, w, a, b),
                    _ => {
                        let carry = self.b.cmp(Cond::LtU, w, a, b);
                        let other = self.b.bin(BinOp::Sub, w, a, b);
                        let overflow = self.overflow(w, other, b, a, false);
                        self.condition_of_parts(cond, w, a, carry, overflow)
                    }
                }
            }
            Kind::Carry64 | Kind::Carry32 => {
                let w = if kind == Kind::Carry64 { Width::W64 } else { Width::W32 };
                let c = self.b.get(regs::FLAG_C, Type::Int);
                let overflow = self.overflow(w, b, c, a, false);
                let carry = self.carry_of_sum(w, b, c, a);
                self.condition_of_parts(cond, w, a, carry, overflow)
            }
            Kind::Float16 => self.condition_of_floats(cond, Format::F16, a, b),
            Kind::Float32 => self.condition_of_floats(cond, Format::F32, a, b),
            Kind::Float64 => self.condition_of_floats(cond, Format::F64, a, b),
        }
    }

    /// `value`, or when `negate` its opposite.
    fn maybe_not(&mut self, negate: bool, value: Val) -> Val {
        if negate { self.b.bin_imm(BinOp::Xor, Width::W64, value, 1) } else { value }
    }

    fn condition_of_nzcv(&mut self, cond: u32, nzcv: Val) -> Val {
        if let Some(nzcv) = self.b.as_const(nzcv) {
            return self.b.const_(u64::from(flags::holds(cond, nzcv)));
        }
        let negate = cond & 1 != 0;
        let (is, is_not) = if negate { (Cond::Ne, Cond::Eq) } else { (Cond::Eq, Cond::Ne) };
        let w = Width::W64;
        let single = |flag: u32| 1u64 << flag;
        match cond >> 1 {
            part @ 0..=3 => {
                let flag = self.b.and_imm(nzcv, single([30, 29, 31, 28][part as usize]));
                self.b.cmp_imm(is_not, w, flag, 0)
            }
            4 => {
                let both = self.b.and_imm(nzcv, single(29) | single(30));
                self.b.cmp_imm(is, w, both, single(29))
            }
            part => {
                // N against V, in V's place.
                let n = self.b.bin_imm(BinOp::ShrU, w, nzcv, 3);
                let differ = self.b.bin(BinOp::Xor, w, nzcv, n);
                let mut fails = self.b.and_imm(differ, single(28));
                if part == 6 {
                    let z = self.b.and_imm(nzcv, single(30));
                    fails = self.b.bin(BinOp::Or, w, fails, z);
                }
                self.b.cmp_imm(is, w, fails, 0)
            }
        }
    }

    fn condition_of_sub(&mut self, cond: u32, w: Width, a: Val, b: Val) -> Val {
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
            _ => {
                let result = self.b.bin(BinOp::Sub, w, a, b);
                if cond >> 1 == 2 {
                    return self.condition_of_logic(cond, w, result);
                }
                let overflow = self.overflow(w, a, b, result, true);
                return self.maybe_not(cond & 1 != 0, overflow);
            }
        };
        self.b.cmp(compare, w, a, b)
    }

    fn condition_of_logic(&mut self, cond: u32, w: Width, result: Val) -> Val {
        let compare = match cond {
            0 => Cond::Eq,
            1 => Cond::Ne,
            4 | 11 => Cond::LtS,
            5 | 10 => Cond::GeS,
            12 => Cond::GtS,
            13 => Cond::LeS,
            // C and V are clear: CC, VC and LS hold, CS, VS and HI do not.
            3 | 7 | 9 => return self.b.const_(1),
            _ => return self.b.const_(0),
        };
        self.b.cmp_imm(compare, w, result, 0)
    }

    fn condition_of_parts(&mut self, cond: u32, w: Width, result: Val, carry: Val, overflow: Val) -> Val {
        let negate = cond & 1 != 0;
        match cond >> 1 {
            0 | 2 => self.condition_of_logic(cond, w, result),
            1 => self.maybe_not(negate, carry),
            3 => self.maybe_not(negate, overflow),
            4 => {
                let nonzero = self.b.cmp_imm(Cond::Ne, w, result, 0);
                let higher = self.b.bin(BinOp::And, Width::W64, carry, nonzero);
                self.maybe_not(negate, higher)
            }
            part => {
                let negative = self.b.cmp_imm(Cond::LtS, w, result, 0);
                let mut fails = self.b.bin(BinOp::Xor, Width::W64, negative, overflow);
                if part == 6 {
                    let zero = self.b.cmp_imm(Cond::Eq, w, result, 0);
                    fails = self.b.bin(BinOp::Or, Width::W64, fails, zero);
                }
                self.maybe_not(!negate, fails)
            }
        }
    }

    /// Less sets N, equal Z and C, greater C, unordered C and V. The comparison has raised its flags already, so that
    /// repeating it raises nothing more.
    fn condition_of_floats(&mut self, cond: u32, fmt: Format, a: Val, b: Val) -> Val {
        use FloatCond::{Eq, LeQuiet, LtQuiet};
        let (a, b) = (self.b.cast(Type::Float, a), self.b.cast(Type::Float, b));
        // The condition of the even number, as a comparison and whether it is negated.
        let (compare, x, y, negated) = match cond >> 1 {
            0 => (Eq, a, b, false),
            1 => (LtQuiet, a, b, true),
            2 => (LtQuiet, a, b, false),
            4 => (LeQuiet, a, b, true),
            5 => (LeQuiet, b, a, false),
            6 => (LtQuiet, b, a, false),
            _ => {
                let less = self.b.float_cmp(LeQuiet, fmt, a, b);
                let greater = self.b.float_cmp(LeQuiet, fmt, b, a);
                let ordered = self.b.bin(BinOp::Or, Width::W64, less, greater);
                return self.maybe_not(cond & 1 == 0, ordered);
            }
        };
        let value = self.b.float_cmp(compare, fmt, x, y);
        self.maybe_not(negated != (cond & 1 != 0), value)
    }

    /// C: 0 or 1.
    pub fn carry(&mut self) -> Val {
        // The condition CS.
        self.condition(2)
    }
}

/// Bit `from` of a value, in bit `to`, and nothing else.
fn moved(l: &mut Lift, value: Val, from: u32, to: u32) -> Val {
    let value = l.b.and_imm(value, 1 << from);
    let (op, by) = if to >= from { (BinOp::Shl, to - from) } else { (BinOp::ShrU, from - to) };
    l.b.bin_imm(op, Width::W64, value, u64::from(by))
}

/// The disjunction of some values.
fn any(l: &mut Lift, values: &[Val]) -> Val {
    let nothing = l.b.const_(0);
    values.iter().fold(nothing, |all, value| l.b.bin(BinOp::Or, Width::W64, all, *value))
}

/// CFINV.
pub fn cfinv(l: &mut Lift, _: Insn) {
    let nzcv = l.nzcv();
    let value = l.b.bin_imm(BinOp::Xor, Width::W64, nzcv, 1 << 29);
    l.set_nzcv(value);
}

/// XAFLAG: from the form of another ISA's float comparisons to Arm's.
pub fn xaflag(l: &mut Lift, _: Insn) {
    let nzcv = l.nzcv();
    let (z, c) = (moved(l, nzcv, 30, 0), moved(l, nzcv, 29, 0));
    let (not_z, not_c) = (l.b.bin_imm(BinOp::Xor, Width::W64, z, 1), l.b.bin_imm(BinOp::Xor, Width::W64, c, 1));
    let n = l.b.bin(BinOp::And, Width::W64, not_c, not_z);
    let new_z = l.b.bin(BinOp::And, Width::W64, z, c);
    let new_c = l.b.bin(BinOp::Or, Width::W64, c, z);
    let v = l.b.bin(BinOp::And, Width::W64, not_c, z);
    let parts = [(n, 31), (new_z, 30), (new_c, 29), (v, 28)].map(|(value, to)| moved(l, value, 0, to));
    let value = any(l, &parts);
    l.set_nzcv(value);
}

/// AXFLAG: the reverse.
pub fn axflag(l: &mut Lift, _: Insn) {
    let nzcv = l.nzcv();
    let (z, v) = (moved(l, nzcv, 30, 0), moved(l, nzcv, 28, 0));
    let c = moved(l, nzcv, 29, 0);
    let new_z = l.b.bin(BinOp::Or, Width::W64, z, v);
    let new_c = l.b.bin(BinOp::AndNot, Width::W64, c, v);
    let parts = [(new_z, 30), (new_c, 29)].map(|(value, to)| moved(l, value, 0, to));
    let value = any(l, &parts);
    l.set_nzcv(value);
}

/// RMIF: rotates a register and inserts bits 3:0 into the flags that the mask names.
pub fn rmif(l: &mut Lift, i: Insn) {
    let a = l.x(i.rn());
    let rotated = l.b.bin_imm(BinOp::RotR, Width::W64, a, u64::from(i.bits(20, 15)));
    let mask = u64::from(i.bits(3, 0)) << 28;
    let new = l.b.bin_imm(BinOp::Shl, Width::W64, rotated, 28);
    let new = l.b.and_imm(new, mask);
    let nzcv = l.nzcv();
    let kept = l.b.and_imm(nzcv, 0xf000_0000 & !mask);
    let value = l.b.bin(BinOp::Or, Width::W64, kept, new);
    l.set_nzcv(value);
}

/// SETF8, SETF16.
pub fn setf(l: &mut Lift, i: Insn, bits: u32) {
    let a = l.x(i.rn());
    let nzcv = l.nzcv();
    let c = l.b.and_imm(nzcv, 1 << 29);
    let n = moved(l, a, bits - 1, 31);
    let low = l.b.and_imm(a, (1 << bits) - 1);
    let z = l.b.cmp_imm(Cond::Eq, Width::W64, low, 0);
    let z = moved(l, z, 0, 30);
    let (sign, out) = (moved(l, a, bits - 1, 28), moved(l, a, bits, 28));
    let v = l.b.bin(BinOp::Xor, Width::W64, sign, out);
    let value = any(l, &[n, z, c, v]);
    l.set_nzcv(value);
}

impl Lift<'_> {
    /// Where `holds`, the flags are those given; else the four bits `nzcv`.
    pub fn set_flags_if(&mut self, holds: Val, Flags { kind, a, b }: Flags, nzcv: u32) {
        let (kind, known) = (self.b.const_(kind as u64), self.b.const_(Kind::Known as u64));
        let kind = self.b.select(holds, kind, known);
        let nzcv = self.b.const_(u64::from(nzcv) << 28);
        let a = self.b.select(holds, a, nzcv);
        self.set_flag_slots(kind, a, b);
    }
}

/// CCMP, CCMN, with a register or an immediate.
pub fn conditional_compare(l: &mut Lift, i: Insn, subtract: bool, immediate: bool) {
    let w = i.width();
    let holds = l.condition(i.bits(15, 12));
    let a = l.x(i.rn());
    let b = if immediate { l.b.const_(u64::from(i.rm())) } else { l.x(i.rm()) };
    let flags = if subtract {
        Flags { kind: sub_kind(w), a, b }
    } else {
        Flags { kind: add_kind(w), a: l.b.bin(BinOp::Add, w, a, b), b }
    };
    l.set_flags_if(holds, flags, i.bits(3, 0));
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
    let value = l.b.and_imm(value, 0xf000_0000);
    l.set_x(i.rd(), value);
}

/// MSR to NZCV.
pub fn msr_nzcv(l: &mut Lift, i: Insn) {
    let value = l.x(i.rd());
    let value = l.b.and_imm(value, 0xf000_0000);
    l.set_nzcv(value);
}
