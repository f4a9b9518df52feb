//! RISC-V programs in U-mode, with every extension that a `max` hart has.

use crate::random::Random;
use crate::{Unit, Use, layout, pages};
use mimus::cpu::{Cpu, Isa};
use mimus::fabric::{Clock, Ram, Timebase};
use mimus::isa::riscv64::decode::{Format, Row};
use mimus::isa::riscv64::table::ROWS;
use mimus::isa::riscv64::{Riscv64, models, regs};
use std::sync::Arc;

const BASE: u64 = 0x8000_0000;

/// Registers with addresses in the data; the loop counter; where indirect jumps go.
const POINTERS: [u32; 3] = [2, 8, 9];
const COUNTER: u32 = 28;
const TARGET: u32 = 29;

/// The guest.
pub struct Guest {
    isa: Arc<Riscv64>,
    rows: Vec<&'static Row>,
}

impl Guest {
    /// Its tables and its CPU.
    pub fn new() -> Guest {
        let timebase = Timebase::new(Clock::new(), 1_000_000);
        let isa = models::build("max", &[("pmp".into(), "false".into())], timebase, 1).unwrap();
        // What waits, indirect jumps, which are made below, and the short forms of jumps.
        let left_out = |row: &Row| {
            let jumps = ["jalr", "c.j", "c.jr", "c.jalr", "c.beqz", "c.bnez"].contains(&row.name);
            jumps || row.name.starts_with("wrs") || row.name == "wfi"
        };
        let rows = ROWS.iter().filter(|row| row.needs.met_by(isa.ext) && row.lift.is_some() && !left_out(row));
        let rows = rows.collect();
        Guest { isa: Arc::new(isa), rows }
    }

    fn instruction(&self, random: &mut Random) -> (&'static Row, u32) {
        let kept = |n: u32| POINTERS.contains(&n) || n == COUNTER || n == TARGET;
        loop {
            let row = random.one_of(&self.rows);
            let width = if row.len == 2 { 0xffff } else { u32::MAX };
            let mut word = (row.value | random.next() as u32 & !row.mask) & width;
            let memory = row.operands.contains("(s)");
            if memory && random.below(20) != 0 {
                word = match row.len {
                    2 => word & !(7 << 7) | (random.next() as u32 & 1) << 7,
                    _ => word & !(31 << 15) | random.one_of(&POINTERS) << 15,
                };
            }
            if word & row.mask != row.value {
                continue;
            }
            let low = word >> 2 & 7 | 8;
            let writes_kept = match (row.len, row.format) {
                (4, Format::S | Format::B) => false,
                (4, _) => kept(word >> 7 & 31),
                (_, _) if memory => kept(low),
                _ => kept(word >> 7 & 31) || kept(low) || kept(word >> 7 & 7 | 8),
            };
            if !writes_kept {
                return (row, word);
            }
        }
    }
}

fn bytes(word: u32, len: u8) -> Vec<u8> {
    word.to_le_bytes()[..usize::from(len)].to_vec()
}

