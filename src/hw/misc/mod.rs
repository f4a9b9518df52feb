//! Chips that are a family of their own.

mod cfi_flash;
pub mod fw_cfg;
mod pl061;
mod platform_slot;
mod pvpanic;
mod sifive_test;

pub use cfi_flash::CFI_PFLASH01;
pub use fw_cfg::FW_CFG_MMIO;
pub use pl061::PL061;
pub use platform_slot::{BUS as PLATFORM_BUS, PLATFORM_SLOT};
pub use pvpanic::PVPANIC;
pub use sifive_test::SIFIVE_TEST;
