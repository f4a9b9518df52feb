//! The JIT: blocks as x86-64 code.
//!
//! ```text
//!   cache.rs   code by physical page and mode, links, invalidation (shared by the machine's vCPUs)
//!   emit.rs    one walk over a block ── alloc.rs registers ── int.rs mem.rs float.rs templates ── asm.rs bytes
//!   thunks.rs  the way in, the ways out, the bridge to slow.rs ── frame.rs what is where
//!   memory.rs  where code lives; window.rs closes it for writing
//! ```
//! Hot code stores neither the pc nor an instruction count: whatever needs them is on a cold path and knows them.
//! Direct jumps inside a page are linked; all others look the target's page up in the fetch TLB, which survives
//! switches of address space, and the entry in the page's table. Jumps back, calls and lookups test the attention word.

mod alloc;
mod asm;
mod cache;
mod emit;
mod float;
mod frame;
mod int;
mod mem;
mod memory;
mod report;
mod slow;
mod thunks;
mod vector;
mod vector_float;
mod window;

pub use emit::HostFeatures;
pub use report::tell_perf;

use super::interp::Interp;
use super::source::PageKey;
use super::{Engine, Exit, Source, attend, left, running, wait};
use crate::base::Result;
use crate::cpu::{Cpu, Trap};
use crate::fabric::{Mailbox, PAGE_SIZE};
use crate::float::Round;
use crate::ir::Why;
use cache::{Found, Shared, Tables};
use frame::Frame;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use thunks::reason;

/// A block of an instruction that reaches into the next page, as one vCPU found it. It depends on two translations, so
/// it holds only while none was flushed, and while no such block was dropped.
#[derive(Clone, Copy, Default)]
struct Crossing {
    pc: u64,
    context: u64,
    flushes: u64,
    drops: u64,
    entry: u32,
}

/// How many of them a vCPU remembers, a power of two.
const CROSSINGS: usize = 256;

/// The JIT engine of one vCPU.
pub struct Jit {
    shared: Arc<Shared>,
    source: Option<Source>,
    tables: Tables,
    frame: Box<Frame>,
    crossings: Box<[Crossing; CROSSINGS]>,
    /// Runs single instructions for the debugger.
    interp: Interp,
}

// SAFETY: the frame's pointers are set at each entry to code, on the thread that runs it, and not used outside.
unsafe impl Send for Jit {}

/// The direction that the host is set to for a guest direction: those that it lacks are computed in Rust.
fn host_rounding(round: Round) -> Round {
    match round {
        Round::NearestAway | Round::ToOdd => Round::NearestEven,
        other => other,
    }
}

/// MXCSR with all exceptions masked, no flags, and the rounding direction of the vCPU's mode.
fn host_mxcsr_of(cpu: &Cpu) -> u32 {
    let direction = match host_rounding(cpu.isa.rounding(cpu.mode)) {
        Round::Down => 1,
        Round::Up => 2,
        Round::TowardZero => 3,
        _ => 0,
    };
    0x1f80 | direction << 13
}

/// Makes the JIT engines of a machine's vCPUs; they share their code, which takes `code_limit` bytes at most, together
/// with what is known of it.
///
/// # Errors
/// When the host gives no memory for code.
pub fn engines(cpus: u32, host: HostFeatures, mailbox: Arc<Mailbox>, code_limit: usize) -> Result<Vec<Jit>> {
    let shared = Shared::new(host, mailbox, code_limit)?;
    Ok((0..cpus).map(|_| Jit::new(shared.clone())).collect())
}

