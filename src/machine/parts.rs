//! The chips of a board: each built with its lines, timers and outside end, and put on the bus.
//!
//! Every part has an empty place before the first is built, so that lines can point at parts that do not exist yet.

use super::Standing;
use super::devices::{Plugged, Plugs};
use super::page::{self, Page, PartLine};
use super::tree::Placed;
use super::wires::{self, Lines, PinNames};
use crate::base::{Errors, Result, nearest};
use crate::boot::Space;
use crate::fabric::{BusBuilder, CpuInterface, Dma, IrqLine, PAGE_SIZE, Part, Pins, Power, Timebase, Timers, Watchers};
use crate::host::{CharEnd, NullChar};
use crate::hw::{Bank, Built, FwCfgItems, HostEnd, Inputs, PARTS, Props, Wiring, part_type};
use crate::{error, fail};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What all parts are wired to.
pub struct Supply {
    /// The way to main memory.
    pub dma: Dma,
    /// Guest time.
    pub timers: Arc<Timers>,
    /// Reset and power-off.
    pub power: Arc<Power>,
    /// The pins of each CPU.
    pub pins: Vec<Arc<Pins>>,
    /// What pages call them.
    pub pin_names: PinNames,
    /// For memory that chips bring along.
    pub watchers: Arc<Watchers>,
    /// Wall-clock seconds since 1970 at guest time zero.
    pub epoch: u64,
    /// What the CPUs' time registers show.
    pub timebase: Arc<Timebase>,
    /// What the machine tells its firmware.
    pub fw_cfg: Arc<FwCfgItems>,
    /// The empty places of the parts, by their names.
    pub places: BTreeMap<String, Arc<Part>>,
    /// What outputs drive.
    pub lines: Lines,
    /// `-global`: driver, property, value.
    pub globals: Vec<(String, String, String)>,
}

/// The parts of a board.
#[derive(Default)]
pub struct Parts {
    /// In the order of the page.
    pub standing: Vec<Standing>,
    /// As the device tree needs them.
    pub placed: Vec<Placed>,
    /// Flash memory, which images can be loaded into.
    pub flash: Vec<Space>,
    /// The flash bank with a user's firmware in it.
    pub firmware: Option<Space>,
    /// The interrupt inputs that each has, by its name.
    inputs: BTreeMap<String, Inputs>,
    /// The system registers that an interrupt controller offers to vCPUs.
    pub interface: Option<Arc<dyn CpuInterface>>,
}

/// An empty place for every part of a board.
pub fn places(page: &Page) -> BTreeMap<String, Arc<Part>> {
    let names = page.parts.iter().flat_map(|line| (0..line.count).map(|n| line.name_of(n)));
    names.map(|name| (name.clone(), Part::new(name))).collect()
}

/// An outside end, and the words of the command line that brought it.
type Bound = (HostEnd, Option<String>);

impl Parts {
    /// Builds every part and puts it on the bus.
    ///
    /// # Errors
    /// What is wrong with lines of the page, or with what is bound or plugged to their parts.
    pub fn build(
        page: &Page,
        mut plugs: Plugs,
        serials: &mut [Option<Box<dyn CharEnd>>],
        supply: &Supply,
        bus: &mut BusBuilder,
    ) -> Result<Parts> {
        let (mut parts, mut errors) = (Parts::default(), Errors::default());
        for (number, line) in page.parts.iter().enumerate() {
            let host = |line: &PartLine| line.host.as_ref().map(|host| host.value.clone());
            let is_bound = host(line).is_some() && page.parts[..number].iter().any(|other| host(other) == host(line));
            if let (Some(host), true) = (&line.host, line.count > 1 || is_bound) {
                errors.add(host.origin.error(format!("only one part can have the outside end '{}'", host.value)));
                continue;
            }
            for n in line.order() {
                let end = outside(line, &mut plugs, serials);
                let plugged = plugs.slots.remove(&line.name_of(n));
                errors.keep(end.and_then(|end| parts.add((number, line), n, (end, plugged), supply, bus)));
            }
        }
        for (unit, disk) in plugs.pflash {
            errors.add(error!("{}: board '{}' has no flash {unit}", disk.given, page.name));
        }
        errors.finish()?;
        wires::check(page, supply.pins.len() as u32, supply.pin_names, &parts.inputs)?;
        Ok(parts)
    }

