//! Templates of integer ops.

use super::alloc::{Loc, RAX, RCX, RDX};
use super::asm::{Asm, Cc, asm, near};
use super::emit::{Emitter, Setting};
use super::frame;
use crate::ir::{BinOp, Cond, Op, UnOp, Val, Width};

/// An operand as a template takes it.
#[derive(Clone, Copy)]
enum Operand {
    Imm(i32),
    Reg(u8),
    /// A displacement from `rbp`.
    Mem(i32),
}

/// Emits one of the two-operand ops of the classic encoding at either width.
macro_rules! alu {
    ($asm:expr, $op:ident, $w:expr, $r:expr, $operand:expr) => {
        match ($w, $operand) {
            (Width::W64, Operand::Imm(imm)) => match i8::try_from(imm) {
                Ok(imm) => imm8!($asm, $op, Width::W64, $r, imm),
                Err(_) => asm!($asm, $op Rq($r), imm),
            },
            (Width::W64, Operand::Reg(b)) => asm!($asm, $op Rq($r), Rq(b)),
            (Width::W64, Operand::Mem(at)) => near!($asm, {$op Rq($r),} rbp, at, {}),
            (Width::W32, Operand::Imm(imm)) => match i8::try_from(imm) {
                Ok(imm) => imm8!($asm, $op, Width::W32, $r, imm),
                Err(_) => asm!($asm, $op Rd($r), imm),
            },
            (Width::W32, Operand::Reg(b)) => asm!($asm, $op Rd($r), Rd(b)),
            (Width::W32, Operand::Mem(at)) => near!($asm, {$op Rd($r),} rbp, at, {}),
        }
    };
}

/// Emits an op with an immediate of 8 bits; of `cmp` the assembler knows no such form.
macro_rules! imm8 {
    ($asm:expr, cmp, $w:expr, $r:expr, $imm:expr) => {
        $asm.cmp_imm8($w == Width::W64, $r, $imm)
    };
    ($asm:expr, $op:ident, Width::W64, $r:expr, $imm:expr) => { asm!($asm, $op Rq($r), BYTE $imm) };
    ($asm:expr, $op:ident, Width::W32, $r:expr, $imm:expr) => { asm!($asm, $op Rd($r), BYTE $imm) };
}

/// Emits `lea` of a sum with a constant.
macro_rules! lea {
    ($asm:expr, $kind:ident($r:expr), $from:expr, $imm:expr) => {
        match i8::try_from($imm) {
            Ok(imm) => asm!($asm, lea $kind($r), [BYTE Rq($from) + imm]),
            Err(_) => asm!($asm, lea $kind($r), [Rq($from) + $imm]),
        }
    };
}
pub(super) use lea;

/// Emits a shift by a constant, or by `cl`.
macro_rules! shift {
    ($asm:expr, $op:ident, $w:expr, $r:expr, $count:expr) => {
        match ($w, $count) {
            (Width::W64, Some(n)) => asm!($asm, $op Rq($r), n),
            (Width::W32, Some(n)) => asm!($asm, $op Rd($r), n),
            (Width::W64, None) => asm!($asm, $op Rq($r), cl),
            (Width::W32, None) => asm!($asm, $op Rd($r), cl),
        }
    };
}

/// The condition code after `cmp a, b`.
pub fn cc(cond: Cond) -> Cc {
    match cond {
        Cond::Eq => Cc::E,
        Cond::Ne => Cc::Ne,
        Cond::LtS => Cc::L,
        Cond::GeS => Cc::Ge,
        Cond::LtU => Cc::B,
        Cond::GeU => Cc::Ae,
        Cond::LeS => Cc::Le,
        Cond::GtS => Cc::G,
        Cond::LeU => Cc::Be,
        Cond::GtU => Cc::A,
    }
}

impl Emitter {
    /// An operand in the form that costs least: a small constant, memory that is read only here, or a register.
    fn operand(&mut self, w: Width, v: Val) -> Operand {
        match self.alloc.loc(v) {
            Loc::Const(value) if value as i64 == i64::from(value as i32) || w == Width::W32 => {
                Operand::Imm(value as i32)
            }
            Loc::Slot(slot) if self.alloc.uses(v) == 1 => Operand::Mem(frame::slot(slot)),
            _ => Operand::Reg(self.alloc.int(&mut self.hot, v)),
        }
    }

