//! Slow readers, heartbeats, and the end.

use std::time::Duration;

use encke_client::{Client, ClientError, Resume, Transport};
use encke_core::{ChannelName, Message};
use tokio::time::timeout;

use super::{
    Over,
    reader::{Reader, publish, publish_to},
};
use crate::PATIENCE;

/// D9: a reader that stops reading costs nothing, and learns what it missed.
pub async fn d9_a_slow_reader_is_told(transport: Transport, over: Over) {
    let gateway = over.start("log.retention.count = 10").await;
    let url = gateway.url();
    let mut reader = Reader::new(&url, transport, &["news"], "latest");
    reader.place().await;
    // Far more than the buffers of both ends hold; this reader takes none of it meanwhile.
    let filler = "x".repeat(60_000);
    for number in 0..300 {
        publish_to(&url, &["news"], Message::json(format!("{{\"n\":{number},\"filler\":\"{filler}\"}}")))
            .await;
    }
    let mut last = None;
    while last != Some(299) {
        let message = reader.messages(1).await.remove(0);
        let number = message.data.pointer("/n").and_then(|number| number.as_u64());
        assert!(number > last, "D3: {number:?} after {last:?}");
        let missed = number != last.map_or(Some(0), |last| Some(last + 1));
        assert!(!missed || !reader.gaps.is_empty(), "D1: {number:?} after {last:?} without a gap");
        last = number;
    }
    assert!(!reader.gaps.is_empty(), "what a reader of ten retained messages missed was told");
}

/// A publish beyond the limit is refused with its reason, and followers go on.
pub async fn oversize_is_refused_and_harms_nobody(transport: Transport, over: Over) {
    let gateway = over.start("limits.message = \"1KiB\"").await;
    let url = gateway.url();
    let mut reader = Reader::new(&url, transport, &["news"], "latest");
    reader.place().await;
    let client = Client::new(&url).expect("a URL");
    let news = [ChannelName::new("news").expect("a name")];
    match client.publish(&news, &Message::text("x".repeat(1_025))).await {
        Err(ClientError::Problem(problem)) => assert_eq!(problem.status, 413),
        other => panic!("413, not {other:?}"),
    }
    publish_to(&url, &["news"], Message::text("x".repeat(1_024))).await;
    assert_eq!(reader.messages(1).await[0].data.as_str().map(str::len), Some(1_024));
}

/// While nothing comes on its channels, a reader's place still moves with the log.
pub async fn heartbeats_tell_the_place(transport: Transport, over: Over) {
    let gateway = over.start("stream.heartbeat = \"50ms\"").await;
    let url = gateway.url();
    let mut reader = Reader::new(&url, transport, &["quiet"], "latest");
    reader.place().await;
    let moved = publish(&url, "busy", 0..3).await.remove(2);
    let reached = async {
        while reader.place().await != moved {
            assert!(reader.item().await.is_some_and(|item| item.is_ok()));
        }
    };
    timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("the place has not come to {moved}"));
}

/// S4: a drain delivers what was acknowledged before it, and tells each client its place.
pub async fn s4_a_drain_loses_nothing(transport: Transport, over: Over) {
    let mut gateway = over.start("drain.window = \"1s\"").await;
    let url = gateway.url();
    let mut reader = Reader::with(&url, transport, &["news"], "latest", Resume::Attempts(2));
    reader.place().await;
    publish(&url, "news", 0..10).await;
    gateway.begin_stop();
    let mut numbers = Vec::new();
    let mut place = String::new();
    // It comes back as long as it is let in, and ends when it has come back in vain.
    while let Some(Ok(item)) = reader.item().await {
        if let encke_client::Received::Message(message) = item {
            numbers.extend(message.data.as_u64());
        }
        place = reader.cursor();
    }
    assert_eq!(numbers, (0..10).collect::<Vec<_>>(), "S4");
    assert_eq!(place, gateway.hub().log_info().head.to_string());
    gateway.stop().await;
}

/// A client that went away leaves nothing behind.
pub async fn frees_everything_when_it_leaves(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    let mut reader = Reader::new(&url, transport, &["gone.*", "gone"], "latest");
    reader.place().await;
    drop(reader);
    let gone = async {
        while !gateway.hub().is_empty() || gateway.hub().log_info().channels > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{} are left", gateway.hub().len()));
}
