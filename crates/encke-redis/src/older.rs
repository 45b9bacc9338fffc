//! What the node's log has let out of memory, and places in it.

use std::{collections::HashMap, sync::Arc};

use encke_core::{ChannelName, Epoch, Log, Mark, Older, Page, Record, Seek, Selector, Sought, Timestamp};
use encke_hub::EngineError;
use redis::{Pipeline, Value, aio::MultiplexedConnection};

use crate::{
    link::Link,
    node::Inner,
    record::{self, Id},
    script::Script,
    value::{as_number, into_list},
};

/// Channels that are read in one step, in which Redis does nothing else.
const CHANNELS: usize = 100;
/// Channels that are looked at in memory without letting others run.
const LOOKS: usize = 1_000;

/// A channel to be read, and how many of its messages make a megabyte and the like.
struct Wanted {
    name: ChannelName,
    size: usize,
}

/// The messages of a page. Of whatever was gone when Redis looked, the node's log has been told when this returns: it
/// waits until that has been fed up to where the log was at that moment.
pub(crate) async fn page(inner: &Arc<Inner>, older: Older) -> Result<Page, EngineError> {
    let fed = inner.fed();
    if fed.log.head().epoch != older.after.epoch {
        return Err(EngineError::Unavailable);
    }
    let link = inner.link().await?;
    if link.epoch != older.after.epoch {
        return Err(EngineError::Unavailable);
    }
    let wanted = channels(&fed.log, &older.selectors, older.after.seq).await;
    let replica = if inner.config.replicas { inner.replica(&link).await } else { None };
    let read = match replica {
        Some(replica) => match read(&link, replica, &wanted, &older).await {
            Ok(read) => read,
            // It is behind, or gone.
            Err(Unfit) => {
                inner.lose_replica(&link).await;
                read_primary(inner, &link, &wanted, &older).await?
            }
        },
        None => read_primary(inner, &link, &wanted, &older).await?,
    };
    if !fed.wait(read.as_of).await {
        return Err(EngineError::Unavailable);
    }
    Ok(cut(read, &older))
}

/// What was read: all there is up to `upto`.
struct Read {
    records: Vec<Record>,
    upto: u64,
    as_of: Id,
}

/// The server was not where it has to be, or did not answer.
struct Unfit;

async fn read_primary(
    inner: &Inner,
    link: &Arc<Link>,
    wanted: &[Wanted],
    older: &Older,
) -> Result<Read, EngineError> {
    read(link, link.connection(), wanted, older).await.map_err(|Unfit| {
        inner.lose(link, "it has not got what it had");
        EngineError::Unavailable
    })
}

async fn read(
    link: &Link,
    mut connection: MultiplexedConnection,
    wanted: &[Wanted],
    older: &Older,
) -> Result<Read, Unfit> {
    let mut read = Read { records: Vec::new(), upto: older.upto, as_of: Id::default() };
    let share = wanted.len().clamp(1, 8);
    let (messages, bytes) = (older.limit.messages / share + 1, older.limit.bytes / share + 1);
    for some in wanted.chunks(CHANNELS) {
        let counts: Vec<_> = some.iter().map(|wanted| messages.min(bytes / wanted.size + 1)).collect();
        let mut range = Pipeline::new();
        let life = ["epoch", "seq", "part"];
        range.cmd("HMGET").arg(&link.keys.life).arg(&life);
        for (wanted, count) in some.iter().zip(&counts) {
            range.cmd("XRANGE").arg(link.keys.channel(&wanted.name));
            range.arg(older.after.seq + 1).arg(read.upto).arg("COUNT").arg(count);
        }
        range.cmd("HMGET").arg(&link.keys.life).arg(&life);
        let mut answers: Vec<Value> = range.query_async(&mut connection).await.map_err(|_| Unfit)?;
        // A replica may get all its data anew in between: where it was before counts, and where it was after.
        let after = answers.pop().and_then(|head| place(link.epoch, head)).ok_or(Unfit)?;
        let mut answers = answers.into_iter();
        let before = answers.next().and_then(|head| place(link.epoch, head)).ok_or(Unfit)?;
        if before.min(after).seq < older.upto {
            return Err(Unfit);
        }
        read.as_of = read.as_of.max(before).max(after);
        for (answer, count) in answers.zip(counts) {
            let entries = into_list(answer).ok_or(Unfit)?;
            let full = entries.len() >= count;
            let records = entries.into_iter().map(record::channel_entry);
            read.records.extend(records.collect::<Result<Vec<_>, _>>().map_err(|_| Unfit)?);
            // Of this channel nothing is known beyond.
            if full && let Some(last) = read.records.last() {
                read.upto = read.upto.min(last.seq);
            }
        }
    }
    Ok(read)
}

/// How far the log goes on a server, if it is in this life.
fn place(epoch: Epoch, head: Value) -> Option<Id> {
    let head = into_list(head)?;
    let [own, seq, part] = head.as_slice() else { return None };
    (Epoch::from_bits(as_number(own)?) == epoch)
        .then_some(Id { seq: as_number(seq)?, part: as_number(part)? })
}

