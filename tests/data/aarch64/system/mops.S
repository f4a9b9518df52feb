// Memory copies and sets: what they leave in registers and memory, and how they refuse.
        .include "common.inc"

        .equ    BUFFER, RAM + 0x200000

        // x9, x10, x11: destination, source and size of a copy, which is shown with a sum over the memory.
        .macro  copy kind
        cpy\kind\()p [x9]!, [x10]!, x11!
        cpy\kind\()m [x9]!, [x10]!, x11!
        cpy\kind\()e [x9]!, [x10]!, x11!
        bl      shown
        .endm

        .macro  with to, from, size
        bl      fill
        ldr     x9, =BUFFER + \to
        ldr     x10, =BUFFER + \from
        ldr     x11, =\size
        .endm

        // The main part or the epilogue alone, with the flag C and a size.
        .macro  alone flags, size, insn:vararg
        bl      fill
        ldr     x9, =BUFFER + 0x8000
        ldr     x10, =BUFFER + 0x8000
        ldr     x11, =\size
        mov     x0, #(\flags << 28)
        msr     nzcv, x0
        try     \insn
        bl      shown
        .endm

main:   stp     x29, x30, [sp, #-16]!
        line    "copies"
        with    0x1000, 0x3000, 0
        copy
        with    0x1001, 0x3003, 1
        copy
        with    0x1ff3, 0x3005, 0x2345
        copy
        with    0x1100, 0x1003, 0x333
        copy
        with    0x1003, 0x1100, 0x333
        copy
        with    0x1100, 0x1003, 0x5000
        copy
        line    "forward"
        with    0x1000, 0x8003, 0x5001
        copy    f
        with    0x1003, 0x1100, 0x333
        copy    f
        line    "without privilege"
        with    0x1000, 0x8003, 0x501
        cpypt   [x9]!, [x10]!, x11!
        cpymt   [x9]!, [x10]!, x11!
        cpyet   [x9]!, [x10]!, x11!
        bl      shown
        line    "sets"
        with    0x1003, 0x5a, 0
        bl      set
        with    0x1003, 0x5b, 0x1235
        bl      set
        line    "refused"
        alone   2, -64, cpyfm [x9]!, [x10]!, x11!
        alone   2, -64, cpyfe [x9]!, [x10]!, x11!
        alone   2, 64, cpym [x9]!, [x10]!, x11!
        alone   2, -64, setm [x9]!, x11!, x10
        alone   2, -64, sete [x9]!, x11!, x10
        alone   2, -64, setmtn [x9]!, x11!, x10
        alone   2, -64, cpyfmrtwn [x9]!, [x10]!, x11!
        alone   0, -0x1000, cpyfe [x9]!, [x10]!, x11!
        alone   0, -0x1000, sete [x9]!, x11!, x10
        alone   0, 0x1000, cpye [x9]!, [x10]!, x11!
        line    "alone"
        alone   0, -0xfff, cpyfe [x9]!, [x10]!, x11!
        alone   0, -0xfff, sete [x9]!, x11!, x10
        ldp     x29, x30, [sp], #16
        ret

set:    setp    [x9]!, x11!, x10
        setm    [x9]!, x11!, x10
        sete    [x9]!, x11!, x10
        b       shown

        // 64 KiB of numbers.
fill:   ldr     x0, =BUFFER
        mov     x1, #0x4000
        mov     w2, #1
        mov     w3, #0x6d2b
1:      madd    w2, w2, w3, w1
        str     w2, [x0], #4
        subs    x1, x1, #1
        b.ne    1b
        ret

shown:  stp     x29, x30, [sp, #-16]!
        mrs     x12, nzcv
        show    x9
        show    x10
        show    x11
        show    x12
        ldr     x1, =BUFFER
        mov     x2, #0x2000
        mov     x0, #0
        mov     x3, #31
1:      ldr     x4, [x1], #8
        madd    x0, x0, x3, x4
        subs    x2, x2, #1
        b.ne    1b
        bl      print
        bl      newline
        ldp     x29, x30, [sp], #16
        ret
        .ltorg
