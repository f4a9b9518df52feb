//! Instructions as text, with the pseudo-instructions of the manual where there is one.
//!
//! A row's operands are separated by commas: `d s t` integer and `D S T R` float registers, `i` the immediate, `i(s)` a
//! memory operand, `b` a target, `u` an upper immediate, `c` a CSR, `z` the number in rs1's place, `f` a float constant,
//! `p q` the sets of a fence, `m` the rounding mode unless dynamic, `e` the same for conversions that never round,
//! which are customarily encoded as to nearest; anything else stands for itself. `&` before them adds `.aq` and `.rl`.

use super::decode::{self, Format, Insn, Pattern};
use super::extensions::Extensions;
use super::lift::float::IMMEDIATES;

/// ABI names of the integer registers.
pub const X_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// ABI names of the float registers.
pub const F_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// A pseudo-instruction: a narrower pattern of an instruction, written differently. Where the pattern has `s` in the
/// places of both rs1 and rs2, they are the same register.
struct Alias {
    bits: &'static str,
    pattern: Pattern,
    name: &'static str,
    format: Format,
    operands: &'static str,
}

macro_rules! aliases {
    ($($bits:literal $name:literal $format:ident $operands:literal;)*) => {
        &[$(Alias {
            bits: $bits,
            pattern: const { Pattern::parse($bits) },
            name: $name,
            format: Format::$format,
            operands: $operands,
        },)*]
    };
}

static ALIASES: &[Alias] = aliases! {
    "000000000000 00000 000 00000 0010011"  "nop"     None "";
    "iiiiiiiiiiii 00000 000 ddddd 0010011"  "li"      I "d, i";
    "000000000000 sssss 000 ddddd 0010011"  "mv"      I "d, s";
    "111111111111 sssss 100 ddddd 0010011"  "not"     I "d, s";
    "000000000001 sssss 011 ddddd 0010011"  "seqz"    I "d, s";
    "000000000000 sssss 000 ddddd 0011011"  "sext.w"  I "d, s";
    "0100000 ttttt 00000 000 ddddd 0110011" "neg"     R "d, t";
    "0100000 ttttt 00000 000 ddddd 0111011" "negw"    R "d, t";
    "0000000 ttttt 00000 011 ddddd 0110011" "snez"    R "d, t";
    "0000000 00000 sssss 010 ddddd 0110011" "sltz"    R "d, s";
    "0000000 ttttt 00000 010 ddddd 0110011" "sgtz"    R "d, t";
    "0000100 00000 sssss 000 ddddd 0111011" "zext.w"  R "d, s";
    "iiiiiii 00000 sssss 000 iiiii 1100011" "beqz"    B "s, b";
    "iiiiiii 00000 sssss 001 iiiii 1100011" "bnez"    B "s, b";
    "iiiiiii ttttt 00000 101 iiiii 1100011" "blez"    B "t, b";
    "iiiiiii 00000 sssss 101 iiiii 1100011" "bgez"    B "s, b";
    "iiiiiii 00000 sssss 100 iiiii 1100011" "bltz"    B "s, b";
    "iiiiiii ttttt 00000 100 iiiii 1100011" "bgtz"    B "t, b";
    "iiiiiiiiiiiiiiiiiiii 00000 1101111"    "j"       J "b";
    "iiiiiiiiiiiiiiiiiiii 00001 1101111"    "jal"     J "b";
    "000000000000 00001 000 00000 1100111"  "ret"     None "";
    "000000000000 sssss 000 00000 1100111"  "jr"      I "s";
    "000000000000 sssss 000 00001 1100111"  "jalr"    I "s";
    "1111 1111 1111 00000 000 00000 0001111" "fence"  None "";
    "0001001 00000 00000 000 00000 1110011" "sfence.vma" None "";
    "0001001 00000 sssss 000 00000 1110011" "sfence.vma" R "s";
    "000000000001 00000 010 ddddd 1110011"  "frflags" Csr "d";
    "000000000001 sssss 001 00000 1110011"  "fsflags" Csr "s";
    "000000000001 sssss 001 ddddd 1110011"  "fsflags" Csr "d, s";
    "000000000001 nnnnn 101 00000 1110011"  "fsflagsi" Csr "z";
    "000000000001 nnnnn 101 ddddd 1110011"  "fsflagsi" Csr "d, z";
    "000000000010 00000 010 ddddd 1110011"  "frrm"    Csr "d";
    "000000000010 sssss 001 00000 1110011"  "fsrm"    Csr "s";
    "000000000010 sssss 001 ddddd 1110011"  "fsrm"    Csr "d, s";
    "000000000010 nnnnn 101 00000 1110011"  "fsrmi"   Csr "z";
    "000000000010 nnnnn 101 ddddd 1110011"  "fsrmi"   Csr "d, z";
    "000000000011 00000 010 ddddd 1110011"  "frcsr"   Csr "d";
    "000000000011 sssss 001 00000 1110011"  "fscsr"   Csr "s";
    "000000000011 sssss 001 ddddd 1110011"  "fscsr"   Csr "d, s";
    "110000000000 00000 010 ddddd 1110011"  "rdcycle" Csr "d";
    "110000000001 00000 010 ddddd 1110011"  "rdtime"  Csr "d";
    "110000000010 00000 010 ddddd 1110011"  "rdinstret" Csr "d";
    "iiiiiiiiiiii 00000 010 ddddd 1110011"  "csrr"    Csr "d, c";
    "iiiiiiiiiiii sssss 001 00000 1110011"  "csrw"    Csr "c, s";
    "iiiiiiiiiiii sssss 010 00000 1110011"  "csrs"    Csr "c, s";
    "iiiiiiiiiiii sssss 011 00000 1110011"  "csrc"    Csr "c, s";
    "iiiiiiiiiiii nnnnn 101 00000 1110011"  "csrwi"   Csr "c, z";
    "iiiiiiiiiiii nnnnn 110 00000 1110011"  "csrsi"   Csr "c, z";
    "iiiiiiiiiiii nnnnn 111 00000 1110011"  "csrci"   Csr "c, z";
    "0010000 sssss sssss 000 ddddd 1010011" "fmv.s"   R "D, S";
    "0010000 sssss sssss 001 ddddd 1010011" "fneg.s"  R "D, S";
    "0010000 sssss sssss 010 ddddd 1010011" "fabs.s"  R "D, S";
    "0010001 sssss sssss 000 ddddd 1010011" "fmv.d"   R "D, S";
    "0010001 sssss sssss 001 ddddd 1010011" "fneg.d"  R "D, S";
    "0010001 sssss sssss 010 ddddd 1010011" "fabs.d"  R "D, S";
    "0010010 sssss sssss 000 ddddd 1010011" "fmv.h"   R "D, S";
    "0010010 sssss sssss 001 ddddd 1010011" "fneg.h"  R "D, S";
    "0010010 sssss sssss 010 ddddd 1010011" "fabs.h"  R "D, S";
};

