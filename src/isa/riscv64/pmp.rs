//! Physical memory protection.

use super::config;
use super::csr::Csr;
use super::mode::Privilege;
use super::regs::{self, PMP_REGIONS, pmpaddr};
use crate::base::bits::{bits, mask};
use crate::cpu::{Access, Cpu};
use crate::fabric::PAGE_SIZE;
use crate::guest_error;

const R: u8 = 1;
const W: u8 = 2;
const X: u8 = 4;
/// Locked: the entry cannot be written, and holds for M-mode too.
const L: u8 = 0x80;

/// Address matching, field A.
const OFF: u8 = 0;
const TOR: u8 = 1;
const NA4: u8 = 2;

/// Whether the model has PMP.
pub fn present(cpu: &Cpu, _: u16) -> bool {
    config(cpu).pmp
}

fn entry(cpu: &Cpu, n: u32) -> u8 {
    let slot = if n < 8 { regs::PMPCFG0 } else { regs::PMPCFG2 };
    (cpu.get(slot) >> (8 * (n % 8))) as u8
}

fn matching(entry: u8) -> u8 {
    entry >> 3 & 3
}

/// First and last address of a region; `None` when it is off or empty.
fn region(cpu: &Cpu, n: u32) -> Option<(u64, u64)> {
    let address = cpu.get(pmpaddr(n));
    match matching(entry(cpu, n)) {
        OFF => None,
        TOR => {
            let from = if n == 0 { 0 } else { cpu.get(pmpaddr(n - 1)) << 2 };
            let to = address << 2;
            (from < to).then(|| (from, to - 1))
        }
        NA4 => Some((address << 2, (address << 2) + 3)),
        _ => {
            // k trailing ones: 2^(k+3) bytes. All of them together: more than there is.
            let ones = address.trailing_ones();
            let size_mask = mask((ones + 3).min(64));
            let from = (address << 2) & !size_mask;
            Some((from, from | size_mask))
        }
    }
}

fn any_locked(cpu: &Cpu) -> bool {
    (cpu.get(regs::PMPCFG0) | cpu.get(regs::PMPCFG2)) & 0x8080_8080_8080_8080 != 0
}

/// What a page or a part of it may be used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowed {
    bits: u8,
    /// How many bytes from the address on are decided by the same region, inside its page: [`PAGE_SIZE`] when all of
    /// the page is. An access that is longer fails, whatever the next region says.
    pub extent: u64,
}

impl Allowed {
    const ALL: Allowed = Allowed { bits: R | W | X, extent: PAGE_SIZE };

    /// Whether this access is allowed to as many bytes, which do not cross a page.
    pub fn covers(self, access: Access, size: u64) -> bool {
        self.allows(access) && size <= self.extent
    }

    /// Whether this access is allowed.
    pub fn allows(self, access: Access) -> bool {
        let bit = match access {
            Access::Load => R,
            Access::Store => W,
            Access::Fetch => X,
        };
        self.bits & bit != 0
    }
}

/// What software at `privilege` may do at a physical address.
pub fn allowed(cpu: &Cpu, physical: u64, privilege: Privilege) -> Allowed {
    let machine = privilege == Privilege::Machine;
    if !config(cpu).pmp || (machine && !any_locked(cpu)) {
        return Allowed::ALL;
    }
    let page = physical & !(PAGE_SIZE - 1);
    let page_last = page | (PAGE_SIZE - 1);
    // The first and the last byte around `physical` that nothing else is known to decide for.
    let (mut first, mut end) = (page, page_last);
    let mut bits = if machine { R | W | X } else { 0 };
    for n in 0..PMP_REGIONS {
        let Some((from, last)) = region(cpu, n) else { continue };
        if last < physical {
            first = first.max(last.saturating_add(1));
        } else if from > physical {
            end = end.min(from - 1);
        } else {
            (first, end) = (first.max(from), end.min(last));
            let entry = entry(cpu, n);
            bits = if machine && entry & L == 0 { R | W | X } else { entry };
            break;
        }
    }
    let whole = (first, end) == (page, page_last);
    Allowed { bits, extent: if whole { PAGE_SIZE } else { end - physical + 1 } }
}

/// Writes a `pmpcfg`: eight entries, of which locked ones stay.
pub fn write_config(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let old = cpu.get(csr.slot).to_le_bytes();
    let mut new = value.to_le_bytes();
    for (new, old) in new.iter_mut().zip(old) {
        if old & L != 0 {
            if *new != old {
                guest_error!("write to a locked entry of {}", csr.name);
            }
            *new = old;
            continue;
        }
        *new &= L | 0x18 | R | W | X;
        if *new & (R | W) == W {
            // Reserved. All three permissions are one field, which becomes legal as a whole.
            *new &= !(R | W | X);
        }
    }
    cpu.set(csr.slot, u64::from_le_bytes(new));
    cpu.flush_all();
}

/// Writes a `pmpaddr`, unless its entry or the range that ends above it is locked.
pub fn write_address(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let n = u32::from(csr.number & 0xf);
    let above = (n + 1 < PMP_REGIONS).then(|| entry(cpu, n + 1));
    if entry(cpu, n) & L != 0 || above.is_some_and(|above| above & L != 0 && matching(above) == TOR) {
        guest_error!("write to {}, which is locked", csr.name);
        return;
    }
    cpu.set(csr.slot, bits(value, 53, 0));
    cpu.flush_all();
}
