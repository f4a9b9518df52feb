//! VIRTIO: transports, the split virtqueue, and devices that know neither transport nor ring layout.
//!
//! ```text
//!   guest ──► mmio (registers) ──► Link (status, features, interrupt causes)
//!                                    ├──► VirtioDevice::{start, notify, event, …}
//!                                    └──► Driver ◄── pop / read / write / push ── the device
//!                                           └──► Queue ──► Dma
//! ```
//! A transport's part holds the one lock of the whole stack. [`Driver`] is the guest's half as the device
//! sees it; after each call of the device the link looks there for buffers that the guest must be told of.
//! Guest memory is read once: a chain is checked as it is copied out of the ring.
//!
//! Document: Virtual I/O Device (VIRTIO) version 1.2; its "Legacy Interface" sections for version 1 of the transport.

mod blk;
mod console;
mod device;
mod link;
mod mmio;
mod queue;
mod rng;

pub use blk::VIRTIO_BLK;
pub use console::{Port, VIRTCONSOLE, VIRTIO_SERIAL, VIRTSERIALPORT};
pub use device::{Driver, VirtioDevice};
pub use link::Link;
pub use mmio::VIRTIO_MMIO;
pub use queue::{Chain, Queue};
pub use rng::VIRTIO_RNG;

#[cfg(test)]
pub(super) mod bench;
