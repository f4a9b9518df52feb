//! RISC-V, RV64: instructions from user code up to M-mode.
//!
//! ```text
//!   code ──► decode ──► lift ──► IR           CSR instructions ──► helpers ──► csr (the table) ──► status counters pmp triggers
//!   address ──► mmu ──► pmp ──► Mapping       pins, mip, mie ──► trap ──► stvec, mtvec
//!   ecall ──► sbi (when no guest firmware is there)              -cpu ──► models ──► Riscv64
//! ```
//! Documents: the RISC-V Instruction Set Manual, volumes I and II (privileged architecture 1.13).

pub mod csr;
pub mod decode;
pub mod disasm;
pub mod extensions;
pub mod fields;
pub mod helpers;
pub mod lift;
pub mod mode;
pub mod models;
pub mod regs;
pub mod sbi;
pub mod table;

mod counters;
mod describe;
mod harts;
mod hsm;
mod mmu;
mod pmp;
mod status;
#[cfg(test)]
mod tests;
mod trap;
mod triggers;

pub use describe::PINS;
pub use harts::Harts;

use crate::cpu::{Access, Cpu, Helper, Isa, Lifted, Mapped, Mapping, Mode, PageTables, RegDef, Trap};
use crate::float::{Round, Rules};
use crate::ir::Builder;
use extensions::Extensions;
use fields::{envcfg, mstatus};
use mode::{CodeMode, Privilege};
use std::any::Any;
use std::sync::Arc;

/// A RISC-V hart, configured.
pub struct Riscv64 {
    /// The model's name.
    pub model: &'static str,
    /// Its extensions.
    pub ext: Extensions,
    /// Levels of the largest page tables: 5 for Sv57, 4 for Sv48, 3 for Sv39, 0 where there is no translation.
    pub levels: u32,
    /// Whether there is physical memory protection.
    pub pmp: bool,
    /// N of the privileged architecture's version 1.N.
    pub privileged: u32,
    /// Whether there are debug triggers.
    pub triggers: bool,
    /// The programmable counters, a bit each from bit 3 on.
    pub counters: u32,
    /// `mvendorid`, `marchid`, `mimpid`.
    pub ids: [u64; 3],
    /// Whether the ISA string has the single letters alone.
    pub short_isa: bool,
    /// Where it starts after reset.
    pub reset_vector: u64,
    /// What its machine's harts share.
    pub harts: Arc<Harts>,
}

/// The configuration of `cpu`.
///
/// # Panics
/// When `cpu` is of another architecture, which no caller in this room is handed.
pub fn config(cpu: &Cpu) -> &Riscv64 {
    let isa: &dyn Any = cpu.isa.as_ref();
    isa.downcast_ref().expect("a RISC-V hart")
}

impl Riscv64 {
    /// `misa`.
    fn misa(&self) -> u64 {
        let letters = [
            (Extensions::A, 'a'),
            (Extensions::C, 'c'),
            (Extensions::D, 'd'),
            (Extensions::F, 'f'),
            (Extensions::I, 'i'),
            (Extensions::M, 'm'),
            (Extensions::S, 's'),
            (Extensions::U, 'u'),
            (Extensions::B, 'b'),
            (Extensions::G, 'g'),
        ];
        let has = letters.into_iter().filter(|(extension, _)| self.ext.has(*extension));
        has.fold(2 << 62, |misa, (_, letter)| misa | 1 << (letter as u32 - 'a' as u32))
    }

    /// What `menvcfg` is after reset: what the device tree advertises works, Svadu only where Svade does not stand in
    /// its way.
    fn menvcfg(&self) -> u64 {
        let mut value = 0;
        if self.ext.has(Extensions::SVPBMT) {
            value |= envcfg::PBMTE;
        }
        if self.ext.has(Extensions::SVADU) && !self.ext.has(Extensions::SVADE) {
            value |= envcfg::ADUE;
        }
        value
    }
}

