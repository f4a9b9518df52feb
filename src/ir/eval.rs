//! The evaluator: what every op means. The interpreter runs it; the JIT's templates are tested against it.

use super::{
    BinOp, Block, Cond, End, FloatCond, FloatOp, FloatToInt, HelperId, IntToFloat, Mem, MemSize, Op, RmwOp, Slot, UnOp,
    Val, VecMove, Why, Width, vector,
};
use crate::float::{self, Flags, Format, Ordering4, Round, Rules};

/// An access or a helper trapped; the environment holds what and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trapped;

/// What a block runs on.
pub trait Env {
    /// The instruction at a virtual address begins.
    fn insn(&mut self, address: u64);
    /// Reads a slot.
    fn get(&mut self, slot: Slot) -> u64;
    /// Writes a slot.
    fn set(&mut self, slot: Slot, value: u64);
    /// Loads, zero-extended.
    ///
    /// # Errors
    /// When the access traps; so for the others.
    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped>;
    /// Stores the low bytes.
    ///
    /// # Errors
    /// When the access traps.
    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped>;
    /// Replaces memory by `f` of it, atomically; returns the old value, zero-extended.
    ///
    /// # Errors
    /// When the access traps.
    fn rmw(&mut self, op: RmwOp, mem: Mem, address: u64, value: u64) -> Result<u64, Trapped>;
    /// Stores `new` if memory holds the low bytes of `expected`, atomically; returns the old value, zero-extended.
    ///
    /// # Errors
    /// When the access traps.
    fn cas(&mut self, mem: Mem, address: u64, expected: u64, new: u64) -> Result<u64, Trapped>;
    /// Orders accesses.
    fn fence(&mut self);
    /// Calls a helper.
    ///
    /// # Errors
    /// When it traps.
    fn call(&mut self, helper: HelperId, args: [u64; 3]) -> Result<u64, Trapped>;
    /// Accumulates float flags.
    fn raise(&mut self, flags: Flags);
    /// The guest's float rules.
    fn rules(&self) -> &Rules;
}

/// Where a block went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// On to this virtual address.
    To(u64),
    /// Over to the run loop, with the pc at this address.
    Leave(u64, Why),
    /// An instruction trapped: its address.
    Trapped(u64),
}

