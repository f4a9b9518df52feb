//! Mimus, a machine emulator. The rooms; `tests/layers.rs` says which may import which.

pub mod base;
pub mod boot;
pub mod cli;
pub mod cpu;
pub mod debug;
pub mod engine;
pub mod fabric;
pub mod float;
pub mod host;
pub mod hw;
pub mod ir;
pub mod isa;
pub mod launch;
pub mod machine;
pub mod semihosting;
