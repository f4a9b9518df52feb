//! How Arm kernels and firmware are started.
//!
//! | given | CPU 0 starts | others |
//! |---|---|---|
//! | a kernel | in it, below the built-in firmware, with the device tree in X0 | off |
//! | an ELF file as kernel | in it at the highest level, as after a reset, with the device tree at the start of RAM | off; running with EL3 |
//! | `-bios FILE`, or flash | in the flash at the highest level, with the device tree at the start of RAM | off; running with EL3 |
//! | files of `-device loader` alone | likewise | likewise |
//!
//! Placement follows QEMU's `virt`: the kernel where its header wants it, 2 MiB up where that is the very start of RAM,
//! the initial RAM disk at half of RAM (at most 128 MiB up), the device tree on the next 2 MiB boundary. Firmware loads
//! a kernel itself: it finds the files in fw_cfg. Linux is no ELF file on Arm, so that an ELF file is a program that
//! wants the bare machine; it may stand where the device tree would, and then there is none.
//!
//! Documents: Linux, `Documentation/arch/arm64/booting.rst`.

use super::image::{Image, Kind};
use super::kernel;
use super::layout::human;
use super::uboot;
use super::{Chosen, Entry, Firmware, Layout, Place, Plan, Protocol, Request, Start};
use crate::base::Result;
use crate::fail;
use std::path::Path;

/// Arm's boot protocol.
pub static PROTOCOL: Protocol = Protocol { plan, finish };

const NAME: &str = "aarch64";
const MIB: u64 = 1 << 20;
const ALIGN: u64 = 2 * MIB;
/// Where an image goes that does not say.
const USUAL_OFFSET: u64 = 0x8_0000;
/// Where a U-Boot image goes that does not say: as on QEMU, its header would stand in front of it.
const NOLOAD_OFFSET: u64 = 32 * MIB + uboot::HEADER;
/// What kernels leave free for the firmware that starts them.
const LOWEST_OFFSET: u64 = 4096;

fn plan(request: &Request, place: &Place) -> Result<Plan> {
    let mut plan = Plan {
        layout: Layout::default(),
        chosen: Chosen { bootargs: request.append.clone(), ..Chosen::default() },
        start: Start::Nothing,
        pcs: Vec::new(),
        dtb: None,
        handed: None,
        entry: Entry { first: place.ram.at, next: place.ram.at },
    };
    let firmware = firmware(request, place, &mut plan)?;
    if let Some(entry) = firmware {
        plan.handed = Some(kernel::hand_over(request)?);
        plan.start = Start::Firmware { entry };
    } else if let Some(path) = &request.kernel {
        plan.start = kernel(path, request, place, &mut plan)?;
    } else if let Some(initrd) = &request.initrd {
        fail!("-initrd '{}' needs a kernel: add -kernel", initrd.display());
    } else if !request.loaders.is_empty() {
        let entry = place.rom.as_ref().map_or(place.ram.at, |rom| rom.at);
        plan.start = Start::Firmware { entry };
    }
    kernel::loaders(request, place, &mut plan)?;
    Ok(plan)
}

/// Loads the firmware into the flash that a reset starts in; returns where it begins, if there is any.
fn firmware(request: &Request, place: &Place, plan: &mut Plan) -> Result<Option<u64>> {
    let Firmware::File(name) = &request.firmware else {
        return Ok(place.flash.as_ref().map(|flash| flash.at));
    };
    if place.flash.is_some() {
        fail!("-bios '{}': the flash has firmware already", name.display());
    }
    let Some(rom) = &place.rom else { fail!("-bios '{}': the board has nowhere to put it", name.display()) };
    let path = super::find_firmware(name, &request.firmware_dirs)?;
    let bytes = super::read("firmware", &path)?;
    plan.layout.add(std::slice::from_ref(rom), &path.display().to_string(), rom.at, bytes, 0)?;
    Ok(Some(rom.at))
}