/// The first of what was read, as many as are wanted.
fn cut(read: Read, older: &Older) -> Page {
    let Read { mut records, mut upto, .. } = read;
    records.retain(|record| record.seq <= upto);
    records.sort_unstable_by_key(|record| record.seq);
    records.dedup_by_key(|record| record.seq);
    let mut bytes = 0;
    let fits = |(at, record): (usize, &Record)| {
        bytes += record.size();
        at == 0 || (at < older.limit.messages && bytes <= older.limit.bytes)
    };
    let fit = records.iter().enumerate().map(fits).take_while(|fits| *fits).count();
    if fit < records.len() {
        records.truncate(fit);
        upto = records.last().map_or(upto, |record| record.seq);
    }
    Page { records, upto }
}

/// The channels of some selectors that keep something after a place, each once.
async fn channels(log: &Log, selectors: &[Selector], after: u64) -> Vec<Wanted> {
    let mut found = HashMap::new();
    let mut add = |channel: encke_core::ChannelInfo| {
        if channel.retained > 0 && channel.last.seq > after {
            found.insert(channel.name, (channel.bytes / channel.retained).max(1));
        }
    };
    for selector in selectors {
        match selector {
            Selector::Channel(name) => log.channel(name).into_iter().for_each(&mut add),
            Selector::Pattern(pattern) => {
                let mut place: Option<ChannelName> = None;
                loop {
                    let place_name = place.as_ref().map(ChannelName::as_str);
                    let (some, next) = log.look(place_name, Some(pattern), LOOKS);
                    some.iter().for_each(|channel| add(channel.info()));
                    let Some(next) = next else { break };
                    place = Some(next);
                    tokio::task::yield_now().await;
                }
            }
        }
    }
    found.into_iter().map(|(name, size)| Wanted { name, size }).collect()
}

/// Looks up places.
pub(crate) async fn seek(inner: &Arc<Inner>, seek: Seek) -> Result<Sought, EngineError> {
    let fed = inner.fed();
    let link = inner.link().await?;
    if fed.log.head().epoch != link.epoch {
        return Err(EngineError::Unavailable);
    }
    let mut as_of = Id::default();
    if let Some(place) = seek.reach.filter(|place| place.epoch == link.epoch) {
        let seq = link.ask(redis::cmd("HGET").arg(&link.keys.life).arg("seq")).await;
        let seq = seq.map_err(|fault| inner.failed(&link, &fault))?;
        if as_number(&seq).is_some_and(|seq| seq >= place.seq) {
            as_of.seq = place.seq;
        }
    }
    let mut sought = Sought::default();
    if seek.newest > 0 || seek.first_at.is_some() || seek.last_before.is_some() {
        let wanted = channels(&fed.log, &seek.selectors, 0).await;
        for some in wanted.chunks(CHANNELS) {
            let told = seek_in(inner, &link, some, &seek, &mut sought).await?;
            as_of = as_of.max(told);
        }
    }
    // It was said of more than the node's log may have by now.
    if fed.wait(as_of).await { Ok(sought) } else { Err(EngineError::Unavailable) }
}

async fn seek_in(
    inner: &Inner,
    link: &Arc<Link>,
    wanted: &[Wanted],
    seek: &Seek,
    sought: &mut Sought,
) -> Result<Id, EngineError> {
    let time = |time: Option<Timestamp>| time.map_or(String::new(), |time| time.as_millis().to_string());
    // Nothing older than the oldest of those found so far is among the newest, if these are enough.
    let enough = seek.newest > 0 && sought.newest.len() >= seek.newest;
    let above = if enough { sought.newest.last().copied().unwrap_or(0) } else { 0 };
    let mut call = link.script(Script::Seek);
    call.arg(seek.newest).arg(above).arg(time(seek.first_at)).arg(time(seek.last_before));
    for wanted in wanted {
        call.arg(wanted.name.as_str());
    }
    let answer = link.run(&call).await.map_err(|fault| inner.failed(link, &fault))?;
    read_sought(link, wanted, seek, sought, answer).ok_or(EngineError::Unavailable)
}

/// Adds what was found. Nothing if the answer cannot be read or is of another life.
fn read_sought(
    link: &Link,
    wanted: &[Wanted],
    seek: &Seek,
    sought: &mut Sought,
    answer: Vec<Value>,
) -> Option<Id> {
    let Ok([epoch, seq, part, newest, first, before]) = <[Value; 6]>::try_from(answer) else { return None };
    if as_number(&epoch)? != link.epoch.bits() {
        return None;
    }
    sought.newest.extend(into_list(newest)?.iter().filter_map(as_number));
    sought.newest.sort_unstable_by(|a, b| b.cmp(a));
    sought.newest.dedup();
    sought.newest.truncate(seek.newest);
    let first = as_number(&first).filter(|first| *first > 0);
    sought.first_at = [sought.first_at, first].into_iter().flatten().min();
    let before = into_list(before)?;
    for (wanted, mark) in wanted.iter().zip(before.chunks_exact(2)) {
        let [seq, time] = mark else { continue };
        let mark = Mark { seq: as_number(seq)?, time: Timestamp::from_millis(as_number(time)?) };
        if mark.seq == 0 {
            continue;
        }
        for selector in seek.selectors.iter().filter(|selector| selector.matches(&wanted.name)) {
            match sought.last_before.iter_mut().find(|(known, _)| known == selector) {
                Some((_, known)) if known.seq >= mark.seq => {}
                Some((_, known)) => *known = mark,
                None => sought.last_before.push((selector.clone(), mark)),
            }
        }
    }
    Some(Id { seq: as_number(&seq)?, part: as_number(&part)? })
}
