//! Channels: pages, one, members, trimming, deleting.

use crate::desk::{Desk, read};
use encke_core::Since;
use http::Method;
use serde_json::{Value, json};

fn names(page: &Value) -> Vec<&str> {
    page["channels"].as_array().unwrap().iter().map(|channel| channel["channel"].as_str().unwrap()).collect()
}

/// All pages of a list, `limit` at a time.
async fn all(desk: &Desk, query: &str, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    for _ in 0..100 {
        let page = desk.get(&format!("/channels?{query}&limit={limit}{after}")).await;
        found.extend(names(&page).into_iter().map(str::to_owned));
        assert!(names(&page).len() <= limit);
        let Some(next) = page["next"].as_str() else { return found };
        after = format!("&after={}", next.replace(' ', "+").replace('&', "%26"));
    }
    panic!("the pages of {query} have no end");
}

#[tokio::test]
async fn channels_come_in_pages_by_name_by_pattern_and_by_rank() {
    let desk = Desk::new();
    for (channel, count) in [("news.eu", 3), ("news.us", 60), ("chat & co", 1), ("quiet", 0), ("@anna", 1)] {
        for _ in 0..count {
            desk.say(channel, "hello").await;
        }
    }
    let _one = desk.follow("anna", "a", &["quiet", "news.eu"], Since::Latest).await;
    let _two = desk.follow("bob", "b", &["news.eu"], Since::Latest).await;
    let _all = desk.follow("carl", "c", &["news.*"], Since::Latest).await;

    for limit in [1, 2, 3, 100] {
        let by_name = ["@anna", "chat & co", "news.eu", "news.us", "quiet"];
        assert_eq!(all(&desk, "", limit).await, by_name);
        assert_eq!(all(&desk, "sort=name", limit).await, by_name);
        let followed = ["news.eu", "news.us", "quiet", "@anna", "chat & co"];
        assert_eq!(all(&desk, "sort=subscribers", limit).await, followed);
        let busy = ["news.us", "news.eu", "@anna", "chat & co", "quiet"];
        assert_eq!(all(&desk, "sort=rate", limit).await, busy);
        assert_eq!(all(&desk, "pattern=news.*", limit).await, ["news.eu", "news.us"]);
        assert_eq!(all(&desk, "pattern=news.*&sort=rate", limit).await, ["news.us", "news.eu"]);
        assert_eq!(all(&desk, "pattern=nothing.**", limit).await, [""; 0]);
    }
    let page = desk.get("/channels?pattern=news.us").await;
    let head = desk.get("/node").await["head"].as_str().unwrap().to_owned();
    let epoch = head.split('-').next().unwrap();
    let expected = json!({
        "channel": "news.us", "cursor": format!("{epoch}-63"), "trimmed": format!("{epoch}-0"),
        "retained": 60, "bytes": 60 * 205, "rate": 1.0, "subscribers": { "sse": 1 },
    });
    assert_eq!(page, json!({ "channels": [expected] }));
    desk.wait(120_000);
    assert_eq!(desk.get("/channels?pattern=news.us").await["channels"][0]["rate"], 0.0);
}

#[tokio::test]
async fn one_channel_with_those_who_are_on_it() {
    let desk = Desk::new();
    let seq = desk.say("chat.eu", "hello").await;
    let _anna = desk.follow("anna", "phone", &["chat.eu"], Since::Latest).await;
    let _tab = desk.follow("anna", "tab", &["chat.eu"], Since::Latest).await;
    let _bob = desk.follow("bob", "b", &["chat.*", "news"], Since::Latest).await;

    let shown = desk.get("/channels/chat.eu").await;
    assert!(shown["cursor"].as_str().unwrap().ends_with(&format!("-{seq}")));
    assert_eq!((&shown["members"], &shown["subscribers"]), (&json!(1), &json!({ "sse": 3 })));
    let followers = shown["followers"].as_array().unwrap();
    assert_eq!(followers.iter().map(|it| &it["subject"]).collect::<Vec<_>>(), ["anna", "anna", "bob"]);
    let member = &shown["present"]["members"][0];
    assert_eq!((&member["subject"], &member["connections"]), (&json!("anna"), &json!(2)));
    assert_eq!(desk.get("/channels/chat.eu/members").await, shown["present"]);
    let page = desk.get("/channels/chat.eu/members?limit=1").await;
    assert_eq!(page["count"], 1);

    assert_eq!(desk.get("/channels/news").await.get("members"), None, "it is not kept there");
    assert_eq!(desk.problem(Method::GET, "/channels/news/members", "").await.0, 404);
    assert_eq!(desk.problem(Method::GET, "/channels/nobody", "").await.0, 404);
    let wrong = desk.problem(Method::GET, "/channels/a.**", "").await;
    assert!(wrong.0 == 400 && wrong.1.contains("the channel \"a.**\""), "{}", wrong.1);
}

