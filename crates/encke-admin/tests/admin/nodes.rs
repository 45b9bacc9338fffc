//! Several nodes: what one of them answers is about all.

use std::{sync::Arc, time::Duration};

use encke_core::{Limit, Since};
use encke_hub::End;
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    desk::{Desk, read},
    local::{Local, LocalPeers},
};

struct Node {
    desk: Desk,
    peers: Arc<LocalPeers>,
}

/// Nodes that know each other, for as long as their upkeep runs.
async fn nodes(names: &[&str]) -> (Vec<Node>, JoinSet<()>) {
    let local = Arc::new(Local::new(1));
    let mut upkeep = JoinSet::new();
    let mut nodes = Vec::new();
    for name in names {
        let peers = local.peers();
        let desk = Desk::joined(name, Arc::clone(&peers));
        let hub = desk.hub.clone();
        upkeep.spawn(async move { hub.maintain().await });
        nodes.push(Node { desk, peers });
    }
    for node in &nodes {
        while node.desk.get("/nodes").await["nodes"].as_array().unwrap().len() < names.len() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    (nodes, upkeep)
}

fn each<'a>(list: &'a Value, key: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|item| &item[key]).collect()
}

#[tokio::test(start_paused = true)]
async fn answers_are_about_all_nodes() {
    let (nodes, _upkeep) = nodes(&["one", "two"]).await;
    let (one, two) = (&nodes[0].desk, &nodes[1].desk);
    let mut hers = one.follow("anna", "a", &["news", "chat.eu"], Since::Latest).await;
    let mut his = two.follow("bob", "b", &["news", "chat.eu"], Since::Latest).await;
    two.say("news", "x").await;
    let _ = two.grant("nobody", "x", &["secret"]).await.unwrap_err();

    let page = one.get("/clients").await;
    assert_eq!(page["clients"].as_array().unwrap().len(), 2);
    assert_eq!(page.get("silent"), None);
    assert_eq!(one.get("/clients?subject=bob").await["clients"][0]["node"], "two");
    let shown = one.get(&format!("/clients/{}", his.id())).await;
    assert_eq!((&shown["node"], &shown["client"]), (&json!("two"), &json!("b")));
    assert_eq!(one.get("/channels/news").await["subscribers"], json!({ "sse": 2 }));
    assert_eq!(each(&one.get("/channels/news").await["followers"], "subject").len(), 2);
    while one.get("/channels/chat.eu").await["present"]["count"] != 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(one.get("/refusals").await["refusals"][0]["channel"], "secret");
    assert_eq!(one.get("/node").await["name"], "one");
    let all = one.get("/nodes").await["nodes"].clone();
    assert_eq!(
        (each(&all, "name"), each(&all, "answered")),
        (vec![&json!("one"), &json!("two")], vec![&json!(true), &json!(true)])
    );
    assert_eq!(all[1]["subscriptions"], json!({ "sse": 1 }));

    let kicked =
        one.post("/kick", &json!({ "whom": { "subject": "bob" }, "channel": "chat.*", "for": "10m" })).await;
    assert_eq!(kicked["concerned"], 1);
    let _ = his.read(Limit::default()).await.unwrap();
    assert_eq!(his.selectors().count(), 1);
    let order = json!({ "whom": { "client": "b" }, "channels": ["sport"] });
    assert_eq!(one.post("/subscribe", &order).await, json!({ "concerned": 1 }));
    assert_eq!(one.post("/unsubscribe", &order).await, json!({ "concerned": 1 }));
    let revoked = two.post("/revoke", &json!({ "whom": { "subject": "anna" }, "for": "1h" })).await;
    assert_eq!(revoked["concerned"], 1);
    assert_eq!(hers.read(Limit::default()).await.unwrap_err(), End::Revoked);
    while two.get("/bans").await["bans"] != one.get("/bans").await["bans"] {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let lifted = one.ask(Method::DELETE, &format!("/bans/{}", revoked["ban"]), "").await;
    assert_eq!(lifted.0, 204);
    while two.grant("anna", "a", &["news"]).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended = one.post(&format!("/clients/{}/disconnect", his.id()), &json!({})).await;
    assert_eq!(ended, json!({ "concerned": 1 }));
    assert_eq!(his.read(Limit::default()).await.unwrap_err(), End::Revoked);
}

#[tokio::test(start_paused = true)]
async fn why_a_client_at_another_node_did_not_get_a_message() {
    let (nodes, _upkeep) = nodes(&["one", "two"]).await;
    let (one, two) = (&nodes[0].desk, &nodes[1].desk);
    let mut his = two.follow("bob", "b", &["news"], Since::Latest).await;
    // Each has a log of its own here, and the message is in both.
    one.say("secret", "x").await;
    two.say("secret", "x").await;
    assert_eq!(read(&mut his).await, [0; 0]);
    let grant = two.grant("bob", "b", &["@anna"]).await.unwrap();
    let selectors = vec![encke_core::Selector::new("@anna").unwrap()];
    assert!(two.hub.subscribe(&grant, "sse", selectors, Since::Latest).await.is_err());
    let why = one.get(&format!("/clients/{}/explain?seq=1", his.id())).await;
    assert_eq!((&why["outcome"], &why["follows"]), (&json!("not-followed"), &json!(["news"])));
    let seq = one.say("@anna", "x").await;
    let why = one.get(&format!("/clients/{}/explain?seq={seq}", his.id())).await;
    assert_eq!(why["outcome"], "not-authorised", "refused at the other node");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_answer_is_named() {
    let (nodes, _upkeep) = nodes(&["one", "two"]).await;
    let (one, two) = (&nodes[0].desk, &nodes[1].desk);
    let _hers = one.follow("anna", "a", &["news"], Since::Latest).await;
    let his = two.follow("bob", "b", &["news"], Since::Latest).await;
    nodes[1].peers.cut(true);
    let page = one.get("/clients").await;
    assert_eq!((each(&page["clients"], "subject"), &page["silent"]), (vec![&json!("anna")], &json!(["two"])));
    assert_eq!(one.get("/channels").await["silent"], json!(["two"]));
    assert_eq!(one.get("/channels/news").await["silent"], json!(["two"]));
    assert_eq!(one.get("/refusals").await["silent"], json!(["two"]));
    let all = one.get("/nodes").await["nodes"].clone();
    assert_eq!((&all[1]["name"], &all[1]["answered"]), (&json!("two"), &json!(false)));
    assert_eq!(all[1].get("subscriptions"), None);
    let (status, detail) = one.problem(Method::GET, &format!("/clients/{}", his.id()), "").await;
    assert!(status == 404 && detail.contains("does not answer: two"), "{detail}");
    let whom = json!({ "whom": { "subject": "bob" } });
    assert_eq!(one.post("/disconnect", &whom).await, json!({ "concerned": 0, "silent": ["two"] }));
    let ban = json!({ "whom": { "subject": "bob" }, "for": "1h" });
    assert_eq!(one.post("/bans", &ban).await["silent"], json!(["two"]));
    nodes[1].peers.cut(false);
    while two.grant("bob", "b", &["news"]).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Of a node that is gone nobody expects an answer.
    nodes[1].peers.cut(true);
    while one.get("/nodes").await["nodes"].as_array().unwrap().len() > 1 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(one.get("/clients").await.get("silent"), None);
}
