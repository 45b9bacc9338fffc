use std::fmt;

/// Why a message was not appended. Nothing was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendError {
    /// The log retains as many bytes as it may.
    Full,
    /// The message alone is larger than what one of its channels may retain.
    TooLarge,
    /// There are as many channels as there may be.
    TooManyChannels,
    /// The message is for more channels than one message may be.
    TooManyPlaces,
    /// As many idempotency keys are remembered as may be.
    TooManyKeys,
    /// The key came with another publish before.
    KeyConflict,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the log is full",
            Self::TooLarge => "the message is larger than its channel may retain",
            Self::TooManyChannels => "there are too many channels",
            Self::TooManyPlaces => "the message is for too many channels",
            Self::TooManyKeys => "too many idempotency keys are remembered",
            Self::KeyConflict => "the idempotency key was used for another message",
        })
    }
}

impl std::error::Error for AppendError {}

/// Why a reader could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// There are as many channels as there may be, and the channel does not exist yet.
    TooManyChannels,
    /// As many different patterns are followed as may be.
    TooManyPatterns,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyChannels => "there are too many channels",
            Self::TooManyPatterns => "too many patterns are followed",
        })
    }
}

impl std::error::Error for OpenError {}
