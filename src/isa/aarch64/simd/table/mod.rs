//! The table of Advanced SIMD instructions: a row each, in the order of the manual's encoding tables.
//!
//! A row is the encoding with a letter a field bit (`q` Q, `z` size, `d` `n` `m` `a` registers, `i` immediate, `l` `h`
//! index, `r` rotation, `s` S), the mnemonic (of both halves' forms), the feature, the [`allows`](super::insn::allows)
//! test that the fields pass, and what executes it. What is not here is unallocated. Rows do not overlap, but for the
//! shifts by immediate, whose `immh` is not zero where the modified immediates have zeros.

mod crypto;
mod memory;
mod misc;
mod scalar;
mod vector;

use super::insn::Insn;
use super::{Machine, Simd};
use crate::cpu::Trap;
use crate::isa::aarch64::features::Features;
use std::sync::LazyLock;

/// What executes an instruction.
#[derive(Clone, Copy)]
pub enum Run {
    /// On registers alone.
    Data(fn(&mut Simd, Insn)),
    /// A structure load or store.
    Memory(fn(&mut dyn Machine, Insn) -> Result<(), Trap>),
}

/// An instruction.
pub struct Row {
    /// Which bits are fixed.
    pub mask: u32,
    /// What they are.
    pub value: u32,
    /// The mnemonic.
    pub name: &'static str,
    /// The feature that brought it.
    pub needs: Features,
    /// Whether the other bits are allocated.
    pub allows: fn(Insn) -> bool,
    /// What executes it.
    pub run: Run,
}

/// The fixed bits of a bit string and their values. A malformed one does not compile.
const fn pattern(text: &str) -> (u32, u32) {
    let text = text.as_bytes();
    let (mut mask, mut value, mut count, mut index) = (0u32, 0u32, 0, 0);
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
    (mask, value)
}

macro_rules! rows {
    ($kind:ident $($bits:literal $name:literal $needs:ident $allows:ident $run:ident($($arg:expr),*);)*) => {
        &[$(Row {
            mask: const { super::pattern($bits).0 },
            value: const { super::pattern($bits).1 },
            name: $name,
            needs: super::Features::$needs,
            allows: super::super::insn::allows::$allows,
            run: super::Run::$kind(|s, i| $run(s, i, $($arg),*)),
        },)*]
    };
}
use rows;

/// The families of rows.
pub static FAMILIES: [&[Row]; 5] = [vector::ROWS, misc::ROWS, scalar::ROWS, memory::ROWS, crypto::ROWS];

/// Every instruction.
pub fn all() -> impl Iterator<Item = &'static Row> {
    FAMILIES.into_iter().flatten()
}

/// The number of the row of the instruction that `word` is, for [`row`].
pub fn number(word: u32) -> Option<u16> {
    let (start, end) = DECODER.buckets[bucket(word)];
    let bucket = &DECODER.entries[usize::from(start)..usize::from(end)];
    bucket.iter().copied().find(|number| {
        let row = row(*number);
        word & row.mask == row.value && (row.allows)(Insn(word))
    })
}

/// A row by its number.
pub fn row(number: u16) -> &'static Row {
    DECODER.rows[usize::from(number)]
}

/// The row of the instruction that `word` is.
pub fn decode(word: u32) -> Option<&'static Row> {
    number(word).map(row)
}

/// The rows sorted into buckets by the bits that tell most of them apart.
struct Decoder {
    rows: Vec<&'static Row>,
    entries: Vec<u16>,
    buckets: Vec<(u16, u16)>,
}

/// Bits 15:10, 29:28, 24, 21: how many buckets there are.
const BUCKETS: usize = 1 << 10;

const fn bucket(word: u32) -> usize {
    (word >> 10 & 63 | (word >> 28 & 3) << 6 | (word >> 24 & 1) << 8 | (word >> 21 & 1) << 9) as usize
}

/// A word with the bits of a bucket.
const fn bucket_bits(index: usize) -> u32 {
    let n = index as u32;
    (n & 63) << 10 | (n >> 6 & 3) << 28 | (n >> 8 & 1) << 24 | (n >> 9 & 1) << 21
}

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let mut decoder = Decoder { rows: all().collect(), entries: Vec::new(), buckets: Vec::new() };
    let telling = bucket_bits(BUCKETS - 1);
    for index in 0..BUCKETS {
        let start = decoder.entries.len() as u16;
        let inside = |row: &Row| (row.value ^ bucket_bits(index)) & row.mask & telling == 0;
        let numbered = (0u16..).zip(&decoder.rows);
        decoder.entries.extend(numbered.filter(|(_, row)| inside(row)).map(|(number, _)| number));
        decoder.buckets.push((start, decoder.entries.len() as u16));
    }
    decoder
});
