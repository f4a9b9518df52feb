use super::distributor as gicd;
use super::interface::*;
use super::its::{BASER, CBASER, CREADR, CWRITER};
use super::*;
use crate::fabric::bench::Bench;
use crate::fabric::own_input;
use crate::hw::tests::Rig;

const RAM: u64 = Bench::RAM_BASE;
const SGI_BASE: u64 = 0x1_0000;

/// A rig whose vCPUs have their system registers; EL1, Non-secure unless said otherwise.
struct Board {
    rig: Rig,
    interface: Arc<dyn CpuInterface>,
}

impl Board {
    fn new(cpus: u32, props: &[(&str, &str)]) -> Board {
        let rig = Rig::new("gicv3").cpus(cpus).props(props).build();
        let interface = rig.cpu_interface.clone().expect("system registers");
        Board { rig, interface }
    }

    fn access(&self, cpu: u32, register: u32) -> RegisterAccess {
        RegisterAccess { cpu, register, level: 1, ..RegisterAccess::default() }
    }

    fn get(&self, cpu: u32, register: u32) -> u64 {
        self.interface.read(self.access(cpu, register)).expect("a register")
    }

    fn set(&self, cpu: u32, register: u32, value: u64) {
        assert!(self.interface.write(self.access(cpu, register), value));
    }

    fn get_as(&self, level: u8, secure: bool, register: u32) -> u64 {
        let fiq_to_monitor = true;
        let access = RegisterAccess { level, secure, fiq_to_monitor, ..self.access(0, register) };
        self.interface.read(access).expect("a register")
    }

    fn set_as(&self, level: u8, secure: bool, register: u32, value: u64) {
        let fiq_to_monitor = true;
        let access = RegisterAccess { level, secure, fiq_to_monitor, ..self.access(0, register) };
        assert!(self.interface.write(access, value));
    }

    fn write_secure(&self, bank: u8, offset: u64, value: u64) {
        self.rig.bench.part.with(|device| device.write(Io { bank, offset, size: 4, cpu: Io::SECURE }, value));
    }

    fn read_secure(&self, bank: u8, offset: u64) -> u64 {
        self.rig.bench.part.with(|device| device.read(Io { bank, offset, size: 4, cpu: Io::SECURE }))
    }

    /// The lines of the only vCPU: irq or nirq, fiq, sirq.
    fn lines(&self) -> [bool; 3] {
        [self.rig.line(0) || self.rig.line(5), self.rig.line(1), self.rig.line(4)]
    }

    /// A vCPU's irq, with one state.
    fn irq(&self, cpu: usize) -> bool {
        self.rig.line(OUTPUTS * cpu)
    }
}

/// A redistributor's register in its first, and in its second frame.
fn rd(cpu: u64, offset: u64) -> u64 {
    cpu * REDISTRIBUTOR + offset
}

/// As Linux sets it up: everything in group 1 at priority 0xa0, all SPIs enabled and on vCPU 0, SGIs and PPIs enabled.
fn linux(cpus: u32, its: bool) -> Board {
    let mut board = Board::new(cpus, &[("its", if its { "on" } else { "off" })]);
    let gic = &mut board.rig;
    gic.write(gicd::CTLR, 4, 0x12);
    for word in 1..9 {
        gic.write(gicd::IGROUPR + 4 * word, 4, 0xffff_ffff);
        gic.write(gicd::ISENABLER + 4 * word, 4, 0xffff_ffff);
    }
    for offset in (32..288).step_by(4) {
        gic.write(gicd::IPRIORITYR + offset, 4, 0xa0a0_a0a0);
    }
    for cpu in 0..cpus.into() {
        gic.write_bank(1, rd(cpu, 0x14), 4, 0);
        gic.write_bank(1, rd(cpu, SGI_BASE + gicd::IGROUPR), 4, 0xffff_ffff);
        gic.write_bank(1, rd(cpu, SGI_BASE + gicd::ISENABLER), 4, 0xffff_ffff);
        for offset in (0..32).step_by(4) {
            gic.write_bank(1, rd(cpu, SGI_BASE + gicd::IPRIORITYR + offset), 4, 0xa0a0_a0a0);
        }
    }
    for cpu in 0..cpus {
        board.set(cpu, PMR, 0xf0);
        board.set(cpu, IGRPEN1, 1);
    }
    board
}

