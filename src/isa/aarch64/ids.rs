//! Identification registers: what a model's chip announces, cut to what is implemented here, and the features that
//! follow from it.
//!
//! ```text
//!   Model.ids (the chip's) ──► masked by FIELDS ──► the registers ──► Features ──► decoder, lifter, system registers
//! ```
//! Software finds in a field no more than Mimus does, whatever the chip has: SVE, SME, MTE, AArch32 and so on are not
//! announced. What a model loses so is told with `-d unimp`.

use super::features::Features;
use super::sysreg::slots;
use super::{Aarch64, mpidr};
use crate::base::bits::{bits, with_field};
use crate::cpu::Cpu;
use crate::gap;
use crate::ir::Slot;

/// The 64-bit identification registers that a model does not have as zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are the registers, ID_AA64 before the name and _EL1 behind")]
pub struct Ids {
    pub pfr0: u64,
    pub pfr1: u64,
    pub dfr0: u64,
    pub isar0: u64,
    pub isar1: u64,
    pub isar2: u64,
    pub mmfr0: u64,
    pub mmfr1: u64,
    pub mmfr2: u64,
    pub mmfr3: u64,
}

/// A field of four bits.
struct Field {
    register: fn(&mut Ids) -> &mut u64,
    /// The lowest bit.
    at: u32,
    name: &'static str,
    /// The highest value that is implemented here.
    most: u64,
    /// From which value on the field announces which features.
    brings: &'static [(u64, Features)],
}

/// `register bit "NAME" highest-value [from FEATURE…];` a field.
macro_rules! fields {
    ($($reg:ident $at:literal $name:literal $most:literal [$($from:literal $feature:ident)*];)*) => {
        &[$(Field {
            register: |ids| &mut ids.$reg,
            at: $at,
            name: $name,
            most: $most,
            brings: &[$(($from, Features::$feature)),*],
        },)*]
    };
}

