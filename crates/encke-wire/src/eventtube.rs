//! The dialect of EventTube: its clients speak it on WebSocket, one JSON object of strings in each text frame.
//!
//! What it calls an event is a channel. It knows no places and no answers, so a gap or a refusal is told in a frame
//! `{"type":"error","event":"","data":".."}`. Its clients look for listeners of the `event` of a frame; none listen to
//! the empty one, which names no channel.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use encke_core::{ChannelName, Delivery, Encode, Gap, Kind, Message, NameError, Selector};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Data, Problem, json_of, write_string};

/// What a client asks for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Command {
    /// Follow a channel or a pattern.
    Subscribe(Selector),
    /// Follow it no longer.
    Unsubscribe(Selector),
    /// Publish to a channel.
    Publish {
        /// Its name.
        channel: ChannelName,
        /// What.
        message: Message,
    },
    /// Publish to everybody; the event is the name of the message.
    Broadcast(Message),
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(rename = "event", borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl Command {
    /// Reads a command: `{"type":"publish","event":"news","data":"hello"}`.
    ///
    /// Data that is a string is text, and without data the text is empty; any other data is JSON.
    ///
    /// # Errors
    /// [`Problem`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        // What serde reads into a struct may also be an array of its values.
        if !text.trim_start().starts_with('{') {
            return Err(Problem::bad_request("a command is a JSON object with type, event and data"));
        }
        let Fields { kind, name, data } = serde_json::from_str(text)
            .map_err(|error| Problem::bad_request(format!("not a command: {error}")))?;
        match kind.as_ref() {
            "subscribe" => Ok(Self::Subscribe(Selector::new(&name).map_err(wrong_name)?)),
            "unsubscribe" => Ok(Self::Unsubscribe(Selector::new(&name).map_err(wrong_name)?)),
            "publish" => {
                let channel = ChannelName::new(&name).map_err(wrong_name)?;
                Ok(Self::Publish { channel, message: content(data)? })
            }
            "broadcast" if name.is_empty() => Ok(Self::Broadcast(content(data)?)),
            "broadcast" => Ok(Self::Broadcast(content(data)?.with_name(&name).map_err(wrong_name)?)),
            _ => Err(Problem::bad_request(
                "the type of a command is one of subscribe, unsubscribe, publish, broadcast",
            )),
        }
    }
}

fn wrong_name(error: NameError) -> Problem {
    Problem::bad_channel(format!("the event: {error}"))
}

fn content(data: Option<&RawValue>) -> Result<Message, Problem> {
    let wrong = |error: &dyn std::fmt::Display| Problem::bad_content(format!("the data: {error}"));
    let Some(data) = data.map(RawValue::get) else { return Ok(Message::text("")) };
    if data.starts_with('"') {
        let text: String = serde_json::from_str(data).map_err(|error| wrong(&error))?;
        return Ok(Message::text(text));
    }
    json_of(data.to_owned().into()).map_err(|error| wrong(&error))
}

/// A message as a frame for each channel that it comes by, because its clients look for listeners of one at a time; `None`
/// after the last. The first is encoded once.
///
/// It is `{"event":"news","data":".."}`, and by the channel of broadcasts `{"type":"broadcast","event":"..","data":".."}`, where
/// the event is the name of the message, or empty. `data` is always a string: text and JSON strings as they are, any
/// other JSON as its text, the rest in base64.
#[must_use]
pub fn message(delivery: &Delivery, nth: usize, broadcast: &ChannelName) -> Option<Bytes> {
    let Some(other) = nth.checked_sub(1) else {
        let is_broadcast = delivery.channel() == broadcast;
        return Some(if is_broadcast {
            delivery.encoded::<Broadcast>()
        } else {
            delivery.encoded::<Published>()
        });
    };
    let (channel, _) = delivery.also().nth(other)?;
    let mut out = Vec::new();
    if channel == broadcast {
        Broadcast::encode(delivery, &mut out);
    } else {
        write_published(channel, delivery, &mut out);
    }
    Some(out.into())
}

struct Published;

impl Encode for Published {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        write_published(delivery.channel(), delivery, out);
    }
}

