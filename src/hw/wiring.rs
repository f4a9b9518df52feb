//! What a board hands a chip, and what the chip answers.
//!
//! # Plug-in devices
//! A catalogue entry with a `bus` is not placed by itself but plugged into a part that offers the bus: a
//! `virtio` device into a `virtio-mmio` transport, a `virtio-serial` port into a `virtio-serial-device`. The board
//! builds the innermost first and hands each [`Built`] on in [`Wiring::plugged`]. All of one stack shares the
//! transport's place: `part` is the transport's part for each of them, so its lock is the only one and events of
//! timers and host ends arrive there. [`Built::device`] of a plug-in device is inert and never installed, but on the
//! `platform` bus, where the slot is nothing but the place of the device.
//!
//! # Device tree
//! [`Built::tree`] is the part's node without what only the board knows. The board adds
//! * `reg`: address and size of every bank, in order;
//! * `interrupts` and `interrupt-parent` when the outputs drive inputs of a controller;
//! * `interrupts-extended` when they drive pins of vCPUs: a pair for each output in order, the phandle of the
//!   vCPU's own controller and the interrupt's number there (RISC-V: msi 3, mti 7, ssi 1, mei 11, sei 9);
//! * `phandle` for a node that has the property `interrupt-controller` or that a [`NodeProp::Phandle`] or
//!   [`NodeProp::References`] names: by its part's name, or, for a node of [`Built::nodes`], by its own.
//!
//! An interrupt specifier is what the controller's [`Built::specifier`] makes of the input's number and trigger.
//! A node inside with a [`TreeNode::bank`] has its own unit address, and its phandle goes by `PART/NODE`.
//! [`Built::nodes`] are nodes without an address that stand at the root of the tree. Parts whose nodes are equal and
//! have [`TreeNode::shared`] set are one node, at the lowest address and with the `reg` of all; so are equal nodes
//! at the root.
//!
//! # Reset, and snapshots
//! Parts with interrupt inputs are reset after those that drive them: they take the levels as they stand.
//! A snapshot holds, besides each part's state, the contents of [`Built::flash`]; guest time
//! ([`Clock::set`](crate::fabric::Clock::set)) is put back before any part loads, for parts keep deadlines in it.
//!
//! [`NodeProp::Phandle`]: crate::fabric::NodeProp::Phandle
//! [`NodeProp::References`]: crate::fabric::NodeProp::References

use super::misc::fw_cfg::FwCfgItems;
use super::virtio::{Port, VirtioDevice};
use crate::base::Result;
use crate::error;
use crate::fabric::{
    Clock, CpuInterface, Device, Dma, Event, Io, IrqLine, Part, Power, Ram, State, Timebase, Timer, Timers, TreeNode,
    Watchers,
};
use crate::host::{Block, CharEnd};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// An entry of the catalogue.
pub struct PartType {
    /// The name that board pages and `-device` use.
    pub name: &'static str,
    /// One line for `-device help`.
    pub summary: &'static str,
    /// The bus of a plug-in device (`virtio`, `virtio-serial`, …); `None` for parts that only board pages place.
    pub bus: Option<&'static str>,
    /// Properties with a line of help each, for `-device NAME,help`.
    pub props: &'static [(&'static str, &'static str)],
    /// Builds the chip.
    pub build: fn(&mut Wiring) -> Result<Built>,
}

/// An outside end that the board bound to a chip.
pub enum HostEnd {
    /// A character stream.
    Char(Box<dyn CharEnd>),
    /// A block image.
    Block(Box<dyn Block>),
}

/// Everything that a chip is handed.
pub struct Wiring {
    /// The place where the chip will stand.
    pub part: Arc<Part>,
    /// What the board page says of it. A property that nobody takes is an error.
    pub props: Props,
    /// Interrupt outputs, in the document's order. Use [`irq`](Wiring::irq): missing ones are unconnected.
    pub irq: Vec<IrqLine>,
    /// How many of them the chip has taken.
    pub outputs: usize,
    /// The way to main memory.
    pub dma: Dma,
    /// Guest time.
    pub timers: Arc<Timers>,
    /// Reset and power-off lines.
    pub power: Arc<Power>,
    /// The outside end, when one is bound.
    pub host: Option<HostEnd>,
    /// The devices that are plugged into this one, already built: a virtio transport's device, the ports of a
    /// virtio-serial device.
    pub plugged: Vec<Built>,
    /// How many vCPUs the board has.
    pub cpus: u32,
    /// For memory that a chip brings along (flash arrays).
    pub watchers: Arc<Watchers>,
    /// Wall-clock seconds since 1970 at guest time zero, as `-rtc base=` has it.
    pub epoch: u64,
    /// The counter that the vCPUs' time registers show.
    pub timebase: Arc<Timebase>,
    /// What the machine tells its firmware; the machine goes on filling it until the start.
    pub fw_cfg: Arc<FwCfgItems>,
}

