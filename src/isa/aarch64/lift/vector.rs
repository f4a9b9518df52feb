//! Advanced SIMD as vector IR, for what programs use most; [`lift`] says no to the rest, which a helper executes
//! (`isa/aarch64/simd`). Rows are told apart by their names and the classes that their bits say.

use super::vector_arith as arith;
use super::{Insn, Lift};
use crate::float::{Format, MinMax, Round};
use crate::ir::{BinOp, Fixed, Lane, MemSize, Slot, Type, UnOp, VecFloat, VecInsn, VecOp, Width};
use crate::isa::aarch64::features::Features;
use crate::isa::aarch64::regs;
use crate::isa::aarch64::simd::insn::Insn as Fields;
use crate::isa::aarch64::simd::moves::expand_immediate;
use crate::isa::aarch64::simd::table::Row;

const TEMP: Slot = regs::TEMPS[0];
const TEMP2: Slot = regs::TEMPS[1];
const ZERO: Slot = regs::ZERO_VECTOR;

const fn v(n: u32) -> Slot {
    regs::v_low(n % 32)
}

/// Lifts an instruction of `row`; false when a helper is to execute it, and nothing was lifted.
pub fn lift(l: &mut Lift, row: &Row, i: Insn) -> bool {
    let f = Fields(i.0);
    let float = row.name.starts_with('f') || row.name.ends_with("cvtf");
    if row.needs.has(Features::FP16) || float && l.mode.alternate() {
        return false;
    }
    if i.bits(31, 24) & 0xbe == 0x0c {
        return memory(l, row.name, f);
    }
    if i.bits(31, 24) == 0x4e && i.bits(23, 17) == 0b0010100 {
        return aes(l, row.name, f);
    }
    if i.bits(31, 21) == 0b01011110000 && row.name == "dup" {
        return scalar_dup(l, f);
    }
    if i.bit(31) || i.bit(28) {
        return false;
    }
    if i.bits(28, 24) == 0b01111 {
        return match (i.bit(10), i.bits(23, 19)) {
            (false, _) => by_element(l, row.name, f),
            (true, 0) => modified_immediate(l, row.name, f),
            (true, 0..16) => shift(l, row.name, f),
            _ => false,
        };
    }
    match (i.bit(21), i.bits(11, 10)) {
        (true, 1 | 3) => three_same(l, row.name, f),
        (true, 0) => long(l, row.name, f, v(f.rm())),
        (true, 2) if i.bits(20, 17) == 0 => two(l, row.name, f),
        (true, 2) if i.bits(20, 17) == 8 => across(l, row.name, f),
        (false, 1 | 3) if i.bit(15) => dot(l, row.name, f, v(f.rm())),
        (false, 1) if i.bits(23, 22) == 0 => copy(l, row.name, f),
        (false, _) if !i.bit(10) && !i.bit(15) => permute(l, row.name, f),
        _ => false,
    }
}

fn lane_of(size: u32) -> Lane {
    Lane::ALL[(size & 3) as usize]
}

fn float_of(f: Fields) -> (Format, Lane) {
    if f.bit(22) { (Format::F64, Lane::B64) } else { (Format::F32, Lane::B32) }
}

impl Lift<'_> {
    pub(super) fn vec(&mut self, op: VecOp, half: bool, d: Slot, a: Slot, b: Slot) {
        self.b.vec(VecInsn { op, half, d, a, b, c: a });
    }

    fn vec_float(&mut self, op: VecFloat, fmt: Format, half: bool, d: Slot, [a, b, c]: [Slot; 3]) {
        let op = VecOp::Float(op, fmt, self.mode.rounding());
        self.b.vec(VecInsn { op, half, d, a, b, c });
    }

    /// A constant in every doubleword.
    pub(super) fn vec_const(&mut self, d: Slot, half: bool, value: u64) {
        let value = self.b.const_(value);
        self.b.vec_dup(Lane::B64, half, d, value);
    }
}

/// `value` in each lane of a doubleword.
pub(super) fn every(lane: Lane, value: u64) -> u64 {
    crate::ir::vector::duplicate(lane, true, value)[0]
}

