//! Guest time and the timers that run on it.

use crate::base::{Result, thread};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

/// Guest time in nanoseconds since the machine was made. It stands still while the machine is paused.
pub struct Clock {
    start: Instant,
    /// Nanoseconds of host time that do not count as guest time; wraps below zero when guest time is ahead.
    lost: AtomicU64,
    /// Guest time at which the clock stands still; `u64::MAX` while it runs.
    stopped_at: AtomicU64,
}

impl Clock {
    /// A running clock at zero.
    pub fn new() -> Arc<Clock> {
        Arc::new(Clock { start: Instant::now(), lost: AtomicU64::new(0), stopped_at: AtomicU64::new(u64::MAX) })
    }

    /// Guest time now, in nanoseconds.
    pub fn now(&self) -> u64 {
        match self.stopped_at.load(Ordering::Acquire) {
            u64::MAX => self.running(),
            stopped => stopped,
        }
    }

    /// Stops guest time. Called with every vCPU paused.
    pub fn stop(&self) {
        let now = self.now();
        self.stopped_at.store(now, Ordering::Release);
    }

    /// Lets guest time go on from where it stopped.
    pub fn go(&self) {
        let stopped = self.stopped_at.load(Ordering::Acquire);
        if stopped != u64::MAX {
            self.lost.store(self.host().wrapping_sub(stopped), Ordering::Release);
            self.stopped_at.store(u64::MAX, Ordering::Release);
        }
    }

    /// Sets guest time, as a loaded snapshot or a test has it, running or not. The owner of the timers calls
    /// [`Timers::clock_changed`] after it.
    pub fn set(&self, now: u64) {
        if self.stopped_at.load(Ordering::Acquire) == u64::MAX {
            self.lost.store(self.host().wrapping_sub(now), Ordering::Release);
        } else {
            self.stopped_at.store(now.min(u64::MAX - 1), Ordering::Release);
        }
    }

    fn host(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX - 1)
    }

    fn running(&self) -> u64 {
        self.host().wrapping_sub(self.lost.load(Ordering::Acquire))
    }
}

/// A counter that runs at a fixed rate on guest time and that a guest may set. The vCPUs' own time registers and
/// the memory-mapped one are views of it (RISC-V: `time` is a shadow of `mtime`).
pub struct Timebase {
    clock: Arc<Clock>,
    hz: u64,
    /// What is added to the ticks since guest time zero; wraps.
    offset: AtomicU64,
    /// Whom to tell when the counter was set: deadlines on it are others now.
    watchers: Mutex<Vec<Call>>,
}

impl Timebase {
    /// A counter at `hz` that is zero at guest time zero.
    pub fn new(clock: Arc<Clock>, hz: u64) -> Arc<Timebase> {
        Arc::new(Timebase { clock, hz: hz.max(1), offset: AtomicU64::new(0), watchers: Mutex::default() })
    }

    /// Ticks a second.
    pub fn hz(&self) -> u64 {
        self.hz
    }

    /// The counter now.
    pub fn now(&self) -> u64 {
        self.ticks(self.clock.now()).wrapping_add(self.offset())
    }

    /// Makes the counter go on from `value`.
    pub fn set(&self, value: u64) {
        self.set_offset(value.wrapping_sub(self.ticks(self.clock.now())));
    }

    /// What is added to the ticks since guest time zero: what a snapshot keeps, and what a fast path adds.
    pub fn offset(&self) -> u64 {
        self.offset.load(Ordering::Acquire)
    }

    /// Puts an [`offset`](Timebase::offset) back.
    pub fn set_offset(&self, offset: u64) {
        self.offset.store(offset, Ordering::Release);
        let watchers = self.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        watchers.iter().for_each(|watcher| watcher());
    }

    /// Has `call` made whenever the counter was set. It must not set it, nor watch.
    pub fn watch(&self, call: impl Fn() + Send + Sync + 'static) {
        self.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(Box::new(call));
    }

    /// The first guest time in nanoseconds at which the counter is at least `value`, now if it is already;
    /// `u64::MAX` (never) when that is more than guest time can tell.
    pub fn deadline(&self, value: u64) -> u64 {
        self.when(|counter| u128::from(value.saturating_sub(counter)))
    }

