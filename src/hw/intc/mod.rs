//! Interrupt controllers.

mod aclint;
mod sifive_plic;

pub use aclint::{ACLINT_MSWI, ACLINT_MTIMER, ACLINT_SSWI, CLINT};
pub use sifive_plic::SIFIVE_PLIC;
