//! Templates of vector ops on floats. Results that are NaNs, or of which only the guest may say that they were tiny, are
//! evaluated in cold code, which finds the operands where they were.

use super::alloc::{RAX, load_const};
use super::asm::{Cc, Patch, asm};
use super::emit::{Emitter, Setting, anonymous};
use super::frame::{self, Slow};
use super::vector::packed;
use crate::float::{Format, Round, Tininess};
use crate::ir::{Fixed, Op, VecFloat, VecInsn, VecOp};

/// Emits the one of two instructions that is for a float format.
macro_rules! by_format {
    ($asm:expr, $fmt:expr, $ps:ident $pd:ident, $($t:tt)*) => {
        if $fmt == Format::F32 {
            asm!($asm, $ps $($t)*)
        } else {
            asm!($asm, $pd $($t)*)
        }
    };
}

impl Emitter {
    pub(super) fn vector_float(&mut self, insn: VecInsn, op: VecFloat, fmt: Format, rm: Round, setting: &Setting) {
        let [a, b, c] = [insn.a, insn.b, insn.c].map(frame::slot);
        if insn.half {
            // What stands above must not raise flags.
            asm!(self.hot, vmovq xmm0, QWORD [rbp + a]; vmovq xmm1, QWORD [rbp + b]);
        } else {
            asm!(self.hot, vmovups xmm0, [rbp + a]; vmovups xmm1, [rbp + b]);
        }
        // In xmm1, afterwards: the lanes that need the exact evaluation.
        match op {
            VecFloat::Add => by_format!(self.hot, fmt, vaddps vaddpd, xmm0, xmm0, xmm1),
            VecFloat::Sub => by_format!(self.hot, fmt, vsubps vsubpd, xmm0, xmm0, xmm1),
            VecFloat::Mul => by_format!(self.hot, fmt, vmulps vmulpd, xmm0, xmm0, xmm1),
            VecFloat::Div => by_format!(self.hot, fmt, vdivps vdivpd, xmm0, xmm0, xmm1),
            VecFloat::Sqrt => by_format!(self.hot, fmt, vsqrtps vsqrtpd, xmm0, xmm0),
            VecFloat::Fma | VecFloat::FmaNeg => {
                let t = self.alloc.scratch_xmm(&mut self.hot);
                if insn.half {
                    asm!(self.hot, vmovq Rx(t), QWORD [rbp + c]);
                } else {
                    asm!(self.hot, vmovups Rx(t), [rbp + c]);
                }
                match (op, fmt) {
                    (VecFloat::Fma, Format::F32) => asm!(self.hot, vfmadd213ps xmm0, xmm1, Rx(t)),
                    (_, Format::F32) => asm!(self.hot, vfnmadd213ps xmm0, xmm1, Rx(t)),
                    _ => self.hot.fma_doubles(op == VecFloat::FmaNeg, t),
                }
            }
            VecFloat::Eq | VecFloat::Gt | VecFloat::Ge => {
                // Equal, quiet; less and less or equal, signaling, of the operands in the other order.
                match (op, fmt) {
                    (VecFloat::Eq, Format::F32) => asm!(self.hot, cmpps xmm1, xmm0, BYTE 0),
                    (VecFloat::Eq, _) => asm!(self.hot, cmppd xmm1, xmm0, BYTE 0),
                    (VecFloat::Gt, Format::F32) => asm!(self.hot, cmpps xmm1, xmm0, BYTE 1),
                    (VecFloat::Gt, _) => asm!(self.hot, cmppd xmm1, xmm0, BYTE 1),
                    (_, Format::F32) => asm!(self.hot, cmpps xmm1, xmm0, BYTE 2),
                    (_, _) => asm!(self.hot, cmppd xmm1, xmm0, BYTE 2),
                }
                asm!(self.hot, movaps xmm0, xmm1);
                return self.store_vector_result(insn.d, insn.half);
            }
            VecFloat::Min(_) | VecFloat::Max(_) => {
                return self.extreme(insn, matches!(op, VecFloat::Max(_)), fmt, setting);
            }
            VecFloat::RoundInt { exact } => {
                let direction = match rm {
                    Round::NearestEven => 0,
                    Round::Down => 1,
                    Round::Up => 2,
                    _ => 3,
                };
                let how: i8 = direction | if exact { 0 } else { 8 };
                if fmt == Format::F32 {
                    asm!(self.hot, roundps xmm0, xmm0, how);
                } else {
                    asm!(self.hot, roundpd xmm0, xmm0, how);
                }
            }
            VecFloat::FromInt(fixed) => {
                self.vector_from_ints(fixed, fmt);
                return self.store_vector_result(insn.d, insn.half);
            }
            VecFloat::ToInt(fixed) => return self.vector_to_ints(insn, fixed, fmt, setting),
        }
        self.find_nans(fmt);
        let rounds_small = matches!(op, VecFloat::Mul | VecFloat::Div | VecFloat::Fma | VecFloat::FmaNeg);
        if rounds_small && self.rules.tiny == Tininess::BeforeRounding {
            self.find_smallest(fmt);
        }
        asm!(self.hot, vptest xmm1, xmm1);
        let odd = self.hot.jcc(Cc::Ne);
        self.store_vector_result(insn.d, insn.half);
        self.evaluate_cold(&[odd], insn, setting);
    }

