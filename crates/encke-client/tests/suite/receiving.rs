use encke_client::{ClientError, LOST, Received, Resume, SubscribeOptions, Subscription, Transport};

use crate::script::{Answer, Connection, Says, Server, batch, message, whole};

const STREAMS: [Transport; 3] = [Transport::Sse, Transport::Iframe, Transport::Ws];

/// The next item as a word: a message's number, `gap` with its reason, or the place of a checkpoint.
pub(crate) async fn word(subscription: &mut Subscription) -> String {
    let item = subscription.next().await.unwrap().unwrap();
    match item.received {
        Received::Message(message) => message.seq.to_string(),
        Received::Gap(gap) => format!("gap {} {}..{}", gap.reason, gap.from, gap.to),
        Received::Checkpoint { cursor } => cursor,
        _ => "unknown".to_owned(),
    }
}

#[tokio::test]
async fn d4_a_stream_tells_the_place_and_then_its_messages() {
    for transport in STREAMS {
        let items = [message(6, 5), message(8, 6)];
        let says = Says { place: "7f3k2q9x-5", items: &items, end: None };
        let mut server = Server::start([Connection::holding([says.over(transport)])]).await;
        let mut subscription =
            server.subscribe(transport, SubscribeOptions::new(["news", "a b"]).since("-20"));
        assert_eq!(subscription.cursor(), None);
        assert_eq!(word(&mut subscription).await, "7f3k2q9x-5", "{transport}");
        let item = subscription.next().await.unwrap().unwrap();
        assert_eq!(item.json, items[0], "{transport}");
        assert_eq!(item.message().unwrap().data.to_string(), "{\"n\":1.0}");
        assert_eq!(subscription.cursor().unwrap().to_string(), "7f3k2q9x-6");
        assert_eq!(word(&mut subscription).await, "8", "{transport}");
        let target = server.target().await;
        let begin = format!("/base/{transport}?channel=news&channel=a+b&since=-20");
        assert!(target.starts_with(&begin), "{target}");
    }
}

#[tokio::test]
async fn polls_go_over_one_connection() {
    let answers = [
        batch(&[message(6, 5)], "7f3k2q9x-7"),
        batch(&[], "7f3k2q9x-7"),
        batch(&[message(9, 6)], "7f3k2q9x-9"),
    ];
    let mut server = Server::start([Connection::holding(answers)]).await;
    let options = SubscribeOptions::new(["news"]).since("earliest").interval(std::time::Duration::ZERO);
    let mut subscription = server.subscribe(Transport::Poll, options);
    for expected in ["6", "7f3k2q9x-7", "9"] {
        assert_eq!(word(&mut subscription).await, expected);
    }
    for since in ["earliest", "7f3k2q9x-7", "7f3k2q9x-7"] {
        assert_eq!(server.target().await, format!("/base/poll?channel=news&since={since}&limit=1000"));
    }
}

#[tokio::test]
async fn d4_a_long_poll_is_held_only_when_it_has_a_place() {
    let answers = [batch(&[], "7f3k2q9x-5"), batch(&[message(6, 5)], "7f3k2q9x-6")];
    let mut server = Server::start([Connection::holding(answers)]).await;
    let mut subscription = server.subscribe(Transport::LongPoll, SubscribeOptions::new(["news"]));
    assert_eq!(word(&mut subscription).await, "7f3k2q9x-5");
    assert_eq!(word(&mut subscription).await, "6");
    assert!(server.target().await.ends_with("since=latest&limit=1000&wait=0"));
    assert!(server.target().await.ends_with("since=7f3k2q9x-5&limit=1000&wait=25"));
}

#[tokio::test]
async fn d1_what_the_gateway_loses_is_a_gap_on_every_transport() {
    for transport in Transport::ALL {
        let says = Says { place: "7f3k2q9x-9", items: &[message(6, 5), message(9, 8)], end: None };
        let server = Server::start([Connection::holding([says.over(transport)])]).await;
        let options = SubscribeOptions::new(["news"]).since("7f3k2q9x-5");
        let mut subscription = server.subscribe(transport, options);
        let mut words = Vec::new();
        while words.last().is_none_or(|word| word != "9") {
            words.push(word(&mut subscription).await);
        }
        let lost = format!("gap {LOST} 7f3k2q9x-6..7f3k2q9x-8");
        assert!(words.ends_with(&["6".to_owned(), lost, "9".to_owned()]), "{transport}: {words:?}");
    }
}

