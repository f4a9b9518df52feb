//! Debug triggers (Sdtrig): each matches the address of an instruction, a load or a store (`mcontrol`, `mcontrol6`), or
//! counts instructions (`icount`), and raises a breakpoint exception.
//!
//! Where a trigger is set nothing is kept: instructions of a page with one, and all while some are counted, are fetched
//! one at a time; accesses to a page with one are looked at one by one. Code that is not debugged pays for none of it.
//!
//! As in QEMU there are two of them; the one action is the exception and the one match is equality; chains, hit bits,
//! `tcontrol` and the types 4, 5 and 7 are not there, and M-mode's triggers fire whether or not its interrupts are
//! enabled. An AMO counts as a store. Beside QEMU's, `icount` counts as the manual says, a trigger can be disabled
//! (type 15), and `tinfo` names all types.
//!
//! Document: The RISC-V Debug Specification 1.0, chapter 5.

use super::csr::Csr;
use super::fields::cause;
use super::mode::Privilege;
use super::trap::privilege;
use super::{config, regs};
use crate::base::bits::{bit, bits, field, with_field};
use crate::cpu::{Access, Cpu, Trap};
use crate::fabric::PAGE_SIZE;
use crate::guest_error;
use crate::ir::Slot;

/// How many there are.
pub const COUNT: u16 = 2;

/// The types of triggers, in bits 63:60 of `tdata1`.
pub mod kind {
    /// Address match, of the first specification.
    pub const MCONTROL: u64 = 2;
    /// Instruction count.
    pub const ICOUNT: u64 = 3;
    /// Address match.
    pub const MCONTROL6: u64 = 6;
    /// Nothing.
    pub const DISABLED: u64 = 15;
}

/// What `tinfo` says: a bit a type.
pub const TYPES: u64 = 1 << kind::MCONTROL | 1 << kind::ICOUNT | 1 << kind::MCONTROL6 | 1 << kind::DISABLED;

/// `tdata1` of an address match.
mod mcontrol {
    pub const LOAD: u64 = 1;
    pub const STORE: u64 = 1 << 1;
    pub const EXECUTE: u64 = 1 << 2;
    pub const U: u64 = 1 << 3;
    pub const S: u64 = 1 << 4;
    pub const M: u64 = 1 << 6;
    /// The access's size in `mcontrol6`; in `mcontrol` bits 22:21 are its upper half, and 17:16 the lower.
    pub const SIZE: u64 = 7 << 16;
    pub const SIZE_LOW: u64 = 3 << 16;
    pub const SIZE_HIGH: u64 = 3 << 21;
}

/// `tdata1` of an instruction count.
mod icount {
    pub const U: u64 = 1 << 6;
    pub const S: u64 = 1 << 7;
    pub const PENDING: u64 = 1 << 8;
    pub const M: u64 = 1 << 9;
    pub const COUNT: u64 = 0x3fff << 10;
}

/// `tdata3`: which contexts of M-mode's a trigger is for.
mod textra {
    pub const MHSELECT: u64 = 7 << 48;
    pub const MHVALUE: u64 = 0x1fff << 51;
    /// Of MHSELECT: `mcontext` has to be MHVALUE.
    pub const MCONTEXT: u64 = 4;
}

/// What has to be looked at, in [`regs::TRIGGERS`].
const FETCHES: u64 = 1;
const ACCESSES: u64 = 2;

fn nth(first: Slot, n: u16) -> Slot {
    Slot(first.0 + n)
}

fn control(cpu: &Cpu, n: u16) -> u64 {
    cpu.get(nth(regs::TDATA1, n))
}

fn kind_of(control: u64) -> u64 {
    control >> 60
}

/// The power-on state: no trigger matches anything.
pub fn reset(cpu: &mut Cpu) {
    for n in 0..COUNT {
        cpu.set(nth(regs::TDATA1, n), kind::MCONTROL << 60);
    }
}

/// Whether a model has triggers.
pub fn present(cpu: &Cpu, _: u16) -> bool {
    config(cpu).triggers
}

fn selected(cpu: &Cpu) -> u16 {
    cpu.get(regs::TSELECT) as u16
}

pub fn write_select(cpu: &mut Cpu, csr: &Csr, value: u64) {
    if value < u64::from(COUNT) {
        cpu.set(csr.slot, value);
    }
}

/// `tdata1`, `tdata2`, `tdata3` of the selected trigger.
pub fn read(cpu: &mut Cpu, csr: &Csr) -> u64 {
    cpu.get(nth(csr.slot, selected(cpu)))
}

/// `tinfo`.
pub fn read_info(_: &mut Cpu, _: &Csr) -> u64 {
    TYPES
}

