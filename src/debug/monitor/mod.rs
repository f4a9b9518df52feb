//! The monitor: QEMU's text commands.
//!
//! ```text
//!   terminal ─► console (a line) ─┐
//!   gdb's `monitor …` ────────────┼─► Monitor::execute ─► the table ─► run | info | memory | print ─► text
//!   QMP's human-monitor-command ──┘
//! ```
//! A command is a row of the table and a function that answers with text. Messages are QEMU's where scripts look for
//! them.

mod args;
mod complete;
mod console;
mod dump;
mod expr;
mod info;
mod memory;
mod run;
#[cfg(test)]
mod tests;

pub use console::Console;
pub use dump::{save_core, save_tree};

use super::Desk;
use crate::machine::Control;
use args::Args;
use memory::Format;
use std::sync::Arc;

/// A command of the table.
struct Command {
    /// Its names, as `help` shows them: `quit|q`.
    names: &'static str,
    /// Its parameters for `help`.
    params: &'static str,
    /// One line of help.
    help: &'static str,
    run: Run,
}

/// What a command does.
type Run = fn(&mut Monitor, &mut Args<'_>) -> Result<String, Fault>;

const fn row(names: &'static str, params: &'static str, help: &'static str, run: Run) -> Command {
    Command { names, params, help, run }
}

/// Why a command did nothing.
enum Fault {
    /// It was written wrongly: the message, and where to read how it is done.
    Usage(String),
    /// It cannot be done.
    Refused(String),
}

/// A usage fault.
fn usage<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Usage(text.into()))
}

/// A refusal.
fn refuse<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(text.into()))
}

/// The commands.
#[rustfmt::skip]
const COMMANDS: &[Command] = &[
    row("c|cont", "", "resume emulation", run::cont),
    row("cpu", "index", "set the default CPU", run::cpu),
    row("dump-guest-memory", "filename [begin length]", "dump guest memory into file 'filename', an ELF core (begin, length: only that memory)", dump::dump_guest_memory),
    row("dumpdtb", "filename", "dump the device tree in dtb format to 'filename'", dump::dumpdtb),
    row("gdbserver", "[device]", "start gdbserver on given device (default 'tcp::1234'), stop with 'none'", run::gdbserver),
    row("gpa2hva", "addr", "print the host virtual address corresponding to a guest physical address", memory::gpa2hva),
    row("gva2gpa", "addr", "print the guest physical address corresponding to a guest virtual address", memory::gva2gpa),
    row("help|?", "[cmd]", "show the help", help),
    row("info", "[subcommand]", "show various information about the system state", info),
    row("log", "item1[,...]", "activate logging of the specified items", run::log),
    row("logfile", "filename", "output logs to 'filename'", run::logfile),
    row("memsave", "addr size file", "save to disk virtual memory dump starting at 'addr' of size 'size'", memory::memsave),
    row("nmi", "", "inject an NMI", run::nmi),
    row("pmemsave", "addr size file", "save to disk physical memory dump starting at 'addr' of size 'size'", memory::pmemsave),
    row("print|p", "/fmt expr", "print expression value (use $reg for CPU register access)", memory::print),
    row("quit|q", "", "quit the emulator", run::quit),
    row("stop|s", "", "stop emulation", run::stop),
    row("sum", "addr size", "compute the checksum of a memory region", memory::sum),
    row("system_powerdown", "", "send system power down event", run::system_powerdown),
    row("system_reset", "", "reset the system", run::system_reset),
    row("watchdog_action", "reset|shutdown|poweroff|pause|debug|none", "change watchdog action", run::watchdog_action),
    row("x", "/fmt addr", "virtual memory dump starting at 'addr'", memory::x),
    row("xp", "/fmt addr", "physical memory dump starting at 'addr'", memory::xp),
];

