//! A bank of parallel NOR flash: two 16-bit chips side by side with the Intel command set and a CFI table.
//!
//! Models array, identifier, query and status reads, word and buffered programming (which only clears bits), block
//! erase, and block lock bits, which are clear at power-on. The chips get each command together, so one state stands
//! for both. Operations are finished at once, and suspending them does nothing. Leaves out: chips that are driven
//! apart, protection registers, synchronous reads.
//!
//! Contents come from the block image, and go back to it unless it is read-only; without an image the flash is blank.
//!
//! Documents: Intel StrataFlash J3 data sheet; JESD68 (Common Flash Interface); Intel AP-646.

use crate::base::{Result, bits};
use crate::fabric::{Device, Io, Ram, State, TreeNode, Width};
use crate::host::Block;
use crate::hw::{Built, PartType, Wiring};
use crate::{error, fail, gap, guest_error};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Catalogue entry.
pub static CFI_PFLASH01: PartType = PartType {
    name: "cfi-pflash01",
    summary: "parallel NOR flash with the Intel command set",
    bus: None,
    props: &[
        ("size", "size of the bank (default: 32M)"),
        ("sector-length", "size of a block (default: 256K)"),
        ("secure", "the device tree keeps it for the Secure world (default: off)"),
    ],
    build,
};

/// Bytes that the two chips give together.
const BANK_WIDTH: u64 = 4;
const CHIPS: u64 = 2;
/// Bytes that a chip's write buffer holds, as a power of two.
const BUFFER_SHIFT: u8 = 11;
const BUFFER_WORDS: u32 = 1 << (BUFFER_SHIFT - 1);

const MANUFACTURER: u8 = 0x89;
const DEVICE: u8 = 0x18;

const READ_ARRAY: u8 = 0xff;
const READ_IDENTIFIER: u8 = 0x90;
const READ_QUERY: u8 = 0x98;
const READ_STATUS: u8 = 0x70;
const CLEAR_STATUS: u8 = 0x50;
const BLOCK_ERASE: u8 = 0x20;
const PROGRAM: u8 = 0x40;
const PROGRAM_OTHER: u8 = 0x10;
const WRITE_BUFFER: u8 = 0xe8;
const LOCK_SETUP: u8 = 0x60;
const SUSPEND: u8 = 0xb0;
/// Confirms an erase, a buffer or an unlock; alone it resumes.
const CONFIRM: u8 = 0xd0;
const SET_LOCK: u8 = 0x01;
const LOCK_DOWN: u8 = 0x2f;

const SR_READY: u8 = 1 << 7;
const SR_ERASE_ERROR: u8 = 1 << 5;
const SR_PROGRAM_ERROR: u8 = 1 << 4;
const SR_LOCKED: u8 = 1 << 1;
/// Both errors together say that the commands came in a wrong order.
const SR_SEQUENCE_ERROR: u8 = SR_ERASE_ERROR | SR_PROGRAM_ERROR;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Reads {
    #[default]
    Array,
    Status,
    Identifier,
    Query,
}

/// What the next write is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Next {
    #[default]
    Command,
    Data,
    EraseConfirm,
    LockConfirm,
    BufferCount,
    /// So many words of the buffer are still to come.
    BufferData(u32),
    BufferConfirm,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Regs {
    reads: Reads,
    next: Next,
    status: u8,
    locked: Vec<bool>,
    /// The write buffer: offset, value and size of each word.
    buffer: Vec<(u64, u32, u8)>,
}

impl Regs {
    fn new(blocks: usize) -> Regs {
        Regs {
            reads: Reads::Array,
            next: Next::Command,
            status: SR_READY,
            locked: vec![false; blocks],
            buffer: Vec::new(),
        }
    }
}

