//! When messages may be lost, another life of the log begins, and readers are told.

use std::collections::HashMap;

use encke_core::{Cursor, Epoch, GapReason, Since};
use encke_redis::RedisConfig;
use encke_testkit::{RedisServer, wait_for};

use super::support::{Gate, Node, QUICK, few_resident, publish};

/// All that was acknowledged: no place may name two messages (L2).
#[derive(Default)]
struct Acknowledged(HashMap<Cursor, String>);

impl Acknowledged {
    async fn publish(&mut self, node: &Node, text: &str) -> Cursor {
        let key = encke_core::Key::new(text).unwrap();
        let cursor = node.publish_surely(publish("a", text).with_key(key)).await.cursor;
        assert_eq!(self.0.insert(cursor, text.to_owned()), None, "{cursor} names two messages");
        cursor
    }
}

async fn new_life(node: &Node, old: Epoch) {
    wait_for("a new life", async || node.head().epoch != old).await;
    node.is_well().await;
}

async fn is_told(node: &Node, cursor: Cursor) {
    let (_, gaps) = node.read(&["a"], Since::After(cursor)).await;
    assert_eq!(gaps.iter().map(|gap| gap.reason).collect::<Vec<_>>(), [GapReason::Epoch], "{cursor}");
}

#[tokio::test]
async fn l2_a_redis_that_forgot_everything_begins_a_new_life() {
    let mut server = RedisServer::start();
    let (one, two) = (Node::of(&server).await, Node::of(&server).await);
    let mut acknowledged = Acknowledged::default();
    let mut old = acknowledged.publish(&one, "first").await;
    for round in 0..3 {
        let last = acknowledged.publish(&two, &format!("{round}")).await;
        server.kill();
        server.restart();
        new_life(&one, old.epoch).await;
        new_life(&two, old.epoch).await;
        assert_eq!(one.head().epoch, two.head().epoch);
        is_told(&one, old).await;
        is_told(&two, last).await;
        let next = acknowledged.publish(&one, &format!("next {round}")).await;
        assert!(next.seq > last.seq, "seqs go on rising");
        assert_eq!(one.kept("a").await, [(next.seq, format!("next {round}"))]);
        two.reaches(next.seq).await;
        assert_eq!(two.kept("a").await, one.kept("a").await);
        old = next;
    }
}

#[tokio::test]
async fn l2_a_redis_that_was_killed_keeps_what_it_wrote_and_begins_a_new_life() {
    let mut server = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let node = Node::with(RedisConfig::new(server.url()), few_resident()).await;
    let mut acknowledged = Acknowledged::default();
    let first = acknowledged.publish(&node, "0").await;
    for at in 1..20 {
        acknowledged.publish(&node, &at.to_string()).await;
    }
    let before = node.kept("a").await;
    server.kill();
    server.restart();
    new_life(&node, first.epoch).await;
    assert_eq!(node.kept("a").await, before, "nothing was lost");
    is_told(&node, first).await;
    let key = encke_core::Key::new("7").unwrap();
    let again = node.publish_surely(publish("a", "7").with_key(key)).await;
    assert_eq!((again.cursor.seq, again.repeated), (first.seq + 7, true), "keys are kept too");
    assert_eq!(acknowledged.publish(&node, "20").await.seq, first.seq + 20);
}

#[tokio::test]
async fn l2_a_redis_that_was_emptied_begins_a_new_life() {
    let server = RedisServer::start();
    let (one, two) = (Node::of(&server).await, Node::of(&server).await);
    let mut acknowledged = Acknowledged::default();
    let old = acknowledged.publish(&one, "x").await;
    server.run(&["FLUSHALL"]);
    // Nobody publishes: the nodes find out by themselves.
    new_life(&one, old.epoch).await;
    new_life(&two, old.epoch).await;
    is_told(&one, old).await;
    is_told(&two, old).await;
    acknowledged.publish(&two, "y").await;
}