fn three_same(l: &mut Lift, name: &str, f: Fields) -> bool {
    let lane = lane_of(f.size());
    let (half, d, n, m) = (!f.q(), v(f.rd()), v(f.rn()), v(f.rm()));
    let op = match name {
        "and" => VecOp::And,
        "bic" => VecOp::AndNot,
        "orr" => VecOp::Or,
        "orn" => VecOp::OrNot,
        "eor" => VecOp::Xor,
        "bsl" | "bit" | "bif" => {
            let (a, b, c) = match name {
                "bsl" => (n, m, d),
                "bit" => (n, d, m),
                _ => (d, n, m),
            };
            l.b.vec(VecInsn { op: VecOp::Choose, half, d, a, b, c });
            return true;
        }
        "add" => VecOp::Add(lane),
        "sub" => VecOp::Sub(lane),
        "mul" => VecOp::Mul(lane),
        "mla" | "mls" => {
            l.vec(VecOp::Mul(lane), half, TEMP, n, m);
            let op = if name == "mla" { VecOp::Add(lane) } else { VecOp::Sub(lane) };
            l.vec(op, half, d, d, TEMP);
            return true;
        }
        "cmeq" => VecOp::Eq(lane),
        "cmgt" => VecOp::GtS(lane),
        "cmhi" => VecOp::GtU(lane),
        "cmge" => VecOp::GeS(lane),
        "cmhs" => VecOp::GeU(lane),
        "cmtst" => VecOp::Test(lane),
        "smin" => VecOp::MinS(lane),
        "smax" => VecOp::MaxS(lane),
        "umin" => VecOp::MinU(lane),
        "umax" => VecOp::MaxU(lane),
        "addp" | "sminp" | "smaxp" | "uminp" | "umaxp" => {
            l.vec(VecOp::UnzipEven(lane), half, TEMP, n, m);
            l.vec(VecOp::UnzipOdd(lane), half, TEMP2, n, m);
            let op = match name {
                "addp" => VecOp::Add(lane),
                "sminp" => VecOp::MinS(lane),
                "smaxp" => VecOp::MaxS(lane),
                "uminp" => VecOp::MinU(lane),
                _ => VecOp::MaxU(lane),
            };
            l.vec(op, half, d, TEMP, TEMP2);
            return true;
        }
        "sshl" => VecOp::ShiftBy { lane, signed: true },
        "ushl" => VecOp::ShiftBy { lane, signed: false },
        _ => return arith::three(l, name, lane, half, [d, n, m]) || three_floats(l, name, f, m),
    };
    l.vec(op, half, d, n, m);
    true
}

/// SDOT, UDOT and kin.
fn dot(l: &mut Lift, name: &str, f: Fields, m: Slot) -> bool {
    let (a_signed, b_signed) = match name {
        "sdot" => (true, true),
        "udot" => (false, false),
        "usdot" => (false, true),
        "sudot" => (true, false),
        _ => return false,
    };
    let d = v(f.rd());
    l.b.vec(VecInsn { op: VecOp::Dot { a_signed, b_signed }, half: !f.q(), d, a: v(f.rn()), b: m, c: d });
    true
}

fn three_floats(l: &mut Lift, name: &str, f: Fields, m: Slot) -> bool {
    let (fmt, lane) = float_of(f);
    let (half, d, n) = (!f.q(), v(f.rd()), v(f.rn()));
    let op = match name {
        "fadd" => VecFloat::Add,
        "fsub" => VecFloat::Sub,
        "fmul" => VecFloat::Mul,
        "fdiv" => VecFloat::Div,
        "fmla" => VecFloat::Fma,
        "fmls" => VecFloat::FmaNeg,
        "fcmeq" => VecFloat::Eq,
        "fcmgt" => VecFloat::Gt,
        "fcmge" => VecFloat::Ge,
        "faddp" => return paired(l, VecFloat::Add, f, n, m),
        "facge" | "facgt" => {
            l.vec_const(TEMP2, half, every(lane, 1 << (lane.bits() - 1)));
            l.vec(VecOp::AndNot, half, TEMP, n, TEMP2);
            l.vec(VecOp::AndNot, half, TEMP2, m, TEMP2);
            let op = if name == "facge" { VecFloat::Ge } else { VecFloat::Gt };
            l.vec_float(op, fmt, half, d, [TEMP, TEMP2, TEMP]);
            return true;
        }
        "fabd" => {
            l.vec_float(VecFloat::Sub, fmt, half, TEMP, [n, m, n]);
            l.vec_const(TEMP2, half, every(lane, 1 << (lane.bits() - 1)));
            l.vec(VecOp::AndNot, half, d, TEMP, TEMP2);
            return true;
        }
        _ => match extreme(name.trim_end_matches('p')) {
            Some(op) if name.ends_with('p') => return paired(l, op, f, n, m),
            Some(op) => op,
            None => return false,
        },
    };
    l.vec_float(op, fmt, half, d, [n, m, d]);
    true
}

