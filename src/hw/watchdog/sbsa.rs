//! The generic watchdog of Arm's server base system architecture: at the first timeout an interrupt (WS0), at the second
//! the watchdog's action (WS1).
//!
//! It counts the ticks of the system counter. WS1 is the board's to answer, by what `-watchdog-action` says. As in QEMU
//! a reset clears WS1, too.
//!
//! Document: Arm Base System Architecture (DEN0094), appendix "Generic watchdog"; device-tree binding `arm,sbsa-gwdt`.

use crate::base::{Result, bits};
use crate::fabric::{Device, Event, Io, IrqLine, Power, PowerRequest, State, Timebase, Timer, TreeNode, Width};
use crate::guest_error;
use crate::hw::misc::PLATFORM_BUS;
use crate::hw::{Built, PartType, Wiring};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Catalogue entry.
pub static SBSA_GWDT: PartType = PartType {
    name: "sbsa-gwdt",
    summary: "Arm's generic watchdog (-watchdog-action)",
    bus: Some(PLATFORM_BUS),
    props: &[],
    build,
};

/// The frames in the order of the device tree's `reg`.
const CONTROL: u8 = 0;
const REFRESH: u8 = 1;
const FRAME: u64 = 0x1000;

const WRR: u64 = 0x000;
const WCS: u64 = 0x000;
const WOR_LOW: u64 = 0x008;
const WOR_HIGH: u64 = 0x00c;
const WCV_LOW: u64 = 0x010;
const WCV_HIGH: u64 = 0x014;
const W_IIDR: u64 = 0xfcc;

const ENABLED: u32 = 1 << 0;
const WS0: u32 = 1 << 1;
const WS1: u32 = 1 << 2;

/// Version 1, with a WOR of 48 bits; Arm's JEP106 code.
const IIDR: u32 = 0x0001_043b;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Regs {
    wcs: u32,
    /// The timeout in ticks.
    wor: u64,
    /// The counter's value at which it times out.
    wcv: u64,
}

struct SbsaGwdt {
    irq: IrqLine,
    timer: Timer,
    timebase: Arc<Timebase>,
    power: Arc<Power>,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let device = SbsaGwdt {
        irq: wiring.irq(0),
        timer: wiring.timer(0),
        timebase: wiring.timebase.clone(),
        power: wiring.power.clone(),
        regs: Regs::default(),
    };
    let tree = TreeNode::new("watchdog").strings("compatible", &["arm,sbsa-gwdt"]);
    Ok(Built::with_banks(Box::new(device), &[FRAME, FRAME]).with_tree(tree))
}

impl SbsaGwdt {
    /// The guest is alive.
    fn refresh(&mut self) {
        self.regs.wcs &= ENABLED;
        self.regs.wcv = self.timebase.now().wrapping_add(self.regs.wor);
        self.update();
    }

    fn time_out(&mut self) {
        if self.regs.wcs & WS0 == 0 {
            self.regs.wcs |= WS0;
            self.regs.wcv = self.timebase.now().wrapping_add(self.regs.wor);
        } else {
            self.regs.wcs |= WS1;
            self.power.request(PowerRequest::Watchdog);
        }
    }

    fn update(&mut self) {
        let Regs { wcs, wcv, .. } = self.regs;
        self.irq.set(wcs & WS0 != 0);
        if wcs & (ENABLED | WS1) == ENABLED {
            self.timer.arm(self.timebase.deadline(wcv));
        } else {
            self.timer.disarm();
        }
    }
}

impl Device for SbsaGwdt {
    fn read(&mut self, io: Io) -> u64 {
        let word = match (io.bank, io.offset) {
            (CONTROL, WCS) => self.regs.wcs,
            (CONTROL, WOR_LOW) => self.regs.wor as u32,
            (CONTROL, WOR_HIGH) => (self.regs.wor >> 32) as u32,
            (CONTROL, WCV_LOW) => self.regs.wcv as u32,
            (CONTROL, WCV_HIGH) => (self.regs.wcv >> 32) as u32,
            (REFRESH, WRR) => 0,
            (CONTROL | REFRESH, W_IIDR) => IIDR,
            _ => {
                guest_error!("sbsa-gwdt: read of frame {} at {:#x}", io.bank, io.offset);
                0
            }
        };
        word.into()
    }

