//! A hundred thousand channels and clients: each is found, and each once.

use std::collections::HashSet;

use encke_core::{LogConfig, Since};
use encke_hub::HubConfig;
use http::Method;
use serde_json::Value;

use crate::desk::Desk;

const MANY: usize = 100_000;

/// One page, without a look at its shape: there are many, and all are alike.
async fn page(desk: &Desk, target: &str) -> Value {
    let (_, json) = desk.answer(Some("key"), Method::GET, target, b"").await;
    serde_json::from_slice(&json).unwrap()
}

#[tokio::test]
async fn a_hundred_thousand_channels_come_in_pages() {
    let desk = Desk::new();
    for index in 0..MANY {
        desk.say(&format!("channel.{}.{index}", index % 100), "x").await;
    }
    let (mut found, mut after) = (HashSet::new(), String::new());
    loop {
        let page = page(&desk, &format!("/channels?limit=1000{after}")).await;
        for channel in page["channels"].as_array().unwrap() {
            assert!(found.insert(channel["channel"].as_str().unwrap().to_owned()));
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found.len(), MANY);
    let page = desk.get("/channels?pattern=*.99.*&limit=1000").await;
    assert_eq!(page["channels"].as_array().unwrap().len(), MANY / 100);
    desk.say("channel.7.7", "x").await;
    assert_eq!(desk.get("/channels?sort=rate&limit=1").await["channels"][0]["channel"], "channel.7.7");
}

#[tokio::test]
async fn a_hundred_thousand_clients_come_in_pages() {
    let hub = HubConfig { subscriptions_per_subject: MANY, ..HubConfig::default() };
    let desk = Desk::with(encke_admin::AdminConfig::default(), hub, LogConfig::default());
    let mut held = Vec::new();
    for index in 0..MANY {
        let client = format!("client-{}", index % 1_000);
        held.push(desk.follow(["anna", "bob"][index % 2], &client, &["news"], Since::Latest).await);
    }
    let (mut found, mut after) = (HashSet::new(), String::new());
    loop {
        let page = page(&desk, &format!("/clients?limit=1000{after}")).await;
        for client in page["clients"].as_array().unwrap() {
            assert!(found.insert(client["id"].as_u64().unwrap()));
        }
        let Some(next) = page["next"].as_u64() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found.len(), MANY);
    let page = desk.get("/clients?client=client-999&subject=bob&limit=1000").await;
    assert_eq!(page["clients"].as_array().unwrap().len(), MANY / 1_000);
    assert_eq!(desk.get("/channels/news").await["subscribers"]["sse"], MANY);
}
