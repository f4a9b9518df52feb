//! The distributor's registers, and those of a bit an interrupt that redistributors share with it.

use super::super::gic_block::{Block, PRIORITY_MASK, each_byte, from_bytes, from_non_secure, non_secure_view};
use super::{CTLR_ARE_NS, CTLR_ARE_S, CTLR_DS, CTLR_GRP0, CTLR_GRP1_NS, CTLR_GRP1_S, Gic, identification};
use crate::guest_error;

pub(super) const CTLR: u64 = 0x0000;
pub(super) const TYPER: u64 = 0x0004;
pub(super) const IIDR: u64 = 0x0008;
const TYPER2: u64 = 0x000c;
const STATUSR: u64 = 0x0010;
// Those of a bit an interrupt are 0x80 apart.
pub(super) const IGROUPR: u64 = 0x0080;
pub(super) const ISENABLER: u64 = 0x0100;
pub(super) const ICENABLER: u64 = 0x0180;
pub(super) const ISPENDR: u64 = 0x0200;
pub(super) const ICPENDR: u64 = 0x0280;
pub(super) const ISACTIVER: u64 = 0x0300;
pub(super) const ICACTIVER: u64 = 0x0380;
pub(super) const IPRIORITYR: u64 = 0x0400;
pub(super) const ITARGETSR: u64 = 0x0800;
pub(super) const ICFGR: u64 = 0x0c00;
pub(super) const IGRPMODR: u64 = 0x0d00;
pub(super) const NSACR: u64 = 0x0e00;
const SGIR: u64 = 0x0f00;
const SGIR_END: u64 = 0x0f30;
pub(super) const IROUTER: u64 = 0x6000;
const IROUTER_END: u64 = 0x8000;
pub(super) const IDS: u64 = 0xffd0;

/// The bits of IROUTER that exist: affinities. There is no 1-of-N distribution.
const ROUTE: u64 = 0xff_00ff_ffff;

/// Which register of a bit an interrupt, and which word of it.
fn split(offset: u64) -> (u64, usize) {
    match offset {
        // Two bits an interrupt.
        ICFGR..IGRPMODR => (ICFGR, (offset & 0xff) as usize / 8),
        IGRPMODR..NSACR => (IGRPMODR, (offset & 0x7f) as usize / 4),
        // A byte an interrupt.
        IPRIORITYR..ITARGETSR => (IPRIORITYR, (offset & 0x3ff) as usize / 32),
        _ => (offset & !0x7f, (offset & 0x7f) as usize / 4),
    }
}

impl Gic {
    /// Reads a register of interrupts from their block.
    pub(super) fn read_block(&self, secure: bool, offset: u64, block: &Block) -> u32 {
        let visible = self.visible(secure, block);
        // With two states the groups are the Secure one's affair, and with one there is no third group.
        let groups = secure || self.single();
        match split(offset).0 {
            IGROUPR if groups => block.group,
            IGRPMODR if groups && !self.single() => block.modifier,
            IGROUPR | IGRPMODR => 0,
            ISENABLER | ICENABLER => block.enabled & visible,
            ISPENDR | ICPENDR => block.pending() & visible,
            ISACTIVER | ICACTIVER => block.active & visible,
            IPRIORITYR => {
                let first = (offset & 0x1f) as usize;
                from_bytes(|byte| match (secure || self.single(), visible >> (first + byte) & 1) {
                    (true, _) => block.priority[first + byte],
                    (false, 0) => 0,
                    _ => non_secure_view(block.priority[first + byte]),
                })
            }
            _ => {
                let config = block.config(offset / 4 % 2);
                let half = visible >> (16 * (offset / 4 % 2));
                config & (0..16).fold(0, |word, n| word | (((half >> n) & 1) * 3) << (2 * n))
            }
        }
    }

    /// Writes a register of interrupts in their block. Only bits that `mask` has were written.
    pub(super) fn write_block(&self, secure: bool, offset: u64, value: u32, mask: u32, block: &mut Block) {
        let visible = self.visible(secure, block);
        let groups = secure || self.single();
        let chosen = value & visible;
        match split(offset).0 {
            IGROUPR if groups => block.group = block.group & !mask | value & mask,
            IGRPMODR if groups && !self.single() => block.modifier = block.modifier & !mask | value & mask,
            IGROUPR | IGRPMODR => {}
            ISENABLER => block.enabled |= chosen,
            ICENABLER => block.enabled &= !chosen,
            ISPENDR => block.latched |= chosen,
            ICPENDR => block.latched &= !chosen,
            ISACTIVER => block.active |= chosen,
            ICACTIVER => block.active &= !chosen,
            IPRIORITYR => {
                let first = (offset & 0x1f) as usize;
                each_byte(value, mask, |byte, priority| {
                    match (secure || self.single(), visible >> (first + byte) & 1) {
                        (true, _) => block.priority[first + byte] = priority & PRIORITY_MASK,
                        (false, 0) => {}
                        _ => block.priority[first + byte] = from_non_secure(priority),
                    }
                });
            }
            _ => {
                let before = block.edge;
                block.set_config(offset / 4 % 2, value, mask);
                block.edge = block.edge & visible | before & !visible;
            }
        }
    }

