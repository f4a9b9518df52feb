//! Bit fields as the manuals write them.

/// Bits `hi..=lo` of `value`, right aligned.
pub const fn bits(value: u64, hi: u32, lo: u32) -> u64 {
    (value >> lo) & mask(hi - lo + 1)
}

/// Bit `n` of `value`.
pub const fn bit(value: u64, n: u32) -> bool {
    value >> n & 1 != 0
}

/// A mask of the `width` lowest bits; `width` may be 64.
pub const fn mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// `value` with the field `field` (a mask) replaced by `new`, which is given right aligned.
pub const fn with_field(value: u64, field: u64, new: u64) -> u64 {
    (value & !field) | ((new << field.trailing_zeros()) & field)
}

/// The field `field` (a mask) of `value`, right aligned.
pub const fn field(value: u64, field: u64) -> u64 {
    (value & field) >> field.trailing_zeros()
}

/// The low `width` bits of `value`, sign-extended to 64; `width` is 1 to 64.
pub const fn sext(value: u64, width: u32) -> u64 {
    (((value << (64 - width)) as i64) >> (64 - width)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_and_replaced() {
        assert_eq!(bits(0xabcd, 11, 4), 0xbc);
        assert_eq!(field(0xabcd, 0x0ff0), 0xbc);
        assert_eq!(with_field(0xabcd, 0x0ff0, 0x12), 0xa12d);
        assert_eq!(sext(0x80, 8), 0xffff_ffff_ffff_ff80);
        assert_eq!(mask(64), u64::MAX);
    }
}