/// What is implemented: any other field is zero. Values are as the manual has them; that pointer authentication is
/// announced by three pairs of fields is for [`super::pauth`].
static FIELDS: &[Field] = fields! {
    // Levels of AArch64 alone. 0xf of FP and AdvSIMD would be none, which no model has.
    pfr0  0  "EL0" 1 [];
    pfr0  4  "EL1" 1 [];
    pfr0  8  "EL2" 1 [1 EL2];
    pfr0  12 "EL3" 1 [1 EL3];
    pfr0  16 "FP" 1 [0 FP 1 FP16];
    pfr0  20 "AdvSIMD" 1 [0 ASIMD];
    pfr0  28 "RAS" 2 [1 RAS];
    pfr0  48 "DIT" 1 [1 DIT];
    pfr0  56 "CSV2" 3 [2 CSV2_2];
    pfr0  60 "CSV3" 1 [];
    pfr1  0  "BT" 1 [1 BTI];
    pfr1  4  "SSBS" 2 [1 SSBS];
    dfr0  0  "DebugVer" 10 [];
    dfr0  8  "PMUVer" 6 [1 PMUV3 4 PMUV3P1 5 PMUV3P4 6 PMUV3P5];
    dfr0  12 "BRPs" 5 [];
    dfr0  20 "WRPs" 3 [];
    dfr0  28 "CTX_CMPs" 1 [];
    dfr0  36 "DoubleLock" 0xf [];
    dfr0  60 "HPMN0" 1 [1 HPMN0];
    isar0 4  "AES" 2 [1 AES 2 PMULL];
    isar0 8  "SHA1" 1 [1 SHA1];
    isar0 12 "SHA2" 2 [1 SHA256 2 SHA512];
    isar0 16 "CRC32" 1 [1 CRC32];
    isar0 20 "Atomic" 2 [2 LSE];
    isar0 28 "RDM" 1 [1 RDM];
    isar0 32 "SHA3" 1 [1 SHA3];
    isar0 36 "SM3" 1 [1 SM3];
    isar0 40 "SM4" 1 [1 SM4];
    isar0 44 "DP" 1 [1 DOTPROD];
    isar0 48 "FHM" 1 [1 FHM];
    isar0 52 "TS" 2 [1 FLAGM 2 FLAGM2];
    isar0 56 "TLB" 2 [1 TLBIOS 2 TLBIRANGE];
    isar0 60 "RNDR" 1 [1 RNG];
    isar1 0  "DPB" 2 [1 DPB 2 DPB2];
    isar1 4  "APA" 5 [1 PAUTH 4 FPAC];
    isar1 8  "API" 5 [1 PAUTH 4 FPAC];
    isar1 12 "JSCVT" 1 [1 JSCVT];
    isar1 16 "FCMA" 1 [1 FCMA];
    isar1 20 "LRCPC" 2 [1 LRCPC 2 LRCPC2];
    isar1 24 "GPA" 1 [];
    isar1 28 "GPI" 1 [];
    isar1 32 "FRINTTS" 1 [1 FRINTTS];
    isar1 36 "SB" 1 [1 SB];
    isar1 40 "SPECRES" 1 [1 SPECRES];
    isar1 44 "BF16" 2 [1 BF16 2 EBF16];
    isar1 48 "DGH" 1 [];
    isar1 52 "I8MM" 1 [1 I8MM];
    isar1 56 "XS" 1 [1 XS];
    isar2 0  "WFxT" 2 [2 WFXT];
    isar2 4  "RPRES" 1 [1 RPRES];
    isar2 8  "GPA3" 1 [];
    isar2 12 "APA3" 5 [1 PAUTH 4 FPAC];
    isar2 16 "MOPS" 1 [1 MOPS];
    isar2 20 "BC" 1 [1 HBC];
    // Of granules, 2 (at 4 KiB 1) would be those with addresses of 52 bits.
    mmfr0 0  "PARange" 6 [];
    mmfr0 4  "ASIDBits" 2 [];
    mmfr0 8  "BigEnd" 1 [];
    mmfr0 12 "SNSMem" 1 [];
    mmfr0 20 "TGran16" 1 [];
    mmfr0 32 "TGran16_2" 2 [];
    mmfr0 36 "TGran64_2" 2 [];
    mmfr0 40 "TGran4_2" 2 [];
    mmfr0 60 "ECV" 2 [1 ECV 2 ECV_POFF];
    mmfr1 0  "HAFDBS" 2 [2 HAFDBS];
    mmfr1 4  "VMIDBits" 2 [];
    mmfr1 8  "VH" 1 [1 VHE];
    mmfr1 12 "HPDS" 2 [1 HPDS];
    mmfr1 16 "LO" 1 [1 LOR];
    mmfr1 20 "PAN" 3 [1 PAN 2 PAN2 3 PAN3];
    mmfr1 28 "XNX" 1 [1 XNX];
    mmfr1 36 "ETS" 2 [];
    mmfr1 40 "HCX" 1 [1 HCX];
    mmfr1 44 "AFP" 1 [1 AFP];
    mmfr1 52 "TIDCP1" 1 [1 TIDCP1];
    mmfr2 0  "CnP" 1 [1 TTCNP];
    mmfr2 4  "UAO" 1 [1 UAO];
    mmfr2 12 "IESB" 1 [];
    mmfr2 16 "VARange" 1 [1 LVA];
    mmfr2 20 "CCIDX" 1 [1 CCIDX];
    mmfr2 32 "AT" 1 [1 LSE2];
    mmfr2 36 "IDS" 1 [1 IDST];
    mmfr2 48 "TTL" 1 [];
    mmfr2 52 "BBM" 2 [];
    mmfr2 56 "EVT" 2 [1 EVT];
    mmfr2 60 "E0PD" 1 [1 E0PD];
    mmfr3 60 "SPEC_FPACC" 1 [];
};

