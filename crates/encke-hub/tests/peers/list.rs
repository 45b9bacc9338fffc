//! What several nodes must do over whatever joins them.

use std::{collections::BTreeMap, time::Duration};

use encke_core::{Limit, Selector};
use encke_hub::{Denied, End, What, Whom};

use crate::site::{Bus, LINGER, Node, Site, ended, eventually};

fn keys(members: &[(&str, usize)]) -> Vec<(String, usize)> {
    members.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
}

async fn agree(nodes: &[&Node], channel: &str, members: &[(&str, usize)]) {
    for node in nodes {
        eventually(&format!("{} knows {members:?}", node.name), async || {
            node.members(channel).await == keys(members)
        })
        .await;
    }
}

/// How often each thing was told of a member of `chat.a`, at all nodes together.
fn told(nodes: &[&Node], key: &str) -> BTreeMap<&'static str, usize> {
    let mut told = BTreeMap::new();
    for notice in nodes.iter().flat_map(|node| node.told()) {
        let is_it = notice.on.as_ref().is_some_and(|on| on.as_str() == "chat.a")
            && notice.who.member.as_ref().is_some_and(|member| member.to_string() == key);
        let what = match notice.what {
            What::Joined => "joined",
            What::Left => "left",
            What::Occupied => "occupied",
            What::Vacated => "vacated",
            _ => continue,
        };
        if is_it {
            *told.entry(what).or_default() += 1;
        }
    }
    told
}

pub(crate) async fn one_on_two_nodes_is_one_member_with_two_connections(site: &Site<impl Bus>) {
    let [a, b, c] = site.nodes().await;
    let hers = a.open("anna", "tab-1", "chat.a").await;
    let also = b.open("anna", "tab-2", "chat.a").await;
    let _his = b.open("", "bob", "chat.a").await;
    agree(&[&a, &b, &c], "chat.a", &[("subject:anna", 2), ("client:bob", 1)]).await;
    let counts = c.hub.presence_counts();
    assert_eq!((counts.channels, counts.members), (1, 2));
    assert_eq!(c.hub.is_present(&c.root().await, "anna"), Ok(true));
    drop(hers);
    agree(&[&a, &b, &c], "chat.a", &[("subject:anna", 1), ("client:bob", 1)]).await;
    drop(also);
    agree(&[&a, &b, &c], "chat.a", &[("client:bob", 1)]).await;
    assert_eq!(c.hub.is_present(&c.root().await, "anna"), Ok(false));
    // Those without a name are never taken for each other.
    let mut first = a.open("", "", "chat.b").await;
    let mut second = b.open("", "", "chat.b").await;
    for subscription in [&mut first, &mut second] {
        let _ = subscription.read(Limit::default()).await.unwrap();
        let held = tokio::time::timeout(Duration::from_millis(20), subscription.next(Limit::default())).await;
        assert!(held.is_err());
    }
    eventually("both are counted", async || c.members("chat.b").await.len() == 2).await;
}

pub(crate) async fn what_happens_is_told_once(site: &Site<impl Bus>) {
    let nodes: [Node; 3] = site.nodes().await;
    let [a, b, c] = &nodes;
    let all = [a, b, c];
    eventually("somebody tells", async || {
        let _probe = c.open("probe", "", "chat.a").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        told(&all, "subject:probe").contains_key("joined")
    })
    .await;
    let hers = [a.open("anna", "tab-1", "chat.a").await, c.open("anna", "tab-2", "chat.a").await];
    let his = b.open("bob", "", "chat.a").await;
    agree(&all, "chat.a", &[("subject:anna", 2), ("subject:bob", 1), ("subject:probe", 1)]).await;
    drop((hers, his));
    agree(&all, "chat.a", &[]).await;
    eventually("all have left", async || {
        ["subject:anna", "subject:bob"].iter().all(|key| told(&all, key).contains_key("left"))
    })
    .await;
    for key in ["subject:anna", "subject:bob"] {
        let told = told(&all, key);
        assert_eq!((told["joined"], told["left"]), (1, 1), "{key}: {told:?}");
    }
    let vacated: usize =
        all.iter().flat_map(|node| node.told()).filter(|it| it.what == What::Vacated).count();
    assert_eq!(vacated, 1);
}

pub(crate) async fn the_members_of_a_dead_node_leave_and_somebody_tells_it(site: &Site<impl Bus>) {
    let [a, b, c] = site.nodes().await;
    let _hers = a.open("anna", "", "chat.a").await;
    let _his = b.open("bob", "", "chat.a").await;
    agree(&[&a, &b, &c], "chat.a", &[("subject:anna", 1), ("subject:bob", 1)]).await;
    eventually("they are told", async || {
        ["subject:anna", "subject:bob"].iter().all(|key| told(&[&a, &b, &c], key).contains_key("joined"))
    })
    .await;
    // The eldest, which tells.
    a.die();
    agree(&[&b, &c], "chat.a", &[("subject:bob", 1)]).await;
    eventually("her leave is told", async || told(&[&b, &c], "subject:anna").get("left") == Some(&1)).await;
    assert_eq!(told(&[&b, &c], "subject:bob").get("left"), None);
    assert_eq!(b.known().await, ["node-1", "node-2"]);
}

