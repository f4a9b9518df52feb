//! The virtio block device.
//!
//! Models reads, writes, flush, discard, write-zeroes, the serial number, several queues and the write-cache switch.
//! Requests are worked off in pieces, and large ones over several turns of the device. Leaves out: secure erase, lifetime, zoned images, and the
//! legacy SCSI pass-through.
//!
//! Document: VIRTIO 1.2, section 5.2.

use super::device::{Driver, RING_PROPS, VirtioDevice, ring_features};
use super::queue::{Broken, Chain};
use crate::base::Result;
use crate::fabric::State;
use crate::host::Block;
use crate::hw::{Built, PartType, Props, Wiring};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};
use std::io;

/// Catalogue entry.
pub static VIRTIO_BLK: PartType = PartType {
    name: "virtio-blk-device",
    summary: "virtio block device",
    bus: Some("virtio"),
    props: &[
        ("serial", "serial number, 20 bytes at most"),
        ("num-queues", "number of queues (default: 1)"),
        ("queue-size", "entries of a queue (default: 256)"),
        ("logical_block_size", "bytes of a block (default: 512)"),
        ("physical_block_size", "bytes that the medium writes at once (default: 512)"),
        ("min_io_size", "smallest efficient request in bytes (default: 0)"),
        ("opt_io_size", "most efficient request in bytes (default: 0)"),
        ("discard", "offer discard (default: on)"),
        ("write-zeroes", "offer write-zeroes (default: on)"),
        ("config-wce", "let the guest switch the write cache (default: on)"),
        ("max-discard-sectors", "largest discard (default: 4194303)"),
        ("max-write-zeroes-sectors", "largest write-zeroes (default: 4194303)"),
        RING_PROPS[0],
        RING_PROPS[1],
        RING_PROPS[2],
        RING_PROPS[3],
    ],
    build,
};

const DEVICE_ID: u32 = 2;

const F_SEG_MAX: u64 = 1 << 2;
const F_GEOMETRY: u64 = 1 << 4;
const F_RO: u64 = 1 << 5;
const F_BLK_SIZE: u64 = 1 << 6;
const F_FLUSH: u64 = 1 << 9;
const F_TOPOLOGY: u64 = 1 << 10;
const F_CONFIG_WCE: u64 = 1 << 11;
const F_MQ: u64 = 1 << 12;
const F_DISCARD: u64 = 1 << 13;
const F_WRITE_ZEROES: u64 = 1 << 14;

const T_IN: u32 = 0;
const T_OUT: u32 = 1;
const T_FLUSH: u32 = 4;
const T_GET_ID: u32 = 8;
const T_DISCARD: u32 = 11;
const T_WRITE_ZEROES: u32 = 13;
/// Legacy: a request type may carry this bit, which means nothing any more.
const T_BARRIER: u32 = 1 << 31;

const S_OK: u8 = 0;
const S_IOERR: u8 = 1;
const S_UNSUPP: u8 = 2;

const WRITE_ZEROES_F_UNMAP: u32 = 1;

const SECTOR: u64 = 512;
/// Where the write-cache switch is in the configuration space.
const CONFIG_WRITEBACK: u64 = 32;
const ID_BYTES: usize = 20;
/// How much is moved at once between image and guest.
const BOUNCE: usize = 256 << 10;
/// How much of an image is zeroed at once: hosts that cannot do better write it all.
const ZEROES: u64 = 8 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    /// Whether writes may wait in the host's cache for a flush.
    writeback: bool,
    /// The request of each queue that the device is in the middle of.
    unfinished: Vec<Option<Request>>,
}

impl Regs {
    fn new(queues: u16) -> Regs {
        Regs { writeback: true, unfinished: vec![None; queues.into()] }
    }
}

/// A request on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Request {
    chain: Chain,
    /// Guest address of the status byte.
    status: u64,
    todo: Todo,
}

/// What is left of a request. Places are bytes of the image and inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Todo {
    In { offset: u64 },
    Out { offset: u64 },
    Zeroes { offset: u64, left: u64 },
    Nothing,
    Refused(Refusal),
}

