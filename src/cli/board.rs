//! Options about the machine itself and about what it boots.

use super::config::{
    AccelArg, Arch, CpuArg, DeviceArg, EditArg, Firmware, FwCfgArg, FwCfgContent, GlobalArg, ObjectArg, Page,
};
use super::keylist::{Grammar, KeyList, is_help};
use super::words::Arg;
use super::{ARCH_NAMES, HelpTopic, Reader};
use crate::base::Result;
use crate::{error, fail};
use std::path::PathBuf;

/// The unit of RAM sizes: boards lay out memory in pages of at most this size.
const RAM_UNIT: u64 = 8192;

fn set_arch(reader: &mut Reader, arch: Arch, source: &'static str) -> Result<()> {
    match (reader.config.arch, reader.arch_source) {
        (Some(known), Some(by)) if known != arch => {
            fail!("the instruction set is already {} by {by}", known.name())
        }
        _ => {
            reader.config.arch = Some(arch);
            reader.arch_source = Some(source);
            Ok(())
        }
    }
}

pub fn arch(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    if is_help(&arg.value) {
        reader.answer = Some((super::help::list("Instruction sets with boards:", &["riscv64", "aarch64"]), 0));
        return Ok(());
    }
    let arch =
        Arch::named(&arg.value).ok_or_else(|| error!("there is no instruction set '{}': {ARCH_NAMES}", arg.value))?;
    set_arch(reader, arch, "an earlier -arch")
}

pub fn machine(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::strict("type"))?;
    if let Some(name) = list.take("type") {
        reader.config.machine.page = Some(page(reader, &name)?);
    }
    if list.wants_help() {
        reader.ask(match &reader.config.machine.page {
            Some(_) if arg.value.split(',').next().is_some_and(|word| !word.contains('=') && !is_help(word)) => {
                HelpTopic::MachineProps
            }
            _ => HelpTopic::Machines,
        });
        return Ok(());
    }
    for (key, value) in list.rest() {
        let key = key.replace('_', "-");
        let config = &mut reader.config;
        match key.as_str() {
            "accel" => reader.machine_accel = Some((value, arg.given())),
            "kernel" => config.boot.kernel = Some(value.into()),
            "initrd" => config.boot.initrd = Some(value.into()),
            "append" => config.boot.append = Some(value),
            "dtb" => config.boot.dtb = Some(value.into()),
            "firmware" => config.boot.firmware = Firmware::File(value.into()),
            "dumpdtb" => config.machine.dumpdtb = Some(value.into()),
            _ => match key.strip_prefix("smp.") {
                Some(level) => config.smp.set(level, &value)?,
                None => {
                    config.machine.props.retain(|(known, _)| *known != key);
                    config.machine.props.push((key, value));
                }
            },
        }
    }
    Ok(())
}

/// `virt`, `riscv64-virt` or a path.
fn page(reader: &mut Reader, name: &str) -> Result<Page> {
    if name.contains('/') || name.ends_with(".toml") {
        return Ok(Page::File(name.into()));
    }
    if let Some((first, board)) = name.split_once('-')
        && let Some(arch) = Arch::named(first)
    {
        set_arch(reader, arch, "an earlier -M")?;
        return Ok(Page::Named(board.into()));
    }
    Ok(Page::Named(name.into()))
}

pub fn cpu(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut words = arg.value.split(',');
    let model = words.next().unwrap_or_default();
    if is_help(model) {
        reader.ask(HelpTopic::Cpus);
        return Ok(());
    }
    if model.is_empty() {
        fail!("names no CPU model (-cpu help lists them)");
    }
    let (mut props, mut flags) = (Vec::new(), Vec::new());
    for word in words {
        props.push(match word.split_once('=') {
            Some((key, value)) => (key.to_string(), value.to_string()),
            None if is_help(word) => {
                reader.ask(HelpTopic::Cpus);
                continue;
            }
            None => {
                flags.push(word.to_string());
                match (word.strip_prefix('+'), word.strip_prefix('-')) {
                    (Some(feature), _) => (feature.to_string(), "on".into()),
                    (_, Some(feature)) => (feature.to_string(), "off".into()),
                    _ => (word.to_string(), "on".into()),
                }
            }
        });
    }
    if props.iter().any(|(key, _)| key.is_empty()) {
        fail!("a property without a name");
    }
    reader.config.cpu = Some(CpuArg { model: model.into(), props, flags, given: arg.given() });
    Ok(())
}

pub fn accel(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("accel"))?;
    match list.take("accel") {
        _ if list.wants_help() => reader.ask(HelpTopic::Accels),
        Some(names) if !names.is_empty() => {
            let props = list.rest();
            for name in names.split(':') {
                let name = name.to_string();
                reader.config.accels.push(AccelArg { name, props: props.clone(), given: arg.given() });
            }
        }
        _ => fail!("names no accelerator (-accel help lists them)"),
    }
    Ok(())
}

