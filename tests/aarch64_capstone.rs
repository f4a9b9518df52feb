//! The A64 decoder against capstone, which knows Armv8-A: what is legal. Each disagreement is an entry with
//! its reason.

use capstone::prelude::*;
use mimus::isa::aarch64::decode::decode;
use mimus::isa::aarch64::disasm::disassemble;
use mimus::isa::aarch64::features::Features;
use mimus::isa::aarch64::simd::is_simd;
use mimus::isa::aarch64::table;
use std::collections::BTreeMap;

/// The start of a mnemonic, for which words, and why.
type Difference = (&'static str, fn(u32) -> bool, &'static str);

/// What capstone finds illegal and we do not.
const ONLY_OURS: &[Difference] = &[
    ("abs", |_| true, "FEAT_CSSC is unknown there"),
    ("cnt", |_| true, "FEAT_CSSC is unknown there"),
    ("ctz", |_| true, "FEAT_CSSC is unknown there"),
    ("smax", |_| true, "FEAT_CSSC is unknown there"),
    ("smin", |_| true, "FEAT_CSSC is unknown there"),
    ("umax", |_| true, "FEAT_CSSC is unknown there"),
    ("umin", |_| true, "FEAT_CSSC is unknown there"),
    ("msr", |w| w & 0xfff8_f01f == 0xd500_401f, "MSR (immediate): the helper tells fields apart"),
    ("ldx", |w| w >> 10 & 31 != 31 || w >> 16 & 31 != 31, "fields that should be ones, which QEMU ignores"),
    ("ldax", |w| w >> 10 & 31 != 31 || w >> 16 & 31 != 31, "fields that should be ones, which QEMU ignores"),
    ("ld", overlaps, "constrained unpredictable: the base or the first register is loaded again"),
    ("st", overlaps, "constrained unpredictable: the base is stored and written back"),
];

/// Capstone's mnemonics that are unallocated here.
const ONLY_THEIRS: &[Difference] = &[
    ("mrs", |w| w >> 20 & 1 == 0, "op0 0 and 1 name no register"),
    ("msr", |w| w >> 20 & 1 == 0, "op0 0 and 1 name no register"),
    ("smulh", |w| w >> 10 & 31 != 31, "Ra should be ones; QEMU insists"),
    ("umulh", |w| w >> 10 & 31 != 31, "Ra should be ones; QEMU insists"),
    ("dcps", |_| true, "debug state is not there"),
    ("drps", |_| true, "debug state is not there"),
    ("addg", |_| true, "FEAT_MTE is not there"),
    ("subg", |_| true, "FEAT_MTE is not there"),
    ("subp", |_| true, "FEAT_MTE is not there"),
    ("cmpp", |_| true, "FEAT_MTE is not there"),
    ("gmi", |_| true, "FEAT_MTE is not there"),
    ("irg", |_| true, "FEAT_MTE is not there"),
    ("ldg", |_| true, "FEAT_MTE is not there"),
    ("stg", |_| true, "FEAT_MTE is not there"),
    ("st2g", |_| true, "FEAT_MTE is not there"),
    ("stz", |_| true, "FEAT_MTE is not there"),
    ("ld64b", |_| true, "FEAT_LS64 is not there"),
    ("st64b", |_| true, "FEAT_LS64 is not there"),
    ("cpy", names_twice, "registers that must differ and not be 31"),
    ("setg", |_| true, "FEAT_MTE is not there"),
    ("set", names_twice, "registers that must differ and not be 31"),
    ("t", |w| matches!(w >> 21, 0x6a3 | 0x6a8 | 0x6a9), "FEAT_TME is not there"),
];

/// Whether a copy or set of memory names a register twice, or the zero register.
fn names_twice(word: u32) -> bool {
    let (rd, rn, rs) = (word & 31, word >> 5 & 31, word >> 16 & 31);
    rd == rn || rd == rs || rn == rs || [rd, rn, rs].contains(&31)
}

/// Whether a load or store names a register twice.
fn overlaps(word: u32) -> bool {
    let (rd, rn, ra) = (word & 31, word >> 5 & 31, word >> 10 & 31);
    rd == rn || rd == ra || ra == rn
}

#[test]
fn capstone_agrees_on_what_is_legal() {
    let cs = Capstone::new().arm64().mode(arch::arm64::ArchMode::Arm).build().unwrap();
    let mut differences: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let mut compare = |word: u32| {
        // SVE, SME and what is reserved for all time.
        if word >> 25 & 15 < 4 {
            return;
        }
        let insns = cs.disasm_count(&word.to_le_bytes(), 0, 1).unwrap();
        let theirs = insns.first().map(|insn| insn.mnemonic().unwrap().to_string());
        let ours = decode(word, Features::EVERY);
        let kind = match (ours, &theirs) {
            (None, Some(name)) if !is_simd(word, Features::EVERY) => format!("{name} is legal there only"),
            (Some(row), None) => format!("{} is legal here only", row.name),
            _ => return,
        };
        let known =
            |list: &[Difference], name: &str| list.iter().any(|(start, when, _)| name.starts_with(start) && when(word));
        let reasoned = match (ours, &theirs) {
            (Some(row), _) => known(ONLY_OURS, row.name),
            (None, theirs) => theirs.as_ref().is_some_and(|name| known(ONLY_THEIRS, name)),
        };
        if reasoned {
            return;
        }
        let text = disassemble(&word.to_le_bytes(), 0).0;
        differences.entry(kind).or_insert_with(|| (format!("{word:08x} {text}, capstone {theirs:?}"), 0)).1 += 1;
    };
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 32) as u32
    };
    for row in table::rows() {
        for _ in 0..500 {
            let word = row.value | random() & !row.mask;
            compare(word);
            compare(word ^ 1 << (random() % 32));
        }
    }
    (0..300_000).for_each(|_| compare(random()));
    for (kind, (example, count)) in &differences {
        println!("{kind} ({count} times): {example}");
    }
    assert!(differences.is_empty());
}
