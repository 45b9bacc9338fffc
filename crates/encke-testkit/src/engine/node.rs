use std::{any::Any, sync::Arc};

use encke_core::{
    AppendError, Appended, ChannelInfo, ChannelName, Cursor, Delivery, Gap, GapReason, Keep, Key, Limit, Log,
    Message, Older, Page, Publish, Seek, Selector, Since, Sought, Timestamp, Wakes,
};
use encke_hub::{
    Access, Action, Answer, Ask, Durability, Engine, EngineError, Grant, Health, Hub, PublishError,
    Subscription, Trusted,
};
use tokio::time::timeout;

use super::place::Clock;
use crate::PATIENCE;

/// A node over an engine.
pub struct Node<E> {
    pub(super) hub: Hub,
    engine: Arc<E>,
    clock: Clock,
    /// Where its log lives: it is not gone before the node.
    _place: Arc<dyn Any + Send + Sync>,
}

/// What somebody has read.
#[derive(Debug, Default)]
pub struct Read {
    /// The messages.
    pub messages: Vec<Delivery>,
    /// The gaps.
    pub gaps: Vec<Gap>,
    /// The place that was reached.
    pub cursor: Option<Cursor>,
}

impl Read {
    /// The messages' texts.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.messages.iter().filter_map(|delivery| delivery.message().as_text()).collect()
    }

    /// The messages' seqs.
    pub(super) fn seqs(&self) -> Vec<u64> {
        self.messages.iter().map(Delivery::seq).collect()
    }

    /// Why each gap, and of what.
    pub(super) fn reasons(&self) -> Vec<(String, GapReason)> {
        self.gaps.iter().map(|gap| (gap.channel.to_string(), gap.reason)).collect()
    }

    /// Adds what came after it.
    pub(super) fn add(&mut self, batch: encke_core::Batch) {
        let seqs = batch.messages.iter().map(Delivery::seq);
        let last = self.messages.last().map_or(0, Delivery::seq);
        assert!(seqs.is_sorted_by(|a, b| a < b), "D3: within a batch seqs rise");
        assert!(batch.messages.first().is_none_or(|first| first.seq() > last), "D2, D3: nothing comes again");
        self.messages.extend(batch.messages);
        self.gaps.extend(batch.gaps);
        self.cursor = Some(batch.cursor);
    }
}

/// How much is read at a time: so little that pages are cut.
const LIMIT: Limit = Limit { messages: 7, bytes: 4_000 };

pub(super) fn name(text: &str) -> ChannelName {
    ChannelName::new(text).expect("a name")
}

pub(super) fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|text| Selector::new(text).expect("a selector")).collect()
}

/// A text to channels.
pub(super) fn message(channels: &[&str], text: &str) -> Publish {
    let first = Publish::new(name(channels[0]), Message::text(text));
    channels[1..].iter().fold(first, |publish, channel| publish.also_to(name(channel)))
}

/// The same with a key.
pub(super) fn keyed(channels: &[&str], text: &str, key: &str) -> Publish {
    message(channels, text).with_key(Key::new(key).expect("a key"))
}

impl<E: Engine> Node<E> {
    pub(super) fn new(engine: E, clock: Clock, place: Arc<dyn Any + Send + Sync>) -> Self {
        let engine = Arc::new(engine);
        let now = clock.clone();
        let builder = Hub::builder().engine(Shared(Arc::clone(&engine))).authorizer(Trusted);
        let hub = builder.clock(move || now.now()).build().expect("random bits");
        Self { hub, engine, clock, _place: place }
    }

    pub(super) async fn grant(&self) -> Grant {
        let ask = Ask::new(Action::Publish, selectors(&["any"]));
        self.hub.authorize(&ask).await.expect("a hub that trusts")
    }

    /// Publishes a text; returns its place.
    pub(super) async fn publish(&self, channels: &[&str], text: &str) -> Cursor {
        self.store(message(channels, text)).await.expect("a message that is accepted").cursor
    }

    /// Publishes texts to one channel: the numbers.
    pub(super) async fn publish_all(
        &self,
        channel: &str,
        numbers: impl IntoIterator<Item = u32>,
    ) -> Vec<Cursor> {
        let mut cursors = Vec::new();
        for number in numbers {
            cursors.push(self.publish(&[channel], &number.to_string()).await);
        }
        cursors
    }

