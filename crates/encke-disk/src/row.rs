//! What stands in the tables, byte by byte.
//!
//! Numbers are LEB128, texts and bytes have their length before them. Each row ends with a checksum over its table, its key
//! and itself: the store does not verify what it reads.

use bytes::Bytes;
use encke_core::{
    ChannelName, Epoch, Fingerprint, Key, Kind, Mark, Message, Place, Record, Retention, Timestamp,
};

/// The version of all that is said here, and of the tables.
pub(crate) const FORMAT: u32 = 1;

/// Which table a row stands in: a part of its checksum, so that no row passes for one of another table.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    State = 1,
    Channel = 2,
    Message = 3,
    Key = 4,
}

const CHECKSUM: usize = 4;

/// Writes one row.
struct Writer {
    out: Vec<u8>,
}

impl Writer {
    fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity) }
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.out.push((number & 0x7f) as u8);
    }

    fn mark(&mut self, mark: Mark) {
        self.number(mark.seq);
        self.number(mark.time.as_millis());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }
}

fn checksum(table: Table, key: [u64; 2], body: &[u8]) -> [u8; CHECKSUM] {
    let mut hash = crc32fast::Hasher::new();
    hash.update(&[table as u8]);
    hash.update(&key[0].to_le_bytes());
    hash.update(&key[1].to_le_bytes());
    hash.update(body);
    hash.finalize().to_le_bytes()
}

/// Adds the checksum of a row that will stand at `key`.
pub(crate) fn seal(table: Table, key: [u64; 2], mut body: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(table, key, &body);
    body.extend_from_slice(&checksum);
    body
}

/// The row without its checksum; nothing if that is wrong.
fn open(table: Table, key: [u64; 2], row: &[u8]) -> Option<Reader<'_>> {
    let (rest, found) = row.split_at_checked(row.len().checked_sub(CHECKSUM)?)?;
    (checksum(table, key, rest) == found).then_some(Reader { rest })
}

/// Reads one row.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn size(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn mark(&mut self) -> Option<Mark> {
        Some(Mark { seq: self.number()?, time: Timestamp::from_millis(self.number()?) })
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.size()?;
        self.take(len)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

const HAS_CONTENT_TYPE: u8 = 4;
const HAS_NAME: u8 = 8;

/// A message as it stands in each of its channels, before its checksum there.
pub(crate) fn record_body(record: &Record) -> Vec<u8> {
    let message = &record.message;
    let mut out = Writer::with_capacity(message.data().len() + 64);
    let kind = match message.kind() {
        Kind::Json => 0,
        Kind::Text => 1,
        Kind::Binary => 2,
    };
    let content_type = message.has_content_type().then(|| message.content_type());
    let flag = |is: bool, flag| if is { flag } else { 0 };
    out.out.push(
        kind | flag(content_type.is_some(), HAS_CONTENT_TYPE) | flag(message.name().is_some(), HAS_NAME),
    );
    out.number(record.time.as_millis());
    out.bytes(message.data());
    content_type.iter().for_each(|text| out.bytes(text.as_bytes()));
    message.name().iter().for_each(|text| out.bytes(text.as_bytes()));
    out.number(record.places.len() as u64);
    for place in &record.places {
        out.bytes(place.channel.as_str().as_bytes());
        out.number(place.prev);
    }
    out.out
}

/// What a row of the messages says before its places.
struct Head<'a> {
    flags: u8,
    time: Timestamp,
    data: &'a [u8],
    content_type: Option<&'a str>,
    name: Option<&'a str>,
    rest: Reader<'a>,
}

impl<'a> Head<'a> {
    fn read(number: u64, seq: u64, row: &'a [u8]) -> Option<Self> {
        let mut row = open(Table::Message, [number, seq], row)?;
        let flags = row.byte()?;
        let time = Timestamp::from_millis(row.number()?);
        let data = row.bytes()?;
        let content_type = if flags & HAS_CONTENT_TYPE != 0 { Some(row.text()?) } else { None };
        let name = if flags & HAS_NAME != 0 { Some(row.text()?) } else { None };
        Some(Self { flags, time, data, content_type, name, rest: row })
    }

    fn size(&self) -> usize {
        let text = |text: Option<&str>| text.map_or(0, str::len);
        self.data.len() + text(self.content_type) + text(self.name) + Retention::OVERHEAD
    }

    /// The channels, and the seq before it in each.
    fn places(&mut self) -> Option<Vec<(&'a str, u64)>> {
        let count = self.rest.size()?;
        // At least two bytes each: no length from the disk says how much memory to take.
        let mut places = Vec::with_capacity(count.min(self.rest.rest.len()));
        for _ in 0..count {
            places.push((self.rest.text()?, self.rest.number()?));
        }
        self.rest.end()?;
        Some(places)
    }

    fn message(&self) -> Option<Message> {
        let data = Bytes::copy_from_slice(self.data);
        let mut message = match self.flags & 3 {
            // JSON is text; whoever published it has checked the rest.
            0 if std::str::from_utf8(self.data).is_ok() => Message::json(data),
            1 => Message::utf8(data).ok()?,
            2 => Message::binary(data),
            _ => return None,
        };
        if let Some(content_type) = self.content_type {
            message = message.with_content_type(content_type);
        }
        match self.name {
            Some(name) => message.with_name(name).ok(),
            None => Some(message),
        }
    }
}

