//! Address translation: VMSAv8-64, stages 1 and 2, with granules of 4, 16 and 64 KiB, access flag and dirty state by
//! hardware, and 52-bit addresses with the largest granule.
//!
//! ```text
//!   address ──► regime, half ──► Stage ──► walk ──► rights ──► (stage 2: the same once more) ──► Mapping
//! ```
//! Of memory types it counts only that accesses to devices are aligned: all memory is coherent. The contiguous hint is not needed, and the
//! guarded bit is looked at where it counts.

use super::features::Features;
use super::fields::{ec, fsc, pstate, sctlr, tcr};
use super::mode::CodeMode;
use super::sysreg::slots;
use super::translation::{Regime, data_level, granule, has_stage2, is_pan, physical_bits, plain_target};
use super::{config, debug, state, trap};
use crate::base::bits::{bit, bits, field, mask};
use crate::cpu::{Access, Cpu, Mapping, Trap};
use crate::fabric::PAGE_SIZE;

/// Bits of a descriptor.
mod desc {
    pub const VALID: u64 = 1;
    /// A table, or at the last level a page.
    pub const TABLE: u64 = 1 << 1;
    /// Of a Secure regime's.
    pub const NON_SECURE: u64 = 1 << 5;
    /// AP[2:1]: user access, read only.
    pub const USER: u64 = 1 << 6;
    pub const READ_ONLY: u64 = 1 << 7;
    /// Stage 2: may be read, may be written.
    pub const S2_READ: u64 = 1 << 6;
    pub const S2_WRITE: u64 = 1 << 7;
    pub const AF: u64 = 1 << 10;
    pub const NOT_GLOBAL: u64 = 1 << 11;
    pub const GUARDED: u64 = 1 << 50;
    pub const DBM: u64 = 1 << 51;
    pub const PXN: u64 = 1 << 53;
    pub const UXN: u64 = 1 << 54;
    /// In a table's descriptor.
    pub const PXN_TABLE: u64 = 1 << 59;
    pub const XN_TABLE: u64 = 1 << 60;
    pub const NO_USER_TABLE: u64 = 1 << 61;
    pub const READ_ONLY_TABLE: u64 = 1 << 62;
    pub const NON_SECURE_TABLE: u64 = 1 << 63;
}

/// How often the update of a descriptor that others write too is tried.
const TRIES: u32 = 64;
/// Size of a mapping that must not be kept: no access inside a page is longer.
const NOT_KEPT: u64 = PAGE_SIZE - 1;

/// Why a translation ended without a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The fault status code.
    pub status: u64,
    /// Stage 2 faulted, for this intermediate physical address.
    pub stage2: Option<u64>,
    /// Stage 2 faulted while a table of stage 1 was read.
    pub on_walk: bool,
}

impl Fault {
    /// Whether there is no memory where a table should be.
    pub fn is_external(self) -> bool {
        self.status & !3 == fsc::EXTERNAL_WALK
    }
}

fn fault(kind: u64, level: u32) -> Fault {
    Fault { status: kind + u64::from(level), stage2: None, on_walk: false }
}

/// One stage of a translation.
struct Stage {
    table: u64,
    /// Binary logarithm of the granule.
    granule: u32,
    /// Bits of an input address.
    input: u32,
    /// The first level.
    start: u32,
    /// Bits of an output address.
    output: u32,
    /// Addresses of 52 bits in descriptors of the largest granule.
    wide: bool,
    big_endian: bool,
    /// Hardware sets the access flag, and manages dirty state.
    ha: bool,
    hd: bool,
    /// Tables restrict nothing.
    flat: bool,
}

/// What a walk found.
struct Leaf {
    descriptor: u64,
    /// Physical address of the descriptor.
    place: u64,
    output: u64,
    size: u64,
    level: u32,
    /// What the tables on the way restrict.
    tables: u64,
}

/// What a translation comes to.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The physical address.
    pub physical: u64,
    /// Bytes that are mapped alike.
    pub size: u64,
    /// What the level may do.
    pub rights: Rights,
    /// The leaf's descriptor; 0 where translation is off.
    pub descriptor: u64,
    /// Whether the access is Secure.
    pub secure: bool,
    /// Whether it holds in all address spaces of the regime.
    pub global: bool,
}

