//! virtio over memory-mapped registers: version 2, and version 1 for legacy drivers (`force-legacy`).
//!
//! A slot without a device reads as device 0. Registers are 32 bits wide; the configuration space takes 8, 16 and 32.
//! Drivers that QEMU serves are served, though the specification asks more of them: without VERSION_1, without
//! DRIVER_OK, with features that were never offered, with queue sizes that are no powers of two, with a queue that was
//! placed before there was a page size. `strict=on` refuses them.
//! Leaves out: queue reset, shared memory regions (there are none), legacy configuration for big-endian guests.
//!
//! Document: VIRTIO 1.2, section 4.2.

use super::Link;
use crate::base::{Result, bits};
use crate::fabric::{Device, Event, Io, IrqLine, State, TreeNode, Width};
use crate::hw::{Built, PartType, Wiring};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};

/// Catalogue entry.
pub static VIRTIO_MMIO: PartType = PartType {
    name: "virtio-mmio",
    summary: "slot for one virtio device",
    bus: None,
    props: &[
        ("force-legacy", "version 1 of the registers, for legacy drivers (default: on)"),
        ("dma-coherent", "say so in the device tree (default: off)"),
        ("size", "size of the register bank (default: 0x200)"),
        ("strict", "ask of drivers what the specification does and QEMU does not (default: off)"),
    ],
    build,
};

const MAGIC_VALUE: u64 = 0x000;
const VERSION: u64 = 0x004;
const DEVICE_ID: u64 = 0x008;
const VENDOR_ID: u64 = 0x00c;
const DEVICE_FEATURES: u64 = 0x010;
const DEVICE_FEATURES_SEL: u64 = 0x014;
const DRIVER_FEATURES: u64 = 0x020;
const DRIVER_FEATURES_SEL: u64 = 0x024;
const GUEST_PAGE_SIZE: u64 = 0x028;
const QUEUE_SEL: u64 = 0x030;
const QUEUE_NUM_MAX: u64 = 0x034;
const QUEUE_NUM: u64 = 0x038;
const QUEUE_ALIGN: u64 = 0x03c;
const QUEUE_PFN: u64 = 0x040;
const QUEUE_READY: u64 = 0x044;
const QUEUE_NOTIFY: u64 = 0x050;
const INTERRUPT_STATUS: u64 = 0x060;
const INTERRUPT_ACK: u64 = 0x064;
const STATUS: u64 = 0x070;
const QUEUE_DESC_LOW: u64 = 0x080;
const QUEUE_DESC_HIGH: u64 = 0x084;
const QUEUE_DRIVER_LOW: u64 = 0x090;
const QUEUE_DRIVER_HIGH: u64 = 0x094;
const QUEUE_DEVICE_LOW: u64 = 0x0a0;
const QUEUE_DEVICE_HIGH: u64 = 0x0a4;
const SHM_SEL: u64 = 0x0ac;
const SHM_LEN_LOW: u64 = 0x0b0;
const SHM_BASE_HIGH: u64 = 0x0bc;
const CONFIG_GENERATION: u64 = 0x0fc;
const CONFIG: u64 = 0x100;

/// The size that every queue may have here, whatever the device would choose: QEMU's, for drivers with a fixed size.
const QUEUE_LARGEST: u16 = 1024;

const MAGIC: u32 = u32::from_le_bytes(*b"virt");
/// Small guests look for exactly this before they touch a device.
const VENDOR: u32 = u32::from_le_bytes(*b"QEMU");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    device_features_sel: u32,
    driver_features_sel: u32,
    queue_sel: u32,
    guest_page_size: u32,
    /// Legacy: alignment of each queue's used ring, and the page it was put at.
    queue_align: Vec<u32>,
    queue_pfn: Vec<u32>,
}

impl Regs {
    fn new(queues: usize) -> Regs {
        Regs {
            device_features_sel: 0,
            driver_features_sel: 0,
            queue_sel: 0,
            guest_page_size: 1,
            queue_align: vec![4096; queues],
            queue_pfn: vec![0; queues],
        }
    }

    /// The driver resets the device. Selectors and page size stay: Linux sets the page size before it resets.
    fn forget_queues(&mut self) {
        self.queue_align.fill(4096);
        self.queue_pfn.fill(0);
    }
}

