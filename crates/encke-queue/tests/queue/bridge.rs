//! One bridge: what passes, what does not, and what does not come back.

use std::{sync::Arc, time::Duration};

use encke_core::{Kind, Selector};
use encke_hub::{Hub, Open, Trusted};
use encke_queue::{Bridge, BridgeConfig, BridgeState};
use encke_testkit::{RedisServer, wait_for};

use crate::{
    moody::Moody,
    support::{Listener, Running, grant, hub, say, stored, texts, url},
};

/// Follows a pattern in Redis, and mirrors what a selector selects here.
pub(crate) fn both_ways(pattern: &str, mirror: &str) -> BridgeConfig {
    let mut config = BridgeConfig::new("chat", [pattern.to_owned()]);
    config.mirror = vec![Selector::new(mirror).unwrap()];
    config.heartbeat = Duration::from_millis(50);
    config.turn = Duration::from_millis(500);
    config.retry = Duration::from_millis(5);
    config.retry_most = Duration::from_millis(50);
    config
}

pub(crate) async fn open(hub: &Hub, redis: &RedisServer, config: BridgeConfig) -> Arc<Bridge> {
    Arc::new(Bridge::new(hub, grant(hub, Open).await, url(redis), config))
}

impl Running {
    pub(crate) async fn works(self, bridge: &Bridge) -> Self {
        wait_for("a bridge that works", async || bridge.state() == BridgeState::Works).await;
        self
    }
}

