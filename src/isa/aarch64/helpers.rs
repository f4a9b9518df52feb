//! The functions that lifted code calls, by number: what each takes and does. Those that need no system register
//! (CRC32, FLOAT_HALF, FIXED, CAS_PAIR, STORE_PAIR_EXCLUSIVE) are in `calls.rs`, MOPS in `mops.rs`.
//!
//! Where an instruction's bits are an argument (`insn`), that is for the syndrome of a trap. A system register or
//! operation is named by the 16 bits `op0:op1:CRn:CRm:op2`, as they stand in the instruction's bits 20:5 ([`sysreg`]).
//! Unless it says otherwise a helper has [`Effects::ANY`](crate::ir::Effects::ANY).

use crate::ir::HelperId;

/// The number of a system register or operation.
pub const fn sysreg(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> u64 {
    (op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2) as u64
}

/// Numbers helpers in order.
macro_rules! helpers {
    ($($(#[$meta:meta])* $name:ident;)*) => {
        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "numbers the constants of these names")]
        enum Order { $($name,)* END }
        $($(#[$meta])* pub const $name: HelperId = HelperId(Order::$name as u16);)*
        /// How many there are.
        pub const COUNT: usize = Order::END as usize;
    };
}

helpers! {
    /// `undefined(insn)`: raises UNDEFINED (exception class 0). Always traps.
    UNDEFINED;
    /// `svc(imm)`: raises a supervisor call. Always traps; the return address is that of the next instruction.
    SVC;
    /// `hvc(imm)`: a hypervisor call; goes on behind the instruction when the built-in firmware answered.
    HVC;
    /// `smc(imm)`: a secure monitor call; goes on behind the instruction when the built-in firmware answered.
    SMC;
    /// `brk(imm)`: raises a breakpoint exception. Always traps.
    BRK;
    /// `hlt(imm)`: a semihosting call, where those are served: the address to go on at. UNDEFINED otherwise.
    HLT;
    /// `mrs(sysreg, insn)`: the value, after the access checks. RNDR and RNDRRS set the flags. Never NZCV.
    MRS;
    /// `msr(sysreg, value, insn)`: writes after the access checks. Never NZCV. The block ends after it.
    MSR;
    /// `msr_imm(op1 << 3 | op2, CRm, insn)`: MSR (immediate) to a PSTATE field. The block ends after it.
    MSR_IMM;
    /// `sys(sysreg, value, insn)`: TLBI, DC, IC, AT and so on (op0 is 1), after the access checks. The block ends after
    /// it, but for DC.
    SYS;
    /// `sysl(sysreg, insn)`: the value.
    SYSL;
    /// `eret(insn)`: the address to go on at. Of ERETAA and ERETAB, which `insn` tells, ELR is authenticated first.
    ERET;
    /// `wait(kind, timeout, insn)`: trap checks of WFE (kind 0), WFI (1), WFET (2) and WFIT (3). Returns 1 when the
    /// vCPU has to wait, 0 when the instruction is over: an event was there, the time has come. Of a wait with
    /// an end it also arms that.
    WAIT;
    /// `event(local)`: SEV, or SEVL when `local` is 1.
    EVENT;
    /// `float_trap(insn)`: raises the trap of a disabled FP or SIMD instruction. Always traps.
    FLOAT_TRAP;
    /// `simd(insn, row)`: an Advanced SIMD instruction with its row's number ([`super::simd::call`]), loads and stores of
    /// structures included: reads and writes `V` (and `X`) slots and memory, raises float flags. Only those of memory
    /// trap.
    SIMD;
    /// `float_half(op, a | b << 16 | c << 32)`: a half-precision op under FZ16 where that differs from FZ; see
    /// `calls.rs`. Raises float flags; touches no slot and does not trap.
    FLOAT_HALF;
    /// `fixed(what, value)`: fixed point to half precision, and roundings to integers of a width; see `calls.rs`. Effects as above.
    FIXED;
    /// `float_alternate(insn, operand)`: a scalar float instruction where FPCR.AH, FIZ or NEP is set: reads and writes
    /// `V` slots, raises float flags, does not trap. What the operand is and the value it returns, see
    /// [`super::simd::alternate`].
    FLOAT_ALTERNATE;
    /// `crc32(accumulator, value, bytes | castagnoli << 8)`. Pure.
    CRC32;
    /// `pac(value, modifier, key)`: adds a pointer authentication code; keys are IA 0, IB 1, DA 2, DB 3. Traps to EL2 or
    /// EL3 when they want it. Called only where the key is enabled.
    PAC;
    /// `aut(value, modifier, key)`: authenticates likewise; the pointer, or a corrupted one, or (FEAT_FPAC) a trap.
    AUT;
    /// `xpac(value, data)`: strips the code of a data (1) or instruction (0) pointer.
    XPAC;
    /// `pacga(value, modifier)`: the generic code, in bits 63:32.
    PACGA;
    /// `load_user(address, bytes)`: a load as EL0 makes it, zero-extended.
    LOAD_USER;
    /// `store_user(address, value, bytes)`: likewise a store.
    STORE_USER;
    /// `cas_pair(address, Rs | Rt << 8)`: CASP on 64-bit registers; Rs and the one after take what was there.
    CAS_PAIR;
    /// `store_pair_exclusive(address, Rt | Rt2 << 8)`: STXP on 64-bit registers against the monitor's slots: 0 when it
    /// stored, else 1. The lifter opens the monitor.
    STORE_PAIR_EXCLUSIVE;
    /// `mops(insn)`: an instruction of FEAT_MOPS: reads and writes `X`, flags and memory. 1 when it is to be executed
    /// again, having more to do than is done at once.
    MOPS;
    /// `nzcv()`: the flags in bits 31:28. Reads their slots alone.
    NZCV;
    /// `misaligned_sp(insn)`: raises the SP alignment fault. Always traps.
    MISALIGNED_SP;
    /// `misaligned_pc(address)`: raises the PC alignment fault. Always traps.
    MISALIGNED_PC;
    /// `aligned(address, bytes, store)`: raises the alignment fault of a load or store unless it is aligned.
    ALIGNED;
    /// `step(load_exclusive)`: the instruction that follows is stepped.
    STEP;
    /// `error_barrier()`: ESB, with FEAT_RAS.
    ERROR_BARRIER;
    /// `branch_target()`: raises the branch target exception. Always traps.
    BRANCH_TARGET;
}
