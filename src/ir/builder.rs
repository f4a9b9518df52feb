//! Builds a block op by op, folding constants and forwarding slots on the way, so that no pass has to.

use super::eval;
use super::{
    BinOp, Block, Cond, Effects, End, FloatCond, FloatOp, FloatToInt, HelperId, Hint, IntToFloat, Lane, Mem, MemSize,
    Op, RmwOp, Slot, Type, UnOp, Val, VecInsn, VecMove, Why, Width,
};
use crate::float::{Format, Round};

/// What the builder knows of a slot: the value that it holds now.
#[derive(Clone, Copy)]
struct Known {
    epoch: u32,
    value: Val,
}

/// A block under construction. Lifters call one method an op.
pub struct Builder {
    ops: Vec<Op>,
    types: Vec<Option<Type>>,
    /// Whether bits 63:32 of each value are zero by the op that made it.
    narrow: Vec<bool>,
    known: Vec<Known>,
    /// What is known of slots holds only where its epoch is this one.
    epoch: u32,
    end: Option<End>,
    insns: u16,
    start: u16,
    bytes: u16,
    /// Whether the lifter knows something here that the next block would not: engines may let the block grow.
    pub wants_more: bool,
    /// What the lifter notes about the block so far, in a form of its own; 0 at the start.
    pub notes: u32,
    /// How accesses to memory are made from here on, but for their width; little-endian at any address at the start.
    pub access: Mem,
}

impl Builder {
    /// A builder for guests with `slots` slots; [`begin`](Builder::begin) starts each block.
    pub fn new(slots: usize) -> Builder {
        Builder {
            ops: Vec::with_capacity(256),
            types: Vec::with_capacity(256),
            narrow: Vec::with_capacity(256),
            known: vec![Known { epoch: 0, value: Val::NONE }; slots],
            epoch: 0,
            end: None,
            insns: 0,
            start: 0,
            bytes: 0,
            wants_more: false,
            notes: 0,
            access: Mem::plain(MemSize::B8),
        }
    }

    /// Starts a block at offset `start` of its page.
    pub fn begin(&mut self, start: u16) {
        self.ops.clear();
        self.types.clear();
        self.narrow.clear();
        self.forget_slots();
        (self.end, self.insns, self.start, self.bytes, self.notes) = (None, 0, start, 0, 0);
        self.wants_more = false;
        self.access = Mem::plain(MemSize::B8);
    }

    /// Starts an instruction of `len` bytes after those before it.
    pub fn insn(&mut self, len: u8) {
        let off = self.here();
        self.insns += 1;
        self.bytes += u16::from(len);
        self.push(Op::Insn { off, len });
    }

    /// The offset from the block's page at which the next instruction begins.
    pub fn here(&self) -> u16 {
        self.start + self.bytes
    }

    /// How many instructions the block has.
    pub fn insns(&self) -> u16 {
        self.insns
    }

    /// How many ops the block has.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether the block has no op yet.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Whether the block has its end.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Ends the block.
    pub fn end(&mut self, end: End) {
        self.end = Some(end);
    }

    /// Hands the finished block out. A block without an end goes on at the next instruction.
    pub fn finish(&mut self) -> Block {
        let end = self.end.take().unwrap_or(End::Jump { target: i64::from(self.here()), call: false });
        Block { ops: std::mem::take(&mut self.ops), end, insns: self.insns, start: self.start, bytes: self.bytes }
    }

    /// Takes back a block that is no longer needed, for its memory.
    pub fn recycle(&mut self, block: Block) {
        self.ops = block.ops;
    }

    /// Appends an op as it is.
    pub fn push(&mut self, op: Op) -> Val {
        let val = Val(self.ops.len() as u32);
        self.ops.push(op);
        self.types.push(op.ty());
        self.narrow.push(self.is_narrow(op));
        val
    }

    fn is_narrow(&self, op: Op) -> bool {
        let narrow = |v: Val| self.narrow[v.0 as usize];
        match op {
            Op::Const(value) => value <= u64::from(u32::MAX),
            Op::Bin { w: Width::W32, .. } | Op::Un { w: Width::W32, .. } | Op::Cmp { .. } => true,
            Op::Un { op: UnOp::Zext8 | UnOp::Zext16 | UnOp::Zext32, .. } => true,
            Op::Bin { op: BinOp::And, a, b, .. } => narrow(a) || narrow(b),
            Op::Bin { op: BinOp::Or | BinOp::Xor, a, b, .. } => narrow(a) && narrow(b),
            Op::Bin { op: BinOp::ShrU, b, .. } => self.as_const(b).is_some_and(|count| (32..64).contains(&count)),
            Op::Select { a, b, .. } => narrow(a) && narrow(b),
            Op::Load { mem, sext: false, ty: Type::Int, .. } => mem.size != MemSize::B8,
            _ => false,
        }
    }

