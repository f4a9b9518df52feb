// What identifies the CPU: a register a line.
        .include "common.inc"

        .macro  tell name, register
        adr     x0, 7f
        bl      text
        b       8f
7:      .asciz  "\name "
        .balign 4
8:      mrs     x0, \register
        bl      print
        bl      newline
        .endm

        .macro  cache number
        mov     x0, #\number
        msr     csselr_el1, x0
        isb
        tell    CCSIDR\number, ccsidr_el1
        .endm

main:   stp     x29, x30, [sp, #-16]!
        tell    MIDR_EL1, midr_el1
        tell    MPIDR_EL1, mpidr_el1
        tell    REVIDR_EL1, revidr_el1
        tell    AIDR_EL1, aidr_el1
        tell    CTR_EL0, ctr_el0
        tell    DCZID_EL0, dczid_el0
        tell    CLIDR_EL1, clidr_el1
        cache   0
        cache   1
        cache   2
        cache   3
        tell    ID_AA64PFR0, s3_0_c0_c4_0
        tell    ID_AA64PFR1, s3_0_c0_c4_1
        tell    ID_AA64PFR2, s3_0_c0_c4_2
        tell    ID_AA64ZFR0, s3_0_c0_c4_4
        tell    ID_AA64SMFR0, s3_0_c0_c4_5
        tell    ID_AA64FPFR0, s3_0_c0_c4_7
        tell    ID_AA64DFR0, s3_0_c0_c5_0
        tell    ID_AA64DFR1, s3_0_c0_c5_1
        tell    ID_AA64AFR0, s3_0_c0_c5_4
        tell    ID_AA64AFR1, s3_0_c0_c5_5
        tell    ID_AA64ISAR0, s3_0_c0_c6_0
        tell    ID_AA64ISAR1, s3_0_c0_c6_1
        tell    ID_AA64ISAR2, s3_0_c0_c6_2
        tell    ID_AA64ISAR3, s3_0_c0_c6_3
        tell    ID_AA64MMFR0, s3_0_c0_c7_0
        tell    ID_AA64MMFR1, s3_0_c0_c7_1
        tell    ID_AA64MMFR2, s3_0_c0_c7_2
        tell    ID_AA64MMFR3, s3_0_c0_c7_3
        tell    ID_AA64MMFR4, s3_0_c0_c7_4
        tell    CNTFRQ_EL0, cntfrq_el0
        tell    PMCR_EL0, pmcr_el0
        tell    PMCEID0_EL0, pmceid0_el0
        tell    PMCEID1_EL0, pmceid1_el0
        ldp     x29, x30, [sp], #16
        ret
        .ltorg
