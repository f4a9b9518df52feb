//! The split virtqueue, and chains of buffers taken from one.
//!
//! The guest may write anything anywhere at any time, so each index and descriptor is read once and checked as a
//! value. A ring that breaks the rules (a loop, an index outside, a buffer outside RAM) is [`Broken`]; the device
//! then wants a reset.

use crate::fabric::Dma;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{Ordering, fence};

/// The device uses event indices instead of ring flags.
pub const F_EVENT_IDX: u64 = 1 << 29;
/// Descriptors may refer to tables of descriptors.
pub const F_INDIRECT_DESC: u64 = 1 << 28;
/// Legacy: an interrupt is wanted when the device runs out of buffers, suppressed or not.
pub const F_NOTIFY_ON_EMPTY: u64 = 1 << 24;

const DESC_SIZE: u64 = 16;
const DESC_F_NEXT: u16 = 1;
const DESC_F_WRITE: u16 = 2;
const DESC_F_INDIRECT: u16 = 4;

const AVAIL_F_NO_INTERRUPT: u16 = 1;

/// The most descriptors that a chain may have, in the ring and in an indirect table together.
const MAX_CHAIN: usize = 1024;

/// The ring breaks the rules: how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// A virtqueue: where its three areas are, and how far the device has got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Entries, as the driver has set it.
    pub size: u16,
    /// Whether the driver has given it to the device.
    pub ready: bool,
    /// Guest address of the descriptor area.
    pub desc: u64,
    /// Guest address of the driver area (available ring).
    pub driver: u64,
    /// Guest address of the device area (used ring).
    pub device: u64,
    next_avail: u16,
    next_used: u16,
    /// Used index when the driver was last told, or deliberately not told.
    told: u16,
}

/// The buffers of one kind in a chain, and how far they have been used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Buffers {
    /// Address and length.
    list: Vec<(u64, u32)>,
    /// The buffer that is being used, and the byte in it.
    at: usize,
    offset: u32,
    done: u32,
}

impl Buffers {
    fn left(&self) -> u64 {
        let all: u64 = self.list.iter().skip(self.at).map(|&(_, length)| u64::from(length)).sum();
        all.saturating_sub(self.offset.into())
    }

    /// Goes on by at most `length` bytes; `f` gets each guest address with the range that it stands for.
    fn walk(&mut self, length: usize, mut f: impl FnMut(u64, std::ops::Range<usize>)) -> usize {
        let mut done = 0;
        while done < length {
            let Some(&(address, size)) = self.list.get(self.at) else { break };
            let here = (size.saturating_sub(self.offset) as usize).min(length - done);
            if here != 0 {
                f(address.wrapping_add(self.offset.into()), done..done + here);
            }
            done += here;
            self.offset += here as u32;
            if self.offset >= size {
                (self.at, self.offset) = (self.at + 1, 0);
            }
        }
        self.done = self.done.saturating_add(done as u32);
        done
    }
}

/// A chain of buffers that the driver has made available. Its buffers were found in RAM when it was taken; they are
/// read and written in order, each byte once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    head: u16,
    readable: Buffers,
    writable: Buffers,
}

impl Chain {
    /// Bytes that can still be read.
    pub fn readable(&self) -> u64 {
        self.readable.left()
    }

    /// Bytes that can still be written.
    pub fn writable(&self) -> u64 {
        self.writable.left()
    }

    /// Reads the next bytes; returns how many there were.
    pub fn read(&mut self, dma: &Dma, into: &mut [u8]) -> usize {
        self.readable.walk(into.len(), |address, range| {
            // RAM does not go away, so what was found in it still is.
            let _ = dma.read(address, &mut into[range]);
        })
    }

    /// Writes the next bytes; returns for how many there was room.
    pub fn write(&mut self, dma: &Dma, from: &[u8]) -> usize {
        self.writable.walk(from.len(), |address, range| {
            let _ = dma.write(address, &from[range]);
        })
    }

    /// Cuts the last writable byte off and returns its address.
    pub fn cut_last_byte(&mut self) -> Option<u64> {
        while self.writable.list.last().is_some_and(|&(_, length)| length == 0) {
            self.writable.list.pop();
        }
        let (address, length) = self.writable.list.last_mut()?;
        *length -= 1;
        Some(address.wrapping_add((*length).into()))
    }

    /// Counts everything that can be written as written, and the byte that was cut off: the last one, after all others.
    pub fn count_all(&mut self) {
        let all: u64 = self.writable.list.iter().map(|&(_, length)| u64::from(length)).sum();
        self.writable.done = u32::try_from(all + 1).unwrap_or(u32::MAX);
    }