struct VirtioBlk {
    serial: String,
    features: u64,
    queues: u16,
    queue_size: u16,
    logical: u32,
    physical: u32,
    min_io: u64,
    opt_io: u64,
    max_discard: u32,
    max_write_zeroes: u32,
    block: Box<dyn Block>,
    bounce: Vec<u8>,
    regs: Regs,
}

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Refusal {
    Io,
    Unsupported,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        log::warn!("a disk image: {error}");
        Refusal::Io
    }
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let block = wiring.take_block()?;
    let props = &mut wiring.props;
    let logical = block_size(props, "logical_block_size")?.unwrap_or(512);
    let physical = block_size(props, "physical_block_size")?.unwrap_or(512).max(logical);
    let queues = props.number("num-queues")?.unwrap_or(1);
    let queue_size = props.number("queue-size")?.unwrap_or(256);
    if !(1..=1024).contains(&queues) {
        fail!("'num-queues={queues}' is not between 1 and 1024");
    }
    if !(4..=1024).contains(&queue_size) || !queue_size.is_power_of_two() {
        fail!("'queue-size={queue_size}' is not a power of two between 4 and 1024");
    }
    let mut features = F_SEG_MAX | F_GEOMETRY | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | ring_features(props)?;
    for (name, feature) in [("config-wce", F_CONFIG_WCE), ("discard", F_DISCARD), ("write-zeroes", F_WRITE_ZEROES)] {
        if props.switch(name)?.unwrap_or(true) {
            features |= feature;
        }
    }
    if queues > 1 {
        features |= F_MQ;
    }
    if block.read_only() {
        features |= F_RO;
    }
    let sectors = |props: &mut Props, name: &str| -> Result<u32> {
        let most = (i32::MAX as u64) / SECTOR;
        Ok(props.number(name)?.unwrap_or(most).clamp(1, most) as u32)
    };
    let max_discard = sectors(props, "max-discard-sectors")?;
    let max_write_zeroes = sectors(props, "max-write-zeroes-sectors")?;
    take_other_props(props)?;
    let device = VirtioBlk {
        serial: props.text("serial").unwrap_or_default(),
        features,
        queues: queues as u16,
        queue_size: queue_size as u16,
        logical,
        physical,
        min_io: props.number("min_io_size")?.unwrap_or(0),
        opt_io: props.number("opt_io_size")?.unwrap_or(0),
        max_discard,
        max_write_zeroes,
        block,
        bounce: Vec::new(),
        regs: Regs::new(queues as u16),
    };
    Ok(Built::virtio(Box::new(device)))
}

fn block_size(props: &mut Props, name: &str) -> Result<Option<u32>> {
    match props.number(name)? {
        None | Some(0) => Ok(None),
        Some(size) if (512..=2 << 20).contains(&size) && size.is_power_of_two() => Ok(Some(size as u32)),
        Some(size) => fail!("'{name}={size}' is not a power of two between 512 and 2 MiB"),
    }
}

/// Takes properties that command lines have and that change nothing here, and refuses what would.
fn take_other_props(props: &mut Props) -> Result<()> {
    for name in ["share-rw", "request-merging", "seg-max-adjust", "backend_defaults", "report-discard-granularity"] {
        props.text(name);
    }
    for name in ["rerror", "werror"] {
        if let Some(value) = props.text(name)
            && !["report", "auto"].contains(&value.as_str())
        {
            fail!("'{name}={value}': Mimus reports errors to the guest (report) and nothing else");
        }
    }
    Ok(())
}

impl VirtioBlk {
    fn sectors(&self) -> u64 {
        self.block.size() / SECTOR
    }

    /// The byte range of a request, when the image has it.
    fn range(&self, sector: u64, bytes: u64) -> std::result::Result<u64, Refusal> {
        let start = sector.checked_mul(SECTOR).ok_or(Refusal::Io)?;
        let end = start.checked_add(bytes).ok_or(Refusal::Io)?;
        if !bytes.is_multiple_of(SECTOR) || end > self.sectors() * SECTOR {
            guest_error!("virtio-blk: {bytes:#x} bytes at sector {sector:#x} are not all on the disk");
            return Err(Refusal::Io);
        }
        Ok(start)
    }

    fn writable(&self) -> std::result::Result<(), Refusal> {
        if self.block.read_only() { Err(Refusal::Io) } else { Ok(()) }
    }

