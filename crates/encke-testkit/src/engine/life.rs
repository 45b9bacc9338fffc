//! What outlives an engine, and what several of them share.

use encke_core::{AppendError, GapReason, Keep, Since};

use super::{
    EngineUnderTest, Place,
    node::{drain, keyed, message, wait_for},
};

/// L2: a log that is gone with its engine begins another life, and every cursor of the old one is told so.
pub async fn l2_what_begins_again_is_another_life<E: EngineUnderTest>() {
    let place = Place::<E>::new().await;
    let old = place.open().await.publish(&["a"], "old").await;
    let node = place.open().await;
    let new = node.publish(&["a"], "new").await;
    assert_ne!(old.epoch, new.epoch, "L2");
    let read = node.read(&["a"], Since::After(old)).await;
    assert_eq!((read.texts(), read.reasons()), (vec!["new"], vec![("a".to_owned(), GapReason::Epoch)]), "D7");
}

/// L2, L3: the same life, the same messages, the same places; and it goes on.
pub async fn l2_a_log_that_is_opened_again_goes_on<E: EngineUnderTest>() {
    let place = Place::<E>::new().await;
    let mut cursors = Vec::new();
    for life in 0..4 {
        let node = place.open().await;
        for selector in ["a", "*"] {
            let since = cursors.get(2).map_or(Since::Earliest, |cursor| Since::After(*cursor));
            let read = node.read(&[selector], since).await;
            assert_eq!(
                (read.messages.len(), read.gaps.len()),
                (cursors.len().saturating_sub(3), 0),
                "L3: {life}"
            );
        }
        cursors.extend(node.publish_all("a", 0..10).await);
        let info = node.channel("a").expect("a channel");
        assert_eq!((info.retained, info.last), (cursors.len(), cursors[cursors.len() - 1]), "L3");
    }
    assert!(cursors.windows(2).all(|pair| pair[0].seq < pair[1].seq), "L2: {cursors:?}");
    assert!(cursors.iter().all(|cursor| cursor.epoch == cursors[0].epoch), "L2: {cursors:?}");
    let read = place.open().await.read(&["a"], Since::Earliest).await;
    let prevs: Vec<_> = read.messages.iter().map(encke_core::Delivery::prev).collect();
    assert_eq!(prevs[1..], read.seqs()[..39], "L1: prev, also over the ends of lives");
}

/// L2, D1: what was trimmed, deleted or too old is still gone, its cursors get a gap, and its seqs never come again.
pub async fn l2_what_was_gone_stays_gone<E: EngineUnderTest>() {
    let place = Place::<E>::with(|limits| limits.retention.count = 5).await;
    let node = place.open().await;
    let kept = node.publish_all("kept", 0..10).await;
    let trimmed = node.publish_all("trimmed", 0..5).await;
    let deleted = node.publish_all("deleted", 0..5).await;
    assert_eq!(node.trim("trimmed", Keep::Newest(2)).await, Some(3));
    assert!(node.delete("deleted").await);
    drop(node);
    let node = place.open().await;
    assert!(node.channel("deleted").is_none());
    for (channel, cursor, count) in
        [("kept", kept[0], 5), ("trimmed", trimmed[0], 2), ("deleted", deleted[0], 0), ("*", kept[0], 7)]
    {
        let read = node.read(&[channel], Since::After(cursor)).await;
        assert_eq!(read.messages.len(), count, "L6: {channel}");
        assert_eq!(read.reasons(), [(channel.to_owned(), GapReason::Trimmed)], "D1");
    }
    let again = node.publish(&["deleted"], "again").await;
    assert!(again.seq > deleted[4].seq && again.epoch == deleted[4].epoch, "L2: {again}");
    let read = node.read(&["deleted"], Since::After(deleted[4])).await;
    assert_eq!((read.texts(), read.gaps.len()), (vec!["again"], 0), "D1");
}

