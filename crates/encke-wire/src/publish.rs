use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use encke_core::{ChannelName, Key, Message, Publish, Selector};

use crate::{Problem, PublishCommand, json_of};

/// Channels that one command may name. What a message may have is a limit of the log; this one bounds the work that is
/// done before it is asked.
const MAX_CHANNELS: usize = 1_000;

impl PublishCommand<'_> {
    /// Reads one line of a batch.
    ///
    /// # Errors
    /// [`Problem`] says what is wrong with it.
    pub fn parse(line: &[u8]) -> Result<PublishCommand<'_>, Problem> {
        serde_json::from_slice(line).map_err(|error| Problem::bad_request(format!("not a message: {error}")))
    }

    /// The message and where it goes; `channels` are those of the request, used where the command names none.
    ///
    /// # Errors
    /// [`Problem`] says what is wrong with it.
    pub fn into_publish(self, channels: &[ChannelName]) -> Result<Publish, Problem> {
        if self.channels.len() + self.users.len() > MAX_CHANNELS {
            return Err(Problem::bad_request(format!("a message names at most {MAX_CHANNELS} channels")));
        }
        let named = self.channel.iter().chain(&self.channels).map(|name| channel_name(name));
        let users = self.user.iter().chain(&self.users).map(|subject| own_channel(subject));
        let own = named.chain(users).collect::<Result<Vec<_>, _>>()?;
        let channels = if own.is_empty() { channels } else { &own };
        let message = match (self.data, self.base64) {
            (Some(data), None) => {
                let data = Bytes::copy_from_slice(data.get().as_bytes());
                json_of(data).map_err(|error| Problem::bad_content(error.to_string()))?
            }
            (None, Some(text)) => {
                let data = STANDARD.decode(text);
                Message::binary(data.map_err(|error| Problem::bad_content(format!("base64: {error}")))?)
            }
            _ => return Err(Problem::bad_request("a message has data, or base64 for binary data")),
        };
        publish(channels, message, self.name.as_deref(), self.key.as_deref())
    }
}

/// Puts a publish together from parts that come from outside.
///
/// # Errors
/// [`Problem`] says which part is missing or malformed.
pub fn publish(
    channels: &[ChannelName],
    message: Message,
    name: Option<&str>,
    key: Option<&str>,
) -> Result<Publish, Problem> {
    let Some((first, others)) = channels.split_first() else {
        return Err(Problem::bad_request("a message needs a channel"));
    };
    let message = match name {
        Some(name) => message
            .with_name(name)
            .map_err(|error| Problem::bad_request(format!("the name of a message: {error}")))?,
        None => message,
    };
    let publish = others
        .iter()
        .fold(Publish::new(first.clone(), message), |publish, channel| publish.also_to(channel.clone()));
    match key {
        Some(key) => {
            let key = Key::new(key);
            Ok(publish.with_key(key.map_err(|error| Problem::bad_request(format!("the key: {error}")))?))
        }
        None => Ok(publish),
    }
}

/// Reads a channel's name.
///
/// # Errors
/// [`Problem`] says what is wrong with it.
pub fn channel_name(name: &str) -> Result<ChannelName, Problem> {
    ChannelName::new(name).map_err(|error| Problem::bad_channel(error.to_string()))
}

/// Reads the channels and patterns of a command, of which there is one at least.
///
/// # Errors
/// [`Problem`] says what is wrong with them.
pub fn selectors(names: &[String]) -> Result<Vec<Selector>, Problem> {
    if names.is_empty() {
        return Err(Problem::bad_request("name at least one channel"));
    }
    let selector =
        |name: &String| Selector::new(name).map_err(|error| Problem::bad_channel(error.to_string()));
    names.iter().map(selector).collect()
}

/// The own channel of a subject.
///
/// # Errors
/// [`Problem`] if no subject can be called so.
pub fn own_channel(subject: &str) -> Result<ChannelName, Problem> {
    if subject.is_empty() {
        return Err(Problem::bad_channel("a user has a name"));
    }
    channel_name(&format!("@{subject}"))
}
