//! Zicsr, privileged instructions, fences, cache blocks, hints and may-be-operations.

use super::{Insn, Lift};
use crate::ir::{BinOp, Effects, HelperId, Hint, Slot, Type, Val, Why, Width};
use crate::isa::riscv64::extensions::Extensions;
use crate::isa::riscv64::mode::Privilege;
use crate::isa::riscv64::{helpers, regs};

/// What a CSR instruction writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CsrOp {
    /// The operand.
    Write,
    /// The old value with the operand's bits set.
    Set,
    /// The old value with the operand's bits cleared.
    Clear,
}

/// `fflags`, which decides neither what code means nor what interrupts are due: a block goes on after a write.
const FFLAGS: u64 = 0x001;

/// CSRRW, CSRRS, CSRRC.
pub fn csr(l: &mut Lift, i: Insn, op: CsrOp) {
    let operand = l.x(i.rs1);
    access_csr(l, i, op, operand);
}

/// CSRRWI, CSRRSI, CSRRCI.
pub fn csr_imm(l: &mut Lift, i: Insn, op: CsrOp) {
    let operand = l.b.const_(u64::from(i.rs1));
    access_csr(l, i, op, operand);
}

/// The CSRs that are nothing but storage, with the least privilege that reaches them and whether they hold an
/// instruction's address. Trap handlers live on them, so they are read and written like any register.
const STORAGE: [(u64, Slot, Privilege, bool); 8] = [
    (0x140, regs::SSCRATCH, Privilege::Supervisor, false),
    (0x141, regs::SEPC, Privilege::Supervisor, true),
    (0x142, regs::SCAUSE, Privilege::Supervisor, false),
    (0x143, regs::STVAL, Privilege::Supervisor, false),
    (0x340, regs::MSCRATCH, Privilege::Machine, false),
    (0x341, regs::MEPC, Privilege::Machine, true),
    (0x342, regs::MCAUSE, Privilege::Machine, false),
    (0x343, regs::MTVAL, Privilege::Machine, false),
];

/// Accesses a CSR of [`STORAGE`] that the mode may; false for all others.
fn access_storage(l: &mut Lift, i: Insn, op: CsrOp, operand: Val) -> bool {
    let found = STORAGE.iter().find(|(csr, _, least, _)| *csr == i.imm as u64 && l.mode.privilege >= *least);
    let Some(&(_, slot, _, address)) = found.filter(|_| l.ext.has(Extensions::S)) else { return false };
    let old = l.b.get(slot, Type::Int);
    if op == CsrOp::Write || i.rs1 != 0 {
        let new = match op {
            CsrOp::Write => operand,
            CsrOp::Set => l.b.bin(BinOp::Or, Width::W64, old, operand),
            CsrOp::Clear => l.b.bin(BinOp::AndNot, Width::W64, old, operand),
        };
        let unused = if l.ext.has(Extensions::C) { 1 } else { 3 };
        let new = if address { l.b.and_imm(new, !unused) } else { new };
        l.b.set(slot, new);
    }
    l.set_x(i.rd, old);
    true
}

fn access_csr(l: &mut Lift, i: Insn, op: CsrOp, operand: Val) {
    if access_storage(l, i, op, operand) {
        return;
    }
    let csr = i.imm as u64;
    let reads = op != CsrOp::Write || i.rd != 0;
    // The manual goes by the field, not by the operand's value.
    let writes = op == CsrOp::Write || i.rs1 != 0;
    let bits = l.bits();
    let old = if reads {
        let which = l.b.const_(csr | u64::from(writes) << 16);
        l.b.call(helpers::CSR_READ, Effects::ANY, &[which, bits])
    } else {
        operand
    };
    if writes {
        let new = match op {
            CsrOp::Write => operand,
            CsrOp::Set => l.b.bin(BinOp::Or, Width::W64, old, operand),
            CsrOp::Clear => l.b.bin(BinOp::AndNot, Width::W64, old, operand),
        };
        let which = l.b.const_(csr);
        l.b.call(helpers::CSR_WRITE, Effects::ANY, &[which, new, bits]);
    }
    if reads {
        l.set_x(i.rd, old);
    }
    if writes && csr != FFLAGS {
        l.b.next_afresh();
    }
}

