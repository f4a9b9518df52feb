//! From a block to code: one walk, a template an op.
//!
//! ```text
//!   Block ──► Alloc::begin (uses, dead ops) ──► for each op: template ──► hot code
//!                                                               └───────► cold code: exits, misses, odd floats
//! ```
//! Cold code is emitted beside the hot code, with the allocator as it is at that point, and appended at the end.

use super::alloc::{Alloc, Dirty, Loc, R15, RAX, RCX, RSI, TooBig, load_const, load_pc};
use super::asm::{Asm, Cc, Patch, asm, near};
use super::frame::{self, Slow};
use super::thunks::{Thunks, reason};
use crate::cpu::{ITLB_SIZE, Isa, fetch_mask};
use crate::fabric::PAGE_SIZE;
use crate::float::{Round, Rules};
use crate::ir::{Block, End, Op, Slot, Type, Val, VecInsn, VecMove, Why};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// What the host's processor has beyond SSE2.
#[derive(Clone, Copy, Debug)]
pub struct HostFeatures {
    /// Shifts and rotates that take their count from any register.
    pub bmi2: bool,
    /// `andn`, `tzcnt`.
    pub bmi1: bool,
    /// `lzcnt`.
    pub lzcnt: bool,
    /// `popcnt`.
    pub popcnt: bool,
    /// Carry-less multiplication.
    pub pclmul: bool,
    /// `pextrq`, `roundsd`.
    pub sse41: bool,
    /// Fused multiply-add.
    pub fma: bool,
    /// AVX2: vector ops of three operands.
    pub avx2: bool,
    /// The rounds of AES.
    pub aes: bool,
}

impl HostFeatures {
    /// What this host has.
    pub fn detect() -> HostFeatures {
        HostFeatures {
            bmi2: is_x86_feature_detected!("bmi2"),
            bmi1: is_x86_feature_detected!("bmi1"),
            lzcnt: is_x86_feature_detected!("lzcnt"),
            popcnt: is_x86_feature_detected!("popcnt"),
            pclmul: is_x86_feature_detected!("pclmulqdq"),
            sse41: is_x86_feature_detected!("sse4.1"),
            fma: is_x86_feature_detected!("fma"),
            avx2: is_x86_feature_detected!("avx2"),
            aes: is_x86_feature_detected!("aes"),
        }
    }

    /// Nothing beyond SSE2: for tests of the fallbacks.
    pub const BASELINE: HostFeatures = HostFeatures {
        bmi2: false,
        bmi1: false,
        lzcnt: false,
        popcnt: false,
        pclmul: false,
        sse41: false,
        fma: false,
        avx2: false,
        aes: false,
    };
}

/// Ops that have no template here: each distinct one has a number by which code asks for its evaluation.
/// Filled under the code cache's lock, read without.
pub struct EvalTable {
    ops: Box<[OnceLock<Op>]>,
}

impl EvalTable {
    /// An empty table, with room for every op in every variant.
    pub fn new() -> EvalTable {
        EvalTable { ops: std::iter::repeat_with(OnceLock::new).take(8192).collect() }
    }

    /// The op with a number.
    pub fn get(&self, number: usize) -> Option<&Op> {
        self.ops.get(number)?.get()
    }

    pub(super) fn number(&self, op: Op) -> usize {
        self.ops.iter().position(|place| *place.get_or_init(|| op) == op).expect("there are fewer kinds of ops")
    }
}

/// A direct jump that is not linked yet.
#[derive(Clone, Copy, Debug)]
pub struct LinkSite {
    /// Offset of the displacement in the block's code.
    pub at: usize,
    /// Offset of the stub that it goes to while it is not linked.
    pub stub: usize,
}