/// What may be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    /// Loads.
    pub read: bool,
    /// Stores.
    pub write: bool,
    /// Fetches.
    pub execute: bool,
}

impl Rights {
    const ALL: Rights = Rights { read: true, write: true, execute: true };

    fn allow(self, access: Access) -> bool {
        match access {
            Access::Fetch => self.execute,
            Access::Load => self.read,
            Access::Store => self.write,
        }
    }

    fn and(self, other: Rights) -> Rights {
        Rights {
            read: self.read && other.read,
            write: self.write && other.write,
            execute: self.execute && other.execute,
        }
    }
}

/// Who makes an access.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// The exception level.
    pub level: u8,
    /// Accesses to what EL0 may access are forbidden.
    pub pan: bool,
    /// Descriptors are only looked at: for debuggers.
    pub peeks: bool,
    /// Stage 2 translates the tables' addresses alone, not the result: for AT.
    pub first_only: bool,
}

/// The first stage for an address.
fn stage1(cpu: &Cpu, regime: Regime, address: u64, level: u8) -> Result<Stage, Fault> {
    let control = regime.tcr(cpu);
    let high = regime.is_split() && bit(address, 55);
    let granule = granule(regime, control, high);
    let wide = granule == 16 && config(cpu).features.has(Features::LVA);
    let (size_offset, ends_walks, guard) = match high {
        true => (field(control, tcr::T1SZ), control & tcr::EPD1 != 0, control & tcr::E0PD1 != 0),
        false => (field(control, tcr::T0SZ), control & tcr::EPD0 != 0, control & tcr::E0PD0 != 0),
    };
    let guarded = guard && level == 0 && config(cpu).features.has(Features::E0PD);
    let shortest = if wide { 12 } else { 16 };
    if !(shortest..=39).contains(&size_offset) || regime.is_split() && (ends_walks || guarded) {
        return Err(fault(fsc::TRANSLATION, 0));
    }
    let input = 64 - size_offset as u32;
    let top = if regime.ignores_top(cpu, high) { 55 } else { 63 };
    let above = bits(address, top, input);
    if above != if high { mask(top + 1 - input) } else { 0 } {
        return Err(fault(fsc::TRANSLATION, 0));
    }
    let single = !regime.is_split();
    let has = |both: u64, one: u64| control & (if single { one } else { both }) != 0;
    let hardware = config(cpu).features.has(Features::HAFDBS);
    let output = physical_bits(field(control, if single { tcr::PS } else { tcr::IPS }));
    let hpd = if high { tcr::HPD1 } else { tcr::HPD0 };
    let ttbr = regime.ttbr(cpu, high);
    let mut stage = Stage {
        table: 0,
        granule,
        input,
        start: 4 - (input - granule).div_ceil(granule - 3),
        output: output.min(config(cpu).physical_bits).min(if wide { 52 } else { 48 }),
        wide,
        big_endian: regime.sctlr(cpu) & sctlr::EE != 0,
        ha: hardware && has(tcr::HA, tcr::HA_SINGLE),
        hd: hardware && has(tcr::HA, tcr::HA_SINGLE) && has(tcr::HD, tcr::HD_SINGLE),
        flat: config(cpu).features.has(Features::HPDS) && has(hpd, tcr::HPD_SINGLE),
    };
    stage.table = stage.first_table(ttbr)?;
    Ok(stage)
}

