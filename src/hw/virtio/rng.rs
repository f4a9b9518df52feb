//! The virtio entropy device.
//!
//! Bytes come from the host's random source, or from the bound character stream. `max-bytes` and `period` limit how
//! much a guest gets.
//!
//! Document: VIRTIO 1.2, section 5.4.

use super::device::{Driver, RING_PROPS, VirtioDevice, ring_features};
use crate::base::Result;
use crate::fabric::{Event, State, Timer};
use crate::fail;
use crate::host::CharEnd;
use crate::hw::{Built, PartType, Wiring};
use serde::{Deserialize, Serialize};

/// Catalogue entry.
pub static VIRTIO_RNG: PartType = PartType {
    name: "virtio-rng-device",
    summary: "virtio entropy device",
    bus: Some("virtio"),
    props: &[
        ("max-bytes", "bytes that the guest gets in a period (default: no limit)"),
        ("period", "length of a period in milliseconds (default: 65536)"),
        RING_PROPS[0],
        RING_PROPS[1],
        RING_PROPS[2],
        RING_PROPS[3],
    ],
    build,
};

const DEVICE_ID: u32 = 4;
const QUEUE_SIZE: u16 = 8;
/// The most that one request gets: a device may give less than was asked for, and a huge request must not hold
/// the lock for long.
const MOST: u64 = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    /// Bytes left in this period.
    quota: u64,
}

struct VirtioRng {
    features: u64,
    max_bytes: u64,
    period_ns: u64,
    /// The outside source; `None` stands for the host's random numbers.
    end: Option<Box<dyn CharEnd>>,
    /// A byte that was taken before it was known whether the guest wants one.
    spare: Option<u8>,
    timer: Timer,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let max_bytes = wiring.props.number("max-bytes")?.unwrap_or(u64::MAX);
    let period = wiring.props.number("period")?.unwrap_or(1 << 16);
    if period == 0 || period > u64::from(u32::MAX) {
        fail!("'period={period}' is not between 1 and {}", u32::MAX);
    }
    let device = VirtioRng {
        features: ring_features(&mut wiring.props)?,
        max_bytes,
        period_ns: period * 1_000_000,
        end: if wiring.host.is_some() { Some(wiring.take_char(0)?) } else { None },
        spare: None,
        timer: wiring.timer(0),
        regs: Regs { quota: max_bytes },
    };
    Ok(Built::virtio(Box::new(device)))
}

impl VirtioRng {
    /// Fills the front of `bytes`; returns how many there were.
    fn random(&mut self, bytes: &mut [u8]) -> usize {
        match &mut self.end {
            Some(end) => end.read(bytes).min(bytes.len()),
            None => match getrandom::fill(bytes) {
                Ok(()) => bytes.len(),
                Err(error) => {
                    log::warn!("the host gives no random numbers: {error}");
                    0
                }
            },
        }
    }

    fn serve(&mut self, driver: &mut Driver) {
        let mut bytes = vec![0; 4096];
        while self.regs.quota != 0 {
            // A chain that is taken must get at least one byte, so that is there before the chain is.
            if self.spare.is_none() && self.random(&mut bytes[..1]) == 1 {
                self.spare = Some(bytes[0]);
            }
            if self.spare.is_none() {
                return;
            }
            let Some(mut chain) = driver.pop(0) else { return };
            let room = chain.writable().min(MOST).min(self.regs.quota);
            let mut done = 0;
            if room != 0 {
                done = driver.write(&mut chain, self.spare.take().as_slice()) as u64;
            }
            while done < room {
                let want = (room - done).min(bytes.len() as u64) as usize;
                let got = self.random(&mut bytes[..want]);
                if got == 0 {
                    break;
                }
                done += driver.write(&mut chain, &bytes[..got]) as u64;
            }
            if self.max_bytes != u64::MAX {
                if self.regs.quota == self.max_bytes {
                    self.timer.arm(self.timer.now().saturating_add(self.period_ns));
                }
                self.regs.quota -= done;
            }
            driver.push(0, chain);
        }
    }
}

impl VirtioDevice for VirtioRng {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    fn features(&self) -> u64 {
        self.features
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![QUEUE_SIZE]
    }

    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    fn notify(&mut self, _queue: usize, driver: &mut Driver) {
        self.serve(driver);
    }

    fn event(&mut self, event: Event, driver: &mut Driver) {
        if let Event::Timer(_) = event {
            self.regs.quota = self.max_bytes;
        }
        self.serve(driver);
    }

    fn reset(&mut self) {
        self.regs = Regs { quota: self.max_bytes };
        self.timer.disarm();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        s.item("device", &mut self.regs)?;
        if s.is_loading() && self.regs.quota != self.max_bytes {
            self.timer.arm(self.timer.now().saturating_add(self.period_ns));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::hw::virtio::bench::{Desc, Front};

    #[test]
    fn a_request_is_filled() {
        let mut rng = Front::plain("virtio-rng-device", &[]);
        rng.offer(0, &[Desc::write(0, 100), Desc::write(0x100, 28)]);
        rng.notify(0);
        assert_eq!(rng.last_used(0), (0, 128));
        assert!(rng.bytes(0, 100).iter().any(|&b| b != 0));
        assert!(rng.line(0));
    }

    #[test]
    fn a_quota_is_kept_until_the_period_ends() {
        let mut rng = Front::plain("virtio-rng-device", &[("max-bytes", "10"), ("period", "5")]);
        rng.offer(0, &[Desc::write(0, 8)]);
        rng.notify(0);
        rng.offer(0, &[Desc::write(0, 8)]);
        rng.notify(0);
        assert_eq!(rng.last_used(0).1, 2);
        rng.offer(0, &[Desc::write(0, 8)]);
        rng.notify(0);
        assert_eq!(rng.used_count(0), 2);
        rng.pass(5_000_000);
        assert_eq!(rng.used_count(0), 3);
    }

    #[test]
    fn a_buffer_that_cannot_be_written_gets_nothing() {
        let mut rng = Front::plain("virtio-rng-device", &[]);
        rng.offer(0, &[Desc::read(0, 100)]);
        rng.notify(0);
        assert_eq!(rng.last_used(0), (0, 0));
    }
}
