use proptest::prelude::*;

use super::*;

fn marks() -> impl Strategy<Value = Mark> {
    let mark = |(seq, time)| Mark { seq, time: Timestamp::from_millis(time) };
    (any::<u64>(), any::<u64>()).prop_map(mark)
}

fn names() -> impl Strategy<Value = ChannelName> {
    "[^\\p{Cc}.]{1,40}".prop_filter_map("a wildcard", |name| ChannelName::new(&name).ok())
}

fn messages() -> impl Strategy<Value = Message> {
    let message = |(kind, data, content_type, name): (u8, Vec<u8>, Option<String>, Option<String>)| {
        let text = String::from_utf8_lossy(&data).into_owned();
        let message = match kind {
            0 => Message::json(text),
            1 => Message::text(text),
            _ => Message::binary(data),
        };
        let message = content_type.iter().fold(message, |message, text| message.with_content_type(text));
        name.iter().fold(message, |message, name| message.with_name(name).unwrap())
    };
    let (text, name) = (prop::option::of(".{0,20}"), prop::option::of("[a-zß]{1,20}"));
    (0..3u8, prop::collection::vec(any::<u8>(), 0..300), text, name).prop_map(message)
}

fn records() -> impl Strategy<Value = Record> {
    let places = prop::collection::vec((names(), any::<u64>()), 1..5);
    (any::<u64>(), any::<u64>(), messages(), places).prop_map(|(seq, time, message, places)| {
        let places = places.into_iter().map(|(channel, prev)| Place { channel, prev }).collect();
        Record { seq, time: Timestamp::from_millis(time), message, places }
    })
}

/// Whether a row is only read from where it was written to, and only as it was.
fn is_bound<T>(number: u64, row: &[u8], at: usize, read: impl Fn(u64, &[u8]) -> Option<T>) {
    let mut changed = row.to_vec();
    let at = at % row.len();
    changed[at] ^= 1 << (at % 8);
    assert!(read(number, &changed).is_none());
    assert!(read(number, &row[..at]).is_none());
    assert!(read(number ^ 1, row).is_none());
}

proptest! {
    #[test]
    fn messages_come_back(number: u64, written in records(), at: usize) {
        let body = record_body(&written);
        let row = seal(Table::Message, [number, written.seq], body);
        let read = record(number, written.seq, &row);
        prop_assert_eq!(read.as_ref(), Some(&written));
        is_bound(number, &row, at, |number, row| record(number, written.seq, row));
        prop_assert!(record(number, written.seq ^ 1, &row).is_none());
        prop_assert!(KeyRow::read(number, &row).is_none());
        let Place { channel, prev } = &written.places[0];
        let glance = glance(number, channel, written.seq, &row);
        let expected =
            Glance { seq: written.seq, time: written.time, size: written.size(), prev: *prev };
        prop_assert_eq!(glance, (*prev < written.seq).then_some(expected));
    }

    #[test]
    fn channels_come_back(
        number: u64,
        (name, last, gone) in (names(), marks(), marks()),
        (count, bytes, dead, front) in any::<(usize, usize, usize, u64)>(),
        at: usize,
    ) {
        let front = Timestamp::from_millis(front);
        let written = ChannelRow { name, last, gone, count, bytes, dead, front };
        let row = written.write(number);
        prop_assert_eq!(ChannelRow::read(number, &row), Some(written));
        is_bound(number, &row, at, ChannelRow::read);
    }

    #[test]
    fn keys_come_back(seq: u64, key in "[^\\p{Cc}]{1,60}", bytes: [u8; 16], time: u64, at: usize) {
        let (key, time) = (Key::new(&key).unwrap(), Timestamp::from_millis(time));
        let written = KeyRow { key, fingerprint: Fingerprint::from_bytes(bytes), time };
        let row = written.write(seq);
        prop_assert_eq!(KeyRow::read(seq, &row), Some(written));
        is_bound(seq, &row, at, KeyRow::read);
    }

    #[test]
    fn states_come_back(
        bits: u64,
        (last, rest) in (marks(), marks()),
        opened in prop_oneof![Just(Opened::No), Just(Opened::Strict), Just(Opened::Relaxed)],
        (commits, next, channels, keys) in any::<(u64, u64, usize, usize)>(),
    ) {
        let written = State { epoch: Epoch::from_bits(bits), commits, last, rest, opened, next, channels, keys };
        prop_assert_eq!(State::read(&written.write()), Some(written));
    }

    /// Also with a checksum that is right.
    #[test]
    fn s3_no_bytes_panic(number: u64, seq: u64, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let name = ChannelName::new("a").unwrap();
        for table in [Table::State, Table::Channel, Table::Message, Table::Key] {
            let row = seal(table, [number, seq], body.clone());
            let _ = (record(number, seq, &row), glance(number, &name, seq, &row), record(number, seq, &body));
            let row = seal(table, [number, 0], body.clone());
            let _ = (ChannelRow::read(number, &row), KeyRow::read(number, &row));
            let _ = State::read(&seal(table, [0, 0], body.clone()));
        }
    }
}
