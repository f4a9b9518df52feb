//! The cryptographic instructions by published vectors, and what user mode cannot show of structure accesses: faults and
//! big-endian data. QEMU is the witness for all else (`tests/aarch64_simd_qemu.rs`).

use super::insn::Insn;
use super::lanes::V;
use super::status::Status;
use super::table::{Run, all, decode};
use super::{Machine, Simd, run};
use crate::cpu::Trap;
use crate::float::Flags;
use crate::ir::{Mem, MemSize, Slot};
use crate::isa::aarch64::regs;

/// Slots with V0 to V31 zero, and the names of instructions to run on them.
struct Registers(Vec<u64>);

impl Registers {
    fn new() -> Registers {
        Registers(vec![0; 160])
    }

    fn set(&mut self, n: usize, v: V) {
        self.0[64 + 2 * n..][..2].copy_from_slice(&v);
    }

    fn set_words(&mut self, n: usize, w: [u32; 4]) {
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        self.set(n, [pair(w[0], w[1]), pair(w[2], w[3])]);
    }

    fn set_bytes(&mut self, n: usize, hex: &str) {
        let word = |at: usize| u64::from_str_radix(&hex[at..at + 16], 16).unwrap().swap_bytes();
        self.set(n, [word(0), word(16)]);
    }

    fn words(&self, n: usize) -> [u32; 4] {
        let v = &self.0[64 + 2 * n..];
        [v[0] as u32, (v[0] >> 32) as u32, v[1] as u32, (v[1] >> 32) as u32]
    }

    fn bytes(&self, n: usize) -> String {
        self.0[64 + 2 * n..][..2].iter().map(|half| format!("{:016x}", half.swap_bytes())).collect()
    }

    /// `name Vd, Vn, Vm`.
    fn run(&mut self, name: &str, d: u32, n: u32, m: u32) {
        let row = all().find(|row| row.name == name).unwrap();
        let Run::Data(op) = row.run else { panic!("{name} accesses memory") };
        let word = row.value | d | n << 5 | (m << 16) & !row.mask;
        op(&mut Simd { slots: &mut self.0, status: Status::new(0) }, Insn(word));
    }
}

/// The first block of a message of three bytes, as big-endian words.
const ABC: [u32; 16] = [0x6162_6380, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24];

#[test]
fn aes_goes_through_the_round_of_fips_197() {
    let mut r = Registers::new();
    r.set_bytes(0, "193de3bea0f4e22b9ac68d2ae9f84808");
    r.run("aese", 0, 31, 0);
    assert_eq!(r.bytes(0), "d4bf5d30e0b452aeb84111f11e2798e5");
    r.run("aesmc", 1, 0, 0);
    assert_eq!(r.bytes(1), "046681e5e0cb199a48f8d37a2806264c");
    r.run("aesimc", 2, 1, 0);
    assert_eq!(r.bytes(2), r.bytes(0));
    r.run("aesd", 2, 31, 0);
    assert_eq!(r.bytes(2), "193de3bea0f4e22b9ac68d2ae9f84808");
}

#[test]
fn sha1_digests_abc() {
    let start = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let constants = [0x5a82_7999u32, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];
    let mut r = Registers::new();
    r.set_words(0, start[..4].try_into().unwrap());
    r.set_words(1, [start[4], 0, 0, 0]);
    (0..4).for_each(|n| r.set_words(4 + n, ABC[4 * n..][..4].try_into().unwrap()));
    for round in 0..20 {
        let constant = constants[round / 5];
        r.set_words(2, r.words(4).map(|w| w.wrapping_add(constant)));
        // The next e is made of a before that changes.
        r.run("sha1h", 3, 0, 0);
        r.run(["sha1c", "sha1p", "sha1m", "sha1p"][round / 5], 0, 1, 2);
        r.set_words(1, r.words(3));
        r.run("sha1su0", 4, 5, 6);
        r.run("sha1su1", 4, 7, 0);
        let next = r.words(4);
        (4..7).for_each(|n| r.set_words(n, r.words(n + 1)));
        r.set_words(7, next);
    }
    let [a, b, c, d] = r.words(0);
    let digest: Vec<u32> = [a, b, c, d, r.words(1)[0]].iter().zip(start).map(|(x, y)| x.wrapping_add(y)).collect();
    assert_eq!(digest, [0xa999_3e36, 0x4706_816a, 0xba3e_2571, 0x7850_c26c, 0x9cd0_d89d]);
}

