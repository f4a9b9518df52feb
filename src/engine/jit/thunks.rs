//! The fixed pieces of code: the way in, the ways out, and the bridge to the slow paths.
//!
//! They stand at the start of code memory, so that offset 0, which an empty place in a page's table holds, is the
//! thunk that looks code up.

use super::alloc::{INT_REGS, R15, RAX, RBP, XMM_REGS};
use super::asm::{Asm, Cc, asm};
use super::frame::{self, Slow};
use crate::cpu::TLB_SIZE;
use crate::fabric::PAGE_SIZE;

/// Where the thunks are, as offsets in code memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thunks {
    /// Leaves to look up the code of the address in `rsi`.
    pub lookup: usize,
    /// Leaves for attention; the pc is in `rsi`.
    pub attention: usize,
    /// Leaves with what is in `eax`; the pc has been stored.
    pub leave: usize,
    /// `extern "sysv64" fn(frame, rbp, r15, code) -> u64`: the way in.
    pub enter: usize,
    /// Asks the TLB for a site: `[whether it stores][binary logarithm of the size]`.
    pub site: [[usize; 5]; 2],
    /// Calls a slow path, saving general registers; `[slow][whether vector registers are saved too]`.
    pub slow: [[usize; 2]; 3],
}

/// Why running code came back: the low byte of what `enter` returns.
pub mod reason {
    /// The code of the pc is not known.
    pub const LOOKUP: u64 = 0;
    /// A trap stands in the vCPU.
    pub const TRAP: u64 = 1;
    /// Attention is asked for.
    pub const ATTENTION: u64 = 2;
    /// A direct jump is not linked yet: its number is above.
    pub const LINK: u64 = 3;
    /// The block hands over: `Why` is above.
    pub const LEAVE: u64 = 4;
}

/// Emits the thunks into an empty `asm`.
pub fn emit(asm: &mut Asm) -> Thunks {
    let mut thunks = Thunks { lookup: asm.here(), ..Thunks::default() };
    asm!(asm, mov [rbp + frame::PC], rsi; mov eax, reason::LOOKUP as i32);
    let skip = asm.jmp();
    thunks.attention = asm.here();
    asm!(asm, mov [rbp + frame::PC], rsi; mov eax, reason::ATTENTION as i32);
    asm.bind(skip);
    thunks.leave = asm.here();
    asm!(asm
        ; stmxcsr [rsp + frame::MXCSR]
        ; ldmxcsr [rsp + frame::HOST_MXCSR]
        ; mov rcx, [rsp + frame::HOME]
        ; mov edx, [rsp + frame::MXCSR]
        ; mov [rcx + frame::MXCSR], edx
        ; add rsp, frame::SIZE
        ; pop r15
        ; pop r14
        ; pop r13
        ; pop r12
        ; pop rbx
        ; pop rbp
        ; ret
    );
    thunks.enter = asm.here();
    asm!(asm
        ; push rbp
        ; push rbx
        ; push r12
        ; push r13
        ; push r14
        ; push r15
        ; sub rsp, frame::SIZE
        ; mov Rq(RBP), rsi
        ; mov Rq(R15), rdx
    );
    for word in 0..frame::COPIED {
        asm!(asm, mov rax, [rdi + 8 * word]; mov [rsp + 8 * word], rax);
    }
    asm!(asm
        ; stmxcsr [rsp + frame::HOST_MXCSR]
        ; ldmxcsr [rsp + frame::MXCSR]
        ; jmp rcx
    );
    for slow in [Slow::Memory, Slow::Call, Slow::Eval] {
        for vectors in [false, true] {
            thunks.slow[slow as usize][usize::from(vectors)] = slow_thunk(asm, slow, vectors, thunks.leave);
        }
    }
    for store in [false, true] {
        for size in 0..5 {
            thunks.site[usize::from(store)][size] = site_thunk(asm, store, size);
        }
    }
    thunks
}