#[test]
fn it_says_what_it_is_and_where_each_cpu_is() {
    let mut board = linux(18, true);
    let gic = &mut board.rig;
    assert_eq!(gic.read(gicd::CTLR, 4), 0x52);
    assert_eq!(gic.read(gicd::TYPER, 4), 8 | 1 << 17 | 15 << 19 | 3 << 24);
    assert_eq!(gic.read(gicd::IDS + 0x18, 4), 0x3b);
    assert_eq!(gic.read_bank(1, rd(0, 8), 8), 1);
    assert_eq!(gic.read_bank(1, rd(17, 8), 8), 0x101 << 32 | 17 << 8 | 0x11);
    assert_eq!(gic.read_bank(1, rd(18, 8), 8), 0);
    assert_eq!(board.get(0, SRE_EL1), 7);
    assert_eq!(board.get(0, CTLR_EL1), 0x8400);
    assert_eq!(board.interface.read(board.access(0, CTLR_EL3)), None, "without EL3's world");
    assert_eq!(board.interface.read(board.access(18, PMR)), None);
    assert_eq!(board.interface.read(board.access(0, 0x1234)), None);
}

#[test]
fn a_level_is_taken_once_and_again_while_it_lasts() {
    let mut board = linux(1, false);
    board.rig.input(1, true);
    assert_eq!(board.lines(), [true, false, false]);
    assert_eq!(board.get(0, HPPIR1), 33);
    assert_eq!(board.get(0, IAR1), 33);
    assert!(!board.irq(0));
    assert_eq!((board.get(0, RPR), board.get(0, AP1R0)), (0xa0, 1 << 20));
    assert_eq!(board.get(0, IAR1), 1023);
    board.set(0, EOIR1, 33);
    assert!(board.irq(0));
    assert_eq!(board.get(0, IAR1), 33);
    board.rig.input(1, false);
    board.set(0, EOIR1, 33);
    assert_eq!((board.irq(0), board.get(0, RPR)), (false, 0xff));
}

#[test]
fn an_urgent_interrupt_preempts_as_far_as_the_binary_point_lets_it() {
    let mut board = linux(1, false);
    board.rig.write(gicd::IPRIORITYR + 40, 1, 0x40);
    board.rig.input(0, true);
    assert_eq!(board.get(0, IAR1), 32);
    board.rig.input(1, true);
    assert!(!board.irq(0), "an equal one waits");
    board.rig.input(8, true);
    assert!(board.irq(0));
    board.set(0, BPR1, 0);
    assert_eq!(board.get(0, BPR1), 3);
    board.set(0, BPR1, 7);
    assert!(board.irq(0), "bit 7 still tells them apart");
}

#[test]
fn with_a_common_binary_point_of_7_nothing_preempts() {
    let mut board = linux(1, false);
    board.set(0, CTLR_EL1, CTLR_CBPR.into());
    board.set(0, BPR0, 7);
    board.set(0, BPR1, 3);
    assert_eq!(board.get(0, BPR1), 7, "group 0's and one more, as far as there is room");
    board.rig.write(gicd::IPRIORITYR + 40, 1, 0x40);
    board.rig.input(0, true);
    assert_eq!(board.get(0, IAR1), 32);
    board.rig.input(8, true);
    assert!(!board.irq(0));
}

