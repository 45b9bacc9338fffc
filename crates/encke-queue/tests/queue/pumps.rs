//! What is put into a stream is published once, in its order, whatever happens to who does it.

use std::{sync::Arc, time::Duration};

use encke_core::{AppendError, LogConfig};
use encke_hub::{EngineError, Hub};
use encke_queue::{Pump, Queue as _, RedisStream};
use encke_testkit::{RedisServer, wait_for};

use crate::{
    moody::Moody,
    support::{Running, hub, pending, pump, put, put_texts, stream, stream_config, texts, until_empty, url},
};

const ENTRIES: usize = 2_000;
const CHANNELS: usize = 20;

fn put_many(redis: &RedisServer) {
    let entry = |number: usize| (format!("c.{}", number % CHANNELS), number.to_string());
    let entries: Vec<_> = (0..ENTRIES).map(entry).collect();
    put(
        redis,
        entries
            .iter()
            .map(|(channel, data)| vec![("channel", channel.as_bytes()), ("data", data.as_bytes())]),
    );
}

/// Each entry is stored once, and the messages of each channel in their order if that is `ordered`.
async fn check_many(hub: &Hub, ordered: bool) {
    let mut all = Vec::new();
    for channel in 0..CHANNELS {
        let numbers = texts(hub, &format!("c.{channel}")).await;
        let numbers: Vec<usize> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        if ordered {
            assert!(numbers.is_sorted(), "{numbers:?}");
        }
        all.extend(numbers);
    }
    all.sort_unstable();
    assert_eq!(all, (0..ENTRIES).collect::<Vec<_>>());
}

