//! Requests for help that rooms below the command line answer.

use super::board;
use crate::base::Result;
use crate::boot::firmware_dirs;
use crate::cli::{Config, HelpTopic};
use crate::fail;
use crate::machine::page::{Page, machines_help};
use crate::machine::{arch, devices};

/// The text that answers `topic`.
///
/// # Errors
/// When it asks about something that does not exist, or does not say enough.
pub fn answer(topic: &HelpTopic, config: &Config) -> Result<String> {
    Ok(match topic {
        HelpTopic::Machines => machines_help(config.arch.map(|arch| arch.name())),
        HelpTopic::MachineProps => machine_props(config)?,
        HelpTopic::Cpus => {
            let isa = config.arch.map(|arch| arch.name().to_string());
            match isa.or_else(|| board::source(config).ok()?.isa()) {
                Some(isa) => (arch::find(&isa)?.cpu_help)(),
                None => arch::ARCHS.iter().map(|arch| (arch.cpu_help)()).collect(),
            }
        }
        HelpTopic::Accels => "Accelerators supported in QEMU binary:\ntcg\njit\ninterp\n".into(),
        HelpTopic::Devices => devices::devices_help(),
        HelpTopic::DeviceProps(name) => devices::device_help(name)?,
        HelpTopic::Objects => "List of user creatable objects:\n  rng-builtin\n  rng-random\n".into(),
        HelpTopic::ObjectProps(name) => match name.as_str() {
            "rng-builtin" => "There are no options for rng-builtin.\n".into(),
            "rng-random" => "rng-random options:\n  filename=<string>\n".into(),
            _ => fail!("invalid object type: {name}"),
        },
        HelpTopic::Netdevs => "Available netdev backend types:\n".into(),
        HelpTopic::FirmwareDirs => {
            let dirs = firmware_dirs(&config.boot.firmware_dirs);
            dirs.iter().map(|dir| format!("{}\n", dir.display())).collect()
        }
    })
}

fn machine_props(config: &Config) -> Result<String> {
    let source = board::source(config)?;
    let mut lines = vec![
        ("append=<string>".to_string(), "Linux kernel command line".to_string()),
        ("dtb=<string>".into(), "Linux kernel device tree file".into()),
        ("dumpdtb=<string>".into(), "Dump current dtb to a file and quit".into()),
        ("firmware=<string>".into(), "Firmware image".into()),
        ("initrd=<string>".into(), "Linux initial ramdisk file".into()),
        ("kernel=<string>".into(), "Linux kernel image file".into()),
        ("pflash0=<string>".into(), "Node name or ID of the drive in the first flash bank".into()),
        ("pflash1=<string>".into(), "Node name or ID of the drive in the second flash bank".into()),
    ];
    for option in Page::options(&source)? {
        let help = format!("{} (default: {})", option.help, option.default);
        lines.push((format!("{}=<{}>", option.name, option.values.join("|")), help));
    }
    lines.sort();
    let lines = lines.iter().map(|(name, help)| format!("  {name:<22} - {help}\n"));
    Ok(std::iter::once(format!("{}-machine options:\n", source.name())).chain(lines).collect())
}
