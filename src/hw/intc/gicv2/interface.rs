//! The CPU interfaces' registers.

use super::super::gic_block::{IDLE, SPURIOUS, active_bit, from_non_secure, non_secure_view};
use super::*;

pub(super) const GICC_CTLR: u64 = 0x00;
pub(super) const GICC_PMR: u64 = 0x04;
pub(super) const GICC_BPR: u64 = 0x08;
pub(super) const GICC_IAR: u64 = 0x0c;
pub(super) const GICC_EOIR: u64 = 0x10;
pub(super) const GICC_RPR: u64 = 0x14;
pub(super) const GICC_HPPIR: u64 = 0x18;
pub(super) const GICC_ABPR: u64 = 0x1c;
pub(super) const GICC_AIAR: u64 = 0x20;
pub(super) const GICC_AEOIR: u64 = 0x24;
pub(super) const GICC_AHPPIR: u64 = 0x28;
pub(super) const GICC_APR: u64 = 0xd0;
pub(super) const GICC_NSAPR: u64 = 0xe0;
pub(super) const GICC_IIDR: u64 = 0xfc;
pub(super) const GICC_DIR: u64 = 0x1000;

impl GicV2 {
    /// What a read of IAR (`alias` false) or AIAR finds, for `best`; an error is the number that says why not.
    fn readable(&self, who: Who, alias: bool, best: Option<(u32, u8, usize)>) -> std::result::Result<(u32, u8), u32> {
        let (intid, priority, group) = best.ok_or(SPURIOUS)?;
        let ack = self.regs.interfaces[who.cpu].ctlr & CTLR_ACK != 0;
        match (group, who.secure, alias) {
            (0, true, false) | (1, false, false) | (1, true, true) => Ok((intid, priority)),
            (1, true, false) if ack => Ok((intid, priority)),
            (1, true, false) => Err(1022),
            _ => Err(SPURIOUS),
        }
    }

    fn acknowledge(&mut self, who: Who, alias: bool) -> u32 {
        let cpu = who.cpu;
        let best = self.signalled(cpu);
        let (intid, priority) = match self.readable(who, alias, best) {
            Ok(found) => found,
            Err(why) => return why,
        };
        let group = best.map_or(0, |(_, _, group)| group);
        let bit = active_bit(self.group_priority(cpu, priority, group));
        self.regs.interfaces[cpu].active[group] |= bit;
        let mut source = 0;
        if let Some((block, bit)) = self.find(cpu, intid) {
            block.acknowledge(bit);
        }
        if let Some(senders) = self.regs.interfaces[cpu].sgi.get_mut(intid as usize)
            && *senders != 0
        {
            source = senders.trailing_zeros();
            *senders &= *senders - 1;
            let more = u32::from(*senders != 0);
            self.regs.private[cpu].latched |= more << intid;
        }
        self.update();
        intid | source << 10
    }

    fn end(&mut self, who: Who, alias: bool, value: u32) {
        let intid = value & 0x3ff;
        let Some((block, bit)) = self.find(who.cpu, intid) else {
            // Ending a spurious interrupt is allowed and nothing.
            if intid < 1020 {
                guest_error!("gicv2: end of interrupt {intid}, which does not exist");
            }
            return;
        };
        let group = (block.group >> bit & 1) as usize;
        if (!who.secure || alias) && group == 0 {
            return;
        }
        let interface = &mut self.regs.interfaces[who.cpu];
        if interface.active[group] == 0 {
            guest_error!("gicv2: end of interrupt {intid}, and none of its group is active");
            return;
        }
        interface.active[group] &= interface.active[group] - 1;
        let split = if who.secure && !alias { CTLR_EOI_S } else { CTLR_EOI_NS };
        // Without the Security Extensions there is one mode for all.
        let split = if self.secure { split } else { CTLR_EOI_S };
        if interface.ctlr & split == 0 {
            self.deactivate(who, intid);
        }
        self.update();
    }

    fn deactivate(&mut self, who: Who, intid: u32) {
        let visible = match self.find(who.cpu, intid) {
            Some((block, bit)) => who.secure || block.group >> bit & 1 != 0,
            None => return,
        };
        if let Some((block, bit)) = self.find(who.cpu, intid)
            && visible
        {
            block.active &= !(1 << bit);
        }
    }

