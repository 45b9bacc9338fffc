//! What publishes from elsewhere: queues, and bridges to plain pub/sub.

use std::{fmt, sync::Arc};

use encke_core::NameError;
use encke_hub::{Action, Ask, Authorizer, Denied, Grant, Hub, Open, Trusted};
use encke_queue::{
    Bridge, BridgeState, Pump, PumpConfig, RedisStream, RedisStreamConfig, RedisUrl, RedisUrlError,
};
use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinSet};

use crate::config::{self, Config};

/// All of them.
#[derive(Clone)]
pub(crate) struct Feeds {
    queues: Arc<[Queue]>,
    bridges: Arc<[Arc<Bridge>]>,
}

struct Queue {
    pump: Arc<Pump>,
    url: RedisUrl,
    stream: RedisStreamConfig,
}

/// Something that should publish cannot be as it was configured.
#[derive(Debug)]
#[non_exhaustive]
pub enum FeedError {
    /// The name of a queue cannot be one.
    Name(NameError),
    /// A URL is not that of a Redis.
    Url(RedisUrlError),
    /// It may not publish.
    Denied(Denied),
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a queue or bridge cannot be: ")?;
        match self {
            Self::Name(error) => fmt::Display::fmt(error, f),
            Self::Url(error) => fmt::Display::fmt(error, f),
            Self::Denied(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for FeedError {}

/// A figure of one of them: what it is called, what it means, and the number.
pub(crate) type Figure = (&'static str, &'static str, u64);

impl Feeds {
    pub(crate) fn new(hub: &Hub, config: &Config) -> Result<Self, FeedError> {
        let trusted = granted(hub, Trusted)?;
        // Whoever may PUBLISH in Redis reaches nobody's own channel by that, nor the system's.
        let open = granted(hub, Open)?;
        let queue = |queue: &config::Queue| {
            let pump = Pump::new(&queue.name, hub, trusted.clone(), PumpConfig::default());
            Ok(Queue {
                pump: Arc::new(pump.map_err(FeedError::Name)?),
                url: RedisUrl::parse(queue.url.expose()).map_err(FeedError::Url)?,
                stream: queue.stream.clone(),
            })
        };
        let bridge = |bridge: &config::Bridge| {
            let url = RedisUrl::parse(bridge.url.expose()).map_err(FeedError::Url)?;
            Ok(Arc::new(Bridge::new(hub, open.clone(), url, bridge.config.clone())))
        };
        Ok(Self {
            queues: config.queues.iter().map(queue).collect::<Result<_, _>>()?,
            bridges: config.bridges.iter().map(bridge).collect::<Result<_, _>>()?,
        })
    }

    /// Publishes until `stop` says so or is gone; then finishes what was fetched.
    pub(crate) async fn run(&self, stop: watch::Receiver<bool>) {
        let stopped = |mut stop: watch::Receiver<bool>| async move {
            // Whoever could say so being gone is the end too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let mut tasks = JoinSet::new();
        for queue in &*self.queues {
            let pump = Arc::clone(&queue.pump);
            let stream = RedisStream::new(queue.url.clone(), queue.stream.clone());
            let stop = stopped(stop.clone());
            tasks.spawn(async move { pump.run(stream, stop).await });
        }
        for bridge in &*self.bridges {
            let (bridge, stop) = (Arc::clone(bridge), stopped(stop.clone()));
            tasks.spawn(async move { bridge.run(stop).await });
        }
        stopped(stop).await;
        while tasks.join_next().await.is_some() {}
    }

    /// What each queue has done, by its name, and whether it goes on.
    pub(crate) fn queues(&self) -> impl Iterator<Item = (&str, [Figure; 5], bool)> {
        self.queues.iter().map(|Queue { pump, .. }| {
            let counts = pump.counts();
            let figures = [
                ("queue_fetched", "Jobs that a queue gave", counts.fetched),
                ("queue_published", "Jobs of a queue that were stored", counts.published),
                ("queue_repeated", "Jobs of a queue that had been stored before", counts.repeated),
                ("queue_buried", "Jobs of a queue that can never be published", counts.buried),
                ("queue_retried", "Publishes of a queue's jobs that failed for now", counts.retried),
            ];
            (pump.name(), figures, pump.ill().is_none())
        })
    }

    /// What each bridge has done, by its name, and whether it is connected.
    pub(crate) fn bridges(&self) -> impl Iterator<Item = (&str, [Figure; 5], bool)> {
        self.bridges.iter().map(|bridge| {
            let counts = bridge.counts();
            let away = matches!(bridge.state(), BridgeState::Away(_));
            let figures = [
                ("bridge_published", "Messages from pub/sub that were stored", counts.published),
                ("bridge_refused", "Messages from pub/sub that were refused", counts.refused),
                ("bridge_dropped", "Messages from pub/sub beyond what may wait", counts.dropped),
                ("bridge_mirrored", "Messages published to pub/sub", counts.mirrored),
                ("bridge_outages", "How often a bridge was away", counts.outages),
            ];
            (bridge.config().name.as_str(), figures, !away)
        })
    }
}

/// A grant by an authorizer that decides at once.
fn granted(hub: &Hub, authorizer: impl Authorizer) -> Result<Grant, FeedError> {
    let hub = hub.with_authorizer(authorizer);
    let granted = hub.authorize(&Ask::new(Action::Publish, Vec::new())).now_or_never();
    granted.unwrap_or(Err(Denied::Undecided)).map_err(FeedError::Denied)
}
