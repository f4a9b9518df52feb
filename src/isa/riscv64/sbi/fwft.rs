//! FWFT: features of the firmware that the supervisor switches, a hart at a time.
//!
//! As in OpenSBI 1.5 there are two: the delegation of misaligned accesses' exceptions, and hardware's updates of A and D
//! bits.

use super::super::csr;
use super::super::extensions::Extensions;
use super::super::fields::envcfg;
use super::super::{config, regs};
use super::{Answer, Args, Error};
use crate::base::bits::field;
use crate::cpu::Cpu;

/// Exceptions of misaligned accesses go to S-mode.
const MISALIGNED_EXC_DELEG: u32 = 0;
/// The last of the features that are defined without being there: landing pads, shadow stacks, double traps.
const LAST_ABSENT: u32 = 3;
/// Hardware sets A and D bits of page tables.
const PTE_AD_HW_UPDATING: u32 = 4;
/// A feature that is set with this cannot be set again until a reset.
const LOCK: u64 = 1;

/// The features of a hart.
#[derive(Default)]
pub struct Features {
    /// The supervisor has asked to be spared exceptions of misaligned accesses. Plain loads and stores have none here,
    /// and those of atomics are nothing that firmware could do for it, so that they come to it in either case.
    spared: bool,
    locked: u32,
}

impl Features {
    /// Answers a call.
    ///
    /// # Errors
    /// As the specification has them.
    pub fn call(&mut self, cpu: &mut Cpu, function: u64, [feature, value, flags, ..]: Args) -> Answer {
        if function > 1 {
            return Err(Error::NotSupported);
        }
        let feature = feature as u32;
        match feature {
            MISALIGNED_EXC_DELEG => {}
            PTE_AD_HW_UPDATING if config(cpu).ext.has(Extensions::SVADU) => {}
            PTE_AD_HW_UPDATING | ..=LAST_ABSENT => return Err(Error::NotSupported),
            _ => return Err(Error::Denied),
        }
        if function == 1 {
            return Ok(match feature {
                MISALIGNED_EXC_DELEG => u64::from(!self.spared),
                _ => field(cpu.get(regs::MENVCFG), envcfg::ADUE),
            });
        }
        if value > 1 || flags & !LOCK != 0 {
            return Err(Error::InvalidParam);
        }
        if self.locked & 1 << feature != 0 {
            return Err(Error::Denied);
        }
        match feature {
            MISALIGNED_EXC_DELEG => self.spared = value == 0,
            _ => {
                let rest = cpu.get(regs::MENVCFG) & !envcfg::ADUE;
                if let Some(csr) = csr::named("menvcfg") {
                    csr.write(cpu, rest | if value == 1 { envcfg::ADUE } else { 0 });
                }
            }
        }
        self.locked |= (flags as u32 & 1) << feature;
        Ok(0)
    }
}
