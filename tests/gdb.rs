//! gdb against Linux: from its first function through a breakpoint in a module, single steps, watchpoints, both harts.
//!
//! Takes `riscv64/linux`, `busybox.cpio.gz` and `virtio.cpio.gz` in the folder that `MIMUS_GUESTS` names, and
//! `gdb-multiarch`; without them it says so and passes. There are no symbols for the kernel: its own `/proc/kallsyms`
//! says where things are. `cargo test --test gdb -- NAME` runs those with NAME in their name: `gdb/jit`, `gdb/interp`.
//! `MIMUS_BOOT_WITH=qemu-system-riscv64` runs the same on that emulator, to see that nothing odd is asked for.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a process has written so far.
#[derive(Default)]
struct Text {
    bytes: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Text {
    fn follow(mut stream: impl Read + Send + 'static) -> Arc<Text> {
        let text = Arc::<Text>::default();
        let own = text.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).unwrap_or(0);
                let mut bytes = own.bytes.lock().unwrap();
                bytes.0.extend_from_slice(&buffer[..count]);
                bytes.1 |= count == 0;
                own.more.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        text
    }

    /// Waits for `what` behind byte `from`; returns where it ends.
    fn wait(&self, what: &str, from: usize) -> usize {
        let deadline = Instant::now() + PATIENCE;
        let mut bytes = self.bytes.lock().unwrap();
        loop {
            let behind = bytes.0.get(from..).unwrap_or_default();
            if let Some(at) = behind.windows(what.len()).position(|window| window == what.as_bytes()) {
                return from + at + what.len();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if bytes.1 || left.is_zero() {
                panic!("'{}' does not come after:\n{}", what.escape_debug(), String::from_utf8_lossy(behind));
            }
            bytes = self.more.wait_timeout(bytes, left).unwrap().0;
        }
    }

    /// Everything up to the end of the stream.
    fn all(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut bytes = self.bytes.lock().unwrap();
        while !bytes.1 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not end:\n{}", String::from_utf8_lossy(&bytes.0));
            bytes = self.more.wait_timeout(bytes, left).unwrap().0;
        }
        String::from_utf8_lossy(&bytes.0).into_owned()
    }

    fn since(&self, from: usize) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap().0[from..]).into_owned()
    }
}

/// A process that does not outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A machine with gdb's socket, and its console.
struct Machine {
    process: Process,
    console: Arc<Text>,
    stdin: ChildStdin,
    /// Its socket is `NAME.sock`.
    name: String,
    /// How much of the console has been looked at.
    at: usize,
}

