//! Room `cpu`: one vCPU whatever its ISA.
//!
//! ```text
//!            Isa (what an architecture is)            engines
//!               │ mode, translate, enter                 │ slots, TLB tags, load/store
//!               ▼                                        ▼
//!   Cpu ── slots ── contexts ── TLB ── slow path ── second-level TLB ──► Bus, Ram    Remote: how others reach it
//! ```
//! The slots are the CPU: every guest register is one, so engines, gdb, traces and snapshots need nothing else.
//! Translations are tagged with a *context* (address space, privilege and whatever else decides them), so a switch
//! of address space flushes nothing; flushing an address space gives it a new context.
//!
//! `unsafe` lives in `softmmu.rs` alone: guest RAM is reached by host address there.

mod context;
mod isa;
mod large;
mod points;
mod remote;
mod softmmu;
mod stlb;
mod tlb;

pub use context::{AddressSpace, CONTEXT_SHIFT};
pub use isa::{Access, Group, Helper, Isa, Lifted, Mapped, Mapping, Mode, PageTables, RegDef, Trap};
pub use points::{DebugPoints, Points, Watchpoint};
pub use remote::{Remote, Request};
pub use softmmu::{CodeFetch, access_mask, fetch_mask};
pub use tlb::{ITLB_SIZE, ItlbEntry, SITES, Site, TLB_SIZE, Tlb, TlbEntry};

use crate::base::dlog;
use crate::fabric::{Bus, Clock, CpuInterface, Pins, Power, Timers};
use crate::float::Flags;
use crate::ir::Slot;
use context::Contexts;
use std::sync::Arc;
use stlb::{Keys, Stlb};

/// How many slots a vCPU has room for.
pub const SLOTS: usize = 2048;

/// What every vCPU of a machine shares.
#[derive(Clone)]
pub struct Board {
    /// The physical address map.
    pub bus: Arc<Bus>,
    /// Guest time and timers.
    pub timers: Arc<Timers>,
    /// Reset and power-off.
    pub power: Arc<Power>,
    /// What the debugger wants noticed.
    pub debug: Arc<DebugPoints>,
    /// The interrupt controller, where vCPUs reach it by system registers.
    pub interface: Option<Arc<dyn CpuInterface>>,
    /// What answers semihosting calls, where the user allows them.
    pub semihosting: Option<Arc<dyn Semihosting>>,
}

/// Serves the calls that a guest program makes to the host it is developed on, past all of the board.
pub trait Semihosting: Send + Sync {
    /// Whether programs at the lowest privilege level are served too.
    fn serves_users(&self) -> bool;

    /// Answers the call `operation` with `parameter`, both as the guest's registers have them; the result. `None`: it
    /// has to wait, and the guest is to make the same call again; the vCPU has been asleep for a moment.
    fn call(&self, cpu: &mut Cpu, operation: u32, parameter: u64) -> Option<u64>;
}

/// A firmware service built into Mimus, which an ISA's environment call asks when there is no guest firmware.
pub trait Firmware: Send + Sync {
    /// Answers the call that `cpu` has just made; its registers hold the arguments and take the results.
    ///
    /// # Errors
    /// The trap that the guest gets instead, when this is no call of the service's.
    fn call(&self, cpu: &mut Cpu) -> Result<(), Trap>;
}

