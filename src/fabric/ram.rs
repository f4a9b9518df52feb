//! Guest RAM, and what must be remembered about its pages because code may have been made from them.
//!
//! Guest memory is shared with running guest code, so every access here is a raw copy: a guest that races
//! with itself sees what such a guest sees on hardware, and nothing here ever makes a Rust reference into it.

use super::memory::{HostMemory, clear_racing, copy_racing};
use crate::base::Result;
use crate::error;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock};

/// Size in bytes of the pages that RAM is tracked by.
pub const PAGE_SIZE: u64 = 4096;

/// A page of some RAM, numbered through all RAM of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RamPage(pub u32);

/// What is known of one page. All zeros is a page that nothing is known of.
#[repr(C)]
struct PageState {
    /// Bit n: bytes 64n to 64n+63 have been translated, so a store to them must be noticed.
    code_lines: AtomicU64,
    /// Bit n: vCPU n (modulo 64) may hold a write translation of the page.
    writers: AtomicU64,
}

/// Where one engine hears of stores to pages that it has translated.
#[derive(Default)]
pub struct Mailbox {
    full: AtomicBool,
    /// By page, so that a guest that stores again and again cannot make it grow.
    written: Mutex<HashMap<RamPage, u64>>,
}

impl Mailbox {
    /// Takes notices, one a page: the page and the 64-byte lines (a bit each) that were written. The box counts as full
    /// until this returns none, so that nobody else runs code that is being dropped.
    pub fn take(&self) -> Vec<(RamPage, u64)> {
        if !self.full.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let mut written = self.lock();
        if written.is_empty() {
            self.full.store(false, Ordering::SeqCst);
        }
        written.drain().collect()
    }

