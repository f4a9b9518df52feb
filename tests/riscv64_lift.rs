//! What RISC-V instructions are lifted to and how they read, as text tables; `BLESS=1` rewrites those.

use mimus::ir::{Block, Builder, End, Op, verify};
use mimus::isa::riscv64::decode::{Row, decode};
use mimus::isa::riscv64::disasm::disassemble;
use mimus::isa::riscv64::extensions::Extensions;
use mimus::isa::riscv64::lift::lift;
use mimus::isa::riscv64::mode::{CodeMode, Privilege};
use mimus::isa::riscv64::table::ROWS;
use mimus::isa::riscv64::{helpers, regs};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

const EVERYTHING: Extensions = Extensions(u64::MAX);

/// Supervisor mode, floats on but clean, to nearest.
const MODE: CodeMode =
    CodeMode { privilege: Privilege::Supervisor, float: true, float_dirty: false, frm: 0, counted: false };

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/riscv64").join(name)
}

fn blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}

/// Compares with the file, or writes it.
fn golden(name: &str, text: &str) {
    if blessing() {
        std::fs::write(data(name), text).unwrap();
    }
    let expected = std::fs::read_to_string(data(name)).unwrap();
    for (expected, found) in expected.lines().zip(text.lines()) {
        assert_eq!(expected, found, "{name} differs; BLESS=1 rewrites it");
    }
    assert_eq!(expected.len(), text.len(), "{name} differs; BLESS=1 rewrites it");
}

/// Instructions as bytes.
fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes().into_iter().take(if w & 3 == 3 { 4 } else { 2 })).collect()
}

/// An instruction as hexadecimal digits, four or eight.
fn digits(word: &u32) -> String {
    if word & 3 == 3 { format!("{word:08x}") } else { format!("{word:04x}") }
}

/// Lifts instructions that stand at offset `start` of their page.
fn lifted(words: &[u32], start: u16, mode: CodeMode, ext: Extensions) -> Block {
    let code = bytes(words);
    let mut b = Builder::new(regs::SLOTS);
    b.begin(start);
    while usize::from(b.here() - start) < code.len() && !b.has_ended() {
        let at = usize::from(b.here() - start);
        lift(&mut b, &code[at..], mode, ext);
    }
    let block = b.finish();
    verify(&block).unwrap_or_else(|e| panic!("{e} in\n{block}"));
    block
}

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
fn whatever_the_bits_the_block_is_valid() {
    let mut random = random();
    let mut words: Vec<u32> = (0..0x1_0000).filter(|word| word & 3 != 3).collect();
    words.extend((0..100_000).map(|_| random() | 3));
    for row in ROWS {
        words.extend([0, u32::MAX, random(), random()].map(|fill| row.value | fill & !row.mask));
    }
    for (n, word) in words.into_iter().enumerate() {
        let mode = CodeMode { float: n & 1 == 0, frm: random() as u8 & 7, ..MODE };
        let block = lifted(&[word], 0xffe, mode, Extensions(u64::MAX << (n & 7)));
        assert_eq!(block.bytes, if word & 3 == 3 { 4 } else { 2 });
    }
}

/// Each entry of the file begins with `== word word … ; text`; the IR follows.
#[test]
fn representative_instructions_are_lifted_as_written_down() {
    let entries = std::fs::read_to_string(data("lift.txt")).unwrap();
    let mut text = String::new();
    for entry in entries.lines().filter_map(|line| line.strip_prefix("==")) {
        let words = entry.split(';').next().unwrap().split_whitespace();
        let words: Vec<u32> = words.map(|word| u32::from_str_radix(word, 16).unwrap()).collect();
        let shown: Vec<String> = words.iter().map(digits).collect();
        let texts: Vec<String> = words.iter().map(|word| disassemble(&word.to_le_bytes(), 0).0).collect();
        let block = lifted(&words, 0x100, MODE, EVERYTHING);
        write!(text, "== {} ; {}\n{block}\n", shown.join(" "), texts.join("; ")).unwrap();
    }
    golden("lift.txt", &text);
}

/// Random bits, the same ones every time.
fn random() -> impl FnMut() -> u32 {
    let mut state = 1u64;
    move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 32) as u32
    }
}

/// A few encodings of every row with their text: `word text`.
#[test]
fn every_row_reads_as_written_down() {
    let mut random = random();
    let mut lines = String::new();
    for row in ROWS.iter().filter(|row| row.lift.is_some()) {
        let mut left = if row.mask == u32::MAX || row.mask == 0xffff { 1 } else { 2 };
        while left > 0 {
            let word = row.value | random() & !row.mask;
            let word = if row.len == 2 { word & 0xffff } else { word };
            // A rounding mode that no assembler lets one write.
            let odd = row.operands.ends_with(", e") && word >> 12 & 7 != 0;
            if !odd && decode(word, EVERYTHING).is_some_and(|found| std::ptr::eq(found, row)) {
                writeln!(lines, "{} {}", digits(&word), disassemble(&word.to_le_bytes(), 0).0).unwrap();
                left -= 1;
            }
        }
    }
    golden("disasm.txt", &lines);
}