    /// Builds the `n`-th chip of a line with its outside end and what is plugged into it, and puts it on the bus.
    fn add(
        &mut self,
        (number, line): (usize, &PartLine),
        n: u32,
        (end, plugged): (Option<Bound>, Option<Plugged>),
        supply: &Supply,
        bus: &mut BusBuilder,
    ) -> Result<()> {
        let name = line.name_of(n);
        let part = &supply.places[&name];
        let mut ends = wires::ends(line, n, supply.pins.len() as u32, supply.pin_names)?;
        let irq = ends.iter().map(|end| supply.lines.to(end)).collect();
        let has_firmware = end.is_some() && line.host.as_ref().is_some_and(|host| host.value == "pflash0");
        let built = build_part(line, part, irq, end, plugged, supply)?;
        let banks = map(bus, line, n, part, &built)?;
        if built.in_slot {
            ends.truncate(built.outputs);
        }
        if built.flash.is_some() {
            self.flash.extend(banks.iter().map(|&(at, size)| Space { name: name.clone(), at, size }));
            if has_firmware {
                self.firmware = self.flash.last().cloned();
            }
        }
        self.inputs.insert(name.clone(), built.inputs);
        self.placed.push(Placed {
            name,
            line: number,
            inside: line.node.clone(),
            banks: banks.clone(),
            ends,
            host: line.host.as_ref().map(|host| host.value.clone()),
            trigger: line.trigger,
            has_bus: line.bus.is_some(),
            tree: built.tree,
            nodes: built.nodes,
            specifier: built.specifier,
        });
        self.interface = self.interface.take().or(built.cpu_interface);
        part.install(built.device);
        let (kind, power_button) = (line.kind.value.clone(), built.power_button);
        self.standing.push(Standing { part: part.clone(), kind, banks, power_button });
        Ok(())
    }
}

/// The outside end that the page binds a part to.
fn outside(line: &PartLine, plugs: &mut Plugs, serials: &mut [Option<Box<dyn CharEnd>>]) -> Result<Option<Bound>> {
    let Some(host) = &line.host else { return Ok(None) };
    let number = |prefix: &str| host.value.strip_prefix(prefix).and_then(|number| number.parse::<u32>().ok());
    if let Some(number) = number("serial") {
        let end = serials.get_mut(number as usize).and_then(Option::take);
        return Ok(Some((HostEnd::Char(end.unwrap_or_else(|| Box::new(NullChar))), None)));
    }
    if let Some(number) = number("pflash") {
        let Some(disk) = plugs.pflash.remove(&number) else { return Ok(None) };
        let image = disk.image.ok_or_else(|| error!("{}: a flash chip needs an image: add file=", disk.given))?;
        return Ok(Some((HostEnd::Block(image), Some(disk.given))));
    }
    Err(host.origin.error(format!("there is no outside end '{}': serialN and pflashN are", host.value)))
}

fn build_part(
    line: &PartLine,
    part: &Arc<Part>,
    irq: Vec<IrqLine>,
    end: Option<Bound>,
    plugged: Option<Plugged>,
    supply: &Supply,
) -> Result<Built> {
    let kind = part_type(&line.kind.value).filter(|kind| kind.bus.is_none());
    let kind = kind.ok_or_else(|| {
        let near = nearest(&line.kind.value, PARTS.iter().filter(|kind| kind.bus.is_none()).map(|kind| kind.name));
        line.kind.origin.error(format!("there is no part '{}'{near}", line.kind.value))
    })?;
    let plugged = plugged.map(|plugged| plugged.build(part, &irq, supply)).transpose()?;
    let (host, given) = end.map_or((None, None), |(host, given)| (Some(host), given));
    // What the page says of its part goes over what a flag says of all parts of the type.
    let globals = supply.globals.iter().filter(|(driver, ..)| driver == kind.name);
    let mut props: BTreeMap<String, String> = globals.map(|(_, key, value)| (key.clone(), value.clone())).collect();
    props.extend(line.props.iter().map(|(key, said)| (key.clone(), said.value.clone())));
    let mut wiring = supply.wiring(part, Props::new(props), irq, host, plugged.into_iter().collect());
    let built = (kind.build)(&mut wiring).map_err(|e| match &given {
        Some(given) => e.within(given),
        None => line.origin.error(e),
    })?;
    let mut errors = Errors::default();
    for key in wiring.props.left() {
        let origin = line.props.get(key).map_or(&line.origin, |said| &said.origin);
        let near = nearest(key, kind.props.iter().map(|(known, _)| *known).chain(page::PART_KEYS.iter().copied()));
        errors.add(origin.error(format!("a part of type '{}' has no key '{key}'{near}", kind.name)));
    }
    if let (Some(_), Some(host)) = (&wiring.host, &line.host) {
        errors.add(host.origin.error(format!("a part of type '{}' has no outside end", kind.name)));
    }
    // Controllers may be told of more pins of CPUs than they drive.
    let only_inputs = line.irq.iter().all(|said| !said.value.starts_with("cpu"));
    if let (Some(said), true) = (line.irq.get(wiring.outputs), only_inputs && !built.in_slot) {
        let has = match wiring.outputs {
            0 => "no interrupt outputs".into(),
            1 => "1 interrupt output".into(),
            outputs => format!("{outputs} interrupt outputs"),
        };
        errors.add(said.origin.error(format!("a part of type '{}' has {has}, and 'irq' names more", kind.name)));
    }
    errors.finish().map(|()| built)
}

