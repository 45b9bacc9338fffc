//! Publishing through a queue, and the bridge to plain Redis pub/sub.
//!
//! An application that must not wait for its POST, or must not lose what it wants to tell while the gateway is down, puts
//! it into a queue: a [`Pump`] publishes what a [`Queue`] holds. [`RedisStream`] is one. Other queues (NATS, AMQP, Kafka,
//! a table in Postgres) implement the same trait.
//!
//! An application that already talks by PUBLISH and PSUBSCRIBE goes on doing so: a [`Bridge`] feeds channels from Redis,
//! and publishes there what is published here.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use encke_hub::{Action, Ask, Hub};
//! use encke_queue::{Pump, PumpConfig, RedisStream, RedisStreamConfig, RedisUrl};
//!
//! let hub = Hub::builder().build()?;
//! let grant = hub.authorize(&Ask::new(Action::Publish, Vec::new())).await?;
//! let url = RedisUrl::parse("redis://127.0.0.1:6379")?;
//! let stream = RedisStream::new(url, RedisStreamConfig::new("encke", "node-1"));
//!
//! let pump = Pump::new("orders", &hub, grant, PumpConfig::default())?;
//! pump.run(stream, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod backoff;
mod bridge;
mod in_order;
mod job;
mod pump;
mod queue;
mod redis;
mod stop;
mod stream;

pub use bridge::{Bridge, BridgeConfig, BridgeCounts, BridgeState};
pub use job::{Job, Malformed};
pub use pump::{Pump, PumpConfig, PumpCounts};
pub use queue::{Queue, QueueError};
pub use redis::{RedisUrl, RedisUrlError};
pub use stream::{RedisStream, RedisStreamConfig};
