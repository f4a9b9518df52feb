//! ELF files, as loaders see them: segments at physical addresses and an entry.
//!
//! Only the file's header and its program headers have to be whole: what is damaged beside them costs symbols.

use crate::base::Result;
use crate::base::symbols::Symbol;
use crate::error;
use goblin::container::Ctx;
use goblin::elf::header::{EM_386, EM_AARCH64, EM_ARM, EM_PPC64, EM_RISCV, EM_X86_64};
use goblin::elf::program_header::PT_LOAD;
use goblin::elf::sym::{STT_FUNC, STT_NOTYPE};
use goblin::elf::{Elf, ProgramHeader};
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

impl Segment {
    /// Bytes that are at their address whether memory is translated or not.
    pub fn plain(at: u64, bytes: Vec<u8>) -> Segment {
        Segment { at, virtual_at: at, size: bytes.len() as u64, bytes: bytes.into(), executable: true }
    }
}

/// A program in segments: an ELF file's, or an Intel HEX file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The instruction set, by Mimus's name, where it is one that Mimus knows.
    pub isa: Option<&'static str>,
    /// The machine that it is for, for messages.
    pub machine: &'static str,
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
        let damaged = |e: goblin::error::Error| error!("the ELF file is damaged: {e}");
        let header = Elf::parse_header(bytes).map_err(damaged)?;
        let context = Ctx::new(header.container().map_err(damaged)?, header.endianness().map_err(damaged)?);
        let headers = ProgramHeader::parse(bytes, header.e_phoff as usize, header.e_phnum.into(), context);
        let (isa, machine) = match header.e_machine {
            EM_RISCV if context.is_big() => (Some("riscv64"), "riscv64"),
            EM_RISCV => (None, "riscv32"),
            EM_AARCH64 => (Some("aarch64"), "aarch64"),
            EM_ARM => (None, "32-bit arm"),
            EM_X86_64 => (Some("x86_64"), "x86_64"),
            EM_386 => (None, "i386"),
            EM_PPC64 => (Some("ppc64"), "ppc64"),
            _ => (None, "another machine"),
        };
        let mut segments = Vec::new();
        let headers = headers.map_err(damaged)?;
        for header in headers.iter().filter(|header| header.p_type == PT_LOAD && header.p_memsz > 0) {
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
        let symbols = Elf::parse(bytes).map_or_else(|_| Vec::new(), |elf| symbols(&elf));
        Ok(Program { isa, machine, entry: header.e_entry, segments, symbols })
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
    fn damaged_sections_cost_nothing_but_symbols() {
        let mut bytes = program(5, &[0x13; 64]);
        bytes[40..48].copy_from_slice(&u64::MAX.to_le_bytes());
        bytes[58..62].copy_from_slice(&[64, 0, 9, 0]);
        assert_eq!(Program::parse(&bytes), Program::parse(&program(5, &[0x13; 64])));
    }

    #[test]
    fn damage_is_an_error() {
        let good = program(5, &[0x13; 64]);
        for length in 0..good.len() {
            assert!(Program::parse(&good[..length]).is_err(), "{length}");
        }
    }
}