struct CfiFlash {
    size: u64,
    block_size: u64,
    query: Vec<u8>,
    array: Arc<Ram>,
    /// Whether loads may go to the array directly.
    array_mode: Arc<AtomicBool>,
    image: Option<Box<dyn Block>>,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let name = wiring.part.name().to_owned();
    let size = wiring.props.number("size")?.unwrap_or(32 << 20);
    let block_size = wiring.props.number("sector-length")?.unwrap_or(256 << 10);
    let fits = (1 << 16..=1 << 30).contains(&size) && (1 << 12..=size).contains(&block_size);
    if !fits || !size.is_power_of_two() || !block_size.is_power_of_two() {
        fail!("'{name}': no flash has {size:#x} bytes in blocks of {block_size:#x}");
    }
    let array = Ram::new(size, &wiring.watchers)?;
    let image = if wiring.host.is_some() { Some(wiring.take_block()?) } else { None };
    let image = load(&name, &array, size, image)?;
    let array_mode = Arc::new(AtomicBool::new(true));
    let device = CfiFlash {
        size,
        block_size,
        query: query(size, block_size),
        array: array.clone(),
        array_mode: array_mode.clone(),
        image,
        regs: Regs::new((size / block_size) as usize),
    };
    let secure = wiring.props.switch("secure")?.unwrap_or(false);
    let tree = TreeNode::new(if secure { "secflash" } else { "flash" });
    let mut tree = tree.cells("bank-width", &[BANK_WIDTH as u32]).strings("compatible", &["cfi-flash"]);
    if secure {
        tree = tree.strings("status", &["disabled"]).strings("secure-status", &["okay"]);
    }
    tree.shared = true;
    Ok(Built { flash: Some((array, array_mode)), ..Built::new(Box::new(device), size).with_tree(tree) })
}

/// Fills the array from the image. Without one, and where that has zeros, no host memory is taken: most boards have
/// more flash than anybody looks at, and QEMU's shows zeros too before its first erasure.
fn load(name: &str, array: &Ram, size: u64, mut image: Option<Box<dyn Block>>) -> Result<Option<Box<dyn Block>>> {
    if let Some(image) = &image
        && image.size() != size
    {
        fail!("'{name}' takes an image of exactly {size} bytes, not of {}", image.size());
    }
    const PIECE: usize = 1 << 16;
    let mut bytes = vec![0; PIECE];
    if let Some(image) = &mut image {
        for offset in (0..size).step_by(PIECE) {
            image.read(offset, &mut bytes).map_err(|e| error!("the image of '{name}' cannot be read: {e}"))?;
            if bytes.iter().any(|byte| *byte != 0) {
                array.write(offset, &bytes);
            }
        }
    }
    Ok(image)
}

/// The CFI table of one chip.
fn query(size: u64, block_size: u64) -> Vec<u8> {
    let mut table = vec![0; 0x40];
    let mut put = |at: usize, bytes: &[u8]| table[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x10, b"QRY");
    put(0x13, &[0x01, 0x00]); // primary command set: Intel
    put(0x15, &[0x31, 0x00]); // its table
    put(0x1b, &[0x45, 0x55, 0x00, 0x00]); // Vcc 4.5 V to 5.5 V, no Vpp
    put(0x1f, &[0x07, 0x07, 0x0a, 0x00]); // typical times: word, buffer, block erase, no chip erase
    put(0x23, &[0x04, 0x04, 0x04, 0x00]); // at most so many times (a power of two) the typical
    put(0x27, &[(size / CHIPS).trailing_zeros() as u8]);
    put(0x28, &[0x02, 0x00]); // x8 and x16
    put(0x2a, &[BUFFER_SHIFT, 0x00]);
    put(0x2c, &[0x01]); // one region of equal blocks
    put(0x2d, &((size / block_size - 1) as u16).to_le_bytes());
    put(0x2f, &((block_size / CHIPS / 256) as u16).to_le_bytes());
    put(0x31, b"PRI10");
    put(0x36, &[0x20, 0x00, 0x00, 0x00]); // each block can be locked and unlocked at once
    put(0x3b, &[0x01, 0x00]); // block status: the lock bit
    put(0x3d, &[0x50, 0x00]);
    table
}

impl CfiFlash {
    fn update(&mut self) {
        self.array_mode.store(self.regs.reads == Reads::Array, Ordering::Release);
    }

    fn block(&self, offset: u64) -> usize {
        (offset / self.block_size) as usize
    }

    /// Leaves a sequence of commands; what is read then is the status.
    fn end(&mut self, errors: u8) {
        if errors != 0 {
            guest_error!("cfi-pflash01: commands fail with status {errors:#x}");
        }
        self.regs.status |= errors;
        self.regs.next = Next::Command;
        self.regs.buffer.clear();
    }

