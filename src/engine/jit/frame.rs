//! The stack frame of running code, and where things are in it and in the vCPU.
//!
//! ```text
//!   rsp ► Frame: arguments of slow paths, saved registers, spilled values, pointers to what Rust needs
//!   rbp ► Cpu.slots[16]: the first 32 slots are a byte's displacement away
//!   r15 = virtual address of the page that the running block starts in
//!   rax rcx rdx, xmm0 xmm1: scratch of templates; the other registers hold values
//! ```

use super::emit::EvalTable;
use crate::cpu::{Cpu, ItlbEntry, Tlb, TlbEntry};
use std::mem::offset_of;

/// How many values a block may spill.
pub const SPILLS: usize = 96;

/// What running code has on the stack. The engine's own copy is where the first part comes from, at each entry.
#[repr(C, align(16))]
pub struct Frame {
    /// Ones above a 32-bit float: NaN boxing.
    pub box32: [u64; 2],
    /// Twice the bits of the smallest normal 64-bit float, which its sign falls out of.
    pub twice_min64: u64,
    /// The engine's copy of this frame.
    pub home: *mut Frame,
    /// MXCSR of the guest; it is copied back home on the way out.
    pub mxcsr: u32,
    /// MXCSR of the host.
    pub host_mxcsr: u32,
    /// The vCPU.
    pub cpu: *mut Cpu,
    /// The ops that are evaluated in Rust.
    pub evals: *const EvalTable,
    /// The slow paths: memory, helper calls, evaluation.
    pub slow: [u64; 3],
    /// Address of the code memory.
    pub code: u64,
    /// The word that asks for attention.
    pub attention: u64,
    /// The site whose access the TLB did not know either: its displacement from `rbp`.
    pub site: u64,
    /// Non-zero when a slow path trapped: the thunk leaves the block. The last field that is copied in.
    pub trapped: u64,
    /// Operands of a slow path.
    pub args: [u64; 4],
    /// General registers as they were at a slow path, by number.
    pub regs: [u64; 16],
    /// Low halves of the vector registers, by number, where the slow path saved them.
    pub xmms: [u64; 16],
    /// Spilled values.
    pub spills: [u64; SPILLS],
}

/// How many words an entry copies from the engine's copy.
pub const COPIED: i32 = offset_of!(Frame, args) as i32 / 8;
/// Stack that the frame takes below the six registers that the way in saves, keeping it aligned.
pub const SIZE: i32 = size_of::<Frame>() as i32 + 8;

/// The slow paths by their place in [`Frame::slow`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slow {
    /// Memory accesses that miss.
    Memory = 0,
    /// Helper calls.
    Call = 1,
    /// Ops without a template here.
    Eval = 2,
}

/// Distance of `rbp` from the start of the vCPU.
const BIAS: i32 = 128;

/// Displacement of a slot from `rbp`.
pub fn slot(slot: crate::ir::Slot) -> i32 {
    i32::from(slot.0) * 8 - BIAS
}

/// Displacement of the data TLB from `rbp`.
pub const TLB: i32 = (offset_of!(Cpu, tlb) + offset_of!(Tlb, data)) as i32 - BIAS;
/// Displacement of the fetch TLB from `rbp`.
pub const ITLB: i32 = (offset_of!(Cpu, tlb) + offset_of!(Tlb, fetch)) as i32 - BIAS;
/// Displacement of a data entry's read tag.
pub const TLB_READ: i32 = TLB + offset_of!(TlbEntry, read) as i32;
/// Displacement of a data entry's write tag.
pub const TLB_WRITE: i32 = TLB + offset_of!(TlbEntry, write) as i32;
/// Displacement of a data entry's addend.
pub const TLB_ADDEND: i32 = TLB + offset_of!(TlbEntry, addend) as i32;
/// Displacement of a fetch entry's tag.
pub const ITLB_TAG: i32 = ITLB + offset_of!(ItlbEntry, tag) as i32;
/// Displacement of a fetch entry's code table.
pub const ITLB_CODE: i32 = ITLB + offset_of!(ItlbEntry, code) as i32;
/// Displacement of the pc.
pub const PC: i32 = offset_of!(Cpu, pc) as i32 - BIAS;
/// Displacement of the data context.
pub const DATA_CONTEXT: i32 = offset_of!(Cpu, data_context) as i32 - BIAS;
/// Displacement of the fetch context.
pub const FETCH_CONTEXT: i32 = offset_of!(Cpu, fetch_context) as i32 - BIAS;
/// What `rbp` is, from the start of the vCPU.
pub const CPU_BIAS: usize = BIAS as usize;

/// Offsets in the frame.
pub const ARGS: i32 = offset_of!(Frame, args) as i32;
/// See [`Frame::trapped`].
pub const TRAPPED: i32 = offset_of!(Frame, trapped) as i32;
/// See [`Frame::mxcsr`].
pub const MXCSR: i32 = offset_of!(Frame, mxcsr) as i32;
/// See [`Frame::home`].
pub const HOME: i32 = offset_of!(Frame, home) as i32;
/// See [`Frame::host_mxcsr`].
pub const HOST_MXCSR: i32 = offset_of!(Frame, host_mxcsr) as i32;
/// See [`Frame::slow`].
pub const SLOW: i32 = offset_of!(Frame, slow) as i32;
/// See [`Frame::code`].
pub const CODE: i32 = offset_of!(Frame, code) as i32;
/// See [`Frame::site`].
pub const SITE: i32 = offset_of!(Frame, site) as i32;
/// Displacement of the sites from `rbp`.
pub const SITES: i32 = (offset_of!(Cpu, tlb) + offset_of!(Tlb, sites)) as i32 - BIAS;
/// Displacement of the word that says that any was taught.
pub const TAUGHT: i32 = (offset_of!(Cpu, tlb) + offset_of!(Tlb, taught)) as i32 - BIAS;
/// Displacement of the counts of their misses.
pub const MISSES: i32 = (offset_of!(Cpu, tlb) + offset_of!(Tlb, misses)) as i32 - BIAS;
/// Displacement of the context of sites from `rbp`.
pub const SITE_CONTEXT: i32 = offset_of!(Cpu, site_context) as i32 - BIAS;
/// Size of a site in bytes.
pub const SITE_SIZE: i32 = size_of::<crate::cpu::Site>() as i32;
/// Offset of a site's addend.
pub const SITE_ADDEND: i32 = offset_of!(crate::cpu::Site, addend) as i32;
/// See [`Frame::attention`].
pub const ATTENTION: i32 = offset_of!(Frame, attention) as i32;
/// See [`Frame::box32`].
pub const BOX32: i32 = offset_of!(Frame, box32) as i32;
/// See [`Frame::twice_min64`].
pub const TWICE_MIN64: i32 = offset_of!(Frame, twice_min64) as i32;
/// See [`Frame::regs`].
pub const REGS: i32 = offset_of!(Frame, regs) as i32;
/// See [`Frame::xmms`].
pub const XMMS: i32 = offset_of!(Frame, xmms) as i32;
/// See [`Frame::spills`].
pub const SPILL: i32 = offset_of!(Frame, spills) as i32;

const _: () = assert!(size_of::<TlbEntry>() == 32 && size_of::<ItlbEntry>() == 16);
const _: () = assert!(BOX32 % 16 == 0);
// A quarter of a site's displacement leads to its count.
const _: () = assert!(SITE_SIZE == 16 && SITES % 4 == 0);
// Emitted code mixes a context, in place, into an index that it has shifted as far.
const _: () = assert!(crate::cpu::CONTEXT_SHIFT == 4 && crate::cpu::ITLB_SIZE >= 256);
