//! The terminal: this test program started again, with a pseudo-terminal or pipes for stdin and stdout.

use super::*;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "MIMUS_TEST_ROLE";

/// The child: an emulator with a shared terminal that echoes what it receives and leaves as its role says.
#[test]
#[ignore = "started by the other tests"]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let leave = Arc::new(Bell::default());
    let (by_key, by_signal) = (Arc::clone(&leave), Arc::clone(&leave));
    watch_signals(move |termination| {
        eprintln!("{termination}");
        by_signal.ring();
    })
    .unwrap();
    let keys = MuxKeys { escape: 1, on_exit: Arc::new(move || by_key.ring()) };
    let terminal = CharSpec { mux: true, ..spec(Backend::Stdio { signal: role == "signal" }) };
    let mut chardevs = Chardevs::open(&[terminal], keys).unwrap();
    let mut stream = CharStream::new(chardevs.end("c").unwrap());
    stream.write_all(b"READY\n").unwrap();
    match role.as_str() {
        "flood" => stream.write_all(&[b'f'; 300_000]).unwrap(),
        "drip" => {
            let drip = std::thread::spawn(move || while stream.write_all(b"drip\n").is_ok() && !pause() {});
            assert!(leave.wait(Some(PATIENCE * 2)), "nobody made it leave");
            drop(drip);
        }
        "panic" => {
            receive(&mut stream, 1);
            panic!("on purpose");
        }
        "error" => {
            receive(&mut stream, 1);
            restore_terminal();
            // As a part that fails in the middle would.
            std::process::exit(1);
        }
        _ => {
            let echo = std::thread::spawn(move || {
                let mut byte = [0];
                while stream.read(&mut byte).is_ok_and(|count| count == 1) {
                    stream.write_all(&byte).unwrap();
                }
            });
            assert!(leave.wait(Some(PATIENCE * 2)), "nobody made it leave");
            drop(echo);
        }
    }
    drop(chardevs);
    std::process::exit(0);
}

fn pause() -> bool {
    std::thread::sleep(Duration::from_millis(5));
    false
}

fn command(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "host::tests::stdio::child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).stderr(Stdio::null());
    command
}

/// A terminal with the child on it.
struct Terminal {
    ours: File,
    theirs: OwnedFd,
    child: Child,
}

impl Terminal {
    fn start(role: &str) -> Terminal {
        let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::grantpt(&ours).unwrap();
        rustix::pty::unlockpt(&ours).unwrap();
        let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name, flags, Mode::empty()).unwrap();
        let stdin = theirs.try_clone().unwrap();
        let child = command(role).stdin(stdin).stdout(theirs.try_clone().unwrap()).spawn().unwrap();
        let mut terminal = Terminal { ours: ours.into(), theirs, child };
        terminal.sees("READY\r\n");
        terminal
    }

    fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.theirs).unwrap().local_modes;
        modes.contains(LocalModes::ICANON) && modes.contains(LocalModes::ECHO)
    }

    fn sees(&mut self, text: &str) {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(text.as_bytes()) {
            let mut fds = [PollFd::new(&self.ours, PollFlags::IN)];
            let limit = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
            let ready = rustix::event::poll(&mut fds, Some(&limit)).unwrap();
            assert!(ready == 1, "only {:?}", String::from_utf8_lossy(&seen));
            self.ours.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.ours.write_all(keys).unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    fn leaves_with(mut self, code: i32) {
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
        assert!(self.is_cooked(), "the terminal is given back");
    }
}

#[test]
fn the_terminal_is_raw_while_running_and_given_back_on_ctrl_a_x() {
    let mut terminal = Terminal::start("run");
    assert!(!terminal.is_cooked());
    assert!(!tcgetattr(&terminal.theirs).unwrap().local_modes.contains(LocalModes::ISIG), "Ctrl-C is the guest's");
    terminal.types(b"\x03k");
    terminal.sees("\x03k");
    terminal.types(b"\x01x");
    terminal.sees("QEMU: Terminated\r\n\r");
    terminal.leaves_with(0);
}

#[test]
fn the_terminal_is_given_back_on_signals() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT, rustix::process::Signal::HUP] {
        let terminal = Terminal::start("signal");
        assert!(!terminal.is_cooked());
        assert!(tcgetattr(&terminal.theirs).unwrap().local_modes.contains(LocalModes::ISIG), "Ctrl-C is ours");
        terminal.signal(signal);
        terminal.leaves_with(0);
    }
}

#[test]
fn the_terminal_is_given_back_on_errors_and_panics() {
    for (role, code) in [("error", 1), ("panic", 101)] {
        let mut terminal = Terminal::start(role);
        assert!(!terminal.is_cooked());
        terminal.types(b"k");
        terminal.leaves_with(code);
    }
}

#[test]
fn the_terminal_is_given_back_while_stopped() {
    let mut terminal = Terminal::start("signal");
    terminal.signal(rustix::process::Signal::TSTP);
    until("given back", || terminal.is_cooked());
    terminal.signal(rustix::process::Signal::CONT);
    until("raw again", || !terminal.is_cooked());
    terminal.types(b"k");
    terminal.sees("k");
    terminal.signal(rustix::process::Signal::TERM);
    terminal.leaves_with(0);
}

#[test]
fn a_pipe_gets_every_last_byte_before_the_process_ends() {
    let mut child = command("flood").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let mut seen = Vec::new();
    stdout.read_to_end(&mut seen).unwrap();
    let start = seen.windows(6).position(|window| window == b"READY\n").unwrap() + 6;
    assert!(seen[start..] == [b'f'; 300_000]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_closed_stdin_and_a_reader_that_left_stop_nobody() {
    let mut child = command("drip").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"drip") {
        stdout.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    drop(stdout);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "still running");
    let times = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let ticks: u32 =
        times.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2).map(|t| t.parse::<u32>().unwrap()).sum();
    assert!(ticks < 15, "it does not spin: {ticks} ticks");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