/// What stays the same from block to block.
pub struct Setting<'a> {
    /// The thunks.
    pub thunks: &'a Thunks,
    /// The host.
    pub host: HostFeatures,
    /// The architecture.
    pub isa: &'a dyn Isa,
    /// Ops evaluated in Rust.
    pub evals: &'a EvalTable,
    /// Where the code will stand in code memory.
    pub base: usize,
    /// The number that the block's first link gets.
    pub first_link: usize,
    /// The number that the block's first site gets.
    pub first_site: usize,
    /// Instructions whose sites kept missing, by offset.
    pub no_sites: Option<&'a BTreeSet<u16>>,
    /// The mode word.
    pub mode: u32,
    /// Whether jumps to the block itself go straight back (`-d nochain` says no).
    pub chain: bool,
}

/// Emits blocks.
pub struct Emitter {
    pub(super) hot: Asm,
    pub(super) cold: Asm,
    pub(super) alloc: Alloc,
    /// Hot jumps into cold code.
    to_cold: Vec<(Patch, usize)>,
    /// Cold jumps back into hot code.
    to_hot: Vec<(Patch, usize)>,
    /// Cold jumps and calls to thunks.
    cold_thunks: Vec<(Patch, usize)>,
    cold_links: Vec<LinkSite>,
    /// Links whose jump is hot and whose stub is cold.
    hot_links: Vec<LinkSite>,
    /// Links of the block, in the order of their numbers.
    pub links: Vec<LinkSite>,
    link_order: Vec<(bool, usize)>,
    /// Dirty maps of the block's slow paths; they stand behind its code.
    maps: Vec<Vec<Dirty>>,
    /// Where cold code names a map by its offset in code memory.
    map_names: Vec<(usize, usize)>,
    /// The sites that the block has taken: the number, and the offset of the instruction.
    pub sites: Vec<(usize, u16)>,
    pub(super) insn: u16,
    pub(super) host: HostFeatures,
    pub(super) rules: &'static Rules,
    pub(super) round: Round,
    start: u16,
}

impl Emitter {
    /// An emitter for this host.
    pub fn new() -> Emitter {
        Emitter {
            hot: Asm::default(),
            cold: Asm::default(),
            alloc: Alloc::new(),
            to_cold: Vec::new(),
            to_hot: Vec::new(),
            cold_thunks: Vec::new(),
            cold_links: Vec::new(),
            hot_links: Vec::new(),
            links: Vec::new(),
            link_order: Vec::new(),
            maps: Vec::new(),
            map_names: Vec::new(),
            sites: Vec::new(),
            insn: 0,
            host: HostFeatures::BASELINE,
            rules: &Rules::RISCV,
            round: Round::NearestEven,
            start: 0,
        }
    }

    /// The code of the block last emitted.
    pub fn code(&self) -> &[u8] {
        self.hot.bytes()
    }

    /// Emits a block; its code is in [`code`](Emitter::code) until the next.
    ///
    /// # Errors
    /// When the block wants more spill room than there is.
    pub fn emit(&mut self, block: &Block, setting: &Setting) -> Result<(), TooBig> {
        self.begin(block, setting);
        let mut index = 0;
        while index < block.ops.len() {
            index += self.op(block, index, setting);
            self.alloc.unpin();
        }
        self.end(block, setting);
        self.finish(setting);
        if self.alloc.overflowed() { Err(TooBig) } else { Ok(()) }
    }

    fn begin(&mut self, block: &Block, setting: &Setting) {
        self.hot.clear();
        self.cold.clear();
        self.to_cold.clear();
        self.to_hot.clear();
        self.cold_thunks.clear();
        self.cold_links.clear();
        self.hot_links.clear();
        self.links.clear();
        self.link_order.clear();
        self.maps.clear();
        self.map_names.clear();
        self.alloc.begin(block);
        self.sites.clear();
        self.insn = block.start;
        self.start = block.start;
        self.host = setting.host;
        self.rules = setting.isa.float_rules(setting.mode);
        self.round = super::host_rounding(setting.isa.rounding(setting.mode));
    }

