//! The host's limits are told to the user or the guest, and end nothing.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Sends 64 KiB to the serial line and switches the machine off.
#[rustfmt::skip]
const CHATTER: &[u32] = &[
    0x1000_02b7, 0x0001_0337, // lui t0, 0x10000: the serial line; lui t1, 0x10
    0x0062_8023, 0xfff3_0313, 0xfe03_1ce3, // sb, addi t1, t1, -1, bnez
    0x0010_03b7, 0x0000_5e37, 0x555e_0e13, 0x01c3_a023, 0x0000_006f, // 0x5555 to the finisher, and wait
];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs the guest under a limit of the shell's; its exit code, and what was said.
fn chatter(name: &str, limit: &str, args: &str) -> (Option<i32>, String) {
    let kernel = path(&format!("{name}.bin"));
    std::fs::write(&kernel, CHATTER.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let mimus = env!("CARGO_BIN_EXE_mimus");
    let fixed = "-M riscv64-virt -m 16M -display none -monitor none -bios none -kernel";
    let script = format!("{limit}; exec '{mimus}' {fixed} '{}' {args}", kernel.display());
    let output = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_file_that_outgrows_its_limit_is_told_and_the_guest_goes_on() {
    let serial = path("outgrown.txt");
    let (code, said) = chatter("outgrown", "ulimit -f 8", &format!("-serial file:{}", serial.display()));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("what a device sends is lost: File too large").count(), 1, "{said}");
    assert!(std::fs::metadata(&serial).unwrap().len() >= 4096);
}

#[test]
fn a_log_that_outgrows_its_limit_is_told_and_the_guest_goes_on() {
    let log = path("outgrown.log");
    let (code, said) = chatter("logged", "ulimit -f 8", &format!("-serial null -d exec,nochain -D {}", log.display()));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("the log ends here").count(), 1, "{said}");
}

#[test]
fn a_full_disk_is_told_and_the_guest_goes_on() {
    let (code, said) = chatter("full", ":", "-serial file:/dev/full");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("what a device sends is lost: No space left on device"), "{said}");
}

#[test]
fn a_small_stack_is_enough() {
    let (code, said) = chatter("stack", "ulimit -s 64", "-serial null");
    assert_eq!(code, Some(0), "{said}");
}
