//! Templates of memory accesses: the TLB check inline, everything else in cold code.
//!
//! ```text
//!   rcx = address;  rax = its page, alignment bits and context
//!   cmp rax, site's tag ─ differs ─► cold: the TLB, which teaches the site ─ differs ─► the slow path, and back
//!   rcx += addend; access [rcx]
//! ```
//! A *site* is the last page that one access went to: its addend does not depend on the address, so the host guesses
//! the check right and loads without waiting for it. Atomics ask the TLB at once, and so do the accesses of kernels, whose
//! address space changes under them, and those whose sites kept missing.

use super::alloc::{Loc, RAX, RCX, RDX, load_const};
use super::asm::{Cc, Patch, asm};
use super::emit::{Emitter, Setting};
use super::frame::{self, Slow};
use super::int::lea;
use crate::cpu::{SITES, TLB_SIZE, access_mask};
use crate::fabric::PAGE_SIZE;
use crate::ir::{Mem, MemSize, RmwOp, Slot, Type, Val};

/// What a memory slow path is asked to do, as it travels in the low half of `rax`; the place of the
/// dirty map in code memory is above.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// The access.
    pub kind: Kind,
    /// How.
    pub mem: Mem,
    /// Whether a load's result is sign-extended.
    pub sext: bool,
    /// Whether a site did not know the page: it is to learn it.
    pub at_site: bool,
    /// Offset of the instruction from the block's page.
    pub insn: u16,
}

/// Kinds of memory accesses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A load.
    Load,
    /// A store of argument 0.
    Store,
    /// A compare-and-swap: argument 0 is expected, argument 1 is new.
    Cas,
    /// A read-modify-write with argument 0.
    Rmw(RmwOp),
    /// A load of 16 bytes into the slots from argument 0 on.
    LoadVec,
    /// A store of them.
    StoreVec,
}

/// The jump that is taken when an access cannot be made directly.
enum Miss {
    /// In hot code.
    Hot(Patch),
    /// In cold code, whose next instruction it skips to the slow path.
    Cold(Patch),
}

const SIZES: [MemSize; 4] = [MemSize::B1, MemSize::B2, MemSize::B4, MemSize::B8];

impl Request {
    /// The request as a word.
    pub fn encode(self) -> u32 {
        let kind = match self.kind {
            Kind::Load => 0,
            Kind::Store => 1,
            Kind::Cas => 2,
            Kind::Rmw(op) => 3 + op as u32,
            Kind::LoadVec => 14,
            Kind::StoreVec => 15,
        };
        self.mem.size as u32
            | u32::from(self.mem.aligned) << 2
            | u32::from(self.sext) << 3
            | kind << 4
            | u32::from(self.mem.big_endian) << 8
            | u32::from(self.at_site) << 9
            | u32::from(self.insn) << 16
    }

    /// The request that a word says.
    pub fn decode(word: u32) -> Request {
        let kind = match word >> 4 & 15 {
            0 => Kind::Load,
            1 => Kind::Store,
            2 => Kind::Cas,
            14 => Kind::LoadVec,
            15 => Kind::StoreVec,
            n => Kind::Rmw(RmwOp::ALL[n as usize - 3]),
        };
        Request {
            kind,
            mem: Mem { size: SIZES[word as usize & 3], aligned: word >> 2 & 1 != 0, big_endian: word >> 8 & 1 != 0 },
            sext: word >> 3 & 1 != 0,
            at_site: word >> 9 & 1 != 0,
            insn: (word >> 16) as u16,
        }
    }
}

impl Emitter {
    /// The address into `rcx`.
    fn address(&mut self, base: Val, disp: i32) {
        match self.alloc.loc(base) {
            Loc::Const(value) => load_const(&mut self.hot, RCX, value.wrapping_add(disp as u64)),
            Loc::Slot(_) | Loc::Spill(_) if self.alloc.uses(base) == 1 => {
                self.alloc.copy_to_int(&mut self.hot, base, RCX);
                if disp != 0 {
                    asm!(self.hot, add rcx, disp);
                }
            }
            _ => {
                let r = self.alloc.int(&mut self.hot, base);
                if disp == 0 {
                    asm!(self.hot, mov rcx, Rq(r));
                } else {
                    lea!(self.hot, Rq(RCX), r, disp);
                }
            }
        }
    }

