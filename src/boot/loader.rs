//! `-device loader`: files and words at given addresses, and CPUs sent to given places.

use super::elf::Program;
use super::{Layout, Space};
use crate::base::{Result, bits, symbols};
use crate::fail;
use std::path::{Path, PathBuf};

/// One `-device loader`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loader {
    /// `file=`.
    pub file: Option<PathBuf>,
    /// `addr=`.
    pub at: Option<u64>,
    /// `data=`: a word in place of a file.
    pub data: Option<u64>,
    /// `data-len=`: its bytes, 1 to 8.
    pub data_len: Option<u64>,
    /// `data-be=`: its byte order.
    pub big_endian: bool,
    /// `cpu-num=`: the CPU whose pc is set.
    pub cpu: Option<u32>,
    /// `force-raw=`: an ELF file is not taken apart.
    pub raw: bool,
    /// The words, for errors.
    pub given: String,
}

impl Loader {
    /// Lays down what it says; returns the CPU that starts there, and where, if it says that, too.
    ///
    /// # Errors
    /// A combination that means nothing, or a file that does not fit.
    pub fn load(&self, layout: &mut Layout, memory: &[Space]) -> Result<Option<(u32, u64)>> {
        self.try_load(layout, memory).map_err(|e| e.within(&self.given))
    }

    fn try_load(&self, layout: &mut Layout, memory: &[Space]) -> Result<Option<(u32, u64)>> {
        let entry = match (&self.file, self.data) {
            (Some(_), Some(_)) => fail!("either file= or data= is possible"),
            (Some(file), None) => self.load_file(layout, memory, file)?,
            (None, Some(data)) => {
                let Some(length @ 1..=8) = self.data_len else { fail!("data= needs data-len=, from 1 to 8") };
                let Some(at) = self.at else { fail!("data= needs addr=") };
                if length < 8 && data > bits::mask(8 * length as u32) {
                    fail!("data={data:#x} does not fit into {length} bytes");
                }
                let bytes = match self.big_endian {
                    true => data.to_be_bytes()[8 - length as usize..].to_vec(),
                    false => data.to_le_bytes()[..length as usize].to_vec(),
                };
                layout.add(memory, "loader", at, bytes, 0)?;
                None
            }
            (None, None) if self.at.is_some() && self.cpu.is_some() => self.at,
            (None, None) => fail!("nothing to load: it needs file=, or data=, or addr= with cpu-num="),
        };
        Ok(self.cpu.zip(entry))
    }

    /// Returns where a CPU would start.
    fn load_file(&self, layout: &mut Layout, memory: &[Space], file: &Path) -> Result<Option<u64>> {
        let bytes = super::read("file", file)?;
        let name = file.display().to_string();
        if !self.raw && bytes.starts_with(b"\x7fELF") {
            let program = Program::parse(&bytes).map_err(|e| e.within(&name))?;
            symbols::add(program.symbols.clone());
            for segment in &program.segments {
                layout.add(memory, &name, segment.at, segment.bytes.clone(), segment.size)?;
            }
            return Ok(Some(program.entry));
        }
        let Some(at) = self.at else { fail!("'{name}' is no ELF file, so that it needs addr=") };
        layout.add(memory, &name, at, bytes, 0)?;
        Ok(Some(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_entries() {
        let memory = [Space { name: "RAM".into(), at: 0x8000_0000, size: 0x1000 }];
        let mut layout = Layout::default();
        let word = |data, len, big_endian| Loader {
            at: Some(0x8000_0000 + len),
            data: Some(data),
            data_len: Some(len),
            big_endian,
            given: "-device loader".into(),
            ..Loader::default()
        };
        assert_eq!(word(0x1234, 4, false).load(&mut layout, &memory), Ok(None));
        assert_eq!(*layout.covering(0x8000_0004).unwrap().bytes, [0x34, 0x12, 0, 0]);
        let big = Loader { cpu: Some(1), ..word(0x1234, 2, true) };
        assert_eq!(big.load(&mut layout, &memory), Ok(None));
        assert_eq!(*layout.covering(0x8000_0002).unwrap().bytes, [0x12, 0x34]);
        assert!(word(0x1234, 1, false).load(&mut layout, &memory).is_err());
        assert!(word(0, 9, false).load(&mut layout, &memory).is_err());
        let pc = Loader { at: Some(0x8000_0010), cpu: Some(2), ..Loader::default() };
        assert_eq!(pc.load(&mut layout, &memory), Ok(Some((2, 0x8000_0010))));
        assert!(Loader::default().load(&mut layout, &memory).is_err());
    }
}
