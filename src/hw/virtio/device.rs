//! The contract of a virtio device, and what it sees of its driver.

use super::queue::{Broken, Chain, F_EVENT_IDX, F_INDIRECT_DESC, F_NOTIFY_ON_EMPTY, Queue};
use crate::base::Result;
use crate::fabric::{Dma, Event, State};
use crate::hw::Props;
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Legacy: the device makes no assumption on how a request is cut into buffers.
const F_ANY_LAYOUT: u64 = 1 << 27;

/// A device behind a transport of any kind. Each call is made with the transport's lock held; none blocks.
///
/// The transport keeps the queues, the negotiated features and the interrupt; the device pops chains, works on
/// them and pushes them. Chains that it cannot finish at once are state of its own.
pub trait VirtioDevice: Send {
    /// The device type's number.
    fn device_id(&self) -> u32;

    /// Features that the device offers, without those of the transport.
    fn features(&self) -> u64;

    /// How many entries each queue has before the driver sets a size: powers of two. A transport may allow more.
    fn queue_sizes(&self) -> Vec<u16>;

    /// The whole configuration space.
    fn config(&self) -> Vec<u8>;

    /// The driver writes to the configuration space.
    fn write_config(&mut self, offset: u64, _from: &[u8], _driver: &mut Driver) {
        guest_error!("virtio: write to read-only configuration at {offset:#x}");
    }

    /// The driver is ready. Each queue that is set up is notified after this.
    fn start(&mut self, _driver: &mut Driver) {}

    /// The driver has made buffers available in queue `queue`, or they could not all be taken the last time.
    fn notify(&mut self, queue: usize, driver: &mut Driver);

    /// A timer fired or a host end has something: those that the device got from its own wiring.
    fn event(&mut self, _event: Event, _driver: &mut Driver) {}

    /// Forgets everything that the driver has brought about, chains included.
    fn reset(&mut self);

    /// Saves or loads the device's own state, under names that start with `device`.
    ///
    /// # Errors
    /// On load, when the saved state does not fit this device.
    fn state(&mut self, s: &mut State) -> Result<()>;
}

/// What one call of a device may do: chains taken, bytes moved, and time. The rest waits for the next call, which comes
/// by itself from a thread of its own: neither a guest that never stops adding buffers nor one with huge requests keeps
/// the lock, or the vCPU that has notified, for long.
const TURN_CHAINS: u32 = 4096;
const TURN_BYTES: u64 = 4 << 20;
const TURN_TIME: Duration = Duration::from_millis(2);
/// What taking a descriptor costs, in the bytes that could have been moved instead.
const DESCRIPTOR_COST: u64 = 64;

/// How much of its turn a device has used up.
struct Turn {
    chains: u32,
    bytes: u64,
    began: Instant,
}

impl Turn {
    fn new() -> Turn {
        Turn { chains: 0, bytes: 0, began: Instant::now() }
    }

    fn is_over(&self) -> bool {
        self.chains >= TURN_CHAINS || self.bytes >= TURN_BYTES || self.began.elapsed() >= TURN_TIME
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    features: u64,
    running: bool,
    broken: bool,
    queues: Vec<Queue>,
}

/// The guest's half, as a device sees it: the queues that its driver has set up, what the driver understands, and
/// how it is told of things.
pub struct Driver {
    dma: Dma,
    /// The size that each queue has before the driver sets one.
    sizes: Vec<u16>,
    /// The largest size of each queue.
    largest: u16,
    regs: Regs,
    turn: Turn,
    // What has come up during a call of the device, which the link takes after it.
    behind: Vec<bool>,
    config_changed: bool,
}

impl Driver {
    pub(super) fn new(dma: Dma, sizes: Vec<u16>, largest: u16) -> Driver {
        let behind = vec![false; sizes.len()];
        let regs = Driver::fresh(&sizes);
        Driver { dma, sizes, largest, regs, turn: Turn::new(), behind, config_changed: false }
    }

    fn fresh(sizes: &[u16]) -> Regs {
        let queues = sizes.iter().map(|&size| Queue::new(size)).collect();
        Regs { features: 0, running: false, broken: false, queues }
    }

    /// Whether the driver has negotiated all of `features`.
    pub fn has(&self, features: u64) -> bool {
        self.regs.features & features == features
    }

    /// Whether the driver is ready, so that its queues may be used.
    pub fn is_running(&self) -> bool {
        self.regs.running && !self.regs.broken
    }

    /// Takes the next chain from a queue.
    pub fn pop(&mut self, queue: usize) -> Option<Chain> {
        if !self.is_running() {
            return None;
        }
        if queue >= self.regs.queues.len() || !self.may_go_on(queue) {
            return None;
        }
        self.turn.chains += 1;
        match self.regs.queues[queue].pop(&self.dma, self.regs.features) {
            Ok(chain) => {
                self.turn.bytes += chain.as_ref().map_or(0, |chain| chain.buffers() as u64 * DESCRIPTOR_COST);
                chain
            }
            Err(broken) => {
                self.fail(broken);
                None
            }
        }
    }

