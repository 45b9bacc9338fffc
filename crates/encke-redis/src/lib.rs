//! The engine of encke for several nodes over one Redis: one log, one order, whichever node one publishes to or reads
//! from.
//!
//! ```no_run
//! use encke_core::LogConfig;
//! use encke_hub::Hub;
//! use encke_redis::{RedisConfig, RedisEngine};
//!
//! # async fn node() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = RedisEngine::connect(RedisConfig::new("redis://127.0.0.1/"), LogConfig::default()).await?;
//! let hub = Hub::builder().engine(engine).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Use it when one node is not enough, or when no node may be missed: a client that loses its node goes on at any other
//! with the cursor that it has. For one node the memory or the disk engine is faster and promises more.
//!
//! # What it promises
//!
//! - **One order (L1).** A script in Redis gives each message its seq, stores it, and trims, all in one step. The
//!   nodes follow the log by their place in it: catching up after an outage and following live are the same, each
//!   entry is the next of the one before it or the node loads anew, and nothing is passed by in silence.
//! - **An answer means readable (L3)** on the node that was published to: it comes when that node's own log has the
//!   message. A client that goes to a slower node with a cursor ahead of it is waited for there.
//! - **Once or not at all (L4).** A publish whose answer is lost is stored or not; nobody sends it again by itself.
//!   With a key, a retry at any node gets the first answer.
//! - **A life ends when a message may be lost (L2).** What an answer survives is settled in Redis: with `appendfsync
//!   always` a crash of the machine, with `everysec` up to a second of it may be lost, without a file everything is; a
//!   replica that is promoted may lack what was not replicated yet (`min-replicas-to-write` keeps that small, the
//!   engine does not use `WAIT`). Whatever it was, it is not silent: a Redis that was restarted or promoted names its
//!   history anew (`master_replid`), and each script that writes compares that name, in the same step, with the one that
//!   the epoch belongs to. If it differs, or Redis lacks what a node has seen, a new epoch begins, and every cursor of the
//!   old one gets a gap. Retained messages keep their seqs, and seqs go on rising.
//! - **An outage refuses (S5).** While Redis does not answer, publishes fail within their time limit, subscribers stay,
//!   and what is in memory is read. The node reconnects by itself, asks who is master now, and goes on where it was.
//!
//! # What was given up
//!
//! - Every node gets every message, whether one of its clients follows or not.
//! - A log is one slot of a cluster and so one server; its limit is what that does with one script for each publish. Two
//!   logs ([`RedisConfig::name`]) share nothing.
//! - A restart or a promotion is a new epoch even if nothing was lost: that cannot be known.
//! - If a master was cut off, went on in its old life, and *all* nodes that have seen the newer one were restarted before
//!   it came back, that old life goes on, and what was published in the newer one is missing without a word to those whose
//!   cursors are of the old. Sentinels and clusters do not do this by themselves: they make an old master a replica.
//! - The limits on channels and bytes are judged by each node for itself, so publishes under way at that moment may
//!   exceed them by a little.
//! - Times are those of the nodes, made monotone; their clocks should agree.
//! - Reading far back through a pattern asks for each of its channels that has something there, a hundred at a time. Where
//!   that takes longer than the time limit it is refused.
//!
//! # Keys
//!
//! All begin with `{name}:`, braces included, so that they are in one slot. None has an expiry; a `maxmemory-policy` that
//! evicts any key (`allkeys-*`) is refused.
//!
//! | key | what |
//! |---|---|
//! | `life` | hash: the epoch, the history of the server that it belongs to, past epochs, how far the log goes |
//! | `log` | stream: what nodes follow, ids `seq-0` for messages, `seq-1` and on for what was trimmed after |
//! | `c:<channel>` | stream: the messages that a channel keeps, ids `seq-0` |
//! | `channels` | hash: for each channel its last seq, what it keeps, and what is gone |
//! | `ages` | sorted set: channels by when their oldest message may be too old |
//! | `gone` | sorted set: channels of which nothing is left, by their last seq |
//! | `keys:young`, `keys:old` | hashes: idempotency keys of this window and the last |
//!
//! # Limits
//!
//! Those of [`LogConfig`](encke_core::LogConfig), which all nodes should have alike, keys and tombstones among them; and
//! those of [`RedisConfig`]: what nodes can follow in messages and bytes, publishes under way, time. A page of older
//! messages, a trim and an expiry are done in steps of bounded size, because Redis does nothing else meanwhile.
//!
//! Redis 7 or newer is needed, or what speaks like it (Valkey 7.2).

mod config;
mod connect;
mod engine;
mod error;
mod follow;
mod keys;
mod link;
mod load;
mod node;
mod older;
mod peers;
mod progress;
mod publish;
mod record;
mod remove;
mod script;
mod value;

pub use config::RedisConfig;
pub use engine::RedisEngine;
pub use error::RedisError;
pub use peers::RedisPeers;