/// Runs a block whose page is mapped at virtual address `page`. `values` is scratch memory.
pub fn run(block: &Block, page: u64, env: &mut impl Env, values: &mut Vec<u64>) -> Outcome {
    values.clear();
    values.resize(block.ops.len(), 0);
    let mut insn = page.wrapping_add(u64::from(block.start));
    for (index, op) in block.ops.iter().enumerate() {
        let v = |val: Val| if val == Val::NONE { 0 } else { values[val.0 as usize] };
        macro_rules! or_trap {
            ($e:expr) => {
                match $e {
                    Ok(value) => value,
                    Err(Trapped) => return Outcome::Trapped(insn),
                }
            };
        }
        values[index] = match *op {
            Op::Insn { off, .. } => {
                insn = page.wrapping_add(u64::from(off));
                env.insn(insn);
                0
            }
            Op::Const(value) => value,
            Op::Pc(off) => page.wrapping_add(off as u64),
            Op::Get { slot, .. } => env.get(slot),
            Op::Set { slot, value } => {
                env.set(slot, v(value));
                0
            }
            Op::Bin { op, w, a, b } => bin(op, w, v(a), v(b)),
            Op::Un { op, w, a } => un(op, w, v(a)),
            Op::Cmp { cond, w, a, b } => u64::from(cmp(cond, w, v(a), v(b))),
            Op::Select { c, a, b } => {
                if v(c) != 0 {
                    v(a)
                } else {
                    v(b)
                }
            }
            Op::Load { mem, sext, base, disp, .. } => {
                let value = or_trap!(env.load(mem, v(base).wrapping_add(disp as u64)));
                if sext { crate::base::bits::sext(value, u32::from(mem.size.bytes()) * 8) } else { value }
            }
            Op::Store { mem, base, disp, value } => {
                or_trap!(env.store(mem, v(base).wrapping_add(disp as u64), v(value)));
                0
            }
            Op::Rmw { op, mem, addr, value } => or_trap!(env.rmw(op, mem, v(addr), v(value))),
            Op::Cas { mem, addr, expected, new } => or_trap!(env.cas(mem, v(addr), v(expected), v(new))),
            Op::StoreConditional { mem, addr, reserved, expected, new } => {
                if v(addr) == v(reserved) {
                    let expected = v(expected) & low_bytes(mem);
                    u64::from(or_trap!(env.cas(mem, v(addr), expected, v(new))) != expected)
                } else {
                    1
                }
            }
            Op::Fence => {
                env.fence();
                0
            }
            Op::Vec(insn) => {
                let [old, a, b, c] = [insn.d, insn.a, insn.b, insn.c].map(|slot| vector_in(env, slot));
                let (value, flags) = vector::eval(insn, env.rules(), old, [a, b, c]);
                env.raise(flags);
                set_vector(env, insn.d, value);
                0
            }
            Op::VecMove(VecMove::Dup { lane, half, d, value }) => {
                let value = vector::duplicate(lane, half, v(value));
                set_vector(env, d, value);
                0
            }
            Op::VecMove(VecMove::Load { d, base, disp }) => {
                let address = v(base).wrapping_add(disp as u64);
                let low = or_trap!(env.load(HALF_VECTOR, address));
                let high = or_trap!(env.load(HALF_VECTOR, address.wrapping_add(8)));
                set_vector(env, d, [low, high]);
                0
            }
            Op::VecMove(VecMove::Store { s, base, disp }) => {
                let address = v(base).wrapping_add(disp as u64);
                let (low, high) = (env.get(s), env.get(Slot(s.0 + 1)));
                or_trap!(env.store(HALF_VECTOR, address, low));
                or_trap!(env.store(HALF_VECTOR, address.wrapping_add(8), high));
                0
            }
            Op::Cast { a, .. } => v(a),
            Op::Float { op, fmt, rm, a, b, c } => {
                let (value, flags) = float(op, fmt, env.rules(), rm, v(a), v(b), v(c));
                env.raise(flags);
                value
            }
            Op::FloatCmp { cond, fmt, a, b } => {
                let (value, flags) = float_cmp(cond, fmt, env.rules(), v(a), v(b));
                env.raise(flags);
                u64::from(value)
            }
            Op::FloatClass { fmt, a } => 1 << float::classify(fmt, v(a)) as u32,
            Op::FloatConvert { from, to, rm, a } => {
                let (value, flags) = float::convert(from, to, env.rules(), rm, v(a));
                env.raise(flags);
                value
            }
            Op::FloatToInt { from, to, fraction, rm, a } => {
                let (value, flags) = float_to_int(from, to, fraction, env.rules(), rm, v(a));
                env.raise(flags);
                value
            }
            Op::IntToFloat { from, fraction, to, rm, a } => {
                let (value, flags) = int_to_float(from, fraction, to, env.rules(), rm, v(a));
                env.raise(flags);
                value
            }
            Op::Box { fmt, a } => box_float(fmt, v(a)),
            Op::Unbox { fmt, a } => unbox_float(fmt, env.rules(), v(a)),
            Op::Call { helper, args, .. } => or_trap!(env.call(helper, args.map(v))),
            Op::TrapIf { c, helper } => {
                if v(c) != 0 {
                    or_trap!(env.call(helper, [0; 3]));
                }
                0
            }
            Op::ExitIf { c, target } => {
                if v(c) != 0 {
                    return Outcome::To(page.wrapping_add(target as u64));
                }
                0
            }
        };
        debug_assert!(op.ty().is_some() || values[index] == 0);
    }
    match block.end {
        End::Jump { target, .. } | End::Next { target } => Outcome::To(page.wrapping_add(target as u64)),
        End::Indirect { target, .. } => Outcome::To(values[target.0 as usize]),
        End::Leave { target, why } => Outcome::Leave(page.wrapping_add(target as u64), why),
        End::Never => Outcome::Leave(insn, Why::Sync),
    }
}

/// Either half of a vector in memory.
const HALF_VECTOR: Mem = Mem::plain(MemSize::B8);

fn vector_in(env: &mut impl Env, slot: Slot) -> vector::Vector {
    [env.get(slot), env.get(Slot(slot.0 + 1))]
}

fn set_vector(env: &mut impl Env, d: Slot, [low, high]: vector::Vector) {
    env.set(d, low);
    env.set(Slot(d.0 + 1), high);
}

fn low_bytes(mem: Mem) -> u64 {
    crate::base::bits::mask(u32::from(mem.size.bytes()) * 8)
}

/// An integer op of two operands.
pub fn bin(op: BinOp, w: Width, a: u64, b: u64) -> u64 {
    match w {
        Width::W64 => bin64(op, a, b),
        Width::W32 => u64::from(bin32(op, a as u32, b as u32)),
    }
}

