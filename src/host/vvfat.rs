//! A folder of the host's as a disk with a FAT file system: `file=fat:[12:|16:|32:][floppy:][rw:]FOLDER`.
//!
//! The folder is copied when the disk is opened, into a file without a name. With `rw:` what the guest writes goes back
//! into the folder when it flushes the disk, when it has not written for a while, and at the end; without, the disk
//! takes no writes. Differences from QEMU: changes that the host makes meanwhile are not seen, and a file system that is
//! damaged is not written back at all.
//!
//! Whatever the guest puts on the disk, nothing outside of the folder is touched, and no more is read of the disk for one
//! turn than a bound.
//!
//! Document: Microsoft FAT32 File System Specification, 1.03; the geometry is that of QEMU's `vvfat`.

use super::ends::Block;
use super::folder::Folder;
use super::os_text;
use crate::base::Result;
use crate::{error, fail};
use fatfs::{Dir, FatType, FileSystem, FormatVolumeOptions, FsOptions, format_volume};
use rustix::fs::OFlags;
use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::Duration;

const SECTOR: u64 = 512;
/// Cylinders, heads and sectors of a disk, and where its partition begins.
const DISK: u64 = 1024 * 16 * 63;
const PARTITION: u64 = 63;
/// Sectors of a 2.88 MB floppy disk.
const FLOPPY: u64 = 80 * 2 * 36;
/// Folders inside folders.
const DEEPEST: u32 = 32;
/// How long a guest has not written when what it wrote goes back.
const QUIET: Duration = Duration::from_millis(500);

/// What `fat:…` says.
#[derive(Debug, PartialEq, Eq)]
struct Spec<'a> {
    folder: &'a str,
    bits: u32,
    floppy: bool,
    writable: bool,
}

impl Spec<'_> {
    fn parse(words: &str) -> Spec<'_> {
        let mut spec = Spec { folder: words, bits: 0, floppy: false, writable: false };
        loop {
            let (word, rest) = spec.folder.split_once(':').unwrap_or_default();
            match word {
                "12" => spec.bits = 12,
                "16" => spec.bits = 16,
                "32" => spec.bits = 32,
                "floppy" => spec.floppy = true,
                "rw" => spec.writable = true,
                _ => break,
            }
            spec.folder = rest;
        }
        if spec.bits == 0 {
            spec.bits = if spec.floppy { 12 } else { 16 };
        }
        spec
    }
}

/// Opens the disk that `words`, which stand behind `fat:`, describe. `read_only`: even if they say `rw:`.
///
/// # Errors
/// When the folder cannot be read, or does not fit onto the disk.
pub fn open(words: &str, read_only: bool) -> Result<Box<dyn Block>> {
    let spec = Spec::parse(words);
    let folder = Folder::open(Path::new(spec.folder))?;
    let refused = |e: io::Error| error!("folder '{}' does not become a disk: {}", spec.folder, os_text(&e));
    let start = if spec.floppy { 0 } else { PARTITION };
    let sectors = match (spec.floppy, spec.bits) {
        (true, _) => FLOPPY,
        // FAT12 has 4084 clusters, and the other types more.
        (false, 12) => DISK / 16,
        (false, _) => DISK,
    };
    let file = super::overlay::unnamed()?;
    file.set_len(sectors * SECTOR).map_err(refused)?;
    let volume =
        Volume { file: Arc::new(file), start: start * SECTOR, size: (sectors - start) * SECTOR, at: 0, left: u64::MAX };
    format(&volume, &spec).map_err(refused)?;
    let mut known = Known::new();
    {
        let system = FileSystem::new(volume.clone(), FsOptions::new()).map_err(refused)?;
        copy_in(folder.path(), &system.root_dir(), "", 0, &mut known)?;
    }
    let written_back = Arc::new(WrittenBack {
        volume,
        folder,
        state: Mutex::new(State { known, dirty: false, busy: 0 }),
        woken: Condvar::new(),
    });
    let writable = spec.writable && !read_only;
    if writable {
        let weak = Arc::downgrade(&written_back);
        crate::base::thread::spawn("vvfat", move || follow(&weak))?;
    }
    Ok(Box::new(FatDisk { size: sectors * SECTOR, writable, written_back }))
}