/// The minimum or maximum that a name says.
fn extreme(name: &str) -> Option<VecFloat> {
    Some(match name {
        "fmax" => VecFloat::Max(MinMax::Propagate),
        "fmin" => VecFloat::Min(MinMax::Propagate),
        "fmaxnm" => VecFloat::Max(MinMax::Number2008),
        "fminnm" => VecFloat::Min(MinMax::Number2008),
        _ => return None,
    })
}

/// A float op on neighbours.
fn paired(l: &mut Lift, op: VecFloat, f: Fields, n: Slot, m: Slot) -> bool {
    let (fmt, lane) = float_of(f);
    l.vec(VecOp::UnzipEven(lane), !f.q(), TEMP, n, m);
    l.vec(VecOp::UnzipOdd(lane), !f.q(), TEMP2, n, m);
    l.vec_float(op, fmt, !f.q(), v(f.rd()), [TEMP, TEMP2, TEMP]);
    true
}

/// The rounding that the letter in FRINTN, FCVTNS and their kin says.
fn direction(l: &Lift, letter: u8) -> Option<Round> {
    Some(match letter {
        b'n' => Round::NearestEven,
        b'm' => Round::Down,
        b'p' => Round::Up,
        b'z' => Round::TowardZero,
        b'a' => Round::NearestAway,
        b'x' | b'i' => l.mode.rounding(),
        _ => return None,
    })
}

/// Conversions of floats, to integral values, integers, and other formats.
fn convert(l: &mut Lift, name: &str, f: Fields) -> bool {
    let (fmt, _) = float_of(f);
    let (half, d, n, part) = (!f.q(), v(f.rd()), v(f.rn()), f.part() as u8);
    let short = if f.bit(22) { Format::F32 } else { l.mode.converted(Format::F16) };
    let (op, rm) = match name.as_bytes() {
        b"fcvtl" => {
            l.vec(VecOp::FloatWiden { from: short, part }, false, d, n, n);
            return true;
        }
        b"fcvtn" => {
            l.vec(VecOp::FloatNarrow { to: short, rm: l.mode.rounding(), part }, false, d, n, n);
            return true;
        }
        b"scvtf" | b"ucvtf" => (from_int(name, 0), l.mode.rounding()),
        [b'f', b'r', b'i', b'n', b't', letter] => match direction(l, *letter) {
            Some(rm) => (VecFloat::RoundInt { exact: *letter == b'x' }, rm),
            None => return false,
        },
        [b'f', b'c', b'v', b't', letter, sign @ (b's' | b'u')] => match direction(l, *letter) {
            Some(rm) => (VecFloat::ToInt(Fixed { signed: *sign == b's', fraction: 0 }), rm),
            None => return false,
        },
        _ => return false,
    };
    l.b.vec(VecInsn { op: VecOp::Float(op, fmt, rm), half, d, a: n, b: n, c: n });
    true
}

fn from_int(name: &str, fraction: u8) -> VecFloat {
    VecFloat::FromInt(Fixed { signed: name == "scvtf", fraction })
}

