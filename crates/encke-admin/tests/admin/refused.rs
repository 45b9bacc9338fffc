//! S1: nobody but those who may administer gets an answer, nor does anything happen for them.

use encke_admin::Admin;
use encke_core::Since;
use http::Method;
use serde_json::{Value, json};

use crate::desk::Desk;

/// A body with which an operation would do something.
fn body(path: &str) -> String {
    let whom = json!({ "subject": "anna" });
    let body = match path {
        "/publish" => json!({ "messages": [{ "channel": "news", "data": 1 }] }),
        "/channels/{channel}/trim" => json!({ "keep": 0 }),
        "/disconnect" => json!({ "whom": "everybody" }),
        "/subscribe" | "/unsubscribe" => json!({ "whom": whom, "channels": ["news"] }),
        "/kick" | "/revoke" | "/bans" => json!({ "whom": whom, "channel": "news", "for": "1h" }),
        _ => return String::new(),
    };
    body.to_string()
}

#[tokio::test]
async fn s1_every_operation_is_refused_without_a_grant_to_administer() {
    let desk = Desk::new();
    let seq = desk.say("news", "x").await;
    let hers = desk.follow("anna", "a", &["news"], Since::Latest).await;
    let before = desk.get("/node").await["head"].clone();
    let mut refused = 0;
    for (method, path) in Admin::operations() {
        let mut target = path.replace("{channel}", "news").replace("{id}", &hers.id().to_string());
        if path.ends_with("explain") {
            target = format!("{target}?seq={seq}");
        }
        let body = if method == Method::POST { body(&path) } else { String::new() };
        for token in [None, Some("nobody"), Some("anna"), Some("")] {
            let (status, answer) = desk.answer(token, method.clone(), &target, body.as_bytes()).await;
            let problem: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(
                (status.as_u16(), &problem["status"]),
                (403, &json!(403)),
                "{method} {target} by {token:?}"
            );
            refused += 1;
        }
        // Nothing is told of what there is not, either.
        let (status, _) = desk.answer(None, method.clone(), "/nothing", b"{").await;
        assert_eq!(status, 403);
    }
    println!("{refused} refusals");
    assert_eq!(refused, 4 * Admin::operations().len());
    assert_eq!(desk.get("/node").await["head"], before);
    assert_eq!(desk.get("/bans").await, json!({ "bans": [] }));
    assert_eq!(desk.get(&format!("/clients/{}", hers.id())).await["follows"], json!(["news"]));
    assert_eq!(desk.get("/channels/news").await["retained"], 1);
}

#[tokio::test]
async fn other_methods_and_paths_and_bodies_are_refused() {
    let desk = Desk::new();
    let (status, detail) = desk.problem(Method::POST, "/node", "").await;
    assert!(status == 405 && detail == "use one of GET, HEAD, OPTIONS", "{detail}");
    assert_eq!(desk.problem(Method::PUT, "/node", "").await.0, 405);
    let (status, detail) = desk.problem(Method::GET, "/knots", "").await;
    assert!(status == 404 && detail.contains("openapi.json"), "{detail}");
    let (status, detail) = desk.problem(Method::GET, "/node", "{}").await;
    assert!(status == 400 && detail == "this operation takes no body", "{detail}");
    let (status, detail) = desk.problem(Method::GET, "/node?verbose=1", "").await;
    assert!(status == 400 && detail == "there is no parameter \"verbose\" here: it takes none", "{detail}");
    let (status, _) = desk.answer(None, Method::GET, "/node?token=key", b"").await;
    assert_eq!(status, 200, "credentials are no arguments");
    let (status, body) = desk.answer(Some("key"), Method::HEAD, "/node", b"").await;
    assert!(status == 200 && body.is_empty());
}

/// Whoever asks about a client is not that client: a ban on its name is none on whoever administers.
#[tokio::test]
async fn one_can_look_for_a_client_that_is_banned() {
    let desk = Desk::new();
    desk.post("/bans", &json!({ "whom": { "client": "phone" }, "for": "1h" })).await;
    assert_eq!(desk.get("/clients?client=phone").await, json!({ "clients": [] }));
}
