//! The CSRs: a row each. Who may access one is in its number (bits 9:8 the lowest privilege, bits 11:10 all ones: read
//! only), in the extension that brings it and, for a few, in a check of their own.
//!
//! Reading and writing go by row, so that masks and views are said once; `status`, `counters`, `mmu` and `pmp` hold
//! what is more than a mask.

use super::extensions::Extensions;
use super::fields::cause;
use super::regs::{self, pmpaddr};
use super::trap::{illegal, privilege};
use super::{config, counters, mmu, pmp, status, triggers};
use crate::base::bits::bits;
use crate::cpu::{Cpu, Trap};
use crate::guest_error;
use crate::ir::Slot;

/// A control and status register.
#[derive(Clone, Copy)]
pub struct Csr {
    /// Its number; in a row that stands for several, the first one's.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// What holds it, or what it is a view of.
    pub slot: Slot,
    /// The extensions without which it does not exist.
    needs: Extensions,
    /// Whether the CSR of this number may be accessed now, beside privilege.
    check: fn(&Cpu, u16) -> bool,
    read: fn(&mut Cpu, &Csr) -> u64,
    write: fn(&mut Cpu, &Csr, u64),
}

/// `number "name" SLOT [EXTENSION] check, read, write;` a row.
macro_rules! csrs {
    ($($number:literal $name:literal $slot:tt [$needs:ident] $check:expr, $read:expr, $write:expr;)*) => {
        &[$(Csr {
            number: $number,
            name: $name,
            slot: csrs!(slot $slot),
            needs: Extensions::$needs,
            check: $check,
            read: $read,
            write: $write,
        },)*]
    };
    (slot ($index:literal)) => { pmpaddr($index) };
    (slot $slot:ident) => { regs::$slot };
}

/// The number of `mip`.
pub const MIP: u16 = 0x344;