struct VirtioMmio {
    legacy: bool,
    strict: bool,
    irq: IrqLine,
    link: Option<Link>,
    queues: usize,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let legacy = wiring.props.switch("force-legacy")?.unwrap_or(true);
    let strict = wiring.props.switch("strict")?.unwrap_or(false);
    let size = wiring.props.number("size")?.unwrap_or(0x200).clamp(0x200, 0x10_0000);
    let mut tree = TreeNode::new("virtio_mmio").strings("compatible", &["virtio,mmio"]);
    if wiring.props.switch("dma-coherent")?.unwrap_or(false) {
        tree = tree.flag("dma-coherent");
    }
    let mut plugged = std::mem::take(&mut wiring.plugged).into_iter();
    let link = match (plugged.next(), plugged.next()) {
        (None, _) => None,
        (Some(Built { virtio: Some(device), .. }), None) => Some((device.queue_sizes().len(), device)),
        _ => fail!("'{}' takes one virtio device and nothing else", wiring.part.name()),
    };
    let (queues, link) = match link {
        Some((queues, device)) => (queues, Some(Link::new(device, QUEUE_LARGEST, legacy, strict, wiring))),
        None => (0, None),
    };
    let device = VirtioMmio { legacy, strict, irq: wiring.irq(0), link, queues, regs: Regs::new(queues) };
    Ok(Built::new(Box::new(device), size).with_tree(tree))
}

impl VirtioMmio {
    /// Drives the line, also where it stays high and there is a new cause.
    fn update(&mut self) {
        let Some(link) = &mut self.link else { return };
        let level = link.isr() != 0;
        if link.take_raised() || level != self.irq.level() {
            self.irq.set(level);
        }
    }

    fn read_register(&mut self, offset: u64) -> u32 {
        let version = if self.legacy { 1 } else { 2 };
        match (offset, &mut self.link) {
            (MAGIC_VALUE, _) => MAGIC,
            (VERSION, _) => version,
            (VENDOR_ID, _) => VENDOR,
            // Nothing else is there in an empty slot.
            (_, None) => 0,
            (_, Some(link)) => VirtioMmio::read_device(&self.regs, self.legacy, link, offset),
        }
    }

    fn read_device(regs: &Regs, legacy: bool, link: &mut Link, offset: u64) -> u32 {
        let selected = regs.queue_sel;
        match offset {
            DEVICE_ID => link.device_id(),
            DEVICE_FEATURES => match regs.device_features_sel {
                0 => link.offered() as u32,
                1 => (link.offered() >> 32) as u32,
                _ => 0,
            },
            QUEUE_NUM_MAX => link.largest(selected).into(),
            QUEUE_PFN if legacy => regs.queue_pfn.get(selected as usize).copied().unwrap_or(0),
            QUEUE_READY if !legacy => link.queue(selected).is_some_and(|queue| queue.ready).into(),
            INTERRUPT_STATUS => link.isr().into(),
            STATUS => link.status().into(),
            // No shared memory region exists: length and base of all ones.
            SHM_LEN_LOW..=SHM_BASE_HIGH if !legacy => u32::MAX,
            CONFIG_GENERATION if !legacy => link.generation(),
            _ => {
                guest_error!("virtio-mmio: read of a write-only or unknown register at {offset:#x}");
                0
            }
        }
    }