    /// Address into `rcx`, check with the TLB, and its host address into `rcx`; returns the jump taken on a miss.
    fn translate(&mut self, mem: Mem, base: Val, disp: i32, tag: i32) -> Patch {
        self.address(base, disp);
        self.at_table(i32::from(mem.size.bytes()), access_mask(mem), tag)
    }

    /// The check of the TLB for an access of `size` bytes to the address in `rcx`, of which `mask` counts.
    fn at_table(&mut self, size: i32, mask: u64, tag: i32) -> Patch {
        asm!(self.hot
            ; mov rax, rcx
            ; shr rax, 8
            ; xor eax, [rbp + frame::DATA_CONTEXT]
            ; and eax, (TLB_SIZE as i32 - 1) << 4
            ; add eax, eax
        );
        if mask & (PAGE_SIZE - 1) != 0 || size == 1 {
            asm!(self.hot, mov rdx, rcx);
        } else {
            asm!(self.hot, lea rdx, [rcx + (size - 1)]);
        }
        asm!(self.hot
            ; and rdx, mask as i32
            ; or rdx, [rbp + frame::DATA_CONTEXT]
            ; cmp rdx, [rbp + rax + tag]
        );
        let miss = self.hot.jcc(Cc::Ne);
        asm!(self.hot, add rcx, [rbp + rax + frame::TLB_ADDEND]);
        miss
    }

    /// As [`translate`](Emitter::translate), for plain accesses: the page that this access last went to is tried
    /// first, which needs no index; cold code asks the TLB. Returns a jump in cold code that is taken on a miss of both.
    fn translate_at_site(&mut self, mem: Mem, base: Val, disp: i32, store: bool, setting: &Setting) -> Miss {
        if mem.aligned || !self.has_site(setting) {
            let tag = if store { frame::TLB_WRITE } else { frame::TLB_READ };
            return Miss::Hot(self.translate(mem, base, disp, tag));
        }
        self.address(base, disp);
        self.at_site(mem.size as usize, store, setting)
    }

    /// Whether the accesses of the instruction have sites.
    fn has_site(&self, setting: &Setting) -> bool {
        setting.isa.keeps_space(setting.mode) && setting.no_sites.is_none_or(|offsets| !offsets.contains(&self.insn))
    }

    /// The check of a site for an access of `1 << size` bytes to the address in `rcx`.
    fn at_site(&mut self, size: usize, store: bool, setting: &Setting) -> Miss {
        // What a site of stores knows may be stored to: loads have others.
        let number = ((setting.first_site + self.sites.len()) * 2 + usize::from(store)) % SITES;
        self.sites.push((number, self.insn));
        let site = frame::SITES + number as i32 * frame::SITE_SIZE;
        // The low bits are zero where the access is aligned; a site never takes others, which may cross its page.
        let mask = -(PAGE_SIZE as i64) | ((1 << size) - 1);
        asm!(self.hot, mov rax, rcx; and rax, mask as i32);
        asm!(self.hot
            ; or rax, [rbp + frame::SITE_CONTEXT]
            ; cmp rax, [rbp + site]
        );
        let other_page = self.hot.jcc(Cc::Ne);
        asm!(self.hot, add rcx, [rbp + site + frame::SITE_ADDEND]);
        self.start_cold(&[other_page]);
        asm!(self.cold, mov edx, site);
        self.cold_call_thunk(setting.thunks.site[usize::from(store)][size]);
        let miss = self.cold.jcc(Cc::Ne);
        self.cold_jump(self.hot.here());
        Miss::Cold(miss)
    }

    /// The cold side of an access: operands into the frame, the slow path, its result into `rax`.
    fn slow_access(&mut self, miss: Miss, kind: Kind, mem: Mem, sext: bool, args: &[Val], setting: &Setting) {
        let at_site = self.start_slow(miss);
        for (n, arg) in args.iter().enumerate() {
            self.store_arg_cold(n, *arg);
        }
        self.slow_request(Request { kind, mem, sext, at_site, insn: self.insn }, setting);
    }

    /// Begins the cold side of an access; returns whether it has a site.
    fn start_slow(&mut self, miss: Miss) -> bool {
        match miss {
            Miss::Hot(patch) => self.start_cold(&[patch]),
            Miss::Cold(patch) => self.cold.bind(patch),
        }
        matches!(miss, Miss::Cold(_))
    }

