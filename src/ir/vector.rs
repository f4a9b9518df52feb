//! Ops on vectors of 128 bits, which stay in slots: a vector is a slot and the one after it, its low half first.
//!
//! [`VecOp`] is the table; [`eval`] says what each row does. Engines without a template for one evaluate it.

use super::eval;
use super::{BinOp, FloatCond, FloatOp, FloatToInt, IntToFloat, Slot, Val, Width};
use crate::base::bits::{mask, sext};
use crate::float::{self, Flags, Format, MinMax, Round, Rules};

/// A vector as its halves, the low one first.
pub type Vector = [u64; 2];

/// How wide the lanes of an op are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Lane {
    /// Bytes.
    B8,
    /// Halfwords.
    B16,
    /// Words.
    B32,
    /// Doublewords.
    B64,
}

impl Lane {
    /// All widths.
    pub const ALL: [Lane; 4] = [Lane::B8, Lane::B16, Lane::B32, Lane::B64];

    /// The width in bits.
    pub const fn bits(self) -> u32 {
        8 << self as u32
    }

    /// How many a vector has.
    pub const fn count(self) -> u32 {
        128 / self.bits()
    }

    /// Twice the width, if there is such a lane.
    pub const fn wider(self) -> Option<Lane> {
        match self {
            Lane::B8 => Some(Lane::B16),
            Lane::B16 => Some(Lane::B32),
            Lane::B32 => Some(Lane::B64),
            Lane::B64 => None,
        }
    }
}

/// Float ops on each lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VecFloat {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// `a * b + c`, rounded once.
    Fma,
    /// `-a * b + c`, rounded once.
    FmaNeg,
    /// All ones where `a == b`; quiet.
    Eq,
    /// All ones where `a > b`; any NaN is invalid.
    Gt,
    /// All ones where `a >= b`; any NaN is invalid.
    Ge,
    /// Square root of `a`.
    Sqrt,
    /// The integer in `a` as a float.
    FromInt(Fixed),
    /// `a` as an integer, saturating.
    ToInt(Fixed),
    /// Minimum of `a` and `b`, of the given kind.
    Min(MinMax),
    /// Maximum likewise.
    Max(MinMax),
    /// `a` rounded to an integral value; `exact`: INEXACT is raised when that changes it.
    RoundInt {
        /// Whether INEXACT is raised.
        exact: bool,
    },
}

/// The integer side of a conversion of lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fixed {
    /// Whether it has a sign.
    pub signed: bool,
    /// How many of its bits are behind the point.
    pub fraction: u8,
}

