//! A 16550A serial port.
//!
//! Models the 16-byte FIFOs with their trigger levels, the receiver time-out, divisor latch, interrupt priorities,
//! loopback, break and overrun. A byte leaves as soon as the outside takes it, whatever the baud rate; input is taken
//! from outside only while there is room for it, so an overrun happens in loopback alone.
//! Leaves out: parity and framing errors (no host line has them), DMA mode, modem lines (CTS, DSR and DCD stand high).
//!
//! Document: National Semiconductor PC16550D data sheet.

use crate::base::Result;
use crate::fabric::{Device, Event, Io, IrqLine, State, Timer, TreeNode};
use crate::guest_error;
use crate::host::CharEnd;
use crate::hw::{Built, PartType, Wiring};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Catalogue entry.
pub static NS16550: PartType = PartType {
    name: "ns16550",
    summary: "16550A serial port",
    bus: None,
    props: &[
        ("regshift", "distance of the registers as a power of two (default: 0)"),
        ("clock-frequency", "input clock in Hz (default: 3686400)"),
    ],
    build,
};

// Registers: RBR/THR/DLL, IER/DLM, IIR/FCR and then in order.
const RBR: u64 = 0;
const IER: u64 = 1;
const IIR: u64 = 2;
const LCR: u64 = 3;
const MCR: u64 = 4;
const LSR: u64 = 5;
const MSR: u64 = 6;
const SCR: u64 = 7;

const IER_ERBFI: u8 = 1 << 0;
const IER_ETBEI: u8 = 1 << 1;
const IER_ELSI: u8 = 1 << 2;
const IER_EDSSI: u8 = 1 << 3;

const IIR_NONE: u8 = 0b0001;
const IIR_LINE: u8 = 0b0110;
const IIR_DATA: u8 = 0b0100;
const IIR_TIMEOUT: u8 = 0b1100;
const IIR_THRE: u8 = 0b0010;
const IIR_MODEM: u8 = 0b0000;
const IIR_FIFOS: u8 = 0b1100_0000;

const FCR_ENABLE: u8 = 1 << 0;
const FCR_CLEAR_RX: u8 = 1 << 1;
const FCR_CLEAR_TX: u8 = 1 << 2;
/// The bits that stay: enable, DMA mode and trigger level.
const FCR_KEPT: u8 = 0b1100_1001;

const LCR_BREAK: u8 = 1 << 6;
const LCR_DLAB: u8 = 1 << 7;

const MCR_DTR: u8 = 1 << 0;
const MCR_RTS: u8 = 1 << 1;
const MCR_OUT1: u8 = 1 << 2;
const MCR_OUT2: u8 = 1 << 3;
const MCR_LOOP: u8 = 1 << 4;

const LSR_DR: u8 = 1 << 0;
const LSR_OE: u8 = 1 << 1;
const LSR_BI: u8 = 1 << 4;
const LSR_THRE: u8 = 1 << 5;
const LSR_TEMT: u8 = 1 << 6;
const LSR_FIFO_ERROR: u8 = 1 << 7;

const MSR_CTS: u8 = 1 << 4;
const MSR_DSR: u8 = 1 << 5;
const MSR_RI: u8 = 1 << 6;
const MSR_DCD: u8 = 1 << 7;

const FIFO: usize = 16;

/// A character with the LSR bits that came with it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Received {
    data: u8,
    error: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Regs {
    rx: VecDeque<Received>,
    /// What the outside has not taken yet.
    tx: VecDeque<u8>,
    divisor: u16,
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scr: u8,
    /// MSR bits 3 to 0: what has changed since the last read.
    msr_delta: u8,
    /// LSR bits OE and BI, cleared by a read.
    line_errors: u8,
    /// The transmitter-empty interrupt stands: set when THR runs empty, cleared by reading IIR or writing THR.
    thre_pending: bool,
    /// Characters have waited in the FIFO for four character times.
    timed_out: bool,
}

