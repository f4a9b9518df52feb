//! Everything that `-kernel`, `-bios` and the loaders take, in bare-metal guests of a few instructions, on both engines.
//!
//! The guests write `+` or their exception level to the serial line and power the machine off. All begin with an
//! instruction that traps, so that only those get through that are entered where their file says.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// `ebreak`, then the entry.
const RISCV: &[u32] = &[
    0x0010_0073, // ebreak
    0x1000_02b7, // lui t0, 0x10000: the serial line
    0x02b0_0313, // li t1, '+'
    0x0062_8023, // sb t1, 0(t0)
    0x0010_02b7, // lui t0, 0x100: the test device
    0x0000_5337,
    0x5553_0313, // li t1, 0x5555
    0x0062_a023, // sw t1, 0(t0): power off
    0x0000_006f, // j .
];

/// `brk`, then the entry: the exception level, `+` if X0 is not 0, and PSCI's SYSTEM_OFF.
const ARM: &[u32] = &[
    0xd420_0000, // brk #0
    0xd538_4243, // mrs x3, CurrentEL
    0xd2a1_2001, // movz x1, #0x900, lsl #16: the serial line
    0x1100_c063, // add w3, w3, #'0'
    0xb900_0023, // str w3, [x1]
    0xb400_0060, // cbz x0, 1f
    0x5280_0564, // movz w4, #'+'
    0xb900_0024, // str w4, [x1]
    0xd2b0_8000,
    0xf280_0100, // 1: mov x0, #0x8400_0008
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

const ENTRY: u64 = 4;

fn code(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A file that is there while tests run.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{name}"));
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// An ELF file in one segment that is at `physical` and believes to be at `virtual_at`. `headers`: the file's own are in
/// front of the code, and it begins with its entry.
fn elf(machine: u16, physical: u64, virtual_at: u64, headers: bool, code: &[u8]) -> Vec<u8> {
    const PAGE: u64 = 0x1000;
    let entry = virtual_at + if headers { 0 } else { ENTRY };
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    elf.extend([2, machine].map(u16::to_le_bytes).concat());
    elf.extend(1u32.to_le_bytes());
    elf.extend([entry, 64, 0].map(u64::to_le_bytes).concat());
    elf.extend(0u32.to_le_bytes());
    elf.extend([64u16, 56, 1, 64, 0, 0].map(u16::to_le_bytes).concat());
    elf.extend([1u32, 7].map(u32::to_le_bytes).concat());
    let (skipped, length) = if headers { (PAGE, PAGE + code.len() as u64) } else { (0, code.len() as u64) };
    let words = [PAGE - skipped, virtual_at - skipped, physical - skipped, length, length, PAGE];
    elf.extend(words.map(u64::to_le_bytes).concat());
    elf.resize(PAGE as usize, 0);
    elf.extend(code);
    elf
}

/// A legacy U-Boot image of Linux.
fn uboot(arch: u8, kind: u8, packing: u8, at: u32, entry: u32, contents: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 64];
    for (offset, word) in [(0, 0x2705_1956), (12, contents.len() as u32), (16, at), (20, entry)] {
        image[offset..offset + 4].copy_from_slice(&word.to_be_bytes());
    }
    image[28..32].copy_from_slice(&[5, arch, kind, packing]);
    image.extend(contents);
    image
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, bytes).unwrap();
    packer.finish().unwrap()
}

/// Intel HEX of bytes at an address, with its entry.
fn hex(at: u32, bytes: &[u8]) -> Vec<u8> {
    let record = |kind: u8, offset: u16, data: &[u8]| {
        let head = [data.len() as u8, (offset >> 8) as u8, offset as u8, kind];
        let sum = head.iter().chain(data).fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        let bytes = head.iter().chain(data).copied().chain([sum.wrapping_neg()]);
        format!(":{}\n", bytes.map(|byte| format!("{byte:02X}")).collect::<String>())
    };
    let mut text = record(4, 0, &((at >> 16) as u16).to_be_bytes());
    for (n, data) in bytes.chunks(16).enumerate() {
        text += &record(0, at as u16 + 16 * n as u16, data);
    }
    text += &record(5, 0, &(at + ENTRY as u32).to_be_bytes());
    (text + &record(1, 0, &[])).into_bytes()
}

