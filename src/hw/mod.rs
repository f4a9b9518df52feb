//! Room `hw`: the chips. One file a chip, a folder a family; [`PARTS`] is the catalogue, one line a part.
//!
//! A chip is built from [`Wiring`], which holds everything that the board hands it; it answers with [`Built`].
//! A chip never learns its address, its interrupt number, or what else is on the board.
#![forbid(unsafe_code)]

mod wiring;

pub use wiring::{Bank, Built, HostEnd, PartType, Props, Wiring};

/// The catalogue: every type that a board page may name.
pub static PARTS: &[&PartType] = &[];

/// The catalogue entry called `name`.
pub fn part_type(name: &str) -> Option<&'static PartType> {
    PARTS.iter().copied().find(|part| part.name == name)
}
