//! The board's first serial line as firmware uses it: polled, byte by byte, through the chip's own registers.

use super::page::Page;
use crate::fabric::Bus;

/// A 16550 by which the built-in firmware writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// Guest-physical address of its registers.
    at: u64,
}

/// Receiver buffer when read, transmitter holding register when written.
const DATA: u64 = 0;
const LSR: u64 = 5;
const LSR_DATA_READY: u64 = 1 << 0;
const LSR_THR_EMPTY: u64 = 1 << 5;
/// Looks at the line status before a byte is given up: the firmware must not hang on a slow outside.
const PATIENCE: u32 = 1000;

impl Console {
    /// The console of a board, when its first serial line is of a kind that is known here.
    pub fn of(page: &Page) -> Option<Console> {
        let is_console = |host: &str| host == "serial0";
        let line = page.parts.iter().find(|line| line.host.as_ref().is_some_and(|host| is_console(&host.value)))?;
        let plain = line.kind.value == "ns16550" && !line.props.contains_key("regshift");
        let at = *line.at.value.first()?;
        plain.then_some(Console { at })
    }

    /// Sends a byte; false when the outside does not take it.
    pub fn put(self, bus: &Bus, byte: u8) -> bool {
        for _ in 0..PATIENCE {
            match bus.read(self.at + LSR, 1, 0) {
                Ok(status) if status & LSR_THR_EMPTY == 0 => std::thread::yield_now(),
                // The page says that the chip is there.
                _ => return bus.write(self.at + DATA, 1, byte.into(), 0).is_ok(),
            }
        }
        false
    }

    /// Takes a byte that has arrived.
    pub fn get(self, bus: &Bus) -> Option<u8> {
        let status = bus.read(self.at + LSR, 1, 0).ok()?;
        if status & LSR_DATA_READY == 0 {
            return None;
        }
        bus.read(self.at + DATA, 1, 0).ok().map(|byte| byte as u8)
    }
}
