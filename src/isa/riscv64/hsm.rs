//! Hart state management: which harts the built-in firmware has started, stopped or suspended.
//!
//! A hart changes its own state, but for one step: a stopped one is set to start by another, wakes, and begins. A
//! hart that is held back is halted ([`Cpu::halted`]) until [`Hsm::wakes`] lets it go on.

use super::fields::mstatus;
use super::mode::Privilege;
use super::regs::{self, x};
use crate::base::Result;
use crate::cpu::Cpu;
use crate::fabric::State;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard};

/// What a hart is doing, numbered as `sbi_hart_get_status` answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HartState {
    /// It runs.
    Started = 0,
    /// It waits to be started.
    Stopped = 1,
    /// It has been told to start.
    StartPending = 2,
    /// It waits for an interrupt, and begins anew or goes on then.
    Suspended = 4,
}

/// Where a hart begins in S-mode: the address, and what is in `a1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The address.
    pub address: u64,
    /// The value of `a1`.
    pub opaque: u64,
}

/// A hart as the firmware knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Hart {
    state: HartState,
    /// Where it begins when it starts, or after a non-retentive suspend.
    entry: Option<Entry>,
}

/// The harts of a machine. Without the built-in firmware all of them are started, and stay so.
pub struct Hsm {
    harts: Mutex<Vec<Hart>>,
}

impl Hsm {
    /// `count` harts that are started.
    pub(super) fn new(count: u32) -> Hsm {
        let hart = Hart { state: HartState::Started, entry: None };
        Hsm { harts: Mutex::new(vec![hart; count as usize]) }
    }

    /// What a hart is doing; `None` when there is no such hart.
    pub fn state(&self, hart: u64) -> Option<HartState> {
        let hart = usize::try_from(hart).ok()?;
        self.lock().get(hart).map(|hart| hart.state)
    }

    /// Whether the hart of `cpu` runs after reset: it does, but for the firmware's saying otherwise.
    pub(super) fn reset(&self, cpu: &mut Cpu, started: bool) {
        let state = if started { HartState::Started } else { HartState::Stopped };
        self.set(cpu, state, None);
        cpu.halted = !started;
    }

    /// Tells a stopped hart to start; false when it is not stopped. The caller wakes it.
    pub(super) fn start(&self, hart: u64, entry: Entry) -> bool {
        let mut harts = self.lock();
        let hart = usize::try_from(hart).ok().and_then(|hart| harts.get_mut(hart));
        let Some(hart) = hart.filter(|hart| hart.state == HartState::Stopped) else { return false };
        *hart = Hart { state: HartState::StartPending, entry: Some(entry) };
        true
    }

    /// Holds the hart of `cpu` back until another starts it.
    pub(super) fn stop(&self, cpu: &mut Cpu) {
        self.hold(cpu, HartState::Stopped, None);
    }

    /// Holds the hart of `cpu` back until an interrupt is pending; then it goes on, or begins at `entry`.
    pub(super) fn suspend(&self, cpu: &mut Cpu, entry: Option<Entry>) {
        self.hold(cpu, HartState::Suspended, entry);
    }

    fn hold(&self, cpu: &mut Cpu, state: HartState, entry: Option<Entry>) {
        self.set(cpu, state, entry);
        cpu.halted = true;
        // The block that made the call has to end.
        cpu.pins.kick();
    }

    /// Whether the halted `cpu` goes on. `interrupted`: an interrupt that it has enabled is pending.
    pub(super) fn wakes(&self, cpu: &mut Cpu, interrupted: bool) -> bool {
        let begin = {
            let mut harts = self.lock();
            let Some(hart) = harts.get_mut(cpu.index as usize) else { return interrupted };
            match hart.state {
                HartState::Started => return interrupted,
                HartState::Stopped => return false,
                HartState::Suspended if !interrupted => return false,
                HartState::Suspended | HartState::StartPending => {}
            }
            hart.state = HartState::Started;
            hart.entry.take()
        };
        if let Some(entry) = begin {
            begin_supervisor(cpu, entry);
        }
        true
    }

    /// Saves or loads the states.
    ///
    /// # Errors
    /// On load, when they are not there.
    pub fn walk(&self, s: &mut State) -> Result<()> {
        let mut harts = self.lock();
        s.item("harts", &mut *harts)
    }

    fn set(&self, cpu: &Cpu, state: HartState, entry: Option<Entry>) {
        if let Some(hart) = self.lock().get_mut(cpu.index as usize) {
            *hart = Hart { state, entry };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Hart>> {
        self.harts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Puts a hart at `entry` in S-mode as the SBI has it: no translation, interrupts off, `a0` the hart's number.
pub(super) fn begin_supervisor(cpu: &mut Cpu, entry: Entry) {
    let status = cpu.get(regs::MSTATUS) & !(mstatus::SIE | mstatus::MPRV);
    cpu.set(regs::MSTATUS, status);
    cpu.set(regs::PRIVILEGE, Privilege::Supervisor as u64);
    cpu.set(regs::SATP, 0);
    cpu.set(regs::MIE, 0);
    cpu.set(regs::RESERVED_ADDRESS, u64::MAX);
    cpu.set(x(10), u64::from(cpu.index));
    cpu.set(x(11), entry.opaque);
    cpu.pc = entry.address;
    cpu.flush_all();
}
