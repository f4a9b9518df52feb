// Branch targets: every kind of branch out of guarded and other pages to every kind of target in both.
        .include "common.inc"

        .equ    TABLES, RAM + 0x200000
        .equ    CODE, RAM + 0x300000
        .equ    ALIAS, 0x40000000               // the same memory, not guarded, is so much further up

main:   stp     x29, x30, [sp, #-16]!
        // By blocks of 1 GiB: flash and devices; memory, guarded; the same, not guarded.
        ldr     x0, =TABLES
        ldr     x1, =0x701
        str     x1, [x0]
        ldr     x1, =(0x40000701 | 1 << 50)
        str     x1, [x0, #8]
        ldr     x1, =0x40000701
        str     x1, [x0, #16]
        msr     ttbr0_el1, x0
        ldr     x1, =(25 | 1 << 23 | 2 << 32)
        msr     tcr_el1, x1
        mov     x1, #0xff
        msr     mair_el1, x1
        // The fragments go to memory.
        ldr     x0, =CODE
        adr     x1, fragments
        adr     x2, fragments_end
1:      ldr     w3, [x1], #4
        str     w3, [x0], #4
        cmp     x1, x2
        b.lo    1b
        dsb     sy
        ic      iallu
        tlbi    vmalle1
        dsb     sy
        isb
        mrs     x0, sctlr_el1
        orr     x0, x0, #1
        msr     sctlr_el1, x0
        isb
        bl      all
        line    "strict"
        mrs     x0, sctlr_el1
        orr     x0, x0, #(1 << 36)
        msr     sctlr_el1, x0
        isb
        bl      all
        ldp     x29, x30, [sp], #16
        ret

// x20: a branch; x21: a target, in turn with each other's page guarded or not.
all:    stp     x29, x30, [sp, #-16]!
        ldr     x19, =CODE
        mov     x20, #0
1:      mov     x21, #0
2:      bl      newline
        mov     x23, #0
3:      add     x9, x19, x20
        tst     x23, #1
        b.eq    4f
        ldr     x0, =ALIAS
        add     x9, x9, x0
4:      add     x0, x19, x21
        add     x0, x0, #(targets - branches)
        tst     x23, #2
        b.eq    5f
        ldr     x1, =ALIAS
        add     x0, x0, x1
5:      mov     x16, x0
        mov     x17, x0
        mov     x22, #7
        adr     x28, 6f
        mov     x30, x28
        mov     x29, #0
        ret     x9
6:      show    x22
        add     x23, x23, #1
        cmp     x23, #4
        b.ne    3b
        add     x21, x21, #12
        cmp     x21, #(targets_end - targets)
        b.ne    2b
        add     x20, x20, #8
        cmp     x20, #(targets - branches)
        b.ne    1b
        ldp     x29, x30, [sp], #16
        ret
        .ltorg

        .balign 16
fragments:
branches:
        br      x0
        nop
        br      x16
        nop
        br      x17
        nop
        blr     x0
        ret     x28
        b       fragments + 8                   // a direct branch to one by X16
        nop
        ret     x0
        nop
targets:
        .macro  target insn:vararg
        \insn
        mov     x22, #1
        ret
        .endm
        target  nop
        target  hint #32
        target  hint #34
        target  hint #36
        target  hint #38
        target  paciasp
        target  pacibsp
        target  autiasp
        target  brk #5
        target  hlt #5
        target  udf #5
        target  add x22, x22, #1
targets_end:
fragments_end:
        .ltorg
