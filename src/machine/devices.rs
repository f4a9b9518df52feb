//! What users plug in: `-device`, `-drive`, and the ends that they bind.
//!
//! A plugged device goes into a slot of a bus that a part of the board offers, or into a port of a device plugged in
//! before it. As on QEMU, the slots of a board are taken from the last to the first.

use super::page::Page;
use super::setup::{Disk, Interface, Plug, Setup};
use crate::base::{Result, nearest};
use crate::boot::{Loader, Module};
use crate::hw::{HostEnd, PARTS, PartType, Props, part_type};
use crate::{error, fail};
use std::collections::BTreeMap;

/// Other names of plug-in devices, as boards without PCI understand them.
const ALIASES: &[(&str, &str)] = &[
    ("pvpanic", "pvpanic-mmio"),
    ("virtio-blk", "virtio-blk-device"),
    ("virtio-rng", "virtio-rng-device"),
    ("virtio-serial", "virtio-serial-device"),
];

/// Properties with a line of help each.
type PropHelp = &'static [(&'static str, &'static str)];

/// What puts things into memory and is no chip: the name, what it does, and its properties.
const LOADERS: &[(&str, &str, PropHelp)] = &[
    (
        "guest-loader",
        "puts a file into memory for a hypervisor's guest, and tells of it in the device tree",
        &[
            ("addr", "where it goes"),
            ("kernel", "the file, if it is a kernel"),
            ("initrd", "the file, if it is an initial RAM disk"),
            ("bootargs", "the kernel's command line"),
        ],
    ),
    (
        "loader",
        "puts a file or a word into memory",
        &[
            ("file", "the file: ELF, a U-Boot image, Intel HEX, or raw"),
            ("addr", "where it goes, for files that do not say so"),
            ("data", "a number in place of a file"),
            ("data-len", "its bytes, 1 to 8"),
            ("data-be", "whether it is big-endian"),
            ("cpu-num", "the CPU that starts there"),
            ("force-raw", "take the file as it is, whatever it looks like"),
        ],
    ),
];

/// A device in its slot, with those plugged into it.
pub struct Plugged {
    /// Its type.
    pub kind: &'static PartType,
    /// Its name: `id=`, or one made up.
    pub id: Option<String>,
    /// Its properties.
    pub props: Props,
    /// Its outside end.
    pub host: Option<HostEnd>,
    /// What is plugged into it.
    pub inside: Vec<Plugged>,
    /// The words of the command line.
    pub given: String,
}

/// Whether a device that a command line calls `given` is the one called `name`.
pub fn is_called(given: &str, name: &str) -> bool {
    let real =
        |name: &str| ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.to_string(), |(_, r)| r.to_string());
    real(given) == real(name)
}

/// Everything that is to be plugged in, by the name of the part that it goes into.
#[derive(Default)]
pub struct Plugs {
    /// By part.
    pub slots: BTreeMap<String, Plugged>,
    /// Flash images, by number.
    pub pflash: BTreeMap<u32, Disk>,
    /// `-device loader`.
    pub loaders: Vec<Loader>,
    /// `-device guest-loader`.
    pub modules: Vec<Module>,
}

/// A slot that a part of the board offers.
struct Slot {
    part: String,
    kind: String,
    /// The name that `bus=` uses.
    bus: String,
}

/// Finds a place for each device and an end for each that names one.
///
/// # Errors
/// The first device that cannot be plugged in, named by its words.
pub fn plug(page: &Page, setup: &mut Setup<'_>) -> Result<Plugs> {
    let mut plugs = Plugs::default();
    let mut disks: BTreeMap<String, Option<Disk>> = BTreeMap::new();
    let mut all = std::mem::take(&mut setup.plugs);
    for (n, disk) in std::mem::take(&mut setup.disks).into_iter().enumerate() {
        match disk.interface {
            Interface::Pflash => add_pflash(&mut plugs, disk)?,
            Interface::None => add_disk(&mut disks, disk)?,
            Interface::Usual | Interface::Virtio => {
                if disk.image.is_none() {
                    fail!("{}: a virtio disk needs an image: add file=", disk.given);
                }
                let id = disk.id.clone().unwrap_or_else(|| format!("virtio{n}"));
                let props = vec![("drive".to_string(), id.clone())];
                let given = disk.given.clone();
                all.push(Plug { driver: "virtio-blk-device".into(), props, given, ..Plug::default() });
                add_disk(&mut disks, Disk { id: Some(id), ..disk })?;
            }
            Interface::Other(name) => fail!("{}: board '{}' has no {name} interface", disk.given, page.name),
        }
    }
    let slots = slots(page);
    for plug in all {
        let given = plug.given.clone();
        match plug.driver.as_str() {
            "loader" => loader(plug).map(|loader| plugs.loaders.push(loader)),
            "guest-loader" => module(plug).map(|module| plugs.modules.push(module)),
            _ => place(page, setup, &mut plugs, &slots, &mut disks, plug),
        }
        .map_err(|e| e.within(&given))?;
    }
    Ok(plugs)
}

