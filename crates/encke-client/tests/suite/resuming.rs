use encke_client::{ClientError, Resume, SubscribeOptions, Transport};

use crate::{
    receiving::word,
    script::{Answer, Connection, Says, Server, batch, close, frame, header, last_batch, message, whole},
};

const STREAMS: [Transport; 3] = [Transport::Sse, Transport::Iframe, Transport::Ws];

#[tokio::test]
async fn a_cut_stream_goes_on_from_its_cursor() {
    for transport in STREAMS {
        let first = Says { place: "7f3k2q9x-5", items: &[message(6, 5)], end: None };
        let second = Says { place: "7f3k2q9x-6", items: &[message(8, 6)], end: None };
        let mut server = Server::start([
            Connection::closing([first.over(transport)]),
            Connection::holding([second.over(transport)]),
        ])
        .await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        for expected in ["7f3k2q9x-5", "6", "8"] {
            assert_eq!(word(&mut subscription).await, expected, "{transport}");
        }
        assert!(server.target().await.contains("since=latest"));
        let resumed = server.request().await;
        assert!(resumed.contains("since=7f3k2q9x-6"), "{resumed}");
        let last = (transport == Transport::Sse).then_some("7f3k2q9x-6");
        assert_eq!(header(&resumed, "last-event-id"), last);
    }
}

#[tokio::test]
async fn a_stream_that_ends_of_itself_is_taken_up_again() {
    for transport in STREAMS {
        let first = Says { place: "7f3k2q9x-5", items: &[], end: Some(0) };
        let second = Says { place: "7f3k2q9x-7", items: &[message(8, 4)], end: None };
        let mut server = Server::start([
            Connection::closing([first.over(transport)]),
            Connection::holding([second.over(transport)]),
        ])
        .await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        for expected in ["7f3k2q9x-5", "7f3k2q9x-7", "8"] {
            assert_eq!(word(&mut subscription).await, expected, "{transport}");
        }
        server.request().await;
        assert!(server.target().await.contains("since=7f3k2q9x-5"));
    }
}

#[tokio::test]
async fn a_poll_survives_a_connection_that_closes() {
    for transport in [Transport::Poll, Transport::LongPoll] {
        let mut server = Server::start([
            Connection::closing([batch(&[message(6, 5)], "7f3k2q9x-6")]),
            Connection::closing([Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n".to_vec())]),
            Connection::holding([batch(&[message(7, 6)], "7f3k2q9x-7")]),
        ])
        .await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        assert_eq!(word(&mut subscription).await, "6");
        assert_eq!(word(&mut subscription).await, "7", "{transport}");
        assert!(server.target().await.contains("since=latest"));
        assert!(server.target().await.contains("since=7f3k2q9x-6"));
        assert!(server.target().await.contains("since=7f3k2q9x-6"));
    }
}

#[tokio::test]
async fn d10_a_subscription_changes_its_transport_and_goes_on() {
    let mut script = Vec::new();
    for (index, transport) in (0u64..).zip(Transport::ALL) {
        let seq = 10 * (index + 1);
        let items = [message(seq, seq - 10), message(seq + 1, seq)];
        let place = format!("7f3k2q9x-{}", seq - 10);
        script.push(match transport {
            Transport::LongPoll => last_batch(&items, &place),
            _ => Says { place: &place, items: &items, end: None }.over(transport),
        });
    }
    // A connection that was read to its end is used again, whatever is asked next.
    let streams = script.split_off(2);
    let mut connections = vec![Connection::holding(script)];
    connections.extend(streams.into_iter().map(|answer| Connection::holding([answer])));
    let mut server = Server::start(connections).await;
    let options = SubscribeOptions::new(["news"]).since("7f3k2q9x-0");
    let mut subscription = server.subscribe(Transport::ALL[0], options);
    for (index, transport) in (0u64..).zip(Transport::ALL) {
        // The second message of each connection is not taken: it comes again elsewhere, or not.
        subscription.switch(transport);
        assert_eq!(subscription.transport(), transport);
        let seq = (10 * (index + 1)).to_string();
        let mut next = word(&mut subscription).await;
        if next.contains('-') {
            next = word(&mut subscription).await;
        }
        assert_eq!(next, seq, "{transport}");
        let since = format!("since=7f3k2q9x-{}&", 10 * index);
        assert!(format!("{}&", server.target().await).contains(&since), "{transport}: {since}");
    }
}

#[tokio::test]
async fn an_ended_subscription_goes_on_after_a_switch() {
    let mut server = Server::start([
        Connection::closing([batch(&[message(6, 5)], "7f3k2q9x-6")]),
        Connection::holding([batch(&[message(7, 6)], "7f3k2q9x-7")]),
    ])
    .await;
    let options = SubscribeOptions::new(["news"]).resume(Resume::Never);
    let mut subscription = server.subscribe(Transport::Poll, options);
    assert_eq!(word(&mut subscription).await, "6");
    assert!(subscription.next().await.is_none());
    subscription.switch(Transport::LongPoll);
    assert_eq!(word(&mut subscription).await, "7");
    assert!(server.target().await.starts_with("/base/poll"));
    assert!(server.target().await.starts_with("/base/longpoll"));
}

const DRAINING: &str = r#"{"type":"urn:encke:problem:draining","title":"This node is being drained",
    "status":503,"detail":"bye","remedy":"come-back-later","retry_after":0}"#;

#[tokio::test]
async fn s4_a_drain_is_no_failure() {
    let headers = "content-type: application/problem+json\r\nretry-after: 0\r\n";
    for transport in Transport::ALL {
        let says = Says { place: "7f3k2q9x-5", items: &[message(6, 5)], end: None };
        let server = Server::start([
            Connection::closing([whole("503 Service Unavailable", headers, DRAINING)]),
            Connection::holding([says.over(transport)]),
        ])
        .await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        let mut next = word(&mut subscription).await;
        if next.contains('-') {
            next = word(&mut subscription).await;
        }
        assert_eq!(next, "6", "{transport}");
    }
    let error = format!("{{\"type\":\"error\",\"problem\":{DRAINING}}}");
    let says = Says { place: "7f3k2q9x-5", items: &[message(6, 5)], end: None };
    let server = Server::start([
        Connection::closing([Answer::Upgrade([frame(&error), close(1012, "drained")].concat())]),
        Connection::holding([says.over(Transport::Ws)]),
    ])
    .await;
    let mut subscription = server.subscribe(Transport::Ws, SubscribeOptions::new(["news"]));
    assert_eq!(word(&mut subscription).await, "7f3k2q9x-5");
}

#[tokio::test]
async fn attempts_have_an_end() {
    let says = Says { place: "7f3k2q9x-5", items: &[], end: None };
    let server = Server::start([Connection::closing([says.over(Transport::Sse)])]).await;
    let options = SubscribeOptions::new(["news"]).resume(Resume::Attempts(1));
    let mut subscription = server.subscribe(Transport::Sse, options);
    assert_eq!(word(&mut subscription).await, "7f3k2q9x-5");
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert!(subscription.next().await.is_none());
}
