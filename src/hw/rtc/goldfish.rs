//! The goldfish real-time clock: nanoseconds since 1970, with an alarm.
//!
//! Reading TIME_LOW latches TIME_HIGH; writing ALARM_LOW takes ALARM_HIGH along and arms the alarm. The guest may
//! set the clock; what it has set outlives a reset, as with a battery.
//!
//! Document: "Goldfish virtual hardware" of the Android emulator, section Goldfish timer.

use crate::base::{Result, bits};
use crate::fabric::{Clock, Device, Event, Io, IrqLine, State, Timer, TreeNode, Width};
use crate::guest_error;
use crate::hw::{Built, PartType, Wiring};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Catalogue entry.
pub static GOLDFISH_RTC: PartType =
    PartType { name: "goldfish-rtc", summary: "goldfish real-time clock", bus: None, props: &[], build };

const TIME_LOW: u64 = 0x00;
const TIME_HIGH: u64 = 0x04;
const ALARM_LOW: u64 = 0x08;
const ALARM_HIGH: u64 = 0x0c;
const IRQ_ENABLED: u64 = 0x10;
const CLEAR_ALARM: u64 = 0x14;
const ALARM_STATUS: u64 = 0x18;
const CLEAR_INTERRUPT: u64 = 0x1c;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Regs {
    time_high: u32,
    /// ALARM_HIGH, which counts from the next write of ALARM_LOW on.
    alarm_high: u32,
    alarm: u64,
    alarm_armed: bool,
    irq_pending: bool,
    irq_enabled: bool,
}

struct GoldfishRtc {
    irq: IrqLine,
    timer: Timer,
    clock: Arc<Clock>,
    /// Nanoseconds since 1970 at guest time zero; the guest moves it by setting the time. Not reset.
    epoch_ns: u64,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let device = GoldfishRtc {
        irq: wiring.irq(0),
        timer: wiring.timer(0),
        clock: wiring.clock().clone(),
        epoch_ns: wiring.epoch.wrapping_mul(1_000_000_000),
        regs: Regs::default(),
    };
    let tree = TreeNode::new("rtc").strings("compatible", &["google,goldfish-rtc"]);
    Ok(Built::new(Box::new(device), 0x1000).with_tree(tree))
}

impl GoldfishRtc {
    fn time(&self) -> u64 {
        self.epoch_ns.wrapping_add(self.clock.now())
    }

    fn set_time(&mut self, time: u64) {
        self.epoch_ns = time.wrapping_sub(self.clock.now());
        self.update_alarm();
    }

    /// Raises the interrupt of an alarm that is due, or waits for it.
    fn update_alarm(&mut self) {
        let time = self.time();
        if self.regs.alarm_armed && self.regs.alarm <= time {
            self.regs.alarm_armed = false;
            self.regs.irq_pending = true;
        }
        if self.regs.alarm_armed {
            self.timer.arm(self.timer.now().saturating_add(self.regs.alarm - time));
        } else {
            self.timer.disarm();
        }
    }

    fn update(&mut self) {
        self.irq.set(self.regs.irq_pending && self.regs.irq_enabled);
    }
}

impl Device for GoldfishRtc {
    fn read(&mut self, io: Io) -> u64 {
        match io.offset {
            TIME_LOW => {
                let time = self.time();
                self.regs.time_high = (time >> 32) as u32;
                time & 0xffff_ffff
            }
            TIME_HIGH => self.regs.time_high.into(),
            ALARM_LOW => self.regs.alarm & 0xffff_ffff,
            ALARM_HIGH => self.regs.alarm_high.into(),
            IRQ_ENABLED => self.regs.irq_enabled.into(),
            ALARM_STATUS => self.regs.alarm_armed.into(),
            _ => {
                guest_error!("goldfish-rtc: read at {:#x}", io.offset);
                0
            }
        }
    }

    fn write(&mut self, io: Io, value: u64) {
        match io.offset {
            TIME_LOW => self.set_time(bits::with_field(self.time(), 0xffff_ffff, value)),
            TIME_HIGH => self.set_time(bits::with_field(self.time(), 0xffff_ffff << 32, value)),
            ALARM_LOW => {
                self.regs.alarm = u64::from(self.regs.alarm_high) << 32 | value;
                self.regs.alarm_armed = true;
                self.update_alarm();
            }
            ALARM_HIGH => self.regs.alarm_high = value as u32,
            IRQ_ENABLED => self.regs.irq_enabled = value & 1 != 0,
            CLEAR_ALARM => {
                self.regs.alarm_armed = false;
                self.update_alarm();
            }
            CLEAR_INTERRUPT => self.regs.irq_pending = false,
            _ => guest_error!("goldfish-rtc: write at {:#x}", io.offset),
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
        s.item("epoch_ns", &mut self.epoch_ns)?;
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

    /// The time is the rig's epoch, in seconds, and what has passed.
    const EPOCH_NS: u64 = Rig::EPOCH * 1_000_000_000;

    fn time(rtc: &mut Rig) -> u64 {
        let low = rtc.read(TIME_LOW, 4);
        rtc.read(TIME_HIGH, 4) << 32 | low
    }

    #[test]
    fn low_latches_high() {
        let mut rtc = Rig::new("goldfish-rtc").build();
        assert_eq!(time(&mut rtc), EPOCH_NS);
        rtc.read(TIME_LOW, 4);
        rtc.pass(1 << 33);
        assert_eq!(rtc.read(TIME_HIGH, 4), EPOCH_NS >> 32);
        assert_eq!(time(&mut rtc), EPOCH_NS + (1 << 33));
    }

    #[test]
    fn the_alarm_rings_once_and_in_time() {
        let mut rtc = Rig::new("goldfish-rtc").build();
        let alarm = EPOCH_NS + 5_000;
        rtc.write(IRQ_ENABLED, 4, 1);
        rtc.write(ALARM_HIGH, 4, alarm >> 32);
        rtc.write(ALARM_LOW, 4, alarm & 0xffff_ffff);
        assert_eq!(rtc.read(ALARM_STATUS, 4), 1);
        rtc.pass(4_999);
        assert!(!rtc.line(0));
        rtc.pass(1);
        assert!(rtc.line(0));
        assert_eq!(rtc.read(ALARM_STATUS, 4), 0);
        rtc.write(CLEAR_INTERRUPT, 4, 1);
        assert!(!rtc.line(0));
    }

    #[test]
    fn an_alarm_in_the_past_rings_at_once_and_a_cleared_one_never() {
        let mut rtc = Rig::new("goldfish-rtc").build();
        rtc.write(IRQ_ENABLED, 4, 1);
        rtc.write(ALARM_HIGH, 4, u64::from(u32::MAX));
        rtc.write(ALARM_LOW, 4, 0);
        rtc.write(CLEAR_ALARM, 4, 1);
        rtc.pass(u64::MAX / 2);
        assert!(!rtc.line(0));
        rtc.write(ALARM_HIGH, 4, 0);
        rtc.write(ALARM_LOW, 4, 1);
        assert!(rtc.line(0));
    }

    #[test]
    fn a_set_time_outlives_a_reset() {
        let mut rtc = Rig::new("goldfish-rtc").build();
        rtc.write(TIME_HIGH, 4, 7);
        rtc.write(TIME_LOW, 4, 9);
        rtc.reset();
        assert_eq!(time(&mut rtc), 7 << 32 | 9);
    }
}