    /// How many buffers it has.
    pub fn buffers(&self) -> usize {
        self.readable.list.len() + self.writable.list.len()
    }

    /// Makes the bytes that were read last the next ones again.
    pub fn unread(&mut self, mut length: usize) {
        let buffers = &mut self.readable;
        buffers.done = buffers.done.saturating_sub(length as u32);
        while length > 0 {
            let step = length.min(buffers.offset as usize);
            buffers.offset -= step as u32;
            length -= step;
            if length > 0 {
                let Some(before) = buffers.at.checked_sub(1) else { break };
                let Some(&(_, size)) = buffers.list.get(before) else { break };
                (buffers.at, buffers.offset) = (before, size);
            }
        }
    }
}

impl Queue {
    /// A queue of up to `size` entries that the driver has not set up.
    pub fn new(size: u16) -> Queue {
        Queue { size, ..Queue::default() }
    }

    /// The driver takes the queue back: it begins anew when it is ready again.
    pub fn stop(&mut self) {
        let Queue { size, desc, driver, device, .. } = *self;
        *self = Queue { size, desc, driver, device, ..Queue::default() };
    }

    /// Puts the areas where the legacy layout has them: one after the other from `base`, the device area aligned
    /// to `align`, a power of two.
    pub fn place_legacy(&mut self, base: u64, align: u64) {
        let size = u64::from(self.size);
        self.desc = base;
        self.driver = base.wrapping_add(DESC_SIZE * size);
        // Flags, index, the ring and used_event come first.
        let end = self.driver.wrapping_add(2 * (3 + size));
        self.device = end.wrapping_add(align - 1) & !(align - 1);
    }

    /// Takes the next chain that the driver has made available.
    ///
    /// # Errors
    /// When the ring breaks the rules.
    pub fn pop(&mut self, dma: &Dma, features: u64) -> Result<Option<Chain>, Broken> {
        if !self.ready || self.size == 0 {
            return Ok(None);
        }
        if self.waiting(dma)? == 0 {
            if features & F_EVENT_IDX == 0 {
                return Ok(None);
            }
            // Ask to be told of the next one, then look again: it may have come before the driver saw that.
            let avail_event = self.device.wrapping_add(4 + 8 * u64::from(self.size));
            if !dma.store16(avail_event, self.next_avail) {
                return Err(OUTSIDE);
            }
            fence(Ordering::SeqCst);
            if self.waiting(dma)? == 0 {
                return Ok(None);
            }
        }
        let slot = u64::from(self.next_avail % self.size);
        let head = dma.load16(self.driver.wrapping_add(4 + 2 * slot)).ok_or(OUTSIDE)?;
        let chain = self.chain(dma, head)?;
        self.next_avail = self.next_avail.wrapping_add(1);
        Ok(Some(chain))
    }

    /// How many chains the driver has made available and the device has not taken.
    fn waiting(&self, dma: &Dma) -> Result<u16, Broken> {
        let index = dma.load16(self.driver.wrapping_add(2)).ok_or(OUTSIDE)?;
        // What the index covers was written before it.
        fence(Ordering::Acquire);
        match index.wrapping_sub(self.next_avail) {
            waiting if waiting > self.size => Err(Broken("the available index runs ahead of the ring")),
            waiting => Ok(waiting),
        }
    }

    fn chain(&self, dma: &Dma, head: u16) -> Result<Chain, Broken> {
        let mut chain = Chain { head, readable: Buffers::default(), writable: Buffers::default() };
        let (mut table, mut entries, mut indirect) = (self.desc, u32::from(self.size), false);
        let (mut index, mut seen_here, mut seen, mut total) = (u32::from(head), 0, 0, 0_u64);
        loop {
            if index >= entries {
                return Err(Broken("a descriptor index is outside its table"));
            }
            seen_here += 1;
            seen += 1;
            if seen_here > entries || seen > MAX_CHAIN {
                return Err(Broken("a descriptor chain is too long or a loop"));
            }
            let mut bytes = [0; DESC_SIZE as usize];
            if !dma.read(table.wrapping_add(DESC_SIZE * u64::from(index)), &mut bytes) {
                return Err(OUTSIDE);
            }
            let word = u128::from_le_bytes(bytes);
            let (address, length) = (word as u64, (word >> 64) as u32);
            let (flags, next) = ((word >> 96) as u16, (word >> 112) as u16);
            if flags & DESC_F_INDIRECT != 0 {
                // Whether the driver has chosen the feature is not looked at, as QEMU does not.
                if indirect || flags & DESC_F_NEXT != 0 {
                    return Err(Broken("an indirect descriptor where none may be"));
                }
                if length == 0 || u64::from(length) % DESC_SIZE != 0 {
                    return Err(Broken("an indirect table is no whole number of descriptors"));
                }
                (table, entries, indirect) = (address, length / DESC_SIZE as u32, true);
                (index, seen_here) = (0, 0);
                continue;
            }
            total += u64::from(length);
            if total > u32::MAX.into() {
                return Err(Broken("a descriptor chain has more than 4 GiB"));
            }
            if length != 0 && dma.find(address, length as usize).is_none() {
                return Err(Broken("a buffer is not in RAM"));
            }
            if flags & DESC_F_WRITE != 0 {
                chain.writable.list.push((address, length));
            } else if chain.writable.list.is_empty() {
                chain.readable.list.push((address, length));
            } else {
                return Err(Broken("a readable descriptor follows a writable one"));
            }
            if flags & DESC_F_NEXT == 0 {
                return Ok(chain);
            }
            index = next.into();
        }
    }