/// The second stage.
fn stage2(cpu: &Cpu, address: u64) -> Result<Stage, Fault> {
    let control = cpu.get(slots::VTCR_EL2);
    let granule = granule(Regime::El2, control, false);
    let start = match (granule, field(control, tcr::SL0)) {
        (12, level @ 0..=2) => 2 - level as u32,
        (14 | 16, level @ 0..=2) => 3 - level as u32,
        _ => return Err(fault(fsc::TRANSLATION, 0)),
    };
    let wide = granule == 16 && config(cpu).features.has(Features::LVA);
    let input = 64 - (field(control, tcr::T0SZ) as u32).clamp(if wide { 12 } else { 16 }, 39);
    if address >> input != 0 {
        return Err(fault(fsc::TRANSLATION, 0));
    }
    let hardware = config(cpu).features.has(Features::HAFDBS);
    let output = physical_bits(field(control, tcr::PS));
    let mut stage = Stage {
        table: 0,
        granule,
        input,
        start,
        output: output.min(config(cpu).physical_bits).min(if wide { 52 } else { 48 }),
        wide,
        big_endian: cpu.get(slots::SCTLR_EL2) & sctlr::EE != 0,
        ha: hardware && control & tcr::HA_SINGLE != 0,
        hd: hardware && control & (tcr::HA_SINGLE | tcr::HD_SINGLE) == tcr::HA_SINGLE | tcr::HD_SINGLE,
        flat: true,
    };
    stage.table = stage.first_table(cpu.get(slots::VTTBR_EL2))?;
    Ok(stage)
}

impl Stage {
    /// Lowest bit of the input address that a level's index has.
    fn shift(&self, level: u32) -> u32 {
        self.granule + (3 - level) * (self.granule - 3)
    }

    /// The address of the first table in a TTBR: aligned to its size, which is less than a granule for short inputs,
    /// and more where stage 2 has several tables side by side.
    fn first_table(&self, ttbr: u64) -> Result<u64, Fault> {
        let index_bits = self.input.saturating_sub(self.shift(self.start));
        let mut table = bits(ttbr, 47, 1) << 1;
        if self.wide {
            table = table & !0x3f | bits(ttbr, 5, 2) << 48;
        }
        table = table >> (index_bits + 3) << (index_bits + 3);
        if table >> self.output != 0 { Err(fault(fsc::ADDRESS_SIZE, 0)) } else { Ok(table) }
    }

    /// The address in a descriptor.
    fn address(&self, descriptor: u64, shift: u32) -> u64 {
        let mut address = bits(descriptor, 47, shift) << shift;
        if self.wide {
            address |= bits(descriptor, 15, 12) << 48;
        }
        address
    }

    /// Whether a level has blocks.
    fn has_blocks(&self, level: u32) -> bool {
        match self.granule {
            12 => level == 1 || level == 2,
            16 => level == 2 || level == 1 && self.wide,
            _ => level == 2,
        }
    }

    /// Finds the leaf of an address. `look` reads the descriptor at an address and tells the physical one.
    fn walk(&self, address: u64, mut look: impl FnMut(u64, u32) -> Result<(u64, u64), Fault>) -> Result<Leaf, Fault> {
        let (mut table, mut tables) = (self.table, 0);
        for level in self.start..4 {
            let shift = self.shift(level);
            // The first index has what is left of the address, be that more than a table or less.
            let highest = if level == self.start { self.input - 1 } else { shift + self.granule - 4 };
            let index = if highest < shift { 0 } else { bits(address, highest, shift) };
            let (place, raw) = look(table + 8 * index, level)?;
            let descriptor = if self.big_endian { raw.swap_bytes() } else { raw };
            let is_table = descriptor & desc::TABLE != 0;
            let leads_on = is_table && level < 3;
            let valid = descriptor & desc::VALID != 0 && (is_table || level < 3 && self.has_blocks(level));
            if !valid {
                return Err(fault(fsc::TRANSLATION, level));
            }
            let next = self.address(descriptor, if leads_on { self.granule } else { shift });
            if next >> self.output != 0 {
                return Err(fault(fsc::ADDRESS_SIZE, level));
            }
            if leads_on {
                table = next;
                tables |= descriptor;
                continue;
            }
            let output = next | address & mask(shift);
            return Ok(Leaf { descriptor, place, output, size: 1 << shift, level, tables });
        }
        Err(fault(fsc::TRANSLATION, 3))
    }

    /// Sets the access flag, and marks the page dirty for a store, where that is for hardware to do. False: the
    /// descriptor has changed meanwhile.
    fn update(&self, cpu: &Cpu, leaf: &Leaf, new: u64) -> bool {
        let order = |value: u64| if self.big_endian { value.swap_bytes() } else { value };
        new == leaf.descriptor || cpu.update_physical(leaf.place, order(leaf.descriptor), order(new))
    }
}

