//! The frozen physical address map.

use super::{Io, Part, Ram, RamPage, Width};
use crate::base::Result;
use crate::error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nothing answers at the address, or it does not take the access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusFault;

/// What stands at a range of addresses.
#[derive(Clone)]
enum Target {
    Ram {
        ram: Arc<Ram>,
        offset: u64,
        writable: bool,
    },
    Device {
        part: Arc<Part>,
        bank: u8,
        width: Width,
    },
    /// A flash chip: reads come from the array while `array_mode` holds, all else goes to the device.
    Flash {
        ram: Arc<Ram>,
        part: Arc<Part>,
        bank: u8,
        width: Width,
        array_mode: Arc<AtomicBool>,
    },
}

#[derive(Clone)]
struct Region {
    name: String,
    base: u64,
    /// Last address, inclusive.
    last: u64,
    target: Target,
}

/// One line of the address map, for the monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionInfo {
    /// First address.
    pub base: u64,
    /// Last address.
    pub last: u64,
    /// Name of the part or memory.
    pub name: String,
    /// `ram`, `rom`, `i/o` or `romd`.
    pub kind: &'static str,
}

/// A page of guest memory as a TLB wants it.
#[derive(Clone)]
pub struct HostPage {
    /// The memory that the page is part of.
    pub ram: Arc<Ram>,
    /// Byte offset of the page in `ram`.
    pub offset: u64,
    /// Whether stores reach it.
    pub writable: bool,
}

impl HostPage {
    /// Host address of the page's first byte.
    pub fn host_address(&self) -> *mut u8 {
        self.ram.host_address(self.offset)
    }

    /// The page's number.
    pub fn page(&self) -> RamPage {
        self.ram.page(self.offset)
    }
}

/// A page of guest memory as the bus knows it. To be had often: nothing is counted.
#[derive(Clone, Copy)]
pub struct MemoryPage<'a> {
    /// The memory that the page is part of.
    pub ram: &'a Arc<Ram>,
    /// Byte offset of the page in `ram`.
    pub offset: u64,
    /// Whether stores reach it.
    pub writable: bool,
}

impl MemoryPage<'_> {
    /// The page, to be kept.
    pub fn to_host_page(self) -> HostPage {
        HostPage { ram: self.ram.clone(), offset: self.offset, writable: self.writable }
    }
}

/// Collects regions; an overlap is an error that names both.
#[derive(Default)]
pub struct BusBuilder {
    regions: Vec<Region>,
}

/// The address map of a machine: read, write, and host pages for TLB fills, DMA and KVM memory slots.
pub struct Bus {
    regions: Box<[Region]>,
}

impl BusBuilder {
    /// Maps `size` bytes of `ram` from `offset` at `base`.
    ///
    /// # Errors
    /// When the range overlaps another or wraps.
    pub fn ram(&mut self, name: &str, base: u64, size: u64, ram: Arc<Ram>, offset: u64, writable: bool) -> Result<()> {
        self.add(name, base, size, Target::Ram { ram, offset, writable })
    }

    /// Maps a register bank of a part.
    ///
    /// # Errors
    /// As [`ram`](BusBuilder::ram).
    pub fn device(&mut self, base: u64, size: u64, part: Arc<Part>, bank: u8) -> Result<()> {
        let width = width_of(&part);
        let name = part.name().to_owned();
        self.add(&name, base, size, Target::Device { part, bank, width })
    }

    /// Maps a flash chip: `ram` is its array, read directly while `array_mode` holds.
    ///
    /// # Errors
    /// As [`ram`](BusBuilder::ram).
    pub fn flash(
        &mut self,
        base: u64,
        size: u64,
        part: Arc<Part>,
        bank: u8,
        ram: Arc<Ram>,
        array_mode: Arc<AtomicBool>,
    ) -> Result<()> {
        let width = width_of(&part);
        let name = part.name().to_owned();
        self.add(&name, base, size, Target::Flash { ram, part, bank, width, array_mode })
    }

    fn add(&mut self, name: &str, base: u64, size: u64, target: Target) -> Result<()> {
        let last = size.checked_sub(1).and_then(|s| base.checked_add(s));
        let last = last.ok_or_else(|| error!("'{name}' at {base:#x} has no valid size ({size:#x})"))?;
        if let Some(other) = self.regions.iter().find(|r| r.base <= last && base <= r.last) {
            return Err(error!(
                "'{name}' at {base:#x}-{last:#x} overlaps '{}' at {:#x}-{:#x}",
                other.name, other.base, other.last
            ));
        }
        self.regions.push(Region { name: name.into(), base, last, target });
        Ok(())
    }

