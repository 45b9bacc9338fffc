//! Whoever takes too long, before the first request is whole: on every layer one deadline, and others are served.

use std::time::Duration;

use encke_gateway::{ProxyConfig, ProxyProtocol, TlsConfig};
use encke_testkit::{Raw, TestGateway, wait_for};
use tokio::time::sleep;

use crate::{floods::headers, http2::PREFACE, tls_client::TlsClient};

const LIMITS: &str = "limits.head = '300ms'\nlimits.idle = '60s'";

/// Connections that have sent a beginning and nothing more; each is closed, with at most a refusal.
async fn all_end(gateway: &TestGateway, beginnings: &[&[u8]]) {
    let mut slow = Vec::new();
    for beginning in beginnings {
        for _ in 0..20 {
            let mut raw = Raw::connect(gateway.address()).await;
            raw.send(beginning).await;
            slow.push(raw);
        }
    }
    for mut raw in slow {
        raw.read_to_end().await;
    }
}

/// One that goes on byte by byte, and never comes to the end.
async fn trickle_ends(gateway: &TestGateway, bytes: &[u8]) {
    let mut raw = Raw::connect(gateway.address()).await;
    let mut bytes = bytes.iter().cycle();
    wait_for("the end of a trickle", async || {
        sleep(Duration::from_millis(5)).await;
        !raw.send(&[*bytes.next().unwrap()]).await
    })
    .await;
}

#[tokio::test]
async fn http2_in_clear_text() {
    let gateway = TestGateway::start(LIMITS);
    let half = [PREFACE, &headers(1, "/healthz", 1)].concat();
    let beginnings: [&[u8]; 6] = [b"", b"P", &PREFACE[..10], &PREFACE[..24], PREFACE, &half];
    all_end(&gateway, &beginnings).await;
    assert_eq!(gateway.request("GET /healthz", b"").await.status, 200);
    // Frames that are no request, for ever.
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(PREFACE).await;
    wait_for("the end of pings", async || {
        sleep(Duration::from_millis(10)).await;
        !raw.send(&crate::floods::frame(6, 0, 0, &[0; 8])).await
    })
    .await;
    gateway.quiet().await;
}

#[tokio::test]
async fn tls() {
    let gateway = TestGateway::configured(LIMITS, |config| config.tls = Some(TlsConfig::SelfSigned));
    // A record that says how long it is, and its beginning.
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 100]].concat();
    let beginnings: [&[u8]; 5] = [b"", b"\x16", &[0x16, 3, 1], &hello[..5], &hello];
    all_end(&gateway, &beginnings).await;
    trickle_ends(&gateway, &[0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3]).await;
    // After the handshake, and before a request.
    let client = TlsClient::careless();
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let mut silent =
            Raw::over(client.connect(gateway.address(), "localhost", &[alpn]).await, gateway.address());
        silent.read_to_end().await;
        let mut half =
            Raw::over(client.connect(gateway.address(), "localhost", &[alpn]).await, gateway.address());
        half.send(if alpn == b"h2" { PREFACE } else { b"GET / HTTP/1.1\r\nHost: a\r\n" }).await;
        half.read_to_end().await;
    }
    let mut served = client.raw(gateway.address(), "localhost").await;
    served.request("GET /healthz", b"").await;
    assert_eq!(served.answer().await.status, 200);
}

#[tokio::test]
async fn the_proxy_protocol() {
    let gateway = TestGateway::configured(LIMITS, |config| {
        let trusted = vec!["127.0.0.1/32".parse().unwrap()];
        config.proxies = ProxyConfig { trusted, protocol: ProxyProtocol::ProxyProtocol };
    });
    let header = b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n";
    let beginnings: [&[u8]; 6] = [
        b"",
        b"P",
        b"PROXY TCP4 192.0.2.1",
        header,
        b"\r\n\r\n\0\r\nQUIT\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c123",
    ];
    all_end(&gateway, &beginnings).await;
    trickle_ends(&gateway, &[&header[..], b"GET / HTTP/1.1\r\nHost: a\r\n"].concat()).await;
}
