//! Room `engine`: ways to make a vCPU go. It names no ISA.
//!
//! ```text
//!   pc ──► code page ──► block (lifted once, kept by physical page) ──► run it ──► next pc
//!            ▲                 ▲                                          │
//!            └── TLB flushes   └── stores to the page (mailbox)           └── trap, interrupt, wait, breakpoint
//! ```
//! [`interp`] evaluates blocks and is the reference; [`jit`] compiles them. Both lift through [`source`] and share the
//! run loop's odd moments here. Each vCPU has an engine of its own; what JIT engines share is inside them.

pub mod interp;
pub mod jit;
mod source;
#[cfg(test)]
mod tests;

pub use source::{Limits, Source};

use crate::base::dlog::{Item, on, on_at, write};
use crate::base::{Result, symbols};
use crate::cpu::{Cpu, Group, Watchpoint};
use crate::fabric::{Mailbox, Watchers};
use crate::ir::Why;
use std::sync::Arc;

/// Why an engine stopped running a vCPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It was asked to ([`crate::cpu::Remote::ask_stop`]).
    Asked,
    /// The next instruction has a breakpoint.
    Breakpoint,
    /// The next instruction makes an access that a watchpoint is for.
    Watchpoint(Watchpoint),
    /// It ran the instruction that it was to run.
    Stepped,
}

/// A way to make a vCPU go.
pub trait Engine: Send {
    /// Runs `cpu` until something asks for a stop. A breakpoint at the first instruction does not count.
    fn run(&mut self, cpu: &mut Cpu) -> Exit;

    /// Runs one instruction, breakpoint or not, or takes the trap that stands in its way, or the interrupt if
    /// `interrupts` says so. A halted vCPU is waited for.
    fn step(&mut self, cpu: &mut Cpu, interrupts: bool) -> Exit;

    /// Forgets all code: breakpoints have changed, or memory was replaced. Every vCPU is paused.
    fn forget_code(&mut self, cpu: &mut Cpu);
}

/// Which engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The interpreter.
    Interp,
    /// The JIT.
    Jit,
}

/// What code may take by default, in bytes, together with what is known of it.
pub const CODE_LIMIT: usize = 512 << 20;
/// The least that it may be given: a block and its surroundings fit many times.
pub const LEAST_CODE_LIMIT: usize = 8 << 20;
/// The most that it may be given: jumps reach so far.
pub const MOST_CODE_LIMIT: usize = 2040 << 20;

/// Makes the engines of a machine's vCPUs, and names their mailboxes to the RAM. Called once for a machine. Code takes
/// `code_limit` bytes at most: then all of it is forgotten.
///
/// # Errors
/// When the host gives no memory for code.
pub fn engines(kind: Kind, code_limit: usize, cpus: u32, watchers: &Watchers) -> Result<Vec<Box<dyn Engine>>> {
    match kind {
        Kind::Interp => {
            let boxes: Vec<Arc<Mailbox>> = (0..cpus).map(|_| Arc::default()).collect();
            watchers.watch(boxes.clone());
            Ok(boxes
                .into_iter()
                .map(|mailbox| Box::new(interp::Interp::new(mailbox, code_limit / cpus as usize)) as Box<dyn Engine>)
                .collect())
        }
        Kind::Jit => {
            let mailbox = Arc::<Mailbox>::default();
            watchers.watch(vec![mailbox.clone()]);
            let engines = jit::engines(cpus, jit::HostFeatures::detect(), mailbox, code_limit)?;
            Ok(engines.into_iter().map(|engine| Box::new(engine) as Box<dyn Engine>).collect())
        }
    }
}

/// Calls `run` while `cpu` counts as running. Registers, pins and points may have changed since it last did, and what it
/// was told of before it stopped may not have been served, so it looks at everything first.
fn running<T>(cpu: &mut Cpu, run: impl FnOnce(&mut Cpu) -> T) -> T {
    cpu.remote.begin();
    cpu.pins.kick();
    cpu.serve_requests();
    let result = run(cpu);
    cpu.remote.pause();
    result
}

/// What the run loop does when attention is asked for: everything that other threads may have changed is looked at.
fn attend(cpu: &mut Cpu) -> Option<Exit> {
    let exit = serve(cpu);
    if exit.is_none() && !cpu.halted {
        cpu.take_interrupt();
    }
    exit
}

/// Does what other threads ask for; pins are left to the caller.
fn serve(cpu: &mut Cpu) -> Option<Exit> {
    cpu.pins.take_attention();
    if !cpu.finish_asking() {
        return Some(Exit::Asked);
    }
    cpu.serve_requests();
    cpu.remote.stop_asked().then_some(Exit::Asked)
}

/// Sleeps until the halted vCPU goes on, or attention is asked for.
fn wait(cpu: &mut Cpu) {
    let isa = cpu.isa.clone();
    if isa.wakes(cpu) {
        cpu.halted = false;
        // Whether the interrupt is also taken is for the next look at the pins to say.
        cpu.pins.kick();
        return;
    }
    cpu.remote.pause();
    cpu.pins.park(None);
    cpu.remote.begin();
    cpu.pins.kick();
}

/// What follows a block that hands over to the run loop.
fn left(cpu: &mut Cpu, why: Why) -> Option<Exit> {
    match why {
        // The barrier waits for what was asked of others before it.
        Why::Sync if cpu.is_asking() => cpu.pins.kick(),
        Why::Sync => {}
        Why::Interrupts => cpu.pins.kick(),
        Why::Wait => cpu.halted = true,
        Why::Yield => std::thread::yield_now(),
        Why::Breakpoint => {
            if cpu.board.debug.read().breakpoints.contains(&cpu.pc) {
                return Some(Exit::Breakpoint);
            }
        }
    }
    None
}

/// Writes the `-d exec` and `-d cpu` lines of the block at the pc, where they are wanted.
#[inline]
fn log_exec(cpu: &mut Cpu) {
    if on(Item::Exec) || on(Item::Cpu) {
        write_exec(cpu);
    }
}

#[cold]
fn write_exec(cpu: &mut Cpu) {
    if on_at(Item::Exec, cpu.pc) {
        let name = symbols::at(cpu.pc).map(|name| format!(" {name}")).unwrap_or_default();
        write(format_args!("Trace {}: {:#018x} mode {:#x}{name}\n", cpu.index, cpu.pc, cpu.mode));
    }
    if on_at(Item::Cpu, cpu.pc) {
        let mut groups = vec![Group::General, Group::System];
        groups.extend(on(Item::Fpu).then_some(Group::Float));
        groups.extend(on(Item::Vpu).then_some(Group::Vector));
        let registers = cpu.describe(&groups);
        write(format_args!("CPU#{}\n{registers}", cpu.index));
    }
}
