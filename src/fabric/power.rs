//! The lines by which a guest asks for reset and power-off.

use std::sync::{Arc, Mutex};

/// What a guest asked of the board's power logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerRequest {
    /// Reset of the whole board.
    Reset,
    /// Power-off; the process exits with this code (0 unless a test device says otherwise).
    Off(u8),
    /// The guest says that it has crashed (pvpanic and its kin).
    Panicked,
    /// It has crashed, and a crash kernel of its own takes over.
    CrashLoaded,
    /// It says that it shuts down, and leaves the power-off to the board.
    SaidShutdown,
    /// A watchdog was not fed.
    Watchdog,
}

/// The board's end of those lines. The first request stands until it is taken.
pub struct Power {
    request: Mutex<Option<PowerRequest>>,
    notify: Box<dyn Fn() + Send + Sync>,
}

impl Power {
    /// A line that calls `notify` (which must not block) at each new request.
    pub fn new(notify: impl Fn() + Send + Sync + 'static) -> Arc<Power> {
        Arc::new(Power { request: Mutex::new(None), notify: Box::new(notify) })
    }

    /// Asks; an earlier request that nobody has taken yet wins.
    pub fn request(&self, request: PowerRequest) {
        self.lock().get_or_insert(request);
        (self.notify)();
    }

    /// Takes the request that stands, if any.
    pub fn take(&self) -> Option<PowerRequest> {
        self.lock().take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<PowerRequest>> {
        self.request.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
