//! Every method on every route: what is allowed, what is not, and what each answer carries.

use std::collections::BTreeSet;

use encke_testkit::{Answer, Raw, TestGateway};

/// A route, the methods that it has, and a request of the first of them that is right.
struct Route {
    path: &'static str,
    allow: &'static str,
    query: &'static str,
    stream: bool,
}

const fn route(path: &'static str, allow: &'static str, query: &'static str) -> Route {
    Route { path, allow, query, stream: false }
}

const ROUTES: [Route; 11] = [
    route("/poll", "GET, HEAD, OPTIONS", "?channel=a"),
    route("/longpoll", "GET, HEAD, OPTIONS", "?channel=a&since=earliest"),
    Route { path: "/sse", allow: "GET, HEAD, OPTIONS", query: "?channel=a", stream: true },
    Route { path: "/iframe", allow: "GET, HEAD, OPTIONS", query: "?channel=a&callback=handle", stream: true },
    route("/publish", "POST, OPTIONS", "?channel=a"),
    route("/channels", "GET, DELETE, HEAD, OPTIONS", ""),
    route("/channels/a", "GET, DELETE, HEAD, OPTIONS", ""),
    route("/healthz", "GET, HEAD, OPTIONS", ""),
    route("/readyz", "GET, HEAD, OPTIONS", ""),
    route("/metrics", "GET, HEAD, OPTIONS", ""),
    route("/", "GET, HEAD, OPTIONS", ""),
];

const METHODS: [&str; 10] =
    ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW"];

fn check_protected(answer: &Answer, what: &str) {
    assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"), "{what}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(answer.header("vary"), Some("origin"), "{what}");
}

fn check_problem(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    check_protected(answer, what);
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem["status"], status, "{what}");
    for field in ["type", "title", "detail", "remedy"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{what}: {problem}");
    }
}

/// Sends a request and reads the head of its answer; the rest too, if there is a rest and it ends.
async fn ask(gateway: &TestGateway, head: &str, whole: bool) -> Answer {
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request(head, b"").await;
    if whole { raw.answer().await } else { raw.head().await }
}

#[tokio::test]
async fn each_route_has_its_methods_and_says_which() {
    let gateway = TestGateway::start("");
    gateway.publish("a", "1").await;
    for Route { path, allow, query, stream } in &ROUTES {
        for method in METHODS {
            let what = format!("{method} {path}");
            let allowed = allow.split(", ").any(|known| known == method);
            // What is deleted is deleted: that has a test of its own.
            if allowed && method == "DELETE" {
                continue;
            }
            let bodiless = method == "HEAD" || *stream;
            let answer =
                ask(&gateway, &format!("{method} {path}{query}"), !(allowed && bodiless) && method != "HEAD")
                    .await;
            check_protected(&answer, &what);
            match method {
                "OPTIONS" => assert_eq!(answer.status, 204, "{what}"),
                _ if allowed => assert_eq!(answer.status, 200, "{what}"),
                "HEAD" => assert_eq!(answer.status, 405, "{what}"),
                _ => check_problem(&answer, 405, &what),
            }
            if !allowed || method == "OPTIONS" {
                assert_eq!(answer.header("allow"), Some(*allow), "{what}");
            }
        }
    }
    gateway.quiet().await;
}

#[tokio::test]
async fn head_is_get_without_a_body_and_holds_nothing() {
    let gateway = TestGateway::start("");
    gateway.publish("a", "hello").await;
    let volatile = ["date", "content-security-policy"];
    for Route { path, query, .. } in ROUTES.iter().filter(|route| route.allow.contains("GET")) {
        let target = format!("{path}{query}");
        let get = ask(&gateway, &format!("GET {target}"), false).await;
        let mut raw = Raw::connect(gateway.address()).await;
        // The second request on the connection is answered, so the first one had no body and held nothing.
        raw.request(&format!("HEAD {target}"), b"").await;
        raw.request("GET /healthz", b"").await;
        let head = raw.head().await;
        assert_eq!(raw.answer().await.text(), "ok\n", "{target}");
        assert_eq!(head.status, get.status, "{target}");
        let known = |answer: &Answer| {
            let lasting = answer.headers.iter().filter(|(name, _)| !volatile.contains(&name.as_str()));
            // A stream's body is in chunks; what is not sent is not.
            lasting.filter(|(name, _)| name != "transfer-encoding").cloned().collect::<BTreeSet<_>>()
        };
        if *path != "/metrics" {
            assert_eq!(known(&head), known(&get), "{target}");
        }
    }
    // A long poll without anything to answer would wait for 25 s.
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request("HEAD /longpoll?channel=quiet", b"").await;
    raw.request("GET /healthz", b"").await;
    assert_eq!(raw.head().await.status, 200);
    assert_eq!(raw.answer().await.text(), "ok\n");
    drop(raw);
    gateway.quiet().await;
}

