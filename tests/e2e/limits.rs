//! Each limit of the HTTP side, reached over TCP: its refusal has a name, and it frees again.

use std::time::Duration;

use encke_testkit::{Answer, Raw, TestGateway, wait_for};
use tokio::time::sleep;

const HANDSHAKE: &str = "GET /ws?channel=a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

fn limits(limits: &str) -> TestGateway {
    TestGateway::start(&format!("[limits]\n{limits}"))
}

/// A connection that has sent a request and read the head of its answer.
async fn open(gateway: &TestGateway, head: &str) -> (Raw, Answer) {
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request(head, b"").await;
    let answer = raw.head().await;
    (raw, answer)
}

fn check(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().contains(&format!("urn:encke:problem:{kind}\"")), "{}", answer.text());
    let comes_back = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert_eq!(
        comes_back.is_some_and(|seconds| seconds > 0),
        matches!(status, 429 | 503 | 507),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn batch_and_channels_of_a_message() {
    let gateway = limits("batch = 3\nchannels_per_message = 2\nchannels_per_subscription = 2");
    let batch = async |lines: usize| {
        let body = "{\"data\":1}\n".repeat(lines);
        gateway.request("POST /publish?channel=a\nContent-Type: application/x-ndjson", body.as_bytes()).await
    };
    assert_eq!(batch(3).await.status, 200);
    check(&batch(4).await, 400, "bad-request");
    let publish = async |channels: &str| gateway.request(&format!("POST /publish?{channels}"), b"1").await;
    assert_eq!(publish("channel=a&channel=b").await.status, 200);
    check(&publish("channel=a&channel=b&channel=c").await, 400, "bad-request");
    let poll = async |channels: &str| gateway.request(&format!("GET /poll?{channels}"), b"").await;
    assert_eq!(poll("channel=a&channel=*").await.status, 200);
    check(&poll("channel=a&channel=b&channel=c").await, 400, "bad-request");
    let (mut ws, answer) = open(&gateway, HANDSHAKE).await;
    assert_eq!(answer.status, 101);
    let command = b"{\"type\":\"subscribe\",\"channels\":[\"b\",\"c\"]}";
    ws.send(&[&[0x81, 0x80 | u8::try_from(command.len()).unwrap(), 0, 0, 0, 0][..], command].concat()).await;
    ws.read_to("follows at most 2 channels").await;
}

#[tokio::test]
async fn subscriptions() {
    let gateway = limits("subscriptions = 2");
    let one = open(&gateway, "GET /sse?channel=a").await;
    let two = open(&gateway, HANDSHAKE).await;
    assert_eq!((one.1.status, two.1.status), (200, 101));
    for target in ["/poll?channel=a", "/longpoll?channel=a", "/sse?channel=a", "/iframe?channel=a&callback=f"]
    {
        check(&gateway.request(&format!("GET {target}"), b"").await, 503, "overloaded");
    }
    check(&gateway.request(HANDSHAKE, b"").await, 503, "overloaded");
    // Who publishes subscribes to nothing.
    gateway.publish("a", "1").await;
    drop(one);
    wait_for("a place", async || gateway.request("GET /poll?channel=a", b"").await.status == 200).await;
    drop(two);
    gateway.quiet().await;
}

#[tokio::test]
async fn connections_of_one_address() {
    let gateway = limits("connections_per_address = 3");
    let sse = open(&gateway, "GET /sse?channel=a").await;
    // An upgraded connection counts for as long as it lives.
    let ws = open(&gateway, HANDSHAKE).await;
    let silent = Raw::connect(gateway.address()).await;
    let refused = gateway.request("GET /healthz", b"").await;
    check(&refused, 429, "too-many");
    assert_eq!(refused.header("connection"), Some("close"));
    assert_eq!(refused.header("cache-control"), Some("no-store, no-transform"));
    drop(ws);
    wait_for("a place", async || gateway.request("GET /healthz", b"").await.status == 200).await;
    drop((sse, silent));
    gateway.quiet().await;
    assert!(gateway.metric("encke_connections_refused_total").await >= 1);
}

#[tokio::test]
async fn connections_in_all() {
    let gateway = limits("connections = 2");
    let one = open(&gateway, "GET /sse?channel=a").await;
    let two = Raw::connect(gateway.address()).await;
    check(&gateway.request("GET /healthz", b"").await, 503, "overloaded");
    drop((one, two));
    wait_for("a place", async || gateway.request("GET /healthz", b"").await.status == 200).await;
}

#[tokio::test]
async fn the_time_of_the_first_head() {
    let gateway = limits("head = '300ms'\nidle = '60s'");
    let beginnings = [
        "",
        "G",
        "GET /poll?channel=a HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: y",
        "\r\n\r\n",
        "PRI * HTTP/2.0\r\n",
    ];
    let mut slow = Vec::new();
    for beginning in beginnings {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(beginning.as_bytes()).await;
        slow.push(raw);
    }
    // Others are served meanwhile.
    assert_eq!(gateway.request("GET /healthz", b"").await.status, 200);
    for mut raw in slow {
        let answer = raw.read_to_end().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // So is one that never stops to write its head.
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n").await;
    wait_for("the end of a slow head", async || {
        sleep(Duration::from_millis(20)).await;
        !raw.send(b"X: y\r\n").await
    })
    .await;
    gateway.quiet().await;
}

#[tokio::test]
async fn the_time_between_two_requests() {
    let gateway = limits("head = '100ms'\nidle = '60s'");
    let (mut patient, _) = open(&gateway, "GET /healthz").await;
    patient.read_to("ok\n").await;
    // Longer than the first head may take.
    sleep(Duration::from_millis(300)).await;
    patient.request("GET /healthz", b"").await;
    assert_eq!(patient.answer().await.status, 200);

    let gateway = limits("head = '100ms'\nidle = '300ms'");
    let (mut idle, _) = open(&gateway, "GET /healthz").await;
    assert_eq!(idle.read_to_end().await, "ok\n");
    let (mut half, _) = open(&gateway, "GET /healthz").await;
    half.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n").await;
    assert_eq!(half.read_to_end().await, "ok\n");
    // A hold is no idleness.
    let (mut held, _) = open(&gateway, "GET /sse?channel=a").await;
    let mut polls = Raw::connect(gateway.address()).await;
    polls.request("GET /longpoll?channel=a&wait=60", b"").await;
    sleep(Duration::from_millis(600)).await;
    gateway.publish("a", "still here").await;
    held.read_to("still here").await;
    assert!(polls.answer().await.text().contains("still here"));
}

#[tokio::test]
async fn the_time_of_a_body() {
    let gateway = limits("body = '300ms'");
    for head in ["Content-Length: 10\r\n\r\n123", "Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n"] {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(format!("POST /publish?channel=a HTTP/1.1\r\nHost: a\r\n{head}").as_bytes()).await;
        check(&raw.answer().await, 408, "body-timeout");
        assert_eq!(raw.read_to_end().await, "");
    }
    assert_eq!(gateway.metric("encke_published_total").await, 0);
    gateway.quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_of_a_write() {
    let gateway = limits("write_stall = '300ms'");
    let mut stalled = Vec::new();
    for head in ["GET /sse?channel=a", "GET /iframe?channel=a&callback=f", HANDSHAKE] {
        stalled.push(open(&gateway, head).await);
    }
    let data = "x".repeat(60_000);
    wait_for("the end of those that do not read", async || {
        gateway.publish("a", &data).await;
        gateway.hub().is_empty()
    })
    .await;
    // They are cut for real, with what they have not read still on its way.
    gateway.quiet().await;
    for (mut raw, _) in stalled {
        raw.read_to_end().await;
    }
}

#[tokio::test]
async fn channels_keys_and_patterns_of_the_log() {
    let gateway = TestGateway::start("[log]\nchannels = 2\nkeys = 2\npatterns = 1");
    let publish = async |query: &str| gateway.request(&format!("POST /publish?{query}"), b"1").await;
    for query in ["channel=a&key=1", "channel=b&key=2", "channel=a&key=1", "channel=a"] {
        assert_eq!(publish(query).await.status, 200, "{query}");
    }
    check(&publish("channel=a&key=3").await, 503, "overloaded");
    check(&publish("channel=c").await, 503, "overloaded");
    check(&gateway.request("POST /publish?channel=a&key=1", b"2").await, 409, "key-conflict");
    check(&gateway.request("GET /sse?channel=c", b"").await, 503, "overloaded");
    let (_held, answer) = open(&gateway, "GET /sse?channel=a.*").await;
    assert_eq!(answer.status, 200);
    check(&gateway.request("GET /poll?channel=b.*", b"").await, 503, "overloaded");
    assert_eq!(gateway.request("GET /poll?channel=a.*", b"").await.status, 200);
}

#[tokio::test]
async fn bytes_of_the_log() {
    let gateway = TestGateway::start(
        "[limits]\nmessage = '4KiB'\n[log]\nbytes = '16KiB'\n[log.retention]\nbytes = '8KiB'",
    );
    let body = vec![b'x'; 4_000];
    let mut statuses = Vec::new();
    for channel in ["a", "b", "c", "d", "e"] {
        let answer = gateway.request(&format!("POST /publish?channel={channel}"), &body).await;
        if answer.status != 200 {
            check(&answer, 507, "full");
        }
        statuses.push(answer.status);
    }
    assert_eq!((statuses[0], statuses[4]), (200, 507), "{statuses:?}");
    assert_eq!(gateway.request("DELETE /channels/a", b"").await.status, 204);
    assert_eq!(gateway.request("POST /publish?channel=b", &body).await.status, 200);
}

#[tokio::test]
async fn bytes_and_number_of_headers() {
    let gateway = limits("header_bytes = '8KiB'");
    let ask = async |headers: &str| gateway.request(&format!("GET /healthz\n{headers}"), b"").await;
    assert_eq!(ask(&format!("X: {}", "y".repeat(7_000))).await.status, 200);
    assert_eq!(ask(&format!("X: {}", "y".repeat(9_000))).await.status, 431);
    assert_eq!(ask(&"X: y\n".repeat(90)).await.status, 200);
    assert_eq!(ask(&"X: y\n".repeat(110)).await.status, 431);
}