    /// Whether notices wait or are being worked off: one load, for hot paths.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::SeqCst)
    }

    fn post(&self, page: RamPage, lines: u64) {
        let mut written = self.lock();
        *written.entry(page).or_default() |= lines;
        self.full.store(true, Ordering::SeqCst);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RamPage, u64>> {
        self.written.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A stretch of guest memory: main RAM, a ROM, the array of a flash chip.
pub struct Ram {
    memory: HostMemory,
    size: u64,
    first_page: u32,
    /// A [`PageState`] for each page, in memory that is taken as pages are looked at.
    pages: HostMemory,
    watchers: Arc<Watchers>,
}

/// The mailboxes of a machine, shared by all its RAM.
#[derive(Default)]
pub struct Watchers {
    boxes: OnceLock<Vec<Arc<Mailbox>>>,
    pages: AtomicU32,
}

impl Watchers {
    /// Names all mailboxes of the machine, once, before anything runs.
    pub fn watch(&self, boxes: Vec<Arc<Mailbox>>) {
        // A second call would be a second machine on the same memory, which nothing builds.
        drop(self.boxes.set(boxes));
    }
}

impl Ram {
    /// `size` bytes of zeros, rounded up to whole pages. Host memory is taken as the guest touches it.
    ///
    /// # Errors
    /// When the host has no address space or memory for it.
    pub fn new(size: u64, watchers: &Arc<Watchers>) -> Result<Arc<Ram>> {
        let size = size.max(1).next_multiple_of(PAGE_SIZE);
        let length = usize::try_from(size).map_err(|_| error!("{size} bytes of RAM are too many for this host"))?;
        let pages = u32::try_from(size / PAGE_SIZE).map_err(|_| error!("{size} bytes of RAM are too many"))?;
        let memory = HostMemory::new(length)?;
        memory.prefer_huge_pages();
        let first_page = watchers
            .pages
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |first| first.checked_add(pages))
            .map_err(|_| error!("{size} bytes of RAM are too many beside what there is"))?;
        let pages = HostMemory::new(pages as usize * size_of::<PageState>())?;
        Ok(Arc::new(Ram { memory, size, first_page, pages, watchers: watchers.clone() }))
    }

    /// Size in bytes, a multiple of [`PAGE_SIZE`].
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The host address of byte `offset`, which must be inside.
    pub fn host_address(&self, offset: u64) -> *mut u8 {
        assert!(offset < self.size);
        // SAFETY: `offset` is inside the mapping.
        unsafe { self.memory.start().add(offset as usize) }
    }

    /// The host address of a range that was checked.
    fn at(&self, offset: u64) -> *mut u8 {
        self.memory.start().wrapping_add(offset as usize)
    }

    /// The page that byte `offset` is in.
    pub fn page(&self, offset: u64) -> RamPage {
        RamPage(self.first_page + (offset / PAGE_SIZE) as u32)
    }

    /// Copies bytes out.
    ///
    /// # Panics
    /// When the range is not inside: callers have checked guest input before.
    pub fn read(&self, offset: u64, into: &mut [u8]) {
        self.check(offset, into.len());
        // SAFETY: the range was checked, and `into` is ours alone.
        unsafe { copy_racing(self.at(offset), into.as_mut_ptr(), into.len()) };
    }

    /// Copies bytes in, and tells the engines when code was made from what they replace.
    ///
    /// # Panics
    /// As [`read`](Ram::read).
    pub fn write(&self, offset: u64, from: &[u8]) {
        if from.is_empty() {
            return;
        }
        self.check(offset, from.len());
        // SAFETY: as in `read`.
        unsafe { copy_racing(from.as_ptr(), self.at(offset), from.len()) };
        self.written(offset, from.len() as u64);
    }

    /// Loads a 16-bit little-endian word in one access when it is aligned: an index that a vCPU may be writing.
    ///
    /// # Panics
    /// As [`read`](Ram::read).
    pub fn load16(&self, offset: u64) -> u16 {
        if !offset.is_multiple_of(2) {
            let mut bytes = [0; 2];
            self.read(offset, &mut bytes);
            return u16::from_le_bytes(bytes);
        }
        self.check(offset, 2);
        // SAFETY: the range was checked and is aligned, for the mapping is; guest memory is only ever accessed raw.
        let word = unsafe { AtomicU16::from_ptr(self.at(offset).cast()) };
        u16::from_le(word.load(Ordering::Acquire))
    }

    /// Stores a 16-bit little-endian word in one access when it is aligned, after all earlier stores.
    ///
    /// # Panics
    /// As [`read`](Ram::read).
    pub fn store16(&self, offset: u64, value: u16) {
        if !offset.is_multiple_of(2) {
            return self.write(offset, &value.to_le_bytes());
        }
        self.check(offset, 2);
        // SAFETY: as in `load16`.
        let word = unsafe { AtomicU16::from_ptr(self.at(offset).cast()) };
        word.store(value.to_le(), Ordering::Release);
        self.written(offset, 2);
    }

    /// Fills a range with zeros.
    ///
    /// # Panics
    /// As [`read`](Ram::read).
    pub fn clear(&self, offset: u64, length: u64) {
        if length == 0 {
            return;
        }
        self.check(offset, length as usize);
        // SAFETY: the range was checked.
        unsafe { clear_racing(self.at(offset), length as usize) };
        self.written(offset, length);
    }

    /// Tells the engines that a range was written, when code was made from it.
    pub fn written(&self, offset: u64, length: u64) {
        // Pairs with the fence in `add_code`: either this sees the code bit or the translator sees the new bytes.
        fence(Ordering::SeqCst);
        let mut at = offset;
        let end = offset + length;
        while at < end {
            let stop = end.min((at / PAGE_SIZE + 1) * PAGE_SIZE);
            let lines = lines(at % PAGE_SIZE, stop - at);
            let hit = self.state(at).code_lines.load(Ordering::Relaxed) & lines;
            if hit != 0 {
                for mailbox in self.watchers.boxes.get().into_iter().flatten() {
                    mailbox.post(self.page(at), hit);
                }
            }
            at = stop;
        }
    }

    /// Whether any code was made from the page of `offset`.
    pub fn has_code(&self, offset: u64) -> bool {
        self.state(offset).code_lines.load(Ordering::SeqCst) != 0
    }

    /// Notes that code is about to be made from a range inside one page; returns the vCPUs, a bit each, that may
    /// hold a write translation of the page and so must be told to drop it before the bytes are read.
    pub fn add_code(&self, offset: u64, length: u64) -> u64 {
        let state = self.state(offset);
        let lines = lines(offset % PAGE_SIZE, length);
        let before = state.code_lines.fetch_or(lines, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if before == 0 { state.writers.swap(0, Ordering::SeqCst) } else { 0 }
    }

    /// Notes that of the page's lines only `lines` have code made from them any more.
    pub fn keep_code_lines(&self, offset: u64, lines: u64) {
        self.state(offset).code_lines.fetch_and(lines, Ordering::SeqCst);
    }

    /// Notes that vCPU `cpu` wants a write translation of the page; false when it may not have one, because code
    /// was made from the page and stores must be noticed.
    pub fn add_writer(&self, offset: u64, cpu: u32) -> bool {
        let (state, bit) = (self.state(offset), 1 << (cpu % 64));
        // Whoever has taken a bit that is seen here finds the code's lines noted already, or has yet to be waited for.
        if state.writers.load(Ordering::SeqCst) & bit == 0 {
            state.writers.fetch_or(bit, Ordering::SeqCst);
        }
        state.code_lines.load(Ordering::SeqCst) == 0
    }

    /// The byte offset of a page of this RAM.
    pub fn offset_of(&self, page: RamPage) -> Option<u64> {
        let index = page.0.checked_sub(self.first_page)?;
        (u64::from(index) < self.size / PAGE_SIZE).then(|| u64::from(index) * PAGE_SIZE)
    }

    fn state(&self, offset: u64) -> &PageState {
        assert!(offset < self.size);
        let pages: *const PageState = self.pages.start().cast();
        // SAFETY: there is a state for each page, aligned as the mapping is; zeros are a valid one, and states are only
        // ever changed through their atomics.
        unsafe { &*pages.add((offset / PAGE_SIZE) as usize) }
    }

    fn check(&self, offset: u64, length: usize) {
        assert!(
            offset.checked_add(length as u64).is_some_and(|end| end <= self.size),
            "RAM access outside: {offset:#x}+{length:#x}"
        );
    }
}

/// The 64-byte lines, a bit each, that `length` bytes at `offset` in a page touch.
fn lines(offset: u64, length: u64) -> u64 {
    let first = offset / 64;
    let last = (offset + length - 1) / 64;
    (u64::MAX >> (63 - last)) & (u64::MAX << first)
}

/// A device's way to main memory: RAM only, never another device.
#[derive(Clone)]
pub struct Dma {
    regions: Arc<[(u64, Arc<Ram>)]>,
}

impl Dma {
    /// Access to RAM at the given guest-physical addresses.
    pub fn new(regions: Vec<(u64, Arc<Ram>)>) -> Dma {
        Dma { regions: regions.into() }
    }

    /// Reads bytes at a guest-physical address; false, with nothing read, when not all of it is RAM.
    #[must_use]
    pub fn read(&self, address: u64, into: &mut [u8]) -> bool {
        match self.find(address, into.len()) {
            Some((ram, offset)) => {
                ram.read(offset, into);
                true
            }
            None => false,
        }
    }

    /// Writes bytes at a guest-physical address; false, with nothing written, when not all of it is RAM.
    #[must_use]
    pub fn write(&self, address: u64, from: &[u8]) -> bool {
        match self.find(address, from.len()) {
            Some((ram, offset)) => {
                ram.write(offset, from);
                true
            }
            None => false,
        }
    }

    /// Loads a 16-bit little-endian word in one access; `None` when it is not in RAM.
    pub fn load16(&self, address: u64) -> Option<u16> {
        self.find(address, 2).map(|(ram, offset)| ram.load16(offset))
    }

    /// Stores a 16-bit little-endian word in one access, after all earlier stores; false when it is not in RAM.
    #[must_use]
    pub fn store16(&self, address: u64, value: u16) -> bool {
        self.find(address, 2).map(|(ram, offset)| ram.store16(offset, value)).is_some()
    }

    /// The RAM that holds a whole range, and the offset in it.
    pub fn find(&self, address: u64, length: usize) -> Option<(&Arc<Ram>, u64)> {
        self.regions.iter().find_map(|(base, ram)| {
            let offset = address.checked_sub(*base)?;
            let end = offset.checked_add(length as u64)?;
            (offset < ram.size() && end <= ram.size()).then_some((ram, offset))
        })
    }

    /// The regions: guest-physical base and RAM.
    pub fn regions(&self) -> &[(u64, Arc<Ram>)] {
        &self.regions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cover_exactly_what_is_touched() {
        assert_eq!(lines(0, 1), 1);
        assert_eq!(lines(63, 2), 3);
        assert_eq!(lines(4095, 1), 1 << 63);
        assert_eq!(lines(0, 4096), u64::MAX);
    }

    #[test]
    fn a_write_to_code_is_posted_and_a_write_beside_it_is_not() {
        let watchers = Arc::new(Watchers::default());
        let mailbox = Arc::new(Mailbox::default());
        watchers.watch(vec![mailbox.clone()]);
        let ram = Ram::new(0x3000, &watchers).unwrap();
        assert!(ram.add_writer(0x1000, 2));
        assert_eq!(ram.add_code(0x1040, 4), 4, "vCPU 2 must be told");
        assert!(!ram.add_writer(0x1000, 2));
        ram.write(0x1080, &[1; 8]);
        assert!(!mailbox.is_full());
        ram.write(0x103c, &[1; 8]);
        assert_eq!(mailbox.take(), vec![(ram.page(0x1000), 2)]);
        assert!(mailbox.is_full());
        assert!(mailbox.take().is_empty());
        assert!(!mailbox.is_full());
    }

    #[test]
    fn a_page_waits_in_the_mailbox_once_however_often_it_is_written() {
        let watchers = Arc::new(Watchers::default());
        let mailbox = Arc::new(Mailbox::default());
        watchers.watch(vec![mailbox.clone()]);
        let ram = Ram::new(0x3000, &watchers).unwrap();
        for page in [0, 0x1000] {
            ram.add_code(page, 256);
        }
        for turn in 0..100 {
            ram.write(turn % 4 * 64, &[1]);
            ram.write(0x1000, &[1]);
        }
        let mut written = mailbox.take();
        written.sort_unstable();
        assert_eq!(written, [(ram.page(0), 0xf), (ram.page(0x1000), 1)]);
    }

    #[test]
    fn dma_reaches_ram_only_and_never_half_of_it() {
        let ram = Ram::new(0x1000, &Arc::default()).unwrap();
        let dma = Dma::new(vec![(0x8000_0000, ram)]);
        assert!(dma.write(0x8000_0ffe, &[1, 2]));
        assert!(!dma.write(0x8000_0fff, &[3, 4]));
        assert!(!dma.read(u64::MAX, &mut [0; 4]));
        let mut two = [0; 2];
        assert!(dma.read(0x8000_0ffe, &mut two));
        assert_eq!(two, [1, 2]);
    }
}