/// Loads kernel and initial RAM disk; returns how the CPUs start.
fn kernel(path: &Path, request: &Request, place: &Place, plan: &mut Plan) -> Result<Start> {
    let name = path.display().to_string();
    let image = Image::open(path)?;
    let mut bare = false;
    let (entry, end) = match &image.kind {
        Kind::Elf(program) => {
            kernel::check_program(NAME, &name, program)?;
            kernel::add_program(plan, place, &name, program)?;
            bare = true;
            (program.physical_entry(), program.high())
        }
        Kind::UBoot(kernel) if kernel.isa.is_none_or(|isa| isa == NAME) => {
            let (at, entry) = kernel.place(place.ram.at.saturating_add(NOLOAD_OFFSET));
            plan.layout.add(&place.memory, &name, at, image.bytes.clone(), 0)?;
            bare = !kernel.linux;
            (entry, at.saturating_add(image.bytes.len() as u64))
        }
        Kind::Riscv { .. } | Kind::BzImage | Kind::UBoot(_) => {
            fail!("kernel '{name}' is {}, not one for {NAME}", image.kind.describe())
        }
        Kind::Arm64 { .. } | Kind::Raw => {
            let (offset, size) = match image.kind {
                // Before images said their size, what they said of the offset was of no use.
                Kind::Arm64 { text_offset, size } if size != 0 => (text_offset, size),
                _ => (USUAL_OFFSET, 0),
            };
            let offset = if offset < LOWEST_OFFSET { offset + ALIGN } else { offset };
            let at = place.ram.at.saturating_add(offset);
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
    let usual = place.ram.at + (place.ram.size / 2).min(128 * MIB);
    let end = kernel::initrd(request, place, plan, usual, end, ALIGN)?;
    if bare {
        return Ok(Start::Firmware { entry });
    }
    plan.entry.next = end.next_multiple_of(ALIGN);
    Ok(Start::BuiltIn { entry, dtb: 0 })
}

/// Lays the device tree down: behind everything else, or at the start of RAM, where firmware looks for it.
fn finish(plan: &mut Plan, place: &Place, tree: Vec<u8>) -> Result<()> {
    let at = plan.entry.next;
    match &mut plan.start {
        Start::BuiltIn { dtb, .. } => *dtb = at,
        Start::Firmware { .. } => {}
        Start::Reset | Start::Nothing => return Ok(()),
    }
    let taken = plan.layout.overlapping(at, tree.len() as u64).is_some();
    if taken && matches!(plan.start, Start::Firmware { .. }) {
        // A program that stands there brings what it needs.
        return Ok(());
    }
    plan.dtb = Some(at);
    plan.layout.add(&place.memory, "the device tree", at, tree, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::{Loader, Space};
    use std::path::PathBuf;

    /// A file that goes when the test does.
    struct File(PathBuf);

    impl File {
        fn new(name: &str, bytes: &[u8]) -> File {
            let path = std::env::temp_dir().join(format!("mimus-arm-{}-{name}", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            File(path)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn place(mib: u64, flash: bool) -> Place {
        let ram = Space { name: "RAM".into(), at: 0x4000_0000, size: mib * MIB };
        let rom = Space { name: "flash0".into(), at: 0, size: 64 * MIB };
        Place { memory: vec![ram.clone(), rom.clone()], ram, flash: flash.then(|| rom.clone()), rom: Some(rom) }
    }

    fn image(text_offset: u64, size: u64) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        bytes[8..16].copy_from_slice(&text_offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&size.to_le_bytes());
        bytes[0x38..0x3c].copy_from_slice(b"ARM\x64");
        bytes
    }

    fn finished(request: &Request, place: &Place) -> Result<Plan> {
        let mut plan = plan(request, place)?;
        finish(&mut plan, place, vec![0; 6000])?;
        Ok(plan)
    }

    #[test]
    fn placement_is_qemus() {
        let (kernel, initrd) = (File::new("k1", &image(0, 40 * MIB)), File::new("i1", &[1; 5000]));
        let request = Request { kernel: Some(kernel.0.clone()), initrd: Some(initrd.0.clone()), ..Request::default() };
        let at = |mib| {
            let plan = finished(&request, &place(mib, false)).unwrap();
            (plan.start, plan.layout.blobs().iter().map(|blob| blob.at).collect::<Vec<_>>())
        };
        let start = |dtb| Start::BuiltIn { entry: 0x4020_0000, dtb };
        assert_eq!(at(1024), (start(0x4820_0000), vec![0x4020_0000, 0x4800_0000, 0x4820_0000]));
        assert_eq!(at(128), (start(0x4420_0000), vec![0x4020_0000, 0x4400_0000, 0x4420_0000]));
        let old = File::new("k2", &image(0, 0));
        let request = Request { kernel: Some(old.0.clone()), ..Request::default() };
        let plan = finished(&request, &place(64, false)).unwrap();
        assert_eq!(plan.start, Start::BuiltIn { entry: 0x4008_0000, dtb: 0x4020_0000 });
        let error = finished(&request, &place(0, false)).unwrap_err().to_string();
        assert!(error.starts_with("RAM is too small for kernel"), "{error}");
    }

    #[test]
    fn firmware_finds_the_tree_at_the_start_of_ram_and_the_kernel_in_its_device() {
        let (kernel, firmware) = (File::new("k3", &image(0, MIB)), File::new("f3", &[7; 100]));
        let request = Request {
            kernel: Some(kernel.0.clone()),
            firmware: Firmware::File(firmware.0.clone()),
            ..Request::default()
        };
        let plan = finished(&request, &place(64, false)).unwrap();
        assert_eq!(plan.start, Start::Firmware { entry: 0 });
        assert_eq!(plan.layout.blobs().iter().map(|blob| blob.at).collect::<Vec<_>>(), [0, 0x4000_0000]);
        assert!(plan.handed.unwrap().kernel.is_some());
        assert!(finished(&request, &place(64, true)).is_err());
        let plan = finished(&Request::default(), &place(64, true)).unwrap();
        assert_eq!(plan.start, Start::Firmware { entry: 0 });
        assert_eq!(finished(&Request::default(), &place(64, false)).unwrap().start, Start::Nothing);
    }

    #[test]
    fn an_elf_kernel_finds_the_bare_machine() {
        let program = |at: u64| {
            let mut elf = vec![0; 0x1000];
            elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
            let words =
                [(16, 2, 2), (18, 183, 2), (20, 1, 4), (24, 0xffff_0000_0000_0010, 8), (32, 64, 8), (52, 64, 2)];
            let header = [(54, 56, 2), (56, 1, 2), (64, 1, 4), (68, 5, 4), (80, 0xffff_0000_0000_0000, 8), (88, at, 8)];
            for (offset, word, size) in words.into_iter().chain(header).chain([(96, 0x1000, 8), (104, 0x1000, 8)]) {
                elf[offset..offset + size].copy_from_slice(&u64::to_le_bytes(word)[..size]);
            }
            File::new(&format!("e{at:x}"), &elf)
        };
        let with = |file: &File| {
            let request = Request { kernel: Some(file.0.clone()), append: Some("x".into()), ..Request::default() };
            finished(&request, &place(64, false)).unwrap()
        };
        let above = with(&program(0x4020_0000));
        assert_eq!((above.start, above.dtb), (Start::Firmware { entry: 0x4020_0010 }, Some(0x4000_0000)));
        assert_eq!(above.chosen.bootargs.as_deref(), Some("x"));
        let there = with(&program(0x4000_0000));
        assert_eq!((there.start, there.dtb), (Start::Firmware { entry: 0x4000_0010 }, None));
        let in_the_way = with(&program(0x4000_1000));
        assert_eq!((in_the_way.dtb, in_the_way.layout.blobs().len()), (None, 1));
    }

    #[test]
    fn a_program_in_the_place_of_the_tree_stays() {
        let loader = Loader { at: Some(0x4000_0000), data: Some(1), data_len: Some(4), ..Loader::default() };
        let request = Request { loaders: vec![loader], ..Request::default() };
        let plan = finished(&request, &place(64, false)).unwrap();
        assert_eq!((plan.start, plan.layout.blobs().len()), (Start::Firmware { entry: 0 }, 1));
    }
}
