//! The lifter: what each instruction means, as IR. A function lifts an instruction or a family of them, and the rows of
//! the [table](super::table) name it.

pub mod atomics;
pub mod branch;
pub mod flags;
pub mod float;
pub mod float_convert;
pub mod immediate;
pub mod memory;
pub mod register;
pub mod system;
pub mod vector;
mod vector_arith;

use super::decode::{self, Insn};
use super::features::Features;
use super::mode::CodeMode;
use super::simd::table::Run;
use super::{helpers, regs, simd, syndrome};
use crate::cpu::Lifted;
use crate::ir::{BinOp, Builder, Cond, Effects, End, HelperId, MemSize, Type, UnOp, Val, Width};

/// Lifts the instruction at the start of `code` into `b`; see [`crate::cpu::Isa::lift`].
pub fn lift(b: &mut Builder, code: &[u8], mode: CodeMode, features: Features) -> Lifted {
    let Some(code) = code.first_chunk::<4>() else { return Lifted::NeedsMore };
    let word = u32::from_le_bytes(*code);
    let off = i64::from(b.here());
    b.insn(4);
    b.access = mode.mem(MemSize::B8);
    let mut l = Lift { b, mode, features, off, word };
    if mode.stepped {
        let exclusive = l.b.const_(u64::from(syndrome::is_load_exclusive(word)));
        l.call(helpers::STEP, &[exclusive]);
    }
    if mode.guarded && l.b.insns() == 1 {
        l.check_branch_target();
    }
    match decode::decode(word, features) {
        Some(row) if row.needs.has(Features::FP) && mode.float_trap != 0 => l.trap(helpers::FLOAT_TRAP),
        Some(_) if mode.alternate() && simd::alternate::is_computed(word) => float::alternate(&mut l, Insn(word)),
        Some(row) => (row.lift)(&mut l, Insn(word)),
        None if simd::is_simd(word, features) => l.simd(),
        None => l.trap(helpers::UNDEFINED),
    }
    Lifted::Done(4)
}

/// One instruction on its way into a block.
pub struct Lift<'a> {
    /// The block.
    pub b: &'a mut Builder,
    /// The mode that it runs in.
    pub mode: CodeMode,
    /// The features that the CPU has.
    pub features: Features,
    /// The instruction's offset from the block's page.
    pub off: i64,
    /// The instruction's bits.
    pub word: u32,
}

impl Lift<'_> {
    /// The value of a general register, 31 being the zero register.
    pub fn x(&mut self, n: u32) -> Val {
        if n == 31 { self.b.const_(0) } else { self.b.get(regs::x(n), Type::Int) }
    }

    /// The value of a general register, 31 being the stack pointer.
    pub fn x_or_sp(&mut self, n: u32) -> Val {
        self.b.get(regs::x(n), Type::Int)
    }

    /// A general register takes a value; 31 is the zero register, which does not.
    pub fn set_x(&mut self, n: u32, value: Val) {
        if n != 31 {
            self.b.set(regs::x(n), value);
        }
    }

    /// A general register takes a value, 31 being the stack pointer.
    pub fn set_x_or_sp(&mut self, n: u32, value: Val) {
        self.b.set(regs::x(n), value);
    }

    /// `value` cut to the width.
    pub fn cut(&mut self, w: Width, value: Val) -> Val {
        match w {
            Width::W32 => self.b.un64(UnOp::Zext32, value),
            Width::W64 => value,
        }
    }

    /// `value` with its sign at the width brought to bit 63.
    pub fn signed(&mut self, w: Width, value: Val) -> Val {
        match w {
            Width::W32 => self.b.sext32(value),
            Width::W64 => value,
        }
    }

    /// The instruction's bits as a value, for helpers that trap.
    pub fn bits(&mut self) -> Val {
        self.b.const_(u64::from(self.word))
    }

    /// Calls a helper that may do anything.
    pub fn call(&mut self, helper: HelperId, args: &[Val]) -> Val {
        self.b.call(helper, Effects::ANY, args)
    }

    /// Calls a helper that always traps with the instruction's bits. Nothing may have been set before.
    pub fn trap(&mut self, helper: HelperId) {
        let bits = self.bits();
        self.call(helper, &[bits]);
        self.b.end(End::Never);
    }

    /// In a guarded page, at the first instruction of a block: the only one that a branch may have gone to.
    fn check_branch_target(&mut self) {
        let forbidden = branch::forbidden_types(self.word, self.mode.bti);
        if forbidden == 0 {
            return;
        }
        let (branched, here) = (self.b.get(regs::BRANCHED, Type::Int), self.b.pc(self.off));
        let branch_type = self.b.bin(BinOp::Xor, Width::W64, branched, here);
        // All three types are forbidden, or one.
        let wrong = if forbidden == 0b1110 {
            let one_less = self.b.bin_imm(BinOp::Sub, Width::W64, branch_type, 1);
            self.b.cmp_imm(Cond::LtU, Width::W64, one_less, 3)
        } else {
            self.b.cmp_imm(Cond::Eq, Width::W64, branch_type, forbidden.trailing_zeros().into())
        };
        self.b.trap_if(wrong, helpers::BRANCH_TARGET);
    }

    fn simd(&mut self) {
        if self.mode.float_trap != 0 {
            return self.trap(helpers::FLOAT_TRAP);
        }
        let Some(number) = simd::table::number(self.word) else { return self.trap(helpers::UNDEFINED) };
        if vector::lift(self, simd::table::row(number), Insn(self.word)) {
            return;
        }
        let traps = matches!(simd::table::row(number).run, Run::Memory(_));
        let (bits, number) = (self.bits(), self.b.const_(number.into()));
        self.b.call(helpers::SIMD, Effects { traps, ..Effects::ANY }, &[bits, number]);
    }
}
