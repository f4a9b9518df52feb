//! Pointer authentication, with three algorithms: QARMA5 and QARMA3 (R. Avanzi, "The QARMA block cipher family", as
//! the manual's ComputePAC applies it), and XXH64 as what is IMPLEMENTATION DEFINED, which is QEMU's choice too.
//!
//! How much an authentication tells is the level that ID_AA64ISAR1_EL1.APA, API or ID_AA64ISAR2_EL1.APA3 announces:
//! from 1 on it corrupts a pointer with a wrong code, from 3 on (FEAT_PAuth2) codes are combined by exclusive or, from
//! 4 on (FEAT_FPAC) a wrong code faults, and at 5 (FEAT_FPACCOMBINE) those of RETAA and its kin do too.

use super::features::Features;
use super::fields::{ec, hcr, scr, tcr};
use super::ids::Ids;
use super::sysreg::slots;
use super::translation::Regime;
use super::trap::{at_level, synchronous};
use super::{config, state};
use crate::base::bits::{bit, bits, field, mask, with_field};
use crate::cpu::{Cpu, Trap};
use crate::ir::Slot;

/// An algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// Five rounds.
    Qarma5,
    /// Three rounds, and another S-box.
    Qarma3,
    /// The implementation's own.
    Own,
}

/// How a CPU authenticates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pauth {
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// How much it tells; 0: there is no pointer authentication.
    pub level: u64,
}

/// Fields of the identification registers.
const APA: u64 = 0xf << 4;
const API: u64 = 0xf << 8;
const GPA: u64 = 0xf << 24;
const GPI: u64 = 0xf << 28;
const GPA3: u64 = 0xf << 8;
const APA3: u64 = 0xf << 12;

impl Pauth {
    /// What the registers announce.
    pub fn of(ids: &Ids) -> Pauth {
        let announced = [
            (field(ids.isar1, APA), Algorithm::Qarma5),
            (field(ids.isar2, APA3), Algorithm::Qarma3),
            (field(ids.isar1, API), Algorithm::Own),
        ];
        let (level, algorithm) = announced.into_iter().find(|(level, _)| *level != 0).unwrap_or(announced[0]);
        Pauth { algorithm, level }
    }
}

impl Algorithm {
    /// Announces it alone, at a level.
    pub fn announce(self, level: u64, ids: &mut Ids) {
        ids.isar1 &= !(APA | API | GPA | GPI);
        ids.isar2 &= !(APA3 | GPA3);
        let (register, address, generic) = match self {
            Algorithm::Qarma5 => (&mut ids.isar1, APA, GPA),
            Algorithm::Qarma3 => (&mut ids.isar2, APA3, GPA3),
            Algorithm::Own => (&mut ids.isar1, API, GPI),
        };
        *register = with_field(with_field(*register, address, level), generic, u64::from(level != 0));
    }

    /// The code of `value`.
    fn code(self, value: u64, modifier: u64, key: [u64; 2]) -> u64 {
        match self {
            Algorithm::Qarma5 => qarma(value, modifier, key, 4, &SIGMA2),
            Algorithm::Qarma3 => qarma(value, modifier, key, 2, &SIGMA1),
            Algorithm::Own => xxh64([value, modifier, key[0], key[1]]),
        }
    }
}

/// An S-box of four bits and its inverse.
struct SBox {
    forward: [u8; 16],
    backward: [u8; 16],
}

const fn sbox(forward: [u8; 16]) -> SBox {
    let (mut backward, mut n) = ([0; 16], 0);
    while n < 16 {
        backward[forward[n] as usize] = n as u8;
        n += 1;
    }
    SBox { forward, backward }
}

const SIGMA1: SBox = sbox([10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4]);
const SIGMA2: SBox = sbox([11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10]);

/// Which cell each cell takes, the lowest first.
const SHUFFLE: [u8; 16] = [13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15];
/// Likewise of the tweak.
const TWEAK: [u8; 16] = [4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9];
/// The cells of the tweak, once shuffled, that a shift register steps.
const STEPPED: u16 = 1 << 2 | 1 << 4 | 1 << 7 | 1 << 11 | 1 << 12 | 1 << 14 | 1 << 15;

const fn inverse(order: [u8; 16]) -> [u8; 16] {
    sbox(order).backward
}

/// 16 cells of four bits, the lowest first.
fn cells(each: impl Fn(usize) -> u64) -> u64 {
    (0..16).fold(0, |all, n| all | each(n) << (4 * n))
}

fn cell(value: u64, n: u8) -> u64 {
    value >> (4 * n) & 0xf
}

fn shuffle(value: u64, order: &[u8; 16]) -> u64 {
    cells(|n| cell(value, order[n]))
}

