//! A hub with its notices, and a receiver of webhooks that behaves as it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use bytes::Bytes;
use encke_core::{ChannelName, LogConfig, Message, Publish, Retention, Selector};
use encke_hub::{Action, Ask, Grant, Hub};
use encke_notices::{Secret, Webhook, WebhookConfig};
use encke_wire::{Received, ReceivedBatch, ReceivedMessage};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub(crate) const SECRET: &[u8] = b"a secret of both of them";

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "waited in vain: {what}");
}

/// A log whose channels keep `count` messages.
pub(crate) fn keeping(count: usize) -> LogConfig {
    let retention = Retention { count, bytes: 64 << 20, age: Duration::from_secs(3_600) };
    LogConfig { retention, ..LogConfig::default() }
}

pub(crate) fn hub(count: usize) -> Hub {
    Hub::builder().log(keeping(count)).build().unwrap()
}

pub(crate) fn selector(name: &str) -> Selector {
    Selector::new(name).unwrap()
}

/// The grant of a client.
pub(crate) async fn client(hub: &Hub) -> Grant {
    hub.authorize(&Ask::new(Action::Publish, Vec::new())).await.unwrap()
}

/// Publishes a number.
pub(crate) async fn publish(hub: &Hub, grant: &Grant, channel: &str, number: u64) {
    let message = Message::json(number.to_string());
    hub.publish(grant, Publish::new(ChannelName::new(channel).unwrap(), message)).await.unwrap();
}

/// A webhook that sends `channels` to `address`, and does not wait long.
pub(crate) fn webhook(hub: &Hub, address: SocketAddr, channels: &[&str]) -> Arc<Webhook> {
    Arc::new(Webhook::new(hub, config(address, channels)).unwrap())
}

pub(crate) fn config(address: SocketAddr, channels: &[&str]) -> WebhookConfig {
    let url = format!("http://{address}/hook").parse().unwrap();
    let mut config = WebhookConfig::new(url, Secret::new(SECRET).unwrap());
    config.channels = channels.iter().map(|name| selector(name)).collect();
    config.fetch.deadline = Duration::from_millis(300);
    config.retry = Duration::from_millis(1);
    config.retry_most = Duration::from_millis(20);
    config
}

/// Runs it, and waits until it has its place.
pub(crate) async fn run(webhook: &Arc<Webhook>) -> JoinHandle<()> {
    let running = Arc::clone(webhook);
    let task = tokio::spawn(async move { running.run().await });
    until("the webhook has a place", || webhook.state().cursor.is_some()).await;
    task
}

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it, and says so.
    Take,
    /// Answers this.
    Answer(u16),
    /// Sends the sender elsewhere.
    Redirect,
    /// Closes before it has read anything.
    HangUp,
    /// Reads it and closes.
    HangUpAfter,
    /// Never answers.
    Stall,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) signature: String,
    pub(crate) body: Bytes,
    /// Whether 2xx was said.
    pub(crate) taken: bool,
}

impl Got {
    pub(crate) fn batch(&self) -> ReceivedBatch {
        ReceivedBatch::parse(&self.body).unwrap()
    }

    pub(crate) fn messages(&self) -> Vec<ReceivedMessage> {
        let items = self.batch().messages.into_iter();
        items
            .filter_map(|item| if let Received::Message(message) = item { Some(message) } else { None })
            .collect()
    }

    pub(crate) fn is_signed_with(&self, secret: &[u8]) -> bool {
        let Some((time, code)) = self.signature.split_once(",v1=") else { return false };
        let Some(time) = time.strip_prefix("t=") else { return false };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signed = [time.as_bytes(), b".", &self.body].concat();
        let code: Vec<u8> = (0..code.len() / 2)
            .map(|at| u8::from_str_radix(&code[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        hmac::verify(&key, &signed, &code).is_ok()
    }
}

type Choose = Box<dyn FnMut() -> Manner + Send>;

/// A server that takes the requests of webhooks. Dropped, it is gone; it can be opened again at the same address.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

struct Shared {
    choose: Mutex<Choose>,
    got: Mutex<Vec<Got>>,
}

impl Receiver {
    pub(crate) async fn open(choose: impl FnMut() -> Manner + Send + 'static) -> Self {
        let choose: Mutex<Choose> = Mutex::new(Box::new(choose));
        let shared = Arc::new(Shared { choose, got: Mutex::default() });
        let mut receiver = Self { address: ([127, 0, 0, 1], 0).into(), shared, task: None };
        receiver.restart().await;
        receiver
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn behave(&self, choose: impl FnMut() -> Manner + Send + 'static) {
        *self.shared.choose.lock().unwrap() = Box::new(choose);
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.got.lock().unwrap().len()
    }

    /// Ends it with all its connections, in whatever state they are.
    pub(crate) async fn kill(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let shared = Arc::clone(&self.shared);
        self.task = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        }));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    loop {
        let manner = (shared.choose.lock().unwrap())();
        if manner == Manner::HangUp {
            // Something must have come, or the sender may take it for a connection that was closed in time.
            let _ = stream.read(&mut [0; 1]).await;
            return;
        }
        let Some((head, body)) = request(&mut stream, &mut buffer).await else { return };
        let field = |name: &str| {
            head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
        };
        assert_eq!(field("content-type:"), "application/json");
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let signature = field("encke-signature:");
        let taken = matches!(manner, Manner::Take | Manner::Answer(200..300));
        shared.got.lock().unwrap().push(Got { path, signature, body, taken });
        let answer = match manner {
            Manner::Take => "204 No Content\r\n\r\n".to_owned(),
            Manner::Answer(status) => format!("{status} Whatever\r\ncontent-length: 2\r\n\r\nno"),
            Manner::Redirect => {
                "307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_owned()
            }
            Manner::Stall => {
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            Manner::HangUp | Manner::HangUpAfter => return,
        };
        if stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request: its head in small letters, and its body.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Bytes)> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
    let length: usize = length.trim().parse().unwrap();
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, buffer.drain(..length).collect()))
}