#[test]
fn split_end_drops_the_priority_first() {
    let mut board = linux(1, false);
    board.set(0, CTLR_EL1, CTLR_EOI.into());
    board.rig.input(1, true);
    assert_eq!(board.get(0, IAR1), 33);
    board.set(0, EOIR1, 33);
    assert_eq!((board.get(0, RPR), board.irq(0)), (0xff, false));
    assert_eq!(board.rig.read(gicd::ISACTIVER + 4, 4), 2);
    board.set(0, DIR, 33);
    assert!(board.irq(0));
}

#[test]
fn the_end_of_the_other_group_is_none() {
    let mut board = linux(1, false);
    board.rig.input(1, true);
    assert_eq!(board.get(0, IAR0), 1023);
    assert_eq!(board.get(0, IAR1), 33);
    board.set(0, EOIR0, 33);
    assert_eq!(board.get(0, RPR), 0xa0);
}

#[test]
fn routes_lead_to_one_cpu() {
    let mut board = linux(18, false);
    board.rig.write(gicd::IROUTER + 8 * 33, 8, 0x101);
    board.rig.input(1, true);
    assert!(!board.irq(0));
    assert_eq!(board.get(17, IAR1), 33);
    board.rig.write(gicd::IROUTER + 8 * 34, 8, 0x8000_0012);
    assert_eq!(board.rig.read(gicd::IROUTER + 8 * 34, 8), 0x12, "there is no 1-of-N distribution");
    board.rig.input(2, true);
    assert_eq!(board.get(0, HPPIR1), 1023, "level 0 has 16");
}

#[test]
fn sgis_go_to_a_list_or_to_all_others() {
    let board = linux(18, false);
    board.set(0, SGI1R, 5 << 24 | 0x8002);
    assert_eq!([1, 15, 2].map(|cpu| board.irq(cpu)), [true, true, false]);
    assert_eq!(board.get(15, IAR1), 5);
    board.set(0, SGI1R, 1 << 16 | 6 << 24 | 2);
    assert_eq!(board.get(17, IAR1), 6);
    board.set(3, SGI1R, 1 << 40 | 7 << 24);
    assert_eq!((board.get(3, IAR1), board.get(4, IAR1)), (1023, 7));
    board.set(0, SGI0R, 8 << 24 | 1);
    board.set(0, SGI1R, 1 << 44 | 8 << 24 | 1);
    board.set(0, SGI1R, 0xff << 48 | 8 << 24 | 1);
    assert_eq!(board.get(0, HPPIR1), 7, "nothing in group 0, in other ranges, or far away");
}

#[test]
fn private_interrupts_are_each_cpus_own() {
    let mut board = linux(2, false);
    board.rig.input(own_input(1, 11), true);
    assert!(!board.irq(0) && board.irq(1));
    assert_eq!(board.get(1, IAR1), 27);
    assert_eq!(board.rig.read_bank(1, rd(1, SGI_BASE + gicd::ISACTIVER), 4), 1 << 27);
    board.rig.input(own_input(1, 16), true);
    board.rig.input(own_input(2, 11), true);
    board.rig.input(u32::MAX, true);
}

#[test]
fn two_states_have_three_groups_and_three_lines() {
    let mut board = Board::new(1, &[("secure", "on")]);
    board.write_secure(0, gicd::CTLR, 0x37);
    board.write_secure(0, gicd::IGROUPR + 4, 0x4);
    board.write_secure(0, gicd::IGRPMODR + 4, 0x2);
    board.write_secure(0, gicd::ISENABLER + 4, 0x7);
    board.set_as(3, true, PMR, 0xf0);
    board.set_as(3, true, IGRPEN1_EL3, 3);
    board.set_as(3, true, IGRPEN0, 1);
    board.rig.write(gicd::IPRIORITYR + 32, 4, 0);
    board.rig.input(2, true);
    assert_eq!(board.lines(), [true, false, false]);
    assert_eq!(board.get_as(3, true, HPPIR0), 1021);
    assert_eq!(board.get_as(1, true, HPPIR1), 1023, "not for the Secure state");
    assert_eq!(board.get_as(1, false, HPPIR1), 34);
    board.rig.input(1, true);
    assert_eq!(board.lines(), [false, false, true]);
    assert_eq!(board.get_as(3, false, HPPIR0), 1020);
    assert_eq!(board.get_as(1, false, IAR1), 1023);
    assert_eq!(board.get_as(1, true, IAR1), 33);
    board.write_secure(0, gicd::IPRIORITYR + 32, 0x8000_00a0);
    board.set_as(1, true, EOIR1, 33);
    board.rig.input(1, false);
    board.rig.input(2, false);
    board.rig.input(0, true);
    assert_eq!(board.lines(), [false, true, false]);
    assert_eq!(board.get_as(1, false, IAR0), 1023);
    assert_eq!(board.get_as(3, true, IAR0), 32);
}

