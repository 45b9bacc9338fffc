//! Polling with a cursor: every request is answered at once, with what there is.
//!
//! The simplest transport and the last resort. It works through everything that passes HTTP; messages come late
//! by half the polling interval on average, and most requests are for nothing. Long polling holds the request
//! instead; it costs the same when messages are frequent and far less when they are rare.
//!
//! ```
//! use encke_hub::Hub;
//! use encke_poll::{Poll, PollConfig};
//!
//! # fn main() -> Result<(), encke_hub::RandomError> {
//! let hub = Hub::builder().build()?;
//! let service = Poll::service(hub, PollConfig::default().newest_first(true));
//! # Ok(())
//! # }
//! ```
//!
//! # The wire
//!
//! `GET /poll?channel=news[&channel=..][&since=..][&limit=..][&order=desc]` is answered with
//! `{"messages":[..],"cursor":".."}`. Without `since` a poll begins at the earliest retained message. The next poll presents
//! `cursor`, or the cursor of any message. The `ETag` changes when there is something new: `If-None-Match` gets
//! 304 until then.
//!
//! # Limits
//!
//! 1,000 messages or 1 MiB in an answer; what is left comes with the next poll.

mod config;
mod framing;
mod request;
mod service;

pub use config::PollConfig;
pub use service::{Poll, PollService};
