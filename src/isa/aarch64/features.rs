//! The features that a CPU model has: decode rows name them, ID registers announce them.

/// Makes the set of features: a bit each, with the name that `-cpu` properties and messages use.
macro_rules! features {
    ($($(#[$meta:meta])* $name:ident = $bit:literal, $prop:literal;)*) => {
        /// A set of features.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Features(pub u128);
        impl Features {
            $($(#[$meta])* pub const $name: Features = Features(1 << $bit);)*
            /// Every feature with its name.
            pub const ALL: &[(Features, &str)] = &[$((Features::$name, $prop),)*];
        }
    };
}

features! {
    /// Armv8.0 base instructions; always there.
    BASE = 0, "base";
    /// FEAT_FP: scalar floats.
    FP = 1, "fp";
    /// FEAT_AdvSIMD.
    ASIMD = 2, "asimd";
    /// FEAT_FP16: half-precision arithmetic.
    FP16 = 3, "fp16";
    /// FEAT_CRC32.
    CRC32 = 4, "crc32";
    /// FEAT_LSE: atomics.
    LSE = 5, "lse";
    /// FEAT_LSE2: atomicity of some unaligned accesses.
    LSE2 = 6, "lse2";
    /// FEAT_LRCPC: LDAPR.
    LRCPC = 7, "lrcpc";
    /// FEAT_LRCPC2: LDAPUR, STLUR.
    LRCPC2 = 8, "lrcpc2";
    /// FEAT_LOR: LDLAR, STLLR.
    LOR = 9, "lor";
    /// FEAT_FlagM: CFINV, RMIF, SETF.
    FLAGM = 10, "flagm";
    /// FEAT_FlagM2: AXFLAG, XAFLAG.
    FLAGM2 = 11, "flagm2";
    /// FEAT_FRINTTS: FRINT32, FRINT64.
    FRINTTS = 12, "frintts";
    /// FEAT_JSCVT: FJCVTZS.
    JSCVT = 13, "jscvt";
    /// FEAT_PAuth.
    PAUTH = 14, "pauth";
    /// FEAT_BTI.
    BTI = 15, "bti";
    /// FEAT_SB.
    SB = 16, "sb";
    /// FEAT_SSBS and FEAT_SSBS2.
    SSBS = 17, "ssbs";
    /// FEAT_DIT.
    DIT = 18, "dit";
    /// FEAT_PAN.
    PAN = 19, "pan";
    /// FEAT_PAN2: AT S1E1RP, AT S1E1WP.
    PAN2 = 20, "pan2";
    /// FEAT_UAO.
    UAO = 21, "uao";
    /// FEAT_DPB: DC CVAP.
    DPB = 22, "dpb";
    /// FEAT_DPB2: DC CVADP.
    DPB2 = 23, "dpb2";
    /// FEAT_WFxT.
    WFXT = 24, "wfxt";
    /// FEAT_MOPS: memory copies and sets.
    MOPS = 25, "mops";
    /// FEAT_RNG: RNDR, RNDRRS.
    RNG = 26, "rng";
    /// FEAT_TLBIOS.
    TLBIOS = 27, "tlbios";
    /// FEAT_TLBIRANGE.
    TLBIRANGE = 28, "tlbirange";
    /// FEAT_VHE.
    VHE = 29, "vhe";
    /// FEAT_RDM: SQRDMLAH, SQRDMLSH.
    RDM = 30, "rdm";
    /// FEAT_DotProd.
    DOTPROD = 31, "dotprod";
    /// FEAT_FCMA: complex numbers.
    FCMA = 32, "fcma";
    /// FEAT_FHM: FMLAL, FMLSL.
    FHM = 33, "fhm";
    /// FEAT_I8MM.
    I8MM = 34, "i8mm";
    /// FEAT_BF16.
    BF16 = 35, "bf16";
    /// FEAT_AES.
    AES = 36, "aes";
    /// FEAT_PMULL.
    PMULL = 37, "pmull";
    /// FEAT_SHA1.
    SHA1 = 38, "sha1";
    /// FEAT_SHA256.
    SHA256 = 39, "sha256";
    /// FEAT_SHA512.
    SHA512 = 40, "sha512";
    /// FEAT_SHA3.
    SHA3 = 41, "sha3";
    /// FEAT_SM3.
    SM3 = 42, "sm3";
    /// FEAT_SM4.
    SM4 = 43, "sm4";
    /// FEAT_AFP: alternate floating-point behaviour.
    AFP = 44, "afp";
    /// FEAT_HBC: BC.cond.
    HBC = 45, "hbc";
    /// FEAT_CSSC: ABS, CNT, CTZ, SMAX and kin.
    CSSC = 46, "cssc";
    /// FEAT_LRCPC3: LDIAPP, STILP and kin.
    LRCPC3 = 47, "lrcpc3";
    /// FEAT_FPAC: a failed authentication faults.
    FPAC = 48, "fpac";
    /// FEAT_XS: DSB nXS.
    XS = 49, "xs";
    /// EL2 is implemented.
    EL2 = 50, "el2";
    /// EL3 is implemented.
    EL3 = 51, "el3";
    /// FEAT_HPDS.
    HPDS = 52, "hpds";
    /// FEAT_HAFDBS: accessed and dirty bits by hardware.
    HAFDBS = 53, "hafdbs";
    /// FEAT_TTCNP.
    TTCNP = 54, "ttcnp";
    /// FEAT_LVA and FEAT_LPA: 52-bit addresses.
    LVA = 55, "lva";
    /// FEAT_PMUv3.
    PMUV3 = 56, "pmuv3";
    /// FEAT_EBF16.
    EBF16 = 57, "ebf16";
    /// FEAT_ECV: self-synchronized counters, and control of more traps by CNTHCTL_EL2.
    ECV = 58, "ecv";
    /// FEAT_E0PD.
    E0PD = 59, "e0pd";
    /// FEAT_ECV_POFF: CNTPOFF_EL2.
    ECV_POFF = 60, "ecv-poff";
    /// FEAT_RPRES: reciprocal estimates with 12 bits where FPCR.AH is set.
    RPRES = 61, "rpres";
    /// FEAT_SPECRES: CFP, CPP and DVP RCTX.
    SPECRES = 62, "specres";
    /// FEAT_RAS: the registers of errors, ESB.
    RAS = 63, "ras";
    /// FEAT_HCX: HCRX_EL2.
    HCX = 64, "hcx";
    /// FEAT_PAN3: what EL0 may only execute is out of EL1's reach too, where SCTLR says so.
    PAN3 = 65, "pan3";
    /// FEAT_XNX: execution at EL1 and at EL0 told apart by stage 2.
    XNX = 66, "xnx";
    /// FEAT_TIDCP1: EL0's IMPLEMENTATION DEFINED accesses trap.
    TIDCP1 = 67, "tidcp1";
    /// FEAT_IDST: EL0's reads of identification registers trap to EL1 as such.
    IDST = 68, "idst";
    /// FEAT_CSV2_2: SCXTNUM.
    CSV2_2 = 69, "csv2-2";
    /// FEAT_CCIDX: CCSIDR of 64 bits.
    CCIDX = 70, "ccidx";
    /// FEAT_EVT: more traps of TLB and cache maintenance, and of CCSIDR.
    EVT = 71, "evt";
    /// FEAT_PMUv3p1: event numbers of 16 bits, no counting at EL2.
    PMUV3P1 = 72, "pmuv3p1";
    /// FEAT_PMUv3p4: PMMIR.
    PMUV3P4 = 73, "pmuv3p4";
    /// FEAT_PMUv3p5: event counters of 64 bits.
    PMUV3P5 = 74, "pmuv3p5";
    /// FEAT_HPMN0: a hypervisor may keep all event counters.
    HPMN0 = 75, "hpmn0";
}

impl Features {
    /// No feature.
    pub const NONE: Features = Features(0);

    /// Every feature.
    pub const EVERY: Features = Features(u128::MAX);

    /// Whether all of `other` are in the set.
    pub const fn has(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set with those of `other` added.
    #[must_use]
    pub const fn with(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// The set with those of `other` taken away.
    #[must_use]
    pub const fn without(self, other: Features) -> Features {
        Features(self.0 & !other.0)
    }
}
