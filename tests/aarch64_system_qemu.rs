//! The privileged architecture of `-cpu max` against QEMU's system emulation: guests without firmware
//! (`data/aarch64/system/*.S`) print what instructions and registers come to, on both, and on both engines.
//!
//! Without `qemu-system-aarch64` or the cross assembler the tests say so and pass.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const QEMU: &str = "qemu-system-aarch64";
const PREFIX: &str = "aarch64-linux-gnu-";
/// What a run may take; a guest that does not end is stopped.
const MOST: Duration = Duration::from_secs(60);

/// A folder of this run's.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mimus-system-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn tool(name: &str, args: &[&str], folder: &Path) {
    let status = Command::new(format!("{PREFIX}{name}")).args(args).current_dir(folder).status().unwrap();
    assert!(status.success(), "{name} {args:?}");
}

/// The image of a guest, in `folder`.
fn assemble(name: &str, folder: &Path) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/aarch64/system");
    let source = sources.join(format!("{name}.S"));
    let include = format!("-I{}", sources.display());
    // Parts of memory operations that stand alone are meant to.
    let options = ["-W", "-march=armv8.8-a+mops+pauth", &include, "-o", "guest.o", source.to_str().unwrap()];
    tool("as", &options, folder);
    tool("ld", &["-Ttext=0", "-o", "guest.elf", "guest.o"], folder);
    tool("objcopy", &["-O", "binary", "guest.elf", "guest.bin"], folder);
    folder.join("guest.bin")
}