    pub(super) fn read_interface(&mut self, who: Who, offset: u64) -> u32 {
        let interface = &self.regs.interfaces[who.cpu];
        let cbpr = interface.ctlr & CTLR_CBPR != 0;
        match offset {
            GICC_CTLR if who.secure => interface.ctlr,
            GICC_CTLR => (interface.ctlr & (CTLR_GRP1 | CTLR_EOI_NS)) >> 1 | (interface.ctlr & 3 << 7) >> 2,
            GICC_PMR if who.secure => interface.pmr.into(),
            GICC_PMR => non_secure_view(interface.pmr).into(),
            GICC_BPR if who.secure => interface.bpr.into(),
            GICC_BPR if cbpr => (interface.bpr + 1).min(7).into(),
            GICC_BPR => interface.abpr.into(),
            GICC_ABPR if who.secure => interface.abpr.into(),
            GICC_IAR => self.acknowledge(who, false),
            GICC_AIAR if who.secure => self.acknowledge(who, true),
            GICC_RPR => match self.running(who.cpu) {
                IDLE => IDLE.into(),
                priority if who.secure => priority.into(),
                priority => non_secure_view(priority).into(),
            },
            GICC_HPPIR | GICC_AHPPIR if offset == GICC_HPPIR || who.secure => {
                let best = self.best(who.cpu, CTLR_GRP0 | CTLR_GRP1);
                match self.readable(who, offset == GICC_AHPPIR, best) {
                    Ok((intid, _)) => {
                        let senders = self.regs.interfaces[who.cpu].sgi.get(intid as usize).copied().unwrap_or(0);
                        intid | if senders == 0 { 0 } else { senders.trailing_zeros() << 10 }
                    }
                    Err(why) => why,
                }
            }
            // Non-secure code sees group 1's upper half, from the bottom.
            GICC_APR if !who.secure => interface.active[1] >> 16,
            GICC_APR => interface.active[0],
            GICC_NSAPR if who.secure => interface.active[1],
            GICC_IIDR => 0x0202_143b,
            0xd4..0xf0 => 0,
            _ => {
                guest_error!("gicv2: read of the CPU interface at {offset:#x}");
                0
            }
        }
    }

    pub(super) fn write_interface(&mut self, who: Who, offset: u64, value: u32, mask: u32) {
        let security = self.secure;
        let interface = &mut self.regs.interfaces[who.cpu];
        let cbpr = interface.ctlr & CTLR_CBPR != 0;
        match offset {
            GICC_CTLR if who.secure => {
                let kept = if security { 0x7ff } else { 0x3ff };
                interface.ctlr = (interface.ctlr & !mask | value & mask) & kept;
            }
            GICC_CTLR => {
                let spread = (value & 1) << 1 | (value & 0x60) << 2 | (value & 0x200) << 1;
                interface.ctlr = interface.ctlr & !CTLR_NS | spread;
            }
            GICC_PMR if who.secure => interface.pmr = value as u8 & self.priority_mask,
            // Non-secure code cannot move the mask out of, nor into, the Secure half.
            GICC_PMR if interface.pmr & 0x80 != 0 => interface.pmr = from_non_secure(value as u8),
            GICC_PMR => {}
            GICC_BPR if who.secure => interface.bpr = (value as u8 & 7).max(MIN_BPR),
            GICC_BPR if cbpr => {}
            GICC_BPR => interface.abpr = (value as u8 & 7).max(MIN_BPR + 1),
            GICC_ABPR if who.secure => interface.abpr = (value as u8 & 7).max(MIN_BPR + 1),
            GICC_EOIR => self.end(who, false, value),
            GICC_AEOIR if who.secure => self.end(who, true, value),
            GICC_DIR => self.deactivate(who, value & 0x3ff),
            GICC_APR if who.secure => interface.active[0] = value,
            GICC_APR => interface.active[1] = interface.active[1] & 0xffff | value << 16,
            GICC_NSAPR if who.secure => interface.active[1] = value,
            0xd4..0xe0 | 0xe4..0xf0 => {}
            _ => guest_error!("gicv2: write of the CPU interface at {offset:#x}"),
        }
        self.update();
    }
}
