//! The interrupt translation service: messages (a device and an event) become LPIs by tables in guest memory.
//!
//! The device table and the collection table are flat or have two levels; entries are eight bytes. Commands are worked
//! off when CWRITER is written, one queue's worth at most. What a guest gets wrong is ignored; a queue that is not in
//! memory stalls. Nothing is cached, so there is nothing to go stale. The table registers come out of a reset with pages
//! of 64 KiB, as QEMU's do, where the architecture leaves the size open: there are guests that keep what they find.

use super::lpi::FIRST as FIRST_LPI;
use super::{Gic, identification};
use crate::base::bits::{bit, bits};
use crate::fabric::Dma;
use crate::guest_error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The control and the translation frame.
pub(super) const SIZE: u64 = 0x2_0000;

pub(super) const CTLR: u64 = 0x00;
const IIDR: u64 = 0x04;
const TYPER: u64 = 0x08;
pub(super) const CBASER: u64 = 0x80;
pub(super) const CWRITER: u64 = 0x88;
pub(super) const CREADR: u64 = 0x90;
pub(super) const BASER: u64 = 0x100;
const BASER_END: u64 = 0x140;
const IDS: u64 = 0xffd0;
const TRANSLATER: u64 = 0x1_0040;

const CTLR_ENABLED: u32 = 1;
/// There is never work left when a register is read.
const CTLR_QUIESCENT: u32 = 1 << 31;

/// Physical LPIs, entries of eight bytes, 16 bits each of event, device and collection number; redistributors go by
/// their number.
const TYPER_VALUE: u64 = 1 | (ENTRY - 1) << 4 | 15 << 8 | 15 << 13 | 15 << 32 | 1 << 36;

const ENTRY: u64 = 8;
const VALID: u64 = 1 << 63;

const BASER_INDIRECT: u64 = 1 << 62;
const BASER_PAGES_64K: u64 = 2 << 8;
/// Types of the tables that there are: devices, collections.
const BASER_TYPE: [u64; 2] = [1 << 56, 4 << 56];
/// Type and entry size are ours.
const BASER_BITS: u64 = !(7 << 56 | 0x1f << 48);
const DEVICES: usize = 0;
const COLLECTIONS: usize = 1;

const CBASER_BITS: u64 = VALID | 7 << 59 | 7 << 53 | 0xf_ffff_ffff_f000 | 0xc00 | 0xff;
const COMMAND: u64 = 32;
const QUEUE_OFFSET: u64 = 0xf_ffe0;
const CREADR_STALLED: u64 = 1;

const MOVI: u64 = 0x01;
const INT: u64 = 0x03;
const CLEAR: u64 = 0x04;
const SYNC: u64 = 0x05;
const MAPD: u64 = 0x08;
const MAPC: u64 = 0x09;
const MAPTI: u64 = 0x0a;
const MAPI: u64 = 0x0b;
const INV: u64 = 0x0c;
const INVALL: u64 = 0x0d;
const MOVALL: u64 = 0x0e;
const DISCARD: u64 = 0x0f;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Its {
    enabled: bool,
    cbaser: u64,
    cwriter: u64,
    creadr: u64,
    baser: [u64; 2],
}

impl Default for Its {
    fn default() -> Its {
        Its { enabled: false, cbaser: 0, cwriter: 0, creadr: 0, baser: [BASER_PAGES_64K; 2] }
    }
}

/// An event's entry in its device's table.
#[derive(Clone, Copy)]
struct Event {
    /// Where it stands.
    at: u64,
    intid: u32,
    collection: u64,
}

impl Its {
    /// Whether a guest could have brought it about: the queue's ends are where commands begin.
    pub fn is_valid(&self) -> bool {
        self.creadr & !(QUEUE_OFFSET | CREADR_STALLED) == 0 && self.cwriter & !QUEUE_OFFSET == 0
    }

    /// The address of entry `index` of a table, when the table has it.
    fn entry(&self, table: usize, index: u64, dma: &Dma) -> Option<u64> {
        let baser = self.baser[table];
        if baser & VALID == 0 {
            return None;
        }
        let (page, base) = match bits(baser, 9, 8) {
            0 => (0x1000, baser & 0xffff_ffff_f000),
            1 => (0x4000, baser & 0xffff_ffff_c000),
            // The upper address bits are where smaller pages have lower ones.
            _ => (0x1_0000, baser & 0xffff_ffff_0000 | bits(baser, 15, 12) << 48),
        };
        let size = (bits(baser, 7, 0) + 1) * page;
        let per_page = page / ENTRY;
        if baser & BASER_INDIRECT == 0 {
            return (index < size / ENTRY).then(|| base + index * ENTRY);
        }
        let first = index / per_page;
        let inner = (first < size / ENTRY).then(|| load(base + first * ENTRY, dma)).flatten()?;
        let base = inner & 0xf_ffff_ffff_f000 & !(page - 1);
        (inner & VALID != 0).then(|| base + index % per_page * ENTRY)
    }

