//! The JIT against the interpreter, on programs of a made-up ISA whose instructions are random ops.
//!
//! Every 32-bit word is an instruction: it seeds a generator that picks what it does. So a random page is a random
//! program that uses every op in every variant, traps now and then, and branches, to places where no instruction can
//! stand too. It switches between address spaces and flushes translations, so that every number of a context has its
//! turn. A trap folds all registers into one of them, so that a register written late or early shows.

use super::jit::{self, HostFeatures};
use super::{CODE_LIMIT, Engine, Exit, interp};
use crate::cpu::{
    Access, AddressSpace, Board, Cpu, Group, Helper, Isa, Lifted, Mapping, Mode, RegDef, Remote, Request, Trap,
};
use crate::fabric::{BusBuilder, Clock, Mailbox, Power, Ram, Timers, Watchers};
use crate::float::{Format, MinMax, Round, Rules};
use crate::ir::{
    BinOp, Builder, Cond, Effects, End, Fixed, FloatCond, FloatOp, FloatToInt, HelperId, Hint, IntToFloat, Lane,
    MemSize, Op, RmwOp, Slot, Type, UnOp, Val, VecFloat, VecInsn, VecOp, Why, Width,
};
use std::sync::Arc;

mod atomics;
mod looks;
mod stops;

/// A small generator (splitmix64): tests must not change when a crate does.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A value that is often at an edge.
    pub fn value(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(64),
            3 => self.next() as u32 as u64,
            4 => self.next() as i32 as u64,
            5 => self.pick(&[i64::MIN as u64, i64::MAX as u64, i32::MIN as u64, 0x7fff_ffff, 1, 2, 63, 64]),
            6 => f64::from(self.next() as i32 >> 8).to_bits(),
            _ => self.next(),
        }
    }

    fn float_bits(&mut self) -> u64 {
        match self.below(6) {
            0 => self.pick(&[0, 1 << 63, 0x7ff0 << 48, 0xfff0 << 48, 0x7ff8 << 48, 0x7ff0_0000_0000_0001, 1]),
            1 => 0xffff_ffff_0000_0000 | self.next() as u32 as u64,
            2 => 0xffff_ffff_0000_0000 | u64::from((self.next() as i16 as f32).to_bits()),
            3 => (self.next() as i32 as f64 / 1024.0).to_bits(),
            _ => self.next(),
        }
    }
}

const INTS: u16 = 32;
const FLOATS: u16 = 16;
const TRAPS: Slot = Slot(60);
const FOLD: Slot = Slot(61);
/// The address space: an odd one swaps pages of data, one with bit 1 set has a page that cannot be written.
const SPACE: Slot = Slot(62);
const SPACES: u64 = 600;
const RAM_SIZE: u64 = 0x8000;
const CODE: u64 = 0x4000;
const STOP_WORD: u32 = 0xffff_ffff;

struct Toy;

impl Toy {
    fn int(r: &mut Random, b: &mut Builder) -> Val {
        if r.below(4) == 0 {
            let value = r.value();
            return b.const_(value);
        }
        let slot = Slot(r.below(usize::from(INTS)) as u16);
        b.get(slot, Type::Int)
    }

    fn float(r: &mut Random, b: &mut Builder, fmt: Format) -> Val {
        let v = b.get(Slot(INTS + r.below(usize::from(FLOATS)) as u16), Type::Float);
        b.unbox(fmt, v)
    }

    fn set_int(r: &mut Random, b: &mut Builder, v: Val) {
        b.set(Slot(r.below(usize::from(INTS)) as u16), v);
    }

    fn set_float(r: &mut Random, b: &mut Builder, fmt: Format, v: Val) {
        let v = b.box_(fmt, v);
        b.set(Slot(INTS + r.below(usize::from(FLOATS)) as u16), v);
    }

