//! Exact software floating point.
//!
//! What lives here: every IEEE 754 operation a guest can ask for, on raw bits,
//! with exact results and exact exception flags for each rounding direction.
//! What IEEE 754 leaves to the architecture (NaN payloads, when a result is
//! tiny, flushing, integer overflow) is a [`Rules`] value, so nothing in here
//! names a guest instruction. What may not live here: NaN boxing, FPSR/MXCSR
//! layouts, traps, state of any kind.
//!
//! ```text
//!  bits ──unpack──> Parts {sign, exp, sig} ──op──> exact or jammed Parts ──round_pack──> bits + Flags
//!    └── a NaN among them ──nan::propagate───────────────────────────────────────────────^
//! ```
//!
//! Values travel as `u64`: the format's bits at the bottom, zeros above on
//! output, whatever is above ignored on input.

// The tests set the host's own floating-point unit to work as an oracle.
#![cfg_attr(not(test), forbid(unsafe_code))]

mod arith;
mod compare;
mod convert;
mod nan;
mod parts;
#[cfg(test)]
mod tests;

pub use arith::{add, div, fma, mul, sqrt, sub};
pub use compare::{Class, MinMax, Ordering4, classify, compare, compare_with, max, min};
pub use convert::{convert, from_fixed, from_int, round_to_int, to_fixed, to_int, to_int_mod32};
pub use nan::{default_nan, is_nan, is_snan};

use std::ops::{BitOr, BitOrAssign};

/// A binary format: IEEE 754 interchange, bfloat16, and Arm's alternative half precision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Format {
    /// binary16: 5 exponent bits, 10 fraction bits.
    F16,
    /// Arm's alternative to binary16 (FPCR.AHP), for [`convert`] alone: its highest exponent is one of numbers.
    AltF16,
    /// bfloat16: 8 exponent bits, 7 fraction bits.
    BF16,
    /// binary32: 8 exponent bits, 23 fraction bits.
    F32,
    /// binary64: 11 exponent bits, 52 fraction bits.
    F64,
}

impl Format {
    /// Stored fraction bits.
    #[inline(always)]
    pub const fn frac_bits(self) -> u32 {
        match self {
            Format::F16 | Format::AltF16 => 10,
            Format::BF16 => 7,
            Format::F32 => 23,
            Format::F64 => 52,
        }
    }

    /// Exponent bits.
    #[inline(always)]
    pub const fn exp_bits(self) -> u32 {
        match self {
            Format::F16 | Format::AltF16 => 5,
            Format::BF16 | Format::F32 => 8,
            Format::F64 => 11,
        }
    }

    /// Whether it has infinities and NaNs.
    #[inline(always)]
    pub const fn has_specials(self) -> bool {
        !matches!(self, Format::AltF16)
    }

    /// Whether it is one of the half-precision formats, which conversions never flush.
    #[inline(always)]
    pub(crate) const fn is_half(self) -> bool {
        matches!(self, Format::F16 | Format::AltF16)
    }

    /// Exponent bias, which is also the largest unbiased exponent.
    #[inline(always)]
    pub const fn bias(self) -> i32 {
        (1 << (self.exp_bits() - 1)) - 1
    }

    /// The sign bit.
    #[inline(always)]
    pub const fn sign_bit(self) -> u64 {
        1 << (self.frac_bits() + self.exp_bits())
    }

    /// All bits but the sign.
    #[inline(always)]
    pub const fn magnitude_mask(self) -> u64 {
        self.sign_bit() - 1
    }

    /// The fraction field.
    #[inline(always)]
    pub const fn frac_mask(self) -> u64 {
        (1 << self.frac_bits()) - 1
    }

    /// Positive infinity.
    #[inline(always)]
    pub const fn infinity(self) -> u64 {
        self.magnitude_mask() & !self.frac_mask()
    }

    /// The fraction's top bit, which tells a quiet NaN from a signaling one.
    #[inline(always)]
    pub const fn quiet_bit(self) -> u64 {
        1 << (self.frac_bits() - 1)
    }

    /// The sign bit if `sign`, else zero.
    #[inline(always)]
    pub const fn sign(self, sign: bool) -> u64 {
        (sign as u64) << (self.frac_bits() + self.exp_bits())
    }
}

/// Rounding direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum Round {
    /// To nearest, ties to even.
    #[default]
    NearestEven,
    /// Toward zero.
    TowardZero,
    /// Toward minus infinity.
    Down,
    /// Toward plus infinity.
    Up,
    /// To nearest, ties away from zero (RISC-V RMM).
    NearestAway,
    /// Truncate, then set the last bit if anything was lost (Arm FCVTXN, Power
    /// round to odd): a later rounding to a shorter format is then exact.
    ToOdd,
}

