//! From a page and a [`Setup`] to a [`Machine`]: the one place where names become objects.
//!
//! 1. the instruction set and its CPU model;
//! 2. memory;
//! 3. an empty place for every part, so that lines can point at parts that do not exist yet;
//! 4. what users plug in;
//! 5. the parts, each with its lines, timers and outside end;
//! 6. the address map, frozen;
//! 7. what is booted, the device tree last;
//! 8. the vCPUs and their engines.

use super::arch::{self, CpuBoard};
use super::console::Console;
use super::desk::Desk;
use super::devices::{self, Plugged, Plugs};
use super::page::{Page, PartLine};
use super::setup::{CpuChoice, Setup};
use super::tree::{self, Placed};
use super::wires;
use super::{Machine, Seat, Standing};
use crate::base::Result;
use crate::boot::fdt::Node;
use crate::boot::{self, Chosen, Plan, Space};
use crate::cpu::{Board, Cpu, DebugPoints, Remote};
use crate::fabric::{BusBuilder, Clock, Dma, Part, Pins, Power, Ram, Timebase, Timers, Watchers};
use crate::hw::misc::fw_cfg::key;
use crate::hw::{Built, FwCfgItems, HostEnd, Props, Wiring, part_type};
use crate::{engine, error, fail};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What all parts are wired to.
struct Supply {
    dma: Dma,
    timers: Arc<Timers>,
    power: Arc<Power>,
    cpus: u32,
    watchers: Arc<Watchers>,
    epoch: u64,
    timebase: Arc<Timebase>,
    fw_cfg: Arc<FwCfgItems>,
}

/// Builds the machine. Nothing runs yet.
///
/// # Errors
/// What is wrong with the page or the command line.
pub fn build(page: Page, mut setup: Setup<'_>) -> Result<Machine> {
    let arch = arch::find(&page.isa.value).map_err(|e| page.isa.origin.error(e))?;
    let cpus = cpu_count(&page, &setup)?;
    let desk = Desk::new();
    let timers = Timers::start(Clock::new());
    timers.clock().stop();
    let timebase = Timebase::new(timers.clock().clone(), page.timebase);
    let choice = setup.cpu.take().unwrap_or_else(|| CpuChoice { model: page.cpu.clone(), props: Vec::new() });
    let model = (arch.cpu)(&choice, &CpuBoard { timebase: timebase.clone(), cpus, console: Console::of(&page) })?;

    let watchers = Arc::new(Watchers::default());
    let ram_size = setup.ram.unwrap_or(page.ram_size);
    let ram = Ram::new(ram_size, &watchers)?;
    let mut bus = BusBuilder::default();
    bus.ram("ram", page.ram_at, ram_size, ram.clone(), 0, true)?;
    let mut spaces = vec![Space { name: "RAM".into(), at: page.ram_at, size: ram_size }];
    for memory in &page.memory {
        let more = Ram::new(memory.size, &watchers)?;
        bus.ram(&memory.name, memory.at, memory.size, more, 0, !memory.rom).map_err(|e| memory.origin.error(e))?;
        spaces.push(Space { name: memory.name.clone(), at: memory.at, size: memory.size });
    }

    let remotes: Arc<[Arc<Remote>]> = (0..cpus).map(|_| Remote::new()).collect();
    let pins: Vec<Arc<Pins>> = remotes.iter().map(|remote| remote.pins().clone()).collect();
    let names = page.parts.iter().flat_map(|line| (0..line.count).map(|n| line.name_of(n)));
    let places: BTreeMap<String, Arc<Part>> = names.map(|name| (name.clone(), Part::new(name))).collect();

    let mut plugs = devices::plug(&page, &mut setup)?;
    setup.boot.loaders = std::mem::take(&mut plugs.loaders);
    let supply = Supply {
        dma: Dma::new(vec![(page.ram_at, ram)]),
        timers: timers.clone(),
        power: desk.power(),
        cpus,
        watchers: watchers.clone(),
        epoch: setup.epoch,
        timebase,
        fw_cfg: Arc::default(),
    };
    let mut placed = Vec::new();
    let mut parts = Vec::new();
    let mut flash = None;
    for line in &page.parts {
        for n in line.order() {
            let name = line.name_of(n);
            let ends = wires::ends(line, n, cpus, arch.pins)?;
            let irq = wires::lines(line, &ends, &places, &pins)?;
            let part = &places[&name];
            let end = outside(line, &mut plugs, &mut setup)?;
            let plugged = plugs.slots.remove(&name);
            let given_flash = line.host.as_ref().is_some_and(|host| host.value == "pflash0") && end.is_some();
            let built = build_part(line, part, irq, end, plugged, &supply)?;
            let banks = map(&mut bus, line, n, part, &built)?;
            if built.flash.is_some() {
                spaces.extend(banks.iter().map(|&(at, size)| Space { name: name.clone(), at, size }));
                if given_flash {
                    flash = banks.first().map(|&(at, size)| Space { name: name.clone(), at, size });
                }
            }
            placed.push(Placed {
                name: name.clone(),
                inside: line.node.clone(),
                banks: banks.clone(),
                ends,
                host: line.host.as_ref().map(|host| host.value.clone()),
                tree: built.tree,
                nodes: built.nodes,
            });
            part.install(built.device);
            parts.push(Standing { part: part.clone(), kind: line.kind.value.clone(), banks });
        }
    }
    if let Some((unit, disk)) = plugs.pflash.into_iter().next() {
        fail!("{}: board '{}' has no flash {unit}", disk.given, page.name);
    }
    let bus = Arc::new(bus.build());

    let rom = page.reset.as_ref().map(|name| {
        let space = spaces.iter().find(|space| space.name == name.value).cloned();
        space.ok_or_else(|| name.origin.error(format!("the board has no memory '{}'", name.value)))
    });
    let place = boot::Place { ram: spaces[0].clone(), rom: rom.transpose()?, flash, memory: spaces };
    if page.boot.value != "linux" {
        return Err(page.boot.origin.error(format!("there is no boot protocol '{}', only linux", page.boot.value)));
    }
    let mut plan = (arch.protocol.plan)(&setup.boot, &place)?;
    let tree = match &setup.boot.dtb {
        None => tree::generate(&tree::Board { page: &page, parts: &placed, cpus, cpu: model.node, ram: ram_size })?,
        Some(path) => {
            let bytes = boot::read("device tree", path)?;
            Node::parse(&bytes).map_err(|e| e.within(format!("could not load device tree '{}'", path.display())))?
        }
    };
    let dtb = flatten(tree, &plan.chosen, setup.seed)?;
    (arch.protocol.finish)(&mut plan, &place, dtb.clone())?;
    tell_firmware(&supply.fw_cfg, &plan, &setup, cpus, ram_size)?;

    let board = Board {
        bus: bus.clone(),
        timers: timers.clone(),
        power: supply.power.clone(),
        debug: Arc::new(DebugPoints::default()),
    };
    let engines = engine::engines(setup.engine, cpus, &watchers)?;
    let firmware = matches!(plan.start, boot::Start::BuiltIn { .. }).then_some(model.firmware);
    let seats = engines.into_iter().zip(0..).map(|(engine, index)| {
        let cpu = Cpu::new(index, model.isa.clone(), board.clone(), remotes.clone(), firmware.clone());
        Mutex::new(Seat { cpu, engine })
    });
    Ok(Machine {
        arch,
        isa: model.isa.clone(),
        seats: seats.collect(),
        remotes,
        bus,
        timers,
        power: supply.power,
        debug: board.debug,
        parts,
        plan,
        dtb,
        ram: ram_size,
        reset_at: place.rom.map_or(page.ram_at, |rom| rom.at),
        page,
        desk,
    })
}

