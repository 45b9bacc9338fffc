//! The encke gateway: every transport over one log, in one binary.
//!
//! It only assembles. [`config`] says what is served where, [`Gateway`] listens and drains, and each request goes by
//! the router to the service of its transport.

mod admin;
mod admission;
mod authorizers;
mod certificates;
pub mod cli;
pub mod client;
pub mod config;
mod connection;
mod door;
mod engine;
mod feeds;
mod forwarded;
mod gateway;
mod http2;
mod listener;
mod log_tool;
mod logging;
mod metrics;
mod pages;
mod preface;
mod proxy;
mod proxy_header;
mod router;
mod run;
mod services;
mod stream;
mod tls;
mod told;
mod visitor;

pub use authorizers::AuthorizerError;
pub use certificates::TlsError;
pub use engine::EngineStartError;
pub use feeds::FeedError;
pub use gateway::{Gateway, StartError};
pub use http2::Http2Limits;
pub use proxy::{ProxyConfig, ProxyProtocol};
pub use run::run;
pub use tls::{CertificateFiles, TlsConfig};
pub use told::WebhookError;
