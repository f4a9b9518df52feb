//! The mode word: what a lifted block depends on beside its bytes ([`crate::cpu::Mode::code`]).

use crate::base::bits::{bit, bits, with_field};
use crate::float::{Format, NanRule, Round, Rules};
use crate::ir::{Mem, MemSize};

/// The mode word taken apart.
///
/// Bits 1:0 exception level; 3:2 the level that FP and SIMD instructions trap to, 0 for none; 5:4 FPCR.RMode; 6 FZ;
/// 7 FZ16; 8 DN; 9 AH, FIZ or NEP; 13:10 SCTLR EnIA, EnIB, EnDA, EnDB; 14 alignment checks; 15 SP alignment checks (SA,
/// SA0); 16 big-endian data (EE, E0E); 17 unprivileged accesses (LDTR and kin) are EL0's; 18 PACIASP and PACIBSP are
/// no target of every branch (BT0, BT1); 19 PSTATE.SP; 20 software step is active; 21 software step or breakpoints are
/// enabled; 22 FPCR.AHP; 31 the page is guarded, which is no part of what the registers say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CodeMode {
    /// Exception level.
    pub el: u8,
    /// The level that FP and SIMD instructions trap to; 0: they do not.
    pub float_trap: u8,
    /// FPCR bits RMode (1:0), FZ (2), FZ16 (3), DN (4), AH or FIZ or NEP (5), AHP (6).
    pub float: u8,
    /// SCTLR bits EnIA (0), EnIB (1), EnDA (2), EnDB (3) of the translation regime.
    pub pauth: u8,
    /// Accesses must be aligned: SCTLR.A, or all memory is of the device kind because translation is off.
    pub aligned: bool,
    /// SCTLR.SA or SA0: SP must be aligned where it is a base.
    pub sp_aligned: bool,
    /// Data is big-endian.
    pub big_endian: bool,
    /// LDTR and kin are made as if at EL0: at EL1, or at EL2 with E2H and TGE, unless PSTATE.UAO is set.
    pub unprivileged: bool,
    /// SCTLR.BT0 or BT1: of targets in guarded pages, PACIASP and PACIBSP are none for branches of type 3.
    pub bti: bool,
    /// PSTATE.SP: the stack pointer is the level's own.
    pub own_sp: bool,
    /// Software step is active: instructions run one by one, each with the helper STEP before it.
    pub stepped: bool,
    /// Something of self-hosted debug is in use, so that PSTATE.D decides what translates.
    pub debugged: bool,
    /// The code's page is guarded: branch targets are checked.
    pub guarded: bool,
}

/// FPCR.RMode and so on, as [`CodeMode::float`] has them.
pub mod float_bits {
    /// Flush single and double precision to zero.
    pub const FZ: u8 = 1 << 2;
    /// Flush half precision to zero.
    pub const FZ16: u8 = 1 << 3;
    /// Default NaN.
    pub const DN: u8 = 1 << 4;
    /// AH, FIZ or NEP: helpers do all that floats do, as FPCR says.
    pub const ALTERNATE: u8 = 1 << 5;
    /// Alternative half precision.
    pub const AHP: u8 = 1 << 6;
}

/// [`CodeMode::float`] of an FPCR.
pub const fn float_of_fpcr(fpcr: u64) -> u8 {
    bits(fpcr, 23, 22) as u8
        | (bit(fpcr, 24) as u8) << 2
        | (bit(fpcr, 19) as u8) << 3
        | (bit(fpcr, 25) as u8) << 4
        | ((bits(fpcr, 2, 0) != 0) as u8) << 5
        | (bit(fpcr, 26) as u8) << 6
}

impl CodeMode {
    /// The bit of guarded pages ([`crate::cpu::Mapping::code`]).
    pub const GUARDED: u8 = 1 << 7;

