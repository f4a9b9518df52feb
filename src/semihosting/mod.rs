//! Room `semihosting`: what a bare-metal program's semihosting calls come to on the host.
//!
//! ```text
//!   HLT, EBREAK ──► isa ──► Service::call ──► guest memory by the caller's own page tables and permissions
//!                                         ├─► the console: a character device, or stderr and stdin
//!                                         ├─► handles: `:tt`, `:semihosting-features`, files beneath one folder
//!                                         └─► the board's power line, with the exit code
//! ```
//! A guest is an attacker: files are confined ([`Folder`]), as are their number and what one call copies; nothing is
//! run on the host; a call that has to wait gives the vCPU back, so that it answers whoever else asks for it.
//!
//! As in QEMU the console, where no character device is named, is stderr; `:tt` is stdin and stdout, or stderr where
//! it is opened to append to. Numbers of errors are Linux's.
//!
//! Document: Semihosting for AArch32 and AArch64 (Arm IHI 0074), and RISC-V Semihosting 1.0, which adopts it.
#![forbid(unsafe_code)]

mod files;
mod memory;

use crate::cpu::{Cpu, Semihosting};
use crate::fabric::PowerRequest;
use crate::guest_error;
use crate::host::{CharEnd, Folder, Standard};
use files::{Files, Target};
use memory::{Fault, Memory};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Operations, by Arm's names less `SYS_`.
mod operation {
    pub const OPEN: u32 = 0x01;
    pub const CLOSE: u32 = 0x02;
    pub const WRITEC: u32 = 0x03;
    pub const WRITE0: u32 = 0x04;
    pub const WRITE: u32 = 0x05;
    pub const READ: u32 = 0x06;
    pub const READC: u32 = 0x07;
    pub const ISERROR: u32 = 0x08;
    pub const ISTTY: u32 = 0x09;
    pub const SEEK: u32 = 0x0a;
    pub const FLEN: u32 = 0x0c;
    pub const TMPNAM: u32 = 0x0d;
    pub const REMOVE: u32 = 0x0e;
    pub const RENAME: u32 = 0x0f;
    pub const CLOCK: u32 = 0x10;
    pub const TIME: u32 = 0x11;
    pub const SYSTEM: u32 = 0x12;
    pub const ERRNO: u32 = 0x13;
    pub const GET_CMDLINE: u32 = 0x15;
    pub const HEAPINFO: u32 = 0x16;
    pub const EXIT: u32 = 0x18;
    pub const SYNCCACHE: u32 = 0x19;
    pub const EXIT_EXTENDED: u32 = 0x20;
    pub const ELAPSED: u32 = 0x30;
    pub const TICKFREQ: u32 = 0x31;
}

/// `ADP_Stopped_ApplicationExit`: the reason of an exit that has a code of its own; all others are failures.
const APPLICATION_EXIT: u64 = 0x20026;

/// Most bytes that one call moves; a longer one is told that the rest was not moved.
const MOST_MOVED: u64 = 1 << 20;
/// Most bytes of a string.
const MOST_TEXT: u64 = 64 << 10;
/// Most bytes of a file's name.
const MOST_NAME: u64 = 4096;
/// How long a vCPU sleeps that has to wait, before it asks again.
const MOMENT: Duration = Duration::from_millis(2);

/// What semihosting is configured with.
pub struct Setup {
    /// The console; `None`: stderr, and stdin to read from.
    pub console: Option<Box<dyn CharEnd>>,
    /// Where the guest's files are.
    pub folder: Folder,
    /// The program's arguments, its name first.
    pub arguments: Vec<String>,
    /// Whether programs at the lowest privilege level are served.
    pub users: bool,
}

/// Why a call has no result.
enum Refusal {
    /// It failed: the result says so, and `SYS_ERRNO` why.
    Failed(Errno),
    /// It has to wait.
    Later,
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Refusal {
        Refusal::Failed(error)
    }
}

impl From<Fault> for Refusal {
    fn from(_: Fault) -> Refusal {
        Refusal::Failed(Errno::FAULT)
    }
}

type Answer = Result<u64, Refusal>;

/// The service.
pub struct Service {
    users: bool,
    command_line: String,
    /// The largest part of RAM that nothing is loaded into: its first address and the one behind it.
    heap: (u64, u64),
    state: Mutex<State>,
}

