//! WebSocket over HTTP/2 (RFC 8441).

use bytes::{Bytes, BytesMut};
use encke_testkit::{TestGateway, wait_for};
use h2::{RecvStream, SendStream, ext::Protocol};
use http::{Method, Request, Response};

use crate::http2_client::{Client, soon};

/// A request for a tunnel, with these headers beside the version.
fn connect(client: &Client, path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = client.request(&format!("CONNECT {path}")).body(()).unwrap();
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    let all = [("sec-websocket-version", "13")].iter().chain(headers);
    for (name, value) in all {
        let name: http::HeaderName = name.parse().unwrap();
        if value.is_empty() {
            request.headers_mut().remove(name);
        } else {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    assert_eq!(request.method(), Method::CONNECT);
    request
}

struct Tunnel {
    send: SendStream<Bytes>,
    receive: RecvStream,
    buffer: BytesMut,
}

async fn open(client: &mut Client, request: Request<()>) -> (Response<()>, Tunnel) {
    let mut ready = client.requests.clone().ready().await.unwrap();
    let (answer, send) = ready.send_request(request, false).unwrap();
    let (head, receive) = soon("an answer", answer).await.unwrap().into_parts();
    (Response::from_parts(head, ()), Tunnel { send, receive, buffer: BytesMut::new() })
}

impl Tunnel {
    /// Sends a masked frame; the mask is zero.
    fn send(&mut self, opcode: u8, payload: &[u8]) {
        let head = [0x80 | opcode, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        self.send.send_data([&head[..], payload].concat().into(), false).unwrap();
    }

    async fn fill(&mut self, length: usize) {
        while self.buffer.len() < length {
            let data = soon("a frame", self.receive.data()).await.expect("more of the tunnel").unwrap();
            self.receive.flow_control().release_capacity(data.len()).unwrap();
            self.buffer.extend_from_slice(&data);
        }
    }

    /// The next frame: its first byte, and its payload.
    async fn frame(&mut self) -> (u8, Bytes) {
        self.fill(2).await;
        let (length, head) = match self.buffer[1] {
            126 => {
                self.fill(4).await;
                (usize::from(u16::from_be_bytes([self.buffer[2], self.buffer[3]])), 4)
            }
            length => (usize::from(length), 2),
        };
        self.fill(head + length).await;
        let frame = self.buffer.split_to(head + length);
        (frame[0], Bytes::copy_from_slice(&frame[head..]))
    }

    async fn text(&mut self) -> String {
        let (first, payload) = self.frame().await;
        assert_eq!(first, 0x81);
        String::from_utf8(payload.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn both_ways_beside_other_requests() {
    let gateway = TestGateway::start("");
    let mut client = Client::connect(gateway.address()).await;
    client.ask("GET /healthz", b"").await;
    assert!(client.requests.is_extended_connect_protocol_enabled());
    let request = connect(&client, "/ws?channel=a", &[("sec-websocket-protocol", "other, encke.v1")]);
    let (head, mut tunnel) = open(&mut client, request).await;
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["sec-websocket-protocol"], "encke.v1");
    for name in ["sec-websocket-accept", "connection", "upgrade", "content-length"] {
        assert!(!head.headers().contains_key(name), "{name}");
    }
    assert!(tunnel.text().await.contains("\"cursor\""), "the place that it begins with");
    for number in 0..50 {
        gateway.publish("a", &format!("m{number}.")).await;
        assert!(tunnel.text().await.contains(&format!("m{number}.")));
    }
    tunnel.send(9, b"ping");
    assert_eq!(tunnel.frame().await, (0x8a, Bytes::from_static(b"ping")));
    tunnel.send(1, br#"{"type":"subscribe","id":1,"channels":["b"]}"#);
    assert!(tunnel.text().await.contains("\"id\":1"));
    assert_eq!(client.ask("POST /publish?channel=b", b"beside").await.0, 200);
    assert!(tunnel.text().await.contains("beside"));
    tunnel.send(8, &1_000_u16.to_be_bytes());
    assert_eq!(tunnel.frame().await.0, 0x88);
    wait_for("its end", async || gateway.hub().is_empty()).await;
    assert_eq!(client.ask("GET /healthz", b"").await.0, 200, "the connection goes on");
}

/// A path, headers, and how the request for a tunnel is answered.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

#[tokio::test]
async fn what_is_no_handshake_is_refused_as_it_is_elsewhere() {
    let gateway = TestGateway::start("origins = ['https://listed.example']");
    let own = format!("http://{}", gateway.address());
    let mut client = Client::connect(gateway.address()).await;
    client.ask("GET /healthz", b"").await;
    let table: &[Row<'_>] = &[
        ("/ws?channel=a", &[], 200),
        ("/ws?channel=a", &[("origin", &own)], 200),
        ("/ws?channel=a", &[("origin", "https://listed.example")], 200),
        ("/ws?channel=a", &[("origin", "http://listed.example")], 403),
        ("/ws?channel=a", &[("origin", "null")], 403),
        ("/ws?channel=a", &[("origin", "http://evil.example")], 403),
        ("/ws?channel=a", &[("sec-websocket-version", "8")], 426),
        ("/ws?channel=a", &[("sec-websocket-version", "")], 426),
        ("/ws?channel=a", &[("sec-websocket-protocol", "b@d")], 400),
        ("/ws?channel=%00", &[], 400),
        ("/nowhere", &[], 404),
        ("/poll?channel=a", &[], 405),
        ("/sse?channel=a", &[], 405),
        ("/publish?channel=a", &[], 405),
    ];
    for (path, headers, status) in table {
        let request = connect(&client, path, headers);
        let (head, _tunnel) = open(&mut client, request).await;
        assert_eq!(head.status(), *status, "{path} {headers:?}");
        assert!(!head.headers().contains_key("connection"));
    }
    // Another protocol, or none.
    let mut other = connect(&client, "/ws?channel=a", &[]);
    other.extensions_mut().insert(Protocol::from_static("connect-udp"));
    assert_eq!(open(&mut client, other).await.0.status(), 426);
    wait_for("the end of all of them", async || gateway.hub().is_empty()).await;
    println!("{} handshakes", table.len() + 1);
}

#[tokio::test]
async fn s6_a_tunnel_takes_a_place_for_as_long_as_it_lives() {
    let gateway = TestGateway::start("limits.connections_per_address = 2");
    let mut client = Client::connect(gateway.address()).await;
    client.ask("GET /healthz", b"").await;
    let request = connect(&client, "/ws?channel=a", &[]);
    let (head, mut tunnel) = open(&mut client, request).await;
    assert_eq!(head.status(), 200);
    tunnel.text().await;
    assert_eq!(client.ask("GET /healthz", b"").await.0, 429);
    drop(tunnel);
    wait_for("a place", async || client.ask("GET /healthz", b"").await.0 == 200).await;
}

#[tokio::test]
async fn s4_a_drain_says_so() {
    let mut gateway = TestGateway::start("drain.window = '0s'");
    let mut client = Client::connect(gateway.address()).await;
    client.ask("GET /healthz", b"").await;
    let request = connect(&client, "/ws?channel=a", &[]);
    let (_, mut tunnel) = open(&mut client, request).await;
    tunnel.text().await;
    gateway.begin_stop();
    assert!(tunnel.text().await.contains("urn:encke:problem:draining"));
    let (first, payload) = tunnel.frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &1_012_u16.to_be_bytes()[..]));
    tunnel.send(8, &1_012_u16.to_be_bytes());
    soon("the end of the gateway", gateway.stop()).await;
}
