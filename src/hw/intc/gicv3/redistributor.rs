//! The redistributors' registers: two frames a vCPU, one behind the other.

use super::distributor as gicd;
use super::{Gic, REDISTRIBUTOR, identification};
use crate::guest_error;

const CTLR: u64 = 0x00;
const IIDR: u64 = 0x04;
const TYPER: u64 = 0x08;
const STATUSR: u64 = 0x10;
const WAKER: u64 = 0x14;
const PROPBASER: u64 = 0x70;
const PENDBASER: u64 = 0x78;
/// The frame of SGIs and PPIs.
const SGI_BASE: u64 = 0x1_0000;

pub(super) const CTLR_ENABLE_LPIS: u32 = 1 << 0;
/// Software may switch LPIs off again.
const CTLR_CES: u32 = 1 << 1;

/// ProcessorSleep, and ChildrenAsleep, which follows at once.
const WAKER_BITS: u32 = 3 << 1;
const WAKER_SLEEP: u32 = 1 << 1;

impl Gic {
    fn redistributor(&self, offset: u64) -> (usize, u64) {
        ((offset / REDISTRIBUTOR) as usize, offset % REDISTRIBUTOR)
    }

    fn typer(&self, cpu: usize) -> u64 {
        let last = u64::from(cpu + 1 == self.cpus());
        u64::from(Gic::affinity(cpu)) << 32 | (cpu as u64) << 8 | last << 4 | u64::from(self.has_its)
    }

    pub(super) fn read_redistributor(&mut self, secure: bool, offset: u64) -> u32 {
        let (cpu, offset) = self.redistributor(offset);
        let Some(redistributor) = self.regs.redistributors.get(cpu) else {
            guest_error!("gicv3: read of redistributor {cpu}, which does not exist");
            return 0;
        };
        let lpis = &redistributor.lpis;
        let half = |value: u64| (value >> (8 * (offset & 4))) as u32;
        match offset {
            CTLR if self.has_its => u32::from(lpis.enabled) | CTLR_CES,
            CTLR => 0,
            IIDR => 0x43b,
            TYPER | 0x0c => half(self.typer(cpu)),
            STATUSR => 0,
            // Sleep is the Secure state's affair.
            WAKER if secure || self.single() => {
                if redistributor.asleep {
                    WAKER_BITS
                } else {
                    0
                }
            }
            WAKER => 0,
            PROPBASER | 0x74 if self.has_its => half(lpis.propbaser),
            PENDBASER | 0x7c if self.has_its => half(lpis.pendbaser),
            gicd::IDS..SGI_BASE => identification(0x93, (offset - gicd::IDS) / 4),
            SGI_BASE.. => self.read_private(secure, cpu, offset - SGI_BASE),
            _ => {
                guest_error!("gicv3: read of a redistributor at {offset:#x}");
                0
            }
        }
    }

    pub(super) fn write_redistributor(&mut self, secure: bool, offset: u64, value: u32, mask: u32) {
        let (cpu, offset) = self.redistributor(offset);
        let (has_its, single) = (self.has_its, self.single());
        let Some(redistributor) = self.regs.redistributors.get_mut(cpu) else {
            return guest_error!("gicv3: write of redistributor {cpu}, which does not exist");
        };
        let lpis = &mut redistributor.lpis;
        let shift = 8 * (offset & 4);
        let (wide, wide_mask) = (u64::from(value) << shift, u64::from(mask) << shift);
        match offset {
            CTLR if has_its && mask & CTLR_ENABLE_LPIS != 0 => lpis.enable(value & CTLR_ENABLE_LPIS != 0, &self.dma),
            CTLR | STATUSR => {}
            WAKER if secure || single => {
                if mask & WAKER_SLEEP != 0 {
                    redistributor.asleep = value & WAKER_SLEEP != 0;
                }
            }
            WAKER => {}
            PROPBASER | 0x74 if has_its => lpis.set_propbaser(wide, wide_mask),
            PENDBASER | 0x7c if has_its => lpis.set_pendbaser(wide, wide_mask),
            SGI_BASE.. => self.write_private(secure, cpu, offset - SGI_BASE, value, mask),
            _ => guest_error!("gicv3: write of a redistributor at {offset:#x}"),
        }
    }

    fn is_private_register(offset: u64) -> bool {
        match offset {
            gicd::IGROUPR..gicd::IPRIORITYR | gicd::IGRPMODR..gicd::NSACR => offset & 0x7c == 0,
            gicd::IPRIORITYR..gicd::ITARGETSR => offset & 0x3ff < 32,
            gicd::ICFGR..gicd::IGRPMODR => offset & 0xff < 8,
            _ => false,
        }
    }

    fn read_private(&self, secure: bool, cpu: usize, offset: u64) -> u32 {
        match offset {
            _ if Gic::is_private_register(offset) => {
                self.read_block(secure, offset, &self.regs.redistributors[cpu].block)
            }
            gicd::NSACR => 0,
            _ => {
                guest_error!("gicv3: read of a redistributor's private interrupts at {offset:#x}");
                0
            }
        }
    }

    fn write_private(&mut self, secure: bool, cpu: usize, offset: u64, value: u32, mask: u32) {
        match offset {
            // SGIs are edges for ever.
            gicd::ICFGR => {}
            _ if Gic::is_private_register(offset) => {
                let mut block = std::mem::take(&mut self.regs.redistributors[cpu].block);
                self.write_block(secure, offset, value, mask, &mut block);
                self.regs.redistributors[cpu].block = block;
            }
            gicd::NSACR => {}
            _ => guest_error!("gicv3: write of a redistributor's private interrupts at {offset:#x}"),
        }
    }
}
