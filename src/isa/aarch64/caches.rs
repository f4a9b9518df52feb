//! DC, IC and AT: maintenance of caches that are not modelled, so that permissions are what is left of it, zeroing of
//! blocks, and translation on demand.

use super::features::Features;
use super::fields::{ec, hcr, sctlr};
use super::mmu::{self, Who};
use super::sysreg::{parts, slots};
use super::translation::{Regime, is_pan};
use super::trap;
use super::{config, state};
use crate::base::bits::{bit, bits};
use crate::cpu::{Access, Cpu, Trap};
use crate::ir::eval::Trapped;
use crate::ir::{Mem, MemSize};

/// Bytes in a cache line, and in a block of DC ZVA.
pub const LINE: u64 = 64;

/// The syndrome's bit for cache maintenance and AT.
const CM: u64 = 1 << 8;
const WRITE: u64 = 1 << 6;

/// Whether DC ZVA is allowed here.
pub fn may_zero(cpu: &Cpu) -> bool {
    let level = state::level(cpu);
    let by_kernel = level > 0 || state::sctlr(cpu, state::controller(cpu)) & sctlr::DZE != 0;
    let by_hypervisor = level > 1 || !state::el2_enabled(cpu) || cpu.get(slots::HCR_EL2) & hcr::TDZ == 0;
    by_kernel && (by_hypervisor || state::is_host(cpu))
}

/// DC and IC.
///
/// # Errors
/// UNDEFINED, a trap to a higher level, or an abort.
pub fn maintain(cpu: &mut Cpu, number: u16, address: u64, access: trap::Access) -> Result<(), Trap> {
    let [_, op1, _, crm, op2] = parts(number);
    let level = state::level(cpu);
    let features = config(cpu).features;
    let hcr = cpu.get(slots::HCR_EL2);
    // What a hypervisor wants to hear of, by a bit of HCR_EL2.
    let heard = |mask: u64| level <= 1 && state::el2_enabled(cpu) && !state::is_host(cpu) && hcr & mask != 0;
    let (there, mask) = match (op1, crm, op2) {
        // IC IALLUIS, IC IALLU, IC IVAU, DC CVAU.
        (0, 1, 0) => (true, hcr::TPU | hcr::TICAB),
        (0, 5, 0) => (true, hcr::TPU | hcr::TOCU),
        (3, 5 | 11, 1) => (true, hcr::TPU | hcr::TOCU),
        // DC IVAC; by set and way: ISW, CSW, CISW.
        (0, 6, 1) => (true, hcr::TPCP),
        (0, 6 | 10 | 14, 2) => (true, hcr::TSW),
        // DC CVAC, CIVAC, CVAP, CVADP.
        (3, 10 | 14, 1) => (true, hcr::TPCP),
        (3, 12, 1) => (features.has(Features::DPB), hcr::TPCP),
        (3, 13, 1) => (features.has(Features::DPB2), hcr::TPCP),
        (3, 4, 1) => (true, hcr::TDZ),
        _ => (false, 0),
    };
    if !there || op1 == 0 && level == 0 {
        return Err(trap::undefined());
    }
    let zeroes = crm == 4;
    if level == 0 {
        let needed = if zeroes { sctlr::DZE } else { sctlr::UCI };
        if state::sctlr(cpu, state::controller(cpu)) & needed == 0 {
            return Err(access.trap_to(1));
        }
    }
    if heard(mask) {
        return Err(access.trap_to(2));
    }
    if zeroes {
        return zero(cpu, address);
    }
    let by_address = op1 == 3 || (crm, op2) == (6, 1);
    if by_address {
        let isa = cpu.isa.clone();
        if let Err(abort) = isa.translate(cpu, address, Access::Load) {
            return Err(Trap { cause: abort.cause | CM | WRITE, ..abort });
        }
    }
    Ok(())
}

/// DC ZVA.
fn zero(cpu: &mut Cpu, address: u64) -> Result<(), Trap> {
    let block = address & !(LINE - 1);
    let mem = Mem::plain(MemSize::B8);
    for offset in (0..LINE).step_by(8) {
        cpu.store(mem, block + offset, 0).map_err(|Trapped| {
            let abort = bits(cpu.trap.cause, 31, 26) == ec::DATA_ABORT;
            // A watchpoint tells what was touched, an abort what was asked for.
            if abort { Trap { value: address, ..cpu.trap } } else { cpu.trap }
        })?;
    }
    Ok(())
}

/// AT: the result goes to PAR_EL1.
///
/// # Errors
/// UNDEFINED, or a trap to a higher level.
pub fn translate(cpu: &mut Cpu, number: u16, address: u64, access: trap::Access) -> Result<(), Trap> {
    let [_, op1, _, crm, op2] = parts(number);
    let level = state::level(cpu);
    let features = config(cpu).features;
    let lowest = match op1 {
        0 => 1,
        4 => 2,
        _ => 3,
    };
    let (there, wanted, by_stages) = match (op1, crm, op2) {
        (0, 8, 0..=1) => (true, 1, false),
        (0, 8, 2..=3) => (true, 0, false),
        (0, 9, 0..=1) => (features.has(Features::PAN2), 1, false),
        (4, 8, 0..=1) => (config(cpu).has_el2(), 2, false),
        (4, 8, 4..=5) => (config(cpu).has_el2(), 1, true),
        (4, 8, 6..=7) => (config(cpu).has_el2(), 0, true),
        (6, 8, 0..=1) => (config(cpu).has_el3(), 3, false),
        _ => (false, 0, false),
    };
    if !there || level < lowest {
        return Err(trap::undefined());
    }
    const AT: u32 = 44;
    if level == 1 && state::el2_enabled(cpu) && bit(cpu.get(slots::HCR_EL2), AT) {
        return Err(access.trap_to(2));
    }
    let hcr = cpu.get(slots::HCR_EL2);
    if by_stages {
        cpu.set(slots::HCR_EL2, hcr & !hcr::TGE);
    }
    let pan = crm == 9 && is_pan(cpu, 1);
    let kind = if op2 & 1 != 0 { Access::Store } else { Access::Load };
    let at = if op1 == 0 && wanted == 1 && state::is_host(cpu) { 2 } else { wanted };
    let who = Who { level: at, pan, peeks: false, first_only: !by_stages };
    let found = mmu::find(cpu, address, kind, who);
    let regime = Regime::of(cpu, at);
    cpu.set(slots::HCR_EL2, hcr);
    if let Err(fault) = found
        && (level == 1 && fault.on_walk || fault.is_external())
    {
        // A fault of the tables' own: the hypervisor's to mend when the guest asked.
        let abort = mmu::abort(cpu, address, Access::Store, fault);
        return Err(Trap { cause: abort.cause | CM, ..abort });
    }
    let par = match found {
        Ok(found) => {
            let (attribute, shareability) = match found.descriptor {
                0 => (0, 2),
                descriptor => (mmu::attribute(cpu, regime, descriptor), bits(descriptor, 9, 8)),
            };
            // What no cache holds is shared with everybody.
            const NON_CACHEABLE: u64 = 0x44;
            let shareability = if attribute >> 4 == 0 || attribute == NON_CACHEABLE { 2 } else { shareability };
            attribute << 56 | found.physical & 0xf_ffff_ffff_f000 | 1 << 11 | 1 << 9 | shareability << 7
        }
        Err(fault) => {
            let second = u64::from(fault.stage2.is_some());
            1 | fault.status << 1 | u64::from(fault.on_walk) << 8 | second << 9 | 1 << 11
        }
    };
    cpu.set(slots::PAR_EL1, par);
    Ok(())
}
