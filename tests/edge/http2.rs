//! Every route over HTTP/2, its limits, and its end.

use std::time::Duration;

use encke_testkit::{Raw, TestGateway, wait_for};
use h2::{Reason, client};
use tokio::{net::TcpStream, time::Instant};

use crate::http2_client::{Client, Held, soon};

/// How a client begins (RFC 9113, section 3.4), with empty settings.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn every_route_answers() {
    let gateway = TestGateway::start("");
    let mut client = Client::connect(gateway.address()).await;
    assert_eq!(client.ask("POST /publish?channel=a", b"one").await.0, 200);
    for (target, expected) in [
        ("GET /poll?channel=a", "\"data\":\"one\""),
        ("GET /longpoll?channel=a&since=earliest", "\"data\":\"one\""),
        ("GET /channels", "\"a\""),
        ("GET /healthz", "ok"),
        ("GET /metrics", "encke_published_total 1"),
        ("GET /", "<html"),
    ] {
        let (status, body) = client.ask(target, b"").await;
        assert!(status == 200 && body.contains(expected), "{target}: {status} {body}");
    }
    let mut sse = client.hold("GET /sse?channel=a&since=earliest").await;
    let mut iframe = client.hold("GET /iframe?channel=a&callback=f&since=earliest").await;
    sse.read_to("one").await;
    iframe.read_to("one").await;
    for number in 0..100 {
        gateway.publish("a", &format!("live-{number}.")).await;
        let text = format!("live-{number}.");
        tokio::join!(sse.read_to(&text), iframe.read_to(&text));
    }
    assert_eq!(gateway.hub().len(), 2);
    drop((sse, iframe));
    wait_for("their end", async || gateway.hub().is_empty()).await;
    for (target, status) in [("GET /ws?channel=a", 426), ("PUT /poll", 405), ("GET /nowhere", 404)] {
        let response = client.send(client.request(target).body(()).unwrap(), b"").await;
        assert_eq!(response.status(), status, "{target}");
        for name in ["connection", "upgrade", "keep-alive", "transfer-encoding"] {
            assert!(!response.headers().contains_key(name), "{target}: {name}");
        }
    }
    drop(client);
    gateway.quiet().await;
}

#[tokio::test]
async fn a_request_says_to_which_host() {
    let gateway = TestGateway::start("");
    let mut client = Client::connect(gateway.address()).await;
    let own = gateway.address().to_string();
    for (authority, host, status) in [
        (own.as_str(), None, 200),
        (&own, Some(own.as_str()), 200),
        ("app.example", Some("APP.example"), 200),
        ("app.example", Some("evil.example"), 400),
        ("app.example:80", Some("app.example"), 400),
        ("user@app.example", None, 400),
    ] {
        let request = http::Request::get(format!("http://{authority}/healthz"));
        let request = host.into_iter().fold(request, |request, host| request.header("host", host));
        let sent = client.try_send(request.body(()).unwrap(), b"").await;
        let found =
            sent.map_or_else(|error| error.to_string(), |response| response.status().as_u16().to_string());
        // The codec below may find it first.
        let refused = status == 400 && found.contains("stream error");
        assert!(refused || found == status.to_string(), "{authority} {host:?}: {found}");
    }
}

#[tokio::test]
async fn origins_count_as_everywhere() {
    let gateway = TestGateway::start("origins = ['https://listed.example']");
    let mut client = Client::connect(gateway.address()).await;
    let own = format!("http://{}", gateway.address());
    for (origin, status) in [
        (own.as_str(), 200),
        ("https://listed.example", 200),
        ("http://listed.example", 403),
        ("null", 403),
        ("http://evil.example", 403),
    ] {
        for path in [
            "/poll?channel=a",
            "/sse?channel=a",
            "/iframe?channel=a&callback=f",
            "/longpoll?channel=a&wait=0",
        ] {
            let request = client.request(&format!("GET {path}")).header("origin", origin).body(()).unwrap();
            assert_eq!(client.send(request, b"").await.status(), status, "{path} {origin}");
        }
    }
}

#[tokio::test]
async fn s6_a_held_request_takes_a_place_of_its_address() {
    let gateway = TestGateway::start("limits.connections_per_address = 4");
    let mut client = Client::connect(gateway.address()).await;
    let one = client.hold("GET /sse?channel=a").await;
    let _two = client.hold("GET /sse?channel=a").await;
    let _three = client.hold("GET /sse?channel=a").await;
    let (status, body) = client.ask("GET /healthz", b"").await;
    assert!(status == 429 && body.contains("urn:encke:problem:too-many"), "{status} {body}");
    drop(one);
    wait_for("a place", async || client.ask("GET /healthz", b"").await.0 == 200).await;
    drop((client, _two, _three));
    gateway.quiet().await;
    assert!(gateway.metric("encke_connections_refused_total").await >= 1);
}

