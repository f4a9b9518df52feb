//! Address translation: Sv39, Sv48 and Sv57 with Svade, Svadu, Svnapot and Svpbmt, and physical memory protection.

use super::csr::Csr;
use super::extensions::Extensions;
use super::fields::{envcfg, mstatus, satp};
use super::mode::Privilege;
use super::trap::{access_fault, page_fault, privilege};
use super::{Riscv64, config, counters, pmp, regs, triggers};
use crate::base::bits::{bits, field, sext};
use crate::cpu::{Access, AddressSpace, Cpu, Mapped, Mapping, PageTables, Trap};
use crate::fabric::PAGE_SIZE;
use crate::guest_error;

/// Bits of a page-table entry.
mod pte {
    pub const V: u64 = 1;
    pub const R: u64 = 1 << 1;
    pub const W: u64 = 1 << 2;
    pub const X: u64 = 1 << 3;
    pub const U: u64 = 1 << 4;
    pub const G: u64 = 1 << 5;
    pub const A: u64 = 1 << 6;
    pub const D: u64 = 1 << 7;
    pub const RESERVED: u64 = 0x7f << 54;
    pub const PBMT: u64 = 3 << 61;
    pub const N: u64 = 1 << 63;
}

/// How often the update of an entry that others write too is tried before it counts as one that cannot be written.
const TRIES: u32 = 64;
/// Bytes of the smallest instruction: what a fetch that is not to be kept holds for.
const SMALLEST_INSTRUCTION: u64 = 2;
/// Size of a page-table entry in bytes.
const PTE_SIZE: u8 = 8;

/// Levels of page tables of a `satp` mode; 0 for Bare, `None` for reserved ones.
pub fn levels(mode: u64) -> Option<u32> {
    match mode {
        satp::BARE => Some(0),
        satp::SV39 => Some(3),
        satp::SV48 => Some(4),
        satp::SV57 => Some(5),
        _ => None,
    }
}

/// Whether `satp` may be accessed: `mstatus.TVM`.
pub fn satp_enabled(cpu: &Cpu, _: u16) -> bool {
    privilege(cpu) == Privilege::Machine || cpu.get(regs::MSTATUS) & mstatus::TVM == 0
}

/// Writes `satp`; a mode that the model does not have leaves all of it as it was.
pub fn write_satp(cpu: &mut Cpu, csr: &Csr, value: u64) {
    match levels(field(value, satp::MODE)) {
        Some(levels) if levels <= config(cpu).levels => {
            cpu.set(csr.slot, value);
            cpu.mode_changed();
        }
        _ => guest_error!("satp written with a mode that this model does not have: {value:#x}"),
    }
}

/// The privilege that loads and stores have.
fn data_privilege(cpu: &Cpu) -> Privilege {
    let status = cpu.get(regs::MSTATUS);
    if status & mstatus::MPRV != 0 { Privilege::decode(field(status, mstatus::MPP)) } else { privilege(cpu) }
}

fn space(cpu: &Cpu, at: Privilege, bits: u32) -> AddressSpace {
    let satp = cpu.get(regs::SATP);
    if at == Privilege::Machine || field(satp, satp::MODE) == satp::BARE {
        AddressSpace { root: 0, id: 0, bits, globals: 0 }
    } else {
        // Global pages are in all address spaces.
        AddressSpace { root: satp, id: field(satp, satp::ASID) as u32, bits, globals: field(satp, satp::MODE) }
    }
}

/// What translates loads and stores.
pub fn data_space(cpu: &Cpu) -> AddressSpace {
    let at = data_privilege(cpu);
    let status = cpu.get(regs::MSTATUS);
    let bits = at as u64 | field(status, mstatus::SUM) << 2 | field(status, mstatus::MXR) << 3;
    space(cpu, at, bits as u32)
}

/// What translates fetches of code whose mode word is `code`.
pub fn fetch_space(cpu: &Cpu, code: u32) -> AddressSpace {
    space(cpu, privilege(cpu), code)
}

/// A leaf entry, and how it maps.
struct Leaf {
    entry: u64,
    /// Physical address of the entry.
    place: u64,
    physical: u64,
    /// Size of the page.
    size: u64,
    /// Whether it, or a table on the way to it, is global.
    global: bool,
}

/// Why a walk ended without a leaf.
enum Fault {
    Page,
    Access,
}

