//! Every backend but the terminal.

use super::*;
use rustix::fs::{FileType, Mode};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};

fn socket(address: Address, server: bool) -> SocketSpec {
    SocketSpec { address, server, wait: false, nodelay: false, telnet: false, reconnect: None }
}

/// A port that nobody listens on, for the moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn local(port: u16) -> Address {
    Address::Tcp { host: "127.0.0.1".into(), port }
}

/// A reader that gives up with an error.
fn patient(stream: UnixStream) -> UnixStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn exactly(from: &mut impl Read, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    from.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_megabyte_sent_byte_by_byte_is_in_the_file_when_the_streams_close() {
    let scratch = Scratch::new();
    let path = scratch.path("out");
    let (chardevs, mut stream) = open(spec(Backend::File { path: path.clone(), append: false, input: None }));
    let bytes: Vec<u8> = (0..1u32 << 20).map(|n| ((n * 7) >> 3) as u8).collect();
    bytes.iter().for_each(|byte| stream.write_all(&[*byte]).unwrap());
    drop(chardevs);
    assert!(std::fs::read(&path).unwrap() == bytes);
}

#[test]
fn a_file_is_emptied_or_appended_to_and_the_log_gets_the_same() {
    let scratch = Scratch::new();
    let (path, log) = (scratch.path("out"), scratch.path("log"));
    for append in [false, false, true] {
        let backend = Backend::File { path: path.clone(), append, input: None };
        let (_chardevs, mut stream) = open(CharSpec { logfile: Some(log.clone()), logappend: append, ..spec(backend) });
        stream.write_all(b"line\n").unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "line\nline\n");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "line\nline\n");
}

#[test]
fn a_log_is_written_even_where_output_goes_nowhere() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let (chardevs, mut stream) = open(CharSpec { logfile: Some(log.clone()), ..spec(Backend::Null) });
    stream.write_all(b"seen").unwrap();
    assert_eq!(stream.read_now(&mut [0]), 0);
    drop(chardevs);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "seen");
}

#[test]
fn input_of_a_file_stops_at_its_end_and_output_goes_on() {
    let scratch = Scratch::new();
    let (path, input) = (scratch.path("out"), scratch.path("in"));
    std::fs::write(&input, vec![b'i'; 200_000]).unwrap();
    let backend = Backend::File { path: path.clone(), append: false, input: Some(input) };
    let (chardevs, mut stream) = open(spec(backend));
    assert_eq!(receive(&mut stream, 200_000).len(), 200_000);
    stream.write_all(b"after").unwrap();
    drop(chardevs);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "after");
}

#[test]
fn named_pipes_go_both_ways() {
    let scratch = Scratch::new();
    for end in ["p.in", "p.out"] {
        rustix::fs::mknodat(rustix::fs::CWD, scratch.path(end), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }
    let (_chardevs, mut stream) = open(spec(Backend::Pipe { path: scratch.path("p") }));
    let mut out = OpenOptions::new().read(true).open(scratch.path("p.out")).unwrap();
    OpenOptions::new().write(true).open(scratch.path("p.in")).unwrap().write_all(b"one").unwrap();
    assert_eq!(receive(&mut stream, 3), b"one");
    // Another writer after the first has left.
    OpenOptions::new().write(true).open(scratch.path("p.in")).unwrap().write_all(b"two").unwrap();
    assert_eq!(receive(&mut stream, 3), b"two");
    stream.write_all(b"hello").unwrap();
    assert_eq!(exactly(&mut out, 5), b"hello");
}

#[test]
fn a_slow_reader_shortens_writes_and_room_is_told_of() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut chardevs =
        Chardevs::open(&[spec(Backend::Socket(socket(Address::Unix(path.clone()), true)))], keys()).unwrap();
    let mut reader = patient(UnixStream::connect(&path).unwrap());
    let mut end = chardevs.end("c").unwrap();
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    end.on_ready(Box::new(move || tell.store(true, Ordering::SeqCst)));
    until("connected", || end.is_open());

    let (mut sent, chunk) = (0, [7; 4096]);
    until("the buffers fill", || {
        let taken = end.write(&chunk);
        sent += taken;
        taken < chunk.len()
    });
    std::thread::sleep(Duration::from_millis(20));
    while end.write(&chunk[..1]) == 1 {
        sent += 1;
    }
    told.store(false, Ordering::SeqCst);
    exactly(&mut reader, sent);
    until("room is told of", || told.load(Ordering::SeqCst));
    assert_eq!(end.write(b"more"), 4);
    assert_eq!(exactly(&mut reader, 4), b"more");
}

