//! The register table: every architectural register is a slot.

use super::csr;
use crate::cpu::{Group, RegDef};
use crate::ir::Slot;

/// Integer register `x[n]`; `x0` is never written.
pub const fn x(n: u32) -> Slot {
    Slot(n as u16)
}

/// Floating-point register `f[n]`, NaN-boxed.
pub const fn f(n: u32) -> Slot {
    Slot(32 + n as u16)
}

/// Virtual address that the last LR reserved; `u64::MAX` when nothing is.
pub const RESERVED_ADDRESS: Slot = Slot(64);
/// What LR loaded from there.
pub const RESERVED_VALUE: Slot = Slot(65);
/// First slot of the CSRs and of what they hold.
pub const FIRST_CSR: u16 = 66;

/// Numbers slots from [`FIRST_CSR`] on, in order.
macro_rules! slots {
    ($($(#[$meta:meta])* $name:ident;)*) => {
        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "numbers the constants of these names")]
        enum Order { $($name,)* END }
        $($(#[$meta])* pub const $name: Slot = Slot(FIRST_CSR + Order::$name as u16);)*
        const PMPADDR0: u16 = FIRST_CSR + Order::END as u16;
    };
}

slots! {
    /// Privilege level, as `mstatus.MPP` encodes it.
    PRIVILEGE;
    /// `fcsr`, less the flags that are still in [`crate::cpu::Cpu::float_flags`].
    FCSR;
    /// `mstatus`, less SD.
    MSTATUS;
    /// `misa`.
    MISA;
    /// `medeleg`.
    MEDELEG;
    /// `mideleg`.
    MIDELEG;
    /// `mie`.
    MIE;
    /// The bits of `mip` that software writes; the others are pins.
    MIP;
    /// `mtvec`.
    MTVEC;
    /// `mcounteren`.
    MCOUNTEREN;
    /// `menvcfg`.
    MENVCFG;
    /// `mcountinhibit`.
    MCOUNTINHIBIT;
    /// `mscratch`.
    MSCRATCH;
    /// `mepc`.
    MEPC;
    /// `mcause`.
    MCAUSE;
    /// `mtval`.
    MTVAL;
    /// `stvec`.
    STVEC;
    /// `scounteren`.
    SCOUNTEREN;
    /// `senvcfg`.
    SENVCFG;
    /// `sscratch`.
    SSCRATCH;
    /// `sepc`.
    SEPC;
    /// `scause`.
    SCAUSE;
    /// `stval`.
    STVAL;
    /// `satp`.
    SATP;
    /// `stimecmp`.
    STIMECMP;
    /// What is added to guest time for `mcycle`; while that is inhibited, its value.
    MCYCLE;
    /// Likewise for `minstret`.
    MINSTRET;
    /// `time` has no state of its own: it is a view of the board's time base.
    TIME;
    /// `pmpcfg0`.
    PMPCFG0;
    /// `pmpcfg2`.
    PMPCFG2;
    /// `mvendorid`.
    MVENDORID;
    /// `marchid`.
    MARCHID;
    /// `mimpid`.
    MIMPID;
    /// `mhartid`.
    MHARTID;
    /// Which debug trigger the registers below are of.
    TSELECT;
    /// `tdata1` of the first trigger.
    TDATA1;
    /// `tdata1` of the second.
    TDATA1_SECOND;
    /// `tdata2` of the first trigger.
    TDATA2;
    /// `tdata2` of the second.
    TDATA2_SECOND;
    /// `tdata3` of the first trigger.
    TDATA3;
    /// `tdata3` of the second.
    TDATA3_SECOND;
    /// `mcontext`.
    MCONTEXT;
    /// What debug triggers make the hart look at: see [`super::triggers`].
    TRIGGERS;
    /// What there is of the firmware's events: see [`super::sbi`].
    EVENTS;
    /// Whether some programmable counter counts at some privilege levels only.
    HPM_FILTERED;
    /// Whether some programmable counter counts events one by one.
    HPM_COUNTED;
    /// A register that is zero.
    ZERO;
}

/// How many PMP regions there are, in a model that has any.
pub const PMP_REGIONS: u32 = 16;

/// `pmpaddr[n]`.
pub const fn pmpaddr(n: u32) -> Slot {
    Slot(PMPADDR0 + n as u16)
}

/// The first programmable counter's event, `mhpmevent3`.
pub const MHPMEVENT3: Slot = Slot(PMPADDR0 + PMP_REGIONS as u16);
/// The first programmable counter, `mhpmcounter3`.
pub const MHPMCOUNTER3: Slot = Slot(MHPMEVENT3.0 + HPM_COUNTERS);
/// What it was when overflows were last looked for.
const MHPMSEEN3: Slot = Slot(MHPMCOUNTER3.0 + HPM_COUNTERS);
/// How many programmable counters there may be: numbers 3 to 31.
const HPM_COUNTERS: u16 = 29;

/// `mhpmevent[n]`.
pub const fn mhpmevent(n: u32) -> Slot {
    Slot(MHPMEVENT3.0 + n as u16 - 3)
}

/// `mhpmcounter[n]`; while it follows guest time, what is added to that.
pub const fn mhpmcounter(n: u32) -> Slot {
    Slot(MHPMCOUNTER3.0 + n as u16 - 3)
}

/// What `mhpmcounter[n]` was when overflows were last looked for.
pub const fn mhpmseen(n: u32) -> Slot {
    Slot(MHPMSEEN3.0 + n as u16 - 3)
}

/// How many slots there are.
pub const SLOTS: usize = MHPMSEEN3.0 as usize + HPM_COUNTERS as usize;

/// The integer registers by the names that the calling convention gives them.
pub const X_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// The floating-point registers likewise.
pub const F_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// Registers that are no CSRs, beside the 64 of the two files.
const OTHERS: [RegDef; 3] = [
    RegDef { name: "priv", slot: PRIVILEGE, bits: 8, group: Group::System },
    RegDef { name: "reserved-address", slot: RESERVED_ADDRESS, bits: 64, group: Group::Hidden },
    RegDef { name: "reserved-value", slot: RESERVED_VALUE, bits: 64, group: Group::Hidden },
];

const COUNT: usize = 64 + OTHERS.len() + csr::SHOWN;

/// The register table. CSRs that are views share the slot of what they show.
pub static REGISTERS: [RegDef; COUNT] = registers();

const fn registers() -> [RegDef; COUNT] {
    let mut all = [OTHERS[0]; COUNT];
    let mut n = 0;
    while n < 32 {
        all[n] = RegDef { name: X_NAMES[n], slot: x(n as u32), bits: 64, group: Group::General };
        all[32 + n] = RegDef { name: F_NAMES[n], slot: f(n as u32), bits: 64, group: Group::Float };
        n += 1;
    }
    n = 0;
    while n < OTHERS.len() {
        all[64 + n] = OTHERS[n];
        n += 1;
    }
    n = 0;
    while n < csr::SHOWN {
        let row = &csr::CSRS[n];
        all[64 + OTHERS.len() + n] = RegDef { name: row.name, slot: row.slot, bits: 64, group: Group::System };
        n += 1;
    }
    all
}
