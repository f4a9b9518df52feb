//! What `gdbstub` wants to know of an architecture, answered at run time: one type serves all instruction sets.

use gdbstub::arch::{Arch, RegId, Registers};
use std::num::NonZeroUsize;

/// Any architecture with addresses of 64 bits.
pub enum AnyArch {}

impl Arch for AnyArch {
    type Usize = u64;
    type Registers = RegBytes;
    type BreakpointKind = usize;
    type RegId = RegNumber;
}

/// The registers of a `g` packet, in its order.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct RegBytes(pub Vec<u8>);

impl Registers for RegBytes {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        // Asked for by nobody: where it is depends on the instruction set.
        0
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        self.0.iter().for_each(|byte| write_byte(Some(*byte)));
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.0 = bytes.to_vec();
        Ok(())
    }
}

/// A register by its number in the target description.
#[derive(Debug)]
pub struct RegNumber(pub usize);

impl RegId for RegNumber {
    fn from_raw_id(id: usize) -> Option<(RegNumber, Option<NonZeroUsize>)> {
        Some((RegNumber(id), None))
    }

    fn to_raw_id(&self) -> Option<usize> {
        Some(self.0)
    }
}
