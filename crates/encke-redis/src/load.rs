//! A log from what Redis has.

use std::collections::HashMap;

use encke_core::{ChannelName, Epoch, Log, LogConfig, Mark, Timestamp};
use redis::{Pipeline, Value};

use crate::{
    RedisError,
    link::Link,
    progress::Fed,
    record::{self, Content, Id, Meta},
    value::{as_number, as_text, into_list},
};

/// Channels at a time.
const CHANNELS: usize = 1_000;
/// Entries of the log at a time.
const ENTRIES: usize = 64;
/// How often it begins again because the log went on too fast.
const TRIES: usize = 5;

/// How far the log goes.
struct Head {
    id: Id,
    time: Timestamp,
    rest: Mark,
}

/// A log that knows of all that Redis keeps, and is fed up to a place.
///
/// What is known of the channels is read while it changes. Then the log is read on from where it was when that began:
/// what is known of each channel says as of which place, so what is newer is put in its place.
pub(crate) async fn load(link: &Link, limits: &LogConfig) -> Result<Fed, RedisError> {
    for _ in 0..TRIES {
        let before = head(link).await?;
        let mut metas = scan(link).await?;
        let after = head(link).await?;
        if !replay(link, &mut metas, before.id, after.id).await? {
            continue;
        }
        let log = Log::resume(link.epoch, Mark { seq: after.id.seq, time: after.time }, limits.clone());
        log.bury_rest(after.rest);
        for (at, (name, meta)) in metas.into_iter().enumerate() {
            log.know(&name, meta.last, meta.kept);
            if at % CHANNELS == 0 {
                tokio::task::yield_now().await;
            }
        }
        return Ok(Fed::new(log, after.id));
    }
    Err(RedisError::Unreachable("the log goes on faster than it can be loaded".to_owned()))
}

async fn head(link: &Link) -> Result<Head, RedisError> {
    let fields = ["epoch", "seq", "part", "time", "rest", "rest_time"];
    let answer = link.ask(redis::cmd("HMGET").arg(&link.keys.life).arg(&fields)).await?;
    let values = into_list(answer).unwrap_or_default();
    let number = |at: usize| values.get(at).and_then(as_number);
    if number(0).map(Epoch::from_bits) != Some(link.epoch) {
        return Err(RedisError::NotPrimary("its life of the log has ended".to_owned()));
    }
    let read = || {
        let time = |at| Timestamp::from_millis(number(at).unwrap_or(0));
        let rest = Mark { seq: number(4).unwrap_or(0), time: time(5) };
        Some(Head { id: Id { seq: number(1)?, part: number(2)? }, time: time(3), rest })
    };
    read().ok_or(RedisError::Foreign("the life of the log"))
}

async fn scan(link: &Link) -> Result<HashMap<ChannelName, Meta>, RedisError> {
    let mut metas = HashMap::new();
    let mut place = "0".to_owned();
    loop {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(&link.keys.channels).arg(&place).arg("COUNT").arg(CHANNELS);
        let mut answer = into_list(link.ask(&scan).await?).unwrap_or_default().into_iter();
        let foreign = RedisError::Foreign("the channels");
        let (Some(next), Some(page)) = (answer.next(), answer.next().and_then(into_list)) else {
            return Err(foreign);
        };
        for pair in page.chunks_exact(2) {
            let [name, meta] = pair else { continue };
            let name = record::channel_name(name).ok_or(RedisError::Foreign("the name of a channel"))?;
            metas.insert(name, record::meta(meta)?);
        }
        match as_text(&next) {
            Some("0") => return Ok(metas),
            Some(next) => next.clone_into(&mut place),
            None => return Err(foreign),
        }
    }
}

/// Brings `metas` from `from` to `to`. False if the log has been cut in between.
async fn replay(
    link: &Link,
    metas: &mut HashMap<ChannelName, Meta>,
    from: Id,
    to: Id,
) -> Result<bool, RedisError> {
    let mut reached = from;
    while reached < to {
        let mut range = Pipeline::new();
        range.cmd("XRANGE").arg(&link.keys.log).arg(format!("({reached}")).arg(to.to_string());
        range.arg("COUNT").arg(ENTRIES);
        let (entries,): (Vec<Value>,) = link.ask_all(&range).await?;
        if entries.is_empty() {
            return Ok(false);
        }
        for entry in entries {
            let entry = record::entry(entry)?;
            if !reached.is_next(entry.id) {
                return Ok(false);
            }
            reached = entry.id;
            let changes: Vec<_> = match entry.content {
                Content::Message(record, kept) => {
                    let last = Mark { seq: record.seq, time: record.time };
                    let names = record.places.into_iter().map(|place| place.channel);
                    names.zip(kept).map(|(name, kept)| (name, last, kept)).collect()
                }
                Content::Settled(settled) => {
                    let last = |(name, seq, kept)| (name, Mark { seq, time: Timestamp::default() }, kept);
                    settled.into_iter().map(last).collect()
                }
            };
            for (name, mut last, kept) in changes {
                if let Some(meta) = metas.get(&name) {
                    if meta.as_of >= reached {
                        continue;
                    }
                    // A settlement says nothing of the time of the last message, which is known.
                    if meta.last.seq == last.seq {
                        last = meta.last;
                    }
                }
                metas.insert(name, Meta { as_of: reached, last, kept });
            }
        }
    }
    Ok(true)
}
