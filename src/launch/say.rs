//! Messages for the user, on stderr: what `-msg` puts in front of them.

use crate::cli::Config;
use jiff::Timestamp;
use std::fmt;
use std::io::Write;
use std::sync::OnceLock;

/// What stands in front of every message.
struct Style {
    timestamp: bool,
    guest: Option<String>,
}

static STYLE: OnceLock<Style> = OnceLock::new();

/// From now on messages look as the command line says.
pub fn set_style(config: &Config) {
    let messages = config.run.messages;
    let guest = config.run.name.clone().filter(|_| messages.guest_name);
    // A process has one command line.
    let _ = STYLE.set(Style { timestamp: messages.timestamp, guest });
}

/// Tells the user something. A stderr that nobody reads any more is no reason to stop, and must not panic.
pub fn say(line: fmt::Arguments<'_>) {
    let _ = match STYLE.get() {
        Some(style) => writeln!(std::io::stderr(), "{style}{line}"),
        None => writeln!(std::io::stderr(), "{line}"),
    };
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.timestamp {
            write!(f, "{:.6} ", Timestamp::now())?;
        }
        self.guest.as_ref().map_or(Ok(()), |guest| write!(f, "{guest} "))
    }
}
