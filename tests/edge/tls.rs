//! TLS on the listener.

use std::{fs, path::PathBuf};

use encke_gateway::{CertificateFiles, Gateway, StartError, TlsConfig, config::Sources};
use encke_testkit::{Raw, TestGateway, wait_for};
use h2::client;
use rustls::{
    HandshakeKind, ProtocolVersion,
    pki_types::CertificateDer,
    version::{TLS12, TLS13},
};

use crate::{
    http2_client::{Client, soon},
    tls_client::TlsClient,
};

const HANDSHAKE: &str = "GET /ws?channel=a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// A folder of the test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("encke-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a new certificate for `names` and its key; which files, and the certificate.
    fn certificate(&self, file: &str, names: &[&str]) -> (CertificateFiles, CertificateDer<'static>) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let files = CertificateFiles {
            chain: self.0.join(format!("{file}.pem")),
            key: self.0.join(format!("{file}.key")),
        };
        // The key first: a look between the two finds what does not fit, and looks again.
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        fs::write(&files.chain, made.cert.pem()).unwrap();
        (files, made.cert.der().clone())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn with_files(toml: &str, files: Vec<CertificateFiles>) -> TestGateway {
    TestGateway::configured(toml, |config| config.tls = Some(TlsConfig::Files(files)))
}

#[tokio::test]
async fn both_versions_carry_both_versions_of_http() {
    let folder = Folder::new("versions");
    let (files, root) = folder.certificate("one", &["app.example"]);
    let gateway = with_files("", vec![files]);
    for (version, number) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let tls = TlsClient::new(std::slice::from_ref(&root), &[version]);
        let stream = tls.connect(gateway.address(), "app.example", &[b"h2", b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(number));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut two = Client::over(stream, "app.example", &client::Builder::new()).await;
        assert_eq!(two.ask("GET /healthz", b"").await.0, 200);
        let mut held = two.hold("GET /sse?channel=a").await;
        for alpn in [&[&b"http/1.1"[..]][..], &[]] {
            let stream = tls.connect(gateway.address(), "app.example", alpn).await;
            assert_eq!(stream.get_ref().1.alpn_protocol(), alpn.first().copied());
            let mut one = Raw::over(stream, gateway.address());
            one.request("POST /publish?channel=a", b"over TLS").await;
            assert_eq!(one.answer().await.status, 200);
            one.request("GET /sse?channel=a&since=earliest", b"").await;
            one.read_to("over TLS").await;
        }
        held.read_to("over TLS").await;
        // A name that it is not for is not believed.
        assert!(tls.try_connect(gateway.address(), "evil.example", &[]).await.is_err());
        // Who speaks no protocol of ours is not served.
        assert!(tls.try_connect(gateway.address(), "app.example", &[b"spdy/3"]).await.is_err());
    }
}

#[tokio::test]
async fn a_websocket_over_tls() {
    let gateway = TestGateway::configured("", |config| config.tls = Some(TlsConfig::SelfSigned));
    let mut raw = TlsClient::careless().raw(gateway.address(), "localhost").await;
    raw.request(HANDSHAKE, b"").await;
    assert_eq!(raw.head().await.status, 101);
    raw.read_to("cursor").await;
    let mut publisher = TlsClient::careless().raw(gateway.address(), "localhost").await;
    for number in 0..100 {
        publisher.request("POST /publish?channel=a", format!("m{number}.").as_bytes()).await;
        assert_eq!(publisher.answer().await.status, 200);
        raw.read_to(&format!("m{number}.")).await;
    }
    drop(raw);
    wait_for("its end", async || gateway.hub().is_empty()).await;
}

