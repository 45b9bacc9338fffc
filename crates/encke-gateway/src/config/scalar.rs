//! The types of single values: how each is read from text, shown as TOML, and described.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use bytesize::ByteSize;
use encke_core::{ChannelName, Pattern, Selector};

use super::{section::nearest, sources::Shape};

/// A single value of the configuration.
pub(super) trait Scalar: Sized {
    /// What a right value is, as the end of "must be ..".
    fn right() -> String;

    /// Whether it may be written so in TOML.
    fn fits(shape: Shape) -> bool {
        shape == Shape::Text
    }

    /// Reads it, or says what would be right if that is more than [`Scalar::right`].
    fn parse(text: &str) -> Result<Self, Option<String>>;

    /// The value as TOML.
    fn show(&self) -> String;
}

/// `text` as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A value that is one of a few words.
pub(super) trait Choice: Copy + PartialEq + 'static {
    /// Every word with its meaning.
    const ALL: &'static [(&'static str, Self)];

    /// The word for it.
    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, choice)| *choice == self).map_or("", |(word, _)| word)
    }
}

impl<T: Choice> Scalar for T {
    fn right() -> String {
        let words: Vec<String> = T::ALL.iter().map(|(word, _)| quoted(word)).collect();
        format!("one of {}", words.join(", "))
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let choice = T::ALL.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        let near = || nearest(text, T::ALL.iter().map(|(word, _)| *word));
        choice.ok_or_else(|| near().map(|word| format!("did you mean {}?", quoted(word))))
    }

    fn show(&self) -> String {
        quoted(self.word())
    }
}

impl Scalar for bool {
    fn right() -> String {
        "true or false".to_owned()
    }

    fn fits(shape: Shape) -> bool {
        shape == Shape::Switch
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|_| None)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_number {
    ($($number:ty),*) => {$(
        impl Scalar for $number {
            fn right() -> String {
                "a whole number".to_owned()
            }

            fn fits(shape: Shape) -> bool {
                shape == Shape::Whole
            }

            fn parse(text: &str) -> Result<Self, Option<String>> {
                text.replace('_', "").parse().map_err(|_| None)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

whole_number!(usize, u64);

/// A number, or `None` for "unlimited".
impl Scalar for Option<NonZeroUsize> {
    fn right() -> String {
        "a whole number from 1, or \"unlimited\"".to_owned()
    }

    fn fits(shape: Shape) -> bool {
        matches!(shape, Shape::Whole | Shape::Text)
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        match text {
            "unlimited" => Ok(None),
            number => number.replace('_', "").parse().map(Some).map_err(|_| None),
        }
    }

    fn show(&self) -> String {
        self.map_or_else(|| quoted("unlimited"), |number| number.to_string())
    }
}

impl Scalar for ByteSize {
    fn right() -> String {
        "a size such as \"64KiB\"".to_owned()
    }

    fn fits(shape: Shape) -> bool {
        matches!(shape, Shape::Whole | Shape::Text)
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let units = "write a number and B, KiB, MiB, GiB, or kB, MB, GB (powers of ten)";
        text.replace('_', "").parse().map_err(|_| Some(units.to_owned()))
    }

    fn show(&self) -> String {
        let bytes = self.as_u64();
        let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
        let exact = units.iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
        exact.map_or_else(|| quoted("0B"), |(name, unit)| quoted(&format!("{}{name}", bytes / unit)))
    }
}

impl Scalar for Duration {
    fn right() -> String {
        "a time such as \"15s\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let units = "write a number and ms, s, m, h, or days, also several: \"1h 30m\"";
        humantime::parse_duration(text).map_err(|_| Some(units.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&humantime::format_duration(*self).to_string())
    }
}

impl Scalar for SocketAddr {
    fn right() -> String {
        "an IP address and a port, such as \"127.0.0.1:8000\" or \"[::1]:8000\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|_| None)
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Scalar for ChannelName {
    fn right() -> String {
        "the name of a channel".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        Self::new(text).map_err(|error| Some(error.to_string()))
    }

    fn show(&self) -> String {
        quoted(self.as_str())
    }
}

impl Scalar for Pattern {
    fn right() -> String {
        "the name of a channel or a pattern such as \"quotes.**\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        Self::new(text).map_err(|error| Some(error.to_string()))
    }

    fn show(&self) -> String {
        quoted(self.as_str())
    }
}

impl Scalar for Selector {
    fn right() -> String {
        Pattern::right()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        Self::new(text).map_err(|error| Some(error.to_string()))
    }

    fn show(&self) -> String {
        quoted(self.as_str())
    }
}
