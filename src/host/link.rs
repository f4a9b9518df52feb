//! A link: what the I/O thread reads from and writes to while somebody is on the other side.

use super::telnet::Telnet;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

/// A direction of a link.
pub(super) struct Side {
    pub fd: OwnedFd,
    /// Reads and writes answer at once, if only with "not now". Otherwise the thread must be told that it may.
    pub nonblocking: bool,
    /// The thread may try.
    pub ready: bool,
    /// The poller knows it.
    pub registered: bool,
    /// The poller cannot tell (a regular file): it is always ready.
    pub always: bool,
}

impl Side {
    /// A side whose `fd` never blocks.
    pub fn nonblocking(fd: OwnedFd) -> Side {
        Side { fd, nonblocking: true, ready: true, registered: false, always: false }
    }

    /// A side whose `fd` may block, because it is shared with others who expect that.
    pub fn blocking(fd: OwnedFd) -> Side {
        Side { fd, nonblocking: false, ready: false, registered: false, always: false }
    }

    /// A side of a regular file.
    pub fn file(fd: OwnedFd) -> Side {
        Side { fd, nonblocking: true, ready: true, registered: false, always: true }
    }

    pub fn raw(&self) -> i32 {
        self.fd.as_raw_fd()
    }
}

/// What the end of the input means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AtEof {
    /// There will be no more input; output goes on (a closed stdin).
    Deaf,
    /// The other side has left.
    Lost,
    /// Nothing: errors on a datagram socket are about earlier datagrams.
    Ignored,
}

pub(super) struct Link {
    pub reader: Option<Side>,
    pub writer: Option<Side>,
    pub at_eof: AtEof,
    /// The most that one write may hold.
    pub chunk: usize,
    pub telnet: Option<Telnet>,
}

impl Link {
    pub fn new(reader: Option<Side>, writer: Option<Side>, at_eof: AtEof) -> Link {
        Link { reader, writer, at_eof, chunk: usize::MAX, telnet: None }
    }

    /// A link over one descriptor that goes both ways and does not block.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn both(fd: OwnedFd) -> io::Result<Link> {
        // The poller knows a descriptor once, so each direction has its own.
        let writer = Side::nonblocking(fd.try_clone()?);
        Ok(Link::new(Some(Side::nonblocking(fd)), Some(writer), AtEof::Lost))
    }
}

/// What became of a read or a write.
pub(super) enum Moved {
    Bytes(usize),
    NotNow,
    /// The host has no room: a full disk, a limit, a quota. It may have some later.
    NoRoom(Errno),
    End,
}

/// Reads once.
pub(super) fn read(side: &Side, into: &mut [u8]) -> Moved {
    match rustix::io::read(&side.fd, into) {
        Ok(0) => Moved::End,
        Ok(count) => Moved::Bytes(count),
        Err(Errno::AGAIN | Errno::INTR) => Moved::NotNow,
        // A pseudo-terminal whose other side is closed says so with EIO, a dead connection in many ways.
        Err(_) => Moved::End,
    }
}

/// Writes once.
pub(super) fn write(side: &Side, from: &[u8]) -> Moved {
    match rustix::io::write(&side.fd, from) {
        Ok(count) => Moved::Bytes(count),
        Err(Errno::AGAIN | Errno::INTR) => Moved::NotNow,
        Err(full @ (Errno::NOSPC | Errno::FBIG | Errno::DQUOT)) => Moved::NoRoom(full),
        Err(_) => Moved::End,
    }
}

/// How a driver stands after it was given a turn.
pub(super) enum Turn {
    /// Somebody is on the other side.
    Connected(Link),
    /// Nobody yet: call again when one of these happens.
    Waiting {
        /// The descriptor becomes readable (`false`) or writable (`true`).
        watch: Option<(i32, bool)>,
        /// This time has come.
        until: Option<Instant>,
    },
}

/// Gets links: once for a terminal, again and again for a listening socket. Runs on the I/O thread and never blocks.
pub(super) trait Driver: Send {
    /// Goes on towards a link; called only while there is none.
    fn turn(&mut self, now: Instant) -> Turn;

    /// The link is gone, and its descriptors are closed.
    fn lost(&mut self, _now: Instant) {}

    /// The stream is closed for good.
    fn close(&mut self) {}
}

/// A driver with one link for its whole life.
pub(super) struct Fixed(pub Option<Link>);

impl Driver for Fixed {
    fn turn(&mut self, _now: Instant) -> Turn {
        match self.0.take() {
            Some(link) => Turn::Connected(link),
            None => Turn::Waiting { watch: None, until: None },
        }
    }
}
