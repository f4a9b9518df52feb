//! RISC-V per-hart software interrupts and timers: the SiFive CLINT, and the ACLINT devices it was split into.
//!
//! | type | banks | outputs |
//! |---|---|---|
//! | `riscv-clint` | msip, mtimecmp and mtime in one | msi and mti of hart 0, of hart 1, … |
//! | `riscv-aclint-mswi` | MSIP | msi of each hart |
//! | `riscv-aclint-mtimer` | 0: MTIME, 1: MTIMECMP | mti of each hart |
//! | `riscv-aclint-sswi` | SETSSIP | ssi of each hart |
//!
//! MTIME is the board's [`Timebase`], which the harts' `time` registers show too. SSWI gives edges (a rise sets the
//! hart's SSIP, which software clears), so its lines are pulsed: the hart takes them with `Pins::take_rises`.
//!
//! Documents: SiFive FU540-C000 manual, chapter 9; RISC-V ACLINT specification 1.0-rc4.

use crate::base::{Result, bits};
use crate::fabric::{Device, Event, Io, IrqLine, State, Timebase, Timer, TreeNode, Width};
use crate::hw::{Built, PartType, Wiring};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Catalogue entry.
pub static CLINT: PartType = PartType {
    name: "riscv-clint",
    summary: "RISC-V software interrupts and timers (SiFive CLINT)",
    bus: None,
    props: &[],
    build: build_clint,
};

/// Catalogue entry.
pub static ACLINT_MSWI: PartType = PartType {
    name: "riscv-aclint-mswi",
    summary: "RISC-V ACLINT: machine-level software interrupts",
    bus: None,
    props: &[],
    build: build_mswi,
};

/// Catalogue entry.
pub static ACLINT_MTIMER: PartType = PartType {
    name: "riscv-aclint-mtimer",
    summary: "RISC-V ACLINT: machine-level timers",
    bus: None,
    props: &[],
    build: build_mtimer,
};

/// Catalogue entry.
pub static ACLINT_SSWI: PartType = PartType {
    name: "riscv-aclint-sswi",
    summary: "RISC-V ACLINT: supervisor-level software interrupts",
    bus: None,
    props: &[],
    build: build_sswi,
};

/// Offsets in the CLINT of what the ACLINT devices have at 0.
const CLINT_MTIMECMP: u64 = 0x4000;
const CLINT_MTIME: u64 = 0xbff8;
const CLINT_SIZE: u64 = 0x1_0000;
const SWI_SIZE: u64 = 0x4000;
/// The highest hart count that the register layout has room for.
const MAX_HARTS: u32 = 4095;

fn harts(wiring: &Wiring) -> Result<usize> {
    if wiring.cpus > MAX_HARTS {
        fail!("'{}' serves {MAX_HARTS} harts at most, not {}", wiring.part.name(), wiring.cpus);
    }
    Ok(wiring.cpus as usize)
}

/// The msip registers of all harts.
struct Msip {
    irq: Vec<IrqLine>,
    msip: Vec<bool>,
}

impl Msip {
    fn reset(&mut self) {
        self.msip.fill(false);
        self.update();
    }

    fn update(&mut self) {
        self.irq.iter().zip(&self.msip).for_each(|(irq, &level)| irq.set(level));
    }

    fn read(&self, io: Io) -> u64 {
        let one = |index: u64| self.msip.get(index as usize).map_or(0, |&set| u64::from(set));
        let index = io.offset / 4;
        if io.size == 8 { one(index) | one(index + 1) << 32 } else { one(index) }
    }

    fn write(&mut self, io: Io, value: u64) {
        for word in 0..u64::from(io.size / 4) {
            let index = io.offset / 4 + word;
            match self.msip.get_mut(index as usize) {
                Some(msip) => *msip = bits::bit(value, 32 * word as u32),
                None => guest_error!("aclint: msip of hart {index}, which does not exist"),
            }
        }
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let harts = self.irq.len();
        s.item("msip", &mut self.msip)?;
        if self.msip.len() != harts {
            self.msip.resize(harts, false);
            fail!("saved state is of a machine with another number of harts");
        }
        if s.is_loading() {
            self.update();
        }
        Ok(())
    }
}

