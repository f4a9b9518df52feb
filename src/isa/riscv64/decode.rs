//! The decoder: from instruction bits to a row of the [table](super::table) and the fields that its format names.
//!
//! ```text
//!   bits ──► bucket (opcode, and funct3 or funct7) ──► first row that matches and whose extensions are there
//!                                                        └──► Format: where rd, rs1, rs2 and the immediate are
//! ```
//! A compressed instruction differs from its 32-bit form in its format alone, so it has no lifter of its own.

use super::extensions::Extensions;
use super::lift::Lift;
use super::table::ROWS;
use crate::base::bits::{bits, sext};
use std::sync::LazyLock;

/// Lifts one instruction.
pub type LiftFn = fn(&mut Lift, Insn);

/// An instruction's row in the table.
pub struct Row {
    /// Which bits are fixed.
    pub mask: u32,
    /// What the fixed bits are.
    pub value: u32,
    /// Length in bytes.
    pub len: u8,
    /// Whether it has a rounding-mode field.
    pub rounds: bool,
    /// The mnemonic.
    pub name: &'static str,
    /// Where its fields are.
    pub format: Format,
    /// How its operands are written: see [`super::disasm`].
    pub operands: &'static str,
    /// The extensions that it needs.
    pub needs: Needs,
    /// What lifts it; `None` for encodings that the manual reserves inside another row.
    pub lift: Option<LiftFn>,
}

/// The extensions that a row needs: all of either set.
#[derive(Clone, Copy)]
pub struct Needs {
    /// One set.
    pub either: Extensions,
    /// Another; the same where there is only one.
    pub or: Extensions,
}

impl Needs {
    /// Whether `ext` has them.
    pub const fn met_by(self, ext: Extensions) -> bool {
        ext.has(self.either) || ext.has(self.or)
    }

    /// Whether floats are among them, so that the instruction is illegal while `mstatus.FS` is Off.
    pub const fn float(self) -> bool {
        const FLOATS: Extensions = Extensions::F.with(Extensions::D).with(Extensions::ZFH).with(Extensions::ZFHMIN);
        self.either.0 & FLOATS.0 != 0
    }
}

/// What a bit string says: a `0` or `1` is fixed, a letter belongs to a field, blanks only separate.
pub struct Pattern {
    /// Which bits are fixed.
    pub mask: u32,
    /// What they are.
    pub value: u32,
    /// Length in bytes.
    pub len: u8,
    /// Whether there is a rounding-mode field, `mmm`.
    pub rounds: bool,
}

impl Pattern {
    /// Reads a bit string. A malformed one does not compile.
    pub const fn parse(text: &str) -> Pattern {
        let text = text.as_bytes();
        let (mut mask, mut value, mut count, mut rounds) = (0u32, 0u32, 0, false);
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
            rounds |= c == b'm';
            count += 1;
        }
        assert!(count == 16 || count == 32, "a bit string has 16 or 32 bits");
        assert!((value & 3 == 3) == (count == 32), "the low two bits tell the length");
        Pattern { mask, value, len: count / 8, rounds }
    }
}

/// Where the fields are, by the manual's names of the formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// No operands.
    None,
    /// rd, rs1, rs2.
    R,
    /// rd, rs1, imm 31:20.
    I,
    /// rs1, rs2, the store offset.
    S,
    /// rs1, rs2, the branch offset.
    B,
    /// rd, imm 31:12 in place.
    U,
    /// rd, the jump offset.
    J,
    /// rd, rs1, a 6-bit shift amount.
    Shift,
    /// rd, rs1, a 5-bit shift amount.
    ShiftW,
    /// rd, rs1 (or a 5-bit immediate in its place), the CSR's number as immediate.
    Csr,
    /// rd = rs1, rs2.
    Cr,
    /// rd, rs2; rs1 is x0.
    CrMv,
    /// rs1; rd is x0.
    CrJr,
    /// rs1; rd is ra.
    CrJalr,
    /// rd = rs1, a 6-bit immediate.
    Ci,
    /// rd, a 6-bit immediate; rs1 is x0.
    CiLi,
    /// rd, a 6-bit immediate in bits 17:12.
    CiLui,
    /// rd = rs1 = sp, a multiple of 16.
    Ci16sp,
    /// rd = rs1, a shift amount.
    CiShift,
    /// rd; rs1 is sp, a word offset.
    CiLwsp,
    /// rd; rs1 is sp, a doubleword offset.
    CiLdsp,
    /// rs2; rs1 is sp, a word offset.
    CssSw,
    /// rs2; rs1 is sp, a doubleword offset.
    CssSd,
    /// rd'; rs1 is sp, a multiple of 4.
    Ciw,
    /// rd', rs1', a word offset.
    ClW,
    /// rd', rs1', a doubleword offset.
    ClD,
    /// rs2', rs1', a word offset.
    CsW,
    /// rs2', rs1', a doubleword offset.
    CsD,
    /// rd', rs1', a byte offset (Zcb).
    ClB,
    /// rd', rs1', a halfword offset (Zcb).
    ClH,
    /// rs2', rs1', a byte offset (Zcb).
    CsB,
    /// rs2', rs1', a halfword offset (Zcb).
    CsH,
    /// rd' = rs1' (Zcb).
    Cu,
    /// rd' = rs1', rs2'.
    Ca,
    /// rs1', the branch offset; rs2 is x0.
    Cb,
    /// rd' = rs1', a 6-bit immediate.
    CbImm,
    /// rd' = rs1', a shift amount.
    CbShift,
    /// The jump offset; rd is x0.
    Cj,
}

