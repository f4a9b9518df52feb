//! What every part of the catalogue must stand, and the rig on which chips are tried.
//!
//! A new part is tested here with no edit: the rig finds out which host end it wants and, for a plug-in device,
//! what to plug it into.

use super::misc::fw_cfg::FwCfgItems;
use super::virtio::bench::{Desc, Front};
use super::{Built, HostEnd, PARTS, PartType, Props, Wiring, part_type};
use crate::base::Result;
use crate::fabric::bench::Bench;
use crate::fabric::{Bus, BusBuilder, CpuInterface, Io, IrqLine, Part, Power, State, Timebase, TreeNode};
use crate::host::{Block, CharEnd};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};

type Notify = Arc<dyn Fn() + Send + Sync>;

/// The other side of a character end.
#[derive(Default)]
struct Outside {
    input: VecDeque<u8>,
    breaks: u32,
    sent: Vec<u8>,
    room: usize,
    notify: Option<Notify>,
}

struct TestChar(Arc<Mutex<Outside>>);

impl CharEnd for TestChar {
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut outside = self.0.lock().unwrap();
        let taken = bytes.len().min(outside.room);
        outside.room -= taken;
        outside.sent.extend_from_slice(&bytes[..taken]);
        taken
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let mut outside = self.0.lock().unwrap();
        let count = into.len().min(outside.input.len());
        into.iter_mut().zip(outside.input.drain(..count)).for_each(|(to, from)| *to = from);
        count
    }

    fn on_ready(&mut self, notify: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().unwrap().notify = Some(notify.into());
    }

    fn take_break(&mut self) -> bool {
        let mut outside = self.0.lock().unwrap();
        let there = outside.breaks != 0;
        outside.breaks -= u32::from(there);
        there
    }
}

#[derive(Default)]
struct Image {
    bytes: Vec<u8>,
    read_only: bool,
    flushes: u32,
}

struct TestBlock(Arc<Mutex<Image>>);

impl TestBlock {
    fn with<T>(&self, offset: u64, length: u64, f: impl FnOnce(&mut [u8]) -> T) -> io::Result<T> {
        let mut image = self.0.lock().unwrap();
        let end = offset.checked_add(length).filter(|&end| end <= image.bytes.len() as u64);
        let end = end.ok_or_else(|| io::Error::other("past the end"))?;
        Ok(f(&mut image.bytes[offset as usize..end as usize]))
    }
}

impl Block for TestBlock {
    fn size(&self) -> u64 {
        self.0.lock().unwrap().bytes.len() as u64
    }

    fn read_only(&self) -> bool {
        self.0.lock().unwrap().read_only
    }

