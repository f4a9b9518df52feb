//! What the helpers do that need no system register, and how their operands are packed.

use super::mode::CodeMode;
use super::regs::{self, x};
use crate::base::bits::{bit, bits};
use crate::cpu::{Cpu, Trap};
use crate::float::{self, Format, MinMax, Round};
use crate::ir::eval::{self, Trapped};
use crate::ir::{FloatCond, FloatOp, FloatToInt, MemSize};

/// An op of [`super::helpers::FLOAT_HALF`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum HalfOp {
    /// A float op.
    Compute {
        /// Which.
        op: FloatOp,
        /// Rounding.
        rm: Round,
    },
    /// A comparison: 0 or 1.
    Compare(FloatCond),
    /// A conversion to an integer, or to fixed point.
    ToInt {
        /// The integer.
        to: FloatToInt,
        /// How many of its bits are behind the point.
        fraction: u8,
        /// Rounding.
        rm: Round,
    },
}

const OPS: [FloatOp; 12] = [
    FloatOp::Add,
    FloatOp::Sub,
    FloatOp::Mul,
    FloatOp::Div,
    FloatOp::Sqrt,
    FloatOp::Fma,
    FloatOp::Max(MinMax::Propagate),
    FloatOp::Min(MinMax::Propagate),
    FloatOp::Max(MinMax::Number2008),
    FloatOp::Min(MinMax::Number2008),
    FloatOp::RoundInt { exact: false },
    FloatOp::RoundInt { exact: true },
];
const CONDS: [FloatCond; 5] = [FloatCond::Eq, FloatCond::Lt, FloatCond::Le, FloatCond::LtQuiet, FloatCond::LeQuiet];
const INTS: [FloatToInt; 4] = [FloatToInt::I32, FloatToInt::U32, FloatToInt::I64, FloatToInt::U64];
const ROUNDS: [Round; 6] =
    [Round::NearestEven, Round::TowardZero, Round::Down, Round::Up, Round::NearestAway, Round::ToOdd];
const FORMATS: [Format; 3] = [Format::F16, Format::F32, Format::F64];

/// Where `item` is in `list`; lists hold whatever lifters ask for.
fn place<T: PartialEq + std::fmt::Debug>(list: &[T], item: T) -> u64 {
    let found = list.iter().position(|other| *other == item);
    found.unwrap_or_else(|| panic!("{item:?} has no number")) as u64
}

impl HalfOp {
    /// As a number: how many bits are behind the point in bits 31:24, what it is in 17:16, which one in 15:8, the
    /// rounding in 7:0.
    pub fn encode(self) -> u64 {
        match self {
            HalfOp::Compute { op, rm } => place(&OPS, op) << 8 | place(&ROUNDS, rm),
            HalfOp::Compare(cond) => 1 << 16 | place(&CONDS, cond) << 8,
            HalfOp::ToInt { to, fraction, rm } => {
                u64::from(fraction) << 24 | 2 << 16 | place(&INTS, to) << 8 | place(&ROUNDS, rm)
            }
        }
    }

    fn decode(number: u64) -> HalfOp {
        let (which, rm) = (bits(number, 15, 8) as usize, ROUNDS[bits(number, 7, 0) as usize]);
        match bits(number, 17, 16) {
            0 => HalfOp::Compute { op: OPS[which], rm },
            1 => HalfOp::Compare(CONDS[which]),
            _ => HalfOp::ToInt { to: INTS[which], fraction: bits(number, 31, 24) as u8, rm },
        }
    }
}

/// Which kind of [`Fixed`] conversion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FixedOp {
    /// Fixed point to a half-precision float, rounded as FPCR says.
    FromFixed,
    /// A float to an integral float that fits the integer, rounded as FPCR says.
    Round,
    /// Likewise toward zero.
    RoundToZero,
}

/// A conversion of [`super::helpers::FIXED`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fixed {
    /// Which kind.
    pub op: FixedOp,
    /// The float's format.
    pub fmt: Format,
    /// Bits of the integer.
    pub bits: u32,
    /// Whether that is signed.
    pub signed: bool,
    /// How many of its bits are behind the point.
    pub fraction_bits: u32,
}

const FIXED_OPS: [FixedOp; 3] = [FixedOp::FromFixed, FixedOp::Round, FixedOp::RoundToZero];

impl Fixed {
    /// As a number.
    pub fn encode(self) -> u64 {
        place(&FIXED_OPS, self.op)
            | place(&FORMATS, self.fmt) << 8
            | u64::from(self.bits) << 16
            | u64::from(self.signed) << 24
            | u64::from(self.fraction_bits) << 32
    }

    fn decode(number: u64) -> Fixed {
        Fixed {
            op: FIXED_OPS[bits(number, 7, 0) as usize],
            fmt: FORMATS[bits(number, 15, 8) as usize],
            bits: bits(number, 23, 16) as u32,
            signed: bit(number, 24),
            fraction_bits: bits(number, 39, 32) as u32,
        }
    }
}

/// A half-precision op under `mode`, with the flags that it raises.
pub fn half(mode: CodeMode, op: u64, operands: u64) -> (u64, float::Flags) {
    let rules = mode.half_rules();
    let [a, b, c] = [0, 16, 32].map(|at| bits(operands, at + 15, at));
    match HalfOp::decode(op) {
        HalfOp::Compute { op, rm } => eval::float(op, Format::F16, rules, rm, a, b, c),
        HalfOp::Compare(cond) => {
            let (holds, flags) = eval::float_cmp(cond, Format::F16, rules, a, b);
            (u64::from(holds), flags)
        }
        HalfOp::ToInt { to, fraction, rm } => eval::float_to_int(Format::F16, to, fraction, rules, rm, a),
    }
}

