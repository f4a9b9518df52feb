//! Signals that end the process or stop it for a while.

use super::terminal;
use crate::base::Result;
use crate::error;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::emulate_default_handler;
use std::fmt;
use std::sync::Arc;

/// A request to end, from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termination {
    /// The signal's number.
    pub signal: i32,
    /// Who sent it, where a process did.
    pub pid: Option<i32>,
}

impl fmt::Display for Termination {
    /// `terminating on signal 15 from pid 1234 (timeout)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "terminating on signal {}", self.signal)?;
        let Some(pid) = self.pid else { return Ok(()) };
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let name = String::from_utf8_lossy(line.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
        let name = if name.is_empty() { "<unknown process>".into() } else { name };
        write!(f, " from pid {pid} ({name})")
    }
}

/// Watches for signals from now on. A file that outgrows a limit (SIGXFSZ) is an error of the write from then on, as a
/// full disk is, and ends nothing. `on_end` is called, on a thread of its own, at the first SIGINT, SIGTERM or
/// SIGHUP; at the second the terminal is given back and the process ends at once. Ctrl-Z gives the terminal
/// back while the process is stopped.
///
/// # Errors
/// What the host said.
pub fn watch_signals(on_end: impl Fn(Termination) + Send + 'static) -> Result<()> {
    let wanted = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT];
    let refused = |e: std::io::Error| error!("cannot watch for signals: {e}");
    // Nobody looks at the flag; that somebody listens is what keeps the signal from ending the process.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map_err(refused)?;
    let mut signals = SignalsInfo::<WithOrigin>::new(wanted).map_err(refused)?;
    let body = move || {
        let mut ending = false;
        for origin in signals.forever() {
            match origin.signal {
                SIGTSTP => {
                    terminal::restore();
                    let _ = emulate_default_handler(SIGTSTP);
                }
                SIGCONT => drop(terminal::resume()),
                SIGQUIT => {
                    terminal::restore();
                    let _ = emulate_default_handler(SIGQUIT);
                }
                signal if !ending => {
                    ending = true;
                    let pid = origin.process.map(|process| process.pid).filter(|pid| *pid != 0);
                    on_end(Termination { signal, pid });
                }
                _ => {
                    terminal::restore();
                    std::process::exit(1);
                }
            }
        }
    };
    crate::base::thread::spawn("signals", body)?;
    Ok(())
}
