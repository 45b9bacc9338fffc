//! What the HTTP transports share: hold, framing and limit.
//!
//! A transport is a `tower` service over the hub. This crate has what all of them need, once: how a request
//! names its channels and its place ([`ChannelSource`], [`Params`], [`CursorCookie`]), who may ask
//! ([`Origins`], [`authorize`]), what an answer is ([`Body`], [`problem_response`]), and the two ways of
//! answering: one batch ([`Pull`]), or a held stream ([`Stream`]) that a [`Framing`] puts on the wire.
//!
//! A new transport that holds a request is a [`Framing`] and an [`Endpoint`], each of a page.
//!
//! # Limits
//!
//! | what | limit |
//! |---|---|
//! | parameters in a query | 256 |
//! | messages and bytes of one batch | 1,000 and 1 MiB |
//! | messages and bytes taken for one write of a stream | 256 and 64 KiB |
//! | age and bytes of a stream | [`StreamConfig`] |
//! | a write without progress | [`StallGuard`], around the connection |
//!
//! No layer that buffers, compresses or times out whole answers goes above a route that streams.

mod accept;
mod asker;
mod body;
mod callback;
mod chunk;
mod commands;
mod cookie;
mod framing;
mod keep;
mod origin;
mod params;
mod problem;
mod pull;
mod pulse;
mod read;
mod service;
mod source;
mod stall;
mod stream;

pub use accept::{accepts, accepts_gzip};
pub use asker::{Peer, ask, asker, authorize, follow, with_own};
pub use body::Body;
pub use callback::Callback;
pub use chunk::Chunk;
pub use commands::{members, store, store_all};
pub use cookie::CursorCookie;
pub use framing::{Framing, StreamEnd};
pub use keep::Keep;
pub use origin::{Cors, Origins, Scheme};
pub use params::{Params, decode, header, since};
pub use problem::{denied, end_problem, problem_response, publish_problem, subscribe_problem};
pub use pull::{Payload, Pull, PullConfig};
pub use pulse::{Beat, Pulse};
pub use read::read_body;
pub use service::{Endpoint, ResponseFuture, Service, allow, method_not_allowed, protect, take_body};
pub use source::{ChannelSource, PathChannel};
pub use stall::StallGuard;
pub use stream::{Stream, StreamConfig};
