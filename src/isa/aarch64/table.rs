//! The table of instructions: a row each. What is not here and not Advanced SIMD is unallocated.
//!
//! A row is the encoding with a letter a field bit (`z` sf, `d` Rd or Rt, `n` Rn, `m` Rm, `s` Rs, `a` Ra or Rt2,
//! `i` immediate, `t` float type, `c` condition, others as the manual describes them), the mnemonic, the operands as
//! [`super::disasm`] writes them, the features and, behind `;`, a condition of [`super::decode::only`] on the fields, and what lifts it.
//! Of rows that overlap the first one counts; it is always the narrower one.

mod float;
mod integer;
mod memory;

use super::decode::Row;

macro_rules! table {
    ($($bits:literal $name:literal $operands:literal [$($needs:ident)+ $(; $only:ident)?]
       $lift:ident :: $function:ident ($($arg:expr),*);)*) => {
        &[$(Row {
            mask: const { $crate::isa::aarch64::decode::Pattern::parse($bits).mask },
            value: const { $crate::isa::aarch64::decode::Pattern::parse($bits).value },
            name: $name,
            operands: $operands,
            needs: $crate::isa::aarch64::features::Features::NONE
                $(.with($crate::isa::aarch64::features::Features::$needs))+,
            only: table!(@only $($only)?),
            lift: |l: &mut $crate::isa::aarch64::lift::Lift, i: $crate::isa::aarch64::decode::Insn| {
                $lift::$function(l, i, $($arg),*)
            },
        },)*]
    };
    (@only) => { $crate::isa::aarch64::decode::only::always };
    (@only $only:ident) => { $crate::isa::aarch64::decode::only::$only };
}
use table;

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    integer::ROWS.iter().chain(memory::ROWS).chain(float::ROWS)
}
