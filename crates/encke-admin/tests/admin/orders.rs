//! What is done to clients: disconnect, kick, revoke, subscribe, bans.

use encke_core::{Limit, Since};
use encke_hub::{Change, Denied, End};
use http::Method;
use serde_json::json;

use crate::desk::{Desk, read};

#[tokio::test]
async fn clients_are_disconnected_and_may_come_back() {
    let desk = Desk::new();
    let mut hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let mut his = desk.follow("bob", "b", &["news"], Since::Latest).await;
    let mut also = desk.follow("bob", "c", &["news"], Since::Latest).await;
    let mut third = desk.follow("carl", "c", &["news"], Since::Latest).await;

    let one = format!("/clients/{}/disconnect", hers.id());
    assert_eq!(desk.post(&one, &json!({})).await, json!({ "concerned": 1 }));
    assert_eq!(hers.next(Limit::default()).await.unwrap_err(), End::Revoked);
    drop(hers);
    assert_eq!(desk.problem(Method::POST, &one, "").await.0, 404);

    let whom = |whom: serde_json::Value| json!({ "whom": whom });
    assert_eq!(desk.post("/disconnect", &whom(json!({ "client": "b" }))).await, json!({ "concerned": 1 }));
    assert_eq!(his.read(Limit::default()).await.unwrap_err(), End::Revoked);
    assert_eq!(read(&mut also).await, [0; 0]);
    let token = whom(json!({ "token": "token of bob" }));
    assert_eq!(
        desk.post("/disconnect", &token).await,
        json!({ "concerned": 2 }),
        "the ended one is not dropped yet"
    );
    assert_eq!(also.read(Limit::default()).await.unwrap_err(), End::Revoked);
    drop((his, also));
    assert_eq!(desk.post("/disconnect", &whom(json!("everybody"))).await, json!({ "concerned": 1 }));
    assert_eq!(third.read(Limit::default()).await.unwrap_err(), End::Revoked);
    let _again = desk.follow("anna", "a", &["news"], Since::Latest).await;
}