#[test]
fn non_secure_code_sees_its_half() {
    let mut board = Board::new(1, &[("secure", "on")]);
    assert_eq!(board.rig.read(gicd::CTLR, 4), 0x10);
    board.rig.write(gicd::IGROUPR + 4, 4, u64::from(u32::MAX));
    board.write_secure(0, gicd::IGROUPR + 4, 2);
    board.rig.write(gicd::ISENABLER + 4, 4, 3);
    assert_eq!(board.read_secure(0, gicd::ISENABLER + 4), 2);
    board.rig.write(gicd::IPRIORITYR + 33, 1, 0x40);
    assert_eq!(board.read_secure(0, gicd::IPRIORITYR + 32), 0xa000);
    board.rig.write(gicd::IROUTER + 8 * 32, 8, 1);
    assert_eq!(board.read_secure(0, gicd::IROUTER + 8 * 32), 0);
    board.set_as(1, false, PMR, 0xff);
    assert_eq!(board.get_as(1, false, PMR), 0, "the Secure world has not let go of the mask");
    board.set_as(3, true, PMR, 0xff);
    assert_eq!(board.get_as(1, false, PMR), 0xf0);
    board.write_secure(0, gicd::CTLR, 0x40);
    board.write_secure(0, gicd::CTLR, 0);
    assert_eq!(board.rig.read(gicd::CTLR, 4), 0x50, "one state, until the next reset");
    board.rig.reset();
    assert_eq!(board.rig.read(gicd::CTLR, 4), 0x10);
}

#[test]
fn a_vcpu_looks_again_when_its_line_changes() {
    let mut board = linux(1, false);
    board.rig.input(1, true);
    board.set(0, PMR, 0xa0);
    assert!(!board.irq(0));
    board.set(0, PMR, 0xa8);
    assert!(board.irq(0));
    board.set(0, IGRPEN1, 0);
    assert!(!board.irq(0));
}

// The tables in memory.
const CONFIG: u64 = RAM;
const PENDING: u64 = RAM + 0x1_0000;
const DEVICE_TABLE: u64 = RAM + 0x4_0000;
const COLLECTION_TABLE: u64 = RAM + 0x5_0000;
const QUEUE: u64 = RAM + 0x6_0000;
const EVENTS: u64 = RAM + 0x7_0000;

/// With LPIs, an ITS, device 8 with 32 events, and collection n on vCPU n.
fn translating() -> Board {
    let mut board = linux(2, true);
    assert!(board.rig.bench.dma.write(CONFIG, &[0xa1; 0x1000]));
    let gic = &mut board.rig;
    for cpu in 0..2 {
        gic.write_bank(1, rd(cpu, 0x70), 8, CONFIG | 15);
        gic.write_bank(1, rd(cpu, 0x78), 8, (PENDING + 0x1_0000 * cpu) | (1 << 62));
        gic.write_bank(1, rd(cpu, 0), 4, 1);
    }
    gic.write_bank(2, BASER, 8, VALID | DEVICE_TABLE);
    gic.write_bank(2, BASER + 8, 8, VALID | COLLECTION_TABLE);
    gic.write_bank(2, CBASER, 8, VALID | QUEUE);
    gic.write_bank(2, its::CTLR, 4, 1);
    command(&mut board, [8 << 32 | 8, 4, VALID | EVENTS, 0]);
    command(&mut board, [9, 0, VALID, 0]);
    command(&mut board, [9, 0, VALID | 1 << 16 | 1, 0]);
    board
}