/// Defines the op table at one width; `$u`, `$s` and `$wide` are the unsigned, signed and double-width types.
macro_rules! bin_at_width {
    ($name:ident, $u:ty, $s:ty, $uw:ty, $sw:ty) => {
        fn $name(op: BinOp, a: $u, b: $u) -> $u {
            const BITS: u32 = <$u>::BITS;
            match op {
                BinOp::Add => a.wrapping_add(b),
                BinOp::Sub => a.wrapping_sub(b),
                BinOp::Mul => a.wrapping_mul(b),
                BinOp::MulHiU => ((<$uw>::from(a) * <$uw>::from(b)) >> BITS) as $u,
                BinOp::MulHiS => ((<$sw>::from(a as $s) * <$sw>::from(b as $s)) >> BITS) as $u,
                BinOp::MulHiSU => ((<$sw>::from(a as $s).wrapping_mul(<$uw>::from(b) as $sw)) >> BITS) as $u,
                BinOp::DivU => a.checked_div(b).unwrap_or(0),
                BinOp::DivS if b == 0 => 0,
                BinOp::DivS => (a as $s).wrapping_div(b as $s) as $u,
                BinOp::RemU => a.checked_rem(b).unwrap_or(a),
                BinOp::RemS if b == 0 => a,
                BinOp::RemS => (a as $s).wrapping_rem(b as $s) as $u,
                BinOp::And => a & b,
                BinOp::Or => a | b,
                BinOp::Xor => a ^ b,
                BinOp::AndNot => a & !b,
                BinOp::Shl => a << (b as u32 % BITS),
                BinOp::ShrU => a >> (b as u32 % BITS),
                BinOp::ShrS => ((a as $s) >> (b as u32 % BITS)) as $u,
                BinOp::RotR => a.rotate_right(b as u32 % BITS),
                BinOp::MinS => (a as $s).min(b as $s) as $u,
                BinOp::MaxS => (a as $s).max(b as $s) as $u,
                BinOp::MinU => a.min(b),
                BinOp::MaxU => a.max(b),
                BinOp::ClMul => carry_less(u64::from(a), u64::from(b)) as $u,
                BinOp::ClMulH => (carry_less(u64::from(a), u64::from(b)) >> BITS) as $u,
            }
        }
    };
}
bin_at_width!(bin32, u32, i32, u64, i64);
bin_at_width!(bin64, u64, i64, u128, i128);

fn carry_less(a: u64, b: u64) -> u128 {
    (0..64).filter(|i| b >> i & 1 != 0).fold(0, |product, i| product ^ (u128::from(a) << i))
}

/// An integer op of one operand.
pub fn un(op: UnOp, w: Width, a: u64) -> u64 {
    let (value, unused) = match w {
        Width::W64 => (a, 0),
        Width::W32 => (u64::from(a as u32), 32),
    };
    let result = match op {
        UnOp::Not => !value,
        UnOp::Neg => value.wrapping_neg(),
        UnOp::Clz => u64::from(value.leading_zeros()) - unused,
        UnOp::Ctz => u64::from(value.trailing_zeros()).min(64 - unused),
        UnOp::Popcnt => u64::from(value.count_ones()),
        UnOp::Bswap => value.swap_bytes() >> unused,
        UnOp::BitRev => value.reverse_bits() >> unused,
        UnOp::OrBytes => u64::from_le_bytes(value.to_le_bytes().map(|byte| if byte == 0 { 0 } else { 0xff })),
        UnOp::Sext8 => value as i8 as u64,
        UnOp::Sext16 => value as i16 as u64,
        UnOp::Sext32 => value as i32 as u64,
        UnOp::Zext8 => value & 0xff,
        UnOp::Zext16 => value & 0xffff,
        UnOp::Zext32 => value & 0xffff_ffff,
    };
    match w {
        Width::W64 => result,
        Width::W32 => u64::from(result as u32),
    }
}

/// An integer comparison.
pub fn cmp(cond: Cond, w: Width, a: u64, b: u64) -> bool {
    let (a, b) = match w {
        Width::W64 => (a, b),
        // Sign extension keeps both the signed and the unsigned order of 32-bit values.
        Width::W32 => (a as i32 as u64, b as i32 as u64),
    };
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::LtS => (a as i64) < b as i64,
        Cond::GeS => a as i64 >= b as i64,
        Cond::LtU => a < b,
        Cond::GeU => a >= b,
        Cond::LeS => a as i64 <= b as i64,
        Cond::GtS => a as i64 > b as i64,
        Cond::LeU => a <= b,
        Cond::GtU => a > b,
    }
}