pub(crate) async fn a_farewell_leaves_time_to_come_to_another_node(site: &Site<impl Bus>) {
    let [a, b] = site.nodes().await;
    let hers = a.open("anna", "tab", "chat.a").await;
    agree(&[&a, &b], "chat.a", &[("subject:anna", 1)]).await;
    eventually("it is told", async || told(&[&a, &b], "subject:anna").contains_key("joined")).await;
    a.hub.farewell().await;
    // Who goes says so, and who is next need not wait.
    eventually("it is gone", async || b.hub.leads()).await;
    let _again = b.open("anna", "tab", "chat.a").await;
    drop((hers, a));
    assert_eq!(b.known().await, ["node-1"]);
    tokio::time::sleep(2 * LINGER).await;
    assert_eq!(b.members("chat.a").await, keys(&[("subject:anna", 1)]));
    assert_eq!(told(&[&b], "subject:anna").get("left"), None);
}

pub(crate) async fn s1_a_ban_holds_on_all_nodes_and_on_those_that_come_later(site: &Site<impl Bus>) {
    let [a, b] = site.nodes().await;
    let mut hers = [a.open("anna", "", "news").await, b.open("anna", "", "news").await];
    let mut his = b.open("bob", "", "news").await;
    let banned = a.ban("anna", None).await;
    assert_eq!((banned.concerned, banned.silent.len()), (2, 0));
    for subscription in &mut hers {
        assert_eq!(ended(subscription).await, Some(End::Revoked));
    }
    assert_eq!(ended(&mut his).await, None);
    assert_eq!(b.grant("anna", "").await.unwrap_err(), Denied::Revoked);
    let again = b.ban("anna", None).await;
    assert_eq!(again.id, banned.id, "the same ban again, from another node");
    let c = site.node("node-2").await;
    eventually("it is known to a new node", async || c.grant("anna", "").await.is_err()).await;
    assert!(c.hub.lift_ban(&c.root().await, banned.id).unwrap());
    for node in [&a, &b, &c] {
        eventually("it is lifted", async || node.grant("anna", "").await.is_ok()).await;
    }
    let kicked = c.ban("bob", Some("new*")).await;
    assert_eq!(kicked.concerned, 0);
    let kicked = c.ban("bob", Some("news")).await;
    assert_eq!(kicked.concerned, 1);
    let _ = his.read(Limit::default()).await.unwrap();
    assert!(his.is_empty());
}

pub(crate) async fn s1_a_node_that_was_cut_off_learns_of_bans_and_lifts(site: &Site<impl Bus>) {
    let [a, b] = site.nodes().await;
    let lifted = a.ban("carl", None).await;
    eventually("it is known", async || b.grant("carl", "").await.is_err()).await;
    let mut hers = b.open("anna", "", "news").await;
    b.cut();
    let banned = a.ban("anna", None).await;
    assert_eq!(banned.silent.iter().map(|name| &**name).collect::<Vec<_>>(), ["node-1"]);
    assert!(a.hub.lift_ban(&a.root().await, lifted.id).unwrap());
    let mut his = a.open("carl", "", "news").await;
    let other = b.ban("dora", None).await;
    assert_eq!(other.silent.len(), 1);
    assert_eq!(ended(&mut hers).await, None);
    assert!(b.grant("anna", "").await.is_ok() && b.grant("carl", "").await.is_err());
    b.mend();
    eventually("it has learned", async || {
        b.grant("anna", "").await.is_err() && b.grant("carl", "").await.is_ok()
    })
    .await;
    eventually("and taught", async || a.grant("dora", "").await.is_err()).await;
    eventually("what was opened ends", async || ended(&mut hers).await == Some(End::Revoked)).await;
    assert!(a.grant("carl", "").await.is_ok());
    assert_eq!(ended(&mut his).await, None, "nobody brings back what was lifted, even for a moment");
    let ids = |node: &Node, grant| {
        node.hub.bans(&grant, None, 10).unwrap().iter().map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&a, a.root().await), ids(&b, b.root().await));
}

pub(crate) async fn orders_reach_the_clients_of_all_nodes(site: &Site<impl Bus>) {
    let [a, b] = site.nodes().await;
    let mut hers = [a.open("anna", "", "news").await, b.open("anna", "", "news").await];
    let whom = Whom::Subject("anna".into());
    let sport = Selector::new("sport").unwrap();
    let done = a.hub.follow_for(&a.root().await, &whom, std::slice::from_ref(&sport)).await.unwrap();
    assert_eq!((done.answer, done.silent.len()), (2, 0));
    for subscription in &mut hers {
        let _ = subscription.read(Limit::default()).await.unwrap();
        assert_eq!(subscription.selectors().count(), 2);
    }
    let done = b.hub.unfollow_for(&b.root().await, &whom, &sport).await.unwrap();
    assert_eq!(done.answer, 2);
    for subscription in &mut hers {
        let _ = subscription.read(Limit::default()).await.unwrap();
        assert_eq!(subscription.selectors().count(), 1);
    }
    let one = Whom::Subscription(hers[1].id());
    assert_eq!(a.hub.disconnect(&a.root().await, &one).await.unwrap().answer, 1);
    assert_eq!((ended(&mut hers[0]).await, ended(&mut hers[1]).await), (None, Some(End::Revoked)));
    assert_eq!(b.hub.disconnect(&b.root().await, &Whom::Everybody).await.unwrap().answer, 2);
    assert_eq!(ended(&mut hers[0]).await, Some(End::Revoked));
}

