use super::*;
use crate::cpu::Semihosting;
use crate::isa::riscv64::fields::{envcfg, irq};
use crate::isa::riscv64::mode::Privilege::{Machine, Supervisor, User};
use crate::isa::riscv64::regs::x;

/// A hart with handlers, and a pc to come back to.
fn ready(privilege: Privilege) -> Box<Cpu> {
    let mut cpu = hart();
    write(&mut cpu, "mtvec", 0x8000_1001).unwrap();
    write(&mut cpu, "stvec", 0x8000_2001).unwrap();
    at(&mut cpu, privilege);
    cpu.pc = 0x8000_0124;
    cpu
}

fn privilege(cpu: &Cpu) -> u64 {
    cpu.get(regs::PRIVILEGE)
}

#[test]
fn an_exception_goes_to_m_mode_unless_delegated() {
    let mut cpu = ready(User);
    set_status(&mut cpu, mstatus::MIE, 1);
    cpu.enter(trap(cause::LOAD_PAGE, 0x42));
    assert_eq!((cpu.pc, privilege(&cpu)), (0x8000_1000, 3), "the vector is for interrupts");
    assert_eq!(read(&mut cpu, "mepc"), Ok(0x8000_0124));
    assert_eq!(read(&mut cpu, "mcause"), Ok(13));
    assert_eq!(read(&mut cpu, "mtval"), Ok(0x42));
    assert_eq!((status(&cpu, mstatus::MIE), status(&cpu, mstatus::MPIE), status(&cpu, mstatus::MPP)), (0, 1, 0));
}

#[test]
fn a_delegated_exception_goes_to_s_mode() {
    for (from, to) in [(User, 1), (Supervisor, 1), (Machine, 3)] {
        let mut cpu = ready(Machine);
        write(&mut cpu, "medeleg", 1 << cause::LOAD_PAGE).unwrap();
        set_status(&mut cpu, mstatus::SIE, 1);
        at(&mut cpu, from);
        cpu.enter(trap(cause::LOAD_PAGE, 0x42));
        assert_eq!(privilege(&cpu), to, "from {from:?}");
        if to == 1 {
            assert_eq!((cpu.pc, status(&cpu, mstatus::SPP)), (0x8000_2000, from as u64));
            assert_eq!((status(&cpu, mstatus::SIE), status(&cpu, mstatus::SPIE)), (0, 1));
            assert_eq!(read(&mut cpu, "scause"), Ok(13));
            assert_eq!(read(&mut cpu, "sepc"), Ok(0x8000_0124));
            assert_eq!(read(&mut cpu, "stval"), Ok(0x42));
        }
    }
}

#[test]
fn interrupts_are_vectored() {
    let mut cpu = ready(Machine);
    write(&mut cpu, "mie", 1 << irq::MTI).unwrap();
    set_status(&mut cpu, mstatus::MIE, 1);
    cpu.pins.set(irq::MTI, true);
    assert!(cpu.take_interrupt());
    assert_eq!(cpu.pc, 0x8000_1000 + 4 * 7);
    assert_eq!(read(&mut cpu, "mcause"), Ok(1 << 63 | 7));
    assert!(!cpu.take_interrupt(), "MIE is off in the handler");
}

#[test]
fn global_enables_count_at_their_own_level_only() {
    // Privilege, MIE, SIE; whether an M-mode interrupt and a delegated one are taken.
    for (at_level, mie, sie, machine, supervisor) in [
        (User, 0, 0, true, true),
        (Supervisor, 0, 0, true, false),
        (Supervisor, 0, 1, true, true),
        (Machine, 0, 1, false, false),
        (Machine, 1, 1, true, false),
    ] {
        for (pin, taken) in [(irq::MEI, machine), (irq::SEI, supervisor)] {
            let mut cpu = ready(Machine);
            write(&mut cpu, "mideleg", 0x222).unwrap();
            write(&mut cpu, "mie", 0xaaa).unwrap();
            set_status(&mut cpu, mstatus::MIE, mie);
            set_status(&mut cpu, mstatus::SIE, sie);
            at(&mut cpu, at_level);
            cpu.pins.set(pin, true);
            assert_eq!(cpu.take_interrupt(), taken, "{at_level:?} MIE={mie} SIE={sie} pin {pin}");
            assert!(cpu.isa.clone().wakes(&mut cpu) || taken, "a waiting hart goes on whatever the global enables");
        }
    }
}