#[tokio::test]
async fn the_name_chooses_the_certificate() {
    let folder = Folder::new("names");
    let (first, first_root) = folder.certificate("first", &["first.example", "*.wild.example"]);
    let (second, second_root) = folder.certificate("second", &["second.example", "a.wild.example"]);
    let gateway = with_files("", vec![first, second]);
    let tls = TlsClient::careless();
    for (name, expected) in [
        ("first.example", &first_root),
        ("second.example", &second_root),
        ("SECOND.example", &second_root),
        ("b.wild.example", &first_root),
        ("a.wild.example", &first_root),
        ("unknown.example", &first_root),
        // An address is no name that a client would send.
        ("127.0.0.1", &first_root),
    ] {
        let stream = tls.connect(gateway.address(), name, &[]).await;
        assert_eq!(&stream.get_ref().1.peer_certificates().unwrap()[0], expected, "{name}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart() {
    let folder = Folder::new("renewal");
    let (files, old) = folder.certificate("one", &["app.example"]);
    let gateway = with_files("", vec![files.clone()]);
    let shown = async || {
        // Without resumption, which shows none.
        let stream = TlsClient::careless().connect(gateway.address(), "app.example", &[]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let tls = TlsClient::new(std::slice::from_ref(&old), rustls::ALL_VERSIONS);
    let mut live = tls.raw(gateway.address(), "app.example").await;
    live.request("GET /sse?channel=a", b"").await;
    assert_eq!(live.head().await.status, 200);

    // Broken files keep the old one: each of these is looked at before the next.
    let key = fs::read(&files.key).unwrap();
    let (other, _) = folder.certificate("other", &["app.example"]);
    for broken in [&b""[..], b"-----BEGIN PRIVATE KEY-----\n", &fs::read(&other.key).unwrap()] {
        fs::write(&files.key, broken).unwrap();
        assert_eq!(shown().await, old);
    }
    fs::remove_file(&files.chain).unwrap();
    assert_eq!(shown().await, old);
    fs::write(&files.key, key).unwrap();

    let (_, new) = folder.certificate("one", &["app.example"]);
    wait_for("the new certificate", async || shown().await == new).await;
    // The live connection has not noticed.
    gateway
        .publish_over(&mut TlsClient::careless().raw(gateway.address(), "app.example").await, "still here")
        .await;
    live.read_to("still here").await;
    // And a broken one after a good one.
    fs::write(&files.chain, "nonsense").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(3_500)).await;
    assert_eq!(shown().await, new);
}

/// Publishing over a connection of the test's choice.
trait PublishOver {
    async fn publish_over(&self, raw: &mut Raw, data: &str);
}

impl PublishOver for TestGateway {
    async fn publish_over(&self, raw: &mut Raw, data: &str) {
        raw.request("POST /publish?channel=a", data.as_bytes()).await;
        assert_eq!(raw.answer().await.status, 200);
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_said_at_the_start() {
    let folder = Folder::new("wrong");
    let (good, _) = folder.certificate("good", &["a.example"]);
    let (other, _) = folder.certificate("other", &["a.example"]);
    let missing = folder.0.join("missing.pem");
    fs::write(folder.0.join("empty.pem"), "").unwrap();
    let files = |chain: &PathBuf, key: &PathBuf| CertificateFiles { chain: chain.clone(), key: key.clone() };
    let empty = folder.0.join("empty.pem");
    for (wrong, told) in [
        (vec![], "needs a certificate"),
        (vec![files(&missing, &good.key)], "cannot read"),
        (vec![files(&good.chain, &missing)], "cannot read"),
        (vec![files(&empty, &good.key)], "empty.pem has not what it should have"),
        (vec![files(&good.chain, &empty)], "empty.pem has not what it should have"),
        (vec![files(&good.chain, &good.chain)], "good.pem has not"),
        (vec![files(&good.key, &good.key)], "good.key has not"),
        (vec![files(&good.chain, &other.key)], "other.key does not fit"),
        (vec![good.clone(), files(&good.chain, &other.key)], "other.key does not fit"),
    ] {
        let sources = Sources::new().flag("test", "listen", "127.0.0.1:0");
        let mut config = sources.load().unwrap().config;
        config.tls = Some(TlsConfig::Files(wrong));
        match Gateway::bind(&config).await {
            Err(error @ StartError::Tls(_)) => assert!(error.to_string().contains(told), "{error}"),
            _ => panic!("bound, without {told}"),
        }
    }
}

#[tokio::test]
async fn clear_text_is_told_so() {
    let gateway = TestGateway::configured("", |config| config.tls = Some(TlsConfig::SelfSigned));
    for request in
        ["GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0", "x"]
    {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(request.as_bytes()).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 400, "{request}");
        assert!(answer.text().contains("HTTPS"), "{}", answer.text());
        assert_eq!(raw.read_to_end().await, "");
    }
    // A handshake that makes no sense is just ended.
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(&[0x16, 3, 1, 0, 4, 9, 9, 9, 9]).await;
    assert!(!raw.read_to_end().await.contains("HTTP/"));
}

#[tokio::test]
async fn the_certificate_of_development_is_for_this_machine() {
    let gateway = TestGateway::configured("", |config| config.tls = Some(TlsConfig::SelfSigned));
    let first = TlsClient::careless().connect(gateway.address(), "localhost", &[]).await;
    let root = first.get_ref().1.peer_certificates().unwrap()[0].clone();
    let tls = TlsClient::new(&[root], rustls::ALL_VERSIONS);
    for (name, good) in [("localhost", true), ("127.0.0.1", true), ("::1", true), ("app.example", false)] {
        assert_eq!(tls.try_connect(gateway.address(), name, &[]).await.is_ok(), good, "{name}");
    }
    let other = TestGateway::configured("", |config| config.tls = Some(TlsConfig::SelfSigned));
    assert!(tls.try_connect(other.address(), "localhost", &[]).await.is_err(), "each start has its own");
}

#[tokio::test]
async fn a_client_that_comes_back_is_known() {
    let gateway = TestGateway::configured("", |config| config.tls = Some(TlsConfig::SelfSigned));
    for version in [&TLS12, &TLS13] {
        let first = TlsClient::careless().connect(gateway.address(), "localhost", &[]).await;
        let root = first.get_ref().1.peer_certificates().unwrap()[0].clone();
        let tls = TlsClient::new(&[root], &[version]);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
            let stream = tls.connect(gateway.address(), "localhost", &[b"http/1.1"]).await;
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind), "{version:?}");
            // Tickets come after the handshake.
            let mut raw = Raw::over(stream, gateway.address());
            raw.request("GET /healthz", b"").await;
            assert_eq!(raw.answer().await.status, 200);
        }
    }
}

#[tokio::test]
async fn s2_a_connection_counts_until_its_tls_ends() {
    let gateway = TestGateway::configured("limits.connections_per_address = 2", |config| {
        config.tls = Some(TlsConfig::SelfSigned);
    });
    let tls = TlsClient::careless();
    let mut held = tls.raw(gateway.address(), "localhost").await;
    held.request(HANDSHAKE, b"").await;
    assert_eq!(held.head().await.status, 101);
    let mut other = tls.raw(gateway.address(), "localhost").await;
    other.request("GET /sse?channel=a", b"").await;
    assert_eq!(other.head().await.status, 200);
    assert!(tls.try_connect(gateway.address(), "localhost", &[]).await.is_err());
    drop(held);
    wait_for("a place", async || tls.try_connect(gateway.address(), "localhost", &[]).await.is_ok()).await;
}

#[tokio::test]
async fn d9_who_does_not_read_ends_below_tls() {
    let gateway = TestGateway::configured("limits.write_stall = '300ms'", |config| {
        config.tls = Some(TlsConfig::SelfSigned);
    });
    let tls = TlsClient::careless();
    let mut stalled = Vec::new();
    for head in ["GET /sse?channel=a", "GET /iframe?channel=a&callback=f", HANDSHAKE] {
        let mut raw = tls.raw(gateway.address(), "localhost").await;
        raw.request(head, b"").await;
        raw.head().await;
        stalled.push(raw);
    }
    let data = "x".repeat(60_000);
    let mut publisher = tls.raw(gateway.address(), "localhost").await;
    wait_for("the end of those that do not read", async || {
        gateway.publish_over(&mut publisher, &data).await;
        gateway.hub().is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_page_of_another_scheme_is_another_origin() {
    let gateway = TestGateway::configured("", |config| config.tls = Some(TlsConfig::SelfSigned));
    let tls = TlsClient::careless();
    for (origin, status) in [("https", 200), ("http", 403)] {
        let mut raw = tls.raw(gateway.address(), "localhost").await;
        raw.request(&format!("GET /poll?channel=a\nOrigin: {origin}://{}", gateway.address()), b"").await;
        assert_eq!(raw.answer().await.status, status, "{origin}");
        let stream = tls.connect(gateway.address(), "localhost", &[b"h2"]).await;
        let mut two = Client::over(stream, "localhost", &client::Builder::new()).await;
        let request = two.request("GET /poll?channel=a").header("origin", format!("{origin}://localhost"));
        assert_eq!(two.send(request.body(()).unwrap(), b"").await.status(), status, "{origin}");
    }
}

#[tokio::test]
async fn s4_a_drain_reaches_through_tls() {
    let mut gateway = TestGateway::configured("drain.window = '0s'", |config| {
        config.tls = Some(TlsConfig::SelfSigned);
    });
    let tls = TlsClient::careless();
    let mut one = tls.raw(gateway.address(), "localhost").await;
    one.request("GET /sse?channel=a", b"").await;
    one.head().await;
    let mut idle = tls.raw(gateway.address(), "localhost").await;
    idle.request("GET /healthz", b"").await;
    idle.answer().await;
    let stream = tls.connect(gateway.address(), "localhost", &[b"h2"]).await;
    let mut two = Client::over(stream, "localhost", &client::Builder::new()).await;
    let mut held = two.hold("GET /sse?channel=a").await;
    gateway.begin_stop();
    assert!(one.read_to_end().await.contains("retry: "));
    while held.more().await {}
    assert!(held.seen.contains("retry: "));
    soon("the end of the gateway", gateway.stop()).await;
    assert_eq!(idle.read_to_end().await, "");
    two.ended().await.unwrap();
}
