//! Seqs, times, and what an answer means.

use std::{collections::HashSet, sync::Arc, time::Duration};

use encke_core::{Delivery, Limit, Since};
use tokio::task::JoinSet;

use super::{
    EngineUnderTest, Place,
    node::{keyed, message},
};

/// L1: seqs rise over all channels, and `prev` is the message before it in that channel.
pub async fn l1_seqs_rise_and_each_message_names_the_one_before_it<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    let a = node.publish_all("a", 0..10).await;
    let both = node.publish(&["b", "a"], "both").await;
    let b = node.publish_all("b", 0..10).await;
    let mut all = a.clone();
    all.push(both);
    all.extend(&b);
    assert!(all.windows(2).all(|pair| pair[0].seq < pair[1].seq), "L1: {all:?}");
    assert!(all.iter().all(|cursor| cursor.epoch == all[0].epoch), "L2: {all:?}");
    assert_eq!(node.log().head(), b[9], "L3");
    for (channel, own) in [("a", [&a[..], &[both]].concat()), ("b", [&[both], &b[..]].concat())] {
        let read = node.read(&[channel], Since::Earliest).await;
        let seqs: Vec<_> = own.iter().map(|cursor| cursor.seq).collect();
        assert_eq!(read.seqs(), seqs, "L1: {channel}");
        let prevs: Vec<_> = read.messages.iter().map(Delivery::prev).collect();
        assert_eq!(prevs[0], 0, "L1: {channel}");
        assert_eq!(prevs[1..], seqs[..10], "L1: prev in {channel}");
    }
}

/// L1: also with a clock that is set back.
pub async fn l1_times_never_run_backwards<E: EngineUnderTest>() {
    let place = Place::<E>::new().await;
    let node = place.open().await;
    let begin = place.now();
    for number in 0..10 {
        node.publish(&["a"], &number.to_string()).await;
        if number % 2 == 0 {
            place.pass(Duration::from_secs(3));
        } else {
            place.set_back(Duration::from_secs(2));
        }
    }
    let read = node.read(&["a"], Since::Earliest).await;
    let times: Vec<_> = read.messages.iter().map(Delivery::time).collect();
    assert!(times.is_sorted() && times[0] == begin, "L1: {times:?}");
    assert_eq!(times[9], begin.after(Duration::from_secs(7)), "L1: {times:?}");
}

/// L1, L3: many at once, each with a seq of its own, each readable as soon as it is answered.
pub async fn l1_publishers_at_once_get_distinct_rising_seqs<E: EngineUnderTest>() {
    const PUBLISHERS: usize = 256;
    let node = Arc::new(Place::<E>::new().await.open().await);
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let node = Arc::clone(&node);
        publishers.spawn(async move {
            let channel = format!("c{}", publisher % 10);
            let mut last = 0;
            for number in 0..2 {
                let text = format!("{publisher}-{number}");
                let cursor = node.publish(&[&channel], &text).await;
                assert!(cursor.seq > last, "L1: {} after {last}", cursor.seq);
                last = cursor.seq;
                let before = encke_core::Cursor { seq: cursor.seq - 1, ..cursor };
                let mut reader = node.subscribe(&[&channel], Since::After(before)).await;
                let batch = reader.read(Limit { messages: 1, bytes: 1 }).await.expect("a batch");
                let first = batch.messages.first().map(Delivery::seq);
                assert_eq!(first, Some(cursor.seq), "L3: what is answered is there");
            }
        });
    }
    publishers.join_all().await;
    let read = node.read(&["*"], Since::Earliest).await;
    assert_eq!(read.messages.len(), 2 * PUBLISHERS);
    let texts: HashSet<_> = read.texts().into_iter().collect();
    assert_eq!(texts.len(), 2 * PUBLISHERS, "L1: each message has one seq");
}

/// L1, L2: a channel that was deleted goes on with higher seqs, and names its last message.
pub async fn l1_a_channel_that_comes_back_goes_on<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    let before = node.publish_all("a", 0..5).await;
    assert!(node.delete("a").await);
    assert!(node.channel("a").is_none(), "nobody follows it");
    let after = node.publish(&["a"], "new").await;
    assert!(after.seq > before[4].seq && after.epoch == before[4].epoch, "L2: {after}");
    let read = node.read(&["a"], Since::After(before[4])).await;
    assert_eq!((read.texts(), read.gaps.len()), (vec!["new"], 0), "D1");
    assert_eq!(read.messages[0].prev(), before[4].seq, "L1: prev of what is gone");
}

