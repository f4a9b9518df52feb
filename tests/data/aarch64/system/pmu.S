// Performance monitors, less what depends on time.
        .include "common.inc"

main:   stp     x29, x30, [sp, #-16]!
        line    "identification"
        get     pmcr_el0
        get     pmceid0_el0
        get     pmceid1_el0
        get     pmmir_el1
        line    "masks"
        put     pmcntenset_el0, -1
        put     pmcntenclr_el0, 0x80000005
        put     pmintenset_el1, -1
        put     pmintenclr_el1, 0xf0000001
        put     pmovsset_el0, -1
        put     pmovsclr_el0, -1
        put     pmselr_el0, -1
        put     pmuserenr_el0, -1
        put     pmccfiltr_el0, -1
        put     pmevtyper0_el0, -1
        put     pmevtyper5_el0, -1
        put     pmevtyper6_el0, -1
        put     pmevcntr5_el0, 0x123456789abcdef0
        put     pmevcntr6_el0, 0x123456789abcdef0
        put     pmcntenclr_el0, -1
        put     pmcr_el0, 0xfffe
        line    "selected"
        put     pmselr_el0, 31
        put     pmxevtyper_el0, 0x88000011
        get     pmccfiltr_el0
        put     pmselr_el0, 2
        put     pmxevtyper_el0, 0x0
        get     pmevtyper2_el0
        put     pmxevcntr_el0, 0xfffffffd
        get     pmevcntr2_el0
        line    "software"
        put     pmcntenset_el0, 0xc
        put     pmcr_el0, 0x1
        mov     x0, #0xff
        try     msr pmswinc_el0, x0
        get     pmevcntr2_el0
        get     pmovsset_el0
        mov     x0, #0xff
        msr     pmswinc_el0, x0
        msr     pmswinc_el0, x0
        get     pmevcntr2_el0
        get     pmevcntr3_el0
        get     pmovsset_el0
        put     pmcr_el0, 0x3
        get     pmevcntr2_el0
        line    "64 bits"
        put     pmcr_el0, 0x81
        put     pmovsclr_el0, -1
        put     pmevcntr2_el0, 0xffffffff
        mov     x0, #4
        msr     pmswinc_el0, x0
        get     pmevcntr2_el0
        get     pmovsclr_el0
        put     pmevcntr2_el0, -1
        mov     x0, #4
        msr     pmswinc_el0, x0
        get     pmevcntr2_el0
        get     pmovsclr_el0
        line    "cycles"
        put     pmccfiltr_el0, 0
        put     pmcr_el0, 0x41
        put     pmevtyper1_el0, 0x11
        put     pmcntenset_el0, 0x80000002
        mov     x1, #1000
1:      subs    x1, x1, #1
        b.ne    1b
        mrs     x1, pmccntr_el0
        mrs     x2, pmevcntr1_el0
        cmp     x1, #0
        cset    x0, ne
        bl      print
        cmp     x2, #0
        cset    x0, ne
        bl      print
        ldr     x0, =-100
        msr     pmccntr_el0, x0
        ldr     x0, =0xffffff9c
        msr     pmevcntr1_el0, x0
        ldr     x1, =100000
2:      subs    x1, x1, #1
        b.ne    2b
        // Any write brings overflows up to date.
        mrs     x0, pmcr_el0
        msr     pmcr_el0, x0
        get     pmovsclr_el0
        ldp     x29, x30, [sp], #16
        ret
        .ltorg
