//! Why a client did or did not get a message: each outcome.

use encke_core::{Limit, LogConfig, Retention, Since};
use encke_hub::{HubConfig, Subscription};
use http::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, read};

async fn why(desk: &Desk, client: &Subscription, seq: u64) -> Value {
    desk.get(&format!("/clients/{}/explain?seq={seq}", client.id())).await
}

async fn outcome(desk: &Desk, client: &Subscription, seq: u64) -> String {
    let explained = why(desk, client, seq).await;
    assert!(explained["why"].as_str().unwrap().len() > 10, "{explained}");
    explained["outcome"].as_str().unwrap().to_owned()
}

/// A desk whose channels retain three messages.
fn three() -> Desk {
    let retention = Retention { count: 3, ..Retention::default() };
    let log = LogConfig { retention, ..LogConfig::default() };
    Desk::with(encke_admin::AdminConfig::default(), HubConfig::default(), log)
}

#[tokio::test]
async fn delivered_not_followed_not_read_yet() {
    let desk = Desk::new();
    let mut hers = desk.follow("anna", "a", &["news.*"], Since::Latest).await;
    let (other, first) = (desk.say("sport", "x").await, desk.say("news.eu", "x").await);
    assert_eq!(read(&mut hers).await, [first]);
    let (late, last) = (desk.say("news.us", "x").await, desk.say("news.us", "x").await);

    assert_eq!(outcome(&desk, &hers, first).await, "delivered");
    assert_eq!(outcome(&desk, &hers, other).await, "not-followed");
    assert_eq!(outcome(&desk, &hers, late).await, "not-read-yet");
    assert_eq!(outcome(&desk, &hers, last).await, "not-read-yet");

    let explained = why(&desk, &hers, other).await;
    assert_eq!((&explained["channels"], &explained["follows"]), (&json!(["sport"]), &json!(["news.*"])));
    assert_eq!(explained["why"], "it is in sport; the client follows news.*");
    let explained = why(&desk, &hers, late).await;
    assert_eq!(explained["lag"], 2);
    assert!(explained["why"].as_str().unwrap().contains("2 messages wait for it"), "{explained}");

    let place = explained["message"].as_str().unwrap();
    let by_place = desk.get(&format!("/clients/{}/explain?cursor={place}", hers.id())).await;
    assert_eq!(by_place, explained);
}

#[tokio::test]
async fn before_its_start() {
    let desk = Desk::new();
    let before = desk.say("news", "x").await;
    let mut hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let after = desk.say("news", "x").await;
    read(&mut hers).await;
    assert_eq!(outcome(&desk, &hers, before).await, "before-its-start");
    assert_eq!(outcome(&desk, &hers, after).await, "delivered");

    // What is followed later has a start of its own.
    let early = desk.say("sport", "x").await;
    let grant = desk.grant("anna", "a", &["sport"]).await.unwrap();
    let _ =
        hers.follow(&grant, vec![encke_core::Selector::new("sport").unwrap()], Since::Latest).await.unwrap();
    assert_eq!(outcome(&desk, &hers, early).await, "before-its-start");
    // Nobody knows in which channel it was, but whichever it was, it was before the start.
    desk.post("/channels/news/trim", &json!({ "keep": 0 })).await;
    assert_eq!(outcome(&desk, &hers, before).await, "before-its-start");
}

#[tokio::test]
async fn d7_a_gap_and_which() {
    let desk = three();
    let mut slow = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let mut seqs = Vec::new();
    for _ in 0..5 {
        seqs.push(desk.say("news", "x").await);
    }
    let gap = slow.read(Limit::default()).await.unwrap().gaps.remove(0);
    for seq in &seqs[..2] {
        let explained = why(&desk, &slow, *seq).await;
        assert_eq!((&explained["outcome"], &explained["gap"]["reason"]), (&json!("gap"), &json!("slow")));
        assert_eq!(explained["gap"]["to"], gap.to.to_string());
        assert!(explained["why"].as_str().unwrap().contains("everything of news after"), "{explained}");
    }
    assert_eq!(outcome(&desk, &slow, seqs[2]).await, "delivered");

    // One who came back with a place of another life of the log.
    let elsewhere = Since::After("7f3k2q9x-3".parse().unwrap());
    let mut back = desk.follow("bob", "b", &["news"], elsewhere).await;
    read(&mut back).await;
    let explained = why(&desk, &back, seqs[0]).await;
    assert_eq!((&explained["outcome"], &explained["gap"]["reason"]), (&json!("gap"), &json!("epoch")));
    assert_eq!(outcome(&desk, &back, seqs[4]).await, "delivered");
}