    /// Emits the op at `index`; returns how many ops that took care of.
    fn op(&mut self, block: &Block, index: usize, setting: &Setting) -> usize {
        let v = Val(index as u32);
        let op = &block.ops[index];
        if !op.has_effect() && self.alloc.uses(v) == 0 {
            return 1;
        }
        match *op {
            Op::Insn { off, .. } => self.insn = off,
            Op::Const(value) => self.alloc.place(v, Loc::Const(value)),
            Op::Pc(off) => self.alloc.place(v, Loc::Pc(off)),
            Op::Get { slot, .. } => self.alloc.place(v, Loc::Slot(slot)),
            Op::Set { slot, value } => {
                self.alloc.set_slot(&mut self.hot, slot, value);
                self.alloc.drop_use(value);
            }
            Op::Bin { op: which, w, a, b } => self.bin(op, which, w, a, b, v, setting),
            Op::Un { op: which, w, a } => self.un(op, which, w, a, v, setting),
            Op::Cmp { cond, w, a, b } => {
                // A comparison whose only user comes next is fused with it.
                match block.ops.get(index + 1) {
                    Some(&Op::ExitIf { c, target }) if c == v && self.alloc.uses(v) == 1 => {
                        let cc = self.compare(cond, w, a, b);
                        self.exit_if(cc, target, setting);
                        return 2;
                    }
                    Some(&Op::TrapIf { c, helper }) if c == v && self.alloc.uses(v) == 1 => {
                        let cc = self.compare(cond, w, a, b);
                        self.trap_if(cc, helper, setting);
                        return 2;
                    }
                    Some(&Op::Select { c, a: x, b: y }) if c == v && x != v && y != v && self.alloc.uses(v) == 1 => {
                        self.select_compared(cond, w, (a, b), x, y, Val(index as u32 + 1));
                        return 2;
                    }
                    _ => self.cmp(cond, w, a, b, v),
                }
            }
            Op::Select { c, a, b } => self.select(c, a, b, v),
            Op::Load { mem, sext, ty, base, disp } => self.load(mem, sext, ty, base, disp, v, setting),
            Op::Store { mem, base, disp, value } => self.store(mem, base, disp, value, setting),
            Op::Rmw { op, mem, addr, value } => self.rmw(op, mem, addr, value, v, setting),
            Op::Cas { mem, addr, expected, new } => self.cas(mem, addr, expected, new, v, setting),
            Op::StoreConditional { mem, addr, reserved, expected, new } => {
                self.store_conditional(mem, addr, reserved, expected, new, v, setting);
            }
            // A locked op on the stack orders as `mfence` does, and costs less.
            Op::Fence => asm!(self.hot, lock or DWORD [rsp + frame::SPILL], 0),
            Op::Vec(insn) => self.vector(insn, setting),
            Op::VecMove(VecMove::Dup { lane, half, d, value }) => self.vector_dup(lane, half, d, value),
            Op::VecMove(VecMove::Load { d, base, disp }) => self.vector_access(d, base, disp, false, setting),
            Op::VecMove(VecMove::Store { s, base, disp }) => self.vector_access(s, base, disp, true, setting),
            Op::Cast { to, a } => self.cast(to, a, v),
            Op::Float { .. }
            | Op::FloatCmp { .. }
            | Op::FloatClass { .. }
            | Op::FloatConvert { .. }
            | Op::FloatToInt { .. }
            | Op::IntToFloat { .. }
            | Op::Box { .. }
            | Op::Unbox { .. } => self.float_op(op, v, setting),
            Op::Call { helper, effects, args } => self.call(helper, effects, args, v, setting),
            Op::ExitIf { c, target } => {
                let r = self.alloc.int(&mut self.hot, c);
                asm!(self.hot, test Rq(r), Rq(r));
                self.alloc.drop_use(c);
                self.exit_if(Cc::Ne, target, setting);
            }
            Op::TrapIf { c, helper } => {
                let r = self.alloc.int(&mut self.hot, c);
                asm!(self.hot, test Rq(r), Rq(r));
                self.alloc.drop_use(c);
                self.trap_if(Cc::Ne, helper, setting);
            }
        }
        1
    }

