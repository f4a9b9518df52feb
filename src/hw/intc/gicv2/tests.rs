use super::distributor::*;
use super::interface::*;
use super::*;
use crate::fabric::own_input;
use crate::hw::tests::Rig;

fn read(gic: &Rig, bank: u8, cpu: u32, offset: u64) -> u64 {
    gic.bench.part.with(|device| device.read(Io { bank, offset, size: 4, cpu }))
}

fn write(gic: &Rig, bank: u8, cpu: u32, offset: u64, value: u64) {
    gic.bench.part.with(|device| device.write(Io { bank, offset, size: 4, cpu }, value));
}

/// Two vCPUs with everything enabled, as Linux leaves it: all in group 0, priority 0xa0, SPIs to vCPU 0.
fn gic() -> Rig {
    let mut gic = Rig::new("gicv2").cpus(2).build();
    gic.write(GICD_CTLR, 4, 1);
    for word in 1..9 {
        gic.write(GICD_ISENABLER + 4 * word, 4, 0xffff_ffff);
    }
    for offset in (32..288).step_by(4) {
        gic.write(GICD_IPRIORITYR + offset, 4, 0xa0a0_a0a0);
        gic.write(GICD_ITARGETSR + offset, 4, 0x0101_0101);
    }
    for cpu in 0..2 {
        write(&gic, 1, cpu, GICC_PMR, 0xf0);
        write(&gic, 1, cpu, GICC_CTLR, 1);
    }
    gic
}

fn ack(gic: &Rig, cpu: u32) -> u64 {
    read(gic, 1, cpu, GICC_IAR)
}

fn end(gic: &Rig, cpu: u32, intid: u64) {
    write(gic, 1, cpu, GICC_EOIR, intid);
}

#[test]
fn a_level_is_taken_once_and_again_while_it_lasts() {
    let mut gic = gic();
    gic.input(1, true);
    assert_eq!(gic.lines(8), [true, false, false, false, false, false, false, false]);
    assert_eq!(ack(&gic, 0), 33);
    assert!(!gic.line(0));
    assert_eq!(read(&gic, 1, 0, GICC_RPR), 0xa0);
    assert_eq!(ack(&gic, 0), 1023);
    end(&gic, 0, 33);
    assert!(gic.line(0));
    assert_eq!(ack(&gic, 0), 33);
    gic.input(1, false);
    end(&gic, 0, 33);
    assert!(!gic.line(0));
    assert_eq!(read(&gic, 1, 0, GICC_RPR), 0xff);
}

#[test]
fn an_edge_is_remembered_and_taken_once() {
    let mut gic = gic();
    gic.write(GICD_ICFGR + 8, 4, 2 << 2);
    gic.input(1, true);
    gic.input(1, false);
    assert_eq!(gic.read(GICD_ISPENDR + 4, 4), 2);
    assert_eq!(ack(&gic, 0), 33);
    gic.input(1, true);
    assert_eq!(gic.read(GICD_ISPENDR + 4, 4), 2, "pending again while active");
    assert!(!gic.line(0));
    end(&gic, 0, 33);
    assert_eq!(ack(&gic, 0), 33);
    end(&gic, 0, 33);
    assert!(!gic.line(0), "the level alone is nothing");
}

#[test]
fn an_urgent_interrupt_preempts_and_an_equal_one_waits() {
    let mut gic = gic();
    gic.write(GICD_IPRIORITYR + 40, 1, 0x40);
    gic.input(0, true);
    assert_eq!(ack(&gic, 0), 32);
    gic.input(1, true);
    assert!(!gic.line(0));
    gic.input(8, true);
    assert!(gic.line(0));
    assert_eq!(ack(&gic, 0), 40);
    assert_eq!(read(&gic, 1, 0, GICC_RPR), 0x40);
    gic.input(8, false);
    end(&gic, 0, 40);
    assert_eq!(read(&gic, 1, 0, GICC_RPR), 0xa0);
    gic.input(0, false);
    end(&gic, 0, 32);
    assert_eq!(ack(&gic, 0), 33);
}

