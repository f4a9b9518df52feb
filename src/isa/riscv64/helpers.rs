//! The functions that lifted code calls. The `HelperId` is the index in the table.

use super::extensions::Extensions;
use super::fields::{cause, envcfg, mstatus};
use super::mode::Privilege;
use super::regs::x;
use super::trap::{self, illegal, privilege};
use super::{config, csr, mmu, status, triggers};
use crate::base::bits::{bit, bits};
use crate::cpu::{Access, Cpu, Helper, Trap};
use crate::fabric::PAGE_SIZE;
use crate::ir::eval::Trapped;
use crate::ir::{Effects, HelperId, Mem, MemSize};

/// `illegal(instruction)`: raises illegal instruction with the instruction bits as `tval`. Always traps.
pub const ILLEGAL: HelperId = HelperId(0);
/// `csr_read(csr | will_write << 16, instruction)`: the value, after the access checks; illegal instruction if refused.
pub const CSR_READ: HelperId = HelperId(1);
/// `csr_write(csr, value, instruction)`: writes after the access checks.
pub const CSR_WRITE: HelperId = HelperId(2);
/// `ecall()`: an environment call; the address to go on at, when the built-in firmware answered.
pub const ECALL: HelperId = HelperId(3);
/// `ebreak()`: traps, unless it is a semihosting call that is served: the address to go on at.
pub const EBREAK: HelperId = HelperId(4);
/// `mret(instruction)`: the address to go on at.
pub const MRET: HelperId = HelperId(5);
/// `sret(instruction)`: the address to go on at.
pub const SRET: HelperId = HelperId(6);
/// `wfi(instruction)`: traps when `mstatus.TW` says so; the block leaves with `Why::Wait` after it.
pub const WFI: HelperId = HelperId(7);
/// `sfence_vma(address, asid, what)`: `what` bit 0: rs1 is not x0, bit 1: rs2 is not x0, bits 63:32 the instruction.
pub const SFENCE_VMA: HelperId = HelperId(8);
/// `cbo(address, operation, instruction)`: `cbo.inval` 0, `cbo.clean` 1, `cbo.flush` 2, `cbo.zero` 4: checks `envcfg`,
/// translates, and zeroes the block for `cbo.zero`.
pub const CBO: HelperId = HelperId(9);
/// `float_dirty()`: sets `mstatus.FS` to Dirty. The block goes on; its mode changes only for later blocks.
pub const FLOAT_DIRTY: HelperId = HelperId(10);
/// `amocas_q(address, rd | rs2 << 8)`: `amocas.q` on the register pairs.
pub const AMOCAS_Q: HelperId = HelperId(11);
/// `sfence_w_inval` and `sfence.inval.ir(instruction)`: the privilege check alone.
pub const SFENCE_CHECK: HelperId = HelperId(12);
/// `check_target(address)`: raises instruction address misaligned when bit 1 of the address is set, with the address as
/// `tval`. Called only where there are no compressed instructions.
pub const CHECK_TARGET: HelperId = HelperId(13);
/// `count()`: debug triggers count the instruction that follows.
pub const COUNT: HelperId = HelperId(14);

/// How many bytes a cache block has.
pub const CACHE_BLOCK: u64 = 64;

const fn helper(name: &'static str, call: fn(&mut Cpu, [u64; 3]) -> Result<u64, Trap>) -> Helper {
    Helper { name, effects: Effects::ANY, call }
}

/// The table, by the numbers above.
pub static HELPERS: [Helper; 15] = [
    helper("illegal", |_, [instruction, ..]| Err(illegal(instruction))),
    helper("csr_read", csr_read),
    helper("csr_write", csr_write),
    helper("ecall", ecall),
    helper("ebreak", ebreak),
    helper("mret", |cpu, [instruction, ..]| trap::mret(cpu, instruction)),
    helper("sret", |cpu, [instruction, ..]| trap::sret(cpu, instruction)),
    helper("wfi", wfi),
    helper("sfence_vma", sfence_vma),
    helper("cbo", cbo),
    Helper { name: "float_dirty", effects: Effects { reads: true, writes: true, traps: false }, call: float_dirty },
    helper("amocas_q", amocas_q),
    helper("sfence_check", sfence_check),
    helper("check_target", check_target),
    Helper { name: "count", effects: Effects { reads: true, writes: true, traps: false }, call: triggers::count },
];

fn csr_read(cpu: &mut Cpu, [which, instruction, _]: [u64; 3]) -> Result<u64, Trap> {
    let csr = csr::access(cpu, bits(which, 11, 0) as u16, bit(which, 16), instruction)?;
    Ok(csr.read(cpu))
}

fn csr_write(cpu: &mut Cpu, [which, value, instruction]: [u64; 3]) -> Result<u64, Trap> {
    let csr = csr::access(cpu, bits(which, 11, 0) as u16, true, instruction)?;
    // CSRRS and CSRRC have funct3 2 and 3, with an immediate 6 and 7.
    let funct3 = bits(instruction, 14, 12);
    if csr.number == csr::MIP && funct3 & 2 != 0 {
        let rs1 = bits(instruction, 19, 15);
        let operand = if funct3 & 4 != 0 { rs1 } else { cpu.get(x(rs1 as u32)) };
        status::modify_mip(cpu, &csr, funct3 & 1 == 0, operand);
    } else {
        csr.write(cpu, value);
    }
    Ok(0)
}

