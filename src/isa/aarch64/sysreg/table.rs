//! The registers: a row each.

use super::super::features::Features;
use super::super::{counters, debug, interface, regs, timers, translation};
use super::rule::Rule::{self, *};
use super::slots;
use super::{SysReg, any, ignore, masked, plain, state, zero};

/// `op0 op1 CRn CRm op2 "NAME" SLOT read-level write-level [FEATURE] rule, read, write;` a row. A level of 4 is none.
macro_rules! registers {
    ($($op0:literal $op1:literal $crn:literal $crm:literal $op2:literal $name:literal $slot:ident
       $from:literal $to:literal [$needs:ident] $rule:expr, $read:expr, $write:expr;)*) => {
        &[$(SysReg {
            number: ($op0 << 14 | $op1 << 11 | $crn << 7 | $crm << 3 | $op2) as u16,
            name: $name,
            slot: registers!(slot $slot),
            read_level: $from,
            write_level: $to,
            needs: Features::$needs,
            rule: $rule,
            read: $read,
            write: $write,
        },)*]
    };
    (slot FPCR) => { regs::FPCR };
    (slot FPSR) => { regs::FPSR };
    (slot $slot:ident) => { slots::$slot };
}

const NONE: Rule = Rule::None;

/// The registers.
pub static REGISTERS: &[SysReg] = registers! {
    // Identification.
    3 0 0 0 0  "MIDR_EL1"         MIDR_EL1         1 4 [BASE] NONE, state::read_midr, ignore;
    3 0 0 0 5  "MPIDR_EL1"        MPIDR_EL1        1 4 [BASE] NONE, state::read_mpidr, ignore;
    3 0 0 0 6  "REVIDR_EL1"       REVIDR_EL1       1 4 [BASE] Id1, plain, ignore;
    3 0 0 4 0  "ID_AA64PFR0_EL1"  ID_AA64PFR0_EL1  1 4 [BASE] Id3, plain, ignore;
    3 0 0 4 1  "ID_AA64PFR1_EL1"  ID_AA64PFR1_EL1  1 4 [BASE] Id3, plain, ignore;
    3 0 0 5 0  "ID_AA64DFR0_EL1"  ID_AA64DFR0_EL1  1 4 [BASE] Id3, plain, ignore;
    3 0 0 5 1  "ID_AA64DFR1_EL1"  ID_AA64DFR1_EL1  1 4 [BASE] Id3, plain, ignore;
    3 0 0 6 0  "ID_AA64ISAR0_EL1" ID_AA64ISAR0_EL1 1 4 [BASE] Id3, plain, ignore;
    3 0 0 6 1  "ID_AA64ISAR1_EL1" ID_AA64ISAR1_EL1 1 4 [BASE] Id3, plain, ignore;
    3 0 0 6 2  "ID_AA64ISAR2_EL1" ID_AA64ISAR2_EL1 1 4 [BASE] Id3, plain, ignore;
    3 0 0 7 0  "ID_AA64MMFR0_EL1" ID_AA64MMFR0_EL1 1 4 [BASE] Id3, plain, ignore;
    3 0 0 7 1  "ID_AA64MMFR1_EL1" ID_AA64MMFR1_EL1 1 4 [BASE] Id3, plain, ignore;
    3 0 0 7 2  "ID_AA64MMFR2_EL1" ID_AA64MMFR2_EL1 1 4 [BASE] Id3, plain, ignore;
    3 0 0 7 3  "ID_AA64MMFR3_EL1" ID_AA64MMFR3_EL1 1 4 [BASE] Id3, plain, ignore;
    3 1 0 0 0  "CCSIDR_EL1"       ZERO             1 4 [BASE] Id2, state::read_ccsidr, ignore;
    3 1 0 0 1  "CLIDR_EL1"        CLIDR_EL1        1 4 [BASE] Id2, plain, ignore;
    3 1 0 0 7  "AIDR_EL1"         ZERO             1 4 [BASE] Id1, zero, ignore;
    3 2 0 0 0  "CSSELR_EL1"       CSSELR_EL1       1 1 [BASE] Id2, plain, masked::<0xf>;
    3 3 0 0 1  "CTR_EL0"          CTR_EL0          0 4 [BASE] CacheType, plain, ignore;
    3 3 0 0 7  "DCZID_EL0"        DCZID_EL0        0 4 [BASE] NONE, state::read_dczid, ignore;
    3 4 0 0 0  "VPIDR_EL2"        VPIDR_EL2        2 2 [EL2]  NONE, plain, masked::<0xffff_ffff>;
    3 4 0 0 5  "VMPIDR_EL2"       VMPIDR_EL2       2 2 [EL2]  NONE, plain, any;
    // PSTATE.
    3 0 4 2 0  "SPSel"            PSTATE           1 1 [BASE] NONE, state::read_spsel, state::write_spsel;
    3 0 4 2 2  "CurrentEL"        PSTATE           1 4 [BASE] NONE, state::read_current_el, ignore;
    3 0 4 2 3  "PAN"              PSTATE           1 1 [PAN]  NONE, state::read_pan, state::write_pan;
    3 0 4 2 4  "UAO"              PSTATE           1 1 [UAO]  NONE, state::read_uao, state::write_uao;
    3 3 4 2 0  "NZCV"             ZERO             0 0 [BASE] NONE, state::read_nzcv, state::write_nzcv;
    3 3 4 2 1  "DAIF"             PSTATE           0 0 [BASE] Masks, state::read_daif, state::write_daif;
    3 3 4 2 5  "DIT"              PSTATE           0 0 [DIT]  NONE, state::read_dit, state::write_dit;
    3 3 4 2 6  "SSBS"             PSTATE           0 0 [SSBS] NONE, state::read_ssbs, state::write_ssbs;
    3 3 4 4 0  "FPCR"             FPCR             0 0 [FP]   Float, plain, state::write_fpcr;
    3 3 4 4 1  "FPSR"             FPSR             0 0 [FP]   Float, state::read_fpsr, state::write_fpsr;
    // Exceptions.
    3 0 4 0 0  "SPSR_EL1"         SPSR_EL1         1 1 [BASE] NONE, plain, masked::<0xffff_ffff>;
    3 0 4 0 1  "ELR_EL1"          ELR_EL1          1 1 [BASE] NONE, plain, any;
    3 0 4 1 0  "SP_EL0"           SP_EL0           1 1 [BASE] Sp0, plain, any;
    3 4 4 1 0  "SP_EL1"           SP_EL1           2 2 [BASE] NONE, plain, any;
    3 6 4 1 0  "SP_EL2"           SP_EL2           3 3 [BASE] NONE, plain, any;
    3 4 4 0 0  "SPSR_EL2"         SPSR_EL2         2 2 [EL2]  NONE, plain, masked::<0xffff_ffff>;
    3 4 4 0 1  "ELR_EL2"          ELR_EL2          2 2 [EL2]  NONE, plain, any;
    3 6 4 0 0  "SPSR_EL3"         SPSR_EL3         3 3 [EL3]  NONE, plain, masked::<0xffff_ffff>;
    3 6 4 0 1  "ELR_EL3"          ELR_EL3          3 3 [EL3]  NONE, plain, any;
    3 4 4 3 0  "SPSR_irq"         SPSR_IRQ         2 2 [EL2]  NONE, plain, masked::<0xffff_ffff>;
    3 4 4 3 1  "SPSR_abt"         SPSR_ABT         2 2 [EL2]  NONE, plain, masked::<0xffff_ffff>;
    3 4 4 3 2  "SPSR_und"         SPSR_UND         2 2 [EL2]  NONE, plain, masked::<0xffff_ffff>;
    3 4 4 3 3  "SPSR_fiq"         SPSR_FIQ         2 2 [EL2]  NONE, plain, masked::<0xffff_ffff>;
    3 0 5 1 0  "AFSR0_EL1"        AFSR0_EL1        1 1 [BASE] Vm, zero, ignore;
    3 0 5 1 1  "AFSR1_EL1"        AFSR1_EL1        1 1 [BASE] Vm, zero, ignore;
    3 0 5 2 0  "ESR_EL1"          ESR_EL1          1 1 [BASE] Vm, plain, masked::<0xff_ffff_ffff>;
    3 0 5 3 0  "ERRIDR_EL1"       ZERO             1 4 [RAS]  Errors, zero, ignore;
    3 0 12 1 1 "DISR_EL1"         DISR_EL1         1 1 [RAS]  NONE, state::read_disr, state::write_disr;
    3 4 12 1 1 "VDISR_EL2"        VDISR_EL2        2 2 [RAS]  NONE, plain, masked::<0x81ff_ffff>;
    3 4 5 2 3  "VSESR_EL2"        VSESR_EL2        2 2 [RAS]  NONE, plain, masked::<0x1ff_ffff>;
    3 0 6 0 0  "FAR_EL1"          FAR_EL1          1 1 [BASE] Vm, plain, any;
    3 0 12 0 0 "VBAR_EL1"         VBAR_EL1         1 1 [BASE] NONE, plain, masked::<{ !0x7ff }>;
    3 0 12 0 1 "RVBAR_EL1"        ZERO             1 4 [BASE] ResetVector(1), zero, ignore;
    3 0 12 1 0 "ISR_EL1"          ZERO             1 4 [BASE] NONE, state::read_isr, ignore;
    3 4 5 1 0  "AFSR0_EL2"        AFSR0_EL2        2 2 [EL2]  NONE, zero, ignore;
    3 4 5 1 1  "AFSR1_EL2"        AFSR1_EL2        2 2 [EL2]  NONE, zero, ignore;
    3 4 5 2 0  "ESR_EL2"          ESR_EL2          2 2 [EL2]  NONE, plain, masked::<0xff_ffff_ffff>;
    3 4 6 0 0  "FAR_EL2"          FAR_EL2          2 2 [EL2]  NONE, plain, any;
    3 4 6 0 4  "HPFAR_EL2"        HPFAR_EL2        2 2 [EL2]  NONE, plain, masked::<0x8000_0fff_ffff_fff0>;
    3 4 12 0 0 "VBAR_EL2"         VBAR_EL2         2 2 [EL2]  NONE, plain, masked::<{ !0x7ff }>;
    3 4 12 0 1 "RVBAR_EL2"        ZERO             2 4 [EL2]  ResetVector(2), zero, ignore;
    3 6 5 1 0  "AFSR0_EL3"        AFSR0_EL3        3 3 [EL3]  NONE, zero, ignore;
    3 6 5 1 1  "AFSR1_EL3"        AFSR1_EL3        3 3 [EL3]  NONE, zero, ignore;
    3 6 5 2 0  "ESR_EL3"          ESR_EL3          3 3 [EL3]  NONE, plain, masked::<0xff_ffff_ffff>;
    3 6 6 0 0  "FAR_EL3"          FAR_EL3          3 3 [EL3]  NONE, plain, any;
    3 6 12 0 0 "VBAR_EL3"         VBAR_EL3         3 3 [EL3]  NONE, plain, masked::<{ !0x7ff }>;
    3 6 12 0 1 "RVBAR_EL3"        ZERO             3 4 [EL3]  NONE, zero, ignore;
    3 6 12 0 2 "RMR_EL3"          RMR              3 3 [EL3]  NONE, state::read_rmr, state::write_rmr;
    // Control and translation.
    3 0 1 0 0  "SCTLR_EL1"        SCTLR_EL1        1 1 [BASE] Vm, plain, translation::write_sctlr;
    3 0 1 0 1  "ACTLR_EL1"        ACTLR_EL1        1 1 [BASE] Actlr, zero, ignore;
    3 0 1 0 2  "CPACR_EL1"        CPACR_EL1        1 1 [BASE] Cpacr, plain, state::write_cpacr;
    3 0 2 0 0  "TTBR0_EL1"        TTBR0_EL1        1 1 [BASE] Vm, plain, translation::write_ttbr;
    3 0 2 0 1  "TTBR1_EL1"        TTBR1_EL1        1 1 [BASE] Vm, plain, translation::write_ttbr;
    3 0 2 0 2  "TCR_EL1"          TCR_EL1          1 1 [BASE] Vm, plain, translation::write_control;
    3 0 10 2 0 "MAIR_EL1"         MAIR_EL1         1 1 [BASE] Vm, plain, any;
    3 0 10 3 0 "AMAIR_EL1"        AMAIR_EL1        1 1 [BASE] Vm, zero, ignore;
    3 0 13 0 1 "CONTEXTIDR_EL1"   CONTEXTIDR_EL1   1 1 [BASE] Vm, plain, masked::<0xffff_ffff>;
    3 0 7 4 0  "PAR_EL1"          PAR_EL1          1 1 [BASE] NONE, plain, any;
    3 4 1 0 0  "SCTLR_EL2"        SCTLR_EL2        2 2 [EL2]  NONE, plain, translation::write_sctlr;
    3 4 1 0 1  "ACTLR_EL2"        ACTLR_EL2        2 2 [EL2]  NONE, zero, ignore;
    3 4 1 1 0  "HCR_EL2"          HCR_EL2          2 2 [EL2]  NONE, plain, state::write_hcr;
    3 4 1 1 1  "MDCR_EL2"         MDCR_EL2         2 2 [EL2]  NONE, plain, state::write_mdcr;
    3 4 1 2 2  "HCRX_EL2"         HCRX_EL2         2 2 [HCX]  Extended, plain, state::write_hcrx;
    3 4 1 1 2  "CPTR_EL2"         CPTR_EL2         2 2 [EL2]  Cptr, plain, state::write_cptr;
    3 4 1 1 3  "HSTR_EL2"         HSTR_EL2         2 2 [EL2]  NONE, plain, masked::<0xffff>;
    3 4 1 1 7  "HACR_EL2"         HACR_EL2         2 2 [EL2]  NONE, zero, ignore;
    3 4 2 0 0  "TTBR0_EL2"        TTBR0_EL2        2 2 [EL2]  NONE, plain, translation::write_ttbr;
    3 4 2 0 1  "TTBR1_EL2"        TTBR1_EL2        2 2 [VHE]  NONE, plain, translation::write_ttbr;
    3 4 2 0 2  "TCR_EL2"          TCR_EL2          2 2 [EL2]  NONE, plain, translation::write_control;
    3 4 2 1 0  "VTTBR_EL2"        VTTBR_EL2        2 2 [EL2]  NONE, plain, translation::write_ttbr;
    3 4 2 1 2  "VTCR_EL2"         VTCR_EL2         2 2 [EL2]  NONE, plain, translation::write_control;
    3 4 10 2 0 "MAIR_EL2"         MAIR_EL2         2 2 [EL2]  NONE, plain, any;
    3 4 10 3 0 "AMAIR_EL2"        AMAIR_EL2        2 2 [EL2]  NONE, zero, ignore;
    3 4 13 0 1 "CONTEXTIDR_EL2"   CONTEXTIDR_EL2   2 2 [VHE]  NONE, plain, masked::<0xffff_ffff>;
    3 6 1 0 0  "SCTLR_EL3"        SCTLR_EL3        3 3 [EL3]  NONE, plain, translation::write_sctlr;
    3 6 1 0 1  "ACTLR_EL3"        ACTLR_EL3        3 3 [EL3]  NONE, zero, ignore;
    3 6 1 1 0  "SCR_EL3"          SCR_EL3          3 3 [EL3]  NONE, plain, state::write_scr;
    3 6 1 1 1  "SDER32_EL3"       SDER32_EL3       3 3 [EL3]  NONE, zero, ignore;
    3 6 1 1 2  "CPTR_EL3"         CPTR_EL3         3 3 [EL3]  NONE, plain, state::write_cptr;
    3 6 1 3 1  "MDCR_EL3"         MDCR_EL3         3 3 [EL3]  NONE, plain, state::write_mdcr;
    3 6 2 0 0  "TTBR0_EL3"        TTBR0_EL3        3 3 [EL3]  NONE, plain, translation::write_ttbr;
    3 6 2 0 2  "TCR_EL3"          TCR_EL3          3 3 [EL3]  NONE, plain, translation::write_control;
    3 6 10 2 0 "MAIR_EL3"         MAIR_EL3         3 3 [EL3]  NONE, plain, any;
    3 6 10 3 0 "AMAIR_EL3"        AMAIR_EL3        3 3 [EL3]  NONE, zero, ignore;
    3 0 10 4 0 "LORSA_EL1"        LORSA_EL1        1 1 [LOR]  Regions, plain, any;
    3 0 10 4 1 "LOREA_EL1"        LOREA_EL1        1 1 [LOR]  Regions, plain, any;
    3 0 10 4 2 "LORN_EL1"         LORN_EL1         1 1 [LOR]  Regions, plain, any;
    3 0 10 4 3 "LORC_EL1"         LORC_EL1         1 1 [LOR]  Regions, plain, any;
    3 0 10 4 7 "LORID_EL1"        ZERO             1 4 [LOR]  RegionsId, zero, ignore;
    // Threads and keys.
    3 3 13 0 2 "TPIDR_EL0"        TPIDR_EL0        0 0 [BASE] NONE, plain, any;
    3 3 13 0 3 "TPIDRRO_EL0"      TPIDRRO_EL0      0 1 [BASE] NONE, plain, any;
    3 0 13 0 4 "TPIDR_EL1"        TPIDR_EL1        1 1 [BASE] NONE, plain, any;
    3 4 13 0 2 "TPIDR_EL2"        TPIDR_EL2        2 2 [EL2]  NONE, plain, any;
    3 6 13 0 2 "TPIDR_EL3"        TPIDR_EL3        3 3 [EL3]  NONE, plain, any;
    3 3 13 0 7 "SCXTNUM_EL0"      SCXTNUM_EL0      0 0 [CSV2_2] Speculation, plain, any;
    3 0 13 0 7 "SCXTNUM_EL1"      SCXTNUM_EL1      1 1 [CSV2_2] Speculation, plain, any;
    3 4 13 0 7 "SCXTNUM_EL2"      SCXTNUM_EL2      2 2 [CSV2_2] Speculation, plain, any;
    3 6 13 0 7 "SCXTNUM_EL3"      SCXTNUM_EL3      3 3 [CSV2_2] NONE, plain, any;
    3 0 2 1 0  "APIAKeyLo_EL1"    APIA_LO          1 1 [PAUTH] Keys, plain, any;
    3 0 2 1 1  "APIAKeyHi_EL1"    APIA_HI          1 1 [PAUTH] Keys, plain, any;
    3 0 2 1 2  "APIBKeyLo_EL1"    APIB_LO          1 1 [PAUTH] Keys, plain, any;
    3 0 2 1 3  "APIBKeyHi_EL1"    APIB_HI          1 1 [PAUTH] Keys, plain, any;
    3 0 2 2 0  "APDAKeyLo_EL1"    APDA_LO          1 1 [PAUTH] Keys, plain, any;
    3 0 2 2 1  "APDAKeyHi_EL1"    APDA_HI          1 1 [PAUTH] Keys, plain, any;
    3 0 2 2 2  "APDBKeyLo_EL1"    APDB_LO          1 1 [PAUTH] Keys, plain, any;
    3 0 2 2 3  "APDBKeyHi_EL1"    APDB_HI          1 1 [PAUTH] Keys, plain, any;
    3 0 2 3 0  "APGAKeyLo_EL1"    APGA_LO          1 1 [PAUTH] Keys, plain, any;
    3 0 2 3 1  "APGAKeyHi_EL1"    APGA_HI          1 1 [PAUTH] Keys, plain, any;
    3 3 2 4 0  "RNDR"             RNG              0 4 [RNG]  NONE, state::read_random, ignore;
    3 3 2 4 1  "RNDRRS"           RNG              0 4 [RNG]  NONE, state::read_random, ignore;
    // Generic timer.
    3 3 14 0 0 "CNTFRQ_EL0"       CNTFRQ_EL0       0 1 [BASE] Frequency, plain, masked::<0xffff_ffff>;
    3 3 14 0 1 "CNTPCT_EL0"       ZERO             0 4 [BASE] PhysicalCounter, timers::read_physical_count, ignore;
    3 3 14 0 2 "CNTVCT_EL0"       ZERO             0 4 [BASE] VirtualCounter, timers::read_virtual_count, ignore;
    3 3 14 0 5 "CNTPCTSS_EL0"     ZERO             0 4 [ECV]  PhysicalCounter, timers::read_physical_count, ignore;
    3 3 14 0 6 "CNTVCTSS_EL0"     ZERO             0 4 [ECV]  VirtualCounter, timers::read_virtual_count, ignore;
    3 4 14 0 6 "CNTPOFF_EL2"      CNTPOFF_EL2      2 2 [ECV_POFF] PhysicalOffset, plain, timers::write_offset;
    3 0 14 1 0 "CNTKCTL_EL1"      CNTKCTL_EL1      1 1 [BASE] NONE, plain, timers::write_kernel_control;
    3 4 14 1 0 "CNTHCTL_EL2"      CNTHCTL_EL2      2 2 [EL2]  NONE, plain, timers::write_hypervisor_control;
    3 4 14 0 3 "CNTVOFF_EL2"      CNTVOFF_EL2      2 2 [EL2]  NONE, plain, timers::write_offset;
    3 3 14 2 0 "CNTP_TVAL_EL0"    CNTP_CVAL        0 0 [BASE] PhysicalTimer, timers::read_value, timers::write_value;
    3 3 14 2 1 "CNTP_CTL_EL0"     CNTP_CTL         0 0 [BASE] PhysicalTimer, timers::read_control, timers::write_control;
    3 3 14 2 2 "CNTP_CVAL_EL0"    CNTP_CVAL        0 0 [BASE] PhysicalTimer, plain, timers::write_compare;
    3 3 14 3 0 "CNTV_TVAL_EL0"    CNTV_CVAL        0 0 [BASE] VirtualTimer, timers::read_value, timers::write_value;
    3 3 14 3 1 "CNTV_CTL_EL0"     CNTV_CTL         0 0 [BASE] VirtualTimer, timers::read_control, timers::write_control;
    3 3 14 3 2 "CNTV_CVAL_EL0"    CNTV_CVAL        0 0 [BASE] VirtualTimer, plain, timers::write_compare;
    3 4 14 2 0 "CNTHP_TVAL_EL2"   CNTHP_CVAL       2 2 [EL2]  NONE, timers::read_value, timers::write_value;
    3 4 14 2 1 "CNTHP_CTL_EL2"    CNTHP_CTL        2 2 [EL2]  NONE, timers::read_control, timers::write_control;
    3 4 14 2 2 "CNTHP_CVAL_EL2"   CNTHP_CVAL       2 2 [EL2]  NONE, plain, timers::write_compare;
    3 4 14 3 0 "CNTHV_TVAL_EL2"   CNTHV_CVAL       2 2 [VHE]  NONE, timers::read_value, timers::write_value;
    3 4 14 3 1 "CNTHV_CTL_EL2"    CNTHV_CTL        2 2 [VHE]  NONE, timers::read_control, timers::write_control;
    3 4 14 3 2 "CNTHV_CVAL_EL2"   CNTHV_CVAL       2 2 [VHE]  NONE, plain, timers::write_compare;
    3 7 14 2 0 "CNTPS_TVAL_EL1"   CNTPS_CVAL       1 1 [EL3]  SecureTimer, timers::read_value, timers::write_value;
    3 7 14 2 1 "CNTPS_CTL_EL1"    CNTPS_CTL        1 1 [EL3]  SecureTimer, timers::read_control, timers::write_control;
    3 7 14 2 2 "CNTPS_CVAL_EL1"   CNTPS_CVAL       1 1 [EL3]  SecureTimer, plain, timers::write_compare;
    // Performance monitors.
    3 3 9 12 0 "PMCR_EL0"         PMCR             0 0 [PMUV3] Pmu, counters::read_pmcr, counters::write_pmcr;
    3 3 9 12 1 "PMCNTENSET_EL0"   PMCNTEN          0 0 [PMUV3] Pmu, plain, counters::set_bits;
    3 3 9 12 2 "PMCNTENCLR_EL0"   PMCNTEN          0 0 [PMUV3] Pmu, plain, counters::clear_bits;
    3 3 9 12 3 "PMOVSCLR_EL0"     PMOVS            0 0 [PMUV3] Pmu, counters::read_overflow, counters::clear_bits;
    3 3 9 12 4 "PMSWINC_EL0"      ZERO             4 0 [PMUV3] PmuSoftware, zero, counters::increment;
    3 3 9 12 5 "PMSELR_EL0"       PMSELR           0 0 [PMUV3] PmuEvent, plain, masked::<0x1f>;
    3 3 9 12 6 "PMCEID0_EL0"      ZERO             0 4 [PMUV3] Pmu, counters::read_events, ignore;
    3 3 9 12 7 "PMCEID1_EL0"      ZERO             0 4 [PMUV3] Pmu, counters::read_events, ignore;
    3 3 9 13 0 "PMCCNTR_EL0"      PMCCNTR          0 0 [PMUV3] PmuCycle, counters::read_counter, counters::write_counter;
    3 3 9 13 1 "PMXEVTYPER_EL0"   PMCCFILTR        0 0 [PMUV3] Pmu, counters::read_selected_type, counters::write_selected_type;
    3 3 9 13 2 "PMXEVCNTR_EL0"    ZERO             0 0 [PMUV3] PmuCounter, counters::read_selected, counters::write_selected;
    3 0 9 14 6 "PMMIR_EL1"        ZERO             1 4 [PMUV3P4] Pmu, zero, ignore;
    3 3 9 14 0 "PMUSERENR_EL0"    PMUSERENR        0 1 [PMUV3] PmuUser, plain, masked::<0xf>;
    3 0 9 14 1 "PMINTENSET_EL1"   PMINTEN          1 1 [PMUV3] Pmu, plain, counters::set_bits;
    3 0 9 14 2 "PMINTENCLR_EL1"   PMINTEN          1 1 [PMUV3] Pmu, plain, counters::clear_bits;
    3 3 9 14 3 "PMOVSSET_EL0"     PMOVS            0 0 [PMUV3] Pmu, counters::read_overflow, counters::set_bits;
    3 3 14 15 7 "PMCCFILTR_EL0"   PMCCFILTR        0 0 [PMUV3] Pmu, plain, counters::write_cycle_filter;
    // Debug.
    2 0 0 0 2  "OSDTRRX_EL1"      OSDTRRX_EL1      1 1 [BASE] Debug, plain, masked::<0xffff_ffff>;
    2 0 0 2 0  "MDCCINT_EL1"      MDCCINT_EL1      1 1 [BASE] Debug, plain, masked::<0x6000_0000>;
    2 0 0 2 2  "MDSCR_EL1"        MDSCR_EL1        1 1 [BASE] Debug, plain, debug::write_mdscr;
    2 0 0 3 2  "OSDTRTX_EL1"      OSDTRTX_EL1      1 1 [BASE] Debug, plain, masked::<0xffff_ffff>;
    2 0 0 6 2  "OSECCR_EL1"       OSECCR_EL1       1 1 [BASE] Debug, plain, masked::<0xffff_ffff>;
    2 3 0 1 0  "MDCCSR_EL0"       ZERO             0 4 [BASE] DebugChannel, zero, ignore;
    2 3 0 4 0  "DBGDTR_EL0"       ZERO             0 0 [BASE] DebugChannel, zero, ignore;
    2 3 0 5 0  "DBGDTRRX_EL0"     ZERO             0 0 [BASE] DebugChannel, zero, ignore;
    2 4 0 7 0  "DBGVCR32_EL2"     DBGVCR32_EL2     2 2 [EL2]  NONE, plain, masked::<0xffff_ffff>;
    2 0 1 0 0  "MDRAR_EL1"        ZERO             1 4 [BASE] DebugRom, zero, ignore;
    2 0 1 0 4  "OSLAR_EL1"        OSLSR_EL1        4 1 [BASE] DebugOs, zero, state::write_oslar;
    2 0 1 1 4  "OSLSR_EL1"        OSLSR_EL1        1 4 [BASE] DebugOs, plain, ignore;
    2 0 1 3 4  "OSDLR_EL1"        OSDLR_EL1        1 1 [BASE] DebugOs, plain, masked::<1>;
    2 0 1 4 4  "DBGPRCR_EL1"      DBGPRCR_EL1      1 1 [BASE] DebugOs, plain, masked::<1>;
    2 0 7 8 6  "DBGCLAIMSET_EL1"  DBGCLAIM         1 1 [BASE] Debug, state::read_claims, state::set_claims;
    2 0 7 9 6  "DBGCLAIMCLR_EL1"  DBGCLAIM         1 1 [BASE] Debug, plain, state::clear_claims;
    2 0 7 14 6 "DBGAUTHSTATUS_EL1" ZERO            1 4 [BASE] Debug, zero, ignore;
    2 0 0 0 4  "DBGBVR0_EL1"      DBGBVR0          1 1 [BASE] Debug, plain, debug::write_point::<{ u64::MAX }>;
    2 0 0 1 4  "DBGBVR1_EL1"      DBGBVR1          1 1 [BASE] Debug, plain, debug::write_point::<{ u64::MAX }>;
    2 0 0 2 4  "DBGBVR2_EL1"      DBGBVR2          1 1 [BASE] Debug, plain, debug::write_point::<{ u64::MAX }>;
    2 0 0 3 4  "DBGBVR3_EL1"      DBGBVR3          1 1 [BASE] Debug, plain, debug::write_point::<{ u64::MAX }>;
    2 0 0 4 4  "DBGBVR4_EL1"      DBGBVR4          1 1 [BASE] Debug, plain, debug::write_point::<{ u64::MAX }>;
    2 0 0 5 4  "DBGBVR5_EL1"      DBGBVR5          1 1 [BASE] Debug, plain, debug::write_point::<{ u64::MAX }>;
    2 0 0 0 5  "DBGBCR0_EL1"      DBGBCR0          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 1 5  "DBGBCR1_EL1"      DBGBCR1          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 2 5  "DBGBCR2_EL1"      DBGBCR2          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 3 5  "DBGBCR3_EL1"      DBGBCR3          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 4 5  "DBGBCR4_EL1"      DBGBCR4          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 5 5  "DBGBCR5_EL1"      DBGBCR5          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 0 6  "DBGWVR0_EL1"      DBGWVR0          1 1 [BASE] Debug, plain, debug::write_point::<{ !3 }>;
    2 0 0 1 6  "DBGWVR1_EL1"      DBGWVR1          1 1 [BASE] Debug, plain, debug::write_point::<{ !3 }>;
    2 0 0 2 6  "DBGWVR2_EL1"      DBGWVR2          1 1 [BASE] Debug, plain, debug::write_point::<{ !3 }>;
    2 0 0 3 6  "DBGWVR3_EL1"      DBGWVR3          1 1 [BASE] Debug, plain, debug::write_point::<{ !3 }>;
    2 0 0 0 7  "DBGWCR0_EL1"      DBGWCR0          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 1 7  "DBGWCR1_EL1"      DBGWCR1          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 2 7  "DBGWCR2_EL1"      DBGWCR2          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    2 0 0 3 7  "DBGWCR3_EL1"      DBGWCR3          1 1 [BASE] Debug, plain, debug::write_point::<0xffff_ffff>;
    // GIC CPU interface: what the controller does not hold.
    3 0 12 12 5 "ICC_SRE_EL1"     ZERO             1 1 [BASE] GicEnable, interface::read_sre, ignore;
    3 4 12 9 5  "ICC_SRE_EL2"     ZERO             2 2 [EL2]  GicEnable, interface::read_sre, ignore;
    3 6 12 12 5 "ICC_SRE_EL3"     ZERO             3 3 [EL3]  GicEnable, interface::read_sre, ignore;
};

