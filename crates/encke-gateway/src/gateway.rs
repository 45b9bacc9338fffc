//! The running gateway: accepts, serves and drains.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use encke_hub::{Hub, HubConfig, RandomError};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_util::task::TaskTracker;

use crate::{
    admission::Admission,
    config::Config,
    connection,
    listener::{listen, prepare},
    metrics::Metrics,
    router::Router,
    stream::Stream,
};

/// Connections that are being told why they are not admitted, at most; the others are just closed.
const REFUSING: usize = 256;
/// How long after the drain's window the last answers may take.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// A gateway that listens.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    hub: Hub,
    router: Arc<Router>,
    admission: Admission,
    config: Config,
}

/// Why a gateway cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// No epoch can be named.
    Random(RandomError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Random(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for StartError {}

impl Gateway {
    /// Listens as `config` says. Clients can connect from now on; they are served by [`Gateway::run`].
    ///
    /// # Errors
    /// [`StartError`] if the address is taken or not ours.
    pub fn bind(config: Config) -> Result<Self, StartError> {
        let hub_config = HubConfig {
            message_bytes: usize::try_from(config.limits.message.as_u64()).unwrap_or(usize::MAX),
            selectors: config.limits.channels_per_subscription,
            subscriptions: config.limits.subscriptions,
            drain_window: config.drain.window,
            ..HubConfig::default()
        };
        let hub = Hub::builder().log(config.log.clone()).config(hub_config).build();
        let hub = hub.map_err(StartError::Random)?;
        let refused = |error| StartError::Listen(config.listen, error);
        let listener = listen(config.listen, &config.limits).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let admission = Admission::new(&config.limits);
        let metrics = Arc::new(Metrics::new(hub.clone(), admission.clone()));
        let router = Arc::new(Router::new(hub.clone(), &config, metrics));
        Ok(Self { listener, address, hub, router, admission, config })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its hub.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Serves until `stop` is ready, then drains (S4): those that are held end one after the other over the drain's
    /// window, each told its place and when to come back. Until then it still answers, once for each connection: who
    /// polls or publishes meanwhile loses nothing either. Where nobody was there for a window's time, it ends at once.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (close, closing) = watch::channel(false);
        let tasks = TaskTracker::new();
        let mut accepting = pin!(self.accept(&tasks, closing));
        tokio::select! {
            () = stop => {}
            () = self.hub.maintain() => {}
            () = accepting.as_mut() => {}
        }
        let (hub, window) = (&self.hub, self.config.drain.window);
        tracing::info!(
            connections = tasks.len(),
            subscriptions = hub.len(),
            ?window,
            "draining; a second signal ends at once"
        );
        let began = Instant::now();
        tokio::select! {
            () = self.drain(began) => {}
            () = accepting.as_mut() => {}
        }
        close.send_replace(true);
        tasks.close();
        // Connections that wait for a request have closed now; others finish their answers.
        if tokio::time::timeout(LAST_ANSWERS, tasks.wait()).await.is_ok() && hub.is_empty() {
            tracing::info!(took = ?began.elapsed(), "drained");
        } else {
            tracing::warn!(subscriptions = hub.len(), "some clients did not leave in time");
        }
    }

    /// Ready when everyone has been told to leave and had the time to ask once more.
    async fn drain(&self, began: Instant) {
        const LOOK: Duration = Duration::from_millis(20);
        let window = self.config.drain.window;
        self.hub.drain().await;
        loop {
            let elapsed = began.elapsed();
            let asked = elapsed >= window || self.router.quiet_for() >= window;
            if asked && self.hub.is_empty() || elapsed >= window + LAST_ANSWERS {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn accept(&self, tasks: &TaskTracker, closing: watch::Receiver<bool>) {
        let refusing = Arc::new(Semaphore::new(REFUSING));
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // No more files, mostly: connections that end will free some.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            match self.admission.admit(peer.ip()) {
                Ok(admitted) => {
                    if let Err(error) = prepare(&stream, &self.config.limits) {
                        tracing::debug!(%error, %peer, "gone before it was served");
                        continue;
                    }
                    let (router, limits) = (Arc::clone(&self.router), self.config.limits.clone());
                    let closing = closing.clone();
                    tasks.spawn(async move {
                        let stream = Stream::new(stream, admitted, &limits);
                        connection::serve(stream, peer.ip(), router, &limits, closing).await;
                    });
                }
                Err(refusal) => self.refuse(stream, refusal, peer, &refusing),
            }
        }
    }

    fn refuse(
        &self,
        stream: TcpStream,
        refusal: crate::admission::Refusal,
        peer: SocketAddr,
        refusing: &Arc<Semaphore>,
    ) {
        tracing::debug!(%peer, ?refusal, "not admitted");
        self.router.metrics.refuse(refusal);
        if let Ok(permit) = Arc::clone(refusing).try_acquire_owned() {
            tokio::spawn(async move {
                connection::refuse(stream, refusal).await;
                drop(permit);
            });
        }
    }
}
