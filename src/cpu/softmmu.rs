//! Guest memory as running code sees it: the fast path that engines copy, and the slow path behind it.
//!
//! Fast: the tag of the entry is the access's page and context, so `addend + address` is a host address in RAM.
//! Slow: walk the page tables, fill the entry when the page is RAM that may be reached directly, and make the access
//! here: split where it crosses a page, on the bus where it is a device, noticed where code was made from it.

use super::tlb::{INVALID, TlbEntry};
use super::{Access, Cpu, Mapping, Tlb, Trap};
use crate::fabric::{HostPage, Io, PAGE_SIZE};
use crate::ir::eval::{self, Trapped};
use crate::ir::{Mem, RmwOp};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, compiler_fence};

/// What an access's address is masked with before it is compared with a tag: its page, and the bits that must be
/// zero where it must be aligned. Engines that allow misaligned accesses mask the last byte's address instead.
pub const fn access_mask(mem: Mem) -> u64 {
    let align = if mem.aligned { mem.size.bytes() as u64 - 1 } else { 0 };
    !(PAGE_SIZE - 1) | align
}

/// What a fetch's address is masked with before it is compared with a tag: its page, and the bits that are zero at
/// every instruction of an ISA whose instructions are aligned to `1 << grain` bytes.
pub const fn fetch_mask(grain: u32) -> u64 {
    !(PAGE_SIZE - 1) | ((1 << grain) - 1)
}

/// A page from which code is fetched.
pub struct CodeFetch {
    /// The memory.
    pub page: HostPage,
    /// Physical address of the byte that was asked for.
    pub physical: u64,
    /// Whether all of the page may be fetched from. If not, each unit of an instruction is to be asked for, and
    /// nothing to be remembered.
    pub whole: bool,
    /// The mode that its code is lifted for: [`Cpu::mode`] and what the page adds ([`Mapping::code`]).
    pub mode: u32,
}

/// A place in memory found by the slow path.
#[derive(Clone, Copy)]
struct Place {
    /// The host address.
    host: *mut u8,
    physical: u64,
    /// Whether stores reach it.
    writable: bool,
    /// Whether stores need not be noticed: the TLB has the page for stores.
    unnoticed: bool,
}

impl Place {
    /// Whether stores reach it. If not, the log hears of the one to `address`, which the caller drops.
    fn is_writable(self, address: u64) -> bool {
        if !self.writable {
            crate::guest_error!("store to ROM at {address:#x}");
        }
        self.writable
    }
}

enum Target {
    Ram(Place),
    /// The physical address, and [`Io::SECURE`] where the access is.
    Io(u64, u32),
}

