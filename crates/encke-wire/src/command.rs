use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Problem, content::depth};

/// How deep a command may be nested: data at its limit, inside the command.
const COMMAND_DEPTH: usize = crate::JSON_DEPTH + 1;

/// A command of a client, one JSON object: `{"type":"subscribe","id":1,"channels":["news"],"since":"-20"}`.
///
/// Its `id` comes back in the answer, whatever JSON number or string of at most 64 bytes it is.
#[derive(Debug)]
pub struct Command<'a> {
    /// What the answer repeats.
    pub id: Option<CommandId>,
    /// What to do.
    pub action: CommandAction<'a>,
}

/// What a command asks for.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum CommandAction<'a> {
    /// Follow channels and patterns.
    Subscribe {
        /// Names and patterns.
        channels: Vec<String>,
        /// Where to begin; the latest if absent.
        #[serde(default)]
        since: Option<String>,
    },
    /// Follow them no longer.
    Unsubscribe {
        /// Names and patterns, as they were subscribed.
        channels: Vec<String>,
    },
    /// Publish one message.
    #[serde(borrow)]
    Publish(PublishCommand<'a>),
    /// Ask for a pong, which carries the place of the connection.
    Ping {},
}

/// One message to publish, on WebSocket and in batches.
#[derive(Debug, Deserialize)]
pub struct PublishCommand<'a> {
    /// Its channel.
    #[serde(default)]
    pub channel: Option<String>,
    /// Its channels, if there are several.
    #[serde(default)]
    pub channels: Vec<String>,
    /// The data, any JSON value.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
    /// The data, if it is binary, in base64.
    #[serde(default)]
    pub base64: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its idempotency key.
    #[serde(default)]
    pub key: Option<String>,
}

/// What an answer repeats of its command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandId {
    /// A number.
    Number(i64),
    /// A text of at most 64 bytes.
    Text(String),
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    id: Option<CommandId>,
}

/// Why a text is not a command, and the id that its answer repeats as far as it could be read.
#[derive(Debug)]
pub struct CommandError {
    /// The id, if that much could be read.
    pub id: Option<CommandId>,
    /// What is wrong.
    pub problem: Box<Problem>,
}

impl<'a> Command<'a> {
    /// Reads a command.
    ///
    /// # Errors
    /// [`CommandError`] says what is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, CommandError> {
        let failed =
            |id, detail: String| CommandError { id, problem: Box::new(Problem::bad_request(detail)) };
        if depth(text.as_bytes()) > COMMAND_DEPTH {
            return Err(failed(None, format!("a command is nested at most {COMMAND_DEPTH} levels deep")));
        }
        let header: Header = serde_json::from_str(text).map_err(|error| {
            failed(None, format!("a command is a JSON object with a type and perhaps an id: {error}"))
        })?;
        let id = header.id;
        if matches!(&id, Some(CommandId::Text(text)) if text.len() > 64) {
            return Err(failed(None, "an id has at most 64 bytes".to_owned()));
        }
        match serde_json::from_str(text) {
            Ok(action) => Ok(Self { id, action }),
            Err(error) => Err(failed(id, format!("not a command: {error}"))),
        }
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reply {
    /// The channels are followed: everything after `cursor` comes.
    Subscribed {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// The place from which on messages come.
        cursor: String,
    },
    /// The channels are followed no longer.
    Unsubscribed {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
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
    /// The connection lives.
    Pong {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<CommandId>,
        /// The place of the connection.
        cursor: String,
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
    /// Whether this repeats the answer to an earlier publish with the same key.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub repeated: bool,
}

impl From<encke_core::Appended> for Receipt {
    fn from(appended: encke_core::Appended) -> Self {
        Self {
            cursor: appended.cursor.to_string(),
            seq: appended.cursor.seq,
            subscribers: appended.followers,
            repeated: appended.repeated,
        }
    }
}
