//! What is laid into guest memory at a start: blobs that overlap nothing and fit into memory.

use crate::base::Result;
use crate::fabric::Bus;
use crate::{error, fail};
use std::sync::Arc;

/// A range of guest-physical memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// What it is called in messages.
    pub name: String,
    /// First address.
    pub at: u64,
    /// Bytes.
    pub size: u64,
}

impl Space {
    /// The address behind the last one.
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.size)
    }

    /// Whether all of a range is inside.
    pub fn holds(&self, at: u64, size: u64) -> bool {
        at >= self.at && at.checked_add(size).is_some_and(|end| end <= self.end())
    }
}

/// Bytes at a place in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The file, or what it is.
    pub name: String,
    /// Guest-physical address.
    pub at: u64,
    /// The bytes: kernels and disks are large, so that nobody copies them.
    pub bytes: Arc<Vec<u8>>,
    /// Bytes that it takes up in memory, at least those that it has; the rest is zeros.
    pub size: u64,
}

impl Blob {
    /// The address behind the last one.
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.size)
    }
}

/// The blobs of a start.
#[derive(Debug, Default)]
pub struct Layout {
    blobs: Vec<Blob>,
}

impl Layout {
    /// The largest part of `space` that no blob is in: its first address and the one behind it.
    pub fn largest_gap(&self, space: &Space) -> (u64, u64) {
        let inside = |at: u64| at.clamp(space.at, space.end());
        let mut taken: Vec<(u64, u64)> = self.blobs.iter().map(|blob| (inside(blob.at), inside(blob.end()))).collect();
        taken.push((space.end(), space.end()));
        taken.sort_unstable();
        let mut largest = (space.at, space.at);
        let mut free = space.at;
        for (start, end) in taken {
            if start.saturating_sub(free) > largest.1 - largest.0 {
                largest = (free, start);
            }
            free = free.max(end);
        }
        largest
    }

    /// Adds a blob of `size` bytes, or of as many as there are.
    ///
    /// # Errors
    /// When it does not fit into one of `memory`, or overlaps another blob: the message names both.
    pub fn add(
        &mut self,
        memory: &[Space],
        name: &str,
        at: u64,
        bytes: impl Into<Arc<Vec<u8>>>,
        size: u64,
    ) -> Result<()> {
        let bytes = bytes.into();
        let size = size.max(bytes.len() as u64);
        if size == 0 {
            return Ok(());
        }
        if !memory.iter().any(|space| space.holds(at, size)) {
            let inside = memory.iter().find(|space| space.holds(at, 1));
            match inside {
                Some(space) => fail!(
                    "'{name}' does not fit: it needs {} at {at:#x}, and {} ends at {:#x}",
                    human(size),
                    space.name,
                    space.end()
                ),
                None => fail!("'{name}' wants to be at {at:#x}, where the board has no memory"),
            }
        }
        if let Some(other) = self.blobs.iter().find(|other| at < other.end() && other.at < at + size) {
            fail!(
                "'{name}' ({} at {at:#x}) and '{}' ({} at {:#x}) overlap",
                human(size),
                other.name,
                human(other.size),
                other.at
            );
        }
        self.blobs.push(Blob { name: name.into(), at, bytes, size });
        Ok(())
    }

    /// The blobs, lowest address first: the monitor's `info roms`.
    pub fn blobs(&self) -> Vec<&Blob> {
        let mut blobs: Vec<&Blob> = self.blobs.iter().collect();
        blobs.sort_by_key(|blob| blob.at);
        blobs
    }

    /// The blob that covers an address.
    pub fn covering(&self, address: u64) -> Option<&Blob> {
        self.blobs.iter().find(|blob| (blob.at..blob.end()).contains(&address))
    }

    /// Puts every blob into memory, as each start of the machine does.
    ///
    /// # Errors
    /// When the memory is not there: a mistake of the board's.
    pub fn load(&self, bus: &Bus) -> Result<()> {
        for blob in &self.blobs {
            let zeros = blob.size - blob.bytes.len() as u64;
            let done = bus.poke(blob.at, &blob.bytes) && clear(bus, blob.at + blob.bytes.len() as u64, zeros);
            if !done {
                return Err(error!("'{}' does not fit into the memory at {:#x}", blob.name, blob.at));
            }
        }
        Ok(())
    }
}

fn clear(bus: &Bus, at: u64, size: u64) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut done = 0;
    while done < size {
        let step = (size - done).min(ZEROS.len() as u64);
        if !bus.poke(at + done, &ZEROS[..step as usize]) {
            return false;
        }
        done += step;
    }
    true
}

/// A size as people read it.
pub(super) fn human(size: u64) -> String {
    const MIB: u64 = 1 << 20;
    match size {
        0..1024 => format!("{size} bytes"),
        1024..MIB => format!("{} KiB", size.div_ceil(1024)),
        _ => format!("{} MiB", size.div_ceil(MIB)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ram() -> Vec<Space> {
        vec![Space { name: "RAM".into(), at: 0x8000_0000, size: 64 << 20 }]
    }

    #[test]
    fn blobs_neither_overlap_nor_leave_memory() {
        let mut layout = Layout::default();
        layout.add(&ram(), "a", 0x8000_0000, vec![1; 16], 0x1000).unwrap();
        let error = layout.add(&ram(), "b", 0x8000_0800, vec![1; 16], 0).unwrap_err();
        assert_eq!(error.to_string(), "'b' (16 bytes at 0x80000800) and 'a' (4 KiB at 0x80000000) overlap");
        let error = layout.add(&ram(), "b", 0x83ff_f000, vec![1; 16], 2 << 20).unwrap_err();
        assert_eq!(error.to_string(), "'b' does not fit: it needs 2 MiB at 0x83fff000, and RAM ends at 0x84000000");
        let error = layout.add(&ram(), "b", 0x1000, vec![1; 16], 0).unwrap_err();
        assert_eq!(error.to_string(), "'b' wants to be at 0x1000, where the board has no memory");
        layout.add(&ram(), "b", 0x8000_1000, vec![1; 16], 0).unwrap();
    }
}
