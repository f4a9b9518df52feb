//! The words behind a command.

use super::expr;
use super::{Fault, Monitor, usage};

/// What is left of a line.
pub struct Args<'a>(&'a str);

impl<'a> Args<'a> {
    /// A whole line.
    pub fn new(line: &'a str) -> Args<'a> {
        Args(line.trim())
    }

    /// The rest, taken away from here.
    pub fn take(&mut self) -> Args<'a> {
        Args(std::mem::take(&mut self.0))
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the command: `x/4i` is `x`.
    pub fn command(&mut self) -> &'a str {
        self.until(|c| c.is_whitespace() || c == '/')
    }

    /// The next word; empty when there is none.
    pub fn word(&mut self) -> &'a str {
        self.until(char::is_whitespace)
    }

    /// What follows a slash right behind the command.
    pub fn format(&mut self) -> &'a str {
        match self.0.strip_prefix('/') {
            Some(rest) => {
                self.0 = rest;
                self.word()
            }
            None => "",
        }
    }

    /// Whether the option `-letter` comes next.
    pub fn option(&mut self, letter: char) -> bool {
        let mut ahead = Args(self.0);
        let found = ahead.word().strip_prefix('-').is_some_and(|rest| rest.chars().eq([letter]));
        if found {
            *self = ahead;
        }
        found
    }

    /// An expression up to the end of the line.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn expression(&mut self, monitor: &Monitor) -> Result<u64, Fault> {
        let (value, rest) = expr::read(self.0, monitor).map_err(Fault::Usage)?;
        self.0 = rest.trim_start();
        Ok(value)
    }

    /// The name of a file, possibly in quotes.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&mut self) -> Result<String, Fault> {
        let name = match self.0.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((name, rest)) => {
                self.0 = rest.trim_start();
                name
            }
            None => self.word(),
        };
        if name.is_empty() { usage("a file name is missing") } else { Ok(name.into()) }
    }

    fn until(&mut self, stop: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(stop).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest.trim_start();
        word
    }
}