/// What the timer keeps across a snapshot.
#[derive(Clone, Serialize, Deserialize)]
struct TimerRegs {
    mtimecmp: Vec<u64>,
    /// What a write to MTIME has added to the time base.
    time_offset: u64,
}

/// MTIME and the MTIMECMP registers of all harts.
struct Mtimer {
    timebase: Arc<Timebase>,
    irq: Vec<IrqLine>,
    timers: Vec<Timer>,
    mtimecmp: Vec<u64>,
}

impl Mtimer {
    fn new(wiring: &Wiring, irq: Vec<IrqLine>) -> Mtimer {
        let harts = irq.len();
        let timers = (0..harts as u32).map(|hart| wiring.timer(hart)).collect();
        // MTIMECMP is unknown after reset; what never comes due is the kindest of the unknowns.
        Mtimer { timebase: wiring.timebase.clone(), irq, timers, mtimecmp: vec![u64::MAX; harts] }
    }

    fn reset(&mut self) {
        self.timebase.set(0);
        self.mtimecmp.fill(u64::MAX);
        self.update();
    }

    fn update(&mut self) {
        (0..self.irq.len()).for_each(|hart| self.update_hart(hart));
    }

    fn update_hart(&mut self, hart: usize) {
        let due = self.timebase.now() >= self.mtimecmp[hart];
        self.irq[hart].set(due);
        // A line that is high falls when mtime runs over.
        let change = if due { self.timebase.runs_over() } else { self.timebase.deadline(self.mtimecmp[hart]) };
        self.timers[hart].arm(change);
    }

    fn event(&mut self, event: Event) {
        if let Event::Timer(hart) = event
            && (hart as usize) < self.irq.len()
        {
            self.update_hart(hart as usize);
        }
    }

    fn read_time(&self, io: Io) -> u64 {
        part_of(self.timebase.now(), io)
    }

    fn write_time(&mut self, io: Io, value: u64) {
        self.timebase.set(with_part(self.timebase.now(), io, value));
        self.update();
    }

    fn read_cmp(&self, io: Io) -> u64 {
        self.mtimecmp.get((io.offset / 8) as usize).map_or(0, |&cmp| part_of(cmp, io))
    }

    fn write_cmp(&mut self, io: Io, value: u64) {
        let hart = (io.offset / 8) as usize;
        match self.mtimecmp.get_mut(hart) {
            Some(cmp) => {
                *cmp = with_part(*cmp, io, value);
                self.update_hart(hart);
            }
            None => guest_error!("aclint: mtimecmp of hart {hart}, which does not exist"),
        }
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = TimerRegs { mtimecmp: self.mtimecmp.clone(), time_offset: self.timebase.offset() };
        s.item("timer", &mut regs)?;
        let TimerRegs { mtimecmp, time_offset } = regs;
        if mtimecmp.len() != self.irq.len() {
            fail!("saved state is of a machine with another number of harts");
        }
        if s.is_loading() {
            self.mtimecmp = mtimecmp;
            self.timebase.set_offset(time_offset);
            self.update();
        }
        Ok(())
    }
}

/// The half of a 64-bit register that a 32-bit access means, or all of it.
fn part_of(value: u64, io: Io) -> u64 {
    match (io.size, io.offset & 4) {
        (8, _) => value,
        (_, 0) => value & 0xffff_ffff,
        _ => value >> 32,
    }
}

fn with_part(old: u64, io: Io, value: u64) -> u64 {
    match (io.size, io.offset & 4) {
        (8, _) => value,
        (_, 0) => bits::with_field(old, 0xffff_ffff, value),
        _ => bits::with_field(old, 0xffff_ffff << 32, value),
    }
}

/// Whether an access is one that the registers decode.
fn aligned(io: Io) -> bool {
    let aligned = io.offset.is_multiple_of(u64::from(io.size));
    if !aligned {
        guest_error!("aclint: misaligned access of {} bytes at {:#x}", io.size, io.offset);
    }
    aligned
}

const WIDTH: Width = Width { min: 4, max: 8 };

struct Clint {
    software: Msip,
    timer: Mtimer,
}

