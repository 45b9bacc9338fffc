//! Saying who one is by a command: first, late, never, wrongly, and again (S1, D8).

use std::time::Duration;

use encke_http::{ChannelSource, Payload};
use encke_ws::{Dialect, Input, WsConfig};

use crate::served::Served;

const ANNA: &str = r#"{"type":"authenticate","id":1,"token":"anna_1000_news"}"#;
const ADMITTED: &str =
    r#"{"type":"authenticated","id":1,"subject":"anna","expires":"1970-01-01T00:00:01.000Z"}"#;

#[tokio::test]
async fn s1_who_is_nobody_may_authenticate_and_nothing_else() {
    let served = Served::start(WsConfig::default()).await;
    let mut client = served.open("/ws").await;
    for command in [
        r#"{"type":"ping"}"#,
        r#"{"type":"subscribe","channels":["news"]}"#,
        r#"{"type":"unsubscribe","channels":["news"]}"#,
        r#"{"type":"publish","channel":"news","data":1}"#,
        r#"{"type":"presence","channel":"news"}"#,
    ] {
        client.is_refused(command, "unauthenticated").await;
    }
    for text in ["", "hello", r#"{"type":"authenticate","id":1}"#, r#"{"type":"fly"}"#] {
        client.is_refused(text, "bad-request").await;
    }
    assert_eq!(served.hub.log_info().head.seq, 0);
    assert!(served.hub.is_empty());

    client.ask(ANNA, ADMITTED).await;
    client
        .ask(r#"{"type":"subscribe","id":2,"channels":["news","@anna"]}"#, r#"{"type":"subscribed","id":2"#)
        .await;
    client.is_refused(r#"{"type":"subscribe","channels":["chat"]}"#, "forbidden").await;
    client.is_refused(r#"{"type":"subscribe","channels":["@bob"]}"#, "forbidden").await;
    client
        .ask(r#"{"type":"publish","id":3,"channel":"news","data":1}"#, r#"{"type":"published","id":3"#)
        .await;
    assert_eq!(client.message().await, "1");
}

#[tokio::test]
async fn s1_who_never_authenticates_is_closed() {
    let within = Duration::from_millis(100);
    let served = Served::start(WsConfig::default().authenticate(within)).await;
    let client = served.open("/ws").await;
    let (texts, code) = client.closed().await;
    assert_eq!(code, 1008);
    assert!(
        texts.len() == 1 && texts[0].contains(r#""type":"urn:encke:problem:unauthenticated""#),
        "{texts:?}"
    );

    // To talk does not buy time.
    let mut talker = served.open("/ws").await;
    talker.send(r#"{"type":"ping"}"#).await;
    assert_eq!(talker.closed().await.1, 1008);
}

#[tokio::test]
async fn s1_wrong_credentials_end_it_at_once() {
    let served = Served::start(WsConfig::default()).await;
    for token in ["anna", "", "anna_never_news", "anna_0_+lobby"] {
        let mut client = served.open("/ws").await;
        client.send(&format!(r#"{{"type":"authenticate","id":1,"token":"{token}"}}"#)).await;
        client.send(ANNA).await;
        let (texts, code) = client.closed().await;
        assert_eq!(code, 1008, "{token}");
        assert!(texts.len() == 1 && texts[0].contains("\"id\":1,\"problem\""), "{token}: {texts:?}");
    }
    assert!(served.hub.is_empty());
}

#[tokio::test]
async fn who_could_not_be_looked_at_tries_again() {
    let served = Served::start(WsConfig::default()).await;
    let mut client = served.open("/ws").await;
    client.is_refused(r#"{"type":"authenticate","token":"busy"}"#, "unavailable").await;
    client.ask(ANNA, ADMITTED).await;
}

#[tokio::test]
async fn s1_only_who_can_authenticate_by_a_command_is_let_in_without_a_token() {
    let served = Served::start(WsConfig::default()).await;
    let cases = [
        ("/ws", "", 101),
        ("/ws?channel=news", "", 401),
        ("/ws?token=anna", "", 401),
        ("/ws", "Authorization: Bearer anna\r\n", 401),
        ("/ws", "Sec-WebSocket-Protocol: encke.v1, encke.token.anna\r\n", 401),
        ("/ws", "Authorization: Bearer busy\r\n", 503),
        ("/ws?token=anna_1000_news&channel=chat", "", 403),
        ("/ws?token=anna_1000_news&channel=news", "", 101),
        ("/ws", "Sec-WebSocket-Protocol: encke.v1, encke.token.anna_1000_news\r\n", 101),
    ];
    for (target, headers, status) in cases {
        assert_eq!(served.handshake(target, headers).await, status, "{target} {headers}");
    }
    let fixed = ChannelSource::Fixed(vec![encke_core::Selector::new("news").unwrap()]);
    for (channels, input) in
        [(ChannelSource::default(), Input::Ignore), (fixed, Input::Commands { publish: true })]
    {
        let dialect = Dialect::Native { channels, payload: Payload::Envelope, input };
        let served = Served::start(WsConfig::default().dialect(dialect)).await;
        assert_eq!(served.handshake("/ws?channel=", "").await / 100, 4, "{input:?}");
    }
}

#[tokio::test]
async fn what_is_followed_without_asking_is_followed_from_the_first_command_on() {
    let served = Served::start(WsConfig::default()).await;
    let mut client = served.open("/ws").await;
    client
        .ask(
            r#"{"type":"authenticate","token":"anna_1000_+lobby"}"#,
            r#"{"type":"authenticated","subject":"anna""#,
        )
        .await;
    assert!(client.next().await.starts_with(r#"{"type":"subscribed","cursor":""#));
    served.publish("lobby", "1").await;
    assert_eq!(client.message().await, "1");

    client
        .ask(r#"{"type":"authenticate","token":"anna_1000_+hall_+lobby"}"#, r#"{"type":"authenticated""#)
        .await;
    assert!(client.next().await.starts_with(r#"{"type":"subscribed","channel":"hall","cursor":""#));
    served.publish("hall", "2").await;
    assert_eq!(client.message().await, "2");
}

/// D1, D2, D3 over three ends of tokens; who does not renew is ended by each.
#[tokio::test]
async fn d1_who_renews_outlives_his_tokens_and_misses_nothing() {
    const EACH: u64 = 20;
    let served = Served::start(WsConfig::default()).await;
    let mut client = served.open("/ws?token=anna_1000_news&channel=news").await;
    assert!(client.next().await.starts_with(r#"{"type":"subscribed""#));
    let mut sent = 0;
    let mut heard = Vec::new();
    for round in 1..=3 {
        let mut idle = served.open(&format!("/ws?token=bob_{round}000_news&channel=news")).await;
        idle.next().await;
        for step in 0..EACH {
            if step == EACH / 2 {
                let token = format!("anna_{}_news", (round + 1) * 1000);
                client.send(&format!(r#"{{"type":"authenticate","id":7,"token":"{token}"}}"#)).await;
            }
            sent += 1;
            served.publish("news", &sent.to_string()).await;
        }
        let mut renewed = false;
        while !renewed || heard.last() != Some(&sent) {
            let next = client.next().await;
            if next.starts_with(r#"{"type":"authenticated","id":7"#) {
                renewed = true;
            } else {
                assert!(next.starts_with(r#"{"type":"message""#), "{next}");
                let (_, data) = next.rsplit_once("\"data\":").unwrap();
                heard.push(data.trim_end_matches('}').parse().unwrap());
            }
        }
        served.set_time(round * 1000 + 500);
        // The hub has looked for what has expired.
        let (texts, code) = idle.closed().await;
        assert_eq!((code, texts.len()), (1008, usize::try_from(EACH).unwrap() + 1), "{texts:?}");
    }
    served.publish("news", "0").await;
    assert_eq!(client.message().await, "0");
    assert_eq!(heard, (1..=3 * EACH).collect::<Vec<_>>());
}

#[tokio::test]
async fn s1_a_token_of_another_subject_takes_nothing_over() {
    let served = Served::start(WsConfig::default()).await;
    let mut client = served.open("/ws?token=anna_1000_news&channel=news&channel=@anna").await;
    client.next().await;
    client.is_refused(r#"{"type":"authenticate","token":"bob_1000_news_chat"}"#, "forbidden").await;
    client.is_refused(r#"{"type":"authenticate","token":"nonsense"}"#, "unauthenticated").await;
    client.is_refused(r#"{"type":"authenticate","token":"busy"}"#, "unavailable").await;
    // All is as it was.
    for channel in ["chat", "@bob"] {
        client.is_refused(&format!(r#"{{"type":"subscribe","channels":["{channel}"]}}"#), "forbidden").await;
    }
    served.publish("@bob", "0").await;
    served.publish("@anna", "1").await;
    assert_eq!(client.message().await, "1");
}

#[tokio::test]
async fn d8_what_a_new_token_does_not_cover_is_told_and_not_delivered() {
    let served = Served::start(WsConfig::default()).await;
    let mut client = served.open("/ws?token=anna_1000_news_chat&channel=news&channel=chat").await;
    client.next().await;
    client.ask(ANNA, ADMITTED).await;
    assert_eq!(client.next().await, r#"{"type":"unsubscribed","channel":"chat"}"#);
    served.publish("chat", "1").await;
    served.publish("news", "2").await;
    assert_eq!(client.message().await, "2");
    client.is_refused(r#"{"type":"publish","channel":"chat","data":1}"#, "forbidden").await;
}
