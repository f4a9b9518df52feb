//! The op table and what a block is made of.

use super::vector::{VecInsn, VecMove};
use crate::float::{Format, MinMax, Round};

/// A value: the number of the op that defines it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Val(pub u32);

impl Val {
    /// No value: an unused argument.
    pub const NONE: Val = Val(u32::MAX);
}

/// A guest register: the number of a 64-bit slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Slot(pub u16);

/// What a value is, and so in which kind of host register it lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// 64 integer bits.
    Int,
    /// A scalar float: its format's bits, zero-extended to 64.
    Float,
}

/// Operation width of integer ops. A 32-bit op reads the low halves of its operands and zero-extends its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// 32 bits.
    W32,
    /// 64 bits.
    W64,
}

/// Makes an enum whose variants have a name in the text form.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $type { $($(#[$vmeta])* $variant,)* }
        impl $type {
            /// Every variant.
            pub const ALL: &[$type] = &[$($type::$variant,)*];
            /// The name in the text form.
            pub const fn text(self) -> &'static str {
                match self { $($type::$variant => $text,)* }
            }
        }
    };
}

named! {
    /// Integer ops of two operands. All are total: none faults.
    BinOp {
        /// Sum.
        Add = "add",
        /// Difference.
        Sub = "sub",
        /// Low half of the product.
        Mul = "mul",
        /// High half of the unsigned product.
        MulHiU = "mulhiu",
        /// High half of the signed product.
        MulHiS = "mulhis",
        /// High half of signed times unsigned.
        MulHiSU = "mulhisu",
        /// Unsigned quotient; by zero: 0.
        DivU = "divu",
        /// Signed quotient; by zero: 0; overflow: the dividend.
        DivS = "divs",
        /// Unsigned remainder; by zero: the dividend.
        RemU = "remu",
        /// Signed remainder; by zero: the dividend; overflow: 0.
        RemS = "rems",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// `a & !b`.
        AndNot = "andn",
        /// Left shift; the count is taken modulo the width.
        Shl = "shl",
        /// Logical right shift; the count is taken modulo the width.
        ShrU = "shru",
        /// Arithmetic right shift; the count is taken modulo the width.
        ShrS = "shrs",
        /// Rotate right; the count is taken modulo the width.
        RotR = "rotr",
        /// Signed minimum.
        MinS = "mins",
        /// Signed maximum.
        MaxS = "maxs",
        /// Unsigned minimum.
        MinU = "minu",
        /// Unsigned maximum.
        MaxU = "maxu",
        /// Low half of the carry-less product.
        ClMul = "clmul",
        /// High half of the carry-less product.
        ClMulH = "clmulh",
    }
}

named! {
    /// Integer ops of one operand.
    UnOp {
        /// Bitwise complement.
        Not = "not",
        /// Two's complement.
        Neg = "neg",
        /// Leading zeros; of zero: the width.
        Clz = "clz",
        /// Trailing zeros; of zero: the width.
        Ctz = "ctz",
        /// Ones.
        Popcnt = "popcnt",
        /// Bytes in reverse order.
        Bswap = "bswap",
        /// Bits in reverse order.
        BitRev = "bitrev",
        /// Each byte: all ones unless it is zero.
        OrBytes = "orbytes",
        /// Sign extension of bits 7:0.
        Sext8 = "sext8",
        /// Sign extension of bits 15:0.
        Sext16 = "sext16",
        /// Sign extension of bits 31:0.
        Sext32 = "sext32",
        /// Zero extension of bits 7:0.
        Zext8 = "zext8",
        /// Zero extension of bits 15:0.
        Zext16 = "zext16",
        /// Zero extension of bits 31:0.
        Zext32 = "zext32",
    }
}

named! {
    /// Integer comparisons.
    Cond {
        /// Equal.
        Eq = "eq",
        /// Not equal.
        Ne = "ne",
        /// Signed less.
        LtS = "lts",
        /// Signed greater or equal.
        GeS = "ges",
        /// Unsigned less.
        LtU = "ltu",
        /// Unsigned greater or equal.
        GeU = "geu",
        /// Signed less or equal.
        LeS = "les",
        /// Signed greater.
        GtS = "gts",
        /// Unsigned less or equal.
        LeU = "leu",
        /// Unsigned greater.
        GtU = "gtu",
    }
}