fn cpu_count(page: &Page, setup: &Setup<'_>) -> Result<u32> {
    let cpus = setup.cpus.unwrap_or(page.cpus);
    if cpus == 0 || cpus > page.most_cpus {
        fail!("Invalid SMP CPUs {cpus}. The max CPUs supported by machine '{}' is {}", page.name, page.most_cpus);
    }
    Ok(cpus)
}

/// The outside end that the page binds a part to.
fn outside(line: &PartLine, plugs: &mut Plugs, setup: &mut Setup<'_>) -> Result<Option<HostEnd>> {
    let Some(host) = &line.host else { return Ok(None) };
    let number = |prefix: &str| host.value.strip_prefix(prefix).and_then(|number| number.parse::<u32>().ok());
    if let Some(number) = number("serial") {
        let end = setup.serials.get_mut(number as usize).and_then(Option::take);
        return Ok(end.map(HostEnd::Char));
    }
    if let Some(number) = number("pflash") {
        let Some(disk) = plugs.pflash.remove(&number) else { return Ok(None) };
        let image = disk.image.ok_or_else(|| error!("{}: a flash chip needs an image: add file=", disk.given))?;
        return Ok(Some(HostEnd::Block(image)));
    }
    Err(host.origin.error(format!("there is no outside end '{}': serialN and pflashN are", host.value)))
}

fn build_part(
    line: &PartLine,
    part: &Arc<Part>,
    irq: Vec<crate::fabric::IrqLine>,
    host: Option<HostEnd>,
    plugged: Option<Plugged>,
    supply: &Supply,
) -> Result<Built> {
    let kind = part_type(&line.kind.value);
    let kind = kind.ok_or_else(|| line.kind.origin.error(format!("there is no part '{}'", line.kind.value)))?;
    let plugged = plugged.map(|plugged| plugged.build(part, supply)).transpose()?;
    let mut wiring = supply.wiring(part, Props::new(line.props.clone()), irq, host, plugged.into_iter().collect());
    let built = (kind.build)(&mut wiring).map_err(|e| line.origin.error(e))?;
    match wiring.props.left() {
        Some(key) => Err(line.origin.error(format!("a part of type '{}' has no key '{key}'", kind.name))),
        None => Ok(built),
    }
}

