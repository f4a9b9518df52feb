//! The text form of a block, for `-d op` and golden tests.

use super::{Block, Effects, End, FloatOp, Mem, Op, Slot, Type, Val, VecInsn, VecMove, Width};
use std::fmt;

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Width::W32 => "32",
            Width::W64 => "64",
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Int => "int",
            Type::Float => "float",
        })
    }
}

impl fmt::Display for Mem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (aligned, order) = (if self.aligned { ".aligned" } else { "" }, if self.big_endian { ".big" } else { "" });
        write!(f, "{}{aligned}{order}", u32::from(self.size.bytes()) * 8)
    }
}

/// An offset with its sign.
struct Offset(i64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:#x}", if self.0 < 0 { '-' } else { '+' }, self.0.unsigned_abs())
    }
}

/// How many bits are behind a point, where there is one.
struct Fraction(u8);

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, "/{}", self.0) }
    }
}

impl fmt::Display for FloatOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Op::Insn { off, len } => write!(f, "insn +{off:#x} len {len}"),
            Op::Const(value) => write!(f, "const {value:#x}"),
            Op::Pc(off) => write!(f, "pc {}", Offset(off)),
            Op::Get { slot, ty } => write!(f, "get.{ty} {slot}"),
            Op::Set { slot, value } => write!(f, "set {slot}, {value}"),
            Op::Bin { op, w, a, b } => write!(f, "{}.{w} {a}, {b}", op.text()),
            Op::Un { op, w, a } => write!(f, "{}.{w} {a}", op.text()),
            Op::Cmp { cond, w, a, b } => write!(f, "cmp.{}.{w} {a}, {b}", cond.text()),
            Op::Select { c, a, b } => write!(f, "select {c}, {a}, {b}"),
            Op::Load { mem, sext, ty, base, disp } => {
                write!(f, "load.{ty}.{}{mem} [{base}{}]", if sext { "s" } else { "u" }, Offset(disp.into()))
            }
            Op::Store { mem, base, disp, value } => {
                write!(f, "store.{mem} [{base}{}], {value}", Offset(disp.into()))
            }
            Op::Rmw { op, mem, addr, value } => write!(f, "rmw.{}.{mem} [{addr}], {value}", op.text()),
            Op::Cas { mem, addr, expected, new } => write!(f, "cas.{mem} [{addr}], {expected}, {new}"),
            Op::StoreConditional { mem, addr, reserved, expected, new } => {
                write!(f, "sc.{mem} [{addr}], {reserved}, {expected}, {new}")
            }
            Op::Fence => f.write_str("fence"),
            Op::Vec(VecInsn { op, half, d, a, b, c }) => {
                let width = if half { 64 } else { 128 };
                write!(f, "vec.{width} {d}, {op:?} {a}, {b}, {c}")
            }
            Op::VecMove(VecMove::Dup { lane, half, d, value }) => {
                write!(f, "dup.{} {d}, {lane:?} {value}", if half { 64 } else { 128 })
            }
            Op::VecMove(VecMove::Load { d, base, disp }) => write!(f, "load.128 {d}, [{base}{}]", Offset(disp.into())),
            Op::VecMove(VecMove::Store { s, base, disp }) => {
                write!(f, "store.128 [{base}{}], {s}", Offset(disp.into()))
            }
            Op::Cast { to, a } => write!(f, "cast.{to} {a}"),
            Op::Float { op, fmt, rm, a, b, c } => {
                write!(f, "float.{op}.{fmt:?}.{rm:?} {a}")?;
                [b, c].iter().filter(|v| **v != Val::NONE).try_for_each(|v| write!(f, ", {v}"))
            }
            Op::FloatCmp { cond, fmt, a, b } => write!(f, "fcmp.{cond:?}.{fmt:?} {a}, {b}"),
            Op::FloatClass { fmt, a } => write!(f, "fclass.{fmt:?} {a}"),
            Op::FloatConvert { from, to, rm, a } => write!(f, "fconvert.{from:?}.{to:?}.{rm:?} {a}"),
            Op::FloatToInt { from, to, fraction, rm, a } => {
                write!(f, "ftoi.{from:?}.{to:?}{}.{rm:?} {a}", Fraction(fraction))
            }
            Op::IntToFloat { from, fraction, to, rm, a } => {
                write!(f, "itof.{from:?}{}.{to:?}.{rm:?} {a}", Fraction(fraction))
            }
            Op::Box { fmt, a } => write!(f, "box.{fmt:?} {a}"),
            Op::Unbox { fmt, a } => write!(f, "unbox.{fmt:?} {a}"),
            Op::Call { helper, effects, args } => {
                write!(f, "call{} #{}", if effects == Effects::PURE { ".pure" } else { "" }, helper.0)?;
                args.iter().filter(|v| **v != Val::NONE).try_for_each(|v| write!(f, ", {v}"))
            }
            Op::ExitIf { c, target } => write!(f, "exit_if {c}, {}", Offset(target)),
            Op::TrapIf { c, helper } => write!(f, "trap_if {c}, #{}", helper.0),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            End::Jump { target, call } => write!(f, "jump {}{}", Offset(target), if call { " (call)" } else { "" }),
            End::Indirect { target, hint } => write!(f, "indirect {target} ({hint:?})"),
            End::Next { target } => write!(f, "next {}", Offset(target)),
            End::Leave { target, why } => write!(f, "leave {} ({why:?})", Offset(target)),
            End::Never => f.write_str("never"),
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, op) in self.ops.iter().enumerate() {
            match op.ty() {
                Some(_) => writeln!(f, "  %{index} = {op}")?,
                None if matches!(op, Op::Insn { .. }) => writeln!(f, "{op}")?,
                None => writeln!(f, "  {op}")?,
            }
        }
        writeln!(f, "{}", self.end)
    }
}