/// Exceptions raised, laid out as RISC-V `fflags` with one bit more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// Nothing raised.
    pub const NONE: Flags = Flags(0);
    /// The result was rounded.
    pub const INEXACT: Flags = Flags(1);
    /// The result is tiny and inexact, or was flushed.
    pub const UNDERFLOW: Flags = Flags(2);
    /// The rounded result does not fit.
    pub const OVERFLOW: Flags = Flags(4);
    /// An infinity came from finite operands.
    pub const DIV_BY_ZERO: Flags = Flags(8);
    /// No useful result, or a signaling NaN was consumed.
    pub const INVALID: Flags = Flags(16);
    /// A subnormal operand was flushed (Arm IDC) or used (x86 DE), see
    /// [`Subnormals`].
    pub const INPUT_DENORMAL: Flags = Flags(32);

    /// Whether all of `other` is raised.
    #[inline]
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Flags;
    #[inline]
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    #[inline]
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// Which NaN an operation returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum NanRule {
    /// Always the positive canonical quiet NaN (RISC-V; Arm with FPCR.DN=1).
    Default,
    /// Always the negative canonical quiet NaN (Arm with FPCR.AH=1 and DN=1). As with X86, inf*0 + qNaN is quiet.
    DefaultNegative,
    /// The first signaling NaN, else the first quiet one; a fused multiply-add
    /// looks at the addend first, and inf*0 + qNaN is the default NaN.
    Arm,
    /// The first NaN of either kind; a fused multiply-add looks at frA, frB
    /// (the addend), frC in turn.
    Power,
    /// The first NaN of either kind, in the order of the digits in a fused
    /// multiply-add's name (`VFMADD213` has src2, src1, src3). The default NaN is negative, and inf*0 + qNaN is quiet.
    /// Arm with FPCR.AH=1 does the same.
    X86,
}

/// When a result counts as tiny.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Tininess {
    /// The exact result is below the smallest normal number.
    BeforeRounding,
    /// It still is after rounding to full precision with an unbounded exponent.
    AfterRounding,
}

/// What flushing raises, and what a subnormal operand raises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Subnormals {
    /// Flushing an operand raises INPUT_DENORMAL (but not in half precision),
    /// flushing a result UNDERFLOW alone. Results are flushed when tiny before
    /// rounding. Power's non-Java vector mode flushes likewise and has no flags.
    Arm,
    /// An operand used unflushed raises INPUT_DENORMAL (MXCSR.DE; but not in half precision), a flushed
    /// one (DAZ) nothing, and neither does one next to a NaN, in an invalid
    /// operation or divided by zero. Flushing a result (FTZ) raises UNDERFLOW and INEXACT,
    /// and only happens if it is tiny after rounding. Arm with FPCR.AH=1 does the same.
    X86,
}

/// What conversion to an integer gives for a NaN or a value out of range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum IntRule {
    /// Saturate; NaN is the largest integer (RISC-V).
    NanIsMax,
    /// Saturate; NaN is the smallest integer (Power).
    NanIsMin,
    /// Saturate; NaN is zero (Arm).
    NanIsZero,
    /// Always the integer indefinite: smallest signed, largest unsigned (x86).
    Indefinite,
}

/// How an architecture resolves what IEEE 754 leaves open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Rules {
    /// Which NaN results.
    pub nan: NanRule,
    /// When a result is tiny.
    pub tiny: Tininess,
    /// Subnormal operands are zeros (Arm FZ, x86 DAZ).
    pub flush_inputs: bool,
    /// Tiny results are zeros (Arm FZ, x86 FTZ).
    pub flush_outputs: bool,
    /// What flushing and subnormal operands raise.
    pub subnormals: Subnormals,
    /// Integer results for NaN and overflow.
    pub to_int: IntRule,
}

impl Rules {
    /// RISC-V F, D, Zfh and Zfa.
    pub const RISCV: Rules = Rules {
        nan: NanRule::Default,
        tiny: Tininess::AfterRounding,
        flush_inputs: false,
        flush_outputs: false,
        subnormals: Subnormals::Arm,
        to_int: IntRule::NanIsMax,
    };
    /// Arm with FPCR = 0. DN=1 is `nan: NanRule::Default`, FZ=1 (for F16,
    /// FZ16=1) is both flushes.
    pub const ARM: Rules = Rules {
        nan: NanRule::Arm,
        tiny: Tininess::BeforeRounding,
        flush_inputs: false,
        flush_outputs: false,
        subnormals: Subnormals::Arm,
        to_int: IntRule::NanIsZero,
    };
    /// Power ISA scalar and VSX.
    pub const POWER: Rules = Rules {
        nan: NanRule::Power,
        tiny: Tininess::BeforeRounding,
        flush_inputs: false,
        flush_outputs: false,
        subnormals: Subnormals::Arm,
        to_int: IntRule::NanIsMin,
    };
    /// x86 SSE and AVX with MXCSR = 0x1f80.
    pub const X86: Rules = Rules {
        nan: NanRule::X86,
        tiny: Tininess::AfterRounding,
        flush_inputs: false,
        flush_outputs: false,
        subnormals: Subnormals::X86,
        to_int: IntRule::Indefinite,
    };
}