fn two(l: &mut Lift, name: &str, f: Fields) -> bool {
    let lane = lane_of(f.size());
    let (half, d, n) = (!f.q(), v(f.rd()), v(f.rn()));
    let (fmt, wide) = float_of(f);
    match name {
        "rev64" => l.vec(VecOp::Reverse(lane, Lane::B64), half, d, n, n),
        "rev32" => l.vec(VecOp::Reverse(lane, Lane::B32), half, d, n, n),
        "rev16" => l.vec(VecOp::Reverse(lane, Lane::B16), half, d, n, n),
        "cnt" => l.vec(VecOp::Count, half, d, n, n),
        "not" => l.vec(VecOp::OrNot, half, d, ZERO, n),
        "cmgt" => l.vec(VecOp::GtS(lane), half, d, n, ZERO),
        "cmge" => l.vec(VecOp::GeS(lane), half, d, n, ZERO),
        "cmeq" => l.vec(VecOp::Eq(lane), half, d, n, ZERO),
        "cmle" => l.vec(VecOp::GeS(lane), half, d, ZERO, n),
        "cmlt" => l.vec(VecOp::GtS(lane), half, d, ZERO, n),
        "abs" => l.vec(VecOp::Abs(lane), half, d, n, n),
        "neg" => l.vec(VecOp::Sub(lane), half, d, ZERO, n),
        "xtn" => l.vec(VecOp::Narrow { lane, part: f.part() as u8 }, false, d, n, n),
        "shll" => {
            let Some(wider) = lane.wider() else { return false };
            l.vec(VecOp::Widen { lane, signed: false, part: f.part() as u8 }, false, TEMP, n, n);
            l.vec(VecOp::Shl(wider, lane.bits() as u8), false, d, TEMP, TEMP);
        }
        "uaddlp" | "saddlp" => {
            let Some(wider) = lane.wider() else { return false };
            pair_sums(l, lane, wider, name == "saddlp", half, n);
            l.vec(VecOp::Add(wider), half, d, TEMP, TEMP2);
        }
        "fcmeq" => l.vec_float(VecFloat::Eq, fmt, half, d, [n, ZERO, n]),
        "fcmgt" => l.vec_float(VecFloat::Gt, fmt, half, d, [n, ZERO, n]),
        "fcmge" => l.vec_float(VecFloat::Ge, fmt, half, d, [n, ZERO, n]),
        "fcmle" => l.vec_float(VecFloat::Ge, fmt, half, d, [ZERO, n, n]),
        "fcmlt" => l.vec_float(VecFloat::Gt, fmt, half, d, [ZERO, n, n]),
        "fabs" | "fneg" => {
            l.vec_const(TEMP, half, every(wide, 1 << (wide.bits() - 1)));
            l.vec(if name == "fabs" { VecOp::AndNot } else { VecOp::Xor }, half, d, n, TEMP);
        }
        "fsqrt" => l.vec_float(VecFloat::Sqrt, fmt, half, d, [n, n, n]),
        "rbit" => l.vec(VecOp::BitRev, half, d, n, n),
        "uadalp" | "sadalp" => {
            let Some(wider) = lane.wider() else { return false };
            pair_sums(l, lane, wider, name == "sadalp", half, n);
            l.vec(VecOp::Add(wider), half, TEMP, TEMP, TEMP2);
            l.vec(VecOp::Add(wider), half, d, d, TEMP);
        }
        "sqxtn" | "uqxtn" | "sqxtun" => arith::narrow(l, f, lane, name != "uqxtn", name == "sqxtn", n),
        _ => return convert(l, name, f),
    }
    true
}

/// The even lanes of `n` at twice the width into one temporary, the odd ones into the other.
fn pair_sums(l: &mut Lift, lane: Lane, wider: Lane, signed: bool, half: bool, n: Slot) {
    let by = lane.bits() as u8;
    let down = |wider| if signed { VecOp::ShrS(wider, by) } else { VecOp::ShrU(wider, by) };
    l.vec(VecOp::Shl(wider, by), half, TEMP, n, n);
    l.vec(down(wider), half, TEMP, TEMP, TEMP);
    l.vec(down(wider), half, TEMP2, n, n);
}

