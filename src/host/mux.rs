//! The multiplexer: several ends on one stream.
//!
//! All output is shown; input goes to the end that has the focus. The escape byte (Ctrl-A) starts a command: `h` help,
//! `x` leave, `c` next end, `b` break, `t` timestamps, `s` save snapshots, itself once more: the byte itself.

use super::ends::CharEnd;
use super::input::Input;
use super::port::{Notify, PortEnd};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// How much input waits at an end before it is left in the port.
const LIMIT: usize = 4096;
/// How much input is looked at together.
const CHUNK: usize = 64;

/// A shared stream.
pub(super) struct Mux {
    state: Mutex<State>,
    /// Called for `x`.
    on_exit: Notify,
}

struct State {
    back: PortEnd,
    fronts: Vec<Front>,
    /// Input for the first end, which is not there yet: commands work before there is a machine.
    early: Input,
    focus: usize,
    escape: u8,
    /// The escape byte was the last one.
    escaped: bool,
    timestamps: bool,
    line_start: bool,
    begin: Instant,
    /// Somebody was on the other side when last looked at.
    open: bool,
    /// Who sent what is being handed out.
    sender: u64,
}

#[derive(Default)]
struct Front {
    input: Input,
    notify: Option<Notify>,
    breaks: u32,
    /// It has to be told of something.
    call: bool,
    /// A write was cut short.
    starved: bool,
    /// Input was left in the port for want of room here.
    full: bool,
}

impl Mux {
    pub(super) fn new(back: PortEnd, escape: u8, on_exit: Notify) -> Arc<Mux> {
        let state = State {
            back: back.clone(),
            fronts: Vec::new(),
            early: Input::default(),
            focus: 0,
            escape,
            escaped: false,
            timestamps: false,
            line_start: true,
            begin: Instant::now(),
            open: false,
            sender: 0,
        };
        let mux = Arc::new(Mux { state: Mutex::new(state), on_exit });
        let weak = Arc::downgrade(&mux);
        let mut back = back;
        back.on_ready(Box::new(move || {
            if let Some(mux) = weak.upgrade() {
                mux.pump();
            }
        }));
        mux
    }

    /// Another end; it gets the focus when it asks for it or is the first.
    pub(super) fn attach(self: &Arc<Mux>, take_focus: bool) -> MuxEnd {
        let mut state = self.lock();
        let input = std::mem::take(&mut state.early);
        state.fronts.push(Front { input, ..Front::default() });
        let index = state.fronts.len() - 1;
        if take_focus || index == 0 {
            state.focus = index;
        }
        MuxEnd { mux: Arc::clone(self), index }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Hands out what has come in. Runs on the I/O thread, as the port's `notify`.
    fn pump(&self) {
        let mut state = self.lock();
        let mut leave = false;
        let mut chunk = [0; CHUNK];
        loop {
            let focus = state.focus;
            let waiting = state.fronts.get(focus).map_or(&state.early, |front| &front.input).len();
            if waiting >= LIMIT {
                // Without a front the first one to come asks for the rest.
                if let Some(front) = state.fronts.get_mut(focus) {
                    front.full = true;
                }
                break;
            }
            let Some(sender) = state.back.visitor() else { break };
            let count = state.back.read_from(sender, &mut chunk);
            if count == 0 {
                break;
            }
            state.sender = sender;
            chunk[..count].iter().for_each(|byte| leave |= state.input(*byte));
        }
        while !state.fronts.is_empty() && state.back.take_break() {
            state.receive_break();
        }
        let open = state.back.is_open();
        let changed = std::mem::replace(&mut state.open, open) != open;
        let calls: Vec<Notify> = state.fronts.iter_mut().filter_map(|front| front.told(changed)).collect();
        drop(state);
        calls.iter().for_each(|notify| notify());
        if leave {
            (self.on_exit)();
        }
    }
}

impl Front {
    /// Who is to be told, if there is a reason.
    fn told(&mut self, opened_or_closed: bool) -> Option<Notify> {
        let reason = std::mem::take(&mut self.call) | std::mem::take(&mut self.starved) | opened_or_closed;
        self.notify.clone().filter(|_| reason)
    }
}

impl State {
    /// One byte from outside; true when the user wants to leave.
    fn input(&mut self, byte: u8) -> bool {
        // 0 switches commands off.
        let escape = self.escape;
        if !std::mem::take(&mut self.escaped) {
            if byte == escape && escape != 0 {
                self.escaped = true;
            } else {
                self.deliver(byte);
            }
            return false;
        }
        match byte {
            b'h' | b'?' => self.say(&self.help()),
            b'x' => {
                self.say("QEMU: Terminated\n\r");
                return true;
            }
            b'c' => self.focus_next(),
            b'b' => self.receive_break(),
            b't' => {
                self.timestamps = !self.timestamps;
                (self.begin, self.line_start) = (Instant::now(), true);
            }
            b's' => self.say("What -snapshot holds back cannot be saved yet.\n\r"),
            byte if byte == escape => self.deliver(byte),
            // Not a command: both bytes go nowhere, as a mistyped command should.
            _ => {}
        }
        false
    }