    fn cast(&mut self, to: Type, a: Val, v: Val) {
        match to {
            Type::Int => {
                let r = self.alloc.def_int(&mut self.hot, v);
                self.alloc.copy_to_int(&mut self.hot, a, r);
            }
            Type::Float => {
                let r = self.alloc.def_xmm(&mut self.hot, v);
                self.alloc.copy_to_xmm(&mut self.hot, a, r);
            }
        }
        self.alloc.drop_use(a);
    }

    fn call(
        &mut self,
        helper: crate::ir::HelperId,
        effects: crate::ir::Effects,
        args: [Val; 3],
        v: Val,
        setting: &Setting,
    ) {
        for (n, arg) in args.into_iter().enumerate().filter(|(_, arg)| *arg != Val::NONE) {
            self.store_arg(n, arg);
        }
        args.into_iter().for_each(|arg| self.alloc.drop_use(arg));
        if effects != crate::ir::Effects::PURE {
            self.alloc.flush_dirty(&mut self.hot, effects.writes);
            load_pc(&mut self.hot, RAX, i64::from(self.insn));
            asm!(self.hot, mov[rbp + frame::PC], rax);
        }
        load_const(&mut self.hot, RAX, u64::from(helper.0) | u64::from(effects.reads) << 16);
        self.hot_call(Slow::Call, setting);
        let r = self.alloc.def_int(&mut self.hot, v);
        asm!(self.hot, mov Rq(r), rax);
        self.alloc.drop_if_unused(v);
    }

    /// Stores an operand of a slow path into the frame. Uses `rax`.
    pub(super) fn store_arg(&mut self, n: usize, v: Val) {
        let to = frame::ARGS + 8 * n as i32;
        match self.alloc.loc(v) {
            Loc::Reg(r) => asm!(self.hot, mov[rsp + to], Rq(r)),
            Loc::Xmm(r) => asm!(self.hot, movsd[rsp + to], Rx(r)),
            _ => {
                self.alloc.copy_to_int(&mut self.hot, v, RAX);
                asm!(self.hot, mov[rsp + to], rax);
            }
        }
    }

    /// As [`store_arg`](Emitter::store_arg), in cold code.
    pub(super) fn store_arg_cold(&mut self, n: usize, v: Val) {
        std::mem::swap(&mut self.hot, &mut self.cold);
        self.store_arg(n, v);
        std::mem::swap(&mut self.hot, &mut self.cold);
    }

    /// Calls a slow path from hot code.
    pub(super) fn hot_call(&mut self, slow: Slow, setting: &Setting) {
        let thunk = setting.thunks.slow[slow as usize][usize::from(self.alloc.vectors_live())];
        let patch = self.hot.call();
        self.hot.bind_at(patch, thunk.wrapping_sub(setting.base));
    }

    /// Calls a slow path from cold code.
    pub(super) fn cold_call(&mut self, slow: Slow, setting: &Setting) {
        let thunk = setting.thunks.slow[slow as usize][usize::from(self.alloc.vectors_live())];
        self.cold_call_thunk(thunk);
    }

    /// Evaluates an op in Rust: operands from the frame, result in `rax`. In hot code.
    pub(super) fn eval_hot(&mut self, op: &Op, v: Val, setting: &Setting) {
        let operands = operands(op);
        for (n, arg) in operands.iter().enumerate() {
            self.store_arg(n, *arg);
        }
        operands.iter().for_each(|arg| self.alloc.drop_use(*arg));
        load_const(&mut self.hot, RAX, setting.evals.number(anonymous(op)) as u64);
        self.hot_call(Slow::Eval, setting);
        match op.ty() {
            Some(Type::Float) => {
                let r = self.alloc.def_xmm(&mut self.hot, v);
                asm!(self.hot, movq Rx(r), rax);
            }
            _ => {
                let r = self.alloc.def_int(&mut self.hot, v);
                asm!(self.hot, mov Rq(r), rax);
            }
        }
        self.alloc.drop_if_unused(v);
    }