    /// Integer ops of two operands.
    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    pub(super) fn bin(&mut self, op: &Op, which: BinOp, w: Width, a: Val, b: Val, v: Val, setting: &Setting) {
        match which {
            BinOp::Add => self.add(w, a, b, v),
            BinOp::Sub => match self.alloc.loc(b) {
                Loc::Const(value) if value as i64 == i64::from(value as i32) && value as i32 != i32::MIN => {
                    self.add_imm(w, a, -(value as i32), v);
                    self.alloc.drop_use(b);
                }
                _ => self.two_operand(which, w, a, b, v),
            },
            BinOp::And | BinOp::Or | BinOp::Xor => self.two_operand(which, w, a, b, v),
            BinOp::Mul => self.mul(w, a, b, v),
            BinOp::AndNot => self.and_not(w, a, b, v),
            BinOp::Shl | BinOp::ShrU | BinOp::ShrS | BinOp::RotR => self.shift(which, w, a, b, v),
            BinOp::MulHiU | BinOp::MulHiS | BinOp::MulHiSU => self.mul_hi(which, w, a, b, v),
            BinOp::DivU | BinOp::DivS | BinOp::RemU | BinOp::RemS => self.div(which, w, a, b, v),
            BinOp::MinS | BinOp::MaxS | BinOp::MinU | BinOp::MaxU => self.min_max(which, w, a, b, v),
            BinOp::ClMul | BinOp::ClMulH if w == Width::W64 && self.host.pclmul && self.host.sse41 => {
                self.clmul(which, a, b, v);
            }
            BinOp::ClMul | BinOp::ClMulH => self.eval_hot(op, v, setting),
        }
    }

    fn add(&mut self, w: Width, a: Val, b: Val, v: Val) {
        if let Loc::Const(value) = self.alloc.loc(b)
            && (value as i64 == i64::from(value as i32) || w == Width::W32)
        {
            self.add_imm(w, a, value as i32, v);
            self.alloc.drop_use(b);
            return;
        }
        let dies = |v| self.alloc.uses(v) == 1 && matches!(self.alloc.loc(v), Loc::Reg(_));
        if dies(a) || (a == b) {
            return self.two_operand(BinOp::Add, w, a, b, v);
        }
        if dies(b) {
            return self.two_operand(BinOp::Add, w, b, a, v);
        }
        let (ra, rb) = (self.alloc.int(&mut self.hot, a), self.alloc.int(&mut self.hot, b));
        let r = self.alloc.def_int(&mut self.hot, v);
        match w {
            Width::W64 => asm!(self.hot, lea Rq(r), [Rq(ra) + Rq(rb)]),
            Width::W32 => asm!(self.hot, lea Rd(r), [Rq(ra) + Rq(rb)]),
        }
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
    }

    fn add_imm(&mut self, w: Width, a: Val, imm: i32, v: Val) {
        if self.alloc.uses(a) == 1 {
            let r = self.alloc.reuse_int(&mut self.hot, a, v);
            alu!(self.hot, add, w, r, Operand::Imm(imm));
            return;
        }
        let ra = self.alloc.int(&mut self.hot, a);
        let r = self.alloc.def_int(&mut self.hot, v);
        match w {
            Width::W64 => lea!(self.hot, Rq(r), ra, imm),
            Width::W32 => lea!(self.hot, Rd(r), ra, imm),
        }
        self.alloc.drop_use(a);
    }

    fn two_operand(&mut self, which: BinOp, w: Width, a: Val, b: Val, v: Val) {
        if a == b {
            // Both uses are the same register: count one away first so that the copy rules see the last one.
            let r = self.alloc.int(&mut self.hot, a);
            let to = self.alloc.def_int(&mut self.hot, v);
            asm!(self.hot, mov Rq(to), Rq(r));
            emit_alu(&mut self.hot, which, w, to, Operand::Reg(r));
            self.alloc.drop_use(a);
            self.alloc.drop_use(b);
            return;
        }
        let operand = self.operand(w, b);
        let r = self.alloc.reuse_int(&mut self.hot, a, v);
        emit_alu(&mut self.hot, which, w, r, operand);
        self.alloc.drop_use(b);
    }