pub fn enable_kvm(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.machine_accel = Some(("kvm".into(), arg.given()));
    Ok(())
}

pub fn smp(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    for (key, value) in KeyList::parse(&arg.value, Grammar::strict("cpus"))?.rest() {
        reader.config.smp.set(&key, &value)?;
    }
    Ok(())
}

pub fn memory(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("size"))?;
    let memory = &mut reader.config.memory;
    if let Some(size) = list.take_size("size", 1 << 20)? {
        let rounded = size.checked_next_multiple_of(RAM_UNIT).ok_or_else(|| error!("ram size too large"))?;
        memory.size = (rounded != 0).then_some(rounded);
    }
    memory.slots = list.take_number("slots")?.or(memory.slots);
    memory.max = list.take_size("maxmem", 1)?.or(memory.max);
    list.finish()
}

pub fn mem_path(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.memory.path = Some(PathBuf::from(&arg.value));
    Ok(())
}

pub fn mem_prealloc(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.memory.prealloc = true;
    Ok(())
}

pub fn numa(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    KeyList::parse(&arg.value, Grammar::loose("type"))?;
    super::run::refused(reader, arg)
}

pub fn device(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("driver"))?;
    let driver = list.take("driver");
    if list.wants_help() {
        reader.ask(driver.map_or(HelpTopic::Devices, HelpTopic::DeviceProps));
        return Ok(());
    }
    let driver = driver.filter(|name| !name.is_empty()).ok_or_else(|| error!("Parameter 'driver' is missing"))?;
    let (id, bus) = (list.take("id"), list.take("bus"));
    if let Some(id) = &id {
        check_id(id)?;
        if reader.config.devices.iter().any(|other| other.id.as_ref() == Some(id)) {
            fail!("Duplicate device ID '{id}'");
        }
    }
    reader.config.devices.push(DeviceArg { driver, id, bus, props: list.rest(), given: arg.given() });
    Ok(())
}

/// An id that other options can name.
pub fn check_id(id: &str) -> Result<()> {
    let fits = id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if !fits {
        fail!("Parameter 'id' expects an identifier: a letter, then letters, digits, '-', '.' and '_', not '{id}'");
    }
    Ok(())
}

pub fn object(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::strict("qom-type"))?;
    let kind = list.take("qom-type");
    if list.wants_help() {
        reader.ask(kind.map_or(HelpTopic::Objects, HelpTopic::ObjectProps));
        return Ok(());
    }
    let kind = kind.ok_or_else(|| error!("Parameter 'qom-type' is missing"))?;
    let id = list.take("id").ok_or_else(|| error!("Parameter 'id' is missing"))?;
    check_id(&id)?;
    if reader.config.objects.iter().any(|other| other.id == id) {
        fail!("attempt to add duplicate property '{id}' to object (two -object have this id)");
    }
    reader.config.objects.push(ObjectArg { kind, id, props: list.rest(), given: arg.given() });
    Ok(())
}

pub fn global(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let short = arg.value.split_once('=').and_then(|(name, value)| Some((name.split_once('.')?, value)));
    let (driver, property, value) = match short {
        Some(((driver, property), value)) if !driver.is_empty() && !driver.contains(',') => {
            (driver.to_string(), property.to_string(), value.to_string())
        }
        _ => {
            let mut list = KeyList::parse(&arg.value, Grammar::PLAIN)?;
            let mut take = |key: &str| list.take(key).ok_or_else(|| error!("is not TYPE.PROP=VALUE"));
            let parts = (take("driver")?, take("property")?, take("value")?);
            list.finish()?;
            parts
        }
    };
    reader.config.globals.push(GlobalArg { driver, property, value, given: arg.given() });
    Ok(())
}

pub fn set(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let bad = || error!("can't parse: \"{}\" (PART.KEY=VALUE is a line of the board page)", arg.value);
    let (path, value) = arg.value.split_once('=').ok_or_else(bad)?;
    let parts: Vec<&str> = path.splitn(3, '.').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(bad());
    }
    match parts[..] {
        [part, key] => {
            let (part, key, value) = (part.into(), key.into(), value.into());
            reader.config.edits.push(EditArg { part, key, value, given: arg.given() });
        }
        [group, id, key] => {
            reader.sets.push((arg.given(), [group.into(), id.into(), key.into(), value.into()]));
        }
        _ => return Err(bad()),
    }
    Ok(())
}

pub fn fw_cfg(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("name"))?;
    let (name, file, text) = (list.take("name"), list.take("file"), list.take("string"));
    list.finish()?;
    let content = match (file, text) {
        (Some(file), None) => FwCfgContent::File(file.into()),
        (None, Some(text)) => FwCfgContent::Text(text),
        _ => fail!("name, plus exactly one of file and string, are needed"),
    };
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| error!("name is missing"))?;
    if name.len() > 55 {
        fail!("name too long (max. 55 char)");
    }
    reader.config.fw_cfg.push(FwCfgArg { name, content, given: arg.given() });
    Ok(())
}

