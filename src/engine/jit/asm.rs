//! The assembler: bytes of one block, with forward jumps patched by hand.

use dynasmrt::{AssemblyOffset, DynasmApi};

/// The code of one block or of the thunks while it is made.
#[derive(Default)]
pub struct Asm {
    bytes: Vec<u8>,
}

/// A 32-bit displacement that waits for its target.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Patch(pub usize);

/// Condition codes as x86 encodes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cc {
    /// Below (unsigned).
    B = 2,
    /// Above or equal (unsigned).
    Ae = 3,
    /// Equal.
    E = 4,
    /// Not equal.
    Ne = 5,
    /// Below or equal (unsigned).
    Be = 6,
    /// Above (unsigned).
    A = 7,
    /// Sign.
    S = 8,
    /// Parity: unordered.
    P = 10,
    /// Less (signed).
    L = 12,
    /// Greater or equal (signed).
    Ge = 13,
    /// Less or equal (signed).
    Le = 14,
    /// Greater (signed).
    G = 15,
}

/// `dynasm!` with the architecture pinned.
macro_rules! asm {
    ($asm:expr ; $($t:tt)*) => {{
        #[allow(unused_imports)]
        use ::dynasmrt::DynasmApi as _;
        // What the macro expands to converts registers that are numbers already.
        #[allow(clippy::useless_conversion)]
        {
            ::dynasm::dynasm!($asm ; .arch x64 ; $($t)*);
        }
    }};
    ($asm:expr, $($t:tt)*) => { asm!($asm ; $($t)*) };
}
pub(super) use asm;

/// `asm!` of one instruction with a memory operand `[base + displacement]`, in the shorter encoding where that reaches:
/// `near!(asm, {mov Rq(r),} rbp, displacement, {})`.
macro_rules! near {
    ($asm:expr, {$($before:tt)*} $base:tt, $at:expr, {$($after:tt)*}) => {
        match i8::try_from($at) {
            Ok(at) => asm!($asm, $($before)* [BYTE $base + at] $($after)*),
            Err(_) => {
                let at: i32 = $at;
                asm!($asm, $($before)* [$base + at] $($after)*);
            }
        }
    };
}
pub(super) use near;

impl Asm {
    /// Where the next byte goes.
    pub fn here(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Starts afresh.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// `jcc rel32` to a target that is bound later.
    pub fn jcc(&mut self, cc: Cc) -> Patch {
        self.bytes.extend([0x0f, 0x80 | cc as u8, 0, 0, 0, 0]);
        Patch(self.here() - 4)
    }

    /// `jo rel32` to a target that is bound later.
    pub fn jo(&mut self) -> Patch {
        self.bytes.extend([0x0f, 0x80, 0, 0, 0, 0]);
        Patch(self.here() - 4)
    }

    /// `jmp rel32` to a target that is bound later.
    pub fn jmp(&mut self) -> Patch {
        self.bytes.extend([0xe9, 0, 0, 0, 0]);
        Patch(self.here() - 4)
    }

    /// `call rel32` to a target that is bound later.
    pub fn call(&mut self) -> Patch {
        self.bytes.extend([0xe8, 0, 0, 0, 0]);
        Patch(self.here() - 4)
    }

    /// `jmp rel32` to a place already emitted.
    pub fn jmp_back(&mut self, target: usize) {
        let patch = self.jmp();
        self.bind_at(patch, target);
    }

    /// Looks at the word that asks for attention; the jump is taken when it does. Uses `rax`.
    pub fn attention(&mut self) -> Patch {
        near!(self, {mov rax,} rsp, super::frame::ATTENTION, {});
        // cmp DWORD [rax], 0
        self.bytes.extend([0x83, 0x38, 0]);
        self.jcc(Cc::Ne)
    }

    /// `setcc` of a byte register (0 to 3: al, cl, dl, bl).
    pub fn setcc(&mut self, cc: Cc, reg: u8) {
        self.bytes.extend([0x0f, 0x90 | cc as u8, 0xc0 | reg]);
    }

    /// `cmp` of a 64-bit or 32-bit register with a sign-extended byte.
    pub fn cmp_imm8(&mut self, wide: bool, reg: u8, imm: i8) {
        let rex = u8::from(wide) << 3 | reg >> 3;
        self.bytes.extend([0x40 | rex, 0x83, 0xf8 | reg & 7, imm as u8]);
    }

    /// `vfmadd213pd xmm0, xmm1, from`, or `vfnmadd213pd`: the assembler makes single precision of it.
    pub fn fma_doubles(&mut self, negated: bool, from: u8) {
        let opcode = if negated { 0xac } else { 0xa8 };
        self.bytes.extend([0xc4, 0xc2 | (from >> 3 ^ 1) << 5, 0xf1, opcode, 0xc0 | from & 7]);
    }

    /// `cmovcc` of 64-bit registers.
    pub fn cmov(&mut self, cc: Cc, to: u8, from: u8) {
        let rex = 0x48 | (to >> 3) << 2 | from >> 3;
        self.bytes.extend([rex, 0x0f, 0x40 | cc as u8, 0xc0 | (to & 7) << 3 | (from & 7)]);
    }

    /// Replaces four bytes.
    pub fn set_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Makes `patch` jump to here.
    pub fn bind(&mut self, patch: Patch) {
        self.bind_at(patch, self.here());
    }

    /// Makes `patch` jump to `target`, an offset in this code.
    pub fn bind_at(&mut self, patch: Patch, target: usize) {
        let rel = (target as i64 - (patch.0 as i64 + 4)) as i32;
        self.bytes[patch.0..patch.0 + 4].copy_from_slice(&rel.to_le_bytes());
    }
}

impl Extend<u8> for Asm {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, iter: T) {
        self.bytes.extend(iter);
    }
}

impl<'a> Extend<&'a u8> for Asm {
    fn extend<T: IntoIterator<Item = &'a u8>>(&mut self, iter: T) {
        self.bytes.extend(iter);
    }
}

impl DynasmApi for Asm {
    fn offset(&self) -> AssemblyOffset {
        AssemblyOffset(self.bytes.len())
    }

    fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn align(&mut self, alignment: usize, with: u8) {
        while !self.bytes.len().is_multiple_of(alignment) {
            self.bytes.push(with);
        }
    }
}