    /// An address that is in RAM below the code, mostly; now and then one of the last there are.
    fn address(r: &mut Random, b: &mut Builder, align: u64) -> Val {
        if r.below(30) == 0 {
            let last = r.pick(&[1, 2, 4, 8, 15, 16, 17, 0x1000]);
            return b.const_(0u64.wrapping_sub(last) & !(align - 1));
        }
        let v = Toy::int(r, b);
        let v = b.and_imm(v, (CODE - 1) & !(align - 1));
        let far = if r.below(12) == 0 { RAM_SIZE as i64 } else { 0 };
        b.add_imm(v, far)
    }

    /// Any vector op; vectors lie over integers and floats.
    fn vector(r: &mut Random, b: &mut Builder, rm: Round) {
        let lane = r.pick(&Lane::ALL);
        let narrow = r.pick(&Lane::ALL[..3]);
        let (half, part, signed) = (r.below(2) == 0, r.below(2) as u8, r.below(2) == 0);
        let by = r.below(lane.bits() as usize) as u8;
        let inside = r.pick(&Lane::ALL[narrow as usize + 1..]);
        let fmt = r.pick(&[Format::F32, Format::F64]);
        let fraction = if r.below(2) == 0 { 0 } else { r.below(if fmt == Format::F32 { 33 } else { 65 }) as u8 };
        let fixed = Fixed { signed, fraction };
        let high = r.pick(&[Lane::B16, Lane::B32]);
        let short = r.pick(&[Format::F16, Format::AltF16, Format::F32, Format::F32]);
        let float = r.pick(&[
            VecFloat::Add,
            VecFloat::Sub,
            VecFloat::Mul,
            VecFloat::Div,
            VecFloat::Fma,
            VecFloat::FmaNeg,
            VecFloat::Eq,
            VecFloat::Gt,
            VecFloat::Ge,
            VecFloat::Sqrt,
            VecFloat::FromInt(fixed),
            VecFloat::ToInt(fixed),
            VecFloat::Min(MinMax::Propagate),
            VecFloat::Max(MinMax::Number2008),
            VecFloat::RoundInt { exact: signed },
        ]);
        let op = r.pick(&[
            VecOp::And,
            VecOp::AndNot,
            VecOp::Or,
            VecOp::OrNot,
            VecOp::Xor,
            VecOp::Choose,
            VecOp::Add(lane),
            VecOp::Sub(lane),
            VecOp::Mul(lane),
            VecOp::Eq(lane),
            VecOp::GtS(lane),
            VecOp::GtU(lane),
            VecOp::GeS(lane),
            VecOp::GeU(lane),
            VecOp::Test(lane),
            VecOp::MinS(lane),
            VecOp::MaxS(lane),
            VecOp::MinU(lane),
            VecOp::MaxU(lane),
            VecOp::Abs(lane),
            VecOp::SatAddS(lane),
            VecOp::SatAddU(lane),
            VecOp::SatSubS(lane),
            VecOp::SatSubU(lane),
            VecOp::AverageU(lane),
            VecOp::MulHighDouble { lane: high, round: signed },
            VecOp::ShiftBy { lane, signed },
            VecOp::Dot { a_signed: signed, b_signed: part == 0 },
            VecOp::FloatWiden { from: short, part },
            VecOp::FloatNarrow { to: short, rm, part },
            VecOp::BitRev,
            VecOp::Shl(lane, by),
            VecOp::ShrU(lane, by + 1),
            VecOp::ShrS(lane, by + 1),
            VecOp::Dup(lane, by % lane.count() as u8),
            VecOp::Extract(by % if half { 8 } else { 16 }),
            VecOp::ZipLow(lane),
            VecOp::ZipHigh(narrow),
            VecOp::UnzipEven(narrow),
            VecOp::UnzipOdd(narrow),
            VecOp::TransposeEven(narrow),
            VecOp::TransposeOdd(narrow),
            VecOp::Reverse(narrow, inside),
            VecOp::Widen { lane: narrow, signed, part },
            VecOp::MulWide { lane: narrow, signed, part },
            VecOp::Narrow { lane: narrow, part },
            VecOp::Count,
            VecOp::Table,
            VecOp::AesEncrypt,
            VecOp::AesDecrypt,
            VecOp::AesMix,
            VecOp::AesMixInverse,
            VecOp::ClMul(part),
            VecOp::Float(float, fmt, rm),
            VecOp::Float(float, fmt, rm),
            VecOp::Float(float, fmt, rm),
            VecOp::Float(float, fmt, Round::TowardZero),
        ]);
        let mut vector = || Slot(2 * r.below(usize::from(INTS + FLOATS) / 2) as u16);
        let (d, a, bb, c) = (vector(), vector(), vector(), vector());
        match r.below(8) {
            0 => {
                let value = Toy::int(r, b);
                b.vec_dup(lane, half, d, value);
            }
            1 => {
                let base = Toy::address(r, b, 1);
                b.vec_load(d, base, 0);
            }
            2 => {
                let base = Toy::address(r, b, 16);
                b.vec_store(a, base, 0);
            }
            _ => b.vec(VecInsn {
                op,
                half: half && !matches!(op, VecOp::Narrow { .. } | VecOp::FloatNarrow { .. }),
                d,
                a,
                b: bb,
                c,
            }),
        }
    }