impl Supply {
    fn wiring(
        &self,
        part: &Arc<Part>,
        props: Props,
        irq: Vec<IrqLine>,
        host: Option<HostEnd>,
        plugged: Vec<Built>,
    ) -> Wiring {
        Wiring {
            part: part.clone(),
            props,
            irq,
            outputs: 0,
            dma: self.dma.clone(),
            timers: self.timers.clone(),
            power: self.power.clone(),
            host,
            plugged,
            cpus: self.pins.len() as u32,
            watchers: self.watchers.clone(),
            epoch: self.epoch,
            timebase: self.timebase.clone(),
            fw_cfg: self.fw_cfg.clone(),
        }
    }
}

impl Plugged {
    /// Builds the device and, before it, what is plugged into it. All of them share the place of the slot's part.
    fn build(self, part: &Arc<Part>, irq: &[IrqLine], supply: &Supply) -> Result<Built> {
        let inside = self.inside.into_iter().map(|device| device.build(part, irq, supply)).collect::<Result<_>>()?;
        let mut wiring = supply.wiring(part, self.props, irq.to_vec(), self.host, inside);
        let built = (self.kind.build)(&mut wiring).map_err(|e| e.within(&self.given))?;
        match wiring.props.left().next() {
            Some(key) => fail!("{}: Property '{}.{key}' not found", self.given, self.kind.name),
            None => Ok(Built { outputs: wiring.outputs, ..built }),
        }
    }
}

/// Puts a part's banks on the bus; returns their addresses and sizes.
fn map(bus: &mut BusBuilder, line: &PartLine, index: u32, part: &Arc<Part>, built: &Built) -> Result<Vec<(u64, u64)>> {
    let origin = &line.at.origin;
    let mut banks = Vec::new();
    for ((at, bank), number) in addresses(line, built)?.into_iter().zip(&built.banks).zip(0..) {
        let at = u64::from(index).checked_mul(line.step).and_then(|offset| at.checked_add(offset));
        let at = at.ok_or_else(|| origin.error("the addresses leave the 64-bit space"))?;
        match &built.flash {
            Some((ram, mode)) => bus.flash(at, bank.size, part.clone(), number, ram.clone(), mode.clone()),
            None => bus.device(at, bank.size, part.clone(), number),
        }
        .map_err(|e| origin.error(e))?;
        banks.push((at, bank.size));
    }
    Ok(banks)
}

/// The address of each bank of the first of a line's chips.
fn addresses(line: &PartLine, built: &Built) -> Result<Vec<u64>> {
    let (given, has) = (&line.at.value, built.banks.len());
    if built.in_slot
        && let [start] = given[..]
    {
        let size = |bank: &Bank| bank.size.next_multiple_of(PAGE_SIZE);
        return Ok((0..has).map(|n| built.banks[..n].iter().map(size).fold(start, u64::saturating_add)).collect());
    }
    if given.len() != has {
        let text = format!("'{}' has {has} register banks, and 'at' gives {} addresses", line.name, given.len());
        return Err(line.at.origin.error(text));
    }
    Ok(given.clone())
}
