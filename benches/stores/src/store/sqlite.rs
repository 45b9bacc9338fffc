//! SQLite: one file and a write-ahead log, which is synced with every commit (`synchronous = FULL`).

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, OptionalExtension, params};

use super::{Batch, CACHE, Channel, EachChannel, EachRow, Outcome, Store};

/// Two connections, because a reader must not wait for the writer's sync.
pub struct Sqlite {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS messages (channel INTEGER, seq INTEGER, data BLOB NOT NULL,
        PRIMARY KEY (channel, seq)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS channels (channel INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY, last INTEGER NOT NULL);
";

fn connect(path: &Path) -> Outcome<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -((CACHE / 2 / 1024) as i64))?;
    Ok(connection)
}

fn held(connection: &Mutex<Connection>) -> Outcome<MutexGuard<'_, Connection>> {
    connection.lock().map_err(|_| "a thread panicked with the connection in its hands".into())
}

impl Sqlite {
    pub fn open(dir: &Path) -> Outcome<Self> {
        let path = dir.join("log.sqlite");
        let writer = connect(&path)?;
        writer.execute_batch(TABLES)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(connect(&path)?) })
    }
}

impl Store for Sqlite {
    fn commit(&self, batch: &Batch) -> Outcome<()> {
        let mut writer = held(&self.writer)?;
        let write = writer.transaction()?;
        {
            let mut remove = write.prepare_cached("DELETE FROM messages WHERE channel = ? AND seq = ?")?;
            for (channel, seq) in &batch.removed {
                remove.execute([*channel as i64, *seq as i64])?;
            }
            let mut insert = write.prepare_cached("INSERT INTO messages VALUES (?, ?, ?)")?;
            for (channel, seq, data) in &batch.rows {
                insert.execute(params![*channel as i64, *seq as i64, data])?;
            }
            let mut touch = write.prepare_cached("INSERT OR REPLACE INTO channels VALUES (?, ?)")?;
            for (channel, row) in &batch.channels {
                touch.execute(params![*channel as i64, row.encode()])?;
            }
            let mut last = write.prepare_cached("INSERT OR REPLACE INTO meta VALUES (0, ?)")?;
            last.execute([batch.last as i64])?;
        }
        write.commit()?;
        Ok(())
    }

    fn read(&self, channel: u64, from: u64, most: usize) -> Outcome<Vec<(u64, Vec<u8>)>> {
        let reader = held(&self.reader)?;
        let text = "SELECT seq, data FROM messages WHERE channel = ? AND seq >= ? ORDER BY seq LIMIT ?";
        let mut select = reader.prepare_cached(text)?;
        let mut rows = select.query([channel as i64, from as i64, most as i64])?;
        let mut out = Vec::with_capacity(most);
        while let Some(row) = rows.next()? {
            out.push((row.get::<_, i64>(0)? as u64, row.get(1)?));
        }
        Ok(out)
    }

    fn last(&self) -> Outcome<u64> {
        let row = held(&self.reader)?.query_row("SELECT last FROM meta", [], |row| row.get::<_, i64>(0));
        Ok(row.optional()?.unwrap_or(0) as u64)
    }

    fn messages(&self, each: &mut EachRow<'_>) -> Outcome<()> {
        let reader = held(&self.reader)?;
        let mut select = reader.prepare("SELECT channel, seq, data FROM messages ORDER BY channel, seq")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64, row.get_ref(2)?.as_blob()?);
        }
        Ok(())
    }

    fn channels(&self, each: &mut EachChannel<'_>) -> Outcome<()> {
        let reader = held(&self.reader)?;
        let mut select = reader.prepare("SELECT channel, data FROM channels ORDER BY channel")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get::<_, i64>(0)? as u64, Channel::decode(row.get_ref(1)?.as_blob()?)?);
        }
        Ok(())
    }

    fn settle(&self) -> Outcome<()> {
        held(&self.writer)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    fn check(&mut self) -> Outcome<Option<bool>> {
        let found: String = held(&self.reader)?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok(Some(found == "ok"))
    }

    fn close(self: Box<Self>) -> Outcome<()> {
        for connection in [self.reader, self.writer] {
            let connection = connection.into_inner().map_err(|_| "a thread panicked")?;
            connection.close().map_err(|(_, error)| error)?;
        }
        Ok(())
    }
}
