use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Problem, content::depth};

/// How deep a command may be nested: data at its limit, inside the command.
const COMMAND_DEPTH: usize = crate::JSON_DEPTH + 1;

/// A command of a client, one JSON object: `{"type":"subscribe","id":1,"channels":["news"],"since":"-20"}`.
///
/// Its `id`, a whole number or a string of at most 64 bytes, comes back in the answer.
#[derive(Debug)]
pub struct Command<'a> {
    /// What the answer repeats.
    pub id: Option<CommandId>,
    /// What to do.
    pub action: CommandAction<'a>,
}

/// What a command asks for.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommandAction<'a> {
    /// Follow channels and patterns.
    Subscribe(SubscribeCommand),
    /// Follow them no longer.
    Unsubscribe(UnsubscribeCommand),
    /// Publish one message.
    Publish(PublishCommand<'a>),
    /// Ask who is on a channel.
    Presence(PresenceCommand),
    /// Be who a token says, from now on.
    Authenticate(AuthenticateCommand),
    /// Ask for a pong, which carries the place of the connection.
    Ping,
}

/// What to follow.
#[derive(Debug, Deserialize)]
pub struct SubscribeCommand {
    /// Names and patterns.
    pub channels: Vec<String>,
    /// Where to begin; the latest if absent.
    #[serde(default)]
    pub since: Option<String>,
}

/// What to follow no longer.
#[derive(Debug, Deserialize)]
pub struct UnsubscribeCommand {
    /// Names and patterns, as they were subscribed.
    pub channels: Vec<String>,
}

/// Whose presence.
#[derive(Debug, Deserialize)]
pub struct PresenceCommand {
    /// The channel.
    pub channel: String,
    /// The member after whom to go on: `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
    /// Members of one page, at most.
    #[serde(default)]
    pub limit: Option<u64>,
}

/// The token by which to be known.
#[derive(Deserialize)]
pub struct AuthenticateCommand {
    /// The token, as it would come with a request.
    pub token: String,
}

impl fmt::Debug for AuthenticateCommand {
    /// Without the token: it is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateCommand").finish_non_exhaustive()
    }
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
    /// The subject whose own channel it goes to.
    #[serde(default)]
    pub user: Option<String>,
    /// The subjects, if there are several.
    #[serde(default)]
    pub users: Vec<String>,
    /// The data, any JSON value.
    #[serde(borrow, default, deserialize_with = "present")]
    pub(crate) data: Option<&'a RawValue>,
    /// The data, if it is binary, in base64.
    #[serde(default)]
    pub(crate) base64: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its idempotency key.
    #[serde(default)]
    pub key: Option<String>,
}

/// A value that is there: `null` is one too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
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
struct Header<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
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
        let Header { kind, id } = serde_json::from_str(text).map_err(|error| {
            failed(None, format!("a command is a JSON object with a type and perhaps an id: {error}"))
        })?;
        if matches!(&id, Some(CommandId::Text(text)) if text.len() > 64) {
            return Err(failed(None, "an id has at most 64 bytes".to_owned()));
        }
        // Read a second time by its type, because a value that was taken apart for its tag has no raw text any more.
        let action = match kind.as_ref() {
            "subscribe" => serde_json::from_str(text).map(CommandAction::Subscribe),
            "unsubscribe" => serde_json::from_str(text).map(CommandAction::Unsubscribe),
            "publish" => serde_json::from_str(text).map(CommandAction::Publish),
            "presence" => serde_json::from_str(text).map(CommandAction::Presence),
            "authenticate" => serde_json::from_str(text).map(CommandAction::Authenticate),
            "ping" => Ok(CommandAction::Ping),
            _ => {
                let detail =
                    "a command is one of subscribe, unsubscribe, publish, presence, authenticate, ping";
                return Err(failed(id, detail.to_owned()));
            }
        };
        match action {
            Ok(action) => Ok(Self { id, action }),
            Err(error) => Err(failed(id, format!("not a {kind} command: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_their_ids() {
        let command =
            Command::parse(r#"{"id":"a","channels":["news"],"type":"subscribe","since":"-20"}"#).unwrap();
        assert_eq!(command.id, Some(CommandId::Text("a".to_owned())));
        assert!(matches!(command.action, CommandAction::Subscribe(SubscribeCommand { since: Some(_), .. })));

        let command =
            Command::parse(r#"{"type":"publish","id":7,"channel":"news","data":{"a": [1]}}"#).unwrap();
        assert_eq!(command.id, Some(CommandId::Number(7)));
        let CommandAction::Publish(publish) = command.action else { panic!("{:?}", command.action) };
        assert_eq!(publish.data.map(RawValue::get), Some("{\"a\": [1]}"));

        let null = PublishCommand::parse(br#"{"channel":"news","data":null}"#).unwrap();
        assert!(null.into_publish(&[]).is_ok());
        let nothing = PublishCommand::parse(br#"{"channel":"news"}"#).unwrap();
        assert!(nothing.into_publish(&[]).is_err());

        let command =
            Command::parse(r#"{"type":"presence","channel":"chat","after":"x","limit":2}"#).unwrap();
        let CommandAction::Presence(presence) = command.action else { panic!("{:?}", command.action) };
        assert_eq!((presence.channel.as_str(), presence.limit), ("chat", Some(2)));

        assert!(matches!(Command::parse(r#"{"type":"ping"}"#).unwrap().action, CommandAction::Ping));
    }

    #[test]
    fn a_token_is_shown_to_nobody() {
        let command = Command::parse(r#"{"type":"authenticate","token":"secret"}"#).unwrap();
        assert!(!format!("{command:?}").contains("secret"));
        let error = Command::parse(r#"{"type":"authenticate","token":["secret"]}"#).unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_command_says_so_with_its_id() {
        let deep = format!("{{\"type\":\"publish\",\"data\":{}1{}}}", "[".repeat(40), "]".repeat(40));
        let long = format!("{{\"type\":\"ping\",\"id\":\"{}\"}}", "x".repeat(65));
        let cases = [
            ("", None),
            ("[]", None),
            ("hello", None),
            (r#"{"id":1}"#, None),
            (r#"{"type":"subscribe","id":1}"#, Some(1)),
            (r#"{"type":"subscribe","id":1,"channels":"news"}"#, Some(1)),
            (r#"{"type":"fly","id":2}"#, Some(2)),
            (r#"{"type":"presence","id":3}"#, Some(3)),
            (r#"{"type":"presence","id":3,"channel":"chat","limit":-1}"#, Some(3)),
            (r#"{"type":"authenticate","id":4,"token":5}"#, Some(4)),
            (r#"{"type":"authenticate","id":4}"#, Some(4)),
            (r#"{"type":"ping","id":[]}"#, None),
            (deep.as_str(), None),
            (long.as_str(), None),
        ];
        for (text, id) in cases {
            let error = Command::parse(text).unwrap_err();
            assert_eq!(error.id, id.map(CommandId::Number), "{text}");
            assert_eq!(error.problem.status, 400, "{text}");
        }
    }
}
