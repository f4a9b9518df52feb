//! SSE: supervisor software events, which interrupt S-mode and U-mode whether or not interrupts are enabled.
//!
//! There are the events of a hart's own that something here raises: an overflow of its counters, and software's. Those
//! of errors in hardware and those of the whole machine, which OpenSBI 1.5 has beside them, are not there.
//!
//! A hart with something to look at says so in [`regs::EVENTS`]; what it finds is decided when it is taken, so that
//! nobody waits for a lock to know whether an interrupt is due.

use super::super::config;
use super::super::fields::{irq, mstatus};
use super::super::mode::Privilege;
use super::super::regs::{self, x};
use super::super::trap::{privilege, set_privilege};
use super::{Answer, Args, Error, Shared};
use crate::base::bits::{field, with_field};
use crate::cpu::Cpu;

/// A counter of the hart's has overflowed.
pub const LOCAL_PMU: u32 = 0x1_0000;
/// Software has asked for it.
const LOCAL_SOFTWARE: u32 = 0xffff_0000;

/// In [`regs::EVENTS`]: some event may be due.
pub const LOOK: u64 = 1;
/// There: a counter has overflowed.
pub const OVERFLOWED: u64 = 1 << 1;
/// There: overflows are an event, no interrupt.
pub const TAKES_OVERFLOWS: u64 = 1 << 2;

/// What an event is doing, numbered as its status has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Unused = 0,
    Registered = 1,
    Enabled = 2,
    Running = 3,
}

/// Attributes of an event, by number.
mod attribute {
    pub const STATUS: u64 = 0;
    pub const PRIORITY: u64 = 1;
    pub const CONFIG: u64 = 2;
    pub const PREFERRED_HART: u64 = 3;
    pub const ENTRY_PC: u64 = 4;
    pub const ENTRY_ARG: u64 = 5;
    pub const INTERRUPTED: u64 = 6;
    pub const COUNT: u64 = 10;
}

/// Of `CONFIG`: the event is disabled when its handler has completed.
const ONE_SHOT: u64 = 1;
/// Of the interrupted flags: `sstatus.SPP` and `SPIE`.
const SPP: u64 = 1;
const SPIE: u64 = 1 << 1;

/// An event.
#[derive(Clone, Copy, Default)]
struct Event {
    state: State,
    pending: bool,
    priority: u32,
    config: u64,
    entry: u64,
    argument: u64,
    /// What its handler interrupted: `sepc`, flags, `a6`, `a7`.
    interrupted: [u64; 4],
}

/// The events of a hart, in the order of their numbers.
#[derive(Default)]
pub struct Events {
    overflow: Event,
    software: Event,
}

impl Event {
    /// Whether somebody may inject it.
    fn status(&self, id: u32) -> u64 {
        const PENDING: u64 = 1 << 2;
        const INJECT: u64 = 1 << 3;
        let injectable = if id == LOCAL_SOFTWARE { INJECT } else { 0 };
        self.state as u64 | injectable | if self.pending { PENDING } else { 0 }
    }

    fn attribute(&self, id: u32, hart: u32, number: u64) -> u64 {
        match number {
            attribute::STATUS => self.status(id),
            attribute::PRIORITY => self.priority.into(),
            attribute::CONFIG => self.config,
            attribute::PREFERRED_HART => hart.into(),
            attribute::ENTRY_PC => self.entry,
            attribute::ENTRY_ARG => self.argument,
            interrupted => self.interrupted[(interrupted - attribute::INTERRUPTED) as usize],
        }
    }

