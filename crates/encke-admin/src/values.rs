//! What arguments and fields are, checked as they are read, and how things are shown.

use std::{net::IpAddr, sync::Arc, time::Duration};

use encke_core::{ChannelName, Cursor, Pattern, Selector, Timestamp};
use encke_hub::{SubscriptionId, Whom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($inner:ty): $read:expr, $($key:literal = $value:expr),*;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Deserialize, JsonSchema)]
            #[serde(try_from = "String")]
            #[schemars(inline, $(extend($key = $value)),*)]
            pub(crate) struct $name(#[schemars(with = "String")] pub(crate) $inner);

            impl TryFrom<String> for $name {
                type Error = String;

                fn try_from(text: String) -> Result<Self, String> {
                    let read: fn(&str) -> Result<$inner, String> = $read;
                    read(&text).map(Self)
                }
            }
        )*
    };
}

texts! {
    /// The name of a channel.
    Channel(ChannelName): |text| ChannelName::new(text).map_err(|error| format!("the channel {text:?}: {error}")),
        "minLength" = 1, "maxLength" = 255, "examples" = ["news.eu"];
    /// A pattern over channel names: `*` is one segment, `**` as the last one or more.
    ChannelPattern(Pattern): |text| Pattern::new(text).map_err(|error| format!("the pattern {text:?}: {error}")),
        "minLength" = 1, "maxLength" = 255, "examples" = ["news.**"];
    /// The name of a channel, or a pattern.
    Followed(Selector): |text| Selector::new(text).map_err(|error| format!("the channel {text:?}: {error}")),
        "minLength" = 1, "maxLength" = 255, "examples" = ["news.*"];
    /// A place in the log.
    Place(Cursor): |text| text.parse().map_err(|error| format!("{text:?}: {error}")),
        "maxLength" = 29, "examples" = ["7f3k2q9x-42"];
    /// An IP address.
    Address(IpAddr): |text| text.parse().map_err(|_| format!("{text:?} is no IP address")), "examples" = ["10.0.0.7"];
    /// A time span: `90s`, `10m`, `2h`, `7d`; at most a year.
    Span(Duration): span, "examples" = ["10m"];
}

fn span(text: &str) -> Result<Duration, String> {
    const YEAR: Duration = Duration::from_secs(366 * 86_400);
    let read = humantime::parse_duration(text).ok().filter(|span| *span <= YEAR && !span.is_zero());
    read.ok_or_else(|| format!("{text:?} is no time span of at most a year: 90s, 10m, 2h, 7d"))
}

/// How many items a page has, at most.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(try_from = "u64")]
#[schemars(inline, extend("minimum" = 1, "maximum" = 1000, "default" = 100))]
pub(crate) struct PageSize(pub(crate) usize);

impl TryFrom<u64> for PageSize {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, &'static str> {
        let size = usize::try_from(number).ok().filter(|size| (1..=1_000).contains(size));
        size.map(Self).ok_or("limit is a whole number from 1 to 1000")
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(100)
    }
}

impl PageSize {
    /// What to go on after, if the page is full.
    pub(crate) fn next<T, N>(self, page: &[T], name: impl FnOnce(&T) -> N) -> Option<N> {
        page.last().filter(|_| page.len() >= self.0).map(name)
    }
}

/// Whom something concerns.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Concerned {
    /// Everybody.
    Everybody,
    /// A verified subject.
    Subject(String),
    /// A client, by the name that it calls itself.
    Client(String),
    /// Who came by the token of this id.
    Token(String),
    /// One live subscription, by its number.
    Subscription(u64),
}

impl From<Concerned> for Whom {
    fn from(concerned: Concerned) -> Self {
        match concerned {
            Concerned::Everybody => Self::Everybody,
            Concerned::Subject(subject) => Self::Subject(subject.into()),
            Concerned::Client(client) => Self::Client(client.into()),
            Concerned::Token(token) => Self::Token(token.into()),
            Concerned::Subscription(id) => Self::Subscription(SubscriptionId(id)),
        }
    }
}

/// Whose rights are taken back: one live subscription has none of its own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Holder {
    /// Everybody's.
    Everybody,
    /// A verified subject's.
    Subject(String),
    /// A client's, by the name that it calls itself.
    Client(String),
    /// Of who came by the token of this id.
    Token(String),
}

impl From<Holder> for Whom {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::Everybody => Self::Everybody,
            Holder::Subject(subject) => Self::Subject(subject.into()),
            Holder::Client(client) => Self::Client(client.into()),
            Holder::Token(token) => Self::Token(token.into()),
        }
    }
}

impl From<&Whom> for Concerned {
    fn from(whom: &Whom) -> Self {
        match whom {
            Whom::Subject(subject) => Self::Subject(subject.to_string()),
            Whom::Client(client) => Self::Client(client.to_string()),
            Whom::Token(token) => Self::Token(token.to_string()),
            Whom::Subscription(id) => Self::Subscription(id.0),
            _ => Self::Everybody,
        }
    }
}

/// The names of nodes.
pub(crate) fn names(nodes: &[Arc<str>]) -> Vec<String> {
    nodes.iter().map(ToString::to_string).collect()
}

/// Whole seconds from one moment to another.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    to.as_millis().saturating_sub(from.as_millis()) / 1_000
}

/// Messages a second, to the hundredth.
#[expect(clippy::cast_precision_loss, reason = "a rate, not a count")]
pub(crate) fn per_second(count: u64, millis: u64) -> f64 {
    if millis == 0 { 0.0 } else { (count as f64 * 100_000.0 / millis as f64).round() / 100.0 }
}
