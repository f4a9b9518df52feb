//! The register table as debuggers, traces and snapshots see it.

use super::regs::{self, nzcv, set_nzcv, v_high, v_low, x};
use super::state;
use super::sysreg::slots;
use super::sysreg::table::REGISTERS as SYSTEM;
use crate::base::bits::with_field;
use crate::cpu::{Cpu, Group, RegDef};
use crate::ir::Slot;

const X_NAMES: [&str; 31] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
    "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
];

/// The vector registers by halves.
const V_NAMES: [[&str; 2]; 32] = [
    ["v0", "v0h"],
    ["v1", "v1h"],
    ["v2", "v2h"],
    ["v3", "v3h"],
    ["v4", "v4h"],
    ["v5", "v5h"],
    ["v6", "v6h"],
    ["v7", "v7h"],
    ["v8", "v8h"],
    ["v9", "v9h"],
    ["v10", "v10h"],
    ["v11", "v11h"],
    ["v12", "v12h"],
    ["v13", "v13h"],
    ["v14", "v14h"],
    ["v15", "v15h"],
    ["v16", "v16h"],
    ["v17", "v17h"],
    ["v18", "v18h"],
    ["v19", "v19h"],
    ["v20", "v20h"],
    ["v21", "v21h"],
    ["v22", "v22h"],
    ["v23", "v23h"],
    ["v24", "v24h"],
    ["v25", "v25h"],
    ["v26", "v26h"],
    ["v27", "v27h"],
    ["v28", "v28h"],
    ["v29", "v29h"],
    ["v30", "v30h"],
    ["v31", "v31h"],
];

const fn def(name: &'static str, slot: Slot, bits: u8, group: Group) -> RegDef {
    RegDef { name, slot, bits, group }
}

/// What is neither a general, a vector nor a system register.
const OTHERS: [RegDef; 18] = [
    def("sp", regs::SP, 64, Group::General),
    def("cpsr", slots::PSTATE, 32, Group::General),
    def("flags", regs::FLAGS, 8, Group::Hidden),
    def("flag-a", regs::FLAG_A, 64, Group::Hidden),
    def("flag-b", regs::FLAG_B, 64, Group::Hidden),
    def("flag-c", regs::FLAG_C, 64, Group::Hidden),
    def("exclusive-address", regs::EXCLUSIVE_ADDRESS, 64, Group::Hidden),
    def("exclusive-value", regs::EXCLUSIVE_VALUE, 64, Group::Hidden),
    def("exclusive-high", regs::EXCLUSIVE_HIGH, 64, Group::Hidden),
    def("branched", regs::BRANCHED, 64, Group::Hidden),
    def("pstate", slots::PSTATE, 32, Group::Hidden),
    def("event", slots::EVENT, 1, Group::Hidden),
    def("wait-end", slots::WAIT_END, 64, Group::Hidden),
    def("interrupt-waits", slots::INTERRUPT_WAITS, 1, Group::Hidden),
    def("counting", slots::COUNTING, 32, Group::Hidden),
    def("counted-from", slots::COUNTED_FROM, 64, Group::Hidden),
    def("overflow-at", slots::OVERFLOW_AT, 64, Group::Hidden),
    def("stepped", slots::STEPPED, 2, Group::Hidden),
];

const COUNT: usize = 31 + 64 + OTHERS.len() + SYSTEM.len();

/// The register table.
pub static REGISTERS: [RegDef; COUNT] = registers();

const fn registers() -> [RegDef; COUNT] {
    let mut all = [OTHERS[0]; COUNT];
    let mut n = 0;
    while n < 31 {
        all[n] = def(X_NAMES[n], x(n as u32), 64, Group::General);
        n += 1;
    }
    let mut at = 31;
    n = 0;
    while n < OTHERS.len() {
        all[at] = OTHERS[n];
        at += 1;
        n += 1;
    }
    n = 0;
    while n < 32 {
        all[at] = def(V_NAMES[n][0], v_low(n as u32), 64, Group::Vector);
        all[at + 1] = def(V_NAMES[n][1], v_high(n as u32), 64, Group::Vector);
        at += 2;
        n += 1;
    }
    n = 0;
    while n < SYSTEM.len() {
        let group = if SYSTEM[n].is_shown() { Group::System } else { Group::Hidden };
        let slot = SYSTEM[n].slot;
        let bits = if slot.0 == regs::FPCR.0 || slot.0 == regs::FPSR.0 { 32 } else { 64 };
        all[at] = def(SYSTEM[n].name, slot, bits, group);
        at += 1;
        n += 1;
    }
    all
}

/// The system register that a line is of.
fn system(reg: &RegDef) -> Option<&'static super::sysreg::SysReg> {
    SYSTEM.iter().find(|register| register.name == reg.name)
}

/// See [`crate::cpu::Isa::read_register`].
pub fn read(cpu: &mut Cpu, reg: &RegDef) -> u64 {
    match (reg.name, system(reg)) {
        ("cpsr", _) => state::saved(cpu),
        (_, Some(register)) => register.peek(cpu),
        _ => cpu.get(reg.slot),
    }
}

/// See [`crate::cpu::Isa::write_register`].
pub fn write(cpu: &mut Cpu, reg: &RegDef, value: u64) {
    match (reg.name, system(reg)) {
        ("cpsr", _) => {
            use super::fields::pstate;
            state::set(cpu, value & !(pstate::NZCV | pstate::BTYPE));
            set_nzcv(cpu, value & pstate::NZCV);
            debug_assert_eq!(nzcv(cpu), value & pstate::NZCV);
            regs::set_branch_type(cpu, cpu.pc, value >> 10);
        }
        (_, Some(register)) => register.poke(cpu, value),
        _ => cpu.set(reg.slot, with_field(0, crate::base::bits::mask(reg.bits.into()), value)),
    }
}