fn across(l: &mut Lift, name: &str, f: Fields) -> bool {
    let mut lane = lane_of(f.size());
    let (half, n) = (!f.q(), v(f.rn()));
    if let Some(op) = name.strip_suffix('v').and_then(extreme) {
        // Neighbours first: which of several NaNs comes out is a matter of the order.
        let mut from = n;
        for half in [false, true] {
            l.vec(VecOp::UnzipOdd(Lane::B32), half, TEMP2, from, from);
            l.vec(VecOp::UnzipEven(Lane::B32), half, TEMP, from, from);
            l.vec_float(op, Format::F32, true, TEMP, [TEMP, TEMP2, TEMP]);
            from = TEMP;
        }
        let value = l.b.get(TEMP, Type::Int);
        let value = l.b.un64(UnOp::Zext32, value);
        l.set_f(f.rd(), value);
        return true;
    }
    let op: fn(Lane) -> VecOp = match name {
        "addv" | "uaddlv" | "saddlv" => VecOp::Add,
        "sminv" => VecOp::MinS,
        "smaxv" => VecOp::MaxS,
        "uminv" => VecOp::MinU,
        "umaxv" => VecOp::MaxU,
        _ => return false,
    };
    let mut from = n;
    if matches!(name, "uaddlv" | "saddlv") {
        let Some(wider) = lane.wider() else { return false };
        pair_sums(l, lane, wider, name == "saddlv", half, n);
        l.vec(VecOp::Add(wider), half, TEMP, TEMP, TEMP2);
        (lane, from) = (wider, TEMP);
    }
    let mut bytes = if half { 4 } else { 8 };
    while bytes * 8 >= lane.bits() {
        l.vec(VecOp::Extract(bytes as u8), half, TEMP2, from, from);
        l.vec(op(lane), half, TEMP, from, TEMP2);
        from = TEMP;
        bytes /= 2;
    }
    let value = l.b.get(from, Type::Int);
    let value = narrow(l, lane, value);
    l.set_f(f.rd(), value);
    true
}

/// The low bits of a value, as many as a lane has.
fn narrow(l: &mut Lift, lane: Lane, value: crate::ir::Val) -> crate::ir::Val {
    match lane {
        Lane::B8 => l.b.un64(UnOp::Zext8, value),
        Lane::B16 => l.b.un64(UnOp::Zext16, value),
        Lane::B32 => l.b.un64(UnOp::Zext32, value),
        Lane::B64 => value,
    }
}

/// The lane width and the index that `imm5` says.
fn element_of(f: Fields) -> (Lane, u32) {
    let imm5 = f.bits(20, 16);
    let size = imm5.trailing_zeros().min(3);
    (lane_of(size), imm5 >> (size + 1))
}

/// A lane of a vector register, at the bottom of a value with anything above it.
fn lane_value(l: &mut Lift, n: u32, lane: Lane, index: u32) -> crate::ir::Val {
    let at = index * lane.bits();
    let half = if at < 64 { regs::v_low(n) } else { regs::v_high(n) };
    let value = l.b.get(half, Type::Int);
    l.b.bin_imm(BinOp::ShrU, Width::W64, value, u64::from(at % 64))
}

fn scalar_dup(l: &mut Lift, f: Fields) -> bool {
    let (lane, index) = element_of(f);
    let value = lane_value(l, f.rn(), lane, index);
    let value = narrow(l, lane, value);
    l.set_f(f.rd(), value);
    true
}

/// A lane of a vector register takes the low bits of a value.
fn insert(l: &mut Lift, d: u32, lane: Lane, index: u32, value: crate::ir::Val) {
    let at = index * lane.bits();
    let half = if at < 64 { regs::v_low(d) } else { regs::v_high(d) };
    if lane == Lane::B64 {
        return l.b.set(half, value);
    }
    let kept = !(((1u64 << lane.bits()) - 1) << (at % 64));
    let old = l.b.get(half, Type::Int);
    let old = l.b.and_imm(old, kept);
    let value = narrow(l, lane, value);
    let value = l.b.bin_imm(BinOp::Shl, Width::W64, value, u64::from(at % 64));
    let value = l.b.bin(BinOp::Or, Width::W64, old, value);
    l.b.set(half, value);
}

