//! Room `debug`: looking at a machine and steering it from outside: gdb, the monitor, QMP, profilers.
//!
//! ```text
//!   gdb ──────► gdb::serve ─────┐
//!   terminal ─► monitor::serve ─┼─► Desk ─► Control (run, pause, step, points) ─► vCPUs, bus, parts
//!   scripts ──► qmp::serve ─────┘     └──► Outside (what launch knows: streams, images)
//! ```
//! Each stream has a thread of its own, which may wait. What these threads ask for goes through
//! [`Control`](crate::machine::Control), which pauses the machine for as long as it takes. This room opens no files
//! and no sockets: it is handed [`CharEnd`](crate::host::CharEnd)s.
#![forbid(unsafe_code)]

#[cfg(test)]
mod bench;
pub mod gdb;
pub mod monitor;
pub mod qmp;

use crate::base::Result;
use crate::host::CharEnd;
use crate::machine::Control;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the last words to debuggers may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// What this room asks of whoever opened the machine's streams and images.
pub trait Outside: Send + Sync {
    /// What the user calls the machine, and its UUID: `-name`, `-uuid`.
    fn identity(&self) -> (Option<String>, [u8; 16]) {
        (None, [0; 16])
    }

    /// Names of the streams with what stands behind them.
    fn streams(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Names of the drives with their images.
    fn drives(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Opens a stream for a debugger and says its name; `text` is what `-gdb` takes.
    ///
    /// # Errors
    /// When that is not possible.
    fn open_gdb(&self, text: &str) -> Result<(String, Box<dyn CharEnd>)> {
        Err(crate::error!("cannot open '{text}' here"))
    }

    /// Closes a stream.
    fn close_stream(&self, _id: &str) {}
}

/// A UUID as it is written.
fn uuid_text(uuid: [u8; 16]) -> String {
    let hex: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Nothing outside.
pub struct Alone;

impl Outside for Alone {}

/// What the debuggers and monitors of a machine share.
pub struct Desk {
    control: Arc<Control>,
    outside: Box<dyn Outside>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The streams on which gdb is served, by name, and how that is ended.
    gdb: Mutex<Vec<(String, gdb::Ending)>>,
}

impl Desk {
    /// A desk without visitors.
    pub fn new(control: Arc<Control>, outside: Box<dyn Outside>) -> Arc<Desk> {
        Arc::new(Desk { control, outside, threads: Mutex::default(), gdb: Mutex::default() })
    }

    /// The machine.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// What is outside.
    pub fn outside(&self) -> &dyn Outside {
        self.outside.as_ref()
    }

    /// Serves gdb on the stream of that name.
    ///
    /// # Errors
    /// When the host has no thread left.
    pub fn serve_gdb(self: &Arc<Desk>, name: &str, end: Box<dyn CharEnd>) -> Result<()> {
        let desk = self.clone();
        // Observing starts here, so that nothing that happens from now on is missed.
        let session = gdb::Session::new(desk, end);
        let ending = session.ending();
        self.spawn("gdb", move || session.serve())?;
        self.gdb_streams().push((name.to_string(), ending));
        Ok(())
    }

    /// Serves gdb nowhere any more: whoever is there is left, with the points that it set, and nobody else comes.
    pub fn stop_gdb(&self) {
        for (name, ending) in std::mem::take(&mut *self.gdb_streams()) {
            ending.end();
            self.outside.close_stream(&name);
        }
    }

    fn gdb_streams(&self) -> std::sync::MutexGuard<'_, Vec<(String, gdb::Ending)>> {
        self.gdb.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Serves a monitor on a stream.
    ///
    /// # Errors
    /// When the host has no thread left.
    pub fn serve_monitor(self: &Arc<Desk>, end: Box<dyn CharEnd>) -> Result<()> {
        let console = monitor::Console::new(self.clone(), end);
        self.spawn("monitor", move || console.serve())
    }

    /// Serves QMP on a stream; `pretty`: with answers over several lines.
    ///
    /// # Errors
    /// When the host has no thread left.
    pub fn serve_qmp(self: &Arc<Desk>, end: Box<dyn CharEnd>, pretty: bool) -> Result<()> {
        let session = qmp::Session::new(self.clone(), end, pretty);
        self.spawn("qmp", move || session.serve())
    }

    /// Waits, not long, until everyone who has to hear of the end of the run has heard: after
    /// [`Control::supervise`].
    pub fn farewell(&self) {
        let deadline = Instant::now() + FAREWELL;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        while threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Starts a thread that ends with the run.
    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = crate::base::thread::spawn(name, body)?;
        self.threads.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(thread);
        Ok(())
    }
}
