//! `-device loader`: files and words at given addresses, and CPUs sent to given places. `-device guest-loader`: what a
//! hypervisor finds in the device tree for its guests.

use super::elf::Program;
use super::{ChosenModule, Layout, Plan, Space, hex, uboot};
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
                layout.overlay(memory, "loader", at, bytes);
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
        let within = |e: crate::base::Error| e.within(&name);
        if !self.raw && bytes.starts_with(b"\x7fELF") {
            let program = Program::parse(&bytes).map_err(within)?;
            symbols::add(program.symbols.clone());
            layout.overlay_program(memory, &name, &program);
            return Ok(Some(program.physical_entry()));
        }
        if !self.raw && uboot::is_image(&bytes) {
            let (kernel, bytes) = uboot::kernel(&bytes).map_err(within)?;
            let (at, entry) = match self.at {
                Some(at) => kernel.place(at),
                None if kernel.is_placed() => kernel.place(0),
                None => fail!("'{name}' is a U-Boot image that does not say where it goes, so that it needs addr="),
            };
            layout.overlay(memory, &name, at, bytes);
            return Ok(Some(entry));
        }
        if !self.raw && hex::is_hex(&bytes) {
            match (hex::parse(&bytes), self.at) {
                (Ok(program), _) => {
                    layout.overlay_program(memory, &name, &program);
                    return Ok(Some(program.entry));
                }
                (Err(e), None) => return Err(within(e)),
                // Any other text that begins with a colon.
                (Err(_), Some(_)) => {}
            }
        }
        let Some(at) = self.at else {
            fail!("'{name}' is neither an ELF file, a U-Boot image nor Intel HEX, so that it needs addr=")
        };
        layout.overlay(memory, &name, at, bytes);
        Ok(Some(at))
    }
}

/// One `-device guest-loader`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// `addr=`.
    pub at: Option<u64>,
    /// `kernel=`.
    pub kernel: Option<PathBuf>,
    /// `initrd=`.
    pub initrd: Option<PathBuf>,
    /// `bootargs=`: the kernel's command line.
    pub bootargs: Option<String>,
    /// The words, for errors.
    pub given: String,
}

impl Module {
    /// Lays the file down and tells of it in `/chosen`.
    ///
    /// # Errors
    /// A combination that means nothing, or a file that is not there or does not fit.
    pub fn load(&self, plan: &mut Plan, memory: &[Space]) -> Result<()> {
        self.try_load(plan, memory).map_err(|e| e.within(&self.given))
    }

    fn try_load(&self, plan: &mut Plan, memory: &[Space]) -> Result<()> {
        let (file, compatible) = match (&self.kernel, &self.initrd) {
            (Some(kernel), None) => (kernel, "multiboot,kernel"),
            (None, Some(_)) if self.bootargs.is_some() => fail!("bootargs= goes with kernel=, not with initrd="),
            (None, Some(initrd)) => (initrd, "multiboot,ramdisk"),
            _ => fail!("it needs kernel= or initrd=, and not both"),
        };
        let Some(at) = self.at else { fail!("it needs addr=, where the file goes") };
        let bytes = super::read("file", file)?;
        let size = bytes.len() as u64;
        plan.layout.overlay(memory, &file.display().to_string(), at, bytes);
        plan.chosen.modules.push(ChosenModule { at, size, compatible, bootargs: self.bootargs.clone() });
        Ok(())
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
