use std::{fmt, sync::Arc};

use crate::{
    ChannelName, NameError,
    channel_name::{check_text, is_wildcard},
};

/// Selects channels by their names, now and as they come to be.
///
/// Names are cut at dots into segments. `*` stands for exactly one segment, and `**`, which must be the last,
/// for one or more. Names that begin with `@` or `$` belong to somebody: no wildcard stands for their first segment.
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
        covers(&self.0, name.as_str())
    }

    /// With what each name begins that it selects: what stands before its first wildcard.
    pub(crate) fn prefix(&self) -> &str {
        let mut length = 0;
        for segment in self.0.split_inclusive('.') {
            if is_wildcard(segment.strip_suffix('.').unwrap_or(segment)) {
                break;
            }
            length += segment.len();
        }
        &self.0[..length]
    }

    /// Whether it selects every channel that `other` selects.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        covers(&self.0, &other.0)
    }
}

/// Whether the pattern `wide` selects whatever `narrow`, a name or a pattern, stands for.
fn covers(wide: &str, narrow: &str) -> bool {
    let owned = narrow.starts_with(['@', '$']);
    let (mut wides, mut narrows) = (wide.split('.'), narrow.split('.'));
    let mut first = true;
    loop {
        let hidden = owned && std::mem::take(&mut first);
        match (wides.next(), narrows.next()) {
            (Some("**"), Some(_)) if !hidden => return true,
            (None, None) => return true,
            (Some("*"), Some(segment)) if segment != "**" && !hidden => {}
            (Some(segment), Some(other)) if segment == other => {}
            _ => return false,
        }
    }
}

fn overlap(one: &str, other: &str) -> bool {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    let mut first = true;
    loop {
        let first = std::mem::take(&mut first);
        // No wildcard stands for the first segment of a name that belongs to somebody.
        let open = |segment: &str| !(first && segment.starts_with(['@', '$']));
        match (ones.next(), others.next()) {
            (Some("**"), Some(segment)) | (Some(segment), Some("**")) if open(segment) => return true,
            (None, None) => return true,
            (Some("*"), Some(segment)) | (Some(segment), Some("*")) if open(segment) && segment != "**" => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
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

    /// Whether it selects every channel that `other` selects.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Channel(own), Self::Channel(other)) => own == other,
            (Self::Channel(_), Self::Pattern(_)) => false,
            (Self::Pattern(pattern), other) => covers(pattern.as_str(), other.as_str()),
        }
    }

    /// Whether there can be a channel that both select.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Channel(name), selector) | (selector, Self::Channel(name)) => selector.matches(name),
            (Self::Pattern(one), Self::Pattern(other)) => overlap(one.as_str(), other.as_str()),
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
            ("**", "@anna", false),
            ("*", "$events", false),
            ("*.eu", "@anna.eu", false),
            ("$presence.*", "$presence.news", true),
            ("news.*", "news.@anna", true),
        ];
        for (pattern, name, expected) in cases {
            let matched = Pattern::new(pattern).unwrap().matches(&ChannelName::new(name).unwrap());
            assert_eq!(matched, expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_pattern_covers_what_selects_no_more() {
        let cases = [
            ("**", "**", true),
            ("**", "*.eu", true),
            ("*", "**", false),
            ("*", "*", true),
            ("news.**", "news.*", true),
            ("news.*", "news.**", false),
            ("news.**", "news", false),
            ("news.*", "*.*", false),
            ("news.**", "$news.*", false),
            ("**", "$presence.*", false),
            ("$presence.**", "$presence.*", true),
        ];
        for (wide, narrow, expected) in cases {
            let covered = Pattern::new(wide).unwrap().covers(&Pattern::new(narrow).unwrap());
            assert_eq!(covered, expected, "{wide} over {narrow}");
        }
    }

    #[test]
    fn patterns_overlap_where_one_name_can_be_in_both() {
        let cases = [
            ("*.eu", "news.*", true),
            ("*.eu", "news.*.*", false),
            ("**", "news.*", true),
            ("**", "$presence.*", false),
            ("news.**", "*.*.fr", true),
            ("news.**", "*", false),
            ("a.*", "b.*", false),
            ("$presence.**", "$presence.*", true),
        ];
        for (one, other, expected) in cases {
            let selector = |text| Selector::new(text).unwrap();
            assert_eq!(selector(one).overlaps(&selector(other)), expected, "{one} and {other}");
            assert_eq!(selector(other).overlaps(&selector(one)), expected, "{other} and {one}");
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
