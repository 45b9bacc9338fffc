//! What stands in the streams, written and read.
//!
//! An entry of the log begins with `e` (the epoch) and `b` (bytes so far). A message goes on with `t` (time), `m` (the
//! message), and for each of its channels its name and `prev count bytes gone gone_time`. A settlement goes on with the
//! channels and `last count bytes gone gone_time` alone, the beginning of a life with nothing. An entry of a channel
//! is `t`, `z` (size), `m`, and for each of the message's channels its name and prev.

use bytes::Bytes;
use encke_core::{ChannelName, Epoch, Kept, Kind, Mark, Message, Place, Record, Timestamp};
use redis::Value;

use crate::{
    RedisError,
    value::{as_bytes, as_number, as_text, into_list},
};

/// The id of an entry of the log. Part 0 is a message, what follows until the next message are settlements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Id {
    pub(crate) seq: u64,
    pub(crate) part: u64,
}

impl Id {
    /// Whether nothing can be between them.
    pub(crate) fn is_next(self, next: Self) -> bool {
        next == Self { seq: self.seq + 1, part: 0 } || next == Self { part: self.part + 1, ..self }
    }

    fn parse(value: &Value) -> Option<Self> {
        let (seq, part) = as_text(value)?.split_once('-')?;
        Some(Self { seq: seq.parse().ok()?, part: part.parse().ok()? })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.seq, self.part)
    }
}

/// An entry of the log.
pub(crate) struct Entry {
    pub(crate) id: Id,
    pub(crate) epoch: Epoch,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Message(Record, Vec<Kept>),
    /// What is kept of some channels now, and the seq of the last message of each.
    Settled(Vec<(ChannelName, u64, Kept)>),
}

/// What Redis knows of a channel, as of a place in the log.
pub(crate) struct Meta {
    pub(crate) as_of: Id,
    pub(crate) last: Mark,
    pub(crate) kept: Kept,
}

const VERSION: u8 = 1;

/// A message as bytes: version, kind, the lengths of content type and name, these, and the data.
pub(crate) fn pack(message: &Message) -> Vec<u8> {
    let kind = match message.kind() {
        Kind::Json => b'j',
        Kind::Text => b't',
        Kind::Binary => b'b',
    };
    let content_type = if message.has_content_type() { message.content_type() } else { "" };
    let name = message.name().unwrap_or_default();
    let mut out = Vec::with_capacity(message.data().len() + content_type.len() + name.len() + 10);
    out.extend([VERSION, kind]);
    for text in [content_type, name] {
        out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    }
    out.extend_from_slice(content_type.as_bytes());
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(message.data());
    out
}

fn unpack(packed: Vec<u8>) -> Option<Message> {
    let packed = Bytes::from(packed);
    let (&[version, kind], rest) = packed.split_first_chunk()?;
    let (content_type, rest) = rest.split_first_chunk()?;
    let (name, _) = rest.split_first_chunk()?;
    let length = |bytes: &[u8; 4]| usize::try_from(u32::from_be_bytes(*bytes)).ok();
    let begin = 2 + 2 * size_of::<u32>();
    let name_at = begin.checked_add(length(content_type)?)?;
    let data_at = name_at.checked_add(length(name)?)?;
    let content_type = std::str::from_utf8(packed.get(begin..name_at)?).ok()?;
    let name = std::str::from_utf8(packed.get(name_at..data_at)?).ok()?;
    let data = packed.slice(data_at..);
    let message = match (version, kind) {
        (VERSION, b'j') => Message::json(data),
        (VERSION, b't') => Message::utf8(data).ok()?,
        (VERSION, b'b') => Message::binary(data),
        _ => return None,
    };
    let message = if content_type.is_empty() { message } else { message.with_content_type(content_type) };
    if name.is_empty() { Some(message) } else { message.with_name(name).ok() }
}

/// Reads an entry of the log.
pub(crate) fn entry(value: Value) -> Result<Entry, RedisError> {
    read_entry(value).ok_or(RedisError::Foreign("an entry of the log"))
}

fn read_entry(value: Value) -> Option<Entry> {
    let (id, mut fields) = id_and_fields(value)?;
    let (Some((_, epoch)), Some(_)) = (fields.next(), fields.next()) else { return None };
    let epoch = Epoch::from_bits(as_number(&epoch)?);
    if id.part > 0 {
        let settled = fields.map(|(name, kept)| {
            let (last, kept) = read_kept(&kept)?;
            Some((channel_name(&name)?, last, kept))
        });
        return Some(Entry { id, epoch, content: Content::Settled(settled.collect::<Option<_>>()?) });
    }
    let (_, time) = fields.next()?;
    let (_, message) = fields.next()?;
    let seats = fields.map(|(name, kept)| {
        let (prev, kept) = read_kept(&kept)?;
        Some((Place { channel: channel_name(&name)?, prev }, kept))
    });
    let (places, kept) = seats.collect::<Option<(Vec<_>, Vec<_>)>>()?;
    let record = record(id, &time, message, places)?;
    Some(Entry { id, epoch, content: Content::Message(record, kept) })
}