fn build_clint(wiring: &mut Wiring) -> Result<Built> {
    let harts = harts(wiring)?;
    let msi = (0..harts).map(|hart| wiring.irq(2 * hart)).collect();
    let mti = (0..harts).map(|hart| wiring.irq(2 * hart + 1)).collect();
    let device = Clint { software: Msip { irq: msi, msip: vec![false; harts] }, timer: Mtimer::new(wiring, mti) };
    let tree = TreeNode::new("clint").strings("compatible", &["sifive,clint0", "riscv,clint0"]);
    Ok(Built::new(Box::new(device), CLINT_SIZE).with_tree(tree))
}

impl Device for Clint {
    fn read(&mut self, io: Io) -> u64 {
        if !aligned(io) {
            return 0;
        }
        match io.offset {
            0..CLINT_MTIMECMP => self.software.read(io),
            CLINT_MTIMECMP..CLINT_MTIME => self.timer.read_cmp(Io { offset: io.offset - CLINT_MTIMECMP, ..io }),
            CLINT_MTIME..0xc000 => self.timer.read_time(Io { offset: io.offset - CLINT_MTIME, ..io }),
            _ => {
                guest_error!("clint: read at {:#x}", io.offset);
                0
            }
        }
    }

    fn write(&mut self, io: Io, value: u64) {
        if !aligned(io) {
            return;
        }
        match io.offset {
            0..CLINT_MTIMECMP => self.software.write(io, value),
            CLINT_MTIMECMP..CLINT_MTIME => {
                self.timer.write_cmp(Io { offset: io.offset - CLINT_MTIMECMP, ..io }, value);
            }
            CLINT_MTIME..0xc000 => self.timer.write_time(Io { offset: io.offset - CLINT_MTIME, ..io }, value),
            _ => guest_error!("clint: write at {:#x}", io.offset),
        }
    }

    fn reset(&mut self) {
        self.software.reset();
        self.timer.reset();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        self.software.state(s)?;
        self.timer.state(s)
    }

    fn event(&mut self, event: Event) {
        self.timer.event(event);
    }

    fn width(&self) -> Width {
        WIDTH
    }
}

struct Mswi(Msip);

fn build_mswi(wiring: &mut Wiring) -> Result<Built> {
    let irq: Vec<_> = (0..harts(wiring)?).map(|hart| wiring.irq(hart)).collect();
    let msip = vec![false; irq.len()];
    let tree = TreeNode::new("mswi")
        .cells("#interrupt-cells", &[0])
        .flag("interrupt-controller")
        .strings("compatible", &["riscv,aclint-mswi"]);
    Ok(Built::new(Box::new(Mswi(Msip { irq, msip })), SWI_SIZE).with_tree(tree))
}

impl Device for Mswi {
    fn read(&mut self, io: Io) -> u64 {
        if aligned(io) { self.0.read(io) } else { 0 }
    }

    fn write(&mut self, io: Io, value: u64) {
        if aligned(io) {
            self.0.write(io, value);
        }
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        self.0.state(s)
    }

    fn width(&self) -> Width {
        WIDTH
    }
}

struct AclintMtimer(Mtimer);

fn build_mtimer(wiring: &mut Wiring) -> Result<Built> {
    let irq = (0..harts(wiring)?).map(|hart| wiring.irq(hart)).collect();
    let device = AclintMtimer(Mtimer::new(wiring, irq));
    let tree = TreeNode::new("mtimer").strings("compatible", &["riscv,aclint-mtimer"]);
    // As large as they are in the CLINT, so that the two devices together cover it.
    let sizes = [CLINT_SIZE - CLINT_MTIME, CLINT_MTIME - CLINT_MTIMECMP];
    Ok(Built::with_banks(Box::new(device), &sizes).with_tree(tree))
}

impl Device for AclintMtimer {
    fn read(&mut self, io: Io) -> u64 {
        match (aligned(io), io.bank, io.offset) {
            (true, 0, 0..8) => self.0.read_time(io),
            (true, 1, _) => self.0.read_cmp(io),
            _ => 0,
        }
    }

    fn write(&mut self, io: Io, value: u64) {
        match (aligned(io), io.bank, io.offset) {
            (true, 0, 0..8) => self.0.write_time(io, value),
            (true, 1, _) => self.0.write_cmp(io, value),
            _ => guest_error!("aclint-mtimer: write at {:#x} of bank {}", io.offset, io.bank),
        }
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        self.0.state(s)
    }

