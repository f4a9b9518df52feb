//! The cryptographic extension.

use super::super::aes::{aesd, aese, aesimc, aesmc};
use super::super::sha::{
    bcax, eor3, rax1, sha1c, sha1h, sha1m, sha1p, sha1su0, sha1su1, sha256h, sha256h2, sha256su0, sha256su1, sha512h,
    sha512h2, sha512su0, sha512su1, xar,
};
use super::super::sm::{sm3partw1, sm3partw2, sm3ss1, sm3tt, sm4e, sm4ekey};
use super::{Row, rows};

/// The rows.
pub static ROWS: &[Row] = rows! { Data
    // AES
    "01001110 00 10100 00100 10 nnnnn ddddd"       "aese"      AES     any      aese();
    "01001110 00 10100 00101 10 nnnnn ddddd"       "aesd"      AES     any      aesd();
    "01001110 00 10100 00110 10 nnnnn ddddd"       "aesmc"     AES     any      aesmc();
    "01001110 00 10100 00111 10 nnnnn ddddd"       "aesimc"    AES     any      aesimc();

    // SHA-1 and SHA-256
    "01011110 000 mmmmm 0 000 00 nnnnn ddddd"      "sha1c"     SHA1    any      sha1c();
    "01011110 000 mmmmm 0 001 00 nnnnn ddddd"      "sha1p"     SHA1    any      sha1p();
    "01011110 000 mmmmm 0 010 00 nnnnn ddddd"      "sha1m"     SHA1    any      sha1m();
    "01011110 000 mmmmm 0 011 00 nnnnn ddddd"      "sha1su0"   SHA1    any      sha1su0();
    "01011110 000 mmmmm 0 100 00 nnnnn ddddd"      "sha256h"   SHA256  any      sha256h();
    "01011110 000 mmmmm 0 101 00 nnnnn ddddd"      "sha256h2"  SHA256  any      sha256h2();
    "01011110 000 mmmmm 0 110 00 nnnnn ddddd"      "sha256su1" SHA256  any      sha256su1();
    "01011110 00 10100 00000 10 nnnnn ddddd"       "sha1h"     SHA1    any      sha1h();
    "01011110 00 10100 00001 10 nnnnn ddddd"       "sha1su1"   SHA1    any      sha1su1();
    "01011110 00 10100 00010 10 nnnnn ddddd"       "sha256su0" SHA256  any      sha256su0();

    // SHA-512 and SHA-3
    "11001110 011 mmmmm 1000 00 nnnnn ddddd"       "sha512h"   SHA512  any      sha512h();
    "11001110 011 mmmmm 1000 01 nnnnn ddddd"       "sha512h2"  SHA512  any      sha512h2();
    "11001110 011 mmmmm 1000 10 nnnnn ddddd"       "sha512su1" SHA512  any      sha512su1();
    "11001110 011 mmmmm 1000 11 nnnnn ddddd"       "rax1"      SHA3    any      rax1();
    "11001110 110 00000 1000 00 nnnnn ddddd"       "sha512su0" SHA512  any      sha512su0();
    "11001110 000 mmmmm 0 aaaaa nnnnn ddddd"       "eor3"      SHA3    any      eor3();
    "11001110 001 mmmmm 0 aaaaa nnnnn ddddd"       "bcax"      SHA3    any      bcax();
    "11001110 100 mmmmm iiiiii nnnnn ddddd"        "xar"       SHA3    any      xar();

    // SM3 and SM4
    "11001110 010 mmmmm 0 aaaaa nnnnn ddddd"       "sm3ss1"    SM3     any      sm3ss1();
    "11001110 010 mmmmm 10 ii 00 nnnnn ddddd"      "sm3tt1a"   SM3     any      sm3tt();
    "11001110 010 mmmmm 10 ii 01 nnnnn ddddd"      "sm3tt1b"   SM3     any      sm3tt();
    "11001110 010 mmmmm 10 ii 10 nnnnn ddddd"      "sm3tt2a"   SM3     any      sm3tt();
    "11001110 010 mmmmm 10 ii 11 nnnnn ddddd"      "sm3tt2b"   SM3     any      sm3tt();
    "11001110 011 mmmmm 1100 00 nnnnn ddddd"       "sm3partw1" SM3     any      sm3partw1();
    "11001110 011 mmmmm 1100 01 nnnnn ddddd"       "sm3partw2" SM3     any      sm3partw2();
    "11001110 011 mmmmm 1100 10 nnnnn ddddd"       "sm4ekey"   SM4     any      sm4ekey();
    "11001110 110 00000 1000 01 nnnnn ddddd"       "sm4e"      SM4     any      sm4e();
};
