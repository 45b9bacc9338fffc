//! The bridge to plain Redis pub/sub.

mod config;
mod counts;
mod intake;
mod mirror;
mod names;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use encke_core::{Batch, Cursor, Publish};
use encke_hub::{Durability, Grant, Hub};
use encke_wire::message_of;
use redis::{RedisError, RedisResult};

use crate::{
    backoff::Backoff,
    in_order::in_order,
    redis::{Lease, Link, RedisUrl, Turn},
    stop::Stop,
};
pub use config::BridgeConfig;
pub use counts::BridgeCounts;
use counts::{Counters, add};
use intake::{Incoming, Intake};
use mirror::Mirror;
use names::Names;

/// Messages from Redis that are published at a time.
const CHUNK: usize = 256;

/// Publishes here what is published in Redis, and the other way where that is wanted.
///
/// As with pub/sub itself, each message comes at most once: what is published in Redis while the bridge is away, or faster
/// than the hub takes it, is missed, and nobody can say how much it was. What it takes the other way it reads from the
/// log by a cursor, so that an outage of Redis delays it; only what was on its way when the connection broke is not sent
/// again. A message from Redis is JSON if it parses as that, else text if it is UTF-8, else binary.
///
/// What came over the bridge does not go back. Nodes over one engine of several nodes ([`Durability::Remote`]) take turns,
/// by the key `encke:bridge:<name>:<epoch>` in Redis: one of them does the work, the others stand by. They need the same
/// [`BridgeConfig`], and the same name in it. Nodes with an engine each (memory, disk) work at the same time, and so are joined by it.
/// Two bridges of one node to the same Redis must not have channels in common.
///
/// A message that the engine stores without answering ([`EngineError::Unavailable`](encke_hub::EngineError)) is not known as
/// its own, and may come back to Redis once.
///
/// It needs Redis 6 or newer.
#[derive(Debug)]
pub struct Bridge {
    hub: Hub,
    grant: Grant,
    url: RedisUrl,
    config: BridgeConfig,
    names: Names,
    counters: Arc<Counters>,
    state: Mutex<BridgeState>,
}

/// How a bridge is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BridgeState {
    /// It is not connected, for this reason.
    Away(String),
    /// It is connected, and another node does the work.
    StandsBy,
    /// It works.
    Works,
}

/// What lasts for as long as the bridge is run.
struct Course {
    /// Up to where the log has been read for Redis; none: from when its turn begins.
    cursor: Option<Cursor>,
    /// What it published itself and has not seen again yet.
    own: BTreeSet<u64>,
    lease: Option<Lease>,
}

impl Bridge {
    /// Between `hub`, with the rights of `grant`, and the Redis there. Nothing is connected yet.
    #[must_use]
    pub fn new(hub: &Hub, grant: Grant, url: RedisUrl, config: BridgeConfig) -> Self {
        let names = Names::new(&config);
        let state = Mutex::new(BridgeState::Away("not connected yet".into()));
        Self { hub: hub.clone(), grant, url, config, names, counters: Arc::default(), state }
    }

    /// What it was made with.
    #[must_use]
    pub fn config(&self) -> &BridgeConfig {
        &self.config
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> BridgeCounts {
        self.counters.counts()
    }

    /// How it is.
    #[must_use]
    pub fn state(&self) -> BridgeState {
        self.lock().clone()
    }

    /// Works until `stop` comes, or it is dropped: for a task of the host's.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let stop = Stop::new(stop);
        let mut course = Course { cursor: None, own: BTreeSet::new(), lease: None };
        let mut backoff = Backoff::new(self.config.retry, self.config.retry_most);
        while !stop.has_come() {
            match self.work(&mut course, &stop, &mut backoff).await {
                Ok(()) => return,
                Err(Broken::Turn) => drop(self.note(BridgeState::StandsBy)),
                Err(error) => self.note_away(&error),
            }
            stop.or_after(backoff.wait()).await;
        }
    }