    /// Takes the next request; `None` when there is none now.
    fn take(&mut self, queue: usize, driver: &mut Driver) -> Option<Request> {
        let mut chain = driver.pop(queue)?;
        let mut header = [0; 16];
        let status = chain.cut_last_byte();
        let (Some(status), 16) = (status, driver.read(&mut chain, &mut header)) else {
            driver.fail(Broken("a block request lacks its header or its status"));
            return None;
        };
        let word = u128::from_le_bytes(header);
        let (kind, sector) = (word as u32 & !T_BARRIER, (word >> 64) as u64);
        let todo = match kind {
            T_IN => self.range(sector, chain.writable()).map(|offset| Todo::In { offset }),
            T_OUT => {
                self.writable().and_then(|()| self.range(sector, chain.readable())).map(|offset| Todo::Out { offset })
            }
            T_FLUSH => self.block.flush().map_err(Refusal::from).map(|()| Todo::Nothing),
            T_GET_ID => {
                let mut id = [0; ID_BYTES];
                let length = self.serial.len().min(ID_BYTES);
                id[..length].copy_from_slice(&self.serial.as_bytes()[..length]);
                driver.write(&mut chain, &id);
                Ok(Todo::Nothing)
            }
            T_DISCARD | T_WRITE_ZEROES => self.clear(kind, &mut chain, driver),
            _ => {
                guest_error!("virtio-blk: request type {kind}");
                Err(Refusal::Unsupported)
            }
        };
        let todo = todo.unwrap_or_else(Todo::Refused);
        Some(Request { chain, status, todo })
    }

    /// Does a piece of a request; what is left to do then.
    fn piece(&mut self, chain: &mut Chain, todo: Todo, driver: &mut Driver) -> std::result::Result<Todo, Refusal> {
        match todo {
            Todo::In { offset } if chain.writable() != 0 => {
                let length = chain.writable().min(BOUNCE as u64) as usize;
                self.bounce.resize(BOUNCE, 0);
                self.block.read(offset, &mut self.bounce[..length])?;
                driver.write(chain, &self.bounce[..length]);
                Ok(Todo::In { offset: offset + length as u64 })
            }
            Todo::Out { offset } if chain.readable() != 0 => {
                let length = chain.readable().min(BOUNCE as u64) as usize;
                self.bounce.resize(BOUNCE, 0);
                driver.read(chain, &mut self.bounce[..length]);
                self.block.write(offset, &self.bounce[..length])?;
                Ok(Todo::Out { offset: offset + length as u64 })
            }
            Todo::Zeroes { offset, left } if left != 0 => {
                let length = left.min(ZEROES);
                self.block.write_zeroes(offset, length)?;
                Ok(Todo::Zeroes { offset: offset + length, left: left - length })
            }
            Todo::Out { .. } | Todo::Zeroes { .. } => self.written(driver).map(|()| Todo::Nothing),
            Todo::In { .. } | Todo::Nothing => Ok(Todo::Nothing),
            Todo::Refused(refusal) => Err(refusal),
        }
    }

    /// Goes on with a request and answers it; gives it back when the device's turn is over first.
    fn serve(&mut self, mut request: Request, queue: usize, driver: &mut Driver) -> Option<Request> {
        let status = loop {
            match self.piece(&mut request.chain, request.todo, driver) {
                Ok(Todo::Nothing) => break S_OK,
                Err(Refusal::Io) => break S_IOERR,
                Err(Refusal::Unsupported) => break S_UNSUPP,
                Ok(todo) => request.todo = todo,
            }
            if !driver.may_go_on(queue) {
                return Some(request);
            }
        };
        driver.write_byte(request.status, status);
        // As QEMU has it, whatever of the buffers was written.
        request.chain.count_all();
        driver.push(queue, request.chain);
        None
    }

