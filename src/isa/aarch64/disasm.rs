//! Instructions as text, without the manual's aliases.
//!
//! A row's operands are separated by commas. A register is its kind (`x`, `w`, `r` by sf, `b h s d q v`, `f` by type)
//! and its field (`d n m a`), with `|` behind it where 31 is the stack pointer. `[n…]` is a memory operand, `label…` a
//! target; what else stands there is the name of a field, as [`operand`] reads it. `@c` and `@o` in front put a
//! condition or the order and size behind the mnemonic.

use super::decode::{self, Insn};
use super::features::Features;
use super::lift::float::{format, immediate};
use crate::float::{self, Format, Round, Rules};

/// Names of the conditions.
pub const CONDITIONS: [&str; 16] =
    ["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"];

/// The instruction at the start of `code`, of whatever feature, as text, and its length.
pub fn disassemble(code: &[u8], address: u64) -> (String, usize) {
    let Some(code) = code.first_chunk::<4>() else {
        let bytes: Vec<String> = code.iter().map(|byte| format!("{byte:#04x}")).collect();
        return (format!(".byte {}", bytes.join(", ")), code.len());
    };
    let word = u32::from_le_bytes(*code);
    let text = match decode::decode(word, Features::EVERY) {
        Some(row) => text(row.name, row.operands, Insn(word), address),
        None => format!(".inst {word:#010x}"),
    };
    (text, 4)
}

fn text(name: &str, operands: &str, i: Insn, address: u64) -> String {
    let (suffix, operands) = match operands.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
        Some(("c", rest)) => (CONDITIONS[i.bits(3, 0) as usize].to_string(), rest),
        Some((size, rest)) => {
            let order = ["", "l", "a", "al"][i.bits(23, 22) as usize];
            (format!("{order}{}", size.trim_start_matches('o')), rest)
        }
        None => (String::new(), operands),
    };
    let mut texts = vec![];
    let mut rest = operands;
    while !rest.is_empty() {
        let end = if rest.starts_with('[') { rest.find(']').unwrap_or(0) } else { 0 };
        let end = rest[end..].find(", ").map_or(rest.len(), |at| end + at);
        texts.push(operand(&rest[..end], i, address));
        rest = rest[end..].trim_start_matches(", ");
    }
    texts.retain(|text| !text.is_empty());
    format!("{name}{suffix} {}", texts.join(", ")).trim_end().to_string()
}

/// A register, `kind` being a letter.
fn register(kind: char, n: u32, sp: bool) -> String {
    match (kind, n, sp) {
        ('x', 31, true) => "sp".into(),
        ('w', 31, true) => "wsp".into(),
        ('x' | 'w', 31, false) => format!("{kind}zr"),
        _ => format!("{kind}{n}"),
    }
}

/// The register that an operand of two letters names.
fn named_register(name: &str, i: Insn) -> Option<String> {
    let mut letters = name.chars();
    let (kind, field) = (letters.next()?, letters.next()?);
    let (sp, next) = match letters.as_str() {
        "" => (false, 0),
        "|" => (true, 0),
        "+1" => (false, 1),
        _ => return None,
    };
    let n = match field {
        'd' => i.rd(),
        'n' => i.rn(),
        'm' => i.rm(),
        'a' => i.ra(),
        _ => return None,
    };
    let kind = match kind {
        'r' => by_size(i),
        'f' => match format(i) {
            Format::F64 => 'd',
            Format::F32 => 's',
            Format::F16 | Format::AltF16 | Format::BF16 => 'h',
        },
        'x' | 'w' | 'b' | 'h' | 's' | 'd' | 'q' => kind,
        _ => return None,
    };
    Some(register(kind, n + next, sp))
}

fn by_size(i: Insn) -> char {
    if i.bit(31) { 'x' } else { 'w' }
}

/// What is behind a memory operand's base, without a comma where it is nothing.
fn memory(text: &str, i: Insn) -> String {
    let base = register('x', i.rn(), true);
    let (inside, back) = text.trim_start_matches('[').split_once(']').unwrap_or((text, ""));
    let offset = match inside.strip_prefix("n, ") {
        None => String::new(),
        Some("m") => {
            let (option, kind) = (i.bits(15, 13), if i.bit(13) { 'x' } else { 'w' });
            let scale = if i.bit(26) && i.bit(23) { 4 } else { i.bits(31, 30) };
            let extend = match (option, i.bit(12)) {
                (3, false) => String::new(),
                (3, true) => format!(", lsl #{scale}"),
                (_, true) => format!(", {} #{scale}", EXTENDS[option as usize]),
                (_, false) => format!(", {}", EXTENDS[option as usize]),
            };
            format!(", {}{extend}", register(kind, i.rm(), false))
        }
        Some(field) => match offset(field, i) {
            0 if back != "!" => String::new(),
            n => format!(", #{n}"),
        },
    };
    format!("[{base}{offset}]{back}")
}

