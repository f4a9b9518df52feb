//! Where the architectural registers are: the slots that lifted code works on.
//!
//! ```text
//!   0..30 X0-X30   31 SP   64.. V0-V31, low and high half in turn   128.. flags, FPCR, FPSR, exclusives   160.. system
//! ```
//! SP is the current one: what switches the exception level or writes SPSel swaps the banked copies in and out.

use super::flags;
use crate::cpu::Cpu;
use crate::ir::Slot;

/// General register `X[n]`, `n` up to 30.
pub const fn x(n: u32) -> Slot {
    Slot(n as u16)
}

/// The stack pointer in use.
pub const SP: Slot = Slot(31);

/// Bits 63:0 of vector register `V[n]`.
pub const fn v_low(n: u32) -> Slot {
    Slot(64 + 2 * n as u16)
}

/// Bits 127:64 of vector register `V[n]`.
pub const fn v_high(n: u32) -> Slot {
    Slot(65 + 2 * n as u16)
}

/// How PSTATE's flags follow from the next three: a [`super::flags::Kind`].
pub const FLAGS: Slot = Slot(128);
/// First operand of the flags.
pub const FLAG_A: Slot = Slot(129);
/// Second operand of the flags.
pub const FLAG_B: Slot = Slot(130);
/// Third operand of the flags.
pub const FLAG_C: Slot = Slot(131);
/// FPCR.
pub const FPCR: Slot = Slot(132);
/// FPSR, less the flags that are still in [`Cpu::float_flags`].
pub const FPSR: Slot = Slot(133);
/// Virtual address that the exclusive monitor watches; `u64::MAX` when it is open.
pub const EXCLUSIVE_ADDRESS: Slot = Slot(134);
/// What the load-exclusive found there.
pub const EXCLUSIVE_VALUE: Slot = Slot(135);
/// The second doubleword, when it was a pair of those.
pub const EXCLUSIVE_HIGH: Slot = Slot(136);
/// Where the last BR, BLR or kin went, with the branch type that PSTATE.BTYPE has there in bits 1:0. So nothing has to
/// clear it: behind that instruction it says nothing.
pub const BRANCHED: Slot = Slot(137);
/// Vectors that hold something within an instruction.
pub const TEMPS: [Slot; 4] = [Slot(138), Slot(140), Slot(144), Slot(146)];
/// A vector that is zero.
pub const ZERO_VECTOR: Slot = Slot(142);
/// First slot of the system registers.
pub const FIRST_SYSREG: u16 = 160;

/// PSTATE.NZCV as bits 31:28, as the register NZCV and SPSRs have them.
pub fn nzcv(cpu: &Cpu) -> u64 {
    flags::nzcv(cpu.get(FLAGS), cpu.get(FLAG_A), cpu.get(FLAG_B), cpu.get(FLAG_C))
}

/// PSTATE.BTYPE.
pub fn branch_type(cpu: &Cpu) -> u64 {
    match cpu.get(BRANCHED) ^ cpu.pc {
        branch_type @ 1..=3 => branch_type,
        _ => 0,
    }
}

/// Sets PSTATE.BTYPE for the instruction at `pc`.
pub fn set_branch_type(cpu: &mut Cpu, pc: u64, branch_type: u64) {
    cpu.set(BRANCHED, pc | branch_type & 3);
}

/// Sets PSTATE.NZCV from bits 31:28.
pub fn set_nzcv(cpu: &mut Cpu, value: u64) {
    cpu.set(FLAGS, flags::Kind::Known as u64);
    cpu.set(FLAG_A, value & 0xf000_0000);
}