impl Cond {
    /// The comparison that holds exactly when this one does not.
    pub const fn inverse(self) -> Cond {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::LtS => Cond::GeS,
            Cond::GeS => Cond::LtS,
            Cond::LtU => Cond::GeU,
            Cond::GeU => Cond::LtU,
            Cond::LeS => Cond::GtS,
            Cond::GtS => Cond::LeS,
            Cond::LeU => Cond::GtU,
            Cond::GtU => Cond::LeU,
        }
    }
}

named! {
    /// Atomic read-modify-write ops; the value in memory becomes `op(memory, operand)`.
    RmwOp {
        /// The operand itself.
        Swap = "swap",
        /// Sum.
        Add = "add",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// Signed minimum.
        MinS = "mins",
        /// Signed maximum.
        MaxS = "maxs",
        /// Unsigned minimum.
        MinU = "minu",
        /// Unsigned maximum.
        MaxU = "maxu",
    }
}

/// Width of a memory access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemSize {
    /// 1 byte.
    B1,
    /// 2 bytes.
    B2,
    /// 4 bytes.
    B4,
    /// 8 bytes.
    B8,
}

impl MemSize {
    /// The width in bytes.
    pub const fn bytes(self) -> u8 {
        1 << self as u8
    }
}

/// How a memory access is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mem {
    /// Width.
    pub size: MemSize,
    /// Whether an address that is not a multiple of the width faults.
    pub aligned: bool,
    /// Whether the byte at the address is the value's highest, else its lowest.
    pub big_endian: bool,
}

impl Mem {
    /// A little-endian access at any address.
    pub const fn plain(size: MemSize) -> Mem {
        Mem { size, aligned: false, big_endian: false }
    }

    /// A little-endian access at a multiple of its width.
    pub const fn aligned(size: MemSize) -> Mem {
        Mem { aligned: true, ..Mem::plain(size) }
    }

    /// The low bytes of a value in the order in which this access has them in memory, as a little-endian number; and
    /// the value of such a number.
    #[inline]
    pub const fn in_order(self, value: u64) -> u64 {
        if self.big_endian { value.swap_bytes() >> (64 - 8 * self.size.bytes() as u32) } else { value }
    }
}

/// What a float op computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatOp {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// Square root of `a`.
    Sqrt,
    /// `a * b + c`, rounded once.
    Fma,
    /// `a` with its sign inverted, NaN or not; no flags.
    Neg,
    /// `a` with its sign cleared, NaN or not; no flags.
    Abs,
    /// `a` with the sign of `b`, NaN or not; no flags.
    CopySign,
    /// Minimum, of the given kind.
    Min(MinMax),
    /// Maximum, of the given kind.
    Max(MinMax),
    /// `a` rounded to an integral value; `exact`: INEXACT is raised when that changes it.
    RoundInt {
        /// Whether INEXACT is raised.
        exact: bool,
    },
}

impl FloatOp {
    /// How many operands the op has.
    pub const fn operands(self) -> usize {
        match self {
            FloatOp::Sqrt | FloatOp::Neg | FloatOp::Abs | FloatOp::RoundInt { .. } => 1,
            FloatOp::Fma => 3,
            _ => 2,
        }
    }
}

/// Float comparisons; each is 0 when the operands are unordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatCond {
    /// Equal; quiet NaNs raise nothing.
    Eq,
    /// Less; any NaN raises INVALID.
    Lt,
    /// Less or equal; any NaN raises INVALID.
    Le,
    /// Less; quiet NaNs raise nothing.
    LtQuiet,
    /// Less or equal; quiet NaNs raise nothing.
    LeQuiet,
}

/// The integer side of a float-to-integer conversion. 32-bit results are zero-extended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatToInt {
    /// To a signed 32-bit integer, saturating.
    I32,
    /// To an unsigned 32-bit integer, saturating.
    U32,
    /// To a signed 64-bit integer, saturating.
    I64,
    /// To an unsigned 64-bit integer, saturating.
    U64,
    /// The low 32 bits of the truncated value, modulo 2^32 (RISC-V `fcvtmod.w.d`, Arm `FJCVTZS`).
    Mod32,
}

/// The integer side of an integer-to-float conversion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntToFloat {
    /// From a signed 32-bit integer.
    I32,
    /// From an unsigned 32-bit integer.
    U32,
    /// From a signed 64-bit integer.
    I64,
    /// From an unsigned 64-bit integer.
    U64,
}

/// A function of the ISA's helper table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct HelperId(pub u16);

/// What a helper may do beside computing its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effects {
    /// It reads slots, so they must be up to date before.
    pub reads: bool,
    /// It writes slots, so values of slots must be read again after.
    pub writes: bool,
    /// It may raise a trap.
    pub traps: bool,
}

