//! AESE, AESD, AESMC, AESIMC.

use super::Simd;
use super::insn::Insn;
use super::lanes::V;
use crate::ir::aes;

fn keyed(s: &Simd, i: Insn) -> V {
    let (d, n) = (s.v(i.rd()), s.v(i.rn()));
    [d[0] ^ n[0], d[1] ^ n[1]]
}

/// AESE.
pub fn aese(s: &mut Simd, i: Insn) {
    s.set_v(i.rd(), aes::encrypt(keyed(s, i)));
}

/// AESD.
pub fn aesd(s: &mut Simd, i: Insn) {
    s.set_v(i.rd(), aes::decrypt(keyed(s, i)));
}

/// AESMC.
pub fn aesmc(s: &mut Simd, i: Insn) {
    s.set_v(i.rd(), aes::mix(s.v(i.rn())));
}

/// AESIMC.
pub fn aesimc(s: &mut Simd, i: Insn) {
    s.set_v(i.rd(), aes::mix_inverse(s.v(i.rn())));
}
