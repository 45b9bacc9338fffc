//! What a log on disk keeps of long channels, and of channels that are gone.

use std::time::Duration;

use encke_core::{Cursor, Keep, LogConfig, Retention, Since, Timestamp};
use encke_hub::Engine;
use tempfile::TempDir;

use crate::common::{all, forgetful, name, open_with, select, store, text};

fn keeping(count: usize) -> LogConfig {
    let retention = Retention { count, ..Retention::default() };
    LogConfig { retention, ..forgetful() }
}

/// More is let go of than fits into any list in memory, within one commit and over many.
#[tokio::test]
async fn l6_a_long_channel_keeps_its_newest_messages() {
    for count in [1, 63, 64, 65, 200] {
        let dir = TempDir::new().unwrap();
        let engine = open_with(&dir, &keeping(count));
        let publishes =
            (1..=700).map(|number| engine.publish(text(&["a"], &number.to_string()), Timestamp::default()));
        let stored = futures_util::future::join_all(publishes).await;
        assert!(stored.iter().all(Result::is_ok));
        for number in 701..=800 {
            store(&engine, text(&["a"], &number.to_string()), number).await.unwrap();
        }
        let info = engine.log().channel(&name("a")).unwrap();
        assert_eq!((info.retained, info.trimmed.seq), (count, 800 - count as u64));
        drop(engine);
        let engine = open_with(&dir, &keeping(count));
        let info = engine.log().channel(&name("a")).unwrap();
        assert_eq!((info.retained, info.trimmed.seq), (count, 800 - count as u64));
        let found = all(&engine, &["a"], 1_000).await;
        assert_eq!(found.iter().filter(|(seq, _)| *seq > info.trimmed.seq).count(), count);
        assert!(found.len() < count + 64 + 64, "{} rows", found.len());
    }
}

#[tokio::test]
async fn d1_a_cursor_before_a_deleted_channel_gets_a_gap_after_reopening() {
    let dir = TempDir::new().unwrap();
    let engine = open_with(&dir, &forgetful());
    for number in 1..=3 {
        store(&engine, text(&["a"], "x"), number).await.unwrap();
    }
    assert!(engine.delete(&name("a")).await.unwrap());
    assert!(!engine.delete(&name("a")).await.unwrap());
    store(&engine, text(&["b"], "x"), 4).await.unwrap();
    drop(engine);
    let engine = open_with(&dir, &forgetful());
    assert_eq!(engine.log().last_in(&name("a")), 3);
    let log = engine.log();
    let since = Since::After(Cursor { seq: 1, ..log.head() });
    let mut tail = log.open(select(&["a"]), since, Timestamp::default()).unwrap();
    let gap = tail.take_gaps().pop().unwrap();
    assert_eq!((gap.from.seq, gap.to.seq), (1, 3));
    // It comes back with what was before it.
    store(&engine, text(&["a"], "x"), 5).await.unwrap();
    assert_eq!(engine.log().channel(&name("a")).unwrap().trimmed.seq, 3);
}

#[tokio::test]
async fn l7_of_many_forgotten_channels_one_mark_is_left() {
    let dir = TempDir::new().unwrap();
    let limits = LogConfig { tombstones: 10, ..forgetful() };
    let engine = open_with(&dir, &limits);
    for number in 1..=50 {
        let channel = format!("c{number}");
        store(&engine, text(&[&channel], "x"), number).await.unwrap();
        assert!(engine.delete(&name(&channel)).await.unwrap());
    }
    // Rows are removed by later commits.
    for number in 51..=53 {
        store(&engine, text(&["last"], "x"), number).await.unwrap();
    }
    drop(engine);
    let engine = open_with(&dir, &limits);
    let last = |number: u64| engine.log().last_in(&name(&format!("c{number}")));
    assert!((1..=35).all(|number| last(number) == 0));
    assert!((45..=50).all(|number| last(number) == number));
    // Whoever comes with a cursor before the mark is told, of channels that nobody knows any more.
    let log = engine.log();
    let since = Since::After(Cursor { seq: 1, ..log.head() });
    let mut tail = log.open(select(&["c7"]), since, Timestamp::default()).unwrap();
    assert!(tail.take_gaps().pop().unwrap().to.seq >= 35);
}

#[tokio::test]
async fn what_is_too_old_goes_also_from_channels_that_nobody_publishes_to() {
    let dir = TempDir::new().unwrap();
    let retention = Retention { age: Duration::from_millis(100), ..Retention::default() };
    let limits = LogConfig { retention, ..forgetful() };
    let engine = open_with(&dir, &limits);
    for number in 1..=150 {
        store(&engine, text(&["a"], "x"), number).await.unwrap();
    }
    assert_eq!(engine.log().channel(&name("a")).unwrap().retained, 101);
    drop(engine);
    let engine = open_with(&dir, &limits);
    assert!(!engine.expire(Timestamp::from_millis(150)).await);
    assert_eq!(engine.log().channel(&name("a")).unwrap().retained, 100);
    assert!(!engine.expire(Timestamp::from_millis(1_000)).await);
    assert!(engine.log().channel(&name("a")).is_none());
    assert_eq!(engine.log().last_in(&name("a")), 150);
    assert_eq!(engine.log().info().bytes, 0);
}

#[tokio::test]
async fn trimming_says_how_much_went() {
    let dir = TempDir::new().unwrap();
    let engine = open_with(&dir, &forgetful());
    for number in 1..=200 {
        store(&engine, text(&["a", "b"], "x"), number).await.unwrap();
    }
    let trim = |channel: &str, keep| engine.trim(&name(channel), keep);
    assert_eq!(trim("a", Keep::Newest(150)).await.unwrap(), Some(50));
    let place = Cursor { seq: 120, ..engine.log().head() };
    assert_eq!(trim("a", Keep::After(place)).await.unwrap(), Some(70));
    assert_eq!(trim("a", Keep::Newest(1_000)).await.unwrap(), Some(0));
    assert_eq!(trim("nobody", Keep::Newest(0)).await.unwrap(), None);
    assert_eq!(all(&engine, &["b"], 1_000).await.len(), 200);
}