/// What stage 1 allows; and whether a store marks the page dirty first.
fn rights1(cpu: &Cpu, regime: Regime, stage: &Stage, leaf: &Leaf, who: Who) -> (Rights, bool) {
    let (d, tables) = (leaf.descriptor, if stage.flat { 0 } else { leaf.tables });
    let clean = stage.hd && d & (desc::DBM | desc::READ_ONLY) == desc::DBM | desc::READ_ONLY;
    let writable = (d & desc::READ_ONLY == 0 || clean) && tables & desc::READ_ONLY_TABLE == 0;
    let wxn = regime.sctlr(cpu) & sctlr::WXN != 0;
    let xn = (d & desc::UXN) != 0 || tables & desc::XN_TABLE != 0;
    if !regime.is_split() {
        return (Rights { read: true, write: writable, execute: !(xn || wxn && writable) }, clean);
    }
    let user = d & desc::USER != 0 && tables & desc::NO_USER_TABLE == 0;
    let rights = if who.level == 0 {
        let write = user && writable;
        Rights { read: user, write, execute: !(xn || wxn && write) }
    } else {
        let pxn = d & desc::PXN != 0 || tables & desc::PXN_TABLE != 0;
        let epan = config(cpu).features.has(Features::PAN3) && regime.sctlr(cpu) & sctlr::EPAN != 0;
        let never = who.pan && (user || epan && !xn);
        let execute = !(pxn || (user || wxn) && writable);
        Rights { read: !never, write: writable && !never, execute }
    };
    (rights, clean)
}

fn read_descriptor(cpu: &Cpu, place: u64, level: u32) -> Result<u64, Fault> {
    cpu.read_physical(place, 8).ok_or(fault(fsc::EXTERNAL_WALK, level))
}

/// Finds what an address means to somebody, and does what hardware does to descriptors on the way.
///
/// # Errors
/// The fault.
pub fn find(cpu: &Cpu, address: u64, access: Access, who: Who) -> Result<Found, Fault> {
    let regime = Regime::of(cpu, who.level);
    let second = regime == Regime::El10 && has_stage2(cpu);
    let first = if regime.is_on(cpu) {
        find1(cpu, regime, address, access, who, second)?
    } else {
        let high = regime.is_split() && bit(address, 55);
        let plain = if regime.ignores_top(cpu, high) { bits(address, 55, 0) } else { address };
        if plain >> config(cpu).physical_bits != 0 {
            return Err(fault(fsc::ADDRESS_SIZE, 0));
        }
        let execute = access != Access::Fetch || regime.sctlr(cpu) & sctlr::WXN == 0 || !regime.is_on(cpu);
        let rights = Rights { execute, ..Rights::ALL };
        Found { physical: plain, size: PAGE_SIZE, rights, descriptor: 0, secure: is_secure(cpu, who), global: false }
    };
    if !second || who.first_only {
        return Ok(first);
    }
    let found = find2(cpu, first.physical, access, who)?;
    Ok(Found {
        physical: found.physical,
        size: first.size.min(found.size),
        rights: first.rights.and(found.rights),
        descriptor: first.descriptor,
        secure: false,
        global: first.global,
    })
}

/// Whether the regime is a Secure one, whose accesses are unless a descriptor says otherwise.
fn is_secure(cpu: &Cpu, who: Who) -> bool {
    config(cpu).has_el3() && (who.level == 3 || state::is_secure_below_el3(cpu))
}