/// Whether a family holds a number.
type Holds = fn(u16) -> bool;

/// Registers of which there are several, or that are nobody's: matched by part of the number, after the others.
pub static FAMILIES: &[(Holds, SysReg)] = &[
    (interface::is_group0, family("ICC (group 0)", 1, 1, GicGroup0, interface::read, interface::write)),
    (interface::is_group1, family("ICC (group 1)", 1, 1, GicGroup1, interface::read, interface::write)),
    (interface::is_sgi, family("ICC_SGI", 4, 1, GicSgi, interface::read, interface::write)),
    (interface::is_common, family("ICC (common)", 1, 1, GicCommon, interface::read, interface::write)),
    (interface::is_hypervisor, family("ICH", 2, 2, GicHypervisor, interface::read, interface::write)),
    (interface::is_monitor, family("ICC (EL3)", 3, 3, GicMonitor, interface::read, interface::write)),
    (
        counters::is_counter,
        family("PMEVCNTR", 0, 0, PmuCounter, counters::read_numbered, counters::write_numbered)
            .needing(Features::PMUV3),
    ),
    (
        counters::is_type,
        family("PMEVTYPER", 0, 0, Pmu, counters::read_numbered_type, counters::write_numbered_type)
            .needing(Features::PMUV3),
    ),
    (state::is_reserved_id, family("reserved ID register", 1, 4, Id3, zero, ignore)),
    (state::is_implementation_defined, family("IMPLEMENTATION DEFINED", 1, 1, Own, state::read_own, state::write_own)),
];