/// `tdata1` with what a trigger of its type cannot do taken away; `None`: there is no such type.
pub fn legal(value: u64) -> Option<u64> {
    use mcontrol::{EXECUTE, LOAD, M, S, SIZE, SIZE_HIGH, SIZE_LOW, STORE, U};
    const MATCH: u64 = LOAD | STORE | EXECUTE | U | S | M;
    // Any, 1, 2, 4 and 8 bytes.
    let has_size = |size: u64| matches!(size, 0..=3 | 5);
    let kind = kind_of(value);
    let kept = match kind {
        0 | kind::DISABLED => return Some(kind::DISABLED << 60),
        kind::MCONTROL if has_size(field(value, SIZE_HIGH) << 2 | field(value, SIZE_LOW)) => {
            MATCH | SIZE_HIGH | SIZE_LOW
        }
        kind::MCONTROL6 if has_size(field(value, SIZE)) => MATCH | SIZE,
        kind::MCONTROL | kind::MCONTROL6 => MATCH,
        kind::ICOUNT => icount::COUNT | icount::U | icount::S | icount::M,
        _ => return None,
    };
    Some(value & kept | kind << 60)
}

pub fn write_control(cpu: &mut Cpu, _: &Csr, value: u64) {
    match legal(value) {
        Some(value) => set(cpu, selected(cpu), regs::TDATA1, value),
        None => guest_error!("tdata1 written with a type of trigger that is not there: {value:#x}"),
    }
}

pub fn write_address(cpu: &mut Cpu, csr: &Csr, value: u64) {
    set(cpu, selected(cpu), csr.slot, value);
}

pub fn write_extra(cpu: &mut Cpu, csr: &Csr, value: u64) {
    set(cpu, selected(cpu), csr.slot, legal_extra(value));
}

/// `tdata3` with what is not there taken away.
pub fn legal_extra(value: u64) -> u64 {
    let value = value & (textra::MHVALUE | textra::MHSELECT);
    let is_there = matches!(field(value, textra::MHSELECT), 0 | textra::MCONTEXT);
    if is_there { value } else { with_field(value, textra::MHSELECT, 0) }
}

/// Sets trigger `n` as firmware does, `tdata1` being legal.
pub fn set_trigger(cpu: &mut Cpu, n: u16, data: [u64; 3]) {
    for (first, value) in [regs::TDATA1, regs::TDATA2, regs::TDATA3].into_iter().zip(data) {
        set(cpu, n, first, value);
    }
}

fn set(cpu: &mut Cpu, n: u16, first: Slot, value: u64) {
    cpu.set(nth(first, n), value);
    let wanted = |control: u64| match kind_of(control) {
        kind::MCONTROL | kind::MCONTROL6 => {
            let fetches = if control & mcontrol::EXECUTE != 0 { FETCHES } else { 0 };
            fetches | if control & (mcontrol::LOAD | mcontrol::STORE) != 0 { ACCESSES } else { 0 }
        }
        kind::ICOUNT if control & (icount::COUNT | icount::PENDING) != 0 => FETCHES,
        _ => 0,
    };
    let all = (0..COUNT).fold(0, |all, n| all | wanted(control(cpu, n)));
    cpu.set(regs::TRIGGERS, all);
    // What is known of pages was found out without looking for this trigger.
    cpu.flush_all();
}

/// Whether a trigger is for the hart as it is now.
fn selects(cpu: &Cpu, n: u16) -> bool {
    let control = control(cpu, n);
    let (u, s, m) = match kind_of(control) {
        kind::ICOUNT => (icount::U, icount::S, icount::M),
        _ => (mcontrol::U, mcontrol::S, mcontrol::M),
    };
    let level = match privilege(cpu) {
        Privilege::User => u,
        Privilege::Supervisor => s,
        Privilege::Machine => m,
    };
    let extra = cpu.get(nth(regs::TDATA3, n));
    let here =
        field(extra, textra::MHSELECT) != textra::MCONTEXT || field(extra, textra::MHVALUE) == cpu.get(regs::MCONTEXT);
    control & level != 0 && here
}

fn matches_address(cpu: &Cpu, n: u16, what: u64) -> bool {
    let control = control(cpu, n);
    matches!(kind_of(control), kind::MCONTROL | kind::MCONTROL6) && control & what != 0
}

/// Whether instructions are counted now: each then has the helper COUNT before it.
pub fn counts(cpu: &Cpu) -> bool {
    cpu.get(regs::TRIGGERS) & FETCHES != 0 && (0..COUNT).any(|n| is_counting(cpu, n))
}

fn is_counting(cpu: &Cpu, n: u16) -> bool {
    let control = control(cpu, n);
    kind_of(control) == kind::ICOUNT && control & icount::COUNT != 0 && selects(cpu, n)
}

