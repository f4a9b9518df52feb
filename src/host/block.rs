//! Block images: raw files and host block devices.

use super::ends::Block;
use super::os_text;
use super::overlay::Overlay;
use crate::base::Result;
use crate::{error, fail};
use rustix::fs::FallocateFlags;
use serde::Serialize;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};

/// The unit that disks count in.
pub(super) const SECTOR: u64 = 512;

/// How an image is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockOptions {
    /// The file or host block device, or `fat:` and a folder.
    pub path: PathBuf,
    /// Its format; `None`: look, and be careful.
    pub format: Option<Format>,
    /// Nothing is written.
    pub read_only: bool,
    /// An image that may not be written is read only.
    pub auto_read_only: bool,
    /// Writes go to a temporary file that is dropped.
    pub snapshot: bool,
    /// When writes are durable.
    pub cache: Cache,
    /// A guest's discard gives room back.
    pub discard: bool,
    /// Do not lock the image against other users.
    pub unlocked: bool,
}

/// A format of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The disk's bytes and nothing else.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

impl Format {
    /// The format called `name`.
    pub fn named(name: &str) -> Option<Format> {
        match name {
            "raw" | "host_device" | "file" => Some(Format::Raw),
            "qcow2" => Some(Format::Qcow2),
            _ => None,
        }
    }
}

/// When writes are durable: `cache=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cache {
    /// After the guest's next flush.
    #[default]
    Writeback,
    /// When the write is answered.
    Writethrough,
    /// Whenever the host likes: flushes do nothing.
    Unsafe,
}

impl Cache {
    /// The mode called `name`. `none` and `directsync` differ from `writeback` and `writethrough` only in bypassing the
    /// host's cache, which a guest cannot observe; they are the same here.
    pub fn named(name: &str) -> Option<Cache> {
        match name {
            "writeback" | "none" => Some(Cache::Writeback),
            "writethrough" | "directsync" => Some(Cache::Writethrough),
            "unsafe" => Some(Cache::Unsafe),
            _ => None,
        }
    }
}

/// What images begin with that are not raw.
const MAGICS: &[(&[u8], &str)] =
    &[(b"QFI\xfb", "qcow2"), (b"KDMV", "vmdk"), (b"vhdxfile", "vhdx"), (b"conectix", "vpc"), (b"QED\0", "qed")];

impl BlockOptions {
    /// Opens the image. The second part is a warning for the user, when there is one.
    ///
    /// # Errors
    /// When it cannot be opened, is in use, or is of a format that is not there yet.
    pub fn open(&self) -> Result<(Box<dyn Block>, Option<String>)> {
        let shown = self.path.display();
        if let Some(words) = self.path.to_str().and_then(|path| path.strip_prefix("fat:")) {
            return Ok((super::vvfat::open(words, self.read_only)?, None));
        }
        let guarded = self.auto_read_only && must_not_write(&self.path);
        let writes = !(self.read_only || self.snapshot || guarded);
        let mut file = open_file(&self.path, writes)?;
        if !self.unlocked {
            lock(&file, &self.path, writes)?;
        }
        let length = file.seek(SeekFrom::End(0)).map_err(|e| error!("Could not size '{shown}': {}", os_text(&e)))?;

        /// Whether the host lets us read a file and not write it.
        fn must_not_write(path: &Path) -> bool {
            let refused = OpenOptions::new().read(true).write(true).open(path).err().map(|e| e.kind());
            matches!(refused, Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem))
        }

        let mut start = [0; 8];
        let known = length.min(8) as usize;
        file.read_exact_at(&mut start[..known], 0).map_err(|e| error!("Could not read '{shown}': {}", os_text(&e)))?;
        let looks = MAGICS.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name);
        let mut warning = None;
        match (self.format, looks) {
            (Some(Format::Raw), _) => {}
            (Some(Format::Qcow2), _) | (None, Some("qcow2")) => {
                fail!(
                    "Could not open '{shown}': the qcow2 format is not supported yet; qemu-img convert -O raw makes it raw"
                )
            }
            (None, Some(name)) => {
                fail!(
                    "Could not open '{shown}': it looks like {name}, which is not supported; format=raw takes it as it is"
                )
            }
            (None, None) => {
                warning = Some(format!(
                    "WARNING: no format was given for '{shown}' and it looks raw. What a guest writes can look like \
                     anything, so its first block cannot be made to look otherwise; format=raw lifts this."
                ));
            }
        }
        let overlay = if self.snapshot { Some(Overlay::new(length)?) } else { None };
        let raw = Raw {
            file,
            length,
            size: length.next_multiple_of(SECTOR),
            read_only: self.read_only || !(writes || self.snapshot),
            cache: self.cache,
            discard: self.discard,
            guard_start: self.format.is_none(),
            overlay,
        };
        Ok((Box::new(raw), warning))
    }
}

