//! The firmware built into Mimus: the Power State Coordination Interface and what the SMC Calling Convention adds.
//!
//! | | |
//! |---|---|
//! | PSCI 1.1 | VERSION, CPU_SUSPEND, CPU_OFF, CPU_ON, AFFINITY_INFO, MIGRATE_INFO_TYPE, SYSTEM_OFF, SYSTEM_RESET, SYSTEM_RESET2, FEATURES |
//! | SMCCC 1.1 | VERSION, ARCH_FEATURES; of the workarounds it says that they are not needed |
//!
//! A CPU changes its own state, but for one step: another sets one that is off to start, it wakes, and begins.
//!
//! Documents: Arm Power State Coordination Interface (DEN 0022), SMC Calling Convention (DEN 0028).

use super::fields::{hcr, pstate, scr};
use super::models::Conduit;
use super::regs::x;
use super::sysreg::{self, slots};
use super::{config, mpidr, state};
use crate::base::Result;
use crate::base::bits::bits;
use crate::cpu::{Cpu, Firmware, Trap};
use crate::fabric::{PowerRequest, State};
use crate::{dlog, gap, guest_error};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard};

/// Function numbers; those that take addresses have a 64-bit form, which differs in bit 30.
mod function {
    pub const SMCCC_VERSION: u64 = 0x8000_0000;
    pub const ARCH_FEATURES: u64 = 0x8000_0001;
    pub const ARCH_WORKAROUND_3: u64 = 0x8000_3fff;
    pub const ARCH_WORKAROUND_2: u64 = 0x8000_7fff;
    pub const ARCH_WORKAROUND_1: u64 = 0x8000_8000;
    pub const PSCI_VERSION: u64 = 0x8400_0000;
    pub const CPU_SUSPEND: u64 = 0x8400_0001;
    pub const CPU_OFF: u64 = 0x8400_0002;
    pub const CPU_ON: u64 = 0x8400_0003;
    pub const AFFINITY_INFO: u64 = 0x8400_0004;
    pub const MIGRATE_INFO_TYPE: u64 = 0x8400_0006;
    pub const SYSTEM_OFF: u64 = 0x8400_0008;
    pub const SYSTEM_RESET: u64 = 0x8400_0009;
    pub const FEATURES: u64 = 0x8400_000a;
    pub const SYSTEM_RESET2: u64 = 0x8400_0012;
    /// The 64-bit form.
    pub const WIDE: u64 = 1 << 30;
}

const VERSION_1_1: u64 = 0x1_0001;
/// "The workaround is there, and this CPU does not need it."
const NOT_AFFECTED: u64 = 1;
/// "No trusted operating system has to be migrated."
const NO_MIGRATION: u64 = 2;

/// Errors of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
enum Error {
    NotSupported = -1,
    InvalidParameters = -2,
    AlreadyOn = -4,
    OnPending = -5,
    InvalidAddress = -9,
}

type Answer = std::result::Result<u64, Error>;

/// What a CPU is doing, numbered as AFFINITY_INFO answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Power {
    On = 0,
    Off = 1,
    OnPending = 2,
    /// It waits for an interrupt, and begins anew or goes on then; to others it is on.
    Suspended = 3,
}

/// Where a CPU begins: the address, and what is in X0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The address.
    pub address: u64,
    /// The value of X0.
    pub context: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Core {
    power: Power,
    entry: Option<Entry>,
}

/// Which CPUs are on. Without the built-in firmware all are, and stay so.
pub struct PowerStates {
    cores: Mutex<Vec<Core>>,
}

impl PowerStates {
    /// `count` CPUs that are on.
    pub(super) fn new(count: u32) -> PowerStates {
        PowerStates { cores: Mutex::new(vec![Core { power: Power::On, entry: None }; count as usize]) }
    }

    fn set(&self, cpu: &Cpu, power: Power, entry: Option<Entry>) {
        if let Some(core) = self.lock().get_mut(cpu.index as usize) {
            *core = Core { power, entry };
        }
    }

    /// Holds the CPU back.
    fn hold(&self, cpu: &mut Cpu, power: Power, entry: Option<Entry>) {
        self.set(cpu, power, entry);
        cpu.halted = true;
        // The block that made the call has to end.
        cpu.pins.kick();
    }

