// System registers of features that have no file of their own.
        .include "common.inc"

main:   stp     x29, x30, [sp, #-16]!
        line    "speculation"
        put     scxtnum_el0, 0x123456789abcdef0
        put     scxtnum_el1, 0x123456789abcdef0
        mov     x0, #0
        try     cfp rctx, x0
        try     dvp rctx, x0
        try     cpp rctx, x0
        line    "errors"
        get     s3_0_c5_c3_0                    // ERRIDR_EL1
        put     s3_0_c12_c1_1, 0x81ffffff               // DISR_EL1
        try     esb
        line    "counters"
        mrs     x1, s3_3_c14_c0_5               // CNTPCTSS_EL0
        mrs     x2, s3_3_c14_c0_6               // CNTVCTSS_EL0
        put     cntkctl_el1, 0x203ff
        line    "floats"
        put     fpcr, 0x7c82000
        line    "outside of identification"
        get     s3_0_c0_c0_1
        get     s3_0_c0_c7_7
        get     s3_1_c0_c3_3
        get     s3_3_c0_c5_2
        get     s3_2_c0_c5_2
        line    "maintenance"
        .inst   0xd508971f                      // TLBI VMALLE1NXS
        dsb     synxs
        dgh
        line    "conditions"
        mov     x0, #0
        cmp     x0, #0
        bc.eq   1f
        mov     x0, #1
1:      bl      print
        mrs     x1, CurrentEL
        cmp     x1, #8
        b.ne    2f
        line    "hypervisor"
        put     cnthctl_el2, -1
        put     cnthctl_el2, 3
        put     s3_4_c14_c0_6, 0x123456789abcdef0 // CNTPOFF_EL2
        put     s3_4_c1_c2_2, 0xc00              // HCRX_EL2
        put     s3_4_c12_c1_1, 0x81ffffff        // VDISR_EL2
        put     s3_4_c5_c2_3, 0x1ffffff          // VSESR_EL2
        put     scxtnum_el2, 77
        get     mdcr_el2
2:      line    "users"
        adr     x28, 3f
        mrs     x1, CurrentEL
        cmp     x1, #8
        b.eq    3f
        msr     spsr_el1, xzr
        adr     x0, user
        msr     elr_el1, x0
        eret
3:      ldp     x29, x30, [sp], #16
        ret

user:   mrs     x0, id_aa64pfr0_el1
        .ltorg