    fn mul(&mut self, w: Width, a: Val, b: Val, v: Val) {
        let operand = self.operand(w, b);
        if let Operand::Imm(imm) = operand {
            let ra = self.alloc.int(&mut self.hot, a);
            let r = self.alloc.def_int(&mut self.hot, v);
            match w {
                Width::W64 => asm!(self.hot, imul Rq(r), Rq(ra), imm),
                Width::W32 => asm!(self.hot, imul Rd(r), Rd(ra), imm),
            }
            self.alloc.drop_use(a);
        } else if a == b {
            return self.two_operand(BinOp::Mul, w, a, b, v);
        } else {
            let r = self.alloc.reuse_int(&mut self.hot, a, v);
            emit_alu(&mut self.hot, BinOp::Mul, w, r, operand);
        }
        self.alloc.drop_use(b);
    }

    fn and_not(&mut self, w: Width, a: Val, b: Val, v: Val) {
        let (ra, rb) = (self.alloc.int(&mut self.hot, a), self.alloc.int(&mut self.hot, b));
        let r = self.alloc.def_int(&mut self.hot, v);
        match (self.host.bmi1, w) {
            (true, Width::W64) => asm!(self.hot, andn Rq(r), Rq(rb), Rq(ra)),
            (true, Width::W32) => asm!(self.hot, andn Rd(r), Rd(rb), Rd(ra)),
            (false, Width::W64) => asm!(self.hot, mov Rq(r), Rq(rb); not Rq(r); and Rq(r), Rq(ra)),
            (false, Width::W32) => asm!(self.hot, mov Rd(r), Rd(rb); not Rd(r); and Rd(r), Rd(ra)),
        }
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
    }

    fn shift(&mut self, which: BinOp, w: Width, a: Val, b: Val, v: Val) {
        if let Loc::Const(count) = self.alloc.loc(b) {
            let bits = if w == Width::W64 { 64 } else { 32 };
            let n = Some((count % bits) as i8);
            let r = self.alloc.reuse_int(&mut self.hot, a, v);
            emit_shift(&mut self.hot, which, w, r, n);
            if n == Some(0) && w == Width::W32 {
                // A shift by nothing leaves the upper half alone; the op does not.
                asm!(self.hot, mov Rd(r), Rd(r));
            }
            self.alloc.drop_use(b);
            return;
        }
        if self.host.bmi2 && which != BinOp::RotR {
            let (ra, rb) = (self.alloc.int(&mut self.hot, a), self.alloc.int(&mut self.hot, b));
            let r = self.alloc.def_int(&mut self.hot, v);
            match (which, w) {
                (BinOp::Shl, Width::W64) => asm!(self.hot, shlx Rq(r), Rq(ra), Rq(rb)),
                (BinOp::Shl, Width::W32) => asm!(self.hot, shlx Rd(r), Rd(ra), Rd(rb)),
                (BinOp::ShrU, Width::W64) => asm!(self.hot, shrx Rq(r), Rq(ra), Rq(rb)),
                (BinOp::ShrU, Width::W32) => asm!(self.hot, shrx Rd(r), Rd(ra), Rd(rb)),
                (_, Width::W64) => asm!(self.hot, sarx Rq(r), Rq(ra), Rq(rb)),
                (_, Width::W32) => asm!(self.hot, sarx Rd(r), Rd(ra), Rd(rb)),
            }
            self.alloc.drop_use(a);
        } else {
            self.alloc.copy_to_int(&mut self.hot, b, RCX);
            let r = self.alloc.reuse_int(&mut self.hot, a, v);
            emit_shift(&mut self.hot, which, w, r, None);
            if w == Width::W32 {
                // A count of zero writes nothing, not even the upper half.
                asm!(self.hot, mov Rd(r), Rd(r));
            }
        }
        self.alloc.drop_use(b);
    }

    fn mul_hi(&mut self, which: BinOp, w: Width, a: Val, b: Val, v: Val) {
        let rb = self.alloc.int(&mut self.hot, b);
        self.alloc.copy_to_int(&mut self.hot, a, RAX);
        match (which, w) {
            (BinOp::MulHiU, Width::W64) => asm!(self.hot, mul Rq(rb)),
            (BinOp::MulHiS, Width::W64) => asm!(self.hot, imul Rq(rb)),
            (_, Width::W64) => {
                // Signed times unsigned: unsigned, less b where a is negative.
                asm!(self.hot
                    ; mov rcx, rax
                    ; sar rcx, 63
                    ; and rcx, Rq(rb)
                    ; mul Rq(rb)
                    ; sub rdx, rcx
                );
            }
            (_, Width::W32) => {
                if which == BinOp::MulHiU {
                    asm!(self.hot, mov eax, eax);
                } else {
                    asm!(self.hot, movsxd rax, eax);
                }
                if which == BinOp::MulHiS {
                    asm!(self.hot, movsxd rdx, Rd(rb));
                } else {
                    asm!(self.hot, mov edx, Rd(rb));
                }
                asm!(self.hot, imul rdx, rax; shr rdx, 32);
            }
        }
        let r = self.alloc.def_int(&mut self.hot, v);
        asm!(self.hot, mov Rq(r), rdx);
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
    }