#[tokio::test]
async fn a_gap_comes_as_the_gateway_wrote_it() {
    let gap = r#"{"type":"gap","channel":"news","from":"7f3k2q9x-1","to":"7f3k2q9x-5","reason":"trimmed"}"#;
    for transport in Transport::ALL {
        let items = [gap.to_owned(), message(6, 5)];
        let says = Says { place: "7f3k2q9x-6", items: &items, end: None };
        let server = Server::start([Connection::holding([says.over(transport)])]).await;
        let options = SubscribeOptions::new(["news"]).since("7f3k2q9x-1");
        let mut subscription = server.subscribe(transport, options);
        let mut item = subscription.next().await.unwrap().unwrap();
        if let Received::Checkpoint { .. } = item.received {
            item = subscription.next().await.unwrap().unwrap();
        }
        assert_eq!(item.gap().unwrap().reason, "trimmed", "{transport}");
        assert_eq!(item.json, gap);
        assert_eq!(word(&mut subscription).await, "6");
    }
}

#[tokio::test]
async fn without_resuming_every_end_is_told() {
    for transport in Transport::ALL {
        let says = |end| Says { place: "7f3k2q9x-5", items: &[], end };
        let options = || SubscribeOptions::new(["news"]).resume(Resume::Never);
        let server = Server::start([Connection::closing([says(Some(0)).over(transport)])]).await;
        let mut subscription = server.subscribe(transport, options());
        assert_eq!(word(&mut subscription).await, "7f3k2q9x-5");
        assert!(subscription.next().await.is_none(), "{transport}");
        if STREAMS.contains(&transport) {
            let server = Server::start([Connection::closing([says(None).over(transport)])]).await;
            let mut subscription = server.subscribe(transport, options());
            assert_eq!(word(&mut subscription).await, "7f3k2q9x-5");
            let end = subscription.next().await.unwrap();
            assert!(matches!(end, Err(ClientError::Cut(_))), "{transport}: {end:?}");
            assert!(subscription.next().await.is_none());
        }
    }
}

#[tokio::test]
async fn what_is_no_encke_is_said() {
    let page = || whole("200 OK", "content-type: text/plain\r\n", "welcome to the hotel");
    for transport in Transport::ALL {
        let server = Server::start([Connection::holding([page()])]).await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        let error = subscription.next().await.unwrap().unwrap_err();
        assert!(
            matches!(error, ClientError::Malformed(_) | ClientError::Refused { status: 200, .. }),
            "{transport}: {error}"
        );
    }
    let says = Says { place: "7f3k2q9x-5", items: &["{\"n\":1}".to_owned()], end: None };
    for transport in Transport::ALL {
        let server = Server::start([Connection::holding([says.over(transport)])]).await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        let mut next = subscription.next().await.unwrap();
        if next.is_ok() {
            next = subscription.next().await.unwrap();
        }
        assert!(matches!(next, Err(ClientError::Malformed(_))), "{transport}: {next:?}");
        assert!(subscription.next().await.is_none());
    }
}

#[tokio::test]
async fn a_binary_frame_is_no_item() {
    let server = Server::start([Connection::holding([Answer::Upgrade(vec![0x82, 1, 0])])]).await;
    let mut subscription = server.subscribe(Transport::Ws, SubscribeOptions::new(["news"]));
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Malformed(_)), "{error}");
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_cut() {
    for transport in STREAMS {
        let says = Says { place: "7f3k2q9x-5", items: &[], end: None };
        let server = Server::start([Connection::holding([says.over(transport)])]).await;
        let options = SubscribeOptions::new(["news"]).resume(Resume::Never);
        let mut subscription = server.subscribe(transport, options);
        assert_eq!(word(&mut subscription).await, "7f3k2q9x-5");
        tokio::time::pause();
        let error = subscription.next().await.unwrap().unwrap_err();
        tokio::time::resume();
        assert!(matches!(error, ClientError::Silent(_)), "{transport}: {error}");
    }
}
