//! Serial ports.

mod ns16550;
mod pl011;

pub use ns16550::NS16550;
pub use pl011::PL011;
