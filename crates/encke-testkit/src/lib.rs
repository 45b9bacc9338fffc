//! Test helpers of encke: a gateway on loopback, and clients that see every byte.
//!
//! Helpers panic where a test would have to fail anyway, with what was expected.
#![expect(clippy::expect_used, clippy::panic, reason = "a test helper fails the test that it serves")]

pub mod conformance;
pub mod engine;
mod event_stream;
pub mod fuzz;
mod gateway;
mod in_process;
mod process;
mod proxy;
mod raw;
mod redis_server;
mod script;
pub mod tokens;
pub mod transcript;
mod wait;

pub use encke_client::Transport;
pub use event_stream::{StreamEvent, read_event_stream};
pub use gateway::TestGateway;
pub use in_process::{ask, publish};
pub use process::GatewayProcess;
pub use proxy::CutProxy;
pub use raw::{Answer, Raw};
pub use redis_server::RedisServer;
pub use script::script_value;
pub use wait::{metric, wait_for};

/// How long anything in a test may take before the test fails. Nothing waits for it that succeeds.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
