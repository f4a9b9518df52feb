//! A [`Config`] as what `machine` takes: its own plain data, and ends that are open.

use crate::base::Result;
use crate::boot::{Firmware, Request};
use crate::cli::config::{
    AccelArg, DeviceArg, DriveArg, Firmware as Bios, FwCfgContent, Interface as If, ObjectArg, RtcBase,
};
use crate::cli::{Config, ConsolePlan};
use crate::engine::{CODE_LIMIT, Kind, LEAST_CODE_LIMIT, MOST_CODE_LIMIT};
use crate::host::{CharEnd, Chardevs, Folder, Heard};
use crate::machine::{CpuChoice, Disk, Interface, Plug, Setup};
use crate::semihosting;
use crate::{error, fail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Makes it; `spoken` is set when the guest sends something by a serial line or a port.
///
/// # Errors
/// What cannot be opened or is not possible yet.
pub fn setup<'a>(
    config: &Config,
    plan: &ConsolePlan,
    chardevs: &'a mut Chardevs,
    spoken: &Arc<AtomicBool>,
) -> Result<Setup<'a>> {
    if let Some(net) = config.nets.iter().find(|net| net.kind != "none") {
        fail!("{}: network backends are not supported yet", net.given);
    }
    if let Some(share) = config.shares.first() {
        fail!("{}: shared folders are not supported yet", share.given);
    }
    config.objects.iter().try_for_each(check_object)?;
    if config.memory.path.is_some() {
        fail!("-mem-path is not supported yet");
    }
    let any = spoken.clone();
    let heard = move |end| Box::new(Heard::new(end, &any)) as Box<dyn CharEnd>;
    let mut serials = Vec::new();
    for serial in &plan.serials {
        serials.push(serial.as_deref().map(|id| chardevs.end(id).map(&heard)).transpose()?);
    }
    let semihosting = semihosting(config, chardevs)?;
    let topology = config.smp.topology()?;
    let (engine, code_limit) = engine(config)?;
    Ok(Setup {
        cpu: config.cpu.as_ref().map(|cpu| CpuChoice {
            model: cpu.model.clone(),
            props: cpu.props.clone(),
            flags: cpu.flags.clone(),
        }),
        cpus: (!config.smp.counts.is_empty()).then_some(topology.cpus),
        ram: config.memory.size,
        engine,
        code_limit,
        boot: request(config),
        plugs: config.devices.iter().map(|device| plug(config, device)).collect::<Result<_>>()?,
        disks: disks(config)?,
        serials,
        chardevs: Box::new(move |id| chardevs.end(id).map(&heard)),
        fw_cfg: fw_cfg(config)?,
        globals: config
            .globals
            .iter()
            .map(|global| (global.driver.clone(), global.property.clone(), global.value.clone()))
            .collect(),
        semihosting,
        epoch: epoch(config.run.rtc.base)?,
        seed: config.run.seed,
        uuid: config.run.uuid,
        no_display: config.display.nographic || has_no_graphics(config),
        boot_menu: config.boot.menu,
        max_cpus: (!config.smp.counts.is_empty()).then_some(topology.max_cpus),
        prealloc: config.memory.prealloc,
    })
}

/// The first engine that there is, of those asked for, and what its code may take in bytes.
fn engine(config: &Config) -> Result<(Kind, usize)> {
    const USUAL: Kind = Kind::Jit;
    let mut refused = Vec::new();
    for accel in &config.accels {
        match accel.name.as_str() {
            "interp" => return Ok((Kind::Interp, code_limit(accel)?)),
            "tcg" | "jit" => return Ok((USUAL, code_limit(accel)?)),
            "kvm" | "hvf" | "whpx" | "xen" | "qtest" | "mshv" | "nvmm" => {
                refused.push(format!("failed to initialize {}: it is not supported yet", accel.name));
            }
            name => fail!("invalid accelerator {name}"),
        }
    }
    let Some(last) = refused.pop() else { return Ok((USUAL, CODE_LIMIT)) };
    // Each has a line of its own; the last one's is the error's.
    refused.iter().for_each(|earlier| super::say(format_args!("{}: {earlier}", config.program)));
    fail!("{last}")
}

