//! A bench on which one chip is tried without a board: memory, lines to look at, a clock that stands still.

use super::{Clock, Dma, Event, IrqLine, Part, Ram, Timer, Timers};
use std::sync::Arc;

/// The bench of one chip.
pub struct Bench {
    /// The chip's place.
    pub part: Arc<Part>,
    /// 1 MiB of RAM at [`Bench::RAM_BASE`].
    pub ram: Arc<Ram>,
    /// The chip's way to `ram`.
    pub dma: Dma,
    /// Timers that fire only when [`Timers::fire_due`] is called.
    pub timers: Arc<Timers>,
}

impl Bench {
    /// Guest-physical address of the bench's RAM.
    pub const RAM_BASE: u64 = 0x8000_0000;

    /// An empty bench.
    ///
    /// # Panics
    /// When the host has not even a mebibyte left.
    #[expect(clippy::new_without_default, reason = "a bench is made deliberately")]
    pub fn new() -> Bench {
        let ram = Ram::new(1 << 20, &Arc::default()).expect("a mebibyte of memory");
        let dma = Dma::new(vec![(Bench::RAM_BASE, ram.clone())]);
        Bench { part: Part::new("chip"), ram, dma, timers: Timers::idle(Clock::new()) }
    }

    /// A line whose level can be looked at.
    pub fn line(&self) -> IrqLine {
        IrqLine::probe()
    }

    /// A timer that sends `Event::Timer(id)` to the chip on the bench.
    pub fn timer(&self, id: u32) -> Timer {
        let part = self.part.clone();
        self.timers.create(move || part.with(|device| device.event(Event::Timer(id))))
    }
}