impl Jit {
    fn new(shared: Arc<Shared>) -> Jit {
        let code = shared.lock_idle().address(0);
        let frame = Box::new(Frame {
            box32: [u64::MAX << 32; 2],
            twice_min64: 1 << 53,
            home: std::ptr::null_mut(),
            mxcsr: 0x1f80,
            host_mxcsr: 0x1f80,
            cpu: std::ptr::null_mut(),
            evals: std::ptr::from_ref(&shared.evals),
            slow: [
                slow::memory as *const () as u64,
                slow::call as *const () as u64,
                slow::evaluate as *const () as u64,
            ],
            code,
            attention: 0,
            site: 0,
            trapped: 0,
            args: [0; 4],
            regs: [0; 16],
            xmms: [0; 16],
            spills: [0; frame::SPILLS],
        });
        Jit {
            shared,
            source: None,
            tables: Tables::new(),
            frame,
            crossings: Box::new([Crossing::default(); CROSSINGS]),
            interp: Interp::new(Arc::default(), super::CODE_LIMIT),
        }
    }

    /// Where the code of the pc is; found without the lock when it is known.
    fn find(&mut self, cpu: &mut Cpu) -> std::result::Result<u32, Trap> {
        if !self.shared.mailbox.is_full()
            && let Some(table) = self.find_table(cpu)?
        {
            let index = (cpu.pc % PAGE_SIZE) as usize >> cpu.isa.grain();
            // SAFETY: `table` comes from `Cache::find`: the table of a code page, with an entry for every instruction
            // address. It lives until all code is forgotten, which waits for this vCPU, flushes, and is a generation.
            let entry = unsafe { &*(table as *const AtomicU32).add(index) }.load(Ordering::Acquire);
            if entry != 0 {
                return Ok(entry);
            }
        }
        self.find_locked(cpu, None).map(|found| found.entry)
    }

    /// The table of the code page of the pc, if it is known.
    fn find_table(&mut self, cpu: &mut Cpu) -> std::result::Result<Option<u64>, Trap> {
        if let Some(table) = cpu.fetch_entry(cpu.pc) {
            return Ok(Some(table));
        }
        let fetch = cpu.fetch(cpu.pc)?;
        let key = PageKey { page: fetch.page.page(), mode: fetch.mode };
        let table = self.tables.get(key, self.shared.generation()).filter(|_| fetch.whole);
        if let Some(table) = table {
            cpu.fill_fetch(cpu.pc, table);
        }
        Ok(table)
    }

    /// The place of the crossing block at the pc: a page has one at most.
    fn crossing_index(pc: u64) -> usize {
        (pc / PAGE_SIZE) as usize % CROSSINGS
    }

    fn find_crossing(&self, cpu: &Cpu) -> Option<u32> {
        let known = self.crossings[Jit::crossing_index(cpu.pc)];
        let holds = known.entry != 0
            && known.pc == cpu.pc
            && known.context == cpu.fetch_context
            && known.flushes == cpu.flushes
            && known.drops == self.shared.crossing_drops()
            && !self.shared.mailbox.is_full();
        holds.then_some(known.entry)
    }

    fn find_locked(&mut self, cpu: &mut Cpu, link: Option<(usize, u64)>) -> std::result::Result<Found, Trap> {
        let shared = self.shared.clone();
        let slots = cpu.isa.slots();
        let source = self.source.get_or_insert_with(|| Source::new(slots));
        let mut cache = shared.lock(cpu);
        let found = cache.find(cpu, source, &mut self.tables, &shared)?;
        if let Some((number, generation)) = link
            && generation == shared.generation()
            && !crate::base::dlog::on(crate::base::dlog::Item::NoChain)
        {
            cache.link(number, found);
        }
        if found.crossing {
            self.crossings[Jit::crossing_index(cpu.pc)] = Crossing {
                pc: cpu.pc,
                context: cpu.fetch_context,
                flushes: cpu.flushes,
                drops: shared.crossing_drops(),
                entry: found.entry,
            };
        }
        Ok(found)
    }

