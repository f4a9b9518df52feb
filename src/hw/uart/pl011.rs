//! Arm's PL011 serial port (PrimeCell UART).
//!
//! Models both FIFOs with their trigger levels, the receive time-out, break, loopback and every interrupt. A byte
//! leaves as soon as the outside takes it, whatever the baud rate, and also while UARTEN and TXE are clear, for early
//! consoles rely on firmware that was never there. Input is taken from outside only while there is room for it, so an
//! overrun happens in loopback alone.
//!
//! Two things are as in QEMU and not as in the manual, for there is software that knows no other PL011: one character
//! is enough for the receive interrupt, whatever IFLS says, and characters are received while RXE is clear. With
//! `strict=on` both are as in the manual.
//! Leaves out: parity and framing errors (no host line has them), DMA, IrDA, the test registers; CTS, DSR and DCD
//! stand high.
//!
//! Document: Arm DDI 0183, PrimeCell UART (PL011) Technical Reference Manual, r1p4.

use crate::base::Result;
use crate::fabric::{Device, Event, Io, IrqLine, State, Timer, Width};
use crate::host::CharEnd;
use crate::hw::{Built, PartType, Wiring, primecell};
use crate::{gap, guest_error};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Catalogue entry.
pub static PL011: PartType = PartType {
    name: "pl011",
    summary: "Arm PL011 serial port",
    bus: None,
    props: &[
        ("secure", "the device tree keeps it for the Secure world (default: off)"),
        ("strict", "RXE and the receive trigger level as in the manual and not as in QEMU (default: off)"),
    ],
    build,
};

const DR: u64 = 0x00;
const RSR: u64 = 0x04;
const FR: u64 = 0x18;
const ILPR: u64 = 0x20;
const IBRD: u64 = 0x24;
const FBRD: u64 = 0x28;
const LCR_H: u64 = 0x2c;
const CR: u64 = 0x30;
const IFLS: u64 = 0x34;
const IMSC: u64 = 0x38;
const RIS: u64 = 0x3c;
const MIS: u64 = 0x40;
const ICR: u64 = 0x44;
const DMACR: u64 = 0x48;
const PERIPHERAL: [u8; 4] = [0x11, 0x10, 0x14, 0x00];

const FR_CTS: u32 = 1 << 0;
const FR_DSR: u32 = 1 << 1;
const FR_DCD: u32 = 1 << 2;
const FR_BUSY: u32 = 1 << 3;
const FR_RXFE: u32 = 1 << 4;
const FR_TXFF: u32 = 1 << 5;
const FR_RXFF: u32 = 1 << 6;
const FR_TXFE: u32 = 1 << 7;
const FR_RI: u32 = 1 << 8;

const LCR_BRK: u32 = 1 << 0;
const LCR_FEN: u32 = 1 << 4;

const CR_LBE: u32 = 1 << 7;
const CR_TXE: u32 = 1 << 8;
const CR_RXE: u32 = 1 << 9;
const CR_DTR: u32 = 1 << 10;
const CR_RTS: u32 = 1 << 11;
const CR_OUT1: u32 = 1 << 12;
const CR_OUT2: u32 = 1 << 13;
/// Bits 6 to 3 are reserved.
const CR_KEPT: u32 = 0xff87;

const INT_RI: u32 = 1 << 0;
const INT_CTS: u32 = 1 << 1;
const INT_DCD: u32 = 1 << 2;
const INT_DSR: u32 = 1 << 3;
const INT_RX: u32 = 1 << 4;
const INT_TX: u32 = 1 << 5;
const INT_RT: u32 = 1 << 6;
const INT_BE: u32 = 1 << 9;
const INT_OE: u32 = 1 << 10;
const INT_ALL: u32 = 0x7ff;

/// Break error, as DR has it beside its character; RSR has the same bits eight further down.
const DR_BE: u16 = 1 << 10;
const RSR_OE: u32 = 1 << 3;