#[test]
fn the_machines_interrupts_come_first_then_external_software_timer() {
    let mut cpu = ready(User);
    at(&mut cpu, Machine);
    write(&mut cpu, "mie", 0x2aaa).unwrap();
    write(&mut cpu, "mip", 0x2222).unwrap();
    [irq::MEI, irq::MSI, irq::MTI].into_iter().for_each(|pin| cpu.pins.set(pin, true));
    at(&mut cpu, User);
    let isa = cpu.isa.clone();
    for number in irq::BY_PRIORITY {
        assert_eq!(isa.pending(&mut cpu).unwrap().cause, 1 << 63 | u64::from(number));
        cpu.pins.set(number, false);
        let rest = cpu.get(regs::MIP) & !(1 << number);
        cpu.set(regs::MIP, rest);
    }
    assert_eq!(isa.pending(&mut cpu), None);
    // A delegated one waits for those that are not, whatever its number.
    at(&mut cpu, Machine);
    write(&mut cpu, "mideleg", 1 << irq::SEI).unwrap();
    write(&mut cpu, "mip", 1 << irq::SEI | 1 << irq::SSI).unwrap();
    at(&mut cpu, User);
    assert_eq!(isa.pending(&mut cpu).unwrap().cause, 1 << 63 | u64::from(irq::SSI));
}

#[test]
fn a_wait_ends_for_enabled_interrupts_only() {
    let mut cpu = ready(Machine);
    let isa = cpu.isa.clone();
    cpu.pins.set(irq::MTI, true);
    assert!(!isa.wakes(&mut cpu));
    write(&mut cpu, "mie", 1 << irq::MTI).unwrap();
    assert!(isa.wakes(&mut cpu), "although mstatus.MIE is off");
}

#[test]
fn mret_goes_back_and_drops_mprv() {
    for (mpp, mprv) in [(0, 0), (1, 0), (3, 1)] {
        let mut cpu = ready(Machine);
        set_status(&mut cpu, mstatus::MPP, mpp);
        set_status(&mut cpu, mstatus::MPRV, 1);
        set_status(&mut cpu, mstatus::MPIE, 1);
        write(&mut cpu, "mepc", 0x8000_4000).unwrap();
        cpu.set(regs::RESERVED_ADDRESS, 0x1000);
        assert_eq!(call(&mut cpu, "mret", [0; 3]), Ok(0x8000_4000));
        assert_eq!((privilege(&cpu), status(&cpu, mstatus::MPRV)), (mpp, mprv));
        assert_eq!((status(&cpu, mstatus::MIE), status(&cpu, mstatus::MPIE), status(&cpu, mstatus::MPP)), (1, 1, 0));
        assert_eq!(cpu.get(regs::RESERVED_ADDRESS), u64::MAX, "a reservation does not outlive a change of level");
    }
    for level in [User, Supervisor] {
        let mut cpu = ready(level);
        assert_eq!(call(&mut cpu, "mret", [0x1234, 0, 0]), refused());
    }
}

