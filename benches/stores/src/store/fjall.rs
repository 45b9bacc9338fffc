//! fjall: a journal in front of log-structured merge trees, with threads of its own that flush and compact.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};

use super::{Batch, CACHE, Channel, EachChannel, EachRow, Outcome, Store, key, number};

pub struct Fjall {
    database: Database,
    messages: Keyspace,
    channels: Keyspace,
    meta: Keyspace,
}

impl Fjall {
    pub fn open(dir: &Path) -> Outcome<Self> {
        let database = Database::builder(dir).cache_size(CACHE as u64).open()?;
        let messages = database.keyspace("messages", KeyspaceCreateOptions::default)?;
        let channels = database.keyspace("channels", KeyspaceCreateOptions::default)?;
        let meta = database.keyspace("meta", KeyspaceCreateOptions::default)?;
        Ok(Self { database, messages, channels, meta })
    }
}

impl Store for Fjall {
    fn commit(&self, batch: &Batch) -> Outcome<()> {
        let mut write = self.database.batch().durability(Some(PersistMode::SyncData));
        for (channel, seq) in &batch.removed {
            write.remove(&self.messages, key(*channel, *seq));
        }
        for (channel, seq, data) in &batch.rows {
            write.insert(&self.messages, key(*channel, *seq), data.as_slice());
        }
        for (channel, row) in &batch.channels {
            write.insert(&self.channels, channel.to_be_bytes(), row.encode());
        }
        write.insert(&self.meta, "last", batch.last.to_be_bytes());
        write.commit()?;
        Ok(())
    }

    fn read(&self, channel: u64, from: u64, most: usize) -> Outcome<Vec<(u64, Vec<u8>)>> {
        let range = key(channel, from)..=key(channel, u64::MAX);
        let mut out = Vec::with_capacity(most);
        for row in self.database.snapshot().range(&self.messages, range).take(most) {
            let (key, data) = row.into_inner()?;
            out.push((number(key.get(8..).unwrap_or_default())?, data.to_vec()));
        }
        Ok(out)
    }

    fn last(&self) -> Outcome<u64> {
        self.meta.get("last")?.map_or(Ok(0), |row| number(&row))
    }

    fn messages(&self, each: &mut EachRow<'_>) -> Outcome<()> {
        for row in self.database.snapshot().iter(&self.messages) {
            let (key, data) = row.into_inner()?;
            if key.len() != 16 {
                return Err("a key has the wrong length".into());
            }
            each(number(&key[..8])?, number(&key[8..])?, &data);
        }
        Ok(())
    }

    fn channels(&self, each: &mut EachChannel<'_>) -> Outcome<()> {
        for row in self.database.snapshot().iter(&self.channels) {
            let (key, row) = row.into_inner()?;
            each(number(&key)?, Channel::decode(&row)?);
        }
        Ok(())
    }

    fn settle(&self) -> Outcome<()> {
        for tree in [&self.messages, &self.channels, &self.meta] {
            tree.rotate_memtable_and_wait()?;
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Outcome<()> {
        self.database.persist(PersistMode::SyncAll)?;
        Ok(())
    }
}
