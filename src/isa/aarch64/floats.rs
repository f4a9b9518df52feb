//! Who may use the FP and SIMD unit.

use super::config;
use super::fields::{ec, hcr};
use super::state;
use super::sysreg::slots;
use super::trap::{at_level, synchronous, undefined};
use crate::base::bits::{bit, bits};
use crate::cpu::{Cpu, Trap};

/// The level that FP and SIMD instructions trap to now; 0: they do not.
pub fn trap_level(cpu: &Cpu) -> u8 {
    let level = state::level(cpu);
    let enabled = |field: u64| match field {
        3 => true,
        1 => level != 0,
        _ => false,
    };
    let host = state::is_host(cpu);
    if level <= 1 && !host && !enabled(bits(cpu.get(slots::CPACR_EL1), 21, 20)) {
        return 1;
    }
    if level <= 2 && state::el2_enabled(cpu) {
        let control = cpu.get(slots::CPTR_EL2);
        let trapped = if cpu.get(slots::HCR_EL2) & hcr::E2H != 0 {
            // The field tells EL0 from the rest only for a host's EL0.
            match bits(control, 21, 20) {
                3 => false,
                1 => level == 0 && host,
                _ => true,
            }
        } else {
            bit(control, 10)
        };
        if trapped {
            return 2;
        }
    }
    if config(cpu).has_el3() && bit(cpu.get(slots::CPTR_EL3), 10) { 3 } else { 0 }
}

/// The trap of an FP or SIMD instruction. The condition is always: there is no AArch32.
pub fn trap(cpu: &Cpu, level: u8) -> Trap {
    const ALWAYS: u64 = 1 << 24 | 0xe << 20;
    let routed = level == 1 && state::level(cpu) == 0 && state::el2_enabled(cpu);
    if routed && cpu.get(slots::HCR_EL2) & hcr::TGE != 0 {
        // What EL1 does not enable comes to EL2, which has no such trap for it.
        return undefined();
    }
    at_level(synchronous(ec::FLOAT, ALWAYS), level)
}
