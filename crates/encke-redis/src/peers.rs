//! What joins the nodes that use one Redis: its pub/sub. It may lose what it carries, which [`encke_hub::Peers`] may.

use std::{convert::Infallible, sync::Mutex, sync::PoisonError, time::Duration};

use bytes::Bytes;
use encke_hub::{Answer, Node, NodeId, Peers};
use futures_util::StreamExt;
use redis::{
    Pipeline,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    RedisConfig, RedisError,
    connect::{Connector, Role},
    error::Fault,
};

/// Parcels that wait to be sent.
const QUEUE: usize = 256;

/// How often it is checked that both connections lead to a server that takes writes.
const CHECK: Duration = Duration::from_secs(1);

/// Joins the nodes that use one Redis under one name ([`RedisConfig::name`]) to one system. The nodes speak by two of its
/// pub/sub channels, `{name}:peers` and `{name}:peers:<id>` with the braces; nothing is stored.
///
/// Whoever may publish there commands the nodes: what keeps others away from the log keeps them away from it, too.
///
/// ```no_run
/// use encke_core::LogConfig;
/// use encke_hub::Hub;
/// use encke_redis::{RedisConfig, RedisEngine, RedisPeers};
///
/// # async fn node() -> Result<(), Box<dyn std::error::Error>> {
/// let config = RedisConfig::new("redis://127.0.0.1/");
/// let peers = RedisPeers::new(&config)?;
/// let engine = RedisEngine::connect(config, LogConfig::default()).await?;
/// let hub = Hub::builder().engine(engine).peers(peers).node("eu-1").build()?;
/// # Ok(())
/// # }
/// ```
pub struct RedisPeers {
    queue: mpsc::Sender<Parcel>,
    /// Until it is given its node.
    carrier: Mutex<Option<Carrier>>,
}

struct Parcel {
    to: Option<NodeId>,
    bytes: Bytes,
}

/// Carries parcels, over one connection after the other.
struct Carrier {
    connector: Connector,
    queue: mpsc::Receiver<Parcel>,
    /// The name of the channel to all nodes.
    all: String,
    /// How long the server may take to answer.
    limit: Duration,
}

impl RedisPeers {
    /// Connects when it is given its node, and again whenever the connection is lost. The hub must be built on a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`RedisError::Url`] and [`RedisError::Name`].
    pub fn new(config: &RedisConfig) -> Result<Self, RedisError> {
        let (queue, parcels) = mpsc::channel(QUEUE);
        let carrier = Carrier {
            connector: Connector::new(config)?,
            queue: parcels,
            all: format!("{{{}}}:peers", config.checked_name()?),
            limit: config.time_limit,
        };
        Ok(Self { queue, carrier: Mutex::new(Some(carrier)) })
    }
}

impl Peers for RedisPeers {
    fn attach(&self, node: Node) {
        let carrier = self.carrier.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(carrier) = carrier {
            tokio::spawn(carrier.run(node));
        }
    }

    fn send(&self, to: Option<NodeId>, bytes: Bytes) -> Answer<()> {
        match self.queue.try_send(Parcel { to, bytes }) {
            Ok(()) => Answer::now(()),
            Err(mpsc::error::TrySendError::Full(parcel)) => {
                let queue = self.queue.clone();
                Answer::later(async move { drop(queue.send(parcel).await) })
            }
            // Its task has ended with the runtime.
            Err(mpsc::error::TrySendError::Closed(_)) => Answer::now(()),
        }
    }
}

impl std::fmt::Debug for RedisPeers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisPeers")
    }
}

/// Connections to a server that takes writes.
struct Line {
    sends: MultiplexedConnection,
    asks: PubSubSink,
    hears: PubSubStream,
}

