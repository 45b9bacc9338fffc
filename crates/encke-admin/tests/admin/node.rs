//! The node: what it is, how much goes through it, who was refused, and the drain.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use encke_admin::{AdminConfig, Fact};
use encke_core::{LogConfig, Since};
use encke_hub::HubConfig;
use http::Method;
use serde_json::json;

use crate::desk::{Desk, read};

#[tokio::test]
async fn the_node_shows_what_it_is_holds_and_may_hold() {
    let facts = || vec![("memory".to_owned(), Fact::from(4_096)), ("host".to_owned(), "here".into())];
    let config = AdminConfig::default().facts(facts);
    let desk = Desk::with(config, HubConfig::default(), LogConfig { channels: 10, ..LogConfig::default() });
    let _hers = desk.follow("anna", "a", &["chat.eu"], Since::Latest).await;
    desk.say("news", "hello").await;
    desk.wait(61_000);
    let node = desk.get("/node").await;
    assert_eq!(node["head"].as_str().unwrap(), format!("{}-1", node["epoch"].as_str().unwrap()));
    assert_eq!((&node["uptime"], &node["began"]), (&json!(61), &json!("2025-11-21T08:41:00.000Z")));
    assert_eq!((&node["draining"], &node["subscriptions"]), (&json!(false), &json!({ "sse": 1 })));
    assert_eq!((&node["members"], &node["occupied"]), (&json!(1), &json!(1)));
    assert_eq!((&node["counts"]["published"], &node["counts"]["opened"]), (&json!(1), &json!(1)));
    assert_eq!(node["limits"]["channels"], json!({ "used": 2, "limit": 10 }));
    assert_eq!(node["limits"]["bytes"], json!({ "used": 205, "limit": 1 << 30 }));
    assert_eq!(node["process"], json!({ "memory": 4096, "host": "here" }));
    assert_eq!(node["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test(start_paused = true)]
async fn rates_are_those_of_the_last_second_and_of_the_last_minute() {
    let desk = Desk::new();
    assert_eq!(desk.get("/rates").await, json!({}));
    let hub = desk.hub.clone();
    let upkeep = tokio::spawn(async move { hub.maintain().await });
    let mut hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let second = async || {
        desk.wait(1_000);
        tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
    };
    second().await;
    for _ in 0..30 {
        desk.say("news", "x").await;
    }
    assert_eq!(read(&mut hers).await.len(), 30);
    let _ = desk.grant("nobody", "x", &["news"]).await.unwrap_err();
    second().await;
    let rates = desk.get("/rates").await;
    assert_eq!((&rates["now"]["published"], &rates["now"]["delivered"]), (&json!(30.0), &json!(30.0)));
    assert_eq!((&rates["now"]["denied"], &rates["now"]["opened"]), (&json!(1.0), &json!(0.0)));
    second().await;
    let rates = desk.get("/rates").await;
    assert_eq!(rates["now"]["published"], 0.0);
    let minute = rates["minute"]["published"].as_f64().unwrap();
    assert!((10.0..=15.0).contains(&minute), "{minute}");
    for _ in 0..70 {
        second().await;
    }
    assert_eq!(desk.get("/rates").await["minute"]["published"], 0.0);
    upkeep.abort();
}

#[tokio::test]
async fn refusals_are_remembered_the_newest_first_and_no_more_than_a_thousand() {
    let desk = Desk::new();
    let _ = desk.grant("nobody", "phone", &["secret"]).await.unwrap_err();
    desk.wait(1_000);
    let grant = desk.grant("anna", "tab", &["@bob"]).await.unwrap();
    let selectors = vec![encke_core::Selector::new("@bob").unwrap()];
    assert!(desk.hub.subscribe(&grant, "sse", selectors, Since::Latest).await.is_err());
    let shown = desk.get("/refusals").await;
    assert_eq!(
        shown,
        json!({ "refusals": [
            { "at": "2025-11-21T08:41:01.000Z", "action": "subscribe", "channel": "@bob", "reason": "forbidden",
              "why": "the credentials do not allow this", "subject": "anna", "client": "tab", "address": "10.0.0.7" },
            { "at": "2025-11-21T08:41:00.000Z", "action": "subscribe", "channel": "secret", "reason": "forbidden",
              "why": "the credentials do not allow this", "client": "phone", "address": "10.0.0.7" },
        ] })
    );
    for _ in 0..1_500 {
        let _ = desk.grant("nobody", "flood", &["secret"]).await.unwrap_err();
    }
    let all = desk.get("/refusals?limit=1000").await["refusals"].clone();
    let all = all.as_array().unwrap();
    assert!(all.len() == 1_000 && all.iter().all(|it| it["client"] == "flood"));
    assert_eq!(desk.get("/refusals?limit=3").await["refusals"].as_array().unwrap().len(), 3);
    assert_eq!(desk.get("/node").await["counts"]["denied"], 1_502);
}

#[tokio::test]
async fn a_drain_is_begun_by_the_host() {
    assert_eq!(Desk::new().problem(Method::POST, "/drain", "").await.0, 404);
    let begun = Arc::new(AtomicUsize::new(0));
    let drain = Arc::clone(&begun);
    let config = AdminConfig::default().drain(move || {
        drain.fetch_add(1, Ordering::SeqCst);
    });
    let desk = Desk::with(config, HubConfig::default(), LogConfig::default());
    assert_eq!(desk.problem(Method::GET, "/drain", "").await.0, 405);
    assert_eq!(begun.load(Ordering::SeqCst), 0);
    assert_eq!(desk.post("/drain", &json!({})).await, json!({ "draining": true }));
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    assert_eq!(desk.problem(Method::POST, "/drain", r#"{"now":true}"#).await.0, 400);
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}