    /// The redistributor of a collection.
    fn collection(&self, collection: u64, dma: &Dma) -> Option<usize> {
        let entry = load(self.entry(COLLECTIONS, collection, dma)?, dma)?;
        (entry & VALID != 0).then(|| bits(entry, 15, 0) as usize)
    }

    /// Where an event's entry is, when its device is mapped and has so many.
    fn slot(&self, device: u32, event: u32, dma: &Dma) -> Option<u64> {
        let entry = load(self.entry(DEVICES, device.into(), dma)?, dma)?;
        let events = 2u64 << bits(entry, 4, 0);
        let table = bits(entry, 48, 5) << 8;
        (entry & VALID != 0 && u64::from(event) < events).then(|| table + u64::from(event) * ENTRY)
    }

    fn event(&self, device: u32, event: u32, dma: &Dma) -> Option<Event> {
        let at = self.slot(device, event, dma)?;
        let entry = load(at, dma)?;
        (entry & VALID != 0).then(|| Event { at, intid: bits(entry, 15, 0) as u32, collection: bits(entry, 31, 16) })
    }
}

fn load(at: u64, dma: &Dma) -> Option<u64> {
    let mut bytes = [0; 8];
    dma.read(at, &mut bytes).then(|| u64::from_le_bytes(bytes))
}

fn store(at: u64, value: u64, dma: &Dma) -> Option<()> {
    dma.write(at, &value.to_le_bytes()).then_some(())
}

fn event_entry(intid: u32, collection: u64) -> u64 {
    VALID | (collection & 0xffff) << 16 | u64::from(intid)
}

impl Gic {
    pub(super) fn read_its(&mut self, offset: u64) -> u32 {
        let its = &self.regs.its;
        let half = |value: u64| (value >> (8 * (offset & 4))) as u32;
        match offset {
            CTLR => CTLR_QUIESCENT | u32::from(its.enabled),
            IIDR => 0x43b,
            TYPER..0x10 => half(TYPER_VALUE),
            CBASER..CWRITER => half(its.cbaser),
            CWRITER..CREADR => half(its.cwriter),
            CREADR..0x98 => half(its.creadr),
            BASER..BASER_END => match ((offset - BASER) / 8) as usize {
                table @ (DEVICES | COLLECTIONS) => half(its.baser[table] | BASER_TYPE[table] | (ENTRY - 1) << 48),
                _ => 0,
            },
            IDS..0x1_0000 => identification(0x94, (offset - IDS) / 4),
            _ => {
                guest_error!("gicv3: read of the ITS at {offset:#x}");
                0
            }
        }
    }

    pub(super) fn write_its(&mut self, offset: u64, value: u32, mask: u32) {
        let its = &mut self.regs.its;
        let shift = 8 * (offset & 4);
        let (wide, wide_mask) = (u64::from(value) << shift, u64::from(mask) << shift);
        let merge = |old: u64| old & !wide_mask | wide & wide_mask;
        match offset {
            CTLR => {
                if mask & CTLR_ENABLED != 0 {
                    its.enabled = value & CTLR_ENABLED != 0;
                }
                self.work();
            }
            CBASER..CWRITER | BASER..BASER_END if its.enabled => {
                guest_error!("gicv3: the ITS's tables are changed while it is enabled");
            }
            CBASER..CWRITER => {
                its.cbaser = merge(its.cbaser) & CBASER_BITS;
                its.creadr = 0;
            }
            CWRITER..CREADR => {
                its.cwriter = merge(its.cwriter) & QUEUE_OFFSET;
                // Whatever it was that stalled the queue, it is tried again.
                its.creadr &= !CREADR_STALLED;
                self.work();
            }
            BASER..BASER_END => {
                if let table @ (DEVICES | COLLECTIONS) = ((offset - BASER) / 8) as usize {
                    its.baser[table] = merge(its.baser[table]) & BASER_BITS;
                }
            }
            // A vCPU's store names no device.
            TRANSLATER => guest_error!("gicv3: a message from a vCPU"),
            _ => guest_error!("gicv3: write of the ITS at {offset:#x}"),
        }
    }

