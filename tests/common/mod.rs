//! What the comparisons with QEMU's user-mode emulation share: random operands, and running a program there.

mod elf;
mod random;

pub use elf::elf;
pub use random::{Random, rounds};

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// What the program writes when `qemu` runs it.
pub fn run_on_qemu(qemu: &str, name: &str, elf: &[u8]) -> Vec<u8> {
    let path = std::env::temp_dir().join(format!("mimus-{name}-{}", std::process::id()));
    std::fs::write(&path, elf).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(qemu).args(["-cpu", "max"]).arg(&path).stderr(Stdio::inherit()).output();
    std::fs::remove_file(&path).unwrap();
    let output = output.unwrap();
    assert!(output.status.success(), "QEMU ended with {}", output.status);
    output.stdout
}

/// Whether `qemu` is not there, which is said.
pub fn is_missing(qemu: &str) -> bool {
    let missing = Command::new(qemu).arg("--version").output().is_err();
    if missing {
        eprintln!("SKIPPED: {qemu} is not installed");
    }
    missing
}

/// Bytes as 64-bit words.
pub fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
}
