//! What every virtio transport does between a driver and a device, whatever its registers look like: device status,
//! feature negotiation, interrupt causes, configuration space.
//!
//! Drivers that QEMU serves are served: features that were never offered are dropped, VERSION_1 may be missing, and
//! queues work as soon as they are set up. [`Link::new`]'s `strict` asks for what the specification asks for.

use super::device::{Driver, VirtioDevice};
use super::queue::{F_NOTIFY_ON_EMPTY, Queue};
use crate::base::Result;
use crate::fabric::{Event, State, Timer};
use crate::guest_error;
use crate::hw::Wiring;
use serde::{Deserialize, Serialize};

/// The driver has finished and the device may work.
const STATUS_DRIVER_OK: u8 = 4;
/// The driver's features are accepted.
const STATUS_FEATURES_OK: u8 = 8;
/// The driver must reset the device.
const STATUS_NEEDS_RESET: u8 = 64;

/// Interrupt cause: buffers were used.
pub const ISR_USED: u8 = 1;
/// Interrupt cause: the configuration has changed, or the device needs a reset.
pub const ISR_CONFIG: u8 = 2;

/// The device follows version 1 of the specification.
pub const F_VERSION_1: u64 = 1 << 32;
/// Feature bits that only legacy drivers know.
const LEGACY_ONLY: u64 = F_NOTIFY_ON_EMPTY | 1 << 27;

/// The number of the link's own timer, which no device uses.
const AGAIN: u32 = u32::MAX;
/// Nanoseconds between two turns of a device that has more to do, in which others get its lock.
pub(super) const PAUSE: u64 = 20_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    status: u8,
    /// Features that the driver has chosen; those in effect are its half's.
    chosen: u64,
    isr: u8,
    /// Goes up with each change of the configuration space.
    generation: u32,
}

/// A device with its driver's half.
pub struct Link {
    device: Box<dyn VirtioDevice>,
    driver: Driver,
    legacy: bool,
    strict: bool,
    again: Timer,
    /// An interrupt cause has come up since this was last taken.
    raised: bool,
    regs: Regs,
}

impl Link {
    /// Joins `device` to the transport that is being built, which lets each queue have up to so many entries.
    pub fn new(device: Box<dyn VirtioDevice>, largest: u16, legacy: bool, strict: bool, wiring: &Wiring) -> Link {
        let driver = Driver::new(wiring.dma.clone(), device.queue_sizes(), largest);
        let again = wiring.work_timer(AGAIN);
        let mut link = Link { device, driver, legacy, strict, again, raised: false, regs: Regs::default() };
        link.let_run();
        link
    }

    /// Lets the device use the queues, or not yet.
    fn let_run(&mut self) {
        let ready = self.legacy || self.regs.status & STATUS_DRIVER_OK != 0;
        self.driver.set_running(ready || !self.strict);
    }

    /// The device type's number.
    pub fn device_id(&self) -> u32 {
        self.device.device_id()
    }

    /// What the driver may choose from.
    pub fn offered(&self) -> u64 {
        match self.legacy {
            true => self.device.features() & 0xffff_ffff,
            false => self.device.features() & !LEGACY_ONLY | F_VERSION_1,
        }
    }

    /// The driver chooses 32 of its features, the upper ones if `upper`.
    pub fn choose(&mut self, upper: bool, value: u32) {
        if self.regs.status & STATUS_FEATURES_OK != 0 {
            guest_error!("virtio: features are chosen after FEATURES_OK");
            return;
        }
        let shift = if upper { 32 } else { 0 };
        self.regs.chosen = self.regs.chosen & !(0xffff_ffff << shift) | u64::from(value) << shift;
        if self.legacy {
            self.driver.set_features(self.regs.chosen & self.offered());
        }
    }

    /// The device status.
    pub fn status(&self) -> u8 {
        self.regs.status
    }

    /// The driver writes the device status; zero resets the device.
    pub fn set_status(&mut self, value: u8) {
        if value == 0 {
            self.reset();
            return;
        }
        let rising = value & !self.regs.status;
        // The device alone sets NEEDS_RESET, and only a reset clears it.
        self.regs.status = value & !STATUS_NEEDS_RESET | self.regs.status & STATUS_NEEDS_RESET;
        if rising & STATUS_FEATURES_OK != 0 && !self.legacy {
            self.agree();
        }
        self.let_run();
        if rising & STATUS_DRIVER_OK != 0 {
            self.driver.begin();
            self.device.start(&mut self.driver);
            (0..self.driver.queues()).for_each(|queue| self.device.notify(queue, &mut self.driver));
            self.settle();
        }
    }