/// Extensions that are newer than the assembler that the table was first checked with.
const NOT_ASSEMBLED: Extensions = Extensions::ZFA
    .with(Extensions::ZACAS)
    .with(Extensions::ZABHA)
    .with(Extensions::ZICOND)
    .with(Extensions::ZIMOP)
    .with(Extensions::ZCMOP)
    .with(Extensions::ZCB)
    .with(Extensions::ZIHINTNTL);

#[test]
fn the_assembler_agrees() {
    const AS: &str = "riscv64-linux-gnu-as";
    const OBJCOPY: &str = "riscv64-linux-gnu-objcopy";
    if [AS, OBJCOPY].iter().any(|tool| Command::new(tool).arg("--version").output().is_err()) {
        eprintln!("SKIPPED: {AS} is not installed");
        return;
    }
    let table = std::fs::read_to_string(data("disasm.txt")).unwrap();
    let lines: Vec<(u32, &str)> = table
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(word, text)| (u32::from_str_radix(word, 16).unwrap(), text))
        .collect();
    let folder = std::env::temp_dir().join(format!("mimus-as-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [source, object, binary] = ["a.s", "a.o", "a.bin"].map(|name| folder.join(name));
    let mut refused = vec![false; lines.len()];
    // The first run finds what the assembler does not know, the second assembles the rest.
    for _ in 0..2 {
        let text: String = lines.iter().zip(&refused).map(|(line, refused)| assembly(*line, *refused)).collect();
        std::fs::write(&source, text).unwrap();
        let march = "rv64gc_zba_zbb_zbc_zbs_zbkb_zbkc_zbkx_zfh_zicbom_zicboz_zicbop_zawrs_svinval_zihintpause_xtheadcmo_xtheadsync";
        let output =
            Command::new(AS).arg(format!("-march={march}")).arg(&source).arg("-o").arg(&object).output().unwrap();
        for message in String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.contains("Error")) {
            let line: usize = message.split(':').nth(1).unwrap().parse().unwrap();
            let (word, text) = lines[line - 1];
            let with = |ext| decode(word, ext).map(|row| row.name);
            assert_ne!(with(EVERYTHING), with(EVERYTHING.without(NOT_ASSEMBLED)), "{text}: {message}");
            refused[line - 1] = true;
        }
    }
    let status =
        Command::new(OBJCOPY).args(["-O", "binary", "-j", ".text"]).arg(&object).arg(&binary).status().unwrap();
    assert!(status.success());
    let code = std::fs::read(&binary).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let mut rest = &code[..];
    for (word, text) in lines {
        let expected = bytes(&[word]);
        let (found, after) = rest.split_at(expected.len());
        // Ignored fields cannot be written.
        let ignores = text.starts_with("fence") || text == "c.nop";
        assert!(found == expected || ignores, "{text}: {found:x?}");
        rest = after;
    }
}

/// A line of assembly on its own terms: targets are relative, and nothing is compressed unless it says so.
fn assembly((word, text): (u32, &str), as_bytes: bool) -> String {
    let compressed = word & 3 != 3;
    if as_bytes {
        return format!("{} {word:#x}\n", if compressed { ".2byte" } else { ".4byte" });
    }
    let targets = decode(word, EVERYTHING).is_some_and(|row| row.operands.contains('b'));
    let text = match text.rsplit_once("0x") {
        Some((start, target)) if targets => {
            format!("{start}. + ({})", u64::from_str_radix(target, 16).unwrap() as i64)
        }
        _ => text.into(),
    };
    format!(".option {}; .option norelax; {text}\n", if compressed { "rvc" } else { "norvc" })
}

fn row(name: &str) -> &'static Row {
    ROWS.iter().find(|row| row.name == name).unwrap()
}

fn is_illegal(block: &Block) -> bool {
    block.end == End::Never
        && matches!(block.ops.last(), Some(Op::Call { helper: helpers::ILLEGAL, .. }))
        && block.ops.iter().all(|op| matches!(op, Op::Insn { .. } | Op::Const(_) | Op::Call { .. }))
}

#[test]
fn an_absent_extension_makes_its_instructions_illegal() {
    for (absent, name) in [
        (Extensions::M, "mul"),
        (Extensions::A, "lr.d"),
        (Extensions::D, "fadd.d"),
        (Extensions::C, "c.addi"),
        (Extensions::ZCB, "c.mul"),
        (Extensions::M, "c.mul"),
        (Extensions::ZBA, "sh1add"),
        (Extensions::ZICBOZ, "cbo.zero"),
        (Extensions::ZICSR, "csrrw"),
        (Extensions::ZIMOP, "mop.r"),
        (Extensions::S, "sret"),
        (Extensions::XTHEADCMO, "th.dcache.cva"),
        (Extensions::XTHEADSYNC, "th.sync"),
    ] {
        let word = row(name).value | if name == "c.addi" { 0x84 } else { 0 };
        assert!(!is_illegal(&lifted(&[word], 0, MODE, EVERYTHING)), "{name}");
        assert!(is_illegal(&lifted(&[word], 0, MODE, EVERYTHING.without(absent))), "{name}");
    }
    // What two extensions have in common needs one of them.
    let without = EVERYTHING.without(Extensions::ZBB);
    assert!(!is_illegal(&lifted(&[row("andn").value], 0, MODE, without)));
    assert!(is_illegal(&lifted(&[row("andn").value], 0, MODE, without.without(Extensions::ZBKB))));
}

