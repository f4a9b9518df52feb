//! ELF files, as loaders see them: segments at physical addresses and an entry.

use crate::base::Result;
use crate::error;
use goblin::elf::Elf;
use goblin::elf::header::{EM_AARCH64, EM_PPC64, EM_RISCV, EM_X86_64};
use goblin::elf::program_header::PT_LOAD;
use std::sync::Arc;

/// A piece of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Physical address.
    pub at: u64,
    /// Virtual address.
    pub virtual_at: u64,
    /// The bytes in the file.
    pub bytes: Arc<[u8]>,
    /// Bytes in memory, at least those in the file.
    pub size: u64,
}

/// An ELF program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The instruction set, by Mimus's name, where it is one that Mimus knows.
    pub isa: Option<&'static str>,
    /// Whether it is 64-bit.
    pub is_64: bool,
    /// Virtual address of the first instruction.
    pub entry: u64,
    /// What is loaded.
    pub segments: Vec<Segment>,
}

impl Program {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// When it is damaged or has nothing to load.
    pub fn parse(bytes: &[u8]) -> Result<Program> {
        let elf = Elf::parse(bytes).map_err(|e| error!("the ELF file is damaged: {e}"))?;
        let isa = match elf.header.e_machine {
            EM_RISCV if elf.is_64 => Some("riscv64"),
            EM_AARCH64 => Some("aarch64"),
            EM_X86_64 => Some("x86_64"),
            EM_PPC64 => Some("ppc64"),
            _ => None,
        };
        let mut segments = Vec::new();
        for header in elf.program_headers.iter().filter(|header| header.p_type == PT_LOAD && header.p_memsz > 0) {
            let length = header.p_filesz.min(header.p_memsz);
            let end = header.p_offset.checked_add(length).filter(|&end| end <= bytes.len() as u64);
            let end = end.ok_or_else(|| error!("the ELF file is cut off: a segment ends behind its last byte"))?;
            segments.push(Segment {
                at: header.p_paddr,
                virtual_at: header.p_vaddr,
                bytes: bytes[header.p_offset as usize..end as usize].into(),
                size: header.p_memsz,
            });
        }
        if segments.is_empty() {
            return Err(error!("the ELF file has nothing to load"));
        }
        Ok(Program { isa, is_64: elf.is_64, entry: elf.entry, segments })
    }

    /// The lowest physical address.
    pub fn low(&self) -> u64 {
        self.segments.iter().map(|segment| segment.at).min().unwrap_or(0)
    }

    /// The address behind the highest physical one.
    pub fn high(&self) -> u64 {
        self.segments.iter().map(|segment| segment.at.saturating_add(segment.size)).max().unwrap_or(0)
    }

    /// Physical address of the first instruction.
    pub fn physical_entry(&self) -> u64 {
        let holding = self.segments.iter().find_map(|segment| {
            let offset = self.entry.checked_sub(segment.virtual_at)?;
            (offset < segment.size).then(|| segment.at.wrapping_add(offset))
        });
        holding.unwrap_or(self.entry)
    }
}
