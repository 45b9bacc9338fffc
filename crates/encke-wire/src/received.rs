use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One item as a client reads it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Received {
    /// A message.
    Message(ReceivedMessage),
    /// What is missing.
    Gap(ReceivedGap),
    /// A place without a message.
    Checkpoint {
        /// The place.
        cursor: String,
    },
    /// By somebody else's order this is followed too, from the place on.
    Subscribed {
        /// The channel or pattern.
        channel: String,
        /// The place.
        cursor: String,
    },
    /// By somebody else's order, or because the rights have ended, this is followed no longer.
    Unsubscribed {
        /// The channel or pattern.
        channel: String,
    },
    /// Something that this version does not know, to be ignored.
    #[serde(other)]
    Unknown,
}

/// A message as a client reads it.
#[derive(Debug, Clone, Deserialize)]
pub struct ReceivedMessage {
    /// The channel that it came by, the first if there are several.
    pub channel: String,
    /// Its number.
    pub seq: u64,
    /// The number of the message before it in that channel.
    pub prev: u64,
    /// The other channels that it came by, each with the number of the message before it there.
    #[serde(default)]
    pub also: BTreeMap<String, u64>,
    /// Its place.
    pub cursor: String,
    /// When it was published, RFC 3339.
    pub time: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its media type, where that is not plain JSON, text or binary.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Its data, one JSON value.
    pub data: Json,
}

/// Any JSON value, as a client reads it. Printed, it is the value on one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(serde_json::Value);

impl Json {
    /// The text, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// The number, if it is a whole one from 0 to 2^64 - 1.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.0.as_u64()
    }

    /// What a JSON pointer (RFC 6901) such as `/a/0` leads to.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<Self> {
        self.0.pointer(pointer).cloned().map(Self)
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Json {
    type Err = MalformedItem;

    fn from_str(text: &str) -> Result<Self, MalformedItem> {
        serde_json::from_str(text).map_err(|_| MalformedItem)
    }
}

/// A gap as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedGap {
    /// The channel or pattern.
    pub channel: String,
    /// The place that was presented or reached.
    pub from: String,
    /// The end of what is missing.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// A batch as a client reads it.
#[derive(Debug, Clone, Deserialize)]
pub struct ReceivedBatch {
    /// Messages and gaps.
    pub messages: Vec<Received>,
    /// The place after them.
    pub cursor: String,
}

impl ReceivedMessage {
    /// All channels that it came by, each with the number of the message before it there.
    pub fn channels(&self) -> impl Iterator<Item = (&str, u64)> {
        let also = self.also.iter().map(|(channel, prev)| (channel.as_str(), *prev));
        [(self.channel.as_str(), self.prev)].into_iter().chain(also)
    }
}

impl Received {
    /// Reads one item.
    ///
    /// # Errors
    /// [`MalformedItem`] if it is none.
    pub fn parse(json: &str) -> Result<Self, MalformedItem> {
        serde_json::from_str(json).map_err(|_| MalformedItem)
    }
}

impl ReceivedBatch {
    /// Reads a batch.
    ///
    /// # Errors
    /// [`MalformedItem`] if it is none.
    pub fn parse(json: &[u8]) -> Result<Self, MalformedItem> {
        serde_json::from_slice(json).map_err(|_| MalformedItem)
    }
}

/// The text is not what a gateway sends in the native dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedItem;

impl std::fmt::Display for MalformedItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not what the native dialect sends")
    }
}

impl std::error::Error for MalformedItem {}
