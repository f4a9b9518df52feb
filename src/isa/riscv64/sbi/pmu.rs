//! PMU: the hart's counters, and counters of what the firmware is asked to do.
//!
//! As in OpenSBI 1.5: `cycle` and `instret` count their own events where there is no Sscofpmf, programmable counters all
//! others that the device tree names; raw and platform events and snapshots are not there. Firmware events that only
//! M-mode code could see (misaligned and illegal instructions) can be counted, and never happen.

use super::super::counters::{self, FIRST, FIXED, event};
use super::super::extensions::Extensions;
use super::super::fields::{irq, mhpmevent};
use super::super::{config, csr, regs};
use super::{Answer, Args, Error};
use crate::base::bits::{bit, bits};
use crate::cpu::Cpu;
use std::collections::BTreeMap;

/// How many counters of the firmware's events there are.
const FIRMWARE: usize = 16;

/// Types of events, in bits 19:16 of an event's index.
mod kind {
    pub const HARDWARE: u64 = 0;
    pub const CACHE: u64 = 1;
    pub const FIRMWARE: u64 = 15;
}

/// Codes of the firmware's events.
pub mod firmware {
    /// The timer was set.
    pub const SET_TIMER: u64 = 5;
    /// An interrupt was sent to other harts.
    pub const IPI_SENT: u64 = 6;
    /// One was received.
    pub const IPI_RECEIVED: u64 = 7;
    /// Other harts were asked for a fence of instructions.
    pub const FENCE_I_SENT: u64 = 8;
    /// This one was asked.
    pub const FENCE_I_RECEIVED: u64 = 9;
    /// Other harts were asked for a fence of translations.
    pub const SFENCE_VMA_SENT: u64 = 10;
    /// This one was asked.
    pub const SFENCE_VMA_RECEIVED: u64 = 11;
    /// Likewise of an address space's.
    pub const SFENCE_VMA_ASID_SENT: u64 = 12;
    /// This one was asked.
    pub const SFENCE_VMA_ASID_RECEIVED: u64 = 13;
    /// The last one: hypervisors' fences.
    pub const LAST: u64 = 21;
    /// Those of a platform's own.
    pub const PLATFORM: u64 = 0xffff;
}

/// Flags of `counter_config_matching`.
mod configure {
    pub const SKIP_MATCH: u64 = 1;
    pub const CLEAR_VALUE: u64 = 1 << 1;
    pub const AUTO_START: u64 = 1 << 2;
    pub const UINH: u64 = 1 << 5;
    pub const SINH: u64 = 1 << 6;
}

/// A counter of the firmware's.
#[derive(Clone, Copy, Default)]
struct Counter {
    started: bool,
    value: u64,
}

/// The counters of a hart.
#[derive(Default)]
pub struct Pmu {
    /// The index of the event that each counter is for, by number; the firmware's come behind the hardware's.
    events: BTreeMap<u64, u64>,
    firmware: [Counter; FIRMWARE],
    /// How many of the firmware's are started.
    started: u32,
}

/// How many numbers the hardware's counters take up.
fn hardware(cpu: &Cpu) -> u64 {
    64 - u64::from((u64::from(config(cpu).counters) | FIXED).leading_zeros())
}

fn set_csr(cpu: &mut Cpu, name: &str, value: u64) {
    if let Some(csr) = csr::named(name) {
        csr.write(cpu, value);
    }
}

/// Lets S-mode read all counters; programmable ones stand still until they are started.
pub fn prepare(cpu: &mut Cpu) {
    set_csr(cpu, "mcounteren", u64::MAX);
    set_csr(cpu, "mcountinhibit", !FIXED);
}

impl Pmu {
    /// Answers a call.
    ///
    /// # Errors
    /// As the specification has them.
    pub fn call(&mut self, cpu: &mut Cpu, function: u64, args: Args) -> Answer {
        let [a0, a1, a2, a3, a4, _] = args;
        match function {
            0 => Ok(hardware(cpu) + FIRMWARE as u64),
            1 => self.describe(cpu, a0),
            2 => self.configure(cpu, (a0, a1), a2, a3, a4),
            3 => self.start(cpu, (a0, a1), a2, a3),
            4 => self.stop(cpu, (a0, a1), a2),
            5 => self.firmware_counter(cpu, a0).map(|n| self.firmware[n].value),
            // The upper half, where registers have 32 bits.
            6 => self.firmware_counter(cpu, a0).map(|_| 0),
            _ => Err(Error::NotSupported),
        }
    }