/// L4: a retry that comes after the node has come back.
pub async fn l4_a_key_is_known_when_it_is_opened_again<E: EngineUnderTest>() {
    let place = Place::<E>::new().await;
    let first = place.open().await.store(keyed(&["a"], "one", "key")).await.expect("the first");
    let node = place.open().await;
    let again = node.store(keyed(&["a"], "one", "key")).await.expect("its answer");
    assert_eq!((again.cursor, again.repeated), (first.cursor, true), "L4");
    assert_eq!(node.refusal(keyed(&["a"], "two", "key")).await, AppendError::KeyConflict, "L4");
    assert_eq!(node.read(&["a"], Since::Earliest).await.texts(), ["one"], "L4");
}

/// L7: bytes, channels and ages are counted on.
pub async fn l7_what_is_kept_counts_when_it_is_opened_again<E: EngineUnderTest>() {
    let place = Place::<E>::with(|limits| {
        limits.bytes = 3_000;
        limits.channels = 2;
        limits.retention.age = std::time::Duration::from_secs(60);
    });
    let place = place.await;
    let node = place.open().await;
    node.publish(&["a"], &"x".repeat(1_300)).await;
    node.publish(&["b"], "x").await;
    let bytes = node.log().info().bytes;
    drop(node);
    let node = place.open().await;
    assert_eq!(node.log().info().bytes, bytes, "L7");
    assert_eq!(node.refusal(message(&["a"], &"x".repeat(1_300))).await, AppendError::Full, "L7");
    assert_eq!(node.refusal(message(&["c"], "x")).await, AppendError::TooManyChannels, "L7");
    place.pass(std::time::Duration::from_secs(61));
    node.expire().await;
    assert_eq!((node.log().info().bytes, node.channel("a")), (0, None), "L6: it is too old");
    node.publish(&["c"], &"x".repeat(1_300)).await;
}

/// D10, D3: whatever is published where, all nodes read it in the same order.
pub async fn d10_every_node_reads_the_same<E: EngineUnderTest>() {
    let place = Place::<E>::new().await;
    let nodes = [place.open().await, place.open().await, place.open().await];
    let mut readers = Vec::new();
    for node in &nodes {
        readers.push(node.subscribe(&["*"], Since::Latest).await);
    }
    let publishes = nodes.iter().enumerate().map(|(number, node)| async move {
        let channel = format!("c{number}");
        node.publish_all(&channel, 0..100).await
    });
    let [a, b, c] = publishes.collect::<Vec<_>>().try_into().ok().expect("three nodes");
    let (a, b, c) = tokio::join!(a, b, c);
    let mut all: Vec<_> = [a, b, c].concat().iter().map(|cursor| cursor.seq).collect();
    all.sort_unstable();
    for reader in &mut readers {
        let read = wait_for(reader, 300).await;
        assert_eq!((read.seqs(), read.gaps.len()), (all.clone(), 0), "D10");
    }
    for node in &nodes {
        assert_eq!(node.read(&["*"], Since::Earliest).await.seqs(), all, "D10");
    }
}

/// D10, L3: whoever moves to another node with the cursor of an answer finds it there, and all that follows.
pub async fn d10_a_cursor_of_one_node_is_good_at_the_other<E: EngineUnderTest>() {
    let place = Place::<E>::new().await;
    let (here, there) = (place.open().await, place.open().await);
    for number in 0..50_u32 {
        let cursor = here.publish(&["a"], &number.to_string()).await;
        let mut reader = there.subscribe(&["a"], Since::After(cursor)).await;
        let read = drain(&mut reader).await;
        assert!(read.messages.is_empty() && read.gaps.is_empty(), "D7: {cursor} {read:?}");
        assert_eq!(reader.cursor(), cursor, "D7: it has come so far");
        let next = there.publish(&["a"], "next").await;
        assert_eq!(wait_for(&mut reader, 1).await.seqs(), [next.seq], "D1");
    }
    assert!(here.delete("a").await);
    let first = encke_core::Cursor { seq: 0, ..here.log().head() };
    // The other is told of it soon: by then its readers are.
    let told = async || there.read(&["a"], Since::After(first)).await.reasons().len() == 1;
    crate::wait_for("a gap at the other node", told).await;
}
