//! What a debugger wants noticed: breakpoints and watchpoints.
//!
//! A watched page is not in the TLB, so its accesses come to the slow path, which *holds back* those that run into a
//! watchpoint: code leaves as for a trap. So a vCPU stops at the instruction, before the access. That is where QEMU's
//! stop, and where gdb looks for those of Arm and RISC-V: it takes the watchpoint away, steps, and compares.

use super::Cpu;
use crate::fabric::PAGE_SIZE;
use crate::ir::eval::Trapped;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{RwLock, RwLockReadGuard};

/// A range of virtual addresses whose accesses stop the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watchpoint {
    /// First address.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// Whether loads count.
    pub loads: bool,
    /// Whether stores count.
    pub stores: bool,
}

impl Watchpoint {
    fn touches(&self, address: u64, size: u64) -> bool {
        // Wrapping, so that the end of the address space is no special place.
        address.wrapping_sub(self.start) < self.length || (self.length > 0 && self.start.wrapping_sub(address) < size)
    }
}

/// The sets behind [`DebugPoints`].
#[derive(Default, Clone, Debug)]
pub struct Points {
    /// Virtual addresses of breakpoints.
    pub breakpoints: Vec<u64>,
    /// Watchpoints.
    pub watchpoints: Vec<Watchpoint>,
}

/// Breakpoints and watchpoints; changed only while every vCPU is paused.
#[derive(Default)]
pub struct DebugPoints {
    points: RwLock<Points>,
    /// Whether there are watchpoints: the slow path asks at every access.
    watching: AtomicBool,
}

impl DebugPoints {
    /// The points as they are.
    pub fn read(&self) -> RwLockReadGuard<'_, Points> {
        self.points.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes the points. The caller then makes every vCPU flush code and translations.
    pub fn change(&self, f: impl FnOnce(&mut Points)) {
        let mut points = self.points.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        f(&mut points);
        self.watching.store(!points.watchpoints.is_empty(), Ordering::Relaxed);
    }
}

impl Cpu {
    /// Looks for watchpoints that an access runs into, before it is made.
    ///
    /// # Errors
    /// When it is held back.
    #[inline]
    pub(super) fn watch(&mut self, address: u64, size: u8, load: bool, store: bool) -> Result<(), Trapped> {
        if !self.board.debug.watching.load(Ordering::Relaxed) {
            return Ok(());
        }
        let wanted =
            |point: &&Watchpoint| point.touches(address, size.into()) && (load && point.loads || store && point.stores);
        let hit = self.board.debug.read().watchpoints.iter().find(wanted).copied();
        match hit {
            Some(_) => {
                self.held = hit;
                Err(Trapped)
            }
            None => Ok(()),
        }
    }

    /// Whether any byte of the page at `address` is watched.
    pub(super) fn is_watched(&self, address: u64) -> bool {
        let page = address & !(PAGE_SIZE - 1);
        self.board.debug.watching.load(Ordering::Relaxed)
            && self.board.debug.read().watchpoints.iter().any(|point| point.touches(page, PAGE_SIZE))
    }

    /// Follows a trap of running code: its handler is entered, unless it was a watchpoint that held an access back,
    /// which is the answer then.
    pub fn trapped(&mut self) -> Option<Watchpoint> {
        let held = self.held.take();
        if held.is_none() {
            self.enter(self.trap);
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_touches_exactly_the_bytes_it_covers() {
        let point = |start, length| Watchpoint { start, length, loads: true, stores: true };
        assert!(point(0x1004, 4).touches(0x1000, 8));
        assert!(!point(0x1004, 4).touches(0x1000, 4));
        assert!(point(0x1000, 8).touches(0x1007, 1));
        assert!(!point(0x1000, 8).touches(0x1008, 1));
        assert!(!point(0x1000, 0).touches(0x1000, 8));
        assert!(point(u64::MAX, 1).touches(u64::MAX - 3, 4));
        assert!(!point(0, 8).touches(u64::MAX - 3, 4));
    }
}
