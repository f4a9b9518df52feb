//! The decoder: from instruction bits to a row of the [table](super::table).
//!
//! ```text
//!   bits ──► bucket (bits 31:21) ──► first row that matches, whose features are there and whose condition holds
//! ```

use super::features::Features;
use super::lift::Lift;
use super::table;
use crate::base::bits::{bits, mask, sext};
use crate::ir::Width;
use std::sync::LazyLock;

/// Lifts one instruction.
pub type LiftFn = fn(&mut Lift, Insn);

/// What the bits must fulfil beside the pattern, with the CPU's features.
pub type Condition = fn(Insn, Features) -> bool;

/// An instruction's row in the table.
pub struct Row {
    /// Which bits are fixed.
    pub mask: u32,
    /// What the fixed bits are.
    pub value: u32,
    /// The mnemonic.
    pub name: &'static str,
    /// How its operands are written: see [`super::disasm`].
    pub operands: &'static str,
    /// The features that it needs.
    pub needs: Features,
    /// What else must hold; otherwise the encoding is unallocated.
    pub only: Condition,
    /// What lifts it.
    pub lift: LiftFn,
}

/// What a bit string says: a `0` or `1` is fixed, a letter belongs to a field, blanks only separate.
pub struct Pattern {
    /// Which bits are fixed.
    pub mask: u32,
    /// What they are.
    pub value: u32,
}

impl Pattern {
    /// Reads a bit string. A malformed one does not compile.
    pub const fn parse(text: &str) -> Pattern {
        let text = text.as_bytes();
        let (mut mask, mut value, mut count) = (0u32, 0u32, 0);
        let mut index = 0;
        while index < text.len() {
            let c = text[index];
            index += 1;
            if c == b' ' {
                continue;
            }
            assert!(c == b'0' || c == b'1' || c.is_ascii_lowercase(), "a bit string has 0, 1 and field letters");
            mask = mask << 1 | (c == b'0' || c == b'1') as u32;
            value = value << 1 | (c == b'1') as u32;
            count += 1;
        }
        assert!(count == 32, "a bit string has 32 bits");
        Pattern { mask, value }
    }
}

/// An instruction's bits, with the fields that most formats share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Insn(pub u32);

impl Insn {
    /// Bits `hi..=lo`.
    pub const fn bits(self, hi: u32, lo: u32) -> u32 {
        bits(self.0 as u64, hi, lo) as u32
    }

    /// Bit `n`.
    pub const fn bit(self, n: u32) -> bool {
        self.0 >> n & 1 != 0
    }

    /// Bits `hi..=lo`, sign-extended.
    pub const fn signed(self, hi: u32, lo: u32) -> i64 {
        sext(bits(self.0 as u64, hi, lo), hi - lo + 1) as i64
    }

    /// Rd or Rt, bits 4:0.
    pub const fn rd(self) -> u32 {
        self.bits(4, 0)
    }

    /// Rn, bits 9:5.
    pub const fn rn(self) -> u32 {
        self.bits(9, 5)
    }

    /// Rm or Rs, bits 20:16.
    pub const fn rm(self) -> u32 {
        self.bits(20, 16)
    }

    /// Ra or Rt2, bits 14:10.
    pub const fn ra(self) -> u32 {
        self.bits(14, 10)
    }

    /// The width that `sf`, bit 31, selects.
    pub const fn width(self) -> Width {
        if self.bit(31) { Width::W64 } else { Width::W32 }
    }

    /// The offset of a B, in bytes.
    pub const fn imm26(self) -> i64 {
        self.signed(25, 0) * 4
    }

    /// The offset of a conditional branch or literal load, in bytes.
    pub const fn imm19(self) -> i64 {
        self.signed(23, 5) * 4
    }

    /// The offset of a test-and-branch, in bytes.
    pub const fn imm14(self) -> i64 {
        self.signed(18, 5) * 4
    }

    /// The immediate of a logical instruction, as `DecodeBitMasks` has it; `None` where that is reserved.
    pub const fn logical_imm(self) -> Option<u64> {
        let (n, immr, imms) = (self.bits(22, 22), self.bits(21, 16), self.bits(15, 10));
        if n == 1 && !self.bit(31) {
            return None;
        }
        let pattern = n << 6 | (!imms & 0x3f);
        if pattern < 2 {
            return None;
        }
        let size = 1 << (31 - pattern.leading_zeros());
        let (ones, rotate) = (imms & (size - 1), immr & (size - 1));
        if ones == size - 1 {
            return None;
        }
        let mut element = mask(ones + 1);
        if rotate != 0 {
            element = (element >> rotate | element << (size - rotate)) & mask(size);
        }
        let mut width = size;
        while width < 64 {
            element |= element << width;
            width *= 2;
        }
        Some(if self.bit(31) { element } else { element & 0xffff_ffff })
    }
}