#[test]
fn an_absent_hint_is_the_instruction_that_it_hides_in() {
    for (hint, name, base) in [
        (Extensions::ZICBOP, "prefetch.r", "ori"),
        (Extensions::ZIHINTPAUSE, "pause", "fence"),
        (Extensions::ZIHINTNTL, "ntl.all", "add"),
    ] {
        let found = decode(row(name).value, EVERYTHING.without(hint)).unwrap();
        assert_eq!(found.name, base);
    }
}

#[test]
fn floats_are_illegal_while_switched_off() {
    let off = CodeMode { float: false, ..MODE };
    for name in ["flw", "fsd", "fadd.s", "fmv.x.d", "c.fld", "fli.h", "fclass.d"] {
        assert!(is_illegal(&lifted(&[row(name).value], 0, off, EVERYTHING)), "{name}");
    }
    assert!(!is_illegal(&lifted(&[row("add").value], 0, off, EVERYTHING)));
}

#[test]
fn a_reserved_rounding_mode_is_illegal() {
    let [fixed, dynamic] = [5, 7].map(|rm| row("fadd.s").value | rm << 12);
    let reserved = CodeMode { frm: 5, ..MODE };
    assert!(is_illegal(&lifted(&[fixed], 0, MODE, EVERYTHING)));
    assert!(is_illegal(&lifted(&[dynamic], 0, reserved, EVERYTHING)));
    assert!(!is_illegal(&lifted(&[dynamic], 0, MODE, EVERYTHING)));
    // Without a rounding-mode field frm does not matter.
    assert!(!is_illegal(&lifted(&[row("fmin.s").value], 0, reserved, EVERYTHING)));
}

#[test]
fn illegal_is_told_the_bits_as_they_stand() {
    for (word, bits) in [(0u32, 0), (0x1234_9c79, 0x9c79), (0xffff_ffff, 0xffff_ffff)] {
        let mut b = Builder::new(regs::SLOTS);
        b.begin(0);
        lift(&mut b, &word.to_le_bytes(), MODE, EVERYTHING);
        let block = b.finish();
        assert!(is_illegal(&block) && block.ops.contains(&Op::Const(bits)), "{block}");
    }
}

#[test]
fn misaligned_targets_trap_only_without_compressed_instructions() {
    let without = EVERYTHING.without(Extensions::C);
    let (jal, beq, jalr) = (0x0020_006f, 0x0020_8163, 0x0000_80e7);
    let checks =
        |block: &Block| block.ops.iter().any(|op| matches!(op, Op::Call { helper: helpers::CHECK_TARGET, .. }));
    for word in [jal, beq, jalr] {
        assert!(checks(&lifted(&[word], 0, MODE, without)));
        assert!(!checks(&lifted(&[word], 0, MODE, EVERYTHING)));
    }
    // The link register of a jump that traps is not written; a branch that is not taken goes on.
    let jump = lifted(&[jal | 1 << 7], 0, MODE, without);
    assert!(jump.end == End::Never && !jump.ops.iter().any(|op| matches!(op, Op::Set { .. })));
    let branch = lifted(&[beq], 0, MODE, without);
    assert!(branch.ops.iter().any(|op| matches!(op, Op::ExitIf { target: 4, .. })));
}

#[test]
fn fs_is_marked_dirty_once_a_block_and_only_where_it_is_not() {
    let words = [row("fadd.s").value | 7 << 12, row("flw").value, row("feq.d").value];
    let marks = |mode| {
        let block = lifted(&words, 0, mode, EVERYTHING);
        block.ops.iter().filter(|op| matches!(op, Op::Call { helper: helpers::FLOAT_DIRTY, .. })).count()
    };
    assert_eq!(marks(MODE), 1);
    assert_eq!(marks(CodeMode { float_dirty: true, ..MODE }), 0);
    let reads = [row("fsw").value, row("fmv.x.d").value, row("fclass.s").value];
    let block = lifted(&reads, 0, MODE, EVERYTHING);
    assert!(!block.ops.iter().any(|op| matches!(op, Op::Call { .. })));
}

#[test]
fn code_that_ends_too_early_needs_more() {
    let mut b = Builder::new(regs::SLOTS);
    b.begin(0xffe);
    for code in [&[][..], &[0x13], &[0x13, 0x00], &[0x13, 0x00, 0x00], &[0x01]] {
        assert_eq!(lift(&mut b, code, MODE, EVERYTHING), mimus::cpu::Lifted::NeedsMore);
        assert!(b.is_empty());
    }
    assert_eq!(lift(&mut b, &[0x01, 0x00], MODE, EVERYTHING), mimus::cpu::Lifted::Done(2));
}
