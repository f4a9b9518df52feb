//! Chips that are a family of their own.

pub mod fw_cfg;
mod sifive_test;

pub use fw_cfg::FW_CFG_MMIO;
pub use sifive_test::SIFIVE_TEST;
