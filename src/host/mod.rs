//! Room `host`: the outside world as devices see it.
//!
//! A device holds its end of a [`CharEnd`] or a [`Block`] and never learns what is on the other side: a terminal,
//! a socket, a file. Ends never block; what stands behind them has its own thread, which calls the `notify` that the
//! device's part gave. This room names no device and no machine.
#![forbid(unsafe_code)]

mod block;
mod chardev;
mod confine;
mod ends;
mod files;
mod folder;
mod heard;
mod input;
mod iothread;
mod link;
mod mux;
mod overlay;
mod port;
mod pty;
mod ringbuf;
mod signals;
mod socket;
mod spec;
mod standard;
mod stream;
mod telnet;
mod terminal;
mod vvfat;

pub use block::{BlockOptions, Cache, Format};
pub use chardev::{Chardevs, MuxKeys};
pub use confine::{Allowed, confine, lock_memory};
pub use ends::{Block, CharEnd, NullChar};
pub use folder::Folder;
pub use heard::Heard;
pub use signals::{Termination, watch_signals};
pub use spec::{Address, Backend, CharSpec, SocketSpec};
pub use standard::Standard;
pub use stream::{Bell, CharStream};
pub use terminal::restore as restore_terminal;

use crate::base::os_text;

#[cfg(test)]
mod tests;
