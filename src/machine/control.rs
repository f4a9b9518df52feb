//! Run control: pause, go on, step, reset, leave.
//!
//! ```text
//!   supervise() ── the calling thread ──┐                     ┌── vCPU 0's thread: enter, Engine::run, left
//!   monitor, gdb ── their threads ──────┼─► hand ─► Desk ─────┼── vCPU 1's thread
//!   guest's power lines ────────────────┘           goal      └── …
//! ```
//! Whoever changes what the machine does holds the hand; a vCPU's seat is free while it is paused. Guest time stands
//! still while the machine is paused. A vCPU that a device keeps cannot stop: nobody waits for it for longer than
//! [`PATIENCE`], so that everyone is answered and the hand is free again.

use super::actions::{Actions, AfterPanic, PanicAction, WatchdogAction};
use super::desk::{Desk, Goal, Pace, Work};
use super::{Machine, Seat};
use crate::base::{Error, Result, thread};
use crate::boot::Start;
use crate::cpu::{Cpu, Points};
use crate::engine::Exit;
use crate::error;
use crate::fabric::{Part, PowerRequest, Stay};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a vCPU may take to leave its engine before others go on without it.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long it may take at the end of the run.
const LAST_PATIENCE: Duration = Duration::from_millis(200);
/// How often a running machine is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A vCPU that does not stop, so that what was to be done with the machine paused was not.
struct Stuck(Error);

/// Something that observers (gdb, QMP) hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The machine goes on.
    Resumed,
    /// It was paused by [`Control::pause`].
    Paused,
    /// A vCPU met a breakpoint or watchpoint, or has stepped, and the machine is paused.
    Stopped(u32, Exit),
    /// The board was reset; `true`: by the guest.
    Reset(bool),
    /// The guest has powered off, asked for a reset that ends the run, or panicked and that ends it.
    Shutdown {
        /// What it asked for.
        by: PowerRequest,
        /// The process leaves; otherwise the machine only pauses.
        leaves: bool,
    },
    /// The power button was pressed.
    PowerButton,
    /// The guest has reported that it panicked.
    Panicked(AfterPanic),
    /// The guest has panicked, and a crash kernel of its own takes over.
    CrashLoaded,
    /// The guest has said that it shuts down.
    SaidShutdown,
    /// A watchdog was not fed, which has this consequence.
    Watchdog(WatchdogAction),
    /// The process is about to leave with this code.
    Ending(u8),
}

/// How the machine stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It has not run yet.
    #[default]
    Prelaunch,
    /// It runs.
    Running,
    /// Somebody paused it.
    Paused,
    /// It stopped for a debugger.
    Debug,
    /// The guest has powered off.
    Shutdown,
    /// The guest has panicked.
    Panicked,
    /// A watchdog was not fed.
    Watchdog,
}

/// Somebody who hears of happenings, and what wakes them.
struct Observer {
    sender: Sender<Happening>,
    wake: Box<dyn Fn() + Send>,
}

/// A machine that can be run. Made by [`Control::start`], shared by everyone who controls it.
pub struct Control {
    machine: Machine,
    desk: Arc<Desk>,
    actions: Mutex<Actions>,
    hand: Mutex<()>,
    observers: Mutex<Vec<Observer>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The host's numbers of the vCPUs' threads.
    thread_ids: Mutex<Vec<u64>>,
    status: Mutex<Status>,
}

/// By part: who was at its register at the look before, and for how many looks before that.
type Stays = Vec<Option<(Stay, u32)>>;

