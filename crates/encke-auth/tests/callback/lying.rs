use std::{sync::Arc, time::Duration};

use encke_hub::Denied::{self, Forbidden, Unauthenticated, Undecided};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

use crate::application::{Application, Asking, Reply, Then, nobody};

const YES: &str = r#"{"sub":"42","ttl":60,"rights":{"subscribe":["news"]}}"#;

fn raw(text: &str) -> Reply {
    Reply::raw(text.as_bytes(), Then::Close)
}

fn head(fields: &str, body: &str) -> Reply {
    raw(&format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{fields}\r\n\r\n{body}"))
}

fn statuses() -> Vec<(String, Reply, Denied)> {
    let refusals = [("401 Who", Unauthenticated), ("403 No", Forbidden)];
    let mut cases: Vec<_> = refusals
        .map(|(status, denied)| (status.to_owned(), Reply::new(status, "application/json", YES), denied))
        .into();
    let others = [
        "201 Created",
        "202 Accepted",
        "203 Other",
        "206 Part",
        "226 IM",
        "300 Many",
        "400 Bad",
        "402 Pay",
        "404 Gone",
        "405 Method",
        "407 Proxy",
        "408 Slow",
        "409 Conflict",
        "418 Tea",
        "429 Many",
        "500 Error",
        "501 Not",
        "502 Gateway",
        "503 Busy",
        "504 Late",
        "511 Log in",
        "599 X",
        "999 X",
    ];
    for status in others {
        cases.push((status.to_owned(), Reply::new(status, "application/json", YES), Undecided));
    }
    for status in ["204 Empty", "304 Same"] {
        cases.push((
            status.to_owned(),
            raw(&format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n")),
            Undecided,
        ));
    }
    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    cases.push(("101".to_owned(), raw(&format!("{switching}{YES}")), Undecided));
    cases
}

fn kinds() -> Vec<(String, Reply, Denied)> {
    let html = "<!doctype html><title>Log in</title>";
    let mut cases = vec![
        ("HTML".to_owned(), Reply::new("200 OK", "text/html", html), Undecided),
        ("HTML as JSON".to_owned(), Reply::json(html), Undecided),
        (
            "no type".to_owned(),
            raw(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{YES}", YES.len())),
            Undecided,
        ),
    ];
    for kind in [
        "text/plain",
        "text/html",
        "text/json",
        "application/javascript",
        "application/json5",
        "application/problem+json",
        "application/jsonp",
        "application/xml",
        "*/*",
        "",
        "application/json, text/html",
        "application",
    ] {
        cases.push((kind.to_owned(), Reply::new("200 OK", kind, YES), Undecided));
    }
    let twice = format!("Content-Type: text/html\r\nContent-Length: {}", YES.len());
    cases.push(("two types".to_owned(), head(&twice, YES), Undecided));
    cases
}

fn framings() -> Vec<(String, Reply, Denied)> {
    let (long, short) = (YES.len() + 1, YES.len() - 1);
    let huge = format!("{{\"sub\":\"42\",\"rights\":{{\"info\":\"{}\"}}}}", "x".repeat(200_000));
    let chunk = format!("{:x}\r\n{YES}\r\n", YES.len());
    let cases = [
        ("length too long", head(&format!("Content-Length: {long}"), YES)),
        ("length too short", head(&format!("Content-Length: {short}"), YES)),
        ("length of nothing", head("Content-Length: 0", YES)),
        ("two lengths", head(&format!("Content-Length: {short}\r\nContent-Length: {}", YES.len()), YES)),
        ("negative length", head("Content-Length: -1", YES)),
        ("length of no number", head("Content-Length: abc", YES)),
        ("huge length", head("Content-Length: 99999999999", YES)),
        ("no end of chunks", head("Transfer-Encoding: chunked", &chunk)),
        ("broken chunk", head("Transfer-Encoding: chunked", &format!("zz\r\n{YES}\r\n0\r\n\r\n"))),
        ("huge body", Reply::json(&huge)),
        ("huge body until the end", head("Connection: close", &huge)),
        ("huge head", head(&format!("X-A: {}", "x".repeat(100_000)), YES)),
        (
            "compressed",
            head(&format!("Content-Encoding: gzip\r\nContent-Length: {}", YES.len()), "\u{1f}\u{8b}"),
        ),
        ("nothing at all", raw("")),
        ("half a head", raw("HTTP/1.1 200 OK\r\nContent-Type: applica")),
        ("not HTTP", raw("SSH-2.0-OpenSSH_9.2\r\n")),
        ("HTTP/0.9", raw(YES)),
        ("HTTP/2", raw(&format!("HTTP/2 200\r\nContent-Type: application/json\r\n\r\n{YES}"))),
        ("a NUL", raw(&format!("HTTP/1.1 200 OK\0\r\nContent-Type: application/json\r\n\r\n{YES}"))),
    ];
    cases.into_iter().map(|(name, reply)| (name.to_owned(), reply, Undecided)).collect()
}

fn bodies() -> Vec<(String, Reply, Denied)> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep =
        format!(r#"{{"rights":{{"info":{}}}}}"#, &deep[deep.len() / 2 - 20_000..deep.len() / 2 + 20_000]);
    let many = format!(r#"{{"rights":{{"subscribe":{:?}}}}}"#, vec!["news"; 129]);
    let mut bodies: Vec<String> = [
        "",
        " ",
        "null",
        "true",
        "false",
        "1",
        "\"ok\"",
        "OK",
        "[]",
        "[\"42\"]",
        "[\"42\",60,{}]",
        "[{}]",
        "{",
        "{}{}",
        "{} true",
        "{},",
        "{'sub':'42'}",
        "{sub:1}",
        "{\"sub\":\"42\"",
        "{\"sub\":\"42\",}",
        "{\"sub\":\"42\"}x",
        "// yes\n{}",
        "\u{feff}{}",
        ")]}'\n{}",
        r#"{"sub":42}"#,
        r#"{"sub":null}"#,
        r#"{"sub":""}"#,
        r#"{"sub":["42"]}"#,
        r#"{"sub":true}"#,
        r#"{"sub":"a.*"}"#,
        r#"{"sub":"a\u0000"}"#,
        r#"{"sub":"a\nb"}"#,
        r#"{"sub":"\ud800"}"#,
        r#"{"sub":"42","sub":"43"}"#,
        r#"{"ttl":0}"#,
        r#"{"ttl":-1}"#,
        r#"{"ttl":1.5}"#,
        r#"{"ttl":"60"}"#,
        r#"{"ttl":null}"#,
        r#"{"ttl":1e3}"#,
        r#"{"ttl":18446744073709551616}"#,
        r#"{"ttl":true}"#,
        r#"{"rights":null}"#,
        r#"{"rights":[]}"#,
        r#"{"rights":true}"#,
        r#"{"rights":"*"}"#,
        r#"{"rights":{"subscribe":null}}"#,
        r#"{"rights":{"subscribe":true}}"#,
        r#"{"rights":{"subscribe":"news"}}"#,
        r#"{"rights":{"subscribe":{"news":true}}}"#,
        r#"{"rights":{"subscribe":["news",1]}}"#,
        r#"{"rights":{"subscribe":["news",""]}}"#,
        r#"{"rights":{"subscribe":["news","**.a"]}}"#,
        r#"{"rights":{"subscribe":["news"],"subscribe":[]}}"#,
        r#"{"rights":{"subscribe":["news"],"all":true}}"#,
        r#"{"rights":{"history":"soon"}}"#,
        r#"{"rights":{"follow":["a\u0000"]}}"#,
        r#"{"error":"no"}"#,
        r#"{"allowed":false}"#,
        r#"{"sub":"42","admin":true}"#,
        r#"{"Sub":"42"}"#,
        r#"{"status":401}"#,
    ]
    .map(str::to_owned)
    .into();
    bodies.extend([deep, many]);
    let mut cases: Vec<_> =
        bodies.into_iter().map(|body| (body.clone(), Reply::json(&body), Undecided)).collect();
    // What is right, and says no by saying nothing of what was asked for.
    for body in [
        r#"{"rights":{"subscribe":[]}}"#,
        r#"{"rights":{"publish":[]}}"#,
        r#"{"rights":{"publish":["news"]}}"#,
        r#"{"rights":{"presence":["news"]}}"#,
        r#"{"sub":"news","rights":{"subscribe":["new","newss","news.*","news.**","@news"]}}"#,
    ] {
        cases.push((body.to_owned(), Reply::json(body), Forbidden));
    }
    for cut in 0..YES.len() {
        cases.push((format!("cut at {cut}"), Reply::json(&YES[..cut]), Undecided));
    }
    cases
}

/// Asks an application that answers so for `news`, and says whether anybody was admitted.
async fn admissions(name: &str, reply: Reply, expected: Denied) -> usize {
    let (bytes, then) = (reply.bytes, reply.then);
    let application = Application::start(move |_| Reply { bytes: bytes.clone(), then }).await;
    let admitted = Asking::new(&application.url()).subscribe(&nobody(), &["news"]).await;
    assert_eq!(application.count(), 1, "{name}: it was asked");
    if let Err(denied) = admitted {
        assert_eq!(denied, expected, "{name}");
    }
    usize::from(admitted.is_ok())
}

#[tokio::test]
async fn s1_no_odd_answer_admits() {
    assert_eq!(admissions("the control", Reply::json(YES), Undecided).await, 1);
    let cases: Vec<_> = [statuses(), kinds(), framings(), bodies()].into_iter().flatten().collect();
    let (count, mut admitted) = (cases.len(), 0);
    for (name, reply, expected) in cases {
        let more = admissions(&name, reply, expected).await;
        if more > 0 {
            eprintln!("admitted: {name}");
        }
        admitted += more;
    }
    assert_eq!(admitted, 0, "of {count}");
}

#[tokio::test]
async fn s1_nobody_who_is_away_slow_or_elsewhere_admits() {
    let hasty = |url: &str| Asking::with(url, |config| config.fetch.deadline = Duration::from_millis(200));
    let mut urls = Vec::new();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    urls.push(("down", format!("http://{}/", listener.local_addr().unwrap())));
    drop(listener);
    let unread = TcpListener::bind("127.0.0.1:0").await.unwrap();
    urls.push(("never accepted", format!("http://{}/", unread.local_addr().unwrap())));
    urls.push(("no such host", "http://no-such-host.invalid/".to_owned()));

    let silent = Application::start(|_| Reply::raw(b"", Then::Keep)).await;
    urls.push(("silent", silent.url()));
    let part = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{YES}",
        YES.len() + 1
    );
    let slow = Application::start(move |_| Reply::raw(part.as_bytes(), Then::Keep)).await;
    urls.push(("never done", slow.url()));
    let waiting = "HTTP/1.1 100 Continue\r\n\r\n".repeat(50);
    let waits = Application::start(move |_| Reply::raw(waiting.as_bytes(), Then::Keep)).await;
    urls.push(("only 100 Continue", waits.url()));

    let aim = Application::start(|_| Reply::json(YES)).await;
    let mut redirecting = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        let to = aim.url();
        let head = format!(
            "HTTP/1.1 {status} Away\r\nLocation: {to}\r\nRefresh: 0;url={to}\r\nContent-Length: 0\r\n\r\n"
        );
        redirecting.push(Application::start(move |_| Reply::raw(head.as_bytes(), Then::Keep)).await);
    }
    urls.extend(redirecting.iter().map(|application| ("redirecting", application.url())));

    let named = tls_for("127.0.0.1");
    let untrusted = Application::start_tls(|_| Reply::json(YES), Some(named.0)).await;
    urls.push(("untrusted", format!("https://{}/", untrusted.address)));
    urls.push(("TLS where none is expected", untrusted.url()));
    urls.push(("no TLS where it is expected", format!("https://{}/", aim.address)));

    for (name, url) in &urls {
        let refused = hasty(url).subscribe(&nobody(), &["news"]).await.map(|_| ());
        assert_eq!(refused, Err(Undecided), "{name}");
    }
    assert_eq!((aim.count(), untrusted.count()), (0, 0), "nobody was asked but who was configured");

    let (tls, pem) = tls_for("other.example");
    let other = Application::start_tls(|_| Reply::json(YES), Some(tls)).await;
    let trusting =
        |url: &str, pem: String| Asking::with(url, |config| config.fetch.trusted = Some(pem.into()));
    let asking = trusting(&format!("https://{}/", other.address), pem);
    assert_eq!(asking.subscribe(&nobody(), &["news"]).await.map(|_| ()), Err(Undecided), "another's name");
    assert_eq!(other.count(), 0);

    let asking = trusting(&format!("https://{}/", untrusted.address), named.1);
    assert!(asking.subscribe(&nobody(), &["news"]).await.is_ok(), "the control");
}

fn tls_for(name: &str) -> (TlsAcceptor, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert.pem())
}

#[tokio::test]
async fn s1_an_answer_that_nobody_asked_for_answers_nobody() {
    let no = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";
    let yes = String::from_utf8(Reply::json(YES).bytes).unwrap();
    let both = format!("{no}{yes}");
    let application = Application::start(move |_| Reply::raw(both.as_bytes(), Then::Keep)).await;
    let asking = Asking::new(&application.url());
    for number in 0..50 {
        let asker = crate::application::with_cookie(&format!("id={number}"));
        let refused = asking.subscribe(&asker, &["news"]).await;
        assert!(refused.is_err(), "{number} got the second answer of the one before");
    }
}
