//! The firmware built into Mimus: the RISC-V Supervisor Binary Interface, answered without a guest instruction.
//!
//! | extension | |
//! |---|---|
//! | Base, TIME, IPI, RFENCE, HSM, SRST | as the specification has them; RFENCE without the hypervisor's fences |
//! | DBCN | when the board has said where its console is |
//! | legacy 0 to 8 | for kernels from before SBI 0.2 |
//! | PMU, FWFT, DBTR, SSE | as OpenSBI 1.5 has them |
//! | SUSP, CPPC, NACL, STA, … | not there, as in OpenSBI on this board; STA is a hypervisor's |
//!
//! There is no M-mode code, so all that can be delegated is, and S-mode gets what OpenSBI would hand on to it.
//!
//! Document: RISC-V Supervisor Binary Interface Specification, version 2.0.

mod dbtr;
mod fwft;
mod pmu;
pub mod sse;

use super::extensions::Extensions;
use super::fields::{cause, envcfg, irq};
use super::harts::Harts;
use super::hsm::{Entry, HartState, begin_supervisor};
use super::regs::{self, x};
use super::{config, mmu};
use crate::base::bits::{bit, mask};
use crate::cpu::{Cpu, Firmware, Request, Trap};
use crate::fabric::{Bus, PAGE_SIZE, PowerRequest};
use crate::ir::eval::Trapped;
use crate::ir::{Mem, MemSize};
use crate::{dlog, gap, guest_error};
use std::sync::Arc;

/// Version 2.0.
const SPEC_VERSION: u64 = 2 << 24;
/// Not registered: what registered ones promise beyond the specification cannot be expected of this one.
const IMPLEMENTATION: u64 = 0x4d49;

/// Extension numbers.
mod eid {
    pub const SET_TIMER: u64 = 0;
    pub const PUTCHAR: u64 = 1;
    pub const GETCHAR: u64 = 2;
    pub const CLEAR_IPI: u64 = 3;
    pub const SEND_IPI: u64 = 4;
    pub const REMOTE_FENCE_I: u64 = 5;
    pub const REMOTE_SFENCE_VMA: u64 = 6;
    pub const REMOTE_SFENCE_VMA_ASID: u64 = 7;
    pub const SHUTDOWN: u64 = 8;
    pub const BASE: u64 = 0x10;
    pub const TIME: u64 = 0x5449_4d45;
    pub const IPI: u64 = 0x73_5049;
    pub const RFENCE: u64 = 0x5246_4e43;
    pub const HSM: u64 = 0x48_534d;
    pub const SRST: u64 = 0x5352_5354;
    pub const DBCN: u64 = 0x4442_434e;
    pub const DBTR: u64 = 0x4442_5452;
    pub const FWFT: u64 = 0x4657_4654;
    pub const PMU: u64 = 0x50_4d55;
    pub const SSE: u64 = 0x53_5345;
}

/// Errors of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
enum Error {
    Failed = -1,
    NotSupported = -2,
    InvalidParam = -3,
    Denied = -4,
    InvalidAddress = -5,
    AlreadyAvailable = -6,
    AlreadyStarted = -7,
    AlreadyStopped = -8,
    NoSharedMemory = -9,
    InvalidState = -10,
    BadRange = -11,
}

type Answer = Result<u64, Error>;

/// Sends a byte by way of the bus; false when the outside does not take it.
type Put = Box<dyn Fn(&Bus, u8) -> bool + Send + Sync>;
/// Takes a byte that has arrived.
type Get = Box<dyn Fn(&Bus) -> Option<u8> + Send + Sync>;

/// How the firmware reaches the board's console.
pub struct Console {
    /// Sends a byte, or gives up.
    pub put: Put,
    /// Takes a byte that has arrived.
    pub get: Get,
}

/// The firmware.
pub struct Sbi {
    harts: Arc<Harts>,
    console: Option<Console>,
}

/// What the firmware has for one hart.
#[derive(Default)]
pub struct Own {
    counters: pmu::Pmu,
    features: fwft::Features,
    triggers: dbtr::Triggers,
    events: sse::Events,
}

/// Memory that the supervisor shares with the firmware, by its physical address.
#[derive(Clone, Copy)]
struct Shared(u64);

impl Shared {
    /// Takes the memory that the two halves of an address name, both all ones for none, and no flags.
    fn set(cpu: &Cpu, place: &mut Option<Shared>, [low, high, flags]: [u64; 3], align: u64, size: u64) -> Answer {
        if flags != 0 {
            return Err(Error::InvalidParam);
        }
        if low == u64::MAX && high == u64::MAX {
            *place = None;
            return Ok(0);
        }
        *place = Some(Shared::new(cpu, low, high, align, size)?);
        Ok(0)
    }

