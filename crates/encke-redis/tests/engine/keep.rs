//! What is kept, compared with the engine that has it all in memory.

use std::time::Duration;

use encke_core::{ChannelInfo, Cursor, Keep, LogConfig, Pattern, Retention, Since};
use encke_redis::RedisConfig;
use encke_testkit::{RedisServer, wait_for};

use super::support::{Node, at, few_resident, name, publish};

const CHANNELS: [&str; 4] = ["a", "b", "few.x", "few.y"];

fn limits() -> LogConfig {
    let retention = Retention { count: 12, bytes: 5_000, age: Duration::from_secs(20) };
    let few = Retention { count: 3, ..retention };
    let retention_of = vec![(Pattern::new("few.*").unwrap(), few)];
    LogConfig { retention, retention_of, ..few_resident() }
}

/// What a log knows of a channel, but for its epoch.
fn known(node: &Node, channel: &str) -> Option<(u64, u64, usize, usize)> {
    let info: Option<ChannelInfo> = node.engine.log().channel(&name(channel));
    info.map(|info| (info.last.seq, info.trimmed.seq, info.retained, info.bytes))
}

async fn compare(model: &Node, nodes: &[&Node], step: &str) {
    for node in nodes {
        node.reaches(model.head().seq).await;
        for channel in CHANNELS {
            // What was trimmed comes to the other node a moment later.
            wait_for(step, async || known(node, channel) == known(model, channel)).await;
            assert_eq!(node.kept(channel).await, model.kept(channel).await, "{step}: {channel}");
        }
    }
}

#[tokio::test]
async fn l6_retention_trimming_and_deleting_are_those_of_the_memory_engine() {
    let server = RedisServer::start();
    let config = || RedisConfig::new(server.url());
    let model = Node::in_memory(limits());
    let (one, two) = (Node::with(config(), limits()).await, Node::with(config(), limits()).await);
    let mut random = fastrand::Rng::with_seed(7);
    let mut now = 100_000;
    for step in 0..400 {
        now += random.u64(0..2_000);
        let channel = CHANNELS[random.usize(..CHANNELS.len())];
        let node = if random.bool() { &one } else { &two };
        let what = match random.u32(0..20) {
            0 => {
                let (model, own) = (model.engine.delete(&name(channel)), node.engine.delete(&name(channel)));
                assert_eq!(own.await, model.await, "delete {channel}");
                "delete"
            }
            1 | 2 => {
                let keep = if random.bool() {
                    Keep::Newest(random.usize(0..8))
                } else {
                    let place = model.head().seq.saturating_sub(random.u64(0..20));
                    Keep::After(Cursor { seq: place, ..node.head() })
                };
                let same = match keep {
                    Keep::After(place) => Keep::After(Cursor { epoch: model.head().epoch, ..place }),
                    other @ Keep::Newest(_) => other,
                };
                assert_eq!(node.trim(channel, keep).await, model.trim(channel, same).await, "{keep:?}");
                "trim"
            }
            3 | 4 => {
                while model.engine.expire(at(now)).await {}
                while node.engine.expire(at(now)).await {}
                "expire"
            }
            _ => {
                let data = "x".repeat(random.usize(0..1_500));
                let mut publish = publish(channel, &format!("{step} {data}"));
                if random.u8(0..4) == 0 {
                    publish = publish.also_to(name(CHANNELS[random.usize(..CHANNELS.len())]));
                }
                let (expected, _) = model.engine.publish(publish.clone(), at(now)).await.unwrap();
                let (appended, _) = node.engine.publish(publish, at(now)).await.unwrap();
                assert_eq!(appended.cursor.seq, expected.cursor.seq);
                "publish"
            }
        };
        compare(&model, &[node], what).await;
        if step % 40 == 0 {
            let new = Node::with(config(), limits()).await;
            compare(&model, &[&one, &two, &new], "a node that comes later").await;
        }
    }
    assert!(model.head().seq > 200, "most steps publish");
}

#[tokio::test]
async fn d7_a_gap_tells_of_what_a_forgotten_channel_had() {
    let server = RedisServer::start();
    let config = || RedisConfig::new(server.url());
    let limits = || LogConfig { tombstones: 2, ..few_resident() };
    let one = Node::with(config(), limits()).await;
    let begin = one.head();
    for channel in ["a", "b", "c", "d"] {
        one.publish(channel, "x").await;
        assert!(one.engine.delete(&name(channel)).await.unwrap());
    }
    one.publish("e", "x").await;
    for node in [&one, &Node::with(config(), limits()).await] {
        for channel in ["a", "b", "c", "d"] {
            let (got, gaps) = node.read(&[channel], Since::After(begin)).await;
            assert_eq!((got.len(), gaps.len()), (0, 1), "{channel}");
        }
    }
    // Beyond the number of those that are remembered, Redis knows nothing of them.
    assert_eq!(server.run(&["HLEN", "{encke}:channels"]), "3");
    assert_eq!(server.run(&["ZCARD", "{encke}:gone"]), "2");
}

#[tokio::test]
async fn nothing_is_left_of_what_is_gone() {
    let server = RedisServer::start();
    let node = Node::with(RedisConfig::new(server.url()), limits()).await;
    for channel in CHANNELS {
        node.publish_at(channel, "x", 1_000).await;
    }
    assert_eq!(node.trim("a", Keep::Newest(0)).await, Some(1));
    while node.engine.expire(at(60_000)).await {}
    wait_for("all channels to be empty", async || CHANNELS.iter().all(|name| known(&node, name).is_none()))
        .await;
    assert_eq!(server.run(&["KEYS", "{encke}:c:*"]), "");
    assert_eq!(server.run(&["ZCARD", "{encke}:ages"]), "0");
}

#[tokio::test]
async fn s2_what_nodes_follow_is_bounded_in_messages_and_bytes() {
    let server = RedisServer::start();
    let config = RedisConfig::new(server.url()).log_count(1_000).log_bytes(100_000);
    let node = Node::with(config, LogConfig::default()).await;
    for at in 0..200 {
        node.publish("a", &format!("{at} {}", "x".repeat(1_000))).await;
    }
    let length = server.run(&["XLEN", "{encke}:log"]).parse::<usize>().unwrap();
    assert!((60..=100).contains(&length), "{length} entries of 1,200 bytes");
    assert_eq!(node.kept("a").await.len(), 200);
}