const fn family(
    name: &'static str,
    read_level: u8,
    write_level: u8,
    rule: Rule,
    read: super::Read,
    write: super::Write,
) -> SysReg {
    SysReg { number: 0, name, slot: slots::ZERO, read_level, write_level, needs: Features::BASE, rule, read, write }
}

impl SysReg {
    const fn needing(self, needs: Features) -> SysReg {
        SysReg { needs, ..self }
    }
}

/// The register that an EL1 number means at EL2 with E2H set: pairs of slots are too little, for the numbers count.
pub static REDIRECTED: &[(u16, u16)] = &[
    (number(3, 0, 1, 0, 0), number(3, 4, 1, 0, 0)),   // SCTLR
    (number(3, 0, 1, 0, 2), number(3, 4, 1, 1, 2)),   // CPACR, CPTR
    (number(3, 0, 2, 0, 0), number(3, 4, 2, 0, 0)),   // TTBR0
    (number(3, 0, 2, 0, 1), number(3, 4, 2, 0, 1)),   // TTBR1
    (number(3, 0, 2, 0, 2), number(3, 4, 2, 0, 2)),   // TCR
    (number(3, 0, 4, 0, 0), number(3, 4, 4, 0, 0)),   // SPSR
    (number(3, 0, 4, 0, 1), number(3, 4, 4, 0, 1)),   // ELR
    (number(3, 0, 5, 1, 0), number(3, 4, 5, 1, 0)),   // AFSR0
    (number(3, 0, 5, 1, 1), number(3, 4, 5, 1, 1)),   // AFSR1
    (number(3, 0, 5, 2, 0), number(3, 4, 5, 2, 0)),   // ESR
    (number(3, 0, 6, 0, 0), number(3, 4, 6, 0, 0)),   // FAR
    (number(3, 0, 10, 2, 0), number(3, 4, 10, 2, 0)), // MAIR
    (number(3, 0, 10, 3, 0), number(3, 4, 10, 3, 0)), // AMAIR
    (number(3, 0, 12, 0, 0), number(3, 4, 12, 0, 0)), // VBAR
    (number(3, 0, 13, 0, 1), number(3, 4, 13, 0, 1)), // CONTEXTIDR
    (number(3, 0, 13, 0, 7), number(3, 4, 13, 0, 7)), // SCXTNUM
    (number(3, 0, 14, 1, 0), number(3, 4, 14, 1, 0)), // CNTKCTL, CNTHCTL
    (number(3, 3, 14, 2, 0), number(3, 4, 14, 2, 0)), // CNTP_TVAL
    (number(3, 3, 14, 2, 1), number(3, 4, 14, 2, 1)), // CNTP_CTL
    (number(3, 3, 14, 2, 2), number(3, 4, 14, 2, 2)), // CNTP_CVAL
    (number(3, 3, 14, 3, 0), number(3, 4, 14, 3, 0)), // CNTV_TVAL
    (number(3, 3, 14, 3, 1), number(3, 4, 14, 3, 1)), // CNTV_CTL
    (number(3, 3, 14, 3, 2), number(3, 4, 14, 3, 2)), // CNTV_CVAL
];

/// A register's number.
pub const fn number(op0: u16, op1: u16, crn: u16, crm: u16, op2: u16) -> u16 {
    op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
}

/// The slot of the row with this name; for tests and debuggers.
pub fn named(name: &str) -> Option<&'static SysReg> {
    REGISTERS.iter().find(|register| register.name == name)
}