/// Properties of accelerators beside `tb-size`, with the values that say what is done anyway.
const ACCEL_PROPS: &[(&str, &[&str])] =
    &[("thread", &["multi"]), ("one-insn-per-tb", &["off"]), ("split-wx", &["off"])];

/// The properties of an accelerator, which come down to `tb-size=`: MiB as QEMU has it, 0 the default.
fn code_limit(accel: &AccelArg) -> Result<usize> {
    let AccelArg { name, props, given } = accel;
    let mut limit = CODE_LIMIT;
    for (key, value) in props {
        match ACCEL_PROPS.iter().find(|(known, _)| known == key) {
            Some((_, values)) if values.contains(&value.as_str()) => {}
            Some((_, values)) => fail!("{given}: '{key}={value}' is not supported yet, only {}", values.join(", ")),
            None if key == "tb-size" => {
                let mib: u32 = value.parse().map_err(|_| error!("{given}: tb-size={value} is no number of MiB"))?;
                let size = ((mib as usize) << 20).clamp(LEAST_CODE_LIMIT, MOST_CODE_LIMIT);
                limit = if mib == 0 { CODE_LIMIT } else { size };
            }
            None => fail!("{given}: Property '{name}-accel.{key}' not found"),
        }
    }
    Ok(limit)
}

/// All random numbers come from the host's own generator, which its two devices show.
fn check_object(object: &ObjectArg) -> Result<()> {
    let ObjectArg { kind, given, .. } = object;
    if !["rng-random", "rng-builtin"].contains(&kind.as_str()) {
        fail!("{given}: objects of this type are not supported yet, only rng-random and rng-builtin");
    }
    for (key, value) in &object.props {
        if kind != "rng-random" || key != "filename" {
            fail!("{given}: Property '{kind}.{key}' not found");
        }
        if !["/dev/random", "/dev/urandom"].contains(&value.as_str()) {
            fail!(
                "{given}: random numbers from '{value}' are not supported yet, only from /dev/urandom or /dev/random"
            );
        }
    }
    Ok(())
}

/// `-M board,graphics=off`.
fn has_no_graphics(config: &Config) -> bool {
    let value = config.machine.props.iter().rev().find(|(key, _)| key == "graphics");
    value.is_some_and(|(_, value)| ["off", "no", "false", "n"].contains(&value.as_str()))
}

fn request(config: &Config) -> Request {
    let boot = &config.boot;
    Request {
        kernel: boot.kernel.clone(),
        initrd: boot.initrd.clone(),
        append: boot.append.clone(),
        dtb: boot.dtb.clone(),
        firmware: match &boot.firmware {
            Bios::Default => Firmware::Default,
            Bios::None => Firmware::None,
            Bios::File(path) => Firmware::File(path.clone()),
        },
        firmware_dirs: boot.firmware_dirs.clone(),
        loaders: Vec::new(),
        modules: Vec::new(),
    }
}

fn plug(config: &Config, device: &DeviceArg) -> Result<Plug> {
    let mut props = device.props.clone();
    // Every object is the same generator.
    if let Some(index) = props.iter().position(|(key, _)| key == "rng") {
        let (_, id) = props.remove(index);
        if config.objects.iter().all(|object| object.id != id) {
            fail!("{}: Property 'rng' can't find value '{id}'", device.given);
        }
    }
    Ok(Plug {
        driver: device.driver.clone(),
        id: device.id.clone(),
        bus: device.bus.clone(),
        props,
        given: device.given.to_string(),
    })
}

/// The drives, those in flash that `-M board,pflashN=ID` puts there.
fn disks(config: &Config) -> Result<Vec<Disk>> {
    let mut disks: Vec<Disk> = config.drives.iter().map(|drive| disk(config, drive)).collect::<Result<_>>()?;
    for (key, id) in &config.machine.props {
        let Some(unit) = key.strip_prefix("pflash") else { continue };
        let unit = unit.parse().map_err(|_| error!("there is no property '{key}': pflash0 and pflash1 are"))?;
        let named = disks.iter_mut().find(|disk| disk.id.as_ref() == Some(id));
        let disk = named
            .ok_or_else(|| error!("Property '{key}' can't find value '{id}': no -blockdev or -drive is called so"))?;
        if disk.interface != Interface::None {
            fail!("{key}={id}: the drive has its place already, by {}", disk.given);
        }
        (disk.interface, disk.index) = (Interface::Pflash, Some(unit));
    }
    Ok(disks)
}

