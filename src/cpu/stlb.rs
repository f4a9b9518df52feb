//! The second-level TLB: what page walks found, for when the tables that emitted code looks at have lost it.
//!
//! An entry is named by its page and a *key*. Each address space has one, in each of its privileges; global pages are
//! under one that all address spaces share which have the same ones, so that a switch to a new one finds the kernel's
//! pages known. Keys are never given twice: who gives a space a new one has flushed it.
//!
//! An entry allows what the walk did, and no more: whether stores must be noticed, and where the memory is, are looked
//! at each time. What an entry does not allow is walked for, as what there is no entry for.

use super::{Access, Mapping};
use crate::fabric::PAGE_SIZE;

/// Entries, a power of two.
const SIZE: usize = 1 << 16;

/// The virtual address of the page and what is allowed; the physical address of the page and [`Mapping::code`]; the key.
/// All zero: none.
type Entry = [u64; 3];

/// Bits beside the address of the page.
mod allowed {
    pub const READ: u64 = 1;
    pub const WRITE: u64 = 1 << 1;
    pub const FETCH: u64 = 1 << 2;
    pub const SECURE: u64 = 1 << 3;
    /// Not an allowance: [`super::Mapping::checked`].
    pub const CHECKED: u64 = 1 << 4;
}

/// Where the translations of an address space are.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Its own.
    pub own: u64,
    /// The global ones; 0 where there are none.
    pub global: u64,
}

/// The table. Its memory is taken as it is used.
pub(super) struct Stlb {
    entries: Box<[Entry]>,
    last_key: u64,
}

impl Stlb {
    pub fn new() -> Stlb {
        Stlb { entries: vec![[0; 3]; SIZE].into(), last_key: 0 }
    }

    /// A key that was never given.
    pub fn new_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    /// What is known of `address`, if it allows the access.
    pub fn get(&self, address: u64, keys: Keys, access: Access) -> Option<Mapping> {
        // Kernels have their global pages in the upper half.
        let both = if address >> 63 != 0 { [keys.global, keys.own] } else { [keys.own, keys.global] };
        both.into_iter().filter(|key| *key != 0).find_map(|key| {
            let mapping = self.get_under(address, key, access)?;
            Some(Mapping { global: key == keys.global, ..mapping })
        })
    }

    fn get_under(&self, address: u64, key: u64, access: Access) -> Option<Mapping> {
        let [page, physical, owner] = self.entries[index(address, key, access)];
        let wanted = match access {
            Access::Fetch => allowed::FETCH,
            Access::Load => allowed::READ,
            Access::Store => allowed::WRITE,
        };
        let hit = owner == key && page & !(PAGE_SIZE - 1) == address & !(PAGE_SIZE - 1) && page & wanted != 0;
        hit.then_some(Mapping {
            physical: physical & !(PAGE_SIZE - 1) | (address % PAGE_SIZE),
            size: PAGE_SIZE,
            read: page & allowed::READ != 0,
            write: page & allowed::WRITE != 0,
            secure: page & allowed::SECURE != 0,
            checked: page & allowed::CHECKED != 0,
            global: false,
            code: physical as u8,
        })
    }

    /// Keeps what a walk for `address` found, for all of its page.
    pub fn put(&mut self, address: u64, keys: Keys, access: Access, mapping: &Mapping) {
        let key = if mapping.global && keys.global != 0 { keys.global } else { keys.own };
        let bit = |holds: bool, bit: u64| if holds { bit } else { 0 };
        let allows = match access {
            Access::Fetch => allowed::FETCH,
            _ => bit(mapping.read, allowed::READ) | bit(mapping.write, allowed::WRITE),
        };
        let more = bit(mapping.secure, allowed::SECURE) | bit(mapping.checked, allowed::CHECKED);
        let page = address & !(PAGE_SIZE - 1) | allows | more;
        self.entries[index(address, key, access)] =
            [page, mapping.physical & !(PAGE_SIZE - 1) | u64::from(mapping.code), key];
    }

    /// Drops what is known of a page under a key.
    pub fn drop_page(&mut self, address: u64, key: u64) {
        for access in [Access::Load, Access::Fetch] {
            let entry = &mut self.entries[index(address, key, access)];
            if entry[2] == key && entry[0] & !(PAGE_SIZE - 1) == address & !(PAGE_SIZE - 1) {
                *entry = [0; 3];
            }
        }
    }
}

/// Where a page is under a key; fetches have places of their own. The multiplier spreads every stride.
fn index(address: u64, key: u64, access: Access) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let space = (key << 1 | u64::from(access == Access::Fetch)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (((address / PAGE_SIZE) ^ space).wrapping_mul(SPREAD) >> (64 - SIZE.trailing_zeros())) as usize
}