    /// Discards or writes zeros: one segment a request, as the configuration space says.
    fn clear(&mut self, kind: u32, chain: &mut Chain, driver: &mut Driver) -> std::result::Result<Todo, Refusal> {
        let (feature, most) = match kind {
            T_DISCARD => (F_DISCARD, self.max_discard),
            _ => (F_WRITE_ZEROES, self.max_write_zeroes),
        };
        if self.features & feature == 0 {
            return Err(Refusal::Unsupported);
        }
        self.writable()?;
        let mut segment = [0; 16];
        if chain.readable() != 16 || driver.read(chain, &mut segment) != 16 {
            return Err(Refusal::Io);
        }
        let word = u128::from_le_bytes(segment);
        let (sector, count, flags) = (word as u64, (word >> 64) as u32, (word >> 96) as u32);
        let known = if kind == T_WRITE_ZEROES { WRITE_ZEROES_F_UNMAP } else { 0 };
        if flags & !known != 0 {
            return Err(Refusal::Unsupported);
        }
        if count > most {
            return Err(Refusal::Io);
        }
        let bytes = u64::from(count) * SECTOR;
        let offset = self.range(sector, bytes)?;
        if kind == T_WRITE_ZEROES {
            return Ok(Todo::Zeroes { offset, left: bytes });
        }
        self.block.discard(offset, bytes)?;
        self.written(driver).map(|()| Todo::Nothing)
    }

    /// Without a write cache, what is written is durable when the request ends. A driver that knows no flush
    /// must not have one.
    fn written(&mut self, driver: &mut Driver) -> std::result::Result<(), Refusal> {
        let cached = if driver.has(F_CONFIG_WCE) { self.regs.writeback } else { driver.has(F_FLUSH) };
        if !cached {
            self.block.flush()?;
        }
        Ok(())
    }
}

impl VirtioDevice for VirtioBlk {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    fn features(&self) -> u64 {
        self.features
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![self.queue_size; self.queues.into()]
    }

    fn config(&self) -> Vec<u8> {
        let sectors = self.sectors();
        let (heads, per_track) = (16, 63);
        let cylinders = (sectors / (heads * per_track)).min(16383);
        let mut config = Vec::with_capacity(60);
        config.extend(sectors.to_le_bytes());
        config.extend(0_u32.to_le_bytes()); // size_max
        config.extend(u32::from(self.queue_size - 2).to_le_bytes()); // seg_max: header and status take two
        config.extend((cylinders as u16).to_le_bytes());
        config.extend([heads as u8, per_track as u8]);
        config.extend(self.logical.to_le_bytes());
        config.extend([(self.physical / self.logical).trailing_zeros() as u8, 0]);
        config.extend(((self.min_io / u64::from(self.logical)) as u16).to_le_bytes());
        config.extend(((self.opt_io / u64::from(self.logical)) as u32).to_le_bytes());
        config.extend([u8::from(self.regs.writeback), 0]);
        config.extend(self.queues.to_le_bytes());
        config.extend(self.max_discard.to_le_bytes());
        config.extend(1_u32.to_le_bytes()); // max_discard_seg
        config.extend((self.logical / SECTOR as u32).to_le_bytes()); // discard_sector_alignment
        config.extend(self.max_write_zeroes.to_le_bytes());
        config.extend(1_u32.to_le_bytes()); // max_write_zeroes_seg
        config.extend([1, 0, 0, 0]); // write_zeroes_may_unmap
        config
    }

    fn write_config(&mut self, offset: u64, from: &[u8], driver: &mut Driver) {
        match (offset, from) {
            (CONFIG_WRITEBACK, [value]) if driver.has(F_CONFIG_WCE) => {
                self.regs.writeback = value & 1 != 0;
                if !self.regs.writeback
                    && let Err(error) = self.block.flush()
                {
                    log::warn!("a disk image: {error}");
                }
            }
            _ => guest_error!("virtio-blk: write of {} bytes to configuration at {offset:#x}", from.len()),
        }
    }

    fn notify(&mut self, queue: usize, driver: &mut Driver) {
        let mut next = self.regs.unfinished.get_mut(queue).and_then(Option::take);
        while let Some(request) = next.or_else(|| self.take(queue, driver)) {
            if let Some(request) = self.serve(request, queue, driver) {
                self.regs.unfinished[queue] = Some(request);
                return;
            }
            next = None;
        }
    }

