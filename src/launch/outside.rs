//! What monitors ask about streams and images, and the streams that they open.

use crate::base::Result;
use crate::cli::Config;
use crate::debug;
use crate::error;
use crate::host::{CharEnd, Chardevs};
use std::sync::{Mutex, MutexGuard, Weak};

/// The streams of a run, while they are open, and its drives.
pub struct Outside {
    identity: (Option<String>, [u8; 16]),
    streams: Weak<Mutex<Chardevs>>,
    drives: Vec<(String, String)>,
}

impl Outside {
    /// The run's streams and what its command line says of drives.
    pub fn new(config: &Config, streams: Weak<Mutex<Chardevs>>) -> Outside {
        let drive = |(n, drive): (usize, &crate::cli::config::DriveArg)| {
            let id = drive.id.clone().unwrap_or_else(|| format!("drive{n}"));
            let image = drive.image.as_ref().map_or("[not inserted]".into(), |image| {
                let format = image.format.map_or("raw".to_string(), |format| format!("{format:?}").to_lowercase());
                let only = if image.read_only { ", read-only" } else { "" };
                format!("{} ({format}{only})", image.path.display())
            });
            (id, image)
        };
        let identity = (config.run.name.clone(), config.run.uuid.unwrap_or_default());
        Outside { identity, streams, drives: config.drives.iter().enumerate().map(drive).collect() }
    }
}

/// The streams; whoever panicked with them has said so.
pub fn lock(streams: &Mutex<Chardevs>) -> MutexGuard<'_, Chardevs> {
    streams.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl debug::Outside for Outside {
    fn identity(&self) -> (Option<String>, [u8; 16]) {
        self.identity.clone()
    }

    fn streams(&self) -> Vec<(String, String)> {
        let Some(streams) = self.streams.upgrade() else { return Vec::new() };
        let streams = lock(&streams);
        streams.list().map(|(id, what)| (id.to_string(), what.to_string())).collect()
    }

    fn drives(&self) -> Vec<(String, String)> {
        self.drives.clone()
    }

    fn open_gdb(&self, text: &str) -> Result<(String, Box<dyn CharEnd>)> {
        let streams = self.streams.upgrade().ok_or_else(|| error!("the run is over"))?;
        let spec = crate::cli::gdb_stream(text)?;
        let mut streams = lock(&streams);
        streams.add(&spec)?;
        Ok((spec.id.clone(), streams.end(&spec.id)?))
    }

    fn close_stream(&self, id: &str) {
        if let Some(streams) = self.streams.upgrade() {
            lock(&streams).remove(id);
        }
    }
}