/// An instruction taken apart. Fields that its format does not have are 0.
#[derive(Clone, Copy, Debug)]
pub struct Insn {
    /// The bits as they stand in memory.
    pub word: u32,
    /// Destination register.
    pub rd: u32,
    /// First source register, or what stands in its place.
    pub rs1: u32,
    /// Second source register.
    pub rs2: u32,
    /// The immediate, sign- or zero-extended as the format says.
    pub imm: i64,
}

impl Insn {
    /// Takes `word` apart.
    pub fn new(word: u32, format: Format) -> Insn {
        let w = u64::from(word);
        let f = |hi, lo| bits(w, hi, lo) as u32;
        let u = |hi, lo, at| bits(w, hi, lo) << at;
        let signed = |value, width| sext(value, width) as i64;
        // Register fields of compressed formats with three bits name x8 to x15.
        let (low, high) = (8 + f(4, 2), 8 + f(9, 7));
        let ci = || u(12, 12, 5) | u(6, 2, 0);
        let lw = || (u(12, 10, 3) | u(6, 6, 2) | u(5, 5, 6)) as i64;
        let ld = || (u(12, 10, 3) | u(6, 5, 6)) as i64;
        let byte = || (u(6, 6, 0) | u(5, 5, 1)) as i64;
        let half = || u(5, 5, 1) as i64;
        let (rd, rs1, rs2, imm) = match format {
            Format::None => (0, 0, 0, 0),
            Format::R => (f(11, 7), f(19, 15), f(24, 20), 0),
            Format::I => (f(11, 7), f(19, 15), 0, signed(u(31, 20, 0), 12)),
            Format::S => (0, f(19, 15), f(24, 20), signed(u(31, 25, 5) | u(11, 7, 0), 12)),
            Format::B => {
                let offset = u(31, 31, 12) | u(7, 7, 11) | u(30, 25, 5) | u(11, 8, 1);
                (0, f(19, 15), f(24, 20), signed(offset, 13))
            }
            Format::U => (f(11, 7), 0, 0, signed(u(31, 12, 12), 32)),
            Format::J => {
                let offset = u(31, 31, 20) | u(19, 12, 12) | u(20, 20, 11) | u(30, 21, 1);
                (f(11, 7), 0, 0, signed(offset, 21))
            }
            Format::Shift => (f(11, 7), f(19, 15), 0, u(25, 20, 0) as i64),
            Format::ShiftW => (f(11, 7), f(19, 15), 0, u(24, 20, 0) as i64),
            Format::Csr => (f(11, 7), f(19, 15), 0, u(31, 20, 0) as i64),
            Format::Cr => (f(11, 7), f(11, 7), f(6, 2), 0),
            Format::CrMv => (f(11, 7), 0, f(6, 2), 0),
            Format::CrJr => (0, f(11, 7), 0, 0),
            Format::CrJalr => (1, f(11, 7), 0, 0),
            Format::Ci => (f(11, 7), f(11, 7), 0, signed(ci(), 6)),
            Format::CiLi => (f(11, 7), 0, 0, signed(ci(), 6)),
            Format::CiLui => (f(11, 7), 0, 0, signed(ci() << 12, 18)),
            Format::Ci16sp => {
                let imm = u(12, 12, 9) | u(6, 6, 4) | u(5, 5, 6) | u(4, 3, 7) | u(2, 2, 5);
                (2, 2, 0, signed(imm, 10))
            }
            Format::CiShift => (f(11, 7), f(11, 7), 0, ci() as i64),
            Format::CiLwsp => (f(11, 7), 2, 0, (u(12, 12, 5) | u(6, 4, 2) | u(3, 2, 6)) as i64),
            Format::CiLdsp => (f(11, 7), 2, 0, (u(12, 12, 5) | u(6, 5, 3) | u(4, 2, 6)) as i64),
            Format::CssSw => (0, 2, f(6, 2), (u(12, 9, 2) | u(8, 7, 6)) as i64),
            Format::CssSd => (0, 2, f(6, 2), (u(12, 10, 3) | u(9, 7, 6)) as i64),
            Format::Ciw => (low, 2, 0, (u(12, 11, 4) | u(10, 7, 6) | u(6, 6, 2) | u(5, 5, 3)) as i64),
            Format::ClW => (low, high, 0, lw()),
            Format::ClD => (low, high, 0, ld()),
            Format::CsW => (0, high, low, lw()),
            Format::CsD => (0, high, low, ld()),
            Format::ClB => (low, high, 0, byte()),
            Format::ClH => (low, high, 0, half()),
            Format::CsB => (0, high, low, byte()),
            Format::CsH => (0, high, low, half()),
            Format::Cu => (high, high, 0, 0),
            Format::Ca => (high, high, low, 0),
            Format::Cb => {
                let offset = u(12, 12, 8) | u(11, 10, 3) | u(6, 5, 6) | u(4, 3, 1) | u(2, 2, 5);
                (0, high, 0, signed(offset, 9))
            }
            Format::CbImm => (high, high, 0, signed(ci(), 6)),
            Format::CbShift => (high, high, 0, ci() as i64),
            Format::Cj => {
                let offset = u(12, 12, 11)
                    | u(11, 11, 4)
                    | u(10, 9, 8)
                    | u(8, 8, 10)
                    | u(7, 7, 6)
                    | u(6, 6, 7)
                    | u(5, 3, 1)
                    | u(2, 2, 5);
                (0, 0, 0, signed(offset, 12))
            }
        };
        Insn { word, rd, rs1, rs2, imm }
    }