    /// Sets an attribute, if that is possible now.
    fn set_attribute(&mut self, number: u64, value: u64) -> Result<(), Error> {
        let settled = matches!(self.state, State::Enabled | State::Running);
        match number {
            attribute::PRIORITY | attribute::CONFIG if settled => return Err(Error::InvalidState),
            attribute::PRIORITY => self.priority = u32::try_from(value).map_err(|_| Error::InvalidParam)?,
            attribute::CONFIG if value & !ONE_SHOT != 0 => return Err(Error::InvalidParam),
            attribute::CONFIG => self.config = value,
            attribute::INTERRUPTED.. if self.state != State::Running => return Err(Error::InvalidState),
            attribute::INTERRUPTED.. => {
                let which = (number - attribute::INTERRUPTED) as usize;
                if which == 1 && value & !(SPP | SPIE) != 0 {
                    return Err(Error::InvalidParam);
                }
                self.interrupted[which] = value;
            }
            // The rest is only told.
            _ => return Err(Error::Denied),
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.state == State::Enabled && self.pending
    }
}

impl Events {
    /// The event with a number.
    fn find(&mut self, id: u64) -> Result<(u32, &mut Event), Error> {
        const FIRST_CUSTOM: u64 = 0x4000;
        match id as u32 {
            LOCAL_PMU => Ok((LOCAL_PMU, &mut self.overflow)),
            LOCAL_SOFTWARE => Ok((LOCAL_SOFTWARE, &mut self.software)),
            // Errors of hardware, double traps, and those that are the machine's.
            0 | 1 | 0x8000 | 0xffff_8000 => Err(Error::NotSupported),
            id if u64::from(id) & 0xffff >= FIRST_CUSTOM => Err(Error::NotSupported),
            _ => Err(Error::InvalidParam),
        }
    }

    /// Answers a call; all but `complete`, which [`complete`] is for.
    ///
    /// # Errors
    /// As the specification has them.
    pub(super) fn call(&mut self, cpu: &mut Cpu, function: u64, [id, a1, a2, a3, a4, _]: Args) -> Answer {
        let hart = cpu.index;
        let (number, event) = self.find(id)?;
        let move_to = |event: &mut Event, from: State, to: State| {
            if event.state != from {
                return Err(Error::InvalidState);
            }
            event.state = to;
            Ok(0)
        };
        match function {
            0 | 1 => {
                let (first, memory) = attributes(cpu, a1, a2, a3, a4)?;
                for (attribute, at) in first.zip((0..).step_by(8)) {
                    if function == 0 {
                        memory.put(cpu, at, &event.attribute(number, hart, attribute).to_le_bytes())?;
                    } else {
                        event.set_attribute(attribute, memory.word(cpu, at)?)?;
                    }
                }
                Ok(0)
            }
            2 if a1 & 1 != 0 => Err(Error::InvalidParam),
            2 => {
                move_to(event, State::Unused, State::Registered)?;
                (event.entry, event.argument) = (a1, a2);
                Ok(0)
            }
            3 => {
                move_to(event, State::Registered, State::Unused)?;
                *event = Event::default();
                Ok(0)
            }
            4 => {
                move_to(event, State::Registered, State::Enabled)?;
                self.changed(cpu);
                Ok(0)
            }
            5 => {
                move_to(event, State::Enabled, State::Registered)?;
                self.changed(cpu);
                Ok(0)
            }
            _ => Err(Error::NotSupported),
        }
    }

    /// Makes software's event due.
    ///
    /// # Errors
    /// When it is another that cannot be injected.
    pub(super) fn inject(&mut self, id: u64) -> Answer {
        match self.find(id)? {
            (LOCAL_SOFTWARE, event) => event.pending = true,
            _ => return Err(Error::Denied),
        }
        Ok(0)
    }

    /// Follows a change of what is enabled or pending.
    fn changed(&self, cpu: &mut Cpu) {
        let takes = matches!(self.overflow.state, State::Enabled | State::Running);
        let rest = cpu.get(regs::EVENTS) & !TAKES_OVERFLOWS;
        let due = if self.overflow.is_due() || self.software.is_due() { LOOK } else { 0 };
        cpu.set(regs::EVENTS, rest | due | if takes { TAKES_OVERFLOWS } else { 0 });
        cpu.interrupts_changed();
    }

