//! Contexts: the small numbers that tag translations.

use super::Cpu;
use super::large::LargePages;
use super::stlb::Keys;
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
    /// What it has its global pages from: spaces in which this and `bits` are the same have the same ones. 0: it has none.
    pub globals: u64,
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

/// Contexts that are remembered, and global keys: the guest decides how many there are.
const MOST: usize = 256;

/// A context in use.
struct Context {
    space: AddressSpace,
    keys: Keys,
    /// The tag in the tables that emitted code looks at, once it has any.
    tag: Option<u64>,
    /// The tag of its sites, once it has any. Sites have numbers of their own, so that they can be made to forget
    /// while the TLB keeps what it knows.
    site_tag: Option<u64>,
}

/// Global pages in use.
struct Globals {
    globals: u64,
    bits: u32,
    key: u64,
}

/// The contexts in use. Numbers are never given twice until all are used up; then the tables that have them in their
/// tags are emptied.
#[derive(Default)]
pub(super) struct Contexts {
    /// The last used ones first.
    live: Vec<Context>,
    globals: Vec<Globals>,
    next: u64,
    next_site: u64,
    large: LargePages,
}

impl Cpu {
    /// The tag of `space`, its number in place, and its keys. There must be [room](Cpu::make_room).
    pub(super) fn context(&mut self, space: AddressSpace) -> (u64, Keys) {
        let live = &mut self.contexts.live;
        match live.iter().position(|context| context.space == space) {
            // The most recent ones stay in front: a search is a look or two.
            Some(index) => live[..=index].rotate_right(1),
            None => {
                live.truncate(MOST - 1);
                let keys = Keys { own: self.stlb.new_key(), global: self.global_key(space) };
                self.contexts.live.insert(0, Context { space, keys, tag: None, site_tag: None });
            }
        }
        let Contexts { live, next, .. } = &mut self.contexts;
        let tag = *live[0].tag.get_or_insert_with(|| {
            *next += 1;
            (*next - 1) << CONTEXT_SHIFT
        });
        (tag, live[0].keys)
    }

    /// The key of the global pages of `space`.
    fn global_key(&mut self, space: AddressSpace) -> u64 {
        let AddressSpace { globals, bits, .. } = space;
        if globals == 0 {
            return 0;
        }
        let known = &mut self.contexts.globals;
        if let Some(known) = known.iter().find(|known| known.globals == globals && known.bits == bits) {
            return known.key;
        }
        let key = self.stlb.new_key();
        known.push(Globals { globals, bits, key });
        key
    }

    /// Makes room for `count` more contexts; false when that took away what all others had.
    pub(super) fn make_room(&mut self, count: usize) -> bool {
        let Contexts { live, globals, next, next_site, .. } = &mut self.contexts;
        if globals.len() + count > MOST {
            live.clear();
            globals.clear();
        } else if *next + count as u64 <= CONTEXTS {
            return true;
        }
        live.iter_mut().for_each(|context| (context.tag, context.site_tag) = (None, None));
        (*next, *next_site) = (0, 0);
        self.tlb.clear();
        false
    }

    /// Makes accesses in an address space that is not the current one: those of another privilege level. The ISA's
    /// `translate` has to know of it by itself.
    pub fn in_space<T>(&mut self, space: AddressSpace, access: impl FnOnce(&mut Cpu) -> T) -> T {
        if !self.make_room(1) {
            self.mode_changed();
        }
        let (tag, keys) = self.context(space);
        let kept = (self.data_context, self.data_keys);
        (self.data_context, self.data_keys) = (tag, keys);
        let result = access(self);
        (self.data_context, self.data_keys) = kept;
        result
    }

    /// Drops every translation.
    pub fn flush_all(&mut self) {
        self.flushes += 1;
        self.contexts.live.clear();
        self.contexts.globals.clear();
        self.contexts.large.clear();
        self.mode_changed();
    }

    /// Drops the translations of one address space, but those of global pages.
    pub fn flush_space(&mut self, id: u32) {
        self.flushes += 1;
        self.contexts.live.retain(|context| context.space.id != id);
        self.mode_changed();
    }

    /// Drops the translation of one page, in one address space, but for global pages, or in all.
    pub fn flush_page(&mut self, address: u64, id: Option<u32>) {
        if self.contexts.large.cover(address) {
            match id {
                Some(id) => self.flush_space(id),
                None => self.flush_all(),
            }
            return;
        }
        self.flushes += 1;
        for context in self.contexts.live.iter().filter(|context| id.is_none_or(|id| context.space.id == id)) {
            self.stlb.drop_page(address, context.keys.own);
            if let Some(tag) = context.tag {
                self.tlb.drop_page(address, tag);
            }
        }
        if id.is_none() {
            self.contexts.globals.iter().for_each(|globals| self.stlb.drop_page(address, globals.key));
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
        let Some(index) = contexts.live.iter().position(|context| context.tag == Some(tag)) else { return NO_CONTEXT };
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
        if size > PAGE_SIZE {
            self.contexts.large.add(address & !(size - 1), size);
        }
    }
}
