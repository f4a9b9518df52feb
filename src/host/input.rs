//! Bytes that have come in and wait, with who sent them: a client that has left is still heard, and what it said is not
//! taken for its successor's.

use std::collections::VecDeque;

/// Input of several visitors, one behind the other.
#[derive(Default)]
pub(super) struct Input {
    bytes: VecDeque<u8>,
    /// Who sent them and how many each, none of them zero.
    senders: VecDeque<(u64, usize)>,
}

impl Input {
    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Who sent the byte that is next.
    pub(super) fn sender(&self) -> Option<u64> {
        self.senders.front().map(|(sender, _)| *sender)
    }

    /// Appends what `sender` has sent.
    pub(super) fn push(&mut self, sender: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.senders.back_mut() {
            Some((last, count)) if *last == sender => *count += bytes.len(),
            _ => self.senders.push_back((sender, bytes.len())),
        }
        self.bytes.extend(bytes);
    }

    /// Takes bytes, whoever sent them; returns how many.
    pub(super) fn read(&mut self, into: &mut [u8]) -> usize {
        let mut count = 0;
        while let Some(sender) = self.sender().filter(|_| count < into.len()) {
            count += self.read_from(sender, &mut into[count..]);
        }
        count
    }

    /// Takes bytes that `sender` sent, if those are next; returns how many.
    pub(super) fn read_from(&mut self, sender: u64, into: &mut [u8]) -> usize {
        let Some((_, waiting)) = self.senders.front_mut().filter(|(first, _)| *first == sender) else { return 0 };
        let count = into.len().min(*waiting);
        *waiting -= count;
        if *waiting == 0 {
            self.senders.pop_front();
        }
        into.iter_mut().zip(self.bytes.drain(..count)).for_each(|(to, from)| *to = from);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_sent_is_not_read_as_anothers() {
        let mut input = Input::default();
        input.push(1, b"ab");
        input.push(1, b"c");
        input.push(2, b"");
        input.push(3, b"de");
        let mut bytes = [0; 8];
        assert_eq!((input.len(), input.sender()), (5, Some(1)));
        assert_eq!(input.read_from(3, &mut bytes), 0, "not before those of the first");
        assert_eq!((input.read_from(1, &mut bytes), &bytes[..3]), (3, b"abc".as_slice()));
        assert_eq!((input.read_from(1, &mut bytes), input.sender()), (0, Some(3)));
        input.push(4, b"f");
        assert_eq!((input.read(&mut bytes), &bytes[..3]), (3, b"def".as_slice()));
        assert_eq!((input.len(), input.sender()), (0, None));
    }
}
