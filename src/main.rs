//! Mimus, a machine emulator with QEMU's command line.
#![forbid(unsafe_code)]

use mimus::base::thread;
use std::io::Write;
use std::process::exit;

fn main() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let argv: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    // The process's own stack may be as small as a limit of the user's.
    match thread::spawn("main", move || mimus::launch::main(&argv)) {
        // 101 is what a panic, which has been reported, ends with.
        Ok(run) => exit(run.join().unwrap_or(101)),
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "mimus: {e}");
            exit(1);
        }
    }
}
