//! Room `host`: the outside world as devices see it.
//!
//! A device holds its end of a [`CharEnd`] or a [`Block`] and never learns what is on the other side: a terminal,
//! a socket, a file. Ends never block; what stands behind them has its own thread, which calls the `notify` that the
//! device's part gave. This room names no device and no machine.
#![forbid(unsafe_code)]

pub mod block;
mod ends;
mod spec;

pub use block::{BlockOptions, Cache, Format};
pub use ends::{Block, CharEnd, NullChar};
pub use spec::{Address, Backend, CharSpec, SocketSpec};
