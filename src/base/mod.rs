//! Room `base`: what every room may use and that itself uses nothing.
//!
//! Errors as sentences, bit fields, the `-d` log, names of guest code, QEMU's quotes, and the two ways of saying that
//! something is odd: [`guest_error!`](crate::guest_error) (the guest did something silly) and [`gap!`](crate::gap) (we
//! do not model this).
#![forbid(unsafe_code)]

pub mod bits;
pub mod dlog;
mod error;
pub mod json;
pub mod symbols;
pub mod thread;

pub use error::{Error, Errors, Result, nearest, os_text};

/// The QEMU release whose command line and monitor these are: scripts look for it.
pub const QEMU_VERSION: &str = "10.0.2";

/// This program's own version, and the commit that it was built from where that is known: `mimus 1.2.3 (0123456789ab)`.
pub fn version() -> String {
    let commit = option_env!("MIMUS_COMMIT").map(|commit| format!(" ({commit})")).unwrap_or_default();
    concat!("mimus ", env!("CARGO_PKG_VERSION")).to_string() + &commit
}
