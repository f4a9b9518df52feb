use crate::ir::{Builder, verify};
use crate::isa::riscv64::extensions::Extensions;
use crate::isa::riscv64::lift::lift;
use crate::isa::riscv64::mode::CodeMode;
use crate::isa::riscv64::table::ROWS;
use crate::isa::riscv64::{decode, regs};

/// Every extension.
const EVERYTHING: Extensions = Extensions(u64::MAX);
/// Machine mode, floats on and dirty, to nearest.
const MODE: CodeMode =
    CodeMode { privilege: crate::isa::riscv64::mode::Privilege::Machine, float: true, float_dirty: true, frm: 0 };
const SLOTS: usize = regs::FIRST_CSR as usize;

#[test]
fn of_overlapping_rows_the_narrower_comes_first() {
    for (index, first) in ROWS.iter().enumerate() {
        for second in &ROWS[index + 1..] {
            let overlap = first.len == second.len && (first.value ^ second.value) & first.mask & second.mask == 0;
            let narrower = first.mask & second.mask == second.mask && first.mask != second.mask;
            // What is reserved is cut out of all rows below it.
            let reserved = first.lift.is_none();
            assert!(!overlap || narrower || reserved, "{} and {} overlap", first.name, second.name);
        }
    }
}

#[test]
fn every_row_lifts_to_a_valid_block_or_is_reserved() {
    let mut b = Builder::new(SLOTS);
    for row in ROWS {
        // Field bits all zero, all one, and mixed.
        for fill in [0, u32::MAX, 0x5555_5555, 0xaaaa_aaaa, 0x1234_5678] {
            let word = row.value | fill & !row.mask;
            let found = decode::decode(word, EVERYTHING);
            assert!(found.is_some() || row.lift.is_none() || row.len == 2, "{}: {word:#x} is not found", row.name);
            b.begin(0xff0);
            lift(&mut b, &word.to_le_bytes(), MODE, EVERYTHING);
            let block = b.finish();
            verify(&block).unwrap_or_else(|e| panic!("{} {word:#x}: {e}", row.name));
            assert_eq!(block.bytes, u16::from(row.len));
        }
    }
}