impl Control {
    /// Puts the machine into its first state and starts the vCPUs' threads. It is paused until
    /// [`resume`](Control::resume).
    ///
    /// # Errors
    /// When the host has no threads left.
    pub fn start(machine: Machine, actions: Actions) -> Result<Arc<Control>> {
        let desk = machine.desk.clone();
        let control = Arc::new(Control {
            machine,
            desk,
            actions: Mutex::new(actions),
            hand: Mutex::new(()),
            observers: Mutex::default(),
            threads: Mutex::default(),
            thread_ids: Mutex::default(),
            status: Mutex::default(),
        });
        control.power_on()?;
        for index in 0..control.machine.seats.len() as u32 {
            let own = control.clone();
            let (tell, told) = channel();
            let started = thread::spawn(&format!("cpu{index}"), move || {
                thread::wake_on_time();
                // Whoever starts us waits.
                let _ = tell.send(own_thread_id().unwrap_or(0));
                own.vcpu(index);
            });
            let thread = match started {
                Ok(thread) => thread,
                Err(e) => {
                    control.end();
                    return Err(e);
                }
            };
            lock(&control.threads).push(thread);
            // Who asks as soon as the machine is there, gets them all.
            lock(&control.thread_ids).push(told.recv().unwrap_or(0));
        }
        Ok(control)
    }

    /// The machine; its vCPUs are reached through [`with_cpu`](Control::with_cpu).
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Hears of everything that happens from now on. `wake` is called after each happening was sent; it must not
    /// wait for the machine.
    pub fn observe(&self, wake: impl Fn() + Send + 'static) -> Receiver<Happening> {
        let (sender, receiver) = channel();
        lock(&self.observers).push(Observer { sender, wake: Box::new(wake) });
        receiver
    }

    /// Whether vCPUs run.
    pub fn is_running(&self) -> bool {
        self.desk.goal() == Goal::Running
    }

    /// How the machine stands.
    pub fn status(&self) -> Status {
        *lock(&self.status)
    }

    /// What follows from the guest's doings.
    pub fn actions(&self) -> Actions {
        *lock(&self.actions)
    }

    /// Changes what follows from the guest's doings.
    pub fn change_actions(&self, change: impl FnOnce(&mut Actions)) {
        change(&mut lock(&self.actions));
    }

    /// The host's number of a vCPU's thread; 0 when the host does not say.
    pub fn thread_id(&self, index: u32) -> u64 {
        lock(&self.thread_ids).get(index as usize).copied().unwrap_or(0)
    }

    /// Lets the vCPUs run.
    pub fn resume(&self) {
        self.resume_each(&[]);
    }

    /// Lets each vCPU take part as its pace says; all run when there are none.
    pub fn resume_each(&self, paces: &[Pace]) {
        let _hand = lock(&self.hand);
        if !self.is_running() {
            self.desk.set_paces(paces);
            // The news comes first: a breakpoint may be met at once.
            self.tell(Happening::Resumed);
            self.go();
        }
    }

    /// Stops all vCPUs and guest time; returns when they have stopped. One that a device keeps is told to the log, and
    /// stops when the device lets it go.
    pub fn pause(&self) {
        let _hand = lock(&self.hand);
        let was_running = self.is_running();
        self.halt_or_say();
        if (was_running || self.desk.take_due()) && !self.report() {
            self.tell(Happening::Paused);
        }
    }

    /// Calls `f` with a vCPU, the whole machine paused meanwhile.
    ///
    /// # Errors
    /// When there is no such vCPU, or one does not stop.
    pub fn with_cpu<T>(&self, index: u32, f: impl FnOnce(&mut Cpu) -> T) -> Result<T> {
        let answer = self.meanwhile(|| self.seat(index).map(|mut seat| f(&mut seat.cpu)));
        answer.map_err(|stuck| stuck.0)?.ok_or_else(|| error!("there is no vCPU {index}"))
    }

    /// Changes breakpoints and watchpoints, the whole machine paused meanwhile.
    ///
    /// # Errors
    /// When a vCPU does not stop.
    pub fn change_points(&self, f: impl FnOnce(&mut Points)) -> Result<()> {
        let changed = self.meanwhile(|| {
            self.machine.debug.change(f);
            for seat in &self.machine.seats {
                let Seat { cpu, engine } = &mut *lock(seat);
                cpu.flush_all();
                engine.forget_code(cpu);
            }
        });
        changed.map_err(|stuck| stuck.0)
    }

    /// Resets the board: chips, memory that images are in, vCPUs. It goes on running if it ran.
    ///
    /// # Errors
    /// When the images cannot be laid down again, or a vCPU does not stop.
    pub fn reset(&self) -> Result<()> {
        self.reset_by(false).map_err(|stuck| stuck.0)?
    }

