//! What the helpers of lifted code do: the table by their numbers.

use super::features::Features;
use super::fields::{ec, hcr, pin, scr, sctlr};
use super::mode::CodeMode;
use super::models::Conduit;
use super::sysreg::{self, slots};
use super::trap::{at_level, behind, synchronous, undefined};
use super::{caches, calls, config, debug, floats, helpers, mops, pauth, regs, simd, state, tlbi, translation, trap};
use crate::base::bits::bits;
use crate::cpu::{Cpu, Helper, Trap};
use crate::ir::eval::Trapped;
use crate::ir::{Effects, Mem, MemSize};

type Args = [u64; 3];

const fn any(name: &'static str, call: fn(&mut Cpu, Args) -> Result<u64, Trap>) -> Helper {
    Helper { name, effects: Effects::ANY, call }
}

const fn pure(name: &'static str, call: fn(&mut Cpu, Args) -> Result<u64, Trap>) -> Helper {
    Helper { name, effects: Effects { reads: false, writes: false, traps: false }, call }
}

/// The table, in the order of [`helpers`].
pub static HELPERS: [Helper; helpers::COUNT] = [
    any("undefined", |_, _| Err(undefined())),
    any("svc", |_, [imm, ..]| Err(behind(synchronous(ec::SVC, imm & 0xffff)))),
    any("hvc", hvc),
    any("smc", smc),
    any("brk", |cpu, [imm, ..]| Err(at_level(synchronous(ec::BRK, imm & 0xffff), debug::target(cpu)))),
    any("hlt", hlt),
    any("mrs", |cpu, [register, insn, _]| sysreg::read(cpu, register, insn)),
    any("msr", |cpu, [register, value, insn]| sysreg::write(cpu, register, value, insn).map(|()| 0)),
    any("msr_imm", |cpu, [which, imm, insn]| sysreg::state::write_immediate(cpu, which, imm, insn).map(|()| 0)),
    any("sys", sys),
    any("sysl", sysl),
    any("eret", eret),
    any("wait", wait),
    any("event", event),
    any("float_trap", |cpu, _| Err(floats::trap(cpu, floats::trap_level(cpu).max(1)))),
    Helper { name: "simd", effects: Effects::ANY, call: simd::call },
    Helper { name: "float_half", effects: FLOATS, call: calls::call_half },
    Helper { name: "fixed", effects: FLOATS, call: calls::call_fixed },
    Helper { name: "float_alternate", effects: FLOATS, call: simd::call_scalar },
    pure("crc32", calls::call_crc32),
    any("pac", pauth::sign),
    any("aut", pauth::authenticate),
    any("xpac", pauth::strip),
    any("pacga", pauth::generic),
    any("load_user", load_user),
    any("store_user", store_user),
    any("cas_pair", calls::cas_pair),
    any("store_pair_exclusive", calls::store_pair_exclusive),
    any("mops", mops::call),
    Helper { name: "nzcv", effects: READS, call: |cpu, _| Ok(regs::nzcv(cpu)) },
    any("misaligned_sp", |_, _| Err(synchronous(ec::SP_ALIGNMENT, 0))),
    any("misaligned_pc", |_, [address, ..]| Err(trap::misaligned(address, crate::cpu::Access::Fetch))),
    any("aligned", aligned),
    any("step", debug::begin_step),
    any("error_barrier", |cpu, _| {
        sysreg::state::defer_error(cpu);
        Ok(0)
    }),
    any("branch_target", |cpu, _| Err(synchronous(ec::BTI, regs::branch_type(cpu)))),
];

/// Reads slots and does nothing else.
const READS: Effects = Effects { reads: true, writes: false, traps: false };

/// Raises float flags alone.
const FLOATS: Effects = Effects { reads: true, writes: true, traps: false };

/// The immediate of an HLT that is a semihosting call.
const SEMIHOSTING: u64 = 0xf000;

fn hlt(cpu: &mut Cpu, [imm, ..]: Args) -> Result<u64, Trap> {
    let service = cpu.board.semihosting.clone().filter(|_| imm == SEMIHOSTING);
    let service = service.filter(|service| state::level(cpu) > 0 || service.serves_users());
    let service = service.ok_or_else(undefined)?;
    match service.call(cpu, cpu.get(regs::x(0)) as u32, cpu.get(regs::x(1))) {
        Some(result) => {
            cpu.set(regs::x(0), result);
            Ok(cpu.pc + 4)
        }
        None => Ok(cpu.pc),
    }
}

