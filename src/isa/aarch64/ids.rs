//! Identification registers: what the features of a model announce. What is not in the set is not announced, whatever
//! the model's own chip has.

use super::features::Features;
use super::sysreg::slots;
use super::{Aarch64, mpidr};
use crate::cpu::Cpu;
use crate::ir::Slot;

/// A field: lowest bit, value, and the features that announce it.
type Field = (u32, u64, Features);

const F: fn(u32, u64, Features) -> Field = |at, value, needs| (at, value, needs);

/// The larger of the values that the features announce, field by field.
fn register(features: Features, fields: &[Field]) -> u64 {
    let mut value = 0;
    for (at, announced, needs) in fields {
        if features.has(*needs) {
            let old = value >> at & 0xf;
            value = value & !(0xf << at) | old.max(*announced) << at;
        }
    }
    value
}

impl Aarch64 {
    /// The identification registers with their slots.
    pub fn ids(&self, interface: bool) -> Vec<(Slot, u64)> {
        use Features as X;
        let f = self.features;
        let of = |fields: &[Field]| register(f, fields);
        let gic = u64::from(interface) << 24;
        let speculation = |at: u32| u64::from(self.safe_speculation) << at;
        // ID_AA64PFR0.FP and AdvSIMD: 0 is there, 1 with half precision.
        let pfr0 = of(&[
            F(0, 1, X::BASE),
            F(4, 1, X::BASE),
            F(8, 1, X::EL2),
            F(12, 1, X::EL3),
            F(16, 1, X::FP16),
            F(20, 1, X::FP16),
            F(48, 1, X::DIT),
        ]) | gic
            | speculation(56)
            | speculation(60);
        let pfr1 = of(&[F(0, 1, X::BTI), F(4, 2, X::SSBS)]);
        // Six breakpoints, four watchpoints, two context-aware breakpoints; debug of Armv8.
        let dfr0 = 0x1030_5006 | of(&[F(8, 1, X::PMUV3)]);
        let isar0 = of(&[
            F(4, 1, X::AES),
            F(4, 2, X::AES.with(X::PMULL)),
            F(8, 1, X::SHA1),
            F(12, 1, X::SHA256),
            F(12, 2, X::SHA256.with(X::SHA512)),
            F(16, 1, X::CRC32),
            F(20, 2, X::LSE),
            F(28, 1, X::RDM),
            F(32, 1, X::SHA3),
            F(36, 1, X::SM3),
            F(40, 1, X::SM4),
            F(44, 1, X::DOTPROD),
            F(48, 1, X::FHM),
            F(52, 1, X::FLAGM),
            F(52, 2, X::FLAGM.with(X::FLAGM2)),
            F(56, 1, X::TLBIOS),
            F(56, 2, X::TLBIOS.with(X::TLBIRANGE)),
            F(60, 1, X::RNG),
        ]);
        let isar1 = of(&[
            F(0, 1, X::DPB),
            F(0, 2, X::DPB.with(X::DPB2)),
            // An algorithm of Mimus's own, for addresses and in general.
            F(8, 1, X::PAUTH),
            F(28, 1, X::PAUTH),
            F(12, 1, X::JSCVT),
            F(16, 1, X::FCMA),
            F(20, 1, X::LRCPC),
            F(20, 2, X::LRCPC.with(X::LRCPC2)),
            F(32, 1, X::FRINTTS),
            F(36, 1, X::SB),
            F(44, 1, X::BF16),
            F(52, 1, X::I8MM),
            F(56, 1, X::XS),
        ]);
        let isar2 = of(&[F(0, 2, X::WFXT), F(16, 1, X::MOPS), F(20, 1, X::HBC), F(52, 1, X::CSSC)]);
        let size = match self.physical_bits {
            ..36 => 0,
            36..40 => 1,
            40..42 => 2,
            42..44 => 3,
            44..48 => 4,
            48..52 => 5,
            _ => 6,
        };
        // Identifiers of 16 bits, both endiannesses, Secure and Non-secure memory told apart.
        let mmfr0 = size | 0x1120 | if self.granule16 { 1 << 20 } else { 0 };
        let mmfr1 = of(&[
            F(0, 2, X::HAFDBS),
            F(4, 2, X::VHE),
            F(8, 1, X::VHE),
            F(12, 1, X::HPDS),
            F(16, 1, X::LOR),
            F(20, 1, X::PAN),
            F(20, 2, X::PAN.with(X::PAN2)),
            F(44, 1, X::AFP),
        ]);
        let mmfr2 = of(&[F(0, 1, X::TTCNP), F(4, 1, X::UAO), F(16, 1, X::LVA), F(32, 1, X::LSE2), F(60, 1, X::E0PD)]);
        vec![
            (slots::ID_AA64PFR0_EL1, pfr0),
            (slots::ID_AA64PFR1_EL1, pfr1),
            (slots::ID_AA64DFR0_EL1, dfr0),
            (slots::ID_AA64ISAR0_EL1, isar0),
            (slots::ID_AA64ISAR1_EL1, isar1),
            (slots::ID_AA64ISAR2_EL1, isar2),
            (slots::ID_AA64MMFR0_EL1, mmfr0),
            (slots::ID_AA64MMFR1_EL1, mmfr1),
            (slots::ID_AA64MMFR2_EL1, mmfr2),
            (slots::MIDR_EL1, self.midr),
            (slots::REVIDR_EL1, self.revidr),
            (slots::CTR_EL0, self.ctr),
            (slots::CLIDR_EL1, self.clidr),
            // Blocks of 64 bytes.
            (slots::DCZID_EL0, 4),
        ]
    }

    /// Puts what identifies the CPU into its slots.
    pub(super) fn identify(&self, cpu: &mut Cpu) {
        let interface = cpu.board.interface.is_some();
        for (slot, value) in self.ids(interface) {
            cpu.set(slot, value);
        }
        const RES1: u64 = 1 << 31;
        let affinity = RES1 | mpidr(cpu.index);
        cpu.set(slots::MPIDR_EL1, affinity);
        cpu.set(slots::VMPIDR_EL2, affinity);
        cpu.set(slots::VPIDR_EL2, self.midr);
    }
}