impl Machine {
    fn start(name: &str, engine: &str, initrd: &str, more: &[&str]) -> Machine {
        let guests = fs::canonicalize(guests().unwrap()).unwrap();
        let name = format!("{name}-{engine}");
        let socket = out().join(format!("{name}.sock"));
        let _ = fs::remove_file(&socket);
        let other = other();
        let mut command = Command::new(other.clone().unwrap_or(env!("CARGO_BIN_EXE_mimus").into()));
        command.args("-M virt -m 512M -smp 2 -display none -serial stdio -monitor none -no-reboot".split(' '));
        // A path from here: the name of a socket has room for a hundred bytes.
        command.current_dir(out()).arg("-gdb").arg(format!("unix:{name}.sock,server=on,wait=off"));
        command.arg("-kernel").arg(guests.join("linux")).arg("-initrd").arg(guests.join(initrd));
        command.args(["-append", "console=ttyS0 nokaslr quiet"]).args(more);
        if other.is_none() {
            command.args(["-accel", engine]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let console = Text::follow(child.stdout.take().unwrap());
        let stdin = child.stdin.take().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !socket.exists() {
            assert!(Instant::now() < deadline, "gdb's socket does not come");
            std::thread::sleep(Duration::from_millis(5));
        }
        Machine { process: Process(child), console, stdin, name, at: 0 }
    }

    fn expect(&mut self, what: &str) {
        self.at = self.console.wait(what, self.at);
    }

    fn type_in(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).unwrap();
        self.stdin.flush().unwrap();
    }

    /// Runs a command in the guest's shell and returns what it prints.
    fn shell(&mut self, command: &str) -> String {
        // The marks are not in the echo of the line.
        self.type_in(&format!("echo 'be''gin'\n{command}\necho 'en''d'\n"));
        self.expect("begin\r\n");
        let from = self.at;
        self.expect("end\r\n");
        self.console.since(from)
    }

    /// Loads the loop module and says where its code starts.
    fn load_module(&mut self) -> u64 {
        let start = self.shell("insmod /lib/loop.ko; cat /sys/module/loop/sections/.text");
        let digits = start.lines().find_map(|line| line.strip_prefix("0x"));
        u64::from_str_radix(digits.unwrap_or_else(|| panic!("where is the module? {start}")), 16).unwrap()
    }

    /// Runs gdb with these commands behind `target remote`.
    fn gdb(&self, commands: &str) -> Gdb {
        let script = out().join(format!("{}.gdb", self.name));
        let head = format!(
            "set pagination off\nset confirm off\nset width 0\nset remotetimeout 120\ntarget remote {}.sock\n",
            self.name
        );
        fs::write(&script, head + commands).unwrap();
        let mut command = Command::new("gdb-multiarch");
        command.current_dir(out()).args(["-q", "-nx", "-batch", "-x"]).arg(&script);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text = Text::follow(child.stdout.take().unwrap());
        let errors = Text::follow(child.stderr.take().unwrap());
        Gdb { process: Process(child), text, errors }
    }
}

/// A gdb that runs a script.
struct Gdb {
    process: Process,
    text: Arc<Text>,
    errors: Arc<Text>,
}

impl Gdb {
    /// Presses Ctrl-C.
    fn interrupt(&self) {
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// What it has said by its end; every one of `words` must be there, in this order.
    fn says(self, words: &[&str]) -> String {
        let text = self.text.all();
        let mut rest = text.as_str();
        for word in words {
            match rest.find(word) {
                Some(at) => rest = &rest[at + word.len()..],
                None => panic!("'{word}' is not in what gdb says:\n{text}\nand complains:\n{}", self.errors.all()),
            }
        }
        text
    }
}

fn out() -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gdb");
    fs::create_dir_all(&out).unwrap();
    out
}

/// Where things are: the kernel is the same one each time, and reading its symbols takes an interpreter minutes.
struct Symbols {
    start_kernel: u64,
    linux_banner: u64,
    do_sys_openat2: u64,
    jiffies: u64,
    /// From the start of the module's code.
    lo_ioctl: u64,
}

impl Symbols {
    fn read() -> Symbols {
        const NAMES: [&str; 5] = ["start_kernel", "linux_banner", "do_sys_openat2", "jiffies_64", "lo_ioctl"];
        let mut machine = Machine::start("symbols", "jit", "virtio.cpio.gz", &[]);
        machine.expect("~ # ");
        machine.shell("stty -echo; PS1=");
        let module = machine.load_module();
        let patterns = NAMES.map(|name| format!(" -e ' {name}'")).concat();
        let lines = machine.shell(&format!("grep -F{patterns} /proc/kallsyms"));
        let [start_kernel, linux_banner, do_sys_openat2, jiffies, lo_ioctl] = NAMES.map(|name| {
            let address = |line: &str| {
                let mut words = line.split_whitespace();
                let address = u64::from_str_radix(words.next()?, 16).ok()?;
                (words.nth(1) == Some(name)).then_some(address)
            };
            lines.lines().find_map(address).unwrap_or_else(|| panic!("{name} is not in:\n{lines}"))
        });
        Symbols { start_kernel, linux_banner, do_sys_openat2, jiffies, lo_ioctl: lo_ioctl - module }
    }
}

/// A booted kernel with a shell: breakpoints that both harts meet, steps, watchpoints, a module.
fn running_kernel(engine: &str, symbols: &Symbols) {
    let mut machine = Machine::start("shell", engine, "virtio.cpio.gz", &[]);
    machine.expect("~ # ");
    machine.shell("stty -echo; PS1=");
    let (open, jiffies) = (symbols.do_sys_openat2, symbols.jiffies);

    // Both harts open files all the time.
    let opener = |mask| format!("taskset {mask} sh -c 'while :; do cat /proc/uptime >/dev/null; done' & ");
    machine.shell(&(opener(1) + &opener(2)));
    let hits = "set $seen = 0\nset $stops = 0\nwhile $seen != 3 && $stops < 300\ncontinue\n\
                set $seen = $seen | 1 << ($_thread - 1)\nset $stops = $stops + 1\nend\ncontinue\ncontinue\n";
    let text = machine
        .gdb(&format!("info threads\nbreak *{open:#x}\n{hits}info registers satp priv\ndelete\ndetach\n"))
        .says(&["Thread 1.1 (CPU#0", "Thread 1.2 (CPU#1", "Breakpoint 1 at", "satp", "Supervisor", "detached"]);
    for hart in ["Thread 1 hit Breakpoint 1", "Thread 2 hit Breakpoint 1"] {
        assert!(text.contains(hart), "no '{hart}' in 300 stops:\n{text}");
    }
    machine.shell("kill %1 %2; wait");

    // Steps go on by an instruction, or follow a jump.
    let gdb = machine.gdb(&format!(
        "hbreak *{open:#x}\ncontinue\ndelete\nset scheduler-locking on\np/x $pc\nstepi\np/x $pc\nstepi\n\
         p/x $pc\nx/s {:#x}\nset scheduler-locking off\ndetach\n",
        symbols.linux_banner
    ));
    // The machine is stopped until the breakpoint is in it.
    gdb.text.wait("breakpoint 1 at", 0);
    machine.type_in("cat /proc/version >/dev/null\n");
    let text = gdb.says(&["hit Breakpoint 1", "$1 = 0x", "$2 = 0x", "$3 = 0x", "Linux version 6.", "detached"]);
    let pc = |n: usize| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("${n} = 0x"))).unwrap();
        u64::from_str_radix(line, 16).unwrap()
    };
    assert_eq!(pc(1), open);
    assert!((2..=4).contains(&(pc(2) - pc(1))) && pc(3) != pc(2), "{:x} {:x} {:x}", pc(1), pc(2), pc(3));

    // The tick is counted by whoever has its turn.
    let text = machine
        .gdb(&format!(
            "watch *(unsigned long *){jiffies:#x}\ncontinue\ncontinue\ncontinue\ndelete\n\
             rwatch *(unsigned long *){jiffies:#x}\ncontinue\ndetach\n"
        ))
        .says(&["Hardware watchpoint 1", "Old value = ", "New value = ", "Hardware read watchpoint 2", "Value = "]);
    let values = |word: &str| -> Vec<u64> {
        text.lines().filter_map(|line| line.strip_prefix(word)).map(|value| value.parse().unwrap()).collect()
    };
    let (old, new) = (values("Old value = "), values("New value = "));
    assert_eq!((old.len(), new.len()), (3, 3), "{text}");
    assert!(old.iter().zip(&new).all(|(old, new)| new > old), "{text}");
    assert_eq!(old[1..], new[..2], "no change was missed:\n{text}");

    // Ctrl-C while it runs.
    let gdb = machine.gdb("info threads\ncontinue\np/x $pc\ninfo threads\ndetach\n");
    gdb.text.wait("CPU#1", 0);
    std::thread::sleep(Duration::from_millis(500));
    gdb.interrupt();
    gdb.says(&["SIGINT", "$1 = 0x", "CPU#0", "CPU#1", "detached"]);

    // A breakpoint in a module, whose pages are mapped late.
    let ioctl = machine.load_module() + symbols.lo_ioctl;
    let gdb = machine.gdb(&format!("break *{ioctl:#x}\ncontinue\np/x $pc\nstepi\ndelete\ndetach\n"));
    gdb.text.wait("Breakpoint 1 at", 0);
    machine.type_in("losetup /dev/loop0; echo 'set''up'\n");
    gdb.says(&["hit Breakpoint 1", &format!("$1 = {ioctl:#x}"), "detached"]);
    machine.expect("setup\r\n");

    assert!(machine.shell("echo $((40 + 2))").contains("42"), "it still runs");
    machine.type_in("poweroff\n");
    assert!(machine.process.0.wait().unwrap().success());
}

