//! Older pages and places, compared with the engine that has it all in memory.

use std::time::Duration;

use encke_core::{Cursor, GapReason, Keep, Limit, LogConfig, Since};
use encke_redis::RedisConfig;
use encke_testkit::{RedisServer, wait_for};

use super::support::{Gate, Node, QUICK, at, few_resident, name, publish};

#[tokio::test]
async fn older_pages_and_places_are_what_a_log_in_memory_has() {
    const CHANNELS: [&str; 5] = ["a.x", "a.y", "b", "c.x.y", "@own"];
    const SELECTORS: [&[&str]; 8] = [
        &["a.x"],
        &["a.*"],
        &["**"],
        &["b", "a.x"],
        &["a.*", "a.x"],
        &["c.**", "@own"],
        &["none"],
        &["*.x", "b"],
    ];
    let server = RedisServer::start();
    let mut limits = few_resident();
    limits.retention.count = 60;
    let model = Node::in_memory(limits.clone());
    let config = || RedisConfig::new(server.url());
    let one = Node::with(config(), limits.clone()).await;
    let mut random = fastrand::Rng::with_seed(3);
    let mut now = 1_000;
    for step in 0..400 {
        now += random.u64(0..10);
        let text = format!("{step} {}", "x".repeat(random.usize(0..200)));
        let mut publish = publish(CHANNELS[random.usize(..CHANNELS.len())], &text);
        if random.u8(0..3) == 0 {
            publish = publish.also_to(name(CHANNELS[random.usize(..CHANNELS.len())]));
        }
        model.engine.publish(publish.clone(), at(now)).await.unwrap().1.wake();
        one.engine.publish(publish, at(now)).await.unwrap().1.wake();
    }
    let two = Node::with(config(), limits).await;
    for _ in 0..150 {
        let selectors = SELECTORS[random.usize(..SELECTORS.len())];
        let seq = random.u64(0..400);
        let time = random.u64(900..now + 10);
        let (since, same) = match random.u32(0..5) {
            0 => (Since::Earliest, Since::Earliest),
            1 => {
                let last = Since::Last(random.usize(0..50));
                (last, last)
            }
            2 => (Since::At(at(time)), Since::At(at(time))),
            _ => (Since::After(Cursor { seq, ..one.head() }), Since::After(Cursor { seq, ..model.head() })),
        };
        let limit = Limit { messages: random.usize(1..40), bytes: random.usize(1..5_000) };
        let mut tail = model.open(selectors, same).await;
        let begin = tail.cursor().seq;
        let (expected, expected_gaps) = model.rest(&mut tail, limit).await;
        for node in [&one, &two] {
            let mut tail = node.open(selectors, since).await;
            assert_eq!(tail.cursor().seq, begin, "{since:?} of {selectors:?}");
            let (got, gaps) = node.rest(&mut tail, limit).await;
            assert_eq!(got, expected, "{since:?} of {selectors:?} by {limit:?}");
            let told = |gaps: &[encke_core::Gap]| -> Vec<_> {
                gaps.iter().map(|gap| (gap.channel.clone(), gap.from.seq, gap.to.seq, gap.reason)).collect()
            };
            assert_eq!(told(&gaps), told(&expected_gaps), "{since:?} of {selectors:?}");
        }
    }
}

#[tokio::test]
async fn d1_a_page_waits_until_the_node_was_told_of_what_is_gone() {
    let server = RedisServer::start();
    let gate = Gate::to(&server).await;
    let config = |url| RedisConfig::new(url).time_limit(encke_testkit::PATIENCE);
    let one = Node::of(&server).await;
    let two = Node::with(config(gate.url()), few_resident()).await;
    let begin = one.head();
    for at in 0..100 {
        one.publish("a", &at.to_string()).await;
    }
    two.reaches(100).await;
    let mut tail = two.open(&["a"], Since::After(begin)).await;
    assert!(tail.read(Limit::default()).messages.is_empty());
    let asked = tail.take_older().unwrap();
    // The other node trims, and this one does not hear of it yet.
    gate.hold();
    assert_eq!(one.trim("a", Keep::Newest(30)).await, Some(70));
    let reads = || {
        let stats = server.run(&["INFO", "commandstats"]);
        stats.lines().find(|line| line.starts_with("cmdstat_xrange")).map(str::to_owned)
    };
    let before = reads();
    let (engine, older) = (two.engine.clone(), asked.clone());
    let page = tokio::spawn(async move { engine.older(older).await });
    wait_for("a page that is read", async || reads() != before).await;
    for _ in 0..20 {
        one.publish("b", "x").await;
    }
    assert!(!page.is_finished());
    gate.release();
    tail.supply(asked, page.await.unwrap().unwrap());
    let (got, gaps) = two.rest(&mut tail, Limit::default()).await;
    assert_eq!((got.len(), got.first().map(|got| got.0)), (30, Some(71)));
    assert_eq!(gaps.iter().map(|gap| gap.to.seq).collect::<Vec<_>>(), [70]);
}

#[tokio::test]
async fn d7_a_cursor_ahead_of_a_slower_node_is_waited_for() {
    let server = RedisServer::start();
    let gate = Gate::to(&server).await;
    let one = Node::of(&server).await;
    let two = Node::with(RedisConfig::new(gate.url()), LogConfig::default()).await;
    gate.shut();
    two.is_ill().await;
    let ahead = one.publish("a", "x").await.cursor;
    assert!(two.head().seq < ahead.seq);
    gate.lead_to(&server);
    let mut tail = two.open(&["a"], Since::After(ahead)).await;
    let (got, gaps) = two.rest(&mut tail, Limit::default()).await;
    assert_eq!((got.len(), gaps.len(), tail.cursor()), (0, 0, ahead));
    // Nobody has this one.
    let future = Cursor { seq: ahead.seq + 1, ..ahead };
    let (_, gaps) = two.read(&["a"], Since::After(future)).await;
    assert_eq!(gaps.iter().map(|gap| gap.reason).collect::<Vec<_>>(), [GapReason::Future]);
}

#[tokio::test]
async fn older_pages_come_from_a_replica() {
    let server = RedisServer::with(QUICK);
    let replica = RedisServer::replica_of(&server, &[]);
    let config = RedisConfig::new(server.url()).replicas(true).time_limit(Duration::from_secs(5));
    let node = Node::with(config, few_resident()).await;
    for at in 0..50 {
        node.publish("a", &at.to_string()).await;
    }
    let last = node.head().seq.to_string();
    let reached = async || replica.run(&["HGET", "{encke}:life", "seq"]) == last;
    wait_for("the replica", reached).await;
    assert_eq!(node.kept("a").await.len(), 50);
    let reads = |server: &RedisServer| server.run(&["INFO", "commandstats"]).contains("cmdstat_xrange");
    assert!(reads(&replica) && !reads(&server));
    // It is gone: the master serves.
    drop(replica);
    assert_eq!(node.kept("a").await.len(), 50);
    assert!(reads(&server));
}