    fn div(&mut self, which: BinOp, w: Width, a: Val, b: Val, v: Val) {
        let rb = self.alloc.int(&mut self.hot, b);
        let (quotient, signed) =
            (matches!(which, BinOp::DivU | BinOp::DivS), matches!(which, BinOp::DivS | BinOp::RemS));
        let asm = &mut self.hot;
        // By zero: 0, or the dividend.
        if quotient {
            asm!(asm, xor edx, edx);
        } else {
            self.alloc.copy_to_int(asm, a, RDX);
        }
        match w {
            Width::W64 => asm!(asm, test Rq(rb), Rq(rb)),
            Width::W32 => asm!(asm, test Rd(rb), Rd(rb)),
        }
        let zero = asm.jcc(Cc::E);
        self.alloc.copy_to_int(asm, a, RAX);
        let mut done = Vec::new();
        if signed {
            // By -1: the host faults where the quotient overflows.
            match w {
                Width::W64 => asm!(asm, cmp Rq(rb), -1),
                Width::W32 => asm!(asm, cmp Rd(rb), -1),
            }
            let normal = asm.jcc(Cc::Ne);
            asm!(asm, neg rax; xor edx, edx);
            done.push(asm.jmp());
            asm.bind(normal);
            match w {
                Width::W64 => asm!(asm, cqo; idiv Rq(rb)),
                Width::W32 => asm!(asm, cdq; idiv Rd(rb)),
            }
        } else {
            match w {
                Width::W64 => asm!(asm, xor edx, edx; div Rq(rb)),
                Width::W32 => asm!(asm, xor edx, edx; div Rd(rb)),
            }
        }
        done.into_iter().for_each(|patch| asm.bind(patch));
        if quotient {
            asm!(asm, mov rdx, rax);
        }
        asm.bind(zero);
        let r = self.alloc.def_int(&mut self.hot, v);
        match w {
            Width::W64 => asm!(self.hot, mov Rq(r), rdx),
            Width::W32 => asm!(self.hot, mov Rd(r), edx),
        }
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
    }

    fn min_max(&mut self, which: BinOp, w: Width, a: Val, b: Val, v: Val) {
        let (ra, rb) = (self.alloc.int(&mut self.hot, a), self.alloc.int(&mut self.hot, b));
        let r = self.alloc.def_int(&mut self.hot, v);
        asm!(self.hot, mov Rq(r), Rq(ra));
        alu!(self.hot, cmp, w, ra, Operand::Reg(rb));
        let take_b = match which {
            BinOp::MinS => Cc::G,
            BinOp::MaxS => Cc::L,
            BinOp::MinU => Cc::A,
            _ => Cc::B,
        };
        self.hot.cmov(take_b, r, rb);
        if w == Width::W32 {
            asm!(self.hot, mov Rd(r), Rd(r));
        }
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
    }

    fn clmul(&mut self, which: BinOp, a: Val, b: Val, v: Val) {
        self.alloc.copy_to_int(&mut self.hot, a, RAX);
        asm!(self.hot, movq xmm0, rax);
        self.alloc.copy_to_int(&mut self.hot, b, RAX);
        asm!(self.hot, movq xmm1, rax; pclmulqdq xmm0, xmm1, 0);
        let r = self.alloc.def_int(&mut self.hot, v);
        match which {
            BinOp::ClMul => asm!(self.hot, movq Rq(r), xmm0),
            _ => asm!(self.hot, pextrq Rq(r), xmm0, 1),
        }
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
    }

