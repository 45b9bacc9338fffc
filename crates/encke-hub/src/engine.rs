use std::fmt;

use encke_core::{
    AppendError, Appended, ChannelName, Keep, Log, Older, Page, Publish, Seek, Sought, Timestamp, Wakes,
};

use crate::{Answer, Node};

/// Where order and history live.
///
/// An engine only feeds its log. It never sees subscribers or transports: what its appends make ready goes back
/// to the hub as [`Wakes`].
pub trait Engine: Send + Sync + 'static {
    /// The log that it feeds. It may become another one ([`Node::renew`]).
    fn log(&self) -> Log;

    /// Orders and stores a message. An answer is a promise (L3): from then on every read finds the message.
    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>>;

    /// Removes a channel's messages. False if there is no such channel.
    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>>;

    /// Lets go of the oldest messages of a channel; returns how many went, nothing if there is no such channel.
    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>>;

    /// Lets go of what is too old at `now`, as much as may be done at a time. True if more is due.
    fn expire(&self, now: Timestamp) -> Answer<bool>;

    /// Looks up what its log cannot say from memory. Asked only where [`Log::seek`] has something to ask.
    fn seek(&self, _seek: Seek) -> Answer<Result<Sought, EngineError>> {
        Answer::now(Err(EngineError::Unavailable))
    }

    /// Reads what its log has let out of memory. Asked only for logs made by [`Log::resume`].
    fn older(&self, _older: Older) -> Answer<Result<Page, EngineError>> {
        Answer::now(Err(EngineError::Unavailable))
    }

    /// Is given the node that it works for, once, when the hub is built.
    fn attach(&self, _node: Node) {}

    /// How it is.
    fn health(&self) -> Health {
        Health::Well
    }

    /// What outlives an answer.
    fn durability(&self) -> Durability {
        Durability::Memory
    }
}

/// How an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// It stores and reads.
    Well,
    /// It does not store, for this reason; perhaps it reads.
    Ill(String),
}

/// What a stored message outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing: it is gone with the process.
    Memory,
    /// The process, if it ends as it should. What came last a crash may take away.
    Relaxed,
    /// The process and the machine, by the time of the answer.
    Strict,
    /// The process. What it outlives beside that is settled where it is stored.
    Remote,
}

impl Durability {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Relaxed => "relaxed",
            Self::Strict => "strict",
            Self::Remote => "remote",
        }
    }
}

/// Why an engine did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// A limit of the log refuses it.
    Refused(AppendError),
    /// There is no space left where it stores. Nothing was stored.
    NoSpace,
    /// The engine cannot be reached or cannot write. Whether the message is stored is not known (L4).
    Unavailable,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Self::NoSpace => f.write_str("the engine has no space left"),
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
    fn log(&self) -> Log {
        self.log.clone()
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

    fn expire(&self, now: Timestamp) -> Answer<bool> {
        const CHANNELS_AT_A_TIME: usize = 1_000;
        Answer::now(self.log.expire(now, CHANNELS_AT_A_TIME))
    }
}
