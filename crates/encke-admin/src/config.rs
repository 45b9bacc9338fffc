use std::{sync::Arc, time::Duration};

use encke_http::Origins;

/// The options of the administration.
#[derive(Clone)]
pub struct AdminConfig {
    pub(crate) prefix: String,
    pub(crate) origins: Origins,
    pub(crate) batch: usize,
    pub(crate) body: Duration,
    pub(crate) drain: Option<Arc<dyn Fn() + Send + Sync>>,
    pub(crate) facts: Option<Arc<Facts>>,
}

/// What the host knows of its process, when it is asked.
type Facts = dyn Fn() -> Vec<(String, Fact)> + Send + Sync;

/// Something that the host knows of its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A number: its name says of what unit.
    Number(u64),
    /// A text.
    Text(String),
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            origins: Origins::same(),
            batch: 100,
            body: Duration::from_secs(10),
            drain: None,
            facts: None,
        }
    }
}

impl AdminConfig {
    /// What stands before the paths of the operations, without a slash at its end: `/admin/api`. Nothing by default: for
    /// routers that take the prefix away themselves.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The origins whose pages may use it; the own one by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Messages of one publish, at most; 100 by default.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// The time for a body to come; 10 s by default.
    #[must_use]
    pub fn body(mut self, body: Duration) -> Self {
        self.body = body;
        self
    }

    /// What begins a drain, and returns at once. Without it the node cannot be drained from here.
    #[must_use]
    pub fn drain(mut self, drain: impl Fn() + Send + Sync + 'static) -> Self {
        self.drain = Some(Arc::new(drain));
        self
    }

    /// What the host knows of its process.
    #[must_use]
    pub fn facts(mut self, facts: impl Fn() -> Vec<(String, Fact)> + Send + Sync + 'static) -> Self {
        self.facts = Some(Arc::new(facts));
        self
    }
}

impl std::fmt::Debug for AdminConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminConfig")
            .field("prefix", &self.prefix)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

impl From<u64> for Fact {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
