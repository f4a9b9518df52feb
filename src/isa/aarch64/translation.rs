//! Translation regimes: which registers translate an access, and the mode and address spaces that follow from them.

use super::features::Features;
use super::fields::{hcr, pstate, sctlr, tcr};
use super::mode::{CodeMode, float_of_fpcr};
use super::regs::FPCR;
use super::sysreg::{SysReg, slots};
use super::{config, debug, floats, state};
use crate::base::bits::{bit, bits, field};
use crate::cpu::{AddressSpace, Cpu};

/// A translation regime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Regime {
    /// EL1 and EL0, with stage 2 where a hypervisor has it on.
    El10 = 0,
    /// EL2 and EL0 of a host.
    El20 = 1,
    /// EL2 alone.
    El2 = 2,
    /// EL3.
    El3 = 3,
}

impl Regime {
    /// The regime of accesses at a level.
    pub fn of(cpu: &Cpu, level: u8) -> Regime {
        match level {
            3 => Regime::El3,
            2 if cpu.get(slots::HCR_EL2) & hcr::E2H != 0 => Regime::El20,
            2 => Regime::El2,
            0 if state::is_host(cpu) => Regime::El20,
            _ => Regime::El10,
        }
    }

    /// Whether it has a high half and EL0.
    pub const fn is_split(self) -> bool {
        matches!(self, Regime::El10 | Regime::El20)
    }

    /// SCTLR of the regime.
    pub fn sctlr(self, cpu: &Cpu) -> u64 {
        cpu.get(match self {
            Regime::El10 => slots::SCTLR_EL1,
            Regime::El20 | Regime::El2 => slots::SCTLR_EL2,
            Regime::El3 => slots::SCTLR_EL3,
        })
    }

    /// TCR of the regime.
    pub fn tcr(self, cpu: &Cpu) -> u64 {
        cpu.get(match self {
            Regime::El10 => slots::TCR_EL1,
            Regime::El20 | Regime::El2 => slots::TCR_EL2,
            Regime::El3 => slots::TCR_EL3,
        })
    }

    /// TTBR0 or TTBR1 of the regime.
    pub fn ttbr(self, cpu: &Cpu, high: bool) -> u64 {
        cpu.get(match (self, high) {
            (Regime::El10, false) => slots::TTBR0_EL1,
            (Regime::El10, true) => slots::TTBR1_EL1,
            (Regime::El20, true) => slots::TTBR1_EL2,
            (Regime::El20 | Regime::El2, _) => slots::TTBR0_EL2,
            (Regime::El3, _) => slots::TTBR0_EL3,
        })
    }

    /// Whether stage 1 is on.
    pub fn is_on(self, cpu: &Cpu) -> bool {
        let by_hypervisor =
            self == Regime::El10 && state::el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & (hcr::DC | hcr::TGE) != 0;
        self.sctlr(cpu) & sctlr::M != 0 && !by_hypervisor
    }

    /// Whether the top byte of an address in a half is ignored.
    pub fn ignores_top(self, cpu: &Cpu, high: bool) -> bool {
        let control = self.tcr(cpu);
        match (self.is_split(), high) {
            (true, false) => control & tcr::TBI0 != 0,
            (true, true) => control & tcr::TBI1 != 0,
            (false, _) => control & tcr::TBI != 0,
        }
    }

    /// Likewise of an address to branch to, where a TBI may be for data alone.
    pub fn ignores_top_of_code(self, cpu: &Cpu, high: bool) -> bool {
        let data_only = match (self.is_split(), high) {
            (true, false) => tcr::TBID0,
            (true, true) => tcr::TBID1,
            (false, _) => tcr::TBID,
        };
        self.ignores_top(cpu, high) && self.tcr(cpu) & data_only == 0
    }

    /// The identifier that TLB maintenance names the regime's current address space by.
    pub fn id(self, cpu: &Cpu) -> u32 {
        match self {
            Regime::El10 => vmid(cpu) << 16 | u32::from(self.asid(cpu)),
            Regime::El20 => u32::from(self.asid(cpu)),
            Regime::El2 => u32::MAX - 1,
            Regime::El3 => u32::MAX,
        }
    }

    fn asid(self, cpu: &Cpu) -> u16 {
        let control = self.tcr(cpu);
        let asid = (self.ttbr(cpu, control & tcr::A1 != 0) >> 48) as u16;
        if control & tcr::AS != 0 { asid } else { asid & 0xff }
    }
}

/// The current virtual machine's identifier; 0 where there is no EL2.
pub fn vmid(cpu: &Cpu) -> u32 {
    if !state::el2_enabled(cpu) {
        return 0;
    }
    let vmid = (cpu.get(slots::VTTBR_EL2) >> 48) as u32;
    if cpu.get(slots::VTCR_EL2) & tcr::VS != 0 { vmid } else { vmid & 0xff }
}

/// Whether stage 2 translates what EL1 and EL0 access.
pub fn has_stage2(cpu: &Cpu) -> bool {
    state::el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & (hcr::VM | hcr::DC) != 0 && !state::is_host(cpu)
}

/// The level that data accesses are made at.
pub fn data_level(cpu: &Cpu) -> u8 {
    if cpu.get(slots::USER_ACCESS) != 0 { 0 } else { state::level(cpu) }
}

/// Whether accesses of a level to what EL0 may access are forbidden.
pub fn is_pan(cpu: &Cpu, level: u8) -> bool {
    level > 0 && Regime::of(cpu, level).is_split() && cpu.get(slots::PSTATE) & pstate::PAN != 0
}