pub(crate) async fn answers_cover_all_nodes_and_name_those_that_are_silent(site: &Site<impl Bus>) {
    let [a, b, c] = site.nodes().await;
    let mut held = Vec::new();
    for node in [&a, &b, &c] {
        for index in 0..5 {
            held.push(node.open("anna", &format!("tab-{index}"), "news").await);
        }
    }
    let mut expected: Vec<_> = held.iter().map(encke_hub::Subscription::id).collect();
    expected.sort_unstable();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = b.hub.search(&b.root().await, &Default::default(), after, 4).await.unwrap();
        assert!(page.silent.is_empty());
        found.extend(page.answer.iter().map(|info| (info.id, info.node.clone().unwrap())));
        after = page.answer.last().map(|last| last.id);
        if page.answer.len() < 4 {
            break;
        }
    }
    assert!(found.iter().map(|(id, _)| *id).eq(expected));
    for name in ["node-0", "node-1", "node-2"] {
        assert_eq!(found.iter().filter(|(_, node)| **node == *name).count(), 5);
    }
    let nodes = b.hub.nodes(&b.root().await).await.unwrap();
    let counts = nodes.iter().map(|node| node.state.as_ref().unwrap().subscriptions.clone());
    assert!(counts.eq([vec![("ws", 5)], vec![("ws", 5)], vec![("ws", 5)]]));
    // It is silent, and not gone yet.
    c.cut();
    let page = b.hub.search(&b.root().await, &Default::default(), None, 100).await.unwrap();
    assert_eq!((page.answer.len(), page.silent.len()), (10, 1));
    assert_eq!(&*page.silent[0], "node-2");
    let nodes = b.hub.nodes(&b.root().await).await.unwrap();
    let silent: Vec<_> = nodes.iter().filter(|node| node.state.is_none()).map(|node| &*node.name).collect();
    assert_eq!(silent, ["node-2"]);
}

pub(crate) async fn who_is_cut_off_keeps_what_it_knows_and_learns_the_rest(site: &Site<impl Bus>) {
    let [a, b] = site.nodes().await;
    let hers = a.open("anna", "", "chat.a").await;
    let _his = b.open("bob", "", "chat.a").await;
    agree(&[&a, &b], "chat.a", &[("subject:anna", 1), ("subject:bob", 1)]).await;
    b.cut();
    // It is gone for the others.
    agree(&[&a], "chat.a", &[("subject:anna", 1)]).await;
    assert_eq!(b.members("chat.a").await, keys(&[("subject:anna", 1), ("subject:bob", 1)]));
    let _also = b.open("carl", "", "chat.a").await;
    let _dora = a.open("dora", "", "chat.a").await;
    drop(hers);
    agree(&[&a], "chat.a", &[("subject:dora", 1)]).await;
    b.mend();
    let all = [("subject:bob", 1), ("subject:carl", 1), ("subject:dora", 1)];
    agree(&[&a, &b], "chat.a", &all).await;
    eventually("the eldest has told", async || told(&[&a], "subject:bob").get("joined") == Some(&2)).await;
    for (key, times) in [("subject:anna", (1, 1)), ("subject:bob", (2, 1)), ("subject:carl", (1, 0))] {
        let told = told(&[&a, &b], key);
        let count = |what| told.get(what).copied().unwrap_or(0);
        assert_eq!((count("joined"), count("left")), times, "{key}");
    }
}

pub(crate) async fn many_members_come_in_parts(site: &Site<impl Bus>) {
    let [a] = site.nodes().await;
    let mut held = Vec::new();
    for index in 0..700 {
        held.push(a.open(&format!("subject-{index}"), "", "chat.a").await);
    }
    for index in 0..300 {
        a.ban(&format!("other-{index}"), None).await;
    }
    let b = site.node("node-1").await;
    eventually("all are known", async || b.members("chat.a").await.len() == 700).await;
    eventually("all bans are known", async || b.hub.ban_count() == 300).await;
    held.truncate(350);
    eventually("half are gone", async || b.members("chat.a").await.len() == 350).await;
    // 350 members of the channel and of the node; there is room for 2,000.
    for index in 0..700 {
        held.push(b.open(&format!("more-{index}"), "", "chat.b").await);
    }
    let full = |node: &Node| {
        let counts = node.hub.presence_counts();
        counts.members + counts.connected
    };
    eventually("no more are kept", async || full(&a) == 2_000 && full(&b) == 2_000).await;
    assert!(b.hub.counts().members_not_kept > 0);
}
