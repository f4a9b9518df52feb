//! The way out for those who exist before the machine does: the terminal's escape key, signals.

use crate::machine::Control;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

#[derive(Default)]
struct State {
    control: Option<Weak<Control>>,
    code: Option<u8>,
}

/// A wish to leave, kept until there is a machine that can.
#[derive(Default)]
pub struct Leave(Mutex<State>);

impl Leave {
    /// Nobody wishes to.
    pub fn new() -> Arc<Leave> {
        Arc::default()
    }

    /// Leaves with this code, as soon as possible.
    pub fn now(&self, code: u8) {
        let mut state = self.lock();
        state.code.get_or_insert(code);
        let control = state.control.as_ref().and_then(Weak::upgrade);
        drop(state);
        if let Some(control) = control {
            control.quit(code);
        }
    }

    /// From now on, leaving goes through `control`.
    pub fn through(&self, control: &Arc<Control>) {
        let mut state = self.lock();
        state.control = Some(Arc::downgrade(control));
        if let Some(code) = state.code {
            control.quit(code);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
