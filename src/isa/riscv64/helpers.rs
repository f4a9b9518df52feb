//! The functions that lifted code calls. The `HelperId` is the index in the table.

use crate::ir::HelperId;

/// `illegal(instruction)`: raises illegal instruction with the instruction bits as `tval`. Always traps.
pub const ILLEGAL: HelperId = HelperId(0);
/// `csr_read(csr | will_write << 16, instruction)`: the value, after the access checks; illegal instruction if refused.
pub const CSR_READ: HelperId = HelperId(1);
/// `csr_write(csr, value, instruction)`: writes after the access checks.
pub const CSR_WRITE: HelperId = HelperId(2);
/// `ecall()`: an environment call. Goes on behind the instruction when the built-in firmware answered.
pub const ECALL: HelperId = HelperId(3);
/// `ebreak()`: always traps.
pub const EBREAK: HelperId = HelperId(4);
/// `mret(instruction)`: the address to go on at.
pub const MRET: HelperId = HelperId(5);
/// `sret(instruction)`: the address to go on at.
pub const SRET: HelperId = HelperId(6);
/// `wfi(instruction)`: traps when `mstatus.TW` says so; the block leaves with `Why::Wait` after it.
pub const WFI: HelperId = HelperId(7);
/// `sfence_vma(address, asid, what)`: `what` bit 0: rs1 is not x0, bit 1: rs2 is not x0, bits 63:32 the instruction.
pub const SFENCE_VMA: HelperId = HelperId(8);
/// `cbo(address, operation, instruction)`: `cbo.inval` 0, `cbo.clean` 1, `cbo.flush` 2, `cbo.zero` 4: checks `envcfg`,
/// translates, and zeroes the block for `cbo.zero`.
pub const CBO: HelperId = HelperId(9);
/// `float_dirty()`: sets `mstatus.FS` to Dirty. The block goes on; its mode changes only for later blocks.
pub const FLOAT_DIRTY: HelperId = HelperId(10);
/// `amocas_q(address, rd | rs2 << 8)`: `amocas.q` on the register pairs.
pub const AMOCAS_Q: HelperId = HelperId(11);
/// `sfence_w_inval` and `sfence.inval.ir(instruction)`: the privilege check alone.
pub const SFENCE_CHECK: HelperId = HelperId(12);
/// `check_target(address)`: raises instruction address misaligned when bit 1 of the address is set, with the address as
/// `tval`. Called only where there are no compressed instructions.
pub const CHECK_TARGET: HelperId = HelperId(13);
