//! Guests that attack: they may do what they like, and the emulator neither dies, nor hangs, nor grows without end.
//!
//! ```text
//!   hostile ──► hostile TRIAL BOARD ENGINE SEED   (a process each, two at a time, until the time is over)
//! ```
//! A trial that dies, panics, grows beyond [`MOST_MEMORY`] or takes longer than [`PATIENCE`] fails the test; what starts
//! it again is printed. It is built with the profile `checked`, so that arithmetic that overflows and assertions that
//! fail are found, too.
//!
//! * `MIMUS_SEED`: where seeds start (the time otherwise)
//! * `MIMUS_SECONDS`: for how long new trials are started (110 otherwise)
//! * `MIMUS_LOG`: items of `-d` that a trial started by hand logs
//! * arguments: trials whose line contains one of them, and no others

mod board;
mod calls;
mod code;
#[path = "../common/random.rs"]
#[expect(dead_code, reason = "the comparisons need more of it")]
mod random;
mod registers;
mod rings;

use board::{BOARDS, Board};
use mimus::base::dlog::{self, ITEMS, Item};
use mimus::engine::Kind;
use random::Random;
use std::process::{Child, Command, Stdio, exit};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

/// A trial: what a guest does to a board.
type Trial = fn(&Board, Kind, &mut Random);

/// The trials by name.
const TRIALS: &[(&str, Trial)] =
    &[("registers", registers::trial), ("rings", rings::trial), ("calls", calls::trial), ("code", code::trial)];

/// For how long a trial goes on attacking.
pub const ATTACK: Duration = Duration::from_millis(1500);
/// After so long a trial hangs: on a loaded host, too.
const PATIENCE: Duration = Duration::from_secs(60);
/// Kilobytes that a trial may have in memory: guests have 64 MiB, and code takes as much.
const MOST_MEMORY: u64 = 600 << 10;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    if let ([trial, board, engine, seed], true) = (&args[..], std::env::var_os("HOSTILE_TRIAL").is_some()) {
        return attack(trial, board, engine, seed);
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let first = number("MIMUS_SEED").unwrap_or(now);
    let seconds = Duration::from_secs(number("MIMUS_SECONDS").unwrap_or(110));
    println!("hostile guests: MIMUS_SEED={first}, for {} s", seconds.as_secs());
    let mut all: Vec<String> = Vec::new();
    for (trial, _) in TRIALS {
        for board in BOARDS {
            all.extend(["interp", "jit"].map(|engine| format!("{trial} {} {engine}", board.name)));
        }
    }
    all.retain(|line| args.is_empty() || args.iter().any(|arg| line.contains(arg.as_str())));
    assert!(!all.is_empty(), "no trial is called {args:?}");
    let start = Instant::now();
    let (next, failed) = (Mutex::new(0_usize), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while start.elapsed() < seconds {
                    let n = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    // Strides that have no divisor in common, so that a short run has some of everything.
                    let line = format!("{} {}", all[n * 7919 % all.len()], first.wrapping_add(n as u64));
                    if let Err(why) = try_one(&line) {
                        println!("hostile: FAILED: {why}; again: HOSTILE_TRIAL=1 hostile {line}");
                        failed.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    let (count, failed) = (next.into_inner().unwrap(), failed.into_inner().unwrap());
    println!("hostile guests: {count} trials, {} failed", failed.len());
    exit(i32::from(!failed.is_empty()));
}

/// Runs a trial in a process of its own.
fn try_one(line: &str) -> Result<(), String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(line.split(' ')).env("HOSTILE_TRIAL", "1").stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("{status}")),
            None if start.elapsed() > PATIENCE => return end(child, "it hangs"),
            None if memory(&child) > MOST_MEMORY => return end(child, "it takes too much memory"),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn end(mut child: Child, why: &str) -> Result<(), String> {
    let _ = child.kill();
    let _ = child.wait();
    Err(why.into())
}

/// Kilobytes of a process that are in memory.
fn memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The process of one trial. A panic on any thread ends it.
fn attack(trial: &str, board: &str, engine: &str, seed: &str) {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        exit(101);
    }));
    let items = std::env::var("MIMUS_LOG").unwrap_or_default();
    let wanted = |(name, item, _): &(&str, Item, &str)| items.split(',').any(|i| i == *name).then_some(*item as u32);
    dlog::set_mask(ITEMS.iter().filter_map(wanted).fold(0, |mask, item| mask | item));
    let (_, run) = TRIALS.iter().find(|(name, _)| *name == trial).expect("a trial");
    let board = BOARDS.iter().find(|known| known.name == board).expect("a board");
    let engine = if engine == "jit" { Kind::Jit } else { Kind::Interp };
    let seed: u64 = seed.parse().expect("a number");
    run(board, engine, &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
    exit(0);
}