/// A register bank of a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bank {
    /// Size in bytes.
    pub size: u64,
}

/// A built chip.
pub struct Built {
    /// The chip.
    pub device: Box<dyn Device>,
    /// Its register banks; the board page gives each an address.
    pub banks: Vec<Bank>,
    /// How it describes itself in a device tree: name and its own properties, without `reg`, `interrupts`
    /// and phandles, which the board knows. `None`: it does not appear.
    pub tree: Option<TreeNode>,
    /// A flash chip's array, and the flag that says that it can be read directly.
    pub flash: Option<(Arc<Ram>, Arc<AtomicBool>)>,
    /// Nodes at the root of the device tree that go with the part.
    pub nodes: Vec<TreeNode>,
    /// A device for a virtio transport; only virtio devices set it.
    pub virtio: Option<Box<dyn VirtioDevice>>,
    /// A port for a virtio-serial device; only ports set it.
    pub port: Option<Port>,
    /// The vCPUs' way to an interrupt controller that has system registers.
    pub cpu_interface: Option<Arc<dyn CpuInterface>>,
    /// The input that the machine raises when its user presses the power button.
    pub power_button: Option<u32>,
    /// How many interrupt outputs a plug-in device takes.
    pub outputs: usize,
    /// It stands in a slot: its banks lie behind each other from the one address that the page gives, and it may take
    /// fewer interrupt outputs than the slot has.
    pub in_slot: bool,
    /// The interrupt inputs that it has.
    pub inputs: Inputs,
    /// An interrupt controller's device-tree specifier of an input: as many cells as its `#interrupt-cells` says.
    pub specifier: Specifier,
}

/// Interrupt inputs, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Those that all vCPUs share.
    pub shared: Range<u32>,
    /// How many each vCPU has of its own, from 0.
    pub own: u32,
}

/// What makes the cells of an input that is triggered so.
pub type Specifier = Box<dyn Fn(u32, Trigger) -> Vec<u32>>;

/// How software is to treat an interrupt input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// It counts while it is high.
    #[default]
    Level,
    /// It counts when it rises.
    Edge,
}

/// Stands for a plug-in device where a chip with registers would be.
struct Inert;

impl Device for Inert {
    fn read(&mut self, _io: Io) -> u64 {
        0
    }

    fn write(&mut self, _io: Io, _value: u64) {}

    fn reset(&mut self) {}

    fn state(&mut self, _s: &mut State) -> Result<()> {
        Ok(())
    }
}

impl Built {
    /// A chip with one bank of `size` bytes.
    pub fn new(device: Box<dyn Device>, size: u64) -> Built {
        Built::with_banks(device, &[size])
    }

    /// A chip with banks of these sizes.
    pub fn with_banks(device: Box<dyn Device>, sizes: &[u64]) -> Built {
        let banks = sizes.iter().map(|&size| Bank { size }).collect();
        Built {
            device,
            banks,
            tree: None,
            flash: None,
            nodes: Vec::new(),
            virtio: None,
            port: None,
            cpu_interface: None,
            power_button: None,
            outputs: 0,
            in_slot: false,
            inputs: Inputs::default(),
            specifier: Box::new(|input, _| vec![input]),
        }
    }

    /// What is in an empty slot.
    pub fn nothing() -> Built {
        Built::with_banks(Box::new(Inert), &[])
    }

    /// A device for a virtio transport.
    pub fn virtio(device: Box<dyn VirtioDevice>) -> Built {
        Built { virtio: Some(device), ..Built::nothing() }
    }

    /// A port for a virtio-serial device.
    pub fn port(port: Port) -> Built {
        Built { port: Some(port), ..Built::nothing() }
    }

    /// The same with a device-tree node.
    #[must_use]
    pub fn with_tree(mut self, tree: TreeNode) -> Built {
        self.tree = Some(tree);
        self
    }
}