const FIFO: usize = 16;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Regs {
    /// Characters with the error bits that came with them, as DR shows them.
    rx: VecDeque<u16>,
    /// What the outside has not taken yet.
    tx: VecDeque<u8>,
    rsr: u32,
    ilpr: u32,
    ibrd: u32,
    fbrd: u32,
    lcr_h: u32,
    cr: u32,
    ifls: u32,
    imsc: u32,
    ris: u32,
    dmacr: u32,
}

impl Default for Regs {
    fn default() -> Regs {
        Regs {
            rx: VecDeque::new(),
            tx: VecDeque::new(),
            rsr: 0,
            ilpr: 0,
            ibrd: 0,
            fbrd: 0,
            lcr_h: 0,
            cr: CR_TXE | CR_RXE,
            ifls: 0x12,
            imsc: 0,
            ris: 0,
            dmacr: 0,
        }
    }
}

struct Pl011 {
    /// As in the manual, where QEMU is not.
    strict: bool,
    irq: IrqLine,
    end: Box<dyn CharEnd>,
    timeout: Timer,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let (tree, nodes) = primecell::describe(wiring, "pl011", &["uartclk", "apb_pclk"])?;
    let device = Pl011 {
        strict: wiring.props.switch("strict")?.unwrap_or(false),
        irq: wiring.irq(0),
        end: wiring.take_char(0)?,
        timeout: wiring.timer(0),
        regs: Regs::default(),
    };
    Ok(Built { nodes, ..Built::new(Box::new(device), 0x1000).with_tree(tree) })
}

impl Pl011 {
    fn fifo_size(&self) -> usize {
        if self.regs.lcr_h & LCR_FEN != 0 { FIFO } else { 1 }
    }

    /// A trigger level in characters from its field in IFLS.
    fn level(&self, field: u32) -> usize {
        if self.regs.lcr_h & LCR_FEN == 0 {
            return 1;
        }
        // Reserved encodings are taken for the largest.
        [2, 4, 8, 12, 14].get(field as usize & 7).copied().unwrap_or(14)
    }

    fn rx_level(&self) -> usize {
        if self.strict { self.level(self.regs.ifls >> 3) } else { 1 }
    }

    /// The transmit FIFO asks for more at this many characters or fewer; without FIFOs, when it is empty.
    fn tx_level(&self) -> usize {
        if self.regs.lcr_h & LCR_FEN == 0 { 0 } else { self.level(self.regs.ifls) }
    }

    fn looped(&self) -> bool {
        self.regs.cr & CR_LBE != 0
    }

    /// 32 bit times in nanoseconds: after so long without a character the receiver times out.
    fn timeout_ns(&self) -> u64 {
        // In sixty-fourths of 16 clocks. A divisor of zero is none; what counts then is only that time passes.
        let divisor = u64::from(self.regs.ibrd << 6 | self.regs.fbrd).max(64);
        32 * 16 * divisor * 1_000_000_000 / 64 / u64::from(primecell::CLOCK_HZ)
    }

    /// The modem lines' bits in FR.
    fn modem_lines(cr: u32) -> u32 {
        if cr & CR_LBE == 0 {
            return FR_CTS | FR_DSR | FR_DCD;
        }
        let pairs = [(CR_DTR, FR_DSR), (CR_RTS, FR_CTS), (CR_OUT1, FR_DCD), (CR_OUT2, FR_RI)];
        pairs.iter().filter(|(out, _)| cr & out != 0).fold(0, |lines, (_, line)| lines | line)
    }

    fn fr(&self) -> u32 {
        let (rx, tx, size) = (self.regs.rx.len(), self.regs.tx.len(), self.fifo_size());
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        Pl011::modem_lines(self.regs.cr)
            | flag(tx != 0, FR_BUSY)
            | flag(rx == 0, FR_RXFE)
            | flag(tx >= size, FR_TXFF)
            | flag(rx >= size, FR_RXFF)
            | flag(tx == 0, FR_TXFE)
    }