    /// A constant.
    pub fn const_(&mut self, value: u64) -> Val {
        self.push(Op::Const(value))
    }

    /// The address `off` bytes from the block's page.
    pub fn pc(&mut self, off: i64) -> Val {
        self.push(Op::Pc(off))
    }

    /// The constant that `v` is, if it is one.
    pub fn as_const(&self, v: Val) -> Option<u64> {
        match self.ops[v.0 as usize] {
            Op::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The op that `v` is the value of: lifters look at what a slot was set to.
    pub fn op(&self, v: Val) -> Op {
        self.ops[v.0 as usize]
    }

    /// The value of a slot.
    pub fn get(&mut self, slot: Slot, ty: Type) -> Val {
        let known = self.known[slot.0 as usize];
        if known.epoch == self.epoch {
            if self.types[known.value.0 as usize] == Some(ty) {
                return known.value;
            }
            return self.cast(ty, known.value);
        }
        let value = self.push(Op::Get { slot, ty });
        self.known[slot.0 as usize] = Known { epoch: self.epoch, value };
        value
    }

    /// A slot takes a value.
    pub fn set(&mut self, slot: Slot, value: Val) {
        self.known[slot.0 as usize] = Known { epoch: self.epoch, value };
        self.push(Op::Set { slot, value });
    }

    /// Forgets what slots hold: something else may have written them.
    fn forget_slots(&mut self) {
        match self.epoch.checked_add(1) {
            Some(epoch) => self.epoch = epoch,
            None => {
                self.known.fill(Known { epoch: 0, value: Val::NONE });
                self.epoch = 1;
            }
        }
    }

    /// An integer op of two operands.
    pub fn bin(&mut self, op: BinOp, w: Width, a: Val, b: Val) -> Val {
        match (self.as_const(a), self.as_const(b)) {
            (Some(x), Some(y)) => return self.const_(eval::bin(op, w, x, y)),
            (_, Some(0)) if w == Width::W64 => match op {
                BinOp::Add
                | BinOp::Sub
                | BinOp::Or
                | BinOp::Xor
                | BinOp::Shl
                | BinOp::ShrU
                | BinOp::ShrS
                | BinOp::RotR
                | BinOp::AndNot => return a,
                BinOp::And => return self.const_(0),
                _ => {}
            },
            (Some(0), _) if w == Width::W64 && matches!(op, BinOp::Add | BinOp::Or | BinOp::Xor) => return b,
            (_, Some(u64::MAX)) if w == Width::W64 && op == BinOp::And => return a,
            // Constants stand on the right, where templates take immediates.
            (Some(_), None) if matches!(op, BinOp::Add | BinOp::And | BinOp::Or | BinOp::Xor | BinOp::Mul) => {
                return self.push(Op::Bin { op, w, a: b, b: a });
            }
            _ => {}
        }
        if let (BinOp::Add, Op::Pc(off), Some(n)) = (op, self.ops[a.0 as usize], self.as_const(b))
            && w == Width::W64
        {
            return self.pc(off.wrapping_add(n as i64));
        }
        self.push(Op::Bin { op, w, a, b })
    }

    /// An integer op of two operands, the second a constant.
    pub fn bin_imm(&mut self, op: BinOp, w: Width, a: Val, imm: u64) -> Val {
        let b = self.const_(imm);
        self.bin(op, w, a, b)
    }

    /// 64-bit sum.
    pub fn add(&mut self, a: Val, b: Val) -> Val {
        self.bin(BinOp::Add, Width::W64, a, b)
    }

    /// 64-bit sum with a constant.
    pub fn add_imm(&mut self, a: Val, imm: i64) -> Val {
        if imm == 0 { a } else { self.bin_imm(BinOp::Add, Width::W64, a, imm as u64) }
    }

    /// 64-bit bitwise and with a constant.
    pub fn and_imm(&mut self, a: Val, imm: u64) -> Val {
        self.bin_imm(BinOp::And, Width::W64, a, imm)
    }

    /// An integer op of one operand.
    pub fn un(&mut self, op: UnOp, w: Width, a: Val) -> Val {
        if let Some(x) = self.as_const(a) {
            return self.const_(eval::un(op, w, x));
        }
        if op == UnOp::Zext32 && self.narrow[a.0 as usize] {
            return a;
        }
        self.push(Op::Un { op, w, a })
    }

    /// A 64-bit op of one operand.
    pub fn un64(&mut self, op: UnOp, a: Val) -> Val {
        self.un(op, Width::W64, a)
    }

    /// Sign extension of the low 32 bits.
    pub fn sext32(&mut self, a: Val) -> Val {
        self.un64(UnOp::Sext32, a)
    }

    /// 1 when the comparison holds, else 0.
    pub fn cmp(&mut self, cond: Cond, w: Width, a: Val, b: Val) -> Val {
        if let (Some(x), Some(y)) = (self.as_const(a), self.as_const(b)) {
            return self.const_(u64::from(eval::cmp(cond, w, x, y)));
        }
        self.push(Op::Cmp { cond, w, a, b })
    }

    /// A comparison with a constant.
    pub fn cmp_imm(&mut self, cond: Cond, w: Width, a: Val, imm: u64) -> Val {
        let b = self.const_(imm);
        self.cmp(cond, w, a, b)
    }

    /// `a` when `c` is not 0, else `b`.
    pub fn select(&mut self, c: Val, a: Val, b: Val) -> Val {
        match self.as_const(c) {
            Some(0) => b,
            Some(_) => a,
            None => self.push(Op::Select { c, a, b }),
        }
    }

    /// How an access of a width is made here.
    fn mem(&self, size: MemSize) -> Mem {
        Mem { size, ..self.access }
    }

    /// Likewise one that must be naturally aligned.
    fn aligned(&self, size: MemSize) -> Mem {
        Mem { aligned: true, ..self.mem(size) }
    }

    /// An integer load.
    pub fn load(&mut self, size: MemSize, sext: bool, base: Val, disp: i32) -> Val {
        let mem = self.mem(size);
        self.push(Op::Load { mem, sext, ty: Type::Int, base, disp })
    }

    /// A load of a float's bits.
    pub fn load_float(&mut self, size: MemSize, base: Val, disp: i32) -> Val {
        let mem = self.mem(size);
        self.push(Op::Load { mem, sext: false, ty: Type::Float, base, disp })
    }

    /// A load that must be naturally aligned.
    pub fn load_aligned(&mut self, size: MemSize, sext: bool, base: Val) -> Val {
        let mem = self.aligned(size);
        self.push(Op::Load { mem, sext, ty: Type::Int, base, disp: 0 })
    }

    /// A store of the low bytes of a value of either type.
    pub fn store(&mut self, size: MemSize, base: Val, disp: i32, value: Val) {
        let mem = self.mem(size);
        self.push(Op::Store { mem, base, disp, value });
    }

    /// A store that must be naturally aligned.
    pub fn store_aligned(&mut self, size: MemSize, base: Val, value: Val) {
        let mem = self.aligned(size);
        self.push(Op::Store { mem, base, disp: 0, value });
    }

    /// An atomic read-modify-write.
    pub fn rmw(&mut self, op: RmwOp, size: MemSize, addr: Val, value: Val) -> Val {
        let mem = self.aligned(size);
        self.push(Op::Rmw { op, mem, addr, value })
    }

    /// An atomic compare-and-swap.
    pub fn cas(&mut self, size: MemSize, addr: Val, expected: Val, new: Val) -> Val {
        let mem = self.aligned(size);
        self.push(Op::Cas { mem, addr, expected, new })
    }

    /// A store that happens when the reservation holds; 0 when it did, else 1.
    pub fn store_conditional(&mut self, size: MemSize, addr: Val, reserved: Val, expected: Val, new: Val) -> Val {
        let mem = self.aligned(size);
        self.push(Op::StoreConditional { mem, addr, reserved, expected, new })
    }

    /// A full fence.
    pub fn fence(&mut self) {
        self.push(Op::Fence);
    }

    /// An op on vectors.
    pub fn vec(&mut self, insn: VecInsn) {
        self.forget_vector(insn.d);
        self.push(Op::Vec(insn));
    }

    /// The low bits of a value in every lane of a vector.
    pub fn vec_dup(&mut self, lane: Lane, half: bool, d: Slot, value: Val) {
        self.forget_vector(d);
        self.push(Op::VecMove(VecMove::Dup { lane, half, d, value }));
    }

    /// Loads a vector, as a number of 128 bits. Where accesses must be aligned, both halves are.
    pub fn vec_load(&mut self, d: Slot, base: Val, disp: i32) {
        if let Some(places) = self.halves(disp) {
            let [low, high] = places.map(|disp| self.load_float(MemSize::B8, base, disp));
            self.set(d, low);
            return self.set(Slot(d.0 + 1), high);
        }
        self.forget_vector(d);
        self.push(Op::VecMove(VecMove::Load { d, base, disp }));
    }

    /// Stores a vector likewise.
    pub fn vec_store(&mut self, s: Slot, base: Val, disp: i32) {
        if let Some(places) = self.halves(disp) {
            let halves = [s, Slot(s.0 + 1)].map(|slot| self.get(slot, Type::Float));
            return places.into_iter().zip(halves).for_each(|(disp, half)| self.store(MemSize::B8, base, disp, half));
        }
        self.push(Op::VecMove(VecMove::Store { s, base, disp }));
    }

    /// Where the halves of a vector at `disp` are, the low one first, if it is not accessed as a whole.
    fn halves(&self, disp: i32) -> Option<[i32; 2]> {
        let there = disp.wrapping_add(8);
        match self.access {
            Mem { big_endian: true, .. } => Some([there, disp]),
            Mem { aligned: true, .. } => Some([disp, there]),
            _ => None,
        }
    }

    fn forget_vector(&mut self, d: Slot) {
        for slot in [d.0, d.0 + 1] {
            self.known[usize::from(slot)].epoch = 0;
        }
    }

    /// A value's bits as the other type.
    pub fn cast(&mut self, to: Type, a: Val) -> Val {
        if self.types[a.0 as usize] == Some(to) {
            return a;
        }
        match self.ops[a.0 as usize] {
            Op::Cast { a: inner, .. } => inner,
            _ => self.push(Op::Cast { to, a }),
        }
    }

    /// A float op; operands that it does not have are `Val::NONE`.
    pub fn float(&mut self, op: FloatOp, fmt: Format, rm: Round, a: Val, b: Val, c: Val) -> Val {
        self.push(Op::Float { op, fmt, rm, a, b, c })
    }

    /// A float comparison.
    pub fn float_cmp(&mut self, cond: FloatCond, fmt: Format, a: Val, b: Val) -> Val {
        self.push(Op::FloatCmp { cond, fmt, a, b })
    }

    /// The class of a float.
    pub fn float_class(&mut self, fmt: Format, a: Val) -> Val {
        self.push(Op::FloatClass { fmt, a })
    }

    /// One float format to another.
    pub fn float_convert(&mut self, from: Format, to: Format, rm: Round, a: Val) -> Val {
        self.push(Op::FloatConvert { from, to, rm, a })
    }

    /// Float to integer.
    pub fn float_to_int(&mut self, from: Format, to: FloatToInt, rm: Round, a: Val) -> Val {
        self.float_to_fixed(from, to, 0, rm, a)
    }

    /// Float to fixed point with `fraction` bits behind the point.
    pub fn float_to_fixed(&mut self, from: Format, to: FloatToInt, fraction: u8, rm: Round, a: Val) -> Val {
        self.push(Op::FloatToInt { from, to, fraction, rm, a })
    }

    /// Integer to float.
    pub fn int_to_float(&mut self, from: IntToFloat, to: Format, rm: Round, a: Val) -> Val {
        self.fixed_to_float(from, 0, to, rm, a)
    }

    /// Fixed point with `fraction` bits behind the point to float.
    pub fn fixed_to_float(&mut self, from: IntToFloat, fraction: u8, to: Format, rm: Round, a: Val) -> Val {
        self.push(Op::IntToFloat { from, fraction, to, rm, a })
    }

    /// A float as a NaN-boxed register holds it.
    pub fn box_(&mut self, fmt: Format, a: Val) -> Val {
        if fmt == Format::F64 {
            return a;
        }
        self.push(Op::Box { fmt, a })
    }

    /// The float in a NaN-boxed register.
    pub fn unbox(&mut self, fmt: Format, a: Val) -> Val {
        match self.ops[a.0 as usize] {
            _ if fmt == Format::F64 => a,
            Op::Box { fmt: boxed, a: inner } if boxed == fmt => inner,
            _ => self.push(Op::Unbox { fmt, a }),
        }
    }

    /// Calls a helper. What is known of slots is forgotten when it writes them.
    pub fn call(&mut self, helper: HelperId, effects: Effects, args: &[Val]) -> Val {
        let mut all = [Val::NONE; 3];
        all[..args.len()].copy_from_slice(args);
        let value = self.push(Op::Call { helper, effects, args: all });
        if effects.writes {
            self.forget_slots();
        }
        value
    }

    /// Leaves the block for `target` when `c` is not 0.
    pub fn exit_if(&mut self, c: Val, target: i64) {
        match self.as_const(c) {
            Some(0) => {}
            Some(_) => self.end(End::Jump { target, call: false }),
            None => {
                self.push(Op::ExitIf { c, target });
            }
        }
    }

    /// Raises the trap of `helper` when `c` is not 0.
    pub fn trap_if(&mut self, c: Val, helper: HelperId) {
        self.push(Op::TrapIf { c, helper });
    }

    /// Ends with a jump to an offset.
    pub fn jump(&mut self, target: i64, call: bool) {
        self.end(End::Jump { target, call });
    }

    /// Ends with a jump to an address.
    pub fn indirect(&mut self, target: Val, hint: Hint) {
        self.end(End::Indirect { target, hint });
    }

    /// Ends by handing over to the run loop, at the next instruction.
    pub fn leave(&mut self, why: Why) {
        self.end(End::Leave { target: i64::from(self.here()), why });
    }

    /// Ends with the next instruction looked up afresh.
    pub fn next_afresh(&mut self) {
        self.end(End::Next { target: i64::from(self.here()) });
    }
}