#[tokio::test]
async fn a_preflight_tells_what_may_be_sent() {
    let gateway = TestGateway::start("origins = ['https://app.example']");
    for Route { path, allow, .. } in &ROUTES[..7] {
        for (origin, allowed) in [("https://app.example", true), ("https://evil.example", false)] {
            let wanted = allow.split(", ").next().unwrap();
            let head = format!("OPTIONS {path}\nOrigin: {origin}\nAccess-Control-Request-Method: {wanted}");
            let answer = ask(&gateway, &head, true).await;
            check_protected(&answer, &head);
            let headers = answer.header("access-control-allow-headers").unwrap_or_default();
            assert_eq!(answer.status, if allowed { 204 } else { 403 }, "{head}");
            assert_eq!(answer.header("access-control-allow-origin"), allowed.then_some(origin), "{head}");
            assert_eq!(answer.header("access-control-allow-methods"), allowed.then_some(*allow), "{head}");
            assert_eq!(
                headers.contains("last-event-id") && headers.contains("content-type"),
                allowed,
                "{head}"
            );
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{head}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_not_there_is_404_with_the_nearest_one() {
    let gateway = TestGateway::start("");
    let long = format!("/{}", "a".repeat(2_000));
    let cases = [
        ("/pol", Some("/poll")),
        ("/Poll", Some("/poll")),
        ("/poll/", Some("/poll")),
        ("/longpol", Some("/longpoll")),
        ("/publsih", Some("/publish")),
        ("/see", Some("/sse")),
        ("/metric", Some("/metrics")),
        ("/nothing-like-it", None),
        ("/poll/a", Some("/poll")),
        ("/channels/a/b", None),
        ("/favicon.ico", None),
        (long.as_str(), None),
    ];
    for (path, near) in cases {
        for method in METHODS {
            let answer = ask(&gateway, &format!("{method} {path}?channel=a"), method != "HEAD").await;
            if method == "HEAD" {
                assert_eq!(answer.status, 404, "{path}");
                continue;
            }
            check_problem(&answer, 404, path);
            let text = answer.text();
            assert_eq!(text.contains("did you mean"), near.is_some(), "{path}: {text}");
            assert!(near.is_none_or(|near| text.contains(&format!("{near}?"))), "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_accepted_is_406_and_what_can_is_not() {
    let gateway = TestGateway::start("");
    gateway.publish("a", "1").await;
    let offers = [
        ("/poll?channel=a", "application/json"),
        ("/longpoll?channel=a&since=earliest", "application/json"),
        ("/sse?channel=a", "text/event-stream"),
        ("/iframe?channel=a&callback=handle", "text/html"),
    ];
    for (target, offer) in offers {
        let (kind, _) = offer.split_once('/').unwrap();
        let good =
            ["*/*".to_owned(), offer.to_owned(), format!("{kind}/*"), format!("image/png, {offer};q=0.1")];
        for accept in good {
            let answer = ask(&gateway, &format!("GET {target}\nAccept: {accept}"), false).await;
            assert_eq!(answer.status, 200, "{target} {accept}");
            assert!(answer.header("content-type").unwrap().starts_with(offer), "{target} {accept}");
        }
        for accept in ["image/png", "image/*", &format!("{offer};q=0"), &format!("{offer}s"), "x", ";", ","] {
            let answer = ask(&gateway, &format!("GET {target}\nAccept: {accept}"), true).await;
            check_problem(&answer, 406, &format!("{target} {accept}"));
            assert!(answer.text().contains(offer), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn bodies_are_refused_by_size_and_type() {
    let gateway = TestGateway::start("[limits]\nmessage = '1KiB'");
    let large = vec![b'x'; 1_025];
    check_problem(&gateway.request("POST /publish?channel=a", &large).await, 413, "a byte too much");
    assert_eq!(gateway.request("POST /publish?channel=a", &large[1..]).await.status, 200);
    // Nothing is read of what is announced to be too large, and its sender is told all the same.
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(b"POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n").await;
    raw.send(&vec![b'x'; 100_000]).await;
    check_problem(&raw.answer().await, 413, "announced");
    let chunked = "POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n";
    let mut raw = Raw::connect(gateway.address()).await;
    raw.send(&[chunked.as_bytes(), &large, b"\r\n0\r\n\r\n"].concat()).await;
    check_problem(&raw.answer().await, 413, "in chunks");
    let multipart = "POST /publish?channel=a\nContent-Type: multipart/form-data; boundary=x";
    check_problem(&gateway.request(multipart, b"--x--").await, 415, "a form");
}

#[tokio::test]
async fn the_tag_of_a_poll_changes_when_there_is_something_new() {
    let gateway = TestGateway::start("");
    let poll =
        async |tag: &str| gateway.request(&format!("GET /poll?channel=a\nIf-None-Match: {tag}"), b"").await;
    let empty = poll("\"none\"").await;
    assert_eq!(empty.status, 200);
    let tag = empty.header("etag").unwrap().to_owned();
    let unchanged = poll(&tag).await;
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some(tag.as_str())));
    assert_eq!((unchanged.header("content-length"), unchanged.header("content-type")), (None, None));
    check_protected(&unchanged, "304");
    gateway.publish("other", "1").await;
    assert_eq!(poll(&tag).await.status, 304, "another channel's message");
    gateway.publish("a", "2").await;
    let changed = poll(&tag).await;
    assert_eq!(changed.status, 200);
    let new = changed.header("etag").unwrap().to_owned();
    assert_ne!(new, tag);
    for known in [new.clone(), new.replace("W/", ""), format!("\"x\", {new}, \"y\"")] {
        assert_eq!(poll(&known).await.status, 304, "{known}");
    }
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request(&format!("HEAD /poll?channel=a\nIf-None-Match: {new}"), b"").await;
    raw.request("GET /healthz", b"").await;
    let head = raw.head().await;
    assert_eq!((head.status, head.header("content-length")), (304, None));
    assert_eq!(raw.answer().await.status, 200);
}

#[tokio::test]
async fn a_websocket_route_asks_for_the_upgrade() {
    let gateway = TestGateway::start("");
    let answer = gateway.request("GET /ws?channel=a", b"").await;
    check_problem(&answer, 426, "no upgrade");
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    let handshake = "GET /ws?channel=a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let answer = gateway.request(&format!("{handshake}\nSec-WebSocket-Version: 12"), b"").await;
    check_problem(&answer, 426, "another version");
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    let answer = ask(&gateway, &format!("{handshake}\nSec-WebSocket-Version: 13"), false).await;
    assert_eq!(answer.status, 101);
    check_protected(&answer, "101");
    check_problem(&gateway.request("POST /ws", b"").await, 405, "another method");
}

#[tokio::test]
async fn a_channel_is_deleted_once() {
    let gateway = TestGateway::start("");
    gateway.publish("a", "1").await;
    let deleted = gateway.request("DELETE /channels/a", b"").await;
    assert_eq!((deleted.status, deleted.text().as_str()), (204, ""));
    check_protected(&deleted, "204");
    check_problem(&gateway.request("DELETE /channels/none", b"").await, 404, "no such channel");
    check_problem(&gateway.request("DELETE /channels", b"").await, 400, "no channel");
}

#[tokio::test]
async fn streams_ask_proxies_not_to_buffer() {
    let gateway = TestGateway::start("");
    gateway.publish("a", "1").await;
    for Route { path, query, stream, .. } in &ROUTES[..4] {
        let answer = ask(&gateway, &format!("GET {path}{query}&since=earliest"), false).await;
        assert_eq!(answer.header("x-accel-buffering"), stream.then_some("no"), "{path}");
    }
}