    /// Works until it is stopped, or something breaks.
    async fn work(&self, course: &mut Course, stop: &Stop<'_>, backoff: &mut Backoff) -> Result<(), Broken> {
        let (intake, mut incoming) =
            Intake::new(&self.config, self.hub.config().message_bytes, &self.counters);
        let intake = Arc::new(intake);
        let push = Arc::clone(&intake);
        let mut link = Link::open_for_push(&self.url, move |info| push.take(info)).await?;
        if !self.wait_for_turn(course, &mut link, stop).await? {
            return Ok(());
        }
        if !self.config.patterns.is_empty() {
            link.follow(&self.config.patterns).await?;
        }
        let mut mirror = self.open_mirror(course).await?;
        self.note_works();
        backoff.reset();
        let mut heartbeat = tokio::time::interval(self.config.heartbeat.max(Duration::from_millis(1)));
        let mut chunk = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = stop.comes() => break,
                () = intake.is_closed() => return Err(Broken::Closed),
                _ = heartbeat.tick() => self.beat(course, &mut link).await?,
                _ = incoming.recv_many(&mut chunk, CHUNK) => {
                    chunk.iter().for_each(|message| intake.taken(message));
                    self.feed(course, std::mem::take(&mut chunk)).await;
                    // So no more is to be remembered of what it published itself than one chunk.
                    if let Some(mirror) = &mut mirror {
                        while mirror.is_behind(course) {
                            let batch = mirror.read().await?;
                            let more = !batch.messages.is_empty();
                            self.send(course, &mut link, &intake, batch).await?;
                            if !more {
                                break;
                            }
                        }
                    }
                }
                batch = Mirror::next(&mut mirror) => {
                    self.send(course, &mut link, &intake, batch?).await?;
                }
            }
        }
        if let Some(lease) = &mut course.lease {
            lease.release(&mut link).await;
        }
        Ok(())
    }

    /// Waits until it is this node's turn, if nodes take turns. False if it is stopped before.
    async fn wait_for_turn(
        &self,
        course: &mut Course,
        link: &mut Link,
        stop: &Stop<'_>,
    ) -> RedisResult<bool> {
        while !stop.has_come() {
            match self.turn(course, link).await? {
                Turn::Own | Turn::New => return Ok(true),
                Turn::Others => self.note(BridgeState::StandsBy),
            };
            stop.or_after(self.config.heartbeat).await;
        }
        Ok(false)
    }

    /// Nodes that share an engine share its log, and so its epoch.
    async fn turn(&self, course: &mut Course, link: &mut Link) -> RedisResult<Turn> {
        if self.hub.durability() != Durability::Remote {
            return Ok(Turn::Own);
        }
        let key = format!("encke:bridge:{}:{}", self.config.name, self.hub.log_info().head.epoch);
        let known = course.lease.take().filter(|lease| lease.key() == key);
        let lease = course.lease.insert(known.unwrap_or_else(|| Lease::new(key, self.config.turn)));
        let turn = lease.hold(link).await?;
        if turn != Turn::Own {
            course.cursor = None;
        }
        Ok(turn)
    }

    async fn beat(&self, course: &mut Course, link: &mut Link) -> Result<(), Broken> {
        link.ask::<String>(&redis::cmd("PING")).await?;
        match self.turn(course, link).await? {
            Turn::Own => Ok(()),
            Turn::New | Turn::Others => Err(Broken::Turn),
        }
    }

    /// Publishes what came from Redis, as far as it is still this node's turn.
    async fn feed(&self, course: &mut Course, chunk: Vec<Incoming>) {
        let lease = course.lease.as_ref();
        let publishes = chunk.into_iter().filter_map(|message| self.publish_of(message)).collect();
        let work = async |publish: Publish| {
            if lease.is_some_and(|lease| !lease.is_held()) {
                return None;
            }
            match self.hub.publish(&self.grant, publish).await {
                Ok(appended) => {
                    add(&self.counters.published, 1);
                    return Some(appended.cursor.seq);
                }
                Err(error) => {
                    tracing::debug!(bridge = self.config.name, %error, "a message from Redis is not published");
                    add(&self.counters.refused, 1);
                }
            }
            None
        };
        let seqs = in_order(publishes, Publish::channels, work).await;
        if !self.config.mirror.is_empty() {
            course.own.extend(seqs.into_iter().flatten());
        }
    }

    fn publish_of(&self, message: Incoming) -> Option<Publish> {
        let channel = self.names.channel(&message.channel);
        let content = message_of(None, message.data);
        let publish = channel.and_then(|channel| Some(Publish::new(channel, content.ok()?)));
        if publish.is_none() {
            tracing::debug!(bridge = self.config.name, "no channel can have the name of one in Redis");
            add(&self.counters.refused, 1);
        }
        publish
    }

    async fn open_mirror(&self, course: &mut Course) -> Result<Option<Mirror>, Broken> {
        if self.config.mirror.is_empty() {
            return Ok(None);
        }
        let mirror = Mirror::open(&self.hub, &self.grant, &self.config.mirror, course.cursor).await?;
        course.cursor = Some(mirror.cursor());
        Ok(Some(mirror))
    }

    /// Publishes in Redis what was read here, but what came from there.
    async fn send(
        &self,
        course: &mut Course,
        link: &mut Link,
        intake: &Intake,
        batch: Batch,
    ) -> Result<(), Broken> {
        if !batch.gaps.is_empty() {
            add(&self.counters.gaps, batch.gaps.len());
            tracing::warn!(bridge = self.config.name, "the bridge was too slow: messages do not reach Redis");
        }
        // Whatever becomes of it, it is not sent twice.
        course.cursor = Some(batch.cursor);
        let mut commands = redis::pipe();
        let mut sent = 0;
        for message in &batch.messages {
            if course.own.contains(&message.seq()) {
                continue;
            }
            let channels =
                std::iter::once(message.channel()).chain(message.also().map(|(channel, _)| channel));
            for channel in channels {
                let Some(name) = self.names.redis(channel) else {
                    add(&self.counters.refused, 1);
                    continue;
                };
                intake.expect(&name, message.message().data());
                commands.cmd("PUBLISH").arg(name).arg(&message.message().data()[..]);
                sent += 1;
            }
        }
        course.own = course.own.split_off(&batch.cursor.seq.saturating_add(1));
        if sent > 0 {
            // What is pushed because of a command is there before the next one is answered.
            link.say(commands.cmd("PING")).await.inspect_err(|_| add(&self.counters.unsure, sent))?;
            intake.expect_no_more();
            add(&self.counters.mirrored, sent);
        }
        Ok(())
    }

    fn note(&self, state: BridgeState) -> BridgeState {
        std::mem::replace(&mut *self.lock(), state)
    }

    fn note_works(&self) {
        let before = self.note(BridgeState::Works);
        tracing::info!(bridge = self.config.name, redis = %self.url, ?before, "a bridge works");
    }

    fn note_away(&self, error: &Broken) {
        let state = BridgeState::Away(error.to_string());
        match self.note(state.clone()) {
            BridgeState::Works => {
                add(&self.counters.outages, 1);
                let bridge = &self.config.name;
                tracing::warn!(bridge, %error, "a bridge broke: what Redis publishes until it is back is missed");
            }
            before if before != state => {
                tracing::warn!(bridge = self.config.name, %error, "a bridge cannot connect");
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, BridgeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why it cannot go on as it is.
#[derive(Debug)]
enum Broken {
    Redis(RedisError),
    Closed,
    Turn,
    Mirror(String),
}

impl From<RedisError> for Broken {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redis(error) => write!(f, "redis: {error}"),
            Self::Closed => f.write_str("redis: the connection was closed"),
            Self::Turn => f.write_str("it is another node's turn"),
            Self::Mirror(reason) => write!(f, "it cannot read: {reason}"),
        }
    }
}
