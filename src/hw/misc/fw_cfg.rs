//! The firmware configuration device, memory-mapped: how a machine tells its firmware about kernel, tables and files.
//!
//! Registers: data at 0 (1 to 8 bytes, which keep their order in memory), selector at 8 and DMA address at 16, both
//! big-endian. Models the traditional and the DMA interface and the file directory. A transfer is finished when its
//! control word says so, which for most is at once; a huge one goes on by itself, and until then the interface takes
//! nothing else. Leaves out: items that the guest writes.
//!
//! Document: QEMU's specification "QEMU Firmware Configuration (fw_cfg) Device".

use crate::base::Result;
use crate::fabric::{Device, Dma, Event, Io, State, Timer, TreeNode};
use crate::hw::{Built, PartType, Wiring};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Catalogue entry.
pub static FW_CFG_MMIO: PartType =
    PartType { name: "fw-cfg-mmio", summary: "firmware configuration device", bus: None, props: &[], build };

/// Keys of items that are not files.
pub mod key {
    /// "QEMU".
    pub const SIGNATURE: u16 = 0x00;
    /// What the interface can do: bit 0 traditional, bit 1 DMA.
    pub const ID: u16 = 0x01;
    /// UUID of the machine, 16 bytes.
    pub const UUID: u16 = 0x02;
    /// RAM size, 64 bits.
    pub const RAM_SIZE: u16 = 0x03;
    /// Whether there is no display, 16 bits.
    pub const NOGRAPHIC: u16 = 0x04;
    /// Number of vCPUs, 16 bits.
    pub const NB_CPUS: u16 = 0x05;
    /// Where the kernel goes, 32 bits.
    pub const KERNEL_ADDR: u16 = 0x07;
    /// Bytes of the kernel, 32 bits.
    pub const KERNEL_SIZE: u16 = 0x08;
    /// Where the initial RAM disk goes, 32 bits.
    pub const INITRD_ADDR: u16 = 0x0a;
    /// Bytes of the initial RAM disk, 32 bits.
    pub const INITRD_SIZE: u16 = 0x0b;
    /// Whether there is a boot menu, 16 bits.
    pub const BOOT_MENU: u16 = 0x0e;
    /// How many vCPUs there may be, 16 bits.
    pub const MAX_CPUS: u16 = 0x0f;
    /// The kernel.
    pub const KERNEL_DATA: u16 = 0x11;
    /// The initial RAM disk.
    pub const INITRD_DATA: u16 = 0x12;
    /// Bytes of the command line with its NUL, 32 bits.
    pub const CMDLINE_SIZE: u16 = 0x14;
    /// The command line with its NUL.
    pub const CMDLINE_DATA: u16 = 0x15;
    /// The file directory.
    pub const FILE_DIR: u16 = 0x19;
    /// The first file; the others follow.
    pub const FILE_FIRST: u16 = 0x20;
}

/// The longest file name, without its NUL.
const FILE_NAME: usize = 55;
/// Keys are 14 bits.
const MAX_FILES: usize = 0x3fff - key::FILE_FIRST as usize;

#[derive(Default)]
struct Items {
    by_key: BTreeMap<u16, Arc<[u8]>>,
    files: BTreeMap<String, u16>,
}

/// What a machine tells its firmware, by key and by file name. The machine fills it before it starts.
#[derive(Default)]
pub struct FwCfgItems {
    items: Mutex<Items>,
}

impl FwCfgItems {
    /// Sets the item `key` (see [`key`]).
    pub fn set(&self, key: u16, bytes: impl Into<Arc<[u8]>>) {
        self.lock().by_key.insert(key, bytes.into());
    }

    /// Adds the file `name`, or replaces it.
    ///
    /// # Errors
    /// When the name is empty or longer than 55 bytes, or there are too many files.
    pub fn set_file(&self, name: &str, bytes: impl Into<Arc<[u8]>>) -> Result<()> {
        if name.is_empty() || name.len() > FILE_NAME || name.contains('\0') {
            fail!("a fw_cfg name has 1 to {FILE_NAME} bytes, unlike '{name}'");
        }
        let mut items = self.lock();
        let next = items.files.len();
        if next >= MAX_FILES {
            fail!("there are more than {MAX_FILES} fw_cfg files");
        }
        let key = *items.files.entry(name.into()).or_insert(key::FILE_FIRST + next as u16);
        items.by_key.insert(key, bytes.into());
        Ok(())
    }