    fn turn_on(&self, core: usize, entry: Entry) -> Answer {
        let mut cores = self.lock();
        let Some(core) = cores.get_mut(core) else { return Err(Error::InvalidParameters) };
        match core.power {
            Power::Off => {
                *core = Core { power: Power::OnPending, entry: Some(entry) };
                Ok(0)
            }
            Power::OnPending => Err(Error::OnPending),
            Power::On | Power::Suspended => Err(Error::AlreadyOn),
        }
    }

    /// Whether the halted CPU goes on. `interrupted`: what it waits for is there.
    pub(super) fn wakes(&self, cpu: &mut Cpu, interrupted: bool) -> bool {
        let begin = {
            let mut cores = self.lock();
            let Some(core) = cores.get_mut(cpu.index as usize) else { return interrupted };
            match core.power {
                Power::On => return interrupted,
                Power::Off => return false,
                Power::Suspended if !interrupted => return false,
                Power::Suspended | Power::OnPending => {}
            }
            core.power = Power::On;
            core.entry.take()
        };
        if let Some(entry) = begin {
            cpu.reset();
            enter_lower(cpu, entry);
        }
        true
    }

    /// Saves or loads the states.
    ///
    /// # Errors
    /// On load, when they are not there.
    pub fn walk(&self, s: &mut State) -> Result<()> {
        let mut cores = self.lock();
        s.item("cores", &mut *cores)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Core>> {
        self.cores.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// How the CPUs begin after a reset of the board.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    /// The first one in a kernel, below the firmware, with the device tree's address in X0; the others are off.
    Kernel(Entry),
    /// In the guest's firmware at an address, at the highest level. With EL3 that is all of them, and the built-in
    /// firmware is out of the way; otherwise the first one.
    Firmware(u64),
    /// None of them.
    Nothing,
}

/// Puts a CPU after reset where it begins.
pub fn start(cpu: &mut Cpu, begin: Begin) {
    let power = &config(cpu).cores.clone().power;
    let first = cpu.index == 0;
    let (on, run) = match begin {
        Begin::Kernel(_) => (first, first),
        Begin::Firmware(_) => (first || config(cpu).has_el3(), true),
        Begin::Nothing => (false, false),
    };
    power.set(cpu, if on { Power::On } else { Power::Off }, None);
    cpu.halted = !on;
    match begin {
        Begin::Kernel(entry) if run => enter_lower(cpu, entry),
        Begin::Firmware(address) => {
            if config(cpu).has_el3() {
                cpu.firmware = None;
            }
            cpu.pc = address;
        }
        _ => {}
    }
}

/// Puts a CPU that was reset at the highest level below EL3, as firmware hands over: no translation, everything masked.
fn enter_lower(cpu: &mut Cpu, entry: Entry) {
    if config(cpu).has_el3() {
        // What kernels find by its ID field must not trap to EL3, as the boot protocol has it.
        let open = scr::NS | scr::HCE | scr::APK | scr::API | scr::EN_SCXT | scr::ECV_EN | scr::HX_EN;
        cpu.set(slots::SCR_EL3, open & sysreg::state::scr_fields(cpu) | scr::RW | 0x30);
    }
    let level: u64 = if config(cpu).has_el2() { 2 } else { 1 };
    if config(cpu).has_el2() {
        cpu.set(slots::HCR_EL2, hcr::RW);
    }
    state::set(cpu, pstate::DAIF | pstate::SP | level << 2);
    cpu.set(x(0), entry.context);
    cpu.pc = entry.address;
    cpu.flush_all();
}

/// The firmware.
pub struct Psci;

impl Psci {
    /// Whether a function is there, and what FEATURES says of it.
    fn features(id: u64) -> Answer {
        match id {
            function::SMCCC_VERSION | function::PSCI_VERSION | function::CPU_OFF | function::MIGRATE_INFO_TYPE => Ok(0),
            function::SYSTEM_OFF | function::SYSTEM_RESET | function::FEATURES => Ok(0),
            _ => match id & !function::WIDE {
                function::CPU_ON | function::AFFINITY_INFO | function::SYSTEM_RESET2 => Ok(0),
                // The original format of power states, and no OS-initiated mode.
                function::CPU_SUSPEND => Ok(0),
                _ => Err(Error::NotSupported),
            },
        }
    }

    fn answer(&self, cpu: &mut Cpu, id: u64, [a1, a2, a3]: [u64; 3]) -> Answer {
        match id {
            function::SMCCC_VERSION | function::PSCI_VERSION => Ok(VERSION_1_1),
            function::ARCH_FEATURES => match a1 & 0xffff_ffff {
                function::SMCCC_VERSION | function::ARCH_FEATURES => Ok(0),
                function::ARCH_WORKAROUND_1 | function::ARCH_WORKAROUND_2 | function::ARCH_WORKAROUND_3 => {
                    Ok(NOT_AFFECTED)
                }
                _ => Err(Error::NotSupported),
            },
            function::ARCH_WORKAROUND_1 | function::ARCH_WORKAROUND_2 | function::ARCH_WORKAROUND_3 => Ok(0),
            function::MIGRATE_INFO_TYPE => Ok(NO_MIGRATION),
            function::FEATURES => Psci::features(a1 & 0xffff_ffff),
            function::CPU_OFF => {
                config(cpu).cores.clone().power.hold(cpu, Power::Off, None);
                Ok(0)
            }
            function::SYSTEM_OFF => Ok(self.end(cpu, PowerRequest::Off(0))),
            function::SYSTEM_RESET => Ok(self.end(cpu, PowerRequest::Reset)),
            _ => match id & !function::WIDE {
                function::SYSTEM_RESET2 => Ok(self.end(cpu, PowerRequest::Reset)),
                function::CPU_ON => self.cpu_on(cpu, a1, Entry { address: a2, context: a3 }),
                function::AFFINITY_INFO => {
                    if a2 != 0 {
                        return Err(Error::InvalidParameters);
                    }
                    let core = find(cpu, a1)?;
                    let power = config(cpu).cores.power.lock()[core].power;
                    Ok(if power == Power::Suspended { Power::On as u64 } else { power as u64 })
                }
                function::CPU_SUSPEND => {
                    // Bit 16: state is lost, so that the CPU begins anew.
                    const POWER_DOWN: u32 = 16;
                    let entry = (bits(a1, POWER_DOWN, POWER_DOWN) != 0).then_some(Entry { address: a2, context: a3 });
                    config(cpu).cores.clone().power.hold(cpu, Power::Suspended, entry);
                    Ok(0)
                }
                _ => Err(Error::NotSupported),
            },
        }
    }

    fn cpu_on(&self, cpu: &mut Cpu, target: u64, entry: Entry) -> Answer {
        let core = find(cpu, target)?;
        if entry.address & 3 != 0 || cpu.read_physical(entry.address, 4).is_none() {
            return Err(Error::InvalidAddress);
        }
        config(cpu).cores.power.turn_on(core, entry)?;
        cpu.others[core].pins().kick();
        Ok(0)
    }

    /// Asks the board; the CPU does nothing more.
    fn end(&self, cpu: &mut Cpu, request: PowerRequest) -> u64 {
        cpu.board.power.request(request);
        config(cpu).cores.clone().power.hold(cpu, Power::Off, None);
        0
    }
}

/// The CPU with these affinity fields.
fn find(cpu: &Cpu, affinity: u64) -> std::result::Result<usize, Error> {
    let found = (0..cpu.others.len()).find(|index| mpidr(*index as u32) == affinity);
    found.ok_or(Error::InvalidParameters)
}

impl Firmware for Psci {
    fn call(&self, cpu: &mut Cpu) -> std::result::Result<(), Trap> {
        let id = cpu.get(x(0)) & 0xffff_ffff;
        let mut args = [1, 2, 3].map(|n| cpu.get(x(n)));
        if id & function::WIDE == 0 {
            args = args.map(|arg| arg & 0xffff_ffff);
        }
        dlog!(Int, "PSCI call of CPU {}: {id:#x} {args:x?}", cpu.index);
        let answer = self.answer(cpu, id, args);
        match answer {
            Err(Error::NotSupported) => gap!("the built-in firmware has no function {id:#x}"),
            Err(error) => guest_error!("PSCI call {id:#x} with {args:x?}: {error:?}"),
            Ok(_) => {}
        }
        cpu.set(x(0), answer.unwrap_or_else(|error| error as i64 as u64));
        Ok(())
    }
}

/// The firmware.
pub fn firmware() -> Arc<dyn Firmware> {
    Arc::new(Psci)
}

/// The name of a conduit in a device tree.
pub const fn method(conduit: Conduit) -> Option<&'static str> {
    match conduit {
        Conduit::Hvc => Some("hvc"),
        Conduit::Smc => Some("smc"),
        Conduit::Disabled => None,
    }
}
