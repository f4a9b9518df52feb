//! FPCR taken apart, and what an instruction adds to FPSR.

use crate::base::bits::bit;
use crate::float::{Flags, Format, NanRule, Round, Rules};

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
    /// The float exceptions raised.
    pub flags: Flags,
    /// Whether something saturated.
    pub qc: bool,
}

impl Status {
    /// As FPCR says, nothing raised.
    pub fn new(fpcr: u64) -> Status {
        let rules = |flush: bool| Rules {
            nan: if bit(fpcr, 25) { NanRule::Default } else { NanRule::Arm },
            flush_inputs: flush,
            flush_outputs: flush,
            ..Rules::ARM
        };
        Status {
            single: rules(bit(fpcr, 24)),
            half: rules(bit(fpcr, 19)),
            rounding: match fpcr >> 22 & 3 {
                0 => Round::NearestEven,
                1 => Round::Up,
                2 => Round::Down,
                _ => Round::TowardZero,
            },
            alternative_half: bit(fpcr, 26),
            extended_bfloat: bit(fpcr, 13),
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
