//! The distributor's registers.

use super::super::gic_block::{SGIS, each_bit, each_byte, from_bytes, from_non_secure, non_secure_view};
use super::{CTLR_GRP0, GicV2, Who};
use crate::base::bits;
use crate::{gap, guest_error};

// Those of a bit an interrupt are 0x80 apart.
pub(super) const GICD_CTLR: u64 = 0x000;
pub(super) const GICD_TYPER: u64 = 0x004;
pub(super) const GICD_IIDR: u64 = 0x008;
pub(super) const GICD_IGROUPR: u64 = 0x080;
pub(super) const GICD_ISENABLER: u64 = 0x100;
pub(super) const GICD_ICENABLER: u64 = 0x180;
pub(super) const GICD_ISPENDR: u64 = 0x200;
pub(super) const GICD_ICPENDR: u64 = 0x280;
pub(super) const GICD_ISACTIVER: u64 = 0x300;
pub(super) const GICD_ICACTIVER: u64 = 0x380;
pub(super) const GICD_IPRIORITYR: u64 = 0x400;
pub(super) const GICD_ITARGETSR: u64 = 0x800;
pub(super) const GICD_ICFGR: u64 = 0xc00;
pub(super) const GICD_PPISR: u64 = 0xd00;
pub(super) const GICD_NSACR: u64 = 0xe00;
pub(super) const GICD_SGIR: u64 = 0xf00;
pub(super) const GICD_CPENDSGIR: u64 = 0xf10;
pub(super) const GICD_SPENDSGIR: u64 = 0xf20;
pub(super) const GICD_PIDR4: u64 = 0xfd0;

impl GicV2 {
    pub(super) fn read_distributor(&mut self, who: Who, offset: u64) -> u32 {
        // Where the register is one of a bit, or of a byte, an interrupt.
        let (cpu, index) = (who.cpu, (offset & 0x7f) as usize / 4);
        let first = (offset & 0x3ff) as usize;
        match offset {
            GICD_CTLR if who.secure => self.regs.ctlr,
            GICD_CTLR => self.regs.ctlr >> 1,
            GICD_TYPER => {
                let security = u32::from(self.secure) << 10;
                self.regs.shared.len() as u32 | (self.cpus() as u32 - 1) << 5 | security
            }
            GICD_IIDR => 0x0200_143b,
            GICD_IGROUPR..GICD_ISENABLER if !who.secure => 0,
            GICD_IGROUPR..GICD_IPRIORITYR => {
                let Some(block) = self.block(cpu, index).cloned() else { return 0 };
                let word = match offset & !0x7f {
                    GICD_IGROUPR => block.group,
                    GICD_ISENABLER | GICD_ICENABLER => block.enabled,
                    GICD_ISPENDR | GICD_ICPENDR => block.pending(),
                    _ => block.active,
                };
                word & self.visible(who, &block)
            }
            GICD_IPRIORITYR..GICD_ITARGETSR => {
                let Some(block) = self.block(cpu, first / 32).cloned() else { return 0 };
                from_bytes(|byte| {
                    let bit = first % 32 + byte;
                    match (who.secure, block.group >> bit & 1) {
                        (true, _) => block.priority[bit],
                        (false, 0) => 0,
                        _ => non_secure_view(block.priority[bit]),
                    }
                })
            }
            GICD_ITARGETSR..GICD_ICFGR if self.cpus() == 1 => 0,
            GICD_ITARGETSR..GICD_ICFGR if first < 32 => from_bytes(|_| 1 << cpu),
            GICD_ITARGETSR..GICD_ICFGR => {
                let Some(visible) = self.block(cpu, first / 32).cloned().map(|b| self.visible(who, &b)) else {
                    return 0;
                };
                from_bytes(|byte| {
                    let seen = visible >> (first % 32 + byte) & 1 != 0;
                    if seen { self.regs.targets[first - 32 + byte] } else { 0 }
                })
            }
            GICD_ICFGR..GICD_PPISR => {
                let word = (offset & 0xff) / 4;
                self.block(cpu, word as usize / 2).map_or(0, |block| block.config(word % 2))
            }
            GICD_PPISR..GICD_NSACR => {
                let Some(block) = self.block(cpu, index).cloned() else { return 0 };
                block.level & self.visible(who, &block) & if index == 0 { !SGIS } else { u32::MAX }
            }
            GICD_NSACR..GICD_SGIR => 0,
            GICD_CPENDSGIR..0xf30 => {
                let visible = self.visible(who, &self.regs.private[cpu]);
                let sgi = (offset & 0xf) as usize;
                from_bytes(|byte| match visible >> (sgi + byte) & 1 {
                    0 => 0,
                    _ => self.regs.interfaces[cpu].sgi[sgi + byte],
                })
            }
            GICD_PIDR4..0x1000 => {
                let ids = [4, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1];
                ids[(offset - GICD_PIDR4) as usize / 4]
            }
            _ => {
                guest_error!("gicv2: read of the distributor at {offset:#x}");
                0
            }
        }
    }