    fn slow_request(&mut self, request: Request, setting: &Setting) {
        asm!(self.cold, mov Rq(RAX), QWORD i64::from(request.encode()));
        self.name_map();
        self.cold_call(Slow::Memory, setting);
    }

    /// A load.
    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    pub(super) fn load(&mut self, mem: Mem, sext: bool, ty: Type, base: Val, disp: i32, v: Val, setting: &Setting) {
        // The result has its register before the ways part, so that nothing is spilled on one of them only.
        let r = match ty {
            Type::Int => self.alloc.def_int(&mut self.hot, v),
            Type::Float => self.alloc.def_xmm(&mut self.hot, v),
        };
        let miss = self.translate_at_site(mem, base, disp, false, setting);
        self.alloc.drop_use(base);
        self.slow_access(miss, Kind::Load, mem, sext, &[], setting);
        match ty {
            Type::Int if mem.big_endian => {
                self.load_turned(r, mem.size);
                match (mem.size, sext) {
                    (MemSize::B1, true) => asm!(self.hot, movsx Rq(r), Rb(r)),
                    (MemSize::B2, true) => asm!(self.hot, movsx Rq(r), Rw(r)),
                    (MemSize::B4, true) => asm!(self.hot, movsxd Rq(r), Rd(r)),
                    _ => {}
                }
                asm!(self.cold, mov Rq(r), rax);
            }
            Type::Float if mem.big_endian => {
                self.load_turned(RAX, mem.size);
                asm!(self.hot, movq Rx(r), rax);
                asm!(self.cold, movq Rx(r), rax);
            }
            Type::Int => {
                match (mem.size, sext) {
                    (MemSize::B1, false) => asm!(self.hot, movzx Rd(r), BYTE [rcx]),
                    (MemSize::B1, true) => asm!(self.hot, movsx Rq(r), BYTE [rcx]),
                    (MemSize::B2, false) => asm!(self.hot, movzx Rd(r), WORD [rcx]),
                    (MemSize::B2, true) => asm!(self.hot, movsx Rq(r), WORD [rcx]),
                    (MemSize::B4, false) => asm!(self.hot, mov Rd(r), [rcx]),
                    (MemSize::B4, true) => asm!(self.hot, movsxd Rq(r), DWORD [rcx]),
                    (MemSize::B8, _) => asm!(self.hot, mov Rq(r), [rcx]),
                }
                asm!(self.cold, mov Rq(r), rax);
            }
            Type::Float => {
                match mem.size {
                    MemSize::B8 => asm!(self.hot, movsd Rx(r), [rcx]),
                    MemSize::B4 => asm!(self.hot, movss Rx(r), [rcx]),
                    MemSize::B2 => asm!(self.hot, movzx eax, WORD [rcx]; movd Rx(r), eax),
                    MemSize::B1 => asm!(self.hot, movzx eax, BYTE [rcx]; movd Rx(r), eax),
                }
                asm!(self.cold, movq Rx(r), rax);
            }
        }
        self.resume_hot();
        self.alloc.drop_if_unused(v);
    }

    /// The value at `[rcx]` with its bytes the other way round, zero-extended, in a register.
    fn load_turned(&mut self, r: u8, size: MemSize) {
        match size {
            MemSize::B1 => asm!(self.hot, movzx Rd(r), BYTE [rcx]),
            MemSize::B2 => asm!(self.hot, movzx Rd(r), WORD [rcx]),
            MemSize::B4 => asm!(self.hot, mov Rd(r), [rcx]),
            MemSize::B8 => asm!(self.hot, mov Rq(r), [rcx]),
        }
        self.turn(r, size);
    }

    /// Turns the low bytes of a register round; what stands above two of them stays.
    fn turn(&mut self, r: u8, size: MemSize) {
        match size {
            MemSize::B1 => {}
            MemSize::B2 => asm!(self.hot, ror Rw(r), 8),
            MemSize::B4 => asm!(self.hot, bswap Rd(r)),
            MemSize::B8 => asm!(self.hot, bswap Rq(r)),
        }
    }

