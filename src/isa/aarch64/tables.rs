//! The page tables as debuggers see them: stage 1 of the current regime, and what stage 2 makes of it.

use super::fields::{fsc, tcr};
use super::mmu::{self, Found, Rights, Who};
use super::state;
use super::translation::{Regime, granule};
use crate::base::bits::field;
use crate::cpu::{Access, Cpu, Mapped, PageTables};

/// What the regime's own level may do, then what EL0 may.
const LETTERS: &str = "rwxrwx";

/// How many places are looked at: a guest may map very many pages.
const MOST: u32 = 1 << 22;

/// Tells of all that is mapped, lowest address first.
pub fn page_tables(cpu: &Cpu, each: &mut dyn FnMut(Mapped) -> bool) -> PageTables {
    let regime = Regime::of(cpu, state::level(cpu));
    if !regime.is_on(cpu) {
        return PageTables::Off;
    }
    let control = regime.tcr(cpu);
    let mut left = MOST;
    for high in if regime.is_split() { &[false, true][..] } else { &[false][..] } {
        let unused = field(control, if *high { tcr::T1SZ } else { tcr::T0SZ }).clamp(12, 48) as u32;
        let first = if *high { u64::MAX << (64 - unused) } else { 0 };
        let granule = granule(regime, control, *high);
        let mut offset = 0u64;
        while offset >> (64 - unused) == 0 {
            let address = first | offset;
            let size = match look(cpu, regime, address, false) {
                Ok(found) => {
                    let attributes = letters(Some(found.rights))
                        | letters(look(cpu, regime, address, true).ok().map(|found| found.rights)) << 3;
                    if !each(Mapped { address, physical: found.physical, size: found.size, attributes }) {
                        return PageTables::Told(LETTERS);
                    }
                    found.size
                }
                // A table that leads nowhere says so for all that it would map.
                Err(fault) if fault.stage2.is_none() && fault.status & !3 == fsc::TRANSLATION => {
                    1 << (granule + (3 - (fault.status & 3) as u32) * (granule - 3)).min(63)
                }
                Err(_) => 1 << granule,
            };
            left -= 1;
            if left == 0 {
                return PageTables::Told(LETTERS);
            }
            offset = (offset & !(size - 1)).saturating_add(size);
        }
    }
    PageTables::Told(LETTERS)
}

fn look(cpu: &Cpu, regime: Regime, address: u64, user: bool) -> Result<Found, mmu::Fault> {
    let level = match regime {
        Regime::El10 | Regime::El20 if user => 0,
        Regime::El10 => 1,
        Regime::El20 | Regime::El2 => 2,
        Regime::El3 => 3,
    };
    mmu::find(cpu, address, Access::Load, Who { level, pan: false, peeks: true, first_only: false })
}

fn letters(rights: Option<Rights>) -> u32 {
    rights.map_or(0, |r| u32::from(r.read) | u32::from(r.write) << 1 | u32::from(r.execute) << 2)
}
