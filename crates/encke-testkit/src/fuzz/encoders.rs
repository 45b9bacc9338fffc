use std::cell::RefCell;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use encke::{
    ChannelName, Cursor, Hub, Kind, LogConfig, Message, Publish, Retention, Trusted,
    http::{Payload, PullConfig},
    iframe::{Iframe, IframeConfig, IframeService},
    poll::{Poll, PollConfig, PollService},
    sse::{Sse, SseConfig, SseService},
};
use encke_client::iframe::{Parser, Push};
use encke_wire::{ReceivedBatch, json_of};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::split_line;
use crate::{StreamEvent, ask, publish, read_event_stream, script_value};

/// A message for the batch of a poll, JSON and JSONP.
///
/// # Panics
/// If it does not come out as it went in, or if a script could be broken out of.
pub fn encode_json(data: &[u8]) {
    deliver(data, async |house, sent| {
        let batch = house.poll(sent, "").await;
        sent.check(&parse(&batch)["messages"][0]);
        assert!(ReceivedBatch::parse(batch.as_bytes()).is_ok(), "a client can read {batch}");
        let jsonp = house.poll(sent, "&callback=cb").await;
        let call = jsonp.strip_prefix("/**/cb(").and_then(|call| call.strip_suffix(");"));
        sent.check(&script_value(call.expect("one call"))["messages"][0]);
    });
}

/// A message for an event stream.
///
/// # Panics
/// If it does not come out as exactly one event that says what went in.
pub fn encode_stream(data: &[u8]) {
    deliver(data, async |house, sent| {
        for (payload, stream) in [(Payload::Envelope, &mut house.sse), (Payload::Data, &mut house.sse_data)] {
            let stream = ask(stream, &sent.target("/sse", "")).await.into_body();
            assert!(!stream.contains(&b'\r'), "one spelling for the end of a line");
            let events = read_event_stream(&stream);
            let [opening, StreamEvent { name, data: Some(data), id }] = &events[..] else {
                panic!("{events:?} is not the opening and one event");
            };
            assert_eq!((&opening.data, opening.id.as_str()), (&None, sent.since.to_string().as_str()));
            assert_eq!((name.as_str(), id), (sent.event(), &sent.cursor.to_string()));
            match (payload, sent.message.as_text().filter(|_| sent.message.kind() == Kind::Text)) {
                (Payload::Data, Some(text)) => {
                    assert_eq!(
                        *data,
                        text.replace("\r\n", "\n").replace('\r', "\n"),
                        "each line end is an LF"
                    );
                }
                (Payload::Data, None) => assert_eq!(parse(data), sent.data()),
                (Payload::Envelope, _) => sent.check(&parse(data)),
            }
        }
    });
}

/// A message for a forever-iframe.
///
/// # Panics
/// If it does not come out as the argument of exactly one call in a script that nothing can break out of.
pub fn encode_frame(data: &[u8]) {
    deliver(data, async |house, sent| {
        for (payload, frame) in
            [(Payload::Envelope, &mut house.frame), (Payload::Data, &mut house.frame_data)]
        {
            let document = ask(frame, &sent.target("/iframe", "&callback=handle")).await.into_body();
            let document = String::from_utf8(document).expect("a document of UTF-8");
            let (_, calls) = document.split_once("-->\n").expect("a comment that pads");
            let place = format!("c(\"{}\")</script>\n", sent.since);
            let (begin, push) = calls.split_once(&place).expect("the place that it begins at");
            let push = push.strip_prefix(begin).and_then(|push| push.strip_prefix("m("));
            let argument =
                push.and_then(|push| push.strip_suffix(&format!(",\"{}\")</script>\n", sent.cursor)));
            let value = script_value(argument.unwrap_or_else(|| panic!("{calls} is not one push")));
            match payload {
                Payload::Envelope => sent.check(&value),
                Payload::Data => assert_eq!(value, sent.data()),
            }
            // Our own client reads the same of it.
            let mut read = Vec::new();
            Parser::new(calls.len()).feed(calls.as_bytes(), &mut read).expect("no limit is reached");
            let [Push::Place(place), Push::Item(item)] = &read[..] else { panic!("a client reads {read:?}") };
            assert_eq!((place, parse(item)), (&sent.since.to_string(), value));
        }
    });
}