/// The row of the instruction `word`, if it is one of a CPU with `features`.
pub fn decode(word: u32, features: Features) -> Option<&'static Row> {
    let (start, end) = DECODER.buckets[(word >> SHIFT) as usize];
    DECODER.entries[usize::from(start)..usize::from(end)]
        .iter()
        .find(|entry| {
            word & entry.mask == entry.value && features.has(entry.row.needs) && (entry.row.only)(Insn(word), features)
        })
        .map(|entry| entry.row)
}

struct Entry {
    mask: u32,
    value: u32,
    row: &'static Row,
}

/// The rows sorted into buckets, in the order of the table within each.
struct Decoder {
    entries: Vec<Entry>,
    buckets: Vec<(u16, u16)>,
}

/// Below the bits that tell buckets apart.
const SHIFT: u32 = 21;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let mut decoder = Decoder { entries: Vec::new(), buckets: Vec::new() };
    for index in 0..1u32 << (32 - SHIFT) {
        let start = decoder.entries.len() as u16;
        let inside = |row: &&Row| (row.value ^ index << SHIFT) & row.mask >> SHIFT << SHIFT == 0;
        let entries = table::rows().filter(inside).map(|row| Entry { mask: row.mask, value: row.value, row });
        decoder.entries.extend(entries);
        decoder.buckets.push((start, decoder.entries.len() as u16));
    }
    decoder
});

/// Conditions of rows.
pub mod only {
    use super::{Features, Insn};

    /// None.
    pub const fn always(_: Insn, _: Features) -> bool {
        true
    }

    /// A shift amount in `imm6` fits the width.
    pub const fn shift(i: Insn, _: Features) -> bool {
        i.bit(31) || !i.bit(15)
    }

    /// Likewise, and the shift is no rotation.
    pub const fn shift_add(i: Insn, f: Features) -> bool {
        shift(i, f) && i.bits(23, 22) != 3
    }

    /// The shift of an extended register is at most 4.
    pub const fn extend(i: Insn, _: Features) -> bool {
        i.bits(12, 10) <= 4
    }

    /// `hw` fits the width.
    pub const fn move_wide(i: Insn, _: Features) -> bool {
        i.bit(31) || !i.bit(22)
    }

    /// The immediate of a logical instruction is one.
    pub const fn logical(i: Insn, _: Features) -> bool {
        i.logical_imm().is_some()
    }

    /// `N` is `sf`, and positions fit the width.
    pub const fn bitfield(i: Insn, _: Features) -> bool {
        i.bit(22) == i.bit(31) && (i.bit(31) || (!i.bit(21) && !i.bit(15)))
    }

    /// `N` is `sf`, and the position fits the width.
    pub const fn extract(i: Insn, _: Features) -> bool {
        i.bit(22) == i.bit(31) && (i.bit(31) || !i.bit(15))
    }

    /// The float type is single, double, or half where the CPU has that.
    pub const fn float(i: Insn, f: Features) -> bool {
        match i.bits(23, 22) {
            0 | 1 => true,
            3 => f.has(Features::FP16),
            _ => false,
        }
    }

    /// Likewise, and a fixed-point position fits the width.
    pub const fn fixed(i: Insn, f: Features) -> bool {
        float(i, f) && (i.bit(31) || i.bit(15))
    }

    /// The float type is single or double.
    pub const fn single_or_double(i: Insn, _: Features) -> bool {
        i.bits(23, 22) < 2
    }

    /// The register-offset option is UXTW, LSL, SXTW or SXTX.
    pub const fn offset(i: Insn, _: Features) -> bool {
        i.bit(14)
    }

    /// Rs and Rt are even.
    pub const fn even(i: Insn, _: Features) -> bool {
        !i.bit(16) && !i.bit(0)
    }

    /// The forms of FEAT_MOPS, less those that set tags; registers differ and are none of 31, but for what is set.
    pub const fn memory_operation(i: Insn, _: Features) -> bool {
        let (d, s, n) = (i.rd(), i.rm(), i.rn());
        let set = i.bits(23, 22) == 3;
        let form = if set { !i.bit(26) && i.bits(15, 14) != 3 } else { true };
        form && d != 31 && n != 31 && (set || s != 31) && d != s && d != n && s != n
    }
}
