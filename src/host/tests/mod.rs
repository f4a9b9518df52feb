//! Streams against real pipes, pseudo-terminals, sockets and files.

mod block;
mod mux;
mod stdio;
mod streams;

use super::*;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Long enough for a loaded host.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory of a test's own, removed with what is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mimus-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn keys() -> MuxKeys {
    MuxKeys { escape: 1, on_exit: Arc::new(|| {}) }
}

fn spec(backend: Backend) -> CharSpec {
    CharSpec { id: "c".into(), backend, ..CharSpec::default() }
}

/// One stream and its end.
fn open(spec: CharSpec) -> (Chardevs, CharStream) {
    let mut chardevs = Chardevs::open(&[spec], keys()).unwrap();
    let stream = CharStream::new(chardevs.end("c").unwrap());
    (chardevs, stream)
}

/// Waits until `condition` holds.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Reads until `count` bytes are there.
fn receive(stream: &mut CharStream, count: usize) -> Vec<u8> {
    let (mut bytes, bell) = (Vec::new(), stream.bell());
    while bytes.len() < count {
        let mut chunk = vec![0; count - bytes.len()];
        let got = stream.read_now(&mut chunk);
        bytes.extend(&chunk[..got]);
        assert!(got > 0 || bell.wait(Some(PATIENCE)), "only {:?}", String::from_utf8_lossy(&bytes));
    }
    bytes
}