    fn body(r: &mut Random, b: &mut Builder, off: i64) {
        let sizes = [MemSize::B1, MemSize::B2, MemSize::B4, MemSize::B8];
        let w = r.pick(&[Width::W32, Width::W64]);
        let fmt = r.pick(&[Format::F16, Format::F32, Format::F64, Format::F32, Format::F64]);
        b.access.big_endian = r.below(4) == 0;
        let rm = r.pick(&[
            Round::NearestEven,
            Round::NearestEven,
            Round::TowardZero,
            Round::Down,
            Round::Up,
            Round::NearestAway,
        ]);
        match r.below(27) {
            0..=5 => {
                let (x, y) = (Toy::int(r, b), Toy::int(r, b));
                let v = b.bin(r.pick(BinOp::ALL), w, x, y);
                Toy::set_int(r, b, v);
            }
            6 | 7 => {
                let x = Toy::int(r, b);
                let v = b.un(r.pick(UnOp::ALL), w, x);
                Toy::set_int(r, b, v);
            }
            8 => {
                let (x, y) = (Toy::int(r, b), Toy::int(r, b));
                let v = b.cmp(r.pick(Cond::ALL), w, x, y);
                Toy::set_int(r, b, v);
            }
            9 => {
                let (x, y) = (Toy::int(r, b), Toy::int(r, b));
                let c = b.cmp(r.pick(Cond::ALL), w, x, y);
                let (x, y) = (Toy::int(r, b), Toy::int(r, b));
                let v = b.select(c, x, y);
                Toy::set_int(r, b, v);
            }
            10 => {
                let c = Toy::int(r, b);
                let (x, y) = (Toy::int(r, b), Toy::int(r, b));
                let v = b.select(c, x, y);
                Toy::set_int(r, b, v);
                let pc = b.pc(r.next() as i32 as i64);
                Toy::set_int(r, b, pc);
            }
            11 | 12 => {
                let a = Toy::address(r, b, 1);
                let size = r.pick(&sizes);
                let v = b.load(size, r.below(2) == 0, a, r.below(16) as i32 - 8);
                Toy::set_int(r, b, v);
            }
            13 => {
                let (a, v) = (Toy::address(r, b, 1), Toy::int(r, b));
                b.store(r.pick(&sizes), a, r.below(16) as i32, v);
            }
            14 => {
                let a = Toy::address(r, b, 1);
                if r.below(2) == 0 {
                    let size = r.pick(&sizes);
                    let v = b.load_float(size, a, 8);
                    b.set(Slot(INTS + r.below(usize::from(FLOATS)) as u16), v);
                } else {
                    let v = b.get(Slot(INTS + r.below(usize::from(FLOATS)) as u16), Type::Float);
                    b.store(r.pick(&sizes), a, 0, v);
                }
            }
            15 => {
                let size = r.pick(&sizes);
                // Aligned mostly: the rest must trap.
                let align = if r.below(6) == 0 { 1 } else { u64::from(size.bytes()) };
                let a = Toy::address(r, b, align);
                let v = match r.below(4) {
                    0 => {
                        let (x, y) = (Toy::int(r, b), Toy::int(r, b));
                        let reserved = if r.below(4) == 0 { Toy::int(r, b) } else { a };
                        let old = if r.below(2) == 0 { b.load_aligned(size, false, a) } else { x };
                        b.store_conditional(size, a, reserved, old, y)
                    }
                    1 => {
                        let (x, y) = (b.load_aligned(size, true, a), Toy::int(r, b));
                        b.cas(size, a, x, y)
                    }
                    _ => {
                        let x = Toy::int(r, b);
                        b.rmw(r.pick(RmwOp::ALL), size, a, x)
                    }
                };
                Toy::set_int(r, b, v);
                b.fence();
            }
            16 | 17 => {
                let op = r.pick(&[
                    FloatOp::Add,
                    FloatOp::Sub,
                    FloatOp::Mul,
                    FloatOp::Div,
                    FloatOp::Sqrt,
                    FloatOp::Fma,
                    FloatOp::Neg,
                    FloatOp::Abs,
                    FloatOp::CopySign,
                    FloatOp::Min(MinMax::Number2019),
                    FloatOp::Max(MinMax::Number2019),
                    FloatOp::Max(MinMax::Propagate),
                    FloatOp::RoundInt { exact: true },
                    FloatOp::RoundInt { exact: false },
                ]);
                let mut args = [Val::NONE; 3];
                for arg in args.iter_mut().take(op.operands()) {
                    *arg = Toy::float(r, b, fmt);
                }
                let v = b.float(op, fmt, rm, args[0], args[1], args[2]);
                Toy::set_float(r, b, fmt, v);
            }
            18 => {
                let (x, y) = (Toy::float(r, b, fmt), Toy::float(r, b, fmt));
                let conds = [FloatCond::Eq, FloatCond::Lt, FloatCond::Le, FloatCond::LtQuiet, FloatCond::LeQuiet];
                let v = b.float_cmp(r.pick(&conds), fmt, x, y);
                Toy::set_int(r, b, v);
                let v = b.float_class(fmt, x);
                Toy::set_int(r, b, v);
            }
            19 => {
                let x = Toy::float(r, b, fmt);
                let to = r.pick(&[Format::F16, Format::F32, Format::F64]);
                let v = b.float_convert(fmt, to, rm, x);
                Toy::set_float(r, b, to, v);
            }
            20 => {
                let x = Toy::float(r, b, fmt);
                let kinds = [FloatToInt::I32, FloatToInt::U32, FloatToInt::I64, FloatToInt::U64];
                let to = r.pick(&kinds);
                let fraction = if to == FloatToInt::Mod32 || r.below(2) == 0 { 0 } else { r.below(33) as u8 };
                let v = b.float_to_fixed(fmt, to, fraction, rm, x);
                Toy::set_int(r, b, v);
                let x = Toy::int(r, b);
                let kinds = [IntToFloat::I32, IntToFloat::U32, IntToFloat::I64, IntToFloat::U64];
                let fraction = if r.below(2) == 0 { 0 } else { r.below(65) as u8 };
                let v = b.fixed_to_float(r.pick(&kinds), fraction, fmt, rm, x);
                Toy::set_float(r, b, fmt, v);
            }
            21 => {
                let x = Toy::int(r, b);
                let effects = r.pick(&[Effects::PURE, Effects::ANY]);
                let helper = if effects == Effects::PURE { HelperId(0) } else { HelperId(1) };
                let v = b.call(helper, effects, &[x]);
                Toy::set_int(r, b, v);
            }
            22 => {
                let v = b.get(Slot(r.below(usize::from(INTS)) as u16), Type::Int);
                let v = b.cast(Type::Float, v);
                b.set(Slot(INTS + r.below(usize::from(FLOATS)) as u16), v);
            }
            23 | 24 => Toy::vector(r, b, rm),
            25 => {
                let x = Toy::int(r, b);
                b.call(r.pick(&[HelperId(3), HelperId(4), HelperId(5)]), Effects::ANY, &[x]);
            }
            _ => {
                // Forward only, so that every program ends.
                let target = off + 4 + 4 * r.below(8) as i64;
                match r.below(4) {
                    0 => b.jump(target, false),
                    1 => {
                        let astray = if r.below(6) == 0 { 1 + r.below(3) as i64 } else { 0 };
                        let pc = b.pc(target + astray);
                        b.indirect(pc, Hint::Jump);
                    }
                    2 => b.end(End::Next { target }),
                    _ => {
                        let (x, y) = (Toy::int(r, b), Toy::int(r, b));
                        let c = b.cmp(r.pick(Cond::ALL), w, x, y);
                        b.exit_if(c, target);
                    }
                }
            }
        }
    }
}