    /// Bits `hi..=lo`.
    pub const fn bits(self, hi: u32, lo: u32) -> u32 {
        bits(self.word as u64, hi, lo) as u32
    }

    /// Third source register of a fused multiply-add.
    pub const fn rs3(self) -> u32 {
        self.bits(31, 27)
    }

    /// The rounding-mode field.
    pub const fn rm(self) -> u32 {
        self.bits(14, 12)
    }
}

/// Length in bytes of the instruction that begins with `low`: 2 or 4. Longer encodings are all reserved.
pub const fn length(low: u8) -> u8 {
    if low & 3 == 3 { 4 } else { 2 }
}

/// The row of the instruction `word`, if it is one with the extensions `ext`. Reserved rounding modes make it none.
/// The bits above a compressed instruction are ignored.
pub fn decode(word: u32, ext: Extensions) -> Option<&'static Row> {
    let word = if length(word as u8) == 2 { word & 0xffff } else { word };
    let (start, end) = DECODER.buckets[bucket(word)];
    DECODER.entries[usize::from(start)..usize::from(end)]
        .iter()
        .find(|entry| word & entry.mask == entry.value && entry.row.needs.met_by(ext))
        .map(|entry| entry.row)
        .filter(|row| row.lift.is_some() && !(row.rounds && matches!(word >> 12 & 7, 5 | 6)))
}

struct Entry {
    mask: u32,
    value: u32,
    row: &'static Row,
}

/// The rows sorted into buckets, in the order of the table within each.
struct Decoder {
    entries: Vec<Entry>,
    buckets: [(u16, u16); BUCKETS],
}

/// OP-FP tells its instructions apart by funct7 (funct3 holds the rounding mode); all others do so by funct3.
const OP_FP: u32 = 0b10100;
const BY_FUNCT7: usize = 32 * 8;
const COMPRESSED: usize = BY_FUNCT7 + 128;
const BUCKETS: usize = COMPRESSED + 4 * 8;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let mut decoder = Decoder { entries: Vec::new(), buckets: [(0, 0); BUCKETS] };
    for index in 0..BUCKETS {
        let (mask, value, len) = bucket_pattern(index);
        let start = decoder.entries.len() as u16;
        let inside = |row: &&Row| row.len == len && (row.value ^ value) & row.mask & mask == 0;
        decoder.entries.extend(ROWS.iter().filter(inside).map(|row| Entry { mask: row.mask, value: row.value, row }));
        decoder.buckets[index] = (start, decoder.entries.len() as u16);
    }
    decoder
});

/// The bucket that `word` falls into.
fn bucket(word: u32) -> usize {
    let index = if length(word as u8) == 2 {
        COMPRESSED as u32 + (word & 3) * 8 + (word >> 13 & 7)
    } else if word >> 2 & 31 == OP_FP {
        BY_FUNCT7 as u32 + (word >> 25)
    } else {
        (word >> 2 & 31) * 8 + (word >> 12 & 7)
    };
    index as usize
}

/// The bits that all words of a bucket share, what they are, and the words' length.
fn bucket_pattern(index: usize) -> (u32, u32, u8) {
    let n = index as u32;
    if index >= COMPRESSED {
        let n = n - COMPRESSED as u32;
        (0xe003, (n / 8) | ((n % 8) << 13), 2)
    } else if index >= BY_FUNCT7 {
        (0xfe00_007f, (n - BY_FUNCT7 as u32) << 25 | OP_FP << 2 | 3, 4)
    } else {
        (0x707f, (n / 8) << 2 | (n % 8) << 12 | 3, 4)
    }
}