    /// Emits, as cold code reached from `from`, the evaluation of `op` in Rust; the result goes to register `to` of
    /// the op's type, and hot code goes on here. Operands must still be where the allocator says.
    pub(super) fn eval_cold(&mut self, from: &[Patch], op: &Op, to: u8, setting: &Setting) {
        self.start_cold(from);
        for (n, arg) in operands(op).into_iter().enumerate() {
            self.store_arg_cold(n, arg);
        }
        load_const(&mut self.cold, RAX, setting.evals.number(anonymous(op)) as u64);
        self.cold_call(Slow::Eval, setting);
        match op.ty() {
            Some(Type::Float) => asm!(self.cold, movq Rx(to), rax),
            _ => asm!(self.cold, mov Rq(to), rax),
        }
        self.resume_hot();
    }

    /// Cold code reached from hot jumps begins here.
    pub(super) fn start_cold(&mut self, from: &[Patch]) {
        let here = self.cold.here();
        self.to_cold.extend(from.iter().map(|patch| (*patch, here)));
    }

    /// Cold code jumps to an earlier place of hot code.
    pub(super) fn cold_jump(&mut self, target: usize) {
        let patch = self.cold.jmp();
        self.to_hot.push((patch, target));
    }

    /// Calls a thunk from cold code.
    pub(super) fn cold_call_thunk(&mut self, thunk: usize) {
        let patch = self.cold.call();
        self.cold_thunks.push((patch, thunk));
    }

    /// Cold code goes back to where hot code is now.
    pub(super) fn resume_hot(&mut self) {
        let patch = self.cold.jmp();
        self.to_hot.push((patch, self.hot.here()));
    }

    /// Notes that the dirty map, as it is now, is wanted in the four bytes of cold code before here.
    pub(super) fn name_map(&mut self) {
        let mut map = Vec::new();
        self.alloc.dirty_map(&mut map);
        if self.maps.last() != Some(&map) {
            self.maps.push(map);
        }
        self.map_names.push((self.cold.here() - 4, self.maps.len() - 1));
    }

    /// Leaves the block for `target` when `cc` holds.
    fn exit_if(&mut self, cc: Cc, target: i64, setting: &Setting) {
        let patch = self.hot.jcc(cc);
        self.start_cold(&[patch]);
        self.alloc.store_dirty(&mut self.cold);
        self.go(true, target, target <= i64::from(self.insn), setting);
    }

    /// Raises the trap of `helper` when `cc` holds.
    fn trap_if(&mut self, cc: Cc, helper: crate::ir::HelperId, setting: &Setting) {
        let patch = self.hot.jcc(cc);
        self.start_cold(&[patch]);
        self.alloc.store_dirty(&mut self.cold);
        load_pc(&mut self.cold, RAX, i64::from(self.insn));
        asm!(self.cold, mov[rbp + frame::PC], rax);
        load_const(&mut self.cold, RAX, u64::from(helper.0));
        self.cold_call(Slow::Call, setting);
        asm!(self.cold, ud2);
    }

    /// Emits the block's end.
    fn end(&mut self, block: &Block, setting: &Setting) {
        match block.end {
            End::Jump { target, call } => {
                self.alloc.store_dirty(&mut self.hot);
                self.go(false, target, call || target <= i64::from(self.insn), setting);
            }
            End::Indirect { target, .. } => {
                // The target first: storing dirty values changes no register but rax.
                self.alloc.copy_to_int(&mut self.hot, target, RCX);
                asm!(self.hot, mov[rsp + frame::ARGS], rcx);
                self.alloc.store_dirty(&mut self.hot);
                asm!(self.hot, mov Rq(RSI), [rsp + frame::ARGS]);
                self.probe(false, setting);
            }
            End::Next { target } => {
                self.alloc.store_dirty(&mut self.hot);
                load_pc(&mut self.hot, RSI, target);
                self.probe(false, setting);
            }
            End::Leave { target, why } => {
                self.alloc.store_dirty(&mut self.hot);
                self.leave(target, why, setting);
            }
            End::Never => asm!(self.hot, ud2),
        }
    }