#[test]
fn what_comes_in_waits_when_the_device_does_not_read() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (_chardevs, mut stream) = open(spec(Backend::Socket(socket(Address::Unix(path.clone()), true))));
    let mut writer = UnixStream::connect(&path).unwrap();
    let bytes: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
    let sent = bytes.clone();
    let thread = std::thread::spawn(move || writer.write_all(&sent).map(|()| writer));
    std::thread::sleep(Duration::from_millis(30));
    assert!(receive(&mut stream, bytes.len()) == bytes);
    thread.join().unwrap().unwrap();
}

#[test]
fn a_server_takes_one_client_after_another() {
    let port = free_port();
    let (chardevs, mut stream) = open(spec(Backend::Socket(socket(local(port), true))));
    // Nobody is there: it is dropped and nobody waits.
    stream.write_all(&vec![b'x'; 1 << 20]).unwrap();
    chardevs.drain(PATIENCE);
    assert!(!stream.end().is_open());
    for name in ["first", "second"] {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(name.as_bytes()).unwrap();
        assert_eq!(receive(&mut stream, name.len()), name.as_bytes());
        assert!(stream.end().is_open());
        stream.write_all(b"answer").unwrap();
        let answer = exactly(&mut client, 6);
        assert_eq!(answer, b"answer");
        drop(client);
        until("the client left", || !stream.end().is_open());
    }
}

#[test]
fn a_client_that_has_left_is_heard_and_its_answer_is_not_its_successors() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (chardevs, mut stream) = open(spec(Backend::Socket(socket(Address::Unix(path.clone()), true))));
    assert_eq!(stream.turn(), None);
    let mut first = UnixStream::connect(&path).unwrap();
    first.write_all(b"first").unwrap();
    drop(first);
    let mut second = patient(UnixStream::connect(&path).unwrap());
    second.write_all(b"second").unwrap();
    until("both have come", || stream.turn() == Some(true));
    for (said, answer) in [(b"first".as_slice(), b"to the first".as_slice()), (b"second", b"to the second")] {
        let mut got: Vec<u8> = Vec::new();
        let mut bytes = [0; 32];
        until("all is said", || {
            let count = stream.read_now(&mut bytes);
            got.extend(&bytes[..count]);
            got.len() >= said.len()
        });
        assert_eq!(got, said);
        if said == b"first" {
            until("it has left", || stream.end().visitor() != Some(1));
        }
        stream.write_all(answer).unwrap();
        let change = stream.turn();
        assert_eq!(change, (said == b"first").then_some(true));
    }
    chardevs.drain(PATIENCE);
    assert_eq!(exactly(&mut second, 13), b"to the second");
    drop(second);
    until("nobody is there", || stream.turn() == Some(false));
}

#[test]
fn a_waiting_server_opens_when_its_client_comes_and_removes_its_socket() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let there = path.clone();
    let client = std::thread::spawn(move || {
        until("the socket is there", || there.exists());
        let mut client = patient(UnixStream::connect(there).unwrap());
        exactly(&mut client, 2)
    });
    let waiting = SocketSpec { wait: true, ..socket(Address::Unix(path.clone()), true) };
    let (chardevs, mut stream) = open(spec(Backend::Socket(waiting)));
    stream.write_all(b"ok").unwrap();
    assert_eq!(client.join().unwrap(), b"ok");
    drop(chardevs);
    assert!(!path.exists());
}

#[test]
fn a_client_reconnects() {
    let port = free_port();
    let reconnect = Some(Duration::from_millis(20));
    let (_chardevs, mut stream) = open(spec(Backend::Socket(SocketSpec { reconnect, ..socket(local(port), false) })));
    for _ in 0..2 {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"hi").unwrap();
        assert_eq!(receive(&mut stream, 2), b"hi");
        drop((server, listener));
        until("the server left", || !stream.end().is_open());
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    let scratch = Scratch::new();
    let missing = scratch.path("no/such");
    let text = |backend| Chardevs::open(&[spec(backend)], keys()).map(drop).unwrap_err().to_string();
    assert!(
        text(Backend::File { path: missing.clone(), append: false, input: None })
            .ends_with("No such file or directory")
    );
    assert!(text(Backend::Pipe { path: missing.clone() }).contains("Could not open"));
    let refused = text(Backend::Socket(socket(local(free_port()), false)));
    assert!(refused.starts_with("chardev 'c': Failed to connect to '127.0.0.1:"), "{refused}");
    assert!(refused.ends_with("Connection refused"), "{refused}");
    assert!(text(Backend::Socket(socket(Address::Unix(missing), true))).contains("Failed to bind socket to"));
    let path = scratch.path("used");
    let _listener = UnixListener::bind(&path).unwrap();
    assert!(text(Backend::Socket(socket(Address::Unix(path), true))).contains("somebody is listening"));
}