    /// The driver has chosen its features: they come into effect.
    fn agree(&mut self) {
        let (chosen, offered) = (self.regs.chosen, self.offered());
        if chosen & !offered != 0 || chosen & F_VERSION_1 == 0 {
            guest_error!("virtio: features {chosen:#x} are chosen of {offered:#x}, which have VERSION_1");
            if self.strict {
                self.regs.status &= !STATUS_FEATURES_OK;
                return;
            }
        }
        self.driver.set_features(chosen & offered);
    }

    /// The driver has put buffers into a queue.
    pub fn notify(&mut self, queue: u32) {
        let known = usize::try_from(queue).ok().filter(|&queue| queue < self.driver.queues());
        let Some(queue) = known.filter(|_| self.driver.is_running()) else {
            guest_error!("virtio: notification of queue {queue}, which is not there or not ready");
            return;
        };
        self.driver.begin();
        self.device.notify(queue, &mut self.driver);
        self.settle();
    }

    /// A timer or host end of the device has something.
    pub fn event(&mut self, event: Event) {
        self.driver.begin();
        if event == Event::Timer(AGAIN) {
            for queue in 0..self.driver.queues() {
                if self.driver.take_behind(queue) {
                    self.device.notify(queue, &mut self.driver);
                }
            }
        } else {
            self.device.event(event, &mut self.driver);
        }
        self.settle();
    }

    /// Looks at what a call of the device has left for the driver to be told.
    fn settle(&mut self) {
        if self.driver.take_signals() {
            self.regs.isr |= ISR_USED;
            self.raised = true;
        }
        if self.driver.take_config_changed() {
            self.regs.generation = self.regs.generation.wrapping_add(1);
            self.regs.isr |= ISR_CONFIG;
            self.raised = true;
        }
        if self.driver.is_broken() {
            self.regs.status |= STATUS_NEEDS_RESET;
        }
        if self.driver.is_behind() {
            self.go_on_later();
        }
    }

    fn go_on_later(&self) {
        self.again.arm(self.again.now().saturating_add(PAUSE));
    }

    /// Interrupt causes that stand.
    pub fn isr(&self) -> u8 {
        self.regs.isr
    }

    /// Takes whether an interrupt cause has come up, be it one that stood already.
    pub fn take_raised(&mut self) -> bool {
        std::mem::take(&mut self.raised)
    }

    /// The driver has seen these interrupt causes. Those that are left count as having come up again.
    pub fn acknowledge(&mut self, causes: u8) {
        self.regs.isr &= !causes;
        self.raised = self.regs.isr != 0;
    }

    /// Changes with each change of the configuration space.
    pub fn generation(&self) -> u32 {
        self.regs.generation
    }

    /// Reads the configuration space; zeros where there is none.
    pub fn read_config(&self, offset: u64, size: u8) -> u64 {
        let config = self.device.config();
        let from = usize::try_from(offset).ok().and_then(|offset| config.get(offset..)).unwrap_or_default();
        let mut bytes = [0; 8];
        let length = from.len().min(size.into());
        bytes[..length].copy_from_slice(&from[..length]);
        u64::from_le_bytes(bytes)
    }

    /// The driver writes to the configuration space.
    pub fn write_config(&mut self, offset: u64, size: u8, value: u64) {
        self.driver.begin();
        self.device.write_config(offset, &value.to_le_bytes()[..size.min(8).into()], &mut self.driver);
        self.settle();
    }

    /// The largest size of a queue; 0 when there is no such queue.
    pub fn largest(&self, queue: u32) -> u16 {
        usize::try_from(queue).map_or(0, |queue| self.driver.largest(queue))
    }

    /// A queue, if it is there.
    pub fn queue(&mut self, queue: u32) -> Option<&mut Queue> {
        self.driver.queue(usize::try_from(queue).ok()?)
    }

    /// Puts device and driver's half into their first state.
    pub fn reset(&mut self) {
        let generation = self.regs.generation;
        self.regs = Regs { generation, ..Regs::default() };
        self.raised = false;
        self.again.disarm();
        self.driver.reset();
        self.device.reset();
        self.let_run();
    }

    /// Saves or loads everything of the link and the device.
    ///
    /// # Errors
    /// On load, when the saved state does not fit.
    pub fn state(&mut self, s: &mut State) -> Result<()> {
        s.item("link", &mut self.regs)?;
        self.driver.state(s)?;
        self.device.state(s)?;
        if s.is_loading() && self.driver.is_behind() {
            self.go_on_later();
        }
        Ok(())
    }
}
