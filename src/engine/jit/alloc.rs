//! The register allocator: one walk over a block, values in registers, slots written late.
//!
//! A value is where its [`Loc`] says. Reading a slot emits nothing until the value is wanted; writing one only notes
//! that the value is *dirty*: it is stored where the block is left (cold side exits store their own copy) or where a
//! helper must see it. Memory slow paths do not store dirty values: they carry a map ([`Dirty`]) that says where each
//! is, and only a trap reads it.

use super::asm::{Asm, asm, near};
use super::frame;
use crate::ir::{Block, Op, Slot, Type, Val};

/// Scratch registers of templates.
pub const RAX: u8 = 0;
/// Scratch.
pub const RCX: u8 = 1;
/// Scratch.
pub const RDX: u8 = 2;
/// The vCPU.
pub const RBP: u8 = 5;
/// A register that holds values, and the target of an indirect jump at the end of a block.
pub const RSI: u8 = 6;
/// The page of the running block.
pub const R15: u8 = 15;
/// General registers that hold values; those with short encodings first.
pub const INT_REGS: [u8; 10] = [3, 6, 7, 8, 9, 10, 11, 12, 13, 14];
/// Vector registers that hold values.
pub const XMM_REGS: [u8; 14] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loc {
    /// Nowhere: not computed yet, or nobody wants it any more.
    None,
    /// It is a constant.
    Const(u64),
    /// It is an offset from the block's page.
    Pc(i64),
    /// In a general register.
    Reg(u8),
    /// In a vector register.
    Xmm(u8),
    /// On the stack.
    Spill(u8),
    /// In the memory of a slot that has not been written since.
    Slot(Slot),
}

/// Where a dirty slot's value is at a slow path, for the trap that may come of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dirty {
    /// The slot.
    pub slot: u16,
    /// What `index` or `imm` is.
    pub kind: DirtyKind,
    /// Register or spill number.
    pub index: u8,
    /// A sign-extended constant, or an offset from the page.
    pub imm: i32,
}

impl Dirty {
    /// The entry as it stands behind code.
    pub fn to_bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..2].copy_from_slice(&self.slot.to_le_bytes());
        (bytes[2], bytes[3]) = (self.kind as u8, self.index);
        bytes[4..].copy_from_slice(&self.imm.to_le_bytes());
        bytes
    }

    /// The entry that [`to_bytes`](Dirty::to_bytes) wrote.
    pub fn from_bytes(bytes: [u8; 8]) -> Dirty {
        use DirtyKind::{Const, Pc, Reg, Slot, Spill, Xmm};
        Dirty {
            slot: u16::from_le_bytes([bytes[0], bytes[1]]),
            kind: [Reg, Xmm, Spill, Const, Pc, Slot][usize::from(bytes[2])],
            index: bytes[3],
            imm: i32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        }
    }
}

/// Kinds of [`Dirty`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DirtyKind {
    /// A general register.
    Reg,
    /// A vector register.
    Xmm,
    /// A spilled value.
    Spill,
    /// A constant.
    Const,
    /// An offset from the page.
    Pc,
    /// Another slot's memory.
    Slot,
}

/// A block needs more spill places than there are: it is lifted again, shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooBig;

/// The allocator's state for one block.
pub struct Alloc {
    loc: Vec<Loc>,
    types: Vec<Option<Type>>,
    /// How often each value is still wanted, its being dirty included.
    uses: Vec<u32>,
    int_owner: [Val; 16],
    xmm_owner: [Val; 16],
    /// Registers that the op at hand uses.
    pinned_int: u16,
    pinned_xmm: u16,
    spills: Vec<Val>,
    /// Slots whose memory is older than their value.
    pub dirty: Vec<(Slot, Val)>,
    /// Live values whose `Loc` may be the memory of a slot.
    in_slot: Vec<(Slot, Val)>,
    next_victim: usize,
    overflow: bool,
}

impl Alloc {
    /// An allocator without a block.
    pub fn new() -> Alloc {
        Alloc {
            loc: Vec::new(),
            types: Vec::new(),
            uses: Vec::new(),
            int_owner: [Val::NONE; 16],
            xmm_owner: [Val::NONE; 16],
            pinned_int: 0,
            pinned_xmm: 0,
            spills: Vec::new(),
            dirty: Vec::new(),
            in_slot: Vec::new(),
            next_victim: 0,
            overflow: false,
        }
    }

