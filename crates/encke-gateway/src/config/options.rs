//! The values that only routes have.

use encke_core::Selector;
use http::{HeaderName, HeaderValue};

use super::{
    diagnostic::Place,
    scalar::{Choice, Scalar, quoted},
    section::Section,
};

/// Where the channels of a request come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelSource {
    /// Every query parameter of this name.
    Query(FieldName),
    /// The captured segment of the path.
    Segment,
    /// The header of this name.
    Header(HeaderName),
    /// Always these; at least one.
    Fixed(Vec<Selector>),
}

impl ChannelSource {
    /// Reads `channel`, of which one key must be set. Without it: the captured segment, or else the query parameter
    /// `channel`.
    pub(super) fn read(section: &mut Section<'_>, capture: Option<&str>) -> Option<Self> {
        const KEYS: [&str; 4] = ["query", "segment", "header", "fixed"];
        let is_set = section.has("channel");
        section.inline("channel", |s| {
            s.also_known(&KEYS);
            let given: Vec<&str> = KEYS.into_iter().filter(|key| s.has(key)).collect();
            match (given.as_slice(), capture) {
                ([], Some(capture)) if !is_set => {
                    s.get("segment", FieldName(capture.to_owned()));
                    Some(Self::Segment)
                }
                ([], None) if !is_set => Some(Self::Query(s.get("query", FieldName("channel".to_owned())))),
                (["query"], _) => s.optional("query").map(Self::Query),
                (["header"], _) => s.optional("header").map(Self::Header),
                (["segment"], _) => Self::read_segment(s, capture),
                (["fixed"], _) => s.nonempty_list("fixed").map(Self::Fixed),
                ([], _) if !s.is_empty() => None, // Unknown keys, which are reported as such.
                _ => {
                    let wrong =
                        "`route.channel` must have exactly one of `query`, `segment`, `header`, `fixed`";
                    s.wrong(s.place(""), wrong, "such as { query = \"channel\" }");
                    s.forget_the_rest();
                    None
                }
            }
        })?
    }

    fn read_segment(s: &mut Section<'_>, capture: Option<&str>) -> Option<Self> {
        let at = s.place("segment");
        let segment: FieldName = s.optional("segment")?;
        let name = segment.as_str();
        let right = match capture {
            Some(capture) if capture == name => return Some(Self::Segment),
            Some(capture) => format!("it has `{{{capture}}}`: write segment = \"{capture}\""),
            None => format!("capture it: path = \"/poll/{{{name}}}\""),
        };
        s.wrong(at, format!("the path has no segment `{{{name}}}`"), right);
        None
    }

    /// Refuses patterns, where messages are published: they go to channels by name.
    pub(super) fn refuse_patterns(&self, section: &mut Section<'_>, at: Place) {
        let Self::Fixed(channels) = self else { return };
        if let Some(pattern) = channels.iter().find(|channel| matches!(channel, Selector::Pattern(_))) {
            let wrong = format!("a message cannot be published to the pattern {}", quoted(pattern.as_str()));
            section.wrong(at, wrong, "name the channels");
        }
    }
}

/// What is delivered of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// The envelope: data, channel, place and time.
    Envelope,
    /// The data only.
    Data,
}

impl Choice for Payload {
    const ALL: &'static [(&'static str, Self)] = &[("envelope", Self::Envelope), ("data", Self::Data)];
}

/// The order of the messages in a poll's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The oldest first: `"asc"`.
    Ascending,
    /// The newest first: `"desc"`.
    Descending,
}

impl Choice for Order {
    const ALL: &'static [(&'static str, Self)] = &[("asc", Self::Ascending), ("desc", Self::Descending)];
}

/// Declares a text that is checked once.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $right:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Scalar for $name {
            fn right() -> String {
                $right.to_owned()
            }

            fn parse(text: &str) -> Result<Self, Option<String>> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(None) }
            }

            fn show(&self) -> String {
                quoted(&self.0)
            }
        }
    };
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

checked_text!(
    /// The name of a query parameter, of a captured segment, or of a JSON field: 1 to 64 ASCII letters, digits, and
    /// `_ - .`.
    FieldName,
    "a name of 1 to 64 letters, digits, and _ - .",
    |text| (1..=64).contains(&text.len()) && text.chars().all(|c| is_word(c) || "-.".contains(c))
);

impl FieldName {
    /// The name of what checks nothing.
    pub(super) fn open() -> Self {
        Self("open".to_owned())
    }
}

checked_text!(
    /// The name of a JavaScript function, dotted or not: `^[A-Za-z_$][\w$.]{0,63}$`.
    Callback,
    "a JavaScript name such as \"handle\" or \"app.handle\" of up to 64 characters",
    |text| {
        let first = |c: char| c.is_ascii_alphabetic() || "_$".contains(c);
        text.starts_with(first) && text.len() <= 64 && text.chars().all(|c| is_word(c) || "$.".contains(c))
    }
);

impl Default for Callback {
    fn default() -> Self {
        Self("handle".to_owned())
    }
}

checked_text!(
    /// A media type (RFC 9110 section 8.3.1), fit for a header.
    MediaType,
    "a media type such as \"application/json\"",
    |text| {
        let essence = text.split(';').next().unwrap_or_default().trim_end();
        let token = |part: &str| !part.is_empty() && part.chars().all(|c| is_word(c) || "!#$&^-+.".contains(c));
        let two = essence.split_once('/').is_some_and(|(kind, of)| token(kind) && token(of));
        two && HeaderValue::from_str(text).is_ok()
    }
);

checked_text!(
    /// The body of an answer that has no message to carry.
    EmptyBody,
    "a text of 1 to 1024 bytes",
    |text| (1..=1_024).contains(&text.len())
);

impl Scalar for HeaderName {
    fn right() -> String {
        "the name of a header such as \"x-channel\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        Self::from_bytes(text.as_bytes()).map_err(|_| None)
    }

    fn show(&self) -> String {
        quoted(self.as_str())
    }
}
