//! Room `fabric`: what a board is made of, seen from inside a chip.
//!
//! ```text
//!   vCPU ──► Bus ──► Part(Device) ──► IrqLine ──► Part(controller) ──► Pins (an atomic word)
//!                        │
//!                        ├──► Dma ──► Ram          Timers ─► Device::event
//!                        └──► Power                host ends ─► Device::event
//! ```
//! Calls only go down this drawing, so there is no lock order to remember. A chip knows no address, no
//! interrupt number, no thread and no other chip. This room names no chip.

pub mod bench;
mod bus;
mod clock;
mod device;
mod interface;
mod irq;
mod memory;
mod power;
mod ram;
mod state;

pub use bus::{Bus, BusBuilder, BusFault, HostPage, MemoryPage, RegionInfo};
pub use clock::{Clock, Timebase, Timer, Timers};
pub use device::{Device, Event, Io, Message, NodeProp, Part, Stay, TreeNode, Width};
pub use interface::{CpuInterface, RegisterAccess};
pub use irq::{IrqLine, Joint, Pins, own_input, own_input_of};
pub use memory::HostMemory;
pub use power::{Power, PowerRequest};
pub use ram::{Dma, Mailbox, PAGE_SIZE, Ram, RamPage, Watchers};
pub use state::State;
