//! RV64I: the base integer instructions.

use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, Effects, End, Hint, MemSize, UnOp, Val, Width};
use crate::isa::riscv64::extensions::Extensions;
use crate::isa::riscv64::helpers;

/// LUI.
pub fn lui(l: &mut Lift, i: Insn) {
    let value = l.b.const_(i.imm as u64);
    l.set_x(i.rd, value);
}

/// AUIPC.
pub fn auipc(l: &mut Lift, i: Insn) {
    let value = l.b.pc(l.off + i.imm);
    l.set_x(i.rd, value);
}

/// JAL, C.J.
pub fn jal(l: &mut Lift, i: Insn) {
    let target = l.off + i.imm;
    if is_misaligned(l, target) {
        return raise_misaligned(l, target);
    }
    link(l, i.rd);
    l.b.jump(target, is_link(i.rd));
}

/// JALR, C.JR, C.JALR.
pub fn jalr(l: &mut Lift, i: Insn) {
    let base = l.x(i.rs1);
    let sum = l.b.add_imm(base, i.imm);
    let target = l.b.and_imm(sum, !1);
    if !l.ext.has(Extensions::C) {
        l.b.call(helpers::CHECK_TARGET, Effects::ANY, &[target]);
    }
    link(l, i.rd);
    // The manual's table of return-address-stack hints; of "pop, then push" the push is kept.
    let hint = match (is_link(i.rd), is_link(i.rs1)) {
        (true, _) => Hint::Call,
        (false, true) => Hint::Return,
        (false, false) => Hint::Jump,
    };
    l.b.indirect(target, hint);
}

/// Whether a register is one that calls keep return addresses in.
const fn is_link(n: u32) -> bool {
    n == 1 || n == 5
}

fn link(l: &mut Lift, rd: u32) {
    if rd != 0 {
        let next = i64::from(l.b.here());
        let value = l.b.pc(next);
        l.set_x(rd, value);
    }
}

/// Whether jumping to `target` is an exception: a block's page is aligned, so the offset tells.
fn is_misaligned(l: &Lift, target: i64) -> bool {
    !l.ext.has(Extensions::C) && target & 3 != 0
}

fn raise_misaligned(l: &mut Lift, target: i64) {
    let target = l.b.pc(target);
    l.b.call(helpers::CHECK_TARGET, Effects::ANY, &[target]);
    l.b.end(End::Never);
}

/// Conditional branches.
pub fn branch(l: &mut Lift, i: Insn, cond: Cond) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let target = l.off + i.imm;
    if is_misaligned(l, target) {
        let not_taken = l.b.cmp(cond.inverse(), Width::W64, a, b);
        let next = i64::from(l.b.here());
        l.b.exit_if(not_taken, next);
        if !l.b.has_ended() {
            raise_misaligned(l, target);
        }
        return;
    }
    let taken = l.b.cmp(cond, Width::W64, a, b);
    l.b.exit_if(taken, target);
}

/// Loads that sign-extend.
pub fn load(l: &mut Lift, i: Insn, size: MemSize) {
    let base = l.x(i.rs1);
    let value = l.b.load(size, size != MemSize::B8, base, i.imm as i32);
    l.set_x(i.rd, value);
}

/// Loads that zero-extend.
pub fn load_unsigned(l: &mut Lift, i: Insn, size: MemSize) {
    let base = l.x(i.rs1);
    let value = l.b.load(size, false, base, i.imm as i32);
    l.set_x(i.rd, value);
}

/// Stores.
pub fn store(l: &mut Lift, i: Insn, size: MemSize) {
    let (base, value) = (l.x(i.rs1), l.x(i.rs2));
    l.b.store(size, base, i.imm as i32, value);
}

/// Register-register instructions that are one op.
pub fn alu(l: &mut Lift, i: Insn, op: BinOp) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let value = l.b.bin(op, Width::W64, a, b);
    l.set_x(i.rd, value);
}

/// Register-immediate instructions that are one op.
pub fn alu_imm(l: &mut Lift, i: Insn, op: BinOp) {
    let a = l.x(i.rs1);
    let value = l.b.bin_imm(op, Width::W64, a, i.imm as u64);
    l.set_x(i.rd, value);
}

/// Register-register instructions on words.
pub fn alu_w(l: &mut Lift, i: Insn, op: BinOp) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let value = l.b.bin(op, Width::W32, a, b);
    set_word(l, i.rd, value);
}

/// Register-immediate instructions on words.
pub fn alu_imm_w(l: &mut Lift, i: Insn, op: BinOp) {
    let a = l.x(i.rs1);
    // SEXT.W is ADDIW with 0.
    let value = if i.imm == 0 { a } else { l.b.bin_imm(op, Width::W32, a, i.imm as u64) };
    set_word(l, i.rd, value);
}

/// Instructions of one operand.
pub fn unary(l: &mut Lift, i: Insn, op: UnOp) {
    let a = l.x(i.rs1);
    let value = l.b.un64(op, a);
    l.set_x(i.rd, value);
}

/// A register takes a word, sign-extended.
pub fn set_word(l: &mut Lift, rd: u32, value: Val) {
    let value = l.b.sext32(value);
    l.set_x(rd, value);
}

/// SLT, SLTU.
pub fn set_less(l: &mut Lift, i: Insn, cond: Cond) {
    let (a, b) = (l.x(i.rs1), l.x(i.rs2));
    let value = l.b.cmp(cond, Width::W64, a, b);
    l.set_x(i.rd, value);
}

/// SLTI, SLTIU.
pub fn set_less_imm(l: &mut Lift, i: Insn, cond: Cond) {
    let a = l.x(i.rs1);
    let value = l.b.cmp_imm(cond, Width::W64, a, i.imm as u64);
    l.set_x(i.rd, value);
}