static REGS: &[RegDef] = &[RegDef { name: "r0", slot: Slot(0), bits: 64, group: Group::General }];
static HELPERS: &[Helper] = &[
    Helper { name: "mix", effects: Effects::PURE, call: |_, args| Ok(args[0].rotate_left(7) ^ 0x55) },
    Helper {
        name: "touch",
        effects: Effects::ANY,
        call: |cpu, args| {
            if args[0] & 7 == 7 {
                return Err(Trap { cause: 9, value: args[0] });
            }
            let at = (args[0] % u64::from(INTS)) as usize;
            cpu.slots[at] = cpu.slots[at].wrapping_add(cpu.pc);
            Ok(cpu.slots[(at + 1) % usize::from(INTS)])
        },
    },
    Helper {
        name: "stop",
        effects: Effects::ANY,
        call: |cpu, _| {
            cpu.remote.ask_stop(true);
            Ok(0)
        },
    },
    Helper {
        name: "switch",
        effects: Effects::ANY,
        call: |cpu, args| {
            cpu.set(SPACE, args[0] % SPACES);
            cpu.mode_changed();
            Ok(0)
        },
    },
    Helper {
        name: "flush_page",
        effects: Effects::ANY,
        call: |cpu, args| {
            cpu.flush_page(args[0] % CODE, None);
            Ok(0)
        },
    },
    Helper {
        name: "flush_space",
        effects: Effects::ANY,
        call: |cpu, _| {
            cpu.flush_space(cpu.get(SPACE) as u32);
            Ok(0)
        },
    },
];

