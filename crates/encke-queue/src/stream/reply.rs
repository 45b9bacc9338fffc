//! What Redis answers about entries. They are read by hand: a field may come twice, and no byte of one is certain.

use bytes::Bytes;
use redis::{ErrorKind, RedisError, RedisResult, Value};

use crate::Job;

/// Entries as they came, oldest first.
#[derive(Debug, Default)]
pub(super) struct Entries(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    id: String,
    /// None if the stream has let it go.
    fields: Option<Vec<(Bytes, Bytes)>>,
}

pub(super) struct Claimed {
    /// Where the next ones are looked for; `0-0` if there are no more.
    pub(super) next: String,
    pub(super) entries: Entries,
    /// How many the stream had let go, and the group has forgotten now.
    pub(super) deleted: usize,
}

impl Entries {
    pub(super) fn last(&self) -> Option<&str> {
        self.0.last().map(|entry| &*entry.id)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes of all fields together.
    pub(super) fn bytes(&self) -> usize {
        let fields = self.0.iter().filter_map(|entry| entry.fields.as_ref()).flatten();
        fields.map(|(field, value)| field.len() + value.len()).sum()
    }

    pub(super) fn into_jobs(self) -> Vec<Job> {
        let job = |entry: Entry| match entry.fields {
            Some(fields) => Job::new(entry.id, fields),
            None => Job::gone(entry.id),
        };
        self.0.into_iter().map(job).collect()
    }
}

/// The answer to XREADGROUP for one stream: nothing, or a list of `[stream, entries]`.
pub(super) fn read(answer: Value) -> RedisResult<Entries> {
    let Some(streams) = list(answer)? else { return Ok(Entries::default()) };
    let Some(stream) = streams.into_iter().next() else { return Ok(Entries::default()) };
    let entries = list(stream)?.and_then(|mut stream| stream.pop());
    entries.map_or_else(|| Err(unexpected()), entries_of)
}

/// The answer to XAUTOCLAIM: `[next, entries, deleted ids]`, without the last before Redis 7.
pub(super) fn claimed(answer: Value) -> RedisResult<Claimed> {
    let mut parts = list(answer)?.ok_or_else(unexpected)?.into_iter();
    let (Some(next), Some(entries)) = (parts.next(), parts.next()) else { return Err(unexpected()) };
    let deleted = parts.next().map(list).transpose()?.flatten();
    Ok(Claimed {
        next: redis::from_redis_value(next)?,
        entries: entries_of(entries)?,
        deleted: deleted.map_or(0, |ids| ids.len()),
    })
}

fn entries_of(answer: Value) -> RedisResult<Entries> {
    let entries = list(answer)?.unwrap_or_default();
    // Redis 6 claims entries that are gone, and has nothing to say of them.
    let there = entries.into_iter().filter(|entry| *entry != Value::Nil);
    there.map(entry).collect::<RedisResult<_>>().map(Entries)
}

fn entry(answer: Value) -> RedisResult<Entry> {
    let mut parts = list(answer)?.ok_or_else(unexpected)?.into_iter();
    let (Some(id), Some(fields)) = (parts.next(), parts.next()) else { return Err(unexpected()) };
    let id: String = redis::from_redis_value(id)?;
    let fields = list(fields)?.map(pairs).transpose()?;
    Ok(Entry { id, fields })
}

fn pairs(parts: Vec<Value>) -> RedisResult<Vec<(Bytes, Bytes)>> {
    let mut parts = parts.into_iter().map(bytes);
    let mut pairs = Vec::with_capacity(parts.len() / 2);
    while let (Some(field), Some(value)) = (parts.next(), parts.next()) {
        pairs.push((field?, value?));
    }
    Ok(pairs)
}

fn list(answer: Value) -> RedisResult<Option<Vec<Value>>> {
    match answer {
        Value::Nil => Ok(None),
        Value::Array(items) => Ok(Some(items)),
        _ => Err(unexpected()),
    }
}

fn bytes(answer: Value) -> RedisResult<Bytes> {
    match answer {
        Value::BulkString(bytes) => Ok(bytes.into()),
        Value::SimpleString(text) => Ok(text.into()),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "not what a stream answers").into()
}
