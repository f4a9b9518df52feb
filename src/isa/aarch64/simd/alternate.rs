//! FEAT_AFP beside the arithmetic itself, which [`Status`](super::status::Status) rules: scalar floats where FPCR.AH,
//! FIZ or NEP is set, which is nothing that lifted code knows of, and the elements that scalar results keep under NEP.

use super::fp::{self, Direction};
use super::insn::Insn;
use super::lanes::{V, get, insert, mask};
use super::status::{Status, format};
use super::table::Row;
use super::{Machine, Simd, compute};
use crate::float::{self, Ordering4, Round};
use crate::isa::aarch64::features::Features;

/// What a scalar result of `bits` bits keeps.
#[derive(Clone, Copy)]
pub struct Kept {
    /// The register as it was before; `None`: the instruction wrote what it is to write.
    from: Option<V>,
    bits: u32,
}

impl Kept {
    /// Puts the result in `V[d]` among what is kept.
    pub fn merge(self, s: &mut Simd, d: u32) {
        if let Some(mut v) = self.from {
            insert(&mut v, self.bits, 0, s.v(d)[0]);
            s.set_v(d, v);
        }
    }
}

/// What the result of an Advanced SIMD instruction keeps (FPCR.NEP): of scalar floats of two sources, the other elements
/// of the first one, or of the second where it is a comparison; of the rest, those of the destination. Comparisons with
/// zero and pairwise instructions keep nothing.
pub fn kept(s: &Simd, row: &Row, i: Insn) -> Kept {
    const NOTHING: Kept = Kept { from: None, bits: 64 };
    let scalar = i.bits(31, 30) == 1 && i.bits(28, 25) == 0b1111;
    let float = row.name.starts_with('f') || row.name.ends_with("cvtf");
    let compares = row.name.starts_with("fcm") || row.name.starts_with("fac");
    let pairwise = i.bits(21, 17) == 0b11000;
    if !s.status.merges || !scalar || !float || !i.bit(24) && !i.bit(10) && (compares || pairwise) {
        return NOTHING;
    }
    let bits = match (i.bit(24) && i.bit(10), row.name) {
        (true, _) => i.shift_bits(),
        (_, "fcvtxn") => 32,
        _ if row.needs.has(Features::FP16) => 16,
        _ => 32 << i.bit(22) as u32,
    };
    let register = match (i.bit(24), i.bit(10), row.name) {
        // Three registers.
        (false, true, _) if compares => i.rm(),
        (false, true, _) | (true, false, "fmul" | "fmulx") => i.rn(),
        _ => i.rd(),
    };
    Kept { from: Some(s.v(register)), bits }
}

/// Whether a word is a scalar float instruction that FPCR has a part in.
pub const fn is_computed(insn: u32) -> bool {
    let i = Insn(insn);
    if i.bits(30, 25) != 0b00_1111 {
        return false;
    }
    if i.bit(24) || !i.bit(21) {
        return true;
    }
    match i.bits(15, 10) {
        // Moves to and from general registers have the opcode of FJCVTZS, but for the type and direction.
        0b00_0000 => i.bits(18, 17) != 3 || is_javascript(insn),
        // FMOV (register).
        0b01_0000 => i.bits(20, 15) != 0,
        low => low & 7 != 4 && low & 3 != 3,
    }
}

/// Whether an instruction between floats and integers is FJCVTZS.
pub const fn is_javascript(insn: u32) -> bool {
    Insn(insn).bits(23, 16) == 0b0111_1110
}

/// What an instruction gives beside what it writes itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    /// Nothing: it writes a vector register, from `Xn` if that is so.
    Vector {
        /// Whether the operand is `Xn`.
        from_x: bool,
    },
    /// A value for `Xd`; of FJCVTZS bit 32 tells whether something was lost.
    General,
    /// Flags, in bits 31:28. Of the conditional ones the operand tells whether the condition holds.
    Flags {
        /// Whether it is a conditional one.
        conditional: bool,
    },
}

/// What an instruction that [`is_computed`] gives.
pub const fn gives(insn: u32) -> Gives {
    let i = Insn(insn);
    let low = i.bits(15, 10);
    let to_integer = !i.bit(21) || low == 0;
    if i.bit(24) || !to_integer && low & 0b1111 != 0b1000 && low & 3 != 1 {
        Gives::Vector { from_x: false }
    } else if !to_integer {
        Gives::Flags { conditional: low & 3 == 1 }
    } else if i.bits(18, 17) == 1 {
        Gives::Vector { from_x: true }
    } else {
        Gives::General
    }
}

/// Executes a scalar float instruction that [`is_computed`], with the operand and to the end that [`gives`] says.
pub fn run(m: &mut dyn Machine, insn: u32, operand: u64) -> u64 {
    compute(m, |s| execute(s, Insn(insn), operand))
}

const fn width(kind: u32) -> u32 {
    match kind {
        0 => 32,
        1 => 64,
        _ => 16,
    }
}

