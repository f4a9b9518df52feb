//! What is laid into guest memory at a start.
//!
//! Kernels, firmware and their like overlap nothing: where they do, something is given that does not go together. What
//! `-device loader` gives is laid on top, so that it can change bytes of the others. Bytes that fall outside of memory
//! are dropped with a warning.

use super::elf::Program;
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
    fn new(name: &str, at: u64, bytes: impl Into<Arc<Vec<u8>>>, size: u64) -> Blob {
        let bytes = bytes.into();
        Blob { name: name.into(), at, size: size.max(bytes.len() as u64), bytes }
    }

    /// The address behind the last one.
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.size)
    }

    /// The part of it that is in `space`.
    fn within(&self, space: &Space) -> Option<Blob> {
        let (at, end) = (self.at.max(space.at), self.end().min(space.end()));
        if at >= end {
            return None;
        }
        let length = self.bytes.len() as u64;
        let (first, last) = ((at - self.at).min(length), (end - self.at).min(length));
        let bytes = match (first, last) {
            (0, last) if last == length => self.bytes.clone(),
            _ => self.bytes[first as usize..last as usize].to_vec().into(),
        };
        Some(Blob { name: self.name.clone(), at, bytes, size: end - at })
    }
}

fn segments(name: &str, program: &Program) -> Vec<Blob> {
    program.segments.iter().map(|part| Blob::new(name, part.at, part.bytes.clone(), part.size)).collect()
}

/// The blobs of a start, in the order in which they are laid down.
#[derive(Debug, Default)]
pub struct Layout {
    blobs: Vec<Blob>,
    /// What the user is told of them.
    warnings: Vec<String>,
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

    /// Adds a blob of `size` bytes, or of as many as there are. Bytes outside of `memory` are dropped with a warning.
    ///
    /// # Errors
    /// When none of it is in memory, or it overlaps another file's blob: the message names both.
    pub fn add(
        &mut self,
        memory: &[Space],
        name: &str,
        at: u64,
        bytes: impl Into<Arc<Vec<u8>>>,
        size: u64,
    ) -> Result<()> {
        self.add_all(memory, &[Blob::new(name, at, bytes, size)])
    }

    /// Adds a program, as [`add`](Layout::add) does a blob. Where its own segments overlap, the later one counts.
    ///
    /// # Errors
    /// As there.
    pub fn add_program(&mut self, memory: &[Space], name: &str, program: &Program) -> Result<()> {
        self.add_all(memory, &segments(name, program))
    }

    /// Lays a blob over what is there already.
    pub fn overlay(&mut self, memory: &[Space], name: &str, at: u64, bytes: impl Into<Arc<Vec<u8>>>) {
        let blobs = self.clip(memory, &[Blob::new(name, at, bytes, 0)]);
        self.blobs.extend(blobs);
    }

    /// Lays a program over what is there already.
    pub fn overlay_program(&mut self, memory: &[Space], name: &str, program: &Program) {
        let blobs = self.clip(memory, &segments(name, program));
        self.blobs.extend(blobs);
    }

    /// Adds a file's blobs where nothing else is.
    fn add_all(&mut self, memory: &[Space], blobs: &[Blob]) -> Result<()> {
        let kept = self.clip(memory, blobs);
        if let (true, Some(blob)) = (kept.is_empty(), blobs.iter().find(|blob| blob.size > 0)) {
            fail!("'{}' wants to be at {:#x}, where the board has no memory", blob.name, blob.at);
        }
        self.refuse_overlap(&kept)?;
        self.blobs.extend(kept);
        Ok(())
    }

    /// What of a file's blobs is in memory; the user is told of what is not.
    fn clip(&mut self, memory: &[Space], blobs: &[Blob]) -> Vec<Blob> {
        let mut kept = Vec::new();
        for blob in blobs.iter().filter(|blob| blob.size > 0) {
            let pieces: Vec<Blob> = memory.iter().filter_map(|space| blob.within(space)).collect();
            let inside: u64 = pieces.iter().map(|piece| piece.size).sum();
            if inside < blob.size {
                let (name, at) = (&blob.name, blob.at);
                let (lost, size) = (human(blob.size - inside), human(blob.size));
                self.warnings.push(format!(
                    "warning: '{name}': {lost} of the {size} at {at:#x} are outside of the board's memory and are dropped"
                ));
            }
            kept.extend(pieces);
        }
        kept
    }

