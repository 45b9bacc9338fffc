//! What an address opens, through each proxy; and what a client may say of itself.

use encke_gateway::ProxyProtocol;
use encke_testkit::TestGateway;

use crate::{
    program::Proxy,
    transports::{HANDSHAKE, gateway},
};

/// A poll for 127.0.0.9 only; four places for each address.
const RULES: &str =
    "limits.connections_per_address = 4\n[[route]]\npath = '/poll'\nkind = 'poll'\nallow = ['127.0.0.9']";

async fn only_the_right_client(proxy: &Proxy) {
    for forged in [
        "",
        "\nX-Forwarded-For: 127.0.0.9",
        "\nX-Forwarded-For: 127.0.0.9\nX-Forwarded-For: 127.0.0.9",
        "\nX-Forwarded-For: garbage",
        "\nForwarded: for=127.0.0.9",
        "\nX-Real-IP: 127.0.0.9",
        "\nX-Forwarded-For: 127.0.0.9,",
    ] {
        for (last, status) in [(9, 200), (10, 403)] {
            let mut raw = proxy.from(last).await;
            raw.request(&format!("GET /poll?channel=a{forged}"), b"").await;
            let answer = raw.answer().await;
            assert_eq!(answer.status, status, "from {last} with {forged:?}: {}", answer.text());
        }
    }
    // Who has all of his places takes none of another's.
    let mut held = Vec::new();
    for head in ["GET /sse?channel=a", "GET /iframe?channel=a&callback=f", HANDSHAKE, "GET /sse?channel=a"] {
        let mut raw = proxy.from(11).await;
        raw.request(head, b"").await;
        assert!([200, 101].contains(&raw.head().await.status), "{head}");
        held.push(raw);
    }
    for (last, status) in [(11, 429), (12, 200)] {
        let mut raw = proxy.from(last).await;
        raw.request("GET /sse?channel=a", b"").await;
        assert_eq!(raw.head().await.status, status, "from {last}");
    }
}

#[tokio::test]
async fn nginx() {
    let gateway = gateway("127.0.0.2", ProxyProtocol::XForwardedFor, RULES);
    only_the_right_client(&Proxy::nginx(gateway.address(), "").await).await;
}

#[tokio::test]
async fn haproxy() {
    let gateway = gateway("127.0.0.2", ProxyProtocol::XForwardedFor, RULES);
    only_the_right_client(&Proxy::haproxy(gateway.address(), 0, &[]).await).await;
}

#[tokio::test]
async fn haproxy_by_the_proxy_protocol() {
    let gateway = gateway("127.0.0.2", ProxyProtocol::ProxyProtocol, RULES);
    for changes in [&[][..], &[("send-proxy-v2", "send-proxy".to_owned())]] {
        only_the_right_client(&Proxy::haproxy(gateway.address(), 1, changes).await).await;
    }
}

#[tokio::test]
async fn caddy() {
    let gateway = gateway("127.0.0.1", ProxyProtocol::XForwardedFor, RULES);
    only_the_right_client(&Proxy::caddy(gateway.address()).await).await;
}

#[tokio::test]
async fn s1_a_proxy_that_is_not_listed_opens_nothing() {
    let gateway = TestGateway::start("");
    let everything =
        "location / {\nproxy_pass http://encke;\nproxy_set_header X-Forwarded-For $remote_addr;\n}";
    for (proxy, status) in [
        (Proxy::nginx(gateway.address(), everything).await, 403),
        // What the configuration does not pass on, encke never sees.
        (Proxy::nginx(gateway.address(), "").await, 404),
        (Proxy::haproxy(gateway.address(), 0, &[]).await, 503),
    ] {
        for target in ["POST /publish?channel=a", "GET /channels", "GET /metrics"] {
            let mut raw = proxy.from(1).await;
            raw.request(target, b"").await;
            assert_eq!(raw.head().await.status, status, "{target}");
        }
    }
}
