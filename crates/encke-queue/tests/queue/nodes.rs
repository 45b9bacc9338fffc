//! Several nodes that bridge the same Redis.

use encke_hub::Hub;
use encke_queue::BridgeState;
use encke_testkit::{RedisServer, wait_for};

use crate::{
    bridge::{both_ways, open, shout},
    moody::Moody,
    support::{Listener, Running, hub, say, stored, texts},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_an_engine_each_are_joined_and_nothing_goes_round() {
    let redis = RedisServer::start();
    let listener = Listener::follow(&redis, "*").await;
    let hubs = [hub(&Moody::new().slow()), hub(&Moody::new())];
    let mut nodes = Vec::new();
    for hub in &hubs {
        let bridge = open(hub, &redis, both_ways("*", "**")).await;
        nodes.push((Running::bridge(&bridge).works(&bridge).await, bridge));
    }
    for number in 0..100 {
        say(&hubs[0], "chat", &format!("0 {number:03}")).await;
        say(&hubs[1], "chat", &format!("1 {number:03}")).await;
        shout(&redis, b"chat", &[format!("2 {number:03}").as_bytes()]);
    }
    let all = async |hub: &Hub| stored(hub, "chat").await.len() >= 300;
    wait_for("all here", async || all(&hubs[0]).await && all(&hubs[1]).await).await;
    // Whatever goes round is before these.
    for text in ["end", "end again"] {
        say(&hubs[0], "end", text).await;
        wait_for("the end", async || stored(&hubs[1], "end").await.iter().any(|end| end.data() == text))
            .await;
    }
    wait_for("the end there", async || listener.texts().contains(&"end again".to_owned())).await;
    for (running, _) in nodes {
        running.stop().await;
    }
    let mut expected: Vec<_> =
        (0..300).map(|number| format!("{} {:03}", number / 100, number % 100)).collect();
    expected.sort();
    let mut heard = listener.texts();
    heard.retain(|text| !text.starts_with("end"));
    for mut list in [texts(&hubs[0], "chat").await, texts(&hubs[1], "chat").await, heard] {
        for from in ["0", "1", "2"] {
            let of: Vec<_> = list.iter().filter(|text| text.starts_with(from)).collect();
            assert!(of.is_sorted(), "in the order of whoever said them: {of:?}");
        }
        list.sort();
        assert_eq!(list, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_over_one_engine_take_turns() {
    let redis = RedisServer::start();
    let listener = Listener::follow(&redis, "*").await;
    let engine = Moody::new().shared();
    let hubs = [hub(&engine), hub(&engine)];
    let bridges = [
        open(&hubs[0], &redis, both_ways("*", "**")).await,
        open(&hubs[1], &redis, both_ways("*", "**")).await,
    ];
    let first = Running::bridge(&bridges[0]).works(&bridges[0]).await;
    let second = Running::bridge(&bridges[1]);
    wait_for("one that stands by", async || bridges[1].state() == BridgeState::StandsBy).await;
    for number in 0..50 {
        say(&hubs[number % 2], "chat", &format!("{number:02}")).await;
        shout(&redis, b"chat", &[format!("there {number:02}").as_bytes()]);
    }
    wait_for("all", async || stored(&hubs[0], "chat").await.len() >= 100 && listener.texts().len() >= 100)
        .await;

    // It leaves, and the other one takes over: what was published meanwhile it begins after.
    first.stop().await;
    let second = second.works(&bridges[1]).await;
    say(&hubs[0], "chat", "after").await;
    shout(&redis, b"chat", &[b"there, after"]);
    wait_for("all", async || stored(&hubs[0], "chat").await.len() >= 102 && listener.texts().len() >= 102)
        .await;

    // It dies, and the first one takes over when its time is over.
    let third = Running::bridge(&bridges[0]);
    wait_for("one that stands by", async || bridges[0].state() == BridgeState::StandsBy).await;
    second.kill().await;
    let third = third.works(&bridges[0]).await;
    say(&hubs[0], "chat", "again").await;
    shout(&redis, b"chat", &[b"there, again"]);
    wait_for("all", async || stored(&hubs[0], "chat").await.len() >= 104 && listener.texts().len() >= 104)
        .await;
    third.stop().await;
    assert_eq!((stored(&hubs[0], "chat").await.len(), listener.texts().len()), (104, 104));
}
