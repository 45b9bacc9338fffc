//! Publishing over HTTP, the commands of clients, and a look at the channels.
//!
//! ```
//! use encke_hub::Hub;
//! use encke_publish::{Publish, PublishConfig};
//!
//! # fn main() -> Result<(), encke_hub::RandomError> {
//! let hub = Hub::builder().build()?;
//! let service = Publish::service(hub, PublishConfig::default());
//! # Ok(())
//! # }
//! ```
//!
//! # The wire
//!
//! `POST /publish?channel=news[&channel=..]`: the body is the data and keeps its `Content-Type`; the answer, 200
//! with `{"cursor":"..","seq":42,"subscribers":3}`, is a promise that every read from now on finds the message.
//! `Idempotency-Key` (or `key=`) makes a retry safe, `Encke-Name` (or `name=`) names the message. A body of type
//! `application/x-ndjson` is a batch, one JSON object a line, answered with `{"results":[..]}`, a receipt or a
//! problem for each line.
//!
//! `user=42` publishes to the own channel of a subject, `@42`; the receipt then says whether he is there.
//!
//! `POST /command`: one JSON command, or a batch of them, as a WebSocket takes them: see [`encke_wire::Command`].
//!
//! `GET /channels[?pattern=..&after=..&limit=..]`, `GET /channels/{name}`, `DELETE /channels/{name}`.
//!
//! # Limits
//!
//! | what | limit |
//! |---|---|
//! | bytes of a message | [`encke_hub::HubConfig::message_bytes`] |
//! | messages or commands of a batch | [`PublishConfig::batch`], [`CommandsConfig::batch`] |
//! | time for a body | [`PublishConfig::body`], [`CommandsConfig::body`] |
//! | channels of a page | 1,000 |

mod channels;
mod commands;
mod config;
mod request;
mod service;

pub use channels::{Channels, ChannelsService};
pub use commands::{Commands, CommandsService};
pub use config::{CommandsConfig, PublishConfig};
pub use service::{Publish, PublishService};
