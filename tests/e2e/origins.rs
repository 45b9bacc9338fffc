//! Which pages may use what: origins, script callbacks, frames.

use std::collections::HashSet;

use encke_testkit::{Answer, Raw, TestGateway};

const HANDSHAKE: &str = "\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// A request of each route that a page could make, and how it is answered if the page may.
const REQUESTS: [(&str, u16, &str); 9] = [
    ("GET /poll?channel=a", 200, ""),
    ("GET /longpoll?channel=a&wait=0", 200, ""),
    ("GET /sse?channel=a", 200, ""),
    ("GET /iframe?channel=a&callback=handle", 200, ""),
    ("POST /publish?channel=a", 200, ""),
    ("GET /channels", 200, ""),
    ("GET /channels/a", 200, ""),
    ("GET /ws?channel=a", 101, HANDSHAKE),
    // Nothing is commanded.
    ("POST /command", 400, ""),
];

/// What the configuration lists, the request's Host, its Origin, and whether it is let through.
type Row = (&'static str, &'static str, &'static str, bool);

const ROWS: &[Row] = &[
    // The page's own origin, by host and port.
    ("", "app.example", "http://app.example", true),
    ("", "app.example", "https://app.example", true),
    ("", "app.example:80", "http://app.example", true),
    ("", "app.example", "http://app.example:80", true),
    ("", "app.example:443", "https://app.example", true),
    ("", "app.example:8000", "http://app.example:8000", true),
    ("", "APP.example", "http://app.example", true),
    ("", "[::1]:8000", "http://[::1]:8000", true),
    ("", "[::1]", "http://[::1]", true),
    ("", "127.0.0.1:8000", "http://127.0.0.1:8000", true),
    ("", "app.example:8000", "http://app.example", false),
    ("", "app.example", "http://app.example:8000", false),
    ("", "app.example:80", "https://app.example", false),
    ("", "app.example:443", "http://app.example", false),
    ("", "app.example:8000", "http://app.example:80001", false),
    ("", "[::1]:8000", "http://[::2]:8000", false),
    ("", "[::1]:8000", "http://[::1]", false),
    ("", "127.0.0.1:8000", "http://localhost:8000", false),
    // Others, however near.
    ("", "app.example", "http://evil.example", false),
    ("", "app.example", "http://app.example.evil.example", false),
    ("", "app.example", "http://evilapp.example", false),
    ("", "app.example", "http://a.app.example", false),
    ("", "app.example", "http://app.exampl", false),
    ("", "app.example", "http://app.example.", false),
    ("", "app.example", "http://app.example@evil.example", false),
    ("", "app.example", "http://evil.example#app.example", false),
    ("", "app.example", "http://app.example/", false),
    ("", "app.example", "ftp://app.example", false),
    ("", "app.example", "file://app.example", false),
    ("", "app.example", "chrome-extension://app.example", false),
    ("", "app.example", "javascript://app.example", false),
    ("", "app.example", "app.example", false),
    ("", "app.example", "//app.example", false),
    ("", "app.example", "http:app.example", false),
    ("", "app.example", "null", false),
    ("", "null", "null", false),
    ("", "app.example", "*", false),
    ("", "app.example", "http://app.example http://evil.example", false),
    ("", "app.example", "http://app.example, http://evil.example", false),
    // Listed ones.
    ("'https://app.example'", "g", "https://app.example", true),
    ("'https://app.example', 'http://b.example:81'", "g", "http://b.example:81", true),
    ("'https://app.example'", "g", "http://app.example", false),
    ("'https://app.example'", "g", "https://app.example:8443", false),
    ("'https://app.example'", "g", "https://app.example.evil.example", false),
    ("'https://app.example'", "g", "https://xapp.example", false),
    ("'https://app.example'", "g", "https://a.app.example", false),
    ("'https://app.example'", "g", "https://app.example@evil.example", false),
    ("'https://app.example'", "g", "https://app.example/", false),
    ("'https://app.example'", "g", "https://app.exampleevil", false),
    ("'https://app.example'", "g", "null", false),
    ("'https://app.example'", "g", "http://g", true),
    ("'http://[::1]:81'", "g", "http://[::1]:81", true),
    ("'http://[::1]:81'", "g", "http://[::1]:82", false),
    ("'null'", "g", "null", true),
    ("'null'", "g", "http://evil.example", false),
    ("'*'", "g", "https://anything.example", true),
    ("'*'", "g", "null", false),
    ("'*', 'null'", "g", "null", true),
];

async fn ask(gateway: &TestGateway, head: &str, host: &str, headers: &str) -> Answer {
    let mut raw = Raw::connect(gateway.address()).await;
    let headers: String =
        headers.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\r\n")).collect();
    let length = if head.starts_with("POST") { "Content-Length: 1\r\n" } else { "" };
    raw.send(format!("{head} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}\r\n1").as_bytes()).await;
    raw.head().await
}

#[tokio::test]
async fn only_pages_of_the_own_or_a_listed_origin_may_use_a_route() {
    for rows in ROWS.chunk_by(|one, next| one.0 == next.0) {
        let gateway = TestGateway::start(&format!("origins = [{}]", rows[0].0));
        gateway.publish("a", "1").await;
        for (listed, host, origin, admitted) in rows {
            for (head, status, more) in REQUESTS {
                let what = format!("{head} from {origin:?} to {host:?} with [{listed}]");
                let answer = ask(&gateway, head, host, &format!("Origin: {origin}{more}")).await;
                assert_eq!(answer.status, if *admitted { status } else { 403 }, "{what}");
                let shared = answer.header("access-control-allow-origin");
                assert_eq!(shared, admitted.then_some(*origin), "{what}");
                assert_eq!(answer.header("access-control-allow-credentials"), None, "{what}");
                assert_eq!(answer.header("vary"), Some("origin"), "{what}");
            }
        }
        // Programs send none. A page cannot hide its own.
        for (head, status, more) in REQUESTS {
            let answer = ask(&gateway, head, "g", more).await;
            assert_eq!(
                (answer.status, answer.header("access-control-allow-origin")),
                (status, None),
                "{head}"
            );
        }
        let head = "GET /poll?channel=a";
        assert_eq!(
            ask(&gateway, head, "g", "Origin: http://g\nOrigin: http://evil.example").await.status,
            403
        );
        assert_eq!(
            ask(&gateway, head, "g", "Origin: http://evil.example\nOrigin: http://g").await.status,
            403
        );
        gateway.quiet().await;
    }
}

#[tokio::test]
async fn only_the_gateways_own_pages_administer() {
    let gateway = TestGateway::start("origins = ['https://app.example', '*', 'null']");
    let rows = [
        ("localhost:8000", "http://localhost:8000", true),
        ("[::1]:8000", "http://[::1]:8000", true),
        ("localhost", "https://app.example", false),
        ("localhost", "null", false),
        // Their own name can be made to lead here.
        ("evil.example", "http://evil.example", false),
    ];
    for (host, origin, admitted) in rows {
        for (head, status) in [("GET /admin/api/node", 200), ("POST /admin/api/disconnect", 400)] {
            let answer = ask(&gateway, head, host, &format!("Origin: {origin}")).await;
            assert_eq!(answer.status, if admitted { status } else { 403 }, "{head} from {origin}");
        }
    }
    for head in ["GET /admin", "GET /admin/api/node"] {
        assert_eq!(ask(&gateway, head, "evil.example", "").await.status, 403, "{head}");
    }
}

#[tokio::test]
async fn a_route_has_its_own_list() {
    let route = "[[route]]\npath = '/own'\nkind = 'poll'\norigins = ['https://own.example']";
    let gateway = TestGateway::start(&format!("origins = ['https://all.example']\n{route}"));
    let own = "GET /own?channel=a";
    assert_eq!(ask(&gateway, own, "g", "Origin: https://own.example").await.status, 200);
    assert_eq!(ask(&gateway, own, "g", "Origin: https://all.example").await.status, 403);
    assert_eq!(ask(&gateway, "GET /poll?channel=a", "g", "Origin: https://own.example").await.status, 403);
}

#[tokio::test]
async fn jsonp_is_off_until_a_route_has_it_and_then_has_one_shape() {
    let poll = "[[route]]\npath = '/a'\nkind = 'poll'\njsonp = true\n";
    let longpoll = "[[route]]\npath = '/b'\nkind = 'longpoll'\njsonp = true";
    let gateway = TestGateway::start(&format!("{poll}{longpoll}"));
    gateway.publish("a", "</script><!--\u{2028}&'\u{2029}").await;
    for off in ["/poll", "/longpoll"] {
        let answer =
            gateway.request(&format!("GET {off}?channel=a&callback=handle&since=earliest"), b"").await;
        assert_eq!(answer.status, 400, "{off}");
        assert!(!answer.text().contains("handle"), "{off}: {}", answer.text());
    }
    let longest = "a".repeat(64);
    for path in ["/a", "/b"] {
        for callback in ["f", "_", "$", "a.b.c", "$_9.x", "jQuery1_2", longest.as_str()] {
            let target = format!("GET {path}?channel=a&since=earliest&callback={callback}\nAccept: */*");
            let answer = gateway.request(&target, b"").await;
            assert_eq!(answer.status, 200, "{callback}");
            assert_eq!(answer.header("content-type"), Some("application/javascript; charset=utf-8"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"));
            let text = answer.text();
            let json = text
                .strip_prefix(&format!("/**/{callback}("))
                .and_then(|text| text.strip_suffix(");"))
                .unwrap();
            assert!(!json.contains(['<', '>', '&', '\'', '\u{2028}', '\u{2029}', '\n']), "{json}");
            let batch: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(batch["messages"][0]["data"], "</script><!--\u{2028}&'\u{2029}");
        }
        for callback in [
            "alert(1)",
            "a-b",
            "1a",
            ".a",
            "a%00",
            "%3Cscript%3E",
            "CWSMIKI0hCD0Up0IZUnnnnnnnnnnnnnnnnnnnnnUU5nnnnnn3Snn7iiudIbEAt",
            &format!("{longest}a"),
        ] {
            let answer = gateway
                .request(&format!("GET {path}?channel=a&since=earliest&callback={callback}"), b"")
                .await;
            // A name that is long and strange is still a name; it comes after the comment.
            let harmless = answer.status == 200 && answer.text().starts_with("/**/CWS");
            assert!(
                answer.status == 400 && !answer.text().contains("alert") || harmless,
                "{callback}: {}",
                answer.text()
            );
        }
    }
}

/// The head of a frame and its document, up to the end of the padding.
async fn frame(gateway: &TestGateway, query: &str, headers: &str) -> (Answer, String) {
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request(&format!("GET /iframe?channel=a&{query}{headers}"), b"").await;
    let head = raw.head().await;
    let document = if head.status == 200 { raw.read_to("-->").await } else { String::new() };
    (head, document)
}

fn nonce(head: &Answer) -> String {
    let policy = head.header("content-security-policy").unwrap();
    let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
    rest.split_once('\'').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_frame_calls_a_name_or_posts_to_a_listed_origin() {
    let route = "[[route]]\npath = '/iframe'\nkind = 'iframe'\npost_message = ['https://app.example', 'http://b.example:81']";
    let gateway = TestGateway::start(route);
    for (query, told) in [
        ("x", "parent.handle(data)"),
        ("callback=a.b", "parent.a.b(data)"),
        ("origin=https://app.example", "parent.postMessage(data,\"https://app.example\")"),
        ("origin=http%3A%2F%2Fb.example%3A81&callback=f", "parent.postMessage(data,\"http://b.example:81\")"),
    ] {
        let (head, document) = frame(&gateway, query, "").await;
        assert_eq!(head.status, 200, "{query}");
        assert!(document.contains(told), "{query}: {document}");
        assert!(document.len() > 1_024, "{query}");
    }
    let refused = [
        ("origin=*", 403),
        ("origin=https://app.example.evil.example", 403),
        ("origin=https://app.example/", 403),
        ("origin=http://app.example", 403),
        ("origin=https://app.example:444", 403),
        ("origin=null", 403),
        ("origin=HTTPS://app.example", 403),
        ("callback=a(b)", 400),
        ("callback=</script>", 400),
        ("callback=a%0Ab", 400),
    ];
    for (query, status) in refused {
        assert_eq!(frame(&gateway, query, "").await.0.status, status, "{query}");
    }
}

#[tokio::test]
async fn a_frame_runs_only_its_own_scripts_and_only_where_it_may() {
    let gateway = TestGateway::start("");
    let mut nonces = HashSet::new();
    for _ in 0..50 {
        let (head, document) = frame(&gateway, "callback=f", "").await;
        let nonce = nonce(&head);
        assert_eq!(nonce.len(), 32, "{nonce}");
        assert!(document.contains(&format!("<script nonce=\"{nonce}\">")), "{document}");
        assert_eq!(document.matches("<script").count(), 1, "{document}");
        assert!(nonces.insert(nonce), "a nonce came twice");
    }
    let route =
        |origins: &str| format!("[[route]]\npath = '/iframe'\nkind = 'iframe'\norigins = [{origins}]");
    let post = "post_message = ['https://p.example']";
    for (config, ancestors) in [
        (String::new(), "frame-ancestors 'self'"),
        (
            route("'https://a.example', 'http://[::1]:81'"),
            "frame-ancestors 'self' https://a.example http://[::1]:81",
        ),
        (
            route("'https://a.example'") + "\n" + post,
            "frame-ancestors 'self' https://a.example https://p.example",
        ),
        (route("'null'"), "frame-ancestors 'self'"),
        (route("'*'"), "frame-ancestors *"),
    ] {
        let gateway = TestGateway::start(&config);
        let (head, _) = frame(&gateway, "callback=f", "").await;
        let policy = head.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "base-uri 'none'", "form-action 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(policy.ends_with(ancestors), "{policy}");
    }
}

#[tokio::test]
async fn the_start_page_runs_only_its_own_scripts_too() {
    let gateway = TestGateway::start("");
    let policy = gateway.request("GET /", b"").await.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'self'"), "{policy}");
}