#[tokio::test]
async fn l2_each_promotion_begins_a_new_life_also_the_way_back() {
    let first = RedisServer::with(QUICK);
    let second = RedisServer::replica_of(&first, &[]);
    let gate = Gate::to(&first).await;
    let (one, two) = (Node::with(RedisConfig::new(gate.url()), few_resident()).await, Node::of(&first).await);
    let mut acknowledged = Acknowledged::default();
    let mut told = vec![acknowledged.publish(&one, "0").await];
    wait_for("the replica", async || second.run(&["XLEN", "{encke}:c:a"]) == "1").await;
    // From here on the second does not follow: what comes now it never gets.
    second.promote();
    told.push(acknowledged.publish(&one, "lost").await);
    gate.lead_to(&second);
    new_life(&one, told[0].epoch).await;
    for cursor in &told {
        is_told(&one, *cursor).await;
    }
    told.push(acknowledged.publish(&one, "2").await);
    assert_eq!(one.kept("a").await.iter().map(|kept| kept.1.as_str()).collect::<Vec<_>>(), ["0", "2"]);
    // The other node has been with the first all the time, in the old life.
    told.push(acknowledged.publish(&two, "apart").await);
    let second_life = one.head().epoch;
    // The way back: what was published to the second is lost.
    gate.lead_to(&first);
    new_life(&one, second_life).await;
    new_life(&two, told[0].epoch).await;
    assert_eq!(one.head().epoch, two.head().epoch);
    assert!(told.iter().all(|cursor| cursor.epoch != one.head().epoch));
    for cursor in &told {
        is_told(&one, *cursor).await;
        is_told(&two, *cursor).await;
    }
    acknowledged.publish(&two, "4").await;
    acknowledged.publish(&one, "5").await;
    one.reaches(two.head().seq).await;
    assert_eq!(one.kept("a").await, two.kept("a").await);
}

#[tokio::test]
async fn l2_a_server_that_was_a_replica_for_a_while_begins_a_new_life_under_open_connections() {
    let first = RedisServer::with(QUICK);
    let second = RedisServer::with(QUICK);
    // Straight to the first, whose connections no change of its role ends.
    let (one, two) = (Node::of(&first).await, Node::of(&first).await);
    let mut acknowledged = Acknowledged::default();
    let old = acknowledged.publish(&one, "x").await;
    two.reaches(old.seq).await;
    first.run(&["REPLICAOF", "127.0.0.1", &second.port().to_string()]);
    let follows = async || first.run(&["INFO", "replication"]).contains("master_link_status:up");
    wait_for("a replica that follows", follows).await;
    first.promote();
    let next = acknowledged.publish(&two, "y").await;
    assert_ne!(next.epoch, old.epoch);
    new_life(&one, old.epoch).await;
    is_told(&one, old).await;
    is_told(&two, old).await;
    one.reaches(next.seq).await;
    assert_eq!(one.kept("a").await, [(next.seq, "y".to_owned())]);
}

#[tokio::test]
async fn l2_no_publish_is_taken_by_a_server_that_names_its_history_anew() {
    let server = RedisServer::with(&["--enable-debug-command", "yes"]);
    let node = Node::of(&server).await;
    let mut acknowledged = Acknowledged::default();
    let mut old = acknowledged.publish(&node, "0").await;
    // As after a promotion, but the connections, the data and the scripts stay.
    for round in 1..4 {
        server.run(&["DEBUG", "CHANGE-REPL-ID"]);
        let next = acknowledged.publish(&node, &round.to_string()).await;
        assert_ne!(next.epoch, old.epoch);
        is_told(&node, old).await;
        old = next;
    }
    assert_eq!(node.kept("a").await.len(), 4);
}

#[tokio::test]
async fn the_first_of_several_servers_that_takes_writes_is_used() {
    let mut first = RedisServer::with(QUICK);
    let second = RedisServer::replica_of(&first, &[]);
    let node = Node::with(RedisConfig::new(second.url()).also(first.url()), few_resident()).await;
    let mut acknowledged = Acknowledged::default();
    let old = acknowledged.publish(&node, "x").await;
    wait_for("the replica", async || second.run(&["XLEN", "{encke}:c:a"]) == "1").await;
    first.kill();
    second.promote();
    new_life(&node, old.epoch).await;
    is_told(&node, old).await;
    let next = acknowledged.publish(&node, "y").await;
    assert_eq!(next.seq, old.seq + 1);
    assert_eq!(node.kept("a").await.len(), 2);
}