    /// A store.
    pub(super) fn store(&mut self, mem: Mem, base: Val, disp: i32, value: Val, setting: &Setting) {
        // The value has its register before the flags and rcx are made, unless it is a small constant.
        let constant = match self.alloc.loc(value) {
            _ if mem.big_endian => None,
            Loc::Const(c) if mem.size != MemSize::B8 || c as i64 == i64::from(c as i32) => Some(c as i32),
            Loc::Xmm(_) if matches!(mem.size, MemSize::B4 | MemSize::B8) => None,
            _ => {
                self.alloc.int(&mut self.hot, value);
                None
            }
        };
        let miss = self.translate_at_site(mem, base, disp, true, setting);
        self.slow_access(miss, Kind::Store, mem, false, &[value], setting);
        match (constant, self.alloc.loc(value)) {
            _ if mem.big_endian => {
                self.alloc.copy_to_int(&mut self.hot, value, RAX);
                self.turn(RAX, mem.size);
                self.store_rax(mem.size);
            }
            (Some(c), _) => match mem.size {
                MemSize::B1 => asm!(self.hot, mov BYTE [rcx], c as i8),
                MemSize::B2 => asm!(self.hot, mov WORD [rcx], c as i16),
                MemSize::B4 => asm!(self.hot, mov DWORD [rcx], c),
                MemSize::B8 => asm!(self.hot, mov QWORD [rcx], c),
            },
            (None, Loc::Xmm(x)) if mem.size == MemSize::B8 => asm!(self.hot, movsd[rcx], Rx(x)),
            (None, Loc::Xmm(x)) if mem.size == MemSize::B4 => asm!(self.hot, movss[rcx], Rx(x)),
            (None, Loc::Reg(r)) => match mem.size {
                MemSize::B1 => asm!(self.hot, mov BYTE [rcx], Rb(r)),
                MemSize::B2 => asm!(self.hot, mov WORD [rcx], Rw(r)),
                MemSize::B4 => asm!(self.hot, mov DWORD [rcx], Rd(r)),
                MemSize::B8 => asm!(self.hot, mov QWORD [rcx], Rq(r)),
            },
            (None, _) => {
                self.alloc.copy_to_int(&mut self.hot, value, RAX);
                self.store_rax(mem.size);
            }
        }
        self.resume_hot();
        self.alloc.drop_use(base);
        self.alloc.drop_use(value);
    }

    fn store_rax(&mut self, size: MemSize) {
        match size {
            MemSize::B1 => asm!(self.hot, mov BYTE [rcx], al),
            MemSize::B2 => asm!(self.hot, mov WORD [rcx], ax),
            MemSize::B4 => asm!(self.hot, mov DWORD [rcx], eax),
            MemSize::B8 => asm!(self.hot, mov QWORD [rcx], rax),
        }
    }

    /// A load of 16 bytes into slots, or a store of them.
    pub(super) fn vector_access(&mut self, slot: Slot, base: Val, disp: i32, store: bool, setting: &Setting) {
        let (low, high) = (slot, Slot(slot.0 + 1));
        for half in [low, high] {
            self.alloc.flush_slot(&mut self.hot, half);
            if !store {
                self.alloc.release_slot(&mut self.hot, half);
            }
        }
        self.address(base, disp);
        let miss = if self.has_site(setting) {
            self.at_site(4, store, setting)
        } else {
            let tag = if store { frame::TLB_WRITE } else { frame::TLB_READ };
            Miss::Hot(self.at_table(16, !(PAGE_SIZE - 1), tag))
        };
        let kind = if store { Kind::StoreVec } else { Kind::LoadVec };
        let at_site = self.start_slow(miss);
        asm!(self.cold, mov QWORD [rsp + frame::ARGS], i32::from(slot.0));
        let mem = Mem::plain(MemSize::B8);
        self.slow_request(Request { kind, mem, sext: false, at_site, insn: self.insn }, setting);
        let at = frame::slot(slot);
        if store {
            asm!(self.hot, movups xmm0, [rbp + at]; movups [rcx], xmm0);
        } else {
            asm!(self.hot, movups xmm0, [rcx]; movups [rbp + at], xmm0);
        }
        self.resume_hot();
        self.alloc.drop_use(base);
    }

    /// The start of an atomic's direct way: host address into `rcx`. Returns the jump to its slow one, which every
    /// big-endian one takes.
    fn translate_atomic(&mut self, mem: Mem, addr: Val) -> Miss {
        if mem.big_endian {
            self.address(addr, 0);
            return Miss::Hot(self.hot.jmp());
        }
        Miss::Hot(self.translate(mem, addr, 0, frame::TLB_WRITE))
    }

