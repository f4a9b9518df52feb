//! The A64 table is well-formed, and whatever the bits, the lifter makes a valid block of them.

use mimus::float::{Flags, Rules};
use mimus::ir::eval::{self, Env, Outcome, Trapped};
use mimus::ir::{Block, Builder, HelperId, Mem, RmwOp, Slot, verify};
use mimus::isa::aarch64::decode::{Insn, Row, decode};
use mimus::isa::aarch64::disasm::disassemble;
use mimus::isa::aarch64::features::Features;
use mimus::isa::aarch64::lift::lift;
use mimus::isa::aarch64::mode::CodeMode;
use mimus::isa::aarch64::{regs, table};
use std::collections::HashSet;

const EVERYTHING: Features = Features::EVERY;

/// Lifts instructions that stand at offset `start` of their page.
fn lifted(words: &[u32], start: u16, mode: CodeMode, features: Features) -> Block {
    let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut b = Builder::new(usize::from(regs::FIRST_SYSREG));
    b.begin(start);
    while usize::from(b.here() - start) < code.len() && !b.has_ended() {
        let at = usize::from(b.here() - start);
        lift(&mut b, &code[at..], mode, features);
    }
    let block = b.finish();
    verify(&block).unwrap_or_else(|e| panic!("{e} in\n{block}"));
    block
}

/// Random bits, the same ones every time.
fn random() -> impl FnMut() -> u32 {
    let mut state = 1u64;
    move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 32) as u32
    }
}

#[test]
fn of_overlapping_rows_the_narrower_comes_first() {
    let rows: Vec<&Row> = table::rows().collect();
    for (index, first) in rows.iter().enumerate() {
        for second in &rows[index + 1..] {
            let overlap = (first.value ^ second.value) & first.mask & second.mask == 0;
            let narrower = first.mask & second.mask == second.mask && first.mask != second.mask;
            assert!(!overlap || narrower, "{} and {} overlap", first.name, second.name);
        }
    }
}

#[test]
fn whatever_the_bits_the_block_is_valid() {
    let mut random = random();
    let mut words: Vec<u32> = (0..100_000).map(|_| random()).collect();
    for row in table::rows() {
        words.extend([0, u32::MAX, random(), random()].map(|fill| row.value | fill & !row.mask));
    }
    for (n, word) in words.into_iter().enumerate() {
        let mode = CodeMode::decode(random());
        let block = lifted(&[word], 0xffc, mode, Features(u128::MAX << (n & 7)));
        assert_eq!(block.bytes, 4);
    }
}

#[test]
fn a_block_of_all_instructions_is_valid() {
    let mut random = random();
    for _ in 0..200 {
        let rows: Vec<&Row> = table::rows().collect();
        let words: Vec<u32> = (0..60)
            .map(|_| {
                let row = rows[random() as usize % rows.len()];
                row.value | random() & !row.mask
            })
            .collect();
        lifted(&words, 0, CodeMode::default(), EVERYTHING);
    }
}

#[test]
fn logical_immediates_are_what_the_manual_says() {
    let imm = |word: u32| Insn(word).logical_imm();
    assert_eq!(imm(0x9240_1c00), Some(0xff)); // and x0, x0, #0xff
    assert_eq!(imm(0x1200_f000), Some(0x5555_5555)); // and w0, w0, #0x55555555
    assert_eq!(imm(0x9201_f000), Some(0xaaaa_aaaa_aaaa_aaaa));
    assert_eq!(imm(0x9240_fc00), None);
    let all: HashSet<u64> = (0..1 << 13).filter_map(|n| imm(0x9200_0000 | n << 10)).collect();
    assert_eq!(all.len(), 5334);
}

#[test]
fn a_condition_behind_a_comparison_compares_the_operands() {
    // cmp w1, w2; b.le
    let block = lifted(&[0x6b02_003f, 0x5400_004d], 0, CodeMode::default(), EVERYTHING);
    assert!(block.to_string().contains("cmp.les.32"), "{block}");
    assert!(decode(0x6b02_003f, EVERYTHING).is_some_and(|row| row.name == "subs"));
}

/// A few encodings of every row with their text: `word text`.
#[test]
fn every_row_reads_as_written_down() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/aarch64/disasm.txt");
    let mut random = random();
    let mut found = String::new();
    for row in table::rows() {
        let words = (0..1000).map(|_| row.value | random() & !row.mask);
        let fits = |word: &u32| decode(*word, EVERYTHING).is_some_and(|decoded| std::ptr::eq(decoded, row));
        for word in words.filter(|word| fits(word)).take(2) {
            found += &format!("{word:08x} {}\n", disassemble(&word.to_le_bytes(), 0x1000).0);
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(expected, found, "disasm.txt differs; BLESS=1 rewrites it");
    }
    assert_eq!(expected.len(), found.len(), "disasm.txt differs; BLESS=1 rewrites it");
}

/// Registers, and memory that no access of an instruction may reach.
struct Registers(Vec<u64>);

impl Env for Registers {
    fn insn(&mut self, _: u64) {}
    fn get(&mut self, slot: Slot) -> u64 {
        self.0[usize::from(slot.0)]
    }
    fn set(&mut self, slot: Slot, value: u64) {
        self.0[usize::from(slot.0)] = value;
    }
    fn load(&mut self, _: Mem, _: u64) -> Result<u64, Trapped> {
        Err(Trapped)
    }
    fn store(&mut self, _: Mem, _: u64, _: u64) -> Result<(), Trapped> {
        Err(Trapped)
    }
    fn rmw(&mut self, _: RmwOp, _: Mem, _: u64, _: u64) -> Result<u64, Trapped> {
        Err(Trapped)
    }
    fn cas(&mut self, _: Mem, _: u64, _: u64, _: u64) -> Result<u64, Trapped> {
        Err(Trapped)
    }
    fn fence(&mut self) {}
    fn call(&mut self, _: HelperId, _: [u64; 3]) -> Result<u64, Trapped> {
        Err(Trapped)
    }
    fn raise(&mut self, _: Flags) {}
    fn rules(&self) -> &Rules {
        &Rules::RISCV
    }
}

#[test]
fn no_store_is_exclusive_while_the_monitor_is_open() {
    // clrex; then stxrb, stxrh, stxr and stxr of w3 to [x1], status in w2
    for (word, size) in [(0x0802_7c23, 1), (0x4802_7c23, 2), (0x8802_7c23, 4), (0xc802_7c23, 8)] {
        for address in [0, 0u64.wrapping_sub(size)] {
            let block = lifted(&[0xd503_3f5f, word], 0, CodeMode::default(), EVERYTHING);
            let mut registers = Registers(vec![0; usize::from(regs::FIRST_SYSREG)]);
            registers.set(regs::x(1), address);
            let outcome = eval::run(&block, 0, &mut registers, &mut Vec::new());
            assert_eq!((outcome, registers.get(regs::x(2))), (Outcome::To(8), 1), "{word:#x} at {address:#x}");
        }
    }
}
