//! Vectors as lanes: reading, building, extending.

/// A vector register: the low half first.
pub type V = [u64; 2];

/// All ones in the low `bits` (1 to 64).
#[inline]
pub const fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// Lane `index` of `bits` bits, zero-extended.
#[inline]
pub const fn get(v: V, bits: u32, index: u32) -> u64 {
    let at = index * bits;
    v[(at >> 6 & 1) as usize] >> (at & 63) & mask(bits)
}

/// `v` with one more lane; that lane must be zero.
#[inline]
pub fn put(v: &mut V, bits: u32, index: u32, value: u64) {
    let at = index * bits;
    v[(at >> 6 & 1) as usize] |= (value & mask(bits)) << (at & 63);
}

/// Replaces a lane.
#[inline]
pub fn insert(v: &mut V, bits: u32, index: u32, value: u64) {
    let at = index * bits;
    v[(at >> 6 & 1) as usize] &= !(mask(bits) << (at & 63));
    put(v, bits, index, value);
}

/// A vector of `count` lanes.
#[inline]
pub fn build(bits: u32, count: u32, mut lane: impl FnMut(u32) -> u64) -> V {
    let mut v = [0; 2];
    for index in 0..count {
        put(&mut v, bits, index, lane(index));
    }
    v
}

/// The low `bits` of `value` in every lane.
#[inline]
pub fn broadcast(bits: u32, value: u64) -> V {
    let mut all = value & mask(bits);
    let mut width = bits;
    while width < 64 {
        all |= all << width;
        width *= 2;
    }
    [all, all]
}

/// The number in the low `bits` of `value`.
#[inline]
pub const fn number(signed: bool, bits: u32, value: u64) -> i128 {
    if signed { (value << (64 - bits)) as i64 as i128 >> (64 - bits) } else { (value & mask(bits)) as i128 }
}

/// As one number.
#[inline]
pub const fn wide(v: V) -> u128 {
    v[0] as u128 | (v[1] as u128) << 64
}

/// The two halves of a number.
#[inline]
pub const fn halves(v: u128) -> V {
    [v as u64, (v >> 64) as u64]
}