    /// The memory that the two halves of an address name.
    fn new(cpu: &Cpu, low: u64, high: u64, align: u64, size: u64) -> Result<Shared, Error> {
        if !low.is_multiple_of(align) {
            return Err(Error::InvalidParam);
        }
        let last = low.checked_add(size - 1).filter(|_| high == 0).ok_or(Error::InvalidAddress)?;
        let is_ram = |at: u64| cpu.board.bus.host_page(at).is_some_and(|page| page.writable);
        if !is_ram(low) || !is_ram(last) {
            return Err(Error::InvalidAddress);
        }
        Ok(Shared(low))
    }

    fn put(self, cpu: &Cpu, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        if store(cpu, self.0 + offset, bytes) { Ok(()) } else { Err(Error::InvalidAddress) }
    }

    fn word(self, cpu: &Cpu, offset: u64) -> Result<u64, Error> {
        cpu.read_physical(self.0 + offset, 8).ok_or(Error::InvalidAddress)
    }
}

/// Stores bytes at a physical address, in RAM alone; false when some of it is none.
fn store(cpu: &Cpu, at: u64, bytes: &[u8]) -> bool {
    let mut done = 0;
    while done < bytes.len() {
        let Some(to) = at.checked_add(done as u64) else { return false };
        let Some(page) = cpu.board.bus.host_page(to).filter(|page| page.writable) else { return false };
        let count = (bytes.len() - done).min((PAGE_SIZE - to % PAGE_SIZE) as usize);
        page.ram.write(page.offset + to % PAGE_SIZE, &bytes[done..done + count]);
        done += count;
    }
    true
}

/// A call's arguments, `a0` to `a5`.
type Args = [u64; 6];

impl Sbi {
    /// The firmware of `harts`.
    pub fn new(harts: Arc<Harts>, console: Option<Console>) -> Arc<Sbi> {
        Arc::new(Sbi { harts, console })
    }
}

/// Puts a hart after reset where the firmware leaves it: at the entry, given with the address of the device tree, if it
/// is the first one, waiting to be started otherwise.
pub fn start(cpu: &mut Cpu, boot: Option<(u64, u64)>) {
    let harts = config(cpu).harts.clone();
    let boot = boot.filter(|_| cpu.index == 0);
    prepare(cpu);
    forget(cpu);
    harts.hsm.reset(cpu, boot.is_some());
    if let Some((address, opaque)) = boot {
        begin_supervisor(cpu, Entry { address, opaque });
    }
}

/// Takes away what was set up on a hart that stops or begins anew.
fn forget(cpu: &mut Cpu) {
    let harts = config(cpu).harts.clone();
    harts.with_own(cpu.index, |own| {
        own.triggers.reset(cpu);
        *own = Own::default();
    });
    cpu.set(regs::EVENTS, 0);
    pmu::prepare(cpu);
}

/// Sets what M-mode decides about S-mode.
fn prepare(cpu: &mut Cpu) {
    cpu.set(regs::MEDELEG, cause::DELEGABLE & !(1 << cause::ECALL_S));
    let overflows = if config(cpu).ext.has(Extensions::SSCOFPMF) { 1 << irq::LCOFI } else { 0 };
    cpu.set(regs::MIDELEG, irq::SUPERVISOR | overflows);
    // cycle, time, instret.
    cpu.set(regs::SCOUNTEREN, 7);
    let environment = envcfg::CBIE | envcfg::CBCFE | envcfg::CBZE | envcfg::PBMTE | envcfg::STCE;
    let environment = cpu.get(regs::MENVCFG) | environment;
    // One region over everything: NAPOT, read, write, execute.
    for (name, value) in [("menvcfg", environment), ("pmpaddr0", mask(54)), ("pmpcfg0", 0x1f)] {
        if let Some(csr) = super::csr::named(name) {
            csr.write(cpu, value);
        }
    }
}

/// The harts that a mask and its base name.
#[derive(Clone, Copy)]
struct Chosen {
    mask: u64,
    base: u64,
}

impl Chosen {
    /// # Errors
    /// When a hart is named that does not exist.
    fn new(cpu: &Cpu, mask: u64, base: u64) -> Result<Chosen, Error> {
        let count = cpu.others.len() as u64;
        let highest = u64::from(63 - (mask | 1).leading_zeros());
        let all = base == u64::MAX;
        if !all && mask != 0 && base.checked_add(highest).is_none_or(|last| last >= count) {
            return Err(Error::InvalidParam);
        }
        Ok(Chosen { mask, base })
    }