fn copy(l: &mut Lift, name: &str, f: Fields) -> bool {
    let (lane, index) = element_of(f);
    match (name, f.bit(29), f.bits(14, 11)) {
        ("dup", false, 0) => l.vec(VecOp::Dup(lane, index as u8), !f.q(), v(f.rd()), v(f.rn()), v(f.rn())),
        ("dup", false, 1) => {
            let value = l.x(f.rn());
            l.b.vec_dup(lane, !f.q(), v(f.rd()), value);
        }
        ("umov", ..) => {
            let value = lane_value(l, f.rn(), lane, index);
            let value = narrow(l, lane, value);
            l.set_x(f.rd(), value);
        }
        ("smov", ..) => {
            let value = lane_value(l, f.rn(), lane, index);
            let op = match lane {
                Lane::B8 => UnOp::Sext8,
                Lane::B16 => UnOp::Sext16,
                _ => UnOp::Sext32,
            };
            let value = l.b.un(op, if f.q() { Width::W64 } else { Width::W32 }, value);
            l.set_x(f.rd(), value);
        }
        ("ins", false, _) => {
            let value = l.x(f.rn());
            insert(l, f.rd(), lane, index, value);
        }
        ("ins", true, from) => {
            let value = lane_value(l, f.rn(), lane, from * 8 / lane.bits());
            insert(l, f.rd(), lane, index, value);
        }
        _ => return false,
    }
    true
}

fn permute(l: &mut Lift, name: &str, f: Fields) -> bool {
    let lane = lane_of(f.size());
    let (half, d, n, m) = (!f.q(), v(f.rd()), v(f.rn()), v(f.rm()));
    let op = match name {
        "zip1" => VecOp::ZipLow(lane),
        "zip2" => VecOp::ZipHigh(lane),
        "uzp1" => VecOp::UnzipEven(lane),
        "uzp2" => VecOp::UnzipOdd(lane),
        "trn1" => VecOp::TransposeEven(lane),
        "trn2" => VecOp::TransposeOdd(lane),
        "ext" => VecOp::Extract(f.bits(14, 11) as u8),
        "tbl" if f.bits(14, 13) == 0 => VecOp::Table,
        _ => return false,
    };
    l.vec(op, half, d, n, m);
    true
}

fn modified_immediate(l: &mut Lift, name: &str, f: Fields) -> bool {
    let (half, d, value) = (!f.q(), v(f.rd()), expand_immediate(f));
    match name {
        "movi" | "fmov" => l.vec_const(d, half, value),
        "mvni" => l.vec_const(d, half, !value),
        "orr" | "bic" => {
            l.vec_const(TEMP, half, value);
            l.vec(if name == "orr" { VecOp::Or } else { VecOp::AndNot }, half, d, d, TEMP);
        }
        _ => return false,
    }
    true
}

fn shift(l: &mut Lift, name: &str, f: Fields) -> bool {
    let bits = f.shift_bits();
    let lane = lane_of(bits.trailing_zeros() - 3);
    let (right, left) = ((2 * bits - f.immhb()) as u8, (f.immhb() - bits) as u8);
    let (half, d, n) = (!f.q(), v(f.rd()), v(f.rn()));
    match name {
        "sshr" => l.vec(VecOp::ShrS(lane, right), half, d, n, n),
        "ushr" => l.vec(VecOp::ShrU(lane, right), half, d, n, n),
        "ssra" | "usra" => {
            let op = if name == "ssra" { VecOp::ShrS(lane, right) } else { VecOp::ShrU(lane, right) };
            l.vec(op, half, TEMP, n, n);
            l.vec(VecOp::Add(lane), half, d, d, TEMP);
        }
        "shl" => l.vec(VecOp::Shl(lane, left), half, d, n, n),
        "sli" | "sri" => {
            let ones = u64::MAX >> (64 - bits);
            let (op, made) = if name == "sli" {
                (VecOp::Shl(lane, left), ones << left & ones)
            } else {
                (VecOp::ShrU(lane, right), ones.checked_shr(right.into()).unwrap_or(0))
            };
            l.vec(op, half, TEMP, n, n);
            l.vec_const(TEMP2, half, every(lane, made));
            l.b.vec(VecInsn { op: VecOp::Choose, half, d, a: TEMP, b: d, c: TEMP2 });
        }
        "srshr" | "urshr" => arith::shift_right(l, lane, name == "srshr", right, true, half, d, n),
        "srsra" | "ursra" => {
            arith::shift_right(l, lane, name == "srsra", right, true, half, TEMP, n);
            l.vec(VecOp::Add(lane), half, d, d, TEMP);
        }
        "shrn" | "rshrn" => {
            let Some(wider) = lane.wider() else { return false };
            arith::shift_right(l, wider, false, right, name == "rshrn", false, TEMP, n);
            l.vec(VecOp::Narrow { lane, part: f.part() as u8 }, false, d, TEMP, TEMP);
        }
        "sqshrn" | "sqrshrn" | "uqshrn" | "uqrshrn" | "sqshrun" | "sqrshrun" => {
            let Some(wider) = lane.wider() else { return false };
            let (signed, round) = (name.starts_with('s'), name.contains("rs"));
            arith::shift_right(l, wider, signed, right, round, false, TEMP, n);
            arith::narrow(l, f, lane, signed, signed && !name.ends_with("un"), TEMP);
        }
        "scvtf" | "ucvtf" | "fcvtzs" | "fcvtzu" => {
            let fmt = if lane == Lane::B64 { Format::F64 } else { Format::F32 };
            let (op, rm) = if name.starts_with('f') {
                (VecFloat::ToInt(Fixed { signed: name == "fcvtzs", fraction: right }), Round::TowardZero)
            } else {
                (from_int(name, right), l.mode.rounding())
            };
            l.b.vec(VecInsn { op: VecOp::Float(op, fmt, rm), half, d, a: n, b: n, c: n });
        }
        "sshll" | "ushll" => {
            let Some(wider) = lane.wider() else { return false };
            l.vec(VecOp::Widen { lane, signed: name == "sshll", part: f.part() as u8 }, false, d, n, n);
            if left > 0 {
                l.vec(VecOp::Shl(wider, left), false, d, d, d);
            }
        }
        _ => return false,
    }
    true
}

