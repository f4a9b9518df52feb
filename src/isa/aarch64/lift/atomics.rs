//! Exclusives and atomics. Read-modify-writes are sequentially consistent whatever order they ask for.

use super::memory::join;
use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, MemSize, RmwOp, Type, UnOp, Val, Width};
use crate::isa::aarch64::{helpers, regs};

impl Lift<'_> {
    /// Makes the next store-exclusive fail.
    pub fn open_monitor(&mut self) {
        let none = self.b.const_(u64::MAX);
        self.b.set(regs::EXCLUSIVE_ADDRESS, none);
    }

    /// Two registers take the words of a doubleword, as they follow each other in memory.
    fn set_words(&mut self, first: u32, second: u32, value: Val) {
        let (low, high) = if self.mode.big_endian { (second, first) } else { (first, second) };
        let low_word = self.b.un64(UnOp::Zext32, value);
        let high_word = self.b.bin_imm(BinOp::ShrU, Width::W64, value, 32);
        self.set_x(low, low_word);
        self.set_x(high, high_word);
    }
}

/// LDXR, LDAXR.
pub fn load_exclusive(l: &mut Lift, i: Insn, size: MemSize) {
    let address = l.x_or_sp(i.rn());
    let value = l.b.load_aligned(size, false, address);
    l.b.set(regs::EXCLUSIVE_ADDRESS, address);
    l.b.set(regs::EXCLUSIVE_VALUE, value);
    l.set_x(i.rd(), value);
}

/// LDXP, LDAXP of words.
pub fn load_exclusive_words(l: &mut Lift, i: Insn) {
    let address = l.x_or_sp(i.rn());
    let value = l.b.load_aligned(MemSize::B8, false, address);
    l.b.set(regs::EXCLUSIVE_ADDRESS, address);
    l.b.set(regs::EXCLUSIVE_VALUE, value);
    l.set_words(i.rd(), i.ra(), value);
}

/// LDXP, LDAXP of doublewords. Whether the two belong together shows when the store compares both.
pub fn load_exclusive_pair(l: &mut Lift, i: Insn) {
    let address = l.x_or_sp(i.rn());
    l.aligned(address, 0, 16, false);
    let low = l.b.load_aligned(MemSize::B8, false, address);
    let high = l.b.load(MemSize::B8, false, address, 8);
    l.b.set(regs::EXCLUSIVE_ADDRESS, address);
    l.b.set(regs::EXCLUSIVE_VALUE, low);
    l.b.set(regs::EXCLUSIVE_HIGH, high);
    l.set_x(i.rd(), low);
    l.set_x(i.ra(), high);
}

/// STXR, STLXR: stores when memory still holds what the load-exclusive found.
pub fn store_exclusive(l: &mut Lift, i: Insn, size: MemSize) {
    let value = l.x(i.rd());
    store_if_exclusive(l, i, size, value);
}

/// STXP, STLXP of words.
pub fn store_exclusive_words(l: &mut Lift, i: Insn) {
    let (low, high) = (l.x(i.rd()), l.x(i.ra()));
    let value = join(l, low, high);
    store_if_exclusive(l, i, MemSize::B8, value);
}

/// The address that the monitor watches. An open one watches, by its number, the last byte of all, where stores of a byte
/// are never exclusive.
fn watched(l: &mut Lift, size: MemSize, address: Val) -> Val {
    let watched = l.b.get(regs::EXCLUSIVE_ADDRESS, Type::Int);
    if size != MemSize::B1 {
        return watched;
    }
    let (open, other) = (l.b.const_(u64::MAX), l.b.const_(0));
    let last = l.b.cmp(Cond::Eq, Width::W64, address, open);
    l.b.select(last, other, watched)
}

fn store_if_exclusive(l: &mut Lift, i: Insn, size: MemSize, value: Val) {
    let address = l.x_or_sp(i.rn());
    let reserved = watched(l, size, address);
    let expected = l.b.get(regs::EXCLUSIVE_VALUE, Type::Int);
    let failed = l.b.store_conditional(size, address, reserved, expected, value);
    l.open_monitor();
    l.set_x(i.rm(), failed);
}

/// STXP, STLXP of doublewords.
pub fn store_exclusive_pair(l: &mut Lift, i: Insn) {
    let address = l.x_or_sp(i.rn());
    let registers = l.b.const_(u64::from(i.rd() | i.ra() << 8));
    let failed = l.call(helpers::STORE_PAIR_EXCLUSIVE, &[address, registers]);
    l.open_monitor();
    l.set_x(i.rm(), failed);
}

/// CAS and kin: Rs is both what is expected and what is found.
pub fn cas(l: &mut Lift, i: Insn, size: MemSize) {
    let (address, expected, new) = (l.x_or_sp(i.rn()), l.x(i.rm()), l.x(i.rd()));
    let old = l.b.cas(size, address, expected, new);
    l.set_x(i.rm(), old);
}

/// CASP of words.
pub fn cas_words(l: &mut Lift, i: Insn) {
    let address = l.x_or_sp(i.rn());
    let (low, high) = (l.x(i.rm()), l.x(i.rm() + 1));
    let expected = join(l, low, high);
    let (low, high) = (l.x(i.rd()), l.x(i.rd() + 1));
    let new = join(l, low, high);
    let old = l.b.cas(MemSize::B8, address, expected, new);
    l.set_words(i.rm(), i.rm() + 1, old);
}

/// CASP of doublewords.
pub fn cas_pair(l: &mut Lift, i: Insn) {
    let address = l.x_or_sp(i.rn());
    let registers = l.b.const_(u64::from(i.rm() | i.rd() << 8));
    l.call(helpers::CAS_PAIR, &[address, registers]);
}

/// LDADD, LDSET, SWP and kin, with what becomes of the operand first.
pub fn rmw(l: &mut Lift, i: Insn, op: RmwOp, size: MemSize) {
    let (address, operand) = (l.x_or_sp(i.rn()), l.x(i.rm()));
    let old = l.b.rmw(op, size, address, operand);
    l.set_x(i.rd(), old);
}

/// LDCLR.
pub fn clear(l: &mut Lift, i: Insn, size: MemSize) {
    let (address, operand) = (l.x_or_sp(i.rn()), l.x(i.rm()));
    let kept = l.b.un64(UnOp::Not, operand);
    let old = l.b.rmw(RmwOp::And, size, address, kept);
    l.set_x(i.rd(), old);
}
