//! The system registers that stand in a vCPU's register space and belong to an interrupt controller.

/// What an access to such a register depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegisterAccess {
    /// Number of the vCPU.
    pub cpu: u32,
    /// The register. Arm: `op0:op1:CRn:CRm:op2` of the instruction as a number of 16 bits
    /// ([`RegisterAccess::number`]).
    pub register: u32,
    /// The vCPU's privilege. Arm: the exception level.
    pub level: u8,
    /// The vCPU is in the Secure state. At EL3: what `SCR_EL3.NS` makes of banked registers (NS=0: true).
    pub secure: bool,
    /// Arm: `SCR_EL3.FIQ`, which hides the Secure half of the priorities from Non-secure code; false without EL3.
    pub fiq_to_monitor: bool,
    /// Arm: `HCR_EL2.FMO` and `HCR_EL2.IMO` in force: `ICC_*` at EL1 mean the virtual interface for group 0 and 1.
    pub virtual_groups: [bool; 2],
}

impl RegisterAccess {
    /// The number of an Arm system register.
    pub const fn number(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> u32 {
        op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
    }
}

/// An interrupt controller as a vCPU reaches it by system registers (a GICv3's `ICC_*`).
///
/// Called by the vCPU's thread with no lock held. Whether the instruction is allowed at all (exception level,
/// traps of a hypervisor or monitor) is decided before.
pub trait CpuInterface: Send + Sync {
    /// Reads a register; `None` when there is no such register or it cannot be read: the instruction is undefined.
    fn read(&self, access: RegisterAccess) -> Option<u64>;

    /// Writes a register; false as for `read`.
    #[must_use]
    fn write(&self, access: RegisterAccess, value: u64) -> bool;
}
