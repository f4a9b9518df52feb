//! What may trap an access to a system register beside its level.

use super::super::fields::{cnthctl, hcr, pstate, scr, sctlr};
use super::super::trap::{self, Access};
use super::super::{config, floats, state::is_secure_below_el3};
use super::slots;
use crate::base::bits::bit;
use crate::cpu::{Cpu, Trap};

/// The rules, by the group of registers that each is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Nothing else.
    None,
    /// HCR_EL2.TID1.
    Id1,
    /// HCR_EL2.TID2.
    Id2,
    /// HCR_EL2.TID3.
    Id3,
    /// CTR_EL0: SCTLR_EL1.UCT and HCR_EL2.TID2.
    CacheType,
    /// Translation control: HCR_EL2.TVM and TRVM.
    Vm,
    /// ACTLR_EL1: HCR_EL2.TACR.
    Actlr,
    /// CPACR_EL1: CPTR_EL2.TCPAC and CPTR_EL3.TCPAC.
    Cpacr,
    /// CPTR_EL2: CPTR_EL3.TCPAC.
    Cptr,
    /// The FP and SIMD unit has to be enabled.
    Float,
    /// DAIF at EL0: SCTLR_EL1.UMA.
    Masks,
    /// SP_EL0 while it is in use: UNDEFINED.
    Sp0,
    /// RVBAR of a level: there only when that is the highest.
    ResetVector(u8),
    /// Keys: HCR_EL2.APK, SCR_EL3.APK.
    Keys,
    /// CNTFRQ: written at the highest level alone, and read at EL0 where that may read a counter.
    Frequency,
    /// CNTPCT.
    PhysicalCounter,
    /// CNTVCT.
    VirtualCounter,
    /// CNTP.
    PhysicalTimer,
    /// CNTV.
    VirtualTimer,
    /// CNTPS.
    SecureTimer,
    /// PMUSERENR_EL0.EN and MDCR.
    Pmu,
    /// Likewise, or PMUSERENR_EL0.CR for reads.
    PmuCycle,
    /// PMUSERENR_EL0 itself: MDCR alone.
    PmuUser,
    /// PMUSERENR_EL0.EN or ER, and MDCR.
    PmuEvent,
    /// Likewise, but ER is for reads.
    PmuCounter,
    /// Likewise, or PMUSERENR_EL0.SW.
    PmuSoftware,
    /// MDCR_EL2.TDA.
    Debug,
    /// MDSCR_EL1.TDCC, MDCR_EL2.TDA.
    DebugChannel,
    /// MDCR_EL2.TDRA.
    DebugRom,
    /// MDCR_EL2.TDOSA.
    DebugOs,
    /// ICC_SRE: there with a system register interface.
    GicEnable,
    /// Group 0 registers.
    GicGroup0,
    /// Group 1 registers.
    GicGroup1,
    /// Registers of both groups.
    GicCommon,
    /// Registers that send SGIs.
    GicSgi,
    /// ICH.
    GicHypervisor,
    /// Registers of EL3.
    GicMonitor,
    /// Limited ordering regions: not in Secure state, HCR_EL2.TLOR, SCR_EL3.TLOR.
    Regions,
    /// LORID_EL1: likewise, and also in Secure state.
    RegionsId,
    /// SCXTNUM: SCTLR.TSCXT, HCR_EL2.EnSCXT, SCR_EL3.EnSCXT.
    Speculation,
    /// Registers of errors: HCR_EL2.TERR, SCR_EL3.TERR.
    Errors,
    /// HCRX_EL2: SCR_EL3.HXEn.
    Extended,
    /// CNTPOFF_EL2: SCR_EL3.ECVEn.
    PhysicalOffset,
    /// IMPLEMENTATION DEFINED ones.
    Own,
}