    fn reset(&mut self) {
        self.regs = Regs::new(self.queues);
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = self.regs.clone();
        s.item("device", &mut regs)?;
        if regs.unfinished.len() != usize::from(self.queues) {
            fail!("saved state is of a block device with other queues");
        }
        self.regs = regs;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;
    use crate::hw::virtio::bench::{Desc, Front};
    use crate::hw::virtio::link::PAUSE;

    fn disk(props: &[(&str, &str)]) -> Front {
        Front::block("virtio-blk-device", props, (0..4096).map(|i| (i / 512) as u8 + 1).collect())
    }

    fn header(kind: u32, sector: u64) -> Vec<u8> {
        [kind.to_le_bytes().to_vec(), vec![0; 4], sector.to_le_bytes().to_vec()].concat()
    }

    /// Sends a request with one data buffer; returns status, used length, and the data.
    fn request(disk: &mut Front, kind: u32, sector: u64, out: &[u8], room: usize) -> (u8, u32, Vec<u8>) {
        disk.fill(0, &header(kind, sector));
        disk.fill(0x100, out);
        disk.fill(0x8000, &vec![0xee; room + 1]);
        let mut descs = vec![Desc::read(0, 16)];
        if !out.is_empty() {
            descs.push(Desc::read(0x100, out.len() as u32));
        }
        if room != 0 {
            descs.push(Desc::write(0x8000, room as u32));
        }
        descs.push(Desc::write(0x8000 + room as u64, 1));
        disk.offer(0, &descs);
        disk.notify(0);
        let (_, length) = disk.last_used(0);
        let data = disk.bytes(0x8000, room + 1);
        (data[room], length, data[..room].to_vec())
    }

    #[test]
    fn reads_and_writes_reach_the_image() {
        let mut disk = disk(&[]);
        let (status, length, data) = request(&mut disk, T_IN, 2, &[], 1024);
        assert_eq!((status, length), (S_OK, 1025));
        assert_eq!((data[0], data[1023]), (3, 4));
        assert!(disk.line(0));
        let (status, length, _) = request(&mut disk, T_OUT, 7, &[9; 512], 0);
        assert_eq!((status, length), (S_OK, 1));
        assert_eq!(disk.image()[7 * 512..], [9; 512]);
    }

    #[test]
    fn what_is_past_the_end_or_no_whole_sector_is_an_error() {
        let mut disk = disk(&[]);
        for (kind, sector, out, room) in [
            (T_IN, 8, 0, 512),
            (T_IN, 7, 0, 1024),
            (T_IN, u64::MAX, 0, 512),
            (T_IN, u64::MAX / 512, 0, 512),
            (T_IN, 0, 0, 511),
            (T_OUT, 8, 512, 0),
            (T_OUT, 0, 100, 0),
        ] {
            let (status, ..) = request(&mut disk, kind, sector, &vec![1; out], room);
            assert_eq!(status, S_IOERR, "{kind} {sector:#x} {out} {room}");
        }
        assert_eq!(disk.image()[0], 1);
    }

    #[test]
    fn the_serial_number_is_given() {
        let mut disk = disk(&[("serial", "mimus-0")]);
        let (status, length, data) = request(&mut disk, T_GET_ID, 0, &[], 20);
        assert_eq!((status, length), (S_OK, 21));
        assert_eq!(data, b"mimus-0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn discard_and_write_zeroes_take_one_segment_of_known_flags() {
        let segment = |sector: u64, count: u32, flags: u32| {
            [sector.to_le_bytes().to_vec(), count.to_le_bytes().to_vec(), flags.to_le_bytes().to_vec()].concat()
        };
        let mut disk = disk(&[]);
        let mut run = |kind, segment: &[u8]| request(&mut disk, kind, 0, segment, 0).0;
        assert_eq!(run(T_WRITE_ZEROES, &segment(1, 2, 1)), S_OK);
        assert_eq!(run(T_WRITE_ZEROES, &segment(1, 2, 2)), S_UNSUPP);
        assert_eq!(run(T_DISCARD, &segment(3, 1, 1)), S_UNSUPP);
        assert_eq!(run(T_DISCARD, &segment(3, 1, 0)), S_OK);
        assert_eq!(run(T_DISCARD, &segment(7, 2, 0)), S_IOERR);
        assert_eq!(run(T_DISCARD, &segment(0, u32::MAX, 0)), S_IOERR);
        assert_eq!(run(T_DISCARD, &segment(0, 1, 0)[..15]), S_IOERR);
        let image = disk.image();
        assert_eq!((image[511], image[512], image[2047], image[2048]), (1, 0, 0, 5));
    }

    #[test]
    fn a_read_only_image_is_said_to_be_and_refuses_writes() {
        let plug = Rig::new("virtio-blk-device").with_block(vec![1; 512]).read_only();
        let mut disk = Front::start(plug, |features| {
            assert_ne!(features & F_RO, 0);
            features
        });
        assert_eq!(request(&mut disk, T_OUT, 0, &[2; 512], 0).0, S_IOERR);
        assert_eq!(request(&mut disk, T_WRITE_ZEROES, 0, &[0; 16], 0).0, S_IOERR);
        assert_eq!(request(&mut disk, T_IN, 0, &[], 512).0, S_OK);
    }

    /// A request whose buffers are the same 60 KiB again and again.
    fn huge(disk: &mut Front, kind: u32, buffers: usize) {
        disk.fill(0, &header(kind, 0));
        let mut descs = vec![Desc::read(0, 16)];
        descs.extend(std::iter::repeat_n(Desc::write(0x8000, 60 << 10), buffers));
        descs.push(Desc::write(16, 1));
        let last = descs.len() - 1;
        let chained: Vec<Desc> = (1..).zip(&descs).map(|(n, desc)| desc.next(n)).take(last).collect();
        disk.rings[0].table(0x2000, &[&chained[..], &descs[last..]].concat());
        disk.offer(0, &[Desc::indirect(0x2000, 16 * descs.len() as u32)]);
    }

    #[test]
    fn a_huge_request_is_worked_off_in_turns() {
        let bytes = 512 * (60 << 10);
        let mut disk = Front::block("virtio-blk-device", &[], (0..bytes).map(|at| (at >> 20) as u8).collect());
        huge(&mut disk, T_IN, 512);
        disk.notify(0);
        let mut turns = 1;
        while disk.used_count(0) == 0 {
            let saved = disk.rig.save();
            disk.rig.load(saved).unwrap();
            disk.pass(PAUSE);
            turns += 1;
        }
        assert!(turns >= bytes / (5 << 20), "{turns}");
        assert_eq!((disk.last_used(0).1 as usize, disk.bytes(16, 1)), (bytes + 1, vec![0]));
        assert_eq!(disk.bytes(0x8000 + (60 << 10) - 1, 1), [((bytes - 1) >> 20) as u8]);
    }

    #[test]
    fn a_huge_request_that_is_refused_costs_nothing() {
        let mut disk = disk(&[]);
        huge(&mut disk, 99, 512);
        disk.notify(0);
        assert_eq!((disk.used_count(0), disk.bytes(16, 1)), (1, vec![S_UNSUPP]));
    }

    #[test]
    fn unknown_requests_are_unsupported() {
        assert_eq!(request(&mut disk(&[]), 99, 0, &[], 16).0, S_UNSUPP);
    }

    #[test]
    fn a_request_without_status_or_header_needs_a_reset() {
        for descs in [vec![Desc::read(0, 16)], vec![Desc::read(0, 15), Desc::write(32, 1)], vec![Desc::write(0, 0)]] {
            let mut disk = disk(&[]);
            disk.offer(0, &descs);
            disk.notify(0);
            assert!(disk.needs_reset(), "{descs:?}");
        }
    }

    #[test]
    fn a_driver_without_flush_has_no_cache() {
        let mut disk = disk(&[]);
        request(&mut disk, T_OUT, 0, &[1; 512], 0);
        assert_eq!(disk.flushes(), 0);
        let mut disk =
            Front::block_with("virtio-blk-device", &[], vec![0; 512], |features| features & !(F_FLUSH | F_CONFIG_WCE));
        request(&mut disk, T_OUT, 0, &[1; 512], 0);
        assert_eq!(disk.flushes(), 1);
    }

    #[test]
    fn the_configuration_tells_capacity_and_queues() {
        let mut disk = disk(&[("num-queues", "3"), ("logical_block_size", "1024")]);
        assert_eq!(disk.config(0, 4), 8);
        assert_eq!(disk.config(12, 4), 254);
        assert_eq!(disk.config(20, 4), 1024);
        assert_eq!(disk.config(34, 2), 3);
        assert_eq!(disk.config(0xfc, 4), 0);
    }
}