fn execute(s: &mut Simd, i: Insn, operand: u64) -> u64 {
    let bits = width(i.size());
    let [n, m, a] = [i.rn(), i.rm(), i.ra()].map(|register| get(s.v(register), bits, 0));
    let status = &mut s.status;
    let (value, bits, keeps) = if i.bit(24) {
        (fused(status, i, bits, [n, m, a]), bits, i.ra())
    } else if !i.bit(21) || i.bits(15, 10) == 0 {
        let integer = if i.bit(31) { 64 } else { 32 };
        let fraction = if i.bit(21) { 0 } else { 64 - i.bits(15, 10) };
        if i.bits(18, 17) != 1 {
            return to_general(status, i, bits, n, integer, fraction);
        }
        let (f, r) = (format(bits), status.rules(bits));
        let converted = float::from_fixed(f, &r, status.rounding, operand, integer, !i.bit(16), fraction);
        (status.take(converted), bits, i.rd())
    } else {
        match i.bits(11, 10) {
            0 if i.bit(14) => {
                let (value, bits) = one(status, i, bits, n);
                (value, bits, i.rd())
            }
            0 => return compare(status, bits, n, if i.bit(3) { 0 } else { m }, i.bit(4)),
            1 if operand == 0 => return 0,
            1 => return compare(status, bits, n, m, i.bit(4)),
            _ => (two(status, i, bits, n, m), bits, i.rn()),
        }
    };
    let from = if s.status.merges { s.v(keeps) } else { [0; 2] };
    s.set_v(i.rd(), [value & mask(bits), 0]);
    Kept { from: Some(from), bits }.merge(s, i.rd());
    0
}

/// FMADD, FMSUB, FNMADD, FNMSUB.
fn fused(s: &mut Status, i: Insn, bits: u32, [n, m, a]: [u64; 3]) -> u64 {
    let n = if i.bit(21) != i.bit(15) { s.negated(bits, n) } else { n };
    let a = if i.bit(21) { s.negated(bits, a) } else { a };
    fp::mla(s, bits, a, n, m)
}

/// FCVTNS and kin, FCVTZS with fixed point, FJCVTZS.
fn to_general(s: &mut Status, i: Insn, bits: u32, n: u64, integer: u32, fraction: u32) -> u64 {
    let (f, r) = (format(bits), s.rules(bits));
    if is_javascript(i.0) {
        let value = s.take(float::to_int_mod32(f, &r, n));
        let (back, _) = float::from_int(f, Round::TowardZero, value, 32, true);
        return value | u64::from(back != n) << 32;
    }
    let direction = match (i.bit(18), i.bits(20, 19)) {
        (true, _) => Direction::A,
        (_, 0) => Direction::N,
        (_, 1) => Direction::P,
        (_, 2) => Direction::M,
        _ => Direction::Z,
    };
    s.take(float::to_fixed(f, &r, direction.round(s), n, integer, !i.bit(16), fraction))
}

/// The instructions of one operand: the result, and how many bits it has.
fn one(s: &mut Status, i: Insn, bits: u32, n: u64) -> (u64, u32) {
    let rounded = |s: &mut Status, direction, exact| fp::rint(s, bits, n, direction, exact);
    let opcode = i.bits(20, 15);
    let value = match opcode {
        1 => fp::abs(s, bits, n),
        2 => fp::neg(s, bits, n),
        3 => fp::sqrt(s, bits, n),
        6 => return (fp::bfcvt(s, 16, n), 16),
        4 | 5 | 7 => {
            let to = width(opcode & 3);
            let (from, into) = (s.converted(bits), s.converted(to));
            let value = s.take(float::convert(from, into, &s.rules(32), s.rounding, n));
            return (value, to);
        }
        8 => rounded(s, Direction::N, false),
        9 => rounded(s, Direction::P, false),
        10 => rounded(s, Direction::M, false),
        11 => rounded(s, Direction::Z, false),
        12 => rounded(s, Direction::A, false),
        14 => rounded(s, Direction::Fpcr, true),
        15 => rounded(s, Direction::Fpcr, false),
        _ => {
            let direction = if opcode & 1 == 0 { Direction::Z } else { Direction::Fpcr };
            fp::rint_to(s, bits, n, direction, if opcode & 2 == 0 { 32 } else { 64 })
        }
    };
    (value, bits)
}

/// The instructions of two operands.
fn two(s: &mut Status, i: Insn, bits: u32, n: u64, m: u64) -> u64 {
    match i.bits(15, 12) {
        0 => fp::mul(s, bits, n, m),
        1 => fp::div(s, bits, n, m),
        2 => fp::add(s, bits, n, m),
        3 => fp::sub(s, bits, n, m),
        4 => fp::max(s, bits, n, m),
        5 => fp::min(s, bits, n, m),
        6 => fp::maxnm(s, bits, n, m),
        7 => fp::minnm(s, bits, n, m),
        _ => {
            let product = fp::mul(s, bits, n, m);
            s.negated(bits, product)
        }
    }
}

/// The flags of FCMP and kin.
fn compare(s: &mut Status, bits: u32, n: u64, m: u64, signaling: bool) -> u64 {
    match fp::compare(s, bits, n, m, signaling) {
        Ordering4::Less => 0b1000 << 28,
        Ordering4::Equal => 0b0110 << 28,
        Ordering4::Greater => 0b0010 << 28,
        Ordering4::Unordered => 0b0011 << 28,
    }
}
