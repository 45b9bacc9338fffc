//! A Redis that dies, forgets, or does not let in.

use std::{sync::Arc, time::Duration};

use encke_queue::{Job, Pump, Queue as _, RedisStream, RedisUrl};
use encke_testkit::{RedisServer, wait_for};

use crate::{
    moody::Moody,
    support::{Running, hub, pump, put_texts, stream, stream_config, texts, until_empty, url},
};

fn numbers(from: usize, to: usize) -> impl Iterator<Item = String> {
    (from..to).map(|number| format!("{number:04}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l4_redis_is_killed_in_the_middle_and_each_entry_is_published_once() {
    for one_at_a_time in [true, false] {
        let mut redis = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]);
        let hub = hub(&Moody::new().slow());
        put_texts(&redis, "news", numbers(0, 400));
        let pump = pump(&hub).await;
        let mut config = stream_config("a");
        config.batch = 30;
        config.one_at_a_time = one_at_a_time;
        let running = Running::pump(&pump, RedisStream::new(url(&redis), config));
        for round in 1..=4 {
            wait_for("some messages", async || hub.counts().published > round * 60).await;
            let failed = pump.counts().failed;
            redis.kill();
            wait_for("a pump that notices", async || pump.counts().failed > failed).await;
            redis.restart();
        }
        wait_for("what Redis reads from its disk", async || {
            redis.run(&["INFO", "persistence"]).contains("\nloading:0")
        })
        .await;
        put_texts(&redis, "news", numbers(400, 410));
        until_empty(&redis).await;
        running.stop().await;
        assert_eq!(texts(&hub, "news").await, numbers(0, 410).collect::<Vec<_>>());
        assert!(pump.ill().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_lost_is_made_again() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new());
    put_texts(&redis, "news", numbers(0, 10));
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    until_empty(&redis).await;
    redis.run(&["FLUSHALL"]);
    put_texts(&redis, "news", numbers(10, 20));
    until_empty(&redis).await;
    redis.run(&["XGROUP", "DESTROY", "jobs", "encke"]);
    put_texts(&redis, "news", numbers(20, 30));
    until_empty(&redis).await;
    running.stop().await;
    assert_eq!(texts(&hub, "news").await, numbers(0, 30).collect::<Vec<_>>());
    assert_eq!(pump.counts().repeated, 10, "they are known by their ids");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_let_in_later_by_a_redis_that_refused_it() {
    let redis = RedisServer::with(&["--requirepass", "right"]);
    let hub = hub(&Moody::new());
    put_texts(&redis, "news", numbers(0, 1));
    let pump = pump(&hub).await;
    let anna = RedisUrl::parse(&redis.url_as("anna", "wrong")).unwrap().with_password("new").unwrap();
    let running = Running::pump(&pump, RedisStream::new(anna, stream_config("a")));
    wait_for("a refusal", async || pump.counts().failed > 2).await;
    assert!(!format!("{:?} {pump:?}", pump.ill()).contains("new\""));
    redis.run(&["ACL", "SETUSER", "anna", "on", ">new", "allkeys", "allcommands"]);
    until_empty(&redis).await;
    running.stop().await;
    assert_eq!(texts(&hub, "news").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_no_stream_is_waited_out() {
    let redis = RedisServer::start();
    redis.run(&["SET", "jobs", "a text"]);
    let hub = hub(&Moody::new());
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    wait_for("a failure", async || pump.ill().is_some_and(|ill| ill.contains("WRONGTYPE"))).await;
    redis.run(&["DEL", "jobs"]);
    put_texts(&redis, "news", numbers(0, 3));
    until_empty(&redis).await;
    running.stop().await;
    assert_eq!(texts(&hub, "news").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_by_takes_over_and_what_others_left_comes_first() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new().slow());
    put_texts(&redis, "news", numbers(0, 200));
    let pumps: [Arc<Pump>; 2] = [pump(&hub).await, pump(&hub).await];
    let first = Running::pump(&pumps[0], stream(&redis, "a"));
    wait_for("the first", async || pumps[0].counts().published > 0).await;
    let second = Running::pump(&pumps[1], stream(&redis, "b"));
    wait_for("more", async || pumps[0].counts().published > 20).await;
    assert_eq!(pumps[1].counts().fetched, 0, "it stands by");
    first.kill().await;
    until_empty(&redis).await;
    assert!(pumps[1].counts().published > 0);
    let third = Running::pump(&pumps[0], stream(&redis, "a"));
    // It leaves its turn to the other, who need not wait for it to run out.
    second.stop().await;
    put_texts(&redis, "news", numbers(200, 210));
    until_empty(&redis).await;
    third.stop().await;
    assert_eq!(texts(&hub, "news").await, numbers(0, 210).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_left_that_never_comes_back_another_one_takes_over() {
    let redis = RedisServer::start();
    let hub = hub(&Moody::new());
    put_texts(&redis, "news", numbers(0, 10));
    redis.run(&["XGROUP", "CREATE", "jobs", "encke", "0"]);
    redis.run(&["XREADGROUP", "GROUP", "encke", "gone", "COUNT", "5", "STREAMS", "jobs", ">"]);
    let mut config = stream_config("a");
    config.one_at_a_time = false;
    config.claim = Duration::from_millis(100);
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, RedisStream::new(url(&redis), config));
    until_empty(&redis).await;
    running.stop().await;
    let mut news = texts(&hub, "news").await;
    news.sort_unstable();
    assert_eq!(news, numbers(0, 10).collect::<Vec<_>>());
}

const WAIT: Duration = Duration::from_millis(20);

async fn ids(stream: &mut RedisStream) -> Vec<String> {
    let jobs = stream.fetch(WAIT).await.unwrap_or_default();
    jobs.into_iter().map(|job: Job| job.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_in_an_answer_that_was_lost_comes_again() {
    for one_at_a_time in [true, false] {
        let redis = RedisServer::start();
        put_texts(&redis, "news", numbers(0, 300));
        let mut config = stream_config("a");
        config.one_at_a_time = one_at_a_time;
        let mut stream = RedisStream::new(url(&redis), config);
        // Two answers that nobody got, as far as the stream knows.
        let mut lost = [ids(&mut stream).await, ids(&mut stream).await].concat();
        assert_eq!(lost.len(), 256);
        redis.run(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        assert!(stream.fetch(WAIT).await.is_err());
        let mut again = Vec::new();
        wait_for("all of them", async || {
            let ids = ids(&mut stream).await;
            stream.done(&ids).await.unwrap();
            again.extend(ids);
            again.len() >= 300
        })
        .await;
        lost.extend_from_slice(&again[256..]);
        assert_eq!(again, lost, "those first, in their order");
        assert_eq!(redis.run(&["XPENDING", "jobs", "encke"]).lines().next(), Some("0"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_turn_comes_back_takes_over_what_the_other_left() {
    let redis = RedisServer::start();
    put_texts(&redis, "news", numbers(0, 10));
    let mut stream = stream(&redis, "a");
    let first = ids(&mut stream).await;
    stream.done(&first).await.unwrap();
    // The other one has its turn, gets something, and goes.
    let key = "encke:queue:jobs:encke";
    redis.run(&["SET", key, "other"]);
    put_texts(&redis, "news", numbers(10, 20));
    let gets = ["XREADGROUP", "GROUP", "encke", "b", "COUNT", "5", "STREAMS", "jobs", ">"];
    redis.run(&gets);
    let mut fetched = Vec::new();
    wait_for("the end of its turn", async || {
        let before = fetched.len();
        fetched.extend(ids(&mut stream).await);
        stream.done(&fetched).await.unwrap();
        before == fetched.len() && redis.run(&["GET", key]) == "other"
    })
    .await;
    redis.run(&["DEL", key]);
    wait_for("what is left", async || {
        let ids = ids(&mut stream).await;
        stream.done(&ids).await.unwrap();
        fetched.extend(ids);
        fetched.len() == 10
    })
    .await;
}
