use std::{fmt, time::Duration};

use encke_fetch::{FetchConfig, TrustError, Url};
use http::{HeaderName, header};

/// How a [`Callback`](crate::Callback) asks, and for how long it remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackConfig {
    /// Whom to ask.
    pub url: Url,
    /// Headers of the client's request that are sent along: `cookie` and `authorization`. From where he comes is in the
    /// question already, without what he claims himself.
    pub headers: Vec<HeaderName>,
    /// How long an answer holds that does not say it.
    pub ttl: Duration,
    /// How long an answer holds at most, whatever it says.
    pub longest_ttl: Duration,
    /// How long a refusal is remembered.
    pub refusal_ttl: Duration,
    /// Decisions that are remembered, and as many refusals. Beyond it those are forgotten that were not of use lately.
    pub remembered: usize,
    /// Failures one after another, after which nobody is asked for a while.
    pub failures: u32,
    /// How long that is at first; it doubles with each failure.
    pub pause: Duration,
    /// How long that is at most.
    pub longest_pause: Duration,
    /// The limits of one question. Questions beyond [`FetchConfig::requests`] are refused at once.
    pub fetch: FetchConfig,
}

impl CallbackConfig {
    /// The defaults, asking `url`.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            headers: vec![header::COOKIE, header::AUTHORIZATION],
            ttl: Duration::from_secs(60),
            longest_ttl: Duration::from_secs(60 * 60),
            refusal_ttl: Duration::from_secs(1),
            remembered: 10_000,
            failures: 5,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            fetch: FetchConfig::default(),
        }
    }
}

/// Headers that concern one connection (RFC 9110, section 7.6.1), or that the question has its own of.
const NOT_SENT: [HeaderName; 12] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub(super) fn check(config: &CallbackConfig) -> Result<(), CallbackError> {
    let kept = |name: &&HeaderName| {
        NOT_SENT.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
    };
    match config.headers.iter().find(kept) {
        Some(name) => Err(CallbackError::Header(name.clone())),
        None => Ok(()),
    }
}

/// Why a callback cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackError {
    /// This header cannot be sent along.
    Header(HeaderName),
    /// The certificates to trust cannot be.
    Trust(TrustError),
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header `{name}` cannot be sent along"),
            Self::Trust(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallbackError {}
