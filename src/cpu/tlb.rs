//! The tables that emitted code looks at: translations of data accesses and of fetches.
//!
//! A data tag is `page address | context`; a fetch tag likewise. A tag that can match nothing has its low bits set.

use crate::fabric::{PAGE_SIZE, RamPage};

/// Entries for data accesses, a power of two.
pub const TLB_SIZE: usize = 4096;
/// Entries for fetches, a power of two.
pub const ITLB_SIZE: usize = 1024;

/// A tag that no access has.
pub(super) const INVALID: u64 = u64::MAX;

/// A translation of data accesses.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TlbEntry {
    /// Tag that loads must have.
    pub read: u64,
    /// Tag that stores must have; invalid while stores must be noticed.
    pub write: u64,
    /// Host address of guest address 0, so that adding the guest address gives the host address.
    pub addend: u64,
    /// The page of RAM.
    pub page: u64,
}

/// A translation of fetches.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ItlbEntry {
    /// Tag that a fetch must have.
    pub tag: u64,
    /// What the engine put there: where the code of the page is.
    pub code: u64,
}

/// Both tables.
#[repr(C)]
pub struct Tlb {
    /// For data, indexed by the low bits of the page number.
    pub data: [TlbEntry; TLB_SIZE],
    /// For fetches, likewise.
    pub fetch: [ItlbEntry; ITLB_SIZE],
}

const EMPTY: TlbEntry = TlbEntry { read: INVALID, write: INVALID, addend: 0, page: u64::MAX };
const EMPTY_FETCH: ItlbEntry = ItlbEntry { tag: INVALID, code: 0 };

impl Tlb {
    pub(super) fn new() -> Tlb {
        Tlb { data: [EMPTY; TLB_SIZE], fetch: [EMPTY_FETCH; ITLB_SIZE] }
    }

    /// The data entry that a virtual address has.
    #[inline]
    pub fn data_index(address: u64) -> usize {
        (address / PAGE_SIZE) as usize % TLB_SIZE
    }

    /// The fetch entry that a virtual address has.
    #[inline]
    pub fn fetch_index(address: u64) -> usize {
        (address / PAGE_SIZE) as usize % ITLB_SIZE
    }

    pub(super) fn clear(&mut self) {
        self.data.fill(EMPTY);
        self.fetch.fill(EMPTY_FETCH);
    }

    /// Drops all fetch translations: the code that they lead to is gone.
    pub fn clear_fetch(&mut self) {
        self.fetch.fill(EMPTY_FETCH);
    }

    /// Drops the translations of a page, whatever their context.
    pub(super) fn drop_page(&mut self, address: u64) {
        let page = address & !(PAGE_SIZE - 1);
        let same = |tag: u64| tag & !(PAGE_SIZE - 1) == page;
        let data = &mut self.data[Tlb::data_index(address)];
        if same(data.read) || same(data.write) {
            *data = EMPTY;
        }
        let fetch = &mut self.fetch[Tlb::fetch_index(address)];
        if same(fetch.tag) {
            *fetch = EMPTY_FETCH;
        }
    }

    /// Makes stores to a page of RAM be noticed again.
    pub(super) fn drop_writes(&mut self, page: RamPage) {
        for entry in &mut self.data {
            if entry.page == u64::from(page.0) {
                entry.write = INVALID;
            }
        }
    }
}
