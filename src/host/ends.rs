//! The contracts between devices and the outside world.

use std::io;

/// A device's end of a character stream (a serial line, a console port). Called with the device's lock held.
pub trait CharEnd: Send {
    /// Sends bytes; returns how many were taken. Fewer than given (a slow reader) means: try again after `notify`.
    /// An end with nobody on the other side takes everything and drops it.
    fn write(&mut self, bytes: &[u8]) -> usize;

    /// Takes received bytes; returns how many, 0 when none wait.
    fn read(&mut self, into: &mut [u8]) -> usize;

    /// Names the function that is called, from another thread and with no lock held, when there are bytes to
    /// read, when room for writing is back, or when the other side came or went. It must not be called
    /// from inside `write` or `read`.
    fn on_ready(&mut self, notify: Box<dyn Fn() + Send + Sync>);

    /// Whether somebody is on the other side (a virtio console port tells its guest).
    fn is_open(&self) -> bool {
        true
    }

    /// Who is to be spoken to by somebody who talks to one at a time: whoever sent the bytes that come next, who may
    /// have left since, or else whoever is on the other side. Each visit has a number of its own.
    fn visitor(&self) -> Option<u64> {
        self.is_open().then_some(1)
    }

    /// As [`read`](CharEnd::read), but only what `visitor` sent.
    fn read_from(&mut self, _visitor: u64, into: &mut [u8]) -> usize {
        self.read(into)
    }

    /// As [`write`](CharEnd::write), but for `visitor` alone: dropped when it has left.
    fn write_to(&mut self, _visitor: u64, bytes: &[u8]) -> usize {
        self.write(bytes)
    }

    /// Whether input comes to this end: on a shared stream only one end has it. A change is told by `notify`.
    fn has_focus(&self) -> bool {
        true
    }

    /// Sends a break condition, where the medium has one.
    fn send_break(&mut self) {}

    /// Takes a received break condition: true once for each.
    fn take_break(&mut self) -> bool {
        false
    }
}

/// A stream that goes nowhere: `-serial null`.
pub struct NullChar;

impl CharEnd for NullChar {
    fn write(&mut self, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn read(&mut self, _into: &mut [u8]) -> usize {
        0
    }

    fn on_ready(&mut self, _notify: Box<dyn Fn() + Send + Sync>) {}
}

/// A block image. Requests are synchronous.
pub trait Block: Send {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// Whether writes are refused.
    fn read_only(&self) -> bool;

    /// Reads at a byte offset; a range past the end is an error.
    ///
    /// # Errors
    /// What the host said.
    fn read(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()>;

    /// Writes at a byte offset; a range past the end, or a read-only image, is an error.
    ///
    /// # Errors
    /// What the host said.
    fn write(&mut self, offset: u64, from: &[u8]) -> io::Result<()>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// What the host said.
    fn flush(&mut self) -> io::Result<()>;

    /// Gives a range back (it reads as zeros or as before).
    ///
    /// # Errors
    /// What the host said.
    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()>;

    /// Writes zeros, giving the room back where the image can.
    ///
    /// # Errors
    /// What the host said.
    fn write_zeroes(&mut self, offset: u64, length: u64) -> io::Result<()>;
}
