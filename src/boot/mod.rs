//! Room `boot`: what is in memory and in registers when a machine starts.
//!
//! ```text
//!   files ─► image / elf ─► protocol (an ISA's) ─► Plan: blobs, what /chosen says, how CPUs start
//!                                                   ▲ the device tree comes last, for it names the others
//! ```
//! A plan is made once; every reset of the board lays its blobs down again. This room names no board and no chip: it is
//! told where memory is.
#![forbid(unsafe_code)]

pub mod aarch64;
pub mod elf;
pub mod fdt;
mod files;
mod hex;
pub mod image;
mod kernel;
mod layout;
mod loader;
pub mod riscv64;
pub mod symbols;
mod uboot;

pub use files::{Firmware, find_firmware, firmware_dirs, read};
pub use layout::{Blob, Layout, Space};
pub use loader::{Loader, Module};

use crate::base::Result;
use std::path::PathBuf;
use std::sync::Arc;

/// What a run wants booted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// `-kernel`.
    pub kernel: Option<PathBuf>,
    /// `-initrd`.
    pub initrd: Option<PathBuf>,
    /// `-append`.
    pub append: Option<String>,
    /// `-dtb`: in place of the generated device tree.
    pub dtb: Option<PathBuf>,
    /// `-bios`.
    pub firmware: Firmware,
    /// `-L`: where firmware is looked for first.
    pub firmware_dirs: Vec<PathBuf>,
    /// `-device loader`, in order.
    pub loaders: Vec<Loader>,
    /// `-device guest-loader`, in order.
    pub modules: Vec<Module>,
}

/// Where a board has memory, in guest-physical bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Main memory.
    pub ram: Space,
    /// The memory that a reset starts in.
    pub rom: Option<Space>,
    /// The flash chip with firmware in it, when a user gave one.
    pub flash: Option<Space>,
    /// Everything that blobs may be laid into.
    pub memory: Vec<Space>,
}

/// What `/chosen` in the device tree says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The kernel's command line.
    pub bootargs: Option<String>,
    /// First address of the initial RAM disk, and the one behind its last.
    pub initrd: Option<(u64, u64)>,
    /// What a hypervisor is to give its guests.
    pub modules: Vec<ChosenModule>,
}

/// A node `module@ADDRESS` in `/chosen`, as QEMU names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenModule {
    /// Guest-physical address.
    pub at: u64,
    /// Bytes.
    pub size: u64,
    /// `multiboot,kernel` or `multiboot,ramdisk`.
    pub compatible: &'static str,
    /// The command line of a kernel.
    pub bootargs: Option<String>,
}

/// How the CPUs start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// All of them where a reset of the board begins.
    Reset,
    /// By the firmware built into Mimus: CPU 0 at `entry` as the firmware would enter it, with the device tree at
    /// `dtb`; the others wait to be started.
    BuiltIn {
        /// Guest-physical address.
        entry: u64,
        /// Guest-physical address.
        dtb: u64,
    },
    /// In guest firmware at `entry`, at the highest privilege. Which CPUs do, and whether the firmware built into Mimus
    /// answers the calls of that firmware, is the instruction set's to say.
    Firmware {
        /// Guest-physical address.
        entry: u64,
    },
    /// There is nothing to run: all wait for ever.
    Nothing,
}

/// Everything that a start needs.
#[derive(Debug)]
pub struct Plan {
    /// What is laid into memory.
    pub layout: Layout,
    /// What the device tree tells the kernel.
    pub chosen: Chosen,
    /// Guest-physical address of the device tree, once the plan is finished; `None` where there was no room for it.
    pub dtb: Option<u64>,
    /// How the CPUs start.
    pub start: Start,
    /// CPUs whose pc a `-device loader` sets, over [`start`](Plan::start).
    pub pcs: Vec<(u32, u64)>,
    /// The files for firmware that loads the kernel itself.
    pub handed: Option<Handed>,
    /// The kernel and its like; what reset vectors are made from.
    entry: Entry,
}

/// What firmware is told about the kernel, by way of fw_cfg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// The kernel's file.
    pub kernel: Option<Arc<[u8]>>,
    /// The initial RAM disk's file.
    pub initrd: Option<Arc<[u8]>>,
    /// The command line.
    pub cmdline: Option<String>,
}

/// Addresses that the reset vector needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// Where the reset vector jumps to.
    first: u64,
    /// Where firmware goes on; 0 when there is nothing.
    next: u64,
}

/// A boot protocol: how an instruction set's kernels and firmware are started.
pub struct Protocol {
    /// Decides where everything goes but the device tree.
    pub plan: fn(&Request, &Place) -> Result<Plan>,
    /// Lays the device tree down, and what refers to it.
    pub finish: fn(&mut Plan, &Place, Vec<u8>) -> Result<()>,
}
