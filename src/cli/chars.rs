//! Options about character devices: the modern `-chardev TYPE,id=…` and the short form of `-serial` and its like.

use super::Reader;
use super::board::check_id;
use super::config::{CharArg, CharTarget, MonitorMode};
use super::keylist::{Grammar, KeyList, number};
use super::words::Arg;
use crate::base::Result;
use crate::host::{Address, Backend, CharSpec, SocketSpec};
use crate::{error, fail};
use std::path::PathBuf;
use std::time::Duration;

/// The types of `-chardev`.
pub const TYPES: &[&str] = &["null", "vc", "stdio", "file", "pipe", "pty", "socket", "udp", "ringbuf"];

/// How much a ring buffer keeps unless told otherwise.
const RINGBUF_SIZE: u64 = 65536;

pub fn chardev(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("backend"))?;
    let kind = list.take("backend");
    if list.wants_help() {
        reader.answer = Some((super::help::list("Available chardev backend types:", TYPES), 0));
        return Ok(());
    }
    let id = list.take("id").ok_or_else(|| error!("chardev: no id specified"))?;
    check_id(&id)?;
    if reader.config.console.chardevs.iter().any(|(other, _)| other.id == id) {
        fail!("Duplicate ID '{id}' for chardev");
    }
    let kind = kind.ok_or_else(|| error!("chardev: \"{id}\" missing backend"))?;
    let spec = spec(&kind, id, list)?;
    reader.config.console.chardevs.push((spec, arg.given()));
    Ok(())
}

/// A backend of type `kind` from its keys.
fn spec(kind: &str, id: String, mut list: KeyList) -> Result<CharSpec> {
    let mux = list.take_switch("mux")?.unwrap_or(false);
    let logfile = list.take("logfile").map(PathBuf::from);
    let logappend = list.take_switch("logappend")?.unwrap_or(false);
    let path = |list: &mut KeyList| {
        let path = list.take("path").filter(|path| !path.is_empty());
        path.map(PathBuf::from).ok_or_else(|| error!("chardev: {kind}: no filename given (path=FILE)"))
    };
    let backend = match kind {
        "null" => Backend::Null,
        "vc" => {
            ["width", "height", "cols", "rows"].iter().try_for_each(|key| list.take_number(key).map(drop))?;
            Backend::Vc
        }
        "stdio" => Backend::Stdio { signal: list.take_switch("signal")?.unwrap_or(true) },
        "file" => Backend::File {
            path: path(&mut list)?,
            append: list.take_switch("append")?.unwrap_or(false),
            input: list.take("input-path").map(PathBuf::from),
        },
        "pipe" => Backend::Pipe { path: path(&mut list)? },
        "pty" => Backend::Pty { link: list.take("path").map(PathBuf::from) },
        "socket" => Backend::Socket(socket(&mut list)?),
        "udp" => {
            list.take_switch("ipv4")?;
            list.take_switch("ipv6")?;
            Backend::Udp {
                host: list.take("host").filter(|host| !host.is_empty()).unwrap_or_else(|| "localhost".into()),
                port: port(&list.take("port").unwrap_or_default())?,
                local_host: list.take("localaddr").unwrap_or_default(),
                local_port: list.take("localport").map_or(Ok(0), |text| port(&text))?,
            }
        }
        "ringbuf" | "memory" => {
            let size = list.take_size("size", 1)?.unwrap_or(RINGBUF_SIZE);
            if !size.is_power_of_two() || size > 1 << 30 {
                fail!("size of ringbuf chardev must be power of two");
            }
            Backend::Ringbuf { size: size as usize }
        }
        _ => fail!("'{kind}' is not a valid char driver name: there are {}", TYPES.join(", ")),
    };
    list.finish()?;
    Ok(CharSpec { id, backend, mux, logfile, logappend })
}