/// Makes the file system and, but for floppy disks, the table with its partition.
fn format(volume: &Volume, spec: &Spec<'_>) -> io::Result<()> {
    let kind = match spec.bits {
        12 => FatType::Fat12,
        16 => FatType::Fat16,
        _ => FatType::Fat32,
    };
    let sectors = (volume.size / SECTOR) as u32;
    let mut options = FormatVolumeOptions::new().fat_type(kind).total_sectors(sectors).volume_label(*b"QEMU VVFAT ");
    if spec.bits == 12 && !spec.floppy {
        options = options.bytes_per_cluster(16 << 10);
    }
    format_volume(volume.clone(), options)?;
    if spec.floppy {
        return Ok(());
    }
    let mut table = [0; 66];
    let kind = [0, 0x01, 0x06, 0x0c][spec.bits as usize / 12 + usize::from(spec.bits == 32)];
    table[..8].copy_from_slice(&[0x80, 1, 1, 0, kind, 0xfe, 0xff, 0xff]);
    table[8..12].copy_from_slice(&(PARTITION as u32).to_le_bytes());
    table[12..16].copy_from_slice(&sectors.to_le_bytes());
    table[64..].copy_from_slice(&[0x55, 0xaa]);
    volume.file.write_all_at(&table, 0x1be)
}

/// What is in the folder, by its name there: the size and a hash of a file, nothing of a folder.
type Known = BTreeMap<String, Option<(u64, u64)>>;

fn copy_in(from: &Path, to: &Dir<'_, Volume>, inside: &str, depth: u32, known: &mut Known) -> Result<()> {
    let refused = |path: &Path, e: io::Error| match e.kind() {
        io::ErrorKind::Other if e.to_string().contains("space") => {
            error!("'{}' does not fit onto the disk any more", path.display())
        }
        _ => error!("'{}' cannot be put onto the disk: {}", path.display(), os_text(&e)),
    };
    if depth > DEEPEST {
        fail!("'{}' is more than {DEEPEST} folders deep", from.display());
    }
    let mut entries: Vec<_> =
        std::fs::read_dir(from).and_then(Iterator::collect::<io::Result<_>>).map_err(|e| refused(from, e))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| refused(&path, e))?;
        let Some(name) = entry.file_name().to_str().map(String::from) else {
            fail!("'{}' has a name that is no text, which FAT does not have", path.display())
        };
        let full = if inside.is_empty() { name.clone() } else { format!("{inside}/{name}") };
        if kind.is_dir() {
            let dir = to.create_dir(&name).map_err(|e| refused(&path, e))?;
            known.insert(full.clone(), None);
            copy_in(&path, &dir, &full, depth + 1, known)?;
        } else if kind.is_file() {
            let mut source = File::open(&path).map_err(|e| refused(&path, e))?;
            let mut target = to.create_file(&name).map_err(|e| refused(&path, e))?;
            let facts = copy(&mut source, &mut target).map_err(|e| refused(&path, e))?;
            known.insert(full, Some(facts));
        }
        // Symbolic links, sockets and the like are nothing that FAT has.
    }
    Ok(())
}

/// Copies a file; returns its size and a hash.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, u64)> {
    let (mut buffer, mut size, mut hash) = (vec![0; 64 << 10], 0, DefaultHasher::new());
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            to.flush()?;
            return Ok((size, hash.finish()));
        }
        to.write_all(&buffer[..count])?;
        hash.write(&buffer[..count]);
        size += count as u64;
    }
}

/// The part of the disk that has the file system.
#[derive(Clone)]
struct Volume {
    file: Arc<File>,
    /// Bytes on the disk.
    start: u64,
    size: u64,
    at: u64,
    /// Bytes that may still be read: a damaged file system can go in circles.
    left: u64,
}