#[test]
fn the_binary_point_decides_what_preempts() {
    let mut gic = gic();
    write(&gic, 1, 0, GICC_BPR, 7);
    gic.write(GICD_IPRIORITYR + 40, 1, 0x40);
    gic.input(0, true);
    assert_eq!(ack(&gic, 0), 32);
    gic.input(8, true);
    assert!(!gic.line(0));
}

#[test]
fn the_mask_hides_what_is_not_urgent_enough() {
    let mut gic = gic();
    write(&gic, 1, 0, GICC_PMR, 0xa0);
    gic.input(0, true);
    assert!(!gic.line(0));
    assert_eq!(ack(&gic, 0), 1023);
    assert_eq!(read(&gic, 1, 0, GICC_HPPIR), 32);
}

#[test]
fn split_end_drops_the_priority_first() {
    let mut gic = gic();
    write(&gic, 1, 0, GICC_CTLR, 1 | u64::from(CTLR_EOI_S));
    gic.input(0, true);
    assert_eq!(ack(&gic, 0), 32);
    end(&gic, 0, 32);
    assert_eq!((read(&gic, 1, 0, GICC_RPR), gic.line(0)), (0xff, false));
    assert_eq!(gic.read(GICD_ISACTIVER + 4, 4), 1);
    write(&gic, 1, 0, GICC_DIR, 32);
    assert!(gic.line(0));
}

#[test]
fn an_sgi_says_who_sent_it() {
    let gic = gic();
    write(&gic, 0, 0, GICD_SGIR, 2 << 16 | 5);
    write(&gic, 0, 1, GICD_SGIR, 2 << 24 | 5);
    assert!(gic.line(OUTPUTS) && !gic.line(0));
    assert_eq!(read(&gic, 0, 1, GICD_SPENDSGIR + 4), 3 << 8);
    assert_eq!(ack(&gic, 1), 5);
    end(&gic, 1, 5);
    assert_eq!(ack(&gic, 1), 1 << 10 | 5);
    end(&gic, 1, 1 << 10 | 5);
    assert_eq!(ack(&gic, 1), 1023);
    write(&gic, 0, 1, GICD_SGIR, 1 << 24 | 7);
    assert_eq!((ack(&gic, 0), ack(&gic, 1)), (1 << 10 | 7, 1023));
}

#[test]
fn private_interrupts_are_each_cpus_own() {
    let mut gic = gic();
    write(&gic, 0, 1, GICD_ISENABLER, 1 << 27);
    gic.input(own_input(1, 11), true);
    gic.input(own_input(0, 11), true);
    assert!(!gic.line(0) && gic.line(OUTPUTS));
    assert_eq!(ack(&gic, 1), 27);
    gic.input(own_input(1, 16), true);
    gic.input(own_input(9, 11), true);
    gic.input(u32::MAX, true);
}

#[test]
fn an_spi_for_both_is_taken_by_one() {
    let mut gic = gic();
    gic.write(GICD_ITARGETSR + 33, 1, 0xff);
    assert_eq!(gic.read(GICD_ITARGETSR + 33, 1), 3);
    gic.input(1, true);
    assert!(gic.line(0) && gic.line(OUTPUTS));
    assert_eq!(ack(&gic, 1), 33);
    assert!(!gic.line(0));
    assert_eq!(read(&gic, 0, 1, GICD_ITARGETSR), 0x0202_0202);
}

#[test]
fn group_0_may_be_fiq() {
    let mut gic = gic();
    write(&gic, 1, 0, GICC_CTLR, (CTLR_GRP0 | CTLR_GRP1 | CTLR_FIQ).into());
    gic.write(GICD_CTLR, 4, 3);
    gic.write(GICD_IGROUPR + 4, 4, 1);
    gic.input(0, true);
    assert_eq!(gic.lines(2), [true, false]);
    assert_eq!(ack(&gic, 0), 1022);
    assert_eq!(read(&gic, 1, 0, GICC_AIAR), 32);
    write(&gic, 1, 0, GICC_AEOIR, 32);
    gic.input(0, false);
    gic.input(1, true);
    assert_eq!(gic.lines(2), [false, true]);
}