    /// Counts an event of the firmware's.
    pub fn count(&mut self, cpu: &Cpu, code: u64) {
        if self.started == 0 {
            return;
        }
        let index = kind::FIRMWARE << 16 | code;
        for (counter, n) in self.firmware.iter_mut().zip(hardware(cpu)..) {
            if counter.started && self.events.get(&n) == Some(&index) {
                counter.value = counter.value.wrapping_add(1);
            }
        }
    }

    fn describe(&self, cpu: &Cpu, n: u64) -> Answer {
        const CYCLE: u64 = 0xc00;
        const WIDTH: u64 = 63 << 12;
        const OF_FIRMWARE: u64 = 1 << 63;
        match n {
            n if n < hardware(cpu) && self.is_hardware(cpu, n) => Ok((CYCLE + n) | WIDTH),
            n if n >= hardware(cpu) && n < hardware(cpu) + FIRMWARE as u64 => Ok(OF_FIRMWARE | WIDTH),
            _ => Err(Error::InvalidParam),
        }
    }

    /// Whether there is a hardware counter of this number that counts anything.
    fn is_hardware(&self, cpu: &Cpu, n: u64) -> bool {
        n != 1 && n < hardware(cpu) && counters::is_there(cpu, n as u16)
    }

    fn firmware_counter(&self, cpu: &Cpu, n: u64) -> Result<usize, Error> {
        let place = n.checked_sub(hardware(cpu)).filter(|place| *place < FIRMWARE as u64);
        let place = place.ok_or(Error::InvalidParam)?;
        if self.events.contains_key(&n) { Ok(place as usize) } else { Err(Error::InvalidParam) }
    }

    /// The counters that a base and a mask name.
    fn chosen(&self, cpu: &Cpu, (base, mask): (u64, u64)) -> Result<Vec<u64>, Error> {
        let total = hardware(cpu) + FIRMWARE as u64;
        let highest = u64::from(63 - (mask | 1).leading_zeros());
        if mask == 0 || base.checked_add(highest).is_none_or(|last| last >= total) {
            return Err(Error::InvalidParam);
        }
        Ok((0..64).filter(|n| bit(mask, *n as u32)).map(|n| base + n).collect())
    }

    fn configure(&mut self, cpu: &mut Cpu, which: (u64, u64), flags: u64, index: u64, data: u64) -> Answer {
        let chosen = self.chosen(cpu, which)?;
        let (kind, code) = (bits(index, 19, 16), bits(index, 15, 0));
        let of_firmware = match kind {
            _ if index >> 20 != 0 => return Err(Error::InvalidParam),
            // From no event at all to the reference cycles; and caches by level, operation and result.
            kind::HARDWARE if (1..=10).contains(&code) => false,
            kind::CACHE if bits(code, 15, 3) <= 6 && bits(code, 2, 1) <= 2 => false,
            kind::FIRMWARE if code == firmware::PLATFORM => return Err(Error::NotSupported),
            kind::FIRMWARE if code <= firmware::LAST && data == 0 => true,
            // Raw and platform events are valid, and there are none.
            2 | 3 => return Err(Error::NotSupported),
            _ => return Err(Error::InvalidParam),
        };
        let n = if flags & configure::SKIP_MATCH != 0 {
            chosen.first().copied().filter(|n| self.events.contains_key(n)).ok_or(Error::InvalidParam)?
        } else {
            let fits = |n: &u64| {
                !self.events.contains_key(n)
                    && if of_firmware { *n >= hardware(cpu) } else { self.can_count(cpu, *n, index) }
            };
            chosen.into_iter().find(fits).ok_or(Error::NotSupported)?
        };
        if (n >= hardware(cpu)) != of_firmware {
            return Err(Error::InvalidParam);
        }
        self.events.insert(n, index);
        if of_firmware {
            let place = (n - hardware(cpu)) as usize;
            if flags & configure::CLEAR_VALUE != 0 {
                self.firmware[place].value = 0;
            }
            if flags & configure::AUTO_START != 0 {
                self.start_firmware(place, None)?;
            }
            return Ok(n);
        }
        let n = n as u32;
        if n >= FIRST {
            let mut event = index;
            if config(cpu).ext.has(Extensions::SSCOFPMF) {
                event |= mhpmevent::OF | mhpmevent::MINH;
                event |= if flags & configure::SINH != 0 { mhpmevent::SINH } else { 0 };
                event |= if flags & configure::UINH != 0 { mhpmevent::UINH } else { 0 };
            }
            counters::set_event(cpu, n, event);
        }
        if flags & configure::CLEAR_VALUE != 0 {
            counters::set(cpu, n, 0);
        }
        if flags & configure::AUTO_START != 0 {
            // One that runs already does.
            let _ = start_hardware(cpu, n, None);
        }
        Ok(n.into())
    }

