//! What a character backend is to be, as plain data: what `-chardev` and `-serial` say.

use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// One character backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CharSpec {
    /// Its name: the `-chardev` id, or `serial0`, `gdb`, ….
    pub id: String,
    /// What stands behind it.
    pub backend: Backend,
    /// Several ends may share it, with Ctrl-A commands on its input.
    pub mux: bool,
    /// Everything that devices send is also written to this file.
    pub logfile: Option<PathBuf>,
    /// The log file is not emptied first.
    pub logappend: bool,
}

/// What stands behind a character stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Nothing.
    #[default]
    Null,
    /// A window's text console. Until there are windows it is as good as [`Null`](Backend::Null).
    Vc,
    /// The terminal, or whatever stdin and stdout are.
    Stdio {
        /// Ctrl-C and Ctrl-Z act on the emulator; otherwise the guest gets them.
        signal: bool,
    },
    /// Output to a file.
    File {
        /// Where output goes.
        path: PathBuf,
        /// The file is not emptied first.
        append: bool,
        /// Where input comes from.
        input: Option<PathBuf>,
    },
    /// Two named pipes, `PATH.in` and `PATH.out`, or one file for both ways.
    Pipe {
        /// Their common name.
        path: PathBuf,
    },
    /// A pseudo-terminal.
    Pty {
        /// A symbolic link that is made to it.
        link: Option<PathBuf>,
    },
    /// A stream socket.
    Socket(SocketSpec),
    /// Datagrams.
    Udp {
        /// Where they are sent.
        host: String,
        /// Where they are sent.
        port: u16,
        /// The address that they come from and that is listened on.
        local_host: String,
        /// The port that they come from and that is listened on; 0: any.
        local_port: u16,
    },
    /// The last bytes sent are kept in memory.
    Ringbuf {
        /// How many.
        size: usize,
    },
}

/// A stream socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SocketSpec {
    /// Where.
    pub address: Address,
    /// Listen instead of connecting.
    pub server: bool,
    /// A server's machine starts only when a client has come.
    pub wait: bool,
    /// No delay for small packets.
    pub nodelay: bool,
    /// Speak telnet's negotiation.
    pub telnet: bool,
    /// A client that lost its server, or never had one, tries again after this time.
    pub reconnect: Option<Duration>,
}

/// A socket's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// TCP; an empty host is every interface for a server and this machine for a client.
    Tcp {
        /// A name or an address, IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A local socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}
