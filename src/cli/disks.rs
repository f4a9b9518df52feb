//! Options about disk images and shared folders.

use super::Reader;
use super::board::check_id;
use super::config::{DriveArg, Given, Interface, ShareArg};
use super::keylist::{Grammar, KeyList};
use super::words::Arg;
use crate::base::Result;
use crate::host::{BlockOptions, Cache, Format};
use crate::{error, fail};

pub fn drive(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let list = KeyList::parse(&arg.value, Grammar::PLAIN)?;
    if list.wants_help() {
        fail!("there is no list of drive options; -help shows the common ones");
    }
    let keeps = list.clone().take_switch("snapshot")? == Some(false);
    let drive = read_drive(list, arg.given())?;
    add(reader, drive)?;
    if keeps {
        reader.kept_drives.push(reader.config.drives.len() - 1);
    }
    Ok(())
}

fn add(reader: &mut Reader, drive: DriveArg) -> Result<()> {
    if let Some(id) = &drive.id {
        check_id(id)?;
        if reader.config.drives.iter().any(|other| other.id.as_ref() == Some(id)) {
            fail!("Duplicate ID '{id}' for drive");
        }
    }
    reader.config.drives.push(drive);
    Ok(())
}

fn read_drive(mut list: KeyList, given: Given) -> Result<DriveArg> {
    let mut drive = DriveArg { given, id: list.take("id"), ..DriveArg::default() };
    drive.interface = list.take("if").map(|name| interface(&name)).transpose()?;
    drive.cdrom = match list.take("media").as_deref() {
        None | Some("disk") => false,
        Some("cdrom") => true,
        Some(other) => fail!("'{other}' invalid media: disk or cdrom"),
    };
    drive.index = small(&mut list, "index")?;
    drive.bus = small(&mut list, "bus")?;
    drive.unit = small(&mut list, "unit")?;
    if drive.index.is_some() && (drive.bus.is_some() || drive.unit.is_some()) {
        fail!("index cannot be used with bus and unit");
    }
    let path = list.take("file").or_else(|| list.take("file.filename")).filter(|path| !path.is_empty());
    let format = list.take("format").or_else(|| list.take("driver"));
    let mut options = BlockOptions {
        format: format.map(|name| block_format(&name)).transpose()?,
        snapshot: list.take_switch("snapshot")?.unwrap_or(false),
        ..BlockOptions::default()
    };
    read_common(&mut list, &mut options)?;
    options.read_only |= drive.cdrom;
    list.finish()?;
    drive.image = path.map(|path| BlockOptions { path: local(path).into(), ..options });
    Ok(drive)
}

/// What `-drive` and `-blockdev` share.
fn read_common(list: &mut KeyList, options: &mut BlockOptions) -> Result<()> {
    for key in ["readonly", "read-only"] {
        options.read_only |= list.take_switch(key)?.unwrap_or(false);
    }
    options.auto_read_only = list.take_switch("auto-read-only")?.unwrap_or(options.auto_read_only);
    if let Some(mode) = list.take("cache") {
        options.cache = Cache::named(&mode).ok_or_else(|| {
            error!("invalid cache option '{mode}': writeback, none, writethrough, directsync or unsafe")
        })?;
    }
    list.take_switch("cache.direct")?;
    if list.take_switch("cache.writeback")? == Some(false) {
        options.cache = Cache::Writethrough;
    }
    if list.take_switch("cache.no-flush")? == Some(true) {
        options.cache = Cache::Unsafe;
    }
    options.discard = match list.take("discard").as_deref() {
        None | Some("ignore" | "off") => false,
        Some("unmap" | "on") => true,
        Some(other) => fail!("invalid discard option '{other}': ignore or unmap"),
    };
    for key in ["locking", "file.locking"] {
        match list.take(key).as_deref() {
            None | Some("auto" | "on") => {}
            Some("off") => options.unlocked = true,
            Some(other) => fail!("invalid locking option '{other}': auto, on or off"),
        }
    }
    inert(list)
}

/// Keys with the values that say what is done anyway. What else QEMU takes there is refused.
const INERT: &[(&str, &[&str])] = &[
    // How requests reach the host is no guest's to see.
    ("aio", &["threads", "native", "io_uring"]),
    ("copy-on-read", &["off"]),
    ("detect-zeroes", &["off"]),
    ("rerror", &["report", "auto"]),
    ("werror", &["report"]),
    ("file.driver", &["file", "host_device"]),
    ("file.aio", &["threads", "native", "io_uring"]),
    ("force-share", &["off"]),
    ("drop-cache", &["on"]),
    ("file.drop-cache", &["on"]),
    ("x-check-cache-dropped", &["off"]),
];

