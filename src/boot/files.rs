//! Finding and reading files.

use crate::base::{Result, os_text};
use crate::{error, fail};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// `-bios`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Firmware {
    /// The board's own: built-in services.
    #[default]
    Default,
    /// None at all.
    None,
    /// This file, or this name in a firmware directory.
    File(PathBuf),
}

/// Where distributions put firmware.
const DIRS: &[&str] = &["/usr/share/qemu", "/usr/local/share/qemu", "/usr/lib/riscv64-linux-gnu/opensbi/generic"];

/// Reads a whole file; `what` is the flag's word for it.
///
/// # Errors
/// When it cannot be read, or is a device that never ends.
pub fn read(what: &str, path: &Path) -> Result<Vec<u8>> {
    let refused = |e: std::io::Error| error!("could not load {what} '{}': {}", path.display(), os_text(&e));
    let mut file = File::open(path).map_err(refused)?;
    let mut bytes = Vec::new();
    if file.metadata().map_err(refused)?.file_type().is_char_device() {
        (&mut file).take(1).read_to_end(&mut bytes).map_err(refused)?;
        if !bytes.is_empty() {
            fail!("could not load {what} '{}': it is a device, not a file", path.display());
        }
    }
    file.read_to_end(&mut bytes).map_err(refused)?;
    Ok(bytes)
}

/// The directories in which firmware is looked for, in order.
pub fn firmware_dirs(given: &[PathBuf]) -> Vec<PathBuf> {
    given.iter().cloned().chain(DIRS.iter().map(PathBuf::from)).collect()
}

/// The firmware file that `name` means: the file itself, or one of that name in a firmware directory.
///
/// # Errors
/// When there is none.
pub fn find_firmware(name: &Path, given: &[PathBuf]) -> Result<PathBuf> {
    if name.exists() {
        return Ok(name.to_path_buf());
    }
    let dirs = firmware_dirs(given);
    dirs.iter().map(|dir| dir.join(name)).find(|path| path.exists()).ok_or_else(|| {
        error!("Unable to find the firmware '{}': there is no such file, here or in {}", name.display(), list(&dirs))
    })
}

fn list(dirs: &[PathBuf]) -> String {
    dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ")
}