impl Default for Regs {
    fn default() -> Regs {
        Regs {
            rx: VecDeque::new(),
            tx: VecDeque::new(),
            // The data sheet leaves the divisor open; 9600 baud at the PC's clock is what firmware expects.
            divisor: 12,
            ier: 0,
            fcr: 0,
            lcr: 0,
            mcr: MCR_OUT2,
            scr: 0,
            msr_delta: 0,
            line_errors: 0,
            thre_pending: false,
            timed_out: false,
        }
    }
}

struct Ns16550 {
    shift: u32,
    clock_hz: u64,
    irq: IrqLine,
    end: Box<dyn CharEnd>,
    timeout: Timer,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let shift = wiring.props.number("regshift")?.unwrap_or(0).min(4) as u32;
    let clock_hz = wiring.props.number("clock-frequency")?.unwrap_or(0x38_4000).clamp(1, u64::from(u32::MAX));
    let mut tree = TreeNode::new("serial").cells("clock-frequency", &[clock_hz as u32]);
    if shift != 0 {
        tree = tree.cells("reg-shift", &[shift]);
    }
    let tree = tree.strings("compatible", &["ns16550a"]);
    let device = Ns16550 {
        shift,
        clock_hz,
        irq: wiring.irq(0),
        end: wiring.take_char(0)?,
        timeout: wiring.timer(0),
        regs: Regs::default(),
    };
    Ok(Built::new(Box::new(device), 0x100).with_tree(tree))
}

impl Ns16550 {
    fn fifo_size(&self) -> usize {
        if self.regs.fcr & FCR_ENABLE != 0 { FIFO } else { 1 }
    }

    fn trigger_level(&self) -> usize {
        match (self.regs.fcr & FCR_ENABLE, self.regs.fcr >> 6) {
            (0, _) | (_, 0) => 1,
            (_, 1) => 4,
            (_, 2) => 8,
            _ => 14,
        }
    }

    fn looped(&self) -> bool {
        self.regs.mcr & MCR_LOOP != 0
    }

    /// Four character times in nanoseconds: after so long without traffic the receiver FIFO times out.
    fn timeout_ns(&self) -> u64 {
        let lcr = u64::from(self.regs.lcr);
        // Start bit, 5 to 8 data bits, parity, 1 or 2 stop bits.
        let bits = 1 + 5 + (lcr & 3) + (lcr >> 3 & 1) + 1 + (lcr >> 2 & 1);
        4 * bits * 16 * u64::from(self.regs.divisor.max(1)) * 1_000_000_000 / self.clock_hz
    }

    fn lsr(&self) -> u8 {
        let regs = &self.regs;
        let mut lsr = regs.line_errors;
        if !regs.rx.is_empty() {
            lsr |= LSR_DR;
        }
        if regs.fcr & FCR_ENABLE != 0 && regs.rx.iter().any(|received| received.error != 0) {
            lsr |= LSR_FIFO_ERROR;
        }
        if regs.tx.is_empty() {
            lsr |= LSR_THRE | LSR_TEMT;
        }
        lsr
    }

    fn modem_lines(mcr: u8) -> u8 {
        if mcr & MCR_LOOP == 0 {
            return MSR_CTS | MSR_DSR | MSR_DCD;
        }
        let pairs = [(MCR_DTR, MSR_DSR), (MCR_RTS, MSR_CTS), (MCR_OUT1, MSR_RI), (MCR_OUT2, MSR_DCD)];
        pairs.iter().filter(|(out, _)| mcr & out != 0).fold(0, |lines, (_, line)| lines | line)
    }

    fn iir(&self) -> u8 {
        let regs = &self.regs;
        let enabled = |bit| regs.ier & bit != 0;
        let cause = if enabled(IER_ELSI) && regs.line_errors != 0 {
            IIR_LINE
        } else if enabled(IER_ERBFI) && regs.rx.len() >= self.trigger_level() {
            IIR_DATA
        } else if enabled(IER_ERBFI) && regs.timed_out && !regs.rx.is_empty() {
            IIR_TIMEOUT
        } else if enabled(IER_ETBEI) && regs.thre_pending {
            IIR_THRE
        } else if enabled(IER_EDSSI) && regs.msr_delta != 0 {
            IIR_MODEM
        } else {
            IIR_NONE
        };
        cause | if regs.fcr & FCR_ENABLE != 0 { IIR_FIFOS } else { 0 }
    }

