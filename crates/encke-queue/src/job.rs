use std::{fmt, str};

use bytes::Bytes;
use encke_core::{ChannelName, Key, LogConfig, Message, NameError, Publish};
use encke_wire::{ContentError, message_of, own_channel};

/// What a queue holds: something to publish, under a name that the queue gave it.
#[derive(Debug, Clone)]
pub struct Job {
    /// By what the queue knows it: it is said again when the job is done or buried, and stays the same when the job is
    /// fetched again.
    pub id: String,
    /// What to publish, or why that cannot be said.
    pub publish: Result<Publish, Malformed>,
}

/// What is wrong with a job itself, so that it can never be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// It names no channel.
    NoChannel,
    /// It names more channels than a message can have.
    TooManyChannels,
    /// It has no data.
    NoData,
    /// It has this field twice.
    Twice(&'static str),
    /// This field is not UTF-8.
    NotUtf8(&'static str),
    /// This field breaks the rules of names.
    Name(&'static str, NameError),
    /// The data is not what its type says.
    Content(ContentError),
    /// Its id makes no idempotency key.
    Id(NameError),
    /// The queue has lost what it held; only the id is left.
    Gone,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChannel => f.write_str("a message needs a channel"),
            Self::TooManyChannels => {
                write!(f, "a message has at most {} channels", LogConfig::MAX_PLACES)
            }
            Self::NoData => f.write_str("a message needs data"),
            Self::Twice(field) => write!(f, "there are two fields `{field}`"),
            Self::NotUtf8(field) => write!(f, "the field `{field}` is not UTF-8"),
            Self::Name(field, error) => write!(f, "the field `{field}`: {error}"),
            Self::Content(error) => fmt::Display::fmt(error, f),
            Self::Id(error) => write!(f, "the id cannot be part of a key: {error}"),
            Self::Gone => f.write_str("the queue lost it before it was published"),
        }
    }
}

impl std::error::Error for Malformed {}

impl Job {
    /// A job of the fields that it has in its queue.
    ///
    /// | field | is |
    /// |---|---|
    /// | `channel` | a channel; there may be several such fields |
    /// | `channels` | channels, with commas between them |
    /// | `user` | the channel `@user` of that user; there may be several such fields |
    /// | `data` | the message |
    /// | `type` | its media type: `application/json` must be JSON, `text/plain` UTF-8; without it the bytes decide |
    /// | `name` | the name of the message, if it has one |
    /// | `key` | its idempotency key, if its producer makes one |
    ///
    /// Other fields are for others, and say nothing here.
    pub fn new(id: impl Into<String>, fields: impl IntoIterator<Item = (Bytes, Bytes)>) -> Self {
        Self { id: id.into(), publish: publish(fields) }
    }

    /// A job of which the queue knows only that there was one.
    #[must_use]
    pub fn gone(id: impl Into<String>) -> Self {
        Self { id: id.into(), publish: Err(Malformed::Gone) }
    }

    /// The channels that it goes to.
    #[must_use]
    pub fn channels(&self) -> &[ChannelName] {
        self.publish.as_ref().map_or(&[], Publish::channels)
    }
}

fn publish(fields: impl IntoIterator<Item = (Bytes, Bytes)>) -> Result<Publish, Malformed> {
    let mut channels = Vec::new();
    let (mut data, mut media_type, mut name, mut key) = (None, None, None, None);
    for (field, value) in fields {
        match &*field {
            b"channel" => add(&mut channels, channel("channel", text("channel", &value)?)?)?,
            b"channels" => {
                for each in text("channels", &value)?.split(',') {
                    add(&mut channels, channel("channels", each.trim())?)?;
                }
            }
            b"user" => {
                let own = own_channel(text("user", &value)?);
                add(&mut channels, own.map_err(|_| Malformed::Name("user", NameError::ControlCharacter))?)?;
            }
            b"data" => once("data", &mut data, value)?,
            b"type" => once("type", &mut media_type, value)?,
            b"name" => once("name", &mut name, value)?,
            b"key" => once("key", &mut key, value)?,
            _ => {}
        }
    }
    let mut channels = channels.into_iter();
    let first = channels.next().ok_or(Malformed::NoChannel)?;
    let media_type = media_type.as_ref().map(|value| text("type", value)).transpose()?;
    let mut message = message_of(media_type, data.ok_or(Malformed::NoData)?).map_err(Malformed::Content)?;
    if let Some(name) = name {
        message = named(message, text("name", &name)?)?;
    }
    let publish = channels.fold(Publish::new(first, message), Publish::also_to);
    let Some(key) = key else { return Ok(publish) };
    let key = Key::new(text("key", &key)?).map_err(|error| Malformed::Name("key", error))?;
    Ok(publish.with_key(key))
}

fn named(message: Message, name: &str) -> Result<Message, Malformed> {
    message.with_name(name).map_err(|error| Malformed::Name("name", error))
}

fn channel(field: &'static str, name: &str) -> Result<ChannelName, Malformed> {
    ChannelName::new(name).map_err(|error| Malformed::Name(field, error))
}

fn add(channels: &mut Vec<ChannelName>, channel: ChannelName) -> Result<(), Malformed> {
    if channels.len() >= LogConfig::MAX_PLACES {
        return Err(Malformed::TooManyChannels);
    }
    channels.push(channel);
    Ok(())
}

fn once(field: &'static str, place: &mut Option<Bytes>, value: Bytes) -> Result<(), Malformed> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed::Twice(field)),
    }
}

fn text<'a>(field: &'static str, value: &'a [u8]) -> Result<&'a str, Malformed> {
    str::from_utf8(value).map_err(|_| Malformed::NotUtf8(field))
}
