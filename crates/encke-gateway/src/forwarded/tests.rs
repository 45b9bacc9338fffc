use http::{HeaderName, HeaderValue};

use super::*;

fn headers(name: &str, lines: &[&str]) -> HeaderMap {
    let name: HeaderName = name.parse().unwrap();
    lines.iter().map(|line| (name.clone(), HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect()
}

/// Listed are 10.0.0.0/8 and `::1`.
fn listed(address: IpAddr) -> bool {
    address.to_string().starts_with("10.") || address == IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
}

/// The address, `-` where nobody knows it, `none` without the header, `garbage`.
fn found(client: Result<Option<Hop>, Garbage>) -> String {
    match client {
        Ok(Some(Hop { address: Some(address), .. })) => address.to_string(),
        Ok(Some(_)) => "-".to_owned(),
        Ok(None) => "none".to_owned(),
        Err(Garbage) => "garbage".to_owned(),
    }
}

#[test]
fn the_last_hop_that_is_not_listed_is_the_client() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "none"),
        (&["192.0.2.1"], "192.0.2.1"),
        (&[" 192.0.2.1\t"], "192.0.2.1"),
        (&["198.51.100.7, 192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.1, 10.0.0.1"], "192.0.2.1"),
        (&["198.51.100.7,192.0.2.1,10.0.0.1,10.0.0.2"], "192.0.2.1"),
        (&["198.51.100.7", "192.0.2.1", "10.0.0.1"], "192.0.2.1"),
        (&["198.51.100.7, 192.0.2.1", "10.0.0.1"], "192.0.2.1"),
        // Nobody but listed ones: the first.
        (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // What a client has invented stands before what the proxies add.
        (&["127.0.0.1, 192.0.2.1"], "192.0.2.1"),
        (&["<script>, 192.0.2.1"], "192.0.2.1"),
        (&["\u{e9}", "192.0.2.1"], "192.0.2.1"),
        (&[",,, 192.0.2.1"], "192.0.2.1"),
        (&["2001:db8::1"], "2001:db8::1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        (&["192.0.2.1:4711"], "192.0.2.1"),
        (&["::ffff:192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.1, ::1"], "192.0.2.1"),
        (&["192.0.2.1, ::ffff:10.0.0.1"], "192.0.2.1"),
        (&["192.0.2.1, unknown"], "-"),
        (&["192.0.2.1, _hidden"], "-"),
        (&[""], "garbage"),
        (&["192.0.2.1,"], "garbage"),
        (&["192.0.2.1, , 10.0.0.1"], "garbage"),
        (&["localhost"], "garbage"),
        (&["192.0.2.256"], "garbage"),
        (&["192.0.2.1 10.0.0.1"], "garbage"),
        (&["192.0.2.1;10.0.0.1"], "garbage"),
        (&["192.0.2"], "garbage"),
        (&["0x7f.1"], "garbage"),
        (&["2130706433"], "garbage"),
        (&["127.1"], "garbage"),
        (&["0177.0.0.1"], "garbage"),
        (&["192.0.2.1/32"], "garbage"),
        (&["192.0.2.1:99999"], "garbage"),
        (&["[192.0.2.1]"], "garbage"),
        (&["[2001:db8::1"], "garbage"),
        (&["2001:db8::1%eth0"], "garbage"),
        (&["\"192.0.2.1\""], "garbage"),
        (&["_"], "garbage"),
        (&["\u{e9}"], "garbage"),
    ];
    for (lines, expected) in cases {
        let headers = headers(X_FORWARDED_FOR, lines);
        assert_eq!(found(client(x_forwarded_for(&headers), listed)), *expected, "{lines:?}");
    }
    println!("{} values of X-Forwarded-For", cases.len());
}

#[test]
fn forwarded_says_the_same_with_more_words() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "none"),
        (&["for=192.0.2.1"], "192.0.2.1"),
        (&["For=192.0.2.1;Proto=https;by=203.0.113.43"], "192.0.2.1"),
        (&["by=_a; for=\"192.0.2.1:4711\" ; host=\"a,b;c\\\"d\""], "192.0.2.1"),
        (&["for=\"[2001:db8::1]\""], "2001:db8::1"),
        (&["for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
        (&["for=127.0.0.1, for=192.0.2.1, for=10.0.0.1"], "192.0.2.1"),
        (&["for=127.0.0.1", "for=192.0.2.1"], "192.0.2.1"),
        (&["<garbage>", "for=192.0.2.1"], "192.0.2.1"),
        (&["for=\"", "for=192.0.2.1"], "192.0.2.1"),
        (&["for=unknown"], "-"),
        (&["for=_hidden"], "-"),
        (&["proto=https"], "-"),
        // A client cannot hide what the proxy adds in a quote that it has begun.
        (&["for=127.0.0.1;x=\", for=192.0.2.1"], "garbage"),
        (&["for=127.0.0.1;x=\", for=\"[2001:db8::1]\""], "garbage"),
        (&["for=127.0.0.1;x=\"\\, for=\"192.0.2.1\""], "garbage"),
        (&[""], "garbage"),
        (&["for"], "garbage"),
        (&["for="], "garbage"),
        (&["for=192.0.2.1,"], "garbage"),
        (&["for=192.0.2.1;"], "garbage"),
        (&["for=192.0.2.1;for=127.0.0.1"], "garbage"),
        (&["for=2001:db8::1"], "garbage"),
        (&["for=\"192.0.2.1"], "garbage"),
        (&["for=192.0.2.1 for=127.0.0.1"], "garbage"),
        (&["for=192.0.2.1;proto=gopher"], "garbage"),
        (&["f r=192.0.2.1"], "garbage"),
        (&["=192.0.2.1"], "garbage"),
        (&["for=\"\u{e9}\""], "garbage"),
    ];
    for (lines, expected) in cases {
        let headers = headers(FORWARDED, lines);
        assert_eq!(found(client(forwarded(&headers), listed)), *expected, "{lines:?}");
    }
    println!("{} values of Forwarded", cases.len());
    let headers = headers(FORWARDED, &["for=192.0.2.1;proto=https, for=10.0.0.1;proto=http"]);
    assert_eq!(client(forwarded(&headers), listed).unwrap().unwrap().scheme, Some(Scheme::Https));
}

#[test]
fn the_scheme_is_that_of_the_nearest_proxy() {
    for (lines, expected) in [
        (&[][..], Ok(None)),
        (&["https"], Ok(Some(Scheme::Https))),
        (&["HTTP"], Ok(Some(Scheme::Http))),
        (&["wss"], Ok(Some(Scheme::Https))),
        (&["ws"], Ok(Some(Scheme::Http))),
        (&["https, http"], Ok(Some(Scheme::Http))),
        (&["http", "https"], Ok(Some(Scheme::Https))),
        (&["nonsense, https"], Ok(Some(Scheme::Https))),
        (&[""], Err(Garbage)),
        (&["https,"], Err(Garbage)),
        (&["ftp"], Err(Garbage)),
        (&["\u{e9}"], Err(Garbage)),
    ] {
        assert_eq!(x_forwarded_proto(&headers(X_FORWARDED_PROTO, lines)), expected, "{lines:?}");
    }
}
