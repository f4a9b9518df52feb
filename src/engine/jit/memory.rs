//! The memory that code lives in: one stretch mapped twice, writable here and executable there.

use crate::base::Result;
use crate::error;

/// Code memory. Offsets into it are the same in both mappings.
pub struct CodeMemory {
    writable: *mut u8,
    executable: *mut u8,
    size: usize,
    used: usize,
}

// SAFETY: the mappings live as long as `self`; writing takes `&mut self`, and what is executed meanwhile is only
// changed by `patch`, one aligned word at a time.
unsafe impl Send for CodeMemory {}

impl CodeMemory {
    /// `size` bytes of code memory; host memory is taken as it is used.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn new(size: usize) -> Result<CodeMemory> {
        let refuse = || error!("the host gives no memory for code: {}", std::io::Error::last_os_error());
        // SAFETY: plain system calls; the mappings are new, at addresses of the kernel's choice.
        unsafe {
            // Shared memory without a name: `perf` takes its functions from `-perfmap`'s file, as it does for no file.
            let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
            let writable = libc::mmap(std::ptr::null_mut(), size, protection, flags | libc::MAP_NORESERVE, -1, 0);
            if writable == libc::MAP_FAILED {
                return Err(refuse());
            }
            // Moving none of a shared mapping maps it once more.
            let executable = libc::mremap(writable, 0, size, libc::MREMAP_MAYMOVE);
            if executable == libc::MAP_FAILED {
                libc::munmap(writable, size);
                return Err(refuse());
            }
            if libc::mprotect(executable, size, libc::PROT_READ | libc::PROT_EXEC) != 0 {
                libc::munmap(writable, size);
                libc::munmap(executable, size);
                return Err(refuse());
            }
            // Huge pages where the host has them for shared memory; small ones do as well.
            libc::madvise(executable, size, libc::MADV_HUGEPAGE);
            libc::madvise(writable, size, libc::MADV_HUGEPAGE);
            Ok(CodeMemory { writable: writable.cast(), executable: executable.cast(), size, used: 0 })
        }
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
        // SAFETY: the range is inside the mapping and nothing executes it yet.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.writable.add(at), code.len()) };
        self.used = (at + code.len()).next_multiple_of(16).min(self.size);
        at
    }

    /// Changes the displacement of the jump whose displacement is at `at` so that it goes to `target`.
    ///
    /// The word is written at once: a vCPU that executes the jump meanwhile goes to the old place or to the new one.
    pub fn patch(&mut self, at: usize, target: usize) {
        assert!(at + 4 <= self.used && target < self.used);
        let rel = (target as i64 - (at as i64 + 4)) as i32;
        // SAFETY: inside the mapping. Emitters align these words (see `Exits`), so the store is one piece.
        unsafe {
            let word = self.writable.add(at).cast::<std::sync::atomic::AtomicI32>();
            (*word).store(rel, std::sync::atomic::Ordering::Release);
        }
    }

    /// The address at which the code at offset `at` is executed.
    pub fn address(&self, at: usize) -> u64 {
        assert!(at <= self.size);
        // SAFETY: inside the mapping or one past it.
        unsafe { self.executable.add(at) as u64 }
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        // SAFETY: both mappings were made by `new`; engines are gone, so nothing executes here.
        unsafe {
            libc::munmap(self.writable.cast(), self.size);
            libc::munmap(self.executable.cast(), self.size);
        }
    }
}