    /// Ends the run; [`supervise`](Control::supervise) returns the first code that was given.
    pub fn quit(&self, code: u8) {
        self.desk.quit(code);
    }

    /// Presses the power button, which does nothing on a board that has none.
    pub fn power_down(&self) {
        self.tell(Happening::PowerButton);
        let button = self.machine.parts.iter().find_map(|standing| Some((&standing.part, standing.power_button?)));
        if let Some((part, input)) = button {
            let pressed = part.try_with(PATIENCE, |device| {
                device.input(input, true);
                device.input(input, false);
            });
            if pressed.is_none() {
                log::error!("the power button is not pressed: the device '{}' is busy", part.name());
            }
        }
    }

    /// Sees to what the guest and its debuggers ask for until the run ends; returns the exit code.
    ///
    /// # Errors
    /// When a reset fails.
    pub fn supervise(&self) -> Result<u8> {
        let mut stays = Stays::new();
        let code = loop {
            match self.desk.wait(LOOK) {
                None => self.look(&mut stays),
                Some(Work::Quit(code)) => break code,
                Some(Work::Power(request)) => {
                    if let Some(code) = self.power(request)? {
                        break code;
                    }
                }
                Some(Work::Stopped) => {
                    let _hand = lock(&self.hand);
                    if self.desk.take_due() {
                        self.halt_or_say();
                        if !self.report() {
                            self.go();
                        }
                    }
                }
            }
        };
        self.tell(Happening::Ending(code));
        self.end();
        Ok(code)
    }

    /// Answers the guest's power lines; returns the code to leave with, if it does.
    fn power(&self, request: PowerRequest) -> Result<Option<u8>> {
        let actions = self.actions();
        match request {
            PowerRequest::Reset if !actions.reboot_exits => self.reset_by_guest(),
            PowerRequest::Reset => Ok(self.shut_down(request, 0, actions)),
            PowerRequest::Off(code) => Ok(self.shut_down(request, code, actions)),
            PowerRequest::SaidShutdown => {
                self.tell(Happening::SaidShutdown);
                Ok(self.shut_down(request, 0, actions))
            }
            PowerRequest::CrashLoaded => {
                self.tell(Happening::CrashLoaded);
                Ok(None)
            }
            PowerRequest::Panicked => Ok(self.panicked(actions)),
            PowerRequest::Watchdog => self.watchdog(actions.watchdog),
        }
    }

    fn shut_down(&self, by: PowerRequest, code: u8, actions: Actions) -> Option<u8> {
        self.stop();
        let leaves = !actions.shutdown_pauses;
        self.tell(Happening::Shutdown { by, leaves });
        if !leaves {
            self.tell(Happening::Paused);
        }
        leaves.then_some(code)
    }

    fn panicked(&self, actions: Actions) -> Option<u8> {
        let (after, code) = match actions.panic {
            PanicAction::None => (AfterPanic::Run, 0),
            PanicAction::Pause => (AfterPanic::Pause, 0),
            PanicAction::Shutdown if actions.shutdown_pauses => (AfterPanic::Pause, 0),
            PanicAction::Shutdown => (AfterPanic::Poweroff, 0),
            PanicAction::ExitFailure => (AfterPanic::Poweroff, 1),
        };
        self.tell(Happening::Panicked(after));
        if after == AfterPanic::Run {
            return None;
        }
        self.stop();
        self.tell(Happening::Paused);
        if after == AfterPanic::Pause {
            return None;
        }
        self.tell(Happening::Shutdown { by: PowerRequest::Panicked, leaves: true });
        Some(code)
    }

    fn watchdog(&self, action: WatchdogAction) -> Result<Option<u8>> {
        self.tell(Happening::Watchdog(action));
        match action {
            WatchdogAction::Reset => return self.power(PowerRequest::Reset),
            WatchdogAction::Shutdown => self.power_down(),
            WatchdogAction::Poweroff => return Ok(Some(0)),
            WatchdogAction::Pause => {
                self.stop();
                self.tell(Happening::Paused);
            }
            // As QEMU, on stderr whatever is logged.
            WatchdogAction::Debug => drop(writeln!(std::io::stderr(), "watchdog: timer fired")),
            WatchdogAction::None => {}
        }
        Ok(None)
    }