/// Finds the leaf entry of `address`. `look` reads an entry, or says why it cannot.
fn walk(cpu: &Cpu, isa: &Riscv64, address: u64, look: impl Fn(u64) -> Result<u64, Fault>) -> Result<Leaf, Fault> {
    let root = cpu.get(regs::SATP);
    let levels = levels(field(root, satp::MODE)).unwrap_or(0);
    if sext(address, 12 + 9 * levels) != address {
        return Err(Fault::Page);
    }
    let napot = isa.ext.has(Extensions::SVNAPOT);
    let pbmt = isa.ext.has(Extensions::SVPBMT) && cpu.get(regs::MENVCFG) & envcfg::PBMTE != 0;
    let mut table = field(root, satp::PPN) * PAGE_SIZE;
    let mut global = false;
    for level in (0..levels).rev() {
        let shift = 12 + 9 * level;
        let place = table + 8 * bits(address, shift + 8, shift);
        let entry = look(place)?;
        let reserved = entry & pte::RESERVED != 0
            || (!napot && entry & pte::N != 0)
            || (!pbmt && entry & pte::PBMT != 0)
            || entry & pte::PBMT == pte::PBMT;
        if entry & pte::V == 0 || entry & (pte::R | pte::W) == pte::W || reserved {
            return Err(Fault::Page);
        }
        global |= entry & pte::G != 0;
        let ppn = bits(entry, 53, 10);
        if entry & (pte::R | pte::X) == 0 {
            if entry & (pte::D | pte::A | pte::U | pte::N | pte::PBMT) != 0 {
                return Err(Fault::Page);
            }
            table = ppn * PAGE_SIZE;
            continue;
        }
        let mut size = 1 << shift;
        let mut base = ppn * PAGE_SIZE;
        if entry & pte::N != 0 {
            // The one size there is: 64 KiB, said by the low bits of the page number.
            if level != 0 || ppn & 0xf != 0b1000 {
                return Err(Fault::Page);
            }
            size = 16 * PAGE_SIZE;
            base &= !(size - 1);
        }
        if base & (size - 1) != 0 {
            return Err(Fault::Page);
        }
        return Ok(Leaf { entry, place, physical: base | address & (size - 1), size, global });
    }
    Err(Fault::Page)
}

/// Whether the entry's permissions allow the access, at `at` with the status `status`.
fn permits(entry: u64, access: Access, at: Privilege, status: u64) -> bool {
    let user = entry & pte::U != 0;
    let reachable = match at {
        Privilege::User => user,
        // No S-mode fetches from pages of U-mode, whatever SUM says.
        _ => !user || (access != Access::Fetch && status & mstatus::SUM != 0),
    };
    let wanted = match access {
        Access::Fetch => pte::X,
        Access::Store => pte::W,
        Access::Load if status & mstatus::MXR != 0 => pte::R | pte::X,
        Access::Load => pte::R,
    };
    reachable && entry & wanted != 0
}

/// See [`crate::cpu::Isa::translate`].
pub fn translate(cpu: &mut Cpu, isa: &Riscv64, address: u64, access: Access) -> Result<Mapping, Trap> {
    if cpu.get(regs::HPM_COUNTED) != 0 {
        counters::count_walk(cpu, access);
    }
    let fetch = access == Access::Fetch;
    let at = if fetch { privilege(cpu) } else { data_privilege(cpu) };
    let bare = at == Privilege::Machine || field(cpu.get(regs::SATP), satp::MODE) == satp::BARE;
    let (physical, size, read, write, global) = if bare {
        (address, PAGE_SIZE, true, true, false)
    } else {
        let leaf = leaf_for(cpu, isa, address, access, at).map_err(|fault| match fault {
            Fault::Page => page_fault(address, access),
            Fault::Access => access_fault(address, access),
        })?;
        let status = cpu.get(regs::MSTATUS);
        let read = permits(leaf.entry, Access::Load, at, status);
        let write = permits(leaf.entry, Access::Store, at, status) && leaf.entry & pte::D != 0;
        (leaf.physical, leaf.size, read, write, leaf.global)
    };
    let allowed = pmp::allowed(cpu, physical, at);
    if !allowed.allows(access) {
        return Err(access_fault(address, access));
    }
    if fetch {
        triggers::check_fetch(cpu, address)?;
    }
    Ok(Mapping {
        physical,
        size: match allowed.extent {
            PAGE_SIZE if fetch && triggers::breaks_in_page(cpu, address) => SMALLEST_INSTRUCTION,
            PAGE_SIZE => size,
            extent => extent,
        },
        read: read && allowed.allows(Access::Load),
        write: write && allowed.allows(Access::Store),
        secure: false,
        checked: !fetch && triggers::watches_page(cpu, address),
        global,
        code: 0,
    })
}

