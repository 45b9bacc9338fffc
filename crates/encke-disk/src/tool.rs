//! A log on disk for those who look at it, copy it or make one, while no engine works on it.

mod import;
mod records;
mod verify;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use encke_core::{Cursor, Epoch, Timestamp};

use crate::{
    DiskError,
    folder::{Folder, io_error},
    row::{ChannelRow, FORMAT, Opened, State},
    shared::disk_error,
    store::{Medium, Store, StoreError},
};

pub use import::{Import, ImportError};
pub use records::Records;
pub use verify::Verified;

/// Bytes of the file that are held in memory.
const CACHE: usize = 32 << 20;

/// A log that nobody else has open. It is read, and not changed, but for what mending after an unclean end takes.
pub struct Archive {
    /// Nobody else has it.
    _folder: Folder,
    file: PathBuf,
    store: Store,
    state: State,
    channels: HashMap<u64, ChannelRow>,
    keys: usize,
}

/// What a log is and how much it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The version of its format.
    pub format: u32,
    /// The place of its last message.
    pub head: Cursor,
    /// The time of that.
    pub time: Timestamp,
    /// Channels that keep messages.
    pub channels: usize,
    /// Channels of which only the last place is known.
    pub tombstones: usize,
    /// Messages, one for each of their channels.
    pub messages: u64,
    /// Their bytes, as retention counts them.
    pub bytes: u64,
    /// Idempotency keys.
    pub keys: usize,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Whether it ended cleanly. If it did not, it was killed or lost its power.
    pub is_clean: bool,
}

impl Archive {
    /// Opens the log in `dir`.
    ///
    /// # Errors
    /// [`DiskError`], if there is none, if an engine works on it, or if it cannot be opened.
    pub fn open(dir: &Path) -> Result<Self, DiskError> {
        let nothing =
            || DiskError::Foreign { path: dir.to_owned(), what: "there is no log in it".to_owned() };
        if !dir.is_dir() {
            return Err(nothing());
        }
        let folder = Folder::take(dir)?;
        let file = folder.file();
        if file_bytes(&file).map_or(0, |bytes| bytes) == 0 {
            return Err(nothing());
        }
        let medium = Medium::file(&file).map_err(|error| io_error(&file, error))?;
        let store = Store::open(&medium, CACHE, false);
        let opened = store.and_then(|store| Ok((store.load(unborn()?)?, store)));
        let (found, store) = opened.map_err(|error| disk_error(&file, &error))?;
        let channels = found.channels.into_iter().collect();
        let keys = found.keys.len();
        Ok(Self { _folder: folder, file, store, state: found.state, channels, keys })
    }

    fn error(&self, error: &StoreError) -> DiskError {
        disk_error(&self.file, error)
    }

    /// What it is, and how much it holds.
    ///
    /// # Errors
    /// [`DiskError::Io`], if the size of the file cannot be told.
    pub fn info(&self) -> Result<Info, DiskError> {
        let kept = self.channels.values().filter(|channel| channel.count > 0);
        let (mut messages, mut bytes) = (0, 0);
        for channel in kept.clone() {
            messages += channel.count as u64;
            bytes += channel.bytes as u64;
        }
        let channels = kept.count();
        Ok(Info {
            format: FORMAT,
            head: Cursor { epoch: self.state.epoch, seq: self.state.last.seq },
            time: self.state.last.time,
            channels,
            tombstones: self.channels.len() - channels,
            messages,
            bytes,
            keys: self.keys,
            file_bytes: file_bytes(&self.file).map_err(|error| io_error(&self.file, error))?,
            is_clean: self.state.opened == Opened::No,
        })
    }
}

fn file_bytes(file: &Path) -> io::Result<u64> {
    fs::metadata(file).map(|metadata| metadata.len())
}

/// What a log is that nothing was written to.
fn unborn() -> Result<State, StoreError> {
    let bits = getrandom::u64().map_err(|_| StoreError::damaged("the system gave no random bits"))?;
    Ok(State::new(Epoch::from_bits(bits)))
}