fn socket(list: &mut KeyList) -> Result<SocketSpec> {
    let path = list.take("path").or_else(|| list.take("addr.path"));
    let host = list.take("host").or_else(|| list.take("addr.host"));
    let port_text = list.take("port").or_else(|| list.take("addr.port"));
    list.take("addr.type");
    let address = match (path, port_text) {
        (Some(path), None) if !path.is_empty() => Address::Unix(path.into()),
        (Some(_), _) => fail!("chardev: socket: path and port cannot be used together, and path is not empty"),
        (None, Some(text)) => Address::Tcp { host: host.unwrap_or_default(), port: port(&text)? },
        (None, None) => fail!("chardev: socket: no port given (port=N, or path=FILE for a local socket)"),
    };
    let server = list.take_switch("server")?.unwrap_or(false);
    let wait = list.take_switch("wait")?;
    if wait.is_some() && !server {
        fail!("'wait' option is incompatible with socket in client connect mode");
    }
    let seconds = list.take_number("reconnect")?.map(Duration::from_secs);
    let reconnect = list.take_number("reconnect-ms")?.map(Duration::from_millis).or(seconds);
    if reconnect.is_some() && server {
        fail!("'reconnect' option is incompatible with socket in server listen mode");
    }
    let delay = list.take_switch("delay")?.unwrap_or(true);
    let spec = SocketSpec {
        address,
        server,
        wait: wait.unwrap_or(server),
        nodelay: list.take_switch("nodelay")?.unwrap_or(!delay),
        telnet: list.take_switch("telnet")?.unwrap_or(false),
        reconnect: reconnect.filter(|time| !time.is_zero()),
    };
    list.take_switch("ipv4")?;
    list.take_switch("ipv6")?;
    for key in ["to", "websocket", "tn3270", "fd", "tls-creds", "tls-authz", "abstract", "tight"] {
        if list.take(key).is_some_and(|value| value != "off") {
            fail!("chardev: socket: '{key}' is not supported yet");
        }
    }
    Ok(spec)
}

fn port(text: &str) -> Result<u16> {
    text.parse().map_err(|_| error!("'{text}' is not a port number"))
}

/// The short form: `stdio`, `mon:stdio`, `file:F`, `tcp:H:P,server=on`, `chardev:ID`, …
pub fn short(value: &str) -> Result<(CharTarget, bool)> {
    if let Some(id) = value.strip_prefix("chardev:") {
        return Ok((CharTarget::Id(id.into()), false));
    }
    let (value, with_monitor) = value.strip_prefix("mon:").map_or((value, false), |rest| (rest, true));
    if value == "none" {
        return Ok((CharTarget::None, with_monitor));
    }
    let backend = backend(value, with_monitor)?;
    Ok((CharTarget::Own(CharSpec { backend, mux: with_monitor, ..CharSpec::default() }), with_monitor))
}

fn backend(value: &str, with_monitor: bool) -> Result<Backend> {
    let (kind, rest) = value.split_once(':').unwrap_or((value, ""));
    Ok(match kind {
        "null" if rest.is_empty() => Backend::Null,
        "vc" => Backend::Vc,
        // On a terminal shared with the monitor Ctrl-C is the guest's: Ctrl-A x leaves.
        "stdio" if rest.is_empty() => Backend::Stdio { signal: !with_monitor },
        "pty" => Backend::Pty { link: (!rest.is_empty()).then(|| rest.into()) },
        "file" if !rest.is_empty() => Backend::File { path: rest.into(), append: false, input: None },
        "pipe" if !rest.is_empty() => Backend::Pipe { path: rest.into() },
        "tcp" | "telnet" => {
            let (address, options) = rest.split_once(',').unwrap_or((rest, ""));
            let (host, port_text) = host_and_port(address)?;
            let mut list = KeyList::parse(options, Grammar::PLAIN)?;
            list.push("host", host);
            list.push("port", port_text);
            list.push("telnet", if kind == "telnet" { "on" } else { "off" });
            let socket = socket(&mut list)?;
            list.finish()?;
            Backend::Socket(socket)
        }
        "unix" if !rest.is_empty() => {
            let mut list = KeyList::parse(rest, Grammar::loose("path"))?;
            let socket = socket(&mut list)?;
            list.finish()?;
            Backend::Socket(socket)
        }
        "udp" => {
            let (remote, local) = rest.split_once('@').unwrap_or((rest, ":0"));
            let ((host, to), (local_host, from)) = (host_and_port(remote)?, host_and_port(local)?);
            let host = if host.is_empty() { "localhost" } else { host };
            let (local_host, local_port) = (local_host.into(), port(from)?);
            Backend::Udp { host: host.into(), port: port(to)?, local_host, local_port }
        }
        _ => fail!(
            "'{value}' is not a valid char driver: stdio, mon:stdio, pty, null, none, vc, file:FILE, pipe:FILE, \
             tcp:HOST:PORT, telnet:HOST:PORT, udp:HOST:PORT, unix:FILE or chardev:ID"
        ),
    })
}

