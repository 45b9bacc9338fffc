//! Who is shown, where, to whom, and how many.

use std::{net::IpAddr, sync::atomic::Ordering};

use encke_core::{GapReason, Limit, Message, Publish, Since, Timestamp};
use encke_hub::{Denied, MemberKey};

use crate::node::{Node, channel};

#[tokio::test(start_paused = true)]
async fn one_who_is_on_three_tabs_is_one_member() {
    let node = Node::new();
    let first = node.open("anna", "tab-1", "ws", "chat.a").await;
    let _second = node.open("anna", "tab-2", "ws", "chat.a").await;
    let third = node.open("anna", "tab-3", "sse", "chat.a").await;
    let members = node.members("chat.a").await;
    assert_eq!((members.count, members.members.len()), (1, 1));
    let anna = &members.members[0];
    assert_eq!(anna.key, MemberKey::Subject("anna".into()));
    assert_eq!((anna.transports.as_slice(), anna.connections()), ([("ws", 2), ("sse", 1)].as_slice(), 3));
    assert_eq!(anna.clients.iter().map(|client| &**client).collect::<Vec<_>>(), ["tab-1", "tab-2", "tab-3"]);
    assert_eq!(anna.info.as_deref(), Some(br#"{"name":"anna"}"#.as_slice()));
    assert_eq!(anna.since, Timestamp::from_millis(1_000_000));

    drop((first, third));
    node.pass(60).await;
    let members = node.members("chat.a").await;
    assert_eq!(members.members[0].transports, [("ws", 1)]);
    assert_eq!(members.members[0].since, Timestamp::from_millis(1_000_000));
}

#[tokio::test]
async fn members_are_kept_where_that_is_wanted_and_on_personal_channels() {
    let node = Node::new();
    let _plain = node.open("anna", "", "ws", "plain").await;
    let _pattern = node.open("anna", "", "ws", "chat.*").await;
    let _system = node.open("trusted", "application", "ws", "$presence.chat.a").await;
    assert_eq!(node.hub.presence_counts(), Default::default());
    let _own = node.open("ben", "", "ws", "@ben").await;
    assert_eq!(node.keys("@ben").await, ["subject:ben"]);
    let counts = node.hub.presence_counts();
    assert_eq!((counts.channels, counts.members, counts.connected), (1, 1, 1));
    for (name, kept) in
        [("chat.a", true), ("@x", true), ("plain", false), ("chat", false), ("$notices", false)]
    {
        assert_eq!(node.hub.keeps_members(&channel(name)), kept, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_learns_whether_anybody_is_there() {
    let node = Node::new();
    let trusted = node.grant("trusted", "").await;
    let is_present = |subject| node.hub.is_present(&trusted, subject);
    assert_eq!(is_present("anna"), Ok(false));
    let own = node.open("anna", "", "ws", "@anna").await;
    let _other = node.open("ben", "", "ws", "chat.a").await;
    assert_eq!((is_present("anna"), is_present("ben"), is_present("carl")), (Ok(true), Ok(true), Ok(false)));
    drop(own);
    assert_eq!(is_present("anna"), Ok(true));
    node.pass(5).await;
    assert_eq!((is_present("anna"), is_present("")), (Ok(false), Ok(false)));
    let ben = node.grant("ben", "").await;
    assert_eq!(node.hub.is_present(&ben, "anna"), Err(Denied::Forbidden));
}

#[tokio::test]
async fn s1_who_is_there_is_shown_to_those_who_may_see_it() {
    let node = Node::new();
    let _own = node.open("anna", "", "ws", "@anna").await;
    let (anna, ben, deaf) =
        (node.grant("anna", "").await, node.grant("ben", "").await, node.grant("deaf", "").await);
    for (grant, name, may) in
        [(&anna, "@anna", true), (&ben, "@anna", false), (&ben, "chat.a", true), (&deaf, "chat.a", false)]
    {
        let answer = node.hub.members(grant, &channel(name), None, 1);
        assert_eq!(answer.err(), (!may).then_some(Denied::Forbidden), "{name}");
        let answer = node.hub.member_count(grant, &channel(name));
        assert_eq!(answer.err(), (!may).then_some(Denied::Forbidden), "{name}");
    }
}

#[tokio::test]
async fn pages_are_in_a_stable_order() {
    let node = Node::new();
    let mut tabs = Vec::new();
    for index in 0..25 {
        tabs.push(node.open(&format!("s{index:02}"), "", "ws", "chat.a").await);
    }
    let trusted = node.grant("trusted", "").await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = node.hub.members(&trusted, &channel("chat.a"), after.as_ref(), 10).unwrap();
        seen.extend(page.members.iter().map(|member| member.key.to_string()));
        // Who comes before the place is not seen any longer, and who leaves there takes nobody with him.
        tabs.push(node.open("s00a", "", "ws", "chat.a").await);
        let mut gone = tabs.remove(0);
        assert!(gone.unfollow(&channel("chat.a").into()));
        match page.next {
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).map(|index| format!("subject:s{index:02}")).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn s2_beyond_its_bounds_one_is_not_shown_and_reads_all_the_same() {
    let node = Node::with(|presence| (presence.members, presence.connections, presence.info) = (4, 2, 14));
    let _anna = node.open("anna", "", "ws", "chat.a").await;
    let ben = node.open("ben", "", "ws", "chat.a").await;
    let mut carl = node.open("carl", "", "ws", "chat.a").await;
    assert_eq!(node.keys("chat.a").await, ["subject:anna", "subject:ben"]);
    assert_eq!(node.hub.counts().members_not_kept, 2, "neither on the channel nor on the node");
    let publish = Publish::new(channel("chat.a"), Message::text("x"));
    node.hub.publish(&node.grant("trusted", "").await, publish).await.unwrap();
    assert_eq!(carl.read(Limit::default()).await.unwrap().messages.len(), 1);
    drop(ben);
    node.pass(5).await;
    assert_eq!(node.keys("chat.a").await, ["subject:anna"], "who was not counted is not counted later");
    drop(carl);
    node.pass(5).await;
    assert_eq!(node.hub.presence_counts().members, 1, "nor taken off");

    let known = node.hub.counts().members_not_kept;
    let mut more = Vec::new();
    for client in ["one", "two", "three"] {
        more.push(node.open("anna", client, "ws", "chat.a").await);
    }
    assert_eq!(
        node.members("chat.a").await.members[0].connections(),
        2,
        "of two kinds, with that without a name"
    );
    assert_eq!(node.hub.counts().members_not_kept, known + 4);
    drop(more);
    node.pass(5).await;
    let _again = node.open("anna", "four", "ws", "chat.a").await;
    let clients = &node.members("chat.a").await.members[0].clients;
    assert_eq!(clients.iter().map(|client| &**client).collect::<Vec<_>>(), ["four"]);

    let _long = node.open(&"x".repeat(256), "", "ws", "chat.a").await;
    assert_eq!(node.keys("chat.a").await, ["subject:anna"]);
    let _silent = node.open("theodora", "", "ws", "chat.a").await;
    assert_eq!(node.members("chat.a").await.members[1].info, None, "longer than may be shown");
}

#[tokio::test]
async fn one_that_is_away_gives_way_to_one_that_is_there() {
    let node = Node::with(|presence| presence.connections = 2);
    for client in ["one", "two", "three"] {
        node.poll("anna", client, "chat.a").await;
    }
    let clients = &node.members("chat.a").await.members[0].clients;
    assert_eq!(clients.len(), 2);
    assert!(clients.iter().any(|client| &**client == "three"), "{clients:?}");
}

#[tokio::test]
async fn addresses_are_shown_if_that_is_wanted() {
    for shown in [false, true] {
        let node = Node::with(|presence| presence.addresses = shown);
        assert!(node.told().is_empty());
        let _tab = node.open("anna", "", "ws", "chat.a").await;
        let expected = shown.then_some(IpAddr::from([192, 0, 2, 1]));
        assert!(node.members("chat.a").await.members[0].addresses.iter().eq(&expected));
        assert!(node.told().iter().all(|notice| notice.who.address == expected));
    }
}

#[tokio::test]
async fn d8_a_grant_reads_no_further_back_than_it_may() {
    let node = Node::new();
    let trusted = node.grant("trusted", "").await;
    for millis in [1_000_000, 1_002_000, 1_003_000] {
        node.clock.store(millis, Ordering::Relaxed);
        let publish = Publish::new(channel("news"), Message::text("x"));
        node.hub.publish(&trusted, publish).await.unwrap();
    }
    let late = node.grant("late", "").await;
    let news = || vec![channel("news").into()];
    let mut all = node.hub.subscribe(&late, "test", news(), Since::Earliest).await.unwrap();
    let batch = all.read(Limit::default()).await.unwrap();
    assert_eq!((batch.messages.len(), batch.gaps.len()), (2, 0));

    let start = encke_core::Cursor { seq: 0, ..batch.cursor };
    let mut claimed = node.hub.subscribe(&late, "test", Vec::new(), Since::Latest).await.unwrap();
    claimed.follow(&late, news(), Since::After(start)).await.unwrap();
    let batch = claimed.read(Limit::default()).await.unwrap();
    assert_eq!(batch.messages.len(), 2);
    let gap = &batch.gaps[0];
    assert_eq!((gap.from, gap.to.seq, gap.reason), (start, 1, GapReason::Trimmed), "D1: all or told");
}
