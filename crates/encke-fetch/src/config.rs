use std::time::Duration;

use bytes::Bytes;

/// The limits of a [`Fetcher`](crate::Fetcher).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchConfig {
    /// From the request to the last byte of the answer; beyond it [`FetchError::Deadline`](crate::FetchError::Deadline).
    pub deadline: Duration,
    /// Bytes of an answer; beyond it [`FetchError::TooLarge`](crate::FetchError::TooLarge).
    pub answer_bytes: usize,
    /// Requests at a time, and so connections in use. Others wait, until their deadline.
    pub requests: usize,
    /// Connections to one server that are kept for the next request.
    pub kept: usize,
    /// How long they are kept. Four seconds, because many servers close after five, and what is sent just then is lost.
    pub idle: Duration,
    /// Certificates, as PEM, that are trusted beside those of the system.
    pub trusted: Option<Bytes>,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            answer_bytes: 64 << 10,
            requests: 64,
            kept: 16,
            idle: Duration::from_secs(4),
            trusted: None,
        }
    }
}
