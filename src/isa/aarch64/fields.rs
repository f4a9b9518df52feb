//! Fields of the system registers, by the manual's names, as masks, and the numbers that go into syndromes.

/// PSTATE and SPSRs, as the latter have it. NZCV and BTYPE have slots of their own while they are PSTATE's.
pub mod pstate {
    /// SP is the exception level's own, not SP_EL0.
    pub const SP: u64 = 1;
    /// Exception level.
    pub const EL: u64 = 3 << 2;
    /// AArch32 state, in an SPSR.
    pub const NRW: u64 = 1 << 4;
    /// FIQ masked.
    pub const F: u64 = 1 << 6;
    /// IRQ masked.
    pub const I: u64 = 1 << 7;
    /// SError masked.
    pub const A: u64 = 1 << 8;
    /// Debug exceptions masked.
    pub const D: u64 = 1 << 9;
    /// All four masks.
    pub const DAIF: u64 = D | A | I | F;
    /// Branch type.
    pub const BTYPE: u64 = 3 << 10;
    /// Speculative store bypass is safe.
    pub const SSBS: u64 = 1 << 12;
    /// Illegal execution state.
    pub const IL: u64 = 1 << 20;
    /// Software step.
    pub const SS: u64 = 1 << 21;
    /// Privileged access never.
    pub const PAN: u64 = 1 << 22;
    /// User access override.
    pub const UAO: u64 = 1 << 23;
    /// Data-independent timing.
    pub const DIT: u64 = 1 << 24;
    /// Condition flags.
    pub const NZCV: u64 = 0xf << 28;
}

/// SCTLR of each level.
pub mod sctlr {
    /// Translation.
    pub const M: u64 = 1;
    /// Alignment checks.
    pub const A: u64 = 1 << 1;
    /// SP alignment checks.
    pub const SA: u64 = 1 << 3;
    /// SP alignment checks at EL0.
    pub const SA0: u64 = 1 << 4;
    /// EL0 may restrict speculation.
    pub const EN_RCTX: u64 = 1 << 10;
    /// EL0's SCXTNUM traps.
    pub const TSCXT: u64 = 1 << 20;
    /// Memory copies and sets work at EL0.
    pub const MSCEN: u64 = 1 << 33;
    /// PAN covers what EL0 may only execute.
    pub const EPAN: u64 = 1 << 57;
    /// EL0's IMPLEMENTATION DEFINED accesses trap.
    pub const TIDCP: u64 = 1 << 63;
    /// EL0 may mask interrupts.
    pub const UMA: u64 = 1 << 9;
    /// Signing with key DB.
    pub const EN_DB: u64 = 1 << 13;
    /// EL0 may use DC ZVA.
    pub const DZE: u64 = 1 << 14;
    /// EL0 may read CTR.
    pub const UCT: u64 = 1 << 15;
    /// EL0's WFI does not trap.
    pub const NTWI: u64 = 1 << 16;
    /// EL0's WFE does not trap.
    pub const NTWE: u64 = 1 << 18;
    /// What is writable is not executable.
    pub const WXN: u64 = 1 << 19;
    /// PAN stays as it is on exceptions.
    pub const SPAN: u64 = 1 << 23;
    /// Big-endian data at EL0.
    pub const E0E: u64 = 1 << 24;
    /// Big-endian data and page tables.
    pub const EE: u64 = 1 << 25;
    /// EL0 may maintain caches.
    pub const UCI: u64 = 1 << 26;
    /// Signing with key DA.
    pub const EN_DA: u64 = 1 << 27;
    /// Signing with key IB.
    pub const EN_IB: u64 = 1 << 30;
    /// Signing with key IA.
    pub const EN_IA: u64 = 1 << 31;
    /// Branch target checks at EL0, and in regimes of a single level.
    pub const BT0: u64 = 1 << 35;
    /// Branch target checks at EL1.
    pub const BT1: u64 = 1 << 36;
    /// SSBS after an exception.
    pub const DSSBS: u64 = 1 << 44;
}

