//! DBTR: debug triggers of S-mode, by a message in memory that the supervisor shares.
//!
//! A message is four words a trigger: state, `tdata1`, `tdata2`, `tdata3`. As in OpenSBI 1.5 address matches of both
//! types can be installed.

use super::super::regs;
use super::super::triggers::{self, COUNT};
use super::{Answer, Args, Error, Shared};
use crate::base::bits::bit;
use crate::cpu::Cpu;

/// The words of a trigger's state.
mod state {
    pub const MAPPED: u64 = 1;
    pub const U: u64 = 1 << 1;
    pub const S: u64 = 1 << 2;
    /// There is hardware for it, whose number is in bits 8 and up.
    pub const HAVE_HW: u64 = 1 << 5;
    pub const INDEX: u32 = 8;
}

/// Bytes of a trigger's part of a message.
const ENTRY: u64 = 32;

/// A trigger as the supervisor has it.
#[derive(Clone, Copy, Default)]
struct Trigger {
    state: u64,
    data: [u64; 3],
}

/// The triggers of a hart.
#[derive(Default)]
pub struct Triggers {
    shared: Option<Shared>,
    all: [Trigger; COUNT as usize],
}

impl Triggers {
    /// Answers a call. The value of one that fails tells which trigger it failed for.
    pub fn call(&mut self, cpu: &mut Cpu, function: u64, [a0, a1, a2, ..]: Args) -> (Answer, u64) {
        if !triggers::present(cpu, 0) {
            return (Err(Error::NotSupported), 0);
        }
        let mut failed = 0;
        let answer = match function {
            0 => Ok(self.count(a0)),
            1 => Shared::set(cpu, &mut self.shared, [a0, a1, a2], 8, ENTRY * u64::from(COUNT)),
            2 => self.tell(cpu, a0, a1),
            3 => self.install(cpu, a0, &mut failed),
            4 => self.update(cpu, a0, &mut failed),
            5 => self.each(cpu, a0, a1, |_| Trigger::default()),
            6 => self.each(cpu, a0, a1, |trigger| {
                let (user, supervisor) = (trigger.state & state::U != 0, trigger.state & state::S != 0);
                trigger.with_levels(user, supervisor)
            }),
            7 => self.each(cpu, a0, a1, |trigger| trigger.with_levels(false, false)),
            _ => Err(Error::NotSupported),
        };
        (answer, failed)
    }

    /// How many triggers there are of a type that `tdata1` has; of all types where it is 0.
    fn count(&self, tdata1: u64) -> u64 {
        let has = tdata1 == 0 || bit(triggers::TYPES, (tdata1 >> 60) as u32);
        if has { COUNT.into() } else { 0 }
    }

    fn shared(&self) -> Result<Shared, Error> {
        self.shared.ok_or(Error::NoSharedMemory)
    }

    fn tell(&self, cpu: &Cpu, base: u64, count: u64) -> Answer {
        let shared = self.shared()?;
        let end = base.checked_add(count).filter(|end| *end <= COUNT.into()).ok_or(Error::InvalidParam)?;
        for (trigger, n) in self.all[base as usize..end as usize].iter().zip(0..) {
            for (word, at) in [trigger.state].into_iter().chain(trigger.data).zip((ENTRY * n..).step_by(8)) {
                shared.put(cpu, at, &word.to_le_bytes())?;
            }
        }
        Ok(0)
    }

    /// The words that a message has for trigger `n`.
    fn message(&self, cpu: &Cpu, n: u64) -> Result<[u64; 4], Error> {
        let shared = self.shared()?;
        let mut words = [0; 4];
        for (word, at) in words.iter_mut().zip((ENTRY * n..).step_by(8)) {
            *word = shared.word(cpu, at)?;
        }
        Ok(words)
    }

    fn install(&mut self, cpu: &mut Cpu, count: u64, failed: &mut u64) -> Answer {
        let shared = self.shared()?;
        let free: Vec<usize> = (0..self.all.len()).filter(|n| self.all[*n].state & state::MAPPED == 0).collect();
        let mut wanted = Vec::new();
        for n in 0..count.min(COUNT.into()) {
            *failed = n;
            let [_, control, address, extra] = self.message(cpu, n)?;
            let control = triggers::for_supervisor(control).ok_or(Error::Failed)?;
            wanted.push([control, address, extra]);
        }
        if count > free.len() as u64 {
            *failed = free.len() as u64;
            return Err(Error::Failed);
        }
        for ((data, place), n) in wanted.into_iter().zip(free).zip(0..) {
            self.put(cpu, place, Trigger::new(place, data));
            shared.put(cpu, ENTRY * n, &(place as u64).to_le_bytes())?;
        }
        *failed = 0;
        Ok(0)
    }

    fn update(&mut self, cpu: &mut Cpu, count: u64, failed: &mut u64) -> Answer {
        for n in 0..count.min(COUNT.into()) {
            *failed = n;
            let [index, control, address, extra] = self.message(cpu, n)?;
            let place = usize::try_from(index).ok().filter(|place| *place < self.all.len());
            let place = place.ok_or(Error::InvalidParam)?;
            let control = triggers::for_supervisor(control).ok_or(Error::Failed)?;
            if self.all[place].state & state::MAPPED == 0 {
                return Err(Error::Failed);
            }
            self.put(cpu, place, Trigger::new(place, [control, address, extra]));
        }
        *failed = 0;
        if count > COUNT.into() { Err(Error::InvalidParam) } else { Ok(0) }
    }

    /// Changes the installed triggers that a mask names.
    fn each(&mut self, cpu: &mut Cpu, base: u64, mask: u64, change: impl Fn(Trigger) -> Trigger) -> Answer {
        let chosen: Vec<u64> = (0..64).filter(|n| bit(mask, *n as u32)).map(|n| base.saturating_add(n)).collect();
        let is_there = |n: &u64| *n < COUNT.into() && self.all[*n as usize].state & state::MAPPED != 0;
        if !chosen.iter().all(is_there) {
            return Err(Error::InvalidParam);
        }
        for n in chosen {
            let trigger = change(self.all[n as usize]);
            self.put(cpu, n as usize, trigger);
        }
        Ok(0)
    }

    fn put(&mut self, cpu: &mut Cpu, place: usize, trigger: Trigger) {
        self.all[place] = trigger;
        let [control, address, extra] = trigger.data;
        let control = if control == 0 { triggers::kind::DISABLED << 60 } else { control };
        let extra = triggers::legal_extra(extra);
        triggers::set_trigger(cpu, place as u16, [control, address, extra]);
    }

    /// Takes the triggers of a hart that starts anew away.
    pub fn reset(&mut self, cpu: &mut Cpu) {
        let any = cpu.get(regs::TRIGGERS) != 0;
        *self = Triggers::default();
        if any {
            (0..COUNT).for_each(|n| triggers::set_trigger(cpu, n, [triggers::kind::DISABLED << 60, 0, 0]));
        }
    }
}

impl Trigger {
    fn new(place: usize, data: [u64; 3]) -> Trigger {
        let (user, supervisor) = triggers::levels(data[0]);
        let levels = if user { state::U } else { 0 } | if supervisor { state::S } else { 0 };
        Trigger { state: state::MAPPED | state::HAVE_HW | levels | (place as u64) << state::INDEX, data }
    }

    fn with_levels(self, user: bool, supervisor: bool) -> Trigger {
        let [control, address, extra] = self.data;
        Trigger { data: [triggers::with_levels(control, user, supervisor), address, extra], ..self }
    }
}
