//! Templates of float ops: the host's floats where they agree with the guest's, the exact soft floats elsewhere.
//!
//! The host's MXCSR holds the guest's rounding direction and gathers its flags. A NaN result, an integer that does not
//! fit, a minimum of zeros or NaNs leaves to cold code, which evaluates the op exactly. The host finds a result tiny
//! after rounding: where the guest does before, the one result that may differ in that, the smallest normal number,
//! leaves too. Rules that flush are evaluated as a whole.

use super::alloc::{Loc, RAX, RCX, load_const};
use super::asm::{Cc, asm};
use super::emit::{Emitter, Setting};
use super::frame;
use crate::float::{Format, NanRule, Round, Tininess, default_nan};
use crate::ir::{FloatCond, FloatOp, FloatToInt, IntToFloat, Op, Val};

/// Emits a scalar op of two operands at the width of a format.
macro_rules! scalar {
    ($asm:expr, $fmt:expr, $f32:ident, $f64:ident, $to:expr, $from:expr) => {
        if $fmt == Format::F32 {
            asm!($asm, $f32 Rx($to), Rx($from))
        } else {
            asm!($asm, $f64 Rx($to), Rx($from))
        }
    };
}

impl Emitter {
    /// Any float op.
    pub(super) fn float_op(&mut self, op: &Op, v: Val, setting: &Setting) {
        let native = self.native(op);
        match *op {
            Op::Float { op: which, fmt, a, b, c, rm } if native => match which {
                FloatOp::Add | FloatOp::Sub | FloatOp::Mul | FloatOp::Div => {
                    self.arithmetic(op, which, fmt, a, b, v, setting);
                }
                FloatOp::Sqrt => self.sqrt(op, fmt, a, v, setting),
                FloatOp::Fma if self.host.fma => self.fma(op, fmt, a, b, c, v, setting),
                FloatOp::Neg | FloatOp::Abs => self.sign(which, fmt, a, v),
                FloatOp::CopySign => self.copy_sign(fmt, a, b, v),
                FloatOp::Min(_) | FloatOp::Max(_) => {
                    self.min_or_max(op, which, fmt, a, b, v, setting);
                }
                FloatOp::RoundInt { exact } if self.host.sse41 => {
                    self.round_int(op, fmt, rm, exact, a, v, setting);
                }
                _ => self.eval_hot(op, v, setting),
            },
            Op::FloatCmp { cond, fmt, a, b } if native => self.float_cmp(cond, fmt, a, b, v),
            Op::FloatConvert { from, to, a, .. } if native => self.convert(op, from, to, a, v, setting),
            Op::FloatToInt { from, to, fraction, rm, a } if native => {
                self.convert_to_int(op, from, to, fraction, rm, a, v, setting);
            }
            Op::IntToFloat { from, fraction, to, a, .. } if native => {
                self.convert_int(op, from, fraction, to, a, v, setting);
            }
            Op::Box { fmt: Format::F32, a } => self.box_single(a, v),
            Op::Unbox { fmt: Format::F32, a } => self.unbox_single(a, v),
            _ => self.eval_hot(op, v, setting),
        }
    }

    /// Whether the host computes the op as the guest does, but for what cold code mends.
    fn native(&self, op: &Op) -> bool {
        let single_or_double = |fmt: Format| matches!(fmt, Format::F32 | Format::F64);
        let rules = self.rules;
        let plain = !rules.flush_inputs && !rules.flush_outputs;
        match *op {
            Op::Float { op, fmt, rm, .. } => {
                let exact =
                    matches!(op, FloatOp::Neg | FloatOp::Abs | FloatOp::CopySign | FloatOp::Min(_) | FloatOp::Max(_));
                let rounds = match op {
                    FloatOp::RoundInt { .. } => {
                        matches!(rm, Round::NearestEven | Round::TowardZero | Round::Down | Round::Up)
                    }
                    _ => exact || rm == self.round,
                };
                single_or_double(fmt) && plain && rounds
            }
            Op::FloatCmp { fmt, .. } => single_or_double(fmt) && plain,
            Op::FloatConvert { from, to, rm, .. } => {
                let exact = from == Format::F32 && to == Format::F64;
                single_or_double(from) && single_or_double(to) && plain && (exact || rm == self.round)
            }
            Op::FloatToInt { from, to, rm, .. } => {
                single_or_double(from)
                    && plain
                    && match to {
                        FloatToInt::I32 | FloatToInt::I64 => rm == Round::TowardZero || rm == self.round,
                        FloatToInt::U32 | FloatToInt::U64 => rm == Round::TowardZero,
                        FloatToInt::Mod32 => false,
                    }
            }
            Op::IntToFloat { from, to, rm, .. } => {
                let exact = to == Format::F64 && matches!(from, IntToFloat::I32 | IntToFloat::U32);
                single_or_double(to) && (exact || rm == self.round)
            }
            _ => false,
        }
    }

