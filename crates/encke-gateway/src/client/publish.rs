use std::io::{self, IsTerminal, Read, Write};

use bytes::Bytes;
use encke_client::Receipt;
use encke_core::{ChannelName, Key, Message};
use encke_wire::message_of;

use super::{Failure, client, line::visible, written};
use crate::cli::{Exit, PublishArgs};

/// The most that is read from standard input; gateways take less.
const INPUT_BYTES: u64 = 64 << 20;

/// Publishes a message and prints its cursor.
pub async fn publish(args: PublishArgs) -> Exit {
    match try_publish(args).await {
        Ok(()) => Exit::Success,
        Err(failure) => failure.report(),
    }
}

async fn try_publish(args: PublishArgs) -> Result<(), Failure> {
    let client = client(&args.gateway)?;
    let channels = [ChannelName::new(&args.channel).map_err(|error| Failure::usage("CHANNEL", error))?];
    let key = args.key.as_deref().map(Key::new).transpose();
    let key = key.map_err(|error| Failure::usage("--key", error))?;
    let data = if args.data == "-" { input().await? } else { Bytes::from(args.data) };
    let message = message(data, args.name.as_deref())?;
    let receipt = match &key {
        Some(key) => client.publish_once(&channels, &message, key).await?,
        None => client.publish(&channels, &message).await?,
    };
    written(io::stdout().write_all(confirmation(&receipt).as_bytes())).map(|_| ())
}

/// JSON if it is that, else text, else bytes.
fn message(data: Bytes, name: Option<&str>) -> Result<Message, Failure> {
    let message = message_of(None, data).map_err(|error| Failure::usage("DATA", error))?;
    match name {
        Some(name) => message.with_name(name).map_err(|error| Failure::usage("--name", error)),
        None => Ok(message),
    }
}

/// All of standard input. A task of its own waits for it, however long a person types.
async fn input() -> Result<Bytes, Failure> {
    if io::stdin().is_terminal() {
        eprintln!("reading the data from standard input; Ctrl-D ends it");
    }
    let read = || {
        let mut data = Vec::new();
        io::stdin().lock().take(INPUT_BYTES + 1).read_to_end(&mut data).map(|_| data)
    };
    let data = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    let data = data.map_err(|error| Failure::io("reading standard input", &error))?;
    if data.len() as u64 > INPUT_BYTES {
        return Err(Failure::usage("standard input", format!("larger than {INPUT_BYTES} bytes")));
    }
    Ok(data.into())
}

/// The cursor first, so that a script can take the first word.
fn confirmation(receipt: &Receipt) -> String {
    let Receipt { cursor, subscribers, present, repeated, .. } = receipt;
    let subscribers = match subscribers {
        1 => "1 subscriber".to_owned(),
        count => format!("{count} subscribers"),
    };
    let repeated = if *repeated { ", already published with this key" } else { "" };
    let present: String = present
        .iter()
        .map(|(subject, present)| format!(", {subject} is {}there", if *present { "" } else { "not " }))
        .collect();
    format!("{cursor} to {subscribers}{}{repeated}\n", visible(&present))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use encke_core::Kind;

    use super::*;

    #[test]
    fn data_is_what_it_looks_like() {
        let kind = |data: &'static [u8]| message(Bytes::from_static(data), None).unwrap().kind();
        assert_eq!(kind(b"{\"a\":1}"), Kind::Json);
        assert_eq!(kind(b"hello"), Kind::Text);
        assert_eq!(kind(b"\xff"), Kind::Binary);
        assert_eq!(message(Bytes::new(), Some("tick")).unwrap().name(), Some("tick"));
        assert_eq!(message(Bytes::new(), Some("a\nb")).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn the_confirmation_begins_with_the_cursor() {
        let receipt = |subscribers, repeated| Receipt {
            cursor: "7f3k2q9x-4".to_owned(),
            seq: 4,
            subscribers,
            present: BTreeMap::new(),
            repeated,
            durability: None,
        };
        assert_eq!(confirmation(&receipt(1, false)), "7f3k2q9x-4 to 1 subscriber\n");
        let repeated = "7f3k2q9x-4 to 0 subscribers, already published with this key\n";
        assert_eq!(confirmation(&receipt(0, true)), repeated);
        let mut personal = receipt(0, false);
        personal.present = BTreeMap::from([("42".to_owned(), true), ("43".to_owned(), false)]);
        let there = "7f3k2q9x-4 to 0 subscribers, 42 is there, 43 is not there\n";
        assert_eq!(confirmation(&personal), there);
    }
}
