//! A server that follows a script: connection by connection, answer by answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use encke_client::{Client, SubscribeOptions, Subscription, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What happens on one connection: an answer to each request, and then its end.
pub(crate) struct Connection {
    answers: Vec<Answer>,
    end: End,
}

pub(crate) enum Answer {
    Bytes(Vec<u8>),
    /// 101, and then these bytes.
    Upgrade(Vec<u8>),
}

enum End {
    /// The stream is closed.
    Close,
    /// Nothing more is said.
    Hold,
}

impl Connection {
    /// Answers one request after the other and closes.
    pub(crate) fn closing(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: answers.into_iter().collect(), end: End::Close }
    }

    /// Answers one request after the other and stays.
    pub(crate) fn holding(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: answers.into_iter().collect(), end: End::Hold }
    }

    async fn run(self, mut stream: TcpStream, requests: mpsc::Sender<String>) {
        for answer in self.answers {
            let Some(request) = read_request(&mut stream).await else { return };
            let bytes = match answer {
                Answer::Bytes(bytes) => bytes,
                Answer::Upgrade(frames) => {
                    let key = header(&request, "sec-websocket-key").unwrap();
                    let accept = derive_accept_key(key.as_bytes());
                    let head = format!(
                        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                         sec-websocket-accept: {accept}\r\n\r\n"
                    );
                    [head.into_bytes(), frames].concat()
                }
            };
            requests.send(request).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
        if let End::Hold = self.end {
            std::future::pending::<()>().await;
        }
    }
}

/// The head of a request and its body, if it says how long that is.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
    }
}

/// The value of a header of a request.
pub(crate) fn header<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    let mut lines = request.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: mpsc::Receiver<String>,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = Connection>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel(64);
        let script: Vec<_> = script.into_iter().collect();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            let mut running = Vec::new();
            for connection in script {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                running.push(tokio::spawn(connection.run(stream, sender.clone())));
            }
            // Whoever comes now is refused.
            drop(listener);
            for connection in running {
                connection.await.unwrap();
            }
        });
        Self { url, requests, accepted, task }
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// The next request, as it came.
    pub(crate) async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }

    /// The target of the next request.
    pub(crate) async fn target(&mut self) -> String {
        let request = self.request().await;
        request.split(' ').nth(1).unwrap().to_owned()
    }

    pub(crate) fn subscribe(&self, transport: Transport, options: SubscribeOptions) -> Subscription {
        Client::new(&self.url).unwrap().subscribe(transport, options)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a length.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Bytes(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes(),
    )
}

/// A batch of items.
pub(crate) fn batch(items: &[String], cursor: &str) -> Answer {
    batch_with("", items, cursor)
}

/// A batch of items, after which the connection is not to be used again.
pub(crate) fn last_batch(items: &[String], cursor: &str) -> Answer {
    batch_with("connection: close\r\n", items, cursor)
}

fn batch_with(headers: &str, items: &[String], cursor: &str) -> Answer {
    let body = format!("{{\"messages\":[{}],\"cursor\":\"{cursor}\"}}", items.join(","));
    whole("200 OK", &format!("content-type: application/json\r\n{headers}"), &body)
}

/// A stream's chunks; where it is not ended, the last chunk is missing.
fn chunked(content_type: &str, body: &str, ended: bool) -> Answer {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n");
    let end = if ended { "0\r\n\r\n" } else { "" };
    Answer::Bytes(format!("{head}{:x}\r\n{body}\r\n{end}", body.len()).into_bytes())
}

/// A WebSocket text frame of the server.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut frame = vec![0x81, 126];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// A WebSocket close frame of the server.
pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    let length = u8::try_from(2 + reason.len()).unwrap();
    [&[0x88, length][..], &code.to_be_bytes(), reason.as_bytes()].concat()
}

/// What a gateway says, on each transport that it streams over.
pub(crate) struct Says<'a> {
    pub(crate) place: &'a str,
    pub(crate) items: &'a [String],
    /// When to come back, in ms, if the stream ends of itself.
    pub(crate) end: Option<u64>,
}

impl Says<'_> {
    pub(crate) fn over(&self, transport: Transport) -> Answer {
        let Self { place, items, end } = self;
        match transport {
            Transport::Sse => {
                let mut body = format!("retry: 10\nid: {place}\n\n");
                for item in *items {
                    body += &format!("event: any\ndata: {item}\n\n");
                }
                end.iter().for_each(|retry| body += &format!("retry: {retry}\n\n"));
                chunked("text/event-stream", &body, end.is_some())
            }
            Transport::Iframe => {
                let mut body = format!(
                    "<script>(function(){{}})();</script><script nonce=\"n\">c(\"{place}\")</script>\n"
                );
                for item in *items {
                    body += &format!("<script nonce=\"n\">m({item},\"{place}\")</script>\n");
                }
                end.iter().for_each(|retry| body += &format!("<script>z(\"{place}\",{retry})</script>\n"));
                chunked("text/html; charset=utf-8", &body, end.is_some())
            }
            Transport::Ws => {
                let mut frames = frame(&format!("{{\"type\":\"subscribed\",\"cursor\":\"{place}\"}}"));
                frames.extend(items.iter().flat_map(|item| frame(item)));
                if end.is_some() {
                    frames.extend(close(1012, "restart"));
                }
                Answer::Upgrade(frames)
            }
            Transport::Poll | Transport::LongPoll => batch(items, place),
        }
    }
}

/// A message of channel `news` at `seq`, after `prev`.
pub(crate) fn message(seq: u64, prev: u64) -> String {
    format!(
        "{{\"type\":\"message\",\"channel\":\"news\",\"seq\":{seq},\"prev\":{prev},\
         \"cursor\":\"7f3k2q9x-{seq}\",\"time\":\"2026-11-21T08:41:00.123Z\",\"data\":{{\"n\":1.0}}}}"
    )
}
