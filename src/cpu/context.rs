//! Contexts: the small numbers that tag translations.

use super::Cpu;
use super::tlb::{INVALID, WIDEST_ACCESS};
use crate::fabric::PAGE_SIZE;

/// What a translation depends on beside the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct AddressSpace {
    /// The root of the page tables with its identifier, as the ISA's register holds it.
    pub root: u64,
    /// The identifier (ASID, PCID, LPID:PID) by which flushes name it.
    pub id: u32,
    /// Privilege and other bits that permissions depend on.
    pub bits: u32,
}

/// Where a context stands in a tag: above the bits that alignment checks use.
pub const CONTEXT_SHIFT: u32 = 4;
/// How many numbers there are.
const CONTEXTS: u64 = 254;
/// The tag of the context that nothing is translated in: no entry has it.
pub(super) const NO_CONTEXT: u64 = CONTEXTS << CONTEXT_SHIFT;

// What emitted code makes of an address and a context is neither an entry's tag nor `INVALID` unless both are.
const _: () = assert!(NO_CONTEXT < (INVALID % PAGE_SIZE) & !((1 << CONTEXT_SHIFT) - 1));
const _: () = assert!(WIDEST_ACCESS <= 1 << CONTEXT_SHIFT);

/// A large page whose pieces are in the TLB.
#[derive(Clone, Copy)]
struct LargePage {
    start: u64,
    last: u64,
}

/// Large pages remembered one by one; beyond that a single range covers them all.
const LARGE_PAGES: usize = 16;

/// A context in use.
struct Context {
    space: AddressSpace,
    tag: u64,
    /// The tag of its sites, once it has any. Sites have numbers of their own, so that they can be made to forget
    /// while the TLB keeps what it knows.
    site_tag: Option<u64>,
}

/// The contexts in use. Numbers are never given twice until all are used up; then everything is flushed.
#[derive(Default)]
pub(super) struct Contexts {
    live: Vec<Context>,
    next: u64,
    next_site: u64,
    large: Vec<LargePage>,
}

impl Cpu {
    /// The tag of `space`: its number, in place.
    pub(super) fn context(&mut self, space: AddressSpace) -> u64 {
        let live = &mut self.contexts.live;
        if let Some(index) = live.iter().position(|context| context.space == space) {
            let tag = live[index].tag;
            // The most recent ones stay in front: a search is a look or two.
            live[..=index].rotate_right(1);
            return tag;
        }
        if self.contexts.next == CONTEXTS {
            self.tlb.clear();
            self.contexts = Contexts::default();
            self.data_context = NO_CONTEXT;
        }
        let tag = self.contexts.next << CONTEXT_SHIFT;
        self.contexts.next += 1;
        self.contexts.live.insert(0, Context { space, tag, site_tag: None });
        tag
    }

    /// Makes accesses in an address space that is not the current one: those of another privilege level. The ISA's
    /// `translate` has to know of it by itself.
    pub fn in_space<T>(&mut self, space: AddressSpace, access: impl FnOnce(&mut Cpu) -> T) -> T {
        let tag = self.context(space);
        let kept = std::mem::replace(&mut self.data_context, tag);
        let result = access(self);
        self.data_context = kept;
        if kept == NO_CONTEXT {
            // The numbers ran out, and the current space has none either.
            self.mode_changed();
        }
        result
    }

    /// Drops every translation.
    pub fn flush_all(&mut self) {
        self.flushes += 1;
        self.contexts.live.clear();
        self.contexts.large.clear();
        self.mode_changed();
    }

    /// Drops the translations of one address space, those of global pages included (which no ISA forbids).
    pub fn flush_space(&mut self, id: u32) {
        self.flushes += 1;
        self.contexts.live.retain(|context| context.space.id != id);
        self.mode_changed();
    }

    /// Drops the translation of one page, in one address space or in all. Global pages go in either case.
    pub fn flush_page(&mut self, address: u64, id: Option<u32>) {
        if self.contexts.large.iter().any(|large| (large.start..=large.last).contains(&address)) {
            match id {
                Some(id) => self.flush_space(id),
                None => self.flush_all(),
            }
            return;
        }
        self.flushes += 1;
        for context in &self.contexts.live {
            self.tlb.drop_page(address, context.tag);
        }
        if self.tlb.sites_may_know(address) {
            self.renew_sites();
        }
    }

    /// Makes every site forget what it knows.
    pub(super) fn renew_sites(&mut self) {
        self.contexts.live.iter_mut().for_each(|context| context.site_tag = None);
        self.tlb.forget_evicted();
        self.site_context = self.site_tag(self.data_context);
    }

    /// The tag of the sites of the context with `tag`.
    pub(super) fn site_tag(&mut self, tag: u64) -> u64 {
        let contexts = &mut self.contexts;
        let Some(index) = contexts.live.iter().position(|context| context.tag == tag) else { return NO_CONTEXT };
        if let Some(site_tag) = contexts.live[index].site_tag {
            return site_tag;
        }
        if contexts.next_site == CONTEXTS {
            contexts.next_site = 0;
            contexts.live.iter_mut().for_each(|context| context.site_tag = None);
            self.tlb.clear_sites();
        }
        let site_tag = contexts.next_site << CONTEXT_SHIFT;
        contexts.next_site += 1;
        contexts.live[index].site_tag = Some(site_tag);
        site_tag
    }

    /// Remembers that `address` is mapped by a page larger than those of the TLB.
    pub(super) fn note_large_page(&mut self, address: u64, size: u64) {
        let start = address & !(size - 1);
        let page = LargePage { start, last: start + (size - 1) };
        let large = &mut self.contexts.large;
        if size <= PAGE_SIZE || large.iter().any(|l| l.start <= page.start && page.last <= l.last) {
            return;
        }
        if large.len() == LARGE_PAGES {
            let all = large
                .iter()
                .fold(page, |all, l| LargePage { start: all.start.min(l.start), last: all.last.max(l.last) });
            large.clear();
            large.push(all);
        } else {
            large.push(page);
        }
    }
}