/// A message that was published, and what is known of it.
struct Sent {
    channel: String,
    message: Message,
    since: Cursor,
    cursor: Cursor,
}

impl Sent {
    fn target(&self, path: &str, more: &str) -> String {
        let channel: String = form_urlencoded::byte_serialize(self.channel.as_bytes()).collect();
        format!("{path}?channel={channel}&since={}{more}", self.since)
    }

    /// The type of its event, as a page sees it.
    fn event(&self) -> &str {
        let own = self.message.name().filter(|name| !matches!(*name, "open" | "error" | "gap"));
        own.unwrap_or("message")
    }

    fn data(&self) -> Value {
        match (self.message.kind(), self.message.as_text()) {
            (Kind::Json, Some(text)) => parse(text),
            (_, Some(text)) => json!(text),
            (_, None) => json!({ "base64": STANDARD.encode(self.message.data()) }),
        }
    }

    fn check(&self, envelope: &Value) {
        assert_eq!(envelope["type"], "message");
        assert_eq!(envelope["channel"], self.channel.as_str());
        assert_eq!(envelope["cursor"], self.cursor.to_string());
        assert_eq!(envelope.get("name").and_then(Value::as_str), self.message.name());
        assert_eq!(envelope["data"], self.data());
    }
}

/// A house has so many channels; then it is built anew.
const CHANNELS: usize = 1_000;

/// A hub with all that encodes.
struct House {
    hub: Hub,
    poll: PollService,
    sse: SseService,
    sse_data: SseService,
    frame: IframeService,
    frame_data: IframeService,
}

impl House {
    fn new() -> Self {
        let retention = Retention { count: 4, ..Retention::default() };
        let config = LogConfig { retention, channels: CHANNELS, ..LogConfig::default() };
        let hub = Hub::builder().authorizer(Trusted).log(config).build().expect("random bits for an epoch");
        let frame = |payload| Iframe::service(hub.clone(), IframeConfig::default().payload(payload));
        let sse = |payload| Sse::service(hub.clone(), SseConfig::default().payload(payload));
        let pull = PullConfig::default().jsonp(true);
        Self {
            poll: Poll::service(hub.clone(), PollConfig::default().pull(pull)),
            sse: sse(Payload::Envelope),
            sse_data: sse(Payload::Data),
            frame: frame(Payload::Envelope),
            frame_data: frame(Payload::Data),
            hub,
        }
    }

    async fn poll(&mut self, sent: &Sent, more: &str) -> String {
        let answer = ask(&mut self.poll, &sent.target("/poll", more)).await;
        String::from_utf8(answer.into_body()).expect("an answer of UTF-8")
    }

    async fn publish(&mut self, channel: ChannelName, message: Message) -> Sent {
        let since = self.hub.log_info().head;
        let cursor = publish(&self.hub, Publish::new(channel.clone(), message.clone())).await;
        Sent { channel: channel.as_str().to_owned(), message, since, cursor }
    }
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    static HOUSE: RefCell<House> = RefCell::new(House::new());
}

/// Publishes the message that an input describes: its kind, its name, its channel and its data, on a line each.
fn deliver(input: &[u8], check: impl AsyncFnOnce(&mut House, &Sent)) {
    let (kind, rest) = split_line(input);
    let (name, rest) = split_line(rest);
    let (channel, data) = split_line(rest);
    let data = Bytes::copy_from_slice(data);
    let message = match kind.first() {
        Some(b'j') => json_of(data.clone()).unwrap_or_else(|_| Message::binary(data)),
        Some(b't') => Message::utf8(data).unwrap_or_else(Message::binary),
        _ => Message::binary(data),
    };
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let message = message.clone().with_name(text(name)).unwrap_or(message);
    let channel =
        ChannelName::new(text(channel)).unwrap_or_else(|_| ChannelName::new("news").expect("a name"));
    RUNTIME.with(|runtime| {
        HOUSE.with_borrow_mut(|house| {
            if house.hub.log_info().channels == CHANNELS {
                *house = House::new();
            }
            runtime.block_on(async {
                let sent = house.publish(channel, message).await;
                check(house, &sent).await;
            });
        });
    });
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}
