//! The interpreter: evaluates each block's IR. Slow, simple, and what the JIT is tested against.
#![forbid(unsafe_code)]

use super::source::{Limits, PageKey};
use super::{Engine, Exit, Source, attend, left, running, serve, wait};
use crate::cpu::{Cpu, Watchpoint};
use crate::fabric::{HostPage, Mailbox, PAGE_SIZE, RamPage};
use crate::float::{Flags, Rules};
use crate::ir::eval::{self, Env, Outcome, Trapped};
use crate::ir::{Block, HelperId, Mem, RmwOp, Slot, Why};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

const LIMITS: Limits = Limits { insns: 32, ops: 200, breakpoints: true };

/// What a block or a page takes in the tables, in bytes, about.
const BESIDE: usize = 64;

/// The blocks that start in one page, by offset.
#[derive(Default)]
struct PageBlocks {
    key: Option<PageKey>,
    blocks: HashMap<u16, Arc<Block>>,
}

/// Why a block hands over to the run loop.
enum Stop {
    /// It says so.
    Left(Why),
    /// A watchpoint holds an access back.
    Watched(Watchpoint),
}

/// The interpreter of one vCPU.
pub struct Interp {
    source: Option<Source>,
    pages: Vec<PageBlocks>,
    index: HashMap<PageKey, usize>,
    mailbox: Arc<Mailbox>,
    values: Vec<u64>,
    /// What blocks may take in bytes, and what they have taken since all were last forgotten.
    limit: usize,
    taken: usize,
}

impl Interp {
    /// An interpreter that hears of stores to code through `mailbox`, and keeps at most `limit` bytes of blocks.
    pub fn new(mailbox: Arc<Mailbox>, limit: usize) -> Interp {
        let (pages, index, values) = (Vec::new(), HashMap::new(), Vec::new());
        Interp { source: None, pages, index, mailbox, values, limit, taken: 0 }
    }

    /// Runs the block at the pc; returns why the run loop has to look, if it does.
    fn block(&mut self, cpu: &mut Cpu, limits: Limits) -> Option<Stop> {
        let block = match self.find(cpu, limits) {
            Ok(block) => block,
            Err(trap) => {
                cpu.enter(trap);
                return None;
            }
        };
        super::log_exec(cpu);
        let page = cpu.pc & !(PAGE_SIZE - 1);
        match eval::run(&block, page, &mut CpuEnv(cpu), &mut self.values) {
            Outcome::To(pc) => {
                cpu.pc = pc;
                None
            }
            Outcome::Leave(pc, why) => {
                cpu.pc = pc;
                Some(Stop::Left(why))
            }
            Outcome::Trapped(pc) => {
                cpu.pc = pc;
                cpu.trapped().map(Stop::Watched)
            }
        }
    }

    fn find(&mut self, cpu: &mut Cpu, limits: Limits) -> Result<Arc<Block>, crate::cpu::Trap> {
        self.work_off_mail();
        let offset = (cpu.pc % PAGE_SIZE) as u16;
        let keep = limits.breakpoints;
        if keep
            && let Some(index) = cpu.fetch_entry(cpu.pc)
            && let Some(block) = self.pages[index as usize].blocks.get(&offset)
        {
            return Ok(block.clone());
        }
        let from = cpu.fetch(cpu.pc)?;
        let slots = cpu.isa.slots();
        let source = self.source.get_or_insert_with(|| Source::new(slots));
        if !from.whole {
            return source.lift_alone(cpu, &from).map(Arc::new);
        }
        if !keep {
            // The fetch TLB stays as it is: it may be another engine's, which steps by this one.
            return Ok(Arc::new(source.lift(cpu, &from, limits)?.block));
        }
        if self.taken > self.limit {
            self.forget(cpu);
        }
        let index = self.page(&from.page, from.mode);
        cpu.fill_fetch(cpu.pc, index as u64);
        if let Some(block) = self.pages[index].blocks.get(&offset) {
            return Ok(block.clone());
        }
        let source = self.source.get_or_insert_with(|| Source::new(slots));
        let lift = source.lift(cpu, &from, limits)?;
        let block = Arc::new(lift.block);
        // A block over two pages depends on both mappings, which nothing here would check: it is lifted each time.
        if lift.second.is_none() {
            self.taken += size_of::<Block>() + size_of_val(&*block.ops) + BESIDE;
            self.pages[index].blocks.insert(offset, block.clone());
        }
        Ok(block)
    }

    fn page(&mut self, page: &HostPage, mode: u32) -> usize {
        let key = PageKey { page: page.page(), mode };
        let taken = &mut self.taken;
        *self.index.entry(key).or_insert_with(|| {
            *taken += size_of::<PageBlocks>() + BESIDE;
            self.pages.push(PageBlocks { key: Some(key), blocks: HashMap::new() });
            self.pages.len() - 1
        })
    }