#[tokio::test]
async fn names_in_paths_are_decoded() {
    let desk = Desk::new();
    for (name, path) in [("a/b", "a%2Fb"), ("caf\u{e9} \u{2603}", "caf%C3%A9%20%E2%98%83"), ("a?b", "a%3Fb")]
    {
        desk.say(name, "x").await;
        assert_eq!(desk.get(&format!("/channels/{path}")).await["channel"], name);
    }
    assert_eq!(desk.problem(Method::GET, "/channels/a/b", "").await.0, 404);
    assert_eq!(desk.problem(Method::GET, "/channels/%ff", "").await.0, 400);
}

#[tokio::test]
async fn l6_trimming_and_deleting_are_told_to_readers() {
    let desk = Desk::new();
    let mut seqs = Vec::new();
    let mut slow = desk.follow("anna", "a", &["news"], Since::Latest).await;
    for _ in 0..10 {
        seqs.push(desk.say("news", "x").await);
    }
    assert_eq!(desk.post("/channels/news/trim", &json!({ "keep": 8 })).await, json!({ "removed": 2 }));
    let head = desk.get("/node").await["head"].as_str().unwrap().to_owned();
    let place = head.replace(&format!("-{}", seqs[9]), &format!("-{}", seqs[4]));
    assert_eq!(desk.post("/channels/news/trim", &json!({ "before": place })).await, json!({ "removed": 3 }));
    assert_eq!(desk.get("/channels/news").await["trimmed"], place);
    assert_eq!(read(&mut slow).await, seqs[5..]);
    let gaps = desk.get(&format!("/clients/{}", slow.id())).await["last_gaps"].clone();
    assert_eq!((&gaps[0]["to"], &gaps[0]["reason"]), (&json!(place), &json!("slow")));

    for (body, expected) in [
        ("{}", "either `before` or `keep`"),
        (r#"{"keep":1,"before":"7f3k2q9x-1"}"#, "either `before` or `keep`"),
        (r#"{"before":"7f3k2q9x-1"}"#, "another life of the log"),
        (r#"{"before":"nonsense"}"#, "not a cursor"),
        (r#"{"keep":-1}"#, "invalid value"),
        (r#"{"kep":1}"#, "did you mean `keep`?"),
    ] {
        let (status, detail) = desk.problem(Method::POST, "/channels/news/trim", body).await;
        assert!(status == 400 && detail.contains(expected), "{body}: {detail}");
    }
    assert_eq!(desk.problem(Method::POST, "/channels/nobody/trim", r#"{"keep":1}"#).await.0, 404);

    assert_eq!(desk.ask(Method::DELETE, "/channels/news", "").await.0, 204);
    assert_eq!(desk.get("/channels/news").await["retained"], 0);
    drop(slow);
    assert_eq!(desk.problem(Method::DELETE, "/channels/news", "").await.0, 404);
}

#[tokio::test]
async fn a_page_says_what_is_wrong_with_its_arguments() {
    let desk = Desk::new();
    for (query, expected) in [
        ("limit=0", "limit is a whole number from 1 to 1000"),
        ("limit=1001", "limit is a whole number from 1 to 1000"),
        ("limit=-1", "limit is a whole number"),
        ("limit=99999999999999999999", "limit is a whole number"),
        ("limit=", "limit is a whole number"),
        ("limit=1&limit=2", "comes twice"),
        ("sort=size", "expected one of `name`, `subscribers`, `rate`"),
        ("pattern=**.a", "the pattern"),
        ("patern=a", "there is no parameter \"patern\" here; did you mean `pattern`?"),
        ("sort=rate&after=nonsense", "next"),
        ("pattern=%zz", "percent-encoded"),
    ] {
        let (status, detail) = desk.problem(Method::GET, &format!("/channels?{query}"), "").await;
        assert!(status == 400 && detail.contains(expected), "{query}: {detail}");
    }
}
