//! The I/O thread: one for all streams.
//!
//! ```text
//!   device ─► PortEnd ─► Port ─► [I/O thread: look, log, write] ─► Link ─► terminal, socket, file
//!   device ◄─ notify ◄── Port ◄─ [I/O thread: read]             ◄─ Link
//! ```
//! The poller is edge-triggered; a side is registered again after each read, which asks for a fresh edge, so that
//! descriptors shared with the shell can stay blocking.

use super::link::{AtEof, Driver, Fixed, Link, Moved, Side, Turn, read, write};
use super::os_text;
use super::port::{Notify, Port};
use super::telnet::Telnet;
use crate::base::Result;
use crate::error;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use std::fs::File;
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the thread goes on looking by itself after it has written: the latency of output that follows output.
const MOMENT: Duration = Duration::from_millis(2);
/// How long closing a stream is waited for.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);
/// How much is read at once.
const READ_CHUNK: usize = 16 << 10;

const WAKE: Token = Token(usize::MAX);
/// Tokens of a stream: reader, writer, what its driver watches.
const TOKENS: usize = 3;

enum Command {
    Add(Box<Task>),
    /// Closes a stream, and says so by dropping the sender.
    Close(Arc<Port>, Sender<()>),
    Stop,
}

/// The thread, seen from outside. Dropping it closes every stream.
pub(super) struct IoThread {
    waker: Arc<Waker>,
    commands: Sender<Command>,
    thread: Option<JoinHandle<()>>,
    ports: Mutex<Vec<Arc<Port>>>,
}

impl IoThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the host said.
    pub(super) fn start() -> Result<IoThread> {
        let refused = |e: std::io::Error| error!("cannot start the I/O thread: {e}");
        let poll = Poll::new().map_err(refused)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(refused)?);
        let (commands, receiver) = channel();
        let body = move || Loop { poll, commands: receiver, tasks: Vec::new() }.run();
        let thread = crate::base::thread::spawn("io", body)?;
        Ok(IoThread { waker, commands, thread: Some(thread), ports: Mutex::default() })
    }

    /// Adds a stream.
    pub(super) fn add(&self, driver: Box<dyn Driver>, log: Option<File>) -> Arc<Port> {
        let port = Port::new(Arc::clone(&self.waker));
        self.ports.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(Arc::clone(&port));
        let task = Task {
            port: Arc::clone(&port),
            driver,
            log,
            link: None,
            due: true,
            watched: None,
            until: None,
            held: Vec::new(),
            written: 0,
            full: false,
            look_at: None,
        };
        self.send(Command::Add(Box::new(task)));
        port
    }

    /// Closes a stream: nobody comes there any more.
    pub(super) fn close(&self, port: &Arc<Port>) {
        self.ports.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).retain(|other| !Arc::ptr_eq(other, port));
        let (done, closed) = channel();
        self.send(Command::Close(Arc::clone(port), done));
        // Its address is free behind this.
        let _ = closed.recv_timeout(CLOSE_LIMIT);
    }

    fn send(&self, command: Command) {
        // Both fail only when the thread is gone.
        let _ = self.commands.send(command);
        let _ = self.waker.wake();
    }

    /// Waits until all output is written, at most for `limit`.
    pub(super) fn drain(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let ports = self.ports.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        ports.iter().for_each(|port| port.drain(deadline));
    }
}

impl Drop for IoThread {
    fn drop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported where it happened.
            let _ = thread.join();
        }
    }
}

struct Task {
    port: Arc<Port>,
    driver: Box<dyn Driver>,
    log: Option<File>,
    link: Option<Link>,
    /// The driver is to have a turn.
    due: bool,
    /// What the driver watches.
    watched: Option<i32>,
    /// When the driver wants a turn.
    until: Option<Instant>,
    /// Bytes taken from the port, `written` of them written.
    held: Vec<u8>,
    written: usize,
    /// The host had no room for output, and the user was told.
    full: bool,
    /// When to look at the port though nobody wakes the thread.
    look_at: Option<Instant>,
}

struct Loop {
    poll: Poll,
    commands: Receiver<Command>,
    tasks: Vec<Task>,
}

