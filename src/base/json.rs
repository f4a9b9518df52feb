//! JSON as QEMU takes it: a string may stand in single quotes, so that a shell's double quotes can hold a command.

/// Rewrites a stream of QEMU's JSON as plain JSON, wherever the stream is cut.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quotes {
    /// The quote of the string that the stream is in.
    quote: Option<u8>,
    /// A backslash came last.
    escaped: bool,
}

impl Quotes {
    /// Appends `bytes` to `into`, every string in double quotes.
    pub fn rewrite(&mut self, bytes: &[u8], into: &mut Vec<u8>) {
        for &byte in bytes {
            let Some(quote) = self.quote else {
                self.quote = matches!(byte, b'"' | b'\'').then_some(byte);
                into.push(if self.quote.is_some() { b'"' } else { byte });
                continue;
            };
            match (std::mem::take(&mut self.escaped), byte) {
                // No string goes over the end of its line: what is wrong in one line stays there.
                (_, b'\n') => {
                    self.quote = None;
                    into.push(byte);
                }
                // JSON has no such escape.
                (true, b'\'') => into.push(byte),
                (true, _) => into.extend([b'\\', byte]),
                (false, b'\\') => self.escaped = true,
                (false, byte) if byte == quote => {
                    self.quote = None;
                    into.push(b'"');
                }
                (false, b'"') => into.extend(b"\\\""),
                (false, byte) => into.push(byte),
            }
        }
    }
}

/// `text` as plain JSON.
pub fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    Quotes::default().rewrite(text.as_bytes(), &mut bytes);
    // Only whole ASCII characters are added or left out.
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_quote_makes_a_string() {
        for (given, plain_json) in [
            ("{'a': 'b'}", r#"{"a": "b"}"#),
            (r#"{"it's": 'say "x"'}"#, r#"{"it's": "say \"x\""}"#),
            (r#"['\'', "\'", '\"', '\\', "\\"]"#, r#"["'", "'", "\"", "\\", "\\"]"#),
            ("'open\n'next'", "\"open\n\"next\""),
        ] {
            assert_eq!(plain(given), plain_json);
            let (mut quotes, mut bytes) = (Quotes::default(), Vec::new());
            given.bytes().for_each(|byte| quotes.rewrite(&[byte], &mut bytes));
            assert_eq!(bytes, plain_json.as_bytes(), "a byte at a time");
        }
    }
}
