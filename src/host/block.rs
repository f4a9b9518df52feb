//! Block images.

use serde::Serialize;
use std::path::PathBuf;

/// How an image is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockOptions {
    /// The file or host block device.
    pub path: PathBuf,
    /// Its format; `None`: look, and be careful.
    pub format: Option<Format>,
    /// Nothing is written.
    pub read_only: bool,
    /// Writes go to a temporary file that is dropped.
    pub snapshot: bool,
    /// When writes are durable.
    pub cache: Cache,
    /// A guest's discard gives room back.
    pub discard: bool,
    /// Do not lock the image against other users.
    pub unlocked: bool,
}

/// A format of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The disk's bytes and nothing else.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

impl Format {
    /// The format called `name`.
    pub fn named(name: &str) -> Option<Format> {
        match name {
            "raw" | "host_device" | "file" => Some(Format::Raw),
            "qcow2" => Some(Format::Qcow2),
            _ => None,
        }
    }
}

/// When writes are durable: `cache=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cache {
    /// After the guest's next flush.
    #[default]
    Writeback,
    /// When the write is answered.
    Writethrough,
    /// Whenever the host likes: flushes do nothing.
    Unsafe,
}

impl Cache {
    /// The mode called `name`. `none` and `directsync` differ from `writeback` and `writethrough` only in bypassing the
    /// host's cache, which a guest cannot observe; they are the same here.
    pub fn named(name: &str) -> Option<Cache> {
        match name {
            "writeback" | "none" => Some(Cache::Writeback),
            "writethrough" | "directsync" => Some(Cache::Writethrough),
            "unsafe" => Some(Cache::Unsafe),
            _ => None,
        }
    }
}
