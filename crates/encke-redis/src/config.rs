use std::{fmt, time::Duration};

use crate::RedisError;

/// Which Redis, and how it is used.
///
/// ```
/// use encke_redis::RedisConfig;
///
/// let one = RedisConfig::new("redis://127.0.0.1/");
/// let watched = RedisConfig::new("redis://:secret@sentinel-a:26379/")
///     .also("redis://:secret@sentinel-b:26379/")
///     .sentinel("mymaster");
/// let spread = RedisConfig::new("rediss://node-a/").also("rediss://node-b/").cluster().name("orders");
/// ```
#[derive(Clone)]
pub struct RedisConfig {
    pub(crate) urls: Vec<String>,
    pub(crate) way: Way,
    pub(crate) name: String,
    pub(crate) log_count: usize,
    pub(crate) log_bytes: usize,
    pub(crate) replicas: bool,
    pub(crate) time_limit: Duration,
    pub(crate) connect_limit: Duration,
    pub(crate) wait: bool,
    pub(crate) in_flight: usize,
}

/// How the server is found that takes writes.
#[derive(Clone)]
pub(crate) enum Way {
    /// It is the first of the URLs that takes them.
    Plain,
    /// Sentinels say.
    Sentinel { master: String, credentials: Option<(Option<String>, String)> },
    /// The cluster says.
    Cluster,
}

impl RedisConfig {
    /// One Redis by its URL: `redis://`, `rediss://` (TLS), `redis+unix://`, with user, password and database. The
    /// certificates of the system are trusted, or those of the file that `SSL_CERT_FILE` names.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            way: Way::Plain,
            name: "encke".to_owned(),
            log_count: 100_000,
            log_bytes: 256 << 20,
            replicas: false,
            time_limit: Duration::from_secs(2),
            connect_limit: Duration::from_secs(1),
            wait: false,
            in_flight: 4_096,
        }
    }

    /// A further address. Of plain servers the first that takes writes is used; of Sentinels and nodes of a cluster
    /// the first that answers.
    #[must_use]
    pub fn also(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// The URLs are Sentinels, who are asked for the server that they call `master`. User, password, database and TLS of
    /// the URLs are for the servers; see [`RedisConfig::sentinel_credentials`].
    #[must_use]
    pub fn sentinel(mut self, master: impl Into<String>) -> Self {
        self.way = Way::Sentinel { master: master.into(), credentials: None };
        self
    }

    /// What the Sentinels themselves want. Nothing by default; ignored without [`RedisConfig::sentinel`].
    #[must_use]
    pub fn sentinel_credentials(mut self, user: Option<String>, password: impl Into<String>) -> Self {
        if let Way::Sentinel { credentials, .. } = &mut self.way {
            *credentials = Some((user, password.into()));
        }
        self
    }

    /// The URLs are nodes of a cluster. The log is in one slot of it.
    #[must_use]
    pub fn cluster(mut self) -> Self {
        self.way = Way::Cluster;
        self
    }

    /// The name of the log: its keys begin with `{name}:`. Nodes with the same name share one log. `encke` by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many of the newest messages nodes can follow: one that was away for longer loads anew, and its
    /// subscribers reconnect. 100,000 by default, at least 1,000.
    #[must_use]
    pub fn log_count(mut self, messages: usize) -> Self {
        self.log_count = messages.max(1_000);
        self
    }

    /// Bytes of what nodes can follow, beside what the channels keep. 256 MiB by default. Whichever of the two limits is
    /// reached first; Redis frees in steps, so somewhat more is in use.
    #[must_use]
    pub fn log_bytes(mut self, bytes: usize) -> Self {
        self.log_bytes = bytes;
        self
    }

    /// Whether older messages are read from a replica where one has them. No by default. Publishing and following
    /// always go to the master.
    #[must_use]
    pub fn replicas(mut self, replicas: bool) -> Self {
        self.replicas = replicas;
        self
    }

    /// How long a publish or a read may take in all. 2 s by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How long connecting to one address may take. 1 s by default.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect_limit = limit;
        self
    }

    /// Whether connecting waits for a Redis that is not there yet, instead of failing. No by default.
    #[must_use]
    pub fn wait(mut self, wait: bool) -> Self {
        self.wait = wait;
        self
    }

    /// Publishes of this node that are under way at a time; further ones wait their turn within their time limit.
    /// 4,096 by default.
    #[must_use]
    pub fn in_flight(mut self, publishes: usize) -> Self {
        self.in_flight = publishes.max(1);
        self
    }

    /// The name, if it can be one.
    pub(crate) fn checked_name(&self) -> Result<&str, RedisError> {
        let usable = !self.name.is_empty() && !self.name.contains(['{', '}']);
        usable.then_some(self.name.as_str()).ok_or(RedisError::Name)
    }
}

impl fmt::Debug for RedisConfig {
    /// Without the URLs, which may have passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig").field("name", &self.name).field("urls", &self.urls.len()).finish()
    }
}