/// The subcommands of `info`.
#[rustfmt::skip]
const INFOS: &[Command] = &[
    row("block", "", "show info of one block device or all block devices", info::block),
    row("chardev", "", "show the character devices", info::chardev),
    row("cpus", "", "show infos for each CPU", info::cpus),
    row("kvm", "", "show KVM information", info::kvm),
    row("mem", "", "show the active virtual memory mappings", info::mem),
    row("mtree", "[-f]", "show memory tree (-f: dump flat view for address spaces)", info::mtree),
    row("name", "", "show the current VM name", info::name),
    row("qtree", "[-b]", "show device tree (-b: brief, omit properties)", info::qtree),
    row("registers", "[-a|vcpu]", "show the cpu registers (-a: show register info for all cpus; vcpu: specific vCPU to query; show the current CPU's registers if no argument is specified)", info::registers),
    row("roms", "", "show roms", info::roms),
    row("status", "", "show the current VM status (running|paused)", info::status),
    row("tlb", "", "show virtual to physical memory mappings that are in use", info::tlb),
    row("uuid", "", "show the current VM UUID", info::uuid),
    row("version", "", "show the version of QEMU", info::version),
];

impl Command {
    fn is_called(&self, name: &str) -> bool {
        self.names.split('|').any(|own| own == name)
    }

    fn line(&self, prefix: &str) -> String {
        format!("{prefix}{} {} -- {}\n", self.names, self.params, self.help)
    }
}

/// What a monitor keeps between commands.
pub struct Monitor {
    desk: Arc<Desk>,
    /// The vCPU whose registers and memory are meant.
    cpu: u32,
    /// How memory was shown last: what a command leaves out stays as it was.
    format: Format,
}

impl Monitor {
    /// A monitor that looks at the first vCPU.
    pub fn new(desk: Arc<Desk>) -> Monitor {
        Monitor { desk, cpu: 0, format: Format::default() }
    }

    /// Chooses the vCPU that is looked at; false when there is no such.
    pub fn choose(&mut self, cpu: u32) -> bool {
        let known = cpu < self.control().machine().cpus();
        if known {
            self.cpu = cpu;
        }
        known
    }

    /// Does what a line says and answers with lines.
    pub fn execute(&mut self, line: &str) -> String {
        let mut args = Args::new(line);
        let name = args.command();
        if name.is_empty() {
            return String::new();
        }
        match COMMANDS.iter().find(|command| command.is_called(name)) {
            Some(command) => self.run(command, name, args, ""),
            None => format!("unknown command: '{name}'\n"),
        }
    }

    fn run(&mut self, command: &Command, name: &str, mut args: Args<'_>, prefix: &str) -> String {
        let extra = || usage(format!("{}: extraneous characters at the end of line", command.names));
        let done = match (command.run, args.is_empty()) {
            (_, false) if command.params.is_empty() => extra(),
            (run, _) => run(self, &mut args).and_then(|text| if args.is_empty() { Ok(text) } else { extra() }),
        };
        match done {
            Ok(text) => text,
            Err(Fault::Refused(text)) => format!("{text}\n"),
            Err(Fault::Usage(text)) => {
                format!("{text}\nTry \"help {prefix}{name}\" for more information\n")
            }
        }
    }

    fn control(&self) -> &Control {
        self.desk.control()
    }
}

fn help(_: &mut Monitor, args: &mut Args<'_>) -> Result<String, Fault> {
    let name = args.word();
    if name == "info" {
        let sub = args.word();
        return Ok(INFOS
            .iter()
            .filter(|row| sub.is_empty() || row.is_called(sub))
            .map(|row| row.line("info "))
            .collect());
    }
    if name == "log" {
        return Ok(crate::base::dlog::help());
    }
    Ok(COMMANDS.iter().filter(|row| name.is_empty() || row.is_called(name)).map(|row| row.line("")).collect())
}

fn info(monitor: &mut Monitor, args: &mut Args<'_>) -> Result<String, Fault> {
    let name = args.word();
    if name.is_empty() {
        return Ok(INFOS.iter().map(|row| row.line("info ")).collect());
    }
    match INFOS.iter().find(|row| row.is_called(name)) {
        Some(row) => Ok(monitor.run(row, name, args.take(), "info ")),
        None => Ok(format!("unknown command: 'info {name}'\n")),
    }
}