fn inert(list: &mut KeyList) -> Result<()> {
    for (key, values) in INERT {
        if let Some(value) = list.take(key).filter(|value| !values.contains(&value.as_str())) {
            fail!("'{key}={value}' is not supported yet, only {}", values.join(", "));
        }
    }
    Ok(())
}

fn small(list: &mut KeyList, key: &str) -> Result<Option<u32>> {
    let number = list.take_number(key)?;
    number.map(|n| u32::try_from(n).map_err(|_| error!("Parameter '{key}' is too large"))).transpose()
}

fn interface(name: &str) -> Result<Interface> {
    Ok(match name {
        "none" => Interface::None,
        "virtio" => Interface::Virtio,
        "ide" => Interface::Ide,
        "scsi" => Interface::Scsi,
        "sd" => Interface::Sd,
        "mtd" => Interface::Mtd,
        "floppy" => Interface::Floppy,
        "pflash" => Interface::Pflash,
        _ => fail!("unsupported bus type '{name}': none, virtio, ide, scsi, sd, mtd, floppy or pflash"),
    })
}

fn block_format(name: &str) -> Result<Format> {
    Format::named(name).ok_or_else(|| error!("Unknown driver '{name}': images are raw (qcow2 is not supported yet)"))
}

/// A path, `file:` in front of it or not.
fn local(path: String) -> String {
    path.strip_prefix("file:").map_or(path.clone(), str::to_string)
}

/// A bare word or `-hda`.
pub fn hda(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(0), ..DriveArg::default() })
}

pub fn hdb(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(1), ..DriveArg::default() })
}

pub fn hdc(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(2), ..DriveArg::default() })
}

pub fn hdd(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(3), ..DriveArg::default() })
}

pub fn cdrom(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(2), cdrom: true, ..DriveArg::default() })
}

pub fn fda(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(0), interface: Some(Interface::Floppy), ..DriveArg::default() })
}

pub fn fdb(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(1), interface: Some(Interface::Floppy), ..DriveArg::default() })
}

pub fn sd(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { index: Some(0), interface: Some(Interface::Sd), ..DriveArg::default() })
}

pub fn mtdblock(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { interface: Some(Interface::Mtd), ..DriveArg::default() })
}

/// Flash holds bytes, whatever they look like: no format is guessed.
pub fn pflash(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    image(reader, arg, DriveArg { interface: Some(Interface::Pflash), ..DriveArg::default() })?;
    if let Some(image) = reader.config.drives.last_mut().and_then(|drive| drive.image.as_mut()) {
        image.format = Some(Format::Raw);
    }
    Ok(())
}

/// An option whose whole value is a file name, commas and all.
fn image(reader: &mut Reader, arg: &Arg<'_>, drive: DriveArg) -> Result<()> {
    let file = if arg.option.is_some() { &arg.value } else { arg.spelled };
    let path = local(file.to_string()).into();
    let options = BlockOptions { path, read_only: drive.cdrom, ..BlockOptions::default() };
    add(reader, DriveArg { image: Some(options), given: arg.given(), ..drive })
}

pub fn snapshot(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.run.snapshot = true;
    Ok(())
}

pub fn blockdev(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let list = KeyList::parse(&arg.value, Grammar::strict("driver"))?;
    reader.nodes.push((arg.given(), list));
    Ok(())
}

/// Block nodes become drives without a place, and `-snapshot` reaches every drive that does not say otherwise.
pub fn finish(reader: &mut Reader) -> Result<()> {
    let nodes = std::mem::take(&mut reader.nodes);
    let below = |name: &str| {
        let on_it = |node: &KeyList| node.clone().take("file").as_deref() == Some(name);
        nodes.iter().any(|(_, node)| on_it(node) && node.clone().take("node-name").as_deref() != Some(name))
    };
    for (given, node) in &nodes {
        let mut list = node.clone();
        let name = list.take("node-name").ok_or_else(|| error!("{given}: 'node-name' must be specified"))?;
        if below(&name) {
            continue;
        }
        let image = resolve(node.clone(), &nodes, 0).map_err(|e| e.within(given))?;
        let drive = DriveArg {
            id: Some(name),
            interface: Some(Interface::None),
            image: Some(image),
            given: given.clone(),
            ..DriveArg::default()
        };
        add(reader, drive).map_err(|e| e.within(given))?;
    }
    if reader.config.run.snapshot {
        for (n, drive) in reader.config.drives.iter_mut().enumerate() {
            if let Some(image) = &mut drive.image {
                image.snapshot |= !reader.kept_drives.contains(&n);
            }
        }
    }
    Ok(())
}

