//! The fields of Advanced SIMD instructions, and which of their values are allocated.

use crate::base::bits::{bit, bits};

/// An instruction word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Insn(pub u32);

impl Insn {
    /// Bits `hi..=lo`.
    #[inline]
    pub const fn bits(self, hi: u32, lo: u32) -> u32 {
        bits(self.0 as u64, hi, lo) as u32
    }

    /// Bit `n`.
    #[inline]
    pub const fn bit(self, n: u32) -> bool {
        bit(self.0 as u64, n)
    }

    /// Whether all of the register is worked on, or its low half.
    #[inline]
    pub const fn q(self) -> bool {
        self.bit(30)
    }

    /// The element size field.
    #[inline]
    pub const fn size(self) -> u32 {
        self.bits(23, 22)
    }

    /// The destination.
    #[inline]
    pub const fn rd(self) -> u32 {
        self.bits(4, 0)
    }

    /// The first source.
    #[inline]
    pub const fn rn(self) -> u32 {
        self.bits(9, 5)
    }

    /// The second source.
    #[inline]
    pub const fn rm(self) -> u32 {
        self.bits(20, 16)
    }

    /// The third source.
    #[inline]
    pub const fn ra(self) -> u32 {
        self.bits(14, 10)
    }

    /// Whether it is the scalar form.
    #[inline]
    pub const fn is_scalar(self) -> bool {
        self.bit(28)
    }

    /// How many lanes of `bits` bits are worked on.
    #[inline]
    pub const fn elements(self, bits: u32) -> u32 {
        if self.is_scalar() { 1 } else { (64 << self.q() as u32) / bits }
    }

    /// How many lanes of `bits` bits a half has; one in the scalar form.
    #[inline]
    pub const fn half_elements(self, bits: u32) -> u32 {
        if self.is_scalar() { 1 } else { 64 / bits }
    }

    /// The half that long forms read and narrow forms write: the "2" in their names.
    #[inline]
    pub const fn part(self) -> u32 {
        (self.q() && !self.is_scalar()) as u32
    }

    /// Whether the second source is an element. The shifts by immediate have this bit too, and no second source.
    #[inline]
    pub const fn is_by_element(self) -> bool {
        self.bit(24)
    }

    /// The register and the index of an element of `bits` bits.
    #[inline]
    pub const fn element(self, bits: u32) -> (u32, u32) {
        let (h, l, m) = (self.bit(11) as u32, self.bit(21) as u32, self.bit(20) as u32);
        match bits {
            16 => (self.bits(19, 16), h << 2 | l << 1 | m),
            32 => (self.rm(), h << 1 | l),
            _ => (self.rm(), h),
        }
    }

    /// `immh:immb` of the shifts.
    #[inline]
    pub const fn immhb(self) -> u32 {
        self.bits(22, 16)
    }

    /// The element size that `immh` says.
    #[inline]
    pub const fn shift_bits(self) -> u32 {
        8 << (self.bits(22, 19) | 1).ilog2()
    }

    /// `abcdefgh` of the modified immediates.
    #[inline]
    pub const fn imm8(self) -> u32 {
        self.bits(18, 16) << 5 | self.bits(9, 5)
    }
}

/// What says how wide an element is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// The size field.
    Z,
    /// Its low bit: single or double precision.
    Sd,
    /// Half precision.
    H,
}

impl Lane {
    /// The width.
    #[inline]
    pub const fn bits(self, i: Insn) -> u32 {
        match self {
            Lane::Z => 8 << i.size(),
            Lane::Sd => 32 << i.bit(22) as u32,
            Lane::H => 16,
        }
    }
}

/// Tests for the field values that are allocated, named by the elements they allow. In the scalar forms bit 30, which
/// is Q elsewhere, is set.
pub mod allows {
    use super::Insn;

    /// Everything.
    pub fn any(_: Insn) -> bool {
        true
    }
    /// 8, 16, 32 bits, and 64 in a whole register.
    pub fn bhsd(i: Insn) -> bool {
        i.size() != 3 || i.q()
    }
    /// 8, 16, 32 bits.
    pub fn bhs(i: Insn) -> bool {
        i.size() != 3
    }
    /// 8, 16 bits.
    pub fn bh(i: Insn) -> bool {
        i.size() < 2
    }
    /// 16, 32 bits.
    pub fn hs(i: Insn) -> bool {
        matches!(i.size(), 1 | 2)
    }
    /// Single precision, and double in a whole register.
    pub fn sd(i: Insn) -> bool {
        !i.bit(22) || i.q()
    }
    /// 8, 16 bits, and 32 in a whole register.
    pub fn across(i: Insn) -> bool {
        i.size() < 2 || i.size() == 2 && i.q()
    }
    /// Half precision, single, and double in a whole register.
    pub fn complex(i: Insn) -> bool {
        i.size() != 0 && bhsd(i)
    }
    /// `imm5` names an element of 8 to 64 bits, of 64 in a whole register.
    pub fn element(i: Insn) -> bool {
        i.bits(19, 16) != 0 && (i.bits(18, 16) != 0 || i.q())
    }
    /// SMOV: an element narrower than the register it goes to.
    pub fn signed_move(i: Insn) -> bool {
        i.bits(17, 16) != 0 || i.q() && i.bit(18)
    }
    /// UMOV: the one width for each register width.
    pub fn unsigned_move(i: Insn) -> bool {
        if i.q() { i.bits(19, 16) == 8 } else { i.bits(18, 16) != 0 }
    }
    /// EXT: a position inside of the vector.
    pub fn extract(i: Insn) -> bool {
        i.q() || !i.bit(14)
    }
    /// A shift of any element.
    pub fn shift(i: Insn) -> bool {
        i.bits(22, 19) != 0 && (!i.bit(22) || i.q())
    }
    /// A shift of 8, 16 or 32 bits.
    pub fn shift_bhs(i: Insn) -> bool {
        matches!(i.bits(22, 19), 1..8)
    }
    /// A shift of 64 bits.
    pub fn shift_d(i: Insn) -> bool {
        i.bit(22)
    }
    /// A fixed-point conversion of 32 or 64 bits.
    pub fn fixed_sd(i: Insn) -> bool {
        i.bits(22, 19) >= 4 && shift(i)
    }
    /// An element of single precision, or of double in a whole register.
    pub fn by_element_sd(i: Insn) -> bool {
        !i.bit(22) || i.q() && !i.bit(21)
    }
    /// A complex element: of half precision, or of single in a whole register.
    pub fn by_element_complex(i: Insn) -> bool {
        match i.size() {
            1 => i.q() || !i.bit(11),
            2 => i.q() && !i.bit(21),
            _ => false,
        }
    }
    /// Several structures: not of single 64-bit elements, unless there is but one register to a structure.
    pub fn structures(i: Insn) -> bool {
        i.bits(11, 10) != 3 || i.q()
    }
}
