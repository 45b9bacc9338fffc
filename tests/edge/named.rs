//! Whom a request is from, when a proxy's headers say it.

use encke_gateway::{ProxyConfig, ProxyProtocol};
use encke_testkit::{Raw, TestGateway, wait_for};

use crate::http2_client::Client;

const HANDSHAKE: &str = "GET /ws?channel=a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// A gateway to which loopback is a listed proxy.
fn behind(protocol: ProxyProtocol, toml: &str) -> TestGateway {
    TestGateway::configured(toml, |config| {
        let trusted = vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        config.proxies = ProxyConfig { trusted, protocol };
    })
}

/// Publishes with these headers: open to programs on this machine only, by default.
async fn publish(gateway: &TestGateway, headers: &str) -> (u16, String) {
    let answer = gateway.request(&format!("POST /publish?channel=a{headers}"), b"1").await;
    (answer.status, answer.text())
}

#[tokio::test]
async fn s1_only_the_address_that_a_listed_proxy_adds_opens_a_route() {
    let gateway = behind(ProxyProtocol::XForwardedFor, "");
    let table = [
        ("\nX-Forwarded-For: 127.0.0.1", 200),
        ("\nX-Forwarded-For: ::1", 200),
        ("\nX-Forwarded-For: 127.0.0.1, 10.0.0.1", 200),
        ("\nX-Forwarded-For: 192.0.2.1", 403),
        ("\nX-Forwarded-For: 127.0.0.1, 192.0.2.1", 403),
        ("\nX-Forwarded-For: 127.0.0.1\nX-Forwarded-For: 192.0.2.1", 403),
        ("\nX-Forwarded-For: 127.0.0.1, 192.0.2.1, 10.0.0.1", 403),
        ("\nX-Forwarded-For: 127.0.0.1, unknown", 403),
        ("", 403),
        ("\nForwarded: for=127.0.0.1", 403),
        ("\nX-Real-IP: 127.0.0.1", 403),
        ("\nX-Forwarded-For: 192.0.2.1\nForwarded: for=127.0.0.1", 403),
        ("\nX-Forwarded-For: localhost", 400),
        ("\nX-Forwarded-For: 127.0.0.1,", 400),
        ("\nX-Forwarded-For: 127.0.0.1, evil", 400),
        ("\nX-Forwarded-For:", 400),
        ("\nX-Forwarded-For: 127.0.0.1\nX-Forwarded-Proto: gopher", 400),
    ];
    for (headers, status) in table {
        let (found, body) = publish(&gateway, headers).await;
        assert_eq!(found, status, "{headers}: {body}");
        // What is open to all is open to all, but not to nonsense.
        let open = gateway.request(&format!("GET /poll?channel=a{headers}"), b"").await;
        assert_eq!(open.status, if status == 400 { 400 } else { 200 }, "{headers}");
    }
    println!("{} heads through a listed proxy", table.len());
    let (_, body) = publish(&gateway, "").await;
    assert!(body.contains("does not say for whom"), "{body}");
}

#[tokio::test]
async fn s1_forwarded_is_another_word_for_it() {
    let gateway = behind(ProxyProtocol::Forwarded, "");
    for (headers, status) in [
        ("\nForwarded: for=127.0.0.1;proto=https", 200),
        ("\nForwarded: for=\"[::1]:4711\"", 200),
        ("\nForwarded: for=127.0.0.1, for=192.0.2.1", 403),
        ("\nForwarded: for=_hidden", 403),
        ("\nX-Forwarded-For: 127.0.0.1", 403),
        ("\nForwarded: for=192.0.2.1\nX-Forwarded-For: 127.0.0.1", 403),
        ("\nForwarded: for=127.0.0.1;x=\", for=192.0.2.1", 400),
        ("\nForwarded: nonsense", 400),
    ] {
        assert_eq!(publish(&gateway, headers).await.0, status, "{headers}");
    }
}

