//! Advanced SIMD: what its instructions do, vector and scalar forms, structure loads and stores, cryptography.
//!
//! ```text
//!   word ──table──► Row ──► shape (which lanes) ──► element operation (int, shift, fp, …) ──► V, FPSR
//! ```
//! Lifted code calls [`call`] for an instruction. The rows stand in `table`, named and ordered as in the manual;
//! a row is a shape with the operation that it lays over the lanes. The operations are pure functions of elements and
//! a [`Status`], so that an evaluator of vector IR may use them as they are. Traps of disabled floats are the lifter's.

pub mod aes;
pub mod alternate;
pub mod estimate;
pub mod fp;
pub mod insn;
pub mod int;
pub mod lanes;
pub mod memory;
pub mod moves;
pub mod products;
pub mod sha;
pub mod shape;
pub mod shift;
pub mod sm;
pub mod status;
pub mod table;
#[cfg(test)]
mod tests;

use super::features::Features;
use super::mode::CodeMode;
use super::regs;
use crate::cpu::{Cpu, Trap};
use crate::float::Flags;
use crate::ir::eval::Trapped;
use crate::ir::{Mem, MemSize};
use insn::Insn;
use lanes::V;
use status::Status;
use table::{Row, Run, decode};

/// FPSR.QC: something saturated.
pub const QC: u64 = 1 << 27;

/// What instructions work on: the slots, laid out as `regs` says, and memory.
pub trait Machine {
    /// The slots.
    fn slots(&mut self) -> &mut [u64];
    /// Reads a slot.
    fn slot(&self, slot: crate::ir::Slot) -> u64;
    /// Loads, zero-extended.
    ///
    /// # Errors
    /// The trap of the access.
    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trap>;
    /// Stores the low bytes.
    ///
    /// # Errors
    /// The trap of the access.
    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trap>;
    /// How data of a width is accessed.
    fn access(&self, size: MemSize) -> Mem;
    /// Accumulates float flags.
    fn raise(&mut self, flags: Flags);
}

impl dyn Machine + '_ {
    /// `V[n]`.
    fn v(&self, n: u32) -> V {
        [self.slot(regs::v_low(n)), self.slot(regs::v_high(n))]
    }

    /// Writes `V[n]`.
    fn set_v(&mut self, n: u32, v: V) {
        self.slots()[regs::v_low(n).0 as usize] = v[0];
        self.slots()[regs::v_high(n).0 as usize] = v[1];
    }

    /// `X[n]`, other than 31.
    fn x(&self, n: u32) -> u64 {
        self.slot(regs::x(n))
    }

    /// `X[n]` or SP.
    fn base(&self, n: u32) -> u64 {
        self.slot(if n == 31 { regs::SP } else { regs::x(n) })
    }

    /// Writes `X[n]` or SP.
    fn set_base(&mut self, n: u32, value: u64) {
        let slot = if n == 31 { regs::SP } else { regs::x(n) };
        self.slots()[slot.0 as usize] = value;
    }
}

/// What an instruction without memory works on.
pub struct Simd<'a> {
    slots: &'a mut [u64],
    /// FPCR, and what is to be raised in FPSR.
    pub status: Status,
}

impl Simd<'_> {
    /// `V[n]`.
    #[inline]
    fn v(&self, n: u32) -> V {
        [self.slots[regs::v_low(n).0 as usize], self.slots[regs::v_high(n).0 as usize]]
    }

    /// Writes `V[n]`.
    #[inline]
    fn set_v(&mut self, n: u32, v: V) {
        self.slots[regs::v_low(n).0 as usize] = v[0];
        self.slots[regs::v_high(n).0 as usize] = v[1];
    }

    /// `X[n]`; 31 is zero.
    fn x(&self, n: u32) -> u64 {
        if n == 31 { 0 } else { self.slots[regs::x(n).0 as usize] }
    }

    /// Writes `X[n]`; 31 is nothing.
    fn set_x(&mut self, n: u32, value: u64) {
        if n != 31 {
            self.slots[regs::x(n).0 as usize] = value;
        }
    }
}