    fn event(&mut self, event: Event) {
        self.0.event(event);
    }

    fn width(&self) -> Width {
        WIDTH
    }
}

struct Sswi(Vec<IrqLine>);

fn build_sswi(wiring: &mut Wiring) -> Result<Built> {
    let irq = (0..harts(wiring)?).map(|hart| wiring.irq(hart)).collect();
    let tree = TreeNode::new("sswi")
        .cells("#interrupt-cells", &[0])
        .flag("interrupt-controller")
        .strings("compatible", &["riscv,aclint-sswi"]);
    Ok(Built::new(Box::new(Sswi(irq)), SWI_SIZE).with_tree(tree))
}

impl Device for Sswi {
    fn read(&mut self, _io: Io) -> u64 {
        // SETSSIP reads as zero.
        0
    }

    fn write(&mut self, io: Io, value: u64) {
        if !aligned(io) {
            return;
        }
        for word in 0..u64::from(io.size / 4) {
            let hart = io.offset / 4 + word;
            match self.0.get(hart as usize) {
                Some(irq) if bits::bit(value, 32 * word as u32) => irq.pulse(),
                Some(_) => {}
                None => guest_error!("aclint: setssip of hart {hart}, which does not exist"),
            }
        }
    }

    fn reset(&mut self) {
        self.0.iter().for_each(|irq| irq.set(false));
    }

    fn state(&mut self, _s: &mut State) -> Result<()> {
        Ok(())
    }

    fn width(&self) -> Width {
        WIDTH
    }
}

#[cfg(test)]
mod tests {
    use crate::hw::tests::Rig;

    #[test]
    fn msip_drives_the_line_of_its_hart() {
        let mut clint = Rig::new("riscv-clint").cpus(2).build();
        clint.write(4, 4, 0xffff_ffff);
        assert_eq!(clint.lines(4), [false, false, true, false]);
        assert_eq!(clint.read(4, 4), 1, "only bit 0 is there");
        assert_eq!(clint.read(0, 8), 1 << 32);
        clint.write(0, 8, 1);
        assert_eq!(clint.lines(4), [true, false, false, false]);
    }

    #[test]
    fn the_timer_fires_when_mtime_reaches_mtimecmp() {
        let mut clint = Rig::new("riscv-clint").cpus(2).build();
        clint.write(0x4008, 8, 1000);
        assert!(!clint.line(3));
        clint.pass(99_999);
        assert!(!clint.line(3));
        clint.pass(1);
        assert!(clint.line(3));
        assert_eq!(clint.read(0xbff8, 8), 1000);
        clint.write(0x4008, 4, 1001);
        assert!(!clint.line(3), "a later compare lowers the line");
        clint.pass(100);
        assert!(clint.line(3));
        clint.write(0x400c, 4, 1);
        assert!(!clint.line(3));
        assert_eq!(clint.read(0x400c, 4), 1);
    }

    #[test]
    fn mtime_can_be_set_in_halves_and_moves_the_timers() {
        let mut clint = Rig::new("riscv-clint").build();
        clint.write(0x4000, 8, 0x5_0000_0000);
        clint.write(0xbffc, 4, 5);
        assert!(clint.line(1));
        clint.write(0xbffc, 4, 4);
        assert!(!clint.line(1));
        clint.write(0xbff8, 4, 0xffff_fff0);
        clint.pass(1600);
        assert!(clint.line(1));
    }

    #[test]
    fn the_split_devices_answer_at_their_own_offsets() {
        let mut timer = Rig::new("riscv-aclint-mtimer").cpus(2).build();
        timer.write_bank(1, 8, 8, 10);
        timer.pass(1000);
        assert_eq!(timer.lines(2), [false, true]);
        assert_eq!(timer.read_bank(0, 0, 8), 10);
        let mut mswi = Rig::new("riscv-aclint-mswi").cpus(2).build();
        mswi.write(4, 4, 1);
        assert_eq!(mswi.lines(2), [false, true]);
        let mut sswi = Rig::new("riscv-aclint-sswi").cpus(2).build();
        sswi.write(4, 4, 1);
        assert_eq!(sswi.read(4, 4), 0);
    }
}