#[tokio::test]
async fn streams_of_one_connection() {
    let gateway = TestGateway::configured("", |config| config.http2.streams = 3);
    let mut client = Client::connect(gateway.address()).await;
    client.ask("GET /healthz", b"").await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(client.hold("GET /sse?channel=a").await);
    }
    // One more waits with the client, who knows the limit; it comes when there is a place.
    let mut other = client.requests.clone();
    let request = client.request("GET /healthz").body(()).unwrap();
    let waiting = tokio::spawn(async move {
        let (answer, _) = other.send_request(request, true).unwrap();
        answer.await.unwrap().status()
    });
    gateway.publish("a", "live").await;
    held[0].read_to("live").await;
    assert!(!waiting.is_finished() && gateway.hub().len() == 3);
    held.pop();
    assert_eq!(soon("the last one", waiting).await.unwrap(), 200);
}

#[tokio::test]
async fn bytes_of_headers() {
    let gateway = TestGateway::start("limits.header_bytes = '8KiB'");
    let mut client = Client::connect(gateway.address()).await;
    for (bytes, status) in [(4_000, 200), (9_000, 431), (15_000, 431)] {
        let request = client.request("GET /healthz").header("x", "y".repeat(bytes)).body(()).unwrap();
        assert_eq!(client.send(request, b"").await.status(), status, "{bytes}");
    }
    assert_eq!(client.ask("GET /healthz", b"").await.0, 200);
}

#[tokio::test]
async fn the_time_of_a_body() {
    let gateway = TestGateway::start("limits.body = '300ms'");
    let mut client = Client::connect(gateway.address()).await;
    let request = client.request("POST /publish?channel=a").body(()).unwrap();
    let (answer, mut body) = client.requests.send_request(request, false).unwrap();
    body.send_data("half".into(), false).unwrap();
    let response = soon("a refusal", answer).await.unwrap();
    assert_eq!(response.status(), 408);
    assert!(!response.headers().contains_key("connection"));
    assert_eq!(client.ask("GET /healthz", b"").await.0, 200, "the others go on");
}

#[tokio::test]
async fn the_time_between_two_requests() {
    let gateway = TestGateway::start("limits.head = '100ms'\nlimits.idle = '300ms'");
    let mut idle = Client::connect(gateway.address()).await;
    let mut held = Client::connect(gateway.address()).await;
    assert_eq!(idle.ask("GET /healthz", b"").await.0, 200);
    let mut sse = held.hold("GET /sse?channel=a").await;
    idle.closed().await;
    assert!(soon("its end", &mut idle.running).await.unwrap().is_ok(), "told so by GOAWAY, without an error");
    // A hold is no idleness.
    tokio::time::sleep(Duration::from_millis(600)).await;
    gateway.publish("a", "still here").await;
    sse.read_to("still here").await;
    drop(sse);
    held.closed().await;
    gateway.quiet().await;
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_cut() {
    let gateway = TestGateway::configured("", |config| {
        config.http2.ping = Duration::from_millis(200);
        config.http2.pong = Duration::from_millis(200);
    });
    // A request for /sse in the static table's words: GET, http, /sse?channel=a, and the host as a literal.
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(&[PREFACE, &crate::floods::headers(1, "/sse?channel=a", 0x5)].concat()).await;
    wait_for("the subscription", async || gateway.hub().len() == 1).await;
    wait_for("its end", async || gateway.hub().is_empty()).await;
    raw.read_to_end().await;
}

/// A client that takes no byte of a body unless it is told to.
async fn miser(gateway: &TestGateway, window: u32) -> Client {
    let mut builder = client::Builder::new();
    builder.initial_window_size(window).initial_connection_window_size(1 << 20);
    let stream = TcpStream::connect(gateway.address()).await.unwrap();
    Client::over(stream, &gateway.address().to_string(), &builder).await
}

#[tokio::test]
async fn d9_a_stream_that_is_not_read_ends_and_the_others_go_on() {
    let gateway = TestGateway::start("limits.write_stall = '300ms'\nlimits.message = '64KiB'");
    let data = "x".repeat(60_000);
    for number in 0..10 {
        gateway.publish("full", &format!("{number}{data}")).await;
    }
    // Nothing at all, less than the first bytes, or some of a large answer.
    for window in [0, 10, 30_000] {
        let mut client = miser(&gateway, window).await;
        let mut targets = Vec::new();
        for target in [
            "GET /sse?channel=full&since=earliest",
            "GET /iframe?channel=full&callback=f&since=earliest",
            "GET /poll?channel=full",
        ] {
            let request = client.request(target).body(()).unwrap();
            let response = client.send(request, b"").await;
            assert_eq!(response.status(), 200, "{target}");
            targets.push((target, response.into_body()));
        }
        for (target, mut body) in targets {
            let end = loop {
                match soon("the end of a stalled stream", body.data()).await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error,
                    None => panic!("{target} ended well with a window of {window}"),
                }
            };
            assert_eq!(end.reason(), Some(Reason::CANCEL), "{target} {window}: {end}");
        }
        assert!(gateway.hub().is_empty());
        let lives = client.request("GET /healthz").body(()).unwrap();
        assert_eq!(client.send(lives, b"").await.status(), 200, "the connection");
    }
    gateway.quiet().await;
}

