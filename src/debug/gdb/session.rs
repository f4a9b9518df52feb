//! A stream on which a gdb may be: clients come, talk, and go again.

use super::guest::{EINVAL, Guest, sstep, tid_of};
use super::wire::{Input, LONGEST, Reader, packet};
use crate::debug::Desk;
use crate::host::{Bell, CharEnd, CharStream};
use crate::machine::Happening;
use gdbstub::common::Signal;
use gdbstub::conn::Connection;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStub, MultiThreadStopReason};
use std::cell::RefCell;
use std::convert::Infallible;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

/// What `gdbstub` wants sent.
#[derive(Clone, Default)]
struct Outbox(Rc<RefCell<Vec<u8>>>);

impl Connection for Outbox {
    type Error = Infallible;

    fn write(&mut self, byte: u8) -> Result<(), Infallible> {
        self.0.borrow_mut().push(byte);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

type Stub = GdbStubStateMachine<'static, Guest, Outbox>;

/// Serves gdb on one stream.
pub struct Session {
    stream: CharStream,
    news: Receiver<Happening>,
    desk: Arc<Desk>,
    ended: Arc<AtomicBool>,
}

/// Ends a session from outside.
pub struct Ending {
    ended: Arc<AtomicBool>,
    bell: Arc<Bell>,
}

impl Ending {
    /// Ends it, soon.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}

impl Session {
    /// A session that hears of happenings from now on.
    pub fn new(desk: Arc<Desk>, end: Box<dyn CharEnd>) -> Session {
        let stream = CharStream::new(end);
        let bell = stream.bell();
        let news = desk.control().observe(move || bell.ring());
        Session { stream, news, desk, ended: Arc::default() }
    }

    /// What ends it.
    pub fn ending(&self) -> Ending {
        Ending { ended: self.ended.clone(), bell: self.stream.bell() }
    }

    /// Serves clients until the run ends, or somebody ends the session.
    pub fn serve(self) {
        let (bell, ended) = (self.stream.bell(), self.ended.clone());
        let mut line = Line::new(self);
        while !line.over {
            if ended.load(Ordering::SeqCst) {
                line.guest.clear();
                return;
            }
            let change = line.stream.turn();
            if let Some(came) = change {
                line.begin();
                if came {
                    // QEMU's clients find the machine stopped.
                    line.guest.control().pause();
                }
            }
            let news = line.hear();
            let mut bytes = [0; 4096];
            let count = line.stream.read_now(&mut bytes);
            for byte in &bytes[..count] {
                line.take(*byte);
            }
            if change.is_none() && !news && count == 0 {
                bell.wait(None);
            }
        }
    }
}

/// The talk with one client.
struct Line {
    stream: CharStream,
    news: Receiver<Happening>,
    /// The run has ended.
    over: bool,
    reader: Reader,
    guest: Guest,
    outbox: Outbox,
    /// Only while a packet is worked on is there none.
    stub: Option<Stub>,
    /// The last answer, in case it did not arrive.
    answer: Vec<u8>,
    /// Packets that a new stub has to be told of, to know what the old one knew: its features, its threads.
    told: Vec<Vec<u8>>,
    /// Packets are not acknowledged.
    silent: bool,
    multiprocess: bool,
}

impl Line {
    fn new(session: Session) -> Line {
        let mut line = Line {
            stream: session.stream,
            news: session.news,
            over: false,
            reader: Reader::default(),
            guest: Guest::new(session.desk),
            outbox: Outbox::default(),
            stub: None,
            answer: Vec::new(),
            told: Vec::new(),
            silent: false,
            multiprocess: false,
        };
        line.begin();
        line
    }

    /// Forgets the client that was there.
    fn begin(&mut self) {
        self.reader = Reader::default();
        self.guest.clear();
        self.forget();
    }

    /// Forgets what was agreed upon.
    fn forget(&mut self) {
        self.told.clear();
        self.answer.clear();
        (self.silent, self.multiprocess) = (false, false);
        self.renew();
    }

    /// Makes a stub that knows what the client was promised.
    fn renew(&mut self) {
        let stub = GdbStub::builder(self.outbox.clone()).packet_buffer_size(LONGEST).build();
        let Ok(Ok(mut stub)) = stub.map(|stub| stub.run_state_machine(&mut self.guest)) else { return };
        for body in &self.told {
            for byte in packet(body) {
                stub = match feed(stub, &mut self.guest, byte) {
                    Ok(stub) => stub,
                    // It understood the same packet before.
                    Err(()) => return,
                };
            }
        }
        self.outbox.0.borrow_mut().clear();
        self.stub = Some(stub);
    }

    /// Takes a byte from the client.
    fn take(&mut self, byte: u8) {
        match self.reader.push(byte) {
            None => {}
            Some(Input::Interrupt) => self.guest.control().pause(),
            Some(Input::Again) => self.send(&self.answer.clone()),
            Some(Input::Damaged) if self.silent => {}
            Some(Input::Damaged) => self.send(b"-"),
            Some(Input::Packet(body)) => self.packet(body),
        }
    }

    fn packet(&mut self, mut body: Vec<u8>) {
        if !self.runs() {
            if self.guest.control().is_running() {
                // Somebody else let it run. QEMU stops it, too: what the client thinks is what counts.
                self.guest.control().pause();
            }
            // What happened so far is not what a resumption will come to.
            self.hear();
        }
        if body.starts_with(b"qSupported") {
            // A new client: it may have come too soon after the old one for its coming to be seen.
            self.forget();
            self.multiprocess = body.windows(13).any(|word| word == b"multiprocess+");
        }
        if let Some(answer) = self.own(&body) {
            self.acknowledge();
            self.answer(answer.as_bytes());
            return;
        }
        if let Some(other) = self.modern(&body) {
            body = other;
        }
        let Some(mut stub) = self.stub.take() else { return self.renew() };
        for byte in packet(&body) {
            stub = match feed(stub, &mut self.guest, byte) {
                Ok(stub) => stub,
                Err(()) => {
                    // The stub is lost with the packet that it could not stand.
                    self.outbox.0.borrow_mut().clear();
                    self.acknowledge();
                    self.answer(format!("E{EINVAL:02x}").as_bytes());
                    return self.renew();
                }
            };
        }
        self.remember(&body);
        self.stub = Some(stub);
        self.leave(&body);
        self.flush();
    }

    /// Keeps what a new stub would have to be told.
    fn remember(&mut self, body: &[u8]) {
        let start = match body {
            [b'H', kind, ..] => &[b'H', *kind][..],
            _ if body.starts_with(b"qSupported") => b"qSupported",
            _ if body == b"QStartNoAckMode" => {
                self.silent = true;
                body
            }
            _ => return,
        };
        self.told.retain(|told| !told.starts_with(start));
        self.told.push(body.to_vec());
    }

    /// Sees a client off that has said goodbye.
    fn leave(&mut self, body: &[u8]) {
        let Some(GdbStubStateMachine::Disconnected(stub)) = &self.stub else { return };
        match stub.get_reason() {
            DisconnectReason::Kill => {
                if body.starts_with(b"vKill") {
                    self.answer(b"OK");
                }
                // A stderr that nobody reads is no reason to panic.
                let _ = writeln!(std::io::stderr(), "QEMU: Terminated via GDBstub");
                self.guest.control().quit(0);
            }
            DisconnectReason::Disconnect => {
                self.guest.clear();
                self.guest.control().resume();
            }
            DisconnectReason::TargetExited(_) | DisconnectReason::TargetTerminated(_) => {}
        }
        if let Some(GdbStubStateMachine::Disconnected(stub)) = self.stub.take() {
            self.stub = Some(stub.return_to_idle());
        }
    }

    /// Answers packets that `gdbstub` does not know, or not well enough.
    fn own(&mut self, body: &[u8]) -> Option<String> {
        let text = str::from_utf8(body).ok()?;
        let refused = format!("E{EINVAL:02x}");
        if let Some(bits) = text.strip_prefix("Qqemu.sstep=") {
            const KNOWN: u8 = sstep::ENABLE | sstep::NOIRQ | sstep::NOTIMER;
            let bits = u8::from_str_radix(bits.trim_start_matches("0x"), 16).ok().filter(|bits| bits & !KNOWN == 0);
            self.guest.sstep = match bits {
                Some(bits) => bits,
                None => return Some(refused),
            };
            return Some("OK".into());
        }
        if let Some(mode) = text.strip_prefix("Qqemu.PhyMemMode:") {
            self.guest.physical = mode != "0";
            return Some("OK".into());
        }
        if let Some(range) = text.strip_prefix('m') {
            let number = |text| u64::from_str_radix(text, 16).ok();
            let range = range.split_once(',').and_then(|(start, length)| number(start).zip(number(length)));
            // The answer has two digits a byte.
            let sane =
                |(start, length): (u64, u64)| length <= LONGEST as u64 / 4 && start.checked_add(length).is_some();
            return if range.is_some_and(sane) { None } else { Some(refused) };
        }
        match text {
            "qqemu.Supported" => Some("sstepbits;sstep;PhyMemMode".into()),
            "qqemu.sstepbits" => {
                Some(format!("ENABLE={:x},NOIRQ={:x},NOTIMER={:x}", sstep::ENABLE, sstep::NOIRQ, sstep::NOTIMER))
            }
            "qqemu.sstep" => Some(format!("0x{:x}", self.guest.sstep)),
            "qqemu.PhyMemMode" => Some(u8::from(self.guest.physical).to_string()),
            "qC" => {
                let process = if self.multiprocess { "p01." } else { "" };
                Some(format!("QC{process}{:02x}", tid_of(self.guest.stopped)))
            }
            _ => None,
        }
    }

    /// Old resumption packets in the words of `vCont`, as QEMU takes them: all run, one of them may step.
    fn modern(&self, body: &[u8]) -> Option<Vec<u8>> {
        let stopped = tid_of(self.guest.stopped);
        let text = match body {
            [b'c'] | [b'C', _, _] => "vCont;c".to_string(),
            [b's'] | [b'S', _, _] => format!("vCont;s:{stopped:x};c"),
            b"vCont;s" => {
                let each = (0..self.guest.control().machine().cpus()).map(|cpu| format!(";s:{:x}", tid_of(cpu)));
                std::iter::once("vCont".to_string()).chain(each).collect()
            }
            _ => return None,
        };
        Some(text.into_bytes())
    }

    /// Whether the client waits for the machine to stop.
    fn runs(&self) -> bool {
        matches!(self.stub, Some(GdbStubStateMachine::Running(_)))
    }

    /// Hears of what has happened; whether anything did.
    fn hear(&mut self) -> bool {
        let mut any = false;
        while let Ok(what) = self.news.try_recv() {
            any = true;
            self.happened(what);
        }
        any
    }

    fn happened(&mut self, what: Happening) {
        self.over |= matches!(what, Happening::Ending(_));
        let reason = match what {
            Happening::Stopped(cpu, exit) => self.guest.reason(cpu, exit),
            Happening::Paused => self.guest.signal(Signal::SIGINT),
            Happening::Ending(code) => MultiThreadStopReason::Exited(code),
            _ => return,
        };
        if let Some(GdbStubStateMachine::Running(_)) = &self.stub
            && let Some(GdbStubStateMachine::Running(stub)) = self.stub.take()
        {
            match stub.report_stop(&mut self.guest, reason) {
                Ok(stub) => {
                    self.stub = Some(stub);
                    self.flush();
                }
                Err(e) => {
                    log::error!("gdb: {e}");
                    self.renew();
                }
            }
        }
    }

    fn acknowledge(&mut self) {
        if !self.silent {
            self.send(b"+");
        }
    }

    fn answer(&mut self, body: &[u8]) {
        self.answer = packet(body);
        self.send(&self.answer.clone());
    }

    /// Sends what the stub has written.
    fn flush(&mut self) {
        let bytes = std::mem::take(&mut *self.outbox.0.borrow_mut());
        if let Some(start) = bytes.iter().position(|byte| *byte == b'$') {
            self.answer = bytes[start..].to_vec();
        }
        self.send(&bytes);
    }

    fn send(&mut self, bytes: &[u8]) {
        // A client that has gone is seen at the next look at the stream.
        let _ = self.stream.write_all(bytes);
    }
}

/// Gives the stub a byte; it does not survive what it cannot make sense of.
fn feed(stub: Stub, guest: &mut Guest, byte: u8) -> Result<Stub, ()> {
    let fed = match stub {
        GdbStubStateMachine::Idle(stub) => stub.incoming_data(guest, byte),
        GdbStubStateMachine::Running(stub) => stub.incoming_data(guest, byte),
        // Both are left as soon as they are entered.
        GdbStubStateMachine::CtrlCInterrupt(stub) => {
            return stub.interrupt_handled(guest, None::<MultiThreadStopReason<u64>>).map_err(|_| ());
        }
        GdbStubStateMachine::Disconnected(stub) => return Ok(stub.return_to_idle()),
    };
    fed.map_err(|e| log::debug!("gdb: {e}"))
}
