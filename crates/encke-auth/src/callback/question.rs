use std::net::IpAddr;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use encke_core::Selector;
use encke_hub::{Action, Asker};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use serde::Serialize;

/// What stands for one question of one asker. It is a digest, so that no map keeps his secrets.
pub(super) type Key = [u8; 32];

/// What is sent.
#[derive(Serialize)]
struct Text<'a> {
    action: &'static str,
    channels: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// The word for an action; none for those that nobody has told the application of.
fn word(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::Publish => "publish",
        Action::Subscribe => "subscribe",
        Action::Presence => "presence",
        Action::Inspect => "inspect",
        Action::Delete => "delete",
        Action::Administer => "administer",
        _ => return None,
    })
}

/// Everything about `asker` that the application gets to see. Who differs in any of it shares no decision.
pub(super) fn credential(asker: &Asker, headers: &[HeaderName]) -> Key {
    let mut context = Context::new(&SHA256);
    let address = asker.address.map(|address| address.to_string());
    for text in [address.as_deref(), asker.client.as_deref(), asker.token.as_deref()] {
        add(&mut context, &[u8::from(text.is_some())]);
        add(&mut context, text.unwrap_or_default().as_bytes());
    }
    for name in headers {
        let values = asker.headers.get_all(name);
        add(&mut context, &values.iter().count().to_be_bytes());
        values.iter().for_each(|value| add(&mut context, value.as_bytes()));
    }
    finish(context)
}

/// The key of a question by whoever has `credential`.
pub(super) fn key(credential: &Key, action: Action, selectors: &[Selector]) -> Key {
    let mut context = Context::new(&SHA256);
    context.update(credential);
    add(&mut context, word(action).unwrap_or_default().as_bytes());
    selectors.iter().for_each(|selector| add(&mut context, selector.as_str().as_bytes()));
    finish(context)
}

/// Adds a field with its length before it, so that no two lists of fields are alike.
fn add(context: &mut Context, field: &[u8]) {
    context.update(&(field.len() as u64).to_be_bytes());
    context.update(field);
}

fn finish(context: Context) -> Key {
    let mut key = Key::default();
    for (byte, digest) in key.iter_mut().zip(context.finish().as_ref()) {
        *byte = *digest;
    }
    key
}

/// The request that asks; none if there are no words for it.
pub(super) fn request(
    uri: &Uri,
    headers: &[HeaderName],
    asker: &Asker,
    action: Action,
    selectors: &[Selector],
) -> Option<Request<Bytes>> {
    let text = Text {
        action: word(action)?,
        channels: selectors.iter().map(Selector::as_str).collect(),
        address: asker.address,
        client: asker.client.as_deref(),
        token: asker.token.as_deref(),
    };
    let mut request = Request::post(uri).body(serde_json::to_vec(&text).ok()?.into()).ok()?;
    let json = HeaderValue::from_static("application/json");
    let user_agent = HeaderValue::from_static("encke");
    let sent = request.headers_mut();
    sent.insert(header::ACCEPT, json.clone());
    sent.insert(header::CONTENT_TYPE, json);
    for name in headers {
        for value in values(&asker.headers, name) {
            sent.append(name, value);
        }
    }
    sent.entry(header::USER_AGENT).or_insert(user_agent);
    Some(request)
}

/// The values of a header. HTTP/2 splits cookies into several, which are one again here (RFC 9113, section 8.2.3).
fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<HeaderValue> {
    let values: Vec<_> = headers.get_all(name).iter().cloned().collect();
    if name != header::COOKIE || values.len() < 2 {
        return values;
    }
    let parts: Vec<_> = values.iter().map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&parts.join(&b"; "[..])).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn asker(address: Option<&str>, client: Option<&str>, token: Option<&str>, cookies: &[&str]) -> Asker {
        let mut asker = Asker::default();
        asker.address = address.map(|address| address.parse().unwrap());
        (asker.client, asker.token) = (client.map(Into::into), token.map(Into::into));
        for cookie in cookies {
            asker.headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        asker
    }

    #[test]
    fn s1_who_differs_in_what_is_sent_differs() {
        let headers = [header::COOKIE, header::AUTHORIZATION];
        let askers = [
            asker(None, None, None, &[]),
            asker(None, None, Some(""), &[]),
            asker(None, Some("ab"), None, &[]),
            asker(None, None, Some("ab"), &[]),
            asker(None, Some("a"), Some("b"), &[]),
            asker(Some("127.0.0.1"), None, None, &[]),
            asker(Some("127.0.0.2"), None, None, &[]),
            asker(None, None, None, &[""]),
            asker(None, None, None, &["a"]),
            asker(None, None, None, &["b"]),
            asker(None, None, None, &["a", "b"]),
            asker(None, None, None, &["ab"]),
        ];
        let keys: HashSet<_> = askers.iter().map(|asker| credential(asker, &headers)).collect();
        assert_eq!(keys.len(), askers.len());
    }

    #[test]
    fn s1_questions_that_differ_have_different_keys() {
        let selectors =
            |names: &[&str]| -> Vec<_> { names.iter().map(|name| Selector::new(name).unwrap()).collect() };
        let lists = [selectors(&[]), selectors(&["a"]), selectors(&["ab"]), selectors(&["a", "b"])];
        let mut keys = HashSet::new();
        for credential in [[0; 32], [1; 32]] {
            for action in [Action::Publish, Action::Subscribe, Action::Presence, Action::Administer] {
                keys.extend(lists.iter().map(|list| key(&credential, action, list)));
            }
        }
        assert_eq!(keys.len(), 2 * 4 * lists.len());
    }

    #[test]
    fn cookies_that_came_apart_are_sent_as_one() {
        let asker = asker(None, None, Some("t"), &["a=1", "b=2"]);
        let uri = Uri::from_static("http://127.0.0.1/");
        let asked = [Selector::new("news").unwrap()];
        let request = request(&uri, &[header::COOKIE], &asker, Action::Subscribe, &asked).unwrap();
        assert_eq!(request.headers()[header::COOKIE], "a=1; b=2");
        assert_eq!(request.body(), r#"{"action":"subscribe","channels":["news"],"token":"t"}"#);
    }
}