#[test]
fn sret_goes_back_unless_tsr() {
    let mut cpu = ready(Machine);
    write(&mut cpu, "sepc", 0x8000_4002).unwrap();
    set_status(&mut cpu, mstatus::TSR, 1);
    at(&mut cpu, Supervisor);
    set_status(&mut cpu, mstatus::SPP, 1);
    set_status(&mut cpu, mstatus::SPIE, 1);
    set_status(&mut cpu, mstatus::MPRV, 1);
    assert_eq!(call(&mut cpu, "sret", [0x1234, 0, 0]), refused());
    at(&mut cpu, User);
    assert_eq!(call(&mut cpu, "sret", [0x1234, 0, 0]), refused());
    at(&mut cpu, Machine);
    assert_eq!(call(&mut cpu, "sret", [0x1234, 0, 0]), Ok(0x8000_4002), "TSR is for S-mode");
    assert_eq!(privilege(&cpu), 1);
    let fields = [mstatus::SIE, mstatus::SPIE, mstatus::SPP, mstatus::MPRV].map(|field| status(&cpu, field));
    assert_eq!(fields, [1, 1, 0, 0]);
}

#[test]
fn wfi_is_limited_by_tw_and_in_u_mode() {
    for (level, tw, legal) in
        [(Machine, 1, true), (Supervisor, 0, true), (Supervisor, 1, false), (User, 0, false), (User, 1, false)]
    {
        let mut cpu = ready(level);
        set_status(&mut cpu, mstatus::TW, tw);
        let expected = if legal { Ok(0) } else { refused() };
        assert_eq!(call(&mut cpu, "wfi", [0x1234, 0, 0]), expected, "{level:?} TW={tw}");
    }
    let mut cpu = harts("rv64", "s=off,sstc=off", 1, false).remove(0);
    at(&mut cpu, User);
    assert_eq!(call(&mut cpu, "wfi", [0x1234, 0, 0]), Ok(0), "without S-mode, TW alone decides");
}

#[test]
fn environment_calls_and_breakpoints_name_their_level_and_place() {
    for (level, code) in [(User, 8), (Supervisor, 9), (Machine, 11)] {
        let mut cpu = ready(level);
        assert_eq!(call(&mut cpu, "ecall", [0; 3]), Err(trap(code, 0)));
    }
    let mut cpu = ready(User);
    let breakpoint = call(&mut cpu, "ebreak", [0; 3]).unwrap_err();
    cpu.enter(breakpoint);
    assert_eq!(read(&mut cpu, "mtval"), Ok(0x8000_0124));
    assert_eq!(call(&mut cpu, "illegal", [0x1234, 0, 0]), refused());
    assert_eq!(call(&mut cpu, "check_target", [0x8000_0002, 0, 0]), Err(trap(0, 0x8000_0002)));
    assert_eq!(call(&mut cpu, "check_target", [0x8000_0004, 0, 0]), Ok(0));
}

#[test]
fn only_the_whole_sequence_is_a_semihosting_call() {
    /// Answers the operation's number doubled, and nothing for 7.
    struct Doubler {
        users: bool,
    }
    impl Semihosting for Doubler {
        fn serves_users(&self) -> bool {
            self.users
        }
        fn call(&self, _: &mut Cpu, operation: u32, parameter: u64) -> Option<u64> {
            assert_eq!(parameter, 0x5555);
            (operation != 7).then_some(u64::from(operation) * 2)
        }
    }
    let (before, this, after) = (0x01f0_1013u32, 0x0010_0073, 0x4070_5013u32);
    let cases = [
        (Machine, false, 0x120, before, after, true),
        (Supervisor, false, 0x120, before, after, true),
        (User, false, 0x120, before, after, false),
        (User, true, 0x120, before, after, true),
        (Machine, false, 0x120, before + 0x10_0000, after, false),
        (Machine, false, 0x120, before, after + 0x10_0000, false),
        (Machine, false, 0x1000, before, after, false),
        (Machine, false, 0x1ffc, before, after, false),
        (Machine, false, 0x1ff8, before, after, true),
        (Machine, false, 0x1004, before, after, true),
    ];
    for (level, users, at, before, after, served) in cases {
        let mut cpu = ready(level);
        cpu.pc = RAM + at;
        let breakpoint = Err(trap(3, RAM + at));
        for (n, word) in (0..).zip([before, this, after]) {
            assert!(cpu.board.bus.poke(cpu.pc - 4 + 4 * n, &word.to_le_bytes()));
        }
        assert_eq!(call(&mut cpu, "ebreak", [0; 3]), breakpoint, "without the service");
        cpu.board.semihosting = Some(Arc::new(Doubler { users }));
        cpu.set(x(11), 0x5555);
        cpu.set(x(10), 0xffff_ffff_0000_0007);
        assert_eq!(call(&mut cpu, "ebreak", [0; 3]), if served { Ok(RAM + at) } else { breakpoint }, "{at:#x}");
        cpu.set(x(10), 0xffff_ffff_0000_0018);
        assert_eq!(call(&mut cpu, "ebreak", [0; 3]), if served { Ok(RAM + at + 4) } else { breakpoint }, "{at:#x}");
        assert_eq!(cpu.get(x(10)), if served { 0x30 } else { 0xffff_ffff_0000_0018 });
    }
}