    /// Works the command queue off. CREADR moves with every command and CWRITER stands still, so this ends.
    fn work(&mut self) {
        let size = (bits(self.regs.its.cbaser, 7, 0) + 1) << 12;
        let base = self.regs.its.cbaser & 0xf_ffff_ffff_f000;
        let its = &self.regs.its;
        if !its.enabled || its.cbaser & VALID == 0 || its.creadr & CREADR_STALLED != 0 || its.creadr == its.cwriter {
            return;
        }
        if its.cwriter >= size {
            guest_error!("gicv3: CWRITER points behind the ITS's command queue");
            self.regs.its.creadr |= CREADR_STALLED;
            return;
        }
        // Reading all of a table again is done once for a whole queue that asks for it.
        let mut reload = BTreeSet::new();
        while self.regs.its.creadr != self.regs.its.cwriter {
            let at = base + self.regs.its.creadr;
            let words: Option<Vec<u64>> = (0..4).map(|n| load(at + 8 * n, &self.dma)).collect();
            let Some(words) = words else {
                guest_error!("gicv3: the ITS's command queue is not in memory");
                self.regs.its.creadr |= CREADR_STALLED;
                break;
            };
            if self.command(&words, &mut reload).is_none() {
                guest_error!("gicv3: ITS command {words:x?} names what is not mapped");
            }
            self.regs.its.creadr = (self.regs.its.creadr + COMMAND) % size;
        }
        for cpu in reload {
            self.regs.redistributors[cpu].lpis.reload_all(&self.dma);
        }
    }

    /// Does one command; `None` when something that it names is not there.
    fn command(&mut self, words: &[u64], reload: &mut BTreeSet<usize>) -> Option<()> {
        let (device, event) = ((words[0] >> 32) as u32, words[1] as u32);
        let collection = bits(words[2], 15, 0);
        let target = |word: u64| bits(word, 50, 16) as usize;
        let valid = bit(words[2], 63);
        match words[0] & 0xff {
            SYNC => {}
            MAPD => {
                let size = bits(words[1], 4, 0);
                let table = bits(words[2], 51, 8);
                let entry = if valid { VALID | table << 5 | size } else { 0 };
                if size > 15 {
                    return None;
                }
                store(self.regs.its.entry(DEVICES, device.into(), &self.dma)?, entry, &self.dma)?;
            }
            MAPC => {
                let cpu = target(words[2]);
                let at = self.regs.its.entry(COLLECTIONS, collection, &self.dma)?;
                let entry = if valid { VALID | cpu as u64 } else { 0 };
                (!valid || cpu < self.cpus()).then(|| store(at, entry, &self.dma))??;
            }
            MAPTI | MAPI => {
                let intid = if words[0] & 0xff == MAPI { event } else { (words[1] >> 32) as u32 };
                let at = self.regs.its.slot(device, event, &self.dma)?;
                if !(FIRST_LPI..0x1_0000).contains(&intid) {
                    return None;
                }
                store(at, event_entry(intid, collection), &self.dma)?;
            }
            MOVI => {
                let entry = self.regs.its.event(device, event, &self.dma)?;
                let from = self.target(entry.collection)?;
                let to = self.target(collection)?;
                store(entry.at, event_entry(entry.intid, collection), &self.dma)?;
                if from != to && self.regs.redistributors[from].lpis.clear(entry.intid) {
                    self.regs.redistributors[to].lpis.set(entry.intid, &self.dma);
                }
            }
            INT => self.trigger(device, event)?,
            CLEAR | DISCARD | INV => {
                let entry = self.regs.its.event(device, event, &self.dma)?;
                let cpu = self.target(entry.collection)?;
                let lpis = &mut self.regs.redistributors[cpu].lpis;
                if words[0] & 0xff == INV {
                    lpis.reload(entry.intid, &self.dma);
                } else {
                    lpis.clear(entry.intid);
                }
                if words[0] & 0xff == DISCARD {
                    store(entry.at, 0, &self.dma)?;
                }
            }
            INVALL => {
                reload.insert(self.target(collection)?);
            }
            MOVALL => {
                let (from, to) = (target(words[2]), target(words[3]));
                if from >= self.cpus() || to >= self.cpus() {
                    return None;
                }
                if from != to && self.regs.redistributors[to].lpis.enabled {
                    let mut moved = std::mem::take(&mut self.regs.redistributors[from].lpis);
                    self.regs.redistributors[to].lpis.take_all(&mut moved);
                    self.regs.redistributors[from].lpis = moved;
                }
            }
            unknown => guest_error!("gicv3: ITS command {unknown:#x}"),
        }
        Some(())
    }

    /// The redistributor of a collection, when it is mapped.
    fn target(&self, collection: u64) -> Option<usize> {
        self.regs.its.collection(collection, &self.dma).filter(|cpu| *cpu < self.cpus())
    }

    fn trigger(&mut self, device: u32, event: u32) -> Option<()> {
        let entry = self.regs.its.event(device, event, &self.dma)?;
        let cpu = self.target(entry.collection)?;
        self.regs.redistributors[cpu].lpis.set(entry.intid, &self.dma);
        Some(())
    }

    /// A message: event `event` of `device`.
    pub(super) fn translate(&mut self, device: u32, event: u32) {
        if !self.regs.its.enabled || self.trigger(device, event).is_none() {
            guest_error!("gicv3: device {device:#x} signals event {event:#x}, which is not mapped");
        }
    }
}