fn space(cpu: &Cpu, level: u8, more: u32) -> AddressSpace {
    let regime = Regime::of(cpu, level);
    let stage2 = regime == Regime::El10 && has_stage2(cpu);
    let secure = state::is_secure(cpu);
    let bits = more | (regime as u32) << 27 | u32::from(stage2) << 29 | u32::from(secure) << 30;
    let stage2_root = if stage2 { base(cpu.get(slots::VTTBR_EL2)).rotate_left(40) } else { 0 };
    if !regime.is_on(cpu) {
        return AddressSpace { root: stage2_root, id: vmid(cpu) << 16, bits, globals: 0 };
    }
    // Both bases in one word: should two pairs ever come out the same, the identifiers still differ, and the
    // architecture has translations kept by those alone.
    let high = if regime.is_split() { base(regime.ttbr(cpu, true)).rotate_left(20) } else { 0 };
    let root = base(regime.ttbr(cpu, false)) ^ high ^ stage2_root;
    // Global pages are the upper half's, of this virtual machine. Bit 0 is no part of a base.
    let globals = if regime.is_split() { u64::from(vmid(cpu)) << 48 | base(regime.ttbr(cpu, true)) | 1 } else { 0 };
    AddressSpace { root, id: regime.id(cpu), bits: bits | 1 << 26, globals }
}

/// The table's address in a TTBR.
fn base(ttbr: u64) -> u64 {
    bits(ttbr, 47, 1) << 1
}

/// What translates data accesses of a level.
pub fn data_space(cpu: &Cpu, level: u8) -> AddressSpace {
    let watched = debug::has_watchpoints(cpu);
    space(cpu, level, u32::from(level == 0) | u32::from(is_pan(cpu, level)) << 1 | u32::from(watched) << 2)
}

/// What translates fetches of code whose mode word is `code`.
pub fn fetch_space(cpu: &Cpu, code: u32) -> AddressSpace {
    let illegal = cpu.get(slots::PSTATE) & pstate::IL != 0;
    let breaks = debug::has_breakpoints(cpu);
    space(cpu, state::level(cpu), code | u32::from(illegal) << 24 | u32::from(breaks) << 25)
}

/// What the meaning of code depends on.
pub fn code_mode(cpu: &Cpu) -> CodeMode {
    let level = state::level(cpu);
    let regime = Regime::of(cpu, level);
    let control = regime.sctlr(cpu);
    let features = config(cpu).features;
    let user = level == 0;
    let key = |mask: u64, n: u8| u8::from(control & mask != 0) << n;
    let pauth = if features.has(Features::PAUTH) {
        key(sctlr::EN_IA, 0) | key(sctlr::EN_IB, 1) | key(sctlr::EN_DA, 2) | key(sctlr::EN_DB, 3)
    } else {
        0
    };
    let overridden = cpu.get(slots::PSTATE) & pstate::UAO != 0;
    let hosted = level == 2 && state::is_host(cpu);
    let guarded = if user || !regime.is_split() { sctlr::BT0 } else { sctlr::BT1 };
    CodeMode {
        el: level,
        float_trap: floats::trap_level(cpu),
        float: float_of_fpcr(cpu.get(FPCR)),
        pauth,
        aligned: control & sctlr::A != 0 || is_all_device(cpu, regime),
        sp_aligned: control & (if user { sctlr::SA0 } else { sctlr::SA }) != 0,
        big_endian: control & (if user { sctlr::E0E } else { sctlr::EE }) != 0,
        unprivileged: (level == 1 || hosted) && !overridden,
        bti: features.has(Features::BTI) && control & guarded != 0,
        own_sp: cpu.get(slots::PSTATE) & pstate::SP != 0,
        stepped: debug::steps(cpu),
        debugged: debug::is_on(cpu),
        guarded: false,
    }
}

/// Whether data accesses of a regime are made to device memory wherever they go: its translation is off.
fn is_all_device(cpu: &Cpu, regime: Regime) -> bool {
    let cached = regime == Regime::El10 && state::el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & hcr::DC != 0;
    !regime.is_on(cpu) && !cached
}

/// An address to branch to without the tag that its top byte may hold.
pub fn plain_target(cpu: &Cpu, address: u64) -> u64 {
    let regime = Regime::of(cpu, state::level(cpu));
    let high = bit(address, 55) && regime.is_split();
    if !regime.ignores_top_of_code(cpu, high) {
        return address;
    }
    if high { address | 0xff << 56 } else { bits(address, 55, 0) }
}

/// SCTLR.
pub fn write_sctlr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let old = cpu.get(register.slot);
    cpu.set(register.slot, value);
    if (old ^ value) & (sctlr::WXN | sctlr::EE) != 0 {
        cpu.flush_all();
    } else {
        cpu.mode_changed();
    }
}

/// TTBR, VTTBR: nothing is flushed, for the address space has its identifier.
pub fn write_ttbr(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    cpu.set(register.slot, value);
    cpu.mode_changed();
}

/// TCR, VTCR.
pub fn write_control(cpu: &mut Cpu, register: &SysReg, _: u16, value: u64) {
    let old = cpu.get(register.slot);
    cpu.set(register.slot, value);
    if old != value {
        cpu.flush_all();
    }
}

/// The size of physical addresses, in bits, of a field IPS or PS.
pub const fn physical_bits(size: u64) -> u32 {
    match size {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        5 => 48,
        _ => 52,
    }
}

/// Binary logarithm of the granule of a half.
pub fn granule(regime: Regime, control: u64, high: bool) -> u32 {
    if high && regime.is_split() {
        match field(control, tcr::TG1) {
            1 => 14,
            3 => 16,
            _ => 12,
        }
    } else {
        match field(control, tcr::TG0) {
            1 => 16,
            2 => 14,
            _ => 12,
        }
    }
}