impl Read for Volume {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = (into.len() as u64).min(self.size.saturating_sub(self.at)) as usize;
        // Small reads cost as much time as somewhat larger ones.
        self.left =
            self.left.checked_sub(count.max(64) as u64).ok_or_else(|| io::Error::other("it goes in circles"))?;
        self.file.read_exact_at(&mut into[..count], self.start + self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for Volume {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let count = (from.len() as u64).min(self.size.saturating_sub(self.at)) as usize;
        self.file.write_all_at(&from[..count], self.start + self.at)?;
        self.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Volume {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

struct State {
    known: Known,
    /// The guest has written since.
    dirty: bool,
    /// How often it has written: it is quiet when the number stays.
    busy: u64,
}

/// The way back from the disk into the folder.
struct WrittenBack {
    volume: Volume,
    folder: Folder,
    state: Mutex<State>,
    woken: Condvar,
}

/// Writes back what a guest wrote that has fallen quiet, until the disk is gone.
fn follow(disk: &Weak<WrittenBack>) {
    let mut last = 0;
    loop {
        std::thread::sleep(QUIET);
        let Some(disk) = disk.upgrade() else { return };
        let mut state = disk.lock();
        while !state.dirty {
            // Woken now and then, to notice that the disk is gone.
            let (woken, result) =
                disk.woken.wait_timeout(state, 8 * QUIET).unwrap_or_else(std::sync::PoisonError::into_inner);
            state = woken;
            if result.timed_out() {
                break;
            }
        }
        if state.dirty && state.busy == last {
            // Who wants to know of errors flushes.
            let _ = disk.write_back(&mut state);
        }
        last = state.busy;
    }
}

impl WrittenBack {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Makes the folder what the disk is. A file system that cannot be read now changes nothing: it may be whole again
    /// after the guest's next write.
    fn write_back(&self, state: &mut State) -> io::Result<()> {
        if !std::mem::take(&mut state.dirty) {
            return Ok(());
        }
        let volume = Volume { left: 4 * self.volume.size, ..self.volume.clone() };
        let mut found = Known::new();
        let Ok(system) = FileSystem::new(volume, FsOptions::new()) else { return Ok(()) };
        let root = system.root_dir();
        if list(&root, "", 0, &mut found).is_err() {
            return Ok(());
        }
        for (name, facts) in &found {
            match (facts, state.known.get(name)) {
                (new, Some(old)) if new == old => {}
                (None, _) => self.folder.create_dir(name.as_bytes())?,
                (Some(_), _) => {
                    let mut source = root.open_file(name)?;
                    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
                    copy(&mut source, &mut self.folder.file(name.as_bytes(), flags)?)?;
                }
            }
        }
        // Those inside a folder stand behind it.
        for (name, facts) in state.known.iter().rev().filter(|(name, _)| !found.contains_key(*name)) {
            match facts {
                Some(_) => self.folder.remove(name.as_bytes())?,
                None => self.folder.remove_dir(name.as_bytes())?,
            }
        }
        state.known = found;
        Ok(())
    }
}

fn list(dir: &Dir<'_, Volume>, inside: &str, depth: u32, found: &mut Known) -> io::Result<()> {
    if depth > DEEPEST {
        return Err(io::Error::other("too deep"));
    }
    for entry in dir.iter() {
        let entry = entry?;
        let name = entry.file_name();
        let is_volume = entry.attributes().contains(fatfs::FileAttributes::VOLUME_ID);
        if name == "." || name == ".." || is_volume {
            continue;
        }
        if name.is_empty() || name.contains(['/', '\0']) {
            return Err(io::Error::other("a name that no file has"));
        }
        let full = if inside.is_empty() { name } else { format!("{inside}/{name}") };
        if entry.is_dir() {
            list(&entry.to_dir(), &full, depth + 1, found)?;
            found.insert(full, None);
        } else {
            let facts = copy(&mut entry.to_file(), &mut io::sink())?;
            found.insert(full, Some(facts));
        }
    }
    Ok(())
}

struct FatDisk {
    /// Bytes.
    size: u64,
    writable: bool,
    written_back: Arc<WrittenBack>,
}

impl FatDisk {
    fn file(&self) -> &File {
        &self.written_back.volume.file
    }

    fn check(&self, offset: u64, length: u64) -> io::Result<()> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn check_write(&self, offset: u64, length: u64) -> io::Result<()> {
        if self.writable { self.check(offset, length) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    fn written(&self) {
        let mut state = self.written_back.lock();
        state.dirty = true;
        state.busy = state.busy.wrapping_add(1);
        self.written_back.woken.notify_one();
    }
}

impl Drop for FatDisk {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.flush();
    }
}

impl Block for FatDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_only(&self) -> bool {
        !self.writable
    }

    fn read(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.check(offset, into.len() as u64)?;
        self.file().read_exact_at(into, offset)
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> io::Result<()> {
        self.check_write(offset, from.len() as u64)?;
        self.file().write_all_at(from, offset)?;
        self.written();
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut state = self.written_back.lock();
        self.written_back.write_back(&mut state)
    }

    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.check_write(offset, length)
    }

    fn write_zeroes(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.check_write(offset, length)?;
        super::block::write_zeros(self.file(), offset, length, true)?;
        self.written();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("mimus-vvfat-{}-{name}", std::process::id()));
        std::fs::create_dir_all(path.join("EFI/boot")).unwrap();
        std::fs::write(path.join("EFI/boot/a long name.txt"), b"hello").unwrap();
        std::fs::write(path.join("gone.txt"), b"gone").unwrap();
        path
    }

    /// A guest's view of the disk.
    struct Guest(Box<dyn Block>, u64);

    impl Read for Guest {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(PARTITION * SECTOR + self.1, into)?;
            self.1 += into.len() as u64;
            Ok(into.len())
        }
    }

    impl Write for Guest {
        fn write(&mut self, from: &[u8]) -> io::Result<usize> {
            self.0.write(PARTITION * SECTOR + self.1, from)?;
            self.1 += from.len() as u64;
            Ok(from.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Guest {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            if let SeekFrom::Start(at) = to {
                self.1 = at;
            } else if let SeekFrom::Current(offset) = to {
                self.1 = self.1.checked_add_signed(offset).unwrap();
            }
            Ok(self.1)
        }
    }

    #[test]
    fn words_are_read_in_any_order() {
        let spec = Spec::parse("floppy:rw:a:b");
        assert_eq!(spec, Spec { folder: "a:b", bits: 12, floppy: true, writable: true });
        assert_eq!(Spec::parse("dir"), Spec { folder: "dir", bits: 16, floppy: false, writable: false });
        for kind in ["16:", "12:", "32:", "floppy:", "floppy:16:"] {
            let path = folder("kinds");
            open(&format!("{kind}{}", path.display()), true).unwrap_or_else(|e| panic!("{kind}: {e}"));
        }
    }

    #[test]
    fn a_guest_reads_the_folder_and_what_it_writes_gets_there() {
        let path = folder("rw");
        let disk = open(&format!("rw:{}", path.display()), false).unwrap();
        let mut guest = Guest(disk, 0);
        {
            let system = FileSystem::new(&mut guest, FsOptions::new()).unwrap();
            let root = system.root_dir();
            let mut text = String::new();
            root.open_file("efi/BOOT/a long name.txt").unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "hello");
            root.create_dir("new").unwrap().create_file("b.txt").unwrap().write_all(b"from the guest").unwrap();
            root.remove("gone.txt").unwrap();
        }
        guest.0.flush().unwrap();
        assert_eq!(std::fs::read(path.join("new/b.txt")).unwrap(), b"from the guest");
        assert!(!path.join("gone.txt").exists());
        assert_eq!(std::fs::read(path.join("EFI/boot/a long name.txt")).unwrap(), b"hello");
        // A damaged file system changes nothing.
        guest.0.write(PARTITION * SECTOR, &[0; 4096]).unwrap();
        guest.0.flush().unwrap();
        assert!(path.join("new/b.txt").exists());
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn without_rw_nothing_is_written() {
        let path = folder("ro");
        let mut disk = open(&path.display().to_string(), false).unwrap();
        assert!(disk.read_only() && disk.write(0, &[0; 512]).is_err());
        std::fs::remove_dir_all(&path).unwrap();
    }
}