/// In: `rcx` the address, `edx` the displacement of the site. Out: flag Z says that the TLB knew the page; then the site
/// knows it too, and `rcx` is the host address. Else `rcx` is as it was, and the frame names the site: now and then also
/// where the TLB knew, so that somebody looks at how often the site misses. Uses `rax` and `rdx`.
fn site_thunk(asm: &mut Asm, store: bool, size: usize) -> usize {
    // The return address, and the saved rbx.
    const UP: i32 = 16;
    let start = asm.here();
    let tag = if store { frame::TLB_WRITE } else { frame::TLB_READ };
    asm!(asm
        ; push rbx
        ; mov rax, rcx
        ; shr rax, 8
        ; xor eax, [rbp + frame::DATA_CONTEXT]
        ; and eax, (TLB_SIZE as i32 - 1) << 4
        ; add eax, eax
    );
    asm!(asm, lea rbx, [rcx + ((1 << size) - 1)]; and rbx, -(PAGE_SIZE as i32));
    asm!(asm; or rbx, [rbp + frame::DATA_CONTEXT]; cmp rbx, [rbp + rax + tag]);
    let miss = asm.jcc(Cc::Ne);
    asm!(asm
        ; mov rax, [rbp + rax + frame::TLB_ADDEND]
        ; mov rbx, rcx
        ; and rbx, -(PAGE_SIZE as i32)
        ; or rbx, [rbp + frame::SITE_CONTEXT]
        ; mov [rbp + rdx], rbx
        ; mov [rbp + rdx + frame::SITE_ADDEND], rax
        ; mov DWORD [rbp + frame::TAUGHT], 1
        ; mov ebx, edx
        ; shr ebx, 2
        ; inc DWORD [rbp + rbx + (frame::MISSES - frame::SITES / 4)]
    );
    let enough = asm.jcc(Cc::E);
    asm!(asm
        ; add rcx, rax
        ; cmp eax, eax
        ; pop rbx
        ; ret
    );
    asm.bind(enough);
    asm.bind(miss);
    asm!(asm
        ; mov [rsp + UP + frame::SITE], rdx
        ; test edx, edx
        ; pop rbx
        ; ret
    );
    start
}

/// In: `rax` says what (see the slow paths in `slow.rs`), `rcx` an address. Out: `rax`; all value registers are kept.
fn slow_thunk(asm: &mut Asm, slow: Slow, vectors: bool, leave: usize) -> usize {
    // The return address of the caller, and 8 bytes that keep the stack aligned.
    const UP: i32 = 16;
    let start = asm.here();
    asm!(asm, sub rsp, 8);
    for reg in INT_REGS {
        asm!(asm, mov[rsp + UP + frame::REGS + 8 * i32::from(reg)], Rq(reg));
    }
    asm!(asm, mov[rsp + UP + frame::REGS + 8 * i32::from(R15)], r15);
    if vectors {
        for reg in XMM_REGS {
            asm!(asm, movsd[rsp + UP + frame::XMMS + 8 * i32::from(reg)], Rx(reg));
        }
    }
    asm!(asm
        ; stmxcsr [rsp + UP + frame::MXCSR]
        ; ldmxcsr [rsp + UP + frame::HOST_MXCSR]
        ; lea rdi, [rsp + UP]
        ; mov rsi, rcx
        ; mov rdx, Rq(RAX)
        ; call QWORD [rsp + UP + frame::SLOW + 8 * slow as i32]
        ; ldmxcsr [rsp + UP + frame::MXCSR]
        ; cmp DWORD [rsp + UP + frame::TRAPPED], 0
    );
    let trapped = asm.jcc(Cc::Ne);
    // Registers that Rust keeps need no reload.
    for reg in INT_REGS.into_iter().filter(|reg| !matches!(reg, 3 | 12..=14)) {
        asm!(asm, mov Rq(reg), [rsp + UP + frame::REGS + 8 * i32::from(reg)]);
    }
    if vectors {
        for reg in XMM_REGS {
            asm!(asm, movsd Rx(reg), [rsp + UP + frame::XMMS + 8 * i32::from(reg)]);
        }
    }
    asm!(asm, add rsp, 8; ret);
    asm.bind(trapped);
    asm!(asm, add rsp, UP; mov eax, reason::TRAP as i32);
    asm.jmp_back(leave);
    start
}