    /// Stops vCPUs and guest time.
    fn stop(&self) {
        let _hand = lock(&self.hand);
        self.halt_or_say();
    }

    /// A vCPU that a device keeps is waited for, as the guest goes on nowhere else. Who wants to leave does not.
    fn reset_by_guest(&self) -> Result<Option<u8>> {
        loop {
            match self.reset_by(true) {
                Ok(done) => return done.map(|()| None),
                Err(_) if self.desk.is_quitting() => return Ok(None),
                Err(Stuck(e)) => log::error!("{e}, and the reset waits for it"),
            }
        }
    }

    fn reset_by(&self, guest: bool) -> std::result::Result<Result<()>, Stuck> {
        self.meanwhile(|| {
            self.desk.clear_stops();
            self.power_on()?;
            self.tell(Happening::Reset(guest));
            Ok(())
        })
    }

    /// Puts everything into its first state. The hand is held, or nobody else is there yet.
    fn power_on(&self) -> Result<()> {
        let machine = &self.machine;
        for standing in &machine.parts {
            standing.part.with(|device| device.reset());
        }
        if matches!(machine.plan.start, Start::BuiltIn { .. }) {
            machine.parts.iter().for_each(|standing| standing.part.with(|device| device.skip_firmware()));
        }
        machine.plan.layout.load(&machine.bus)?;
        if let Some(at) = machine.plan.dtb {
            machine.seeds.iter().try_for_each(|seed| seed.renew(&machine.bus, &machine.dtb, at))?;
        }
        for (seat, index) in machine.seats.iter().zip(0..) {
            let Seat { cpu, engine } = &mut *lock(seat);
            cpu.pins.take_rises(u64::MAX);
            cpu.reset();
            cpu.pc = machine.reset_at;
            (machine.arch.start)(cpu, machine.plan.start);
            if let Some((_, pc)) = machine.plan.pcs.iter().rev().find(|(of, _)| *of == index) {
                cpu.pc = *pc;
                cpu.halted = false;
            }
            cpu.mode_changed();
            engine.forget_code(cpu);
        }
        Ok(())
    }

    /// Calls `f` with the machine paused; it goes on afterwards if it ran.
    fn meanwhile<T>(&self, f: impl FnOnce() -> T) -> std::result::Result<T, Stuck> {
        let _hand = lock(&self.hand);
        let was_running = self.is_running();
        let halted = self.halt();
        let was_running = self.desk.take_due() || was_running;
        let answer = halted.map(|()| f());
        if was_running {
            self.go();
        }
        answer
    }

    /// Tells of the next stop that still counts, if there is one. The hand is held and all vCPUs are stopped.
    fn report(&self) -> bool {
        while let Some((cpu, exit)) = self.desk.take_stop() {
            let points = self.machine.debug.read().clone();
            let counts = match exit {
                Exit::Asked => false,
                Exit::Stepped => true,
                Exit::Breakpoint => self.seat(cpu).is_some_and(|seat| points.breakpoints.contains(&seat.cpu.pc)),
                Exit::Watchpoint(point) => points.watchpoints.contains(&point),
            };
            if counts {
                self.tell(Happening::Stopped(cpu, exit));
                return true;
            }
        }
        false
    }

    /// Lets the vCPUs go, unless one of them has met something that nobody was told of. The hand is held.
    fn go(&self) {
        if self.report() {
            return;
        }
        self.machine.timers.clock().go();
        self.machine.timers.clock_changed();
        self.desk.set_goal(Goal::Running, || {});
    }

