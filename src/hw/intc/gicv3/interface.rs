//! The CPU interfaces: the `ICC_*` system registers.

use super::super::gic_block::{
    IDLE, PRIORITY_MASK, SPURIOUS, active_bit, from_non_secure, group_priority, non_secure_view, running,
};
use super::lpi::FIRST as FIRST_LPI;
use super::{GROUP_0, GROUP_1, GROUP_1_SECURE, Gic, Highest};
use crate::base::bits;
use crate::fabric::RegisterAccess;
use crate::guest_error;
use serde::{Deserialize, Serialize};

const fn el1(crm: u32, op2: u32) -> u32 {
    RegisterAccess::number(3, 0, 12, crm, op2)
}

pub(super) const PMR: u32 = RegisterAccess::number(3, 0, 4, 6, 0);
pub(super) const IAR0: u32 = el1(8, 0);
pub(super) const EOIR0: u32 = el1(8, 1);
pub(super) const HPPIR0: u32 = el1(8, 2);
pub(super) const BPR0: u32 = el1(8, 3);
pub(super) const AP0R0: u32 = el1(8, 4);
pub(super) const AP1R0: u32 = el1(9, 0);
pub(super) const DIR: u32 = el1(11, 1);
pub(super) const RPR: u32 = el1(11, 3);
pub(super) const SGI1R: u32 = el1(11, 5);
pub(super) const ASGI1R: u32 = el1(11, 6);
pub(super) const SGI0R: u32 = el1(11, 7);
pub(super) const IAR1: u32 = el1(12, 0);
pub(super) const EOIR1: u32 = el1(12, 1);
pub(super) const HPPIR1: u32 = el1(12, 2);
pub(super) const BPR1: u32 = el1(12, 3);
pub(super) const CTLR_EL1: u32 = el1(12, 4);
pub(super) const SRE_EL1: u32 = el1(12, 5);
pub(super) const IGRPEN0: u32 = el1(12, 6);
pub(super) const IGRPEN1: u32 = el1(12, 7);
pub(super) const SRE_EL2: u32 = RegisterAccess::number(3, 4, 12, 9, 5);
pub(super) const CTLR_EL3: u32 = RegisterAccess::number(3, 6, 12, 12, 4);
pub(super) const SRE_EL3: u32 = RegisterAccess::number(3, 6, 12, 12, 5);
pub(super) const IGRPEN1_EL3: u32 = RegisterAccess::number(3, 6, 12, 12, 7);

pub(super) const CTLR_CBPR: u32 = 1 << 0;
pub(super) const CTLR_EOI: u32 = 1 << 1;
/// Five bits of priority, 16 of interrupt number, affinity level 3.
const CTLR_FIXED: u64 = 4 << 8 | 1 << 15;
const CTLR_EL3_NDS: u64 = 1 << 17;

/// The smallest binary points with five bits of priority: group 0 and Secure group 1, and group 1.
const MIN_BPR: [u8; 3] = [2, 2, 3];

/// Acknowledging at EL3 says that the interrupt is for the Secure, or the Non-secure, state.
const FOR_SECURE: u32 = 1020;
const FOR_NON_SECURE: u32 = 1021;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Interface {
    pub pmr: u8,
    /// By group, as are the next two.
    pub bpr: [u8; 3],
    pub enabled: [bool; 3],
    /// Active priorities.
    pub active: [u32; 3],
    /// CBPR and EOImode of the Secure and the Non-secure state.
    pub ctlr: [u32; 2],
    /// EOImode of EL3.
    pub split_el3: bool,
}

impl Default for Interface {
    fn default() -> Interface {
        Interface { pmr: 0, bpr: MIN_BPR, enabled: [false; 3], active: [0; 3], ctlr: [0; 2], split_el3: false }
    }
}

impl Interface {
    /// Whether a guest could have written it.
    pub fn is_valid(&self) -> bool {
        self.bpr.iter().zip(MIN_BPR).all(|(bpr, least)| (least..8).contains(bpr))
    }

    fn running(&self) -> u8 {
        running(self.active.iter().fold(0, |all, active| all | active))
    }