fn disk(config: &Config, drive: &DriveArg) -> Result<Disk> {
    let interface = match drive.interface {
        None => Interface::Usual,
        Some(If::None) => Interface::None,
        Some(If::Virtio) => Interface::Virtio,
        Some(If::Pflash) => Interface::Pflash,
        Some(If::Ide) => Interface::Other("IDE"),
        Some(If::Scsi) => Interface::Other("SCSI"),
        Some(If::Sd) => Interface::Other("SD card"),
        Some(If::Mtd) => Interface::Other("MTD"),
        Some(If::Floppy) => Interface::Other("floppy"),
    };
    let image = match &drive.image {
        None => None,
        Some(options) => {
            let (image, warning) = options.open().map_err(|e| e.within(&drive.given))?;
            if let Some(warning) = warning {
                super::say::say(format_args!("{}: {warning}", config.program));
            }
            Some(image)
        }
    };
    Ok(Disk {
        id: drive.id.clone(),
        interface,
        index: drive.index.or(drive.unit),
        image,
        given: drive.given.to_string(),
    })
}

/// What serves semihosting calls, where they are served.
fn semihosting(config: &Config, chardevs: &mut Chardevs) -> Result<Option<semihosting::Setup>> {
    let Some(args) = &config.run.semihosting else { return Ok(None) };
    let folder = match &args.folder {
        Some(path) => Folder::open(path),
        None => Folder::current(),
    };
    let mut arguments = args.arguments.clone();
    if let (true, Some(kernel)) = (arguments.is_empty(), &config.boot.kernel) {
        arguments.push(kernel.display().to_string());
        arguments.extend(config.boot.append.iter().flat_map(|text| text.split_whitespace()).map(str::to_string));
    }
    Ok(Some(semihosting::Setup {
        console: args.chardev.as_deref().map(|id| chardevs.end(id)).transpose()?,
        folder: folder.map_err(|e| e.within(&args.given))?,
        arguments,
        users: args.userspace,
    }))
}

fn fw_cfg(config: &Config) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if let Some(time) = config.boot.splash_time {
        files.push(("etc/boot-menu-wait".into(), time.to_le_bytes().into()));
    }
    if let Some(time) = config.boot.reboot_timeout {
        files.push(("etc/boot-fail-wait".into(), time.to_le_bytes().into()));
    }
    for file in &config.fw_cfg {
        let bytes = match &file.content {
            FwCfgContent::Text(text) => text.clone().into_bytes(),
            FwCfgContent::File(path) => crate::boot::read("file", path).map_err(|e| e.within(&file.given))?,
        };
        files.push((file.name.clone(), bytes));
    }
    Ok(files)
}

/// Wall-clock seconds since 1970 now, as the guest is to see them.
fn epoch(base: RtcBase) -> Result<u64> {
    let now = Timestamp::now();
    let seconds = match base {
        RtcBase::Utc => now.as_second(),
        RtcBase::Localtime => local(now, &TimeZone::system()),
        RtcBase::Date(seconds) => seconds,
    };
    u64::try_from(seconds).map_err(|_| error!("-rtc base= must not be before 1970"))
}

/// What a clock that shows `zone`'s time says, read as if it were UTC: real-time clocks know no zones.
fn local(at: Timestamp, zone: &TimeZone) -> i64 {
    at.as_second() + i64::from(zone.to_offset(at).seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_follows_the_zones_offset_at_that_time() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (utc, shown) in [
            ("2026-01-15T12:00:00Z", "2026-01-15T13:00:00Z"),
            ("2026-07-15T12:00:00Z", "2026-07-15T14:00:00Z"),
            ("2026-12-31T23:30:00Z", "2027-01-01T00:30:00Z"),
        ] {
            assert_eq!(local(at(utc), &zone), at(shown).as_second(), "{utc}");
        }
    }
}