#[test]
fn cache_block_instructions_are_allowed_level_by_level() {
    let (inval, flush, zero) = (1 << 4, envcfg::CBCFE, envcfg::CBZE);
    for (operation, bit) in [(0, inval), (1, flush), (2, flush), (4, zero)] {
        let mut cpu = hart();
        open_pmp(&mut cpu);
        for (machine, supervisor) in [(0, 0), (bit, 0), (0, bit), (bit, bit)] {
            at(&mut cpu, Machine);
            write(&mut cpu, "menvcfg", machine).unwrap();
            write(&mut cpu, "senvcfg", supervisor).unwrap();
            for (level, legal) in [(Machine, true), (Supervisor, machine != 0), (User, machine != 0 && supervisor != 0)]
            {
                at(&mut cpu, level);
                let result = call(&mut cpu, "cbo", [RAM + 0x1008, operation, 0x1234]);
                assert_eq!(result, if legal { Ok(0) } else { refused() }, "{operation} {level:?}");
            }
        }
    }
}

#[test]
fn cbo_zero_clears_its_block_and_blames_its_address() {
    let mut cpu = hart();
    (0..24).for_each(|n| put(&cpu, RAM + 8 * n, u64::MAX));
    call(&mut cpu, "cbo", [RAM + 0x47, 4, 0]).unwrap();
    let zero = |n: u64| get(&cpu, RAM + 8 * n) == 0;
    assert!((0..24).all(|n| zero(n) == (8..16).contains(&n)));
    assert_eq!(call(&mut cpu, "cbo", [0x47, 4, 0]), Err(trap(cause::STORE_ACCESS, 0x47)));
}

#[test]
fn amocas_q_swaps_pairs_and_x0_is_a_pair_of_zeros() {
    use crate::isa::riscv64::regs::x;
    let mut cpu = hart();
    let place = RAM + 0x20;
    for (n, value) in [(10, 1), (11, 2), (12, 3), (13, 4)] {
        cpu.set(x(n), value);
    }
    let pair = |cpu: &Cpu| [get(cpu, place), get(cpu, place + 8)];
    call(&mut cpu, "amocas_q", [place, 10 | 12 << 8, 0]).unwrap();
    assert_eq!((pair(&cpu), cpu.get(x(10)), cpu.get(x(11))), ([0, 0], 0, 0), "it did not hold 1, 2");
    call(&mut cpu, "amocas_q", [place, 10 | 12 << 8, 0]).unwrap();
    assert_eq!(pair(&cpu), [3, 4]);
    call(&mut cpu, "amocas_q", [place, 0, 0]).unwrap();
    assert_eq!((pair(&cpu), cpu.get(x(1))), ([3, 4], 0), "the old value is dropped");
    assert_eq!(call(&mut cpu, "amocas_q", [place + 8, 10, 0]), Err(trap(cause::STORE_MISALIGNED, place + 8)));
    assert_eq!(call(&mut cpu, "amocas_q", [0x20, 10, 0]), Err(trap(cause::STORE_ACCESS, 0x20)));
}