impl Cpu {
    /// Loads `mem.size` bytes, zero-extended.
    ///
    /// # Errors
    /// When the access traps; `self.trap` says why.
    #[inline]
    pub fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        let entry = &self.tlb.data[Tlb::data_index(address, self.data_context)];
        if entry.read == self.tag(mem, address) {
            let host = entry.addend.wrapping_add(address) as *const u8;
            // SAFETY: a matching tag was installed by `fill` for a page of RAM that lives as long as the bus, and the
            // tag covers the last byte too. Races are the guest's own.
            return Ok(mem.in_order(unsafe { load_host(host, mem.size.bytes()) }));
        }
        self.load_slow(mem, address)
    }

    /// Stores the low bytes of `value`.
    ///
    /// # Errors
    /// When the access traps; `self.trap` says why.
    #[inline]
    pub fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        let entry = &self.tlb.data[Tlb::data_index(address, self.data_context)];
        if entry.write == self.tag(mem, address) {
            let host = entry.addend.wrapping_add(address) as *mut u8;
            // SAFETY: as in `load`; the write tag is only there while stores need not be noticed.
            unsafe { store_host(host, mem.size.bytes(), mem.in_order(value)) };
            return Ok(());
        }
        self.store_slow(mem, address, value)
    }

    /// The tag that a direct access needs.
    #[inline]
    fn tag(&self, mem: Mem, address: u64) -> u64 {
        let last = if mem.aligned { address } else { address.wrapping_add(u64::from(mem.size.bytes()) - 1) };
        (last & access_mask(mem)) | self.data_context
    }

    /// As [`load`](Cpu::load), past the fast path.
    ///
    /// # Errors
    /// When the access traps.
    #[cold]
    pub fn load_slow(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        self.check_alignment(mem, address, Access::Load)?;
        let size = mem.size.bytes();
        self.watch(address, size, true, false)?;
        if crosses(address, size) {
            let mut value = 0;
            // Both pages are looked at before anything is read, so that a trap leaves no side effect.
            let [here, there] = parts(address, size);
            self.find(address, here, Access::Load)?;
            self.find(next_page(address), there, Access::Load)?;
            for at in 0..size {
                let byte = self.load_found(address.wrapping_add(u64::from(at)), 1)?;
                value |= byte << (8 * at);
            }
            return Ok(mem.in_order(value));
        }
        self.load_found(address, size).map(|value| mem.in_order(value))
    }

    /// As [`store`](Cpu::store), past the fast path.
    ///
    /// # Errors
    /// When the access traps.
    #[cold]
    pub fn store_slow(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        self.check_alignment(mem, address, Access::Store)?;
        let size = mem.size.bytes();
        self.watch(address, size, false, true)?;
        let value = mem.in_order(value);
        if crosses(address, size) {
            let [here, there] = parts(address, size);
            self.find(address, here, Access::Store)?;
            self.find(next_page(address), there, Access::Store)?;
            for at in 0..size {
                self.store_found(address.wrapping_add(u64::from(at)), 1, value >> (8 * at))?;
            }
            return Ok(());
        }
        self.store_found(address, size, value)
    }

    /// An atomic read-modify-write; the old value, zero-extended.
    ///
    /// # Errors
    /// When the access traps.
    pub fn rmw(&mut self, op: RmwOp, mem: Mem, address: u64, value: u64) -> Result<u64, Trapped> {
        let size = mem.size.bytes();
        // Of what is in memory, what is to be there.
        let result = |old| mem.in_order(eval::rmw(op, u32::from(size) * 8, mem.in_order(old), value));
        match self.find_atomic(mem, address)? {
            Target::Ram(place) => {
                let mut old = read_place(place, size);
                loop {
                    let seen = self.compare_and_swap(place, address, size, old, result(old));
                    if seen == old {
                        return Ok(mem.in_order(old));
                    }
                    old = seen;
                }
            }
            Target::Io(physical, world) => {
                // A device cannot lock its bus for us, and reading it twice may not say the same: read once, write once.
                let old = self.io_read(physical, world, size, address, Access::Store)?;
                self.io_write(physical, world, size, result(old), address)?;
                Ok(mem.in_order(old))
            }
        }
    }

    /// An atomic compare-and-swap; the old value, zero-extended.
    ///
    /// # Errors
    /// When the access traps.
    pub fn cas(&mut self, mem: Mem, address: u64, expected: u64, new: u64) -> Result<u64, Trapped> {
        let size = mem.size.bytes();
        let expected = mem.in_order(expected & crate::base::bits::mask(u32::from(size) * 8));
        let new = mem.in_order(new);
        let old = match self.find_atomic(mem, address)? {
            Target::Ram(place) => self.compare_and_swap(place, address, size, expected, new),
            Target::Io(physical, world) => {
                // As in `rmw`.
                let old = self.io_read(physical, world, size, address, Access::Store)?;
                if old == expected {
                    self.io_write(physical, world, size, new, address)?;
                }
                old
            }
        };
        Ok(mem.in_order(old))
    }

    /// Compares and swaps `size` aligned bytes of memory; the old value, zero-extended. ROM keeps its value.
    fn compare_and_swap(&self, place: Place, address: u64, size: u8, expected: u64, new: u64) -> u64 {
        if !place.is_writable(address) {
            return read_place(place, size);
        }
        // SAFETY: `find` gave a place in live RAM, and it is aligned: the access is, and so is the page.
        let old = unsafe { cas_host(place.host, size, expected, new) };
        if old == expected {
            self.written(place, size.into());
        }
        old
    }

    /// Finds what an atomic access of `mem.size` bytes reaches, which traps as a store does.
    fn find_atomic(&mut self, mem: Mem, address: u64) -> Result<Target, Trapped> {
        self.check_alignment(mem, address, Access::Store)?;
        let size = mem.size.bytes();
        self.watch(address, size, true, true)?;
        self.find(address, size, Access::Store)
    }

    /// A 16-byte load, low half first. Atomic when it is aligned and in RAM, as far as 8-byte halves are.
    ///
    /// # Errors
    /// When the access traps.
    pub fn load_pair(&mut self, mem: Mem, address: u64) -> Result<[u64; 2], Trapped> {
        Ok([self.load(mem, address)?, self.load(mem, address.wrapping_add(8))?])
    }

    /// An atomic compare-and-swap of 16 bytes: two values that follow each other, each in the order of `half`; the old
    /// ones. The address must be aligned.
    ///
    /// # Errors
    /// When the access traps.
    pub fn cas_pair(
        &mut self,
        half: Mem,
        address: u64,
        expected: [u64; 2],
        new: [u64; 2],
    ) -> Result<[u64; 2], Trapped> {
        if address & 15 != 0 {
            self.trap = self.isa.misaligned(address, Access::Store);
            return Err(Trapped);
        }
        self.watch(address, 16, true, true)?;
        let (expected, new) = (expected.map(|value| half.in_order(value)), new.map(|value| half.in_order(value)));
        let old = match self.find(address, 16, Access::Store)? {
            Target::Ram(place) => {
                if place.is_writable(address) {
                    // SAFETY: `find` gave a place in live RAM, and 16 aligned bytes do not cross its page.
                    let old = unsafe { cas_pair_host(place.host, expected, new) };
                    if old == expected {
                        self.written(place, 16);
                    }
                    old
                } else {
                    // SAFETY: as above.
                    [read_place(place, 8), unsafe { load_host(place.host.add(8), 8) }]
                }
            }
            Target::Io(physical, world) => {
                // As in `rmw`.
                let high = address.wrapping_add(8);
                let old = [
                    self.io_read(physical, world, 8, address, Access::Store)?,
                    self.io_read(physical + 8, world, 8, high, Access::Store)?,
                ];
                if old == expected {
                    self.io_write(physical, world, 8, new[0], address)?;
                    self.io_write(physical + 8, world, 8, new[1], high)?;
                }
                old
            }
        };
        Ok(old.map(|value| half.in_order(value)))
    }

    fn check_alignment(&mut self, mem: Mem, address: u64, access: Access) -> Result<(), Trapped> {
        if mem.aligned && address & (u64::from(mem.size.bytes()) - 1) != 0 {
            self.trap = self.isa.misaligned(address, access);
            return Err(Trapped);
        }
        Ok(())
    }

    fn load_found(&mut self, address: u64, size: u8) -> Result<u64, Trapped> {
        match self.find(address, size, Access::Load)? {
            Target::Ram(place) => Ok(read_place(place, size)),
            Target::Io(physical, world) => self.io_read(physical, world, size, address, Access::Load),
        }
    }

    fn store_found(&mut self, address: u64, size: u8, value: u64) -> Result<(), Trapped> {
        match self.find(address, size, Access::Store)? {
            Target::Ram(place) => {
                if place.is_writable(address) {
                    // SAFETY: `find` gave a place in live RAM, and the access does not cross its page.
                    unsafe { store_host(place.host, size, value) };
                    self.written(place, size.into());
                }
                Ok(())
            }
            Target::Io(physical, world) => self.io_write(physical, world, size, value, address),
        }
    }

    fn io_read(&mut self, physical: u64, world: u32, size: u8, address: u64, access: Access) -> Result<u64, Trapped> {
        self.board.bus.read(physical, size, self.index | world).map_err(|_| {
            crate::invalid_memory!("{size}-byte load from {physical:#x}, where nothing answers");
            self.trap = self.isa.bus_fault(address, access);
            Trapped
        })
    }

    fn io_write(&mut self, physical: u64, world: u32, size: u8, value: u64, address: u64) -> Result<(), Trapped> {
        let value = value & crate::base::bits::mask(u32::from(size) * 8);
        self.board.bus.write(physical, size, value, self.index | world).map_err(|_| {
            crate::invalid_memory!("{size}-byte store to {physical:#x}, where nothing answers");
            self.trap = self.isa.bus_fault(address, Access::Store);
            Trapped
        })
    }

    /// Tells the engines that bytes were stored, where that is to be noticed.
    fn written(&self, place: Place, size: u64) {
        if !place.unnoticed
            && let Some(page) = self.board.bus.host_page(place.physical)
        {
            page.ram.written(page.offset + place.physical % PAGE_SIZE, size);
        }
    }

    /// What the page tables say, or said when they were last walked and no flush has come since.
    fn translate(&mut self, address: u64, access: Access) -> Result<Mapping, Trap> {
        let keys = if access == Access::Fetch { self.fetch_keys } else { self.data_keys };
        if let Some(mapping) = self.stlb.get(address, keys, access) {
            return Ok(mapping);
        }
        let isa = self.isa.clone();
        let mapping = isa.translate(self, address, access)?;
        if mapping.size >= PAGE_SIZE {
            self.note_large_page(address, mapping.size);
            self.stlb.put(address, keys, access, &mapping);
        }
        Ok(mapping)
    }

    /// Finds what an access inside a page goes to, and fills the TLB where the page can be reached directly.
    fn find(&mut self, address: u64, size: u8, access: Access) -> Result<Target, Trapped> {
        let mapping = match self.translate(address, access) {
            Ok(mapping) => mapping,
            Err(trap) => {
                let isa = &self.isa;
                crate::dlog!(Mmu, "CPU {}: {access:?} at {address:#x}: {}", self.index, isa.describe_trap(trap));
                self.trap = trap;
                return Err(Trapped);
            }
        };
        crate::dlog!(
            Mmu,
            "CPU {}: {access:?} at {address:#x} -> {:#x} (page size {:#x})",
            self.index,
            mapping.physical,
            mapping.size
        );
        if mapping.checked
            && let Err(trap) = self.isa.clone().check(self, address, size, access)
        {
            self.trap = trap;
            return Err(Trapped);
        }
        if mapping.size < u64::from(size) {
            // The page is not all the same, and something else decides where the access ends.
            self.trap = self.isa.bus_fault(address, access);
            return Err(Trapped);
        }
        let watched = self.is_watched(address);
        let Some(page) = self.board.bus.host_page(mapping.physical) else {
            return Ok(Target::Io(mapping.physical, if mapping.secure { Io::SECURE } else { 0 }));
        };
        let host = page.ram.host_address(page.offset + mapping.physical % PAGE_SIZE);
        let mut place = Place { host, physical: mapping.physical, writable: page.writable, unnoticed: false };
        if mapping.size >= PAGE_SIZE && !mapping.checked && !watched {
            let tag = (address & !(PAGE_SIZE - 1)) | self.data_context;
            place.unnoticed = mapping.write && page.writable && page.ram.add_writer(page.offset, self.index);
            let entry = TlbEntry {
                read: if mapping.read { tag } else { INVALID },
                write: if place.unnoticed { tag } else { INVALID },
                addend: (host as u64).wrapping_sub(address),
                page: u64::from(page.ram.page(page.offset).0),
            };
            self.tlb.put(address, self.data_context, entry);
        }
        Ok(Target::Ram(place))
    }

    /// Finds the page that the instruction at `address` is fetched from.
    ///
    /// # Errors
    /// The trap of the fetch.
    pub fn fetch(&mut self, address: u64) -> Result<CodeFetch, Trap> {
        let mapping = self.translate(address, Access::Fetch)?;
        if address & !fetch_mask(0) & fetch_mask(self.isa.grain()) != 0 {
            return Err(self.isa.misaligned(address, Access::Fetch));
        }
        let page = self.board.bus.code_page(mapping.physical);
        let page = page.ok_or_else(|| self.isa.bus_fault(address, Access::Fetch))?.to_host_page();
        let (physical, whole) = (mapping.physical, mapping.size >= PAGE_SIZE);
        Ok(CodeFetch { page, physical, whole, mode: self.mode | u32::from(mapping.code) << 24 })
    }

    /// Notes where the code of the page at `address` is, for the engine that asked.
    pub fn fill_fetch(&mut self, address: u64, code: u64) {
        self.tlb.put_fetch(address, self.fetch_context, code);
    }

    /// What [`fill_fetch`](Cpu::fill_fetch) noted for the page at `address`, if it still holds.
    #[inline]
    pub fn fetch_entry(&self, address: u64) -> Option<u64> {
        let entry = &self.tlb.fetch[Tlb::fetch_index(address, self.fetch_context)];
        (entry.tag == (address & fetch_mask(self.isa.grain())) | self.fetch_context).then_some(entry.code)
    }

    /// Reads 1, 2, 4 or 8 bytes of physical memory for a page walk; `None` where there is none. Firmware has page tables
    /// in flash, too.
    pub fn read_physical(&self, physical: u64, size: u8) -> Option<u64> {
        let page = self.board.bus.code_page(physical)?;
        let offset = physical % PAGE_SIZE;
        if offset + u64::from(size) > PAGE_SIZE {
            return None;
        }
        // SAFETY: the range was found to be inside live RAM.
        Some(unsafe { load_host(page.ram.host_address(page.offset + offset), size) })
    }

    /// Replaces 8 bytes of a page table, if they are still `old`; false when they are not or are no RAM.
    pub fn update_physical(&self, physical: u64, old: u64, new: u64) -> bool {
        let Some(page) = self.board.bus.host_page(physical) else { return false };
        if !page.writable || !physical.is_multiple_of(8) {
            return false;
        }
        let offset = page.offset + physical % PAGE_SIZE;
        // SAFETY: inside live RAM and aligned.
        let seen = unsafe { cas_host(page.ram.host_address(offset), 8, old, new) };
        if seen == old {
            page.ram.written(offset, 8);
        }
        seen == old
    }

    /// Reads guest memory at a virtual address as a debugger does: nothing traps, devices are not touched.
    /// Returns how many bytes could be read.
    pub fn peek(&self, address: u64, into: &mut [u8]) -> usize {
        let mut done = 0;
        while done < into.len() {
            let at = address.wrapping_add(done as u64);
            let end = into.len().min(done + (PAGE_SIZE - at % PAGE_SIZE) as usize);
            match self.isa.translate_debug(self, at) {
                Some(physical) if self.board.bus.peek(physical, &mut into[done..end]) => done = end,
                _ => break,
            }
        }
        done
    }

    /// Writes guest memory at a virtual address as a debugger does; false when not all could be written.
    pub fn poke(&self, address: u64, from: &[u8]) -> bool {
        from.iter().enumerate().all(|(index, byte)| {
            let physical = self.isa.translate_debug(self, address.wrapping_add(index as u64));
            physical.is_some_and(|physical| self.board.bus.poke(physical, std::slice::from_ref(byte)))
        })
    }
}

