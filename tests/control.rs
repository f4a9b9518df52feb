//! Run control on small bare-metal guests, on every engine.

use mimus::boot::{Firmware, Request};
use mimus::cpu::Cpu;
use mimus::engine::{Exit, Kind};
use mimus::fabric::{Device, Io, PowerRequest, State};
use mimus::machine::page::{Page, find};
use mimus::machine::{
    self, Actions, AfterPanic, Control, Happening, Pace, PanicAction, Plug, Setup, Status, WatchdogAction,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const ENGINES: [Kind; 2] = [Kind::Interp, Kind::Jit];
const START: u64 = 0x8000_0000;

/// Counts its starts in RAM, asks for a reset until the third, and then ends with the count as code.
#[rustfmt::skip]
const COUNT_STARTS: &[u32] = &[
    0x0008_02b7, 0x0012_829b, 0x00c2_9293, // li t0, 0x80001000
    0x0002_a303, 0x0013_0313, 0x0062_a023, // lw, addi, sw: one more
    0x0010_03b7, 0x0030_0e13, // li t2, 0x100000; li t3, 3
    0x01c3_0a63, // beq t1, t3, end
    0x0000_7eb7, 0x777e_8e9b, 0x01d3_a023, 0x0000_006f, // reset, and wait
    0x0103_1313, 0x0000_3eb7, 0x333e_8e9b, 0x006e_eeb3, 0x01d3_a023, 0x0000_006f, // fail with the count, and wait
];

/// Loops a thousand times over an `addi` and a load from a word, then again with a debug trigger at the `addi`, then with
/// one at the word, then with a count of three instructions, `mret` being the first; ends with the cause of the last
/// exception as code, or with 1 when one comes with other values of `mepc`, `mtval` or the counter than it should.
#[rustfmt::skip]
const TRIGGERS: &[u32] = &[
    0x0000_0297, 0x0482_8293, 0x3052_9073, // mtvec = first
    0x0000_0497, 0x1044_8493, 0x3e80_0413, // lla s1, word; li s0, 1000
    0xfff4_0413, 0x0004_a303, 0xfe04_1ce3, // loop: addi s0, s0, -1; lw t1, (s1); bnez s0, loop
    0x0000_0317, 0xff43_0313, 0x7a23_1073, 0x0030_039b, 0x03d3_9393, 0x0443_8393, 0x7a13_9073, // match execution
    0x3e80_0413, 0xfd5f_f06f, // li s0, 1000; j loop
    0x3410_25f3, 0x0000_0617, 0xfcc6_0613, 0x08c5_9c63, 0x3e80_0613, 0x08c4_1863, // first: mepc, s0
    0x0000_0297, 0x0242_8293, 0x3052_9073, // mtvec = second
    0x7a24_9073, 0x0030_039b, 0x03d3_9393, 0x0413_8393, 0x7a13_9073, 0x3020_0073, // match loads; mret
    0x3410_25f3, 0x0000_0617, 0xf946_0613, 0x04c5_9e63, 0x3430_25f3, 0x0495_9a63, // second: mepc, mtval
    0x3e70_0613, 0x04c4_1663, 0x0000_0297, 0x0282_8293, 0x3052_9073, // s0; mtvec = third
    0x0030_039b, 0x0303_9393, 0x0013_8393, 0x00c3_9393, 0xe003_8393, 0x7a13_9073, 0x3020_0073, // count; mret
    0x3410_25f3, 0x0000_0617, 0xf486_0613, 0x00c5_9a63, 0x3e70_0613, 0x00c4_1663, // third: mepc, s0
    0x3420_2573, 0x0080_006f, 0x0010_0513, // mcause, or 1
    0x0105_1513, 0x0000_3337, 0x3333_031b, 0x0065_6533, 0x0010_02b7, 0x00a2_a023, 0x0000_006f, // end with it
    0x0000_0013, 0, 0,
];

/// Counts in a0 for ever.
const COUNT: &[u32] = &[0x0015_0513, 0xffdf_f06f];

/// A guest's file, gone when the test is.
struct Guest(PathBuf);

impl Guest {
    fn new(name: &str, code: &[u32]) -> Guest {
        let path = std::env::temp_dir().join(format!("mimus-control-{}-{name}", std::process::id()));
        std::fs::write(&path, code.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
        Guest(path)
    }

    fn start(&self, engine: Kind, cpus: u32, actions: Actions) -> Arc<Control> {
        self.start_with(Setup { cpus: Some(cpus), engine, ..Setup::default() }, actions)
    }

    fn start_with(&self, setup: Setup<'_>, actions: Actions) -> Arc<Control> {
        let page = Page::read(&find("virt", Some("riscv64")).unwrap(), &[], &[]).unwrap();
        let boot = Request { kernel: Some(self.0.clone()), firmware: Firmware::None, ..Request::default() };
        let setup = Setup { boot, ..setup };
        Control::start(machine::build(page, setup).unwrap(), actions).unwrap()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Lets the machine be supervised by a thread of its own.
fn supervised(control: &Arc<Control>) -> std::thread::JoinHandle<u8> {
    let control = control.clone();
    std::thread::spawn(move || control.supervise().unwrap())
}

fn register(control: &Control, cpu: u32, name: &str) -> u64 {
    let read = |cpu: &mut Cpu| {
        let isa = cpu.isa.clone();
        let register = isa.registers().iter().find(|register| register.name == name).unwrap();
        isa.read_register(cpu, register)
    };
    control.with_cpu(cpu, read).unwrap()
}

fn wait_for(receiver: &Receiver<Happening>, wanted: impl Fn(&Happening) -> bool) -> Happening {
    loop {
        let happening = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        if wanted(&happening) {
            return happening;
        }
    }
}

#[test]
fn a_reset_starts_again_and_an_end_brings_its_code() {
    let guest = Guest::new("resets", COUNT_STARTS);
    for engine in ENGINES {
        let control = guest.start(engine, 1, Actions::default());
        control.resume();
        assert_eq!(control.supervise(), Ok(3), "{engine:?}");
    }
}

#[test]
fn debug_triggers_stop_code_that_has_run_before() {
    let guest = Guest::new("triggers", TRIGGERS);
    for engine in ENGINES {
        let control = guest.start(engine, 1, Actions::default());
        control.resume();
        assert_eq!(control.supervise(), Ok(3), "{engine:?}");
    }
}

#[test]
fn a_reset_may_end_the_run() {
    let guest = Guest::new("noreboot", COUNT_STARTS);
    for engine in ENGINES {
        let control = guest.start(engine, 1, Actions { reboot_exits: true, ..Actions::default() });
        let happenings = control.observe(|| {});
        control.resume();
        assert_eq!(control.supervise(), Ok(0), "{engine:?}");
        let all: Vec<Happening> = happenings.try_iter().collect();
        let shutdown = Happening::Shutdown { by: PowerRequest::Reset, leaves: true };
        assert_eq!(all, [Happening::Resumed, shutdown, Happening::Ending(0)]);
    }
}

#[test]
fn a_power_off_may_only_pause() {
    let guest = Guest::new("noshutdown", COUNT_STARTS);
    for engine in ENGINES {
        let control = guest.start(engine, 1, Actions { shutdown_pauses: true, ..Actions::default() });
        let happenings = control.observe(|| {});
        let run = supervised(&control);
        control.resume();
        wait_for(&happenings, |happening| matches!(happening, Happening::Shutdown { leaves: false, .. }));
        wait_for(&happenings, |happening| *happening == Happening::Paused);
        assert!(!control.is_running());
        control.quit(7);
        assert_eq!(run.join().unwrap(), 7, "{engine:?}");
    }
}

#[test]
fn a_paused_machine_stands_still_and_can_be_stepped() {
    let guest = Guest::new("pause", COUNT);
    for engine in ENGINES {
        let control = guest.start(engine, 2, Actions::default());
        let happenings = control.observe(|| {});
        let run = supervised(&control);
        control.resume();
        std::thread::sleep(Duration::from_millis(30));
        control.pause();
        let before = [register(&control, 0, "a0"), register(&control, 1, "a0")];
        let clock = control.machine().timers.clock().now();
        std::thread::sleep(Duration::from_millis(10));
        assert!(before.iter().all(|count| *count > 2), "{engine:?}: {before:?}");
        assert_eq!([register(&control, 0, "a0"), register(&control, 1, "a0")], before);
        assert_eq!(control.machine().timers.clock().now(), clock);
        for _ in 0..4 {
            control.resume_each(&[Pace::Step { interrupts: true }, Pace::Stay]);
            let stop = wait_for(&happenings, |happening| matches!(happening, Happening::Stopped(..)));
            assert_eq!(stop, Happening::Stopped(0, Exit::Stepped), "{engine:?}");
        }
        assert_eq!([register(&control, 0, "a0"), register(&control, 1, "a0")], [before[0] + 2, before[1]]);
        control.resume();
        std::thread::sleep(Duration::from_millis(10));
        // Looking at a running machine stops it for as long as that takes.
        assert!(register(&control, 1, "a0") > before[1] && control.is_running());
        control.quit(0);
        assert_eq!(run.join().unwrap(), 0);
    }
}

#[test]
fn a_breakpoint_stops_every_cpu() {
    let guest = Guest::new("break", COUNT);
    for engine in ENGINES {
        let control = guest.start(engine, 2, Actions::default());
        let happenings = control.observe(|| {});
        let run = supervised(&control);
        control.change_points(|points| points.breakpoints.push(START + 4)).unwrap();
        for _ in 0..3 {
            control.resume();
            let stop = wait_for(&happenings, |happening| matches!(happening, Happening::Stopped(..)));
            let Happening::Stopped(cpu, Exit::Breakpoint) = stop else { panic!("{engine:?}: {stop:?}") };
            assert!(!control.is_running());
            assert_eq!(control.with_cpu(cpu, |cpu| cpu.pc), Ok(START + 4));
        }
        let before = register(&control, 0, "a0") + register(&control, 1, "a0");
        control.change_points(|points| points.breakpoints.clear()).unwrap();
        control.resume();
        std::thread::sleep(Duration::from_millis(20));
        assert!(register(&control, 0, "a0") + register(&control, 1, "a0") > before + 100, "{engine:?}");
        control.quit(0);
        run.join().unwrap();
    }
}

#[test]
fn a_user_may_reset_a_running_machine() {
    let guest = Guest::new("userreset", COUNT);
    for engine in ENGINES {
        let control = guest.start(engine, 1, Actions::default());
        let run = supervised(&control);
        control.resume();
        std::thread::sleep(Duration::from_millis(30));
        control.pause();
        control.reset().unwrap();
        assert_eq!(control.with_cpu(0, |cpu| cpu.pc), Ok(0x1000), "{engine:?}");
        assert_eq!(register(&control, 0, "a0"), 0);
        control.quit(0);
        run.join().unwrap();
    }
}

/// Stores a1 at the address in a0, and counts.
const STORE: &[u32] = &[
    0x0400_0537, // lui a0, 0x4000: the first slot of the platform bus is the last of four
    0x0003_05b7,
    0x00b5_0533, // lui a1, 0x30; add a0, a0, a1
    0x0010_0593,
    0x00b5_0023, // li a1, 1; sb a1, (a0)
    0x0016_0613,
    0xffdf_f06f, // count in a2
];

#[test]
fn a_panic_has_the_consequence_that_was_asked_for() {
    let guest = Guest::new("panic", STORE);
    let start = |panic: PanicAction, shutdown_pauses: bool| {
        let plug = Plug { driver: "pvpanic".into(), given: "-device pvpanic".into(), ..Plug::default() };
        let actions = Actions { panic, shutdown_pauses, ..Actions::default() };
        guest.start_with(Setup { plugs: vec![plug], ..Setup::default() }, actions)
    };
    let ends = |code: u8| {
        let shutdown = Happening::Shutdown { by: PowerRequest::Panicked, leaves: true };
        vec![Happening::Panicked(AfterPanic::Poweroff), Happening::Paused, shutdown, Happening::Ending(code)]
    };
    for (panic, shutdown_pauses, expected) in [
        (PanicAction::Shutdown, false, ends(0)),
        (PanicAction::ExitFailure, false, ends(1)),
        (PanicAction::ExitFailure, true, ends(1)),
        (PanicAction::Shutdown, true, vec![Happening::Panicked(AfterPanic::Pause), Happening::Paused]),
        (PanicAction::Pause, false, vec![Happening::Panicked(AfterPanic::Pause), Happening::Paused]),
        (PanicAction::None, false, vec![Happening::Panicked(AfterPanic::Run)]),
    ] {
        let control = start(panic, shutdown_pauses);
        let happenings = control.observe(|| {});
        let run = supervised(&control);
        control.resume();
        let mut all = vec![wait_for(&happenings, |happening| *happening != Happening::Resumed)];
        while all.len() < expected.len() {
            all.push(wait_for(&happenings, |_| true));
        }
        assert_eq!(all, expected, "{panic:?}");
        assert_eq!(control.is_running(), panic == PanicAction::None);
        let status = if panic == PanicAction::None { Status::Running } else { Status::Panicked };
        assert!(control.status() == status || expected.len() > 2, "{panic:?}: {:?}", control.status());
        control.quit(0);
        assert_eq!(run.join().unwrap(), u8::from(panic == PanicAction::ExitFailure));
    }
}

#[test]
fn an_unfed_watchdog_has_the_consequence_that_was_asked_for() {
    let guest = Guest::new("watchdog", COUNT);
    let ask = |action: WatchdogAction, reboot_exits: bool| {
        let control = guest.start(Kind::Jit, 1, Actions { watchdog: action, reboot_exits, ..Actions::default() });
        let happenings = control.observe(|| {});
        let run = supervised(&control);
        control.resume();
        control.machine().power.request(PowerRequest::Watchdog);
        wait_for(&happenings, |happening| *happening == Happening::Watchdog(action));
        (control, happenings, run)
    };
    let (control, happenings, run) = ask(WatchdogAction::Reset, false);
    wait_for(&happenings, |happening| *happening == Happening::Reset(true));
    control.quit(3);
    assert_eq!(run.join().unwrap(), 3);
    assert_eq!(ask(WatchdogAction::Reset, true).2.join().unwrap(), 0, "-no-reboot");
    assert_eq!(ask(WatchdogAction::Poweroff, false).2.join().unwrap(), 0);
    let (control, happenings, run) = ask(WatchdogAction::Pause, false);
    wait_for(&happenings, |happening| *happening == Happening::Paused);
    assert_eq!((control.is_running(), control.status()), (false, Status::Watchdog));
    control.quit(0);
    run.join().unwrap();
    // This board has no power button, so that nothing follows.
    let (control, happenings, run) = ask(WatchdogAction::Shutdown, false);
    wait_for(&happenings, |happening| *happening == Happening::PowerButton);
    assert!(control.is_running());
    control.quit(4);
    assert_eq!(run.join().unwrap(), 4);
}

/// A clock that takes as long to read as somebody keeps its gate shut.
struct Slow {
    entered: Sender<()>,
    gate: Receiver<()>,
}

impl Device for Slow {
    fn read(&mut self, _: Io) -> u64 {
        let _ = self.entered.send(());
        // Opened, or the test is over.
        let _ = self.gate.recv();
        7
    }
    fn write(&mut self, _: Io, _: u64) {}
    fn reset(&mut self) {}
    fn state(&mut self, _: &mut State) -> mimus::base::Result<()> {
        Ok(())
    }
}

/// Reads the clock into a1 and then counts in a0.
#[rustfmt::skip]
const READ_CLOCK: &[u32] = &[
    0x0010_12b7, // lui t0, 0x101
    0x0002_a583, // lw a1, (t0)
    0x0015_0513, 0xffdf_f06f, // addi a0, a0, 1; again
];

#[test]
fn a_vcpu_that_a_device_keeps_keeps_nobody_else() {
    let guest = Guest::new("slow", READ_CLOCK);
    for engine in ENGINES {
        let control = guest.start(engine, 1, Actions::default());
        let (enter, entered) = channel();
        let (open, gate) = channel();
        let clock =
            control.machine().parts.iter().find(|standing| standing.banks.contains(&(0x10_1000, 0x1000))).unwrap();
        clock.part.install(Box::new(Slow { entered: enter, gate }));
        let run = supervised(&control);
        control.resume();
        entered.recv_timeout(Duration::from_secs(60)).unwrap();
        let why = control.with_cpu(0, |cpu| cpu.pc).unwrap_err().to_string();
        assert_eq!(why, format!("vCPU 0 does not stop: the device '{}' keeps it", clock.part.name()), "{engine:?}");
        assert!(control.is_running(), "looking at it in vain changes nothing");
        assert!(control.change_points(|_| {}).is_err() && control.reset().is_err());
        assert_eq!(clock.part.try_with(Duration::ZERO, |_| ()), None);
        control.pause();
        assert_eq!(control.status(), Status::Paused);
        // It stops as soon as it is back, and not before it has read.
        open.send(()).unwrap();
        let a1 = loop {
            match control.with_cpu(0, |cpu| cpu.slots[11]) {
                Ok(a1) => break a1,
                Err(_) => std::thread::yield_now(),
            }
        };
        assert_eq!(a1, 7, "{engine:?}");
        assert_eq!(clock.part.stay(), None);
        // The end of the run waits for nobody.
        control.with_cpu(0, |cpu| cpu.pc = START).unwrap();
        control.resume();
        entered.recv_timeout(Duration::from_secs(60)).unwrap();
        control.quit(3);
        assert_eq!(run.join().unwrap(), 3, "{engine:?}");
        drop(open);
    }
}
