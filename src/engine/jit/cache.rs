//! What the JIT engines of a machine share: code, by physical page and mode, and the links between blocks.
//!
//! Everything here is under one lock but the tables of code pages, which running code reads: an entry is the offset of
//! a block in code memory, 0 (the lookup thunk) where there is none. A block that is dropped leaves the table and loses
//! its incoming links; its bytes stay until all code is forgotten, for a vCPU may still be inside.

use super::asm::Asm;
use super::emit::{Emitter, EvalTable, HostFeatures, Setting};
use super::memory::CodeMemory;
use super::thunks::{self, Thunks};
use super::window::Window;
use crate::base::Result;
use crate::cpu::{CodeFetch, Cpu, Isa, Request, SITES, Trap};
use crate::engine::Source;
use crate::engine::source::{Lift, Limits, PageKey};
use crate::fabric::{HostPage, Mailbox, PAGE_SIZE, RamPage};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Code is forgotten when less than this is left: no block needs more.
const CODE_RESERVE: usize = 1 << 20;
/// Pages with code beyond which all is forgotten: a guest must not fill the host's memory with tables.
const MOST_PAGES: usize = 1 << 15;
/// Links beyond which all is forgotten: their numbers travel in 24 bits.
const MOST_LINKS: usize = 1 << 24;

/// What the engines share.
pub struct Shared {
    cache: Mutex<Cache>,
    /// Ops evaluated in Rust.
    pub evals: EvalTable,
    /// Stores to code are told here.
    pub mailbox: Arc<Mailbox>,
    /// The fixed code.
    pub thunks: Thunks,
    /// The host's processor.
    pub host: HostFeatures,
    /// Counts how often all code was forgotten: numbers from before mean nothing after.
    generation: AtomicU64,
    /// Whether somebody has taken notices out of the mailbox and is still dropping code.
    working: AtomicBool,
    /// Counts how often a block that reaches into a second page was dropped.
    crossing_drops: AtomicU64,
    /// Sees to code memory being closed for writing.
    window: Arc<Window>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.window.end();
    }
}

/// The code of one page in one mode.
struct CodePage {
    /// By offset in the page, in units of the guest's instruction alignment.
    table: Box<[AtomicU32]>,
    blocks: Vec<u32>,
    page: HostPage,
    /// Offsets of instructions whose sites kept missing, so that they have none.
    no_sites: BTreeSet<u16>,
}

struct BlockInfo {
    key: PageKey,
    start: u16,
    bytes: u16,
    entry: u32,
    /// The page that the block's only instruction reaches into.
    second: Option<HostPage>,
    /// Links that go to this block.
    incoming: Vec<u32>,
    live: bool,
}

struct Link {
    /// Offset of the displacement in code memory.
    at: u32,
    /// Where the jump goes while it is not linked.
    stub: u32,
    /// The page that both ends are in.
    key: PageKey,
}

/// The state under the lock.
pub struct Cache {
    memory: CodeMemory,
    /// What code may take in bytes, together with what is known of it.
    limit: usize,
    thunk_end: usize,
    emitter: Emitter,
    pages: HashMap<PageKey, CodePage>,
    modes: HashMap<RamPage, Vec<u32>>,
    /// Blocks that reach into a page from the page before.
    reaching: HashMap<RamPage, Vec<u32>>,
    crossing: HashMap<(PageKey, RamPage), u32>,
    blocks: Vec<BlockInfo>,
    links: Vec<Link>,
    /// Sites handed out. The numbers begin again when all are.
    sites: usize,
    /// Who has each site: the block that took it last, and the offset of its instruction.
    site_owners: Vec<(u32, u16)>,
}

/// Where a vCPU found the tables of code pages: they are the same whatever translations were flushed.
pub struct Tables {
    known: Box<[Table; TABLES]>,
}

#[derive(Clone, Copy)]
struct Table {
    key: PageKey,
    generation: u64,
    address: u64,
}