impl Loop {
    fn run(mut self) {
        let mut events = Events::with_capacity(64);
        loop {
            let now = Instant::now();
            let mut again = false;
            for (n, task) in self.tasks.iter_mut().enumerate() {
                again |= task.serve(n * TOKENS, self.poll.registry(), now);
            }
            let timeout = if again { Some(Duration::ZERO) } else { self.next_deadline(Instant::now()) };
            if let Err(e) = self.poll.poll(&mut events, timeout)
                && e.kind() != std::io::ErrorKind::Interrupted
            {
                panic!("the host refuses to poll: {e}");
            }
            for token in events.iter().map(|event| event.token()).filter(|token| *token != WAKE) {
                if let Some(task) = self.tasks.get_mut(token.0 / TOKENS) {
                    task.wake(token.0 % TOKENS);
                }
            }
            while let Ok(command) = self.commands.try_recv() {
                match command {
                    Command::Add(task) => self.tasks.push(*task),
                    Command::Close(port, _done) => {
                        // Its place stays: tokens name the places.
                        let mut tasks = self.tasks.iter_mut();
                        if let Some(task) = tasks.find(|task| Arc::ptr_eq(&task.port, &port)) {
                            task.close(self.poll.registry(), Instant::now());
                        }
                    }
                    Command::Stop => return self.tasks.iter_mut().for_each(|task| task.driver.close()),
                }
            }
        }
    }

    fn next_deadline(&self, now: Instant) -> Option<Duration> {
        let deadlines = self.tasks.iter().flat_map(|task| [task.until, task.look_at]).flatten();
        deadlines.min().map(|deadline| deadline.saturating_duration_since(now))
    }
}

impl Task {
    /// The poller saw something.
    fn wake(&mut self, which: usize) {
        let link = self.link.as_mut();
        let side = match which {
            0 => link.and_then(|link| link.reader.as_mut()),
            1 => link.and_then(|link| link.writer.as_mut()),
            _ => {
                self.due = true;
                return;
            }
        };
        if let Some(side) = side {
            side.ready = true;
        }
    }

    /// Does whatever can be done now; true when there is more to do at once.
    fn serve(&mut self, tokens: usize, registry: &Registry, now: Instant) -> bool {
        if self.link.is_none() {
            self.connect(tokens, registry, now);
        }
        let look = self.port.look(!self.held.is_empty());
        tell(look.notify);
        if !look.output.is_empty() {
            self.log(&look.output);
            let telnet = self.link.as_ref().is_some_and(|link| link.telnet.is_some());
            self.held = if telnet { Telnet::send(&look.output) } else { look.output };
            self.written = 0;
            self.look_at = Some(now + MOMENT);
        }
        let lost_writing = !self.held.is_empty() && self.write(tokens, registry);
        let (more, lost_reading) = self.read(look.room, tokens, registry);
        if lost_writing || lost_reading {
            self.lose(registry, now);
            return true;
        }
        if !self.held.is_empty() {
            // The outside is slow: the poller says when to go on.
            self.look_at = None;
        } else if self.look_at.is_none_or(|at| at <= now) {
            // The moment is over: sleep, unless something has come in since.
            self.look_at = if self.port.sleep() { None } else { Some(now) };
        }
        more
    }

    /// Gives the driver a turn when it wants one.
    fn connect(&mut self, tokens: usize, registry: &Registry, now: Instant) {
        if !self.due && self.until.is_none_or(|until| until > now) {
            return;
        }
        if let Some(fd) = self.watched.take() {
            // The driver may have closed it, which took it out of the poller.
            let _ = registry.deregister(&mut SourceFd(&fd));
        }
        (self.due, self.until) = (false, None);
        match self.driver.turn(now) {
            Turn::Connected(mut link) => {
                if let Some(reader) = &mut link.reader {
                    arm(reader, Token(tokens), Interest::READABLE, registry);
                }
                if link.telnet.is_some() {
                    (self.held, self.written) = (super::telnet::GREETING.to_vec(), 0);
                }
                self.link = Some(link);
                tell(self.port.set_open(true));
            }
            Turn::Waiting { watch, until } => {
                self.until = until;
                if let Some((fd, writable)) = watch {
                    let interest = if writable { Interest::WRITABLE } else { Interest::READABLE };
                    if registry.register(&mut SourceFd(&fd), Token(tokens + 2), interest).is_ok() {
                        self.watched = Some(fd);
                    }
                }
            }
        }
    }

