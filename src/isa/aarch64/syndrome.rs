//! What the syndrome of a data abort says of the instruction that made the access.

use crate::base::bits::{bit, bits};

/// ISV and what goes with it (bits 24:14), for hypervisors that emulate a device: there for loads and stores of one
/// general register without write-back. 0: not there.
pub fn of_access(word: u32) -> u64 {
    let word = u64::from(word);
    let is = |mask: u64, value: u64| word & mask == value;
    // LDR and STR with an immediate, LDUR and STUR, LDTR and STTR, a register; LDAPUR and STLUR.
    let plain = is(0x3f00_0000, 0x3900_0000)
        || is(0x3f20_0400, 0x3800_0000)
        || is(0x3f20_0c00, 0x3820_0800)
        || is(0x3f20_0c00, 0x1900_0000);
    let (size, signed, wide, ordered) = if plain {
        let (size, op) = (bits(word, 31, 30), bits(word, 23, 22));
        let wide = if op >= 2 { op == 2 } else { size == 3 };
        (size, op >= 2, wide, is(0x3f20_0c00, 0x1900_0000))
    } else if is(0x3f00_0000, 0x1800_0000) {
        // LDR and LDRSW relative to the instruction.
        let op = bits(word, 31, 30);
        (if op == 1 { 3 } else { 2 }, op == 2, op != 0, false)
    } else if is(0x3fa0_0000, 0x0880_0000) {
        // LDAR and STLR; LDLAR and STLLR.
        (bits(word, 31, 30), false, bits(word, 31, 30) == 3, bit(word, 15))
    } else if is(0x3fff_fc00, 0x38bf_c000) {
        // LDAPR.
        (bits(word, 31, 30), false, bits(word, 31, 30) == 3, true)
    } else if is(0xff20_0c00, 0xf820_0400) {
        // LDRAA and LDRAB.
        (3, false, true, false)
    } else {
        return 0;
    };
    let fields = size << 22 | u64::from(signed) << 21 | bits(word, 4, 0) << 16;
    1 << 24 | fields | u64::from(wide) << 15 | u64::from(ordered) << 14
}

/// Whether an instruction reads and writes its memory: an atomic, of which WnR says only that no read would have failed.
pub fn is_atomic(word: u32) -> bool {
    let is = |mask: u32, value: u32| word & mask == value;
    let load = is(0x3fff_fc00, 0x38bf_c000);
    is(0x3f20_0c00, 0x3820_0000) && !load || is(0x3fa0_7c00, 0x08a0_7c00) || is(0xbfa0_7c00, 0x0820_7c00)
}

/// Whether an instruction is a load-exclusive.
pub fn is_load_exclusive(word: u32) -> bool {
    word & 0x3fc0_0000 == 0x0840_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_of_one_register_are_described() {
        // ldr x0, [x1]; str w2, [x1]; ldrsb x5, [x1]; ldrsh w5, [x1]; ldar x0, [x1]
        assert_eq!(of_access(0xf940_0020), 1 << 24 | 3 << 22 | 1 << 15);
        assert_eq!(of_access(0xb900_0022), 1 << 24 | 2 << 22 | 2 << 16);
        assert_eq!(of_access(0x3980_0025), 1 << 24 | 1 << 21 | 5 << 16 | 1 << 15);
        assert_eq!(of_access(0x79c0_0025), 1 << 24 | 1 << 22 | 1 << 21 | 5 << 16);
        assert_eq!(of_access(0xc8df_fc20), 1 << 24 | 3 << 22 | 3 << 14);
        // With write-back, of a pair, of a vector register, exclusive, atomic.
        for word in [0xf840_8420, 0xa940_0420, 0x3dc0_0020, 0xc85f_7c20, 0xf820_0022] {
            assert_eq!(of_access(word), 0, "{word:#x}");
        }
    }

    #[test]
    fn atomics_are_told_from_loads_and_stores() {
        for word in [0xf820_0022, 0xf820_8022, 0xc8a0_7c22, 0x4820_7c24] {
            assert!(is_atomic(word), "{word:#x}");
        }
        for word in [0xf940_0020, 0xf8bf_c020, 0xc85f_7c20, 0xc802_7c20, 0xf862_6820] {
            assert!(!is_atomic(word), "{word:#x}");
        }
        assert!(is_load_exclusive(0xc85f_7c20) && is_load_exclusive(0xc87f_0420) && !is_load_exclusive(0xc802_7c20));
        assert!(!is_load_exclusive(0xc8df_fc20));
    }
}