    fn update(&mut self) {
        self.irq.set(self.regs.ris & self.regs.imsc != 0);
    }

    /// A character came or went: the receive time-out starts again, unless it stands.
    fn arm_timeout(&mut self) {
        if self.regs.lcr_h & LCR_FEN != 0 && !self.regs.rx.is_empty() && self.regs.ris & INT_RT == 0 {
            self.timeout.arm(self.timeout.now().saturating_add(self.timeout_ns()));
        } else {
            self.timeout.disarm();
        }
    }

    fn receive(&mut self, character: u16) {
        if self.regs.rx.len() >= self.fifo_size() {
            self.regs.rsr |= RSR_OE;
            self.regs.ris |= INT_OE;
            return;
        }
        self.regs.rx.push_back(character);
        if character & DR_BE != 0 {
            self.regs.ris |= INT_BE;
        }
        if self.regs.rx.len() >= self.rx_level() {
            self.regs.ris |= INT_RX;
        }
    }

    /// Takes what has come from outside, as far as there is room.
    fn take_input(&mut self) {
        if self.looped() || self.strict && self.regs.cr & CR_RXE == 0 {
            return;
        }
        let before = self.regs.rx.len();
        loop {
            let room = self.fifo_size().saturating_sub(self.regs.rx.len());
            if room == 0 {
                break;
            }
            if self.end.take_break() {
                self.receive(DR_BE);
                continue;
            }
            let mut bytes = [0; FIFO];
            let got = self.end.read(&mut bytes[..room]).min(room);
            if got == 0 {
                break;
            }
            bytes[..got].iter().for_each(|&data| self.receive(data.into()));
        }
        if self.regs.rx.len() != before {
            self.arm_timeout();
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
        if taken != 0 && self.regs.tx.len() <= self.tx_level() {
            self.regs.ris |= INT_TX;
        }
    }

    fn transmit(&mut self, data: u8) {
        if self.looped() {
            self.receive(data.into());
            self.arm_timeout();
            self.regs.ris |= INT_TX;
            return;
        }
        if self.regs.tx.len() >= self.fifo_size() {
            guest_error!("pl011: DR written while the transmit FIFO is full");
            return;
        }
        self.regs.tx.push_back(data);
        if self.regs.tx.len() > self.tx_level() {
            self.regs.ris &= !INT_TX;
        }
        self.send();
    }

    fn read_dr(&mut self) -> u32 {
        let Some(character) = self.regs.rx.pop_front() else {
            guest_error!("pl011: DR read while the receive FIFO is empty");
            return 0;
        };
        let overrun = self.regs.rsr & RSR_OE;
        self.regs.rsr = u32::from(character >> 8) | overrun;
        if self.regs.rx.len() < self.rx_level() {
            self.regs.ris &= !INT_RX;
        }
        if self.regs.rx.is_empty() {
            self.regs.ris &= !INT_RT;
        }
        self.take_input();
        self.arm_timeout();
        u32::from(character) | overrun << 8
    }

    fn write_lcr_h(&mut self, value: u32) {
        let changed = value ^ self.regs.lcr_h;
        self.regs.lcr_h = value & 0xff;
        if changed & value & LCR_BRK != 0 && !self.looped() {
            self.end.send_break();
        }
        if changed & LCR_FEN != 0 {
            // The FIFOs are flushed; what was on its way out must not be lost by a driver that sets them up anew.
            let tx = std::mem::take(&mut self.regs.tx);
            self.regs.tx = tx.into_iter().take(self.fifo_size()).collect();
            self.regs.rx.clear();
            self.regs.ris &= !(INT_RX | INT_RT);
            self.take_input();
        }
        self.arm_timeout();
    }

    fn write_cr(&mut self, value: u32) {
        let before = Pl011::modem_lines(self.regs.cr);
        self.regs.cr = value & CR_KEPT;
        let changed = before ^ Pl011::modem_lines(self.regs.cr);
        let pairs = [(FR_CTS, INT_CTS), (FR_DSR, INT_DSR), (FR_DCD, INT_DCD), (FR_RI, INT_RI)];
        self.regs.ris |= pairs.iter().filter(|(line, _)| changed & line != 0).fold(0, |all, (_, int)| all | int);
        self.take_input();
    }
}

impl Device for Pl011 {
    fn read(&mut self, io: Io) -> u64 {
        let value = match io.offset {
            DR => self.read_dr(),
            RSR => self.regs.rsr,
            FR => self.fr(),
            ILPR => self.regs.ilpr,
            IBRD => self.regs.ibrd,
            FBRD => self.regs.fbrd,
            LCR_H => self.regs.lcr_h,
            CR => self.regs.cr,
            IFLS => self.regs.ifls,
            IMSC => self.regs.imsc,
            RIS => self.regs.ris,
            MIS => self.regs.ris & self.regs.imsc,
            DMACR => self.regs.dmacr,
            offset => match primecell::id(PERIPHERAL, offset) {
                Some(id) => return id,
                None => {
                    guest_error!("pl011: read at {offset:#x}");
                    0
                }
            },
        };
        self.update();
        value.into()
    }