/// Whether a word is an instruction of this table for a CPU with `features`.
pub fn is_simd(insn: u32, features: Features) -> bool {
    decode(insn).is_some_and(|row| features.has(row.needs.with(Features::ASIMD)))
}

/// Executes the instruction of `row` that `insn` is.
///
/// # Errors
/// The trap of a memory access.
pub fn run(m: &mut dyn Machine, row: &Row, insn: u32) -> Result<(), Trap> {
    let op = match row.run {
        Run::Memory(op) => return op(m, Insn(insn)),
        Run::Data(op) => op,
    };
    compute(m, |simd| {
        let kept = alternate::kept(simd, row, Insn(insn));
        op(simd, Insn(insn));
        kept.merge(simd, Insn(insn).rd());
    });
    Ok(())
}

/// Has `op` compute as FPCR says, and notes what it raised.
fn compute<T>(m: &mut dyn Machine, op: impl FnOnce(&mut Simd) -> T) -> T {
    let fpcr = m.slot(regs::FPCR);
    let mut simd = Simd { slots: m.slots(), status: Status::new(fpcr) };
    let value = op(&mut simd);
    if simd.status.qc {
        simd.slots[regs::FPSR.0 as usize] |= QC;
    }
    let flags = simd.status.raised();
    if flags != Flags::NONE {
        m.raise(flags);
    }
    value
}

/// A vCPU in the mode that its code runs in.
struct Running<'a> {
    cpu: &'a mut Cpu,
    mode: CodeMode,
}

impl Machine for Running<'_> {
    fn slots(&mut self) -> &mut [u64] {
        &mut self.cpu.slots
    }

    fn slot(&self, slot: crate::ir::Slot) -> u64 {
        self.cpu.get(slot)
    }

    fn load(&mut self, mem: Mem, address: u64) -> Result<u64, Trap> {
        self.cpu.load(mem, address).map_err(|Trapped| self.cpu.trap)
    }

    fn store(&mut self, mem: Mem, address: u64, value: u64) -> Result<(), Trap> {
        self.cpu.store(mem, address, value).map_err(|Trapped| self.cpu.trap)
    }

    fn access(&self, size: MemSize) -> Mem {
        self.mode.mem(size)
    }

    fn raise(&mut self, flags: Flags) {
        self.cpu.raise(flags);
    }
}

/// Executes an instruction on a vCPU; false when it is none of this table's. Whether the CPU has the feature that it
/// needs is the lifter's to ask ([`is_simd`]).
///
/// # Errors
/// The trap of a memory access; registers are as before.
pub fn execute(cpu: &mut Cpu, insn: u32, mode: CodeMode) -> Result<bool, Trap> {
    let Some(row) = decode(insn) else { return Ok(false) };
    run(&mut Running { cpu, mode }, row, insn).map(|()| true)
}

/// [`SIMD`](super::helpers::SIMD) as lifted code calls it, with the row that [`table::number`] found.
///
/// # Errors
/// The trap of a memory access; registers are as before.
pub fn call(cpu: &mut Cpu, [insn, row, _]: [u64; 3]) -> Result<u64, Trap> {
    let mode = CodeMode::decode(cpu.mode);
    run(&mut Running { cpu, mode }, table::row(row as u16), insn as u32).map(|()| 0)
}

/// [`FLOAT_ALTERNATE`](super::helpers::FLOAT_ALTERNATE).
///
/// # Errors
/// Never.
pub fn call_scalar(cpu: &mut Cpu, [insn, operand, _]: [u64; 3]) -> Result<u64, Trap> {
    let mode = CodeMode::decode(cpu.mode);
    Ok(alternate::run(&mut Running { cpu, mode }, insn as u32, operand))
}