    fn has(self, hart: u32) -> bool {
        let hart = u64::from(hart);
        self.base == u64::MAX
            || (hart >= self.base && hart - self.base < 64 && bit(self.mask, (hart - self.base) as u32))
    }
}

impl Sbi {
    /// Counts an event for a hart, by its code in [`pmu::firmware`].
    fn count(&self, cpu: &Cpu, hart: u32, event: u64) {
        self.harts.with_own(hart, |own| own.counters.count(cpu, event));
    }

    fn set_timer(&self, cpu: &mut Cpu, at: u64) {
        self.count(cpu, cpu.index, pmu::firmware::SET_TIMER);
        cpu.set(regs::STIMECMP, at);
        self.harts.set_timer(cpu, at);
    }

    fn send_ipi(&self, cpu: &Cpu, chosen: Chosen) {
        self.count(cpu, cpu.index, pmu::firmware::IPI_SENT);
        for (index, other) in cpu.others.iter().enumerate() {
            if chosen.has(index as u32) {
                // A rise is what sets SSIP; the hart clears it itself.
                other.pins().pulse(irq::SSI);
                self.count(cpu, index as u32, pmu::firmware::IPI_RECEIVED);
            }
        }
    }

    fn fence(&self, cpu: &mut Cpu, chosen: Chosen, request: Request) {
        let (sent, received) = match request {
            Request::FlushSpace(_) | Request::FlushPages { space: Some(_), .. } => {
                (pmu::firmware::SFENCE_VMA_ASID_SENT, pmu::firmware::SFENCE_VMA_ASID_RECEIVED)
            }
            Request::Flush | Request::FlushPages { .. } => {
                (pmu::firmware::SFENCE_VMA_SENT, pmu::firmware::SFENCE_VMA_RECEIVED)
            }
            _ => (pmu::firmware::FENCE_I_SENT, pmu::firmware::FENCE_I_RECEIVED),
        };
        self.count(cpu, cpu.index, sent);
        (0..cpu.others.len() as u32).filter(|hart| chosen.has(*hart)).for_each(|hart| self.count(cpu, hart, received));
        if chosen.has(cpu.index) {
            match request {
                Request::Flush => cpu.flush_all(),
                Request::FlushSpace(space) => mmu::fence(cpu, None, Some(u64::from(space))),
                Request::FlushPages { start, count, space } => {
                    for page in 0..count {
                        mmu::fence(cpu, Some(start.wrapping_add(page * PAGE_SIZE)), space.map(u64::from));
                    }
                }
                Request::Sync | Request::DropWrites(_) => {}
            }
        }
        cpu.ask_others_soon(request, |hart| chosen.has(hart));
    }

    fn base(&self, cpu: &mut Cpu, function: u64, args: Args) -> Answer {
        Ok(match function {
            0 => SPEC_VERSION,
            1 => IMPLEMENTATION,
            2 => implementation_version(),
            3 => u64::from(self.has(args[0], config(cpu).triggers)),
            4 => cpu.get(regs::MVENDORID),
            5 => cpu.get(regs::MARCHID),
            6 => cpu.get(regs::MIMPID),
            _ => return Err(Error::NotSupported),
        })
    }

    /// Whether there is an extension, on harts with debug triggers or without.
    fn has(&self, extension: u64, triggers: bool) -> bool {
        match extension {
            eid::PUTCHAR | eid::GETCHAR | eid::DBCN => self.console.is_some(),
            eid::SET_TIMER..=eid::SHUTDOWN => true,
            eid::BASE | eid::TIME | eid::IPI | eid::RFENCE | eid::HSM | eid::SRST | eid::PMU | eid::FWFT => true,
            eid::SSE => true,
            eid::DBTR => triggers,
            _ => false,
        }
    }

    fn remote_fence(&self, cpu: &mut Cpu, function: u64, [mask, base, start, size, asid, _]: Args) -> Answer {
        let request = match function {
            0 => Request::Sync,
            1 => pages(start, size, None),
            2 => pages(start, size, Some(asid as u32 & 0xffff)),
            _ => return Err(Error::NotSupported),
        };
        let chosen = Chosen::new(cpu, mask, base)?;
        if !matches!(request, Request::Sync | Request::Flush | Request::FlushSpace(_))
            && start.checked_add(size).is_none()
        {
            return Err(Error::InvalidAddress);
        }
        self.fence(cpu, chosen, request);
        Ok(0)
    }