    /// The group of the highest active priority.
    fn running_group(&self) -> Option<usize> {
        let first = |group: &usize| self.active[*group].trailing_zeros();
        (0..3).filter(|group| self.active[*group] != 0).min_by_key(first)
    }
}

impl Gic {
    fn interface(&mut self, cpu: usize) -> &mut Interface {
        &mut self.regs.redistributors[cpu].interface
    }

    /// What of a priority decides about preemption.
    fn preemption_level(&self, cpu: usize, highest: Highest) -> u8 {
        let interface = &self.regs.redistributors[cpu].interface;
        let bank = if highest.group == GROUP_1 { 1 } else { 0 };
        if highest.group == GROUP_0 || interface.ctlr[bank] & CTLR_CBPR != 0 {
            return group_priority(highest.priority, interface.bpr[GROUP_0]);
        }
        // Group 1's binary point stands for one bit more.
        let less = u8::from(highest.group == GROUP_1);
        group_priority(highest.priority, interface.bpr[highest.group] - less)
    }

    /// Whether a pending interrupt is signalled: the mask lets it through, and it is more urgent than what runs.
    pub(super) fn preempts(&self, cpu: usize, highest: Highest) -> bool {
        let interface = &self.regs.redistributors[cpu].interface;
        highest.priority < interface.pmr && self.preemption_level(cpu, highest) < interface.running()
    }

    /// Which of the banked registers of group 1 the access means.
    fn group_1(&self, access: RegisterAccess) -> usize {
        if access.secure && !self.single() { GROUP_1_SECURE } else { GROUP_1 }
    }

    fn bank(&self, access: RegisterAccess) -> usize {
        if self.group_1(access) == GROUP_1 { 1 } else { 0 }
    }

    fn splits(&self, access: RegisterAccess) -> bool {
        let interface = &self.regs.redistributors[access.cpu as usize].interface;
        match access.level {
            3 => interface.split_el3,
            _ => interface.ctlr[self.bank(access)] & CTLR_EOI != 0,
        }
    }

    /// What the acknowledge register of group 0 (`one` false) or group 1 says of a pending interrupt.
    fn visible_number(&self, access: RegisterAccess, one: bool, highest: Option<Highest>) -> u32 {
        let Some(Highest { intid, group, .. }) = highest else { return SPURIOUS };
        let at_el3 = access.level == 3;
        let secure_access = access.secure || at_el3 || self.single();
        match (one, group) {
            (false, GROUP_0) if secure_access => intid,
            (false, GROUP_1_SECURE) if at_el3 => FOR_SECURE,
            (false, GROUP_1) if at_el3 => FOR_NON_SECURE,
            (true, GROUP_1_SECURE) if secure_access => intid,
            (true, GROUP_1) if !access.secure || at_el3 || self.single() => intid,
            _ => SPURIOUS,
        }
    }

    fn acknowledge(&mut self, access: RegisterAccess, one: bool) -> u32 {
        let cpu = access.cpu as usize;
        let highest = self.best(cpu).filter(|highest| self.preempts(cpu, *highest));
        let number = self.visible_number(access, one, highest);
        let Some(highest) = highest.filter(|highest| highest.intid == number) else { return number };
        let bit = active_bit(self.preemption_level(cpu, highest));
        self.interface(cpu).active[highest.group] |= bit;
        if number >= FIRST_LPI {
            self.regs.redistributors[cpu].lpis.clear(number);
        } else if let Some((block, bit)) = self.find(cpu, number) {
            block.acknowledge(bit);
        }
        self.update_cpu(cpu);
        number
    }

    fn end(&mut self, access: RegisterAccess, one: bool, intid: u32) {
        if (1020..FIRST_LPI).contains(&intid) {
            return;
        }
        let cpu = access.cpu as usize;
        let at_el3 = access.level == 3;
        let Some(group) = self.interface(cpu).running_group() else {
            return guest_error!("gicv3: end of interrupt {intid}, and none is active");
        };
        let mine = match group {
            GROUP_0 => !one && (access.secure || at_el3 || self.single()),
            GROUP_1_SECURE => one && (access.secure || at_el3),
            _ => one && (!access.secure || at_el3 || self.single()),
        };
        if !mine {
            return guest_error!("gicv3: end of interrupt {intid} by the register of another group");
        }
        let active = &mut self.interface(cpu).active[group];
        *active &= *active - 1;
        if !self.splits(access) {
            self.deactivate(access, intid);
        }
        self.update_cpu(cpu);
    }