    fn leave(&mut self, target: i64, why: Why, setting: &Setting) {
        load_pc(&mut self.hot, RAX, target);
        asm!(self.hot, mov [rbp + frame::PC], rax; mov eax, (reason::LEAVE | (why as u64) << 8) as i32);
        let patch = self.hot.jmp();
        self.hot.bind_at(patch, setting.thunks.leave.wrapping_sub(setting.base));
    }

    /// Goes to an offset from the block's page: straight when it is in the page, else by looking the page up.
    /// `check`: attention is looked at first.
    fn go(&mut self, in_cold: bool, target: i64, check: bool, setting: &Setting) {
        if !(0..PAGE_SIZE as i64).contains(&target) {
            load_pc(if in_cold { &mut self.cold } else { &mut self.hot }, RSI, target);
            self.probe(in_cold, setting);
            return;
        }
        let attention = check.then(|| {
            let asm = if in_cold { &mut self.cold } else { &mut self.hot };
            asm.attention()
        });
        if target == i64::from(self.start) && setting.chain {
            if in_cold {
                let patch = self.cold.jmp();
                self.to_hot.push((patch, 0));
            } else {
                self.hot.jmp_back(0);
            }
        } else {
            self.link(in_cold, target, setting);
        }
        if let Some(patch) = attention {
            if in_cold {
                self.cold.bind(patch);
            } else {
                self.start_cold(&[patch]);
            }
            load_pc(&mut self.cold, RSI, target);
            let patch = self.cold.jmp();
            self.cold_thunks.push((patch, setting.thunks.attention));
        }
    }

    /// A direct jump that is linked when it is first taken.
    fn link(&mut self, in_cold: bool, target: i64, setting: &Setting) {
        let number = setting.first_link + self.link_order.len();
        let asm = if in_cold { &mut self.cold } else { &mut self.hot };
        // The displacement is patched while others run: it must be one aligned word. Blocks and cold parts start at
        // multiples of 16.
        while asm.here() % 4 != 3 {
            asm!(asm, nop);
        }
        let patch = asm.jmp();
        let at = patch.0;
        if in_cold {
            self.cold.bind(patch);
            self.cold_links.push(LinkSite { at, stub: self.cold.here() });
            self.link_order.push((true, self.cold_links.len() - 1));
        } else {
            self.start_cold(&[patch]);
            self.hot_links.push(LinkSite { at, stub: self.cold.here() });
            self.link_order.push((false, self.hot_links.len() - 1));
        }
        load_pc(&mut self.cold, RAX, target);
        asm!(self.cold, mov [rbp + frame::PC], rax; mov eax, (reason::LINK | (number as u64) << 8) as i32);
        let patch = self.cold.jmp();
        self.cold_thunks.push((patch, setting.thunks.leave));
    }