    /// Drives the line. Called where something has come up or was served, and nowhere else: to a controller that
    /// latches, each call is a cause of its own.
    fn update(&mut self) {
        self.irq.set(self.iir() & IIR_NONE == 0);
    }

    /// There was traffic at the receiver FIFO, so its time-out starts again.
    fn restart_timeout(&mut self) {
        self.regs.timed_out = false;
        self.arm_timeout();
    }

    fn arm_timeout(&mut self) {
        if self.regs.fcr & FCR_ENABLE != 0 && !self.regs.rx.is_empty() && !self.regs.timed_out {
            self.timeout.arm(self.timeout.now().saturating_add(self.timeout_ns()));
        } else {
            self.timeout.disarm();
        }
    }

    fn receive(&mut self, received: Received) {
        if self.regs.rx.len() >= self.fifo_size() {
            self.regs.line_errors |= LSR_OE;
            // Without FIFOs the new character replaces the old one; a full FIFO keeps what it has.
            if self.regs.fcr & FCR_ENABLE == 0 {
                self.regs.rx.clear();
                self.regs.rx.push_back(received);
            }
            return;
        }
        self.regs.rx.push_back(received);
        if self.regs.rx.len() == 1 {
            self.regs.line_errors |= received.error;
        }
    }

    /// Takes what has come from outside, as far as there is room.
    fn take_input(&mut self) {
        if self.looped() {
            return;
        }
        let before = self.regs.rx.len();
        loop {
            let room = self.fifo_size().saturating_sub(self.regs.rx.len());
            if room == 0 {
                break;
            }
            if self.end.take_break() {
                self.receive(Received { data: 0, error: LSR_BI });
                continue;
            }
            let mut bytes = [0; FIFO];
            let got = self.end.read(&mut bytes[..room]).min(room);
            if got == 0 {
                break;
            }
            bytes[..got].iter().for_each(|&data| self.receive(Received { data, error: 0 }));
        }
        if self.regs.rx.len() != before {
            self.restart_timeout();
        }
    }

    /// Gives the outside as much as it takes.
    fn send(&mut self) {
        if self.regs.tx.is_empty() {
            return;
        }
        let bytes = self.regs.tx.make_contiguous();
        let taken = self.end.write(bytes).min(bytes.len());
        self.regs.tx.drain(..taken);
        self.regs.thre_pending |= self.regs.tx.is_empty();
    }

    fn transmit(&mut self, data: u8) {
        self.regs.thre_pending = false;
        if self.looped() {
            self.receive(Received { data, error: 0 });
            self.regs.thre_pending = true;
            self.restart_timeout();
            return;
        }
        if self.regs.tx.len() >= self.fifo_size() {
            guest_error!("ns16550: THR written while full");
            self.regs.tx.pop_back();
        }
        self.regs.tx.push_back(data);
        self.send();
    }

    fn read_rbr(&mut self) -> u8 {
        let data = self.regs.rx.pop_front().map_or(0, |received| received.data);
        // An error shows in LSR when its character comes to the top of the FIFO.
        self.regs.line_errors |= self.regs.rx.front().map_or(0, |next| next.error);
        self.restart_timeout();
        self.take_input();
        data
    }

    fn write_fcr(&mut self, value: u8) {
        let toggled = (value ^ self.regs.fcr) & FCR_ENABLE != 0;
        if toggled || value & (FCR_ENABLE | FCR_CLEAR_RX) == FCR_ENABLE | FCR_CLEAR_RX {
            self.regs.rx.clear();
        }
        if toggled || value & (FCR_ENABLE | FCR_CLEAR_TX) == FCR_ENABLE | FCR_CLEAR_TX {
            self.regs.thre_pending |= !self.regs.tx.is_empty();
            self.regs.tx.clear();
        }
        // Without its enable bit the other bits are not programmed.
        self.regs.fcr = if value & FCR_ENABLE != 0 { value & FCR_KEPT } else { 0 };
        self.restart_timeout();
        self.take_input();
    }