/// One vCPU. Emitted code addresses its fields from `slots`, so it never moves while it runs.
#[repr(C)]
pub struct Cpu {
    /// The guest registers.
    pub slots: [u64; SLOTS],
    /// Virtual address of the next instruction, valid whenever no block is running.
    pub pc: u64,
    /// Context of data accesses, in place for comparing with TLB tags.
    pub data_context: u64,
    /// Context of data accesses at the sites of emitted code, in place.
    pub site_context: u64,
    /// Context of instruction fetches, as `data_context`.
    pub fetch_context: u64,
    /// What decides the meaning of code beside its bytes: [`Mode::code`].
    pub mode: u32,
    /// Sticky float flags that the guest has not read yet.
    pub float_flags: u8,
    /// The trap that a helper or an access raised, until it is taken.
    pub trap: Trap,
    /// Translations of data accesses, and of instruction fetches.
    pub tlb: Tlb,
    stlb: Stlb,
    contexts: Contexts,
    /// Where the second-level TLB has the translations of `data_context`, and of `fetch_context`.
    data_keys: Keys,
    fetch_keys: Keys,
    /// Counts flushes of translations: what was known of a mapping at one count may be wrong at another.
    pub flushes: u64,
    /// Number of the vCPU on its machine.
    pub index: u32,
    /// The architecture.
    pub isa: Arc<dyn Isa>,
    /// What the machine's vCPUs share.
    pub board: Board,
    /// The input pins.
    pub pins: Arc<Pins>,
    /// How other threads reach this vCPU.
    pub remote: Arc<Remote>,
    /// All vCPUs of the machine by number, this one included.
    pub others: Arc<[Arc<Remote>]>,
    /// The built-in firmware, when there is no guest firmware.
    pub firmware: Option<Arc<dyn Firmware>>,
    /// The vCPU waits for an interrupt ([`Isa::wakes`]) and runs nothing until then: a hart that is not started, or
    /// one that executed its wait instruction.
    pub halted: bool,
    /// The vCPUs that were asked for something that is still to be waited for.
    asked: Vec<u32>,
    /// A watchpoint that holds an access back.
    held: Option<Watchpoint>,
}

impl Cpu {
    /// A vCPU after reset.
    pub fn new(
        index: u32,
        isa: Arc<dyn Isa>,
        board: Board,
        others: Arc<[Arc<Remote>]>,
        firmware: Option<Arc<dyn Firmware>>,
    ) -> Box<Cpu> {
        let remote = others[index as usize].clone();
        let mut cpu = Box::new(Cpu {
            slots: [0; SLOTS],
            pc: 0,
            data_context: 0,
            site_context: 0,
            fetch_context: 0,
            mode: 0,
            float_flags: 0,
            trap: Trap::default(),
            tlb: Tlb::new(),
            stlb: Stlb::new(),
            contexts: Contexts::default(),
            data_keys: Keys::default(),
            fetch_keys: Keys::default(),
            flushes: 0,
            index,
            isa,
            board,
            pins: remote.pins().clone(),
            remote,
            others,
            firmware,
            halted: false,
            asked: Vec::new(),
            held: None,
        });
        cpu.reset();
        cpu
    }

    /// Puts the vCPU into its power-on state.
    pub fn reset(&mut self) {
        if dlog::on(dlog::Item::CpuReset) {
            let state = self.describe(&Group::SHOWN);
            dlog::write(format_args!("CPU Reset (CPU {})\n{state}", self.index));
        }
        self.slots.fill(0);
        self.float_flags = 0;
        self.trap = Trap::default();
        self.held = None;
        self.halted = false;
        let isa = self.isa.clone();
        isa.reset(self);
        self.flush_all();
    }

    /// Reads a slot.
    #[inline]
    pub fn get(&self, slot: Slot) -> u64 {
        self.slots[slot.0 as usize]
    }

    /// Writes a slot. Where it is one that the mode depends on, [`mode_changed`](Cpu::mode_changed) comes after.
    #[inline]
    pub fn set(&mut self, slot: Slot, value: u64) {
        self.slots[slot.0 as usize] = value;
    }

    /// Guest time.
    pub fn clock(&self) -> &Arc<Clock> {
        self.board.timers.clock()
    }

    /// Accumulates float flags.
    #[inline]
    pub fn raise(&mut self, flags: Flags) {
        self.float_flags |= flags.0;
    }

    /// Works out the mode and the contexts again, after a register that they depend on was written.
    pub fn mode_changed(&mut self) {
        let mode = self.isa.mode(self);
        self.mode = mode.code;
        self.make_room(2);
        (self.data_context, self.data_keys) = self.context(mode.data);
        (self.fetch_context, self.fetch_keys) = self.context(mode.fetch);
        self.site_context = self.site_tag(self.data_context);
    }

    /// Asks this vCPU's own run loop to look at interrupts again, after a register that masks them was written.
    pub fn interrupts_changed(&mut self) {
        self.pins.kick();
    }

    /// Takes the interrupt that is due, if any; returns whether one was.
    pub fn take_interrupt(&mut self) -> bool {
        let isa = self.isa.clone();
        match isa.pending(self) {
            Some(trap) => {
                self.enter(trap);
                true
            }
            None => false,
        }
    }