/// The first `count` primes.
fn primes(count: usize) -> Vec<u128> {
    (2u128..).filter(|n| (2..*n).all(|d| n % d != 0)).take(count).collect()
}

/// 64 bits behind the point of a root: the largest `x` with `power(x) <= n`, by bisection.
fn fraction(most: u128, fits: impl Fn(u128) -> bool) -> u128 {
    let (mut low, mut high) = (0, most);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

#[test]
fn sha256_digests_abc() {
    // Both kinds of constants are the first bits of roots of primes.
    let start: Vec<u32> = primes(8).iter().map(|p| fraction(1 << 40, |x| x * x <= p << 64) as u32).collect();
    let constants: Vec<u32> = primes(64).iter().map(|p| fraction(1 << 36, |x| x * x * x <= p << 96) as u32).collect();
    assert_eq!((start[0], constants[0]), (0x6a09_e667, 0x428a_2f98));
    let mut r = Registers::new();
    r.set_words(0, start[..4].try_into().unwrap());
    r.set_words(1, start[4..].try_into().unwrap());
    (0..4).for_each(|n| r.set_words(4 + n, ABC[4 * n..][..4].try_into().unwrap()));
    for round in 0..16 {
        let w = r.words(4);
        r.set_words(2, std::array::from_fn(|k| w[k].wrapping_add(constants[4 * round + k])));
        r.set_words(3, r.words(0));
        r.run("sha256h", 0, 1, 2);
        r.run("sha256h2", 1, 3, 2);
        r.run("sha256su0", 4, 5, 0);
        r.run("sha256su1", 4, 6, 7);
        let next = r.words(4);
        (4..7).for_each(|n| r.set_words(n, r.words(n + 1)));
        r.set_words(7, next);
    }
    let digest: Vec<u32> =
        [r.words(0), r.words(1)].concat().iter().zip(start).map(|(x, y)| x.wrapping_add(y)).collect();
    let expected =
        [0xba78_16bf, 0x8f01_cfea, 0x4141_40de, 0x5dae_2223, 0xb003_61a3, 0x9617_7a9c, 0xb410_ff61, 0xf200_15ad];
    assert_eq!(digest, expected);
}

/// Registers and a memory of a few bytes at address 0.
struct Small {
    slots: Vec<u64>,
    memory: Vec<u8>,
    big_endian: bool,
}

impl Small {
    fn new(bytes: usize, big_endian: bool) -> Small {
        Small { slots: (1000..1160).collect(), memory: (0..bytes as u8).collect(), big_endian }
    }

    /// The range of an access; behind the memory it traps.
    fn at(&self, mem: Mem, address: u64) -> Result<std::ops::Range<usize>, Trap> {
        let end = address as usize + usize::from(mem.size.bytes());
        if end > self.memory.len() { Err(Trap { cause: 1, value: address }) } else { Ok(address as usize..end) }
    }

    /// Executes a word with the base, X0, at `address`.
    fn run(&mut self, word: u32, address: u64) -> Result<(), Trap> {
        self.slots[0] = address;
        run(self, decode(word).unwrap(), word)
    }

    fn v(&self, n: u32) -> V {
        [regs::v_low(n), regs::v_high(n)].map(|slot| self.slot(slot))
    }
}

impl Machine for Small {
    fn slots(&mut self) -> &mut [u64] {
        &mut self.slots
    }

    fn slot(&self, slot: Slot) -> u64 {
        self.slots[usize::from(slot.0)]
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trap> {
        let at = self.at(mem, address)?;
        Ok(mem.in_order(self.memory[at].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))))
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trap> {
        let at = self.at(mem, address)?;
        let len = at.len();
        self.memory[at].copy_from_slice(&mem.in_order(value).to_le_bytes()[..len]);
        Ok(())
    }

    fn access(&self, size: MemSize) -> Mem {
        Mem { big_endian: self.big_endian, ..Mem::plain(size) }
    }

    fn raise(&mut self, _: Flags) {}
}

/// `LD1 {V0.16B, V1.16B}, [X0], #32`.
const LD1_PAIR: u32 = 0x4cdf_a000;
/// `LD2 {V0.8H, V1.8H}, [X0], #32`.
const LD2: u32 = 0x4cdf_8400;
/// `ST2 {V0.8H, V1.8H}, [X0]`.
const ST2: u32 = 0x4c00_8400;
/// `LD4 {V0.S, V1.S, V2.S, V3.S}[1], [X0], #16`.
const LD4_LANE: u32 = 0x0dff_b000;
/// `LD3R {V0.4S, V1.4S, V2.4S}, [X0], #12`.
const LD3R: u32 = 0x4ddf_e800;

#[test]
fn a_load_that_faults_leaves_all_registers() {
    for (word, size) in [(LD1_PAIR, 32), (LD2, 32), (LD4_LANE, 16), (LD3R, 12)] {
        for missing in 1..size {
            let mut m = Small::new(64, false);
            let address = (64 - size + missing) as u64;
            m.slots[0] = address;
            let before = m.slots.clone();
            assert!(m.run(word, address).is_err_and(|trap| trap.value >= address));
            assert_eq!(m.slots, before, "{word:08x}");
        }
        let mut m = Small::new(64, false);
        m.run(word, 64 - size as u64).unwrap();
        assert_eq!(m.slots[0], 64);
    }
}

#[test]
fn big_endian_elements_are_turned_one_by_one() {
    let mut m = Small::new(32, true);
    let before = m.memory.clone();
    m.run(LD2, 0).unwrap();
    assert_eq!(m.v(0), [0x0c0d_0809_0405_0001, 0x1c1d_1819_1415_1011]);
    m.memory.fill(0);
    m.run(ST2, 0).unwrap();
    assert_eq!(m.memory, before);
    m.run(LD1_PAIR, 0).unwrap();
    assert_eq!(m.v(1), [0x1716_1514_1312_1110, 0x1f1e_1d1c_1b1a_1918]);
    m.run(LD4_LANE, 0).unwrap();
    assert_eq!(m.v(3)[0] >> 32, 0x0c0d_0e0f);
}

#[test]
fn vectors_leave_nans_as_they_are_under_ah() {
    const AH: u64 = 2;
    // Of four lanes two are NaNs, one is signaling.
    let (low, high) = (0xffc0_0001_3f80_0000, 0xbf80_0000_7f80_0001);
    for (name, fpcr, expected) in [
        ("fneg", AH, [0xffc0_0001_bf80_0000, 0x3f80_0000_7f80_0001]),
        ("fneg", 0, [0x7fc0_0001_bf80_0000, 0x3f80_0000_ff80_0001]),
        ("fabs", AH, [0xffc0_0001_3f80_0000, 0x3f80_0000_7f80_0001]),
        ("fabs", 0, [0x7fc0_0001_3f80_0000, 0x3f80_0000_7f80_0001]),
    ] {
        let mut r = Registers::new();
        r.set(1, [low, high]);
        let row = all().find(|row| row.name == name).unwrap();
        let Run::Data(op) = row.run else { panic!("{name} accesses memory") };
        let word = row.value | 1 << 30 | 1 << 5;
        op(&mut Simd { slots: &mut r.0, status: Status::new(fpcr) }, Insn(word));
        assert_eq!(r.0[64..66], expected, "{name} {fpcr}");
    }
}