fn substitute(value: u64, table: &[u8; 16]) -> u64 {
    cells(|n| u64::from(table[cell(value, n as u8) as usize]))
}

/// The columns times the involutory matrix circ(0, r, r^2, r), r being a rotation by one.
fn mix(value: u64) -> u64 {
    let rotated = |by: u32| {
        let (low, high) = (0x1111_1111_1111_1111 * ((1 << by) - 1), 4 - by);
        value << by & !low | value >> high & low
    };
    let (one, two) = (rotated(1), rotated(2));
    // Rows are 16 bits; a cell takes those of the other rows in its column.
    one.rotate_left(16) ^ two.rotate_left(32) ^ one.rotate_left(48)
}

fn step_tweak(tweak: u64) -> u64 {
    let moved = shuffle(tweak, &TWEAK);
    cells(|n| {
        let c = cell(moved, n as u8);
        if STEPPED >> n & 1 != 0 { c >> 1 | ((c ^ c >> 1) & 1) << 3 } else { c }
    })
}

fn step_tweak_back(tweak: u64) -> u64 {
    const BACK: [u8; 16] = inverse(TWEAK);
    let moved = cells(|n| {
        let c = cell(tweak, n as u8);
        if STEPPED >> n & 1 != 0 { c << 1 & 0xf | c & 1 ^ c >> 3 } else { c }
    });
    shuffle(moved, &BACK)
}

/// The cipher's output, with `rounds` rounds and one more without diffusion on either side.
fn qarma(value: u64, modifier: u64, key: [u64; 2], rounds: usize, sbox: &SBox) -> u64 {
    const CONSTANTS: [u64; 5] =
        [0, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89, 0x4528_21e6_38d0_1377];
    const ALPHA: u64 = 0xc0ac_29b7_c97c_50dd;
    const BACK: [u8; 16] = inverse(SHUFFLE);
    let [core, whitening] = key;
    let last = whitening.rotate_right(1) ^ whitening >> 63;
    let (mut tweak, mut x) = (modifier, value ^ whitening);
    for (n, constant) in CONSTANTS[..=rounds].iter().enumerate() {
        x ^= core ^ tweak ^ constant;
        if n > 0 {
            x = mix(shuffle(x, &SHUFFLE));
        }
        x = substitute(x, &sbox.forward);
        tweak = step_tweak(tweak);
    }
    x = mix(shuffle(x ^ last ^ tweak, &SHUFFLE));
    x = substitute(x, &sbox.forward);
    x = mix(shuffle(x, &SHUFFLE)) ^ core;
    x = substitute(shuffle(x, &BACK), &sbox.backward);
    x = shuffle(mix(x), &BACK) ^ whitening ^ tweak;
    for (n, constant) in CONSTANTS[..=rounds].iter().enumerate().rev() {
        x = substitute(x, &sbox.backward);
        if n > 0 {
            x = shuffle(mix(x), &BACK);
        }
        tweak = step_tweak_back(tweak);
        x ^= core ^ tweak ^ constant ^ ALPHA;
    }
    x ^ last
}

