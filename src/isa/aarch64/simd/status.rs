//! FPCR taken apart, and what an instruction adds to FPSR.

use crate::base::bits::bit;
use crate::float::{Flags, Format, NanRule, Round, Rules, Subnormals, Tininess, is_nan};

/// Arm with FPCR.AH set.
const ALTERNATE: Rules =
    Rules { nan: NanRule::X86, tiny: Tininess::AfterRounding, subnormals: Subnormals::X86, ..Rules::ARM };

/// How to compute, and what was raised so far.
#[derive(Clone, Debug)]
pub struct Status {
    single: Rules,
    half: Rules,
    /// The rounding direction.
    pub rounding: Round,
    /// Whether conversions use Arm's alternative half precision (AHP).
    alternative_half: bool,
    /// Whether products of bfloat16 round and flush as FPCR says (EBF).
    pub extended_bfloat: bool,
    /// Alternate handling (AH): signs of NaNs stay, minima and maxima compare alone, estimates have a mode of theirs.
    pub alternate: bool,
    /// Whether scalar results keep the other elements of a register (NEP).
    pub merges: bool,
    /// Whether flushed operands are none of FPSR's: FIZ alone flushes them.
    silent: bool,
    /// The float exceptions raised.
    pub flags: Flags,
    /// Whether something saturated.
    pub qc: bool,
}

impl Status {
    /// As FPCR says, nothing raised.
    pub fn new(fpcr: u64) -> Status {
        let [fiz, ah, nep, fz16, fz, dn] = [0, 1, 2, 19, 24, 25].map(|n| bit(fpcr, n));
        let base = if ah { ALTERNATE } else { Rules::ARM };
        let nan = match (dn, ah) {
            (true, true) => NanRule::DefaultNegative,
            (true, false) => NanRule::Default,
            (false, _) => base.nan,
        };
        let rules = |flush_inputs, flush_outputs| Rules { nan, flush_inputs, flush_outputs, ..base };
        Status {
            single: rules(fiz || fz && !ah, fz),
            half: rules(fz16, fz16),
            rounding: match fpcr >> 22 & 3 {
                0 => Round::NearestEven,
                1 => Round::Up,
                2 => Round::Down,
                _ => Round::TowardZero,
            },
            alternative_half: bit(fpcr, 26),
            extended_bfloat: bit(fpcr, 13),
            alternate: ah,
            merges: nep,
            silent: !fz && !ah,
            flags: Flags::NONE,
            qc: false,
        }
    }

    /// The rules of elements of `bits` bits.
    #[inline]
    pub fn rules(&self, bits: u32) -> Rules {
        if bits == 16 { self.half } else { self.single }
    }

    /// The format of elements of `bits` bits that are converted to or from another.
    pub fn converted(&self, bits: u32) -> Format {
        if bits == 16 && self.alternative_half { Format::AltF16 } else { format(bits) }
    }

    /// What was raised for FPSR.
    pub fn raised(&self) -> Flags {
        if self.silent { Flags(self.flags.0 & !Flags::INPUT_DENORMAL.0) } else { self.flags }
    }

    /// `a` with its sign inverted; under AH a NaN keeps it (FPNeg).
    #[inline]
    pub fn negated(&self, bits: u32, a: u64) -> u64 {
        if self.alternate && is_nan(format(bits), a) { a } else { a ^ format(bits).sign_bit() }
    }

    /// `a` without its sign; under AH a NaN keeps it (FPAbs).
    #[inline]
    pub fn absolute(&self, bits: u32, a: u64) -> u64 {
        if self.alternate && is_nan(format(bits), a) { a } else { a & !format(bits).sign_bit() }
    }

    /// Computes what has a mode of its own under AH (estimates and their steps, bfloat16): to nearest, all flushed but
    /// half precision, which goes by FZ16, and nothing raised.
    pub fn unmoded(&mut self, op: impl FnOnce(&mut Status) -> u64) -> u64 {
        if !self.alternate {
            return op(self);
        }
        let single = Rules { flush_inputs: true, flush_outputs: true, ..self.single };
        op(&mut Status { single, rounding: Round::NearestEven, ..self.clone() })
    }

    /// Notes the flags of a result.
    #[inline]
    pub fn take(&mut self, (value, flags): (u64, Flags)) -> u64 {
        self.flags |= flags;
        value
    }
}

/// The format of floats of `bits` bits.
#[inline]
pub const fn format(bits: u32) -> Format {
    match bits {
        16 => Format::F16,
        32 => Format::F32,
        _ => Format::F64,
    }
}
