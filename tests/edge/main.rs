//! TLS, HTTP/2, and what proxies say of those for whom they ask: over real TCP, against a gateway on loopback.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of it is tests and their helpers"
)]

mod floods;
mod http2;
mod http2_client;
mod http2_websocket;
mod named;
mod proxies;
mod slow;
mod tls;
mod tls_client;
