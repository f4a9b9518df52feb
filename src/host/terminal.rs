//! The terminal in raw mode, and back on every way out.
//!
//! The terminal belongs to the process, so what it was is kept in one place here. It comes back by
//! [`restore`] (leaving, signals), by the panic hook, and around a stop (Ctrl-Z).

use rustix::termios::{self, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios};
use std::io;
use std::sync::{Mutex, MutexGuard, Once};

struct Modes {
    before: Termios,
    raw: Termios,
}

static MODES: Mutex<Option<Modes>> = Mutex::new(None);
static PANIC_HOOK: Once = Once::new();

fn modes() -> MutexGuard<'static, Option<Modes>> {
    MODES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Puts the terminal on stdin, if it is one, into raw mode; with `signal` Ctrl-C and Ctrl-Z keep acting on us.
///
/// # Errors
/// What the host said.
pub(super) fn make_raw(signal: bool) -> io::Result<()> {
    let stdin = rustix::stdio::stdin();
    let Ok(current) = termios::tcgetattr(stdin) else { return Ok(()) };
    PANIC_HOOK.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            next(info);
        }));
    });
    let mut modes = modes();
    let before = modes.take().map_or(current, |modes| modes.before);
    let raw = raw_of(&before, signal);
    *modes = Some(Modes { before, raw });
    drop(modes);
    resume()
}

/// Characters as they are typed, output lines still ended by carriage return and line feed.
fn raw_of(before: &Termios, signal: bool) -> Termios {
    let mut raw = before.clone();
    let output = raw.output_modes | OutputModes::OPOST;
    raw.make_raw();
    raw.output_modes = output;
    raw.local_modes.set(LocalModes::ISIG, signal);
    raw.input_modes.remove(InputModes::IXON);
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}

/// Raw again after a stop, unless in the background, where touching the terminal would stop us anew.
pub(super) fn resume() -> io::Result<()> {
    let stdin = rustix::stdio::stdin();
    if termios::tcgetpgrp(stdin).is_ok_and(|group| group != rustix::process::getpgrp()) {
        return Ok(());
    }
    if let Some(modes) = &*modes() {
        termios::tcsetattr(stdin, OptionalActions::Now, &modes.raw)?;
    }
    Ok(())
}

/// Gives the terminal back as it was. Harmless at any time, on any thread, more than once.
pub fn restore() {
    if let Some(modes) = &*modes() {
        // Nothing more can be done about a terminal that is gone.
        let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &modes.before);
    }
}

/// The terminal is given back and no longer ours.
pub(super) fn release() {
    restore();
    *modes() = None;
}