fn add_pflash(plugs: &mut Plugs, disk: Disk) -> Result<()> {
    let free = (0..).find(|unit| !plugs.pflash.contains_key(unit));
    let unit = disk.index.or(free).unwrap_or(0);
    if let Some(other) = plugs.pflash.get(&unit) {
        fail!("{}: flash {unit} already has an image, by {}", disk.given, other.given);
    }
    plugs.pflash.insert(unit, disk);
    Ok(())
}

fn add_disk(disks: &mut BTreeMap<String, Option<Disk>>, disk: Disk) -> Result<()> {
    let Some(id) = disk.id.clone() else { return Ok(()) };
    if disks.contains_key(&id) {
        fail!("{}: Duplicate ID '{id}' for drive", disk.given);
    }
    disks.insert(id, Some(disk));
    Ok(())
}

/// The board's slots in the order in which they are taken.
fn slots(page: &Page) -> Vec<Slot> {
    let mut slots = Vec::new();
    for line in &page.parts {
        let Some(bus) = &line.bus else { continue };
        slots.extend((0..line.count).rev().map(|n| Slot {
            part: line.name_of(n),
            kind: bus.kind.clone(),
            bus: format!("{}.{n}", bus.name),
        }));
    }
    slots
}

fn place(
    page: &Page,
    setup: &mut Setup<'_>,
    plugs: &mut Plugs,
    slots: &[Slot],
    disks: &mut BTreeMap<String, Option<Disk>>,
    plug: Plug,
) -> Result<()> {
    let driver = ALIASES.iter().find(|(alias, _)| *alias == plug.driver).map_or(plug.driver.as_str(), |(_, name)| name);
    let Some(kind) = part_type(driver) else {
        if driver.ends_with("-pci") || driver.starts_with("pci") {
            fail!("'{driver}' needs a PCI bus, which board '{}' does not have yet", page.name);
        }
        fail!("'{driver}' is not a valid device model name{}", near(driver));
    };
    let Some(bus) = kind.bus else { fail!("'{driver}' is part of boards and cannot be plugged in") };
    if let Some(id) = &plug.id
        && plugs.slots.values().any(|slot| slot.has_id(id))
    {
        fail!("Duplicate device ID '{id}'");
    }
    let globals = setup.globals.iter().filter(|(of, ..)| *of == kind.name || *of == plug.driver);
    let mut values: BTreeMap<String, String> = globals.map(|(_, key, value)| (key.clone(), value.clone())).collect();
    values.extend(plug.props);
    let host = host_end(setup, disks, &mut values)?;
    check_props(kind, &values)?;
    let new =
        Plugged { kind, id: plug.id, props: Props::new(values), host, inside: Vec::new(), given: plug.given.clone() };
    let wanted = plug.bus.as_deref();
    let free = |slot: &&Slot| slot.kind == bus && !plugs.slots.contains_key(&slot.part);
    if slots.iter().any(|slot| slot.kind == bus) {
        let slot = match wanted {
            None => slots.iter().find(free).ok_or_else(|| error!("No '{bus}' bus is free: all slots are taken"))?,
            Some(name) => slots
                .iter()
                .find(|slot| slot.bus == name || slot.part == name)
                .ok_or_else(|| error!("Bus '{name}' not found"))?,
        };
        if plugs.slots.contains_key(&slot.part) {
            fail!("Bus '{}' is full", slot.bus);
        }
        plugs.slots.insert(slot.part.clone(), new);
        return Ok(());
    }
    let holders = plugs.slots.values_mut().filter(|holder| holder.offers() == Some(bus));
    let holder = holders
        .into_iter()
        .find(|holder| wanted.is_none_or(|name| holder.id.as_deref() == name.strip_suffix(".0").or(Some(name))))
        .ok_or_else(|| match wanted {
            Some(name) => error!("Bus '{name}' not found"),
            None => error!("No '{bus}' bus found for device '{driver}': add the device that has it before"),
        })?;
    holder.inside.push(new);
    Ok(())
}

