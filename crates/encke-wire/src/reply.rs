use std::{borrow::Cow, collections::BTreeMap};

use encke_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CommandId, MemberList, Problem, time_text};

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reply {
    /// The channels are followed: everything after `cursor` comes.
    Subscribed {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// The place from which on messages come; by POST the stream tells it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cursor: Option<String>,
        /// How many live streams follow them, where the command came by POST.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        streams: Option<usize>,
    },
    /// The channels are followed no longer.
    Unsubscribed {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// How many live streams followed them, where the command came by POST.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        streams: Option<usize>,
    },
    /// The message is stored.
    Published {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// What became of it.
        #[serde(flatten)]
        receipt: Receipt,
    },
    /// Who is there.
    Presence {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// A page of them.
        #[serde(flatten)]
        members: MemberList,
    },
    /// The token is good, and what it allows holds from now on.
    Authenticated {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// Who its bearer is, if it says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        subject: Option<String>,
        /// When it ends (RFC 3339), if it does by itself.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        expires: Option<String>,
        /// How many live streams go on by it, where the command came by POST.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        streams: Option<usize>,
    },
    /// The connection lives.
    Pong {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// The place of the connection; by POST there is none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cursor: Option<String>,
    },
    /// The command failed, or the connection is about to end.
    Error {
        /// The command's id, if it was about one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// What is wrong.
        problem: Box<Problem>,
    },
}

impl Reply {
    /// The answer to `authenticate`; `streams` where the command came by POST.
    #[must_use]
    pub fn authenticated(
        id: Option<CommandId>,
        subject: Option<&str>,
        expires: Option<Timestamp>,
        streams: Option<usize>,
    ) -> Self {
        let (subject, expires) = (subject.map(str::to_owned), expires.map(time_text));
        Self::Authenticated { id, subject, expires, streams }
    }

    /// The reply as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The answer to a publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The message's place.
    pub cursor: String,
    /// Its number.
    pub seq: u64,
    /// How many subscribers its channels had.
    pub subscribers: usize,
    /// Of each subject whose own channel it went to, whether he was there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub present: BTreeMap<String, bool>,
    /// Whether this repeats the answer to an earlier publish with the same key.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub repeated: bool,
    /// `relaxed` where the answer does not wait until a loss of power cannot take the message away.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub durability: Option<Cow<'static, str>>,
}

impl From<encke_core::Appended> for Receipt {
    fn from(appended: encke_core::Appended) -> Self {
        Self {
            cursor: appended.cursor.to_string(),
            seq: appended.cursor.seq,
            subscribers: appended.followers,
            present: BTreeMap::new(),
            repeated: appended.repeated,
            durability: None,
        }
    }
}

impl Receipt {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Member;

    #[test]
    fn replies_are_read_as_they_are_written() {
        let member = Member {
            key: "subject:anna".to_owned(),
            subject: Some("anna".to_owned()),
            clients: Vec::new(),
            info: Some(r#"{"name":"Anna"}"#.parse().unwrap()),
            since: "2026-11-21T08:41:00.123Z".to_owned(),
            transports: BTreeMap::from([("ws".to_owned(), 1)]),
            connections: 1,
            addresses: Vec::new(),
        };
        let members = MemberList { channel: "chat".to_owned(), count: 1, members: vec![member], next: None };
        let receipt = Receipt {
            cursor: "7f3k2q9x-1".to_owned(),
            seq: 1,
            subscribers: 0,
            present: BTreeMap::from([("42".to_owned(), true)]),
            repeated: false,
            durability: None,
        };
        let cases = [
            (
                Reply::Presence { id: Some(CommandId::Number(1)), members },
                r#"{"type":"presence","id":1,"channel":"chat","count":1,"members":[{"key":"subject:anna","subject":"anna","info":{"name":"Anna"},"since":"2026-11-21T08:41:00.123Z","transports":{"ws":1},"connections":1}]}"#,
            ),
            (
                Reply::authenticated(None, Some("anna"), Some(Timestamp::from_millis(0)), None),
                r#"{"type":"authenticated","subject":"anna","expires":"1970-01-01T00:00:00.000Z"}"#,
            ),
            (
                Reply::Published { id: None, receipt },
                r#"{"type":"published","cursor":"7f3k2q9x-1","seq":1,"subscribers":0,"present":{"42":true}}"#,
            ),
            (Reply::Pong { id: None, cursor: None }, r#"{"type":"pong"}"#),
        ];
        for (reply, json) in cases {
            assert_eq!(reply.to_json(), json);
            assert_eq!(serde_json::from_str::<Reply>(json).unwrap(), reply);
        }
    }
}
