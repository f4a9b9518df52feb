//! Chips that are a family of their own.

mod cfi_flash;
pub mod fw_cfg;
mod sifive_test;

pub use cfi_flash::CFI_PFLASH01;
pub use fw_cfg::FW_CFG_MMIO;
pub use sifive_test::SIFIVE_TEST;