/// What the guest writes on both engines; what the emulator says on stderr goes into `warned`.
fn run(args: &str) -> (String, String) {
    let one = |engine: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mimus"));
        command.args("-display none -serial stdio -monitor none -accel".split(' ')).arg(engine);
        // Those that never end are ended by the runner; a panic of the guest's is none of the host's.
        let output = command.args(args.split(' ')).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(output.status.code(), Some(0), "{args}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (interp, jit) = (one("interp"), one("jit"));
    assert_eq!(interp, jit, "{args}");
    interp
}

#[test]
fn riscv64_takes_what_qemu_takes() {
    let code = code(RISCV);
    let high = file("rv-high.elf", &elf(243, 0x8000_0000, 0xffff_ffff_8000_0000, false, &code));
    let far = file("rv-far.elf", &elf(243, 0x8010_0000, 0xffff_ffff_8010_0000, false, &code));
    let intel = file("rv.hex", &hex(0x8010_0000, &code));
    let placed = file("rv.uimage", &uboot(26, 2, 0, 0x8030_0000, 0x8030_0004, &code));
    let packed = file("rv-gzip.uimage", &uboot(26, 2, 1, 0x8030_0000, 0x8030_0004, &gzip(&code)));
    let anywhere = file("rv-noload.uimage", &uboot(26, 14, 0, 0, 4, &code));
    for args in [
        format!("-bios {high}"),
        format!("-bios none -device loader,file={high},cpu-num=0"),
        format!("-bios none -device loader,file={far},cpu-num=0"),
        format!("-bios none -kernel {placed}"),
        format!("-bios none -kernel {packed}"),
        format!("-bios none -kernel {anywhere}"),
        format!("-bios none -device loader,file={intel},cpu-num=0"),
        format!("-bios none -device loader,file={placed},cpu-num=0"),
        format!("-bios none -device loader,file={anywhere},addr=0x80000100,cpu-num=0"),
        // A word on top of the instruction that traps: a no-op.
        format!("-bios none -kernel {high} -device loader,addr=0x80000000,data=0x13,data-len=4"),
    ] {
        assert_eq!(run(&format!("-M riscv64-virt {args}")), ("+".into(), String::new()), "{args}");
    }
}

#[test]
fn flash_is_what_a_block_node_holds() {
    let mut flash = code(&RISCV[1..]);
    flash.resize(32 << 20, 0xff);
    let flash = file("flash.img", &flash);
    let node = format!("-blockdev driver=file,filename={flash},node-name=f,read-only=on");
    let over = format!("{node} -blockdev driver=raw,file=f,node-name=r,read-only=on");
    for args in [
        format!("-M riscv64-virt,pflash0=f -bios none {node}"),
        format!("-M riscv64-virt,pflash0=r -bios none {over}"),
        format!("-M riscv64-virt,pflash0=d -bios none -drive if=none,id=d,format=raw,readonly=on,file={flash}"),
    ] {
        assert_eq!(run(&args), ("+".into(), String::new()), "{args}");
    }
}

#[test]
fn what_is_below_ram_is_dropped_with_a_warning() {
    let riscv = file("rv-headers.elf", &elf(243, 0x8000_0000, 0x8000_0000, true, &code(&RISCV[1..])));
    let arm = file("arm-headers.elf", &elf(183, 0x4000_0000, 0x4000_0000, true, &code(&ARM[1..])));
    for (args, written) in [
        (format!("-M riscv64-virt -bios none -kernel {riscv}"), "+"),
        (format!("-M riscv64-virt -bios {riscv}"), "+"),
        (format!("-M riscv64-virt -bios none -device loader,file={riscv}"), "+"),
        (format!("-M aarch64-virt -kernel {arm}"), "4"),
    ] {
        let (output, warning) = run(&args);
        assert_eq!(output, written, "{args}");
        assert!(warning.contains("4 KiB of the") && warning.contains("are dropped"), "{args}: {warning}");
    }
}

#[test]
fn aarch64_takes_what_qemu_takes() {
    let code = code(ARM);
    let elf = file("arm.elf", &elf(183, 0x4020_0000, 0xffff_ff80_4020_0000, false, &code));
    let intel = file("arm.hex", &hex(0x4020_0000, &code));
    let linux = file("arm.uimage", &uboot(22, 2, 0, 0x4030_0000, 0x4030_0004, &code));
    let packed = file("arm-gzip.uimage", &uboot(22, 2, 1, 0x4030_0000, 0x4030_0004, &gzip(&code)));
    let anywhere = file("arm-noload.uimage", &uboot(22, 14, 0, 0, 4, &code));
    let mut other = uboot(22, 2, 0, 0x4030_0000, 0x4030_0004, &code);
    other[28] = 17; // U-Boot itself
    let other = file("arm-other.uimage", &other);
    for (args, written) in [
        // Linux has the device tree in X0, below the built-in firmware; all others find the bare machine.
        (format!("-kernel {linux}"), "4+"),
        (format!("-kernel {packed}"), "4+"),
        (format!("-kernel {anywhere}"), "4+"),
        (format!("-kernel {other}"), "4"),
        (format!("-kernel {elf}"), "4"),
        (format!("-device loader,file={elf},cpu-num=0"), "4"),
        (format!("-device loader,file={intel},cpu-num=0"), "4"),
        (format!("-device loader,file={linux},cpu-num=0"), "4"),
        (format!("-kernel {elf} -device guest-loader,addr=0x44000000,initrd={elf}"), "4"),
    ] {
        assert_eq!(run(&format!("-M aarch64-virt {args}")), (written.into(), String::new()), "{args}");
    }
}
