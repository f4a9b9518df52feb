//! Interrupt controllers.

mod aclint;
mod gic_block;
mod gicv2;
mod gicv3;
mod sifive_plic;

pub use aclint::{ACLINT_MSWI, ACLINT_MTIMER, ACLINT_SSWI, CLINT};
pub use gicv2::GICV2;
pub use gicv3::GICV3;
pub use sifive_plic::SIFIVE_PLIC;