    /// Freezes the map. Devices must be installed in their parts by the time of the first access, not before.
    pub fn build(mut self) -> Bus {
        self.regions.sort_by_key(|region| region.base);
        for region in &mut self.regions {
            match &mut region.target {
                Target::Device { part, width, .. } | Target::Flash { part, width, .. } => *width = width_of(part),
                Target::Ram { .. } => {}
            }
        }
        Bus { regions: self.regions.into() }
    }
}

fn width_of(part: &Part) -> Width {
    part.with(|device| Some(device.width())).unwrap_or(Width { min: 1, max: 8 })
}

impl Bus {
    /// Reads `size` (1, 2, 4 or 8) bytes, little-endian, for vCPU `cpu`.
    ///
    /// # Errors
    /// [`BusFault`] when nothing answers.
    pub fn read(&self, address: u64, size: u8, cpu: u32) -> std::result::Result<u64, BusFault> {
        let (region, offset) = self.find(address, size)?;
        match &region.target {
            Target::Ram { ram, offset: start, .. } => Ok(read_ram(ram, start + offset, size)),
            Target::Flash { ram, array_mode, .. } if array_mode.load(Ordering::Acquire) => {
                Ok(read_ram(ram, offset, size))
            }
            Target::Device { part, bank, width } | Target::Flash { part, bank, width, .. } => {
                Ok(read_device(part, *width, Io { bank: *bank, offset, size, cpu }))
            }
        }
    }

    /// Writes `size` (1, 2, 4 or 8) bytes, little-endian, for vCPU `cpu`. Stores to ROM are dropped.
    ///
    /// # Errors
    /// [`BusFault`] when nothing answers.
    pub fn write(&self, address: u64, size: u8, value: u64, cpu: u32) -> std::result::Result<(), BusFault> {
        let (region, offset) = self.find(address, size)?;
        match &region.target {
            Target::Ram { ram, offset: start, writable: true } => {
                ram.write(start + offset, &value.to_le_bytes()[..size as usize]);
            }
            Target::Ram { .. } => crate::guest_error!("store to ROM '{}' at {address:#x}", region.name),
            Target::Device { part, bank, width } | Target::Flash { part, bank, width, .. } => {
                write_device(part, *width, Io { bank: *bank, offset, size, cpu }, value);
            }
        }
        Ok(())
    }

    /// The memory page that holds `address`, when loads may go to it directly.
    pub fn host_page(&self, address: u64) -> Option<MemoryPage<'_>> {
        match self.page_target(address)? {
            (Target::Ram { ram, offset, writable }, at) => {
                Some(MemoryPage { ram, offset: offset + at, writable: *writable })
            }
            _ => None,
        }
    }

    /// The memory page that instructions at `address` are fetched from, and entries of page tables.
    pub fn code_page(&self, address: u64) -> Option<MemoryPage<'_>> {
        match self.page_target(address)? {
            (Target::Ram { ram, offset, writable }, at) => {
                Some(MemoryPage { ram, offset: offset + at, writable: *writable })
            }
            (Target::Flash { ram, array_mode, .. }, at) if array_mode.load(Ordering::Acquire) => {
                Some(MemoryPage { ram, offset: at, writable: false })
            }
            _ => None,
        }
    }

    /// The address map, lowest address first.
    pub fn map(&self) -> Vec<RegionInfo> {
        let kind = |target: &Target| match target {
            Target::Ram { writable: true, .. } => "ram",
            Target::Ram { writable: false, .. } => "rom",
            Target::Device { .. } => "i/o",
            Target::Flash { .. } => "romd",
        };
        let info = |r: &Region| RegionInfo { base: r.base, last: r.last, name: r.name.clone(), kind: kind(&r.target) };
        self.regions.iter().map(info).collect()
    }

    /// Loads bytes at a physical address for a debugger or a loader; memory only. False when not all is memory.
    #[must_use]
    pub fn peek(&self, address: u64, into: &mut [u8]) -> bool {
        self.each_memory(address, into.len(), |ram, offset, range| ram.read(offset, &mut into[range]))
    }

    /// Stores bytes at a physical address for a debugger or a loader; memory only, ROM included.
    #[must_use]
    pub fn poke(&self, address: u64, from: &[u8]) -> bool {
        self.each_memory(address, from.len(), |ram, offset, range| ram.write(offset, &from[range]))
    }

    fn each_memory(&self, address: u64, length: usize, mut f: impl FnMut(&Ram, u64, std::ops::Range<usize>)) -> bool {
        let mut done = 0;
        while done < length {
            let Some(at) = address.checked_add(done as u64) else { return false };
            let Ok((region, offset)) = self.find(at, 1) else { return false };
            let (ram, start) = match &region.target {
                Target::Ram { ram, offset, .. } => (ram, *offset),
                Target::Flash { ram, .. } => (ram, 0),
                Target::Device { .. } => return false,
            };
            let step = usize::try_from(region.last - at).map_or(usize::MAX, |n| n.saturating_add(1)).min(length - done);
            f(ram, start + offset, done..done + step);
            done += step;
        }
        true
    }

    fn page_target(&self, address: u64) -> Option<(&Target, u64)> {
        let page = address & !(super::PAGE_SIZE - 1);
        let (region, offset) = self.find(page, 1).ok()?;
        (region.last - page >= super::PAGE_SIZE - 1).then_some((&region.target, offset))
    }

    fn find(&self, address: u64, size: u8) -> std::result::Result<(&Region, u64), BusFault> {
        let index = self.regions.partition_point(|region| region.base <= address);
        let region = index.checked_sub(1).map(|i| &self.regions[i]).ok_or(BusFault)?;
        let room = region.last.checked_sub(address).ok_or(BusFault)?;
        if room < u64::from(size) - 1 {
            return Err(BusFault);
        }
        Ok((region, address - region.base))
    }
}

