//! Commands that show and save memory and values.

use super::args::Args;
use super::{Fault, Monitor, refuse, usage};
use crate::cpu::Cpu;
use crate::fabric::PAGE_SIZE;
use std::fmt::Write;
use std::fs::File;
use std::io::Write as _;

type Answer = Result<String, Fault>;

/// The most that one command shows, in bytes: a slip of the finger must not lock the monitor up.
const MOST_SHOWN: u64 = 16 << 20;
/// How much is saved at once.
const CHUNK: u64 = 64 << 10;
/// The longest instruction of any guest, in bytes.
const LONGEST_INSTRUCTION: u64 = 16;

/// How values are shown.
#[derive(Clone, Copy)]
pub struct Format {
    /// `x`, `d`, `u`, `o`, `c` or `i`.
    kind: char,
    /// Bytes.
    size: u64,
}

impl Default for Format {
    fn default() -> Format {
        Format { kind: 'x', size: 4 }
    }
}

impl Monitor {
    /// Reads `/COUNT KIND SIZE`, as gdb has it; what is left out is as it was last time.
    fn read_format(&mut self, text: &str) -> Result<(u64, Format), Fault> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let count = if digits == 0 { 1 } else { text[..digits].parse().unwrap_or(u64::MAX) };
        let mut format = self.format;
        let mut sized = false;
        for c in text[digits..].chars() {
            match c {
                'x' | 'd' | 'u' | 'o' | 'c' | 'i' => format.kind = c,
                'b' => (format.size, sized) = (1, true),
                'h' => (format.size, sized) = (2, true),
                'w' => (format.size, sized) = (4, true),
                'g' | 'L' => (format.size, sized) = (8, true),
                c => return usage(format!("invalid char in format: '{c}'")),
            }
        }
        if format.kind == 'c' && !sized {
            format.size = 1;
        }
        self.format = format;
        Ok((count, format))
    }

    /// Reads memory as the chosen vCPU sees it, or by physical address; devices are read there, as a load would.
    fn read_memory(&self, address: u64, into: &mut [u8], physical: bool, access: u64) -> bool {
        let read = |cpu: &mut Cpu| {
            if !physical {
                return cpu.peek(address, into) == into.len();
            }
            if cpu.board.bus.peek(address, into) {
                return true;
            }
            into.chunks_mut(access as usize).enumerate().all(|(index, chunk)| {
                let at = address.wrapping_add(index as u64 * access);
                let value = cpu.board.bus.read(at, chunk.len() as u8, cpu.index);
                value.map(|value| chunk.copy_from_slice(&value.to_le_bytes()[..chunk.len()])).is_ok()
            })
        };
        self.control().with_cpu(self.cpu, read).unwrap_or(false)
    }

    fn dump(&mut self, args: &mut Args<'_>, physical: bool) -> Answer {
        let (count, format) = self.read_format(args.format())?;
        let start = args.expression(self)?;
        if format.kind == 'i' {
            return Ok(self.disassemble(start, count, physical));
        }
        let Some(length) = count.checked_mul(format.size).filter(|length| *length <= MOST_SHOWN) else {
            return refuse("that is more than can be shown");
        };
        let per_line = if format.kind == 'o' && format.size == 1 { 8 } else { 16 };
        let mut text = String::new();
        for at in (0..length).step_by(per_line) {
            let mut bytes = vec![0; (length - at).min(per_line as u64) as usize];
            let address = start.wrapping_add(at);
            // Writing to a string cannot fail.
            let _ = write!(text, "{address:016x}:");
            if !self.read_memory(address, &mut bytes, physical, format.size) {
                text += " Cannot access memory\n";
                break;
            }
            for word in bytes.chunks(format.size as usize) {
                let mut value = [0; 8];
                value[..word.len()].copy_from_slice(word);
                text.push(' ');
                text += &format.show(u64::from_le_bytes(value));
            }
            text.push('\n');
        }
        Ok(text)
    }

    fn disassemble(&self, start: u64, count: u64, physical: bool) -> String {
        let isa = self.control().machine().isa.clone();
        let mut text = String::new();
        let mut address = start;
        for _ in 0..count.min(MOST_SHOWN / LONGEST_INSTRUCTION) {
            // The last instruction of a mapping is shorter than the longest.
            let grain = 1 << isa.grain();
            let mut code = vec![0; LONGEST_INSTRUCTION as usize];
            while !code.is_empty() && !self.read_memory(address, &mut code, physical, grain) {
                code.truncate(code.len() - grain as usize);
            }
            if code.is_empty() {
                let _ = writeln!(text, "{address:#010x}:  Cannot access memory");
                break;
            }
            let (line, length) = isa.list(&code, address);
            let _ = writeln!(text, "{address:#010x}:  {line}");
            address = address.wrapping_add(length as u64);
        }
        text
    }

    fn save(&self, args: &mut Args<'_>, physical: bool) -> Answer {
        let start = args.expression(self)?;
        let size = args.expression(self)?;
        let path = args.file()?;
        match self.save_memory(start, size, &path, physical) {
            Ok(()) => Ok(String::new()),
            Err(e) => refuse(format!("Error: {e}")),
        }
    }

    /// Writes memory to a file.
    ///
    /// # Errors
    /// When not all of it can be read, or the file cannot be written.
    pub fn save_memory(&self, start: u64, size: u64, path: &str, physical: bool) -> Result<(), String> {
        let refused = |e: std::io::Error| format!("could not write '{path}': {e}");
        let mut file = File::create(path).map_err(refused)?;
        let mut done = 0;
        while done < size {
            let mut bytes = vec![0; (size - done).min(CHUNK) as usize];
            let address = start.wrapping_add(done);
            if !self.read_memory(address, &mut bytes, physical, 1) {
                return Err(format!("Invalid addr {address:#018x}/size {size} specified"));
            }
            file.write_all(&bytes).map_err(refused)?;
            done += bytes.len() as u64;
        }
        Ok(())
    }
}