    fn command(&mut self, command: u8) {
        self.regs.reads = match command {
            READ_ARRAY => Reads::Array,
            READ_IDENTIFIER => Reads::Identifier,
            READ_QUERY => Reads::Query,
            CLEAR_STATUS => {
                self.regs.status = SR_READY;
                self.regs.reads
            }
            READ_STATUS | SUSPEND | CONFIRM => Reads::Status,
            BLOCK_ERASE => self.expect(Next::EraseConfirm),
            PROGRAM | PROGRAM_OTHER => self.expect(Next::Data),
            WRITE_BUFFER => self.expect(Next::BufferCount),
            LOCK_SETUP => self.expect(Next::LockConfirm),
            // Reset commands of the other command set: software that probes for it sends them.
            0xf0 | 0x00 => Reads::Array,
            _ => {
                gap!("cfi-pflash01: command {command:#x}");
                Reads::Array
            }
        };
    }

    fn expect(&mut self, next: Next) -> Reads {
        self.regs.next = next;
        Reads::Status
    }

    fn erase(&mut self, offset: u64) -> u8 {
        if self.regs.locked[self.block(offset)] {
            return SR_ERASE_ERROR | SR_LOCKED;
        }
        let start = offset & !(self.block_size - 1);
        let ones = vec![0xff; self.block_size as usize];
        if self.store(start, &ones) { 0 } else { SR_ERASE_ERROR }
    }

    /// Programs one word: bits go from one to zero and never back.
    fn program(&mut self, offset: u64, value: u32, size: u8) -> u8 {
        if self.regs.locked[self.block(offset)] {
            return SR_PROGRAM_ERROR | SR_LOCKED;
        }
        let length = usize::from(size.min(4)).min((self.size - offset) as usize);
        let mut bytes = [0; 4];
        self.array.read(offset, &mut bytes[..length]);
        bytes.iter_mut().zip(value.to_le_bytes()).for_each(|(byte, new)| *byte &= new);
        if self.store(offset, &bytes[..length]) { 0 } else { SR_PROGRAM_ERROR }
    }

    fn program_buffer(&mut self, offset: u64) -> u8 {
        let buffer = std::mem::take(&mut self.regs.buffer);
        let block = self.block(offset);
        if buffer.iter().any(|&(at, ..)| at >= self.size || self.block(at) != block) {
            return SR_SEQUENCE_ERROR;
        }
        if self.regs.locked[block] {
            return SR_PROGRAM_ERROR | SR_LOCKED;
        }
        // Words that follow each other go out as one piece.
        let mut done = true;
        let mut piece: (u64, Vec<u8>) = (0, Vec::new());
        for (at, value, size) in buffer {
            let length = usize::from(size.min(4)).min((self.size - at) as usize);
            if piece.0 + piece.1.len() as u64 != at {
                done &= self.clear_bits(piece);
                piece = (at, Vec::new());
            }
            piece.1.extend_from_slice(&value.to_le_bytes()[..length]);
        }
        done &= self.clear_bits(piece);
        if done { 0 } else { SR_PROGRAM_ERROR }
    }

    fn clear_bits(&mut self, (offset, new): (u64, Vec<u8>)) -> bool {
        let mut bytes = vec![0; new.len()];
        self.array.read(offset, &mut bytes);
        bytes.iter_mut().zip(&new).for_each(|(byte, new)| *byte &= new);
        self.store(offset, &bytes)
    }

    /// Changes array and image; false when the image cannot be written.
    fn store(&mut self, offset: u64, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        if let Some(image) = &mut self.image {
            if image.read_only() {
                return false;
            }
            if let Err(error) = image.write(offset, bytes) {
                log::warn!("a flash image: {error}");
                return false;
            }
        }
        self.array.write(offset, bytes);
        true
    }

    /// What each chip gives in answer to a read at the chips' word `word`.
    fn answer(&self, offset: u64) -> u8 {
        let word = (offset / BANK_WIDTH % 0x100) as usize;
        match (self.regs.reads, word) {
            (Reads::Identifier, 0) => MANUFACTURER,
            (Reads::Identifier, 1) => DEVICE,
            (Reads::Identifier, 2) => self.regs.locked[self.block(offset)].into(),
            (Reads::Identifier, _) => 0,
            (Reads::Query, _) => self.query.get(word).copied().unwrap_or(0),
            (Reads::Status | Reads::Array, _) => self.regs.status,
        }
    }
}