    /// Integer ops of one operand.
    pub(super) fn un(&mut self, op: &Op, which: UnOp, w: Width, a: Val, v: Val, setting: &Setting) {
        match which {
            UnOp::Not | UnOp::Neg | UnOp::Bswap => {
                let r = self.alloc.reuse_int(&mut self.hot, a, v);
                match (which, w) {
                    (UnOp::Not, Width::W64) => asm!(self.hot, not Rq(r)),
                    (UnOp::Not, Width::W32) => asm!(self.hot, not Rd(r)),
                    (UnOp::Neg, Width::W64) => asm!(self.hot, neg Rq(r)),
                    (UnOp::Neg, Width::W32) => asm!(self.hot, neg Rd(r)),
                    (_, Width::W64) => asm!(self.hot, bswap Rq(r)),
                    (_, Width::W32) => asm!(self.hot, bswap Rd(r)),
                }
                return;
            }
            UnOp::Clz if self.host.lzcnt => {}
            UnOp::Ctz if self.host.bmi1 => {}
            UnOp::Popcnt if self.host.popcnt => {}
            UnOp::OrBytes | UnOp::BitRev | UnOp::Clz | UnOp::Ctz | UnOp::Popcnt => {
                if which == UnOp::OrBytes && w == Width::W64 {
                    return self.or_bytes(a, v);
                }
                return self.eval_hot(op, v, setting);
            }
            UnOp::Sext8 | UnOp::Sext16 | UnOp::Sext32 | UnOp::Zext8 | UnOp::Zext16 | UnOp::Zext32 => {}
        }
        if let Loc::Slot(slot) = self.alloc.loc(a)
            && let UnOp::Sext32 | UnOp::Zext8 | UnOp::Zext16 | UnOp::Zext32 = which
        {
            // Registers are little-endian in memory: the low part is read alone.
            let (r, at) = (self.alloc.def_int(&mut self.hot, v), frame::slot(slot));
            match which {
                UnOp::Sext32 if w == Width::W64 => near!(self.hot, {movsxd Rq(r), DWORD} rbp, at, {}),
                UnOp::Zext8 => near!(self.hot, {movzx Rd(r), BYTE} rbp, at, {}),
                UnOp::Zext16 => near!(self.hot, {movzx Rd(r), WORD} rbp, at, {}),
                _ => near!(self.hot, {mov Rd(r),} rbp, at, {}),
            }
            self.alloc.drop_use(a);
            return;
        }
        let ra = self.alloc.int(&mut self.hot, a);
        self.alloc.drop_use(a);
        let r = self.alloc.def_int(&mut self.hot, v);
        match (which, w) {
            (UnOp::Clz, Width::W64) => asm!(self.hot, lzcnt Rq(r), Rq(ra)),
            (UnOp::Clz, Width::W32) => asm!(self.hot, lzcnt Rd(r), Rd(ra)),
            (UnOp::Ctz, Width::W64) => asm!(self.hot, tzcnt Rq(r), Rq(ra)),
            (UnOp::Ctz, Width::W32) => asm!(self.hot, tzcnt Rd(r), Rd(ra)),
            (UnOp::Popcnt, Width::W64) => asm!(self.hot, popcnt Rq(r), Rq(ra)),
            (UnOp::Popcnt, Width::W32) => asm!(self.hot, popcnt Rd(r), Rd(ra)),
            (UnOp::Sext8, Width::W64) => asm!(self.hot, movsx Rq(r), Rb(ra)),
            (UnOp::Sext8, Width::W32) => asm!(self.hot, movsx Rd(r), Rb(ra)),
            (UnOp::Sext16, Width::W64) => asm!(self.hot, movsx Rq(r), Rw(ra)),
            (UnOp::Sext16, Width::W32) => asm!(self.hot, movsx Rd(r), Rw(ra)),
            (UnOp::Sext32, Width::W64) => asm!(self.hot, movsxd Rq(r), Rd(ra)),
            (UnOp::Zext8, _) => asm!(self.hot, movzx Rd(r), Rb(ra)),
            (UnOp::Zext16, _) => asm!(self.hot, movzx Rd(r), Rw(ra)),
            _ => asm!(self.hot, mov Rd(r), Rd(ra)),
        }
    }

    /// Each byte to all ones unless it is zero: compare with zero, then complement.
    fn or_bytes(&mut self, a: Val, v: Val) {
        self.alloc.copy_to_int(&mut self.hot, a, RAX);
        self.alloc.drop_use(a);
        let r = self.alloc.def_int(&mut self.hot, v);
        asm!(self.hot
            ; movq xmm0, rax
            ; pxor xmm1, xmm1
            ; pcmpeqb xmm0, xmm1
            ; movq Rq(r), xmm0
            ; not Rq(r)
        );
    }

