//! ELF files, as loaders see them: segments at physical addresses and an entry.

use crate::base::Result;
use crate::base::symbols::Symbol;
use crate::error;
use goblin::elf::Elf;
use goblin::elf::header::{EM_AARCH64, EM_PPC64, EM_RISCV, EM_X86_64};
use goblin::elf::program_header::PT_LOAD;
use goblin::elf::sym::{STT_FUNC, STT_NOTYPE};
use std::sync::Arc;

/// A piece of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Physical address.
    pub at: u64,
    /// Virtual address.
    pub virtual_at: u64,
    /// The bytes in the file.
    pub bytes: Arc<Vec<u8>>,
    /// Bytes in memory, at least those in the file.
    pub size: u64,
    /// Whether it holds code.
    pub executable: bool,
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
    /// Its functions, and what assembly calls by name.
    pub symbols: Vec<Symbol>,
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
                bytes: bytes[header.p_offset as usize..end as usize].to_vec().into(),
                size: header.p_memsz,
                executable: header.is_executable(),
            });
        }
        if segments.is_empty() {
            return Err(error!("the ELF file has nothing to load"));
        }
        let symbols = symbols(&elf);
        Ok(Program { isa, is_64: elf.is_64, entry: elf.entry, segments, symbols })
    }

    /// The lowest physical address.
    pub fn low(&self) -> u64 {
        self.segments.iter().map(|segment| segment.at).min().unwrap_or(0)
    }

    /// The address behind the highest physical one.
    pub fn high(&self) -> u64 {
        self.segments.iter().map(|segment| segment.at.saturating_add(segment.size)).max().unwrap_or(0)
    }

    /// Where loaders that know no entry begin: at the lowest address, unless what is there cannot be code.
    pub fn first(&self) -> u64 {
        let lowest = self.segments.iter().min_by_key(|segment| segment.at);
        match lowest {
            Some(lowest) if lowest.executable && !lowest.bytes.starts_with(b"\x7fELF") => lowest.at,
            _ => self.physical_entry(),
        }
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

/// Names of code: functions, and labels without a type that are not the assembler's own.
fn symbols(elf: &Elf<'_>) -> Vec<Symbol> {
    let is_code = |symbol: &goblin::elf::Sym| {
        let section = elf.section_headers.get(symbol.st_shndx);
        section.is_some_and(|section| section.is_executable()) && matches!(symbol.st_type(), STT_FUNC | STT_NOTYPE)
    };
    let named = |symbol: goblin::elf::Sym| {
        let name = elf.strtab.get_at(symbol.st_name)?;
        let is_label = name.is_empty() || name.starts_with(['.', '$']);
        (!is_label).then(|| Symbol { address: symbol.st_value, size: symbol.st_size, name: name.into() })
    };
    elf.syms.iter().filter(is_code).filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(flags: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 0x100];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[6] = 1;
        let mut put = |at: usize, value: u64, size: usize| {
            bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        };
        for (at, value, size) in [(16, 2, 2), (18, 243, 2), (20, 1, 4), (24, 0xffff_8000_0000_0010, 8), (32, 64, 8)] {
            put(at, value, size);
        }
        for (at, value, size) in [(52, 64, 2), (54, 56, 2), (56, 1, 2), (64, 1, 4), (68, u64::from(flags), 4)] {
            put(at, value, size);
        }
        let length = content.len() as u64;
        for (at, value) in [(72, 0x100), (80, 0xffff_8000_0000_0000), (88, 0x8000_0000), (96, length), (104, 0x4000)] {
            put(at, value, 8);
        }
        bytes.extend(content);
        bytes
    }

    #[test]
    fn a_program_begins_where_its_code_does() {
        let code = Program::parse(&program(5, &[0x13; 64])).unwrap();
        assert_eq!((code.isa, code.low(), code.high()), (Some("riscv64"), 0x8000_0000, 0x8000_4000));
        assert_eq!((code.first(), code.physical_entry()), (0x8000_0000, 0x8000_0010));
        let header_first = Program::parse(&program(5, b"\x7fELF and more")).unwrap();
        assert_eq!(header_first.first(), 0x8000_0010);
        let data_first = Program::parse(&program(6, &[0; 64])).unwrap();
        assert_eq!(data_first.first(), 0x8000_0010);
    }

    #[test]
    fn damage_is_an_error() {
        let good = program(5, &[0x13; 64]);
        for length in 0..good.len() {
            assert!(Program::parse(&good[..length]).is_err(), "{length}");
        }
    }
}
