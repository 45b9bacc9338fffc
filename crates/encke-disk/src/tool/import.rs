//! Makes a log of messages that another log has ordered.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use encke_core::{ChannelName, Cursor, Mark, Record};

use super::{CACHE, unborn};
use crate::{
    DiskError,
    folder::{Folder, io_error},
    row::{ChannelRow, State, Table, record_body, seal},
    shared::disk_error,
    store::{Batch, Medium, Put, Store},
};

/// Messages that are stored at a time.
const GROUP: usize = 4_096;
/// Bytes that are stored at a time, and one message.
const GROUP_BYTES: usize = 8 << 20;

/// A log that is being made. It is there when it is finished, and not before.
pub struct Import {
    folder: Folder,
    /// What becomes the log.
    draft: Draft,
    store: Store,
    state: State,
    channels: HashMap<ChannelName, (u64, ChannelRow)>,
    batch: Batch,
    batch_bytes: usize,
    changed: Vec<ChannelName>,
}

/// A file that goes if nothing comes of it.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // After the end it is not there any more.
        let _ = fs::remove_file(&self.0);
    }
}

/// Why a message cannot be added.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// Its seq or time does not come after the last one.
    Order {
        /// The message.
        seq: u64,
        /// The last.
        last: u64,
    },
    /// The message before it in a channel is another one.
    Previous {
        /// The channel.
        channel: ChannelName,
        /// The one before it.
        prev: u64,
        /// The last one there.
        last: u64,
    },
    /// It cannot be stored.
    Disk(DiskError),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { seq, last } => write!(f, "message {seq} does not come after message {last}"),
            Self::Previous { channel, prev, last } => {
                write!(f, "in channel {channel} it follows {prev}, and the last there is {last}")
            }
            Self::Disk(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for ImportError {}

impl Import {
    /// Begins a log in `dir`, which is made if it is not there.
    ///
    /// # Errors
    /// [`DiskError`], also if there is a log in it.
    pub fn begin(dir: &Path) -> Result<Self, DiskError> {
        let folder = Folder::take(dir)?;
        let file = folder.file();
        if file.exists() {
            let what = "a log is there already, and an import makes a new one".to_owned();
            return Err(DiskError::Foreign { path: file, what });
        }
        Self::begin_in(folder)
    }

    /// Begins a log in a folder that has none.
    pub(crate) fn begin_in(folder: Folder) -> Result<Self, DiskError> {
        let draft = Draft(folder.file().with_extension("draft"));
        match fs::remove_file(&draft.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&draft.0, error)),
            _ => {}
        }
        let medium = Medium::file(&draft.0).map_err(|error| io_error(&draft.0, error))?;
        let store = Store::open(&medium, CACHE, false);
        let made = store.and_then(|store| Ok((store.load(unborn()?)?, store)));
        let (found, store) = made.map_err(|error| disk_error(&draft.0, &error))?;
        let (channels, batch, changed) = (HashMap::new(), Batch::default(), Vec::new());
        Ok(Self { folder, draft, store, state: found.state, channels, batch, batch_bytes: 0, changed })
    }

    /// Adds a message, which comes after the last one.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn add(&mut self, record: &Record) -> Result<(), ImportError> {
        let Mark { seq: last, time } = self.state.last;
        if record.seq <= last || record.time < time || record.places.is_empty() {
            return Err(ImportError::Order { seq: record.seq, last });
        }
        for place in &record.places {
            if let Some((_, channel)) = self.channels.get(&place.channel)
                && channel.last.seq != place.prev
            {
                let (channel, last) = (place.channel.clone(), channel.last.seq);
                return Err(ImportError::Previous { channel, prev: place.prev, last });
            }
        }
        let body = record_body(record);
        let mark = Mark { seq: record.seq, time: record.time };
        for place in &record.places {
            let next = &mut self.state.next;
            let (number, channel) = self.channels.entry(place.channel.clone()).or_insert_with(|| {
                // What was before it is gone, at the latest when this came.
                let gone = if place.prev == 0 { Mark::default() } else { Mark { seq: place.prev, ..mark } };
                let row = ChannelRow {
                    name: place.channel.clone(),
                    last: mark,
                    gone,
                    count: 0,
                    bytes: 0,
                    dead: 0,
                    front: mark.time,
                };
                *next += 1;
                (*next - 1, row)
            });
            channel.last = mark;
            channel.count += 1;
            channel.bytes += record.size();
            let row = seal(Table::Message, [*number, record.seq], body.clone());
            self.batch_bytes += row.len();
            self.batch.messages.push(Put { number: *number, seq: record.seq, row });
            self.changed.push(place.channel.clone());
        }
        self.state.last = mark;
        if self.batch.messages.len() >= GROUP || self.batch_bytes >= GROUP_BYTES {
            self.commit().map_err(ImportError::Disk)?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DiskError> {
        let mut batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        self.changed.sort_unstable();
        self.changed.dedup();
        for name in self.changed.drain(..) {
            if let Some((number, channel)) = self.channels.get(&name) {
                batch.channels.push((*number, Some(channel.write(*number))));
            }
        }
        self.state.channels = self.channels.len();
        self.store.commit(batch, &self.state, true).map_err(|error| disk_error(&self.draft.0, &error))
    }

    /// Ends the log, which is there from then on; returns its last place.
    ///
    /// # Errors
    /// [`DiskError`]. Then there is none.
    pub fn finish(self) -> Result<Cursor, DiskError> {
        self.finish_in().map(|(_, head)| head)
    }

    /// The same, and gives the folder back.
    pub(crate) fn finish_in(mut self) -> Result<(Folder, Cursor), DiskError> {
        self.commit()?;
        let Self { folder, draft, store, state, .. } = self;
        drop(store);
        let file = folder.file();
        let safe = fs::File::open(&draft.0).and_then(|file| file.sync_all());
        safe.and_then(|()| fs::rename(&draft.0, &file)).map_err(|error| io_error(&file, error))?;
        folder.sync()?;
        Ok((folder, Cursor { epoch: state.epoch, seq: state.last.seq }))
    }
}