/// What a guest prints on an emulator.
fn output(program: &str, more: &[&str], machine: &str, cpu: &str, image: &Path) -> String {
    let log = image.with_extension("log");
    let _ = std::fs::remove_file(&log);
    let mut child = Command::new(program)
        .args(more)
        .args(["-M", machine, "-cpu", cpu, "-m", "64", "-display", "none", "-monitor", "none", "-bios"])
        .arg(image)
        .arg("-serial")
        .arg(format!("file:{}", log.display()))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > MOST {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let printed = std::fs::read_to_string(&log).unwrap();
    assert!(ended.success(), "{program} {more:?} on {cpu} ended with {ended}; it printed\n{printed}");
    printed
}

fn on_qemu(machine: &str, cpu: &str, image: &Path) -> String {
    output(QEMU, &["-nic", "none"], machine, cpu, image)
}

fn on_mimus(engine: &str, machine: &str, cpu: &str, image: &Path) -> String {
    let machine = format!("aarch64-{machine}");
    output(env!("CARGO_BIN_EXE_mimus"), &["-accel", engine], &machine, cpu, image)
}

/// Whether a tool is missing, which is said.
fn is_missing() -> bool {
    [QEMU.to_owned(), format!("{PREFIX}as")].iter().any(|tool| {
        let missing = Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_err();
        if missing {
            eprintln!("SKIPPED: {tool} is not installed");
        }
        missing
    })
}

/// Holds a guest's output to QEMU's, line by line.
fn check(name: &str, machine: &str, cpu: &str) {
    if is_missing() {
        return;
    }
    let folder = folder(&format!("{name}-{}", cpu.replace(',', "-")));
    let image = assemble(name, &folder);
    let theirs = on_qemu(machine, cpu, &image);
    assert!(theirs.lines().count() > 4, "QEMU printed\n{theirs}");
    for engine in ["jit", "interp"] {
        let ours = on_mimus(engine, machine, cpu, &image);
        for (n, (our, their)) in ours.lines().zip(theirs.lines()).enumerate() {
            assert_eq!(our, their, "{name} by {engine} on {cpu}, line {}", n + 1);
        }
        assert_eq!(ours.lines().count(), theirs.lines().count(), "{name} by {engine} on {cpu}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn pointers_are_signed_as_by_qemu() {
    for algorithm in ["pauth-impdef", "pauth-qarma3", "pauth-qarma5"] {
        check("pauth", "virt", &format!("max,{algorithm}=on"));
    }
}

#[test]
fn branch_targets_are_guarded_as_by_qemu() {
    check("bti", "virt", "max");
}

#[test]
fn memory_is_copied_and_set_as_by_qemu() {
    check("mops", "virt", "max");
}

#[test]
fn performance_monitors_count_as_qemus() {
    check("pmu", "virt", "max");
    check("pmu", "virt", "cortex-a57");
}

#[test]
fn registers_of_smaller_features_are_qemus() {
    check("registers", "virt", "max");
    check("registers", "virt,virtualization=on", "max");
}

/// Fields of identification registers that differ from QEMU's: register, lowest bit, and why.
const DIFFERENCES: &[(&str, u32, &str)] = &[
    ("ID_AA64PFR0", 0, "no AArch32 at EL0"),
    ("ID_AA64PFR0", 4, "no AArch32 at EL1"),
    ("ID_AA64PFR0", 8, "no AArch32 at EL2"),
    ("ID_AA64PFR0", 12, "no AArch32 at EL3"),
    ("ID_AA64PFR0", 32, "no SVE"),
    ("ID_AA64PFR0", 36, "no Secure EL2"),
    ("ID_AA64PFR1", 8, "no MTE"),
    ("ID_AA64PFR1", 24, "no SME"),
    ("ID_AA64PFR1", 36, "no non-maskable interrupts"),
    ("ID_AA64MMFR0", 20, "no addresses of 52 bits with granules of 16 KiB"),
    ("ID_AA64MMFR0", 28, "no addresses of 52 bits with granules of 4 KiB"),
    ("ID_AA64MMFR0", 32, "likewise in stage 2"),
    ("ID_AA64MMFR0", 40, "likewise in stage 2"),
    ("ID_AA64MMFR0", 56, "no fine-grained traps"),
    ("ID_AA64MMFR1", 56, "no control of cache maintenance's permissions"),
    ("ID_AA64MMFR2", 24, "no nested virtualization"),
    ("ID_AA64MMFR2", 28, "no small translation tables"),
    ("ID_AA64MMFR2", 40, "stage 2 does not force write-back"),
];

/// Registers that are all AArch32's, SVE's or SME's.
const ABSENT: &[&str] = &["ID_AA64ZFR0", "ID_AA64SMFR0"];

#[test]
fn identification_registers_are_qemus_less_what_is_not_there() {
    if is_missing() {
        return;
    }
    let folder = folder("ids");
    let image = assemble("ids", &folder);
    let models = [
        "cortex-a35",
        "cortex-a53",
        "cortex-a55",
        "cortex-a57",
        "cortex-a710",
        "cortex-a72",
        "cortex-a76",
        "max",
        "neoverse-n1",
        "neoverse-n2",
        "neoverse-v1",
    ];
    let mut found = vec![];
    for model in models {
        for machine in ["virt", "virt,virtualization=on,gic-version=3"] {
            let theirs = on_qemu(machine, model, &image);
            let ours = on_mimus("jit", machine, model, &image);
            assert_eq!(ours.lines().count(), theirs.lines().count());
            let unknown = ours.lines().zip(theirs.lines()).filter_map(|(our, their)| difference(our, their));
            found.extend(unknown.map(|what| format!("{model} on {machine}: {what}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    std::fs::remove_dir_all(folder).unwrap();
}

/// What differs in a register that is told of in a line, and is not among [`DIFFERENCES`].
fn difference(our: &str, their: &str) -> Option<String> {
    let (name, our) = our.split_once(' ').unwrap();
    let (_, their) = their.split_once(' ').unwrap();
    let value = |text: &str| u64::from_str_radix(text.trim(), 16).unwrap();
    let (our, their) = (value(our), value(their));
    if ABSENT.contains(&name) && our == 0 {
        return None;
    }
    let known = |at: u32| DIFFERENCES.iter().any(|(register, bit, _)| (*register, *bit) == (name, at));
    let unknown = (0..64).step_by(4).find(|at| (our ^ their) >> at & 0xf != 0 && !known(*at))?;
    Some(format!("{name} from bit {unknown} on: {our:#018x}, in QEMU {their:#018x}"))
}

#[test]
fn what_identifies_cortex_a78ae_is_its_manuals() {
    if is_missing() {
        return;
    }
    let folder = folder("a78ae");
    let image = assemble("ids", &folder);
    let printed = on_mimus("jit", "virt", "cortex-a78ae", &image);
    // Arm's technical reference manual of Cortex-A78AE, revision r0p3; less AArch32, EL2 and EL3.
    for line in [
        "MIDR_EL1 00000000410fd423",
        "ID_AA64PFR0 1100000010110011",
        "ID_AA64ISAR0 0010100010211120",
        "ID_AA64ISAR1 0000000001200031",
        "ID_AA64MMFR0 0000000000101125",
        "CTR_EL0 000000009444c004",
        "CLIDR_EL1 0000000082000023",
        "PMCR_EL0 0000000041223000",
    ] {
        assert!(printed.lines().any(|printed| printed.trim() == line), "{line} is not in\n{printed}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
