//! Arm A64: the Armv8-A and Armv9-A architecture in AArch64 state, without AArch32.
//!
//! ```text
//!   code ──► decode ──► lift ──► IR        MRS, MSR, SYS ──► system (by helper number) ──► sysreg, tlbi, caches
//!   address ──► translation (regime) ──► mmu (stages 1 and 2) ──► Mapping
//!   pins, timers ──► trap ──► VBAR         HVC, SMC ──► psci (when no guest firmware is there)
//! ```
//! Document: the Arm Architecture Reference Manual for A-profile architecture (DDI 0487).

pub mod calls;
pub mod decode;
pub mod disasm;
pub mod features;
pub mod fields;
pub mod flags;
pub mod helpers;
pub mod lift;
pub mod mode;
pub mod models;
pub mod mops;
pub mod psci;
pub mod regs;
pub mod simd;
pub mod sysreg;
pub mod table;

mod caches;
pub mod cores;
mod counters;
mod debug;
mod describe;
mod floats;
pub mod ids;
mod interface;
mod mmu;
pub mod pauth;
mod registers;
mod state;
mod syndrome;
mod system;
mod tables;
#[cfg(test)]
mod tests;
mod timers;
mod tlbi;
mod translation;
mod trap;

pub use cores::{Cores, LINES};
pub use describe::PINS;

use crate::base::bits::field;
use crate::cpu::{Access, Cpu, Helper, Isa, Lifted, Mapped, Mapping, Mode, PageTables, RegDef, Trap};
use crate::float::{Round, Rules};
use crate::ir::Builder;
use features::Features;
use fields::{hcr, pstate, scr};
use ids::Ids;
use mode::CodeMode;
use models::Conduit;
use pauth::Pauth;
use std::any::Any;
use std::sync::Arc;
use sysreg::slots;

/// A CPU, configured.
pub struct Aarch64 {
    /// The model's name.
    pub model: &'static str,
    /// What the device tree calls it.
    pub compatible: &'static str,
    /// Its features.
    pub features: Features,
    /// MIDR.
    pub midr: u64,
    /// REVIDR.
    pub revidr: u64,
    /// CTR.
    pub ctr: u64,
    /// CLIDR.
    pub clidr: u64,
    /// CCSIDR by CSSELR.
    pub caches: [u64; 3],
    /// What PMCR_EL0 reads as after a reset.
    pub pmcr: u64,
    /// SCTLR of each level after a reset.
    pub sctlr: u64,
    /// The identification registers that announce the features.
    pub ids: Ids,
    /// How pointers are authenticated.
    pub pauth: Pauth,
    /// Bits of a physical address.
    pub physical_bits: u32,
    /// By which instruction the built-in firmware is called.
    pub conduit: Conduit,
    /// What the machine's CPUs share.
    pub cores: Arc<Cores>,
}

/// The configuration of `cpu`.
///
/// # Panics
/// When `cpu` is of another architecture, which no caller in this room is handed.
pub fn config(cpu: &Cpu) -> &Aarch64 {
    let isa: &dyn Any = cpu.isa.as_ref();
    isa.downcast_ref().expect("an Arm CPU")
}

/// The affinity fields of a CPU: as many in a cluster as a GICv3 sends interrupts to at once.
pub const fn mpidr(index: u32) -> u64 {
    const CLUSTER: u32 = 16;
    (index / CLUSTER * 256 + index % CLUSTER) as u64
}

impl Aarch64 {
    /// Whether there is an EL2.
    pub fn has_el2(&self) -> bool {
        self.features.has(Features::EL2)
    }

    /// Whether there is an EL3.
    pub fn has_el3(&self) -> bool {
        self.features.has(Features::EL3)
    }

    fn has_pan(&self) -> bool {
        self.features.has(Features::PAN)
    }

    fn has_uao(&self) -> bool {
        self.features.has(Features::UAO)
    }

    fn has_dit(&self) -> bool {
        self.features.has(Features::DIT)
    }

    fn has_ssbs(&self) -> bool {
        self.features.has(Features::SSBS)
    }

    fn has_bti(&self) -> bool {
        self.features.has(Features::BTI)
    }

    /// The highest exception level.
    pub fn highest_level(&self) -> u8 {
        match (self.has_el3(), self.has_el2()) {
            (true, _) => 3,
            (_, true) => 2,
            _ => 1,
        }
    }
}

