//! What is kept, and what lets it go.

use std::time::Duration;

use encke_core::{Cursor, GapReason, Keep, LogConfig, Pattern, Retention, Since};

use super::{
    EngineUnderTest, Node, Place,
    node::{drain, message},
};

const CHANNELS: [&str; 4] = ["a", "a.x", "a.y", "b"];

/// L6: the newest so many.
pub async fn l6_it_keeps_by_count_what_memory_keeps<E: EngineUnderTest>() {
    let retention = Retention { count: 6, ..Retention::default() };
    keeps::<E>(retention, Retention { count: 0, ..Retention::default() }).await;
}

/// L6: what fits.
pub async fn l6_it_keeps_by_bytes_what_memory_keeps<E: EngineUnderTest>() {
    let retention = Retention { bytes: 3_000, ..Retention::default() };
    keeps::<E>(retention, Retention { bytes: 600, ..Retention::default() }).await;
}

/// L6: what is young enough; the times of the messages differ from this by a half second at least.
pub async fn l6_it_keeps_by_age_what_memory_keeps<E: EngineUnderTest>() {
    let retention = Retention { age: Duration::from_millis(20_500), ..Retention::default() };
    keeps::<E>(retention, Retention { age: Duration::from_millis(500), ..Retention::default() }).await;
}

/// Does the same to it and to a log in memory, in random order: both keep the same.
async fn keeps<E: EngineUnderTest>(retention: Retention, special: Retention) {
    let change = |limits: &mut LogConfig| {
        limits.retention = retention;
        limits.retention_of = vec![(Pattern::new("a.*").expect("a pattern"), special)];
    };
    let place = Place::<E>::with(change).await;
    let (node, memory) = (place.open().await, place.in_memory().await);
    let mut random = fastrand::Rng::with_seed(7);
    for step in 0..240 {
        let channel = CHANNELS[random.usize(..CHANNELS.len())];
        match random.u8(..20) {
            0 => assert_eq!(node.delete(channel).await, memory.delete(channel).await, "delete at {step}"),
            1 => {
                let keep = Keep::Newest(random.usize(..5));
                let (trimmed, expected) = (node.trim(channel, keep).await, memory.trim(channel, keep).await);
                assert_eq!(trimmed, expected, "trim at {step}");
            }
            2 => {
                node.expire().await;
                memory.expire().await;
            }
            3..6 => place.pass(Duration::from_secs(random.u64(..8))),
            _ => {
                let other = CHANNELS[random.usize(..CHANNELS.len())];
                let text = format!("{step}:{}", "x".repeat(random.usize(..350)));
                let stored = node.store(message(&[channel, other], &text)).await;
                let expected = memory.store(message(&[channel, other], &text)).await;
                assert_eq!(stored.map(|_| ()), expected.map(|_| ()), "publish at {step}");
            }
        }
        if step % 24 == 23 {
            same(&node, &memory, step).await;
        }
    }
}

async fn same<E: encke_hub::Engine, M: encke_hub::Engine>(node: &Node<E>, memory: &Node<M>, step: usize) {
    for channel in CHANNELS {
        let kept = node.channel(channel).map(|info| (info.retained, info.bytes));
        let expected = memory.channel(channel).map(|info| (info.retained, info.bytes));
        assert_eq!(kept, expected, "L6: what is kept of {channel} at {step}");
    }
    assert_eq!(node.log().info().bytes, memory.log().info().bytes, "L7: the bytes of all at {step}");
    for selector in ["a", "a.x", "a.y", "b", "a.*", "**"] {
        let read = node.read(&[selector], Since::Earliest).await;
        let expected = memory.read(&[selector], Since::Earliest).await;
        assert_eq!(read.texts(), expected.texts(), "L6: {selector} at {step}");
    }
}

/// L6: trimming says how much went, deleting whether there was anything; readers are told.
pub async fn l6_trimming_and_deleting_are_answered<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    assert_eq!((node.trim("none", Keep::Newest(3)).await, node.delete("none").await), (None, false));
    let cursors = node.publish_all("a", 0..20).await;
    let mut reader = node.subscribe(&["a"], Since::After(cursors[1])).await;
    assert_eq!(node.trim("a", Keep::Newest(15)).await, Some(5));
    assert_eq!(node.trim("a", Keep::Newest(15)).await, Some(0));
    assert_eq!(node.trim("a", Keep::After(cursors[9])).await, Some(5));
    let foreign = Cursor { epoch: encke_core::Epoch::from_bits(!cursors[0].epoch.bits()), ..cursors[15] };
    assert_eq!(node.trim("a", Keep::After(foreign)).await, Some(0), "a place in another life");
    assert_eq!(node.channel("a").map(|info| (info.retained, info.trimmed)), Some((10, cursors[9])), "L6");
    let read = drain(&mut reader).await;
    assert_eq!(read.seqs(), cursors[10..].iter().map(|cursor| cursor.seq).collect::<Vec<_>>(), "L6");
    assert_eq!(read.reasons(), [("a".to_owned(), GapReason::Slow)], "D1");
    assert_eq!((read.gaps[0].from, read.gaps[0].to), (cursors[1], cursors[9]), "D1");
    assert!(node.delete("a").await);
    assert_eq!(node.channel("a").map(|info| (info.retained, info.bytes)), Some((0, 0)), "it is followed");
    assert_eq!(node.log().info().bytes, 0, "L7");
    assert!(node.read(&["**"], Since::Earliest).await.messages.is_empty(), "what is deleted is gone");
    node.publish(&["a"], "new").await;
    let read = drain(&mut reader).await;
    assert_eq!((read.texts(), read.gaps.len()), (vec!["new"], 0), "D1: it had read all that was deleted");
}
