//! Long polling: a request is held until there is something to answer.
//!
//! Delay is as small as a stream's, and everything that passes HTTP passes it. Each answer costs a request,
//! headers and all, so frequent messages make a saw: `linger` gathers a burst into one answer, and above a few
//! messages a second a stream (SSE, WebSocket) is the better choice. Polling differs in that it never waits.
//!
//! ```
//! use std::time::Duration;
//!
//! use encke_hub::Hub;
//! use encke_longpoll::{LongPoll, LongPollConfig};
//!
//! # fn main() -> Result<(), encke_hub::RandomError> {
//! let hub = Hub::builder().build()?;
//! let service = LongPoll::service(hub, LongPollConfig::default().wait(Duration::from_secs(20)));
//! # Ok(())
//! # }
//! ```
//!
//! # The wire
//!
//! `GET /longpoll?channel=news[&channel=..][&since=..][&wait=25][&linger=50][&limit=..]` is answered with all that
//! there is, `{"messages":[..],"cursor":".."}`; when `wait` seconds (0 to 60; `Prefer: wait=` of RFC 7240 works
//! too) are over, with no messages and the cursor. The next request presents that cursor. Without `since` a
//! long poll begins at the latest message. The time of a hold is shortened at random by up to a tenth.
//!
//! # Limits
//!
//! | what | limit |
//! |---|---|
//! | hold | [`MAX_WAIT`] |
//! | linger | [`MAX_LINGER`] |
//! | messages and bytes of an answer | 1,000 and 1 MiB |

mod config;
mod framing;
mod request;
mod service;

pub use config::{LongPollConfig, MAX_LINGER, MAX_WAIT};
pub use service::{LongPoll, LongPollService};