fn long(l: &mut Lift, name: &str, f: Fields, m: Slot) -> bool {
    let lane = lane_of(f.size());
    let (d, n, part) = (v(f.rd()), v(f.rn()), f.part() as u8);
    let signed = name.starts_with('s');
    if name == "pmull" && lane == Lane::B64 {
        l.vec(VecOp::ClMul(part), false, d, n, m);
        return true;
    }
    let Some(wider) = lane.wider() else { return false };
    let by_element = m == TEMP;
    let product = VecOp::MulWide { lane, signed, part };
    let widen = VecOp::Widen { lane, signed, part };
    match name {
        // An element is the same in both halves.
        "umull" | "smull" => l.vec(product, false, d, n, m),
        "umlal" | "smlal" | "umlsl" | "smlsl" => {
            l.vec(product, false, TEMP2, n, m);
            l.vec(if name.ends_with("al") { VecOp::Add(wider) } else { VecOp::Sub(wider) }, false, d, d, TEMP2);
        }
        "uaddl" | "saddl" | "usubl" | "ssubl" if !by_element => {
            l.vec(widen, false, TEMP, n, n);
            l.vec(widen, false, TEMP2, m, m);
            let op = if name.ends_with("addl") { VecOp::Add(wider) } else { VecOp::Sub(wider) };
            l.vec(op, false, d, TEMP, TEMP2);
        }
        "uaddw" | "saddw" | "usubw" | "ssubw" if !by_element => {
            l.vec(widen, false, TEMP, m, m);
            let op = if name.ends_with("addw") { VecOp::Add(wider) } else { VecOp::Sub(wider) };
            l.vec(op, false, d, n, TEMP);
        }
        "sabdl" | "uabdl" | "sabal" | "uabal" if !by_element => {
            // The difference of either kind has no sign, and fits the lane.
            arith::difference(l, lane, signed, false, [TEMP, n, m]);
            let widen = VecOp::Widen { lane, signed: false, part };
            if name.ends_with("bdl") {
                l.vec(widen, false, d, TEMP, TEMP);
            } else {
                l.vec(widen, false, TEMP, TEMP, TEMP);
                l.vec(VecOp::Add(wider), false, d, d, TEMP);
            }
        }
        "addhn" | "raddhn" | "subhn" | "rsubhn" if !by_element => {
            let op = if name.contains("add") { VecOp::Add(wider) } else { VecOp::Sub(wider) };
            l.vec(op, false, TEMP, n, m);
            arith::shift_right(l, wider, false, lane.bits() as u8, name.starts_with('r'), false, TEMP, TEMP);
            l.vec(VecOp::Narrow { lane, part }, false, d, TEMP, TEMP);
        }
        _ => return false,
    }
    true
}

