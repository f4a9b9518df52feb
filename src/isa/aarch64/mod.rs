//! Arm A64: the Armv8-A and Armv9-A architecture in AArch64 state, without AArch32.
//!
//! ```text
//!   code ──► decode ──► lift ──► IR           MRS, MSR, SYS, traps ──► helpers (numbers here; what they do: system)
//! ```
//! Document: the Arm Architecture Reference Manual for A-profile architecture (DDI 0487).

pub mod calls;
pub mod decode;
pub mod features;
pub mod helpers;
pub mod lift;
pub mod mode;
pub mod regs;
pub mod table;
