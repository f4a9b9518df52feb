//! Watchdogs.

mod sbsa;

pub use sbsa::SBSA_GWDT;
