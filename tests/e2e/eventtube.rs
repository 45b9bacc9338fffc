//! The clients of EventTube: they and the native ones hear each other, and nothing that they send does harm.

use encke_testkit::{CutProxy, Raw, TestGateway};
use serde_json::json;

use crate::{seeds::Client, ws::Peer};

const SEEDS: &str = include_str!("../../examples/seeds.toml");

impl Peer {
    /// A client that is told who it is, and subscribes to `channels`. It subscribes last to a channel of its own: when that
    /// brings what it publishes there, the gateway has done all of it.
    async fn client(gateway: &TestGateway, path: &str, channels: &[&str]) -> Self {
        let mut peer = Self::open(gateway, path).await;
        let greeting = peer.next().await;
        assert_eq!(greeting["event"], "CLIENT_CONNECTED");
        let id = greeting["data"].as_str().unwrap();
        assert_eq!(id.len(), 16);
        for channel in channels.iter().chain([&id]) {
            peer.send(&json!({ "event": channel, "type": "subscribe" })).await;
        }
        peer.send(&json!({ "event": id, "type": "publish", "data": "mine" })).await;
        assert_eq!(peer.next().await, json!({ "event": id, "data": "mine" }));
        peer
    }

    /// Expects that the next frame says what is wrong, in words that have `part` among them.
    async fn expect_error(&mut self, part: &str) {
        let frame = self.next().await;
        assert_eq!((&frame["type"], &frame["event"]), (&json!("error"), &json!("")), "{frame}");
        assert!(frame["data"].as_str().unwrap().contains(part), "{frame} has no {part}");
    }
}

#[tokio::test]
async fn both_dialects_stand_on_the_path_that_eventtube_has() {
    let config = include_str!("../../examples/eventtube.toml").replace("listen = ", "# ");
    let gateway = TestGateway::start(&config);
    let mut theirs = Peer::client(&gateway, "/ws", &["news"]).await;
    let mut native = Peer::native(&gateway, "/ws?channel=news").await;

    theirs.send(&json!({ "type": "publish", "event": "news", "data": "hello" })).await;
    assert_eq!(theirs.next().await, json!({ "event": "news", "data": "hello" }));
    assert_eq!(native.next().await["data"], "hello");
}

#[tokio::test]
async fn they_and_native_clients_hear_each_other() {
    let gateway = TestGateway::start(SEEDS);
    let mut one = Peer::client(&gateway, "/eventtube", &["news"]).await;
    let mut two = Peer::client(&gateway, "/eventtube", &["ne*", "news"]).await;
    let mut all = Peer::client(&gateway, "/eventtube", &["*"]).await;
    let mut native = Peer::native(&gateway, "/ws?channel=news").await;

    one.send(&json!({ "type": "publish", "event": "news", "data": "a\n\"b\"" })).await;
    native.send(&json!({ "type": "publish", "channel": "news", "data": "text" })).await;
    let sent = [json!("a\n\"b\""), json!("text"), json!({ "a": 1 }), json!({ "base64": "AP8=" })];
    let shown = ["a\n\"b\"", "text", "{\"a\":1}", "AP8="];
    for (index, (sent, shown)) in sent.iter().zip(shown).enumerate() {
        match index {
            2 => two.send(&json!({ "type": "publish", "event": "news", "data": sent })).await,
            3 => {
                let answer = gateway.request("POST /publish?channel=news", b"\x00\xff").await;
                assert_eq!(answer.status, 200);
            }
            _ => {}
        }
        let mut envelope = native.next().await;
        if envelope["type"] == "published" {
            envelope = native.next().await;
        }
        assert_eq!((&envelope["type"], &envelope["data"]), (&json!("message"), sent));
        for peer in [&mut one, &mut two, &mut all] {
            assert_eq!(peer.next().await, json!({ "event": "news", "data": shown }));
        }
    }

    // What is in several channels is for the listeners of each.
    let answer = gateway.request("POST /publish?channel=old&channel=broadcast&channel=news", b"2").await;
    assert_eq!(answer.status, 200);
    let broadcast = json!({ "type": "broadcast", "event": "", "data": "2" });
    let [old, news] = ["old", "news"].map(|channel| json!({ "event": channel, "data": "2" }));
    assert_eq!([one.next().await, one.next().await], [broadcast.clone(), news.clone()]);
    assert_eq!([all.next().await, all.next().await, all.next().await], [old, broadcast, news]);

    one.send(&json!({ "type": "unsubscribe", "event": "news" })).await;
    one.send(&json!({ "type": "unsubscribe", "event": "news" })).await;
    one.expect_error("not followed").await;
    gateway.publish("news", "1").await;
    one.send(&json!({ "type": "broadcast", "data": "last" })).await;
    assert_eq!(one.next().await["data"], "last", "not what it does not follow");
}

