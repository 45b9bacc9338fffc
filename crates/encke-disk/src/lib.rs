//! The durable engine of encke: one file, one writer, an fsync for each group of publishes.
//!
//! It is for one node that must not lose what it has answered for: by a restart, a kill or a loss of power. What needs
//! no past beyond the process takes `MemoryEngine`; several nodes share a distributed engine.
//!
//! # Promises
//!
//! - An answer to a publish means that the message is safe on disk, in all its channels (L3). No reader sees it before.
//! - A publish without an answer is stored once or not at all. Keys outlive a restart, for their window (L4).
//! - The epoch outlives restarts and kills. It changes only if something that was answered for may be lost (L2): after an
//!   unclean end of a relaxed log, when an older copy is put back, when the newest commit is damaged.
//! - What is damaged is told, never served and never passed by (L5). Each row has a checksum over its place and itself,
//!   since the store does not verify what it reads; each message names the one before it in its channel, so a missing
//!   row is a broken chain; channels and keys are counted. After an unclean end the store checks every page. While it
//!   runs: readers get `Unavailable`, health is ill and names the file, and nothing is stored any more.
//! - Nothing is answered for after a write or a sync that failed, until the log is opened anew; reads go on. If space is
//!   all that was missing, publishes are refused as `NoSpace` and it goes on by itself when there is space again.
//!
//! With [`DiskConfig::relaxed`] answers do not wait for the disk: a loss of power, and a kill too, may take what was
//! answered within the last [`DiskConfig::sync_every`]. A clean end takes nothing.
//!
//! # How it works
//!
//! All publishes go through one thread. It takes what waits, gives each message its seq, trims, and commits all of it
//! with one fsync; then it feeds the log and answers. So the more publish at a time, the more one fsync carries. The log
//! keeps the newest messages in memory; older ones are read from the file, by snapshots that disturb nobody.
//!
//! Retention moves a mark at once; the rows behind the mark are removed in lumps, by a later commit than the one after
//! which the log was told of it: whoever does not find a row finds a log that knows that it is gone.
//!
//! # The folder
//!
//! | file | holds |
//! |---|---|
//! | `encke.redb` | the log |
//! | `encke.head` | which commits were answered for; never synced, a witness against what the log says of itself |
//! | `LOCK` | the lock, and the number of the process that has it |
//!
//! In the log: `meta` (the version of the format; the state: epoch, last message, counts), `channels` (for each its name,
//! last message, what is kept and what is gone), `messages` (under channel and seq, with all their channels) and `keys`.
//! A message in several channels stands in each. To copy a log, stop it or copy all of the folder's files at a moment
//! when nothing writes.
//!
//! # Limits
//!
//! [`DiskConfig`] has those of this engine, `LogConfig` those of the log; they hold within one commit too, but for
//! [`keys`](encke_core::LogConfig::keys), which one commit may exceed by its own. 4,096 orders wait, 4,096 dead rows go
//! with a commit. In memory stand of each channel about 300 bytes, and the sizes of its 64 oldest messages while it is
//! being trimmed. A page for a pattern looks at each channel that it matches and that has something newer: with 100,000
//! such channels that is tenths of a second of one of the few threads that read.
//!
//! # Why redb
//!
//! Of the stores that were measured (redb 4.5, fjall 3.1, SQLite, LMDB, segment files) it is the only one without
//! `unsafe` in its interface whose file access can be replaced, so that failing disks are tested; it reports all
//! damage when asked; it is small, has no threads of its own and needs no C compiler. Given up for that: fjall commits
//! 2 to 4 times as many messages per second, bare segment files ten times; and a log that ended uncleanly takes about a
//! second to open for each million messages, three where the file is larger than what the system caches.
//! Nothing outside `store` names it.

mod book;
mod chain;
mod channel;
mod config;
mod engine;
mod error;
mod folder;
mod group;
mod index;
mod read;
mod row;
mod seek;
mod shared;
mod store;
pub mod tool;
mod writer;

pub use config::DiskConfig;
pub use engine::DiskEngine;
pub use error::DiskError;