struct Broadcast;

impl Encode for Broadcast {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"broadcast\",");
        write_fields(delivery.message().name().unwrap_or_default(), delivery, out);
    }
}

fn write_published(channel: &ChannelName, delivery: &Delivery, out: &mut Vec<u8>) {
    out.push(b'{');
    write_fields(channel.as_str(), delivery, out);
}

fn write_fields(name: &str, delivery: &Delivery, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"event\":");
    write_string(name, out);
    out.extend_from_slice(b",\"data\":");
    let message = delivery.message();
    match (message.kind(), message.as_text()) {
        (Kind::Json, Some(json)) if !json.trim_start().starts_with('"') => write_string(json, out),
        (_, Some(_)) => Data::encode(delivery, out),
        (_, None) => write_string(&STANDARD.encode(message.data()), out),
    }
    out.push(b'}');
}

#[derive(Serialize)]
struct Frame<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "event")]
    name: &'static str,
    data: &'a str,
}

/// The first frame of a connection, upon which its client subscribes.
#[must_use]
pub fn greeting(client: &str) -> String {
    Frame { kind: None, name: "CLIENT_CONNECTED", data: client }.to_json()
}

/// What is wrong, in words, as a frame that no listener of a client hears.
#[must_use]
pub fn error(text: &str) -> String {
    Frame { kind: Some("error"), name: "", data: text }.to_json()
}

/// A gap as an error.
#[must_use]
pub fn gap(gap: &Gap) -> String {
    let Gap { channel, from, to, reason } = gap;
    error(&format!("messages of {channel} are missing ({reason}: {from} to {to}); load its state anew"))
}