/// What a vector op does with its operands `a`, `b` and `c`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VecOp {
    /// `a & b`.
    And,
    /// `a & !b`.
    AndNot,
    /// `a | b`.
    Or,
    /// `a | !b`.
    OrNot,
    /// `a ^ b`.
    Xor,
    /// Bits of `a` where `c` has ones, of `b` where it has zeros.
    Choose,
    /// Sums.
    Add(Lane),
    /// Differences.
    Sub(Lane),
    /// Low halves of the products.
    Mul(Lane),
    /// All ones where `a == b`, else zeros; likewise the next ones.
    Eq(Lane),
    /// Signed `a > b`.
    GtS(Lane),
    /// Unsigned `a > b`.
    GtU(Lane),
    /// Signed `a >= b`.
    GeS(Lane),
    /// Unsigned `a >= b`.
    GeU(Lane),
    /// `a & b` is not zero.
    Test(Lane),
    /// Signed minima.
    MinS(Lane),
    /// Signed maxima.
    MaxS(Lane),
    /// Unsigned minima.
    MinU(Lane),
    /// Unsigned maxima.
    MaxU(Lane),
    /// Absolute values of `a`; the least integer stays.
    Abs(Lane),
    /// Signed sums that saturate.
    SatAddS(Lane),
    /// Unsigned sums that saturate.
    SatAddU(Lane),
    /// Signed differences that saturate.
    SatSubS(Lane),
    /// Unsigned differences that saturate.
    SatSubU(Lane),
    /// Unsigned `(a + b + 1) / 2`.
    AverageU(Lane),
    /// High halves of the doubled signed products, rounded or cut; the doubled square of the least integer wraps round.
    MulHighDouble {
        /// The lanes, of 16 or 32 bits.
        lane: Lane,
        /// Whether they are rounded to nearest, ties up.
        round: bool,
    },
    /// `a` shifted left by the signed low byte of each lane of `b`, right where that is negative.
    ShiftBy {
        /// The lanes.
        lane: Lane,
        /// Whether right shifts are arithmetic.
        signed: bool,
    },
    /// To each word of `c` the products of its four bytes of `a` and `b`.
    Dot {
        /// Whether the bytes of `a` are signed.
        a_signed: bool,
        /// Whether the bytes of `b` are.
        b_signed: bool,
    },
    /// Left shift of `a` by a constant below the width.
    Shl(Lane, u8),
    /// Logical right shift of `a` by a constant up to the width.
    ShrU(Lane, u8),
    /// Arithmetic right shift of `a` by a constant up to the width.
    ShrS(Lane, u8),
    /// One lane of `a` in all.
    Dup(Lane, u8),
    /// Bytes of `a` from the given one on, then of `b`. With `half`, of their low halves.
    Extract(u8),
    /// The low halves' lanes in turn: of `a`, of `b`.
    ZipLow(Lane),
    /// The high halves' lanes in turn.
    ZipHigh(Lane),
    /// The even lanes of `a`, then of `b`.
    UnzipEven(Lane),
    /// The odd lanes.
    UnzipOdd(Lane),
    /// The even lanes in turn: of `a`, of `b`.
    TransposeEven(Lane),
    /// The odd lanes in turn.
    TransposeOdd(Lane),
    /// The order of the first lanes inside each of the second, wider ones, reversed.
    Reverse(Lane, Lane),
    /// The lanes of a half of `a` (the low one is 0) at twice the width.
    Widen {
        /// The lanes of `a`.
        lane: Lane,
        /// Whether they are sign-extended.
        signed: bool,
        /// Which half.
        part: u8,
    },
    /// The products of the lanes of a half of `a` and `b`, at twice the width.
    MulWide {
        /// The lanes of the operands.
        lane: Lane,
        /// Whether they are signed.
        signed: bool,
        /// Which half.
        part: u8,
    },
    /// Lanes of the result are the low halves of the lanes of `a`; then the zeros, or with `part` 1, the low half of
    /// the destination stays and they are its high half.
    Narrow {
        /// The lanes of the result.
        lane: Lane,
        /// Which half of the destination is made.
        part: u8,
    },
    /// The floats of a half of `a` in the format of twice the width.
    FloatWiden {
        /// The format of `a`.
        from: Format,
        /// Which half.
        part: u8,
    },
    /// The floats of `a` in the format of half the width, placed as with [`Narrow`](VecOp::Narrow).
    FloatNarrow {
        /// The format of the result.
        to: Format,
        /// Rounding.
        rm: Round,
        /// Which half of the destination is made.
        part: u8,
    },
    /// The ones in each byte of `a`.
    Count,
    /// The bits of each byte of `a` in reverse order.
    BitRev,
    /// Bytes of `a` by the indices in `b`; 0 where an index is above 15.
    Table,
    /// AES: SubBytes and ShiftRows of `a ^ b`.
    AesEncrypt,
    /// AES: their inverses.
    AesDecrypt,
    /// AES: MixColumns of `a`.
    AesMix,
    /// AES: its inverse.
    AesMixInverse,
    /// The carry-less product of a half of `a` and of `b`.
    ClMul(u8),
    /// A float op, rounded so.
    Float(VecFloat, Format, Round),
}

