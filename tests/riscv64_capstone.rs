//! The RISC-V decoder and disassembler against capstone, which knows RV64GC: what is legal, and how it reads.

use capstone::prelude::*;
use mimus::isa::riscv64::decode::decode;
use mimus::isa::riscv64::disasm::disassemble;
use mimus::isa::riscv64::extensions::Extensions;
use mimus::isa::riscv64::table::ROWS;
use std::collections::BTreeMap;

/// What capstone knows.
const KNOWN: Extensions = Extensions::I
    .with(Extensions::M)
    .with(Extensions::A)
    .with(Extensions::F)
    .with(Extensions::D)
    .with(Extensions::C)
    .with(Extensions::S)
    .with(Extensions::ZICSR)
    .with(Extensions::ZIFENCEI);

/// The start of a mnemonic, for which words, and why.
type Difference = (&'static str, fn(u32) -> bool, &'static str);

/// What capstone finds illegal and we do not: every line is a reasoned difference.
const ONLY_OURS: &[Difference] = &[
    ("c.", |w| w & 3 != 3 && w >> 7 & 31 == 0, "compressed hints: rd is x0"),
    ("c.nop", |_| true, "compressed hints: an immediate"),
    ("fence", |w| w & 0x707f == 0x000f, "fields of FENCE that software shall ignore"),
    ("fence.i", |w| w & 0x707f == 0x100f, "fields of FENCE.I that software shall ignore"),
    ("fcvt.d.", |w| w >> 12 & 7 != 0, "conversions that never round have a rounding mode all the same"),
];

/// Mnemonics of capstone's that are illegal here.
const ONLY_THEIRS: &[(&str, &str)] = &[
    ("c.lui", "an immediate of 0 is reserved"),
    ("c.unimp", "it is no instruction, by design"),
    ("uret", "the N extension was withdrawn"),
];

/// Capstone's text, its mnemonic and operands one blank apart.
fn read(cs: &Capstone, code: &[u8]) -> Option<String> {
    let insns = cs.disasm_count(code, 0, 1).unwrap();
    let insn = insns.first()?;
    Some(format!("{} {}", insn.mnemonic().unwrap(), insn.op_str().unwrap_or("")).trim().to_string())
}

/// The text with what is only a matter of taste made equal: the notation of numbers and of JALR's operands.
fn plain(text: &str) -> String {
    let (name, operands) = text.split_once(' ').unwrap_or((text, ""));
    let mut words: Vec<String> = vec![name.into()];
    for word in operands.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()) {
        let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
        let number = match digits.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        words.push(number.map_or(word.into(), |n| (sign * n as i64).to_string()));
    }
    if name == "jalr" && words.len() == 4 && words[3].parse::<i64>().is_err() {
        words.swap(2, 3);
    }
    if name.starts_with("csr") {
        // Which CSRs have a name has changed over the years.
        words.remove(if words.len() == 4 || name == "csrr" { 2 } else { 1 });
    }
    if name == "addi" && words[2] == "zero" {
        words = vec!["li".into(), words[1].clone(), words[3].clone()];
    }
    words.join(" ")
}

#[test]
fn capstone_agrees() {
    let cs = Capstone::new()
        .riscv()
        .mode(arch::riscv::ArchMode::RiscV64)
        .extra_mode([arch::riscv::ArchExtraMode::RiscVC].into_iter())
        .build()
        .unwrap();
    // The first of each kind of difference, and how many there are of it.
    let mut differences: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let mut compare = |word: u32, len: usize| {
        let code = &word.to_le_bytes()[..len];
        let theirs = read(&cs, code);
        let ours = decode(word, KNOWN).map(|row| (row, disassemble(code, 0).0));
        let kind = match (&ours, &theirs) {
            (None, None) => return,
            // Instructions of extensions that capstone does not know are hints and the like to it.
            (Some((row, text)), Some(theirs)) => {
                let newer = decode(word, Extensions(u64::MAX)).is_some_and(|all| !std::ptr::eq(all, *row));
                let unknown_set = theirs.contains("unknown");
                if newer || unknown_set || plain(text) == plain(theirs) {
                    return;
                }
                format!("{} reads differently", row.name)
            }
            (Some((row, _)), None) => {
                if ONLY_OURS.iter().any(|(name, when, _)| row.name.starts_with(name) && when(word)) {
                    return;
                }
                format!("{} is legal here only", row.name)
            }
            (None, Some(theirs)) => {
                let name = theirs.split(' ').next().unwrap();
                if ONLY_THEIRS.iter().any(|(known, _)| *known == name) {
                    return;
                }
                format!("{name} is legal there only")
            }
        };
        let example = || (format!("{word:#x}: {:?}, capstone {theirs:?}", ours.map(|(_, text)| text)), 0);
        differences.entry(kind).or_insert_with(example).1 += 1;
    };
    (0..0x1_0000).filter(|word| word & 3 != 3).for_each(|word| compare(word, 2));
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 32) as u32
    };
    for row in ROWS.iter().filter(|row| row.len == 4) {
        for _ in 0..2000 {
            let word = row.value | random() & !row.mask;
            compare(word, 4);
            // A bit flipped outside of the two that tell the length.
            compare(word ^ 4 << (random() % 30), 4);
        }
    }
    (0..500_000).for_each(|_| compare(random() | 3, 4));
    for (kind, (example, count)) in &differences {
        println!("{kind} ({count} times): {example}");
    }
    assert!(differences.is_empty());
}