    /// A conversion between singles and doubles.
    pub(super) fn vector_convert(&mut self, insn: VecInsn, setting: &Setting) {
        let a = frame::slot(insn.a);
        match insn.op {
            VecOp::FloatWiden { part, .. } => {
                asm!(self.hot, vcvtps2pd xmm0, QWORD [rbp + a + 8 * i32::from(part)]);
                self.find_nans(Format::F64);
            }
            _ => {
                asm!(self.hot, vmovups xmm0, [rbp + a]; vcvtpd2ps xmm0, xmm0);
                self.find_nans(Format::F32);
                if self.rules.tiny == Tininess::BeforeRounding {
                    self.find_smallest(Format::F32);
                }
            }
        }
        asm!(self.hot, vptest xmm1, xmm1);
        let odd = self.hot.jcc(Cc::Ne);
        if insn.op.keeps_low() {
            asm!(self.hot, vmovq QWORD [rbp + frame::slot(insn.d) + 8], xmm0);
        } else {
            let whole = matches!(insn.op, VecOp::FloatWiden { .. }) && !insn.half;
            self.store_vector_result(insn.d, !whole);
        }
        self.evaluate_cold(&[odd], insn, setting);
    }

    /// Evaluates an op in cold code, where its operands stand as they were, and goes on behind it.
    fn evaluate_cold(&mut self, odd: &[Patch], insn: VecInsn, setting: &Setting) {
        self.start_cold(odd);
        load_const(&mut self.cold, RAX, packed(insn));
        asm!(self.cold, mov[rsp + frame::ARGS], rax);
        load_const(&mut self.cold, RAX, setting.evals.number(anonymous(&Op::Vec(insn))) as u64);
        self.cold_call(Slow::Eval, setting);
        self.resume_hot();
    }

    /// Minima or maxima of `xmm0` and `xmm1`. NaNs are evaluated. What is equal differs at most in the sign of zeros, of
    /// which a minimum has either, and a maximum only one that both have.
    fn extreme(&mut self, insn: VecInsn, max: bool, fmt: Format, setting: &Setting) {
        let (t, u) = (self.alloc.scratch_xmm(&mut self.hot), self.alloc.scratch_xmm(&mut self.hot));
        by_format!(self.hot, fmt, vcmpps vcmppd, Rx(t), xmm0, xmm1, BYTE 3);
        asm!(self.hot, vptest Rx(t), Rx(t));
        let nan = self.hot.jcc(Cc::Ne);
        by_format!(self.hot, fmt, vcmpps vcmppd, Rx(t), xmm0, xmm1, BYTE 0);
        if max {
            by_format!(self.hot, fmt, vmaxps vmaxpd, Rx(u), xmm0, xmm1);
            asm!(self.hot, vpand xmm0, xmm0, xmm1);
        } else {
            by_format!(self.hot, fmt, vminps vminpd, Rx(u), xmm0, xmm1);
            asm!(self.hot, vpor xmm0, xmm0, xmm1);
        }
        asm!(self.hot, vpand xmm0, xmm0, Rx(t); vpandn Rx(t), Rx(t), Rx(u); vpor xmm0, xmm0, Rx(t));
        self.store_vector_result(insn.d, insn.half);
        self.evaluate_cold(&[nan], insn, setting);
    }

    /// `2^exp` in every lane of `xmm1`.
    fn splat_power(&mut self, fmt: Format, exp: i32) {
        if fmt == Format::F32 {
            self.splat32(1, ((127 + exp) as u32) << 23);
        } else {
            self.splat64(1, ((1023 + exp) as u64) << 52);
        }
    }

    /// The integers in `xmm0` as floats.
    fn vector_from_ints(&mut self, Fixed { signed, fraction }: Fixed, fmt: Format) {
        match (fmt, signed) {
            (Format::F32, true) => asm!(self.hot, vcvtdq2ps xmm0, xmm0),
            (Format::F32, false) => {
                // Lane by lane from the last one on, each as one of 64 bits.
                let (t, u) = (self.alloc.scratch_xmm(&mut self.hot), self.alloc.scratch_xmm(&mut self.hot));
                asm!(self.hot, vmovups Rx(t), xmm0; vpxor xmm0, xmm0, xmm0; vpxor Rx(u), Rx(u), Rx(u));
                for n in (0..4).rev() {
                    asm!(self.hot
                        ; pshufd xmm1, Rx(t), BYTE n
                        ; vmovd eax, xmm1
                        ; vcvtsi2ss xmm1, Rx(u), rax
                        ; vpslldq xmm0, xmm0, BYTE 4
                        ; vmovss xmm0, xmm0, xmm1
                    );
                }
            }
            _ => {
                asm!(self.hot
                    ; vmovq rax, xmm0
                    ; vpunpckhqdq xmm0, xmm0, xmm0
                    ; vmovq rcx, xmm0
                    ; vpxor xmm1, xmm1, xmm1
                    ; vcvtsi2sd xmm0, xmm1, rax
                    ; vcvtsi2sd xmm1, xmm1, rcx
                    ; vunpcklpd xmm0, xmm0, xmm1
                );
            }
        }
        if fraction > 0 {
            self.splat_power(fmt, -i32::from(fraction));
            by_format!(self.hot, fmt, vmulps vmulpd, xmm0, xmm0, xmm1);
        }
    }

