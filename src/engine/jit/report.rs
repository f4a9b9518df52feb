//! Tells about emitted code: `-d out_asm`, and to `perf` by `-perfmap` and `-jitdump`.
//!
//! The map is `/tmp/perf-PID.map`, which `perf report` reads by itself. The dump is `jit-PID.dump` in the working
//! directory, for `perf record -k mono` and `perf inject --jit`: its format is that of perf's `jitdump-specification`.

use crate::base::Result;
use crate::base::dlog::{self, Item};
use crate::base::symbols;
use crate::cpu::Cpu;
use crate::error;
use crate::ir::Block;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Where code is told of; nothing by default.
struct Profile {
    map: Option<BufWriter<File>>,
    dump: Option<BufWriter<File>>,
    /// How many blocks the dump has.
    count: u64,
}

static PROFILE: Mutex<Profile> = Mutex::new(Profile { map: None, dump: None, count: 0 });
static PROFILING: AtomicBool = AtomicBool::new(false);

fn profile() -> MutexGuard<'static, Profile> {
    PROFILE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Starts to tell `perf` of all code from now on.
///
/// # Errors
/// When a file cannot be made.
pub fn tell_perf(map: bool, dump: bool) -> Result<()> {
    let create = |path: String| {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        file.map_err(|e| error!("could not write '{path}': {e}"))
    };
    let pid = std::process::id();
    let mut profile = profile();
    if map {
        profile.map = Some(BufWriter::new(create(format!("/tmp/perf-{pid}.map"))?));
    }
    if dump {
        let mut file = create(format!("jit-{pid}.dump"))?;
        // Magic, version 1, size of this header, machine (x86-64), pid, time, flags.
        let words: [u32; 6] = [0x4a69_5444, 1, 40, 62, 0, pid];
        let mut header: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        header.extend(monotonic().to_le_bytes());
        header.extend(0u64.to_le_bytes());
        file.write_all(&header).map_err(|e| error!("could not write 'jit-{pid}.dump': {e}"))?;
        // SAFETY: a private mapping of our own file at an address of the kernel's choice, never touched: that it is
        // executable is how `perf record` finds the dump.
        unsafe {
            let protection = libc::PROT_READ | libc::PROT_EXEC;
            libc::mmap(std::ptr::null_mut(), 4096, protection, libc::MAP_PRIVATE, file.as_raw_fd(), 0);
        }
        profile.dump = Some(BufWriter::new(file));
    }
    PROFILING.store(map || dump, Ordering::Relaxed);
    Ok(())
}

/// Nanoseconds of the clock that `perf record -k mono` uses.
fn monotonic() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

impl Profile {
    /// Adds a piece of code. A profile that cannot be written (a full disk) must not stop the guest.
    fn add(&mut self, name: &str, address: u64, code: &[u8]) -> std::io::Result<()> {
        if let Some(map) = &mut self.map {
            writeln!(map, "{address:x} {:x} {name}", code.len())?;
            map.flush()?;
        }
        if let Some(dump) = &mut self.dump {
            let pid = std::process::id();
            let size = 56 + name.len() as u32 + 1 + code.len() as u32;
            // A load record: id 0, size, time; then pid, thread, address twice, size, number; the name; the bytes.
            let mut record: Vec<u8> = [0u32.to_le_bytes(), size.to_le_bytes()].concat();
            record.extend(monotonic().to_le_bytes());
            record.extend([pid.to_le_bytes(), pid.to_le_bytes()].concat());
            for word in [address, address, code.len() as u64, self.count] {
                record.extend(word.to_le_bytes());
            }
            record.extend(name.as_bytes());
            record.push(0);
            record.extend(code);
            self.count += 1;
            dump.write_all(&record)?;
            dump.flush()?;
        }
        Ok(())
    }
}

/// A block was emitted at a host address.
pub fn emitted(cpu: &Cpu, block: &Block, address: u64, code: &[u8]) {
    if PROFILING.load(Ordering::Relaxed) {
        // Several blocks may be of one guest address; `perf` tells them apart by where they are.
        let name = symbols::at(cpu.pc).unwrap_or_else(|| format!("guest:{:#x}", cpu.pc));
        if let Err(e) = profile().add(&name, address, code)
            && PROFILING.swap(false, Ordering::Relaxed)
        {
            log::error!("the profile ends here, for it cannot be written: {e}");
        }
    }
    if dlog::on_at(Item::OutAsm, cpu.pc) {
        let text = disassemble(address, code);
        dlog::write(format_args!(
            "OUT: {:#x}, {} guest instructions, {} bytes\n{text}\n",
            cpu.pc,
            block.insns,
            code.len()
        ));
    }
}

fn disassemble(address: u64, code: &[u8]) -> String {
    use capstone::prelude::*;
    let reader = Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).build();
    let Ok(reader) = reader else { return String::new() };
    let Ok(lines) = reader.disasm_all(code, address) else { return String::new() };
    lines.iter().map(|line| format!("{line}\n")).collect()
}