    fn hart_state(&self, cpu: &mut Cpu, function: u64, [a0, a1, a2, ..]: Args) -> Answer {
        let hsm = &self.harts.hsm;
        match function {
            0 => {
                let state = hsm.state(a0).ok_or(Error::InvalidParam)?;
                if cpu.read_physical(a1 & !3, 4).is_none() {
                    return Err(Error::InvalidAddress);
                }
                if state != HartState::Stopped || !hsm.start(a0, Entry { address: a1, opaque: a2 }) {
                    return Err(Error::AlreadyAvailable);
                }
                cpu.others[a0 as usize].pins().kick();
                Ok(0)
            }
            1 => {
                forget(cpu);
                hsm.stop(cpu);
                Ok(0)
            }
            2 => hsm.state(a0).map(|state| state as u64).ok_or(Error::InvalidParam),
            3 => {
                // The default types alone; bit 31 tells non-retentive from retentive. The parameter has 32 bits.
                let entry = match a0 as u32 {
                    0 => None,
                    0x8000_0000 => Some(Entry { address: a1, opaque: a2 }),
                    _ => return Err(Error::InvalidParam),
                };
                if entry.is_some() && cpu.read_physical(a1 & !3, 4).is_none() {
                    return Err(Error::InvalidAddress);
                }
                hsm.suspend(cpu, entry);
                Ok(0)
            }
            _ => Err(Error::NotSupported),
        }
    }

    fn reset(&self, cpu: &mut Cpu, function: u64, [kind, reason, ..]: Args) -> Answer {
        if function != 0 {
            return Err(Error::NotSupported);
        }
        let (kind, reason) = (kind as u32, reason as u32);
        if kind > 2 || reason > 1 {
            return Err(Error::InvalidParam);
        }
        self.power(cpu, if kind == 0 { PowerRequest::Off(0) } else { PowerRequest::Reset });
        Ok(0)
    }

    /// Asks the board; the hart does nothing more.
    fn power(&self, cpu: &mut Cpu, request: PowerRequest) {
        cpu.board.power.request(request);
        self.harts.hsm.stop(cpu);
    }

    fn debug_console(&self, cpu: &mut Cpu, function: u64, [a0, a1, a2, ..]: Args) -> Answer {
        let console = self.console.as_ref().ok_or(Error::NotSupported)?;
        let bus = cpu.board.bus.clone();
        if function < 2 && (a2 != 0 || a1.checked_add(a0).is_none()) {
            return Err(Error::InvalidParam);
        }
        match function {
            0 => {
                let length = a0.min(PAGE_SIZE) as usize;
                let mut bytes = vec![0; length];
                if !bus.peek(a1, &mut bytes) {
                    return Err(Error::InvalidParam);
                }
                // A slow outside takes a part; the caller tries again with the rest.
                Ok(bytes.iter().take_while(|byte| (console.put)(&bus, **byte)).count() as u64)
            }
            1 => {
                let mut count = 0;
                while count < a0.min(PAGE_SIZE) {
                    let Some(byte) = (console.get)(&bus) else { break };
                    if !store(cpu, a1 + count, &[byte]) {
                        return Err(Error::InvalidParam);
                    }
                    count += 1;
                }
                Ok(count)
            }
            2 if (console.put)(&bus, a0 as u8) => Ok(0),
            2 => Err(Error::Failed),
            _ => Err(Error::NotSupported),
        }
    }

    /// The calls from before SBI 0.2: a result in `a0`, and hart masks by their virtual address.
    fn legacy(&self, cpu: &mut Cpu, extension: u64, args: Args) -> Result<u64, Trap> {
        match extension {
            eid::SET_TIMER => self.set_timer(cpu, args[0]),
            eid::PUTCHAR | eid::GETCHAR => {
                let Some(console) = &self.console else { return Ok(Error::NotSupported as i64 as u64) };
                let bus = cpu.board.bus.clone();
                if extension == eid::GETCHAR {
                    return Ok((console.get)(&bus).map_or(Error::Failed as i64 as u64, u64::from));
                }
                if !(console.put)(&bus, args[0] as u8) {
                    return Ok(Error::Failed as i64 as u64);
                }
            }
            eid::CLEAR_IPI => {
                super::status::mip(cpu);
                let soft = cpu.get(regs::MIP) & !(1 << irq::SSI);
                cpu.set(regs::MIP, soft);
            }
            eid::SEND_IPI => {
                let chosen = legacy_mask(cpu, args[0])?;
                self.send_ipi(cpu, chosen);
            }
            eid::REMOTE_FENCE_I => {
                let chosen = legacy_mask(cpu, args[0])?;
                self.fence(cpu, chosen, Request::Sync);
            }
            eid::REMOTE_SFENCE_VMA | eid::REMOTE_SFENCE_VMA_ASID => {
                let chosen = legacy_mask(cpu, args[0])?;
                let asid = (extension == eid::REMOTE_SFENCE_VMA_ASID).then_some(args[3] as u32 & 0xffff);
                self.fence(cpu, chosen, pages(args[1], args[2], asid));
            }
            _ => self.power(cpu, PowerRequest::Off(0)),
        }
        Ok(0)
    }
}