fn by_element(l: &mut Lift, name: &str, f: Fields) -> bool {
    let (half, d, n) = (!f.q(), v(f.rd()), v(f.rn()));
    let float = name.starts_with('f');
    let lane = match name {
        _ if float => float_of(f).1,
        _ if name.ends_with("dot") => Lane::B32,
        _ => lane_of(f.size()),
    };
    let (m, index) = f.element(lane.bits());
    const KNOWN: [&str; 18] = [
        "mla", "mls", "mul", "fmla", "fmls", "fmul", "umull", "smull", "umlal", "smlal", "umlsl", "smlsl", "sqdmulh",
        "sqrdmulh", "sdot", "udot", "usdot", "sudot",
    ];
    if !KNOWN.contains(&name) {
        return false;
    }
    l.vec(VecOp::Dup(lane, index as u8), false, TEMP, v(m), v(m));
    match name {
        "mul" => l.vec(VecOp::Mul(lane), half, d, n, TEMP),
        "mla" | "mls" => {
            l.vec(VecOp::Mul(lane), half, TEMP2, n, TEMP);
            l.vec(if name == "mla" { VecOp::Add(lane) } else { VecOp::Sub(lane) }, half, d, d, TEMP2);
        }
        "fmla" | "fmls" | "fmul" => return three_floats(l, name, f, TEMP),
        "sqdmulh" | "sqrdmulh" => return arith::three(l, name, lane, half, [d, n, TEMP]),
        "sdot" | "udot" | "usdot" | "sudot" => return dot(l, name, f, TEMP),
        _ => return long(l, name, f, TEMP),
    }
    true
}

fn aes(l: &mut Lift, name: &str, f: Fields) -> bool {
    let (d, n) = (v(f.rd()), v(f.rn()));
    match name {
        "aese" => l.vec(VecOp::AesEncrypt, false, d, d, n),
        "aesd" => l.vec(VecOp::AesDecrypt, false, d, d, n),
        "aesmc" => l.vec(VecOp::AesMix, false, d, n, n),
        "aesimc" => l.vec(VecOp::AesMixInverse, false, d, n, n),
        _ => return false,
    }
    true
}

/// LD1 and ST1 of whole registers, and LD1R.
fn memory(l: &mut Lift, name: &str, f: Fields) -> bool {
    if l.mode.aligned || l.mode.big_endian || l.mode.sp_aligned && f.rn() == 31 {
        return false;
    }
    let single = f.bit(24);
    let registers = match (name, single, f.bits(15, 12)) {
        ("ld1" | "st1", false, 0b0111) => 1,
        ("ld1" | "st1", false, 0b1010) => 2,
        ("ld1" | "st1", false, 0b0110) => 3,
        ("ld1" | "st1", false, 0b0010) => 4,
        ("ld1r", true, _) => 1,
        _ => return false,
    };
    let base = l.x_or_sp(f.rn());
    let (step, lane) = (if f.q() { 16 } else { 8 }, lane_of(f.bits(11, 10)));
    let total = if single { i64::from(lane.bits() / 8) } else { i64::from(registers * step) };
    let back = f.bit(23).then(|| {
        if f.rm() == 31 {
            l.b.add_imm(base, total)
        } else {
            let offset = l.x(f.rm());
            l.b.add(base, offset)
        }
    });
    if single {
        let size = [MemSize::B1, MemSize::B2, MemSize::B4, MemSize::B8][lane as usize];
        let value = l.b.load(size, false, base, 0);
        l.b.vec_dup(lane, !f.q(), v(f.rd()), value);
    } else {
        for k in 0..registers {
            let (slot, disp) = (v(f.rd() + k), (k * step) as i32);
            match (name, f.q()) {
                ("ld1", true) => l.b.vec_load(slot, base, disp),
                ("ld1", false) => {
                    let value = l.b.load_float(MemSize::B8, base, disp);
                    l.set_f((f.rd() + k) % 32, value);
                }
                (_, true) => l.b.vec_store(slot, base, disp),
                (_, false) => {
                    let value = l.b.get(slot, Type::Float);
                    l.b.store(MemSize::B8, base, disp, value);
                }
            }
        }
    }
    if let Some(back) = back {
        l.set_x_or_sp(f.rn(), back);
    }
    true
}