    /// Runs code until it comes back; returns why.
    fn enter(&mut self, cpu: &mut Cpu, at: u32) -> u64 {
        let code = self.frame.code;
        self.frame.mxcsr = host_mxcsr_of(cpu);
        self.frame.attention = std::ptr::from_ref(cpu.pins.attention_word()) as u64;
        let page = cpu.pc & !(PAGE_SIZE - 1);
        // From here on, until code has come back, the vCPU and the frame are reached by these pointers only.
        let cpu: *mut Cpu = cpu;
        self.frame.cpu = cpu;
        let frame: *mut Frame = &raw mut *self.frame;
        // SAFETY: our own frame.
        unsafe { (*frame).home = frame };
        // SAFETY: `enter` is the thunk of this signature; `at` is the entry of a live block made for this vCPU's
        // mode and ISA. Code touches the frame, the vCPU and guest RAM through checked translations, and its slow
        // paths are the only ones to use the pointers while it runs.
        let reason = unsafe {
            let enter: extern "sysv64" fn(*mut Frame, u64, u64, u64) -> u64 =
                std::mem::transmute(code + self.shared.thunks.enter as u64);
            enter(frame, cpu as u64 + frame::CPU_BIAS as u64, page, code + u64::from(at))
        };
        // SAFETY: code has come back, so the vCPU is the caller's again.
        slow::gather_flags(unsafe { &mut *cpu }, &mut self.frame);
        reason
    }

    fn run_inside(&mut self, cpu: &mut Cpu) -> Exit {
        // The instruction that is run by itself, a breakpoint there or not, when it comes next.
        let mut over = cpu.board.debug.read().breakpoints.contains(&cpu.pc).then_some(cpu.pc);
        let mut link = None;
        loop {
            if cpu.pins.wants_attention() {
                link = None;
                if let Some(exit) = attend(cpu) {
                    return exit;
                }
                if let Some(site) = cpu.tlb.take_missing() {
                    let shared = self.shared.clone();
                    shared.lock(cpu).give_up_site(site, &shared);
                }
            }
            if cpu.halted {
                wait(cpu);
                continue;
            }
            if over.take() == Some(cpu.pc) {
                if let Some(exit) = self.interp.step_inside(cpu) {
                    return exit;
                }
                continue;
            }
            let found = match (link.take(), self.find_crossing(cpu)) {
                (_, Some(entry)) => Ok(entry),
                (Some(link), None) => self.find_locked(cpu, Some(link)).map(|found| found.entry),
                (None, None) => self.find(cpu),
            };
            let at = match found {
                Ok(0) => {
                    if let Some(exit) = self.interp.step_inside(cpu) {
                        return exit;
                    }
                    if cpu.board.debug.read().breakpoints.contains(&cpu.pc) {
                        return Exit::Breakpoint;
                    }
                    continue;
                }
                Ok(at) => at,
                Err(trap) => {
                    cpu.enter(trap);
                    continue;
                }
            };
            super::log_exec(cpu);
            let generation = self.shared.generation();
            let why = self.enter(cpu, at);
            match why & 0xff {
                reason::TRAP => {
                    if let Some(point) = cpu.trapped() {
                        return Exit::Watchpoint(point);
                    }
                }
                reason::LINK => link = Some(((why >> 8) as usize, generation)),
                reason::LEAVE => {
                    let why = why_from(why >> 8);
                    if why == Why::Sync && self.shared.has_notices() {
                        // Whoever took notices before may still be working them off: the lock waits for them.
                        let shared = self.shared.clone();
                        shared.lock(cpu).work_off_mail(&shared);
                    }
                    if let Some(exit) = left(cpu, why) {
                        return exit;
                    }
                    over = (why == Why::Breakpoint).then_some(cpu.pc);
                }
                _ => {}
            }
        }
    }
}

fn why_from(number: u64) -> Why {
    [Why::Sync, Why::Wait, Why::Breakpoint, Why::Interrupts, Why::Yield]
        .into_iter()
        .find(|why| *why as u64 == number)
        .unwrap_or(Why::Sync)
}

impl Engine for Jit {
    fn run(&mut self, cpu: &mut Cpu) -> Exit {
        running(cpu, |cpu| self.run_inside(cpu))
    }

    fn step(&mut self, cpu: &mut Cpu, interrupts: bool) -> Exit {
        self.interp.step(cpu, interrupts)
    }

    fn forget_code(&mut self, cpu: &mut Cpu) {
        self.shared.lock_idle().forget_idle(&self.shared);
        cpu.flush_all();
    }
}