/// TCR of each level; fields of EL1 and of EL2 with E2H where nothing else is said.
pub mod tcr {
    /// Size offset of the low half.
    pub const T0SZ: u64 = 0x3f;
    /// No walks by TTBR0.
    pub const EPD0: u64 = 1 << 7;
    /// Granule of the low half.
    pub const TG0: u64 = 3 << 14;
    /// Size offset of the high half.
    pub const T1SZ: u64 = 0x3f << 16;
    /// The ASID is that of TTBR1.
    pub const A1: u64 = 1 << 22;
    /// No walks by TTBR1.
    pub const EPD1: u64 = 1 << 23;
    /// Granule of the high half.
    pub const TG1: u64 = 3 << 30;
    /// Physical address size.
    pub const IPS: u64 = 7 << 32;
    /// ASIDs of 16 bits.
    pub const AS: u64 = 1 << 36;
    /// The top byte of low addresses is ignored.
    pub const TBI0: u64 = 1 << 37;
    /// The top byte of high addresses is ignored.
    pub const TBI1: u64 = 1 << 38;
    /// Hardware sets the access flag.
    pub const HA: u64 = 1 << 39;
    /// Hardware manages dirty state.
    pub const HD: u64 = 1 << 40;
    /// Tables of the low half restrict nothing.
    pub const HPD0: u64 = 1 << 41;
    /// Tables of the high half restrict nothing.
    pub const HPD1: u64 = 1 << 42;
    /// The top byte of low addresses is ignored for data alone.
    pub const TBID0: u64 = 1 << 51;
    /// The top byte of high addresses is ignored for data alone.
    pub const TBID1: u64 = 1 << 52;
    /// Low addresses fault at EL0.
    pub const E0PD0: u64 = 1 << 55;
    /// High addresses fault at EL0.
    pub const E0PD1: u64 = 1 << 56;
    /// Physical address size, in regimes of a single half, and in VTCR.
    pub const PS: u64 = 7 << 16;
    /// The top byte is ignored, likewise.
    pub const TBI: u64 = 1 << 20;
    /// HA, likewise.
    pub const HA_SINGLE: u64 = 1 << 21;
    /// HD, likewise.
    pub const HD_SINGLE: u64 = 1 << 22;
    /// HPD, likewise.
    pub const HPD_SINGLE: u64 = 1 << 24;
    /// TBID, likewise.
    pub const TBID: u64 = 1 << 29;
    /// Start level, in VTCR.
    pub const SL0: u64 = 3 << 6;
    /// VMIDs of 16 bits, in VTCR.
    pub const VS: u64 = 1 << 19;
}

