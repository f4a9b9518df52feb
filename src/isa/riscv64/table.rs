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
use super::lift::{Lift, atomics, base, bitmanip, float, muldiv, system};
use super::mode::Privilege;
use crate::float::Format::{F16, F32, F64};
use crate::float::MinMax;
use crate::ir::MemSize::{B1, B2, B4, B8};
use crate::ir::{BinOp, Cond, FloatCond, FloatOp, FloatToInt, IntToFloat, RmwOp, UnOp};

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

    // T-Head's XTheadCmo and XTheadSync
    "0000000 00001 00000 000 00000 0001011"   "th.dcache.call"    None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000000 00011 00000 000 00000 0001011"   "th.dcache.ciall"   None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000000 00010 00000 000 00000 0001011"   "th.dcache.iall"    None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000000 10000 00000 000 00000 0001011"   "th.icache.iall"    None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000000 10001 00000 000 00000 0001011"   "th.icache.ialls"   None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000000 10101 00000 000 00000 0001011"   "th.l2cache.call"   None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000000 10111 00000 000 00000 0001011"   "th.l2cache.ciall"  None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000000 10110 00000 000 00000 0001011"   "th.l2cache.iall"   None "" [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 01001 sssss 000 00000 0001011"   "th.dcache.cpa"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 01011 sssss 000 00000 0001011"   "th.dcache.cipa"    R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 01010 sssss 000 00000 0001011"   "th.dcache.ipa"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 00101 sssss 000 00000 0001011"   "th.dcache.cva"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::User);
    "0000001 00111 sssss 000 00000 0001011"   "th.dcache.civa"    R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::User);
    "0000001 00110 sssss 000 00000 0001011"   "th.dcache.iva"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::User);
    "0000001 00001 sssss 000 00000 0001011"   "th.dcache.csw"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 00011 sssss 000 00000 0001011"   "th.dcache.cisw"    R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 00010 sssss 000 00000 0001011"   "th.dcache.isw"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 01000 sssss 000 00000 0001011"   "th.dcache.cpal1"   R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 00100 sssss 000 00000 0001011"   "th.dcache.cval1"   R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 11000 sssss 000 00000 0001011"   "th.icache.ipa"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::Supervisor);
    "0000001 10000 sssss 000 00000 0001011"   "th.icache.iva"     R "s"   [XTHEADCMO] system::cache_maintenance(Privilege::User);
    "0000000 11000 00000 000 00000 0001011"   "th.sync"           None "" [XTHEADSYNC] system::full_fence();
    "0000000 11001 00000 000 00000 0001011"   "th.sync.s"         None "" [XTHEADSYNC] system::full_fence();
    "0000000 11010 00000 000 00000 0001011"   "th.sync.i"         None "" [XTHEADSYNC] system::fence_i();
    "0000000 11011 00000 000 00000 0001011"   "th.sync.is"        None "" [XTHEADSYNC] system::fence_i();
    "0000010 ttttt sssss 000 00000 0001011"   "th.sfence.vmas"    R "s, t" [XTHEADSYNC] system::sfence_vma();

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

    // F
    "iiiiiiiiiiii sssss 010 ddddd 0000111"      "flw"        I "D, i(s)"       [F] float::load(F32);
    "iiiiiii ttttt sssss 010 iiiii 0100111"     "fsw"        S "T, i(s)"       [F] float::store(F32);
    "rrrrr 00 ttttt sssss mmm ddddd 1000011"    "fmadd.s"    R "D, S, T, R, m" [F] float::fused(F32, false, false);
    "rrrrr 00 ttttt sssss mmm ddddd 1000111"    "fmsub.s"    R "D, S, T, R, m" [F] float::fused(F32, false, true);
    "rrrrr 00 ttttt sssss mmm ddddd 1001011"    "fnmsub.s"   R "D, S, T, R, m" [F] float::fused(F32, true, false);
    "rrrrr 00 ttttt sssss mmm ddddd 1001111"    "fnmadd.s"   R "D, S, T, R, m" [F] float::fused(F32, true, true);
    "0000000 ttttt sssss mmm ddddd 1010011"     "fadd.s"     R "D, S, T, m"    [F] float::arith(F32, FloatOp::Add);
    "0000100 ttttt sssss mmm ddddd 1010011"     "fsub.s"     R "D, S, T, m"    [F] float::arith(F32, FloatOp::Sub);
    "0001000 ttttt sssss mmm ddddd 1010011"     "fmul.s"     R "D, S, T, m"    [F] float::arith(F32, FloatOp::Mul);
    "0001100 ttttt sssss mmm ddddd 1010011"     "fdiv.s"     R "D, S, T, m"    [F] float::arith(F32, FloatOp::Div);
    "0101100 00000 sssss mmm ddddd 1010011"     "fsqrt.s"    R "D, S, m"       [F] float::unary(F32, FloatOp::Sqrt);
    "0010000 ttttt sssss 000 ddddd 1010011"     "fsgnj.s"    R "D, S, T"       [F] float::sign_inject(F32);
    "0010000 ttttt sssss 001 ddddd 1010011"     "fsgnjn.s"   R "D, S, T"       [F] float::sign_inject_not(F32);
    "0010000 ttttt sssss 010 ddddd 1010011"     "fsgnjx.s"   R "D, S, T"       [F] float::sign_inject_xor(F32);
    "0010100 ttttt sssss 000 ddddd 1010011"     "fmin.s"     R "D, S, T"       [F] float::arith(F32, FloatOp::Min(MinMax::Number2019));
    "0010100 ttttt sssss 001 ddddd 1010011"     "fmax.s"     R "D, S, T"       [F] float::arith(F32, FloatOp::Max(MinMax::Number2019));
    "1010000 ttttt sssss 010 ddddd 1010011"     "feq.s"      R "d, S, T"       [F] float::compare(F32, FloatCond::Eq);
    "1010000 ttttt sssss 001 ddddd 1010011"     "flt.s"      R "d, S, T"       [F] float::compare(F32, FloatCond::Lt);
    "1010000 ttttt sssss 000 ddddd 1010011"     "fle.s"      R "d, S, T"       [F] float::compare(F32, FloatCond::Le);
    "1110000 00000 sssss 001 ddddd 1010011"     "fclass.s"   R "d, S"          [F] float::class(F32);
    "1100000 00000 sssss mmm ddddd 1010011"     "fcvt.w.s"   R "d, S, m"       [F] float::to_int(F32, FloatToInt::I32);
    "1100000 00001 sssss mmm ddddd 1010011"     "fcvt.wu.s"  R "d, S, m"       [F] float::to_int(F32, FloatToInt::U32);
    "1100000 00010 sssss mmm ddddd 1010011"     "fcvt.l.s"   R "d, S, m"       [F] float::to_int(F32, FloatToInt::I64);
    "1100000 00011 sssss mmm ddddd 1010011"     "fcvt.lu.s"  R "d, S, m"       [F] float::to_int(F32, FloatToInt::U64);
    "1101000 00000 sssss mmm ddddd 1010011"     "fcvt.s.w"   R "D, s, m"       [F] float::from_int(F32, IntToFloat::I32);
    "1101000 00001 sssss mmm ddddd 1010011"     "fcvt.s.wu"  R "D, s, m"       [F] float::from_int(F32, IntToFloat::U32);
    "1101000 00010 sssss mmm ddddd 1010011"     "fcvt.s.l"   R "D, s, m"       [F] float::from_int(F32, IntToFloat::I64);
    "1101000 00011 sssss mmm ddddd 1010011"     "fcvt.s.lu"  R "D, s, m"       [F] float::from_int(F32, IntToFloat::U64);
    "1110000 00000 sssss 000 ddddd 1010011"     "fmv.x.w"    R "d, S"          [F] float::move_to_x(F32);
    "1111000 00000 sssss 000 ddddd 1010011"     "fmv.w.x"    R "D, s"          [F] float::move_from_x(F32);

    // D
    "iiiiiiiiiiii sssss 011 ddddd 0000111"      "fld"        I "D, i(s)"       [D] float::load(F64);
    "iiiiiii ttttt sssss 011 iiiii 0100111"     "fsd"        S "T, i(s)"       [D] float::store(F64);
    "rrrrr 01 ttttt sssss mmm ddddd 1000011"    "fmadd.d"    R "D, S, T, R, m" [D] float::fused(F64, false, false);
    "rrrrr 01 ttttt sssss mmm ddddd 1000111"    "fmsub.d"    R "D, S, T, R, m" [D] float::fused(F64, false, true);
    "rrrrr 01 ttttt sssss mmm ddddd 1001011"    "fnmsub.d"   R "D, S, T, R, m" [D] float::fused(F64, true, false);
    "rrrrr 01 ttttt sssss mmm ddddd 1001111"    "fnmadd.d"   R "D, S, T, R, m" [D] float::fused(F64, true, true);
    "0000001 ttttt sssss mmm ddddd 1010011"     "fadd.d"     R "D, S, T, m"    [D] float::arith(F64, FloatOp::Add);
    "0000101 ttttt sssss mmm ddddd 1010011"     "fsub.d"     R "D, S, T, m"    [D] float::arith(F64, FloatOp::Sub);
    "0001001 ttttt sssss mmm ddddd 1010011"     "fmul.d"     R "D, S, T, m"    [D] float::arith(F64, FloatOp::Mul);
    "0001101 ttttt sssss mmm ddddd 1010011"     "fdiv.d"     R "D, S, T, m"    [D] float::arith(F64, FloatOp::Div);
    "0101101 00000 sssss mmm ddddd 1010011"     "fsqrt.d"    R "D, S, m"       [D] float::unary(F64, FloatOp::Sqrt);
    "0010001 ttttt sssss 000 ddddd 1010011"     "fsgnj.d"    R "D, S, T"       [D] float::sign_inject(F64);
    "0010001 ttttt sssss 001 ddddd 1010011"     "fsgnjn.d"   R "D, S, T"       [D] float::sign_inject_not(F64);
    "0010001 ttttt sssss 010 ddddd 1010011"     "fsgnjx.d"   R "D, S, T"       [D] float::sign_inject_xor(F64);
    "0010101 ttttt sssss 000 ddddd 1010011"     "fmin.d"     R "D, S, T"       [D] float::arith(F64, FloatOp::Min(MinMax::Number2019));
    "0010101 ttttt sssss 001 ddddd 1010011"     "fmax.d"     R "D, S, T"       [D] float::arith(F64, FloatOp::Max(MinMax::Number2019));
    "1010001 ttttt sssss 010 ddddd 1010011"     "feq.d"      R "d, S, T"       [D] float::compare(F64, FloatCond::Eq);
    "1010001 ttttt sssss 001 ddddd 1010011"     "flt.d"      R "d, S, T"       [D] float::compare(F64, FloatCond::Lt);
    "1010001 ttttt sssss 000 ddddd 1010011"     "fle.d"      R "d, S, T"       [D] float::compare(F64, FloatCond::Le);
    "1110001 00000 sssss 001 ddddd 1010011"     "fclass.d"   R "d, S"          [D] float::class(F64);
    "1100001 00000 sssss mmm ddddd 1010011"     "fcvt.w.d"   R "d, S, m"       [D] float::to_int(F64, FloatToInt::I32);
    "1100001 00001 sssss mmm ddddd 1010011"     "fcvt.wu.d"  R "d, S, m"       [D] float::to_int(F64, FloatToInt::U32);
    "1100001 00010 sssss mmm ddddd 1010011"     "fcvt.l.d"   R "d, S, m"       [D] float::to_int(F64, FloatToInt::I64);
    "1100001 00011 sssss mmm ddddd 1010011"     "fcvt.lu.d"  R "d, S, m"       [D] float::to_int(F64, FloatToInt::U64);
    "1101001 00000 sssss mmm ddddd 1010011"     "fcvt.d.w"   R "D, s, e"       [D] float::from_int(F64, IntToFloat::I32);
    "1101001 00001 sssss mmm ddddd 1010011"     "fcvt.d.wu"  R "D, s, e"       [D] float::from_int(F64, IntToFloat::U32);
    "1101001 00010 sssss mmm ddddd 1010011"     "fcvt.d.l"   R "D, s, m"       [D] float::from_int(F64, IntToFloat::I64);
    "1101001 00011 sssss mmm ddddd 1010011"     "fcvt.d.lu"  R "D, s, m"       [D] float::from_int(F64, IntToFloat::U64);
    "0100000 00001 sssss mmm ddddd 1010011"     "fcvt.s.d"   R "D, S, m"       [D] float::convert(F64, F32);
    "0100001 00000 sssss mmm ddddd 1010011"     "fcvt.d.s"   R "D, S, e"       [D] float::convert(F32, F64);
    "1110001 00000 sssss 000 ddddd 1010011"     "fmv.x.d"    R "d, S"          [D] float::move_to_x(F64);
    "1111001 00000 sssss 000 ddddd 1010011"     "fmv.d.x"    R "D, s"          [D] float::move_from_x(F64);

    // Zfh, Zfhmin
    "iiiiiiiiiiii sssss 001 ddddd 0000111"      "flh"        I "D, i(s)"       [ZFH | ZFHMIN] float::load(F16);
    "iiiiiii ttttt sssss 001 iiiii 0100111"     "fsh"        S "T, i(s)"       [ZFH | ZFHMIN] float::store(F16);
    "rrrrr 10 ttttt sssss mmm ddddd 1000011"    "fmadd.h"    R "D, S, T, R, m" [ZFH] float::fused(F16, false, false);
    "rrrrr 10 ttttt sssss mmm ddddd 1000111"    "fmsub.h"    R "D, S, T, R, m" [ZFH] float::fused(F16, false, true);
    "rrrrr 10 ttttt sssss mmm ddddd 1001011"    "fnmsub.h"   R "D, S, T, R, m" [ZFH] float::fused(F16, true, false);
    "rrrrr 10 ttttt sssss mmm ddddd 1001111"    "fnmadd.h"   R "D, S, T, R, m" [ZFH] float::fused(F16, true, true);
    "0000010 ttttt sssss mmm ddddd 1010011"     "fadd.h"     R "D, S, T, m"    [ZFH] float::arith(F16, FloatOp::Add);
    "0000110 ttttt sssss mmm ddddd 1010011"     "fsub.h"     R "D, S, T, m"    [ZFH] float::arith(F16, FloatOp::Sub);
    "0001010 ttttt sssss mmm ddddd 1010011"     "fmul.h"     R "D, S, T, m"    [ZFH] float::arith(F16, FloatOp::Mul);
    "0001110 ttttt sssss mmm ddddd 1010011"     "fdiv.h"     R "D, S, T, m"    [ZFH] float::arith(F16, FloatOp::Div);
    "0101110 00000 sssss mmm ddddd 1010011"     "fsqrt.h"    R "D, S, m"       [ZFH] float::unary(F16, FloatOp::Sqrt);
    "0010010 ttttt sssss 000 ddddd 1010011"     "fsgnj.h"    R "D, S, T"       [ZFH] float::sign_inject(F16);
    "0010010 ttttt sssss 001 ddddd 1010011"     "fsgnjn.h"   R "D, S, T"       [ZFH] float::sign_inject_not(F16);
    "0010010 ttttt sssss 010 ddddd 1010011"     "fsgnjx.h"   R "D, S, T"       [ZFH] float::sign_inject_xor(F16);
    "0010110 ttttt sssss 000 ddddd 1010011"     "fmin.h"     R "D, S, T"       [ZFH] float::arith(F16, FloatOp::Min(MinMax::Number2019));
    "0010110 ttttt sssss 001 ddddd 1010011"     "fmax.h"     R "D, S, T"       [ZFH] float::arith(F16, FloatOp::Max(MinMax::Number2019));
    "1010010 ttttt sssss 010 ddddd 1010011"     "feq.h"      R "d, S, T"       [ZFH] float::compare(F16, FloatCond::Eq);
    "1010010 ttttt sssss 001 ddddd 1010011"     "flt.h"      R "d, S, T"       [ZFH] float::compare(F16, FloatCond::Lt);
    "1010010 ttttt sssss 000 ddddd 1010011"     "fle.h"      R "d, S, T"       [ZFH] float::compare(F16, FloatCond::Le);
    "1110010 00000 sssss 001 ddddd 1010011"     "fclass.h"   R "d, S"          [ZFH] float::class(F16);
    "1100010 00000 sssss mmm ddddd 1010011"     "fcvt.w.h"   R "d, S, m"       [ZFH] float::to_int(F16, FloatToInt::I32);
    "1100010 00001 sssss mmm ddddd 1010011"     "fcvt.wu.h"  R "d, S, m"       [ZFH] float::to_int(F16, FloatToInt::U32);
    "1100010 00010 sssss mmm ddddd 1010011"     "fcvt.l.h"   R "d, S, m"       [ZFH] float::to_int(F16, FloatToInt::I64);
    "1100010 00011 sssss mmm ddddd 1010011"     "fcvt.lu.h"  R "d, S, m"       [ZFH] float::to_int(F16, FloatToInt::U64);
    "1101010 00000 sssss mmm ddddd 1010011"     "fcvt.h.w"   R "D, s, m"       [ZFH] float::from_int(F16, IntToFloat::I32);
    "1101010 00001 sssss mmm ddddd 1010011"     "fcvt.h.wu"  R "D, s, m"       [ZFH] float::from_int(F16, IntToFloat::U32);
    "1101010 00010 sssss mmm ddddd 1010011"     "fcvt.h.l"   R "D, s, m"       [ZFH] float::from_int(F16, IntToFloat::I64);
    "1101010 00011 sssss mmm ddddd 1010011"     "fcvt.h.lu"  R "D, s, m"       [ZFH] float::from_int(F16, IntToFloat::U64);
    "0100010 00000 sssss mmm ddddd 1010011"     "fcvt.h.s"   R "D, S, m"       [ZFH | ZFHMIN] float::convert(F32, F16);
    "0100000 00010 sssss mmm ddddd 1010011"     "fcvt.s.h"   R "D, S, e"       [ZFH | ZFHMIN] float::convert(F16, F32);
    "0100010 00001 sssss mmm ddddd 1010011"     "fcvt.h.d"   R "D, S, m"       [ZFH D | ZFHMIN D] float::convert(F64, F16);
    "0100001 00010 sssss mmm ddddd 1010011"     "fcvt.d.h"   R "D, S, e"       [ZFH D | ZFHMIN D] float::convert(F16, F64);
    "1110010 00000 sssss 000 ddddd 1010011"     "fmv.x.h"    R "d, S"          [ZFH | ZFHMIN] float::move_to_x(F16);
    "1111010 00000 sssss 000 ddddd 1010011"     "fmv.h.x"    R "D, s"          [ZFH | ZFHMIN] float::move_from_x(F16);

    // Zfa
    "1111000 00001 nnnnn 000 ddddd 1010011"     "fli.s"      R "D, f"          [ZFA F] float::load_immediate(F32);
    "0010100 ttttt sssss 010 ddddd 1010011"     "fminm.s"    R "D, S, T"       [ZFA F] float::arith(F32, FloatOp::Min(MinMax::Propagate));
    "0010100 ttttt sssss 011 ddddd 1010011"     "fmaxm.s"    R "D, S, T"       [ZFA F] float::arith(F32, FloatOp::Max(MinMax::Propagate));
    "0100000 00100 sssss mmm ddddd 1010011"     "fround.s"   R "D, S, m"       [ZFA F] float::unary(F32, FloatOp::RoundInt { exact: false });
    "0100000 00101 sssss mmm ddddd 1010011"     "froundnx.s" R "D, S, m"       [ZFA F] float::unary(F32, FloatOp::RoundInt { exact: true });
    "1010000 ttttt sssss 100 ddddd 1010011"     "fleq.s"     R "d, S, T"       [ZFA F] float::compare(F32, FloatCond::LeQuiet);
    "1010000 ttttt sssss 101 ddddd 1010011"     "fltq.s"     R "d, S, T"       [ZFA F] float::compare(F32, FloatCond::LtQuiet);
    "1111001 00001 nnnnn 000 ddddd 1010011"     "fli.d"      R "D, f"          [ZFA D] float::load_immediate(F64);
    "0010101 ttttt sssss 010 ddddd 1010011"     "fminm.d"    R "D, S, T"       [ZFA D] float::arith(F64, FloatOp::Min(MinMax::Propagate));
    "0010101 ttttt sssss 011 ddddd 1010011"     "fmaxm.d"    R "D, S, T"       [ZFA D] float::arith(F64, FloatOp::Max(MinMax::Propagate));
    "0100001 00100 sssss mmm ddddd 1010011"     "fround.d"   R "D, S, m"       [ZFA D] float::unary(F64, FloatOp::RoundInt { exact: false });
    "0100001 00101 sssss mmm ddddd 1010011"     "froundnx.d" R "D, S, m"       [ZFA D] float::unary(F64, FloatOp::RoundInt { exact: true });
    "1010001 ttttt sssss 100 ddddd 1010011"     "fleq.d"     R "d, S, T"       [ZFA D] float::compare(F64, FloatCond::LeQuiet);
    "1010001 ttttt sssss 101 ddddd 1010011"     "fltq.d"     R "d, S, T"       [ZFA D] float::compare(F64, FloatCond::LtQuiet);
    "1111010 00001 nnnnn 000 ddddd 1010011"     "fli.h"      R "D, f"          [ZFA ZFH] float::load_immediate(F16);
    "0010110 ttttt sssss 010 ddddd 1010011"     "fminm.h"    R "D, S, T"       [ZFA ZFH] float::arith(F16, FloatOp::Min(MinMax::Propagate));
    "0010110 ttttt sssss 011 ddddd 1010011"     "fmaxm.h"    R "D, S, T"       [ZFA ZFH] float::arith(F16, FloatOp::Max(MinMax::Propagate));
    "0100010 00100 sssss mmm ddddd 1010011"     "fround.h"   R "D, S, m"       [ZFA ZFH] float::unary(F16, FloatOp::RoundInt { exact: false });
    "0100010 00101 sssss mmm ddddd 1010011"     "froundnx.h" R "D, S, m"       [ZFA ZFH] float::unary(F16, FloatOp::RoundInt { exact: true });
    "1010010 ttttt sssss 100 ddddd 1010011"     "fleq.h"     R "d, S, T"       [ZFA ZFH] float::compare(F16, FloatCond::LeQuiet);
    "1010010 ttttt sssss 101 ddddd 1010011"     "fltq.h"     R "d, S, T"       [ZFA ZFH] float::compare(F16, FloatCond::LtQuiet);
    "1100001 01000 sssss 001 ddddd 1010011"     "fcvtmod.w.d" R "d, S, rtz"     [ZFA D] float::to_int(F64, FloatToInt::Mod32);

    // Zba
    "0000100 ttttt sssss 000 ddddd 0111011"     "add.uw"     R "d, s, t"       [ZBA] bitmanip::shift_add_uw(0);
    "0010000 ttttt sssss 010 ddddd 0110011"     "sh1add"     R "d, s, t"       [ZBA] bitmanip::shift_add(1);
    "0010000 ttttt sssss 100 ddddd 0110011"     "sh2add"     R "d, s, t"       [ZBA] bitmanip::shift_add(2);
    "0010000 ttttt sssss 110 ddddd 0110011"     "sh3add"     R "d, s, t"       [ZBA] bitmanip::shift_add(3);
    "0010000 ttttt sssss 010 ddddd 0111011"     "sh1add.uw"  R "d, s, t"       [ZBA] bitmanip::shift_add_uw(1);
    "0010000 ttttt sssss 100 ddddd 0111011"     "sh2add.uw"  R "d, s, t"       [ZBA] bitmanip::shift_add_uw(2);
    "0010000 ttttt sssss 110 ddddd 0111011"     "sh3add.uw"  R "d, s, t"       [ZBA] bitmanip::shift_add_uw(3);
    "000010 iiiiii sssss 001 ddddd 0011011"     "slli.uw"    Shift "d, s, i"   [ZBA] bitmanip::slli_uw();

    // Zbb, Zbkb
    "0100000 ttttt sssss 111 ddddd 0110011"     "andn"       R "d, s, t"       [ZBB | ZBKB] base::alu(BinOp::AndNot);
    "0100000 ttttt sssss 110 ddddd 0110011"     "orn"        R "d, s, t"       [ZBB | ZBKB] bitmanip::orn();
    "0100000 ttttt sssss 100 ddddd 0110011"     "xnor"       R "d, s, t"       [ZBB | ZBKB] bitmanip::xnor();
    "0110000 00000 sssss 001 ddddd 0010011"     "clz"        R "d, s"          [ZBB] base::unary(UnOp::Clz);
    "0110000 00001 sssss 001 ddddd 0010011"     "ctz"        R "d, s"          [ZBB] base::unary(UnOp::Ctz);
    "0110000 00010 sssss 001 ddddd 0010011"     "cpop"       R "d, s"          [ZBB] base::unary(UnOp::Popcnt);
    "0110000 00000 sssss 001 ddddd 0011011"     "clzw"       R "d, s"          [ZBB] bitmanip::count_w(UnOp::Clz);
    "0110000 00001 sssss 001 ddddd 0011011"     "ctzw"       R "d, s"          [ZBB] bitmanip::count_w(UnOp::Ctz);
    "0110000 00010 sssss 001 ddddd 0011011"     "cpopw"      R "d, s"          [ZBB] bitmanip::count_w(UnOp::Popcnt);
    "0000101 ttttt sssss 100 ddddd 0110011"     "min"        R "d, s, t"       [ZBB] base::alu(BinOp::MinS);
    "0000101 ttttt sssss 101 ddddd 0110011"     "minu"       R "d, s, t"       [ZBB] base::alu(BinOp::MinU);
    "0000101 ttttt sssss 110 ddddd 0110011"     "max"        R "d, s, t"       [ZBB] base::alu(BinOp::MaxS);
    "0000101 ttttt sssss 111 ddddd 0110011"     "maxu"       R "d, s, t"       [ZBB] base::alu(BinOp::MaxU);
    "0110000 00100 sssss 001 ddddd 0010011"     "sext.b"     R "d, s"          [ZBB] base::unary(UnOp::Sext8);
    "0110000 00101 sssss 001 ddddd 0010011"     "sext.h"     R "d, s"          [ZBB] base::unary(UnOp::Sext16);
    "0000100 00000 sssss 100 ddddd 0111011"     "zext.h"     R "d, s"          [ZBB] base::unary(UnOp::Zext16);
    "0110000 ttttt sssss 001 ddddd 0110011"     "rol"        R "d, s, t"       [ZBB | ZBKB] bitmanip::rol();
    "0110000 ttttt sssss 101 ddddd 0110011"     "ror"        R "d, s, t"       [ZBB | ZBKB] base::alu(BinOp::RotR);
    "011000 iiiiii sssss 101 ddddd 0010011"     "rori"       Shift "d, s, i"   [ZBB | ZBKB] base::alu_imm(BinOp::RotR);
    "0110000 ttttt sssss 001 ddddd 0111011"     "rolw"       R "d, s, t"       [ZBB | ZBKB] bitmanip::rolw();
    "0110000 ttttt sssss 101 ddddd 0111011"     "rorw"       R "d, s, t"       [ZBB | ZBKB] base::alu_w(BinOp::RotR);
    "0110000 iiiii sssss 101 ddddd 0011011"     "roriw"      ShiftW "d, s, i"  [ZBB | ZBKB] base::alu_imm_w(BinOp::RotR);
    "0010100 00111 sssss 101 ddddd 0010011"     "orc.b"      R "d, s"          [ZBB] base::unary(UnOp::OrBytes);
    "0110101 11000 sssss 101 ddddd 0010011"     "rev8"       R "d, s"          [ZBB | ZBKB] base::unary(UnOp::Bswap);
    "0110100 00111 sssss 101 ddddd 0010011"     "brev8"      R "d, s"          [ZBKB] bitmanip::brev8();
    "0000100 ttttt sssss 100 ddddd 0110011"     "pack"       R "d, s, t"       [ZBKB] bitmanip::pack();
    "0000100 ttttt sssss 111 ddddd 0110011"     "packh"      R "d, s, t"       [ZBKB] bitmanip::packh();
    "0000100 ttttt sssss 100 ddddd 0111011"     "packw"      R "d, s, t"       [ZBKB] bitmanip::packw();

    // Zbc, Zbkc
    "0000101 ttttt sssss 001 ddddd 0110011"     "clmul"      R "d, s, t"       [ZBC | ZBKC] base::alu(BinOp::ClMul);
    "0000101 ttttt sssss 011 ddddd 0110011"     "clmulh"     R "d, s, t"       [ZBC | ZBKC] base::alu(BinOp::ClMulH);
    "0000101 ttttt sssss 010 ddddd 0110011"     "clmulr"     R "d, s, t"       [ZBC] bitmanip::clmulr();

    // Zbs
    "0100100 ttttt sssss 001 ddddd 0110011"     "bclr"       R "d, s, t"       [ZBS] bitmanip::bit(BinOp::AndNot);
    "010010 iiiiii sssss 001 ddddd 0010011"     "bclri"      Shift "d, s, i"   [ZBS] bitmanip::bit_imm(BinOp::AndNot);
    "0110100 ttttt sssss 001 ddddd 0110011"     "binv"       R "d, s, t"       [ZBS] bitmanip::bit(BinOp::Xor);
    "011010 iiiiii sssss 001 ddddd 0010011"     "binvi"      Shift "d, s, i"   [ZBS] bitmanip::bit_imm(BinOp::Xor);
    "0010100 ttttt sssss 001 ddddd 0110011"     "bset"       R "d, s, t"       [ZBS] bitmanip::bit(BinOp::Or);
    "001010 iiiiii sssss 001 ddddd 0010011"     "bseti"      Shift "d, s, i"   [ZBS] bitmanip::bit_imm(BinOp::Or);
    "0100100 ttttt sssss 101 ddddd 0110011"     "bext"       R "d, s, t"       [ZBS] bitmanip::bext();
    "010010 iiiiii sssss 101 ddddd 0010011"     "bexti"      Shift "d, s, i"   [ZBS] bitmanip::bexti();

    // Zbkx
    "0010100 ttttt sssss 010 ddddd 0110011"     "xperm4"     R "d, s, t"       [ZBKX] bitmanip::xperm(4);
    "0010100 ttttt sssss 100 ddddd 0110011"     "xperm8"     R "d, s, t"       [ZBKX] bitmanip::xperm(8);

    // Zicond
    "0000111 ttttt sssss 101 ddddd 0110011"     "czero.eqz"  R "d, s, t"       [ZICOND] bitmanip::czero_eqz();
    "0000111 ttttt sssss 111 ddddd 0110011"     "czero.nez"  R "d, s, t"       [ZICOND] bitmanip::czero_nez();

    // C, quadrant 0
    "000 00000000 ddd 00"         "reserved"     None ""     [C];
    "000 iiiiiiii ddd 00"         "c.addi4spn"   Ciw "d, s, i"  [C] base::alu_imm(BinOp::Add);
    "001 iii sss ii ddd 00"       "c.fld"        ClD "D, i(s)"  [C D] float::load(F64);
    "010 iii sss ii ddd 00"       "c.lw"         ClW "d, i(s)"  [C] base::load(B4);
    "011 iii sss ii ddd 00"       "c.ld"         ClD "d, i(s)"  [C] base::load(B8);
    "101 iii sss ii ttt 00"       "c.fsd"        CsD "T, i(s)"  [C D] float::store(F64);
    "110 iii sss ii ttt 00"       "c.sw"         CsW "t, i(s)"  [C] base::store(B4);
    "111 iii sss ii ttt 00"       "c.sd"         CsD "t, i(s)"  [C] base::store(B8);

    // C, quadrant 1; with rd x0 most are hints, which need no row since writes to x0 are dropped
    "000 i 00000 iiiii 01"        "c.nop"        None ""        [C] system::nop();
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
    "001 i ddddd iiiii 10"        "c.fldsp"      CiLdsp "D, i(s)"  [C D] float::load(F64);
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
    "101 iiiiii ttttt 10"         "c.fsdsp"      CssSd "T, i(s)"   [C D] float::store(F64);
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