    /// Whether a result of `op` may be tiny, and inexact, on the guest where it is not on the host. Sums that are tiny
    /// are exact.
    fn may_be_tiny(&self, op: &Op) -> bool {
        self.rules.tiny == Tininess::BeforeRounding
            && matches!(
                op,
                Op::Float { op: FloatOp::Mul | FloatOp::Div | FloatOp::Fma, .. }
                    | Op::FloatConvert { from: Format::F64, to: Format::F32, .. }
            )
    }

    /// Leaves for cold code when the result in `r` is a NaN, for the guest's NaN is made there, and when it is one
    /// of which the guest alone may say that it was tiny. `operands_intact`: the operands are still in their places.
    fn mend(&mut self, op: &Op, fmt: Format, r: u8, operands_intact: bool, setting: &Setting) {
        scalar!(self.hot, fmt, ucomiss, ucomisd, r, r);
        let nan = self.hot.jcc(Cc::P);
        if self.may_be_tiny(op) {
            if fmt == Format::F32 {
                asm!(self.hot, movd eax, Rx(r); add eax, eax; cmp eax, 1 << 24);
            } else {
                asm!(self.hot, movq rax, Rx(r); add rax, rax; cmp rax, [rsp + frame::TWICE_MIN64]);
            }
            let smallest = self.hot.jcc(Cc::E);
            self.eval_cold(&[nan, smallest], op, r, setting);
        } else if operands_intact {
            self.eval_cold(&[nan], op, r, setting);
        } else {
            self.start_cold(&[nan]);
            load_const(&mut self.cold, RAX, default_nan(fmt, self.rules));
            asm!(self.cold, movq Rx(r), rax);
            self.resume_hot();
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    fn arithmetic(&mut self, op: &Op, which: FloatOp, fmt: Format, a: Val, b: Val, v: Val, setting: &Setting) {
        // With one NaN for all there is no need to keep the operands.
        let keep = self.rules.nan != NanRule::Default || a == b || self.may_be_tiny(op);
        let rb = self.alloc.xmm(&mut self.hot, b);
        let r = if keep {
            let ra = self.alloc.xmm(&mut self.hot, a);
            let r = self.alloc.def_xmm(&mut self.hot, v);
            asm!(self.hot, movaps Rx(r), Rx(ra));
            r
        } else {
            self.alloc.reuse_xmm(&mut self.hot, a, v)
        };
        match which {
            FloatOp::Add => scalar!(self.hot, fmt, addss, addsd, r, rb),
            FloatOp::Sub => scalar!(self.hot, fmt, subss, subsd, r, rb),
            FloatOp::Mul => scalar!(self.hot, fmt, mulss, mulsd, r, rb),
            _ => scalar!(self.hot, fmt, divss, divsd, r, rb),
        }
        self.mend(op, fmt, r, keep, setting);
        if keep {
            self.alloc.drop_use(a);
        }
        self.alloc.drop_use(b);
        self.alloc.drop_if_unused(v);
    }

    fn sqrt(&mut self, op: &Op, fmt: Format, a: Val, v: Val, setting: &Setting) {
        let ra = self.alloc.xmm(&mut self.hot, a);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        asm!(self.hot, xorps Rx(r), Rx(r));
        scalar!(self.hot, fmt, sqrtss, sqrtsd, r, ra);
        self.mend(op, fmt, r, true, setting);
        self.alloc.drop_use(a);
        self.alloc.drop_if_unused(v);
    }

    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    fn fma(&mut self, op: &Op, fmt: Format, a: Val, b: Val, c: Val, v: Val, setting: &Setting) {
        let ra = self.alloc.xmm(&mut self.hot, a);
        let rb = self.alloc.xmm(&mut self.hot, b);
        let rc = self.alloc.xmm(&mut self.hot, c);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        asm!(self.hot, movaps Rx(r), Rx(rc));
        if fmt == Format::F32 {
            asm!(self.hot, vfmadd231ss Rx(r), Rx(ra), Rx(rb));
        } else {
            asm!(self.hot, vfmadd231sd Rx(r), Rx(ra), Rx(rb));
        }
        // Infinity times zero plus a NaN raises INVALID on the guest and not on the host: the cold side raises it.
        self.mend(op, fmt, r, true, setting);
        [a, b, c].into_iter().for_each(|v| self.alloc.drop_use(v));
        self.alloc.drop_if_unused(v);
    }

    fn sign(&mut self, which: FloatOp, fmt: Format, a: Val, v: Val) {
        self.alloc.copy_to_int(&mut self.hot, a, RAX);
        let bit: i8 = if fmt == Format::F32 { 31 } else { 63 };
        if which == FloatOp::Neg {
            asm!(self.hot, btc rax, BYTE bit);
        } else {
            asm!(self.hot, btr rax, BYTE bit);
        }
        self.alloc.drop_use(a);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        asm!(self.hot, movq Rx(r), rax);
    }

    fn copy_sign(&mut self, fmt: Format, a: Val, b: Val, v: Val) {
        self.alloc.copy_to_int(&mut self.hot, a, RCX);
        self.alloc.copy_to_int(&mut self.hot, b, RAX);
        let bit: i8 = if fmt == Format::F32 { 31 } else { 63 };
        asm!(self.hot
            ; shr rax, BYTE bit
            ; and eax, 1
            ; shl rax, BYTE bit
            ; btr rcx, BYTE bit
            ; or rax, rcx
        );
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        asm!(self.hot, movq Rx(r), rax);
    }

    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    fn min_or_max(&mut self, op: &Op, which: FloatOp, fmt: Format, a: Val, b: Val, v: Val, setting: &Setting) {
        let ra = self.alloc.xmm(&mut self.hot, a);
        let rb = self.alloc.xmm(&mut self.hot, b);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        scalar!(self.hot, fmt, ucomiss, ucomisd, ra, rb);
        // Equal (zeros of either sign) and unordered alike.
        let odd = [self.hot.jcc(Cc::E), self.hot.jcc(Cc::P)];
        asm!(self.hot, movaps Rx(r), Rx(ra));
        if matches!(which, FloatOp::Min(_)) {
            scalar!(self.hot, fmt, minss, minsd, r, rb);
        } else {
            scalar!(self.hot, fmt, maxss, maxsd, r, rb);
        }
        self.eval_cold(&odd, op, r, setting);
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
        self.alloc.drop_if_unused(v);
    }

    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    fn round_int(&mut self, op: &Op, fmt: Format, rm: Round, exact: bool, a: Val, v: Val, setting: &Setting) {
        let ra = self.alloc.xmm(&mut self.hot, a);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        let direction = match rm {
            Round::NearestEven => 0,
            Round::Down => 1,
            Round::Up => 2,
            _ => 3,
        };
        let how: i8 = direction | if exact { 0 } else { 8 };
        asm!(self.hot, xorps Rx(r), Rx(r));
        if fmt == Format::F32 {
            asm!(self.hot, roundss Rx(r), Rx(ra), how);
        } else {
            asm!(self.hot, roundsd Rx(r), Rx(ra), how);
        }
        self.mend(op, fmt, r, true, setting);
        self.alloc.drop_use(a);
        self.alloc.drop_if_unused(v);
    }

    fn float_cmp(&mut self, cond: FloatCond, fmt: Format, a: Val, b: Val, v: Val) {
        let ra = self.alloc.xmm(&mut self.hot, a);
        let rb = self.alloc.xmm(&mut self.hot, b);
        // `b > a` and `b >= a` are false when unordered, as `a < b` and `a <= b` must be.
        match cond {
            FloatCond::Eq => scalar!(self.hot, fmt, ucomiss, ucomisd, ra, rb),
            FloatCond::Lt | FloatCond::Le => scalar!(self.hot, fmt, comiss, comisd, rb, ra),
            FloatCond::LtQuiet | FloatCond::LeQuiet => scalar!(self.hot, fmt, ucomiss, ucomisd, rb, ra),
        }
        match cond {
            FloatCond::Eq => asm!(self.hot, sete al; setnp cl; and al, cl),
            FloatCond::Lt | FloatCond::LtQuiet => asm!(self.hot, seta al),
            FloatCond::Le | FloatCond::LeQuiet => asm!(self.hot, setae al),
        }
        self.alloc.drop_use(a);
        self.alloc.drop_use(b);
        let r = self.alloc.def_int(&mut self.hot, v);
        asm!(self.hot, movzx Rd(r), al);
        self.alloc.drop_if_unused(v);
    }

    fn convert(&mut self, op: &Op, from: Format, to: Format, a: Val, v: Val, setting: &Setting) {
        let ra = self.alloc.xmm(&mut self.hot, a);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        match (from, to) {
            (Format::F32, Format::F64) => asm!(self.hot, xorps Rx(r), Rx(r); cvtss2sd Rx(r), Rx(ra)),
            (Format::F64, Format::F32) => asm!(self.hot, xorps Rx(r), Rx(r); cvtsd2ss Rx(r), Rx(ra)),
            _ => asm!(self.hot, movaps Rx(r), Rx(ra)),
        }
        self.mend(op, to, r, true, setting);
        self.alloc.drop_use(a);
        self.alloc.drop_if_unused(v);
    }

    /// `2^exp` as a double in `xmm1`; uses `rax`.
    fn power_of_two(&mut self, exp: i32) {
        load_const(&mut self.hot, RAX, ((1023 + exp) as u64) << 52);
        asm!(self.hot, movq xmm1, rax);
    }

    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    fn convert_to_int(
        &mut self,
        op: &Op,
        from: Format,
        to: FloatToInt,
        fraction: u8,
        rm: Round,
        a: Val,
        v: Val,
        setting: &Setting,
    ) {
        let ra = self.alloc.xmm(&mut self.hot, a);
        let r = self.alloc.def_int(&mut self.hot, v);
        let mut odd = vec![];
        let (mut x, mut from) = (ra, from);
        if fraction > 0 {
            // A single as a double has room for the scaled number; a double that has not is too large anyhow.
            if from == Format::F32 {
                asm!(self.hot, xorps xmm0, xmm0; cvtss2sd xmm0, Rx(ra));
            } else {
                asm!(self.hot, movq rax, Rx(ra); shr rax, 52; and eax, 0x7ff; cmp eax, 0x7ff - 64 - 1);
                odd.push(self.hot.jcc(Cc::A));
                asm!(self.hot, movaps xmm0, Rx(ra));
            }
            self.power_of_two(fraction.into());
            asm!(self.hot, mulsd xmm0, xmm1);
            (x, from) = (0, Format::F64);
        }
        let wide = to != FloatToInt::I32;
        let unsigned = match to {
            FloatToInt::U32 => Some(32),
            FloatToInt::U64 => Some(63),
            _ => None,
        };
        if let Some(bits) = unsigned {
            // Numbers from zero on up to a power of two have bits below those of it; it is at most as signed integers go.
            if from == Format::F32 {
                asm!(self.hot, movd eax, Rx(x); cmp eax, (127 + bits) << 23);
            } else {
                load_const(&mut self.hot, RCX, ((1023 + bits) as u64) << 52);
                asm!(self.hot, movq rax, Rx(x); cmp rax, rcx);
            }
            odd.push(self.hot.jcc(Cc::Ae));
        }
        match (rm == Round::TowardZero, from == Format::F32, wide) {
            (true, true, true) => asm!(self.hot, cvttss2si Rq(r), Rx(x)),
            (true, true, false) => asm!(self.hot, cvttss2si Rd(r), Rx(x)),
            (true, false, true) => asm!(self.hot, cvttsd2si Rq(r), Rx(x)),
            (true, false, false) => asm!(self.hot, cvttsd2si Rd(r), Rx(x)),
            (false, true, true) => asm!(self.hot, cvtss2si Rq(r), Rx(x)),
            (false, true, false) => asm!(self.hot, cvtss2si Rd(r), Rx(x)),
            (false, false, true) => asm!(self.hot, cvtsd2si Rq(r), Rx(x)),
            (false, false, false) => asm!(self.hot, cvtsd2si Rd(r), Rx(x)),
        }
        // The smallest integer also says that it does not fit: subtracting one overflows from it alone.
        match to {
            FloatToInt::I64 => asm!(self.hot, cmp Rq(r), 1),
            FloatToInt::I32 => asm!(self.hot, cmp Rd(r), 1),
            _ => {}
        }
        if unsigned.is_none() {
            odd.push(self.hot.jo());
        }
        self.eval_cold(&odd, op, r, setting);
        self.alloc.drop_use(a);
        self.alloc.drop_if_unused(v);
    }

    #[expect(clippy::too_many_arguments, reason = "an op, taken apart")]
    fn convert_int(&mut self, op: &Op, from: IntToFloat, fraction: u8, to: Format, a: Val, v: Val, setting: &Setting) {
        let ra = self.alloc.int(&mut self.hot, a);
        let r = self.alloc.def_xmm(&mut self.hot, v);
        asm!(self.hot, xorps Rx(r), Rx(r));
        let mut large = None;
        let source = match from {
            IntToFloat::U32 => {
                asm!(self.hot, mov eax, Rd(ra));
                RAX
            }
            IntToFloat::U64 => {
                asm!(self.hot, test Rq(ra), Rq(ra));
                large = Some(self.hot.jcc(Cc::S));
                ra
            }
            IntToFloat::I32 | IntToFloat::I64 => ra,
        };
        match (from, to == Format::F32) {
            (IntToFloat::I32, true) => asm!(self.hot, cvtsi2ss Rx(r), Rd(source)),
            (IntToFloat::I32, false) => asm!(self.hot, cvtsi2sd Rx(r), Rd(source)),
            (_, true) => asm!(self.hot, cvtsi2ss Rx(r), Rq(source)),
            (_, false) => asm!(self.hot, cvtsi2sd Rx(r), Rq(source)),
        }
        if fraction > 0 {
            // Exact: no such number is tiny.
            if to == Format::F32 {
                asm!(self.hot, mov eax, (127 - i32::from(fraction)) << 23; movd xmm1, eax; mulss Rx(r), xmm1);
            } else {
                self.power_of_two(-i32::from(fraction));
                asm!(self.hot, mulsd Rx(r), xmm1);
            }
        }
        if let Some(large) = large {
            self.eval_cold(&[large], op, r, setting);
        }
        self.alloc.drop_use(a);
        self.alloc.drop_if_unused(v);
    }

    fn box_single(&mut self, a: Val, v: Val) {
        let r = self.alloc.reuse_xmm(&mut self.hot, a, v);
        asm!(self.hot, orps Rx(r), [rsp + frame::BOX32]);
    }

    fn unbox_single(&mut self, a: Val, v: Val) {
        let nan = default_nan(Format::F32, self.rules);
        let unboxed;
        let r;
        if let Loc::Slot(slot) = self.alloc.loc(a) {
            let at = frame::slot(slot);
            r = self.alloc.def_xmm(&mut self.hot, v);
            asm!(self.hot, cmp DWORD [rbp + at + 4], -1);
            unboxed = self.hot.jcc(Cc::Ne);
            asm!(self.hot, movss Rx(r), [rbp + at]);
        } else {
            self.alloc.copy_to_int(&mut self.hot, a, RAX);
            r = self.alloc.def_xmm(&mut self.hot, v);
            asm!(self.hot, mov rcx, rax; shr rcx, 32; cmp ecx, -1);
            unboxed = self.hot.jcc(Cc::Ne);
            asm!(self.hot, movd Rx(r), eax);
        }
        self.start_cold(&[unboxed]);
        load_const(&mut self.cold, RAX, nan);
        asm!(self.cold, movd Rx(r), eax);
        self.resume_hot();
        self.alloc.drop_use(a);
    }
}
