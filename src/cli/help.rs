//! Answers to requests for help that are the command line's own, and the names of those that are not.

use super::options::{Opt, SECTIONS};
use crate::base::{QEMU_VERSION, version};
use std::fmt::Write;

/// A list that another room owns. QEMU prints each on stdout and exits with code 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpTopic {
    /// `-M help`: the boards. The first line starts `Supported machines are:`.
    Machines,
    /// `-M NAME,help`: the properties of the board in `machine.page`.
    MachineProps,
    /// `-cpu help`: the models of the instruction set.
    Cpus,
    /// `-accel help`: names in lower case, a line each.
    Accels,
    /// `-device help`: the catalogue.
    Devices,
    /// `-device NAME,help`: the properties of a type.
    DeviceProps(String),
    /// `-object help`.
    Objects,
    /// `-object NAME,help`.
    ObjectProps(String),
    /// `-netdev help`, `-nic help`, `-net help`.
    Netdevs,
    /// `-L help`: where firmware is looked for.
    FirmwareDirs,
}

/// A heading and a name a line.
pub fn list(heading: &str, names: &[&str]) -> String {
    names.iter().fold(format!("{heading}\n"), |text, name| text + "  " + name + "\n")
}

/// `-version`.
pub fn version_text() -> String {
    format!("QEMU emulator version {QEMU_VERSION} ({})\n", version())
}

/// Where the help text of an option starts.
const COLUMN: usize = 16;

/// `-help`: an option a paragraph, its name at the start of a line.
pub fn usage(program: &str) -> String {
    let mut text = version_text();
    let _ = writeln!(text, "usage: {program} [options] [disk_image]\n");
    for (section, options) in SECTIONS {
        let _ = writeln!(text, "{section}:");
        for option in *options {
            text += &paragraph(option);
        }
        text.push('\n');
    }
    text
}

/// An option's part of `-help`.
pub fn paragraph(option: &Opt) -> String {
    let head = match option.value {
        Some(value) => format!("-{} {value}", option.name),
        None => format!("-{}", option.name),
    };
    let later = if option.not_yet { " (not supported yet)" } else { "" };
    if head.len() < COLUMN {
        format!("{head:<COLUMN$}{}{later}\n", option.help)
    } else {
        format!("{head}\n{:COLUMN$}{}{later}\n", "", option.help)
    }
}