#[tokio::test]
async fn broadcasts_reach_those_who_subscribe_to_nothing() {
    let gateway = TestGateway::start(SEEDS);
    let mut sender = Peer::client(&gateway, "/eventtube", &["news"]).await;
    let mut silent = Peer::client(&gateway, "/eventtube", &[]).await;
    let mut wild = Peer::client(&gateway, "/eventtube", &["**"]).await;
    let mut native = Peer::native(&gateway, "/ws?channel=broadcast").await;

    sender.send(&json!({ "type": "broadcast", "event": "all", "data": "x" })).await;
    sender.send(&json!({ "type": "broadcast", "data": "y" })).await;
    let envelopes = [native.next().await, native.next().await];
    assert_eq!((&envelopes[0]["name"], &envelopes[0]["data"]), (&json!("all"), &json!("x")));
    assert_eq!((envelopes[1].get("name"), &envelopes[1]["data"]), (None, &json!("y")));
    let command = json!({ "type": "publish", "channel": "broadcast", "name": "all", "data": "z" });
    native.send(&command).await;
    for (name, data) in [("all", "x"), ("", "y"), ("all", "z")] {
        for peer in [&mut sender, &mut silent, &mut wild] {
            assert_eq!(peer.next().await, json!({ "type": "broadcast", "event": name, "data": data }));
        }
    }

    // Their channel is no event, so nobody can stop them for himself, or send what nobody would look for.
    for kind in ["subscribe", "unsubscribe", "publish"] {
        silent.send(&json!({ "type": kind, "event": "broadcast", "data": "x" })).await;
        silent.expect_error("the channel of broadcasts").await;
    }
}

#[tokio::test]
async fn the_channel_of_broadcasts_and_the_publishers_are_of_the_route() {
    let route = "[[route]]\npath = \"/et\"\nkind = \"ws\"\ndialect = \"eventtube\"\nbroadcast = \"to all\"\n";
    let gateway = TestGateway::start(&format!("{route}publishers = [\"192.0.2.1\"]"));
    let mut peer = Peer::open(&gateway, "/et?since=nonsense").await;
    assert_eq!(peer.next().await["event"], "CLIENT_CONNECTED");
    for kind in ["publish", "broadcast"] {
        peer.send(&json!({ "type": kind, "event": "news", "data": "x" })).await;
        peer.expect_error("not allowed from this address").await;
    }
    gateway.publish("broadcast", "no").await;
    gateway.publish("to%20all", "yes").await;
    assert_eq!(peer.next().await, json!({ "type": "broadcast", "event": "", "data": "yes" }));
}

