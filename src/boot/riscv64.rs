//! How RISC-V kernels and firmware are started.
//!
//! | given | harts start | a0, a1, a2 |
//! |---|---|---|
//! | a kernel | hart 0 in S-mode at the kernel, by the built-in SBI | hart id, device tree |
//! | `-bios FILE` | in the reset vector, then in M-mode at the start of RAM | hart id, device tree, fw_dynamic's info |
//! | `-bios none` | likewise, and the kernel is what stands there | likewise |
//! | flash and no `-bios` | hart 0 in S-mode at the flash, by the built-in SBI | hart id, device tree |
//! | flash, `-bios FILE` | in the reset vector; the info says that S-mode goes on in the flash | as with `-bios FILE` |
//! | flash, `-bios none` | in the reset vector, then in M-mode at the flash | likewise |
//!
//! Placement follows QEMU's `virt`, so that images linked for it run: firmware at the start of RAM, the kernel on the
//! next 2 MiB boundary, the initial RAM disk half of RAM (at most 512 MiB) behind it, the device tree at the end.
//!
//! Documents: Linux, `Documentation/arch/riscv/boot.rst`; OpenSBI, `docs/firmware/fw_dynamic.md`.

use super::image::{Image, Kind};
use super::kernel;
use super::layout::human;
use super::{Chosen, Entry, Firmware, Layout, Place, Plan, Protocol, Request, Start};
use crate::base::Result;
use crate::fail;

/// RISC-V's boot protocol.
pub static PROTOCOL: Protocol = Protocol { plan, finish };

const MIB: u64 = 1 << 20;
/// Kernels stand on such boundaries.
const KERNEL_ALIGN: u64 = 2 * MIB;
/// What the firmware takes from the start of RAM; the built-in one needs nothing, and keeps as much as OpenSBI does.
const FIRMWARE_ROOM: u64 = MIB / 4;

fn plan(request: &Request, place: &Place) -> Result<Plan> {
    let mut plan = Plan {
        layout: Layout::default(),
        chosen: Chosen::default(),
        dtb: None,
        start: Start::Reset,
        pcs: Vec::new(),
        handed: None,
        entry: Entry { first: place.ram.at, next: 0 },
    };
    let firmware_end = firmware(request, place, &mut plan)?;
    let next = match &place.flash {
        Some(flash) if request.firmware == Firmware::None => {
            plan.entry.first = flash.at;
            payload(request, place, &mut plan, firmware_end)?
        }
        Some(flash) => {
            plan.handed = Some(kernel::hand_over(request)?);
            Some(flash.at)
        }
        None => payload(request, place, &mut plan, firmware_end)?,
    };
    kernel::loaders(request, place, &mut plan)?;
    match (&request.firmware, next) {
        (Firmware::Default, _) => refuse_in_firmware(&plan, place)?,
        // What stands at the start of RAM begins there, for programs linked for QEMU rely on that.
        (Firmware::None, Some(entry)) if place.flash.is_none() && plan.layout.covering(place.ram.at).is_none() => {
            plan.entry.first = entry;
        }
        _ => {}
    }
    plan.chosen.bootargs.clone_from(&request.append);
    plan.entry.next = next.unwrap_or(0);
    plan.start = match (&request.firmware, next) {
        (Firmware::Default, Some(entry)) => Start::BuiltIn { entry, dtb: 0 },
        (Firmware::Default, None) => match plan.layout.covering(place.ram.at + KERNEL_ALIGN) {
            // What `-device loader` put where a kernel would be is one.
            Some(blob) => Start::BuiltIn { entry: blob.at, dtb: 0 },
            None if plan.pcs.is_empty() => Start::Nothing,
            None => Start::Reset,
        },
        _ => Start::Reset,
    };
    Ok(plan)
}

