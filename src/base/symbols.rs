//! Names of guest code, for logs and profiles: the symbols of the ELF programs that were loaded, process-wide.

use std::sync::RwLock;

/// A function of a guest program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Virtual address of its first byte.
    pub address: u64,
    /// Bytes; 0 when the program does not say.
    pub size: u64,
    /// Its name.
    pub name: String,
}

/// By address, no two at the same.
static SYMBOLS: RwLock<Vec<Symbol>> = RwLock::new(Vec::new());

/// Adds a program's symbols. Where it knows an address that another program has named, the new name counts.
pub fn add(mut new: Vec<Symbol>) {
    let mut all = SYMBOLS.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    new.append(&mut all);
    new.sort_by_key(|symbol| symbol.address);
    new.dedup_by_key(|symbol| symbol.address);
    *all = new;
}

/// The function around an address, and how far into it that is: `main+0x10`.
pub fn at(address: u64) -> Option<String> {
    let all = SYMBOLS.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    let last = all.partition_point(|symbol| symbol.address <= address).checked_sub(1)?;
    let Symbol { address: start, size, name } = &all[last];
    match address - start {
        0 => Some(name.clone()),
        // Assembly often says no size: up to the next symbol, then.
        offset if offset < *size || (*size == 0 && last + 1 < all.len()) => Some(format!("{name}+{offset:#x}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_reach_as_far_as_they_say() {
        let symbol = |address, size, name: &str| Symbol { address, size, name: name.into() };
        add(vec![symbol(0x9000, 0, "start"), symbol(0x9010, 8, "main"), symbol(0x9030, 0, "end")]);
        add(vec![symbol(0x9010, 16, "other")]);
        let at = |address| at(address).unwrap_or_default();
        assert_eq!([at(0x9000), at(0x9004), at(0x9010)], ["start", "start+0x4", "other"]);
        assert_eq!([at(0x901f), at(0x9020), at(0x9030), at(0x9031)], ["other+0xf", "", "end", ""]);
    }
}