/// Publishes in Redis, also what is no text.
pub(crate) fn shout(redis: &RedisServer, channel: &[u8], messages: &[&[u8]]) {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    let mut commands = redis::pipe();
    for message in messages {
        commands.cmd("PUBLISH").arg(channel).arg(*message).ignore();
    }
    commands.query::<()>(&mut connection).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_comes_back_that_went_over_the_bridge() {
    let redis = RedisServer::start();
    let listener = Listener::follow(&redis, "*").await;
    let hub = hub(&Moody::new().slow());
    let bridge = open(&hub, &redis, both_ways("*", "**")).await;
    let running = Running::bridge(&bridge).works(&bridge).await;
    // The same texts from both sides at the same time: nobody can tell them apart by what they say.
    let there = async {
        for number in 0..300 {
            shout(&redis, format!("c{}", number % 3).as_bytes(), &[(number % 5).to_string().as_bytes()]);
            tokio::task::yield_now().await;
        }
    };
    let here = async {
        for number in 0..300 {
            say(&hub, &format!("c{}", number % 3), &(number % 5).to_string()).await;
        }
    };
    tokio::join!(there, here);
    // Whatever came back would be before these.
    say(&hub, "end", "here").await;
    wait_for("the end there", async || listener.texts().contains(&"here".to_owned())).await;
    shout(&redis, b"end", &[b"there"]);
    wait_for("the end here", async || stored(&hub, "end").await.len() >= 2).await;
    say(&hub, "end", "again").await;
    wait_for("the end there", async || listener.texts().contains(&"again".to_owned())).await;
    running.stop().await;

    let counts = bridge.counts();
    assert_eq!((counts.received, counts.published, counts.mirrored), (301, 301, 302), "{counts:?}");
    for channel in ["c0", "c1", "c2"] {
        assert_eq!(stored(&hub, channel).await.len(), 200);
        assert_eq!(listener.heard().iter().filter(|(name, _)| name == channel).count(), 200);
    }
    assert_eq!((texts(&hub, "end").await.len(), listener.texts().len()), (3, 603));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_hostile_names_and_data_pass_as_they_are_or_not_at_all() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new());
    let config = BridgeConfig::new("chat", ["*".to_owned()]);
    let bridge = open(&hub, &redis, config).await;
    let running = Running::bridge(&bridge).works(&bridge).await;
    let every: Vec<u8> = (0..=255).collect();
    let (long, large) = (vec![b'x'; 256], vec![b'x'; 1 << 20]);
    let names: [&[u8]; 8] = [b"a\nb", b"a\0b", b"\xff", b"a.*", b"**", &long, b"@anna", b"$events"];
    names.iter().for_each(|name| shout(&redis, name, &[b"hidden"]));
    let data: [&[u8]; 8] =
        [b"", b"text", b"{\"a\":1}", b"{", &every, b"\xff", b"\r\n\r\n\0", "«»".as_bytes()];
    shout(&redis, b"news", &data);
    shout(&redis, b"news", &[&large]);
    shout(&redis, b"news", &[b"last"]);
    wait_for("the last", async || texts(&hub, "news").await.last().is_some_and(|text| text == "last")).await;
    running.stop().await;

    let news = stored(&hub, "news").await;
    let kinds: Vec<_> = news.iter().map(encke_core::Message::kind).collect();
    use Kind::{Binary, Json, Text};
    assert_eq!(kinds, [Text, Text, Json, Text, Binary, Binary, Text, Text, Text]);
    for (message, data) in news.iter().zip(data) {
        assert_eq!(message.data(), data);
    }
    let all = stored(&hub, "**").await;
    assert_eq!(all.len(), news.len(), "no other channel");
    assert!(stored(&hub, "@anna").await.is_empty() && stored(&hub, "$events").await.is_empty());
    let counts = bridge.counts();
    assert_eq!((counts.refused, counts.published, counts.received), (9, 9, 18));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_several_patterns_match_comes_once() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new());
    let patterns = ["news.*", "*", "news.[a-z]*", "news.eu"].map(str::to_owned);
    let bridge = open(&hub, &redis, BridgeConfig::new("chat", patterns)).await;
    let running = Running::bridge(&bridge).works(&bridge).await;
    shout(&redis, b"news.eu", &[b"1", b"2"]);
    shout(&redis, b"other", &[b"3"]);
    wait_for("the last", async || !stored(&hub, "other").await.is_empty()).await;
    running.stop().await;
    assert_eq!(
        (texts(&hub, "news.eu").await, texts(&hub, "other").await),
        (vec!["1".into(), "2".into()], vec!["3".into()])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prefixes_are_changed_both_ways() {
    let redis = RedisServer::start();
    let listener = Listener::follow(&redis, "*").await;
    let hub = hub(&Moody::new());
    let mut config = both_ways("app:*", "**");
    (config.redis_prefix, config.channel_prefix) = ("app:".into(), "redis.".into());
    let bridge = open(&hub, &redis, config).await;
    let running = Running::bridge(&bridge).works(&bridge).await;
    shout(&redis, b"app:chat", &[b"1"]);
    say(&hub, "other", "hidden").await;
    wait_for("the message", async || !stored(&hub, "redis.chat").await.is_empty()).await;
    say(&hub, "redis.chat", "2").await;
    wait_for("the answer", async || listener.texts().len() == 2).await;
    running.stop().await;
    let names: Vec<_> = listener.heard().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["app:chat", "app:chat"]);
    assert_eq!(bridge.counts().refused, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_comes_back_when_redis_does_and_sends_what_was_said_meanwhile() {
    let mut redis = RedisServer::start();
    let hub = hub(&Moody::new());
    let bridge = open(&hub, &redis, both_ways("chat", "chat")).await;
    let running = Running::bridge(&bridge).works(&bridge).await;
    redis.kill();
    wait_for("its notice", async || matches!(bridge.state(), BridgeState::Away(_))).await;
    say(&hub, "chat", "1").await;
    // It speaks to nobody yet, so nobody can have missed it.
    redis.restart();
    wait_for("its return", async || bridge.state() == BridgeState::Works).await;
    wait_for("what was said", async || bridge.counts().mirrored == 1).await;
    shout(&redis, b"chat", &[b"2"]);
    wait_for("the answer", async || stored(&hub, "chat").await.len() == 2).await;
    running.stop().await;
    assert_eq!((bridge.counts().outages, bridge.counts().unsure), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_what_comes_faster_than_it_is_published_is_dropped_and_counted() {
    for (waiting, bytes) in [(10, usize::MAX), (usize::MAX >> 4, 1_000)] {
        let redis = RedisServer::start();
        let hub = hub(&Moody::new().slow());
        let mut config = BridgeConfig::new("chat", ["*".to_owned()]);
        (config.waiting, config.waiting_bytes) = (waiting, bytes);
        let bridge = open(&hub, &redis, config).await;
        let running = Running::bridge(&bridge).works(&bridge).await;
        shout(&redis, b"chat", &[&[b'x'; 100][..]; 2_000]);
        let all = |counts: encke_queue::BridgeCounts| counts.published + counts.dropped == 2_000;
        wait_for("all to be published or dropped", async || all(bridge.counts())).await;
        running.stop().await;
        let counts = bridge.counts();
        assert!(counts.dropped > 0 && counts.published > 0, "{counts:?}");
        assert_eq!(stored(&hub, "chat").await.len() as u64, counts.published);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_bridge_reaches_the_channels_of_users() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new());
    let bridge =
        Bridge::new(&hub, grant(&hub, Trusted).await, url(&redis), BridgeConfig::new("chat", ["@*".into()]));
    let bridge = Arc::new(bridge);
    let running = Running::bridge(&bridge).works(&bridge).await;
    shout(&redis, b"@anna", &[b"hello"]);
    wait_for("the message", async || !stored(&hub, "@anna").await.is_empty()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_way_is_enough_and_a_redis_that_stands_still_is_noticed() {
    let redis = RedisServer::start();
    let listener = Listener::follow(&redis, "*").await;
    let hub = hub(&Moody::new());
    let mut config = both_ways("chat", "chat");
    config.patterns.clear();
    let bridge = open(&hub, &redis, config).await;
    let running = Running::bridge(&bridge).works(&bridge).await;
    say(&hub, "chat", "1").await;
    wait_for("the message", async || listener.texts() == ["1"]).await;
    redis.stop_process();
    wait_for("its notice", async || matches!(bridge.state(), BridgeState::Away(_))).await;
    redis.continue_process();
    let running = running.works(&bridge).await;
    say(&hub, "chat", "2").await;
    wait_for("the message", async || listener.texts() == ["1", "2"]).await;
    running.stop().await;
}
