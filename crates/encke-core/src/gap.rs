use std::fmt;

use crate::{Cursor, Selector};

/// What a reader did not get and never will, said in band.
///
/// Of the channel (or of the channels that the pattern matches), everything after `from` up to and including
/// `to` may be missing; everything after `to` follows. A gap moves no cursor by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What it is about: one of the selectors that the reader follows.
    pub channel: Selector,
    /// The place that the reader had reached or presented.
    pub from: Cursor,
    /// The end of what is missing.
    pub to: Cursor,
    /// Why.
    pub reason: GapReason,
}

/// Why messages are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// Retention removed messages before the reader asked for them, or they are older than what it may read.
    Trimmed,
    /// The cursor is of another life of the log, whose messages may be lost.
    Epoch,
    /// The cursor is ahead of the log.
    Future,
    /// Retention overtook a reader that followed, but too slowly.
    Slow,
}

impl GapReason {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Epoch => "epoch",
            Self::Future => "future",
            Self::Slow => "slow",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
