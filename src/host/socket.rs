//! Sockets: listening, connecting (once, or again and again), datagrams.

use super::link::{AtEof, Driver, Link, Side, Turn};
use super::os_text;
use super::spec::{Address, SocketSpec};
use super::telnet::Telnet;
use crate::base::Result;
use crate::{error, fail};
use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The largest datagram that passes everywhere.
const DATAGRAM: usize = 1400;

/// How a connected socket becomes a link.
#[derive(Clone, Copy)]
struct Style {
    telnet: bool,
    nodelay: bool,
}

impl Style {
    fn tcp(self, stream: TcpStream) -> io::Result<Link> {
        stream.set_nodelay(self.nodelay)?;
        stream.set_nonblocking(true)?;
        self.link(stream.into())
    }

    fn unix(self, stream: UnixStream) -> io::Result<Link> {
        stream.set_nonblocking(true)?;
        self.link(stream.into())
    }

    fn link(self, fd: OwnedFd) -> io::Result<Link> {
        Ok(Link { telnet: self.telnet.then(Telnet::default), ..Link::both(fd)? })
    }
}

/// Makes the driver of a socket. A server that waits returns when its client has come.
pub(super) fn open(spec: &SocketSpec, waiting: &mut dyn FnMut()) -> Result<Box<dyn Driver>> {
    let style = Style { telnet: spec.telnet, nodelay: spec.nodelay };
    if spec.server {
        let mut server = Server { listener: Listener::bind(&spec.address)?, style, first: None };
        if spec.wait {
            waiting();
            let accepted = server.listener.accept(style);
            server.first = Some(accepted.map_err(|e| error!("cannot wait for a client: {}", os_text(&e)))?);
        }
        server.listener.set_nonblocking().map_err(|e| error!("{}", os_text(&e)))?;
        return Ok(Box::new(server));
    }
    let (address, reconnect) = (spec.address.clone(), spec.reconnect);
    let mut client = Client { address, style, reconnect, first: None, connecting: None, not_before: None };
    if spec.reconnect.is_none() {
        let link = client.connect().map_err(|e| error!("Failed to connect to '{}': {}", spec.address, os_text(&e)))?;
        client.first = Some(link);
    }
    Ok(Box::new(client))
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    fn bind(address: &Address) -> Result<Listener> {
        match address {
            Address::Tcp { host, port } => {
                let host = if host.is_empty() { "0.0.0.0" } else { host };
                let listener = TcpListener::bind((host, *port));
                listener.map(Listener::Tcp).map_err(|e| error!("Failed to listen on '{address}': {}", os_text(&e)))
            }
            Address::Unix(path) => {
                // The socket of a run that is over; one that answers belongs to somebody.
                if UnixStream::connect(path).is_ok() {
                    fail!("Failed to bind socket to {}: somebody is listening there", path.display());
                }
                let is_socket = std::fs::symlink_metadata(path)
                    .is_ok_and(|meta| std::os::unix::fs::FileTypeExt::is_socket(&meta.file_type()));
                if is_socket {
                    let _ = std::fs::remove_file(path);
                }
                let listener = UnixListener::bind(path);
                listener
                    .map(|listener| Listener::Unix(listener, path.clone()))
                    .map_err(|e| error!("Failed to bind socket to {}: {}", path.display(), os_text(&e)))
            }
        }
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => listener.set_nonblocking(true),
            Listener::Unix(listener, _) => listener.set_nonblocking(true),
        }
    }

    fn accept(&self, style: Style) -> io::Result<Link> {
        match self {
            Listener::Tcp(listener) => style.tcp(listener.accept()?.0),
            Listener::Unix(listener, _) => style.unix(listener.accept()?.0),
        }
    }

    fn raw(&self) -> i32 {
        match self {
            Listener::Tcp(listener) => listener.as_raw_fd(),
            Listener::Unix(listener, _) => listener.as_raw_fd(),
        }
    }
}