/// FENCE. Of all orders, hosts fail to keep only that of a store before a load by themselves.
pub fn fence(l: &mut Lift, i: Insn) {
    let (before, after) = (i.bits(27, 24), i.bits(23, 20));
    let tso = i.bits(31, 28) == 0b1000;
    if before & 0b0001 != 0 && after & 0b0010 != 0 && !tso {
        l.b.fence();
    }
}

/// FENCE.I.
pub fn fence_i(l: &mut Lift, _: Insn) {
    l.b.leave(Why::Sync);
}

/// TH.SYNC and its kin.
pub fn full_fence(l: &mut Lift, _: Insn) {
    l.b.fence();
}

/// TH.DCACHE, TH.ICACHE and TH.L2CACHE operations, for a privilege level and those above: caches are coherent here, and
/// code that was written is looked for when its fetches are to see it.
pub fn cache_maintenance(l: &mut Lift, i: Insn, lowest: Privilege) {
    const OF_CODE: u32 = 1 << 24;
    if l.mode.privilege < lowest {
        return l.illegal();
    }
    if i.word & OF_CODE != 0 {
        fence_i(l, i);
    }
}

/// PAUSE.
pub fn pause(l: &mut Lift, _: Insn) {
    l.b.leave(Why::Yield);
}

/// Hints without effect here.
pub fn nop(_: &mut Lift, _: Insn) {}

/// ECALL.
pub fn ecall(l: &mut Lift, _: Insn) {
    let target = l.b.call(helpers::ECALL, Effects::ANY, &[]);
    l.b.indirect(target, Hint::Jump);
}

/// EBREAK.
pub fn ebreak(l: &mut Lift, _: Insn) {
    let target = l.b.call(helpers::EBREAK, Effects::ANY, &[]);
    l.b.indirect(target, Hint::Jump);
}

/// MRET, SRET.
pub fn trap_return(l: &mut Lift, _: Insn, helper: HelperId) {
    let bits = l.bits();
    let target = l.b.call(helper, Effects::ANY, &[bits]);
    l.b.indirect(target, Hint::Jump);
}

/// WFI.
pub fn wfi(l: &mut Lift, _: Insn) {
    let bits = l.bits();
    l.b.call(helpers::WFI, Effects::ANY, &[bits]);
    l.b.leave(Why::Wait);
}

/// SFENCE.VMA, SINVAL.VMA.
pub fn sfence_vma(l: &mut Lift, i: Insn) {
    let (address, asid) = (l.x(i.rs1), l.x(i.rs2));
    let given = u64::from(i.rs1 != 0) | u64::from(i.rs2 != 0) << 1;
    let what = l.b.const_(given | u64::from(i.word) << 32);
    l.b.call(helpers::SFENCE_VMA, Effects::ANY, &[address, asid, what]);
    l.b.next_afresh();
}

/// SFENCE.W.INVAL, SFENCE.INVAL.IR: SINVAL.VMA alone is in order already.
pub fn sfence_check(l: &mut Lift, _: Insn) {
    let bits = l.bits();
    l.b.call(helpers::SFENCE_CHECK, Effects::ANY, &[bits]);
}

/// CBO.INVAL, CBO.CLEAN, CBO.FLUSH, CBO.ZERO, by the number in the instruction.
pub fn cbo(l: &mut Lift, i: Insn) {
    let address = l.x(i.rs1);
    let operation = l.b.const_(u64::from(i.bits(31, 20)));
    let bits = l.bits();
    l.b.call(helpers::CBO, Effects::ANY, &[address, operation, bits]);
}

/// MOP.R, MOP.RR: zero until something defines them.
pub fn may_be_operation(l: &mut Lift, i: Insn) {
    let zero = l.b.const_(0);
    l.set_x(i.rd, zero);
}
