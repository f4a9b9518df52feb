//! The driver's side for tests: rings in memory, and a driver that talks to a device through the MMIO transport.

use super::queue::{Broken, Chain, Queue};
use crate::fabric::Dma;
use crate::fabric::bench::Bench;
use crate::hw::tests::Rig;

/// A descriptor. Addresses below 512 KiB are offsets into the data area.
#[derive(Clone, Copy, Debug)]
pub struct Desc {
    address: u64,
    length: u32,
    flags: u16,
    next: u16,
}

impl Desc {
    fn new(address: u64, length: u32, flags: u16) -> Desc {
        let address = if address < 0x8_0000 { Ring::DATA + address } else { address };
        Desc { address, length, flags, next: 0 }
    }

    pub fn read(address: u64, length: u32) -> Desc {
        Desc::new(address, length, 0)
    }

    pub fn write(address: u64, length: u32) -> Desc {
        Desc::new(address, length, 2)
    }

    pub fn indirect(address: u64, length: u32) -> Desc {
        Desc::new(address, length, 4)
    }

    pub fn next(self, next: u16) -> Desc {
        Desc { next, flags: self.flags | 1, ..self }
    }
}

/// A ring in the bench's RAM, as a driver keeps it.
pub struct Ring {
    pub dma: Dma,
    pub queue: Queue,
    next_desc: u16,
    avail: u16,
}

impl Ring {
    /// Guest address of the data area.
    pub const DATA: u64 = Bench::RAM_BASE + 0x8_0000;
    /// Room for one ring.
    const SPAN: u64 = 0x2000;

    /// A ring of `size` entries on a bench of its own.
    pub fn new(size: u16) -> Ring {
        let bench = Bench::new();
        Ring::at(bench.dma.clone(), 0, size)
    }

    /// The ring number `index` in the RAM behind `dma`.
    pub fn at(dma: Dma, index: u64, size: u16) -> Ring {
        let base = Bench::RAM_BASE + index * Ring::SPAN;
        assert!(base + Ring::SPAN <= Ring::DATA);
        let mut queue = Queue::new(size);
        queue.place_legacy(base, 16);
        queue.ready = true;
        Ring { dma, queue, next_desc: 0, avail: 0 }
    }

    fn store(&self, address: u64, bytes: &[u8]) {
        assert!(self.dma.write(address, bytes));
    }

    fn load16(&self, address: u64) -> u16 {
        self.dma.load16(address).unwrap()
    }

    pub fn fill(&self, offset: u64, bytes: &[u8]) {
        self.store(Ring::DATA + offset, bytes);
    }

    pub fn bytes(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        assert!(self.dma.read(Ring::DATA + offset, &mut bytes));
        bytes
    }

    fn store_desc(&self, at: u64, desc: Desc) {
        let mut bytes = desc.address.to_le_bytes().to_vec();
        bytes.extend(desc.length.to_le_bytes());
        bytes.extend(desc.flags.to_le_bytes());
        bytes.extend(desc.next.to_le_bytes());
        self.store(at, &bytes);
    }

    pub fn descriptor(&self, index: u16, desc: Desc) {
        self.store_desc(self.queue.desc + 16 * u64::from(index), desc);
    }

    /// An indirect table in the data area.
    pub fn table(&self, offset: u64, descs: &[Desc]) {
        for (index, desc) in descs.iter().enumerate() {
            self.store_desc(Ring::DATA + offset + 16 * index as u64, *desc);
        }
    }

    pub fn make_available(&mut self, head: u16) {
        let slot = u64::from(self.avail % self.queue.size);
        self.store(self.queue.driver + 4 + 2 * slot, &head.to_le_bytes());
        self.set_avail_index(self.avail.wrapping_add(1));
    }

    pub fn set_avail_index(&mut self, index: u16) {
        self.avail = index;
        self.store(self.queue.driver + 2, &index.to_le_bytes());
    }

    pub fn set_avail_flags(&self, flags: u16) {
        self.store(self.queue.driver, &flags.to_le_bytes());
    }

    pub fn set_used_event(&self, index: u16) {
        self.store(self.queue.driver + 4 + 2 * u64::from(self.queue.size), &index.to_le_bytes());
    }

    pub fn avail_event(&self) -> u16 {
        self.load16(self.queue.device + 4 + 8 * u64::from(self.queue.size))
    }

    /// Chains `descs` and makes them available.
    pub fn offer(&mut self, descs: &[Desc]) {
        let size = self.queue.size;
        let head = self.next_desc;
        for (at, desc) in descs.iter().enumerate() {
            let index = self.next_desc;
            self.next_desc = (self.next_desc + 1) % size;
            let last = at + 1 == descs.len();
            self.descriptor(index, if last { *desc } else { desc.next(self.next_desc) });
        }
        self.make_available(head);
    }

    pub fn pop(&mut self, features: u64) -> Result<Option<Chain>, Broken> {
        let dma = self.dma.clone();
        self.queue.pop(&dma, features)
    }

    pub fn used_count(&self) -> u16 {
        self.load16(self.queue.device + 2)
    }

    /// Head and length of used element number `index`.
    fn used_at(&self, index: u16) -> (u32, u32) {
        let mut bytes = [0; 8];
        let slot = u64::from(index % self.queue.size);
        assert!(self.dma.read(self.queue.device + 4 + 8 * slot, &mut bytes));
        let word = u64::from_le_bytes(bytes);
        (word as u32, (word >> 32) as u32)
    }

    pub fn used(&self) -> Vec<(u32, u32)> {
        (0..self.used_count()).map(|index| self.used_at(index)).collect()
    }