/// HCR_EL2.
pub mod hcr {
    /// Stage 2 translation.
    pub const VM: u64 = 1;
    /// Physical FIQs go to EL2.
    pub const FMO: u64 = 1 << 3;
    /// Physical IRQs go to EL2.
    pub const IMO: u64 = 1 << 4;
    /// SErrors go to EL2.
    pub const AMO: u64 = 1 << 5;
    /// A virtual FIQ is pending.
    pub const VF: u64 = 1 << 6;
    /// A virtual IRQ is pending.
    pub const VI: u64 = 1 << 7;
    /// A virtual SError is pending.
    pub const VSE: u64 = 1 << 8;
    /// Default cacheable: translation of EL1 is off, stage 2 on.
    pub const DC: u64 = 1 << 12;
    /// WFI traps.
    pub const TWI: u64 = 1 << 13;
    /// WFE traps.
    pub const TWE: u64 = 1 << 14;
    /// ID group 1 traps.
    pub const TID1: u64 = 1 << 16;
    /// ID group 2 traps.
    pub const TID2: u64 = 1 << 17;
    /// ID group 3 traps.
    pub const TID3: u64 = 1 << 18;
    /// SMC traps.
    pub const TSC: u64 = 1 << 19;
    /// IMPLEMENTATION DEFINED registers and operations trap.
    pub const TIDCP: u64 = 1 << 20;
    /// ACTLR traps.
    pub const TACR: u64 = 1 << 21;
    /// Set/way cache maintenance traps.
    pub const TSW: u64 = 1 << 22;
    /// Cache maintenance to the point of coherency traps.
    pub const TPCP: u64 = 1 << 23;
    /// Cache maintenance to the point of unification traps.
    pub const TPU: u64 = 1 << 24;
    /// TLB maintenance traps.
    pub const TTLB: u64 = 1 << 25;
    /// Writes of translation registers trap.
    pub const TVM: u64 = 1 << 26;
    /// General exceptions of EL0 go to EL2.
    pub const TGE: u64 = 1 << 27;
    /// DC ZVA traps.
    pub const TDZ: u64 = 1 << 28;
    /// HVC is UNDEFINED.
    pub const HCD: u64 = 1 << 29;
    /// Reads of translation registers trap.
    pub const TRVM: u64 = 1 << 30;
    /// EL1 is in AArch64.
    pub const RW: u64 = 1 << 31;
    /// EL2 is a host.
    pub const E2H: u64 = 1 << 34;
    /// Data caches are not used; nor instruction caches: stage 2 ignores both, as all caches are coherent here.
    pub const CD_ID: u64 = 3 << 32;
    /// Registers of limited ordering regions trap.
    pub const TLOR: u64 = 1 << 35;
    /// Registers of errors trap.
    pub const TERR: u64 = 1 << 36;
    /// Key registers do not trap.
    pub const APK: u64 = 1 << 40;
    /// Signing instructions do not trap.
    pub const API: u64 = 1 << 41;
    /// CCSIDR, CLIDR and CSSELR trap.
    pub const TID4: u64 = 1 << 49;
    /// IC IALLUIS traps.
    pub const TICAB: u64 = 1 << 50;
    /// Cache maintenance to the point of unification by one CPU traps.
    pub const TOCU: u64 = 1 << 52;
    /// SCXTNUM does not trap.
    pub const EN_SCXT: u64 = 1 << 53;
    /// TLB maintenance of the inner domain traps.
    pub const TTLBIS: u64 = 1 << 54;
    /// TLB maintenance of the outer domain traps.
    pub const TTLBOS: u64 = 1 << 55;
}

/// HCRX_EL2.
pub mod hcrx {
    /// Exceptions of memory copies and sets go to EL2.
    pub const MCE2: u64 = 1 << 10;
    /// Memory copies and sets work below EL2.
    pub const MSCEN: u64 = 1 << 11;
}

/// CNTHCTL_EL2.
pub mod cnthctl {
    /// CNTPOFF counts.
    pub const ECV: u64 = 1 << 12;
    /// The virtual timer traps.
    pub const EL1TVT: u64 = 1 << 13;
    /// The virtual counter traps.
    pub const EL1TVCT: u64 = 1 << 14;
}

/// SCR_EL3.
pub mod scr {
    /// Below EL3 it is Non-secure.
    pub const NS: u64 = 1;
    /// IRQs go to EL3.
    pub const IRQ: u64 = 1 << 1;
    /// FIQs go to EL3.
    pub const FIQ: u64 = 1 << 2;
    /// External aborts go to EL3.
    pub const EA: u64 = 1 << 3;
    /// SMC is UNDEFINED.
    pub const SMD: u64 = 1 << 7;
    /// HVC works.
    pub const HCE: u64 = 1 << 8;
    /// The next lower level is in AArch64.
    pub const RW: u64 = 1 << 10;
    /// Secure EL1 may use the secure timer.
    pub const ST: u64 = 1 << 11;
    /// WFI traps.
    pub const TWI: u64 = 1 << 12;
    /// WFE traps.
    pub const TWE: u64 = 1 << 13;
    /// Registers of limited ordering regions trap.
    pub const TLOR: u64 = 1 << 14;
    /// Registers of errors trap.
    pub const TERR: u64 = 1 << 15;
    /// Key registers do not trap.
    pub const APK: u64 = 1 << 16;
    /// Signing instructions do not trap.
    pub const API: u64 = 1 << 17;
    /// SCXTNUM does not trap.
    pub const EN_SCXT: u64 = 1 << 25;
    /// CNTPOFF does not trap.
    pub const ECV_EN: u64 = 1 << 28;
    /// HCRX_EL2 does not trap.
    pub const HX_EN: u64 = 1 << 38;
}