impl Carrier {
    /// Until nobody sends any more, which is when the hub is gone.
    async fn run(mut self, node: Node) {
        const PAUSE: Duration = Duration::from_millis(500);
        let mut warned = false;
        loop {
            let connecting = connect(&self.connector, &self.all, node.id(), self.limit);
            let Some(line) = unless_over(&mut self.queue, connecting).await else { return };
            let lost = match line {
                Ok(line) => {
                    tracing::debug!("other nodes can be reached");
                    warned = false;
                    node.connected();
                    let lost = self.carry(line, &node).await;
                    node.disconnected();
                    lost
                }
                Err(error) => Some(error),
            };
            let Some(error) = lost else { return };
            if !std::mem::replace(&mut warned, true) {
                tracing::warn!(%error, "other nodes cannot be reached through Redis");
            }
            let pause = sleep(PAUSE.mul_f64(0.5 + fastrand::f64()));
            if unless_over(&mut self.queue, pause).await.is_none() {
                return;
            }
        }
    }

    /// Carries parcels until the connection is lost. Returns nothing if nobody sends any more.
    async fn carry(&mut self, line: Line, node: &Node) -> Option<RedisError> {
        let Line { sends, asks, mut hears } = line;
        let hear = async {
            while let Some(message) = hears.next().await {
                node.receive(message.get_payload_bytes());
            }
            Some(RedisError::Unreachable("the connection was closed".to_owned()))
        };
        let send = send(&mut self.queue, &self.all, sends.clone());
        let check = async {
            match check(sends, asks, self.limit).await {
                Ok(never) => match never {},
                Err(error) => Some(error),
            }
        };
        tokio::select! {
            lost = hear => lost,
            lost = send => lost,
            lost = check => lost,
        }
    }
}

async fn connect(connector: &Connector, all: &str, id: NodeId, limit: Duration) -> Result<Line, RedisError> {
    let (site, sends) = connector.primary().await?;
    let listening = async {
        let mut listening = site.client()?.get_async_pubsub().await.map_err(|error| lost(&error))?;
        listening.subscribe(&[all, &own(all, id)]).await.map_err(|error| lost(&error))?;
        Ok::<_, RedisError>(listening.split())
    };
    let (asks, hears) = timeout(limit, listening).await.map_err(|_| Fault::timed_out())??;
    Ok(Line { sends, asks, hears })
}

async fn send(
    queue: &mut mpsc::Receiver<Parcel>,
    all: &str,
    mut sends: MultiplexedConnection,
) -> Option<RedisError> {
    let mut parcels = Vec::new();
    while queue.recv_many(&mut parcels, QUEUE).await > 0 {
        let mut publish = Pipeline::new();
        for Parcel { to, bytes } in parcels.drain(..) {
            let command = publish.cmd("PUBLISH");
            match to {
                Some(id) => command.arg(own(all, id)),
                None => command.arg(all),
            };
            command.arg(&bytes[..]).ignore();
        }
        if let Err(error) = publish.query_async::<()>(&mut sends).await {
            return Some(lost(&error));
        }
    }
    None
}

/// Checks again and again that both connections are alive, and that it is still the server that all use.
async fn check(
    mut sends: MultiplexedConnection,
    mut asks: PubSubSink,
    limit: Duration,
) -> Result<Infallible, RedisError> {
    loop {
        sleep(CHECK).await;
        if !Role::of(&mut sends).await?.is_primary {
            return Err(RedisError::NotPrimary("it became a replica".to_owned()));
        }
        let alive = timeout(limit, asks.ping::<()>()).await;
        alive.map_err(|_| Fault::timed_out())?.map_err(|error| lost(&error))?;
    }
}

/// What `work` comes to. Parcels that cannot be sent meanwhile are dropped. Nothing, if nobody sends any more.
async fn unless_over<T>(queue: &mut mpsc::Receiver<Parcel>, work: impl Future<Output = T>) -> Option<T> {
    let over = async { while queue.recv().await.is_some() {} };
    tokio::select! {
        result = work => Some(result),
        () = over => None,
    }
}

/// The channel to one node.
fn own(all: &str, id: NodeId) -> String {
    format!("{all}:{id}")
}

fn lost(error: &redis::RedisError) -> RedisError {
    Fault::of(error).into()
}