    /// Whether a hardware counter is for an event. Fixed ones can neither be filtered nor say that they overflowed, so
    /// that they are not used where others can.
    fn can_count(&self, cpu: &Cpu, n: u64, index: u64) -> bool {
        let own = match n {
            0 => index == event::CYCLES,
            2 => index == event::INSTRUCTIONS,
            _ => return self.is_hardware(cpu, n) && event::ALL.contains(&index) && !self.is_fixed(cpu, index),
        };
        own && self.is_fixed(cpu, index)
    }

    /// Whether an event is one that a fixed counter counts.
    fn is_fixed(&self, cpu: &Cpu, index: u64) -> bool {
        let programmable = config(cpu).ext.has(Extensions::SSCOFPMF) && config(cpu).counters != 0;
        matches!(index, event::CYCLES | event::INSTRUCTIONS) && !programmable
    }

    fn start(&mut self, cpu: &mut Cpu, which: (u64, u64), flags: u64, value: u64) -> Answer {
        const INIT_VALUE: u64 = 1;
        if flags & !INIT_VALUE != 0 {
            return Err(if flags == 1 << 1 { Error::NoSharedMemory } else { Error::InvalidParam });
        }
        let value = (flags & INIT_VALUE != 0).then_some(value);
        let mut answer = Ok(0);
        for n in self.chosen(cpu, which)? {
            if !self.events.contains_key(&n) {
                return Err(Error::InvalidParam);
            }
            let started = match n.checked_sub(hardware(cpu)) {
                Some(place) => self.start_firmware(place as usize, value),
                None => start_hardware(cpu, n as u32, value),
            };
            answer = answer.and(started);
        }
        answer
    }

    fn start_firmware(&mut self, place: usize, value: Option<u64>) -> Answer {
        let counter = &mut self.firmware[place];
        if counter.started {
            return Err(Error::AlreadyStarted);
        }
        *counter = Counter { started: true, value: value.unwrap_or(counter.value) };
        self.started += 1;
        Ok(0)
    }

    fn stop(&mut self, cpu: &mut Cpu, which: (u64, u64), flags: u64) -> Answer {
        const RESET: u64 = 1;
        if flags & !RESET != 0 {
            return Err(if flags & !RESET == 1 << 1 { Error::NoSharedMemory } else { Error::InvalidParam });
        }
        let mut answer = Ok(0);
        for n in self.chosen(cpu, which)? {
            if !self.events.contains_key(&n) {
                return Err(Error::InvalidParam);
            }
            let stopped = match n.checked_sub(hardware(cpu)) {
                Some(place) => {
                    let was = std::mem::replace(&mut self.firmware[place as usize].started, false);
                    self.started -= u32::from(was);
                    if was { Ok(0) } else { Err(Error::AlreadyStopped) }
                }
                None => stop_hardware(cpu, n as u32),
            };
            answer = answer.and(stopped);
            if flags & RESET != 0 {
                self.events.remove(&n);
                if n >= FIRST.into() && n < hardware(cpu) {
                    counters::set_event(cpu, n as u32, 0);
                }
            }
        }
        answer
    }
}

fn start_hardware(cpu: &mut Cpu, n: u32, value: Option<u64>) -> Answer {
    let inhibited = cpu.get(regs::MCOUNTINHIBIT);
    if !bit(inhibited, n) {
        return Err(Error::AlreadyStarted);
    }
    if let Some(value) = value {
        counters::set(cpu, n, value);
    }
    if n >= FIRST && !bit(cpu.get(regs::MIP), irq::LCOFI) {
        // The next overflow is to interrupt.
        let event = cpu.get(regs::mhpmevent(n)) & !mhpmevent::OF;
        counters::set_event(cpu, n, event);
    }
    set_csr(cpu, "mcountinhibit", inhibited & !(1 << n));
    Ok(0)
}

fn stop_hardware(cpu: &mut Cpu, n: u32) -> Answer {
    let inhibited = cpu.get(regs::MCOUNTINHIBIT);
    if bit(inhibited, n) {
        return Err(Error::AlreadyStopped);
    }
    set_csr(cpu, "mcountinhibit", inhibited | 1 << n);
    Ok(0)
}