fn crosses(address: u64, size: u8) -> bool {
    address % PAGE_SIZE + u64::from(size) > PAGE_SIZE
}

/// How many bytes of an access that crosses pages are in each of the two.
fn parts(address: u64, size: u8) -> [u8; 2] {
    let here = (PAGE_SIZE - address % PAGE_SIZE) as u8;
    [here, size - here]
}

/// Where the second part of an access begins that crosses pages: the address that its fault is reported at.
fn next_page(address: u64) -> u64 {
    (address | (PAGE_SIZE - 1)).wrapping_add(1)
}

fn read_place(place: Place, size: u8) -> u64 {
    // SAFETY: `find` gave a place in live RAM, and callers split accesses that cross its page.
    unsafe { load_host(place.host, size) }
}

/// Loads 1, 2, 4 or 8 bytes, zero-extended.
///
/// # Safety
/// All bytes are inside live guest RAM.
#[inline]
unsafe fn load_host(host: *const u8, size: u8) -> u64 {
    // The guest's accesses stay in its program order: the host keeps them so, and the compiler is told to.
    compiler_fence(Ordering::SeqCst);
    // SAFETY: the caller's promise. Aligned accesses are single-copy atomic on the host.
    unsafe {
        match size {
            1 => u64::from(host.read_volatile()),
            2 => u64::from(host.cast::<Unaligned<u16>>().read_volatile().0),
            4 => u64::from(host.cast::<Unaligned<u32>>().read_volatile().0),
            _ => host.cast::<Unaligned<u64>>().read_volatile().0,
        }
    }
}

