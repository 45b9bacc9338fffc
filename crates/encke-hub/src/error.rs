use std::{fmt, time::Duration};

use encke_core::OpenError;

use crate::{Denied, EngineError};

/// Why a message was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// The grant does not cover it.
    Denied(Denied),
    /// The message has more bytes than [`HubConfig::message_bytes`](crate::HubConfig::message_bytes) allows.
    TooLarge {
        /// What is allowed.
        limit: usize,
    },
    /// Its publisher has published more than [`HubConfig::publish_rate`](crate::HubConfig::publish_rate) allows.
    TooMany {
        /// When the next is allowed.
        retry: Duration,
    },
    /// The engine did not store it.
    Engine(EngineError),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => fmt::Display::fmt(denied, f),
            Self::TooLarge { limit } => write!(f, "a message has at most {limit} bytes"),
            Self::TooMany { .. } => f.write_str("you publish too often"),
            Self::Engine(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for PublishError {}

impl From<Denied> for PublishError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// Why nothing is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The grant does not cover it.
    Denied(Denied),
    /// One subscription follows at most so many channels and patterns.
    TooManySelectors {
        /// What is allowed.
        limit: usize,
    },
    /// There are as many subscriptions as there may be.
    TooManySubscriptions,
    /// The subject has as many as [`HubConfig::subscriptions_per_subject`](crate::HubConfig::subscriptions_per_subject)
    /// allows.
    TooManyOfSubject {
        /// What is allowed.
        limit: usize,
    },
    /// Its subscriber has subscribed more often than [`HubConfig::subscribe_rate`](crate::HubConfig::subscribe_rate)
    /// allows.
    TooMany {
        /// When the next is allowed.
        retry: Duration,
    },
    /// A limit of the log refuses it.
    Log(OpenError),
    /// The engine cannot say where it begins.
    Engine(EngineError),
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => fmt::Display::fmt(denied, f),
            Self::TooManySelectors { limit } => {
                write!(f, "one subscription follows at most {limit} channels")
            }
            Self::TooManySubscriptions => f.write_str("there are too many subscriptions"),
            Self::TooManyOfSubject { limit } => {
                write!(f, "a subject has at most {limit} subscriptions at a time")
            }
            Self::TooMany { .. } => f.write_str("you subscribe too often"),
            Self::Log(error) => fmt::Display::fmt(error, f),
            Self::Engine(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for SubscribeError {}

impl From<Denied> for SubscribeError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<OpenError> for SubscribeError {
    fn from(error: OpenError) -> Self {
        Self::Log(error)
    }
}
