//! What a client does by POST to its own live streams (S1, D8).

use encke_client::{ClientError, Received, Resume, SubscribeOptions, Transport};

use crate::served::{Served, follow, message, next};

const STREAMS: [Transport; 2] = [Transport::Ws, Transport::Sse];
const TOKEN: &str = "anna_1000_news_news.*_chat.*";

fn headers(name: &str, token: &str) -> String {
    format!("Authorization: Bearer {token}\r\nEncke-Client: {name}\r\n")
}

#[tokio::test]
async fn a_stream_follows_more_and_less() {
    for transport in STREAMS {
        let served = Served::start().await;
        let anna = served.client("tab-1", TOKEN);
        let mut stream = follow(&anna, transport, &["news.*"]).await;
        let own = headers("tab-1", TOKEN);
        let subscribe = r#"{"type":"subscribe","id":1,"channels":["chat.a","@anna"]}"#;
        let (status, body) = served.post("/command", &own, subscribe).await;
        assert_eq!((status, body.as_str()), (200, r#"{"type":"subscribed","id":1,"streams":1}"#));
        for expected in ["chat.a", "@anna"] {
            let item = next(&mut stream).await;
            let Received::Subscribed { channel, .. } = item.received else { panic!("{}", item.json) };
            assert_eq!(channel, expected, "{transport}");
        }
        served.publish("/publish?channel=chat.a", "1").await;
        served.publish("/publish?user=anna&channel=news.eu", "2").await;
        assert_eq!([message(&mut stream).await, message(&mut stream).await], ["1", "2"], "{transport}");

        // It follows by the pattern, so that is what it would have to leave.
        let one = r#"{"type":"unsubscribe","channels":["news.eu"]}"#;
        assert_eq!(served.post("/command", &own, one).await.0, 404);
        let unsubscribe = r#"{"type":"unsubscribe","channels":["chat.a"]}"#;
        let (status, body) = served.post("/command", &own, unsubscribe).await;
        assert_eq!((status, body.as_str()), (200, r#"{"type":"unsubscribed","streams":1}"#));
        let item = next(&mut stream).await;
        assert!(matches!(&item.received, Received::Unsubscribed { channel } if channel == "chat.a"));
        served.publish("/publish?channel=chat.a", "3").await;
        served.publish("/publish?channel=news.eu", "4").await;
        assert_eq!(message(&mut stream).await, "4", "{transport}");
    }
}

#[tokio::test]
async fn s1_nobody_changes_the_streams_of_others() {
    for transport in STREAMS {
        let served = Served::start().await;
        let anna = served.client("tab-1", TOKEN);
        let mut stream = follow(&anna, transport, &["news"]).await;
        let others = [
            ("tab-1", "bob_1000_news_chat.*", 404),
            ("tab-2", TOKEN, 404),
            ("tab-1", "-_1000_news_chat.*", 403),
            ("tab-1", "app", 403),
        ];
        for (name, token, expected) in others {
            for command in ["subscribe", "unsubscribe"] {
                let channel = if command == "subscribe" { "chat.a" } else { "news" };
                let text = format!(r#"{{"type":"{command}","channels":["{channel}"]}}"#);
                let (status, body) = served.post("/command", &headers(name, token), &text).await;
                assert_eq!(status, expected, "{name} {token} {command}: {body}");
            }
            if token != "app" {
                let authenticate = format!(r#"{{"type":"authenticate","token":"{token}"}}"#);
                let (_, body) = served.post("/command", &headers(name, "x"), &authenticate).await;
                assert!(body.ends_with(r#""streams":0}"#), "{name} {token}: {body}");
            }
        }
        served.publish("/publish?channel=chat.a", "1").await;
        served.publish("/publish?channel=news", "2").await;
        let item = next(&mut stream).await;
        assert_eq!(
            item.message().map(|message| message.data.to_string()).as_deref(),
            Some("2"),
            "{}",
            item.json
        );
    }
}

#[tokio::test]
async fn a_stream_follows_no_more_than_it_may() {
    let served = Served::start().await;
    let anna = served.client("tab-1", TOKEN);
    let mut stream = follow(&anna, Transport::Sse, &["news"]).await;
    let names = |count: usize| (0..count).map(|n| format!("\"news.{n}\"")).collect::<Vec<_>>().join(",");
    let subscribe = |count| format!(r#"{{"type":"subscribe","channels":[{}]}}"#, names(count));
    let (status, body) = served.post("/command", &headers("tab-1", TOKEN), &subscribe(8)).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(served.post("/command", &headers("tab-1", TOKEN), &subscribe(7)).await.0, 200);
    for _ in 0..7 {
        assert!(matches!(next(&mut stream).await.received, Received::Subscribed { .. }));
    }
}

/// D1, D2, D3 over three ends of tokens on each transport; who does not renew is ended by each.
#[tokio::test]
async fn d1_who_renews_by_post_outlives_his_tokens_and_misses_nothing() {
    let served = Served::start().await;
    let token = |subject: &str, round: u64| format!("{subject}_{}_news", round * 1000);
    let mut all = Vec::new();
    for transport in [Transport::Ws, Transport::Sse, Transport::LongPoll] {
        let anna = served.client(transport.as_str(), &token("anna", 1));
        all.push((follow(&anna, transport, &["news"]).await, anna, Vec::new()));
    }
    let mut sent = 0;
    for round in 1..=3 {
        let bob = served.client("tab-1", &token("bob", round));
        let options = SubscribeOptions::new(["news"]).resume(Resume::Never);
        let mut idle = bob.subscribe(Transport::Sse, options);
        next(&mut idle).await;
        for step in 0..10 {
            sent += 1;
            served.publish("/publish?channel=news", &sent.to_string()).await;
            if step == 4 {
                for (_, anna, _) in &all {
                    anna.authenticate(&token("anna", round + 1)).await.unwrap();
                }
            }
        }
        served.set_time(round * 1000 + 500);
        // The hub has looked for what has expired.
        while let Some(Ok(_)) = idle.next().await {}
        sent += 1;
        served.publish("/publish?channel=news", &sent.to_string()).await;
        for (stream, _, heard) in &mut all {
            while heard.last() != Some(&sent) {
                heard.push(message(stream).await.parse::<u64>().unwrap());
            }
        }
    }
    for (stream, _, heard) in &all {
        assert_eq!(*heard, (1..=sent).collect::<Vec<_>>(), "{}", stream.transport());
    }
}

#[tokio::test]
async fn d8_what_a_new_token_does_not_cover_is_left_and_then_it_is_over() {
    for transport in STREAMS {
        let served = Served::start().await;
        let anna = served.client("tab-1", "anna_1000_news_chat.*");
        let mut stream = follow(&anna, transport, &["news", "chat.a"]).await;
        assert_eq!(anna.authenticate("anna_1000_news").await.unwrap(), 1);
        let item = next(&mut stream).await;
        assert!(matches!(&item.received, Received::Unsubscribed { channel } if channel == "chat.a"));
        served.publish("/publish?channel=chat.a", "1").await;
        served.publish("/publish?channel=news", "2").await;
        assert_eq!(message(&mut stream).await, "2", "{transport}");

        anna.authenticate("anna_1000").await.unwrap();
        let item = next(&mut stream).await;
        assert!(matches!(&item.received, Received::Unsubscribed { channel } if channel == "news"));
        let end = stream.next().await.unwrap().unwrap_err();
        assert!(matches!(end, ClientError::Closed(_)), "{transport}: {end}");
    }
}
