use std::{num::NonZeroU64, sync::Arc, time::Duration};

use bytes::Bytes;
use encke_core::{Selector, Timestamp};
use encke_hub::{Access, Action, Denied};
use http::{HeaderMap, Response, StatusCode, header};
use serde::Deserialize;

use crate::{
    namespaces::meant,
    rights::{Rights, named, object, subject},
};

/// What the application says of somebody: `{"sub":"42","ttl":60,"rights":{..}}`, all optional.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) subject: Option<Arc<str>>,
    /// How long it holds: a second or more.
    pub(crate) ttl: Option<Duration>,
    pub(crate) rights: Rights,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default, deserialize_with = "named")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "named")]
    ttl: Option<NonZeroU64>,
    #[serde(default)]
    rights: Rights,
}

impl Answer {
    /// Reads an answer; none if it is not exactly one.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let mut from = serde_json::Deserializer::from_slice(json);
        let text: Text = object(&mut from).ok()?;
        from.end().ok()?;
        let subject = match text.sub {
            Some(sub) => Some(subject(&sub)?),
            None => None,
        };
        let ttl = text.ttl.map(|seconds| Duration::from_secs(seconds.get()));
        Some(Self { subject, ttl, rights: text.rights })
    }
}

/// What an answer decides: only an exact 200 with the right JSON admits, and only 401 and 403 are a no.
pub(super) fn decide(answer: &Response<Bytes>) -> Result<Answer, Denied> {
    match answer.status() {
        StatusCode::OK if is_json(answer.headers()) => Answer::read(answer.body()).ok_or(Denied::Undecided),
        StatusCode::UNAUTHORIZED => Err(Denied::Unauthenticated),
        StatusCode::FORBIDDEN => Err(Denied::Forbidden),
        _ => Err(Denied::Undecided),
    }
}

/// Whether an answer means that there is nobody who could answer.
pub(super) fn is_gone(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let essence = only.to_str().ok().and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// An answer that holds: what it allows, since when and until when.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    subject: Option<Arc<str>>,
    rights: Rights,
    since: Timestamp,
    pub(super) until: Timestamp,
}

impl Admission {
    /// What `answer` allows to somebody who asked to do `action` on `asked`.
    pub(super) fn new(
        answer: Answer,
        action: Action,
        asked: &[Selector],
        since: Timestamp,
        until: Timestamp,
    ) -> Self {
        let Answer { subject, rights, .. } = answer;
        let rights = rights.or_only(asked.iter().map(|selector| meant(action, selector)));
        Self { subject, rights, since, until }
    }

    fn access(&self) -> Access {
        let access = self.rights.access().issued(self.since).until(self.until);
        match &self.subject {
            Some(subject) => access.for_subject(subject),
            None => access,
        }
    }

    /// What all of them allow together; none if they are of different subjects, or allow more than `most` in all.
    pub(super) fn join(parts: &[Arc<Self>], most: usize) -> Option<Access> {
        let (first, others) = parts.split_first()?;
        if others.is_empty() {
            return Some(first.access());
        }
        let mut whole = Self::clone(first);
        for part in others {
            if part.subject != whole.subject || whole.rights.len() > most {
                return None;
            }
            whole.rights.join(&part.rights);
            whole.since = whole.since.min(part.since);
            whole.until = whole.until.min(part.until);
        }
        (whole.rights.len() <= most).then(|| whole.access())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: &[u8] = br#"{"sub":"42","ttl":60,"rights":{"subscribe":["news.**"],"publish":["chat.*"],
        "presence":["chat.*"],"follow":["lobby"],"history":"5m","info":{"name":"Anna"}}}"#;

    #[test]
    fn all_that_is_written_is_read() {
        let answer = Answer::read(FULL).unwrap();
        assert_eq!((answer.subject.as_deref(), answer.ttl), (Some("42"), Some(Duration::from_secs(60))));
        assert_eq!(answer.rights.len(), 4);
    }

    #[test]
    fn types_are_compared_without_their_parameters() {
        for (kind, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/json;", true),
            ("application/json-seq", false),
            ("text/html; application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
            assert_eq!(is_json(&headers), expected, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn s3_no_answer_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Answer::read(&bytes);
        }

        #[test]
        fn s3_no_change_of_an_answer_panics(at in 0..FULL.len(), byte: u8, cut in 0..FULL.len()) {
            let mut bytes = FULL.to_vec();
            bytes[at] = byte;
            let _ = Answer::read(&bytes);
            prop_assert!(Answer::read(&bytes[..cut]).is_none());
        }
    }
}