    pub(super) fn write_distributor(&mut self, who: Who, offset: u64, value: u32, mask: u32) {
        let (cpu, index) = (who.cpu, (offset & 0x7f) as usize / 4);
        let first = (offset & 0x3ff) as usize;
        match offset {
            GICD_CTLR if who.secure => self.regs.ctlr = (self.regs.ctlr & !mask | value & mask) & 3,
            GICD_CTLR => self.regs.ctlr = self.regs.ctlr & CTLR_GRP0 | (value & 1) << 1,
            GICD_IGROUPR..GICD_ISENABLER if !who.secure => {}
            GICD_IGROUPR..GICD_IPRIORITYR => self.write_bits(who, offset & !0x7f, index, value, mask),
            GICD_IPRIORITYR..GICD_ITARGETSR => {
                let priority_mask = self.priority_mask;
                let Some(block) = self.block(cpu, first / 32) else { return };
                each_byte(value, mask, |byte, priority| {
                    let bit = first % 32 + byte;
                    match (who.secure, block.group >> bit & 1) {
                        (true, _) => block.priority[bit] = priority & priority_mask,
                        (false, 0) => {}
                        _ => block.priority[bit] = from_non_secure(priority),
                    }
                });
            }
            GICD_ITARGETSR..GICD_ICFGR => {
                let all = bits::mask(self.cpus() as u32) as u8;
                let Some(visible) = self.block(cpu, first / 32).cloned().map(|b| self.visible(who, &b)) else { return };
                if first < 32 || self.cpus() == 1 {
                    return;
                }
                each_byte(value, mask, |byte, targets| {
                    if visible >> (first % 32 + byte) & 1 != 0 {
                        self.regs.targets[first - 32 + byte] = targets & all;
                    }
                });
            }
            GICD_ICFGR..GICD_PPISR => {
                let word = (offset & 0xff) / 4;
                if let Some(block) = self.block(cpu, word as usize / 2).filter(|_| word != 0) {
                    let hidden = if who.secure { 0 } else { !block.group };
                    let before = block.edge;
                    block.set_config(word % 2, value, mask);
                    block.edge = block.edge & !hidden | before & hidden;
                }
            }
            GICD_NSACR..GICD_SGIR => gap!("gicv2: NSACR"),
            GICD_SGIR => self.send_sgi(who, value),
            GICD_CPENDSGIR..0xf30 => {
                let visible = self.visible(who, &self.regs.private[cpu]);
                let senders = bits::mask(self.cpus() as u32) as u8;
                each_byte(value, mask, |byte, bits| {
                    let sgi = (offset & 0xf) as usize + byte;
                    if visible >> sgi & 1 == 0 {
                        return;
                    }
                    let pending = &mut self.regs.interfaces[cpu].sgi[sgi];
                    if offset < GICD_SPENDSGIR {
                        *pending &= !bits
                    } else {
                        *pending |= bits & senders
                    }
                    let latched = &mut self.regs.private[cpu].latched;
                    *latched = *latched & !(1 << sgi) | u32::from(*pending != 0) << sgi;
                });
            }
            _ => guest_error!("gicv2: write of the distributor at {offset:#x}"),
        }
        self.update();
    }

    /// Writes a register of a bit an interrupt.
    fn write_bits(&mut self, who: Who, register: u64, index: usize, value: u32, mask: u32) {
        let Some(block) = self.block(who.cpu, index) else { return };
        let value = if who.secure { value } else { value & block.group };
        // SGIs are always enabled, and made pending by registers of their own.
        let but_sgis = if index == 0 { value & !SGIS } else { value };
        match register {
            GICD_IGROUPR => block.group = block.group & !mask | value & mask,
            GICD_ISENABLER => block.enabled |= but_sgis,
            GICD_ICENABLER => block.enabled &= !but_sgis,
            GICD_ISPENDR => block.latched |= but_sgis,
            GICD_ICPENDR => block.latched &= !but_sgis,
            GICD_ISACTIVER => block.active |= value,
            GICD_ICACTIVER => block.active &= !value,
            _ => {}
        }
    }

    fn send_sgi(&mut self, who: Who, value: u32) {
        let all = bits::mask(self.cpus() as u32) as u32;
        let targets = match value >> 24 & 3 {
            0 => value >> 16 & 0xff & all,
            1 => all & !(1 << who.cpu),
            2 => 1 << who.cpu,
            _ => return guest_error!("gicv2: SGIR written with a reserved target filter"),
        };
        let sgi = value & 0xf;
        for target in each_bit(targets) {
            let block = &mut self.regs.private[target as usize];
            let group = block.group >> sgi & 1;
            let wanted = match (self.secure, who.secure) {
                (false, _) => group,
                (true, true) => value >> 15 & 1,
                (true, false) => 1,
            };
            if group == wanted {
                block.latched |= 1 << sgi;
                self.regs.interfaces[target as usize].sgi[sgi as usize] |= 1 << who.cpu;
            }
        }
    }
}
