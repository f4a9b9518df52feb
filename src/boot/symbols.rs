//! `-symbols`: the names in a `vmlinux` or a `System.map`, for kernels whose image has none.

use crate::base::Result;
use crate::base::symbols::Symbol;
use crate::boot::elf::Program;
use crate::{error, fail};
use std::path::Path;

/// Reads the functions that a file names: an ELF program, or lines of address, type and name as `nm` writes them.
///
/// # Errors
/// When it cannot be read, or names none.
pub fn read(path: &Path) -> Result<Vec<Symbol>> {
    let shown = path.display();
    let bytes = super::read("symbols", path)?;
    let symbols = if bytes.starts_with(b"\x7fELF") {
        Program::parse(&bytes).map_err(|e| e.within(format!("could not load symbols '{shown}'")))?.symbols
    } else {
        let text = std::str::from_utf8(&bytes);
        let text =
            text.map_err(|_| error!("could not load symbols '{shown}': neither an ELF file nor a System.map"))?;
        text.lines().filter_map(line).collect()
    };
    if symbols.is_empty() {
        fail!("could not load symbols '{shown}': it names no function");
    }
    Ok(symbols)
}

/// A line of a `System.map` that names code.
fn line(line: &str) -> Option<Symbol> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let is_code = matches!(words.next()?, "t" | "T" | "w" | "W");
    let name = words.next().filter(|_| is_code)?.to_string();
    Some(Symbol { address, size: 0, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_a_map_has_names() {
        let symbol = |address, name: &str| Some(Symbol { address, size: 0, name: name.into() });
        assert_eq!(line("ffffffff80000000 T _start"), symbol(0xffff_ffff_8000_0000, "_start"));
        assert_eq!(
            line("ffff800080010000 t bcm2835_handle_irq [irq]"),
            symbol(0xffff_8000_8001_0000, "bcm2835_handle_irq")
        );
        for other in ["ffffffff81000000 D jiffies", "x T y", "", "12"] {
            assert_eq!(line(other), None, "{other}");
        }
    }
}
