//! What cannot be delivered is told.

use encke_client::{ClientError, Received, ReceivedGap, Transport};

use super::{
    Over,
    reader::{Reader, publish},
};

/// Five messages for each channel.
const SHORT: &str = "log.retention.count = 5";

fn only<'a>(gaps: &'a [ReceivedGap], reason: &str) -> &'a ReceivedGap {
    match gaps {
        [gap] if gap.reason == reason => gap,
        _ => panic!("one gap of reason {reason}, not {gaps:?}"),
    }
}

/// D1: a cursor that retention has overtaken gets a gap with its exact end, then the rest.
pub async fn d1_gap_when_trimmed(transport: Transport, over: Over) {
    let gateway = over.start(SHORT).await;
    let url = gateway.url();
    let cursors = publish(&url, "news", 0..20).await;
    let mut reader = Reader::new(&url, transport, &["news"], &cursors[3]);
    assert_eq!(reader.numbers(5).await, [15, 16, 17, 18, 19]);
    let gap = only(&reader.gaps, "trimmed");
    assert_eq!((gap.channel.as_str(), &gap.from, &gap.to), ("news", &cursors[3], &cursors[14]));
    // One that has lost nothing gets none.
    let mut reader = Reader::new(&url, transport, &["news"], &cursors[14]);
    assert_eq!(reader.numbers(5).await, [15, 16, 17, 18, 19]);
    assert!(reader.gaps.is_empty());
}

/// D1, L2: deleting a channel is a gap for those that had not read it, and its numbers are not used again.
pub async fn d1_gap_when_deleted(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    let cursors = publish(&url, "news", 0..5).await;
    assert_eq!(gateway.request("DELETE /channels/news", b"").await.status, 204);
    let after = publish(&url, "news", [5]).await;
    let mut reader = Reader::new(&url, transport, &["news"], &cursors[1]);
    assert_eq!(reader.numbers(1).await, [5]);
    let gap = only(&reader.gaps, "trimmed");
    assert_eq!((&gap.from, &gap.to), (&cursors[1], &cursors[4]));
    assert!(!cursors.contains(&after[0]), "L2");
}

/// D7: a cursor of another life gets a gap, then all there is in this one.
pub async fn d7_gap_of_another_epoch(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    publish(&url, "news", 0..3).await;
    let mut reader = Reader::new(&url, transport, &["news"], "00000000-1000");
    assert_eq!(reader.numbers(3).await, [0, 1, 2]);
    assert_eq!(only(&reader.gaps, "epoch").from, "00000000-1000");
}

/// D7: a cursor ahead of the log gets a gap, then what comes. Never a wait for a number that may never come.
pub async fn d7_gap_from_the_future(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    let cursors = publish(&url, "news", 0..3).await;
    let (epoch, _) = cursors[2].split_once('-').expect("a cursor");
    let future = format!("{epoch}-{}", u64::MAX);
    let mut reader = Reader::new(&url, transport, &["news"], &future);
    while reader.gaps.is_empty() {
        match reader.item().await {
            Some(Ok(Received::Gap(gap))) => reader.gaps.push(gap),
            Some(Ok(_)) => {}
            other => panic!("D7: a cursor of the future is answered with {other:?}"),
        }
    }
    publish(&url, "news", [3]).await;
    assert_eq!(reader.numbers(1).await, [3]);
    let gap = only(&reader.gaps, "future");
    assert_eq!((&gap.from, &gap.to), (&future, &cursors[2]));
}

/// D7: what is no place is refused, and says what one looks like.
pub async fn d7_malformed_is_refused(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    for since in ["nonsense", "7f3k2q9x--1", "7f3k2q9x-1e3", "7f3k2q9x-18446744073709551616", "-5w"] {
        let mut reader = Reader::new(&gateway.url(), transport, &["news"], since);
        match reader.item().await {
            Some(Err(ClientError::Problem(problem))) => {
                assert_eq!((problem.status, problem.kind.as_ref()), (400, "urn:encke:problem:bad-since"));
            }
            other => panic!("D7: {since} is answered with {other:?}"),
        }
    }
}

/// A channel that is quiet while others are busy has lost nothing, however old its cursor.
pub async fn a_quiet_channels_cursor_does_not_age(transport: Transport, over: Over) {
    let gateway = over.start(SHORT).await;
    let url = gateway.url();
    let cursors = publish(&url, "quiet", 0..3).await;
    publish(&url, "busy", 0..100).await;
    let mut reader = Reader::new(&url, transport, &["quiet"], &cursors[0]);
    assert_eq!(reader.numbers(2).await, [1, 2]);
    publish(&url, "quiet", [3]).await;
    assert_eq!(reader.numbers(1).await, [3]);
    assert!(reader.gaps.is_empty(), "{:?}", reader.gaps);
}
