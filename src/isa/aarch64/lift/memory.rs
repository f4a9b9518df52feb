//! Loads and stores.

use super::register::extended;
use super::{Insn, Lift};
use crate::ir::{BinOp, Cond, MemSize, Type, UnOp, Val, Width};
use crate::isa::aarch64::pauth::COMBINED;
use crate::isa::aarch64::{helpers, regs};

/// What is loaded or stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A general register, zero-extended from memory.
    Int(MemSize),
    /// A general register, sign-extended to 64 bits.
    SignedX(MemSize),
    /// A general register, sign-extended to 32 bits.
    SignedW(MemSize),
    /// A floating-point register of up to 64 bits.
    Float(MemSize),
    /// A floating-point register of 128 bits.
    Quad,
}

impl Kind {
    /// Binary logarithm of the size in bytes.
    const fn scale(self) -> u32 {
        match self {
            Kind::Int(size) | Kind::SignedX(size) | Kind::SignedW(size) | Kind::Float(size) => size as u32,
            Kind::Quad => 4,
        }
    }

    const fn bytes(self) -> i32 {
        1 << self.scale()
    }
}

/// How the address is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Base and scaled 12-bit offset.
    Scaled,
    /// Base and 9-bit offset.
    Unscaled,
    /// The base, to which the offset is added after.
    Post,
    /// Base and offset, which becomes the base.
    Pre,
    /// Base and register.
    Register,
    /// As `Unscaled`, with the access rights of EL0.
    User,
    /// Relative to the instruction.
    Literal,
}

/// An address: a base and a displacement, and what the base register takes after the access.
#[derive(Clone, Copy)]
struct Address {
    base: Val,
    disp: i32,
    back: Option<Val>,
}

fn address(l: &mut Lift, i: Insn, scale: u32, mode: Mode) -> Address {
    if mode == Mode::Literal {
        return Address { base: l.b.pc(l.off + i.imm19()), disp: 0, back: None };
    }
    let base = l.x_or_sp(i.rn());
    let imm9 = i.signed(20, 12);
    match mode {
        Mode::Scaled => Address { base, disp: (i.bits(21, 10) << scale) as i32, back: None },
        Mode::Register => {
            let offset = l.x(i.rm());
            let offset = extended(l, offset, i.bits(15, 13), if i.bit(12) { scale } else { 0 });
            Address { base: l.b.add(base, offset), disp: 0, back: None }
        }
        _ => with_offset(l, base, imm9, mode),
    }
}

fn with_offset(l: &mut Lift, base: Val, offset: i64, mode: Mode) -> Address {
    match mode {
        Mode::Post => Address { base, disp: 0, back: Some(l.b.add_imm(base, offset)) },
        Mode::Pre => Address { base, disp: offset as i32, back: Some(l.b.add_imm(base, offset)) },
        _ => Address { base, disp: offset as i32, back: None },
    }
}

impl Lift<'_> {
    /// What `kind`, other than `Quad`, loads.
    fn load_value(&mut self, kind: Kind, base: Val, disp: i32) -> Val {
        match kind {
            Kind::Int(size) => self.b.load(size, false, base, disp),
            Kind::SignedX(size) => self.b.load(size, true, base, disp),
            Kind::SignedW(size) => {
                let value = self.b.load(size, true, base, disp);
                self.b.un64(UnOp::Zext32, value)
            }
            // Bytes have no float type to be in.
            Kind::Float(MemSize::B1) => self.b.load(MemSize::B1, false, base, disp),
            Kind::Float(size) => self.b.load_float(size, base, disp),
            Kind::Quad => unreachable!("a vector is no value"),
        }
    }

    fn set_loaded(&mut self, kind: Kind, n: u32, value: Val) {
        if let Kind::Float(_) = kind {
            self.set_f(n, value);
        } else {
            self.set_x(n, value);
        }
    }

    fn load_vector(&mut self, n: u32, base: Val, disp: i32) {
        self.check_vector(base, disp, false);
        self.b.vec_load(regs::v_low(n), base, disp);
    }

    /// Vectors are aligned as wholes where accesses must be.
    fn check_vector(&mut self, base: Val, disp: i32, store: bool) {
        if self.mode.aligned {
            self.aligned(base, disp, 16, store);
        }
    }

    fn store_kind(&mut self, kind: Kind, n: u32, base: Val, disp: i32) {
        match kind {
            Kind::Int(size) | Kind::SignedX(size) | Kind::SignedW(size) => {
                let value = self.x(n);
                self.b.store(size, base, disp, value);
            }
            Kind::Float(size) => {
                let value = self.b.get(regs::v_low(n), Type::Float);
                self.b.store(size, base, disp, value);
            }
            Kind::Quad => {
                self.check_vector(base, disp, true);
                self.b.vec_store(regs::v_low(n), base, disp);
            }
        }
    }

    /// Traps unless an address is aligned to `bytes`, for what is accessed by halves.
    pub fn aligned(&mut self, base: Val, disp: i32, bytes: u64, store: bool) {
        let address = self.b.add_imm(base, i64::from(disp));
        let (bytes, store) = (self.b.const_(bytes), self.b.const_(store.into()));
        self.call(helpers::ALIGNED, &[address, bytes, store]);
    }

    fn write_back(&mut self, i: Insn, back: Option<Val>) {
        if let Some(back) = back {
            self.set_x_or_sp(i.rn(), back);
        }
    }
}

/// Loads of one register.
pub fn load(l: &mut Lift, i: Insn, kind: Kind, mode: Mode) {
    let at = address(l, i, kind.scale(), mode);
    if kind == Kind::Quad {
        l.load_vector(i.rd(), at.base, at.disp);
        return l.write_back(i, at.back);
    }
    let value = if mode == Mode::User && l.mode.unprivileged {
        load_user(l, kind, at)
    } else {
        l.load_value(kind, at.base, at.disp)
    };
    l.write_back(i, at.back);
    l.set_loaded(kind, i.rd(), value);
}

