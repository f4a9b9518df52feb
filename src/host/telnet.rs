//! The little of telnet that a console needs: character mode, eight bits, break. (RFC 854, 856, 857, 858.)

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const BREAK: u8 = 243;
const SE: u8 = 240;
const BINARY: u8 = 0;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;

/// What is sent first: we echo, both sides send whole bytes at once.
pub(super) const GREETING: &[u8] = &[IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD, IAC, WILL, BINARY, IAC, DO, BINARY];

/// Where in a command the input stands.
#[derive(Default)]
enum Place {
    #[default]
    Data,
    Command,
    /// The option byte of WILL, WONT, DO or DONT.
    Option,
    /// Between SB and SE.
    Sub,
    SubCommand,
}

/// The state of a telnet connection.
#[derive(Default)]
pub(super) struct Telnet {
    place: Place,
}

impl Telnet {
    /// Takes commands out of received bytes; returns how many breaks were among them.
    pub fn receive(&mut self, bytes: &mut Vec<u8>) -> u32 {
        let mut breaks = 0;
        bytes.retain(|&byte| {
            let (place, keep) = match (&self.place, byte) {
                (Place::Data, IAC) => (Place::Command, false),
                (Place::Data, _) => (Place::Data, true),
                (Place::Command, IAC) => (Place::Data, true),
                (Place::Command, WILL | WONT | DO | DONT) => (Place::Option, false),
                (Place::Command, SB) => (Place::Sub, false),
                (Place::Command, command) => {
                    breaks += u32::from(command == BREAK);
                    (Place::Data, false)
                }
                (Place::Option, _) => (Place::Data, false),
                (Place::Sub, IAC) => (Place::SubCommand, false),
                (Place::SubCommand, SE) => (Place::Data, false),
                (Place::Sub | Place::SubCommand, _) => (Place::Sub, false),
            };
            self.place = place;
            keep
        });
        breaks
    }

    /// Doubles bytes that would be commands.
    pub fn send(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().flat_map(|&byte| std::iter::repeat_n(byte, if byte == IAC { 2 } else { 1 })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_out_even_when_split() {
        let mut telnet = Telnet::default();
        let mut first = vec![b'a', IAC, DO];
        assert_eq!(telnet.receive(&mut first), 0);
        assert_eq!(first, b"a");
        let mut second = vec![ECHO, b'b', IAC, IAC, IAC, BREAK, IAC, SB, 1, 2, IAC, SE, b'c'];
        assert_eq!(telnet.receive(&mut second), 1);
        assert_eq!(second, [b'b', IAC, b'c']);
        assert_eq!(Telnet::send(&[1, IAC, 2]), [1, IAC, IAC, 2]);
    }
}