    /// Goes to the address in `rsi`, by way of the fetch TLB and the page's table. An address where no instruction can
    /// stand has bits that no tag has.
    fn probe(&mut self, in_cold: bool, setting: &Setting) {
        let asm = if in_cold { &mut self.cold } else { &mut self.hot };
        let attention = asm.attention();
        asm!(asm
            ; mov rcx, rsi
            ; and rcx, fetch_mask(setting.isa.grain()) as i32
            ; mov Rq(R15), rcx
            ; mov rax, rsi
            ; shr rax, 8
            ; and eax, (ITLB_SIZE as i32 - 1) << 4
            ; xor eax, [rbp + frame::FETCH_CONTEXT]
            ; or rcx, [rbp + frame::FETCH_CONTEXT]
            ; cmp rcx, [rbp + rax + frame::ITLB_TAG]
        );
        let miss = asm.jcc(Cc::Ne);
        asm!(asm
            ; mov rdx, [rbp + rax + frame::ITLB_CODE]
            ; mov eax, esi
            ; and eax, PAGE_SIZE as i32 - 1
        );
        match setting.isa.grain() {
            0 => asm!(asm, mov eax, [rdx + 4 * rax]),
            1 => asm!(asm, mov eax, [rdx + 2 * rax]),
            _ => asm!(asm, mov eax, [rdx + rax]),
        }
        near!(asm, {add rax,} rsp, frame::CODE, {});
        asm!(asm, jmp rax);
        for (patch, thunk) in [(attention, setting.thunks.attention), (miss, setting.thunks.lookup)] {
            if in_cold {
                self.cold_thunks.push((patch, thunk));
            } else {
                self.hot.bind_at(patch, thunk.wrapping_sub(setting.base));
            }
        }
    }

    /// Appends the cold code to the hot code and binds what was open between them.
    fn finish(&mut self, setting: &Setting) {
        while !self.hot.here().is_multiple_of(16) {
            asm!(self.hot, nop);
        }
        let cold_start = self.hot.here();
        for (patch, target) in self.to_hot.drain(..) {
            self.cold.bind_at(patch, target.wrapping_sub(cold_start));
        }
        for (patch, thunk) in self.cold_thunks.drain(..) {
            self.cold.bind_at(patch, thunk.wrapping_sub(setting.base + cold_start));
        }
        self.hot.extend(self.cold.bytes());
        while !self.hot.here().is_multiple_of(8) {
            asm!(self.hot, nop);
        }
        let mut offsets = Vec::with_capacity(self.maps.len());
        for map in &self.maps {
            offsets.push((setting.base + self.hot.here()) as u32);
            self.hot.extend((map.len() as u64).to_le_bytes());
            map.iter().for_each(|dirty| self.hot.extend(dirty.to_bytes()));
        }
        for (at, map) in self.map_names.drain(..) {
            self.hot.set_u32(cold_start + at, offsets[map]);
        }
        for (patch, target) in self.to_cold.drain(..) {
            self.hot.bind_at(patch, cold_start + target);
        }
        for (in_cold, index) in self.link_order.drain(..) {
            self.links.push(if in_cold {
                let site = self.cold_links[index];
                LinkSite { at: cold_start + site.at, stub: cold_start + site.stub }
            } else {
                let site = self.hot_links[index];
                LinkSite { at: site.at, stub: cold_start + site.stub }
            });
        }
    }
}

/// The operands of an op, in the order of the evaluator's arguments.
fn operands(op: &Op) -> Vec<Val> {
    let mut all = Vec::with_capacity(3);
    op.uses(|v, _| all.push(v));
    all
}

/// An op with its operands replaced by their positions, so that equal ops have one number.
pub(super) fn anonymous(op: &Op) -> Op {
    let mut op = *op;
    let (n0, n1, n2) = (Val(0), Val(1), Val(2));
    match &mut op {
        Op::Bin { a, b, .. } | Op::Cmp { a, b, .. } | Op::FloatCmp { a, b, .. } => (*a, *b) = (n0, n1),
        Op::Un { a, .. }
        | Op::FloatClass { a, .. }
        | Op::FloatConvert { a, .. }
        | Op::FloatToInt { a, .. }
        | Op::IntToFloat { a, .. }
        | Op::Box { a, .. }
        | Op::Unbox { a, .. } => *a = n0,
        Op::Vec(insn) => *insn = VecInsn { d: Slot(0), a: Slot(0), b: Slot(0), c: Slot(0), ..*insn },
        Op::Float { op: which, a, b, c, .. } => {
            *a = n0;
            *b = if which.operands() > 1 { n1 } else { Val::NONE };
            *c = if which.operands() > 2 { n2 } else { Val::NONE };
        }
        _ => unreachable!("{op} is not evaluated out of line"),
    }
    op
}