#[test]
fn non_secure_code_sees_its_half_of_a_secure_controller() {
    let mut gic = Rig::new("gicv2").cpus(1).props(&[("secure", "on")]).build();
    let secure = Io::SECURE;
    write(&gic, 0, secure, GICD_IGROUPR + 4, 2);
    write(&gic, 0, secure, GICD_CTLR, 3);
    gic.write(GICD_ISENABLER + 4, 4, 3);
    assert_eq!(gic.read(GICD_ISENABLER + 4, 4), 2);
    gic.write(GICD_IPRIORITYR + 33, 1, 0x40);
    assert_eq!(read(&gic, 0, secure, GICD_IPRIORITYR + 32), 0xa000);
    assert_eq!(gic.read(GICD_IPRIORITYR + 33, 1), 0x40);
    assert_eq!(gic.read(GICD_CTLR, 4), 1);
    gic.write_bank(1, GICC_PMR, 4, 0xff);
    assert_eq!(gic.read_bank(1, GICC_PMR, 4), 0, "the Secure world has not let go of the mask");
    write(&gic, 1, secure, GICC_PMR, 0xff);
    assert_eq!(gic.read_bank(1, GICC_PMR, 4), 0xfe);
    gic.write_bank(1, GICC_CTLR, 4, 1);
    assert_eq!(read(&gic, 1, secure, GICC_CTLR), u64::from(CTLR_GRP1));
    gic.input(1, true);
    assert_eq!(gic.read_bank(1, GICC_IAR, 4), 33);
    assert_eq!(gic.read_bank(1, GICC_RPR, 4), 0x40);
}

#[test]
fn a_message_is_an_edge_of_the_frames_interrupts() {
    let mut gic = Rig::new("gicv2").props(&[("msi-count", "64")]).build();
    assert_eq!(gic.read_bank(2, V2M_TYPER, 4), 80 << 16 | 64);
    gic.write(GICD_ICFGR + 20, 4, 2 << 4);
    gic.write_bank(2, V2M_SETSPI, 4, 82);
    assert_eq!(gic.read(GICD_ISPENDR + 8, 4), 1 << 18);
    gic.write_bank(2, V2M_SETSPI, 4, 79);
    let message = Message { device: 8, address: 0, data: 200 };
    gic.bench.part.with(|device| device.message(message));
    assert_eq!(gic.read(GICD_ISPENDR + 24, 4), 0);
}

#[test]
fn a_kernel_without_firmware_has_the_interrupts_of_a_secure_board() {
    let gic = Rig::new("gicv2").cpus(1).props(&[("secure", "on")]).build();
    let try_it = |gic: &Rig| {
        write(gic, 0, 0, GICD_CTLR, 1);
        write(gic, 0, 0, GICD_ISENABLER + 4, 2);
        write(gic, 1, 0, GICC_PMR, 0xf0);
        write(gic, 1, 0, GICC_CTLR, 1);
        gic.line(0)
    };
    gic.bench.part.with(|device| device.input(1, true));
    assert!(!try_it(&gic), "all is in the Secure group");
    gic.bench.part.with(|device| {
        device.reset();
        device.skip_firmware();
    });
    assert!(try_it(&gic));
    assert_eq!(ack(&gic, 0), 33);
}

#[test]
fn the_lowest_bits_of_priority_and_mask_count_unless_strictly() {
    for (strict, signalled) in [("off", true), ("on", false)] {
        let mut gic = Rig::new("gicv2").props(&[("strict", strict)]).build();
        gic.write(GICD_CTLR, 4, 1);
        gic.write(GICD_ISENABLER + 4, 4, 2);
        gic.write_bank(1, GICC_CTLR, 4, 1);
        gic.write_bank(1, GICC_PMR, 4, 1);
        gic.input(1, true);
        assert_eq!(gic.line(0), signalled, "priority 0 under a mask of 1");
    }
}
