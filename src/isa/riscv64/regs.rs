//! The register table: every architectural register is a slot.

use crate::ir::Slot;

/// Integer register `x[n]`; `x0` is never written.
pub const fn x(n: u32) -> Slot {
    Slot(n as u16)
}

/// Floating-point register `f[n]`, NaN-boxed.
pub const fn f(n: u32) -> Slot {
    Slot(32 + n as u16)
}

/// Virtual address that the last LR reserved; `u64::MAX` when nothing is.
pub const RESERVED_ADDRESS: Slot = Slot(64);
/// What LR loaded from there.
pub const RESERVED_VALUE: Slot = Slot(65);
/// First slot of the CSRs and of what they hold.
pub const FIRST_CSR: u16 = 66;