    /// The bytes of the file `name`.
    pub fn file(&self, name: &str) -> Option<Arc<[u8]>> {
        let items = self.lock();
        items.by_key.get(items.files.get(name)?).cloned()
    }

    fn item(&self, key: u16) -> Option<Arc<[u8]>> {
        match key {
            key::SIGNATURE => Some(Arc::from(*b"QEMU")),
            key::ID => Some(Arc::from(3_u32.to_le_bytes())),
            key::FILE_DIR => Some(self.directory()),
            _ => self.lock().by_key.get(&key).cloned(),
        }
    }

    fn directory(&self) -> Arc<[u8]> {
        let items = self.lock();
        let mut bytes = (items.files.len() as u32).to_be_bytes().to_vec();
        for (name, key) in &items.files {
            let size = items.by_key.get(key).map_or(0, |item| item.len()) as u32;
            bytes.extend_from_slice(&size.to_be_bytes());
            bytes.extend_from_slice(&key.to_be_bytes());
            bytes.extend_from_slice(&[0; 2]);
            bytes.extend_from_slice(name.as_bytes());
            bytes.resize(bytes.len() + FILE_NAME + 1 - name.len(), 0);
        }
        bytes.into()
    }

    fn lock(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

const DATA_LAST: u64 = 7;
const SELECTOR: u64 = 8;
const DMA: u64 = 16;
const DMA_LOW: u64 = 20;
const SIZE: u64 = 24;

/// What the DMA register reads as.
const DMA_SIGNATURE: u64 = u64::from_be_bytes(*b"QEMU CFG");

const CONTROL_ERROR: u32 = 1 << 0;
const CONTROL_READ: u32 = 1 << 1;
const CONTROL_SKIP: u32 = 1 << 2;
const CONTROL_SELECT: u32 = 1 << 3;
const CONTROL_WRITE: u32 = 1 << 4;

/// How much of a transfer is done in one go, and after how many nanoseconds the rest goes on.
const PIECE: u64 = 16 << 20;
const PAUSE: u64 = 20_000;

/// A read by DMA that is not finished.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Transfer {
    /// Where its descriptor is.
    descriptor: u64,
    /// Where the next bytes go, and how many there still are.
    address: u64,
    left: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Regs {
    selector: u16,
    offset: u64,
    dma_high: u32,
    transfer: Option<Transfer>,
}

struct FwCfg {
    items: Arc<FwCfgItems>,
    dma: Dma,
    /// Goes on with the transfer.
    timer: Timer,
    /// The selected item, so that a byte read need not look it up.
    selected: Option<Arc<[u8]>>,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let device = FwCfg {
        items: wiring.fw_cfg.clone(),
        dma: wiring.dma.clone(),
        timer: wiring.work_timer(0),
        selected: None,
        regs: Regs::default(),
    };
    let tree = TreeNode::new("fw-cfg").flag("dma-coherent").strings("compatible", &["qemu,fw-cfg-mmio"]);
    Ok(Built::new(Box::new(device), SIZE).with_tree(tree))
}

impl FwCfg {
    fn select(&mut self, key: u16) {
        self.regs.selector = key;
        self.regs.offset = 0;
        self.look_up();
    }

    fn look_up(&mut self) {
        // Bit 14 asks for writing, which nothing here allows; bit 15 stands for the architecture's own items.
        self.selected = self.items.item(self.regs.selector & !(1 << 14));
    }

    /// What is left of the selected item.
    fn rest(&self) -> &[u8] {
        let item = self.selected.as_deref().unwrap_or_default();
        usize::try_from(self.regs.offset).ok().and_then(|offset| item.get(offset..)).unwrap_or_default()
    }

    fn advance(&mut self, length: u64) {
        self.regs.offset = self.regs.offset.saturating_add(length);
    }

    fn transfer(&mut self, descriptor: u64) {
        let mut bytes = [0; 16];
        if !self.dma.read(descriptor, &mut bytes) {
            guest_error!("fw_cfg: DMA descriptor at {descriptor:#x} is not in RAM");
            return;
        }
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let control = word(0);
        let length = u64::from(word(4));
        let address = u64::from(word(8)) << 32 | u64::from(word(12));
        if control & CONTROL_SELECT != 0 {
            self.select((control >> 16) as u16);
        }
        let reads = control & CONTROL_READ != 0;
        let refused = reads && length != 0 && self.dma.find(address, length as usize).is_none();
        if refused || !reads && control & CONTROL_WRITE != 0 {
            guest_error!("fw_cfg: DMA of {length:#x} bytes at {address:#x} (control {control:#x}) is refused");
            self.answer(descriptor, CONTROL_ERROR);
        } else if reads {
            self.regs.transfer = Some(Transfer { descriptor, address, left: length });
            self.go_on();
        } else {
            if control & CONTROL_SKIP != 0 {
                self.advance(length);
            }
            self.answer(descriptor, 0);
        }
    }

    fn answer(&self, descriptor: u64, status: u32) {
        // The descriptor was read from RAM, so it can be written there.
        let _ = self.dma.write(descriptor, &status.to_be_bytes());
    }

    /// Copies the next piece of the selected item, and zeros from past its end.
    fn go_on(&mut self) {
        let Some(Transfer { descriptor, address, left }) = self.regs.transfer.take() else { return };
        let size = left.min(PIECE);
        if let Some((ram, offset)) = self.dma.find(address, size as usize).filter(|_| size != 0) {
            let rest = self.rest();
            let copied = rest.len().min(size as usize);
            ram.write(offset, &rest[..copied]);
            ram.clear(offset + copied as u64, size - copied as u64);
        }
        self.advance(size);
        if left == size {
            self.answer(descriptor, 0);
        } else {
            let address = address.wrapping_add(size);
            self.regs.transfer = Some(Transfer { descriptor, address, left: left - size });
            self.timer.arm(self.timer.now().saturating_add(PAUSE));
        }
    }
}

impl Device for FwCfg {
    fn read(&mut self, io: Io) -> u64 {
        match io.offset {
            0..=DATA_LAST if self.regs.transfer.is_some() => 0,
            0..=DATA_LAST => {
                let mut bytes = [0; 8];
                let rest = self.rest();
                let copied = rest.len().min(io.size.into());
                bytes[..copied].copy_from_slice(&rest[..copied]);
                self.advance(io.size.into());
                u64::from_le_bytes(bytes)
            }
            DMA..SIZE => {
                let bytes = DMA_SIGNATURE.to_be_bytes();
                let from = (io.offset - DMA) as usize;
                let mut value = [0; 8];
                let size = usize::from(io.size).min(8 - from);
                value[..size].copy_from_slice(&bytes[from..from + size]);
                u64::from_le_bytes(value)
            }
            _ => {
                guest_error!("fw_cfg: read at {:#x}", io.offset);
                0
            }
        }
    }

    fn write(&mut self, io: Io, value: u64) {
        match (io.offset, io.size) {
            _ if self.regs.transfer.is_some() => guest_error!("fw_cfg: write at {:#x} during a transfer", io.offset),
            (SELECTOR, 2) => self.select((value as u16).swap_bytes()),
            (DMA, 4) => self.regs.dma_high = (value as u32).swap_bytes(),
            (DMA_LOW, 4) => {
                let low = (value as u32).swap_bytes();
                let high = std::mem::take(&mut self.regs.dma_high);
                self.transfer(u64::from(high) << 32 | u64::from(low));
            }
            (DMA, 8) => self.transfer(value.swap_bytes()),
            _ => guest_error!("fw_cfg: write of {} bytes at {:#x}", io.size, io.offset),
        }
    }

    fn reset(&mut self) {
        self.regs = Regs::default();
        self.timer.disarm();
        self.look_up();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        s.item("regs", &mut self.regs)?;
        if s.is_loading() {
            self.look_up();
            if self.regs.transfer.is_some() {
                self.timer.arm(self.timer.now().saturating_add(PAUSE));
            }
        }
        Ok(())
    }

    fn event(&mut self, _event: Event) {
        self.go_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::bench::Bench;
    use crate::hw::tests::Rig;

    fn fw_cfg() -> Rig {
        let rig = Rig::new("fw-cfg-mmio");
        rig.fw_cfg.set(key::CMDLINE_DATA, *b"console=ttyS0\0");
        rig.fw_cfg.set_file("opt/b", *b"second").unwrap();
        rig.fw_cfg.set_file("etc/a", *b"first").unwrap();
        rig.build()
    }

    fn select(fw_cfg: &mut Rig, key: u16) {
        fw_cfg.write(SELECTOR, 2, key.swap_bytes().into());
    }

    fn dma(fw_cfg: &mut Rig, control: u32, length: u32, address: u64) -> u32 {
        let mut descriptor = control.to_be_bytes().to_vec();
        descriptor.extend(length.to_be_bytes());
        descriptor.extend(address.to_be_bytes());
        fw_cfg.bench.ram.write(0, &descriptor);
        fw_cfg.write(DMA, 8, Bench::RAM_BASE.swap_bytes());
        let mut status = [0; 4];
        fw_cfg.bench.ram.read(0, &mut status);
        u32::from_be_bytes(status)
    }

    #[test]
    fn the_signature_reads_in_any_width() {
        let mut fw_cfg = fw_cfg();
        select(&mut fw_cfg, key::SIGNATURE);
        assert_eq!(fw_cfg.read(0, 4), u64::from(u32::from_le_bytes(*b"QEMU")));
        assert_eq!(fw_cfg.read(0, 1), 0, "past the end");
        select(&mut fw_cfg, key::SIGNATURE);
        assert_eq!([fw_cfg.read(0, 1), fw_cfg.read(0, 1)], [u64::from(b'Q'), u64::from(b'E')]);
        assert_eq!(fw_cfg.read(DMA, 8), u64::from_le_bytes(*b"QEMU CFG"));
        assert_eq!(fw_cfg.read(DMA_LOW, 4), u64::from(u32::from_le_bytes(*b" CFG")));
    }

    #[test]
    fn the_directory_is_sorted_and_its_keys_lead_to_the_files() {
        let mut fw_cfg = fw_cfg();
        select(&mut fw_cfg, key::FILE_DIR);
        let bytes: Vec<u8> = (0..4 + 2 * 64).map(|_| fw_cfg.read(0, 1) as u8).collect();
        assert_eq!(bytes[..4], [0, 0, 0, 2]);
        assert_eq!(bytes[4..12], [0, 0, 0, 5, 0, 0x21, 0, 0]);
        assert_eq!(bytes[12..18], *b"etc/a\0");
        assert_eq!(bytes[68 + 8..68 + 14], *b"opt/b\0");
        select(&mut fw_cfg, 0x21);
        assert_eq!(fw_cfg.read(0, 4), u64::from(u32::from_le_bytes(*b"firs")));
    }

    #[test]
    fn dma_selects_skips_and_reads_with_zeros_past_the_end() {
        let mut fw_cfg = fw_cfg();
        fw_cfg.bench.ram.write(0x100, &[0xff; 32]);
        let select = u32::from(key::CMDLINE_DATA) << 16 | CONTROL_SELECT;
        assert_eq!(dma(&mut fw_cfg, select | CONTROL_SKIP, 8, 0), 0);
        assert_eq!(dma(&mut fw_cfg, CONTROL_READ, 16, Bench::RAM_BASE + 0x100), 0);
        let mut bytes = [0; 17];
        fw_cfg.bench.ram.read(0x100, &mut bytes);
        assert_eq!(&bytes, b"ttyS0\0\0\0\0\0\0\0\0\0\0\0\xff");
    }

    #[test]
    fn dma_outside_ram_and_writes_are_errors() {
        let mut fw_cfg = fw_cfg();
        assert_eq!(dma(&mut fw_cfg, CONTROL_READ, u32::MAX, Bench::RAM_BASE), CONTROL_ERROR);
        assert_eq!(dma(&mut fw_cfg, CONTROL_READ, 4, u64::MAX), CONTROL_ERROR);
        assert_eq!(dma(&mut fw_cfg, CONTROL_WRITE, 4, Bench::RAM_BASE), CONTROL_ERROR);
        fw_cfg.write(DMA, 4, 0xffff_ffff);
        fw_cfg.write(DMA_LOW, 4, 0xffff_ffff);
    }
}
