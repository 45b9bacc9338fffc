//! Two nodes over one Redis: publishes a second, and how long a message takes from one node to the other, each beside
//! what Redis does alone in the same run. `cargo bench -p encke-redis --bench nodes`
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use encke_core::{ChannelName, Limit, LogConfig, Message, Opening, Publish, Since, Timestamp};
use encke_hub::Engine;
use encke_redis::{RedisConfig, RedisEngine};
use encke_testkit::RedisServer;
use futures_util::StreamExt;

const DATA: usize = 100;
const DELAYS: usize = 2_000;

#[tokio::main]
async fn main() {
    let server = RedisServer::start();
    println!("messages of {DATA} bytes; publishes a second through two nodes, and XADD by redis-benchmark");
    for publishers in [1, 16, 256] {
        let nodes = [node(&server).await, node(&server).await];
        let ours = throughput(&nodes, publishers, 2_000 + 150 * publishers).await;
        println!("{publishers:>4} publishers: {ours:>8.0}   XADD: {}", xadd(&server, publishers));
    }
    let stats = server.run(&["INFO", "commandstats"]);
    for name in ["cmdstat_evalsha:", "cmdstat_xread:"] {
        println!("in Redis: {}", stats.lines().find(|line| line.starts_with(name)).unwrap_or_default());
    }
    let delays = delays(&server).await;
    println!("published on one node, readable on the other: {}", spread(delays));
    println!("Redis's own PUBLISH to a subscriber:           {}", spread(pub_sub(&server).await));
}

async fn node(server: &RedisServer) -> Arc<RedisEngine> {
    Arc::new(RedisEngine::connect(RedisConfig::new(server.url()), LogConfig::default()).await.unwrap())
}

fn publish(at: usize) -> Publish {
    let channel = ChannelName::new(&format!("channel.{}", at % 16)).unwrap();
    Publish::new(channel, Message::binary(vec![b'x'; DATA]))
}

async fn throughput(nodes: &[Arc<RedisEngine>; 2], publishers: usize, count: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let tasks: Vec<_> = (0..publishers)
        .map(|publisher| {
            let (node, next) = (Arc::clone(&nodes[publisher % 2]), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    node.publish(publish(at), Timestamp::from_millis(1_000)).await.unwrap().1.wake();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rate = u32::try_from(count).unwrap();
    f64::from(rate) / begin.elapsed().as_secs_f64()
}

fn xadd(server: &RedisServer, clients: usize) -> String {
    let count = (10_000 + 300 * clients).to_string();
    let mut bench = Command::new("redis-benchmark");
    bench.args(["-p", &server.port().to_string(), "-c", &clients.to_string(), "-n", &count, "--csv"]);
    let told = bench.args(["XADD", "bench", "*", "m", &"x".repeat(DATA)]).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let line = told.lines().last().unwrap_or_default().to_owned();
    line.rsplit('"').nth(13).map_or(line.clone(), str::to_owned)
}

async fn delays(server: &RedisServer) -> Vec<Duration> {
    let (one, two) = (node(server).await, node(server).await);
    let channel = ChannelName::new("channel.0").unwrap();
    let opening = Opening::new(Since::Latest, Timestamp::from_millis(1_000));
    let mut tail = two.log().open_as("bench", [channel.into()], &opening).unwrap();
    let mut batch = tail.empty_batch();
    let mut delays = Vec::new();
    for _ in 0..DELAYS {
        let begin = Instant::now();
        let publishing = one.publish(publish(0), Timestamp::from_millis(1_000));
        let reading = std::future::poll_fn(|context| {
            let waker: &Waker = context.waker();
            tail.poll_read(waker, Limit::default(), &mut batch)
        });
        let read = async {
            reading.await.unwrap();
            begin.elapsed()
        };
        let (published, delay) = tokio::join!(publishing, read);
        published.unwrap().1.wake();
        delays.push(delay);
    }
    delays
}

async fn pub_sub(server: &RedisServer) -> Vec<Duration> {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut subscriber = client.get_async_pubsub().await.unwrap();
    subscriber.subscribe("bench").await.unwrap();
    let mut messages = subscriber.on_message();
    let mut delays = Vec::new();
    for _ in 0..DELAYS {
        let begin = Instant::now();
        let mut publish = redis::cmd("PUBLISH");
        publish.arg("bench").arg(&[b'x'; DATA][..]);
        let read = async {
            messages.next().await.unwrap();
            begin.elapsed()
        };
        let (published, delay) = tokio::join!(publish.query_async::<u64>(&mut connection), read);
        published.unwrap();
        delays.push(delay);
    }
    delays
}

fn spread(mut delays: Vec<Duration>) -> String {
    delays.sort_unstable();
    let at = |part: usize| delays[delays.len() * part / 100];
    format!("p50 {:?}, p99 {:?}", at(50), at(99))
}
