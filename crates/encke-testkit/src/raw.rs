use std::net::SocketAddr;

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::PATIENCE;

/// A bare connection: what a test writes is what the server gets, and nothing is hidden of what it answers.
pub struct Raw {
    stream: Box<dyn Bytes>,
    address: SocketAddr,
    buffer: Vec<u8>,
}

/// An answer as it was read.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without the chunks' frames.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Any stream of bytes.
trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Bytes for S {}

impl Raw {
    /// Uses a stream that goes to `address`, such as TLS.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, address: SocketAddr) -> Self {
        Self { stream: Box::new(stream), address, buffer: Vec::new() }
    }

    /// Connects.
    ///
    /// # Panics
    /// If nobody listens.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection to loopback");
        Self::over(stream, address)
    }

    /// Connects with the segments of an Ethernet instead of those of loopback, which are 64 KiB: the peer's small send
    /// buffer is less than one of them, and whoever gets one delays its acknowledgement.
    ///
    /// # Panics
    /// If nobody listens.
    pub async fn connect_as_from_afar(address: SocketAddr) -> Self {
        const SEGMENT: u32 = 1_400;
        let socket = TcpSocket::new_v4().expect("a socket");
        SockRef::from(&socket).set_tcp_mss(SEGMENT).expect("segments of this size");
        let stream = socket.connect(address).await.expect("a connection to loopback");
        Self::over(stream, address)
    }

    /// Writes bytes as they are. False if the peer has closed.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Writes a request: `head` is the request line up to the version, and further lines for headers.
    pub async fn request(&mut self, head: &str, body: &[u8]) {
        let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
        let mut text = format!("{line} HTTP/1.1\r\nHost: {}\r\n", self.address);
        headers.lines().for_each(|header| text.push_str(&format!("{}\r\n", header.trim())));
        if !body.is_empty() || line.starts_with("POST") {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        self.send(&bytes).await;
    }

    /// Ends our side of the stream; what the peer sends can still be read.
    pub async fn finish(&mut self) {
        // The peer may have ended all of it.
        let _ = self.stream.shutdown().await;
    }

    /// Reads more; false at the end of the stream or if it was reset.
    ///
    /// # Panics
    /// If nothing comes for [`PATIENCE`].
    pub async fn read_more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing came after {:?}", self.seen()));
        read.is_ok_and(|length| length > 0)
    }

    /// What was read and not taken.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// Reads until `text` has come, and takes everything up to its end.
    ///
    /// # Panics
    /// If the stream ends before.
    pub async fn read_to(&mut self, text: &str) -> String {
        let mut looked = 0;
        loop {
            let new = &self.buffer[looked..];
            let found = new.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                let rest = self.buffer.split_off(looked + at + text.len());
                let taken = std::mem::replace(&mut self.buffer, rest);
                return String::from_utf8_lossy(&taken).into_owned();
            }
            looked = (self.buffer.len() + 1).saturating_sub(text.len()).max(looked);
            assert!(self.read_more().await, "the stream ended before {text:?}, after {:?}", self.seen());
        }
    }

    /// Reads so many bytes and forgets them.
    ///
    /// # Panics
    /// If the stream ends before.
    pub async fn skip(&mut self, bytes: usize) {
        while self.buffer.len() < bytes {
            assert!(self.read_more().await, "the stream ended before {bytes} bytes");
        }
        self.buffer.drain(..bytes);
    }

    /// Reads to the end of the stream and takes everything.
    pub async fn read_to_end(&mut self) -> String {
        while self.read_more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }

    /// Reads the head of an answer; its body is left.
    ///
    /// # Panics
    /// If it is no answer.
    pub async fn head(&mut self) -> Answer {
        let head = self.read_to("\r\n\r\n").await;
        let mut lines = head.lines();
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not an answer: {head}"));
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Answer { status, headers, body: Vec::new() }
    }

    /// Reads a whole answer, if the stream does not end before its head does.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn answer_or_end(&mut self) -> Option<Answer> {
        while !self.buffer.windows(4).any(|window| window == b"\r\n\r\n") {
            if !self.read_more().await {
                return None;
            }
        }
        Some(self.answer().await)
    }

    /// Reads a whole answer, which must have an end.
    ///
    /// # Panics
    /// If it is no answer.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        answer.body = self.body_of(&answer).await;
        answer
    }

    /// Reads the body of an answer, whose head was read before, to its end, as text.
    ///
    /// # Panics
    /// If it ends before.
    pub async fn body(&mut self, answer: &Answer) -> String {
        String::from_utf8_lossy(&self.body_of(answer).await).into_owned()
    }

    async fn body_of(&mut self, answer: &Answer) -> Vec<u8> {
        let mut body = Vec::new();
        if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().expect("a content-length");
            while self.buffer.len() < length && self.read_more().await {}
            let rest = self.buffer.split_off(length.min(self.buffer.len()));
            body = std::mem::replace(&mut self.buffer, rest);
        } else if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let chunk = self.chunk().await;
                if chunk.is_empty() {
                    break;
                }
                body.extend(chunk);
            }
        }
        body
    }

    /// Reads the next chunk of a body that goes on; empty at its end.
    ///
    /// # Panics
    /// If the stream ends before.
    pub async fn chunk(&mut self) -> Vec<u8> {
        let size = self.read_to("\r\n").await;
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        let chunk = self.take(size).await;
        self.take(2).await;
        chunk
    }

    /// Takes the next `length` bytes.
    ///
    /// # Panics
    /// If the stream ends before.
    pub async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            assert!(self.read_more().await, "the stream ended after {:?}", self.seen());
        }
        self.buffer.drain(..length).collect()
    }
}