struct State {
    console: Box<dyn CharEnd>,
    files: Files,
    error: i32,
    /// Of vCPUs whose text the console has not taken in full: the call, and how much was taken.
    begun: BTreeMap<u32, (u32, u64, usize)>,
}

impl Service {
    /// The service of a machine with room for a heap at `heap`, an address and the one behind the last.
    pub fn new(setup: Setup, heap: (u64, u64)) -> Arc<Service> {
        let shared = setup.console.is_some();
        let state = State {
            console: setup.console.unwrap_or_else(|| Box::new(Standard::err())),
            files: Files::new(setup.folder, shared),
            error: 0,
            begun: BTreeMap::new(),
        };
        let command_line = setup.arguments.join(" ");
        Arc::new(Service { users: setup.users, command_line, heap, state: Mutex::new(state) })
    }

    fn answer(&self, state: &mut State, cpu: &mut Cpu, operation: u32, parameter: u64) -> Answer {
        let index = cpu.index;
        let now = cpu.board.timers.clock().now();
        let power = cpu.board.power.clone();
        let mut memory = Memory(cpu);
        match operation {
            operation::OPEN => {
                let [name, mode, length] = memory.words(parameter)?;
                let name = memory.name(name, length)?;
                state.files.open(&name, mode)
            }
            operation::CLOSE => {
                let [handle] = memory.words(parameter)?;
                state.files.close(handle)
            }
            operation::WRITEC => {
                let byte = memory.bytes(parameter, 1)?;
                state.say((index, operation, parameter), &byte)
            }
            operation::WRITE0 => {
                let text = memory.text(parameter, MOST_TEXT)?;
                state.say((index, operation, parameter), &text)
            }
            operation::WRITE => {
                let [handle, from, length] = memory.words(parameter)?;
                let bytes = memory.bytes(from, length.min(MOST_MOVED))?;
                let written = match state.files.target(handle)? {
                    Target::Console => state.console.write(&bytes),
                    Target::Stream(stream) => stream.write(&bytes),
                    Target::File(file) => file.write(&bytes)?,
                };
                if written == 0 && !bytes.is_empty() { Err(Refusal::Later) } else { Ok(length - written as u64) }
            }
            operation::READ => {
                let [handle, into, length] = memory.words(parameter)?;
                let mut bytes = vec![0; length.min(MOST_MOVED) as usize];
                // Bytes that are taken from a stream and have nowhere to go would be lost.
                memory.writable(into, bytes.len() as u64)?;
                let read = match state.files.target(handle)? {
                    Target::Console => read_stream(state.console.as_mut(), false, &mut bytes)?,
                    Target::Stream(stream) => read_stream(stream, true, &mut bytes)?,
                    Target::File(file) => file.read(&mut bytes)?,
                };
                memory.write(into, &bytes[..read])?;
                Ok(length - read as u64)
            }
            operation::READC => {
                let mut byte = [0];
                match read_stream(state.console.as_mut(), !state.files.has_console, &mut byte)? {
                    0 => Ok(u64::MAX),
                    _ => Ok(byte[0].into()),
                }
            }
            operation::ISERROR => {
                let [status] = memory.words(parameter)?;
                Ok(u64::from((status as i64) < 0))
            }
            operation::ISTTY => {
                let [handle] = memory.words(parameter)?;
                state.files.is_terminal(handle)
            }
            operation::SEEK => {
                let [handle, offset] = memory.words(parameter)?;
                state.files.seek(handle, offset)
            }
            operation::FLEN => {
                let [handle] = memory.words(parameter)?;
                state.files.length(handle)
            }
            operation::TMPNAM => {
                let [into, number, size] = memory.words(parameter)?;
                let name = format!("semihosting-{}-{:02x}.tmp\0", std::process::id(), number & 0xff);
                if (name.len() as u64) > size {
                    return Err(Errno::NOSPC.into());
                }
                memory.write(into, name.as_bytes())?;
                Ok(0)
            }
            operation::REMOVE => {
                let [name, length] = memory.words(parameter)?;
                let name = memory.name(name, length)?;
                state.files.remove(&name)
            }
            operation::RENAME => {
                let [from, from_length, to, to_length] = memory.words(parameter)?;
                let (from, to) = (memory.name(from, from_length)?, memory.name(to, to_length)?);
                state.files.rename(&from, &to)
            }
            operation::CLOCK => Ok(now / 10_000_000),
            operation::TIME => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                Ok(since.map_or(0, |since| since.as_secs()))
            }
            operation::SYSTEM => {
                guest_error!("SYS_SYSTEM refused: nothing of the guest's is run on the host");
                Err(Errno::PERM.into())
            }
            operation::ERRNO => Ok(state.error as u64),
            operation::GET_CMDLINE => {
                let [into, size] = memory.words(parameter)?;
                let line = self.command_line.as_bytes();
                if line.len() as u64 >= size {
                    return Err(Errno::TOOBIG.into());
                }
                memory.write(into, &[line, &[0]].concat())?;
                memory.write(parameter.wrapping_add(8), &(line.len() as u64).to_le_bytes())?;
                Ok(0)
            }
            operation::HEAPINFO => {
                let [into] = memory.words(parameter)?;
                // Heap from below, stack from above.
                let (first, behind) = self.heap;
                for (word, at) in [first, behind, behind, first].into_iter().zip((into..).step_by(8)) {
                    memory.write(at, &word.to_le_bytes())?;
                }
                Ok(0)
            }
            operation::EXIT | operation::EXIT_EXTENDED => {
                let [reason, code] = memory.words(parameter)?;
                let code = if reason == APPLICATION_EXIT { code as u8 } else { 1 };
                power.request(PowerRequest::Off(code));
                // It does not come back.
                Err(Refusal::Later)
            }
            // Caches are coherent here.
            operation::SYNCCACHE => Ok(0),
            operation::ELAPSED => {
                memory.write(parameter, &now.to_le_bytes())?;
                Ok(0)
            }
            operation::TICKFREQ => Ok(1_000_000_000),
            _ => {
                guest_error!("semihosting has no operation {operation:#x}");
                Err(Errno::NOSYS.into())
            }
        }
    }
}