fn hvc(cpu: &mut Cpu, [imm, ..]: Args) -> Result<u64, Trap> {
    if config(cpu).conduit == Conduit::Hvc
        && imm == 0
        && let Some(firmware) = cpu.firmware.clone()
    {
        return firmware.call(cpu).map(|()| 0);
    }
    let level = state::level(cpu);
    let enabled = match config(cpu).has_el3() {
        true => cpu.get(slots::SCR_EL3) & scr::HCE != 0,
        false => cpu.get(slots::HCR_EL2) & hcr::HCD == 0,
    };
    if !enabled || level < 3 && !state::el2_enabled(cpu) || !config(cpu).has_el2() {
        return Err(undefined());
    }
    Err(behind(at_level(synchronous(ec::HVC, imm & 0xffff), 2)))
}

fn smc(cpu: &mut Cpu, [imm, ..]: Args) -> Result<u64, Trap> {
    let syndrome = synchronous(ec::SMC, imm & 0xffff);
    if state::level(cpu) == 1 && state::el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & hcr::TSC != 0 {
        return Err(at_level(syndrome, 2));
    }
    if config(cpu).conduit == Conduit::Smc
        && imm == 0
        && let Some(firmware) = cpu.firmware.clone()
    {
        return firmware.call(cpu).map(|()| 0);
    }
    if !config(cpu).has_el3() || cpu.get(slots::SCR_EL3) & scr::SMD != 0 {
        return Err(undefined());
    }
    Err(behind(at_level(syndrome, 3)))
}

fn sys(cpu: &mut Cpu, [number, value, insn]: Args) -> Result<u64, Trap> {
    let number = number as u16;
    let [_, _, crn, crm, _] = sysreg::parts(number);
    let access = trap::Access::new(number, insn, false);
    match (crn, crm) {
        (7, 3) => restrict_speculation(cpu, number, access)?,
        (7, 8 | 9) => caches::translate(cpu, number, value, access)?,
        (7, _) => caches::maintain(cpu, number, value, access)?,
        (8, _) => tlbi::maintain(cpu, number, value, access)?,
        // The forms of FEAT_XS do what the plain ones do.
        (9, _) if config(cpu).features.has(Features::XS) => {
            tlbi::maintain(cpu, number, value, access)?;
        }
        _ => return Err(unknown(cpu, number, access)),
    }
    Ok(0)
}

/// CFP RCTX, DVP RCTX, CPP RCTX: nothing is predicted that another context could learn from.
fn restrict_speculation(cpu: &Cpu, number: u16, access: trap::Access) -> Result<(), Trap> {
    let [_, op1, .., op2] = sysreg::parts(number);
    if op1 != 3 || !matches!(op2, 4 | 5 | 7) || !config(cpu).features.has(Features::SPECRES) {
        return Err(unknown(cpu, number, access));
    }
    let allowed = state::level(cpu) > 0 || state::sctlr(cpu, state::controller(cpu)) & sctlr::EN_RCTX != 0;
    if allowed { Ok(()) } else { Err(access.trap_to(1)) }
}

fn sysl(cpu: &mut Cpu, [number, insn, _]: Args) -> Result<u64, Trap> {
    Err(unknown(cpu, number as u16, trap::Access::new(number as u16, insn, true)))
}

fn unknown(cpu: &Cpu, number: u16, access: trap::Access) -> Trap {
    if sysreg::own_traps(cpu, number) {
        return access.trap_to(1);
    }
    let own = matches!(sysreg::parts(number)[2], 11 | 15);
    if own && state::level(cpu) == 1 && state::el2_enabled(cpu) && cpu.get(slots::HCR_EL2) & hcr::TIDCP != 0 {
        return access.trap_to(2);
    }
    crate::gap!("system operation {:?} at {:#x}", sysreg::parts(number), cpu.pc);
    undefined()
}

fn eret(cpu: &mut Cpu, [insn, ..]: Args) -> Result<u64, Trap> {
    if state::level(cpu) == 0 {
        return Err(undefined());
    }
    let address = trap::return_address(cpu);
    let address = pauth::authenticate_return(cpu, address, insn)?;
    Ok(trap::exception_return(cpu, address))
}

/// Kinds of wait.
const WFE: u64 = 0;
const WFI: u64 = 1;
const WFET: u64 = 2;

fn wait(cpu: &mut Cpu, [kind, timeout, insn]: Args) -> Result<u64, Trap> {
    let for_event = matches!(kind, WFE | WFET);
    let timed = kind >= WFET;
    let over = timed && config(cpu).cores.counter.now() >= timeout;
    if for_event {
        let event = cpu.get(slots::EVENT) != 0 || cpu.pins.take_rises(1 << pin::EVENT) != 0;
        cpu.set(slots::EVENT, 0);
        if event || over {
            return Ok(0);
        }
    } else if over || trap::is_any_interrupt(cpu) {
        return Ok(0);
    }
    check_wait(cpu, kind, insn)?;
    if for_event {
        // What ends the wait may be a store to a watched address, which nobody tells of: let the others go on.
        std::thread::yield_now();
        return Ok(0);
    }
    cpu.set(slots::WAIT_END, if timed { timeout.max(1) } else { 0 });
    if timed {
        config(cpu).cores.clone().set_alarm(cpu, timeout);
    }
    Ok(1)
}

