//! Where the architectural registers are: the slots that lifted code works on.
//!
//! ```text
//!   0..30 X0-X30   31 SP   64.. V0-V31, low and high half in turn   128.. NZCV, FPCR, FPSR, exclusives   160.. system
//! ```
//! SP is the current one: what switches the exception level or writes SPSel swaps the banked copies in and out.

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

/// PSTATE.N, in bit 63; the other bits are anything. So a result is its own N flag.
pub const FLAG_N: Slot = Slot(128);
/// PSTATE.Z, which is set when this is 0. So a result is its own Z flag.
pub const FLAG_Z: Slot = Slot(129);
/// PSTATE.C: 0 or 1.
pub const FLAG_C: Slot = Slot(130);
/// PSTATE.V, in bit 63; the other bits are anything.
pub const FLAG_V: Slot = Slot(131);
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
/// PSTATE.BTYPE.
pub const BTYPE: Slot = Slot(137);
/// First slot of the system registers.
pub const FIRST_SYSREG: u16 = 160;

/// PSTATE.NZCV as bits 31:28, as the register NZCV and SPSRs have them.
pub fn nzcv(cpu: &Cpu) -> u64 {
    pack_nzcv(cpu.get(FLAG_N), cpu.get(FLAG_Z), cpu.get(FLAG_C), cpu.get(FLAG_V))
}

/// Sets PSTATE.NZCV from bits 31:28.
pub fn set_nzcv(cpu: &mut Cpu, value: u64) {
    let [n, z, c, v] = unpack_nzcv(value);
    cpu.set(FLAG_N, n);
    cpu.set(FLAG_Z, z);
    cpu.set(FLAG_C, c);
    cpu.set(FLAG_V, v);
}

/// The flags' slots as bits 31:28.
pub const fn pack_nzcv(n: u64, z: u64, c: u64, v: u64) -> u64 {
    (n >> 63) << 31 | ((z == 0) as u64) << 30 | (c & 1) << 29 | (v >> 63) << 28
}

/// What the slots N, Z, C, V hold for bits 31:28.
pub const fn unpack_nzcv(value: u64) -> [u64; 4] {
    [(value >> 31 & 1) << 63, value >> 30 & 1 ^ 1, value >> 29 & 1, (value >> 28 & 1) << 63]
}