    /// An atomic read-modify-write.
    pub(super) fn rmw(&mut self, op: RmwOp, mem: Mem, addr: Val, value: Val, v: Val, setting: &Setting) {
        let operand = self.alloc.int(&mut self.hot, value);
        let r = self.alloc.def_int(&mut self.hot, v);
        let miss = self.translate_atomic(mem, addr);
        self.alloc.drop_use(addr);
        self.slow_access(miss, Kind::Rmw(op), mem, false, &[value], setting);
        match op {
            RmwOp::Swap => {
                asm!(self.hot, mov rax, Rq(operand));
                match mem.size {
                    MemSize::B1 => asm!(self.hot, xchg BYTE [rcx], al),
                    MemSize::B2 => asm!(self.hot, xchg WORD [rcx], ax),
                    MemSize::B4 => asm!(self.hot, xchg DWORD [rcx], eax),
                    MemSize::B8 => asm!(self.hot, xchg QWORD [rcx], rax),
                }
                self.zero_extend_rax(mem.size);
            }
            RmwOp::Add => {
                asm!(self.hot, mov rax, Rq(operand));
                match mem.size {
                    MemSize::B1 => asm!(self.hot, lock xadd BYTE [rcx], al),
                    MemSize::B2 => asm!(self.hot, lock xadd WORD [rcx], ax),
                    MemSize::B4 => asm!(self.hot, lock xadd DWORD [rcx], eax),
                    MemSize::B8 => asm!(self.hot, lock xadd QWORD [rcx], rax),
                }
                self.zero_extend_rax(mem.size);
            }
            _ => self.rmw_loop(op, mem.size, operand),
        }
        asm!(self.hot, mov Rq(r), rax);
        asm!(self.cold, mov Rq(r), rax);
        self.resume_hot();
        self.alloc.drop_use(value);
        self.alloc.drop_if_unused(v);
    }

    /// `rax` = old value at `[rcx]`, zero-extended; `rdx` is scratch.
    fn rmw_loop(&mut self, op: RmwOp, size: MemSize, operand: u8) {
        let asm = &mut self.hot;
        match size {
            MemSize::B1 => asm!(asm, movzx eax, BYTE [rcx]),
            MemSize::B2 => asm!(asm, movzx eax, WORD [rcx]),
            MemSize::B4 => asm!(asm, mov eax, [rcx]),
            MemSize::B8 => asm!(asm, mov rax, [rcx]),
        }
        let again = asm.here();
        asm!(asm, mov rdx, rax);
        match op {
            RmwOp::And => asm!(asm, and rdx, Rq(operand)),
            RmwOp::Or => asm!(asm, or rdx, Rq(operand)),
            RmwOp::Xor => asm!(asm, xor rdx, Rq(operand)),
            _ => {
                // Narrow operands are compared in the upper part of a register, where their signs are.
                let keep = match op {
                    RmwOp::MinS => Cc::Le,
                    RmwOp::MaxS => Cc::Ge,
                    RmwOp::MinU => Cc::Be,
                    _ => Cc::Ae,
                };
                match size {
                    MemSize::B1 => asm!(asm, cmp al, Rb(operand)),
                    MemSize::B2 => asm!(asm, cmp ax, Rw(operand)),
                    MemSize::B4 => asm!(asm, cmp eax, Rd(operand)),
                    MemSize::B8 => asm!(asm, cmp rax, Rq(operand)),
                }
                let done = asm.jcc(keep);
                asm!(asm, mov rdx, Rq(operand));
                asm.bind(done);
            }
        }
        match size {
            MemSize::B1 => asm!(asm, lock cmpxchg BYTE [rcx], dl),
            MemSize::B2 => asm!(asm, lock cmpxchg WORD [rcx], dx),
            MemSize::B4 => asm!(asm, lock cmpxchg DWORD [rcx], edx),
            MemSize::B8 => asm!(asm, lock cmpxchg QWORD [rcx], rdx),
        }
        let retry = asm.jcc(Cc::Ne);
        asm.bind_at(retry, again);
    }

    fn zero_extend_rax(&mut self, size: MemSize) {
        match size {
            MemSize::B1 => asm!(self.hot, movzx eax, al),
            MemSize::B2 => asm!(self.hot, movzx eax, ax),
            MemSize::B4 => asm!(self.hot, mov eax, eax),
            MemSize::B8 => {}
        }
    }