impl Device for CfiFlash {
    fn read(&mut self, io: Io) -> u64 {
        if io.offset.checked_add(io.size.into()).is_none_or(|end| end > self.size) {
            guest_error!("cfi-pflash01: read at {:#x}", io.offset);
            return 0;
        }
        let size = 8 * u32::from(io.size);
        if self.regs.reads == Reads::Array {
            let mut bytes = [0; 8];
            self.array.read(io.offset, &mut bytes[..io.size.min(8).into()]);
            return u64::from_le_bytes(bytes);
        }
        let lanes = u64::from(self.answer(io.offset)) * 0x0001_0001_0001_0001;
        lanes >> (8 * (io.offset % BANK_WIDTH)) & bits::mask(size)
    }

    fn write(&mut self, io: Io, value: u64) {
        if io.offset.checked_add(io.size.into()).is_none_or(|end| end > self.size) {
            guest_error!("cfi-pflash01: write at {:#x}", io.offset);
            return;
        }
        let command = value as u8;
        match self.regs.next {
            Next::Command => self.command(command),
            Next::Data => {
                let errors = self.program(io.offset, value as u32, io.size);
                self.end(errors);
            }
            Next::EraseConfirm => {
                let errors = if command == CONFIRM { self.erase(io.offset) } else { SR_SEQUENCE_ERROR };
                self.end(errors);
            }
            Next::LockConfirm => {
                let block = self.block(io.offset);
                match command {
                    SET_LOCK | LOCK_DOWN => self.regs.locked[block] = true,
                    CONFIRM => self.regs.locked[block] = false,
                    _ => {}
                }
                let known = [SET_LOCK, LOCK_DOWN, CONFIRM].contains(&command);
                self.end(if known { 0 } else { SR_SEQUENCE_ERROR });
            }
            Next::BufferCount => match value as u32 & 0xffff {
                count if count < BUFFER_WORDS => self.regs.next = Next::BufferData(count),
                _ => self.end(SR_SEQUENCE_ERROR),
            },
            Next::BufferData(left) => {
                self.regs.buffer.push((io.offset, value as u32, io.size));
                self.regs.next = left.checked_sub(1).map_or(Next::BufferConfirm, Next::BufferData);
            }
            Next::BufferConfirm => {
                let errors = if command == CONFIRM { self.program_buffer(io.offset) } else { SR_SEQUENCE_ERROR };
                self.end(errors);
            }
        }
        self.update();
    }

    fn reset(&mut self) {
        self.regs = Regs::new(self.regs.locked.len());
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = self.regs.clone();
        s.item("regs", &mut regs)?;
        if regs.locked.len() != self.regs.locked.len() {
            fail!("saved state is of a flash with other blocks");
        }
        self.regs = regs;
        if s.is_loading() {
            self.update();
        }
        Ok(())
    }

