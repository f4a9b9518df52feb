//! Harts on a bench, and what the privileged architecture says about them.

mod counters;
mod csr;
mod mmu;
mod models;
mod pmp;
mod sbi;
mod sse;
mod trap;
mod triggers;

use super::fields::{cause, mstatus, satp};
use super::mode::Privilege;
use super::sbi::{Console, Sbi};
use super::{models as cpu_models, regs};
use crate::base::bits::with_field;
use crate::cpu::{Board, Cpu, Firmware, Remote, Trap};
use crate::fabric::{Bus, BusBuilder, Clock, Power, Ram, Timebase, Timers};
use crate::ir::{Mem, MemSize};
use std::sync::Arc;

/// Where the bench's RAM is, and how much.
const RAM: u64 = 0x8000_0000;
const RAM_SIZE: u64 = 1 << 20;
/// Page tables of tests: the root first, a page each.
const TABLES: u64 = RAM + 0x1_0000;
/// 8 bytes, misaligned or not.
const WORD: Mem = Mem::plain(MemSize::B8);

/// `count` harts that share a board, of the model that `-cpu model,props` names.
fn harts(model: &str, props: &str, count: u32, firmware: bool) -> Vec<Box<Cpu>> {
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
    let isa = cpu_models::build(model, &props, Timebase::new(clock, 10_000_000), count).unwrap();
    // A console that gives the byte 'x' for ever and drops what it gets, but in a place where tests can see it.
    // An outside that takes no exclamation marks.
    let put = |bus: &Bus, byte| byte != b'!' && bus.poke(RAM, &[byte]);
    let console = Console { put: Box::new(put), get: Box::new(|_| Some(b'x')) };
    let sbi: Arc<dyn Firmware> = Sbi::new(isa.harts.clone(), Some(console));
    let (isa, remotes) = (Arc::new(isa), (0..count).map(|_| Remote::new()).collect::<Arc<[_]>>());
    let one = |index| Cpu::new(index, isa.clone(), board.clone(), remotes.clone(), firmware.then(|| sbi.clone()));
    (0..count).map(one).collect()
}

/// One hart of the model `max`.
fn hart() -> Box<Cpu> {
    harts("max", "", 1, false).remove(0)
}

/// Puts the hart into a privilege level, as a trap return would.
fn at(cpu: &mut Cpu, privilege: Privilege) {
    cpu.set(regs::PRIVILEGE, privilege as u64);
    cpu.mode_changed();
}

/// Calls a helper by its name.
fn call(cpu: &mut Cpu, name: &str, args: [u64; 3]) -> Result<u64, Trap> {
    let helper = super::helpers::HELPERS.iter().find(|helper| helper.name == name).unwrap();
    (helper.call)(cpu, args)
}

/// Reads a CSR as an instruction does.
fn read(cpu: &mut Cpu, csr: &str) -> Result<u64, Trap> {
    call(cpu, "csr_read", [number(csr), 0x1234, 0])
}

/// Writes a CSR as CSRRW does.
fn write(cpu: &mut Cpu, csr: &str, value: u64) -> Result<u64, Trap> {
    call(cpu, "csr_write", [number(csr), value, 0x1073])
}

/// Writes a CSR and reads it back.
fn after(cpu: &mut Cpu, csr: &str, value: u64) -> u64 {
    write(cpu, csr, value).unwrap();
    read(cpu, csr).unwrap()
}

fn number(csr: &str) -> u64 {
    super::csr::named(csr).map_or_else(|| panic!("no CSR {csr}"), |csr| csr.number.into())
}

fn refused() -> Result<u64, Trap> {
    Err(Trap { cause: cause::ILLEGAL, value: 0x1234 })
}

/// Sets a field of `mstatus`.
fn set_status(cpu: &mut Cpu, field: u64, value: u64) {
    let status = with_field(cpu.get(regs::MSTATUS), field, value);
    cpu.set(regs::MSTATUS, status);
    cpu.mode_changed();
}

fn status(cpu: &Cpu, field: u64) -> u64 {
    crate::base::bits::field(cpu.get(regs::MSTATUS), field)
}

/// Stores 8 bytes at a physical address.
fn put(cpu: &Cpu, physical: u64, value: u64) {
    assert!(cpu.board.bus.poke(physical, &value.to_le_bytes()));
}

/// Loads 8 bytes from a physical address.
fn get(cpu: &Cpu, physical: u64) -> u64 {
    let mut bytes = [0; 8];
    assert!(cpu.board.bus.peek(physical, &mut bytes));
    u64::from_le_bytes(bytes)
}

/// Lets everybody use all memory, as firmware does.
fn open_pmp(cpu: &mut Cpu) {
    write(cpu, "pmpaddr0", u64::MAX).unwrap();
    write(cpu, "pmpcfg0", 0x1f).unwrap();
}

fn load(cpu: &mut Cpu, address: u64) -> Result<u64, Trap> {
    cpu.load(WORD, address).map_err(|_| cpu.trap)
}

fn store(cpu: &mut Cpu, address: u64, value: u64) -> Result<(), Trap> {
    cpu.store(WORD, address, value).map_err(|_| cpu.trap)
}

fn fetch(cpu: &mut Cpu, address: u64) -> Result<u64, Trap> {
    cpu.fetch(address).map(|fetched| fetched.physical)
}

fn trap(cause: u64, value: u64) -> Trap {
    Trap { cause, value }
}
