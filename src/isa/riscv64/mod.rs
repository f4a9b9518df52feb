//! RISC-V, RV64.

pub mod extensions;
pub mod helpers;
pub mod mode;
pub mod regs;
