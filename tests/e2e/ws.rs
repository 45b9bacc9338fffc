//! WebSocket by frames: what comes in which order.

use encke_testkit::{Raw, TestGateway};
use serde_json::{Value, json};

/// One end of a WebSocket whose frames are JSON.
pub(super) struct Peer(Raw);

impl Peer {
    pub(super) async fn open(gateway: &TestGateway, target: &str) -> Self {
        Self::ask(gateway, target, "").await
    }

    /// A native client of what its target says.
    pub(super) async fn native(gateway: &TestGateway, target: &str) -> Self {
        let mut peer = Self::ask(gateway, target, "\nSec-WebSocket-Protocol: encke.v1").await;
        assert_eq!(peer.next().await["type"], "subscribed");
        peer
    }

    async fn ask(gateway: &TestGateway, target: &str, header: &str) -> Self {
        let mut raw = Raw::connect(gateway.address()).await;
        let handshake = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        raw.request(&format!("GET {target}\n{handshake}{header}"), b"").await;
        assert_eq!(raw.head().await.status, 101);
        Self(raw)
    }

    pub(super) async fn send(&mut self, command: &Value) {
        self.send_frame(1, command.to_string().as_bytes()).await;
    }

    /// Sends a frame masked by zeros, which leave it as it is.
    pub(super) async fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).unwrap();
        let mut frame = vec![0x80 | opcode, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(payload);
        self.0.send(&frame).await;
    }

    /// The next frame, which is text on one line.
    pub(super) async fn next(&mut self) -> Value {
        let (opcode, payload) = self.next_frame().await;
        assert_eq!(opcode, 1, "{payload:?}");
        assert!(!payload.contains(&b'\n'), "{payload:?}");
        serde_json::from_slice(&payload).unwrap()
    }

    pub(super) async fn next_frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.0.take(2).await;
        let more = match head[1] {
            127 => 8,
            126 => 2,
            _ => 0,
        };
        let long = self.0.take(more).await.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let length = if more == 0 { usize::from(head[1]) } else { long };
        (head[0] & 15, self.0.take(length).await)
    }
}

/// D1: the place that an answer tells was once ahead of messages that still waited for a slow peer.
#[tokio::test]
async fn an_answer_tells_no_place_before_what_is_up_to_it() {
    const MESSAGES: u64 = 6_000;
    let gateway = TestGateway::start("[log.retention]\ncount = 10_000\nbytes = \"100MiB\"\n");
    let mut slow = Peer::native(&gateway, "/ws?channel=news").await;
    let mut publisher = Raw::connect(gateway.address()).await;
    let line = format!("{{\"data\":\"{}\"}}\n", "x".repeat(3_000));
    for _ in 0..MESSAGES / 100 {
        let head = "POST /publish?channel=news\nContent-Type: application/x-ndjson";
        publisher.request(head, line.repeat(100).as_bytes()).await;
        assert_eq!(publisher.answer().await.status, 200);
    }
    slow.send(&json!({ "type": "ping" })).await;
    let mut last = 0;
    let pong = loop {
        let frame = slow.next().await;
        match frame["seq"].as_u64() {
            Some(seq) => last = seq,
            None => break frame,
        }
    };
    assert!(last < MESSAGES, "it was not slow");
    let cursor = pong["cursor"].as_str().unwrap();
    assert!(cursor.ends_with(&format!("-{last}")), "{cursor} after {last}");
}
