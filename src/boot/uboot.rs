//! U-Boot's legacy images, which `mkimage` makes: a header in front of a kernel or a RAM disk.
//!
//! Bare and gzip contents are taken, as QEMU takes them; checksums are not looked at. Not here: images of several files,
//! scripts, and FIT images, which are device trees.
//!
//! Document: U-Boot, `include/image.h`, `struct legacy_img_hdr`; all fields are big-endian.

use super::image::gunzip;
use crate::base::Result;
use crate::{error, fail};
use std::sync::Arc;

const MAGIC: &[u8] = &[0x27, 0x05, 0x19, 0x56];
/// Bytes of the header.
pub const HEADER: u64 = 64;

/// What an image holds, by U-Boot's numbers.
const TYPES: &[(u8, &str)] = &[
    (1, "standalone program"),
    (KERNEL, "kernel"),
    (RAMDISK, "RAM disk"),
    (4, "multi-file image"),
    (5, "firmware"),
    (6, "script"),
    (7, "file system"),
    (8, "device tree"),
    (KERNEL_NOLOAD, "kernel without a load address"),
];
const KERNEL: u8 = 2;
const RAMDISK: u8 = 3;
const KERNEL_NOLOAD: u8 = 14;

/// How contents are packed.
const PACKINGS: &[(u8, &str)] = &[(2, "bzip2"), (3, "lzma"), (4, "lzo"), (5, "lz4"), (6, "zstd")];
const BARE: u8 = 0;
const GZIP: u8 = 1;

/// Instruction sets, by U-Boot's numbers; others are not checked.
const ISAS: &[(u8, &str)] = &[(22, "aarch64"), (24, "x86_64"), (26, "riscv64")];
const LINUX: u8 = 5;

/// A kernel in a legacy image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The instruction set that it is for, where that is one that Mimus knows.
    pub isa: Option<&'static str>,
    /// Whether it is Linux, and is started the way Linux is.
    pub linux: bool,
    /// Physical address; `None`: it runs wherever it is put.
    at: Option<u64>,
    /// Physical address of the first instruction, or its offset from where it is put.
    entry: u64,
}

impl Kernel {
    /// Where it goes and where it begins, if it is put at `free` where it does not say.
    pub fn place(&self, free: u64) -> (u64, u64) {
        match self.at {
            Some(at) => (at, self.entry),
            None => (free, free.saturating_add(self.entry)),
        }
    }

    /// Whether it says where it goes.
    pub fn is_placed(&self) -> bool {
        self.at.is_some()
    }
}

/// Whether a file is a legacy image.
pub fn is_image(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes.len() as u64 >= HEADER
}

/// The kernel in an image, and its bytes.
///
/// # Errors
/// When the image holds something else, or is damaged.
pub fn kernel(bytes: &[u8]) -> Result<(Kernel, Arc<Vec<u8>>)> {
    let kind = bytes[30];
    if ![KERNEL, KERNEL_NOLOAD].contains(&kind) {
        fail!("it is a U-Boot image with a {}, and one with a kernel is wanted", name_of(TYPES, kind));
    }
    let kernel = Kernel {
        isa: ISAS.iter().find(|(number, _)| *number == bytes[29]).map(|(_, name)| *name),
        linux: bytes[28] == LINUX,
        at: (kind == KERNEL).then(|| word(bytes, 16)),
        entry: word(bytes, 20),
    };
    Ok((kernel, contents(bytes)?))
}

/// The RAM disk in an image; a file that is no image is one itself.
///
/// # Errors
/// When the image holds something else, or is damaged.
pub fn ramdisk(bytes: Vec<u8>) -> Result<Arc<Vec<u8>>> {
    match bytes.get(30) {
        Some(&kind) if is_image(&bytes) && kind != RAMDISK => {
            fail!("it is a U-Boot image with a {}, and one with a RAM disk is wanted", name_of(TYPES, kind))
        }
        _ if is_image(&bytes) => contents(&bytes),
        _ => Ok(bytes.into()),
    }
}

fn contents(bytes: &[u8]) -> Result<Arc<Vec<u8>>> {
    let end = HEADER + word(bytes, 12);
    let packed = bytes.get(HEADER as usize..end as usize);
    let packed = packed.ok_or_else(|| error!("the U-Boot image is cut off: it should have {end} bytes"))?;
    match bytes[31] {
        BARE => Ok(packed.to_vec().into()),
        GZIP => Ok(gunzip(packed)?.into()),
        other => fail!("the U-Boot image is packed with {}; only gzip is known", name_of(PACKINGS, other)),
    }
}

/// The 32-bit word at `offset` of the header.
fn word(bytes: &[u8], offset: usize) -> u64 {
    bytes[offset..offset + 4].iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn name_of(names: &[(u8, &str)], number: u8) -> String {
    names.iter().find(|(known, _)| *known == number).map_or(format!("type {number}"), |(_, name)| (*name).into())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::io::Write;

    /// An image as `mkimage` makes it.
    pub fn image(kind: u8, packing: u8, at: u32, entry: u32, contents: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER as usize];
        bytes[..4].copy_from_slice(MAGIC);
        for (offset, word) in [(12, contents.len() as u32), (16, at), (20, entry)] {
            bytes[offset..offset + 4].copy_from_slice(&word.to_be_bytes());
        }
        bytes[28..32].copy_from_slice(&[LINUX, 26, kind, packing]);
        bytes.extend(contents);
        bytes
    }

    #[test]
    fn kernels_say_where_they_go_or_go_anywhere() {
        let (at, bytes) = kernel(&image(KERNEL, BARE, 0x8020_0000, 0x8020_0010, b"abc")).unwrap();
        assert_eq!((at.place(0), at.isa, at.linux), ((0x8020_0000, 0x8020_0010), Some("riscv64"), true));
        assert_eq!(*bytes, b"abc");
        let (anywhere, _) = kernel(&image(KERNEL_NOLOAD, BARE, 0, 8, b"abc")).unwrap();
        assert_eq!((anywhere.place(0x1000), anywhere.is_placed()), ((0x1000, 0x1008), false));
    }

    #[test]
    fn contents_are_unpacked_or_the_packing_is_named() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"a kernel").unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(*kernel(&image(KERNEL, GZIP, 0, 0, &packed)).unwrap().1, b"a kernel");
        assert_eq!(*ramdisk(image(RAMDISK, BARE, 0, 0, &packed)).unwrap(), packed);
        assert_eq!(*ramdisk(packed.clone()).unwrap(), packed);
        let error = |result: Result<Arc<Vec<u8>>>| result.unwrap_err().to_string();
        assert!(error(ramdisk(image(RAMDISK, 3, 0, 0, &packed))).contains("packed with lzma; only gzip"));
        assert!(error(ramdisk(image(KERNEL, BARE, 0, 0, b"x"))).contains("with a kernel, and one with a RAM disk"));
        let script = kernel(&image(6, BARE, 0, 0, b"x")).unwrap_err().to_string();
        assert!(script.contains("with a script, and one with a kernel"), "{script}");
        let mut cut = image(KERNEL, BARE, 0, 0, b"abcdef");
        cut.truncate(66);
        assert!(kernel(&cut).unwrap_err().to_string().contains("cut off: it should have 70 bytes"));
    }
}
