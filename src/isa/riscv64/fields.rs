//! Fields of the CSRs, by the manual's names, as masks.

/// `mstatus` and its view `sstatus`.
pub mod mstatus {
    /// Interrupts enabled in S-mode.
    pub const SIE: u64 = 1 << 1;
    /// Interrupts enabled in M-mode.
    pub const MIE: u64 = 1 << 3;
    /// SIE before the trap into S-mode.
    pub const SPIE: u64 = 1 << 5;
    /// MIE before the trap into M-mode.
    pub const MPIE: u64 = 1 << 7;
    /// Privilege before the trap into S-mode.
    pub const SPP: u64 = 1 << 8;
    /// Privilege before the trap into M-mode.
    pub const MPP: u64 = 3 << 11;
    /// State of the float unit: Off, Initial, Clean, Dirty.
    pub const FS: u64 = 3 << 13;
    /// Loads and stores use the privilege in MPP.
    pub const MPRV: u64 = 1 << 17;
    /// S-mode may access pages of U-mode.
    pub const SUM: u64 = 1 << 18;
    /// Loads from executable pages are allowed.
    pub const MXR: u64 = 1 << 19;
    /// S-mode's accesses to `satp` and its SFENCE.VMA trap.
    pub const TVM: u64 = 1 << 20;
    /// WFI below M-mode traps.
    pub const TW: u64 = 1 << 21;
    /// S-mode's SRET traps.
    pub const TSR: u64 = 1 << 22;
    /// XLEN of U-mode.
    pub const UXL: u64 = 3 << 32;
    /// XLEN of S-mode.
    pub const SXL: u64 = 3 << 34;
    /// Some unit's state is Dirty.
    pub const SD: u64 = 1 << 63;
    /// What `sstatus` shows.
    pub const SSTATUS: u64 = SIE | SPIE | SPP | FS | SUM | MXR | UXL | SD;
}

/// Interrupts, by their bits in `mip`, `mie`, `mideleg`; the pins of a vCPU have the same numbers.
pub mod irq {
    /// Supervisor software interrupt: pin number.
    pub const SSI: u32 = 1;
    /// Machine software interrupt: pin number.
    pub const MSI: u32 = 3;
    /// Supervisor timer interrupt: pin number.
    pub const STI: u32 = 5;
    /// Machine timer interrupt: pin number.
    pub const MTI: u32 = 7;
    /// Supervisor external interrupt: pin number.
    pub const SEI: u32 = 9;
    /// Machine external interrupt: pin number.
    pub const MEI: u32 = 11;
    /// Those of S-mode.
    pub const SUPERVISOR: u64 = 1 << SSI | 1 << STI | 1 << SEI;
    /// Those of M-mode.
    pub const MACHINE: u64 = 1 << MSI | 1 << MTI | 1 << MEI;
    /// Overflow of a counter: software's bit, which a counter sets.
    pub const LCOFI: u32 = 13;
    /// No interrupt, but a pin: another hart has injected an event of the firmware's.
    pub const EVENT: u32 = 62;
    /// All, highest priority first.
    pub const BY_PRIORITY: [u32; 7] = [MEI, MSI, MTI, SEI, SSI, STI, LCOFI];
}

/// `menvcfg` and `senvcfg`.
pub mod envcfg {
    /// Fences of I/O imply fences of memory.
    pub const FIOM: u64 = 1;
    /// What CBO.INVAL does: traps, flushes, or invalidates.
    pub const CBIE: u64 = 3 << 4;
    /// CBO.CLEAN and CBO.FLUSH are allowed.
    pub const CBCFE: u64 = 1 << 6;
    /// CBO.ZERO is allowed.
    pub const CBZE: u64 = 1 << 7;
    /// Hardware sets A and D bits of page tables.
    pub const ADUE: u64 = 1 << 61;
    /// Svpbmt is available.
    pub const PBMTE: u64 = 1 << 62;
    /// Sstc is available.
    pub const STCE: u64 = 1 << 63;
}

/// `mhpmevent`.
pub mod mhpmevent {
    /// Which event.
    pub const SELECTOR: u64 = (1 << 56) - 1;
    /// Events in U-mode are not counted.
    pub const UINH: u64 = 1 << 60;
    /// Events in S-mode are not counted.
    pub const SINH: u64 = 1 << 61;
    /// Events in M-mode are not counted.
    pub const MINH: u64 = 1 << 62;
    /// The counter has overflowed; while it is set, no overflow interrupts.
    pub const OF: u64 = 1 << 63;
}

/// `satp`.
pub mod satp {
    /// Page number of the root page table.
    pub const PPN: u64 = (1 << 44) - 1;
    /// Address space identifier.
    pub const ASID: u64 = 0xffff << 44;
    /// Translation scheme.
    pub const MODE: u64 = 0xf << 60;
    /// No translation.
    pub const BARE: u64 = 0;
    /// Three levels; each scheme above has one level more.
    pub const SV39: u64 = 8;
    /// Four levels.
    pub const SV48: u64 = 9;
    /// Five levels.
    pub const SV57: u64 = 10;
}

/// Exception codes.
pub mod cause {
    /// The bit that tells interrupts from exceptions.
    pub const INTERRUPT: u64 = 1 << 63;
    /// An event of the built-in firmware's, which no handler sees as a cause.
    pub const EVENT: u64 = INTERRUPT | super::irq::EVENT as u64;
    /// Instruction address misaligned.
    pub const FETCH_MISALIGNED: u64 = 0;
    /// Instruction access fault.
    pub const FETCH_ACCESS: u64 = 1;
    /// Illegal instruction.
    pub const ILLEGAL: u64 = 2;
    /// Breakpoint.
    pub const BREAKPOINT: u64 = 3;
    /// Load address misaligned.
    pub const LOAD_MISALIGNED: u64 = 4;
    /// Load access fault.
    pub const LOAD_ACCESS: u64 = 5;
    /// Store or AMO address misaligned.
    pub const STORE_MISALIGNED: u64 = 6;
    /// Store or AMO access fault.
    pub const STORE_ACCESS: u64 = 7;
    /// Environment call from U-mode; S-mode and M-mode have the codes 1 and 3 above.
    pub const ECALL_U: u64 = 8;
    /// Environment call from S-mode.
    pub const ECALL_S: u64 = 9;
    /// Instruction page fault.
    pub const FETCH_PAGE: u64 = 12;
    /// Load page fault.
    pub const LOAD_PAGE: u64 = 13;
    /// Store or AMO page fault.
    pub const STORE_PAGE: u64 = 15;
    /// Exceptions that `medeleg` can delegate.
    pub const DELEGABLE: u64 = 0xb3ff;
}