impl Ids {
    /// All zero.
    pub const NONE: Ids =
        Ids { pfr0: 0, pfr1: 0, dfr0: 0, isar0: 0, isar1: 0, isar2: 0, mmfr0: 0, mmfr1: 0, mmfr2: 0, mmfr3: 0 };

    fn registers(&self) -> [(&'static str, Slot, u64); 10] {
        [
            ("ID_AA64PFR0_EL1", slots::ID_AA64PFR0_EL1, self.pfr0),
            ("ID_AA64PFR1_EL1", slots::ID_AA64PFR1_EL1, self.pfr1),
            ("ID_AA64DFR0_EL1", slots::ID_AA64DFR0_EL1, self.dfr0),
            ("ID_AA64ISAR0_EL1", slots::ID_AA64ISAR0_EL1, self.isar0),
            ("ID_AA64ISAR1_EL1", slots::ID_AA64ISAR1_EL1, self.isar1),
            ("ID_AA64ISAR2_EL1", slots::ID_AA64ISAR2_EL1, self.isar2),
            ("ID_AA64MMFR0_EL1", slots::ID_AA64MMFR0_EL1, self.mmfr0),
            ("ID_AA64MMFR1_EL1", slots::ID_AA64MMFR1_EL1, self.mmfr1),
            ("ID_AA64MMFR2_EL1", slots::ID_AA64MMFR2_EL1, self.mmfr2),
            ("ID_AA64MMFR3_EL1", slots::ID_AA64MMFR3_EL1, self.mmfr3),
        ]
    }

    /// The registers with no more in them than is implemented; what `model` loses is told with `-d unimp`.
    pub(super) fn implemented(mut self, model: &str) -> Ids {
        let mut kept = Ids::NONE;
        for field in FIELDS {
            let whole = (field.register)(&mut self);
            let there = bits(*whole, field.at + 3, field.at);
            *whole = with_field(*whole, 0xf << field.at, 0);
            if there > field.most {
                gap!("{model}: {} is announced as {}, not {there}", field.name, field.most);
            }
            *(field.register)(&mut kept) |= there.min(field.most) << field.at;
        }
        for (name, _, rest) in self.registers().into_iter().filter(|(.., rest)| *rest != 0) {
            gap!("{model}: {name} is announced without {rest:#018x}");
        }
        kept
    }

    /// The features that the registers announce.
    pub(super) fn features(mut self) -> Features {
        let mut features = Features::BASE;
        for field in FIELDS {
            let value = bits(*(field.register)(&mut self), field.at + 3, field.at);
            let brought = field.brings.iter().filter(|(from, _)| value >= *from);
            features = brought.fold(features, |all, (_, feature)| all.with(*feature));
        }
        features
    }
}

impl Aarch64 {
    /// Puts what identifies the CPU into its slots.
    pub(super) fn identify(&self, cpu: &mut Cpu) {
        for (_, slot, value) in self.ids.registers() {
            cpu.set(slot, value);
        }
        if cpu.board.interface.is_some() {
            const GIC: u64 = 1 << 24;
            cpu.set(slots::ID_AA64PFR0_EL1, self.ids.pfr0 | GIC);
        }
        const RES1: u64 = 1 << 31;
        let affinity = RES1 | mpidr(cpu.index);
        // Blocks of DC ZVA have 64 bytes.
        const ZERO_BLOCK: u64 = 4;
        for (slot, value) in [
            (slots::MIDR_EL1, self.midr),
            (slots::REVIDR_EL1, self.revidr),
            (slots::CTR_EL0, self.ctr),
            (slots::CLIDR_EL1, self.clidr),
            (slots::DCZID_EL0, ZERO_BLOCK),
            (slots::MPIDR_EL1, affinity),
            (slots::VMPIDR_EL2, affinity),
            (slots::VPIDR_EL2, self.midr),
        ] {
            cpu.set(slot, value);
        }
    }
}
