//! A pseudo-terminal: we hold one side, a terminal program opens the other when it likes.

use super::link::{Driver, Link, Turn};
use super::os_text;
use crate::base::Result;
use crate::error;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{self, OptionalActions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often to look for somebody who opens the other side: the host tells only of those who leave.
const RETRY: Duration = Duration::from_millis(100);

pub(super) struct Pty {
    ours: OwnedFd,
    link: Option<PathBuf>,
}

impl Pty {
    /// Makes a pseudo-terminal; returns its name too.
    pub fn open(link: Option<&Path>) -> Result<(Pty, String)> {
        let refused = |e: io::Error| error!("cannot make a pseudo-terminal: {}", os_text(&e));
        let (ours, name) = make().map_err(refused)?;
        if let Some(link) = link {
            std::os::unix::fs::symlink(&name, link)
                .map_err(|e| error!("cannot make the link '{}': {}", link.display(), os_text(&e)))?;
        }
        Ok((Pty { ours, link: link.map(Path::to_path_buf) }, name))
    }

    fn somebody_there(&self) -> bool {
        let mut fds = [PollFd::new(&self.ours, PollFlags::OUT)];
        let polled = rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        polled.is_ok() && !fds[0].revents().contains(PollFlags::HUP)
    }
}

fn make() -> io::Result<(OwnedFd, String)> {
    let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&ours)?;
    rustix::pty::unlockpt(&ours)?;
    let name = rustix::pty::ptsname(&ours, Vec::new())?.to_string_lossy().into_owned();
    // Raw from the start: nothing is echoed or translated before a terminal program has set it up. Closing it again
    // also makes the host say that nobody is there.
    let theirs = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut modes = termios::tcgetattr(&theirs)?;
    modes.make_raw();
    termios::tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    let flags = rustix::fs::fcntl_getfl(&ours)?;
    rustix::fs::fcntl_setfl(&ours, flags | OFlags::NONBLOCK)?;
    Ok((ours, name))
}

impl Driver for Pty {
    fn turn(&mut self, now: Instant) -> Turn {
        let later = Turn::Waiting { watch: None, until: Some(now + RETRY) };
        if !self.somebody_there() {
            return later;
        }
        match self.ours.try_clone().and_then(Link::both) {
            Ok(link) => Turn::Connected(link),
            Err(_) => later,
        }
    }

    fn close(&mut self) {
        if let Some(link) = self.link.take() {
            // Somebody may have tidied up before us.
            let _ = std::fs::remove_file(link);
        }
    }
}
