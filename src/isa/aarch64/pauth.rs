//! Pointer authentication with a hash of Mimus's own: the architecture leaves the algorithm to the implementation.

use super::features::Features;
use super::fields::{ec, hcr, scr, tcr};
use super::sysreg::slots;
use super::translation::Regime;
use super::trap::{at_level, synchronous};
use super::{config, state};
use crate::base::bits::{bit, bits, field, mask};
use crate::cpu::{Cpu, Trap};
use crate::ir::Slot;

/// The keys by number: IA, IB, DA, DB, and the generic one.
const KEYS: [(Slot, Slot); 5] = [
    (slots::APIA_LO, slots::APIA_HI),
    (slots::APIB_LO, slots::APIB_HI),
    (slots::APDA_LO, slots::APDA_HI),
    (slots::APDB_LO, slots::APDB_HI),
    (slots::APGA_LO, slots::APGA_HI),
];
const GENERIC: u64 = 4;

/// Whether the instructions may be executed here.
///
/// # Errors
/// The trap to EL2 or EL3.
fn check(cpu: &Cpu) -> Result<(), Trap> {
    let level = state::level(cpu);
    let trap = |level| Err(at_level(synchronous(ec::PAUTH, 0), level));
    if level <= 1 && state::el2_enabled(cpu) && !state::is_host(cpu) && cpu.get(slots::HCR_EL2) & hcr::API == 0 {
        return trap(2);
    }
    if level < 3 && config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & scr::API == 0 {
        return trap(3);
    }
    Ok(())
}

/// A hash of 64 bits: multiplications and shifts that let each bit of the operands reach each of the result.
fn hash(value: u64, modifier: u64, key: [u64; 2]) -> u64 {
    let mix = |mut x: u64| {
        x = (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x = (x ^ x >> 29).wrapping_mul(0xa5a3_5625_1e6b_4c8d);
        x ^ x >> 32
    };
    let once = mix(value ^ key[0]).wrapping_add(modifier.rotate_left(17));
    mix(mix(once ^ key[1]) ^ modifier.wrapping_mul(0x9fb2_1c65_1e98_df25) ^ key[0].rotate_left(32))
}

fn key(cpu: &Cpu, number: u64) -> [u64; 2] {
    let (low, high) = KEYS[(number as usize).min(KEYS.len() - 1)];
    [cpu.get(low), cpu.get(high)]
}

/// The bits of a pointer that hold its code, less bit 55, which says what they were.
fn code_bits(cpu: &Cpu, pointer: u64) -> u64 {
    let regime = Regime::of(cpu, state::level(cpu));
    let high = regime.is_split() && bit(pointer, 55);
    let control = regime.tcr(cpu);
    let size_offset = field(control, if high { tcr::T1SZ } else { tcr::T0SZ }) as u32;
    let lowest = 64 - size_offset.clamp(if config(cpu).features.has(Features::LVA) { 12 } else { 16 }, 39);
    let top = if regime.ignores_top(cpu, high) { 0 } else { 0xff << 56 };
    top | mask(55) & !mask(lowest)
}

/// The pointer with its code bits as the address has them.
fn stripped(pointer: u64, code: u64) -> u64 {
    if bit(pointer, 55) { pointer | code } else { pointer & !code }
}

/// PAC: adds a code.
///
/// # Errors
/// A trap to a higher level.
pub fn sign(cpu: &mut Cpu, [pointer, modifier, number]: [u64; 3]) -> Result<u64, Trap> {
    check(cpu)?;
    let code = code_bits(cpu, pointer);
    let plain = stripped(pointer, code);
    let mut pac = hash(plain, modifier, key(cpu, number));
    if plain != pointer {
        // What is no address gets a code that does not authenticate.
        pac ^= 1 << (63 - code.leading_zeros());
    }
    Ok(plain & !code | pac & code)
}

/// AUT: the pointer without its code, or one that faults when it is used.
///
/// # Errors
/// A trap to a higher level.
pub fn authenticate(cpu: &mut Cpu, [pointer, modifier, number]: [u64; 3]) -> Result<u64, Trap> {
    check(cpu)?;
    let code = code_bits(cpu, pointer);
    let plain = stripped(pointer, code);
    if hash(plain, modifier, key(cpu, number)) & code == pointer & code {
        return Ok(plain);
    }
    let error = if number & 1 == 0 { 0b01 } else { 0b10 };
    let place = if code >> 56 != 0 { 61 } else { 53 };
    Ok(plain & !(3 << place) | error << place)
}

/// XPAC.
pub fn strip(cpu: &mut Cpu, [pointer, ..]: [u64; 3]) -> Result<u64, Trap> {
    Ok(stripped(pointer, code_bits(cpu, pointer)))
}

/// PACGA.
///
/// # Errors
/// A trap to a higher level.
pub fn generic(cpu: &mut Cpu, [value, modifier, _]: [u64; 3]) -> Result<u64, Trap> {
    check(cpu)?;
    Ok(hash(value, modifier, key(cpu, GENERIC)) & mask(32) << 32)
}

/// ERETAA and ERETAB authenticate the return address first.
///
/// # Errors
/// A trap to a higher level.
pub fn authenticate_return(cpu: &mut Cpu, address: u64, insn: u64) -> Result<u64, Trap> {
    const AUTHENTICATED: u32 = 11;
    if !bit(insn, AUTHENTICATED) {
        return Ok(address);
    }
    let number = bits(insn, 10, 10);
    let enabled = if number == 0 { super::fields::sctlr::EN_IA } else { super::fields::sctlr::EN_IB };
    if Regime::of(cpu, state::level(cpu)).sctlr(cpu) & enabled == 0 {
        return Ok(address);
    }
    authenticate(cpu, [address, cpu.get(super::regs::SP), number])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_all_its_operands() {
        let base = hash(0x1000, 7, [1, 2]);
        for n in 0..64 {
            for other in [hash(0x1000 ^ 1 << n, 7, [1, 2]), hash(0x1000, 7 ^ 1 << n, [1, 2])] {
                assert!((base ^ other).count_ones() > 12, "bit {n}");
            }
            assert!((base ^ hash(0x1000, 7, [1 ^ 1 << n, 2])).count_ones() > 12);
            assert!((base ^ hash(0x1000, 7, [1, 2 ^ 1 << n])).count_ones() > 12);
        }
    }
}
