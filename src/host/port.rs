//! A port: the bytes between a device's end and the I/O thread.
//!
//! A serial chip sends a byte at a time, megabytes of them, and must not pay a system call for each. So a write only
//! appends to a buffer; it wakes the I/O thread when that thread is asleep, and the thread, once it has written
//! something, stays awake for a moment and looks again by itself. The first byte after a pause goes out at once.

use super::ends::CharEnd;
use super::input::Input;
use mio::Waker;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How many bytes wait in each direction before a writer is told to come back.
pub(super) const LIMIT: usize = 64 << 10;
/// So many waiting bytes wake the I/O thread before its moment is over.
const WAKE_AT: usize = LIMIT / 2;

/// What is called when something has happened at a port.
pub(super) type Notify = Arc<dyn Fn() + Send + Sync>;

pub(super) struct Port {
    state: Mutex<State>,
    /// Signalled when the last byte has left.
    idle: Condvar,
    waker: Arc<Waker>,
}

#[derive(Default)]
struct State {
    output: VecDeque<u8>,
    input: Input,
    /// Bytes have been taken from `output` and are not written yet.
    in_flight: bool,
    /// Somebody is on the other side.
    open: bool,
    /// How many times somebody came there: the number of the latest visitor.
    visits: u64,
    /// The I/O thread looks only when woken.
    asleep: bool,
    /// A device's write was cut short.
    starved: bool,
    /// The I/O thread found no room for input.
    input_full: bool,
    breaks: u32,
    notify: Option<Notify>,
    /// Call `notify` though nothing came in.
    call: bool,
}

/// What the I/O thread finds when it looks at a port.
pub(super) struct Look {
    /// Bytes to write.
    pub output: Vec<u8>,
    /// How many bytes of input fit.
    pub room: usize,
    /// Who is to be told, with no lock held.
    pub notify: Option<Notify>,
}

impl Port {
    pub(super) fn new(waker: Arc<Waker>) -> Arc<Port> {
        let state = State { asleep: true, ..State::default() };
        Arc::new(Port { state: Mutex::new(state), idle: Condvar::new(), waker })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn wake(&self) {
        // It fails only when the thread is gone, and then nothing is lost that could be saved.
        let _ = self.waker.wake();
    }

    /// Takes what is to be written, unless the thread still holds bytes that the outside did not take.
    pub(super) fn look(&self, holding: bool) -> Look {
        let mut state = self.lock();
        let mut output = Vec::new();
        if !holding && !state.output.is_empty() {
            output.extend(state.output.drain(..));
        }
        state.in_flight = holding || !output.is_empty();
        state.asleep = false;
        let room = LIMIT - state.input.len().min(LIMIT);
        state.input_full = room == 0;
        let starved = state.starved && state.output.len() < LIMIT;
        if starved {
            state.starved = false;
        }
        let call = std::mem::take(&mut state.call) || starved;
        Look { output, room, notify: state.notify.clone().filter(|_| call) }
    }

    /// The thread is about to sleep: true when nothing has come in meanwhile.
    pub(super) fn sleep(&self) -> bool {
        let mut state = self.lock();
        state.asleep = state.output.is_empty();
        state.asleep
    }

    /// The bytes of the last look have been written or dropped.
    pub(super) fn written(&self) {
        let mut state = self.lock();
        state.in_flight = false;
        if state.output.is_empty() {
            self.idle.notify_all();
        }
    }

    /// Bytes have come in.
    pub(super) fn receive(&self, bytes: &[u8]) -> Option<Notify> {
        let mut state = self.lock();
        let visitor = state.visits;
        state.input.push(visitor, bytes);
        state.notify.clone()
    }

    /// A break condition has come in.
    pub(super) fn receive_break(&self) -> Option<Notify> {
        let mut state = self.lock();
        state.breaks += 1;
        state.notify.clone()
    }

    /// The other side came or went.
    pub(super) fn set_open(&self, open: bool) -> Option<Notify> {
        let mut state = self.lock();
        let changed = std::mem::replace(&mut state.open, open) != open;
        state.visits += u64::from(changed && open);
        state.notify.clone().filter(|_| changed)
    }

    /// Has `notify` called by the I/O thread, as it may not be called from inside `read` or `write`.
    pub(super) fn request_call(&self) {
        self.lock().call = true;
        self.wake();
    }

    /// Waits until everything is written, at most until `deadline`.
    pub(super) fn drain(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.output.is_empty() || state.in_flight {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return;
            }
            self.wake();
            state = self.idle.wait_timeout(state, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }
}

/// A device's end of a port.
#[derive(Clone)]
pub(super) struct PortEnd(pub Arc<Port>);

impl PortEnd {
    /// Takes input, and lets more come in if there was no room.
    fn take(&self, read: impl FnOnce(&mut Input) -> usize) -> usize {
        let mut state = self.0.lock();
        let count = read(&mut state.input);
        let wake = count > 0 && std::mem::take(&mut state.input_full);
        drop(state);
        if wake {
            self.0.wake();
        }
        count
    }

    /// Appends output as far as there is room, or drops it when nobody `listens`; returns how much was taken.
    fn append(&self, bytes: &[u8], listens: impl FnOnce(&State) -> bool) -> usize {
        let mut state = self.0.lock();
        if !listens(&state) {
            return bytes.len();
        }
        let before = state.output.len();
        let taken = bytes.len().min(LIMIT - before.min(LIMIT));
        state.output.extend(&bytes[..taken]);
        state.starved |= taken < bytes.len();
        let after = before + taken;
        let wake = std::mem::take(&mut state.asleep) || (before < WAKE_AT && after >= WAKE_AT);
        drop(state);
        if wake {
            self.0.wake();
        }
        taken
    }
}

impl CharEnd for PortEnd {
    fn write(&mut self, bytes: &[u8]) -> usize {
        // The thread drops it where nobody is, but logs it before.
        self.append(bytes, |_| true)
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        self.take(|input| input.read(into))
    }

    fn on_ready(&mut self, notify: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().notify = Some(notify.into());
        // What came before there was anybody to tell.
        self.0.request_call();
    }

    fn is_open(&self) -> bool {
        self.0.lock().open
    }

    fn visitor(&self) -> Option<u64> {
        let state = self.0.lock();
        state.input.sender().or(state.open.then_some(state.visits))
    }

    fn read_from(&mut self, visitor: u64, into: &mut [u8]) -> usize {
        self.take(|input| input.read_from(visitor, into))
    }

    fn write_to(&mut self, visitor: u64, bytes: &[u8]) -> usize {
        self.append(bytes, |state| state.open && state.visits == visitor)
    }

    fn take_break(&mut self) -> bool {
        let mut state = self.0.lock();
        let any = state.breaks > 0;
        state.breaks -= u32::from(any);
        any
    }
}
