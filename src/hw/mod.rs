//! Room `hw`: the chips. One file a chip, a folder a family; [`PARTS`] is the catalogue, one line a part.
//!
//! A chip is built from [`Wiring`], which holds everything that the board hands it; it answers with [`Built`].
//! A chip never learns its address, its interrupt number, or what else is on the board.
#![forbid(unsafe_code)]

pub mod intc;
pub mod misc;
mod primecell;
pub mod rtc;
pub mod uart;
pub mod virtio;
pub mod watchdog;
mod wiring;

#[cfg(test)]
mod tests;

pub use misc::fw_cfg::FwCfgItems;
pub use wiring::{Bank, Built, HostEnd, Inputs, PartType, Props, Specifier, Trigger, Wiring, parse_number};

/// The catalogue: every type that a board page or `-device` may name.
pub static PARTS: &[&PartType] = &[
    &intc::ACLINT_MSWI,
    &intc::ACLINT_MTIMER,
    &intc::ACLINT_SSWI,
    &intc::CLINT,
    &intc::GICV2,
    &intc::GICV3,
    &intc::SIFIVE_PLIC,
    &misc::CFI_PFLASH01,
    &misc::FW_CFG_MMIO,
    &misc::PL061,
    &misc::PLATFORM_SLOT,
    &misc::PVPANIC,
    &misc::SIFIVE_TEST,
    &rtc::GOLDFISH_RTC,
    &rtc::PL031,
    &uart::NS16550,
    &uart::PL011,
    &virtio::VIRTCONSOLE,
    &virtio::VIRTIO_BLK,
    &virtio::VIRTIO_MMIO,
    &virtio::VIRTIO_RNG,
    &virtio::VIRTIO_SERIAL,
    &virtio::VIRTSERIALPORT,
    &watchdog::SBSA_GWDT,
];

/// The catalogue entry called `name`.
pub fn part_type(name: &str) -> Option<&'static PartType> {
    PARTS.iter().copied().find(|part| part.name == name)
}