    fn width(&self) -> Width {
        Width { min: 1, max: 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    const BLOCK: u64 = 0x1_0000;

    fn flash() -> Rig {
        Rig::new("cfi-pflash01")
            .props(&[("size", "1M"), ("sector-length", "64K")])
            .with_block(vec![0x5a; 1 << 20])
            .build()
    }

    /// Both chips get the command.
    fn command(flash: &mut Rig, offset: u64, command: u64) {
        flash.write(offset, 4, command * 0x1_0001);
    }

    fn status(flash: &mut Rig) -> u64 {
        command(flash, 0, READ_STATUS.into());
        let status = flash.read(0, 4);
        assert_eq!(status >> 16, status & 0xffff, "both chips say the same");
        command(flash, 0, CLEAR_STATUS.into());
        command(flash, 0, READ_ARRAY.into());
        status & 0xffff
    }

    #[test]
    fn without_an_image_it_shows_zeros_until_it_is_erased() {
        let mut flash = Rig::new("cfi-pflash01").build();
        assert_eq!((flash.read(0, 8), flash.read((32 << 20) - 4, 4)), (0, 0));
    }

    #[test]
    fn an_image_of_another_size_is_refused() {
        assert!(Rig::new("cfi-pflash01").with_block(vec![0; 512]).try_build().is_err());
    }

    #[test]
    fn the_query_table_is_found_where_drivers_look() {
        let mut flash = flash();
        command(&mut flash, 0x55 * 4, 0x98);
        assert_eq!(flash.read(0x10 * 4, 4), u64::from(b'Q') * 0x1_0001);
        assert_eq!(flash.read(0x11 * 4, 2), u64::from(b'R'));
        assert_eq!(flash.read(0x12 * 4, 1), u64::from(b'Y'));
        assert_eq!(flash.read(0x27 * 4, 1), 19, "half a mebibyte a chip");
        assert_eq!(flash.read(0x2d * 4, 1), 15, "blocks less one");
        assert_eq!(flash.read(0x2f * 4, 1), 0x80, "32 KiB a chip and block");
        command(&mut flash, 0, 0x90);
        assert_eq!((flash.read(0, 4), flash.read(4, 4)), (0x0089_0089, 0x0018_0018));
        command(&mut flash, 0, 0xff);
        assert_eq!(flash.read(0, 4), 0x5a5a_5a5a);
    }

    #[test]
    fn erasing_sets_and_programming_only_clears() {
        let mut flash = flash();
        command(&mut flash, BLOCK, 0x20);
        command(&mut flash, BLOCK, 0xd0);
        assert_eq!(flash.read(BLOCK, 4), 0x0080_0080, "status at once");
        assert_eq!(status(&mut flash), 0x80);
        assert_eq!((flash.read(BLOCK - 4, 4), flash.read(BLOCK, 4)), (0x5a5a_5a5a, 0xffff_ffff));
        for (value, expected) in [(0x1234_5678, 0x1234_5678), (0xffff_0000, 0x1234_0000)] {
            command(&mut flash, BLOCK, 0x40);
            flash.write(BLOCK, 4, value);
            assert_eq!(status(&mut flash), 0x80);
            assert_eq!(flash.read(BLOCK, 4), expected);
        }
        assert_eq!(flash.image()[0x1_0000..0x1_0005], [0, 0, 0x34, 0x12, 0xff]);
        assert_eq!(flash.image()[0x1_ffff..0x2_0001], [0xff, 0x5a]);
    }

    #[test]
    fn a_buffer_is_programmed_when_it_is_confirmed() {
        let mut flash = flash();
        command(&mut flash, 0, 0xe8);
        assert_eq!(flash.read(0, 4), 0x0080_0080);
        command(&mut flash, 0, 1);
        flash.write(0x100, 4, 0x1111_1111);
        flash.write(0x104, 4, 0);
        assert_eq!(flash.image()[0x100], 0x5a);
        command(&mut flash, 0, 0xd0);
        assert_eq!(status(&mut flash), 0x80);
        assert_eq!(flash.read(0x100, 8), 0x1010_1010);
    }

    #[test]
    fn wrong_sequences_are_errors_and_change_nothing() {
        let mut flash = flash();
        command(&mut flash, 0, 0x20);
        command(&mut flash, 0, 0xff);
        assert_eq!(status(&mut flash), 0xb0);
        command(&mut flash, 0, 0xe8);
        command(&mut flash, 0, 0xffff);
        assert_eq!(status(&mut flash), 0xb0);
        command(&mut flash, 0, 0xe8);
        command(&mut flash, 0, 0);
        flash.write(BLOCK, 4, 0);
        command(&mut flash, 0, 0xd0);
        assert_eq!(status(&mut flash), 0xb0, "another block");
        assert!(flash.image().iter().all(|&b| b == 0x5a));
    }

    #[test]
    fn a_locked_block_keeps_its_contents() {
        let mut flash = flash();
        command(&mut flash, BLOCK, 0x60);
        command(&mut flash, BLOCK, 0x01);
        command(&mut flash, 0, 0x90);
        assert_eq!((flash.read(8, 4), flash.read(BLOCK + 8, 4)), (0, 0x1_0001));
        command(&mut flash, BLOCK, 0x20);
        command(&mut flash, BLOCK, 0xd0);
        assert_eq!(status(&mut flash), 0xa2);
        command(&mut flash, BLOCK, 0x40);
        flash.write(BLOCK, 4, 0);
        assert_eq!(status(&mut flash), 0x92);
        command(&mut flash, BLOCK, 0x60);
        command(&mut flash, BLOCK, 0xd0);
        command(&mut flash, BLOCK, 0x20);
        command(&mut flash, BLOCK, 0xd0);
        assert_eq!(status(&mut flash), 0x80);
    }

    #[test]
    fn a_read_only_image_refuses_programming() {
        let rig = Rig::new("cfi-pflash01").props(&[("size", "1M")]).with_block(vec![0x5a; 1 << 20]);
        let mut flash = rig.read_only().build();
        command(&mut flash, 0, 0x40);
        flash.write(0, 4, 0);
        assert_eq!(status(&mut flash), 0x90);
        assert_eq!(flash.read(0, 4), 0x5a5a_5a5a);
    }
}
