//! Character devices: all streams of a run, by name.

use super::ends::{CharEnd, NullChar};
use super::files;
use super::iothread::IoThread;
use super::link::{AtEof, Driver, Fixed, Link};
use super::mux::Mux;
use super::port::{Port, PortEnd};
use super::pty::Pty;
use super::ringbuf::{RingEnd, Ringbuf};
use super::socket;
use super::spec::{Address, Backend, CharSpec, SocketSpec};
use super::terminal;
use crate::base::Result;
use crate::{error, fail};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// How long closing waits for a slow reader of the guest's last words.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// What a multiplexer needs to know.
#[derive(Clone)]
pub struct MuxKeys {
    /// The byte that starts a command; 0: none does.
    pub escape: u8,
    /// What happens when the user leaves by it. Called on the I/O thread; must not wait for it.
    pub on_exit: Arc<dyn Fn() + Send + Sync>,
}

/// All streams of a run. Dropping it writes out what is left, gives the terminal back and removes sockets.
pub struct Chardevs {
    open: BTreeMap<String, Chardev>,
    keys: MuxKeys,
    /// Last, so that it ends when nobody can add to it.
    io: IoThread,
}

struct Chardev {
    kind: Kind,
    /// What `info chardev` shows.
    filename: String,
    /// An end was handed out.
    taken: bool,
}

enum Kind {
    Null,
    Ring(Arc<Ringbuf>),
    Port(Arc<Port>),
    Mux(Arc<Mux>),
}

impl Chardevs {
    /// Opens every stream in `specs`, in order.
    ///
    /// # Errors
    /// What the first of them that cannot be opened says, after its name.
    pub fn open(specs: &[CharSpec], keys: MuxKeys) -> Result<Chardevs> {
        let mut chardevs = Chardevs { open: BTreeMap::new(), keys, io: IoThread::start()? };
        for spec in specs {
            chardevs.add(spec).map_err(|e| e.within(format_args!("chardev '{}'", spec.id)))?;
        }
        Ok(chardevs)
    }

    /// Opens one more stream.
    ///
    /// # Errors
    /// When it cannot be opened, or its name is taken.
    pub fn add(&mut self, spec: &CharSpec) -> Result<()> {
        if self.open.contains_key(&spec.id) {
            fail!("Duplicate ID '{}' for chardev", spec.id);
        }
        let log = spec.logfile.as_ref().map(|path| files::create(path, spec.logappend)).transpose()?;
        let (driver, filename): (Box<dyn Driver>, String) = match &spec.backend {
            Backend::Null | Backend::Vc if log.is_none() && !spec.mux => {
                let filename = if spec.backend == Backend::Vc { "vc" } else { "null" };
                return self.insert(spec, Kind::Null, filename.into());
            }
            Backend::Ringbuf { size } => {
                return self.insert(spec, Kind::Ring(Ringbuf::new(*size)), "ringbuf".into());
            }
            // A thread that has nowhere to write still writes the log.
            Backend::Null => (Box::new(nowhere()), "null".into()),
            Backend::Vc => (Box::new(nowhere()), "vc".into()),
            Backend::Stdio { signal } => (Box::new(files::stdio(*signal)?), "stdio".into()),
            Backend::File { path, append, input } => {
                (Box::new(files::file(path, *append, input.as_ref())?), format!("file:{}", path.display()))
            }
            Backend::Pipe { path } => (Box::new(files::pipe(path)?), format!("pipe:{}", path.display())),
            Backend::Pty { link } => {
                let (pty, name) = Pty::open(link.as_deref())?;
                // Nobody reading stdout is no reason to stop.
                let _ = writeln!(std::io::stdout(), "char device redirected to {name} (label {})", spec.id);
                (Box::new(pty), format!("pty:{name}"))
            }
            Backend::Socket(socket) => {
                let server = if socket.server { ",server=on" } else { "" };
                let filename = format!("{}{server}", name_of(socket));
                let mut waiting = || {
                    let _ = writeln!(std::io::stderr(), "QEMU waiting for connection on: disconnected:{filename}");
                };
                (socket::open(socket, &mut waiting)?, filename.clone())
            }
            Backend::Udp { host, port, local_host, local_port } => {
                let driver = socket::udp((host, *port), (local_host, *local_port))?;
                (Box::new(driver), format!("udp:{host}:{port}"))
            }
        };
        let port = self.io.add(driver, log);
        let kind = if spec.mux {
            Kind::Mux(Mux::new(PortEnd(port), self.keys.escape, Arc::clone(&self.keys.on_exit)))
        } else {
            Kind::Port(port)
        };
        self.insert(spec, kind, filename)
    }

