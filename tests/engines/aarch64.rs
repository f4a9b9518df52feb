//! A64 programs at EL0, with every feature that a `max` CPU has.

use crate::random::Random;
use crate::{Unit, Use, layout, pages};
use mimus::cpu::{Cpu, Isa};
use mimus::fabric::{Clock, Ram, Timebase};
use mimus::isa::aarch64::decode::decode;
use mimus::isa::aarch64::features::Features;
use mimus::isa::aarch64::models::{self, Supply};
use mimus::isa::aarch64::simd::table as simd;
use mimus::isa::aarch64::sysreg::slots;
use mimus::isa::aarch64::{Aarch64, regs, table};
use std::sync::Arc;

const BASE: u64 = 0x4000_0000;

/// Registers with addresses in the data; a small index; the loop counter; where indirect jumps go.
const POINTERS: [u32; 4] = [20, 21, 22, 23];
const INDEX: u32 = 24;
const COUNTER: u32 = 25;
const TARGET: u32 = 26;

/// SVC, the only one with this number.
const STOP: u32 = 0xd400_0001 | 0xffff << 5;

/// A row of either table.
#[derive(Clone, Copy)]
struct Kind {
    mask: u32,
    value: u32,
    /// As `table` writes them; of Advanced SIMD, what of it matters here.
    operands: &'static str,
}

/// The guest.
pub struct Guest {
    isa: Arc<Aarch64>,
    kinds: Vec<Kind>,
}

impl Guest {
    /// Its tables and its CPU.
    pub fn new() -> Guest {
        let clock = Clock::new();
        let timebase = Timebase::new(clock.clone(), 1_000_000);
        let supply = Supply { clock, timebase, count: 1, lines: vec![vec![]] };
        let isa = models::build("max", &[], &[], supply).unwrap();
        let has = |needs: Features| isa.features.has(needs);
        // What waits, what ends the machine's run, and indirect jumps, which are made below.
        let left_out = |name: &str, operands: &str, needs: Features| {
            let jumps = name.starts_with("br") && name != "brk" || name.starts_with("blr") || name.starts_with("ret");
            jumps || name.starts_with("wf") && (operands.is_empty() || needs.has(Features::WFXT))
        };
        let integer = table::rows()
            .filter(|row| has(row.needs) && !left_out(row.name, row.operands, row.needs))
            .map(|row| Kind { mask: row.mask, value: row.value, operands: row.operands });
        let simd = simd::all().filter(|row| has(row.needs)).map(|row| Kind {
            mask: row.mask,
            value: row.value,
            operands: if matches!(row.run, simd::Run::Memory(_)) { "[n, m]" } else { "" },
        });
        let kinds = integer.chain(simd).collect();
        Guest { isa: Arc::new(isa), kinds }
    }

    /// A random instruction, or the shape of one that jumps.
    fn word(&self, random: &mut Random) -> (u32, Option<&'static str>) {
        loop {
            let kind = random.one_of(&self.kinds);
            let mut word = kind.value | random.next() as u32 & !kind.mask;
            for label in ["label19", "label14", "label26"] {
                // Jumps: literals are read from the code behind them.
                if kind.operands.contains(label) && kind.mask & 0x3b00_0000 != 0x3b00_0000 {
                    return (word, Some(label));
                }
            }
            let memory = kind.operands.contains("[n");
            if memory && random.below(20) != 0 {
                word = word & !(31 << 5) | random.one_of(&[20, 21, 22, 23, 31]) << 5;
                if kind.operands.contains("[n, m]") {
                    word = word & !(31 << 16) | random.one_of(&[INDEX, INDEX, 31]) << 16;
                }
            }
            if word & kind.mask != kind.value {
                continue;
            }
            let kept = |n: u32| (20..=26).contains(&n);
            let written = [word & 31, word >> 10 & 31, word >> 16 & 31];
            let also = if memory && !kind.operands.contains("[n, m]") { 3 } else { 1 };
            let random_number = word & 0xffff_ffc0 == 0xd53b_2400;
            if written[..also].iter().any(|n| kept(*n)) || word == STOP || random_number {
                continue;
            }
            // What is unallocated traps: some of that is enough.
            let allocated = decode(word, self.isa.features).is_some() || simd::decode(word).is_some();
            if allocated || random.below(40) == 0 {
                return (word, None);
            }
        }
    }
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A jump's label, put into an instruction.
fn with_label(word: u32, label: &str, distance: i64) -> u32 {
    let (bits, shift) = match label {
        "label19" => (19, 5),
        "label14" => (14, 5),
        _ => (26, 0),
    };
    let field = ((1 << bits) - 1) << shift;
    word & !field | ((distance >> 2) as u32) << shift & field
}

impl crate::Guest for Guest {
    fn isa(&self) -> Arc<dyn Isa> {
        self.isa.clone()
    }

    fn base(&self) -> u64 {
        BASE
    }

    fn image(&self) -> Vec<(u64, Vec<u8>)> {
        let mut tables = vec![0u64; 3 * 512];
        tables[1] = (BASE + layout::TABLES + 0x1000) | 3;
        tables[512] = (BASE + layout::TABLES + 0x2000) | 3;
        for (page, permitted) in pages() {
            // AF, inner shareable, a page; AP; UXN and PXN.
            let attributes = match permitted {
                Use::Nothing => continue,
                Use::Handler => 2 << 6 | 1 << 54,
                Use::Execute => 3 << 6,
                Use::Read => 3 << 6 | 3 << 53,
                Use::Write => 1 << 6 | 3 << 53,
            };
            tables[1024 + page as usize / 0x1000] = (BASE + page) | attributes | 1 << 10 | 3 << 8 | 3;
        }
        let tables = tables.into_iter().flat_map(u64::to_le_bytes).collect();
        vec![(layout::TABLES, tables), (layout::HANDLER + 0x400, bytes(&[0xd69f_03e0]))] // eret
    }