pub fn nodefaults(reader: &mut Reader, _: &Arg<'_>) -> Result<()> {
    reader.config.run.no_defaults = true;
    Ok(())
}

pub fn kernel(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.boot.kernel = Some(PathBuf::from(&arg.value));
    Ok(())
}

pub fn initrd(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.boot.initrd = Some(PathBuf::from(&arg.value));
    Ok(())
}

pub fn append(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.boot.append = Some(arg.value.clone());
    Ok(())
}

pub fn dtb(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.boot.dtb = Some(PathBuf::from(&arg.value));
    Ok(())
}

pub fn bios(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    reader.config.boot.firmware = match arg.value.as_str() {
        "default" => Firmware::Default,
        "none" => Firmware::None,
        file => Firmware::File(file.into()),
    };
    Ok(())
}

pub fn boot(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("order"))?;
    let order = list.take("order");
    for order in order.iter().chain(&list.take("once")) {
        if let Some(bad) = order.chars().find(|c| !('a'..='p').contains(c)) {
            fail!("Invalid boot device '{bad}' (a to p; c is the disk, d the CD-ROM, n the network)");
        }
    }
    if order.is_some() {
        // As QEMU on these boards, whose firmware decides for itself.
        reader.note(format!("warning: {}: no board has a boot order: its firmware decides", arg.given()));
    }
    let boot = &mut reader.config.boot;
    boot.menu = list.take_switch("menu")?.unwrap_or(boot.menu);
    if let Some(time) = list.take_number("splash-time")? {
        let time = u16::try_from(time);
        boot.splash_time = Some(time.map_err(|_| error!("splash-time is 0 to 65535 milliseconds"))?);
    }
    if let Some(text) = list.take("reboot-timeout") {
        let time = text.parse().ok().filter(|time| (-1..=0xffff).contains(time));
        boot.reboot_timeout = Some(time.ok_or_else(|| error!("reboot-timeout is -1 to 65535 milliseconds"))?);
    }
    // It is about devices with a boot index, which none has yet.
    list.take_switch("strict")?;
    if list.take("splash").is_some() {
        fail!("'splash' is not supported yet");
    }
    list.finish()
}

pub fn firmware_dir(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    if is_help(&arg.value) {
        reader.ask(HelpTopic::FirmwareDirs);
    } else {
        reader.config.boot.firmware_dirs.push(PathBuf::from(&arg.value));
    }
    Ok(())
}

/// What can be said only when every option has been read.
pub fn finish(reader: &mut Reader) -> Result<()> {
    if let Some((names, given)) = reader.machine_accel.take() {
        if !reader.config.accels.is_empty() {
            fail!("The -accel and \"-machine accel=\" options are incompatible");
        }
        for name in names.split(':').map(str::to_string) {
            reader.config.accels.push(AccelArg { name, props: Vec::new(), given: given.clone() });
        }
    }
    for (given, [group, id, key, value]) in std::mem::take(&mut reader.sets) {
        set_in_group(reader, &group, &id, key, value).map_err(|e| e.within(given))?;
    }
    let memory = &reader.config.memory;
    if memory.slots.is_some_and(|slots| slots > 0) || memory.max.is_some_and(|max| Some(max) > memory.size) {
        reader.refuse("-m slots=, maxmem= (memory that is plugged in later)");
    }
    let boot = &reader.config.boot;
    let page_may_bring_kernel = matches!(reader.config.machine.page, Some(Page::File(_)));
    if boot.kernel.is_none() && !page_may_bring_kernel && reader.help.is_none() {
        if boot.append.is_some() {
            fail!("-append only allowed with -kernel option");
        }
        if boot.initrd.is_some() {
            fail!("-initrd only allowed with -kernel option");
        }
    }
    reader.config.smp.topology().map(drop)
}

/// `-set device.ID.KEY=VALUE` and its like.
fn set_in_group(reader: &mut Reader, group: &str, id: &str, key: String, value: String) -> Result<()> {
    let config = &mut reader.config;
    let props = match group {
        "device" => config.devices.iter_mut().find(|d| d.id.as_deref() == Some(id)).map(|d| &mut d.props),
        "object" => config.objects.iter_mut().find(|o| o.id == id).map(|o| &mut o.props),
        "netdev" => config.nets.iter_mut().find(|n| n.id.as_deref() == Some(id)).map(|n| &mut n.props),
        _ => fail!("there is no option group \"{group}\": device, object and netdev can be set by id"),
    };
    let props = props.ok_or_else(|| error!("there is no {group} \"{id}\" defined"))?;
    props.retain(|(known, _)| *known != key);
    props.push((key, value));
    Ok(())
}
