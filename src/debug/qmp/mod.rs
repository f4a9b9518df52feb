//! QMP: QEMU's commands and events as JSON.
//!
//! ```text
//!   stream ─► json (values) ─► session: greeting, negotiation ─► commands (the table) ─► Control
//!                                 ▲ happenings become events
//! ```

mod commands;
mod json;
mod session;
#[cfg(test)]
mod tests;

pub use session::Session;