const VALID: u64 = 1 << 63;

fn command(board: &mut Board, words: [u64; 4]) {
    let at = board.rig.read_bank(2, CWRITER, 8);
    for (n, word) in words.iter().enumerate() {
        assert!(board.rig.bench.dma.write(QUEUE + at + 8 * n as u64, &word.to_le_bytes()));
    }
    let next = (at + 32) % 0x1000;
    board.rig.write_bank(2, CWRITER, 8, next);
    assert_eq!(board.rig.read_bank(2, CREADR, 8), next);
}

fn signal(board: &Board, device: u32, data: u32) {
    board.rig.bench.part.with(|gic| gic.message(Message { device, address: 0, data }));
}

/// MAPTI: event 3 is LPI 8195 in collection 0.
const MAP_EVENT_3: [u64; 4] = [8 << 32 | 10, 8195 << 32 | 3, 0, 0];

#[test]
fn a_message_becomes_an_lpi() {
    let mut board = translating();
    signal(&board, 8, 3);
    assert!(!board.irq(0), "nothing is mapped yet");
    command(&mut board, MAP_EVENT_3);
    signal(&board, 8, 3);
    signal(&board, 9, 3);
    signal(&board, 8, 32);
    assert_eq!(board.get(0, IAR1), 8195);
    assert_eq!(board.get(0, RPR), 0xa0);
    board.set(0, EOIR1, 8195);
    assert_eq!((board.get(0, RPR), board.get(0, IAR1)), (0xff, 1023));
}

#[test]
fn lpis_move_with_their_collection() {
    let mut board = translating();
    command(&mut board, MAP_EVENT_3);
    signal(&board, 8, 3);
    command(&mut board, [8 << 32 | 1, 3, 1, 0]);
    assert_eq!([board.irq(0), board.irq(1)], [false, true]);
    command(&mut board, [14, 0, 1 << 16, 0]);
    assert_eq!([board.irq(0), board.irq(1)], [true, false]);
    signal(&board, 8, 3);
    assert_eq!([board.get(0, IAR1), board.get(1, IAR1)], [8195, 8195]);
}

#[test]
fn the_configuration_is_read_again_when_asked() {
    let mut board = translating();
    command(&mut board, MAP_EVENT_3);
    assert!(board.rig.bench.dma.write(CONFIG + 3, &[0xa0]));
    signal(&board, 8, 3);
    assert!(!board.irq(0));
    assert!(board.rig.bench.dma.write(CONFIG + 3, &[0xa1]));
    assert!(!board.irq(0));
    command(&mut board, [8 << 32 | 12, 3, 0, 0]);
    assert!(board.irq(0));
    assert!(board.rig.bench.dma.write(CONFIG + 3, &[0xf1]));
    command(&mut board, [13, 0, 0, 0]);
    assert!(!board.irq(0), "less urgent than the mask");
    assert!(board.rig.bench.dma.write(CONFIG + 3, &[0xa1]));
    command(&mut board, [13, 0, 0, 0]);
    command(&mut board, [8 << 32 | 4, 3, 0, 0]);
    assert!(!board.irq(0), "cleared");
    command(&mut board, [8 << 32 | 3, 3, 0, 0]);
    assert!(board.irq(0), "set by a command");
    command(&mut board, [8 << 32 | 15, 3, 0, 0]);
    assert!(!board.irq(0), "discarded");
    signal(&board, 8, 3);
    assert!(!board.irq(0));
}

