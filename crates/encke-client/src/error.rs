use std::{fmt, io, time::Duration};

use encke_wire::{Problem, Remedy};

/// Why a publish or a subscription failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection could be made.
    Unreachable {
        /// Host and port.
        address: String,
        /// What the network said.
        error: io::Error,
    },
    /// The connection broke before the answer was whole. What was asked may have been done: a publish is then
    /// stored once or not at all.
    Cut(String),
    /// Nothing came for so long.
    Silent(Duration),
    /// The gateway refused, and says why.
    Problem(Box<Problem>),
    /// Something refused with this HTTP status and without a problem that could be read.
    Refused {
        /// The status.
        status: u16,
        /// When to come back, if it says so.
        retry_after: Option<Duration>,
    },
    /// What answered does not speak encke.
    Malformed(String),
    /// An item or answer is larger than this many bytes.
    TooLarge(usize),
    /// The gateway ended the subscription and does not want it back.
    Closed(String),
}

impl ClientError {
    /// Whether the same can succeed later. A [`Subscription`](crate::Subscription) comes back by itself then.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Cut(_) | Self::Silent(_) => true,
            Self::Problem(problem) => matches!(problem.remedy, Remedy::Retry | Remedy::ComeBackLater),
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Malformed(_) | Self::TooLarge(_) | Self::Closed(_) => false,
        }
    }

    /// When to come back, if the gateway said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after.map(Duration::from_secs),
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it is an answer at all: then there is something at the URL.
    pub(crate) fn is_answer(&self) -> bool {
        !matches!(self, Self::Unreachable { .. } | Self::Cut(_) | Self::Silent(_))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, error } => write!(f, "no gateway answers at {address}: {error}"),
            Self::Cut(why) => write!(f, "the connection broke: {why}"),
            Self::Silent(time) => write!(f, "nothing came for {} s", time.as_secs()),
            Self::Problem(problem) => write!(f, "{}: {}", problem.title, problem.detail),
            Self::Refused { status, .. } => write!(f, "refused with HTTP status {status}"),
            Self::Malformed(what) => write!(f, "this does not speak encke: {what}"),
            Self::TooLarge(limit) => write!(f, "larger than {limit} bytes"),
            Self::Closed(why) => write!(f, "the gateway ended the subscription: {why}"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Something has more bytes than its reader holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// The most bytes that it holds.
    pub limit: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "larger than {} bytes", self.limit)
    }
}

impl std::error::Error for TooLarge {}

impl From<TooLarge> for ClientError {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error.limit)
    }
}