impl Format {
    /// A value, as wide as its kind and size want it.
    fn show(self, value: u64) -> String {
        let signed = crate::base::bits::sext(value, 8 * self.size as u32) as i64;
        match self.kind {
            'x' => format!("0x{value:0width$x}", width = 2 * self.size as usize),
            'o' => format!("{:>width$}", octal(value), width = (8 * self.size).div_ceil(3) as usize),
            'd' => format!("{signed:width$}", width = self.digits()),
            'u' => format!("{value:width$}", width = self.digits()),
            _ => show_char(value),
        }
    }

    /// The most decimal digits that a value has.
    fn digits(self) -> usize {
        (8 * self.size as usize * 10).div_ceil(33)
    }

    /// A value by itself.
    fn show_bare(self, value: u64) -> String {
        match self.kind {
            'x' | 'i' => format!("{value:#x}"),
            'o' => octal(value),
            'd' => (value as i64).to_string(),
            'u' => value.to_string(),
            _ => show_char(value),
        }
    }
}

/// As C writes it: a leading zero says that it is octal.
fn octal(value: u64) -> String {
    if value == 0 { "0".into() } else { format!("0{value:o}") }
}

fn show_char(value: u64) -> String {
    let byte = value as u8;
    match byte {
        b'\'' => "'\\''".into(),
        b'\\' => "'\\\\'".into(),
        b'\n' => "'\\n'".into(),
        b'\r' => "'\\r'".into(),
        0x20..=0x7e => format!("'{}'", byte as char),
        _ => format!("'\\x{byte:02x}'"),
    }
}

pub fn x(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    monitor.dump(args, false)
}

pub fn xp(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    monitor.dump(args, true)
}

pub fn print(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let (_, format) = monitor.read_format(args.format())?;
    let value = args.expression(monitor)?;
    Ok(format!("{}\n", format.show_bare(value)))
}

pub fn sum(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let start = args.expression(monitor)?;
    let size = args.expression(monitor)?;
    // The BSD checksum: turned right by one bit, then added to.
    let mut sum: u16 = 0;
    let mut done = 0;
    while done < size {
        let mut bytes = vec![0; (size - done).min(CHUNK) as usize];
        let address = start.wrapping_add(done);
        if !monitor.read_memory(address, &mut bytes, true, 1) {
            return refuse(format!("Cannot access memory at {address:#x}"));
        }
        for byte in &bytes {
            sum = sum.rotate_right(1).wrapping_add(u16::from(*byte));
        }
        done += bytes.len() as u64;
    }
    Ok(format!("{sum:05}\n"))
}

pub fn gva2gpa(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let address = args.expression(monitor)?;
    match monitor.control().with_cpu(monitor.cpu, |cpu| cpu.isa.translate_debug(cpu, address)) {
        Ok(Some(physical)) => Ok(format!("gpa: {physical:#x}\n")),
        Ok(None) => Ok("Unmapped\n".into()),
        Err(e) => refuse(e.to_string()),
    }
}

pub fn gpa2hva(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    let address = args.expression(monitor)?;
    let bus = &monitor.control().machine().bus;
    let Some(region) = bus.map().into_iter().find(|region| (region.base..=region.last).contains(&address)) else {
        return refuse(format!("No memory is mapped at address {address:#x}"));
    };
    let Some(page) = bus.host_page(address & !(PAGE_SIZE - 1)) else {
        return refuse(format!("Memory at address {address:#x} is not RAM"));
    };
    let host = page.to_host_page().host_address() as usize as u64 + address % PAGE_SIZE;
    Ok(format!("Host virtual address for {address:#x} ({}) is {host:#x}\n", region.name))
}

pub fn memsave(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    monitor.save(args, false)
}

pub fn pmemsave(monitor: &mut Monitor, args: &mut Args<'_>) -> Answer {
    monitor.save(args, true)
}
