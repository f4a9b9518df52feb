//! A stream that keeps the last bytes in memory, for tests and for the monitor's `ringbuf_read`.

use super::ends::CharEnd;
use super::port::Notify;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

pub(super) struct Ringbuf {
    state: Mutex<State>,
    size: usize,
}

#[derive(Default)]
struct State {
    /// What the device sent; of too much the oldest is dropped.
    output: VecDeque<u8>,
    input: VecDeque<u8>,
    notify: Option<Notify>,
}

impl Ringbuf {
    pub(super) fn new(size: usize) -> Arc<Ringbuf> {
        Arc::new(Ringbuf { state: Mutex::default(), size })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes up to `limit` of the bytes that the device sent, the oldest first.
    pub(super) fn take(&self, limit: usize) -> Vec<u8> {
        let mut state = self.lock();
        let count = limit.min(state.output.len());
        state.output.drain(..count).collect()
    }

    /// Gives the device bytes to receive.
    pub(super) fn give(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.input.extend(bytes);
        let notify = state.notify.clone();
        drop(state);
        if let Some(notify) = notify {
            notify();
        }
    }
}

pub(super) struct RingEnd(pub Arc<Ringbuf>);

impl CharEnd for RingEnd {
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut state = self.0.lock();
        state.output.extend(bytes);
        let excess = state.output.len().saturating_sub(self.0.size);
        state.output.drain(..excess);
        bytes.len()
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let mut state = self.0.lock();
        let count = into.len().min(state.input.len());
        for (to, from) in into.iter_mut().zip(state.input.drain(..count)) {
            *to = from;
        }
        count
    }

    fn on_ready(&mut self, notify: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().notify = Some(notify.into());
    }
}
