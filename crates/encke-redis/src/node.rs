//! What one node shares between its publishes, its reads and its follower.

use std::{
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use encke_core::LogConfig;
use encke_hub::{EngineError, Health, Node};
use redis::aio::MultiplexedConnection;
use tokio::{
    sync::{Mutex, Semaphore, watch},
    time::Instant,
};

use crate::{RedisConfig, connect::Connector, error::Fault, keys::Keys, link::Link, progress::Fed};

pub(crate) struct Inner {
    pub(crate) config: RedisConfig,
    pub(crate) limits: LogConfig,
    pub(crate) connector: Connector,
    pub(crate) keys: Arc<Keys>,
    /// Publishes that may be under way.
    pub(crate) in_flight: Semaphore,
    /// Why the last publish failed, if Redis is there but could not do it.
    ailment: std::sync::Mutex<Option<String>>,
    replica: Mutex<Option<Replica>>,
    fed: RwLock<Arc<Fed>>,
    state: watch::Sender<State>,
    node: OnceLock<Node>,
}

/// What is known of a replica of the server that a link leads to.
struct Replica {
    of: Arc<Link>,
    connection: Option<MultiplexedConnection>,
    since: Instant,
}

/// Whether there is a link.
#[derive(Clone)]
enum State {
    Up(Arc<Link>),
    Down { since: Instant, why: String },
}

impl Inner {
    pub(crate) fn new(
        config: RedisConfig,
        limits: LogConfig,
        connector: Connector,
        link: Arc<Link>,
        fed: Fed,
    ) -> Self {
        Self {
            limits,
            connector,
            keys: Arc::clone(&link.keys),
            in_flight: Semaphore::new(config.in_flight),
            ailment: std::sync::Mutex::default(),
            replica: Mutex::new(None),
            fed: RwLock::new(Arc::new(fed)),
            state: watch::Sender::new(State::Up(link)),
            node: OnceLock::new(),
            config,
        }
    }

    pub(crate) fn attach(&self, node: Node) {
        // A second hub would be a mistake of the caller's; the first goes on.
        let _ = self.node.set(node);
    }

    pub(crate) fn time_limit(&self) -> Duration {
        self.config.time_limit
    }

    /// The log that is fed now.
    pub(crate) fn fed(&self) -> Arc<Fed> {
        Arc::clone(&self.fed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another log is fed from now on: those who wait for the old one and its subscribers come back.
    pub(crate) fn replace(&self, fed: Fed) {
        let new = Arc::new(fed);
        let old = std::mem::replace(&mut *self.fed.write().unwrap_or_else(PoisonError::into_inner), new);
        old.end();
        if let Some(node) = self.node.get() {
            node.renew();
        }
    }

    pub(crate) fn up(&self, link: &Arc<Link>) {
        self.state.send_replace(State::Up(Arc::clone(link)));
    }

    /// The link is of no use any more; the follower will make another.
    pub(crate) fn lose(&self, link: &Arc<Link>, why: &str) {
        let lost = self.state.send_if_modified(|state| {
            let is_own = matches!(state, State::Up(up) if Arc::ptr_eq(up, link));
            if is_own {
                *state = State::Down { since: Instant::now(), why: why.to_owned() };
            }
            is_own
        });
        if lost {
            tracing::warn!(why, "Redis is lost");
        }
        link.lost.notify_one();
    }

    /// Notes why there still is no link.
    pub(crate) fn still_down(&self, new: &str) {
        self.state.send_if_modified(|state| {
            if let State::Down { why, .. } = state {
                new.clone_into(why);
            }
            false
        });
    }

    /// The link. If there is none it is waited for, but not if it has been gone for longer than anything may take.
    pub(crate) async fn link(&self) -> Result<Arc<Link>, EngineError> {
        let mut states = self.state.subscribe();
        loop {
            let left = match &*states.borrow_and_update() {
                State::Up(link) => return Ok(Arc::clone(link)),
                State::Down { since, .. } => self.time_limit().saturating_sub(since.elapsed()),
            };
            if left.is_zero() {
                return Err(EngineError::Unavailable);
            }
            let _ = tokio::time::timeout(left, states.changed()).await;
        }
    }

    /// What a fault means to whoever asked. A link that is of no use any more is lost.
    pub(crate) fn failed(&self, link: &Arc<Link>, fault: &Fault) -> EngineError {
        match fault {
            Fault::Refused(why) | Fault::Lost(why) => self.lose(link, why),
            Fault::NoSpace => return EngineError::NoSpace,
            Fault::NoScript | Fault::Failed(_) => {}
        }
        EngineError::Unavailable
    }

    /// Notes whether Redis, which is there, does what changes something.
    pub(crate) fn ails(&self, ailment: Option<String>) {
        let mut known = self.ailment.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &ailment
            && known.is_none()
        {
            tracing::warn!(why, "Redis refuses");
        }
        *known = ailment;
    }

    pub(crate) fn health(&self) -> Health {
        match &*self.state.borrow() {
            State::Down { why, .. } => Health::Ill(format!("Redis: {why}")),
            State::Up(_) => match &*self.ailment.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(why) => Health::Ill(format!("Redis: {why}")),
                None => Health::Well,
            },
        }
    }
}

impl Inner {
    /// How long nobody looks for another replica after one was of no use.
    const REPLICA_PAUSE: Duration = Duration::from_secs(5);

    /// A connection to a replica, if there is one.
    pub(crate) async fn replica(&self, link: &Arc<Link>) -> Option<MultiplexedConnection> {
        let mut replica = self.replica.lock().await;
        if let Some(known) = &*replica
            && Arc::ptr_eq(&known.of, link)
            && (known.connection.is_some() || known.since.elapsed() < Self::REPLICA_PAUSE)
        {
            return known.connection.clone();
        }
        let connection = link.replica(&self.connector).await;
        *replica =
            Some(Replica { of: Arc::clone(link), connection: connection.clone(), since: Instant::now() });
        connection
    }

    /// The replica was of no use.
    pub(crate) async fn lose_replica(&self, link: &Arc<Link>) {
        let none = Replica { of: Arc::clone(link), connection: None, since: Instant::now() };
        *self.replica.lock().await = Some(none);
    }
}