impl Supply {
    fn wiring(
        &self,
        part: &Arc<Part>,
        props: Props,
        irq: Vec<crate::fabric::IrqLine>,
        host: Option<HostEnd>,
        plugged: Vec<Built>,
    ) -> Wiring {
        Wiring {
            part: part.clone(),
            props,
            irq,
            dma: self.dma.clone(),
            timers: self.timers.clone(),
            power: self.power.clone(),
            host,
            plugged,
            cpus: self.cpus,
            watchers: self.watchers.clone(),
            epoch: self.epoch,
            timebase: self.timebase.clone(),
            fw_cfg: self.fw_cfg.clone(),
        }
    }
}

impl Plugged {
    /// Builds the device and, before it, what is plugged into it. All of them share the place of the slot's part.
    fn build(self, part: &Arc<Part>, supply: &Supply) -> Result<Built> {
        let inside = self.inside.into_iter().map(|device| device.build(part, supply)).collect::<Result<_>>()?;
        let mut wiring = supply.wiring(part, self.props, Vec::new(), self.host, inside);
        let built = (self.kind.build)(&mut wiring).map_err(|e| e.within(&self.given))?;
        match wiring.props.left() {
            Some(key) => fail!("{}: Property '{}.{key}' not found", self.given, self.kind.name),
            None => Ok(built),
        }
    }
}

/// Puts a part's banks on the bus; returns their addresses and sizes.
fn map(bus: &mut BusBuilder, line: &PartLine, index: u32, part: &Arc<Part>, built: &Built) -> Result<Vec<(u64, u64)>> {
    if line.at.len() != built.banks.len() {
        let (has, given) = (built.banks.len(), line.at.len());
        return Err(line
            .origin
            .error(format!("'{}' has {has} register banks, and 'at' gives {given} addresses", line.name)));
    }
    let mut banks = Vec::new();
    for (number, (at, bank)) in line.at.iter().zip(&built.banks).enumerate() {
        let at = u64::from(index).checked_mul(line.step).and_then(|offset| at.checked_add(offset));
        let at = at.ok_or_else(|| line.origin.error("the addresses leave the 64-bit space"))?;
        match &built.flash {
            Some((ram, mode)) => bus.flash(at, bank.size, part.clone(), number as u8, ram.clone(), mode.clone()),
            None => bus.device(at, bank.size, part.clone(), number as u8),
        }
        .map_err(|e| line.origin.error(e))?;
        banks.push((at, bank.size));
    }
    Ok(banks)
}

/// The tree with what the boot protocol decided, in its flat form.
fn flatten(mut tree: Node, chosen: &Chosen, seed: Option<u64>) -> Result<Vec<u8>> {
    let mut rng_seed = [0; 32];
    match seed {
        Some(seed) => {
            // Any bytes do that follow from the seed alone and differ from one to the next.
            let mut state = seed;
            for chunk in rng_seed.chunks_mut(8) {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                chunk.copy_from_slice(&(state ^ state >> 29).to_be_bytes());
            }
        }
        None => getrandom::fill(&mut rng_seed).map_err(|e| error!("the host gives no random bytes: {e}"))?,
    }
    tree::set_chosen(&mut tree, chosen, &rng_seed);
    tree.flatten()
}

/// Fills the firmware configuration device.
fn tell_firmware(items: &FwCfgItems, plan: &Plan, setup: &Setup<'_>, cpus: u32, ram: u64) -> Result<()> {
    let short = |number: u32| (number as u16).to_le_bytes();
    items.set(key::RAM_SIZE, ram.to_le_bytes());
    items.set(key::NB_CPUS, short(cpus));
    items.set(key::MAX_CPUS, short(cpus));
    items.set(key::NOGRAPHIC, short(u32::from(setup.no_display)));
    items.set(key::BOOT_MENU, short(0));
    items.set(key::UUID, setup.uuid.unwrap_or_default());
    if let Some(handed) = &plan.handed {
        let size = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
        if let Some(kernel) = &handed.kernel {
            items.set(key::KERNEL_SIZE, size(kernel));
            items.set(key::KERNEL_DATA, kernel.clone());
        }
        if let Some(initrd) = &handed.initrd {
            items.set(key::INITRD_SIZE, size(initrd));
            items.set(key::INITRD_DATA, initrd.clone());
        }
        if let Some(cmdline) = &handed.cmdline {
            let line: Vec<u8> = cmdline.bytes().chain([0]).collect();
            items.set(key::CMDLINE_SIZE, size(&line));
            items.set(key::CMDLINE_DATA, line);
        }
    }
    for (name, bytes) in &setup.fw_cfg {
        items.set_file(name, bytes.clone())?;
    }
    Ok(())
}
