//! redb: one file, a copy-on-write B-tree, one fsync for a commit.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Batch, CACHE, Channel, EachChannel, EachRow, Outcome, Store};

const MESSAGES: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("messages");
const CHANNELS: TableDefinition<u64, &[u8; 24]> = TableDefinition::new("channels");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

pub struct Redb {
    database: Database,
    quick: bool,
}

impl Redb {
    /// `quick` writes the allocator's state with every commit: a second fsync, but no walk over the whole
    /// file after a crash. `checked` makes that walk at every opening, and verifies all checksums.
    pub fn open(dir: &Path, quick: bool, checked: bool) -> Outcome<Self> {
        let path = dir.join("log.redb");
        let fresh = !path.exists();
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(checked);
        let database = builder.create(path)?;
        if fresh {
            let write = database.begin_write()?;
            write.open_table(MESSAGES)?;
            write.open_table(CHANNELS)?;
            write.open_table(META)?;
            write.commit()?;
        }
        Ok(Self { database, quick })
    }
}

impl Store for Redb {
    fn commit(&self, batch: &Batch) -> Outcome<()> {
        let mut write = self.database.begin_write()?;
        write.set_quick_repair(self.quick);
        {
            let mut messages = write.open_table(MESSAGES)?;
            for (channel, seq) in &batch.removed {
                messages.remove((*channel, *seq))?;
            }
            for (channel, seq, data) in &batch.rows {
                messages.insert((*channel, *seq), data.as_slice())?;
            }
            let mut channels = write.open_table(CHANNELS)?;
            for (channel, row) in &batch.channels {
                channels.insert(*channel, &row.encode())?;
            }
            write.open_table(META)?.insert("last", batch.last)?;
        }
        write.commit()?;
        Ok(())
    }

    fn read(&self, channel: u64, from: u64, most: usize) -> Outcome<Vec<(u64, Vec<u8>)>> {
        let messages = self.database.begin_read()?.open_table(MESSAGES)?;
        let mut out = Vec::with_capacity(most);
        for row in messages.range((channel, from)..=(channel, u64::MAX))?.take(most) {
            let (key, data) = row?;
            out.push((key.value().1, data.value().to_vec()));
        }
        Ok(out)
    }

    fn last(&self) -> Outcome<u64> {
        let meta = self.database.begin_read()?.open_table(META)?;
        Ok(meta.get("last")?.map_or(0, |row| row.value()))
    }

    fn messages(&self, each: &mut EachRow<'_>) -> Outcome<()> {
        for row in self.database.begin_read()?.open_table(MESSAGES)?.iter()? {
            let (key, data) = row?;
            let (channel, seq) = key.value();
            each(channel, seq, data.value());
        }
        Ok(())
    }

    fn channels(&self, each: &mut EachChannel<'_>) -> Outcome<()> {
        for row in self.database.begin_read()?.open_table(CHANNELS)?.iter()? {
            let (key, row) = row?;
            each(key.value(), Channel::decode(row.value())?);
        }
        Ok(())
    }

    fn check(&mut self) -> Outcome<Option<bool>> {
        Ok(Some(self.database.check_integrity()?))
    }

    fn close(self: Box<Self>) -> Outcome<()> {
        Ok(self.database.close()?)
    }
}
