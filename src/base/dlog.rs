//! The `-d` log: QEMU's item names, one process-wide mask, one output (stderr or `-D file`).
//!
//! A test of an item that is off costs one relaxed load, so call sites need no guard of their own.

use super::{Result, os_text};
use crate::error;
use std::fmt;
use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};

/// What can be logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Item {
    /// Guest code as it is translated.
    InAsm = 1 << 0,
    /// Host code as it is emitted.
    OutAsm = 1 << 1,
    /// The intermediate form of each block.
    Op = 1 << 2,
    /// Interrupts and exceptions as they are taken.
    Int = 1 << 3,
    /// Each block as it is entered.
    Exec = 1 << 4,
    /// Registers before each block.
    Cpu = 1 << 5,
    /// Translations and page faults.
    Mmu = 1 << 6,
    /// What the guest did that its documents forbid.
    GuestErrors = 1 << 7,
    /// What the guest asked for that Mimus does not model.
    Unimp = 1 << 8,
    /// Blocks are not linked, so that `exec` and `cpu` are complete.
    NoChain = 1 << 9,
    /// Resets of a vCPU.
    CpuReset = 1 << 10,
    /// Protected-mode far calls and returns.
    Pcall = 1 << 11,
    /// Accesses to physical addresses where nothing answers.
    InvalidMem = 1 << 12,
    /// Float registers, too, where `cpu` shows registers.
    Fpu = 1 << 13,
    /// Vector registers, too, where `cpu` shows registers.
    Vpu = 1 << 14,
}

/// Every item with its name and a line of help.
pub const ITEMS: &[(&str, Item, &str)] = &[
    ("out_asm", Item::OutAsm, "show generated host code for each compiled block"),
    ("in_asm", Item::InAsm, "show guest code for each compiled block"),
    ("op", Item::Op, "show the intermediate form of each compiled block"),
    ("int", Item::Int, "show interrupts and exceptions as they are taken"),
    ("exec", Item::Exec, "show a line before each executed block (with nochain: every one)"),
    ("cpu", Item::Cpu, "show vCPU registers before entering a block"),
    ("fpu", Item::Fpu, "include float registers where cpu shows registers"),
    ("mmu", Item::Mmu, "log MMU-related activities"),
    ("pcall", Item::Pcall, "x86 only: show protected mode far calls and returns"),
    ("cpu_reset", Item::CpuReset, "show vCPU state before resets"),
    ("unimp", Item::Unimp, "log what the guest uses and Mimus does not model"),
    ("guest_errors", Item::GuestErrors, "log when the guest does something invalid"),
    ("nochain", Item::NoChain, "do not link compiled blocks, so that exec and cpu show all"),
    ("vpu", Item::Vpu, "include vector registers where cpu shows registers"),
    ("invalid_mem", Item::InvalidMem, "log accesses to physical addresses where nothing answers"),
];

/// The mask of a list of items, as `-d` and the monitor's `log` take it.
///
/// # Errors
/// The first word that is no item.
pub fn mask_of(list: &str) -> std::result::Result<u32, &str> {
    let all = || ITEMS.iter().fold(0, |all, (_, item, _)| all | *item as u32);
    list.split(',').filter(|word| !word.is_empty()).try_fold(0, |mask, word| {
        Ok(mask
            | match word {
                "all" => all(),
                "none" => 0,
                // There is one intermediate form, before and after the optimiser of QEMU's.
                "op_opt" | "op_ind" => Item::Op as u32,
                _ => ITEMS.iter().find(|(name, ..)| *name == word).map(|(_, item, _)| *item as u32).ok_or(word)?,
            })
    })
}

/// The items, a line each: `-d help`.
pub fn help() -> String {
    let lines = ITEMS.iter().map(|(name, _, about)| format!("{name:<15} {about}\n"));
    std::iter::once("Log items (comma separated):\n".to_string()).chain(lines).collect()
}

static MASK: AtomicU32 = AtomicU32::new(0);
static OUT: Mutex<Option<Box<dyn Write + Send>>> = Mutex::new(None);

/// How many `guest_errors`, `unimp` and `invalid_mem` lines are written before the rest are dropped:
/// a guest that errs in a loop must not fill a disk.
const RATE_LIMIT: u64 = 100_000;
static LIMITED: AtomicU64 = AtomicU64::new(0);