    /// The word.
    pub const fn encode(self) -> u32 {
        let mut word = self.el as u64;
        word = with_field(word, 3 << 2, self.float_trap as u64);
        word = with_field(word, 0x3f << 4, self.float as u64);
        word = with_field(word, 0xf << 10, self.pauth as u64);
        word |= (self.aligned as u64) << 14 | (self.sp_aligned as u64) << 15 | (self.big_endian as u64) << 16;
        word |= (self.unprivileged as u64) << 17 | (self.bti as u64) << 18 | (self.own_sp as u64) << 19;
        word |= (self.stepped as u64) << 20 | (self.debugged as u64) << 21;
        word |= ((self.float & float_bits::AHP != 0) as u64) << 22;
        word as u32 | (self.guarded as u32) << 31
    }

    /// The word taken apart.
    pub const fn decode(word: u32) -> CodeMode {
        let word = word as u64;
        CodeMode {
            el: bits(word, 1, 0) as u8,
            float_trap: bits(word, 3, 2) as u8,
            float: bits(word, 9, 4) as u8 | (bit(word, 22) as u8) << 6,
            pauth: bits(word, 13, 10) as u8,
            aligned: bit(word, 14),
            sp_aligned: bit(word, 15),
            big_endian: bit(word, 16),
            unprivileged: bit(word, 17),
            bti: bit(word, 18),
            own_sp: bit(word, 19),
            stepped: bit(word, 20),
            debugged: bit(word, 21),
            guarded: bit(word, 31),
        }
    }

    /// How data of a width is accessed.
    pub const fn mem(self, size: MemSize) -> Mem {
        Mem { size, aligned: self.aligned, big_endian: self.big_endian }
    }

    /// Whether helpers do all that floats do, because FPCR.AH, FIZ or NEP is set (FEAT_AFP).
    pub const fn alternate(self) -> bool {
        self.float & float_bits::ALTERNATE != 0
    }

    /// FPCR.RMode as a rounding direction.
    pub const fn rounding(self) -> Round {
        match self.float & 3 {
            0 => Round::NearestEven,
            1 => Round::Up,
            2 => Round::Down,
            _ => Round::TowardZero,
        }
    }

    /// `fmt` where it is converted to or from another format.
    pub const fn converted(self, fmt: Format) -> Format {
        match fmt {
            Format::F16 if self.float & float_bits::AHP != 0 => Format::AltF16,
            fmt => fmt,
        }
    }

    /// The rules of single and double precision, and of all conversions between formats.
    pub const fn rules(self) -> &'static Rules {
        RULES[((self.float >> 2 & 1) | (self.float >> 4 & 1) << 1) as usize]
    }

    /// The rules of half-precision arithmetic.
    pub const fn half_rules(self) -> &'static Rules {
        RULES[((self.float >> 3 & 1) | (self.float >> 4 & 1) << 1) as usize]
    }
}

/// The rules, by flushing (bit 0) and default NaN (bit 1).
const RULES: [&Rules; 4] = [
    &Rules::ARM,
    &Rules { flush_inputs: true, flush_outputs: true, ..Rules::ARM },
    &Rules { nan: NanRule::Default, ..Rules::ARM },
    &Rules { nan: NanRule::Default, flush_inputs: true, flush_outputs: true, ..Rules::ARM },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for word in (0..23).map(|n| 1 << n).chain([0, (1 << 23) - 1, 1 << 31]) {
            assert_eq!(CodeMode::decode(word).encode(), word);
        }
    }

    #[test]
    fn rules_follow_fpcr() {
        let mode = |fpcr| CodeMode { float: float_of_fpcr(fpcr), ..CodeMode::default() };
        assert_eq!(mode(1 << 22).rounding(), Round::Up);
        assert!(mode(1 << 24).rules().flush_inputs && !mode(1 << 24).half_rules().flush_inputs);
        assert!(mode(1 << 19).half_rules().flush_outputs && !mode(1 << 19).rules().flush_outputs);
        assert_eq!(mode(1 << 25).rules().nan, NanRule::Default);
        assert!([1, 2, 4].into_iter().all(|fpcr| mode(fpcr).alternate()) && !mode(!7).alternate());
    }
}
