//! Room `isa`: the architectures. A folder each, with the same file names in each: `regs decode lift/… mmu trap` and
//! the system registers. An architecture says what instructions mean (by lifting them to IR), how addresses are
//! translated and how traps are taken. It names no engine, no host instruction and no device.
#![forbid(unsafe_code)]

pub mod aarch64;
pub mod riscv64;
