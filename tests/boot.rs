//! Boots of real guests, as data: `boots.toml` says what is started, what is expected, what is typed.
//!
//! The guests are in the folder that `MIMUS_GUESTS` names; without it, or without a boot's files, boots are skipped and
//! say so. `cargo test --test boot -- NAME` runs those with NAME in their name. The console of a failed boot is kept.
//! `MIMUS_BOOT_WITH=qemu-system-riscv64` runs the boots on that emulator instead, to see that they ask for nothing odd.

#[path = "common/fat.rs"]
mod fat;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Boots {
    boot: Vec<Boot>,
}

/// A boot.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Boot {
    name: String,
    /// The command line, split at blanks; `{guests}` is the folder with the guests and `{out}` one for files.
    args: String,
    /// More arguments, each taken as it is.
    #[serde(default)]
    more: Vec<String>,
    /// Files that the boot needs in the folder with the guests.
    #[serde(default)]
    needs: Vec<String>,
    /// A FAT disk that is made, `{disk}`: the names of its files, and where in the folder with the guests they are, or
    /// `text:` and what is in them.
    #[serde(default)]
    disk: BTreeMap<String, String>,
    /// Runs once with each of these after `-accel`.
    #[serde(default = "both")]
    engines: Vec<String>,
    /// The whole boot may take so long.
    seconds: u64,
    /// The exit code in the end.
    #[serde(default)]
    exit: i32,
    #[serde(default)]
    steps: Vec<Step>,
}

/// Text to wait for, and what is typed then.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    expect: Option<String>,
    #[serde(rename = "type")]
    type_in: Option<String>,
}

/// The emulator to try in place of Mimus.
fn other() -> Option<PathBuf> {
    std::env::var_os("MIMUS_BOOT_WITH").filter(|name| !name.is_empty()).map(PathBuf::from)
}

fn both() -> Vec<String> {
    vec!["interp".into(), "jit".into()]
}

/// What the machine has written so far.
#[derive(Default)]
struct Console {
    text: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Console {
    fn follow(self: &Arc<Console>, mut stream: impl Read + Send + 'static) {
        let console = self.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).unwrap_or(0);
                let mut text = console.text.lock().unwrap();
                text.0.extend_from_slice(&buffer[..count]);
                text.1 |= count == 0;
                console.more.notify_all();
                if count == 0 {
                    break;
                }
            }
        });
    }

    /// Waits for `what` behind byte `from`; returns where it ends.
    fn wait(&self, what: &str, from: usize, deadline: Instant) -> Result<usize, String> {
        let mut text = self.text.lock().unwrap();
        loop {
            let behind = &text.0[from..];
            if let Some(at) = behind.windows(what.len()).position(|window| window == what.as_bytes()) {
                return Ok(from + at + what.len());
            }
            if text.1 {
                return Err(format!("the machine ended before '{}' came", what.escape_debug()));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("'{}' did not come in time", what.escape_debug()));
            }
            text = self.more.wait_timeout(text, left).unwrap().0;
        }
    }
}

