//! Room `machine`: from a board page to a running machine. The one place where names become objects.
//!
//! ```text
//!   page (TOML) ─┐
//!                ├─► build ─► Machine ─► Control: power on, run, pause, step, reset, leave
//!   setup ───────┘     │
//!                      └── devices (what users plug in), wires (interrupt lines), tree (device tree), boot
//! ```
//! This room knows nothing of command lines: a [`Setup`] is plain data and outside ends that are open already.
#![forbid(unsafe_code)]

mod actions;
pub mod arch;
mod build;
mod console;
mod control;
mod desk;
pub mod devices;
pub mod page;
mod parts;
mod seed;
mod setup;
mod tree;
mod wires;

pub use actions::{Actions, AfterPanic, PanicAction, WatchdogAction};
pub use build::build;
pub use control::{Control, Happening, Status};
pub use desk::Pace;
pub use setup::{CpuChoice, Disk, Interface, Plug, PropList, Setup};

use crate::boot::Plan;
use crate::cpu::{Cpu, DebugPoints, Isa, Remote};
use crate::engine::Engine;
use crate::fabric::{Bus, Part, Power, Timers};
use std::sync::{Arc, Mutex};

/// A chip on its board.
pub struct Standing {
    /// Its place.
    pub part: Arc<Part>,
    /// Its type in the catalogue.
    pub kind: String,
    /// Guest-physical address and size of each register bank.
    pub banks: Vec<(u64, u64)>,
    /// The input that is the board's power button.
    pub power_button: Option<u32>,
}

/// A vCPU and what makes it go.
struct Seat {
    cpu: Box<Cpu>,
    engine: Box<dyn Engine>,
}

/// A machine: everything but the threads that run it.
pub struct Machine {
    /// Serial lines of the command line, by number, that the board does not have.
    pub unheard: Vec<usize>,
    /// The page that it was built from.
    pub page: page::Page,
    /// The architecture of its CPUs.
    pub isa: Arc<dyn Isa>,
    /// The physical address map.
    pub bus: Arc<Bus>,
    /// Guest time.
    pub timers: Arc<Timers>,
    /// The guest's power lines.
    pub power: Arc<Power>,
    /// Breakpoints and watchpoints; changed by [`Control::change_points`].
    pub debug: Arc<DebugPoints>,
    /// The chips in the order of the page.
    pub parts: Vec<Standing>,
    /// What is laid into memory at a start.
    pub plan: Plan,
    /// The device tree in its flat form.
    pub dtb: Vec<u8>,
    /// Bytes of main memory.
    pub ram: u64,
    seeds: Vec<seed::RandomBytes>,
    arch: &'static arch::Arch,
    reset_at: u64,
    seats: Vec<Mutex<Seat>>,
    remotes: Arc<[Arc<Remote>]>,
    desk: Arc<desk::Desk>,
}

impl Machine {
    /// How many vCPUs there are.
    pub fn cpus(&self) -> u32 {
        self.seats.len() as u32
    }
}