/// From reset: a breakpoint by virtual address before there is paging, and the end by gdb's `kill`.
fn from_reset(engine: &str, symbols: &Symbols) {
    let Symbols { start_kernel, linux_banner, .. } = symbols;
    let mut machine = Machine::start("reset", engine, "busybox.cpio.gz", &["-S"]);
    let text = machine
        .gdb(&format!(
            "info threads\nhbreak *{start_kernel:#x}\ncontinue\np/x $pc\ninfo registers satp\n\
             maint packet qqemu.sstepbits\nstepi\nx/2i $pc\nx/s {linux_banner:#x}\n\
             maint packet Qqemu.PhyMemMode:1\nx/1xw 0x80200000\n\
             maint packet Qqemu.PhyMemMode:0\ninfo threads\nkill\n"
        ))
        .says(&[
            "Thread 1.1 (CPU#0",
            "Thread 1.2 (CPU#1",
            &format!("$1 = {start_kernel:#x}"),
            "satp",
            "NOIRQ=2",
            "=> 0x",
            "Linux version 6.",
            "0x80200000:",
            "CPU#1",
        ]);
    assert!(!text.contains("Cannot access memory"), "{text}");
    assert!(machine.process.0.wait().unwrap().success());
}

fn guests() -> Option<PathBuf> {
    std::env::var_os("MIMUS_GUESTS").map(|folder| Path::new(&folder).join("riscv64"))
}

/// The emulator to try in place of Mimus.
fn other() -> Option<PathBuf> {
    std::env::var_os("MIMUS_BOOT_WITH").filter(|name| !name.is_empty()).map(PathBuf::from)
}

fn missing() -> Option<String> {
    let Some(guests) = guests() else {
        return Some("MIMUS_GUESTS names no folder with guests".into());
    };
    let files = ["linux", "busybox.cpio.gz", "virtio.cpio.gz"].map(|file| guests.join(file));
    if let Some(file) = files.iter().find(|file| !file.exists()) {
        return Some(format!("'{}' is not there", file.display()));
    }
    let gdb = Command::new("gdb-multiarch").arg("--version").stdout(Stdio::null()).status();
    gdb.is_err().then(|| "there is no gdb-multiarch".into())
}

fn main() {
    let engines = if other().is_some() { &["tcg"][..] } else { &["jit", "interp"] };
    let list = std::env::args().any(|arg| arg == "--list");
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mut symbols = None;
    for engine in engines {
        let name = format!("gdb/{engine}");
        if list {
            println!("{name}: test");
        } else if wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            if let Some(why) = missing() {
                println!("{name} ... skipped: {why}");
                continue;
            }
            let start = Instant::now();
            let symbols = symbols.get_or_insert_with(Symbols::read);
            from_reset(engine, symbols);
            running_kernel(engine, symbols);
            println!("{name} ... ok ({:.1} s)", start.elapsed().as_secs_f64());
        }
    }
}
