//! Room `ir`: the language between guests and engines.
//!
//! ```text
//!   lift (isa) ──► Builder: folds constants, forwards slots ──► Block ──► verify ──► eval   (the interpreter)
//!                                                                             └────► templates (the JIT)
//! ```
//! A [`Block`] is a straight line of guest instructions with side exits; its values are defined once and used below
//! their definition. Guest registers are *slots*. Addresses of guest code are written as offsets from the page that
//! the block starts in, so one block serves every virtual address at which its page is mapped.
//!
//! Invariants that the lifter keeps and engines rely on: the slots an instruction sets are set after everything in
//! it that can fault; a helper that changes what code means ends the block; [`Op::Insn`] stands before each instruction.
//!
//! This room knows no guest and no host. Adding an op is one row in `op.rs`; the exhaustive matches name the rest.
#![forbid(unsafe_code)]

pub mod aes;
mod builder;
pub mod eval;
mod op;
mod text;
pub mod vector;
mod verify;

pub use builder::Builder;
pub use op::{
    BinOp, Block, Cond, Effects, End, FloatCond, FloatOp, FloatToInt, HelperId, Hint, IntToFloat, Mem, MemSize, Op,
    RmwOp, Slot, Type, UnOp, Val, Why, Width,
};
pub use vector::{Fixed, Lane, VecFloat, VecInsn, VecMove, VecOp};
pub use verify::verify;