/// How many of them a vCPU remembers, a power of two.
const TABLES: usize = 1024;

impl Tables {
    /// None yet.
    pub fn new() -> Tables {
        let none = Table { key: PageKey { page: RamPage(0), mode: 0 }, generation: u64::MAX, address: 0 };
        Tables { known: Box::new([none; TABLES]) }
    }

    /// The address of the table of a page's code.
    pub fn get(&self, key: PageKey, generation: u64) -> Option<u64> {
        let known = &self.known[Tables::index(key)];
        (known.key == key && known.generation == generation).then_some(known.address)
    }

    fn put(&mut self, key: PageKey, generation: u64, address: u64) {
        self.known[Tables::index(key)] = Table { key, generation, address };
    }

    /// The modes of a page, which have small numbers, are apart.
    fn index(key: PageKey) -> usize {
        (key.page.0 ^ key.mode.wrapping_mul(0x9e37_79b1) >> 8) as usize % TABLES
    }
}

/// A block that was found.
#[derive(Clone, Copy)]
pub struct Found {
    /// Offset in code memory; 0 when the instruction is to be interpreted, its page not being all of a kind.
    pub entry: u32,
    block: u32,
    /// Whether it reaches into a second page, so that no table and no link leads to it.
    pub crossing: bool,
}

impl Shared {
    /// Code memory with the thunks in it. Code takes `limit` bytes at most, together with what is known of it.
    ///
    /// # Errors
    /// When the host gives no memory, or no thread.
    pub fn new(host: HostFeatures, mailbox: Arc<Mailbox>, limit: usize) -> Result<Arc<Shared>> {
        let window = Arc::<Window>::default();
        let mut memory = CodeMemory::new(limit, window.clone())?;
        let mut asm = Asm::default();
        let thunks = thunks::emit(&mut asm);
        memory.append(asm.bytes());
        let thunk_end = memory.used();
        let cache = Cache {
            memory,
            limit,
            thunk_end,
            emitter: Emitter::new(),
            pages: HashMap::new(),
            modes: HashMap::new(),
            reaching: HashMap::new(),
            crossing: HashMap::new(),
            blocks: Vec::new(),
            links: Vec::new(),
            sites: 0,
            site_owners: vec![(u32::MAX, 0); SITES],
        };
        let (cache, evals, generation) = (Mutex::new(cache), EvalTable::new(), AtomicU64::new(0));
        let crossing_drops = AtomicU64::new(0);
        let shared = Arc::new(Shared {
            cache,
            evals,
            mailbox,
            thunks,
            host,
            generation,
            working: AtomicBool::new(false),
            crossing_drops,
            window,
        });
        shared.window.keep(Arc::downgrade(&shared))?;
        Ok(shared)
    }

    /// Whether code that was written may not have been dropped yet. Notices are seen before those that are worked off,
    /// for who takes some says so first.
    pub fn has_notices(&self) -> bool {
        self.mailbox.is_full() || self.working.load(Ordering::SeqCst)
    }

