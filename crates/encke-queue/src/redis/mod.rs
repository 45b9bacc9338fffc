//! What the stream and the bridge share of Redis.

mod glob;
mod lease;
mod link;
mod url;

pub(crate) use glob::Glob;
pub(crate) use lease::{Lease, Turn};
pub(crate) use link::Link;
pub use url::{RedisUrl, RedisUrlError};
