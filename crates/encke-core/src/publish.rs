use crate::{ChannelName, Cursor, Fingerprint, Key, Message};

/// One message to append, and the channels that it goes to.
#[derive(Debug, Clone)]
pub struct Publish {
    channels: Vec<ChannelName>,
    message: Message,
    key: Option<Key>,
}

impl Publish {
    /// `message` to one channel.
    #[must_use]
    pub fn new(channel: ChannelName, message: Message) -> Self {
        Self { channels: vec![channel], message, key: None }
    }

    /// To one more channel. A channel that is named twice counts once.
    #[must_use]
    pub fn also_to(mut self, channel: ChannelName) -> Self {
        if !self.channels.contains(&channel) {
            self.channels.push(channel);
        }
        self
    }

    /// With a key: repeating it within [`LogConfig::key_window`](crate::LogConfig::key_window) gives the first answer and stores nothing.
    #[must_use]
    pub fn with_key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// The key, if it has one.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Says whether a key comes with the same publish again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.channels, &self.message)
    }

    /// The channels, the message and the key.
    #[must_use]
    pub fn into_parts(self) -> (Vec<ChannelName>, Message, Option<Key>) {
        (self.channels, self.message, self.key)
    }

    /// The channels, each once.
    #[must_use]
    pub fn channels(&self) -> &[ChannelName] {
        &self.channels
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The message's place in the log.
    pub cursor: Cursor,
    /// How many readers followed its channels, one by one.
    pub followers: usize,
    /// Whether the key was known: nothing was stored, and the place is the first publish's.
    pub repeated: bool,
}
