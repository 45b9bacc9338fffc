//! The engine keeps the promises of every engine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use encke_core::LogConfig;
use encke_redis::{RedisConfig, RedisEngine};
use encke_testkit::{RedisServer, engine::EngineUnderTest};

struct Redis(RedisServer);

impl EngineUnderTest for Redis {
    type Engine = RedisEngine;

    async fn new() -> Self {
        Self(RedisServer::start())
    }

    async fn open(&self, limits: LogConfig) -> RedisEngine {
        RedisEngine::connect(RedisConfig::new(self.0.url()), limits).await.unwrap()
    }
}

encke_testkit::engine_conformance!(Redis: outlives, nodes);
