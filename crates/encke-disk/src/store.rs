//! The file, and the only place that names what keeps it.
//!
//! Nothing is believed that comes out of it: rows have checksums of their own, and a panic inside is damage, not the
//! end of the process.

mod error;
mod layer;
mod snapshot;

use std::{fs::File, path::Path, sync::Arc};

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend,
    TableDefinition, TableError,
};

pub(crate) use self::{
    error::{StoreError, contained},
    layer::{Failure, is_no_space},
    snapshot::{Rows, Snapshot},
};

use self::layer::Layer;
use crate::row::{ChannelRow, FORMAT, KeyRow, State};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const CHANNELS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("channels");
const MESSAGES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("messages");
const KEYS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("keys");

const ROW_FORMAT: &str = "format";
const ROW_STATE: &str = "state";

/// Where the bytes are.
pub(crate) struct Medium(Arc<dyn StorageBackend>);

impl Medium {
    /// The file at `path`, which is made if it does not exist.
    pub(crate) fn file(path: &Path) -> std::io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        // What was published is nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let storage = redb::backends::FileBackend::new(file).map_err(std::io::Error::other)?;
        Ok(Self(Arc::new(storage)))
    }

    #[cfg(feature = "faults")]
    pub(crate) fn new(storage: impl StorageBackend) -> Self {
        Self(Arc::new(storage))
    }
}

/// One message in all its channels, as it is stored.
pub(crate) struct Put {
    pub(crate) number: u64,
    pub(crate) seq: u64,
    pub(crate) row: Vec<u8>,
}

/// What one commit changes.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<Put>,
    /// Rows of channels; nothing where a row goes.
    pub(crate) channels: Vec<(u64, Option<Vec<u8>>)>,
    pub(crate) keys: Vec<(u64, Vec<u8>)>,
    /// Of this channel, up to this seq, so many rows of messages go.
    pub(crate) sweep: Vec<(u64, u64, usize)>,
    /// All keys up to this seq go.
    pub(crate) keys_upto: Option<u64>,
}

/// All that is known when a log is opened, its messages aside.
pub(crate) struct Found {
    pub(crate) state: State,
    pub(crate) channels: Vec<(u64, ChannelRow)>,
    pub(crate) keys: Vec<(u64, KeyRow)>,
}

/// The tables, in one file.
pub(crate) struct Store {
    database: Option<Database>,
    layer: Arc<Layer>,
}

impl Store {
    /// Opens what is on `medium`, and makes it if that is empty. After an unclean end the whole file is checked; with
    /// `check` in any case.
    pub(crate) fn open(medium: &Medium, cache_bytes: usize, check: bool) -> Result<Self, StoreError> {
        let layer = Arc::new(Layer::new(Arc::clone(&medium.0)));
        let shared = Shared(Arc::clone(&layer));
        let database = contained(|| {
            let mut builder = Database::builder();
            builder.set_cache_size(cache_bytes).set_check_integrity_on_open(check);
            builder.set_repair_callback(|repair| {
                if repair.progress() == 0.0 {
                    tracing::info!("the log did not end cleanly: it is checked");
                }
            });
            Ok(builder.create_with_backend(shared)?)
        });
        Ok(Self { database: Some(database?), layer })
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(|| StoreError::Failed(Failure::Other("it is closed".into())))
    }

    /// Whether a file that was just opened holds a log; nothing if it holds nothing at all.
    fn format(&self) -> Result<Option<u32>, StoreError> {
        let read = self.database()?.begin_read()?;
        let meta = match read.open_table(META) {
            Ok(meta) => meta,
            Err(TableError::TableDoesNotExist(_)) if read.list_tables()?.next().is_none() => return Ok(None),
            Err(TableError::Storage(error)) => return Err(error.into()),
            Err(_) => return Err(StoreError::Foreign),
        };
        let Some(row) = meta.get(ROW_FORMAT)? else { return Err(StoreError::Foreign) };
        let bytes = row.value().try_into().map_err(|_| StoreError::damaged("its version cannot be read"))?;
        Ok(Some(u32::from_le_bytes(bytes)))
    }

