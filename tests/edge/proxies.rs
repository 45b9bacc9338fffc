//! Whom a connection is from, when a proxy says it by the PROXY protocol.

use encke_gateway::{ProxyConfig, ProxyProtocol, TlsConfig};
use encke_testkit::{Raw, TestGateway};
use h2::client;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::http2_client::Client;

fn behind(toml: &str, tls: bool) -> TestGateway {
    TestGateway::configured(toml, |config| {
        let trusted = vec!["127.0.0.1/32".parse().unwrap()];
        config.proxies = ProxyConfig { trusted, protocol: ProxyProtocol::ProxyProtocol };
        config.tls = tls.then_some(TlsConfig::SelfSigned);
    })
}

fn text(address: &str) -> Vec<u8> {
    let family = if address.contains(':') { "TCP6" } else { "TCP4" };
    let to = if address.contains(':') { "::1" } else { "127.0.0.1" };
    format!("PROXY {family} {address} {to} 4711 8000\r\n").into_bytes()
}

fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
}

fn four(address: [u8; 4]) -> Vec<u8> {
    binary(0x21, 0x11, &[&address[..], &[127, 0, 0, 1, 0, 80, 1, 187]].concat())
}

/// A publish, which only this machine may by default, after this header.
async fn publish(gateway: &TestGateway, header: &[u8]) -> u16 {
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(header).await;
    raw.request("POST /publish?channel=a", b"1").await;
    raw.answer_or_end().await.map_or(0, |answer| answer.status)
}

#[tokio::test]
async fn s1_the_header_decides_what_is_open() {
    let gateway = behind("", false);
    let six = |last| {
        let mut addresses = [0; 36];
        addresses[15] = last;
        binary(0x21, 0x21, &addresses)
    };
    let table = [
        (text("127.0.0.1"), 200),
        (text("::1"), 200),
        (text("192.0.2.1"), 403),
        (text("2001:db8::1"), 403),
        (four([127, 0, 0, 1]), 200),
        (four([192, 0, 2, 1]), 403),
        (six(1), 200),
        (six(2), 403),
        // For itself, or for nobody that it knows.
        (b"PROXY UNKNOWN\r\n".to_vec(), 403),
        (binary(0x20, 0, &[]), 403),
        (binary(0x21, 0, &[]), 403),
        (binary(0x21, 0x31, &[0; 216]), 403),
    ];
    for (header, status) in &table {
        assert_eq!(publish(&gateway, header).await, *status, "{:?}", String::from_utf8_lossy(header));
    }
    // Headers of requests mean nothing then.
    let header = [&text("192.0.2.1")[..], b"POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"].concat();
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(&header).await;
    assert_eq!(raw.answer().await.status, 403);
    println!("{} headers", table.len() + 1);
}

#[tokio::test]
async fn however_it_is_cut() {
    let gateway = behind("", false);
    for header in [text("127.0.0.1"), four([127, 0, 0, 1])] {
        let request = b"POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1";
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in header.iter().chain(request) {
            stream.write_all(&[*byte]).await.unwrap();
            // Into a segment of its own, mostly.
            tokio::task::yield_now().await;
        }
        assert_eq!(Raw::over(stream, gateway.address()).answer().await.status, 200);
        // And at once, with the next request behind it.
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(&[&header[..], request, request].concat()).await;
        for _ in 0..2 {
            assert_eq!(raw.answer().await.status, 200);
        }
    }
}

#[tokio::test]
async fn what_is_no_header_is_refused() {
    let gateway = behind("", false);
    let table: Vec<Vec<u8>> = vec![
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"proxy TCP4 127.0.0.1 127.0.0.1 1 2\r\n".to_vec(),
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1\r\n".to_vec(),
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\n".to_vec(),
        b"PROXY TCP4 localhost 127.0.0.1 1 2\r\n".to_vec(),
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 99999\r\n".to_vec(),
        b"PROXY UDP4 127.0.0.1 127.0.0.1 1 2\r\n".to_vec(),
        [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat(),
        vec![b'P'; 4_096],
        binary(0x11, 0x11, &[0; 12]),
        binary(0x22, 0x11, &[0; 12]),
        binary(0x21, 0x12, &[0; 12]),
        binary(0x21, 0x41, &[0; 12]),
        binary(0x21, 0x11, &[0; 11]),
        binary(0x21, 0x11, &[0; 4_000]),
        [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".to_vec(), vec![0; 65_535]].concat(),
    ];
    for bytes in &table {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(bytes).await;
        let answer = raw.answer().await;
        assert!(answer.status == 400 && answer.text().contains("PROXY protocol"), "{}", answer.text());
        assert_eq!(raw.read_to_end().await, "");
    }
    println!("{} beginnings refused", table.len());
    assert_eq!(publish(&gateway, &text("127.0.0.1")).await, 200);
}

#[tokio::test]
async fn who_is_not_listed_is_not_believed() {
    let gateway = TestGateway::configured("", |config| {
        config.proxies = ProxyConfig {
            trusted: vec!["192.0.2.0/24".parse().unwrap()],
            protocol: ProxyProtocol::ProxyProtocol,
        };
    });
    assert_eq!(publish(&gateway, b"").await, 200);
    for header in [text("127.0.0.1"), four([127, 0, 0, 1])] {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(&header).await;
        raw.request("GET /healthz", b"").await;
        let answer = raw.answer_or_end().await;
        assert!(answer.is_none_or(|answer| answer.status == 400));
    }
}

#[tokio::test]
async fn s6_a_client_behind_it_has_places_of_its_own() {
    let gateway = behind("limits.connections_per_address = 2", false);
    let open = async |address: &str| {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(&text(address)).await;
        raw.request("GET /sse?channel=a", b"").await;
        let answer = raw.head().await;
        (raw, answer.status)
    };
    let (_one, first) = open("192.0.2.1").await;
    let (two, second) = open("192.0.2.1").await;
    assert_eq!((first, second), (200, 200));
    assert_eq!(open("192.0.2.1").await.1, 429);
    assert_eq!(open("192.0.2.2").await.1, 200);
    drop(two);
    encke_testkit::wait_for("a place", async || open("192.0.2.1").await.1 == 200).await;
}

#[tokio::test]
async fn below_tls_and_http2() {
    let gateway = behind("", true);
    for (address, status) in [("127.0.0.1", 200), ("192.0.2.1", 403)] {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(&text(address)).await.unwrap();
        let stream = crate::tls_client::TlsClient::careless().over(stream, "localhost", &[b"h2"]).await;
        let mut client = Client::over(stream, "localhost", &client::Builder::new()).await;
        assert_eq!(client.ask("POST /publish?channel=a", b"1").await.0, status, "{address}");
    }
    let clear = behind("", false);
    let mut stream = TcpStream::connect(clear.address()).await.unwrap();
    stream.write_all(&four([127, 0, 0, 1])).await.unwrap();
    let mut client = Client::over(stream, "a", &client::Builder::new()).await;
    assert_eq!(client.ask("POST /publish?channel=a", b"1").await.0, 200);
}
