//! What every candidate has to offer, and how one is opened by its name.

use std::error::Error;
use std::path::Path;

#[cfg(feature = "fjall")]
mod fjall;
#[cfg(feature = "redb")]
mod redb;
mod segments;
#[cfg(feature = "sqlite")]
mod sqlite;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The memory that each store may use as its cache.
const CACHE: usize = 256 << 20;

/// The row of a channel: how many messages it holds, their bytes, and the last sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    pub count: u64,
    pub bytes: u64,
    pub last: u64,
}

impl Channel {
    pub fn encode(&self) -> [u8; 24] {
        let mut out = [0; 24];
        out[..8].copy_from_slice(&self.count.to_be_bytes());
        out[8..16].copy_from_slice(&self.bytes.to_be_bytes());
        out[16..].copy_from_slice(&self.last.to_be_bytes());
        out
    }

    pub fn decode(from: &[u8]) -> Outcome<Self> {
        if from.len() != 24 {
            return Err("a channel's row has the wrong length".into());
        }
        Ok(Self { count: number(&from[..8])?, bytes: number(&from[8..16])?, last: number(&from[16..])? })
    }
}

/// All that one commit changes. The rows and the removals are in the order of their keys.
#[derive(Default)]
pub struct Batch {
    pub rows: Vec<(u64, u64, Vec<u8>)>,
    pub removed: Vec<(u64, u64)>,
    pub channels: Vec<(u64, Channel)>,
    pub last: u64,
}

pub type EachRow<'a> = dyn FnMut(u64, u64, &[u8]) + 'a;
pub type EachChannel<'a> = dyn FnMut(u64, Channel) + 'a;

pub trait Store: Send + Sync {
    /// Returns when the whole batch is on the disk.
    fn commit(&self, batch: &Batch) -> Outcome<()>;

    /// The messages of a channel from a sequence number on, at most `most` of them.
    fn read(&self, channel: u64, from: u64, most: usize) -> Outcome<Vec<(u64, Vec<u8>)>>;

    /// The last sequence number that was committed.
    fn last(&self) -> Outcome<u64>;

    /// Every message in the order of the keys.
    fn messages(&self, each: &mut EachRow<'_>) -> Outcome<()>;

    /// Every channel's row.
    fn channels(&self, each: &mut EachChannel<'_>) -> Outcome<()>;

    /// Brings what is written into its lasting form, where a store has a journal before that.
    fn settle(&self) -> Outcome<()> {
        Ok(())
    }

    /// The store's own check of all that it holds, if it has one: whether it found nothing amiss.
    fn check(&mut self) -> Outcome<Option<bool>> {
        Ok(None)
    }

    fn close(self: Box<Self>) -> Outcome<()>;
}

/// The names that `open` knows in this build, the yardstick first.
pub const NAMES: &[&str] = &[
    "segments",
    #[cfg(feature = "redb")]
    "redb",
    #[cfg(feature = "redb")]
    "redb-quick",
    #[cfg(feature = "redb")]
    "redb-checked",
    #[cfg(feature = "fjall")]
    "fjall",
    #[cfg(feature = "sqlite")]
    "sqlite",
];

pub fn open(name: &str, dir: &Path) -> Outcome<Box<dyn Store>> {
    std::fs::create_dir_all(dir)?;
    match name {
        "segments" => Ok(Box::new(segments::Segments::open(dir)?)),
        #[cfg(feature = "redb")]
        "redb" => Ok(Box::new(redb::Redb::open(dir, false, false)?)),
        #[cfg(feature = "redb")]
        "redb-quick" => Ok(Box::new(redb::Redb::open(dir, true, false)?)),
        #[cfg(feature = "redb")]
        "redb-checked" => Ok(Box::new(redb::Redb::open(dir, false, true)?)),
        #[cfg(feature = "fjall")]
        "fjall" => Ok(Box::new(fjall::Fjall::open(dir)?)),
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Box::new(sqlite::Sqlite::open(dir)?)),
        _ => Err(format!("no such store in this build: {name}").into()),
    }
}

/// A key whose order as bytes is the order by channel and then by sequence number.
#[cfg(feature = "fjall")]
fn key(channel: u64, seq: u64) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&channel.to_be_bytes());
    out[8..].copy_from_slice(&seq.to_be_bytes());
    out
}

fn number(from: &[u8]) -> Outcome<u64> {
    Ok(u64::from_be_bytes(from.try_into()?))
}
