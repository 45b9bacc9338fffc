//! Publishes, one by one and many at a time.

use std::{future::Future, pin::Pin, sync::Arc, task::Poll};

use encke_core::{AppendError, Key, LogConfig, Message, Publish, Retention, Timestamp};
use encke_hub::{Engine, EngineError};
use futures_util::future::join_all;
use tempfile::TempDir;

use crate::common::{all, asks, forgetful, name, open, open_with, store, text};

fn keyed(channel: &str, data: &str, key: &str) -> Publish {
    text(&[channel], data).with_key(Key::new(key).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_many_publishers_get_a_seq_each_and_find_their_message() {
    let dir = TempDir::new().unwrap();
    let engine = Arc::new(open(&dir));
    let publishers = (0..256).map(|publisher| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            let mut stored = Vec::new();
            for number in 0..8 {
                let data = format!("{publisher}/{number}");
                let channel = format!("c{}", publisher % 7);
                let seq = store(&engine, text(&[&channel], &data), 1).await.unwrap().cursor.seq;
                let page = engine.older(asks(&engine, &[&channel], seq - 1, seq, 1)).await.unwrap();
                assert_eq!(page.records[0].message.as_text(), Some(data.as_str()));
                stored.push((seq, data));
            }
            stored
        })
    });
    let stored = join_all(publishers).await.into_iter().flat_map(Result::unwrap);
    let mut stored: Vec<_> = stored.collect();
    stored.sort_unstable();
    assert!(stored.iter().map(|(seq, _)| *seq).eq(1..=2_048));
    drop(engine);
    let engine = open(&dir);
    assert_eq!(all(&engine, &["**"], 100).await, stored);
}

#[tokio::test]
async fn l4_a_key_gives_the_first_answer_also_within_a_commit_and_after_reopening() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    let now = Timestamp::from_millis(1_700_000_000_000);
    let publish = |data: &'static str, key| engine.publish(keyed("a", data, key), now);
    let (first, again, other, second) =
        tokio::join!(publish("x", "k"), publish("x", "k"), publish("y", "k"), publish("x", "k2"));
    let (first, again) = (first.unwrap().0, again.unwrap().0);
    assert_eq!((first.cursor, first.repeated), (again.cursor, !again.repeated));
    assert_eq!(other.unwrap_err(), EngineError::Refused(AppendError::KeyConflict));
    assert_ne!(second.unwrap().0.cursor, first.cursor);
    drop(engine);

    let engine = open(&dir);
    let window = forgetful().key_window;
    let publish = |data, after| engine.publish(keyed("a", data, "k"), now.after(after));
    let again = publish("x", window / 2).await.unwrap().0;
    assert_eq!((again.cursor, again.repeated), (first.cursor, true));
    let other = publish("y", window / 2).await.unwrap_err();
    assert_eq!(other, EngineError::Refused(AppendError::KeyConflict));
    assert!(!publish("y", 3 * window).await.unwrap().0.repeated);
}

#[tokio::test]
async fn keys_that_are_old_leave_the_file() {
    let dir = TempDir::new().unwrap();
    let limits = LogConfig { keys: 1_000, ..forgetful() };
    let engine = open_with(&dir, &limits);
    let later = u64::try_from(limits.key_window.as_millis()).unwrap();
    for round in 0..5 {
        for number in 0..100 {
            let publish = keyed("a", "x", &format!("{round}/{number}"));
            store(&engine, publish, 1 + 3 * round * later).await.unwrap();
        }
    }
    drop(engine);
    let database = redb::Database::open(dir.path().join("encke.redb")).unwrap();
    let keys = redb::TableDefinition::<u64, &[u8]>::new("keys");
    let read = redb::ReadableDatabase::begin_read(&database).unwrap();
    let left = redb::ReadableTableMetadata::len(&read.open_table(keys).unwrap()).unwrap();
    assert!((100..200).contains(&left), "{left}");
}

#[tokio::test]
async fn l4_who_stops_waiting_has_stored_once_or_not_at_all() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    for number in 0..200 {
        let mut publish = engine.publish(keyed("a", "x", &format!("{number}")), Timestamp::default());
        // Asked for once, and let go of before the answer.
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut publish).poll(cx).is_ready())).await;
    }
    let mut seqs = Vec::new();
    for number in 0..200 {
        let publish = keyed("a", "x", &format!("{number}"));
        seqs.push(store(&engine, publish, 1).await.unwrap().cursor.seq);
    }
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 200);
    assert_eq!(all(&engine, &["a"], 1_000).await.len(), 200);
}

#[tokio::test]
async fn the_engine_ends_while_somebody_has_not_published_yet() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    let late = engine.publish(text(&["a"], "late"), Timestamp::default());
    let stored = store(&engine, text(&["a"], "x"), 1).await;
    assert!(stored.is_ok());
    drop(engine);
    assert_eq!(late.await.unwrap_err(), EngineError::Unavailable);
    assert_eq!(all(&open(&dir), &["a"], 10).await.len(), 1);
}

#[tokio::test]
async fn names_and_messages_at_their_limits_come_back_as_they_were() {
    let dir = TempDir::new().unwrap();
    let retention = Retention { bytes: 32 << 20, ..Retention::default() };
    let limits = LogConfig { retention, places: 64, ..forgetful() };
    let engine = open_with(&dir, &limits);
    let names = ["\u{1f30d}.ü \"'\\\u{202e}", "@me.x", "a*b", ".", &"ß".repeat(127)];
    let messages = [
        Message::text(""),
        Message::binary(vec![0u8; 16 << 20]),
        Message::json("{}").with_content_type("application/geo+json").with_name("näme").unwrap(),
        Message::binary(vec![0xff, 0xfe]).with_content_type(""),
        Message::text("\u{0}\u{10ffff}"),
    ];
    let mut expected = Vec::new();
    for message in &messages {
        let first = Publish::new(name(names[0]), message.clone());
        let publish = names[1..].iter().fold(first, |publish, other| publish.also_to(name(other)));
        expected.push((store(&engine, publish, 1).await.unwrap().cursor.seq, message.clone()));
    }
    drop(engine);
    let engine = open_with(&dir, &limits);
    for channel in names {
        for (seq, message) in &expected {
            let page = engine.older(asks(&engine, &[channel], seq - 1, *seq, 1)).await.unwrap();
            assert_eq!(page.records[0].message, *message);
            assert!(page.records[0].places.iter().map(|place| place.channel.as_str()).eq(names));
        }
    }
}

#[tokio::test]
async fn l7_limits_hold_within_one_commit() {
    let dir = TempDir::new().unwrap();
    let limits = LogConfig { channels: 3, bytes: 1_500, ..forgetful() };
    let engine = open_with(&dir, &limits);
    let publish = |channel: &str| engine.publish(text(&[channel], "x"), Timestamp::default());
    let names = ["a", "b", "c", "d", "e", "a", "a", "a", "a", "a", "a"];
    let answers = join_all(names.map(publish)).await;
    let refused = |error| {
        answers
            .iter()
            .filter(|answer| matches!(answer, Err(EngineError::Refused(known)) if *known == error))
            .count()
    };
    assert_eq!(refused(AppendError::TooManyChannels), 2);
    assert_eq!(refused(AppendError::Full), 2);
    assert_eq!(engine.log().info().bytes, 7 * 201);
}