    /// Writes what is held; true when the other side has left.
    fn write(&mut self, tokens: usize, registry: &Registry) -> bool {
        let mut lost = false;
        match &mut self.link {
            Some(Link { writer: Some(side), chunk, at_eof, .. }) => {
                while self.written < self.held.len() && (side.ready || side.always) {
                    let rest = &self.held[self.written..];
                    match write(side, &rest[..rest.len().min(*chunk)]) {
                        Moved::Bytes(count) => {
                            self.written += count;
                            self.full = false;
                            side.ready = side.nonblocking;
                        }
                        Moved::NotNow => side.ready = false,
                        Moved::NoRoom(e) => {
                            complain(&mut self.full, &e.into());
                            self.written = self.held.len();
                        }
                        Moved::End if *at_eof == AtEof::Ignored => self.written = self.held.len(),
                        Moved::End => {
                            lost = true;
                            break;
                        }
                    }
                }
                if self.written < self.held.len() && !lost {
                    arm(side, Token(tokens + 1), Interest::WRITABLE, registry);
                    return false;
                }
            }
            // Nobody listens: it is dropped.
            _ => self.written = self.held.len(),
        }
        self.held.clear();
        self.port.written();
        if lost && let Some(link) = &mut self.link {
            // A reader that left a pipe takes nothing more, but input may go on.
            forget(link.writer.take(), registry);
            lost = link.at_eof == AtEof::Lost;
        }
        lost
    }

    /// Reads once; whether there is more to read at once, and whether the other side has left.
    fn read(&mut self, room: usize, tokens: usize, registry: &Registry) -> (bool, bool) {
        let Some(link) = &mut self.link else { return (false, false) };
        let Some(side) = link.reader.as_mut().filter(|side| room > 0 && (side.ready || side.always)) else {
            return (false, false);
        };
        let mut bytes = vec![0; room.min(READ_CHUNK)];
        let mut ended = false;
        match read(side, &mut bytes) {
            Moved::Bytes(count) => {
                bytes.truncate(count);
                let breaks = link.telnet.as_mut().map_or(0, |telnet| telnet.receive(&mut bytes));
                (0..breaks).for_each(|_| tell(self.port.receive_break()));
                tell(self.port.receive(&bytes));
            }
            Moved::NotNow | Moved::NoRoom(_) => {}
            Moved::End => ended = link.at_eof != AtEof::Ignored,
        }
        if !ended {
            side.ready = false;
            arm(side, Token(tokens), Interest::READABLE, registry);
            return (side.always, false);
        }
        if link.at_eof == AtEof::Deaf {
            forget(link.reader.take(), registry);
        }
        (false, link.at_eof == AtEof::Lost)
    }

    /// Appends output to the log, where there is one.
    fn log(&mut self, output: &[u8]) {
        if let Some(log) = &mut self.log {
            // A full disk must not stop the guest.
            match log.write_all(output) {
                Ok(()) => self.full = false,
                Err(e) => complain(&mut self.full, &e),
            }
        }
    }

    /// The other side has left: what it did not take is dropped.
    /// Lets whoever is there go, and nobody else come.
    fn close(&mut self, registry: &Registry, now: Instant) {
        self.lose(registry, now);
        if let Some(fd) = self.watched.take() {
            let _ = registry.deregister(&mut SourceFd(&fd));
        }
        self.driver.close();
        (self.driver, self.log) = (Box::new(Fixed(None)), None);
    }

    fn lose(&mut self, registry: &Registry, now: Instant) {
        if let Some(link) = self.link.take() {
            forget(link.reader, registry);
            forget(link.writer, registry);
        }
        let notify = self.port.set_open(false);
        // What was meant for it is not for its successor.
        let look = self.port.look(false);
        self.log(&look.output);
        self.held.clear();
        self.port.written();
        self.driver.lost(now);
        self.due = true;
        tell(notify);
        tell(look.notify);
    }
}

fn tell(notify: Option<Notify>) {
    if let Some(notify) = notify {
        notify();
    }
}

/// Tells the user that output is lost, once until some gets through.
fn complain(told: &mut bool, error: &std::io::Error) {
    if !std::mem::replace(told, true) {
        log::error!("what a device sends is lost: {}", os_text(error));
    }
}

/// Asks the poller for an edge, also if the side is ready already.
fn arm(side: &mut Side, token: Token, interest: Interest, registry: &Registry) {
    if side.always {
        return;
    }
    let fd = side.raw();
    let mut source = SourceFd(&fd);
    let result = match side.registered {
        true => registry.reregister(&mut source, token, interest),
        false => registry.register(&mut source, token, interest),
    };
    match result {
        Ok(()) => side.registered = true,
        // The poller takes no regular files and no /dev/null: they never block.
        Err(_) => side.always = true,
    }
}

/// Takes a side out of the poller, which would otherwise keep it while a duplicate is open elsewhere.
fn forget(side: Option<Side>, registry: &Registry) {
    if let Some(side) = side.filter(|side| side.registered) {
        let _ = registry.deregister(&mut SourceFd(&side.raw()));
    }
}
