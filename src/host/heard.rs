//! An end that remembers whether its device has ever sent anything.

use super::ends::CharEnd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A device's end of another end.
pub struct Heard {
    end: Box<dyn CharEnd>,
    any: Arc<AtomicBool>,
}

impl Heard {
    /// The same end; `any` is set when something is sent.
    pub fn new(end: Box<dyn CharEnd>, any: &Arc<AtomicBool>) -> Heard {
        Heard { end, any: any.clone() }
    }
}

impl CharEnd for Heard {
    fn write(&mut self, bytes: &[u8]) -> usize {
        if !bytes.is_empty() {
            self.any.store(true, Ordering::Relaxed);
        }
        self.end.write(bytes)
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        self.end.read(into)
    }

    fn on_ready(&mut self, notify: Box<dyn Fn() + Send + Sync>) {
        self.end.on_ready(notify);
    }

    fn is_open(&self) -> bool {
        self.end.is_open()
    }

    fn visitor(&self) -> Option<u64> {
        self.end.visitor()
    }

    fn read_from(&mut self, visitor: u64, into: &mut [u8]) -> usize {
        self.end.read_from(visitor, into)
    }

    fn write_to(&mut self, visitor: u64, bytes: &[u8]) -> usize {
        self.end.write_to(visitor, bytes)
    }

    fn has_focus(&self) -> bool {
        self.end.has_focus()
    }

    fn send_break(&mut self) {
        self.end.send_break();
    }

    fn take_break(&mut self) -> bool {
        self.end.take_break()
    }
}