/// `HOST:PORT`, `:PORT`, `[V6]:PORT`.
fn host_and_port(text: &str) -> Result<(&str, &str)> {
    let split = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => text.split_once(':'),
    };
    split.filter(|(_, port)| number(port).is_some()).ok_or_else(|| error!("'{text}' is not HOST:PORT"))
}

fn short_arg(arg: &Arg<'_>) -> Result<CharArg> {
    let (target, with_monitor) = short(&arg.value)?;
    Ok(CharArg { target, with_monitor, given: arg.given() })
}

pub fn serial(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.console.serials.push(short_arg(arg)?);
    Ok(())
}

pub fn parallel(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    if short_arg(arg)?.target != CharTarget::None {
        reader.refuse(&arg.given().0);
    }
    Ok(())
}

pub fn monitor(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    add_monitor(reader, MonitorMode::Readline, short_arg(arg)?)
}

pub fn qmp(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    add_monitor(reader, MonitorMode::Control { pretty: false }, short_arg(arg)?)
}

pub fn qmp_pretty(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    add_monitor(reader, MonitorMode::Control { pretty: true }, short_arg(arg)?)
}

fn add_monitor(reader: &mut Reader, mode: MonitorMode, arg: CharArg) -> Result<()> {
    reader.config.console.monitor_given = true;
    if arg.target != CharTarget::None {
        reader.config.console.monitors.push((mode, arg));
    }
    Ok(())
}

pub fn mon(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("chardev"))?;
    let id = list.take("chardev").ok_or_else(|| error!("Parameter 'chardev' is missing"))?;
    let pretty = list.take_switch("pretty")?;
    list.take("id");
    let mode = match list.take("mode").as_deref() {
        None | Some("readline") if pretty == Some(true) => fail!("'pretty' is not compatible with HMP monitors"),
        None | Some("readline") => MonitorMode::Readline,
        Some("control") => MonitorMode::Control { pretty: pretty.unwrap_or(false) },
        Some(other) => fail!("unknown monitor mode \"{other}\": readline or control"),
    };
    list.finish()?;
    let target = CharTarget::Id(id);
    add_monitor(reader, mode, CharArg { target, with_monitor: false, given: arg.given() })
}

pub fn echr(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let byte = number(&arg.value).and_then(|n| u8::try_from(n).ok());
    reader.config.console.escape =
        Some(byte.ok_or_else(|| error!("Bad argument to echr: a byte's number, 1 is Ctrl-A"))?);
    Ok(())
}

pub fn gdb_default(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    set_gdb(reader, "tcp::1234", arg)
}

pub fn gdb(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    set_gdb(reader, &arg.value, arg)
}

/// The stream of a debugger that is started later: what `-gdb` takes, less the streams that exist already.
///
/// # Errors
/// When it is no stream.
pub fn gdb_stream(value: &str) -> Result<CharSpec> {
    match gdb_target(value)?.0 {
        CharTarget::Own(spec) => Ok(CharSpec { id: format!("gdb-{value}"), ..spec }),
        CharTarget::None | CharTarget::Id(_) => Err(error!("'{value}' is no stream that can be opened")),
    }
}

fn set_gdb(reader: &mut Reader, value: &str, arg: &Arg<'_>) -> Result<()> {
    let (target, with_monitor) = gdb_target(value)?;
    reader.config.console.gdb = match target {
        CharTarget::None => None,
        target => Some(CharArg { target, with_monitor, given: arg.given() }),
    };
    Ok(())
}

/// A debugger comes when it likes, so its socket listens and the machine does not wait.
fn gdb_target(value: &str) -> Result<(CharTarget, bool)> {
    let (mut target, with_monitor) = short(value)?;
    if let CharTarget::Own(CharSpec { backend: Backend::Socket(socket), .. }) = &mut target {
        (socket.server, socket.wait, socket.nodelay, socket.reconnect) = (true, false, true, None);
    }
    Ok((target, with_monitor))
}
