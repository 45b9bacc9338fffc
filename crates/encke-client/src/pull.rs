//! Polls and long polls: every answer is a batch.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use http::header;
use serde_json::value::RawValue;

use crate::{
    ClientError,
    ask::{Answer, Ask, Heard},
    limits::HEAD_TIME,
};

/// The most messages that are asked for at once.
const BATCH: &str = "1000";
const BATCH_MESSAGES: usize = 1_000;
/// Gateways cut an answer at 1 MiB of what messages occupy there; one of this many bytes may have been cut.
const FULL_BYTES: usize = 512 << 10;
/// A long poll that is answered with nothing before its time: the gateway leaves, or does not hold.
const UNHELD_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn poll(ask: &Ask) -> Result<Answer, ClientError> {
    let batch = pull(ask, &[], Duration::ZERO).await?;
    let pause = if batch.full { Duration::ZERO } else { ask.options.interval };
    Ok(Answer::Batch { heard: batch.heard, pause })
}

pub(crate) async fn long_poll(ask: &Ask) -> Result<Answer, ClientError> {
    // The first is not held: its answer is the place from which on nothing can be lost (D4).
    let wait = ask.place.map_or(Duration::ZERO, |_| ask.options.wait);
    let begin = Instant::now();
    let batch = pull(ask, &[("wait", &wait.as_secs().to_string())], wait).await?;
    let unheld = batch.messages == 0 && !wait.is_zero() && begin.elapsed() < wait / 2;
    Ok(Answer::Batch { heard: batch.heard, pause: if unheld { UNHELD_PAUSE } else { Duration::ZERO } })
}

struct Batch {
    heard: VecDeque<Heard>,
    messages: usize,
    full: bool,
}

async fn pull(ask: &Ask, parameters: &[(&str, &str)], wait: Duration) -> Result<Batch, ClientError> {
    let mut all = vec![("limit", BATCH)];
    all.extend_from_slice(parameters);
    let request = ask.get(&all).header(header::ACCEPT, "application/json");
    let exchange = ask.send_request(request, HEAD_TIME + wait).await?;
    let body = exchange.expect_type("application/json").await?.read(&ask.http).await?;
    read(&body)
}

/// `{"messages":[..],"cursor":".."}`, each message as the text that it is.
fn read(body: &[u8]) -> Result<Batch, ClientError> {
    let malformed = || ClientError::Malformed("the answer is no batch of messages".to_owned());
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(|_| malformed())?;
    let field = |name: &str| fields.get(name).map(|value| value.get()).ok_or_else(malformed);
    let messages: Vec<&RawValue> = serde_json::from_str(field("messages")?).map_err(|_| malformed())?;
    let cursor: String = serde_json::from_str(field("cursor")?).map_err(|_| malformed())?;
    let count = messages.len();
    let mut heard: VecDeque<_> =
        messages.into_iter().map(|item| Heard::Item(item.get().to_owned())).collect();
    heard.push_back(Heard::place(&cursor)?);
    let full = count >= BATCH_MESSAGES || body.len() >= FULL_BYTES;
    Ok(Batch { heard, messages: count, full })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_its_items_and_its_place() {
        let batch = read(br#"{"messages":[{"n":1.0}, {"n":12345678901234567890123}],"cursor":"7f3k2q9x-3"}"#);
        let Batch { heard, messages, full } = batch.unwrap();
        let texts: Vec<_> = heard.iter().map(|heard| format!("{heard:?}")).collect();
        let expected =
            [r#"Item("{\"n\":1.0}")"#, r#"Item("{\"n\":12345678901234567890123}")"#, "Place(7f3k2q9x-3)"];
        assert_eq!(texts, expected);
        assert_eq!((messages, full), (2, false));
    }

    #[test]
    fn what_may_have_been_cut_is_full() {
        let of = |items: &str| format!("{{\"messages\":[{items}],\"cursor\":\"7f3k2q9x-3\"}}");
        assert!(read(of(&vec!["1"; BATCH_MESSAGES].join(",")).as_bytes()).unwrap().full);
        assert!(!read(of(&vec!["1"; BATCH_MESSAGES - 1].join(",")).as_bytes()).unwrap().full);
        assert!(read(of(&"9".repeat(FULL_BYTES)).as_bytes()).unwrap().full);
    }

    #[test]
    fn what_is_no_batch() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"messages":[]}"#,
            r#"{"messages":{},"cursor":"7f3k2q9x-3"}"#,
            r#"{"messages":[],"cursor":3}"#,
            r#"{"messages":[],"cursor":"x"}"#,
        ] {
            assert!(matches!(read(body.as_bytes()), Err(ClientError::Malformed(_))), "{body}");
        }
    }
}
