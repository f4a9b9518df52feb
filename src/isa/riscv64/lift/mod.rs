//! The lifter: what each instruction means, as IR. The files are the manual's chapters; a function lifts an
//! instruction or a family of them, and the rows of the [table](super::table) name it.

pub mod atomics;
pub mod base;
pub mod bitmanip;
pub mod float;
pub mod muldiv;
pub mod system;

use super::decode::{self, Insn};
use super::extensions::Extensions;
use super::mode::CodeMode;
use super::{helpers, regs};
use crate::cpu::Lifted;
use crate::float::Round;
use crate::ir::{Builder, Effects, End, Type, Val};

/// Lifts the instruction at the start of `code` into `b`; see [`crate::cpu::Isa::lift`].
pub fn lift(b: &mut Builder, code: &[u8], mode: CodeMode, ext: Extensions) -> Lifted {
    let Some(&low) = code.first() else { return Lifted::NeedsMore };
    let len = decode::length(low);
    let word = match *code {
        [a, b, ..] if len == 2 => u32::from(u16::from_le_bytes([a, b])),
        [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
        _ => return Lifted::NeedsMore,
    };
    let off = i64::from(b.here());
    b.insn(len);
    let mut l = Lift { b, mode, ext, off, word, rounding: Round::NearestEven };
    if mode.counted {
        l.b.call(helpers::COUNT, Effects::ANY, &[]);
    }
    let legal = decode::decode(word, ext).and_then(|row| {
        if row.needs.float() && !mode.float {
            return None;
        }
        let insn = Insn::new(word, row.format);
        if row.rounds {
            l.rounding = rounding(insn.rm(), mode)?;
        }
        Some((row.lift?, insn))
    });
    match legal {
        Some((lift, insn)) => lift(&mut l, insn),
        None => l.illegal(),
    }
    Lifted::Done(len)
}

/// The rounding direction that an instruction's `rm` field selects, unless that is left to a reserved `frm`.
fn rounding(rm: u32, mode: CodeMode) -> Option<Round> {
    match if rm == 7 { u32::from(mode.frm) } else { rm } {
        0 => Some(Round::NearestEven),
        1 => Some(Round::TowardZero),
        2 => Some(Round::Down),
        3 => Some(Round::Up),
        4 => Some(Round::NearestAway),
        _ => None,
    }
}

/// One instruction on its way into a block.
pub struct Lift<'a> {
    /// The block.
    pub b: &'a mut Builder,
    /// The mode that it runs in.
    pub mode: CodeMode,
    /// The extensions that the CPU has.
    pub ext: Extensions,
    /// The instruction's offset from the block's page.
    pub off: i64,
    /// The instruction's bits.
    pub word: u32,
    /// How it rounds, if it does.
    pub rounding: Round,
}

impl Lift<'_> {
    /// The value of an integer register.
    pub fn x(&mut self, n: u32) -> Val {
        if n == 0 { self.b.const_(0) } else { self.b.get(regs::x(n), Type::Int) }
    }

    /// An integer register takes a value; `x0` does not.
    pub fn set_x(&mut self, n: u32, value: Val) {
        if n != 0 {
            self.b.set(regs::x(n), value);
        }
    }

    /// The instruction's bits as a value, for helpers that raise illegal instruction.
    pub fn bits(&mut self) -> Val {
        self.b.const_(u64::from(self.word))
    }

    /// Raises illegal instruction. Nothing may have been set before.
    pub fn illegal(&mut self) {
        let bits = self.bits();
        self.b.call(helpers::ILLEGAL, Effects::ANY, &[bits]);
        self.b.end(End::Never);
    }
}