    /// Starts a block: counts uses, backwards, leaving out ops that nobody wants.
    pub fn begin(&mut self, block: &Block) {
        let n = block.ops.len();
        self.loc.clear();
        self.loc.resize(n, Loc::None);
        self.uses.clear();
        self.uses.resize(n, 0);
        self.types.clear();
        self.types.extend(block.ops.iter().map(Op::ty));
        self.int_owner = [Val::NONE; 16];
        self.xmm_owner = [Val::NONE; 16];
        (self.pinned_int, self.pinned_xmm, self.overflow) = (0, 0, false);
        self.spills.clear();
        self.dirty.clear();
        self.in_slot.clear();
        if let Some(val) = block.end.uses() {
            self.uses[val.0 as usize] += 1;
        }
        for (index, op) in block.ops.iter().enumerate().rev() {
            if op.has_effect() || self.uses[index] > 0 {
                op.uses(|val, _| self.uses[val.0 as usize] += 1);
            }
        }
    }

    /// Whether the block was too big.
    pub fn overflowed(&self) -> bool {
        self.overflow
    }

    /// How often a value is still wanted.
    pub fn uses(&self, v: Val) -> u32 {
        self.uses[v.0 as usize]
    }

    /// Where a value is.
    pub fn loc(&self, v: Val) -> Loc {
        self.loc[v.0 as usize]
    }

    /// The type of a value.
    pub fn ty(&self, v: Val) -> Type {
        self.types[v.0 as usize].unwrap_or(Type::Int)
    }

    /// Says where a value is that needs no register.
    pub fn place(&mut self, v: Val, loc: Loc) {
        self.loc[v.0 as usize] = loc;
        if let Loc::Slot(slot) = loc {
            self.in_slot.push((slot, v));
        }
    }

    /// The op at hand is finished: its registers may be taken.
    pub fn unpin(&mut self) {
        self.pinned_int = 0;
        self.pinned_xmm = 0;
    }

    /// One use of a value is over.
    pub fn drop_use(&mut self, v: Val) {
        if v == Val::NONE {
            return;
        }
        let uses = &mut self.uses[v.0 as usize];
        *uses -= 1;
        if *uses == 0 {
            self.free(v);
        }
    }

    fn free(&mut self, v: Val) {
        match self.loc(v) {
            Loc::Reg(r) => self.int_owner[r as usize] = Val::NONE,
            Loc::Xmm(r) => self.xmm_owner[r as usize] = Val::NONE,
            Loc::Spill(n) => self.spills[n as usize] = Val::NONE,
            Loc::Slot(_) => self.in_slot.retain(|(_, val)| *val != v),
            Loc::None | Loc::Const(_) | Loc::Pc(_) => {}
        }
        self.loc[v.0 as usize] = Loc::None;
    }

    /// A value that nobody uses was given a register: it is free at once.
    pub fn drop_if_unused(&mut self, v: Val) {
        if self.uses(v) == 0 {
            self.free(v);
        }
    }

    /// Whether any vector register holds a value.
    pub fn vectors_live(&self) -> bool {
        self.xmm_owner.iter().any(|v| *v != Val::NONE)
    }

    /// The value in a general register, which stays pinned until [`unpin`](Alloc::unpin).
    pub fn int(&mut self, asm: &mut Asm, v: Val) -> u8 {
        if let Loc::Reg(r) = self.loc(v) {
            self.pinned_int |= 1 << r;
            return r;
        }
        let r = self.take_int(asm);
        self.copy_to_int(asm, v, r);
        self.own_int(v, r);
        r
    }

    /// Copies a value into a register that is not the allocator's to give (a scratch one), leaving it where it is.
    pub fn copy_to_int(&mut self, asm: &mut Asm, v: Val, r: u8) {
        match self.loc(v) {
            Loc::None => unreachable!("{v} is used before it is computed"),
            Loc::Const(value) => load_const(asm, r, value),
            Loc::Pc(off) => load_pc(asm, r, off),
            Loc::Reg(from) if from != r => asm!(asm, mov Rq(r), Rq(from)),
            Loc::Reg(_) => {}
            Loc::Xmm(x) => asm!(asm, movq Rq(r), Rx(x)),
            Loc::Spill(n) => asm!(asm, mov Rq(r), [rsp + frame::SPILL + 8 * i32::from(n)]),
            Loc::Slot(slot) => near!(asm, {mov Rq(r),} rbp, frame::slot(slot), {}),
        }
    }

    /// The value in a vector register, which stays pinned.
    pub fn xmm(&mut self, asm: &mut Asm, v: Val) -> u8 {
        if let Loc::Xmm(r) = self.loc(v) {
            self.pinned_xmm |= 1 << r;
            return r;
        }
        let r = self.take_xmm(asm);
        self.copy_to_xmm(asm, v, r);
        self.own_xmm(v, r);
        r
    }

