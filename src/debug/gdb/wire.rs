//! Packets on the wire: `$body#checksum`, acknowledged with `+` or `-` until the client asks for silence.

/// The longest packet that is taken.
pub const LONGEST: usize = 0x8000;

/// Something that came in whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// The body of a packet whose checksum is right.
    Packet(Vec<u8>),
    /// A packet that is damaged or too long.
    Damaged,
    /// The client did not understand the last answer.
    Again,
    /// Ctrl-C.
    Interrupt,
}

/// Reads packets byte by byte.
#[derive(Default)]
pub struct Reader {
    state: State,
    body: Vec<u8>,
    sum: u8,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    Body,
    Checksum(Option<u8>),
}

impl Reader {
    /// Takes a byte; returns what it completes.
    pub fn push(&mut self, byte: u8) -> Option<Input> {
        match (&self.state, byte) {
            (State::Between, b'$') => self.begin(),
            (State::Between, b'-') => return Some(Input::Again),
            (State::Between, 3) => return Some(Input::Interrupt),
            // Acknowledgements, and noise.
            (State::Between, _) => {}
            (State::Body, b'#') => self.state = State::Checksum(None),
            // The client gave the packet up and sends another one.
            (State::Body, b'$') => self.begin(),
            (State::Body, byte) => {
                // What is too long is counted no further, so that nobody fills the host's memory.
                if self.body.len() <= LONGEST {
                    self.body.push(byte);
                }
                self.sum = self.sum.wrapping_add(byte);
            }
            (State::Checksum(None), byte) => self.state = State::Checksum(Some(byte)),
            (State::Checksum(Some(high)), low) => {
                let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
                let right = digit(*high).zip(digit(low)).is_some_and(|(high, low)| high << 4 | low == self.sum);
                self.state = State::Between;
                let body = std::mem::take(&mut self.body);
                let whole = right && body.len() <= LONGEST;
                return Some(if whole { Input::Packet(body) } else { Input::Damaged });
            }
        }
        None
    }

    fn begin(&mut self) {
        *self = Reader { state: State::Body, ..Reader::default() };
    }
}

/// A packet with this body.
pub fn packet(body: &[u8]) -> Vec<u8> {
    let sum = body.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    [b"$", body, format!("#{sum:02x}").as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(bytes: &[u8]) -> Vec<Input> {
        let mut reader = Reader::default();
        bytes.iter().filter_map(|byte| reader.push(*byte)).collect()
    }

    #[test]
    fn packets_are_told_from_damage() {
        let good = Input::Packet(b"g".to_vec());
        assert_eq!(inputs(b"+$g#67"), [good]);
        assert_eq!(inputs(b"$g#68$g#zz"), [Input::Damaged, Input::Damaged]);
        assert_eq!(inputs(b"$ab$g#67-\x03"), [Input::Packet(b"g".to_vec()), Input::Again, Input::Interrupt]);
        assert_eq!(inputs(&packet(&[b'x'; LONGEST + 1])), [Input::Damaged]);
        assert_eq!(inputs(&packet(b"")), [Input::Packet(Vec::new())]);
    }
}
