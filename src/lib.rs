//! Mimus, a machine emulator. The rooms, lowest layer first; `tests/layers.rs` says which may import which.

pub mod base;
pub mod fabric;
pub mod host;
pub mod hw;
