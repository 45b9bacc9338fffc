//! How long somebody is there, and what is told of it.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use encke_core::{Limit, Selector, Since, Timestamp};
use encke_hub::{Ban, Grant, MemberKey, Members, Subscription, What, Whom};

use crate::node::{Node, channel, hold};

#[tokio::test(start_paused = true)]
async fn a_poll_counts_without_flapping() {
    let node = Node::new();
    assert!(node.told().is_empty());
    for _ in 0..10 {
        node.poll("", "app", "chat.a").await;
        node.poll("anna", "", "chat.a").await;
        node.pass(59).await;
        assert_eq!(node.keys("chat.a").await, ["subject:anna", "client:app"]);
    }
    let whats = node.whats();
    assert_eq!(whats.iter().filter(|what| **what == What::Joined).count(), 2, "{whats:?}");
    assert!(!whats.contains(&What::Left), "{whats:?}");
    node.pass(1).await;
    assert_eq!(node.whats(), [What::Left, What::Left, What::Vacated, What::Disconnected, What::Disconnected]);
    assert_eq!(node.members("chat.a").await, Members::default());
}

#[tokio::test]
async fn without_a_name_only_one_who_is_held_is_a_member() {
    let node = Node::new();
    assert!(node.told().is_empty());
    node.poll("", "", "chat.a").await;
    let mut longpoll = node.open("", "", "longpoll", "chat.a").await;
    longpoll.keep_lease();
    hold(&mut longpoll);
    let mut held = node.open("", "", "sse", "chat.a").await;
    assert!(node.keys("chat.a").await.is_empty() && node.told().is_empty());
    hold(&mut held);
    assert_eq!(node.keys("chat.a").await, [format!("subscription:{}", held.id())]);
    // What follows more is held.
    let mut other = node.open("", "", "ws", "plain").await;
    let grant = node.grant("", "").await;
    other.follow(&grant, vec![channel("chat.b").into()], Since::Latest).await.unwrap();
    assert_eq!(node.keys("chat.b").await, [format!("subscription:{}", other.id())]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_in_time_has_not_left() {
    let node = Node::new();
    assert!(node.told().is_empty());
    let tab = node.open("anna", "", "ws", "chat.a").await;
    drop(tab);
    node.pass(4).await;
    assert_eq!(node.members("chat.a").await.members[0].transports, [("ws", 1)], "still counted");
    let tab = node.open("anna", "", "sse", "chat.a").await;
    node.pass(60).await;
    assert_eq!(node.whats(), [What::Connected, What::Joined, What::Occupied]);
    drop(tab);
    node.pass(5).await;
    let told = node.told();
    let whats: Vec<_> = told.iter().map(|notice| notice.what).collect();
    assert_eq!(whats, [What::Left, What::Vacated, What::Disconnected]);
    let who = &told[0].who;
    assert_eq!((who.subject.as_deref(), who.transport), (Some("anna"), Some("sse")));
    assert_eq!(who.member, Some(MemberKey::Subject("anna".into())));
    assert_eq!(who.info.as_deref(), Some(br#"{"name":"anna"}"#.as_slice()));
    assert_eq!(told[0].on, Some(channel("chat.a").into()));
    assert_eq!(who.address, None, "addresses are not shown");
    assert_eq!(node.hub.presence_counts(), Default::default());
}

#[tokio::test]
async fn who_unfollows_leaves_at_once() {
    let node = Node::new();
    let mut tab = node.open("anna", "", "ws", "chat.a").await;
    let grant = node.grant("anna", "").await;
    tab.follow(&grant, vec![channel("chat.b").into(), channel("chat.b").into()], Since::Latest)
        .await
        .unwrap();
    assert_eq!(node.members("chat.b").await.members[0].connections(), 1, "named twice, there once");
    assert!(tab.unfollow(&channel("chat.a").into()));
    assert_eq!((node.members("chat.a").await.count, node.members("chat.b").await.count), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn s1_who_is_sent_away_leaves_at_once() {
    let node = Node::new();
    let trusted = node.grant("trusted", "").await;
    let ban = |whom, on| Ban { whom, on, until: Timestamp::from_millis(9_000_000), spares_new: false };
    let anna = || Whom::Subject("anna".into());

    // One that is held leaves with its subscription, one that polls though nothing of it is held.
    let held = node.open("anna", "", "ws", "chat.a").await;
    node.poll("anna", "", "chat.a").await;
    node.poll("anna", "", "chat.b").await;
    node.poll("ben", "", "chat.a").await;
    node.hub.ban(&trusted, ban(anna(), None)).await.unwrap();
    assert_eq!(node.keys("chat.a").await, ["subject:ben"], "whoever holds it may take his time");
    assert!(node.keys("chat.b").await.is_empty());
    drop(held);
    assert_eq!(node.keys("chat.a").await, ["subject:ben"]);

    let kicked = node.open("carl", "tab", "ws", "chat.b").await;
    node.poll("", "tab", "chat.b").await;
    assert_eq!(node.hub.disconnect(&trusted, &Whom::Client("tab".into())).await.unwrap().answer, 1);
    assert!(node.keys("chat.b").await.is_empty());
    // He may come back, and his old subscription does not take him off.
    let _again = node.open("carl", "tab", "ws", "chat.b").await;
    drop(kicked);
    assert_eq!(node.keys("chat.b").await, ["subject:carl"]);

    let mut dora = node.open("dora", "", "ws", "chat.b").await;
    node.poll("dora", "", "chat.b").await;
    node.poll("dora", "", "chat.a").await;
    let whom = Whom::Subject("dora".into());
    node.hub.unfollow_for(&trusted, &whom, &channel("chat.b").into()).await.unwrap();
    assert_eq!(node.keys("chat.b").await, ["subject:carl"], "before she has obeyed");
    dora.read(Limit::default()).await.unwrap();
    assert_eq!(node.keys("chat.b").await, ["subject:carl"]);
    assert_eq!(node.keys("chat.a").await, ["subject:ben", "subject:dora"]);

    node.hub
        .ban(&trusted, ban(Whom::Token("ben".into()), Some(Selector::new("chat.*").unwrap())))
        .await
        .unwrap();
    assert_eq!(node.keys("chat.a").await, ["subject:dora"]);
}

#[tokio::test(start_paused = true)]
async fn s4_who_is_drained_has_the_time_to_come_back() {
    let node = Node::new();
    let mut tab = node.open("anna", "", "ws", "chat.a").await;
    node.hub.drain().await;
    assert!(tab.next(Limit::default()).await.is_err());
    drop(tab);
    assert_eq!(node.keys("chat.a").await, ["subject:anna"]);
    node.pass(5).await;
    assert!(node.keys("chat.a").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_authenticates_later_is_one_member_before_and_after() {
    let node = Node::new();
    assert!(node.told().is_empty());
    let mut tab = node.open("", "", "ws", "chat.a").await;
    hold(&mut tab);
    tab.renew(&node.grant("anna", "").await).unwrap();
    assert_eq!(node.keys("chat.a").await, ["subject:anna"]);
    use What::{Connected, Disconnected, Joined, Left, Occupied};
    assert_eq!(
        node.whats(),
        [Connected, Joined, Occupied, Connected, Joined, Left, Disconnected],
        "never vacated"
    );
    tab.renew(&node.grant("anna", "").await).unwrap();
    assert_eq!(node.whats(), [], "the same once more");
    assert_eq!(node.members("chat.a").await.members[0].connections(), 1);
}

#[test]
fn notices_of_a_channel_are_in_order() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 2_000;
    let node = Node::with(|presence| presence.linger = Duration::ZERO);
    assert!(node.told().is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let grants: Vec<_> =
        (0..THREADS).map(|it| runtime.block_on(node.grant(&format!("s{}", it / 2), ""))).collect();
    std::thread::scope(|scope| {
        for grant in &grants {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    drop(come(&node, grant, &["chat.a"]));
                }
            });
        }
    });
    let mut there = std::collections::BTreeSet::new();
    let told = node.told();
    let mut told = told.iter().filter(|notice| notice.on.is_some());
    let mut joined = 0;
    while let Some(notice) = told.next() {
        let key = notice.who.member.clone().unwrap();
        let edge = match notice.what {
            What::Joined => {
                joined += 1;
                assert!(there.insert(key));
                (there.len() == 1).then_some(What::Occupied)
            }
            What::Left => {
                assert!(there.remove(&key));
                there.is_empty().then_some(What::Vacated)
            }
            what => panic!("{what:?}"),
        };
        if edge.is_some() {
            assert_eq!(told.next().map(|notice| notice.what), edge);
        }
    }
    assert!(there.is_empty() && joined > 0);
    assert_eq!(node.hub.presence_counts(), Default::default());
}

/// The result of what waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("an engine in memory answers at once"),
    }
}

fn come(node: &Node, grant: &Grant, channels: &[&str]) -> Subscription {
    let selectors = channels.iter().map(|name| channel(name).into()).collect();
    at_once(node.hub.subscribe(grant, "ws", selectors, Since::Latest)).unwrap()
}

/// Sending away and coming meet at every point: nobody stays, and nobody is taken off twice.
#[test]
fn counts_do_not_drift_while_all_are_sent_away() {
    let node = Node::with(|presence| presence.linger = Duration::ZERO);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (anna, trusted) =
        (runtime.block_on(node.grant("anna", "")), runtime.block_on(node.grant("trusted", "")));
    let stays = come(&node, &anna, &["chat.b"]);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    let mut subscription = come(&node, &anna, &[]);
                    let chat = vec![channel("chat.a").into()];
                    at_once(subscription.follow(&anna, chat, Since::Latest)).unwrap();
                }
            });
        }
        for _ in 0..500 {
            runtime.block_on(node.hub.disconnect(&trusted, &Whom::Subject("anna".into()))).unwrap();
        }
    });
    drop(stays);
    assert_eq!(node.hub.presence_counts(), Default::default());
    let again = come(&node, &anna, &["chat.a"]);
    assert_eq!(runtime.block_on(node.members("chat.a")).members[0].connections(), 1);
    drop(again);
    assert_eq!(node.hub.presence_counts(), Default::default());
}