/// Runs two consumers that are killed over and over, each after a few more messages were until all are.
async fn pump_with_kills(redis: &RedisServer, hub: &Hub, one_at_a_time: bool) -> usize {
    let open = |consumer: &str| {
        let mut config = stream_config(consumer);
        config.one_at_a_time = one_at_a_time;
        config.claim = Duration::from_millis(200);
        config.batch = 40;
        RedisStream::new(url(redis), config)
    };
    let pumps: [Arc<Pump>; 2] = [pump(hub).await, pump(hub).await];
    let consumers = ["a", "b"];
    let run = |at: usize| Running::pump(&pumps[at], open(consumers[at]));
    let mut running = [Some(run(0)), Some(run(1))];
    let mut kills = 0;
    let count = || usize::try_from(hub.log_info().head.seq).unwrap();
    while count() < ENTRIES {
        let next = (count() + fastrand::usize(1..150)).min(ENTRIES);
        wait_for("more messages", async || count() >= next).await;
        let victim = fastrand::usize(0..2);
        running[victim].take().unwrap().kill().await;
        kills += 1;
        running[victim] = Some(run(victim));
    }
    until_empty(redis).await;
    for one in running.into_iter().flatten() {
        one.stop().await;
    }
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l4_two_consumers_that_are_killed_at_random_publish_each_entry_once() {
    for one_at_a_time in [true, false] {
        let redis = RedisServer::start();
        let hub = hub(&Moody::new().slow());
        put_many(&redis);
        let kills = pump_with_kills(&redis, &hub, one_at_a_time).await;
        assert!(kills > 10, "{kills}");
        check_many(&hub, one_at_a_time).await;
        assert!(hub.counts().repeated > 0, "no kill came between storing and acknowledging");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_what_the_engine_refuses_for_now_comes_later_in_its_order() {
    let passing = [
        EngineError::Unavailable,
        EngineError::NoSpace,
        EngineError::Refused(AppendError::Full),
        EngineError::Refused(AppendError::TooManyChannels),
    ];
    let redis = RedisServer::start();
    let engine = Moody::new();
    let hub = hub(&engine);
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    for (round, error) in passing.into_iter().enumerate() {
        engine.refuse(Some(error));
        put_texts(&redis, "news", (0..20).map(|number| format!("{round} {number:02}")));
        let retried = pump.counts().retried;
        wait_for("tries", async || pump.counts().retried > retried + 3).await;
        assert!(pump.ill().is_some());
        engine.refuse(None);
        until_empty(&redis).await;
    }
    wait_for("health", async || pump.ill().is_none()).await;
    let news = texts(&hub, "news").await;
    assert!(news.is_sorted() && news.len() == 80, "{news:?}");
    assert_eq!((pump.counts().buried, pump.counts().published), (0, 80));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_a_stop_finishes_what_was_fetched() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new().slow());
    put_texts(&redis, "news", (0..500).map(|number| format!("{number:03}")));
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    wait_for("the first", async || pump.counts().published > 0).await;
    running.stop().await;
    let counts = pump.counts();
    assert_eq!(counts.fetched, counts.published);
    assert!(counts.published < 500, "{counts:?}");
    assert_eq!(pending(&redis), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_leaves_what_cannot_be_published_to_whoever_comes_next() {
    let redis = RedisServer::start();
    let engine = Moody::new();
    let hub = hub(&engine);
    engine.refuse(Some(EngineError::Unavailable));
    put_texts(&redis, "news", (0..50).map(|number| format!("{number:02}")));
    let first = pump(&hub).await;
    let running = Running::pump(&first, stream(&redis, "a"));
    wait_for("tries", async || first.counts().retried > 1).await;
    running.stop().await;
    assert_eq!((first.counts().published, pending(&redis)), (0, 50));

    engine.refuse(None);
    let second = pump(&hub).await;
    let running = Running::pump(&second, stream(&redis, "b"));
    until_empty(&redis).await;
    running.stop().await;
    let news = texts(&hub, "news").await;
    assert!(news.is_sorted() && news.len() == 50, "{news:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l4_the_key_of_a_producer_makes_two_entries_one() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new());
    let entry = |data: &'static [u8]| vec![("channel", &b"news"[..]), ("data", data), ("key", b"goal-3")];
    put(&redis, [entry(b"goal"), entry(b"goal"), entry(b"own goal")]);
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    until_empty(&redis).await;
    running.stop().await;
    assert_eq!(texts(&hub, "news").await, ["goal"]);
    let counts = pump.counts();
    assert_eq!((counts.published, counts.repeated, counts.buried), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l7_when_no_more_keys_are_remembered_messages_are_stored_without() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::with(LogConfig { keys: 10, ..LogConfig::default() }));
    put_texts(&redis, "news", (0..30).map(|number| format!("{number:02}")));
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    until_empty(&redis).await;
    running.stop().await;
    assert_eq!((pump.counts().published, pump.counts().unkeyed), (30, 20));
    assert!(texts(&hub, "news").await.is_sorted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_fewer_entries_are_fetched_at_a_time_when_they_are_large() {
    let redis = RedisServer::start();
    let large = vec![b'x'; 60 << 10];
    put(&redis, (0..64).map(|_| vec![("channel", &b"news"[..]), ("data", &large)]));
    let mut config = stream_config("a");
    config.batch_bytes = 200 << 10;
    let mut stream = RedisStream::new(url(&redis), config);
    let first = stream.fetch(Duration::from_millis(50)).await.unwrap();
    assert_eq!(first.len(), 64, "the first time it does not know");
    put(&redis, (0..64).map(|_| vec![("channel", &b"news"[..]), ("data", &large)]));
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 64 {
        sizes.push(stream.fetch(Duration::from_millis(50)).await.unwrap().len());
    }
    assert!(sizes.iter().all(|size| *size <= 3), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_entries_are_deleted_where_that_is_wanted() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new());
    let mut config = stream_config("a");
    config.delete = true;
    put_texts(&redis, "news", ["one".to_owned(), "two".to_owned()]);
    put(&redis, [vec![("data", &b"no channel"[..])]]);
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, RedisStream::new(url(&redis), config));
    wait_for("an empty stream", async || redis.run(&["XLEN", "jobs"]) == "0").await;
    running.stop().await;
    assert_eq!(redis.run(&["XLEN", "jobs.dead"]), "1");
    assert_eq!(texts(&hub, "news").await, ["one", "two"]);
}