    fn write_mcr(&mut self, value: u8) {
        let before = Ns16550::modem_lines(self.regs.mcr);
        self.regs.mcr = value & 0x1f;
        let changed = before ^ Ns16550::modem_lines(self.regs.mcr);
        // RI has a delta for its trailing edge only.
        let ring_ended = changed & before & MSR_RI;
        self.regs.msr_delta |= (changed & !MSR_RI | ring_ended) >> 4;
        self.take_input();
    }
}

impl Device for Ns16550 {
    fn read(&mut self, io: Io) -> u64 {
        let dlab = self.regs.lcr & LCR_DLAB != 0;
        let value = match io.offset >> self.shift {
            RBR if dlab => self.regs.divisor as u8,
            RBR => {
                let data = self.read_rbr();
                self.update();
                data
            }
            IER if dlab => (self.regs.divisor >> 8) as u8,
            IER => self.regs.ier,
            IIR => {
                let iir = self.iir();
                if iir & 0xf == IIR_THRE {
                    self.regs.thre_pending = false;
                    self.update();
                }
                iir
            }
            LCR => self.regs.lcr,
            MCR => self.regs.mcr,
            LSR => {
                let lsr = self.lsr();
                if std::mem::take(&mut self.regs.line_errors) != 0 {
                    if let Some(top) = self.regs.rx.front_mut() {
                        top.error = 0;
                    }
                    self.update();
                }
                lsr
            }
            MSR => {
                let msr = Ns16550::modem_lines(self.regs.mcr) | self.regs.msr_delta;
                if std::mem::take(&mut self.regs.msr_delta) != 0 {
                    self.update();
                }
                msr
            }
            SCR => self.regs.scr,
            _ => {
                guest_error!("ns16550: read at {:#x}", io.offset);
                0
            }
        };
        value.into()
    }

    fn write(&mut self, io: Io, value: u64) {
        let dlab = self.regs.lcr & LCR_DLAB != 0;
        let value = value as u8;
        match io.offset >> self.shift {
            RBR if dlab => self.regs.divisor = self.regs.divisor & 0xff00 | u16::from(value),
            IER if dlab => self.regs.divisor = self.regs.divisor & 0x00ff | u16::from(value) << 8,
            RBR => {
                self.transmit(value);
                self.update();
            }
            IER if value & 0xf == self.regs.ier => {}
            IER => {
                let rising = value & !self.regs.ier;
                self.regs.ier = value & 0xf;
                // Enabling the interrupt while THR is empty raises it at once.
                if rising & IER_ETBEI != 0 && self.regs.tx.is_empty() {
                    self.regs.thre_pending = true;
                }
                self.update();
            }
            IIR => {
                self.write_fcr(value);
                self.update();
            }
            LCR => {
                let rising = value & !self.regs.lcr;
                self.regs.lcr = value;
                if rising & LCR_BREAK != 0 && !self.looped() {
                    self.end.send_break();
                }
            }
            MCR => {
                self.write_mcr(value);
                self.update();
            }
            SCR => self.regs.scr = value,
            LSR | MSR => guest_error!("ns16550: write to a read-only register at {:#x}", io.offset),
            _ => guest_error!("ns16550: write at {:#x}", io.offset),
        }
    }

