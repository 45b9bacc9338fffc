use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use encke_core::{
    Appended, ChannelName, Cursor, Epoch, Gap, Keep, Key, Limit, Log, LogConfig, Message, Opening, Publish,
    Selector, Since, Tail, Timestamp,
};
use encke_hub::{Engine, EngineError, Health, MemoryEngine};
use encke_redis::{RedisConfig, RedisEngine};
use encke_testkit::{RedisServer, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A primary waits five seconds for more replicas before it gives the first its data, unless it is told not to.
pub(crate) const QUICK: &[&str] = &["--repl-diskless-sync-delay", "0"];

/// A node: its engine, and what a test does with it.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) engine: Arc<dyn Engine>,
}

/// Stands between a node and a Redis: it can be shut, and lead to another one. What Redis says on the newest connection,
/// which is the one that a node follows by, can be held back.
pub(crate) struct Gate {
    url: String,
    port: watch::Sender<Option<u16>>,
    newest: Arc<AtomicUsize>,
    held: watch::Sender<Option<usize>>,
    running: JoinHandle<()>,
}

impl Gate {
    pub(crate) async fn to(server: &RedisServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (port, leads) = watch::channel(Some(server.port()));
        let (held, holds) = watch::channel(None);
        let newest = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&newest);
        let running = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut leads = leads.clone();
                let Some(port) = *leads.borrow_and_update() else { continue };
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let holds = holds.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    tokio::select! {
                        () = forward(client, server, number, holds) => {}
                        _ = leads.changed() => {}
                    }
                });
            }
        });
        Self { url, port, newest, held, running }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Cuts what is open, and lets nobody through.
    pub(crate) fn shut(&self) {
        self.port.send_replace(None);
    }

    /// Cuts what is open, and leads to `server`.
    pub(crate) fn lead_to(&self, server: &RedisServer) {
        self.port.send_replace(Some(server.port()));
    }

    /// Holds back what Redis says on the newest connection.
    pub(crate) fn hold(&self) {
        self.held.send_replace(Some(self.newest.load(Ordering::SeqCst)));
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(None);
    }
}

async fn forward(
    client: TcpStream,
    server: TcpStream,
    number: usize,
    mut holds: watch::Receiver<Option<usize>>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            let free = holds.wait_for(|held| *held != Some(number)).await.is_ok();
            if !free || to_client.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = answers => {}
        _ = copy(&mut from_client, &mut to_server) => {}
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// What a reader got of a message: seq, channel and prev, data.
pub(crate) type Got = (u64, String, u64, String);

pub(crate) fn name(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

pub(crate) fn publish(channel: &str, text: &str) -> Publish {
    Publish::new(name(channel), Message::text(text))
}

pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Few messages stay in memory, so that most are read from Redis.
pub(crate) fn few_resident() -> LogConfig {
    let mut limits = LogConfig::default();
    limits.resident.count = 3;
    limits
}

impl Node {
    /// The engine that has it all in memory, to compare with.
    pub(crate) fn in_memory(limits: LogConfig) -> Self {
        Self { engine: Arc::new(MemoryEngine::new(Log::new(Epoch::from_bits(1), limits))) }
    }

    pub(crate) async fn of(server: &RedisServer) -> Self {
        Self::with(RedisConfig::new(server.url()), LogConfig::default()).await
    }

    pub(crate) async fn with(config: RedisConfig, limits: LogConfig) -> Self {
        Self { engine: Arc::new(RedisEngine::connect(config, limits).await.unwrap()) }
    }

    pub(crate) async fn publish(&self, channel: &str, text: &str) -> Appended {
        self.try_publish(publish(channel, text)).await.unwrap()
    }

    pub(crate) async fn publish_at(&self, channel: &str, text: &str, millis: u64) -> Appended {
        self.engine.publish(publish(channel, text), at(millis)).await.unwrap().0
    }

    pub(crate) async fn publish_keyed(
        &self,
        channel: &str,
        text: &str,
        key: &str,
    ) -> Result<Appended, EngineError> {
        self.try_publish(publish(channel, text).with_key(Key::new(key).unwrap())).await
    }

    pub(crate) async fn try_publish(&self, publish: Publish) -> Result<Appended, EngineError> {
        let (appended, wakes) = self.engine.publish(publish, at(1_000)).await?;
        wakes.wake();
        Ok(appended)
    }

    /// Publishes until it is taken; the publish must bring a key.
    pub(crate) async fn publish_surely(&self, publish: Publish) -> Appended {
        let mut appended = None;
        wait_for("a publish that is taken", async || {
            appended = self.try_publish(publish.clone()).await.ok();
            appended.is_some()
        })
        .await;
        appended.unwrap()
    }

    pub(crate) fn head(&self) -> Cursor {
        self.engine.log().head()
    }

    pub(crate) async fn reaches(&self, seq: u64) {
        wait_for("a log that has been fed", async || self.head().seq >= seq).await;
    }

    pub(crate) async fn is_well(&self) {
        wait_for("a node that is well", async || self.engine.health() == Health::Well).await;
    }

    pub(crate) async fn is_ill(&self) {
        wait_for("a node that is ill", async || self.engine.health() != Health::Well).await;
    }

    pub(crate) async fn trim(&self, channel: &str, keep: Keep) -> Option<usize> {
        self.engine.trim(&name(channel), keep).await.unwrap()
    }

    pub(crate) async fn open(&self, selectors: &[&str], since: Since) -> Tail {
        let selectors: Vec<_> = selectors.iter().map(|text| Selector::new(text).unwrap()).collect();
        let log = self.engine.log();
        let mut opening = Opening::new(since, at(1_000));
        if let Some(seek) = log.seek(&selectors, &opening) {
            opening.sought = self.engine.seek(seek).await.unwrap();
        }
        log.open_as("test", selectors, &opening).unwrap()
    }

    /// All that a new reader of `selectors` gets.
    pub(crate) async fn read(&self, selectors: &[&str], since: Since) -> (Vec<Got>, Vec<Gap>) {
        let mut tail = self.open(selectors, since).await;
        self.rest(&mut tail, Limit::default()).await
    }

    /// What the node's channel keeps: seqs, and data.
    pub(crate) async fn kept(&self, channel: &str) -> Vec<(u64, String)> {
        let (got, _) = self.read(&[channel], Since::Earliest).await;
        got.into_iter().map(|(seq, _, _, data)| (seq, data)).collect()
    }

    /// All that a reader gets until it is at the head.
    pub(crate) async fn rest(&self, tail: &mut Tail, limit: Limit) -> (Vec<Got>, Vec<Gap>) {
        let (mut got, mut gaps) = (Vec::new(), Vec::new());
        for _ in 0..100_000 {
            let batch = tail.read(limit);
            gaps.extend(batch.gaps);
            for delivery in batch.messages {
                let data = delivery.message().as_text().unwrap().to_owned();
                got.push((delivery.seq(), delivery.channel().as_str().to_owned(), delivery.prev(), data));
            }
            if let Some(older) = tail.take_older() {
                let page = self.engine.older(older.clone()).await.unwrap();
                tail.supply(older, page);
            } else if tail.cursor() == tail.head() {
                return (got, gaps);
            }
        }
        panic!("a reader that does not come to the head: {tail:?}");
    }
}
