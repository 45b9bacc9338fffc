//! Server-sent events: one request, answered for ever with an event stream.
//!
//! The stream that browsers speak by themselves (`EventSource`), reconnects and resuming included; for anything
//! else it is a few lines to parse. It goes one way; publishing is a request of its own. A WebSocket goes both
//! ways and costs a little less for each message; the forever-iframe is for browsers that have neither.
//!
//! ```
//! use encke_hub::Hub;
//! use encke_sse::{Sse, SseConfig};
//!
//! # fn main() -> Result<(), encke_hub::RandomError> {
//! let hub = Hub::builder().build()?;
//! let service = Sse::service(hub, SseConfig::default());
//! # Ok(())
//! # }
//! ```
//!
//! # The wire
//!
//! `GET /sse?channel=news[&channel=..][&since=..]`. Each message is an event whose `id:` is its cursor and whose
//! `data:` is the envelope; a message with a name has it as `event:` (the names `open`, `error`, `message` and
//! `gap` aside, which the envelope alone shows). A gap is an event named `gap`. What a client reads first, with
//! each heartbeat and last is an `id:` without data: the place, also when no message came. A reconnect presents
//! it as `Last-Event-ID`, which goes before `last_event_id=` and `since=` of the URL. Without any a stream begins
//! at the latest message.
//!
//! # Limits
//!
//! Heartbeat, age and bytes of a stream: [`encke_http::StreamConfig`].

mod config;
mod framing;
mod request;
mod service;

pub use config::SseConfig;
pub use service::{Sse, SseService};