#[tokio::test]
async fn d9_a_quiet_stream_is_no_stalled_one() {
    let gateway = TestGateway::start("limits.write_stall = '100ms'");
    let mut client = Client::connect(gateway.address()).await;
    let mut sse = client.hold("GET /sse?channel=a").await;
    let mut poll = Client::connect(gateway.address()).await;
    let longpoll = tokio::spawn(async move { poll.ask("GET /longpoll?channel=a&wait=20", b"").await });
    wait_for("both", async || gateway.hub().len() == 2).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    gateway.publish("a", "still here").await;
    sse.read_to("still here").await;
    let (status, body) = soon("the long poll", longpoll).await.unwrap();
    assert!(status == 200 && body.contains("still here"), "{status} {body}");
}

#[tokio::test]
async fn large_answers_are_whole() {
    let gateway = TestGateway::start("limits.message = '1MiB'\nlog.retention.bytes = '4MiB'");
    let data = "0123456789".repeat(90_000);
    let mut client = Client::connect(gateway.address()).await;
    let (status, body) = client.ask("POST /publish?channel=a", data.as_bytes()).await;
    assert_eq!(status, 200, "{body}");
    let request = client.request("GET /poll?channel=a").body(()).unwrap();
    let response = client.send(request, b"").await;
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let mut held = Held::of(response);
    while held.more().await {}
    assert_eq!(held.seen.len(), length);
    assert!(held.seen.contains(&data));
    let head = client.send(client.request("HEAD /poll?channel=a").body(()).unwrap(), b"").await;
    assert_eq!(head.headers()["content-length"].to_str().unwrap(), length.to_string());
    let mut sse = client.hold("GET /sse?channel=a&since=earliest").await;
    sse.read_to(&data).await;
}

#[tokio::test]
async fn s4_a_drain_tells_each_stream_and_then_the_connection() {
    let mut gateway = TestGateway::start("drain.window = '1s'");
    let mut client = Client::connect(gateway.address()).await;
    let mut sse = client.hold("GET /sse?channel=a").await;
    let mut other = client.hold("GET /sse?channel=a").await;
    gateway.publish("a", "last").await;
    gateway.begin_stop();
    wait_for("the drain", async || gateway.hub().is_draining()).await;
    // Who publishes meanwhile is served, once for each connection, and sent elsewhere.
    let mut late = Client::connect(gateway.address()).await;
    assert_eq!(late.ask("POST /publish?channel=a", b"late").await.0, 200);
    late.closed().await;
    for held in [&mut sse, &mut other] {
        while held.more().await {}
        assert!(held.seen.contains("last") && held.seen.contains("retry: "), "{}", held.seen);
    }
    gateway.stop().await;
    client.ended().await.unwrap();
}

#[tokio::test]
async fn s4_a_stalled_stream_does_not_hold_up_the_drain() {
    let mut gateway = TestGateway::start("drain.window = '0s'\nlimits.write_stall = '300ms'");
    let mut client = miser(&gateway, 0).await;
    let request = client.request("GET /sse?channel=a").body(()).unwrap();
    let _body = client.send(request, b"").await.into_body();
    gateway.publish("a", "x").await;
    let begin = Instant::now();
    gateway.begin_stop();
    soon("the end of the gateway", gateway.stop()).await;
    println!("drained in {:?} with a stalled stream", begin.elapsed());
}