/// What an atomic op leaves in memory; `bits` is the width of the access.
pub fn rmw(op: RmwOp, bits: u32, memory: u64, operand: u64) -> u64 {
    let signed = |value| crate::base::bits::sext(value, bits) as i64;
    let unsigned = |value| value & crate::base::bits::mask(bits);
    let value = match op {
        RmwOp::Swap => operand,
        RmwOp::Add => memory.wrapping_add(operand),
        RmwOp::And => memory & operand,
        RmwOp::Or => memory | operand,
        RmwOp::Xor => memory ^ operand,
        RmwOp::MinS => signed(memory).min(signed(operand)) as u64,
        RmwOp::MaxS => signed(memory).max(signed(operand)) as u64,
        RmwOp::MinU => unsigned(memory).min(unsigned(operand)),
        RmwOp::MaxU => unsigned(memory).max(unsigned(operand)),
    };
    unsigned(value)
}

/// A float op.
pub fn float(op: FloatOp, fmt: Format, rules: &Rules, rm: Round, a: u64, b: u64, c: u64) -> (u64, Flags) {
    let sign = fmt.sign_bit();
    match op {
        FloatOp::Add => float::add(fmt, rules, rm, a, b),
        FloatOp::Sub => float::sub(fmt, rules, rm, a, b),
        FloatOp::Mul => float::mul(fmt, rules, rm, a, b),
        FloatOp::Div => float::div(fmt, rules, rm, a, b),
        FloatOp::Sqrt => float::sqrt(fmt, rules, rm, a),
        FloatOp::Fma => float::fma(fmt, rules, rm, a, b, c),
        FloatOp::Neg => (a ^ sign, Flags::NONE),
        FloatOp::Abs => (a & !sign, Flags::NONE),
        FloatOp::CopySign => ((a & !sign) | (b & sign), Flags::NONE),
        FloatOp::Min(kind) => float::min(fmt, rules, a, b, kind),
        FloatOp::Max(kind) => float::max(fmt, rules, a, b, kind),
        FloatOp::RoundInt { exact } => float::round_to_int(fmt, rules, rm, a, exact),
    }
}

/// A float comparison.
pub fn float_cmp(cond: FloatCond, fmt: Format, rules: &Rules, a: u64, b: u64) -> (bool, Flags) {
    let signaling = matches!(cond, FloatCond::Lt | FloatCond::Le);
    let (order, flags) = float::compare_with(fmt, rules, a, b, signaling);
    let holds = match cond {
        FloatCond::Eq => order == Ordering4::Equal,
        FloatCond::Lt | FloatCond::LtQuiet => order == Ordering4::Less,
        FloatCond::Le | FloatCond::LeQuiet => matches!(order, Ordering4::Less | Ordering4::Equal),
    };
    (holds, flags)
}

/// A float as an integer with `fraction` bits behind the point.
pub fn float_to_int(from: Format, to: FloatToInt, fraction: u8, rules: &Rules, rm: Round, a: u64) -> (u64, Flags) {
    let (bits, signed) = match to {
        FloatToInt::I32 => (32, true),
        FloatToInt::U32 => (32, false),
        FloatToInt::I64 => (64, true),
        FloatToInt::U64 => (64, false),
        FloatToInt::Mod32 => return float::to_int_mod32(from, rules, a),
    };
    float::to_fixed(from, rules, rm, a, bits, signed, fraction.into())
}

/// An integer with `fraction` bits behind the point as a float.
pub fn int_to_float(from: IntToFloat, fraction: u8, to: Format, rules: &Rules, rm: Round, a: u64) -> (u64, Flags) {
    let (bits, signed) = match from {
        IntToFloat::I32 => (32, true),
        IntToFloat::U32 => (32, false),
        IntToFloat::I64 => (64, true),
        IntToFloat::U64 => (64, false),
    };
    float::from_fixed(to, rules, rm, a, bits, signed, fraction.into())
}

/// A float NaN-boxed into 64 bits.
pub fn box_float(fmt: Format, a: u64) -> u64 {
    a | !(fmt.magnitude_mask() | fmt.sign_bit())
}

/// The float that 64 NaN-boxed bits hold.
pub fn unbox_float(fmt: Format, rules: &Rules, a: u64) -> u64 {
    let width = fmt.magnitude_mask() | fmt.sign_bit();
    if a | width == u64::MAX { a & width } else { float::default_nan(fmt, rules) }
}
