//! What happens in a hub, as messages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::support::{self, Manner, Receiver, client, hub, keeping, publish, selector, until, webhook};
use encke_core::{
    Appended, ChannelName, Epoch, Keep, Key, Limit, Log, LogConfig, Message, Pattern, Publish, Since,
    Timestamp, Wakes,
};
use encke_hub::{
    Access, Answer, Ask, Engine, EngineError, Grant, Hub, HubConfig, MemoryEngine, NoticeKind,
    PresenceConfig, PresenceCounts, Subscription, Trusted,
};
use encke_notices::{Notices, NoticesConfig};
use encke_wire::{Envelope, Received, ReceivedMessage};
use tokio::task::JoinHandle;

async fn trusted(hub: &Hub) -> (Hub, Grant) {
    let hub = hub.with_authorizer(Trusted);
    let grant = client(&hub).await;
    (hub, grant)
}

async fn follow(hub: &Hub, channel: &str, since: Since) -> Subscription {
    let (hub, grant) = trusted(hub).await;
    hub.subscribe(&grant, "test", vec![selector(channel)], since).await.unwrap()
}

/// Publishes notices of these kinds, and waits until they are kept.
async fn run(hub: &Hub, kinds: &[NoticeKind]) -> (Arc<Notices>, JoinHandle<()>) {
    let notices = Arc::new(Notices::new(hub, NoticesConfig { kinds: kinds.to_vec() }));
    let running = Arc::clone(&notices);
    let task = tokio::spawn(async move { running.run().await });
    tokio::task::yield_now().await;
    (notices, task)
}

/// The next messages, `count` at least.
async fn next(subscription: &mut Subscription, count: usize) -> Vec<ReceivedMessage> {
    let mut messages = Vec::new();
    while messages.len() < count {
        let batch = tokio::time::timeout(Duration::from_secs(20), subscription.next(Limit::default())).await;
        let batch = batch.unwrap().unwrap();
        assert_eq!(batch.gaps, []);
        for message in &batch.messages {
            let json = message.encoded::<Envelope>();
            let item = Received::parse(std::str::from_utf8(&json).unwrap()).unwrap();
            messages.extend(if let Received::Message(message) = item { Some(message) } else { None });
        }
    }
    messages
}

fn number(message: &ReceivedMessage, field: &str) -> u64 {
    message.data.pointer(field).and_then(|value| value.as_u64()).unwrap()
}

/// An engine in memory that takes nothing of the system's while it is shut.
struct Shut(MemoryEngine, Arc<AtomicBool>);

impl Engine for Shut {
    fn log(&self) -> Log {
        self.0.log()
    }

    fn expire(&self, now: Timestamp) -> Answer<bool> {
        self.0.expire(now)
    }

    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>> {
        let system = publish.channels().iter().any(|channel| channel.as_str().starts_with('$'));
        if system && self.1.load(Ordering::Relaxed) {
            return Answer::now(Err(EngineError::Unavailable));
        }
        self.0.publish(publish, now)
    }

    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>> {
        self.0.delete(channel)
    }

    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>> {
        self.0.trim(channel, keep)
    }
}