    /// Gives a chain back to the driver with what was written to it.
    ///
    /// # Errors
    /// When the used ring is not in RAM.
    pub fn push(&mut self, dma: &Dma, chain: Chain) -> Result<(), Broken> {
        if !self.ready || self.size == 0 {
            return Ok(());
        }
        let slot = u64::from(self.next_used % self.size);
        let element = u64::from(chain.head) | u64::from(chain.writable.done) << 32;
        if !dma.write(self.device.wrapping_add(4 + 8 * slot), &element.to_le_bytes()) {
            return Err(OUTSIDE);
        }
        self.next_used = self.next_used.wrapping_add(1);
        // The element and the buffers must be there before the index says so.
        fence(Ordering::Release);
        if dma.store16(self.device.wrapping_add(2), self.next_used) { Ok(()) } else { Err(OUTSIDE) }
    }

    /// Whether the driver wants to be told of what was given back since this was last asked.
    ///
    /// # Errors
    /// When the available ring is not in RAM.
    pub fn take_signal(&mut self, dma: &Dma, features: u64) -> Result<bool, Broken> {
        if !self.ready || self.told == self.next_used {
            return Ok(false);
        }
        let before = std::mem::replace(&mut self.told, self.next_used);
        // The index must be out before the driver's wish is read: one of the two sides sees the other's store.
        fence(Ordering::SeqCst);
        if features & F_NOTIFY_ON_EMPTY != 0 && self.waiting(dma)? == 0 {
            return Ok(true);
        }
        if features & F_EVENT_IDX != 0 {
            let used_event = dma.load16(self.driver.wrapping_add(4 + 2 * u64::from(self.size))).ok_or(OUTSIDE)?;
            return Ok(passed(used_event, before, self.next_used));
        }
        let flags = dma.load16(self.driver).ok_or(OUTSIDE)?;
        Ok(flags & AVAIL_F_NO_INTERRUPT == 0)
    }
}

const OUTSIDE: Broken = Broken("the ring is not in RAM");

