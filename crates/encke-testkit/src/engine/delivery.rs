//! Everything arrives, once, in order, also what is not in memory any more.

use encke_core::Since;

use super::{
    EngineUnderTest, Place,
    node::{drain, selectors, wait_for},
};

/// D1: a thousand messages behind, by name and by pattern.
pub async fn d1_a_reader_that_is_far_behind_gets_everything<E: EngineUnderTest>() {
    let node = std::sync::Arc::new(Place::<E>::new().await.open().await);
    let place = node.log().head();
    let mut publishers = tokio::task::JoinSet::new();
    for channel in ["a.x", "a.y", "b"] {
        let node = std::sync::Arc::clone(&node);
        publishers.spawn(async move { node.publish_all(channel, 0..200).await });
    }
    publishers.join_all().await;
    for (selector, count) in [("a.x", 200), ("a.*", 400), ("**", 600)] {
        for since in [Since::Earliest, Since::After(place)] {
            let read = node.read(&[selector], since).await;
            assert_eq!((read.messages.len(), read.gaps.len()), (count, 0), "D1: {selector} {since:?}");
            for channel in ["a.x", "a.y", "b"] {
                let own = read.messages.iter().filter(|delivery| delivery.channel().as_str() == channel);
                let numbers: Vec<u32> = own.filter_map(|own| own.message().as_text()?.parse().ok()).collect();
                assert!(numbers.is_empty() || numbers.iter().copied().eq(0..200), "D1: {channel}");
            }
        }
    }
}

/// D2: nothing at or below the cursor comes again, everything after it does.
pub async fn d2_every_cursor_resumes<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    let cursors = node.publish_all("a", 0..40).await;
    let seqs: Vec<_> = cursors.iter().map(|cursor| cursor.seq).collect();
    for (index, cursor) in cursors.iter().enumerate() {
        let read = node.read(&["a"], Since::After(*cursor)).await;
        assert_eq!((read.seqs(), read.gaps.len()), (seqs[index + 1..].to_vec(), 0), "D2: after {cursor}");
        assert_eq!(read.cursor, Some(cursors[39]), "D4");
    }
}

/// D3: one order over all that is followed, and a message in several of its channels comes once, by all of them.
pub async fn d3_channels_and_patterns_come_in_one_order<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    let mut all = Vec::new();
    for number in 0..15 {
        let text = number.to_string();
        all.push(node.publish(&["a.x"], &text).await.seq);
        all.push(node.publish(&["b", "a.y", "a.x"], &text).await.seq);
        node.publish(&["c"], &text).await;
        all.push(node.publish(&["b"], &text).await.seq);
    }
    for texts in [&["a.x", "b"][..], &["b", "a.*"], &["a.x", "a.*", "b"]] {
        let mut reader = node.subscribe(texts, Since::Earliest).await;
        let read = wait_for(&mut reader, all.len()).await;
        assert_eq!(read.seqs(), all, "D3: {texts:?}");
        let both = read.messages[1].also().map(|(channel, _)| channel.as_str()).collect::<Vec<_>>();
        let also: &[_] = if texts[1] == "a.*" { &["a.y", "a.x"] } else { &["a.x"] };
        assert_eq!((read.messages[1].channel().as_str(), &both[..]), ("b", also), "{texts:?}");
    }
}

/// D4: a place before any message, also for a channel that is not there yet.
pub async fn d4_a_cursor_before_any_message<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    let place = node.subscribe(&["none.yet"], Since::Latest).await.cursor();
    node.publish_all("none.yet", 0..10).await;
    for texts in [["none.yet"], ["none.*"]] {
        let read = node.read(&texts, Since::After(place)).await;
        assert_eq!((read.messages.len(), read.gaps.len()), (10, 0), "D4: {texts:?}");
    }
}

/// D6: what is acknowledged after the position is delivered.
pub async fn d6_nothing_is_lost_after_the_position<E: EngineUnderTest>() {
    let node = std::sync::Arc::new(Place::<E>::new().await.open().await);
    let publisher = std::sync::Arc::clone(&node);
    let publishing = tokio::spawn(async move { publisher.publish_all("a", 0..150).await });
    let mut begun = Vec::new();
    while !publishing.is_finished() {
        let reader = node.subscribe(&["a"], Since::Latest).await;
        let place = reader.cursor();
        begun.push((place, reader));
        tokio::task::yield_now().await;
        if begun.len() > 500 {
            begun.remove(0);
        }
    }
    let cursors = publishing.await.expect("publishes that are answered");
    for (place, reader) in &mut begun {
        let read = drain(reader).await;
        let expected: Vec<_> =
            cursors.iter().map(|cursor| cursor.seq).filter(|seq| *seq > place.seq).collect();
        assert_eq!((read.seqs(), read.gaps.len()), (expected, 0), "D6: from {place}");
    }
}

/// D1, D2: what is followed later, from an older place, is made good without what came already.
pub async fn d1_an_older_cursor_joins_what_is_followed<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    let begin = node.log().head();
    for number in 0..20 {
        node.publish(&["a"], &format!("a{number}")).await;
        node.publish(&["a", "b"], &format!("both{number}")).await;
        node.publish(&["b"], &format!("b{number}")).await;
    }
    let mut reader = node.subscribe(&["a"], Since::After(begin)).await;
    assert_eq!(drain(&mut reader).await.messages.len(), 40);
    let grant = node.grant().await;
    let at = reader.follow(&grant, selectors(&["b"]), Since::After(begin)).await.expect("a place");
    assert_eq!((at, reader.cursor()), (begin, begin), "D4: its place goes back");
    let read = drain(&mut reader).await;
    let expected: Vec<_> = (0..20).map(|number| format!("b{number}")).collect();
    assert_eq!((read.texts(), read.gaps.len()), (expected.iter().map(String::as_str).collect(), 0), "D2");
    node.publish(&["b", "a"], "live").await;
    assert_eq!(drain(&mut reader).await.texts(), ["live"]);
    assert_eq!(reader.cursor(), node.log().head());
}
