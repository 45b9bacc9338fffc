//! Reading the options of each kind of route.

use std::time::Duration;

use bytesize::ByteSize;
use encke_core::ChannelName;

use super::{
    access::Access,
    auth::AuthName,
    kind::{Answer, Dialect, Iframe, Incoming, Longpoll, Poll, Publish, Sse, Ws},
    limits::Stream,
    options::{Callback, ChannelSource, FieldName, Order, Payload},
    route::Inherited,
    scalar::{Choice, quoted},
    section::Section,
};

impl Poll {
    pub(super) fn read(s: &mut Section<'_>, capture: Option<&str>) -> Option<Self> {
        let channel = ChannelSource::read(s, capture);
        let payload = s.get("payload", Payload::Envelope);
        Some(Self {
            payload,
            cursor_field: read_cursor_field(s, payload),
            order: s.get("order", Order::Ascending),
            cookie: s.get("cookie", false),
            jsonp: s.get("jsonp", false),
            channel: channel?,
        })
    }
}

impl Longpoll {
    pub(super) fn read(s: &mut Section<'_>, capture: Option<&str>) -> Option<Self> {
        let channel = ChannelSource::read(s, capture);
        let wait = s.get_in("wait", Duration::from_secs(25), Duration::ZERO..=Duration::from_secs(60));
        let cookie = s.get("cookie", false);
        let answer = if s.get("one", false) {
            for key in ["payload", "cursor_field", "linger", "jsonp"] {
                s.refuse(key, "with `one = true`: the answer is the data of one message, as it is");
            }
            Answer::One { empty: s.optional("empty") }
        } else {
            s.also_known(&["empty"]);
            s.refuse("empty", "without `one = true`: a batch has a body, also without a message");
            let payload = s.get("payload", Payload::Envelope);
            Answer::Batch {
                payload,
                cursor_field: read_cursor_field(s, payload),
                linger: s.get_in("linger", Duration::ZERO, Duration::ZERO..=Duration::from_secs(5)),
                jsonp: s.get("jsonp", false),
            }
        };
        Some(Self { wait, cookie, answer, channel: channel? })
    }
}

impl Sse {
    pub(super) fn read(s: &mut Section<'_>, inherited: &Inherited, capture: Option<&str>) -> Option<Self> {
        let channel = ChannelSource::read(s, capture);
        let payload = s.get("payload", Payload::Envelope);
        Some(Self { payload, stream: read_stream(s, inherited), channel: channel? })
    }
}

impl Iframe {
    pub(super) fn read(s: &mut Section<'_>, inherited: &Inherited, capture: Option<&str>) -> Option<Self> {
        let channel = ChannelSource::read(s, capture);
        Some(Self {
            payload: s.get("payload", Payload::Envelope),
            callback: s.get("callback", Callback::default()),
            post_message: s.list("post_message", Vec::new()),
            stream: read_stream(s, &Inherited { stream: short(inherited.stream), ..Inherited::default() }),
            channel: channel?,
        })
    }
}

impl Ws {
    pub(super) fn read(s: &mut Section<'_>, inherited: &Inherited, capture: Option<&str>) -> Option<Self> {
        let dialect = match s.get("dialect", DialectWord::Native) {
            DialectWord::Native => {
                s.also_known(&["broadcast"]);
                s.refuse("broadcast", "without `dialect = \"eventtube\"`: the native one has no broadcasts");
                Dialect::read_native(s, capture, &inherited.auth)
            }
            DialectWord::EventTube => {
                for key in ["channel", "payload", "incoming"] {
                    s.refuse(key, "with `dialect = \"eventtube\"`: that says what the frames are, both ways");
                }
                Dialect::read_eventtube(s, &inherited.auth)
            }
        };
        let stream = read_stream(s, inherited);
        Some(Self { dialect: dialect?, stream })
    }
}

impl Dialect {
    fn read_native(s: &mut Section<'_>, capture: Option<&str>, auth: &AuthName) -> Option<Self> {
        let channel_at = s.place("channel");
        let channel = ChannelSource::read(s, capture);
        let payload = s.get("payload", Payload::Envelope);
        let incoming = match s.get("incoming", IncomingWord::Commands) {
            IncomingWord::Commands => Incoming::Commands { publishers: read_publishers(s, auth) },
            word => {
                s.refuse(
                    "publishers",
                    &format!("with `incoming = {}`: it is about the command", quoted(word.word())),
                );
                if word == IncomingWord::Publish { Incoming::Publish } else { Incoming::Ignore }
            }
        };
        let channel = channel?;
        if incoming == Incoming::Publish {
            channel.refuse_patterns(s, channel_at);
        }
        Some(Self::Native { channel, payload, incoming })
    }

    fn read_eventtube(s: &mut Section<'_>, auth: &AuthName) -> Option<Self> {
        let broadcast = s.get("broadcast", ChannelName::new("broadcast").ok()?);
        Some(Self::EventTube { broadcast, publishers: read_publishers(s, auth) })
    }
}

impl Publish {
    pub(super) fn read(s: &mut Section<'_>, capture: Option<&str>) -> Option<Self> {
        let channel_at = s.place("channel");
        let channel = ChannelSource::read(s, capture);
        let content_type = s.optional("content_type");
        let channel = channel?;
        channel.refuse_patterns(s, channel_at);
        Some(Self { channel, content_type })
    }
}

/// The channel of a route of kind `channels`: without a source the route lists them all. `None` if it is wrong.
pub(super) fn read_channels(s: &mut Section<'_>, capture: Option<&str>) -> Option<Option<ChannelSource>> {
    s.also_known(&["channel"]);
    if s.has("channel") || capture.is_some() {
        return ChannelSource::read(s, capture).map(Some);
    }
    Some(None)
}

/// A browser keeps the whole document of a frame for as long as it streams, so that is short unless the route says
/// otherwise.
fn short(stream: Stream) -> Stream {
    Stream { bytes: stream.bytes.min(ByteSize::mib(1)), ..stream }
}

fn read_stream(s: &mut Section<'_>, inherited: &Inherited) -> Stream {
    s.inherit("[stream]", |s| Stream::read(s, inherited.stream))
}

/// Where somebody decides about access, the address has nothing more to say.
pub(super) fn read_publishers(s: &mut Section<'_>, auth: &AuthName) -> Access {
    let default = if auth.is_open() { Access::loopback() } else { Access::all() };
    Access { allow: s.list("publishers", default.allow), deny: Vec::new() }
}

fn read_cursor_field(s: &mut Section<'_>, payload: Payload) -> Option<FieldName> {
    const ENVELOPE: [&str; 8] = ["type", "channel", "seq", "prev", "cursor", "time", "name", "data"];
    let at = s.place("cursor_field");
    let field: FieldName = s.optional("cursor_field")?;
    if payload == Payload::Envelope && ENVELOPE.contains(&field.as_str()) {
        let wrong = format!("the envelope has a field `{}` already", field.as_str());
        s.wrong(at, wrong, "choose another name, such as \"id\"");
    }
    Some(field)
}

/// The word after `dialect =`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DialectWord {
    Native,
    EventTube,
}

impl Choice for DialectWord {
    const ALL: &'static [(&'static str, Self)] = &[("native", Self::Native), ("eventtube", Self::EventTube)];
}

/// The word after `incoming =`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IncomingWord {
    Commands,
    Publish,
    Ignore,
}

impl Choice for IncomingWord {
    const ALL: &'static [(&'static str, Self)] =
        &[("commands", Self::Commands), ("publish", Self::Publish), ("ignore", Self::Ignore)];
}