/// Loads the firmware; returns the address behind it.
fn firmware(request: &Request, place: &Place, plan: &mut Plan) -> Result<u64> {
    let Firmware::File(name) = &request.firmware else { return Ok(place.ram.at) };
    let path = super::find_firmware(name, &request.firmware_dirs)?;
    let image = Image::of(super::read("firmware", &path)?)
        .map_err(|e| e.within(format!("could not load firmware '{}'", path.display())))?;
    let name = path.display().to_string();
    match &image.kind {
        Kind::Elf(program) => {
            kernel::check_program("riscv64", &name, program)?;
            kernel::add_program(plan, place, &name, program)?;
            plan.entry.first = program.physical_entry();
            Ok(program.high())
        }
        Kind::UBoot(_) => fail!("firmware '{name}' is a U-Boot image; an ELF file or a raw program is wanted"),
        _ => {
            let size = image.bytes.len() as u64;
            plan.layout.add(&place.memory, &name, place.ram.at, image.bytes, 0)?;
            Ok(place.ram.at + size)
        }
    }
}

/// Loads kernel and initial RAM disk; returns the kernel's entry.
fn payload(request: &Request, place: &Place, plan: &mut Plan, firmware_end: u64) -> Result<Option<u64>> {
    let Some(path) = &request.kernel else {
        if let Some(initrd) = &request.initrd {
            fail!("-initrd '{}' needs a kernel: add -kernel", initrd.display());
        }
        return Ok(None);
    };
    let name = path.display().to_string();
    let image = Image::open(path)?;
    let bare = request.firmware == Firmware::None;
    let (entry, end) = match &image.kind {
        Kind::Elf(program) => {
            kernel::check_program("riscv64", &name, program)?;
            kernel::add_program(plan, place, &name, program)?;
            (program.first(), program.high())
        }
        Kind::UBoot(kernel) if kernel.isa.is_none_or(|isa| isa == "riscv64") => {
            let (at, entry) = kernel.place(kernel_address(place, KERNEL_ALIGN, firmware_end));
            plan.layout.add(&place.memory, &name, at, image.bytes.clone(), 0)?;
            (entry, at.saturating_add(image.bytes.len() as u64))
        }
        Kind::Arm64 { .. } | Kind::BzImage | Kind::UBoot(_) => {
            fail!("kernel '{name}' is {}, not one for riscv64", image.kind.describe())
        }
        Kind::Riscv { .. } | Kind::Raw => {
            let (offset, size) = match image.kind {
                Kind::Riscv { text_offset, size } => (text_offset, size),
                _ => (KERNEL_ALIGN, 0),
            };
            let at = if bare { place.ram.at } else { kernel_address(place, offset, firmware_end) };
            let size = size.max(image.bytes.len() as u64);
            if !place.ram.holds(at, size) {
                fail!(
                    "RAM is too small for kernel '{name}': it needs {} from {at:#x}, and RAM ends at {:#x}; add -m with more",
                    human(size),
                    place.ram.end()
                );
            }
            plan.layout.add(&place.memory, &name, at, image.bytes.clone(), size)?;
            (at, at + size)
        }
    };
    let usual = entry.saturating_add((place.ram.size / 2).min(512 * MIB));
    kernel::initrd(request, place, plan, usual, end, KERNEL_ALIGN)?;
    Ok(Some(entry))
}

/// The place that the kernel asks for, unless firmware is there.
fn kernel_address(place: &Place, text_offset: u64, firmware_end: u64) -> u64 {
    // Every kernel for RV64 asks for 2 MiB; an image that says 0 (an M-mode kernel's) is put there, too, as on QEMU.
    let offset = if text_offset == 0 || text_offset > place.ram.size { KERNEL_ALIGN } else { text_offset };
    let at = place.ram.at + offset;
    at.max(firmware_end.next_multiple_of(KERNEL_ALIGN))
}

/// That nothing is where firmware stands on QEMU: who put it there meant to do without.
fn refuse_in_firmware(plan: &Plan, place: &Place) -> Result<()> {
    match plan.layout.overlapping(place.ram.at, FIRMWARE_ROOM) {
        None => Ok(()),
        Some(blob) => fail!(
            "'{}' covers {:#x}, where the firmware that starts kernels has its place: add -bios none for a program that \
             runs without it",
            blob.name,
            blob.at
        ),
    }
}

