//! A redistributor's LPIs.
//!
//! What is pending is kept here together with its configuration as it was last read from the table in memory, which
//! is what the architecture's caching allows: INV and INVALL read it again. The pending table is read when LPIs are
//! enabled and written when they are disabled. A redistributor never holds more than there are numbers.

use crate::fabric::Dma;
use crate::guest_error;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The first LPI's number.
pub(super) const FIRST: u32 = 8192;
/// Bits of an interrupt's number that are implemented.
const ID_BITS: u32 = 16;

/// What of PROPBASER and PENDBASER is writable: all defined fields.
const PROPBASER_BITS: u64 = 7 << 56 | 0xf_ffff_ffff_f000 | 0xf80 | 0x1f;
const PENDBASER_BITS: u64 = 1 << 62 | 7 << 56 | 0xf_ffff_ffff_0000 | 0xf80;
/// The pending table holds nothing: it need not be read.
const PENDBASER_PTZ: u64 = 1 << 62;

const CONFIG_ENABLED: u8 = 1;
const CONFIG_PRIORITY: u8 = 0xfc;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Lpis {
    pub enabled: bool,
    pub propbaser: u64,
    pub pendbaser: u64,
    /// Configuration of what is pending, by number.
    pending: BTreeMap<u32, u8>,
    /// Priority and number of those of them that are enabled. Not saved, for it follows from `pending`.
    #[serde(skip)]
    ready: BTreeSet<(u8, u32)>,
}

impl Lpis {
    pub fn set_propbaser(&mut self, value: u64, mask: u64) {
        if self.enabled {
            return guest_error!("gicv3: PROPBASER written while LPIs are enabled");
        }
        self.propbaser = (self.propbaser & !mask | value & mask) & PROPBASER_BITS;
    }

    pub fn set_pendbaser(&mut self, value: u64, mask: u64) {
        if self.enabled {
            return guest_error!("gicv3: PENDBASER written while LPIs are enabled");
        }
        self.pendbaser = (self.pendbaser & !mask | value & mask) & PENDBASER_BITS;
    }

    /// One past the last number that the table has room for.
    fn end(&self) -> u32 {
        1 << ((self.propbaser & 0x1f) as u32 + 1).min(ID_BITS)
    }

    fn is_lpi(&self, intid: u32) -> bool {
        (FIRST..self.end()).contains(&intid)
    }

    /// The configuration in memory; what cannot be read is disabled.
    fn config(&self, intid: u32, dma: &Dma) -> u8 {
        let mut config = [0];
        let table = self.propbaser & 0xf_ffff_ffff_f000;
        if !dma.read(table + u64::from(intid - FIRST), &mut config) {
            guest_error!("gicv3: the configuration of LPI {intid} is not in memory");
        }
        config[0]
    }

    fn pending_table(&self) -> u64 {
        self.pendbaser & 0xf_ffff_ffff_0000
    }

    /// Switches LPIs on or off.
    pub fn enable(&mut self, on: bool, dma: &Dma) {
        if on == self.enabled {
            return;
        }
        let (first, end) = (FIRST / 8, self.end() / 8);
        // A table too small for any LPI has none.
        let mut bytes = vec![0; end.saturating_sub(first) as usize];
        let at = self.pending_table() + u64::from(first);
        self.enabled = on;
        if on {
            if self.pendbaser & PENDBASER_PTZ == 0 && !bytes.is_empty() && !dma.read(at, &mut bytes) {
                guest_error!("gicv3: the LPI pending table is not in memory");
            }
            self.pendbaser &= !PENDBASER_PTZ;
            let set = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0);
            let bits = set.flat_map(|(n, byte)| (0..8).filter(move |bit| byte >> bit & 1 != 0).map(move |b| (n, b)));
            let pending = bits.map(|(n, bit)| FIRST + 8 * n as u32 + bit);
            self.pending = pending.map(|intid| (intid, self.config(intid, dma))).collect();
        } else {
            for intid in std::mem::take(&mut self.pending).into_keys() {
                if let Some(byte) = bytes.get_mut((intid / 8).wrapping_sub(first) as usize) {
                    *byte |= 1 << (intid % 8);
                }
            }
            if !bytes.is_empty() && !dma.write(at, &bytes) {
                guest_error!("gicv3: the LPI pending table is not in memory");
            }
        }
        self.sort();
    }

    pub fn set(&mut self, intid: u32, dma: &Dma) {
        if !self.enabled || !self.is_lpi(intid) {
            return guest_error!("gicv3: LPI {intid} is not enabled or does not exist");
        }
        let config = self.config(intid, dma);
        self.insert(intid, config);
    }

    fn insert(&mut self, intid: u32, config: u8) {
        self.clear(intid);
        self.pending.insert(intid, config);
        self.ready.extend(rank(intid, config));
    }

    /// Makes an LPI not pending: it was acknowledged, cleared or moved. Says whether it was.
    pub fn clear(&mut self, intid: u32) -> bool {
        let Some(config) = self.pending.remove(&intid) else { return false };
        if let Some(rank) = rank(intid, config) {
            self.ready.remove(&rank);
        }
        true
    }

    /// Reads the configuration of one LPI again.
    pub fn reload(&mut self, intid: u32, dma: &Dma) {
        if self.pending.contains_key(&intid) {
            self.insert(intid, self.config(intid, dma));
        }
    }

    /// Reads the configuration of all LPIs again.
    pub fn reload_all(&mut self, dma: &Dma) {
        let numbers: Vec<u32> = self.pending.keys().copied().collect();
        self.pending = numbers.into_iter().map(|intid| (intid, self.config(intid, dma))).collect();
        self.sort();
    }

    /// Takes over all that is pending in `from`. The smaller set is moved, so that a guest that moves them back and
    /// forth gains nothing by it.
    pub fn take_all(&mut self, from: &mut Lpis) {
        if !self.enabled {
            return guest_error!("gicv3: LPIs are moved to where they are not enabled");
        }
        if from.pending.len() > self.pending.len() {
            std::mem::swap(&mut self.pending, &mut from.pending);
            std::mem::swap(&mut self.ready, &mut from.ready);
        }
        from.ready.clear();
        for (intid, config) in std::mem::take(&mut from.pending) {
            self.insert(intid, config);
        }
    }

    /// The one to signal first: priority and number.
    pub fn highest(&self) -> Option<(u8, u32)> {
        self.ready.first().copied()
    }

    /// Works out anew what is to be signalled.
    pub fn sort(&mut self) {
        self.ready = self.pending.iter().filter_map(|(intid, config)| rank(*intid, *config)).collect();
    }
}

/// Where a pending LPI stands among the others, when it is enabled.
fn rank(intid: u32, config: u8) -> Option<(u8, u32)> {
    (config & CONFIG_ENABLED != 0).then_some((config & CONFIG_PRIORITY, intid))
}
