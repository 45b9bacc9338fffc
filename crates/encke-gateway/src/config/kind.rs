//! The kinds of routes, each with its own options.

use std::time::Duration;

use encke_core::ChannelName;

use super::{
    access::Access,
    auth::AuthName,
    kind_options::{read_channels, read_publishers},
    limits::Stream,
    options::{Callback, ChannelSource, EmptyBody, FieldName, MediaType, Order, Payload},
    origins::WebOrigin,
    route::Inherited,
    scalar::Choice,
    section::{Section, read_nothing},
};

/// What a route serves, with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteKind {
    /// Answers at once with what there is.
    Poll(Poll),
    /// Holds the request until there is something.
    Longpoll(Longpoll),
    /// Server-sent events.
    Sse(Sse),
    /// A stream of scripts for a frame.
    Iframe(Iframe),
    /// WebSocket.
    Ws(Ws),
    /// Publish by POST.
    Publish(Publish),
    /// The commands of clients by POST; who may use the command `publish` is decided by address.
    Commands {
        /// Who may publish.
        publishers: Access,
    },
    /// The list of channels, or the one that the source names.
    Channels(Option<ChannelSource>),
    /// The files of the browser SDK, of which the last segment of the path names one.
    Sdk,
    /// Whether the process lives.
    Health,
    /// Whether new clients should be sent here.
    Ready,
    /// Figures for Prometheus.
    Metrics,
    /// The start page.
    Page,
}

/// Options of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Where the channels come from.
    pub channel: ChannelSource,
    /// What is delivered of each message.
    pub payload: Payload,
    /// Each message (where it is a JSON object) also carries its cursor under this name.
    pub cursor_field: Option<FieldName>,
    /// The order of the messages.
    pub order: Order,
    /// A client that sends no cursor has it kept in a cookie.
    pub cookie: bool,
    /// `callback=` asks for JSONP.
    pub jsonp: bool,
}

/// Options of a long-poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longpoll {
    /// Where the channels come from.
    pub channel: ChannelSource,
    /// The hold of a request that does not say for how long; 0 to 60 s.
    pub wait: Duration,
    /// A client that sends no cursor has it kept in a cookie.
    pub cookie: bool,
    /// What ends the hold.
    pub answer: Answer,
}

/// What a long-poll answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The data of one message, as it was published.
    One {
        /// The answer when the hold ends without a message; 204 if there is none.
        empty: Option<EmptyBody>,
    },
    /// All that there is, as a batch; an empty one when the hold ends without a message.
    Batch {
        /// What is delivered of each message.
        payload: Payload,
        /// Each message (where it is a JSON object) also carries its cursor under this name.
        cursor_field: Option<FieldName>,
        /// How long to gather more after the first message; 0 to 5 s.
        linger: Duration,
        /// `callback=` asks for JSONP.
        jsonp: bool,
    },
}

/// Options of server-sent events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sse {
    /// Where the channels come from.
    pub channel: ChannelSource,
    /// What is delivered of each message.
    pub payload: Payload,
    /// The life of the stream.
    pub stream: Stream,
}

/// Options of a forever-iframe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iframe {
    /// Where the channels come from.
    pub channel: ChannelSource,
    /// What is delivered of each message.
    pub payload: Payload,
    /// The life of the stream.
    pub stream: Stream,
    /// The function of the parent page that is called, unless the request names one.
    pub callback: Callback,
    /// Parents of other origins that may ask for messages by `postMessage`.
    pub post_message: Vec<WebOrigin>,
}

/// Options of a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ws {
    /// What the frames are.
    pub dialect: Dialect,
    /// The life of the connection.
    pub stream: Stream,
}

/// What the frames of a WebSocket are, both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialect {
    /// Our own.
    Native {
        /// Where the channels come from that are followed from the start.
        channel: ChannelSource,
        /// What is delivered of each message.
        payload: Payload,
        /// What a client's frames are.
        incoming: Incoming,
    },
    /// That of EventTube.
    EventTube {
        /// The channel of broadcasts.
        broadcast: ChannelName,
        /// Who may publish.
        publishers: Access,
    },
}

/// What the frames of a WebSocket's client are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Commands; who may use the command `publish` is decided by address.
    Commands {
        /// Who may publish.
        publishers: Access,
    },
    /// Data, published to the channels of the route.
    Publish,
    /// Nothing: they are dropped.
    Ignore,
}

/// Options of publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Where the channels come from.
    pub channel: ChannelSource,
    /// The type of a body that comes without one.
    pub content_type: Option<MediaType>,
}

/// Requests of which kind a route takes, where several share a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Those that publish.
    Post,
    /// Upgrades to WebSocket.
    Upgrade,
    /// Upgrades that do not ask for the native dialect.
    ForeignUpgrade,
    /// All others.
    Others,
}

impl Takes {
    /// Whether all that `other` takes is taken here too.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self == other || self == Self::Upgrade && other == Self::ForeignUpgrade
    }
}