    /// Enters the handler of the event that comes first, if one may be entered now.
    fn enter(&mut self, cpu: &mut Cpu) {
        let flags = cpu.get(regs::EVENTS);
        cpu.set(regs::EVENTS, flags & !(LOOK | OVERFLOWED));
        self.overflow.pending |= flags & OVERFLOWED != 0;
        let running = [&self.overflow, &self.software].into_iter().filter(|event| event.state == State::Running);
        let above = running.map(|event| event.priority).min();
        let due = [&mut self.overflow, &mut self.software].into_iter().filter(|event| event.is_due());
        // Of equal priority the one with the lower number, which is the first.
        let Some(event) = due.min_by_key(|event| event.priority) else { return };
        if above.is_some_and(|above| above <= event.priority) {
            return;
        }
        let status = cpu.get(regs::MSTATUS);
        let flags =
            if status & mstatus::SPP != 0 { SPP } else { 0 } | if status & mstatus::SPIE != 0 { SPIE } else { 0 };
        event.interrupted = [cpu.get(regs::SEPC), flags, cpu.get(x(16)), cpu.get(x(17))];
        (event.state, event.pending) = (State::Running, false);
        let status = with_field(status, mstatus::SPP, privilege(cpu) as u64);
        let status = with_field(status, mstatus::SPIE, field(status, mstatus::SIE)) & !mstatus::SIE;
        cpu.set(regs::MSTATUS, status);
        cpu.set(regs::SEPC, cpu.pc);
        cpu.set(x(16), cpu.index.into());
        cpu.set(x(17), event.argument);
        cpu.pc = event.entry;
        set_privilege(cpu, Privilege::Supervisor);
    }

    /// Goes back to what the handler that runs has interrupted.
    fn complete(&mut self, cpu: &mut Cpu) -> Answer {
        let all = [&mut self.overflow, &mut self.software].into_iter();
        let running = all.filter(|event| event.state == State::Running).min_by_key(|event| event.priority);
        let event = running.ok_or(Error::InvalidState)?;
        event.state = if event.config & ONE_SHOT != 0 { State::Registered } else { State::Enabled };
        let [sepc, flags, a6, a7] = event.interrupted;
        let status = cpu.get(regs::MSTATUS);
        let to = Privilege::decode(field(status, mstatus::SPP));
        let status = with_field(status, mstatus::SIE, field(status, mstatus::SPIE));
        let status = with_field(status, mstatus::SPP, u64::from(flags & SPP != 0));
        cpu.set(regs::MSTATUS, with_field(status, mstatus::SPIE, u64::from(flags & SPIE != 0)));
        cpu.pc = cpu.get(regs::SEPC);
        cpu.set(regs::SEPC, sepc);
        cpu.set(x(16), a6);
        cpu.set(x(17), a7);
        set_privilege(cpu, to);
        self.changed(cpu);
        cpu.mode_changed();
        Ok(0)
    }
}

/// The attributes that a call names, and the memory that they go to or come from.
fn attributes(cpu: &Cpu, first: u64, count: u64, low: u64, high: u64) -> Result<(std::ops::Range<u64>, Shared), Error> {
    if count == 0 {
        return Err(Error::InvalidParam);
    }
    let end = first.checked_add(count).filter(|end| *end <= attribute::COUNT).ok_or(Error::BadRange)?;
    Shared::new(cpu, low, high, 8, 8 * count).map(|memory| (first..end, memory))
}

/// Takes the event that is due, which interrupts.
pub fn take(cpu: &mut Cpu) {
    let harts = config(cpu).harts.clone();
    harts.with_own(cpu.index, |own| own.events.enter(cpu));
}

/// `complete`: on success the hart is where it was interrupted, and nothing of the call is left.
///
/// # Errors
/// When no handler runs.
pub(super) fn complete(cpu: &mut Cpu) -> Answer {
    let harts = config(cpu).harts.clone();
    harts.with_own(cpu.index, |own| own.events.complete(cpu))
}

/// Injects an event into a hart.
///
/// # Errors
/// When there is no such hart or event.
pub(super) fn inject(cpu: &Cpu, id: u64, hart: u64) -> Answer {
    let other = usize::try_from(hart).ok().and_then(|hart| cpu.others.get(hart)).ok_or(Error::InvalidParam)?;
    config(cpu).harts.with_own(hart as u32, |own| own.events.inject(id))?;
    other.pins().pulse(irq::EVENT);
    Ok(0)
}