    fn handlers(&self) -> Vec<u64> {
        vec![BASE + layout::HANDLER + 0x400]
    }

    fn start(&self, cpu: &mut Cpu, random: &mut Random) {
        for n in 0..=30 {
            cpu.set(regs::x(n), random.integer());
        }
        let mut pointer = || {
            let at = layout::DATA + 0x1000 + random.below(0x4000) as u64;
            // Mostly aligned, often close to the end of a page.
            let at = if random.below(3) == 0 { at | 0xfc0 } else { at };
            BASE + (at & !(random.one_of(&[0, 3, 7, 15, 15, 63])))
        };
        for n in POINTERS {
            cpu.set(regs::x(n), pointer());
        }
        cpu.set(regs::SP, pointer() & !15);
        cpu.set(regs::x(INDEX), random.below(32) as u64);
        cpu.set(regs::x(COUNTER), 0);
        for n in 0..32 {
            let (exp, frac) = random.one_of(&[(5, 10), (8, 23), (8, 23), (11, 52), (11, 52)]);
            let float = |random: &mut Random| match exp {
                5 => (0..4).fold(0, |v, _| v << 16 | random.float(5, 10)),
                8 => random.float(8, 23) << 32 | random.float(8, 23),
                _ => random.float(11, frac),
            };
            cpu.set(regs::v_low(n), float(random));
            let high = if random.below(3) == 0 { random.integer() } else { float(random) };
            cpu.set(regs::v_high(n), high);
        }
        regs::set_nzcv(cpu, random.next() & 0xf000_0000);
        let fpcr = [0, (random.below(4) as u64) << 22, random.next() & 0x07c8_0000];
        cpu.set(regs::FPCR, random.one_of(&fpcr));
        // The MMU and the caches on, and for EL0: DC ZVA, CTR, DAIF, cache maintenance, pointer authentication.
        const ALLOWED: u64 = 1 << 14 | 1 << 15 | 1 << 9 | 1 << 26 | 1 << 31 | 1 << 30 | 1 << 27 | 1 << 13;
        // Sometimes with big-endian data.
        let order = if random.below(4) == 0 { 1 << 24 } else { 0 };
        cpu.set(slots::SCTLR_EL1, 0x30d0_0838 | 0x1005 | ALLOWED | order);
        cpu.set(slots::CPACR_EL1, 3 << 20);
        // Addresses of 39 bits in the lower half, none in the upper.
        cpu.set(slots::TCR_EL1, 25 | 1 << 23);
        cpu.set(slots::MAIR_EL1, 0xff);
        cpu.set(slots::TTBR0_EL1, BASE + layout::TABLES);
        cpu.set(slots::VBAR_EL1, BASE + layout::HANDLER);
        for key in [slots::APIA_LO, slots::APIB_HI, slots::APDA_LO, slots::APGA_LO] {
            cpu.set(key, random.next());
        }
        cpu.set(slots::PSTATE, 0);
    }

    fn unit(&self, random: &mut Random) -> Unit {
        let over = random.below(6);
        let any = (random.next() & 15) as u32;
        let system = |register: u32, read: bool| {
            Unit::Plain(bytes(&[if read { 0xd53b_0000 } else { 0xd51b_0000 } | register | any]))
        };
        match random.below(60) {
            0 => system(0x4400, false),                // FPCR
            1 => system(0x4420, random.below(2) == 0), // FPSR
            2 => system(0x4200, random.below(2) == 0), // NZCV
            3 | 4 => {
                // ADR and BR, BLR or RET.
                let jump = random.one_of(&[0xd61f_0000, 0xd63f_0000, 0xd65f_0000]) | TARGET << 5;
                let code = move |distance: i64| {
                    bytes(&[0x1000_0000 | ((distance >> 2) as u32 & 0x7_ffff) << 5 | TARGET, jump])
                };
                Unit::Jump(over, Box::new(code))
            }
            _ => match self.word(random) {
                (word, None) => Unit::Plain(bytes(&[word])),
                (word, Some(label)) => {
                    let code = move |distance: i64| bytes(&[with_label(word, label, distance)]);
                    Unit::Jump(over, Box::new(code))
                }
            },
        }
    }

    fn loop_of(&self, n: u32, by: usize) -> [Unit; 2] {
        let set = Unit::Plain(bytes(&[0xd280_0000 | n << 5 | COUNTER]));
        // SUB, and TBZ of the sign: whoever comes in by a jump leaves too.
        let code = |distance: i64| {
            let sub = 0xd100_0400 | COUNTER << 5 | COUNTER;
            bytes(&[sub, with_label(0xb6f8_0000 | COUNTER, "label14", distance - 4)])
        };
        [set, Unit::Back(by, Box::new(code))]
    }

    fn stop(&self) -> Vec<u8> {
        bytes(&[STOP])
    }

    fn trapped(&self, cpu: &Cpu, _: &Ram) -> (u64, u64) {
        let elr = cpu.get(slots::ELR_EL1);
        let svc = cpu.get(slots::ESR_EL1) >> 26 == 0x15;
        if svc { (elr.wrapping_sub(4), elr) } else { (elr, elr.wrapping_add(4)) }
    }

    fn return_to(&self, cpu: &mut Cpu, pc: u64) {
        cpu.set(slots::ELR_EL1, pc);
    }

    fn describe(&self, cpu: &Cpu) -> String {
        format!("ESR {:#x}, FAR {:#x}", cpu.get(slots::ESR_EL1), cpu.get(slots::FAR_EL1))
    }
}
