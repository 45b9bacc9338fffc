use std::{fmt, sync::Arc};

use crate::{
    ChannelName, NameError,
    channel_name::{check_text, is_wildcard},
};

/// Selects channels by their names, now and as they come to be.
///
/// Names are cut at dots into segments. `*` stands for exactly one segment, and `**`, which must be the last,
/// for one or more:
///
/// ```
/// use encke_core::{ChannelName, Pattern};
///
/// let one = Pattern::new("news.*")?;
/// let all = Pattern::new("news.**")?;
/// let deep = ChannelName::new("news.sport.tennis")?;
/// assert!(!one.matches(&deep));
/// assert!(all.matches(&deep));
/// # Ok::<(), encke_core::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Checks `pattern` and keeps it. A text without a wildcard is a pattern too: it matches its own name.
    ///
    /// # Errors
    /// [`NameError`] says which rule it breaks.
    pub fn new(pattern: &str) -> Result<Self, NameError> {
        check_text(pattern)?;
        let mut segments = pattern.split('.').rev();
        segments.next();
        if segments.any(|segment| segment == "**") {
            return Err(NameError::WildcardNotLast);
        }
        Ok(Self(pattern.into()))
    }

    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it selects the channel `name`.
    #[must_use]
    pub fn matches(&self, name: &ChannelName) -> bool {
        let mut names = name.as_str().split('.');
        let mut patterns = self.0.split('.');
        loop {
            match (patterns.next(), names.next()) {
                (Some("**"), Some(_)) | (None, None) => return true,
                (Some(pattern), Some(name)) if pattern == "*" || pattern == name => {}
                _ => return false,
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What one follows: a channel by its name, or all that a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// One channel.
    Channel(ChannelName),
    /// Every channel that matches, those of the future too.
    Pattern(Pattern),
}

impl Selector {
    /// Reads a name, or a pattern if a segment is `*` or `**`.
    ///
    /// # Errors
    /// [`NameError`] says which rule it breaks.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.split('.').any(is_wildcard) {
            Pattern::new(text).map(Self::Pattern)
        } else {
            ChannelName::new(text).map(Self::Channel)
        }
    }

    /// The name or the pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Channel(name) => name.as_str(),
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }

    /// Whether it selects the channel `name`.
    #[must_use]
    pub fn matches(&self, name: &ChannelName) -> bool {
        match self {
            Self::Channel(own) => own == name,
            Self::Pattern(pattern) => pattern.matches(name),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ChannelName> for Selector {
    fn from(name: ChannelName) -> Self {
        Self::Channel(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_segments() {
        let cases = [
            ("news", "news", true),
            ("news", "newsx", false),
            ("*", "news", true),
            ("*", "news.eu", false),
            ("news.*", "news", false),
            ("news.*", "news.eu", true),
            ("news.*", "news.eu.fr", false),
            ("news.**", "news", false),
            ("news.**", "news.eu.fr", true),
            ("*.eu", "news.eu", true),
            ("*.eu.**", "news.eu.fr.paris", true),
            ("**", "anything.at.all", true),
            ("news.*", "news.", true),
        ];
        for (pattern, name, expected) in cases {
            let matched = Pattern::new(pattern).unwrap().matches(&ChannelName::new(name).unwrap());
            assert_eq!(matched, expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn wildcards_cannot_be_names() {
        assert_eq!(ChannelName::new("news.*"), Err(NameError::Wildcard));
        assert_eq!(Pattern::new("**.news"), Err(NameError::WildcardNotLast));
        assert!(matches!(Selector::new("news.**"), Ok(Selector::Pattern(_))));
        assert!(matches!(Selector::new("a*b"), Ok(Selector::Channel(_))));
        assert_eq!(Selector::new("a\nb"), Err(NameError::ControlCharacter));
        assert_eq!(Selector::new(&"é".repeat(128)), Err(NameError::TooLong));
    }
}
