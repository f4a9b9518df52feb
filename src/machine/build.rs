//! From a page and a [`Setup`] to a [`Machine`]: the one place where names become objects.
//!
//! 1. the instruction set;
//! 2. memory;
//! 3. an empty place for every part, so that lines can point at parts that do not exist yet; the CPU model, whose
//!    lines do;
//! 4. what users plug in finds its slots (`devices`);
//! 5. the parts, each with its lines, timers and outside end (`parts`);
//! 6. the address map, frozen;
//! 7. what is booted, the device tree last;
//! 8. the vCPUs and their engines.

use super::arch::{self, Arch, CpuBoard};
use super::console::Console;
use super::desk::Desk;
use super::devices;
use super::page::{Page, Seed};
use super::parts::{self, Parts, Supply};
use super::seed::RandomBytes;
use super::setup::{CpuChoice, Setup};
use super::tree::{self, CpuNode};
use super::wires::{self, Lines};
use super::{Machine, Seat};
use crate::base::Result;
use crate::boot::fdt::Node;
use crate::boot::{self, Place, Plan, Space, Start};
use crate::cpu::{Board, Cpu, DebugPoints, Remote};
use crate::fabric::{BusBuilder, Clock, Dma, IrqLine, PAGE_SIZE, Pins, Ram, Timebase, Timers, Watchers};
use crate::hw::FwCfgItems;
use crate::hw::misc::fw_cfg::key;
use crate::semihosting::Service;
use crate::{engine, fail};
use std::sync::{Arc, Mutex};

/// Builds the machine. Nothing runs yet.
///
/// # Errors
/// What is wrong with the page or the command line.
pub fn build(page: Page, mut setup: Setup<'_>) -> Result<Machine> {
    let arch = arch::find(&page.isa.value).map_err(|e| page.isa.origin.error(e))?;
    if page.boot.value != "linux" {
        return Err(page.boot.origin.error(format!("there is no boot protocol '{}', only linux", page.boot.value)));
    }
    let cpus = cpu_count(&page, &setup)?;
    let desk = Desk::new();
    let timers = Timers::start(Clock::new())?;
    timers.clock().stop();
    let timebase = Timebase::new(timers.clock().clone(), page.timebase);
    let watchers = Arc::new(Watchers::default());
    let mut bus = BusBuilder::default();
    let ram_size = setup.ram.unwrap_or(page.ram_size);
    if ram_size > page.ram_most {
        let (name, most) = (&page.name, page.ram_most);
        fail!("machine '{name}' has room for {most:#x} bytes of RAM at most, not {ram_size:#x}");
    }
    let ram = Ram::new(ram_size, &watchers)?;
    if setup.prealloc {
        (0..ram_size).step_by(PAGE_SIZE as usize).for_each(|page| ram.write(page, &[0]));
    }
    let mut spaces = vec![Space { name: "RAM".into(), at: page.ram_at.value, size: ram_size }];
    bus.ram("ram", page.ram_at.value, ram_size, ram.clone(), 0, true).map_err(|e| page.ram_at.origin.error(e))?;
    for memory in &page.memory {
        let more = Ram::new(memory.size, &watchers)?;
        bus.ram(&memory.name, memory.at, memory.size, more, 0, !memory.rom).map_err(|e| memory.origin.error(e))?;
        spaces.push(Space { name: memory.name.clone(), at: memory.at, size: memory.size });
    }

    let remotes: Arc<[Arc<Remote>]> = (0..cpus).map(|_| Remote::new()).collect();
    let places = parts::places(&page);
    let pins: Vec<Arc<Pins>> = remotes.iter().map(|remote| remote.pins().clone()).collect();
    let lines = Lines::new(&page, places.clone(), pins.clone(), arch.pins)?;
    let choice = setup.cpu.take().unwrap_or_else(|| CpuChoice { model: page.cpu.clone(), ..CpuChoice::default() });
    if let Some(word) = choice.flags.first().filter(|_| !arch.cpu_flags) {
        fail!("-cpu {}: Expected key=value format, found {word}", choice.model);
    }
    let cpu_board = CpuBoard {
        clock: timers.clock().clone(),
        timebase: timebase.clone(),
        lines: (0..cpus).map(|cpu| lines_out(&page, arch, cpu, &lines)).collect::<Result<_>>()?,
        props: page.cpu_props.clone(),
        cpus,
        console: Console::of(&page),
    };
    let model = (arch.cpu)(&choice, cpu_board)?;
    let mut plugs = devices::plug(&page, &mut setup)?;
    setup.boot.loaders = std::mem::take(&mut plugs.loaders);
    setup.boot.modules = std::mem::take(&mut plugs.modules);
    let supply = Supply {
        dma: Dma::new(vec![(page.ram_at.value, ram)]),
        timers: timers.clone(),
        power: desk.power(),
        pins,
        pin_names: arch.pins,
        watchers: watchers.clone(),
        epoch: setup.epoch,
        timebase,
        fw_cfg: Arc::default(),
        places,
        lines,
        globals: std::mem::take(&mut setup.globals),
    };
    let parts = Parts::build(&page, plugs, &mut setup.serials, &supply, &mut bus)?;
    // The page's parts have taken theirs.
    let left = setup.serials.iter().enumerate().filter(|(_, left)| left.is_some());
    let unheard = left.map(|(number, _)| number).collect();
    spaces.extend(parts.flash.iter().cloned());
    let bus = Arc::new(bus.build());

    let rom = match &page.reset {
        None => None,
        Some(name) => match spaces.iter().find(|space| space.name == name.value) {
            Some(space) => Some(space.clone()),
            None => return Err(name.origin.error(format!("the board has no memory '{}'", name.value))),
        },
    };
    let place = Place { ram: spaces[0].clone(), rom, flash: parts.firmware, memory: spaces };
    let mut plan = (arch.protocol.plan)(&setup.boot, &place)?;
    if let Some((cpu, _)) = plan.pcs.iter().find(|(cpu, _)| *cpu >= cpus) {
        fail!("-device loader: there is no CPU {cpu} for cpu-num=: the machine has {cpus}");
    }
    let serves = match plan.start {
        Start::BuiltIn { .. } => true,
        Start::Firmware { .. } => !model.firmware_alone,
        Start::Reset | Start::Nothing => false,
    };
    let told = serves || plan.start == Start::Nothing && !model.firmware_alone;
    let node = CpuNode { firmware: model.node.firmware.filter(|_| told), ..model.node };
    let mut tree = match &setup.boot.dtb {
        None => tree::generate(&tree::Board { page: &page, parts: &parts.placed, cpus, cpu: node, ram: ram_size })?,
        Some(path) => {
            let bytes = boot::read("device tree", path)?;
            Node::parse(&bytes).map_err(|e| e.within(format!("could not load device tree '{}'", path.display())))?
        }
    };
    let seeds: Vec<(Seed, RandomBytes)> =
        page.tree.seeds.iter().map(|seed| Ok((*seed, random(*seed, setup.seed)?))).collect::<Result<_>>()?;
    tree::set_chosen(&mut tree, &plan.chosen);
    tree::set_seeds(&mut tree, &seeds);
    let dtb = tree.flatten()?;
    (arch.protocol.finish)(&mut plan, &place, dtb.clone())?;
    tell_firmware(&supply.fw_cfg, &plan, &setup, cpus, ram_size)?;

    let semihosting = setup.semihosting.take();
    let debug = Arc::new(DebugPoints::default());
    let board = Board {
        bus: bus.clone(),
        timers: timers.clone(),
        power: supply.power.clone(),
        debug: debug.clone(),
        interface: parts.interface.clone(),
        semihosting: semihosting.map(|setup| Service::new(setup, plan.layout.largest_gap(&place.ram)) as Arc<_>),
    };
    let firmware = serves.then_some(model.firmware);
    let engines = engine::engines(setup.engine, setup.code_limit, cpus, &watchers)?;
    let seats = engines.into_iter().zip(0..).map(|(engine, index)| {
        let cpu = Cpu::new(index, model.isa.clone(), board.clone(), remotes.clone(), firmware.clone());
        Mutex::new(Seat { cpu, engine })
    });
    Ok(Machine {
        unheard,
        isa: model.isa.clone(),
        seats: seats.collect(),
        reset_at: place.rom.map_or(page.ram_at.value, |rom| rom.at),
        ram: ram_size,
        parts: parts.standing,
        power: supply.power,
        arch,
        remotes,
        bus,
        timers,
        debug,
        seeds: seeds.into_iter().map(|(_, bytes)| bytes).collect(),
        plan,
        dtb,
        page,
        desk,
    })
}

