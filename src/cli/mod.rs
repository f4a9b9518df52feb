//! Room `cli`: from QEMU's command line to a [`Config`].
//!
//! ```text
//!   argv ─► words (clap) ─► options (the table) ─► board | disks | net | chars | run ─► Config
//!                                                                     Config ─► ConsolePlan
//! ```
//! Here is grammar and nothing else: no file is opened, no name is looked up on a board. [`Config`] is plain data;
//! [`ConsolePlan`] says which stream each serial line, monitor, gdb and QMP gets, with QEMU's rules for defaults and
//! conflicts. A request for help comes back as a [`HelpTopic`] when another room owns the answer.
//!
//! What a run does with it, in this order:
//! 1. refuse what is not there yet ([`Config::supported`]) and make the [`ConsolePlan`], whose notes go to stderr;
//! 2. watch for signals ([`watch_signals`](crate::host::watch_signals)), so that the terminal is given back whatever comes;
//! 3. open `plan.chardevs` ([`Chardevs`](crate::host::Chardevs)) and every drive's `image`, whose warnings go to stderr;
//! 4. build the machine from the page that `machine.page` and `arch` name, `edits` applied to it, with
//!    `plan.serials[n]` as the host end `serialN`;
//! 5. at the end drop the [`Chardevs`](crate::host::Chardevs): the guest's last words are written, the terminal is given back.
#![forbid(unsafe_code)]

mod board;
mod chars;
pub mod config;
mod console;
mod disks;
mod help;
mod keylist;
mod net;
mod options;
mod run;
mod topology;
mod words;

pub use chars::gdb_stream;
pub use config::Config;
pub use console::{ConsolePlan, MonitorPlan};
pub use help::HelpTopic;
pub use topology::Topology;

use crate::base::Result;
use crate::error;
use config::Arch;
use keylist::{KeyList, is_help};

/// What a command line wants.
#[derive(Debug)]
pub enum Command {
    /// A machine.
    Run(Box<Config>),
    /// An answer that another room knows; the command line may narrow it (`-M virt -cpu help`).
    Help(HelpTopic, Box<Config>),
    /// This text on stdout and this exit code.
    Print(String, i32),
}

/// The name in front of messages: the last part of `argv[0]`.
pub fn program(argv0: Option<&str>) -> String {
    let name = argv0.unwrap_or("mimus");
    name.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("mimus").to_string()
}

/// The words of this process, `argv[0]` included.
///
/// # Errors
/// A word that is not UTF-8.
pub fn arguments() -> Result<Vec<String>> {
    let words = std::env::args_os().map(std::ffi::OsString::into_string);
    words.collect::<std::result::Result<_, _>>().map_err(|word| error!("{}: is not UTF-8", word.to_string_lossy()))
}

/// Reads a command line, `argv[0]` included.
///
/// # Errors
/// What is wrong with it, to be printed after the program's name.
pub fn parse(argv: &[String]) -> Result<Command> {
    let mut reader = Reader::default();
    reader.config.program = program(argv.first().map(String::as_str));
    if let Some(name) = reader.config.program.strip_prefix("qemu-system-") {
        let arch = Arch::named(name).ok_or_else(|| error!("there is no instruction set '{name}': {ARCH_NAMES}"))?;
        reader.config.arch = Some(arch);
        reader.arch_source = Some("the program's name");
    }
    for arg in words::read(argv.get(1..).unwrap_or_default())? {
        let read =
            arg.option.map_or(disks::hda as fn(&mut Reader, &words::Arg<'_>) -> Result<()>, |option| option.read);
        let done = read(&mut reader, &arg);
        let asked =
            arg.option.filter(|option| option.takes_keys() && keylist::split(&arg.value).iter().any(|w| is_help(w)));
        match asked {
            Some(option) if reader.help.is_none() && reader.answer.is_none() => {
                reader.answer = Some((help::paragraph(option), 0));
            }
            Some(_) => {}
            None => done.map_err(|e| e.within(arg.given()))?,
        }
        if let Some((text, code)) = reader.answer {
            return Ok(Command::Print(text, code));
        }
    }
    disks::finish(&mut reader)?;
    board::finish(&mut reader)?;
    let config = Box::new(reader.config);
    Ok(match reader.help {
        Some(topic) => Command::Help(topic, config),
        None => Command::Run(config),
    })
}

/// The names of instruction sets that boards have, for messages.
const ARCH_NAMES: &str = "there are riscv64 and aarch64";

/// A command line on its way to a [`Config`].
#[derive(Default)]
pub(crate) struct Reader {
    config: Config,
    /// What said the instruction set.
    arch_source: Option<&'static str>,
    /// The first request for help that another room answers.
    help: Option<HelpTopic>,
    /// An answer of ours: the reading ends.
    answer: Option<(String, i32)>,
    /// `-M accel=` and `-enable-kvm`; the last one counts.
    machine_accel: Option<(String, config::Given)>,
    /// `-blockdev`, until all are there.
    nodes: Vec<(config::Given, KeyList)>,
    /// Which drives say `snapshot=off`.
    kept_drives: Vec<usize>,
    /// `-set GROUP.ID.KEY=VALUE`, until all groups are there.
    sets: Vec<(config::Given, [String; 4])>,
}

impl Reader {
    /// Keeps the first request for help.
    fn ask(&mut self, topic: HelpTopic) {
        self.help.get_or_insert(topic);
    }

    /// Tells the user something before the run.
    fn note(&mut self, text: String) {
        self.config.notes.push(text);
    }

    /// Remembers that something is understood and cannot be served yet.
    fn refuse(&mut self, what: &str) {
        self.config.unsupported.push(format!("{what} is not supported yet"));
    }
}

#[cfg(test)]
mod tests;