    /// Copies a value into a vector register, leaving it where it is. Uses `rax`.
    pub fn copy_to_xmm(&mut self, asm: &mut Asm, v: Val, r: u8) {
        match self.loc(v) {
            Loc::None => unreachable!("{v} is used before it is computed"),
            Loc::Const(0) => asm!(asm, xorps Rx(r), Rx(r)),
            Loc::Const(_) | Loc::Pc(_) => {
                self.copy_to_int(asm, v, RAX);
                asm!(asm, movq Rx(r), rax);
            }
            Loc::Reg(from) => asm!(asm, movq Rx(r), Rq(from)),
            Loc::Xmm(from) if from != r => asm!(asm, movaps Rx(r), Rx(from)),
            Loc::Xmm(_) => {}
            Loc::Spill(n) => asm!(asm, movsd Rx(r), [rsp + frame::SPILL + 8 * i32::from(n)]),
            Loc::Slot(slot) => near!(asm, {movsd Rx(r),} rbp, frame::slot(slot), {}),
        }
    }

    /// A general register for the result `v`, not shared with any operand still pinned.
    pub fn def_int(&mut self, asm: &mut Asm, v: Val) -> u8 {
        let r = self.take_int(asm);
        self.own_int(v, r);
        r
    }

    /// A vector register for the result `v`.
    pub fn def_xmm(&mut self, asm: &mut Asm, v: Val) -> u8 {
        let r = self.take_xmm(asm);
        self.own_xmm(v, r);
        r
    }

    /// The register of operand `a` for the result `v`, when this is the last use of `a` and it is in one;
    /// else a new register with a copy. Counts as the end of that use.
    pub fn reuse_int(&mut self, asm: &mut Asm, a: Val, v: Val) -> u8 {
        if let (Loc::Reg(r), 1) = (self.loc(a), self.uses(a)) {
            self.uses[a.0 as usize] = 0;
            self.loc[a.0 as usize] = Loc::None;
            self.own_int(v, r);
            return r;
        }
        if self.uses(a) > 1 && matches!(self.loc(a), Loc::Slot(_) | Loc::Spill(_)) {
            // It is wanted again: from a register then.
            self.int(asm, a);
        }
        let r = self.take_int(asm);
        self.copy_to_int(asm, a, r);
        self.drop_use(a);
        self.own_int(v, r);
        r
    }

    /// As [`reuse_int`](Alloc::reuse_int), for vector registers.
    pub fn reuse_xmm(&mut self, asm: &mut Asm, a: Val, v: Val) -> u8 {
        if let (Loc::Xmm(r), 1) = (self.loc(a), self.uses(a)) {
            self.uses[a.0 as usize] = 0;
            self.loc[a.0 as usize] = Loc::None;
            self.own_xmm(v, r);
            return r;
        }
        if self.uses(a) > 1 && matches!(self.loc(a), Loc::Slot(_) | Loc::Spill(_)) {
            self.xmm(asm, a);
        }
        let r = self.take_xmm(asm);
        self.copy_to_xmm(asm, a, r);
        self.drop_use(a);
        self.own_xmm(v, r);
        r
    }

    fn own_int(&mut self, v: Val, r: u8) {
        self.set_loc(v, Loc::Reg(r));
        self.int_owner[r as usize] = v;
        self.pinned_int |= 1 << r;
    }

    fn own_xmm(&mut self, v: Val, r: u8) {
        self.set_loc(v, Loc::Xmm(r));
        self.xmm_owner[r as usize] = v;
        self.pinned_xmm |= 1 << r;
    }

    fn set_loc(&mut self, v: Val, loc: Loc) {
        match self.loc(v) {
            Loc::Slot(_) => self.in_slot.retain(|(_, val)| *val != v),
            Loc::Spill(n) => self.spills[n as usize] = Val::NONE,
            Loc::Reg(r) if self.int_owner[r as usize] == v => self.int_owner[r as usize] = Val::NONE,
            Loc::Xmm(r) if self.xmm_owner[r as usize] == v => self.xmm_owner[r as usize] = Val::NONE,
            _ => {}
        }
        self.loc[v.0 as usize] = loc;
    }