/// The leaf of an access that is permitted, its A and D bits set as the access needs.
fn leaf_for(cpu: &Cpu, isa: &Riscv64, address: u64, access: Access, at: Privilege) -> Result<Leaf, Fault> {
    let look = |place: u64| {
        let allowed = pmp::allowed(cpu, place, Privilege::Supervisor).covers(Access::Load, PTE_SIZE.into());
        allowed.then(|| cpu.read_physical(place, PTE_SIZE)).flatten().ok_or(Fault::Access)
    };
    for _ in 0..TRIES {
        let mut leaf = walk(cpu, isa, address, look)?;
        if !permits(leaf.entry, access, at, cpu.get(regs::MSTATUS)) {
            return Err(Fault::Page);
        }
        let wanted = if access == Access::Store { pte::A | pte::D } else { pte::A };
        if leaf.entry & wanted == wanted {
            return Ok(leaf);
        }
        if !sets_ad(cpu, isa) {
            return Err(Fault::Page);
        }
        if !pmp::allowed(cpu, leaf.place, Privilege::Supervisor).covers(Access::Store, PTE_SIZE.into()) {
            return Err(Fault::Access);
        }
        if cpu.update_physical(leaf.place, leaf.entry, leaf.entry | wanted) {
            leaf.entry |= wanted;
            return Ok(leaf);
        }
        // Somebody else wrote the entry: what it says now is what counts.
    }
    Err(Fault::Access)
}

/// Whether hardware sets A and D: as `menvcfg.ADUE` says, or for good in a model that has neither scheme by name.
fn sets_ad(cpu: &Cpu, isa: &Riscv64) -> bool {
    if isa.ext.has(Extensions::SVADU) {
        cpu.get(regs::MENVCFG) & envcfg::ADUE != 0
    } else {
        !isa.ext.has(Extensions::SVADE)
    }
}

/// See [`crate::cpu::Isa::translate_debug`].
pub fn translate_debug(cpu: &Cpu, isa: &Riscv64, address: u64) -> Option<u64> {
    if privilege(cpu) == Privilege::Machine || field(cpu.get(regs::SATP), satp::MODE) == satp::BARE {
        return Some(address);
    }
    let look = |place| cpu.read_physical(place, PTE_SIZE).ok_or(Fault::Access);
    walk(cpu, isa, address, look).ok().map(|leaf| leaf.physical)
}

/// The attributes of a mapping, and their letters.
const ATTRIBUTES: [u64; 7] = [pte::R, pte::W, pte::X, pte::U, pte::G, pte::A, pte::D];
const LETTERS: &str = "rwxugad";

/// See [`crate::cpu::Isa::page_tables`].
pub fn page_tables(cpu: &Cpu, each: &mut dyn FnMut(Mapped) -> bool) -> PageTables {
    let root = cpu.get(regs::SATP);
    let Some(levels) = levels(field(root, satp::MODE)).filter(|levels| *levels > 0) else { return PageTables::Off };
    let mut extended = |mapped: Mapped| each(Mapped { address: sext(mapped.address, 12 + 9 * levels), ..mapped });
    let mut teller = Teller { cpu, left: PageTables::MOST, each: &mut extended };
    teller.table(field(root, satp::PPN) * PAGE_SIZE, levels, 0);
    PageTables::Told(LETTERS)
}

struct Teller<'a> {
    cpu: &'a Cpu,
    /// How many more tables are looked at.
    left: u32,
    each: &'a mut dyn FnMut(Mapped) -> bool,
}

impl Teller<'_> {
    /// Tells of the table at `place`, with `levels` levels, that maps from `address` on; false at the end of it all.
    fn table(&mut self, place: u64, levels: u32, address: u64) -> bool {
        let shift = 12 + 9 * (levels - 1);
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        (0..512).all(|index| {
            let entry = self.cpu.read_physical(place + 8 * index, 8).unwrap_or(0);
            let address = address | index << shift;
            let next = bits(entry, 53, 10) * PAGE_SIZE;
            match entry & (pte::R | pte::W | pte::X) {
                _ if entry & pte::V == 0 => true,
                0 => levels == 1 || self.table(next, levels - 1, address),
                _ => {
                    // Of 64 KiB pages each entry tells of its own part.
                    let physical = if entry & pte::N == 0 { next } else { next & !0xffff | address & 0xffff };
                    let attributes = ATTRIBUTES.iter().zip(0..).filter(|(bit, _)| entry & **bit != 0);
                    let attributes = attributes.fold(0, |all, (_, n)| all | 1 << n);
                    (self.each)(Mapped { address, physical, size: 1 << shift, attributes })
                }
            }
        })
    }
}

/// SFENCE.VMA and SINVAL.VMA on this hart: `address` and `asid` where they are given.
pub fn fence(cpu: &mut Cpu, address: Option<u64>, asid: Option<u64>) {
    let asid = asid.map(|asid| asid as u32 & 0xffff);
    match (address, asid) {
        (Some(address), asid) => cpu.flush_page(address, asid),
        (None, Some(asid)) => cpu.flush_space(asid),
        (None, None) => cpu.flush_all(),
    }
}
