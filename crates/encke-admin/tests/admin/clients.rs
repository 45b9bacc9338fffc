//! Clients: pages of them, by what they are, and one with what it follows.

use encke_core::{Limit, LogConfig, Retention, Since};
use encke_hub::HubConfig;
use http::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, read};

fn ids(page: &Value) -> Vec<u64> {
    page["clients"].as_array().unwrap().iter().map(|client| client["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn clients_come_in_pages_and_by_what_they_are() {
    let desk = Desk::new();
    let mut held = Vec::new();
    for index in 0..10 {
        let (subject, client) =
            (["anna", "bob"][index % 2], format!("client {}", index % 3).replace(' ', "-"));
        let follows = if index < 5 { &["news.eu", "quiet"][..] } else { &["news.*"] };
        held.push(desk.follow(subject, &client, follows, Since::Latest).await);
    }
    let all: Vec<_> = held.iter().map(|it| it.id().0).collect();
    for limit in [1, 3, 10, 100] {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = desk.get(&format!("/clients?limit={limit}{after}")).await;
            found.extend(ids(&page));
            let Some(next) = page["next"].as_u64() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, all);
    }
    let of =
        |wanted: fn(usize) -> bool| (0..10).filter(|it| wanted(*it)).map(|it| all[it]).collect::<Vec<_>>();
    for (query, expected) in [
        ("subject=anna", of(|it| it % 2 == 0)),
        ("client=client-1", of(|it| it % 3 == 1)),
        ("subject=bob&client=client-0", of(|it| it % 6 == 3)),
        ("channel=news.eu", all.clone()),
        ("channel=news.us", of(|it| it >= 5)),
        ("channel=quiet", of(|it| it < 5)),
        ("address=10.0.0.7&transport=sse", all.clone()),
        ("address=10.0.0.8", Vec::new()),
        ("transport=ws", Vec::new()),
        ("subject=ann", Vec::new()),
    ] {
        assert_eq!(ids(&desk.get(&format!("/clients?{query}")).await), expected, "{query}");
    }
    held.truncate(1);
    assert_eq!(ids(&desk.get("/clients").await), all[..1]);
    let wrong = desk.problem(Method::GET, "/clients?address=here", "").await;
    assert!(wrong.0 == 400 && wrong.1.contains("is no IP address"), "{}", wrong.1);
}

#[tokio::test]
async fn one_client_with_what_it_follows_and_how_far_it_is() {
    let retention = Retention { count: 5, ..Retention::default() };
    let desk = Desk::with(
        encke_admin::AdminConfig::default(),
        HubConfig::default(),
        LogConfig { retention, ..LogConfig::default() },
    );
    desk.say("before", "x").await;
    let mut hers = desk.follow("anna", "phone", &["news", "chat.*"], Since::Latest).await;
    desk.say("news", "hello").await;
    desk.say("elsewhere", "hello").await;
    assert_eq!(read(&mut hers).await.len(), 1);
    desk.wait(90_000);
    for channel in ["elsewhere", "chat.eu", "news", "news"] {
        desk.say(channel, "hello").await;
    }
    let shown = desk.get(&format!("/clients/{}", hers.id())).await;
    let epoch = shown["head"].as_str().unwrap().split('-').next().unwrap().to_owned();
    let place = |seq: u64| json!(format!("{epoch}-{seq}"));
    assert_eq!(shown["subject"], "anna");
    assert_eq!(shown["client"], "phone");
    assert_eq!(shown["address"], "10.0.0.7");
    assert_eq!((&shown["age"], &shown["began"]), (&json!(90), &json!("2025-11-21T08:41:00.000Z")));
    assert_eq!((&shown["messages"], &shown["bytes"]), (&json!(1), &json!(5)));
    assert_eq!((&shown["cursor"], &shown["head"]), (&place(3), &place(7)));
    assert_eq!(shown["lag"], 3, "what it does not follow does not wait for it");
    let following = json!([
        { "channel": "news", "since": place(1), "last": place(7), "lag": 2 },
        { "channel": "chat.*", "since": place(1), "lag": 1 },
    ]);
    assert_eq!(shown["following"], following);
    for _ in 0..10 {
        desk.say("news", "x").await;
    }
    let gaps = hers.read(Limit::default()).await.unwrap().gaps;
    let shown = desk.get(&format!("/clients/{}", hers.id())).await;
    assert_eq!((shown["last_gaps"].as_array().unwrap().len(), &shown["gaps"]), (gaps.len(), &json!(1)));
    assert_eq!(shown["last_gaps"][0]["reason"], "slow");
    assert_eq!(shown["lag"], 0);

    let id = hers.id();
    drop(hers);
    assert_eq!(desk.problem(Method::GET, &format!("/clients/{id}"), "").await.0, 404);
    assert_eq!(desk.problem(Method::GET, "/clients/x", "").await.0, 400);
    assert_eq!(desk.problem(Method::GET, "/clients/-1", "").await.0, 400);
}
