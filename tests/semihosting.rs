//! Semihosting calls of bare-metal programs, on every instruction set and engine.

#[path = "common/elf.rs"]
mod elf;

use mimus::boot::{Firmware, Request};
use mimus::engine::Kind;
use mimus::host::{Folder, NullChar};
use mimus::machine::page::{Page, find};
use mimus::machine::{self, Actions, Control, Setup};
use mimus::semihosting;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// An instruction set with a program that makes the calls of a table of (operation, parameter, expected result) at
/// 0x1000 behind its first instruction, and with the first unexpected one calls SYS_EXIT_EXTENDED with it as block.
struct Isa {
    name: &'static str,
    machine: u16,
    base: u64,
    code: &'static [u32],
}

#[rustfmt::skip]
const ISAS: [Isa; 2] = [
    Isa { name: "riscv64", machine: 243, base: 0x8000_0000, code: &[
        0x0000_1417, // auipc s0, 1
        0x0004_3503, 0x0084_3583, 0x0100_006f, 0x13, 0x13, 0x13, // loop: ld a0, (s0); ld a1, 8(s0); j call
        0x01f0_1013, 0x0010_0073, 0x4070_5013, // call:
        0x0104_3283, 0x0055_1663, // ld t0, 16(s0); bne a0, t0, other
        0x0184_0413, 0xfd1f_f06f, // next: addi s0, s0, 24; j loop
        0x0012_8293, 0x0012_8293, 0xfe02_88e3, // other: addi t0, t0, 1, twice; beqz t0, next
        0x0200_0513, 0x0004_0593, 0xfd1f_f06f, // li a0, 0x20; mv a1, s0; j call
    ] },
    Isa { name: "aarch64", machine: 183, base: 0x4100_0000, code: &[
        0x1000_8009, // adr x9, 0x1000
        0xf940_0120, 0xf940_0521, // loop: ldr x0, [x9]; ldr x1, [x9, 8]
        0xd45e_0000, // call: hlt 0xf000
        0xf940_0922, 0xeb02_001f, 0x5400_0061, // ldr x2, [x9, 16]; cmp x0, x2; b.ne other
        0x9100_6129, 0x17ff_fff9, // next: add x9, x9, 24; b loop
        0xb100_085f, 0x54ff_ffa0, // other: cmn x2, 2; b.eq next
        0xd280_0400, 0xaa09_03e1, 0x17ff_fff6, // mov x0, 0x20; mov x1, x9; b call
    ] },
];

const TABLE: usize = 0x1000;
const DATA: usize = 0x4000;
const SIZE: usize = 0x1_0000;
/// Any result is expected.
const ANY: u64 = -2i64 as u64;
const FAILED: u64 = u64::MAX;

/// A program on the way.
struct Program<'a> {
    isa: &'a Isa,
    table: Vec<u64>,
    data: Vec<u8>,
}

impl Program<'_> {
    fn new(isa: &Isa) -> Program<'_> {
        Program { isa, table: Vec::new(), data: Vec::new() }
    }

    /// The address of these bytes, 8-byte aligned.
    fn put(&mut self, bytes: &[u8]) -> u64 {
        let at = self.isa.base + (DATA + self.data.len()) as u64;
        self.data.extend(bytes);
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        at
    }

    fn call(&mut self, operation: u64, parameter: u64, expected: u64) {
        self.table.extend([operation, parameter, expected]);
    }

    /// A call with a parameter block, whose address it answers.
    fn call_with(&mut self, operation: u64, block: &[u64], expected: u64) -> u64 {
        let bytes: Vec<u8> = block.iter().flat_map(|word| word.to_le_bytes()).collect();
        let at = self.put(&bytes);
        self.call(operation, at, expected);
        at
    }

    fn text(&mut self, text: &str) -> u64 {
        self.put(&[text.as_bytes(), &[0]].concat())
    }

    fn open(&mut self, name: &str, mode: u64, expected: u64) {
        let at = self.text(name);
        self.call_with(1, &[at, mode, name.len() as u64], expected);
    }

    fn write(&mut self, handle: u64, text: &str, expected: u64) {
        let at = self.text(text);
        self.call_with(5, &[handle, at, text.len() as u64], expected);
    }

    fn say(&mut self, text: &str) {
        let at = self.text(text);
        self.call(4, at, 0);
    }

    fn exit(&mut self, code: u64) {
        self.call_with(0x18, &[0x20026, code], ANY);
    }

    /// Writes the program to a file.
    fn file(&self, folder: &Path) -> PathBuf {
        let mut image = vec![0; SIZE];
        let table = self.table.iter().flat_map(|word| word.to_le_bytes());
        let code = self.isa.code.iter().flat_map(|word| word.to_le_bytes());
        for (at, bytes) in [(0, code.collect::<Vec<u8>>()), (TABLE, table.collect()), (DATA, self.data.clone())] {
            image[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        assert!(TABLE + 8 * self.table.len() <= DATA);
        let path = folder.join(format!("{}.elf", self.isa.name));
        std::fs::write(&path, elf::elf((self.isa.machine, 0, false), self.isa.base, &image, SIZE as u64)).unwrap();
        path
    }

    /// Runs the program in a folder.
    fn run(&self, engine: &str, folder: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mimus"));
        command.args("-M virt -display none -serial none -monitor none -bios none -arch".split(' '));
        command.args([self.isa.name, "-accel", engine]).args(more).arg("-kernel").arg(self.file(folder));
        command.current_dir(folder).stdin(Stdio::null()).output().unwrap()
    }
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path.canonicalize().unwrap()
}

/// Runs what `write` writes, everywhere; each run ends with `code`, and its folder and output are looked at.
fn everywhere(name: &str, more: &[&str], code: i32, write: fn(&mut Program), look: fn(&Path, &str, &str)) {
    for isa in &ISAS {
        for engine in ["interp", "jit"] {
            let folder = folder(&format!("semihosting-{name}-{}-{engine}", isa.name));
            let mut program = Program::new(isa);
            write(&mut program);
            let output = program.run(engine, &folder, more);
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.status.code(), Some(code), "{} {engine}: {out}{err}", isa.name);
            look(&folder, &out, &err);
        }
    }
}

