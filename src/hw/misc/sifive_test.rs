//! SiFive's test finisher: one register by which a guest ends or restarts the machine.
//!
//! FAIL puts its code into the process's exit status. The register reads as zero.
//!
//! Document: SiFive E21 manual, chapter "Test finisher"; device-tree bindings `sifive,test0` and `syscon`.

use crate::base::Result;
use crate::fabric::{Device, Io, Power, PowerRequest, State, TreeNode, Width};
use crate::guest_error;
use crate::hw::{Built, PartType, Wiring};
use std::sync::Arc;

/// Catalogue entry.
pub static SIFIVE_TEST: PartType = PartType {
    name: "sifive-test",
    summary: "SiFive test finisher: power-off, reset and exit code",
    bus: None,
    props: &[],
    build,
};

const FINISHER_FAIL: u32 = 0x3333;
const FINISHER_PASS: u32 = 0x5555;
const FINISHER_RESET: u32 = 0x7777;

struct SifiveTest {
    power: Arc<Power>,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let name = wiring.part.name();
    let syscon = |node: &str, value, compatible: &str| {
        TreeNode::new(node)
            .cells("value", &[value])
            .cells("offset", &[0])
            .phandle("regmap", name)
            .strings("compatible", &[compatible])
    };
    let nodes =
        vec![syscon("poweroff", FINISHER_PASS, "syscon-poweroff"), syscon("reboot", FINISHER_RESET, "syscon-reboot")];
    let tree = TreeNode::new("test").strings("compatible", &["sifive,test1", "sifive,test0", "syscon"]);
    let device = SifiveTest { power: wiring.power.clone() };
    Ok(Built { nodes, ..Built::new(Box::new(device), 0x1000).with_tree(tree) })
}

impl Device for SifiveTest {
    fn read(&mut self, _io: Io) -> u64 {
        0
    }

    fn write(&mut self, io: Io, value: u64) {
        let (status, code) = (value as u32 & 0xffff, (value as u32 >> 16) as u8);
        match (io.offset, status) {
            (0, FINISHER_PASS) => self.power.request(PowerRequest::Off(0)),
            (0, FINISHER_FAIL) => self.power.request(PowerRequest::Off(code)),
            (0, FINISHER_RESET) => self.power.request(PowerRequest::Reset),
            _ => guest_error!("sifive-test: write of {value:#x} at {:#x}", io.offset),
        }
    }

    fn reset(&mut self) {}

    fn state(&mut self, _s: &mut State) -> Result<()> {
        Ok(())
    }

    fn width(&self) -> Width {
        Width { min: 2, max: 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    #[test]
    fn the_finisher_ends_and_restarts_the_machine() {
        let mut test = Rig::new("sifive-test").build();
        test.write(0, 4, 0x1234);
        assert_eq!(test.power.take(), None);
        test.write(4, 4, 0x5555);
        assert_eq!(test.power.take(), None);
        test.write(0, 4, 0x5555);
        assert_eq!(test.power.take(), Some(PowerRequest::Off(0)));
        test.write(0, 4, 42 << 16 | 0x3333);
        assert_eq!(test.power.take(), Some(PowerRequest::Off(42)));
        test.write(0, 2, 0x7777);
        assert_eq!(test.power.take(), Some(PowerRequest::Reset));
    }
}
