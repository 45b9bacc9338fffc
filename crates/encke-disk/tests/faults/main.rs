//! What becomes of a log whose disk fails, loses its power, or hands out other bytes than it was given.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod calls;
mod damage;
mod disk;
mod judge;
mod power;
mod reader;
mod story;

use std::time::Duration;

use encke_disk::{DiskConfig, DiskEngine, DiskError};

use disk::Disk;

/// An engine on such a disk.
fn open(disk: &Disk, relaxed: bool) -> Result<DiskEngine, DiskError> {
    let config = DiskConfig {
        relaxed,
        cache_bytes: 1 << 20,
        space_every: Duration::from_millis(1),
        sync_every: Duration::from_millis(1),
        ..DiskConfig::default()
    };
    DiskEngine::open_on(disk.clone(), config, story::limits())
}
