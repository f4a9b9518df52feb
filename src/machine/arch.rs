//! What `machine` knows of each instruction set: one line each. Everything else about them is in their own rooms.

use super::console::Console;
use super::setup::{CpuChoice, PropList};
use super::tree::CpuNode;
use super::wires::PinNames;
use crate::base::Result;
use crate::boot::{self, Protocol, Start};
use crate::cpu::{Cpu, Firmware, Isa};
use crate::fabric::{Clock, IrqLine, Timebase};
use crate::fail;
use crate::isa::aarch64::{self, Aarch64};
use crate::isa::riscv64::{self, Riscv64};
use std::sync::Arc;

/// An instruction set.
pub struct Arch {
    /// Its name, as pages and `-arch` have it.
    pub name: &'static str,
    /// The pins of a CPU, with the number of each as an interrupt of the CPU's own controller.
    pub pins: PinNames,
    /// How its kernels are started.
    pub protocol: &'static Protocol,
    /// Makes a CPU model with the properties that `-cpu` gives.
    pub cpu: fn(&CpuChoice, CpuBoard) -> Result<Model>,
    /// The names of the lines out of a CPU.
    pub lines: &'static [&'static str],
    /// Puts a CPU after reset where the start has it.
    pub start: fn(&mut Cpu, Start),
    /// Whether `-cpu` takes `+x`, `-x` and `x` too. Where QEMU wants KEY=VALUE, so do we.
    pub cpu_flags: bool,
    /// The answer to `-cpu help`.
    pub cpu_help: fn() -> String,
}

/// What a CPU model is told of its board.
pub struct CpuBoard {
    /// Guest time.
    pub clock: Arc<Clock>,
    /// What the time registers show.
    pub timebase: Arc<Timebase>,
    /// What the lines out of each CPU drive, in the order of [`Arch::lines`].
    pub lines: Vec<Vec<IrqLine>>,
    /// Properties that the board gives the model.
    pub props: PropList,
    /// How many CPUs there are.
    pub cpus: u32,
    /// The first serial line, for the built-in firmware.
    pub console: Option<Console>,
}

/// A configured CPU model.
pub struct Model {
    /// The architecture.
    pub isa: Arc<dyn Isa>,
    /// The firmware built into Mimus.
    pub firmware: Arc<dyn Firmware>,
    /// Guest firmware has the highest privilege to itself: the built-in one is not there beside it.
    pub firmware_alone: bool,
    /// How the device tree describes a CPU.
    pub node: CpuNode,
}

/// The instruction sets.
pub static ARCHS: &[Arch] = &[
    Arch {
        name: "aarch64",
        pins: aarch64::PINS,
        lines: aarch64::LINES,
        protocol: &boot::aarch64::PROTOCOL,
        cpu: aarch64_cpu,
        start: aarch64_start,
        cpu_flags: false,
        cpu_help: aarch64::models::list,
    },
    Arch {
        name: "riscv64",
        pins: riscv64::PINS,
        lines: &[],
        protocol: &boot::riscv64::PROTOCOL,
        cpu: riscv64_cpu,
        start: riscv64_start,
        cpu_flags: false,
        cpu_help: riscv64::models::list,
    },
];

fn aarch64_cpu(choice: &CpuChoice, board: CpuBoard) -> Result<Model> {
    let supply =
        aarch64::models::Supply { clock: board.clock, timebase: board.timebase, count: board.cpus, lines: board.lines };
    let isa = aarch64::models::build(&choice.model, &board.props, &choice.props, supply)?;
    let node = CpuNode {
        unit: Aarch64::unit,
        inner: isa.inner_trees(),
        firmware: isa.firmware_tree(),
        ..CpuNode::new(&isa.tree(), None)
    };
    let firmware_alone = isa.has_el3();
    Ok(Model { isa: Arc::new(isa), firmware: aarch64::psci::firmware(), firmware_alone, node })
}

fn aarch64_start(cpu: &mut Cpu, start: Start) {
    use aarch64::psci::{Begin, Entry};
    let begin = match start {
        Start::BuiltIn { entry, dtb } => Begin::Kernel(Entry { address: entry, context: dtb }),
        Start::Firmware { entry } => Begin::Firmware(entry),
        Start::Reset | Start::Nothing => Begin::Nothing,
    };
    aarch64::psci::start(cpu, begin);
}

fn riscv64_cpu(choice: &CpuChoice, board: CpuBoard) -> Result<Model> {
    let props: PropList = board.props.into_iter().chain(choice.props.iter().cloned()).collect();
    let timebase = board.timebase.clone();
    let isa = riscv64::models::build(&choice.model, &props, board.timebase, board.cpus)?;
    let console = board.console.map(|console| riscv64::sbi::Console {
        put: Box::new(move |bus, byte| console.put(bus, byte)),
        get: Box::new(move |bus| console.get(bus)),
    });
    let firmware = riscv64::sbi::Sbi::new(isa.harts.clone(), console);
    let node = CpuNode {
        frequency: Some(timebase.hz()),
        inner: isa.counters_tree().map(|node| (node, Vec::new())).into_iter().collect(),
        ..CpuNode::new(&isa.tree(), Some(&Riscv64::controller_tree()))
    };
    Ok(Model { isa: Arc::new(isa), firmware, firmware_alone: true, node })
}

fn riscv64_start(cpu: &mut Cpu, start: Start) {
    match start {
        Start::Reset | Start::Firmware { .. } => {}
        Start::BuiltIn { entry, dtb } => riscv64::sbi::start(cpu, Some((entry, dtb))),
        Start::Nothing => riscv64::sbi::start(cpu, None),
    }
}

/// The instruction set called `name`.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static Arch> {
    match ARCHS.iter().find(|arch| arch.name == name) {
        Some(arch) => Ok(arch),
        None => fail!("there is no instruction set '{name}'; known are {}", names().join(", ")),
    }
}

/// The names of the instruction sets.
pub fn names() -> Vec<&'static str> {
    ARCHS.iter().map(|arch| arch.name).collect()
}
