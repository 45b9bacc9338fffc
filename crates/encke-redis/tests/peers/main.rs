//! Several hubs that are one system over a real Redis: the list that all must pass who join nodes.
#![expect(clippy::unwrap_used, reason = "a test fails where it must")]

#[path = "../../../encke-hub/tests/peers/list.rs"]
mod list;
#[path = "../../../encke-hub/tests/peers/site.rs"]
mod site;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use encke_hub::{Denied, End};
use encke_redis::{RedisConfig, RedisPeers};
use encke_testkit::{CutProxy, RedisServer};

use self::site::{Bus, Link, Site, ended, eventually};

/// Nodes over one Redis, each through a proxy of its own.
struct Joined {
    server: RedisServer,
}

impl Joined {
    fn new() -> Self {
        Self { server: RedisServer::start() }
    }
}

impl Bus for Joined {
    async fn join(&self) -> Link {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, self.server.port()));
        let proxy = CutProxy::start(server).await;
        let url = proxy.url().replace("http:", "redis:");
        let peers = RedisPeers::new(&RedisConfig::new(url)).unwrap();
        let cut = move |is_cut: bool| {
            proxy.aim(if is_cut { Vec::new() } else { vec![server] });
            proxy.cut();
        };
        Link { peers: Arc::new(peers), cut: Box::new(cut) }
    }
}

macro_rules! list {
    ($($test:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $test() {
            list::$test(&Site::new(Joined::new())).await;
        }
    )*};
}

list!(
    one_on_two_nodes_is_one_member_with_two_connections,
    what_happens_is_told_once,
    the_members_of_a_dead_node_leave_and_somebody_tells_it,
    a_farewell_leaves_time_to_come_to_another_node,
    s1_a_ban_holds_on_all_nodes_and_on_those_that_come_later,
    s1_a_node_that_was_cut_off_learns_of_bans_and_lifts,
    orders_reach_the_clients_of_all_nodes,
    answers_cover_all_nodes_and_name_those_that_are_silent,
    who_is_cut_off_keeps_what_it_knows_and_learns_the_rest,
    many_members_come_in_parts,
);

#[tokio::test]
async fn after_a_restart_of_redis_all_nodes_agree_again() {
    let mut site = Site::new(Joined::new());
    let [a, b] = site.nodes().await;
    let hers = a.open("anna", "", "chat.a").await;
    let _his = b.open("bob", "", "chat.a").await;
    eventually("both know both", async || {
        a.members("chat.a").await.len() == 2 && b.members("chat.a").await.len() == 2
    })
    .await;
    site.bus.server.kill();
    eventually("nobody answers", async || {
        a.hub.nodes(&a.root().await).await.unwrap().iter().any(|node| node.state.is_none())
    })
    .await;
    // What happens meanwhile is told later.
    let banned = a.ban("carl", None).await;
    assert_eq!(banned.silent.len(), 1);
    let mut his = b.open("carl", "", "chat.a").await;
    drop(hers);
    site.bus.server.restart();
    eventually("the ban holds at the other node", async || ended(&mut his).await == Some(End::Revoked)).await;
    assert_eq!(b.grant("carl", "").await.unwrap_err(), Denied::Revoked);
    let only_bob = [("subject:bob".to_owned(), 1)];
    eventually("both know who is left", async || {
        a.members("chat.a").await == only_bob && b.members("chat.a").await == only_bob
    })
    .await;
}

#[tokio::test]
async fn names_keep_systems_apart() {
    let server = RedisServer::start();
    let node = |name: &str| {
        let peers = RedisPeers::new(&RedisConfig::new(server.url()).name(name)).unwrap();
        encke_hub::Hub::builder().peers(peers).authorizer(encke_hub::Trusted).build().unwrap()
    };
    let hubs = [node("one"), node("one"), node("other")];
    let mut upkeep = tokio::task::JoinSet::new();
    for hub in hubs.clone() {
        upkeep.spawn(async move { hub.maintain().await });
    }
    let known = async |hub: &encke_hub::Hub| {
        let ask = encke_hub::Ask::new(encke_hub::Action::Administer, Vec::new());
        hub.nodes(&hub.authorize(&ask).await.unwrap()).await.unwrap().len()
    };
    eventually("two of them know each other", async || {
        known(&hubs[0]).await == 2 && known(&hubs[1]).await == 2
    })
    .await;
    assert_eq!(known(&hubs[2]).await, 1);
}
