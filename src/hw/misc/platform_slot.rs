//! A slot in which a `-device` with registers of its own stands on a board, as on QEMU's platform bus: its banks lie
//! behind each other from the slot's address, its interrupts are the slot's. An empty slot answers nothing.

use crate::base::Result;
use crate::hw::{Built, PartType, Wiring};

/// The bus that slots offer.
pub const BUS: &str = "platform";

/// Catalogue entry.
pub static PLATFORM_SLOT: PartType = PartType {
    name: "platform-slot",
    summary: "a slot for a -device on the platform bus",
    bus: None,
    props: &[],
    build,
};

fn build(wiring: &mut Wiring) -> Result<Built> {
    let device = wiring.plugged.pop().unwrap_or_else(Built::nothing);
    Ok(Built { in_slot: true, ..device })
}
