//! From guest memory to blocks: fetches, lifts and notes which bytes a block was made from.

use crate::base::dlog::{self, Item};
use crate::base::symbols;
use crate::cpu::{CodeFetch, Cpu, Lifted, Request, Trap};
use crate::fabric::{HostPage, PAGE_SIZE, RamPage};
use crate::ir::{Block, Builder, End, Why};

/// How long blocks may grow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most guest instructions in a block.
    pub insns: u16,
    /// Most ops in a block, checked between instructions.
    pub ops: usize,
    /// Whether breakpoints end blocks.
    pub breakpoints: bool,
}

impl Limits {
    /// A single instruction, breakpoint or not.
    pub const STEP: Limits = Limits { insns: 1, ops: 1, breakpoints: false };
}

/// A block with the memory that it was made from.
pub struct Lift {
    /// The block.
    pub block: Block,
    /// The page that it starts in.
    pub page: HostPage,
    /// The page that its only instruction reaches into, when it crosses.
    pub second: Option<HostPage>,
}

/// The longest instruction of any guest, in bytes.
const LONGEST: usize = 16;

/// How many times longer a block may become where the lifter asks for it.
const LONGER: usize = 4;

/// Lifts blocks for one vCPU.
pub struct Source {
    builder: Builder,
    bytes: Vec<u8>,
}

impl Source {
    /// A source for guests with `slots` slots.
    pub fn new(slots: usize) -> Source {
        Source { builder: Builder::new(slots), bytes: Vec::with_capacity(PAGE_SIZE as usize + LONGEST) }
    }

    /// Gives the memory of a block back.
    pub fn recycle(&mut self, block: Block) {
        self.builder.recycle(block);
    }

    /// Lifts the block at `cpu.pc`, which has been fetched already.
    ///
    /// When this returns, stores to the bytes that it used are noticed, and the bytes are still what they were.
    ///
    /// # Errors
    /// The trap of fetching the second page, when the first instruction reaches into it.
    pub fn lift(&mut self, cpu: &mut Cpu, from: &CodeFetch, limits: Limits) -> Result<Lift, Trap> {
        loop {
            let lift = self.try_lift(cpu, from, limits)?;
            if self.secure(cpu, &lift) {
                self.log(cpu, from.mode, &lift);
                return Ok(lift);
            }
        }
    }

    /// Lifts the instruction at the pc alone, from a page that may not all be fetched from. The block is not to be kept.
    ///
    /// # Errors
    /// The trap of the fetch.
    pub fn lift_alone(&mut self, cpu: &mut Cpu, from: &CodeFetch) -> Result<Block, Trap> {
        let lift = self.lift(cpu, from, Limits::STEP)?;
        for at in (0..u64::from(lift.block.bytes)).step_by(1 << cpu.isa.grain()).skip(1) {
            cpu.fetch(cpu.pc.wrapping_add(at))?;
        }
        Ok(lift.block)
    }

    fn try_lift(&mut self, cpu: &mut Cpu, from: &CodeFetch, limits: Limits) -> Result<Lift, Trap> {
        let page = &from.page;
        let start = (cpu.pc % PAGE_SIZE) as usize;
        // No block needs more than this of the page; a full page would be a needless copy.
        let most = (usize::from(limits.insns) * LONGER * LONGEST).min(PAGE_SIZE as usize - start);
        self.bytes.resize(most, 0);
        page.ram.read(page.offset + start as u64, &mut self.bytes);
        self.builder.begin(start as u16);
        let stops = self.breakpoints(cpu, limits);
        let mut at = 0;
        while !self.builder.has_ended() && self.has_room(limits) {
            if stops.contains(&((start + at) as u64)) {
                self.builder.end(End::Leave { target: (start + at) as i64, why: Why::Breakpoint });
                break;
            }
            if start + at >= PAGE_SIZE as usize {
                break;
            }
            match cpu.isa.lift(&mut self.builder, &self.bytes[at..], from.mode) {
                Lifted::Done(length) => at += usize::from(length),
                Lifted::NeedsMore if at > 0 => break,
                Lifted::NeedsMore => return self.lift_crossing(cpu, from),
            }
        }
        Ok(Lift { block: self.builder.finish(), page: page.clone(), second: None })
    }