    /// Whether the device may go on with a chain from a queue. When its turn is over it keeps the chain, and is notified
    /// of the queue again.
    pub fn may_go_on(&mut self, queue: usize) -> bool {
        let over = self.turn.is_over();
        self.behind[queue] |= over;
        !over
    }

    /// Gives a chain back to a queue.
    pub fn push(&mut self, queue: usize, chain: Chain) {
        if !self.is_running() {
            return;
        }
        if let Some(entry) = self.regs.queues.get_mut(queue)
            && let Err(broken) = entry.push(&self.dma, chain)
        {
            self.fail(broken);
        }
    }

    /// Reads the next bytes of a chain; returns how many there were.
    pub fn read(&mut self, chain: &mut Chain, into: &mut [u8]) -> usize {
        self.turn.bytes += into.len() as u64;
        chain.read(&self.dma, into)
    }

    /// Writes the next bytes of a chain; returns for how many there was room.
    pub fn write(&mut self, chain: &mut Chain, from: &[u8]) -> usize {
        self.turn.bytes += from.len() as u64;
        chain.write(&self.dma, from)
    }

    /// Writes one byte that was cut off a chain.
    pub fn write_byte(&self, address: u64, byte: u8) {
        // The chain's buffers were found in RAM.
        let _ = self.dma.write(address, &[byte]);
    }

    /// The configuration space has changed.
    pub fn config_changed(&mut self) {
        self.config_changed = true;
    }

    /// The driver breaks the rules, so nothing more is done for it until it resets the device.
    pub fn fail(&mut self, broken: Broken) {
        if !self.regs.broken {
            guest_error!("virtio: the device needs a reset: {}", broken.0);
            self.regs.broken = true;
            self.config_changed = true;
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.regs.broken
    }

    pub(super) fn set_running(&mut self, running: bool) {
        self.regs.running = running;
    }

    pub(super) fn set_features(&mut self, features: u64) {
        self.regs.features = features;
    }

    /// The largest size of a queue; 0 when there is no such queue.
    pub(super) fn largest(&self, queue: usize) -> u16 {
        if queue < self.sizes.len() { self.largest } else { 0 }
    }

    pub(super) fn queue(&mut self, queue: usize) -> Option<&mut Queue> {
        self.regs.queues.get_mut(queue)
    }

    pub(super) fn queues(&self) -> usize {
        self.sizes.len()
    }

    /// A new call of the device begins.
    pub(super) fn begin(&mut self) {
        self.turn = Turn::new();
    }

    /// Whether the driver wants to be told of used buffers.
    pub(super) fn take_signals(&mut self) -> bool {
        let mut signal = false;
        for queue in 0..self.regs.queues.len() {
            match self.regs.queues[queue].take_signal(&self.dma, self.regs.features) {
                Ok(wanted) => signal |= wanted,
                Err(broken) => self.fail(broken),
            }
        }
        signal
    }

    pub(super) fn take_config_changed(&mut self) -> bool {
        std::mem::take(&mut self.config_changed)
    }

    pub(super) fn is_behind(&self) -> bool {
        self.behind.contains(&true)
    }

    pub(super) fn take_behind(&mut self, queue: usize) -> bool {
        std::mem::take(&mut self.behind[queue])
    }

    pub(super) fn reset(&mut self) {
        self.regs = Driver::fresh(&self.sizes);
        self.behind.fill(false);
        self.config_changed = false;
    }

    pub(super) fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = self.regs.clone();
        s.item("driver", &mut regs)?;
        if regs.queues.len() != self.sizes.len() || regs.queues.iter().any(|queue| queue.size > self.largest) {
            fail!("saved state is of a virtio device with other queues");
        }
        self.regs = regs;
        if s.is_loading() {
            // Which queues had more to give is not saved: all are looked at again.
            let running = self.is_running();
            self.behind.fill(running);
        }
        Ok(())
    }
}

/// Takes the properties that every virtio device has; returns the features that they ask for.
///
/// # Errors
/// When one asks for what there is not.
pub fn ring_features(props: &mut Props) -> Result<u64> {
    let mut features = 0;
    for (name, feature) in [
        ("event_idx", F_EVENT_IDX),
        ("indirect_desc", F_INDIRECT_DESC),
        ("any_layout", F_ANY_LAYOUT),
        ("notify_on_empty", F_NOTIFY_ON_EMPTY),
    ] {
        if props.switch(name)?.unwrap_or(true) {
            features |= feature;
        }
    }
    for name in ["packed", "in_order", "iommu_platform"] {
        if props.switch(name)?.unwrap_or(false) {
            fail!("'{name}=on': Mimus does not offer this virtio feature");
        }
    }
    // Accepted because command lines have them; they change nothing that a guest could see here.
    for name in ["queue_reset", "use-disabled-flag", "use-started", "x-disable-legacy-check", "bootindex"] {
        props.text(name);
    }
    Ok(features)
}

/// The properties that [`ring_features`] takes, for the catalogue.
pub const RING_PROPS: [(&str, &str); 4] = [
    ("event_idx", "event indices (default: on)"),
    ("indirect_desc", "indirect descriptors (default: on)"),
    ("any_layout", "legacy: requests may be cut into buffers in any way (default: on)"),
    ("notify_on_empty", "legacy: an interrupt when buffers run out (default: on)"),
];