impl VecOp {
    /// Whether the low half of the destination stays.
    pub const fn keeps_low(self) -> bool {
        matches!(self, VecOp::Narrow { part: 1, .. } | VecOp::FloatNarrow { part: 1, .. })
    }
}

/// An op on vectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VecInsn {
    /// What it does.
    pub op: VecOp,
    /// Only the low half is made, and the high one cleared. Float ops read nothing else.
    pub half: bool,
    /// The destination.
    pub d: Slot,
    /// The operands; those that the op does not have are the first one again.
    pub a: Slot,
    /// See `a`.
    pub b: Slot,
    /// See `a`.
    pub c: Slot,
}

/// A lane of a vector, in bits.
fn get(v: Vector, bits: u32, n: u32) -> u64 {
    let at = bits * n;
    v[(at / 64) as usize] >> (at % 64) & mask(bits)
}

fn put(v: &mut Vector, bits: u32, n: u32, value: u64) {
    let at = bits * n;
    let half = &mut v[(at / 64) as usize];
    *half = *half & !(mask(bits) << (at % 64)) | (value & mask(bits)) << (at % 64);
}

/// Every lane made by `f` of its number.
fn lanes(bits: u32, f: impl Fn(u32) -> u64) -> Vector {
    let mut v = [0; 2];
    for n in 0..128 / bits {
        put(&mut v, bits, n, f(n));
    }
    v
}

fn map2(lane: Lane, a: Vector, b: Vector, f: impl Fn(u64, u64) -> u64) -> Vector {
    lanes(lane.bits(), |n| f(get(a, lane.bits(), n), get(b, lane.bits(), n)))
}

fn map2s(lane: Lane, a: Vector, b: Vector, f: impl Fn(i64, i64) -> i64) -> Vector {
    map2(lane, a, b, |x, y| f(sext(x, lane.bits()) as i64, sext(y, lane.bits()) as i64) as u64)
}

fn ones(holds: bool) -> u64 {
    if holds { u64::MAX } else { 0 }
}