    /// Whether the block may take another instruction.
    fn has_room(&self, limits: Limits) -> bool {
        let longer = if self.builder.wants_more && limits.insns > 1 { LONGER } else { 1 };
        usize::from(self.builder.insns()) < usize::from(limits.insns) * longer
            && self.builder.len() <= limits.ops * longer
    }

    /// The page offsets at which breakpoints stand, wherever the page is mapped; the run loop tells them apart.
    fn breakpoints(&self, cpu: &Cpu, limits: Limits) -> Vec<u64> {
        if !limits.breakpoints {
            return Vec::new();
        }
        cpu.board.debug.read().breakpoints.iter().map(|address| address % PAGE_SIZE).collect()
    }

    fn lift_crossing(&mut self, cpu: &mut Cpu, from: &CodeFetch) -> Result<Lift, Trap> {
        let next = (cpu.pc | (PAGE_SIZE - 1)).wrapping_add(1);
        let second = cpu.fetch(next)?.page;
        let first = self.bytes.len();
        self.bytes.resize(first + LONGEST, 0);
        second.ram.read(second.offset, &mut self.bytes[first..]);
        self.builder.begin((cpu.pc % PAGE_SIZE) as u16);
        let lifted = cpu.isa.lift(&mut self.builder, &self.bytes, from.mode);
        debug_assert!(matches!(lifted, Lifted::Done(_)), "no instruction is longer than {LONGEST} bytes");
        Ok(Lift { block: self.builder.finish(), page: from.page.clone(), second: Some(second) })
    }

    /// Makes stores to the block's bytes be noticed; false when the bytes have changed meanwhile.
    fn secure(&self, cpu: &mut Cpu, lift: &Lift) -> bool {
        let start = u64::from(lift.block.start);
        let length = u64::from(lift.block.bytes);
        let first = length.min(PAGE_SIZE - start);
        let mut now = vec![0; length as usize];
        note_code(cpu, &lift.page, start, first);
        lift.page.ram.read(lift.page.offset + start, &mut now[..first as usize]);
        if let Some(second) = &lift.second {
            note_code(cpu, second, 0, length - first);
            second.ram.read(second.offset, &mut now[first as usize..]);
        }
        now == self.bytes[..length as usize]
    }

    fn log(&self, cpu: &Cpu, mode: u32, lift: &Lift) {
        if dlog::on_at(Item::InAsm, cpu.pc) {
            let name = symbols::at(cpu.pc).unwrap_or_default();
            let mut text = format!("----------------\nIN: {name}\n");
            let mut at = 0;
            while at < usize::from(lift.block.bytes) {
                let address = cpu.pc.wrapping_add(at as u64);
                let (line, length) = cpu.isa.list(&self.bytes[at..], address);
                text += &format!("{address:#018x}:  {line}\n");
                at += length;
            }
            dlog::write(format_args!("{text}\n"));
        }
        if dlog::on_at(Item::Op, cpu.pc) {
            dlog::write(format_args!("OP: {:#x} mode {mode:#x}\n{}\n", cpu.pc, lift.block));
        }
        #[cfg(debug_assertions)]
        if let Err(e) = crate::ir::verify(&lift.block) {
            panic!("{e}\n{}", lift.block);
        }
    }
}

/// Notes that code was made from a range of a page, and makes every vCPU that may store to it directly notice.
fn note_code(cpu: &mut Cpu, page: &HostPage, start: u64, length: u64) {
    if length == 0 {
        return;
    }
    let writers = page.ram.add_code(page.offset + start, length);
    if writers == 0 {
        return;
    }
    let number = page.page();
    if writers & 1 << (cpu.index % 64) != 0 {
        cpu.drop_writes(number);
    }
    let rest = writers & !(1 << (cpu.index % 64));
    if rest != 0 {
        cpu.ask_others(Request::DropWrites(number), |index| rest & 1 << (index % 64) != 0);
    }
}

/// Identifies a block: where its code is and what else its meaning depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PageKey {
    /// The page.
    pub page: RamPage,
    /// [`CodeFetch::mode`].
    pub mode: u32,
}