/// Stores the low 1, 2, 4 or 8 bytes.
///
/// # Safety
/// As [`load_host`].
#[inline]
unsafe fn store_host(host: *mut u8, size: u8, value: u64) {
    compiler_fence(Ordering::SeqCst);
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            1 => host.write_volatile(value as u8),
            2 => host.cast::<Unaligned<u16>>().write_volatile(Unaligned(value as u16)),
            4 => host.cast::<Unaligned<u32>>().write_volatile(Unaligned(value as u32)),
            _ => host.cast::<Unaligned<u64>>().write_volatile(Unaligned(value)),
        }
    }
}

/// A word at any address: the host loads and stores it in one piece.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned<T>(T);

/// Compares and swaps 1, 2, 4 or 8 bytes; the old value, zero-extended.
///
/// # Safety
/// All bytes are inside live guest RAM, and the address is a multiple of the size.
unsafe fn cas_host(host: *mut u8, size: u8, expected: u64, new: u64) -> u64 {
    use Ordering::SeqCst;
    // SAFETY: the caller's promise. Atomics alone are used on guest RAM where atomicity matters.
    unsafe {
        match size {
            1 => (*host.cast::<AtomicU8>())
                .compare_exchange(expected as u8, new as u8, SeqCst, SeqCst)
                .map_or_else(u64::from, u64::from),
            2 => (*host.cast::<AtomicU16>())
                .compare_exchange(expected as u16, new as u16, SeqCst, SeqCst)
                .map_or_else(u64::from, u64::from),
            4 => (*host.cast::<AtomicU32>())
                .compare_exchange(expected as u32, new as u32, SeqCst, SeqCst)
                .map_or_else(u64::from, u64::from),
            _ => (*host.cast::<AtomicU64>()).compare_exchange(expected, new, SeqCst, SeqCst).unwrap_or_else(|old| old),
        }
    }
}