/// The offset of a memory operand.
fn offset(field: &str, i: Insn) -> i64 {
    let scale = if i.bit(26) && i.bit(23) { 4 } else { i.bits(31, 30) };
    match field {
        "imm12" => i64::from(i.bits(21, 10)) << scale,
        "imm7" => {
            let scale = if i.bit(26) { 2 + i.bits(31, 30) } else { 2 + i.bits(31, 31) };
            i.signed(21, 15) << scale
        }
        "imm10" => (i.signed(22, 22) << 9 | i64::from(i.bits(20, 12))) * 8,
        _ => i.signed(20, 12),
    }
}

const EXTENDS: [&str; 8] = ["uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"];

fn operand(name: &str, i: Insn, address: u64) -> String {
    if let Some(register) = named_register(name, i) {
        return register;
    }
    if name.starts_with('[') {
        return memory(name, i);
    }
    let target = |offset: i64| format!("#{:#x}", address.wrapping_add(offset as u64));
    let number = |n: u32| format!("#{n:#x}");
    match name {
        "vn.d[1]" => format!("v{}.d[1]", i.rn()),
        "vd.d[1]" => format!("v{}.d[1]", i.rd()),
        "label26" => target(i.imm26()),
        "label19" => target(i.imm19()),
        "label14" => target(i.imm14()),
        "adr" => target(i.signed(23, 5) << 2 | i64::from(i.bits(30, 29))),
        "page" => {
            let pages = (i.signed(23, 5) << 2 | i64::from(i.bits(30, 29))) << 12;
            format!("#{:#x}", (address & !0xfff).wrapping_add(pages as u64))
        }
        "imm12" if i.bit(22) => format!("#{:#x}, lsl #12", i.bits(21, 10)),
        "imm12" => number(i.bits(21, 10)),
        "imm16" if i.bits(22, 21) != 0 => format!("#{:#x}, lsl #{}", i.bits(20, 5), 16 * i.bits(22, 21)),
        "imm16" | "u16" => number(i.bits(20, 5)),
        "bits" => format!("#{:#x}", i.logical_imm().unwrap_or(0)),
        "immr" => format!("#{}", i.bits(21, 16)),
        "imms" => format!("#{}", i.bits(15, 10)),
        "simm8" => format!("#{}", i.signed(17, 10)),
        "uimm8" => format!("#{}", i.bits(17, 10)),
        "imm5" => number(i.rm()),
        "bit" => format!("#{}", i.bits(31, 31) << 5 | i.bits(23, 19)),
        "cond" => CONDITIONS[i.bits(15, 12) as usize].into(),
        "nzcv" | "mask" => number(i.bits(3, 0)),
        "rot" => format!("#{}", i.bits(20, 15)),
        "fbits" => format!("#{}", 64 - i.bits(15, 10)),
        "zero" => "#0.0".into(),
        "fimm" => {
            let fmt = format(i);
            let bits = immediate(fmt, i.bits(20, 13));
            let double = float::convert(fmt, Format::F64, &Rules::ARM, Round::NearestEven, bits).0;
            format!("#{:.8}", f64::from_bits(double))
        }
        "ret" if i.rn() == 30 => String::new(),
        "ret" => register('x', i.rn(), false),
        "shift" => match (i.bits(23, 22), i.bits(15, 10)) {
            (0, 0) => String::new(),
            (shift, by) => format!("{} #{by}", ["lsl", "lsr", "asr", "ror"][shift as usize]),
        },
        "extend" => {
            let (option, by) = (i.bits(15, 13), i.bits(12, 10));
            let kind = if option & 3 == 3 { by_size(i) } else { 'w' };
            let by = if by == 0 { String::new() } else { format!(" #{by}") };
            format!("{}, {}{by}", register(kind, i.rm(), false), EXTENDS[option as usize])
        }
        "u4" | "clrex" | "isb" | "barrier" | "nxs" => number(i.bits(11, 8)),
        "hint" => number(i.bits(11, 5)),
        "bti" => ["", "c", "j", "jc"][i.bits(7, 6) as usize].into(),
        "field" => format!("#{}, #{}", i.bits(18, 16), i.bits(7, 5)),
        "sys" => format!("#{}, c{}, c{}, #{}", i.bits(18, 16), i.bits(15, 12), i.bits(11, 8), i.bits(7, 5)),
        "sysreg" => {
            format!("s{}_{}_c{}_c{}_{}", i.bits(20, 19), i.bits(18, 16), i.bits(15, 12), i.bits(11, 8), i.bits(7, 5))
        }
        "prfop" => number(i.rd()),
        "mops" => format!("[x{}]!, x{}, x{}!", i.rd(), i.rm(), i.rn()),
        // The offset of a post-indexed access.
        "imm9" | "imm7" | "imm10" => format!("#{}", offset(name, i)),
        other => other.into(),
    }
}