    fn refuse_overlap(&self, blobs: &[Blob]) -> Result<()> {
        for blob in blobs {
            if let Some(other) = self.overlapping(blob.at, blob.size) {
                fail!(
                    "'{}' ({} at {:#x}) and '{}' ({} at {:#x}) overlap",
                    blob.name,
                    human(blob.size),
                    blob.at,
                    other.name,
                    human(other.size),
                    other.at
                );
            }
        }
        Ok(())
    }

    /// What the user is to know about files that did not fit.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A blob in a range of addresses, if there is one.
    pub fn overlapping(&self, at: u64, size: u64) -> Option<&Blob> {
        self.blobs.iter().find(|blob| at < blob.end() && blob.at < at.saturating_add(size))
    }

    /// The blobs, lowest address first: the monitor's `info roms`.
    pub fn blobs(&self) -> Vec<&Blob> {
        let mut blobs: Vec<&Blob> = self.blobs.iter().collect();
        blobs.sort_by_key(|blob| blob.at);
        blobs
    }

    /// The blob that covers an address.
    pub fn covering(&self, address: u64) -> Option<&Blob> {
        self.overlapping(address, 1)
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
    use crate::boot::elf::Segment;
    use crate::fabric::{BusBuilder, Ram};

    fn ram() -> Vec<Space> {
        vec![Space { name: "RAM".into(), at: 0x8000_0000, size: 64 << 20 }]
    }

    #[test]
    fn files_overlap_nothing_and_loaders_lie_on_top() {
        let mut layout = Layout::default();
        layout.add(&ram(), "a", 0x8000_0000, vec![1; 16], 0x1000).unwrap();
        let error = layout.add(&ram(), "b", 0x8000_0800, vec![1; 16], 0).unwrap_err();
        assert_eq!(error.to_string(), "'b' (16 bytes at 0x80000800) and 'a' (4 KiB at 0x80000000) overlap");
        layout.overlay(&ram(), "b", 0x8000_0004, vec![2; 2]);
        layout.add(&ram(), "c", 0x8000_1000, vec![1; 16], 0).unwrap();
        let mut bus = BusBuilder::default();
        bus.ram("ram", 0x8000_0000, 0x2000, Ram::new(0x2000, &Arc::default()).unwrap(), 0, true).unwrap();
        let bus = bus.build();
        layout.load(&bus).unwrap();
        let mut start = [0; 8];
        assert!(bus.peek(0x8000_0000, &mut start));
        assert_eq!(start, [1, 1, 1, 1, 2, 2, 1, 1]);
    }

    #[test]
    fn what_is_outside_of_memory_is_dropped_with_a_warning() {
        let mut layout = Layout::default();
        let error = layout.add(&ram(), "b", 0x1000, vec![1; 16], 0).unwrap_err();
        assert_eq!(error.to_string(), "'b' wants to be at 0x1000, where the board has no memory");
        let segments = vec![Segment::plain(0x7fff_fffe, vec![1, 2, 3]), Segment::plain(0x1000, vec![4; 4])];
        let program = Program { isa: None, machine: "", entry: 0, segments, symbols: Vec::new() };
        let mut layout = Layout::default();
        layout.add_program(&ram(), "p", &program).unwrap();
        layout.add(&ram(), "end", 0x83ff_fffc, vec![7; 2], 8).unwrap();
        let kept: Vec<(u64, &[u8], u64)> =
            layout.blobs().iter().map(|blob| (blob.at, blob.bytes.as_slice(), blob.size)).collect();
        assert_eq!(kept, [(0x8000_0000, &[3][..], 1), (0x83ff_fffc, &[7, 7], 4)]);
        let warnings = layout.warnings();
        assert_eq!(
            warnings[0],
            "warning: 'p': 2 bytes of the 3 bytes at 0x7ffffffe are outside of the board's memory and are dropped"
        );
        assert_eq!(warnings.len(), 3);
        layout.overlay(&ram(), "far", 0, vec![1]);
        assert_eq!((layout.blobs().len(), layout.warnings().len()), (2, 4));
    }
}
