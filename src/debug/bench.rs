//! What the tests of this room share: a small machine with a program in it, and the other end of a stream.

use super::{Alone, Desk};
use crate::boot::{Firmware, Request};
use crate::engine::Kind;
use crate::host::CharEnd;
use crate::machine::page::{Page, find};
use crate::machine::{Actions, Control, Setup, build};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where programs are, and where their data is: `a0` points there.
pub const CODE: u64 = 0x8000_0000;
pub const DATA: u64 = 0x8000_1000;

/// `t0 += 1; [a0] = t0; t1 = [a0 + 8]; again`.
pub const COUNT: &[u32] = &[0x0012_8293, 0x0055_3023, 0x0085_3303, 0xff5f_f06f];

/// A machine that somebody supervises.
pub struct Bench {
    pub desk: Arc<Desk>,
    supervisor: Option<JoinHandle<u8>>,
}

impl Bench {
    /// A paused machine with `cpus` harts at the start of `program`, in machine mode.
    pub fn new(kind: Kind, cpus: u32, program: &[u32]) -> Bench {
        let page = Page::read(&find("virt", Some("riscv64")).unwrap(), &[], &[]).unwrap();
        let boot = Request { firmware: Firmware::None, ..Request::default() };
        let setup = Setup { cpus: Some(cpus), ram: Some(16 << 20), engine: kind, boot, ..Setup::default() };
        let control = Control::start(build(page, setup).unwrap(), Actions::default()).unwrap();
        let code: Vec<u8> = program.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert!(control.machine().bus.poke(CODE, &code));
        for cpu in 0..cpus {
            let prepared = control.with_cpu(cpu, |cpu| {
                cpu.pc = CODE;
                cpu.halted = false;
                let isa = cpu.isa.clone();
                let a0 = isa.registers().iter().find(|reg| reg.name == "a0").unwrap();
                isa.write_register(cpu, a0, DATA);
            });
            prepared.unwrap();
        }
        let supervised = control.clone();
        let supervisor = Some(std::thread::spawn(move || supervised.supervise().unwrap()));
        Bench { desk: Desk::new(control, Box::new(Alone)), supervisor }
    }

    pub fn control(&self) -> &Control {
        self.desk.control()
    }

    /// Waits for the end of the run.
    pub fn code(&mut self) -> u8 {
        self.supervisor.take().expect("asked once").join().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.control().quit(0);
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
        self.desk.farewell();
    }
}

#[derive(Default)]
struct Wire {
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    open: bool,
    comings: u64,
    notify: Option<Arc<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Pair {
    wire: Mutex<Wire>,
    changed: Condvar,
}

impl Pair {
    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn change(&self, change: impl FnOnce(&mut Wire)) {
        let notify = {
            let mut wire = self.lock();
            change(&mut wire);
            wire.notify.clone()
        };
        if let Some(notify) = notify {
            notify();
        }
    }
}

/// The end that is served.
pub struct ServerEnd(Arc<Pair>);

impl CharEnd for ServerEnd {
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut wire = self.0.lock();
        if wire.open {
            wire.to_client.extend(bytes);
        }
        self.0.changed.notify_all();
        bytes.len()
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let mut wire = self.0.lock();
        let count = into.len().min(wire.to_server.len());
        into.iter_mut().zip(wire.to_server.drain(..count)).for_each(|(to, from)| *to = from);
        count
    }

    fn on_ready(&mut self, notify: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().notify = Some(notify.into());
    }

    fn is_open(&self) -> bool {
        self.0.lock().open
    }

    fn visitor(&self) -> Option<u64> {
        let wire = self.0.lock();
        wire.open.then_some(wire.comings)
    }
}

/// The end that a test has.
pub struct Client(Arc<Pair>);

/// A stream with nobody on it yet.
pub fn pair() -> (Client, Box<dyn CharEnd>) {
    let pair = Arc::<Pair>::default();
    (Client(pair.clone()), Box::new(ServerEnd(pair)))
}

impl Client {
    pub fn connect(&self) {
        self.0.change(|wire| {
            wire.open = true;
            wire.comings += 1;
        });
    }

    pub fn disconnect(&self) {
        self.0.change(|wire| {
            wire.open = false;
            wire.to_client.clear();
        });
    }

    pub fn send(&self, bytes: &[u8]) {
        self.0.change(|wire| wire.to_server.extend(bytes));
    }

    /// Reads until `end` says that what has come is what is waited for.
    pub fn read_until(&self, end: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        let mut got = Vec::new();
        let mut wire = self.0.lock();
        loop {
            while let Some(byte) = wire.to_client.pop_front() {
                got.push(byte);
                if end(&got) {
                    return got;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no answer after {:?}", String::from_utf8_lossy(&got));
            wire = self.0.changed.wait_timeout(wire, left).unwrap().0;
        }
    }

    /// Reads up to and including `end`.
    pub fn read_to(&self, end: &str) -> String {
        let bytes = self.read_until(|got| got.ends_with(end.as_bytes()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether nothing comes for a while.
    pub fn is_silent(&self) -> bool {
        std::thread::sleep(Duration::from_millis(50));
        self.0.lock().to_client.is_empty()
    }
}
