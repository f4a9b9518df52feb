//! How other threads reach a vCPU: its pins, and requests that it serves between blocks.

use crate::fabric::{Pins, RamPage};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What one vCPU asks of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Make stores to this page be noticed: code is about to be made from it.
    DropWrites(RamPage),
    /// Look code up afresh: stores that were made before are seen by fetches after.
    Sync,
    /// Drop every translation.
    Flush,
    /// Drop the translations of one address space.
    FlushSpace(u32),
    /// Drop the translations of some pages, in one address space or in all.
    FlushPages {
        /// Address of the first page.
        start: u64,
        /// How many pages.
        count: u64,
        /// The address space, or all.
        space: Option<u32>,
    },
}

/// More requests than this become one [`Request::Flush`], which does what each of them asks for and more: a vCPU that
/// sleeps must not gather them without end.
const MOST: usize = 256;

/// How often one that waits for another looks whether it is served before it sleeps.
const SPINS: u32 = 256;
/// How often one that sleeps looks whether it shall give up.
const LOOK: Duration = Duration::from_millis(20);

/// The end of a vCPU that other threads hold.
pub struct Remote {
    pins: Arc<Pins>,
    requests: Mutex<Vec<Request>>,
    /// Requests posted so far, and of those the ones that have been served.
    posted: AtomicU64,
    served: AtomicU64,
    /// How many threads sleep until requests are served, and what wakes them.
    waiters: AtomicU64,
    sleep: Mutex<()>,
    wake: Condvar,
    /// Whether the vCPU may be using translations: false between blocks, once it has promised to serve requests
    /// before it goes on.
    running: AtomicBool,
    stop: AtomicBool,
}

impl Remote {
    /// The remote end of a vCPU that is not running.
    pub fn new() -> Arc<Remote> {
        Arc::new(Remote {
            pins: Pins::new(),
            requests: Mutex::default(),
            posted: AtomicU64::new(0),
            served: AtomicU64::new(0),
            waiters: AtomicU64::new(0),
            sleep: Mutex::default(),
            wake: Condvar::new(),
            running: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        })
    }

    /// The pins.
    pub fn pins(&self) -> &Arc<Pins> {
        &self.pins
    }

    /// Says that the vCPU is about to use translations. Requests must be served after this and before.
    pub fn begin(&self) {
        self.running.store(true, Ordering::SeqCst);
    }

    /// Says that it uses none until the next [`begin`](Remote::begin).
    pub fn pause(&self) {
        self.running.store(false, Ordering::SeqCst);
        self.wake_waiters();
    }

    /// Whether it may be using translations.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// Asks the vCPU to leave its engine's `run`; it stays asked until taken back with `false`.
    pub fn ask_stop(&self, stop: bool) {
        self.stop.store(stop, Ordering::SeqCst);
        if stop {
            self.pins.kick();
        }
    }

    /// Whether it is being asked to.
    pub fn stop_asked(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Posts a request; it is served before the vCPU runs its next block after noticing.
    pub fn post(&self, request: Request) {
        let mut requests = self.lock();
        if requests.first() != Some(&Request::Flush) {
            if request == Request::Flush || requests.len() >= MOST {
                requests.clear();
                requests.push(Request::Flush);
            } else {
                requests.push(request);
            }
        }
        self.posted.fetch_add(1, Ordering::SeqCst);
        drop(requests);
        // One that uses no translations serves requests before it does: there is no need to wake it.
        if self.is_running() {
            self.pins.kick();
        }
    }

    /// Takes the requests that wait, and the number to give to [`done`](Remote::done) once they are served.
    pub(super) fn take(&self) -> (Vec<Request>, u64) {
        let mut requests = self.lock();
        (std::mem::take(&mut *requests), self.posted.load(Ordering::SeqCst))
    }

    /// Says that everything up to `number` has been served.
    pub(super) fn done(&self, number: u64) {
        self.served.store(number, Ordering::SeqCst);
        if self.wake_waiters() {
            // It may wait for others, too, which may have no core of the host's.
            std::thread::yield_now();
        }
    }

    /// Wakes those who wait for what has just changed; they count as waiters before they look at it. Whether there were
    /// any.
    fn wake_waiters(&self) -> bool {
        let any = self.waiters.load(Ordering::SeqCst) > 0;
        if any {
            // The lock orders this after the look of one that is about to sleep.
            drop(self.sleep.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
            self.wake.notify_all();
        }
        any
    }

    /// Waits until everything posted to `self` so far has been served, or cannot matter because the vCPU serves it
    /// before it runs again. The caller must not be running itself, or two would wait for each other. This ends: a vCPU
    /// looks for requests between blocks, and a block does a bounded amount of work. False when `give_up` said so first.
    pub fn wait_served(&self, give_up: impl Fn() -> bool) -> bool {
        let posted = self.posted.load(Ordering::SeqCst);
        let waits = || self.is_running() && self.served.load(Ordering::SeqCst) < posted;
        for _ in 0..SPINS {
            if !waits() {
                return true;
            }
            std::hint::spin_loop();
        }
        // The other one may not have a core of the host's. Sleeping gives it ours, and gets it back at once when it has
        // served, which one that yields does not.
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let mut guard = self.sleep.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while waits() && !give_up() {
            guard = self.wake.wait_timeout(guard, LOOK).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        drop(guard);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        !waits()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeping_vcpu_is_not_woken_and_gathers_no_more_than_a_flush() {
        let remote = Remote::new();
        for page in 0..MOST as u32 {
            remote.post(Request::DropWrites(RamPage(page)));
        }
        assert_eq!(remote.lock().len(), MOST);
        remote.post(Request::DropWrites(RamPage(7)));
        remote.post(Request::FlushSpace(3));
        assert!(!remote.pins().wants_attention());
        assert!(remote.wait_served(|| panic!("it does not run")));
        let (requests, number) = remote.take();
        assert_eq!((requests, number), (vec![Request::Flush], MOST as u64 + 2));
        remote.begin();
        remote.post(Request::Sync);
        assert!(remote.pins().wants_attention());
        assert!(!remote.wait_served(|| true), "not served yet");
        remote.done(number + 1);
        assert!(remote.wait_served(|| false));
    }
}
