//! The way out for those who exist before the machine does: the terminal's escape key, signals.

use crate::host::restore_terminal;
use crate::machine::Control;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// The way out: through the machine, once there is one.
#[derive(Default)]
pub struct Leave(Mutex<Option<Weak<Control>>>);

impl Leave {
    /// There is no machine yet.
    pub fn new() -> Arc<Leave> {
        Arc::default()
    }

    /// Leaves with this code, as soon as possible. Before there is a machine that is at once: a server that waits
    /// for its client would wait for ever.
    pub fn now(&self, code: u8) {
        let control = self.lock();
        match &*control {
            None => {
                restore_terminal();
                std::process::exit(code.into());
            }
            Some(control) => {
                if let Some(control) = control.upgrade() {
                    control.quit(code);
                }
            }
        }
    }

    /// From now on, leaving goes through `control`.
    pub fn through(&self, control: &Arc<Control>) {
        *self.lock() = Some(Arc::downgrade(control));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Weak<Control>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
