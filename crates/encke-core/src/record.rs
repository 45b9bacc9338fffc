use crate::{ChannelName, Message, Retention, Timestamp};

/// A moment of the log: a seq, and the time of the message that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The seq; 0 is before the first message.
    pub seq: u64,
    /// The time of that message.
    pub time: Timestamp,
}

impl Mark {
    /// Becomes `other` if that is later.
    pub(crate) fn raise(&mut self, other: Self) {
        if other.seq > self.seq {
            *self = other;
        }
    }
}

/// A message's seat in one of its channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The channel.
    pub channel: ChannelName,
    /// The seq of the message before it in that channel, 0 if there was none or it is not known.
    pub prev: u64,
}

/// A message as an engine has ordered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the log.
    pub seq: u64,
    /// When it was published. It never runs backwards from one seq to the next.
    pub time: Timestamp,
    /// What was published.
    pub message: Message,
    /// All channels that it was published to, also those that have let it go since, in the order of the publish: at
    /// least one, at most [`LogConfig::MAX_PLACES`](crate::LogConfig::MAX_PLACES).
    pub places: Vec<Place>,
}

impl Record {
    /// What it counts for in a channel's byte limit.
    #[must_use]
    pub fn size(&self) -> usize {
        self.message.len() + Retention::OVERHEAD
    }
}

/// What an engine keeps of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Messages.
    pub count: usize,
    /// Bytes, as [`Record::size`] counts them.
    pub bytes: usize,
    /// The newest message that is gone (L6: with all before it); seq 0 if none is.
    pub gone: Mark,
}