/// The image behind a node: a format over a file, or the file alone.
fn resolve(mut node: KeyList, nodes: &[(Given, KeyList)], depth: usize) -> Result<BlockOptions> {
    if depth > nodes.len() {
        fail!("the nodes refer to each other in a circle");
    }
    node.take("node-name");
    let driver = node.take("driver").ok_or_else(|| error!("Parameter 'driver' is missing"))?;
    let mut options = match driver.as_str() {
        "file" | "host_device" => {
            let path = node.take("filename").ok_or_else(|| error!("Parameter 'filename' is missing"))?;
            BlockOptions { path: path.into(), format: Some(Format::Raw), ..BlockOptions::default() }
        }
        "vvfat" => {
            BlockOptions { path: vvfat(&mut node)?.into(), format: Some(Format::Raw), ..BlockOptions::default() }
        }
        "raw" | "qcow2" => {
            let format = Some(block_format(&driver)?);
            let under = match (node.take("file"), node.take("file.driver"), node.take("file.filename")) {
                (Some(name), _, _) => {
                    let named = nodes.iter().find(|(_, other)| other.clone().take("node-name").as_ref() == Some(&name));
                    let (_, other) = named.ok_or_else(|| error!("Cannot find node-name '{name}'"))?;
                    resolve(other.clone(), nodes, depth + 1)?
                }
                (None, Some(_), Some(path)) => BlockOptions { path: path.into(), ..BlockOptions::default() },
                _ => fail!("A block device must be specified for \"file\""),
            };
            BlockOptions { format, ..under }
        }
        _ => fail!("Unknown driver '{driver}': there are file, host_device, raw and vvfat"),
    };
    let under = options.clone();
    read_common(&mut node, &mut options)?;
    options.discard |= under.discard;
    // What is said of the file below is said of the whole.
    options.read_only |= node.take_switch("file.read-only")?.unwrap_or(false);
    options.auto_read_only |= node.take_switch("file.auto-read-only")?.unwrap_or(false);
    for key in ["file.cache.direct", "file.cache.no-flush"] {
        if node.take_switch(key)? == Some(true) && key.ends_with("no-flush") {
            options.cache = Cache::Unsafe;
        }
    }
    node.finish()?;
    Ok(options)
}

/// `driver=vvfat` as the file name that says the same.
fn vvfat(node: &mut KeyList) -> Result<String> {
    let dir = node.take("dir").ok_or_else(|| error!("Parameter 'dir' is missing"))?;
    let bits = match node.take("fat-type").as_deref() {
        None | Some("0") => String::new(),
        Some(bits @ ("12" | "16" | "32")) => format!("{bits}:"),
        Some(_) => fail!("Valid FAT types are only 12, 16 and 32"),
    };
    let floppy = if node.take_switch("floppy")?.unwrap_or(false) { "floppy:" } else { "" };
    let writable = if node.take_switch("rw")?.unwrap_or(false) { "rw:" } else { "" };
    Ok(format!("fat:{bits}{floppy}{writable}{dir}"))
}

pub fn fsdev(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let share = share(arg)?;
    let id = share.id.as_ref().ok_or_else(|| error!("Parameter 'id' is missing"))?;
    check_id(id)?;
    reader.config.shares.push(share);
    Ok(())
}

pub fn virtfs(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let share = share(arg)?;
    if share.mount_tag.is_none() {
        fail!("Parameter 'mount_tag' is missing");
    }
    reader.config.shares.push(share);
    Ok(())
}

fn share(arg: &Arg<'_>) -> Result<ShareArg> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("fsdriver"))?;
    let kind = list.take("fsdriver").ok_or_else(|| error!("names no type: local or synth"))?;
    let (id, mount_tag) = (list.take("id"), list.take("mount_tag"));
    Ok(ShareArg { kind, id, mount_tag, props: list.rest(), given: arg.given() })
}