impl Isa for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }
    fn registers(&self) -> &'static [RegDef] {
        REGS
    }
    fn slots(&self) -> usize {
        64
    }
    fn helpers(&self) -> &'static [Helper] {
        HELPERS
    }
    fn grain(&self) -> u32 {
        2
    }
    fn reset(&self, cpu: &mut Cpu) {
        cpu.pc = CODE;
    }
    fn mode(&self, cpu: &Cpu) -> Mode {
        let space = cpu.get(SPACE);
        // Spaces that map alike share what they have of even pages.
        let space = AddressSpace { root: space, id: space as u32, bits: 0, globals: 1 + space % 4 };
        Mode { code: 0, data: space, fetch: space }
    }
    fn float_rules(&self, _: u32) -> &'static Rules {
        &Rules::RISCV
    }
    fn keeps_space(&self, _: u32) -> bool {
        true
    }
    fn rounding(&self, _: u32) -> Round {
        Round::NearestEven
    }
    fn lift(&self, b: &mut Builder, code: &[u8], _: u32) -> Lifted {
        let Some(word) = code.first_chunk::<4>() else { return Lifted::NeedsMore };
        let word = u32::from_le_bytes(*word);
        let off = i64::from(b.here());
        b.insn(4);
        if word == STOP_WORD {
            b.call(HelperId(2), Effects::ANY, &[]);
            b.end(End::Leave { target: off, why: Why::Interrupts });
        } else {
            Toy::body(&mut Random(u64::from(word)), b, off);
        }
        Lifted::Done(4)
    }
    fn translate(&self, cpu: &mut Cpu, address: u64, access: Access) -> Result<Mapping, Trap> {
        let space = cpu.get(SPACE);
        let write = space & 2 == 0 || address / 4096 != 1;
        if address >= RAM_SIZE || access == Access::Store && !write {
            return Err(Trap { cause: 1 + access as u64, value: address });
        }
        let physical = if address < CODE { address ^ (space & 1) << 13 } else { address };
        let global = (address / 4096).is_multiple_of(2);
        Ok(Mapping { physical, size: 4096, read: true, write, secure: false, checked: false, global, code: 0 })
    }
    fn translate_debug(&self, _: &Cpu, address: u64) -> Option<u64> {
        Some(address)
    }
    fn misaligned(&self, address: u64, _: Access) -> Trap {
        Trap { cause: 20, value: address }
    }
    fn bus_fault(&self, address: u64, _: Access) -> Trap {
        Trap { cause: 21, value: address }
    }
    fn pending(&self, cpu: &mut Cpu) -> Option<Trap> {
        (cpu.pins.take_rises(1) != 0).then_some(Trap { cause: 30, value: 0 })
    }
    fn wakes(&self, _: &mut Cpu) -> bool {
        false
    }
    fn enter(&self, cpu: &mut Cpu, trap: Trap) {
        let fold = (0..usize::from(INTS + FLOATS))
            .fold(cpu.get(FOLD), |fold, n| (fold.rotate_left(5) ^ cpu.slots[n]).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        cpu.set(FOLD, fold ^ trap.cause ^ trap.value.rotate_left(32) ^ cpu.pc);
        cpu.set(TRAPS, cpu.get(TRAPS) + 1);
        cpu.pc = (cpu.pc & !3) + 4;
    }
    fn describe_trap(&self, trap: Trap) -> String {
        format!("trap {}", trap.cause)
    }
    fn disassemble(&self, _: &[u8], _: u64) -> (String, usize) {
        (String::new(), 4)
    }
    fn privilege(&self, _: &Cpu) -> u64 {
        0
    }
}

