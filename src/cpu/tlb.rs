//! The tables that emitted code looks at: translations of data accesses and of fetches.
//!
//! A data tag is `page address | context`; a fetch tag likewise. A tag that can match nothing has
//! the number of no context.

use super::CONTEXT_SHIFT;
use crate::fabric::{PAGE_SIZE, RamPage};
use std::time::Instant;

/// Entries for data accesses, a power of two.
pub const TLB_SIZE: usize = 4096;
/// Entries for fetches, a power of two.
pub const ITLB_SIZE: usize = 1024;

/// A tag that no access has, whatever its address, size and context: it has the number of no context.
pub(super) const INVALID: u64 = u64::MAX;
/// The widest access that looks at tags, in bytes: the low bits of its address may be in what it compares.
pub(super) const WIDEST_ACCESS: u64 = 16;

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

/// The last page that one load or store in emitted code went to.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Site {
    /// `page address | site context`.
    pub tag: u64,
    /// As [`TlbEntry::addend`].
    pub addend: u64,
}

/// Sites for emitted code; an engine hands out their numbers, some for loads and others for stores, again and again:
/// code that is run by turns shares few.
pub const SITES: usize = 1 << 13;

const EMPTY_SITE: Site = Site { tag: INVALID, addend: 0 };

/// Misses of a site after which it is looked at how long they took.
const SOME_MISSES: u32 = if cfg!(test) { 4 } else { 1 << 12 };
/// A site that misses more often than once in this many nanoseconds costs more than it saves: an access that goes
/// through memory in order takes longer for a page. Tests give up sooner.
const OFTEN: u64 = if cfg!(test) { u32::MAX as u64 } else { 100 };

/// Both tables, and the sites before the first.
#[repr(C)]
pub struct Tlb {
    /// For data, indexed by the low bits of the page number.
    pub data: [TlbEntry; TLB_SIZE],
    /// For fetches, likewise.
    pub fetch: [ItlbEntry; ITLB_SIZE],
    /// For accesses in emitted code. What a site knows, the data table knew when the site learnt it.
    pub sites: [Site; SITES],
    /// Not zero when a site has learnt something since they were last emptied.
    pub taught: u32,
    /// The misses of each site that the data table helped out with; 0 when they are enough to be looked at.
    pub misses: [u32; SITES],
    /// When each site's misses were last looked at, in nanoseconds after `start`; 0 for never.
    looked: Box<[u64]>,
    start: Instant,
    /// A site that keeps missing.
    missing: Option<usize>,
    /// Pages, by the low bits of their number, that the data table has lost to others since the sites were last
    /// renewed: a site may still know them.
    evicted: Box<[u64]>,
    /// The parts of the data table, and of the fetch table, that were written since they were last emptied, a bit each.
    data_parts: u64,
    fetch_parts: u64,
}

/// The data table and the fetch table are emptied in so many parts, of which only those that were written are.
const PARTS: usize = 64;

/// Bits of [`Tlb::evicted`].
const EVICTED: usize = 1 << 14;

const EMPTY: TlbEntry = TlbEntry { read: INVALID, write: INVALID, addend: 0, page: u64::MAX };
const EMPTY_FETCH: ItlbEntry = ItlbEntry { tag: INVALID, code: 0 };

impl Tlb {
    pub(super) fn new() -> Tlb {
        Tlb {
            data: [EMPTY; TLB_SIZE],
            fetch: [EMPTY_FETCH; ITLB_SIZE],
            sites: [EMPTY_SITE; SITES],
            taught: 0,
            misses: [0u32.wrapping_sub(SOME_MISSES); SITES],
            looked: vec![0; SITES].into(),
            start: Instant::now(),
            missing: None,
            evicted: vec![0; EVICTED / 64].into(),
            data_parts: 0,
            fetch_parts: 0,
        }
    }

    /// The data entry that a virtual address has in a context (in place). Contexts of one address space share pages,
    /// so they are spread.
    #[inline]
    pub fn data_index(address: u64, context: u64) -> usize {
        ((address / PAGE_SIZE) ^ (context >> CONTEXT_SHIFT)) as usize % TLB_SIZE
    }

    /// The fetch entry that a virtual address has in a context.
    #[inline]
    pub fn fetch_index(address: u64, context: u64) -> usize {
        ((address / PAGE_SIZE) ^ (context >> CONTEXT_SHIFT)) as usize % ITLB_SIZE
    }

    pub(super) fn clear(&mut self) {
        empty(&mut self.data, EMPTY, std::mem::take(&mut self.data_parts));
        self.clear_fetch();
        self.clear_sites();
    }

    /// Makes every site forget.
    pub(super) fn clear_sites(&mut self) {
        if std::mem::take(&mut self.taught) != 0 {
            self.sites.fill(EMPTY_SITE);
        }
        self.forget_evicted();
    }

    /// Notes that the sites know nothing from before: they have a new context.
    pub(super) fn forget_evicted(&mut self) {
        self.evicted.fill(0);
    }

    /// Puts a data translation in its place.
    pub(super) fn put(&mut self, address: u64, context: u64, entry: TlbEntry) {
        let index = Tlb::data_index(address, context);
        self.data_parts |= 1 << (index / (TLB_SIZE / PARTS));
        let old = &mut self.data[index];
        let known = if old.read != INVALID { old.read } else { old.write };
        if known != INVALID && known & !(PAGE_SIZE - 1) != address & !(PAGE_SIZE - 1) {
            let (word, bit) = evicted_bit(known);
            self.evicted[word] |= bit;
        }
        *old = entry;
    }

