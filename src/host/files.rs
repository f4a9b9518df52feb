//! Streams over descriptors that are there from the start: the terminal, files, named pipes.

use super::link::{AtEof, Fixed, Link, Side};
use super::standard::SAFE_CHUNK;
use super::{os_text, terminal};
use crate::base::Result;
use crate::error;
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Stdin and stdout.
pub(super) fn stdio(signal: bool) -> Result<Fixed> {
    let refused = |e: std::io::Error| error!("cannot use stdio: {}", os_text(&e));
    terminal::make_raw(signal).map_err(refused)?;
    // Closed ones are as good as empty ones.
    let reader = rustix::stdio::stdin().try_clone_to_owned().ok().map(Side::blocking);
    let (writer, chunk) = match own_stdout() {
        Some(side) => (Some(side), usize::MAX),
        None => (rustix::stdio::stdout().try_clone_to_owned().ok().map(Side::blocking), SAFE_CHUNK),
    };
    Ok(Fixed(Some(Link { chunk, ..Link::new(reader, writer, AtEof::Deaf) })))
}

/// Stdout so that it does not block. The flag belongs to the open file, which we share with the shell, so a terminal
/// or pipe is opened anew; `None` where that cannot be.
fn own_stdout() -> Option<Side> {
    let stdout = rustix::stdio::stdout();
    match FileType::from_raw_mode(rustix::fs::fstat(stdout).ok()?.st_mode) {
        FileType::RegularFile => Some(Side::file(stdout.try_clone_to_owned().ok()?)),
        FileType::CharacterDevice | FileType::Fifo => {
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            rustix::fs::open("/proc/self/fd/1", flags, Mode::empty()).ok().map(Side::nonblocking)
        }
        _ => None,
    }
}

/// A side of a file that was opened for us alone.
fn own(file: File) -> Result<Side> {
    let fd = OwnedFd::from(file);
    let refused = |e: rustix::io::Errno| error!("cannot use the file: {}", os_text(&e.into()));
    let regular = FileType::from_raw_mode(rustix::fs::fstat(&fd).map_err(refused)?.st_mode) == FileType::RegularFile;
    if regular {
        return Ok(Side::file(fd));
    }
    let flags = rustix::fs::fcntl_getfl(&fd).map_err(refused)?;
    rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK).map_err(refused)?;
    Ok(Side::nonblocking(fd))
}

fn open(path: &Path, options: &OpenOptions) -> Result<File> {
    options.open(path).map_err(|e| error!("Could not open '{}': {}", path.display(), os_text(&e)))
}

/// Opens a file that text is written to.
pub(super) fn create(path: &Path, append: bool) -> Result<File> {
    open(path, OpenOptions::new().write(true).create(true).truncate(!append).append(append).mode(0o666))
}

/// Output to a file, input perhaps from another.
pub(super) fn file(path: &Path, append: bool, input: Option<&PathBuf>) -> Result<Fixed> {
    let writer = own(create(path, append)?)?;
    let reader = input.map(|path| own(open(path, OpenOptions::new().read(true))?)).transpose()?;
    Ok(Fixed(Some(Link::new(reader, Some(writer), AtEof::Deaf))))
}

/// `PATH.in` and `PATH.out`, or `PATH` for both ways.
pub(super) fn pipe(path: &Path) -> Result<Fixed> {
    let with = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    // Both ways, so that opening waits for nobody and a reader that comes and goes is no end of file.
    let both_ways = OpenOptions::new().read(true).write(true).clone();
    let (input, output) = (with(".in"), with(".out"));
    let (reader, writer) = if input.exists() || output.exists() {
        (open(&input, &both_ways)?, open(&output, &both_ways)?)
    } else {
        let file = open(path, &both_ways)?;
        (file.try_clone().map_err(|e| error!("{}", os_text(&e)))?, file)
    };
    Ok(Fixed(Some(Link::new(Some(own(reader)?), Some(own(writer)?), AtEof::Deaf))))
}