    fn deliver(&mut self, byte: u8) {
        match self.fronts.get_mut(self.focus) {
            Some(front) => {
                front.input.push(self.sender, &[byte]);
                front.call = true;
            }
            None => self.early.push(self.sender, &[byte]),
        }
    }

    fn receive_break(&mut self) {
        if let Some(front) = self.fronts.get_mut(self.focus) {
            front.breaks += 1;
            front.call = true;
        }
    }

    fn focus_next(&mut self) {
        let next = (self.focus + 1) % self.fronts.len().max(1);
        for index in [std::mem::replace(&mut self.focus, next), next] {
            if let Some(front) = self.fronts.get_mut(index) {
                front.call = true;
            }
        }
    }

    /// A message of ours; a reader too slow for it misses it.
    fn say(&mut self, text: &str) {
        self.back.write(text.as_bytes());
    }

    fn help(&self) -> String {
        let key = match self.escape {
            byte @ 1..=26 => format!("C-{}", char::from(b'a' + byte - 1)),
            byte => format!("\\x{byte:02x}"),
        };
        let lines = [
            ("h", "shows these lines"),
            ("x", "leaves the emulator"),
            ("c", "goes to the next console or the monitor"),
            ("b", "sends a break (magic SysRq)"),
            ("t", "switches timestamps on or off"),
            (&key, "sends the key itself"),
        ];
        lines.iter().fold("\n\r".to_string(), |text, (last, about)| text + &format!("{key} {last:<4} {about}\n\r"))
    }

    /// Output, for one visitor or for whoever is there; how many bytes were taken.
    fn write(&mut self, to: Option<u64>, bytes: &[u8]) -> usize {
        match to {
            Some(visitor) => self.back.write_to(visitor, bytes),
            None => self.back.write(bytes),
        }
    }

    /// As [`write`](State::write), with a timestamp at each line's start.
    fn write_stamped(&mut self, to: Option<u64>, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line_start {
                let ms = self.begin.elapsed().as_millis();
                let (s, m, h) = (ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
                let stamp = format!("[{h:02}:{m:02}:{s:02}.{:03}] ", ms % 1000);
                if self.write(to, stamp.as_bytes()) < stamp.len() {
                    break;
                }
            }
            let count = self.write(to, line);
            taken += count;
            self.line_start = count == line.len() && line.ends_with(b"\n");
            if count < line.len() {
                break;
            }
        }
        taken
    }
}

/// An end on a shared stream.
pub(super) struct MuxEnd {
    mux: Arc<Mux>,
    index: usize,
}

impl MuxEnd {
    /// Takes input, and lets more come in if there was no room.
    fn take(&self, read: impl FnOnce(&mut Input) -> usize) -> usize {
        let mut state = self.mux.lock();
        let front = &mut state.fronts[self.index];
        let count = read(&mut front.input);
        if count > 0 && std::mem::take(&mut front.full) {
            state.back.0.request_call();
        }
        count
    }

    fn send(&self, to: Option<u64>, bytes: &[u8]) -> usize {
        let mut state = self.mux.lock();
        let taken = if state.timestamps { state.write_stamped(to, bytes) } else { state.write(to, bytes) };
        state.fronts[self.index].starved |= taken < bytes.len();
        taken
    }
}

impl CharEnd for MuxEnd {
    fn write(&mut self, bytes: &[u8]) -> usize {
        self.send(None, bytes)
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        self.take(|input| input.read(into))
    }

    fn on_ready(&mut self, notify: Box<dyn Fn() + Send + Sync>) {
        let mut state = self.mux.lock();
        let front = &mut state.fronts[self.index];
        (front.notify, front.call) = (Some(notify.into()), true);
        state.back.0.request_call();
    }

    fn is_open(&self) -> bool {
        self.mux.lock().back.is_open()
    }

    fn visitor(&self) -> Option<u64> {
        let state = self.mux.lock();
        state.fronts[self.index].input.sender().or_else(|| state.back.visitor())
    }

    fn read_from(&mut self, visitor: u64, into: &mut [u8]) -> usize {
        self.take(|input| input.read_from(visitor, into))
    }

    fn write_to(&mut self, visitor: u64, bytes: &[u8]) -> usize {
        self.send(Some(visitor), bytes)
    }

    fn has_focus(&self) -> bool {
        self.mux.lock().focus == self.index
    }

    fn take_break(&mut self) -> bool {
        let mut state = self.mux.lock();
        let front = &mut state.fronts[self.index];
        let any = front.breaks > 0;
        front.breaks -= u32::from(any);
        any
    }
}