    /// Puts a fetch translation in its place.
    pub(super) fn put_fetch(&mut self, address: u64, context: u64, code: u64) {
        let index = Tlb::fetch_index(address, context);
        self.fetch_parts |= 1 << (index / (ITLB_SIZE / PARTS));
        self.fetch[index] = ItlbEntry { tag: (address & !(PAGE_SIZE - 1)) | context, code };
    }

    /// Teaches a site the page of an access that it did not know, if the data table knows it. True when the site keeps
    /// missing: [`take_missing`](Tlb::take_missing) names it.
    pub fn teach(&mut self, site: usize, address: u64, store: bool, context: u64, site_context: u64) -> bool {
        let page = address & !(PAGE_SIZE - 1);
        let entry = &self.data[Tlb::data_index(address, context)];
        if page | context == if store { entry.write } else { entry.read } {
            self.taught = 1;
            self.sites[site] = Site { tag: page | site_context, addend: entry.addend };
        }
        self.misses[site] == 0 && self.look_at(site, self.start.elapsed().as_nanos() as u64)
    }

    fn look_at(&mut self, site: usize, now: u64) -> bool {
        self.misses[site] = 0u32.wrapping_sub(SOME_MISSES);
        let before = std::mem::replace(&mut self.looked[site], now);
        let keeps = before != 0 && now.saturating_sub(before) < OFTEN * u64::from(SOME_MISSES);
        if keeps {
            self.missing = Some(site);
        }
        keeps
    }

    /// The site that was last found to keep missing: the engine is to give its access no site any more.
    pub fn take_missing(&mut self) -> Option<usize> {
        self.missing.take()
    }

    /// Drops all fetch translations: the code that they lead to is gone.
    pub fn clear_fetch(&mut self) {
        empty(&mut self.fetch, EMPTY_FETCH, std::mem::take(&mut self.fetch_parts));
    }

    /// Drops the translations of a page in one context.
    pub(super) fn drop_page(&mut self, address: u64, context: u64) {
        let page = address & !(PAGE_SIZE - 1);
        let same = |tag: u64| tag & !(PAGE_SIZE - 1) == page;
        let data = &mut self.data[Tlb::data_index(address, context)];
        if same(data.read) || same(data.write) {
            *data = EMPTY;
            // Until the sites are renewed, one may know what the table has lost.
            let (word, bit) = evicted_bit(page);
            self.evicted[word] |= bit;
        }
        let fetch = &mut self.fetch[Tlb::fetch_index(address, context)];
        if same(fetch.tag) {
            *fetch = EMPTY_FETCH;
        }
    }

    /// Whether a site may know a page that the data table does not.
    pub(super) fn sites_may_know(&self, address: u64) -> bool {
        let (word, bit) = evicted_bit(address);
        self.evicted[word] & bit != 0
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

/// Empties those parts of a table that have their bit set.
fn empty<T: Copy>(table: &mut [T], with: T, parts: u64) {
    let written = |n: &(usize, &mut [T])| parts >> n.0 & 1 != 0;
    let length = table.len() / PARTS;
    table.chunks_mut(length).enumerate().filter(written).for_each(|(_, part)| part.fill(with));
}

fn evicted_bit(address: u64) -> (usize, u64) {
    let number = (address / PAGE_SIZE) as usize % EVICTED;
    (number / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_named_when_it_misses_often_for_long() {
        let mut tlb = Box::new(Tlb::new());
        let apart = OFTEN * u64::from(SOME_MISSES);
        assert!(!tlb.look_at(5, 1), "nobody knows since when");
        assert!(!tlb.look_at(5, 1 + apart), "seldom");
        assert_eq!(tlb.take_missing(), None);
        assert!(tlb.look_at(5, apart + apart), "often");
        assert_eq!((tlb.take_missing(), tlb.take_missing()), (Some(5), None));
    }

    #[test]
    fn what_was_put_is_gone_when_the_tables_are_emptied() {
        let mut tlb = Box::new(Tlb::new());
        let pages = (0..TLB_SIZE as u64).step_by(37).map(|page| page * PAGE_SIZE);
        for page in pages {
            let tag = page | 1 << CONTEXT_SHIFT;
            tlb.put(page, 1 << CONTEXT_SHIFT, TlbEntry { read: tag, write: tag, addend: 0, page: 1 });
            tlb.put_fetch(page, 1 << CONTEXT_SHIFT, 1);
            tlb.teach(page as usize / PAGE_SIZE as usize, page, false, 1 << CONTEXT_SHIFT, 0);
        }
        tlb.clear();
        assert!(tlb.data.iter().all(|entry| (entry.read, entry.write) == (INVALID, INVALID)));
        assert!(tlb.fetch.iter().all(|entry| entry.tag == INVALID));
        assert!(tlb.sites.iter().all(|site| site.tag == INVALID));
    }

    #[test]
    fn a_site_learns_what_the_data_table_knows_and_no_more() {
        let mut tlb = Box::new(Tlb::new());
        let (address, context, site_context) = (0x1234_5678, 3 << CONTEXT_SHIFT, 9 << CONTEXT_SHIFT);
        let page = address & !(PAGE_SIZE - 1);
        tlb.put(address, context, TlbEntry { read: page | context, write: INVALID, addend: 7, page: 1 });
        tlb.teach(1, address, true, context, site_context);
        tlb.teach(2, address + PAGE_SIZE, false, context, site_context);
        assert_eq!((tlb.sites[1].tag, tlb.sites[2].tag), (INVALID, INVALID));
        tlb.teach(1, address, false, context, site_context);
        assert_eq!((tlb.sites[1].tag, tlb.sites[1].addend), (page | site_context, 7));
    }
}
