//! A WebSocket client of the tests' own, that can be as wrong as a test needs it to be.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use encke_ws::{Socket, SocketLimits};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
};

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// The same without FIN, and what goes on from it.
pub(crate) const TEXT_BEGIN: u8 = 0x01;
pub(crate) const BINARY_BEGIN: u8 = 0x02;
pub(crate) const MORE: u8 = 0x00;
pub(crate) const END: u8 = 0x80;

const MASK: [u8; 4] = [0xa5, 0x3c, 0x00, 0x7e];

/// A masked frame that begins with the byte `first` (FIN, reserved bits, opcode).
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | u8::try_from(short).unwrap()),
        medium @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// The payload of a close frame.
pub(crate) fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_ref()].concat()
}

/// A frame from the server: its first byte, its payload.
pub(crate) type Received = (u8, Vec<u8>);

/// The client's end of a connection.
pub(crate) struct Peer<S> {
    pub(crate) stream: S,
}

impl Peer<TcpStream> {
    /// Opens a WebSocket on `/echo`.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (peer, head) = Self::ask(address, "/echo", "").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        peer
    }

    /// Asks for a WebSocket, with more headers, each with its line end; the head of the answer.
    pub(crate) async fn ask(address: SocketAddr, target: &str, headers: &str) -> (Self, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: echo\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (Self { stream }, String::from_utf8(head).unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next frame, or none at the end of the stream.
    pub(crate) async fn read(&mut self) -> Option<Received> {
        let first = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.unwrap() {
            126 => self.stream.read_u16().await.unwrap().into(),
            127 => usize::try_from(self.stream.read_u64().await.unwrap()).unwrap(),
            short => short.into(),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.unwrap();
        Some((first, payload))
    }

    /// All frames until the server ends the stream.
    pub(crate) async fn read_all(&mut self) -> Vec<Received> {
        let mut frames = Vec::new();
        while let Some(frame) = self.read().await {
            frames.push(frame);
        }
        frames
    }

    /// The code of a close frame, after which the server ends the stream.
    pub(crate) async fn read_close(&mut self) -> u16 {
        let frames = self.read_all().await;
        let [(CLOSE, payload)] = &frames[..] else { panic!("not a close frame alone: {frames:?}") };
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

/// An echo server of this process, on a port of its own.
pub(crate) async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(ws_echo::serve(listener));
    address
}

/// A socket and its peer, with `capacity` bytes in flight each way.
pub(crate) async fn pair(
    capacity: usize,
    limits: &SocketLimits,
) -> (Socket<DuplexStream>, Peer<DuplexStream>) {
    let (ours, theirs) = tokio::io::duplex(capacity);
    (Socket::new(ours, Bytes::new(), limits).await, Peer { stream: theirs })
}

/// Fails the test instead of hanging it.
pub(crate) async fn bounded<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("a test hangs")
}
