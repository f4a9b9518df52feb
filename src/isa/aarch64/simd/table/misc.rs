//! Vector instructions of two registers, across lanes, copies, permutations, immediates, shifts.

use super::super::fp::Direction;
use super::super::insn::Lane::{H, Sd, Z};
use super::super::int::{S, U};
use super::super::moves::{
    dup_element, dup_general, ext, immediate, ins_element, ins_general, smov, table, trn, umov, uzp, zip,
};
use super::super::shape::{
    accumulate1, across, across_float, across_long, bfcvtn, bytes1, halves1, left_long1, left1, left2, long_float1,
    map1, narrow_float1, narrow1, pair_long_accumulate1, pair_long1, right_narrow1, right1, right2, rint, rint_to,
    shll, to_int,
};
use super::super::{estimate, fp, int, products, shift};
use super::{Row, rows};

/// The rows.
pub static ROWS: &[Row] = rows! { Data
    // Two registers, miscellaneous
    "0 q 0 01110 zz 10000 00000 10 nnnnn ddddd"    "rev64"     ASIMD   bhs      halves1(int::rev::<64>);
    "0 q 1 01110 zz 10000 00000 10 nnnnn ddddd"    "rev32"     ASIMD   bh       halves1(int::rev::<32>);
    "0 q 0 01110 00 10000 00001 10 nnnnn ddddd"    "rev16"     ASIMD   any      halves1(int::rev::<16>);
    "0 q 0 01110 zz 10000 00010 10 nnnnn ddddd"    "saddlp"    ASIMD   bhs      pair_long1(products::pair_sum::<S>);
    "0 q 1 01110 zz 10000 00010 10 nnnnn ddddd"    "uaddlp"    ASIMD   bhs      pair_long1(products::pair_sum::<U>);
    "0 q 0 01110 zz 10000 00011 10 nnnnn ddddd"    "suqadd"    ASIMD   bhsd     accumulate1(Z, int::qadd_mixed::<S>);
    "0 q 1 01110 zz 10000 00011 10 nnnnn ddddd"    "usqadd"    ASIMD   bhsd     accumulate1(Z, int::qadd_mixed::<U>);
    "0 q 0 01110 zz 10000 00100 10 nnnnn ddddd"    "cls"       ASIMD   bhs      map1(Z, int::cls);
    "0 q 1 01110 zz 10000 00100 10 nnnnn ddddd"    "clz"       ASIMD   bhs      map1(Z, int::clz);
    "0 q 0 01110 00 10000 00101 10 nnnnn ddddd"    "cnt"       ASIMD   any      map1(Z, int::cnt);
    "0 q 1 01110 00 10000 00101 10 nnnnn ddddd"    "not"       ASIMD   any      map1(Z, int::not);
    "0 q 1 01110 01 10000 00101 10 nnnnn ddddd"    "rbit"      ASIMD   any      bytes1(int::rbit);
    "0 q 0 01110 zz 10000 00110 10 nnnnn ddddd"    "sadalp"    ASIMD   bhs      pair_long_accumulate1(products::pair_sum::<S>);
    "0 q 1 01110 zz 10000 00110 10 nnnnn ddddd"    "uadalp"    ASIMD   bhs      pair_long_accumulate1(products::pair_sum::<U>);
    "0 q 0 01110 zz 10000 00111 10 nnnnn ddddd"    "sqabs"     ASIMD   bhsd     map1(Z, int::qabs);
    "0 q 1 01110 zz 10000 00111 10 nnnnn ddddd"    "sqneg"     ASIMD   bhsd     map1(Z, int::qneg);
    "0 q 0 01110 zz 10000 01000 10 nnnnn ddddd"    "cmgt"      ASIMD   bhsd     map1(Z, int::cmgt0);
    "0 q 1 01110 zz 10000 01000 10 nnnnn ddddd"    "cmge"      ASIMD   bhsd     map1(Z, int::cmge0);
    "0 q 0 01110 zz 10000 01001 10 nnnnn ddddd"    "cmeq"      ASIMD   bhsd     map1(Z, int::cmeq0);
    "0 q 1 01110 zz 10000 01001 10 nnnnn ddddd"    "cmle"      ASIMD   bhsd     map1(Z, int::cmle0);
    "0 q 0 01110 zz 10000 01010 10 nnnnn ddddd"    "cmlt"      ASIMD   bhsd     map1(Z, int::cmlt0);
    "0 q 0 01110 zz 10000 01011 10 nnnnn ddddd"    "abs"       ASIMD   bhsd     map1(Z, int::abs);
    "0 q 1 01110 zz 10000 01011 10 nnnnn ddddd"    "neg"       ASIMD   bhsd     map1(Z, int::neg);
    "0 q 0 01110 zz 10000 10010 10 nnnnn ddddd"    "xtn"       ASIMD   bhs      narrow1(int::xtn);
    "0 q 1 01110 zz 10000 10010 10 nnnnn ddddd"    "sqxtun"    ASIMD   bhs      narrow1(int::qxtn::<S, U>);
    "0 q 0 01110 zz 10000 10100 10 nnnnn ddddd"    "sqxtn"     ASIMD   bhs      narrow1(int::qxtn::<S, S>);
    "0 q 1 01110 zz 10000 10100 10 nnnnn ddddd"    "uqxtn"     ASIMD   bhs      narrow1(int::qxtn::<U, U>);
    "0 q 1 01110 zz 10000 10011 10 nnnnn ddddd"    "shll"      ASIMD   bhs      shll();
    "0 q 0 01110 0z 10000 10110 10 nnnnn ddddd"    "fcvtn"     ASIMD   any      narrow_float1(fp::cvtn);
    "0 q 1 01110 01 10000 10110 10 nnnnn ddddd"    "fcvtxn"    ASIMD   any      narrow_float1(fp::cvtxn);
    "0 q 0 01110 10 10000 10110 10 nnnnn ddddd"    "bfcvtn"    BF16    any      bfcvtn();
    "0 q 0 01110 0z 10000 10111 10 nnnnn ddddd"    "fcvtl"     ASIMD   any      long_float1(fp::cvtl);
    "0 q 0 01110 1z 10000 01100 10 nnnnn ddddd"    "fcmgt"     ASIMD   sd       map1(Sd, fp::cmgt0);
    "0 q 1 01110 1z 10000 01100 10 nnnnn ddddd"    "fcmge"     ASIMD   sd       map1(Sd, fp::cmge0);
    "0 q 0 01110 1z 10000 01101 10 nnnnn ddddd"    "fcmeq"     ASIMD   sd       map1(Sd, fp::cmeq0);
    "0 q 1 01110 1z 10000 01101 10 nnnnn ddddd"    "fcmle"     ASIMD   sd       map1(Sd, fp::cmle0);
    "0 q 0 01110 1z 10000 01110 10 nnnnn ddddd"    "fcmlt"     ASIMD   sd       map1(Sd, fp::cmlt0);
    "0 q 0 01110 1z 10000 01111 10 nnnnn ddddd"    "fabs"      ASIMD   sd       map1(Sd, fp::abs);
    "0 q 1 01110 1z 10000 01111 10 nnnnn ddddd"    "fneg"      ASIMD   sd       map1(Sd, fp::neg);
    "0 q 0 01110 0z 10000 11000 10 nnnnn ddddd"    "frintn"    ASIMD   sd       rint(Sd, Direction::N, false);
    "0 q 0 01110 1z 10000 11000 10 nnnnn ddddd"    "frintp"    ASIMD   sd       rint(Sd, Direction::P, false);
    "0 q 1 01110 0z 10000 11000 10 nnnnn ddddd"    "frinta"    ASIMD   sd       rint(Sd, Direction::A, false);
    "0 q 0 01110 0z 10000 11001 10 nnnnn ddddd"    "frintm"    ASIMD   sd       rint(Sd, Direction::M, false);
    "0 q 0 01110 1z 10000 11001 10 nnnnn ddddd"    "frintz"    ASIMD   sd       rint(Sd, Direction::Z, false);
    "0 q 1 01110 0z 10000 11001 10 nnnnn ddddd"    "frintx"    ASIMD   sd       rint(Sd, Direction::Fpcr, true);
    "0 q 1 01110 1z 10000 11001 10 nnnnn ddddd"    "frinti"    ASIMD   sd       rint(Sd, Direction::Fpcr, false);
    "0 q 0 01110 0z 10000 11010 10 nnnnn ddddd"    "fcvtns"    ASIMD   sd       to_int(Sd, Direction::N, true);
    "0 q 1 01110 0z 10000 11010 10 nnnnn ddddd"    "fcvtnu"    ASIMD   sd       to_int(Sd, Direction::N, false);
    "0 q 0 01110 1z 10000 11010 10 nnnnn ddddd"    "fcvtps"    ASIMD   sd       to_int(Sd, Direction::P, true);
    "0 q 1 01110 1z 10000 11010 10 nnnnn ddddd"    "fcvtpu"    ASIMD   sd       to_int(Sd, Direction::P, false);
    "0 q 0 01110 0z 10000 11011 10 nnnnn ddddd"    "fcvtms"    ASIMD   sd       to_int(Sd, Direction::M, true);
    "0 q 1 01110 0z 10000 11011 10 nnnnn ddddd"    "fcvtmu"    ASIMD   sd       to_int(Sd, Direction::M, false);
    "0 q 0 01110 1z 10000 11011 10 nnnnn ddddd"    "fcvtzs"    ASIMD   sd       to_int(Sd, Direction::Z, true);
    "0 q 1 01110 1z 10000 11011 10 nnnnn ddddd"    "fcvtzu"    ASIMD   sd       to_int(Sd, Direction::Z, false);
    "0 q 0 01110 0z 10000 11100 10 nnnnn ddddd"    "fcvtas"    ASIMD   sd       to_int(Sd, Direction::A, true);
    "0 q 1 01110 0z 10000 11100 10 nnnnn ddddd"    "fcvtau"    ASIMD   sd       to_int(Sd, Direction::A, false);
    "0 q 0 01110 0z 10000 11101 10 nnnnn ddddd"    "scvtf"     ASIMD   sd       map1(Sd, fp::from_int::<S>);
    "0 q 1 01110 0z 10000 11101 10 nnnnn ddddd"    "ucvtf"     ASIMD   sd       map1(Sd, fp::from_int::<U>);
    "0 q 0 01110 1z 10000 11101 10 nnnnn ddddd"    "frecpe"    ASIMD   sd       map1(Sd, estimate::frecpe);
    "0 q 1 01110 1z 10000 11101 10 nnnnn ddddd"    "frsqrte"   ASIMD   sd       map1(Sd, estimate::frsqrte);
    "0 q 1 01110 1z 10000 11111 10 nnnnn ddddd"    "fsqrt"     ASIMD   sd       map1(Sd, fp::sqrt);
    "0 q 0 01110 10 10000 11100 10 nnnnn ddddd"    "urecpe"    ASIMD   any      map1(Sd, estimate::urecpe);
    "0 q 1 01110 10 10000 11100 10 nnnnn ddddd"    "ursqrte"   ASIMD   any      map1(Sd, estimate::ursqrte);
    "0 q 0 01110 0z 10000 11110 10 nnnnn ddddd"    "frint32z"  FRINTTS sd       rint_to(Direction::Z, 32);
    "0 q 1 01110 0z 10000 11110 10 nnnnn ddddd"    "frint32x"  FRINTTS sd       rint_to(Direction::Fpcr, 32);
    "0 q 0 01110 0z 10000 11111 10 nnnnn ddddd"    "frint64z"  FRINTTS sd       rint_to(Direction::Z, 64);
    "0 q 1 01110 0z 10000 11111 10 nnnnn ddddd"    "frint64x"  FRINTTS sd       rint_to(Direction::Fpcr, 64);

    // The same in half precision
    "0 q 0 01110 11 11100 01100 10 nnnnn ddddd"    "fcmgt"     FP16    any      map1(H, fp::cmgt0);
    "0 q 1 01110 11 11100 01100 10 nnnnn ddddd"    "fcmge"     FP16    any      map1(H, fp::cmge0);
    "0 q 0 01110 11 11100 01101 10 nnnnn ddddd"    "fcmeq"     FP16    any      map1(H, fp::cmeq0);
    "0 q 1 01110 11 11100 01101 10 nnnnn ddddd"    "fcmle"     FP16    any      map1(H, fp::cmle0);
    "0 q 0 01110 11 11100 01110 10 nnnnn ddddd"    "fcmlt"     FP16    any      map1(H, fp::cmlt0);
    "0 q 0 01110 11 11100 01111 10 nnnnn ddddd"    "fabs"      FP16    any      map1(H, fp::abs);
    "0 q 1 01110 11 11100 01111 10 nnnnn ddddd"    "fneg"      FP16    any      map1(H, fp::neg);
    "0 q 0 01110 01 11100 11000 10 nnnnn ddddd"    "frintn"    FP16    any      rint(H, Direction::N, false);
    "0 q 0 01110 11 11100 11000 10 nnnnn ddddd"    "frintp"    FP16    any      rint(H, Direction::P, false);
    "0 q 1 01110 01 11100 11000 10 nnnnn ddddd"    "frinta"    FP16    any      rint(H, Direction::A, false);
    "0 q 0 01110 01 11100 11001 10 nnnnn ddddd"    "frintm"    FP16    any      rint(H, Direction::M, false);
    "0 q 0 01110 11 11100 11001 10 nnnnn ddddd"    "frintz"    FP16    any      rint(H, Direction::Z, false);
    "0 q 1 01110 01 11100 11001 10 nnnnn ddddd"    "frintx"    FP16    any      rint(H, Direction::Fpcr, true);
    "0 q 1 01110 11 11100 11001 10 nnnnn ddddd"    "frinti"    FP16    any      rint(H, Direction::Fpcr, false);
    "0 q 0 01110 01 11100 11010 10 nnnnn ddddd"    "fcvtns"    FP16    any      to_int(H, Direction::N, true);
    "0 q 1 01110 01 11100 11010 10 nnnnn ddddd"    "fcvtnu"    FP16    any      to_int(H, Direction::N, false);
    "0 q 0 01110 11 11100 11010 10 nnnnn ddddd"    "fcvtps"    FP16    any      to_int(H, Direction::P, true);
    "0 q 1 01110 11 11100 11010 10 nnnnn ddddd"    "fcvtpu"    FP16    any      to_int(H, Direction::P, false);
    "0 q 0 01110 01 11100 11011 10 nnnnn ddddd"    "fcvtms"    FP16    any      to_int(H, Direction::M, true);
    "0 q 1 01110 01 11100 11011 10 nnnnn ddddd"    "fcvtmu"    FP16    any      to_int(H, Direction::M, false);
    "0 q 0 01110 11 11100 11011 10 nnnnn ddddd"    "fcvtzs"    FP16    any      to_int(H, Direction::Z, true);
    "0 q 1 01110 11 11100 11011 10 nnnnn ddddd"    "fcvtzu"    FP16    any      to_int(H, Direction::Z, false);
    "0 q 0 01110 01 11100 11100 10 nnnnn ddddd"    "fcvtas"    FP16    any      to_int(H, Direction::A, true);
    "0 q 1 01110 01 11100 11100 10 nnnnn ddddd"    "fcvtau"    FP16    any      to_int(H, Direction::A, false);
    "0 q 0 01110 01 11100 11101 10 nnnnn ddddd"    "scvtf"     FP16    any      map1(H, fp::from_int::<S>);
    "0 q 1 01110 01 11100 11101 10 nnnnn ddddd"    "ucvtf"     FP16    any      map1(H, fp::from_int::<U>);
    "0 q 0 01110 11 11100 11101 10 nnnnn ddddd"    "frecpe"    FP16    any      map1(H, estimate::frecpe);
    "0 q 1 01110 11 11100 11101 10 nnnnn ddddd"    "frsqrte"   FP16    any      map1(H, estimate::frsqrte);
    "0 q 1 01110 11 11100 11111 10 nnnnn ddddd"    "fsqrt"     FP16    any      map1(H, fp::sqrt);

    // Across lanes
    "0 q 0 01110 zz 11000 00011 10 nnnnn ddddd"    "saddlv"    ASIMD   across   across_long(true);
    "0 q 1 01110 zz 11000 00011 10 nnnnn ddddd"    "uaddlv"    ASIMD   across   across_long(false);
    "0 q 0 01110 zz 11000 01010 10 nnnnn ddddd"    "smaxv"     ASIMD   across   across(int::max::<S>);
    "0 q 1 01110 zz 11000 01010 10 nnnnn ddddd"    "umaxv"     ASIMD   across   across(int::max::<U>);
    "0 q 0 01110 zz 11000 11010 10 nnnnn ddddd"    "sminv"     ASIMD   across   across(int::min::<S>);
    "0 q 1 01110 zz 11000 11010 10 nnnnn ddddd"    "uminv"     ASIMD   across   across(int::min::<U>);
    "0 q 0 01110 zz 11000 11011 10 nnnnn ddddd"    "addv"      ASIMD   across   across(int::add);
    "0 1 1 01110 00 11000 01100 10 nnnnn ddddd"    "fmaxnmv"   ASIMD   any      across_float(32, fp::maxnm);
    "0 q 0 01110 00 11000 01100 10 nnnnn ddddd"    "fmaxnmv"   FP16    any      across_float(16, fp::maxnm);
    "0 1 1 01110 10 11000 01100 10 nnnnn ddddd"    "fminnmv"   ASIMD   any      across_float(32, fp::minnm);
    "0 q 0 01110 10 11000 01100 10 nnnnn ddddd"    "fminnmv"   FP16    any      across_float(16, fp::minnm);
    "0 1 1 01110 00 11000 01111 10 nnnnn ddddd"    "fmaxv"     ASIMD   any      across_float(32, fp::max);
    "0 q 0 01110 00 11000 01111 10 nnnnn ddddd"    "fmaxv"     FP16    any      across_float(16, fp::max);
    "0 1 1 01110 10 11000 01111 10 nnnnn ddddd"    "fminv"     ASIMD   any      across_float(32, fp::min);
    "0 q 0 01110 10 11000 01111 10 nnnnn ddddd"    "fminv"     FP16    any      across_float(16, fp::min);

    // Copies
    "0 q 0 01110000 mmmmm 0 0000 1 nnnnn ddddd"    "dup"       ASIMD   element  dup_element();
    "0 q 0 01110000 mmmmm 0 0001 1 nnnnn ddddd"    "dup"       ASIMD   element  dup_general();
    "0 q 0 01110000 mmmmm 0 0101 1 nnnnn ddddd"    "smov"      ASIMD   signed_move smov();
    "0 q 0 01110000 mmmmm 0 0111 1 nnnnn ddddd"    "umov"      ASIMD   unsigned_move umov();
    "0 1 0 01110000 mmmmm 0 0011 1 nnnnn ddddd"    "ins"       ASIMD   element  ins_general();
    "0 1 1 01110000 mmmmm 0 iiii 1 nnnnn ddddd"    "ins"       ASIMD   element  ins_element();

    // Permutations
    "0 q 0 01110 zz 0 mmmmm 0 001 10 nnnnn ddddd"  "uzp1"      ASIMD   bhsd     uzp(0);
    "0 q 0 01110 zz 0 mmmmm 0 010 10 nnnnn ddddd"  "trn1"      ASIMD   bhsd     trn(0);
    "0 q 0 01110 zz 0 mmmmm 0 011 10 nnnnn ddddd"  "zip1"      ASIMD   bhsd     zip(0);
    "0 q 0 01110 zz 0 mmmmm 0 101 10 nnnnn ddddd"  "uzp2"      ASIMD   bhsd     uzp(1);
    "0 q 0 01110 zz 0 mmmmm 0 110 10 nnnnn ddddd"  "trn2"      ASIMD   bhsd     trn(1);
    "0 q 0 01110 zz 0 mmmmm 0 111 10 nnnnn ddddd"  "zip2"      ASIMD   bhsd     zip(1);
    "0 q 1 01110000 mmmmm 0 iiii 0 nnnnn ddddd"    "ext"       ASIMD   extract  ext();
    "0 q 0 01110000 mmmmm 0 ll 0 00 nnnnn ddddd"   "tbl"       ASIMD   any      table(false);
    "0 q 0 01110000 mmmmm 0 ll 1 00 nnnnn ddddd"   "tbx"       ASIMD   any      table(true);

    // Modified immediates
    "0 q 0 0111100000 iii 0ii0 01 iiiii ddddd"     "movi"      ASIMD   any      immediate(|_, imm| imm);
    "0 q 1 0111100000 iii 0ii0 01 iiiii ddddd"     "mvni"      ASIMD   any      immediate(|_, imm| !imm);
    "0 q 0 0111100000 iii 10i0 01 iiiii ddddd"     "movi"      ASIMD   any      immediate(|_, imm| imm);
    "0 q 1 0111100000 iii 10i0 01 iiiii ddddd"     "mvni"      ASIMD   any      immediate(|_, imm| !imm);
    "0 q 0 0111100000 iii 110i 01 iiiii ddddd"     "movi"      ASIMD   any      immediate(|_, imm| imm);
    "0 q 1 0111100000 iii 110i 01 iiiii ddddd"     "mvni"      ASIMD   any      immediate(|_, imm| !imm);
    "0 q 0 0111100000 iii 0ii1 01 iiiii ddddd"     "orr"       ASIMD   any      immediate(|d, imm| d | imm);
    "0 q 1 0111100000 iii 0ii1 01 iiiii ddddd"     "bic"       ASIMD   any      immediate(|d, imm| d & !imm);
    "0 q 0 0111100000 iii 10i1 01 iiiii ddddd"     "orr"       ASIMD   any      immediate(|d, imm| d | imm);
    "0 q 1 0111100000 iii 10i1 01 iiiii ddddd"     "bic"       ASIMD   any      immediate(|d, imm| d & !imm);
    "0 q i 0111100000 iii 1110 01 iiiii ddddd"     "movi"      ASIMD   any      immediate(|_, imm| imm);
    "0 q 0 0111100000 iii 1111 01 iiiii ddddd"     "fmov"      ASIMD   any      immediate(|_, imm| imm);
    "0 1 1 0111100000 iii 1111 01 iiiii ddddd"     "fmov"      ASIMD   any      immediate(|_, imm| imm);
    "0 q 0 0111100000 iii 1111 11 iiiii ddddd"     "fmov"      FP16    any      immediate(|_, imm| imm);

    // Shifts by an immediate
    "0 q 0 011110 iiiiiii 00000 1 nnnnn ddddd"     "sshr"      ASIMD   shift    right1(shift::shr::<S, false>);
    "0 q 0 011110 iiiiiii 00010 1 nnnnn ddddd"     "ssra"      ASIMD   shift    right2(shift::sra::<S, false>);
    "0 q 0 011110 iiiiiii 00100 1 nnnnn ddddd"     "srshr"     ASIMD   shift    right1(shift::shr::<S, true>);
    "0 q 0 011110 iiiiiii 00110 1 nnnnn ddddd"     "srsra"     ASIMD   shift    right2(shift::sra::<S, true>);
    "0 q 1 011110 iiiiiii 00000 1 nnnnn ddddd"     "ushr"      ASIMD   shift    right1(shift::shr::<U, false>);
    "0 q 1 011110 iiiiiii 00010 1 nnnnn ddddd"     "usra"      ASIMD   shift    right2(shift::sra::<U, false>);
    "0 q 1 011110 iiiiiii 00100 1 nnnnn ddddd"     "urshr"     ASIMD   shift    right1(shift::shr::<U, true>);
    "0 q 1 011110 iiiiiii 00110 1 nnnnn ddddd"     "ursra"     ASIMD   shift    right2(shift::sra::<U, true>);
    "0 q 1 011110 iiiiiii 01000 1 nnnnn ddddd"     "sri"       ASIMD   shift    right2(shift::sri);
    "0 q 0 011110 iiiiiii 01010 1 nnnnn ddddd"     "shl"       ASIMD   shift    left1(shift::shl_imm);
    "0 q 1 011110 iiiiiii 01010 1 nnnnn ddddd"     "sli"       ASIMD   shift    left2(shift::sli);
    "0 q 1 011110 iiiiiii 01100 1 nnnnn ddddd"     "sqshlu"    ASIMD   shift    left1(shift::qshl_imm::<S, U>);
    "0 q 0 011110 iiiiiii 01110 1 nnnnn ddddd"     "sqshl"     ASIMD   shift    left1(shift::qshl_imm::<S, S>);
    "0 q 1 011110 iiiiiii 01110 1 nnnnn ddddd"     "uqshl"     ASIMD   shift    left1(shift::qshl_imm::<U, U>);
    "0 q 0 011110 iiiiiii 10000 1 nnnnn ddddd"     "shrn"      ASIMD   shift_bhs right_narrow1(shift::shrn::<false>);
    "0 q 0 011110 iiiiiii 10001 1 nnnnn ddddd"     "rshrn"     ASIMD   shift_bhs right_narrow1(shift::shrn::<true>);
    "0 q 1 011110 iiiiiii 10000 1 nnnnn ddddd"     "sqshrun"   ASIMD   shift_bhs right_narrow1(shift::qshrn::<S, U, false>);
    "0 q 1 011110 iiiiiii 10001 1 nnnnn ddddd"     "sqrshrun"  ASIMD   shift_bhs right_narrow1(shift::qshrn::<S, U, true>);
    "0 q 0 011110 iiiiiii 10010 1 nnnnn ddddd"     "sqshrn"    ASIMD   shift_bhs right_narrow1(shift::qshrn::<S, S, false>);
    "0 q 0 011110 iiiiiii 10011 1 nnnnn ddddd"     "sqrshrn"   ASIMD   shift_bhs right_narrow1(shift::qshrn::<S, S, true>);
    "0 q 1 011110 iiiiiii 10010 1 nnnnn ddddd"     "uqshrn"    ASIMD   shift_bhs right_narrow1(shift::qshrn::<U, U, false>);
    "0 q 1 011110 iiiiiii 10011 1 nnnnn ddddd"     "uqrshrn"   ASIMD   shift_bhs right_narrow1(shift::qshrn::<U, U, true>);
    "0 q 0 011110 iiiiiii 10100 1 nnnnn ddddd"     "sshll"     ASIMD   shift_bhs left_long1(shift::shll::<S>);
    "0 q 1 011110 iiiiiii 10100 1 nnnnn ddddd"     "ushll"     ASIMD   shift_bhs left_long1(shift::shll::<U>);
    "0 q 0 011110 iiiiiii 11100 1 nnnnn ddddd"     "scvtf"     ASIMD   fixed_sd right1(fp::from_fixed::<S>);
    "0 q 0 011110 001iiii 11100 1 nnnnn ddddd"     "scvtf"     FP16    any      right1(fp::from_fixed::<S>);
    "0 q 0 011110 iiiiiii 11111 1 nnnnn ddddd"     "fcvtzs"    ASIMD   fixed_sd right1(fp::to_fixed::<S>);
    "0 q 0 011110 001iiii 11111 1 nnnnn ddddd"     "fcvtzs"    FP16    any      right1(fp::to_fixed::<S>);
    "0 q 1 011110 iiiiiii 11100 1 nnnnn ddddd"     "ucvtf"     ASIMD   fixed_sd right1(fp::from_fixed::<U>);
    "0 q 1 011110 001iiii 11100 1 nnnnn ddddd"     "ucvtf"     FP16    any      right1(fp::from_fixed::<U>);
    "0 q 1 011110 iiiiiii 11111 1 nnnnn ddddd"     "fcvtzu"    ASIMD   fixed_sd right1(fp::to_fixed::<U>);
    "0 q 1 011110 001iiii 11111 1 nnnnn ddddd"     "fcvtzu"    FP16    any      right1(fp::to_fixed::<U>);
};