/// COUNT: the instruction that follows is counted.
///
/// # Errors
/// Never.
pub fn count(cpu: &mut Cpu, _: [u64; 3]) -> Result<u64, Trap> {
    for n in 0..COUNT {
        if is_counting(cpu, n) {
            let control = control(cpu, n);
            let left = field(control, icount::COUNT) - 1;
            let pending = if left == 0 { icount::PENDING } else { 0 };
            cpu.set(nth(regs::TDATA1, n), with_field(control, icount::COUNT, left) | pending);
        }
    }
    cpu.mode_changed();
    Ok(0)
}

/// Looks for triggers that fire before the instruction at `address`.
///
/// # Errors
/// The breakpoint exception.
pub fn check_fetch(cpu: &mut Cpu, address: u64) -> Result<(), Trap> {
    // The rest of an instruction is fetched, too: a trigger is for its first byte.
    if cpu.get(regs::TRIGGERS) & FETCHES == 0 || address != cpu.pc {
        return Ok(());
    }
    for n in 0..COUNT {
        let control = control(cpu, n);
        let is_due = kind_of(control) == kind::ICOUNT && control & icount::PENDING != 0;
        let is_there = matches_address(cpu, n, mcontrol::EXECUTE) && cpu.get(nth(regs::TDATA2, n)) == address;
        if (is_due || is_there) && selects(cpu, n) {
            if is_due {
                set(cpu, n, regs::TDATA1, control & !icount::PENDING);
            }
            return Err(Trap { cause: cause::BREAKPOINT, value: address });
        }
    }
    Ok(())
}

/// Whether the instructions of a page have to be looked at one by one.
pub fn breaks_in_page(cpu: &Cpu, address: u64) -> bool {
    cpu.get(regs::TRIGGERS) & FETCHES != 0
        && (0..COUNT).any(|n| {
            kind_of(control(cpu, n)) == kind::ICOUNT
                || matches_address(cpu, n, mcontrol::EXECUTE) && is_in_page(cpu, n, address)
        })
}

/// Whether accesses to a page have to be looked at one by one.
pub fn watches_page(cpu: &Cpu, address: u64) -> bool {
    const ANY: u64 = mcontrol::LOAD | mcontrol::STORE;
    cpu.get(regs::TRIGGERS) & ACCESSES != 0
        && (0..COUNT).any(|n| matches_address(cpu, n, ANY) && is_in_page(cpu, n, address))
}

fn is_in_page(cpu: &Cpu, n: u16, address: u64) -> bool {
    (cpu.get(nth(regs::TDATA2, n)) ^ address) < PAGE_SIZE
}

/// Looks for triggers that fire before an access of `size` bytes.
///
/// # Errors
/// The breakpoint exception.
pub fn check_access(cpu: &Cpu, address: u64, size: u8, access: Access) -> Result<(), Trap> {
    let what = if access == Access::Store { mcontrol::STORE } else { mcontrol::LOAD };
    for n in 0..COUNT {
        let (control, at) = (control(cpu, n), cpu.get(nth(regs::TDATA2, n)));
        let wanted = match kind_of(control) {
            kind::MCONTROL => field(control, mcontrol::SIZE_HIGH) << 2 | field(control, mcontrol::SIZE_LOW),
            _ => field(control, mcontrol::SIZE),
        };
        let sized = match wanted {
            0 => true,
            5 => size == 8,
            log => u64::from(size) == 1 << (log - 1),
        };
        let touched = at.wrapping_sub(address) < u64::from(size);
        if matches_address(cpu, n, what) && sized && touched && selects(cpu, n) {
            return Err(Trap { cause: cause::BREAKPOINT, value: at });
        }
    }
    Ok(())
}

/// What the firmware may set for S-mode: legal, and nothing of M-mode's. `None`: refused.
pub fn for_supervisor(value: u64) -> Option<u64> {
    const DMODE: u64 = 1 << 59;
    let legal = legal(value)?;
    let machine = match kind_of(legal) {
        kind::MCONTROL | kind::MCONTROL6 => mcontrol::M,
        _ => return None,
    };
    (value & (DMODE | machine) == 0 && bits(value, 63, 60) != 0).then_some(legal)
}

/// The bits of an address match by which it is for U-mode and for S-mode.
pub fn levels(control: u64) -> (bool, bool) {
    (bit(control, mcontrol::U.trailing_zeros()), bit(control, mcontrol::S.trailing_zeros()))
}

/// An address match for these levels.
pub fn with_levels(control: u64, user: bool, supervisor: bool) -> u64 {
    with_field(with_field(control, mcontrol::U, user.into()), mcontrol::S, supervisor.into())
}