    /// Stops vCPUs and guest time. The hand is held.
    fn halt(&self) -> std::result::Result<(), Stuck> {
        self.desk.set_goal(Goal::Paused, || self.ask_stop());
        let idle = self.desk.wait_idle(PATIENCE);
        self.machine.timers.clock().stop();
        self.machine.timers.clock_changed();
        idle.map_err(|cpus| {
            // One that waits for another is not the one to blame.
            let kept = |part: &Part| part.stay().filter(|stay| cpus.contains(&stay.cpu));
            let kept = self.machine.parts.iter().find_map(|standing| Some((kept(&standing.part)?.cpu, &standing.part)));
            Stuck(match kept {
                Some((cpu, part)) => error!("vCPU {cpu} does not stop: the device '{}' keeps it", part.name()),
                None => error!("vCPU {} does not stop", cpus[0]),
            })
        })
    }

    /// Stops what stops, and tells the log of what does not. The hand is held.
    fn halt_or_say(&self) {
        if let Err(Stuck(e)) = self.halt() {
            log::error!("{e}");
        }
    }

    /// Looks whether a device keeps a vCPU: whoever is at the same access as at two looks before is named, once.
    fn look(&self, stays: &mut Stays) {
        stays.resize(self.machine.parts.len(), None);
        for (standing, known) in self.machine.parts.iter().zip(stays) {
            *known = standing.part.stay().map(|stay| match *known {
                Some((before, looks)) if before == stay => (stay, looks.saturating_add(1)),
                _ => (stay, 0),
            });
            if let Some((stay, 2)) = known {
                log::error!("the device '{}' keeps vCPU {} for a second", standing.part.name(), stay.cpu);
            }
        }
    }

    /// Ends all threads.
    fn end(&self) {
        let _hand = lock(&self.hand);
        self.desk.set_goal(Goal::Ended, || self.ask_stop());
        if self.desk.wait_idle(LAST_PATIENCE).is_ok() {
            for thread in lock(&self.threads).drain(..) {
                // A thread that panicked has said so.
                let _ = thread.join();
            }
        }
        self.machine.timers.end();
    }

    fn ask_stop(&self) {
        self.machine.remotes.iter().for_each(|remote| remote.ask_stop(true));
    }

    fn tell(&self, what: Happening) {
        {
            let mut status = lock(&self.status);
            *status = match (what, *status) {
                (Happening::Resumed, _) => Status::Running,
                (Happening::Stopped(..), _) => Status::Debug,
                (Happening::Shutdown { .. }, Status::Panicked) => Status::Panicked,
                (Happening::Shutdown { .. }, _) => Status::Shutdown,
                (Happening::Panicked(AfterPanic::Pause | AfterPanic::Poweroff), _) => Status::Panicked,
                (Happening::Watchdog(WatchdogAction::Pause), _) => Status::Watchdog,
                (Happening::Paused, Status::Running)
                | (Happening::Reset(_), Status::Shutdown | Status::Panicked | Status::Watchdog) => Status::Paused,
                (_, status) => status,
            };
        }
        lock(&self.observers).retain(|observer| {
            let listens = observer.sender.send(what).is_ok();
            (observer.wake)();
            listens
        });
    }

    fn seat(&self, index: u32) -> Option<MutexGuard<'_, Seat>> {
        self.machine.seats.get(index as usize).map(lock)
    }

    /// The life of a vCPU's thread.
    fn vcpu(&self, index: u32) {
        let remote = &self.machine.remotes[index as usize];
        while let Some(pace) = self.desk.enter(index, || remote.ask_stop(false)) {
            let run = catch_unwind(AssertUnwindSafe(|| {
                self.seat(index).map(|mut seat| {
                    let Seat { cpu, engine } = &mut *seat;
                    match pace {
                        Pace::Step { interrupts } => engine.step(cpu, interrupts),
                        Pace::Run | Pace::Stay => engine.run(cpu),
                    }
                })
            }));
            let exit = match run {
                Ok(exit) => exit.unwrap_or(Exit::Asked),
                Err(_) => {
                    // What went wrong has been printed; the guest cannot go on.
                    remote.pause();
                    self.desk.quit(1);
                    self.desk.left(index, Exit::Asked, || {});
                    return;
                }
            };
            self.desk.left(index, exit, || self.ask_stop());
        }
    }
}

/// The host's number of the calling thread, where it says so.
fn own_thread_id() -> Option<u64> {
    let link = std::fs::read_link("/proc/thread-self").ok()?;
    link.file_name()?.to_str()?.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