    fn read(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.with(offset, into.len() as u64, |bytes| into.copy_from_slice(bytes))
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> io::Result<()> {
        assert!(!self.read_only());
        self.with(offset, from.len() as u64, |bytes| bytes.copy_from_slice(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().flushes += 1;
        Ok(())
    }

    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.write_zeroes(offset, length)
    }

    fn write_zeroes(&mut self, offset: u64, length: u64) -> io::Result<()> {
        assert!(!self.read_only());
        self.with(offset, length, |bytes| bytes.fill(0))
    }
}

/// A chip on a bench with a bus, interrupt lines to look at, and host ends to play with. Time stands still but for
/// [`pass`](Rig::pass).
pub struct Rig {
    part_type: &'static PartType,
    pub bench: Bench,
    pub power: Arc<Power>,
    pub fw_cfg: Arc<FwCfgItems>,
    /// What is plugged in, for its host ends.
    pub plugs: Vec<Rig>,
    cpus: u32,
    props: BTreeMap<String, String>,
    lines: Vec<IrqLine>,
    outside: Option<Arc<Mutex<Outside>>>,
    image: Option<Arc<Mutex<Image>>>,
    banks: Vec<u64>,
    /// How the chip describes itself.
    pub tree: Option<TreeNode>,
    /// The chip's system registers.
    pub cpu_interface: Option<Arc<dyn CpuInterface>>,
    bus: Option<Bus>,
}

impl Rig {
    /// Wall-clock seconds at guest time zero.
    pub const EPOCH: u64 = 1_700_000_000;
    /// Distance of the banks on the rig's bus.
    const BANK: u64 = 0x1_0000_0000;

    /// A rig for the catalogue entry `name`; nothing is built yet.
    pub fn new(name: &str) -> Rig {
        Rig::of(part_type(name).unwrap_or_else(|| panic!("no part '{name}'")))
    }

    fn of(part_type: &'static PartType) -> Rig {
        let bench = Bench::new();
        bench.timers.clock().stop();
        bench.timers.clock().set(0);
        Rig {
            part_type,
            bench,
            power: Power::new(|| {}),
            fw_cfg: Arc::default(),
            plugs: Vec::new(),
            cpus: 1,
            props: BTreeMap::new(),
            lines: (0..128).map(|_| IrqLine::probe()).collect(),
            outside: None,
            image: None,
            banks: Vec::new(),
            tree: None,
            cpu_interface: None,
            bus: None,
        }
    }

    pub fn cpus(mut self, cpus: u32) -> Rig {
        self.cpus = cpus;
        self
    }

    pub fn props(mut self, props: &[(&str, &str)]) -> Rig {
        self.props.extend(props.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        self
    }

    /// Leads output `line` to an input of another chip.
    pub fn wire(mut self, line: usize, to: &Rig, input: u32) -> Rig {
        self.lines[line] = IrqLine::to_part(to.bench.part.clone(), input);
        self
    }

    pub fn with_char(mut self) -> Rig {
        self.outside = Some(Arc::new(Mutex::new(Outside { room: usize::MAX, ..Outside::default() })));
        self
    }

    pub fn with_block(mut self, bytes: Vec<u8>) -> Rig {
        self.image = Some(Arc::new(Mutex::new(Image { bytes, ..Image::default() })));
        self
    }

    /// The image refuses writes.
    pub fn read_only(self) -> Rig {
        self.image.as_ref().expect("an image").lock().unwrap().read_only = true;
        self
    }

    /// Plugs another part into this one.
    pub fn plug(mut self, plug: Rig) -> Rig {
        self.plugs.push(plug);
        self
    }

    /// Builds the chip and puts it on the bus.
    pub fn build(self) -> Rig {
        self.try_build().unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn try_build(mut self) -> Result<Rig> {
        let built = self.make(None)?;
        let mut builder = BusBuilder::default();
        self.banks = built.banks.iter().map(|bank| bank.size).collect();
        self.tree = built.tree;
        self.cpu_interface = built.cpu_interface;
        self.bench.part.install(built.device);
        for (index, &size) in self.banks.iter().enumerate() {
            let (base, part) = ((index as u64 + 1) * Rig::BANK, self.bench.part.clone());
            match &built.flash {
                Some((ram, array)) => {
                    builder.flash(base, size, part, index as u8, ram.clone(), array.clone()).unwrap();
                }
                None => builder.device(base, size, part, index as u8).unwrap(),
            }
        }
        self.bus = Some(builder.build());
        Ok(self)
    }

    /// Builds the part, on the bench of the transport if there is one.
    fn make(&self, transport: Option<&Rig>) -> Result<Built> {
        let top = transport.unwrap_or(self);
        let plugged = self.plugs.iter().map(|plug| plug.make(Some(top))).collect::<Result<_>>()?;
        let host = match (&self.outside, &self.image) {
            (Some(outside), _) => Some(HostEnd::Char(Box::new(TestChar(outside.clone())) as Box<dyn CharEnd>)),
            (_, Some(image)) => Some(HostEnd::Block(Box::new(TestBlock(image.clone())) as Box<dyn Block>)),
            _ => None,
        };
        let timers = top.bench.timers.clone();
        let mut wiring = Wiring {
            part: top.bench.part.clone(),
            props: Props::new(self.props.clone()),
            irq: top.lines.clone(),
            outputs: 0,
            dma: top.bench.dma.clone(),
            timebase: Timebase::new(timers.clock().clone(), 10_000_000),
            timers,
            power: top.power.clone(),
            host,
            plugged,
            cpus: top.cpus,
            watchers: Arc::default(),
            epoch: Rig::EPOCH,
            fw_cfg: top.fw_cfg.clone(),
        };
        let built = (self.part_type.build)(&mut wiring)?;
        assert_eq!(wiring.props.left().next(), None, "a property that nobody takes");
        Ok(built)
    }

    fn part(&self) -> &Part {
        &self.bench.part
    }

    pub fn read(&mut self, offset: u64, size: u8) -> u64 {
        self.read_bank(0, offset, size)
    }

    pub fn write(&mut self, offset: u64, size: u8, value: u64) {
        self.write_bank(0, offset, size, value);
    }

    pub fn read_bank(&mut self, bank: u64, offset: u64, size: u8) -> u64 {
        let bus = self.bus.as_ref().expect("a built rig");
        bus.read((bank + 1) * Rig::BANK + offset, size, 0).expect("an offset inside the bank")
    }

    pub fn write_bank(&mut self, bank: u64, offset: u64, size: u8, value: u64) {
        let bus = self.bus.as_ref().expect("a built rig");
        bus.write((bank + 1) * Rig::BANK + offset, size, value, 0).expect("an offset inside the bank");
    }

    pub fn reset(&mut self) {
        self.part().with(|device| device.reset());
    }

    pub fn input(&mut self, input: u32, level: bool) {
        self.part().with(|device| device.input(input, level));
    }

    pub fn input_again(&mut self, input: u32) {
        self.part().with(|device| device.input_again(input));
    }

    pub fn line(&self, index: usize) -> bool {
        self.lines[index].level()
    }

    pub fn lines(&self, count: usize) -> Vec<bool> {
        self.lines[..count].iter().map(IrqLine::level).collect()
    }

    /// Lets guest time pass and fires what comes due.
    pub fn pass(&mut self, ns: u64) {
        let clock = self.bench.timers.clock();
        clock.set(clock.now().saturating_add(ns));
        self.bench.timers.fire_due();
    }

    fn outside(&self) -> std::sync::MutexGuard<'_, Outside> {
        self.outside.as_ref().expect("a character end").lock().unwrap()
    }

    /// How many bytes the outside takes from now on.
    pub fn outside_takes(&self, bytes: usize) {
        self.outside().room = bytes;
    }

    /// What the chip has sent.
    pub fn sent(&self) -> Vec<u8> {
        self.outside().sent.clone()
    }

    /// Bytes come from outside.
    pub fn receive(&self, bytes: &[u8]) {
        self.outside().input.extend(bytes);
        self.notify_char();
    }

    /// A break comes from outside.
    pub fn receive_break(&self) {
        self.outside().breaks += 1;
        self.notify_char();
    }

    /// The outside says that something has changed.
    pub fn notify_char(&self) {
        let notify = self.outside().notify.clone();
        if let Some(notify) = notify {
            notify();
        }
    }

    /// Something happens outside, at this chip or what is plugged into it.
    fn stir(&self, dice: &mut Dice) {
        self.plugs.iter().for_each(|plug| plug.stir(dice));
        if self.outside.is_some() {
            self.outside_takes(dice.below(20) as usize);
            match dice.below(4) {
                0 => self.receive_break(),
                count => self.receive(&vec![b'x'; 10 * count as usize]),
            }
        }
    }

    pub fn image(&self) -> Vec<u8> {
        self.image.as_ref().expect("an image").lock().unwrap().bytes.clone()
    }

    pub fn flushes(&self) -> u32 {
        self.image.as_ref().expect("an image").lock().unwrap().flushes
    }

    pub fn save(&self) -> Value {
        let mut state = State::saving();
        self.part().with(|device| Some(device.state(&mut state))).unwrap().unwrap();
        state.into_value()
    }

    pub fn load(&self, value: Value) -> Result<()> {
        let mut state = State::loading(value)?;
        self.part().with(|device| Some(device.state(&mut state))).unwrap()
    }
}

/// The rigs on which a part is tried: one for most, one a transport version for virtio devices.
fn rigs(part: &'static PartType) -> Vec<Rig> {
    let ends: [fn(Rig) -> Rig; 3] = [|rig| rig.with_block(vec![0xa5; 1 << 20]), Rig::with_char, |rig| rig];
    let virtio = |make: &dyn Fn() -> Rig| {
        ["on", "off"]
            .map(|legacy| Rig::new("virtio-mmio").props(&[("force-legacy", legacy)]).plug(make()))
            .map(Rig::try_build)
            .into_iter()
            .collect::<Result<Vec<Rig>>>()
    };
    let mut refusals = Vec::new();
    for end in ends {
        let make = || end(Rig::of(part).cpus(2));
        let rigs = match part.bus {
            // An empty slot has no registers.
            None if part.name == "platform-slot" => return Vec::new(),
            None => make().try_build().map(|rig| vec![rig]),
            Some("platform") => Rig::new("platform-slot").plug(make()).try_build().map(|rig| vec![rig]),
            Some("virtio") => virtio(&make),
            Some("virtio-serial") => virtio(&|| Rig::new("virtio-serial-device").plug(make())),
            Some(bus) => panic!("'{}' wants a bus '{bus}': say here what offers it", part.name),
        };
        match rigs {
            Ok(rigs) => return rigs,
            Err(error) => refusals.push(error.to_string()),
        }
    }
    panic!("'{}' cannot be built: {refusals:?}", part.name);
}

fn each_rig(mut f: impl FnMut(&str, Rig)) {
    for part in PARTS {
        rigs(part).into_iter().for_each(|rig| f(part.name, rig));
    }
}

/// A small generator of the same numbers on every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// A value as a guest may write it: all of nothing, a few bits, an address in RAM, or anything.
    pub fn value(&mut self) -> u64 {
        match self.below(6) {
            0 => 0,
            1 => self.below(16),
            2 => 1 << self.below(64),
            3 => u64::MAX >> self.below(64),
            4 => Bench::RAM_BASE + self.below(1 << 20),
            _ => self.roll(),
        }
    }
}

/// Reads and writes at random, mostly near the front of the banks, where registers are.
fn fuzz(rig: &mut Rig, seed: u64, rounds: u32) {
    let mut dice = Dice::new(seed);
    for _ in 0..rounds {
        let bank = dice.below(rig.banks.len() as u64);
        let size = 1 << dice.below(4);
        let span = match dice.below(3) {
            0 => rig.banks[bank as usize],
            1 => 0x200,
            _ => 0x40,
        };
        let offset = dice.below(span.min(rig.banks[bank as usize] - 7));
        let offset = if dice.below(4) == 0 { offset } else { offset & !(u64::from(size) - 1) };
        match dice.below(9) {
            0..3 => {
                rig.read_bank(bank, offset, size);
            }
            3..6 => rig.write_bank(bank, offset, size, dice.value() & u64::MAX >> (64 - 8 * u32::from(size))),
            6 if dice.below(4) == 0 => rig.input_again(dice.below(128) as u32),
            6 => rig.input(dice.below(128) as u32, dice.below(2) == 0),
            7 => rig.stir(&mut dice),
            _ => rig.pass(dice.below(1_000_000_000)),
        }
    }
}

#[test]
fn names_are_unique_and_say_what_they_are() {
    let mut names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
    assert!(PARTS.iter().all(|part| !part.summary.is_empty()));
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

#[test]
fn tree_nodes_say_what_the_chip_is_and_not_where_it_is() {
    each_rig(|name, rig| {
        let Some(tree) = rig.tree else { return };
        let has = |prop: &str| tree.props.iter().any(|(given, _)| given == prop);
        assert!(has("compatible") && !tree.name.contains('@'), "{name}");
        for prop in ["reg", "interrupts", "interrupts-extended", "interrupt-parent", "phandle"] {
            assert!(!has(prop), "{name}: {prop}");
        }
    });
}

#[test]
fn reset_twice_equals_once() {
    each_rig(|name, mut rig| {
        fuzz(&mut rig, 1, 300);
        rig.reset();
        let once = (rig.save(), rig.lines(64));
        rig.reset();
        assert_eq!((rig.save(), rig.lines(64)), once, "{name}");
    });
}

#[test]
fn a_saved_state_loads_into_a_fresh_chip() {
    for part in PARTS {
        for seed in 0..8 {
            for (mut from, to) in rigs(part).into_iter().zip(rigs(part)) {
                fuzz(&mut from, seed, 200);
                let now = from.bench.timers.clock().now();
                to.bench.timers.clock().set(now);
                let saved = from.save();
                to.load(saved.clone()).unwrap_or_else(|error| panic!("{}: {error}", part.name));
                assert_eq!(to.save(), saved, "{}", part.name);
                assert_eq!(to.lines(64), from.lines(64), "{}", part.name);
            }
        }
    }
}

#[test]
fn a_state_that_is_not_one_is_refused() {
    each_rig(|name, rig| {
        let Value::Object(items) = rig.save() else { panic!("{name}: no table") };
        for key in items.keys() {
            let mut broken = items.clone();
            broken.insert(key.clone(), Value::String("?".into()));
            assert!(rig.load(Value::Object(broken)).is_err(), "{name}: {key}");
            let mut lacking = items.clone();
            lacking.remove(key);
            assert!(rig.load(Value::Object(lacking)).is_err(), "{name}: {key}");
        }
    });
}

#[test]
fn every_offset_takes_every_width() {
    each_rig(|_, mut rig| {
        for bank in 0..rig.banks.len() {
            // Large banks are swept at their ends and with a stride that hits every register of a pattern.
            let size = rig.banks[bank];
            let front = (0..size.min(0x4000)).chain((0x4000..size).step_by(0xffd)).chain(size.saturating_sub(64)..size);
            for offset in front {
                for width in [1, 2, 4, 8].into_iter().filter(|&width| offset + u64::from(width) <= size) {
                    rig.read_bank(bank as u64, offset, width);
                    rig.write_bank(bank as u64, offset, width, u64::MAX >> (64 - 8 * u32::from(width)));
                }
            }
        }
    });
}

#[test]
fn offsets_past_the_bank_do_no_harm() {
    each_rig(|_, rig| {
        let width = rig.part().with(|device| Some(device.width())).unwrap();
        for bank in 0..=rig.banks.len() as u8 {
            let size = rig.banks.get(usize::from(bank)).copied().unwrap_or(0);
            for offset in (size..size + 64).chain([!7, 1 << 32, 1 << 63]) {
                for cpu in [0, 1, u32::MAX] {
                    let io = Io { bank, offset, size: width.max, cpu };
                    rig.part().with(|device| {
                        device.read(io);
                        device.write(io, u64::MAX >> (64 - 8 * u32::from(io.size)));
                    });
                }
            }
        }
    });
}

#[test]
fn random_accesses_neither_panic_nor_hang() {
    for seed in 0..32 {
        each_rig(|_, mut rig| fuzz(&mut rig, seed, 1500));
    }
}

#[test]
fn rings_of_garbage_neither_panic_nor_hang() {
    let has_rings = |part: &&PartType| part.bus.is_some_and(|bus| bus.starts_with("virtio"));
    for part in PARTS.iter().copied().filter(has_rings) {
        let mut used = 0;
        for seed in 0..24 {
            let mut dice = Dice::new(seed);
            for rig in rigs(part).into_iter().skip(1) {
                let mut front = Front::adopt(rig);
                for _ in 0..40 {
                    spoil(&mut front, &mut dice);
                    front.notify(dice.below(front.rings.len() as u64) as usize);
                    front.rig.stir(&mut dice);
                    front.pass(dice.below(1000));
                    used += (0..front.rings.len()).map(|ring| u32::from(front.used_count(ring))).sum::<u32>();
                    if dice.below(4) == 0 {
                        let saved = front.rig.save();
                        front.rig.load(saved).unwrap();
                    }
                    if front.needs_reset() {
                        front.bring_up(|features| features);
                    }
                }
            }
        }
        assert!(used > 1000, "{}: the garbage is refused before the device sees it", part.name);
    }
}

/// Offers requests that are nearly right, and now and then spoils a descriptor.
fn spoil(front: &mut Front, dice: &mut Dice) {
    for ring in &mut front.rings {
        for _ in 0..dice.below(3) {
            // A small type or number in front, as block requests and console messages have it.
            let at = dice.below(0x1000);
            let header: Vec<u8> = (0..16).map(|byte| if byte % 4 == 0 { dice.below(16) as u8 } else { 0 }).collect();
            ring.fill(at, &header);
            let mut descs = vec![Desc::read(at, [8, 16, 16, 15][dice.below(4) as usize])];
            let length = |dice: &mut Dice| [0, 1, 16, 512, 4096, 70_000][dice.below(6) as usize];
            descs.extend((0..dice.below(3)).map(|_| Desc::read(dice.below(0x1_0000), length(dice))));
            if dice.below(3) == 0 {
                descs.clear();
            }
            descs.extend((0..dice.below(3)).map(|_| Desc::write(dice.below(0x1_0000), length(dice))));
            descs.push(Desc::write(dice.below(0x1_0000), 1));
            ring.offer(&descs);
        }
        if dice.below(24) == 0 {
            let size = ring.queue.size.into();
            let bytes: Vec<u8> = [dice.value(), dice.value()].iter().flat_map(|word| word.to_le_bytes()).collect();
            assert!(ring.dma.write(ring.queue.desc + 16 * dice.below(size), &bytes));
        }
        if dice.below(64) == 0 {
            ring.make_available(dice.value() as u16);
        }
    }
}