/// Exception classes, in bits 31:26 of a syndrome.
pub mod ec {
    /// Unknown: UNDEFINED instructions.
    pub const UNKNOWN: u64 = 0;
    /// WFI, WFE and their kin.
    pub const WAIT: u64 = 0x01;
    /// Floats.
    pub const FLOAT: u64 = 0x07;
    /// Pointer authentication.
    pub const PAUTH: u64 = 0x09;
    /// Branch target.
    pub const BTI: u64 = 0x0d;
    /// Illegal execution state.
    pub const ILLEGAL: u64 = 0x0e;
    /// SVC.
    pub const SVC: u64 = 0x15;
    /// HVC.
    pub const HVC: u64 = 0x16;
    /// SMC.
    pub const SMC: u64 = 0x17;
    /// MSR, MRS or a system instruction.
    pub const SYSTEM: u64 = 0x18;
    /// A failed authentication.
    pub const PAC_FAIL: u64 = 0x1c;
    /// An instruction abort from a lower level; one more from the same.
    pub const INSTRUCTION_ABORT: u64 = 0x20;
    /// PC alignment.
    pub const PC_ALIGNMENT: u64 = 0x22;
    /// A data abort from a lower level; one more from the same.
    pub const DATA_ABORT: u64 = 0x24;
    /// SP alignment.
    pub const SP_ALIGNMENT: u64 = 0x26;
    /// MOPS.
    pub const MOPS: u64 = 0x27;
    /// SError.
    pub const SERROR: u64 = 0x2f;
    /// A breakpoint, from a lower level; one more from the same.
    pub const BREAKPOINT: u64 = 0x30;
    /// Software step, likewise.
    pub const STEP: u64 = 0x32;
    /// A watchpoint, likewise.
    pub const WATCHPOINT: u64 = 0x34;
    /// BRK.
    pub const BRK: u64 = 0x3c;
}

/// Fault status codes.
pub mod fsc {
    /// Address size, plus the level.
    pub const ADDRESS_SIZE: u64 = 0x00;
    /// Translation, plus the level.
    pub const TRANSLATION: u64 = 0x04;
    /// Access flag, plus the level.
    pub const ACCESS_FLAG: u64 = 0x08;
    /// Permission, plus the level.
    pub const PERMISSION: u64 = 0x0c;
    /// Synchronous external abort.
    pub const EXTERNAL: u64 = 0x10;
    /// Synchronous external abort on a walk, plus the level.
    pub const EXTERNAL_WALK: u64 = 0x14;
    /// Alignment.
    pub const ALIGNMENT: u64 = 0x21;
}

/// Pins.
pub mod pin {
    /// Physical IRQ.
    pub const IRQ: u32 = 0;
    /// Physical FIQ.
    pub const FIQ: u32 = 1;
    /// Virtual IRQ.
    pub const VIRQ: u32 = 2;
    /// Virtual FIQ.
    pub const VFIQ: u32 = 3;
    /// Secure group 1 of a controller with two security states: IRQ or FIQ by the state that the CPU is in.
    pub const SIRQ: u32 = 4;
    /// Non-secure group 1 of such a controller.
    pub const NIRQ: u32 = 5;
    /// Another CPU executed SEV.
    pub const EVENT: u32 = 8;
}
