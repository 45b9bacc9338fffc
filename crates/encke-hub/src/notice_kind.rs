use std::{fmt, str::FromStr};

use crate::What;

/// What kind of thing a [`Notice`](crate::Notice) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoticeKind {
    /// [`What::Connected`].
    Connected,
    /// [`What::Disconnected`].
    Disconnected,
    /// [`What::Joined`].
    Joined,
    /// [`What::Left`].
    Left,
    /// [`What::Occupied`].
    Occupied,
    /// [`What::Vacated`].
    Vacated,
    /// [`What::Published`].
    Published,
    /// [`What::Slow`].
    Slow,
    /// [`What::Refused`].
    Refused,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Connected,
        Self::Disconnected,
        Self::Joined,
        Self::Left,
        Self::Occupied,
        Self::Vacated,
        Self::Published,
        Self::Slow,
        Self::Refused,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Occupied => "occupied",
            Self::Vacated => "vacated",
            Self::Published => "published",
            Self::Slow => "slow",
            Self::Refused => "refused",
        }
    }

    pub(crate) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl What {
    /// Of which kind it is.
    #[must_use]
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::Connected => NoticeKind::Connected,
            Self::Disconnected => NoticeKind::Disconnected,
            Self::Joined => NoticeKind::Joined,
            Self::Left => NoticeKind::Left,
            Self::Occupied => NoticeKind::Occupied,
            Self::Vacated => NoticeKind::Vacated,
            Self::Published(_) => NoticeKind::Published,
            Self::Slow => NoticeKind::Slow,
            Self::Refused(_) => NoticeKind::Refused,
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoticeKind {
    type Err = UnknownNoticeKind;

    fn from_str(word: &str) -> Result<Self, UnknownNoticeKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownNoticeKind)
    }
}

/// The word names no kind of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownNoticeKind;

impl fmt::Display for UnknownNoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kind of notice is one of ")?;
        for (index, kind) in NoticeKind::ALL.into_iter().enumerate() {
            write!(f, "{}{kind}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownNoticeKind {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_names_its_kind() {
        for kind in NoticeKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let bits = NoticeKind::ALL.into_iter().fold(0u16, |bits, kind| bits | kind.bit());
        assert_eq!(bits.count_ones(), 9);
        assert_eq!("gone".parse::<NoticeKind>(), Err(UnknownNoticeKind));
    }
}
