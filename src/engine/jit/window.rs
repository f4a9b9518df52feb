//! Closes code memory for writing when nothing has been written for a moment.
//!
//! Closing it behind every block would cost more than translating the block (two system calls that stop the other
//! threads to change what they may access), so a thread of its own does it behind a burst of blocks.

use super::cache::Shared;
use crate::base::{Result, thread};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::Duration;

/// How long code memory stays open behind the last write.
const LINGER: Duration = Duration::from_millis(10);

/// Whether code memory is open for writing, and who waits for that.
#[derive(Default)]
pub struct Window {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    ended: bool,
}

impl Window {
    /// Starts the thread that closes the code memory of `shared` until [`end`](Window::end).
    ///
    /// # Errors
    /// When the host has no thread for it.
    pub fn keep(self: &Arc<Window>, shared: Weak<Shared>) -> Result<()> {
        let window = self.clone();
        let run = move || window.close_behind_bursts(&shared);
        thread::spawn("code window", run).map(drop)
    }

    /// Says that code memory is open. The caller holds the lock of the cache.
    pub fn opened(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.open, true) {
            self.changed.notify_one();
        }
    }

    /// Ends the thread.
    pub fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    fn close_behind_bursts(&self, shared: &Weak<Shared>) {
        let mut seen = None;
        loop {
            let state = self.lock();
            let state = match seen {
                None => self.changed.wait_while(state, |state| !state.open && !state.ended),
                Some(_) => self
                    .changed
                    .wait_timeout_while(state, LINGER, |state| !state.ended)
                    .map(|(state, _)| state)
                    .map_err(|poisoned| std::sync::PoisonError::new(poisoned.into_inner().0)),
            };
            if state.unwrap_or_else(|poisoned| poisoned.into_inner()).ended {
                return;
            }
            let Some(shared) = shared.upgrade() else { return };
            let mut cache = shared.lock_idle();
            let writes = cache.memory().writes();
            if seen == Some(writes) {
                cache.memory().close();
                self.lock().open = false;
                seen = None;
            } else {
                seen = Some(writes);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