    pub(super) async fn store(&self, publish: Publish) -> Result<Appended, PublishError> {
        let grant = self.grant().await;
        timeout(PATIENCE, self.hub.publish(&grant, publish)).await.expect("an answer to a publish")
    }

    /// The limit that refuses a publish.
    pub(super) async fn refusal(&self, publish: Publish) -> AppendError {
        match self.store(publish).await {
            Err(PublishError::Engine(EngineError::Refused(refusal))) => refusal,
            other => panic!("a refusal, not {other:?}"),
        }
    }

    pub(super) async fn subscribe(&self, texts: &[&str], since: Since) -> Subscription {
        self.subscribe_as(&self.grant().await, texts, since).await
    }

    pub(super) async fn subscribe_as(&self, grant: &Grant, texts: &[&str], since: Since) -> Subscription {
        let opened = self.hub.subscribe(grant, "test", selectors(texts), since);
        timeout(PATIENCE, opened).await.expect("a place").expect("a subscription")
    }

    /// Whoever may read what is at most so old.
    pub(super) async fn reader_of(&self, age: std::time::Duration) -> Grant {
        let hub = self.hub.with_authorizer(move |_: &Ask| Ok(Access::open().history(age)));
        let ask = Ask::new(Action::Subscribe, selectors(&["any"]));
        hub.authorize(&ask).await.expect("a hub that is open")
    }

    /// Reads all that there is.
    pub(super) async fn read(&self, texts: &[&str], since: Since) -> Read {
        drain(&mut self.subscribe(texts, since).await).await
    }

    pub(super) async fn trim(&self, channel: &str, keep: Keep) -> Option<usize> {
        let trimmed = self.engine.trim(&name(channel), keep);
        timeout(PATIENCE, trimmed).await.expect("an answer to a trim").expect("an engine that trims")
    }

    pub(super) async fn delete(&self, channel: &str) -> bool {
        let deleted = self.engine.delete(&name(channel));
        timeout(PATIENCE, deleted).await.expect("an answer to a delete").expect("an engine that deletes")
    }

    /// Removes what is too old.
    pub(super) async fn expire(&self) {
        for _ in 0..10_000 {
            let more = self.engine.expire(self.clock.now());
            if !timeout(PATIENCE, more).await.expect("an answer to an expiry") {
                return;
            }
        }
        panic!("there is always more that is too old");
    }

    pub(super) fn log(&self) -> Log {
        self.engine.log()
    }

    pub(super) fn channel(&self, channel: &str) -> Option<ChannelInfo> {
        self.log().channel(&name(channel))
    }
}

/// Reads all that there is.
pub(super) async fn drain(subscription: &mut Subscription) -> Read {
    let mut read = Read::default();
    let all = async {
        loop {
            let batch = subscription.read(LIMIT).await.expect("a subscription that goes on");
            let more = batch.more;
            read.add(batch);
            if !more {
                break;
            }
        }
    };
    timeout(PATIENCE, all).await.expect("D5: a read that comes to its end");
    read
}

/// Waits until `count` messages have come.
pub(super) async fn wait_for(subscription: &mut Subscription, count: usize) -> Read {
    let mut read = Read::default();
    let all = async {
        while read.messages.len() < count {
            read.add(subscription.next(LIMIT).await.expect("a subscription that goes on"));
        }
    };
    let waited = timeout(PATIENCE, all).await;
    assert!(waited.is_ok(), "D5: {} of {count} came", read.messages.len());
    read
}

/// An engine that the case holds beside the hub.
struct Shared<E>(Arc<E>);

impl<E: Engine> Engine for Shared<E> {
    fn log(&self) -> Log {
        self.0.log()
    }

    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>> {
        self.0.publish(publish, now)
    }

    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>> {
        self.0.delete(channel)
    }

    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>> {
        self.0.trim(channel, keep)
    }

    fn expire(&self, now: Timestamp) -> Answer<bool> {
        self.0.expire(now)
    }

    fn seek(&self, seek: Seek) -> Answer<Result<Sought, EngineError>> {
        self.0.seek(seek)
    }

    fn older(&self, older: Older) -> Answer<Result<Page, EngineError>> {
        self.0.older(older)
    }

    fn attach(&self, node: encke_hub::Node) {
        self.0.attach(node);
    }

    fn health(&self) -> Health {
        self.0.health()
    }

    fn durability(&self) -> Durability {
        self.0.durability()
    }
}