    pub(super) fn read_distributor(&mut self, secure: bool, offset: u64) -> u32 {
        match offset {
            CTLR if secure || self.single() => self.regs.ctlr & if self.single() { !CTLR_ARE_NS } else { u32::MAX },
            // Non-secure code sees its own enable and routing bits, the latter where Secure code has its own.
            CTLR => self.regs.ctlr & CTLR_GRP1_NS | (self.regs.ctlr & CTLR_ARE_NS) >> 1,
            TYPER => {
                let security = u32::from(!self.single()) << 10;
                let lpis = u32::from(self.has_its) << 17;
                // 16 bits of interrupt number, affinity level 3, no 1-of-N distribution.
                self.regs.shared.len() as u32 | security | lpis | 15 << 19 | 1 << 24 | 1 << 25
            }
            IIDR => 0x43b,
            TYPER2 | STATUSR => 0,
            // Interrupts 0 to 31 are the redistributors'; targets and SGIs have no registers with affinity routing.
            IGROUPR..ITARGETSR | ICFGR..NSACR => match split(offset).1.checked_sub(1) {
                Some(index) => self.regs.shared.get(index).map_or(0, |block| self.read_block(secure, offset, block)),
                None => 0,
            },
            ITARGETSR..ICFGR | NSACR..SGIR_END => 0,
            IROUTER..IROUTER_END => match self.route(secure, offset) {
                Some(spi) => (self.regs.routes[spi] >> (8 * (offset & 4))) as u32,
                None => 0,
            },
            IDS..0x1_0000 => identification(0x92, (offset - IDS) / 4),
            _ => {
                guest_error!("gicv3: read of the distributor at {offset:#x}");
                0
            }
        }
    }

    pub(super) fn write_distributor(&mut self, secure: bool, offset: u64, value: u32, mask: u32) {
        match offset {
            CTLR => self.write_ctlr(secure, value, mask),
            STATUSR => {}
            IGROUPR..ITARGETSR | ICFGR..NSACR => {
                let Some(index) = split(offset).1.checked_sub(1) else { return };
                if let Some(mut block) = self.regs.shared.get_mut(index).map(std::mem::take) {
                    self.write_block(secure, offset, value, mask, &mut block);
                    self.regs.shared[index] = block;
                }
            }
            ITARGETSR..ICFGR | NSACR..SGIR => {}
            SGIR..SGIR_END => guest_error!("gicv3: SGIs by the distributor, with affinity routing"),
            IROUTER..IROUTER_END => {
                if let Some(spi) = self.route(secure, offset) {
                    let shift = 8 * (offset & 4);
                    let (value, mask) = (u64::from(value) << shift, u64::from(mask) << shift);
                    self.regs.routes[spi] = (self.regs.routes[spi] & !mask | value & mask) & ROUTE;
                }
            }
            _ => guest_error!("gicv3: write of the distributor at {offset:#x}"),
        }
    }

    fn write_ctlr(&mut self, secure: bool, value: u32, mask: u32) {
        let old = self.regs.ctlr;
        let value = old & !mask | value & mask;
        let kept = match (self.single(), secure) {
            (true, _) => CTLR_GRP0 | CTLR_GRP1_NS,
            (false, true) => CTLR_GRP0 | CTLR_GRP1_NS | CTLR_GRP1_S | CTLR_DS,
            (false, false) => CTLR_GRP1_NS,
        };
        let mut new = old & !kept | value & kept | CTLR_ARE_S | CTLR_ARE_NS;
        if new & CTLR_DS != 0 {
            // The Secure state is given up for good, until the next reset.
            new &= !CTLR_GRP1_S;
        }
        self.regs.ctlr = new;
    }

    /// The SPI whose route is at `offset`, when the access may see it.
    fn route(&self, secure: bool, offset: u64) -> Option<usize> {
        let spi = ((offset - IROUTER) as usize / 8).checked_sub(32)?;
        let block = self.regs.shared.get(spi / 32)?;
        (self.visible(secure, block) >> (spi % 32) & 1 != 0).then_some(spi)
    }
}