    fn write_register(&mut self, offset: u64, value: u32) {
        let Some(link) = &mut self.link else {
            guest_error!("virtio-mmio: write to an empty slot at {offset:#x}");
            return;
        };
        let regs = &mut self.regs;
        let selected = regs.queue_sel as usize;
        match offset {
            DEVICE_FEATURES_SEL => regs.device_features_sel = value,
            DRIVER_FEATURES => match regs.driver_features_sel {
                0 => link.choose(false, value),
                1 => link.choose(true, value),
                _ if value == 0 => {}
                sel => guest_error!("virtio-mmio: features {value:#x} of word {sel}"),
            },
            DRIVER_FEATURES_SEL => regs.driver_features_sel = value,
            QUEUE_SEL => regs.queue_sel = value,
            QUEUE_NUM => self.set_queue_size(value),
            QUEUE_NOTIFY => link.notify(value),
            INTERRUPT_ACK => link.acknowledge(value as u8),
            STATUS => {
                link.set_status(value as u8);
                if value as u8 == 0 {
                    regs.forget_queues();
                }
            }
            GUEST_PAGE_SIZE if self.legacy => {
                if !value.is_power_of_two() {
                    guest_error!("virtio-mmio: guest page size {value:#x}");
                }
                // The largest power of two that divides it, as QEMU has it.
                regs.guest_page_size = (value & value.wrapping_neg()).max(1);
            }
            QUEUE_ALIGN if self.legacy => match regs.queue_align.get_mut(selected) {
                Some(align) if value.is_power_of_two() => *align = value,
                _ => guest_error!("virtio-mmio: alignment {value:#x} of queue {selected}"),
            },
            QUEUE_PFN if self.legacy => self.set_queue_pfn(value),
            SHM_SEL if !self.legacy => {}
            QUEUE_READY | QUEUE_DESC_LOW..=QUEUE_DEVICE_HIGH if !self.legacy => self.set_queue_field(offset, value),
            _ => guest_error!("virtio-mmio: write to a read-only or unknown register at {offset:#x}"),
        }
    }

    fn set_queue_size(&mut self, value: u32) {
        let selected = self.regs.queue_sel;
        let Some(link) = &mut self.link else { return };
        let largest = u32::from(link.largest(selected));
        match link.queue(selected) {
            Some(queue)
                if (1..=largest).contains(&value) && (value.is_power_of_two() || !self.strict) && !queue.ready =>
            {
                queue.size = value as u16;
            }
            _ => guest_error!("virtio-mmio: size {value} of queue {selected}, which takes {largest} at most"),
        }
    }

    fn set_queue_field(&mut self, offset: u64, value: u32) {
        let selected = self.regs.queue_sel;
        let Some(queue) = self.link.as_mut().and_then(|link| link.queue(selected)) else {
            guest_error!("virtio-mmio: queue {selected} does not exist");
            return;
        };
        if offset == QUEUE_READY {
            match value & 1 {
                0 => queue.stop(),
                _ => queue.ready = true,
            }
            return;
        }
        if queue.ready {
            guest_error!("virtio-mmio: queue {selected} is moved while it is ready");
            return;
        }
        let low = |address: &mut u64| *address = bits::with_field(*address, 0xffff_ffff, value.into());
        let high = |address: &mut u64| *address = bits::with_field(*address, 0xffff_ffff << 32, value.into());
        match offset {
            QUEUE_DESC_LOW => low(&mut queue.desc),
            QUEUE_DESC_HIGH => high(&mut queue.desc),
            QUEUE_DRIVER_LOW => low(&mut queue.driver),
            QUEUE_DRIVER_HIGH => high(&mut queue.driver),
            QUEUE_DEVICE_LOW => low(&mut queue.device),
            QUEUE_DEVICE_HIGH => high(&mut queue.device),
            _ => guest_error!("virtio-mmio: write at {offset:#x}"),
        }
    }

    /// Legacy: the whole queue lies at a page; page 0 takes it back.
    fn set_queue_pfn(&mut self, value: u32) {
        let selected = self.regs.queue_sel;
        let index = selected as usize;
        let Some(queue) = self.link.as_mut().and_then(|link| link.queue(selected)) else {
            guest_error!("virtio-mmio: queue {selected} does not exist");
            return;
        };
        self.regs.queue_pfn[index] = value;
        queue.stop();
        if value == 0 {
            return;
        }
        let base = u64::from(value) * u64::from(self.regs.guest_page_size);
        queue.place_legacy(base, self.regs.queue_align[index].into());
        queue.ready = true;
    }
}

impl Device for VirtioMmio {
    fn read(&mut self, io: Io) -> u64 {
        match (io.offset, io.size) {
            (CONFIG.., _) => self.link.as_ref().map_or(0, |link| link.read_config(io.offset - CONFIG, io.size)),
            (offset, 4) if offset % 4 == 0 => self.read_register(offset).into(),
            _ => {
                guest_error!("virtio-mmio: read of {} bytes at {:#x}", io.size, io.offset);
                0
            }
        }
    }

    fn write(&mut self, io: Io, value: u64) {
        match (io.offset, io.size) {
            (CONFIG.., _) => match &mut self.link {
                Some(link) => link.write_config(io.offset - CONFIG, io.size, value),
                None => guest_error!("virtio-mmio: write to an empty slot at {:#x}", io.offset),
            },
            (offset, 4) if offset % 4 == 0 => self.write_register(offset, value as u32),
            _ => guest_error!("virtio-mmio: write of {} bytes at {:#x}", io.size, io.offset),
        }
        self.update();
    }