impl Effects {
    /// A function of its arguments alone.
    pub const PURE: Effects = Effects { reads: false, writes: false, traps: false };
    /// It may do anything that a helper can do.
    pub const ANY: Effects = Effects { reads: true, writes: true, traps: true };
}

/// One op. The `Val` of an op is its index in the block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Op {
    /// A guest instruction of `len` bytes begins, `off` bytes from the start of the block's page.
    Insn {
        /// Offset from the block's page.
        off: u16,
        /// Length in bytes.
        len: u8,
    },
    /// A constant.
    Const(u64),
    /// The virtual address of the block's page plus an offset.
    Pc(i64),
    /// The value of a slot.
    Get {
        /// The slot.
        slot: Slot,
        /// As which type.
        ty: Type,
    },
    /// A slot takes a value.
    Set {
        /// The slot.
        slot: Slot,
        /// Its new value, of either type.
        value: Val,
    },
    /// An integer op of two operands.
    Bin {
        /// Which.
        op: BinOp,
        /// At which width.
        w: Width,
        /// First operand.
        a: Val,
        /// Second operand.
        b: Val,
    },
    /// An integer op of one operand.
    Un {
        /// Which.
        op: UnOp,
        /// At which width.
        w: Width,
        /// The operand.
        a: Val,
    },
    /// 1 when the comparison holds, else 0.
    Cmp {
        /// Which.
        cond: Cond,
        /// At which width.
        w: Width,
        /// First operand.
        a: Val,
        /// Second operand.
        b: Val,
    },
    /// `a` when `c` is not 0, else `b`. Integers.
    Select {
        /// The condition.
        c: Val,
        /// The value when it holds.
        a: Val,
        /// The value when it does not.
        b: Val,
    },
    /// A load from `base + disp`.
    Load {
        /// How.
        mem: Mem,
        /// Whether the result is sign-extended (else zero-extended).
        sext: bool,
        /// Type of the result.
        ty: Type,
        /// Base address.
        base: Val,
        /// Displacement in bytes.
        disp: i32,
    },
    /// A store to `base + disp`.
    Store {
        /// How.
        mem: Mem,
        /// Base address.
        base: Val,
        /// Displacement in bytes.
        disp: i32,
        /// The value, of either type; its low bytes are stored.
        value: Val,
    },
    /// An atomic read-modify-write, sequentially consistent; the result is the old value, zero-extended.
    Rmw {
        /// Which.
        op: RmwOp,
        /// How: naturally aligned.
        mem: Mem,
        /// The address.
        addr: Val,
        /// The operand.
        value: Val,
    },
    /// An atomic compare-and-swap; the result is the old value, zero-extended.
    Cas {
        /// How: naturally aligned.
        mem: Mem,
        /// The address.
        addr: Val,
        /// What must be in memory (its low bytes).
        expected: Val,
        /// What is stored then.
        new: Val,
    },
    /// Sets nothing but memory: `new` is stored when `reserved == addr` and memory still holds `expected`.
    /// The result is 0 when it was stored, else 1.
    StoreConditional {
        /// How: naturally aligned.
        mem: Mem,
        /// The address.
        addr: Val,
        /// The address that was reserved.
        reserved: Val,
        /// What was there then (its low bytes).
        expected: Val,
        /// What is stored.
        new: Val,
    },
    /// Orders every earlier access of this vCPU before every later one.
    Fence,
    /// The bits of an integer as a float, or of a float as an integer.
    Cast {
        /// The type of the result.
        to: Type,
        /// The other.
        a: Val,
    },
    /// A float op.
    Float {
        /// Which.
        op: FloatOp,
        /// Format of operands and result.
        fmt: Format,
        /// Rounding.
        rm: Round,
        /// First operand.
        a: Val,
        /// Second operand, or `NONE`.
        b: Val,
        /// Third operand, or `NONE`.
        c: Val,
    },
    /// 1 when the float comparison holds, else 0.
    FloatCmp {
        /// Which.
        cond: FloatCond,
        /// Format of the operands.
        fmt: Format,
        /// First operand.
        a: Val,
        /// Second operand.
        b: Val,
    },
    /// The class of a float as RISC-V's `fclass` numbers them: one bit set of ten.
    FloatClass {
        /// Format of the operand.
        fmt: Format,
        /// The operand.
        a: Val,
    },
    /// One format to another.
    FloatConvert {
        /// From.
        from: Format,
        /// To.
        to: Format,
        /// Rounding.
        rm: Round,
        /// The operand.
        a: Val,
    },
    /// Float to integer, or to fixed point.
    FloatToInt {
        /// Format of the operand.
        from: Format,
        /// The integer.
        to: FloatToInt,
        /// How many of its bits are behind the point; 0 with [`FloatToInt::Mod32`].
        fraction: u8,
        /// Rounding.
        rm: Round,
        /// The operand.
        a: Val,
    },
    /// Integer, or fixed point, to float.
    IntToFloat {
        /// The integer.
        from: IntToFloat,
        /// How many of its bits are behind the point.
        fraction: u8,
        /// Format of the result.
        to: Format,
        /// Rounding.
        rm: Round,
        /// The operand.
        a: Val,
    },
    /// A narrower float as a NaN-boxed 64-bit register holds it: the bits above the format become ones.
    Box {
        /// Format of the operand.
        fmt: Format,
        /// The operand.
        a: Val,
    },
    /// The narrower float in a 64-bit register; the default NaN when it is not NaN-boxed.
    Unbox {
        /// Format of the result.
        fmt: Format,
        /// The register.
        a: Val,
    },
    /// Calls a helper; the result is an integer.
    Call {
        /// Which.
        helper: HelperId,
        /// What else it does.
        effects: Effects,
        /// Arguments; unused ones are `NONE`.
        args: [Val; 3],
    },
    /// An op on vectors, which reads and writes slots.
    Vec(VecInsn),
    /// A vector op with a scalar operand, or of memory.
    VecMove(VecMove),
    /// Leaves the block for `target`, an offset from its page, when `c` is not 0.
    ExitIf {
        /// The condition.
        c: Val,
        /// Where to.
        target: i64,
    },
    /// Raises the trap of a helper without arguments, which always traps, when `c` is not 0.
    TrapIf {
        /// The condition.
        c: Val,
        /// Whose trap.
        helper: HelperId,
    },
}