impl Isa for Aarch64 {
    fn name(&self) -> &'static str {
        "aarch64"
    }

    fn registers(&self) -> &'static [RegDef] {
        &registers::REGISTERS
    }

    fn slots(&self) -> usize {
        slots::SLOTS
    }

    fn helpers(&self) -> &'static [Helper] {
        &system::HELPERS
    }

    fn grain(&self) -> u32 {
        2
    }

    fn reset(&self, cpu: &mut Cpu) {
        for slot in [slots::SCTLR_EL1, slots::SCTLR_EL2, slots::SCTLR_EL3] {
            cpu.set(slot, self.sctlr);
        }
        cpu.set(slots::PSTATE, pstate::DAIF | pstate::SP | u64::from(self.highest_level()) << 2);
        cpu.set(slots::HCR_EL2, hcr::RW);
        cpu.set(slots::SCR_EL3, scr::RW | 0x30);
        cpu.set(slots::CNTFRQ_EL0, self.cores.counter.hz());
        // EL1 may use counters and timers; the OS lock is of the kind with OSLAR, and closed.
        cpu.set(slots::CNTHCTL_EL2, 3);
        cpu.set(slots::OSLSR_EL1, 0xa);
        cpu.set(regs::EXCLUSIVE_ADDRESS, u64::MAX);
        regs::set_nzcv(cpu, 0);
        self.identify(cpu);
        cpu.pins.take_rises(u64::MAX);
        timers::renew(cpu);
        counters::reset(cpu);
        cpu.pc = 0;
    }

    fn mode(&self, cpu: &Cpu) -> Mode {
        let code = translation::code_mode(cpu).encode();
        let data = translation::data_space(cpu, translation::data_level(cpu));
        Mode { code, data, fetch: translation::fetch_space(cpu, code) }
    }

    fn float_rules(&self, mode: u32) -> &'static Rules {
        CodeMode::decode(mode).rules()
    }

    fn keeps_space(&self, mode: u32) -> bool {
        matches!(CodeMode::decode(mode).el, 0 | 3)
    }

    fn rounding(&self, mode: u32) -> Round {
        CodeMode::decode(mode).rounding()
    }

    fn lift(&self, b: &mut Builder, code: &[u8], mode: u32) -> Lifted {
        lift::lift(b, code, CodeMode::decode(mode), self.features)
    }

    fn translate(&self, cpu: &mut Cpu, address: u64, access: Access) -> Result<Mapping, Trap> {
        mmu::translate(cpu, address, access)
    }

    fn translate_debug(&self, cpu: &Cpu, address: u64) -> Option<u64> {
        mmu::translate_debug(cpu, address)
    }

    fn page_tables(&self, cpu: &Cpu, each: &mut dyn FnMut(Mapped) -> bool) -> PageTables {
        tables::page_tables(cpu, each)
    }

    fn check(&self, cpu: &mut Cpu, address: u64, size: u8, access: Access) -> Result<(), Trap> {
        mmu::check(cpu, address, size, access)
    }

    fn misaligned(&self, address: u64, access: Access) -> Trap {
        trap::misaligned(address, access)
    }

    fn bus_fault(&self, address: u64, access: Access) -> Trap {
        trap::abort(address, access, fields::fsc::EXTERNAL, 0)
    }

    fn pending(&self, cpu: &mut Cpu) -> Option<Trap> {
        trap::pending(cpu)
    }

    fn wakes(&self, cpu: &mut Cpu) -> bool {
        let interrupted = system::wakes(cpu);
        self.cores.power.wakes(cpu, interrupted)
    }

    fn enter(&self, cpu: &mut Cpu, trap: Trap) {
        trap::enter(cpu, trap);
    }

    fn describe_trap(&self, trap: Trap) -> String {
        format!("{} (ESR {:#x}, FAR {:#x})", trap::name(trap), trap.cause & 0xffff_ffff, trap.value)
    }

    fn disassemble(&self, code: &[u8], address: u64) -> (String, usize) {
        disasm::disassemble(code, address)
    }

    fn read_register(&self, cpu: &mut Cpu, reg: &RegDef) -> u64 {
        registers::read(cpu, reg)
    }

    fn write_register(&self, cpu: &mut Cpu, reg: &RegDef, value: u64) {
        registers::write(cpu, reg, value);
        cpu.mode_changed();
    }

    fn privilege(&self, cpu: &Cpu) -> u64 {
        field(cpu.get(slots::PSTATE), pstate::EL)
    }
}