    fn write(&mut self, io: Io, value: u64) {
        let value = value as u32;
        match io.offset {
            DR => self.transmit(value as u8),
            // Any write clears the errors.
            RSR => self.regs.rsr = 0,
            ILPR => self.regs.ilpr = value & 0xff,
            IBRD => self.regs.ibrd = value & 0xffff,
            FBRD => self.regs.fbrd = value & 0x3f,
            LCR_H => self.write_lcr_h(value),
            CR => self.write_cr(value),
            IFLS => self.regs.ifls = value & 0x3f,
            IMSC => self.regs.imsc = value & INT_ALL,
            ICR => {
                self.regs.ris &= !value;
                self.arm_timeout();
            }
            DMACR => {
                self.regs.dmacr = value & 7;
                if value & 3 != 0 {
                    gap!("pl011: DMA");
                }
            }
            offset => guest_error!("pl011: write at {offset:#x}"),
        }
        self.update();
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
            Event::Timer(_) if self.regs.rx.is_empty() => {}
            Event::Timer(_) => self.regs.ris |= INT_RT,
            Event::Ready(_) => {
                self.send();
                self.take_input();
            }
        }
        self.update();
    }

    fn width(&self) -> Width {
        Width { min: 4, max: 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    fn uart() -> Rig {
        uart_that_is("off")
    }

    fn uart_that_is(strict: &str) -> Rig {
        let mut uart = Rig::new("pl011").props(&[("strict", strict)]).with_char().build();
        uart.write(LCR_H, 4, u64::from(LCR_FEN) | 0x60);
        uart.write(CR, 4, 0x301);
        uart
    }

    #[test]
    fn written_bytes_reach_the_outside_even_before_the_port_is_enabled() {
        let mut uart = Rig::new("pl011").with_char().build();
        uart.write(DR, 4, b'h'.into());
        uart.write(DR, 1, b'i'.into());
        assert_eq!(uart.sent(), b"hi");
        assert_eq!(uart.read(FR, 4) & 0xf8, 0x90);
    }

    #[test]
    fn a_slow_reader_fills_the_fifo_and_asks_for_more_at_the_trigger_level() {
        let mut uart = uart();
        uart.write(IMSC, 4, INT_TX.into());
        uart.outside_takes(0);
        (0..16).for_each(|n| uart.write(DR, 4, u64::from(b'a') + n));
        assert_eq!(uart.read(FR, 4) & 0xf8, u64::from(FR_TXFF | FR_BUSY | FR_RXFE));
        assert!(!uart.line(0));
        uart.outside_takes(7);
        uart.notify_char();
        assert!(!uart.line(0), "nine are left, and the level is eight");
        uart.outside_takes(8);
        uart.notify_char();
        assert!(uart.line(0));
        uart.write(ICR, 4, INT_TX.into());
        assert!(!uart.line(0));
        assert_eq!(uart.sent(), b"abcdefghijklmno");
    }

    #[test]
    fn one_character_interrupts_and_is_received_though_rxe_is_clear() {
        let mut uart = uart();
        uart.write(CR, 4, 0x101);
        uart.write(IMSC, 4, INT_RX.into());
        uart.receive(b"ab");
        assert_eq!(uart.read(MIS, 4), u64::from(INT_RX));
        assert_eq!(uart.read(DR, 4), u64::from(b'a'));
        assert_eq!(uart.read(MIS, 4), u64::from(INT_RX), "until the FIFO is empty");
        assert_eq!(uart.read(DR, 4), u64::from(b'b'));
        assert_eq!(uart.read(MIS, 4), 0);
        let mut strict = uart_that_is("on");
        strict.write(CR, 4, 0x101);
        strict.receive(b"a");
        assert_ne!(strict.read(FR, 4) & u64::from(FR_RXFE), 0);
    }

    #[test]
    fn strictly_the_trigger_level_interrupts_and_reading_below_it_ends_that() {
        let mut uart = uart_that_is("on");
        uart.write(IMSC, 4, (INT_RX | INT_RT).into());
        uart.receive(b"1234567");
        assert!(!uart.line(0));
        uart.receive(b"8");
        assert_eq!(uart.read(MIS, 4), u64::from(INT_RX));
        assert_eq!(uart.read(DR, 4), u64::from(b'1'));
        assert_eq!(uart.read(MIS, 4), 0);
    }

    #[test]
    fn fewer_than_the_trigger_level_time_out() {
        let mut uart = uart();
        uart.write(IMSC, 4, INT_RT.into());
        uart.write(IBRD, 4, 13);
        uart.receive(b"ab");
        assert!(!uart.line(0));
        uart.pass(32 * 8_681);
        assert!(uart.line(0));
        assert_eq!(uart.read(DR, 4), u64::from(b'a'));
        assert!(uart.line(0), "until the FIFO is empty");
        assert_eq!(uart.read(DR, 4), u64::from(b'b'));
        assert!(!uart.line(0));
    }

    #[test]
    fn without_fifos_one_character_is_held_and_the_rest_waits_outside() {
        let mut uart = Rig::new("pl011").with_char().build();
        uart.receive(b"abc");
        assert_eq!(uart.read(RIS, 4), u64::from(INT_RX));
        let got: Vec<u64> = (0..3).map(|_| uart.read(DR, 4)).collect();
        assert_eq!(got, [0x61, 0x62, 0x63]);
        assert_eq!(uart.read(FR, 4) & u64::from(FR_RXFE), u64::from(FR_RXFE));
    }

    #[test]
    fn a_break_is_a_character_with_an_error() {
        let mut uart = uart();
        uart.write(IMSC, 4, INT_BE.into());
        uart.receive_break();
        assert!(uart.line(0));
        assert_eq!(uart.read(DR, 4), u64::from(DR_BE));
        assert_eq!(uart.read(RSR, 4), 4);
        uart.write(RSR, 4, 0);
        assert_eq!(uart.read(RSR, 4), 0);
    }

    #[test]
    fn loopback_turns_output_and_modem_lines_round_and_can_overrun() {
        let mut uart = uart();
        uart.write(CR, 4, u64::from(CR_LBE | CR_RTS) | 0x301);
        assert_eq!(uart.read(FR, 4) & 0x107, u64::from(FR_CTS));
        (0..17).for_each(|n| uart.write(DR, 4, n));
        assert_eq!(uart.sent(), b"");
        assert_eq!(uart.read(RIS, 4) & u64::from(INT_OE), u64::from(INT_OE));
        assert_eq!(uart.read(DR, 4), 0x800);
    }

    #[test]
    fn it_says_what_it_is() {
        let mut uart = uart();
        let ids: Vec<u64> = (0..8).map(|n| uart.read(0xfe0 + 4 * n, 4)).collect();
        assert_eq!(ids, [0x11, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1]);
    }
}
