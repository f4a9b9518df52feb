//! What kind of file a kernel is.
//!
//! Documents: Linux, `Documentation/arch/riscv/boot-image-header.rst`, `Documentation/arch/arm64/booting.rst`,
//! `Documentation/arch/x86/boot.rst`; the header of EFI zboot images in `drivers/firmware/efi/libstub/zboot-header.S`.

use super::elf::Program;
use super::{hex, uboot};
use crate::base::Result;
use crate::{error, fail};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// The most that a compressed kernel may grow to.
const MOST: u64 = 1 << 30;
/// Bytes in which every kind can be told.
const HEADER: u64 = 4096;
const ELF: &[u8] = b"\x7fELF";
const GZIP: &[u8] = &[0x1f, 0x8b];

/// A kernel's file, unpacked where it was packed.
#[derive(Clone, Debug)]
pub struct Image {
    /// The bytes.
    pub bytes: Arc<Vec<u8>>,
    /// What they are.
    pub kind: Kind,
}

/// The kinds of kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ELF program.
    Elf(Program),
    /// Linux's flat image for RISC-V.
    Riscv {
        /// Where it wants to be, in bytes from the start of RAM.
        text_offset: u64,
        /// Bytes in memory.
        size: u64,
    },
    /// Linux's flat image for Arm64.
    Arm64 {
        /// Where it wants to be, in bytes from a 2 MiB boundary.
        text_offset: u64,
        /// Bytes in memory.
        size: u64,
    },
    /// Linux's image for x86.
    BzImage,
    /// A kernel in a U-Boot image.
    UBoot(uboot::Kernel),
    /// Something else.
    Raw,
}

impl Kind {
    /// The instruction set that it is for, where it says.
    pub fn isa(&self) -> Option<&'static str> {
        match self {
            Kind::Elf(program) => program.isa,
            Kind::Riscv { .. } => Some("riscv64"),
            Kind::Arm64 { .. } => Some("aarch64"),
            Kind::BzImage => Some("x86_64"),
            Kind::UBoot(kernel) => kernel.isa,
            Kind::Raw => None,
        }
    }

    /// What it is, for messages.
    pub fn describe(&self) -> String {
        match self {
            Kind::Elf(program) => format!("an ELF file for {}", program.machine),
            Kind::Riscv { .. } => "a RISC-V Image".into(),
            Kind::Arm64 { .. } => "an Arm64 Image".into(),
            Kind::BzImage => "an x86 bzImage".into(),
            Kind::UBoot(kernel) => format!("a U-Boot image for {}", kernel.isa.unwrap_or("another machine")),
            Kind::Raw => "a raw image".into(),
        }
    }
}

impl Image {
    /// Reads a kernel's file.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn open(path: &Path) -> Result<Image> {
        let bytes = super::read("kernel", path)?;
        if bytes.is_empty() {
            crate::fail!("could not load kernel '{}': the file is empty", path.display());
        }
        Image::of(bytes).map_err(|e| e.within(format!("could not load kernel '{}'", path.display())))
    }

    /// The instruction set that a file says it is for; no more of it is read than that takes.
    pub fn isa_of(path: &Path) -> Option<&'static str> {
        let mut start = Vec::new();
        std::fs::File::open(path).ok()?.take(HEADER).read_to_end(&mut start).ok()?;
        let packed = start.starts_with(GZIP) || start.get(4..8) == Some(b"zimg") || uboot::is_image(&start);
        if packed || start.starts_with(ELF) {
            return Image::open(path).ok()?.kind.isa();
        }
        kind(&start).ok()?.isa()
    }

    /// Recognises what `bytes` are.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn of(bytes: Vec<u8>) -> Result<Image> {
        if uboot::is_image(&bytes) {
            let (kernel, bytes) = uboot::kernel(&bytes)?;
            return Ok(Image { bytes, kind: Kind::UBoot(kernel) });
        }
        let bytes = unpack(bytes)?;
        let kind = kind(&bytes)?;
        Ok(Image { bytes: bytes.into(), kind })
    }
}

