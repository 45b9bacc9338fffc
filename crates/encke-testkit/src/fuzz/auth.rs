use std::{cell::LazyCell, net::IpAddr, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use encke_auth::{Jwt, JwtKey, Link, SignedUrl};
use encke_core::{Selector, Timestamp};
use encke_hub::{Access, Action, Answer, Ask, Asker, Authorizer, Denied};
use serde_json::Value;

use super::split_line;

/// The corpora are signed with it.
const SECRET: &[u8] = b"the secret that the corpora know";
const NOW: u64 = 1_800_000_000;
const AUDIENCE: &str = "a";
const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn clock() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000)
}

fn decide(authorizer: &impl Authorizer, asker: Asker, asked: &[Selector]) -> Result<Access, Denied> {
    match authorizer.authorize(&Ask::from_asker(Arc::new(asker), Action::Subscribe, asked.to_vec())) {
        Answer::Now(Some(decided)) => decided,
        _ => panic!("with its key at hand it decides at once"),
    }
}

thread_local! {
    static JWT: LazyCell<Jwt> = LazyCell::new(|| {
        Jwt::new(JwtKey::hmac(SECRET).expect("a secret that is long enough")).audience(AUDIENCE).clock(clock)
    });
    static URLS: LazyCell<SignedUrl> =
        LazyCell::new(|| SignedUrl::new(SECRET).expect("a secret that is long enough").clock(clock));
}

/// A token; or a header, a line end and claims, which are signed.
///
/// # Panics
/// If what nobody signed admits, or if what admits says something else.
pub fn token(data: &[u8]) {
    let decide = |token: &str| JWT.with(|jwt| decide(&**jwt, Asker::default().with_token(token), &[]));
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(decide(text).is_err(), "nobody signed {text}");
    }
    let (header, claims) = split_line(data);
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message.as_bytes());
    let Ok(access) = decide(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))) else { return };

    let header: Value = serde_json::from_slice(header).expect("a header of JSON");
    assert_eq!(header["alg"], "HS256");
    // What is passed over may be what this reader refuses.
    let Ok(claims) = serde_json::from_slice::<Value>(claims) else { return };
    assert!(claims["exp"].as_f64().expect("a number") > NOW as f64 - 5.0);
    let named = |value: &Value| value == AUDIENCE;
    assert!(named(&claims["aud"]) || claims["aud"].as_array().is_some_and(|names| names.iter().any(named)));
    assert_eq!(access.subject(), claims["sub"].as_str());
    let listed = |text: &str| {
        let lists = [&claims["encke"]["subscribe"], &claims["encke"]["follow"]];
        let mut names = lists.into_iter().filter_map(Value::as_array).flatten();
        names.any(|name| name == text || name == "*" || name == "**")
    };
    for name in ["news", "@bert", "$notices"] {
        let wanted = Selector::new(name).expect("a name");
        assert!(!access.allows(Action::Publish, &wanted) || claims["encke"]["publish"].is_array());
        if access.allows(Action::Subscribe, &wanted) {
            assert!(listed(name) || claims["sub"].as_str() == name.strip_prefix('@'), "{name} of {claims}");
        }
    }
}

/// A channel that is asked for, a line end, and the query of a signed URL.
///
/// # Panics
/// If it opens something, and what it says has another signature.
pub fn signed_query(data: &[u8]) {
    let (asked, query) = split_line(data);
    let (Ok(asked), Ok(query)) = (std::str::from_utf8(asked), std::str::from_utf8(query)) else { return };
    let asked: Vec<_> = Selector::new(asked).into_iter().collect();
    let mut asker = Asker::default();
    asker.query = Some(query.into());
    asker.address = Some(ADDRESS);
    let Ok(access) = URLS.with(|urls| decide(&**urls, asker, &asked)) else { return };

    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let all = |name: &str| -> Vec<_> {
        pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_ref()).collect()
    };
    let one = |name: &str| {
        assert!(all(name).len() < 2, "{name} twice in {query}");
        all(name).pop()
    };
    let named: Vec<_> =
        all("channel").into_iter().map(|name| Selector::new(name).expect("a signed name")).collect();
    let selectors = if named.is_empty() { asked } else { named };
    for selector in selectors.iter().filter(|selector| !selector.as_str().starts_with(['@', '$'])) {
        assert!(access.allows(Action::Subscribe, selector));
        assert!(!access.allows(Action::Publish, selector));
    }
    let expires: u64 = one("expires").and_then(|text| text.parse().ok()).expect("a signed time");
    assert!(expires > NOW);
    assert_eq!(access.subject(), one("subject"));
    let link = Link::subscribe(selectors, Timestamp::from_millis(expires * 1_000));
    let link = link.subject(one("subject").unwrap_or_default());
    let link = if one("ip").is_some() { link.address(ADDRESS) } else { link };
    let right = URLS.with(|urls| urls.sign(&link)).expect("what was signed can be signed");
    assert_eq!(right.rsplit_once("&key=").map(|(_, key)| key), one("key"), "{query}");
}