fn find1(cpu: &Cpu, regime: Regime, address: u64, access: Access, who: Who, second: bool) -> Result<Found, Fault> {
    let stage = stage1(cpu, regime, address, who.level)?;
    for _ in 0..TRIES {
        let leaf = stage.walk(address, |place, level| {
            let place = if second {
                // Tables are read as memory of the guest's.
                let reader = Who { level: 1, ..who };
                find2(cpu, place, Access::Load, reader).map_err(|fault| Fault { on_walk: true, ..fault })?.physical
            } else {
                place
            };
            Ok((place, read_descriptor(cpu, place, level)?))
        })?;
        let (mut rights, clean) = rights1(cpu, regime, &stage, &leaf, who);
        let mut new = leaf.descriptor;
        if !who.peeks {
            if new & desc::AF == 0 {
                if !stage.ha {
                    return Err(fault(fsc::ACCESS_FLAG, leaf.level));
                }
                new |= desc::AF;
            }
            if !rights.allow(access) {
                return Err(fault(fsc::PERMISSION, leaf.level));
            }
            if clean && access == Access::Store {
                new &= !desc::READ_ONLY;
            } else if clean {
                // The first store is to be noticed.
                rights.write = false;
            }
            if !stage.update(cpu, &leaf, new) {
                continue;
            }
        }
        let secure = is_secure(cpu, who) && new & desc::NON_SECURE == 0 && leaf.tables & desc::NON_SECURE_TABLE == 0;
        // What a Secure regime finds in tables that are not is as if the descriptor said so.
        let foreign = is_secure(cpu, who) && leaf.tables & desc::NON_SECURE_TABLE != 0;
        let global = new & desc::NOT_GLOBAL == 0 && !foreign;
        return Ok(Found { physical: leaf.output, size: leaf.size, rights, descriptor: new, secure, global });
    }
    Err(fault(fsc::EXTERNAL_WALK, 3))
}

fn find2(cpu: &Cpu, address: u64, access: Access, who: Who) -> Result<Found, Fault> {
    let at = |fault: Fault| Fault { stage2: Some(address), ..fault };
    let stage = stage2(cpu, address).map_err(at)?;
    for _ in 0..TRIES {
        let leaf = stage.walk(address, |place, level| Ok((place, read_descriptor(cpu, place, level)?))).map_err(at)?;
        let d = leaf.descriptor;
        let clean = stage.hd && d & (desc::DBM | desc::S2_WRITE) == desc::DBM;
        let mut rights = Rights {
            read: d & desc::S2_READ != 0,
            write: d & desc::S2_WRITE != 0 || clean,
            execute: match bits(d, 54, 53) {
                0 => true,
                _ if !config(cpu).features.has(Features::XNX) => d & desc::UXN == 0,
                // At EL0 alone, never, at EL1 alone.
                1 => who.level == 0,
                2 => false,
                _ => who.level != 0,
            },
        };
        let mut new = d;
        if !who.peeks {
            if d & desc::AF == 0 {
                if !stage.ha {
                    return Err(at(fault(fsc::ACCESS_FLAG, leaf.level)));
                }
                new |= desc::AF;
            }
            if !rights.allow(access) {
                return Err(at(fault(fsc::PERMISSION, leaf.level)));
            }
            if clean && access == Access::Store {
                new |= desc::S2_WRITE;
            } else if clean {
                rights.write = false;
            }
            if !stage.update(cpu, &leaf, new) {
                continue;
            }
        }
        let (secure, global) = (false, false);
        return Ok(Found { physical: leaf.output, size: leaf.size, rights, descriptor: new, secure, global });
    }
    Err(at(fault(fsc::EXTERNAL_WALK, 3)))
}

/// The abort that a fault is.
pub fn abort(cpu: &mut Cpu, address: u64, access: Access, fault: Fault) -> Trap {
    const S1PTW: u64 = 1 << 7;
    let more = if fault.on_walk { S1PTW } else { 0 };
    let trap = trap::abort(address, access, fault.status, more);
    match fault.stage2 {
        Some(ipa) => {
            cpu.set(slots::FAULT_IPA, ipa >> 12 << 4);
            trap::with_ipa(trap::at_level(trap, 2))
        }
        None => trap,
    }
}

/// Who makes the accesses of running code.
pub fn current(cpu: &Cpu, access: Access) -> Who {
    let level = if access == Access::Fetch { state::level(cpu) } else { data_level(cpu) };
    let pan = access != Access::Fetch && is_pan(cpu, level);
    Who { level, pan, peeks: false, first_only: false }
}

