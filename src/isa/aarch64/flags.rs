//! PSTATE's condition flags, kept as what they follow from.
//!
//! Most flags are never looked at, so setting them only notes the operands: slot [`FLAGS`](super::regs::FLAGS) says
//! of which [`Kind`] they are, `FLAG_A` to `FLAG_C` hold the operands. Lifted code whose block knows the kind compares
//! the operands; everything else asks [`nzcv`].

use crate::base::bits::bit;
use crate::float::{self, Format, Ordering4, Rules};

/// How N, Z, C and V follow from the operands. Of a 32-bit kind only bits 31:0 of the operands count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// `a` holds them in bits 31:28.
    Known,
    /// The difference `a - b`.
    Sub64,
    /// Likewise.
    Sub32,
    /// A sum: `a` is the result, `b` an operand.
    Add64,
    /// Likewise.
    Add32,
    /// The logical result `a`; C and V are 0.
    Logic64,
    /// Likewise.
    Logic32,
    /// The sum of `b`, `c` and perhaps a carry, which is `a`.
    Carry64,
    /// Likewise.
    Carry32,
    /// The half-precision numbers `a` and `b` were compared.
    Float16,
    /// The single-precision numbers.
    Float32,
    /// The double-precision numbers.
    Float64,
}

impl Kind {
    const ALL: [Kind; 12] = [
        Kind::Known,
        Kind::Sub64,
        Kind::Sub32,
        Kind::Add64,
        Kind::Add32,
        Kind::Logic64,
        Kind::Logic32,
        Kind::Carry64,
        Kind::Carry32,
        Kind::Float16,
        Kind::Float32,
        Kind::Float64,
    ];

    /// The kind that the slot's value says; values that no lifted code stores are taken for the first.
    pub fn of(value: u64) -> Kind {
        Kind::ALL.get(value as usize).copied().unwrap_or(Kind::Known)
    }

    /// Of a comparison in `fmt`.
    pub const fn of_floats(fmt: Format) -> Kind {
        match fmt {
            Format::F64 => Kind::Float64,
            Format::F32 => Kind::Float32,
            Format::F16 | Format::AltF16 | Format::BF16 => Kind::Float16,
        }
    }
}

/// Bits 31:28 of flags.
const fn pack(n: bool, z: bool, c: bool, v: bool) -> u64 {
    (n as u64) << 31 | (z as u64) << 30 | (c as u64) << 29 | (v as u64) << 28
}

/// The flags in bits 31:28, as the register NZCV and SPSRs have them.
pub fn nzcv(kind: u64, a: u64, b: u64, c: u64) -> u64 {
    let kind = Kind::of(kind);
    // 32-bit operands are those of a 64-bit operation when nothing stands below them.
    let [a, b, c] = match kind {
        Kind::Sub32 | Kind::Add32 | Kind::Logic32 | Kind::Carry32 => [a, b, c].map(|value| value << 32),
        _ => [a, b, c],
    };
    let signs = |result: u64| (bit(result, 63), result == 0);
    match kind {
        Kind::Known => a & 0xf000_0000,
        Kind::Sub64 | Kind::Sub32 => {
            let (n, z) = signs(a.wrapping_sub(b));
            pack(n, z, a >= b, (a as i64).overflowing_sub(b as i64).1)
        }
        Kind::Add64 | Kind::Add32 => {
            let (n, z) = signs(a);
            let other = a.wrapping_sub(b);
            pack(n, z, a < b, (other as i64).overflowing_add(b as i64).1)
        }
        Kind::Logic64 | Kind::Logic32 => {
            let (n, z) = signs(a);
            pack(n, z, false, false)
        }
        Kind::Carry64 | Kind::Carry32 => {
            let (n, z) = signs(a);
            pack(n, z, bit(b & c | (b | c) & !a, 63), bit((a ^ b) & (a ^ c), 63))
        }
        Kind::Float16 => of_order(Format::F16, a, b),
        Kind::Float32 => of_order(Format::F32, a, b),
        Kind::Float64 => of_order(Format::F64, a, b),
    }
}

fn of_order(fmt: Format, a: u64, b: u64) -> u64 {
    let cut = |value: u64| value & u64::MAX >> (63 - fmt.exp_bits() - fmt.frac_bits());
    match float::compare_with(fmt, &Rules::ARM, cut(a), cut(b), false).0 {
        Ordering4::Less => pack(true, false, false, false),
        Ordering4::Equal => pack(false, true, true, false),
        Ordering4::Greater => pack(false, false, true, false),
        Ordering4::Unordered => pack(false, false, true, true),
    }
}

/// Whether condition `cond` of four bits holds under flags in bits 31:28.
pub const fn holds(cond: u32, nzcv: u64) -> bool {
    let (n, z, c, v) = (bit(nzcv, 31), bit(nzcv, 30), bit(nzcv, 29), bit(nzcv, 28));
    let plain = match cond >> 1 {
        0 => z,
        1 => c,
        2 => n,
        3 => v,
        4 => c && !z,
        5 => n == v,
        6 => n == v && !z,
        _ => return true,
    };
    plain == (cond & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_those_of_the_operation() {
        let flags = |kind: Kind, a: u64, b: u64| nzcv(kind as u64, a, b, 1 << 63) >> 28;
        assert_eq!(flags(Kind::Sub64, 5, 5), 0b0110);
        assert_eq!(flags(Kind::Sub64, 4, 5), 0b1000);
        assert_eq!(flags(Kind::Sub32, 1 << 32 | 4, 5), 0b1000);
        assert_eq!(flags(Kind::Sub32, 0x8000_0000, 1), 0b0011);
        assert_eq!(flags(Kind::Add64, 0, 1), 0b0110, "all ones and one");
        assert_eq!(flags(Kind::Add32, 0x8000_0000, 1), 0b1001);
        assert_eq!(flags(Kind::Logic32, 0xf_8000_0000, 7), 0b1000);
        assert_eq!(flags(Kind::Logic64, 0, 7), 0b0100);
        assert_eq!(flags(Kind::Carry64, 1, 1 << 63), 0b0011, "with a carry in");
        assert_eq!(flags(Kind::Carry64, 1 << 63, 0), 0b1000);
        assert_eq!(flags(Kind::Carry32, 1 << 32, 0), 0b0100);
        assert_eq!(flags(Kind::Known, 0xa000_0000, 1), 0b1010);
        let one = 1f64.to_bits();
        assert_eq!(flags(Kind::Float64, one, 0), 0b0010);
        assert_eq!(flags(Kind::Float64, 0, one), 0b1000);
        assert_eq!(flags(Kind::Float64, 1 << 63, 0), 0b0110);
        assert_eq!(flags(Kind::Float32, u64::from(f32::NAN.to_bits()), 0), 0b0011);
        assert_eq!(flags(Kind::Float16, 0x3c00, 0x4000), 0b1000);
    }

    #[test]
    fn conditions_come_in_pairs() {
        for nzcv in (0..16).map(|n| n << 28) {
            for cond in (0..14).step_by(2) {
                assert_ne!(holds(cond, nzcv), holds(cond + 1, nzcv));
            }
            assert!(holds(14, nzcv) && holds(15, nzcv));
        }
    }
}