impl Alias {
    fn matches(&self, insn: Insn) -> bool {
        let same = self.bits.contains("sssss sssss");
        insn.word & self.pattern.mask == self.pattern.value && (!same || insn.bits(24, 20) == insn.bits(19, 15))
    }
}

/// The instruction at the start of `code`, of whatever extension, as text, and its length.
pub fn disassemble(code: &[u8], address: u64) -> (String, usize) {
    let Some(&low) = code.first() else { return ("(nothing)".into(), 0) };
    let len = usize::from(decode::length(low)).min(code.len());
    let word = code[..len].iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    let text = match decode::decode(word, Extensions(u64::MAX)) {
        Some(row) if usize::from(row.len) == len => {
            let insn = Insn::new(word, row.format);
            match ALIASES.iter().find(|alias| len == 4 && alias.matches(insn)) {
                Some(alias) => text(alias.name, alias.operands, Insn::new(word, alias.format), address),
                None => text(&numbered(row.name, insn), row.operands, insn, address),
            }
        }
        _ if len == 2 => format!(".half {word:#06x}"),
        _ if len == 4 => format!(".word {word:#010x}"),
        _ => format!(".byte {word:#04x}"),
    };
    (text, len)
}

/// The mnemonic with its number, for the may-be-operations.
fn numbered(name: &str, i: Insn) -> String {
    match name {
        "mop.r" => format!("mop.r.{}", i.bits(30, 30) << 4 | i.bits(27, 26) << 2 | i.bits(21, 20)),
        "mop.rr" => format!("mop.rr.{}", i.bits(30, 30) << 2 | i.bits(27, 26)),
        "c.mop" => format!("c.mop.{}", i.bits(11, 7)),
        _ => name.into(),
    }
}

fn text(name: &str, operands: &str, i: Insn, address: u64) -> String {
    let mut line = name.to_string();
    let mut operands = operands;
    if let Some(rest) = operands.strip_prefix("& ") {
        operands = rest;
        line += ["", ".rl", ".aq", ".aqrl"][i.bits(26, 25) as usize];
    }
    let mut separator = " ";
    for item in operands.split(", ") {
        let item = operand(item, i, address);
        if !item.is_empty() {
            line = line + separator + &item;
            separator = ", ";
        }
    }
    line
}

