//! A stream for a thread of its own, which may wait: a monitor, QMP, a debugger.

use super::ends::CharEnd;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Something to wait for. Others may ring too: a debugger waits for bytes and for breakpoints alike.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Wakes whoever waits, or the next one who would.
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = true;
        self.changed.notify_all();
    }

    /// Waits until somebody rings, at most for `limit`; whether somebody did.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut rung = self.rung.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while !*rung {
            rung = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return false,
                Some(left) => self.changed.wait_timeout(rung, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0,
                None => self.changed.wait(rung).unwrap_or_else(|poisoned| poisoned.into_inner()),
            };
        }
        std::mem::take(&mut *rung)
    }
}

/// Whom a stream reads from and writes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Partner {
    /// Whoever is there.
    Anybody,
    /// Nobody: nobody is there.
    Nobody,
    /// One visitor: see [`CharEnd::visitor`].
    Visitor(u64),
}

/// A [`CharEnd`] whose reads and writes wait.
pub struct CharStream {
    end: Box<dyn CharEnd>,
    bell: Arc<Bell>,
    partner: Partner,
    /// Somebody was on the other side when last looked at.
    was_open: bool,
}

impl CharStream {
    /// Waits on `end` from now on.
    pub fn new(mut end: Box<dyn CharEnd>) -> CharStream {
        let bell = Arc::new(Bell::default());
        let ringer = Arc::clone(&bell);
        end.on_ready(Box::new(move || ringer.ring()));
        CharStream { end, bell, partner: Partner::Anybody, was_open: false }
    }

    /// The bell that [`wait`](Bell::wait) returns on: bytes, room, somebody came, left, or the focus moved.
    pub fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// The end itself, for what it says about focus and presence.
    pub fn end(&self) -> &dyn CharEnd {
        self.end.as_ref()
    }

    /// Turns to the visitor whose turn it is, and to nobody else until this is called again. Says when that is another
    /// than before (`true`), or when the one before has left and nobody has come (`false`).
    pub fn turn(&mut self) -> Option<bool> {
        let next = self.end.visitor().map_or(Partner::Nobody, Partner::Visitor);
        let before = std::mem::replace(&mut self.partner, next);
        let changed = before != next && !(before == Partner::Anybody && next == Partner::Nobody);
        changed.then_some(next != Partner::Nobody)
    }

    /// Whether [`turn`](CharStream::turn) found a visitor.
    pub fn has_visitor(&self) -> bool {
        matches!(self.partner, Partner::Visitor(_))
    }

    /// Reads what is there, without waiting.
    pub fn read_now(&mut self, into: &mut [u8]) -> usize {
        match self.partner {
            Partner::Anybody => self.end.read(into),
            Partner::Nobody => 0,
            Partner::Visitor(visitor) => self.end.read_from(visitor, into),
        }
    }

    fn write_now(&mut self, from: &[u8]) -> usize {
        match self.partner {
            Partner::Anybody => self.end.write(from),
            Partner::Nobody => from.len(),
            Partner::Visitor(visitor) => self.end.write_to(visitor, from),
        }
    }
}

impl io::Read for CharStream {
    /// Waits for bytes, also for somebody to come and send them; 0 when somebody who was there has left, once.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            // Looked at first: bytes that came before the other side left are still read.
            let open = self.end.is_open();
            match self.read_now(into) {
                0 if into.is_empty() || (!open && std::mem::take(&mut self.was_open)) => return Ok(0),
                0 => {
                    self.was_open |= open;
                    self.bell.wait(None);
                }
                count => {
                    self.was_open = true;
                    return Ok(count);
                }
            }
        }
    }
}

impl io::Write for CharStream {
    /// Waits for room.
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        loop {
            match self.write_now(from) {
                0 if !from.is_empty() => drop(self.bell.wait(None)),
                count => return Ok(count),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
