//! What the CPUs of a machine share outside their slots: their timers with the lines that these drive, and which of
//! them PSCI has on.

use super::psci::PowerStates;
use crate::cpu::Cpu;
use crate::fabric::{Clock, IrqLine, Pins, Timebase, Timer};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// The timers of a CPU. Boards name their lines so: [`LINES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// EL1's physical timer.
    Physical,
    /// The virtual timer.
    Virtual,
    /// EL2's physical timer.
    Hypervisor,
    /// EL2's virtual timer.
    HypervisorVirtual,
    /// Secure EL1's physical timer.
    Secure,
    /// The overflow of a counter of cycles, whose ticks are nanoseconds of guest time.
    Overflow,
}

/// How many there are.
const TIMERS: usize = 6;

/// The lines out of a CPU, as board pages name them: the timers', in order, and the cycle counter's.
pub const LINES: &[&str] = &["phys", "virt", "hyp", "hyp-virt", "sec", "pmu"];

/// The cores of a machine.
pub struct Cores {
    /// The system counter.
    pub counter: Arc<Timebase>,
    nanoseconds: Arc<Timebase>,
    clock: Arc<Clock>,
    lines: Vec<Vec<IrqLine>>,
    timers: Box<[OnceLock<[Arc<CoreTimer>; TIMERS]>]>,
    alarms: Box<[OnceLock<Timer>]>,
    /// Which are on.
    pub power: PowerStates,
}

impl Cores {
    /// `count` cores; `lines` holds for each what its [`LINES`] drive.
    pub fn new(clock: Arc<Clock>, counter: Arc<Timebase>, count: u32, lines: Vec<Vec<IrqLine>>) -> Arc<Cores> {
        Arc::new(Cores {
            counter,
            nanoseconds: Timebase::new(clock.clone(), 1_000_000_000),
            clock,
            lines,
            timers: (0..count).map(|_| OnceLock::new()).collect(),
            alarms: (0..count).map(|_| OnceLock::new()).collect(),
            power: PowerStates::new(count),
        })
    }

    /// Guest time in nanoseconds.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Tells a timer what its registers say: control, comparison value, and what the counter is behind by.
    pub fn set_timer(&self, cpu: &Cpu, which: Which, setting: Setting) {
        let Some(place) = self.timers.get(cpu.index as usize) else { return };
        let timers = place.get_or_init(|| {
            std::array::from_fn(|n| {
                let line = self.lines.get(cpu.index as usize).and_then(|lines| lines.get(n)).cloned();
                let counter = if n == Which::Overflow as usize { &self.nanoseconds } else { &self.counter };
                CoreTimer::new(cpu, counter.clone(), line.unwrap_or_default())
            })
        });
        timers[which as usize].set(setting);
    }

    /// Makes a waiting CPU look again when the counter reaches `count`.
    pub fn set_alarm(&self, cpu: &Cpu, count: u64) {
        let Some(place) = self.alarms.get(cpu.index as usize) else { return };
        let timer = place.get_or_init(|| {
            let pins: Arc<Pins> = cpu.pins.clone();
            cpu.board.timers.create(move || pins.kick())
        });
        timer.arm(self.counter.deadline(count));
    }
}

/// What a timer's registers say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Setting {
    /// ENABLE (bit 0) and IMASK (bit 1).
    pub control: u64,
    /// The comparison value.
    pub compare: u64,
    /// What the timer's own counter is behind the system counter by.
    pub offset: u64,
}

impl Setting {
    /// Whether the condition is met: ISTATUS.
    pub fn is_met(self, count: u64) -> bool {
        self.control & 1 != 0 && count.wrapping_sub(self.offset) >= self.compare
    }
}

/// One timer and its line.
struct CoreTimer {
    /// The lock keeps the line in step.
    setting: Mutex<Setting>,
    counter: Arc<Timebase>,
    line: IrqLine,
    timer: OnceLock<Timer>,
}

impl CoreTimer {
    fn new(cpu: &Cpu, counter: Arc<Timebase>, line: IrqLine) -> Arc<CoreTimer> {
        let this = Arc::new(CoreTimer { setting: Mutex::default(), counter, line, timer: OnceLock::new() });
        let weak = Arc::downgrade(&this);
        let timer = cpu.board.timers.create(move || {
            if let Some(this) = weak.upgrade() {
                this.update(&this.lock());
            }
        });
        this.timer.get_or_init(|| timer);
        this
    }

    fn set(&self, setting: Setting) {
        let mut guard = self.lock();
        *guard = setting;
        self.update(&guard);
    }

    /// Drives the line, and arms the timer for when it is to change.
    fn update(&self, setting: &MutexGuard<'_, Setting>) {
        let setting = **setting;
        let met = setting.is_met(self.counter.now());
        self.line.set(met && setting.control & 2 == 0);
        if let Some(timer) = self.timer.get() {
            let waits = setting.control & 1 != 0 && !met;
            // A comparison value beyond the end of the system counter is never reached.
            let at = setting.compare.checked_add(setting.offset).filter(|_| waits);
            timer.arm(at.map_or(u64::MAX, |at| self.counter.deadline(at)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Setting> {
        self.setting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_due_from_its_value_on() {
        let setting = Setting { control: 1, compare: 100, offset: 50 };
        assert!(!setting.is_met(149) && setting.is_met(150));
        assert!(!Setting { control: 0, ..setting }.is_met(200));
        // Comparison is unsigned, as the manual has it: a value behind by more than the counter is far ahead.
        assert!(!Setting { compare: u64::MAX, ..setting }.is_met(200));
    }
}