    /// Takes the lock for a vCPU: whoever holds it may wait for all others to leave their code, so the vCPU
    /// counts as outside while it waits.
    pub fn lock(&self, cpu: &mut Cpu) -> MutexGuard<'_, Cache> {
        match self.cache.try_lock() {
            Ok(guard) => guard,
            Err(_) => {
                cpu.remote.pause();
                let guard = self.cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                cpu.remote.begin();
                cpu.serve_requests();
                guard
            }
        }
    }

    /// See the field.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// See the field.
    pub fn crossing_drops(&self) -> u64 {
        self.crossing_drops.load(Ordering::SeqCst)
    }

    /// Takes the lock when no vCPU of the caller's runs.
    pub fn lock_idle(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Cache {
    /// Where code lives.
    pub fn memory(&mut self) -> &mut CodeMemory {
        &mut self.memory
    }

    /// Whether there is room for another block, and for what is to be known of it.
    fn has_room(&self) -> bool {
        let table = |code: &CodePage| size_of_val(&*code.table) + size_of::<CodePage>();
        let tables = self.pages.values().next().map_or(0, table) * self.pages.len();
        let known =
            tables + self.blocks.len() * (size_of::<BlockInfo>() + 8) + self.links.len() * (size_of::<Link>() + 8);
        self.memory.room() >= CODE_RESERVE
            && self.memory.used() + known + CODE_RESERVE <= self.limit
            && self.pages.len() <= MOST_PAGES
            && self.links.len() <= MOST_LINKS - 4096
    }

    /// The address of an offset in code memory.
    pub fn address(&self, at: usize) -> u64 {
        self.memory.address(at)
    }

    /// Drops the blocks whose bytes were written.
    pub fn work_off_mail(&mut self, shared: &Shared) {
        while shared.mailbox.is_full() {
            shared.working.store(true, Ordering::SeqCst);
            for (page, lines) in shared.mailbox.take() {
                self.written(page, lines, shared);
            }
            shared.working.store(false, Ordering::SeqCst);
        }
    }

    fn written(&mut self, page: RamPage, lines: u64, shared: &Shared) {
        let mut hit: Vec<u32> = Vec::new();
        for mode in self.modes.get(&page).into_iter().flatten() {
            if let Some(code) = self.pages.get_mut(&PageKey { page, mode: *mode }) {
                code.no_sites.clear();
                hit.extend(code.blocks.iter().filter(|id| self.blocks[**id as usize].touches(lines)));
            }
        }
        // What reaches into the page does so at its start.
        if lines & 1 != 0 {
            hit.extend(self.reaching.remove(&page).into_iter().flatten());
        }
        for id in hit {
            self.drop_block(id, shared);
        }
        self.release_lines(page);
    }

    /// Gives the access that has a site none any more, for it keeps missing: its block is made anew when it is next found.
    pub fn give_up_site(&mut self, site: usize, shared: &Shared) {
        let (id, insn) = self.site_owners[site];
        let Some(block) = self.blocks.get(id as usize).filter(|block| block.live) else { return };
        if let Some(code) = self.pages.get_mut(&block.key) {
            code.no_sites.insert(insn);
        }
        self.drop_block(id, shared);
    }

    /// Lets stores to lines go unnoticed again that no block is left of.
    fn release_lines(&mut self, page: RamPage) {
        let mut lines = if self.reaching.get(&page).is_some_and(|blocks| !blocks.is_empty()) { 1 } else { 0 };
        let mut place = None;
        for mode in self.modes.get(&page).into_iter().flatten() {
            let Some(code) = self.pages.get(&PageKey { page, mode: *mode }) else { continue };
            place = Some(code.page.clone());
            lines |= code.blocks.iter().fold(0, |lines, id| lines | self.blocks[*id as usize].lines());
        }
        if let Some(place) = place {
            place.ram.keep_code_lines(place.offset, lines);
        }
    }

    fn drop_block(&mut self, id: u32, shared: &Shared) {
        let block = &mut self.blocks[id as usize];
        if !std::mem::replace(&mut block.live, false) {
            return;
        }
        let (key, start) = (block.key, block.start);
        let (incoming, second) = (std::mem::take(&mut block.incoming), block.second.take());
        for link in incoming {
            let link = &self.links[link as usize];
            self.memory.patch(link.at as usize, link.stub as usize);
        }
        if let Some(code) = self.pages.get_mut(&key) {
            code.blocks.retain(|other| *other != id);
            if second.is_none() {
                let unit = PAGE_SIZE as usize / code.table.len();
                code.table[usize::from(start) / unit].store(0, Ordering::Release);
            }
        }
        if let Some(second) = second {
            shared.crossing_drops.fetch_add(1, Ordering::SeqCst);
            self.crossing.remove(&(key, second.page()));
            if let Some(reaching) = self.reaching.get_mut(&second.page()) {
                reaching.retain(|other| *other != id);
            }
        }
    }

    /// Finds the block at the pc, making it if there is none.
    ///
    /// # Errors
    /// The trap of the fetch.
    pub fn find(
        &mut self,
        cpu: &mut Cpu,
        source: &mut Source,
        tables: &mut Tables,
        shared: &Shared,
    ) -> std::result::Result<Found, Trap> {
        self.work_off_mail(shared);
        let from = cpu.fetch(cpu.pc)?;
        if !from.whole {
            return Ok(Found { entry: 0, block: u32::MAX, crossing: false });
        }
        let key = PageKey { page: from.page.page(), mode: from.mode };
        let grain = cpu.isa.grain();
        self.make_page(key, &from.page, grain);
        let chain = !crate::base::dlog::on(crate::base::dlog::Item::NoChain);
        let code = &self.pages[&key];
        if chain {
            let table = code.table.as_ptr() as u64;
            cpu.fill_fetch(cpu.pc, table);
            tables.put(key, shared.generation(), table);
        }
        let index = (cpu.pc % PAGE_SIZE) as usize >> grain;
        let entry = code.table[index].load(Ordering::Acquire);
        if entry != 0 {
            let block = code.blocks.iter().copied().find(|id| self.blocks[*id as usize].entry == entry);
            return Ok(Found { entry, block: block.unwrap_or(u32::MAX), crossing: false });
        }
        if let Some(found) = self.find_crossing(cpu, key)? {
            return Ok(found);
        }
        self.translate(cpu, source, shared, &from, key)
    }

    /// The block of an instruction that reaches into the next page, when it is known with that very page.
    fn find_crossing(&mut self, cpu: &mut Cpu, key: PageKey) -> std::result::Result<Option<Found>, Trap> {
        // Only the last instructions of a page can reach over: 15 bytes is the longest reach of any guest.
        if cpu.pc % PAGE_SIZE < PAGE_SIZE - 16 || self.crossing.is_empty() {
            return Ok(None);
        }
        let next = (cpu.pc | (PAGE_SIZE - 1)).wrapping_add(1);
        let start = (cpu.pc % PAGE_SIZE) as u16;
        // A fault of the next page matters only if an instruction really reaches there, which lifting finds out.
        let Ok(second) = cpu.fetch(next) else { return Ok(None) };
        let block = self.crossing.get(&(key, second.page.page())).copied();
        Ok(block.filter(|id| self.blocks[*id as usize].start == start).map(|id| Found {
            entry: self.blocks[id as usize].entry,
            block: id,
            crossing: true,
        }))
    }

    fn make_page(&mut self, key: PageKey, page: &HostPage, grain: u32) {
        self.pages.entry(key).or_insert_with(|| {
            self.modes.entry(key.page).or_default().push(key.mode);
            let table = std::iter::repeat_with(|| AtomicU32::new(0)).take(PAGE_SIZE as usize >> grain).collect();
            CodePage { table, blocks: Vec::new(), page: page.clone(), no_sites: BTreeSet::new() }
        });
    }

    fn translate(
        &mut self,
        cpu: &mut Cpu,
        source: &mut Source,
        shared: &Shared,
        from: &CodeFetch,
        key: PageKey,
    ) -> std::result::Result<Found, Trap> {
        if !self.has_room() {
            self.forget(cpu, shared);
            self.make_page(key, &from.page, cpu.isa.grain());
            cpu.fill_fetch(cpu.pc, self.pages[&key].table.as_ptr() as u64);
        }
        let isa = cpu.isa.clone();
        let mut limits = Limits { insns: 48, ops: 300, breakpoints: true };
        loop {
            let lift = source.lift(cpu, from, limits)?;
            let setting = Setting {
                thunks: &shared.thunks,
                host: shared.host,
                isa: isa.as_ref() as &dyn Isa,
                evals: &shared.evals,
                base: self.memory.used(),
                first_link: self.links.len(),
                first_site: self.sites,
                no_sites: self.pages.get(&key).map(|code| &code.no_sites),
                mode: from.mode,
                chain: !crate::base::dlog::on(crate::base::dlog::Item::NoChain),
            };
            if self.emitter.emit(&lift.block, &setting).is_ok() {
                return Ok(self.insert(cpu, lift, key, source));
            }
            source.recycle(lift.block);
            limits.insns = (limits.insns / 2).max(1);
        }
    }

    fn insert(&mut self, cpu: &Cpu, lift: Lift, key: PageKey, source: &mut Source) -> Found {
        let entry = self.memory.append(self.emitter.code()) as u32;
        super::report::emitted(cpu, &lift.block, self.memory.address(entry as usize), self.emitter.code());
        let id = self.blocks.len() as u32;
        for site in &self.emitter.links {
            self.links.push(Link { at: entry + site.at as u32, stub: entry + site.stub as u32, key });
        }
        for (site, insn) in &self.emitter.sites {
            self.site_owners[*site] = (id, *insn);
        }
        self.sites = (self.sites + self.emitter.sites.len()) % SITES;
        let direct = lift.second.is_none();
        if let Some(code) = self.pages.get_mut(&key) {
            code.blocks.push(id);
            if direct {
                let unit = PAGE_SIZE as usize / code.table.len();
                code.table[usize::from(lift.block.start) / unit].store(entry, Ordering::Release);
            }
        }
        if let Some(second) = &lift.second {
            self.crossing.insert((key, second.page()), id);
            self.reaching.entry(second.page()).or_default().push(id);
            self.modes.entry(second.page()).or_default();
        }
        self.blocks.push(BlockInfo {
            key,
            start: lift.block.start,
            bytes: lift.block.bytes.max(1),
            entry,
            second: lift.second,
            incoming: Vec::new(),
            live: true,
        });
        source.recycle(lift.block);
        Found { entry, block: id, crossing: !direct }
    }

    /// Makes the jump with this number go to the block that was found where it leads, if the two may be linked.
    pub fn link(&mut self, number: usize, found: Found) {
        let Some(link) = self.links.get(number) else { return };
        let Some(block) = self.blocks.get_mut(found.block as usize) else { return };
        if !found.crossing && block.live && block.key == link.key {
            block.incoming.push(number as u32);
            self.memory.patch(link.at as usize, block.entry as usize);
        }
    }

    /// Forgets all code. Every other vCPU leaves its code first.
    pub fn forget(&mut self, cpu: &mut Cpu, shared: &Shared) {
        // From the moment that they have, none finds a table that it remembers.
        shared.generation.fetch_add(1, Ordering::SeqCst);
        cpu.ask_others(Request::Flush, |_| true);
        cpu.flush_all();
        self.forget_idle(shared);
    }

    /// Forgets all code while no vCPU runs; their fetch translations must be dropped too.
    pub fn forget_idle(&mut self, shared: &Shared) {
        shared.generation.fetch_add(1, Ordering::SeqCst);
        shared.crossing_drops.fetch_add(1, Ordering::SeqCst);
        for code in self.pages.values() {
            code.page.ram.keep_code_lines(code.page.offset, 0);
        }
        for block in &self.blocks {
            if let Some(second) = &block.second {
                second.ram.keep_code_lines(second.offset, 0);
            }
        }
        self.pages.clear();
        self.modes.clear();
        self.reaching.clear();
        self.crossing.clear();
        self.blocks.clear();
        self.site_owners.fill((u32::MAX, 0));
        self.links.clear();
        self.memory.reset(self.thunk_end);
    }
}

impl BlockInfo {
    /// The 64-byte lines of its first page that the block was made from.
    fn lines(&self) -> u64 {
        let first = u64::from(self.start) / 64;
        let last = (u64::from(self.start) + u64::from(self.bytes) - 1).min(PAGE_SIZE - 1) / 64;
        (u64::MAX >> (63 - last)) & (u64::MAX << first)
    }

    fn touches(&self, lines: u64) -> bool {
        self.lines() & lines != 0
    }
}