    fn take_int(&mut self, asm: &mut Asm) -> u8 {
        let free = |r: &u8| self.int_owner[*r as usize] == Val::NONE && self.pinned_int & 1 << *r == 0;
        if let Some(r) = INT_REGS.into_iter().find(free) {
            return r;
        }
        let r = self.victim(&INT_REGS, self.pinned_int);
        let v = std::mem::replace(&mut self.int_owner[r as usize], Val::NONE);
        let home = self.home_for(v);
        match home {
            Loc::Slot(slot) => near!(asm, {mov} rbp, frame::slot(slot), {, Rq(r)}),
            Loc::Spill(n) => asm!(asm, mov[rsp + frame::SPILL + 8 * i32::from(n)], Rq(r)),
            _ => {}
        }
        self.settle(v, home);
        r
    }

    fn take_xmm(&mut self, asm: &mut Asm) -> u8 {
        let free = |r: &u8| self.xmm_owner[*r as usize] == Val::NONE && self.pinned_xmm & 1 << *r == 0;
        if let Some(r) = XMM_REGS.into_iter().find(free) {
            return r;
        }
        let r = self.victim(&XMM_REGS, self.pinned_xmm);
        let v = std::mem::replace(&mut self.xmm_owner[r as usize], Val::NONE);
        let home = self.home_for(v);
        match home {
            Loc::Slot(slot) => near!(asm, {movsd} rbp, frame::slot(slot), {, Rx(r)}),
            Loc::Spill(n) => asm!(asm, movsd[rsp + frame::SPILL + 8 * i32::from(n)], Rx(r)),
            _ => {}
        }
        self.settle(v, home);
        r
    }

    fn settle(&mut self, v: Val, home: Loc) {
        self.loc[v.0 as usize] = Loc::None;
        if self.uses(v) > 0 {
            self.place(v, home);
        }
    }

    /// A register to take away from its value: the next in turn that the op at hand does not use.
    fn victim(&mut self, regs: &[u8], pinned: u16) -> u8 {
        loop {
            let r = regs[self.next_victim % regs.len()];
            self.next_victim += 1;
            if pinned & 1 << r == 0 {
                return r;
            }
        }
    }

    /// Where a value goes that loses its register: into its slot when it is dirty there, else onto the stack.
    fn home_for(&mut self, v: Val) -> Loc {
        if let Some(index) = self.dirty.iter().position(|(_, val)| *val == v) {
            let (slot, _) = self.dirty.swap_remove(index);
            self.uses[v.0 as usize] -= 1;
            return Loc::Slot(slot);
        }
        let n = self.spills.iter().position(|owner| *owner == Val::NONE).unwrap_or_else(|| {
            self.spills.push(Val::NONE);
            self.spills.len() - 1
        });
        if n >= frame::SPILLS {
            self.overflow = true;
            self.spills.truncate(frame::SPILLS);
            return Loc::Spill(0);
        }
        self.spills[n] = v;
        Loc::Spill(n as u8)
    }

    /// A slot takes a value. Values that still are in the slot's old memory are loaded first.
    pub fn set_slot(&mut self, asm: &mut Asm, slot: Slot, v: Val) {
        if self.loc(v) == Loc::Slot(slot) {
            // The slot's own value again: nothing is written.
            self.undirty(slot);
            return;
        }
        while let Some(&(_, old)) = self.in_slot.iter().find(|(s, old)| *s == slot && *old != v) {
            match self.ty(old) {
                Type::Int => self.int(asm, old),
                Type::Float => self.xmm(asm, old),
            };
        }
        let wide = match self.loc(v) {
            Loc::Const(value) => i32::try_from(value as i64).is_err(),
            Loc::Pc(off) => i32::try_from(off).is_err(),
            _ => false,
        };
        if wide {
            // Loaded once, not at every exit; and maps hold 32 bits.
            self.int(asm, v);
        }
        self.uses[v.0 as usize] += 1;
        self.undirty(slot);
        self.dirty.push((slot, v));
    }

    /// A slot is about to be read from memory: its value is stored there if it is not yet.
    pub fn flush_slot(&mut self, asm: &mut Asm, slot: Slot) {
        if let Some(index) = self.dirty.iter().position(|(s, _)| *s == slot) {
            let (_, v) = self.dirty.swap_remove(index);
            self.store_one(asm, slot, v);
            self.drop_use(v);
        }
    }

    /// A slot's memory is about to be written, past this allocator: values that still are there are loaded first,
    /// and the slot's own value is forgotten.
    pub fn release_slot(&mut self, asm: &mut Asm, slot: Slot) {
        self.undirty(slot);
        while let Some(&(_, old)) = self.in_slot.iter().find(|(s, _)| *s == slot) {
            match self.ty(old) {
                Type::Int => self.int(asm, old),
                Type::Float => self.xmm(asm, old),
            };
        }
    }

