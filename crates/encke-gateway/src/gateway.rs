//! The running gateway: accepts, serves and drains.

use std::{
    fmt, io,
    net::SocketAddr,
    num::NonZeroUsize,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use encke_hub::{Hub, HubBuilder, HubConfig, PresenceConfig, RandomError};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::{
    admin,
    admission::Admission,
    authorizers::{AuthorizerError, Authorizers},
    certificates::TlsError,
    config::{Config, Limits},
    door::Door,
    engine::{self, EngineStartError},
    feeds::{FeedError, Feeds},
    http2::Http2Limits,
    metrics::Metrics,
    proxy::ProxyConfig,
    router::Router,
    tls::Tls,
    told::{Told, WebhookError},
};

/// How long after the drain's window the last answers may take.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// A gateway that listens.
pub struct Gateway {
    door: Door,
    /// For those who run it, if that is another.
    admin_door: Option<Door>,
    hub: Hub,
    told: Told,
    feeds: Feeds,
    /// Told when somebody who runs it asks for a drain.
    drain_asked: Arc<Notify>,
    drain: Duration,
}

/// What all connections share.
pub(crate) struct Node {
    pub(crate) router: Router,
    pub(crate) admission: Admission,
    pub(crate) proxies: ProxyConfig,
    pub(crate) limits: Limits,
    pub(crate) http2: Http2Limits,
    pub(crate) tls: Option<Tls>,
    pub(crate) tasks: TaskTracker,
}

/// Why a gateway cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// No epoch can be named.
    Random(RandomError),
    /// The engine cannot be used.
    Engine(EngineStartError),
    /// There is no certificate to show.
    Tls(TlsError),
    /// Nobody can decide about access as he should.
    Authorizer(AuthorizerError),
    /// A webhook cannot be told.
    Webhook(WebhookError),
    /// A queue or bridge cannot publish.
    Feed(FeedError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Random(error) => fmt::Display::fmt(error, f),
            Self::Engine(error) => fmt::Display::fmt(error, f),
            Self::Tls(error) => fmt::Display::fmt(error, f),
            Self::Authorizer(error) => fmt::Display::fmt(error, f),
            Self::Webhook(error) => fmt::Display::fmt(error, f),
            Self::Feed(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for StartError {}

impl Gateway {
    /// Opens the engine and listens, as `config` says. Clients can connect from now on; they are served by
    /// [`Gateway::run`].
    ///
    /// # Errors
    /// [`StartError`] if the engine cannot be used, the address is taken or not ours, or a certificate cannot be used.
    pub async fn bind(config: &Config) -> Result<Self, StartError> {
        Self::bind_on(engine::open(config).await.map_err(StartError::Engine)?, config)
    }

    /// Like [`Gateway::bind`], over an engine that is there already: that of `builder`.
    ///
    /// # Errors
    /// As those of [`Gateway::bind`], but for the engine's.
    pub fn bind_on(builder: HubBuilder, config: &Config) -> Result<Self, StartError> {
        let hub = hub(builder, config)?;
        let authorizers = Authorizers::new(config).map_err(StartError::Authorizer)?;
        let told = Told::new(&hub, config).map_err(StartError::Webhook)?;
        let feeds = Feeds::new(&hub, config).map_err(StartError::Feed)?;
        let admission = Admission::new(&config.limits);
        let metrics = Arc::new(Metrics::new(hub.clone(), admission.clone(), feeds.clone()));
        let drain_asked = Arc::new(Notify::new());
        let tasks = TaskTracker::new();
        let node = |router, tls| Node {
            router,
            admission: admission.clone(),
            proxies: config.proxies.clone(),
            limits: config.limits.clone(),
            http2: config.http2,
            tls,
            tasks: tasks.clone(),
        };

        let mut here = None;
        let mut admin_door = None;
        if let Some(admin) = &config.admin {
            let (admission, told) = (admission.clone(), told.clone());
            let limits = [config.limits.connections, config.log.bytes];
            let facts = move || admin::facts(&admission, limits, &told);
            let api = admin::api(&hub, admin, config, Arc::clone(&drain_asked), facts);
            let api = api.map_err(StartError::Authorizer)?;
            match admin.listen {
                None => here = Some((admin, api)),
                Some(address) => {
                    let metrics = Arc::clone(&metrics);
                    let router = Router::of_admin(hub.clone(), config, &authorizers, (admin, api), metrics);
                    admin_door = Some(Door::open(address, node(router, None))?);
                }
            }
        }
        let router = Router::new(hub.clone(), config, &authorizers, here, metrics);
        let tls = config.tls.as_ref().map(Tls::new).transpose().map_err(StartError::Tls)?;
        let door = Door::open(config.listen, node(router, tls))?;
        Ok(Self { door, admin_door, hub, told, feeds, drain_asked, drain: config.drain.window })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// Where it is administered, if that is an address of its own.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_door.as_ref().map(|door| door.address)
    }

    /// Where it is found: `https://` with TLS, and no path.
    #[must_use]
    pub fn url(&self) -> String {
        self.door.url()
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
        let tasks = &self.door.node.tasks;
        let mut accepting = pin!(self.accept(closing));
        // The application is told of the drain too.
        let mut telling = pin!(self.told.run());
        let (end_feeds, feeds_end) = watch::channel(false);
        let mut feeding = pin!(self.feeds.run(feeds_end));
        tokio::select! {
            () = stop => {}
            () = self.drain_asked.notified() => {}
            () = self.hub.maintain() => {}
            () = self.door.watch_certificates() => {}
            () = telling.as_mut() => {}
            () = feeding.as_mut() => {}
            () = accepting.as_mut() => {}
        }
        let (hub, window) = (&self.hub, self.drain);
        tracing::info!(
            connections = tasks.len(),
            subscriptions = hub.len(),
            ?window,
            "draining; a second signal ends at once"
        );
        // Others take the jobs over; what was fetched here is finished here.
        end_feeds.send_replace(true);
        let began = Instant::now();
        tokio::select! {
            ((), ()) = async { tokio::join!(self.drain(began), feeding) } => {}
            () = telling.as_mut() => {}
            () = accepting => {}
        }
        close.send_replace(true);
        tasks.close();
        // Connections that wait for a request have closed now; others finish their answers, and webhooks their last words.
        let last = async { tokio::join!(tasks.wait(), self.told.settle()) };
        let left = tokio::select! {
            left = tokio::time::timeout(LAST_ANSWERS, last) => left.is_ok(),
            () = telling => false,
        };
        hub.farewell().await;
        if left && hub.is_empty() {
            tracing::info!(took = ?began.elapsed(), "drained");
        } else {
            tracing::warn!(subscriptions = hub.len(), "some clients did not leave in time");
        }
    }

    /// Ready when everyone has been told to leave and had the time to ask once more.
    async fn drain(&self, began: Instant) {
        const LOOK: Duration = Duration::from_millis(20);
        let window = self.drain;
        self.hub.drain().await;
        loop {
            let elapsed = began.elapsed();
            let asked = elapsed >= window || self.door.node.router.quiet_for() >= window;
            if asked && self.hub.is_empty() || elapsed >= window + LAST_ANSWERS {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn accept(&self, closing: watch::Receiver<bool>) {
        let administering = async {
            match &self.admin_door {
                Some(door) => door.accept(closing.clone()).await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(self.door.accept(closing.clone()), administering);
    }
}

fn hub(builder: HubBuilder, config: &Config) -> Result<Hub, StartError> {
    let (limits, presence) = (&config.limits, &config.presence);
    let config_of_hub = HubConfig {
        message_bytes: usize::try_from(limits.message.as_u64()).unwrap_or(usize::MAX),
        selectors: limits.channels_per_subscription,
        subscriptions: limits.subscriptions,
        subscriptions_per_subject: limits.subscriptions_per_subject.map_or(usize::MAX, NonZeroUsize::get),
        publish_rate: limits.rate(limits.publishes_per_second),
        subscribe_rate: limits.rate(limits.subscribes_per_second),
        bans: limits.bans,
        presence: PresenceConfig {
            channels: presence.channels.clone(),
            linger: presence.linger,
            lease: presence.lease,
            members: presence.members,
            addresses: presence.addresses,
            ..PresenceConfig::default()
        },
        drain_window: config.drain.window,
    };
    builder.log(config.log.clone()).config(config_of_hub).build().map_err(StartError::Random)
}
