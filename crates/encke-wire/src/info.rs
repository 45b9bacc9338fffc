use std::collections::BTreeMap;

use encke_core::ChannelInfo;
use serde::{Deserialize, Serialize};

/// A channel as `GET /channels/{name}` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelState {
    /// Its name.
    pub channel: String,
    /// The place of its last message.
    pub cursor: String,
    /// The place up to which messages are gone.
    pub trimmed: String,
    /// Messages retained.
    pub retained: usize,
    /// Bytes retained.
    pub bytes: usize,
    /// Subscribers for each transport.
    pub subscribers: BTreeMap<String, usize>,
}

impl From<ChannelInfo> for ChannelState {
    fn from(info: ChannelInfo) -> Self {
        Self {
            channel: info.name.as_str().to_owned(),
            cursor: info.last.to_string(),
            trimmed: info.trimmed.to_string(),
            retained: info.retained,
            bytes: info.bytes,
            subscribers: info.followers.into_iter().map(|(label, count)| (label.to_owned(), count)).collect(),
        }
    }
}

/// A page of channels as `GET /channels` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelList {
    /// The channels, by name.
    pub channels: Vec<ChannelState>,
    /// The name to ask after for the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

impl ChannelState {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl ChannelList {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