/// Reads an entry of a channel.
pub(crate) fn channel_entry(value: Value) -> Result<Record, RedisError> {
    read_channel_entry(value).ok_or(RedisError::Foreign("an entry of a channel"))
}

fn read_channel_entry(value: Value) -> Option<Record> {
    let (id, mut fields) = id_and_fields(value)?;
    let (_, time) = fields.next()?;
    fields.next()?;
    let (_, message) = fields.next()?;
    let place =
        |(name, prev): (Value, Value)| Some(Place { channel: channel_name(&name)?, prev: as_number(&prev)? });
    record(id, &time, message, fields.map(place).collect::<Option<_>>()?)
}

fn record(id: Id, time: &Value, message: Value, places: Vec<Place>) -> Option<Record> {
    let Value::BulkString(packed) = message else { return None };
    let time = Timestamp::from_millis(as_number(time)?);
    (!places.is_empty()).then_some(Record { seq: id.seq, time, message: unpack(packed)?, places })
}

fn id_and_fields(value: Value) -> Option<(Id, impl Iterator<Item = (Value, Value)>)> {
    let mut parts = into_list(value)?.into_iter();
    let id = Id::parse(&parts.next()?)?;
    let mut fields = into_list(parts.next()?)?.into_iter();
    Some((id, std::iter::from_fn(move || Some((fields.next()?, fields.next()?)))))
}

pub(crate) fn channel_name(value: &Value) -> Option<ChannelName> {
    ChannelName::new(as_text(value)?).ok()
}

fn numbers<const N: usize>(value: &Value) -> Option<[u64; N]> {
    let text = std::str::from_utf8(as_bytes(value)?).ok()?;
    let mut numbers = [0; N];
    let mut words = text.split(' ');
    for number in &mut numbers {
        *number = words.next()?.parse().ok()?;
    }
    words.next().is_none().then_some(numbers)
}

fn read_kept(value: &Value) -> Option<(u64, Kept)> {
    let [first, count, bytes, seq, time] = numbers(value)?;
    let gone = Mark { seq, time: Timestamp::from_millis(time) };
    Some((first, Kept { count: count.try_into().ok()?, bytes: bytes.try_into().ok()?, gone }))
}

/// Reads what Redis knows of a channel.
pub(crate) fn meta(value: &Value) -> Result<Meta, RedisError> {
    read_meta(value).ok_or(RedisError::Foreign("what is known of a channel"))
}

fn read_meta(value: &Value) -> Option<Meta> {
    let [seq, part, last, last_time, count, bytes, gone, gone_time, _front] = numbers(value)?;
    let mark = |seq, time| Mark { seq, time: Timestamp::from_millis(time) };
    let kept =
        Kept { count: count.try_into().ok()?, bytes: bytes.try_into().ok()?, gone: mark(gone, gone_time) };
    Some(Meta { as_of: Id { seq, part }, last: mark(last, last_time), kept })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> [Message; 4] {
        [
            Message::text("text"),
            Message::json("[1]").with_name("named").unwrap(),
            Message::binary(vec![0, 255]).with_content_type("image/png"),
            Message::binary(Vec::new()),
        ]
    }

    #[test]
    fn messages_come_back() {
        for message in messages() {
            assert_eq!(unpack(pack(&message)), Some(message));
        }
    }

    #[test]
    fn s3_no_bytes_end_the_process() {
        let mut random = fastrand::Rng::with_seed(1);
        for message in messages() {
            let whole = pack(&message);
            for end in 0..whole.len() {
                let _ = unpack(whole[..end].to_vec());
            }
            for _ in 0..10_000 {
                let mut broken = whole.clone();
                let at = random.usize(..broken.len());
                broken[at] = random.u8(..);
                let _ = unpack(broken);
            }
        }
    }

    #[test]
    fn entries_that_are_not_as_expected_are_refused() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let list = |items: &[&str]| Value::Array(items.iter().map(|item| text(item)).collect());
        let body = String::from_utf8(pack(&Message::text("x"))).unwrap();
        let good = ["e", "7", "b", "0", "t", "5", "m", &body, "a", "0 1 201 0 0"];
        let entry_of = |id: &str, fields: &[&str]| entry(Value::Array(vec![text(id), list(fields)]));
        assert!(entry_of("1-0", &good).is_ok());
        assert!(entry_of("1-0", &good[..8]).is_err(), "no channel");
        assert!(entry_of("1-1", &good[..4]).is_ok(), "the beginning of a life");
        assert!(entry_of("x", &good).is_err());
        for at in [1, 5, 7, 9] {
            let mut bad = good;
            bad[at] = "?";
            assert!(entry_of("1-0", &bad).is_err(), "{at}");
        }
        assert!(entry(Value::Nil).is_err() && meta(&text("1 2 3")).is_err());
    }
}
