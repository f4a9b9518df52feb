//! What all versions of Arm's GIC keep for interrupts, 32 at a time.
//!
//! A block holds what one register of a bit an interrupt shows, so register accesses are word operations. Which
//! registers exist, and who may see what, is the business of the version.

use crate::fabric::own_input_of;
use crate::hw::{Specifier, Trigger};
use serde::{Deserialize, Serialize};

/// The priority bits that exist: five, so that one word holds all active priorities.
pub const PRIORITY_MASK: u8 = 0xf8;

/// The priority when nothing runs.
pub const IDLE: u8 = 0xff;

/// Says that there is no interrupt.
pub const SPURIOUS: u32 = 1023;

/// The SGIs among the interrupts of a private block.
pub const SGIS: u32 = 0xffff;

/// 32 interrupts, one bit or one byte each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub enabled: u32,
    /// Pending by an edge or by software.
    pub latched: u32,
    /// Levels of the inputs.
    pub level: u32,
    pub active: u32,
    /// Group 1.
    pub group: u32,
    /// GICv3: with `group` clear, Secure group 1.
    pub modifier: u32,
    /// Edge-triggered.
    pub edge: u32,
    pub priority: [u8; 32],
}

impl Block {
    /// After reset; the levels outlive it.
    pub fn reset(&mut self) {
        *self = Block { level: self.level, ..Block::default() };
    }

    /// As firmware leaves it to Non-secure code: in its group, at a priority that it can have.
    pub fn give_away(&mut self) {
        self.group = u32::MAX;
        self.priority.fill(from_non_secure(0));
    }

    pub fn pending(&self) -> u32 {
        self.latched | self.level & !self.edge
    }

    /// What may be signalled, if its group is enabled and its priority suffices. What is active waits.
    pub fn candidates(&self) -> u32 {
        self.enabled & self.pending() & !self.active
    }

    pub fn input(&mut self, bit: u32, level: bool) {
        let mask = 1 << bit;
        if level {
            self.latched |= mask & self.edge & !self.level;
            self.level |= mask;
        } else {
            self.level &= !mask;
        }
    }

    pub fn acknowledge(&mut self, bit: u32) {
        self.latched &= !(1 << bit);
        self.active |= 1 << bit;
    }

    /// The word `index` (0 or 1) of the configuration register, two bits an interrupt.
    pub fn config(&self, index: u64) -> u32 {
        let edge = (self.edge >> (16 * index)) & 0xffff;
        (0..16).fold(0, |word, n| word | (edge >> n & 1) << (2 * n + 1))
    }

    /// Sets those bits of the configuration that `mask` has.
    pub fn set_config(&mut self, index: u64, value: u32, mask: u32) {
        for n in 0..16 {
            if mask >> (2 * n + 1) & 1 != 0 {
                let bit = 1 << (16 * index as u32 + n);
                if value >> (2 * n + 1) & 1 != 0 { self.edge |= bit } else { self.edge &= !bit }
            }
        }
    }
}

/// The bits of `word`, lowest first.
pub fn each_bit(mut word: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros();
            word &= word - 1;
            bit
        })
    })
}

/// The group priority of `priority`: what decides about preemption.
pub fn group_priority(priority: u8, binary_point: u8) -> u8 {
    (u32::from(priority) & (0xff << (u32::from(binary_point & 7) + 1))) as u8
}

/// The bit of a group priority in an active-priorities word.
pub fn active_bit(group_priority: u8) -> u32 {
    1 << (group_priority >> 3)
}

/// The running priority that an active-priorities word stands for.
pub fn running(active: u32) -> u8 {
    if active == 0 { IDLE } else { (active.trailing_zeros() as u8) << 3 }
}

/// A priority as Non-secure code sees it where there is a Secure world: the lower half of the range, spread out.
pub fn non_secure_view(priority: u8) -> u8 {
    if priority & 0x80 == 0 { 0 } else { priority << 1 }
}

/// The inverse of [`non_secure_view`].
pub fn from_non_secure(priority: u8) -> u8 {
    (priority >> 1 | 0x80) & PRIORITY_MASK
}

/// Calls `f` with the number and value of each byte of a word that `mask` has.
pub fn each_byte(value: u32, mask: u32, mut f: impl FnMut(usize, u8)) {
    for byte in 0..4 {
        if mask >> (8 * byte) & 0xff != 0 {
            f(byte, (value >> (8 * byte)) as u8);
        }
    }
}

/// A word from four bytes that `f` gives.
pub fn from_bytes(f: impl FnMut(usize) -> u8) -> u32 {
    u32::from_le_bytes(std::array::from_fn(f))
}

/// The interrupt of an input: of which vCPU, where it is private to one, and its number. Input n is SPI n.
pub fn interrupt_of(input: u32) -> Option<(Option<usize>, u32)> {
    match own_input_of(input) {
        Some((cpu, ppi)) => (ppi < 16).then_some((Some(cpu as usize), 16 + ppi)),
        None => Some((None, 32 + input)),
    }
}

/// The device-tree specifier of an input: SPI or PPI, its number, and its trigger. The cells of PPIs say besides which
/// of `cpus` they are for, where that is not 0.
pub fn specifier(cpus: u32) -> Specifier {
    let mask = ((1 << cpus) - 1) << 8;
    Box::new(move |input, trigger| {
        let trigger = match trigger {
            Trigger::Edge => 1,
            Trigger::Level => 4,
        };
        match own_input_of(input) {
            Some((_, ppi)) => vec![1, ppi, mask | trigger],
            None => vec![0, input, trigger],
        }
    })
}