/// The request to flush a range of addresses.
fn pages(start: u64, size: u64, space: Option<u32>) -> Request {
    /// Ranges of more pages are flushed as a whole.
    const MOST_PAGES: u64 = 64;
    let first = start & !(PAGE_SIZE - 1);
    let count = (start % PAGE_SIZE).saturating_add(size).div_ceil(PAGE_SIZE);
    match space {
        _ if (1..=MOST_PAGES).contains(&count) => Request::FlushPages { start: first, count, space },
        Some(space) => Request::FlushSpace(space),
        None => Request::Flush,
    }
}

/// Reads a hart mask as S-mode would; the address 0 means all harts.
fn legacy_mask(cpu: &mut Cpu, address: u64) -> Result<Chosen, Trap> {
    if address == 0 {
        return Ok(Chosen { mask: 0, base: u64::MAX });
    }
    let mem = Mem::plain(MemSize::B8);
    let mask = cpu.load(mem, address).map_err(|Trapped| cpu.trap)?;
    Ok(Chosen { mask, base: 0 })
}

/// Mimus's version, in the form that the major and minor number of the specification have.
fn implementation_version() -> u64 {
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    number(env!("CARGO_PKG_VERSION_MAJOR")) << 16 | number(env!("CARGO_PKG_VERSION_MINOR"))
}

impl Firmware for Sbi {
    fn call(&self, cpu: &mut Cpu) -> Result<(), Trap> {
        let args: Args = std::array::from_fn(|n| cpu.get(x(10 + n as u32)));
        let (extension, function) = (cpu.get(x(17)), cpu.get(x(16)));
        dlog!(Int, "SBI call of hart {}: extension {extension:#x}, function {function}, {args:x?}", cpu.index);
        if extension <= eid::SHUTDOWN {
            let result = self.legacy(cpu, extension, args)?;
            cpu.set(x(10), result);
            return Ok(());
        }
        let harts = self.harts.clone();
        let mut value_of_failed = 0;
        let answer = match extension {
            eid::BASE => self.base(cpu, function, args),
            eid::TIME if function == 0 => {
                self.set_timer(cpu, args[0]);
                Ok(0)
            }
            eid::IPI if function == 0 => Chosen::new(cpu, args[0], args[1]).map(|chosen| {
                self.send_ipi(cpu, chosen);
                0
            }),
            eid::RFENCE => self.remote_fence(cpu, function, args),
            eid::HSM => self.hart_state(cpu, function, args),
            eid::SRST => self.reset(cpu, function, args),
            eid::DBCN => self.debug_console(cpu, function, args),
            eid::PMU => harts.with_own(cpu.index, |own| own.counters.call(cpu, function, args)),
            eid::FWFT => harts.with_own(cpu.index, |own| own.features.call(cpu, function, args)),
            // Nothing of the call is left when it succeeds: registers are the interrupted program's.
            eid::SSE if function == 6 => match sse::complete(cpu) {
                Ok(_) => return Ok(()),
                error => error,
            },
            eid::SSE if function == 7 => sse::inject(cpu, args[0], args[1]),
            eid::SSE => harts.with_own(cpu.index, |own| own.events.call(cpu, function, args)),
            eid::DBTR => {
                let (answer, failed) = harts.with_own(cpu.index, |own| own.triggers.call(cpu, function, args));
                value_of_failed = failed;
                answer
            }
            _ => Err(Error::NotSupported),
        };
        match answer {
            Err(Error::NotSupported) => gap!("SBI extension {extension:#x} has no function {function} here"),
            Err(error) => guest_error!("SBI call {extension:#x}/{function} with {args:x?}: {error:?}"),
            Ok(_) => {}
        }
        cpu.set(x(10), answer.err().map_or(0, |error| error as i64 as u64));
        cpu.set(x(11), answer.unwrap_or(value_of_failed));
        Ok(())
    }
}
