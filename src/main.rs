//! Mimus, a machine emulator with QEMU's command line.
#![forbid(unsafe_code)]

use std::process::exit;

fn main() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let argv: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    exit(mimus::launch::main(&argv));
}
