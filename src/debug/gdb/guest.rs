//! The machine as `gdbstub` sees it.

use super::arch::{AnyArch, RegBytes, RegNumber};
use super::layout::Layout;
use crate::cpu::{Cpu, Watchpoint};
use crate::debug::Desk;
use crate::debug::monitor::Monitor;
use crate::engine::Exit;
use crate::machine::{Control, Pace};
use gdbstub::common::{Signal, Tid};
use gdbstub::stub::MultiThreadStopReason;
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::{
    MultiThreadBase, MultiThreadResume, MultiThreadResumeOps, MultiThreadSchedulerLocking,
    MultiThreadSchedulerLockingOps, MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use gdbstub::target::ext::base::single_register_access::{SingleRegisterAccess, SingleRegisterAccessOps};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, HwWatchpoint, HwWatchpointOps, SwBreakpoint,
    SwBreakpointOps, WatchKind,
};
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd, MonitorCmdOps};
use gdbstub::target::ext::target_description_xml_override::{
    TargetDescriptionXmlOverride, TargetDescriptionXmlOverrideOps,
};
use gdbstub::target::ext::thread_extra_info::{ThreadExtraInfo, ThreadExtraInfoOps};
use gdbstub::target::{Target, TargetError, TargetResult};
use std::convert::Infallible;
use std::sync::Arc;

/// QEMU's answer when something cannot be read or written.
const EFAULT: u8 = 0x14;
/// QEMU's answer to what it cannot make sense of.
pub const EINVAL: u8 = 0x22;

/// Bits of `Qqemu.sstep`: how single steps are made.
pub mod sstep {
    /// Steps are steps. Always so.
    pub const ENABLE: u8 = 1;
    /// Interrupts are not taken.
    pub const NOIRQ: u8 = 2;
    /// Timers stand still. Without effect, as in QEMU when each vCPU has a thread.
    pub const NOTIMER: u8 = 4;
}

/// A breakpoint of gdb's.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Break {
    address: u64,
    /// Set by `Z1`. They are all of one kind, but gdb wants the right word.
    hardware: bool,
}

/// The target of one gdb.
pub struct Guest {
    desk: Arc<Desk>,
    layout: Layout,
    monitor: Monitor,
    /// Memory is read and written by physical address.
    pub physical: bool,
    /// How single steps are made: bits of [`sstep`].
    pub sstep: u8,
    /// The vCPU that stopped last.
    pub stopped: u32,
    breaks: Vec<Break>,
    watches: Vec<Watchpoint>,
    /// The points that the machine has of ours.
    set: (Vec<u64>, Vec<Watchpoint>),
    /// What the next resumption says of each vCPU.
    named: Vec<Option<Pace>>,
    /// Whether vCPUs that it does not name stay.
    locked: bool,
}

impl Guest {
    /// The machine, without points.
    pub fn new(desk: Arc<Desk>) -> Guest {
        Guest {
            layout: Layout::of(desk.control().machine().isa.as_ref()),
            monitor: Monitor::new(desk.clone()),
            desk,
            physical: false,
            sstep: sstep::ENABLE | sstep::NOIRQ | sstep::NOTIMER,
            stopped: 0,
            breaks: Vec::new(),
            watches: Vec::new(),
            set: (Vec::new(), Vec::new()),
            named: Vec::new(),
            locked: false,
        }
    }

    /// The machine's run control.
    pub fn control(&self) -> &Control {
        self.desk.control()
    }

    /// Removes all points, and forgets what a client may have set.
    pub fn clear(&mut self) {
        self.breaks.clear();
        self.watches.clear();
        self.set_points();
        self.physical = false;
        self.sstep = sstep::ENABLE | sstep::NOIRQ | sstep::NOTIMER;
    }

    /// Makes the machine's points ours. Costs all compiled code, so it is done when they matter only.
    fn set_points(&mut self) {
        let breaks: Vec<u64> = self.breaks.iter().map(|point| point.address).collect();
        let wanted = (breaks, self.watches.clone());
        if wanted == self.set {
            return;
        }
        let changed = self.desk.control().change_points(|points| {
            replace(&mut points.breakpoints, &self.set.0, &wanted.0);
            replace(&mut points.watchpoints, &self.set.1, &wanted.1);
        });
        match changed {
            Ok(()) => self.set = wanted,
            Err(e) => log::error!("gdb: points are not set: {e}"),
        }
    }

