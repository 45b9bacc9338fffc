use std::{fmt, time::Duration};

use encke_hub::Access;

use super::KeyTemplate;

/// How a [`StoredKey`](crate::StoredKey) looks up who asks.
#[derive(Clone)]
pub struct StoredKeyConfig {
    /// Where Redis is: `redis://127.0.0.1:6379/0`, `redis://:password@127.0.0.1:6379` or `redis+unix:///run/redis.sock`.
    /// It is never shown. There is no TLS to Redis.
    pub url: String,
    /// Under which key somebody is stored.
    pub key: KeyTemplate,
    /// In which field, if what is stored there is a hash.
    pub field: Option<String>,
    /// What those may whose value names no rights. By default that is what they own.
    pub rights: Access,
    /// How long what was opened lasts before the key is looked up again; a value may only shorten it.
    pub ttl: Duration,
    /// How long Redis may take; beyond it [`Denied::Undecided`](encke_hub::Denied::Undecided).
    pub deadline: Duration,
    /// Look-ups at a time; beyond it [`Denied::Undecided`](encke_hub::Denied::Undecided).
    pub requests: usize,
}

impl StoredKeyConfig {
    /// The defaults, for `key` in the Redis at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>, key: KeyTemplate) -> Self {
        Self {
            url: url.into(),
            key,
            field: None,
            rights: Access::only([]),
            ttl: Duration::from_secs(60),
            deadline: Duration::from_secs(2),
            requests: 256,
        }
    }
}

impl fmt::Debug for StoredKeyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StoredKeyConfig");
        shown.field("key", &self.key).field("field", &self.field);
        shown.field("ttl", &self.ttl).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Why a stored key cannot be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredKeyError {
    /// The URL is none of a Redis that can be reached.
    Url,
}

impl fmt::Display for StoredKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("the URL of a Redis is redis://HOST:PORT/DB or redis+unix:///PATH"),
        }
    }
}

impl std::error::Error for StoredKeyError {}
