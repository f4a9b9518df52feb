//! Interrupt lines, and the pins of a vCPU at their lower end.

use super::Part;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const OWN: u32 = 1 << 31;

/// The number of an interrupt input that a controller has once for each vCPU: a GIC's private peripheral interrupt
/// `input` (0 to 15, as device trees count them) of vCPU `cpu`.
pub const fn own_input(cpu: u32, input: u32) -> u32 {
    OWN | cpu << 8 | (input & 0xff)
}

/// The vCPU and the input of a number that [`own_input`] made; `None` for inputs that all vCPUs share.
pub const fn own_input_of(number: u32) -> Option<(u32, u32)> {
    if number & OWN != 0 { Some(((number & !OWN) >> 8, number & 0xff)) } else { None }
}

/// One wire out of a device. It drives an input of a controller, a pin of a vCPU, or nothing.
#[derive(Clone, Default)]
pub struct IrqLine(Option<Arc<Wire>>);

struct Wire {
    level: AtomicBool,
    end: End,
}

enum End {
    Input { part: Arc<Part>, input: u32 },
    Pin { pins: Arc<Pins>, bit: u32 },
    Joint(Arc<Joint>),
    Probe,
}

/// Where several lines meet: what is behind it is high while any of them is.
pub struct Joint {
    behind: IrqLine,
    /// How many of the lines are high. The lock is held while what is behind is told, so that it hears of the changes in
    /// their order; nothing behind a line ever calls back.
    high: Mutex<u32>,
}

impl Joint {
    /// A joint in front of a line.
    pub fn new(behind: IrqLine) -> Arc<Joint> {
        Arc::new(Joint { behind, high: Mutex::new(0) })
    }

    fn set(&self, changed: bool, level: bool) {
        let mut high = self.high.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match (changed, level) {
            (true, true) => *high += 1,
            (true, false) => *high -= 1,
            (false, _) => {}
        }
        // Another line that rises is one more cause, which the controller hears of as of a second one of the same chip.
        if level || *high == 0 {
            self.behind.set(level);
        }
    }
}

impl IrqLine {
    /// A line that drives nothing.
    pub fn unconnected() -> IrqLine {
        IrqLine(None)
    }

    /// A line to interrupt input `input` of `part`.
    pub fn to_part(part: Arc<Part>, input: u32) -> IrqLine {
        IrqLine::wire(End::Input { part, input })
    }

    /// A line to pin `bit` (0 to 63) of a vCPU.
    pub fn to_pin(pins: Arc<Pins>, bit: u32) -> IrqLine {
        IrqLine::wire(End::Pin { pins, bit })
    }

    /// A line to where it meets others.
    pub fn to_joint(joint: Arc<Joint>) -> IrqLine {
        IrqLine::wire(End::Joint(joint))
    }

    /// A line that only remembers its level: the test bench looks at it.
    pub fn probe() -> IrqLine {
        IrqLine::wire(End::Probe)
    }

    fn wire(end: End) -> IrqLine {
        IrqLine(Some(Arc::new(Wire { level: AtomicBool::new(false), end })))
    }

    /// Drives the line. What stands at its end is told of changes; a controller also hears when a line that is high
    /// is driven high once more, which a chip does for each new cause: see [`Device::input_again`].
    ///
    /// [`Device::input_again`]: super::Device::input_again
    pub fn set(&self, level: bool) {
        let Some(wire) = &self.0 else { return };
        let changed = wire.level.swap(level, Ordering::SeqCst) != level;
        match &wire.end {
            End::Input { part, input } if changed => part.with(|device| device.input(*input, level)),
            End::Input { part, input } if level => part.with(|device| device.input_again(*input)),
            End::Pin { pins, bit } if changed => pins.set(*bit, level),
            End::Joint(joint) => joint.set(changed, level),
            _ => {}
        }
    }

    /// Raises and lowers the line: an edge for a controller that latches edges.
    pub fn pulse(&self) {
        match self.0.as_deref() {
            Some(Wire { end: End::Pin { pins, bit }, .. }) => pins.pulse(*bit),
            _ => {
                self.set(true);
                self.set(false);
            }
        }
    }

    /// The level last driven.
    pub fn level(&self) -> bool {
        self.0.as_ref().is_some_and(|wire| wire.level.load(Ordering::SeqCst))
    }
}

