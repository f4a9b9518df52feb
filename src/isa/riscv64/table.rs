//! The table of instructions: a row each, in the order of the manual's chapters. What is not here is illegal.
//!
//! A row is the encoding with a letter a field bit (`d` rd, `s` rs1, `t` rs2, `r` rs3, `i` immediate, `m` rounding
//! mode, `a` `l` aq and rl, `n` a number), the mnemonic, the [`Format`], the operands as [`super::disasm`] writes
//! them, the extensions (all of those before a `|`, or all of those behind it), and what lifts it. Of rows that overlap
//! the first one whose extensions are there counts; it is always the narrower one.

use super::decode::{Format, Insn, Needs, Pattern, Row};
use super::extensions::Extensions;
use super::helpers;
use super::lift::system::CsrOp;
use super::lift::{Lift, atomics, base, muldiv, system};
use crate::ir::MemSize::{B1, B2, B4, B8};
use crate::ir::{BinOp, Cond, RmwOp, UnOp};

macro_rules! rows {
    ($($bits:literal $name:literal $format:ident $operands:literal [$($all:ident)+ $(| $($or:ident)+)?]
       $($lift:ident)? $(:: $path:ident)* $(($($arg:expr),*))?;)*) => {
        &[$(Row {
            mask: const { Pattern::parse($bits).mask },
            value: const { Pattern::parse($bits).value },
            len: const { Pattern::parse($bits).len },
            rounds: const { Pattern::parse($bits).rounds },
            name: $name,
            format: Format::$format,
            operands: $operands,
            needs: rows!(@needs [$($all)+] $([$($or)+])?),
            lift: rows!(@lift $($lift)? $(:: $path)* $(($($arg),*))?),
        },)*]
    };
    (@needs [$($all:ident)+]) => { rows!(@needs [$($all)+] [$($all)+]) };
    (@needs [$($all:ident)+] [$($or:ident)+]) => {
        Needs { either: Extensions::NONE$(.with(Extensions::$all))+, or: Extensions::NONE$(.with(Extensions::$or))+ }
    };
    (@lift) => { None };
    (@lift $($path:ident)::+ ($($arg:expr),*)) => { Some(|l: &mut Lift, i: Insn| $($path)::+(l, i, $($arg),*)) };
}