/// A conversion of [`Fixed`] under `mode`, with the flags that it raises.
pub fn fixed(mode: CodeMode, what: u64, value: u64) -> (u64, float::Flags) {
    let Fixed { op, fmt, bits, signed, fraction_bits } = Fixed::decode(what);
    let rules = if fmt == Format::F16 { mode.half_rules() } else { mode.rules() };
    let rm = mode.rounding();
    match op {
        FixedOp::FromFixed => float::from_fixed(fmt, rules, rm, value, bits, signed, fraction_bits),
        FixedOp::Round | FixedOp::RoundToZero => {
            let rm = if op == FixedOp::Round { rm } else { Round::TowardZero };
            let (_, flags) = float::to_int(fmt, rules, rm, value, bits, true);
            if flags.contains(float::Flags::INVALID) {
                // NaNs and what does not fit become the smallest integer.
                return (float::from_int(fmt, rm, 1 << (bits - 1), bits, true).0, flags);
            }
            float::round_to_int(fmt, rules, rm, value, true)
        }
    }
}

/// FLOAT_HALF.
///
/// # Errors
/// Never.
pub fn call_half(cpu: &mut Cpu, [op, operands, _]: [u64; 3]) -> Result<u64, Trap> {
    let (value, flags) = half(CodeMode::decode(cpu.mode), op, operands);
    cpu.raise(flags);
    Ok(value)
}

/// FIXED.
///
/// # Errors
/// Never.
pub fn call_fixed(cpu: &mut Cpu, [what, value, _]: [u64; 3]) -> Result<u64, Trap> {
    let (value, flags) = fixed(CodeMode::decode(cpu.mode), what, value);
    cpu.raise(flags);
    Ok(value)
}

/// CRC32: bytes of `value` go into `accumulator`.
pub fn crc32(accumulator: u64, value: u64, what: u64) -> u64 {
    // The polynomials with their bits in reverse order, as the sums have theirs.
    let polynomial: u32 = if bit(what, 8) { 0x82f6_3b78 } else { 0xedb8_8320 };
    let bytes = bits(what, 7, 0) as usize;
    let sum = value.to_le_bytes()[..bytes].iter().fold(accumulator as u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ if sum & 1 != 0 { polynomial } else { 0 })
    });
    u64::from(sum)
}

/// CRC32.
///
/// # Errors
/// Never.
pub fn call_crc32(_: &mut Cpu, [accumulator, value, what]: [u64; 3]) -> Result<u64, Trap> {
    Ok(crc32(accumulator, value, what))
}

/// Two registers that follow each other; 31 is the zero register.
fn pair(cpu: &Cpu, first: u64, second: u64) -> [u64; 2] {
    [first, second].map(|n| if n == 31 { 0 } else { cpu.get(x(n as u32)) })
}

/// CAS_PAIR.
///
/// # Errors
/// When the access traps.
pub fn cas_pair(cpu: &mut Cpu, [address, registers, _]: [u64; 3]) -> Result<u64, Trap> {
    let (s, t) = (bits(registers, 7, 0), bits(registers, 15, 8));
    let (expected, new) = (pair(cpu, s, s + 1), pair(cpu, t, t + 1));
    let half = CodeMode::decode(cpu.mode).mem(MemSize::B8);
    let old = cpu.cas_pair(half, address, expected, new).map_err(|Trapped| cpu.trap)?;
    for (n, old) in (s..).zip(old).filter(|(n, _)| *n != 31) {
        cpu.set(x(n as u32), old);
    }
    Ok(0)
}

/// STORE_PAIR_EXCLUSIVE.
///
/// # Errors
/// When the access traps.
pub fn store_pair_exclusive(cpu: &mut Cpu, [address, registers, _]: [u64; 3]) -> Result<u64, Trap> {
    if cpu.get(regs::EXCLUSIVE_ADDRESS) != address {
        return Ok(1);
    }
    let new = pair(cpu, bits(registers, 7, 0), bits(registers, 15, 8));
    let expected = [cpu.get(regs::EXCLUSIVE_VALUE), cpu.get(regs::EXCLUSIVE_HIGH)];
    let half = CodeMode::decode(cpu.mode).mem(MemSize::B8);
    let old = cpu.cas_pair(half, address, expected, new).map_err(|Trapped| cpu.trap)?;
    Ok(u64::from(old != expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        for op in OPS {
            for rm in ROUNDS {
                let op = HalfOp::Compute { op, rm };
                assert_eq!(HalfOp::decode(op.encode()), op);
            }
        }
        for op in CONDS.map(HalfOp::Compare) {
            assert_eq!(HalfOp::decode(op.encode()), op);
        }
        let fixed = Fixed { op: FixedOp::Round, fmt: Format::F64, bits: 64, signed: true, fraction_bits: 63 };
        assert_eq!(Fixed::decode(fixed.encode()), fixed);
    }

    #[test]
    fn check_sums_are_the_known_ones() {
        let sum = |what: u64| {
            let all = b"123456789".iter().fold(0xffff_ffff, |sum, byte| crc32(sum, u64::from(*byte), what));
            all ^ 0xffff_ffff
        };
        assert_eq!((sum(1), sum(1 | 1 << 8)), (0xcbf4_3926, 0xe306_9283));
    }
}