/// A listening socket: one client at a time, the next one waits in line.
struct Server {
    listener: Listener,
    style: Style,
    first: Option<Link>,
}

impl Driver for Server {
    fn turn(&mut self, _now: Instant) -> Turn {
        match self.first.take().map_or_else(|| self.listener.accept(self.style), Ok) {
            Ok(link) => Turn::Connected(link),
            Err(_) => Turn::Waiting { watch: Some((self.listener.raw(), false)), until: None },
        }
    }

    fn close(&mut self) {
        if let Listener::Unix(_, path) = &self.listener {
            // Somebody may have tidied up before us.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A connecting socket.
struct Client {
    address: Address,
    style: Style,
    reconnect: Option<Duration>,
    first: Option<Link>,
    /// A connection on its way.
    connecting: Option<mio::net::TcpStream>,
    /// A server that hangs up at once must not be called without a pause.
    not_before: Option<Instant>,
}

impl Client {
    /// Connects and waits for the answer.
    fn connect(&self) -> io::Result<Link> {
        match &self.address {
            Address::Tcp { host, port } => self.style.tcp(TcpStream::connect((client_host(host), *port))?),
            Address::Unix(path) => self.style.unix(UnixStream::connect(path)?),
        }
    }

    /// Goes on connecting; `None`: the answer is still to come.
    fn go_on(&mut self) -> io::Result<Option<Link>> {
        let (host, port) = match &self.address {
            Address::Unix(_) => return self.connect().map(Some),
            Address::Tcp { host, port } => (client_host(host), *port),
        };
        let stream = match self.connecting.take() {
            Some(stream) => stream,
            None => {
                let address = (host, port).to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
                mio::net::TcpStream::connect(address)?
            }
        };
        if let Some(e) = stream.take_error()? {
            return Err(e);
        }
        match stream.peer_addr() {
            Ok(_) => self.style.tcp(stream.into()).map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotConnected => {
                self.connecting = Some(stream);
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }
}

fn client_host(host: &str) -> &str {
    if host.is_empty() { "localhost" } else { host }
}

impl Driver for Client {
    fn turn(&mut self, now: Instant) -> Turn {
        if let Some(link) = self.first.take() {
            return Turn::Connected(link);
        }
        let Some(pause) = self.reconnect else { return Turn::Waiting { watch: None, until: None } };
        if let Some(until) = self.not_before.filter(|until| *until > now) {
            return Turn::Waiting { watch: None, until: Some(until) };
        }
        match self.go_on() {
            Ok(Some(link)) => Turn::Connected(link),
            Ok(None) => {
                let watch = self.connecting.as_ref().map(|stream| (stream.as_raw_fd(), true));
                Turn::Waiting { watch, until: None }
            }
            Err(_) => Turn::Waiting { watch: None, until: Some(now + pause) },
        }
    }

    fn lost(&mut self, now: Instant) {
        self.not_before = self.reconnect.map(|pause| now + pause);
    }
}

/// Datagrams to one address and from anywhere it answers from.
pub(super) fn udp(remote: (&str, u16), local: (&str, u16)) -> Result<super::link::Fixed> {
    let open = || -> io::Result<UdpSocket> {
        let address = remote.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let any = if address.is_ipv4() { "0.0.0.0" } else { "::" };
        let socket = UdpSocket::bind((if local.0.is_empty() { any } else { local.0 }, local.1))?;
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    let socket = open().map_err(|e| error!("cannot open udp:{}:{}: {}", remote.0, remote.1, os_text(&e)))?;
    let fd = OwnedFd::from(socket);
    let writer = fd.try_clone().map_err(|e| error!("{}", os_text(&e)))?;
    let link = Link::new(Some(Side::nonblocking(fd)), Some(Side::nonblocking(writer)), AtEof::Ignored);
    Ok(super::link::Fixed(Some(Link { chunk: DATAGRAM, ..link })))
}
