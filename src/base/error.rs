//! Errors that a person reads: one sentence that says what is wrong and, where known, what would be right.

use std::fmt;

/// What went wrong, as one line of text. It is printed once, in `main`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

/// The result of anything that can fail because of the user or the host.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that says `text`; line breaks become spaces so that it stays one line.
    pub fn new(text: impl fmt::Display) -> Error {
        Error(text.to_string().replace('\n', " "))
    }

    /// The same error with what was being done in front: `context: text`.
    pub fn within(self, context: impl fmt::Display) -> Error {
        Error::new(format!("{context}: {}", self.0))
    }
}

/// What the host said, without the number that it says it with.
pub fn os_text(e: &std::io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Makes an [`Error`](crate::base::Error) from a format string.
#[macro_export]
macro_rules! error {
    ($($arg:tt)*) => { $crate::base::Error::new(format!($($arg)*)) };
}

/// Returns early with an [`Error`](crate::base::Error) made from a format string.
#[macro_export]
macro_rules! fail {
    ($($arg:tt)*) => { return Err($crate::error!($($arg)*)) };
}
