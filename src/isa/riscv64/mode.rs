//! The mode word: what a lifted block depends on beside its bytes ([`crate::cpu::Mode::code`]).

use crate::base::bits::{bit, bits};

/// Privilege levels, as `mstatus.MPP` encodes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Privilege {
    /// User.
    User = 0,
    /// Supervisor.
    Supervisor = 1,
    /// Machine.
    Machine = 3,
}

impl Privilege {
    /// The level encoded in the low two bits; the reserved encoding reads as user.
    pub const fn decode(bits: u64) -> Privilege {
        match bits & 3 {
            1 => Privilege::Supervisor,
            3 => Privilege::Machine,
            _ => Privilege::User,
        }
    }
}

/// The mode word taken apart.
///
/// Bits 1:0 privilege; 2 floats enabled (`mstatus.FS` not Off); 3 floats dirty (`FS` is Dirty, so that float writes
/// need not mark it); 6:4 `frm`; 7 instructions are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeMode {
    /// Privilege level.
    pub privilege: Privilege,
    /// Whether float instructions are legal.
    pub float: bool,
    /// Whether `mstatus.FS` is already Dirty.
    pub float_dirty: bool,
    /// `fcsr.frm`, valid or not.
    pub frm: u8,
    /// A debug trigger counts instructions: each has the helper COUNT before it.
    pub counted: bool,
}

impl CodeMode {
    /// The word.
    pub const fn encode(self) -> u32 {
        self.privilege as u32
            | (self.float as u32) << 2
            | (self.float_dirty as u32) << 3
            | (self.frm as u32) << 4
            | (self.counted as u32) << 7
    }

    /// The word taken apart.
    pub const fn decode(word: u32) -> CodeMode {
        let word = word as u64;
        CodeMode {
            privilege: Privilege::decode(word),
            float: bit(word, 2),
            float_dirty: bit(word, 3),
            frm: bits(word, 6, 4) as u8,
            counted: bit(word, 7),
        }
    }
}