/// Every instruction.
pub static ROWS: &[Row] = rows! {
    // RV64I
    "iiiiiiiiiiiiiiiiiiii ddddd 0110111"      "lui"    U "d, u"       [I] base::lui();
    "iiiiiiiiiiiiiiiiiiii ddddd 0010111"      "auipc"  U "d, u"       [I] base::auipc();
    "iiiiiiiiiiiiiiiiiiii ddddd 1101111"      "jal"    J "d, b"       [I] base::jal();
    "iiiiiiiiiiii sssss 000 ddddd 1100111"    "jalr"   I "d, i(s)"    [I] base::jalr();
    "iiiiiii ttttt sssss 000 iiiii 1100011"   "beq"    B "s, t, b"    [I] base::branch(Cond::Eq);
    "iiiiiii ttttt sssss 001 iiiii 1100011"   "bne"    B "s, t, b"    [I] base::branch(Cond::Ne);
    "iiiiiii ttttt sssss 100 iiiii 1100011"   "blt"    B "s, t, b"    [I] base::branch(Cond::LtS);
    "iiiiiii ttttt sssss 101 iiiii 1100011"   "bge"    B "s, t, b"    [I] base::branch(Cond::GeS);
    "iiiiiii ttttt sssss 110 iiiii 1100011"   "bltu"   B "s, t, b"    [I] base::branch(Cond::LtU);
    "iiiiiii ttttt sssss 111 iiiii 1100011"   "bgeu"   B "s, t, b"    [I] base::branch(Cond::GeU);
    "iiiiiiiiiiii sssss 000 ddddd 0000011"    "lb"     I "d, i(s)"    [I] base::load(B1);
    "iiiiiiiiiiii sssss 001 ddddd 0000011"    "lh"     I "d, i(s)"    [I] base::load(B2);
    "iiiiiiiiiiii sssss 010 ddddd 0000011"    "lw"     I "d, i(s)"    [I] base::load(B4);
    "iiiiiiiiiiii sssss 011 ddddd 0000011"    "ld"     I "d, i(s)"    [I] base::load(B8);
    "iiiiiiiiiiii sssss 100 ddddd 0000011"    "lbu"    I "d, i(s)"    [I] base::load_unsigned(B1);
    "iiiiiiiiiiii sssss 101 ddddd 0000011"    "lhu"    I "d, i(s)"    [I] base::load_unsigned(B2);
    "iiiiiiiiiiii sssss 110 ddddd 0000011"    "lwu"    I "d, i(s)"    [I] base::load_unsigned(B4);
    "iiiiiii ttttt sssss 000 iiiii 0100011"   "sb"     S "t, i(s)"    [I] base::store(B1);
    "iiiiiii ttttt sssss 001 iiiii 0100011"   "sh"     S "t, i(s)"    [I] base::store(B2);
    "iiiiiii ttttt sssss 010 iiiii 0100011"   "sw"     S "t, i(s)"    [I] base::store(B4);
    "iiiiiii ttttt sssss 011 iiiii 0100011"   "sd"     S "t, i(s)"    [I] base::store(B8);
    "iiiiiiiiiiii sssss 000 ddddd 0010011"    "addi"   I "d, s, i"    [I] base::alu_imm(BinOp::Add);
    "iiiiiiiiiiii sssss 010 ddddd 0010011"    "slti"   I "d, s, i"    [I] base::set_less_imm(Cond::LtS);
    "iiiiiiiiiiii sssss 011 ddddd 0010011"    "sltiu"  I "d, s, i"    [I] base::set_less_imm(Cond::LtU);
    "iiiiiiiiiiii sssss 100 ddddd 0010011"    "xori"   I "d, s, i"    [I] base::alu_imm(BinOp::Xor);
    "iiiiiii 00000 sssss 110 00000 0010011"   "prefetch.i" S "i(s)"   [ZICBOP] system::nop();
    "iiiiiii 00001 sssss 110 00000 0010011"   "prefetch.r" S "i(s)"   [ZICBOP] system::nop();
    "iiiiiii 00011 sssss 110 00000 0010011"   "prefetch.w" S "i(s)"   [ZICBOP] system::nop();
    "iiiiiiiiiiii sssss 110 ddddd 0010011"    "ori"    I "d, s, i"    [I] base::alu_imm(BinOp::Or);
    "iiiiiiiiiiii sssss 111 ddddd 0010011"    "andi"   I "d, s, i"    [I] base::alu_imm(BinOp::And);
    "000000 iiiiii sssss 001 ddddd 0010011"   "slli"   Shift "d, s, i" [I] base::alu_imm(BinOp::Shl);
    "000000 iiiiii sssss 101 ddddd 0010011"   "srli"   Shift "d, s, i" [I] base::alu_imm(BinOp::ShrU);
    "010000 iiiiii sssss 101 ddddd 0010011"   "srai"   Shift "d, s, i" [I] base::alu_imm(BinOp::ShrS);
    "0000000 00010 00000 000 00000 0110011"   "ntl.p1"   None ""      [ZIHINTNTL] system::nop();
    "0000000 00011 00000 000 00000 0110011"   "ntl.pall" None ""      [ZIHINTNTL] system::nop();
    "0000000 00100 00000 000 00000 0110011"   "ntl.s1"   None ""      [ZIHINTNTL] system::nop();
    "0000000 00101 00000 000 00000 0110011"   "ntl.all"  None ""      [ZIHINTNTL] system::nop();
    "0000000 ttttt sssss 000 ddddd 0110011"   "add"    R "d, s, t"    [I] base::alu(BinOp::Add);
    "0100000 ttttt sssss 000 ddddd 0110011"   "sub"    R "d, s, t"    [I] base::alu(BinOp::Sub);
    "0000000 ttttt sssss 001 ddddd 0110011"   "sll"    R "d, s, t"    [I] base::alu(BinOp::Shl);
    "0000000 ttttt sssss 010 ddddd 0110011"   "slt"    R "d, s, t"    [I] base::set_less(Cond::LtS);
    "0000000 ttttt sssss 011 ddddd 0110011"   "sltu"   R "d, s, t"    [I] base::set_less(Cond::LtU);
    "0000000 ttttt sssss 100 ddddd 0110011"   "xor"    R "d, s, t"    [I] base::alu(BinOp::Xor);
    "0000000 ttttt sssss 101 ddddd 0110011"   "srl"    R "d, s, t"    [I] base::alu(BinOp::ShrU);
    "0100000 ttttt sssss 101 ddddd 0110011"   "sra"    R "d, s, t"    [I] base::alu(BinOp::ShrS);
    "0000000 ttttt sssss 110 ddddd 0110011"   "or"     R "d, s, t"    [I] base::alu(BinOp::Or);
    "0000000 ttttt sssss 111 ddddd 0110011"   "and"    R "d, s, t"    [I] base::alu(BinOp::And);
    "iiiiiiiiiiii sssss 000 ddddd 0011011"    "addiw"  I "d, s, i"    [I] base::alu_imm_w(BinOp::Add);
    "0000000 iiiii sssss 001 ddddd 0011011"   "slliw"  ShiftW "d, s, i" [I] base::alu_imm_w(BinOp::Shl);
    "0000000 iiiii sssss 101 ddddd 0011011"   "srliw"  ShiftW "d, s, i" [I] base::alu_imm_w(BinOp::ShrU);
    "0100000 iiiii sssss 101 ddddd 0011011"   "sraiw"  ShiftW "d, s, i" [I] base::alu_imm_w(BinOp::ShrS);
    "0000000 ttttt sssss 000 ddddd 0111011"   "addw"   R "d, s, t"    [I] base::alu_w(BinOp::Add);
    "0100000 ttttt sssss 000 ddddd 0111011"   "subw"   R "d, s, t"    [I] base::alu_w(BinOp::Sub);
    "0000000 ttttt sssss 001 ddddd 0111011"   "sllw"   R "d, s, t"    [I] base::alu_w(BinOp::Shl);
    "0000000 ttttt sssss 101 ddddd 0111011"   "srlw"   R "d, s, t"    [I] base::alu_w(BinOp::ShrU);
    "0100000 ttttt sssss 101 ddddd 0111011"   "sraw"   R "d, s, t"    [I] base::alu_w(BinOp::ShrS);
    "0000 0001 0000 00000 000 00000 0001111"  "pause"     None ""     [ZIHINTPAUSE] system::pause();
    "1000 0011 0011 sssss 000 ddddd 0001111"  "fence.tso" None ""     [I] system::fence();
    "nnnn nnnn nnnn sssss 000 ddddd 0001111"  "fence"     None "p, q" [I] system::fence();
    "000000000000 00000 000 00000 1110011"    "ecall"     None ""     [I] system::ecall();
    "000000000001 00000 000 00000 1110011"    "ebreak"    None ""     [I] system::ebreak();

    // Zifencei, Zicsr
    "iiiiiiiiiiii sssss 001 ddddd 0001111"    "fence.i" None ""       [ZIFENCEI] system::fence_i();
    "iiiiiiiiiiii sssss 001 ddddd 1110011"    "csrrw"  Csr "d, c, s"  [ZICSR] system::csr(CsrOp::Write);
    "iiiiiiiiiiii sssss 010 ddddd 1110011"    "csrrs"  Csr "d, c, s"  [ZICSR] system::csr(CsrOp::Set);
    "iiiiiiiiiiii sssss 011 ddddd 1110011"    "csrrc"  Csr "d, c, s"  [ZICSR] system::csr(CsrOp::Clear);
    "iiiiiiiiiiii nnnnn 101 ddddd 1110011"    "csrrwi" Csr "d, c, z"  [ZICSR] system::csr_imm(CsrOp::Write);
    "iiiiiiiiiiii nnnnn 110 ddddd 1110011"    "csrrsi" Csr "d, c, z"  [ZICSR] system::csr_imm(CsrOp::Set);
    "iiiiiiiiiiii nnnnn 111 ddddd 1110011"    "csrrci" Csr "d, c, z"  [ZICSR] system::csr_imm(CsrOp::Clear);

    // Privileged
    "0001000 00010 00000 000 00000 1110011"   "sret"   None ""        [S] system::trap_return(helpers::SRET);
    "0011000 00010 00000 000 00000 1110011"   "mret"   None ""        [I] system::trap_return(helpers::MRET);
    "0001000 00101 00000 000 00000 1110011"   "wfi"    None ""        [I] system::wfi();
    "0001001 ttttt sssss 000 00000 1110011"   "sfence.vma"      R "s, t" [S] system::sfence_vma();
    "0001011 ttttt sssss 000 00000 1110011"   "sinval.vma"      R "s, t" [S SVINVAL] system::sfence_vma();
    "0001100 00000 00000 000 00000 1110011"   "sfence.w.inval"  None ""  [S SVINVAL] system::sfence_check();
    "0001100 00001 00000 000 00000 1110011"   "sfence.inval.ir" None ""  [S SVINVAL] system::sfence_check();

    // Zicbom, Zicboz
    "000000000000 sssss 010 00000 0001111"    "cbo.inval" R "(s)"     [ZICBOM] system::cbo();
    "000000000001 sssss 010 00000 0001111"    "cbo.clean" R "(s)"     [ZICBOM] system::cbo();
    "000000000010 sssss 010 00000 0001111"    "cbo.flush" R "(s)"     [ZICBOM] system::cbo();
    "000000000100 sssss 010 00000 0001111"    "cbo.zero"  R "(s)"     [ZICBOZ] system::cbo();

    // Zimop
    "1n00nn 0111nn sssss 100 ddddd 1110011"   "mop.r"  R "d, s"       [ZIMOP] system::may_be_operation();
    "1n00nn 1ttttt sssss 100 ddddd 1110011"   "mop.rr" R "d, s, t"    [ZIMOP] system::may_be_operation();

    // M
    "0000001 ttttt sssss 000 ddddd 0110011"   "mul"    R "d, s, t"    [M] base::alu(BinOp::Mul);
    "0000001 ttttt sssss 001 ddddd 0110011"   "mulh"   R "d, s, t"    [M] base::alu(BinOp::MulHiS);
    "0000001 ttttt sssss 010 ddddd 0110011"   "mulhsu" R "d, s, t"    [M] base::alu(BinOp::MulHiSU);
    "0000001 ttttt sssss 011 ddddd 0110011"   "mulhu"  R "d, s, t"    [M] base::alu(BinOp::MulHiU);
    "0000001 ttttt sssss 100 ddddd 0110011"   "div"    R "d, s, t"    [M] muldiv::div(BinOp::DivS);
    "0000001 ttttt sssss 101 ddddd 0110011"   "divu"   R "d, s, t"    [M] muldiv::div(BinOp::DivU);
    "0000001 ttttt sssss 110 ddddd 0110011"   "rem"    R "d, s, t"    [M] base::alu(BinOp::RemS);
    "0000001 ttttt sssss 111 ddddd 0110011"   "remu"   R "d, s, t"    [M] base::alu(BinOp::RemU);
    "0000001 ttttt sssss 000 ddddd 0111011"   "mulw"   R "d, s, t"    [M] base::alu_w(BinOp::Mul);
    "0000001 ttttt sssss 100 ddddd 0111011"   "divw"   R "d, s, t"    [M] muldiv::div_w(BinOp::DivS);
    "0000001 ttttt sssss 101 ddddd 0111011"   "divuw"  R "d, s, t"    [M] muldiv::div_w(BinOp::DivU);
    "0000001 ttttt sssss 110 ddddd 0111011"   "remw"   R "d, s, t"    [M] base::alu_w(BinOp::RemS);
    "0000001 ttttt sssss 111 ddddd 0111011"   "remuw"  R "d, s, t"    [M] base::alu_w(BinOp::RemU);

    // A
    "00010 a l 00000 sssss 010 ddddd 0101111" "lr.w"      R "& d, (s)"    [A] atomics::load_reserved(B4);
    "00011 a l ttttt sssss 010 ddddd 0101111" "sc.w"      R "& d, t, (s)" [A] atomics::store_conditional(B4);
    "00001 a l ttttt sssss 010 ddddd 0101111" "amoswap.w" R "& d, t, (s)" [A] atomics::amo(RmwOp::Swap, B4);
    "00000 a l ttttt sssss 010 ddddd 0101111" "amoadd.w"  R "& d, t, (s)" [A] atomics::amo(RmwOp::Add, B4);
    "00100 a l ttttt sssss 010 ddddd 0101111" "amoxor.w"  R "& d, t, (s)" [A] atomics::amo(RmwOp::Xor, B4);
    "01100 a l ttttt sssss 010 ddddd 0101111" "amoand.w"  R "& d, t, (s)" [A] atomics::amo(RmwOp::And, B4);
    "01000 a l ttttt sssss 010 ddddd 0101111" "amoor.w"   R "& d, t, (s)" [A] atomics::amo(RmwOp::Or, B4);
    "10000 a l ttttt sssss 010 ddddd 0101111" "amomin.w"  R "& d, t, (s)" [A] atomics::amo(RmwOp::MinS, B4);
    "10100 a l ttttt sssss 010 ddddd 0101111" "amomax.w"  R "& d, t, (s)" [A] atomics::amo(RmwOp::MaxS, B4);
    "11000 a l ttttt sssss 010 ddddd 0101111" "amominu.w" R "& d, t, (s)" [A] atomics::amo(RmwOp::MinU, B4);
    "11100 a l ttttt sssss 010 ddddd 0101111" "amomaxu.w" R "& d, t, (s)" [A] atomics::amo(RmwOp::MaxU, B4);
    "00010 a l 00000 sssss 011 ddddd 0101111" "lr.d"      R "& d, (s)"    [A] atomics::load_reserved(B8);
    "00011 a l ttttt sssss 011 ddddd 0101111" "sc.d"      R "& d, t, (s)" [A] atomics::store_conditional(B8);
    "00001 a l ttttt sssss 011 ddddd 0101111" "amoswap.d" R "& d, t, (s)" [A] atomics::amo(RmwOp::Swap, B8);
    "00000 a l ttttt sssss 011 ddddd 0101111" "amoadd.d"  R "& d, t, (s)" [A] atomics::amo(RmwOp::Add, B8);
    "00100 a l ttttt sssss 011 ddddd 0101111" "amoxor.d"  R "& d, t, (s)" [A] atomics::amo(RmwOp::Xor, B8);
    "01100 a l ttttt sssss 011 ddddd 0101111" "amoand.d"  R "& d, t, (s)" [A] atomics::amo(RmwOp::And, B8);
    "01000 a l ttttt sssss 011 ddddd 0101111" "amoor.d"   R "& d, t, (s)" [A] atomics::amo(RmwOp::Or, B8);
    "10000 a l ttttt sssss 011 ddddd 0101111" "amomin.d"  R "& d, t, (s)" [A] atomics::amo(RmwOp::MinS, B8);
    "10100 a l ttttt sssss 011 ddddd 0101111" "amomax.d"  R "& d, t, (s)" [A] atomics::amo(RmwOp::MaxS, B8);
    "11000 a l ttttt sssss 011 ddddd 0101111" "amominu.d" R "& d, t, (s)" [A] atomics::amo(RmwOp::MinU, B8);
    "11100 a l ttttt sssss 011 ddddd 0101111" "amomaxu.d" R "& d, t, (s)" [A] atomics::amo(RmwOp::MaxU, B8);

    // Zawrs
    "000000001101 00000 000 00000 1110011"    "wrs.nto" None ""       [ZAWRS] atomics::wait_on_reservation();
    "000000011101 00000 000 00000 1110011"    "wrs.sto" None ""       [ZAWRS] atomics::wait_on_reservation();

    // Zacas
    "00101 a l ttttt sssss 010 ddddd 0101111" "amocas.w" R "& d, t, (s)" [ZACAS] atomics::amocas(B4);
    "00101 a l ttttt sssss 011 ddddd 0101111" "amocas.d" R "& d, t, (s)" [ZACAS] atomics::amocas(B8);
    "00101 a l tttt0 sssss 100 dddd0 0101111" "amocas.q" R "& d, t, (s)" [ZACAS] atomics::amocas_q();

    // Zabha
    "00001 a l ttttt sssss 000 ddddd 0101111" "amoswap.b" R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Swap, B1);
    "00000 a l ttttt sssss 000 ddddd 0101111" "amoadd.b"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Add, B1);
    "00100 a l ttttt sssss 000 ddddd 0101111" "amoxor.b"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Xor, B1);
    "01100 a l ttttt sssss 000 ddddd 0101111" "amoand.b"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::And, B1);
    "01000 a l ttttt sssss 000 ddddd 0101111" "amoor.b"   R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Or, B1);
    "10000 a l ttttt sssss 000 ddddd 0101111" "amomin.b"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MinS, B1);
    "10100 a l ttttt sssss 000 ddddd 0101111" "amomax.b"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MaxS, B1);
    "11000 a l ttttt sssss 000 ddddd 0101111" "amominu.b" R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MinU, B1);
    "11100 a l ttttt sssss 000 ddddd 0101111" "amomaxu.b" R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MaxU, B1);
    "00101 a l ttttt sssss 000 ddddd 0101111" "amocas.b"  R "& d, t, (s)" [ZABHA ZACAS] atomics::amocas(B1);
    "00001 a l ttttt sssss 001 ddddd 0101111" "amoswap.h" R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Swap, B2);
    "00000 a l ttttt sssss 001 ddddd 0101111" "amoadd.h"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Add, B2);
    "00100 a l ttttt sssss 001 ddddd 0101111" "amoxor.h"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Xor, B2);
    "01100 a l ttttt sssss 001 ddddd 0101111" "amoand.h"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::And, B2);
    "01000 a l ttttt sssss 001 ddddd 0101111" "amoor.h"   R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::Or, B2);
    "10000 a l ttttt sssss 001 ddddd 0101111" "amomin.h"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MinS, B2);
    "10100 a l ttttt sssss 001 ddddd 0101111" "amomax.h"  R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MaxS, B2);
    "11000 a l ttttt sssss 001 ddddd 0101111" "amominu.h" R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MinU, B2);
    "11100 a l ttttt sssss 001 ddddd 0101111" "amomaxu.h" R "& d, t, (s)" [ZABHA] atomics::amo(RmwOp::MaxU, B2);
    "00101 a l ttttt sssss 001 ddddd 0101111" "amocas.h"  R "& d, t, (s)" [ZABHA ZACAS] atomics::amocas(B2);

    // C, quadrant 0
    "000 00000000 ddd 00"         "reserved"     None ""     [C];
    "000 iiiiiiii ddd 00"         "c.addi4spn"   Ciw "d, s, i"  [C] base::alu_imm(BinOp::Add);
    "010 iii sss ii ddd 00"       "c.lw"         ClW "d, i(s)"  [C] base::load(B4);
    "011 iii sss ii ddd 00"       "c.ld"         ClD "d, i(s)"  [C] base::load(B8);
    "110 iii sss ii ttt 00"       "c.sw"         CsW "t, i(s)"  [C] base::store(B4);
    "111 iii sss ii ttt 00"       "c.sd"         CsD "t, i(s)"  [C] base::store(B8);

    // C, quadrant 1; with rd x0 most are hints, which need no row since writes to x0 are dropped
    "000 0 00000 00000 01"        "c.nop"        None ""        [C] system::nop();
    "000 i ddddd iiiii 01"        "c.addi"       Ci "d, i"      [C] base::alu_imm(BinOp::Add);
    "001 i 00000 iiiii 01"        "reserved"     None ""        [C];
    "001 i ddddd iiiii 01"        "c.addiw"      Ci "d, i"      [C] base::alu_imm_w(BinOp::Add);
    "010 i ddddd iiiii 01"        "c.li"         CiLi "d, i"    [C] base::alu_imm(BinOp::Add);
    "011 0 0nnn1 00000 01"        "c.mop"        None ""        [ZCMOP] system::nop();
    "011 0 ddddd 00000 01"        "reserved"     None ""        [C];
    "011 i 00010 iiiii 01"        "c.addi16sp"   Ci16sp "d, i"  [C] base::alu_imm(BinOp::Add);
    "011 i ddddd iiiii 01"        "c.lui"        CiLui "d, u"   [C] base::lui();
    "100 i 00 ddd iiiii 01"       "c.srli"       CbShift "d, i" [C] base::alu_imm(BinOp::ShrU);
    "100 i 01 ddd iiiii 01"       "c.srai"       CbShift "d, i" [C] base::alu_imm(BinOp::ShrS);
    "100 i 10 ddd iiiii 01"       "c.andi"       CbImm "d, i"   [C] base::alu_imm(BinOp::And);
    "100 0 11 ddd 00 ttt 01"      "c.sub"        Ca "d, t"      [C] base::alu(BinOp::Sub);
    "100 0 11 ddd 01 ttt 01"      "c.xor"        Ca "d, t"      [C] base::alu(BinOp::Xor);
    "100 0 11 ddd 10 ttt 01"      "c.or"         Ca "d, t"      [C] base::alu(BinOp::Or);
    "100 0 11 ddd 11 ttt 01"      "c.and"        Ca "d, t"      [C] base::alu(BinOp::And);
    "100 1 11 ddd 00 ttt 01"      "c.subw"       Ca "d, t"      [C] base::alu_w(BinOp::Sub);
    "100 1 11 ddd 01 ttt 01"      "c.addw"       Ca "d, t"      [C] base::alu_w(BinOp::Add);
    "101 iiiiiiiiiii 01"          "c.j"          Cj "b"         [C] base::jal();
    "110 iii sss iiiii 01"        "c.beqz"       Cb "s, b"      [C] base::branch(Cond::Eq);
    "111 iii sss iiiii 01"        "c.bnez"       Cb "s, b"      [C] base::branch(Cond::Ne);

    // C, quadrant 2
    "000 i ddddd iiiii 10"        "c.slli"       CiShift "d, i"    [C] base::alu_imm(BinOp::Shl);
    "010 i 00000 iiiii 10"        "reserved"     None ""           [C];
    "010 i ddddd iiiii 10"        "c.lwsp"       CiLwsp "d, i(s)"  [C] base::load(B4);
    "011 i 00000 iiiii 10"        "reserved"     None ""           [C];
    "011 i ddddd iiiii 10"        "c.ldsp"       CiLdsp "d, i(s)"  [C] base::load(B8);
    "100 0 00000 00000 10"        "reserved"     None ""           [C];
    "100 0 sssss 00000 10"        "c.jr"         CrJr "s"          [C] base::jalr();
    "100 0 ddddd ttttt 10"        "c.mv"         CrMv "d, t"       [C] base::alu(BinOp::Add);
    "100 1 00000 00000 10"        "c.ebreak"     None ""           [C] system::ebreak();
    "100 1 sssss 00000 10"        "c.jalr"       CrJalr "s"        [C] base::jalr();
    "100 1 ddddd ttttt 10"        "c.add"        Cr "d, t"         [C] base::alu(BinOp::Add);
    "110 iiiiii ttttt 10"         "c.swsp"       CssSw "t, i(s)"   [C] base::store(B4);
    "111 iiiiii ttttt 10"         "c.sdsp"       CssSd "t, i(s)"   [C] base::store(B8);

    // Zcb
    "100 000 sss ii ddd 00"       "c.lbu"        ClB "d, i(s)"  [ZCB] base::load_unsigned(B1);
    "100 001 sss 0i ddd 00"       "c.lhu"        ClH "d, i(s)"  [ZCB] base::load_unsigned(B2);
    "100 001 sss 1i ddd 00"       "c.lh"         ClH "d, i(s)"  [ZCB] base::load(B2);
    "100 010 sss ii ttt 00"       "c.sb"         CsB "t, i(s)"  [ZCB] base::store(B1);
    "100 011 sss 0i ttt 00"       "c.sh"         CsH "t, i(s)"  [ZCB] base::store(B2);
    "100 1 11 ddd 11 000 01"      "c.zext.b"     Cu "d"         [ZCB] base::unary(UnOp::Zext8);
    "100 1 11 ddd 11 001 01"      "c.sext.b"     Cu "d"         [ZCB ZBB] base::unary(UnOp::Sext8);
    "100 1 11 ddd 11 010 01"      "c.zext.h"     Cu "d"         [ZCB ZBB] base::unary(UnOp::Zext16);
    "100 1 11 ddd 11 011 01"      "c.sext.h"     Cu "d"         [ZCB ZBB] base::unary(UnOp::Sext16);
    "100 1 11 ddd 11 100 01"      "c.zext.w"     Cu "d"         [ZCB ZBA] base::unary(UnOp::Zext32);
    "100 1 11 ddd 11 101 01"      "c.not"        Cu "d"         [ZCB] base::unary(UnOp::Not);
    "100 1 11 ddd 10 ttt 01"      "c.mul"        Ca "d, t"      [ZCB M] base::alu(BinOp::Mul);
};
