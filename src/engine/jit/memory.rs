//! The memory that code lives in: one stretch mapped twice, executable here and writable there.
//!
//! The writable mapping cannot be accessed but while code is being written: a part of it opens when code is put there,
//! and all that is open closes when nothing has been written for a moment ([`super::window`]).

use super::window::Window;
use crate::base::Result;
use crate::error;
use crate::fabric::HostMemory;
use std::sync::Arc;

/// Bytes that open for writing at once: opening a stretch costs as much as translating a block or two, so it serves many.
const STRETCH: usize = 2 << 20;

/// Code memory. Offsets into it are the same in both mappings.
pub struct CodeMemory {
    writable: HostMemory,
    executable: HostMemory,
    size: usize,
    used: usize,
    /// Which stretches are open for writing.
    open: Vec<bool>,
    /// Who sees to their being closed.
    window: Arc<Window>,
    writes: u64,
}

impl CodeMemory {
    /// `size` bytes of code memory, rounded up to whole stretches; host memory is taken as it is used. `window` hears
    /// when some of it is open.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn new(size: usize, window: Arc<Window>) -> Result<CodeMemory> {
        let size = size.next_multiple_of(STRETCH);
        let (writable, executable) = (HostMemory::reserve(size)?, HostMemory::reserve(size)?);
        let refuse = || error!("the host gives no memory for code: {}", std::io::Error::last_os_error());
        // SAFETY: plain system calls that replace what the two reservations map, which nobody else uses.
        unsafe {
            // Shared memory without a name: `perf` takes its functions from `-perfmap`'s file, as it does for no file.
            let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            if libc::mmap(writable.start().cast(), size, protection, flags, -1, 0) == libc::MAP_FAILED {
                return Err(refuse());
            }
            // Moving none of a shared mapping maps it once more.
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            let target: *mut libc::c_void = executable.start().cast();
            if libc::mremap(writable.start().cast(), 0, size, flags, target) == libc::MAP_FAILED
                || libc::mprotect(target, size, libc::PROT_READ | libc::PROT_EXEC) != 0
                || libc::mprotect(writable.start().cast(), size, libc::PROT_NONE) != 0
            {
                return Err(refuse());
            }
        }
        // Huge pages where the host has them for shared memory; small ones do as well.
        executable.prefer_huge_pages();
        writable.prefer_huge_pages();
        Ok(CodeMemory { writable, executable, size, used: 0, open: vec![false; size / STRETCH], window, writes: 0 })
    }

    /// Where the next code goes.
    pub fn used(&self) -> usize {
        self.used
    }

    /// How much room is left, in bytes.
    pub fn room(&self) -> usize {
        self.size - self.used
    }

    /// Forgets everything from `keep` on.
    pub fn reset(&mut self, keep: usize) {
        self.used = keep;
    }

    /// Appends code; the caller has looked at [`room`](CodeMemory::room). The next code is aligned to 16 bytes.
    pub fn append(&mut self, code: &[u8]) -> usize {
        assert!(code.len() <= self.room(), "code memory is full");
        let at = self.used;
        let to = self.open(at, code.len());
        // SAFETY: the range is inside the mapping and open, and nothing executes it yet.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), to, code.len()) };
        self.used = (at + code.len()).next_multiple_of(16).min(self.size);
        at
    }

    /// Changes the displacement of the jump whose displacement is at `at` so that it goes to `target`.
    ///
    /// The word is written at once: a vCPU that executes the jump meanwhile goes to the old place or to the new one.
    pub fn patch(&mut self, at: usize, target: usize) {
        assert!(at.is_multiple_of(4) && at + 4 <= self.used && target < self.used);
        let rel = (target as i64 - (at as i64 + 4)) as i32;
        let word = self.open(at, 4).cast::<std::sync::atomic::AtomicI32>();
        // SAFETY: inside the mapping, open and aligned, so the store is one piece.
        unsafe { (*word).store(rel, std::sync::atomic::Ordering::Release) };
    }

    /// The address at which the code at offset `at` is executed.
    pub fn address(&self, at: usize) -> u64 {
        assert!(at <= self.size);
        self.executable.start().wrapping_add(at) as u64
    }

    /// Counts what was written: while it stays the same, nothing was.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Opens the stretches that a range is in, for writing; returns the address to write to.
    fn open(&mut self, at: usize, length: usize) -> *mut u8 {
        self.writes += 1;
        for stretch in at / STRETCH..=(at + length.max(1) - 1) / STRETCH {
            if !std::mem::replace(&mut self.open[stretch], true) {
                self.protect(stretch, libc::PROT_READ | libc::PROT_WRITE);
                self.window.opened();
            }
        }
        self.writable.start().wrapping_add(at)
    }

    /// Closes everything for writing.
    pub fn close(&mut self) {
        for stretch in 0..self.open.len() {
            if std::mem::replace(&mut self.open[stretch], false) {
                self.protect(stretch, libc::PROT_NONE);
            }
        }
    }

    fn protect(&self, stretch: usize, protection: libc::c_int) {
        let start = self.writable.start().wrapping_add(stretch * STRETCH);
        // SAFETY: inside our own mapping, which only this file accesses.
        let result = unsafe { libc::mprotect(start.cast(), STRETCH, protection) };
        assert!(result == 0, "the host cannot protect code: {}", std::io::Error::last_os_error());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The protection that the host has for the page at an address.
    fn protection(address: u64) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let of = |line: &str| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
            (start..end).contains(&address).then(|| rest[..4].to_string())
        };
        maps.lines().find_map(of).unwrap_or_default()
    }

    #[test]
    fn code_is_writable_only_while_it_is_written() {
        let mut memory = CodeMemory::new(3 * STRETCH, Arc::default()).unwrap();
        let writable = |memory: &CodeMemory, at: usize| protection(memory.writable.start() as u64 + at as u64);
        assert_eq!(writable(&memory, 0), "---s");
        memory.append(&[0x90; 16]);
        memory.append(&vec![0x90; STRETCH]);
        assert_eq!(writable(&memory, STRETCH), "rw-s");
        assert_eq!(writable(&memory, 2 * STRETCH), "---s");
        assert_eq!(protection(memory.address(0)), "r-xs");
        memory.close();
        assert_eq!((writable(&memory, 0), writable(&memory, STRETCH)), ("---s".into(), "---s".into()));
        memory.patch(4, 16);
        assert_eq!(writable(&memory, 0), "rw-s");
        // SAFETY: the first eight bytes of the executable mapping, which nothing writes now.
        let word = unsafe { (memory.address(4) as *const i32).read() };
        assert_eq!(word, 8);
    }

    #[test]
    fn guards_stand_around_code() {
        let memory = CodeMemory::new(STRETCH, Arc::default()).unwrap();
        assert_eq!(protection(memory.address(0) - 1), "---p");
        assert_eq!(protection(memory.address(STRETCH)), "---p");
    }
}
