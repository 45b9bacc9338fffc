use std::borrow::Cow;

use encke::{Cursor, Selector};
use encke_http::{Callback, CursorCookie, Origins, Params, accepts, decode};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header, request::Parts};

use super::split_line;

/// A query.
///
/// # Panics
/// If what is read is not what the URL standard reads, or a number or `since` is out of its bounds.
pub fn query(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = decode(text);
    let Ok(params) = Params::parse(Some(text)) else { return };
    // The standard's parser takes anything; ours refuses some, and reads the rest alike.
    let standard: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(data).collect();
    assert!(standard.len() <= 256);
    for (name, _) in &standard {
        let expected: Vec<&str> =
            standard.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_ref()).collect();
        assert_eq!(params.all(name).collect::<Vec<_>>(), expected, "{name} of {text}");
        assert_eq!(params.get(name), expected.into_iter().find(|value| !value.is_empty()));
        if let Ok(Some(number)) = params.number(name, 1, 1_000) {
            assert!((1..=1_000).contains(&number));
            let digits = params.get(name).unwrap_or_default().trim_start_matches('0');
            assert_eq!(digits, number.to_string());
        }
    }
    let since = params.get("since").map(encke_wire::parse_since);
    assert_eq!(params.since().ok(), since.transpose().ok());
}

/// The name of a callback.
///
/// # Panics
/// If one that is accepted is not `[A-Za-z_$][\w$.]{0,63}`, or the other way round.
pub fn callback(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let letters = |c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '_' | '$');
    let rest = |c: char| letters(c) || matches!(c, '0'..='9' | '.');
    let is_name = text.starts_with(letters) && text.chars().all(rest) && text.chars().count() <= 64;
    match Callback::new(text) {
        Ok(callback) => assert_eq!((callback.as_str(), true), (text, is_name)),
        Err(problem) => assert_eq!((problem.status, false), (400, is_name), "{text:?}"),
    }
}

/// `Accept` headers, one a line.
///
/// # Panics
/// If a route refuses its own media type, or gives it to those who never named it.
pub fn accept(data: &[u8]) {
    let values = data.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let mut headers: HeaderMap = values.map(|value| (header::ACCEPT, value)).collect();
    if headers.is_empty() {
        assert!(accepts(&headers, "text/event-stream"));
        return;
    }
    let accepted = accepts(&headers, "text/event-stream");
    let text = String::from_utf8_lossy(data).to_ascii_lowercase();
    let named = ["*/*", "text/*", "text/event-stream"].into_iter().any(|range| text.contains(range));
    assert!(named || !accepted, "{text:?} does not name the type");
    headers.append(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    assert!(accepts(&headers, "text/event-stream"), "{text:?} and the type itself");
}

/// An origin, a line end, and a host: which pages may use a route of the host that lists one other origin.
///
/// # Panics
/// If the check differs from its rules.
pub fn origin(data: &[u8]) {
    let (origin, host) = split_line(data);
    let parts = parts("/sse", &[(header::ORIGIN, origin), (header::HOST, host)]);
    let text = |name| parts.headers.get(name).map(|value| value.to_str().ok());
    let (origin, host) = (text(header::ORIGIN), text(header::HOST).flatten());
    let listed = "https://app.example";
    let same = |origin: &str| {
        let bare =
            |authority: &str, port| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
        let own = |scheme, port| {
            let theirs = origin.strip_prefix(scheme).map(|authority| bare(authority, port));
            theirs.is_some() && theirs == host.map(|host| bare(host, port))
        };
        own("http://", ":80") || own("https://", ":443")
    };
    let judge = |origins: &Origins| origins.check(&parts).map_err(|problem| problem.status);
    let expected = |admitted: &dyn Fn(&str) -> bool| match origin {
        None => true,
        Some(None) => false,
        Some(Some(origin)) => admitted(origin) || same(origin),
    };
    let check = |origins: Origins, admitted: &dyn Fn(&str) -> bool| {
        let judged = judge(&origins);
        assert!(judged.is_ok() || judged.as_ref().err() == Some(&403));
        assert_eq!(judged.is_ok(), expected(admitted), "{origin:?} at {host:?} by {origins:?}");
    };
    check(Origins::same(), &|_| false);
    check(Origins::allow([listed]), &|origin| origin == listed);
    check(Origins::allow(["*"]), &|origin| origin != "null");
    check(Origins::allow(["null"]), &|origin| origin == "null");
}

/// `Cookie` headers, one a line, where `NAME` is the name of our cookie.
///
/// # Panics
/// If anything but a cursor of that name is read, or one that was written is not.
pub fn cookie(data: &[u8]) {
    let selectors = [Selector::new("news").expect("a channel")];
    let mut written = HeaderMap::new();
    let cursor: Cursor = "7f3k2q9x-42".parse().expect("a cursor");
    CursorCookie::read(&parts("/poll", &[]), &selectors).write(cursor, &mut written);
    let pair = written[header::SET_COOKIE].to_str().expect("a cookie is ASCII");
    let (pair, _) = pair.split_once(';').expect("a cookie has attributes");
    let (name, _) = pair.split_once('=').expect("a cookie has a value");

    let text = String::from_utf8_lossy(data).replace("NAME", name);
    let lines: Vec<_> = text.split('\n').map(|line| (header::COOKIE, line.as_bytes())).collect();
    let read = CursorCookie::read(&parts("/poll", &lines), &selectors).cursor();
    if let Some(cursor) = read {
        assert!(text.contains(&format!("{name}={cursor}")), "{cursor} is not in {text:?}");
    }
    let first = [(header::COOKIE, pair.as_bytes())].into_iter().chain(lines).collect::<Vec<_>>();
    assert_eq!(CursorCookie::read(&parts("/poll", &first), &selectors).cursor(), Some(cursor));
    let other = CursorCookie::read(&parts("/other", &first[..1]), &selectors);
    assert_eq!(other.cursor(), None, "each path has its own");
}

/// The head of a request with those of the headers that can be sent.
fn parts(target: &str, headers: &[(HeaderName, &[u8])]) -> Parts {
    let (mut parts, ()) = Request::get(target).body(()).expect("a request").into_parts();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            parts.headers.append(name, value);
        }
    }
    parts
}
