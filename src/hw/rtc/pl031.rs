//! Arm's PL031 real-time clock: seconds since 1970, with an alarm.
//!
//! The clock always runs. What the guest has set outlives a reset, as with a battery.
//! Leaves out: the integration test registers.
//!
//! Document: Arm DDI 0224, PrimeCell Real Time Clock (PL031) Technical Reference Manual.

use crate::base::Result;
use crate::fabric::{Device, Event, Io, IrqLine, State, Timer, Width};
use crate::guest_error;
use crate::hw::{Built, PartType, Wiring, primecell};
use serde::{Deserialize, Serialize};

/// Catalogue entry.
pub static PL031: PartType = PartType {
    name: "pl031",
    summary: "Arm PL031 real-time clock",
    bus: None,
    props: &[("secure", "the device tree keeps it for the Secure world (default: off)")],
    build,
};

const DR: u64 = 0x00;
const MR: u64 = 0x04;
const LR: u64 = 0x08;
const CR: u64 = 0x0c;
const IMSC: u64 = 0x10;
const RIS: u64 = 0x14;
const MIS: u64 = 0x18;
const ICR: u64 = 0x1c;
const PERIPHERAL: [u8; 4] = [0x31, 0x10, 0x14, 0x00];

const SECOND: u64 = 1_000_000_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Regs {
    matched: u32,
    load: u32,
    enabled: bool,
    pending: bool,
    /// The alarm has yet to ring: there was no match since MR or the time was last set.
    armed: bool,
}

struct Pl031 {
    irq: IrqLine,
    timer: Timer,
    /// Seconds since 1970 at guest time zero; the guest moves it by setting the time. Not reset.
    epoch: u32,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let (tree, nodes) = primecell::describe(wiring, "pl031", &["apb_pclk"])?;
    let device =
        Pl031 { irq: wiring.irq(0), timer: wiring.timer(0), epoch: wiring.epoch as u32, regs: Regs::default() };
    Ok(Built { nodes, ..Built::new(Box::new(device), 0x1000).with_tree(tree) })
}

impl Pl031 {
    fn time(&self) -> u32 {
        self.epoch.wrapping_add((self.timer.now() / SECOND) as u32)
    }

    /// Waits for the counter to reach MR, which may take until it has wrapped.
    fn set_alarm(&mut self) {
        self.regs.armed = true;
        self.update_alarm();
    }

    fn update_alarm(&mut self) {
        if !self.regs.armed {
            self.timer.disarm();
            return;
        }
        let ahead = self.regs.matched.wrapping_sub(self.time());
        if ahead == 0 {
            self.regs.armed = false;
            self.regs.pending = true;
            self.timer.disarm();
        } else {
            let second = self.timer.now() / SECOND;
            self.timer.arm(second.saturating_add(ahead.into()).saturating_mul(SECOND));
        }
    }

    fn update(&mut self) {
        self.irq.set(self.regs.pending && self.regs.enabled);
    }
}

impl Device for Pl031 {
    fn read(&mut self, io: Io) -> u64 {
        match io.offset {
            DR => self.time().into(),
            MR => self.regs.matched.into(),
            LR => self.regs.load.into(),
            CR => 1,
            IMSC => self.regs.enabled.into(),
            RIS => self.regs.pending.into(),
            MIS => (self.regs.pending && self.regs.enabled).into(),
            offset => primecell::id(PERIPHERAL, offset).unwrap_or_else(|| {
                guest_error!("pl031: read at {offset:#x}");
                0
            }),
        }
    }

    fn write(&mut self, io: Io, value: u64) {
        let value = value as u32;
        match io.offset {
            MR => {
                self.regs.matched = value;
                self.set_alarm();
            }
            LR => {
                self.regs.load = value;
                self.epoch = self.epoch.wrapping_add(value.wrapping_sub(self.time()));
                self.set_alarm();
            }
            // Once it runs it cannot be stopped.
            CR => {}
            IMSC => self.regs.enabled = value & 1 != 0,
            ICR => self.regs.pending &= value & 1 == 0,
            offset => guest_error!("pl031: write at {offset:#x}"),
        }
        self.update();
    }

    fn reset(&mut self) {
        self.regs = Regs::default();
        self.update_alarm();
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        s.item("regs", &mut self.regs)?;
        s.item("epoch", &mut self.epoch)?;
        if s.is_loading() {
            self.update_alarm();
            self.update();
        }
        Ok(())
    }

    fn event(&mut self, _event: Event) {
        self.update_alarm();
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

    #[test]
    fn seconds_pass() {
        let mut rtc = Rig::new("pl031").build();
        assert_eq!(rtc.read(DR, 4), Rig::EPOCH);
        rtc.pass(3 * SECOND + SECOND / 2);
        assert_eq!(rtc.read(DR, 4), Rig::EPOCH + 3);
    }

    #[test]
    fn the_alarm_rings_when_its_second_begins() {
        let mut rtc = Rig::new("pl031").build();
        rtc.pass(SECOND / 2);
        rtc.write(IMSC, 4, 1);
        rtc.write(MR, 4, Rig::EPOCH + 2);
        rtc.pass(SECOND);
        assert!(!rtc.line(0));
        rtc.pass(SECOND / 2);
        assert!(rtc.line(0));
        rtc.write(ICR, 4, 1);
        assert!(!rtc.line(0));
        assert_eq!(rtc.read(RIS, 4), 0);
    }

    #[test]
    fn a_masked_alarm_is_pending_and_an_unmasked_one_a_line() {
        let mut rtc = Rig::new("pl031").build();
        rtc.write(MR, 4, Rig::EPOCH);
        assert_eq!((rtc.read(RIS, 4), rtc.read(MIS, 4), rtc.line(0)), (1, 0, false));
        rtc.write(IMSC, 4, 1);
        assert_eq!((rtc.read(MIS, 4), rtc.line(0)), (1, true));
    }

    #[test]
    fn a_set_time_outlives_a_reset() {
        let mut rtc = Rig::new("pl031").build();
        rtc.write(LR, 4, 1000);
        rtc.reset();
        rtc.pass(SECOND);
        assert_eq!(rtc.read(DR, 4), 1001);
    }
}
