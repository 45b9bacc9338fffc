//! A hub behind a WebSocket route, and clients that speak its commands.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use encke_core::{ChannelName, Message, Publish, Selector, Timestamp};
use encke_hub::{Access, Action, Ask, Denied, Hub, Trusted};
use encke_ws::{Ws, WsConfig};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;

use crate::raw::{CLOSE, Peer, TEXT, bounded, frame};

/// A hub on a port of its own, whose time is the test's.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    now: Arc<AtomicU64>,
}

/// Takes a token for what its bearer may, and until when: `anna 10 news chat +lobby`. With a plus he follows it unasked.
fn by_token(ask: &Ask) -> Result<Access, Denied> {
    let mut words = ask.asker.token.as_deref().ok_or(Denied::Unauthenticated)?.split('_');
    let subject = words.next().ok_or(Denied::Unauthenticated)?;
    if subject == "busy" {
        return Err(Denied::Undecided);
    }
    let expires = words.next().and_then(|word| word.parse().ok()).ok_or(Denied::Unauthenticated)?;
    let selector = |word: &str| Selector::new(word.trim_start_matches('+')).unwrap();
    let words: Vec<_> = words.collect();
    let both = |word: &&str| [Action::Subscribe, Action::Publish].map(|action| (action, selector(word)));
    let allowed: Vec<_> = words.iter().flat_map(both).collect();
    let follows = words.iter().filter(|word| word.starts_with('+')).map(|word| selector(word));
    let access = Access::only(allowed).for_subject(subject).follows(follows);
    Ok(access.until(Timestamp::from_millis(expires)))
}

impl Served {
    pub(crate) async fn start(config: WsConfig) -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now);
        let clock = move || Timestamp::from_millis(clock.load(Ordering::SeqCst));
        let hub = Hub::builder().authorizer(by_token).clock(clock).build().unwrap();
        let maintained = hub.clone();
        tokio::spawn(async move { maintained.maintain().await });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Ws::service(hub.clone(), config);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                let answer =
                    service_fn(move |request: http::Request<Incoming>| service.clone().call(request));
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection.with_upgrades());
            }
        });
        Self { address, hub, now }
    }

    pub(crate) fn set_time(&self, now: u64) {
        self.now.store(now, Ordering::SeqCst);
    }

    pub(crate) async fn publish(&self, channel: &str, data: &str) {
        let ask = Ask::new(Action::Publish, Vec::new());
        let grant = self.hub.with_authorizer(Trusted).authorize(&ask).await.unwrap();
        let publish = Publish::new(ChannelName::new(channel).unwrap(), Message::json(data.to_owned()));
        self.hub.publish(&grant, publish).await.unwrap();
    }

    pub(crate) async fn open(&self, target: &str) -> Client {
        let (peer, head) = Peer::ask(self.address, target, "").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Client(peer)
    }

    /// The status of a handshake with these headers.
    pub(crate) async fn handshake(&self, target: &str, headers: &str) -> u16 {
        let (_, head) = Peer::ask(self.address, target, headers).await;
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// One end of a WebSocket whose frames are JSON.
pub(crate) struct Client(Peer<TcpStream>);

impl Client {
    pub(crate) async fn send(&mut self, command: &str) {
        self.0.write(frame(TEXT, command)).await;
    }

    pub(crate) async fn next(&mut self) -> String {
        let (first, payload) = bounded(self.0.read()).await.expect("a frame");
        assert_eq!(first, TEXT, "{}", String::from_utf8_lossy(&payload));
        String::from_utf8(payload).unwrap()
    }

    /// Sends a command; what comes next begins so.
    pub(crate) async fn ask(&mut self, command: &str, answer: &str) {
        self.send(command).await;
        let next = self.next().await;
        assert!(next.starts_with(answer), "{command}: {next}");
    }

    /// Sends a command that is refused with this problem.
    pub(crate) async fn is_refused(&mut self, command: &str, problem: &str) {
        self.send(command).await;
        let next = self.next().await;
        let kind = format!("\"problem\":{{\"type\":\"urn:encke:problem:{problem}\"");
        assert!(next.starts_with("{\"type\":\"error\"") && next.contains(&kind), "{command}: {next}");
    }

    /// The data of the next message.
    pub(crate) async fn message(&mut self) -> String {
        let next = self.next().await;
        assert!(next.starts_with("{\"type\":\"message\""), "{next}");
        let (_, data) = next.rsplit_once("\"data\":").unwrap();
        data.trim_end_matches('}').to_owned()
    }

    /// What comes before the server closes, and the close code.
    pub(crate) async fn closed(mut self) -> (Vec<String>, u16) {
        let mut texts = Vec::new();
        loop {
            let (first, payload) = bounded(self.0.read()).await.expect("a close frame");
            if first == CLOSE {
                return (texts, u16::from_be_bytes([payload[0], payload[1]]));
            }
            texts.push(String::from_utf8(payload).unwrap());
        }
    }
}