#[tokio::test]
async fn s1_a_proxy_that_is_not_listed_opens_nothing() {
    let gateway = TestGateway::start("");
    assert_eq!(publish(&gateway, "").await.0, 200);
    for header in [
        "X-Forwarded-For: 127.0.0.1",
        "Forwarded: for=127.0.0.1",
        "Via: 1.1 caddy",
        "X-Real-IP: 127.0.0.1",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: a",
    ] {
        for target in ["POST /publish?channel=a", "GET /channels", "GET /metrics", "DELETE /channels/a"] {
            let answer = gateway.request(&format!("{target}\n{header}"), b"").await;
            assert!(answer.status == 403, "{target} {header}: {}", answer.status);
            assert!(answer.text().contains("list the proxy"), "{}", answer.text());
        }
        let open = gateway.request(&format!("GET /poll?channel=a\n{header}"), b"").await;
        assert_eq!(open.status, 200, "{header}");
        // Nor do the commands of a WebSocket publish.
        let mut raw = Raw::connect(gateway.address()).await;
        raw.request(&format!("{HANDSHAKE}\n{header}"), b"").await;
        assert_eq!(raw.head().await.status, 101);
        let command = br#"{"type":"publish","id":1,"channel":"a","data":1}"#;
        raw.send(&[&[0x81, 0x80 | u8::try_from(command.len()).unwrap(), 0, 0, 0, 0][..], command].concat())
            .await;
        raw.read_to("urn:encke:problem:forbidden").await;
    }
    // Nonsense from nobody that is believed means nothing.
    let answer = gateway.request("GET /poll?channel=a\nX-Forwarded-For: nonsense", b"").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn s6_a_client_behind_a_proxy_has_places_of_its_own() {
    let gateway = behind(ProxyProtocol::XForwardedFor, "limits.connections_per_address = 3");
    // The proxy itself has as many connections as it likes.
    let idle: Vec<_> = futures(&gateway, 10).await;
    let from = |address: &str| format!("\nX-Forwarded-For: {address}");
    let hold = async |head: &str, address: &str| {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.request(&format!("{head}{}", from(address)), b"").await;
        let answer = raw.head().await;
        (raw, answer.status)
    };
    let (sse, status) = hold("GET /sse?channel=a", "192.0.2.1").await;
    assert_eq!(status, 200);
    // An upgraded connection holds its place too.
    let (ws, status) = hold(HANDSHAKE, "192.0.2.1").await;
    assert_eq!(status, 101);
    let mut long = Raw::connect(gateway.address()).await;
    long.request(&format!("GET /longpoll?channel=a&wait=20{}", from("192.0.2.1")), b"").await;
    wait_for("the three", async || gateway.hub().len() == 3).await;
    for _ in 0..3 {
        let answer = gateway.request(&format!("GET /poll?channel=a{}", from("192.0.2.1")), b"").await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
        let answer = gateway.request(&format!("GET /poll?channel=a{}", from("192.0.2.2")), b"").await;
        assert_eq!(answer.status, 200, "others have theirs");
    }
    // An answer that is done holds nothing, on whatever connection it was.
    for _ in 0..20 {
        assert_eq!(
            gateway.request(&format!("GET /poll?channel=a{}", from("192.0.2.3")), b"").await.status,
            200
        );
    }
    drop(ws);
    let again = async || {
        gateway.request(&format!("GET /poll?channel=a{}", from("192.0.2.1")), b"").await.status == 200
    };
    wait_for("the place of the WebSocket", again).await;
    let (_another, status) = hold("GET /sse?channel=a", "192.0.2.1").await;
    assert_eq!(status, 200);
    drop(sse);
    wait_for("the place of the stream", again).await;
    drop(idle);
}

/// Connections that say nothing.
async fn futures(gateway: &TestGateway, count: usize) -> Vec<Raw> {
    let mut open = Vec::new();
    for _ in 0..count {
        open.push(Raw::connect(gateway.address()).await);
    }
    open
}

#[tokio::test]
async fn one_connection_of_a_proxy_carries_many_clients() {
    let gateway = behind(ProxyProtocol::XForwardedFor, "");
    let mut raw = Raw::connect(gateway.address()).await;
    let mut two = Client::connect(gateway.address()).await;
    for round in 0..20 {
        let (address, status) = if round % 2 == 0 { ("127.0.0.1", 200) } else { ("192.0.2.1", 403) };
        raw.request(&format!("POST /publish?channel=a\nX-Forwarded-For: {address}"), b"1").await;
        assert_eq!(raw.answer().await.status, status, "{round}");
        let request = two.request("POST /publish?channel=a").header("x-forwarded-for", address);
        assert_eq!(two.send(request.body(()).unwrap(), b"1").await.status(), status, "{round}");
    }
}

#[tokio::test]
async fn the_scheme_that_a_proxy_names_is_the_page_s() {
    let gateway = behind(ProxyProtocol::XForwardedFor, "");
    let address = gateway.address();
    for (proto, origin, status) in [
        ("https", "https", 200),
        ("https", "http", 403),
        ("http", "http", 200),
        ("http", "https", 403),
        ("wss", "https", 200),
    ] {
        let head = format!(
            "GET /poll?channel=a\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: {proto}\nOrigin: {origin}://{address}"
        );
        assert_eq!(gateway.request(&head, b"").await.status, status, "{proto} {origin}");
    }
    // Who is not listed says nothing of it, and a proxy that does not say it leaves it open.
    let head = format!("GET /poll?channel=a\nX-Forwarded-For: 192.0.2.1\nOrigin: https://{address}");
    assert_eq!(gateway.request(&head, b"").await.status, 200);
    let plain = TestGateway::start("");
    let head = format!("GET /poll?channel=a\nX-Forwarded-Proto: http\nOrigin: https://{}", plain.address());
    assert_eq!(plain.request(&head, b"").await.status, 200);
}
