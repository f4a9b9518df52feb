//! Mimus, a machine emulator with QEMU's command line.
#![forbid(unsafe_code)]

use std::io::Write;
use std::process::exit;
use std::thread::Builder;

/// Bytes of the stack that all is done on: the process's own may be as small as a limit of the user's.
const STACK: usize = 8 << 20;

fn main() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let argv: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    match Builder::new().name("main".into()).stack_size(STACK).spawn(move || mimus::launch::main(&argv)) {
        // 101 is what a panic, which has been reported, ends with.
        Ok(run) => exit(run.join().unwrap_or(101)),
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "mimus: the host has no thread to run on: {e}");
            exit(1);
        }
    }
}