    /// Makes an interrupt not active; the caller updates the vCPU.
    fn deactivate(&mut self, access: RegisterAccess, intid: u32) {
        let secure = access.secure || access.level == 3;
        let cpu = access.cpu as usize;
        // LPIs have no active state.
        if intid >= FIRST_LPI {
            return;
        }
        let single = self.single();
        if let Some((block, bit)) = self.find(cpu, intid)
            && (secure || single || block.group >> bit & 1 != 0)
        {
            block.active &= !(1 << bit);
        }
        // It may be pending already, and another vCPU's.
        let spi = intid.checked_sub(32).map(|spi| spi as usize).filter(|spi| *spi < self.regs.routes.len());
        if let Some(owner) = spi.and_then(|spi| self.owner(spi)) {
            self.update_cpu(owner);
        }
    }

    fn send_sgi(&mut self, access: RegisterAccess, group: usize, value: u64) {
        let intid = bits::bits(value, 27, 24) as u32;
        if bits::bit(value, 40) {
            let others = (0..self.cpus()).filter(|cpu| *cpu != access.cpu as usize);
            others.collect::<Vec<usize>>().into_iter().for_each(|cpu| self.receive_sgi(access, cpu, group, intid));
            return;
        }
        let affinity =
            bits::bits(value, 55, 48) << 24 | bits::bits(value, 39, 32) << 16 | bits::bits(value, 23, 16) << 8;
        if bits::bits(value, 47, 44) != 0 {
            // Each level 0 has 16 vCPUs at most, so the other ranges are empty.
            return;
        }
        for n in (0..16).filter(|n| value >> n & 1 != 0) {
            if let Some(cpu) = self.by_affinity(affinity as u32 | n) {
                self.receive_sgi(access, cpu, group, intid);
            }
        }
    }

    fn receive_sgi(&mut self, access: RegisterAccess, cpu: usize, group: usize, intid: u32) {
        let configured = self.group(&self.regs.redistributors[cpu].block, intid);
        // An SGI for Secure group 1 may be configured as group 0.
        let fits = configured == group || (group == GROUP_1_SECURE && configured == GROUP_0);
        let secure = access.secure || access.level == 3 || self.single();
        if fits && (secure || configured == GROUP_1) {
            self.regs.redistributors[cpu].block.latched |= 1 << intid;
            self.update_cpu(cpu);
        }
    }

    /// Whether priorities are shown and taken as Non-secure code has them.
    fn shifts(&self, access: RegisterAccess) -> bool {
        self.two_states && access.fiq_to_monitor && !access.secure && access.level < 3
    }

    pub(super) fn read_interface(&mut self, access: RegisterAccess) -> Option<u64> {
        let cpu = access.cpu as usize;
        let (one, bank, shifts) = (self.group_1(access), self.bank(access), self.shifts(access));
        let interface = &self.regs.redistributors[cpu].interface;
        let view = |priority: u8| if shifts { non_secure_view(priority) } else { priority };
        let common = interface.ctlr[bank] & CTLR_CBPR != 0;
        Some(match access.register {
            PMR => view(interface.pmr).into(),
            IAR0 => self.acknowledge(access, false).into(),
            IAR1 => self.acknowledge(access, true).into(),
            HPPIR0 => self.visible_number(access, false, self.best(cpu)).into(),
            HPPIR1 => self.visible_number(access, true, self.best(cpu)).into(),
            BPR0 => interface.bpr[GROUP_0].into(),
            BPR1 if common && one == GROUP_1 && access.level < 3 => (interface.bpr[GROUP_0] + 1).min(7).into(),
            BPR1 if common => interface.bpr[GROUP_0].into(),
            BPR1 => interface.bpr[one].into(),
            AP0R0 => interface.active[GROUP_0].into(),
            AP1R0 if shifts => (interface.active[GROUP_1] >> 16).into(),
            AP1R0 => interface.active[one].into(),
            RPR => match interface.running() {
                IDLE => IDLE.into(),
                priority => view(priority).into(),
            },
            CTLR_EL1 => CTLR_FIXED | u64::from(interface.ctlr[bank]),
            IGRPEN0 => interface.enabled[GROUP_0].into(),
            IGRPEN1 => interface.enabled[one].into(),
            // The system registers are all there is.
            SRE_EL1 => 7,
            SRE_EL2 => 0xf,
            SRE_EL3 if self.two_states => 0xf,
            CTLR_EL3 if self.two_states => {
                let state = |bank: usize, bit: u32| u64::from(interface.ctlr[bank] & bit != 0);
                let banks = state(0, CTLR_CBPR) | state(1, CTLR_CBPR) << 1 | state(0, CTLR_EOI) << 3;
                let single = if self.single() { CTLR_EL3_NDS } else { 0 };
                let split = u64::from(interface.split_el3) << 2;
                CTLR_FIXED | banks | split | state(1, CTLR_EOI) << 4 | single
            }
            IGRPEN1_EL3 if self.two_states => {
                u64::from(interface.enabled[GROUP_1]) | u64::from(interface.enabled[GROUP_1_SECURE]) << 1
            }
            _ => return None,
        })
    }

