//! Templates of vector ops, which work on the memory of slots: operands through `xmm0` and `xmm1`, the result back.
//!
//! Hosts have AVX2 or evaluate every op. The assembler gets three-operand forms with an immediate wrong (it turns their
//! operands around), so the old forms stand here for those.

use super::alloc::{RAX, load_const};
use super::asm::asm;
use super::emit::{Emitter, Setting, anonymous};
use super::frame::{self, Slow};
use crate::float::{Format, MinMax, Round};
use crate::ir::{Fixed, Lane, Op, Slot, Val, VecFloat, VecInsn, VecOp};

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

/// Likewise of two, for the lanes that the host saturates.
macro_rules! bytes_or_words {
    ($asm:expr, $lane:expr, $b:ident $w:ident, $($t:tt)*) => {
        if $lane == Lane::B8 { asm!($asm, $b $($t)*) } else { asm!($asm, $w $($t)*) }
    };
}

impl Emitter {
    /// Any vector op.
    pub(super) fn vector(&mut self, insn: VecInsn, setting: &Setting) {
        for slot in [insn.a, insn.b, insn.c] {
            self.flush_vector(slot);
        }
        // Half of the destination may stay.
        if insn.op.keeps_low() {
            self.flush_vector(insn.d);
        }
        self.release_vector(insn.d);
        if !self.host.avx2 || !self.has_template(insn.op, insn.half) {
            self.eval_vector(insn, setting);
            return;
        }
        match insn.op {
            VecOp::Float(op, fmt, rm) => self.vector_float(insn, op, fmt, rm, setting),
            VecOp::Narrow { lane, part } => self.narrow(insn, lane, part),
            VecOp::FloatWiden { .. } | VecOp::FloatNarrow { .. } => self.vector_convert(insn, setting),
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

    pub(super) fn store_vector_result(&mut self, d: Slot, half: bool) {
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
            VecOp::Mul(lane) => lane != Lane::B64,
            VecOp::MinS(lane) | VecOp::MaxS(lane) | VecOp::MinU(lane) | VecOp::MaxU(lane) | VecOp::Abs(lane) => {
                lane != Lane::B64
            }
            VecOp::SatAddS(lane)
            | VecOp::SatAddU(lane)
            | VecOp::SatSubS(lane)
            | VecOp::SatSubU(lane)
            | VecOp::AverageU(lane) => matches!(lane, Lane::B8 | Lane::B16),
            VecOp::MulHighDouble { lane, .. } => matches!(lane, Lane::B16 | Lane::B32),
            VecOp::ShiftBy { lane, .. } => matches!(lane, Lane::B32 | Lane::B64),
            VecOp::FloatWiden { from, .. } => plain && from == Format::F32,
            VecOp::FloatNarrow { to, rm, .. } => plain && to == Format::F32 && rm == self.round,
            VecOp::AesEncrypt | VecOp::AesDecrypt | VecOp::AesMix | VecOp::AesMixInverse => self.host.aes,
            VecOp::ClMul(_) => self.host.pclmul,
            VecOp::Float(op, fmt, rm) => {
                let known = match op {
                    VecFloat::Eq | VecFloat::Gt | VecFloat::Ge => true,
                    VecFloat::Min(kind) | VecFloat::Max(kind) => kind != MinMax::X86,
                    VecFloat::ToInt(_) => rm == Round::TowardZero,
                    VecFloat::RoundInt { .. } => !matches!(rm, Round::NearestAway | Round::ToOdd),
                    _ if rm != self.round => false,
                    VecFloat::Div => !half,
                    VecFloat::Fma | VecFloat::FmaNeg => self.host.fma,
                    VecFloat::FromInt(Fixed { signed, .. }) => signed || fmt == Format::F32,
                    _ => true,
                };
                plain && known && matches!(fmt, Format::F32 | Format::F64)
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
    pub(super) fn splat32(&mut self, x: u8, value: u32) {
        asm!(self.hot, mov eax, value as i32; vmovd Rx(x), eax; vpbroadcastd Rx(x), Rx(x));
    }

    /// A constant in each 64 bits of a register.
    pub(super) fn splat64(&mut self, x: u8, value: u64) {
        load_const(&mut self.hot, RAX, value);
        asm!(self.hot, vmovq Rx(x), rax; vpbroadcastq Rx(x), Rx(x));
    }

    /// A constant of 16 bytes.
    fn constant(&mut self, x: u8, [low, high]: [u64; 2]) {
        load_const(&mut self.hot, RAX, low);
        asm!(self.hot, vmovq Rx(x), rax);
        load_const(&mut self.hot, RAX, high);
        asm!(self.hot, vpinsrq Rx(x), Rx(x), rax, 1);
    }

    /// All ones in `x`.
    pub(super) fn all_ones(&mut self, x: u8) {
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
                match lane {
                    Lane::B8 => self.multiply_bytes(b),
                    Lane::B16 => asm!(self.hot, vpmullw xmm0, xmm0, [rbp + b]),
                    _ => asm!(self.hot, vpmulld xmm0, xmm0, [rbp + b]),
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
                match lane {
                    Lane::B8 => {
                        // As without a sign; then the sign's bit, wherever it is now, is drawn out.
                        let by = by.min(7);
                        self.splat32(1, u32::from(0xffu8 >> by) * 0x0101_0101);
                        asm!(self.hot, vpsrlw xmm0, xmm0, BYTE by as i8; vpand xmm0, xmm0, xmm1);
                        self.splat32(1, u32::from(0x80u8 >> by) * 0x0101_0101);
                        asm!(self.hot, vpxor xmm0, xmm0, xmm1; vpsubb xmm0, xmm0, xmm1);
                    }
                    Lane::B16 => asm!(self.hot, vpsraw xmm0, xmm0, BYTE by as i8),
                    Lane::B32 => asm!(self.hot, vpsrad xmm0, xmm0, BYTE by as i8),
                    Lane::B64 => {
                        let by = by.min(63);
                        self.splat64(1, 1 << (63 - by));
                        asm!(self.hot
                            ; vpsrlq xmm0, xmm0, BYTE by as i8
                            ; vpxor xmm0, xmm0, xmm1
                            ; vpsubq xmm0, xmm0, xmm1
                        );
                    }
                }
            }
            VecOp::SatAddS(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                bytes_or_words!(self.hot, lane, vpaddsb vpaddsw, xmm0, xmm0, [rbp + b]);
            }
            VecOp::SatAddU(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                bytes_or_words!(self.hot, lane, vpaddusb vpaddusw, xmm0, xmm0, [rbp + b]);
            }
            VecOp::SatSubS(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                bytes_or_words!(self.hot, lane, vpsubsb vpsubsw, xmm0, xmm0, [rbp + b]);
            }
            VecOp::SatSubU(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                bytes_or_words!(self.hot, lane, vpsubusb vpsubusw, xmm0, xmm0, [rbp + b]);
            }
            VecOp::AverageU(lane) => {
                asm!(self.hot, vmovups xmm0, [rbp + a]);
                bytes_or_words!(self.hot, lane, vpavgb vpavgw, xmm0, xmm0, [rbp + b]);
            }
            VecOp::MulHighDouble { lane, round } => self.multiply_high_double(lane, round, a, b),
            VecOp::ShiftBy { lane, signed } => self.shift_by(lane, signed, a, b),
            VecOp::Dot { a_signed, b_signed } => {
                self.widened(0, Lane::B8, a_signed, a);
                self.widened(1, Lane::B8, b_signed, b);
                asm!(self.hot, vpmaddwd xmm0, xmm0, xmm1);
                if half {
                    asm!(self.hot, vphaddd xmm0, xmm0, xmm0);
                } else {
                    let t = self.alloc.scratch_xmm(&mut self.hot);
                    self.widened(t, Lane::B8, a_signed, a + 8);
                    self.widened(1, Lane::B8, b_signed, b + 8);
                    asm!(self.hot, vpmaddwd Rx(t), Rx(t), xmm1; vphaddd xmm0, xmm0, Rx(t));
                }
                asm!(self.hot, vpaddd xmm0, xmm0, [rbp + c]);
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
            VecOp::BitRev => {
                let t = self.alloc.scratch_xmm(&mut self.hot);
                // Half a byte turned round, by table.
                self.constant(t, [0x0e06_0a02_0c04_0800, 0x0f07_0b03_0d05_0901]);
                self.splat32(1, 0x0f0f_0f0f);
                asm!(self.hot
                    ; vpand xmm0, xmm1, [rbp + a]
                    ; vpshufb xmm0, Rx(t), xmm0
                    ; vpsllw xmm0, xmm0, BYTE 4
                    ; vpandn xmm1, xmm1, [rbp + a]
                    ; vpsrlw xmm1, xmm1, BYTE 4
                    ; vpshufb xmm1, Rx(t), xmm1
                    ; vpor xmm0, xmm0, xmm1
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
            VecOp::Narrow { .. } | VecOp::FloatWiden { .. } | VecOp::FloatNarrow { .. } | VecOp::Float(..) => {
                unreachable!("{:?} has a template of its own", insn.op)
            }
        }
    }

    /// Low halves of the products of bytes in `xmm0` and at `b`: of the even ones, and of the odd ones moved down.
    fn multiply_bytes(&mut self, b: i32) {
        let t = self.alloc.scratch_xmm(&mut self.hot);
        asm!(self.hot
            ; vmovups xmm1, [rbp + b]
            ; vpmullw Rx(t), xmm0, xmm1
            ; vpsllw Rx(t), Rx(t), BYTE 8
            ; vpsrlw Rx(t), Rx(t), BYTE 8
            ; vpsrlw xmm0, xmm0, BYTE 8
            ; vpsrlw xmm1, xmm1, BYTE 8
            ; vpmullw xmm0, xmm0, xmm1
            ; vpsllw xmm0, xmm0, BYTE 8
            ; vpor xmm0, xmm0, Rx(t)
        );
    }

    /// High halves of doubled products.
    fn multiply_high_double(&mut self, lane: Lane, round: bool, a: i32, b: i32) {
        asm!(self.hot, vmovups xmm0, [rbp + a]);
        match (lane, round) {
            (Lane::B16, true) => return asm!(self.hot, vpmulhrsw xmm0, xmm0, [rbp + b]),
            (Lane::B16, false) => {
                return asm!(self.hot
                    ; vpmullw xmm1, xmm0, [rbp + b]
                    ; vpmulhw xmm0, xmm0, [rbp + b]
                    ; vpsllw xmm0, xmm0, BYTE 1
                    ; vpsrlw xmm1, xmm1, BYTE 15
                    ; vpor xmm0, xmm0, xmm1
                );
            }
            _ => {}
        }
        // The even lanes' in t, the odd ones' in xmm0.
        let t = self.alloc.scratch_xmm(&mut self.hot);
        asm!(self.hot
            ; vmovups xmm1, [rbp + b]
            ; vpmuldq Rx(t), xmm0, xmm1
            ; vpsrlq xmm0, xmm0, BYTE 32
            ; vpsrlq xmm1, xmm1, BYTE 32
            ; vpmuldq xmm0, xmm0, xmm1
            ; vpaddq Rx(t), Rx(t), Rx(t)
            ; vpaddq xmm0, xmm0, xmm0
        );
        if round {
            self.splat64(1, 1 << 31);
            asm!(self.hot, vpaddq Rx(t), Rx(t), xmm1; vpaddq xmm0, xmm0, xmm1);
        }
        asm!(self.hot
            ; vpsrlq Rx(t), Rx(t), BYTE 32
            ; vpsrlq xmm0, xmm0, BYTE 32
            ; vpsllq xmm0, xmm0, BYTE 32
            ; vpor xmm0, xmm0, Rx(t)
        );
    }

    /// Both ways are made, by what the low bytes of `b` say and by its opposite; the host shifts everything out where
    /// that is too far.
    fn shift_by(&mut self, lane: Lane, signed: bool, a: i32, b: i32) {
        let (t, left) = (self.alloc.scratch_xmm(&mut self.hot), self.alloc.scratch_xmm(&mut self.hot));
        if lane == Lane::B32 {
            self.splat32(t, 0xff);
            asm!(self.hot
                ; vmovups xmm0, [rbp + a]
                ; vpand xmm1, Rx(t), [rbp + b]
                ; vpsllvd Rx(left), xmm0, xmm1
                ; vpxor xmm1, xmm1, xmm1
                ; vpsubd xmm1, xmm1, [rbp + b]
                ; vpand xmm1, xmm1, Rx(t)
            );
            if signed {
                asm!(self.hot, vpsravd xmm0, xmm0, xmm1);
            } else {
                asm!(self.hot, vpsrlvd xmm0, xmm0, xmm1);
            }
            asm!(self.hot, vmovups xmm1, [rbp + b]; vpslld xmm1, xmm1, BYTE 24; vpsrad xmm1, xmm1, BYTE 31);
        } else {
            self.splat64(t, 0xff);
            asm!(self.hot
                ; vmovups xmm0, [rbp + a]
                ; vpand xmm1, Rx(t), [rbp + b]
                ; vpsllvq Rx(left), xmm0, xmm1
                ; vpxor xmm1, xmm1, xmm1
                ; vpsubq xmm1, xmm1, [rbp + b]
                ; vpand xmm1, xmm1, Rx(t)
            );
            if signed {
                // What has a sign is complemented before and after.
                asm!(self.hot
                    ; vpxor Rx(t), Rx(t), Rx(t)
                    ; vpcmpgtq Rx(t), Rx(t), xmm0
                    ; vpxor xmm0, xmm0, Rx(t)
                    ; vpsrlvq xmm0, xmm0, xmm1
                    ; vpxor xmm0, xmm0, Rx(t)
                );
            } else {
                asm!(self.hot, vpsrlvq xmm0, xmm0, xmm1);
            }
            asm!(self.hot
                ; vmovups xmm1, [rbp + b]
                ; vpsllq xmm1, xmm1, BYTE 56
                ; vpxor Rx(t), Rx(t), Rx(t)
                ; vpcmpgtq xmm1, Rx(t), xmm1
            );
        }
        asm!(self.hot, vpand xmm0, xmm0, xmm1; vpandn xmm1, xmm1, Rx(left); vpor xmm0, xmm0, xmm1);
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
}

/// The slots of an op in one word.
pub(super) fn packed(insn: VecInsn) -> u64 {
    [insn.d, insn.a, insn.b, insn.c].iter().rev().fold(0, |all, slot| all << 16 | u64::from(slot.0))
}
