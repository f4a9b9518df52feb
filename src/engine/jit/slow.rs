//! The slow paths: what running code calls when it cannot go on by itself.
//!
//! They are called by the thunks, with the block's registers saved in the frame. A trap writes the dirty values where
//! the block's map says, so that the guest sees its registers as they were before the instruction.

use super::alloc::{Dirty, DirtyKind};
use super::frame::{self, Frame};
use super::host_mxcsr_of;
use super::mem::{Kind, Request};
use crate::base::bits::sext;
use crate::cpu::Cpu;
use crate::ir::eval::{self, Trapped};
use crate::ir::{Mem, Op, Val, vector};

/// MXCSR's flags as the neutral ones, by the six low bits: invalid, denormal, zero, overflow, underflow, precision.
const FLAGS: [u8; 64] = flags();

const fn flags() -> [u8; 64] {
    let mut table = [0; 64];
    let mut n = 0;
    while n < 64 {
        table[n] = bit(n, 0, 4) | bit(n, 1, 5) | bit(n, 2, 3) | bit(n, 3, 2) | bit(n, 4, 1) | bit(n, 5, 0);
        n += 1;
    }
    table
}

const fn bit(n: usize, from: u32, to: u32) -> u8 {
    ((n >> from & 1) << to) as u8
}

/// Moves the flags that the host gathered to the vCPU.
pub fn gather_flags(cpu: &mut Cpu, frame: &mut Frame) {
    // The host notes denormal operands too; no guest that shares its MXCSR with the host asks for them.
    cpu.float_flags |= FLAGS[(frame.mxcsr & 0x3d) as usize];
    frame.mxcsr &= !0x3f;
}

/// A memory access that missed. `what` is a [`Request`] with the place of the dirty map above.
///
/// # Safety
/// Called by the thunk only: `frame` is the frame of the running code, whose pointers are live and not otherwise used.
pub unsafe extern "sysv64" fn memory(frame: *mut Frame, address: u64, what: u64) -> u64 {
    // SAFETY: the caller's promise.
    let (frame, cpu) = unsafe { (&mut *frame, &mut *(*frame).cpu) };
    let request = Request::decode(what as u32);
    let mem = request.mem;
    let result = match request.kind {
        Kind::Load => cpu.load_slow(mem, address),
        Kind::Store => cpu.store_slow(mem, address, frame.args[0]).map(|()| 0),
        Kind::Cas => cpu.cas(mem, address, frame.args[0], frame.args[1]),
        Kind::Rmw(op) => cpu.rmw(op, mem, address, frame.args[0]),
        Kind::LoadVec => load_vector(cpu, mem, address, frame.args[0] as usize),
        Kind::StoreVec => store_vector(cpu, mem, address, frame.args[0] as usize),
    };
    if request.at_site && result.is_ok() {
        let site = (frame.site as usize - frame::SITES as usize) / frame::SITE_SIZE as usize;
        let store = matches!(request.kind, Kind::Store | Kind::StoreVec);
        if cpu.tlb.teach(site, address, store, cpu.data_context, cpu.site_context) {
            // The run loop makes the block anew.
            cpu.pins.kick();
        }
    }
    match result {
        Ok(value) if request.sext => sext(value, u32::from(mem.size.bytes()) * 8),
        Ok(value) => value,
        Err(Trapped) => {
            // SAFETY: the place of a map behind the running block, which stays while the block runs.
            let map = unsafe { read_map((frame.code + (what >> 32)) as *const [u8; 8]) };
            let page = frame.regs[15];
            cpu.pc = page.wrapping_add(u64::from(request.insn));
            write_dirty(cpu, frame, &map);
            frame.trapped = 1;
            0
        }
    }
}

/// Nothing is written when either half traps.
fn load_vector(cpu: &mut Cpu, half: Mem, address: u64, slot: usize) -> Result<u64, Trapped> {
    let low = cpu.load_slow(half, address)?;
    let high = cpu.load_slow(half, address.wrapping_add(8))?;
    cpu.slots[slot..slot + 2].copy_from_slice(&[low, high]);
    Ok(0)
}

fn store_vector(cpu: &mut Cpu, half: Mem, address: u64, slot: usize) -> Result<u64, Trapped> {
    let [low, high] = [cpu.slots[slot], cpu.slots[slot + 1]];
    cpu.store_slow(half, address, low)?;
    cpu.store_slow(half, address.wrapping_add(8), high)?;
    Ok(0)
}

/// Reads a dirty map from code memory.
///
/// # Safety
/// `place` is where an emitter put one, and its code has not been forgotten.
unsafe fn read_map(place: *const [u8; 8]) -> Vec<Dirty> {
    // SAFETY: the caller's promise; a map is a count and that many entries of 8 bytes.
    unsafe {
        let count = u64::from_le_bytes(place.read()) as usize;
        (0..count).map(|n| Dirty::from_bytes(place.add(1 + n).read())).collect()
    }
}

