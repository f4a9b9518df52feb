//! A stream on which a QMP client may be.

use super::commands::{self, Fault, NOTHING, Version};
use super::json::{self, Reader, text};
use crate::debug::Desk;
use crate::fabric::PowerRequest;
use crate::host::{CharEnd, CharStream};
use crate::machine::{AfterPanic, Happening};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{SystemTime, UNIX_EPOCH};

/// Serves QMP on one stream.
pub struct Session {
    stream: CharStream,
    news: Receiver<Happening>,
    desk: Arc<Desk>,
    reader: Reader,
    pretty: bool,
    /// The client has negotiated, so commands are taken and events are sent.
    ready: bool,
    /// Everyone has been told that the run ends.
    shutdown: bool,
    over: bool,
}

#[derive(Serialize)]
struct Greeting {
    #[serde(rename = "QMP")]
    qmp: Qmp,
}

#[derive(Serialize)]
struct Qmp {
    version: Version,
    capabilities: [&'static str; 1],
}

#[derive(Serialize)]
struct Event {
    timestamp: Timestamp,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
}

#[derive(Serialize)]
struct Timestamp {
    seconds: u64,
    microseconds: u32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Why { guest: bool, reason: &'static str },
    Action { action: &'static str },
}

#[derive(Serialize)]
struct ErrorAnswer {
    error: ErrorBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
}

#[derive(Serialize)]
struct ErrorBody {
    class: &'static str,
    desc: String,
}

impl Session {
    /// A session that hears of happenings from now on; `pretty`: over several lines.
    pub fn new(desk: Arc<Desk>, end: Box<dyn CharEnd>, pretty: bool) -> Session {
        let stream = CharStream::new(end);
        let bell = stream.bell();
        let news = desk.control().observe(move || bell.ring());
        let reader = Reader::default();
        Session { stream, news, desk, reader, pretty, ready: false, shutdown: false, over: false }
    }

    /// Serves clients until the run ends.
    pub fn serve(mut self) {
        let bell = self.stream.bell();
        while !self.over {
            let change = self.stream.turn();
            if let Some(came) = change {
                self.ready = false;
                self.reader.clear();
                if came {
                    let qmp = Qmp { version: Version::own(), capabilities: ["oob"] };
                    self.send(&text(&Greeting { qmp }));
                }
            }
            let news = self.hear();
            let mut bytes = [0; 4096];
            let count = self.stream.read_now(&mut bytes);
            self.reader.push(&bytes[..count]);
            while let Some(value) = self.reader.next() {
                self.request(value);
            }
            if change.is_none() && !news && count == 0 {
                bell.wait(None);
            }
        }
    }

    fn request(&mut self, value: Result<Value, String>) {
        let (id, answer) = match value {
            Ok(Value::Object(mut request)) => (request.remove("id"), self.execute(request)),
            Ok(_) => (None, commands::fault("QMP input must be a JSON object")),
            Err(e) => (None, commands::fault(e)),
        };
        // What a command brings about is told before its answer.
        self.hear();
        match answer {
            Ok(value) => {
                let id = id.map_or(String::new(), |id| format!(", \"id\": {}", text(&id)));
                self.send(&format!("{{\"return\": {value}{id}}}"));
            }
            Err(Fault { class, desc }) => self.send(&text(&ErrorAnswer { error: ErrorBody { class, desc }, id })),
        }
    }

    fn execute(&mut self, mut request: Map<String, Value>) -> Result<String, Fault> {
        let command = request.remove("execute").or(request.remove("exec-oob"));
        let arguments = request.remove("arguments").unwrap_or(Value::Object(Map::new()));
        if let Some(key) = request.keys().next() {
            return commands::fault(format!("QMP input member '{key}' is unexpected"));
        }
        let name = match &command {
            Some(Value::String(name)) => name.as_str(),
            Some(_) => return commands::fault("QMP input member 'execute' must be a string"),
            None => return commands::fault("QMP input lacks member 'execute'"),
        };
        let Value::Object(arguments) = arguments else {
            return commands::fault("QMP input member 'arguments' must be an object");
        };
        let early = "Expecting capabilities negotiation with 'qmp_capabilities'";
        let late = "Capabilities negotiation is already complete, command ignored";
        match (name, self.ready) {
            ("qmp_capabilities", false) => {
                self.ready = true;
                Ok(NOTHING.into())
            }
            ("qmp_capabilities", true) => Err(Fault { class: "CommandNotFound", desc: late.into() }),
            (_, false) => Err(Fault { class: "CommandNotFound", desc: early.into() }),
            (name, true) => {
                let answer = commands::run(&self.desk, name, arguments);
                if name == "quit" && answer.is_ok() {
                    self.tell_shutdown(false, "host-qmp-quit");
                }
                answer
            }
        }
    }

    /// Makes events of what has happened; whether anything did.
    fn hear(&mut self) -> bool {
        let mut any = false;
        while let Ok(what) = self.news.try_recv() {
            any = true;
            self.happened(what);
        }
        any
    }

    fn happened(&mut self, what: Happening) {
        match what {
            Happening::Resumed => self.tell("RESUME", None),
            Happening::Paused | Happening::Stopped(..) => self.tell("STOP", None),
            Happening::Reset(guest) => {
                let reason = if guest { "guest-reset" } else { "host-qmp-system-reset" };
                self.tell("RESET", Some(Data::Why { guest, reason }));
            }
            Happening::PowerButton => self.tell("POWERDOWN", None),
            Happening::Panicked(after) => {
                let action = match after {
                    AfterPanic::Run => "run",
                    AfterPanic::Pause => "pause",
                    AfterPanic::Poweroff => "poweroff",
                };
                self.tell("GUEST_PANICKED", Some(Data::Action { action }));
            }
            Happening::CrashLoaded => self.tell("GUEST_CRASHLOADED", Some(Data::Action { action: "run" })),
            Happening::SaidShutdown => self.tell("GUEST_PVSHUTDOWN", None),
            Happening::Watchdog(action) => self.tell("WATCHDOG", Some(Data::Action { action: action.name() })),
            Happening::Shutdown { by, .. } => {
                let reason = match by {
                    PowerRequest::Reset => "guest-reset",
                    PowerRequest::Off(_) | PowerRequest::SaidShutdown => "guest-shutdown",
                    PowerRequest::Panicked | PowerRequest::CrashLoaded | PowerRequest::Watchdog => "guest-panic",
                };
                self.tell_shutdown(true, reason);
            }
            Happening::Ending(_) => {
                self.tell_shutdown(false, "host-signal");
                self.over = true;
            }
        }
    }

    fn tell_shutdown(&mut self, guest: bool, reason: &'static str) {
        // The end of a run has one reason.
        if !std::mem::replace(&mut self.shutdown, true) {
            self.tell("SHUTDOWN", Some(Data::Why { guest, reason }));
        }
    }

    fn tell(&mut self, event: &'static str, data: Option<Data>) {
        if !self.ready {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp = Timestamp { seconds: now.as_secs(), microseconds: now.subsec_micros() };
        self.send(&text(&Event { timestamp, event, data }));
    }

    fn send(&mut self, line: &str) {
        let line = if self.pretty { json::pretty(line) } else { line.into() };
        // A client that has gone is seen at the next look at the stream.
        let _ = self.stream.write_all(format!("{line}\r\n").as_bytes());
    }
}