#[tokio::test]
async fn d1_what_there_is_no_space_for_is_counted_and_told() {
    const PUBLISHED: u64 = 70_000;
    let shut = Arc::new(AtomicBool::new(true));
    let log = Log::new(Epoch::from_bits(1), keeping(100_000));
    let hub = Hub::builder().engine(Shut(MemoryEngine::new(log), Arc::clone(&shut))).build().unwrap();
    let mut notices = follow(&hub, "$notices", Since::Latest).await;
    let mut presence = follow(&hub, "$presence.chat", Since::Latest).await;
    let (running, task) = run(&hub, &[NoticeKind::Published]).await;
    let grant = client(&hub).await;
    for number in 1..=PUBLISHED {
        publish(&hub, &grant, "orders", number).await;
        if number % 1_000 == 0 {
            // Some are tried, and wait outside the hub.
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(running.counts().told, 0);
    shut.store(false, Ordering::Relaxed);

    let mut told = Vec::new();
    let lost = loop {
        let mut messages = next(&mut notices, 1).await;
        let last = messages.pop().unwrap();
        told.extend(messages.iter().map(|message| number(message, "/seq")));
        if last.name.as_deref() == Some("lost") {
            break number(&last, "/count");
        }
        told.push(number(&last, "/seq"));
    };
    println!("{PUBLISHED} notices: {} told, {lost} lost", told.len());
    // In order, those that came first; and what is missing is exactly what was counted.
    assert!(told.iter().zip(1..).all(|(seq, expected)| *seq == expected));
    assert_eq!(told.len() as u64 + lost, PUBLISHED);
    assert!(lost > 1_000 && told.len() > 60_000);
    assert_eq!(next(&mut presence, 1).await[0].name.as_deref(), Some("lost"));
    until("it is counted", || running.counts().lost == lost).await;
    assert_eq!(running.counts().told, told.len() as u64);

    // Then it goes on.
    publish(&hub, &grant, "orders", 0).await;
    assert_eq!(next(&mut notices, 1).await[0].name.as_deref(), Some("published"));
    task.abort();
}

#[tokio::test]
async fn one_publish_is_one_notice() {
    let hub = hub(1_000);
    let (_, task) = run(&hub, &[NoticeKind::Published]).await;
    let mut notices = follow(&hub, "$notices", Since::Latest).await;
    let grant = client(&hub).await;
    let name = |name| ChannelName::new(name).unwrap();
    let several = Publish::new(name("a"), Message::text("1")).also_to(name("b")).also_to(name("c"));
    let several = several.with_key(Key::new("once").unwrap());
    let appended = hub.publish(&grant, several.clone()).await.unwrap();
    // A repeat stores nothing; and what the node publishes itself is no notice.
    hub.publish(&grant, several).await.unwrap();
    let (node, own) = trusted(&hub).await;
    publish(&node, &own, "a", 1).await;
    publish(&hub, &grant, "last", 1).await;

    let told = next(&mut notices, 2).await;
    assert_eq!(number(&told[0], "/seq"), appended.cursor.seq);
    let field = |message: &ReceivedMessage, at| message.data.pointer(at).map(|value| value.to_string());
    assert_eq!(field(&told[0], "/channel").as_deref(), Some("\"a\""));
    assert_eq!(field(&told[0], "/also").as_deref(), Some("[\"b\",\"c\"]"));
    assert_eq!(field(&told[1], "/channel").as_deref(), Some("\"last\""));

    // They are messages like any other: whoever was away reads on from his place.
    let mut again = follow(&hub, "$notices", Since::After(told[0].cursor.parse().unwrap())).await;
    assert_eq!(next(&mut again, 1).await[0].seq, told[1].seq);
    task.abort();
}

#[tokio::test]
async fn d1_a_reader_that_is_overtaken_is_a_notice() {
    let hub = hub(10);
    let (_, task) = run(&hub, &[NoticeKind::Slow]).await;
    let mut notices = follow(&hub, "$notices", Since::Latest).await;
    let grant = client(&hub).await;
    let mut slow = hub.subscribe(&grant, "sse", vec![selector("orders")], Since::Latest).await.unwrap();
    for number in 1..=100 {
        publish(&hub, &grant, "orders", number).await;
    }
    assert_eq!(slow.next(Limit::default()).await.unwrap().gaps.len(), 1);
    let told = next(&mut notices, 1).await.remove(0);
    assert_eq!(told.name.as_deref(), Some("slow"));
    let told = told.data.to_string();
    assert!(told.contains("\"channel\":\"orders\"") && told.contains("\"transport\":\"sse\""), "{told}");
    task.abort();
}

/// A hub that keeps who is on `chat.*`, without a time to come back.
fn attended(log: LogConfig) -> Hub {
    let channels = vec![Pattern::new("chat.*").unwrap()];
    let presence = PresenceConfig { channels, linger: Duration::ZERO, ..PresenceConfig::default() };
    Hub::builder().log(log).config(HubConfig { presence, ..HubConfig::default() }).build().unwrap()
}

/// A subject comes to a channel, and stays as long as what this returns.
async fn come(hub: &Hub, subject: &str, channel: &str) -> Subscription {
    let subject = subject.to_owned();
    let info = || format!("{{\"name\":\n\"{}\"}}", "n").into_bytes();
    let hub =
        hub.with_authorizer(move |_: &Ask| Ok(Access::open().for_subject(&subject).info(info().into())));
    let grant = client(&hub).await;
    hub.subscribe(&grant, "sse", vec![selector(channel)], Since::Latest).await.unwrap()
}

#[tokio::test]
async fn d1_who_comes_and_goes_is_told_in_order() {
    const STEPS: usize = 2_000;
    let hub = attended(keeping(10_000));
    let mut presence = follow(&hub, "$presence.chat.1", Since::Latest).await;
    let begin = presence.cursor();
    let (notices, task) = run(&hub, &[NoticeKind::Joined, NoticeKind::Left]).await;
    let mut random = fastrand::Rng::with_seed(9);
    let mut there: Vec<Option<Subscription>> = (0..20).map(|_| None).collect();
    let mut expected = Vec::new();
    for step in 0..STEPS {
        let who = random.usize(0..there.len());
        let kind = if there[who].is_some() { "left" } else { "joined" };
        there[who] = match there[who].take() {
            Some(_) => None,
            None => Some(come(&hub, &who.to_string(), "chat.1").await),
        };
        expected.push((kind.to_owned(), format!("\"{who}\"")));
        // Others come and go elsewhere.
        drop(come(&hub, "other", "chat.2").await);
        if step % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let told = next(&mut presence, STEPS).await;
    let what = |message: &ReceivedMessage| {
        let subject = message.data.pointer("/member/subject").unwrap().to_string();
        assert_eq!(message.data.pointer("/channel").unwrap().as_str(), Some("chat.1"));
        (message.name.clone().unwrap(), subject)
    };
    assert_eq!(told.iter().map(what).collect::<Vec<_>>(), expected);
    let member = told[0].data.pointer("/member").unwrap().to_string();
    let subject = &expected[0].1;
    let key = subject.replacen('"', "\"subject:", 1);
    assert_eq!(
        member,
        format!("{{\"info\":{{\"name\":\"n\"}},\"key\":{key},\"subject\":{subject},\"transport\":\"sse\"}}")
    );

    // The same messages are on `$notices`, and whoever follows both gets them once.
    let (node, grant) = trusted(&hub).await;
    let both = vec![selector("$notices"), selector("$presence.chat.1")];
    let mut both = node.subscribe(&grant, "test", both, Since::After(begin)).await.unwrap();
    let all = next(&mut both, 3 * STEPS).await;
    assert_eq!(all.len(), 3 * STEPS);
    let shared = all.iter().filter(|message| message.also.contains_key("$presence.chat.1"));
    assert!(shared.map(|message| message.seq).eq(told.iter().map(|message| message.seq)));

    // And one who was away reads on from his place.
    let from = told[STEPS / 2].cursor.parse().unwrap();
    let mut again = follow(&hub, "$presence.chat.1", Since::After(from)).await;
    let rest = next(&mut again, STEPS / 2 - 1).await;
    assert_eq!(rest.iter().map(what).collect::<Vec<_>>(), expected[STEPS / 2 + 1..]);
    assert_eq!(notices.counts().lost, 0);
    task.abort();
}

#[tokio::test]
async fn l7_what_finds_no_channel_is_counted() {
    // `$notices` and `chat.1`, and none for `$presence.chat.1`.
    let hub = attended(LogConfig { channels: 2, ..keeping(100) });
    let mut notices = follow(&hub, "$notices", Since::Latest).await;
    let (running, task) = run(&hub, &[NoticeKind::Joined, NoticeKind::Left]).await;
    let held = come(&hub, "42", "chat.1").await;
    let told = next(&mut notices, 2).await;
    let names: Vec<_> = told.iter().map(|message| message.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["joined", "lost"]);
    assert_eq!(number(&told[1], "/count"), 1);
    until("it is counted", || running.counts().lost == 1).await;
    drop(held);
    task.abort();
}

#[tokio::test]
async fn a_webhook_is_not_somebody_who_is_there() {
    let hub = attended(keeping(100));
    let (notices, task) = run(&hub, &NoticeKind::ALL).await;
    let receiver = Receiver::open(|| Manner::Take).await;
    let webhook = webhook(&hub, receiver.address(), &["chat.1"]);
    let running = support::run(&webhook).await;
    publish(&hub, &trusted(&hub).await.1, "chat.1", 1).await;
    until("it is taken", || webhook.state().delivered == 1).await;
    assert_eq!(hub.presence_counts(), PresenceCounts::default());
    running.abort();
    let _ = running.await;
    assert_eq!((notices.counts().told, notices.counts().lost), (0, 0));
    task.abort();
}