impl Wiring {
    /// Takes interrupt output `index`; an output that the page does not connect drives nothing.
    pub fn irq(&mut self, index: usize) -> IrqLine {
        self.outputs = self.outputs.max(index + 1);
        self.irq.get(index).cloned().unwrap_or_default()
    }

    /// A timer that calls the chip's `event(Timer(id))`.
    pub fn timer(&self, id: u32) -> Timer {
        Wiring::timer_of(&self.timers, &self.part, id)
    }

    /// A timer as [`timer`](Wiring::timer) makes it, for what takes longer than a call of a timer may: others than its
    /// kind do not wait for it.
    pub fn work_timer(&self, id: u32) -> Timer {
        Wiring::timer_of(self.timers.work(), &self.part, id)
    }

    fn timer_of(timers: &Arc<Timers>, part: &Arc<Part>, id: u32) -> Timer {
        let part = Arc::downgrade(part);
        timers.create(move || {
            if let Some(part) = part.upgrade() {
                part.with(|device| device.event(Event::Timer(id)));
            }
        })
    }

    /// Guest time.
    pub fn clock(&self) -> &Arc<Clock> {
        self.timers.clock()
    }

    /// Takes the character end, with its notice wired to the chip's `event(Ready(id))`.
    ///
    /// # Errors
    /// When the page bound something that is not a character stream.
    pub fn take_char(&mut self, id: u32) -> Result<Box<dyn CharEnd>> {
        let mut end = self.take_char_unwired()?;
        self.wire_char(end.as_mut(), id);
        Ok(end)
    }

    /// Takes the character end of a plug-in device that does not yet know which event is its own.
    ///
    /// # Errors
    /// As [`take_char`](Wiring::take_char).
    pub fn take_char_unwired(&mut self) -> Result<Box<dyn CharEnd>> {
        match self.host.take() {
            None => Ok(Box::new(crate::host::NullChar)),
            Some(HostEnd::Char(end)) => Ok(end),
            Some(_) => Err(error!("'{}' needs a character stream (-serial, -chardev)", self.part.name())),
        }
    }

    /// Wires the notice of a character end to the chip's `event(Ready(id))`.
    pub fn wire_char(&self, end: &mut dyn CharEnd, id: u32) {
        let part = Arc::downgrade(&self.part);
        end.on_ready(Box::new(move || {
            if let Some(part) = part.upgrade() {
                part.with(|device| device.event(Event::Ready(id)));
            }
        }));
    }

    /// Takes the block image.
    ///
    /// # Errors
    /// When none is bound, or something else.
    pub fn take_block(&mut self) -> Result<Box<dyn Block>> {
        match self.host.take() {
            Some(HostEnd::Block(block)) => Ok(block),
            _ => Err(error!("'{}' needs a block image (drive=ID)", self.part.name())),
        }
    }
}

/// The properties of one part, as its board page or `-device` gives them.
#[derive(Clone, Debug, Default)]
pub struct Props {
    values: BTreeMap<String, String>,
}

impl Props {
    /// Properties with their values as text.
    pub fn new(values: BTreeMap<String, String>) -> Props {
        Props { values }
    }

    /// Takes a text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// Takes a number: decimal, `0x` hexadecimal, or with a K, M, G or T suffix.
    ///
    /// # Errors
    /// When the value is not one.
    pub fn number(&mut self, name: &str) -> Result<Option<u64>> {
        self.text(name)
            .map(|text| parse_number(&text).ok_or_else(|| error!("'{name}={text}' is not a number")))
            .transpose()
    }

    /// Takes a switch: on, off, yes, no, true, false, y, n.
    ///
    /// # Errors
    /// When the value is not one.
    pub fn switch(&mut self, name: &str) -> Result<Option<bool>> {
        self.text(name)
            .map(|text| match text.as_str() {
                "on" | "yes" | "true" | "y" => Ok(true),
                "off" | "no" | "false" | "n" => Ok(false),
                _ => Err(error!("'{name}={text}' is neither on nor off")),
            })
            .transpose()
    }

    /// The properties that nobody took.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// A number as board pages and flags write it: decimal or `0x`, with an optional K, M, G or T (binary) suffix.
pub fn parse_number(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok();
    }
    let shift = match text.chars().last()? {
        'k' | 'K' => 10,
        'm' | 'M' => 20,
        'g' | 'G' => 30,
        't' | 'T' => 40,
        _ => 0,
    };
    let digits = if shift == 0 { &text[..] } else { &text[..text.len() - 1] };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}