/// Reads what is there; 0 at the end of a stream that `ends`: to a character device somebody may always come.
fn read_stream(stream: &mut dyn CharEnd, ends: bool, into: &mut [u8]) -> Result<usize, Refusal> {
    match stream.read(into) {
        0 if !into.is_empty() && (stream.is_open() || !ends) => Err(Refusal::Later),
        count => Ok(count),
    }
}

impl State {
    /// Sends text to the console: all of it, though the call may have to be made again for that.
    fn say(&mut self, (cpu, operation, parameter): (u32, u32, u64), text: &[u8]) -> Answer {
        let done = match self.begun.remove(&cpu) {
            Some((began, of, done)) if (began, of) == (operation, parameter) => done.min(text.len()),
            _ => 0,
        };
        let done = done + self.console.write(&text[done..]);
        if done < text.len() {
            self.begun.insert(cpu, (operation, parameter, done));
            return Err(Refusal::Later);
        }
        Ok(0)
    }
}

impl Semihosting for Service {
    fn serves_users(&self) -> bool {
        self.users
    }

    fn call(&self, cpu: &mut Cpu, operation: u32, parameter: u64) -> Option<u64> {
        let answer = {
            let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let answer = self.answer(&mut state, cpu, operation, parameter);
            if let Err(Refusal::Failed(error)) = answer {
                state.error = error.raw_os_error();
            }
            answer
        };
        match answer {
            Ok(value) => Some(value),
            Err(Refusal::Failed(error)) => {
                guest_error!("semihosting operation {operation:#x}: {error}");
                Some(u64::MAX)
            }
            Err(Refusal::Later) => {
                cpu.pins.park(Some(MOMENT));
                None
            }
        }
    }
}

/// Tells the user, once a run, why a file was not there for the guest.
fn tell_confined(name: &[u8], folder: &Folder) {
    static TOLD: std::sync::Once = std::sync::Once::new();
    TOLD.call_once(|| {
        let (name, path) = (String::from_utf8_lossy(name), folder.path().display());
        let line = format!(
            "semihosting: the guest may not reach '{}': its files are those in '{path}' (less hidden ones, where no \
             folder was chosen); -semihosting-config folder=DIR chooses one",
            name.escape_debug()
        );
        // Nobody reading stderr is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{line}");
    });
}
