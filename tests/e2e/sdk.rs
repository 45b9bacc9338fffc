//! The browser SDK, as pages load it.

use std::{collections::BTreeSet, io::Read};

use encke_testkit::{Answer, Raw, TestGateway};
use flate2::read::GzDecoder;

const FILES: [&str; 11] = [
    "js",
    "encke.js",
    "encke.js.map",
    "encke.mjs",
    "encke.mjs.map",
    "eventtube.mjs",
    "eventtube.mjs.map",
    "legacy.mjs",
    "legacy.mjs.map",
    "presence.mjs",
    "presence.mjs.map",
];

const PROTECTED: [(&str, &str); 5] = [
    ("cache-control", "no-cache"),
    ("vary", "accept-encoding"),
    ("x-content-type-options", "nosniff"),
    ("access-control-allow-origin", "*"),
    ("cross-origin-resource-policy", "cross-origin"),
];

async fn get(gateway: &TestGateway, file: &str, headers: &str) -> Answer {
    gateway.request(&format!("GET /sdk/{file}{headers}"), b"").await
}

fn check_protected(answer: &Answer, what: &str) {
    for (name, value) in PROTECTED {
        let values: Vec<_> = answer.headers.iter().filter(|(known, _)| known == name).collect();
        assert_eq!(values, [&(name.to_owned(), value.to_owned())], "{what}");
    }
}

#[tokio::test]
async fn what_is_unzipped_is_the_plain_file() {
    let gateway = TestGateway::start("");
    for file in FILES {
        let plain = get(&gateway, file, "").await;
        let zipped = get(&gateway, file, "\nAccept-Encoding: gzip, deflate, br, zstd").await;
        let mut unzipped = Vec::new();
        GzDecoder::new(zipped.body.as_slice()).read_to_end(&mut unzipped).unwrap();

        assert!(!plain.body.is_empty() && unzipped == plain.body, "{file}");
        assert!(zipped.body.len() < plain.body.len(), "{file}");
        let kind = if file.ends_with(".map") { "application/json" } else { "text/javascript; charset=utf-8" };
        for answer in [&plain, &zipped] {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{file}");
            check_protected(answer, file);
        }
        assert_eq!(plain.header("content-encoding"), None, "{file}");
        assert_eq!(zipped.header("content-encoding"), Some("gzip"), "{file}");
        assert_ne!(plain.header("etag"), zipped.header("etag"), "{file}");
        let refused = get(&gateway, file, "\nAccept-Encoding: gzip;q=0, *").await;
        assert_eq!((refused.header("content-encoding"), &refused.body), (None, &plain.body), "{file}");
    }
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let gateway = TestGateway::start("");
    for accept in ["", "\nAccept-Encoding: gzip"] {
        for file in FILES {
            let first = get(&gateway, file, accept).await;
            let tag = first.header("etag").unwrap();
            assert!(tag.starts_with('"'), "{file}: a strong tag, not {tag}");
            for known in [tag.to_owned(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
                let again = get(&gateway, file, &format!("{accept}\nIf-None-Match: {known}")).await;
                assert_eq!((again.status, again.body.len()), (304, 0), "{file} {known}");
                assert_eq!(again.header("etag"), Some(tag), "{file} {known}");
                assert_eq!((again.header("content-type"), again.header("content-encoding")), (None, None));
                check_protected(&again, file);
            }
            let other = get(&gateway, file, &format!("{accept}\nIf-None-Match: \"other\"")).await;
            assert_eq!((other.status, &other.body), (200, &first.body), "{file}");
        }
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let gateway = TestGateway::start("");
    for headers in ["", "\nAccept-Encoding: gzip"] {
        let get = get(&gateway, "js", headers).await;
        let mut raw = Raw::connect(gateway.address()).await;
        raw.request(&format!("HEAD /sdk/js{headers}"), b"").await;
        raw.request("GET /healthz", b"").await;
        let head = raw.head().await;
        assert_eq!(raw.answer().await.text(), "ok\n", "the answer to HEAD had no body");
        let lasting = |answer: &Answer| {
            answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect::<BTreeSet<_>>()
        };
        assert_eq!((head.status, lasting(&head)), (200, lasting(&get)));
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
    }
}

/// A module is loaded with the page's origin, and so is a script with `crossorigin`; sandboxed frames have none.
#[tokio::test]
async fn pages_of_every_origin_load_it_also_where_routes_are_for_one() {
    let gateway = TestGateway::start("origins = ['https://app.example']");
    for origin in ["https://app.example", "https://elsewhere.example", "null"] {
        let answer = get(&gateway, "encke.mjs", &format!("\nOrigin: {origin}\nSec-Fetch-Mode: cors")).await;
        assert_eq!(answer.status, 200, "{origin}");
        check_protected(&answer, origin);
        let preflight = format!("OPTIONS /sdk/js\nOrigin: {origin}\nAccess-Control-Request-Method: GET");
        let answer = gateway.request(&preflight, b"").await;
        assert_eq!((answer.status, answer.header("allow")), (204, Some("GET, HEAD, OPTIONS")), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
    let poll = gateway.request("GET /poll?channel=a\nOrigin: https://elsewhere.example", b"").await;
    assert_eq!(poll.status, 403);
}

#[tokio::test]
async fn another_name_or_method_is_refused_and_told_what_there_is() {
    let gateway = TestGateway::start("");
    for file in ["encke", "encke.d.ts", "JS", "..", "%2e%2e%2fjs", "encke.mjs%00", "%ff"] {
        let answer = get(&gateway, file, "").await;
        let text = answer.text();
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{file}");
        assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"), "{file}");
        // What is no text is no channel's name either, and the router says so first.
        assert_eq!(answer.status, if file == "%ff" { 400 } else { 404 }, "{file}: {text}");
        assert!(file == "%ff" || text.contains("js, encke.js, encke.mjs"), "{file}: {text}");
    }
    for path in ["/sdk", "/sdk/", "/sdl", "/sdk/a/"] {
        let answer = gateway.request(&format!("GET {path}"), b"").await;
        assert_eq!(answer.status, 404, "{path}: there is no such route");
        assert!(answer.text().contains("did you mean /sdk/{file}?"), "{path}: {}", answer.text());
    }
    for method in ["POST", "PUT", "DELETE"] {
        let answer = gateway.request(&format!("{method} /sdk/js"), b"").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
}

#[tokio::test]
async fn an_operator_moves_it_and_counts_who_loads_it() {
    let route = "[[route]]\npath = '/static/{file}'\nkind = 'sdk'\nallow = ['all']";
    let gateway = TestGateway::start(&format!("default_routes = false\n{route}"));
    assert_eq!(gateway.request("GET /static/js", b"").await.status, 200);
    assert_eq!(gateway.request("GET /sdk/js", b"").await.status, 404);
    let closed = "[[route]]\npath = '/sdk/{file}'\nkind = 'sdk'\ndeny = ['loopback']";
    let gateway = TestGateway::start(closed);
    assert_eq!(get(&gateway, "js", "").await.status, 403);
    assert!(gateway.request("GET /metrics", b"").await.text().contains("kind=\"sdk\",status=\"403\""));
}