/// Applies a rule.
///
/// # Errors
/// UNDEFINED, or the trap to a higher level.
pub fn check(cpu: &Cpu, rule: Rule, write: bool, access: Access) -> Result<(), Trap> {
    let level = trap::level(cpu);
    let el2 = trap::el2_enabled(cpu);
    let hcr = cpu.get(slots::HCR_EL2);
    let host = hcr & (hcr::E2H | hcr::TGE) == hcr::E2H | hcr::TGE && el2;
    // A trap from below EL2 that a bit of HCR_EL2 asks for.
    let to_el2 = |mask: u64| {
        if level == 1 && el2 && hcr & mask != 0 { Err(access.trap_to(2)) } else { Ok(()) }
    };
    let from_el0 = |allowed: bool| if level == 0 && !allowed { Err(access.trap_to(1)) } else { Ok(()) };
    let when = |trapped: bool, target: u8| if trapped { Err(access.trap_to(target)) } else { Ok(()) };
    let sctlr = cpu.get(if host { slots::SCTLR_EL2 } else { slots::SCTLR_EL1 });
    let kernel_timers = cpu.get(if host { slots::CNTHCTL_EL2 } else { slots::CNTKCTL_EL1 });
    let hypervisor_timers = cpu.get(slots::CNTHCTL_EL2);
    let users = cpu.get(slots::PMUSERENR);
    match rule {
        Rule::None => Ok(()),
        Rule::Id1 => to_el2(hcr::TID1),
        Rule::Id2 => to_el2(hcr::TID2 | hcr::TID4),
        Rule::Id3 => to_el2(hcr::TID3),
        Rule::CacheType => {
            from_el0(sctlr & sctlr::UCT != 0)?;
            when(level <= 1 && el2 && !host && hcr & hcr::TID2 != 0, 2)
        }
        Rule::Vm => to_el2(if write { hcr::TVM } else { hcr::TRVM }),
        Rule::Actlr => to_el2(hcr::TACR),
        Rule::Cpacr | Rule::Cptr => {
            let bound = |slot| bit(cpu.get(slot), 31);
            when(rule == Rule::Cpacr && level == 1 && el2 && bound(slots::CPTR_EL2), 2)?;
            when(level < 3 && bound(slots::CPTR_EL3), 3)
        }
        Rule::Float => match floats::trap_level(cpu) {
            0 => Ok(()),
            target => Err(floats::trap(cpu, target)),
        },
        Rule::Masks => from_el0(sctlr & sctlr::UMA != 0),
        Rule::Sp0 => defined(cpu.get(slots::PSTATE) & pstate::SP != 0),
        Rule::ResetVector(of) => defined(of == config(cpu).highest_level()),
        Rule::Keys => {
            when(level == 1 && el2 && hcr & hcr::APK == 0, 2)?;
            when(level < 3 && config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & scr::APK == 0, 3)
        }
        Rule::Frequency => {
            from_el0(write || kernel_timers & 3 != 0)?;
            defined(!write || level == config(cpu).highest_level())
        }
        Rule::PhysicalCounter => {
            from_el0(bit(kernel_timers, 0))?;
            let allowed = bit(hypervisor_timers, if hcr & hcr::E2H != 0 { 10 } else { 0 });
            when(level <= 1 && el2 && !host && !allowed, 2)
        }
        Rule::VirtualCounter => {
            from_el0(bit(kernel_timers, 1))?;
            when(level <= 1 && el2 && !host && hypervisor_timers & cnthctl::EL1TVCT != 0, 2)
        }
        Rule::PhysicalTimer => {
            from_el0(bit(kernel_timers, 9))?;
            let allowed = bit(hypervisor_timers, if hcr & hcr::E2H != 0 { 11 } else { 1 });
            when(level <= 1 && el2 && !host && !allowed, 2)
        }
        Rule::VirtualTimer => {
            from_el0(bit(kernel_timers, 8))?;
            when(level <= 1 && el2 && !host && hypervisor_timers & cnthctl::EL1TVT != 0, 2)
        }
        Rule::SecureTimer => {
            let scr = cpu.get(slots::SCR_EL3);
            defined(level != 2 && (level == 3 || scr & scr::NS == 0))?;
            when(level == 1 && scr & scr::ST == 0, 3)
        }
        Rule::Pmu | Rule::PmuCycle | Rule::PmuUser | Rule::PmuEvent | Rule::PmuCounter | Rule::PmuSoftware => {
            let also = match rule {
                Rule::PmuUser => true,
                Rule::PmuCounter => !write && bit(users, 3),
                Rule::PmuCycle => !write && bit(users, 2),
                Rule::PmuEvent => bit(users, 3),
                Rule::PmuSoftware => bit(users, 1),
                _ => false,
            };
            from_el0(bit(users, 0) || also)?;
            when(level <= 1 && el2 && bit(cpu.get(slots::MDCR_EL2), 6), 2)?;
            when(level < 3 && bit(cpu.get(slots::MDCR_EL3), 6), 3)
        }
        Rule::Debug | Rule::DebugChannel | Rule::DebugRom | Rule::DebugOs => {
            let (el2_bit, el3_bit) = match rule {
                Rule::Debug | Rule::DebugChannel => (9, 9),
                Rule::DebugRom => (11, 9),
                _ => (10, 10),
            };
            const TDCC: u32 = 12;
            from_el0(rule != Rule::DebugChannel || !bit(cpu.get(slots::MDSCR_EL1), TDCC))?;
            let mdcr = cpu.get(slots::MDCR_EL2);
            when(level <= 1 && el2 && (bit(mdcr, el2_bit) || bit(mdcr, 8) || hcr & hcr::TGE != 0), 2)?;
            when(level < 3 && bit(cpu.get(slots::MDCR_EL3), el3_bit), 3)
        }
        Rule::GicEnable => defined(cpu.board.interface.is_some()),
        Rule::GicGroup0 | Rule::GicGroup1 | Rule::GicCommon | Rule::GicSgi => {
            defined(cpu.board.interface.is_some())?;
            when(rule == Rule::GicSgi && level == 1 && el2 && hcr & (hcr::IMO | hcr::FMO) != 0, 2)?;
            // The virtual interface answers at EL1 then, whoever has the physical interrupts.
            if level == 1 && el2 && hcr & (hcr::IMO | hcr::FMO) != 0 {
                return Ok(());
            }
            let scr = cpu.get(slots::SCR_EL3);
            let wanted = match rule {
                Rule::GicGroup0 => scr & scr::FIQ != 0,
                Rule::GicGroup1 => scr & scr::IRQ != 0,
                _ => scr & (scr::IRQ | scr::FIQ) == scr::IRQ | scr::FIQ,
            };
            when(level < 3 && wanted, 3)
        }
        Rule::GicHypervisor => defined(cpu.board.interface.is_some() && config(cpu).has_el2()),
        Rule::GicMonitor => defined(cpu.board.interface.is_some() && config(cpu).has_el3()),
        Rule::Regions | Rule::RegionsId => {
            defined(rule == Rule::RegionsId || !is_secure_below_el3(cpu))?;
            to_el2(hcr::TLOR)?;
            when(level < 3 && cpu.get(slots::SCR_EL3) & scr::TLOR != 0, 3)
        }
        Rule::Speculation => {
            from_el0(sctlr & sctlr::TSCXT == 0)?;
            when(level < 2 && el2 && !host && hcr & hcr::EN_SCXT == 0, 2)?;
            when(level < 3 && config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & scr::EN_SCXT == 0, 3)
        }
        Rule::Errors => {
            to_el2(hcr::TERR)?;
            when(level < 3 && cpu.get(slots::SCR_EL3) & scr::TERR != 0, 3)
        }
        Rule::Extended | Rule::PhysicalOffset => {
            let enabled = if rule == Rule::Extended { scr::HX_EN } else { scr::ECV_EN };
            when(level < 3 && config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & enabled == 0, 3)
        }
        Rule::Own => when(level == 1 && el2 && bit(hcr, 20), 2),
    }
}

fn defined(there: bool) -> Result<(), Trap> {
    if there { Ok(()) } else { Err(trap::undefined()) }
}