/// The CSRs.
pub static CSRS: &[Csr] = csrs! {
    // Unprivileged.
    0x001 "fflags"        FCSR          [F]       float_on, status::read_fflags, status::write_fflags;
    0x002 "frm"           FCSR          [F]       float_on, status::read_frm, status::write_frm;
    0x003 "fcsr"          FCSR          [F]       float_on, status::read_fcsr, status::write_fcsr;
    0xc00 "cycle"         MCYCLE        [ZICNTR]  counters::enabled, counters::read, ignore;
    0xc01 "time"          TIME          [ZICNTR]  counters::enabled, counters::read_time, ignore;
    0xc02 "instret"       MINSTRET      [ZICNTR]  counters::enabled, counters::read, ignore;
    // Supervisor.
    0x100 "sstatus"       MSTATUS       [S]       always, status::read_sstatus, status::write_sstatus;
    0x104 "sie"           MIE           [S]       always, status::read_sie, status::write_sie;
    0x105 "stvec"         STVEC         [S]       always, plain, tvec;
    0x106 "scounteren"    SCOUNTEREN    [S]       always, plain, counters::write_enable;
    0x10a "senvcfg"       SENVCFG       [S]       since::<12>, plain, status::write_senvcfg;
    0x140 "sscratch"      SSCRATCH      [S]       always, plain, any;
    0x141 "sepc"          SEPC          [S]       always, plain, epc;
    0x142 "scause"        SCAUSE        [S]       always, plain, any;
    0x143 "stval"         STVAL         [S]       always, plain, any;
    0x144 "sip"           MIP           [S]       always, status::read_sip, status::write_sip;
    0x14d "stimecmp"      STIMECMP      [SSTC]    counters::stimecmp_enabled, plain, counters::write_stimecmp;
    0xda0 "scountovf"     ZERO          [SSCOFPMF] always, counters::read_overflows, ignore;
    0x180 "satp"          SATP          [S]       mmu::satp_enabled, plain, mmu::write_satp;
    // T-Head's: none of the maker's page attributes, cache instructions and other extensions is on. Linux looks.
    0x5c0 "th_sxstatus"   ZERO          [S]       of_thead, plain, ignore;
    // Machine.
    0xf11 "mvendorid"     MVENDORID     [I]       always, plain, ignore;
    0xf12 "marchid"       MARCHID       [I]       always, plain, ignore;
    0xf13 "mimpid"        MIMPID        [I]       always, plain, ignore;
    0xf14 "mhartid"       MHARTID       [I]       always, plain, ignore;
    0xf15 "mconfigptr"    ZERO          [I]       always, plain, ignore;
    0x300 "mstatus"       MSTATUS       [I]       always, status::read_mstatus, status::write_mstatus;
    0x301 "misa"          MISA          [I]       always, plain, ignore;
    0x302 "medeleg"       MEDELEG       [S]       always, plain, masked::<{ cause::DELEGABLE }>;
    0x303 "mideleg"       MIDELEG       [S]       always, plain, status::write_mideleg;
    0x304 "mie"           MIE           [I]       always, plain, status::write_mie;
    0x305 "mtvec"         MTVEC         [I]       always, plain, tvec;
    0x306 "mcounteren"    MCOUNTEREN    [U]       always, plain, counters::write_enable;
    0x30a "menvcfg"       MENVCFG       [U]       since::<12>, plain, status::write_menvcfg;
    0x320 "mcountinhibit" MCOUNTINHIBIT [I]       since::<11>, plain, counters::write_inhibit;
    0x340 "mscratch"      MSCRATCH      [I]       always, plain, any;
    0x341 "mepc"          MEPC          [I]       always, plain, epc;
    0x342 "mcause"        MCAUSE        [I]       always, plain, any;
    0x343 "mtval"         MTVAL         [I]       always, plain, any;
    0x344 "mip"           MIP           [I]       always, status::read_mip, status::write_mip;
    0xb00 "mcycle"        MCYCLE        [I]       always, counters::read, counters::write;
    0xb02 "minstret"      MINSTRET      [I]       always, counters::read, counters::write;
    0x3a0 "pmpcfg0"       PMPCFG0       [I]       pmp::present, plain, pmp::write_config;
    0x3a2 "pmpcfg2"       PMPCFG2       [I]       pmp::present, plain, pmp::write_config;
    0x3b0 "pmpaddr0"      (0)           [I]       pmp::present, plain, pmp::write_address;
    0x3b1 "pmpaddr1"      (1)           [I]       pmp::present, plain, pmp::write_address;
    0x3b2 "pmpaddr2"      (2)           [I]       pmp::present, plain, pmp::write_address;
    0x3b3 "pmpaddr3"      (3)           [I]       pmp::present, plain, pmp::write_address;
    0x3b4 "pmpaddr4"      (4)           [I]       pmp::present, plain, pmp::write_address;
    0x3b5 "pmpaddr5"      (5)           [I]       pmp::present, plain, pmp::write_address;
    0x3b6 "pmpaddr6"      (6)           [I]       pmp::present, plain, pmp::write_address;
    0x3b7 "pmpaddr7"      (7)           [I]       pmp::present, plain, pmp::write_address;
    0x3b8 "pmpaddr8"      (8)           [I]       pmp::present, plain, pmp::write_address;
    0x3b9 "pmpaddr9"      (9)           [I]       pmp::present, plain, pmp::write_address;
    0x3ba "pmpaddr10"     (10)          [I]       pmp::present, plain, pmp::write_address;
    0x3bb "pmpaddr11"     (11)          [I]       pmp::present, plain, pmp::write_address;
    0x3bc "pmpaddr12"     (12)          [I]       pmp::present, plain, pmp::write_address;
    0x3bd "pmpaddr13"     (13)          [I]       pmp::present, plain, pmp::write_address;
    0x3be "pmpaddr14"     (14)          [I]       pmp::present, plain, pmp::write_address;
    0x3bf "pmpaddr15"     (15)          [I]       pmp::present, plain, pmp::write_address;
    // Debug triggers.
    0x7a0 "tselect"       TSELECT       [I]       triggers::present, plain, triggers::write_select;
    0x7a1 "tdata1"        TDATA1        [I]       triggers::present, triggers::read, triggers::write_control;
    0x7a2 "tdata2"        TDATA2        [I]       triggers::present, triggers::read, triggers::write_address;
    0x7a3 "tdata3"        TDATA3        [I]       triggers::present, triggers::read, triggers::write_extra;
    0x7a4 "tinfo"         ZERO          [I]       triggers::present, triggers::read_info, ignore;
    0x7a8 "mcontext"      MCONTEXT      [I]       triggers::present, plain, masked::<0x1fff>;
};