/// What the lines out of a CPU drive, in the instruction set's order; what the page does not connect drives nothing.
fn lines_out(page: &Page, arch: &Arch, cpu: u32, lines: &Lines) -> Result<Vec<IrqLine>> {
    if let Some((name, said)) = page.cpu_lines.iter().find(|(name, _)| !arch.lines.contains(&name.as_str())) {
        return Err(said.origin.error(format!("no line '{name}' comes out of a CPU of this board")));
    }
    let line = |name: &&str| match page.cpu_lines.get(*name) {
        Some(said) => Ok(lines.to(&wires::out_of_cpu(said, cpu)?)),
        None => Ok(IrqLine::unconnected()),
    };
    arch.lines.iter().map(line).collect()
}

/// As many bytes as a property of `/chosen` has; each property has its own.
fn random(seed: Seed, fixed: Option<u64>) -> Result<RandomBytes> {
    match seed {
        Seed::Rng => RandomBytes::new(32, fixed),
        Seed::Kaslr => RandomBytes::new(8, fixed.map(|fixed| !fixed)),
    }
}

fn cpu_count(page: &Page, setup: &Setup<'_>) -> Result<u32> {
    let cpus = setup.cpus.unwrap_or(page.cpus);
    let possible = setup.max_cpus.map_or(cpus, |max| max.max(cpus));
    if cpus == 0 || possible > page.most_cpus {
        let (name, most) = (&page.name, page.most_cpus);
        fail!("Invalid SMP CPUs {possible}. The max CPUs supported by machine '{name}' is {most}");
    }
    Ok(cpus)
}

/// Fills the firmware configuration device.
fn tell_firmware(items: &FwCfgItems, plan: &Plan, setup: &Setup<'_>, cpus: u32, ram: u64) -> Result<()> {
    let short = |number: u32| (number as u16).to_le_bytes();
    items.set(key::RAM_SIZE, ram.to_le_bytes());
    items.set(key::NB_CPUS, short(cpus));
    items.set(key::MAX_CPUS, short(setup.max_cpus.unwrap_or(cpus)));
    items.set(key::NOGRAPHIC, short(u32::from(setup.no_display)));
    items.set(key::BOOT_MENU, short(u32::from(setup.boot_menu)));
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