    /// Enters the guest's handler for `trap`, the pc being that of the instruction to be resumed or blamed.
    pub fn enter(&mut self, trap: Trap) {
        let isa = self.isa.clone();
        isa.enter(self, trap);
        self.mode_changed();
    }

    /// Gets on with what other threads asked of this vCPU. Called between blocks only.
    pub fn serve_requests(&mut self) {
        let remote = self.remote.clone();
        let (requests, number) = remote.take();
        for request in requests {
            match request {
                Request::DropWrites(page) => self.drop_writes(page),
                // Serving comes between blocks, and the next one is looked up.
                Request::Sync => {}
                Request::Flush => self.flush_all(),
                Request::FlushSpace(space) => self.flush_space(space),
                Request::FlushPages { start, count, space } => {
                    for page in 0..count {
                        self.flush_page(start.wrapping_add(page * crate::fabric::PAGE_SIZE), space);
                    }
                }
            }
        }
        remote.done(number);
    }

    /// Makes this vCPU's stores to a page of RAM be noticed.
    pub fn drop_writes(&mut self, page: crate::fabric::RamPage) {
        self.tlb.drop_writes(page);
        self.renew_sites();
    }

    /// The registers as text, four to a line, for `-d cpu` and the monitor's `info registers`.
    pub fn describe(&mut self, groups: &[Group]) -> String {
        let isa = self.isa.clone();
        let mut text = format!(" pc       {:016x}\n", self.pc);
        for group in groups {
            let shown = |parts: &&[RegDef]| parts[0].group == *group;
            let registers: Vec<&[RegDef]> =
                isa.registers().chunk_by(|low, high| high.continues(low)).filter(shown).collect();
            for line in registers.chunks(4) {
                for parts in line {
                    text += &format!(" {:<8} ", parts[0].name);
                    for reg in parts.iter().rev() {
                        text += &format!("{:016x}", isa.read_register(self, reg));
                    }
                }
                text.push('\n');
            }
        }
        text
    }

    /// As [`ask_others`](Cpu::ask_others), from inside a block: the waiting comes when the block has ended, before the
    /// next one.
    pub fn ask_others_soon(&mut self, request: Request, which: impl Fn(u32) -> bool) {
        self.ask_others_until_barrier(request, which);
        self.pins.kick();
    }

    /// As [`ask_others_soon`](Cpu::ask_others_soon), but the waiting comes when a block next leaves for
    /// [`Why::Sync`](crate::ir::Why::Sync), or earlier: for requests of which many come before one barrier.
    pub fn ask_others_until_barrier(&mut self, request: Request, which: impl Fn(u32) -> bool) {
        let others = self.others.clone();
        for (index, other) in others.iter().enumerate() {
            let index = index as u32;
            if index != self.index && which(index) {
                other.post(request);
                if !self.asked.contains(&index) {
                    self.asked.push(index);
                }
            }
        }
    }

    /// Whether it has asked others for something that it has not waited for.
    pub fn is_asking(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Waits for the requests of [`ask_others_soon`](Cpu::ask_others_soon), which comes before the next block. False when
    /// this vCPU is asked to stop first: it does not count as running then, and waits on when it goes on.
    pub fn finish_asking(&mut self) -> bool {
        if self.asked.is_empty() {
            return true;
        }
        // While this one waits it uses no translations, so the others need not wait for it.
        self.remote.pause();
        while let Some(index) = self.asked.last() {
            if !self.others[*index as usize].wait_served(|| self.remote.stop_asked()) {
                return false;
            }
            self.asked.pop();
        }
        self.remote.begin();
        true
    }

    /// Asks all other vCPUs for something and waits until each has done it or will before it goes on.
    pub fn ask_others(&mut self, request: Request, which: impl Fn(u32) -> bool) {
        let others = self.others.clone();
        let asked = |index: usize| index as u32 != self.index && which(index as u32);
        for (_, other) in others.iter().enumerate().filter(|(index, _)| asked(*index)) {
            other.post(request);
        }
        // While this one waits it uses no translations, so the others need not wait for it.
        let was_running = self.remote.is_running();
        self.remote.pause();
        for (_, other) in others.iter().enumerate().filter(|(index, _)| asked(*index)) {
            other.wait_served(|| false);
        }
        if was_running {
            self.remote.begin();
            self.serve_requests();
        }
    }
}