impl Frame<'_> {
    fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use encke_core::{Epoch, Limit, Log, LogConfig, Publish, Since, Timestamp};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn commands_are_read() {
        let selects = |text: &str| match Command::parse(text).unwrap() {
            Command::Subscribe(selector) => ("subscribe", selector.to_string()),
            Command::Unsubscribe(selector) => ("unsubscribe", selector.to_string()),
            other => panic!("{other:?}"),
        };
        assert_eq!(selects(r#"{"event":"news","type":"subscribe"}"#), ("subscribe", "news".to_owned()));
        assert_eq!(
            selects(r#" {"type":"unsubscribe","event":"a.*","data":"x","id":[1]}"#),
            ("unsubscribe", "a.*".to_owned())
        );

        let published = |data: &str| {
            let text = format!(r#"{{"type":"publish","event":"caf\u00e9"{data}}}"#);
            let Command::Publish { channel, message } = Command::parse(&text).unwrap() else { panic!() };
            assert_eq!(channel.as_str(), "caf\u{e9}");
            message
        };
        assert_eq!(published(r#","data":"a\n\"b\"""#), Message::text("a\n\"b\""));
        assert_eq!(published(r#","data":{"a": [1]}"#), Message::json(r#"{"a": [1]}"#));
        assert_eq!(published(""), Message::text(""));
        assert_eq!(published(r#","data":null"#), Message::text(""));

        let broadcast = |text: &str| match Command::parse(text).unwrap() {
            Command::Broadcast(message) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(broadcast(r#"{"type":"broadcast","data":"x"}"#), Message::text("x"));
        assert_eq!(
            broadcast(r#"{"type":"broadcast","event":"all","data":"x"}"#),
            Message::text("x").with_name("all").unwrap()
        );
    }

    #[test]
    fn what_is_no_command_says_what_would_be() {
        let long = format!(r#"{{"type":"broadcast","event":"{}"}}"#, "x".repeat(256));
        let deep = format!(r#"{{"type":"publish","event":"a","data":{}{}}}"#, "[".repeat(33), "]".repeat(33));
        let cases = [
            ("", "bad-request", "JSON object"),
            (r#"["subscribe","news"]"#, "bad-request", "JSON object"),
            ("{", "bad-request", "not a command"),
            ("{}", "bad-request", "one of subscribe, unsubscribe, publish, broadcast"),
            (r#"{"type":"fly","event":"a"}"#, "bad-request", "one of subscribe"),
            (r#"{"type":1,"event":"a"}"#, "bad-request", "invalid type"),
            (r#"{"type":"subscribe","event":["a"]}"#, "bad-request", "invalid type"),
            (r#"{"type":"subscribe"}"#, "bad-channel", "the event: a name is at least"),
            (r#"{"type":"subscribe","event":"**.a"}"#, "bad-channel", "last segment"),
            (r#"{"type":"publish","event":"a.*","data":"x"}"#, "bad-channel", "cannot be part of a name"),
            (r#"{"type":"publish","event":"a","data":"\ud800"}"#, "bad-content", "the data"),
            (r#"{"type":"publish","event":"a","data":1e999}"#, "bad-content", "the data"),
            (&deep, "bad-content", "nested deeper"),
            (&long, "bad-channel", "the event: "),
        ];
        for (text, kind, part) in cases {
            let problem = Command::parse(text).unwrap_err();
            assert_eq!(problem.kind, format!("urn:encke:problem:{kind}"), "{text}");
            assert!(problem.detail.contains(part), "{text}: {}", problem.detail);
        }
    }

    #[test]
    fn frames_hold_strings_on_one_line() {
        let log = Log::new(Epoch::from_bits(1), LogConfig::default());
        let name = ChannelName::new("n\"1").unwrap();
        let mut tail = log.open([name.clone().into()], Since::Latest, Timestamp::default()).unwrap();
        let mut frame = |sent: Message, broadcast: &str| {
            log.append(Publish::new(name.clone(), sent), Timestamp::default()).map(drop).unwrap();
            let delivery = tail.read(Limit::default()).messages.remove(0);
            let broadcast = ChannelName::new(broadcast).unwrap();
            assert_eq!(message(&delivery, 1, &broadcast), None);
            let frame = message(&delivery, 0, &broadcast).unwrap();
            assert!(!frame.contains(&b'\n'), "its client would cut it");
            serde_json::from_slice::<Value>(&frame).unwrap()
        };
        let cases = [
            (Message::text("a\nb"), "a\nb"),
            (Message::json(" \"a\\nb\"\n"), "a\nb"),
            (Message::json("{\"a\":\n1}"), "{\"a\":\n1}"),
            (Message::json("null"), "null"),
            (Message::binary(&b"\x00\xff"[..]), "AP8="),
        ];
        for (sent, data) in cases {
            let named = sent.clone().with_name("x").unwrap();
            let published = json!({ "event": "n\"1", "data": data });
            assert_eq!(
                [frame(sent.clone(), "all"), frame(named.clone(), "all")],
                [published.clone(), published]
            );
            assert_eq!(frame(sent, "n\"1"), json!({ "type": "broadcast", "event": "", "data": data }));
            assert_eq!(frame(named, "n\"1"), json!({ "type": "broadcast", "event": "x", "data": data }));
        }
        assert_eq!(greeting("k3"), r#"{"event":"CLIENT_CONNECTED","data":"k3"}"#);
        assert_eq!(error("no \"x\""), r#"{"type":"error","event":"","data":"no \"x\""}"#);
    }

    #[test]
    fn a_message_of_several_channels_is_a_frame_for_each() {
        let log = Log::new(Epoch::from_bits(1), LogConfig::default());
        let name = |name: &str| ChannelName::new(name).unwrap();
        let followed = ["a", "all", "b"].map(|channel| name(channel).into());
        let mut tail = log.open(followed, Since::Latest, Timestamp::default()).unwrap();
        let publish = Publish::new(name("a"), Message::text("x"));
        let publish = publish.also_to(name("secret")).also_to(name("all")).also_to(name("b"));
        log.append(publish, Timestamp::default()).map(drop).unwrap();
        let delivery = tail.read(Limit::default()).messages.remove(0);
        let frames = (0..).map_while(|nth| message(&delivery, nth, &name("all")));
        let expected = [
            r#"{"event":"a","data":"x"}"#,
            r#"{"type":"broadcast","event":"","data":"x"}"#,
            r#"{"event":"b","data":"x"}"#,
        ];
        assert_eq!(frames.collect::<Vec<_>>(), expected);
    }
}