#[tokio::test]
async fn not_authorised() {
    let desk = Desk::new();
    let mut hers = desk.follow("anna", "a", &["news", "chat"], Since::Latest).await;
    assert_eq!(outcome(&desk, &hers, desk.say("chat", "x").await).await, "not-read-yet");
    desk.post("/kick", &json!({ "whom": { "subject": "anna" }, "channel": "chat", "for": "10m" })).await;
    let _ = hers.read(Limit::default()).await;
    let seq = desk.say("chat", "x").await;
    assert_eq!(outcome(&desk, &hers, seq).await, "not-followed");

    let grant = desk.grant("anna", "a", &["chat"]).await.unwrap();
    let again = hers.follow(&grant, vec![encke_core::Selector::new("chat").unwrap()], Since::Latest).await;
    assert!(again.is_err());
    let explained = why(&desk, &hers, seq).await;
    assert_eq!(explained["outcome"], "not-authorised");
    assert!(
        explained["why"].as_str().unwrap().starts_with("the client was refused chat at 2025-11-21T08:41")
    );
    // Another subject from the same address was not refused.
    let his = desk.follow("bob", "b", &["news"], Since::Latest).await;
    assert_eq!(outcome(&desk, &his, seq).await, "not-followed");
}

#[tokio::test]
async fn no_such_message_and_trimmed() {
    let desk = three();
    let mut hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let gone = desk.say("sport", "x").await;
    let read_and_gone = desk.say("news", "x").await;
    read(&mut hers).await;
    let mut unread = 0;
    for index in 0..4 {
        let seq = desk.say("news", "x").await;
        unread = if index == 0 { seq } else { unread };
        desk.say("sport", "x").await;
    }
    for seq in [gone, read_and_gone] {
        let explained = why(&desk, &hers, seq).await;
        assert_eq!(explained["outcome"], "trimmed");
        assert!(explained["why"].as_str().unwrap().ends_with("it was told of no gap there"), "{explained}");
    }
    let explained = why(&desk, &hers, unread).await;
    assert_eq!(explained["outcome"], "trimmed");
    assert!(explained["why"].as_str().unwrap().ends_with("told of a gap when it reads on"), "{explained}");

    for seq in [0, 11, u64::MAX] {
        assert_eq!(outcome(&desk, &hers, seq).await, "no-such-message");
    }
    let elsewhere = desk.get(&format!("/clients/{}/explain?cursor=7f3k2q9x-1", hers.id())).await;
    assert_eq!(elsewhere["outcome"], "no-such-message");
    assert!(elsewhere["why"].as_str().unwrap().contains("another life of the log"), "{elsewhere}");
}

#[tokio::test]
async fn d8_what_a_grant_withholds_is_a_gap() {
    let desk = Desk::new();
    let old = desk.say("news", "x").await;
    let before = encke_core::Cursor { seq: old - 1, ..desk.hub.log_info().head };
    desk.wait(3_600_000 - 1);
    let new = desk.say("news", "x").await;
    let mut hers = desk.follow("recent", "a", &["news"], Since::After(before)).await;
    assert_eq!(read(&mut hers).await, [new]);
    let explained = why(&desk, &hers, old).await;
    assert_eq!((&explained["outcome"], &explained["channels"]), (&json!("gap"), &json!(["news"])));
    assert_eq!(outcome(&desk, &hers, new).await, "delivered");
}

#[tokio::test]
async fn one_says_which_message_and_whose() {
    let desk = Desk::new();
    let hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    for query in ["", "?seq=1&cursor=7f3k2q9x-1", "?seq=one", "?cursor=one", "?sek=1"] {
        let target = format!("/clients/{}/explain{query}", hers.id());
        assert_eq!(desk.problem(Method::GET, &target, "").await.0, 400, "{query}");
    }
    let (status, detail) = desk.problem(Method::GET, "/clients/99/explain?seq=1", "").await;
    assert!(status == 404 && detail.contains("may have come back by another"), "{detail}");
}