fn open_file(path: &Path, writes: bool) -> Result<File> {
    let shown = path.display();
    let file = OpenOptions::new().read(true).write(writes).open(path).map_err(|e| match e.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem if writes => {
            error!("Could not open '{shown}': {} (readonly=on or snapshot=on does not write to it)", os_text(&e))
        }
        _ => error!("Could not open '{shown}': {}", os_text(&e)),
    })?;
    let kind = file.metadata().map_err(|e| error!("Could not open '{shown}': {}", os_text(&e)))?.file_type();
    if !kind.is_file() && !kind.is_block_device() && path != Path::new("/dev/null") {
        fail!("Could not open '{shown}': it is neither a file nor a block device");
    }
    Ok(file)
}

/// One writer or several readers.
fn lock(file: &File, path: &Path, writes: bool) -> Result<()> {
    let result = if writes { file.try_lock() } else { file.try_lock_shared() };
    match result {
        Err(TryLockError::WouldBlock) => {
            let kind = if writes { "write" } else { "read" };
            Err(error!("Failed to get \"{kind}\" lock: is another process using the image '{}'?", path.display()))
        }
        // A file system without locks is no reason to refuse.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// A raw image.
struct Raw {
    file: File,
    /// Bytes in the file; more may be written, up to `size`.
    length: u64,
    /// `length` rounded up to whole sectors, which is what a guest sees.
    size: u64,
    read_only: bool,
    cache: Cache,
    discard: bool,
    /// The format was guessed: what is written first must not make the next guess another one.
    guard_start: bool,
    overlay: Option<Overlay>,
}

impl Raw {
    fn check(&self, offset: u64, length: u64) -> io::Result<()> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(io::Error::new(ErrorKind::InvalidInput, "beyond the end of the image")),
        }
    }

    fn check_write(&self, offset: u64, length: u64) -> io::Result<()> {
        if self.read_only {
            return Err(io::Error::new(ErrorKind::PermissionDenied, "the image is read-only"));
        }
        self.check(offset, length)
    }

    fn written(&mut self, end: u64) -> io::Result<()> {
        self.length = self.length.max(end);
        if self.cache == Cache::Writethrough { self.flush() } else { Ok(()) }
    }
}

/// Reads from a file as though zeros followed it.
pub(super) fn read_padded(file: &File, mut offset: u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match file.read_at(into, offset) {
            Ok(0) => {
                into.fill(0);
                return Ok(());
            }
            Ok(count) => {
                into = &mut into[count..];
                offset += count as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Makes a range zero by the file system's means, else by writing.
pub(super) fn write_zeros(file: &File, offset: u64, length: u64, give_back: bool) -> io::Result<()> {
    let how = if give_back { FallocateFlags::PUNCH_HOLE } else { FallocateFlags::ZERO_RANGE };
    if length == 0 || rustix::fs::fallocate(file, how | FallocateFlags::KEEP_SIZE, offset, length).is_ok() {
        return Ok(());
    }
    let zeros = vec![0; length.min(1 << 20) as usize];
    let mut done = 0;
    while done < length {
        let count = (length - done).min(zeros.len() as u64);
        file.write_all_at(&zeros[..count as usize], offset + done)?;
        done += count;
    }
    Ok(())
}

impl Block for Raw {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.check(offset, into.len() as u64)?;
        match &self.overlay {
            Some(overlay) => overlay.read(&self.file, offset, into),
            None => read_padded(&self.file, offset, into),
        }
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> io::Result<()> {
        self.check_write(offset, from.len() as u64)?;
        if self.guard_start && offset == 0 && MAGICS.iter().any(|(magic, _)| from.starts_with(magic)) {
            return Err(io::Error::new(ErrorKind::PermissionDenied, "the first block would look like another format"));
        }
        if let Some(overlay) = &mut self.overlay {
            return overlay.write(&self.file, offset, from);
        }
        self.file.write_all_at(from, offset)?;
        self.written(offset + from.len() as u64)
    }

    fn flush(&mut self) -> io::Result<()> {
        // What is dropped in the end need not be durable.
        if self.read_only || self.overlay.is_some() || self.cache == Cache::Unsafe {
            return Ok(());
        }
        self.file.sync_data()
    }

    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.check_write(offset, length)?;
        if !self.discard || self.overlay.is_some() || length == 0 {
            return Ok(());
        }
        // A discard is a hint: a file system that cannot is no error.
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let _ = rustix::fs::fallocate(&self.file, how, offset, length);
        Ok(())
    }

    fn write_zeroes(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.check_write(offset, length)?;
        if let Some(overlay) = &mut self.overlay {
            return overlay.write_zeroes(&self.file, offset, length);
        }
        // What lies beyond the file's end is zero already.
        let length = length.min(self.length.saturating_sub(offset));
        write_zeros(&self.file, offset, length, self.discard)?;
        self.written(0)
    }
}