    /// The guest time in nanoseconds at which the counter runs over and begins at zero, or `u64::MAX` as above.
    pub fn runs_over(&self) -> u64 {
        self.when(|counter| (1 << 64) - u128::from(counter))
    }

    /// The guest time when as many ticks have passed as `ahead` says for the counter's value now.
    fn when(&self, ahead: impl FnOnce(u64) -> u128) -> u64 {
        let now = self.ticks(self.clock.now());
        let ticks = u128::from(now) + ahead(now.wrapping_add(self.offset()));
        let ns = ticks.checked_mul(1_000_000_000).map(|ns| ns.div_ceil(u128::from(self.hz)));
        ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(u64::MAX)
    }

    fn ticks(&self, ns: u64) -> u64 {
        // The remainder of the division by 2^64 is what a counter that has wrapped shows.
        (u128::from(ns) * u128::from(self.hz) / 1_000_000_000) as u64
    }
}

type Call = Box<dyn Fn() + Send + Sync>;

struct TimerState {
    id: u64,
    /// Guest time in nanoseconds; `u64::MAX` when disarmed. Changed only with the queue locked.
    deadline: AtomicU64,
    call: Call,
}

/// Armed timers by deadline, each timer at most once, so that a guest cannot make it grow.
#[derive(Default)]
struct Queue {
    due: BTreeMap<(u64, u64), Weak<TimerState>>,
    next_id: u64,
}

/// The machine's timers: one thread sleeps until the next deadline and makes the calls. Calls that take longer than a
/// timer's should are made by [`work`](Timers::work), which is another such set with a thread of its own.
pub struct Timers {
    clock: Arc<Clock>,
    queue: Mutex<Queue>,
    changed: Condvar,
    ending: AtomicBool,
    work: Option<Arc<Timers>>,
}

/// A timer of one device or vCPU. Dropping it disarms it.
pub struct Timer {
    owner: Arc<Timers>,
    state: Arc<TimerState>,
}

impl Timers {
    /// Timers on `clock`, with their threads started.
    ///
    /// # Errors
    /// When the host starts no more threads.
    pub fn start(clock: Arc<Clock>) -> Result<Arc<Timers>> {
        let work = Timers::new(clock.clone(), None);
        work.run("work")?;
        let timers = Timers::new(clock, Some(work));
        timers.run("timers")?;
        Ok(timers)
    }

    /// Timers whose calls are made by [`fire_due`](Timers::fire_due) alone: for tests.
    pub fn idle(clock: Arc<Clock>) -> Arc<Timers> {
        Timers::new(clock, None)
    }

    fn new(clock: Arc<Clock>, work: Option<Arc<Timers>>) -> Arc<Timers> {
        let (queue, changed, ending) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        Arc::new(Timers { clock, queue, changed, ending, work })
    }

    fn run(self: &Arc<Timers>, name: &str) -> Result<()> {
        let weak = Arc::downgrade(self);
        let body = move || {
            thread::wake_on_time();
            while let Some(timers) = weak.upgrade() {
                if timers.ending.load(Ordering::SeqCst) {
                    break;
                }
                timers.turn();
            }
        };
        thread::spawn(name, body).map(drop)
    }

    /// The timers for calls that take time; for tests these themselves.
    pub fn work(self: &Arc<Timers>) -> &Arc<Timers> {
        self.work.as_ref().unwrap_or(self)
    }

    /// The clock that deadlines are on.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// A disarmed timer that makes `call` at its deadline, on the timer thread, with no lock held.
    pub fn create(self: &Arc<Timers>, call: impl Fn() + Send + Sync + 'static) -> Timer {
        let mut queue = self.lock();
        queue.next_id += 1;
        let state =
            Arc::new(TimerState { id: queue.next_id, deadline: AtomicU64::new(u64::MAX), call: Box::new(call) });
        Timer { owner: self.clone(), state }
    }

    /// Looks at the clock again: it was stopped or has gone on.
    pub fn clock_changed(&self) {
        let queue = self.lock();
        self.changed.notify_all();
        drop(queue);
        if let Some(work) = &self.work {
            work.clock_changed();
        }
    }

