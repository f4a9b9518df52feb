//! The desk at which everything arrives that the run control must see to: the guest's power requests, vCPUs that
//! stopped, and the wish to leave.

use crate::engine::Exit;
use crate::fabric::{Power, PowerRequest};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What the vCPUs are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Wait.
    Paused,
    /// Run.
    Running,
    /// Leave their threads.
    Ended,
}

/// How a vCPU takes part when the machine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// It does not.
    Stay,
    /// It runs.
    #[default]
    Run,
    /// It runs one instruction, and then all stop; see [`crate::engine::Engine::step`].
    Step {
        /// Whether it takes interrupts.
        interrupts: bool,
    },
}

/// Something for the run control to see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Leave with this code.
    Quit(u8),
    /// The guest asked for something.
    Power(PowerRequest),
    /// A vCPU stopped by itself, and the others are on their way: a stop is due to be reported.
    Stopped,
}

struct State {
    goal: Goal,
    /// vCPUs that are in their engines.
    active: BTreeSet<u32>,
    /// By vCPU; all run when there are none.
    paces: Vec<Pace>,
    /// Stops that nobody has been told of: several vCPUs may stop at once, and one is reported at a time.
    stops: VecDeque<(u32, Exit)>,
    /// The machine pauses because of a stop that is still to be reported.
    due: bool,
    quit: Option<u8>,
}

/// The desk of one machine. Its lock is the last that anything takes.
pub struct Desk {
    state: Mutex<State>,
    changed: Condvar,
    power: Mutex<Option<Arc<Power>>>,
}

impl Desk {
    /// An empty desk of a paused machine.
    pub fn new() -> Arc<Desk> {
        let state = State {
            goal: Goal::Paused,
            active: BTreeSet::new(),
            paces: Vec::new(),
            stops: VecDeque::new(),
            due: false,
            quit: None,
        };
        Arc::new(Desk { state: Mutex::new(state), changed: Condvar::new(), power: Mutex::new(None) })
    }

    /// The board's power lines, which end here.
    pub fn power(self: &Arc<Desk>) -> Arc<Power> {
        let desk = Arc::downgrade(self);
        let power = Power::new(move || {
            if let Some(desk) = desk.upgrade() {
                // The lock orders this after the test of a waiter that saw no request.
                drop(desk.lock());
                desk.changed.notify_all();
            }
        });
        *self.power.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(power.clone());
        power
    }

    /// Asks to leave; the first code counts.
    pub fn quit(&self, code: u8) {
        self.lock().quit.get_or_insert(code);
        self.changed.notify_all();
    }

    /// Whether somebody has asked to leave.
    pub fn is_quitting(&self) -> bool {
        self.lock().quit.is_some()
    }

    /// Waits for something to see to; `None` when the machine has been running for `limit` without.
    pub fn wait(&self, limit: Duration) -> Option<Work> {
        let power = self.power.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let mut state = self.lock();
        loop {
            if let Some(code) = state.quit {
                return Some(Work::Quit(code));
            }
            if state.due {
                return Some(Work::Stopped);
            }
            if let Some(request) = power.as_ref().and_then(|power| power.take()) {
                return Some(Work::Power(request));
            }
            if state.goal == Goal::Running {
                let waited = self.changed.wait_timeout(state, limit);
                let (next, timeout) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
                if timeout.timed_out() {
                    return None;
                }
                state = next;
            } else {
                state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
        }
    }

    /// The goal.
    pub fn goal(&self) -> Goal {
        self.lock().goal
    }

    /// Sets the goal; `tell` is called with the desk locked, so that no vCPU sees the one without the other.
    pub fn set_goal(&self, goal: Goal, tell: impl FnOnce()) {
        let mut state = self.lock();
        if state.goal != Goal::Ended {
            state.goal = goal;
            tell();
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until no vCPU is in its engine.
    ///
    /// # Errors
    /// The vCPUs that still are after `limit`, or as soon as somebody wants to leave: that is not to wait for others.
    pub fn wait_idle(&self, limit: Duration) -> Result<(), Vec<u32>> {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        while !state.active.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || (state.quit.is_some() && state.goal != Goal::Ended) {
                return Err(state.active.iter().copied().collect());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        Ok(())
    }

    /// Says how each vCPU takes part from now on; none: all run. Steps that were done are not news any more.
    pub fn set_paces(&self, paces: &[Pace]) {
        let mut state = self.lock();
        state.paces = paces.to_vec();
        state.stops.retain(|(_, exit)| *exit != Exit::Stepped);
    }

    /// Whether the machine pauses because of a stop that is to be reported, which the caller does.
    pub fn take_due(&self) -> bool {
        std::mem::take(&mut self.lock().due)
    }

    /// The next stop of a vCPU that takes part.
    pub fn take_stop(&self) -> Option<(u32, Exit)> {
        let mut state = self.lock();
        // Who steps gets over a breakpoint.
        let State { paces, stops, .. } = &mut *state;
        let pace = |cpu: u32| paces.get(cpu as usize).copied().unwrap_or_default();
        stops.retain(|(cpu, exit)| !(matches!(pace(*cpu), Pace::Step { .. }) && *exit == Exit::Breakpoint));
        let index = stops.iter().position(|(cpu, _)| pace(*cpu) != Pace::Stay)?;
        stops.remove(index)
    }

    /// Forgets all stops: the board is reset.
    pub fn clear_stops(&self) {
        let mut state = self.lock();
        state.stops.clear();
    }

    /// A vCPU's thread waits for its turn; `None` when it is to end. `start` is called, desk locked, when it may run: a
    /// stop that it is asked for later counts.
    pub fn enter(&self, cpu: u32, start: impl FnOnce()) -> Option<Pace> {
        let mut state = self.lock();
        loop {
            let pace = state.paces.get(cpu as usize).copied().unwrap_or_default();
            match state.goal {
                Goal::Running if pace != Pace::Stay => {
                    state.active.insert(cpu);
                    start();
                    return Some(pace);
                }
                Goal::Ended => return None,
                Goal::Running | Goal::Paused => {
                    state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
                }
            }
        }
    }

    /// A vCPU's thread has left its engine. `tell` is called, desk locked, when all others must stop, too.
    pub fn left(&self, cpu: u32, exit: Exit, tell: impl FnOnce()) {
        let mut state = self.lock();
        state.active.remove(&cpu);
        if exit != Exit::Asked {
            state.stops.push_back((cpu, exit));
            if state.goal == Goal::Running {
                state.goal = Goal::Paused;
                state.due = true;
                tell();
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