    /// What gdb is told of a stop.
    pub fn reason(&mut self, cpu: u32, exit: Exit) -> MultiThreadStopReason<u64> {
        self.stopped = cpu;
        let tid = tid_of(cpu);
        match exit {
            Exit::Breakpoint => {
                let pc = self.control().with_cpu(cpu, |cpu| cpu.pc).ok();
                let hardware = self.breaks.iter().any(|point| Some(point.address) == pc && point.hardware);
                if hardware { MultiThreadStopReason::HwBreak(tid) } else { MultiThreadStopReason::SwBreak(tid) }
            }
            Exit::Watchpoint(point) => {
                let kind = match (point.loads, point.stores) {
                    (true, true) => WatchKind::ReadWrite,
                    (true, false) => WatchKind::Read,
                    _ => WatchKind::Write,
                };
                MultiThreadStopReason::Watch { tid, kind, addr: point.start }
            }
            Exit::Stepped | Exit::Asked => self.signal(Signal::SIGTRAP),
        }
    }

    /// A signal, on the vCPU that stopped last.
    pub fn signal(&self, signal: Signal) -> MultiThreadStopReason<u64> {
        MultiThreadStopReason::SignalWithThread { tid: tid_of(self.stopped), signal }
    }

    fn cpu<T>(&self, tid: Tid, f: impl FnOnce(&mut Cpu, &Layout) -> T) -> TargetResult<T, Guest> {
        let index = u32::try_from(tid.get() - 1).map_err(|_| TargetError::Errno(EINVAL))?;
        let layout = &self.layout;
        self.desk.control().with_cpu(index, |cpu| f(cpu, layout)).map_err(|_| TargetError::Errno(EINVAL))
    }

    fn pace(&mut self, tid: Tid, pace: Pace) {
        if let Some(place) = self.named.get_mut(tid.get() - 1) {
            // Of several words on one vCPU the first counts.
            place.get_or_insert(pace);
        }
    }

    fn add_break(&mut self, point: Break) -> bool {
        // The same packet may come twice.
        if !self.breaks.contains(&point) {
            self.breaks.push(point);
        }
        true
    }

    fn remove_break(&mut self, point: Break) -> bool {
        let before = self.breaks.len();
        self.breaks.retain(|other| *other != point);
        self.breaks.len() < before
    }
}

/// A thread's number.
pub fn tid_of(cpu: u32) -> Tid {
    Tid::MIN.saturating_add(cpu as usize)
}

/// Replaces `old` in `points`, once each, by `new`: others have points, too.
fn replace<T: PartialEq + Copy>(points: &mut Vec<T>, old: &[T], new: &[T]) {
    for point in old {
        if let Some(index) = points.iter().position(|other| other == point) {
            points.swap_remove(index);
        }
    }
    points.extend(new);
}

impl Target for Guest {
    type Arch = AnyArch;
    type Error = Infallible;

    fn base_ops(&mut self) -> BaseOps<'_, AnyArch, Infallible> {
        BaseOps::MultiThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Self>> {
        Some(self)
    }

    fn support_target_description_xml_override(&mut self) -> Option<TargetDescriptionXmlOverrideOps<'_, Self>> {
        Some(self)
    }

    fn use_rle(&self) -> bool {
        // Scripts that speak the protocol themselves know nothing of it; QEMU does not send it either.
        false
    }

    fn use_fork_stop_reason(&self) -> bool {
        false
    }

    fn use_vfork_stop_reason(&self) -> bool {
        false
    }

    fn use_vforkdone_stop_reason(&self) -> bool {
        false
    }
}

impl MultiThreadBase for Guest {
    fn read_registers(&mut self, regs: &mut RegBytes, tid: Tid) -> TargetResult<(), Self> {
        regs.0 = self.cpu(tid, |cpu, layout| layout.read_core(cpu))?;
        Ok(())
    }

    fn write_registers(&mut self, regs: &RegBytes, tid: Tid) -> TargetResult<(), Self> {
        self.cpu(tid, |cpu, layout| layout.write_core(cpu, &regs.0))
    }

    fn support_single_register_access(&mut self) -> Option<SingleRegisterAccessOps<'_, Tid, Self>> {
        Some(self)
    }

    fn read_addrs(&mut self, start: u64, data: &mut [u8], tid: Tid) -> TargetResult<usize, Self> {
        let physical = self.physical;
        let count = self.cpu(tid, |cpu, _| {
            if physical { usize::from(cpu.board.bus.peek(start, data)) * data.len() } else { cpu.peek(start, data) }
        })?;
        if count == 0 { Err(TargetError::Errno(EFAULT)) } else { Ok(count) }
    }

    fn write_addrs(&mut self, start: u64, data: &[u8], tid: Tid) -> TargetResult<(), Self> {
        let physical = self.physical;
        let done =
            self.cpu(tid, |cpu, _| if physical { cpu.board.bus.poke(start, data) } else { cpu.poke(start, data) })?;
        if done { Ok(()) } else { Err(TargetError::Errno(EFAULT)) }
    }

    fn list_active_threads(&mut self, register: &mut dyn FnMut(Tid)) -> Result<(), Infallible> {
        (0..self.control().machine().cpus()).for_each(|cpu| register(tid_of(cpu)));
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Self>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Self>> {
        Some(self)
    }
}

