//! The forever-iframe: a document that never ends, in a frame of the page that listens.
//!
//! Each message is a `<script>` that calls a function of the parent page. It is the stream for browsers that have
//! no `EventSource` and no WebSocket, and for pages that want no script of their own but a callback:
//!
//! ```html
//! <script>function handle(message) { console.log(message) }</script>
//! <iframe src="/iframe?channel=news&callback=handle" hidden></iframe>
//! ```
//!
//! Server-sent events are the same stream without a document around it, and cost the browser less.
//!
//! # The wire
//!
//! `GET /iframe?channel=news[&channel=..][&since=..]&callback=handle`, or `&origin=https://app.example` instead of the
//! callback for a parent of another origin that the route lists: it gets `postMessage`. The first bytes are a
//! small program and padding past 1 KiB, so that browsers begin to run what comes. Then each message is
//! `<script nonce="..">m(<envelope>,"<cursor>")</script>`, where an envelope with a key `__proto__` is
//! `JSON.parse("..")`, because a literal would lose that key. Scripts remove themselves. A gap is handed over like a
//! message; heartbeats tell the cursor. When the document ends, or says nothing for two heartbeats and 5 s, the
//! frame loads itself again from its cursor: a browser does not tell it that the connection was cut. If the gateway
//! is away at that moment, the frame becomes the browser's page of errors; the parent sees its `load`, and can make
//! another frame.
//!
//! # Limits
//!
//! Heartbeat, age and bytes of a stream: [`encke_http::StreamConfig`]; by default 1 MiB, which the browser holds.

mod config;
mod framing;
mod request;
mod service;

pub use config::IframeConfig;
pub use service::{Iframe, IframeService};