/// Compares and swaps 16 bytes, low half first; the old value.
///
/// # Safety
/// All bytes are inside live guest RAM, and the address is a multiple of 16.
unsafe fn cas_pair_host(host: *mut u8, expected: [u64; 2], new: [u64; 2]) -> [u64; 2] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("cmpxchg16b") {
        // SAFETY: the caller's promise, and the host has the instruction.
        return unsafe { cas_pair_x86(host, expected, new) };
    }
    // Atomic among the instructions that come here. Narrower atomics of other vCPUs can get in between: a host from
    // before 2005 is not worth a lock in each of them.
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // SAFETY: the caller's promise.
    unsafe {
        let old = [load_host(host, 8), load_host(host.add(8), 8)];
        if old == expected {
            store_host(host, 8, new[0]);
            store_host(host.add(8), 8, new[1]);
        }
        old
    }
}

/// # Safety
/// As [`cas_pair_host`], on a host with `cmpxchg16b`.
#[cfg(target_arch = "x86_64")]
unsafe fn cas_pair_x86(host: *mut u8, expected: [u64; 2], new: [u64; 2]) -> [u64; 2] {
    let (low, high);
    // The intrinsic of this name wants an atomics library as soon as it is inlined, so the instruction stands here.
    // SAFETY: the caller's promise. `rbx`, which the compiler keeps for itself, is put back.
    unsafe {
        std::arch::asm!(
            "xchg rbx, rsi",
            "lock cmpxchg16b [rdi]",
            "mov rbx, rsi",
            in("rdi") host,
            inout("rsi") new[0] => _,
            in("rcx") new[1],
            inout("rax") expected[0] => low,
            inout("rdx") expected[1] => high,
            options(nostack),
        );
    }
    [low, high]
}
