//! pvpanic: one byte by which a guest says that it has crashed. Reading tells the events that it takes.
//!
//! Document: QEMU's "PVPANIC DEVICE" (docs/specs/pvpanic.rst); device-tree binding `qemu,pvpanic-mmio` of Linux's driver.

use super::platform_slot;
use crate::base::Result;
use crate::fabric::{Device, Io, Power, PowerRequest, State, TreeNode, Width};
use crate::hw::{Built, PartType, Wiring};
use crate::{fail, guest_error};
use std::sync::Arc;

/// Catalogue entry.
pub static PVPANIC: PartType = PartType {
    name: "pvpanic-mmio",
    summary: "tells of a guest's panic (-action panic=)",
    bus: Some(platform_slot::BUS),
    props: &[("events", "the events taken, added up: 1 panic, 2 crash kernel loaded, 4 shutdown")],
    build,
};

const PANICKED: u8 = 1 << 0;
const CRASH_LOADED: u8 = 1 << 1;
const SHUTDOWN: u8 = 1 << 2;
const ALL: u8 = PANICKED | CRASH_LOADED | SHUTDOWN;

struct Pvpanic {
    power: Arc<Power>,
    events: u8,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let events = match wiring.props.number("events")? {
        None => ALL,
        Some(events) if events <= ALL.into() => events as u8,
        Some(events) => fail!("'events={events}' is none of 0 to {ALL}"),
    };
    let tree = TreeNode::new("pvpanic").strings("compatible", &["qemu,pvpanic-mmio"]);
    let device = Pvpanic { power: wiring.power.clone(), events };
    Ok(Built::new(Box::new(device), 0x10).with_tree(tree))
}

impl Device for Pvpanic {
    fn read(&mut self, _io: Io) -> u64 {
        self.events.into()
    }

    fn write(&mut self, io: Io, value: u64) {
        // As QEMU: the register is one byte that answers at every offset, and the gravest event counts.
        let events = value as u8 & self.events;
        if events & PANICKED != 0 {
            guest_error!("pvpanic: the guest has crashed");
            self.power.request(PowerRequest::Panicked);
        } else if events & CRASH_LOADED != 0 {
            self.power.request(PowerRequest::CrashLoaded);
        } else if events & SHUTDOWN != 0 {
            self.power.request(PowerRequest::SaidShutdown);
        } else {
            guest_error!("pvpanic: write of {value:#x} at {:#x}", io.offset);
        }
    }

    fn reset(&mut self) {}

    fn state(&mut self, _s: &mut State) -> Result<()> {
        Ok(())
    }

    fn width(&self) -> Width {
        Width { min: 1, max: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    fn rig(props: &[(&str, &str)]) -> Rig {
        Rig::new("platform-slot").plug(Rig::new("pvpanic-mmio").props(props)).build()
    }

    #[test]
    fn the_gravest_event_counts() {
        let mut pvpanic = rig(&[]);
        assert_eq!(pvpanic.read(0, 1), 7);
        for (value, request) in [
            (1, Some(PowerRequest::Panicked)),
            (7, Some(PowerRequest::Panicked)),
            (2, Some(PowerRequest::CrashLoaded)),
            (4, Some(PowerRequest::SaidShutdown)),
            (8, None),
        ] {
            pvpanic.write(0, 1, value);
            assert_eq!(pvpanic.power.take(), request, "{value}");
        }
    }

    #[test]
    fn what_is_not_announced_is_not_taken() {
        let mut pvpanic = rig(&[("events", "2")]);
        assert_eq!(pvpanic.read(0, 1), 2);
        pvpanic.write(0, 1, 1);
        assert_eq!(pvpanic.power.take(), None);
        assert!(
            Rig::new("platform-slot").plug(Rig::new("pvpanic-mmio").props(&[("events", "8")])).try_build().is_err()
        );
    }
}