    /// A vector register beside the scratch ones, for the op at hand.
    pub fn scratch_xmm(&mut self, asm: &mut Asm) -> u8 {
        let r = self.take_xmm(asm);
        self.pinned_xmm |= 1 << r;
        r
    }

    fn undirty(&mut self, slot: Slot) {
        if let Some(index) = self.dirty.iter().position(|(s, _)| *s == slot) {
            let (_, old) = self.dirty.swap_remove(index);
            self.drop_use(old);
        }
    }

    /// Stores every dirty value into its slot, which stays dirty as far as the code after is concerned: for exits.
    /// Uses `rax`.
    pub fn store_dirty(&self, asm: &mut Asm) {
        for &(slot, v) in &self.dirty {
            self.store_one(asm, slot, v);
        }
    }

    fn store_one(&self, asm: &mut Asm, slot: Slot, v: Val) {
        let to = frame::slot(slot);
        match self.loc(v) {
            Loc::None => unreachable!("{v} is dirty and nowhere"),
            Loc::Const(value) if value as i64 == i64::from(value as i32) => {
                near!(asm, {mov QWORD} rbp, to, {, value as i32});
            }
            Loc::Const(value) => {
                load_const(asm, RAX, value);
                near!(asm, {mov} rbp, to, {, rax});
            }
            Loc::Pc(off) => {
                load_pc(asm, RAX, off);
                near!(asm, {mov} rbp, to, {, rax});
            }
            Loc::Reg(r) => near!(asm, {mov} rbp, to, {, Rq(r)}),
            Loc::Xmm(x) => near!(asm, {movsd} rbp, to, {, Rx(x)}),
            Loc::Spill(n) => {
                asm!(asm, mov rax, [rsp + frame::SPILL + 8 * i32::from(n)]);
                near!(asm, {mov} rbp, to, {, rax});
            }
            Loc::Slot(from) => {
                near!(asm, {mov rax,} rbp, frame::slot(from), {});
                near!(asm, {mov} rbp, to, {, rax});
            }
        }
    }

    /// Stores every dirty value and forgets that it was dirty: a helper is about to look at the slots. With
    /// `clobber`, it may also write them: values that are in slot memory are loaded first.
    pub fn flush_dirty(&mut self, asm: &mut Asm, clobber: bool) {
        self.store_dirty(asm);
        for (_, v) in std::mem::take(&mut self.dirty) {
            self.drop_use(v);
        }
        while clobber && let Some(&(_, v)) = self.in_slot.first() {
            match self.ty(v) {
                Type::Int => self.int(asm, v),
                Type::Float => self.xmm(asm, v),
            };
        }
    }

    /// The map of dirty values for a slow path.
    pub fn dirty_map(&self, into: &mut Vec<Dirty>) {
        for &(slot, v) in &self.dirty {
            let (kind, index, imm) = match self.loc(v) {
                Loc::None => unreachable!("{v} is dirty and nowhere"),
                Loc::Const(value) => (DirtyKind::Const, 0, value as i32),
                Loc::Pc(off) => (DirtyKind::Pc, 0, off as i32),
                Loc::Reg(r) => (DirtyKind::Reg, r, 0),
                Loc::Xmm(r) => (DirtyKind::Xmm, r, 0),
                Loc::Spill(n) => (DirtyKind::Spill, n, 0),
                Loc::Slot(from) => (DirtyKind::Slot, 0, i32::from(from.0)),
            };
            into.push(Dirty { slot: slot.0, kind, index, imm });
        }
    }
}

/// Loads a constant in the fewest bytes.
pub fn load_const(asm: &mut Asm, r: u8, value: u64) {
    if value == 0 {
        asm!(asm, xor Rd(r), Rd(r));
    } else if value <= u64::from(u32::MAX) {
        asm!(asm, mov Rd(r), value as i32);
    } else if value as i64 == i64::from(value as i32) {
        asm!(asm, mov Rq(r), value as i32);
    } else {
        asm!(asm, mov Rq(r), QWORD value as i64);
    }
}

/// Loads the address `off` bytes from the block's page.
pub fn load_pc(asm: &mut Asm, r: u8, off: i64) {
    match i32::try_from(off) {
        Ok(0) => asm!(asm, mov Rq(r), r15),
        Ok(off) => near!(asm, {lea Rq(r),} r15, off, {}),
        Err(_) => {
            load_const(asm, r, off as u64);
            asm!(asm, add Rq(r), r15);
        }
    }
}