/// The traps of waits that would take time.
fn check_wait(cpu: &Cpu, kind: u64, insn: u64) -> Result<(), Trap> {
    const ALWAYS: u64 = 1 << 24 | 0xe << 20;
    let what = match kind {
        WFE => 1,
        WFI => 0,
        WFET => 3,
        _ => 2,
    };
    let register = if kind >= WFET { bits(insn, 4, 0) << 5 | 1 << 2 } else { 0 };
    let syndrome = synchronous(ec::WAIT, ALWAYS | register | what);
    let for_event = matches!(kind, WFE | WFET);
    let level = state::level(cpu);
    let allowed = if for_event { sctlr::NTWE } else { sctlr::NTWI };
    if level == 0 && state::sctlr(cpu, state::controller(cpu)) & allowed == 0 {
        return Err(at_level(syndrome, state::controller(cpu)));
    }
    let trapped = if for_event { hcr::TWE } else { hcr::TWI };
    if level <= 1 && state::el2_enabled(cpu) && !state::is_host(cpu) && cpu.get(slots::HCR_EL2) & trapped != 0 {
        return Err(at_level(syndrome, 2));
    }
    let trapped = if for_event { scr::TWE } else { scr::TWI };
    if level < 3 && config(cpu).has_el3() && cpu.get(slots::SCR_EL3) & trapped != 0 {
        return Err(at_level(syndrome, 3));
    }
    Ok(())
}

/// Whether a wait for an interrupt, or one with an end, is over.
pub fn wakes(cpu: &mut Cpu) -> bool {
    let end = cpu.get(slots::WAIT_END);
    trap::is_any_interrupt(cpu) || end != 0 && config(cpu).cores.counter.now() >= end
}

fn event(cpu: &mut Cpu, [local, ..]: Args) -> Result<u64, Trap> {
    cpu.set(slots::EVENT, 1);
    if local == 0 {
        for (index, other) in cpu.others.iter().enumerate() {
            if index as u32 != cpu.index {
                // The rise is what counts.
                other.pins().set(pin::EVENT, true);
                other.pins().set(pin::EVENT, false);
            }
        }
    }
    Ok(0)
}

/// Calls `access` as EL0 makes its accesses.
pub fn as_user<T>(cpu: &mut Cpu, access: impl FnOnce(&mut Cpu) -> Result<T, Trapped>) -> Result<T, Trapped> {
    let space = translation::data_space(cpu, 0);
    cpu.set(slots::USER_ACCESS, 1);
    let result = cpu.in_space(space, access);
    cpu.set(slots::USER_ACCESS, 0);
    result
}

fn mem(cpu: &Cpu, bytes: u64) -> Mem {
    let size = match bytes {
        1 => MemSize::B1,
        2 => MemSize::B2,
        4 => MemSize::B4,
        _ => MemSize::B8,
    };
    CodeMode::decode(cpu.mode).mem(size)
}

fn load_user(cpu: &mut Cpu, [address, bytes, _]: Args) -> Result<u64, Trap> {
    let mem = mem(cpu, bytes);
    as_user(cpu, |cpu| cpu.load(mem, address)).map_err(|Trapped| cpu.trap)
}

fn store_user(cpu: &mut Cpu, [address, value, bytes]: Args) -> Result<u64, Trap> {
    let mem = mem(cpu, bytes);
    as_user(cpu, |cpu| cpu.store(mem, address, value).map(|()| 0)).map_err(|Trapped| cpu.trap)
}

fn aligned(_: &mut Cpu, [address, bytes, store]: Args) -> Result<u64, Trap> {
    let access = if store != 0 { crate::cpu::Access::Store } else { crate::cpu::Access::Load };
    if address & (bytes - 1) == 0 { Ok(0) } else { Err(trap::misaligned(address, access)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_stand_in_their_order() {
        let at = |id: crate::ir::HelperId| HELPERS[id.0 as usize].name;
        assert_eq!(at(helpers::UNDEFINED), "undefined");
        assert_eq!(at(helpers::MSR_IMM), "msr_imm");
        assert_eq!(at(helpers::ERET), "eret");
        assert_eq!(at(helpers::SIMD), "simd");
        assert_eq!(at(helpers::CRC32), "crc32");
        assert_eq!(at(helpers::LOAD_USER), "load_user");
        assert_eq!(at(helpers::MOPS), "mops");
        assert_eq!(at(helpers::BRANCH_TARGET), "branch_target");
    }
}
