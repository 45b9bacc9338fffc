use std::time::Duration;

use encke_core::{AppendError, Key, Limit, LogConfig, Message, Publish, Since};
use encke_hub::EngineError;
use encke_redis::RedisConfig;
use encke_testkit::RedisServer;

use super::support::{Gate, Node, at, name, publish};

#[tokio::test]
async fn l1_two_nodes_have_one_order() {
    let server = RedisServer::start();
    let (one, two) = (Node::of(&server).await, Node::of(&server).await);
    let many = |node: Node, from: &'static str| async move {
        let mut seqs = Vec::new();
        for at in 0..100 {
            let publish = publish(["a", "b.c", "b.d"][at % 3], &format!("{from}{at}"));
            let publish = if at % 5 == 0 { publish.also_to(name("all")) } else { publish };
            seqs.push(node.try_publish(publish).await.unwrap().cursor.seq);
        }
        seqs
    };
    let (ones, twos) = tokio::join!(many(one.clone(), "x"), many(two.clone(), "y"));
    assert!(ones.is_sorted() && twos.is_sorted());
    one.reaches(200).await;
    two.reaches(200).await;
    assert_eq!(one.head(), two.head());
    for selectors in [vec!["a"], vec!["b.*"], vec!["**"], vec!["all", "b.c"]] {
        let (first, gaps) = one.read(&selectors, Since::Earliest).await;
        let (second, _) = two.read(&selectors, Since::Earliest).await;
        assert_eq!(first, second, "{selectors:?}");
        assert!(gaps.is_empty());
        assert!(first.is_sorted_by_key(|got| got.0));
    }
    let (all, _) = one.read(&["**"], Since::Earliest).await;
    assert_eq!(all.iter().map(|got| got.0).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>());
    let (chain, _) = two.read(&["all"], Since::Earliest).await;
    let prevs = [0].into_iter().chain(chain.iter().map(|got| got.0));
    assert!(chain.iter().map(|got| got.2).eq(prevs.take(chain.len())), "{chain:?}");
}

#[tokio::test]
async fn l3_what_is_acknowledged_is_readable_on_the_node() {
    let server = RedisServer::start();
    let (one, two) = (Node::of(&server).await, Node::of(&server).await);
    let mut tail = one.open(&["a"], Since::Latest).await;
    for at in 0..50 {
        let node = if at % 2 == 0 { &one } else { &two };
        let appended = node.publish("a", &at.to_string()).await;
        assert_eq!(appended.followers, usize::from(at % 2 == 0));
        assert!(node.head().seq >= appended.cursor.seq);
        assert_eq!(node.kept("a").await.last().unwrap().0, appended.cursor.seq);
    }
    one.reaches(50).await;
    let (got, gaps) = one.rest(&mut tail, Limit::default()).await;
    assert_eq!((got.len(), gaps.len()), (50, 0));
}

#[tokio::test]
async fn messages_come_back_as_they_were() {
    let server = RedisServer::start();
    let (one, two) = (Node::of(&server).await, Node::of(&server).await);
    let bytes: Vec<u8> = (0..=255).collect();
    let messages = [
        Message::text("a\0b\r\n"),
        Message::json("{\"a\":[1,2]}").with_name("named").unwrap(),
        Message::binary(bytes).with_content_type("image/png"),
        Message::binary(Vec::new()),
    ];
    for message in &messages {
        one.try_publish(Publish::new(name("e {t} m\u{2028}"), message.clone())).await.unwrap();
    }
    two.reaches(4).await;
    for node in [&one, &two, &Node::of(&server).await] {
        let mut tail = node.open(&["e {t} m\u{2028}"], Since::Earliest).await;
        let mut got = Vec::new();
        while got.len() < messages.len() {
            got.extend(tail.read(Limit::default()).messages.iter().map(|got| got.message().clone()));
            if let Some(older) = tail.take_older() {
                let page = node.engine.older(older.clone()).await.unwrap();
                tail.supply(older, page);
            }
        }
        assert_eq!(got, messages);
    }
}

#[tokio::test]
async fn l4_a_key_counts_on_every_node_and_after_a_reconnect() {
    let server = RedisServer::start();
    let gate = Gate::to(&server).await;
    let one = Node::of(&server).await;
    let two = Node::with(RedisConfig::new(gate.url()), LogConfig::default()).await;
    let first = one.publish_keyed("a", "x", "k").await.unwrap();
    let again = two.publish_keyed("a", "x", "k").await.unwrap();
    assert_eq!((again.cursor, again.repeated), (first.cursor, true));
    assert_eq!(
        two.publish_keyed("a", "y", "k").await.unwrap_err(),
        EngineError::Refused(AppendError::KeyConflict)
    );
    gate.lead_to(&server);
    let key = Key::new("k").unwrap();
    let again = two.publish_surely(publish("a", "x").with_key(key)).await;
    assert_eq!((again.cursor, again.repeated), (first.cursor, true));
    assert_eq!(one.kept("a").await.len(), 1);
}

#[tokio::test]
async fn l7_keys_are_bounded_and_forgotten_after_their_window() {
    let server = RedisServer::start();
    let limits = LogConfig { keys: 2, key_window: Duration::from_secs(10), ..Default::default() };
    let node = Node::with(RedisConfig::new(server.url()), limits).await;
    let keyed = async |key: &str, millis| {
        let publish = publish("a", key).with_key(Key::new(key).unwrap());
        let stored = node.engine.publish(publish, at(millis)).await;
        stored.map(|(appended, _)| (appended.cursor.seq, appended.repeated))
    };
    assert_eq!(keyed("k1", 100_000).await, Ok((1, false)));
    assert_eq!(keyed("k2", 101_000).await, Ok((2, false)));
    assert_eq!(keyed("k3", 102_000).await, Err(EngineError::Refused(AppendError::TooManyKeys)));
    assert_eq!(keyed("k1", 109_000).await, Ok((1, true)), "within its window");
    assert_eq!(keyed("k1", 130_000).await, Ok((3, false)), "after two windows");
}

#[tokio::test]
async fn l7_refusals_have_their_names() {
    let server = RedisServer::start();
    let mut limits = LogConfig { channels: 2, places: 2, bytes: 5_000, ..Default::default() };
    limits.retention.bytes = 1_000;
    let node = Node::with(RedisConfig::new(server.url()), limits).await;
    let refusal = async |publish| match node.try_publish(publish).await {
        Err(EngineError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(publish("a", &"x".repeat(900))).await, AppendError::TooLarge);
    let three = publish("a", "x").also_to(name("b")).also_to(name("c"));
    assert_eq!(refusal(three).await, AppendError::TooManyPlaces);
    node.publish("a", "x").await;
    node.publish("b", "x").await;
    assert_eq!(refusal(publish("c", "x")).await, AppendError::TooManyChannels);
}
