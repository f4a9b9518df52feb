//! CPUs on a bench, and what the privileged architecture says about them.

mod debug;
mod exceptions;
mod sysregs;
mod translation;

use super::fields::{hcr, pstate};
use super::models::{self, Supply};
use super::sysreg::{slots, table};
use super::{Aarch64, state};
use crate::cpu::{Board, Cpu, Mapping, Remote, Trap};
use crate::fabric::{BusBuilder, Clock, Power, Ram, Timebase, Timers};
use crate::ir::{Mem, MemSize};
use std::sync::Arc;

/// Where the bench's RAM is, and how much.
const RAM: u64 = 0x4000_0000;
const RAM_SIZE: u64 = 1 << 20;
/// Page tables of tests, a page each.
const TABLES: u64 = RAM + 0x1_0000;
/// 8 bytes, misaligned or not.
const WORD: Mem = Mem::plain(MemSize::B8);
/// A handler's address of each level.
const VECTORS: u64 = RAM + 0x8000;

/// A CPU that `-cpu model,props` names, at its highest level.
fn cpu_of(model: &str, props: &str) -> Box<Cpu> {
    let ram = Ram::new(RAM_SIZE, &Arc::default()).unwrap();
    let mut bus = BusBuilder::default();
    bus.ram("ram", RAM, RAM_SIZE, ram, 0, true).unwrap();
    let clock = Clock::new();
    clock.stop();
    clock.set(0);
    let board = Board {
        bus: Arc::new(bus.build()),
        timers: Timers::idle(clock.clone()),
        power: Power::new(|| {}),
        debug: Arc::default(),
        interface: None,
        semihosting: None,
    };
    let props: Vec<(String, String)> = props
        .split(',')
        .filter_map(|prop| prop.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let timebase = Timebase::new(clock.clone(), 62_500_000);
    let supply = Supply { clock, timebase, count: 1, lines: vec![Vec::new()] };
    let isa: Aarch64 = models::build(model, &[], &props, supply).unwrap();
    let mut cpu = Cpu::new(0, Arc::new(isa), board, std::iter::once(Remote::new()).collect(), None);
    for vectors in [slots::VBAR_EL1, slots::VBAR_EL2, slots::VBAR_EL3] {
        cpu.set(vectors, VECTORS);
    }
    cpu
}

/// A CPU of the model `max` with EL2 and EL3, Non-secure below EL3.
pub(super) fn cpu() -> Box<Cpu> {
    let mut cpu = cpu_of("max", "has_el2=on,has_el3=on");
    write(&mut cpu, "SCR_EL3", 1 | 1 << 8 | 3 << 16).unwrap();
    cpu
}

/// Puts the CPU at a level, its exceptions unmasked.
pub(super) fn at(cpu: &mut Cpu, level: u8) {
    state::set(cpu, u64::from(level) << 2 | if level > 0 { pstate::SP } else { 0 });
    cpu.mode_changed();
}

/// Calls a helper by its name.
fn call(cpu: &mut Cpu, name: &str, args: [u64; 3]) -> Result<u64, Trap> {
    let helper = super::system::HELPERS.iter().find(|helper| helper.name == name).unwrap();
    (helper.call)(cpu, args)
}

fn number(register: &str) -> u64 {
    table::named(register).map_or_else(|| panic!("no register {register}"), |row| row.number.into())
}

/// Reads a register as MRS X0 does.
fn read(cpu: &mut Cpu, register: &str) -> Result<u64, Trap> {
    call(cpu, "mrs", [number(register), 0, 0])
}

/// Writes a register as MSR from X0 does.
fn write(cpu: &mut Cpu, register: &str, value: u64) -> Result<(), Trap> {
    call(cpu, "msr", [number(register), value, 0]).map(drop)
}

/// Executes SYS with a value.
fn sys(cpu: &mut Cpu, [op1, crn, crm, op2]: [u16; 4], value: u64) -> Result<(), Trap> {
    call(cpu, "sys", [table::number(1, op1, crn, crm, op2).into(), value, 0]).map(drop)
}

/// Sets a register whoever may write it.
pub(super) fn put_register(cpu: &mut Cpu, register: &str, value: u64) {
    table::named(register).unwrap_or_else(|| panic!("no register {register}")).poke(cpu, value);
    cpu.flush_all();
}

/// What a register holds, whoever may read it.
pub(super) fn register(cpu: &mut Cpu, register: &str) -> u64 {
    table::named(register).unwrap_or_else(|| panic!("no register {register}")).peek(cpu)
}

/// Sets bits of HCR_EL2 beside RW.
fn set_hcr(cpu: &mut Cpu, bits: u64) {
    put_register(cpu, "HCR_EL2", hcr::RW | bits);
}

/// Takes a trap; the level that took it, and its syndrome.
fn taken(cpu: &mut Cpu, trap: Trap) -> (u8, u64) {
    cpu.enter(trap);
    let level = state::level(cpu);
    (level, cpu.get([slots::ESR_EL1, slots::ESR_EL1, slots::ESR_EL2, slots::ESR_EL3][usize::from(level)]))
}

/// What UNDEFINED gives at the level that takes it.
const UNDEFINED: u64 = 1 << 25;

/// The level and the class that an access to a register or an operation traps with.
fn trapped<T: std::fmt::Debug>(cpu: &mut Cpu, result: Result<T, Trap>) -> (u8, u64) {
    let (level, syndrome) = taken(cpu, result.unwrap_err());
    (level, syndrome >> 26)
}

/// Stores 8 bytes at a physical address.
fn put(cpu: &Cpu, physical: u64, value: u64) {
    assert!(cpu.board.bus.poke(physical, &value.to_le_bytes()));
}

/// Stores an instruction.
fn put_insn(cpu: &Cpu, physical: u64, word: u32) {
    assert!(cpu.board.bus.poke(physical, &word.to_le_bytes()));
}

fn load(cpu: &mut Cpu, address: u64) -> Result<u64, Trap> {
    cpu.load(WORD, address).map_err(|_| cpu.trap)
}

fn store(cpu: &mut Cpu, address: u64, value: u64) -> Result<(), Trap> {
    cpu.store(WORD, address, value).map_err(|_| cpu.trap)
}

fn fetch(cpu: &mut Cpu, address: u64) -> Result<Mapping, Trap> {
    let isa = cpu.isa.clone();
    isa.translate(cpu, address, crate::cpu::Access::Fetch)
}