#[test]
fn a_program_ends_with_its_code() {
    everywhere("exit", &["-semihosting"], 42, |program| program.exit(42), |_, _, _| {});
    let failure = |program: &mut Program| {
        program.call_with(0x20, &[0x20023, 0], ANY);
    };
    everywhere("failure", &["-semihosting-config", "enable=on,target=native"], 1, failure, |_, _, _| {});
}

#[test]
fn the_console_is_stderr_and_stdin_and_tt_is_stdout() {
    let program = |p: &mut Program| {
        p.say("said\n");
        let c = p.put(b"c");
        p.call(3, c, 0);
        p.open(":tt", 4, 1);
        p.write(1, "out\n", 0);
        p.open(":tt", 8, 2);
        p.write(2, "err\n", 0);
        p.call(7, 0, FAILED); // stdin has ended
        p.open(":tt", 0, 3);
        let buffer = p.put(&[0; 8]);
        p.call_with(6, &[3, buffer, 8], 8);
        p.call_with(9, &[1], 0);
        p.exit(3);
    };
    everywhere("console", &["-semihosting"], 3, program, |_, out, err| {
        assert_eq!((out, err), ("out\n", "said\ncerr\n"));
    });
    let device = ["-chardev", "file,id=c,path=console", "-semihosting-config", "chardev=c"];
    let program = |p: &mut Program| {
        p.say("said\n");
        p.open(":tt", 4, 1);
        p.write(1, "out\n", 0);
        p.call_with(9, &[1], 1);
        p.exit(0);
    };
    everywhere("chardev", &device, 0, program, |folder, out, err| {
        assert_eq!((out, err), ("", ""));
        assert_eq!(std::fs::read_to_string(folder.join("console")).unwrap(), "said\nout\n");
    });
}

#[test]
fn files_are_written_read_moved_and_removed() {
    let program = |p: &mut Program| {
        p.open("a", 6, 1);
        p.write(1, "hello\n", 0);
        p.call_with(0xc, &[1], 6);
        p.call_with(0xa, &[1, 4], 0);
        p.write(1, "p", 0);
        p.call_with(0xa, &[1, 1], 0);
        let buffer = p.put(&[0; 16]);
        p.call_with(6, &[1, buffer, 16], 11);
        p.call(4, buffer, 0);
        p.call_with(6, &[1, buffer, 16], 16);
        p.call_with(9, &[1], 0);
        p.call_with(2, &[1], 0);
        p.call_with(2, &[1], FAILED);
        p.call(0x13, 0, 9);
        p.open("a", 8, 1);
        p.write(1, "more", 0);
        let (a, b) = (p.text("a"), p.text("b"));
        p.call_with(0xf, &[a, 1, b, 1], 0);
        p.open("c", 4, 2);
        let c = p.text("c");
        p.call_with(0xe, &[c, 1], 0);
        p.call_with(0xe, &[c, 1], FAILED);
        p.call(0x13, 0, 2);
        p.open("b", 12, FAILED);
        p.call(0x13, 0, 22);
        p.call_with(5, &[77, a, 1], FAILED);
        p.exit(0);
    };
    everywhere("files", &["-semihosting"], 0, program, |folder, _, err| {
        assert_eq!(err, "ellp\n");
        assert_eq!(std::fs::read_to_string(folder.join("b")).unwrap(), "hellp\nmore");
        assert!(!folder.join("a").exists() && !folder.join("c").exists());
    });
}