/// L3: every read that begins after the answer finds the message, by whatever it follows.
pub async fn l3_what_is_acknowledged_is_read_at_once<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    for number in 0..30 {
        let text = number.to_string();
        let cursor = node.publish(&["a.x", "b"], &text).await;
        for selector in ["a.x", "b", "a.*", "**"] {
            let read = node.read(&[selector], Since::Last(1)).await;
            assert_eq!(
                (read.texts(), read.seqs()),
                (vec![text.as_str()], vec![cursor.seq]),
                "L3: {selector}"
            );
        }
    }
}

/// L4: the first answer again, and nothing stored; another message with the key is refused.
pub async fn l4_a_key_that_comes_again_gets_the_first_answer<E: EngineUnderTest>() {
    let place = Place::<E>::with(|limits| limits.key_window = Duration::from_secs(60)).await;
    let node = place.open().await;
    let first = node.store(keyed(&["a"], "one", "key")).await.expect("the first");
    assert!(!first.repeated);
    node.publish(&["a"], "between").await;
    place.pass(Duration::from_secs(50));
    let again = node.store(keyed(&["a"], "one", "key")).await.expect("the first's answer");
    assert_eq!((again.cursor, again.repeated), (first.cursor, true), "L4");
    for other in [keyed(&["a"], "two", "key"), keyed(&["a", "b"], "one", "key")] {
        assert_eq!(node.refusal(other).await, encke_core::AppendError::KeyConflict, "L4");
    }
    assert_eq!(node.read(&["*"], Since::Earliest).await.texts(), ["one", "between"], "L4");
    place.pass(Duration::from_secs(200));
    let later = node.store(keyed(&["a"], "two", "key")).await.expect("a key that was forgotten");
    assert!(!later.repeated && later.cursor.seq > first.cursor.seq, "L4: the window is over");
}

/// L4: whoever cannot wait sends it twice.
pub async fn l4_a_key_that_comes_many_times_at_once_is_stored_once<E: EngineUnderTest>() {
    let node = Arc::new(Place::<E>::new().await.open().await);
    for round in 0..5 {
        let mut publishers = JoinSet::new();
        for _ in 0..32 {
            let node = Arc::clone(&node);
            publishers.spawn(async move {
                let publish = keyed(&["a"], "once", &format!("key {round}"));
                node.store(publish).await.expect("an answer")
            });
        }
        let answers = publishers.join_all().await;
        assert!(answers.iter().all(|answer| answer.cursor == answers[0].cursor), "L4: one place");
        assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1, "L4: one first");
    }
    assert_eq!(node.read(&["a"], Since::Earliest).await.messages.len(), 5, "L4");
}

/// L4: dropped wherever it is, it is stored once or not at all, and a retry with its key makes it once.
pub async fn l4_a_publish_that_is_given_up_is_stored_once_or_not_at_all<E: EngineUnderTest>() {
    const PUBLISHES: usize = 60;
    let node = Place::<E>::new().await.open().await;
    let grant = node.grant().await;
    for number in 0..PUBLISHES {
        let text = number.to_string();
        for publish in [keyed(&["keyed"], &text, &text), message(&["plain"], &text)] {
            tokio::select! {
                biased;
                _ = node.hub.publish(&grant, publish) => {}
                () = turns(number % 12) => {}
            }
        }
    }
    for number in 0..PUBLISHES {
        let text = number.to_string();
        node.store(keyed(&["keyed"], &text, &text)).await.expect("a retry that is answered");
    }
    // What was under way when it was given up is stored by now, or never: this comes behind all of it.
    node.publish(&["plain"], "last").await;
    let keyed = node.read(&["keyed"], Since::Earliest).await;
    let distinct: HashSet<_> = keyed.texts().into_iter().map(str::to_owned).collect();
    assert_eq!((distinct.len(), keyed.messages.len()), (PUBLISHES, PUBLISHES), "L4: once");
    let plain = node.read(&["plain"], Since::Earliest).await;
    let distinct: HashSet<_> = plain.texts().into_iter().collect();
    assert_eq!(distinct.len(), plain.messages.len(), "L4: at most once");
}

async fn turns(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}
