//! A, Zacas, Zabha, Zawrs: atomics. Read-modify-writes are sequentially consistent whatever `aq` and `rl` say.

use super::{Insn, Lift};
use crate::ir::{Effects, MemSize, RmwOp, Type, UnOp, Val, Why};
use crate::isa::riscv64::{helpers, regs};

/// LR.
pub fn load_reserved(l: &mut Lift, i: Insn, size: MemSize) {
    if i.bits(25, 25) != 0 {
        // With `rl` earlier stores come first: the only order that x86 does not keep.
        l.b.fence();
    }
    let address = l.x(i.rs1);
    let value = l.b.load_aligned(size, size != MemSize::B8, address);
    l.b.set(regs::RESERVED_ADDRESS, address);
    l.b.set(regs::RESERVED_VALUE, value);
    l.set_x(i.rd, value);
}

/// SC: stores when memory still holds what LR loaded.
pub fn store_conditional(l: &mut Lift, i: Insn, size: MemSize) {
    let (address, new) = (l.x(i.rs1), l.x(i.rs2));
    let reserved = l.b.get(regs::RESERVED_ADDRESS, Type::Int);
    let expected = l.b.get(regs::RESERVED_VALUE, Type::Int);
    let failed = l.b.store_conditional(size, address, reserved, expected, new);
    let none = l.b.const_(u64::MAX);
    l.b.set(regs::RESERVED_ADDRESS, none);
    l.set_x(i.rd, failed);
}

/// AMOs.
pub fn amo(l: &mut Lift, i: Insn, op: RmwOp, size: MemSize) {
    let (address, operand) = (l.x(i.rs1), l.x(i.rs2));
    let old = l.b.rmw(op, size, address, operand);
    set_extended(l, i.rd, old, size);
}

/// AMOCAS: rd is both what is expected and what is found.
pub fn amocas(l: &mut Lift, i: Insn, size: MemSize) {
    let (address, expected, new) = (l.x(i.rs1), l.x(i.rd), l.x(i.rs2));
    let old = l.b.cas(size, address, expected, new);
    set_extended(l, i.rd, old, size);
}

/// AMOCAS.Q, on register pairs.
pub fn amocas_q(l: &mut Lift, i: Insn) {
    let address = l.x(i.rs1);
    let registers = l.b.const_(u64::from(i.rd | i.rs2 << 8));
    l.b.call(helpers::AMOCAS_Q, Effects::ANY, &[address, registers]);
}

/// WRS.NTO, WRS.STO: a wait that may end at once, so it is a pause.
pub fn wait_on_reservation(l: &mut Lift, _: Insn) {
    l.b.leave(Why::Yield);
}

fn set_extended(l: &mut Lift, rd: u32, value: Val, size: MemSize) {
    let value = match size {
        MemSize::B1 => l.b.un64(UnOp::Sext8, value),
        MemSize::B2 => l.b.un64(UnOp::Sext16, value),
        MemSize::B4 => l.b.sext32(value),
        MemSize::B8 => value,
    };
    l.set_x(rd, value);
}