/// Whether an index that has gone from `before` to `now` has passed `event`.
fn passed(event: u16, before: u16, now: u16) -> bool {
    now.wrapping_sub(event).wrapping_sub(1) < now.wrapping_sub(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::virtio::bench::{Desc, Ring};

    fn ring() -> Ring {
        Ring::new(8)
    }

    #[test]
    fn a_chain_is_read_and_written_across_its_buffers() {
        let mut ring = ring();
        ring.fill(0, b"hello ");
        ring.fill(16, b"world");
        ring.offer(&[Desc::read(0, 6), Desc::read(16, 5), Desc::write(32, 2), Desc::write(48, 10)]);
        let mut chain = ring.pop(0).unwrap().unwrap();
        assert_eq!((chain.readable(), chain.writable()), (11, 12));
        let mut bytes = [0; 32];
        assert_eq!(chain.read(&ring.dma, &mut bytes[..7]), 7);
        chain.unread(3);
        assert_eq!(chain.read(&ring.dma, &mut bytes[4..]), 7);
        assert_eq!(&bytes[..11], b"hello world");
        assert_eq!(chain.write(&ring.dma, b"abcde"), 5);
        assert_eq!(chain.cut_last_byte(), Some(Ring::DATA + 57));
        assert_eq!(chain.writable(), 6);
        ring.queue.push(&ring.dma, chain).unwrap();
        assert_eq!(ring.used(), [(0, 5)]);
        assert_eq!((ring.bytes(32, 2), ring.bytes(48, 3)), (b"ab".to_vec(), b"cde".to_vec()));
    }

    #[test]
    fn looped_chain_is_refused() {
        let mut ring = ring();
        ring.descriptor(0, Desc::read(0, 4).next(1));
        ring.descriptor(1, Desc::read(0, 4).next(0));
        ring.make_available(0);
        assert!(ring.pop(0).is_err());
    }

    #[test]
    fn an_indirect_table_is_followed_once() {
        let mut ring = ring();
        ring.fill(0, b"abcd");
        ring.table(0x400, &[Desc::read(0, 2).next(1), Desc::read(2, 2)]);
        ring.descriptor(0, Desc::indirect(0x400, 32));
        ring.make_available(0);
        let mut chain = ring.pop(0).unwrap().unwrap();
        let mut bytes = [0; 4];
        chain.read(&ring.dma, &mut bytes);
        assert_eq!(&bytes, b"abcd");
        ring.table(0x400, &[Desc::indirect(0x400, 16)]);
        ring.make_available(0);
        assert!(ring.pop(F_INDIRECT_DESC).is_err(), "a table in a table");
    }

    #[test]
    fn indirect_tables_that_are_odd_are_refused() {
        for desc in [
            Desc::indirect(0x400, 24),
            Desc::indirect(0x400, 0),
            Desc::indirect(0x400, 16).next(1),
            Desc::indirect(u64::MAX - 40, 16),
        ] {
            let mut ring = ring();
            ring.descriptor(0, desc);
            ring.make_available(0);
            assert!(ring.pop(F_INDIRECT_DESC).is_err(), "{desc:?}");
        }
    }

    #[test]
    fn a_long_loop_in_a_huge_indirect_table_is_refused() {
        let mut ring = ring();
        ring.table(0x400, &[Desc::read(0, 0).next(0)]);
        ring.descriptor(0, Desc::indirect(0x400, 0xffff_fff0));
        ring.make_available(0);
        assert!(ring.pop(F_INDIRECT_DESC).is_err());
    }

    #[test]
    fn buffers_outside_ram_and_in_the_wrong_order_are_refused() {
        for descs in [
            vec![Desc::read(u64::MAX - 8, 16)],
            vec![Desc::read(0, u32::MAX)],
            vec![Desc::write(0, 4), Desc::read(0, 4)],
        ] {
            let mut ring = ring();
            ring.offer(&descs);
            assert!(ring.pop(0).is_err(), "{descs:?}");
        }
    }

    #[test]
    fn an_index_that_runs_ahead_is_refused() {
        let mut ring = ring();
        ring.set_avail_index(9);
        assert!(ring.pop(0).is_err());
        let mut ring = self::ring();
        ring.make_available(8);
        assert!(ring.pop(0).is_err(), "a head outside the table");
    }

    #[test]
    fn event_indices_decide_on_signals() {
        let mut ring = ring();
        ring.set_used_event(1);
        let mut signals = Vec::new();
        for _ in 0..3 {
            ring.offer(&[Desc::write(0, 4)]);
            let chain = ring.pop(F_EVENT_IDX).unwrap().unwrap();
            ring.queue.push(&ring.dma, chain).unwrap();
            signals.push(ring.queue.take_signal(&ring.dma, F_EVENT_IDX).unwrap());
        }
        assert_eq!(signals, [false, true, false]);
        assert_eq!(ring.pop(F_EVENT_IDX), Ok(None));
        assert_eq!(ring.avail_event(), 3, "the next one is to be announced");
    }

    #[test]
    fn the_flag_suppresses_signals_unless_empty_is_to_be_told() {
        let mut ring = ring();
        ring.set_avail_flags(1);
        for (features, expected) in [(0, false), (F_NOTIFY_ON_EMPTY, true)] {
            ring.offer(&[Desc::write(0, 4)]);
            let chain = ring.pop(features).unwrap().unwrap();
            ring.queue.push(&ring.dma, chain).unwrap();
            assert_eq!(ring.queue.take_signal(&ring.dma, features), Ok(expected));
            assert_eq!(ring.queue.take_signal(&ring.dma, features), Ok(false), "nothing new");
        }
    }

    #[test]
    fn indices_wrap() {
        let mut ring = ring();
        for turn in 0..70_000_u32 {
            ring.offer(&[Desc::write(0, 4)]);
            let chain = ring.pop(F_EVENT_IDX).unwrap().unwrap();
            ring.queue.push(&ring.dma, chain).unwrap();
            ring.set_used_event(turn as u16);
            assert_eq!(ring.queue.take_signal(&ring.dma, F_EVENT_IDX), Ok(true), "{turn}");
        }
    }

    #[test]
    fn the_legacy_layout_follows_the_formula() {
        let mut queue = Queue::new(256);
        queue.place_legacy(0x8000_0000, 4096);
        assert_eq!((queue.driver, queue.device), (0x8000_1000, 0x8000_2000));
        queue.place_legacy(0x8000_0000, 4);
        assert_eq!(queue.device, 0x8000_1000 + 2 * 259 + 2);
    }
}
