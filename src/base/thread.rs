//! Threads: the one place that starts them, so that a host without room for one is told in a sentence.

use super::{Result, os_text};
use crate::error;
use std::num::NonZeroU64;
use std::thread::{Builder, JoinHandle};

/// Stack of each thread in bytes, whatever the user's limit for the first one is.
const STACK: usize = 8 << 20;

/// Starts a thread called `name`.
///
/// # Errors
/// When the host has no room for it.
pub fn spawn<T: Send + 'static>(name: &str, body: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
    let spawned = Builder::new().name(name.into()).stack_size(STACK).spawn(body);
    spawned.map_err(|e| error!("the host gives no thread for '{name}': {}", os_text(&e)))
}

/// Makes the calling thread wake when it asked to, not up to 50 µs later, which Linux's timer slack allows: guests wait
/// for timers all the time.
pub fn wake_on_time() {
    // A host that refuses wakes it later.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_its_name_and_can_ask_for_no_slack() {
        let thread = spawn("punctual", || {
            wake_on_time();
            let slack = rustix::thread::current_timer_slack().unwrap();
            (std::thread::current().name().map(str::to_string), slack)
        });
        assert_eq!(thread.unwrap().join().unwrap(), (Some("punctual".to_string()), 1));
    }
}