    fn cmpxchg(&mut self, size: MemSize, new: u8) {
        match size {
            MemSize::B1 => asm!(self.hot, lock cmpxchg BYTE [rcx], Rb(new)),
            MemSize::B2 => asm!(self.hot, lock cmpxchg WORD [rcx], Rw(new)),
            MemSize::B4 => asm!(self.hot, lock cmpxchg DWORD [rcx], Rd(new)),
            MemSize::B8 => asm!(self.hot, lock cmpxchg QWORD [rcx], Rq(new)),
        }
    }

    /// An atomic compare-and-swap.
    pub(super) fn cas(&mut self, mem: Mem, addr: Val, expected: Val, new: Val, v: Val, setting: &Setting) {
        let rnew = self.alloc.int(&mut self.hot, new);
        let rexpected = self.alloc.int(&mut self.hot, expected);
        let r = self.alloc.def_int(&mut self.hot, v);
        let miss = self.translate_atomic(mem, addr);
        self.alloc.drop_use(addr);
        self.slow_access(miss, Kind::Cas, mem, false, &[expected, new], setting);
        asm!(self.hot, mov rax, Rq(rexpected));
        self.cmpxchg(mem.size, rnew);
        self.zero_extend_rax(mem.size);
        asm!(self.hot, mov Rq(r), rax);
        asm!(self.cold, mov Rq(r), rax);
        self.resume_hot();
        self.alloc.drop_use(expected);
        self.alloc.drop_use(new);
        self.alloc.drop_if_unused(v);
    }

    /// A store that happens when the reservation holds.
    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    pub(super) fn store_conditional(
        &mut self,
        mem: Mem,
        addr: Val,
        reserved: Val,
        expected: Val,
        new: Val,
        v: Val,
        setting: &Setting,
    ) {
        let rnew = self.alloc.int(&mut self.hot, new);
        let rexpected = self.alloc.int(&mut self.hot, expected);
        let raddr = self.alloc.int(&mut self.hot, addr);
        let rreserved = self.alloc.int(&mut self.hot, reserved);
        // The result first, so that all ways meet with it made; no trap looks at it.
        let r = self.alloc.def_int(&mut self.hot, v);
        asm!(self.hot, mov Rd(r), 1; cmp Rq(raddr), Rq(rreserved));
        let lost = self.hot.jcc(Cc::Ne);
        let miss = self.translate_atomic(mem, addr);
        self.slow_access(miss, Kind::Cas, mem, false, &[expected, new], setting);
        // The slow path's old value is zero-extended; so is what it is compared with.
        match mem.size {
            MemSize::B8 => asm!(self.cold, mov Rq(RDX), Rq(rexpected)),
            MemSize::B4 => asm!(self.cold, mov Rd(RDX), Rd(rexpected)),
            MemSize::B2 => asm!(self.cold, movzx Rd(RDX), Rw(rexpected)),
            MemSize::B1 => asm!(self.cold, movzx Rd(RDX), Rb(rexpected)),
        }
        asm!(self.cold, xor Rd(RCX), Rd(RCX); cmp rax, rdx; setne cl; mov Rd(r), ecx);
        asm!(self.hot, mov rax, Rq(rexpected));
        self.cmpxchg(mem.size, rnew);
        asm!(self.hot, setne al; movzx Rd(r), al);
        self.hot.bind(lost);
        self.resume_hot();
        for v in [addr, reserved, expected, new] {
            self.alloc.drop_use(v);
        }
        self.alloc.drop_if_unused(v);
    }
}

const _: () = assert!(PAGE_SIZE == 1 << 12 && TLB_SIZE.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_their_encoding() {
        for kind in [Kind::Load, Kind::Store, Kind::Cas, Kind::LoadVec, Kind::StoreVec]
            .into_iter()
            .chain(RmwOp::ALL.iter().map(|op| Kind::Rmw(*op)))
        {
            for size in SIZES {
                for big_endian in [false, true] {
                    let mem = Mem { big_endian, ..Mem::aligned(size) };
                    let request = Request { kind, mem, sext: true, at_site: big_endian, insn: 0xffe };
                    assert_eq!(Request::decode(request.encode()), request);
                }
            }
        }
    }
}