    /// The floats in `xmm0` as integers, toward zero. What does not fit, and some of what does, is evaluated, before
    /// it raises anything.
    fn vector_to_ints(&mut self, insn: VecInsn, Fixed { signed, fraction }: Fixed, fmt: Format, setting: &Setting) {
        let single = fmt == Format::F32;
        let t = self.alloc.scratch_xmm(&mut self.hot);
        // How large a magnitude the conversion takes.
        let bits = if single { 32 - i32::from(signed) } else { 63 } - i32::from(fraction);
        if signed {
            self.all_ones(1);
            if single {
                asm!(self.hot, vpsrld xmm1, xmm1, BYTE 1);
            } else {
                asm!(self.hot, vpsrlq xmm1, xmm1, BYTE 1);
            }
            asm!(self.hot, vpand Rx(t), xmm0, xmm1);
        } else {
            asm!(self.hot, vmovaps Rx(t), xmm0);
        }
        // As integers floats are in the order of their magnitudes; where there is no sign, numbers that have one do not
        // fit either.
        if single {
            self.splat32(1, (((127 + bits) as u32) << 23) - 1);
            asm!(self.hot, vpcmpgtd xmm1, Rx(t), xmm1; vpor xmm1, xmm1, Rx(t); vtestps xmm1, xmm1);
        } else {
            self.splat64(1, (((1023 + bits) as u64) << 52) - 1);
            asm!(self.hot, vpcmpgtq xmm1, Rx(t), xmm1; vpor xmm1, xmm1, Rx(t); vtestpd xmm1, xmm1);
        }
        let odd = self.hot.jcc(Cc::Ne);
        if fraction > 0 {
            self.splat_power(fmt, fraction.into());
            by_format!(self.hot, fmt, vmulps vmulpd, xmm0, xmm0, xmm1);
        }
        match (single, signed) {
            (true, true) => asm!(self.hot, vcvttps2dq xmm0, xmm0),
            (true, false) => {
                // From 2^31 on that much less, and the highest bit after.
                self.splat32(1, (127 + 31) << 23);
                asm!(self.hot
                    ; vpcmpgtd Rx(t), xmm1, xmm0
                    ; vpandn xmm1, Rx(t), xmm1
                    ; vsubps xmm0, xmm0, xmm1
                    ; vcvttps2dq xmm0, xmm0
                    ; vpslld xmm1, xmm1, BYTE 1
                    ; vpsrld xmm1, xmm1, BYTE 31
                    ; vpslld xmm1, xmm1, BYTE 31
                    ; vpxor xmm0, xmm0, xmm1
                );
            }
            _ => asm!(self.hot
                ; vcvttsd2si rax, xmm0
                ; vunpckhpd xmm0, xmm0, xmm0
                ; vcvttsd2si rcx, xmm0
                ; vmovq xmm0, rax
                ; vmovq xmm1, rcx
                ; vpunpcklqdq xmm0, xmm0, xmm1
            ),
        }
        self.store_vector_result(insn.d, insn.half);
        self.evaluate_cold(&[odd], insn, setting);
    }

    /// The lanes of `xmm0` that are NaNs, in `xmm1`.
    fn find_nans(&mut self, fmt: Format) {
        by_format!(self.hot, fmt, vcmpps vcmppd, xmm1, xmm0, xmm0, BYTE 3);
    }

    /// Adds to `xmm1` the lanes of `xmm0` that are the smallest normal number, of either sign.
    fn find_smallest(&mut self, fmt: Format) {
        let (t, u) = (self.alloc.scratch_xmm(&mut self.hot), self.alloc.scratch_xmm(&mut self.hot));
        if fmt == Format::F32 {
            self.splat32(u, 1 << 24);
            asm!(self.hot, vpaddd Rx(t), xmm0, xmm0; vpcmpeqd Rx(t), Rx(t), Rx(u));
        } else {
            asm!(self.hot, vpbroadcastq Rx(u), QWORD [rsp + frame::TWICE_MIN64]);
            asm!(self.hot, vpaddq Rx(t), xmm0, xmm0; vpcmpeqq Rx(t), Rx(t), Rx(u));
        }
        asm!(self.hot, vpor xmm1, xmm1, Rx(t));
    }
}
