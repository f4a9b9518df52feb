//! Where system registers are.

use super::super::regs::FIRST_SYSREG;
use crate::ir::Slot;

/// Numbers slots in order.
macro_rules! slots {
    ($($(#[$meta:meta])* $name:ident)*) => {
        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "numbers the constants of these names")]
        enum Order { $($name,)* END }
        $(
            #[doc = concat!("Slot of `", stringify!($name), "`.")]
            $(#[$meta])*
            pub const $name: Slot = Slot(FIRST_SYSREG + Order::$name as u16);
        )*
        /// How many slots there are in all.
        pub const SLOTS: usize = FIRST_SYSREG as usize + Order::END as usize;
    };
}

slots! {
    /// PSTATE as an SPSR has it, less NZCV and BTYPE.
    PSTATE
    /// The event register of WFE.
    EVENT
    /// When WFIT ends, in ticks; 0 without an end.
    WAIT_END
    /// Whether an interrupt line was up, masked or not, when interrupts were last looked at.
    INTERRUPT_WAITS
    /// Whether the access that is made now is one of LDTR and its kin.
    USER_ACCESS
    /// What HPFAR_EL2 becomes when the fault is taken.
    FAULT_IPA
    /// How the last instruction was stepped: 0 not, 1 any other, 2 a load-exclusive.
    STEPPED
    /// A register that is zero.
    ZERO
    SP_EL0 SP_EL1 SP_EL2 SP_EL3
    ELR_EL1 ELR_EL2 ELR_EL3 SPSR_EL1 SPSR_EL2 SPSR_EL3
    SPSR_IRQ SPSR_ABT SPSR_UND SPSR_FIQ
    SCTLR_EL1 SCTLR_EL2 SCTLR_EL3 ACTLR_EL1 ACTLR_EL2 ACTLR_EL3
    CPACR_EL1 CPTR_EL2 CPTR_EL3
    TTBR0_EL1 TTBR1_EL1 TTBR0_EL2 TTBR1_EL2 TTBR0_EL3
    TCR_EL1 TCR_EL2 TCR_EL3 MAIR_EL1 MAIR_EL2 MAIR_EL3 AMAIR_EL1 AMAIR_EL2 AMAIR_EL3
    ESR_EL1 ESR_EL2 ESR_EL3 FAR_EL1 FAR_EL2 FAR_EL3 HPFAR_EL2
    AFSR0_EL1 AFSR1_EL1 AFSR0_EL2 AFSR1_EL2 AFSR0_EL3 AFSR1_EL3
    VBAR_EL1 VBAR_EL2 VBAR_EL3
    CONTEXTIDR_EL1 CONTEXTIDR_EL2
    TPIDR_EL0 TPIDRRO_EL0 TPIDR_EL1 TPIDR_EL2 TPIDR_EL3
    PAR_EL1 CSSELR_EL1 RNG
    HCR_EL2 HSTR_EL2 HACR_EL2 MDCR_EL2 VTTBR_EL2 VTCR_EL2 VPIDR_EL2 VMPIDR_EL2
    SCR_EL3 MDCR_EL3 SDER32_EL3 RMR
    LORC_EL1 LORSA_EL1 LOREA_EL1 LORN_EL1
    APIA_LO APIA_HI APIB_LO APIB_HI APDA_LO APDA_HI APDB_LO APDB_HI APGA_LO APGA_HI
    CNTFRQ_EL0 CNTKCTL_EL1 CNTHCTL_EL2 CNTVOFF_EL2
    CNTP_CTL CNTP_CVAL CNTV_CTL CNTV_CVAL CNTHP_CTL CNTHP_CVAL CNTHV_CTL CNTHV_CVAL CNTPS_CTL CNTPS_CVAL
    PMCR PMCNTEN PMOVS PMSELR PMUSERENR PMINTEN PMCCFILTR
    /// What is added to guest time in nanoseconds for PMCCNTR; while the counter stands still, its value.
    PMCCNTR
    /// When the cycle counter overflows, in nanoseconds of guest time; 0 when it does not.
    OVERFLOW_AT
    MDSCR_EL1 MDCCINT_EL1 OSDTRRX_EL1 OSDTRTX_EL1 OSECCR_EL1 OSLSR_EL1 OSDLR_EL1 DBGPRCR_EL1 DBGCLAIM DBGVCR32_EL2
    DBGBVR0 DBGBVR1 DBGBVR2 DBGBVR3 DBGBVR4 DBGBVR5 DBGBCR0 DBGBCR1 DBGBCR2 DBGBCR3 DBGBCR4 DBGBCR5
    DBGWVR0 DBGWVR1 DBGWVR2 DBGWVR3 DBGWCR0 DBGWCR1 DBGWCR2 DBGWCR3
    MIDR_EL1 MPIDR_EL1 REVIDR_EL1 CTR_EL0 DCZID_EL0 CLIDR_EL1
    ID_AA64PFR0_EL1 ID_AA64PFR1_EL1 ID_AA64DFR0_EL1 ID_AA64DFR1_EL1
    ID_AA64ISAR0_EL1 ID_AA64ISAR1_EL1 ID_AA64ISAR2_EL1
    ID_AA64MMFR0_EL1 ID_AA64MMFR1_EL1 ID_AA64MMFR2_EL1
}
