//! A folder whose files a guest may use, and no others: the kernel resolves each name beneath it (`openat2` with
//! RESOLVE_BENEATH), so that neither `..`, a symbolic link, nor a rename in between leads out. What is opened is a
//! regular file: a guest has no business with sockets, pipes and devices.

use crate::base::{Result, os_text};
use crate::error;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The folder.
pub struct Folder {
    root: OwnedFd,
    path: PathBuf,
    /// Whether names that begin with a dot are reached.
    hidden: bool,
}

impl Folder {
    /// A folder that was named for the purpose.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Folder> {
        let refused = |e: std::io::Error| error!("could not open folder '{}': {}", path.display(), os_text(&e));
        let whole = path.canonicalize().map_err(refused)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&whole, flags, Mode::empty()).map_err(|e| refused(e.into()))?;
        Ok(Folder { root, path: whole, hidden: true })
    }

    /// The folder that the process runs in, which nobody chose for a guest: what begins with a dot (`.ssh`, `.git`) is
    /// not reached.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn current() -> Result<Folder> {
        Folder::open(Path::new(".")).map(|folder| Folder { hidden: false, ..folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a regular file. `flags` are those of `open(2)`.
    ///
    /// # Errors
    /// What the host says; `EXDEV` or `EACCES` for what is out of reach.
    pub fn file(&self, name: &[u8], flags: OFlags) -> std::result::Result<File, Errno> {
        let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o644) } else { Mode::empty() };
        let fd = self.resolve(&self.inside(name)?, flags, mode)?;
        match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
            FileType::RegularFile => Ok(File::from(fd)),
            FileType::Directory => Err(Errno::ISDIR),
            _ => Err(Errno::ACCESS),
        }
    }

    /// Removes a file.
    ///
    /// # Errors
    /// As for [`file`](Folder::file).
    pub fn remove(&self, name: &[u8]) -> std::result::Result<(), Errno> {
        let (parent, last) = self.place(name)?;
        rustix::fs::unlinkat(&parent, &last, AtFlags::empty())
    }

    /// Makes a folder inside; one that is there stays.
    ///
    /// # Errors
    /// As for [`file`](Folder::file).
    pub fn create_dir(&self, name: &[u8]) -> std::result::Result<(), Errno> {
        let (parent, last) = self.place(name)?;
        match rustix::fs::mkdirat(&parent, &last, Mode::from_raw_mode(0o755)) {
            Err(Errno::EXIST) => Ok(()),
            result => result,
        }
    }

    /// Removes a folder inside that is empty.
    ///
    /// # Errors
    /// As for [`file`](Folder::file).
    pub fn remove_dir(&self, name: &[u8]) -> std::result::Result<(), Errno> {
        let (parent, last) = self.place(name)?;
        rustix::fs::unlinkat(&parent, &last, AtFlags::REMOVEDIR)
    }

    /// Gives a file another name.
    ///
    /// # Errors
    /// As for [`file`](Folder::file).
    pub fn rename(&self, from: &[u8], to: &[u8]) -> std::result::Result<(), Errno> {
        let ((old, from), (new, to)) = (self.place(from)?, self.place(to)?);
        rustix::fs::renameat(&old, &from, &new, &to)
    }

    /// The folder inside that the last part of a name is in, and that part.
    fn place(&self, name: &[u8]) -> std::result::Result<(OwnedFd, PathBuf), Errno> {
        let name = self.inside(name)?;
        let Some(Component::Normal(last)) = name.components().next_back() else { return Err(Errno::ISDIR) };
        let parent = match name.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let parent = self.resolve(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok((parent, PathBuf::from(last)))
    }

    /// A name as one relative to the folder.
    fn inside(&self, name: &[u8]) -> std::result::Result<PathBuf, Errno> {
        let name = Path::new(OsStr::from_bytes(name));
        let name = if name.is_absolute() { name.strip_prefix(&self.path).map_err(|_| Errno::XDEV)? } else { name };
        let is_hidden = |part: Component<'_>| matches!(part, Component::Normal(part) if part.as_bytes()[0] == b'.');
        if !self.hidden && name.components().any(is_hidden) {
            return Err(Errno::XDEV);
        }
        Ok(name.to_path_buf())
    }

    fn resolve(&self, name: &Path, flags: OFlags, mode: Mode) -> std::result::Result<OwnedFd, Errno> {
        /// How often a look-up is made again that somebody's rename has disturbed.
        const TRIES: u32 = 16;
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 1..TRIES {
            match rustix::fs::openat2(&self.root, name, flags, mode, how) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        rustix::fs::openat2(&self.root, name, flags, mode, how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::fs::symlink;

    /// A folder with a neighbour that nobody inside may touch; both are gone when the test is.
    struct Yard(PathBuf);

    impl Yard {
        fn new(name: &str) -> Yard {
            let path = std::env::temp_dir().join(format!("mimus-folder-{}-{name}", std::process::id()));
            std::fs::create_dir_all(path.join("in/sub")).unwrap();
            std::fs::write(path.join("secret"), "secret").unwrap();
            Yard(path.canonicalize().unwrap())
        }

        fn folder(&self) -> Folder {
            Folder::open(&self.0.join("in")).unwrap()
        }
    }

    impl Drop for Yard {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const MAKE: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::TRUNC);

    #[test]
    fn files_inside_are_made_read_renamed_and_removed() {
        let yard = Yard::new("inside");
        let folder = yard.folder();
        folder.file(b"sub/a", MAKE).unwrap().write_all(b"text").unwrap();
        folder.rename(b"sub/a", b"b").unwrap();
        let whole = yard.0.join("in/b");
        let mut text = String::new();
        folder.file(whole.as_os_str().as_bytes(), OFlags::RDONLY).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text", "by its absolute name");
        assert!(folder.file(b"sub/../b", OFlags::RDONLY).is_ok(), "a way back that stays inside");
        folder.remove(b"b").unwrap();
        assert_eq!(folder.file(b"b", OFlags::RDONLY).unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn nothing_outside_is_reached() {
        let yard = Yard::new("outside");
        let folder = yard.folder();
        symlink("../secret", yard.0.join("in/link")).unwrap();
        symlink("..", yard.0.join("in/up")).unwrap();
        symlink(&yard.0, yard.0.join("in/whole")).unwrap();
        let secret = yard.0.join("secret");
        let names: [&[u8]; 7] = [
            b"../secret",
            b"sub/../../secret",
            secret.as_os_str().as_bytes(),
            b"link",
            b"up/secret",
            b"whole/secret",
            b"/proc/self/root/etc/passwd",
        ];
        for name in names {
            let shown = String::from_utf8_lossy(name);
            assert_eq!(folder.file(name, OFlags::RDONLY).unwrap_err(), Errno::XDEV, "{shown}");
            assert_eq!(folder.file(name, MAKE).unwrap_err(), Errno::XDEV, "{shown}");
            if name != b"link" {
                assert_eq!(folder.remove(name).unwrap_err(), Errno::XDEV, "{shown}");
                assert_eq!(folder.rename(b"sub", name).unwrap_err(), Errno::XDEV, "{shown}");
            }
        }
        assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    }

    #[test]
    fn only_regular_files_are_opened() {
        let yard = Yard::new("kinds");
        let folder = yard.folder();
        rustix::fs::mknodat(rustix::fs::CWD, yard.0.join("in/pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        assert_eq!(folder.file(b"pipe", OFlags::RDONLY).unwrap_err(), Errno::ACCESS);
        assert_eq!(folder.file(b"sub", OFlags::RDONLY).unwrap_err(), Errno::ISDIR);
        assert_eq!(folder.file(b"", OFlags::RDONLY).unwrap_err(), Errno::NOENT);
        assert_eq!(folder.remove(b".").unwrap_err(), Errno::ISDIR);
        assert!(folder.file(b"a\0b", OFlags::RDONLY).is_err());
    }

    #[test]
    fn what_is_hidden_is_reached_in_a_folder_that_was_chosen_alone() {
        let yard = Yard::new("hidden");
        std::fs::write(yard.0.join("in/.rc"), "").unwrap();
        assert!(yard.folder().file(b".rc", OFlags::RDONLY).is_ok());
        let folder = Folder { hidden: false, ..yard.folder() };
        assert_eq!(folder.file(b".rc", OFlags::RDONLY).unwrap_err(), Errno::XDEV);
        assert_eq!(folder.file(b"./sub/../.rc", OFlags::RDONLY).unwrap_err(), Errno::XDEV);
        assert_eq!(folder.rename(b".rc", b"rc").unwrap_err(), Errno::XDEV);
    }
}
