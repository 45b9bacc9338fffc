use bytes::Bytes;
use encke::{ChannelName, Kind, Message, Publish};
use encke_wire::{Command, CommandAction, JSON_DEPTH, Problem, PublishCommand, Reply, eventtube, message_of};
use serde_json::Value;

use super::split_line;

/// A command of a WebSocket.
///
/// # Panics
/// If it is refused by another status than 400, or its id does not come back as it was.
pub fn command(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let id = match Command::parse(text) {
        Ok(Command { id, action }) => {
            if let CommandAction::Publish(command) = action {
                check_publish(command.into_publish(&[]));
            }
            id
        }
        Err(error) => {
            assert_eq!(error.problem.status, 400, "{text}");
            error.id
        }
    };
    let sent: Option<Value> =
        serde_json::from_str::<Value>(text).ok().and_then(|value| value.get("id").cloned());
    let answer = Reply::Unsubscribed { id: id.clone(), streams: None }.to_json();
    let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
    if id.is_some() && sent.is_some() {
        assert_eq!(answer.get("id"), sent.as_ref(), "{text}");
    }
}

/// A command of a client of EventTube.
///
/// # Panics
/// If it is refused by another status than 400, or what it publishes cannot be read, or is no text though a string was
/// sent.
pub fn eventtube(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sent: Option<Value> = serde_json::from_str(text).ok();
    match eventtube::Command::parse(text) {
        Ok(eventtube::Command::Publish { message, .. } | eventtube::Command::Broadcast(message)) => {
            check_message(&message);
            if let Some(string) = sent.as_ref().and_then(|sent| sent["data"].as_str()) {
                assert_eq!((message.kind(), message.as_text()), (Kind::Text, Some(string)));
            }
        }
        Ok(_) => assert!(sent.is_none_or(|sent| sent.is_object()), "{text}"),
        Err(problem) => {
            assert_eq!(problem.status, 400, "{text}");
            let frame: Value =
                serde_json::from_str(&eventtube::error(&problem.detail)).expect("an error is JSON");
            assert_eq!(frame["data"], problem.detail.as_str());
        }
    }
}

/// A line of a batch.
///
/// # Panics
/// If it is refused by another status than 400, or what it publishes cannot be read.
pub fn batch_line(data: &[u8]) {
    let default = [ChannelName::new("news").expect("a name")];
    check_publish(PublishCommand::parse(data).and_then(|command| command.into_publish(&default)));
}

fn check_publish(publish: Result<Publish, Problem>) {
    match publish {
        Ok(publish) => {
            assert!(!publish.channels().is_empty());
            check_message(publish.message());
        }
        Err(problem) => assert_eq!(problem.status, 400, "{problem:?}"),
    }
}

/// A media type, a line end, and a body.
///
/// # Panics
/// If the message is not what its kind says.
pub fn content(data: &[u8]) {
    let (content_type, body) = split_line(data);
    let content_type = std::str::from_utf8(content_type).ok();
    if let Ok(message) = message_of(content_type, Bytes::copy_from_slice(body)) {
        assert_eq!(message.data(), body);
        check_message(&message);
    }
}

fn check_message(message: &Message) {
    match message.kind() {
        Kind::Json => {
            let value: Value = serde_json::from_slice(message.data()).expect("JSON that any parser reads");
            assert!(depth(&value) <= JSON_DEPTH);
        }
        Kind::Text => assert!(message.as_text().is_some(), "text is UTF-8"),
        Kind::Binary => assert!(message.as_text().is_none()),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