/// The input pins of one vCPU, and what wakes its thread.
///
/// `levels` is the word that the ISA's `pending` looks at. `attention` is what running code tests: it is set at
/// every change and by [`kick`](Pins::kick), and cleared by the vCPU's thread before it looks at everything.
#[derive(Default)]
pub struct Pins {
    attention: AtomicU32,
    levels: AtomicU64,
    rises: AtomicU64,
    /// Whether the thread sleeps or is about to: only then does a call take the lock.
    parked: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Pins {
    /// Pins that are all low.
    pub fn new() -> Arc<Pins> {
        Arc::new(Pins::default())
    }

    /// Drives pin `bit` and asks for attention when it changed.
    pub fn set(&self, bit: u32, level: bool) {
        let bit = 1 << bit;
        let before = if level {
            self.levels.fetch_or(bit, Ordering::SeqCst)
        } else {
            self.levels.fetch_and(!bit, Ordering::SeqCst)
        };
        if (before & bit != 0) != level {
            if level {
                self.rises.fetch_or(bit, Ordering::SeqCst);
            }
            self.kick();
        }
    }

    /// An edge on pin `bit`, whatever its level: a rise of its own, even while another thread pulses the pin too.
    pub fn pulse(&self, bit: u32) {
        self.rises.fetch_or(1 << bit, Ordering::SeqCst);
        self.kick();
    }

    /// Takes those pins of `mask` that have risen since they were last taken: for inputs that latch an edge.
    pub fn take_rises(&self, mask: u64) -> u64 {
        // A load first, for this is asked far more often than something has risen.
        match self.rises.load(Ordering::SeqCst) & mask {
            0 => 0,
            _ => self.rises.fetch_and(!mask, Ordering::SeqCst) & mask,
        }
    }

    /// All levels, one bit a pin.
    pub fn levels(&self) -> u64 {
        self.levels.load(Ordering::SeqCst)
    }

    /// Makes the vCPU leave running code, or its wait, and look at everything again.
    pub fn kick(&self) {
        self.attention.store(1, Ordering::SeqCst);
        if self.parked.load(Ordering::SeqCst) {
            // The lock orders this after the sleeper's look at `attention`.
            drop(self.lock());
            self.wake.notify_all();
        }
    }

    /// Takes note of a call for attention; the caller must now look at everything.
    pub fn take_attention(&self) -> bool {
        self.attention.swap(0, Ordering::SeqCst) != 0
    }

    /// Whether attention is being asked for.
    pub fn wants_attention(&self) -> bool {
        self.attention.load(Ordering::Relaxed) != 0
    }

    /// The word that emitted code tests: non-zero asks it to leave.
    pub fn attention_word(&self) -> &AtomicU32 {
        &self.attention
    }

    /// Sleeps until attention is asked for or `limit` has passed.
    pub fn park(&self, limit: Option<Duration>) {
        let guard = self.lock();
        self.parked.store(true, Ordering::SeqCst);
        if self.attention.load(Ordering::SeqCst) == 0 {
            match limit {
                Some(limit) => drop(self.wake.wait_timeout(guard, limit)),
                None => drop(self.wake.wait(guard)),
            }
        }
        self.parked.store(false, Ordering::SeqCst);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        self.sleep.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_asks_for_attention_only_when_it_changes() {
        let pins = Pins::new();
        let line = IrqLine::to_pin(pins.clone(), 9);
        line.set(true);
        assert_eq!(pins.levels(), 1 << 9);
        assert!(pins.take_attention());
        line.set(true);
        assert!(!pins.take_attention());
        line.set(false);
        assert!(pins.take_attention());
        assert_eq!(pins.levels(), 0);
    }

    #[test]
    fn lines_that_meet_are_high_while_any_of_them_is() {
        let pins = Pins::new();
        let joint = Joint::new(IrqLine::to_pin(pins.clone(), 3));
        let (a, b) = (IrqLine::to_joint(joint.clone()), IrqLine::to_joint(joint));
        for (line, level, expected) in
            [(&a, true, 8), (&a, true, 8), (&b, true, 8), (&a, false, 8), (&a, false, 8), (&b, false, 0), (&a, true, 8)]
        {
            line.set(level);
            assert_eq!(pins.levels(), expected);
        }
    }

    #[test]
    fn inputs_of_one_vcpu_are_told_from_shared_ones() {
        assert_eq!(own_input_of(own_input(300, 14)), Some((300, 14)));
        assert_eq!(own_input_of(14), None);
    }

    #[test]
    fn a_pulse_is_seen_as_a_rise() {
        let pins = Pins::new();
        IrqLine::to_pin(pins.clone(), 1).pulse();
        assert_eq!(pins.levels(), 0);
        assert_eq!(pins.take_rises(1 << 2), 0);
        assert_eq!(pins.take_rises(1 << 1), 1 << 1);
        assert_eq!(pins.take_rises(1 << 1), 0);
    }

    #[test]
    fn a_pulse_is_a_rise_even_while_the_pin_is_high() {
        let pins = Pins::new();
        pins.set(1, true);
        assert_eq!(pins.take_rises(1 << 1), 1 << 1);
        pins.pulse(1);
        assert_eq!(pins.take_rises(1 << 1), 1 << 1);
    }

    #[test]
    fn parking_ends_at_once_when_attention_is_already_asked_for() {
        let pins = Pins::new();
        pins.kick();
        pins.park(None);
    }
}
