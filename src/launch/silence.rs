//! A guest that says nothing: its user is told once where to look.

use super::say::say;
use crate::base::Result;
use crate::cli::{Config, ConsolePlan};
use crate::host::Backend;
use crate::machine::{Control, Status};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a kernel may be silent. Firmware and kernels that boot say something within two or three seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for the first word of a guest whose console somebody can see; `any` is set when it comes.
///
/// # Errors
/// When the host has no thread left.
pub fn watch(config: &Config, plan: &ConsolePlan, any: Arc<AtomicBool>, control: Weak<Control>) -> Result<()> {
    let seen = |id: &String| plan.chardev(id).is_some_and(|spec| !matches!(spec.backend, Backend::Null | Backend::Vc));
    // Who debugs knows what the guest does, and may have stopped it.
    if config.run.stopped || plan.gdb.is_some() || !plan.serials.iter().flatten().any(seen) {
        return Ok(());
    }
    let program = config.program.clone();
    let body = move || {
        std::thread::sleep(PATIENCE);
        let runs = control.upgrade().is_some_and(|control| control.status() == Status::Running);
        if runs && !any.load(Ordering::Relaxed) {
            say(format_args!(
                "{program}: the guest has not written to its console for {} seconds: -append earlycon makes Linux \
                 speak early, -d int,guest_errors shows what the CPUs run into",
                PATIENCE.as_secs()
            ));
        }
    };
    crate::base::thread::spawn("silence", body).map(drop)
}
