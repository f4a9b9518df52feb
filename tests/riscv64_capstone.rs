//! The RISC-V decoder and disassembler against capstone's.

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

const ADDRESS: u64 = 0x10000;

fn capstone() -> Capstone {
    Capstone::new()
        .riscv()
        .mode(arch::riscv::ArchMode::RiscV64)
        .extra_mode([arch::riscv::ArchExtraMode::RiscVC].into_iter())
        .build()
        .unwrap()
}

fn read(cs: &Capstone, code: &[u8]) -> Option<String> {
    let insns = cs.disasm_count(code, ADDRESS, 1).unwrap();
    let insn = insns.first()?;
    let (name, operands) = (insn.mnemonic().unwrap(), insn.op_str().unwrap_or(""));
    Some(format!("{name} {operands}").trim().to_string())
}

#[test]
fn dump() {
    let cs = capstone();
    let mut seen: BTreeMap<String, (u32, String)> = BTreeMap::new();
    let mut note = |word: u32, len: usize| {
        let bytes = word.to_le_bytes();
        let theirs = read(&cs, &bytes[..len]);
        let ours = decode(word, KNOWN);
        let key = match (ours, &theirs) {
            (Some(row), None) => format!("only us {}", row.name),
            (None, Some(t)) => format!("only them {}", t.split(' ').next().unwrap()),
            (Some(row), Some(t)) => {
                let text = disassemble(&bytes[..len], ADDRESS).0;
                if text == *t {
                    return;
                }
                format!("differ {} {}", row.name, t.split(' ').next().unwrap())
            }
            _ => return,
        };
        let e = seen
            .entry(key)
            .or_insert((0, format!("{word:#x} us {} them {theirs:?}", disassemble(&bytes[..len], ADDRESS).0)));
        e.0 += 1;
    };
    for w in 0..0x10000u32 {
        if w & 3 != 3 {
            note(w, 2);
        }
    }
    let mut s = 1u64;
    let mut rnd = || {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        (s >> 16) as u32
    };
    for row in ROWS.iter().filter(|r| r.len == 4) {
        for _ in 0..3000 {
            let w = row.value | rnd() & !row.mask;
            note(w, 4);
            let f = w ^ (1 << (rnd() % 32));
            if f & 3 == 3 {
                note(f, 4);
            }
        }
    }
    for _ in 0..1000000 {
        note(rnd() | 3, 4);
    }
    for (k, (n, e)) in seen {
        println!("{k}: {n} e.g. {e}");
    }
}