/// XXH64 of four doublewords with the seed 1, less what depends on the length of the text.
fn xxh64(words: [u64; 4]) -> u64 {
    const P1: u64 = 0x9e37_79b1_85eb_ca87;
    const P2: u64 = 0xc2b2_ae3d_27d4_eb4f;
    const P3: u64 = 0x1656_67b1_9e37_79f9;
    const P4: u64 = 0x85eb_ca77_c2b2_ae63;
    const SEED: u64 = 1;
    let round = |lane: u64, word: u64| lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
    let seeds = [SEED.wrapping_add(P1).wrapping_add(P2), SEED.wrapping_add(P2), SEED, SEED.wrapping_sub(P1)];
    let lanes: [u64; 4] = std::array::from_fn(|n| round(seeds[n], words[n]));
    let turned = lanes.iter().zip([1, 7, 12, 18]).map(|(lane, by)| lane.rotate_left(by));
    let mut hash = turned.fold(0, u64::wrapping_add);
    for lane in lanes {
        hash = (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(P2);
    hash = (hash ^ hash >> 29).wrapping_mul(P3);
    hash ^ hash >> 32
}

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

fn key(cpu: &Cpu, number: u64) -> [u64; 2] {
    let (low, high) = KEYS[(number as usize).min(KEYS.len() - 1)];
    [cpu.get(low), cpu.get(high)]
}

/// A key's number with this is of an instruction that also branches or loads.
pub const COMBINED: u64 = 4;

/// Where a pointer has its code: the bits, less bit 55, which says what they were; and whether the top byte is no part
/// of it.
struct Place {
    code: u64,
    lowest: u32,
    tagged: bool,
}

fn place(cpu: &Cpu, pointer: u64, number: u64) -> Place {
    let regime = Regime::of(cpu, state::level(cpu));
    let high = regime.is_split() && bit(pointer, 55);
    let control = regime.tcr(cpu);
    let size_offset = field(control, if high { tcr::T1SZ } else { tcr::T0SZ }) as u32;
    let lowest = 64 - size_offset.clamp(if config(cpu).features.has(Features::LVA) { 12 } else { 16 }, 39);
    let is_data = number >= 2;
    let tagged = if is_data { regime.ignores_top(cpu, high) } else { regime.ignores_top_of_code(cpu, high) };
    let top = if tagged { 0 } else { 0xff << 56 };
    Place { code: top | mask(55) & !mask(lowest), lowest, tagged }
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
    let Pauth { algorithm, level } = config(cpu).pauth;
    let Place { code, lowest, tagged } = place(cpu, pointer, number);
    let top = if tagged { 55 } else { 63 };
    let extension = mask(top + 1) & !mask(lowest);
    // With the top byte in use bit 63 says which half it is.
    let plain = if bit(pointer, top) { pointer | extension } else { pointer & !extension };
    let mut pac = algorithm.code(plain, modifier, key(cpu, number));
    if pointer & extension != 0 && pointer & extension != extension && level < 3 {
        // What is no address gets a code that does not authenticate.
        pac = if level == 2 { 0 } else { pac ^ 1 << (top - 1) };
    }
    if level >= 3 {
        pac ^= pointer;
    }
    let half = plain & 1 << 55;
    Ok(plain & !code & !(1 << 55) | half | pac & code)
}

/// AUT: the pointer without its code, or one that faults when it is used. `number` is the key, with bit 2 for an
/// instruction that also branches or loads.
///
/// # Errors
/// A trap to a higher level, or (FEAT_FPAC) that the code is wrong.
pub fn authenticate(cpu: &mut Cpu, [pointer, modifier, number]: [u64; 3]) -> Result<u64, Trap> {
    check(cpu)?;
    let (number, combined) = (number & 3, bit(number, 2));
    let Pauth { algorithm, level } = config(cpu).pauth;
    let Place { code, lowest, tagged } = place(cpu, pointer, number);
    let plain = stripped(pointer, code);
    let pac = algorithm.code(plain, modifier, key(cpu, number));
    if level >= 3 {
        let result = pointer ^ pac & code;
        let extension = mask(if tagged { 56 } else { 64 }) & !mask(lowest);
        let right = result & extension == 0 || result & extension == extension;
        let faults = level == 5 || level == 4 && !combined;
        return if right || !faults { Ok(result) } else { Err(synchronous(ec::PAC_FAIL, number)) };
    }
    if pac & code == pointer & code {
        return Ok(plain);
    }
    let error = if number & 1 == 0 { 0b01 } else { 0b10 };
    let at = if tagged { 53 } else { 61 };
    Ok(plain & !(3 << at) | error << at)
}

/// XPAC.
pub fn strip(cpu: &mut Cpu, [pointer, data, _]: [u64; 3]) -> Result<u64, Trap> {
    Ok(stripped(pointer, place(cpu, pointer, 2 * data).code))
}

/// PACGA.
///
/// # Errors
/// A trap to a higher level.
pub fn generic(cpu: &mut Cpu, [value, modifier, _]: [u64; 3]) -> Result<u64, Trap> {
    check(cpu)?;
    Ok(config(cpu).pauth.algorithm.code(value, modifier, key(cpu, GENERIC)) & mask(32) << 32)
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
    authenticate(cpu, [address, cpu.get(super::regs::SP), COMBINED | number])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the cipher's paper: key, tweak and text.
    #[test]
    fn qarma_makes_of_the_papers_text_what_the_paper_says() {
        let (whitening, core) = (0x84be_85ce_9804_e94b, 0xec28_02d4_e0a4_88e9);
        let (text, tweak) = (0xfb62_3599_da6e_8127, 0x477d_469d_ec0b_8762);
        let key = [core, whitening];
        assert_eq!(qarma(text, tweak, key, 4, &SIGMA2), 0xc003_b939_99b3_3765);
        assert_eq!(qarma(text, tweak, key, 4, &SIGMA1), 0x544b_0ab9_5bda_7c3a);
    }

    #[test]
    fn shuffles_and_steps_are_undone() {
        for value in [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x8000_0000_0000_0001] {
            assert_eq!(step_tweak_back(step_tweak(value)), value);
            assert_eq!(shuffle(shuffle(value, &SHUFFLE), &inverse(SHUFFLE)), value);
            assert_eq!(mix(mix(value)), value);
        }
    }
}
