//! Opening the engine that the configuration names.

use std::{fmt, time::Duration};

use encke_core::{LogConfig, Pattern, Retention};
use encke_disk::{DiskConfig, DiskEngine, DiskError};
use encke_hub::{Hub, HubBuilder};
use encke_redis::{RedisConfig, RedisEngine, RedisError, RedisPeers};

use crate::{
    config::{self, Config, Engine, RedisMode},
    told::PLACES,
};

/// Why an engine cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineStartError {
    /// The folder cannot be the home of a log.
    Disk(DiskError),
    /// Redis cannot be.
    Redis(RedisError),
}

impl fmt::Display for EngineStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => fmt::Display::fmt(error, f),
            Self::Redis(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for EngineStartError {}

/// A hub to be, over the engine.
pub(crate) async fn open(config: &Config) -> Result<HubBuilder, EngineStartError> {
    let builder = Hub::builder().node(config.node.as_str());
    match &config.engine {
        Engine::Memory => Ok(builder),
        Engine::Disk { data, relaxed } => {
            let disk = DiskConfig { relaxed: *relaxed, ..DiskConfig::default() };
            let engine = DiskEngine::open(data, disk, log_config(config)).map_err(EngineStartError::Disk)?;
            Ok(builder.engine(engine))
        }
        Engine::Redis(redis) => {
            let redis = redis_config(redis);
            let peers = RedisPeers::new(&redis).map_err(EngineStartError::Redis)?;
            let engine = RedisEngine::connect(redis, log_config(config)).await;
            Ok(builder.engine(engine.map_err(EngineStartError::Redis)?).peers(peers))
        }
    }
}

/// The limits of the log, with what the gateway itself keeps there.
fn log_config(config: &Config) -> LogConfig {
    // Ten years: for good.
    let place = Retention { count: 1, age: Duration::from_secs(10 * 365 * 86_400), ..Retention::default() };
    let places = Pattern::new(&format!("{PLACES}**")).map(|pattern| (pattern, place));
    let mut log = config.log.clone();
    log.retention_of.splice(0..0, places);
    log
}

fn redis_config(redis: &config::RedisEngine) -> RedisConfig {
    let mut urls = redis.urls.expose().split(',').map(str::trim);
    let mut config = RedisConfig::new(urls.next().unwrap_or_default());
    for url in urls {
        config = config.also(url);
    }
    config = match &redis.mode {
        RedisMode::Single => config,
        RedisMode::Cluster => config.cluster(),
        RedisMode::Sentinel(master) => config.sentinel(master),
    };
    config.name(&redis.name).log_count(redis.catch_up).replicas(redis.replicas).wait(redis.wait)
}