#[test]
fn telnet_is_negotiated_and_its_break_arrives() {
    let port = free_port();
    let telnet = SocketSpec { telnet: true, ..socket(local(port), true) };
    let mut chardevs = Chardevs::open(&[spec(Backend::Socket(telnet))], keys()).unwrap();
    let mut end = chardevs.end("c").unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(exactly(&mut client, 12)[..3], [255, 251, 1]);
    client.write_all(&[255, 243, b'k']).unwrap();
    until("the break arrives", || end.take_break());
    let mut byte = [0];
    until("the byte arrives", || end.read(&mut byte) == 1);
    assert_eq!(byte, *b"k");
    assert_eq!(end.write(&[b'a', 255]), 2);
    assert_eq!(exactly(&mut client, 3), [b'a', 255, 255]);
}

#[test]
fn datagrams_go_both_ways_and_survive_an_absent_receiver() {
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    remote.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = remote.local_addr().unwrap().port();
    let (host, local_host) = ("127.0.0.1".to_string(), "127.0.0.1".to_string());
    let (_chardevs, mut stream) = open(spec(Backend::Udp { host, port, local_host, local_port: 0 }));
    stream.write_all(b"out").unwrap();
    let mut bytes = [0; 16];
    let (count, from) = remote.recv_from(&mut bytes).unwrap();
    assert_eq!(&bytes[..count], b"out");
    remote.send_to(b"in", from).unwrap();
    assert_eq!(receive(&mut stream, 2), b"in");
    drop(remote);
    for _ in 0..5 {
        stream.write_all(b"nobody").unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(stream.end().is_open());
}

#[test]
fn a_pseudo_terminal_is_open_while_a_program_has_it_open() {
    let scratch = Scratch::new();
    let link = scratch.path("tty");
    let (chardevs, mut stream) = open(spec(Backend::Pty { link: Some(link.clone()) }));
    // Nobody is there: it is dropped and nobody waits.
    stream.write_all(&vec![b'x'; 1 << 20]).unwrap();
    chardevs.drain(PATIENCE);
    assert!(!stream.end().is_open());
    for _ in 0..2 {
        let mut terminal = OpenOptions::new().read(true).write(true).open(&link).unwrap();
        until("the terminal is there", || stream.end().is_open());
        terminal.write_all(b"\x03\r").unwrap();
        assert_eq!(receive(&mut stream, 2), b"\x03\r", "raw");
        stream.write_all(b"a\nb").unwrap();
        assert_eq!(exactly(&mut terminal, 3), b"a\nb", "raw");
        drop(terminal);
        until("the terminal is gone", || !stream.end().is_open());
    }
    assert!(chardevs.list().any(|(id, name)| id == "c" && name.starts_with("pty:/dev/pts/")));
    drop(chardevs);
    assert!(!link.exists());
}

#[test]
fn a_ring_buffer_keeps_the_last_bytes() {
    let (chardevs, mut stream) = open(spec(Backend::Ringbuf { size: 8 }));
    stream.write_all(b"0123456789").unwrap();
    assert_eq!(chardevs.ringbuf_read("c", 3).unwrap(), b"234");
    assert_eq!(chardevs.ringbuf_read("c", 99).unwrap(), b"56789");
    chardevs.ringbuf_write("c", b"in").unwrap();
    assert_eq!(receive(&mut stream, 2), b"in");
    assert!(chardevs.ringbuf_read("d", 1).is_err());
}

#[test]
fn a_stream_has_one_end_unless_it_is_shared() {
    let mut chardevs = Chardevs::open(&[spec(Backend::Null)], keys()).unwrap();
    chardevs.end("c").map(drop).unwrap();
    let text = chardevs.end("c").map(drop).unwrap_err().to_string();
    assert!(text.contains("is in use"), "{text}");
    assert!(chardevs.end("d").map(drop).unwrap_err().to_string().contains("not found"));
}