fn finish(plan: &mut Plan, place: &Place, dtb: Vec<u8>) -> Result<()> {
    let size = dtb.len() as u64;
    let at = (place.ram.end().saturating_sub(size) / KERNEL_ALIGN * KERNEL_ALIGN).max(place.ram.at);
    plan.layout.add(&place.memory, "the device tree", at, dtb, 0)?;
    plan.dtb = Some(at);
    if let Start::BuiltIn { dtb, .. } = &mut plan.start {
        *dtb = at;
    }
    if let (Some(rom), Start::Reset) = (&place.rom, plan.start) {
        let code = reset_vector(plan.entry, at);
        plan.layout.add(&place.memory, "the reset vector", rom.at, code, 0)?;
    }
    Ok(())
}

/// Code that goes on at `entry.first` with a0 = hart id, a1 = device tree, a2 = the info that OpenSBI's fw_dynamic reads.
fn reset_vector(entry: Entry, dtb: u64) -> Vec<u8> {
    const CODE: [u32; 6] = [
        0x0000_0297, // auipc t0, 0
        0x0282_8613, // addi  a2, t0, 40     the info
        0xf140_2573, // csrr  a0, mhartid
        0x0202_b583, // ld    a1, 32(t0)     the device tree
        0x0182_b283, // ld    t0, 24(t0)     the entry
        0x0002_8067, // jr    t0
    ];
    const INFO_MAGIC: u64 = 0x4942_534f;
    const INFO_VERSION: u64 = 2;
    const SUPERVISOR: u64 = 1;
    let words = [entry.first, dtb, INFO_MAGIC, INFO_VERSION, entry.next, SUPERVISOR, 0, 0];
    let code = CODE.iter().flat_map(|word| word.to_le_bytes());
    code.chain(words.iter().flat_map(|word| word.to_le_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::Space;
    use std::path::PathBuf;

    /// A file that goes when the test does.
    struct File(PathBuf);

    impl File {
        fn new(name: &str, bytes: &[u8]) -> File {
            let path = std::env::temp_dir().join(format!("mimus-{}-{name}", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            File(path)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn space(name: &str, at: u64, size: u64) -> Space {
        Space { name: name.into(), at, size }
    }

    fn place(mib: u64) -> Place {
        let (ram, rom) = (space("RAM", 0x8000_0000, mib * MIB), space("mrom", 0x1000, 0xf000));
        Place { memory: vec![ram.clone(), rom.clone()], ram, rom: Some(rom), flash: None }
    }

    fn linux(size: u64) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        bytes[8..16].copy_from_slice(&(2 * MIB).to_le_bytes());
        bytes[16..24].copy_from_slice(&size.to_le_bytes());
        bytes[0x30..0x38].copy_from_slice(b"RISCV\0\0\0");
        bytes
    }

    fn finished(request: &Request, place: &Place) -> Result<Plan> {
        let mut plan = plan(request, place)?;
        finish(&mut plan, place, vec![0; 6000])?;
        Ok(plan)
    }

    #[test]
    fn placement_is_qemus() {
        let (kernel, initrd) = (File::new("k1", &linux(30 * MIB)), File::new("i1", &[1; 5000]));
        let request = Request { kernel: Some(kernel.0.clone()), initrd: Some(initrd.0.clone()), ..Request::default() };
        let at = |mib| {
            let plan = finished(&request, &place(mib)).unwrap();
            plan.layout.blobs().iter().map(|blob| blob.at).collect::<Vec<_>>()
        };
        assert_eq!(at(1024), [0x8020_0000, 0xa020_0000, 0xbfe0_0000]);
        assert_eq!(at(128), [0x8020_0000, 0x8420_0000, 0x87e0_0000]);
        assert_eq!(at(16 << 10), [0x8020_0000, 0xa020_0000, 0x4_7fe0_0000]);
        // Half of RAM is inside the kernel here.
        assert_eq!(at(36), [0x8020_0000, 0x8200_0000, 0x8220_0000]);
        let error = finished(&request, &place(24)).unwrap_err().to_string();
        assert!(error.starts_with("RAM is too small for kernel") && error.contains("30 MiB"), "{error}");
    }

    #[test]
    fn a_disk_too_large_is_an_error_with_sizes() {
        let (kernel, initrd) = (File::new("k2", &linux(MIB)), File::new("i2", &vec![0; 8 << 20]));
        let request = Request { kernel: Some(kernel.0.clone()), initrd: Some(initrd.0.clone()), ..Request::default() };
        let plan = finished(&request, &place(16)).unwrap();
        assert_eq!(plan.chosen.initrd, Some((0x8060_0000, 0x80e0_0000)), "lower than usual, for it fits there");
        let error = finished(&request, &place(10)).unwrap_err().to_string();
        assert!(error.starts_with("RAM is too small for initial ram disk") && error.contains("8 MiB"), "{error}");
        let error = finished(&Request { kernel: None, ..request }, &place(10)).unwrap_err().to_string();
        assert!(error.contains("needs a kernel"), "{error}");
    }

    #[test]
    fn starts_follow_firmware_and_flash() {
        let (kernel, firmware) = (File::new("k3", &linux(MIB)), File::new("f3", &vec![0; 3 << 20]));
        let flash = Place { flash: Some(space("flash0", 0x2000_0000, 32 * MIB)), ..place(64) };
        let with = |kernel: Option<&File>, firmware: Firmware| Request {
            kernel: kernel.map(|file| file.0.clone()),
            firmware,
            ..Request::default()
        };
        let file = Firmware::File(firmware.0.clone());
        let dtb = 0x83e0_0000;

        let plan = finished(&with(Some(&kernel), Firmware::Default), &place(64)).unwrap();
        assert_eq!(plan.start, Start::BuiltIn { entry: 0x8020_0000, dtb });

        let plan = finished(&with(Some(&kernel), file.clone()), &place(64)).unwrap();
        assert_eq!((plan.start, plan.entry), (Start::Reset, Entry { first: 0x8000_0000, next: 0x8040_0000 }));

        let plan = finished(&with(Some(&kernel), Firmware::None), &place(64)).unwrap();
        assert_eq!((plan.start, plan.entry), (Start::Reset, Entry { first: 0x8000_0000, next: 0x8000_0000 }));

        let plan = finished(&with(Some(&kernel), Firmware::Default), &flash).unwrap();
        assert_eq!(plan.start, Start::BuiltIn { entry: 0x2000_0000, dtb });
        assert!(plan.handed.unwrap().kernel.is_some());

        let plan = finished(&with(None, file), &flash).unwrap();
        assert_eq!((plan.start, plan.entry), (Start::Reset, Entry { first: 0x8000_0000, next: 0x2000_0000 }));

        let plan = finished(&with(None, Firmware::None), &flash).unwrap();
        assert_eq!((plan.start, plan.entry), (Start::Reset, Entry { first: 0x2000_0000, next: 0 }));

        let plan = finished(&with(None, Firmware::Default), &place(64)).unwrap();
        assert_eq!(plan.start, Start::Nothing);
    }

    #[test]
    fn the_reset_vector_is_qemus() {
        let code = reset_vector(Entry { first: 0x8000_0000, next: 0x8020_0000 }, 0xbfe0_0000);
        let words: Vec<u32> = code.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
        assert_eq!(words.len(), 0x58 / 4);
        assert_eq!(
            words[6..],
            [0x8000_0000, 0, 0xbfe0_0000, 0, 0x4942_534f, 0, 2, 0, 0x8020_0000, 0, 1, 0, 0, 0, 0, 0]
        );
    }
}