    /// Drops the blocks whose code was written.
    fn work_off_mail(&mut self) {
        while self.mailbox.is_full() {
            for (page, lines) in self.mailbox.take() {
                let touched = |block: &Block| {
                    let (first, last) = (block.start / 64, (block.start + block.bytes.max(1) - 1).min(4095) / 64);
                    (first..=last).any(|line| lines >> line & 1 != 0)
                };
                for blocks in self.pages.iter_mut().filter(|blocks| is_page(blocks, page)) {
                    blocks.blocks.retain(|_, block| !touched(block));
                }
            }
        }
    }
}

fn is_page(blocks: &PageBlocks, page: RamPage) -> bool {
    blocks.key.is_some_and(|key| key.page == page)
}

impl Engine for Interp {
    fn run(&mut self, cpu: &mut Cpu) -> Exit {
        running(cpu, |cpu| self.run_inside(cpu))
    }

    fn step(&mut self, cpu: &mut Cpu, interrupts: bool) -> Exit {
        running(cpu, |cpu| {
            loop {
                if let Some(exit) = serve(cpu) {
                    return exit;
                }
                if cpu.halted {
                    wait(cpu);
                } else if interrupts && cpu.take_interrupt() {
                    return Exit::Stepped;
                } else {
                    return self.step_inside(cpu).unwrap_or(Exit::Stepped);
                }
            }
        })
    }

    fn forget_code(&mut self, cpu: &mut Cpu) {
        self.forget(cpu);
    }
}

impl Interp {
    fn forget(&mut self, cpu: &mut Cpu) {
        self.pages.clear();
        self.index.clear();
        self.taken = 0;
        cpu.tlb.clear_fetch();
    }

    /// Runs the instruction at the pc, breakpoint or not, while the vCPU counts as running.
    pub(super) fn step_inside(&mut self, cpu: &mut Cpu) -> Option<Exit> {
        match self.block(cpu, Limits::STEP)? {
            Stop::Left(why) => left(cpu, why),
            Stop::Watched(point) => Some(Exit::Watchpoint(point)),
        }
    }

    fn run_inside(&mut self, cpu: &mut Cpu) -> Exit {
        // The instruction that is run by itself, a breakpoint there or not, when it comes next.
        let mut over = cpu.board.debug.read().breakpoints.contains(&cpu.pc).then_some(cpu.pc);
        loop {
            if cpu.pins.wants_attention()
                && let Some(exit) = attend(cpu)
            {
                return exit;
            }
            if cpu.halted {
                wait(cpu);
                continue;
            }
            if over.take() == Some(cpu.pc) {
                if let Some(exit) = self.step_inside(cpu) {
                    return exit;
                }
                continue;
            }
            match self.block(cpu, LIMITS) {
                Some(Stop::Left(why)) => {
                    if let Some(exit) = left(cpu, why) {
                        return exit;
                    }
                    // A breakpoint of another address with the same offset: its instruction still has to run.
                    over = (why == Why::Breakpoint).then_some(cpu.pc);
                }
                Some(Stop::Watched(point)) => return Exit::Watchpoint(point),
                None => {}
            }
        }
    }
}

/// A vCPU as the evaluator sees it.
struct CpuEnv<'a>(&'a mut Cpu);

impl Env for CpuEnv<'_> {
    fn insn(&mut self, address: u64) {
        self.0.pc = address;
    }

    fn get(&mut self, slot: Slot) -> u64 {
        self.0.get(slot)
    }

    fn set(&mut self, slot: Slot, value: u64) {
        self.0.set(slot, value);
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trapped> {
        self.0.load(mem, address)
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trapped> {
        self.0.store(mem, address, value)
    }

    fn rmw(&mut self, op: RmwOp, mem: Mem, address: u64, value: u64) -> Result<u64, Trapped> {
        self.0.rmw(op, mem, address, value)
    }

    fn cas(&mut self, mem: Mem, address: u64, expected: u64, new: u64) -> Result<u64, Trapped> {
        self.0.cas(mem, address, expected, new)
    }

    fn fence(&mut self) {
        fence(Ordering::SeqCst);
    }

    fn call(&mut self, helper: HelperId, args: [u64; 3]) -> Result<u64, Trapped> {
        let function = self.0.isa.helpers()[usize::from(helper.0)].call;
        function(self.0, args).map_err(|trap| {
            self.0.trap = trap;
            Trapped
        })
    }

    fn raise(&mut self, flags: Flags) {
        self.0.raise(flags);
    }

    fn rules(&self) -> &Rules {
        self.0.isa.float_rules(self.0.mode)
    }
}
