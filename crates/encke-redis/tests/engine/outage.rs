//! Redis, or the way to it, does not do what it should.

use std::collections::HashMap;

use encke_core::{Limit, LogConfig, Since};
use encke_hub::{EngineError, Health};
use encke_redis::{RedisConfig, RedisEngine, RedisError};
use encke_testkit::{RedisServer, wait_for};

use super::support::{Gate, Node, QUICK, few_resident, publish};

#[tokio::test]
async fn l4_a_publish_that_is_cut_is_stored_once_or_not_at_all() {
    let server = RedisServer::start();
    let gate = Gate::to(&server).await;
    let direct = Node::of(&server).await;
    let node = Node::with(RedisConfig::new(gate.url()), few_resident()).await;
    let begin = node.head();
    let mut tail = node.open(&["a"], Since::After(begin)).await;
    let publisher = |from: usize, node: Node| async move {
        let mut answers = Vec::new();
        for at in 0..100 {
            let text = format!("{from}-{at}");
            let answer = node.try_publish(publish("a", &text)).await;
            answers.push((text, answer.map(|appended| appended.cursor)));
        }
        answers
    };
    let publishers: Vec<_> = (0..4).map(|from| tokio::spawn(publisher(from, node.clone()))).collect();
    for cut in 1..=10 {
        direct.reaches(cut * 25).await;
        gate.lead_to(&server);
    }
    let mut answers = Vec::new();
    for publisher in publishers {
        answers.extend(publisher.await.unwrap());
    }
    let mark = direct.publish("a", "last").await.cursor;
    node.reaches(mark.seq).await;
    assert_eq!(mark.epoch, begin.epoch, "nothing was lost");
    let (stored, gaps) = direct.read(&["a"], Since::After(begin)).await;
    assert!(gaps.is_empty());
    let mut seqs = HashMap::new();
    for (seq, _, _, text) in &stored {
        assert_eq!(seqs.insert(text.clone(), *seq), None, "{text} is stored twice");
    }
    let mut unanswered = 0;
    for (text, answer) in answers {
        match answer {
            Ok(cursor) => assert_eq!(seqs.get(&text), Some(&cursor.seq), "{text}"),
            Err(EngineError::Unavailable) => unanswered += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(unanswered > 0, "a cut hit something");
    let (got, gaps) = node.rest(&mut tail, Limit::default()).await;
    assert_eq!((got, gaps.len()), (stored, 0), "the node that was cut off has it all");
}

#[tokio::test]
async fn s5_a_redis_that_stands_still_gives_refusals_and_then_all_goes_on() {
    let server = RedisServer::start();
    let node = Node::of(&server).await;
    let begin = node.publish("a", "before").await.cursor;
    let mut tail = node.open(&["a"], Since::After(begin)).await;
    server.stop_process();
    let stopped: Vec<_> = (0..5)
        .map(|at| {
            let node = node.clone();
            tokio::spawn(async move { node.try_publish(publish("a", &format!("during {at}"))).await })
        })
        .collect();
    for answer in stopped {
        assert_eq!(answer.await.unwrap().unwrap_err(), EngineError::Unavailable);
    }
    node.is_ill().await;
    assert_eq!(node.try_publish(publish("a", "later")).await.unwrap_err(), EngineError::Unavailable);
    assert!(tail.read(Limit::default()).messages.is_empty());
    assert_eq!(node.engine.log().channel(&super::support::name("a")).unwrap().retained, 1);
    server.continue_process();
    node.is_well().await;
    let after = node.publish("a", "after").await.cursor;
    assert_eq!(after.epoch, begin.epoch, "nothing was lost");
    let (got, gaps) = node.rest(&mut tail, Limit::default()).await;
    assert!(gaps.is_empty());
    let (stored, _) = Node::of(&server).await.read(&["a"], Since::After(begin)).await;
    assert_eq!(got, stored);
    assert!(got.is_sorted_by(|one, two| one.0 < two.0));
}

#[tokio::test]
async fn scripts_that_redis_lost_are_loaded_again() {
    let server = RedisServer::start();
    let node = Node::of(&server).await;
    for at in 1..=3 {
        assert_eq!(node.publish("a", "x").await.cursor.seq, at);
        server.run(&["SCRIPT", "FLUSH"]);
    }
    assert_eq!(node.trim("a", encke_core::Keep::Newest(1)).await, Some(2));
}

#[tokio::test]
async fn s5_a_full_redis_refuses_and_reads_go_on() {
    let server = RedisServer::start();
    let node = Node::with(RedisConfig::new(server.url()), few_resident()).await;
    for at in 0..20 {
        node.publish("a", &at.to_string()).await;
    }
    server.run(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(node.try_publish(publish("a", "x")).await.unwrap_err(), EngineError::NoSpace);
    assert!(matches!(node.engine.health(), Health::Ill(_)));
    assert_eq!(node.kept("a").await.len(), 20);
    assert_eq!(node.trim("a", encke_core::Keep::Newest(5)).await, Some(15), "what frees is allowed");
    server.run(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(node.publish("a", "x").await.cursor.seq, 21);
    assert_eq!(node.engine.health(), Health::Well);
}

#[tokio::test]
async fn d1_a_node_that_is_behind_what_can_be_followed_loads_anew_without_a_gap() {
    let server = RedisServer::start();
    let gate = Gate::to(&server).await;
    let direct = Node::of(&server).await;
    let node = Node::with(RedisConfig::new(gate.url()), LogConfig::default()).await;
    let begin = node.publish("a", "0").await.cursor;
    let old = node.engine.log();
    gate.shut();
    node.is_ill().await;
    for at in 1..50 {
        direct.publish("a", &at.to_string()).await;
    }
    server.run(&["XTRIM", "{encke}:log", "MAXLEN", "10"]);
    gate.lead_to(&server);
    node.reaches(50).await;
    assert!(!node.engine.log().is(&old), "another log");
    assert_eq!(node.head().epoch, begin.epoch, "of the same life");
    let (got, gaps) = node.read(&["a"], Since::After(begin)).await;
    assert_eq!((got.len(), gaps.len()), (49, 0));
    assert_eq!(node.publish("a", "50").await.cursor.seq, 51);
}

#[tokio::test]
async fn a_subscriber_stays_through_an_outage_and_comes_back_after_a_resync() {
    let server = RedisServer::start();
    let gate = Gate::to(&server).await;
    let direct = Node::of(&server).await;
    let engine = RedisEngine::connect(RedisConfig::new(gate.url()), LogConfig::default()).await.unwrap();
    let hub = encke_hub::Hub::builder().engine(engine).build().unwrap();
    let channel = super::support::name("a");
    let ask = encke_hub::Ask::new(encke_hub::Action::Subscribe, vec![channel.clone().into()]);
    let grant = hub.authorize(&ask).await.unwrap();
    let subscribe =
        async |since| hub.subscribe(&grant, "test", vec![channel.clone().into()], since).await.unwrap();
    let mut subscription = subscribe(Since::Latest).await;
    gate.shut();
    wait_for("an ill hub", async || hub.health() != Health::Well).await;
    direct.publish("a", "1").await;
    gate.lead_to(&server);
    let batch = subscription.next(Limit::default()).await.unwrap();
    assert_eq!(batch.messages.len(), 1, "it stayed, and missed nothing");
    gate.shut();
    wait_for("an ill hub", async || hub.health() != Health::Well).await;
    direct.publish("a", "2").await;
    direct.publish("a", "3").await;
    server.run(&["XTRIM", "{encke}:log", "MAXLEN", "1"]);
    gate.lead_to(&server);
    let end = subscription.next(Limit::default()).await.unwrap_err();
    assert!(matches!(end, encke_hub::End::Drained { .. }), "{end:?}");
    let mut subscription = subscribe(Since::After(subscription.cursor())).await;
    let batch = subscription.next(Limit::default()).await.unwrap();
    assert_eq!((batch.messages.len(), batch.gaps.len()), (2, 0));
}

#[tokio::test]
async fn a_redis_that_cannot_be_used_is_refused_with_the_reason() {
    let refusal = async |config| RedisEngine::connect(config, LogConfig::default()).await.unwrap_err();
    let mut server = RedisServer::with(QUICK);
    let url = server.url();
    assert!(matches!(refusal(RedisConfig::new("http://x")).await, RedisError::Url(_)));
    assert_eq!(refusal(RedisConfig::new(&url).name("a{b")).await, RedisError::Name);
    server.run(&["CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"]);
    assert_eq!(refusal(RedisConfig::new(&url)).await, RedisError::Evicts("allkeys-lru".to_owned()));
    server.run(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    let replica = RedisServer::replica_of(&server, &[]);
    assert!(matches!(refusal(RedisConfig::new(replica.url())).await, RedisError::NotPrimary(_)));
    server.run(&["HSET", "{encke}:channels", "a", "what?"]);
    assert!(matches!(refusal(RedisConfig::new(&url)).await, RedisError::Foreign(_)));
    server.run(&["FLUSHALL"]);
    server.run(&["HSET", "{encke}:life", "epoch", "1", "format", "0"]);
    assert!(matches!(refusal(RedisConfig::new(&url)).await, RedisError::Foreign(_)));
    server.run(&["FLUSHALL"]);
    server.kill();
    assert!(matches!(refusal(RedisConfig::new(&url)).await, RedisError::Unreachable(_)));
    let waits = tokio::spawn(Node::with(RedisConfig::new(&url).wait(true), LogConfig::default()));
    server.restart();
    assert_eq!(waits.await.unwrap().publish("a", "x").await.cursor.seq, 1);
}

#[tokio::test]
async fn s5_a_redis_that_may_not_write_refuses_and_says_why() {
    let server = RedisServer::start();
    let node = Node::with(RedisConfig::new(server.url()), few_resident()).await;
    for at in 0..10 {
        node.publish("a", &at.to_string()).await;
    }
    server.run(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert_eq!(node.try_publish(publish("a", "x")).await.unwrap_err(), EngineError::Unavailable);
    let Health::Ill(why) = node.engine.health() else { panic!("it is ill") };
    assert!(why.contains("NOREPLICAS"), "{why}");
    assert_eq!(node.kept("a").await.len(), 10);
    server.run(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    assert_eq!(node.publish("a", "x").await.cursor.seq, 11);
    assert_eq!(node.engine.health(), Health::Well);
}
