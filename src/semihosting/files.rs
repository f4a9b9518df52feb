//! Handles: what `SYS_OPEN` gives, by number.

use super::{Answer, Refusal, tell_confined};
use crate::host::{CharEnd, Folder, Standard};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// How many files may be open at once.
const MOST_OPEN: usize = 64;

/// The name of the console.
const CONSOLE: &[u8] = b":tt";
/// The name of the file that says what there is beyond the first version of the specification.
const FEATURES: &[u8] = b":semihosting-features";
/// Its bytes: a magic number, `SH_EXT_EXIT_EXTENDED` and `SH_EXT_STDOUT_STDERR`.
const FEATURE_BYTES: [u8; 5] = *b"SHFB\x03";

/// The flags of `fopen`'s modes, by Arm's numbers: r, r+, w, w+, a, a+, each followed by its binary twin.
const MODES: [OFlags; 6] = [
    OFlags::RDONLY,
    OFlags::RDWR,
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::TRUNC),
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::TRUNC),
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::APPEND),
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::APPEND),
];

enum Handle {
    /// The console's character device.
    Console,
    Standard(Standard, u32),
    /// The features, from this byte on.
    Features(usize),
    File(File),
}

/// What bytes go to and come from.
pub enum Target<'a> {
    /// The console's character device.
    Console,
    /// A stream of the process's.
    Stream(&'a mut dyn CharEnd),
    /// A file, or what looks like one.
    File(FileLike<'a>),
}

/// A file, or the features.
pub enum FileLike<'a> {
    /// A file.
    Host(&'a mut File),
    /// The features, from this byte on.
    Features(&'a mut usize),
}

/// The open files of a machine, and where they are.
pub struct Files {
    folder: Folder,
    /// Whether the console is a character device.
    pub has_console: bool,
    handles: Vec<Option<Handle>>,
}

fn errno(error: &std::io::Error) -> Refusal {
    Refusal::Failed(Errno::from_io_error(error).unwrap_or(Errno::IO))
}

impl FileLike<'_> {
    /// Writes what goes in one piece.
    pub fn write(self, bytes: &[u8]) -> Result<usize, Refusal> {
        match self {
            FileLike::Host(file) => loop {
                match file.write(bytes) {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    result => return result.map_err(|e| errno(&e)),
                }
            },
            FileLike::Features(_) => Err(Errno::BADF.into()),
        }
    }

    /// Reads what comes in one piece; 0 at the end.
    pub fn read(self, into: &mut [u8]) -> Result<usize, Refusal> {
        match self {
            FileLike::Host(file) => loop {
                match file.read(into) {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    result => return result.map_err(|e| errno(&e)),
                }
            },
            FileLike::Features(at) => {
                let rest = &FEATURE_BYTES[(*at).min(FEATURE_BYTES.len())..];
                let count = rest.len().min(into.len());
                into[..count].copy_from_slice(&rest[..count]);
                *at += count;
                Ok(count)
            }
        }
    }
}

impl Files {
    /// None are open. `has_console`: the console is a character device.
    pub fn new(folder: Folder, has_console: bool) -> Files {
        Files { folder, has_console, handles: Vec::new() }
    }

    /// Opens a name with a mode from 0 to 11; the handle, which is never 0.
    pub fn open(&mut self, name: &[u8], mode: u64) -> Answer {
        let Some(flags) = usize::try_from(mode / 2).ok().and_then(|mode| MODES.get(mode)) else {
            return Err(Errno::INVAL.into());
        };
        let place = match self.handles.iter().position(Option::is_none) {
            Some(free) => free,
            None if self.handles.len() < MOST_OPEN => {
                self.handles.push(None);
                self.handles.len() - 1
            }
            None => return Err(Errno::MFILE.into()),
        };
        let handle = match name {
            CONSOLE if mode >= 8 => Handle::Standard(Standard::err(), 2),
            CONSOLE if self.has_console => Handle::Console,
            CONSOLE => Handle::Standard(Standard::out(), u32::from(mode >= 4)),
            FEATURES if mode >= 2 => return Err(Errno::ACCESS.into()),
            FEATURES => Handle::Features(0),
            _ => Handle::File(self.folder.file(name, *flags).map_err(|e| self.refused(name, e))?),
        };
        self.handles[place] = Some(handle);
        Ok(place as u64 + 1)
    }

    fn refused(&self, name: &[u8], error: Errno) -> Refusal {
        match error {
            Errno::XDEV => {
                tell_confined(name, &self.folder);
                Refusal::Failed(Errno::ACCESS)
            }
            other => Refusal::Failed(other),
        }
    }

    fn find(&mut self, handle: u64) -> Result<&mut Option<Handle>, Refusal> {
        let place = handle.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        let place = place.and_then(|place| self.handles.get_mut(place));
        place.filter(|handle| handle.is_some()).ok_or(Refusal::Failed(Errno::BADF))
    }

    fn get(&mut self, handle: u64) -> Result<&mut Handle, Refusal> {
        self.find(handle)?.as_mut().ok_or(Refusal::Failed(Errno::BADF))
    }

    /// Closes a handle.
    pub fn close(&mut self, handle: u64) -> Answer {
        *self.find(handle)? = None;
        Ok(0)
    }

    /// What is behind a handle.
    pub fn target(&mut self, handle: u64) -> Result<Target<'_>, Refusal> {
        Ok(match self.get(handle)? {
            Handle::Console => Target::Console,
            Handle::Standard(stream, _) => Target::Stream(stream),
            Handle::Features(at) => Target::File(FileLike::Features(at)),
            Handle::File(file) => Target::File(FileLike::Host(file)),
        })
    }

    /// Whether somebody types there.
    pub fn is_terminal(&mut self, handle: u64) -> Answer {
        use std::io::IsTerminal;
        let is_terminal = match self.get(handle)? {
            Handle::Console => true,
            Handle::Standard(_, 0) => std::io::stdin().is_terminal(),
            Handle::Standard(_, 1) => std::io::stdout().is_terminal(),
            Handle::Standard(..) => std::io::stderr().is_terminal(),
            Handle::Features(_) | Handle::File(_) => false,
        };
        Ok(is_terminal.into())
    }

    /// Moves to a byte of a file.
    pub fn seek(&mut self, handle: u64, offset: u64) -> Answer {
        match self.get(handle)? {
            Handle::File(file) => match i64::try_from(offset) {
                Ok(_) => file.seek(SeekFrom::Start(offset)).map(|_| 0).map_err(|e| errno(&e)),
                Err(_) => Err(Errno::INVAL.into()),
            },
            Handle::Features(at) if offset <= FEATURE_BYTES.len() as u64 => {
                *at = offset as usize;
                Ok(0)
            }
            Handle::Features(_) => Err(Errno::INVAL.into()),
            Handle::Console | Handle::Standard(..) => Err(Errno::SPIPE.into()),
        }
    }

    /// How many bytes a file has.
    pub fn length(&mut self, handle: u64) -> Answer {
        match self.get(handle)? {
            Handle::File(file) => file.metadata().map(|about| about.len()).map_err(|e| errno(&e)),
            Handle::Features(_) => Ok(FEATURE_BYTES.len() as u64),
            Handle::Console | Handle::Standard(..) => Err(Errno::SPIPE.into()),
        }
    }

    /// Removes a file.
    pub fn remove(&self, name: &[u8]) -> Answer {
        self.folder.remove(name).map(|()| 0).map_err(|e| self.refused(name, e))
    }

    /// Gives a file another name.
    pub fn rename(&self, from: &[u8], to: &[u8]) -> Answer {
        self.folder.rename(from, to).map(|()| 0).map_err(|e| self.refused(if e == Errno::XDEV { to } else { from }, e))
    }
}
