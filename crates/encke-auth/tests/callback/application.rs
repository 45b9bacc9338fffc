//! An application that answers as a test wants it to, and the hub that asks it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use encke_auth::{Callback, CallbackConfig};
use encke_core::{Selector, Timestamp};
use encke_hub::{Action, Ask, Asker, Denied, Grant, Hub};
use http::header;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The head, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What is sent, and what happens then.
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Close,
    Keep,
}

impl Reply {
    pub(crate) fn new(status: &str, kind: &str, body: &str) -> Self {
        let length = body.len();
        let text =
            format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}");
        Self::raw(text.as_bytes(), Then::Keep)
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::new("200 OK", "application/json", body)
    }

    pub(crate) fn raw(bytes: &[u8], then: Then) -> Self {
        Self { bytes: bytes.to_vec(), then }
    }
}

type Decide = dyn Fn(&Asked) -> Reply + Send + Sync;

pub(crate) struct Application {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Each answer takes a permit.
    gate: Arc<Semaphore>,
}

impl Application {
    pub(crate) async fn start(decide: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_tls(decide, None).await
    }

    pub(crate) async fn start_tls(
        decide: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, gate) = (Arc::default(), Arc::new(Semaphore::new(100_000)));
        let application = Self { address, asked: Arc::clone(&asked), gate: Arc::clone(&gate) };
        let decide: Arc<Decide> = Arc::new(decide);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (decide, asked, gate) = (Arc::clone(&decide), Arc::clone(&asked), Arc::clone(&gate));
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, &*decide, &asked, &gate).await,
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                serve(socket, &*decide, &asked, &gate).await;
                            }
                        }
                    }
                });
            }
        });
        application
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/access", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Answers nobody until [`Application::open`].
    pub(crate) fn shut(&self) {
        self.gate.forget_permits(100_000);
    }

    pub(crate) fn open(&self) {
        self.gate.add_permits(100_000);
    }

    /// Waits until it was asked so often.
    pub(crate) async fn was_asked(&self, times: usize) {
        let asked = async {
            while self.count() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap();
    }
}

async fn serve(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    decide: &Decide,
    asked: &Mutex<Vec<Asked>>,
    gate: &Semaphore,
) {
    let mut read = Vec::new();
    while let Ok(1..) = socket.read_buf(&mut read).await {
        let Some(request) = whole(&read) else { continue };
        read.clear();
        asked.lock().unwrap().push(request.clone());
        gate.acquire().await.unwrap().forget();
        let reply = decide(&request);
        if socket.write_all(&reply.bytes).await.is_err() || reply.then == Then::Close {
            break;
        }
    }
    let _ = socket.shutdown().await;
}

fn whole(read: &[u8]) -> Option<Asked> {
    let text = str::from_utf8(read).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_lowercase();
    let length = head.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap();
    (body.len() == length.parse::<usize>().unwrap()).then(|| Asked { head, body: body.to_owned() })
}

/// A clock that stands until it is set.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000_000)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

/// A hub that asks, and its clock.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
}

impl Asking {
    pub(crate) fn new(url: &str) -> Self {
        Self::with(url, |_| ())
    }

    pub(crate) fn with(url: &str, change: impl FnOnce(&mut CallbackConfig)) -> Self {
        let clock = Clock::new();
        let mut config = CallbackConfig::new(url.parse().unwrap());
        change(&mut config);
        let time = clock.clone();
        let callback = Callback::with_clock(config, move || time.now()).unwrap();
        let time = clock.clone();
        let hub = Hub::builder().authorizer(callback).clock(move || time.now()).build().unwrap();
        Self { hub, clock }
    }

    pub(crate) async fn subscribe(&self, asker: &Arc<Asker>, channels: &[&str]) -> Result<Grant, Denied> {
        self.ask(asker, Action::Subscribe, channels).await
    }

    /// Asks, and checks the answer as the hub does before anything is read or written.
    pub(crate) async fn ask(
        &self,
        asker: &Arc<Asker>,
        action: Action,
        channels: &[&str],
    ) -> Result<Grant, Denied> {
        let selectors: Vec<_> = channels.iter().map(|name| Selector::new(name).unwrap()).collect();
        let ask = Ask::from_asker(Arc::clone(asker), action, selectors.clone());
        let grant = self.hub.authorize(&ask).await?;
        if action == Action::Subscribe && !selectors.is_empty() {
            use encke_hub::SubscribeError::Denied;
            match self.hub.subscribe(&grant, "test", selectors, encke_core::Since::Latest).await {
                Ok(_) => Ok(grant),
                Err(Denied(denied)) => Err(denied),
                Err(other) => panic!("{other}"),
            }
        } else {
            Ok(grant)
        }
    }
}

/// Whoever has this cookie.
pub(crate) fn with_cookie(cookie: &str) -> Arc<Asker> {
    let mut asker = Asker::default();
    asker.headers.insert(header::COOKIE, cookie.parse().unwrap());
    Arc::new(asker)
}

pub(crate) fn nobody() -> Arc<Asker> {
    Arc::default()
}