    /// Ends the threads.
    pub fn end(&self) {
        if let Some(work) = &self.work {
            work.end();
        }
        self.ending.store(true, Ordering::SeqCst);
        self.clock_changed();
    }

    /// Makes the calls of all timers that are due; returns the next deadline.
    pub fn fire_due(&self) -> Option<u64> {
        loop {
            let timer = {
                let mut queue = self.lock();
                let (&(deadline, _), _) = queue.due.first_key_value()?;
                if deadline > self.clock.now() {
                    return Some(deadline);
                }
                let (_, timer) = queue.due.pop_first()?;
                let timer = timer.upgrade();
                if let Some(timer) = &timer {
                    timer.deadline.store(u64::MAX, Ordering::SeqCst);
                }
                timer
            };
            if let Some(timer) = timer {
                (timer.call)();
            }
        }
    }

    fn turn(&self) {
        let next = self.fire_due();
        let queue = self.lock();
        let earliest = queue.due.first_key_value().map(|(&(deadline, _), _)| deadline);
        if earliest != next || self.ending.load(Ordering::SeqCst) {
            return;
        }
        // Half a second at most, so that a machine that has gone does not keep its thread.
        let limit = Duration::from_millis(500);
        let limit = match next {
            Some(next) => limit.min(Duration::from_nanos(next.saturating_sub(self.clock.now()).max(1000))),
            None => limit,
        };
        drop(self.changed.wait_timeout(queue, limit));
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Timer {
    /// Arms the timer for guest time `deadline` in nanoseconds, instead of any earlier deadline;
    /// `u64::MAX` disarms it.
    pub fn arm(&self, deadline: u64) {
        let mut queue = self.owner.lock();
        let before = self.state.deadline.swap(deadline, Ordering::SeqCst);
        if before == deadline {
            return;
        }
        if before != u64::MAX {
            queue.due.remove(&(before, self.state.id));
        }
        if deadline != u64::MAX {
            let key = (deadline, self.state.id);
            queue.due.insert(key, Arc::downgrade(&self.state));
            if queue.due.first_key_value().is_some_and(|(first, _)| *first == key) {
                self.owner.changed.notify_all();
            }
        }
    }

    /// Forgets the deadline.
    pub fn disarm(&self) {
        self.arm(u64::MAX);
    }

    /// Whether a deadline stands.
    pub fn is_armed(&self) -> bool {
        self.state.deadline.load(Ordering::SeqCst) != u64::MAX
    }

    /// Guest time now, in nanoseconds.
    pub fn now(&self) -> u64 {
        self.owner.clock.now()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.disarm();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn a_rearmed_timer_fires_once_and_a_disarmed_one_never() {
        let timers = Timers::idle(Clock::new());
        let count = Arc::new(AtomicU32::new(0));
        let counter = count.clone();
        let timer = timers.create(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        timer.arm(1);
        timer.arm(2);
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(timers.fire_due(), None);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        timer.arm(3);
        timer.disarm();
        timers.fire_due();
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_timebase_reaches_its_deadline_and_not_before() {
        let clock = Clock::new();
        clock.stop();
        clock.set(12_345);
        let time = Timebase::new(clock.clone(), 10_000_000);
        assert_eq!(time.now(), 123);
        time.set(1000);
        let deadline = time.deadline(1007);
        clock.set(deadline - 1);
        assert_eq!(time.now(), 1006);
        clock.set(deadline);
        assert_eq!(time.now(), 1007);
        assert_eq!(time.deadline(u64::MAX), u64::MAX, "never");
        time.set(u64::MAX);
        clock.set(time.runs_over());
        assert_eq!(time.now(), 0);
    }

    #[test]
    fn a_clock_set_ahead_goes_on_from_there() {
        let clock = Clock::new();
        clock.stop();
        clock.set(1 << 50);
        clock.go();
        assert!(clock.now() >= 1 << 50);
    }

    #[test]
    fn a_stopped_clock_stands_still() {
        let clock = Clock::new();
        clock.stop();
        let at = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(clock.now(), at);
        clock.go();
        assert!(clock.now() - at < 1_000_000, "time that passed while stopped must not count");
    }
}
