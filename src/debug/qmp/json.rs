//! JSON as QMP has it: values that follow each other, read with either kind of quote and written with a space behind
//! each comma and colon.

use crate::base::json::Quotes;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// The longest value that is taken: nobody may fill the host's memory.
const LONGEST: usize = 4 << 20;

/// Text of a value, as QEMU spaces it.
pub fn text(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    // What is serialised here has string keys, and memory takes everything.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, Spaced));
    String::from_utf8(out).unwrap_or_default()
}

/// The same, over several lines.
pub fn pretty(line: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(line) else { return line.into() };
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, formatter));
    String::from_utf8(out).unwrap_or_default()
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// Cuts values out of a stream.
#[derive(Default)]
pub struct Reader {
    bytes: Vec<u8>,
    quotes: Quotes,
}

impl Reader {
    /// Takes bytes; [`next`](Reader::next) gives the values that they complete.
    pub fn push(&mut self, bytes: &[u8]) {
        self.quotes.rewrite(bytes, &mut self.bytes);
    }

    /// Forgets what has come in.
    pub fn clear(&mut self) {
        *self = Reader::default();
    }

    /// The next value, or what is wrong with it. What is wrong is skipped up to the end of its line.
    pub fn next(&mut self) -> Option<Result<Value, String>> {
        let blank = self.bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.bytes.drain(..blank);
        let mut values = serde_json::Deserializer::from_slice(&self.bytes).into_iter::<Value>();
        let (answer, used) = match values.next() {
            None => (None, self.bytes.len()),
            Some(Ok(value)) => (Some(Ok(value)), values.byte_offset()),
            Some(Err(e)) if e.is_eof() && self.bytes.len() <= LONGEST => (None, 0),
            Some(Err(e)) => {
                let line = self.bytes.iter().position(|byte| *byte == b'\n').map_or(self.bytes.len(), |at| at + 1);
                (Some(Err(format!("JSON parse error, {e}"))), line)
            }
        };
        self.bytes.drain(..used);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_cut_wherever_the_stream_is() {
        let mut reader = Reader::default();
        reader.push(b"{\"a\": [1");
        assert!(reader.next().is_none());
        reader.push(b", 2]}{\"b\":1}\nfoo bar\n {}\n");
        assert_eq!(reader.next(), Some(Ok(json!({"a": [1, 2]}))));
        assert_eq!(reader.next(), Some(Ok(json!({"b": 1}))));
        assert!(reader.next().unwrap().unwrap_err().starts_with("JSON parse error"), "once for the line");
        assert_eq!(reader.next(), Some(Ok(json!({}))));
        assert!(reader.next().is_none());
        reader.push(b"'open\n{'execute': 'x'}\n");
        assert!(reader.next().unwrap().is_err());
        assert_eq!(reader.next(), Some(Ok(json!({"execute": "x"}))), "a string ends with its line at the latest");
        reader.push(b"'half");
        reader.clear();
        reader.push(b"{'a': 'b'}");
        assert_eq!(reader.next(), Some(Ok(json!({"a": "b"}))));
    }

    #[test]
    fn text_is_spaced_as_qemu_does() {
        assert_eq!(text(&json!({"a": [1, 2], "b": {}})), "{\"a\": [1, 2], \"b\": {}}");
    }
}