/// The offset of a branch, in place.
fn b_imm(distance: i64) -> u32 {
    let o = distance as u32;
    (o >> 12 & 1) << 31 | (o >> 5 & 0x3f) << 25 | (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7
}

/// The offset of a jump, in place.
fn j_imm(distance: i64) -> u32 {
    let o = distance as u32;
    (o >> 20 & 1) << 31 | (o >> 1 & 0x3ff) << 21 | (o >> 11 & 1) << 20 | (o >> 12 & 0xff) << 12
}

fn i_type(opcode: u32, funct3: u32, rd: u32, rs1: u32, imm: i64) -> u32 {
    (imm as u32) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

impl crate::Guest for Guest {
    fn isa(&self) -> Arc<dyn Isa> {
        self.isa.clone()
    }

    fn base(&self) -> u64 {
        BASE
    }

    fn image(&self) -> Vec<(u64, Vec<u8>)> {
        let entry = |page: u64, bits: u64| (BASE + page) >> 12 << 10 | bits;
        let mut tables = vec![0u64; 3 * 512];
        tables[2] = entry(layout::TABLES + 0x1000, 1);
        tables[512] = entry(layout::TABLES + 0x2000, 1);
        for (page, permitted) in pages() {
            // V, R, W, X, U, A, D.
            let bits = match permitted {
                Use::Nothing | Use::Handler => continue,
                Use::Execute => 0b1101_1011,
                Use::Read => 0b1101_0011,
                Use::Write => 0b1101_0111,
            };
            tables[1024 + page as usize / 0x1000] = entry(page, bits);
        }
        let tables = tables.into_iter().flat_map(u64::to_le_bytes).collect();
        vec![(layout::TABLES, tables), (layout::HANDLER, bytes(0x3020_0073, 4))] // mret
    }

    fn handlers(&self) -> Vec<u64> {
        vec![BASE + layout::HANDLER]
    }

    fn start(&self, cpu: &mut Cpu, random: &mut Random) {
        for n in 1..32 {
            cpu.set(regs::x(n), random.integer());
        }
        for n in POINTERS {
            let at = layout::DATA + 0x1000 + random.below(0x4000) as u64;
            let at = if random.below(3) == 0 { at | 0xfc0 } else { at };
            cpu.set(regs::x(n), BASE + (at & !(random.one_of(&[0, 3, 7, 15, 15, 63]))));
        }
        cpu.set(regs::x(COUNTER), 0);
        for n in 0..32 {
            let value = match random.below(6) {
                0 => random.next(),
                1 => random.float(5, 10) | !0 << 16,
                2 | 3 => random.float(8, 23) | !0 << 32,
                _ => random.float(11, 52),
            };
            cpu.set(regs::f(n), value);
        }
        cpu.set(regs::FCSR, (random.below(5) as u64) << 5);
        // FS is Dirty, WFI traps.
        let status = cpu.get(regs::MSTATUS);
        cpu.set(regs::MSTATUS, status | 3 << 13 | 1 << 21);
        cpu.set(regs::MTVEC, BASE + layout::HANDLER);
        cpu.set(regs::SATP, 8 << 60 | (BASE + layout::TABLES) >> 12);
        cpu.set(regs::SENVCFG, 0xf0);
        cpu.set(regs::MENVCFG, cpu.get(regs::MENVCFG) | 0xf0);
        cpu.set(regs::PRIVILEGE, 0);
    }

    fn unit(&self, random: &mut Random) -> Unit {
        let over = random.below(6);
        if random.below(25) == 0 {
            let link = random.one_of(&[0, 1, 5]);
            // AUIPC and JALR.
            let code = move |distance: i64| {
                let jump = i_type(0x67, 0, link, TARGET, distance);
                [bytes(0x17 | TARGET << 7, 4), bytes(jump, 4)].concat()
            };
            return Unit::Jump(over, Box::new(code));
        }
        let (row, word) = self.instruction(random);
        match row.format {
            Format::B => {
                let word = word & !0xfe00_0f80;
                Unit::Jump(over, Box::new(move |distance| bytes(word | b_imm(distance), 4)))
            }
            Format::J => {
                let word = word & 0xfff;
                Unit::Jump(over, Box::new(move |distance| bytes(word | j_imm(distance), 4)))
            }
            _ => Unit::Plain(bytes(word, row.len)),
        }
    }

    fn loop_of(&self, n: u32, by: usize) -> [Unit; 2] {
        let set = Unit::Plain(bytes(i_type(0x13, 0, COUNTER, 0, i64::from(n)), 4));
        // ADDI, and BGE with zero: whoever comes in by a jump leaves too.
        let code = |distance: i64| {
            let sub = i_type(0x13, 0, COUNTER, COUNTER, -1);
            [bytes(sub, 4), bytes(0x5063 | COUNTER << 15 | b_imm(distance - 4), 4)].concat()
        };
        [set, Unit::Back(by, Box::new(code))]
    }

    fn stop(&self) -> Vec<u8> {
        bytes(0x73, 4)
    }

    fn trapped(&self, cpu: &Cpu, ram: &Ram) -> (u64, u64) {
        let pc = cpu.get(regs::MEPC);
        let mut low = [0];
        if let Some(at) = pc.checked_sub(BASE).filter(|at| *at < layout::SIZE) {
            ram.read(at, &mut low);
        }
        (pc, pc.wrapping_add(if low[0] & 3 == 3 { 4 } else { 2 }))
    }

    fn return_to(&self, cpu: &mut Cpu, pc: u64) {
        cpu.set(regs::MEPC, pc);
    }

    fn describe(&self, cpu: &Cpu) -> String {
        format!("mcause {:#x}, mtval {:#x}", cpu.get(regs::MCAUSE), cpu.get(regs::MTVAL))
    }
}
