//! The multiplexer, typed at through a socket.

use super::*;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

struct Desk {
    _scratch: Scratch,
    keyboard: UnixStream,
    serial: CharStream,
    monitor: CharStream,
    left: Arc<AtomicBool>,
    _chardevs: Chardevs,
}

impl Desk {
    fn new(escape: u8) -> Desk {
        let scratch = Scratch::new();
        let address = Address::Unix(scratch.path("s"));
        let socket = SocketSpec { address, server: true, wait: false, nodelay: false, telnet: false, reconnect: None };
        let left = Arc::new(AtomicBool::new(false));
        let leave = Arc::clone(&left);
        let keys = MuxKeys { escape, on_exit: Arc::new(move || leave.store(true, Ordering::SeqCst)) };
        let shared = CharSpec { mux: true, ..spec(Backend::Socket(socket)) };
        let mut chardevs = Chardevs::open(&[shared], keys).unwrap();
        let monitor = CharStream::new(chardevs.monitor_end("c").unwrap());
        let serial = CharStream::new(chardevs.end("c").unwrap());
        let keyboard = UnixStream::connect(scratch.path("s")).unwrap();
        keyboard.set_read_timeout(Some(PATIENCE)).unwrap();
        until("open", || serial.end().is_open());
        Desk { _scratch: scratch, keyboard, serial, monitor, left, _chardevs: chardevs }
    }

    fn types(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    fn sees(&mut self, text: &str) {
        let mut bytes = vec![0; text.len()];
        self.keyboard.read_exact(&mut bytes).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }
}

#[test]
fn input_goes_to_the_focus_and_all_output_is_shown() {
    let mut desk = Desk::new(1);
    assert!(desk.serial.end().has_focus());
    desk.types(b"to serial\x01cto monitor\x01cback");
    assert_eq!(receive(&mut desk.serial, 13), b"to serialback");
    assert_eq!(receive(&mut desk.monitor, 10), b"to monitor");
    desk.serial.write_all(b"s").unwrap();
    desk.monitor.write_all(b"m").unwrap();
    desk.sees("sm");
}

#[test]
fn the_monitor_is_told_of_its_focus() {
    let mut desk = Desk::new(1);
    let bell = desk.monitor.bell();
    while bell.wait(Some(Duration::from_millis(50))) {}
    desk.types(b"\x01c");
    assert!(bell.wait(Some(PATIENCE)));
    assert!(desk.monitor.end().has_focus() && !desk.serial.end().has_focus());
}

#[test]
fn the_escape_byte_twice_is_the_byte_and_others_are_dropped() {
    let mut desk = Desk::new(1);
    desk.types(b"a\x01\x01b\x01zc\x01sd");
    assert_eq!(receive(&mut desk.serial, 5), b"a\x01bcd");
}

#[test]
fn another_escape_byte_frees_the_first() {
    let mut desk = Desk::new(20);
    desk.types(b"\x01x\x14x");
    assert_eq!(receive(&mut desk.serial, 2), b"\x01x");
    until("left", || desk.left.load(Ordering::SeqCst));
    let mut off = Desk::new(0);
    off.types(b"\0x");
    assert_eq!(receive(&mut off.serial, 2), b"\0x");
}

#[test]
fn leaving_says_so_and_calls_back() {
    let mut desk = Desk::new(1);
    desk.types(b"\x01x");
    desk.sees("QEMU: Terminated\n\r");
    until("left", || desk.left.load(Ordering::SeqCst));
}

#[test]
fn help_names_the_keys() {
    let mut desk = Desk::new(1);
    desk.types(b"\x01h");
    desk.sees("\n\rC-a h");
}

#[test]
fn a_break_is_sent_to_the_focus() {
    let scratch = Scratch::new();
    let address = Address::Unix(scratch.path("s"));
    let socket = SocketSpec { address, server: true, wait: false, nodelay: false, telnet: false, reconnect: None };
    let shared = CharSpec { mux: true, ..spec(Backend::Socket(socket)) };
    let mut chardevs = Chardevs::open(&[shared], keys()).unwrap();
    let mut serial = chardevs.end("c").unwrap();
    UnixStream::connect(scratch.path("s")).unwrap().write_all(b"\x01b").unwrap();
    until("the break arrives", || serial.take_break());
    assert!(!serial.take_break());
}

#[test]
fn timestamps_stand_at_the_start_of_lines() {
    let mut desk = Desk::new(1);
    desk.types(b"\x01t.");
    receive(&mut desk.serial, 1);
    desk.serial.write_all(b"one\ntw").unwrap();
    desk.serial.write_all(b"o\n").unwrap();
    let mut seen = vec![0; "[00:00:00.000] one\n[00:00:00.000] two\n".len()];
    desk.keyboard.read_exact(&mut seen).unwrap();
    let text = String::from_utf8(seen).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.split_once("] ").unwrap().1).collect();
    assert_eq!(lines, ["one", "two"]);
}

#[test]
fn input_beyond_an_ends_room_waits_for_it() {
    let mut desk = Desk::new(1);
    let bytes = vec![b'k'; 100_000];
    let mut keyboard = desk.keyboard.try_clone().unwrap();
    let typing = std::thread::spawn(move || keyboard.write_all(&bytes));
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(receive(&mut desk.serial, 100_000).len(), 100_000);
    typing.join().unwrap().unwrap();
}

#[test]
fn commands_work_and_input_is_kept_before_there_is_an_end() {
    let scratch = Scratch::new();
    let address = Address::Unix(scratch.path("s"));
    let socket = SocketSpec { address, server: true, wait: false, nodelay: false, telnet: false, reconnect: None };
    let left = Arc::new(AtomicBool::new(false));
    let leave = Arc::clone(&left);
    let keys = MuxKeys { escape: 1, on_exit: Arc::new(move || leave.store(true, Ordering::SeqCst)) };
    let shared = CharSpec { mux: true, ..spec(Backend::Socket(socket)) };
    let mut chardevs = Chardevs::open(&[shared], keys).unwrap();
    let mut keyboard = UnixStream::connect(scratch.path("s")).unwrap();
    keyboard.write_all(b"early\x01c\x01b\x01x").unwrap();
    until("leaves", || left.load(Ordering::SeqCst));
    let mut first = CharStream::new(chardevs.end("c").unwrap());
    assert_eq!(receive(&mut first, 5), b"early");
}