/// A machine's process; it does not outlive the boot.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already in a good run.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn wait(&mut self, deadline: Instant) -> Result<i32, String> {
        loop {
            if let Some(status) = self.0.try_wait().map_err(|e| e.to_string())? {
                return status.code().ok_or_else(|| format!("it was ended by a signal: {status}"));
            }
            if Instant::now() > deadline {
                return Err("it did not end in time".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Makes the disk that a boot wants; returns its path, or nothing.
fn make_disk(boot: &Boot, guests: &Path, out: &Path) -> Result<String, String> {
    if boot.disk.is_empty() {
        return Ok(String::new());
    }
    let contents = |from: &String| match from.strip_prefix("text:") {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => fs::read(guests.join(from)).map_err(|e| format!("'{from}': {e}")),
    };
    let files: Vec<(String, Vec<u8>)> =
        boot.disk.iter().map(|(name, from)| Ok((name.clone(), contents(from)?))).collect::<Result<_, String>>()?;
    let path = out.join("disk.img");
    fs::write(&path, fat::disk(&files)).map_err(|e| format!("the disk: {e}"))?;
    Ok(path.display().to_string())
}

fn run(boot: &Boot, engine: &str, guests: &Path, out: &Path, console: &Arc<Console>) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(boot.seconds);
    let disk = make_disk(boot, guests, out)?;
    let fill = |arg: &str| {
        // Others' boards have no instruction set in their names.
        let arg = if other().is_some() {
            arg.replace("riscv64-virt", "virt").replace("aarch64-virt", "virt")
        } else {
            arg.into()
        };
        arg.replace("{disk}", &disk)
            .replace("{guests}", &guests.display().to_string())
            .replace("{out}", &out.display().to_string())
    };
    let mut command = Command::new(other().unwrap_or_else(|| env!("CARGO_BIN_EXE_mimus").into()));
    command.args(boot.args.split_whitespace().map(fill)).args(boot.more.iter().map(|arg| fill(arg)));
    command.args(["-accel", engine]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process(command.spawn().map_err(|e| e.to_string())?);
    let (stdout, stderr) = (process.0.stdout.take().unwrap(), process.0.stderr.take().unwrap());
    console.follow(stdout);
    let errors = Arc::<Console>::default();
    errors.follow(stderr);
    let mut stdin = process.0.stdin.take().unwrap();
    let mut at = 0;
    let steps = boot.steps.iter().try_for_each(|step| {
        if let Some(expect) = &step.expect {
            at = console.wait(expect, at, deadline)?;
        }
        if let Some(text) = &step.type_in {
            stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).map_err(|e| format!("typing failed: {e}"))?;
        }
        Ok(())
    });
    let code = steps.and_then(|()| process.wait(deadline)).map_err(|e| {
        let errors = errors.text.lock().unwrap();
        format!("{e}\n{}", String::from_utf8_lossy(&errors.0))
    })?;
    if code != boot.exit {
        let errors = errors.text.lock().unwrap();
        return Err(format!("the exit code is {code}, not {}\n{}", boot.exit, String::from_utf8_lossy(&errors.0)));
    }
    Ok(())
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let boots: Boots = toml::from_str(&fs::read_to_string(here.join("boots.toml")).unwrap()).unwrap();
    if std::env::args().any(|arg| arg == "--list") {
        boots.boot.iter().for_each(|boot| println!("{}: test", boot.name));
        return;
    }
    let guests = std::env::var_os("MIMUS_GUESTS").map(PathBuf::from);
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boot");
    fs::create_dir_all(&out).unwrap();
    let (mut failed, mut skipped) = (0, 0);
    for boot in &boots.boot {
        let engines = if other().is_some() { vec!["tcg".to_string()] } else { boot.engines.clone() };
        for engine in &engines {
            let name = format!("{}/{engine}", boot.name);
            if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
                continue;
            }
            let missing = match &guests {
                None if boot.needs.is_empty() => None,
                None => Some("MIMUS_GUESTS names no folder with guests".to_string()),
                Some(guests) => boot
                    .needs
                    .iter()
                    .find(|file| !guests.join(file).exists())
                    .map(|file| format!("'{file}' is not there")),
            };
            if let Some(why) = missing {
                println!("boot {name} ... skipped: {why}");
                skipped += 1;
                continue;
            }
            let start = Instant::now();
            let console = Arc::<Console>::default();
            match run(boot, engine, guests.as_deref().unwrap_or(&here), &out, &console) {
                Ok(()) => println!("boot {name} ... ok ({:.1} s)", start.elapsed().as_secs_f64()),
                Err(why) => {
                    let log = out.join(format!("{}.log", name.replace('/', "-")));
                    fs::write(&log, &console.text.lock().unwrap().0).unwrap();
                    println!("boot {name} ... FAILED: {why}\n  the console is in {}", log.display());
                    failed += 1;
                }
            }
        }
    }
    println!("boots: {failed} failed, {skipped} skipped");
    std::process::exit(i32::from(failed > 0));
}
