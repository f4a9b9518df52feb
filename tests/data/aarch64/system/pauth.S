// Pointer authentication: codes, what authentication makes of right and wrong ones, in several address sizes.
        .include "common.inc"

        .macro  key name, low, high
        ldr     x0, =\low
        msr     \name\()KeyLo_EL1, x0
        ldr     x0, =\high
        msr     \name\()KeyHi_EL1, x0
        .endm

        // Signs x20 with x21 by a key, shows the code, and authenticates it, a broken one, and the pointer itself.
        .macro  key_of letters
        mov     x22, x20
        pac\letters x22, x21
        show    x22
        mov     x23, x22
        try     aut\letters x23, x21
        show    x23
        eor     x23, x22, #(1 << 52)
        try     aut\letters x23, x21
        show    x23
        mov     x23, x20
        try     aut\letters x23, x21
        show    x23
        bl      newline
        .endm

main:   stp     x29, x30, [sp, #-16]!
        key     APIA, 0x84be85ce9804e94b, 0xec2802d4e0a488e9
        key     APIB, 0x0123456789abcdef, 0xfedcba9876543210
        key     APDA, 1, 0
        key     APDB, 0xffffffffffffffff, 0x8000000000000000
        key     APGA, 0x1122334455667788, 0x99aabbccddeeff00
        mrs     x0, sctlr_el1
        ldr     x1, =(3 << 30 | 1 << 27 | 1 << 13)
        orr     x0, x0, x1
        msr     sctlr_el1, x0
        adr     x19, controls
1:      ldr     x0, [x19], #8
        cmn     x0, #1
        b.eq    4f
        msr     tcr_el1, x0
        isb
        show    x0
        bl      newline
        adr     x18, pointers
2:      ldr     x20, [x18], #8
        cmn     x20, #1
        b.eq    1b
        mul     x21, x20, x20
        eor     x21, x21, x18
        key_of  ia
        key_of  ib
        key_of  da
        key_of  db
        pacga   x22, x20, x21
        show    x22
        mov     x22, x20
        xpaci   x22
        show    x22
        mov     x22, x20
        xpacd   x22
        show    x22
        // What also branches, with a wrong code.
        mov     x22, x20
        pacia   x22, x21
        eor     x22, x22, #(1 << 50)
        bl      newline
        try     blraa x22, x21
        bl      newline
        b       2b
4:      ldp     x29, x30, [sp], #16
        ret

        .balign 8
        // TCR_EL1: sizes of 48 and 39 bits; the top byte used, for data alone, ignored.
controls:
        .quad   16 | 16 << 16, 25 | 25 << 16, 16 | 16 << 16 | 3 << 37, 25 | 16 << 16 | 3 << 37 | 3 << 51, -1
pointers:
        .quad   0x0000000012345678, 0xffff000012345678, 0x1200000012345678, 0xab80000000345678, 0x007fff0000000008
        .quad   0xffffffffffffff00, -1
        .ltorg