/// Whether `item` is being logged.
#[inline]
pub fn on(item: Item) -> bool {
    MASK.load(Ordering::Relaxed) & item as u32 != 0
}

/// Switches on exactly the items whose bits are in `mask`.
pub fn set_mask(mask: u32) {
    MASK.store(mask, Ordering::Relaxed);
}

static FILTER: RwLock<Vec<RangeInclusive<u64>>> = RwLock::new(Vec::new());

/// Limits the items about code (`in_asm`, `out_asm`, `op`, `exec`, `cpu`) to guest addresses in `ranges`
/// (`-dfilter`); an empty list lifts the limit.
pub fn set_filter(ranges: Vec<RangeInclusive<u64>>) {
    *FILTER.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = ranges;
}

/// Whether `item` is being logged for code at guest address `address`.
pub fn on_at(item: Item, address: u64) -> bool {
    on(item) && {
        let ranges = FILTER.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        ranges.is_empty() || ranges.iter().any(|range| range.contains(&address))
    }
}

/// Sends the log to `out` instead of stderr.
pub fn set_output(out: Box<dyn Write + Send>) {
    *lock() = Some(out);
}

/// Sends the log to a new file. As in QEMU a `%d` is the process's number, so that machines do not share a log.
///
/// # Errors
/// When it cannot be made.
pub fn set_file(path: &str) -> Result<()> {
    let path = path.replacen("%d", &std::process::id().to_string(), 1);
    let file = std::fs::File::create(&path).map_err(|e| error!("could not open log '{path}': {}", os_text(&e)))?;
    set_output(Box::new(std::io::BufWriter::new(file)));
    Ok(())
}

/// Writes `text` as it is.
pub fn write(text: fmt::Arguments<'_>) {
    let mut out = lock();
    // A log that cannot be written (a closed pipe, a full disk) must not stop the guest.
    match &mut *out {
        Some(file) => {
            if let Err(e) = file.write_fmt(text).and_then(|()| file.flush()) {
                log::error!("the log ends here, for it cannot be written: {e}");
                *out = Some(Box::new(std::io::sink()));
            }
        }
        None => drop(std::io::stderr().write_fmt(text)),
    }
}

/// Writes a line of an item that a guest can provoke without end.
pub fn write_limited(text: fmt::Arguments<'_>) {
    match LIMITED.fetch_add(1, Ordering::Relaxed) {
        n if n < RATE_LIMIT => write(format_args!("{text}\n")),
        n if n == RATE_LIMIT => {
            write(format_args!("(further guest_errors, unimp and invalid_mem lines are dropped)\n"))
        }
        _ => {}
    }
}

fn lock() -> std::sync::MutexGuard<'static, Option<Box<dyn Write + Send>>> {
    OUT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Logs a line, without a guard of the caller's, when the item is on.
#[macro_export]
macro_rules! dlog {
    ($item:ident, $($arg:tt)*) => {
        if $crate::base::dlog::on($crate::base::dlog::Item::$item) {
            $crate::base::dlog::write(format_args!("{}\n", format_args!($($arg)*)));
        }
    };
}

/// The guest did something that its documents forbid or leave undefined (`-d guest_errors`).
#[macro_export]
macro_rules! guest_error {
    ($($arg:tt)*) => {
        if $crate::base::dlog::on($crate::base::dlog::Item::GuestErrors) {
            $crate::base::dlog::write_limited(format_args!($($arg)*));
        }
    };
}

/// The guest asked for something that exists and that Mimus does not model (`-d unimp`).
#[macro_export]
macro_rules! gap {
    ($($arg:tt)*) => {
        if $crate::base::dlog::on($crate::base::dlog::Item::Unimp) {
            $crate::base::dlog::write_limited(format_args!($($arg)*));
        }
    };
}

/// Nothing answers at a physical address that the guest uses (`-d invalid_mem`).
#[macro_export]
macro_rules! invalid_memory {
    ($($arg:tt)*) => {
        if $crate::base::dlog::on($crate::base::dlog::Item::InvalidMem) {
            $crate::base::dlog::write_limited(format_args!($($arg)*));
        }
    };
}
