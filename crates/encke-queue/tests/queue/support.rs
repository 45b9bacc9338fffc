use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use encke_core::{ChannelName, Limit, Message, Publish, Selector, Since};
use encke_hub::{Action, Ask, Authorizer, Grant, Hub, Trusted};
use encke_queue::{Bridge, Pump, PumpConfig, RedisStream, RedisStreamConfig, RedisUrl};
use encke_testkit::{PATIENCE, RedisServer, wait_for};
use futures_util::StreamExt as _;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use crate::moody::Moody;

pub(crate) const STREAM: &str = "jobs";

pub(crate) fn hub(engine: &Moody) -> Hub {
    Hub::builder().engine(engine.clone()).build().unwrap()
}

pub(crate) async fn grant(hub: &Hub, authorizer: impl Authorizer) -> Grant {
    hub.with_authorizer(authorizer).authorize(&Ask::new(Action::Publish, Vec::new())).await.unwrap()
}

pub(crate) fn name(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

pub(crate) async fn say(hub: &Hub, channel: &str, text: &str) {
    let grant = grant(hub, Trusted).await;
    hub.publish(&grant, Publish::new(name(channel), Message::text(text))).await.unwrap();
}

/// All that a channel or a pattern has, oldest first.
pub(crate) async fn stored(hub: &Hub, of: &str) -> Vec<Message> {
    let grant = grant(hub, Trusted).await;
    let selectors = vec![Selector::new(of).unwrap()];
    let mut subscription = hub.subscribe(&grant, "test", selectors, Since::Earliest).await.unwrap();
    let mut messages = Vec::new();
    loop {
        let batch = subscription.read(Limit::default()).await.unwrap();
        assert!(batch.gaps.is_empty(), "{:?}", batch.gaps);
        if batch.messages.is_empty() {
            return messages;
        }
        messages.extend(batch.messages.iter().map(|message| message.message().clone()));
    }
}

/// The same as text.
pub(crate) async fn texts(hub: &Hub, of: &str) -> Vec<String> {
    stored(hub, of).await.iter().map(|message| String::from_utf8_lossy(message.data()).into_owned()).collect()
}

pub(crate) fn url(redis: &RedisServer) -> RedisUrl {
    RedisUrl::parse(&redis.url()).unwrap()
}

pub(crate) fn stream(redis: &RedisServer, consumer: &str) -> RedisStream {
    RedisStream::new(url(redis), stream_config(consumer))
}

pub(crate) fn stream_config(consumer: &str) -> RedisStreamConfig {
    let mut config = RedisStreamConfig::new(STREAM, consumer);
    config.turn = Duration::from_millis(300);
    config
}

pub(crate) const PUMP: PumpConfig = PumpConfig {
    wait: Duration::from_millis(50),
    retry: Duration::from_millis(5),
    retry_most: Duration::from_millis(50),
};

pub(crate) async fn pump(hub: &Hub) -> Arc<Pump> {
    Arc::new(Pump::new("jobs", hub, grant(hub, Trusted).await, PUMP).unwrap())
}

/// Something that runs until it is stopped or killed.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn pump(pump: &Arc<Pump>, stream: RedisStream) -> Self {
        let (stop, stopped) = oneshot::channel();
        let pump = Arc::clone(pump);
        let task = tokio::spawn(async move {
            pump.run(stream, async move { drop(stopped.await) }).await;
        });
        Self { stop, task }
    }

    pub(crate) fn bridge(bridge: &Arc<Bridge>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let bridge = Arc::clone(bridge);
        let task = tokio::spawn(async move { bridge.run(async move { drop(stopped.await) }).await });
        Self { stop, task }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }

    /// As if the process ended at this moment.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Puts entries into the stream, each a list of fields.
pub(crate) fn put<'a>(redis: &RedisServer, entries: impl IntoIterator<Item = Vec<(&'a str, &'a [u8])>>) {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    let mut commands = redis::pipe();
    for entry in entries {
        let command = commands.cmd("XADD").arg(STREAM).arg("*");
        for (field, value) in entry {
            command.arg(field).arg(value);
        }
        command.ignore();
    }
    commands.query::<()>(&mut connection).unwrap();
}

pub(crate) fn put_texts(redis: &RedisServer, channel: &str, texts: impl IntoIterator<Item = String>) {
    let texts: Vec<_> = texts.into_iter().collect();
    put(redis, texts.iter().map(|text| vec![("channel", channel.as_bytes()), ("data", text.as_bytes())]));
}

pub(crate) fn pending(redis: &RedisServer) -> usize {
    redis.run(&["XPENDING", STREAM, "encke"]).lines().next().unwrap().parse().unwrap()
}

/// Nothing is to be fetched, and nothing is open.
pub(crate) async fn until_empty(redis: &RedisServer) {
    let lag = || redis.run(&["XINFO", "GROUPS", STREAM]).lines().last().map(str::to_owned);
    wait_for("an empty queue", async || lag() == Some("0".into()) && pending(redis) == 0).await;
}

/// A channel of Redis and what was published there.
pub(crate) type Heard = (String, Vec<u8>);

/// An application that follows Redis, as in the old days.
pub(crate) struct Listener {
    heard: Arc<Mutex<Vec<Heard>>>,
    task: JoinHandle<()>,
}

impl Listener {
    pub(crate) async fn follow(redis: &RedisServer, pattern: &str) -> Self {
        let client = redis::Client::open(redis.url()).unwrap();
        let mut following = client.get_async_pubsub().await.unwrap();
        following.psubscribe(pattern).await.unwrap();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let list = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let mut messages = following.into_on_message();
            while let Some(message) = messages.next().await {
                let channel = message.get_channel_name().to_owned();
                list.lock().unwrap().push((channel, message.get_payload_bytes().to_vec()));
            }
        });
        Self { heard, task }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.heard().iter().map(|(_, data)| String::from_utf8_lossy(data).into_owned()).collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}
