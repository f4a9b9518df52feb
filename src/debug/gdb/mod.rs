//! The gdb stub.
//!
//! ```text
//!   stream ─► wire (packets) ─► session ─► gdbstub ─► guest (its Target) ─► Control
//!                                  ▲                    └── layout (registers, as gdb is told of them)
//!                                  └── happenings: breakpoints, pauses, the end
//! ```
//! The crate `gdbstub` speaks the protocol; `session` joins what it lacks: QEMU's own packets, clients that come and
//! go, and clients that send nonsense. Threads are vCPUs, numbered from 1.

mod arch;
mod guest;
mod layout;
mod session;
#[cfg(test)]
mod tests;
mod wire;

pub use session::{Ending, Session};