    pub(super) fn write_interface(&mut self, access: RegisterAccess, value: u64) -> bool {
        let cpu = access.cpu as usize;
        let (one, bank, shifts) = (self.group_1(access), self.bank(access), self.shifts(access));
        let (single, two_states, splits) = (self.single(), self.two_states, self.splits(access));
        let intid = bits::bits(value, 23, 0) as u32;
        let interface = &mut self.regs.redistributors[cpu].interface;
        let common = interface.ctlr[bank] & CTLR_CBPR != 0;
        let point = |group: usize| (value as u8 & 7).max(MIN_BPR[group]);
        match access.register {
            // Non-secure code cannot move the mask out of, nor into, the Secure half.
            PMR if shifts && interface.pmr & 0x80 == 0 => {}
            PMR if shifts => interface.pmr = from_non_secure(value as u8),
            PMR => interface.pmr = value as u8 & PRIORITY_MASK,
            EOIR0 => self.end(access, false, intid),
            EOIR1 => self.end(access, true, intid),
            DIR if splits => self.deactivate(access, intid),
            DIR => guest_error!("gicv3: interrupt {intid} deactivated without split end of interrupt"),
            BPR0 => interface.bpr[GROUP_0] = point(GROUP_0),
            BPR1 if common && one == GROUP_1 && access.level < 3 => {}
            BPR1 if common => interface.bpr[GROUP_0] = point(GROUP_0),
            BPR1 => interface.bpr[one] = point(one),
            AP0R0 => interface.active[GROUP_0] = value as u32,
            AP1R0 if shifts => interface.active[GROUP_1] = interface.active[GROUP_1] & 0xffff | (value as u32) << 16,
            AP1R0 => interface.active[one] = value as u32,
            SGI0R => self.send_sgi(access, GROUP_0, value),
            SGI1R => self.send_sgi(access, one, value),
            ASGI1R if single => self.send_sgi(access, GROUP_1, value),
            ASGI1R => self.send_sgi(access, if one == GROUP_1 { GROUP_1_SECURE } else { GROUP_1 }, value),
            CTLR_EL1 => interface.ctlr[bank] = value as u32 & (CTLR_CBPR | CTLR_EOI),
            IGRPEN0 => interface.enabled[GROUP_0] = value & 1 != 0,
            IGRPEN1 => interface.enabled[one] = value & 1 != 0,
            SRE_EL1 | SRE_EL2 => {}
            SRE_EL3 if two_states => {}
            CTLR_EL3 if two_states => {
                let flag = |bit: u32, as_bit: u32| if bits::bit(value, bit) { as_bit } else { 0 };
                interface.ctlr = [flag(0, CTLR_CBPR) | flag(3, CTLR_EOI), flag(1, CTLR_CBPR) | flag(4, CTLR_EOI)];
                interface.split_el3 = bits::bit(value, 2);
            }
            IGRPEN1_EL3 if two_states => {
                interface.enabled[GROUP_1] = bits::bit(value, 0);
                interface.enabled[GROUP_1_SECURE] = bits::bit(value, 1);
            }
            _ => return false,
        }
        self.update_cpu(cpu);
        true
    }
}