    pub fn last_used(&self) -> (u32, u32) {
        self.used_at(self.used_count().wrapping_sub(1))
    }
}

/// A driver that has brought a device up through the modern MMIO transport.
pub struct Front {
    pub rig: Rig,
    pub rings: Vec<Ring>,
}

/// What drivers choose from what is offered.
pub type Choice = fn(u64) -> u64;

impl Front {
    /// Brings up a device that has no host end.
    pub fn plain(device: &str, props: &[(&str, &str)]) -> Front {
        let plug = Rig::new(device).props(props);
        Front::start(plug, |features| features)
    }

    /// Brings up a device on an image with these bytes.
    pub fn block(device: &str, props: &[(&str, &str)], image: Vec<u8>) -> Front {
        Front::block_with(device, props, image, |features| features)
    }

    pub fn block_with(device: &str, props: &[(&str, &str)], image: Vec<u8>, choice: Choice) -> Front {
        Front::start(Rig::new(device).props(props).with_block(image), choice)
    }

    /// Brings up a device with ports, each with a character end.
    pub fn ports(device: &str, ports: &[(&str, &[(&str, &str)])]) -> Front {
        let plug =
            ports.iter().fold(Rig::new(device), |rig, (port, props)| rig.plug(Rig::new(port).props(props).with_char()));
        Front::start(plug, |features| features)
    }

    /// Brings up a device in a modern slot.
    pub fn start(plug: Rig, choice: Choice) -> Front {
        let rig = Rig::new("virtio-mmio").props(&[("force-legacy", "off")]).plug(plug).build();
        let mut front = Front { rig, rings: Vec::new() };
        front.bring_up(choice);
        front
    }

    /// Brings up the device in a slot that is already built.
    pub fn adopt(rig: Rig) -> Front {
        let mut front = Front { rig, rings: Vec::new() };
        front.bring_up(|features| features);
        front
    }

    /// Resets the device and brings it up again, with fresh rings.
    pub fn bring_up(&mut self, choice: Choice) {
        self.rings.clear();
        self.rig.bench.ram.clear(0, Ring::DATA - Bench::RAM_BASE);
        let rig = &mut self.rig;
        rig.write(0x70, 4, 0);
        rig.write(0x70, 4, 3);
        rig.write(0x14, 4, 1);
        let upper = rig.read(0x10, 4);
        rig.write(0x14, 4, 0);
        let features = choice(upper << 32 | rig.read(0x10, 4)) & !super::queue::F_EVENT_IDX;
        for word in 0..2 {
            rig.write(0x24, 4, word);
            rig.write(0x20, 4, features >> (32 * word) & 0xffff_ffff);
        }
        rig.write(0x70, 4, 11);
        assert_eq!(rig.read(0x70, 4), 11, "FEATURES_OK");
        for index in 0_u64.. {
            rig.write(0x30, 4, index);
            let largest = rig.read(0x34, 4) as u16;
            if largest == 0 || self.rings.len() == 16 {
                break;
            }
            let ring = Ring::at(rig.bench.dma.clone(), index, largest.min(64));
            rig.write(0x38, 4, ring.queue.size.into());
            for (register, address) in [(0x80, ring.queue.desc), (0x90, ring.queue.driver), (0xa0, ring.queue.device)] {
                rig.write(register, 4, address & 0xffff_ffff);
                rig.write(register + 4, 4, address >> 32);
            }
            rig.write(0x44, 4, 1);
            self.rings.push(ring);
        }
        rig.write(0x70, 4, 15);
    }

    pub fn fill(&self, offset: u64, bytes: &[u8]) {
        self.rings[0].fill(offset, bytes);
    }

    pub fn bytes(&self, offset: u64, length: usize) -> Vec<u8> {
        self.rings[0].bytes(offset, length)
    }

    pub fn offer(&mut self, queue: usize, descs: &[Desc]) {
        self.rings[queue].offer(descs);
    }

    pub fn notify(&mut self, queue: usize) {
        self.rig.write(0x50, 4, queue as u64);
    }

    pub fn used_count(&self, queue: usize) -> u16 {
        self.rings[queue].used_count()
    }

    pub fn last_used(&self, queue: usize) -> (u32, u32) {
        self.rings[queue].last_used()
    }

    pub fn line(&self, index: usize) -> bool {
        self.rig.line(index)
    }

    pub fn config(&mut self, offset: u64, size: u8) -> u64 {
        self.rig.read(0x100 + offset, size)
    }

    pub fn write_config(&mut self, offset: u64, size: u8, value: u64) {
        self.rig.write(0x100 + offset, size, value);
    }

    pub fn needs_reset(&mut self) -> bool {
        self.rig.read(0x70, 4) & 64 != 0
    }

    pub fn pass(&mut self, ns: u64) {
        self.rig.pass(ns);
    }

    /// The device's image.
    pub fn image(&self) -> Vec<u8> {
        self.rig.plugs[0].image()
    }

    /// How often the image was flushed.
    pub fn flushes(&self) -> u32 {
        self.rig.plugs[0].flushes()
    }

    fn port(&self, port: usize) -> &Rig {
        &self.rig.plugs[0].plugs[port]
    }

    pub fn outside_takes(&self, port: usize, bytes: usize) {
        self.port(port).outside_takes(bytes);
    }

    pub fn ready(&self, port: usize) {
        self.port(port).notify_char();
    }

    pub fn sent(&self, port: usize) -> Vec<u8> {
        self.port(port).sent()
    }

    pub fn receive(&self, port: usize, bytes: &[u8]) {
        self.port(port).receive(bytes);
    }
}
