//! The random bytes that the device tree brings the guest's own generator, anew at each start of the machine.

use crate::base::Result;
use crate::error;
use crate::fabric::Bus;

/// The bytes that the tree was made with.
pub struct RandomBytes {
    bytes: Vec<u8>,
    /// They follow from `-seed`, so that every start is the same.
    fixed: bool,
}

impl RandomBytes {
    /// `length` bytes that follow from a seed, or that nobody can know.
    ///
    /// # Errors
    /// When the host has no random bytes.
    pub fn new(length: usize, seed: Option<u64>) -> Result<RandomBytes> {
        let mut bytes = vec![0; length];
        match seed {
            None => random(&mut bytes)?,
            Some(mut state) => {
                // Any bytes do that differ from one seed to the next.
                for chunk in bytes.chunks_mut(8) {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                    chunk.copy_from_slice(&(state ^ state >> 29).to_be_bytes()[..chunk.len()]);
                }
            }
        }
        Ok(RandomBytes { bytes, fixed: seed.is_some() })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts other bytes into the device tree in guest memory, which is `dtb` at the address `at`.
    ///
    /// # Errors
    /// When the host has no random bytes.
    pub fn renew(&self, bus: &Bus, dtb: &[u8], at: u64) -> Result<()> {
        if self.fixed {
            return Ok(());
        }
        let length = self.bytes.len();
        let mut bytes = vec![0; length];
        random(&mut bytes)?;
        for (offset, _) in dtb.windows(length).enumerate().filter(|(_, window)| *window == self.bytes) {
            // The tree has just been put there, so that it is memory.
            let _ = bus.poke(at + offset as u64, &bytes);
        }
        Ok(())
    }
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|e| error!("the host gives no random bytes: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::{BusBuilder, Ram};
    use std::sync::Arc;

    #[test]
    fn each_start_has_its_own_bytes_unless_they_are_given() {
        let mut bus = BusBuilder::default();
        bus.ram("ram", 0x8000, 0x1000, Ram::new(0x1000, &Arc::default()).unwrap(), 0, true).unwrap();
        let bus = bus.build();
        let after = |seed: &RandomBytes| {
            let tree = [&[0; 5], seed.bytes(), &[0; 7]].concat();
            assert!(bus.poke(0x8000, &tree));
            seed.renew(&bus, &tree, 0x8000).unwrap();
            let mut renewed = vec![0; tree.len()];
            assert!(bus.peek(0x8000, &mut renewed));
            (renewed == tree, renewed[..5] == tree[..5] && renewed[37..] == tree[37..])
        };
        assert_eq!(after(&RandomBytes::new(32, None).unwrap()), (false, true));
        assert_eq!(after(&RandomBytes::new(32, Some(1)).unwrap()), (true, true));
        assert_ne!(RandomBytes::new(32, Some(1)).unwrap().bytes(), RandomBytes::new(32, Some(2)).unwrap().bytes());
    }
}