fn read_ram(ram: &Ram, offset: u64, size: u8) -> u64 {
    let mut bytes = [0; 8];
    ram.read(offset, &mut bytes[..size as usize]);
    u64::from_le_bytes(bytes)
}

fn read_device(part: &Part, width: Width, io: Io) -> u64 {
    part.access(io.requester(), |device| {
        if io.size < width.min {
            let wide = Io { offset: io.offset & !(u64::from(width.min) - 1), size: width.min, ..io };
            let value = device.read(wide) >> (8 * (io.offset - wide.offset));
            return value & crate::base::bits::mask(8 * u32::from(io.size));
        }
        let step = io.size.min(width.max);
        let mut value = 0;
        for at in (0..io.size).step_by(step as usize) {
            let part = device.read(Io { offset: io.offset + u64::from(at), size: step, ..io });
            value |= (part & crate::base::bits::mask(8 * u32::from(step))) << (8 * at);
        }
        value
    })
}

fn write_device(part: &Part, width: Width, io: Io, value: u64) {
    part.access(io.requester(), |device| {
        if io.size < width.min {
            let offset = io.offset & !(u64::from(width.min) - 1);
            let value = (value & crate::base::bits::mask(8 * u32::from(io.size))) << (8 * (io.offset - offset));
            device.write(Io { offset, size: width.min, ..io }, value);
            return;
        }
        let step = io.size.min(width.max);
        for at in (0..io.size).step_by(step as usize) {
            let part = (value >> (8 * at)) & crate::base::bits::mask(8 * u32::from(step));
            device.write(Io { offset: io.offset + u64::from(at), size: step, ..io }, part);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::{Device, State};

    struct Latch(Vec<(u64, u8, u64)>);
    impl Device for Latch {
        fn read(&mut self, io: Io) -> u64 {
            0x1000_0000 + io.offset
        }
        fn write(&mut self, io: Io, value: u64) {
            self.0.push((io.offset, io.size, value));
        }
        fn reset(&mut self) {}
        fn state(&mut self, _: &mut State) -> Result<()> {
            Ok(())
        }
        fn width(&self) -> Width {
            Width { min: 4, max: 4 }
        }
    }

    fn bus() -> Bus {
        let part = Part::new("latch");
        part.install(Box::new(Latch(Vec::new())));
        let ram = Ram::new(0x2000, &Arc::default()).unwrap();
        let mut builder = BusBuilder::default();
        builder.ram("ram", 0x8000, 0x2000, ram, 0, true).unwrap();
        builder.device(0x100, 0x10, part, 0).unwrap();
        builder.build()
    }

    #[test]
    fn odd_widths_become_what_the_device_decodes() {
        let bus = bus();
        assert_eq!(bus.read(0x104, 8, 0), Ok(0x1000_0008_1000_0004));
        assert_eq!(bus.read(0x107, 1, 0), Ok(0x10));
        assert_eq!(bus.read(0x10c, 8, 0), Err(BusFault), "half outside");
        assert_eq!(bus.read(0x110, 1, 0), Err(BusFault));
    }

    #[test]
    fn an_overlap_names_both() {
        let mut builder = BusBuilder::default();
        builder.device(0x100, 0x10, Part::new("a"), 0).unwrap();
        let error = builder.device(0x10f, 1, Part::new("b"), 0).unwrap_err();
        assert_eq!(error.to_string(), "'b' at 0x10f-0x10f overlaps 'a' at 0x100-0x10f");
    }

    #[test]
    fn only_whole_pages_of_memory_are_host_pages() {
        let bus = bus();
        assert_eq!(bus.host_page(0x9abc).unwrap().offset, 0x1000);
        assert!(bus.host_page(0x100).is_none());
        assert!(bus.peek(0x9ff0, &mut [0; 16]));
        assert!(!bus.peek(0x9ff1, &mut [0; 16]));
    }
}
