//! The rules by which requests are read, for any request that keeps them and for any that does not.

#![cfg(test)]

use encke_core::{Cursor, Epoch, Selector, Since};
use encke_http::{Callback, CursorCookie, Origins, Params, Scheme};
use form_urlencoded::Serializer;
use http::{HeaderMap, HeaderValue, Request, header, request::Parts};
use proptest::{collection::vec, prelude::*};

fn parts(target: &str, headers: &[(&str, &str)]) -> Parts {
    let request =
        headers.iter().fold(Request::get(target), |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn cursors() -> impl Strategy<Value = Cursor> {
    (any::<u64>(), any::<u64>()).prop_map(|(bits, seq)| Cursor { epoch: Epoch::from_bits(bits), seq })
}

fn selectors(names: &[String]) -> Vec<Selector> {
    names.iter().map(|name| Selector::new(name).unwrap()).collect()
}

/// What the cookie of this request is called.
fn cookie_of(parts: &Parts, selectors: &[Selector], cursor: Cursor) -> String {
    let mut headers = HeaderMap::new();
    CursorCookie::read(parts, selectors).write(cursor, &mut headers);
    headers[header::SET_COOKIE].to_str().unwrap().to_owned()
}

proptest! {
    #[test]
    fn parameters_that_are_encoded_are_read(pairs in vec((".{0,8}", "\\PC{0,20}"), 0..=40)) {
        let query = Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let params = Params::parse(Some(&query)).unwrap();
        for (name, _) in &pairs {
            let values = || pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
            prop_assert!(params.all(name).eq(values()));
            prop_assert_eq!(params.get(name), values().find(|value| !value.is_empty()));
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused(bytes in vec(any::<u8>(), 0..12)) {
        let query: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        let text = std::str::from_utf8(&bytes).ok();
        let query = format!("a={query}&b=1");
        let params = Params::parse(Some(&query)).ok();
        prop_assert_eq!(params.as_ref().map(|params| params.all("a").collect()), text.map(|text| vec![text]));
    }

    #[test]
    fn numbers_are_digits_within_bounds(number: u64, min in 0..100u64, width in 0..100u64) {
        for text in [number.to_string(), format!("{}", number % 200), format!("000{}", number % 200)] {
            let query = format!("n={text}");
            let value: u64 = text.parse().unwrap();
            let expected = (min..=min + width).contains(&value).then_some(Some(value));
            prop_assert_eq!(Params::parse(Some(&query)).unwrap().number("n", min, min + width).ok(), expected);
        }
    }

    #[test]
    fn anything_else_is_no_number(text in "[-+ .eE0-9a-f_]{1,6}") {
        let query = Serializer::new(String::new()).append_pair("n", &text).finish();
        let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        prop_assert_eq!(Params::parse(Some(&query)).unwrap().number("n", 0, u64::MAX).is_ok(), all_digits);
    }

    #[test]
    fn names_of_functions(good in "[A-Za-z_$][A-Za-z0-9_$.]{0,63}", bad in "[^A-Za-z0-9_$.]", place: prop::sample::Index) {
        let callback = Callback::new(&good).unwrap();
        prop_assert_eq!(callback.as_str(), &good);
        let at = place.index(good.len() + 1);
        for other in [format!("{}{bad}{}", &good[..at], &good[at..]), format!("9{good}"), format!(".{good}"), format!("{good:a<65}")] {
            prop_assert_eq!(Callback::new(&other).unwrap_err().status, 400, "{}", other);
        }
    }

    #[test]
    fn a_cookie_keeps_the_cursor_of_its_path_and_channels(
        cursor in cursors(), names in vec("[a-z]{1,8}", 1..3), other in "[a-z]{9}", noise in "[ -:<-~]{0,20}") {
        let own = selectors(&names);
        let written = cookie_of(&parts("/poll", &[]), &own, cursor);
        prop_assert!(written.ends_with("; Path=/; HttpOnly; SameSite=Lax"));
        let (pair, _) = written.split_once(';').unwrap();
        // However others fill the header, and in whichever line it is.
        let joined = format!("{noise}; {pair}; a={noise}");
        for headers in [&[("cookie", pair)][..], &[("cookie", &joined)], &[("cookie", &noise), ("cookie", pair)]] {
            let read = |target, selectors: &[Selector]| CursorCookie::read(&parts(target, headers), selectors).cursor();
            prop_assert_eq!(read("/poll", &own), Some(cursor));
            prop_assert_eq!(read("/longpoll", &own), None, "each path has its own");
            prop_assert_eq!(read("/poll", &selectors(std::slice::from_ref(&other))), None, "so have other channels");
        }
    }

    #[test]
    fn a_cookie_that_is_no_cursor_counts_as_absent(value in "[!-:<-~]{0,40}", cursor in cursors()) {
        let written = cookie_of(&parts("/poll", &[]), &[], cursor);
        let (name, _) = written.split_once('=').unwrap();
        let header = format!("{name}={value}");
        let read = CursorCookie::read(&parts("/poll", &[("cookie", &header)]), &[]).cursor();
        prop_assert_eq!(read, value.parse().ok());
    }

    #[test]
    fn any_other_origin_is_refused(scheme in "https?", host in "[a-z]{1,8}(\\.[a-z]{2,4})?", port in 1..=65_535u16) {
        let origin = format!("{scheme}://{host}:{port}");
        let asked = |host: &str| parts("/sse", &[("origin", &origin), ("host", host)]);
        let own = format!("{host}:{port}");
        prop_assert!(Origins::same().check(&asked(&own)).is_ok());
        prop_assert!(Origins::same().check(&asked(&own.to_uppercase())).is_ok(), "hosts have no case");
        prop_assert!(Origins::allow([&origin]).check(&asked("elsewhere.example")).is_ok());
        prop_assert!(Origins::allow(["*"]).check(&asked("elsewhere.example")).is_ok());
        let (longer, other_port) = (format!("x{own}"), format!("{host}:{}", port ^ 1));
        for host in [&longer, &other_port, "elsewhere.example", ""] {
            prop_assert_eq!(Origins::same().check(&asked(host)).unwrap_err().status, 403);
        }
        for listed in [format!("{origin}/"), format!("{origin}0"), origin.to_uppercase(), format!("{scheme}s://{own}")] {
            prop_assert!(Origins::allow([listed.as_str()]).check(&asked("elsewhere.example")).is_err(), "{}", listed);
        }
    }
}

#[test]
fn parameters_have_a_limit_that_is_counted_before_they_are_read() {
    let query = |count: usize| vec!["a=%FF"; count].join("&");
    let detail = |count| Params::parse(Some(&query(count))).unwrap_err().detail;
    assert!(detail(256).contains("percent-encoded"));
    assert!(detail(257).contains("at most 256"));
    assert!(Params::parse(None).unwrap().get("a").is_none());
}

#[test]
fn since_is_read_by_its_first_value() {
    let since = |query| Params::parse(Some(query)).unwrap().since().map_err(|problem| problem.status);
    assert_eq!(since("since=&since=-20"), Ok(Some(Since::Last(20))), "an empty value counts as absent");
    assert_eq!(since("since=%2D20&since=bad"), Ok(Some(Since::Last(20))));
    assert_eq!(since("since=bad&since=-20"), Err(400));
    assert_eq!(since("Since=bad"), Ok(None));
}

#[test]
fn a_scheme_that_is_known_is_compared() {
    let known = [None, Some(Scheme::Http), Some(Scheme::Https)];
    for (origin, expected) in [
        ("http://h", [true, true, false]),
        ("https://h", [true, false, true]),
        ("https://h:443", [true, false, true]),
        ("http://h:443", [false; 3]),
        ("ftp://h", [false; 3]),
    ] {
        for (scheme, expected) in known.iter().zip(expected) {
            let mut parts = parts("/sse", &[("origin", origin), ("host", "h")]);
            scheme.map(|scheme| parts.extensions.insert(scheme));
            assert_eq!(Origins::same().check(&parts).is_ok(), expected, "{origin} {scheme:?}");
            assert!(Origins::allow([origin]).check(&parts).is_ok(), "what is listed is listed");
        }
    }
}

#[test]
fn origins_of_every_kind() {
    let listed = Origins::allow(["https://app.example", "null"]);
    let any = Origins::allow(["*"]);
    // The origin, the host, and whether its own page, the listed ones, and any may use the route.
    let cases = [
        ("http://h", "h", [true, true, true]),
        ("http://h:80", "h", [true, true, true]),
        ("http://h", "h:80", [true, true, true]),
        ("https://h", "h:443", [true, true, true]),
        ("https://h", "h:80", [false, false, true]),
        ("http://h:8000", "h:8000", [true, true, true]),
        ("http://[::1]:8000", "[::1]:8000", [true, true, true]),
        ("https://app.example", "h", [false, true, true]),
        ("https://app.example:443", "h", [false, false, true]),
        ("https://app.example.evil", "h", [false, false, true]),
        ("HTTPS://app.example", "h", [false, false, true]),
        ("null", "h", [false, true, false]),
        ("null", "null", [false, true, false]),
        ("", "", [false, false, true]),
        ("://h", "h", [false, false, true]),
        ("ftp://h", "h", [false, false, true]),
        ("h", "h", [false, false, true]),
    ];
    for (origin, host, expected) in cases {
        let parts = parts("/sse", &[("origin", origin), ("host", host)]);
        let found = [&Origins::same(), &listed, &any].map(|origins| origins.check(&parts).is_ok());
        assert_eq!(found, expected, "{origin:?} at {host:?}");
    }
    for origins in [Origins::same(), listed, any] {
        assert!(origins.check(&parts("/sse", &[("host", "h")])).is_ok(), "no script sent this");
        let two = parts("/sse", &[("origin", "http://h"), ("origin", "http://h"), ("host", "h")]);
        assert!(origins.check(&two).is_err(), "two are none");
        let mut latin = parts("/sse", &[("host", "h")]);
        latin.headers.insert(header::ORIGIN, HeaderValue::from_bytes(b"http://\xe9").unwrap());
        assert!(origins.check(&latin).is_err());
    }
}
