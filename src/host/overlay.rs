//! A temporary layer over an image: `-snapshot`. What is written lives here and is gone when the run ends.

use super::block::{read_padded, write_zeros};
use super::os_text;
use crate::base::Result;
use crate::error;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is copied from the image when a part of it is written for the first time.
const CLUSTER: u64 = 64 << 10;

pub(super) struct Overlay {
    /// A sparse file without a name.
    file: File,
    /// A bit a cluster: it lives here.
    present: Vec<u64>,
}

impl Overlay {
    /// A layer that shows the image below, `length` bytes of it, unchanged.
    pub fn new(length: u64) -> Result<Overlay> {
        let words = length.div_ceil(CLUSTER).div_ceil(64) as usize;
        Ok(Overlay { file: unnamed()?, present: vec![0; words.max(1)] })
    }

    fn has(&self, cluster: u64) -> bool {
        self.present[(cluster / 64) as usize] >> (cluster % 64) & 1 != 0
    }

    pub fn read(&self, below: &File, offset: u64, into: &mut [u8]) -> io::Result<()> {
        for_clusters(offset, into.len() as u64, |cluster, at, from, count| {
            let part = &mut into[from..from + count];
            read_padded(if self.has(cluster) { &self.file } else { below }, at, part)
        })
    }

    pub fn write(&mut self, below: &File, offset: u64, from: &[u8]) -> io::Result<()> {
        for_clusters(offset, from.len() as u64, |cluster, at, start, count| {
            self.claim(below, cluster, count as u64 == CLUSTER)?;
            self.file.write_all_at(&from[start..start + count], at)
        })
    }

    pub fn write_zeroes(&mut self, below: &File, offset: u64, length: u64) -> io::Result<()> {
        for_clusters(offset, length, |cluster, at, _, count| {
            self.claim(below, cluster, count as u64 == CLUSTER)?;
            write_zeros(&self.file, at, count as u64, true)
        })
    }

    /// Makes a cluster live here, with what the image has in it unless all of it is about to be written.
    fn claim(&mut self, below: &File, cluster: u64, whole: bool) -> io::Result<()> {
        if self.has(cluster) {
            return Ok(());
        }
        if !whole {
            let mut bytes = vec![0; CLUSTER as usize];
            read_padded(below, cluster * CLUSTER, &mut bytes)?;
            self.file.write_all_at(&bytes, cluster * CLUSTER)?;
        }
        self.present[(cluster / 64) as usize] |= 1 << (cluster % 64);
        Ok(())
    }
}

/// Calls `f(cluster, offset, start in the request, bytes)` for each cluster that a range touches.
fn for_clusters(
    offset: u64,
    length: u64,
    mut f: impl FnMut(u64, u64, usize, usize) -> io::Result<()>,
) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        let at = offset + done;
        let count = (CLUSTER - at % CLUSTER).min(length - done);
        f(at / CLUSTER, at, done as usize, count as usize)?;
        done += count;
    }
    Ok(())
}

/// A file that is gone when it is closed. `/var/tmp` before `/tmp`, which is often memory.
pub(super) fn unnamed() -> Result<File> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let directory = std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), std::path::PathBuf::from);
    let name = format!("mimus-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = directory.join(name);
    let refused = |e: io::Error| error!("cannot make a temporary file in '{}': {}", directory.display(), os_text(&e));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(refused)?;
    std::fs::remove_file(&path).map_err(refused)?;
    Ok(file)
}
