//! Every transport through each proxy, message by message.

use encke_gateway::{ProxyConfig, ProxyProtocol};
use encke_testkit::{Raw, TestGateway, wait_for};

use crate::program::Proxy;

pub(crate) const HANDSHAKE: &str = "GET /ws?channel=a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
/// What each transport is asked through a proxy, live.
const STREAMS: [(&str, u16); 3] =
    [("GET /sse?channel=a", 200), ("GET /iframe?channel=a&callback=f", 200), (HANDSHAKE, 101)];

/// A gateway that believes a proxy at this address.
pub(crate) fn gateway(proxy: &str, protocol: ProxyProtocol, toml: &str) -> TestGateway {
    let trusted = vec![format!("{proxy}/32").parse().unwrap()];
    TestGateway::configured(toml, |config| config.proxies = ProxyConfig { trusted, protocol })
}

/// Publishes as a program on this machine that is no proxy, or one that says so.
async fn publish(gateway: &TestGateway, data: &str) {
    let head = "POST /publish?channel=a\nX-Forwarded-For: 127.0.0.1";
    let listed = gateway.request(head, data.as_bytes()).await;
    if listed.status != 200 {
        gateway.publish("a", data).await;
    }
}

async fn all_transports(gateway: &TestGateway, proxy: &Proxy) {
    let mut streams = Vec::new();
    for (head, status) in STREAMS {
        let mut raw = Raw::connect(proxy.address()).await;
        raw.request(head, b"").await;
        assert_eq!(raw.head().await.status, status, "{head}");
        streams.push(raw);
    }
    wait_for("the streams", async || gateway.hub().len() == STREAMS.len()).await;
    let mut polls = Raw::connect(proxy.address()).await;
    for number in 0..20 {
        let mut long = Raw::connect(proxy.address()).await;
        long.request("GET /longpoll?channel=a&wait=20", b"").await;
        wait_for("the long poll", async || gateway.hub().len() == STREAMS.len() + 1).await;
        let text = format!("live-{number}.");
        publish(gateway, &text).await;
        // Each has it before there is a next one: nothing is held back.
        for stream in &mut streams {
            stream.read_to(&text).await;
        }
        assert!(long.answer().await.text().contains(&text));
        // On one connection, to the proxy at least.
        polls.request("GET /poll?channel=a&since=-1", b"").await;
        let answer = polls.answer().await;
        assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"));
        assert!(answer.text().contains(&text), "{}", answer.text());
        wait_for("its end", async || gateway.hub().len() == STREAMS.len()).await;
    }
    // The browser leaves, and the gateway knows it.
    drop(streams);
    wait_for("the end of the streams", async || gateway.hub().is_empty()).await;
    let mut sdk = Raw::connect(proxy.address()).await;
    sdk.request("GET /sdk/encke.js", b"").await;
    assert_eq!(sdk.answer().await.status, 200);
}

#[tokio::test]
async fn nginx() {
    let gateway = gateway("127.0.0.2", ProxyProtocol::XForwardedFor, "");
    let proxy = Proxy::nginx(gateway.address(), "").await;
    all_transports(&gateway, &proxy).await;
    let before = gateway.metric("encke_http_requests_total").await;
    assert!(before > 40, "{before}");
}

#[tokio::test]
async fn haproxy() {
    // It notices that a browser has left when there is something to send.
    let gateway = gateway("127.0.0.2", ProxyProtocol::XForwardedFor, "stream.heartbeat = '1s'");
    let proxy = Proxy::haproxy(gateway.address(), 0, &[]).await;
    all_transports(&gateway, &proxy).await;
}

#[tokio::test]
async fn haproxy_without_looking_into_it() {
    let gateway = gateway("127.0.0.2", ProxyProtocol::ProxyProtocol, "");
    for changes in [&[][..], &[("send-proxy-v2", "send-proxy".to_owned())]] {
        let proxy = Proxy::haproxy(gateway.address(), 1, changes).await;
        all_transports(&gateway, &proxy).await;
    }
}

#[tokio::test]
async fn caddy() {
    let gateway = gateway("127.0.0.1", ProxyProtocol::XForwardedFor, "");
    let proxy = Proxy::caddy(gateway.address()).await;
    all_transports(&gateway, &proxy).await;
}