/// What `insn` makes of its operands' values and the old one of its destination, and the float flags that it raises.
pub fn eval(insn: VecInsn, rules: &Rules, old: Vector, [a, b, c]: [Vector; 3]) -> (Vector, Flags) {
    let mut flags = Flags::NONE;
    let half = insn.half;
    let joined = |lane: Lane, n: u32| {
        // Both operands, or both low halves, one after the other.
        let count = if half { lane.count() / 2 } else { lane.count() };
        if n < count { get(a, lane.bits(), n) } else { get(b, lane.bits(), (n - count) % count) }
    };
    let count_of = |lane: Lane| if half { lane.count() / 2 } else { lane.count() };
    let turn = |lane: Lane, at: &dyn Fn(u32) -> u32| {
        lanes(lane.bits(), |n| get(if n % 2 == 0 { a } else { b }, lane.bits(), at(n / 2) % lane.count()))
    };
    let mut value = match insn.op {
        VecOp::And => [a[0] & b[0], a[1] & b[1]],
        VecOp::AndNot => [a[0] & !b[0], a[1] & !b[1]],
        VecOp::Or => [a[0] | b[0], a[1] | b[1]],
        VecOp::OrNot => [a[0] | !b[0], a[1] | !b[1]],
        VecOp::Xor => [a[0] ^ b[0], a[1] ^ b[1]],
        VecOp::Choose => [0, 1].map(|n| a[n] & c[n] | b[n] & !c[n]),
        VecOp::Add(lane) => map2(lane, a, b, u64::wrapping_add),
        VecOp::Sub(lane) => map2(lane, a, b, u64::wrapping_sub),
        VecOp::Mul(lane) => map2(lane, a, b, u64::wrapping_mul),
        VecOp::Eq(lane) => map2(lane, a, b, |x, y| ones(x == y)),
        VecOp::GtS(lane) => map2s(lane, a, b, |x, y| ones(x > y) as i64),
        VecOp::GtU(lane) => map2(lane, a, b, |x, y| ones(x > y)),
        VecOp::GeS(lane) => map2s(lane, a, b, |x, y| ones(x >= y) as i64),
        VecOp::GeU(lane) => map2(lane, a, b, |x, y| ones(x >= y)),
        VecOp::Test(lane) => map2(lane, a, b, |x, y| ones(x & y != 0)),
        VecOp::MinS(lane) => map2s(lane, a, b, i64::min),
        VecOp::MaxS(lane) => map2s(lane, a, b, i64::max),
        VecOp::MinU(lane) => map2(lane, a, b, u64::min),
        VecOp::MaxU(lane) => map2(lane, a, b, u64::max),
        VecOp::Abs(lane) => map2s(lane, a, a, |x, _| x.wrapping_abs()),
        VecOp::SatAddS(lane) => saturated(lane, true, a, b, |x, y| x + y),
        VecOp::SatAddU(lane) => saturated(lane, false, a, b, |x, y| x + y),
        VecOp::SatSubS(lane) => saturated(lane, true, a, b, |x, y| x - y),
        VecOp::SatSubU(lane) => saturated(lane, false, a, b, |x, y| x - y),
        VecOp::AverageU(lane) => map2(lane, a, b, |x, y| (x | y) - ((x ^ y) >> 1)),
        VecOp::MulHighDouble { lane, round } => map2s(lane, a, b, |x, y| {
            let half = if round { 1 << (lane.bits() - 1) } else { 0 };
            ((2 * i128::from(x) * i128::from(y) + half) >> lane.bits()) as i64
        }),
        VecOp::ShiftBy { lane, signed: true } => map2s(lane, a, b, |x, by| match by as i8 {
            left @ 0.. => x.checked_shl(left as u32).unwrap_or(0),
            right => x >> right.unsigned_abs().min(63),
        }),
        VecOp::ShiftBy { lane, signed: false } => map2(lane, a, b, |x, by| match by as i8 {
            left @ 0.. => x.checked_shl(left as u32).unwrap_or(0),
            right => x.checked_shr(right.unsigned_abs().into()).unwrap_or(0),
        }),
        VecOp::Dot { a_signed, b_signed } => {
            let byte = |v, signed, n| if signed { sext(get(v, 8, n), 8) } else { get(v, 8, n) };
            lanes(32, |n| {
                let products = (4 * n..4 * n + 4).map(|k| byte(a, a_signed, k).wrapping_mul(byte(b, b_signed, k)));
                products.fold(get(c, 32, n), u64::wrapping_add)
            })
        }
        VecOp::Shl(lane, by) => map2(lane, a, a, |x, _| x << by),
        VecOp::ShrU(lane, by) => map2(lane, a, a, |x, _| x.checked_shr(by.into()).unwrap_or(0)),
        VecOp::ShrS(lane, by) => map2s(lane, a, a, |x, _| x >> by.min(63)),
        VecOp::Dup(lane, index) => {
            let value = get(a, lane.bits(), u32::from(index) % lane.count());
            lanes(lane.bits(), |_| value)
        }
        VecOp::Extract(from) => {
            let count = 2 * count_of(Lane::B8);
            lanes(8, |n| joined(Lane::B8, (n + u32::from(from)) % count))
        }
        VecOp::ZipLow(lane) => turn(lane, &|n| n),
        VecOp::ZipHigh(lane) => turn(lane, &|n| n + count_of(lane) / 2),
        VecOp::UnzipEven(lane) => lanes(lane.bits(), |n| joined(lane, 2 * n % (2 * count_of(lane)))),
        VecOp::UnzipOdd(lane) => lanes(lane.bits(), |n| joined(lane, (2 * n + 1) % (2 * count_of(lane)))),
        VecOp::TransposeEven(lane) => turn(lane, &|n| 2 * n),
        VecOp::TransposeOdd(lane) => turn(lane, &|n| 2 * n + 1),
        VecOp::Reverse(lane, inside) => {
            let last = inside.bits() / lane.bits() - 1;
            lanes(lane.bits(), |n| get(a, lane.bits(), n ^ last))
        }
        VecOp::Widen { lane, signed, part } => widen(lane, signed, part, a, a, |x, _| x),
        VecOp::MulWide { lane, signed, part } => widen(lane, signed, part, a, b, u64::wrapping_mul),
        VecOp::Narrow { lane, part } => {
            let v = lanes(lane.bits(), |n| get(a, 2 * lane.bits(), n % (lane.count() / 2)));
            return (placed(part, old, v[0]), flags);
        }
        VecOp::FloatWiden { from, part } => {
            let (bits, to) = if from == Format::F32 { (32, Format::F64) } else { (16, Format::F32) };
            let mut v = [0; 2];
            for n in 0..64 / bits {
                let from_lane = get(a, bits, u32::from(part) * (64 / bits) + n);
                let (value, raised) = float::convert(from, to, rules, Round::NearestEven, from_lane);
                flags |= raised;
                put(&mut v, 2 * bits, n, value);
            }
            v
        }
        VecOp::FloatNarrow { to, rm, part } => {
            let (bits, from) = if to == Format::F32 { (32, Format::F64) } else { (16, Format::F32) };
            let mut v = [0; 2];
            for n in 0..64 / bits {
                let (value, raised) = float::convert(from, to, rules, rm, get(a, 2 * bits, n));
                flags |= raised;
                put(&mut v, bits, n, value);
            }
            return (placed(part, old, v[0]), flags);
        }
        VecOp::BitRev => map2(Lane::B8, a, a, |x, _| (x as u8).reverse_bits().into()),
        VecOp::Count => map2(Lane::B8, a, a, |x, _| x.count_ones().into()),
        VecOp::Table => map2(Lane::B8, b, b, |index, _| if index < 16 { get(a, 8, index as u32) } else { 0 }),
        VecOp::AesEncrypt => super::aes::encrypt([a[0] ^ b[0], a[1] ^ b[1]]),
        VecOp::AesDecrypt => super::aes::decrypt([a[0] ^ b[0], a[1] ^ b[1]]),
        VecOp::AesMix => super::aes::mix(a),
        VecOp::AesMixInverse => super::aes::mix_inverse(a),
        VecOp::ClMul(part) => {
            let (x, y) = (a[usize::from(part & 1)], b[usize::from(part & 1)]);
            [eval::bin(BinOp::ClMul, Width::W64, x, y), eval::bin(BinOp::ClMulH, Width::W64, x, y)]
        }
        VecOp::Float(op, fmt, rm) => {
            let bits = if fmt == Format::F64 { 64 } else { 32 };
            let mut v = [0; 2];
            for n in 0..if half { 64 } else { 128 } / bits {
                let [x, y, z] = [a, b, c].map(|v| get(v, bits, n));
                let (value, raised) = float_lane(op, fmt, rules, rm, x, y, z);
                flags |= raised;
                put(&mut v, bits, n, value);
            }
            v
        }
    };
    if half {
        value[1] = 0;
    }
    (value, flags)
}