impl Isa for Riscv64 {
    fn name(&self) -> &'static str {
        "riscv64"
    }

    fn registers(&self) -> &'static [RegDef] {
        &regs::REGISTERS
    }

    fn slots(&self) -> usize {
        regs::SLOTS
    }

    fn helpers(&self) -> &'static [Helper] {
        &helpers::HELPERS
    }

    fn grain(&self) -> u32 {
        1
    }

    fn reset(&self, cpu: &mut Cpu) {
        let xlen = |field: u64| 2 << field.trailing_zeros();
        let mut status = 0;
        if self.ext.has(Extensions::U) {
            status |= xlen(mstatus::UXL);
        } else {
            status |= mstatus::MPP;
        }
        if self.ext.has(Extensions::S) {
            status |= xlen(mstatus::SXL);
        }
        cpu.set(regs::PRIVILEGE, Privilege::Machine as u64);
        cpu.set(regs::MSTATUS, status);
        cpu.set(regs::MISA, self.misa());
        cpu.set(regs::MENVCFG, self.menvcfg());
        cpu.set(regs::STIMECMP, u64::MAX);
        cpu.set(regs::RESERVED_ADDRESS, u64::MAX);
        cpu.set(regs::MHARTID, u64::from(cpu.index));
        triggers::reset(cpu);
        for (slot, id) in [regs::MVENDORID, regs::MARCHID, regs::MIMPID].into_iter().zip(self.ids) {
            cpu.set(slot, id);
        }
        cpu.pins.take_rises(u64::MAX);
        self.harts.set_timer(cpu, u64::MAX);
        self.harts.arm_overflow(cpu, u64::MAX);
        cpu.pc = self.reset_vector;
    }

    fn mode(&self, cpu: &Cpu) -> Mode {
        let status = cpu.get(regs::MSTATUS);
        let code = CodeMode {
            privilege: trap::privilege(cpu),
            float: status & mstatus::FS != 0,
            float_dirty: status & mstatus::FS == mstatus::FS,
            frm: (cpu.get(regs::FCSR) >> 5 & 7) as u8,
            counted: triggers::counts(cpu),
        };
        let code = code.encode();
        Mode { code, data: mmu::data_space(cpu), fetch: mmu::fetch_space(cpu, code) }
    }

    fn float_rules(&self, _: u32) -> &'static Rules {
        &Rules::RISCV
    }

    fn keeps_space(&self, mode: u32) -> bool {
        CodeMode::decode(mode).privilege != Privilege::Supervisor
    }

    fn rounding(&self, mode: u32) -> Round {
        match CodeMode::decode(mode).frm {
            1 => Round::TowardZero,
            2 => Round::Down,
            3 => Round::Up,
            4 => Round::NearestAway,
            _ => Round::NearestEven,
        }
    }

    fn lift(&self, b: &mut Builder, code: &[u8], mode: u32) -> Lifted {
        lift::lift(b, code, CodeMode::decode(mode), self.ext)
    }

    fn translate(&self, cpu: &mut Cpu, address: u64, access: Access) -> Result<Mapping, Trap> {
        mmu::translate(cpu, self, address, access)
    }

    fn translate_debug(&self, cpu: &Cpu, address: u64) -> Option<u64> {
        mmu::translate_debug(cpu, self, address)
    }

    fn page_tables(&self, cpu: &Cpu, each: &mut dyn FnMut(Mapped) -> bool) -> PageTables {
        mmu::page_tables(cpu, each)
    }

    fn check(&self, cpu: &mut Cpu, address: u64, size: u8, access: Access) -> Result<(), Trap> {
        triggers::check_access(cpu, address, size, access)
    }

    fn misaligned(&self, address: u64, access: Access) -> Trap {
        trap::misaligned(address, access)
    }

    fn bus_fault(&self, address: u64, access: Access) -> Trap {
        trap::access_fault(address, access)
    }

    fn pending(&self, cpu: &mut Cpu) -> Option<Trap> {
        trap::pending(cpu)
    }

    fn wakes(&self, cpu: &mut Cpu) -> bool {
        let waiting = status::mip(cpu) & cpu.get(regs::MIE) != 0;
        let interrupted = waiting || cpu.get(regs::EVENTS) & sbi::sse::LOOK != 0;
        self.harts.hsm.wakes(cpu, interrupted)
    }

    fn enter(&self, cpu: &mut Cpu, trap: Trap) {
        trap::enter(cpu, trap);
    }

    fn describe_trap(&self, trap: Trap) -> String {
        format!("{} (cause {:#x}, tval {:#x})", trap::name(trap.cause), trap.cause, trap.value)
    }

    fn disassemble(&self, code: &[u8], address: u64) -> (String, usize) {
        disasm::disassemble(code, address)
    }

    fn read_register(&self, cpu: &mut Cpu, reg: &RegDef) -> u64 {
        match csr::named(reg.name) {
            Some(csr) => csr.read(cpu),
            None => cpu.get(reg.slot),
        }
    }

    fn write_register(&self, cpu: &mut Cpu, reg: &RegDef, value: u64) {
        match csr::named(reg.name) {
            Some(csr) => csr.write(cpu, value),
            None if reg.slot == regs::x(0) => {}
            None if reg.slot == regs::PRIVILEGE => cpu.set(reg.slot, Privilege::decode(value) as u64),
            None => cpu.set(reg.slot, value),
        }
        cpu.mode_changed();
    }

    fn privilege(&self, cpu: &Cpu) -> u64 {
        cpu.get(regs::PRIVILEGE)
    }
}