/// What kind of indirect jump it is, for return prediction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// Neither of the others.
    Jump,
    /// A call.
    Call,
    /// A return.
    Return,
}

/// Why a block hands over to the run loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Why {
    /// Translations may be stale: notices about written code are worked off first.
    Sync = 1,
    /// The vCPU waits for an interrupt.
    Wait = 2,
    /// A breakpoint stands at this address.
    Breakpoint = 3,
    /// Interrupts may have become deliverable.
    Interrupts = 4,
    /// Another vCPU should get its turn (a pause hint).
    Yield = 5,
}

/// How a block ends: a closed set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum End {
    /// Goes on at a fixed offset from the block's page, in the same mode. `call` is a hint.
    Jump {
        /// Offset from the block's page.
        target: i64,
        /// Whether this is a call.
        call: bool,
    },
    /// Goes on at an address, in the same mode unless a helper of the last instruction changed it.
    Indirect {
        /// The virtual address.
        target: Val,
        /// What kind of jump it is.
        hint: Hint,
    },
    /// Goes on at an offset, but a helper may have changed the mode or the mapping: it is looked up afresh.
    Next {
        /// Offset from the block's page.
        target: i64,
    },
    /// Hands over to the run loop; the pc is the offset.
    Leave {
        /// Offset from the block's page.
        target: i64,
        /// Why.
        why: Why,
    },
    /// Never reached: the last op always traps.
    Never,
}

/// A straight line of guest instructions with side exits.
#[derive(Clone, PartialEq, Debug)]
pub struct Block {
    /// The ops.
    pub ops: Vec<Op>,
    /// How it ends.
    pub end: End,
    /// How many guest instructions it has.
    pub insns: u16,
    /// Offset of the first instruction from its page.
    pub start: u16,
    /// Length of the guest code in bytes; it may reach into the next page.
    pub bytes: u16,
}

impl Op {
    /// The type of the op's value; `None` when it has none.
    pub fn ty(&self) -> Option<Type> {
        match *self {
            Op::Insn { .. }
            | Op::Set { .. }
            | Op::Store { .. }
            | Op::Fence
            | Op::ExitIf { .. }
            | Op::TrapIf { .. }
            | Op::Vec(_)
            | Op::VecMove(_) => None,
            Op::Get { ty, .. } | Op::Load { ty, .. } | Op::Cast { to: ty, .. } => Some(ty),
            Op::Float { .. } | Op::FloatConvert { .. } | Op::IntToFloat { .. } | Op::Box { .. } | Op::Unbox { .. } => {
                Some(Type::Float)
            }
            Op::Const(_)
            | Op::Pc(_)
            | Op::Bin { .. }
            | Op::Un { .. }
            | Op::Cmp { .. }
            | Op::Select { .. }
            | Op::Rmw { .. }
            | Op::Cas { .. }
            | Op::StoreConditional { .. }
            | Op::FloatCmp { .. }
            | Op::FloatClass { .. }
            | Op::FloatToInt { .. }
            | Op::Call { .. } => Some(Type::Int),
        }
    }