    fn insert(&mut self, spec: &CharSpec, kind: Kind, filename: String) -> Result<()> {
        self.open.insert(spec.id.clone(), Chardev { kind, filename, taken: false });
        Ok(())
    }

    /// A device's end of the stream `id`. On a shared stream the end asked for last has the focus.
    ///
    /// # Errors
    /// When there is no such stream, or it is not shared and has an end already.
    pub fn end(&mut self, id: &str) -> Result<Box<dyn CharEnd>> {
        self.attach(id, true)
    }

    /// A monitor's end: on a shared stream it waits for the focus.
    ///
    /// # Errors
    /// As for [`end`](Chardevs::end).
    pub fn monitor_end(&mut self, id: &str) -> Result<Box<dyn CharEnd>> {
        self.attach(id, false)
    }

    fn attach(&mut self, id: &str, take_focus: bool) -> Result<Box<dyn CharEnd>> {
        let chardev = self.open.get_mut(id).ok_or_else(|| error!("chardev \"{id}\" not found"))?;
        if std::mem::replace(&mut chardev.taken, true) && !matches!(chardev.kind, Kind::Mux(_)) {
            fail!("chardev \"{id}\" is in use; mux=on would share it");
        }
        Ok(match &chardev.kind {
            Kind::Null => Box::new(NullChar),
            Kind::Ring(ring) => Box::new(RingEnd(Arc::clone(ring))),
            Kind::Port(port) => Box::new(PortEnd(Arc::clone(port))),
            Kind::Mux(mux) => Box::new(mux.attach(take_focus)),
        })
    }

    /// Closes the stream `id`, if there is one; its end finds nobody there any more.
    pub fn remove(&mut self, id: &str) {
        if let Some(Chardev { kind: Kind::Port(port), .. }) = self.open.remove(id) {
            self.io.close(&port);
        }
    }

    /// Names with what stands behind them, for `info chardev`.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.open.iter().map(|(id, chardev)| (id.as_str(), chardev.filename.as_str()))
    }

    /// Takes up to `limit` bytes that a device sent to a ring buffer.
    ///
    /// # Errors
    /// When `id` is no ring buffer.
    pub fn ringbuf_read(&self, id: &str, limit: usize) -> Result<Vec<u8>> {
        self.ring(id).map(|ring| ring.take(limit))
    }

    /// Gives bytes to the device on a ring buffer.
    ///
    /// # Errors
    /// When `id` is no ring buffer.
    pub fn ringbuf_write(&self, id: &str, bytes: &[u8]) -> Result<()> {
        self.ring(id).map(|ring| ring.give(bytes))
    }

    fn ring(&self, id: &str) -> Result<&Ringbuf> {
        match self.open.get(id).map(|chardev| &chardev.kind) {
            Some(Kind::Ring(ring)) => Ok(ring),
            Some(_) => Err(error!("{id} is not a ringbuf device")),
            None => Err(error!("Device '{id}' not found")),
        }
    }

    /// Waits until everything that devices sent is written, at most for `limit`.
    pub fn drain(&self, limit: Duration) {
        self.io.drain(limit);
    }
}

impl Drop for Chardevs {
    fn drop(&mut self) {
        self.drain(DRAIN_LIMIT);
        terminal::release();
    }
}

/// Somebody who takes everything and says nothing.
fn nowhere() -> Fixed {
    Fixed(Some(Link::new(None, None, AtEof::Deaf)))
}

/// A socket as `info chardev` names it.
fn name_of(socket: &SocketSpec) -> String {
    let protocol = match (&socket.address, socket.telnet) {
        (Address::Unix(_), _) => "unix",
        (_, true) => "telnet",
        (_, false) => "tcp",
    };
    format!("{protocol}:{}", socket.address)
}