fn write_dirty(cpu: &mut Cpu, frame: &Frame, map: &[Dirty]) {
    // Values first: one may come from the memory of a slot that another replaces.
    let value = |dirty: &Dirty| match dirty.kind {
        DirtyKind::Reg => frame.regs[usize::from(dirty.index)],
        DirtyKind::Xmm => frame.xmms[usize::from(dirty.index)],
        DirtyKind::Spill => frame.spills[usize::from(dirty.index)],
        DirtyKind::Const => dirty.imm as u64,
        DirtyKind::Pc => frame.regs[15].wrapping_add(dirty.imm as u64),
        DirtyKind::Slot => cpu.slots[dirty.imm as usize],
    };
    let values: Vec<u64> = map.iter().map(value).collect();
    for (dirty, value) in map.iter().zip(values) {
        cpu.slots[usize::from(dirty.slot)] = value;
    }
}

/// A helper call. `what` is the helper's number, with bit 16 set when it looks at registers.
///
/// # Safety
/// As [`memory`].
pub unsafe extern "sysv64" fn call(frame: *mut Frame, _: u64, what: u64) -> u64 {
    // SAFETY: the caller's promise.
    let (frame, cpu) = unsafe { (&mut *frame, &mut *(*frame).cpu) };
    if what >> 16 & 1 != 0 {
        gather_flags(cpu, frame);
    }
    let mode = cpu.mode;
    let helper = cpu.isa.helpers()[what as usize & 0xffff].call;
    let result = helper(cpu, [frame.args[0], frame.args[1], frame.args[2]]);
    if cpu.mode != mode {
        frame.mxcsr = host_mxcsr_of(cpu);
    }
    match result {
        Ok(value) => value,
        Err(trap) => {
            cpu.trap = trap;
            frame.trapped = 1;
            0
        }
    }
}

/// An op that is evaluated: its number is `what`, its operands are the arguments.
///
/// # Safety
/// As [`memory`].
pub unsafe extern "sysv64" fn evaluate(frame: *mut Frame, _: u64, what: u64) -> u64 {
    // SAFETY: the caller's promise.
    let (frame, cpu, evals) = unsafe { (&*frame, &mut *(*frame).cpu, &*(*frame).evals) };
    let Some(op) = evals.get(what as usize).copied() else { return 0 };
    let isa = cpu.isa.clone();
    let rules = isa.float_rules(cpu.mode);
    let arg = |v: Val| if v == Val::NONE { 0 } else { frame.args[v.0 as usize] };
    let (value, flags) = match op {
        Op::Bin { op, w, a, b } => return eval::bin(op, w, arg(a), arg(b)),
        Op::Un { op, w, a } => return eval::un(op, w, arg(a)),
        Op::Float { op, fmt, rm, a, b, c } => eval::float(op, fmt, rules, rm, arg(a), arg(b), arg(c)),
        Op::FloatCmp { cond, fmt, a, b } => {
            let (holds, flags) = eval::float_cmp(cond, fmt, rules, arg(a), arg(b));
            (u64::from(holds), flags)
        }
        Op::FloatClass { fmt, a } => return 1 << crate::float::classify(fmt, arg(a)) as u32,
        Op::FloatConvert { from, to, rm, a } => crate::float::convert(from, to, rules, rm, arg(a)),
        Op::FloatToInt { from, to, fraction, rm, a } => eval::float_to_int(from, to, fraction, rules, rm, arg(a)),
        Op::IntToFloat { from, fraction, to, rm, a } => eval::int_to_float(from, fraction, to, rules, rm, arg(a)),
        Op::Box { fmt, a } => return eval::box_float(fmt, arg(a)),
        Op::Unbox { fmt, a } => return eval::unbox_float(fmt, rules, arg(a)),
        Op::Vec(insn) => {
            // The slots come by themselves, so that equal ops have one number.
            let [d, a, b, c] = [0, 16, 32, 48].map(|at| (frame.args[0] >> at) as u16 as usize);
            let read = |slot: usize| [cpu.slots[slot], cpu.slots[slot + 1]];
            let (value, flags) = vector::eval(insn, rules, read(d), [read(a), read(b), read(c)]);
            cpu.slots[d..d + 2].copy_from_slice(&value);
            (0, flags)
        }
        other => unreachable!("{other} is not evaluated out of line"),
    };
    cpu.raise(flags);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::Flags;

    #[test]
    fn mxcsr_flags_become_the_neutral_ones() {
        assert_eq!(FLAGS[1], Flags::INVALID.0);
        assert_eq!(FLAGS[4], Flags::DIV_BY_ZERO.0);
        assert_eq!(FLAGS[8], Flags::OVERFLOW.0);
        assert_eq!(FLAGS[16], Flags::UNDERFLOW.0);
        assert_eq!(FLAGS[32], Flags::INEXACT.0);
    }
}