fn kind(bytes: &[u8]) -> Result<Kind> {
    let has = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    if has(0, ELF) {
        return Ok(Kind::Elf(Program::parse(bytes)?));
    }
    if has(0x30, b"RISCV\0\0\0") || has(0x38, b"RSC\x05") {
        return Ok(Kind::Riscv { text_offset: word(bytes, 8), size: word(bytes, 16) });
    }
    if has(0x38, b"ARM\x64") {
        return Ok(Kind::Arm64 { text_offset: word(bytes, 8), size: word(bytes, 16) });
    }
    if has(0x202, b"HdrS") {
        return Ok(Kind::BzImage);
    }
    // A raw program may be anything but what was certainly given by mistake.
    if bytes.is_empty() {
        fail!("the file is empty");
    }
    if hex::is_hex(bytes) {
        fail!("this is Intel HEX, not a kernel: -device loader,file= takes it");
    }
    let text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if bytes.iter().take(HEADER as usize).all(text) {
        fail!("this is text, not a kernel: an ELF file, a kernel Image or a raw program is wanted");
    }
    Ok(Kind::Raw)
}

/// The 64-bit little-endian word at `offset`; 0 behind the end.
fn word(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The bytes themselves, or what is packed in them.
fn unpack(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.starts_with(GZIP) {
        return gunzip(&bytes);
    }
    if bytes.starts_with(b"MZ") && bytes.get(4..8) == Some(b"zimg") {
        let (offset, size) = (word(&bytes, 8) as u32 as usize, (word(&bytes, 8) >> 32) as usize);
        let packer = bytes.get(24..56).unwrap_or_default();
        let packer = String::from_utf8_lossy(packer).trim_end_matches('\0').to_string();
        let payload = offset.checked_add(size).and_then(|end| bytes.get(offset..end));
        let payload = payload.ok_or_else(|| error!("the EFI zboot image is cut off"))?;
        if packer != "gzip" {
            fail!("the EFI zboot image is packed with '{packer}'; only gzip is known");
        }
        return gunzip(payload);
    }
    Ok(bytes)
}

/// What a gzip stream holds.
///
/// # Errors
/// When it is damaged, or holds more than any kernel.
pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(MOST + 1);
    match reader.read_to_end(&mut unpacked) {
        // Kernels are often followed by padding, which is no gzip stream.
        Err(e) if unpacked.is_empty() => fail!("the gzip stream is damaged: {e}"),
        _ if unpacked.len() as u64 > MOST => fail!("the gzip stream unpacks to more than {} MiB", MOST >> 20),
        _ => Ok(unpacked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn header(magics: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        for (offset, magic) in magics {
            bytes[*offset..offset + magic.len()].copy_from_slice(magic);
        }
        bytes
    }

    #[test]
    fn kernels_are_recognised() {
        let isa = |magics: &[(usize, &[u8])]| Image::of(header(magics)).unwrap().kind.isa();
        assert_eq!(isa(&[(0, b"MZ"), (0x30, b"RISCV\0\0\0"), (0x38, b"RSC\x05")]), Some("riscv64"));
        assert_eq!(isa(&[(0, b"MZ"), (0x38, b"ARM\x64")]), Some("aarch64"));
        assert_eq!(isa(&[(0x202, b"HdrS")]), Some("x86_64"));
        assert_eq!(isa(&[]), None);
        assert!(Image::of(header(&[(0, b"\x7fELF")])).is_err());
        for length in 1..64 {
            assert_eq!(Image::of(vec![0xda; length]).unwrap().kind, Kind::Raw);
        }
        assert!(Image::of(Vec::new()).is_err());
        assert!(Image::of(b"root:x:0:0:root:/root:/bin/bash\n".to_vec()).is_err());
    }

    #[test]
    fn a_packed_kernel_is_unpacked() {
        let plain = header(&[(8, &0x20_0000u64.to_le_bytes()), (0x38, b"RSC\x05")]);
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&plain).unwrap();
        let packed = packer.finish().unwrap();
        let image = Image::of(packed.clone()).unwrap();
        assert_eq!(image.kind, Kind::Riscv { text_offset: 0x20_0000, size: 0 });
        let mut zboot = header(&[(0, b"MZ"), (4, b"zimg"), (24, b"gzip")]);
        zboot[8..12].copy_from_slice(&0x400u32.to_le_bytes());
        zboot[12..16].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        zboot.extend(&packed);
        assert_eq!(Image::of(zboot).unwrap().bytes, image.bytes);
        assert!(Image::of(vec![0x1f, 0x8b, 1, 2]).is_err());
    }
}
