//! Errors that a person reads: one sentence that says what is wrong and, where known, what would be right.

use std::fmt;

/// What went wrong, as one line of text, or several things that did, with a line each. It is printed once, in `main`.
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

/// Several things that are wrong at once: looking goes on after the first, so that a user is told all in one run.
#[derive(Debug, Default)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// Takes a value out of a result, or keeps its error.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|e| self.add(e)).ok()
    }

    /// Adds an error; one that is there already is not said twice.
    pub fn add(&mut self, error: Error) {
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }

    /// All of them as one.
    ///
    /// # Errors
    /// When there are any.
    pub fn finish(self) -> Result<()> {
        let lines: Vec<String> = self.0.into_iter().map(|error| error.0).collect();
        if lines.is_empty() { Ok(()) } else { Err(Error(lines.join("\n"))) }
    }
}

/// The known name that a mistyped one was meant to be, as a half-sentence to put behind a message; empty when none is
/// near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let distance = |other: &&str| strsim::damerau_levenshtein(name, other);
    match known.into_iter().min_by_key(distance) {
        Some(near) if distance(&near) <= 1 + name.len() / 5 => format!("; is '{near}' meant?"),
        _ => String::new(),
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