/// The message `seq` as it stands in the channel `number`.
pub(crate) fn record(number: u64, seq: u64, row: &[u8]) -> Option<Record> {
    let mut head = Head::read(number, seq, row)?;
    let places = head.places()?.into_iter();
    let place = |(name, prev)| Some(Place { channel: ChannelName::new(name).ok()?, prev });
    let places: Vec<_> = places.map(place).collect::<Option<_>>()?;
    if places.is_empty() {
        return None;
    }
    Some(Record { seq, time: head.time, message: head.message()?, places })
}

/// What must be known of a message to let go of it, and of its place in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glance {
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) size: usize,
    /// The seq before it in the channel.
    pub(crate) prev: u64,
}

/// A look at the message `seq` as it stands in the channel `number` of this name.
pub(crate) fn glance(number: u64, name: &ChannelName, seq: u64, row: &[u8]) -> Option<Glance> {
    let mut head = Head::read(number, seq, row)?;
    let (time, size) = (head.time, head.size());
    let places = head.places()?;
    let (_, prev) = places.into_iter().find(|(known, _)| *known == name.as_str())?;
    (prev < seq).then_some(Glance { seq, time, size, prev })
}

/// What is kept of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelRow {
    pub(crate) name: ChannelName,
    pub(crate) last: Mark,
    pub(crate) gone: Mark,
    pub(crate) count: usize,
    pub(crate) bytes: usize,
    /// Messages up to `gone` that still stand in the table.
    pub(crate) dead: usize,
    /// The time of the oldest message that is kept, or an earlier one.
    pub(crate) front: Timestamp,
}

impl ChannelRow {
    pub(crate) fn write(&self, number: u64) -> Vec<u8> {
        let mut out = Writer::with_capacity(64 + self.name.as_str().len());
        out.bytes(self.name.as_str().as_bytes());
        out.mark(self.last);
        out.mark(self.gone);
        [self.count, self.bytes, self.dead].into_iter().for_each(|number| out.number(number as u64));
        out.number(self.front.as_millis());
        seal(Table::Channel, [number, 0], out.out)
    }

    pub(crate) fn read(number: u64, row: &[u8]) -> Option<Self> {
        let mut row = open(Table::Channel, [number, 0], row)?;
        let name = ChannelName::new(row.text()?).ok()?;
        let (last, gone) = (row.mark()?, row.mark()?);
        let (count, bytes, dead) = (row.size()?, row.size()?, row.size()?);
        let front = Timestamp::from_millis(row.number()?);
        row.end()?;
        Some(Self { name, last, gone, count, bytes, dead, front })
    }
}

/// A key, and the publish that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRow {
    pub(crate) key: Key,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) time: Timestamp,
}

impl KeyRow {
    pub(crate) fn write(&self, seq: u64) -> Vec<u8> {
        let mut out = Writer::with_capacity(64);
        out.number(self.time.as_millis());
        out.out.extend_from_slice(&self.fingerprint.bytes());
        out.bytes(self.key.as_str().as_bytes());
        seal(Table::Key, [seq, 0], out.out)
    }

    pub(crate) fn read(seq: u64, row: &[u8]) -> Option<Self> {
        let mut row = open(Table::Key, [seq, 0], row)?;
        let time = Timestamp::from_millis(row.number()?);
        let fingerprint = Fingerprint::from_bytes(row.take(16)?.try_into().ok()?);
        let key = Key::new(row.text()?).ok()?;
        row.end()?;
        Some(Self { key, fingerprint, time })
    }
}

/// Whether somebody has the log open, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Nobody: it ended cleanly.
    No,
    /// Each answer waits for its fsync.
    Strict,
    /// Answers do not wait.
    Relaxed,
}

/// What is true of the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) epoch: Epoch,
    /// How many commits there were.
    pub(crate) commits: u64,
    pub(crate) last: Mark,
    /// Everything up to here is gone in each channel of which nothing else is known.
    pub(crate) rest: Mark,
    pub(crate) opened: Opened,
    /// The number of the next channel.
    pub(crate) next: u64,
    /// How many rows stand in the table of channels, and in that of keys.
    pub(crate) channels: usize,
    pub(crate) keys: usize,
}

impl State {
    pub(crate) fn new(epoch: Epoch) -> Self {
        let (last, rest) = (Mark::default(), Mark::default());
        Self { epoch, commits: 0, last, rest, opened: Opened::No, next: 1, channels: 0, keys: 0 }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(64);
        out.number(self.epoch.bits());
        out.number(self.commits);
        out.mark(self.last);
        out.mark(self.rest);
        out.out.push(self.opened as u8);
        out.number(self.next);
        out.number(self.channels as u64);
        out.number(self.keys as u64);
        seal(Table::State, [0, 0], out.out)
    }

    pub(crate) fn read(row: &[u8]) -> Option<Self> {
        let mut row = open(Table::State, [0, 0], row)?;
        let (epoch, commits) = (Epoch::from_bits(row.number()?), row.number()?);
        let (last, rest) = (row.mark()?, row.mark()?);
        let opened = match row.byte()? {
            0 => Opened::No,
            1 => Opened::Strict,
            2 => Opened::Relaxed,
            _ => return None,
        };
        let (next, channels, keys) = (row.number()?, row.size()?, row.size()?);
        row.end()?;
        Some(Self { epoch, commits, last, rest, opened, next, channels, keys })
    }
}

#[cfg(test)]
mod tests;