#[test]
fn files_outside_and_hidden_ones_are_not_there_which_is_said_once() {
    let program = |p: &mut Program| {
        for name in ["/etc/passwd", "../x", ".profile", ".git/hooks/pre-commit"] {
            p.open(name, 0, FAILED);
            p.call(0x13, 0, 13);
            p.open(name, 4, FAILED);
            p.call(0x13, 0, 13);
        }
        let (inside, outside) = (p.text("x"), p.text("../x"));
        p.open("x", 4, 1);
        p.call_with(0xf, &[inside, 1, outside, 4], FAILED);
        let command = p.text("true");
        p.call_with(0x12, &[command, 4], FAILED);
        p.call(0x13, 0, 1);
        p.exit(0);
    };
    everywhere("confined", &["-semihosting"], 0, program, |_, _, err| {
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains("may not reach '/etc/passwd'") && err.contains("folder=DIR"), "{err}");
    });
    let program = |p: &mut Program| {
        p.open(".rc", 4, 1);
        p.open("/etc/passwd", 0, FAILED);
        p.exit(0);
    };
    everywhere("chosen", &["-semihosting-config", "folder=."], 0, program, |folder, _, _| {
        assert!(folder.join(".rc").exists());
    });
}

#[test]
fn what_is_told_of_the_run() {
    let program = |p: &mut Program| {
        let buffer = p.put(&[0; 64]);
        let block = p.call_with(0x15, &[buffer, 64], 0);
        p.call(4, buffer, 0);
        p.call_with(0x15, &[buffer, 8], FAILED); // one byte short
        let heap = p.put(&[0; 32]);
        p.call_with(0x16, &[heap], 0);
        p.call(0x31, 0, 1_000_000_000);
        p.call_with(0x30, &[0], 0);
        p.call(0x10, 0, ANY);
        p.call(0x11, 0, ANY);
        p.call_with(8, &[u64::MAX], 1);
        p.call_with(8, &[0], 0);
        p.call_with(0xd, &[buffer, 3, 64], 0);
        p.call_with(0xd, &[buffer, 3, 4], FAILED);
        p.open(":semihosting-features", 0, 1);
        p.call_with(0xc, &[1], 5);
        p.call_with(6, &[1, buffer, 64], 59);
        p.call(0x99, block, FAILED);
        p.exit(0);
    };
    let arguments = ["-semihosting-config", "arg=prog,arg=a b"];
    everywhere("told", &arguments, 0, program, |_, _, err| assert_eq!(err, "prog a b"));
}

#[test]
fn memory_that_is_not_there_fails_the_call_alone() {
    let program = |p: &mut Program| {
        p.call(4, 0x1000_0000_0000, FAILED);
        p.call(0x13, 0, 14);
        p.call(1, u64::MAX - 4, FAILED);
        p.open("f", 6, 1);
        p.write(1, "text", 0);
        p.call_with(0xa, &[1, 0], 0);
        p.call_with(6, &[1, 8, u64::MAX], FAILED);
        p.call_with(5, &[1, 8, u64::MAX], FAILED);
        p.call_with(1, &[0, 0, u64::MAX], FAILED);
        p.exit(0);
    };
    everywhere("faults", &["-semihosting"], 0, program, |_, _, _| {});
}

#[test]
fn a_program_that_waits_for_input_holds_nobody_up() {
    let folder = folder("semihosting-waits");
    for isa in &ISAS {
        let mut program = Program::new(isa);
        program.call(7, 0, ANY);
        for engine in [Kind::Interp, Kind::Jit] {
            let page = Page::read(&find("virt", Some(isa.name)).unwrap(), &[], &[]).unwrap();
            let kernel = Some(program.file(&folder));
            let boot = Request { kernel, firmware: Firmware::None, ..Request::default() };
            let semihosting = semihosting::Setup {
                console: Some(Box::new(NullChar)),
                folder: Folder::open(&folder).unwrap(),
                arguments: Vec::new(),
                users: false,
            };
            let setup = Setup { engine, boot, semihosting: Some(semihosting), ..Setup::default() };
            let control = Control::start(machine::build(page, setup).unwrap(), Actions::default()).unwrap();
            let run = {
                let control = control.clone();
                std::thread::spawn(move || control.supervise().unwrap())
            };
            control.resume();
            std::thread::sleep(Duration::from_millis(50));
            let asked = Instant::now();
            control.pause();
            assert!(asked.elapsed() < Duration::from_secs(1));
            let pc = control.with_cpu(0, |cpu| cpu.pc).unwrap();
            assert!((isa.base..isa.base + 0x100).contains(&pc), "it still asks: {pc:#x}");
            control.quit(5);
            assert_eq!(run.join().unwrap(), 5);
        }
    }
}