/// A half of a vector that is made, in its place.
fn placed(part: u8, old: Vector, half: u64) -> Vector {
    if part == 0 { [half, 0] } else { [old[0], half] }
}

/// Every lane made by `f`, clamped to its width.
fn saturated(lane: Lane, signed: bool, a: Vector, b: Vector, f: impl Fn(i128, i128) -> i128) -> Vector {
    let number = |x: u64| if signed { i128::from(sext(x, lane.bits()) as i64) } else { i128::from(x) };
    let (least, most) = match lane.bits() {
        bits if signed => (-1 << (bits - 1), (1 << (bits - 1)) - 1),
        bits => (0, (1 << bits) - 1),
    };
    map2(lane, a, b, |x, y| f(number(x), number(y)).clamp(least, most) as u64)
}

fn widen(lane: Lane, signed: bool, part: u8, a: Vector, b: Vector, f: impl Fn(u64, u64) -> u64) -> Vector {
    let bits = lane.bits();
    let from = u32::from(part) * lane.count() / 2;
    let extended = |v: Vector, n: u32| {
        let value = get(v, bits, from + n);
        if signed { sext(value, bits) } else { value }
    };
    lanes(2 * bits, |n| f(extended(a, n), extended(b, n)))
}

fn float_lane(op: VecFloat, fmt: Format, rules: &Rules, rm: Round, a: u64, b: u64, c: u64) -> (u64, Flags) {
    let compare = |cond, x, y| {
        let (holds, flags) = eval::float_cmp(cond, fmt, rules, x, y);
        (ones(holds), flags)
    };
    let compute = |op, a| eval::float(op, fmt, rules, rm, a, b, c);
    let wide = fmt == Format::F64;
    match op {
        VecFloat::Add => compute(FloatOp::Add, a),
        VecFloat::Sub => compute(FloatOp::Sub, a),
        VecFloat::Mul => compute(FloatOp::Mul, a),
        VecFloat::Div => compute(FloatOp::Div, a),
        VecFloat::Fma => compute(FloatOp::Fma, a),
        VecFloat::FmaNeg => compute(FloatOp::Fma, a ^ 1 << (fmt.exp_bits() + fmt.frac_bits())),
        VecFloat::Sqrt => compute(FloatOp::Sqrt, a),
        VecFloat::Eq => compare(FloatCond::Eq, a, b),
        VecFloat::Gt => compare(FloatCond::Lt, b, a),
        VecFloat::Ge => compare(FloatCond::Le, b, a),
        VecFloat::Min(kind) => compute(FloatOp::Min(kind), a),
        VecFloat::Max(kind) => compute(FloatOp::Max(kind), a),
        VecFloat::RoundInt { exact } => compute(FloatOp::RoundInt { exact }, a),
        VecFloat::FromInt(Fixed { signed, fraction }) => {
            let from = match (wide, signed) {
                (false, true) => IntToFloat::I32,
                (false, false) => IntToFloat::U32,
                (true, true) => IntToFloat::I64,
                (true, false) => IntToFloat::U64,
            };
            eval::int_to_float(from, fraction, fmt, rules, rm, a)
        }
        VecFloat::ToInt(Fixed { signed, fraction }) => {
            let to = match (wide, signed) {
                (false, true) => FloatToInt::I32,
                (false, false) => FloatToInt::U32,
                (true, true) => FloatToInt::I64,
                (true, false) => FloatToInt::U64,
            };
            eval::float_to_int(fmt, to, fraction, rules, rm, a)
        }
    }
}

/// A vector op that has a scalar operand, or touches memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VecMove {
    /// The low bits of the value in every lane; with `half` the high half is cleared.
    Dup {
        /// The lanes.
        lane: Lane,
        /// See [`VecInsn::half`].
        half: bool,
        /// The destination.
        d: Slot,
        /// The value, an integer.
        value: Val,
    },
    /// Loads 16 bytes from `base + disp`.
    Load {
        /// The destination.
        d: Slot,
        /// The base.
        base: Val,
        /// The displacement.
        disp: i32,
    },
    /// Stores 16 bytes.
    Store {
        /// The source.
        s: Slot,
        /// The base.
        base: Val,
        /// The displacement.
        disp: i32,
    },
}

/// What [`VecMove::Dup`] makes.
pub fn duplicate(lane: Lane, half: bool, value: u64) -> Vector {
    let v = lanes(lane.bits(), |_| value);
    if half { [v[0], 0] } else { v }
}
