//! What the harts of a machine share outside their slots: the time base, their supervisor timers, and what the
//! built-in firmware knows of each.

use super::fields::irq;
use super::hsm::Hsm;
use super::sbi;
use crate::cpu::Cpu;
use crate::fabric::{Pins, Timebase, Timer};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// The harts of a machine.
pub struct Harts {
    timebase: Arc<Timebase>,
    timers: Box<[OnceLock<Arc<SupervisorTimer>>]>,
    /// What goes off when a counter of a hart overflows.
    overflows: Box<[OnceLock<Timer>]>,
    /// Which harts the firmware has started.
    pub hsm: Hsm,
    own: Box<[Mutex<sbi::Own>]>,
}

impl Harts {
    /// `count` harts.
    pub fn new(timebase: Arc<Timebase>, count: u32) -> Arc<Harts> {
        let timers = (0..count).map(|_| OnceLock::new()).collect();
        let overflows = (0..count).map(|_| OnceLock::new()).collect();
        let own = (0..count).map(|_| Mutex::default()).collect();
        Arc::new(Harts { timebase, timers, overflows, hsm: Hsm::new(count), own })
    }

    /// Calls `f` with what the firmware has for a hart, which nobody else then has.
    pub(super) fn with_own<T>(&self, hart: u32, f: impl FnOnce(&mut sbi::Own) -> T) -> T {
        let own = &self.own[hart as usize];
        f(&mut own.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Has a counter of `cpu` looked at when guest time is `at` nanoseconds; `u64::MAX`: never.
    pub fn arm_overflow(&self, cpu: &Cpu, at: u64) {
        let Some(place) = self.overflows.get(cpu.index as usize) else { return };
        if at == u64::MAX && place.get().is_none() {
            return;
        }
        let make = || {
            let pins = cpu.pins.clone();
            cpu.board.timers.create(move || pins.pulse(irq::LCOFI))
        };
        place.get_or_init(make).arm(at);
    }

    /// What `time` shows.
    pub fn timebase(&self) -> &Timebase {
        &self.timebase
    }

    /// Makes the supervisor timer of `cpu` go off when `time` reaches `compare`; it stays due until set anew.
    pub fn set_timer(&self, cpu: &Cpu, compare: u64) {
        let Some(place) = self.timers.get(cpu.index as usize) else { return };
        let timer = place.get_or_init(|| SupervisorTimer::new(cpu, self.timebase.clone()));
        timer.set(compare);
    }
}

/// The timer that drives the STI pin of a hart: `stimecmp`, or the firmware's.
struct SupervisorTimer {
    /// What `time` is compared with. The lock keeps the pin in step with it.
    compare: Mutex<u64>,
    pins: Arc<Pins>,
    timebase: Arc<Timebase>,
    timer: OnceLock<Timer>,
}

impl SupervisorTimer {
    fn new(cpu: &Cpu, timebase: Arc<Timebase>) -> Arc<SupervisorTimer> {
        let this = Arc::new(SupervisorTimer {
            compare: Mutex::new(u64::MAX),
            pins: cpu.pins.clone(),
            timebase,
            timer: OnceLock::new(),
        });
        let weak = Arc::downgrade(&this);
        let update = move || {
            if let Some(this) = weak.upgrade() {
                this.update(&this.lock());
            }
        };
        this.timebase.watch(update.clone());
        let timer = cpu.board.timers.create(update);
        this.timer.get_or_init(|| timer);
        this
    }

    fn set(&self, compare: u64) {
        let mut guard = self.lock();
        *guard = compare;
        self.update(&guard);
    }

    /// Drives the pin, and arms the timer for when it is to change.
    fn update(&self, compare: &MutexGuard<'_, u64>) {
        let compare = **compare;
        // All ones is how software says never, although the counter gets there in the end.
        let due = compare != u64::MAX && self.timebase.now() >= compare;
        self.pins.set(irq::STI, due);
        if let Some(timer) = self.timer.get() {
            timer.arm(if due { u64::MAX } else { self.timebase.deadline(compare) });
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.compare.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
