use std::{borrow::Borrow, fmt, sync::Arc};

/// The name of a channel: UTF-8, 1 to 255 bytes, no control characters, and no wildcard.
///
/// Dots cut a name into segments, which is what a [`Pattern`](crate::Pattern) matches. A segment that is
/// exactly `*` or `**` is a wildcard and so cannot be part of a name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Checks `name` and keeps it.
    ///
    /// # Errors
    /// [`NameError`] says which rule it breaks.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check_text(name)?;
        if name.split('.').any(is_wildcard) {
            return Err(NameError::Wildcard);
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rules that names, patterns and message names share.
pub(crate) fn check_text(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        Err(NameError::Empty)
    } else if text.len() > ChannelName::MAX_LEN {
        Err(NameError::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(NameError::ControlCharacter)
    } else {
        Ok(())
    }
}

pub(crate) fn is_wildcard(segment: &str) -> bool {
    segment == "*" || segment == "**"
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text cannot name a channel, select channels, or name a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    Empty,
    /// It is longer than [`ChannelName::MAX_LEN`] bytes.
    TooLong,
    /// It has a control character.
    ControlCharacter,
    /// A name has a segment `*` or `**`, which only a pattern may have.
    Wildcard,
    /// A pattern has `**` elsewhere than as its last segment.
    WildcardNotLast,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a name is at least one byte long",
            Self::TooLong => "a name is at most 255 bytes long",
            Self::ControlCharacter => "a name has no control characters",
            Self::Wildcard => "the segments * and ** select channels; they cannot be part of a name",
            Self::WildcardNotLast => "** stands for all the rest, so it must be the last segment",
        })
    }
}

impl std::error::Error for NameError {}
