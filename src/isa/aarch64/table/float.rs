//! Scalar floats.

use super::{Row, table};
use crate::float::Format::{self, F16, F32, F64};
use crate::float::{MinMax, Round};
use crate::ir::FloatOp;
use crate::isa::aarch64::lift::{float, float_convert};

/// The rows.
pub static ROWS: &[Row] = table! {
    // Fixed point
    "z 0 0 11110 tt 0 00 010 iiiiii nnnnn ddddd"  "scvtf" "fd, rn, fbits" [FP; fixed] float_convert::from_fixed(true);
    "z 0 0 11110 tt 0 00 011 iiiiii nnnnn ddddd"  "ucvtf" "fd, rn, fbits" [FP; fixed] float_convert::from_fixed(false);
    "z 0 0 11110 tt 0 11 000 iiiiii nnnnn ddddd"  "fcvtzs" "rd, fn, fbits" [FP; fixed] float_convert::to_fixed(true);
    "z 0 0 11110 tt 0 11 001 iiiiii nnnnn ddddd"  "fcvtzu" "rd, fn, fbits" [FP; fixed] float_convert::to_fixed(false);

    // Integers
    "z 0 0 11110 tt 1 00 000 000000 nnnnn ddddd"  "fcvtns" "rd, fn" [FP; float] float_convert::to_int(Round::NearestEven, true);
    "z 0 0 11110 tt 1 00 001 000000 nnnnn ddddd"  "fcvtnu" "rd, fn" [FP; float] float_convert::to_int(Round::NearestEven, false);
    "z 0 0 11110 tt 1 01 000 000000 nnnnn ddddd"  "fcvtps" "rd, fn" [FP; float] float_convert::to_int(Round::Up, true);
    "z 0 0 11110 tt 1 01 001 000000 nnnnn ddddd"  "fcvtpu" "rd, fn" [FP; float] float_convert::to_int(Round::Up, false);
    "z 0 0 11110 tt 1 10 000 000000 nnnnn ddddd"  "fcvtms" "rd, fn" [FP; float] float_convert::to_int(Round::Down, true);
    "z 0 0 11110 tt 1 10 001 000000 nnnnn ddddd"  "fcvtmu" "rd, fn" [FP; float] float_convert::to_int(Round::Down, false);
    "z 0 0 11110 tt 1 11 000 000000 nnnnn ddddd"  "fcvtzs" "rd, fn" [FP; float] float_convert::to_int(Round::TowardZero, true);
    "z 0 0 11110 tt 1 11 001 000000 nnnnn ddddd"  "fcvtzu" "rd, fn" [FP; float] float_convert::to_int(Round::TowardZero, false);
    "z 0 0 11110 tt 1 00 100 000000 nnnnn ddddd"  "fcvtas" "rd, fn" [FP; float] float_convert::to_int(Round::NearestAway, true);
    "z 0 0 11110 tt 1 00 010 000000 nnnnn ddddd"  "scvtf" "fd, rn" [FP; float] float_convert::from_int(true);
    "z 0 0 11110 tt 1 00 101 000000 nnnnn ddddd"  "fcvtau" "rd, fn" [FP; float] float_convert::to_int(Round::NearestAway, false);
    "z 0 0 11110 tt 1 00 011 000000 nnnnn ddddd"  "ucvtf" "fd, rn" [FP; float] float_convert::from_int(false);
    "0 0 0 11110 01 1 11 110 000000 nnnnn ddddd"  "fjcvtzs" "wd, dn" [FP JSCVT] float_convert::javascript();
    "0 0 0 11110 00 1 00 110 000000 nnnnn ddddd"  "fmov" "wd, sn" [FP] float_convert::move_to_x(F32);
    "0 0 0 11110 00 1 00 111 000000 nnnnn ddddd"  "fmov" "sd, wn" [FP] float_convert::move_from_x(F32);
    "z 0 0 11110 11 1 00 110 000000 nnnnn ddddd"  "fmov" "rd, hn" [FP FP16] float_convert::move_to_x(F16);
    "z 0 0 11110 11 1 00 111 000000 nnnnn ddddd"  "fmov" "hd, rn" [FP FP16] float_convert::move_from_x(F16);
    "1 0 0 11110 01 1 00 110 000000 nnnnn ddddd"  "fmov" "xd, dn" [FP] float_convert::move_to_x(F64);
    "1 0 0 11110 01 1 00 111 000000 nnnnn ddddd"  "fmov" "dd, xn" [FP] float_convert::move_from_x(F64);
    "1 0 0 11110 10 1 01 110 000000 nnnnn ddddd"  "fmov" "xd, vn.d[1]" [FP] float_convert::move_from_high();
    "1 0 0 11110 10 1 01 111 000000 nnnnn ddddd"  "fmov" "vd.d[1], xn" [FP] float_convert::move_to_high();

    // One operand
    "000 11110 tt 1 000000 10000 nnnnn ddddd"  "fmov" "fd, fn" [FP; float] float::move_float();
    "000 11110 tt 1 000001 10000 nnnnn ddddd"  "fabs" "fd, fn" [FP; float] float::sign(FloatOp::Abs);
    "000 11110 tt 1 000010 10000 nnnnn ddddd"  "fneg" "fd, fn" [FP; float] float::sign(FloatOp::Neg);
    "000 11110 tt 1 000011 10000 nnnnn ddddd"  "fsqrt" "fd, fn" [FP; float] float::sqrt();
    "000 11110 00 1 000101 10000 nnnnn ddddd"  "fcvt" "dd, sn" [FP] float_convert::convert(F32, F64);
    "000 11110 00 1 000111 10000 nnnnn ddddd"  "fcvt" "hd, sn" [FP] float_convert::convert(F32, F16);
    "000 11110 01 1 000100 10000 nnnnn ddddd"  "fcvt" "sd, dn" [FP] float_convert::convert(F64, F32);
    "000 11110 01 1 000111 10000 nnnnn ddddd"  "fcvt" "hd, dn" [FP] float_convert::convert(F64, F16);
    "000 11110 11 1 000100 10000 nnnnn ddddd"  "fcvt" "sd, hn" [FP] float_convert::convert(F16, F32);
    "000 11110 11 1 000101 10000 nnnnn ddddd"  "fcvt" "dd, hn" [FP] float_convert::convert(F16, F64);
    "000 11110 01 1 000110 10000 nnnnn ddddd"  "bfcvt" "hd, sn" [FP BF16] float_convert::convert(F32, Format::BF16);
    "000 11110 tt 1 001000 10000 nnnnn ddddd"  "frintn" "fd, fn" [FP; float] float::round(Some(Round::NearestEven), false);
    "000 11110 tt 1 001001 10000 nnnnn ddddd"  "frintp" "fd, fn" [FP; float] float::round(Some(Round::Up), false);
    "000 11110 tt 1 001010 10000 nnnnn ddddd"  "frintm" "fd, fn" [FP; float] float::round(Some(Round::Down), false);
    "000 11110 tt 1 001011 10000 nnnnn ddddd"  "frintz" "fd, fn" [FP; float] float::round(Some(Round::TowardZero), false);
    "000 11110 tt 1 001100 10000 nnnnn ddddd"  "frinta" "fd, fn" [FP; float] float::round(Some(Round::NearestAway), false);
    "000 11110 tt 1 001110 10000 nnnnn ddddd"  "frintx" "fd, fn" [FP; float] float::round(None, true);
    "000 11110 tt 1 001111 10000 nnnnn ddddd"  "frinti" "fd, fn" [FP; float] float::round(None, false);
    "000 11110 tt 1 010000 10000 nnnnn ddddd"  "frint32z" "fd, fn" [FP FRINTTS; single_or_double] float_convert::round_to_size(32, true);
    "000 11110 tt 1 010001 10000 nnnnn ddddd"  "frint32x" "fd, fn" [FP FRINTTS; single_or_double] float_convert::round_to_size(32, false);
    "000 11110 tt 1 010010 10000 nnnnn ddddd"  "frint64z" "fd, fn" [FP FRINTTS; single_or_double] float_convert::round_to_size(64, true);
    "000 11110 tt 1 010011 10000 nnnnn ddddd"  "frint64x" "fd, fn" [FP FRINTTS; single_or_double] float_convert::round_to_size(64, false);

    // Comparisons
    "000 11110 tt 1 mmmmm 00 1000 nnnnn 00000"  "fcmp" "fn, fm" [FP; float] float::compare(false, false);
    "000 11110 tt 1 mmmmm 00 1000 nnnnn 01000"  "fcmp" "fn, zero" [FP; float] float::compare(false, true);
    "000 11110 tt 1 mmmmm 00 1000 nnnnn 10000"  "fcmpe" "fn, fm" [FP; float] float::compare(true, false);
    "000 11110 tt 1 mmmmm 00 1000 nnnnn 11000"  "fcmpe" "fn, zero" [FP; float] float::compare(true, true);
    "000 11110 tt 1 mmmmm cccc 01 nnnnn 0 iiii"  "fccmp" "fn, fm, nzcv, cond" [FP; float] float::conditional_compare(false);
    "000 11110 tt 1 mmmmm cccc 01 nnnnn 1 iiii"  "fccmpe" "fn, fm, nzcv, cond" [FP; float] float::conditional_compare(true);
    "000 11110 tt 1 mmmmm cccc 11 nnnnn ddddd"  "fcsel" "fd, fn, fm, cond" [FP; float] float::select();
    "000 11110 tt 1 iiiiiiii 100 00000 ddddd"  "fmov" "fd, fimm" [FP; float] float::move_immediate();

    // Two operands
    "000 11110 tt 1 mmmmm 0000 10 nnnnn ddddd"  "fmul" "fd, fn, fm" [FP; float] float::arith(FloatOp::Mul);
    "000 11110 tt 1 mmmmm 0001 10 nnnnn ddddd"  "fdiv" "fd, fn, fm" [FP; float] float::arith(FloatOp::Div);
    "000 11110 tt 1 mmmmm 0010 10 nnnnn ddddd"  "fadd" "fd, fn, fm" [FP; float] float::arith(FloatOp::Add);
    "000 11110 tt 1 mmmmm 0011 10 nnnnn ddddd"  "fsub" "fd, fn, fm" [FP; float] float::arith(FloatOp::Sub);
    "000 11110 tt 1 mmmmm 0100 10 nnnnn ddddd"  "fmax" "fd, fn, fm" [FP; float] float::arith(FloatOp::Max(MinMax::Propagate));
    "000 11110 tt 1 mmmmm 0101 10 nnnnn ddddd"  "fmin" "fd, fn, fm" [FP; float] float::arith(FloatOp::Min(MinMax::Propagate));
    "000 11110 tt 1 mmmmm 0110 10 nnnnn ddddd"  "fmaxnm" "fd, fn, fm" [FP; float] float::arith(FloatOp::Max(MinMax::Number2008));
    "000 11110 tt 1 mmmmm 0111 10 nnnnn ddddd"  "fminnm" "fd, fn, fm" [FP; float] float::arith(FloatOp::Min(MinMax::Number2008));
    "000 11110 tt 1 mmmmm 1000 10 nnnnn ddddd"  "fnmul" "fd, fn, fm" [FP; float] float::nmul();

    // Three operands
    "000 11111 tt 0 mmmmm 0 aaaaa nnnnn ddddd"  "fmadd" "fd, fn, fm, fa" [FP; float] float::fused(false, false);
    "000 11111 tt 0 mmmmm 1 aaaaa nnnnn ddddd"  "fmsub" "fd, fn, fm, fa" [FP; float] float::fused(true, false);
    "000 11111 tt 1 mmmmm 0 aaaaa nnnnn ddddd"  "fnmadd" "fd, fn, fm, fa" [FP; float] float::fused(true, true);
    "000 11111 tt 1 mmmmm 1 aaaaa nnnnn ddddd"  "fnmsub" "fd, fn, fm, fa" [FP; float] float::fused(false, true);
};
