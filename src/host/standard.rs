//! The process's own stdin, stdout and stderr as ends that do not block: for guests whose calls go there directly,
//! past any serial line. A byte that a terminal's other user takes first is that user's.

use super::ends::CharEnd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;

/// What a write to a blocking terminal or pipe that is ready for some bytes surely takes without blocking.
pub(super) const SAFE_CHUNK: usize = 256;

/// Stdin to read from, and stdout or stderr to write to.
pub struct Standard {
    output: fn() -> BorrowedFd<'static>,
    /// Stdin has not ended.
    open: bool,
}

impl Standard {
    /// Stdin and stdout.
    pub fn out() -> Standard {
        Standard { output: || rustix::stdio::stdout(), open: true }
    }

    /// Stdin and stderr.
    pub fn err() -> Standard {
        Standard { output: || rustix::stdio::stderr(), open: true }
    }
}

/// Whether one of `flags` is there now. A descriptor that is closed or broken is ready to say so.
fn is_ready(fd: BorrowedFd<'_>, flags: PollFlags) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, flags)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut fds, Some(&at_once)), Ok(count) if count > 0)
}

impl CharEnd for Standard {
    fn write(&mut self, bytes: &[u8]) -> usize {
        let fd = (self.output)();
        let mut done = 0;
        while done < bytes.len() && is_ready(fd, PollFlags::OUT) {
            let chunk = &bytes[done..bytes.len().min(done + SAFE_CHUNK)];
            match rustix::io::write(fd, chunk) {
                Ok(count) => done += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break,
                // Nobody reads it any more: an end with nobody on the other side drops what it gets.
                Err(_) => return bytes.len(),
            }
        }
        done
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let stdin = rustix::stdio::stdin();
        if into.is_empty() || !self.open || !is_ready(stdin, PollFlags::IN) {
            return 0;
        }
        match rustix::io::read(stdin, into) {
            Ok(count) => {
                self.open = count > 0;
                count
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => 0,
            Err(_) => {
                self.open = false;
                0
            }
        }
    }

    fn on_ready(&mut self, _notify: Box<dyn Fn() + Send + Sync>) {}

    fn is_open(&self) -> bool {
        self.open
    }
}