struct Bench {
    cpu: Box<Cpu>,
    ram: Arc<Ram>,
    engine: Box<dyn Engine>,
}

fn bench(make: impl FnOnce(Arc<Mailbox>) -> Box<dyn Engine>) -> Bench {
    let watchers = Arc::new(Watchers::default());
    let mailbox = Arc::<Mailbox>::default();
    watchers.watch(vec![mailbox.clone()]);
    let ram = Ram::new(RAM_SIZE, &watchers).unwrap();
    let mut bus = BusBuilder::default();
    bus.ram("ram", 0, RAM_SIZE, ram.clone(), 0, true).unwrap();
    let board = Board {
        bus: Arc::new(bus.build()),
        timers: Timers::idle(Clock::new()),
        power: Power::new(|| {}),
        debug: Arc::default(),
        interface: None,
        semihosting: None,
    };
    let cpu = Cpu::new(0, Arc::new(Toy), board, vec![Remote::new()].into(), None);
    Bench { cpu, ram, engine: make(mailbox) }
}

fn interpreter(mailbox: Arc<Mailbox>) -> Box<dyn Engine> {
    Box::new(interp::Interp::new(mailbox, CODE_LIMIT))
}

fn compiler(host: HostFeatures) -> impl FnOnce(Arc<Mailbox>) -> Box<dyn Engine> {
    move |mailbox| Box::new(jit::engines(1, host, mailbox, CODE_LIMIT).unwrap().remove(0))
}