impl Plugged {
    /// The bus that it offers itself.
    fn offers(&self) -> Option<&'static str> {
        match self.kind.name {
            "virtio-serial-device" => Some("virtio-serial"),
            _ => None,
        }
    }

    fn has_id(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id) || self.inside.iter().any(|inside| inside.has_id(id))
    }
}

/// Takes the end that the properties name out of them.
fn host_end(
    setup: &mut Setup<'_>,
    disks: &mut BTreeMap<String, Option<Disk>>,
    values: &mut BTreeMap<String, String>,
) -> Result<Option<HostEnd>> {
    if let Some(id) = values.remove("drive") {
        let Some(entry) = disks.get_mut(&id) else { fail!("Property 'drive' can't find value '{id}'") };
        let disk = entry.take().ok_or_else(|| error!("Drive '{id}' is already in use by another device"))?;
        return Ok(disk.image.map(HostEnd::Block));
    }
    match values.remove("chardev") {
        Some(id) => Ok(Some(HostEnd::Char((setup.chardevs)(&id)?))),
        None => Ok(None),
    }
}

fn check_props(kind: &PartType, values: &BTreeMap<String, String>) -> Result<()> {
    match values.keys().find(|key| kind.props.iter().all(|(known, _)| known != key)) {
        Some(key) => fail!("Property '{}.{key}' not found", kind.name),
        None => Ok(()),
    }
}

fn loader(plug: Plug) -> Result<Loader> {
    let mut props = Props::new(plug.props.into_iter().collect());
    let cpu = props.number("cpu-num")?.map(u32::try_from).transpose().map_err(|_| error!("cpu-num is too large"))?;
    let loader = Loader {
        file: props.text("file").map(Into::into),
        at: props.number("addr")?,
        data: props.number("data")?,
        data_len: props.number("data-len")?,
        big_endian: props.switch("data-be")?.unwrap_or(false),
        cpu,
        raw: props.switch("force-raw")?.unwrap_or(false),
        given: plug.given,
    };
    match props.left().next() {
        Some(key) => fail!("Property 'loader.{key}' not found"),
        None => Ok(loader),
    }
}

fn module(plug: Plug) -> Result<Module> {
    let mut props = Props::new(plug.props.into_iter().collect());
    let module = Module {
        at: props.number("addr")?,
        kernel: props.text("kernel").map(Into::into),
        initrd: props.text("initrd").map(Into::into),
        bootargs: props.text("bootargs"),
        given: plug.given,
    };
    match props.left().next() {
        Some(key) => fail!("Property 'guest-loader.{key}' not found"),
        None => Ok(module),
    }
}

/// The device or part that a mistyped name was meant to be.
fn near(name: &str) -> String {
    nearest(name, PARTS.iter().map(|kind| kind.name).chain(LOADERS.iter().map(|(name, ..)| *name)))
}

/// The answer to `-device help`.
pub fn devices_help() -> String {
    let mut lines: Vec<String> = PARTS
        .iter()
        .filter_map(|kind| {
            kind.bus.map(|bus| format!("name \"{}\", bus {bus}, desc \"{}\"\n", kind.name, kind.summary))
        })
        .collect();
    lines.extend(LOADERS.iter().map(|(name, what, _)| format!("name \"{name}\", desc \"{what}\"\n")));
    lines.sort();
    let parts = PARTS.iter().filter(|kind| kind.bus.is_none());
    let parts = parts.map(|kind| format!("name \"{}\", desc \"{}\"\n", kind.name, kind.summary));
    lines.into_iter().chain(["\nParts of board pages, for 'type' in [part.NAME]:\n".into()]).chain(parts).collect()
}

/// The answer to `-device NAME,help`.
///
/// # Errors
/// When there is no such device.
pub fn device_help(name: &str) -> Result<String> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    let loader = LOADERS.iter().find(|(loader, ..)| *loader == name);
    let props = match (loader, part_type(name)) {
        (Some((_, _, props)), _) => props,
        (_, Some(kind)) => kind.props,
        _ => fail!("Device '{name}' not found{}", near(name)),
    };
    let lines = props.iter().map(|(key, help)| format!("  {key:<24} - {help}\n"));
    let what =
        if part_type(name).is_some_and(|kind| kind.bus.is_none()) { "keys, for a board page" } else { "options" };
    Ok(std::iter::once(format!("{name} {what}:\n")).chain(lines).collect())
}