#[tokio::test]
async fn live_clients_follow_more_and_less_by_order() {
    let desk = Desk::new();
    let mut hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let order = json!({ "whom": { "subject": "anna" }, "channels": ["sport", "$notices", "@bob"] });
    assert_eq!(desk.post("/subscribe", &order).await, json!({ "concerned": 1 }));
    let _ = hers.read(Limit::default()).await.unwrap();
    let followed: Vec<_> = hers.take_changes().into_iter().map(|it| it.parts().0.to_string()).collect();
    assert_eq!(followed, ["sport", "$notices", "@bob"]);
    let seq = desk.say("sport", "x").await;
    assert_eq!(read(&mut hers).await, [seq]);

    let order = json!({ "whom": { "subscription": hers.id().0 }, "channels": ["sport", "news"] });
    assert_eq!(desk.post("/unsubscribe", &order).await, json!({ "concerned": 1 }));
    let _ = hers.read(Limit::default()).await.unwrap();
    let left = hers.take_changes();
    assert!(left.len() == 2 && left.iter().all(|it| matches!(it, Change::Unfollowed(_))), "{left:?}");
    desk.say("sport", "x").await;
    assert_eq!(read(&mut hers).await, [0; 0]);

    for path in ["/subscribe", "/unsubscribe"] {
        for (body, expected) in [
            (r#"{"whom":"everybody","channels":[]}"#, "channels has 1 to 128"),
            (r#"{"whom":"everybody"}"#, "missing field `channels`"),
            (r#"{"whom":"everybody","channels":["a.**.b"]}"#, "the channel \\\"a.**.b\\\""),
            (r#"{"whom":"everybody","channel":["a"]}"#, "did you mean `channels`?"),
            (r#"{"whom":{"subjekt":"a"},"channels":["a"]}"#, "did you mean `subject`?"),
            (r#"{"whom":{"subject":"a","client":"b"},"channels":["a"]}"#, "the body"),
            (r#"{"whom":"nobody","channels":["a"]}"#, "everybody"),
        ] {
            let (status, detail) = desk.problem(Method::POST, path, body).await;
            let expected = expected.replace("\\\"", "\"");
            assert!(status == 400 && detail.contains(&expected), "{body}: {detail}");
        }
    }
}

#[tokio::test]
async fn d8_who_is_kicked_loses_one_channel_for_a_while() {
    let desk = Desk::new();
    let mut hers = desk.follow("anna", "a", &["news", "chat.eu"], Since::Latest).await;
    let body = json!({ "whom": { "subject": "anna" }, "channel": "chat.*", "for": "10m" });
    let kicked = desk.post("/kick", &body).await;
    assert_eq!(kicked["concerned"], 1);
    let (chat, news) = (desk.say("chat.eu", "x").await, desk.say("news", "x").await);
    let seen = read(&mut hers).await;
    assert!(!seen.contains(&chat) && seen.contains(&news), "{seen:?}");
    let refused = |channel: &'static str| {
        let desk = &desk;
        async move {
            let grant = desk.grant("anna", "a", &[channel]).await.unwrap();
            let selectors = vec![encke_core::Selector::new(channel).unwrap()];
            desk.hub.subscribe(&grant, "sse", selectors, Since::Latest).await.is_err()
        }
    };
    assert!(refused("chat.eu").await && !refused("news").await);

    let bans = desk.get("/bans").await;
    assert_eq!(bans["bans"][0]["whom"], json!({ "subject": "anna" }));
    assert_eq!(
        (&bans["bans"][0]["channel"], &bans["bans"][0]["until"]),
        (&json!("chat.*"), &json!("2025-11-21T08:51:00.000Z"))
    );
    desk.wait(10 * 60_000);
    assert!(!refused("chat.eu").await);
    assert_eq!(desk.get("/bans").await, json!({ "bans": [] }));
}

#[tokio::test]
async fn s1_what_is_revoked_ends_and_what_is_banned_stays_out() {
    let desk = Desk::new();
    let mut hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let mut his = desk.follow("bob", "b", &["news"], Since::Latest).await;
    let revoked = desk.post("/revoke", &json!({ "whom": { "subject": "anna" }, "for": "1h" })).await;
    let banned = desk.post("/bans", &json!({ "whom": { "token": "token of bob" }, "for": "7d" })).await;
    assert_eq!((&revoked["concerned"], &banned["concerned"]), (&json!(1), &json!(1)));
    desk.say("news", "x").await;
    assert_eq!(hers.read(Limit::default()).await.unwrap_err(), End::Revoked);
    assert_eq!(his.read(Limit::default()).await.unwrap_err(), End::Revoked);
    assert_eq!(desk.grant("anna", "a", &["news"]).await.unwrap_err(), Denied::Revoked);
    assert_eq!(desk.grant("bob", "b", &["news"]).await.unwrap_err(), Denied::Revoked);

    let bans = desk.get("/bans").await["bans"].clone();
    let spares: Vec<_> =
        bans.as_array().unwrap().iter().map(|ban| ban["spares_new"].as_bool().unwrap()).collect();
    assert_eq!(spares, [true, false]);
    let page = desk.get("/bans?limit=1").await;
    let next = page["next"].as_u64().unwrap();
    assert_eq!(desk.get(&format!("/bans?limit=5&after={next}")).await["bans"].as_array().unwrap().len(), 1);

    let one = format!("/bans/{}", revoked["ban"]);
    assert_eq!(desk.ask(Method::DELETE, &one, "").await.0, 204);
    assert_eq!(desk.problem(Method::DELETE, &one, "").await.0, 404);
    assert!(desk.grant("anna", "a", &["news"]).await.is_ok());

    // Whoever administers is spared, or nobody could undo it.
    desk.post("/bans", &json!({ "whom": "everybody", "for": "1h" })).await;
    assert_eq!(desk.get("/bans").await["bans"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_ban_says_what_is_wrong_with_it() {
    let desk = Desk::new();
    for (path, body, expected) in [
        ("/kick", r#"{"whom":{"subject":"a"},"channel":"b"}"#, "missing field `for`"),
        ("/kick", r#"{"whom":{"subject":"a"},"for":"1h"}"#, "missing field `channel`"),
        (
            "/kick",
            r#"{"whom":{"subscription":1},"channel":"b","for":"1h"}"#,
            "there is no field \"subscription\"",
        ),
        ("/revoke", r#"{"for":"1h"}"#, "missing field `whom`"),
        ("/revoke", r#"{"whom":{"subject":"a"},"for":"soon"}"#, "is no time span"),
        ("/revoke", r#"{"whom":{"subject":"a"},"for":"400d"}"#, "is no time span"),
        ("/revoke", r#"{"whom":{"subject":"a"},"for":"0s"}"#, "is no time span"),
        ("/revoke", r#"{"whom":{"subject":"a"},"for":60}"#, "invalid type"),
        ("/bans", r#"{"whom":{"subject":"a"},"fro":"1h"}"#, "did you mean `for`?"),
        ("/bans", "[]", "the body"),
        ("/bans", "{", "JSON"),
        ("/bans", "", "missing field `whom`"),
    ] {
        let (status, detail) = desk.problem(Method::POST, path, body).await;
        assert!(status == 400 && detail.contains(expected), "{path} {body}: {detail}");
    }
    assert_eq!(desk.get("/bans").await, json!({ "bans": [] }));
}
