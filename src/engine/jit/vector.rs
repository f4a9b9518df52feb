//! Templates of vector ops, which work on the memory of slots: operands through `xmm0` and `xmm1`, the result back.
//!
//! Hosts have AVX2 or evaluate every op. The assembler gets three-operand forms with an immediate wrong (it turns their
//! operands around), so the old forms stand here for those.
//!
//! Float results that are NaNs, or of which only the guest may say that they were tiny, are evaluated in cold code, which finds the operands where they were.

use super::alloc::{RAX, load_const};
use super::asm::{Cc, asm};
use super::emit::{Emitter, Setting, anonymous};
use super::frame::{self, Slow};
use crate::float::{Format, Tininess};
use crate::ir::{Lane, Op, Slot, Val, VecFloat, VecInsn, VecOp};

/// Emits the one of four instructions that is for a lane width.
macro_rules! by_lane {
    ($asm:expr, $lane:expr, $b:ident $w:ident $d:ident $q:ident, $($t:tt)*) => {
        match $lane {
            Lane::B8 => asm!($asm, $b $($t)*),
            Lane::B16 => asm!($asm, $w $($t)*),
            Lane::B32 => asm!($asm, $d $($t)*),
            Lane::B64 => asm!($asm, $q $($t)*),
        }
    };
}

