//! What is not there is told.

use std::time::Duration;

use encke_core::{Cursor, Epoch, GapReason, Keep, Limit, Since};

use super::{EngineUnderTest, Place, node::drain};

/// D1: a gap that ends where the messages begin.
pub async fn d1_a_trimmed_cursor_gets_a_gap<E: EngineUnderTest>() {
    let node = Place::<E>::with(|limits| limits.retention.count = 10).await.open().await;
    let cursors = node.publish_all("a", 0..30).await;
    for selector in ["a", "*"] {
        let read = node.read(&[selector], Since::After(cursors[3])).await;
        assert_eq!(read.texts().len(), 10, "{selector}");
        assert_eq!(read.reasons(), [(selector.to_owned(), GapReason::Trimmed)], "D1");
        assert_eq!((read.gaps[0].from, read.gaps[0].to), (cursors[3], cursors[19]), "D1: {selector}");
        let read = node.read(&[selector], Since::After(cursors[19])).await;
        assert_eq!((read.messages.len(), read.gaps.len()), (10, 0), "D1: nothing is missing for {selector}");
    }
}

/// D1: what goes between two pages is told before what follows.
pub async fn d1_a_reader_is_told_of_what_goes_while_it_reads<E: EngineUnderTest>() {
    for selector in ["a", "*"] {
        let node = Place::<E>::new().await.open().await;
        let cursors = node.publish_all("a", 0..40).await;
        let mut reader = node.subscribe(&[selector], Since::Earliest).await;
        let first = reader.read(Limit { messages: 5, bytes: 1 << 20 }).await.expect("a page");
        assert_eq!((first.messages.len(), first.cursor), (5, cursors[4]));
        assert_eq!(node.trim("a", Keep::Newest(20)).await, Some(20));
        let rest = drain(&mut reader).await;
        assert_eq!(rest.seqs(), cursors[20..].iter().map(|cursor| cursor.seq).collect::<Vec<_>>());
        assert_eq!(rest.reasons(), [(selector.to_owned(), GapReason::Slow)], "D1");
        assert_eq!((rest.gaps[0].from, rest.gaps[0].to), (cursors[4], cursors[19]), "D1: {selector}");
    }
}

/// D5, D7: whoever comes back for each batch, with the place of the one before, comes to the end.
pub async fn d5_one_batch_at_a_time_comes_to_the_end<E: EngineUnderTest>() {
    let node = Place::<E>::with(|limits| limits.retention.count = 10).await.open().await;
    let cursors = node.publish_all("a", 0..30).await;
    for selector in ["a", "*"] {
        let (mut place, mut seqs, mut reasons) = (cursors[3], Vec::new(), Vec::new());
        for _ in 0..30 {
            let mut reader = node.subscribe(&[selector], Since::After(place)).await;
            let batch = reader.read(Limit { messages: 3, bytes: 1 << 20 }).await.expect("a batch");
            seqs.extend(batch.messages.iter().map(encke_core::Delivery::seq));
            reasons.extend(batch.gaps.iter().map(|gap| gap.reason));
            place = batch.cursor;
        }
        let kept: Vec<_> = cursors[20..].iter().map(|cursor| cursor.seq).collect();
        assert_eq!((seqs, reasons, place), (kept, vec![GapReason::Trimmed], cursors[29]), "D5: {selector}");
    }
}

/// D7: of another life, and of the future.
pub async fn d7_a_cursor_that_is_no_place_gets_a_gap<E: EngineUnderTest>() {
    let node = Place::<E>::new().await.open().await;
    let cursors = node.publish_all("a", 0..20).await;
    let foreign = Cursor { epoch: Epoch::from_bits(!cursors[0].epoch.bits()), seq: 7 };
    let read = node.read(&["a"], Since::After(foreign)).await;
    assert_eq!((read.texts().len(), read.reasons()), (20, vec![("a".to_owned(), GapReason::Epoch)]), "D7");
    let future = Cursor { seq: cursors[19].seq + 1_000, ..cursors[19] };
    let mut reader = node.subscribe(&["a"], Since::After(future)).await;
    let read = drain(&mut reader).await;
    assert_eq!((read.texts().len(), read.reasons()), (0, vec![("a".to_owned(), GapReason::Future)]), "D7");
    assert_eq!((read.gaps[0].from, read.gaps[0].to), (future, cursors[19]), "D7");
    node.publish(&["a"], "next").await;
    assert_eq!(drain(&mut reader).await.texts(), ["next"], "D7: it goes on");
}

/// D8: what is too old for the reader is not read, wherever it is, and a cursor before it gets a gap.
pub async fn d8_a_floor_holds_for_what_is_not_in_memory<E: EngineUnderTest>() {
    let place = Place::<E>::new().await;
    let node = place.open().await;
    let mut cursors = Vec::new();
    for number in 0..30 {
        cursors.push(node.publish(&["a"], &number.to_string()).await);
        place.pass(Duration::from_secs(10));
    }
    // The message `number` is `10 * (30 - number)` seconds old.
    let grant = node.reader_of(Duration::from_secs(155)).await;
    let young: Vec<_> = cursors[15..].iter().map(|cursor| cursor.seq).collect();
    for selector in ["a", "*"] {
        for since in [
            Since::Earliest,
            Since::Last(100),
            Since::Ago(Duration::from_secs(3_600)),
            Since::At(encke_core::Timestamp::from_millis(1)),
        ] {
            let read = drain(&mut node.subscribe_as(&grant, &[selector], since).await).await;
            assert_eq!((read.seqs(), read.gaps.len()), (young.clone(), 0), "D8: {selector} {since:?}");
        }
        let read = drain(&mut node.subscribe_as(&grant, &[selector], Since::After(cursors[4])).await).await;
        assert_eq!(
            (read.seqs(), read.reasons()),
            (young.clone(), vec![(selector.to_owned(), GapReason::Trimmed)])
        );
        assert_eq!((read.gaps[0].from, read.gaps[0].to), (cursors[4], cursors[14]), "D8: {selector}");
        let read = drain(&mut node.subscribe_as(&grant, &[selector], Since::After(cursors[20])).await).await;
        assert_eq!((read.seqs().len(), read.gaps.len()), (9, 0), "D8: {selector}");
    }
}

/// A channel that is quiet while others are busy has lost nothing, however old its cursor.
pub async fn a_quiet_channels_cursor_does_not_age<E: EngineUnderTest>() {
    let node = Place::<E>::with(|limits| limits.retention.count = 10).await.open().await;
    let cursors = node.publish_all("quiet", 0..3).await;
    node.publish_all("busy", 0..60).await;
    let read = node.read(&["quiet"], Since::After(cursors[0])).await;
    assert_eq!((read.texts(), read.gaps.len()), (vec!["1", "2"], 0));
}