fn load_user(l: &mut Lift, kind: Kind, at: Address) -> Val {
    let (address, bytes) = (l.b.add_imm(at.base, i64::from(at.disp)), l.b.const_(kind.bytes() as u64));
    let value = l.call(helpers::LOAD_USER, &[address, bytes]);
    let sign = match kind.scale() {
        0 => UnOp::Sext8,
        1 => UnOp::Sext16,
        _ => UnOp::Sext32,
    };
    match kind {
        Kind::SignedX(_) => l.b.un64(sign, value),
        Kind::SignedW(_) => l.b.un(sign, Width::W32, value),
        _ => value,
    }
}

/// Stores of one register.
pub fn store(l: &mut Lift, i: Insn, kind: Kind, mode: Mode) {
    let at = address(l, i, kind.scale(), mode);
    if mode == Mode::User && l.mode.unprivileged {
        let address = l.b.add_imm(at.base, i64::from(at.disp));
        let (value, bytes) = (l.x(i.rd()), l.b.const_(kind.bytes() as u64));
        l.call(helpers::STORE_USER, &[address, value, bytes]);
    } else {
        l.store_kind(kind, i.rd(), at.base, at.disp);
    }
    l.write_back(i, at.back);
}

/// The address of a pair.
fn pair_address(l: &mut Lift, i: Insn, kind: Kind, mode: Mode) -> Address {
    let base = l.x_or_sp(i.rn());
    with_offset(l, base, i.signed(21, 15) << kind.scale(), mode)
}

/// LDP, LDNP, LDPSW.
pub fn load_pair(l: &mut Lift, i: Insn, kind: Kind, mode: Mode) {
    let at = pair_address(l, i, kind, mode);
    let there = at.disp.wrapping_add(kind.bytes());
    if kind == Kind::Quad {
        l.load_vector(i.rd(), at.base, at.disp);
        l.load_vector(i.ra(), at.base, there);
        return l.write_back(i, at.back);
    }
    let first = l.load_value(kind, at.base, at.disp);
    let second = l.load_value(kind, at.base, there);
    l.write_back(i, at.back);
    l.set_loaded(kind, i.rd(), first);
    l.set_loaded(kind, i.ra(), second);
}

/// STP, STNP.
pub fn store_pair(l: &mut Lift, i: Insn, kind: Kind, mode: Mode) {
    let at = pair_address(l, i, kind, mode);
    l.store_kind(kind, i.rd(), at.base, at.disp);
    l.store_kind(kind, i.ra(), at.base, at.disp.wrapping_add(kind.bytes()));
    l.write_back(i, at.back);
}

/// LDRAA, LDRAB: through an authenticated pointer; bit 23 selects the key.
pub fn load_auth(l: &mut Lift, i: Insn, write_back: bool) {
    let pointer = l.x_or_sp(i.rn());
    let zero = l.b.const_(0);
    let base = l.authenticated(pointer, zero, 2 + u8::from(i.bit(23)), COMBINED);
    let offset = (i.signed(22, 22) << 9 | i64::from(i.bits(20, 12))) * 8;
    let value = l.b.load(MemSize::B8, false, base, offset as i32);
    if write_back {
        let back = l.b.add_imm(base, offset);
        l.set_x_or_sp(i.rn(), back);
    }
    l.set_x(i.rd(), value);
}

/// PRFM: a hint.
pub fn prefetch(_: &mut Lift, _: Insn) {}

/// LDAR, LDLAR, LDAPR. Hosts keep loads in order.
pub fn load_acquire(l: &mut Lift, i: Insn, size: MemSize) {
    let base = l.x_or_sp(i.rn());
    order(l);
    let value = l.b.load(size, false, base, 0);
    l.set_x(i.rd(), value);
}

/// STLR, STLLR. A load-acquire behind it may not come before it: the one order that hosts do not keep.
pub fn store_release(l: &mut Lift, i: Insn, size: MemSize) {
    let (base, value) = (l.x_or_sp(i.rn()), l.x(i.rd()));
    order(l);
    l.b.store(size, base, 0, value);
    l.b.fence();
}

/// Makes the instruction's access an ordered one: with FEAT_LSE2 they may be unaligned as long as they are within 16
/// bytes; those that are not are let through too.
fn order(l: &mut Lift) {
    use crate::isa::aarch64::features::Features;
    l.b.access.aligned |= !l.features.has(Features::LSE2);
}

/// LDAPUR and kin.
pub fn load_acquire_offset(l: &mut Lift, i: Insn, kind: Kind) {
    load(l, i, kind, Mode::Unscaled);
}

/// STLUR and kin.
pub fn store_release_offset(l: &mut Lift, i: Insn, kind: Kind) {
    store(l, i, kind, Mode::Unscaled);
    l.b.fence();
}

/// An instruction of FEAT_MOPS.
pub fn mops(l: &mut Lift, _: Insn) {
    let bits = l.bits();
    let more = l.call(helpers::MOPS, &[bits]);
    let more = l.b.cmp_imm(Cond::Ne, Width::W64, more, 0);
    l.b.exit_if(more, l.off);
}

/// Two words that follow each other in memory as the doubleword that they are there.
pub fn join(l: &mut Lift, first: Val, second: Val) -> Val {
    let (low, high) = if l.mode.big_endian { (second, first) } else { (first, second) };
    let low = l.b.un64(UnOp::Zext32, low);
    let high = l.b.bin_imm(BinOp::Shl, Width::W64, high, 32);
    l.b.bin(BinOp::Or, Width::W64, low, high)
}
