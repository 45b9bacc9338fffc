//! The opening handshake, header by header.

use encke_ws::handshake::{HandshakeError, accept};
use http::{Request, Response, Version};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A good request, but for one header that has these lines (none: it is missing).
fn request(name: &str, lines: &[&str]) -> Request<()> {
    let good = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
    ];
    let good = good.into_iter().filter(|(header, _)| *header != name);
    let all = good.chain(lines.iter().map(|line| (name, *line)));
    all.fold(Request::get("/ws"), |request, (name, line)| request.header(name, line)).body(()).unwrap()
}

fn header<'r>(response: &'r Response<()>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn the_example_of_the_rfc() {
    let accepted = accept(&request("", &[]), &[]).unwrap();
    assert_eq!(accepted.protocol(), None);
    let response = accepted.into_response();
    assert_eq!(response.status(), 101);
    assert_eq!(header(&response, "connection"), Some("upgrade"));
    assert_eq!(header(&response, "upgrade"), Some("websocket"));
    assert_eq!(header(&response, "sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(response.headers().len(), 3);
}

#[cfg(feature = "http2")]
#[test]
fn over_http2_a_connect_that_names_the_protocol_is_one() {
    use encke_ws::handshake::Accepted;
    use http::Method;
    use hyper::ext::Protocol;

    type Change = fn(&mut Request<()>);
    let judge = |change: Change| {
        let mut request = request("sec-websocket-protocol", &["other, encke.v1"]);
        *request.version_mut() = Version::HTTP_2;
        *request.method_mut() = Method::CONNECT;
        // What HTTP/1.1 asks for means nothing here.
        for name in ["connection", "upgrade", "sec-websocket-key"] {
            request.headers_mut().remove(name);
        }
        request.extensions_mut().insert(Protocol::from_static("websocket"));
        change(&mut request);
        accept(&request, &["encke.v1"]).map(Accepted::into_response)
    };
    let response = judge(|_| {}).unwrap();
    assert_eq!((response.status().as_u16(), response.headers().len()), (200, 1));
    assert_eq!(header(&response, "sec-websocket-protocol"), Some("encke.v1"));
    let wrong: [(Change, HandshakeError); 4] = [
        (|request| *request.method_mut() = Method::GET, HandshakeError::NoUpgrade),
        (|request| drop(request.extensions_mut().remove::<Protocol>()), HandshakeError::NoUpgrade),
        (
            |request| drop(request.extensions_mut().insert(Protocol::from_static("WebSocket"))),
            HandshakeError::NoUpgrade,
        ),
        (|request| drop(request.headers_mut().remove("sec-websocket-version")), HandshakeError::Version),
    ];
    for (change, error) in wrong {
        assert_eq!(judge(change).unwrap_err(), error);
    }
}

#[test]
fn headers_are_lists_and_ignore_case() {
    for (name, lines) in [
        ("connection", &["keep-alive, Upgrade"][..]),
        ("connection", &["keep-alive", "UPGRADE"]),
        ("connection", &["upgrade,,close , "]),
        ("upgrade", &["WebSocket"]),
        ("upgrade", &["h2c, websocket"]),
        ("sec-websocket-extensions", &["permessage-deflate; client_max_window_bits"]),
    ] {
        assert!(accept(&request(name, lines), &[]).is_ok(), "{name}: {lines:?}");
    }
}

#[test]
fn what_is_wrong_is_named_and_answered() {
    use HandshakeError::*;
    for (name, lines, error, status) in [
        ("connection", &[][..], NoUpgrade, 426),
        ("connection", &["keep-alive"], NoUpgrade, 426),
        ("connection", &["upgraded"], NoUpgrade, 426),
        ("upgrade", &[], NoUpgrade, 426),
        ("upgrade", &["h2c"], NoUpgrade, 426),
        ("sec-websocket-version", &[], Version, 426),
        ("sec-websocket-version", &["8"], Version, 426),
        ("sec-websocket-version", &["13, 8"], Version, 426),
        ("sec-websocket-version", &["13", "13"], Version, 426),
        ("sec-websocket-key", &[], Key, 400),
        ("sec-websocket-key", &[""], Key, 400),
        ("sec-websocket-key", &[KEY, KEY], Key, 400),
        ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZQ"], Key, 400),
        ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZTE="], Key, 400),
        ("sec-websocket-key", &["dGhlIHNhbXBsZSBub24="], Key, 400),
        ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZ?=="], Key, 400),
        ("sec-websocket-protocol", &["encke v1"], Protocols, 400),
        ("sec-websocket-protocol", &["encke.v1", "a/b"], Protocols, 400),
    ] {
        let refusal = accept(&request(name, lines), &["encke.v1"]).unwrap_err();
        assert_eq!(refusal, error, "{name}: {lines:?}");
        let response = refusal.response();
        assert_eq!(response.status(), status, "{name}: {lines:?}");
        let version = (error == Version).then_some("13");
        assert_eq!(header(&response, "sec-websocket-version"), version);
        assert_eq!(header(&response, "upgrade"), (status == 426).then_some("websocket"));
        assert_eq!(header(&response, "connection"), (status == 426).then_some("upgrade"));
    }
}

#[test]
fn only_get_over_http_1_1() {
    let mut post = request("", &[]);
    *post.method_mut() = http::Method::POST;
    let refusal = accept(&post, &[]).unwrap_err();
    assert_eq!(refusal, HandshakeError::Method);
    assert_eq!(refusal.response().status(), 405);
    assert_eq!(header(&refusal.response(), "allow"), Some("GET"));

    for version in [Version::HTTP_10, Version::HTTP_3] {
        let mut old = request("", &[]);
        *old.version_mut() = version;
        let refusal = accept(&old, &[]).unwrap_err();
        assert_eq!((refusal, refusal.response().status().as_u16()), (HandshakeError::HttpVersion, 400));
    }
}

#[test]
fn the_servers_preference_among_the_offered() {
    let ours = ["encke.v2", "encke.v1"];
    for (lines, chosen) in [
        (&[][..], None),
        (&["chat"], None),
        (&["encke.v1"], Some("encke.v1")),
        (&["encke.v1, encke.v2"], Some("encke.v2")),
        (&["chat", "encke.v1"], Some("encke.v1")),
        (&["ENCKE.V1"], None),
    ] {
        let accepted = accept(&request("sec-websocket-protocol", lines), &ours).unwrap();
        assert_eq!(accepted.protocol(), chosen, "{lines:?}");
        assert_eq!(header(&accepted.into_response(), "sec-websocket-protocol"), chosen, "{lines:?}");
    }
}