/// The address of code without its tag, which a branch does not bring into the PC. Lifted code leaves that to here: no
/// page with a tag is remembered.
fn untag_pc(cpu: &mut Cpu, address: u64) -> u64 {
    let plain = plain_target(cpu, address);
    if cpu.pc == address {
        cpu.pc = plain;
    }
    plain
}

/// See [`crate::cpu::Isa::translate`].
pub fn translate(cpu: &mut Cpu, address: u64, access: Access) -> Result<Mapping, Trap> {
    if access == Access::Fetch {
        if debug::steps(cpu) {
            debug::check_step(cpu)?;
        }
        if address & 3 != 0 {
            return Err(trap::misaligned(address, access));
        }
    }
    let (given, address) = (address, if access == Access::Fetch { untag_pc(cpu, address) } else { address });
    let who = current(cpu, access);
    let found = match find(cpu, address, access, who) {
        Ok(found) => found,
        Err(fault) => return Err(abort(cpu, address, access, fault)),
    };
    if access == Access::Fetch {
        if debug::has_breakpoints(cpu) {
            debug::check_breakpoints(cpu, address)?;
        }
        if cpu.get(slots::PSTATE) & pstate::IL != 0 {
            return Err(trap::synchronous(ec::ILLEGAL, 0));
        }
    }
    // TLB maintenance names addresses without their tags, so that those with one are walked anew each time.
    let tagged = bits(given, 63, 56) != if bit(given, 55) { 0xff } else { 0 };
    // What maps no more than a granule goes by pages: maintenance by address covers all those of a granule.
    let size = match found.size {
        _ if tagged || access == Access::Fetch && (debug::steps(cpu) || debug::breaks_in_page(cpu, address)) => {
            NOT_KEPT
        }
        0..=0x1_0000 => PAGE_SIZE,
        size => size,
    };
    let checked = access != Access::Fetch && (is_device(cpu, who, &found) || debug::watches_page(cpu, address));
    let Rights { read, write, .. } = found.rights;
    // In the lower half the architecture lets us keep what is global for the address space alone, which forgives more.
    let global = found.global && bit(address, 55);
    let guarded = access == Access::Fetch && found.descriptor & desc::GUARDED != 0;
    let code = if guarded && config(cpu).has_bti() { CodeMode::GUARDED } else { 0 };
    Ok(Mapping { physical: found.physical, size, read, write, secure: found.secure, checked, global, code })
}

/// The attribute, as MAIR has it, of memory that a descriptor of stage 1 maps.
pub fn attribute(cpu: &Cpu, regime: Regime, descriptor: u64) -> u64 {
    let attributes = match regime {
        Regime::El10 => slots::MAIR_EL1,
        Regime::El20 | Regime::El2 => slots::MAIR_EL2,
        Regime::El3 => slots::MAIR_EL3,
    };
    let index = bits(descriptor, 4, 2) as u32;
    bits(cpu.get(attributes), 8 * index + 7, 8 * index)
}

/// Whether stage 1 makes it device memory. Where translation is off, the mode says so.
fn is_device(cpu: &Cpu, who: Who, found: &Found) -> bool {
    found.descriptor != 0 && attribute(cpu, Regime::of(cpu, who.level), found.descriptor) >> 4 == 0
}

/// See [`crate::cpu::Isa::check`]: accesses to devices are aligned, and watchpoints are looked for.
pub fn check(cpu: &mut Cpu, address: u64, size: u8, access: Access) -> Result<(), Trap> {
    debug::check_watchpoints(cpu, address, size.into(), access, data_level(cpu))?;
    if address & (u64::from(size) - 1) == 0 {
        return Ok(());
    }
    let who = current(cpu, access);
    match find(cpu, address, access, who) {
        Ok(found) if is_device(cpu, who, &found) => Err(trap::misaligned(address, access)),
        _ => Ok(()),
    }
}

/// See [`crate::cpu::Isa::translate_debug`].
pub fn translate_debug(cpu: &Cpu, address: u64) -> Option<u64> {
    let who = Who { level: state::level(cpu), pan: false, peeks: true, first_only: false };
    find(cpu, address, Access::Load, who).ok().map(|found| found.physical)
}