#[test]
fn pending_lpis_outlive_being_switched_off_in_memory() {
    let mut board = translating();
    command(&mut board, MAP_EVENT_3);
    signal(&board, 8, 3);
    board.rig.write_bank(1, rd(0, 0), 4, 0);
    assert!(!board.irq(0));
    let mut byte = [0];
    assert!(board.rig.bench.dma.read(PENDING + 1024, &mut byte));
    assert_eq!(byte, [8]);
    board.rig.write_bank(1, rd(0, 0), 4, 1);
    assert_eq!(board.get(0, IAR1), 8195);
}

#[test]
fn a_table_of_two_levels_leads_to_the_same() {
    let mut board = translating();
    let gic = &mut board.rig;
    gic.write_bank(2, its::CTLR, 4, 0);
    gic.write_bank(2, BASER, 8, VALID | (1 << 62) | (RAM + 0x8_0000));
    gic.write_bank(2, its::CTLR, 4, 1);
    let inner = VALID | (RAM + 0x9_0000);
    assert!(gic.bench.dma.write(RAM + 0x8_0008, &inner.to_le_bytes()));
    command(&mut board, [0x201 << 32 | 8, 4, VALID | EVENTS, 0]);
    command(&mut board, [0x201 << 32 | 10, 8200 << 32, 0, 0]);
    signal(&board, 0x201, 0);
    signal(&board, 1, 0);
    assert_eq!(board.get(0, IAR1), 8200);
}

#[test]
fn a_saved_lpi_is_pending_after_the_load() {
    let mut board = translating();
    command(&mut board, MAP_EVENT_3);
    signal(&board, 8, 3);
    let saved = board.rig.save();
    let other = linux(2, true);
    other.rig.load(saved).unwrap();
    assert_eq!(other.get(0, IAR1), 8195);
}

#[test]
fn bad_tables_and_queues_do_no_harm() {
    let mut board = translating();
    let gic = &mut board.rig;
    gic.write_bank(2, its::CTLR, 4, 0);
    gic.write_bank(2, BASER, 8, VALID | 0xffff_ffff_f0ff);
    gic.write_bank(2, CBASER, 8, VALID | (RAM + 0xf_f000) | 0xff);
    gic.write_bank(2, CWRITER, 8, 0x2000);
    gic.write_bank(2, its::CTLR, 4, 1);
    assert_eq!(gic.read_bank(2, CREADR, 8), 0x1001, "stalled where memory ends");
    gic.write_bank(2, its::CTLR, 4, 0);
    gic.write_bank(2, CBASER, 8, VALID | QUEUE);
    gic.write_bank(2, CWRITER, 8, 0xf_ffe0);
    gic.write_bank(2, its::CTLR, 4, 1);
    assert_eq!(gic.read_bank(2, CREADR, 8), 1, "behind the queue");
    gic.write_bank(2, CWRITER, 8, 0);
    let mut dice = crate::hw::tests::Dice::new(7);
    for _ in 0..2000 {
        let cmd = [1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 99][dice.below(13) as usize];
        let word = |dice: &mut crate::hw::tests::Dice| dice.value();
        let words = [dice.below(16) << 32 | cmd, word(&mut dice), word(&mut dice), word(&mut dice)];
        command(&mut board, words);
        signal(&board, dice.below(16) as u32, dice.below(64) as u32);
    }
}

#[test]
fn a_kernel_without_firmware_has_the_interrupts_of_a_secure_board() {
    let mut board = Board::new(1, &[("secure", "on")]);
    let try_it = |board: &mut Board| {
        board.rig.write(gicd::CTLR, 4, 0x12);
        board.rig.write(gicd::ISENABLER + 4, 4, 2);
        board.set(0, PMR, 0xf0);
        board.set(0, IGRPEN1, 1);
        board.lines()
    };
    board.rig.input(1, true);
    assert_eq!(try_it(&mut board), [false; 3], "all is in the Secure group");
    board.rig.bench.part.with(|device| {
        device.reset();
        device.skip_firmware();
    });
    board.set(0, IGRPEN1, 0);
    assert_eq!(try_it(&mut board), [true, false, false]);
}