impl SingleRegisterAccess<Tid> for Guest {
    fn read_register(&mut self, tid: Tid, number: RegNumber, into: &mut [u8]) -> TargetResult<usize, Self> {
        let bytes = self.cpu(tid, |cpu, layout| layout.read(cpu, number.0))?;
        let bytes = bytes.filter(|bytes| bytes.len() <= into.len()).ok_or(TargetError::Errno(EFAULT))?;
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write_register(&mut self, tid: Tid, number: RegNumber, value: &[u8]) -> TargetResult<(), Self> {
        let done = self.cpu(tid, |cpu, layout| layout.write(cpu, number.0, value))?;
        if done { Ok(()) } else { Err(TargetError::Errno(EFAULT)) }
    }
}

impl MultiThreadResume for Guest {
    fn resume(&mut self) -> Result<(), Infallible> {
        let rest = if self.locked { Pace::Stay } else { Pace::Run };
        let paces: Vec<Pace> = self.named.iter().map(|pace| pace.unwrap_or(rest)).collect();
        // A step gets over breakpoints anyway, and gdb takes them away for each one that it makes.
        let breaks_matter = paces.contains(&Pace::Run);
        if breaks_matter || self.watches != self.set.1 {
            self.set_points();
        }
        self.desk.control().resume_each(&paces);
        Ok(())
    }

    fn clear_resume_actions(&mut self) -> Result<(), Infallible> {
        self.named = vec![None; self.control().machine().cpus() as usize];
        self.locked = false;
        Ok(())
    }

    fn set_resume_action_continue(&mut self, tid: Tid, _: Option<Signal>) -> Result<(), Infallible> {
        self.pace(tid, Pace::Run);
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Self>> {
        Some(self)
    }

    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadSingleStep for Guest {
    fn set_resume_action_step(&mut self, tid: Tid, _: Option<Signal>) -> Result<(), Infallible> {
        let interrupts = self.sstep & sstep::NOIRQ == 0;
        self.pace(tid, Pace::Step { interrupts });
        Ok(())
    }
}

impl MultiThreadSchedulerLocking for Guest {
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), Infallible> {
        self.locked = true;
        Ok(())
    }
}

impl ThreadExtraInfo for Guest {
    fn thread_extra_info(&self, tid: Tid, buf: &mut [u8]) -> Result<usize, Infallible> {
        let halted = self.cpu(tid, |cpu, _| cpu.halted);
        let text = match halted {
            Ok(halted) => format!("CPU#{} [{}]", tid.get() - 1, if halted { "halted " } else { "running" }),
            Err(_) => String::new(),
        };
        let length = text.len().min(buf.len());
        buf[..length].copy_from_slice(&text.as_bytes()[..length]);
        Ok(length)
    }
}

impl Breakpoints for Guest {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Guest {
    fn add_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.add_break(Break { address, hardware: false }))
    }

    fn remove_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.remove_break(Break { address, hardware: false }))
    }
}

impl HwBreakpoint for Guest {
    fn add_hw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.add_break(Break { address, hardware: true }))
    }

    fn remove_hw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.remove_break(Break { address, hardware: true }))
    }
}

fn watchpoint(start: u64, length: u64, kind: WatchKind) -> Watchpoint {
    let (loads, stores) = match kind {
        WatchKind::Write => (false, true),
        WatchKind::Read => (true, false),
        WatchKind::ReadWrite => (true, true),
    };
    Watchpoint { start, length, loads, stores }
}

impl HwWatchpoint for Guest {
    fn add_hw_watchpoint(&mut self, start: u64, length: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        let point = watchpoint(start, length, kind);
        let sane = length > 0 && start.checked_add(length - 1).is_some();
        if sane && !self.watches.contains(&point) {
            self.watches.push(point);
        }
        Ok(sane)
    }

    fn remove_hw_watchpoint(&mut self, start: u64, length: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        let point = watchpoint(start, length, kind);
        let before = self.watches.len();
        self.watches.retain(|other| *other != point);
        Ok(self.watches.len() < before)
    }
}

impl MonitorCmd for Guest {
    fn handle_monitor_cmd(&mut self, command: &[u8], mut out: ConsoleOutput<'_>) -> Result<(), Infallible> {
        let answer = self.monitor.execute(&String::from_utf8_lossy(command));
        out.write_raw(answer.as_bytes());
        Ok(())
    }
}

impl TargetDescriptionXmlOverride for Guest {
    fn target_description_xml(
        &self,
        annex: &[u8],
        offset: u64,
        length: usize,
        buf: &mut [u8],
    ) -> TargetResult<usize, Self> {
        if annex != b"target.xml" {
            return Err(TargetError::Errno(0));
        }
        let rest = usize::try_from(offset).ok().and_then(|offset| self.layout.xml.as_bytes().get(offset..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(length).min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}