fn operand(item: &str, i: Insn, address: u64) -> String {
    let x = |n: u32| X_NAMES[n as usize].to_string();
    let f = |n: u32| F_NAMES[n as usize].to_string();
    match item {
        "d" => x(i.rd),
        "s" => x(i.rs1),
        "t" => x(i.rs2),
        "D" => f(i.rd),
        "S" => f(i.rs1),
        "T" => f(i.rs2),
        "R" => f(i.rs3()),
        "i" => i.imm.to_string(),
        "i(s)" => format!("{}({})", i.imm, x(i.rs1)),
        "(s)" => format!("({})", x(i.rs1)),
        "b" => format!("{:#x}", address.wrapping_add(i.imm as u64)),
        "u" => format!("{:#x}", i.imm >> 12 & 0xfffff),
        "c" => csr_name(i.imm as u32),
        "z" => i.rs1.to_string(),
        "f" => match i.rs1 {
            1 => "min".into(),
            31 => "nan".into(),
            n => IMMEDIATES[n as usize].to_string(),
        },
        "p" => fence_set(i.bits(27, 24)),
        "q" => fence_set(i.bits(23, 20)),
        "m" => rounding(i.rm()).into(),
        "e" if i.rm() == 0 => String::new(),
        "e" => rounding(i.rm()).into(),
        _ => item.into(),
    }
}

fn rounding(rm: u32) -> &'static str {
    ["rne", "rtz", "rdn", "rup", "rmm", "", "", ""][rm as usize]
}

fn fence_set(set: u32) -> String {
    if set == 0 {
        return "0".into();
    }
    "iorw".chars().enumerate().filter(|(n, _)| set >> (3 - n) & 1 != 0).map(|(_, c)| c).collect()
}

/// The name of a CSR, or else its number.
fn csr_name(number: u32) -> String {
    if let Ok(index) = CSR_NAMES.binary_search_by_key(&number, |(n, _)| *n) {
        return CSR_NAMES[index].1.into();
    }
    let family = CSR_FAMILIES.iter().find(|(first, last, ..)| (*first..=*last).contains(&number));
    match family {
        Some((first, _, name, n)) => format!("{name}{}", number - first + n),
        None => format!("{number:#x}"),
    }
}

/// Numbered CSRs: the first and last, their name, and the number of the first.
const CSR_FAMILIES: &[(u32, u32, &str, u32)] = &[
    (0x323, 0x33f, "mhpmevent", 3),
    (0x3a0, 0x3af, "pmpcfg", 0),
    (0x3b0, 0x3ef, "pmpaddr", 0),
    (0xb03, 0xb1f, "mhpmcounter", 3),
    (0xc03, 0xc1f, "hpmcounter", 3),
];

const CSR_NAMES: &[(u32, &str)] = &[
    (0x001, "fflags"),
    (0x002, "frm"),
    (0x003, "fcsr"),
    (0x008, "vstart"),
    (0x009, "vxsat"),
    (0x00a, "vxrm"),
    (0x00f, "vcsr"),
    (0x015, "seed"),
    (0x100, "sstatus"),
    (0x104, "sie"),
    (0x105, "stvec"),
    (0x106, "scounteren"),
    (0x10a, "senvcfg"),
    (0x140, "sscratch"),
    (0x141, "sepc"),
    (0x142, "scause"),
    (0x143, "stval"),
    (0x144, "sip"),
    (0x14d, "stimecmp"),
    (0x180, "satp"),
    (0x300, "mstatus"),
    (0x301, "misa"),
    (0x302, "medeleg"),
    (0x303, "mideleg"),
    (0x304, "mie"),
    (0x305, "mtvec"),
    (0x306, "mcounteren"),
    (0x30a, "menvcfg"),
    (0x320, "mcountinhibit"),
    (0x340, "mscratch"),
    (0x341, "mepc"),
    (0x342, "mcause"),
    (0x343, "mtval"),
    (0x344, "mip"),
    (0x747, "mseccfg"),
    (0x7a0, "tselect"),
    (0x7a1, "tdata1"),
    (0x7a2, "tdata2"),
    (0x7a3, "tdata3"),
    (0xb00, "mcycle"),
    (0xb02, "minstret"),
    (0xc00, "cycle"),
    (0xc01, "time"),
    (0xc02, "instret"),
    (0xc20, "vl"),
    (0xc21, "vtype"),
    (0xc22, "vlenb"),
    (0xf11, "mvendorid"),
    (0xf12, "marchid"),
    (0xf13, "mimpid"),
    (0xf14, "mhartid"),
    (0xf15, "mconfigptr"),
];