/// Programmable counters: a row for numbers 3 to 31 of each kind.
static HPM: &[Csr] = csrs! {
    0x323 "mhpmevent"     MHPMEVENT3    [I]       always, plain, counters::write_event;
    0xb03 "mhpmcounter"   MHPMCOUNTER3  [I]       always, counters::read, counters::write;
    0xc03 "hpmcounter"    MHPMCOUNTER3  [ZIHPM]   counters::enabled, counters::read, ignore;
};

/// How many CSRs the register table shows.
pub const SHOWN: usize = CSRS.len();

/// The index in [`CSRS`] of each number; `NONE` where there is none.
static INDEX: [u16; 4096] = index();
const NONE: u16 = u16::MAX;
const _: () = assert!(SHOWN < NONE as usize);

const fn index() -> [u16; 4096] {
    let mut index = [NONE; 4096];
    let mut n = 0;
    while n < SHOWN {
        index[CSRS[n].number as usize] = n as u16;
        n += 1;
    }
    index
}

/// The CSR with this number, whether or not a model has it.
pub fn find(number: u16) -> Option<Csr> {
    match INDEX[usize::from(number & 0xfff)] {
        NONE => {
            let row = HPM.iter().find(|csr| (csr.number..csr.number + 29).contains(&number))?;
            Some(Csr { number, slot: Slot(row.slot.0 + number - row.number), ..*row })
        }
        index => Some(CSRS[usize::from(index)]),
    }
}

/// The CSR with this name.
pub fn named(name: &str) -> Option<&'static Csr> {
    CSRS.iter().find(|csr| csr.name == name)
}

/// The CSR with this number, if the guest may access it now.
///
/// # Errors
/// Illegal instruction.
pub fn access(cpu: &Cpu, number: u16, write: bool, instruction: u64) -> Result<Csr, Trap> {
    let lowest = bits(u64::from(number), 9, 8);
    let read_only = bits(u64::from(number), 11, 10) == 3;
    let Some(csr) = find(number).filter(|csr| config(cpu).ext.has(csr.needs)) else {
        guest_error!("CSR {number:#x}, which does not exist, accessed at {:#x}", cpu.pc);
        return Err(illegal(instruction));
    };
    if (privilege(cpu) as u64) < lowest || (write && read_only) || !(csr.check)(cpu, number) {
        return Err(illegal(instruction));
    }
    Ok(csr)
}

impl Csr {
    /// Its value, as an instruction reads it that is allowed to.
    pub fn read(&self, cpu: &mut Cpu) -> u64 {
        (self.read)(cpu, self)
    }

    /// Writes it, as an instruction does that is allowed to.
    pub fn write(&self, cpu: &mut Cpu, value: u64) {
        (self.write)(cpu, self, value);
    }
}

fn always(_: &Cpu, _: u16) -> bool {
    true
}

/// CSRs of T-Head's.
fn of_thead(cpu: &Cpu, _: u16) -> bool {
    cpu.get(regs::MVENDORID) == 0x5b7
}

/// CSRs that came with version 1.N of the privileged architecture.
fn since<const N: u32>(cpu: &Cpu, _: u16) -> bool {
    config(cpu).privileged >= N
}

fn float_on(cpu: &Cpu, _: u16) -> bool {
    status::float_on(cpu)
}

fn plain(cpu: &mut Cpu, csr: &Csr) -> u64 {
    cpu.get(csr.slot)
}

fn any(cpu: &mut Cpu, csr: &Csr, value: u64) {
    cpu.set(csr.slot, value);
}

fn ignore(_: &mut Cpu, _: &Csr, _: u64) {}

fn masked<const MASK: u64>(cpu: &mut Cpu, csr: &Csr, value: u64) {
    cpu.set(csr.slot, value & MASK);
}

/// `mtvec`, `stvec`: the two modes that are reserved are not written.
fn tvec(cpu: &mut Cpu, csr: &Csr, value: u64) {
    if value & 2 == 0 {
        cpu.set(csr.slot, value);
    } else {
        guest_error!("{} written with a reserved mode: {value:#x}", csr.name);
    }
}

/// `mepc`, `sepc`: an address of an instruction.
fn epc(cpu: &mut Cpu, csr: &Csr, value: u64) {
    let aligned = if config(cpu).ext.has(Extensions::C) { !1 } else { !3 };
    cpu.set(csr.slot, value & aligned);
}