    fn reset(&mut self) {
        self.regs = Regs::default();
        self.timeout.disarm();
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        s.item("regs", &mut self.regs)?;
        if s.is_loading() {
            self.arm_timeout();
            self.update();
        }
        Ok(())
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Timer(_) => self.regs.timed_out = !self.regs.rx.is_empty(),
            Event::Ready(_) => {
                self.send();
                self.take_input();
            }
        }
        self.update();
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![("regshift".into(), self.shift.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    fn uart() -> Rig {
        Rig::new("ns16550").with_char().build()
    }

    #[test]
    fn written_bytes_reach_the_outside() {
        let mut uart = uart();
        uart.write(RBR, 1, b'h'.into());
        uart.write(RBR, 1, b'i'.into());
        assert_eq!(uart.sent(), b"hi");
        assert_eq!(uart.read(LSR, 1), 0x60);
    }

    #[test]
    fn dlab_hides_rbr() {
        let mut uart = uart();
        uart.receive(b"x");
        uart.write(LCR, 1, 0x83);
        uart.write(RBR, 1, 0x34);
        uart.write(IER, 1, 0x12);
        assert_eq!((uart.read(RBR, 1), uart.read(IER, 1)), (0x34, 0x12));
        uart.write(LCR, 1, 3);
        assert_eq!(uart.read(RBR, 1), u64::from(b'x'));
        assert_eq!(uart.sent(), b"");
    }

    #[test]
    fn a_slow_reader_holds_thre_back() {
        let mut uart = uart();
        uart.write(IIR, 1, 1);
        uart.write(IER, 1, IER_ETBEI.into());
        uart.outside_takes(3);
        b"abcdef".iter().for_each(|&b| uart.write(RBR, 1, b.into()));
        assert_eq!(uart.sent(), b"abc");
        assert_eq!(uart.read(LSR, 1), 0);
        assert!(!uart.line(0));
        uart.outside_takes(100);
        uart.notify_char();
        assert_eq!(uart.sent(), b"abcdef");
        assert_eq!(uart.read(LSR, 1), 0x60);
        assert!(uart.line(0));
        assert_eq!(uart.read(IIR, 1), 0xc2);
        assert!(!uart.line(0), "reading IIR clears THRE");
    }

    #[test]
    fn enabling_thre_when_empty_raises_it() {
        let mut uart = uart();
        uart.write(IER, 1, 2);
        assert!(uart.line(0));
        assert_eq!(uart.read(IIR, 1), 2);
        assert_eq!(uart.read(IIR, 1), 1);
        uart.write(RBR, 1, 1);
        assert!(uart.line(0), "THR ran empty again");
    }

    #[test]
    fn fewer_than_the_trigger_level_time_out() {
        let mut uart = uart();
        uart.write(IIR, 1, 0xc1);
        uart.write(IER, 1, 1);
        uart.receive(b"abc");
        assert!(!uart.line(0));
        uart.pass(1_000_000_000);
        assert!(uart.line(0));
        assert_eq!(uart.read(IIR, 1), 0xcc);
        assert_eq!(uart.read(RBR, 1), u64::from(b'a'));
        assert!(!uart.line(0), "a read restarts the time-out");
        uart.receive(&[b'x'; 12]);
        assert_eq!(uart.read(IIR, 1), 0xc4);
    }

    #[test]
    fn input_waits_outside_while_there_is_no_room() {
        let mut uart = uart();
        uart.receive(b"abc");
        assert_eq!(uart.read(LSR, 1), 0x61, "no overrun");
        let got: Vec<u64> = (0..3).map(|_| uart.read(RBR, 1)).collect();
        assert_eq!(got, [0x61, 0x62, 0x63]);
        assert_eq!(uart.read(LSR, 1), 0x60);
    }

    #[test]
    fn loopback_turns_output_and_modem_lines_round() {
        let mut uart = uart();
        assert_eq!(uart.read(MSR, 1), 0xb0);
        uart.write(MCR, 1, 0x1a);
        assert_eq!(uart.read(MSR, 1) & 0xf0, 0x90);
        uart.write(RBR, 1, 0x55);
        uart.write(RBR, 1, 0x66);
        assert_eq!(uart.read(LSR, 1), 0x63, "an overrun without FIFOs");
        assert_eq!(uart.read(RBR, 1), 0x66);
        assert_eq!(uart.sent(), b"");
    }

    #[test]
    fn a_break_is_a_line_status_interrupt_of_the_highest_priority() {
        let mut uart = uart();
        uart.write(IER, 1, 7);
        uart.receive_break();
        assert_eq!(uart.read(IIR, 1), 6);
        assert_eq!(uart.read(LSR, 1), 0x71);
        assert_eq!(uart.read(IIR, 1), 4, "then the data");
        assert_eq!(uart.read(RBR, 1), 0);
        assert_eq!(uart.read(IIR, 1), 2, "then the transmitter");
    }
}