#[tokio::test]
async fn two_hundred_hostile_frames_are_each_told_and_survived() {
    let gateway = TestGateway::start(SEEDS);
    let mut peer = Peer::client(&gateway, "/eventtube", &["news"]).await;
    let right = r#"{"type":"publish","event":"news","data":{"a":[1,"\ud83d\ude00"]}}"#;
    let mut frames: Vec<Vec<u8>> = (0..right.len()).map(|end| right.as_bytes()[..end].to_vec()).collect();
    frames.extend((0..right.len()).map(|at| {
        let mut frame = right.as_bytes().to_vec();
        frame[at] = 1;
        frame
    }));
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let long = "x".repeat(256);
    let others = [
        "null",
        "0",
        "\"subscribe\"",
        "[]",
        "[\"subscribe\",\"news\"]",
        "{}",
        "{}{}",
        &deep,
        "{\"type\":{}}",
        "{\"type\":\"subscribe\"}",
        "{\"type\":\"subscribe\",\"event\":null}",
        "{\"type\":\"Subscribe\",\"event\":\"a\"}",
        "{\"type\":\"subscribe\",\"event\":\"a.**.b\"}",
        "{\"type\":\"subscribe\",\"event\":\"\\u0000\"}",
        "{\"type\":\"unsubscribe\",\"event\":\"never\"}",
        "{\"type\":\"publish\",\"data\":\"x\"}",
        "{\"type\":\"publish\",\"event\":\"**\",\"data\":\"x\"}",
        "{\"type\":\"publish\",\"event\":\"a\",\"data\":1e999}",
        "{\"type\":\"publish\",\"event\":\"a\",\"data\":\"\\ud800\"}",
        "{\"type\":\"ping\"}",
        "{\"event\":\"CLIENT_CONNECTED\",\"data\":\"0\"}",
    ];
    frames.extend(others.iter().map(|text| text.as_bytes().to_vec()));
    frames.push(format!("{{\"type\":\"publish\",\"event\":\"a\",\"data\":{deep}}}").into_bytes());
    for kind in ["subscribe", "unsubscribe", "publish", "broadcast"] {
        frames.push(format!("{{\"type\":\"{kind}\",\"event\":\"{long}\"}}").into_bytes());
        frames.push(format!("{{\"type\":\"{kind}\",\"type\":\"{kind}\",\"event\":\"a\"}}").into_bytes());
    }
    assert!(frames.len() >= 150);
    for frame in &frames {
        peer.send_frame(1, frame).await;
        peer.expect_error("").await;
    }
    for size in 0..50 {
        peer.send_frame(2, &vec![b'{'; size * 100]).await;
        peer.expect_error("text frames").await;
    }
    peer.send_frame(1, right.as_bytes()).await;
    assert_eq!(peer.next().await, json!({ "event": "news", "data": "{\"a\":[1,\"\\ud83d\\ude00\"]}" }));
}

#[tokio::test]
async fn the_limits_of_the_gateway_hold() {
    let limits = "[limits]\nchannels_per_subscription = 3\nmessage = \"1KiB\"\n";
    let gateway = TestGateway::start(&format!("{limits}{}", SEEDS.replace("origins = []", "")));
    // Broadcasts are one, its own channel is another.
    let mut peer = Peer::client(&gateway, "/eventtube", &["news"]).await;
    peer.send(&json!({ "type": "subscribe", "event": "more" })).await;
    peer.expect_error("follows at most 3").await;
    peer.send(&json!({ "type": "publish", "event": "news", "data": "x".repeat(1_024) })).await;
    let (opcode, payload) = peer.next_frame().await;
    assert_eq!((opcode, &payload[..2]), (8, &1_009_u16.to_be_bytes()[..]));
}

/// D1, D9: who reads too slowly is told what he has missed, in words.
#[tokio::test]
async fn a_slow_reader_is_told() {
    const MESSAGES: usize = 600;
    let gateway = TestGateway::start(SEEDS);
    let mut slow = Peer::client(&gateway, "/eventtube", &["news"]).await;
    let mut publisher = Raw::connect(gateway.address()).await;
    for number in 0..MESSAGES {
        let body = format!("{number:065000}");
        publisher.request("POST /publish?channel=news\nContent-Type: text/plain", body.as_bytes()).await;
        assert_eq!(publisher.answer().await.status, 200);
    }
    let mut next = 0;
    let mut gaps = 0;
    while next < MESSAGES {
        let frame = slow.next().await;
        let data = frame["data"].as_str().unwrap();
        if frame["type"] == "error" {
            assert!(data.starts_with("messages of news are missing (slow: "), "{data}");
            gaps += 1;
            continue;
        }
        let number: usize = data.trim_start_matches('0').parse().unwrap_or(0);
        assert!(number == next || gaps > 0, "{number} came instead of {next}, and nothing was said");
        next = number + 1;
    }
    assert!(gaps > 0, "nothing was missed");
}

#[tokio::test]
async fn the_original_client_comes_back_and_subscribes_again() {
    let gateway = TestGateway::start(SEEDS);
    let proxy = CutProxy::start(gateway.address()).await;
    let mut client = Client::start("node", "eventtube.mjs", &gateway, &[&proxy.url()]);
    let mut peer = Peer::client(&gateway, "/eventtube", &[]).await;
    for connection in 1..=3 {
        client.expect([format!("ready string {connection}")]).await;
        for number in 1..=20 {
            gateway.publish("news", &number.to_string()).await;
        }
        client.expect((1..=20).map(|number| format!("news string {number}"))).await;
        peer.send(&json!({ "type": "broadcast", "event": "all", "data": "hello" })).await;
        client.expect(["all string hello".to_owned()]).await;
        proxy.cut();
    }
}
