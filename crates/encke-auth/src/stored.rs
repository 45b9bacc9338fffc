//! Looks up a key in Redis.

mod config;
mod store;
mod template;

use std::{fmt, sync::Arc};

use encke_core::Timestamp;
use encke_hub::{Access, Answer, Ask, Asker, Authorizer, Denied, Reads};

use self::store::Store;
pub use self::{
    config::{StoredKeyConfig, StoredKeyError},
    template::{KeyTemplate, KeyTemplateError},
};
use crate::{callback::answer, clock::Clock, rights};

/// Looks up in Redis who asks, by something that his request brings: the cookie, token or header under which the
/// application has stored him.
///
/// The value is the subject as text, who may what [`StoredKeyConfig::rights`] say; or JSON of the form of a
/// [`Callback`](crate::Callback)'s answer, with a `sub`: `{"sub":"42","rights":{"subscribe":["news.**"]}}`.
///
/// Without a key, or with nothing stored under it, he is [`Denied::Unauthenticated`]. Where Redis is not there, is slow,
/// or holds anything else, it is [`Denied::Undecided`]. Nothing is remembered: a key that is deleted admits nobody, and
/// ends what it opened as soon as that is asked for again.
#[derive(Clone)]
pub struct StoredKey(Arc<Inner>);

struct Inner {
    config: StoredKeyConfig,
    store: Store,
    clock: Clock,
}

impl StoredKey {
    /// Looks up where `config` says. It connects when it is first asked.
    ///
    /// # Errors
    /// [`StoredKeyError`] says what of `config` cannot be.
    pub fn new(config: StoredKeyConfig) -> Result<Self, StoredKeyError> {
        Self::timed(config, Clock::default())
    }

    /// The same with another clock than the system's.
    ///
    /// # Errors
    /// [`StoredKeyError`] says what of `config` cannot be.
    pub fn with_clock(
        config: StoredKeyConfig,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, StoredKeyError> {
        Self::timed(config, Clock::new(clock))
    }

    fn timed(config: StoredKeyConfig, clock: Clock) -> Result<Self, StoredKeyError> {
        let store = Store::new(&config)?;
        Ok(Self(Arc::new(Inner { config, store, clock })))
    }
}

impl Authorizer for StoredKey {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let Some(key) = self.0.config.key.of(&ask.asker) else {
            return Answer::now(Err(Denied::Unauthenticated));
        };
        let inner = Arc::clone(&self.0);
        Answer::later(async move { inner.look_up(&key).await })
    }

    fn reads(&self) -> Reads {
        self.0.config.key.reads()
    }

    fn presented(&self, asker: &Asker) -> bool {
        self.0.config.key.is_brought(asker)
    }
}

impl Inner {
    async fn look_up(&self, key: &str) -> Result<Access, Denied> {
        let found = self.store.value(key).await.map_err(|error| {
            tracing::debug!(%error, "the stored key could not be looked up");
            Denied::Undecided
        })?;
        let value = found.ok_or(Denied::Unauthenticated)?;
        self.admit(&value).ok_or(Denied::Undecided)
    }

    fn admit(&self, value: &[u8]) -> Option<Access> {
        let now = self.clock.now();
        let (mut access, mut ttl) = (self.config.rights.clone(), self.config.ttl);
        let subject = if value.starts_with(b"{") {
            let answer = answer::Answer::read(value)?;
            access = answer.rights.access_or(access);
            ttl = answer.ttl.unwrap_or(ttl).min(ttl);
            answer.subject?
        } else {
            plain(value)?
        };
        Some(access.for_subject(&subject).issued(now).until(now.after(ttl)))
    }
}

/// A subject that stands alone: visible ASCII, without what values have that were serialized.
fn plain(value: &[u8]) -> Option<Arc<str>> {
    let text = str::from_utf8(value).ok()?;
    let alone = text.bytes().all(|byte| byte.is_ascii_graphic() && !br#""'[]{}<>\;,"#.contains(&byte));
    if alone { rights::subject(text) } else { None }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey").field("config", &self.0.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_stands_alone() {
        for text in ["42", "anna", "anna@example.org", "0f1c-22", "a.b"] {
            assert_eq!(plain(text.as_bytes()).as_deref(), Some(text));
        }
        let php = r#"a:1:{s:4:"user";i:42;}"#;
        for text in ["", " 42", "42\n", "an na", "[42]", "\"42\"", php, "\u{e9}", "a.*", "\0", "<b>"] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
        assert_eq!(plain(b"\xff"), None);
        assert_eq!(plain(&[b'a'; 255]), None, "too long for a channel of its own");
    }
}