    fn write(&mut self, io: Io, value: u64) {
        match (io.bank, io.offset) {
            (REFRESH, WRR) => self.refresh(),
            (CONTROL, WCS) => {
                self.regs.wcs = value as u32 & ENABLED;
                self.refresh();
            }
            (CONTROL, WOR_LOW) => {
                self.regs.wor = bits::with_field(self.regs.wor, 0xffff_ffff, value);
                self.refresh();
            }
            (CONTROL, WOR_HIGH) => {
                self.regs.wor = bits::with_field(self.regs.wor, 0xffff << 32, value);
                self.refresh();
            }
            (CONTROL, WCV_LOW) => {
                self.regs.wcv = bits::with_field(self.regs.wcv, 0xffff_ffff, value);
                self.update();
            }
            (CONTROL, WCV_HIGH) => {
                self.regs.wcv = bits::with_field(self.regs.wcv, 0xffff_ffff << 32, value);
                self.update();
            }
            _ => guest_error!("sbsa-gwdt: write of {value:#x} to frame {} at {:#x}", io.bank, io.offset),
        }
    }

    fn reset(&mut self) {
        self.regs = Regs::default();
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        s.item("regs", &mut self.regs)?;
        if s.is_loading() {
            self.update();
        }
        Ok(())
    }

    fn event(&mut self, _event: Event) {
        // Firmware may have set the counter back meanwhile.
        if self.regs.wcs & (ENABLED | WS1) == ENABLED && self.timebase.now() >= self.regs.wcv {
            self.time_out();
        }
        self.update();
    }

    fn width(&self) -> Width {
        Width { min: 4, max: 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    /// Nanoseconds a tick of the rig's counter.
    const TICK: u64 = 100;

    fn rig() -> Rig {
        let mut rig = Rig::new("platform-slot").plug(Rig::new("sbsa-gwdt")).build();
        rig.write(WOR_LOW, 4, 1000);
        rig.write(WCS, 4, 1);
        rig
    }

    #[test]
    fn the_first_timeout_interrupts_and_the_second_acts() {
        let mut dog = rig();
        dog.pass(999 * TICK);
        assert_eq!((dog.read(WCS, 4), dog.line(0)), (1, false));
        dog.pass(TICK);
        assert_eq!((dog.read(WCS, 4), dog.line(0), dog.power.take()), (3, true, None));
        dog.pass(1000 * TICK);
        assert_eq!((dog.read(WCS, 4), dog.power.take()), (7, Some(PowerRequest::Watchdog)));
        dog.pass(10_000 * TICK);
        assert_eq!(dog.power.take(), None, "once");
    }

    #[test]
    fn a_fed_watchdog_is_quiet() {
        let mut dog = rig();
        for _ in 0..5 {
            dog.pass(900 * TICK);
            dog.write_bank(1, WRR, 4, 0);
        }
        assert_eq!((dog.read(WCS, 4), dog.line(0)), (1, false));
        dog.pass(1500 * TICK);
        assert!(dog.line(0));
        dog.write_bank(1, WRR, 4, 0);
        assert_eq!((dog.read(WCS, 4), dog.line(0)), (1, false), "feeding takes the interrupt back");
        dog.write(WCS, 4, 0);
        dog.pass(10_000 * TICK);
        assert_eq!((dog.read(WCS, 4), dog.power.take()), (0, None));
    }

    #[test]
    fn the_timeout_has_48_bits() {
        let mut dog = rig();
        dog.write(WOR_HIGH, 4, 0xffff_ffff);
        assert_eq!((dog.read(WOR_HIGH, 4), dog.read(WOR_LOW, 4)), (0xffff, 1000));
        assert_eq!((dog.read(W_IIDR, 4), dog.read_bank(1, W_IIDR, 4)), (0x1043b, 0x1043b));
    }
}