impl Bench {
    /// Runs `program` from the state that `seed` makes.
    fn run(&mut self, program: &[u32], seed: u64) -> (Vec<u64>, Vec<u8>, u8) {
        self.load(program, seed);
        assert_eq!(self.engine.run(&mut self.cpu), Exit::Asked);
        self.state()
    }

    fn load(&mut self, program: &[u32], seed: u64) {
        let mut r = Random(seed);
        let mut memory = vec![0; CODE as usize];
        memory.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&r.value().to_le_bytes()));
        self.ram.write(0, &memory);
        let code: Vec<u8> = program.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.ram.write(CODE, &code);
        self.cpu.reset();
        for n in 0..usize::from(INTS) {
            self.cpu.slots[n] = r.value();
        }
        for n in usize::from(INTS)..usize::from(INTS + FLOATS) {
            self.cpu.slots[n] = r.float_bits();
        }
        self.cpu.remote.ask_stop(false);
    }

    fn state(&self) -> (Vec<u64>, Vec<u8>, u8) {
        let mut memory = vec![0; CODE as usize];
        self.ram.read(0, &mut memory);
        (self.cpu.slots[..64].to_vec(), memory, self.cpu.float_flags)
    }
}

fn program(r: &mut Random, length: usize) -> Vec<u32> {
    let mut words: Vec<u32> = (0..length).map(|_| r.next() as u32 & 0x7fff_ffff).collect();
    words.extend([STOP_WORD; 10]);
    words
}

fn lifted_text(program: &[u32]) -> String {
    let mut b = Builder::new(64);
    b.begin(0);
    for word in program {
        Toy.lift(&mut b, &word.to_le_bytes(), 0);
    }
    b.finish().to_string()
}

fn agree(host: HostFeatures, rounds: u64, length: usize) {
    let (mut oracle, mut tested) = (bench(interpreter), bench(compiler(host)));
    for seed in 0..rounds {
        let mut r = Random(seed);
        let program = program(&mut r, length);
        let (want, got) = (oracle.run(&program, seed), tested.run(&program, seed));
        if want == got {
            continue;
        }
        // The shortest prefix that disagrees names the instruction.
        let cut = |n: usize| -> Vec<u32> { program[..n].iter().copied().chain([STOP_WORD; 10]).collect() };
        let n = (1..=length).find(|n| oracle.run(&cut(*n), seed) != tested.run(&cut(*n), seed)).unwrap_or(length);
        let (want, got) = (oracle.run(&cut(n), seed), tested.run(&cut(n), seed));
        let slots: Vec<String> = (0..64)
            .filter(|s| want.0[*s] != got.0[*s])
            .map(|s| format!("s{s}: {:#x}, not {:#x}", got.0[s], want.0[s]))
            .collect();
        let text = lifted_text(&program[..n]);
        panic!(
            "seed {seed}, {n} instructions: {slots:?}, memory {}, flags {:#x} not {:#x}\n{text}",
            if want.1 == got.1 { "equal" } else { "differs" },
            got.2,
            want.2,
        );
    }
}

#[test]
fn jit_agrees_with_interpreter_on_short_programs() {
    agree(HostFeatures::detect(), 3000, 6);
}

#[test]
fn jit_agrees_with_interpreter_on_long_programs() {
    agree(HostFeatures::detect(), 300, 200);
}

#[test]
fn jit_agrees_with_interpreter_on_a_baseline_host() {
    agree(HostFeatures::BASELINE, 1500, 20);
}

#[test]
fn verifier_accepts_what_random_instructions_build() {
    let mut r = Random(7);
    for _ in 0..500 {
        let mut b = Builder::new(64);
        b.begin(0);
        while !b.has_ended() && b.insns() < 20 {
            Toy.lift(&mut b, &(r.next() as u32 & 0x7fff_ffff).to_le_bytes(), 0);
        }
        let block = b.finish();
        assert!(block.ops.iter().any(|op| matches!(op, Op::Insn { .. })));
        crate::ir::verify(&block).unwrap();
    }
}
