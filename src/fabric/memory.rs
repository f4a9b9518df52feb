//! Host memory for the guest: zeros that cost nothing until they are touched, between pages that nobody may touch.
//!
//! A mistake in address arithmetic that reaches a little past the end ends in the guard, not in memory of Mimus's own.

use crate::base::Result;
use crate::error;

/// Bytes that cannot be accessed, on each side at least.
const GUARD: usize = 64 << 10;
/// Where huge pages begin.
const HUGE: usize = 2 << 20;

/// A private stretch of zeroed memory. It never moves; who reads and writes it by [`start`](HostMemory::start) sees to
/// races and bounds.
pub struct HostMemory {
    /// The whole reservation, guards included.
    reserved: *mut u8,
    reserved_length: usize,
    start: *mut u8,
    length: usize,
}

// SAFETY: a plain mapping that lives as long as `self`; nothing here reads or writes it.
unsafe impl Send for HostMemory {}
// SAFETY: as for Send.
unsafe impl Sync for HostMemory {}

impl HostMemory {
    /// `length` bytes of zeros, starting where a huge page may. Host memory is taken as they are touched.
    ///
    /// # Errors
    /// When the host has no address space for it.
    pub fn new(length: usize) -> Result<HostMemory> {
        let memory = HostMemory::reserve(length)?;
        // SAFETY: the range is inside our own mapping, which nobody knows of yet.
        if unsafe { libc::mprotect(memory.start.cast(), length, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
            return Err(error!("the host has no room for {length} bytes: {}", std::io::Error::last_os_error()));
        }
        Ok(memory)
    }

    /// `length` bytes of addresses that cannot be accessed: something else is to be mapped there.
    ///
    /// # Errors
    /// As [`new`](HostMemory::new).
    pub fn reserve(length: usize) -> Result<HostMemory> {
        let no_room = |why: &dyn std::fmt::Display| error!("the host has no room for {length} bytes: {why}");
        let reserved_length = length.checked_add(2 * GUARD + HUGE).ok_or_else(|| no_room(&"they are too many"))?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: an anonymous private mapping at an address of the kernel's choice touches no memory of ours.
        let reserved = unsafe { libc::mmap(std::ptr::null_mut(), reserved_length, libc::PROT_NONE, flags, -1, 0) };
        if reserved == libc::MAP_FAILED {
            return Err(no_room(&std::io::Error::last_os_error()));
        }
        let reserved: *mut u8 = reserved.cast();
        let before = (reserved as usize + GUARD).next_multiple_of(HUGE) - reserved as usize;
        // SAFETY: `before` is below GUARD + HUGE, so the start is inside the reservation, and so is the end.
        let start = unsafe { reserved.add(before) };
        Ok(HostMemory { reserved, reserved_length, start, length })
    }

    /// Asks for huge pages, where the host has them.
    pub fn prefer_huge_pages(&self) {
        // SAFETY: advice about our own mapping. Failure only means small pages.
        unsafe { libc::madvise(self.start.cast(), self.length, libc::MADV_HUGEPAGE) };
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.start
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `reserve` with this length, and nothing can refer to it any more.
        unsafe { libc::munmap(self.reserved.cast(), self.reserved_length) };
    }
}

/// Copies `length` bytes of which one side is memory that guests write meanwhile: what arrives is then a mixture of old
/// and new bytes, as on hardware. To the compiler this is no access of Rust's, which must not race.
///
/// # Safety
/// Both ranges are mapped, for reading and for writing, and do not overlap.
pub unsafe fn copy_racing(from: *const u8, to: *mut u8, length: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise; the direction flag is clear, as the ABI has it.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") length => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    for at in 0..length {
        // SAFETY: the caller's promise.
        unsafe { to.add(at).write_volatile(from.add(at).read_volatile()) };
    }
}

/// Fills `length` bytes with zeros, as [`copy_racing`] copies.
///
/// # Safety
/// The range is mapped for writing.
pub unsafe fn clear_racing(to: *mut u8, length: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise; the direction flag is clear, as the ABI has it.
    unsafe {
        std::arch::asm!(
            "rep stosb",
            inout("rcx") length => _,
            inout("rdi") to => _,
            in("al") 0u8,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    for at in 0..length {
        // SAFETY: the caller's promise.
        unsafe { to.add(at).write_volatile(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the host lets this process read a byte, by the kernel's own look at it.
    fn is_readable(address: *const u8) -> bool {
        let (mut into, mut buffer) = ([0u8; 1], libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 1 });
        buffer.iov_base = into.as_mut_ptr().cast();
        let from = libc::iovec { iov_base: address.cast_mut().cast(), iov_len: 1 };
        // SAFETY: the kernel copies a byte into `into`, or refuses.
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const buffer, 1, &raw const from, 1, 0) == 1 }
    }

    #[test]
    fn guards_stand_on_both_sides() {
        let memory = HostMemory::new(3 * 4096).unwrap();
        let start = memory.start();
        assert!(is_readable(start) && is_readable(start.wrapping_add(3 * 4096 - 1)));
        for outside in [start.wrapping_sub(1), start.wrapping_sub(GUARD), start.wrapping_add(3 * 4096)] {
            assert!(!is_readable(outside));
        }
        assert!(!is_readable(start.wrapping_add(3 * 4096 + GUARD - 1)));
    }

    #[test]
    fn racing_copies_copy() {
        let (from, mut to) = ([1u8, 2, 3, 4, 5], [9u8; 5]);
        // SAFETY: both ranges are arrays of the test.
        unsafe { copy_racing(from[1..].as_ptr(), to.as_mut_ptr(), 3) };
        assert_eq!(to, [2, 3, 4, 9, 9]);
        // SAFETY: as above.
        unsafe { clear_racing(to[1..].as_mut_ptr(), 3) };
        assert_eq!(to, [2, 0, 0, 0, 9]);
    }
}
