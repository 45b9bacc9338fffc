use std::fmt;

use encke_core::{AppendError, Appended, ChannelName, Keep, Log, Publish, Timestamp, Wakes};

use crate::Answer;

/// Where order and history live.
///
/// An engine only feeds its log. It never sees subscribers or transports: what its appends make ready goes back
/// to the hub as [`Wakes`].
pub trait Engine: Send + Sync + 'static {
    /// The log that it feeds.
    fn log(&self) -> &Log;

    /// Orders and stores a message. An answer is a promise (L3): from then on every read finds the message.
    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>>;

    /// Removes a channel's messages. False if there is no such channel.
    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>>;

    /// Lets go of the oldest messages of a channel; returns how many went, nothing if there is no such channel.
    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>>;
}

/// Why an engine did not store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// A limit of the log refuses it.
    Refused(AppendError),
    /// The engine cannot be reached or cannot write. Whether the message is stored is not known (L4).
    Unavailable,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Self::Unavailable => f.write_str("the engine is unavailable"),
        }
    }
}

impl std::error::Error for EngineError {}

/// Order and history in this process, and gone with it.
#[derive(Clone)]
pub struct MemoryEngine {
    log: Log,
}

impl MemoryEngine {
    /// An engine over an empty log.
    #[must_use]
    pub fn new(log: Log) -> Self {
        Self { log }
    }
}

impl Engine for MemoryEngine {
    fn log(&self) -> &Log {
        &self.log
    }

    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>> {
        Answer::now(self.log.append(publish, now).map_err(EngineError::Refused))
    }

    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>> {
        Answer::now(Ok(self.log.delete(channel)))
    }

    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>> {
        Answer::now(Ok(self.log.trim(channel, keep)))
    }
}