    /// Whether the op does something beside computing its value, so that it must stay even when nobody uses that.
    /// Float ops do: they raise flags.
    pub fn has_effect(&self) -> bool {
        match *self {
            Op::Insn { .. }
            | Op::Set { .. }
            | Op::Load { .. }
            | Op::Store { .. }
            | Op::Rmw { .. }
            | Op::Cas { .. }
            | Op::StoreConditional { .. }
            | Op::Fence
            | Op::ExitIf { .. }
            | Op::TrapIf { .. }
            | Op::Vec(_)
            | Op::VecMove(_)
            | Op::FloatCmp { .. }
            | Op::FloatConvert { .. }
            | Op::FloatToInt { .. }
            | Op::IntToFloat { .. } => true,
            Op::Float { op, .. } => !matches!(op, FloatOp::Neg | FloatOp::Abs | FloatOp::CopySign),
            Op::Call { effects, .. } => effects != Effects::PURE,
            Op::Const(_)
            | Op::Pc(_)
            | Op::Get { .. }
            | Op::Bin { .. }
            | Op::Un { .. }
            | Op::Cmp { .. }
            | Op::Select { .. }
            | Op::Cast { .. }
            | Op::FloatClass { .. }
            | Op::Box { .. }
            | Op::Unbox { .. } => false,
        }
    }

    /// Calls `f` with each value that the op uses, in order, and with the type it must have (`None`: either).
    pub fn uses(&self, mut f: impl FnMut(Val, Option<Type>)) {
        use Type::{Float, Int};
        let mut each = |values: &[Val], ty| values.iter().filter(|v| **v != Val::NONE).for_each(|v| f(*v, ty));
        match *self {
            Op::Insn { .. } | Op::Const(_) | Op::Pc(_) | Op::Get { .. } | Op::Fence | Op::Vec(_) => {}
            Op::VecMove(VecMove::Dup { value, .. }) => each(&[value], Some(Int)),
            Op::VecMove(VecMove::Load { base, .. } | VecMove::Store { base, .. }) => each(&[base], Some(Int)),
            Op::Set { value, .. } => each(&[value], None),
            Op::Bin { a, b, .. } | Op::Cmp { a, b, .. } => each(&[a, b], Some(Int)),
            Op::Un { a, .. } | Op::IntToFloat { a, .. } => each(&[a], Some(Int)),
            Op::Select { c, a, b } => each(&[c, a, b], Some(Int)),
            Op::Load { base, .. } => each(&[base], Some(Int)),
            Op::Store { base, value, .. } => {
                each(&[base], Some(Int));
                each(&[value], None);
            }
            Op::Rmw { addr, value, .. } => each(&[addr, value], Some(Int)),
            Op::Cas { addr, expected, new, .. } => each(&[addr, expected, new], Some(Int)),
            Op::StoreConditional { addr, reserved, expected, new, .. } => {
                each(&[addr, reserved, expected, new], Some(Int));
            }
            Op::Cast { to, a } => each(&[a], Some(if to == Int { Float } else { Int })),
            Op::Float { a, b, c, .. } => each(&[a, b, c], Some(Float)),
            Op::FloatCmp { a, b, .. } => each(&[a, b], Some(Float)),
            Op::FloatClass { a, .. }
            | Op::FloatConvert { a, .. }
            | Op::FloatToInt { a, .. }
            | Op::Box { a, .. }
            | Op::Unbox { a, .. } => each(&[a], Some(Float)),
            Op::Call { args, .. } => each(&args, Some(Int)),
            Op::ExitIf { c, .. } | Op::TrapIf { c, .. } => each(&[c], Some(Int)),
        }
    }
}

impl End {
    /// The value that the end uses.
    pub fn uses(&self) -> Option<Val> {
        match *self {
            End::Indirect { target, .. } => Some(target),
            End::Jump { .. } | End::Next { .. } | End::Leave { .. } | End::Never => None,
        }
    }
}
