//! A monitor on a stream that a person types into: prompt, echo, a line at a time.

use super::{Monitor, complete};
use crate::base::QEMU_VERSION;
use crate::debug::Desk;
use crate::host::{CharEnd, CharStream};
use crate::machine::Happening;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

const PROMPT: &str = "(qemu) ";
/// The longest line.
const LONGEST: usize = 4095;
/// How many lines can be called back.
const HISTORY: usize = 64;

/// A monitor's stream.
pub struct Console {
    stream: CharStream,
    news: Receiver<Happening>,
    desk: Arc<Desk>,
    talk: Talk,
}

/// The talk with one client.
struct Talk {
    monitor: Monitor,
    line: String,
    history: Vec<String>,
    /// Which line of the history is shown; behind the last: none.
    place: usize,
    /// What an escape sequence has brought so far.
    escape: Vec<u8>,
    /// Bytes of a character that is not whole yet.
    partial: Vec<u8>,
    greeted: bool,
}

impl Talk {
    fn new(desk: Arc<Desk>) -> Talk {
        Talk {
            monitor: Monitor::new(desk),
            line: String::new(),
            history: Vec::new(),
            place: 0,
            escape: Vec::new(),
            partial: Vec::new(),
            greeted: false,
        }
    }
}

impl Console {
    /// A monitor on `end`.
    pub fn new(desk: Arc<Desk>, end: Box<dyn CharEnd>) -> Console {
        let stream = CharStream::new(end);
        let bell = stream.bell();
        let news = desk.control().observe(move || bell.ring());
        Console { stream, news, talk: Talk::new(desk.clone()), desk }
    }

    /// Answers until the run ends.
    pub fn serve(mut self) {
        let bell = self.stream.bell();
        let mut had_focus = false;
        loop {
            let change = self.stream.turn();
            if change.is_some() {
                self.talk = Talk::new(self.desk.clone());
                had_focus = false;
            }
            let focus = self.stream.has_visitor() && self.stream.end().has_focus();
            match (had_focus, focus) {
                (false, true) => self.greet(),
                // What others say shall not stand behind the prompt.
                (true, false) => self.say("\n"),
                _ => {}
            }
            had_focus = focus;
            while let Ok(what) = self.news.try_recv() {
                if matches!(what, Happening::Ending(_)) {
                    return;
                }
            }
            let mut bytes = [0; 256];
            let count = self.stream.read_now(&mut bytes);
            for byte in &bytes[..count] {
                self.take(*byte);
            }
            if change.is_none() && count == 0 {
                bell.wait(None);
            }
        }
    }

    fn greet(&mut self) {
        if !std::mem::replace(&mut self.talk.greeted, true) {
            self.say(&format!("QEMU {QEMU_VERSION} monitor - type 'help' for more information\n"));
        }
        let line = self.talk.line.clone();
        self.say(&format!("{PROMPT}{line}"));
    }

    fn take(&mut self, byte: u8) {
        if !self.talk.escape.is_empty() {
            self.take_escape(byte);
            return;
        }
        match byte {
            b'\r' | b'\n' => self.enter(),
            8 | 0x7f if self.talk.line.pop().is_some() => self.say("\x08 \x08"),
            b'\t' => self.complete(),
            // Ctrl-U, Ctrl-C.
            0x15 | 3 => self.replace(String::new()),
            0x1b => self.talk.escape.push(byte),
            0x20.. => self.type_byte(byte),
            _ => {}
        }
    }

    /// Tab: goes on as far as only one way leads, and shows the ways from there.
    fn complete(&mut self) {
        let (names, length) = complete::candidates(&self.talk.line);
        let rest = complete::common(&names).get(length..).unwrap_or_default().to_string();
        let more = if names.len() == 1 { rest + " " } else { rest };
        if more.is_empty() && names.len() > 1 {
            let line = self.talk.line.clone();
            self.say(&format!("\n{}\n{PROMPT}{line}", names.join(" ")));
        }
        more.bytes().for_each(|byte| self.type_byte(byte));
    }

    /// Arrows: up and down call lines back.
    fn take_escape(&mut self, byte: u8) {
        self.talk.escape.push(byte);
        match self.talk.escape[1..] {
            [b'[' | b'O'] => {}
            [_, b'A'] => self.call_back(self.talk.place.checked_sub(1)),
            [_, b'B'] => self.call_back(Some(self.talk.place + 1)),
            // A parameter: more follows.
            [b'[', .., b'0'..=b'9' | b';'] if self.talk.escape.len() < 16 => {}
            _ => self.talk.escape.clear(),
        }
        if matches!(byte, b'A' | b'B') {
            self.talk.escape.clear();
        }
    }

    fn call_back(&mut self, place: Option<usize>) {
        let Some(place) = place.filter(|place| *place <= self.talk.history.len()) else { return };
        self.talk.place = place;
        self.replace(self.talk.history.get(place).cloned().unwrap_or_default());
    }

    fn type_byte(&mut self, byte: u8) {
        self.talk.partial.push(byte);
        let text = match str::from_utf8(&self.talk.partial) {
            Ok(text) => text.to_string(),
            // More bytes may make it whole.
            Err(e) if e.error_len().is_none() => return,
            Err(_) => String::new(),
        };
        self.talk.partial.clear();
        if self.talk.line.len() + text.len() <= LONGEST {
            self.talk.line += &text;
            self.say(&text);
        }
    }

    fn replace(&mut self, line: String) {
        let typed = self.talk.line.chars().count();
        self.say(&format!("{}{line}", "\x08 \x08".repeat(typed)));
        self.talk.line = line;
    }

    fn enter(&mut self) {
        self.say("\n");
        let line = std::mem::take(&mut self.talk.line);
        let answer = self.talk.monitor.execute(&line);
        if !line.trim().is_empty() && self.talk.history.last() != Some(&line) {
            self.talk.history.push(line);
            if self.talk.history.len() > HISTORY {
                self.talk.history.remove(0);
            }
        }
        self.talk.place = self.talk.history.len();
        self.say(&answer);
        self.say(PROMPT);
    }

    /// Writes text; terminals want a carriage return with each new line.
    fn say(&mut self, text: &str) {
        // Somebody who has gone is seen at the next look at the stream.
        let _ = self.stream.write_all(text.replace('\n', "\r\n").as_bytes());
    }
}
