//! Serial ports.

mod ns16550;

pub use ns16550::NS16550;