impl RouteKind {
    /// The name of the kind in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().word()
    }

    /// Where the channels come from.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelSource> {
        match self {
            Self::Poll(Poll { channel, .. })
            | Self::Longpoll(Longpoll { channel, .. })
            | Self::Sse(Sse { channel, .. })
            | Self::Iframe(Iframe { channel, .. })
            | Self::Ws(Ws { dialect: Dialect::Native { channel, .. }, .. })
            | Self::Publish(Publish { channel, .. }) => Some(channel),
            Self::Channels(channel) => channel.as_ref(),
            Self::Ws(_)
            | Self::Commands { .. }
            | Self::Sdk
            | Self::Health
            | Self::Ready
            | Self::Metrics
            | Self::Page => None,
        }
    }

    /// The requests that it is for.
    #[must_use]
    pub fn takes(&self) -> Takes {
        match self {
            Self::Publish(_) | Self::Commands { .. } => Takes::Post,
            Self::Ws(Ws { dialect: Dialect::Native { .. }, .. }) => Takes::Upgrade,
            Self::Ws(Ws { dialect: Dialect::EventTube { .. }, .. }) => Takes::ForeignUpgrade,
            _ => Takes::Others,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Poll(_) => Kind::Poll,
            Self::Longpoll(_) => Kind::Longpoll,
            Self::Sse(_) => Kind::Sse,
            Self::Iframe(_) => Kind::Iframe,
            Self::Ws(_) => Kind::Ws,
            Self::Publish(_) => Kind::Publish,
            Self::Commands { .. } => Kind::Commands,
            Self::Channels(_) => Kind::Channels,
            Self::Sdk => Kind::Sdk,
            Self::Health => Kind::Health,
            Self::Ready => Kind::Ready,
            Self::Metrics => Kind::Metrics,
            Self::Page => Kind::Page,
        }
    }
}

/// The word after `kind =`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Poll,
    Longpoll,
    Sse,
    Iframe,
    Ws,
    Publish,
    Commands,
    Channels,
    Sdk,
    Health,
    Ready,
    Metrics,
    Page,
}

impl Choice for Kind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("poll", Self::Poll),
        ("longpoll", Self::Longpoll),
        ("sse", Self::Sse),
        ("iframe", Self::Iframe),
        ("ws", Self::Ws),
        ("publish", Self::Publish),
        ("commands", Self::Commands),
        ("channels", Self::Channels),
        ("sdk", Self::Sdk),
        ("health", Self::Health),
        ("ready", Self::Ready),
        ("metrics", Self::Metrics),
        ("page", Self::Page),
    ];
}

impl Kind {
    /// Whether it matters for a route of this kind who decides about access.
    pub(super) fn asks(self) -> bool {
        !matches!(self, Self::Sdk | Self::Health | Self::Ready | Self::Metrics | Self::Page)
    }

    /// Who may use a route of this kind that does not say: what changes or shows the whole log is for this machine,
    /// unless somebody decides about it.
    pub(super) fn default_access(self, auth: &AuthName) -> Access {
        match self {
            Self::Metrics => Access::loopback(),
            Self::Publish | Self::Channels if auth.is_open() => Access::loopback(),
            _ => Access::all(),
        }
    }

    /// The options of the other kinds, each with the reason why it is not valid here.
    pub(super) fn names_of_others(self) -> Vec<(&'static str, String)> {
        let all: Vec<(&str, &str)> =
            Self::ALL.iter().flat_map(|(word, kind)| kind.names().map(|name| (name, *word))).collect();
        let because = |name: &str| {
            let kinds: Vec<String> =
                all.iter().filter(|(other, _)| *other == name).map(|(_, word)| format!("`{word}`")).collect();
            format!("`{name}` belongs to {}, not to `{}`", kinds.join(", "), self.word())
        };
        all.iter().map(|(name, _)| (*name, because(name))).collect()
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        let nothing = Inherited::default();
        let (_, names) = read_nothing(|s| self.read(s, &nothing, None));
        names.into_iter()
    }

    /// Reads the options of this kind; `None` if one is wrong without which it cannot be. `capture` is the name of the
    /// path's captured segment.
    pub(super) fn read(
        self,
        s: &mut Section<'_>,
        inherited: &Inherited,
        capture: Option<&str>,
    ) -> Option<RouteKind> {
        Some(match self {
            Self::Poll => RouteKind::Poll(Poll::read(s, capture)?),
            Self::Longpoll => RouteKind::Longpoll(Longpoll::read(s, capture)?),
            Self::Sse => RouteKind::Sse(Sse::read(s, inherited, capture)?),
            Self::Iframe => RouteKind::Iframe(Iframe::read(s, inherited, capture)?),
            Self::Ws => RouteKind::Ws(Ws::read(s, inherited, capture)?),
            Self::Publish => RouteKind::Publish(Publish::read(s, capture)?),
            Self::Commands => RouteKind::Commands { publishers: read_publishers(s, &inherited.auth) },
            Self::Channels => RouteKind::Channels(read_channels(s, capture)?),
            Self::Sdk => RouteKind::Sdk,
            Self::Health => RouteKind::Health,
            Self::Ready => RouteKind::Ready,
            Self::Metrics => RouteKind::Metrics,
            Self::Page => RouteKind::Page,
        })
    }
}
