//! What `machine` knows of each instruction set: one line each. Everything else about them is in their own rooms.

use super::console::Console;
use super::setup::CpuChoice;
use super::tree::CpuNode;
use super::wires::PinNames;
use crate::base::Result;
use crate::boot::{self, Protocol};
use crate::cpu::{Cpu, Firmware, Isa};
use crate::fabric::Timebase;
use crate::fail;
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
    pub cpu: fn(&CpuChoice, &CpuBoard) -> Result<Model>,
    /// Puts a CPU after reset where the built-in firmware has it: the first one at the entry, given with the address
    /// of the device tree, the others waiting to be started. `None`: all wait for ever.
    pub start: fn(&mut Cpu, Option<(u64, u64)>),
    /// The answer to `-cpu help`.
    pub cpu_help: fn() -> String,
}

/// What a CPU model is told of its board.
pub struct CpuBoard {
    /// What the time registers show.
    pub timebase: Arc<Timebase>,
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
    /// How the device tree describes a CPU.
    pub node: CpuNode,
}

/// The instruction sets.
pub static ARCHS: &[Arch] = &[Arch {
    name: "riscv64",
    pins: riscv64::PINS,
    protocol: &boot::riscv64::PROTOCOL,
    cpu: riscv64_cpu,
    start: riscv64::sbi::start,
    cpu_help: riscv64::models::list,
}];

fn riscv64_cpu(choice: &CpuChoice, board: &CpuBoard) -> Result<Model> {
    let isa = riscv64::models::build(&choice.model, &choice.props, board.timebase.clone(), board.cpus)?;
    let console = board.console.map(|console| riscv64::sbi::Console {
        put: Box::new(move |bus, byte| console.put(bus, byte)),
        get: Box::new(move |bus| console.get(bus)),
    });
    let firmware = riscv64::sbi::Sbi::new(isa.harts.clone(), console);
    let node = CpuNode::new(&isa.tree(), &Riscv64::controller_tree());
    Ok(Model { isa: Arc::new(isa), firmware, node })
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