    fn reset(&mut self) {
        self.regs = Regs::new(self.queues);
        if let Some(link) = &mut self.link {
            link.reset();
        }
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = self.regs.clone();
        s.item("regs", &mut regs)?;
        if regs.queue_align.len() != self.queues || regs.queue_pfn.len() != self.queues {
            fail!("saved state is of a virtio device with other queues");
        }
        self.regs = regs;
        if let Some(link) = &mut self.link {
            link.state(s)?;
        }
        if s.is_loading() {
            self.update();
        }
        Ok(())
    }

    fn event(&mut self, event: Event) {
        if let Some(link) = &mut self.link {
            link.event(event);
        }
        self.update();
    }

    fn width(&self) -> Width {
        Width { min: 1, max: 4 }
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![("force-legacy".into(), self.legacy.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::bench::Bench;
    use crate::hw::tests::Rig;
    use crate::hw::virtio::bench::{Desc, Front, Ring};

    fn slot(legacy: &str) -> Rig {
        slot_that_is("off", legacy)
    }

    fn slot_that_is(strict: &str, legacy: &str) -> Rig {
        let rng = Rig::new("virtio-rng-device");
        Rig::new("virtio-mmio").props(&[("force-legacy", legacy), ("strict", strict)]).plug(rng).build()
    }

    #[test]
    fn an_empty_slot_is_device_0() {
        let mut slot = Rig::new("virtio-mmio").build();
        let read: Vec<u64> = [MAGIC_VALUE, VERSION, DEVICE_ID, VENDOR_ID].map(|at| slot.read(at, 4)).into();
        assert_eq!(read, [0x7472_6976, 1, 0, 0x554d_4551]);
        slot.write(STATUS, 4, 1);
        assert_eq!(slot.read(STATUS, 4), 0);
    }

    #[test]
    fn a_legacy_driver_places_its_queue_by_page() {
        let mut slot = slot("on");
        assert_eq!((slot.read(VERSION, 4), slot.read(DEVICE_ID, 4)), (1, 4));
        slot.write(GUEST_PAGE_SIZE, 4, 4096);
        slot.write(STATUS, 4, 0);
        slot.write(STATUS, 4, 3);
        slot.write(DEVICE_FEATURES_SEL, 4, 1);
        assert_eq!(slot.read(DEVICE_FEATURES, 4), 0, "no VERSION_1");
        slot.write(DRIVER_FEATURES, 4, 0);
        slot.write(QUEUE_NUM, 4, 8);
        slot.write(QUEUE_ALIGN, 4, 16);
        let pfn = Bench::RAM_BASE / 4096;
        slot.write(QUEUE_PFN, 4, pfn);
        assert_eq!(slot.read(QUEUE_PFN, 4), pfn);
        slot.write(STATUS, 4, 7);
        let mut ring = Ring::at(slot.bench.dma.clone(), 0, 8);
        ring.offer(&[Desc::write(0, 16)]);
        slot.write(QUEUE_NOTIFY, 4, 0);
        assert_eq!(ring.used(), [(0, 16)]);
        assert_eq!((slot.read(INTERRUPT_STATUS, 4), slot.line(0)), (1, true));
        slot.write(INTERRUPT_ACK, 4, 1);
        assert_eq!((slot.read(INTERRUPT_STATUS, 4), slot.line(0)), (0, false));
        slot.write(QUEUE_PFN, 4, 0);
        ring.offer(&[Desc::write(0, 16)]);
        slot.write(QUEUE_NOTIFY, 4, 0);
        assert_eq!(ring.used_count(), 1, "the queue was taken back");
    }

    #[test]
    fn features_that_were_not_offered_are_dropped_or_strictly_refused() {
        for (lower, upper) in [(0, 0), (1 << 3, 1), (0, 3)] {
            for (strict, status) in [("off", 11), ("on", 3)] {
                let mut slot = slot_that_is(strict, "off");
                slot.write(STATUS, 4, 3);
                slot.write(DRIVER_FEATURES, 4, lower);
                slot.write(DRIVER_FEATURES_SEL, 4, 1);
                slot.write(DRIVER_FEATURES, 4, upper);
                slot.write(STATUS, 4, 11);
                assert_eq!(slot.read(STATUS, 4), status, "{lower:#x} {upper:#x}");
            }
        }
    }

    #[test]
    fn a_queue_works_as_soon_as_it_is_set_up_and_strictly_not_before_driver_ok() {
        for (strict, used) in [("off", 1), ("on", 0)] {
            let mut slot = slot_that_is(strict, "off");
            let mut ring = Ring::at(slot.bench.dma.clone(), 0, 10);
            for (register, address) in [(0x80, ring.queue.desc), (0x90, ring.queue.driver), (0xa0, ring.queue.device)] {
                slot.write(register, 4, address);
            }
            slot.write(QUEUE_NUM, 4, 10);
            slot.write(QUEUE_READY, 4, 1);
            ring.offer(&[Desc::write(0, 16)]);
            slot.write(QUEUE_NOTIFY, 4, 0);
            assert_eq!(ring.used_count(), used, "no status, no features, and ten entries");
        }
    }

    #[test]
    fn a_queue_without_a_size_has_the_one_of_its_device() {
        let mut slot = slot("on");
        assert_eq!(slot.read(QUEUE_NUM_MAX, 4), 1024);
        slot.write(GUEST_PAGE_SIZE, 4, 4096);
        slot.write(QUEUE_ALIGN, 4, 16);
        slot.write(QUEUE_PFN, 4, Bench::RAM_BASE / 4096);
        let mut ring = Ring::at(slot.bench.dma.clone(), 0, 8);
        ring.offer(&[Desc::write(0, 16)]);
        slot.write(QUEUE_NOTIFY, 4, 0);
        assert_eq!(ring.used(), [(0, 16)]);
    }

    #[test]
    fn each_new_cause_is_told_to_the_line_and_other_writes_are_not() {
        let mut plic = Rig::new("sifive-plic").build();
        for (offset, value) in [(4, 1), (0x2000, 2)] {
            plic.write(offset, 4, value);
        }
        let mut slot = Rig::new("virtio-mmio").plug(Rig::new("virtio-rng-device")).wire(0, &plic, 1).build();
        slot.write(QUEUE_NUM, 4, 8);
        slot.write(QUEUE_ALIGN, 4, 16);
        slot.write(QUEUE_PFN, 4, Bench::RAM_BASE);
        let mut ring = Ring::at(slot.bench.dma.clone(), 0, 8);
        for turn in 0..3 {
            ring.offer(&[Desc::write(0, 16)]);
            slot.write(QUEUE_NOTIFY, 4, 0);
            // The driver claims, never acknowledges, and completes.
            assert_eq!(plic.read(0x20_0004, 4), 1, "{turn}");
            slot.write(QUEUE_SEL, 4, 0);
            plic.write(0x20_0004, 4, 1);
            assert_eq!(plic.read(0x20_0004, 4), 0, "{turn}");
        }
    }

    #[test]
    fn a_broken_ring_asks_for_a_reset_and_is_well_after_it() {
        let mut front = Front::plain("virtio-rng-device", &[]);
        front.rings[0].set_avail_index(1000);
        front.notify(0);
        assert!(front.needs_reset());
        assert_eq!(front.rig.read(INTERRUPT_STATUS, 4), 2);
        front.bring_up(|features| features);
        assert!(!front.needs_reset() && !front.line(0));
        front.offer(0, &[Desc::write(0, 16)]);
        front.notify(0);
        assert_eq!(front.last_used(0), (0, 16));
    }

    #[test]
    fn configuration_takes_bytes_and_registers_words_only() {
        let disk = Rig::new("virtio-blk-device").with_block(vec![0; 0x1_2345 * 512]);
        let mut slot = Rig::new("virtio-mmio").plug(disk).build();
        assert_eq!((slot.read(CONFIG, 1), slot.read(CONFIG + 1, 1), slot.read(CONFIG, 8)), (0x45, 0x23, 0x1_2345));
        assert_eq!((slot.read(MAGIC_VALUE, 1), slot.read(MAGIC_VALUE, 2)), (0, 0));
        assert_eq!(slot.read(MAGIC_VALUE, 8), 1 << 32 | 0x7472_6976);
    }
}
