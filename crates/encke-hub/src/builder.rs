use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, SystemTime},
};

use encke_core::{Epoch, Log, LogConfig, Timestamp};

use crate::{
    Authorizer, Engine, Hub, MemoryEngine, Node, NodeId, Open, Peers, PresenceConfig, Rate,
    ban::Bans,
    counters::{Counters, Samples},
    hub::Inner,
    notice::Notices,
    peers::{Cluster, LEASE},
    presence::Presence,
    quota::Quotas,
    refusal::Refusals,
    registry::Registry,
};

/// The limits of a hub. Each has a refusal that the field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// Bytes of one message's data; beyond it [`PublishError::TooLarge`](crate::PublishError::TooLarge).
    pub message_bytes: usize,
    /// Channels and patterns of one subscription; beyond it [`SubscribeError::TooManySelectors`](crate::SubscribeError::TooManySelectors).
    pub selectors: usize,
    /// Subscriptions at a time; beyond it [`SubscribeError::TooManySubscriptions`](crate::SubscribeError::TooManySubscriptions).
    pub subscriptions: usize,
    /// Subscriptions of one subject at a time; beyond it [`SubscribeError::TooManyOfSubject`](crate::SubscribeError::TooManyOfSubject).
    pub subscriptions_per_subject: usize,
    /// Publishes of one subject, or of one address without a subject; beyond it [`PublishError::TooMany`](crate::PublishError::TooMany).
    pub publish_rate: Option<Rate>,
    /// Subscriptions opened by one subject or address, and additions to them; beyond it [`SubscribeError::TooMany`](crate::SubscribeError::TooMany).
    pub subscribe_rate: Option<Rate>,
    /// Bans at a time; beyond it [`TooManyBans`](crate::TooManyBans).
    pub bans: usize,
    /// Where it is kept who is there.
    pub presence: PresenceConfig,
    /// How long a drain takes, and so how far the returns are spread.
    pub drain_window: Duration,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            message_bytes: 64 << 10,
            selectors: 128,
            subscriptions: 100_000,
            subscriptions_per_subject: usize::MAX,
            publish_rate: None,
            subscribe_rate: None,
            bans: 100_000,
            presence: PresenceConfig::default(),
            drain_window: Duration::from_secs(10),
        }
    }
}

/// Puts a [`Hub`] together.
pub struct HubBuilder {
    engine: Option<Box<dyn Engine>>,
    peers: Option<Box<dyn Peers>>,
    node: Option<Arc<str>>,
    node_lease: Duration,
    authorizer: Arc<dyn Authorizer>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    log: LogConfig,
    config: HubConfig,
}

impl HubBuilder {
    /// The engine, instead of a memory engine.
    #[must_use]
    pub fn engine(mut self, engine: impl Engine) -> Self {
        self.engine = Some(Box::new(engine));
        self
    }

    /// What joins it with the other nodes of the system. Without it there are none.
    #[must_use]
    pub fn peers(mut self, peers: impl Peers) -> Self {
        self.peers = Some(Box::new(peers));
        self
    }

    /// What the node is called where there are several, each by another name. At random by default.
    #[must_use]
    pub fn node(mut self, name: impl Into<Arc<str>>) -> Self {
        self.node = Some(name.into());
        self
    }

    /// How long another node is there of which nothing is heard: 10 s by default, the same at all nodes. Each says twenty
    /// times as often that it is there.
    #[must_use]
    pub fn node_lease(mut self, lease: Duration) -> Self {
        self.node_lease = lease;
        self
    }

    /// Who decides about access. Without it the hub is open.
    #[must_use]
    pub fn authorizer(mut self, authorizer: impl Authorizer) -> Self {
        self.authorizer = Arc::new(authorizer);
        self
    }

    /// The clock, instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The limits of the memory engine's log. An engine that is given has its own.
    #[must_use]
    pub fn log(mut self, log: LogConfig) -> Self {
        self.log = log;
        self
    }

    /// The limits of the hub.
    #[must_use]
    pub fn config(mut self, config: HubConfig) -> Self {
        self.config = config;
        self
    }

    /// The hub.
    ///
    /// # Errors
    /// [`RandomError`] if the system gives no random bits for the epoch of a new log and the number of the node.
    pub fn build(self) -> Result<Hub, RandomError> {
        let engine = match self.engine {
            Some(engine) => engine,
            None => Box::new(MemoryEngine::new(Log::new(fresh_epoch()?, self.log))),
        };
        let began = (self.clock)();
        let id = NodeId(random()?);
        let name = self.node.unwrap_or_else(|| id.to_string()[..8].into());
        let cluster = Cluster::new(id, name, (self.peers, self.node_lease), began);
        let shared = cluster.is_shared();
        // Far enough from those of other nodes, and below what JSON has exactly.
        let first = if shared { random()? >> 12 } else { 0 };
        let inner = Inner {
            engine,
            began,
            clock: self.clock,
            publishes: Quotas::new(self.config.publish_rate),
            subscribes: Quotas::new(self.config.subscribe_rate),
            config: self.config,
            registry: Registry::new(first),
            counters: Counters::default(),
            bans: Bans::new(shared),
            notices: Notices::default(),
            presence: Presence::new(shared.then(|| Arc::clone(&cluster.tell))),
            refusals: Refusals::default(),
            samples: Samples::default(),
            draining: AtomicBool::new(false),
            cluster,
        };
        let inner = Arc::new(inner);
        inner.engine.attach(Node::new(&inner));
        inner.cluster.attach(Node::new(&inner));
        Ok(Hub::from_inner(inner, self.authorizer))
    }
}

/// The system gave no random bits, so no fresh epoch and no node can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomError;

impl std::fmt::Display for RandomError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the system gave no random bits")
    }
}

impl std::error::Error for RandomError {}

fn fresh_epoch() -> Result<Epoch, RandomError> {
    random().map(Epoch::from_bits)
}

fn random() -> Result<u64, RandomError> {
    getrandom::u64().map_err(|_| RandomError)
}

fn system_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Hub {
    /// Begins to put a hub together.
    #[must_use]
    pub fn builder() -> HubBuilder {
        HubBuilder {
            engine: None,
            peers: None,
            node: None,
            node_lease: LEASE,
            authorizer: Arc::new(Open),
            clock: Box::new(system_clock),
            log: LogConfig::default(),
            config: HubConfig::default(),
        }
    }
}
