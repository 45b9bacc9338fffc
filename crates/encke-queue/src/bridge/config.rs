use std::time::Duration;

use encke_core::Selector;

/// What a bridge joins, and how. Its limits have names here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeConfig {
    /// What people call it. The nodes over one engine call it the same; no other bridge to the same Redis does.
    pub name: String,
    /// What it follows in Redis, as PSUBSCRIBE has it: `*`, `?`, `[ab]`. Nothing comes from there if there is none.
    pub patterns: Vec<String>,
    /// With what the names begin in Redis, and not here. What begins otherwise is refused.
    pub redis_prefix: String,
    /// With what the names begin here, and not in Redis.
    pub channel_prefix: String,
    /// What is published here and is published in Redis too. Nothing, unless it is set.
    pub mirror: Vec<Selector>,
    /// How often it makes sure that Redis is there, and whose turn it is.
    pub heartbeat: Duration,
    /// Nodes over one engine take turns. One that is silent for so long has lost its turn.
    pub turn: Duration,
    /// Messages from Redis that may wait to be published; what comes beyond is dropped.
    pub waiting: usize,
    /// Bytes of those.
    pub waiting_bytes: usize,
    /// Before it connects again it waits at random, at first up to this.
    pub retry: Duration,
    /// The bound doubles with each failure, up to this.
    pub retry_most: Duration,
}

impl BridgeConfig {
    /// Feeds the channels of these patterns, under the same names.
    #[must_use]
    pub fn new(name: &str, patterns: impl IntoIterator<Item = String>) -> Self {
        Self {
            name: name.into(),
            patterns: patterns.into_iter().collect(),
            redis_prefix: String::new(),
            channel_prefix: String::new(),
            mirror: Vec::new(),
            heartbeat: Duration::from_secs(2),
            turn: Duration::from_secs(10),
            waiting: 10_000,
            waiting_bytes: 16 << 20,
            retry: Duration::from_millis(100),
            retry_most: Duration::from_secs(5),
        }
    }
}
