//! RISC-V, RV64.

pub mod decode;
pub mod disasm;
pub mod extensions;
pub mod helpers;
pub mod lift;
pub mod mode;
pub mod regs;
pub mod table;
