use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::Json;

/// Some of those who are on a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberList {
    /// The channel.
    pub channel: String,
    /// How many members it has in all.
    pub count: usize,
    /// Those of this page.
    pub members: Vec<Member>,
    /// What to ask after for the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// One who is on a channel, with however many connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// As whom he is counted: `subject:42`, `client:tab-1`, `subscription:7`.
    pub key: String,
    /// The verified subject.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// What his clients call themselves, which proves nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub clients: Vec<String>,
    /// What the application tells of him.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub info: Option<Json>,
    /// Since when he is there (RFC 3339).
    pub since: String,
    /// His connections by transport.
    pub transports: BTreeMap<String, usize>,
    /// His connections in all.
    pub connections: usize,
    /// From where, if members may see that.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub addresses: Vec<IpAddr>,
}

impl Member {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