fn ecall(cpu: &mut Cpu, _: [u64; 3]) -> Result<u64, Trap> {
    let at = privilege(cpu);
    if at == Privilege::Supervisor
        && let Some(firmware) = cpu.firmware.clone()
    {
        // Most calls go on behind the instruction; one that goes elsewhere says so by the pc.
        let pc = cpu.pc;
        cpu.pc = pc + 4;
        let answer = firmware.call(cpu);
        return match answer {
            Ok(()) => Ok(cpu.pc),
            Err(trap) => {
                cpu.pc = pc;
                Err(trap)
            }
        };
    }
    Err(Trap { cause: cause::ECALL_U + at as u64, value: 0 })
}

/// The instructions around an EBREAK that make it a semihosting call, from `slli x0, x0, 0x1f` to `srai x0, x0, 7`.
const SEMIHOSTING: [u32; 3] = [0x01f0_1013, 0x0010_0073, 0x4070_5013];

fn ebreak(cpu: &mut Cpu, _: [u64; 3]) -> Result<u64, Trap> {
    let (pc, trap) = (cpu.pc, Trap { cause: cause::BREAKPOINT, value: cpu.pc });
    let Some(service) = cpu.board.semihosting.clone() else { return Err(trap) };
    let mut around = [0; 12];
    let one_page = (4..=PAGE_SIZE - 8).contains(&(pc % PAGE_SIZE));
    let allowed = privilege(cpu) != Privilege::User || service.serves_users();
    if !one_page || !allowed || cpu.peek(pc - 4, &mut around) < around.len() {
        return Err(trap);
    }
    if around != SEMIHOSTING.map(u32::to_le_bytes).concat()[..] {
        return Err(trap);
    }
    match service.call(cpu, cpu.get(x(10)) as u32, cpu.get(x(11))) {
        Some(result) => {
            cpu.set(x(10), result);
            Ok(pc + 4)
        }
        None => Ok(pc),
    }
}

fn wfi(cpu: &mut Cpu, [instruction, ..]: [u64; 3]) -> Result<u64, Trap> {
    let limited = match privilege(cpu) {
        Privilege::Machine => false,
        Privilege::Supervisor => cpu.get(super::regs::MSTATUS) & mstatus::TW != 0,
        // With S-mode, waits of U-mode are never long enough to be worth it.
        Privilege::User => config(cpu).ext.has(Extensions::S) || cpu.get(super::regs::MSTATUS) & mstatus::TW != 0,
    };
    if limited { Err(illegal(instruction)) } else { Ok(0) }
}

fn sfence_vma(cpu: &mut Cpu, [address, asid, what]: [u64; 3]) -> Result<u64, Trap> {
    let trapped = privilege(cpu) == Privilege::Supervisor && cpu.get(super::regs::MSTATUS) & mstatus::TVM != 0;
    if privilege(cpu) == Privilege::User || trapped || !config(cpu).ext.has(Extensions::S) {
        return Err(illegal(what >> 32));
    }
    mmu::fence(cpu, bit(what, 0).then_some(address), bit(what, 1).then_some(asid));
    Ok(0)
}

fn sfence_check(cpu: &mut Cpu, [instruction, ..]: [u64; 3]) -> Result<u64, Trap> {
    if privilege(cpu) == Privilege::User { Err(illegal(instruction)) } else { Ok(0) }
}

fn cbo(cpu: &mut Cpu, [address, operation, instruction]: [u64; 3]) -> Result<u64, Trap> {
    let at = privilege(cpu);
    let allowed = match operation {
        0 => status::environment_allows(cpu, at, 1 << envcfg::CBIE.trailing_zeros()),
        4 => status::environment_allows(cpu, at, envcfg::CBZE),
        _ => status::environment_allows(cpu, at, envcfg::CBCFE),
    };
    if !allowed {
        return Err(illegal(instruction));
    }
    let block = address & !(CACHE_BLOCK - 1);
    if operation == 4 {
        let mem = Mem::plain(MemSize::B8);
        for offset in (0..CACHE_BLOCK).step_by(8) {
            cpu.store(mem, block + offset, 0).map_err(|Trapped| at_address(cpu.trap, address))?;
        }
        return Ok(0);
    }
    // Caches are not modelled, so that only the permission is left: to load or to store.
    let isa = cpu.isa.clone();
    if isa.translate(cpu, address, Access::Load).is_err() {
        isa.translate(cpu, address, Access::Store)?;
    }
    Ok(0)
}

/// The trap with the address that the instruction gave.
fn at_address(trap: Trap, address: u64) -> Trap {
    Trap { value: address, ..trap }
}

fn float_dirty(cpu: &mut Cpu, _: [u64; 3]) -> Result<u64, Trap> {
    status::float_dirty(cpu);
    Ok(0)
}

fn amocas_q(cpu: &mut Cpu, [address, registers, _]: [u64; 3]) -> Result<u64, Trap> {
    let (rd, rs2) = (bits(registers, 7, 0) as u32, bits(registers, 15, 8) as u32);
    // A pair that starts at x0 is zero as a whole.
    let pair = |cpu: &Cpu, n: u32| if n == 0 { [0, 0] } else { [cpu.get(x(n)), cpu.get(x(n + 1))] };
    let (expected, new) = (pair(cpu, rd), pair(cpu, rs2));
    let old = cpu.cas_pair(Mem::plain(MemSize::B8), address, expected, new).map_err(|Trapped| cpu.trap)?;
    if rd != 0 {
        cpu.set(x(rd), old[0]);
        cpu.set(x(rd + 1), old[1]);
    }
    Ok(0)
}

fn check_target(_: &mut Cpu, [address, ..]: [u64; 3]) -> Result<u64, Trap> {
    if bit(address, 1) { Err(trap::misaligned(address, Access::Fetch)) } else { Ok(0) }
}
