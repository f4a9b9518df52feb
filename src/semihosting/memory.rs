//! Guest memory as the calling program sees it: by its page tables, with its permissions. RAM alone is reached: no
//! call reads or writes a device's registers, or writes ROM.

use super::MOST_NAME;
use crate::cpu::{Access, Cpu};
use crate::fabric::{MemoryPage, PAGE_SIZE};
use rustix::io::Errno;

/// Part of a range is no memory that the program may access so.
pub struct Fault;

/// The memory of the program that runs on a vCPU.
pub struct Memory<'a>(pub &'a mut Cpu);

impl Memory<'_> {
    /// `N` 64-bit words: a call's parameter block.
    pub fn words<const N: usize>(&mut self, at: u64) -> Result<[u64; N], Fault> {
        let bytes = self.bytes(at, 8 * N as u64)?;
        let (words, _) = bytes.as_chunks();
        Ok(std::array::from_fn(|n| u64::from_le_bytes(words[n])))
    }

    /// Bytes at an address; the caller bounds `length`.
    pub fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; length as usize];
        self.each(at, length, Access::Load, |page, offset, done, count| {
            page.ram.read(page.offset + offset, &mut bytes[done..done + count]);
        })?;
        Ok(bytes)
    }

    /// The bytes before the first NUL, `most` of them where there is none.
    pub fn text(&mut self, at: u64, most: u64) -> Result<Vec<u8>, Fault> {
        let mut text = Vec::new();
        while (text.len() as u64) < most {
            let from = at.wrapping_add(text.len() as u64);
            let part = self.bytes(from, (PAGE_SIZE - from % PAGE_SIZE).min(most - text.len() as u64))?;
            match part.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    text.extend(&part[..end]);
                    break;
                }
                None => text.extend(part),
            }
        }
        Ok(text)
    }

    /// The name of a file, whose length the caller gives.
    pub fn name(&mut self, at: u64, length: u64) -> Result<Vec<u8>, super::Refusal> {
        if length > MOST_NAME {
            return Err(Errno::NAMETOOLONG.into());
        }
        Ok(self.text(at, length)?)
    }

    /// Stores bytes.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.each(at, bytes.len() as u64, Access::Store, |page, offset, done, count| {
            page.ram.write(page.offset + offset, &bytes[done..done + count]);
        })
    }

    /// Whether all of a range can be stored to.
    pub fn writable(&mut self, at: u64, length: u64) -> Result<(), Fault> {
        self.each(at, length, Access::Store, |_, _, _, _| {})
    }

    /// Calls `f` for each part of a range that is in one page: the page, the offset there, how much came before, bytes.
    fn each(
        &mut self,
        at: u64,
        length: u64,
        access: Access,
        mut f: impl FnMut(&MemoryPage, u64, usize, usize),
    ) -> Result<(), Fault> {
        let mut done = 0;
        while done < length {
            let address = at.wrapping_add(done);
            let isa = self.0.isa.clone();
            let mapping = isa.translate(self.0, address, access).map_err(|_| Fault)?;
            let in_page = (PAGE_SIZE - address % PAGE_SIZE).min(length - done);
            let count = if mapping.size < PAGE_SIZE { in_page.min(mapping.size.max(1)) } else { in_page };
            if mapping.checked {
                for byte in 0..count {
                    isa.check(self.0, address.wrapping_add(byte), 1, access).map_err(|_| Fault)?;
                }
            }
            let page = self.0.board.bus.host_page(mapping.physical).ok_or(Fault)?;
            if access == Access::Store && !page.writable {
                return Err(Fault);
            }
            f(&page, mapping.physical % PAGE_SIZE, done as usize, count as usize);
            done += count;
        }
        Ok(())
    }
}