/// Likewise of two, for a float format.
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
    /// Any vector op.
    pub(super) fn vector(&mut self, insn: VecInsn, setting: &Setting) {
        for slot in [insn.a, insn.b, insn.c] {
            self.flush_vector(slot);
        }
        // Half of the destination may stay.
        if matches!(insn.op, VecOp::Narrow { part: 1, .. }) {
            self.flush_vector(insn.d);
        }
        self.release_vector(insn.d);
        if !self.host.avx2 || !self.has_template(insn.op, insn.half) {
            self.eval_vector(insn, setting);
            return;
        }
        match insn.op {
            VecOp::Float(op, fmt, _) => self.vector_float(insn, op, fmt, setting),
            VecOp::Narrow { lane, part } => self.narrow(insn, lane, part),
            _ => {
                self.vector_int(insn);
                self.store_vector_result(insn.d, insn.half);
            }
        }
    }

    fn flush_vector(&mut self, slot: Slot) {
        for half in [slot, Slot(slot.0 + 1)] {
            self.alloc.flush_slot(&mut self.hot, half);
        }
    }

    fn release_vector(&mut self, slot: Slot) {
        for half in [slot, Slot(slot.0 + 1)] {
            self.alloc.release_slot(&mut self.hot, half);
        }
    }

    fn store_vector_result(&mut self, d: Slot, half: bool) {
        if half {
            asm!(self.hot, vmovq xmm0, xmm0);
        }
        asm!(self.hot, vmovups[rbp + frame::slot(d)], xmm0);
    }

    /// A value's low bits in every lane.
    pub(super) fn vector_dup(&mut self, lane: Lane, half: bool, d: Slot, value: Val) {
        self.release_vector(d);
        self.alloc.copy_to_int(&mut self.hot, value, RAX);
        self.alloc.drop_use(value);
        if self.host.avx2 {
            asm!(self.hot, vmovq xmm0, rax);
            by_lane!(self.hot, lane, vpbroadcastb vpbroadcastw vpbroadcastd vpbroadcastq, xmm0, xmm0);
            return self.store_vector_result(d, half);
        }
        match lane {
            Lane::B8 => asm!(self.hot, movzx eax, al; mov rcx, QWORD 0x0101_0101_0101_0101; imul rax, rcx),
            Lane::B16 => asm!(self.hot, movzx eax, ax; mov rcx, QWORD 0x0001_0001_0001_0001; imul rax, rcx),
            Lane::B32 => asm!(self.hot, mov ecx, eax; shl rax, 32; or rax, rcx),
            Lane::B64 => {}
        }
        let at = frame::slot(d);
        asm!(self.hot, mov[rbp + at], rax);
        if half {
            asm!(self.hot, mov QWORD [rbp + at + 8], 0);
        } else {
            asm!(self.hot, mov[rbp + at + 8], rax);
        }
    }

    /// Ops that few programs use, and those that the host's instructions do not come near, are evaluated.
    fn has_template(&self, op: VecOp, half: bool) -> bool {
        let plain = !self.rules.flush_inputs && !self.rules.flush_outputs;
        match op {
            VecOp::Mul(lane) => matches!(lane, Lane::B16 | Lane::B32),
            VecOp::MinS(lane) | VecOp::MaxS(lane) | VecOp::MinU(lane) | VecOp::MaxU(lane) | VecOp::Abs(lane) => {
                lane != Lane::B64
            }
            VecOp::ShrS(lane, _) => matches!(lane, Lane::B16 | Lane::B32),
            VecOp::AesEncrypt | VecOp::AesDecrypt | VecOp::AesMix | VecOp::AesMixInverse => self.host.aes,
            VecOp::ClMul(_) => self.host.pclmul,
            VecOp::Float(op, fmt, rm) => {
                let rounds =
                    rm == self.round || matches!(op, VecFloat::Eq | VecFloat::Gt | VecFloat::Ge | VecFloat::ToInt);
                let known = match op {
                    VecFloat::Div => !half,
                    VecFloat::Fma | VecFloat::FmaNeg => self.host.fma,
                    VecFloat::FromInt | VecFloat::ToInt => fmt == Format::F32,
                    _ => true,
                };
                plain && rounds && known && matches!(fmt, Format::F32 | Format::F64)
            }
            _ => true,
        }
    }

    /// Evaluates an op in Rust, in hot code.
    fn eval_vector(&mut self, insn: VecInsn, setting: &Setting) {
        load_const(&mut self.hot, RAX, packed(insn));
        asm!(self.hot, mov[rsp + frame::ARGS], rax);
        load_const(&mut self.hot, RAX, setting.evals.number(anonymous(&Op::Vec(insn))) as u64);
        self.hot_call(Slow::Eval, setting);
    }

    /// A constant in each 32 bits of a register.
    fn splat32(&mut self, x: u8, value: u32) {
        asm!(self.hot, mov eax, value as i32; vmovd Rx(x), eax; vpbroadcastd Rx(x), Rx(x));
    }

    /// A constant of 16 bytes.
    fn constant(&mut self, x: u8, [low, high]: [u64; 2]) {
        load_const(&mut self.hot, RAX, low);
        asm!(self.hot, vmovq Rx(x), rax);
        load_const(&mut self.hot, RAX, high);
        asm!(self.hot, vpinsrq Rx(x), Rx(x), rax, 1);
    }

    /// All ones in `x`.
    fn all_ones(&mut self, x: u8) {
        asm!(self.hot, vpcmpeqd Rx(x), Rx(x), Rx(x));
    }

    /// The result of an integer op, in `xmm0`.
    fn vector_int(&mut self, insn: VecInsn) {
        let [a, b, c] = [insn.a, insn.b, insn.c].map(frame::slot);
        let half = insn.half;
        match insn.op {
            VecOp::And => asm!(self.hot, vmovups xmm0, [rbp + a]; vpand xmm0, xmm0, [rbp + b]),
            VecOp::AndNot => asm!(self.hot, vmovups xmm0, [rbp + b]; vpandn xmm0, xmm0, [rbp + a]),
            VecOp::Or => asm!(self.hot, vmovups xmm0, [rbp + a]; vpor xmm0, xmm0, [rbp + b]),
            VecOp::OrNot => {
                self.all_ones(0);
                asm!(self.hot, vpxor xmm0, xmm0, [rbp + b]; vpor xmm0, xmm0, [rbp + a]);
            }
            VecOp::Xor => asm!(self.hot, vmovups xmm0, [rbp + a]; vpxor xmm0, xmm0, [rbp + b]),
            VecOp::Choose => asm!(self.hot
                ; vmovups xmm1, [rbp + c]
                ; vpand xmm0, xmm1, [rbp + a]
                ; vpandn xmm1, xmm1, [rbp + b]
                ; vpor xmm0, xmm0, xmm1
            ),
            VecOp::Add(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpaddb vpaddw vpaddd vpaddq, xmm0, xmm0, [rbp + b]);
            }
            VecOp::Sub(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpsubb vpsubw vpsubd vpsubq, xmm0, xmm0, [rbp + b]);
            }
            VecOp::Mul(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                if lane == Lane::B16 {
                    asm!(self.hot, vpmullw xmm0, xmm0, [rbp + b]);
                } else {
                    asm!(self.hot, vpmulld xmm0, xmm0, [rbp + b]);
                }
            }
            VecOp::Eq(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpcmpeqb vpcmpeqw vpcmpeqd vpcmpeqq, xmm0, xmm0, [rbp + b]);
            }
            VecOp::GtS(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpcmpgtb vpcmpgtw vpcmpgtd vpcmpgtq, xmm0, xmm0, [rbp + b]);
            }
            VecOp::GeS(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + b]);
                by_lane!(self.hot, lane, vpcmpgtb vpcmpgtw vpcmpgtd vpcmpgtq, xmm0, xmm0, [rbp + a]);
                self.complement();
            }
            VecOp::GtU(lane) => self.above(lane, a, b),
            VecOp::GeU(lane) => {
                self.above(lane, b, a);
                self.complement();
            }
            VecOp::Test(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]; vpand xmm0, xmm0, [rbp + b]; vpxor xmm1, xmm1, xmm1);
                by_lane!(self.hot, lane, vpcmpeqb vpcmpeqw vpcmpeqd vpcmpeqq, xmm0, xmm0, xmm1);
                self.complement();
            }
            VecOp::MinS(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpminsb vpminsw vpminsd vpminsd, xmm0, xmm0, [rbp + b]);
            }
            VecOp::MaxS(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpmaxsb vpmaxsw vpmaxsd vpmaxsd, xmm0, xmm0, [rbp + b]);
            }
            VecOp::MinU(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpminub vpminuw vpminud vpminud, xmm0, xmm0, [rbp + b]);
            }
            VecOp::MaxU(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpmaxub vpmaxuw vpmaxud vpmaxud, xmm0, xmm0, [rbp + b]);
            }
            VecOp::Abs(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpabsb vpabsw vpabsd vpabsd, xmm0, xmm0);
            }
            VecOp::Shl(lane, by) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                let by = by as i8;
                match lane {
                    Lane::B8 => {
                        self.splat32(1, u32::from(0xffu8 << by) * 0x0101_0101);
                        asm!(self.hot, vpsllw xmm0, xmm0, BYTE by; vpand xmm0, xmm0, xmm1);
                    }
                    Lane::B16 => asm!(self.hot, vpsllw xmm0, xmm0, BYTE by),
                    Lane::B32 => asm!(self.hot, vpslld xmm0, xmm0, BYTE by),
                    Lane::B64 => asm!(self.hot, vpsllq xmm0, xmm0, BYTE by),
                }
            }
            VecOp::ShrU(lane, by) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                let kept = 0xffu8.checked_shr(by.into()).unwrap_or(0);
                let by = by as i8;
                match lane {
                    Lane::B8 => {
                        self.splat32(1, u32::from(kept) * 0x0101_0101);
                        asm!(self.hot, vpsrlw xmm0, xmm0, BYTE by; vpand xmm0, xmm0, xmm1);
                    }
                    Lane::B16 => asm!(self.hot, vpsrlw xmm0, xmm0, BYTE by),
                    Lane::B32 => asm!(self.hot, vpsrld xmm0, xmm0, BYTE by),
                    Lane::B64 => asm!(self.hot, vpsrlq xmm0, xmm0, BYTE by),
                }
            }
            VecOp::ShrS(lane, by) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                if lane == Lane::B16 {
                    asm!(self.hot, vpsraw xmm0, xmm0, BYTE by as i8);
                } else {
                    asm!(self.hot, vpsrad xmm0, xmm0, BYTE by as i8);
                }
            }
            VecOp::Dup(lane, index) => {
                let index = u32::from(index) % lane.count();
                let at = a + (index * lane.bits() / 8) as i32;
                match lane {
                    Lane::B8 => asm!(self.hot, vpbroadcastb xmm0, BYTE [rbp + at]),
                    Lane::B16 => asm!(self.hot, vpbroadcastw xmm0, WORD [rbp + at]),
                    Lane::B32 => asm!(self.hot, vpbroadcastd xmm0, DWORD [rbp + at]),
                    Lane::B64 => asm!(self.hot, vpbroadcastq xmm0, QWORD [rbp + at]),
                }
            }
            VecOp::Extract(from) if half => {
                asm!(self.hot, vmovq xmm0, QWORD [rbp + a]; vmovq xmm1, QWORD [rbp + b]);
                asm!(self.hot, vpunpcklqdq xmm0, xmm0, xmm1; vpsrldq xmm0, xmm0, BYTE (from & 7) as i8);
            }
            VecOp::Extract(from) => {
                asm!(self.hot, movups xmm0, [rbp + b]; movups xmm1, [rbp + a]; palignr xmm0, xmm1, BYTE (from & 15) as i8);
            }
            VecOp::ZipLow(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpunpcklbw vpunpcklwd vpunpckldq vpunpcklqdq, xmm0, xmm0, [rbp + b]);
            }
            VecOp::ZipHigh(lane) if half => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpunpcklbw vpunpcklwd vpunpckldq vpunpcklqdq, xmm0, xmm0, [rbp + b]);
                asm!(self.hot, vpsrldq xmm0, xmm0, BYTE 8);
            }
            VecOp::ZipHigh(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                by_lane!(self.hot, lane, vpunpckhbw vpunpckhwd vpunpckhdq vpunpckhqdq, xmm0, xmm0, [rbp + b]);
            }
            VecOp::UnzipEven(lane) => self.unzip(lane, false, a, b, half),
            VecOp::UnzipOdd(lane) => self.unzip(lane, true, a, b, half),
            VecOp::TransposeEven(lane) => self.transpose(lane, false, a, b),
            VecOp::TransposeOdd(lane) => self.transpose(lane, true, a, b),
            VecOp::Reverse(lane, inside) => {
                let bytes = |n: u64| {
                    // Where byte n of the result comes from: the lane with the mirrored number, the same byte in it.
                    let (size, within) = (u64::from(lane.bits() / 8), u64::from(inside.bits() / 8));
                    ((n / size) ^ (within / size - 1)) * size + n % size
                };
                let index = |from: u64| (0..8).fold(0, |all, n| all | bytes(from + n) << (8 * n));
                self.constant(1, [index(0), index(8)]);
                asm!(self.hot, vmovups xmm0, [rbp + a]; vpshufb xmm0, xmm0, xmm1);
            }
            VecOp::Widen { lane, signed, part } => self.widened(0, lane, signed, a + 8 * i32::from(part)),
            VecOp::MulWide { lane, signed, part } => {
                let part = 8 * i32::from(part);
                self.widened(0, lane, signed, a + part);
                self.widened(1, lane, signed, b + part);
                match (lane, signed) {
                    (Lane::B8, _) => asm!(self.hot, vpmullw xmm0, xmm0, xmm1),
                    (Lane::B16, _) => asm!(self.hot, vpmulld xmm0, xmm0, xmm1),
                    (_, true) => asm!(self.hot, vpmuldq xmm0, xmm0, xmm1),
                    (_, false) => asm!(self.hot, vpmuludq xmm0, xmm0, xmm1),
                }
            }
            VecOp::Count => {
                let t = self.alloc.scratch_xmm(&mut self.hot);
                // The ones in each half of a byte, by table.
                self.constant(t, [0x0302_0201_0201_0100, 0x0403_0302_0302_0201]);
                self.splat32(1, 0x0f0f_0f0f);
                asm!(self.hot
                    ; vpand xmm0, xmm1, [rbp + a]
                    ; vpshufb xmm0, Rx(t), xmm0
                    ; vpandn xmm1, xmm1, [rbp + a]
                    ; vpsrlw xmm1, xmm1, BYTE 4
                    ; vpshufb xmm1, Rx(t), xmm1
                    ; vpaddb xmm0, xmm0, xmm1
                );
            }
            VecOp::Table => {
                // Indices above 15 get the bit that makes the host's result zero.
                self.splat32(1, 0x7070_7070);
                asm!(self.hot, vpaddusb xmm1, xmm1, [rbp + b]; vmovups xmm0, [rbp + a]; vpshufb xmm0, xmm0, xmm1);
            }
            VecOp::AesEncrypt => asm!(self.hot
                ; vmovups xmm0, [rbp + a]
                ; vpxor xmm0, xmm0, [rbp + b]
                ; vpxor xmm1, xmm1, xmm1
                ; aesenclast xmm0, xmm1
            ),
            VecOp::AesDecrypt => asm!(self.hot
                ; vmovups xmm0, [rbp + a]
                ; vpxor xmm0, xmm0, [rbp + b]
                ; vpxor xmm1, xmm1, xmm1
                ; aesdeclast xmm0, xmm1
            ),
            // What the first round undoes, the second does again, and mixes.
            VecOp::AesMix => asm!(self.hot
                ; vmovups xmm0, [rbp + a]
                ; vpxor xmm1, xmm1, xmm1
                ; aesdeclast xmm0, xmm1
                ; aesenc xmm0, xmm1
            ),
            VecOp::AesMixInverse => asm!(self.hot, vmovups xmm0, [rbp + a]; aesimc xmm0, xmm0),
            VecOp::ClMul(part) => {
                let which = if part == 0 { 0 } else { 0x11 };
                asm!(self.hot, movups xmm0, [rbp + a]; movups xmm1, [rbp + b]; pclmulqdq xmm0, xmm1, BYTE which);
            }
            VecOp::Narrow { .. } | VecOp::Float(..) => unreachable!("{:?} has a template of its own", insn.op),
        }
    }

    /// Complements `xmm0`.
    fn complement(&mut self) {
        self.all_ones(1);
        asm!(self.hot, vpxor xmm0, xmm0, xmm1);
    }

    /// All ones in `xmm0` where the lane at `a` is above that at `b`.
    fn above(&mut self, lane: Lane, a: i32, b: i32) {
        if lane == Lane::B64 {
            // The signs turned, the comparison is a signed one.
            let t = self.alloc.scratch_xmm(&mut self.hot);
            self.all_ones(1);
            asm!(self.hot
                ; vpsllq xmm1, xmm1, BYTE 63
                ; vpxor xmm0, xmm1, [rbp + a]
                ; vpxor Rx(t), xmm1, [rbp + b]
                ; vpcmpgtq xmm0, xmm0, Rx(t)
            );
            return;
        }
        // Not where the smaller of the two is the first one.
        asm!(self.hot, vmovups xmm1, [rbp + a]);
        by_lane!(self.hot, lane, vpminub vpminuw vpminud vpminud, xmm0, xmm1, [rbp + b]);
        by_lane!(self.hot, lane, vpcmpeqb vpcmpeqw vpcmpeqd vpcmpeqd, xmm0, xmm0, xmm1);
        self.complement();
    }

    fn unzip(&mut self, lane: Lane, odd: bool, a: i32, b: i32, half: bool) {
        if half {
            // Both low halves are one vector; its lanes come first.
            asm!(self.hot, vmovq xmm0, QWORD [rbp + a]; vmovq xmm1, QWORD [rbp + b]; vpunpcklqdq xmm0, xmm0, xmm1);
            asm!(self.hot, vmovaps xmm1, xmm0);
        } else {
            asm!(self.hot, vmovups xmm0, [rbp + a]; vmovups xmm1, [rbp + b]);
        }
        match (lane, odd) {
            (Lane::B8, true) => asm!(self.hot, vpsrlw xmm0, xmm0, BYTE 8; vpsrlw xmm1, xmm1, BYTE 8),
            (Lane::B8, false) => asm!(self.hot
                ; vpsllw xmm0, xmm0, BYTE 8
                ; vpsllw xmm1, xmm1, BYTE 8
                ; vpsrlw xmm0, xmm0, BYTE 8
                ; vpsrlw xmm1, xmm1, BYTE 8
            ),
            (Lane::B16, true) => asm!(self.hot, vpsrld xmm0, xmm0, BYTE 16; vpsrld xmm1, xmm1, BYTE 16),
            (Lane::B16, false) => asm!(self.hot
                ; vpslld xmm0, xmm0, BYTE 16
                ; vpslld xmm1, xmm1, BYTE 16
                ; vpsrld xmm0, xmm0, BYTE 16
                ; vpsrld xmm1, xmm1, BYTE 16
            ),
            _ => {}
        }
        match (lane, odd) {
            (Lane::B8, _) => asm!(self.hot, vpackuswb xmm0, xmm0, xmm1),
            (Lane::B16, _) => asm!(self.hot, vpackusdw xmm0, xmm0, xmm1),
            (Lane::B32, false) => asm!(self.hot, shufps xmm0, xmm1, BYTE 0x88u8 as i8),
            (Lane::B32, true) => asm!(self.hot, shufps xmm0, xmm1, BYTE 0xddu8 as i8),
            (Lane::B64, false) => asm!(self.hot, vpunpcklqdq xmm0, xmm0, xmm1),
            (Lane::B64, true) => asm!(self.hot, vpunpckhqdq xmm0, xmm0, xmm1),
        }
    }

    fn transpose(&mut self, lane: Lane, odd: bool, a: i32, b: i32) {
        asm!(self.hot, vmovups xmm0, [rbp + a]; vmovups xmm1, [rbp + b]);
        match (lane, odd) {
            (Lane::B8, false) => {
                asm!(self.hot, vpsllw xmm0, xmm0, BYTE 8; vpsrlw xmm0, xmm0, BYTE 8; vpsllw xmm1, xmm1, BYTE 8);
            }
            (Lane::B8, true) => {
                asm!(self.hot, vpsrlw xmm0, xmm0, BYTE 8; vpsrlw xmm1, xmm1, BYTE 8; vpsllw xmm1, xmm1, BYTE 8);
            }
            (Lane::B16, false) => {
                asm!(self.hot, vpslld xmm0, xmm0, BYTE 16; vpsrld xmm0, xmm0, BYTE 16; vpslld xmm1, xmm1, BYTE 16);
            }
            (Lane::B16, true) => {
                asm!(self.hot, vpsrld xmm0, xmm0, BYTE 16; vpsrld xmm1, xmm1, BYTE 16; vpslld xmm1, xmm1, BYTE 16);
            }
            (Lane::B32, false) => {
                asm!(self.hot, vpsllq xmm0, xmm0, BYTE 32; vpsrlq xmm0, xmm0, BYTE 32; vpsllq xmm1, xmm1, BYTE 32);
            }
            (Lane::B32, true) => {
                asm!(self.hot, vpsrlq xmm0, xmm0, BYTE 32; vpsrlq xmm1, xmm1, BYTE 32; vpsllq xmm1, xmm1, BYTE 32);
            }
            (Lane::B64, false) => return asm!(self.hot, vpunpcklqdq xmm0, xmm0, xmm1),
            (Lane::B64, true) => return asm!(self.hot, vpunpckhqdq xmm0, xmm0, xmm1),
        }
        asm!(self.hot, vpor xmm0, xmm0, xmm1);
    }

    /// The eight bytes at `at` with their lanes at twice the width.
    fn widened(&mut self, x: u8, lane: Lane, signed: bool, at: i32) {
        match (lane, signed) {
            (Lane::B8, false) => asm!(self.hot, vpmovzxbw Rx(x), QWORD [rbp + at]),
            (Lane::B8, true) => asm!(self.hot, vpmovsxbw Rx(x), QWORD [rbp + at]),
            (Lane::B16, false) => asm!(self.hot, vpmovzxwd Rx(x), QWORD [rbp + at]),
            (Lane::B16, true) => asm!(self.hot, vpmovsxwd Rx(x), QWORD [rbp + at]),
            (_, false) => asm!(self.hot, vpmovzxdq Rx(x), QWORD [rbp + at]),
            (_, true) => asm!(self.hot, vpmovsxdq Rx(x), QWORD [rbp + at]),
        }
    }

    fn narrow(&mut self, insn: VecInsn, lane: Lane, part: u8) {
        self.unzip(lane, false, frame::slot(insn.a), frame::slot(insn.a), false);
        let at = frame::slot(insn.d);
        if part == 0 {
            self.store_vector_result(insn.d, true);
        } else {
            asm!(self.hot, vmovq QWORD [rbp + at + 8], xmm0);
        }
    }

    fn vector_float(&mut self, insn: VecInsn, op: VecFloat, fmt: Format, setting: &Setting) {
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
            VecFloat::FromInt => {
                asm!(self.hot, vcvtdq2ps xmm0, xmm0);
                return self.store_vector_result(insn.d, insn.half);
            }
            VecFloat::ToInt => {
                // The least integer also says that the number does not fit.
                self.splat32(1, 1 << 31);
                asm!(self.hot, vcvttps2dq xmm0, xmm0; vpcmpeqd xmm1, xmm1, xmm0);
            }
        }
        if op != VecFloat::ToInt {
            if fmt == Format::F32 {
                asm!(self.hot, vcmpps xmm1, xmm0, xmm0, BYTE 3);
            } else {
                asm!(self.hot, vcmppd xmm1, xmm0, xmm0, BYTE 3);
            }
            let rounds_small = matches!(op, VecFloat::Mul | VecFloat::Div | VecFloat::Fma | VecFloat::FmaNeg);
            if rounds_small && self.rules.tiny == Tininess::BeforeRounding {
                self.find_smallest(fmt);
            }
        }
        asm!(self.hot, vptest xmm1, xmm1);
        let odd = self.hot.jcc(Cc::Ne);
        self.store_vector_result(insn.d, insn.half);
        self.start_cold(&[odd]);
        load_const(&mut self.cold, RAX, packed(insn));
        asm!(self.cold, mov[rsp + frame::ARGS], rax);
        load_const(&mut self.cold, RAX, setting.evals.number(anonymous(&Op::Vec(insn))) as u64);
        self.cold_call(Slow::Eval, setting);
        self.resume_hot();
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

/// The slots of an op in one word.
fn packed(insn: VecInsn) -> u64 {
    [insn.d, insn.a, insn.b, insn.c].iter().rev().fold(0, |all, slot| all << 16 | u64::from(slot.0))
}