    /// Compares; returns the condition code that says that `cond` holds. Uses up both operands.
    pub(super) fn compare(&mut self, cond: Cond, w: Width, a: Val, b: Val) -> Cc {
        let rb = self.operand(w, b);
        let ra = self.alloc.int(&mut self.hot, a);
        match rb {
            Operand::Imm(0) if w == Width::W64 => asm!(self.hot, test Rq(ra), Rq(ra)),
            Operand::Imm(0) => asm!(self.hot, test Rd(ra), Rd(ra)),
            rb => alu!(self.hot, cmp, w, ra, rb),
        }
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
        cc(cond)
    }

    /// A comparison as a value.
    pub(super) fn cmp(&mut self, cond: Cond, w: Width, a: Val, b: Val, v: Val) {
        let cc = self.compare(cond, w, a, b);
        let r = self.alloc.def_int(&mut self.hot, v);
        self.hot.setcc(cc, RAX);
        asm!(self.hot, movzx Rd(r), al);
    }

    /// `c != 0 ? a : b`.
    pub(super) fn select(&mut self, c: Val, a: Val, b: Val, v: Val) {
        let rc = self.alloc.int(&mut self.hot, c);
        let ra = self.alloc.int(&mut self.hot, a);
        let r = self.copy_operand(b, v);
        asm!(self.hot, test Rq(rc), Rq(rc));
        self.hot.cmov(Cc::Ne, r, ra);
        [c, a, b].into_iter().for_each(|v| self.alloc.drop_use(v));
    }

    /// A comparison and the choice that it makes.
    pub(super) fn select_compared(&mut self, cond: Cond, w: Width, (x, y): (Val, Val), a: Val, b: Val, v: Val) {
        // Everything is in registers before the flags are made; memory operands and constants stay as they are.
        let ra = self.alloc.int(&mut self.hot, a);
        let r = self.copy_operand(b, v);
        let cc = self.compare(cond, w, x, y);
        self.hot.cmov(cc, r, ra);
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
    }

    /// A new register for `v` with the value of `b`, which keeps its own.
    fn copy_operand(&mut self, b: Val, v: Val) -> u8 {
        let r = self.alloc.def_int(&mut self.hot, v);
        self.alloc.copy_to_int(&mut self.hot, b, r);
        r
    }
}

fn emit_alu(asm: &mut Asm, which: BinOp, w: Width, r: u8, operand: Operand) {
    match which {
        BinOp::Add => alu!(asm, add, w, r, operand),
        BinOp::Sub => alu!(asm, sub, w, r, operand),
        BinOp::And => alu!(asm, and, w, r, operand),
        BinOp::Or => alu!(asm, or, w, r, operand),
        BinOp::Xor => alu!(asm, xor, w, r, operand),
        BinOp::Mul => match (w, operand) {
            (Width::W64, Operand::Reg(b)) => asm!(asm, imul Rq(r), Rq(b)),
            (Width::W64, Operand::Mem(at)) => asm!(asm, imul Rq(r), [rbp + at]),
            (Width::W64, Operand::Imm(imm)) => asm!(asm, imul Rq(r), Rq(r), imm),
            (Width::W32, Operand::Reg(b)) => asm!(asm, imul Rd(r), Rd(b)),
            (Width::W32, Operand::Mem(at)) => asm!(asm, imul Rd(r), [rbp + at]),
            (Width::W32, Operand::Imm(imm)) => asm!(asm, imul Rd(r), Rd(r), imm),
        },
        _ => unreachable!("{which:?} has a template of its own"),
    }
}

fn emit_shift(asm: &mut Asm, which: BinOp, w: Width, r: u8, count: Option<i8>) {
    match which {
        BinOp::Shl => shift!(asm, shl, w, r, count),
        BinOp::ShrU => shift!(asm, shr, w, r, count),
        BinOp::ShrS => shift!(asm, sar, w, r, count),
        _ => shift!(asm, ror, w, r, count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_codes_invert_as_conditions_do() {
        for cond in Cond::ALL {
            assert_eq!(cc(*cond) as u8 ^ 1, cc(cond.inverse()) as u8);
        }
    }
}
