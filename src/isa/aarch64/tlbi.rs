//! TLB maintenance: by address, address space, range, or all, here and on the other CPUs.

use super::features::Features;
use super::fields::hcr;
use super::sysreg::{parts, slots};
use super::translation::{Regime, granule, vmid};
use super::{config, state, trap};
use crate::base::bits::{bit, bits, sext};
use crate::cpu::{Cpu, Request, Trap};
use crate::fabric::PAGE_SIZE;

/// More pages than this are flushed with all others of their address space.
const MOST_PAGES: u64 = 64;

/// What an operation is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    /// Everything of a regime, or more.
    All,
    /// An address space.
    Space,
    /// A page, of one address space or of all.
    Page { any_space: bool },
    /// A range of pages, likewise.
    Range { any_space: bool },
    /// Intermediate physical addresses, which TLB entries are not found by: all go.
    Stage2 { range: bool },
}

/// How far it reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    Here,
    Everywhere,
    /// Everywhere, beyond the inner domain.
    Outer,
}

/// Takes an operation's number apart; `None`: there is no such operation.
fn decode(number: u16) -> Option<(About, Reach)> {
    let [_, op1, _, crm, op2] = parts(number);
    let stage2 = op1 == 4 && matches!(crm, 0 | 4);
    if stage2 {
        let reach = match (crm, op2) {
            (0, 1 | 2 | 5 | 6) => Reach::Everywhere,
            (4, 1 | 2 | 5 | 6) => Reach::Here,
            (4, 0 | 3 | 4 | 7) => Reach::Outer,
            _ => return None,
        };
        let range = matches!((crm, op2), (_, 2 | 6) | (4, 3 | 7));
        return Some((About::Stage2 { range }, reach));
    }
    let reach = match crm {
        1 | 5 => Reach::Outer,
        2 | 3 => Reach::Everywhere,
        6 | 7 => Reach::Here,
        _ => return None,
    };
    let any_space = op1 != 0 || op2 & 2 != 0;
    let about = match (crm, op1, op2) {
        (2 | 5 | 6, 0, 1 | 3 | 5 | 7) | (2 | 5 | 6, 4 | 6, 1 | 5) => About::Range { any_space },
        (1 | 3 | 7, 0, 1 | 3 | 5 | 7) | (1 | 3 | 7, 4 | 6, 1 | 5) => About::Page { any_space },
        (1 | 3 | 7, 0, 2) => About::Space,
        (1 | 3 | 7, 0 | 4 | 6, 0) | (1 | 3 | 7, 4, 4 | 6) => About::All,
        _ => return None,
    };
    Some((about, reach))
}

/// The request that an operation comes to.
fn request(cpu: &Cpu, about: About, op1: u64, value: u64) -> Request {
    let regime = match op1 {
        0 if state::is_host(cpu) => Regime::El20,
        0 => Regime::El10,
        4 => Regime::of(cpu, 2),
        _ => Regime::El3,
    };
    let asid = (value >> 48) as u32;
    let named = match regime {
        Regime::El10 => vmid(cpu) << 16 | asid,
        Regime::El20 => asid,
        Regime::El2 | Regime::El3 => regime.id(cpu),
    };
    let control = regime.tcr(cpu);
    let pages = |start: u64, count: u64, any_space: bool| {
        // Pages of the high half may be global, whatever the operation names.
        let space = (!any_space && !bit(start, 55)).then_some(named);
        match space {
            _ if count <= MOST_PAGES => Request::FlushPages { start, count, space },
            Some(space) => Request::FlushSpace(space),
            None => Request::Flush,
        }
    };
    match about {
        About::All | About::Stage2 { .. } => Request::Flush,
        About::Space => Request::FlushSpace(named),
        About::Page { any_space } => {
            let size = 1 << granule(regime, control, bit(value, 43));
            let start = sext(value << 12, 56) & !(size - 1);
            pages(start, size / PAGE_SIZE, any_space)
        }
        About::Range { any_space } => {
            let shift = match bits(value, 47, 46) {
                1 => 12,
                2 => 14,
                _ => 16,
            };
            let start = sext(bits(value, 36, 0), 37) << shift;
            let (number, scale) = (bits(value, 43, 39), bits(value, 45, 44));
            let granules = (number + 1) << (5 * scale + 1);
            pages(start, (granules << shift) / PAGE_SIZE, any_space)
        }
    }
}

/// TLBI.
///
/// # Errors
/// UNDEFINED, or a trap to a higher level.
pub fn maintain(cpu: &mut Cpu, number: u16, value: u64, access: trap::Access) -> Result<(), Trap> {
    let [_, op1, ..] = parts(number);
    let features = config(cpu).features;
    let level = state::level(cpu);
    let lowest = match op1 {
        0 => 1,
        4 => 2,
        6 => 3,
        _ => return Err(trap::undefined()),
    };
    let there = |(about, reach): &(About, Reach)| {
        (!matches!(about, About::Range { .. } | About::Stage2 { range: true }) || features.has(Features::TLBIRANGE))
            && (*reach != Reach::Outer || features.has(Features::TLBIOS))
    };
    let Some((about, reach)) = decode(number).filter(there) else { return Err(trap::undefined()) };
    if level < lowest {
        return Err(trap::undefined());
    }
    let hcr = cpu.get(slots::HCR_EL2);
    let trapped = match reach {
        Reach::Here => hcr::TTLB,
        Reach::Everywhere => hcr::TTLB | hcr::TTLBIS,
        Reach::Outer => hcr::TTLB | hcr::TTLBOS,
    };
    if level == 1 && state::el2_enabled(cpu) && hcr & trapped != 0 {
        return Err(access.trap_to(2));
    }
    const FORCE_BROADCAST: u32 = 9;
    let forced = level == 1 && state::el2_enabled(cpu) && bit(hcr, FORCE_BROADCAST);
    // What was no guarded page where the last branch went may be one now.
    cpu.set(super::regs::BRANCHED, 0);
    let request = request(cpu, about, op1, value);
    match request {
        Request::FlushPages { start, count, space } => {
            for page in 0..count {
                cpu.flush_page(start.wrapping_add(page * PAGE_SIZE), space);
            }
        }
        Request::FlushSpace(space) => cpu.flush_space(space),
        _ => cpu.flush_all(),
    }
    if reach != Reach::Here || forced {
        // It is complete behind a DSB.
        cpu.ask_others_until_barrier(request, |_| true);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::aarch64::sysreg::table::number;

    #[test]
    fn operations_are_told_apart() {
        let of = |op1, crm, op2| decode(number(1, op1, 8, crm, op2));
        assert_eq!(of(0, 3, 0), Some((About::All, Reach::Everywhere)));
        assert_eq!(of(0, 7, 1), Some((About::Page { any_space: false }, Reach::Here)));
        assert_eq!(of(0, 3, 7), Some((About::Page { any_space: true }, Reach::Everywhere)));
        assert_eq!(of(0, 1, 2), Some((About::Space, Reach::Outer)));
        assert_eq!(of(0, 2, 5), Some((About::Range { any_space: false }, Reach::Everywhere)));
        assert_eq!(of(4, 4, 1), Some((About::Stage2 { range: false }, Reach::Here)));
        assert_eq!(of(4, 4, 3), Some((About::Stage2 { range: true }, Reach::Outer)));
        assert_eq!(of(4, 0, 6), Some((About::Stage2 { range: true }, Reach::Everywhere)));
        assert_eq!(of(4, 3, 5), Some((About::Page { any_space: true }, Reach::Everywhere)));
        assert_eq!(of(0, 7, 4), None);
        assert_eq!(of(6, 7, 2), None);
    }
}