    /// Whether there is nothing in it yet, no log either.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        contained(|| Ok(self.format()?.is_none()))
    }

    /// Reads all but the messages; what is empty becomes a log with `state`.
    pub(crate) fn load(&self, state: State) -> Result<Found, StoreError> {
        contained(|| {
            match self.format()? {
                Some(FORMAT) => {}
                Some(other) => return Err(StoreError::Version(other)),
                None => self.make(state)?,
            }
            self.find()
        })
    }

    fn make(&self, state: State) -> Result<(), StoreError> {
        let write = self.database()?.begin_write()?;
        write.open_table(MESSAGES)?;
        write.open_table(CHANNELS)?;
        write.open_table(KEYS)?;
        let mut meta = write.open_table(META)?;
        meta.insert(ROW_FORMAT, FORMAT.to_le_bytes().as_slice())?;
        meta.insert(ROW_STATE, state.write().as_slice())?;
        drop(meta);
        write.commit()?;
        self.whole()
    }

    fn find(&self) -> Result<Found, StoreError> {
        let read = self.database()?.begin_read()?;
        let state = read.open_table(META)?.get(ROW_STATE)?.and_then(|row| State::read(row.value()));
        let state = state.ok_or_else(|| StoreError::damaged("its state cannot be read"))?;
        let mut channels = Vec::with_capacity(state.channels.min(1 << 20));
        for row in read.open_table(CHANNELS)?.iter()? {
            let (number, row) = row?;
            let (number, row) = (number.value(), ChannelRow::read(number.value(), row.value()));
            let row =
                row.ok_or_else(|| StoreError::damaged(format_args!("channel {number} cannot be read")))?;
            channels.push((number, row));
            within(channels.len(), state.channels, "channels")?;
        }
        let mut keys = Vec::with_capacity(state.keys.min(1 << 20));
        for row in read.open_table(KEYS)?.iter()? {
            let (seq, row) = row?;
            let (seq, row) = (seq.value(), KeyRow::read(seq.value(), row.value()));
            let row = row.ok_or_else(|| StoreError::damaged(format_args!("key {seq} cannot be read")))?;
            keys.push((seq, row));
            within(keys.len(), state.keys, "keys")?;
        }
        for (found, expected, what) in
            [(channels.len(), state.channels, "channels"), (keys.len(), state.keys, "keys")]
        {
            if found != expected {
                return Err(StoreError::damaged(format_args!("{found} of {expected} {what} were found")));
            }
        }
        Ok(Found { state, channels, keys })
    }

    /// Changes what `batch` says, all or nothing. With `durable` it is safe when this returns.
    pub(crate) fn commit(&self, mut batch: Batch, state: &State, durable: bool) -> Result<(), StoreError> {
        // Neighbours share pages.
        batch.messages.sort_unstable_by_key(|put| (put.number, put.seq));
        contained(|| {
            let mut write = self.database()?.begin_write()?;
            let durability = if durable { Durability::Immediate } else { Durability::None };
            write.set_durability(durability).map_err(StoreError::damaged)?;
            let mut messages = write.open_table(MESSAGES)?;
            for (number, upto, count) in &batch.sweep {
                let rows = (*number, 0)..=(*number, *upto);
                for row in messages.extract_from_if(rows, |_, _| true)?.take(*count) {
                    row?;
                }
            }
            for put in &batch.messages {
                messages.insert((put.number, put.seq), put.row.as_slice())?;
            }
            drop(messages);
            if !batch.channels.is_empty() {
                let mut channels = write.open_table(CHANNELS)?;
                for (number, row) in &batch.channels {
                    match row {
                        Some(row) => drop(channels.insert(number, row.as_slice())?),
                        None => drop(channels.remove(number)?),
                    }
                }
            }
            if !batch.keys.is_empty() || batch.keys_upto.is_some() {
                let mut keys = write.open_table(KEYS)?;
                if let Some(upto) = batch.keys_upto {
                    keys.retain_in(..=upto, |_, _| false)?;
                }
                for (seq, row) in &batch.keys {
                    keys.insert(seq, row.as_slice())?;
                }
            }
            write.open_table(META)?.insert(ROW_STATE, state.write().as_slice())?;
            write.commit()?;
            self.whole()
        })
    }

    /// Whether all that was written has reached the file; the store itself believes so.
    pub(crate) fn whole(&self) -> Result<(), StoreError> {
        self.layer.failure().map_or(Ok(()), |failure| Err(StoreError::Failed(failure)))
    }

    /// Writes what could not be written for want of space: then what was to be committed is.
    pub(crate) fn try_again(&self) -> Result<(), StoreError> {
        self.layer.thaw();
        self.whole()
    }

    /// What is committed now, as it is now.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let messages = self.database()?.begin_read()?.open_table(MESSAGES)?;
        Ok(Snapshot { messages })
    }

    /// Rows in all channels, those that are gone already among them.
    pub(crate) fn rows(&self) -> Result<u64, StoreError> {
        Ok(self.snapshot()?.messages.len()?)
    }

    /// Checks all pages of the file.
    pub(crate) fn check(&mut self) -> Result<bool, StoreError> {
        contained(|| match &mut self.database {
            Some(database) => Ok(database.check_integrity()?),
            None => Ok(false),
        })
    }
}

fn within(found: usize, expected: usize, what: &str) -> Result<(), StoreError> {
    if found > expected {
        return Err(StoreError::damaged(format_args!("there are more than {expected} {what}")));
    }
    Ok(())
}

impl Drop for Store {
    fn drop(&mut self) {
        let database = self.database.take();
        let closed = contained(|| database.map_or(Ok(()), |database| Ok(database.close()?)));
        if let Err(error) = closed {
            tracing::debug!(?error, "closing the log's file");
        }
    }
}

/// The layer as the store owns it; whoever has opened the store looks at it too.
#[derive(Debug)]
struct Shared(Arc<Layer>);

impl StorageBackend for Shared {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read(&self, at: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(at, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, at: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.write(at, data)
    }

    fn close(&self) -> std::io::Result<()> {
        self.0.close()
    }
}
